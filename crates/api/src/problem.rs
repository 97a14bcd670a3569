//! Errors as the client sees them: RFC 9457 problem documents that say what to do.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::authority::Denied;
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoResponses,
    openapi::{ContentBuilder, Ref, RefOr, Response as Described, ResponseBuilder},
};

/// An error answer (RFC 9457), `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// Stable name of the kind of problem, for programs: `urn:gatepost:problem:not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words, the same for every problem of the kind.
    pub title: String,
    /// The HTTP status again, so that a saved document is complete.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// What to do about it.
    pub remedy: String,
    /// Who was refused what, for the audit.
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) denied: Option<Box<Denied>>,
}

impl Problem {
    /// The media type of RFC 9457 section 3.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// The request cannot be understood or would make no sense.
    pub(crate) fn invalid(detail: impl Display, remedy: &str) -> Self {
        Self::of(StatusCode::BAD_REQUEST, "invalid", "The request is not valid", detail, remedy)
    }

    /// No token, or not one that is known.
    pub(crate) fn unauthenticated(detail: impl Display) -> Self {
        Self::of(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "A token is needed",
            detail,
            "send the header Authorization: Bearer <token>; the administrator's token of a server is in the file local-admin.token of its data directory",
        )
    }

    /// What was shown to sign in is wrong or not enough.
    pub(crate) fn not_signed_in(kind: &str, detail: impl Display) -> Self {
        Self::of(
            StatusCode::UNAUTHORIZED,
            kind,
            "Not signed in",
            detail,
            "send user name and password, and the code of your phone if you set one up",
        )
    }

    /// Too many have tried; the header Retry-After says when to try again.
    pub(crate) fn too_many(detail: impl Display) -> Self {
        Self::of(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many",
            "Too many tries",
            detail,
            "wait as long as the header Retry-After says",
        )
    }

    /// Nothing of that name, or nothing that the caller may see.
    pub(crate) fn not_found(detail: impl Display, remedy: &str) -> Self {
        Self::of(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail, remedy)
    }

    /// The path exists, the method does not.
    pub(crate) fn method_not_allowed() -> Self {
        Self::of(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The method is not allowed here",
            "this address does not answer that method",
            "use a method that the header Allow names",
        )
    }

    /// Refused for lack of permission.
    pub(crate) fn denied(detail: impl Display) -> Self {
        Self::of(
            StatusCode::FORBIDDEN,
            "denied",
            "Permission is missing",
            detail,
            "ask an administrator of Gatepost for the permission",
        )
    }

    /// Refused by a guard, whatever permissions there are.
    pub(crate) fn refused(detail: impl Display) -> Self {
        Self::of(
            StatusCode::FORBIDDEN,
            "refused",
            "A guard refuses it",
            detail,
            "ask a second person who may approve",
        )
    }

    /// What is asked for contradicts what is there.
    pub(crate) fn conflict(detail: impl Display, remedy: &str) -> Self {
        Self::of(StatusCode::CONFLICT, "conflict", "It contradicts what is there", detail, remedy)
    }

    /// The body is longer than is read.
    pub(crate) fn too_large(detail: impl Display) -> Self {
        Self::of(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The request is too large",
            detail,
            "send less",
        )
    }

    /// The body is not of the media type expected.
    pub(crate) fn unsupported_media_type(detail: impl Display) -> Self {
        Self::of(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "The body is of the wrong kind",
            detail,
            "send JSON with the header Content-Type: application/json",
        )
    }

    /// An idempotency key was used before for something else.
    pub(crate) fn key_reused() -> Self {
        Self::of(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "The idempotency key belongs to another request",
            "this Idempotency-Key was sent before with another request",
            "make a new key for each new request, and repeat a key only with the same request",
        )
    }

    /// It cannot be done now.
    pub(crate) fn unavailable(detail: impl Display) -> Self {
        Self::of(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "It cannot be done now",
            detail,
            "try again in a moment; if it stays, look into the server's log",
        )
    }

    /// A fault of ours. What it was stands in the log and nowhere else.
    pub(crate) fn internal() -> Self {
        Self::of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Gatepost failed",
            "the request could not be carried out because of a fault inside Gatepost",
            "look into the server's log at this time, and report the fault",
        )
    }

    fn of(status: StatusCode, kind: &str, title: &str, detail: impl Display, remedy: &str) -> Self {
        Self {
            kind: format!("urn:gatepost:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.to_string(),
            remedy: remedy.to_owned(),
            denied: None,
        }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self { denied: Some(Box::new(denied.clone())), ..Self::denied(denied) }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound(_) => {
                Self::not_found(error, "list what there is; names and ids are exact")
            }
            store::Error::Conflict { .. } => Self::conflict(error, "look at what is there first"),
            store::Error::Unavailable(_) => {
                tracing::warn!(%error, "the database was not available to a request");
                Self::unavailable("the database cannot be reached now")
            }
            error => {
                tracing::error!(%error, "a request failed");
                Self::internal()
            }
        }
    }
}

impl From<engine::Error> for Problem {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::NotFound(what) => {
                Self::not_found(what, "list what there is; names and ids are exact")
            }
            engine::Error::Denied(denied) => denied.into(),
            engine::Error::Refused(what) => Self::refused(what),
            engine::Error::Conflict(what) => Self::conflict(what, "look at what is there first"),
            engine::Error::Invalid(what) => Self::invalid(what, "correct it and send it again"),
            engine::Error::Unavailable(what) => Self::unavailable(what),
            engine::Error::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "a request failed");
                Self::internal()
            }
        }
    }
}

/// What every operation may answer in place of what it is for.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().content(Self::MEDIA_TYPE, content).build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"gatepost\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(denied) = self.denied {
            response.extensions_mut().insert(*denied);
        }
        response
    }
}
