//! One partnership, lean enough to carry a hundred thousand.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Autoblock, MODELS, Model, Organization, Reason, State};

/// One client on one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) guid: Uuid,
    /// Index of the owner.
    pub(crate) mailbox: u32,
    /// Index into [`MODELS`].
    pub(super) model: u8,
    /// Index into [`LANGUAGES`].
    pub(super) language: u8,
    /// The id the client chose.
    pub(crate) id: Box<str>,
    /// Personal data that only old clients send.
    pub(crate) telephony: Option<Box<Telephony>>,
    pub(crate) state: State,
    pub(crate) reason: Reason,
    /// GUID of the access rule that decided.
    pub(crate) rule: Option<Uuid>,
    /// Until when Exchange is still finding out what this is.
    pub(super) discovery_ends: Option<Timestamp>,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) last_attempt: Option<Timestamp>,
    pub(crate) last_success: Option<Timestamp>,
    pub(crate) heartbeat: u32,
    pub(crate) folders: u16,
    pub(crate) wipe: Option<Box<Wipe>>,
    pub(super) autoblock: Option<Autoblock>,
}

/// What a phone tells about its telephone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Telephony {
    pub(crate) imei: String,
    pub(crate) number: String,
    pub(crate) operator: &'static str,
}

/// A wipe, asked for and perhaps carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wipe {
    pub(crate) account_only: bool,
    pub(crate) requestor: String,
    pub(crate) requested: Timestamp,
    pub(crate) sent: Option<Timestamp>,
    pub(crate) acknowledged: Option<Timestamp>,
    /// The phone has done it; hosted Exchange is told nothing of it.
    pub(super) is_carried_out: bool,
}

impl Wipe {
    /// The phone has nothing more to do, whether Exchange knows or not.
    pub(super) const fn is_over(&self) -> bool {
        self.acknowledged.is_some() || self.is_carried_out
    }
}

/// Operating system languages.
pub(super) const LANGUAGES: &[&str] = &["en", "de", "en-GB", "zh-Hans", "es", "vi", "pl", "tr"];

impl Device {
    pub(crate) fn model(&self) -> &'static Model {
        &MODELS[usize::from(self.model)]
    }

    pub(crate) fn language(&self) -> &'static str {
        LANGUAGES[usize::from(self.language)]
    }

    /// `iPhone§ApplF17LTTCGFFG8`
    pub(crate) fn common_name(&self) -> String {
        self.model().common_name(&self.id)
    }

    /// `contoso.com/Staff/Berlin/Müller, Jörg/ExchangeActiveSyncDevices/iPhone§…`
    pub(crate) fn canonical(&self, organization: &Organization) -> String {
        let owner = organization.mailbox(self.mailbox).canonical(organization);
        format!("{owner}/ExchangeActiveSyncDevices/{}", self.common_name())
    }

    pub(crate) fn distinguished_name(&self, organization: &Organization) -> String {
        let owner = organization.mailbox(self.mailbox).distinguished_name(organization);
        format!("CN={},CN=ExchangeActiveSyncDevices,{owner}", self.common_name())
    }

    /// A wipe that the phone has not fetched yet, or not acknowledged.
    pub(super) fn wipe_under_way(&self) -> bool {
        self.wipe.as_ref().is_some_and(|wipe| !wipe.is_over())
    }

    /// Status as the statistics print it.
    pub(crate) fn status(&self) -> (&'static str, i32) {
        match &self.wipe {
            None if self.state == State::Blocked => ("DeviceBlocked", 3),
            None => ("DeviceOk", 0),
            Some(wipe) => match (wipe.account_only, wipe.acknowledged.is_some()) {
                (false, false) => ("DeviceWipePending", 1),
                (false, true) => ("DeviceWipeSucceeded", 2),
                (true, false) => ("AccountOnlyDeviceWipePending", 4),
                (true, true) => ("AccountOnlyDeviceWipeSucceeded", 5),
            },
        }
    }

    /// Whether the policy reached the phone, as the statistics print it.
    pub(crate) fn policy_status(&self) -> (&'static str, i32) {
        match (self.last_success, self.model().provisionable) {
            (None, _) => ("NotApplied", 1),
            (Some(_), true) => ("AppliedInFull", 2),
            (Some(_), false) => ("PartiallyApplied", 3),
        }
    }
}
