//! The HTML edge: pages, fragments, forms, assets.
//!
//! A page is a view struct, a template and a handler: check the caller, ask the store or the
//! engine, fill in the view. Views hold text that is ready to print; templates decide nothing. A
//! fragment is a block of its page's template, answered where htmx asks for it, so every URL works
//! by itself, can be bookmarked, and works without script.
//!
//! This crate does not know Exchange, SQL or the JSON of the API. Start reading at [`router`].

mod acts;
mod approvals;
mod asking;
mod assets;
mod audit;
mod connector;
mod connectors;
mod console;
mod device;
mod devices;
mod drafts;
mod guard;
mod home;
mod live;
mod notifications;
mod page;
mod people;
mod problem;
mod provider_sign_in;
mod requests;
mod security;
mod session;
mod setup;
mod sign_in;
mod sign_in_ways;
mod wishes;
mod words;

use axum::{
    Router, middleware,
    routing::{get, post},
};
use engine::Engine;
use tower_http::csrf::CsrfLayer;

use crate::{connector::actions, console::Console, problem::Problem};

/// All pages of the console, to be served from the root of the site.
pub fn router(engine: Engine) -> Router {
    Router::new()
        .route("/", get(home::home))
        .route("/live", get(home::live))
        .route("/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/sign-in/code", post(sign_in::code))
        .route("/sign-in/oidc/callback", get(provider_sign_in::callback))
        .route("/sign-in/oidc/{name}", get(provider_sign_in::begin))
        .route("/sign-in/oidc/{name}/end", get(provider_sign_in::end))
        .route(
            "/sign-in/ldap/{name}",
            get(provider_sign_in::directory_page).post(provider_sign_in::directory),
        )
        .route("/administration/sign-in", get(sign_in_ways::list))
        .route("/administration/sign-in/new/{kind}", get(sign_in_ways::new).post(sign_in_ways::add))
        .route("/administration/sign-in/{name}", get(sign_in_ways::one).post(sign_in_ways::change))
        .route("/administration/sign-in/{name}/test", post(sign_in_ways::test))
        .route("/administration/sign-in/{name}/enable", post(sign_in_ways::enable))
        .route("/administration/sign-in/{name}/disable", post(sign_in_ways::disable))
        .route("/administration/sign-in/{name}/remove", post(sign_in_ways::remove))
        .route("/sign-out", post(session::sign_out))
        .route("/devices", get(devices::devices))
        .route("/devices/act", get(asking::page).post(asking::ask))
        .route("/devices/{id}", get(device::device))
        .route("/devices/{id}/live", get(device::live))
        .route("/devices/{id}/refresh", post(device::refresh))
        .route("/approvals", get(approvals::approvals))
        .route("/approvals/live", get(approvals::live))
        .route("/approvals/take-back", get(approvals::taking_back).post(approvals::take_back))
        .route("/guard/limits", post(guard::limits))
        .route("/guard/lift", post(guard::lift))
        .route("/guard/confirm", post(guard::confirm))
        .route("/guard/restore", post(guard::restore))
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
        .route("/connectors/{name}/sign-in", post(actions::sign_in))
        .route("/connectors/{name}/role-script", get(actions::role_script))
        .route("/connectors/{name}/remove", get(actions::removal).post(actions::remove))
        .route("/audit", get(audit::audit))
        .route("/audit/export", get(audit::export))
        .route("/audit/check", post(audit::keeping::check))
        .route("/audit/retention", post(audit::keeping::retention))
        .route("/audit/stream", post(audit::keeping::stream))
        .route("/audit/stream/remove", post(audit::keeping::stream_removed))
        .route("/audit/stream/test", post(audit::keeping::stream_tried))
        .merge(wishes::routes())
        .merge(people::routes())
        .merge(notification_pages())
        .route("/assets/{hash}/{name}", get(assets::asset))
        .fallback(async || Problem::not_found("page"))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(engine.clone(), security::record_refusals))
        .layer(middleware::from_fn(security::headers))
        .with_state(Console::new(engine))
}

/// Who is told what happened, and by which way.
fn notification_pages() -> Router<Console> {
    let at = |path: &str| format!("/administration/notifications{path}");
    Router::new()
        .route(&at(""), get(notifications::notifications))
        .route(&at("/mail"), post(notifications::add_mail))
        .route(&at("/webhook"), post(notifications::add_webhook))
        .route(&at("/channels/{name}/test"), post(notifications::test))
        .route(&at("/channels/{name}/switch"), post(notifications::switch))
        .route(&at("/channels/{name}/rotate"), post(notifications::rotate))
        .route(&at("/channels/{name}/retire"), post(notifications::retire))
        .route(&at("/channels/{name}/remove"), post(notifications::remove_channel))
        .route(&at("/subscriptions"), post(notifications::add_subscription))
        .route(&at("/subscriptions/{name}/remove"), post(notifications::remove_subscription))
        .route(&at("/deliveries/{id}"), get(notifications::delivery))
        .route(&at("/deliveries/{id}/replay"), post(notifications::replay))
        .route(
            &at("/messages/{topic}/{language}"),
            get(notifications::message).post(notifications::message_set),
        )
        .route(&at("/messages/{topic}/{language}/reset"), post(notifications::message_reset))
}
