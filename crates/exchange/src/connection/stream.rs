//! Opening the socket: directly, or through a proxy's tunnel.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::connector::Proxy;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{ConnectError, ConnectionSettings, address::Address};

/// Bytes in both directions, plain or inside TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// Largest head of a proxy's answer.
const MAX_PROXY_HEAD_BYTES: usize = 16 * 1024;

/// Opens the way to the server.
pub(crate) async fn open(
    settings: &ConnectionSettings,
    address: &Address,
) -> Result<TcpStream, ConnectError> {
    let limit = settings.timeouts.connect;
    match &settings.endpoint.proxy {
        None => connect(&address.connect_to, limit).await,
        Some(proxy) => {
            let stream = connect(&proxy.address, limit).await.map_err(|error| {
                ConnectError::Proxy { proxy: proxy.address.clone(), reason: error.to_string() }
            })?;
            let tunnel = tunnel(stream, settings, proxy, &address.connect_to);
            timeout(limit, tunnel).await.unwrap_or_else(|_| {
                Err(ConnectError::TimedOut { step: "the proxy's tunnel".to_owned(), after: limit })
            })
        }
    }
}

async fn connect(to: &str, limit: Duration) -> Result<TcpStream, ConnectError> {
    let unreachable = |reason: String| ConnectError::Unreachable { address: to.to_owned(), reason };
    let stream = timeout(limit, TcpStream::connect(to))
        .await
        .map_err(|_| unreachable(format!("no answer within {} s", limit.as_secs())))?
        .map_err(|error| unreachable(error.to_string()))?;
    // Requests are small and wait for their answers.
    stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
    Ok(stream)
}

/// Asks for a tunnel with CONNECT (RFC 9110 section 9.3.6). Only a tunnel keeps one connection to
/// the server, which signing in needs; so it is used for `http` too.
async fn tunnel(
    mut stream: TcpStream,
    settings: &ConnectionSettings,
    proxy: &Proxy,
    to: &str,
) -> Result<TcpStream, ConnectError> {
    let fail = |reason: String| ConnectError::Proxy { proxy: proxy.address.clone(), reason };
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
    if let (Some(user), Some(password)) = (&proxy.username, &settings.proxy_password) {
        let token = STANDARD.encode(format!("{user}:{}", password.reveal()));
        request.push_str(&format!("Proxy-Authorization: Basic {token}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| fail(error.to_string()))?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // Byte by byte, because what follows the head belongs to the tunnel.
        let byte = stream.read_u8().await.map_err(|error| fail(error.to_string()))?;
        head.push(byte);
        if head.len() > MAX_PROXY_HEAD_BYTES {
            return Err(fail("its answer is too long".to_owned()));
        }
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    match line.split_whitespace().nth(1) {
        Some(status) if status.starts_with('2') => Ok(stream),
        Some("407") => Err(fail(
            "it wants a user name and password, or refuses the ones given; set them with the proxy"
                .to_owned(),
        )),
        _ => Err(fail(format!("it answered {line:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use domain::connector::ServerEndpoint;
    use tokio::net::TcpListener;

    use super::*;
    use crate::Secret;

    /// What a proxy that answers so makes of us, and what it was asked.
    async fn through(answer: &'static str) -> (Result<Vec<u8>, ConnectError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy {
            address: listener.local_addr().unwrap().to_string(),
            username: Some("jane".to_owned()),
        };
        let endpoint = ServerEndpoint {
            proxy: Some(proxy),
            ..ServerEndpoint::new("http://exchange.contoso.com/PowerShell/")
        };
        let address = Address::of(&endpoint).unwrap();
        let mut settings = ConnectionSettings::new(endpoint);
        settings.proxy_password = Some(Secret::new("secret"));
        let serve = async {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            client.write_all(answer.as_bytes()).await.unwrap();
            client.write_all(b"beyond").await.unwrap();
            String::from_utf8(head).unwrap()
        };
        let connect = async {
            let mut stream = open(&settings, &address).await?;
            let mut bytes = vec![0; 6];
            stream.read_exact(&mut bytes).await.unwrap();
            Ok(bytes)
        };
        tokio::join!(connect, serve)
    }

    #[tokio::test]
    async fn a_tunnel_is_asked_for_with_credentials_and_begins_behind_the_head() {
        let (bytes, head) = through("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n").await;
        assert_eq!(bytes.unwrap(), b"beyond");
        assert!(head.starts_with("CONNECT exchange.contoso.com:80 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("Proxy-Authorization: Basic amFuZTpzZWNyZXQ=\r\n"), "{head}");
    }

    #[tokio::test]
    async fn a_refusal_names_the_proxy_and_what_it_wants() {
        for (answer, said) in [
            ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "user name and password"),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", "503"),
            ("<html>\r\n\r\n", "<html>"),
        ] {
            let (error, _) = through(answer).await;
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with("proxy 127.0.0.1:") && error.contains(said), "{error}");
        }
    }
}
