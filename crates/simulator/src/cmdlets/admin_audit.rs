//! The administrator audit log: what is written into it, and how it is searched.

use jiff::Timestamp;
use psrp::clixml::Value;

use super::{
    Begun, Call, Context, Problem, Work, binding::printed, filter, render, writes::refused,
};
use crate::organization::{AdminAuditEvent, Lookup, Organization};

/// How many events a search gives that does not say.
const DEFAULT_RESULT_SIZE: usize = 1_000;
/// The most that a search may ask for.
const MAX_RESULT_SIZE: usize = 250_000;

/// The event of a call, before it is carried out: what it removes can still be named.
pub(super) fn event(
    call: &Call,
    organization: &Organization,
    context: &Context,
) -> AdminAuditEvent {
    let user = context.account.rsplit_once('\\').map_or(&*context.account, |(_, user)| user);
    let text = |value: &Value| match value {
        Value::Boolean(true) => "True".to_owned(),
        Value::Boolean(false) => "False".to_owned(),
        other => printed(other),
    };
    AdminAuditEvent {
        caller: format!("{}/Users/{user}", organization.options().domain),
        cmdlet: call.definition.name,
        parameters: call.bound().map(|(name, value)| (name, text(value))).collect(),
        object_modified: object_modified(call, organization),
        error: None,
        run_date: context.now.max(organization.now()),
        server: context.server,
    }
}

/// What a call changes, as the identity of that object is printed.
fn object_modified(call: &Call, organization: &Organization) -> String {
    let noun = call.definition.name.split_once('-').map_or("", |(_, noun)| noun);
    let identity = call.text("Identity").unwrap_or_default();
    let found = match noun {
        "MobileDevice" | "ActiveSyncDevice" => match organization.find_device(&identity) {
            Lookup::Found(row) => organization.device(row).map(|one| one.canonical(organization)),
            _ => None,
        },
        "CASMailbox" => match organization.find_mailbox(&identity) {
            Lookup::Found(row) => Some(organization.mailbox(row).canonical(organization)),
            _ => None,
        },
        "ActiveSyncOrganizationSettings" => Some("Mobile Mailbox Settings".to_owned()),
        "ActiveSyncDeviceAccessRule" => match call.text("QueryString") {
            Some(query) => {
                let characteristic = call.text("Characteristic").unwrap_or_default();
                Some(format!("{query} ({characteristic})"))
            }
            None => {
                let mut rules = organization.rules().iter();
                rules.find(|rule| rule.answers_to(&identity)).map(|rule| rule.name())
            }
        },
        "MobileDeviceMailboxPolicy" | "ActiveSyncMailboxPolicy" => {
            let mut policies = organization.policies().iter();
            let known = policies.find(|policy| policy.answers_to(&identity));
            known.map(|policy| policy.name.clone()).or_else(|| call.text("Name"))
        }
        "ActiveSyncDeviceAutoblockThreshold" => {
            let mut thresholds = organization.thresholds().iter();
            let known = thresholds.find(|threshold| threshold.answers_to(&identity));
            known.map(|threshold| threshold.behavior.word().to_owned())
        }
        _ => None,
    };
    found.unwrap_or(identity)
}

/// Search-AdminAuditLog: the newest first.
pub(super) fn search(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let [cmdlets, parameters, objects, users] =
        ["Cmdlets", "Parameters", "ObjectIds", "UserIds"].map(|name| call.texts(name));
    if !parameters.is_empty() && cmdlets.is_empty() {
        let message = "The Parameters parameter needs the Cmdlets parameter.".to_owned();
        return Ok(vec![Work::error(refused(call.definition, message))]);
    }
    let (from, to) = (date(call, "StartDate")?, date(call, "EndDate")?);
    let skipped = number(call, "StartIndex", usize::MAX)?.unwrap_or(0);
    let most = number(call, "ResultSize", MAX_RESULT_SIZE)?.unwrap_or(DEFAULT_RESULT_SIZE);
    let success = call.flag("IsSuccess");
    let any = |wanted: &[String], fits: &dyn Fn(&str) -> bool| {
        wanted.is_empty() || wanted.iter().any(|one| fits(one))
    };
    let fits = |event: &AdminAuditEvent| {
        let named = |wanted: &str| {
            event.parameters.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        any(&cmdlets, &|wanted| event.cmdlet.eq_ignore_ascii_case(wanted))
            && any(&parameters, &named)
            && any(&objects, &|wanted| ends_with(&event.object_modified, wanted))
            && any(&users, &|wanted| ends_with(&event.caller, user_of(wanted)))
            && success.is_none_or(|success| event.error.is_none() == success)
            && from.is_none_or(|from| from <= event.run_date)
            && to.is_none_or(|to| event.run_date <= to)
    };
    let found = organization.admin_audit().filter(|(_, event)| fits(event));
    let shown = found.skip(skipped).take(most).map(|(id, event)| {
        Work::object(render::admin_audit_event(organization, context, id, event))
    });
    Ok(shown.collect())
}

/// Whether a canonical name is the one wanted, or ends with it as its last part.
fn ends_with(canonical: &str, wanted: &str) -> bool {
    let last = canonical.rsplit_once('/').map_or(canonical, |(_, last)| last);
    [canonical, last].into_iter().any(|text| text.to_lowercase() == wanted.to_lowercase())
}

/// `gatepost` of `CONTOSO\gatepost` and of `gatepost@contoso.com`.
fn user_of(text: &str) -> &str {
    let user = text.rsplit_once('\\').map_or(text, |(_, user)| user);
    user.split_once('@').map_or(user, |(user, _)| user)
}

fn date(call: &Call, parameter: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = call.text(parameter) else { return Ok(None) };
    let refused =
        || Problem::transformation(call.definition.name, parameter, &text, "System.DateTime");
    filter::time(&text).map(Some).ok_or_else(refused)
}

fn number(call: &Call, parameter: &str, most: usize) -> Result<Option<usize>, Problem> {
    let Some(text) = call.text(parameter) else { return Ok(None) };
    if text.eq_ignore_ascii_case("Unlimited") {
        return Ok(Some(most));
    }
    let number = text.trim().parse().ok().filter(|number| *number <= most);
    let refused =
        || Problem::transformation(call.definition.name, parameter, &text, "System.Int32");
    number.map(Some).ok_or_else(refused)
}
