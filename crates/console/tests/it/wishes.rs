//! What an organization shall be, changed by the forms of the console: beside a simulated
//! organization.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use domain::{PlanId, authority::BuiltInRole, wish::PlanState};
use jiff::SignedDuration;
use testkit::TestApp;

use crate::{
    Answer, Console,
    acting::console_of,
    setup::{encoded, form},
};

const SETTINGS: &str = "/connectors/lab/settings";
const ACCESS: &str = "/connectors/lab/access";

async fn synced() -> (TestApp, Console) {
    let app = TestApp::connected(80).await.unwrap();
    app.sync().await.unwrap();
    let console = console_of(&app, "ada", BuiltInRole::FullAdministrator).await;
    (app, console)
}

/// Sends the form of a page with some fields changed; where that leads.
async fn send(console: &Console, address: &str, fields: &[(&str, &str)]) -> Answer {
    let page = console.get(address).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    send_of(console, address, &page, fields).await
}

async fn send_of(
    console: &Console,
    address: &str,
    page: &Answer,
    fields: &[(&str, &str)],
) -> Answer {
    let mut sent: BTreeMap<String, String> = form(page);
    for unticked in ["policy.adopt", "go"] {
        sent.remove(unticked);
    }
    sent.retain(|name, _| !name.ends_with(".remove"));
    for (name, value) in fields {
        sent.insert((*name).to_owned(), (*value).to_owned());
    }
    let address = address.split('?').next().unwrap();
    console.post(address, &encoded(&sent)).await
}

/// The page of the plan that an answer leads to, once it stands still.
async fn planned(app: &TestApp, console: &Console, answer: &Answer) -> (String, Answer) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let address = answer.header("location").to_owned();
    let id: PlanId = address.rsplit('/').next().unwrap().parse().unwrap();
    app.engine().plan_settled(&app.caller(), id).await.unwrap();
    let page = console.get(&address).await;
    assert_eq!(page.status, StatusCode::OK);
    (address, page)
}

async fn applied(app: &TestApp, console: &Console, address: &str) -> Answer {
    let answer = console.post(&format!("{address}/apply"), "").await;
    let (_, page) = planned(app, console, &answer).await;
    assert!(page.body.contains("Exchange was read back and is as planned."), "{}", page.body);
    page
}

async fn imported(app: &TestApp, console: &Console) {
    let answer = console.post("/connectors/lab/wish/import", "").await;
    let (address, page) = planned(app, console, &answer).await;
    assert!(page.body.contains("Nothing would change in Exchange."), "{}", page.body);
    assert!(page.body.contains("Keep this from now on"));
    applied(app, console, &address).await;
}

#[tokio::test]
async fn from_what_exchange_has_to_a_change_behind_our_back_and_the_first_day_again() {
    let (app, console) = synced().await;
    let camera =
        || app.exchange().organization().policy_texts("Default").unwrap()["AllowCamera"].clone();
    let first = console.get(SETTINGS).await;
    assert!(first.body.contains("Start from what Exchange has now"));
    imported(&app, &console).await;

    let two = [
        ("security.allow_camera", "false"),
        ("email_management.maximum_attachment_size", "value"),
        ("email_management.maximum_attachment_size.value", "10"),
        ("email_management.maximum_attachment_size.unit", "MB"),
    ];
    let (address, page) = planned(&app, &console, &send(&console, SETTINGS, &two).await).await;
    let changes = page.between("aria-labelledby=\"changes-title\"", "</section>");
    for said in [
        "<strong class=\"verb\">change</strong> Camera (policy Default)",
        "<td data-label=\"Before\">allowed</td>",
        "<strong>not allowed</strong>",
        "<strong>10 MB</strong>",
    ] {
        assert!(changes.contains(said), "{said}: {changes}");
    }
    assert_eq!(camera(), "True", "a plan writes nothing");

    // The rule comes to the same plan.
    let further = address.replace("plans/", "access?from=");
    let rule = [("new.of", "type"), ("new.value", "WindowsMail"), ("new.level", "block")];
    let (address, page) = planned(&app, &console, &send(&console, &further, &rule).await).await;
    assert!(page.body.contains("<strong class=\"verb\">add</strong> Rule type WindowsMail"));
    assert!(page.body.contains("3 changes, 2 writes to Exchange."), "{}", page.body);
    let page = applied(&app, &console, &address).await;
    assert!(page.body.contains("id=\"take-back\""));
    assert_eq!(camera(), "False");
    let access = console.get(ACCESS).await;
    assert!(access.body.contains("Revision 2, applied by ada"), "{}", access.body);

    app.clock().advance(SignedDuration::from_hours(1));
    let behind = "Set-MobileDeviceMailboxPolicy -Identity Default -AllowCamera $true";
    app.exchange().console(behind).unwrap();
    let answer = console.post("/connectors/lab/drift/check", "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    for address in [SETTINGS, ACCESS, "/connectors/lab", "/"] {
        let page = console.get(address).await;
        assert!(page.body.contains("1 setting is not as written."), "{address}: {}", page.body);
        let sentence = "Camera (policy Default) is allowed and shall be not allowed; ";
        assert!(page.body.contains(sentence), "{address}");
        assert!(page.body.to_lowercase().contains("administrator changed it at"), "{address}");
    }
    let answer = console.post("/connectors/lab/drift/mend", "").await;
    let (address, _) = planned(&app, &console, &answer).await;
    applied(&app, &console, &address).await;
    assert_eq!(camera(), "False");
    assert!(!console.get(SETTINGS).await.body.contains("not as written"));

    let answer = console.post("/connectors/lab/wish/take-back", "").await;
    let (address, page) = planned(&app, &console, &answer).await;
    assert!(page.body.contains("<strong class=\"verb\">REMOVE</strong> Rule type WindowsMail"));
    let changes = page.between("id=\"changes-title\"", "</section>");
    let (removal, change) = (changes.find("REMOVE").unwrap(), changes.find("Camera").unwrap());
    assert!(removal < change, "removals come first");
    applied(&app, &console, &address).await;
    assert_eq!(camera(), "True");
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_and_the_rest_is_kept() {
    let (_app, console) = synced().await;
    let wrong = [
        ("password.minimum_length", "value"),
        ("password.minimum_length.value", "99"),
        ("security.allow_camera", "false"),
        ("policy", "own"),
        ("policy.name", "Field staff"),
        ("policy.mailboxes", "these"),
    ];
    let page = send(&console, SETTINGS, &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_snapshot!(page.between("<div class=\"error\" role=\"alert\">", "</div>"));
    assert!(page.body.contains(r#"name="password.minimum_length.value" value="99""#));
    assert!(page.body.contains(r#"<option value="false" selected>not allowed</option>"#));
    assert!(page.body.contains(r#"value="Field staff""#));

    let long = "x".repeat(257);
    let wrong = [
        ("level", "block"),
        ("new.of", "os"),
        ("new.value", "iOS < x"),
        ("text", "this"),
        ("text.words", long.as_str()),
    ];
    let page = send(&console, ACCESS, &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_snapshot!(page.between("<div class=\"error\" role=\"alert\">", "</div>"));
    assert!(page.body.contains(r#"name="level" value="block" checked"#));
    let days = console.post("/connectors/lab/access/switch", "days=soon").await;
    assert_eq!(days.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(days.body.contains("Write a number of days from 1 to 3650."));
}

#[tokio::test]
async fn rules_are_put_into_the_table_adopted_and_removed() {
    let (app, console) = synced().await;
    app.exchange()
        .console(
            "New-ActiveSyncDeviceAccessRule -Characteristic DeviceType -QueryString TestPhone \
             -AccessLevel Block",
        )
        .unwrap();
    imported(&app, &console).await;
    app.exchange()
        .console(
            "New-ActiveSyncDeviceAccessRule -Characteristic DeviceType -QueryString TestTablet \
             -AccessLevel Block",
        )
        .unwrap();
    console.post("/connectors/lab/drift/check", "").await;
    let page = console.get(ACCESS).await;
    assert!(page.body.contains("type TestTablet<span class=\"second\">made by hand; left alone"));
    assert!(page.body.contains("<code id=\"rule.0.value\">"));

    let adopted = send_of(&console, ACCESS, &page, &[("adopt", "block type: TestTablet")]).await;
    assert_eq!(adopted.status, StatusCode::OK);
    let added =
        [("go", "add"), ("new.of", "os"), ("new.value", "iOS < 99"), ("new.level", "allow")];
    let added = send_of(&console, ACCESS, &adopted, &added).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.body);
    assert!(added.body.contains("In the table, not sent"));
    assert!(added.body.contains(">TestTablet</code>"), "what was adopted stays");
    let row = added.between(">iOS &#60; 99</code>", "</tr>");
    assert!(row.contains(" values, "), "what it comes to: {row}");

    // TestPhone came into Gatepost's care with the import: taken out, it goes.
    let at = (0..).find(|index| {
        let value = format!("name=\"rule.{index}.value\" value=\"TestPhone\"");
        added.body.contains(&value)
    });
    let remove = format!("rule.{}.remove", at.unwrap());
    let answer = send_of(&console, ACCESS, &added, &[(&remove, "yes")]).await;
    let (_, page) = planned(&app, &console, &answer).await;
    let changes = page.between("id=\"changes-title\"", "</section>");
    assert!(changes.contains("REMOVE</strong> Rule type TestPhone"), "{changes}");
    assert!(!changes.contains("TestTablet"), "what is adopted does not change: {changes}");
}

#[tokio::test]
async fn a_plan_that_hits_too_many_wants_their_number_typed() {
    let (app, console) = synced().await;
    let wide = [("level", "block"), ("limit", "1")];
    let (address, page) = planned(&app, &console, &send(&console, ACCESS, &wide).await).await;
    let number = page.between("change; type ", "</label>");
    let refused = console.post(&format!("{address}/apply"), "").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("Nothing was sent"), "{}", refused.body);
    assert!(page.body.contains("<span class=\"badge blocked\">blocked</span>"));
    let answer = console.post(&format!("{address}/apply"), &format!("flips={number}")).await;
    let (address, page) = planned(&app, &console, &answer).await;
    assert!(page.body.contains("is as planned"), "{}", page.body);
    let answer = console.post(&format!("{address}/take-back"), "").await;
    let (_, page) = planned(&app, &console, &answer).await;
    assert!(page.body.contains("Take a plan back"), "{}", page.body);
}

#[tokio::test]
async fn a_plan_that_was_cut_shows_what_was_done_and_goes_on() {
    let (app, console) = synced().await;
    let camera = send(&console, SETTINGS, &[("security.allow_camera", "false")]).await;
    let (address, _) = planned(&app, &console, &camera).await;
    let further = address.replace("plans/", "access?from=");
    let rule = [("new.of", "type"), ("new.value", "WindowsMail"), ("new.level", "allow")];
    let (address, _) = planned(&app, &console, &send(&console, &further, &rule).await).await;
    let denied = "New-ActiveSyncDeviceAccessRule".to_owned();
    app.exchange().faults().denied_cmdlets.insert(denied.clone());
    let answer = console.post(&format!("{address}/apply"), "").await;
    let (_, page) = planned(&app, &console, &answer).await;
    assert!(page.body.contains("It was not carried out to its end just now: 1 of 2 writes done."));
    let sent = page.between("id=\"steps-title\"", "</section>");
    for said in [
        "<span class=\"badge allowed\">done</span>",
        "<span class=\"badge blocked\">refused</span>",
        "New-ActiveSyncDeviceAccessRule type WindowsMail: allow",
    ] {
        assert!(sent.contains(said), "{said}: {sent}");
    }
    assert!(page.body.contains(">Go on</button>"), "{}", page.body);
    app.exchange().faults().denied_cmdlets.remove(&denied);
    applied(&app, &console, &address).await;
}

#[tokio::test]
async fn the_guided_switch_exempts_who_is_active_and_shows_who_is_not() {
    let (app, console) = synced().await;
    app.exchange().console("Set-ActiveSyncOrganizationSettings -DefaultAccessLevel Allow").unwrap();
    app.sync().await.unwrap();
    let switch = async |days: &str| {
        let answer = console.post("/connectors/lab/access/switch", days).await;
        planned(&app, &console, &answer).await.1.body
    };
    // Nobody who is let in by the default level alone was active lately.
    let strict = switch("days=30").await;
    assert!(strict.contains("2 devices change their state."), "{strict}");
    assert!(!strict.contains("Exemption of "), "{strict}");
    let mild = switch("days=3650").await;
    assert!(mild.contains("Default access level"), "{mild}");
    // One of the two never synced: it is not exempted, and is shown as hit.
    assert_eq!(mild.matches("Exemption of ").count(), 1, "{mild}");
    assert!(mild.contains("1 device changes its state."), "{mild}");
}

#[tokio::test]
async fn whoever_changes_an_old_page_is_told_what_to_do() {
    let (app, console) = synced().await;
    let old = console.get(SETTINGS).await;
    imported(&app, &console).await;
    let answer = send_of(&console, SETTINGS, &old, &[("security.allow_camera", "false")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let told = answer.between("<div class=\"error\" role=\"alert\">", "</div>");
    assert!(told.contains("applied another wish meanwhile; reload the page"), "{told}");
    assert!(answer.body.contains(r#"<option value="false" selected>not allowed</option>"#));
}

#[tokio::test]
async fn who_may_only_read_sees_everything_and_has_no_button() {
    let (app, console) = synced().await;
    imported(&app, &console).await;
    let plans = app.engine().plans_of_wish(&app.caller(), &app.name(), 1).await.unwrap();
    assert_eq!(plans[0].state, PlanState::Applied);
    let plan = format!("/connectors/lab/plans/{}", plans[0].id);
    let reader = console_of(&app, "rita", BuiltInRole::ReadOnlyAnalyst).await;
    for address in [SETTINGS, ACCESS, &plan] {
        let page = reader.get(address).await;
        assert_eq!(page.status, StatusCode::OK);
        let main = page.between("<main", "</main>");
        assert!(!main.contains("<button"), "{address}: {main}");
    }
    for address in [
        SETTINGS,
        ACCESS,
        "/connectors/lab/wish/import",
        "/connectors/lab/wish/take-back",
        "/connectors/lab/access/switch",
        "/connectors/lab/drift/check",
        "/connectors/lab/drift/mend",
        &format!("{plan}/apply"),
        &format!("{plan}/take-back"),
    ] {
        assert_eq!(reader.post(address, "").await.status, StatusCode::FORBIDDEN, "{address}");
    }
}
