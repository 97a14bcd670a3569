//! What a form about a connector holds, as text, and where each field stands.

use std::collections::BTreeMap;

use domain::{
    Connector,
    connector::{Directory, DiscoveryScope, Endpoint, HostedEndpoint, ServerEndpoint},
    schedule::Schedule,
};

/// A part of the form: a step of the wizard, a section of the page for changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    General,
    Account,
    Discovery,
    Settings,
    Review,
}

impl Step {
    pub(crate) const ALL: [Self; 5] =
        [Self::General, Self::Account, Self::Discovery, Self::Settings, Self::Review];

    /// As it stands in the form and in ids.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Account => "account",
            Self::Discovery => "discovery",
            Self::Settings => "settings",
            Self::Review => "review",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Account => "Account",
            Self::Discovery => "Discovery",
            Self::Settings => "Settings",
            Self::Review => "Review",
        }
    }

    /// What is decided in it, in one sentence.
    pub(crate) const fn purpose(self) -> &'static str {
        match self {
            Self::General => "Where the organization is and how to get there.",
            Self::Account => "Who Gatepost signs in as. The account is only ever asked to read.",
            Self::Discovery => "Whose phones are taken in, and when.",
            Self::Settings => "How much Gatepost may do in Exchange.",
            Self::Review => "Nothing is kept yet, and nothing was sent to Exchange.",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }

    pub(crate) fn number(self) -> usize {
        Self::ALL.iter().position(|step| *step == self).unwrap_or_default() + 1
    }

    pub(crate) fn next(self) -> Self {
        Self::ALL.get(self.number()).copied().unwrap_or(Self::Review)
    }

    pub(crate) fn previous(self) -> Self {
        Self::ALL.get(self.number().saturating_sub(2)).copied().unwrap_or(Self::General)
    }
}

/// Every field but the secret ones: its name, its step, and what it holds at first.
const FIELDS: [(&str, Step, &str); 33] = [
    ("name", Step::General, ""),
    ("url", Step::General, ""),
    ("servers", Step::General, "one"),
    ("sites", Step::General, ""),
    ("directory", Step::General, "none"),
    ("directory_server", Step::General, ""),
    ("directory_security", Step::General, "starttls"),
    ("other_servers", Step::General, "yes"),
    ("proxy", Step::General, "none"),
    ("proxy_address", Step::General, ""),
    ("proxy_username", Step::General, ""),
    ("connect_to", Step::General, ""),
    ("pinned_sha256", Step::General, ""),
    ("extra_roots", Step::General, ""),
    ("account", Step::Account, "password"),
    ("username", Step::Account, ""),
    ("keytab", Step::Account, ""),
    ("authentication", Step::Account, "automatic"),
    ("spn", Step::Account, ""),
    ("kdc", Step::Account, ""),
    ("basic_without_tls", Step::Account, "no"),
    ("notification", Step::Account, "none"),
    ("notification_account", Step::Account, ""),
    ("scope", Step::Discovery, "organization"),
    ("units", Step::Discovery, ""),
    ("recipient_filter", Step::Discovery, ""),
    ("inactive_days", Step::Discovery, ""),
    ("full", Step::Discovery, "24h"),
    ("full_own", Step::Discovery, ""),
    ("delta", Step::Discovery, "4h"),
    ("delta_own", Step::Discovery, ""),
    ("time_zone", Step::Discovery, "UTC"),
    ("external_management", Step::Settings, "leave"),
];
/// The others of the last step, and those of hosted organizations.
const MORE_FIELDS: [(&str, Step, &str); 10] = [
    ("place", Step::General, "on-premises"),
    ("tenant", Step::General, ""),
    ("cloud", Step::General, "global"),
    ("service_url", Step::General, ""),
    ("login_url", Step::General, ""),
    ("application", Step::Account, ""),
    ("sign_in", Step::Account, "certificate"),
    ("runspaces", Step::Settings, "3"),
    ("remove_aged", Step::Settings, "no"),
    ("replaces", Step::Settings, ""),
];
/// Secret fields; they never stand in a page again.
pub(crate) const SECRETS: [(&str, Step); 6] = [
    ("certificate", Step::Account),
    ("certificate_password", Step::Account),
    ("client_secret", Step::Account),
    ("password", Step::Account),
    ("proxy_password", Step::General),
    ("notification_password", Step::Account),
];

/// Schedules that are offered for full passes.
pub(crate) const FULL_PRESETS: [(&str, &str); 5] = [
    ("24h", "Every 24 hours"),
    ("12h", "Every 12 hours"),
    ("7d", "Every 7 days"),
    ("never", "Only when asked"),
    ("own", "Another interval, or at set times"),
];
/// Schedules that are offered for delta passes.
pub(crate) const DELTA_PRESETS: [(&str, &str); 6] = [
    ("4h", "Every 240 minutes"),
    ("1h", "Every 60 minutes"),
    ("30min", "Every 30 minutes"),
    ("12h", "Every 12 hours"),
    ("never", "Only when asked"),
    ("own", "Another interval, or at set times"),
];

fn fields() -> impl Iterator<Item = &'static (&'static str, Step, &'static str)> {
    FIELDS.iter().chain(&MORE_FIELDS)
}

/// The step that a field stands in.
pub(crate) fn step_of(field: &str) -> Step {
    let secret = SECRETS.iter().find(|(name, _)| *name == field).map(|(_, step)| *step);
    let plain = || fields().find(|(name, ..)| *name == field).map(|(_, step, _)| *step);
    secret.or_else(plain).unwrap_or(Step::Review)
}

/// The texts of a form, without the secret ones.
#[derive(Debug, Clone)]
pub(crate) struct Form(BTreeMap<&'static str, String>);

impl Default for Form {
    fn default() -> Self {
        Self(fields().map(|(name, _, first)| (*name, (*first).to_owned())).collect())
    }
}

impl Form {
    /// What was sent; a field that is missing keeps what it holds at first.
    pub(crate) fn sent(sent: &BTreeMap<String, String>) -> Self {
        let mut form = Self::default();
        for (name, value) in &mut form.0 {
            if let Some(sent) = sent.get(*name) {
                // A browser sends the line breaks of a text area as two characters.
                *value = sent.trim().replace("\r\n", "\n");
            }
        }
        form
    }

    /// A connector as it is.
    pub(crate) fn of(connector: &Connector) -> Self {
        let mut form = Self::default();
        let (endpoint, options) = (&connector.endpoint, &connector.options);
        form.set("name", connector.name.as_str());
        match endpoint {
            Endpoint::OnPremises(server) => form.server(server),
            Endpoint::Hosted(hosted) => form.hosted(hosted),
        }
        form.network(endpoint);
        if !options.sites.is_empty() {
            form.set("servers", "sites");
            let sites = options.sites.iter().map(|one| format!("{} = {}", one.site, one.url));
            form.set_lines("sites", sites);
        }
        if let Some(Directory { server, security }) = &options.directory {
            form.set("directory", "server");
            form.set("directory_server", server);
            form.set("directory_security", security.word());
        }
        if let Some(account) = &options.notification_account {
            form.set("notification", "account");
            form.set("notification_account", account);
        }
        match &options.discovery.scope {
            DiscoveryScope::Organization => {}
            DiscoveryScope::Units(units) => {
                form.set("scope", "units");
                form.set_lines("units", units.iter().cloned());
            }
            DiscoveryScope::Recipients(filter) => {
                form.set("scope", "recipients");
                form.set("recipient_filter", filter);
            }
        }
        if let Some(days) = options.discovery.inactive_days {
            form.set("inactive_days", &days.to_string());
        }
        form.schedule(&options.schedules.full, &FULL_PRESETS, ("full", "full_own"));
        form.schedule(&options.schedules.delta, &DELTA_PRESETS, ("delta", "delta_own"));
        form.set("time_zone", options.schedules.zone.as_str());
        let external = match options.allow_external_management {
            None => "leave",
            Some(true) => "yes",
            Some(false) => "no",
        };
        form.set("external_management", external);
        form.set("runspaces", &options.runspaces.get().to_string());
        let others = if options.stays_at_configured_servers { "no" } else { "yes" };
        form.set("other_servers", others);
        form.set("remove_aged", if options.removes_aged_partnerships { "yes" } else { "no" });
        form.set("replaces", options.replaces.as_ref().map_or("", |name| name.as_str()));
        form
    }

    /// Whether the organization is in Exchange Online.
    pub(crate) fn is_hosted(&self) -> bool {
        self.get("place") == "hosted"
    }

    fn hosted(&mut self, hosted: &HostedEndpoint) {
        self.set("place", "hosted");
        self.set("tenant", hosted.tenant.as_str());
        self.set("cloud", hosted.cloud.word());
        self.set("service_url", hosted.service_url.as_deref().unwrap_or_default());
        self.set("login_url", hosted.login_url.as_deref().unwrap_or_default());
        self.set("sign_in", hosted.sign_in.word());
        let application = hosted.application.map(|id| id.to_string()).unwrap_or_default();
        self.set("application", &application);
    }

    fn network(&mut self, endpoint: &Endpoint) {
        let trust = endpoint.trust();
        self.set("pinned_sha256", trust.pinned_sha256.as_deref().unwrap_or_default());
        self.set("extra_roots", trust.extra_roots_pem.as_deref().unwrap_or_default());
        if let Some(proxy) = endpoint.proxy() {
            self.set("proxy", "proxy");
            self.set("proxy_address", &proxy.address);
            self.set("proxy_username", proxy.username.as_deref().unwrap_or_default());
        }
    }

    fn server(&mut self, endpoint: &ServerEndpoint) {
        self.set("url", &endpoint.url);
        self.set("connect_to", endpoint.connect_to.as_deref().unwrap_or_default());
        self.set("spn", endpoint.spn.as_deref().unwrap_or_default());
        self.set("authentication", endpoint.authentication.word());
        self.set_lines("kdc", endpoint.kdc.iter().cloned());
        self.set("basic_without_tls", if endpoint.allow_basic_without_tls { "yes" } else { "no" });
        let account = match (&endpoint.username, &endpoint.keytab) {
            (None, _) => "system",
            (_, Some(_)) => "keytab",
            _ => "password",
        };
        self.set("account", account);
        self.set("username", endpoint.username.as_deref().unwrap_or_default());
        self.set("keytab", endpoint.keytab.as_deref().unwrap_or_default());
    }

    fn schedule(
        &mut self,
        schedule: &Schedule,
        presets: &[(&'static str, &str)],
        (preset, own): (&'static str, &'static str),
    ) {
        let text = schedule.to_string();
        match presets.iter().find(|(value, _)| *value == text) {
            Some((value, _)) => self.set(preset, value),
            None => {
                self.set(preset, "own");
                self.set(own, text.trim_start_matches("cron "));
            }
        }
    }

    /// The name of a connector that exists, and where it leads to, stay, whatever was sent.
    pub(crate) fn keep(&mut self, connector: &Connector) {
        self.set("name", connector.name.as_str());
        let is_hosted = connector.endpoint.hosted().is_some();
        self.set("place", if is_hosted { "hosted" } else { "on-premises" });
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.0.insert(name, value.to_owned());
    }

    fn set_lines(&mut self, name: &'static str, lines: impl Iterator<Item = String>) {
        self.set(name, &lines.collect::<Vec<_>>().join("\n"));
    }

    /// The text of a field.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The text of a field, if it holds any.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|text| !text.is_empty())
    }

    /// The lines of a field that hold anything.
    pub(crate) fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty())
    }

    /// The fields that are not in this step, for a page to carry along.
    pub(crate) fn outside(&self, step: Step) -> Vec<(&'static str, String)> {
        let outside = self.0.iter().filter(|(name, _)| step_of(name) != step);
        outside.map(|(name, value)| (*name, value.clone())).collect()
    }
}
