//! What a connector reads, when, and how, as JSON.

use domain::{
    ConnectorName, Schedule, Schedules, TimeZoneName,
    connector::{self, DirectorySecurity, Discovery, DiscoveryScope, Runspaces},
};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// What a connector reads, when, and how. Every field may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ConnectorOptions)]
pub struct ConnectorOptions {
    /// One server, or one array, for each Active Directory site; tried in this order after the
    /// connector's own address.
    pub sites: Vec<SiteServer>,
    /// Domain controller that is asked for more servers; null: Exchange alone is asked.
    pub directory: Option<Directory>,
    /// Whether sessions are opened at configured servers alone, and not at those that Exchange or
    /// the directory name.
    pub configured_servers_only: bool,
    /// When everything is read: an interval of 1 minute to 31 days (`24h`), five cron fields
    /// (`0 2 * * 1-5`) or `never`.
    #[schema(example = "24h")]
    pub full_schedule: String,
    /// When what changed is read; the same forms.
    #[schema(example = "4h")]
    pub delta_schedule: String,
    /// Whose wall clock cron fields mean, by its IANA name.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// Only devices of users in these organizational units; null: everybody's.
    pub organizational_units: Option<Vec<String>>,
    /// Only devices of mailboxes that this filter of Exchange finds; null: everybody's.
    #[schema(example = "Department -eq 'Sales'")]
    pub recipient_filter: Option<String>,
    /// Devices that did nothing for more days than these are left out (1 to 3650); null: none is.
    pub inactive_days: Option<u32>,
    /// Remove partnerships of devices that left by age from Exchange too.
    pub remove_aged_partnerships: bool,
    /// Whether users may be managed by another product as well; null leaves what Exchange has.
    pub allow_external_management: Option<bool>,
    /// User name and mailbox that notifications are sent with.
    pub notification_account: Option<String>,
    /// Sessions open at once: 1 to 9.
    #[schema(example = 3)]
    pub runspaces: u32,
    /// Name of the connector that this one takes the organization over from.
    pub replaces: Option<String>,
}

/// A server or an array of one Active Directory site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteServer {
    /// Name of the site.
    #[schema(example = "Berlin")]
    pub site: String,
    /// Address of remote PowerShell.
    #[schema(example = "http://berlin.contoso.com/PowerShell/")]
    pub url: String,
}

/// A domain controller that knows where Exchange's servers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// `host` or `host:port`.
    #[schema(example = "dc01.contoso.com")]
    pub server: String,
    /// `starttls` (the default), `ldaps` or `sealed` (by Kerberos).
    #[serde(default = "starttls")]
    #[schema(example = "starttls")]
    pub security: String,
}

fn starttls() -> String {
    DirectorySecurity::default().word().to_owned()
}

impl Default for ConnectorOptions {
    fn default() -> Self {
        Self::of(connector::Options::default())
    }
}

impl ConnectorOptions {
    /// The one translation of options into JSON.
    pub(crate) fn of(options: connector::Options) -> Self {
        let Discovery { scope, inactive_days } = options.discovery;
        let (organizational_units, recipient_filter) = match scope {
            DiscoveryScope::Organization => (None, None),
            DiscoveryScope::Units(units) => (Some(units), None),
            DiscoveryScope::Recipients(filter) => (None, Some(filter)),
        };
        let site = |connector::SiteServer { site, url }| SiteServer { site, url };
        let directory = |found: connector::Directory| Directory {
            server: found.server,
            security: found.security.word().to_owned(),
        };
        Self {
            sites: options.sites.into_iter().map(site).collect(),
            directory: options.directory.map(directory),
            configured_servers_only: options.stays_at_configured_servers,
            full_schedule: options.schedules.full.to_string(),
            delta_schedule: options.schedules.delta.to_string(),
            time_zone: options.schedules.zone.to_string(),
            organizational_units,
            recipient_filter,
            inactive_days: inactive_days.map(u32::from),
            remove_aged_partnerships: options.removes_aged_partnerships,
            allow_external_management: options.allow_external_management,
            notification_account: options.notification_account,
            runspaces: options.runspaces.get().into(),
            replaces: options.replaces.map(|name| name.to_string()),
        }
    }

    /// The options meant, or which field is wrong.
    pub(crate) fn into_options(self) -> Result<connector::Options, Problem> {
        let schedules = Schedules {
            full: schedule("full_schedule", &self.full_schedule)?,
            delta: schedule("delta_schedule", &self.delta_schedule)?,
            zone: TimeZoneName::parse(&self.time_zone).map_err(|error| {
                Problem::invalid(format_args!("time_zone: {error}"), "correct it and send it again")
            })?,
        };
        let discovery = Discovery {
            scope: scope(self.organizational_units, self.recipient_filter)?,
            inactive_days: self.inactive_days.map(days).transpose()?,
        };
        let replaces = self.replaces.as_deref().map(ConnectorName::parse).transpose();
        let replaces = replaces.map_err(|error| {
            Problem::invalid(
                format_args!("replaces: {error}"),
                "name the connector that is to be replaced",
            )
        })?;
        let site = |SiteServer { site, url }| connector::SiteServer { site, url };
        Ok(connector::Options {
            sites: self.sites.into_iter().map(site).collect(),
            directory: self.directory.map(Directory::into_directory).transpose()?,
            stays_at_configured_servers: self.configured_servers_only,
            schedules,
            discovery,
            removes_aged_partnerships: self.remove_aged_partnerships,
            allow_external_management: self.allow_external_management,
            notification_account: self.notification_account,
            runspaces: runspaces(self.runspaces)?,
            replaces,
        })
    }
}

impl Directory {
    fn into_directory(self) -> Result<connector::Directory, Problem> {
        let security = DirectorySecurity::from_word(&self.security).ok_or_else(|| {
            Problem::invalid(
                format_args!("the security of the directory is {:?}", self.security),
                "use starttls, ldaps or sealed; nothing is sent to a directory in the clear",
            )
        })?;
        Ok(connector::Directory { server: self.server, security })
    }
}

fn schedule(field: &str, text: &str) -> Result<Schedule, Problem> {
    Schedule::parse(text).map_err(|error| {
        Problem::invalid(format_args!("{field}: {error}"), "correct it and send it again")
    })
}

fn scope(units: Option<Vec<String>>, filter: Option<String>) -> Result<DiscoveryScope, Problem> {
    match (units, filter) {
        (None, None) => Ok(DiscoveryScope::Organization),
        (Some(units), None) => Ok(DiscoveryScope::Units(units)),
        (None, Some(filter)) => Ok(DiscoveryScope::Recipients(filter)),
        (Some(_), Some(_)) => Err(Problem::invalid(
            "there are both organizational units and a recipient filter",
            "give one of the two, and null for the other; null for both takes everybody's devices",
        )),
    }
}

fn days(days: u32) -> Result<u16, Problem> {
    u16::try_from(days).map_err(|_| {
        Problem::invalid(
            format_args!("{days} days of inactivity are not 1 to 3650"),
            "give a number of days, or null to take in every device",
        )
    })
}

fn runspaces(count: u32) -> Result<Runspaces, Problem> {
    u8::try_from(count).ok().and_then(|count| Runspaces::new(count).ok()).ok_or_else(|| {
        Problem::invalid(
            format_args!(
                "{count} runspaces are not 1 to {}: Exchange lets an account have 18, and people \
                 need some",
                Runspaces::MOST
            ),
            "3 are usual",
        )
    })
}
