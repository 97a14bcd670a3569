//! The Get cmdlets.

use psrp::clixml::Value;

use super::{
    Begun, Call, Context, Definition, Problem, Work,
    definition::OBJECT,
    filter::Field,
    lists::{self, Selection},
    render::{self, View},
};
use crate::organization::{Device, Family, Lookup, Mailbox, Organization};

/// Get-MobileDevice, Get-ActiveSyncDevice.
pub(super) fn devices(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let definition = call.definition;
    let view = if definition.name.ends_with("ActiveSyncDevice") {
        View::ActiveSyncDevice
    } else {
        View::MobileDevice
    };
    if let Some(identity) = call.text("Identity") {
        return Ok(match device_named(definition, organization, context, &identity) {
            Ok(row) => {
                let other = organization.present().map(|(other, _)| other).find(|it| *it != row);
                let row = other.filter(|_| context.answers_another).unwrap_or(row);
                vec![Work::Rows { rows: vec![row].into_iter(), view }]
            }
            Err(problem) => vec![Work::error(problem)],
        });
    }
    let wanted = Selection::of(call, organization, lists::DEVICE_PROPERTIES)?;
    let field = |device: &Device, name: &str| lists::device_field(organization, device, name);
    let fits = |device: &Device| {
        let owner = organization.mailbox(device.mailbox);
        organization.sees(context.server, owner)
            && wanted.takes(owner, &|name: &str| field(device, name))
    };
    let mut rows: Vec<u32> = match call.text("Mailbox") {
        Some(mailbox) => match mailbox_named(definition, organization, context, &mailbox) {
            Ok(owner) => {
                let own = organization.mailbox(owner).devices.iter().copied();
                own.filter(|row| organization.device(*row).is_some_and(fits)).collect()
            }
            Err(problem) => return Ok(vec![Work::error(problem)]),
        },
        None => organization.present().filter(|(_, one)| fits(one)).map(|(row, _)| row).collect(),
    };
    wanted.sort(&mut rows, |row, name| {
        organization.device(row).map_or(Field::Null, |device| field(device, name))
    });
    lists::limited(call, organization, context, rows, view)
}

/// Get-MobileDeviceStatistics, Get-ActiveSyncDeviceStatistics.
pub(super) fn statistics(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let definition = call.definition;
    let view = if definition.name.contains("ActiveSync") {
        View::ActiveSyncDeviceStatistics
    } else {
        View::MobileDeviceStatistics
    };
    let found = if call.has("Mailbox") {
        let mailbox = call.mandatory("Mailbox")?;
        mailbox_named(definition, organization, context, &mailbox)
            .map(|owner| organization.mailbox(owner).devices.clone())
    } else {
        let identity = call.mandatory("Identity")?;
        device_named(definition, organization, context, &identity).map(|row| vec![row])
    };
    Ok(vec![match found {
        Ok(rows) => Work::Rows { rows: rows.into_iter(), view },
        Err(problem) => Work::error(problem),
    }])
}

/// Get-CASMailbox, Get-Mailbox, Get-User, Get-Recipient.
pub(super) fn mailboxes(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let definition = call.definition;
    let view = match definition.name {
        "Get-CASMailbox" => View::CasMailbox,
        "Get-Mailbox" => View::Mailbox,
        "Get-User" => View::User,
        _ => View::Recipient,
    };
    if let Some(identity) = call.text("Identity") {
        return Ok(match mailbox_named(definition, organization, context, &identity) {
            Ok(row) => vec![Work::Rows { rows: vec![row].into_iter(), view }],
            Err(problem) => vec![Work::error(problem)],
        });
    }
    let wanted = Selection::of(call, organization, lists::MAILBOX_PROPERTIES)?;
    let field = |mailbox: &Mailbox, name: &str| lists::mailbox_field(organization, mailbox, name);
    let anr = call.text("Anr").map(|text| text.to_lowercase());
    let fits = |mailbox: &Mailbox| {
        let named = anr.as_ref().is_none_or(|anr| {
            [&mailbox.name, &mailbox.alias, &mailbox.sam]
                .iter()
                .any(|text| text.to_lowercase().starts_with(anr))
        });
        organization.sees(context.server, mailbox)
            && named
            && wanted.takes(mailbox, &|name: &str| field(mailbox, name))
    };
    let all = (0_u32..).zip(organization.mailboxes());
    let mut rows: Vec<u32> = all.filter(|(_, mailbox)| fits(mailbox)).map(|(row, _)| row).collect();
    wanted.sort(&mut rows, |row, name| field(organization.mailbox(row), name));
    lists::limited(call, organization, context, rows, view)
}

/// Get-ExchangeServer.
pub(super) fn servers(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let identity = call.text("Identity");
    let found: Vec<Work> = organization
        .servers()
        .iter()
        .filter(|server| {
            identity.as_ref().is_none_or(|identity| {
                [&server.name, &server.fqdn, &server.guid.to_string()]
                    .iter()
                    .any(|text| text.eq_ignore_ascii_case(identity))
            })
        })
        .map(|server| Work::object(render::exchange_server(organization, context, server)))
        .collect();
    Ok(found_or_error(call, organization, found))
}

/// Get-OrganizationConfig.
pub(super) fn organization_config(
    _: &Call,
    organization: &Organization,
    context: &Context,
) -> Begun {
    Ok(vec![Work::object(render::organization_config(organization, context))])
}

/// Get-ActiveSyncOrganizationSettings: there is one, whatever it is called.
pub(super) fn organization_settings(
    _: &Call,
    organization: &Organization,
    context: &Context,
) -> Begun {
    Ok(vec![Work::object(render::organization_settings(organization, context))])
}

/// Get-ActiveSyncDeviceAccessRule.
pub(super) fn access_rules(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let identity = call.text("Identity");
    let wanted = organization
        .rules()
        .iter()
        .filter(|rule| identity.as_ref().is_none_or(|identity| rule.answers_to(identity)));
    let found =
        wanted.map(|rule| Work::object(render::access_rule(organization, context, rule))).collect();
    Ok(found_or_error(call, organization, found))
}

/// Get-MobileDeviceMailboxPolicy, Get-ActiveSyncMailboxPolicy.
pub(super) fn mailbox_policies(
    call: &Call,
    organization: &Organization,
    context: &Context,
) -> Begun {
    let family = Family::of(call.definition.name);
    let identity = call.text("Identity");
    let wanted = organization
        .policies()
        .iter()
        .filter(|policy| identity.as_ref().is_none_or(|identity| policy.answers_to(identity)));
    let found = wanted
        .map(|policy| Work::object(render::mailbox_policy(organization, context, policy, family)))
        .collect();
    Ok(found_or_error(call, organization, found))
}

/// Get-ActiveSyncDeviceClass.
pub(super) fn device_classes(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let identity = call.text("Identity");
    let found = organization
        .device_classes()
        .iter()
        .filter(|class| {
            identity.as_ref().is_none_or(|identity| {
                identity.eq_ignore_ascii_case(&class.guid.to_string())
                    || *identity == format!("{}§{}", class.device_type, class.model)
            })
        })
        .map(|class| Work::object(render::device_class(organization, context, class)))
        .collect();
    Ok(found_or_error(call, organization, found))
}

/// Get-Command: what the caller may see.
pub(super) fn commands(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let show = |definition| Work::object(render::command(organization, context, definition));
    if !call.has("Name") {
        return Ok(Definition::visible(organization, context).map(show).collect());
    }
    let mut works = Vec::new();
    for name in call.texts("Name") {
        let (start, wild) =
            name.split_once('*').map_or((name.as_str(), false), |(start, _)| (start, true));
        let fits = |known: &&Definition| {
            let head = known.name.get(..start.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(start))
                && (wild || known.name.len() == start.len())
        };
        let before = works.len();
        works.extend(Definition::visible(organization, context).filter(fits).map(show));
        if works.len() == before && !wild {
            let mut problem = Problem::unknown_cmdlet(&name);
            problem.id = super::problem::ProblemId::PowerShell(
                "CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand"
                    .to_owned(),
            );
            problem.activity = "Get-Command".to_owned();
            problem.terminating = false;
            works.push(Work::error(problem));
        }
    }
    Ok(works)
}

/// Select-Object: the named properties of an object, those that it has not empty.
pub(super) fn select(call: &Call, _: &Organization, _: &Context) -> Begun {
    let Some(object) = call.value(OBJECT) else { return Ok(Vec::new()) };
    let names = call.texts("Property");
    Ok(vec![Work::object(render::selected(object, &names))])
}

/// The device that an identity names.
pub(super) fn device_named(
    definition: &'static Definition,
    organization: &Organization,
    context: &Context,
    identity: &str,
) -> Result<u32, Problem> {
    let seen = match organization.find_device(identity) {
        Lookup::Found(row) => organization
            .device(row)
            .map(|device| organization.mailbox(device.mailbox))
            .filter(|owner| organization.sees(context.server, owner))
            .map_or(Lookup::Nothing, |_| Lookup::Found(row)),
        other => other,
    };
    found(definition, organization, identity, seen)
}

/// The mailbox that an identity names.
pub(super) fn mailbox_named(
    definition: &'static Definition,
    organization: &Organization,
    context: &Context,
    identity: &str,
) -> Result<u32, Problem> {
    let seen = match organization.find_mailbox(identity) {
        Lookup::Found(row) if !organization.sees(context.server, organization.mailbox(row)) => {
            Lookup::Nothing
        }
        other => other,
    };
    found(definition, organization, identity, seen)
}

fn found(
    definition: &'static Definition,
    organization: &Organization,
    identity: &str,
    lookup: Lookup,
) -> Result<u32, Problem> {
    match lookup {
        Lookup::Found(row) => Ok(row),
        Lookup::Nothing => Err(not_found(definition, organization, identity)),
        Lookup::Ambiguous => Err(Problem::ambiguous(definition.name, definition.class, identity)),
    }
}

/// An object that is not there.
pub(super) fn not_found(
    definition: &'static Definition,
    organization: &Organization,
    identity: &str,
) -> Problem {
    let controller = Context::domain_controller(organization);
    Problem::not_found(definition.name, definition.class, identity, &controller)
}

pub(super) fn found_or_error(
    call: &Call,
    organization: &Organization,
    found: Vec<Work>,
) -> Vec<Work> {
    match call.text("Identity") {
        Some(identity) if found.is_empty() => {
            vec![Work::error(not_found(call.definition, organization, &identity))]
        }
        _ => found,
    }
}

/// What a following cmdlet of a pipeline takes as its identity.
pub(super) fn piped(value: &Value) -> Value {
    render::identity_of(value).unwrap_or_else(|| value.clone())
}
