//! What people ask of devices on the console, beside a simulated organization.

mod forms;
mod guarding;

use axum::http::StatusCode;
use domain::{
    AccessState, ActionState, Device, WipeStatus,
    authority::{AssignedPlace, Assignee, Assignment, BuiltInRole, GroupName},
};
use engine::{ExternalIdentity, Visit};
use jiff::SignedDuration;
use store::{Action, PeopleWrite};
use testkit::TestApp;

use crate::{Answer, Console};

/// An organization that was read once, and its devices.
pub(crate) async fn synced(devices: usize) -> (TestApp, Vec<Device>) {
    let app = TestApp::connected(devices).await.unwrap();
    app.sync().await.unwrap();
    let devices = app.devices().await.unwrap();
    (app, devices)
}

/// The console as somebody with a role sees it.
pub(crate) async fn console_of(app: &TestApp, name: &str, role: BuiltInRole) -> Console {
    let assignment = Assignment {
        id: domain::AssignmentId(uuid::Uuid::new_v4()),
        role: role.role().name,
        assignee: Assignee::Group(GroupName::parse(&format!("corp:{name}")).unwrap()),
        place: AssignedPlace::Everywhere,
        created: app.engine().now(),
    };
    let write = [PeopleWrite::AddAssignment(&assignment)];
    app.engine().store().write_people(&[], &write).await.unwrap();
    let who = ExternalIdentity {
        provider: "corp".to_owned(),
        subject: name.to_owned(),
        name: name.to_owned(),
        display_name: None,
        address: None,
        groups: vec![name.to_owned()],
    };
    let session = app.engine().admit(who, &Visit::default()).await.unwrap();
    Console {
        router: console::router(app.engine().clone()),
        engine: app.engine().clone(),
        session: Some(format!("gatepost_session={}", session.secret)),
        _directory: tempfile::tempdir().unwrap(),
    }
}

/// The hidden fields of the form on a page of an action.
fn hidden(page: &Answer) -> String {
    let form = page.between(r#"action="/devices/act" novalidate>"#, "<div");
    let fields = form.split("<input ").skip(1).map(|field| {
        let part = |name: &str| {
            let (_, rest) = field.split_once(&format!("{name}=\"")).unwrap();
            rest.split_once('"').unwrap().0.replace("&#60;", "%3C")
        };
        format!("{}={}", part("name"), part("value").replace(' ', "%20"))
    });
    fields.collect::<Vec<_>>().join("&")
}

/// Asks on the page of an action; where that leads.
async fn ask(console: &Console, address: &str, more: &str) -> Answer {
    let page = console.get(address).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    console.post("/devices/act", &format!("{}&{more}", hidden(&page))).await
}

/// The request that an answer leads to, once nothing more happens about it by itself.
async fn settled(app: &TestApp, answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let address = answer.header("location").to_owned();
    let id = address.strip_prefix("/requests/").unwrap().parse().unwrap();
    app.engine().request_settled(&app.caller(), id).await.unwrap();
    address
}

async fn actions(app: &TestApp, address: &str) -> Vec<Action> {
    let id = address.strip_prefix("/requests/").unwrap().parse().unwrap();
    let scope = app.caller().scope(domain::Permission::ReadResource).unwrap();
    app.engine().store().actions_of_request(&scope, id, 0, 1_000).await.unwrap()
}

/// A phone with a mail app of its own that understands everything.
fn modern(devices: &[Device]) -> &Device {
    let is_modern = |device: &&Device| {
        device.facts.client_version.as_deref() == Some("16.1")
            && device.facts.device_type.as_deref() == Some("iPhone")
            && device.facts.access_state == AccessState::Allowed
            && device.statistics.as_ref().unwrap().wipe_status == WipeStatus::None
    };
    devices.iter().find(is_modern).unwrap()
}

#[tokio::test]
async fn the_help_desk_lets_a_phone_out_of_quarantine_and_may_not_erase_it() {
    let (app, devices) = synced(120).await;
    let console = console_of(&app, "holly", BuiltInRole::HelpDesk).await;
    let quarantined = |one: &&Device| one.facts.access_state == AccessState::Quarantined;
    let phone = devices.iter().find(quarantined).unwrap();
    let home = console.get("/").await;
    let oldest = home.between(r#"id="phone-1" href=""#, "\"");
    let oldest = devices.iter().find(|one| oldest.ends_with(&one.id.to_string())).unwrap();
    let seen = |one: &Device| one.facts.first_sync.or(one.facts.when_created).unwrap();
    assert!(devices.iter().filter(quarantined).all(|one| seen(oldest) <= seen(one)));
    assert!(home.body.contains(&format!("/devices/act?action=allow&#38;device={}", oldest.id)));

    let page = console.get(&format!("/devices/{}", phone.id)).await;
    assert!(page.body.contains("Needs Collection: Delete resource."));
    assert!(!page.body.contains("action=wipe-account"));
    let address = format!("/devices/act?action=allow&device={}", phone.id);
    let shown = console.get(&address).await;
    assert!(
        shown.body.contains("A personal exemption lets the device in, whatever the rules say.")
    );
    let request =
        settled(&app, &ask(&console, &address, "reason=it+is+hers&ticket=INC-7").await).await;
    let told = console.get(&request).await;
    assert!(told.body.contains("Done, and read back from Exchange."), "{}", told.body);
    assert!(told.body.contains("it is hers") && told.body.contains("INC-7"));
    let page = console.get(&format!("/devices/{}", phone.id)).await;
    assert!(page.body.contains(r#"<p class="why allowed">"#));
    let timeline = page.between(r#"<ol class="timeline">"#, "</ol>");
    for said in
        ["holly asked: Allow.", "Reason: it is hers (INC-7).", "Exchange answered: accepted."]
    {
        assert!(timeline.contains(said), "{said}: {timeline}");
    }

    for address in ["wipe-account", "wipe-device", "forget"] {
        let address = format!("action={address}&device={}", phone.id);
        let page = console.get(&format!("/devices/act?{address}")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        let answer = console.post("/devices/act", &format!("{address}&reason=x&typed=1")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("has no permission Collection:"), "{}", answer.body);
    }
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
}

#[tokio::test]
async fn who_only_looks_is_offered_nothing() {
    let (app, devices) = synced(40).await;
    let console = console_of(&app, "ann", BuiltInRole::ReadOnlyAnalyst).await;
    let list = console.get("/devices").await;
    assert!(!list.body.contains("checkbox"), "nothing can be done with what is ticked");
    let home = console.get("/").await;
    assert!(!home.body.contains("/devices/act"));
    let page = console.get(&format!("/devices/{}", devices[0].id)).await;
    assert!(!page.body.contains("/devices/act"));
    assert!(page.body.contains("Needs Collection: Modify resource."));
    assert_eq!(console.get("/approvals").await.status, StatusCode::OK);
    assert_eq!(console.get("/approvals/take-back").await.status, StatusCode::FORBIDDEN);
    assert_eq!(console.post("/approvals/take-back", "").await.status, StatusCode::FORBIDDEN);
    let form = "per_person=1&per_organization=1&reason=x";
    assert_eq!(console.post("/guard/limits", form).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_wipe_climbs_its_ladder_and_then_the_partnership_is_to_be_forgotten() {
    let (app, devices) = synced(60).await;
    let console = console_of(&app, "olga", BuiltInRole::OperationsAdministrator).await;
    let phone = modern(&devices);
    let own = format!("/devices/{}", phone.id);
    let address = format!("/devices/act?action=wipe-account&device={}", phone.id);
    let request = settled(&app, &ask(&console, &address, "reason=lost").await).await;
    let page = console.get(&own).await;
    let recent = page.between(r#"<ul class="recent">"#, "</ul>");
    assert!(
        recent.contains("Sent to Exchange; waits for the phone to sync, last seen"),
        "{recent}"
    );
    let ladder = page.between("How far the wipe has come", "</ol>");
    assert_eq!(ladder.matches("class=\"done\"").count(), 1, "{ladder}");
    assert!(page.body.contains("A wipe is pending already; wait for it, or cancel it first."));
    assert!(
        page.body.contains(&format!("/devices/act?action=cancel-wipe&#38;device={}", phone.id))
    );
    for _ in 0..200 {
        if actions(&app, &request).await[0].state == ActionState::Acknowledged {
            break;
        }
        app.clock().advance(SignedDuration::from_secs(15));
        app.exchange().organization().advance(app.clock().now());
        for _ in 0..2_000 {
            tokio::task::yield_now().await;
        }
    }
    let page = console.get(&own).await;
    let ladder = page.between("How far the wipe has come", "</section>");
    assert_eq!(ladder.matches("class=\"done\"").count(), 3, "{ladder}");
    assert!(ladder.contains(&format!("/devices/act?action=forget&#38;device={}", phone.id)));
}

#[tokio::test]
async fn what_failed_is_asked_for_again_by_a_link() {
    let (app, devices) = synced(60).await;
    let console = console_of(&app, "olga", BuiltInRole::OperationsAdministrator).await;
    let phone = modern(&devices);
    assert!(app.exchange().organization().remove_device(phone.facts.guid));
    let address = format!("/devices/act?action=block&device={}", phone.id);
    let request = settled(&app, &ask(&console, &address, "reason=lost").await).await;
    let page = console.get(&request).await;
    assert!(page.body.contains("The partnership is gone in Exchange."), "{}", page.body);
    let retry = page.between(r#"id="retry" href=""#, "\"").replace("&#38;", "&");
    assert_eq!(retry, address);
    let home = console.get("/").await;
    assert!(home.body.contains("Failed in the last 7 days"));
    let page = console.get(&format!("/devices/{}", phone.id)).await;
    assert!(page.body.contains("Nothing can be asked of it: the partnership is gone in Exchange."));
}
