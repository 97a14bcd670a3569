//! What an account must be allowed for what: features, the cmdlets and parameters each is made of,
//! what an account lacks, and how an administrator of Exchange grants it.
//!
//! Start reading at [`Feature`]; `table` says what each is made of, `matrix` compares that with what
//! an account sees, `script` writes the role that grants it, `hosted_script` the same for Exchange
//! Online.

mod hosted_script;
mod literal;
mod matrix;
mod script;
mod table;

pub use hosted_script::{HostedRoleScript, hosted_role_script};
pub use literal::UnquotableText;
pub use matrix::{FeatureCheck, FeatureState};
pub use script::{RoleScript, RoleScriptError, role_script};
pub use table::{CmdletNeed, needs};

use domain::access::Hosting;

pub(crate) use table::needs_of_every_feature;

/// Something Gatepost does in Exchange that an account may be allowed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// The device list.
    Inventory,
    /// Last sync, policy and wipe of each device.
    Statistics,
    /// Owners of devices, and their exemptions.
    Owners,
    /// Discovery of endpoints.
    Servers,
    /// Every domain of the forest.
    Forest,
    /// Answers without what nobody looks at.
    Selection,
    /// Discovery limited to organizational units or to a filter.
    RecipientsScope,
    /// Allow, block, release.
    Exemptions,
    /// Wipe device, cancel wipe.
    Wipe,
    /// Wipe account. Roles hide parameters but demand none, so whoever may do this may wipe the whole
    /// device as well, as far as Exchange is concerned.
    WipeAccount,
    /// Forget.
    Forget,
    /// Reading mailbox policies.
    SettingsRead,
    /// Writing mailbox policies.
    SettingsWrite,
    /// Reading access rules.
    AccessRulesRead,
    /// Writing access rules.
    AccessRulesWrite,
    /// Reading the default access level and its messages.
    OrganizationSettingsRead,
    /// Writing the default access level and its messages.
    OrganizationSettingsWrite,
    /// Giving a mailbox its policy.
    PolicyAssignment,
    /// Reading the thresholds of Exchange's own protection.
    AutoblockRead,
    /// Who else wrote what.
    Writers,
}

impl Feature {
    /// Every feature: what reads first, then what writes.
    pub const ALL: [Self; 20] = [
        Self::Inventory,
        Self::Statistics,
        Self::Owners,
        Self::Servers,
        Self::Forest,
        Self::Selection,
        Self::RecipientsScope,
        Self::SettingsRead,
        Self::AccessRulesRead,
        Self::OrganizationSettingsRead,
        Self::AutoblockRead,
        Self::Writers,
        Self::Exemptions,
        Self::Wipe,
        Self::WipeAccount,
        Self::Forget,
        Self::SettingsWrite,
        Self::AccessRulesWrite,
        Self::OrganizationSettingsWrite,
        Self::PolicyAssignment,
    ];

    /// The features that change nothing in Exchange.
    pub fn reading() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|feature| !feature.writes())
    }

    /// The word used on the command line, in the API and in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Statistics => "statistics",
            Self::Owners => "owners",
            Self::Servers => "servers",
            Self::Forest => "forest",
            Self::Selection => "selection",
            Self::RecipientsScope => "recipients-scope",
            Self::Exemptions => "exemptions",
            Self::Wipe => "wipe",
            Self::WipeAccount => "wipe-account",
            Self::Forget => "forget",
            Self::SettingsRead => "settings-read",
            Self::SettingsWrite => "settings-write",
            Self::AccessRulesRead => "access-rules-read",
            Self::AccessRulesWrite => "access-rules-write",
            Self::OrganizationSettingsRead => "organization-settings-read",
            Self::OrganizationSettingsWrite => "organization-settings-write",
            Self::PolicyAssignment => "policy-assignment",
            Self::AutoblockRead => "autoblock-read",
            Self::Writers => "writers",
        }
    }

    /// The feature of a word; `None` for a word that is none.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.word() == word)
    }

    /// What it is for, in one line.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Inventory => "lists the devices of the organization",
            Self::Statistics => "reads last sync, policy and wipe of each device",
            Self::Owners => "reads logon names, addresses and exemptions of the owners",
            Self::Servers => "discovers endpoints and their sites",
            Self::Forest => "looks at every domain of the forest",
            Self::Selection => "asks only for what is looked at",
            Self::RecipientsScope => "limits discovery to organizational units or to a filter",
            Self::Exemptions => "allows, blocks and releases a device",
            Self::Wipe => "wipes a device and cancels a wipe",
            Self::WipeAccount => "wipes the account and leaves the rest of the device alone",
            Self::Forget => "removes a device from Exchange",
            Self::SettingsRead => "reads the settings groups",
            Self::SettingsWrite => "writes the settings groups",
            Self::AccessRulesRead => "reads access rules and the known models and families",
            Self::AccessRulesWrite => "creates, changes and removes access rules",
            Self::OrganizationSettingsRead => {
                "reads the organization's own id, the default access level and its messages"
            }
            Self::OrganizationSettingsWrite => "writes the default access level and its messages",
            Self::PolicyAssignment => "gives a mailbox its policy",
            Self::AutoblockRead => "reads the thresholds of Exchange's own protection",
            Self::Writers => "asks who else changed settings, rules or the default level",
        }
    }

    /// What falls away without it: a whole sentence.
    #[must_use]
    pub const fn consequence(self) -> &'static str {
        match self {
            Self::Inventory => "Nothing works without the device list.",
            Self::Statistics => "Last sync, policy and wipe of a device stay unknown.",
            Self::Owners => "Logon names, addresses and exemptions of the owners stay unknown.",
            Self::Servers => {
                "Other servers are not discovered, so only the configured endpoints are used."
            }
            Self::Forest => "Devices of the other domains of the forest are not seen.",
            Self::Selection => {
                "Everything still works, but answers are longer and a sync takes more time."
            }
            Self::RecipientsScope => {
                "Discovery cannot be limited to organizational units or to a filter."
            }
            Self::Exemptions => "Devices cannot be allowed, blocked or released.",
            Self::Wipe => "Devices cannot be wiped, and a wipe cannot be cancelled.",
            Self::WipeAccount => {
                "Only the whole device can be wiped, not the account alone; Exchange knows \
                 this since 2016."
            }
            Self::Forget => "Devices cannot be forgotten: their partnerships stay in Exchange.",
            Self::SettingsRead => {
                "The settings groups cannot be shown, and drift in them is not noticed."
            }
            Self::SettingsWrite => "The settings groups cannot be applied.",
            Self::AccessRulesRead => {
                "Access rules cannot be shown, and drift in them is not noticed."
            }
            Self::AccessRulesWrite => "Access rules cannot be applied.",
            Self::OrganizationSettingsRead => {
                "The default access level is not known, nor the organization's own id: it is then \
                 known by its servers."
            }
            Self::OrganizationSettingsWrite => {
                "The default access level and its messages cannot be applied."
            }
            Self::PolicyAssignment => "Mailboxes keep the policy they have.",
            Self::AutoblockRead => "The thresholds of Exchange's own protection are not shown.",
            Self::Writers => "Drift is noticed, but not who caused it.",
        }
    }

    /// What falls away where it works, but poorer: a whole sentence.
    const fn shortfall(self) -> &'static str {
        match self {
            Self::Inventory => {
                "The device list works, but what changed, or the devices of one owner, cannot be \
                 asked for alone."
            }
            Self::Statistics => {
                "Statistics are asked for one device at a time, which takes longer."
            }
            Self::Owners => "Owners are known, but their exemptions may not be.",
            Self::Wipe => {
                "Devices can be wiped, but a wipe cannot be cancelled or nobody gets a mail of it."
            }
            Self::WipeAccount => "Accounts can be wiped, but nobody gets a mail of it.",
            Self::SettingsWrite => {
                "Some settings cannot be applied, or no further policy can be created."
            }
            Self::AccessRulesRead => {
                "Access rules can be shown, but the known models cannot be offered to choose from."
            }
            Self::AccessRulesWrite => "Access rules can be changed, but not removed.",
            Self::OrganizationSettingsRead => {
                "The organization's own id is known, but not its default access level."
            }
            Self::OrganizationSettingsWrite => {
                "The default access level can be applied, but not all of its messages."
            }
            Self::SettingsRead => "The settings groups can be shown, but not those of one policy.",
            Self::Servers
            | Self::Forest
            | Self::Selection
            | Self::RecipientsScope
            | Self::Exemptions
            | Self::Forget
            | Self::PolicyAssignment
            | Self::AutoblockRead
            | Self::Writers => self.consequence(),
        }
    }

    /// Whether nothing works without it.
    #[must_use]
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Inventory)
    }

    /// Whether it can be there at all: hosted Exchange has no servers and no forest to be seen, keeps
    /// the record of who wrote what elsewhere, and its own protection cannot be asked for.
    #[must_use]
    pub const fn is_in(self, hosting: Hosting) -> bool {
        match hosting {
            Hosting::OnPremises => true,
            Hosting::Hosted => {
                !matches!(self, Self::Servers | Self::Forest | Self::AutoblockRead | Self::Writers)
            }
        }
    }

    /// Whether it changes something in Exchange.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::Exemptions
                | Self::Wipe
                | Self::WipeAccount
                | Self::Forget
                | Self::SettingsWrite
                | Self::AccessRulesWrite
                | Self::OrganizationSettingsWrite
                | Self::PolicyAssignment
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Feature;

    #[test]
    fn every_feature_has_a_word_of_its_own() {
        let words: HashSet<_> = Feature::ALL.iter().map(|feature| feature.word()).collect();
        assert_eq!(words.len(), Feature::ALL.len());
        for feature in Feature::ALL {
            assert_eq!(Feature::parse(feature.word()), Some(feature));
            assert!(feature.shortfall().ends_with('.'));
            assert!(feature.consequence().ends_with('.') && !feature.purpose().ends_with('.'));
        }
        assert_eq!(Feature::parse("Wipe"), None);
        assert_eq!(Feature::reading().count(), 12);
    }
}
