//! The form of a way of signing in, and what was typed into it.

use std::collections::HashMap;

use domain::{
    IdentityProvider, ProviderSettings, Timestamp,
    connector::Trust,
    identity_provider::{
        ClientAuthentication, DirectoryTls, Ldap, OpenIdConnect, ProviderKind, parse_secret_expires,
    },
};
use jiff::tz::TimeZone;
use serde::Deserialize;

/// One field of the form.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) value: String,
    pub(crate) input: Input,
}

/// How a field is filled in.
pub(crate) enum Input {
    Text,
    /// One in each line, or a PEM file.
    Area,
    /// Whether there is one already.
    Secret(bool),
    Day,
    /// Values with what they are called.
    Choice(&'static [(&'static str, &'static str)]),
}

/// Which form it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    New,
    Change,
    /// There is a secret, which stays if none is typed.
    ChangeKept,
}

/// What was typed. Secrets are among it, so it prints as nothing.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Typed(HashMap<String, String>);

const EXPIRES: &str = "If it does: the home page and notifications say so in time.";

const CLIENT_AUTHENTICATION: &[(&str, &str)] = &[
    ("basic", "With its secret, in the header"),
    ("post", "With its secret, in the body"),
    ("none", "Not at all: a public client, without a secret"),
];

const TLS: &[(&str, &str)] = &[
    ("starttls", "StartTLS, usually on port 389"),
    ("ldaps", "TLS from the first byte, usually on port 636"),
];

impl Typed {
    /// Nothing but where browsers reach this server, as far as that is known.
    pub(crate) fn new(public_url: Option<String>) -> Self {
        Self(public_url.into_iter().map(|url| ("public_url".to_owned(), url)).collect())
    }

    /// What a provider has now.
    pub(crate) fn of(provider: &IdentityProvider) -> Self {
        let day = |expires: Timestamp| expires.to_zoned(TimeZone::UTC).date().to_string();
        let mut fields = vec![
            ("title", provider.title.clone()),
            ("secret_expires", provider.secret_expires.map(day).unwrap_or_default()),
        ];
        match provider.settings.clone() {
            ProviderSettings::OpenIdConnect(it) => fields.extend([
                ("issuer", it.issuer),
                ("client_id", it.client_id),
                ("client_authentication", it.client_authentication.word().to_owned()),
                ("public_url", it.public_url),
                ("scopes", it.scopes.join(" ")),
                ("groups_claim", it.groups_claim),
                ("name_claim", it.name_claim),
                ("extra_roots_pem", it.extra_roots_pem.unwrap_or_default()),
            ]),
            ProviderSettings::Ldap(it) => fields.extend([
                ("servers", it.servers.join("\n")),
                ("tls", it.tls.word().to_owned()),
                ("account", it.account.unwrap_or_default()),
                ("domain", it.domain.unwrap_or_default()),
                ("base", it.base.unwrap_or_default()),
                ("extra_roots_pem", it.trust.extra_roots_pem.unwrap_or_default()),
                ("pinned_sha256", it.trust.pinned_sha256.unwrap_or_default()),
            ]),
        }
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    fn optional(&self, name: &str) -> Option<String> {
        let text = self.text(name);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A new secret, to the letter.
    pub(crate) fn secret(&self) -> Option<String> {
        self.0.get("secret").filter(|secret| !secret.is_empty()).cloned()
    }

    /// When the secret ends, if a day was typed.
    pub(crate) fn secret_expires(&self) -> Result<Option<Timestamp>, engine::Error> {
        let parsed = self.optional("secret_expires").map(|text| parse_secret_expires(&text));
        parsed.transpose().map_err(|error| engine::Error::Invalid(error.0))
    }

    /// Whether what was chosen has no use for a secret.
    pub(crate) fn needs_no_secret(&self, kind: ProviderKind) -> bool {
        match kind {
            ProviderKind::OpenIdConnect => self.text("client_authentication") == "none",
            ProviderKind::Ldap => self.text("account").is_empty(),
        }
    }

    /// The settings that were typed; whether they make sense is for the engine to say.
    pub(crate) fn settings(&self, kind: ProviderKind) -> ProviderSettings {
        let list =
            |name: &str| self.text(name).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match kind {
            ProviderKind::OpenIdConnect => ProviderSettings::OpenIdConnect(OpenIdConnect {
                issuer: self.text("issuer").to_owned(),
                client_id: self.text("client_id").to_owned(),
                client_authentication: ClientAuthentication::from_word(
                    self.text("client_authentication"),
                )
                .unwrap_or_default(),
                public_url: self.text("public_url").to_owned(),
                scopes: list("scopes"),
                groups_claim: self.text("groups_claim").to_owned(),
                name_claim: self.text("name_claim").to_owned(),
                extra_roots_pem: self.optional("extra_roots_pem"),
            }),
            ProviderKind::Ldap => ProviderSettings::Ldap(Ldap {
                servers: list("servers"),
                tls: DirectoryTls::from_word(self.text("tls")).unwrap_or_default(),
                account: self.optional("account"),
                domain: self.optional("domain"),
                base: self.optional("base"),
                trust: Trust {
                    extra_roots_pem: self.optional("extra_roots_pem"),
                    pinned_sha256: self
                        .optional("pinned_sha256")
                        .map(|pin| pin.to_ascii_lowercase()),
                },
            }),
        }
    }

    /// The fields of the form, filled in.
    pub(crate) fn lines(&self, kind: ProviderKind, lines: Lines) -> Vec<Line> {
        let is_new = lines == Lines::New;
        let line = |name, label, hint, input, unless_typed: &str| {
            let typed = self.0.get(name).cloned();
            let unless_typed = if is_new { unless_typed } else { "" };
            let value = typed.unwrap_or_else(|| unless_typed.to_owned());
            Line { name, label, hint, value, input }
        };
        let mut form = Vec::new();
        if is_new {
            let hint =
                "a-z, 0-9 and hyphen. Assignments to its groups name it, so it does not change.";
            form.push(line("name", "Name", hint, Input::Text, ""));
        }
        let hint = "What stands on the button of the sign-in page.";
        form.push(line("title", "Title", hint, Input::Text, ""));
        let has_secret = lines == Lines::ChangeKept;
        match kind {
            ProviderKind::OpenIdConnect => form.extend(open_id_lines(&line, has_secret)),
            ProviderKind::Ldap => form.extend(directory_lines(&line, has_secret)),
        }
        let hint = "PEM. Only if the system does not trust the certificate.";
        form.push(line("extra_roots_pem", "More certificate authorities", hint, Input::Area, ""));
        form
    }
}

fn open_id_lines(
    line: &impl Fn(&'static str, &'static str, &'static str, Input, &str) -> Line,
    has_secret: bool,
) -> Vec<Line> {
    vec![
        line("issuer", "Issuer", "To the letter, as in https://login.contoso.com", Input::Text, ""),
        line("client_id", "Client id", "What Gatepost is registered as there.", Input::Text, ""),
        line(
            "client_authentication",
            "How Gatepost proves who it is",
            "",
            Input::Choice(CLIENT_AUTHENTICATION),
            "basic",
        ),
        line("secret", "Client secret", "", Input::Secret(has_secret), ""),
        line("secret_expires", "The secret ends on", EXPIRES, Input::Day, ""),
        line(
            "public_url",
            "Public URL",
            "Where browsers reach this server, as in https://gatepost.contoso.com",
            Input::Text,
            "",
        ),
        line("scopes", "Scopes", "Asked for besides openid.", Input::Text, "profile email"),
        line(
            "groups_claim",
            "Claim with the groups",
            "Its name, or a path with dots.",
            Input::Text,
            "groups",
        ),
        line("name_claim", "Claim with the name", "", Input::Text, "preferred_username"),
    ]
}

fn directory_lines(
    line: &impl Fn(&'static str, &'static str, &'static str, Input, &str) -> Line,
    has_secret: bool,
) -> Vec<Line> {
    vec![
        line(
            "servers",
            "Domain controllers",
            "One in each line, with a port if it is not the usual one. Tried in this order.",
            Input::Area,
            "",
        ),
        line("tls", "Protected by", "", Input::Choice(TLS), "starttls"),
        line(
            "domain",
            "Domain",
            "That a name without one belongs to, as in contoso.com",
            Input::Text,
            "",
        ),
        line(
            "account",
            "Account that looks people up",
            "As in svc-gatepost@contoso.com. Without one, people look themselves up.",
            Input::Text,
            "",
        ),
        line("secret", "Its password", "", Input::Secret(has_secret), ""),
        line("secret_expires", "Its password ends on", EXPIRES, Input::Day, ""),
        line(
            "base",
            "Only people below",
            "A distinguished name, as in OU=IT,DC=contoso,DC=com. Empty: everybody.",
            Input::Text,
            "",
        ),
        line(
            "pinned_sha256",
            "Certificate's SHA-256",
            "Trusts this one certificate in place of an authority.",
            Input::Text,
            "",
        ),
    ]
}
