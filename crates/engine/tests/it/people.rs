//! Users, their passwords and codes, their roles and tokens, as stories.

use domain::{
    Caller, Permission, Query, Source, UserName,
    audit::Event,
    authority::{BuiltInRole, CollectionName, Role, RoleName},
};
use engine::{
    Error, NewAssignment, NewCollection, NewToken, NewUser, SignInError, SignInForToken,
    SignInStep, UserChange, Visit,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::SignedDuration;
use testkit::TestApp;

const PASSWORD: &str = "correct horse battery";

async fn add(app: &TestApp, name: &str) {
    let new = NewUser {
        name: UserName::parse(name).unwrap(),
        display_name: None,
        address: None,
        password: Some(PASSWORD.to_owned()),
    };
    app.engine().people(&app.caller()).add_user(new).await.unwrap();
}

fn everywhere(role: BuiltInRole, user: &str) -> NewAssignment {
    NewAssignment {
        role: role.role().name,
        user: Some(user.to_owned()),
        group: None,
        connector: None,
        collection: None,
    }
}

async fn assign(app: &TestApp, role: BuiltInRole, user: &str) -> domain::AssignmentId {
    app.engine().people(&app.caller()).assign(everywhere(role, user)).await.unwrap()
}

async fn tries(app: &TestApp, name: &str, password: &str) -> Result<SignInStep, SignInError> {
    app.engine().sign_in_with_password(name, password, &Visit::default()).await
}

async fn signed_in(app: &TestApp, name: &str) -> (String, Caller) {
    match tries(app, name, PASSWORD).await.unwrap() {
        SignInStep::Done(session) => (session.secret, session.caller),
        SignInStep::Code(_) => panic!("no code was set up"),
    }
}

/// The code that a phone shows now.
fn code(offer: &engine::TotpOffer, app: &TestApp) -> String {
    let secret = bytes_of(&offer.secret);
    let step = u64::try_from(app.engine().now().as_second() / 30).unwrap();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&secret).unwrap();
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn bytes_of(base32: &str) -> Vec<u8> {
    let bits: String = base32
        .bytes()
        .map(|c| if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 })
        .map(|value| format!("{value:05b}"))
        .collect();
    bits.as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}

#[tokio::test]
async fn a_user_signs_in_with_a_password_and_does_what_the_role_permits() {
    let app = TestApp::beside(0).unwrap();
    add(&app, "Jane").await;
    assign(&app, BuiltInRole::HelpDesk, "jane").await;
    let (session, caller) = signed_in(&app, " JANE ").await;
    assert_eq!((caller.name.as_str(), caller.source), ("Jane", Source::Console));
    assert!(caller.may(Permission::ModifyResource) && !caller.may(Permission::WipeDevice));
    let refused = app.engine().people(&caller).users().await.unwrap_err();
    assert_eq!(refused.to_string(), "Jane has no permission Security: Modify");

    // Who is kept out is out at once, and comes in neither by session nor by password.
    let people = app.caller();
    let people = app.engine().people(&people);
    let disabled = UserChange { is_disabled: Some(true), ..UserChange::default() };
    people.change_user("jane", disabled).await.unwrap();
    assert_eq!(app.engine().caller_of_session(&session).await.unwrap(), None);
    assert!(matches!(tries(&app, "jane", PASSWORD).await, Err(SignInError::Wrong)));
    people.remove_user("jane").await.unwrap();
    assert!(matches!(people.user("jane").await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn every_wrong_answer_reads_the_same_and_ten_of_them_lock() {
    let app = TestApp::beside(0).unwrap();
    add(&app, "jane").await;
    let answer = tries(&app, "nobody", PASSWORD).await.unwrap_err().to_string();
    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.push(tries(&app, "jane", "wrong").await.unwrap_err().to_string());
    }
    // Locked: the right password does not help, and is answered the same.
    seen.push(tries(&app, "jane", PASSWORD).await.unwrap_err().to_string());
    assert!(seen.iter().all(|one| *one == answer), "{seen:?}");
    app.clock().advance(SignedDuration::from_secs(59));
    assert!(tries(&app, "jane", PASSWORD).await.is_err());
    app.clock().advance(SignedDuration::from_secs(1));
    tries(&app, "jane", "wrong").await.unwrap_err();
    app.clock().advance(SignedDuration::from_secs(119));
    assert!(tries(&app, "jane", PASSWORD).await.is_err(), "the second lock is longer");
    app.clock().advance(SignedDuration::from_secs(1));
    signed_in(&app, "jane").await;
    // The token of the server's owner is never locked.
    let local = app.engine().sign_in(TestApp::TOKEN, &Visit::default()).await.unwrap();
    assert!(local.is_some());
    let scope = app.caller().scope(Permission::ReadAudit).unwrap();
    let told = app.engine().store().audit(&scope, 0, 100).await.unwrap();
    assert!(told.iter().any(|row| row.document.contains("\"why\":\"locked\"")));
    assert!(told.iter().all(|row| !row.document.contains("nobody")), "it may be a password");
}

#[tokio::test]
async fn too_many_tries_from_one_address_are_told_to_wait() {
    let app = TestApp::beside(0).unwrap();
    let visit = Visit { address: Some("192.0.2.7".parse().unwrap()), agent: None };
    let tried = async || app.engine().sign_in_with_password("nobody", "x", &visit).await;
    for _ in 0..20 {
        assert!(matches!(tried().await, Err(SignInError::Wrong)));
    }
    match tried().await {
        Err(SignInError::TooMany(wait)) => assert_eq!(wait.as_secs(), 6),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_code_is_asked_for_once_it_was_shown_and_taken_once() {
    let app = TestApp::beside(0).unwrap();
    let visit = Visit::default();
    add(&app, "jane").await;
    let (_, caller) = signed_in(&app, "jane").await;
    let own = app.engine().people(&caller);
    let offer = own.offer_totp().await.unwrap();
    assert!(!format!("{offer:?}").contains(&offer.secret));
    // Not shown yet: signing in is as before.
    signed_in(&app, "jane").await;
    assert!(own.confirm_totp("000000").await.is_err());
    let recovery = own.confirm_totp(&code(&offer, &app)).await.unwrap();
    assert_eq!(recovery.len(), 10);

    let ticket = async || match tries(&app, "jane", PASSWORD).await.unwrap() {
        SignInStep::Code(ticket) => ticket,
        SignInStep::Done(_) => panic!("no code was asked for"),
    };
    let with =
        async |ticket: &str, code: &str| app.engine().sign_in_with_code(ticket, code, &visit).await;
    let first = ticket().await;
    assert!(with(&first, &code(&offer, &app)).await.is_err(), "that code was taken");
    app.clock().advance(SignedDuration::from_secs(30));
    let next = code(&offer, &app);
    with(&first, &next).await.unwrap();
    assert!(with(&ticket().await, &next).await.is_err(), "no code is taken twice");
    with(&ticket().await, &recovery[0].to_lowercase()).await.unwrap();
    assert!(with(&ticket().await, &recovery[0]).await.is_err(), "no recovery code either");
    assert_eq!(own.recovery_codes_left().await.unwrap(), 9);
    app.clock().advance(SignedDuration::from_secs(301));
    assert!(with(&first, &code(&offer, &app)).await.is_err(), "the ticket is too old");
    for forged in ["", "00", "zz", &"ab".repeat(100)] {
        assert!(with(forged, &code(&offer, &app)).await.is_err());
    }
    // With another password a ticket of before is worth nothing.
    let before = ticket().await;
    let other = "another horse battery";
    app.engine().people(&app.caller()).set_password("jane", other).await.unwrap();
    assert!(with(&before, &code(&offer, &app)).await.is_err());
    app.engine().people(&app.caller()).remove_totp("jane").await.unwrap();
    assert!(matches!(tries(&app, "jane", other).await, Ok(SignInStep::Done(_))));
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let app = TestApp::beside(0).unwrap();
    add(&app, "jane").await;
    let (here, caller) = signed_in(&app, "jane").await;
    let (there, _) = signed_in(&app, "jane").await;
    let (_, id) = app.engine().session_of(&here).await.unwrap().unwrap();
    let own = app.engine().people(&caller);
    let fresh = "a new horse battery";
    for (old, new) in [("wrong", fresh), (PASSWORD, "short"), (PASSWORD, "xx jane xx yy")] {
        let changed = own.change_own_password(old, new, Some(id)).await;
        assert!(matches!(changed, Err(Error::Invalid(_))), "{new}");
    }
    own.change_own_password(PASSWORD, fresh, Some(id)).await.unwrap();
    assert!(app.engine().caller_of_session(&here).await.unwrap().is_some());
    assert_eq!(app.engine().caller_of_session(&there).await.unwrap(), None);
    assert!(tries(&app, "jane", PASSWORD).await.is_err());
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_those_who_may() {
    let app = TestApp::beside(0).unwrap();
    for name in ["jane", "john"] {
        add(&app, name).await;
    }
    let ((jane, caller), (john, other)) =
        (signed_in(&app, "jane").await, signed_in(&app, "john").await);
    let own = app.engine().people(&caller).own_sessions().await.unwrap();
    assert_eq!(own.len(), 1);
    let johns = app.engine().people(&other).own_sessions().await.unwrap()[0].id;
    assert!(app.engine().people(&caller).end_session(johns).await.is_err(), "it is not hers");
    assert!(app.engine().caller_of_session(&john).await.unwrap().is_some());
    let local = app.caller();
    let people = app.engine().people(&local);
    let mut names: Vec<_> =
        people.sessions().await.unwrap().into_iter().map(|(_, name)| name).collect();
    names.sort();
    assert_eq!(names, ["jane", "john"]);
    people.end_session(johns).await.unwrap();
    assert_eq!(app.engine().caller_of_session(&john).await.unwrap(), None);
    people.end_sessions_of("jane").await.unwrap();
    assert_eq!(app.engine().caller_of_session(&jane).await.unwrap(), None);
}

#[tokio::test]
async fn somebody_stays_full_administrator() {
    let app = TestApp::beside(0).unwrap();
    let local = app.caller();
    let people = app.engine().people(&local);
    for name in ["jane", "john"] {
        add(&app, name).await;
    }
    let first = assign(&app, BuiltInRole::FullAdministrator, "jane").await;
    assert_eq!(first, assign(&app, BuiltInRole::FullAdministrator, "jane").await, "once is enough");
    let disabled = || UserChange { is_disabled: Some(true), ..UserChange::default() };
    assert!(matches!(people.unassign(first).await, Err(Error::Conflict(_))));
    assert!(matches!(people.remove_user("jane").await, Err(Error::Conflict(_))));
    assert!(matches!(people.change_user("jane", disabled()).await, Err(Error::Conflict(_))));
    assign(&app, BuiltInRole::FullAdministrator, "john").await;
    people.change_user("john", disabled()).await.unwrap();
    assert!(people.unassign(first).await.is_err(), "who is kept out does not count");
    let enabled = UserChange { is_disabled: Some(false), ..UserChange::default() };
    people.change_user("john", enabled).await.unwrap();
    people.rehearsed().unassign(first).await.unwrap();
    assert_eq!(people.assignments().await.unwrap().len(), 2, "a rehearsal changes nothing");
    people.unassign(first).await.unwrap();
}

#[tokio::test]
async fn a_role_of_ones_own_holds_in_a_collection() {
    let app = TestApp::connected(40).await.unwrap();
    app.sync().await.unwrap();
    let local = app.caller();
    let people = app.engine().people(&local);
    add(&app, "jane").await;
    let seer = RoleName::parse("seer").unwrap();
    let role = |permissions| Role { name: seer.clone(), description: String::new(), permissions };
    assert!(people.add_role(&role([].into())).await.is_err(), "it permits nothing");
    people.add_role(&role([Permission::ReadResource].into())).await.unwrap();
    assert!(people.add_role(&role([Permission::Read].into())).await.is_err());
    assert!(people.remove_role(&BuiltInRole::Auditor.role().name).await.is_err());
    let name = CollectionName::parse("one").unwrap();
    let devices = app.devices().await.unwrap();
    let query = Query::parse(&format!("guid:{}", devices[0].facts.guid)).unwrap();
    let new = NewCollection { name: name.clone(), description: String::new(), query };
    people.add_collection(new).await.unwrap();
    let assignment = NewAssignment {
        role: seer.clone(),
        collection: Some(name.clone()),
        ..everywhere(BuiltInRole::Auditor, "jane")
    };
    let id = people.assign(assignment).await.unwrap();
    assert_eq!(
        people.user("jane").await.unwrap().assignments[0].place.as_deref(),
        Some("collection one")
    );
    let (_, caller) = signed_in(&app, "jane").await;
    let scope = caller.scope(Permission::ReadResource).unwrap();
    let seen = async |index: usize| {
        let id = app.engine().store().device(&scope, devices[index].id).await;
        id.is_ok()
    };
    assert!(seen(0).await && !seen(1).await);
    assert!(people.remove_collection(&name).await.is_err(), "jane's role is scoped to it");
    assert!(people.remove_role(&seer).await.is_err(), "jane has it");
    people.unassign(id).await.unwrap();
    people.remove_role(&seer).await.unwrap();
    people.remove_collection(&name).await.unwrap();
}

#[tokio::test]
async fn a_token_does_what_it_was_made_for_until_it_ends() {
    let app = TestApp::connected(0).await.unwrap();
    add(&app, "jane").await;
    assign(&app, BuiltInRole::OperationsAdministrator, "jane").await;
    let (_, caller) = signed_in(&app, "jane").await;
    let own = app.engine().people(&caller);
    let of = async |token: &str| app.engine().caller_of_token(token, Source::Api).await.unwrap();
    let named = |name: &str| NewToken { name: name.to_owned(), ..NewToken::default() };

    let reading = own.make_token(named("monitoring")).await.unwrap();
    assert!(!format!("{reading:?}").contains(&reading.token));
    let reader = of(&reading.token).await.unwrap();
    assert!(reader.may(Permission::ReadResource) && !reader.may(Permission::ModifyResource));
    let all = Some([Permission::Read, Permission::WipeDevice].into());
    let more = NewToken { permissions: all, ..named("more") };
    let refused = app.engine().people(&reader).make_token(more.clone()).await.unwrap_err();
    assert_eq!(refused.to_string(), "jane has no permission Collection: Wipe device");
    let audit = NewToken { permissions: Some([Permission::ReadAudit].into()), ..named("x") };
    assert!(own.make_token(audit).await.is_err(), "jane has not got it herself");

    let here = NewToken { connector: Some(app.name()), ..more };
    let here = own.make_token(here).await.unwrap();
    let limited = of(&here.token).await.unwrap();
    let scope = limited.scope(Permission::WipeDevice).unwrap();
    assert_eq!(scope.connectors().map(<[_]>::len), Some(1));
    assert!(app.engine().people(&limited).make_token(named("out")).await.is_err());

    assert_eq!(own.own_tokens().await.unwrap().len(), 2);
    let used = own.own_tokens().await.unwrap();
    assert!(used.iter().all(|it| it.token.last_used == Some(app.engine().now())));
    own.revoke_token(here.kept.id).await.unwrap();
    assert_eq!(of(&here.token).await, None);
    for forged in [reading.token.replace("gp_", "xx_"), format!("{}0", reading.token)] {
        assert_eq!(of(&forged).await, None);
    }
    app.clock().advance(SignedDuration::from_hours(24 * 90));
    assert_eq!(of(&reading.token).await, None, "its time is over");
}

#[tokio::test]
async fn tokens_of_a_disabled_user_do_not_work() {
    let app = TestApp::beside(0).unwrap();
    add(&app, "robot").await;
    assign(&app, BuiltInRole::ReadOnlyAnalyst, "robot").await;
    let login = SignInForToken {
        name: "robot".to_owned(),
        password: PASSWORD.to_owned(),
        code: None,
        days: None,
    };
    let made = app.engine().sign_in_for_token(login, &Visit::default()).await.unwrap();
    let of = async || app.engine().caller_of_token(&made.token, Source::CommandLine).await.unwrap();
    assert_eq!(of().await.unwrap().name, "robot");
    let local = app.caller();
    let disabled = UserChange { is_disabled: Some(true), ..UserChange::default() };
    app.engine().people(&local).change_user("robot", disabled).await.unwrap();
    assert_eq!(of().await, None);
    let scope = local.scope(Permission::ReadAudit).unwrap();
    let told = app.engine().store().audit(&scope, 0, 100).await.unwrap();
    let events: Vec<_> = told.iter().map(|row| row.event).collect();
    assert_eq!(
        events,
        [Event::UserChanged, Event::AuthorityChanged, Event::SignedIn, Event::UserChanged]
    );
    assert!(told.iter().all(|row| !row.document.contains(PASSWORD)));
}
