//! Written wishes, told in stories beside both kinds of organization: from a file to Exchange and back.

mod bad_luck;
mod dying;
mod hitting;
mod mailboxes;
mod watching;

use domain::{
    PlanId,
    wish::{PlanState, Thing},
};
use engine::{Error, PlannedWish, WishSource};
use jiff::SignedDuration;
use simulator::{Dialect, OrganizationOptions};
use testkit::{Side, TestApp};

on_both_sides! {
    from_the_first_import_to_the_first_day_again,
    a_plan_of_an_unchanged_organization_sends_no_write_and_reads_each_kind_once,
    a_phone_falls_into_quarantine_and_comes_back,
    rules_made_by_hand_are_left_alone_until_they_are_adopted,
    a_policy_of_our_own_is_for_chosen_mailboxes_alone,
    files_and_console_never_overwrite_each_other_silently,
}

/// Everything that Exchange has of what a wish is about.
type Everything = (
    Vec<(String, std::collections::BTreeMap<String, String>)>,
    Vec<(String, String, String)>,
    String,
    Vec<String>,
    String,
);

async fn synced(side: Side) -> TestApp {
    let app = side.connected(80).await.unwrap();
    app.sync().await.unwrap();
    app
}

fn everything(app: &TestApp) -> Everything {
    let organization = app.exchange().organization();
    let names: Vec<String> = organization.policy_names().map(str::to_owned).collect();
    let texts = |name: &String| (name.clone(), organization.policy_texts(name).unwrap());
    let mut rules = organization.rule_texts();
    rules.sort();
    (
        names.iter().map(texts).collect(),
        rules,
        organization.default_access_level_text().to_owned(),
        organization.admin_mail_recipients().to_vec(),
        organization.mail_inserts().0.to_owned(),
    )
}

async fn imported(app: &TestApp) -> String {
    app.engine().import_wish(&app.caller(), &app.name(), None).await.unwrap().text
}

async fn plan(app: &TestApp, from: WishSource) -> Result<PlannedWish, Error> {
    let id = app.engine().plan_wish(&app.caller(), &app.name(), from).await?;
    app.engine().plan_settled(&app.caller(), id).await
}

fn file(text: &str) -> WishSource {
    WishSource::File { text: text.to_owned(), overwrites: false }
}

async fn apply(app: &TestApp, id: PlanId) -> PlannedWish {
    app.engine().apply_plan(&app.caller(), id, None).await.unwrap();
    app.engine().plan_settled(&app.caller(), id).await.unwrap()
}

/// Plans a file, and applies it.
async fn applied(app: &TestApp, text: &str) -> PlannedWish {
    let planned = plan(app, file(text)).await.unwrap();
    assert_eq!(planned.found.problems, []);
    let done = apply(app, planned.plan.id).await;
    assert_eq!(done.plan.state, PlanState::Applied, "{:?}", done.plan.note);
    done
}

fn things(planned: &PlannedWish) -> Vec<&Thing> {
    planned.found.changes.iter().map(|change| &change.thing).collect()
}

/// How often a cmdlet came since a moment of the server's own count.
fn sent_since(app: &TestApp, moment: u64, cmdlet: &str) -> usize {
    let all = app.exchange().ledger().begun_after(moment);
    all.iter().filter(|received| received.name.eq_ignore_ascii_case(cmdlet)).count()
}

/// The same file with other values.
fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is in\n{text}");
        text.replace(from, to)
    })
}

async fn from_the_first_import_to_the_first_day_again(side: Side) {
    first_days(&synced(side).await, "MobileDevice").await;
}

#[tokio::test]
async fn from_the_first_import_to_the_first_day_again_on_postgres() {
    let start = OrganizationOptions::default().start;
    let options = OrganizationOptions::with_devices(80, start);
    let app = TestApp::beside_organization_on_postgres(&options).unwrap();
    let Some(app) = app else { return };
    app.add_connector().await.unwrap();
    app.sync().await.unwrap();
    first_days(&app, "MobileDevice").await;
}

#[tokio::test]
async fn from_the_first_import_to_the_first_day_again_with_exchange_2010() {
    let start = OrganizationOptions::default().start;
    let options = OrganizationOptions::with_devices(80, start);
    let options = OrganizationOptions { dialect: Dialect::Exchange2010, ..options };
    let app = TestApp::beside_organization(&options).unwrap();
    app.add_connector().await.unwrap();
    app.sync().await.unwrap();
    first_days(&app, "ActiveSync").await;
}

/// The whole way: a file of what is there, three changes, somebody else's change, and back.
async fn first_days(app: &TestApp, family: &str) {
    let first_day = everything(app);
    let text = imported(app).await;
    let nothing = plan(app, file(&text)).await.unwrap();
    assert_eq!(nothing.plan.state, PlanState::Ready, "{:?}", nothing.found.problems);
    assert_eq!(nothing.found.changes, [], "the first plan is empty");
    assert_eq!(nothing.found.writes, Vec::<String>::new());

    let two_settings_and_a_rule = edited(
        &text,
        &[
            ("allow_camera: true", "allow_camera: false  # the lab asked for it"),
            ("maximum_attachment_size: unlimited", "maximum_attachment_size: 10MB"),
            ("  rules:", "  rules:\n    - type: WindowsMail\n      level: block"),
        ],
    );
    let planned = plan(app, file(&two_settings_and_a_rule)).await.unwrap();
    assert_eq!(things(&planned).len(), 3, "{:?}", planned.found);
    assert_eq!(everything(app), first_day, "a plan writes nothing");
    let done = apply(app, planned.plan.id).await;
    assert_eq!(done.plan.state, PlanState::Applied, "{:?}", done.plan.note);
    assert_eq!(done.steps.len(), 2, "one policy and one rule");
    let policy = app.exchange().organization().policy_texts("Default").unwrap();
    assert_eq!(policy["AllowCamera"], "False");
    assert!(policy["MaxAttachmentSize"].contains("10,485,760"), "{policy:?}");

    let engine = app.engine();
    let drift = engine.check_drift(&app.caller(), &app.name()).await.unwrap();
    assert_eq!(drift.drifted, []);
    app.clock().advance(SignedDuration::from_hours(1));
    app.exchange()
        .console(&format!("Set-{family}MailboxPolicy -Identity Default -AllowCamera $true"))
        .unwrap();
    let drift = engine.check_drift(&app.caller(), &app.name()).await.unwrap();
    let [one] = &drift.drifted[..] else { panic!("{drift:?}") };
    let sentence = one.sentence();
    assert!(sentence.contains("allow_camera of policy Default is true and shall be false"));
    let who = match app.side().names_writers() {
        true => "administrator changed it at",
        false => "exchange does not say who changed it",
    };
    assert!(sentence.to_lowercase().contains(who), "{sentence}");
    // Seen again, it is the same drift.
    app.clock().advance(SignedDuration::from_hours(1));
    let again = engine.check_drift(&app.caller(), &app.name()).await.unwrap();
    assert_eq!(again.drifted, drift.drifted);

    let mend = plan(app, WishSource::Kept(None)).await.unwrap();
    assert_eq!(things(&mend).len(), 1);
    assert_eq!(apply(app, mend.plan.id).await.plan.state, PlanState::Applied);
    let drift = engine.check_drift(&app.caller(), &app.name()).await.unwrap();
    assert_eq!(drift.drifted, []);

    let back = plan(app, WishSource::Rollback(None)).await.unwrap();
    assert_eq!(things(&back).len(), 3);
    assert_eq!(apply(app, back.plan.id).await.plan.state, PlanState::Applied);
    assert_eq!(everything(app), first_day);
    let drift = engine.check_drift(&app.caller(), &app.name()).await.unwrap();
    assert_eq!(drift.drifted, [], "what was taken back is no drift");
}

async fn a_plan_of_an_unchanged_organization_sends_no_write_and_reads_each_kind_once(side: Side) {
    let app = synced(side).await;
    let text = imported(&app).await;
    let before = app.exchange().ledger().sequence();
    let planned = plan(&app, file(&text)).await.unwrap();
    assert_eq!(planned.found.changes, []);
    for cmdlet in [
        "Get-MobileDeviceMailboxPolicy",
        "Get-ActiveSyncOrganizationSettings",
        "Get-ActiveSyncDeviceAccessRule",
        "Get-CASMailbox",
    ] {
        assert_eq!(sent_since(&app, before, cmdlet), 1, "{cmdlet}");
    }
    for cmdlet in ["Set-MobileDeviceMailboxPolicy", "Set-ActiveSyncOrganizationSettings"] {
        assert_eq!(sent_since(&app, before, cmdlet), 0);
    }
    // An apply of it sends nothing either, and the wish holds from then on.
    let done = apply(&app, planned.plan.id).await;
    assert_eq!((done.plan.state, done.steps.len()), (PlanState::Applied, 0));
    let held = app.engine().wish(&app.caller(), &app.name()).await.unwrap().unwrap();
    assert_eq!((held.revision, held.text), (1, text));
}

async fn a_phone_falls_into_quarantine_and_comes_back(side: Side) {
    let app = synced(side).await;
    // The rules there are adopted, and then nobody wants them.
    imported(&app).await;
    applied(&app, "access:\n  default_level: allow\n  rules: []\n").await;
    app.sync().await.unwrap();
    let devices = app.devices().await.unwrap();
    let phone = devices.iter().find(|device| {
        device.facts.access_state == domain::AccessState::Allowed
            && device.facts.access_reason == Some(domain::AccessReason::Global)
            && device.facts.os.as_deref().is_some_and(|os| os.starts_with("iOS "))
    });
    let facts = &phone.unwrap().facts;
    let os = facts.os.clone().unwrap();
    let name = os.split(' ').next().unwrap();
    let rule = format!("access:\n  rules:\n    - os: \"{name} < 999\"\n      level: quarantine\n");
    applied(&app, &rule).await;
    let access = || app.exchange().organization().access_of(facts.guid).unwrap();
    assert_eq!(access(), ("Quarantined".to_owned(), "DeviceRule".to_owned()));
    applied(&app, "access:\n  rules: []\n").await;
    assert_eq!(access(), ("Allowed".to_owned(), "Global".to_owned()));
}

/// What people made by hand stays; what was adopted goes with its line.
async fn rules_made_by_hand_are_left_alone_until_they_are_adopted(side: Side) {
    let app = synced(side).await;
    app.exchange()
        .console(
            "New-ActiveSyncDeviceAccessRule -AccessLevel Block -Characteristic DeviceType \
             -QueryString TestPhone",
        )
        .unwrap();
    let before = app.exchange().organization().rule_texts();
    let none = "access:\n  rules: []\n";
    let planned = plan(&app, file(none)).await.unwrap();
    assert_eq!(planned.found.changes, []);
    assert!(planned.found.notes[0].contains("made by hand"), "{:?}", planned.found.notes);
    assert_eq!(apply(&app, planned.plan.id).await.plan.state, PlanState::Applied);
    assert_eq!(app.exchange().organization().rule_texts(), before);
    let adopted = app.engine().import_wish(&app.caller(), &app.name(), None).await.unwrap();
    assert_eq!(adopted.adopted, before.len() as u64);
    let planned = plan(&app, file(none)).await.unwrap();
    assert_eq!(planned.found.changes.len(), before.len());
    assert!(planned.found.changes.iter().all(|change| change.after.is_none()));
}

async fn a_policy_of_our_own_is_for_chosen_mailboxes_alone(side: Side) {
    let app = synced(side).await;
    let first_day = everything(&app);
    let devices = app.devices().await.unwrap();
    let mailbox = devices.iter().find_map(|device| device.owner.mailbox.clone()).unwrap();
    let text = format!(
        "settings:\n  policy:\n    name: Phones\n    mailboxes: [{mailbox}]\n  security:\n    \
         allow_camera: false\n"
    );
    applied(&app, &text).await;
    let policy_of = |name: &str| app.exchange().organization().policy_of_mailbox(name);
    assert_eq!(policy_of(&mailbox), "Phones");
    let phones = app.exchange().organization().policy_texts("Phones").unwrap();
    assert_eq!(phones["AllowCamera"], "False");
    let default = app.exchange().organization().policy_texts("Default").unwrap();
    assert_eq!(default["AllowCamera"], "True");
    let back = plan(&app, WishSource::Rollback(None)).await.unwrap();
    let done = apply(&app, back.plan.id).await;
    assert_eq!(done.plan.state, PlanState::Applied, "{:?}", done.plan.note);
    assert_eq!(everything(&app), first_day);
    assert_ne!(policy_of(&mailbox), "Phones");
}

async fn files_and_console_never_overwrite_each_other_silently(side: Side) {
    let app = synced(side).await;
    let text = "connector: lab\naccess:\n  text_for_users: \"Call 4711.\"\nsettings:\n  \
                security:\n    allow_camera: true\n";
    applied(&app, text).await;
    let console = |text: &str, based_on| WishSource::Console { text: text.to_owned(), based_on };
    let from_console = edited(text, &[("allow_camera: true", "allow_camera: false")]);
    let planned = plan(&app, console(&from_console, 1)).await.unwrap();
    assert_eq!(apply(&app, planned.plan.id).await.plan.state, PlanState::Applied);

    let stale = plan(&app, console(text, 1)).await.unwrap_err();
    assert!(matches!(stale, Error::Conflict(_)), "{stale}");
    // The file of before would undo it.
    let other = edited(text, &[("Call 4711.", "Call 4712.")]);
    let refused = plan(&app, file(&other)).await.unwrap();
    assert_eq!(refused.plan.state, PlanState::Refused);
    let [problem] = &refused.found.problems[..] else { panic!("{:?}", refused.found) };
    assert_eq!(problem.line, Some(6));
    assert!(problem.what.contains("set settings.security.allow_camera to false in the console"));
    let overwriting = WishSource::File { text: other.clone(), overwrites: true };
    assert_eq!(plan(&app, overwriting).await.unwrap().found.changes.len(), 2);
    let both = edited(&other, &[("allow_camera: true", "allow_camera: false")]);
    assert_eq!(plan(&app, file(&both)).await.unwrap().found.changes.len(), 1);
}
