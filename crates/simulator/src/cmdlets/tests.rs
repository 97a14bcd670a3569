//! What cmdlets do and give, called directly.

mod access;
mod admin_audit;
mod lists;
mod policies;
mod servers;

use psrp::clixml::{self, Content, Object, Value};

use super::{Context, Execution, Invocation, Problem, Reply, Step};
use crate::{AccessLevel, Dialect, HiddenParameter, Organization, OrganizationOptions, Visible};

fn context() -> Context {
    Context {
        now: jiff::Timestamp::UNIX_EPOCH,
        server: 0,
        runspace: uuid::Uuid::nil(),
        account: r"CONTOSO\gatepost".to_owned(),
        visible: Visible::All,
        hidden_parameters: Vec::new(),
        offline: std::collections::BTreeSet::new(),
        truncate_after: None,
        answers_another: false,
    }
}

fn organization() -> Organization {
    Organization::generate(&OrganizationOptions::default())
}

fn call(name: &str, parameters: &[(&str, Value)]) -> Invocation {
    let parameters =
        parameters.iter().map(|(name, value)| (Some((*name).to_owned()), value.clone()));
    Invocation { name: name.to_owned(), parameters: parameters.collect() }
}

fn run_as(
    organization: &mut Organization,
    context: &Context,
    calls: &[Invocation],
) -> Result<Vec<Reply>, Box<Problem>> {
    let mut execution = Execution::prepare(calls, false, organization, context)?;
    let mut replies = Vec::new();
    loop {
        match execution.step(organization, context) {
            Step::Emit(reply) => replies.push(reply),
            Step::Ask(_) => execution.answer(0),
            Step::Failed(problem) => return Err(problem),
            Step::Done | Step::NeedInput => return Ok(replies),
        }
    }
}

fn run(organization: &mut Organization, name: &str, parameters: &[(&str, Value)]) -> Vec<Reply> {
    run_as(organization, &context(), &[call(name, parameters)]).unwrap()
}

fn objects(replies: &[Reply]) -> Vec<&Value> {
    replies
        .iter()
        .filter_map(|reply| match reply {
            Reply::Object(value) => Some(value),
            _ => None,
        })
        .collect()
}

fn texts(replies: &[Reply], property: &str) -> Vec<String> {
    let values = objects(replies).into_iter();
    values.map(|value| value.property(property).unwrap().text().unwrap().into_owned()).collect()
}

fn first_guid(organization: &Organization) -> Value {
    Value::Guid(organization.device_guids().next().unwrap())
}

#[test]
fn a_device_its_statistics_and_its_mailbox_are_written_as_exchange_writes_them() {
    let mut organization = organization();
    let guid = first_guid(&organization);
    let device = run(&mut organization, "Get-MobileDevice", &[("Identity", guid.clone())]);
    let text = clixml::write(objects(&device)[0]);
    assert!((4_000..12_000).contains(&text.len()), "{} bytes", text.len());
    insta::assert_snapshot!("device", text);
    let statistics = run(&mut organization, "Get-MobileDeviceStatistics", &[("Identity", guid)]);
    insta::assert_snapshot!("statistics", clixml::write(objects(&statistics)[0]));
    let owner = organization.partnerships().next().unwrap().mailbox.guid.unwrap();
    let mailbox = run(&mut organization, "Get-CASMailbox", &[("Identity", owner.into())]);
    insta::assert_snapshot!("mailbox", clixml::write(objects(&mailbox)[0]));
}

#[test]
fn lists_stop_at_the_default_and_say_so() {
    let options = OrganizationOptions { devices: 1_001, ..OrganizationOptions::default() };
    let mut organization = Organization::generate(&options);
    let cut = run(&mut organization, "get-mobiledevice", &[]);
    assert_eq!(objects(&cut).len(), 1_000);
    assert!(matches!(cut.last(), Some(Reply::Warning(text)) if text.starts_with("There are more")));
    let whole = run(&mut organization, "Get-MobileDevice", &[("ResultSize", "Unlimited".into())]);
    assert_eq!(whole.len(), 1_001);
    let null = [("Identity", Value::Nil), ("ResultSize", "unlimited".into())];
    assert_eq!(run(&mut organization, "Get-MobileDevice", &null).len(), 1_001);
}

#[test]
fn calls_that_cannot_be_are_refused_with_powershells_ids() {
    let mut organization = organization();
    let mut check = |name: &str, parameters: &[(&str, Value)], id: &str| {
        let result = run_as(&mut organization, &context(), &[call(name, parameters)]);
        assert_eq!(result.unwrap_err().fully_qualified_id(None), id);
    };
    check("Get-Nothing", &[], "CommandNotFoundException");
    check(
        "Get-MobileDevice",
        &[("Colour", "red".into())],
        "NamedParameterNotFound,Get-MobileDevice",
    );
    check(
        "Get-MobileDevice",
        &[("ResultSize", "many".into())],
        "ParameterArgumentTransformationError,Get-MobileDevice",
    );
    check(
        "Get-MobileDeviceStatistics",
        &[],
        "MissingMandatoryParameter,Get-MobileDeviceStatistics",
    );
    check(
        "Clear-MobileDevice",
        &[("Identity", Value::Nil)],
        "ParameterArgumentValidationErrorNullNotAllowed,Clear-MobileDevice",
    );
}

#[test]
fn what_a_role_hides_does_not_exist() {
    let mut organization = organization();
    let hidden = Visible::Without(vec!["Get-MobileDevice".to_owned()]);
    let context = Context { visible: hidden, ..context() };
    let result = run_as(&mut organization, &context, &[call("Get-MobileDevice", &[])]);
    assert_eq!(result.unwrap_err().fully_qualified_id(None), "CommandNotFoundException");
}

#[test]
fn a_parameter_that_a_role_hides_does_not_exist() {
    let mut organization = organization();
    let hidden = vec![
        HiddenParameter::new("clear-mobiledevice", "accountonly"),
        HiddenParameter::new("Clear-MobileDevice", "Confirm"),
        HiddenParameter::new("Get-MobileDeviceStatistics", "Identity"),
    ];
    let context = Context { hidden_parameters: hidden, ..context() };
    let guid = first_guid(&organization);
    let mut refusal = |name: &str, sent: &[(&str, Value)]| {
        let result = run_as(&mut organization, &context, &[call(name, sent)]);
        result.unwrap_err().fully_qualified_id(None)
    };
    for parameter in ["AccountOnly", "Acc", "Confirm"] {
        let sent = [("Identity", guid.clone()), (parameter, true.into())];
        let refused = refusal("Clear-MobileDevice", &sent);
        assert_eq!(refused, "NamedParameterNotFound,Clear-MobileDevice", "{parameter}");
    }
    let mut positional = call("Get-MobileDeviceStatistics", &[]);
    positional.parameters.push((None, guid));
    let refused = run_as(&mut organization, &context, &[positional]).unwrap_err();
    assert!(refused.fully_qualified_id(None).starts_with("PositionalParameterNotFound"));

    let listed = call("Get-Command", &[("Name", "Clear-MobileDevice".into())]);
    let replies = run_as(&mut organization, &context, &[listed]).unwrap();
    let parameters = objects(&replies)[0].property("Parameters").unwrap();
    let names: Vec<_> =
        parameters.entries().unwrap().iter().map(|(name, _)| name.text().unwrap()).collect();
    assert!(names.iter().any(|name| name == "Cancel") && names.iter().any(|n| n == "WhatIf"));
    assert!(!names.iter().any(|name| name == "AccountOnly" || name == "Confirm"), "{names:?}");
}

#[test]
fn an_exchange_of_2010_knows_only_the_old_names() {
    let options =
        OrganizationOptions { dialect: Dialect::Exchange2010, ..OrganizationOptions::default() };
    let mut organization = Organization::generate(&options);
    assert!(run_as(&mut organization, &context(), &[call("Get-MobileDevice", &[])]).is_err());
    let replies = run(&mut organization, "Get-ActiveSyncDevice", &[]);
    assert_eq!(replies.len(), organization.device_count());
    let names = texts(&run(&mut organization, "Get-Command", &[]), "Name");
    assert!(names.iter().all(|name| !name.contains("MobileDevice")), "{names:?}");
}

#[test]
fn allow_and_block_move_a_device_and_block_beats_allow() {
    let mut organization = organization();
    let one = organization.partnerships().next().unwrap();
    let id = one.facts.device_id.clone().unwrap();
    let mailbox = Value::from(one.mailbox.guid.unwrap());
    let edit = |add: &str, remove: &str| {
        let entries = vec![
            (Value::from("Add"), Value::from(add)),
            (Value::from("Remove"), Value::from(remove)),
        ];
        Value::from(Object::around(Content::Dictionary(entries)))
    };
    let mut set = |allowed: Value, blocked: Value| {
        let parameters = [
            ("Identity", mailbox.clone()),
            ("ActiveSyncAllowedDeviceIDs", allowed),
            ("ActiveSyncBlockedDeviceIDs", blocked),
        ];
        assert!(run(&mut organization, "Set-CASMailbox", &parameters).is_empty());
        let facts = organization.partnerships().next().unwrap().facts;
        (facts.access_state.word(), facts.access_reason.unwrap().word())
    };
    assert_eq!(set(edit(&id, ""), edit(&id, "")), ("blocked", "individual"));
    assert_eq!(set(edit(&id, ""), edit("", &id)), ("allowed", "individual"));
    assert_eq!(set(Value::Nil, Value::from(id.as_str())), ("blocked", "individual"));
}

#[test]
fn the_default_access_level_moves_whom_nothing_else_names() {
    let mut organization = organization();
    let count = |organization: &Organization, reason: &str, state: &str| {
        organization
            .partnerships()
            .filter(|one| one.facts.access_reason.unwrap().word() == reason)
            .filter(|one| one.facts.access_state.word() == state)
            .count()
    };
    let waiting = count(&organization, "global", "quarantined");
    assert!(waiting > 0);
    run(
        &mut organization,
        "Set-ActiveSyncOrganizationSettings",
        &[("DefaultAccessLevel", AccessLevel::Block.word().into())],
    );
    assert_eq!(count(&organization, "global", "quarantined"), 0);
    assert!(count(&organization, "global", "blocked") >= waiting);
}

#[test]
fn a_rule_is_made_changed_and_removed() {
    let mut organization = organization();
    let parameters = [
        ("QueryString", Value::from("Pixel 8")),
        ("Characteristic", "DeviceModel".into()),
        ("AccessLevel", "Block".into()),
    ];
    let made = run(&mut organization, "New-ActiveSyncDeviceAccessRule", &parameters);
    assert_eq!(texts(&made, "Name"), ["Pixel 8 (DeviceModel)"]);
    let twice = run(&mut organization, "New-ActiveSyncDeviceAccessRule", &parameters);
    assert!(matches!(&twice[..], [Reply::Error(problem)] if problem.message.contains("exists")));
    let identity = ("Identity", Value::from("Pixel 8 (DeviceModel)"));
    let level = ("AccessLevel", Value::from("Quarantine"));
    run(&mut organization, "Set-ActiveSyncDeviceAccessRule", &[identity.clone(), level]);
    let now =
        run(&mut organization, "Get-ActiveSyncDeviceAccessRule", std::slice::from_ref(&identity));
    assert_eq!(texts(&now, "AccessLevel"), ["Quarantine"]);
    run(&mut organization, "Remove-ActiveSyncDeviceAccessRule", &[identity]);
    assert_eq!(run(&mut organization, "Get-ActiveSyncDeviceAccessRule", &[]).len(), 5);
}

#[test]
fn every_form_of_identity_finds_the_same_device() {
    let mut organization = organization();
    for one in organization.partnerships().take(40).collect::<Vec<_>>() {
        let dn = one.facts.distinguished_name.unwrap();
        let forms = [
            one.facts.guid.to_string(),
            dn.as_str().to_owned(),
            one.facts.identity.unwrap(),
            format!(
                r"{}\ExchangeActiveSyncDevices\{}",
                one.mailbox.display_name.unwrap(),
                dn.first_value().unwrap()
            ),
        ];
        for form in forms {
            let found =
                run(&mut organization, "Get-MobileDevice", &[("Identity", form.as_str().into())]);
            assert_eq!(texts(&found, "Guid"), [one.facts.guid.to_string()], "{form}");
        }
    }
}

#[test]
fn a_chain_hands_identities_on_and_an_offline_database_fails_alone() {
    let mut organization = organization();
    let offline = organization.database_names().next().unwrap().to_owned();
    let context = Context { offline: [offline].into(), ..context() };
    let calls = [call("Get-MobileDevice", &[]), call("Get-MobileDeviceStatistics", &[])];
    let replies = run_as(&mut organization, &context, &calls).unwrap();
    assert_eq!(replies.len(), organization.device_count());
    let failed = replies.iter().filter(|reply| {
        matches!(reply, Reply::Error(problem) if problem.short_exception() == "StorageTransientException")
    });
    assert!((1..replies.len()).contains(&failed.count()));
}
