//! From the texts of a form to a connector that could be, or a sentence for each field that is
//! wrong.

mod hosted;

use std::collections::BTreeMap;

use domain::{
    ConnectorName, Schedule, Schedules, TimeZoneName,
    connector::{
        Authentication, Directory, DirectorySecurity, Discovery, DiscoveryScope, Endpoint, Options,
        Proxy, Runspaces, ServerEndpoint, SiteServer, Trust,
    },
};

use crate::{setup::form::Form, words};

/// What is wrong, by field: a whole sentence that says what to do.
pub(crate) type Errors = BTreeMap<&'static str, String>;

/// Which secrets are there: typed a moment or a step ago, or kept with the connector.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Given {
    pub(crate) password: bool,
    pub(crate) proxy_password: bool,
    pub(crate) notification_password: bool,
    pub(crate) certificate: bool,
    pub(crate) client_secret: bool,
}

/// A connector as it was entered; every field of it makes sense by itself.
#[derive(Debug, Clone)]
pub(crate) struct Entered {
    pub(crate) name: ConnectorName,
    pub(crate) endpoint: Endpoint,
    pub(crate) options: Options,
}

/// Longest text of one line.
const MAX_LINE_BYTES: usize = 2_048;
/// Longest bundle of certificates, as far as the engine takes one.
const MAX_ROOTS_BYTES: usize = 512 * 1_024;
/// Most servers of sites, organizational units or Kerberos servers.
const MAX_LINES: usize = 200;
/// Longest time that a device may be inactive: ten years.
const MAX_INACTIVE_DAYS: u16 = 3_650;
/// How an address is written.
const ADDRESS: &str = "http://exchange.contoso.com/PowerShell/";

/// The connector that a form describes, or what is wrong with it.
pub(crate) fn read(form: &Form, given: Given) -> Result<Entered, Errors> {
    let mut reader = Reader { form, given, errors: Errors::new() };
    let name = reader.name();
    let endpoint = match form.is_hosted() {
        true => reader.hosted().map(Endpoint::Hosted),
        false => Some(Endpoint::OnPremises(reader.server())),
    };
    // Of a tenant that makes no sense the rest is looked at all the same.
    let url = endpoint.as_ref().map_or("", Endpoint::url).to_owned();
    let options = reader.options(name.as_ref(), &url);
    match (name, endpoint) {
        (Some(name), Some(endpoint)) if reader.errors.is_empty() => {
            Ok(Entered { name, endpoint, options })
        }
        _ => Err(reader.errors),
    }
}

struct Reader<'a> {
    form: &'a Form,
    given: Given,
    errors: Errors,
}

impl Reader<'_> {
    fn wrong(&mut self, field: &'static str, why: &str) {
        self.errors.entry(field).or_insert_with(|| words::sentence(why));
    }

    /// What a field holds, or what it would hold at first if it is wrong.
    fn take<T: Default, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        result: Result<T, E>,
    ) -> T {
        result.unwrap_or_else(|error| {
            self.wrong(field, &error.to_string());
            T::default()
        })
    }

    /// A field that must hold one line.
    fn needed(&mut self, field: &'static str, why: &str) -> String {
        let text = self.form.get(field);
        if text.is_empty() {
            self.wrong(field, why);
        }
        self.line(field).unwrap_or_default()
    }

    /// One line that may be missing.
    fn line(&mut self, field: &'static str) -> Option<String> {
        let text = self.form.filled(field)?;
        if text.len() > MAX_LINE_BYTES || text.chars().any(char::is_control) {
            self.wrong(field, "this is too long, or holds characters that cannot be seen");
        }
        Some(text.to_owned())
    }

    fn name(&mut self) -> Option<ConnectorName> {
        let text = self.form.get("name");
        let name = ConnectorName::parse(text).ok();
        // They would be addresses of pages of the console.
        if text == "new" || text == "live" {
            self.wrong("name", "this name is taken by Gatepost itself; choose another");
        } else if name.is_none() {
            self.wrong(
                "name",
                "give it a name of small letters, digits and hyphens that begins with a letter or \
                 digit, as in contoso",
            );
        }
        name
    }

    fn server(&mut self) -> ServerEndpoint {
        let url = self.form.get("url").to_owned();
        if let Err(why) = check_url(&url) {
            self.wrong("url", &why);
        }
        let connect_to = self.line("connect_to");
        if let Some(address) = &connect_to {
            self.address("connect_to", address);
        }
        let (username, keytab) = self.account();
        let authentication = self.form.get("authentication");
        let authentication = Authentication::from_word(authentication).unwrap_or_default();
        self.way_of_signing_in(authentication, &url);
        let kdc: Vec<String> = self.form.lines("kdc").map(str::to_owned).collect();
        for address in &kdc {
            self.address("kdc", address);
        }
        ServerEndpoint {
            connect_to,
            spn: self.line("spn"),
            authentication,
            username,
            kdc,
            keytab,
            allow_basic_without_tls: self.form.get("basic_without_tls") == "yes",
            trust: self.trust(),
            proxy: self.proxy(),
            url,
        }
    }

    fn account(&mut self) -> (Option<String>, Option<String>) {
        match self.form.get("account") {
            "system" => (None, None),
            kind => {
                let username = self
                    .needed("username", r"name the account as CONTOSO\user or user@contoso.com");
                let keytab = (kind == "keytab").then(|| {
                    self.needed("keytab", "give the path of the keytab file on this server")
                });
                if keytab.is_none() && !self.given.password {
                    self.wrong("password", "give the password of the account");
                }
                (Some(username), keytab)
            }
        }
    }

    fn way_of_signing_in(&mut self, authentication: Authentication, url: &str) {
        let is_password = self.form.get("account") == "password";
        let wants_password = matches!(authentication, Authentication::Basic | Authentication::Ntlm);
        if wants_password && !is_password {
            let why = format!(
                "{authentication} needs a user name and a password; choose automatic or kerberos"
            );
            self.wrong("authentication", &why);
        }
        let is_tls = url.to_ascii_lowercase().starts_with("https://");
        let is_allowed = self.form.get("basic_without_tls") == "yes";
        if authentication == Authentication::Basic && !is_tls && !is_allowed {
            self.wrong(
                "authentication",
                "Basic over http sends the password readable for anybody on the way; use an \
                 address with https, or allow it below",
            );
        }
    }

    fn trust(&mut self) -> Trust {
        let pin = self.form.filled("pinned_sha256");
        let pin = pin.map(|pin| pin.replace([':', ' '], "").to_ascii_lowercase());
        if pin.as_ref().is_some_and(|p| p.len() != 64 || !p.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            self.wrong("pinned_sha256", "a SHA-256 fingerprint has 64 digits of 0-9 and a-f");
        }
        let roots = self.form.filled("extra_roots").map(str::to_owned);
        if let Some(pem) = &roots {
            if pem.len() > MAX_ROOTS_BYTES {
                self.wrong("extra_roots", "this is too long; paste only what is needed");
            } else if !pem.contains("-----BEGIN CERTIFICATE-----") {
                self.wrong(
                    "extra_roots",
                    "paste certificates as text that begins with -----BEGIN CERTIFICATE-----",
                );
            }
        }
        Trust { extra_roots_pem: roots, pinned_sha256: pin }
    }

    fn proxy(&mut self) -> Option<Proxy> {
        if self.form.get("proxy") != "proxy" {
            return None;
        }
        let address = self.needed("proxy_address", "give the proxy as in proxy.contoso.com:3128");
        self.address("proxy_address", &address);
        let username = self.line("proxy_username");
        if username.is_some() && !self.given.proxy_password {
            self.wrong("proxy_password", "give the password that belongs to this user name");
        }
        Some(Proxy { address, username })
    }

    fn address(&mut self, field: &'static str, address: &str) {
        let is_one = address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !is_one || address.len() > MAX_LINE_BYTES || address.contains(char::is_whitespace) {
            let why = format!("{address:?} is not a name and a port, as in dc01.contoso.com:88");
            self.wrong(field, &why);
        }
    }

    fn options(&mut self, name: Option<&ConnectorName>, url: &str) -> Options {
        let replaces = self.form.filled("replaces").map(ConnectorName::parse);
        let replaces = replaces.and_then(|name| self.take("replaces", name.map(Some)));
        if replaces.is_some() && replaces.as_ref() == name {
            self.wrong("replaces", "a connector cannot replace itself");
        }
        Options {
            sites: self.sites(url),
            directory: self.directory(),
            stays_at_configured_servers: !self.form.is_hosted()
                && self.form.get("other_servers") == "no",
            schedules: self.schedules(),
            discovery: Discovery {
                scope: self.scope(),
                inactive_days: self.number("inactive_days", MAX_INACTIVE_DAYS),
            },
            removes_aged_partnerships: self.form.get("remove_aged") == "yes",
            allow_external_management: match self.form.get("external_management") {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
            notification_account: self.notification_account(),
            runspaces: self.runspaces(),
            replaces,
        }
    }

    fn sites(&mut self, url: &str) -> Vec<SiteServer> {
        if self.form.get("servers") != "sites" || self.form.is_hosted() {
            return Vec::new();
        }
        let mut sites: Vec<SiteServer> = Vec::new();
        for line in self.form.lines("sites") {
            let Some((site, address)) = line.split_once('=') else {
                let why = format!("{line:?} is not of the form Berlin = {ADDRESS}");
                self.wrong("sites", &why);
                continue;
            };
            let (site, address) = (site.trim().to_owned(), address.trim().to_owned());
            let is_known = |known: &str| known.eq_ignore_ascii_case(&address);
            if site.is_empty() {
                self.wrong("sites", &format!("the site of {address} has no name"));
            } else if let Err(why) = check_url(&address) {
                self.wrong("sites", &format!("{site}: {why}"));
            } else if is_known(url) || sites.iter().any(|one| is_known(&one.url)) {
                self.wrong("sites", &format!("{address} is given twice; name each server once"));
            }
            sites.push(SiteServer { site, url: address });
        }
        if sites.is_empty() {
            self.wrong("sites", &format!("write a line for each site, as in Berlin = {ADDRESS}"));
        } else if sites.len() > MAX_LINES {
            self.wrong("sites", &format!("there are more than {MAX_LINES} servers"));
        }
        sites
    }

    fn directory(&mut self) -> Option<Directory> {
        if self.form.get("directory") != "server" || self.form.is_hosted() {
            return None;
        }
        let why = "name a domain controller, as in dc01.contoso.com";
        let server = self.needed("directory_server", why);
        if server.contains("://") || server.contains(char::is_whitespace) {
            self.wrong("directory_server", why);
        }
        let security = DirectorySecurity::from_word(self.form.get("directory_security"));
        Some(Directory { server, security: security.unwrap_or_default() })
    }

    fn schedules(&mut self) -> Schedules {
        let before = Schedules::default();
        let zone = TimeZoneName::parse(self.form.get("time_zone"));
        let zone = zone.map_err(|error| self.wrong("time_zone", &error.to_string()));
        Schedules {
            full: self.schedule("full", "full_own").unwrap_or(before.full),
            delta: self.schedule("delta", "delta_own").unwrap_or(before.delta),
            zone: zone.unwrap_or(before.zone),
        }
    }

    fn schedule(&mut self, preset: &'static str, own: &'static str) -> Option<Schedule> {
        let (field, text) = match self.form.get(preset) {
            "own" => (own, self.form.get(own)),
            text => (preset, text),
        };
        Schedule::parse(text).map_err(|error| self.wrong(field, &error.to_string())).ok()
    }

    fn scope(&mut self) -> DiscoveryScope {
        match self.form.get("scope") {
            "units" if !self.form.is_hosted() => {
                let units: Vec<String> = self.form.lines("units").map(str::to_owned).collect();
                let example = "OU=Staff,DC=contoso,DC=com or contoso.com/Staff";
                if units.is_empty() || units.len() > MAX_LINES {
                    let why =
                        format!("write 1 to {MAX_LINES} units, one in a line, as in {example}");
                    self.wrong("units", &why);
                }
                let is_unit = |unit: &&String| unit.contains('=') || unit.contains('/');
                if let Some(odd) = units.iter().find(|unit| !is_unit(unit)) {
                    let why = format!("{odd:?} is no organizational unit; write it as {example}");
                    self.wrong("units", &why);
                }
                DiscoveryScope::Units(units)
            }
            "recipients" => {
                let why = "write a filter of Exchange, as in Department -eq 'Sales'";
                DiscoveryScope::Recipients(self.needed("recipient_filter", why))
            }
            _ => DiscoveryScope::Organization,
        }
    }

    /// A number from 1 to `most`, if the field holds anything.
    fn number(&mut self, field: &'static str, most: u16) -> Option<u16> {
        let text = self.form.filled(field)?;
        let number = text.parse::<u16>().ok().filter(|number| (1..=most).contains(number));
        if number.is_none() {
            let why = format!("write a number from 1 to {}", words::number(most.into()));
            self.wrong(field, &why);
        }
        number
    }

    fn runspaces(&mut self) -> Runspaces {
        let count = self.number("runspaces", Runspaces::MOST.into());
        let count = count.and_then(|count| u8::try_from(count).ok());
        count.and_then(|count| Runspaces::new(count).ok()).unwrap_or_default()
    }

    fn notification_account(&mut self) -> Option<String> {
        if self.form.get("notification") != "account" {
            return None;
        }
        let why = "give the address of the mailbox that notifications are sent from";
        let account = self.needed("notification_account", why);
        if !self.given.notification_password {
            self.wrong("notification_password", "give the password of this account");
        }
        Some(account)
    }
}

/// Whether a text is the address of a server's remote PowerShell.
fn check_url(url: &str) -> Result<(), String> {
    let wanted = format!("write it as in {ADDRESS}");
    if url.is_empty() {
        return Err(format!("give the address of an Exchange server; {wanted}"));
    }
    if url.len() > MAX_LINE_BYTES || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("the address holds blanks or is too long; {wanted}"));
    }
    let lower = url.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://"))
    else {
        return Err(format!("the address begins with http:// or https://; {wanted}"));
    };
    let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
    if server.contains('@') {
        return Err("leave user name and password out of the address; the next step asks for them"
            .to_owned());
    }
    if server.is_empty() || server.starts_with(':') {
        return Err(format!("the address names no server; {wanted}"));
    }
    let port = server.rsplit_once(':').filter(|_| !server.ends_with(']')).map(|(_, port)| port);
    if let Some(port) = port.filter(|port| port.parse::<u16>().is_err()) {
        return Err(format!("{port:?} is no port; {wanted}"));
    }
    if path.is_empty() {
        return Err(format!("the address ends with the path, mostly /PowerShell/; {wanted}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
