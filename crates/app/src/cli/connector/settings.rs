//! The flags that describe a connector, shared by `add` and `set`: each that is given becomes a
//! field of a change.

use std::{
    io::{IsTerminal as _, stdin},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use api::ConnectorChange;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::hosted::{HostedArguments, Proof};
use crate::secret::{self, PasswordArguments};

#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// How to sign in, automatic at first
    #[arg(long, value_enum, value_name = "SCHEME")]
    auth: Option<Scheme>,
    /// 'DOMAIN\user' or user@domain
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    #[command(flatten)]
    password: PasswordArguments,
    /// Send Basic credentials over plain HTTP, where anybody on the way can read them
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_basic_without_tls: Option<bool>,
    /// Let scheduled work rest: nothing is read until it is resumed or a sync is asked for
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    paused: Option<bool>,
    #[command(flatten)]
    reading: ReadingArguments,
    #[command(flatten)]
    servers: ServersArguments,
    #[command(flatten)]
    kerberos: KerberosArguments,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    hosted: HostedArguments,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is read, and when")]
struct ReadingArguments {
    /// When everything is read, 24h at first: an interval such as 1h30m, cron fields such as
    /// '0 2 * * 1-5', or never
    #[arg(long, value_name = "SCHEDULE")]
    full_schedule: Option<String>,
    /// When what changed is read, 4h at first: in the same forms
    #[arg(long, value_name = "SCHEDULE")]
    delta_schedule: Option<String>,
    /// Whose wall clock cron fields mean, UTC at first: such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Only devices of users in this organizational unit; may be given several times
    #[arg(long, value_name = "OU", conflicts_with = "recipient_filter")]
    unit: Vec<String>,
    /// Only devices of mailboxes that this filter of Exchange finds: "Department -eq 'Sales'"
    #[arg(long, value_name = "FILTER")]
    recipient_filter: Option<String>,
    /// Leave out devices that did nothing for so many days; never: leave none out
    #[arg(long, value_name = "N", value_parser = Days::parse)]
    inactive_days: Option<Days>,
    /// Remove partnerships of devices that left by age from Exchange too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    remove_aged_partnerships: Option<bool>,
    /// Whether another product may manage the same users; keep: as Exchange has it
    #[arg(long, value_enum, value_name = "CHOICE")]
    allow_external_management: Option<Choice>,
    /// User name and mailbox that notifications are sent with
    #[arg(long, value_name = "USER")]
    notification_account: Option<String>,
    /// File with the password of the notification account
    #[arg(long, value_name = "FILE")]
    notification_password_file: Option<PathBuf>,
    /// Name of the connector that this one takes the organization over from
    #[arg(long, value_name = "NAME")]
    replace: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "More servers")]
struct ServersArguments {
    /// Server or array of an Active Directory site, tried when the first does not answer; may be
    /// given several times
    #[arg(long, value_name = "SITE=URL", value_parser = Site::parse)]
    site: Vec<Site>,
    /// Domain controller that is asked for more servers
    #[arg(long, value_name = "HOST[:PORT]")]
    directory: Option<String>,
    /// How the way to the domain controller is protected: starttls, ldaps or sealed
    #[arg(long, value_name = "WAY")]
    directory_security: Option<String>,
    /// Open sessions at configured servers alone, and not at those that Exchange or the directory
    /// name
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    configured_servers_only: Option<bool>,
    /// Sessions open at once, 3 at first: 1 to 9
    #[arg(long, value_name = "N")]
    runspaces: Option<u32>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Kerberos")]
struct KerberosArguments {
    /// Key distribution centre; may be given several times
    #[arg(long, value_name = "HOST:PORT")]
    kdc: Vec<String>,
    /// Keytab on the server's machine, in place of a password
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password_file", "password_stdin"])]
    keytab: Option<String>,
    /// Service principal name, if it is not HTTP/<host of the address>
    #[arg(long, value_name = "SPN")]
    spn: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
struct NetworkArguments {
    /// Connect to this address in place of the host in the URL
    #[arg(long, value_name = "HOST:PORT")]
    connect_to: Option<String>,
    /// More certificate authorities to trust, PEM
    #[arg(long, value_name = "FILE", visible_alias = "extra-root")]
    ca_file: Option<PathBuf>,
    /// Trust exactly the certificate with this SHA-256, at every configured server
    #[arg(long, value_name = "SHA256")]
    pin: Option<String>,
    /// HTTP proxy to go through
    #[arg(long, value_name = "HOST:PORT")]
    proxy: Option<String>,
    /// User name for the proxy
    #[arg(long, value_name = "USER")]
    proxy_username: Option<String>,
    /// File with the password for the proxy
    #[arg(long, value_name = "FILE")]
    proxy_password_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scheme {
    /// The best that the server offers
    Automatic,
    /// Kerberos alone
    Kerberos,
    /// Kerberos where it works, else NTLM
    Negotiate,
    /// NTLM alone
    Ntlm,
    /// Basic
    Basic,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Choice {
    /// It may
    True,
    /// It may not
    False,
    /// As Exchange has it
    Keep,
}

/// Days of inactivity; `None`: never mind how many.
#[derive(Debug, Clone, Copy)]
struct Days(Option<u32>);

impl Days {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text == "never" {
            return Ok(Self(None));
        }
        text.parse()
            .map(|days| Self(Some(days)))
            .map_err(|_| format!("{text:?} is neither a number of days nor the word never"))
    }
}

/// A server of a site; `None` stands for no servers of sites at all.
#[derive(Debug, Clone)]
struct Site(Option<(String, String)>);

impl Site {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let (site, url) = text.split_once('=').ok_or_else(|| {
            "it is not SITE=URL, as in Berlin=http://berlin.contoso.com/PowerShell/".to_owned()
        })?;
        Ok(Self(Some((site.trim().to_owned(), url.trim().to_owned()))))
    }
}

/// When a password is asked for on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Whenever one is needed and not given: the connector is new.
    Always,
    /// Only if the account changes and somebody sits there; else the old one stays.
    IfAccountChanges,
}

/// Where the organization is; its address or tenant, if one is given.
#[derive(Debug, Clone)]
pub(super) enum Place {
    OnPremises(Option<String>),
    Hosted(Option<String>),
}

impl Settings {
    /// The change that the flags ask for.
    pub(super) fn into_change(self, place: Place, ask: Ask) -> anyhow::Result<ConnectorChange> {
        let password = self.password(ask)?;
        let notification_password = notification_password(&self.reading, ask)?;
        let proxy_password_file = self.network.proxy_password_file.as_deref();
        let proxy_password = proxy_password_file.map(secret::from_file).transpose()?;
        let paused = self.paused;
        let mut options = Fields::default();
        self.reading.write(&mut options);
        self.servers.write(&mut options);
        let (mut on_premises, mut hosted) = (Fields::default(), Fields::default());
        on_premises.set("authentication", self.auth.as_ref().map(word));
        on_premises.text("username", self.username);
        on_premises.set("allow_basic_without_tls", self.allow_basic_without_tls);
        on_premises.texts("kdc", self.kerberos.kdc);
        on_premises.text("keytab", self.kerberos.keytab);
        on_premises.text("spn", self.kerberos.spn);
        match place {
            Place::OnPremises(url) => {
                on_premises.text("url", url);
                self.network.write(&mut on_premises)?;
            }
            Place::Hosted(tenant) => {
                hosted.text("tenant", tenant);
                self.network.write(&mut hosted)?;
            }
        }
        let Proof { certificate, certificate_password, client_secret } = self.hosted.proof()?;
        self.hosted.write(&mut hosted);
        Ok(ConnectorChange {
            on_premises: on_premises.given(),
            hosted: hosted.given(),
            options: options.given(),
            paused,
            password,
            proxy_password,
            notification_password,
            certificate,
            certificate_password,
            client_secret,
        })
    }

    /// Whether a person is to sign in with a code.
    pub(super) fn wants_code(&self) -> bool {
        self.hosted.wants_code()
    }

    fn password(&self, ask: Ask) -> anyhow::Result<Option<String>> {
        let has_keytab = self.kerberos.keytab.as_ref().is_some_and(|file| !file.is_empty());
        let username = self.username.as_deref().filter(|name| !name.is_empty());
        let is_asked = ask == Ask::Always || stdin().is_terminal();
        match username {
            Some(username) if !has_keytab && is_asked => self.password.read(username).map(Some),
            _ => self.password.read_if_given(),
        }
    }
}

fn notification_password(arguments: &ReadingArguments, ask: Ask) -> anyhow::Result<Option<String>> {
    let account = arguments.notification_account.as_deref().filter(|name| !name.is_empty());
    match (arguments.notification_password_file.as_deref(), account) {
        (Some(file), _) => secret::from_file(file).map(Some),
        (None, Some(account)) if ask == Ask::Always || stdin().is_terminal() => {
            secret::prompt(account, "--notification-password-file FILE").map(Some)
        }
        _ => Ok(None),
    }
}

impl ReadingArguments {
    fn write(self, options: &mut Fields) {
        options.set("full_schedule", self.full_schedule);
        options.set("delta_schedule", self.delta_schedule);
        options.set("time_zone", self.time_zone);
        options.texts("organizational_units", self.unit);
        options.text("recipient_filter", self.recipient_filter);
        options.set("inactive_days", self.inactive_days.map(|Days(days)| json!(days)));
        options.set("remove_aged_partnerships", self.remove_aged_partnerships);
        options.set(
            "allow_external_management",
            self.allow_external_management.map(|choice| match choice {
                Choice::True => json!(true),
                Choice::False => json!(false),
                Choice::Keep => Value::Null,
            }),
        );
        options.text("notification_account", self.notification_account);
        options.text("replaces", self.replace);
    }
}

impl ServersArguments {
    fn write(self, options: &mut Fields) {
        let is_given = !self.site.is_empty();
        let sites = self.site.into_iter().filter_map(|Site(site)| site);
        let sites: Vec<Value> =
            sites.map(|(site, url)| json!({"site": site, "url": url})).collect();
        options.set("sites", is_given.then_some(sites));
        options.set("configured_servers_only", self.configured_servers_only);
        options.set("runspaces", self.runspaces);
        if self.directory.as_ref().is_some_and(String::is_empty) {
            options.set("directory", Some(Value::Null));
            return;
        }
        let mut directory = Fields::default();
        directory.set("server", self.directory);
        directory.set("security", self.directory_security);
        options.set("directory", directory.given());
    }
}

impl NetworkArguments {
    fn write(self, on_premises: &mut Fields) -> anyhow::Result<()> {
        on_premises.text("connect_to", self.connect_to);
        on_premises.text("extra_roots_pem", self.ca_file.as_deref().map(roots).transpose()?);
        on_premises.text("pinned_sha256", self.pin);
        if self.proxy.as_ref().is_some_and(String::is_empty) {
            on_premises.set("proxy_username", Some(Value::Null));
        }
        on_premises.text("proxy", self.proxy);
        on_premises.text("proxy_username", self.proxy_username);
        Ok(())
    }
}

/// The certificates in a file; an empty name stands for none.
fn roots(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str().is_empty() {
        return Ok(String::new());
    }
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

fn word(scheme: &Scheme) -> String {
    scheme.to_possible_value().map(|word| word.get_name().to_owned()).unwrap_or_default()
}

/// The fields that were given. An empty text clears a field.
#[derive(Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    pub(super) fn text(&mut self, name: &str, text: Option<String>) {
        let value = |text: String| if text.is_empty() { Value::Null } else { text.into() };
        self.set(name, text.map(value));
    }

    fn texts(&mut self, name: &str, texts: Vec<String>) {
        if texts.is_empty() {
            return;
        }
        let texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        let value = if texts.is_empty() { Value::Null } else { texts.into() };
        self.set(name, Some(value));
    }

    fn given(self) -> Option<Map<String, Value>> {
        Some(self.0).filter(|fields| !fields.is_empty())
    }
}
