//! Things, values and writes in the words of people.

use domain::wish::{Change, Step, Thing, Value};

pub(super) fn said(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

/// A change in one line: `camera: true, becomes false`.
pub(super) fn told(change: &Change) -> String {
    format!(
        "{}: {} becomes {}",
        name_of(&change.thing),
        said(change.before.as_ref()),
        said(change.after.as_ref())
    )
}

/// What people call a thing.
pub fn name_of(thing: &Thing) -> String {
    match thing {
        Thing::Policy(name) => format!("policy {name}"),
        Thing::Setting(policy, setting) => format!("{} of policy {policy}", setting.path()),
        Thing::Assignment(mailbox) => format!("policy of {}", mailbox.name),
        Thing::DefaultLevel => "default access level".to_owned(),
        Thing::Administrators => "administrators who are told".to_owned(),
        Thing::TextForUsers => "text for users".to_owned(),
        Thing::Rule(characteristic, value) => format!("rule {characteristic} {value}"),
        Thing::Exemption(mailbox, device) => format!("exemption of {device} for {}", mailbox.name),
    }
}

/// What a step is about, for people.
pub(super) fn describe(step: &Step) -> String {
    match step {
        Step::NewPolicy { name, settings } => format!("{name}: {} settings", settings.len()),
        Step::SetPolicy { name, settings, .. } => {
            let changed = settings
                .iter()
                .filter(|one| one.before.as_ref().is_none_or(|before| !before.means(&one.after)));
            let changed: Vec<String> =
                changed.map(|one| format!("{} {}", one.setting.path(), one.after)).collect();
            format!("{name}: {} ({} written)", changed.join(", "), settings.len())
        }
        Step::RemovePolicy { name, .. } => name.to_string(),
        Step::Assign { mailbox, policy } => match policy {
            Some(policy) => format!("{}: {policy}", mailbox.name),
            None => format!("{}: the default policy", mailbox.name),
        },
        Step::SetAccess { default_level, administrators, text_for_users } => {
            let mut parts = Vec::new();
            parts.extend(default_level.map(|level| format!("default level {level}")));
            parts.extend(administrators.as_ref().map(|_| "administrators".to_owned()));
            parts.extend(text_for_users.as_ref().map(|_| "text for users".to_owned()));
            parts.join(", ")
        }
        Step::NewRule(rule) | Step::SetRule { rule, .. } | Step::RemoveRule { rule, .. } => {
            format!("{} {}: {}", rule.characteristic, rule.value, rule.level)
        }
        Step::Exempt { mailbox, device, level } => match level {
            Some(level) => format!("{} {device}: {level}", mailbox.name),
            None => format!("{} {device}: no exemption", mailbox.name),
        },
    }
}
