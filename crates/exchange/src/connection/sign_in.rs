//! Signing in on a new connection: the 401 first, then the best scheme that both sides can do.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{StatusCode, header};

use super::{
    ConnectError, Connection,
    link::{Link, Protection, SOAP, content_type_of, title},
};
use crate::{
    Credential,
    authentication::{self, Offer, Party, Scheme, SecurityContext},
};

/// Legs of one conversation: NTLM needs two, SPNEGO with a change of mind some more.
const MAX_LEGS: usize = 8;

impl Connection {
    /// Takes the 401 first, on every connection: balancers tie the connection to a server only then.
    /// Then tries what the server offers, the best first. False if the last was refused.
    pub(super) async fn sign_in(
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
                let mut is_done = step.is_done;
                if let Some(last) = token.take() {
                    let step;
                    (context, step) = step_aside(context, Some(last)).await?;
                    is_done = step.is_done;
                }
                if scheme == Scheme::Kerberos && !is_done {
                    return Err(ConnectError::Authentication(
                        "the server took the ticket but did not prove who it is; somebody may \
                         stand in between"
                            .to_owned(),
                    ));
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
        let mut request = self.request(link, SOAP, Vec::new());
        if let Some(value) = credentials.and_then(|text| text.parse().ok()) {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let response = link.http.exchange(request).await.map_err(ConnectError::Cut)?;
        let (head, body) = response.into_parts();
        link.keep_cookies(&head.headers);
        let body = link.http.collect(body, Vec::new(), self.body_limits()).await;
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

/// Takes a step of a conversation where it may block: it may ask a key distribution centre.
pub(crate) async fn step_aside(
    mut context: Box<dyn SecurityContext>,
    token: Option<Vec<u8>>,
) -> Result<(Box<dyn SecurityContext>, authentication::Step), ConnectError> {
    let stepped = tokio::task::spawn_blocking(move || {
        let step = context.step(token.as_deref());
        step.map(|step| (context, step))
    });
    stepped.await.map_err(|error| ConnectError::Authentication(error.to_string()))?
}
