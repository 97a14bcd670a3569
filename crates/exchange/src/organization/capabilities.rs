//! What an account may do, and what falls away without it.

use crate::cmdlet::SELECT;

/// Which cmdlets the account may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Every cmdlet Gatepost can make use of, and whether it is there; `None` where nobody knows
    /// because `Get-Command` is hidden.
    pub cmdlets: Vec<(&'static str, Option<bool>)>,
    /// Which family of names the devices have.
    pub family: Family,
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
    /// The cmdlets to be looked for.
    pub(super) fn cmdlets_of_interest() -> impl Iterator<Item = &'static str> {
        CMDLETS.iter().map(|(name, _)| *name)
    }

    /// The capabilities of an account that sees these cmdlets.
    pub(super) fn of(visible: impl Iterator<Item = String>) -> Self {
        let visible: Vec<String> = visible.map(|name| name.to_ascii_lowercase()).collect();
        let is_visible = |name: &str| visible.iter().any(|known| name.eq_ignore_ascii_case(known));
        let family =
            if !is_visible(Family::MobileDevice.list()) && is_visible(Family::ActiveSync.list()) {
                Family::ActiveSync
            } else {
                Family::MobileDevice
            };
        let cmdlets =
            Self::cmdlets_of_interest().map(|name| (name, Some(is_visible(name)))).collect();
        Self { cmdlets, family }
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
        let cmdlets = Self::cmdlets_of_interest().map(|name| (name, None)).collect();
        Self { cmdlets, family: Family::default() }
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

    /// The cmdlet that gives their statistics.
    pub(super) const fn statistics(self) -> &'static str {
        match self {
            Self::MobileDevice => "Get-MobileDeviceStatistics",
            Self::ActiveSync => "Get-ActiveSyncDeviceStatistics",
        }
    }
}
