//! One connection with its sign-in: requests go out sealed where they must, answers come back open.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{HeaderMap, Method, Request, StatusCode, header};
use tokio::time::timeout;
use wsman::sealed;

use super::{
    ConnectError, ConnectionSettings,
    address::Address,
    http::{BodyLimits, Http},
    stream,
    stream::Stream,
    tls,
};
use crate::{Credential, authentication::SecurityContext};

pub(super) const SOAP: &str = "application/soap+xml;charset=UTF-8";
/// Largest body taken: a sealed envelope of the largest size and its framing.
const MAX_BODY_BYTES: usize = sealed::MAX_BODY_BYTES;
/// Cookies kept, so that a balancer sends us to the same server; more are not looked at.
const MAX_COOKIES: usize = 16;

/// A connection that is made when it is needed, and made anew after it was lost.
pub(crate) struct Connection {
    pub(super) settings: ConnectionSettings,
    pub(super) credential: Credential,
    pub(super) address: Address,
    link: Option<Link>,
    /// Memory of an answer that was read: the next one is as long, and fresh memory costs more than
    /// reading it.
    spare: Vec<u8>,
    /// What the server's clock showed with its last answer (RFC 9110, 6.6.1).
    date: Option<String>,
}

/// An answer, opened.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) is_soap: bool,
    pub(crate) body: Vec<u8>,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum SendError {
    /// There is no connection. The request was not sent.
    NotConnected(ConnectError),
    /// The connection was lost after the request may have reached the server, and before anything
    /// of an answer came.
    Cut(String),
    /// An answer came and cannot be read to its end: what it said is lost.
    Lost(String),
    /// The server did not answer in time.
    TimedOut(Duration),
}

/// An open connection that is signed in.
pub(super) struct Link {
    pub(super) http: Http,
    pub(super) protection: Protection,
    cookies: Vec<(String, String)>,
}

/// What keeps requests safe on the way, and says whose they are.
pub(super) enum Protection {
    /// Not signed in yet.
    None,
    /// The header of each request.
    Basic(String),
    /// The connection is signed in and TLS does the rest.
    Connection,
    /// Every body is sealed.
    Sealed { context: Box<dyn SecurityContext>, protocol: sealed::Protocol },
}

impl Connection {
    pub(crate) fn new(
        settings: ConnectionSettings,
        credential: Credential,
    ) -> Result<Self, ConnectError> {
        let address = Address::of(&settings.endpoint)?;
        Ok(Self { settings, credential, address, link: None, spare: Vec::new(), date: None })
    }

    /// How long the server may hold a request.
    pub(crate) fn timeouts(&self) -> super::Timeouts {
        self.settings.timeouts
    }

    /// What is taken of an answer's body.
    pub(super) fn body_limits(&self) -> BodyLimits {
        BodyLimits { bytes: MAX_BODY_BYTES, idle: self.settings.timeouts.read_idle }
    }

    /// Path of the URL, for messages.
    pub(crate) fn path(&self) -> &str {
        &self.address.path
    }

    /// Connects and signs in, unless that has been done.
    pub(crate) async fn ensure(&mut self) -> Result<(), ConnectError> {
        if self.link.is_none() {
            self.link = Some(self.connect().await?);
        }
        Ok(())
    }

    /// Sends one envelope and takes the answer. Whatever goes wrong after the connection was made
    /// ends the connection; the next request makes another.
    pub(crate) async fn send(&mut self, envelope: String) -> Result<Answer, SendError> {
        let answer = self.send_once(envelope.clone()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        // Refused at the door, so nothing of it was carried out: it may be said again.
        tracing::debug!("the server asks to sign in again");
        let answer = self.send_once(envelope).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        Err(SendError::Cut("the server lets us sign in and then does not know us".to_owned()))
    }

    /// Sends an envelope; an answer of 401 ends the connection.
    async fn send_once(&mut self, envelope: String) -> Result<Answer, SendError> {
        // A server closes a connection that was idle for some minutes; nothing is lost with it.
        if let Some(link) = &mut self.link
            && !link.http.is_open().await
        {
            tracing::debug!("the server closed an idle connection");
            self.link = None;
        }
        self.ensure().await.map_err(SendError::NotConnected)?;
        // Taken out: a request that is given up half-way takes its connection along.
        let Some(mut link) = self.link.take() else {
            return Err(SendError::Cut("the connection is gone".to_owned()));
        };
        let memory = std::mem::take(&mut self.spare);
        let sent = self.send_over(&mut link, envelope, memory).await?;
        if sent.status != StatusCode::UNAUTHORIZED {
            self.link = Some(link);
        }
        Ok(sent)
    }

    /// What the server's clock showed with its last answer, as it was written.
    pub(crate) fn server_date(&self) -> Option<&str> {
        self.date.as_deref()
    }

    /// Takes the memory of an answer back that nobody reads any more.
    pub(crate) fn reuse(&mut self, answer: Answer) {
        self.spare = answer.body;
    }

    async fn send_over(
        &mut self,
        link: &mut Link,
        envelope: String,
        memory: Vec<u8>,
    ) -> Result<Answer, SendError> {
        let (content_type, body) = link.protection.seal(envelope).map_err(SendError::Cut)?;
        let request = self.request(link, &content_type, body);
        let limit = self.settings.timeouts.operation + self.settings.timeouts.margin;
        let response = timeout(limit, link.http.exchange(request))
            .await
            .map_err(|_| SendError::TimedOut(limit))?
            .map_err(SendError::Cut)?;
        let (head, body) = response.into_parts();
        link.keep_cookies(&head.headers);
        let date = head.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        self.date = date.map(str::to_owned);
        let limits = self.body_limits();
        let body = link.http.collect(body, memory, limits).await.map_err(SendError::Lost)?;
        let content_type = content_type_of(&head.headers);
        let is_sealed = content_type.starts_with("multipart/");
        let body = if is_sealed {
            link.protection.open(&content_type, body).map_err(SendError::Lost)?
        } else {
            body
        };
        let is_soap = is_sealed || content_type.starts_with("application/soap+xml");
        Ok(Answer { status: head.status, is_soap, body })
    }

    async fn connect(&self) -> Result<Link, ConnectError> {
        let tcp = stream::open(&self.settings, &self.address).await?;
        let (stream, binding): (Box<dyn Stream>, _) = if self.address.is_tls {
            let secured = tls::secure(tcp, &self.settings, &self.address).await?;
            (Box::new(secured.stream), Some(secured.channel_binding))
        } else {
            (Box::new(tcp), None)
        };
        let http = Http::over(stream).await;
        let http = http.map_err(|error| ConnectError::Cut(error.to_string()))?;
        let mut link = Link { http, protection: Protection::None, cookies: Vec::new() };
        let limit = self.settings.timeouts.authentication;
        let signing_in = self.sign_in(&mut link, binding);
        match timeout(limit, signing_in).await {
            Ok(Ok(true)) => Ok(link),
            // Some servers close after a refusal: the next scheme has its own connection.
            Ok(Ok(false)) => Err(ConnectError::BadCredentials("the server said 401".to_owned())),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ConnectError::TimedOut { step: "signing in".to_owned(), after: limit }),
        }
    }

    pub(super) fn request(
        &self,
        link: &Link,
        content_type: &str,
        body: Vec<u8>,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        // The path was part of a URL that was parsed.
        *request.uri_mut() = self.address.path.parse().unwrap_or_default();
        let cookies: Vec<String> =
            link.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let authorization = match &link.protection {
            Protection::Basic(header) => header.as_str(),
            _ => "",
        };
        let headers = [
            (header::HOST, self.address.authority.as_str()),
            // Exchange was seen to compress sealed bodies otherwise.
            (header::ACCEPT_ENCODING, "identity"),
            (header::USER_AGENT, "Gatepost"),
            (header::CONTENT_TYPE, content_type),
            (header::COOKIE, cookies.as_str()),
            (header::AUTHORIZATION, authorization),
        ];
        for (name, value) in headers {
            if !value.is_empty()
                && let Ok(value) = value.parse()
            {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }
}

impl Link {
    pub(super) fn keep_cookies(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE).iter().take(MAX_COOKIES) {
            let pair = value.to_str().ok().and_then(|value| value.split(';').next());
            let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) else { continue };
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            self.cookies.retain(|(known, _)| *known != name);
            if self.cookies.len() < MAX_COOKIES {
                self.cookies.push((name, value));
            }
        }
    }
}

impl Protection {
    /// Content type and body of a request.
    fn seal(&mut self, envelope: String) -> Result<(String, Vec<u8>), String> {
        let Self::Sealed { context, protocol } = self else {
            return Ok((SOAP.to_owned(), envelope.into_bytes()));
        };
        let length = envelope.len();
        let wrapped = context.wrap(envelope.into_bytes())?;
        let framed = sealed::frame(
            *protocol,
            sealed::Style::Windows,
            length + wrapped.padding_bytes,
            &wrapped.header,
            &wrapped.data,
        );
        Ok((sealed::content_type(*protocol, 1), framed))
    }

    /// The plain text of a sealed answer.
    fn open(&mut self, content_type: &str, mut body: Vec<u8>) -> Result<Vec<u8>, String> {
        let Self::Sealed { context, .. } = self else {
            return Err("a sealed answer came on a connection that has no key".to_owned());
        };
        let parts = sealed::parse(content_type, &body).map_err(|error| error.to_string())?;
        // Opened where they lie and moved together: an answer has half a megabyte.
        let mut end = 0;
        for part in parts.parts {
            let start = part.signature.start;
            let message = body.get_mut(start..part.sealed.end).unwrap_or_default();
            let opened = context.unwrap(message, part.signature.len())?;
            let length = opened.len();
            body.copy_within(start + opened.start..start + opened.end, end);
            end += length;
        }
        body.truncate(end);
        Ok(body)
    }
}

pub(super) fn content_type_of(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // The boundary keeps its case; only what is before the first parameter is compared.
    let value = value.unwrap_or_default();
    match value.split_once(';') {
        Some((kind, rest)) => format!("{};{rest}", kind.trim().to_ascii_lowercase()),
        None => value.trim().to_ascii_lowercase(),
    }
}

/// The title of a page, for people to recognize it by.
pub(crate) fn title(body: &[u8]) -> Option<String> {
    const MAX_CHARS: usize = 100;
    let text = String::from_utf8_lossy(body.get(..4096.min(body.len())).unwrap_or_default());
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower.get(start..)?.find("</title>")?;
    let title: String = text.get(start..end)?.trim().chars().take(MAX_CHARS).collect();
    (!title.is_empty()).then_some(title)
}
