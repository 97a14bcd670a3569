//! The hosts of each cloud. Scope, service and token service go together.

use domain::connector::{Cloud, HostedEndpoint};

/// Where tokens are, and what else belongs to the cloud. Where Exchange is, the domain says.
struct Hosts {
    login: &'static str,
    /// Ends of names that belong to the cloud: a bearer may be sent there.
    owned: &'static [&'static str],
}

const fn hosts(cloud: Cloud) -> Hosts {
    match cloud {
        Cloud::Global => Hosts {
            login: "login.microsoftonline.com",
            owned: &["office365.com", "outlook.com", "office.com"],
        },
        Cloud::GccHigh => Hosts { login: "login.microsoftonline.us", owned: &["office365.us"] },
        Cloud::Dod => {
            Hosts { login: "login.microsoftonline.us", owned: &["office365.us", "apps.mil"] }
        }
        Cloud::China => {
            Hosts { login: "login.chinacloudapi.cn", owned: &["outlook.cn", "office365.cn"] }
        }
    }
}

/// The address of the machine's own identity: the same in every cloud, and in the clear because it
/// never leaves the machine.
const MACHINE: &str = "http://169.254.169.254";

/// `https://host[:port]` of the Exchange service.
pub(super) fn service(endpoint: &HostedEndpoint) -> String {
    trimmed(endpoint.url())
}

/// `https://host[:port]` of the service that gives tokens.
pub(super) fn login(endpoint: &HostedEndpoint) -> String {
    match &endpoint.login_url {
        Some(own) => trimmed(own),
        None => format!("https://{}", hosts(endpoint.cloud).login),
    }
}

/// `http://host[:port]` of what gives tokens to the machine's own identity.
pub(super) fn machine(endpoint: &HostedEndpoint) -> String {
    trimmed(endpoint.login_url.as_deref().unwrap_or(MACHINE))
}

fn trimmed(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}

/// `https://host` that a token is for. A gateway of one's own passes on what is for the cloud's.
pub(super) fn resource(endpoint: &HostedEndpoint) -> String {
    let own = endpoint.service_url.as_deref().and_then(host_of);
    match own.filter(|host| is_owned(endpoint.cloud, host)) {
        Some(host) => format!("https://{host}"),
        None => endpoint.cloud.service_url().to_owned(),
    }
}

/// Whether a host belongs to the cloud.
pub(super) fn is_owned(cloud: Cloud, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_below = |end: &&str| {
        host.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    hosts(cloud).owned.iter().any(is_below)
}

/// The host of a URL, in lower case and without brackets.
pub(super) fn host_of(url: &str) -> Option<String> {
    let url: hyper::Uri = url.trim().parse().ok()?;
    Some(url.host()?.trim_matches(['[', ']']).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use domain::connector::Tenant;
    use uuid::Uuid;

    use super::*;

    fn endpoint(cloud: Cloud, service_url: Option<&str>) -> HostedEndpoint {
        HostedEndpoint {
            cloud,
            service_url: service_url.map(str::to_owned),
            ..HostedEndpoint::new(Tenant::parse("contoso.com").unwrap(), Uuid::from_u128(1))
        }
    }

    #[test]
    fn scope_service_and_token_service_belong_to_one_cloud() {
        for (cloud, service, login) in [
            (Cloud::Global, "https://outlook.office365.com", "https://login.microsoftonline.com"),
            (Cloud::GccHigh, "https://outlook.office365.us", "https://login.microsoftonline.us"),
            (Cloud::Dod, "https://outlook-dod.office365.us", "https://login.microsoftonline.us"),
            (Cloud::China, "https://partner.outlook.cn", "https://login.chinacloudapi.cn"),
        ] {
            let endpoint = endpoint(cloud, None);
            assert_eq!(super::service(&endpoint), service);
            assert_eq!(super::login(&endpoint), login);
            assert_eq!(resource(&endpoint), service);
        }
        let other = endpoint(Cloud::China, Some("https://outlook.office365.cn/"));
        assert_eq!(resource(&other), "https://outlook.office365.cn");
        let gateway = endpoint(Cloud::Global, Some("https://gateway.contoso.com:8443"));
        assert_eq!(service(&gateway), "https://gateway.contoso.com:8443");
        assert_eq!(resource(&gateway), "https://outlook.office365.com");
    }

    #[test]
    fn only_names_below_the_clouds_own_belong_to_it() {
        for (host, is_it) in [
            ("nam13b.outlook.office365.com", true),
            ("OUTLOOK.office365.com", true),
            ("evil-office365.com", false),
            ("office365.com.evil.example", false),
            ("office365.us", false),
        ] {
            assert_eq!(is_owned(Cloud::Global, host), is_it, "{host}");
        }
    }
}
