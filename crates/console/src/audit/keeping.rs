//! How the audit is kept: verified, closed after a while, streamed elsewhere.

use axum::{Form, extract::State, http::StatusCode, response::Response};
use domain::{
    Permission, Timestamp,
    audit::{StreamFile, StreamTarget, Syslog, Transport},
};
use engine::{AuditCheck, AuditStream, Engine, Error, StreamBeginning};
use serde::Deserialize;

use super::{Choice, Told, Wanted, shown};
use crate::{problem::Problem, session::SignedIn, words};

/// How the audit is kept, as the page shows it.
pub(super) struct Keeping {
    /// One sentence on what vouches for the entries.
    pub(super) integrity: String,
    pub(super) broken: Option<String>,
    pub(super) trouble: Option<String>,
    pub(super) checked: String,
    pub(super) retained: String,
    pub(super) streamed: String,
    pub(super) is_streamed: bool,
    pub(super) may_change: bool,
    pub(super) days: String,
    pub(super) host: String,
    pub(super) port: String,
    pub(super) transports: Vec<Choice>,
    pub(super) trusted: String,
    pub(super) size_mb: u16,
    pub(super) kept: u16,
}

impl Keeping {
    pub(super) async fn read(engine: &Engine, signed_in: &SignedIn) -> Result<Self, Problem> {
        let (caller, now) = (&signed_in.caller, engine.now());
        let days = engine.audit_retention(caller).await?;
        let stream = engine.audit_stream(caller).await?;
        let target = stream.as_ref().map(|stream| &stream.target);
        let (syslog, file) = match target {
            Some(StreamTarget::Syslog(syslog)) => (Some(syslog.clone()), StreamFile::default()),
            Some(StreamTarget::File(file)) => (None, *file),
            None => (None, StreamFile::default()),
        };
        let chosen = syslog.as_ref().map_or(Transport::Tls, |syslog| syslog.transport);
        let choice = |it: &Transport| Choice { word: it.word(), is_chosen: *it == chosen };
        let check = engine.audit_check(caller).await?;
        let broken = check.and_then(|check| check.broken).map(|broken| {
            format!(
                "Entry {} is not as it was written: {}. Seen {}. Keep a copy of the database, and \
                 find out who wrote to it.",
                words::number(broken.sequence),
                words::visible(&broken.what),
                words::relative(broken.at, now)
            )
        });
        Ok(Self {
            integrity: integrity(engine, signed_in, now).await?,
            broken,
            trouble: stream.as_ref().and_then(|stream| trouble(stream, now)),
            checked: checked(engine, signed_in, now).await?,
            retained: match days {
                Some(days) => format!("Entries are closed by themselves after {days} days."),
                None => "Entries are closed only when somebody asks for it.".to_owned(),
            },
            streamed: stream.as_ref().map_or_else(
                || "It is streamed nowhere.".to_owned(),
                |stream| streamed(stream, now),
            ),
            is_streamed: stream.is_some(),
            may_change: caller.may(Permission::ModifySecurity),
            days: days.map(|days| days.to_string()).unwrap_or_default(),
            host: syslog.as_ref().map(|it| it.host.clone()).unwrap_or_default(),
            port: syslog.as_ref().map(|it| it.port.to_string()).unwrap_or_default(),
            transports: Transport::ALL.iter().map(choice).collect(),
            trusted: syslog.and_then(|it| it.trusted).unwrap_or_default(),
            size_mb: file.size_mb,
            kept: file.kept,
        })
    }
}

/// Up to where entries were seen to be as they were written, and up to where they are signed.
async fn integrity(
    engine: &Engine,
    signed_in: &SignedIn,
    now: Timestamp,
) -> Result<String, Problem> {
    let head = engine.store().audit_head().await?.map_or(0, |head| head.sequence);
    if head == 0 {
        return Ok("There is no entry yet.".to_owned());
    }
    let entries = words::number(head);
    let verified = match engine.audit_check(&signed_in.caller).await? {
        None => "Not verified yet.".to_owned(),
        Some(AuditCheck { broken: Some(broken), .. }) => {
            format!("Not as it was written at entry {}.", words::number(broken.sequence))
        }
        Some(check) => format!(
            "Verified up to entry {}, {}.",
            words::number(check.link.sequence),
            words::relative(check.at, now)
        ),
    };
    let signed = match engine.store().last_audit_checkpoint().await? {
        None => "Not signed yet.".to_owned(),
        Some(signed) => format!("Signed up to entry {}.", words::number(signed.link.sequence)),
    };
    Ok(format!("{entries} entries so far. {verified} {signed}"))
}

async fn checked(engine: &Engine, signed_in: &SignedIn, now: Timestamp) -> Result<String, Problem> {
    let check = engine.audit_check(&signed_in.caller).await?;
    let whole = match check.and_then(|check| check.whole_at) {
        None => "Everything in the database was never verified to its end".to_owned(),
        Some(at) => {
            format!("Everything in the database was verified last {}", words::relative(at, now))
        }
    };
    Ok(match engine.audit_check_under_way(&signed_in.caller)? {
        None => format!("{whole}; new entries every hour, everything every day."),
        Some(0) => format!("{whole}; it is about to be verified now."),
        Some(at) => {
            format!("{whole}; it is verified now and has come to entry {}.", words::number(at))
        }
    })
}

fn streamed(stream: &AuditStream, now: Timestamp) -> String {
    let to = match &stream.target {
        StreamTarget::Syslog(to) => {
            format!("{}:{} by syslog over {}", words::visible(&to.host), to.port, to.transport)
        }
        StreamTarget::File(_) => "the file audit/stream.jsonl in the data directory".to_owned(),
    };
    let last = stream.last_sent.map(|at| format!(", {}", words::relative(at, now)));
    format!(
        "It is streamed to {to}. Received up to entry {}{}; {} to go.",
        words::number(stream.position),
        last.unwrap_or_default(),
        words::number(stream.behind)
    )
}

fn trouble(stream: &AuditStream, now: Timestamp) -> Option<String> {
    let since = words::relative(stream.troubled_since?, now);
    let why = words::sentence(&words::visible(stream.trouble.as_deref()?));
    Some(format!("The stream is in trouble since {since}: {why} Nothing is lost; it goes on."))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Days {
    days: String,
}

/// A form says either `host` and the others of syslog, or `size_mb` and `kept`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct NewStream {
    host: Option<String>,
    port: String,
    transport: String,
    trusted: String,
    size_mb: String,
    kept: String,
}

impl NewStream {
    fn target(self) -> Result<StreamTarget, Error> {
        let number = |text: &str, what: &str| {
            let text = text.trim();
            text.parse::<u16>().map_err(|_| Error::Invalid(format!("{what} is no number")))
        };
        let Some(host) = self.host else {
            return Ok(StreamTarget::File(StreamFile {
                size_mb: number(&self.size_mb, "the size of a file")?,
                kept: number(&self.kept, "how many full files are kept")?,
            }));
        };
        let transport = Transport::from_word(&self.transport).unwrap_or(Transport::Tls);
        let port = match self.port.trim() {
            "" => transport.usual_port(),
            port => number(port, "the port")?,
        };
        let trusted = Some(self.trusted.trim().to_owned()).filter(|pem| !pem.is_empty());
        Ok(StreamTarget::Syslog(Syslog { host: host.trim().to_owned(), port, transport, trusted }))
    }
}

/// `POST /audit/check`
pub(crate) async fn check(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    let begun = engine.check_audit(&signed_in.caller);
    answer(
        &engine,
        &signed_in,
        begun,
        "Everything is being verified. It takes some minutes at most.",
    )
    .await
}

/// `POST /audit/retention`
pub(crate) async fn retention(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Days>,
) -> Result<Response, Problem> {
    let days = match form.days.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            Error::Invalid("say after how many days, or nothing for never".to_owned())
        }),
    };
    let set = match days {
        Ok(days) => engine.set_audit_retention(&signed_in.caller, days).await,
        Err(error) => Err(error),
    };
    answer(&engine, &signed_in, set, "That is kept.").await
}

/// `POST /audit/stream`
pub(crate) async fn stream(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<NewStream>,
) -> Result<Response, Problem> {
    signed_in.caller.scope(Permission::ModifySecurity)?;
    let set = match form.target() {
        Ok(target) => {
            engine.set_audit_stream(&signed_in.caller, target, StreamBeginning::Now).await
        }
        Err(error) => Err(error),
    };
    answer(&engine, &signed_in, set, "The audit is streamed there from now on.").await
}

/// `POST /audit/stream/remove`
pub(crate) async fn stream_removed(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    let removed = engine.remove_audit_stream(&signed_in.caller).await;
    answer(&engine, &signed_in, removed, "The audit is streamed nowhere.").await
}

/// `POST /audit/stream/test`
pub(crate) async fn stream_tried(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<NewStream>,
) -> Result<Response, Problem> {
    signed_in.caller.scope(Permission::ModifySecurity)?;
    let tried = match form.target() {
        Ok(target) => engine.try_audit_stream(&signed_in.caller, Some(target)).await,
        Err(error) => Err(error),
    };
    let (tried, said) = match tried {
        Ok(trial) if trial.is_success => {
            (Ok(()), format!("The test message was sent: {}", words::visible(&trial.answer)))
        }
        Ok(trial) => {
            let why = format!("the test message was not sent: {}", trial.answer);
            (Err(Error::Unavailable(why)), String::new())
        }
        Err(error) => (Err(error), String::new()),
    };
    answer(&engine, &signed_in, tried, &words::sentence(&said)).await
}

/// The page, with what came of it on top.
async fn answer(
    engine: &Engine,
    signed_in: &SignedIn,
    changed: Result<(), Error>,
    done: &str,
) -> Result<Response, Problem> {
    let told = match changed {
        Ok(()) => Told { done: Some(done.to_owned()), problem: None },
        Err(error) => {
            let status = match &error {
                Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Error::Conflict(_) => StatusCode::CONFLICT,
                Error::NotFound(_) => StatusCode::NOT_FOUND,
                Error::Unavailable(_) => StatusCode::BAD_GATEWAY,
                _ => return Err(error.into()),
            };
            let problem = words::sentence(&words::visible(&error.to_string()));
            Told { done: None, problem: Some((status, problem)) }
        }
    };
    shown(engine, signed_in, Wanted::default(), told).await
}
