//! Everybody's own page: password, second step, sessions, tokens.

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::notification::Language;
use engine::{Engine, TotpOffer};
use qrcode::{Color, QrCode};

use super::{
    Pairs, again, sessions, titles,
    tokens::{self, TokenForm},
    told,
};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "people/me.html")]
struct MePage {
    shell: Shell,
    problem: Option<String>,
    name: String,
    summary: String,
    may: Vec<String>,
    /// Whether they sign in with a password that is kept here.
    is_local: bool,
    /// Whether there is somebody to send messages to.
    is_user: bool,
    /// Word, title, and whether it is the chosen one.
    languages: Vec<(&'static str, &'static str, bool)>,
    has_totp: bool,
    codes_left: u64,
    sessions: Vec<sessions::Row>,
    tokens: Vec<tokens::Row>,
    form: TokenForm,
}

/// A second step that is being set up.
#[derive(Template)]
#[template(path = "people/totp.html")]
struct TotpPage {
    shell: Shell,
    problem: Option<String>,
    secret: String,
    address: String,
    /// HTML.
    image: String,
}

#[derive(Template)]
#[template(path = "people/codes.html")]
struct CodesPage {
    shell: Shell,
    codes: Vec<String>,
}

/// `GET /me`
pub(crate) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    Ok(page::whole(&read(&engine, &signed_in, &Pairs(Vec::new()), None).await?))
}

/// `POST /me/password`
pub(crate) async fn password(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = Pairs(form);
    let people = engine.people(&signed_in.caller);
    let new = form.secret("new");
    let done = if new == form.secret("again") {
        people.change_own_password(form.secret("old"), new, Some(signed_in.id)).await
    } else {
        Err(engine::Error::Invalid("the two new passwords are not the same".to_owned()))
    };
    back(&engine, &signed_in, &form, done).await
}

/// `POST /me/totp`: offers a second step, takes its first code, or removes it.
pub(crate) async fn totp(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = Pairs(form);
    let people = engine.people(&signed_in.caller);
    match form.one("do") {
        "offer" => match told(people.offer_totp().await)? {
            Ok(offer) => Ok(page::whole(&totp_page(&signed_in, &offer, None)?)),
            Err(problem) => Ok(again(&read(&engine, &signed_in, &form, Some(problem)).await?)),
        },
        "confirm" => match told(people.confirm_totp(form.one("code")).await)? {
            Ok(codes) => {
                let shell = Shell::new(Place::Me, &signed_in);
                Ok(page::whole(&CodesPage { shell, codes }))
            }
            Err(problem) => {
                // What the page showed goes back to it: the secret is not told again by the engine.
                let offer = TotpOffer {
                    secret: form.one("secret").to_owned(),
                    address: form.one("address").to_owned(),
                };
                Ok(again(&totp_page(&signed_in, &offer, Some(problem))?))
            }
        },
        _ => {
            let done = people.remove_own_totp(form.secret("password")).await;
            back(&engine, &signed_in, &form, done).await
        }
    }
}

/// `POST /me/language`
pub(crate) async fn language(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = Pairs(form);
    let chosen = match form.one("language") {
        "" => Ok(None),
        word => Language::from_word(word).map(Some).ok_or_else(|| {
            engine::Error::Invalid(format!("{word:?} is no language that messages are written in"))
        }),
    };
    let done = match chosen {
        Ok(language) => engine.people(&signed_in.caller).set_own_language(language).await,
        Err(error) => Err(error),
    };
    back(&engine, &signed_in, &form, done).await
}

/// `POST /me/tokens`
pub(crate) async fn tokens(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = Pairs(form);
    match told(tokens::changed(&engine, &signed_in, &form, "/me").await)? {
        Ok(answer) => Ok(answer),
        Err(problem) => Ok(again(&read(&engine, &signed_in, &form, Some(problem)).await?)),
    }
}

/// `POST /me/sessions`
pub(crate) async fn sessions(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = Pairs(form);
    let done = match form.one("do") {
        "others" => engine.people(&signed_in.caller).end_other_sessions(Some(signed_in.id)).await,
        _ => sessions::ended(&engine, &signed_in, &form).await,
    };
    back(&engine, &signed_in, &form, done).await
}

async fn back(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
    done: Result<(), engine::Error>,
) -> Result<Response, Problem> {
    match told(done)? {
        Ok(()) => Ok(Redirect::to("/me").into_response()),
        Err(problem) => Ok(again(&read(engine, signed_in, form, Some(problem)).await?)),
    }
}

async fn read(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
    problem: Option<String>,
) -> Result<MePage, Problem> {
    let people = engine.people(&signed_in.caller);
    let now = engine.now();
    let me = people.me().await?;
    let grants = signed_in.caller.grants.iter();
    let may = grants.map(|grant| {
        let place = match &grant.place {
            domain::authority::Place::Everywhere => "everywhere".to_owned(),
            domain::authority::Place::Connector(_) => "for one connector".to_owned(),
            domain::authority::Place::Collection(query) => format!("for the devices of {query}"),
        };
        format!("{}: {}", words::sentence_start(&place), titles(grant.permissions))
    });
    let own = people.own_sessions().await?.into_iter();
    let name = signed_in.caller.name.clone();
    let is_local = me.as_ref().is_some_and(|me| me.person.origin == domain::person::Origin::Local);
    let chosen = people.own_language().await?;
    let languages = Language::ALL
        .iter()
        .map(|it| (it.word(), crate::notifications::language_title(*it), chosen == Some(*it)));
    Ok(MePage {
        shell: Shell::new(Place::Me, signed_in),
        problem,
        summary: match &me {
            None => {
                "You hold the token of this server. Make yourself a user for daily work.".to_owned()
            }
            Some(me) => format!("You sign in by {}.", super::users::way(me)),
        },
        may: may.collect(),
        is_local,
        is_user: me.is_some(),
        languages: languages.collect(),
        has_totp: me.as_ref().is_some_and(|me| me.has_totp),
        codes_left: people.recovery_codes_left().await?,
        sessions: own.map(|it| sessions::row(it, &name, signed_in.id, now)).collect(),
        tokens: people.own_tokens().await?.into_iter().map(|it| tokens::row(it, now)).collect(),
        form: tokens::token_form(engine, signed_in, form, "/me/tokens").await?,
        name,
    })
}

fn totp_page(
    signed_in: &SignedIn,
    offer: &TotpOffer,
    problem: Option<String>,
) -> Result<TotpPage, Problem> {
    Ok(TotpPage {
        shell: Shell::new(Place::Me, signed_in),
        problem,
        secret: offer.secret.clone(),
        address: offer.address.clone(),
        image: image(&offer.address)?,
    })
}

/// A QR code as SVG: one path of dark squares, with the quiet zone of four that scanners want.
fn image(text: &str) -> Result<String, Problem> {
    const QUIET: usize = 4;
    let code = QrCode::new(text).map_err(|error| Problem::internal(&error))?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET));
        }
    }
    let size = width + 2 * QUIET;
    Ok(format!(
        "<svg class=\"qr\" viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"QR code of the \
         secret\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}
