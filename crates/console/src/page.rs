//! What every page has around its content, and how a view becomes an answer.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse as _, Response},
};
use domain::Permission;

use crate::{session::SignedIn, words};

/// What the frame around a page shows.
pub(crate) struct Shell {
    /// Which entry of the rail is the current one.
    pub(crate) place: Place,
    /// Who is signed in.
    pub(crate) person: String,
    /// How many requests wait for their decision, if any do.
    pub(crate) waiting: Option<String>,
    /// Whether the audit is among the entries.
    pub(crate) shows_audit: bool,
    /// Whether they may see who can sign in.
    pub(crate) may_administer: bool,
}

/// An entry of the rail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// None of them: the page leads nowhere by itself.
    Nowhere,
    Home,
    Devices,
    Access,
    Settings,
    Approvals,
    Connectors,
    Audit,
    Administration,
    Me,
}

impl Shell {
    pub(crate) fn new(place: Place, signed_in: &SignedIn) -> Self {
        Self {
            place,
            person: signed_in.caller.name.clone(),
            waiting: (signed_in.waiting > 0).then(|| words::number(signed_in.waiting)),
            shows_audit: signed_in.caller.may(Permission::ReadAudit),
            may_administer: signed_in.caller.may(Permission::ModifySecurity),
        }
    }

    /// Around a page that is shown to anybody.
    pub(crate) fn of_nobody() -> Self {
        Self {
            place: Place::Nowhere,
            person: String::new(),
            waiting: None,
            shows_audit: false,
            may_administer: false,
        }
    }
}

/// One line of a list of facts. `value` is HTML.
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Set in a monospace face: something to be copied, not read.
    pub(crate) code: bool,
}

/// Turns a rendered template into an answer.
pub(crate) fn html(rendered: askama::Result<String>) -> Response {
    match rendered {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be shown.").into_response()
        }
    }
}

/// Renders a whole page.
pub(crate) fn whole(page: &impl Template) -> Response {
    html(page.render())
}

/// Filters that templates use.
#[expect(unreachable_pub, reason = "the attribute makes a public type of each filter")]
pub(crate) mod filters {
    /// The URL of an asset: `{{ "app.css"|asset }}`.
    #[askama::filter_fn]
    pub(crate) fn asset(name: &str, _: &dyn askama::Values) -> askama::Result<String> {
        Ok(crate::assets::url(name))
    }
}
