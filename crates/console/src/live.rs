//! Parts of a page that live: one small request asks for all of them, and only those come back that
//! differ from what the page shows. What did not change is not touched, so focus, selection and
//! what a screen reader reads stay where they are.

use std::fmt::Write as _;

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};

use crate::{page, words};

/// Seconds between two questions while work is under way, and while none is.
const BUSY: u8 = 2;
const CALM: u8 = 5;

/// The element that asks, and what the page shows now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Live {
    /// Where to ask, with what is shown already: `/connectors/lab/live?seen=…`.
    pub(crate) href: String,
    /// Seconds until it asks again.
    pub(crate) every: u8,
}

impl Live {
    pub(crate) fn new(address: &str, parts: &[String], is_busy: bool) -> Self {
        let every = if is_busy { BUSY } else { CALM };
        let separator = if address.contains('?') { '&' } else { '?' };
        Self { href: format!("{address}{separator}seen={every}.{}", seen(parts)), every }
    }

    /// The element, and those parts that the page does not show yet; nothing at all if it shows
    /// everything and asks as often as it should.
    pub(crate) fn answer(&self, shown: &str, parts: &[String]) -> Response {
        let (_, now) = self.href.split_once("seen=").unwrap_or_default();
        if now == shown {
            return StatusCode::NO_CONTENT.into_response();
        }
        let known: Vec<&str> = shown.split('.').collect();
        let mut html = format!(
            r#"<div id="live" hx-get="{}" hx-trigger="every {}s" hx-swap="outerHTML"></div>"#,
            words::escape(&self.href),
            self.every
        );
        for part in parts {
            if !known.contains(&mark(part).as_str()) {
                html.push_str(part);
            }
        }
        page::html(Ok(html))
    }
}

fn seen(parts: &[String]) -> String {
    parts.iter().map(|part| mark(part)).collect::<Vec<_>>().join(".")
}

/// Enough of a hash to tell two versions of one part apart.
pub(crate) fn mark(part: &str) -> String {
    let mut mark = String::new();
    for byte in Sha256::digest(part.as_bytes()).iter().take(6) {
        // Writing to a string cannot fail.
        let _ = write!(mark, "{byte:02x}");
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(of: &[&str]) -> Vec<String> {
        of.iter().map(|part| (*part).to_owned()).collect()
    }

    fn shown(live: &Live) -> &str {
        live.href.split_once("seen=").unwrap().1
    }

    #[test]
    fn what_is_shown_already_is_not_sent_again() {
        let (before, after) = (parts(&["a", "b"]), parts(&["a", "c"]));
        let live = Live::new("/x", &before, false);
        assert_eq!(live.answer(shown(&live), &before).status(), StatusCode::NO_CONTENT);
        assert_eq!(
            Live::new("/x", &after, false).answer(shown(&live), &after).status(),
            StatusCode::OK
        );
        // Work began: the page has to ask more often, though it shows everything.
        assert_eq!(
            Live::new("/x", &before, true).answer(shown(&live), &before).status(),
            StatusCode::OK
        );
    }
}
