//! Who is let in, and what they may do then.

use domain::{
    Caller, Permission, Source, Timestamp,
    audit::Event,
    authority::{AssignedPlace, Assignee, Assignment, BuiltInRole, GroupName},
};
use engine::{ExternalIdentity, NewSession, SignInError, Visit};
use jiff::SignedDuration;
use store::PeopleWrite;
use testkit::TestApp;

async fn signed_in(app: &TestApp) -> String {
    let session = app.engine().sign_in(TestApp::TOKEN, &Visit::default()).await.unwrap();
    session.unwrap().secret
}

fn local(at: Timestamp) -> Option<Caller> {
    Some(Caller::local_administrator().by(Source::Console).at(at))
}

#[tokio::test]
async fn a_session_begins_with_the_token_and_ends_after_a_working_day() {
    let app = TestApp::beside(0).unwrap();
    let engine = app.engine();
    for wrong in ["", " ", "token", &TestApp::TOKEN.to_uppercase()] {
        assert_eq!(engine.caller_of_token(wrong, Source::Api).await.unwrap(), None);
        assert_eq!(engine.sign_in(wrong, &Visit::default()).await.unwrap(), None);
    }
    let caller = engine.caller_of_token(TestApp::TOKEN, Source::Console).await.unwrap();
    assert_eq!(caller, local(engine.now()));
    let session = signed_in(&app).await;
    assert_ne!(session, signed_in(&app).await);
    assert_eq!(engine.caller_of_session("x").await.unwrap(), None);
    for _ in 0..11 {
        app.clock().advance(SignedDuration::from_hours(1));
        assert_eq!(engine.caller_of_session(&session).await.unwrap(), local(engine.now()));
    }
    app.clock().advance(SignedDuration::from_hours(1));
    assert_eq!(engine.caller_of_session(&session).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_sooner() {
    let app = TestApp::beside(0).unwrap();
    let session = signed_in(&app).await;
    app.clock().advance(SignedDuration::from_mins(121));
    assert_eq!(app.engine().caller_of_session(&session).await.unwrap(), None);
}

#[tokio::test]
async fn who_signs_out_is_not_let_in_again() {
    let app = TestApp::beside(0).unwrap();
    let session = signed_in(&app).await;
    app.engine().sign_out(&session).await.unwrap();
    assert_eq!(app.engine().caller_of_session(&session).await.unwrap(), None);
    app.engine().sign_out(&session).await.unwrap();
}

#[tokio::test]
async fn a_session_outlives_a_restart() {
    let mut app = TestApp::beside(0).unwrap();
    let session = signed_in(&app).await;
    app.restart().await.unwrap();
    let caller = app.engine().caller_of_session(&session).await.unwrap();
    assert_eq!(caller, local(app.engine().now()));
}

#[tokio::test]
async fn only_so_many_sessions_of_one_person_are_open() {
    let app = TestApp::beside(0).unwrap();
    let first = signed_in(&app).await;
    for _ in 0..20 {
        app.clock().advance(SignedDuration::from_secs(1));
        signed_in(&app).await;
    }
    assert_eq!(app.engine().caller_of_session(&first).await.unwrap(), None);
}

fn jane(groups: &[&str]) -> ExternalIdentity {
    ExternalIdentity {
        provider: "corp".to_owned(),
        subject: "S-1-5-21-7".to_owned(),
        name: "jane".to_owned(),
        display_name: Some("Jane Doe".to_owned()),
        address: None,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

async fn assign(app: &TestApp, role: BuiltInRole, group: &str) {
    let assignment = Assignment {
        id: domain::AssignmentId(uuid::Uuid::new_v4()),
        role: role.role().name,
        assignee: Assignee::Group(GroupName::parse(group).unwrap()),
        place: AssignedPlace::Everywhere,
        created: app.engine().now(),
    };
    let write = [PeopleWrite::AddAssignment(&assignment)];
    app.engine().store().write_people(&[], &write).await.unwrap();
}

async fn admitted(app: &TestApp, who: ExternalIdentity) -> Result<NewSession, SignInError> {
    app.engine().admit(who, &Visit::default()).await
}

#[tokio::test]
async fn whom_a_provider_vouches_for_comes_in_by_a_group_with_a_role() {
    let app = TestApp::beside(0).unwrap();
    let refused = admitted(&app, jane(&["help desk"])).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "jane may do nothing here yet; an administrator of Gatepost assigns a role first"
    );
    assign(&app, BuiltInRole::HelpDesk, "corp:help desk").await;
    assign(&app, BuiltInRole::FullAdministrator, "other:help desk").await;
    let session = admitted(&app, jane(&["help desk", "staff"])).await.unwrap();
    let caller = app.engine().caller_of_session(&session.secret).await.unwrap().unwrap();
    assert_eq!((caller.name.as_str(), caller.source), ("jane", Source::Console));
    assert!(caller.may(Permission::ModifyResource) && !caller.may(Permission::WipeDevice));

    // The same person under another name, who has left the group.
    let renamed = ExternalIdentity { name: "jane.roe".to_owned(), ..jane(&[]) };
    assert!(matches!(admitted(&app, renamed).await, Err(SignInError::NothingAssigned(_))));
    let known = app.engine().store().people().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].name.as_str(), known[0].id), ("jane.roe", caller.person));
    // The session that was open has nothing left to do either.
    let caller = app.engine().caller_of_session(&session.secret).await.unwrap().unwrap();
    assert!(!caller.may(Permission::Read));

    let scope = app.caller().scope(Permission::ReadAudit).unwrap();
    let told = app.engine().store().audit(&scope, 0, 100).await.unwrap();
    let events: Vec<_> = told.iter().map(|row| row.event).collect();
    let (changed, failed) = (Event::UserChanged, Event::SignInFailed);
    assert_eq!(events, [changed, failed, Event::SignedIn, failed]);
}

#[tokio::test]
async fn nobody_without_a_name_is_vouched_for() {
    let app = TestApp::beside(0).unwrap();
    for who in [
        ExternalIdentity { subject: String::new(), ..jane(&[]) },
        ExternalIdentity { name: " ".to_owned(), ..jane(&[]) },
        ExternalIdentity { name: "x".repeat(1000), ..jane(&[]) },
        ExternalIdentity { provider: "a:b".to_owned(), ..jane(&[]) },
    ] {
        assert!(matches!(admitted(&app, who).await, Err(SignInError::Other(_))));
    }
    assert_eq!(app.engine().store().people().await.unwrap(), []);
}
