//! What a person sees when something cannot be done.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::authority::Denied;

use crate::{
    page::{self, Place, Shell, filters},
    words,
};

/// Why a page cannot be shown, in words for a person.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    /// Who was refused what, for the audit.
    denied: Option<Box<Denied>>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    shell: Shell,
    title: &'static str,
    detail: String,
}

impl Problem {
    pub(crate) fn not_found(what: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: "Not found",
            detail: format!("There is no such {what}. It may have been removed."),
            denied: None,
        }
    }

    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a page could not be shown");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            title: "Something is wrong on the server",
            detail: "The server's log says what happened. The inventory has not been changed."
                .to_owned(),
            denied: None,
        }
    }
}

impl From<engine::Error> for Problem {
    fn from(error: engine::Error) -> Self {
        let (status, title) = match &error {
            engine::Error::NotFound(_) => (StatusCode::NOT_FOUND, "Not found"),
            engine::Error::Refused(_) => (StatusCode::FORBIDDEN, "It takes a second person"),
            engine::Error::Denied(denied) => return denied.clone().into(),
            engine::Error::Conflict(_) => (StatusCode::CONFLICT, "That cannot be done now"),
            engine::Error::Invalid(_) => (StatusCode::BAD_REQUEST, "That cannot be done"),
            engine::Error::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Not available at the moment")
            }
            engine::Error::Internal(_) => return Self::internal(&error),
        };
        Self { status, title, detail: words::sentence(&error.to_string()), denied: None }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound(what) => Self::not_found(what.trim_start_matches("the ")),
            error => Self::internal(&error),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            title: "Not permitted",
            detail: words::sentence(&denied.to_string()),
            denied: Some(Box::new(denied)),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let shell = Shell::of_nobody();
        let page = ProblemPage { shell, title: self.title, detail: self.detail };
        let mut response = (self.status, page::whole(&page)).into_response();
        if let Some(denied) = self.denied {
            response.extensions_mut().insert(*denied);
        }
        response
    }
}
