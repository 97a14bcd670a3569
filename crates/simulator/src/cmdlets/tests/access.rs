//! What decides about access: rules, settings, thresholds, and the classes to choose from.

use jiff::SignedDuration;
use psrp::clixml::Value;
use uuid::Uuid;

use super::{Reply, call, context, organization, run, run_as, texts};
use crate::{Dialect, Organization, OrganizationOptions};

/// The id of what a call is refused with.
fn refusal(organization: &mut Organization, cmdlet: &str, sent: &[(&str, Value)]) -> String {
    match run_as(organization, &context(), &[call(cmdlet, sent)]) {
        Err(problem) => problem.fully_qualified_id(None),
        Ok(replies) => match &replies[..] {
            [Reply::Error(problem)] => problem.short_exception().to_owned(),
            other => panic!("{other:?}"),
        },
    }
}

fn rule<'a>(characteristic: &'a str, query: &str, level: &'a str) -> [(&'a str, Value); 3] {
    [
        ("Characteristic", characteristic.into()),
        ("QueryString", query.into()),
        ("AccessLevel", level.into()),
    ]
}

/// A device that a rule of that value allowed.
fn allowed_by(organization: &Organization, rule: &str) -> Uuid {
    let one = organization.partnerships().find(|one| {
        one.facts.access_rule.as_deref() == Some(rule) && one.facts.access_state.word() == "allowed"
    });
    one.unwrap().facts.guid
}

fn access(organization: &Organization, guid: Uuid) -> (String, String) {
    organization.access_of(guid).unwrap()
}

fn words(state: &str, reason: &str) -> (String, String) {
    (state.to_owned(), reason.to_owned())
}

#[test]
fn rules_that_exchange_does_not_take_are_refused() {
    let mut organization = organization();
    let new = "New-ActiveSyncDeviceAccessRule";
    let check = |organization: &mut Organization, sent: [(&str, Value); 3], why: &str| {
        assert_eq!(refusal(organization, new, &sent), why);
    };
    let wildcard = rule("DeviceModel", "SM-*", "Block");
    check(&mut organization, wildcard, "InvalidOperationException");
    let twice = rule("DeviceType", "IPHONE", "Block");
    check(&mut organization, twice, "ADObjectAlreadyExistsException");
    let unknown = rule("DeviceColour", "red", "Block");
    let transformation = format!("ParameterArgumentTransformationError,{new}");
    check(&mut organization, unknown, &transformation);
    let header = rule("XMSWLHeader", "x", "Block");
    assert_eq!(texts(&run(&mut organization, new, &header), "Name"), ["x (XMSWLHeader)"]);

    let old = OrganizationOptions { dialect: Dialect::Exchange2010, ..Default::default() };
    let mut old = Organization::generate(&old);
    check(&mut old, header, &transformation);
    let model = rule("DeviceModel", "iPhone", "Block");
    assert_eq!(texts(&run(&mut old, new, &model), "Name"), ["iPhone (DeviceModel)"]);
}

#[test]
fn the_most_severe_rule_decides_and_another_level_changes_it() {
    let mut organization = organization();
    let guid = allowed_by(&organization, "iPhone (DeviceType)");
    let one = organization.partnerships().find(|one| one.facts.guid == guid).unwrap();
    let os = one.facts.os.unwrap().to_uppercase();
    run(&mut organization, "New-ActiveSyncDeviceAccessRule", &rule("DeviceOS", &os, "Block"));
    assert_eq!(access(&organization, guid), words("Blocked", "DeviceRule"));
    let name = Value::from(format!("{os} (DeviceOS)").as_str());
    for (level, state) in [("Quarantine", "Quarantined"), ("Allow", "Allowed")] {
        let set = [("Identity", name.clone()), ("AccessLevel", level.into())];
        run(&mut organization, "Set-ActiveSyncDeviceAccessRule", &set);
        assert_eq!(access(&organization, guid), words(state, "DeviceRule"));
    }
    for rule in [name, "iPhone (DeviceType)".into()] {
        run(&mut organization, "Remove-ActiveSyncDeviceAccessRule", &[("Identity", rule)]);
    }
    assert_eq!(access(&organization, guid), words("Quarantined", "Global"));
    let what_if = [("WhatIf", true.into())].into_iter().chain(rule("DeviceOS", &os, "Block"));
    run(&mut organization, "New-ActiveSyncDeviceAccessRule", &what_if.collect::<Vec<_>>());
    assert_eq!(access(&organization, guid), words("Quarantined", "Global"));
}

#[test]
fn settings_take_short_texts_and_addresses() {
    let mut organization = organization();
    let set = "Set-ActiveSyncOrganizationSettings";
    for parameter in ["UserMailInsert", "OtaNotificationMailInsert"] {
        let sent = |length: usize| [(parameter, Value::from("ä".repeat(length).as_str()))];
        let why = format!("ParameterArgumentValidationError,{set}");
        assert_eq!(refusal(&mut organization, set, &sent(257)), why);
        assert_eq!(run(&mut organization, set, &sent(256)), []);
    }
    let inserts = organization.mail_inserts();
    assert_eq!([inserts.0, inserts.1].map(|text| text.chars().count()), [256, 256]);
    run(&mut organization, set, &[("UserMailInsert", Value::Nil)]);
    assert_eq!(organization.mail_inserts().0, "");
    for wrong in ["help desk", "@contoso.com", "a@b@c", ""] {
        let why = format!("ParameterArgumentTransformationError,{set}");
        let sent = [("AdminMailRecipients", Value::from(wrong))];
        assert_eq!(refusal(&mut organization, set, &sent), why, "{wrong}");
    }
    let sent = [("AdminMailRecipients", Value::from("ops@contoso.com"))];
    assert_eq!(run(&mut organization, set, &sent), []);
    assert_eq!(organization.admin_mail_recipients(), ["ops@contoso.com"]);
    for cloud in ["EnableMobileMailboxPolicyWhenCAInplace", "TenantAdminPreference"] {
        let why = format!("NamedParameterNotFound,{set}");
        assert_eq!(refusal(&mut organization, set, &[(cloud, true.into())]), why);
    }
}

#[test]
fn thresholds_are_off_until_somebody_sets_them() {
    let mut organization = organization();
    let get = "Get-ActiveSyncDeviceAutoblockThreshold";
    let all = run(&mut organization, get, &[]);
    assert_eq!(
        texts(&all, "BehaviorType"),
        [
            "UserAgentsChanges",
            "RecentCommands",
            "Watsons",
            "OutOfBudgets",
            "SyncCommands",
            "CommandFrequency"
        ]
    );
    assert!(texts(&all, "BehaviorTypeIncidenceLimit").iter().all(|limit| limit == "0"));
    assert!(texts(&all, "DeviceBlockDuration").iter().all(|time| time == "00:00:00"));
    let identity = ("Identity", Value::from("synccommands"));
    let sent = [
        identity.clone(),
        ("BehaviorTypeIncidenceLimit", 5.into()),
        ("BehaviorTypeIncidenceDuration", "00:10:00".into()),
        ("DeviceBlockDuration", "1.00:00:00".into()),
        ("AdminEmailInsert", "look".into()),
    ];
    assert_eq!(run(&mut organization, "Set-ActiveSyncDeviceAutoblockThreshold", &sent), []);
    let one = run(&mut organization, get, std::slice::from_ref(&identity));
    let check = |property: &str, printed: &str| assert_eq!(texts(&one, property), [printed]);
    check("BehaviorTypeIncidenceLimit", "5");
    check("BehaviorTypeIncidenceDuration", "00:10:00");
    check("DeviceBlockDuration", "1.00:00:00");
    check("AdminEmailInsert", "look");
    let negative = [identity, ("BehaviorTypeIncidenceLimit", (-1).into())];
    let set = "Set-ActiveSyncDeviceAutoblockThreshold";
    let why = format!("ParameterArgumentTransformationError,{set}");
    assert_eq!(refusal(&mut organization, set, &negative), why);
}

#[test]
fn what_exchange_blocked_by_itself_comes_out_by_reset_and_after_its_time() {
    let mut organization = organization();
    let guid = allowed_by(&organization, "iPhone (DeviceType)");
    let owner = organization.partnerships().find(|one| one.facts.guid == guid).unwrap().mailbox;
    assert!(organization.autoblock_device(guid));
    assert_eq!(access(&organization, guid), words("Blocked", "SyncCommands"));
    let reset =
        [("Identity", Value::from(owner.guid.unwrap())), ("ResetAutoBlockedDevices", true.into())];
    run(&mut organization, "Set-CASMailbox", &reset);
    assert_eq!(access(&organization, guid), words("Allowed", "DeviceRule"));

    let hour = [("Identity", "SyncCommands".into()), ("DeviceBlockDuration", "01:00:00".into())];
    run(&mut organization, "Set-ActiveSyncDeviceAutoblockThreshold", &hour);
    assert!(organization.autoblock_device(guid));
    organization.advance(organization.now() + SignedDuration::from_mins(59));
    assert_eq!(access(&organization, guid), words("Blocked", "SyncCommands"));
    organization.advance(organization.now() + SignedDuration::from_mins(1));
    assert_eq!(access(&organization, guid), words("Allowed", "DeviceRule"));
    assert!(!organization.autoblock_device(Uuid::nil()));
}

#[test]
fn a_class_stays_when_its_last_device_is_gone() {
    let mut organization = organization();
    let classes = |organization: &mut Organization| {
        texts(&run(organization, "Get-ActiveSyncDeviceClass", &[]), "DeviceModel")
    };
    let before = classes(&mut organization);
    assert!(before.len() > 5);
    for guid in organization.device_guids().collect::<Vec<_>>() {
        organization.remove_device(guid);
    }
    assert_eq!(classes(&mut organization), before);
    assert_eq!(organization.device_class_texts().count(), before.len());
}

#[test]
fn a_thousand_rules_decide_as_five_do() {
    let start = OrganizationOptions::default().start;
    let mut organization = Organization::generate(&OrganizationOptions::with_devices(2_000, start));
    for number in 0..1_000 {
        let sent = rule("DeviceModel", &format!("Model {number}"), "Block");
        run(&mut organization, "New-ActiveSyncDeviceAccessRule", &sent);
    }
    let guid = allowed_by(&organization, "iPhone (DeviceType)");
    let name = ("Identity", Value::from("iPhone (DeviceType)"));
    for (level, state) in [("Block", "Blocked"), ("Allow", "Allowed")] {
        let set = [name.clone(), ("AccessLevel", level.into())];
        run(&mut organization, "Set-ActiveSyncDeviceAccessRule", &set);
        assert_eq!(access(&organization, guid), words(state, "DeviceRule"));
        let default = [("DefaultAccessLevel", level.into())];
        run(&mut organization, "Set-ActiveSyncOrganizationSettings", &default);
    }
}
