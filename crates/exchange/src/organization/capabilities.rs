//! What an account may do, and what falls away without it.

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
const CMDLETS: [(&str, &str); 10] = [
    ("Get-MobileDevice", "the device list of Exchange 2013 and newer; nothing works without one"),
    (
        "Get-ActiveSyncDevice",
        "the device list of Exchange 2010; not needed beside Get-MobileDevice",
    ),
    ("Get-MobileDeviceStatistics", "last sync, policy and wipe of each device"),
    (
        "Get-ActiveSyncDeviceStatistics",
        "the same on Exchange 2010; not needed beside the newer one",
    ),
    ("Get-CASMailbox", "logon names, addresses and exemptions of the owners"),
    ("Get-Mailbox", "stands in for Get-CASMailbox"),
    ("Get-ActiveSyncOrganizationSettings", "the organization's own id and default access level"),
    ("Get-OrganizationConfig", "stands in for the id of the organization"),
    ("Get-ExchangeServer", "the list of servers and their sites"),
    ("Set-ADServerSettings", "devices of the other domains of the forest"),
];

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
