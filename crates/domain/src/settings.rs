//! The settings that an organization holds its devices to: what each is, takes, and is when nobody
//! said.
//!
//! [`Setting`] names them, [`Setting::about`] tells of each, [`SettingValue`] is what one is set to.
//! A group is managed as a whole or not at all. Source: the settings groups of the founding
//! products, and what Exchange documents of its mailbox policies.

mod catalogue;
mod value;

pub use catalogue::{About, Setting};
pub use value::{InsteadOfNumber, InvalidValue, Kind, SettingValue, Unit};

use crate::device::words;

/// Settings that are managed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SettingsGroup {
    /// What clients may do at all, and how often they ask.
    General,
    /// The password of the device.
    Password,
    /// What is synchronized.
    EmailManagement,
    /// The parts of the device.
    Security,
    /// What may be installed.
    Application,
    /// What Exchange knows and the founding products left out; off unless somebody writes it down.
    Additional,
}

words!(SettingsGroup {
    General = "general",
    Password = "password",
    EmailManagement = "email_management",
    Security = "security",
    Application = "application",
    Additional = "additional",
});

impl SettingsGroup {
    /// Its settings, in the order they are shown.
    pub fn settings(self) -> impl Iterator<Item = Setting> {
        Setting::ALL.iter().copied().filter(move |setting| setting.group() == Some(self))
    }

    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Password => "Password",
            Self::EmailManagement => "Email management",
            Self::Security => "Security",
            Self::Application => "Application",
            Self::Additional => "Additional",
        }
    }
}

/// Which Exchange a policy belongs to: what settings are when nobody said, and what they take,
/// differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Generation {
    /// Exchange 2010.
    Of2010,
    /// Exchange 2013 and everything after it.
    Since2013,
}

words!(Generation { Of2010 = "2010", Since2013 = "2013" });

#[cfg(test)]
mod tests;
