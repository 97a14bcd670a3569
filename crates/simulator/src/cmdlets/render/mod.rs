//! Objects as Exchange serializes them: type names, `ToString`, enums as objects around a number,
//! identities as objects with properties, notes of remoting in the extended members.

mod admin_audit;
mod autoblock;
mod device;
mod mailbox;
mod parts;
mod policy;
mod server;
mod settings;

use jiff::Timestamp;
use psrp::clixml::Value;
use uuid::Uuid;

use super::Problem;
use crate::{Faults, organization::Organization};

pub(super) use admin_audit::admin_audit_event;
pub(super) use autoblock::autoblock_threshold;
pub(super) use device::{device, statistics};
pub(super) use mailbox::{cas_mailbox, mailbox, recipient, user};
pub(super) use parts::{command, identity_of, selected};
pub(super) use policy::mailbox_policy;
pub(super) use server::{exchange_server, organization_config};
pub(super) use settings::{access_rule, device_class, organization_settings};

/// Who asks, through which server.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The server's time.
    pub(crate) now: Timestamp,
    /// Index of the server that the shell is on.
    pub(crate) server: usize,
    /// The runspace pool, which every object names.
    pub(crate) runspace: Uuid,
    /// `CONTOSO\gatepost`
    pub(crate) account: String,
    /// Which cmdlets the account sees.
    pub(crate) visible: crate::Visible,
    /// Which parameters of those it does not see.
    pub(crate) hidden_parameters: Vec<crate::HiddenParameter>,
    /// Databases that cannot be read.
    pub(crate) offline: std::collections::BTreeSet<String>,
    /// Lists end silently after so many objects.
    pub(crate) truncate_after: Option<usize>,
    /// Another device is given than was asked for.
    pub(crate) answers_another: bool,
}

impl Context {
    /// Takes over those faults that concern cmdlets.
    pub(crate) fn afflict(&mut self, faults: &Faults) {
        self.offline.clone_from(&faults.offline_databases);
        self.truncate_after = faults.truncate_after;
        self.answers_another = faults.answers_another;
    }

    /// The domain controller that answers.
    pub(super) fn domain_controller(organization: &Organization) -> String {
        format!("dc01.{}", organization.directory_domain())
    }
}

/// What a row of a list is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    MobileDevice,
    ActiveSyncDevice,
    MobileDeviceStatistics,
    ActiveSyncDeviceStatistics,
    CasMailbox,
    Mailbox,
    User,
    Recipient,
}

impl View {
    /// The object; nothing if the row went away since the list was made.
    pub(super) fn show(
        self,
        organization: &Organization,
        context: &Context,
        row: u32,
    ) -> Result<Option<Value>, Problem> {
        let shown = match self {
            Self::MobileDevice | Self::ActiveSyncDevice => {
                let found = organization.device(row);
                found.map(|found| device(organization, context, found, self))
            }
            Self::MobileDeviceStatistics | Self::ActiveSyncDeviceStatistics => {
                let found = organization.device(row);
                found.map(|found| statistics(organization, context, found, self)).transpose()?
            }
            Self::CasMailbox => Some(cas_mailbox(organization, context, organization.mailbox(row))),
            Self::Mailbox => Some(mailbox(organization, context, organization.mailbox(row))),
            Self::User => Some(user(organization, context, organization.mailbox(row))),
            Self::Recipient => Some(recipient(organization, context, organization.mailbox(row))),
        };
        Ok(shown)
    }
}
