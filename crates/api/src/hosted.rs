//! Hosted organizations as JSON: how one is reached, and what is proved there.

use domain::Timestamp;
use domain::connector::{
    CertificateFacts, Cloud, Expiry, HostedEndpoint, HostedSignIn, Proxy, Tenant, Trust,
};
use engine::Proof;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{device::rfc3339, problem::Problem};

/// How a hosted organization is reached and signed in to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hosted {
    /// Id of the tenant, or one of its domains.
    #[schema(example = "contoso.onmicrosoft.com")]
    pub tenant: String,
    /// Id of the application that signs in; null for the identity of a machine, and for the
    /// application of Exchange's own shell with `device-code`.
    #[serde(default)]
    pub application_id: Option<String>,
    /// `certificate`, `secret`, `device-code` or `managed-identity`.
    #[serde(default = "certificate")]
    #[schema(example = "certificate")]
    pub sign_in: String,
    /// `global`, `gcc-high`, `dod` or `china`.
    #[serde(default = "global")]
    #[schema(example = "global")]
    pub cloud: String,
    /// `https://host[:port]` in place of the Exchange service of the cloud.
    #[serde(default)]
    pub service_url: Option<String>,
    /// `https://host[:port]` in place of the service of the cloud that gives tokens.
    #[serde(default)]
    pub login_url: Option<String>,
    /// More certificate authorities, PEM.
    #[serde(default)]
    pub extra_roots_pem: Option<String>,
    /// SHA-256 of the one certificate accepted of the service, hexadecimal.
    #[serde(default)]
    pub pinned_sha256: Option<String>,
    /// `host:port` of an HTTP proxy.
    #[serde(default)]
    pub proxy: Option<String>,
    /// User name for the proxy.
    #[serde(default)]
    pub proxy_username: Option<String>,
    /// The certificate that is signed in with. It follows from the file that was given, and what is
    /// sent here is not looked at.
    #[serde(default)]
    pub certificate: Option<Certificate>,
}

/// What everybody may know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Certificate {
    /// Whose it says it is.
    pub subject: String,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
    /// The last moment at which it is good.
    pub not_after: String,
    /// That it expires within a month, or has expired, and what to do.
    #[serde(default)]
    pub trouble: Option<String>,
}

fn certificate() -> String {
    HostedSignIn::Certificate.word().to_owned()
}

fn global() -> String {
    Cloud::Global.word().to_owned()
}

impl Hosted {
    pub(crate) fn of(hosted: HostedEndpoint, now: Timestamp) -> Self {
        let (proxy, proxy_username) = match hosted.proxy {
            Some(Proxy { address, username }) => (Some(address), username),
            None => (None, None),
        };
        let certificate = |facts: CertificateFacts| Certificate {
            not_after: rfc3339(facts.not_after),
            trouble: Expiry::of(&facts, now).sentence(&facts),
            subject: facts.subject,
            sha256: facts.sha256,
        };
        Self {
            tenant: hosted.tenant.to_string(),
            application_id: hosted.application.map(|id| id.to_string()),
            sign_in: hosted.sign_in.word().to_owned(),
            cloud: hosted.cloud.word().to_owned(),
            service_url: hosted.service_url,
            login_url: hosted.login_url,
            extra_roots_pem: hosted.trust.extra_roots_pem,
            pinned_sha256: hosted.trust.pinned_sha256,
            proxy,
            proxy_username,
            certificate: hosted.certificate.map(certificate),
        }
    }

    pub(crate) fn into_endpoint(self) -> Result<HostedEndpoint, Problem> {
        let tenant = Tenant::parse(&self.tenant)
            .map_err(|error| Problem::invalid(error, "look it up in Entra, under Overview"))?;
        let application = self.application_id.as_deref().map(application).transpose()?;
        let sign_in = HostedSignIn::from_word(&self.sign_in).ok_or_else(|| {
            Problem::invalid(
                format_args!("sign_in is {:?}", self.sign_in),
                "use certificate, secret, device-code or managed-identity",
            )
        })?;
        let cloud = Cloud::from_word(&self.cloud).ok_or_else(|| {
            Problem::invalid(
                format_args!("cloud is {:?}", self.cloud),
                "use global, gcc-high, dod or china",
            )
        })?;
        Ok(HostedEndpoint {
            tenant,
            application,
            sign_in,
            cloud,
            service_url: self.service_url,
            login_url: self.login_url,
            trust: Trust {
                extra_roots_pem: self.extra_roots_pem,
                pinned_sha256: self.pinned_sha256.map(|pin| pin.to_ascii_lowercase()),
            },
            proxy: proxy(self.proxy, self.proxy_username)?,
            certificate: None,
        })
    }
}

fn application(text: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(text.trim()).map_err(|_| {
        Problem::invalid(
            format_args!("application_id {text:?} is no id"),
            "give the application (client) id that Entra shows for the application",
        )
    })
}

/// The proxy of two fields.
pub(crate) fn proxy(
    address: Option<String>,
    username: Option<String>,
) -> Result<Option<Proxy>, Problem> {
    match (address, username) {
        (Some(address), username) => Ok(Some(Proxy { address, username })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Problem::invalid(
            "there is a user name for a proxy and no proxy",
            "name the proxy as host:port, or leave its user name out",
        )),
    }
}

/// What a body holds of what an application proves itself with.
pub(crate) fn proof(
    certificate: Option<String>,
    certificate_password: Option<String>,
    client_secret: Option<String>,
) -> Result<Option<Proof>, Problem> {
    match (certificate, client_secret) {
        (Some(_), Some(_)) => Err(Problem::invalid(
            "there is a certificate and a client secret",
            "give the one that the application has",
        )),
        (Some(text), None) => Ok(Some(Proof::certificate(text, certificate_password)?)),
        (None, Some(secret)) => Ok(Some(Proof::ClientSecret(secret))),
        (None, None) if certificate_password.is_some() => Err(Problem::invalid(
            "there is the password of a certificate and no certificate",
            "give both, or leave both out",
        )),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hosted_endpoint_comes_back_as_it_was() {
        let sent = Hosted {
            tenant: "contoso.com".to_owned(),
            application_id: Some(Uuid::from_u128(7).to_string()),
            sign_in: "secret".to_owned(),
            cloud: "china".to_owned(),
            service_url: Some("https://a".to_owned()),
            login_url: Some("https://b".to_owned()),
            extra_roots_pem: Some("PEM".to_owned()),
            pinned_sha256: Some("ab".to_owned()),
            proxy: Some("p:1".to_owned()),
            proxy_username: Some("u".to_owned()),
            certificate: None,
        };
        let endpoint = sent.clone().into_endpoint().unwrap();
        assert_eq!(Hosted::of(endpoint, Timestamp::UNIX_EPOCH), sent);
    }
}
