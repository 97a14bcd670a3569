//! Exchange's own protection: devices that trouble it are blocked for a while.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Organization;

/// What a device did too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behavior {
    UserAgentsChanges,
    RecentCommands,
    Watsons,
    OutOfBudgets,
    SyncCommands,
    CommandFrequency,
}

impl Behavior {
    pub(crate) const ALL: [Self; 6] = [
        Self::UserAgentsChanges,
        Self::RecentCommands,
        Self::Watsons,
        Self::OutOfBudgets,
        Self::SyncCommands,
        Self::CommandFrequency,
    ];

    /// As Exchange prints it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::UserAgentsChanges => "UserAgentsChanges",
            Self::RecentCommands => "RecentCommands",
            Self::Watsons => "Watsons",
            Self::OutOfBudgets => "OutOfBudgets",
            Self::SyncCommands => "SyncCommands",
            Self::CommandFrequency => "CommandFrequency",
        }
    }

    /// Its own number.
    pub(crate) const fn number(self) -> i32 {
        self as i32
    }

    /// Its number among the reasons of an access state. That of `CommandFrequency` is not published.
    pub(crate) const fn reason_number(self) -> i32 {
        match self {
            Self::UserAgentsChanges => 6,
            Self::RecentCommands => 7,
            Self::Watsons => 8,
            Self::OutOfBudgets => 9,
            Self::SyncCommands => 10,
            Self::CommandFrequency => 12,
        }
    }
}

/// How often is too often, and what happens then. Zero is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Threshold {
    pub(crate) guid: Uuid,
    pub(crate) behavior: Behavior,
    pub(crate) incidence_limit: i32,
    pub(crate) incidence_seconds: i64,
    pub(crate) block_seconds: i64,
    pub(crate) admin_email_insert: String,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
}

impl Threshold {
    /// One for each behaviour, all off.
    pub(super) fn all(organization: Uuid, created: Timestamp) -> Vec<Self> {
        let of = |behavior: Behavior| Self {
            guid: Uuid::new_v5(&organization, behavior.word().as_bytes()),
            behavior,
            incidence_limit: 0,
            incidence_seconds: 0,
            block_seconds: 0,
            admin_email_insert: String::new(),
            created,
            changed: created,
        };
        Behavior::ALL.map(of).into()
    }

    /// Whether an identity (name, GUID or distinguished name) means this threshold.
    pub(crate) fn answers_to(&self, identity: &str) -> bool {
        let word = self.behavior.word();
        word.eq_ignore_ascii_case(identity)
            || self.guid.to_string().eq_ignore_ascii_case(identity)
            || identity.to_lowercase().starts_with(&format!("cn={},", word.to_lowercase()))
    }
}

/// A block that Exchange itself put on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Autoblock {
    pub(super) behavior: Behavior,
    /// When it ends by itself.
    pub(super) until: Option<Timestamp>,
}

impl Organization {
    /// Exchange blocks a device that sent too many Sync commands, for as long as the threshold
    /// says; without one until it is reset. False if there is no such partnership.
    pub fn autoblock_device(&mut self, guid: Uuid) -> bool {
        let behavior = Behavior::SyncCommands;
        let Some(index) = self.device_guids.get(&guid).copied() else { return false };
        let seconds = self.threshold(behavior).map_or(0, |threshold| threshold.block_seconds);
        let until = (seconds > 0).then(|| self.now + SignedDuration::from_secs(seconds));
        let Some(device) = self.devices[index as usize].as_mut() else { return false };
        device.autoblock = Some(Autoblock { behavior, until });
        if until.is_some() && !self.restless.contains(&index) {
            self.restless.push(index);
        }
        self.settle(index);
        true
    }

    /// Takes back what Exchange itself blocked of a mailbox.
    pub(crate) fn reset_autoblocked(&mut self, mailbox: u32) {
        for index in self.mailbox(mailbox).devices.clone() {
            if let Some(device) = self.devices[index as usize].as_mut() {
                device.autoblock = None;
            }
            self.settle(index);
        }
    }

    /// Every threshold.
    pub(crate) fn thresholds(&self) -> &[Threshold] {
        &self.thresholds
    }

    fn threshold(&self, behavior: Behavior) -> Option<&Threshold> {
        self.thresholds.iter().find(|threshold| threshold.behavior == behavior)
    }

    /// Changes a threshold. What is blocked stays so until then.
    pub(crate) fn change_threshold(&mut self, guid: Uuid, change: impl FnOnce(&mut Threshold)) {
        let now = self.second();
        if let Some(threshold) = self.thresholds.iter_mut().find(|one| one.guid == guid) {
            change(threshold);
            threshold.changed = now;
        }
    }
}
