//! Where the audit is streamed to.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{
    Caller,
    audit::{StreamFile, StreamTarget, Syslog, Transport},
};
use engine::{Engine, StreamBeginning};
use serde::{Deserialize, Serialize};

use crate::{
    device::text,
    notifications::Tested,
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// A receiver of syslog messages (RFC 5424).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditSyslog {
    /// Name or address.
    #[schema(example = "siem.contoso.com")]
    pub host: String,
    /// Its port; left out, the one that is usual with the transport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `tls`, `tcp` (octet counting), or `udp`, where entries may be lost on the way.
    #[serde(default = "tls")]
    pub transport: String,
    /// Certificates (PEM) of the authorities that are trusted in place of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_ca_pem: Option<String>,
}

/// The file `stream.jsonl` in the folder `audit` of the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditStreamFile {
    /// At how many megabytes the next one is begun.
    #[serde(default = "size_mb")]
    pub size_mb: u16,
    /// How many full ones are kept.
    #[serde(default = "kept")]
    pub kept: u16,
}

/// Where the audit is to be streamed to: with either `syslog` or `file`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditStreamTarget {
    /// A receiver of syslog messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syslog: Option<AuditSyslog>,
    /// A file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<AuditStreamFile>,
    /// Whether a new stream begins with the first entry there is, not with the next. A stream that
    /// is there goes on where it was.
    #[serde(default)]
    pub from_the_first: bool,
}

/// Where the audit is streamed to, and how that goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditStream {
    /// A receiver of syslog messages.
    pub syslog: Option<AuditSyslog>,
    /// A file. Neither: it is streamed nowhere.
    pub file: Option<AuditStreamFile>,
    /// Number of the last entry that was received.
    pub position: u64,
    /// Entries that were not received yet.
    pub behind: u64,
    /// What is wrong, if anything is.
    pub trouble: Option<String>,
    /// Since when.
    pub troubled_since: Option<String>,
    /// When an entry was received last.
    pub last_sent: Option<String>,
}

fn tls() -> String {
    Transport::Tls.word().to_owned()
}

fn size_mb() -> u16 {
    StreamFile::default().size_mb
}

fn kept() -> u16 {
    StreamFile::default().kept
}

impl AuditStream {
    fn of(stream: engine::AuditStream) -> Self {
        let (syslog, file) = match stream.target {
            StreamTarget::Syslog(Syslog { host, port, transport, trusted }) => {
                let (port, transport) = (Some(port), transport.word().to_owned());
                (Some(AuditSyslog { host, port, transport, trusted_ca_pem: trusted }), None)
            }
            StreamTarget::File(StreamFile { size_mb, kept }) => {
                (None, Some(AuditStreamFile { size_mb, kept }))
            }
        };
        Self {
            syslog,
            file,
            position: stream.position,
            behind: stream.behind,
            trouble: stream.trouble,
            troubled_since: text(stream.troubled_since),
            last_sent: text(stream.last_sent),
        }
    }
}

impl AuditStreamTarget {
    fn beginning(&self) -> StreamBeginning {
        if self.from_the_first { StreamBeginning::First } else { StreamBeginning::Now }
    }

    fn into_target(self) -> Result<StreamTarget, Problem> {
        match (self.syslog, self.file) {
            (Some(syslog), None) => {
                let transport = Transport::from_word(&syslog.transport).ok_or_else(|| {
                    Problem::invalid(
                        format_args!("{:?} is no transport of syslog", syslog.transport),
                        "tls, tcp and udp are",
                    )
                })?;
                Ok(StreamTarget::Syslog(Syslog {
                    host: syslog.host,
                    port: syslog.port.unwrap_or_else(|| transport.usual_port()),
                    transport,
                    trusted: syslog.trusted_ca_pem,
                }))
            }
            (None, Some(AuditStreamFile { size_mb, kept })) => {
                Ok(StreamTarget::File(StreamFile { size_mb, kept }))
            }
            _ => Err(Problem::invalid(
                "a stream leads either to syslog or to a file",
                "give one of syslog and file",
            )),
        }
    }
}

/// Says where the audit is streamed to, and how that goes.
#[utoipa::path(
    get,
    path = "/api/v1/audit/stream",
    operation_id = "show_audit_stream",
    tag = "audit",
    responses((status = 200, body = AuditStream), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<AuditStream>, Problem> {
    let stream = engine.audit_stream(&caller).await?;
    Ok(Json(stream.map(AuditStream::of).unwrap_or_default()))
}

/// Streams the audit somewhere from now on.
///
/// Each entry arrives at least once and in order, also after the receiver was away; by `udp` nobody
/// can say so.
#[utoipa::path(
    put,
    path = "/api/v1/audit/stream",
    operation_id = "set_audit_stream",
    tag = "audit",
    params(DryRun, IdempotencyKey),
    request_body = AuditStreamTarget,
    responses(
        (status = 200, description = "As it is now; with dry_run=true, what would change", body = AuditStream),
        Problem
    )
)]
pub(crate) async fn set(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(wanted): Body<AuditStreamTarget>,
) -> Result<Response, Problem> {
    caller.scope(domain::Permission::ModifySecurity)?;
    let beginning = wanted.beginning();
    let target = wanted.into_target()?;
    if dry_run {
        engine.validate_audit_stream(&caller, &target)?;
        let to = match target {
            StreamTarget::Syslog(to) => format!("{}:{} by {}", to.host, to.port, to.transport),
            StreamTarget::File(_) => "a file in the data directory".to_owned(),
        };
        return Ok(Preview::of(format!("stream the audit to {to}")));
    }
    engine.set_audit_stream(&caller, target, beginning).await?;
    let stream = engine.audit_stream(&caller).await?;
    Ok(Json(stream.map(AuditStream::of).unwrap_or_default()).into_response())
}

/// Ends the stream. Where it led is told so.
#[utoipa::path(
    delete,
    path = "/api/v1/audit/stream",
    operation_id = "remove_audit_stream",
    tag = "audit",
    params(DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "It is streamed nowhere"),
        (status = 200, description = "With dry_run=true, what would change", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        caller.scope(domain::Permission::ModifySecurity)?;
        return Ok(Preview::of("stream the audit nowhere".to_owned()));
    }
    engine.remove_audit_stream(&caller).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Sends a test message at once: to the target of the body, or to that of the stream.
#[utoipa::path(
    post,
    path = "/api/v1/audit/stream/test",
    operation_id = "test_audit_stream",
    tag = "audit",
    params(DryRun, IdempotencyKey),
    request_body = AuditStreamTarget,
    responses(
        (status = 200, description = "What came of it; with dry_run=true, what would be done", body = Tested),
        Problem
    )
)]
pub(crate) async fn test(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(wanted): Body<AuditStreamTarget>,
) -> Result<Response, Problem> {
    caller.scope(domain::Permission::ModifySecurity)?;
    let is_given = wanted.syslog.is_some() || wanted.file.is_some();
    let target = is_given.then(|| wanted.into_target()).transpose()?;
    if dry_run {
        if let Some(target) = &target {
            engine.validate_audit_stream(&caller, target)?;
        }
        return Ok(Preview::of("send a test message".to_owned()));
    }
    let trial = engine.try_audit_stream(&caller, target).await?;
    let tested = Tested {
        delivered: trial.is_success,
        answer: trial.answer,
        duration_ms: trial.duration_ms,
    };
    Ok(Json(tested).into_response())
}
