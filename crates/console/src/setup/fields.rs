//! The fields of each step, ready to print.

mod hosted;

use domain::connector::{Authentication, DirectorySecurity, Runspaces};
use jiff::tz::TimeZoneDatabase;

use crate::setup::{
    entered::{Errors, Given},
    form::{DELTA_PRESETS, FULL_PRESETS, Form, Step},
};

/// One field of a form.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: String,
    pub(crate) error: Option<String>,
    pub(crate) input: Input,
    /// `account=password`: the field means something only where that was chosen. The style hides
    /// it elsewhere; a browser that cannot do that shows them all.
    pub(crate) when: &'static str,
    /// `hosted`, or `on-premises`: the field is of such organizations alone.
    pub(crate) place: &'static str,
    /// Seldom needed; stands folded.
    pub(crate) is_rare: bool,
}

/// How a field is filled in.
pub(crate) enum Input {
    Line(String),
    Number {
        value: String,
        most: u16,
    },
    Lines(String),
    /// Shown empty, always; `true` if one is given already.
    Secret(bool),
    /// The same for a file that is text, or becomes it: the script offers to choose one.
    SecretFile(bool),
    Radio(Vec<Choice>),
    Select(Vec<Choice>),
}

/// One of several.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

/// What the fields are made of.
#[derive(Clone, Copy)]
pub(crate) struct Filled<'a> {
    pub(crate) form: &'a Form,
    pub(crate) errors: &'a Errors,
    pub(crate) given: Given,
    /// Names of the other connectors.
    pub(crate) others: &'a [String],
    /// The connector exists already: its name stays.
    pub(crate) is_change: bool,
}

impl Filled<'_> {
    /// The fields of a step, in their order.
    pub(crate) fn fields(self, step: Step) -> Vec<Field> {
        let parts = match step {
            Step::General => {
                vec![self.place(), self.tenant(), self.servers(), self.way(), self.certificates()]
            }
            Step::Account => vec![self.application(), self.account(), self.notification()],
            Step::Discovery => vec![self.whose(), self.when()],
            Step::Settings => vec![self.settings()],
            Step::Review => Vec::new(),
        };
        let mut fields: Vec<Field> = parts.into_iter().flatten().collect();
        // Where somebody may still choose, both kinds are on the page, and the style hides one.
        let place = if self.form.is_hosted() { "hosted" } else { "on-premises" };
        if step != Step::General || self.is_change {
            fields.retain(|field| field.place.is_empty() || field.place == place);
        }
        fields
    }

    fn field(self, name: &'static str, label: &'static str, hint: &str, input: Input) -> Field {
        let error = self.errors.get(name).cloned();
        Field {
            name,
            label,
            hint: hint.to_owned(),
            error,
            input,
            when: "",
            place: "",
            is_rare: false,
        }
    }

    fn line(self, name: &'static str, label: &'static str, hint: &str) -> Field {
        self.field(name, label, hint, Input::Line(self.form.get(name).to_owned()))
    }

    fn on_premises(self, fields: Vec<Field>) -> Vec<Field> {
        fields.into_iter().map(|field| Field { place: "on-premises", ..field }).collect()
    }

    fn lines(self, name: &'static str, label: &'static str, hint: &str) -> Field {
        self.field(name, label, hint, Input::Lines(self.form.get(name).to_owned()))
    }

    fn secret(self, name: &'static str, label: &'static str, given: bool) -> Field {
        let hint = if given {
            "It is given and not shown again. Leave this empty to keep it."
        } else {
            "Kept sealed; never shown again, never logged."
        };
        self.field(name, label, hint, Input::Secret(given))
    }

    fn choices<V: Into<String>, L: Into<String>>(
        self,
        name: &str,
        of: impl IntoIterator<Item = (V, L)>,
    ) -> Vec<Choice> {
        let chosen = self.form.get(name);
        let choice = |(value, label): (V, L)| {
            let value = value.into();
            Choice { is_chosen: value == chosen, value, label: label.into() }
        };
        of.into_iter().map(choice).collect()
    }

    fn radio(self, name: &'static str, label: &'static str, of: &[(&str, &str)]) -> Field {
        let choices = self.choices(name, of.iter().copied());
        self.field(name, label, "", Input::Radio(choices))
    }

    fn select(
        self,
        name: &'static str,
        label: &'static str,
        hint: &str,
        of: &[(&str, &str)],
    ) -> Field {
        let choices = self.choices(name, of.iter().copied());
        self.field(name, label, hint, Input::Select(choices))
    }

    fn place(self) -> Vec<Field> {
        if self.is_change {
            return Vec::new();
        }
        let places = [
            ("on-premises", "On premises: Exchange 2010 to Subscription Edition"),
            ("hosted", "Hosted: Exchange Online"),
        ];
        vec![
            self.line("name", "Name", "For you, in addresses and on the command line: contoso"),
            self.radio("place", "Where the organization is", &places),
        ]
    }

    fn servers(self) -> Vec<Field> {
        let url = self.line(
            "url",
            "Address of an Exchange server or array",
            "Its remote PowerShell: http://exchange.contoso.com/PowerShell/. Over http, signing in \
             seals all that is sent.",
        );
        let servers = [
            ("one", "The one above"),
            ("sites", "One server or array for each Active Directory site"),
        ];
        let sites = self.lines(
            "sites",
            "Servers of the other sites",
            "One in a line, in the order of preference: Shanghai = http://ex-sh.contoso.com/PowerShell/",
        );
        let others = [
            ("yes", "Are gone over to when none of these answers: Exchange names them itself"),
            ("no", "Are left alone, whatever happens"),
        ];
        self.on_premises(vec![
            url,
            self.radio("servers", "Servers", &servers),
            sites.when("servers=sites"),
            self.radio("other_servers", "Other servers of the organization", &others),
        ])
    }

    fn way(self) -> Vec<Field> {
        let directory = [
            ("none", "Is not asked"),
            ("server", "Is asked for Exchange servers when none answers"),
        ];
        let security = DirectorySecurity::ALL.iter().map(|security| {
            let label = match security {
                DirectorySecurity::StartTls => "StartTLS, port 389",
                DirectorySecurity::Ldaps => "LDAPS, port 636",
                DirectorySecurity::Sealed => "Sealed by Kerberos, port 389",
            };
            (security.word(), label)
        });
        let security = Input::Select(self.choices("directory_security", security));
        let proxy = [("none", "None; the server is reached directly"), ("proxy", "An HTTP proxy")];
        let mut way = self.on_premises(vec![
            self.radio("directory", "Active Directory", &directory),
            self.line(
                "directory_server",
                "Domain controller",
                "dc01.contoso.com, with a port if it is another",
            )
            .when("directory=server"),
            self.field("directory_security", "How the way there is protected", "", security)
                .when("directory=server"),
        ]);
        way.extend([
            self.radio("proxy", "Proxy", &proxy),
            self.line("proxy_address", "Address of the proxy", "proxy.contoso.com:3128")
                .when("proxy=proxy"),
            self.line("proxy_username", "User name for the proxy", "Empty if it asks for none")
                .when("proxy=proxy"),
            self.secret("proxy_password", "Password for the proxy", self.given.proxy_password)
                .when("proxy=proxy"),
        ]);
        way
    }

    fn certificates(self) -> Vec<Field> {
        vec![
            self.line(
                "connect_to",
                "Connect to another machine",
                "10.0.0.5:80, where the name in the address leads elsewhere",
            )
            .of("on-premises")
            .rare(),
            self.line(
                "pinned_sha256",
                "Accept this certificate only",
                "Its SHA-256 fingerprint; at every server named here nothing else is checked then",
            )
            .rare(),
            self.lines(
                "extra_roots",
                "More certificate authorities",
                "As text (PEM), beside those that this machine trusts",
            )
            .rare(),
        ]
    }

    fn account(self) -> Vec<Field> {
        let account = [
            ("password", "A user name and a password"),
            ("keytab", "A user name and a keytab file on this server"),
            ("system", "What this machine is signed in as (its Kerberos credential cache)"),
        ];
        let ways = Authentication::ALL.iter().map(|way| {
            let label = match way {
                Authentication::Automatic => "Automatic: the best that the server offers",
                Authentication::Kerberos => "Kerberos",
                Authentication::Negotiate => "Negotiate: Kerberos where it works, else NTLM",
                Authentication::Ntlm => "NTLM",
                Authentication::Basic => "Basic",
            };
            (way.word(), label)
        });
        let ways = Input::Select(self.choices("authentication", ways));
        let basic = [("no", "Refuse"), ("yes", "Allow; anybody on the way can read the password")];
        self.on_premises(vec![
            self.radio("account", "Sign in with", &account),
            self.line("username", "User name", r"CONTOSO\svc-gatepost or svc-gatepost@contoso.com")
                .when("account=named"),
            self.secret("password", "Password", self.given.password).when("account=password"),
            self.line("keytab", "Path of the keytab", "/etc/gatepost/svc-gatepost.keytab")
                .when("account=keytab"),
            self.field("authentication", "Way of signing in", "", ways),
            self.line("spn", "Service principal name", "If it is not HTTP/ and the server's name")
                .rare(),
            self.lines(
                "kdc",
                "Kerberos servers",
                "dc01.contoso.com:88, one in a line; empty: found by DNS",
            )
            .rare(),
            self.select("basic_without_tls", "Basic over http", "", &basic).rare(),
        ])
    }

    fn notification(self) -> Vec<Field> {
        let which =
            [("none", "None"), ("account", "An account of its own, apart from the one above")];
        vec![
            self.radio("notification", "Account that notifications are sent with", &which),
            self.line("notification_account", "Its address", "gatepost@contoso.com")
                .when("notification=account"),
            self.secret("notification_password", "Its password", self.given.notification_password)
                .when("notification=account"),
        ]
    }

    fn whose(self) -> Vec<Field> {
        let scopes = [
            ("organization", "Everybody's in the organization"),
            ("units", "Those of users in some organizational units"),
            ("recipients", "Those of mailboxes that a filter finds"),
        ];
        // Hosted Exchange keeps no organizational units of anybody's own.
        let scopes: Vec<_> = scopes
            .into_iter()
            .filter(|(scope, _)| *scope != "units" || !self.form.is_hosted())
            .collect();
        let days = Input::Number { value: self.form.get("inactive_days").to_owned(), most: 3_650 };
        vec![
            self.radio("scope", "Whose phones", &scopes),
            self.lines(
                "units",
                "Organizational units",
                "One in a line: OU=Staff,DC=contoso,DC=com or contoso.com/Staff",
            )
            .when("scope=units")
            .of("on-premises"),
            self.line(
                "recipient_filter",
                "Recipient filter",
                "As Exchange takes it: Department -eq 'Sales'",
            )
            .when("scope=recipients"),
            self.field(
                "inactive_days",
                "Leave out phones inactive for more than (days)",
                "Empty: all are taken in, however long they were silent. A phone that wakes up comes \
                 back.",
                days,
            ),
        ]
    }

    fn when(self) -> Vec<Field> {
        let own = "An interval such as 90min or 2d, or minute, hour, day, month and weekday: \
                   30 2 * * 1-5";
        let zones = TimeZoneDatabase::bundled();
        let zones = zones
            .available()
            .map(|name| name.as_str().to_owned())
            .filter(|name| name != "Etc/Unknown");
        let zones = zones.map(|name| (name.clone(), name));
        let zones = Input::Select(self.choices("time_zone", zones));
        vec![
            self.select("full", "Full sync", "Reads everything.", &FULL_PRESETS),
            self.line("full_own", "When a full sync begins", own).when("full=own"),
            self.select(
                "delta",
                "Delta sync",
                "Reads what changed since. New phones in quarantine are seen within a minute in any \
                 case.",
                &DELTA_PRESETS,
            ),
            self.line("delta_own", "When a delta sync begins", own).when("delta=own"),
            self.field("time_zone", "Time zone of set times", "", zones),
        ]
    }

    fn settings(self) -> Vec<Field> {
        let external = [
            ("leave", "Leave as it is in Exchange"),
            ("yes", "Yes: another product may manage phones as well"),
            ("no", "No: phones that another product manages are refused"),
        ];
        let aged = [
            ("no", "Off: nothing is ever removed from Exchange by age"),
            ("yes", "On: partnerships of phones that left by age are removed in Exchange"),
        ];
        let runspaces = Input::Number {
            value: self.form.get("runspaces").to_owned(),
            most: Runspaces::MOST.into(),
        };
        let mut fields = vec![
            self.radio("external_management", "Allow external device management", &external),
            self.field(
                "runspaces",
                "Sessions at once, at most",
                "Gatepost begins with one and takes another when Exchange is at ease. Three is right \
                 for most.",
                runspaces,
            ),
            self.radio("remove_aged", "Aged partnerships in Exchange", &aged),
        ];
        if !self.others.is_empty() {
            let none = (String::new(), "None".to_owned());
            let others = self.others.iter().map(|name| (name.clone(), name.clone()));
            let others = self.choices("replaces", std::iter::once(none).chain(others));
            let hint = "An organization has one connector. The one chosen here ends when this one \
                        connects to the same organization; its inventory stays.";
            fields.push(self.field("replaces", "Takes over from", hint, Input::Select(others)));
        }
        fields
    }
}

impl Field {
    fn when(self, when: &'static str) -> Self {
        Self { when, ..self }
    }

    fn of(self, place: &'static str) -> Self {
        Self { place, ..self }
    }

    fn rare(self) -> Self {
        Self { is_rare: true, ..self }
    }

    /// `url-hint url-error`, as far as there are any.
    pub(crate) fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let error = self.error.is_some().then(|| format!("{}-error", self.name));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}
