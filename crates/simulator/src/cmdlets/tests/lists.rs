//! Which rows a list has, and what moves the time of a change.

use jiff::{SignedDuration, Timestamp};
use psrp::clixml::Value;

use super::{call, context, objects, organization, run, run_as, texts};
use crate::{Habits, Organization, OrganizationOptions};

fn list(organization: &mut Organization, name: &str, parameters: &[(&str, &str)]) -> Vec<String> {
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| (*name, Value::from(*value))).collect();
    texts(&run(organization, name, &parameters), "Guid")
}

fn refusal(organization: &mut Organization, name: &str, parameter: &str, value: &str) -> String {
    let sent = [call(name, &[(parameter, value.into())])];
    run_as(organization, &context(), &sent).unwrap_err().message
}

/// Devices that changed since a time, by the server's own filter.
fn changed(organization: &mut Organization, since: Timestamp) -> Vec<String> {
    let filter = format!("WhenChangedUTC -ge '{since}'");
    list(organization, "Get-MobileDevice", &[("Filter", &filter)])
}

#[test]
fn a_sync_does_not_touch_the_directory_and_a_decision_does() {
    let mut organization = organization();
    let watch = organization.now() + SignedDuration::from_hours(1);
    organization.skip_to(watch);
    assert!(changed(&mut organization, watch).is_empty());
    let synced = organization.sync_all();
    assert!(synced > 50);
    assert!(changed(&mut organization, watch).is_empty());

    let one = organization.partnerships().find(|one| one.facts.access_state.word() == "allowed");
    let one = one.unwrap();
    let block = [
        ("Identity", Value::from(one.mailbox.guid.unwrap())),
        ("ActiveSyncBlockedDeviceIDs", one.facts.device_id.clone().unwrap().into()),
    ];
    run(&mut organization, "Set-CASMailbox", &block);
    assert_eq!(changed(&mut organization, watch), [one.facts.guid.to_string()]);
    let filter = format!("WhenChangedUTC -ge '{watch}'");
    let owners = list(&mut organization, "Get-CASMailbox", &[("Filter", &filter)]);
    assert_eq!(owners, [one.mailbox.guid.unwrap().to_string()]);

    let new = organization.add_device();
    assert!(changed(&mut organization, watch).contains(&new.to_string()));
    let later = watch + SignedDuration::from_mins(1);
    organization.skip_to(later);
    let level = [("Identity", Value::from("WP8 (DeviceType)")), ("AccessLevel", "Allow".into())];
    run(&mut organization, "Set-ActiveSyncDeviceAccessRule", &level);
    let moved = changed(&mut organization, later);
    let phones = list(
        &mut organization,
        "Get-MobileDevice",
        &[("Filter", "DeviceType -eq 'WP8' -and DeviceAccessStateReason -eq 'DeviceRule'")],
    );
    assert!(!phones.is_empty());
    assert_eq!(moved, phones);
}

#[test]
fn filters_reach_names_guids_and_times() {
    let mut organization = organization();
    let one = organization.partnerships().nth(7).unwrap().facts;
    let (guid, dn) = (one.guid.to_string(), one.distinguished_name.unwrap());
    let (name, created) = (dn.first_value().unwrap(), one.when_created.unwrap());
    let dn_text = dn.as_str().replace('\'', "''");
    for filter in [
        format!("Guid -eq '{guid}'"),
        format!("Name -eq '{name}'"),
        format!("DistinguishedName -eq '{dn_text}'"),
        format!("WhenCreatedUTC -eq '{created}' -and WhenCreated -le '{created}'"),
        format!("WhenChanged -ge '{created}' -and Guid -eq '{guid}'"),
    ] {
        let found = list(&mut organization, "Get-ActiveSyncDevice", &[("Filter", &filter)]);
        assert_eq!(found, [guid.as_str()], "{filter}");
    }
}

#[test]
fn a_list_is_sorted_before_it_is_cut() {
    let mut organization = organization();
    let sorted = |organization: &mut Organization, property: &str, size: &str| {
        let parameters = [("SortBy", property.into()), ("ResultSize", size.into())];
        let replies = run(organization, "Get-MobileDevice", &parameters);
        objects(&replies)
            .iter()
            .map(|one| one.property(property).unwrap().text().unwrap().into_owned())
            .collect::<Vec<_>>()
    };
    for property in ["WhenChangedUTC", "DeviceId"] {
        let all = sorted(&mut organization, property, "Unlimited");
        assert!(all.is_sorted_by_key(|text| text.to_lowercase()), "{property}");
        let first: Vec<String> = all.into_iter().take(9).collect();
        assert_eq!(sorted(&mut organization, property, "9"), first, "{property}");
    }
    let names = run(&mut organization, "Get-CASMailbox", &[("SortBy", "alias".into())]);
    let names = texts(&names, "PrimarySmtpAddress");
    let aliases = names.iter().map(|name| name.split_once('@').unwrap().0.to_lowercase());
    assert!(aliases.is_sorted());
    let refused = refusal(&mut organization, "Get-MobileDevice", "SortBy", "Colour");
    assert!(refused.contains("\"Colour\" is not a property that can be sorted by."), "{refused}");
}

#[test]
fn an_organizational_unit_bounds_every_list() {
    let mut organization = organization();
    let all: Vec<_> = organization.partnerships().collect();
    let mut check = |unit: &str, part: &str| {
        let below = all.iter().filter(|one| one.facts.identity.as_ref().unwrap().contains(part));
        let mut guids: Vec<_> = below.map(|one| one.facts.guid.to_string()).collect();
        let mut found =
            list(&mut organization, "Get-MobileDevice", &[("OrganizationalUnit", unit)]);
        guids.sort_unstable();
        found.sort_unstable();
        assert!(!guids.is_empty());
        assert_eq!(found, guids, "{unit}");
    };
    check("contoso.com/Staff/Berlin", "/Staff/Berlin/");
    check("ou=berlin,ou=staff,dc=contoso,dc=com", "/Staff/Berlin/");
    check(r"OU=Sales\, EMEA,OU=Staff,DC=contoso,DC=com", "/Staff/Sales, EMEA/");
    check("OU=Staff,DC=contoso,DC=com", "/Staff/");
    check("München", "/Staff/München/");
    check("contoso.com", "contoso.com/");
    for cmdlet in ["Get-CASMailbox", "Get-Mailbox", "Get-User", "Get-Recipient"] {
        let found = run(
            &mut organization,
            cmdlet,
            &[("OrganizationalUnit", "contoso.com/Staff/Berlin".into())],
        );
        let names = texts(&found, "DistinguishedName");
        assert!(!names.is_empty() && names.iter().all(|name| name.contains("OU=Berlin,")));
    }
    let unknown = "contoso.com/Sta";
    let refused = refusal(&mut organization, "Get-MobileDevice", "OrganizationalUnit", unknown);
    assert!(refused.contains("couldn't be found"), "{refused}");
}

#[test]
fn what_a_server_does_not_filter_or_sort_by_is_an_error() {
    let refused_filters =
        vec!["Get-MobileDevice/WhenChangedUTC".to_owned(), "firstsynctime".to_owned()];
    let habits = Habits { refused_filters, sort_by_refused: true, ..Habits::default() };
    let options = OrganizationOptions { habits, ..OrganizationOptions::default() };
    let mut organization = Organization::generate(&options);
    for property in ["WhenChangedUTC", "FirstSyncTime"] {
        let filter = format!("{property} -gt '2026-11-21T07:00:00Z'");
        let refused = refusal(&mut organization, "Get-MobileDevice", "Filter", &filter);
        let why = format!("\"{property}\" is not a filterable property.");
        assert!(refused.contains(&why), "{refused}");
    }
    let filter = "WhenChangedUTC -gt '2099-11-21T07:00:00Z'";
    assert!(list(&mut organization, "Get-CASMailbox", &[("Filter", filter)]).is_empty());
    let refused = refusal(&mut organization, "Get-MobileDevice", "SortBy", "DeviceId");
    assert!(refused.contains("Sorting is not supported."), "{refused}");
}
