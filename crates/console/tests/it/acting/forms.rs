//! Forms that are stale, sent twice, incomplete or made by hand.

use super::*;

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_request() {
    let (app, devices) = synced(60).await;
    let console = console_of(&app, "olga", BuiltInRole::OperationsAdministrator).await;
    let phone = modern(&devices);
    let page = console.get(&format!("/devices/act?action=wipe-account&device={}", phone.id)).await;
    let form = format!("{}&reason=lost", hidden(&page));
    let first = console.post("/devices/act", &form).await;
    let request = settled(&app, &first).await;
    let second = console.post("/devices/act", &form).await;
    assert_eq!(second.header("location"), request);
    assert_eq!(app.exchange().ledger().received("Clear-MobileDevice").len(), 1);
    // Another reason is another request: the key is not for it.
    let other = console.post("/devices/act", &form.replace("lost", "found")).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert!(other.body.contains("Nothing was asked for."));
}

#[tokio::test]
async fn a_stale_page_says_so_and_shows_what_it_would_be_now() {
    let (app, _) = synced(60).await;
    let console = console_of(&app, "olga", BuiltInRole::OperationsAdministrator).await;
    let page = console.get("/devices/act?action=block&query=state:allowed").await;
    let fields: Vec<_> = hidden(&page)
        .split('&')
        .map(|field| match field.starts_with("expected=") {
            true => "expected=3".to_owned(),
            false => field.to_owned(),
        })
        .collect();
    let answer = console.post("/devices/act", &format!("{}&reason=x", fields.join("&"))).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("3 devices were shown and it would be"), "{}", answer.body);
    assert_ne!(hidden(&answer), fields.join("&"), "the form is of now");
    // What was typed stays.
    assert!(answer.body.contains(r#"name="reason" value="x""#));
    let answer = console.post("/devices/act", &format!("{}&reason=x", hidden(&answer))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_entire_phone_is_erased_only_by_who_types_its_last_characters() {
    let (app, devices) = synced(60).await;
    let console = console_of(&app, "olga", BuiltInRole::OperationsAdministrator).await;
    let phone = modern(&devices);
    let own = console.get(&format!("/devices/{}", phone.id)).await;
    let apart = own.between(r#"<p class="apart">"#, "</p>");
    assert!(apart.contains("Erase entire phone"), "{apart}");
    let address = format!("/devices/act?action=wipe-device&device={}", phone.id);
    let page = console.get(&address).await;
    let short = phone.short_id();
    assert!(page.body.contains(&format!("Type <code>{short}</code> to confirm")));
    for typed in ["", "0000", "1"] {
        let answer = ask(&console, &address, &format!("reason=lost&typed={typed}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let said = format!("Type {short}, the last four characters of the device id");
        assert!(answer.body.contains(&said), "{}", answer.body);
    }
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
    let more = format!("reason=lost&typed={}", short.to_lowercase());
    settled(&app, &ask(&console, &address, &more).await).await;
    assert_eq!(app.exchange().ledger().received("Clear-MobileDevice").len(), 1);
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_is_kept() {
    let (app, devices) = synced(40).await;
    let console = console_of(&app, "olga", BuiltInRole::OperationsAdministrator).await;
    let address = format!("/devices/act?action=block&device={}", modern(&devices).id);
    let answer = ask(&console, &address, "reason=+").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("The reason is empty; say why, for the record."));
    // Nothing ticked is nothing, and not everything.
    let answer = console.get("/devices/act?matching=state:allowed&action=block").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("No device is meant; go back and select one"));
    let answer = console.get("/devices/act?action=block&query=state:nonsense").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = console.get("/devices/act?action=block&query=user:nobody-at-all").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let latest = app.engine().store().requests(&app.scope().unwrap(), 9).await.unwrap();
    assert_eq!(latest, []);
}

#[tokio::test]
async fn what_somebody_typed_stays_text() {
    let (app, devices) = synced(40).await;
    let console = console_of(&app, "olga", BuiltInRole::OperationsAdministrator).await;
    let phone = modern(&devices);
    let address = format!("/devices/act?action=block&device={}", phone.id);
    let more = "reason=%3Cscript%3Ealert(1)%E2%80%AE&ticket=%3Cb%3E";
    let request = settled(&app, &ask(&console, &address, more).await).await;
    for address in [&request, &format!("/devices/{}", phone.id), "/approvals"] {
        let page = console.get(address).await;
        assert_eq!(page.status, StatusCode::OK);
        for harmful in ["<script>alert", "<b>", "\u{202e}"] {
            assert!(!page.body.contains(harmful), "{address}: {harmful}");
        }
        assert!(page.body.contains("script"), "{address}");
    }
}

#[tokio::test]
async fn a_request_asks_again_only_for_what_it_does_not_show() {
    let (app, devices) = synced(40).await;
    let console = console_of(&app, "olga", BuiltInRole::OperationsAdministrator).await;
    let phone = modern(&devices);
    let address = format!("/devices/act?action=block&device={}", phone.id);
    let request = settled(&app, &ask(&console, &address, "reason=x").await).await;
    for address in [request, format!("/devices/{}", phone.id), "/".to_owned()] {
        let page = console.get(&address).await;
        let live = page.between("<div id=\"live\" hx-get=\"", "\"").replace("&#38;", "&");
        assert_eq!(console.get_part(&live).await.status, StatusCode::NO_CONTENT, "{live}");
        let other = live.split_once("seen=").unwrap().0.to_owned() + "seen=";
        let part = console.get_part(&other).await;
        assert_eq!(part.status, StatusCode::OK);
        assert!(part.body.contains("hx-swap-oob=\"true\"") && !part.body.contains("<html"));
    }
}
