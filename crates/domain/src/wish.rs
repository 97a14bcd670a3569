//! The written wish: what an organization shall be, and how far Exchange is from it.
//!
//! A [`Wish`] is what people wrote down, [`Observed`] what Exchange has. Both speak of [`Thing`]s:
//! [`wanted`] says of each thing in the wish what it shall be, [`changes`] which are not so, and
//! [`steps`] with which writes they become so. Whatever nobody wrote down and is not in Gatepost's
//! [`Care`] stays as it is.
//!
//! Taking changes back is the same with the values from before: see [`taken_back`].

mod changes;
mod observed;
mod plan;
mod thing;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use crate::{AccessLevel, Setting, SettingValue, access::WrittenRule};

pub use changes::{Change, SettingStep, Step, changes, steps, taken_back};
pub use observed::{
    Observed, ObservedAccess, ObservedMailbox, ObservedPolicy, ObservedRule, Threshold,
};
pub use plan::{Origin, PlanState};
pub use thing::{Folded, MailboxKey, Thing, Value};
pub use wanted::{Problem, Wanted, wanted};

/// What people wrote down of an organization. What is not there stays as Exchange has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wish {
    /// Which policy holds the settings.
    pub policy: PolicyWish,
    /// The settings that are configured.
    pub settings: BTreeMap<Setting, SettingValue>,
    /// Whether settings that drifted are put right without asking.
    pub corrects_settings: bool,
    /// Who gets in.
    pub access: AccessWish,
}

/// Which policy holds the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PolicyWish {
    /// The organization's default policy, which holds for everybody who has no other.
    #[default]
    Default,
    /// A policy of our own, for chosen mailboxes.
    Own {
        /// Its name.
        name: Folded,
        /// Whether a policy of that name is taken over if somebody else made it.
        adopts: bool,
        /// Whose mailboxes.
        mailboxes: Mailboxes,
    },
}

/// Whose mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mailboxes {
    /// All that have a device and no other policy.
    All,
    /// These: addresses, logon names or aliases.
    Named(Vec<String>),
}

/// Who gets in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccessWish {
    /// What happens to a device that no rule and no exemption names.
    pub default_level: Option<AccessLevel>,
    /// Addresses of administrators whom Exchange tells of quarantined devices.
    pub administrators: Option<Vec<String>>,
    /// What Exchange adds to its mail to the user of a quarantined device.
    pub text_for_users: Option<String>,
    /// The rules; `None` leaves them alone.
    pub rules: Option<Vec<WrittenRule>>,
    /// Device ids that mailboxes let in or refuse whatever the rules say.
    pub exemptions: Vec<ExemptionWish>,
    /// How many devices may change their state by one apply; more must be accepted in so many words.
    pub limit_of_flips: Option<u64>,
}

impl AccessWish {
    /// The limit where nobody wrote one.
    pub const USUAL_LIMIT_OF_FLIPS: u64 = 100;
}

/// Device ids that a mailbox lets in or refuses whatever the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemptionWish {
    /// Address, logon name or alias.
    pub mailbox: String,
    /// Let in.
    pub allow: Vec<String>,
    /// Refused.
    pub block: Vec<String>,
}

/// What Gatepost looks after, because it made it or somebody adopted it: taken out of the wish, it is
/// taken out of Exchange. Everything else is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Care {
    /// Things that are there by the wish: rules, exemptions, assignments, a policy of our own.
    pub things: BTreeSet<Thing>,
}

impl Care {
    /// Looks after a thing that was written, or no more after one that was taken away. Single settings
    /// are not looked after: there is always a value.
    pub fn follow(&mut self, thing: &Thing, is_there: bool) {
        let is_looked_after = matches!(
            thing,
            Thing::Rule(..) | Thing::Exemption(..) | Thing::Assignment(_) | Thing::Policy(_)
        );
        if !is_there {
            self.things.remove(thing);
        } else if is_looked_after {
            self.things.insert(thing.clone());
        }
    }
}

#[cfg(test)]
mod tests;
