//! Administration of people, and everybody's own page.
//!
//! Each page is a list with the forms that change it. A change that worked leads back to the page; one
//! that did not shows the page again with what was wrong.

mod collections;
mod first;
mod me;
mod roles;
mod sessions;
mod tokens;
mod user;
mod users;

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use domain::{Permission, Permissions};
use engine::Engine;

use crate::{
    console::Console,
    page::{self, Place, Shell},
    problem::Problem,
    session::SignedIn,
    words,
};

/// The pages about people.
pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/administration", get(users::page))
        .route("/administration/first", get(first::page).post(first::make))
        .route("/administration/users", get(users::page).post(users::add))
        .route("/administration/users/{name}", get(user::page).post(user::change))
        .route("/administration/roles", get(roles::page).post(roles::change))
        .route("/administration/collections", get(collections::page).post(collections::change))
        .route("/administration/tokens", get(tokens::page).post(tokens::change))
        .route("/administration/sessions", get(sessions::page).post(sessions::end))
        .route("/me", get(me::page))
        .route("/me/language", post(me::language))
        .route("/me/password", post(me::password))
        .route("/me/totp", post(me::totp))
        .route("/me/tokens", post(me::tokens))
        .route("/me/sessions", post(me::sessions))
}

/// The frame of a page of the administration.
fn shell(signed_in: &SignedIn) -> Shell {
    Shell::new(Place::Administration, signed_in)
}

/// What was wrong, as a sentence for the page; what no page can help with is a page of its own.
fn told<T>(done: Result<T, engine::Error>) -> Result<Result<T, String>, Problem> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(
            error @ (engine::Error::Invalid(_)
            | engine::Error::Conflict(_)
            | engine::Error::NotFound(_)
            | engine::Error::Unavailable(_)),
        ) => Ok(Err(words::sentence(&error.to_string()))),
        Err(error) => Err(error.into()),
    }
}

/// A page again, with what was wrong.
fn again(page: &impl askama::Template) -> Response {
    (StatusCode::BAD_REQUEST, page::whole(page)).into_response()
}

/// A permission to be chosen.
struct Choice {
    word: &'static str,
    title: &'static str,
    meaning: &'static str,
    is_chosen: bool,
}

fn choices(chosen: Permissions) -> Vec<Choice> {
    let choice = |permission: &Permission| Choice {
        word: permission.word(),
        title: permission.title(),
        meaning: permission.meaning(),
        is_chosen: chosen.contains(*permission),
    };
    Permission::ALL.iter().map(choice).collect()
}

/// The permissions that a form names; what is none is left out.
fn chosen(words: &[String]) -> Permissions {
    words.iter().filter_map(|word| Permission::from_word(word)).collect()
}

/// Permissions in a list, as their titles.
fn titles(permissions: Permissions) -> String {
    if permissions == Permissions::ALL {
        return "everything".to_owned();
    }
    let titles: Vec<_> = permissions.iter().map(Permission::title).collect();
    titles.join(", ")
}

/// A form with several values of one name: pairs, in their order.
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    fn some(&self, name: &str) -> Option<String> {
        let value = self.one(name);
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// As it was typed: blanks belong to a password.
    fn secret(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<String> {
        let of = self.0.iter().filter(|(key, _)| key == name);
        of.map(|(_, value)| value.clone()).collect()
    }
}

/// Names of connectors, for choosing a place.
async fn connector_names(engine: &Engine, signed_in: &SignedIn) -> Result<Vec<String>, Problem> {
    let Ok(scope) = signed_in.read() else { return Ok(Vec::new()) };
    let connectors = engine.store().connectors(&scope).await?;
    Ok(connectors.into_iter().map(|connector| connector.name.as_str().to_owned()).collect())
}

/// Names of collections, for choosing a place.
async fn collection_names(engine: &Engine, signed_in: &SignedIn) -> Result<Vec<String>, Problem> {
    if signed_in.read().is_err() {
        return Ok(Vec::new());
    }
    let all = engine.people(&signed_in.caller).collections().await?;
    Ok(all.into_iter().map(|collection| collection.name.as_str().to_owned()).collect())
}

/// A place as a form names it: nothing, `connector:NAME` or `collection:NAME`.
type Named = (Option<domain::ConnectorName>, Option<domain::authority::CollectionName>);

fn place(text: &str) -> Result<Named, engine::Error> {
    let invalid = |error: &dyn std::fmt::Display| engine::Error::Invalid(error.to_string());
    match text.split_once(':') {
        Some(("connector", name)) => {
            let name = domain::ConnectorName::parse(name).map_err(|error| invalid(&error))?;
            Ok((Some(name), None))
        }
        Some(("collection", name)) => {
            let name = domain::authority::CollectionName::parse(name);
            Ok((None, Some(name.map_err(|error| invalid(&error))?)))
        }
        _ => Ok((None, None)),
    }
}

/// How many days a token lives, as a form says it.
fn days(text: &str) -> Result<Option<u16>, engine::Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let days = text.parse().map_err(|_| {
        engine::Error::Invalid(format!("{text:?} is no number of days; take 1 to 731"))
    });
    days.map(Some)
}
