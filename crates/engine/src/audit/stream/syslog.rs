//! Syslog messages on their way: by TLS, by TCP, by datagrams.
//!
//! Syslog has no answer. By TCP and TLS a batch is sent on a connection of its own, which is then
//! closed from this side; the receiver closes its own side when it has read everything. Had it gone
//! before, with anything unread, its system would have broken the connection instead.

use std::{io, sync::Arc, time::Duration};

use domain::audit::{Syslog, Transport};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket, lookup_host},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A batch is some hundred kilobytes.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a receiver may take to read what has reached it. One that keeps the connection open for
/// longer has it all the same, as far as anybody can tell.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest datagram over IPv4 (RFC 5426 section 3.2).
const MOST_DATAGRAM_BYTES: usize = 65_507;
/// Receivers say nothing; one that talks all the same is listened to no longer than this.
const MOST_SAID_BYTES: u64 = 64 * 1024;

/// Sends messages in their order; what is known of their arrival.
pub(super) async fn send(to: &Syslog, messages: Vec<String>) -> Result<String, String> {
    let sending = async {
        match to.transport {
            Transport::Udp => datagrams(to, messages).await,
            Transport::Tcp => stream(connect(to).await?, &framed(&messages)).await,
            Transport::Tls => stream(secure(to).await?, &framed(&messages)).await,
        }
    };
    timeout(SEND_TIMEOUT, sending)
        .await
        .unwrap_or_else(|_| Err(format!("it did not take the entries in {SEND_TIMEOUT:?}")))
}

/// Octet counting (RFC 6587 section 3.4.1, RFC 5425 section 4.3).
fn framed(messages: &[String]) -> Vec<u8> {
    let mut frames = Vec::with_capacity(messages.iter().map(|message| message.len() + 8).sum());
    for message in messages {
        frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
        frames.extend_from_slice(message.as_bytes());
    }
    frames
}

async fn connect(to: &Syslog) -> Result<TcpStream, String> {
    let address = format!("{}:{}", to.host, to.port);
    let connecting = TcpStream::connect((to.host.as_str(), to.port));
    match timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(connected) => connected.map_err(|error| format!("connecting to {address}: {error}")),
        Err(_) => Err(format!("{address} did not answer in {CONNECT_TIMEOUT:?}")),
    }
}

async fn secure(to: &Syslog) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
    let connector = TlsConnector::from(trust(to.trusted.as_deref())?);
    let name = ServerName::try_from(to.host.clone())
        .map_err(|_| format!("{} is no name that a certificate can have", to.host))?;
    let plain = connect(to).await?;
    match timeout(CONNECT_TIMEOUT, connector.connect(name, plain)).await {
        Ok(secured) => secured.map_err(|error| format!("TLS with {}: {error}", to.host)),
        Err(_) => Err(format!("{} did not answer to TLS in {CONNECT_TIMEOUT:?}", to.host)),
    }
}

/// Whom TLS trusts: the authorities that are given, or those of the system.
pub(super) fn trust(given: Option<&str>) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be prepared: {error}"))?;
    let Some(pem) = given else {
        use rustls_platform_verifier::BuilderVerifierExt as _;
        let builder = builder
            .with_platform_verifier()
            .map_err(|error| format!("the authorities of the system cannot be read: {error}"))?;
        return Ok(Arc::new(builder.with_no_client_auth()));
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate =
            certificate.map_err(|_| "the trusted certificates are no PEM".to_owned())?;
        roots
            .add(certificate)
            .map_err(|error| format!("a trusted certificate is of no use: {error}"))?;
    }
    if roots.is_empty() {
        return Err("the trusted certificates hold none in PEM form".to_owned());
    }
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

async fn stream(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    frames: &[u8],
) -> Result<String, String> {
    let broken = |error: io::Error| format!("the connection broke: {error}");
    connection.write_all(frames).await.map_err(broken)?;
    connection.flush().await.map_err(broken)?;
    connection.shutdown().await.map_err(broken)?;
    let mut said = Vec::new();
    let mut rest = connection.take(MOST_SAID_BYTES);
    match timeout(CLOSE_TIMEOUT, rest.read_to_end(&mut said)).await {
        // Without TLS's own farewell: what counts is that the system did not break it off.
        Ok(Err(error)) if error.kind() != io::ErrorKind::UnexpectedEof => Err(broken(error)),
        Ok(_) => Ok("it took everything and closed the connection".to_owned()),
        Err(_) => Ok("it took everything and left the connection open".to_owned()),
    }
}

async fn datagrams(to: &Syslog, messages: Vec<String>) -> Result<String, String> {
    let broken = |error: io::Error| format!("sending datagrams to {}: {error}", to.host);
    let mut addresses = lookup_host((to.host.as_str(), to.port)).await.map_err(broken)?;
    let address = addresses.next().ok_or_else(|| format!("{} has no address", to.host))?;
    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await.map_err(broken)?;
    socket.connect(address).await.map_err(broken)?;
    for mut message in messages {
        // What does not fit is cut, as the receiver would do (RFC 5424 section 6.1).
        message.truncate(message.floor_char_boundary(MOST_DATAGRAM_BYTES));
        socket.send(message.as_bytes()).await.map_err(broken)?;
    }
    Ok("it was sent; nobody says whether a datagram arrives".to_owned())
}
