//! The HTML edge: pages, fragments, forms, assets.
//!
//! A page is a view struct, a template and a handler: check the caller, ask the store or the
//! engine, fill in the view. Views hold text that is ready to print; templates decide nothing. A
//! fragment is a block of its page's template, answered where htmx asks for it, so every URL works
//! by itself, can be bookmarked, and works without script.
//!
//! This crate does not know Exchange, SQL or the JSON of the API. Start reading at [`router`].

mod assets;
mod connector;
mod connectors;
mod device;
mod devices;
mod page;
mod problem;
mod security;
mod session;
mod words;

use axum::{
    Router, middleware,
    response::Redirect,
    routing::{get, post},
};
use engine::Engine;
use tower_http::csrf::CsrfLayer;

/// All pages of the console, to be served from the root of the site.
pub fn router(engine: Engine) -> Router {
    Router::new()
        .route("/", get(async || Redirect::to("/devices")))
        .route("/sign-in", get(session::sign_in_page).post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/devices", get(devices::devices))
        .route("/devices/{id}", get(device::device))
        .route("/connectors", get(connectors::connectors))
        .route("/connectors/{name}", get(connector::connector))
        .route("/connectors/{name}/sync", post(connector::sync))
        .route("/assets/{hash}/{name}", get(assets::asset))
        .fallback(async || problem::Problem::not_found("page"))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn(security::headers))
        .with_state(engine)
}
