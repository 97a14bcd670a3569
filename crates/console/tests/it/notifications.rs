//! The pages of notifications, as a browser asks for them.

use axum::http::StatusCode;

use crate::Console;

const PAGE: &str = "/administration/notifications";

#[tokio::test]
async fn a_webhook_is_added_its_secret_shown_once_and_a_subscription_made() {
    let console = Console::signed_in().await;
    let empty = console.get(PAGE).await;
    assert!(empty.body.contains("Nobody is told anything yet: add a channel first."));
    let form = "name=pager&url=https%3A%2F%2Fhooks.contoso.com%2Fx";
    let added = console.post(&format!("{PAGE}/webhook"), form).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.body);
    assert!(added.body.contains("whsec_"));
    assert!(!console.get(PAGE).await.body.contains("whsec_"));

    let form = "name=night&channel=pager&topics=device.new&topics=device.quarantined\
                &addresses=&audience=&language=zh-Hant&connectors=&query=user%3Ajane";
    let added = console.post(&format!("{PAGE}/subscriptions"), form).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    let page = console.get(PAGE).await.body;
    assert!(page.contains("new device, device in quarantine"), "{page}");
    assert!(page.contains("by pager, 繁體中文") && page.contains("user:jane"), "{page}");

    let used = console.post(&format!("{PAGE}/channels/pager/remove"), "").await;
    assert_eq!(used.status, StatusCode::BAD_REQUEST);
    assert!(used.body.contains("The channel pager is used by night"), "{}", used.body);
    console.post(&format!("{PAGE}/channels/pager/switch"), "").await;
    assert!(console.get(PAGE).await.body.contains("switched off"));
    let wrong = console.post(&format!("{PAGE}/webhook"), "name=x&url=https%3A%2F%2F10.0.0.1").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("private address"), "{}", wrong.body);
    // What was typed is still there.
    assert!(wrong.body.contains("value=\"https://10.0.0.1\""), "{}", wrong.body);
    let mail = "name=post&host=mail&security=tls&port=x&from=g%40contoso.com&password=Unmistakable";
    let wrong = console.post(&format!("{PAGE}/mail"), mail).await;
    assert!(wrong.body.contains("is no port") && wrong.body.contains("value=\"tls\" selected"));
    assert!(!wrong.body.contains("Unmistakable"));
    let nothing = console.post(&format!("{PAGE}/subscriptions"), "name=x&channel=pager").await;
    assert!(nothing.body.contains("There is no topic; give one at least"), "{}", nothing.body);
    console.stop().await;
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let console = Console::signed_in().await;
    let request = console.request(axum::http::Method::POST, &format!("{PAGE}/webhook"));
    let request = request.header("sec-fetch-site", "cross-site");
    let answer = console.send(request, "name=pager&url=https%3A%2F%2Fhooks.contoso.com").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!console.get(PAGE).await.body.contains("pager</strong>"));
    console.stop().await;
}

#[tokio::test]
async fn words_are_shown_before_they_are_kept() {
    let console = Console::signed_in().await;
    let page = format!("{PAGE}/messages/device.quarantined/en");
    assert!(console.get(&page).await.body.contains("In quarantine on contoso: jane_iPhone"));
    let wrong = console.post(&page, "subject=%7Bwho%7D&body=x&act=keep").await;
    assert!(
        wrong.body.contains("{who}") && wrong.body.contains("role=\"alert\""),
        "{}",
        wrong.body
    );
    let form = "subject=%7Bcount%7D+%3Cphones%3E&body=%7Blist%7D";
    let shown = console.post(&page, &format!("{form}&act=show")).await;
    assert!(shown.body.contains("1 &#60;phones&#62;"), "{}", shown.body);
    assert!(shown.body.contains("the built-in words"));
    let kept = console.post(&page, &format!("{form}&act=keep")).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER);
    assert!(console.get(&page).await.body.contains("your own words"));
    console.post(&format!("{page}/reset"), "").await;
    assert!(console.get(&page).await.body.contains("the built-in words"));
    let nowhere = console.get(&format!("{PAGE}/messages/device.lost/en")).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    console.stop().await;
}
