//! The cmdlets that change something.

use super::{
    Begun, Call, Change, Context, Definition, Problem, Question, Reply, Work,
    policies::unless_what_if,
    problem::{INVALID_OPERATION, OBJECT_EXISTS},
    reads::{device_named, mailbox_named, not_found},
    render,
};
use crate::{
    AccessLevel, Dialect,
    organization::{AccessRule, Characteristic, Organization, Wish},
};

const WIPE_WARNING: &str = "This command will force all the data on the device to be permanently \
                            deleted. Do you want to continue?";

/// Clear-MobileDevice, Clear-ActiveSyncDevice.
pub(super) fn clear_device(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let definition = call.definition;
    let identity = call.mandatory("Identity")?;
    let row = match device_named(definition, organization, context, &identity) {
        Ok(row) => row,
        Err(problem) => return Ok(vec![Work::error(problem)]),
    };
    let Some(device) = organization.device(row) else { return Ok(Vec::new()) };
    let (guid, account_only) = (device.guid, call.flag("AccountOnly") == Some(true));
    if call.flag("Cancel") == Some(true) {
        let message = "There is no pending remote wipe on this device that could be cancelled.";
        let failure = refused(definition, message.to_owned());
        let cancel: Change = Box::new(move |organization, _| {
            let cancelled = organization.cancel_wipe(row);
            if cancelled { Vec::new() } else { vec![Reply::Error(Box::new(failure))] }
        });
        return Ok(unless_what_if(call, cancel));
    }
    if account_only && device.model().version != "16.1" {
        let message = "The account-only remote wipe is not supported by this device. It needs \
                       Exchange ActiveSync 16.1 or later.";
        return Ok(vec![Work::error(refused(definition, message.to_owned()))]);
    }
    let requestor = requestor(&context.account, &organization.options().domain);
    let wipe: Change = Box::new(move |organization, _| {
        organization.wipe_device(guid, account_only, &requestor);
        Vec::new()
    });
    Ok(confirmed(call, WIPE_WARNING.to_owned(), wipe))
}

/// Remove-MobileDevice, Remove-ActiveSyncDevice.
pub(super) fn remove_device(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let identity = call.mandatory("Identity")?;
    let row = match device_named(call.definition, organization, context, &identity) {
        Ok(row) => row,
        Err(problem) => return Ok(vec![Work::error(problem)]),
    };
    let Some(device) = organization.device(row) else { return Ok(Vec::new()) };
    let (guid, name) = (device.guid, device.canonical(organization));
    let message = format!("Removing mobile device \"{name}\".");
    let remove: Change = Box::new(move |organization, _| {
        organization.remove_device(guid);
        Vec::new()
    });
    Ok(confirmed(call, message, remove))
}

/// Set-CASMailbox.
pub(super) fn set_cas_mailbox(
    call: &Call,
    organization: &Organization,
    context: &Context,
) -> Begun {
    let definition = call.definition;
    let identity = call.mandatory("Identity")?;
    let row = match mailbox_named(definition, organization, context, &identity) {
        Ok(row) => row,
        Err(problem) => return Ok(vec![Work::error(problem)]),
    };
    let policy = match call.value("ActiveSyncMailboxPolicy") {
        None => None,
        Some(_) => match policy_index(call, organization) {
            Ok(index) => Some(index),
            Err(problem) => return Ok(vec![Work::error(problem)]),
        },
    };
    let allowed = call.wish("ActiveSyncAllowedDeviceIDs");
    let blocked = call.wish("ActiveSyncBlockedDeviceIDs");
    let enabled = call.flag("ActiveSyncEnabled");
    let resets = call.flag("ResetAutoBlockedDevices") == Some(true);
    let set: Change = Box::new(move |organization, _| {
        organization.change_mailbox(row, |mailbox| {
            mailbox.active_sync = enabled.unwrap_or(mailbox.active_sync);
            if let Some(policy) = policy {
                mailbox.assign_policy(policy);
            }
        });
        organization.exempt(row, allowed.as_ref(), blocked.as_ref());
        if resets {
            organization.reset_autoblocked(row);
        }
        Vec::new()
    });
    Ok(unless_what_if(call, set))
}

/// Index of the policy named; nothing for null, which lets a mailbox have the default.
fn policy_index(call: &Call, organization: &Organization) -> Result<Option<usize>, Problem> {
    let Some(identity) = call.text("ActiveSyncMailboxPolicy") else { return Ok(None) };
    let index = organization.policies().iter().position(|policy| policy.answers_to(&identity));
    index.map(Some).ok_or_else(|| not_found(call.definition, organization, &identity))
}

/// Set-ActiveSyncOrganizationSettings.
pub(super) fn set_organization_settings(call: &Call, _: &Organization, _: &Context) -> Begun {
    let level = access_level(call, "DefaultAccessLevel")?;
    let user_insert = insert(call, "UserMailInsert")?;
    let ota_insert = insert(call, "OtaNotificationMailInsert")?;
    let recipients = recipients(call)?;
    let beside = call.flag("EnableMobileMailboxPolicyWhenCAInplace");
    let set: Change = Box::new(move |organization, _| {
        organization.change_settings(|settings| {
            settings.default_access_level = level.unwrap_or(settings.default_access_level);
            settings.policies_beside_conditional_access =
                beside.unwrap_or(settings.policies_beside_conditional_access);
            if let Some(insert) = user_insert {
                settings.user_mail_insert = insert;
            }
            if let Some(insert) = ota_insert {
                settings.ota_mail_insert = insert;
            }
            if let Some(wish) = recipients {
                wish.grant(&mut settings.admin_mail_recipients);
            }
        });
        Vec::new()
    });
    Ok(unless_what_if(call, set))
}

/// The longest text that Exchange puts into a message.
const MAX_INSERT_CHARACTERS: usize = 256;

/// A text for a message, if the call names one; null empties it.
pub(super) fn insert(call: &Call, parameter: &str) -> Result<Option<String>, Problem> {
    if !call.has(parameter) {
        return Ok(None);
    }
    let text = call.text(parameter).unwrap_or_default();
    let characters = text.encode_utf16().count();
    if characters > MAX_INSERT_CHARACTERS {
        let message = format!(
            "Cannot validate argument on parameter '{parameter}'. The text has {characters} \
             characters, and there may be {MAX_INSERT_CHARACTERS}."
        );
        let id = "ParameterArgumentValidationError";
        return Err(Problem::binding(call.definition.name, id, message));
    }
    Ok(Some(text))
}

/// Whom Exchange writes to; addresses alone.
fn recipients(call: &Call) -> Result<Option<Wish>, Problem> {
    const NAME: &str = "AdminMailRecipients";
    let wish = call.wish(NAME);
    let all = match &wish {
        None => &[][..],
        Some(Wish::Overwrite(all) | Wish::Edit { add: all, .. }) => all,
    };
    let is_address = |text: &str| {
        text.split_once('@').is_some_and(|(local, domain)| {
            let plain = |part: &str| {
                !part.is_empty() && !part.contains(|letter: char| letter.is_whitespace())
            };
            plain(local) && plain(domain) && !domain.contains('@')
        })
    };
    match all.iter().find(|text| !is_address(text)) {
        None => Ok(wish),
        Some(text) => {
            let wanted = "Microsoft.Exchange.Data.SmtpAddress";
            Err(Problem::transformation(call.definition.name, NAME, text, wanted))
        }
    }
}

/// New-ActiveSyncDeviceAccessRule. Gives the rule back.
pub(super) fn new_access_rule(
    call: &Call,
    organization: &Organization,
    context: &Context,
) -> Begun {
    let definition = call.definition;
    let query = call.mandatory("QueryString")?;
    call.mandatory("AccessLevel")?;
    call.mandatory("Characteristic")?;
    let mut words = Characteristic::ALL.map(|one| (one.word(), one)).to_vec();
    if organization.dialect(context.server) == Dialect::Exchange2010 {
        words.retain(|(_, one)| *one != Characteristic::XmsWlHeader);
    }
    let wanted = "Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceAccessCharacteristic";
    let characteristic = call.word("Characteristic", &words, wanted)?;
    let (Some(characteristic), Some(level)) = (characteristic, access_level(call, "AccessLevel")?)
    else {
        return Ok(Vec::new());
    };
    if query.contains('*') {
        let message = format!(
            "The query string \"{query}\" can't contain wildcards: a device access rule is compared \
             with the whole value."
        );
        return Ok(vec![Work::error(refused(definition, message))]);
    }
    let make: Change = Box::new(move |organization, context| {
        let (guid, second) = (organization.new_guid(), organization.second());
        let rule =
            AccessRule { guid, characteristic, query, level, created: second, changed: second };
        let name = rule.name();
        if organization.rules().iter().any(|known| known.says_the_same(&rule)) {
            return vec![already_exists(definition, organization, &name)];
        }
        organization.change_rules(|rules| rules.push(rule.clone()));
        vec![Reply::Object(render::access_rule(organization, context, &rule))]
    });
    Ok(unless_what_if(call, make))
}

/// Set-ActiveSyncDeviceAccessRule: only the level can be changed.
pub(super) fn set_access_rule(call: &Call, organization: &Organization, _: &Context) -> Begun {
    let identity = call.mandatory("Identity")?;
    let level = access_level(call, "AccessLevel")?;
    let Some(guid) = rule_guid(organization, &identity) else {
        return Ok(vec![Work::error(not_found(call.definition, organization, &identity))]);
    };
    let set: Change = Box::new(move |organization, _| {
        let second = organization.second();
        organization.change_rules(|rules| {
            if let Some(rule) = rules.iter_mut().find(|rule| rule.guid == guid) {
                rule.level = level.unwrap_or(rule.level);
                rule.changed = second;
            }
        });
        Vec::new()
    });
    Ok(unless_what_if(call, set))
}

/// Remove-ActiveSyncDeviceAccessRule.
pub(super) fn remove_access_rule(call: &Call, organization: &Organization, _: &Context) -> Begun {
    let identity = call.mandatory("Identity")?;
    let Some(guid) = rule_guid(organization, &identity) else {
        return Ok(vec![Work::error(not_found(call.definition, organization, &identity))]);
    };
    let message = format!("Removing the Exchange ActiveSync Device Access Rule \"{identity}\".");
    let remove: Change = Box::new(move |organization, _| {
        organization.change_rules(|rules| rules.retain(|rule| rule.guid != guid));
        Vec::new()
    });
    Ok(confirmed(call, message, remove))
}

/// Set-ADServerSettings: there is one domain, so that every view is of the entire forest.
pub(super) fn set_server_settings(call: &Call, _: &Organization, _: &Context) -> Begun {
    call.flag("ViewEntireForest");
    Ok(Vec::new())
}

/// Does it at once with `Confirm` false, asks otherwise; `WhatIf` does nothing.
pub(super) fn confirmed(call: &Call, message: String, change: Change) -> Vec<Work> {
    if call.flag("WhatIf") == Some(true) {
        return Vec::new();
    }
    if call.flag("Confirm") == Some(false) {
        return vec![Work::Do(change)];
    }
    let caption = "Confirm\nAre you sure you want to perform this action?".to_owned();
    vec![Work::Ask(Question { caption, message }, change)]
}

/// Exchange does not do that, for a reason of its own.
pub(super) fn refused(definition: &Definition, message: String) -> Problem {
    Problem::of_task(definition.name, definition.class, INVALID_OPERATION, message)
}

/// There is an object of that name.
pub(super) fn already_exists(
    definition: &Definition,
    organization: &Organization,
    name: &str,
) -> Reply {
    let controller = Context::domain_controller(organization);
    let message = format!(
        "Active Directory operation failed on {controller}. The object '{name}' already exists."
    );
    let class = definition.class;
    let problem = Problem::of_task(definition.name, class, OBJECT_EXISTS, message);
    Reply::Error(Box::new(problem))
}

fn access_level(call: &Call, parameter: &str) -> Result<Option<AccessLevel>, Problem> {
    let words = AccessLevel::ALL.map(|level| (level.word(), level));
    let wanted = "Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceAccessLevel";
    call.word(parameter, &words, wanted)
}

fn rule_guid(organization: &Organization, identity: &str) -> Option<uuid::Uuid> {
    organization.rules().iter().find(|rule| rule.answers_to(identity)).map(|rule| rule.guid)
}

/// `CONTOSO\gatepost` asks as `gatepost@contoso.com`.
fn requestor(account: &str, domain: &str) -> String {
    let user = account.rsplit_once('\\').map_or(account, |(_, user)| user);
    if user.contains('@') { user.to_owned() } else { format!("{user}@{domain}") }
}
