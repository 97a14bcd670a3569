//! How a hosted organization is reached: a tenant, an application in it, and the cloud both live in.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Proxy, Trust};
use crate::device::words;

/// How a hosted organization is reached and signed in to. What proves who we are is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedEndpoint {
    /// Whose organization.
    pub tenant: Tenant,
    /// Id of the application that signs in; `None` where the way of signing in knows it by itself.
    pub application: Option<Uuid>,
    /// How it proves who it is.
    pub sign_in: HostedSignIn,
    /// Where tenant and application live.
    pub cloud: Cloud,
    /// `https://host[:port]` of the Exchange service in place of the cloud's: a simulator, a gateway
    /// of one's own.
    pub service_url: Option<String>,
    /// `https://host[:port]` of the service that gives tokens in place of the cloud's.
    pub login_url: Option<String>,
    /// What to trust beyond the system's certificate authorities.
    pub trust: Trust,
    /// HTTP proxy to reach both through.
    pub proxy: Option<Proxy>,
    /// The certificate that is signed in with, once one was given.
    pub certificate: Option<CertificateFacts>,
}

/// What everybody may know of the certificate that a connector signs in with. Its key is kept with
/// the connector's secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whose it says it is.
    pub subject: String,
    /// SHA-256 of it, lower-case hexadecimal.
    pub sha256: String,
    /// The last moment at which it is good.
    pub not_after: Timestamp,
}

impl HostedEndpoint {
    /// A tenant of the global cloud, signed in to with a certificate.
    #[must_use]
    pub fn new(tenant: Tenant, application: Uuid) -> Self {
        Self {
            tenant,
            application: Some(application),
            sign_in: HostedSignIn::default(),
            cloud: Cloud::default(),
            service_url: None,
            login_url: None,
            trust: Trust::default(),
            proxy: None,
            certificate: None,
        }
    }

    /// The address of the Exchange service.
    #[must_use]
    pub fn url(&self) -> &str {
        self.service_url.as_deref().unwrap_or_else(|| self.cloud.service_url())
    }
}

/// A tenant: its id, or one of its domains (`contoso.onmicrosoft.com`), in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant(String);

/// Why a text names no tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no tenant; give its id (a GUID) or one of its domains, such as contoso.onmicrosoft.com"
)]
pub struct InvalidTenant(pub String);

impl Tenant {
    /// Longest name, as for a DNS name.
    pub const MAX_LENGTH: usize = 253;

    /// The tenant a text stands for. It becomes part of a URL, so nothing but the characters of a
    /// domain is let in.
    pub fn parse(text: &str) -> Result<Self, InvalidTenant> {
        let name = text.trim().to_ascii_lowercase();
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let is_domain =
            name.len() <= Self::MAX_LENGTH && name.contains('.') && name.split('.').all(is_label);
        if is_domain || Uuid::try_parse(&name).is_ok_and(|id| !id.is_nil()) {
            Ok(Self(name))
        } else {
            Err(InvalidTenant(text.to_owned()))
        }
    }

    /// The tenant as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How an application proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostedSignIn {
    /// A certificate that the application has registered.
    #[default]
    Certificate,
    /// A client secret.
    Secret,
    /// A person signs in in a browser and enters a code; for trying out.
    DeviceCode,
    /// The machine's own identity, given by the cloud it runs in.
    ManagedIdentity,
}

words!(HostedSignIn {
    Certificate = "certificate",
    Secret = "secret",
    DeviceCode = "device-code",
    ManagedIdentity = "managed-identity",
});

/// One of the clouds in which Exchange Online lives. Each has hosts of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// Worldwide, GCC included.
    #[default]
    Global,
    /// US Government GCC High.
    GccHigh,
    /// US Department of Defense.
    Dod,
    /// China, run by 21Vianet.
    China,
}

impl Cloud {
    /// Where Exchange Online answers in this cloud.
    #[must_use]
    pub const fn service_url(self) -> &'static str {
        match self {
            Self::Global => "https://outlook.office365.com",
            Self::GccHigh => "https://outlook.office365.us",
            Self::Dod => "https://outlook-dod.office365.us",
            Self::China => "https://partner.outlook.cn",
        }
    }
}

words!(Cloud { Global = "global", GccHigh = "gcc-high", Dod = "dod", China = "china" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_an_id_or_a_domain() {
        for (text, name) in [
            ("Contoso.onmicrosoft.com", "contoso.onmicrosoft.com"),
            (" contoso.com ", "contoso.com"),
            ("B7E7B4A4-2C0C-4A1B-9C0B-1C1F2A3B4C5D", "b7e7b4a4-2c0c-4a1b-9c0b-1c1f2a3b4c5d"),
        ] {
            assert_eq!(Tenant::parse(text).unwrap().as_str(), name);
        }
        for odd in [
            "",
            "contoso",
            "contoso/..",
            "a..b",
            "-a.com",
            "a.com?x",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert!(Tenant::parse(odd).is_err(), "{odd}");
        }
    }
}
