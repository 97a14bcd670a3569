//! Who asks: the bearer token of a request (RFC 6750 section 2.1) turned into a caller.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use domain::{Source, authority::Denied};
use engine::Engine;

use crate::problem::Problem;

/// Lets only requests with a known token through, and tells the handlers who it is.
///
/// INVARIANT: it wraps the whole router of routes, so that a new route is refused by default.
pub(crate) async fn authenticate(
    State(engine): State<Engine>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = match bearer(request.headers()) {
        Ok(token) => token,
        Err(problem) => return problem.into_response(),
    };
    match engine.caller_of_token(token, source(request.headers())).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => Problem::unauthenticated("the token is not known here").into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Our own command line says who it is; whoever says the same is told apart by nothing but the record.
fn source(headers: &HeaderMap) -> Source {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    match agent {
        Some(agent) if agent.starts_with("gatepost/") => Source::CommandLine,
        _ => Source::Api,
    }
}

/// Keeps on record who was refused what for lack of permission.
pub(crate) async fn record_refusals(
    State(engine): State<Engine>,
    request: Request,
    next: Next,
) -> Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    if let Some(denied) = response.extensions().get::<Denied>() {
        engine.refused(denied, &asked).await;
    }
    response
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| Problem::unauthenticated("the request carries no token"))?;
    let text = value.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Problem::unauthenticated("the header Authorization is not Bearer <token>")),
    }
}
