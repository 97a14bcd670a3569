//! One connection with its sign-in: requests go out sealed where they must, answers come back open.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use wsman::sealed;

use super::{ConnectError, ConnectionSettings, address::Address, stream, stream::Stream, tls};
use crate::{
    Credential,
    authentication::{self, Offer, Party, Scheme, SecurityContext},
};

const SOAP: &str = "application/soap+xml;charset=UTF-8";
/// Largest body taken: a sealed envelope of the largest size and its framing.
const MAX_BODY_BYTES: usize = sealed::MAX_BODY_BYTES;
/// Legs of one conversation: NTLM needs two, SPNEGO with a change of mind some more.
const MAX_LEGS: usize = 8;
/// Cookies kept, so that a balancer sends us to the same server; more are not looked at.
const MAX_COOKIES: usize = 16;

/// A connection that is made when it is needed, and made anew after it was lost.
pub(crate) struct Connection {
    settings: ConnectionSettings,
    credential: Credential,
    address: Address,
    link: Option<Link>,
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
    /// The connection was lost after the request may have reached the server.
    Cut(String),
    /// The server did not answer in time.
    TimedOut(Duration),
}

/// An open connection that is signed in.
struct Link {
    sender: SendRequest<Full<Bytes>>,
    driver: Pin<Box<http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>>>,
    protection: Protection,
    cookies: Vec<(String, String)>,
}

/// What keeps requests safe on the way, and says whose they are.
enum Protection {
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
        Ok(Self { settings, credential, address, link: None })
    }

    /// How long the server may hold a request.
    pub(crate) fn timeouts(&self) -> super::Timeouts {
        self.settings.timeouts
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
        self.ensure().await.map_err(SendError::NotConnected)?;
        // Taken out: a request that is given up half-way takes its connection along.
        let Some(mut link) = self.link.take() else {
            return Err(SendError::Cut("the connection is gone".to_owned()));
        };
        let (sent, link) =
            self.send_over(&mut link, envelope).await.map(|answer| (answer, link))?;
        if sent.status != StatusCode::UNAUTHORIZED {
            self.link = Some(link);
            return Ok(sent);
        }
        Err(SendError::Cut("the server forgot who we are and asks to sign in again".to_owned()))
    }

    async fn send_over(&self, link: &mut Link, envelope: String) -> Result<Answer, SendError> {
        let (content_type, body) = link.protection.seal(envelope).map_err(SendError::Cut)?;
        let request = self.request(link, content_type, body);
        let limit = self.settings.timeouts.operation + self.settings.timeouts.margin;
        let response = timeout(limit, link.exchange(request))
            .await
            .map_err(|_| SendError::TimedOut(limit))?
            .map_err(SendError::Cut)?;
        let (head, body) = response.into_parts();
        link.keep_cookies(&head.headers);
        let body =
            link.collect(body, self.settings.timeouts.read_idle).await.map_err(SendError::Cut)?;
        let content_type = content_type_of(&head.headers);
        let is_sealed = content_type.starts_with("multipart/");
        let body = if is_sealed {
            link.protection.open(&content_type, &body).map_err(SendError::Cut)?
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
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ConnectError::Cut(error.to_string()))?;
        let mut link = Link {
            sender,
            driver: Box::pin(driver),
            protection: Protection::None,
            cookies: Vec::new(),
        };
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

    /// Takes the 401 first, on every connection: balancers tie the connection to a server only then.
    /// Then tries what the server offers, the best first. False if the last was refused.
    async fn sign_in(
        &self,
        link: &mut Link,
        binding: Option<Vec<u8>>,
    ) -> Result<bool, ConnectError> {
        let answer = self.ask(link, None).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Err(self.unexpected(&answer));
        }
        let is_basic_safe = self.address.is_tls || self.settings.endpoint.allow_basic_without_tls;
        let choices = answer.offer.choices(self.settings.endpoint.authentication, is_basic_safe)?;
        let mut impossible = None;
        for scheme in choices {
            match self.sign_in_by(link, scheme, binding.clone()).await {
                // What the account or this machine lacks for one scheme may not matter for the next.
                Err(
                    error @ (ConnectError::NoKdc(_)
                    | ConnectError::MissingSpn { .. }
                    | ConnectError::CredentialUnusable(_)),
                ) => {
                    tracing::debug!(scheme = scheme.word(), %error, "trying the next scheme");
                    impossible.get_or_insert(error);
                }
                other => return other,
            }
        }
        Err(impossible
            .unwrap_or_else(|| ConnectError::Authentication("no scheme could be tried".to_owned())))
    }

    async fn sign_in_by(
        &self,
        link: &mut Link,
        scheme: Scheme,
        binding: Option<Vec<u8>>,
    ) -> Result<bool, ConnectError> {
        if scheme == Scheme::Basic {
            let header = self.basic()?;
            let answer = self.ask(link, Some(&header)).await?;
            self.refuse_if_forbidden(&answer)?;
            link.protection = Protection::Basic(header);
            return Ok(answer.status != StatusCode::UNAUTHORIZED);
        }
        let host = &self.address.host;
        let spn = self.settings.endpoint.spn.clone().unwrap_or_else(|| format!("HTTP/{host}"));
        let mut context = authentication::begin(
            scheme,
            &Party {
                endpoint: &self.settings.endpoint,
                credential: &self.credential,
                spn,
                channel_binding: binding,
                kdc_timeout: self.settings.timeouts.connect,
            },
        )?;
        let mut token = None;
        for _ in 0..MAX_LEGS {
            let step;
            (context, step) = step_aside(context, token.take()).await?;
            if step.token.is_empty() && step.is_done {
                link.protection = self.protection(scheme, context);
                return Ok(true);
            }
            let header = format!("{} {}", scheme.word(), STANDARD.encode(&step.token));
            let answer = self.ask(link, Some(&header)).await?;
            self.refuse_if_forbidden(&answer)?;
            token = answer.token(scheme);
            if answer.status == StatusCode::UNAUTHORIZED {
                if token.is_none() {
                    return Ok(false);
                }
            } else {
                if let Some(last) = token.take() {
                    (context, _) = step_aside(context, Some(last)).await?;
                }
                link.protection = self.protection(scheme, context);
                return Ok(true);
            }
        }
        Err(ConnectError::Authentication("the conversation does not come to an end".to_owned()))
    }

    fn protection(&self, scheme: Scheme, context: Box<dyn SecurityContext>) -> Protection {
        if self.address.is_tls {
            Protection::Connection
        } else {
            Protection::Sealed { context, protocol: authentication::sealing_protocol(scheme) }
        }
    }

    fn basic(&self) -> Result<String, ConnectError> {
        match (&self.settings.endpoint.username, &self.credential) {
            (Some(user), Credential::Password(password)) => {
                let token = STANDARD.encode(format!("{user}:{}", password.reveal()));
                Ok(format!("Basic {token}"))
            }
            _ => Err(ConnectError::CredentialUnusable(
                "Basic needs a user name and a password".to_owned(),
            )),
        }
    }

    /// An empty request, to learn what the server says to it.
    async fn ask(&self, link: &mut Link, credentials: Option<&str>) -> Result<Said, ConnectError> {
        let mut request = self.request(link, SOAP.to_owned(), Vec::new());
        if let Some(value) = credentials.and_then(|text| text.parse().ok()) {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let response = link.exchange(request).await.map_err(ConnectError::Cut)?;
        let (head, body) = response.into_parts();
        link.keep_cookies(&head.headers);
        let body = link.collect(body, self.settings.timeouts.read_idle).await;
        let words = head.headers.get_all(header::WWW_AUTHENTICATE);
        let challenges: Vec<String> =
            words.iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
        Ok(Said {
            status: head.status,
            is_html: content_type_of(&head.headers).contains("html"),
            offer: Offer::parse(challenges.iter().map(String::as_str)),
            challenges,
            body: body.map_err(ConnectError::Cut)?,
        })
    }

    fn request(&self, link: &Link, content_type: String, body: Vec<u8>) -> Request<Full<Bytes>> {
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
            (header::CONTENT_TYPE, content_type.as_str()),
            (header::COOKIE, cookies.as_str()),
            (header::AUTHORIZATION, authorization),
        ];
        for (name, value) in headers {
            if let Ok(value) = value.parse()
                && value != ""
            {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }

    fn refuse_if_forbidden(&self, said: &Said) -> Result<(), ConnectError> {
        match said.status {
            StatusCode::FORBIDDEN => Err(ConnectError::Forbidden(said.reason())),
            StatusCode::NOT_FOUND => Err(self.unexpected(said)),
            _ => Ok(()),
        }
    }

    /// What an answer means that should have been a 401.
    fn unexpected(&self, said: &Said) -> ConnectError {
        match said.status {
            StatusCode::NOT_FOUND => ConnectError::WrongPath { path: self.address.path.clone() },
            StatusCode::FORBIDDEN => ConnectError::SslRequired,
            status if said.is_html => {
                ConnectError::HtmlPage { status: status.as_u16(), title: title(&said.body) }
            }
            status => ConnectError::ServerError { status: status.as_u16(), reason: said.reason() },
        }
    }
}

/// What a server says to an empty request.
struct Said {
    status: StatusCode,
    is_html: bool,
    offer: Offer,
    challenges: Vec<String>,
    body: Vec<u8>,
}

impl Said {
    /// The token that goes with a scheme's word.
    fn token(&self, scheme: Scheme) -> Option<Vec<u8>> {
        self.challenges.iter().find_map(|challenge| {
            let (word, token) = challenge.trim().split_once(' ')?;
            let is_it = word.eq_ignore_ascii_case(scheme.word());
            is_it.then(|| STANDARD.decode(token.trim()).ok())?
        })
    }

    fn reason(&self) -> String {
        title(&self.body).unwrap_or_else(|| {
            self.status.canonical_reason().unwrap_or("no reason given").to_owned()
        })
    }
}

impl Link {
    /// Sends a request and takes the head of its answer. The connection makes progress only here:
    /// no task of its own runs on.
    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        drive(&mut self.driver, self.sender.send_request(request))
            .await?
            .map_err(|error| error.to_string())
    }

    /// The whole body of an answer, within limits of size and silence.
    async fn collect(&mut self, mut body: Incoming, idle: Duration) -> Result<Vec<u8>, String> {
        let mut whole = Vec::new();
        loop {
            let frame = timeout(idle, drive(&mut self.driver, body.frame())).await;
            let frame = frame.map_err(|_| format!("silent for {} s", idle.as_secs()))??;
            let Some(frame) = frame else { return Ok(whole) };
            let frame = frame.map_err(|error| error.to_string())?;
            if let Some(data) = frame.data_ref() {
                if whole.len() + data.len() > MAX_BODY_BYTES {
                    return Err(format!("an answer is larger than {MAX_BODY_BYTES} bytes"));
                }
                whole.extend_from_slice(data);
            }
        }
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
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
    fn open(&mut self, content_type: &str, body: &[u8]) -> Result<Vec<u8>, String> {
        let Self::Sealed { context, .. } = self else {
            return Err("a sealed answer came on a connection that has no key".to_owned());
        };
        let parts = sealed::parse(content_type, body).map_err(|error| error.to_string())?;
        let mut plain = Vec::new();
        for part in parts.parts {
            let header = body.get(part.signature).unwrap_or_default();
            let data = body.get(part.sealed).unwrap_or_default();
            let opened = context.unwrap(header, data)?;
            if plain.is_empty() {
                plain = opened;
            } else {
                plain.extend(opened);
            }
        }
        Ok(plain)
    }
}

/// Does work that needs the connection to make progress.
async fn drive<T>(
    driver: &mut Pin<Box<http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>>>,
    work: impl Future<Output = T>,
) -> Result<T, String> {
    let mut work = pin!(work);
    let mut ended = false;
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
        }
        if !ended && let Poll::Ready(end) = driver.as_mut().poll(context) {
            ended = true;
            // What was received before the end may still complete the work.
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(done));
            }
            let reason = end.err().map_or_else(|| "closed".to_owned(), |error| error.to_string());
            return Poll::Ready(Err(reason));
        }
        Poll::Pending
    })
    .await
}

/// Takes a step of a conversation where it may block: it may ask a key distribution centre.
async fn step_aside(
    mut context: Box<dyn SecurityContext>,
    token: Option<Vec<u8>>,
) -> Result<(Box<dyn SecurityContext>, authentication::Step), ConnectError> {
    let stepped = tokio::task::spawn_blocking(move || {
        let step = context.step(token.as_deref());
        step.map(|step| (context, step))
    });
    stepped.await.map_err(|error| ConnectError::Authentication(error.to_string()))?
}

fn content_type_of(headers: &HeaderMap) -> String {
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
