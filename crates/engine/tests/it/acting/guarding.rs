//! So many wipes and no more, unless a second person agrees.

use domain::guard::{Change, Limits};

use super::*;

/// How many of a request stand in a state.
async fn count(app: &TestApp, request: &Request, state: ActionState) -> usize {
    actions(app, request).await.iter().filter(|action| action.state == state).count()
}

#[tokio::test]
async fn many_wipes_wait_for_a_second_person_and_go_in_growing_batches() {
    let (app, _) = synced(200).await;
    let operator = app.person("olga", BuiltInRole::OperationsAdministrator);
    let officer = app.person("sam", BuiltInRole::SecurityOfficer);
    let wish = by_query(ActionKind::WipeAccount, "state:allowed type:iPhone os:iOS*");
    let request = app.engine().ask(&operator, wish).await.unwrap();
    assert!(request.is_held(), "{request:?}");
    let both = Caller { person: operator.person, ..app.caller() };
    let own = app.engine().approve_request(&both, request.id).await.unwrap_err();
    assert!(own.to_string().contains("second person"), "{own}");
    let help_desk = app.person("holly", BuiltInRole::HelpDesk);
    let denied = app.engine().approve_request(&help_desk, request.id).await;
    assert!(matches!(denied, Err(Error::Denied(_))));
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
    let waiting = app.engine().waiting_for_approval(&officer).await.unwrap();
    assert_eq!(waiting, std::slice::from_ref(&request));
    app.engine().approve_request(&officer, request.id).await.unwrap();
    let twice = app.engine().approve_request(&officer, request.id).await.unwrap_err();
    assert!(twice.to_string().contains("already"), "{twice}");
    app.engine().request_settled(&app.caller(), request.id).await.unwrap();
    let possible = actions(&app, &request).await;
    let possible: Vec<_> = possible.iter().filter(|it| it.state != ActionState::Failed).collect();
    assert_eq!(app.exchange().ledger().received("Clear-MobileDevice").len(), possible.len());
    // A batch begins when the one before was sent.
    for (earlier, later) in possible.iter().zip(possible.iter().skip(1)) {
        assert!(earlier.intended <= later.intended && earlier.batch <= later.batch);
    }
}

#[tokio::test]
async fn what_was_not_sent_is_taken_back_at_once() {
    let (app, _) = synced(200).await;
    let operator = app.person("olga", BuiltInRole::OperationsAdministrator);
    let officer = app.person("sam", BuiltInRole::SecurityOfficer);
    let wish = by_query(ActionKind::WipeAccount, "state:allowed type:iPhone os:iOS*");
    let request = app.engine().ask(&operator, wish).await.unwrap();
    app.exchange().faults().offline = true;
    app.engine().approve_request(&officer, request.id).await.unwrap();
    let before = count(&app, &request, ActionState::Failed).await as u64;
    let cancelled = app.engine().cancel_all_wipes(&operator).await.unwrap();
    let all = actions(&app, &request).await.len() as u64;
    assert_eq!(cancelled + before, all);
    app.exchange().faults().offline = false;
    live_on(&app, SignedDuration::from_hours(2)).await;
    assert_eq!(count(&app, &request, ActionState::Cancelled).await as u64, cancelled);
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
    assert_eq!(app.engine().cancel_all_wipes(&operator).await.unwrap(), 0);
}

#[tokio::test]
async fn nobody_answers_in_time_and_nothing_is_sent() {
    let (app, _) = synced(100).await;
    let operator = app.person("olga", BuiltInRole::OperationsAdministrator);
    let wish = by_query(ActionKind::WipeAccount, "state:allowed type:iPhone");
    let request = app.engine().ask(&operator, wish).await.unwrap();
    app.clock().advance(SignedDuration::from_hours(25));
    let officer = app.person("sam", BuiltInRole::SecurityOfficer);
    assert_eq!(app.engine().waiting_for_approval(&officer).await.unwrap(), []);
    let late = app.engine().approve_request(&officer, request.id).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
}

#[tokio::test]
async fn the_guard_is_loosened_and_lifted_by_two_people_and_tightened_by_one() {
    let (app, _) = synced(20).await;
    let (one, two) = (
        app.person("fay", BuiltInRole::FullAdministrator),
        app.person("finn", BuiltInRole::FullAdministrator),
    );
    let engine = app.engine();
    let tight = Change::Limits(Limits { per_person: 1, per_organization: 2 });
    let guard = engine.change_guard(&one, tight, "holidays").await.unwrap();
    assert_eq!((guard.limits.per_person, guard.proposal), (1, None));
    let lift = Change::Lift(SignedDuration::from_hours(1));
    let guard = engine.change_guard(&one, lift, "the office burned down").await.unwrap();
    assert!(guard.proposal.is_some() && !guard.is_lifted(app.clock().now()));
    assert!(matches!(engine.confirm_guard(&one).await, Err(Error::Refused(_))));
    let guard = engine.confirm_guard(&two).await.unwrap();
    assert!(guard.is_lifted(app.clock().now()));
    assert!(matches!(engine.confirm_guard(&two).await, Err(Error::Conflict(_))));
    let wish = by_query(ActionKind::WipeAccount, "state:allowed type:iPhone");
    let preview = engine.preview_action(&one, &wish).await.unwrap();
    assert_eq!(preview.hold, None);
    app.clock().advance(SignedDuration::from_hours(2));
    let preview = engine.preview_action(&one, &wish).await.unwrap();
    assert!(preview.hold.is_some());
}
