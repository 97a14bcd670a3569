//! What an account may do, and what falls away without it.

use std::collections::BTreeSet;

use crate::{Object, Value, cmdlet::SELECT, permissions};

/// Which cmdlets the account may use, and which of their parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Every cmdlet Gatepost can make use of, and whether it is there; `None` where nobody knows
    /// because `Get-Command` is hidden.
    pub cmdlets: Vec<(&'static str, Option<bool>)>,
    /// Which family of names the devices have.
    pub family: Family,
    /// Every cmdlet that was looked for and is there; `None` where nobody knows.
    seen: Option<Vec<Seen>>,
}

/// A cmdlet that the account sees. Names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    cmdlet: String,
    /// `None` where the server did not say.
    parameters: Option<BTreeSet<String>>,
}

/// Which family of names an organization's device cmdlets have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// `*-MobileDevice*`: Exchange 2013 and newer.
    #[default]
    MobileDevice,
    /// `*-ActiveSyncDevice*`: Exchange 2010.
    ActiveSync,
}

/// Every cmdlet that is made use of today, and what falls away without it.
const CMDLETS: [(&str, &str); 11] = [
    ("Get-MobileDevice", DEVICE_LIST),
    ("Get-ActiveSyncDevice", DEVICE_LIST),
    ("Get-MobileDeviceStatistics", STATISTICS),
    ("Get-ActiveSyncDeviceStatistics", STATISTICS),
    ("Get-CASMailbox", "logon names, addresses and exemptions of the owners"),
    ("Get-Mailbox", "logon names and addresses of the owners where Get-CASMailbox is not there"),
    ("Get-ActiveSyncOrganizationSettings", "the organization's own id and default access level"),
    ("Get-OrganizationConfig", "the organization's own id where its settings are not there"),
    ("Get-ExchangeServer", "the list of servers and their sites"),
    ("Set-ADServerSettings", "devices of the other domains of the forest"),
    (SELECT, "answers without what nobody looks at, a third as long"),
];

const DEVICE_LIST: &str =
    "the device list, and nothing works without it; the role View-Only Recipients has it";
const STATISTICS: &str = "last sync, policy and wipe of each device";

impl Capabilities {
    /// The cmdlets to be looked for: those that are made use of today, and those of every feature.
    pub(super) fn cmdlets_of_interest() -> BTreeSet<&'static str> {
        let today = CMDLETS.iter().map(|(name, _)| *name);
        today.chain(permissions::cmdlets_of_every_feature()).collect()
    }

    /// The capabilities of an account to which `Get-Command` gives these objects.
    pub(super) fn of(visible: &[Object]) -> Self {
        let seen: Vec<Seen> = visible.iter().filter_map(Seen::of).collect();
        let is_visible = |name: &str| seen.iter().any(|one| one.is(name));
        let family =
            if !is_visible(Family::MobileDevice.list()) && is_visible(Family::ActiveSync.list()) {
                Family::ActiveSync
            } else {
                Family::MobileDevice
            };
        let cmdlets = CMDLETS.iter().map(|(name, _)| (*name, Some(is_visible(name)))).collect();
        Self { cmdlets, family, seen: Some(seen) }
    }

    /// Whether the account sees a cmdlet; `None` where nobody knows. Only cmdlets of features and
    /// those that are made use of today are looked for.
    #[must_use]
    pub fn sees(&self, cmdlet: &str) -> Option<bool> {
        let seen = self.seen.as_ref()?;
        Some(seen.iter().any(|one| one.is(cmdlet)))
    }

    /// Whether the account sees a parameter of a cmdlet; `None` where nobody knows.
    #[must_use]
    pub fn sees_parameter(&self, cmdlet: &str, parameter: &str) -> Option<bool> {
        let Some(seen) = self.seen.as_ref()?.iter().find(|one| one.is(cmdlet)) else {
            return Some(false);
        };
        let parameters = seen.parameters.as_ref()?;
        Some(parameters.contains(&parameter.to_ascii_lowercase()))
    }

    /// The cmdlets that are made use of here, and whether each is there: those of the other family
    /// of names are not missed.
    pub fn needed(&self) -> impl Iterator<Item = (&'static str, Option<bool>)> {
        let other = self.family.other();
        let others = [other.list(), other.statistics()];
        self.cmdlets.iter().copied().filter(move |(name, _)| !others.contains(name))
    }

    /// Whether devices can be listed, as far as anybody knows.
    #[must_use]
    pub fn can_list_devices(&self) -> bool {
        let list = self.family.list();
        self.cmdlets.iter().all(|(name, is_there)| *name != list || *is_there != Some(false))
    }

    /// Whether the server cuts objects down to the properties that are wanted.
    pub(super) fn can_select(&self) -> bool {
        self.cmdlets.contains(&(SELECT, Some(true)))
    }

    /// What a cmdlet is needed for.
    #[must_use]
    pub fn purpose(cmdlet: &str) -> &'static str {
        CMDLETS.iter().find(|(name, _)| *name == cmdlet).map_or("", |(_, purpose)| *purpose)
    }
}

impl Default for Capabilities {
    /// Nobody knows.
    fn default() -> Self {
        let cmdlets = CMDLETS.iter().map(|(name, _)| (*name, None)).collect();
        Self { cmdlets, family: Family::default(), seen: None }
    }
}

impl Seen {
    /// What one object of `Get-Command` says. Its dictionary of parameters may be missing, where
    /// the server does not serialize it: then nothing is known of them.
    fn of(object: &Object) -> Option<Self> {
        let parameters = match object.get("Parameters") {
            Some(Value::Dictionary(entries)) if !entries.is_empty() => {
                Some(entries.iter().map(|(name, _)| name.to_ascii_lowercase()).collect())
            }
            _ => None,
        };
        Some(Self { cmdlet: object.get("Name")?.text()?.to_ascii_lowercase(), parameters })
    }

    fn is(&self, cmdlet: &str) -> bool {
        self.cmdlet.eq_ignore_ascii_case(cmdlet)
    }
}

impl Family {
    const fn other(self) -> Self {
        match self {
            Self::MobileDevice => Self::ActiveSync,
            Self::ActiveSync => Self::MobileDevice,
        }
    }

    /// The cmdlet that lists devices.
    pub(super) const fn list(self) -> &'static str {
        match self {
            Self::MobileDevice => "Get-MobileDevice",
            Self::ActiveSync => "Get-ActiveSyncDevice",
        }
    }

    /// The cmdlet that removes a partnership.
    pub(super) const fn remove(self) -> &'static str {
        match self {
            Self::MobileDevice => "Remove-MobileDevice",
            Self::ActiveSync => "Remove-ActiveSyncDevice",
        }
    }

    /// The cmdlet that gives their statistics.
    pub(super) const fn statistics(self) -> &'static str {
        match self {
            Self::MobileDevice => "Get-MobileDeviceStatistics",
            Self::ActiveSync => "Get-ActiveSyncDeviceStatistics",
        }
    }
}
