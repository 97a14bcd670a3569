//! Where an organization is reached, as the document that is kept.
//!
//! An address on premises stands in the document itself, as it did before there were hosted
//! connectors; a hosted one is what has the field `tenant`.

use domain::Timestamp;
use domain::connector::{
    Authentication, CertificateFacts, Cloud, Endpoint, HostedEndpoint, HostedSignIn, Proxy,
    ServerEndpoint, Tenant, Trust,
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::texts;

/// An endpoint as a document.
pub(super) fn document(endpoint: &Endpoint) -> Json {
    match endpoint {
        Endpoint::OnPremises(server) => of_server(server),
        Endpoint::Hosted(hosted) => of_hosted(hosted),
    }
}

/// The endpoint that a document describes; `None` if it lacks what every endpoint has.
pub(super) fn endpoint(document: &Json) -> Option<Endpoint> {
    match document.get("tenant") {
        Some(tenant) => Some(Endpoint::Hosted(hosted(document, tenant)?)),
        None => Some(Endpoint::OnPremises(server(document)?)),
    }
}

fn of_server(server: &ServerEndpoint) -> Json {
    json!({
        "url": server.url,
        "connect_to": server.connect_to,
        "spn": server.spn,
        "authentication": server.authentication.word(),
        "username": server.username,
        "kdc": server.kdc,
        "keytab": server.keytab,
        "allow_basic_without_tls": server.allow_basic_without_tls,
        "extra_roots_pem": server.trust.extra_roots_pem,
        "pinned_sha256": server.trust.pinned_sha256,
        "proxy": of_proxy(server.proxy.as_ref()),
    })
}

fn of_hosted(hosted: &HostedEndpoint) -> Json {
    let certificate = hosted.certificate.as_ref().map(|facts| {
        json!({
            "subject": facts.subject,
            "sha256": facts.sha256,
            "not_after": facts.not_after.as_millisecond(),
        })
    });
    json!({
        "tenant": hosted.tenant.as_str(),
        "application": hosted.application.map(|id| id.to_string()),
        "sign_in": hosted.sign_in.word(),
        "cloud": hosted.cloud.word(),
        "service_url": hosted.service_url,
        "login_url": hosted.login_url,
        "extra_roots_pem": hosted.trust.extra_roots_pem,
        "pinned_sha256": hosted.trust.pinned_sha256,
        "proxy": of_proxy(hosted.proxy.as_ref()),
        "certificate": certificate,
    })
}

fn of_proxy(proxy: Option<&Proxy>) -> Option<Json> {
    proxy.map(|proxy| json!({ "address": proxy.address, "username": proxy.username }))
}

fn server(document: &Json) -> Option<ServerEndpoint> {
    let text = |name: &str| optional_text(document, name);
    Some(ServerEndpoint {
        url: text("url")?,
        connect_to: text("connect_to"),
        spn: text("spn"),
        authentication: Authentication::from_word(&text("authentication")?)?,
        username: text("username"),
        kdc: texts(document.get("kdc")?)?,
        keytab: text("keytab"),
        allow_basic_without_tls: document.get("allow_basic_without_tls")?.as_bool()?,
        trust: trust(document),
        proxy: proxy(document)?,
    })
}

fn hosted(document: &Json, tenant: &Json) -> Option<HostedEndpoint> {
    let text = |name: &str| optional_text(document, name);
    Some(HostedEndpoint {
        tenant: Tenant::parse(tenant.as_str()?).ok()?,
        application: match text("application") {
            Some(id) => Some(Uuid::try_parse(&id).ok()?),
            None => None,
        },
        sign_in: HostedSignIn::from_word(&text("sign_in")?)?,
        cloud: Cloud::from_word(&text("cloud")?)?,
        service_url: text("service_url"),
        login_url: text("login_url"),
        trust: trust(document),
        proxy: proxy(document)?,
        certificate: match document.get("certificate") {
            None | Some(Json::Null) => None,
            Some(facts) => Some(CertificateFacts {
                subject: optional_text(facts, "subject")?,
                sha256: optional_text(facts, "sha256")?,
                not_after: Timestamp::from_millisecond(facts.get("not_after")?.as_i64()?).ok()?,
            }),
        },
    })
}

fn trust(document: &Json) -> Trust {
    Trust {
        extra_roots_pem: optional_text(document, "extra_roots_pem"),
        pinned_sha256: optional_text(document, "pinned_sha256"),
    }
}

/// The proxy, if there is one; `None` if what stands there is none.
fn proxy(document: &Json) -> Option<Option<Proxy>> {
    match document.get("proxy")? {
        Json::Null => Some(None),
        proxy => Some(Some(Proxy {
            address: proxy.get("address")?.as_str()?.to_owned(),
            username: proxy.get("username")?.as_str().map(str::to_owned),
        })),
    }
}

fn optional_text(document: &Json, name: &str) -> Option<String> {
    document.get(name).and_then(Json::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As releases before there were hosted connectors wrote it.
    #[test]
    fn a_document_of_before_is_an_address_on_premises() {
        let kept = json!({
            "url": "http://ex01.contoso.com/PowerShell/",
            "connect_to": "10.0.0.5:80",
            "spn": null,
            "authentication": "ntlm",
            "username": "CONTOSO\\svc",
            "kdc": ["dc01:88"],
            "keytab": null,
            "allow_basic_without_tls": false,
            "extra_roots_pem": null,
            "pinned_sha256": "ab",
            "proxy": { "address": "proxy:3128", "username": null },
        });
        let read = endpoint(&kept).unwrap();
        let server = read.server().unwrap();
        assert_eq!(server.username.as_deref(), Some("CONTOSO\\svc"));
        assert_eq!(server.proxy.as_ref().unwrap().address, "proxy:3128");
        assert_eq!(document(&read), kept, "and it is written as it was");
    }

    #[test]
    fn a_hosted_endpoint_comes_back_as_it_was() {
        let tenant = Tenant::parse("contoso.onmicrosoft.com").unwrap();
        let plain = HostedEndpoint::new(tenant, Uuid::from_u128(7));
        let full = HostedEndpoint {
            application: None,
            sign_in: HostedSignIn::ManagedIdentity,
            cloud: Cloud::China,
            service_url: Some("https://127.0.0.1:8443".to_owned()),
            login_url: Some("https://127.0.0.1:8444".to_owned()),
            trust: Trust {
                extra_roots_pem: Some("PEM".to_owned()),
                pinned_sha256: Some("ab".to_owned()),
            },
            proxy: Some(Proxy {
                address: "proxy:3128".to_owned(),
                username: Some("svc".to_owned()),
            }),
            certificate: Some(CertificateFacts {
                subject: "CN=gatepost".to_owned(),
                sha256: "cd".to_owned(),
                not_after: Timestamp::from_second(1_800_000_000).unwrap(),
            }),
            ..plain.clone()
        };
        for hosted in [plain, full] {
            let there = Endpoint::Hosted(hosted);
            assert_eq!(endpoint(&document(&there)), Some(there));
        }
        assert_eq!(endpoint(&json!({ "tenant": "nowhere" })), None);
    }
}
