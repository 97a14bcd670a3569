//! The cmdlets that change mailbox policies, under both families of names.

use psrp::clixml::Value;

use super::{
    Begun, Call, Change, Context, Problem, Reply, Work,
    reads::not_found,
    render,
    writes::{already_exists, confirmed, refused},
};
use crate::{
    Dialect,
    organization::{
        Family, MailboxPolicy, Organization, POLICY_SETTINGS, PolicyKind, PolicySetting,
        PolicyValue, Wish,
    },
};

/// The largest size that Exchange takes.
const MAX_ATTACHMENT_BYTES: i64 = 2_147_482_624;

/// What is to become of one setting.
enum Wanted {
    Value(PolicyValue),
    Texts(Wish),
}

type Wishes = Vec<(&'static PolicySetting, Wanted)>;

/// New-MobileDeviceMailboxPolicy, New-ActiveSyncMailboxPolicy. Gives the policy back.
pub(super) fn new_policy(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let definition = call.definition;
    let name = call.mandatory("Name")?;
    let dialect = organization.dialect(context.server);
    let wishes = wishes(call, dialect)?;
    let is_default = is_default(call).unwrap_or(false);
    let family = Family::of(definition.name);
    let make: Change = Box::new(move |organization, context| {
        if is_taken(organization, &name, None) {
            return vec![already_exists(definition, organization, &name)];
        }
        let mut policy = organization.fresh_policy(name, dialect);
        policy.is_default = is_default;
        grant(&mut policy, wishes);
        organization.add_policy(policy);
        let made = organization.policies().last();
        let shown = made.map(|made| render::mailbox_policy(organization, context, made, family));
        shown.into_iter().map(Reply::Object).collect()
    });
    Ok(unless_what_if(call, make))
}

/// Set-MobileDeviceMailboxPolicy, Set-ActiveSyncMailboxPolicy.
pub(super) fn set_policy(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let definition = call.definition;
    let identity = call.mandatory("Identity")?;
    let wishes = wishes(call, organization.dialect(context.server))?;
    let Some(policy) = named(organization, &identity) else {
        return Ok(vec![Work::error(not_found(definition, organization, &identity))]);
    };
    let (guid, was_default, name) = (policy.guid, policy.is_default, call.text("Name"));
    let is_default = is_default(call);
    if was_default && is_default == Some(false) {
        let message = format!(
            "\"{identity}\" is the default policy. Make another policy the default instead."
        );
        return Ok(vec![Work::error(refused(definition, message))]);
    }
    if let Some(name) = name.as_ref().filter(|name| is_taken(organization, name, Some(guid))) {
        return Ok(vec![Work::Reply(already_exists(definition, organization, name))]);
    }
    let set: Change = Box::new(move |organization, _| {
        organization.change_policy(guid, |policy| {
            policy.is_default = is_default.unwrap_or(policy.is_default);
            if let Some(name) = name {
                policy.name = name;
            }
            grant(policy, wishes);
        });
        Vec::new()
    });
    Ok(unless_what_if(call, set))
}

/// Remove-MobileDeviceMailboxPolicy, Remove-ActiveSyncMailboxPolicy. Not the default one; who had
/// the policy has the default one then.
pub(super) fn remove_policy(call: &Call, organization: &Organization, _: &Context) -> Begun {
    let definition = call.definition;
    let identity = call.mandatory("Identity")?;
    let Some(policy) = named(organization, &identity) else {
        return Ok(vec![Work::error(not_found(definition, organization, &identity))]);
    };
    if policy.is_default {
        let message = format!("The default policy \"{identity}\" can't be removed.");
        return Ok(vec![Work::error(refused(definition, message))]);
    }
    let guid = policy.guid;
    let users = organization.policy_users(guid);
    let message =
        format!("Removing the mobile device mailbox policy \"{identity}\" of {users} mailboxes.");
    let remove: Change = Box::new(move |organization, _| {
        organization.remove_policy(guid);
        Vec::new()
    });
    if call.flag("Force") == Some(true) {
        return Ok(unless_what_if(call, remove));
    }
    Ok(confirmed(call, message, remove))
}

/// Does it at once; `WhatIf` does nothing.
pub(super) fn unless_what_if(call: &Call, change: Change) -> Vec<Work> {
    if call.flag("WhatIf") == Some(true) { Vec::new() } else { vec![Work::Do(change)] }
}

fn named<'a>(organization: &'a Organization, identity: &str) -> Option<&'a MailboxPolicy> {
    organization.policies().iter().find(|policy| policy.answers_to(identity))
}

/// Whether a policy other than this one has the name.
fn is_taken(organization: &Organization, name: &str, own: Option<uuid::Uuid>) -> bool {
    let mut others = organization.policies().iter().filter(|policy| Some(policy.guid) != own);
    others.any(|policy| policy.name.eq_ignore_ascii_case(name))
}

fn is_default(call: &Call) -> Option<bool> {
    call.flag("IsDefault").or_else(|| call.flag("IsDefaultPolicy"))
}

/// Every setting that the call names, read.
fn wishes(call: &Call, dialect: Dialect) -> Result<Wishes, Problem> {
    let family = Family::of(call.definition.name);
    let mut wishes = Wishes::new();
    for setting in POLICY_SETTINGS {
        let name = setting.name_in(family);
        let Some(value) = call.value(name) else { continue };
        let wanted = if setting.kind == PolicyKind::Texts {
            call.wish(name).map(Wanted::Texts)
        } else {
            read(kind_in(dialect, setting), value).map(Wanted::Value)
        };
        let wanted = wanted.ok_or_else(|| {
            let text = value.text().unwrap_or_default();
            Problem::transformation(call.definition.name, name, &text, type_name(setting.kind))
        })?;
        wishes.push((setting, wanted));
    }
    Ok(wishes)
}

fn grant(policy: &mut MailboxPolicy, wishes: Wishes) {
    for (setting, wanted) in wishes {
        let value = match wanted {
            Wanted::Value(value) => value,
            Wanted::Texts(wish) => {
                let mut texts = match policy.value(setting) {
                    PolicyValue::Texts(texts) => texts.clone(),
                    _ => Vec::new(),
                };
                wish.grant(&mut texts);
                PolicyValue::Texts(texts)
            }
        };
        policy.set(setting.name, value);
    }
}

/// What a setting takes: Exchange 2010 locks a phone after half a minute as well.
fn kind_in(dialect: Dialect, setting: &PolicySetting) -> PolicyKind {
    match (dialect, setting.name, setting.kind) {
        (
            Dialect::Exchange2010,
            "MaxInactivityTimeLock",
            PolicyKind::UnlimitedSeconds(_, longest),
        ) => PolicyKind::UnlimitedSeconds(30, longest),
        (_, _, kind) => kind,
    }
}

/// A value as a setting of this kind takes it; nothing if it does not.
fn read(kind: PolicyKind, value: &Value) -> Option<PolicyValue> {
    let text = value.text().unwrap_or_default();
    let number = || value.as_i64().or_else(|| text.trim().parse().ok());
    let within = |from: i32, to: i32| {
        let number = i32::try_from(number()?).ok()?;
        (from..=to).contains(&number).then_some(PolicyValue::Number(number))
    };
    let unlimited = text.eq_ignore_ascii_case("Unlimited").then_some(PolicyValue::Unlimited);
    match kind {
        PolicyKind::Flag => {
            let said = match text.trim_start_matches('$').to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            };
            value.as_bool().or(said).map(PolicyValue::Flag)
        }
        PolicyKind::Number(_, _, true) if matches!(value, Value::Nil) => Some(PolicyValue::Nothing),
        PolicyKind::Number(from, to, _) => within(from, to),
        PolicyKind::Word(_, members) => {
            let mut members = (0_i32..).zip(members).filter(|(_, member)| !member.is_empty());
            let found = members.find(|(_, member)| member.eq_ignore_ascii_case(&text))?;
            Some(PolicyValue::Word(found.1, found.0))
        }
        PolicyKind::UnlimitedNumber(from, to) => unlimited.or_else(|| within(from, to)),
        PolicyKind::UnlimitedSeconds(from, to) => unlimited.or_else(|| {
            let seconds = seconds(&text)?;
            (from..=to).contains(&seconds).then_some(PolicyValue::Seconds(seconds))
        }),
        PolicyKind::UnlimitedBytes => unlimited.or_else(|| {
            let bytes = value.as_i64().or_else(|| bytes(&text))?;
            (0..=MAX_ATTACHMENT_BYTES).contains(&bytes).then_some(PolicyValue::Bytes(bytes))
        }),
        PolicyKind::Texts => None,
    }
}

/// `00:15:00`, `90.00:00:00`, or the form of the wire: `PT15M`.
pub(super) fn seconds(text: &str) -> Option<i64> {
    if text.starts_with('P') {
        let span: jiff::Span = text.parse().ok()?;
        let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
        return Some(duration.as_secs());
    }
    let (days, clock) = text.split_once('.').unwrap_or(("0", text));
    let parts: Vec<i64> = clock.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hours @ 0..24, minutes @ 0..60, seconds @ 0..60] = parts[..] else { return None };
    let days: u16 = days.parse().ok()?;
    Some(((i64::from(days) * 24 + hours) * 60 + minutes) * 60 + seconds)
}

/// `1048576`, `1MB`, `1 MB (1,048,576 bytes)`.
fn bytes(text: &str) -> Option<i64> {
    let text = text.split('(').next().unwrap_or_default().trim().to_ascii_uppercase();
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let shift = match text.strip_prefix(digits).unwrap_or_default().trim() {
        "" | "B" => 0,
        "KB" => 10,
        "MB" => 20,
        "GB" => 30,
        _ => return None,
    };
    digits.parse::<u32>().ok().map(|number| i64::from(number) << shift)
}

fn type_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Flag => "System.Boolean",
        PolicyKind::Number(_, _, true) => "System.Nullable`1[System.Int32]",
        PolicyKind::Number(..) => "System.Int32",
        PolicyKind::Word(type_name, _) => type_name,
        PolicyKind::UnlimitedNumber(..) => "Microsoft.Exchange.Data.Unlimited`1[System.Int32]",
        PolicyKind::UnlimitedSeconds(..) => {
            "Microsoft.Exchange.Data.Unlimited`1[Microsoft.Exchange.Data.EnhancedTimeSpan]"
        }
        PolicyKind::UnlimitedBytes => {
            "Microsoft.Exchange.Data.Unlimited`1[Microsoft.Exchange.Data.ByteQuantifiedSize]"
        }
        PolicyKind::Texts => "Microsoft.Exchange.Data.MultiValuedProperty`1[System.String]",
    }
}

/// Parameters of Set-MobileDeviceMailboxPolicy.
pub(super) const SET_MOBILE: &[&str] = &with_settings::<{ POLICY_SETTINGS.len() + 3 }>(
    &["Identity", "Name", "IsDefault"],
    Family::MobileDevice,
);
/// Parameters of Set-ActiveSyncMailboxPolicy.
pub(super) const SET_ACTIVE_SYNC: &[&str] = &with_settings::<{ POLICY_SETTINGS.len() + 4 }>(
    &["Identity", "Name", "IsDefault", "IsDefaultPolicy"],
    Family::ActiveSync,
);
/// New takes the same, without the identity that stands first.
pub(super) const NEW_MOBILE: &[&str] = SET_MOBILE.split_at(1).1;
/// New takes the same, without the identity that stands first.
pub(super) const NEW_ACTIVE_SYNC: &[&str] = SET_ACTIVE_SYNC.split_at(1).1;
/// Remove takes a policy and no question.
pub(super) const REMOVE: &[&str] = &["Identity", "Force"];

/// These parameters, and every setting after them.
const fn with_settings<const ALL: usize>(
    own: &[&'static str],
    family: Family,
) -> [&'static str; ALL] {
    assert!(ALL == own.len() + POLICY_SETTINGS.len(), "as many as there are");
    let mut all = [""; ALL];
    let mut index = 0;
    while index < ALL {
        all[index] = match index.checked_sub(own.len()) {
            None => own[index],
            Some(index) => POLICY_SETTINGS[index].name_in(family),
        };
        index += 1;
    }
    all
}
