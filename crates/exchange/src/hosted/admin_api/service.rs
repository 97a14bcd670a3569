//! One call of the service, through everything that may come between: tokens that end, redirects to
//! the region, pauses, failures that pass.
//!
//! INVARIANT: a call that changes something is sent again only if the service has said that it was
//! not taken: at the door (401), for too many requests (429), on the way (a redirect), or because it
//! names what is not there yet (404).

use std::time::Duration;

use bytes::Bytes;
use domain::{Timestamp, connector::OrganizationIdentity};
use hyper::{
    Method, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use uuid::Uuid;

use super::{
    super::sign_in::Token,
    anchor,
    cookies::Cookies,
    failure::Failure,
    pace::{Pace, back_off},
    route,
};
use crate::{
    ConnectError, Error, Notice,
    connection::SendError,
    hosted::{
        Answer, Ask, Channel, HostedCredential, HostedSettings, SignInError, cloud,
        throttle::{MIN_WAIT, USUAL_WAIT, wait_of},
    },
};

/// All that one call may wait for the service, pauses of others included.
pub(super) const MAX_PATIENCE: Duration = Duration::from_secs(600);
/// Tries of a call that fails for what may pass.
pub(super) const MAX_TRIES: u32 = 8;
/// Tries of a call whose connection is lost.
const MAX_CUTS: u32 = 3;
/// Redirects of one call.
const MAX_REDIRECTS: u32 = 5;

/// The way to the service, signed in.
pub(super) struct Service {
    pub(super) settings: HostedSettings,
    credential: HostedCredential,
    token: Token,
    /// The tenant as it stands in addresses: its id, where the token tells it.
    pub(super) tenant: String,
    /// `https://host[:port]` where requests go: the region's, once it was named.
    origin: String,
    channel: Channel,
    cookies: Cookies,
    connection: Uuid,
    pace: Pace,
    server_time: Option<Timestamp>,
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query, or a whole address that the service gave.
    pub(super) target: String,
    pub(super) body: Bytes,
    /// The name of the cmdlet, for messages.
    pub(super) cmdlet: String,
    /// The mailbox it is about, if the service can be led there.
    pub(super) anchor: Option<HeaderValue>,
    pub(super) headers: Vec<(&'static str, String)>,
    /// How long the answer may take.
    pub(super) within: Duration,
    /// Whether it changes nothing.
    pub(super) is_read: bool,
}

/// Why a call has no good answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The service answered with an error.
    Failed(Box<Failure>),
    /// Anything else.
    Error(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<ConnectError> for Trouble {
    fn from(error: ConnectError) -> Self {
        Self::Error(error.into())
    }
}

/// How much a call has been through.
#[derive(Default)]
struct Patience {
    waited: Duration,
    tries: u32,
    cuts: u32,
    redirects: u32,
    is_renewed: bool,
    /// What was asked for at first.
    target: String,
}

impl Service {
    /// Signs in. Nothing is asked of Exchange yet.
    pub(super) async fn sign_in(
        settings: &HostedSettings,
        credential: &HostedCredential,
    ) -> Result<Self, ConnectError> {
        let origin = cloud::service(&settings.endpoint);
        let channel = Channel::new(settings, &origin, true)?;
        if channel.is_in_the_clear() {
            return Err(SignInError::InTheClear(origin).into());
        }
        let token = settings.shared.tokens.token(settings, credential).await?;
        let tenant = token.tenant.map(|id| id.to_string());
        Ok(Self {
            tenant: tenant.unwrap_or_else(|| settings.endpoint.tenant.to_string()),
            settings: settings.clone(),
            credential: credential.clone(),
            token,
            origin,
            channel,
            cookies: Cookies::default(),
            connection: Uuid::new_v4(),
            pace: Pace::default(),
            server_time: None,
        })
    }

    /// Which organization this is, where the token tells it.
    pub(super) fn organization(&self) -> Option<OrganizationIdentity> {
        let key = self.token.tenant?.to_string();
        Some(OrganizationIdentity { key, name: self.settings.endpoint.tenant.to_string() })
    }

    /// What the service's clock showed with its last answer.
    pub(super) fn server_time(&self) -> Option<Timestamp> {
        self.server_time
    }

    /// `https://host[:port]` where requests go.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// What was learned of the service's pace since this was asked last.
    pub(super) fn take_notices(&mut self) -> impl Iterator<Item = Notice> + use<> {
        self.pace.take_notices()
    }

    /// How many calls may be sent at once, of `most` that one would send.
    pub(super) fn room(&self, most: usize) -> usize {
        self.pace.room(most)
    }

    /// Takes the memory of an answer back that nobody reads any more.
    pub(super) fn reuse(&mut self, answer: Answer) {
        self.channel.reuse(answer);
    }

    /// Carries a call through; gives the answer of a success.
    pub(super) async fn call(&mut self, call: &Call) -> Result<Answer, Trouble> {
        let mut patience = Patience { target: call.target.clone(), ..Patience::default() };
        let done = self.carry_through(&mut call.clone(), &mut patience).await;
        self.pace.waited(patience.waited);
        done
    }

    async fn carry_through(
        &mut self,
        call: &mut Call,
        patience: &mut Patience,
    ) -> Result<Answer, Trouble> {
        loop {
            self.wait_for_pause(patience).await?;
            // A session lives longer than a token, and another may have renewed it.
            self.token =
                self.settings.shared.tokens.token(&self.settings, &self.credential).await?;
            route::follow_link(self, call)?;
            let answer = match self.channel.send(&self.ask(call)).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.survive(call, patience, error).await?;
                    continue;
                }
            };
            self.note(&answer);
            if answer.status.is_success() {
                return Ok(answer);
            }
            match answer.status {
                StatusCode::UNAUTHORIZED if !patience.is_renewed => {
                    patience.is_renewed = true;
                    self.renew(&answer).await?;
                }
                status if status.is_redirection() => {
                    patience.redirects += 1;
                    if patience.redirects > MAX_REDIRECTS {
                        let text = "the service sends us from one place to another without end";
                        return Err(Error::Protocol(text.to_owned()).into());
                    }
                    call.target = route::redirect(self, &answer)?;
                }
                StatusCode::TOO_MANY_REQUESTS => {
                    self.refused(wait_of(&answer));
                }
                _ => self.weigh(call, patience, &answer).await?,
            }
        }
    }

    /// What is done about an answer that is no success: nothing if the call is to be sent again.
    async fn weigh(
        &mut self,
        call: &mut Call,
        patience: &mut Patience,
        answer: &Answer,
    ) -> Result<(), Trouble> {
        let failure = Failure::of(answer, &call.cmdlet);
        if failure.is_misrouted && call.anchor.take().is_some() {
            // The mailbox is elsewhere; the service finds it without being led.
            return Ok(());
        }
        let is_passing = failure.is_passing || answer.status.is_server_error();
        if !is_passing {
            return Err(Trouble::Failed(Box::new(failure)));
        }
        if !call.is_read {
            tracing::debug!(status = failure.status, error = %failure.error, "a write has no answer");
            return Err(Error::Interrupted { during: call.cmdlet.clone() }.into());
        }
        patience.tries += 1;
        if patience.tries >= MAX_TRIES {
            return Err(Trouble::Failed(Box::new(failure)));
        }
        match wait_of(answer) {
            Some(wait) => {
                self.refused(Some(wait));
            }
            None => self.back_off(patience, patience.tries).await,
        }
        Ok(())
    }

    /// What is done about a connection that gave no answer: nothing if the call may be sent again.
    async fn survive(
        &mut self,
        call: &mut Call,
        patience: &mut Patience,
        error: SendError,
    ) -> Result<(), Trouble> {
        patience.cuts += 1;
        let may_repeat = patience.cuts < MAX_CUTS;
        match error {
            // It was not sent.
            SendError::NotConnected(error) if may_repeat && error.is_passing() => {
                tracing::debug!(%error, "a connection was not made; trying again");
                route::home(self)?;
                call.target.clone_from(&patience.target);
            }
            SendError::NotConnected(error) => return Err(error.into()),
            SendError::Cut(reason) | SendError::Lost(reason) if call.is_read && may_repeat => {
                tracing::debug!(%reason, "a connection was cut; asking again on another");
            }
            SendError::Cut(reason) | SendError::Lost(reason) => {
                tracing::debug!(%reason, "a connection was cut");
                return Err(Error::Interrupted { during: call.cmdlet.clone() }.into());
            }
            SendError::TimedOut(after) => {
                return Err(Error::TimedOut { during: call.cmdlet.clone(), after }.into());
            }
        }
        self.back_off(patience, patience.cuts).await;
        Ok(())
    }

    /// Waits as long as the service asked everybody to.
    async fn wait_for_pause(&self, patience: &mut Patience) -> Result<(), Trouble> {
        let most = MAX_PATIENCE.saturating_sub(patience.waited);
        let throttle = &self.settings.shared.throttle;
        let passed = throttle.passed(&*self.settings.clock, most).await;
        patience.waited += passed.map_err(too_many)?;
        Ok(())
    }

    async fn back_off(&self, patience: &mut Patience, tries: u32) {
        let wait = back_off(tries);
        self.settings.clock.sleep(wait).await;
        patience.waited += wait;
    }

    /// Waits before what failed for what may pass is tried again.
    pub(super) async fn rest(&mut self, wait: Duration) {
        self.settings.clock.sleep(wait).await;
        self.pace.waited(wait);
    }

    /// The service refused and asked to wait, or did not say how long. Everybody waits; gives how
    /// long.
    pub(super) fn refused(&mut self, wait: Option<Duration>) -> Duration {
        self.pace.refused();
        let wait = wait.unwrap_or(USUAL_WAIT).max(MIN_WAIT);
        self.settings.shared.throttle.pause(self.now(), wait)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.settings.clock.now()
    }

    /// Has the token renewed that was refused, with what the service wants it to claim.
    async fn renew(&mut self, answer: &Answer) -> Result<(), Trouble> {
        let challenges = answer.headers.get_all(header::WWW_AUTHENTICATE);
        let mut challenges = challenges.iter().filter_map(|value| value.to_str().ok());
        let claims = challenges.find_map(route::claims);
        let tokens = &self.settings.shared.tokens;
        let refused = (&self.token, claims.as_deref());
        self.token = tokens.replaced(&self.settings, &self.credential, refused).await?;
        Ok(())
    }

    /// Moves to another place of the service; cookies go along, for they say where.
    pub(super) fn move_to(
        &mut self,
        origin: &str,
        is_configured: bool,
    ) -> Result<(), ConnectError> {
        if self.origin != origin {
            self.channel = Channel::new(&self.settings, origin, is_configured)?;
            origin.clone_into(&mut self.origin);
        }
        Ok(())
    }

    fn ask(&self, call: &Call) -> Ask {
        let request = Uuid::new_v4();
        let anchor = || anchor::system(&self.tenant, self.token.user.as_deref());
        let mut headers = vec![
            (
                HeaderName::from_static("x-anchormailbox"),
                call.anchor.clone().unwrap_or_else(anchor),
            ),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ];
        let texts = [
            ("authorization", format!("Bearer {}", self.token.bearer.reveal())),
            ("cookie", self.cookies.to_string()),
            ("connection-id", self.connection.to_string()),
            ("client-request-id", request.to_string()),
        ];
        for (name, text) in texts.into_iter().chain(call.headers.iter().cloned()) {
            if let Ok(mut value) = HeaderValue::from_str(&text)
                && !text.is_empty()
            {
                value.set_sensitive(matches!(name, "authorization" | "cookie"));
                headers.push((HeaderName::from_static(name), value));
            }
        }
        Ask {
            method: call.method.clone(),
            target: call.target.clone(),
            headers,
            body: call.body.clone(),
            within: call.within,
        }
    }

    /// Notes what every answer may tell: cookies, the clock, and the limit on requests.
    fn note(&mut self, answer: &Answer) {
        self.cookies.note(answer);
        let date = answer.header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        self.server_time = date.map(|zoned| zoned.timestamp()).or(self.server_time);
        let now = self.server_time.unwrap_or_else(|| self.now());
        if let Some(wait) = self.pace.note(answer, now) {
            self.settings.shared.throttle.pause(self.now(), wait);
        }
    }
}

/// What is said where the service let us wait for too long.
pub(super) fn too_many(wait: Duration) -> Error {
    Error::Throttled {
        wait,
        message: "too many requests for this tenant or application".to_owned(),
    }
}
