//! The ways of signing in, for those who set them up: listed, added, changed, tried, removed.

mod form;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    IdentityProvider, ProviderName, ProviderSettings,
    identity_provider::{ProviderKind, is_protected_url},
};
use engine::{Engine, IdentityProviderChange, NewIdentityProvider, SecretChange, StepState};
use serde::Deserialize;

use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};
use form::{Line, Lines, Typed};

#[derive(Template)]
#[template(path = "sign_in_ways.html")]
struct ListPage {
    shell: Shell,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    title: String,
    kind: &'static str,
    address: String,
    is_enabled: bool,
}

#[derive(Template)]
#[template(path = "sign_in_way.html")]
struct WayPage {
    shell: Shell,
    /// `None` while it is being added.
    name: Option<String>,
    heading: String,
    state: String,
    action: String,
    lines: Vec<Line>,
    problem: Option<String>,
    is_enabled: bool,
    is_directory: bool,
    steps: Vec<Step>,
    /// What would go with it, or why it cannot be removed.
    removal: String,
}

/// One step of a test.
struct Step {
    name: String,
    word: &'static str,
    tone: &'static str,
    detail: String,
}

/// `GET /administration/sign-in`
pub(crate) async fn list(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    let providers = engine.identity_providers(&signed_in.caller).await?;
    let row = |provider: IdentityProvider| Row {
        kind: in_words(provider.settings.kind()),
        address: address(&provider.settings),
        name: provider.name.to_string(),
        title: provider.title,
        is_enabled: provider.is_enabled,
    };
    let rows = providers.into_iter().map(row).collect();
    Ok(page::whole(&ListPage { shell: Shell::new(Place::Administration, &signed_in), rows }))
}

/// `GET /administration/sign-in/new/{kind}`
pub(crate) async fn new(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(kind): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Whoever may not add one is told before the form is filled in.
    engine.identity_providers(&signed_in.caller).await?;
    let kind = kind_of(&kind)?;
    Ok(page::whole(&adding(&signed_in, kind, &Typed::new(public_url(&headers)), None)))
}

/// Where this browser reached the server: most others do so too. Only this machine goes without TLS.
fn public_url(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let plain = format!("http://{host}");
    Some(if is_protected_url(&plain) { plain } else { format!("https://{host}") })
}

/// `POST /administration/sign-in/new/{kind}`
pub(crate) async fn add(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(kind): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    engine.identity_providers(&signed_in.caller).await?;
    let kind = kind_of(&kind)?;
    let added = async {
        let name = ProviderName::parse(typed.text("name"))
            .map_err(|error| engine::Error::Invalid(error.to_string()))?;
        let new = NewIdentityProvider {
            name: name.clone(),
            title: typed.text("title").to_owned(),
            settings: typed.settings(kind),
            secret: typed.secret(),
            secret_expires: typed.secret_expires()?,
        };
        engine.add_identity_provider(&signed_in.caller, new).await?;
        Ok(name)
    };
    match added.await {
        Ok(name) => Ok(Redirect::to(&format!("/administration/sign-in/{name}")).into_response()),
        Err(error) => {
            let problem = correctable(error)?;
            let page = adding(&signed_in, kind, &typed, Some(problem));
            Ok((StatusCode::BAD_REQUEST, page::whole(&page)).into_response())
        }
    }
}

/// `GET /administration/sign-in/{name}`
pub(crate) async fn one(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let provider = found(&engine, &signed_in, &name).await?;
    Ok(page::whole(&showing(&engine, &signed_in, &provider).await?))
}

/// `POST /administration/sign-in/{name}`
pub(crate) async fn change(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let provider = found(&engine, &signed_in, &name).await?;
    let kind = provider.settings.kind();
    let changed = async {
        let change = IdentityProviderChange {
            title: typed.text("title").to_owned(),
            settings: typed.settings(kind),
            is_enabled: provider.is_enabled,
            secret: match typed.secret() {
                Some(secret) => SecretChange::Set(secret),
                None if typed.needs_no_secret(kind) => SecretChange::Clear,
                None => SecretChange::Keep,
            },
            secret_expires: typed.secret_expires()?,
        };
        engine.change_identity_provider(&signed_in.caller, &provider.name, change).await
    };
    match changed.await {
        Ok(()) => Ok(Redirect::to(&format!("/administration/sign-in/{name}")).into_response()),
        Err(error) => {
            let problem = correctable(error)?;
            let page = WayPage {
                problem: Some(problem),
                lines: typed.lines(kind, Lines::Change),
                ..showing(&engine, &signed_in, &provider).await?
            };
            Ok((StatusCode::BAD_REQUEST, page::whole(&page)).into_response())
        }
    }
}

/// Whom to try, of a directory.
#[derive(Deserialize)]
pub(crate) struct Person {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
}

/// `POST /administration/sign-in/{name}/test`
pub(crate) async fn test(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(person): Form<Person>,
) -> Result<Response, Problem> {
    let provider = found(&engine, &signed_in, &name).await?;
    let person = (!person.user.is_empty()).then_some((person.user, person.password));
    let report = engine.test_identity_provider(&signed_in.caller, &provider.name, person).await;
    let report = match report {
        Ok(report) => report,
        Err(engine::Error::Unavailable(text) | engine::Error::Invalid(text)) => {
            let problem = Some(words::sentence(&text));
            let page = WayPage { problem, ..showing(&engine, &signed_in, &provider).await? };
            return Ok((StatusCode::BAD_REQUEST, page::whole(&page)).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let step = |step: engine::ProviderStep| {
        let (word, tone) = match step.state {
            StepState::Works => ("Works", "allowed"),
            StepState::Fails => ("Fails", "blocked"),
            StepState::LeftOut => ("To know", "unknown"),
        };
        Step {
            name: words::sentence_start(&step.name),
            word,
            tone,
            detail: words::sentence(&step.detail),
        }
    };
    let steps = report.steps.into_iter().map(step).collect();
    let page = WayPage { steps, ..showing(&engine, &signed_in, &provider).await? };
    Ok(page::whole(&page))
}

/// `POST /administration/sign-in/{name}/enable`
pub(crate) async fn enable(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    switch(&engine, &signed_in, &name, true).await
}

/// `POST /administration/sign-in/{name}/disable`
pub(crate) async fn disable(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    switch(&engine, &signed_in, &name, false).await
}

async fn switch(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &str,
    is_enabled: bool,
) -> Result<Response, Problem> {
    let provider = found(engine, signed_in, name).await?;
    let change = IdentityProviderChange {
        title: provider.title,
        settings: provider.settings,
        is_enabled,
        secret: SecretChange::Keep,
        secret_expires: provider.secret_expires,
    };
    engine.change_identity_provider(&signed_in.caller, &provider.name, change).await?;
    Ok(Redirect::to(&format!("/administration/sign-in/{name}")).into_response())
}

/// What was typed to confirm.
#[derive(Deserialize)]
pub(crate) struct Confirmation {
    #[serde(default)]
    confirm: String,
}

/// `POST /administration/sign-in/{name}/remove`
pub(crate) async fn remove(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(Confirmation { confirm }): Form<Confirmation>,
) -> Result<Response, Problem> {
    let provider = found(&engine, &signed_in, &name).await?;
    if confirm.trim() != name {
        let problem = format!("Type {name} to confirm. Nothing was removed.");
        let page =
            WayPage { problem: Some(problem), ..showing(&engine, &signed_in, &provider).await? };
        return Ok((StatusCode::BAD_REQUEST, page::whole(&page)).into_response());
    }
    match engine.remove_identity_provider(&signed_in.caller, &provider.name).await {
        Ok(_) => Ok(Redirect::to("/administration/sign-in").into_response()),
        Err(error) => {
            let problem = Some(correctable(error)?);
            let page = WayPage { problem, ..showing(&engine, &signed_in, &provider).await? };
            Ok((StatusCode::CONFLICT, page::whole(&page)).into_response())
        }
    }
}

async fn found(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &str,
) -> Result<IdentityProvider, Problem> {
    let name = ProviderName::parse(name).map_err(|_| Problem::not_found("way of signing in"))?;
    Ok(engine.identity_provider(&signed_in.caller, &name).await?)
}

fn adding(
    signed_in: &SignedIn,
    kind: ProviderKind,
    typed: &Typed,
    problem: Option<String>,
) -> WayPage {
    let state = match kind {
        ProviderKind::OpenIdConnect => {
            "People are sent to the provider and come back. Register Gatepost there first; it needs \
             the address below the public URL that ends with /sign-in/oidc/callback."
        }
        ProviderKind::Ldap => {
            "People type their name and password here, and a domain controller judges them. Nothing \
             is sent without TLS, and no password is kept."
        }
    };
    WayPage {
        shell: Shell::new(Place::Administration, signed_in),
        name: None,
        heading: format!("Sign in by {}", in_words(kind)),
        state: state.to_owned(),
        action: format!("/administration/sign-in/new/{}", kind.word()),
        lines: typed.lines(kind, Lines::New),
        problem,
        is_enabled: true,
        is_directory: kind == ProviderKind::Ldap,
        steps: Vec::new(),
        removal: String::new(),
    }
}

async fn showing(
    engine: &Engine,
    signed_in: &SignedIn,
    provider: &IdentityProvider,
) -> Result<WayPage, Problem> {
    let kind = provider.settings.kind();
    let has_secret = engine.has_provider_secret(provider).await?;
    let typed = Typed::of(provider);
    let removal = engine.preview_provider_removal(&signed_in.caller, &provider.name).await;
    let removal = match removal {
        Ok(told) => words::sentence(&told.to_string()),
        Err(error) => correctable(error)?,
    };
    let state = match &provider.settings {
        ProviderSettings::OpenIdConnect(it) => {
            format!("The provider sends people back to {}.", it.redirect_uri())
        }
        ProviderSettings::Ldap(it) => format!("Judged by {}.", it.servers.join(", then ")),
    };
    let state = if provider.is_enabled { state } else { format!("Switched off. {state}") };
    Ok(WayPage {
        shell: Shell::new(Place::Administration, signed_in),
        name: Some(provider.name.to_string()),
        heading: provider.title.clone(),
        state,
        action: format!("/administration/sign-in/{}", provider.name),
        lines: typed.lines(kind, if has_secret { Lines::ChangeKept } else { Lines::Change }),
        problem: None,
        is_enabled: provider.is_enabled,
        is_directory: kind == ProviderKind::Ldap,
        steps: Vec::new(),
        removal,
    })
}

/// What a person can correct in the form; everything else is a page of its own.
fn correctable(error: engine::Error) -> Result<String, Problem> {
    match error {
        engine::Error::Invalid(text) | engine::Error::Conflict(text) => Ok(words::sentence(&text)),
        other => Err(other.into()),
    }
}

fn kind_of(word: &str) -> Result<ProviderKind, Problem> {
    ProviderKind::from_word(word).ok_or_else(|| Problem::not_found("way of signing in"))
}

fn in_words(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::OpenIdConnect => "OpenID Connect",
        ProviderKind::Ldap => "Active Directory",
    }
}

fn address(settings: &ProviderSettings) -> String {
    match settings {
        ProviderSettings::OpenIdConnect(it) => it.issuer.clone(),
        ProviderSettings::Ldap(it) => it.servers.join(", "),
    }
}
