//! TLS by OpenSSL: Exchange's PowerShell directory lets IIS renegotiate after the request, which
//! rustls does not do.

use std::pin::Pin;

use domain::connector::Trust;
use openssl::{
    hash::MessageDigest,
    nid::Nid,
    ssl::{SslConnector, SslMethod, SslVerifyMode},
    x509::{X509, X509VerifyResult},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_openssl::SslStream;

use super::{ConnectError, ConnectionSettings, address::Address};

/// Where the systems that we know keep their certificate authorities. The vendored OpenSSL looks
/// nowhere by itself.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A stream inside TLS, and what binds signing in to it.
pub(crate) struct Secured {
    pub(crate) stream: SslStream<TcpStream>,
    /// `tls-server-end-point:` and the hash of the server's certificate (RFC 5929 section 4).
    pub(super) channel_binding: Vec<u8>,
}

pub(crate) async fn secure(
    stream: TcpStream,
    settings: &ConnectionSettings,
    address: &Address,
) -> Result<Secured, ConnectError> {
    let host = address.host.clone();
    let fail = |reason: String| ConnectError::Tls { host: host.clone(), reason };
    let trust = &settings.endpoint.trust;
    let connector = connector(trust).map_err(&fail)?;
    let mut configuration = connector.configure().map_err(|error| fail(error.to_string()))?;
    if trust.pinned_sha256.is_some() {
        configuration.set_verify_hostname(false);
    }
    let ssl = configuration.into_ssl(&host).map_err(|error| fail(error.to_string()))?;
    let mut stream = SslStream::new(ssl, stream).map_err(|error| fail(error.to_string()))?;
    let limit = settings.timeouts.tls;
    let shaken = timeout(limit, Pin::new(&mut stream).connect()).await.map_err(|_| {
        ConnectError::TimedOut { step: "the TLS handshake".to_owned(), after: limit }
    })?;
    let certificate = stream.ssl().peer_certificate();
    let sha256 = certificate.as_deref().map(fingerprint).unwrap_or_default();
    if let Err(error) = shaken {
        let verdict = stream.ssl().verify_result();
        return Err(match verdict {
            X509VerifyResult::OK => fail(error.to_string()),
            _ if verdict.error_string().contains("hostname mismatch")
                || verdict.error_string().contains("IP address mismatch") =>
            {
                ConnectError::CertificateName { host }
            }
            _ => ConnectError::UntrustedCertificate {
                host,
                reason: verdict.error_string().to_owned(),
                sha256,
            },
        });
    }
    if let Some(pinned) = &trust.pinned_sha256
        && !pinned.eq_ignore_ascii_case(&sha256)
    {
        return Err(ConnectError::PinMismatch { host, found: sha256 });
    }
    let certificate =
        certificate.ok_or_else(|| fail("the server has no certificate".to_owned()))?;
    let channel_binding = end_point(&certificate).map_err(|error| fail(error.to_string()))?;
    Ok(Secured { stream, channel_binding })
}

fn connector(trust: &Trust) -> Result<SslConnector, String> {
    let text = |error: openssl::error::ErrorStack| error.to_string();
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(text)?;
    if trust.pinned_sha256.is_some() {
        // The fingerprint is compared after the handshake; it is all that counts.
        builder.set_verify(SslVerifyMode::NONE);
    }
    for file in SYSTEM_ROOTS.iter().filter(|file| std::path::Path::new(file).exists()).take(1) {
        builder.set_ca_file(file).map_err(text)?;
    }
    if let Some(pem) = &trust.extra_roots_pem {
        let roots = X509::stack_from_pem(pem.as_bytes()).map_err(text)?;
        if roots.is_empty() {
            return Err("the extra authorities hold no certificate in PEM form".to_owned());
        }
        for root in roots {
            builder.cert_store_mut().add_cert(root).map_err(text)?;
        }
    }
    Ok(builder.build())
}

/// SHA-256 of a certificate, lower-case hexadecimal.
fn fingerprint(certificate: &openssl::x509::X509Ref) -> String {
    let digest = certificate.digest(MessageDigest::sha256());
    digest
        .map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect())
        .unwrap_or_default()
}

/// The hash is the one that signed the certificate, but never weaker than SHA-256 (RFC 5929
/// section 4.1).
fn end_point(certificate: &openssl::x509::X509Ref) -> Result<Vec<u8>, openssl::error::ErrorStack> {
    let signature = certificate.signature_algorithm().object().nid();
    let digest = match signature.signature_algorithms().map(|algorithms| algorithms.digest) {
        Some(Nid::SHA384) => MessageDigest::sha384(),
        Some(Nid::SHA512) => MessageDigest::sha512(),
        _ => MessageDigest::sha256(),
    };
    let hash = certificate.digest(digest)?;
    Ok([b"tls-server-end-point:", &*hash].concat())
}
