//! What is wrong with a connector, in one sentence that says what to write instead.

mod hosted;

pub(crate) use hosted::PASSWORD_OF_HOSTED;

use std::net::SocketAddr;

use domain::{
    ConnectorName, DistinguishedName,
    connector::{
        Authentication, DiscoveryScope, Endpoint, HostedSignIn, Options, ServerEndpoint, Trust,
    },
};
use exchange::Secret;

use crate::secrets::ConnectorSecrets;

/// Longest text of one field; a certificate bundle may be longer.
const MAX_FIELD_BYTES: usize = 2048;
/// Largest bundle of extra authorities: some hundred certificates.
const MAX_ROOTS_BYTES: usize = 512 * 1024;

/// A connector as it would be kept.
pub(crate) struct Proposal {
    pub(crate) name: ConnectorName,
    pub(crate) endpoint: Endpoint,
    pub(crate) options: Options,
    pub(crate) secrets: ConnectorSecrets,
}

impl Proposal {
    /// Leaves secrets out that the way of signing in has no use for.
    pub(crate) fn without_unused_secrets(self) -> Self {
        let has_account = self.endpoint.server().is_some_and(ServerEndpoint::has_password);
        let has_proxy_account = self.endpoint.proxy().is_some_and(|p| p.username.is_some());
        let has_notification_account = self.options.notification_account.is_some();
        let way = self.endpoint.hosted().map(|hosted| hosted.sign_in);
        let is = |wanted: HostedSignIn| way == Some(wanted);
        let secrets = ConnectorSecrets {
            password: self.secrets.password.filter(|_| has_account),
            proxy_password: self.secrets.proxy_password.filter(|_| has_proxy_account),
            notification_password: self
                .secrets
                .notification_password
                .filter(|_| has_notification_account),
            certificate: self.secrets.certificate.filter(|_| is(HostedSignIn::Certificate)),
            client_secret: self.secrets.client_secret.filter(|_| is(HostedSignIn::Secret)),
            refresh_token: self.secrets.refresh_token.filter(|_| is(HostedSignIn::DeviceCode)),
        };
        Self { secrets, ..self }
    }
}

/// One sentence about the first field that is wrong.
pub(crate) fn validate(new: &Proposal) -> Result<(), String> {
    let secrets = &new.secrets;
    validate_secret("password", secrets.password.as_ref())?;
    validate_secret("proxy password", secrets.proxy_password.as_ref())?;
    validate_secret("client secret", secrets.client_secret.as_ref())?;
    match &new.endpoint {
        Endpoint::OnPremises(server) => validate_server(server, secrets)?,
        Endpoint::Hosted(hosted) => hosted::validate(hosted, new)?,
    }
    validate_proxy(new)?;
    validate_trust(new.endpoint.trust())?;
    validate_options(new)
}

fn validate_secret(field: &str, value: Option<&Secret>) -> Result<(), String> {
    validate_field(field, value.map(Secret::reveal))
}

fn validate_field(field: &str, value: Option<&str>) -> Result<(), String> {
    match value {
        Some(value) if value.is_empty() || value.len() > MAX_FIELD_BYTES => {
            Err(format!("the {field} is empty or longer than {MAX_FIELD_BYTES} bytes"))
        }
        _ => Ok(()),
    }
}

fn validate_server(endpoint: &ServerEndpoint, secrets: &ConnectorSecrets) -> Result<(), String> {
    let is_tls = validate_url(&endpoint.url)?;
    validate_field("username", endpoint.username.as_deref())?;
    validate_field("service principal name", endpoint.spn.as_deref())?;
    validate_field("keytab", endpoint.keytab.as_deref())?;
    for kdc in &endpoint.kdc {
        validate_address("Kerberos server", kdc)?;
    }
    if let Some(to) = &endpoint.connect_to {
        validate_address("connect address", to)?;
    }
    validate_account(endpoint, secrets)?;
    if endpoint.authentication == Authentication::Basic
        && !is_tls
        && !endpoint.allow_basic_without_tls
    {
        return Err("Basic over http sends the password readable for anybody on the way; use \
                    https, or allow it for this connector in so many words"
            .to_owned());
    }
    Ok(())
}

fn validate_trust(trust: &Trust) -> Result<(), String> {
    if let Some(pin) = &trust.pinned_sha256
        && (pin.len() != 64 || !pin.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err("the pinned fingerprint is not a SHA-256 of 64 hexadecimal digits".to_owned());
    }
    if trust.extra_roots_pem.as_ref().is_some_and(|pem| pem.len() > MAX_ROOTS_BYTES) {
        return Err(format!("the extra authorities are larger than {MAX_ROOTS_BYTES} bytes"));
    }
    Ok(())
}

/// Most servers of sites, and most organizational units, of one connector.
const MAX_ENTRIES: usize = 200;
/// Longest time that a device may be inactive: ten years.
const MAX_INACTIVE_DAYS: u16 = 3_650;

fn validate_options(new: &Proposal) -> Result<(), String> {
    let options = &new.options;
    if options.sites.len() > MAX_ENTRIES {
        return Err(format!("there are more than {MAX_ENTRIES} servers of sites"));
    }
    let mut urls = vec![new.endpoint.url().to_ascii_lowercase()];
    for one in &options.sites {
        if one.site.trim().is_empty() || one.site.len() > MAX_FIELD_BYTES {
            return Err(format!("the site of {} has no name; write SITE=URL", one.url));
        }
        validate_url(&one.url).map_err(|why| format!("site {}: {why}", one.site))?;
        let url = one.url.to_ascii_lowercase();
        if urls.contains(&url) {
            return Err(format!("{} is given twice; name each server once", one.url));
        }
        urls.push(url);
    }
    if let Some(directory) = &options.directory
        && (directory.server.trim().is_empty() || directory.server.contains("://"))
    {
        return Err(format!(
            "the directory server {:?} is not a name, or a name and a port, as in dc01.contoso.com",
            directory.server
        ));
    }
    match &options.discovery.scope {
        DiscoveryScope::Organization => {}
        DiscoveryScope::Units(units) if units.is_empty() || units.len() > MAX_ENTRIES => {
            return Err(format!(
                "name 1 to {MAX_ENTRIES} organizational units, or take the whole organization"
            ));
        }
        DiscoveryScope::Units(units) => {
            let is_odd = |unit: &&String| {
                let is_name = unit.contains(['.', '/']) || DistinguishedName::parse(unit).is_some();
                unit.trim().is_empty() || unit.len() > MAX_FIELD_BYTES || !is_name
            };
            if let Some(unit) = units.iter().find(is_odd) {
                return Err(format!(
                    "the organizational unit {unit:?} is no name of one in full; write it as \
                     OU=Staff,DC=contoso,DC=com or contoso.com/Staff"
                ));
            }
        }
        DiscoveryScope::Recipients(filter) => {
            if filter.trim().is_empty() || filter.len() > MAX_FIELD_BYTES {
                return Err("the recipient filter is empty or too long; write it as in \
                            Department -eq 'Sales'"
                    .to_owned());
            }
        }
    }
    if let Some(days) = options.discovery.inactive_days
        && (days == 0 || days > MAX_INACTIVE_DAYS)
    {
        return Err(format!("{days} days of inactivity are not 1 to {MAX_INACTIVE_DAYS}"));
    }
    if options.stays_at_configured_servers && options.directory.is_some() {
        return Err("the directory names servers that are to be left alone; take one of the two \
                    back"
            .to_owned());
    }
    if options.notification_account.is_some() != new.secrets.notification_password.is_some() {
        return Err("the notification account needs a user name and a password".to_owned());
    }
    if options.replaces.as_ref() == Some(&new.name) {
        return Err("a connector cannot replace itself".to_owned());
    }
    Ok(())
}

/// Whether the URL is for TLS.
fn validate_url(url: &str) -> Result<bool, String> {
    let wanted = "as in http://exchange.contoso.com/PowerShell/";
    if url.len() > MAX_FIELD_BYTES || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("the address holds blanks or is too long; write it {wanted}"));
    }
    let lower = url.to_ascii_lowercase();
    let (is_tls, rest) = match (lower.strip_prefix("http://"), lower.strip_prefix("https://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => {
            return Err(format!(
                "the address does not begin with http:// or https://; write it {wanted}"
            ));
        }
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("the address holds a user name or password; give those separately".to_owned());
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(format!("the address names no server; write it {wanted}"));
    }
    if path.is_empty() {
        return Err(format!("the address has no path; write it {wanted}"));
    }
    if let Some((_, port)) = authority.rsplit_once(':')
        && !authority.ends_with(']')
        && port.parse::<u16>().is_err()
    {
        return Err(format!("{port:?} is no port; write the address {wanted}"));
    }
    Ok(is_tls)
}

fn validate_address(field: &str, address: &str) -> Result<(), String> {
    let host_and_port = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if host_and_port && address.len() <= MAX_FIELD_BYTES || address.parse::<SocketAddr>().is_ok() {
        Ok(())
    } else {
        Err(format!("the {field} {address:?} is not a name and a port, as in dc01.contoso.com:88"))
    }
}

/// Whether what is given is enough for the way of signing in.
fn validate_account(endpoint: &ServerEndpoint, secrets: &ConnectorSecrets) -> Result<(), String> {
    if endpoint.username.is_some() && secrets.password.is_none() && endpoint.keytab.is_none() {
        return Err("there is a user name but no password and no keytab".to_owned());
    }
    if endpoint.username.is_none() && (secrets.password.is_some() || endpoint.keytab.is_some()) {
        return Err(r"there is a password or a keytab but no user name; give one as DOMAIN\user or user@domain".to_owned());
    }
    let needs_password =
        matches!(endpoint.authentication, Authentication::Basic | Authentication::Ntlm);
    if needs_password && secrets.password.is_none() {
        return Err(format!("{} needs a user name and a password", endpoint.authentication));
    }
    Ok(())
}

fn validate_proxy(new: &Proposal) -> Result<(), String> {
    let Some(proxy) = new.endpoint.proxy() else { return Ok(()) };
    validate_address("proxy", &proxy.address)?;
    if proxy.username.is_some() != new.secrets.proxy_password.is_some() {
        return Err(
            "the proxy has a user name without a password, or a password without a user name"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::connector::{Directory, DirectorySecurity, Proxy};

    use super::*;

    fn good() -> Proposal {
        Proposal {
            name: ConnectorName::parse("lab").unwrap(),
            endpoint: Endpoint::OnPremises(ServerEndpoint {
                authentication: Authentication::Ntlm,
                username: Some(r"CONTOSO\svc".to_owned()),
                ..ServerEndpoint::new("http://exchange.contoso.com/PowerShell/")
            }),
            options: Options::default(),
            secrets: ConnectorSecrets {
                password: Some(Secret::new("secret")),
                ..ConnectorSecrets::default()
            },
        }
    }

    #[test]
    fn what_is_right_is_taken() {
        assert_eq!(validate(&good()), Ok(()));
        let mut cached = good();
        cached.endpoint.server_mut().unwrap().authentication = Authentication::Kerberos;
        cached.endpoint.server_mut().unwrap().username = None;
        cached.secrets.password = None;
        assert_eq!(validate(&cached), Ok(()));
    }

    fn server(new: &mut Proposal) -> &mut ServerEndpoint {
        new.endpoint.server_mut().unwrap()
    }

    #[test]
    fn each_wrong_field_is_named() {
        type Change = fn(&mut Proposal);
        let cases: &[(Change, &str)] = &[
            (|new| server(new).url = "exchange.contoso.com".to_owned(), "http://"),
            (|new| server(new).url = "http://exchange.contoso.com".to_owned(), "no path"),
            (|new| server(new).url = "http:///PowerShell/".to_owned(), "no server"),
            (|new| server(new).url = "http://u:p@host/PowerShell/".to_owned(), "separately"),
            (|new| server(new).url = "http://host:99999/PowerShell/".to_owned(), "no port"),
            (|new| new.secrets.password = None, "no password"),
            (|new| server(new).username = None, "no user name"),
            (|new| server(new).kdc = vec!["dc01".to_owned()], "Kerberos server"),
            (|new| server(new).authentication = Authentication::Basic, "Basic over http"),
            (|new| server(new).trust.pinned_sha256 = Some("abc".to_owned()), "SHA-256"),
            (
                |new| {
                    let address = "proxy:3128".to_owned();
                    server(new).proxy = Some(Proxy { address, username: Some("u".to_owned()) });
                },
                "proxy has a user name",
            ),
            (
                |new| new.options.discovery.scope = DiscoveryScope::Units(vec!["Staff".to_owned()]),
                "contoso.com/Staff",
            ),
            (
                |new| {
                    let security = DirectorySecurity::StartTls;
                    let directory = Directory { server: "dc01".to_owned(), security };
                    new.options.directory = Some(directory);
                    new.options.stays_at_configured_servers = true;
                },
                "left alone",
            ),
        ];
        for (spoil, said) in cases {
            let mut new = good();
            spoil(&mut new);
            let error = validate(&new).unwrap_err();
            assert!(error.contains(said), "{error:?} does not say {said:?}");
        }
    }
}
