//! Mailbox policies are made, changed and removed, under both families of names.

use psrp::clixml::Value;

use super::{Execution, Reply, Step, call, context, objects, organization, run, run_as, texts};
use crate::{
    Dialect, Organization, OrganizationOptions,
    organization::{Family, POLICY_SETTINGS, PolicySetting},
};

fn organization_of_2010() -> Organization {
    let options =
        OrganizationOptions { dialect: Dialect::Exchange2010, ..OrganizationOptions::default() };
    Organization::generate(&options)
}

fn shown(organization: &mut Organization, cmdlet: &str, policy: &str, property: &str) -> String {
    let found = run(organization, cmdlet, &[("Identity", policy.into())]);
    let value = objects(&found)[0].property(property).unwrap();
    value.text().map_or_else(|| "null".to_owned(), std::borrow::Cow::into_owned)
}

#[test]
fn every_setting_is_a_parameter_and_reads_back_as_exchange_prints_it() {
    let mut organization = organization();
    let mut check = |name: &str, sent: Value, printed: &str| {
        let parameters = [("Identity", Value::from("Default")), (name, sent)];
        let replies = run(&mut organization, "Set-MobileDeviceMailboxPolicy", &parameters);
        assert_eq!(replies, [], "{name}");
        let now = shown(&mut organization, "Get-MobileDeviceMailboxPolicy", "Default", name);
        assert_eq!(now, printed, "{name}");
    };
    check("PasswordEnabled", true.into(), "true");
    check("AllowCamera", "$false".into(), "false");
    check("MinPasswordLength", 8.into(), "8");
    check("MinPasswordLength", Value::Nil, "null");
    check("MaxPasswordFailedAttempts", "10".into(), "10");
    check("MaxPasswordFailedAttempts", "Unlimited".into(), "Unlimited");
    check("MaxInactivityTimeLock", "00:15:00".into(), "00:15:00");
    check("PasswordExpiration", Value::Duration("P90D".to_owned()), "90.00:00:00");
    check("MaxAttachmentSize", "1MB".into(), "1 MB (1,048,576 bytes)");
    check("MaxAttachmentSize", 1_500.into(), "1.46 KB (1,500 bytes)");
    check("AllowBluetooth", "handsfreeonly".into(), "HandsfreeOnly");
    check("MaxEmailAgeFilter", "OneWeek".into(), "OneWeek");
    for cmdlet in ["Set-MobileDeviceMailboxPolicy", "Set-ActiveSyncMailboxPolicy"] {
        let listed = run(&mut organization, "Get-Command", &[("Name", cmdlet.into())]);
        let parameters = objects(&listed)[0].property("Parameters").unwrap().entries().unwrap();
        let has = |name: &str| parameters.iter().any(|(key, _)| key.text().unwrap() == name);
        let family = Family::of(cmdlet);
        let known = |one: &&PolicySetting| one.is_known(family, Dialect::Exchange2013);
        for setting in POLICY_SETTINGS.iter().filter(known) {
            assert!(has(setting.name_in(family)), "{}", setting.name);
        }
    }
}

#[test]
fn what_a_setting_does_not_take_is_refused() {
    let mut organization = organization();
    let mut check = |cmdlet: &str, name: &str, value: Value, id: &str| {
        let sent = call(cmdlet, &[("Identity", "Default".into()), (name, value)]);
        let refused = run_as(&mut organization, &context(), &[sent]).unwrap_err();
        assert_eq!(refused.fully_qualified_id(None), format!("{id},{cmdlet}"), "{name}");
    };
    const TRANSFORMATION: &str = "ParameterArgumentTransformationError";
    let set = "Set-MobileDeviceMailboxPolicy";
    check(set, "PasswordEnabled", "perhaps".into(), TRANSFORMATION);
    check(set, "MinPasswordLength", 17.into(), TRANSFORMATION);
    check(set, "MaxInactivityTimeLock", "25:00:00".into(), TRANSFORMATION);
    check(set, "MaxAttachmentSize", "4GB".into(), TRANSFORMATION);
    check(set, "AllowBluetooth", "Sometimes".into(), TRANSFORMATION);
    const UNKNOWN: &str = "NamedParameterNotFound";
    for setting in POLICY_SETTINGS {
        let [new, old] = [Family::MobileDevice, Family::ActiveSync].map(|of| setting.name_in(of));
        if new != old && !old.is_empty() {
            check(set, old, true.into(), UNKNOWN);
            check("Set-ActiveSyncMailboxPolicy", new, true.into(), UNKNOWN);
        }
    }
    for cloud in [
        "AllowApplePushNotifications",
        "AllowGooglePushNotifications",
        "AllowMicrosoftPushNotifications",
    ] {
        check(set, cloud, true.into(), UNKNOWN);
    }
    check("Set-MobileDeviceMailboxPolicy", "IsDefaultPolicy", true.into(), UNKNOWN);
}

#[test]
fn an_exchange_of_2010_begins_a_policy_stricter_and_calls_the_default_otherwise() {
    let mut organization = organization_of_2010();
    let (get, set) = ("Get-ActiveSyncMailboxPolicy", "Set-ActiveSyncMailboxPolicy");
    run(&mut organization, "New-ActiveSyncMailboxPolicy", &[("Name", "Phones".into())]);
    let mut check = |setting: &str, built_in: &str, fresh: &str| {
        assert_eq!(shown(&mut organization, get, "Default", setting), built_in, "{setting}");
        assert_eq!(shown(&mut organization, get, "Phones", setting), fresh, "{setting}");
    };
    check("AllowNonProvisionableDevices", "true", "false");
    check("MinDevicePasswordLength", "4", "4");
    check("MaxDevicePasswordFailedAttempts", "8", "8");
    check("MaxInactivityTimeDeviceLock", "00:15:00", "00:15:00");
    check("RequireStorageCardEncryption", "false", "false");
    check("DevicePasswordEnabled", "false", "false");
    check("IsDefaultPolicy", "true", "false");
    let half =
        [("Identity", Value::from("Phones")), ("MaxInactivityTimeDeviceLock", "00:00:30".into())];
    assert_eq!(run(&mut organization, set, &half), []);
    let default = [("Identity", Value::from("Phones")), ("IsDefaultPolicy", true.into())];
    assert_eq!(run(&mut organization, set, &default), []);
    assert_eq!(
        texts(&run(&mut organization, get, &[]), "IsDefaultPolicy"),
        ["false", "false", "true"]
    );
    let listed = run(&mut organization, "Get-Command", &[("Name", set.into())]);
    let parameters = objects(&listed)[0].property("Parameters").unwrap().entries().unwrap();
    assert!(!parameters.iter().any(|(name, _)| name.text().unwrap() == "IsDefault"));
}

#[test]
fn an_exchange_since_2013_begins_a_policy_without_limits_under_either_name() {
    let mut organization = organization();
    let get = "Get-MobileDeviceMailboxPolicy";
    for cmdlet in ["New-MobileDeviceMailboxPolicy", "New-ActiveSyncMailboxPolicy"] {
        run(&mut organization, cmdlet, &[("Name", cmdlet.into())]);
        let mut check = |setting: &str, fresh: &str| {
            assert_eq!(shown(&mut organization, get, cmdlet, setting), fresh, "{setting}");
        };
        check("AllowNonProvisionableDevices", "true");
        check("MinPasswordLength", "null");
        check("MaxPasswordFailedAttempts", "Unlimited");
        check("MaxInactivityTimeLock", "Unlimited");
        check("RequireStorageCardEncryption", "false");
    }
}

#[test]
fn a_name_that_another_policy_has_is_refused() {
    let mut organization = organization();
    let set = "Set-MobileDeviceMailboxPolicy";
    let rename = |name: &str| [("Identity", Value::from("Default")), ("Name", name.into())];
    let refused = run(&mut organization, set, &rename("executives, STRICT"));
    assert!(matches!(&refused[..], [Reply::Error(problem)] if problem.message.contains("exists")));
    assert_eq!(run(&mut organization, set, &rename("DEFAULT")), []);
    assert_eq!(run(&mut organization, set, &rename("Phones")), []);
    let names = texts(&run(&mut organization, "Get-MobileDeviceMailboxPolicy", &[]), "Name");
    assert_eq!(names, ["Phones", "Executives, strict"]);
}

#[test]
fn a_mailbox_is_given_a_policy_and_goes_back_to_the_default() {
    let mut organization = organization();
    let owner = organization.partnerships().next().unwrap().mailbox.guid.unwrap();
    let mut given = |policy: Value| {
        let sent = [("Identity", Value::from(owner)), ("ActiveSyncMailboxPolicy", policy)];
        assert_eq!(run(&mut organization, "Set-CASMailbox", &sent), []);
        let mailbox = run(&mut organization, "Get-CASMailbox", &sent[..1]);
        let [name, defaulted] = ["ActiveSyncMailboxPolicy", "ActiveSyncMailboxPolicyIsDefaulted"]
            .map(|property| texts(&mailbox, property).remove(0));
        (name, defaulted)
    };
    let pair = |name: &str, defaulted: &str| (name.to_owned(), defaulted.to_owned());
    assert_eq!(given("Executives, strict".into()), pair("Executives, strict", "false"));
    assert_eq!(given("Default".into()), pair("Default", "false"));
    assert_eq!(given(Value::Nil), pair("Default", "true"));
    let strict = run(&mut organization, "Get-MobileDeviceMailboxPolicy", &[])
        .iter()
        .filter_map(|reply| match reply {
            Reply::Object(policy) => {
                policy.property("DistinguishedName")?.text()?.into_owned().into()
            }
            _ => None,
        })
        .next_back()
        .unwrap();
    let filter = format!("ActiveSyncMailboxPolicy -eq '{strict}'");
    let found = run(&mut organization, "Get-CASMailbox", &[("Filter", filter.as_str().into())]);
    assert!(!found.is_empty());
    let policies = texts(&found, "ActiveSyncMailboxPolicy");
    assert!(policies.iter().all(|policy| policy == "Executives, strict"));
}

#[test]
fn removing_a_policy_that_somebody_has_asks_unless_told_not_to() {
    let remove = |extra: Option<(&'static str, Value)>, choice: i64| {
        let mut organization = organization();
        let mut sent = vec![("Identity", Value::from("Executives, strict"))];
        sent.extend(extra);
        let calls = [call("Remove-MobileDeviceMailboxPolicy", &sent)];
        let mut execution = Execution::prepare(&calls, false, &organization, &context()).unwrap();
        let mut questions = 0;
        loop {
            match execution.step(&mut organization, &context()) {
                Step::Ask(_) => {
                    questions += 1;
                    execution.answer(choice);
                }
                Step::Done => return (questions, organization.policies().len()),
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(remove(None, 2), (1, 2));
    assert_eq!(remove(None, 0), (1, 1));
    assert_eq!(remove(Some(("Confirm", false.into())), 2), (0, 1));
    assert_eq!(remove(Some(("Force", true.into())), 2), (0, 1));
}

#[test]
fn a_policy_is_made_becomes_the_default_and_another_is_removed() {
    let mut organization = organization();
    let made = run(
        &mut organization,
        "New-ActiveSyncMailboxPolicy",
        &[
            ("Name", "Phones".into()),
            ("DevicePasswordEnabled", true.into()),
            ("RequireStorageCardEncryption", true.into()),
        ],
    );
    assert_eq!(texts(&made, "DevicePasswordEnabled"), ["true"]);
    let get = "Get-MobileDeviceMailboxPolicy";
    assert_eq!(shown(&mut organization, get, "Phones", "DeviceEncryptionEnabled"), "true");
    let twice =
        run(&mut organization, "New-MobileDeviceMailboxPolicy", &[("Name", "phones".into())]);
    assert!(matches!(&twice[..], [Reply::Error(problem)] if problem.message.contains("exists")));

    let users = |organization: &mut Organization, policy: &str| {
        let all = run(organization, "Get-CASMailbox", &[]);
        texts(&all, "ActiveSyncMailboxPolicy").iter().filter(|one| *one == policy).count()
    };
    let (usual, strict) =
        (users(&mut organization, "Default"), users(&mut organization, "Executives, strict"));
    assert!(usual > 0 && strict > 0);
    let default = [("Identity", Value::from("Phones")), ("IsDefault", true.into())];
    run(&mut organization, "Set-MobileDeviceMailboxPolicy", &default);
    let defaults = texts(&run(&mut organization, get, &[]), "IsDefault");
    assert_eq!(defaults, ["false", "false", "true"]);
    assert_eq!(users(&mut organization, "Phones"), usual);

    let remove = |name: &str| [("Identity", Value::from(name)), ("Confirm", false.into())];
    let kept = run(&mut organization, "Remove-MobileDeviceMailboxPolicy", &remove("Phones"));
    assert!(matches!(&kept[..], [Reply::Error(problem)] if problem.message.contains("default")));
    for name in ["Default", "Executives, strict"] {
        run(&mut organization, "Remove-MobileDeviceMailboxPolicy", &remove(name));
    }
    assert_eq!(texts(&run(&mut organization, get, &[]), "Name"), ["Phones"]);
    assert_eq!(users(&mut organization, "Phones"), usual + strict);
}

#[test]
fn a_stricter_policy_blocks_clients_that_cannot_carry_it_out() {
    let mut organization = organization();
    let blocked = |organization: &Organization| {
        let all = organization.partnerships();
        all.filter(|one| one.facts.access_reason.unwrap().word() == "policy").count()
    };
    let count = |organization: &mut Organization, allowed: bool| {
        let parameters = [
            ("Identity", Value::from("Default")),
            ("AllowNonProvisionableDevices", allowed.into()),
        ];
        run(organization, "Set-MobileDeviceMailboxPolicy", &parameters);
        blocked(organization)
    };
    let some = count(&mut organization, false);
    assert!(some > count(&mut organization, true));
}
