//! The organization: who is in it, which phones they have, and how those live.

use domain::{DeviceFacts, DeviceStatistics, MailboxFacts};
use jiff::Timestamp;
use uuid::Uuid;

use crate::OrganizationOptions;

/// A simulated Exchange organization.
#[derive(Debug)]
pub struct Organization {
    options: OrganizationOptions,
    now: Timestamp,
}

/// One partnership as a complete sync must find it: the expectation of tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Partnership {
    /// What the device list says. `other` is left empty.
    pub facts: DeviceFacts,
    /// What the mailbox says. `other` is left empty.
    pub statistics: DeviceStatistics,
    /// The owner.
    pub mailbox: MailboxFacts,
}

impl Organization {
    /// Grows an organization.
    #[must_use]
    pub fn generate(options: &OrganizationOptions) -> Self {
        Self { options: options.clone(), now: options.start }
    }

    /// What it was grown from.
    #[must_use]
    pub const fn options(&self) -> &OrganizationOptions {
        &self.options
    }

    /// The organization's time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Lives until `now`: phones sync, new ones appear, wipes are fetched and acknowledged.
    /// A time before the organization's own changes nothing.
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Every partnership, with what a complete sync must find.
    pub fn partnerships(&self) -> impl Iterator<Item = Partnership> + '_ {
        std::iter::empty()
    }

    /// Number of partnerships.
    #[must_use]
    pub fn device_count(&self) -> usize {
        0
    }

    /// A new phone makes first contact at the organization's time. Gives its GUID.
    pub fn add_device(&mut self) -> Uuid {
        Uuid::nil()
    }

    /// The partnership is removed, as by an administrator. False if there is none.
    pub fn remove_device(&mut self, guid: Uuid) -> bool {
        guid.is_nil()
    }
}
