//! Who changed what: the administrator audit log.

use jiff::{SignedDuration, Timestamp};
use psrp::clixml::Value;

use super::{Context, Reply, call, context, first_guid, objects, organization, run, run_as, texts};
use crate::{Organization, Visible};

const SEARCH: &str = "Search-AdminAuditLog";

/// Cmdlet and object of what a search finds.
fn found(organization: &mut Organization, sent: &[(&str, Value)]) -> Vec<(String, String)> {
    let replies = run(organization, SEARCH, sent);
    texts(&replies, "CmdletName").into_iter().zip(texts(&replies, "ObjectModified")).collect()
}

fn pair(cmdlet: &str, object: &str) -> (String, String) {
    (cmdlet.to_owned(), object.to_owned())
}

#[test]
fn what_was_changed_is_logged_with_who_and_how_and_what_was_not_is_not() {
    let mut organization = organization();
    let now = organization.now() + SignedDuration::from_mins(5);
    let jane = Context { account: r"CONTOSO\jane".to_owned(), now, ..context() };
    let sent = [
        ("Identity", Value::from("default")),
        ("AllowCamera", false.into()),
        ("MaxInactivityTimeLock", "00:15:00".into()),
    ];
    let set = call("Set-MobileDeviceMailboxPolicy", &sent);
    run_as(&mut organization, &jane, &[set]).unwrap();
    let replies = run(&mut organization, SEARCH, &[]);
    let [event] = objects(&replies)[..] else { panic!("{replies:?}") };
    let text = |name: &str| event.property(name).unwrap().text().unwrap().into_owned();
    assert_eq!(text("Caller"), "contoso.com/Users/jane");
    assert_eq!(text("CmdletName"), "Set-MobileDeviceMailboxPolicy");
    assert_eq!(text("ObjectModified"), "Default");
    assert_eq!(text("Succeeded"), "true");
    assert_eq!(text("Error"), "None");
    assert_eq!(text("RunDate").parse::<Timestamp>().unwrap(), now);
    let policy = run(&mut organization, "Get-MobileDeviceMailboxPolicy", &sent[..1]);
    let changed = texts(&policy, "WhenChangedUTC").remove(0).parse::<Timestamp>().unwrap();
    assert_eq!(changed, now);
    assert_eq!(text("OriginatingServer"), "EX-BER-01 (15.02.1748.010)");
    let parameters = event.property("CmdletParameters").unwrap().items().unwrap();
    let part = |one: &Value, name: &str| one.property(name).unwrap().text().unwrap().into_owned();
    let shown: Vec<_> =
        parameters.iter().map(|one| (part(one, "Name"), part(one, "Value"))).collect();
    assert_eq!(
        shown,
        [
            pair("Identity", "default"),
            pair("AllowCamera", "False"),
            pair("MaxInactivityTimeLock", "00:15:00")
        ]
    );
    assert_eq!(event.property("ModifiedProperties").unwrap().items(), Some(&[][..]));
    let type_name = event.as_object().unwrap().type_names.first().unwrap().to_owned();
    assert!(type_name.ends_with("AdminAuditLogEvent"), "{type_name}");

    let what_if = [sent[0].clone(), sent[1].clone(), ("WhatIf", true.into())];
    run(&mut organization, "Set-MobileDeviceMailboxPolicy", &what_if);
    run(&mut organization, "Set-ADServerSettings", &[("ViewEntireForest", true.into())]);
    run(&mut organization, "Get-MobileDevice", &[]);
    assert_eq!(run(&mut organization, SEARCH, &[]).len(), 1);
}

#[test]
fn every_kind_of_object_is_named_even_one_that_is_gone() {
    let mut organization = organization();
    let guid = first_guid(&organization);
    let one = organization.partnerships().next().unwrap();
    let owner = Value::from(one.mailbox.guid.unwrap());
    let rule = [
        ("QueryString", Value::from("Pixel 8")),
        ("Characteristic", "DeviceModel".into()),
        ("AccessLevel", "Block".into()),
    ];
    run(&mut organization, "New-ActiveSyncDeviceAccessRule", &rule);
    run(&mut organization, "New-ActiveSyncMailboxPolicy", &[("Name", "Phones".into())]);
    let level = [("DefaultAccessLevel", "Allow".into())];
    run(&mut organization, "Set-ActiveSyncOrganizationSettings", &level);
    run(
        &mut organization,
        "Set-CASMailbox",
        &[("Identity", owner), ("ActiveSyncEnabled", true.into())],
    );
    let threshold = [("Identity", Value::from("watsons")), ("AdminEmailInsert", "x".into())];
    run(&mut organization, "Set-ActiveSyncDeviceAutoblockThreshold", &threshold);
    run(&mut organization, "Remove-MobileDevice", &[("Identity", guid)]);
    let rule = [("Identity", Value::from("pixel 8 (devicemodel)"))];
    run(&mut organization, "Remove-ActiveSyncDeviceAccessRule", &rule);
    let device = one.facts.identity.unwrap();
    let mailbox = device.split_once("/ExchangeActiveSyncDevices/").unwrap().0;
    assert_eq!(
        found(&mut organization, &[]),
        [
            pair("Remove-ActiveSyncDeviceAccessRule", "Pixel 8 (DeviceModel)"),
            pair("Remove-MobileDevice", &device),
            pair("Set-ActiveSyncDeviceAutoblockThreshold", "Watsons"),
            pair("Set-CASMailbox", mailbox),
            pair("Set-ActiveSyncOrganizationSettings", "Mobile Mailbox Settings"),
            pair("New-ActiveSyncMailboxPolicy", "Phones"),
            pair("New-ActiveSyncDeviceAccessRule", "Pixel 8 (DeviceModel)"),
        ]
    );
}

#[test]
fn the_log_is_searched_by_cmdlet_parameter_object_person_time_and_success() {
    let mut organization = organization();
    let start = organization.now();
    let set = "Set-ActiveSyncOrganizationSettings";
    let policy = "Set-MobileDeviceMailboxPolicy";
    for (minute, user) in (1..).zip(["jane", "omar", "jane"]) {
        let now = start + SignedDuration::from_mins(minute);
        let context = Context { account: format!(r"CONTOSO\{user}"), now, ..context() };
        let insert = call(set, &[("UserMailInsert", user.into())]);
        run_as(&mut organization, &context, &[insert]).unwrap();
    }
    let camera = [("Identity", Value::from("Default")), ("AllowCamera", false.into())];
    run(&mut organization, policy, &camera);
    let nobody = [("Identity", Value::from("Nobody")), ("AllowCamera", false.into())];
    let failed = run(&mut organization, policy, &nobody);
    assert!(matches!(&failed[..], [Reply::Error(_)]));

    let time =
        |minute: i64| Value::DateTime((start + SignedDuration::from_mins(minute)).to_string());
    let mut count = |sent: &[(&str, Value)]| run(&mut organization, SEARCH, sent).len();
    assert_eq!(count(&[]), 5);
    assert_eq!(count(&[("Cmdlets", set.to_lowercase().as_str().into())]), 3);
    assert_eq!(count(&[("Cmdlets", policy.into()), ("Parameters", "allowcamera".into())]), 2);
    assert_eq!(count(&[("ObjectIds", "default".into())]), 1);
    for jane in ["jane", r"CONTOSO\jane", "contoso.com/Users/Jane", "jane@contoso.com"] {
        assert_eq!(count(&[("UserIds", jane.into())]), 2, "{jane}");
    }
    assert_eq!(count(&[("IsSuccess", false.into())]), 1);
    // The last two were run by a server whose clock is behind.
    assert_eq!(count(&[("StartDate", time(2))]), 4);
    assert_eq!(count(&[("StartDate", time(1)), ("EndDate", time(2))]), 2);
    assert_eq!(count(&[("EndDate", "1/1/2000".into())]), 0);
    assert_eq!(count(&[("ResultSize", 2.into())]), 2);
    assert_eq!(count(&[("StartIndex", 4.into()), ("ResultSize", "Unlimited".into())]), 1);
    let alone = run(&mut organization, SEARCH, &[("Parameters", "AllowCamera".into())]);
    assert!(matches!(&alone[..], [Reply::Error(problem)] if problem.message.contains("Cmdlets")));
    let never =
        run_as(&mut organization, &context(), &[call(SEARCH, &[("EndDate", "soon".into())])]);
    assert!(never.unwrap_err().message.contains("System.DateTime"));
}

#[test]
fn the_log_can_be_hidden_and_forgets_what_is_oldest() {
    let mut organization = organization();
    for number in 0..10_005 {
        let sent = [("UserMailInsert", Value::from(number))];
        run(&mut organization, "Set-ActiveSyncOrganizationSettings", &sent);
    }
    let all = run(&mut organization, SEARCH, &[("ResultSize", "Unlimited".into())]);
    assert_eq!(all.len(), 10_000);
    let ids: std::collections::BTreeSet<_> = texts(&all, "Identity").into_iter().collect();
    assert_eq!(ids.len(), all.len());
    let hidden = Visible::Without(vec![SEARCH.to_owned()]);
    let context = Context { visible: hidden, ..context() };
    let refused = run_as(&mut organization, &context, &[call(SEARCH, &[])]).unwrap_err();
    assert_eq!(refused.fully_qualified_id(None), "CommandNotFoundException");
}
