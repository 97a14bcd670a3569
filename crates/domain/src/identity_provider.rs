//! Identity providers: where people sign in who have no password here.
//!
//! Who somebody is there, and in which groups, is what the provider says; what they may do here is
//! what was assigned to them or to their groups.

use jiff::Timestamp;

use crate::{connector::Trust, device::words, id::IdentityProviderId};

/// Servers that one directory names at most: more than anybody lists by hand.
const MAX_SERVERS: usize = 16;
/// Scopes asked for at most.
const MAX_SCOPES: usize = 32;
/// Longest text of a field, in bytes; certificate authorities excepted.
const MAX_TEXT_BYTES: usize = 2048;
/// Largest bundle of certificate authorities, in bytes. The largest there is has some 220 kB.
const MAX_ROOTS_BYTES: usize = 512 * 1024;
/// Longest title, in characters: it stands on a button.
const MAX_TITLE: usize = 60;

/// Where people sign in who have no password here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Stable id.
    pub id: IdentityProviderId,
    /// The name in addresses and in assignments to its groups.
    pub name: ProviderName,
    /// What stands on the button.
    pub title: String,
    /// How it is asked.
    pub settings: ProviderSettings,
    /// Whether people may sign in by it.
    pub is_enabled: bool,
    /// When its secret ends, as far as whoever gave it said so: providers do not tell.
    pub secret_expires: Option<Timestamp>,
    /// When it was added.
    pub created: Timestamp,
}

/// How an identity provider is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderSettings {
    /// OpenID Connect.
    OpenIdConnect(OpenIdConnect),
    /// Active Directory, by its LDAP.
    Ldap(Ldap),
}

/// Which language a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenID Connect.
    OpenIdConnect,
    /// Active Directory, by its LDAP.
    Ldap,
}

words!(ProviderKind { OpenIdConnect = "oidc", Ldap = "ldap" });

/// A provider that speaks OpenID Connect, and what it knows Gatepost as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdConnect {
    /// `https://login.contoso.com`: what its tokens name as their issuer, to the letter.
    pub issuer: String,
    /// What Gatepost is registered as there.
    pub client_id: String,
    /// How Gatepost proves to the provider who it is.
    pub client_authentication: ClientAuthentication,
    /// `https://gatepost.contoso.com`: where browsers reach this server.
    pub public_url: String,
    /// Scopes asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim that names the groups.
    pub groups_claim: String,
    /// The claim that names the person, for people and records.
    pub name_claim: String,
    /// More certificate authorities, PEM.
    pub extra_roots_pem: Option<String>,
}

impl OpenIdConnect {
    /// Where the provider sends browsers back to, below the public URL.
    pub const CALLBACK: &'static str = "/sign-in/oidc/callback";

    /// Where the provider sends browsers back to: what is registered there.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("{}{}", self.public_url.trim_end_matches('/'), Self::CALLBACK)
    }

    /// Where the provider sends browsers to that signed out there too.
    #[must_use]
    pub fn signed_out_uri(&self) -> String {
        format!("{}/sign-in", self.public_url.trim_end_matches('/'))
    }
}

/// How Gatepost proves to a provider who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuthentication {
    /// Name and secret in the header.
    #[default]
    Basic,
    /// Name and secret in the body.
    Post,
    /// Not at all: a public client, which PKCE alone protects.
    None,
}

words!(ClientAuthentication { Basic = "basic", Post = "post", None = "none" });

/// An Active Directory that people sign in to by name and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ldap {
    /// Domain controllers, `host` or `host:port`, tried in this order.
    pub servers: Vec<String>,
    /// How the way there is protected.
    pub tls: DirectoryTls,
    /// The account that looks people up; `None`: everybody looks themselves up.
    pub account: Option<String>,
    /// DNS name of the domain that a name without one belongs to.
    pub domain: Option<String>,
    /// Only people below this distinguished name; `None`: the whole domain.
    pub base: Option<String>,
    /// What to trust beyond the system's certificate authorities.
    pub trust: Trust,
}

/// How the way to a directory is protected where a password travels on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DirectoryTls {
    /// TLS that is begun on the usual port, 389.
    #[default]
    StartTls,
    /// TLS from the first byte, port 636.
    Ldaps,
}

words!(DirectoryTls { StartTls = "starttls", Ldaps = "ldaps" });

impl ProviderSettings {
    /// Which language it speaks.
    #[must_use]
    pub fn kind(&self) -> ProviderKind {
        match self {
            Self::OpenIdConnect(_) => ProviderKind::OpenIdConnect,
            Self::Ldap(_) => ProviderKind::Ldap,
        }
    }

    /// Whether it makes sense, with a secret or without.
    pub fn validate(&self, secret: HasSecret) -> Result<(), InvalidProvider> {
        match self {
            Self::OpenIdConnect(settings) => validate_open_id(settings, secret),
            Self::Ldap(settings) => validate_ldap(settings, secret),
        }
    }
}

/// Whether a secret is there or will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HasSecret {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// Why an identity provider makes no sense, and what to correct.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidProvider(pub String);

/// Whether a title can stand on a button.
pub fn validate_title(title: &str) -> Result<(), InvalidProvider> {
    let length = title.chars().count();
    if title.trim().is_empty() || length > MAX_TITLE || title.contains(char::is_control) {
        return invalid(format!("the title is not 1 to {MAX_TITLE} characters on one line"));
    }
    Ok(())
}

/// When a secret ends, as a person writes it: a day, of which its beginning in UTC is meant, or a
/// moment as RFC 3339 has it.
pub fn parse_secret_expires(text: &str) -> Result<Timestamp, InvalidProvider> {
    let text = text.trim();
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = text.parse::<Timestamp>().ok().or_else(|| Some(day()?.timestamp()));
    moment.ok_or_else(|| {
        InvalidProvider(format!("{text:?} is no day; write when the secret ends as 2027-01-31"))
    })
}

fn validate_open_id(settings: &OpenIdConnect, secret: HasSecret) -> Result<(), InvalidProvider> {
    let texts = [
        ("issuer", &settings.issuer),
        ("client id", &settings.client_id),
        ("public URL", &settings.public_url),
        ("groups claim", &settings.groups_claim),
        ("name claim", &settings.name_claim),
    ];
    for (what, text) in texts {
        validate_text(what, text)?;
    }
    for (what, url) in [("issuer", &settings.issuer), ("public URL", &settings.public_url)] {
        if !is_protected_url(url) {
            return invalid(format!(
                "the {what} {url:?} does not begin with https://; http:// is taken for this \
                 machine's own addresses alone"
            ));
        }
    }
    if settings.public_url.contains(['?', '#']) || settings.issuer.contains(['?', '#']) {
        return invalid("the issuer and the public URL end before any ? or #".to_owned());
    }
    if settings.scopes.len() > MAX_SCOPES {
        return invalid(format!("there are more than {MAX_SCOPES} scopes"));
    }
    let is_scope = |scope: &String| {
        !scope.is_empty()
            && scope.len() <= MAX_TEXT_BYTES
            && scope.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
    };
    if let Some(scope) = settings.scopes.iter().find(|scope| !is_scope(scope)) {
        return invalid(format!("{scope:?} is no scope; a scope has no blanks and no quotes"));
    }
    validate_roots(settings.extra_roots_pem.as_deref())?;
    match (settings.client_authentication, secret) {
        (ClientAuthentication::None, HasSecret::Yes) => invalid(
            "a client that proves nothing has no secret; leave it out, or choose basic or post"
                .to_owned(),
        ),
        (ClientAuthentication::Basic | ClientAuthentication::Post, HasSecret::No) => invalid(
            "the client secret is missing; give it, or choose none for a public client".to_owned(),
        ),
        _ => Ok(()),
    }
}

fn validate_ldap(settings: &Ldap, secret: HasSecret) -> Result<(), InvalidProvider> {
    if settings.servers.is_empty() || settings.servers.len() > MAX_SERVERS {
        return invalid(format!("a directory needs 1 to {MAX_SERVERS} servers"));
    }
    for server in &settings.servers {
        let is_host =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if server.is_empty() || server.len() > MAX_TEXT_BYTES || !server.chars().all(is_host) {
            return invalid(format!("the server {server:?} is no host or host:port"));
        }
    }
    let texts =
        [("account", &settings.account), ("domain", &settings.domain), ("base", &settings.base)];
    for (what, text) in texts {
        text.as_deref().map_or(Ok(()), |text| validate_text(what, text))?;
    }
    if settings.domain.as_deref().is_some_and(|domain| domain.contains(['@', '\\', ' '])) {
        return invalid("the domain is no DNS name such as contoso.com".to_owned());
    }
    validate_roots(settings.trust.extra_roots_pem.as_deref())?;
    let is_pin = |pin: &String| pin.len() == 64 && pin.bytes().all(|b| b.is_ascii_hexdigit());
    if settings.trust.pinned_sha256.as_ref().is_some_and(|pin| !is_pin(pin)) {
        return invalid("the fingerprint is not 64 hexadecimal digits of SHA-256".to_owned());
    }
    match (&settings.account, &settings.domain, secret) {
        (Some(_), _, HasSecret::No) => {
            invalid("the password of the account that looks people up is missing".to_owned())
        }
        (None, _, HasSecret::Yes) => {
            invalid("there is a password and no account; name the account".to_owned())
        }
        (None, None, _) => {
            invalid("without an account that looks people up the domain must be named".to_owned())
        }
        _ => Ok(()),
    }
}

fn validate_text(what: &str, text: &str) -> Result<(), InvalidProvider> {
    if text.trim().is_empty() || text.len() > MAX_TEXT_BYTES || text.contains(char::is_control) {
        return invalid(format!("the {what} is not 1 to {MAX_TEXT_BYTES} characters on one line"));
    }
    Ok(())
}

fn validate_roots(pem: Option<&str>) -> Result<(), InvalidProvider> {
    match pem {
        Some(pem) if pem.len() > MAX_ROOTS_BYTES || !pem.contains("BEGIN CERTIFICATE") => {
            invalid("the certificate authorities are no PEM file of usual size".to_owned())
        }
        _ => Ok(()),
    }
}

fn invalid(text: String) -> Result<(), InvalidProvider> {
    Err(InvalidProvider(text))
}

/// Whether what is sent to a URL stays secret on the way: TLS, or this machine itself.
#[must_use]
pub fn is_protected_url(url: &str) -> bool {
    if let Some(rest) = url.strip_prefix("https://") {
        return !rest.is_empty() && !rest.starts_with(['/', ':']);
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // A host before an `@` would be a user name.
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    !authority.contains('@')
        && (host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()))
}

/// Name of an identity provider: a-z, 0-9 and hyphen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderName(String);

/// Why a text is no name of an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "identity provider name {0:?} is not 1 to 63 of a-z, 0-9 and hyphen, beginning with a letter or \
     digit, and none of the words callback, local, new, password and token"
)]
pub struct InvalidProviderName(pub String);

/// Addresses that stand where a provider's would, and other ways of signing in.
const RESERVED: [&str; 5] = ["callback", "local", "new", "password", "token"];

impl ProviderName {
    /// Longest name, as for a DNS label.
    pub const MAX_LENGTH: usize = 63;

    /// The name a text stands for.
    pub fn parse(text: &str) -> Result<Self, InvalidProviderName> {
        let fits = !text.is_empty()
            && text.len() <= Self::MAX_LENGTH
            && !text.starts_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !RESERVED.contains(&text);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidProviderName(text.to_owned())) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ProviderName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_id() -> OpenIdConnect {
        OpenIdConnect {
            issuer: "https://login.contoso.test".to_owned(),
            client_id: "gatepost".to_owned(),
            client_authentication: ClientAuthentication::Basic,
            public_url: "https://gatepost.contoso.test/".to_owned(),
            scopes: vec!["profile".to_owned()],
            groups_claim: "groups".to_owned(),
            name_claim: "preferred_username".to_owned(),
            extra_roots_pem: None,
        }
    }

    fn ldap() -> Ldap {
        Ldap {
            servers: vec!["dc01.contoso.test".to_owned()],
            tls: DirectoryTls::StartTls,
            account: None,
            domain: Some("contoso.test".to_owned()),
            base: None,
            trust: Trust::default(),
        }
    }

    #[test]
    fn a_secret_ends_on_a_day_or_at_a_moment() {
        let parsed = |text| parse_secret_expires(text).map(|it| it.to_string());
        assert_eq!(parsed(" 2027-01-31 ").unwrap(), "2027-01-31T00:00:00Z");
        assert_eq!(parsed("2027-01-31T12:00:00+02:00").unwrap(), "2027-01-31T10:00:00Z");
        for text in ["", "31.1.2027", "2027-02-30", "soon"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_stays_secret_on_the_way_is_an_address() {
        for (url, expected) in [
            ("https://login.contoso.test", true),
            ("http://127.0.0.1:3000", true),
            ("http://[::1]:3000/x", true),
            ("http://localhost/", true),
            ("http://login.contoso.test", false),
            ("http://localhost.evil.test", false),
            ("http://127.0.0.1@evil.test/", false),
            ("http://localhost:80@evil.test/", false),
            ("https://", false),
            ("ftp://localhost", false),
            ("", false),
        ] {
            assert_eq!(is_protected_url(url), expected, "{url}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let open_id_with = |change: fn(&mut OpenIdConnect), secret| {
            let mut settings = open_id();
            change(&mut settings);
            ProviderSettings::OpenIdConnect(settings).validate(secret)
        };
        assert_eq!(open_id_with(|_| {}, HasSecret::Yes), Ok(()));
        let public = |it: &mut OpenIdConnect| it.client_authentication = ClientAuthentication::None;
        assert_eq!(open_id_with(public, HasSecret::No), Ok(()));
        for (refused, said) in [
            (open_id_with(|_| {}, HasSecret::No), "client secret is missing"),
            (open_id_with(public, HasSecret::Yes), "has no secret"),
            (open_id_with(|it| it.issuer = "http://x.test".into(), HasSecret::Yes), "https://"),
            (open_id_with(|it| it.scopes = vec!["a b".into()], HasSecret::Yes), "no scope"),
            (open_id_with(|it| it.client_id = " ".into(), HasSecret::Yes), "client id"),
            (open_id_with(|it| it.extra_roots_pem = Some("x".into()), HasSecret::Yes), "PEM"),
        ] {
            let text = refused.unwrap_err().to_string();
            assert!(text.contains(said), "{text}");
        }
        let ldap_with = |change: fn(&mut Ldap), secret| {
            let mut settings = ldap();
            change(&mut settings);
            ProviderSettings::Ldap(settings).validate(secret)
        };
        assert_eq!(ldap_with(|_| {}, HasSecret::No), Ok(()));
        for (refused, said) in [
            (ldap_with(|it| it.domain = None, HasSecret::No), "must be named"),
            (ldap_with(|it| it.account = Some("svc".into()), HasSecret::No), "is missing"),
            (ldap_with(|_| {}, HasSecret::Yes), "no account"),
            (ldap_with(|it| it.servers.clear(), HasSecret::No), "servers"),
            (ldap_with(|it| it.servers = vec!["ldap://x".into()], HasSecret::No), "host:port"),
        ] {
            let text = refused.unwrap_err().to_string();
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn the_way_back_stands_below_the_public_url() {
        let expected = "https://gatepost.contoso.test/sign-in/oidc/callback";
        assert_eq!(open_id().redirect_uri(), expected);
    }

    #[test]
    fn names_leave_the_addresses_of_the_console_alone() {
        assert!(ProviderName::parse("entra-1").is_ok());
        for text in ["callback", "local", "", "A", "a b", "-a", "a:b", &"a".repeat(64)] {
            assert!(ProviderName::parse(text).is_err(), "{text}");
        }
    }
}
