//! What Exchange has.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Folded, MailboxKey, Thing, Value};
use crate::{AccessLevel, AccessRule, Setting, SettingValue, settings::Generation};

/// What Exchange has of what a wish is about, read at one time. What was not asked for is `None`; a
/// reading that failed never becomes one of these.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// The mailbox policies.
    pub policies: Option<Vec<ObservedPolicy>>,
    /// Default level and what belongs to it.
    pub access: Option<ObservedAccess>,
    /// The access rules.
    pub rules: Option<Vec<ObservedRule>>,
    /// Mailboxes that have a device, and those that the wish names.
    pub mailboxes: Option<BTreeMap<Uuid, ObservedMailbox>>,
    /// The thresholds of Exchange's own protection, which nobody writes here.
    pub thresholds: Option<Vec<Threshold>>,
}

/// A threshold of Exchange's own protection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// What is counted, in Exchange's word.
    pub behavior: String,
    /// How often it may be seen; 0 switches the threshold off.
    pub limit: Option<i64>,
    /// In which time, as Exchange prints it.
    pub within: Option<String>,
    /// How long the device is blocked then, as Exchange prints it.
    pub blocks_for: Option<String>,
}

impl Threshold {
    /// In one line: `RecentCommands: 20 in 00:10:00, blocked for 01:00:00`.
    #[must_use]
    pub fn told(&self) -> String {
        let Some(limit) = self.limit.filter(|limit| *limit > 0) else {
            return format!("{}: off", self.behavior);
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
        let (within, blocks_for) = (text(&self.within), text(&self.blocks_for));
        format!("{}: {limit} in {within}, blocked for {blocks_for}", self.behavior)
    }
}

/// A mailbox policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedPolicy {
    /// Exchange's GUID of it.
    pub guid: Uuid,
    /// Its name.
    pub name: Folded,
    /// Whether it holds for everybody who has no other.
    pub is_default: bool,
    /// By which family of names it was read.
    pub generation: Generation,
    /// The settings it knows. What is not there, this Exchange does not know.
    pub values: BTreeMap<Setting, SettingValue>,
    /// When it was changed last, as far as Exchange says.
    pub changed: Option<Timestamp>,
}

/// Default level and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObservedAccess {
    /// `None` for a word that is not known.
    pub default_level: Option<AccessLevel>,
    /// Whom Exchange tells of quarantined devices.
    pub administrators: Vec<String>,
    /// What Exchange adds to its mail to users.
    pub text_for_users: String,
    /// When they were changed last, as far as Exchange says.
    pub changed: Option<Timestamp>,
}

/// An access rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedRule {
    /// What a write names it by: its GUID.
    pub guid: Uuid,
    /// What Exchange calls it.
    pub name: String,
    /// What it says; `None` where a word of it is not known.
    pub rule: Option<AccessRule>,
    /// When it was changed last, as far as Exchange says.
    pub changed: Option<Timestamp>,
}

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedMailbox {
    /// What it is known and shown by.
    pub key: MailboxKey,
    /// Every name that means it: address, logon name, alias.
    pub names: Vec<Folded>,
    /// Whether a device has a partnership with it.
    pub has_device: bool,
    /// Its policy; `None` for the default one.
    pub policy: Option<Folded>,
    /// Device ids it lets in.
    pub allowed: Vec<Folded>,
    /// Device ids it refuses.
    pub blocked: Vec<Folded>,
}

impl Observed {
    /// A policy by its name.
    #[must_use]
    pub fn policy(&self, name: &Folded) -> Option<&ObservedPolicy> {
        self.policies.iter().flatten().find(|policy| policy.name == *name)
    }

    /// The policy that holds for everybody who has no other.
    #[must_use]
    pub fn default_policy(&self) -> Option<&ObservedPolicy> {
        self.policies.iter().flatten().find(|policy| policy.is_default)
    }

    /// A mailbox by its key.
    #[must_use]
    pub fn mailbox(&self, key: &MailboxKey) -> Option<&ObservedMailbox> {
        self.mailboxes.as_ref()?.get(&key.guid)
    }

    /// The rule of a characteristic and value.
    #[must_use]
    pub fn rule(&self, thing: &Thing) -> Option<(&ObservedRule, &AccessRule)> {
        let mut known =
            self.rules.iter().flatten().filter_map(|one| Some((one, one.rule.as_ref()?)));
        known.find(|(_, rule)| Thing::of_rule(rule) == *thing)
    }

    /// The value of a thing; `None` where it is not there.
    #[must_use]
    pub fn value(&self, thing: &Thing) -> Option<Value> {
        match thing {
            Thing::Policy(name) => self.policy(name).map(|_| Value::Present),
            Thing::Setting(policy, setting) => {
                self.policy(policy)?.values.get(setting).cloned().map(Value::Setting)
            }
            Thing::Assignment(mailbox) => self.mailbox(mailbox)?.policy.clone().map(Value::Policy),
            Thing::DefaultLevel => self.access.as_ref()?.default_level.map(Value::Level),
            Thing::Administrators => {
                Some(Value::texts(self.access.as_ref()?.administrators.clone()))
            }
            Thing::TextForUsers => Value::text(&self.access.as_ref()?.text_for_users),
            Thing::Rule(..) => self.rule(thing).map(|(_, rule)| Value::Level(rule.level)),
            Thing::Exemption(mailbox, device) => {
                let mailbox = self.mailbox(mailbox)?;
                // The blocked list goes before the allowed one.
                if mailbox.blocked.contains(device) {
                    Some(Value::Level(AccessLevel::Block))
                } else if mailbox.allowed.contains(device) {
                    Some(Value::Level(AccessLevel::Allow))
                } else {
                    None
                }
            }
        }
    }

    /// When a thing was changed last, as far as Exchange says.
    #[must_use]
    pub fn changed(&self, thing: &Thing) -> Option<Timestamp> {
        match thing {
            Thing::Policy(name) | Thing::Setting(name, _) => self.policy(name)?.changed,
            Thing::DefaultLevel | Thing::Administrators | Thing::TextForUsers => {
                self.access.as_ref()?.changed
            }
            Thing::Rule(..) => self.rule(thing)?.0.changed,
            Thing::Assignment(_) | Thing::Exemption(..) => None,
        }
    }
}

impl Thing {
    /// The thing that a rule is.
    #[must_use]
    pub fn of_rule(rule: &AccessRule) -> Self {
        Self::Rule(rule.characteristic, rule.value.as_str().into())
    }
}
