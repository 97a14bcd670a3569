//! Why a phone gets in or not, told in stories beside both kinds of organization: what is explained is what Exchange does.

use std::collections::BTreeMap;

use domain::{
    AccessReason, AccessState, ActionKind, Caller, Device, DeviceId, Query,
    access::{
        Agreement, Cause, Change,
        decision::{Outcome, StepKind},
    },
    authority::{BuiltInRole, Grant, Place},
    wish::PlanState,
};
use engine::{DescribedDevice, Error, Explained, NewRequest, Targets, WishSource};
use testkit::{Side, TestApp};

on_both_sides! {
    every_phone_of_an_organization_is_explained_as_exchange_decided,
    a_blocked_phone_is_told_why_and_let_in_by_the_smallest_change,
    a_phone_that_exchange_itself_blocked_differs_and_the_cause_is_named,
    a_new_phone_is_in_discovery_for_a_while,
    what_was_read_before_a_change_over_there_is_said_to_be_old,
    where_rules_were_never_read_the_inventory_alone_tells,
    a_phone_that_somebody_describes_is_explained_before_it_is_bought,
    nobody_learns_of_a_mailbox_beyond_their_scope,
    a_description_that_says_nothing_or_names_nobody_is_refused,
}

async fn synced(side: Side, devices: usize) -> TestApp {
    let app = side.connected(devices).await.unwrap();
    app.sync().await.unwrap();
    app
}

async fn imported(app: &TestApp) -> String {
    app.engine().import_wish(&app.caller(), &app.name(), None).await.unwrap().text
}

/// Writes the rules and the default level of an organization by a wish.
async fn with_rules(app: &TestApp, default: &str, rules: &[(&str, &str, &str)]) {
    let text = imported(app).await;
    let mut edited = String::new();
    for line in text.lines() {
        if line.starts_with("  default_level:") {
            edited.push_str(&format!("  default_level: {default}\n"));
            continue;
        }
        edited.push_str(&format!("{line}\n"));
        if line == "  rules:" {
            for (characteristic, value, level) in rules {
                edited.push_str(&format!("    - {characteristic}: \"{value}\"\n"));
                edited.push_str(&format!("      level: {level}\n"));
            }
        }
    }
    let (engine, caller) = (app.engine(), app.caller());
    let file = WishSource::File { text: edited, overwrites: false };
    let id = engine.plan_wish(&caller, &app.name(), file).await.unwrap();
    let planned = engine.plan_settled(&caller, id).await.unwrap();
    assert_eq!(planned.found.problems, []);
    engine.apply_plan(&caller, id, Some(300)).await.unwrap();
    let applied = engine.plan_settled(&caller, id).await.unwrap();
    assert_eq!(applied.plan.state, PlanState::Applied, "{:?}", applied.plan.note);
}

async fn explained(app: &TestApp, id: DeviceId) -> Explained {
    app.engine().explain_device(&app.caller(), id).await.unwrap()
}

fn deciding(explained: &Explained) -> StepKind {
    explained.explanation.as_ref().unwrap().deciding_step().kind
}

/// What Exchange itself says of a device.
fn truth(app: &TestApp, device: &Device) -> (String, String) {
    app.exchange().organization().access_of(device.facts.guid).unwrap()
}

fn in_words(explained: &Explained) -> (String, String) {
    let decision = &explained.explanation.as_ref().unwrap().decision;
    let state = match decision.state {
        AccessState::Allowed => "Allowed",
        AccessState::Blocked => "Blocked",
        AccessState::Quarantined => "Quarantined",
        other => panic!("{other}"),
    };
    let reason = match decision.reason {
        // Exchange has no word of its own for a mailbox without ActiveSync.
        Some(AccessReason::Global) | None => "Global",
        Some(AccessReason::Individual) => "Individual",
        Some(AccessReason::Rule) => "DeviceRule",
        Some(AccessReason::Policy) => "Policy",
        other => panic!("{other:?}"),
    };
    (state.to_owned(), reason.to_owned())
}

/// As somebody at the Exchange console does, of the owner of a device.
fn at_the_console(app: &TestApp, device: &Device, parameters: &str) {
    let owner = device.owner.mailbox.as_deref().unwrap();
    app.exchange().console(&format!("Set-CASMailbox -Identity '{owner}' {parameters}")).unwrap();
}

async fn every_phone_of_an_organization_is_explained_as_exchange_decided(side: Side) {
    let app = synced(side, 300).await;
    let rules = [
        ("type", "samsung", "block"),
        ("os", "Android 14", "quarantine"),
        ("model", "iPhone15C2", "quarantine"),
        ("user_agent", "Apple-iPhone14C5/2106.90", "block"),
        ("user_agent", "Outlook-iOS-Android/1.0", "allow"),
    ];
    with_rules(&app, "quarantine", &rules).await;
    let devices = app.devices().await.unwrap();
    for (at, parameters) in [
        (3, "-ActiveSyncEnabled $false"),
        (20, "-ActiveSyncMailboxPolicy 'Executives, strict'"),
        (40, "-ActiveSyncMailboxPolicy 'Executives, strict'"),
    ] {
        at_the_console(&app, &devices[at], parameters);
    }
    for device in devices.iter().skip(60).step_by(9) {
        let id = device.facts.device_id.as_deref().unwrap().to_lowercase();
        at_the_console(&app, device, &format!("-ActiveSyncAllowedDeviceIDs @{{Add='{id}'}}"));
    }
    for device in devices.iter().skip(60).step_by(27) {
        let id = device.facts.device_id.as_deref().unwrap();
        at_the_console(&app, device, &format!("-ActiveSyncBlockedDeviceIDs @{{Add='{id}'}}"));
    }
    let strict =
        "Set-MobileDeviceMailboxPolicy -Identity Default -AllowNonProvisionableDevices $false";
    app.exchange().console(strict).unwrap();
    app.sync().await.unwrap();
    imported(&app).await;

    let mut decided: BTreeMap<StepKind, usize> = BTreeMap::new();
    let mut certain = 0;
    for device in app.devices().await.unwrap() {
        let explained = explained(&app, device.id).await;
        let what = format!("{}: {}", device.display_name(), explained.sentence());
        assert_eq!(in_words(&explained), truth(&app, &device), "{what}\n{explained:#?}");
        assert_eq!(explained.agreement, Agreement::Agrees, "{what}");
        assert_eq!(
            explained.remedies.is_empty(),
            device.facts.access_state == AccessState::Allowed,
            "{what}: {:?}",
            explained.remedies
        );
        *decided.entry(deciding(&explained)).or_default() += 1;
        certain += usize::from(explained.explanation.unwrap().is_certain());
    }
    // No client that is too old to be held to a policy reaches Exchange Online.
    assert_eq!(decided.contains_key(&StepKind::MailboxPolicy), side == Side::OnPremises);
    for kind in [
        StepKind::ActiveSync,
        StepKind::PersonalBlock,
        StepKind::PersonalAllow,
        StepKind::BlockRules,
        StepKind::QuarantineRules,
        StepKind::AllowRules,
        StepKind::DefaultLevel,
    ] {
        assert!(decided.contains_key(&kind), "{kind} decides about nobody: {decided:?}");
    }
    assert!(certain > 100, "{certain} of 300 rest on what is known alone");
}

async fn a_blocked_phone_is_told_why_and_let_in_by_the_smallest_change(side: Side) {
    let app = synced(side, 120).await;
    with_rules(&app, "allow", &[("os", "iOS 18.1 22B83", "block")]).await;
    app.sync().await.unwrap();
    let devices = app.devices().await.unwrap();
    let by_rule = |device: &&Device| device.facts.access_reason == Some(AccessReason::Rule);
    let is_blocked = |device: &&Device| device.facts.os.as_deref() == Some("iOS 18.1 22B83");
    let phone = devices.iter().filter(by_rule).find(is_blocked).unwrap();
    let owner = phone.owner.name.clone().unwrap();

    let before = explained(&app, phone.id).await;
    let expected = format!(
        "Blocked: the rule \"iOS 18.1 22B83\" (operating system) of this organization blocks it. \
         Allow it for {owner}, or change the rule."
    );
    assert_eq!(before.sentence(), expected);
    assert_eq!(before.agreement, Agreement::Agrees);
    assert_eq!(before.remedies[0].changes, [Change::AllowPersonally]);
    assert_eq!(before.remedies[0].sentence(Some(&owner)), format!("Allow it for {owner}."));
    assert!(before.rules_as_of.is_some());

    let new = NewRequest {
        kind: ActionKind::Allow,
        of: Targets::Devices(vec![phone.id]),
        reason: "a phone of the board".to_owned(),
        ticket: None,
        repeat_key: None,
        expected: None,
    };
    let request = app.engine().ask(&app.caller(), new).await.unwrap();
    app.engine().request_settled(&app.caller(), request.id).await.unwrap();
    let after = explained(&app, phone.id).await;
    assert_eq!(
        after.sentence(),
        format!("Allowed: a personal exemption of {owner} allows it."),
        "{after:#?}"
    );
    assert_eq!((after.agreement, after.remedies), (Agreement::Agrees, vec![]));
}

/// Exchange's own protection stands in no list: what is reported differs from the rules.
async fn a_phone_that_exchange_itself_blocked_differs_and_the_cause_is_named(side: Side) {
    let app = synced(side, 60).await;
    imported(&app).await;
    let devices = app.devices().await.unwrap();
    let is_in = |device: &&Device| device.facts.access_state == AccessState::Allowed;
    let phone = devices.iter().find(is_in).unwrap();
    assert!(app.exchange().organization().autoblock_device(phone.facts.guid));
    app.engine().refresh_device(&app.caller(), phone.id).await.unwrap();
    let explained = explained(&app, phone.id).await;
    assert_eq!(explained.agreement, Agreement::Differs { causes: vec![Cause::Autoblock] });
    let sentence = explained.sentence();
    assert!(sentence.starts_with("Blocked by Exchange's own protection"), "{sentence}");
    let remedies: Vec<_> = explained.remedies.iter().map(|it| it.changes.as_slice()).collect();
    if side == Side::Hosted {
        assert_eq!(remedies, [[Change::Wait]]);
        return;
    }
    assert_eq!(remedies, [[Change::Wait], [Change::ResetAutoblock]]);
    let owner = phone.owner.mailbox.as_deref().unwrap();
    let reset = format!("Set-CASMailbox -Identity '{owner}' -ResetAutoBlockedDevices");
    app.exchange().console(&reset).unwrap();
    app.engine().refresh_device(&app.caller(), phone.id).await.unwrap();
    assert_eq!(self::explained(&app, phone.id).await.agreement, Agreement::Agrees);
}

async fn a_new_phone_is_in_discovery_for_a_while(side: Side) {
    let app = synced(side, 60).await;
    imported(&app).await;
    let guid = app.exchange().organization().add_device();
    app.sync().await.unwrap();
    let id = DeviceId::of(app.connector().await.unwrap().id, guid);
    let explained = explained(&app, id).await;
    assert_eq!(explained.agreement, Agreement::Differs { causes: vec![Cause::Discovery] });
    assert!(explained.sentence().starts_with("In discovery"));
    assert_eq!(explained.remedies[0].changes[0], Change::Wait);
}

/// Somebody changed a rule over there since it was read here.
async fn what_was_read_before_a_change_over_there_is_said_to_be_old(side: Side) {
    let app = synced(side, 60).await;
    with_rules(&app, "allow", &[]).await;
    app.exchange().console("Set-ActiveSyncOrganizationSettings -DefaultAccessLevel Block").unwrap();
    app.sync().await.unwrap();
    let devices = app.devices().await.unwrap();
    let by_default = |device: &&Device| device.facts.access_reason == Some(AccessReason::Global);
    let phone = devices.iter().find(by_default).unwrap();
    let before = explained(&app, phone.id).await;
    let mut causes = vec![Cause::Changed];
    if side == Side::Hosted {
        causes.extend([Cause::ConditionalAccess, Cause::BasicMobility]);
    }
    assert_eq!(before.agreement, Agreement::Differs { causes });
    assert!(before.sentence().starts_with("Blocked: no rule and no exemption names it"));
    imported(&app).await;
    assert_eq!(explained(&app, phone.id).await.agreement, Agreement::Agrees);
}

async fn where_rules_were_never_read_the_inventory_alone_tells(side: Side) {
    let app = synced(side, 60).await;
    let devices = app.devices().await.unwrap();
    let is_blocked = |device: &&Device| device.facts.access_state == AccessState::Blocked;
    let phone = devices.iter().find(is_blocked).unwrap();
    let told = explained(&app, phone.id).await;
    assert_eq!((&told.explanation, told.rules_as_of), (&None, None));
    assert_eq!(told.agreement, Agreement::CannotTell);
    assert!(told.sentence().starts_with("Blocked"), "{}", told.sentence());
    assert!(told.caveats[0].contains("were not read"), "{:?}", told.caveats);
    let described = DescribedDevice { model: Some("iPhone14C5".into()), ..Default::default() };
    let asked = app.engine().explain_described(&app.caller(), &app.name(), &described).await;
    assert!(matches!(asked, Err(Error::Unavailable(_))), "{asked:?}");
}

async fn ask(app: &TestApp, device: &DescribedDevice) -> Result<Explained, Error> {
    app.engine().explain_described(&app.caller(), &app.name(), device).await
}

async fn a_phone_that_somebody_describes_is_explained_before_it_is_bought(side: Side) {
    let app = synced(side, 120).await;
    with_rules(&app, "quarantine", &[("os", "iOS 18.1 22B83", "block")]).await;
    let said = |text: &str| Some(text.to_owned());
    let phone = DescribedDevice {
        device_type: said("iPhone"),
        model: said("iPhone17C3"),
        os: said("ios 18.1 22b83"),
        ..DescribedDevice::default()
    };
    let told = ask(&app, &phone).await.unwrap();
    assert_eq!(deciding(&told), StepKind::BlockRules);
    assert_eq!(told.reported(), None);
    assert!(told.caveats.iter().any(|caveat| caveat.starts_with("No user")), "{:?}", told.caveats);

    // What was not said is not known: a rule may look at it.
    let half = DescribedDevice { os: None, device_type: said("Toaster"), ..phone.clone() };
    let told = ask(&app, &half).await.unwrap();
    let rules = told.explanation.as_ref().unwrap().step(StepKind::BlockRules);
    assert_eq!((rules.outcome, rules.not_compared), (Outcome::NotKnown, 1));
    assert_eq!(deciding(&told), StepKind::DefaultLevel);

    let devices = app.devices().await.unwrap();
    let with_id = |device: &&Device| device.facts.access_state != AccessState::Discovery;
    let known = devices.iter().find(with_id).unwrap();
    let id = known.facts.device_id.clone().unwrap();
    at_the_console(&app, known, &format!("-ActiveSyncAllowedDeviceIDs @{{Add='{id}'}}"));
    app.sync().await.unwrap();
    for user in [
        known.owner.mailbox.clone().unwrap(),
        known.owner.mailbox.clone().unwrap().to_uppercase(),
        known.owner.user.clone().unwrap(),
        format!(r"CONTOSO\{}", known.owner.user.clone().unwrap()),
    ] {
        let theirs = DescribedDevice { user: Some(user), device_id: said(&id), ..phone.clone() };
        let told = ask(&app, &theirs).await.unwrap();
        assert_eq!(deciding(&told), StepKind::PersonalAllow, "{told:#?}");
        assert_eq!(told.owner, known.owner.name);
        assert!(told.remedies.is_empty());
    }
}

/// Whose phones somebody may not see, of their lists they learn nothing either.
async fn nobody_learns_of_a_mailbox_beyond_their_scope(side: Side) {
    let app = synced(side, 60).await;
    imported(&app).await;
    let devices = app.devices().await.unwrap();
    let own = &devices[0].owner;
    let of_another = |device: &&Device| device.owner.user_dn != own.user_dn;
    let other = devices.iter().find(of_another).unwrap();
    let query = Query::parse(&format!("user:\"{}\"", own.user.as_deref().unwrap())).unwrap();
    let grant =
        Grant { permissions: BuiltInRole::HelpDesk.permissions(), place: Place::Collection(query) };
    let caller = Caller { grants: vec![grant], ..app.person("holly", BuiltInRole::HelpDesk) };
    let of = |user: &Option<String>| DescribedDevice { user: user.clone(), ..Default::default() };
    let (engine, name) = (app.engine(), app.name());
    engine.explain_described(&caller, &name, &of(&own.user)).await.unwrap();
    let refused = engine.explain_described(&caller, &name, &of(&other.owner.user)).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    let refused = engine.explain_device(&caller, other.id).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
}

async fn a_description_that_says_nothing_or_names_nobody_is_refused(side: Side) {
    let app = synced(side, 60).await;
    imported(&app).await;
    let blank = DescribedDevice { model: Some("  ".to_owned()), ..DescribedDevice::default() };
    let refused = ask(&app, &blank).await;
    assert!(matches!(&refused, Err(Error::Invalid(why)) if why.contains("type")), "{refused:?}");
    let long = DescribedDevice { model: Some("x".repeat(1025)), ..DescribedDevice::default() };
    assert!(matches!(ask(&app, &long).await, Err(Error::Invalid(_))));
    for user in ["nobody@contoso.com", r#"jane" or "*"#, "*"] {
        let theirs = DescribedDevice { user: Some(user.to_owned()), ..DescribedDevice::default() };
        let refused = ask(&app, &theirs).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{user}: {refused:?}");
    }
    let no_name =
        DescribedDevice { user: Some(r"CONTOSO\".to_owned()), ..DescribedDevice::default() };
    assert!(matches!(ask(&app, &no_name).await, Err(Error::Invalid(_))));
}
