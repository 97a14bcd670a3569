//! The HTML edge: pages, fragments, forms, assets.
//!
//! A page is a view struct, a template and a handler: check the caller, ask the store or the
//! engine, fill in the view. Views hold text that is ready to print; templates decide nothing. A
//! fragment is a block of its page's template, answered where htmx asks for it, so every URL works
//! by itself, can be bookmarked, and works without script.
//!
//! This crate does not know Exchange, SQL or the JSON of the API. Start reading at [`router`].

mod acts;
mod asking;
mod assets;
mod connector;
mod connectors;
mod console;
mod device;
mod devices;
mod drafts;
mod live;
mod page;
mod problem;
mod requests;
mod security;
mod session;
mod setup;
mod words;

use axum::{
    Router,
    extract::State,
    middleware,
    response::Redirect,
    routing::{get, post},
};
use engine::Engine;
use tower_http::csrf::CsrfLayer;

use crate::{connector::actions, console::Console, problem::Problem, session::SignedIn};

/// All pages of the console, to be served from the root of the site.
pub fn router(engine: Engine) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/sign-in", get(session::sign_in_page).post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/devices", get(devices::devices))
        .route("/devices/act", get(asking::page).post(asking::ask))
        .route("/devices/{id}", get(device::device))
        .route("/devices/{id}/live", get(device::live))
        .route("/devices/{id}/refresh", post(device::refresh))
        .route("/requests/{id}", get(requests::request))
        .route("/requests/{id}/live", get(requests::live))
        .route("/requests/{id}/approve", post(requests::approve))
        .route("/requests/{id}/reject", post(requests::reject))
        .route("/requests/{id}/cancel", post(requests::cancel))
        .route("/connectors", get(connectors::connectors))
        .route("/connectors/live", get(connectors::live))
        .route("/connectors/new", get(setup::begin).post(setup::go_on))
        .route("/connectors/{name}", get(connector::connector))
        .route("/connectors/{name}/live", get(connector::live))
        .route("/connectors/{name}/edit", get(setup::edit).post(setup::change))
        .route("/connectors/{name}/sync", post(actions::sync))
        .route("/connectors/{name}/pause", post(actions::pause))
        .route("/connectors/{name}/resume", post(actions::resume))
        .route("/connectors/{name}/check", post(actions::check))
        .route("/connectors/{name}/ageing", post(actions::age))
        .route("/connectors/{name}/role-script", get(actions::role_script))
        .route("/connectors/{name}/remove", get(actions::removal).post(actions::remove))
        .route("/assets/{hash}/{name}", get(assets::asset))
        .fallback(async || Problem::not_found("page"))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(engine.clone(), security::record_refusals))
        .layer(middleware::from_fn(security::headers))
        .with_state(Console::new(engine))
}

/// `GET /`: the devices, or the first steps while there is no connector.
async fn home(State(engine): State<Engine>, signed_in: SignedIn) -> Result<Redirect, Problem> {
    let connectors = engine.store().connectors(&signed_in.read()?).await?;
    Ok(Redirect::to(if connectors.is_empty() { "/connectors" } else { "/devices" }))
}
