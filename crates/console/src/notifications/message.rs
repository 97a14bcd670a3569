//! What messages about a topic say, and words of one's own in their place.

use askama::Template as _;
use axum::{
    Form,
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::notification::{Language, Placeholder, Template, Topic};
use engine::Rendered;
use serde::Deserialize;

use super::{Officer, language_title, title};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(askama::Template)]
#[template(path = "message.html")]
struct MessagePage {
    shell: Shell,
    topic: &'static str,
    topic_word: &'static str,
    language: &'static str,
    language_word: &'static str,
    is_own: bool,
    wrong: Option<String>,
    own_subject: String,
    own_body: String,
    placeholders: String,
    subject: String,
    text: String,
}

#[derive(Deserialize)]
pub(crate) struct Words {
    subject: String,
    body: String,
    /// What is to be done: show what it would look like, or keep it.
    #[serde(default)]
    act: String,
}

/// `GET /administration/notifications/messages/{topic}/{language}`
pub(crate) async fn message(
    Officer { engine, signed_in }: Officer,
    Path((topic, language)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (topic, language) = meant(&topic, &language)?;
    let templates = engine.templates(&signed_in.caller).await?;
    let own = templates.into_iter().find(|it| it.topic == topic && it.language == language);
    let shown = engine.preview_message(&signed_in.caller, topic, language, None).await?;
    Ok(page_of(&signed_in, (topic, language), own.as_ref(), own.is_some(), Ok(shown)))
}

/// `POST /administration/notifications/messages/{topic}/{language}`
pub(crate) async fn message_set(
    Officer { engine, signed_in }: Officer,
    Path((topic, language)): Path<(String, String)>,
    Form(given): Form<Words>,
) -> Result<Response, Problem> {
    let (topic, language) = meant(&topic, &language)?;
    let body = given.body.replace("\r\n", "\n");
    let template = Template { topic, language, subject: given.subject.trim().to_owned(), body };
    let caller = &signed_in.caller;
    let is_own = {
        let templates = engine.templates(caller).await?;
        templates.iter().any(|it| it.topic == topic && it.language == language)
    };
    let shown = engine.preview_message(caller, topic, language, Some(template.clone())).await;
    let shown = match shown {
        Ok(shown) => Ok(shown),
        Err(engine::Error::Invalid(why)) => Err(why),
        Err(error) => return Err(error.into()),
    };
    if given.act == "keep" && shown.is_ok() {
        engine.set_template(caller, &template).await?;
        return Ok(Redirect::to(&address(topic, language)).into_response());
    }
    Ok(page_of(&signed_in, (topic, language), Some(&template), is_own, shown))
}

/// `POST /administration/notifications/messages/{topic}/{language}/reset`
pub(crate) async fn message_reset(
    Officer { engine, signed_in }: Officer,
    Path((topic, language)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (topic, language) = meant(&topic, &language)?;
    engine.remove_template(&signed_in.caller, topic, language).await?;
    Ok(Redirect::to(&address(topic, language)).into_response())
}

fn page_of(
    signed_in: &SignedIn,
    (topic, language): (Topic, Language),
    template: Option<&Template>,
    is_own: bool,
    shown: Result<Rendered, String>,
) -> Response {
    let (wrong, subject, text) = match shown {
        Ok(shown) => (None, shown.subject, shown.text),
        Err(why) => (Some(words::sentence(&why)), String::new(), String::new()),
    };
    let placeholders: Vec<_> = Placeholder::ALL.iter().map(|it| format!("{{{it}}}")).collect();
    let page = MessagePage {
        shell: Shell::new(Place::Administration, signed_in),
        topic: title(topic),
        topic_word: topic.word(),
        language: language_title(language),
        language_word: language.word(),
        is_own,
        wrong,
        own_subject: template.map(|it| it.subject.clone()).unwrap_or_default(),
        own_body: template.map(|it| it.body.clone()).unwrap_or_default(),
        placeholders: placeholders.join(", "),
        subject,
        text,
    };
    page::html(page.render())
}

fn meant(topic: &str, language: &str) -> Result<(Topic, Language), Problem> {
    let meant = Topic::from_word(topic).zip(Language::from_word(language));
    meant.ok_or_else(|| Problem::not_found("message"))
}

fn address(topic: Topic, language: Language) -> String {
    format!("/administration/notifications/messages/{topic}/{language}")
}
