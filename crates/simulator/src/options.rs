//! What a simulated organization is made of, and which habits it has.

use jiff::{SignedDuration, Timestamp};

/// Everything an [`crate::Organization`] is grown from. The same options give the same
/// organization, to the letter.
#[derive(Debug, Clone)]
pub struct OrganizationOptions {
    /// Where chance begins.
    pub seed: u64,
    /// Name of the Exchange organization.
    pub name: String,
    /// Active Directory domain: `contoso.com`.
    pub domain: String,
    /// Number of mailboxes.
    pub mailboxes: usize,
    /// Number of partnerships, spread over the mailboxes. One mailbox carries at most
    /// [`OrganizationOptions::DEVICES_PER_MAILBOX`]; more mailboxes are added if needed.
    pub devices: usize,
    /// Active Directory sites with the number of servers in each.
    pub sites: Vec<(String, usize)>,
    /// Versions of the servers, in the order of the sites: `[15, 1, 2507, 6]`. Servers beyond
    /// the list have what the dialect usually has. Version 14 is Exchange 2010, which has the old
    /// cmdlets only and does not see mailboxes on servers of a later generation.
    pub server_versions: Vec<[i32; 4]>,
    /// The organization's time at the beginning.
    pub start: Timestamp,
    /// Which Exchange speaks.
    pub dialect: Dialect,
    /// What happens to a device that no rule and no exemption names.
    pub default_access_level: AccessLevel,
    /// Who may open a shell.
    pub accounts: Vec<Account>,
    /// Quotas, time-outs and warnings.
    pub habits: Habits,
}

impl OrganizationOptions {
    /// A hosted organization with so many devices, at `start`.
    #[must_use]
    pub fn hosted(devices: usize, start: Timestamp) -> Self {
        Self { dialect: Dialect::ExchangeOnline, ..Self::with_devices(devices, start) }
    }

    /// Exchange's own limit per mailbox is 100 (`EASMaxDevices`); people have far fewer.
    pub const DEVICES_PER_MAILBOX: usize = 10;

    /// An organization with so many devices, at `start`.
    #[must_use]
    pub fn with_devices(devices: usize, start: Timestamp) -> Self {
        Self { mailboxes: devices * 3 / 4 + 1, devices, start, ..Self::default() }
    }
}

impl Default for OrganizationOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            name: "Contoso".to_owned(),
            domain: "contoso.com".to_owned(),
            mailboxes: 80,
            devices: 100,
            sites: vec![("Berlin".to_owned(), 2), ("Shanghai".to_owned(), 1)],
            server_versions: Vec::new(),
            start: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 20_000),
            dialect: Dialect::Exchange2013,
            default_access_level: AccessLevel::Quarantine,
            accounts: vec![Account::administrator("CONTOSO", "gatepost", "Pa55word!")],
            habits: Habits::default(),
        }
    }
}

/// Which family of cmdlets and which form of errors the organization speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Only the `ActiveSync*` family; error ids without a failure category.
    Exchange2010,
    /// Both families (2013 and everything after it).
    Exchange2013,
    /// Hosted: both families, settings that only the cloud has, no cmdlets about servers; wipes are
    /// never acknowledged, and phones that speak less than ActiveSync 16.1 are not served.
    ExchangeOnline,
}

impl Dialect {
    /// Both families of cmdlets.
    pub(crate) const fn is_modern(self) -> bool {
        !matches!(self, Self::Exchange2010)
    }

    /// Exchange Online.
    pub(crate) const fn is_hosted(self) -> bool {
        matches!(self, Self::ExchangeOnline)
    }
}

/// What an access rule, or the organization by default, does with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLevel {
    /// Let it sync.
    Allow,
    /// Refuse it.
    Block,
    /// Hold it until an administrator decides.
    Quarantine,
}

/// Somebody who may sign in.
#[derive(Clone)]
pub struct Account {
    /// `NetBIOS` name of the domain.
    pub domain: String,
    /// Logon name.
    pub user: String,
    /// Password of a simulated person. Printed nowhere all the same.
    pub password: String,
    /// Which cmdlets the account's roles show.
    pub visible: Visible,
    /// Which parameters of those its roles hide.
    pub hidden_parameters: Vec<HiddenParameter>,
    /// May open a remote shell at all (`RemotePowerShellEnabled`).
    pub remote_power_shell: bool,
}

impl Account {
    /// An account that sees every cmdlet.
    #[must_use]
    pub fn administrator(domain: &str, user: &str, password: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            visible: Visible::All,
            hidden_parameters: Vec::new(),
            remote_power_shell: true,
        }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({}\\{}, {:?})", self.domain, self.user, self.visible)
    }
}

/// A parameter that an account's roles leave out of a cmdlet. For the account it does not exist:
/// it is not listed, and naming it is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenParameter {
    /// `Clear-MobileDevice`
    pub cmdlet: String,
    /// `AccountOnly`
    pub parameter: String,
}

impl HiddenParameter {
    /// This parameter of this cmdlet. Names are compared without regard to case.
    #[must_use]
    pub fn new(cmdlet: &str, parameter: &str) -> Self {
        Self { cmdlet: cmdlet.to_owned(), parameter: parameter.to_owned() }
    }
}

/// The cmdlets an account's roles show. What is not visible does not exist for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// All of them.
    All,
    /// All but these.
    Without(Vec<String>),
    /// These only.
    Only(Vec<String>),
}

impl Visible {
    /// Whether a cmdlet is shown. Names are compared without regard to case.
    #[must_use]
    pub fn shows(&self, cmdlet: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name.eq_ignore_ascii_case(cmdlet));
        match self {
            Self::All => true,
            Self::Without(hidden) => !named(hidden),
            Self::Only(shown) => named(shown),
        }
    }
}

/// Quotas, time-outs and warnings, with the values of an Exchange that nobody tuned.
#[derive(Debug, Clone)]
pub struct Habits {
    /// Rows that a list gives when not asked for a number.
    pub default_result_size: usize,
    /// Concurrent shells of one user on one server.
    pub shells_per_user: usize,
    /// Pipelines in one shell that were not terminated.
    pub commands_per_shell: usize,
    /// A shell unused for so long is gone.
    pub shell_idle_timeout: SignedDuration,
    /// No pipeline runs longer.
    pub operation_limit: SignedDuration,
    /// How much work a user may ask for before being slowed down; `None`: without limit.
    pub budget: Option<Budget>,
    /// Properties that `-Filter` does not take, as if they were unknown: `WhenChangedUTC`, or of
    /// one cmdlet alone `Get-MobileDevice/WhenChangedUTC`.
    pub refused_filters: Vec<String>,
    /// `-SortBy` is an error, whatever it names.
    pub sort_by_refused: bool,
}

impl Habits {
    /// Whether a cmdlet refuses a filter on this property. Names are compared without regard to
    /// case.
    #[must_use]
    pub fn refuses_filter(&self, cmdlet: &str, property: &str) -> bool {
        self.refused_filters.iter().any(|refused| {
            let (of, name) = refused.split_once('/').unwrap_or((cmdlet, refused));
            of.eq_ignore_ascii_case(cmdlet) && name.eq_ignore_ascii_case(property)
        })
    }
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            default_result_size: 1_000,
            shells_per_user: 18,
            commands_per_shell: 1_000,
            shell_idle_timeout: SignedDuration::from_mins(15),
            operation_limit: SignedDuration::from_secs(900),
            budget: None,
            refused_filters: Vec::new(),
            sort_by_refused: false,
        }
    }
}

/// A throttling policy of one user on one server: so many cmdlets in so many seconds, then every
/// further one is delayed and says so in a warning, and at last refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Cmdlets that are free of delay.
    pub cmdlets: u32,
    /// Length of the window in seconds.
    pub period_seconds: u32,
    /// Delay of each further cmdlet, in milliseconds.
    pub delay_ms: u32,
    /// Cmdlets beyond this number are refused until the window is over; `None`: only delayed.
    pub cmdlets_max: Option<u32>,
}
