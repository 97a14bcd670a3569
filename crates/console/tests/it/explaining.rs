//! The page of a device says why Exchange lets it in or not.

use domain::{AccessReason, AccessState, Device, authority::BuiltInRole};

use crate::acting::{console_of, synced};

fn with(devices: &[Device], state: AccessState, reason: AccessReason) -> &Device {
    let fits = |device: &&Device| {
        device.facts.access_state == state && device.facts.access_reason == Some(reason)
    };
    devices.iter().find(fits).unwrap()
}

#[tokio::test]
async fn the_page_of_a_blocked_phone_says_in_one_sentence_why() {
    let (app, devices) = synced(150).await;
    let console = console_of(&app, "holly", BuiltInRole::HelpDesk).await;
    let phone = with(&devices, AccessState::Blocked, AccessReason::Rule);
    let owner = phone.owner.name.clone().unwrap();

    // Before the rules were read, the inventory tells.
    let page = console.get(&format!("/devices/{}", phone.id)).await;
    let why = page.between("<p class=\"why blocked\">", "</p>").replace("&#34;", "\"");
    assert!(why.contains("of this organization blocks it."), "{why}");
    assert!(!page.body.contains("How Exchange decided"));
    assert!(page.body.contains("were not read"), "it says what is missing");

    app.engine().import_wish(&app.caller(), &app.name(), None).await.unwrap();
    let page = console.get(&format!("/devices/{}", phone.id)).await;
    let why = page.between("<p class=\"why blocked\">", "</p>").replace("&#34;", "\"");
    let sentence = format!(
        "Blocked: the rule \"WP8\" (type) of this organization blocks it. Allow it for {owner}, or \
         change the rule."
    );
    assert!(why.contains(&format!("<span>{sentence}</span>")), "{why}");
    assert!(!page.body.contains("reports something else"));
    let steps = page.between(r#"<ol class="decision">"#, "</ol>");
    assert_eq!(steps.matches("<li").count(), 9);
    assert_eq!(steps.matches(r#"aria-current="step""#).count(), 1);
    let (_, decides) = steps.split_once(r#"aria-current="step""#).unwrap();
    let (decides, _) = decides.split_once("</li>").unwrap();
    assert!(decides.contains("<strong>Block rules</strong>"), "{decides}");
    assert!(decides.contains(r#"<span class="outcome">decides</span>"#), "{decides}");
    let remedies = page.between(r#"<ul class="remedies">"#, "</ul>");
    assert!(
        remedies.contains(&format!(
            "Allow it for {owner}. <span class=\"hint\">Touches this device alone.</span>"
        )),
        "{remedies}"
    );
}

#[tokio::test]
async fn a_phone_that_got_in_has_its_sentence_and_no_remedies() {
    let (app, devices) = synced(150).await;
    app.engine().import_wish(&app.caller(), &app.name(), None).await.unwrap();
    let console = console_of(&app, "holly", BuiltInRole::HelpDesk).await;
    let phone = with(&devices, AccessState::Allowed, AccessReason::Rule);
    let page = console.get(&format!("/devices/{}", phone.id)).await;
    let why = page.between("<p class=\"why allowed\">", "</p>");
    assert!(why.contains("<span>Allowed: the rule "), "{why}");
    assert!(page.body.contains("How Exchange decided"));
    assert!(!page.body.contains("What would let it in"));
}

#[tokio::test]
async fn a_difference_is_a_notice_with_its_causes() {
    let (app, devices) = synced(60).await;
    app.engine().import_wish(&app.caller(), &app.name(), None).await.unwrap();
    let console = console_of(&app, "holly", BuiltInRole::HelpDesk).await;
    let phone = with(&devices, AccessState::Allowed, AccessReason::Rule);
    assert!(app.exchange().organization().autoblock_device(phone.facts.guid));
    app.engine().refresh_device(&app.caller(), phone.id).await.unwrap();
    let page = console.get(&format!("/devices/{}", phone.id)).await;
    let notice = page.between(r#"<div class="notice quarantined" role="status">"#, "</div>");
    assert!(notice.contains("Exchange reports something else than its rules say."), "{notice}");
    assert!(notice.contains("By what was read of them: Allowed: the rule"), "{notice}");
    assert!(notice.contains("went over a threshold"), "{notice}");
    let why = page.between("<p class=\"why blocked\">", "</p>");
    assert!(why.contains("Blocked by Exchange&#39;s own protection"), "{why}");
    assert!(page.between(r#"<ul class="remedies">"#, "</ul>").contains("Reset the block"));
}
