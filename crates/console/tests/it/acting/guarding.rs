//! Many wipes, a second person, and the guard itself.

use super::*;

const IPHONES: &str =
    "/devices/act?action=wipe-account&query=state:allowed%20type:iPhone%20os:iOS*";

#[tokio::test]
async fn many_wipes_wait_for_a_second_person_and_are_taken_back() {
    let (app, _) = synced(200).await;
    let olga = console_of(&app, "olga", BuiltInRole::OperationsAdministrator).await;
    let sam = console_of(&app, "sam", BuiltInRole::SecurityOfficer).await;
    let preview = olga.get(IPHONES).await;
    assert!(preview.body.contains("It will wait for a second person."), "{}", preview.body);
    let answer = ask(&olga, IPHONES, "reason=stolen+van").await;
    let request = answer.header("location").to_owned();
    let page = olga.get(&request).await;
    assert!(page.body.contains("You asked for it, so somebody else has to decide."));
    assert!(!page.body.contains(&format!("{request}/approve")));
    // Whoever asked may not decide, whatever the page offers: here for lack of permission.
    let own = olga.post(&format!("{request}/approve"), "").await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
    assert!(!olga.get("/").await.body.contains("waiting for you"));

    let home = sam.get("/").await;
    assert!(home.body.contains(
        r#"<span class="waits">1<span class="visually-hidden"> waiting for you</span></span>"#
    ));
    let waiting = sam.get("/approvals").await;
    for said in ["stolen van", "olga", "1 request waits for your decision.", "Ends <time"] {
        let said = said.to_owned();
        assert!(waiting.body.contains(&said), "{said}: {}", waiting.body);
    }
    app.exchange().faults().offline = true;
    let answer = sam.post(&format!("{request}/approve"), "").await;
    assert_eq!(answer.header("location"), request);
    let again = sam.post(&format!("{request}/approve"), "").await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.body.contains("approved it already"), "{}", again.body);

    let confirm = olga.get("/approvals/take-back").await;
    assert!(confirm.body.contains("of 1 request not sent yet."), "{}", confirm.body);
    let answer = olga.post("/approvals/take-back", "").await;
    let cancelled = actions(&app, &request)
        .await
        .iter()
        .filter(|action| action.state == ActionState::Cancelled)
        .count();
    assert!(cancelled > 5, "{cancelled}");
    assert_eq!(answer.header("location"), format!("/approvals?taken={cancelled}"));
    let page = olga.get(answer.header("location")).await;
    assert!(page.body.contains(&format!("{cancelled} wipes taken back.")));
    assert!(olga.get(&request).await.body.contains("olga took back what was not sent"));
    app.exchange().faults().offline = false;
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
}

#[tokio::test]
async fn who_asked_is_refused_and_somebody_else_may_reject() {
    let (app, _) = synced(200).await;
    let fay = console_of(&app, "fay", BuiltInRole::FullAdministrator).await;
    let finn = console_of(&app, "finn", BuiltInRole::FullAdministrator).await;
    let answer = ask(&fay, IPHONES, "reason=stolen+van").await;
    let request = answer.header("location").to_owned();
    let own = fay.post(&format!("{request}/approve"), "").await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
    assert!(own.body.contains("It takes a second person"), "{}", own.body);
    let answer = finn.post(&format!("{request}/reject"), "").await;
    assert_eq!(answer.header("location"), request);
    assert!(fay.get(&request).await.body.contains("finn rejected it"));
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
}

#[tokio::test]
async fn the_guard_is_loosened_by_two_and_tightened_by_one() {
    let (app, _) = synced(20).await;
    let fay = console_of(&app, "fay", BuiltInRole::FullAdministrator).await;
    let finn = console_of(&app, "finn", BuiltInRole::FullAdministrator).await;
    let answer = fay.post("/guard/limits", "per_person=1&per_organization=2&reason=holidays").await;
    assert_eq!(answer.header("location"), "/approvals#guard");
    let page = fay.get("/approvals").await;
    assert!(page.body.contains("1 wipe an hour by one person, 2 a day for one organization."));
    for (address, form) in [
        ("/guard/limits", "per_person=1&per_organization=many&reason=x"),
        ("/guard/limits", "per_person=1&per_organization=9999&reason=x"),
        ("/guard/lift", "hours=99&reason=x"),
        ("/guard/lift", "hours=&reason=x"),
        ("/guard/lift", "hours=1&reason="),
    ] {
        let answer = fay.post(address, form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(answer.body.contains("The guard stays as it is."), "{form}");
    }
    fay.post("/guard/lift", "hours=1&reason=the+office+burned+down").await;
    let page = fay.get("/approvals").await;
    assert!(page.body.contains("fay proposed no limits for 1 hour"), "{}", page.body);
    assert!(!page.body.contains(r#"action="/guard/confirm""#), "it takes a second person");
    assert_eq!(fay.post("/guard/confirm", "").await.status, StatusCode::FORBIDDEN);
    assert!(finn.get("/approvals").await.body.contains(r#"action="/guard/confirm""#));
    finn.post("/guard/confirm", "").await;
    assert!(fay.get("/approvals").await.body.contains("Lifted: no limit holds."));
    fay.post("/guard/restore", "").await;
    assert!(!fay.get("/approvals").await.body.contains("Lifted: no limit holds."));
    assert_eq!(finn.post("/guard/confirm", "").await.status, StatusCode::CONFLICT);
}
