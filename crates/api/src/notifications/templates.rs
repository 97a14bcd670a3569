//! Templates: words of one's own in place of the built-in ones.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{
    Caller,
    notification::{self as domain_words, Language, Topic},
};
use engine::Engine;
use serde::{Deserialize, Serialize};

use super::{Officer, Words};
use crate::{
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// Subject and text of messages. `{count}`, `{connector}`, `{name}` and `{list}` are replaced;
/// `{{` and `}}` are braces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateText {
    /// The subject: one line.
    #[schema(example = "{count} phones wait on {connector}")]
    pub subject: String,
    /// The text.
    #[schema(example = "Dear help desk,\n\n{list}")]
    pub body: String,
}

/// The words of messages about one topic in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NotificationTemplate)]
pub struct Template {
    /// What messages are about.
    pub topic: String,
    /// In which language.
    pub language: String,
    /// What they say; null where the built-in words are used.
    pub own: Option<TemplateText>,
}

/// The words of all messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NotificationTemplateList)]
pub struct TemplateList {
    /// One for each topic and language.
    pub templates: Vec<Template>,
}

/// What a message would look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessagePreview {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The text as a page of HTML.
    pub html: String,
}

impl TemplateText {
    fn into_template(self, topic: Topic, language: Language) -> domain_words::Template {
        domain_words::Template { topic, language, subject: self.subject, body: self.body }
    }
}

/// Lists the words of all messages.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/templates",
    operation_id = "list_notification_templates",
    tag = "notifications",
    responses((status = 200, body = TemplateList), Problem)
)]
pub(crate) async fn list(
    Officer { engine, caller }: Officer,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<TemplateList>, Problem> {
    let own = engine.templates(&caller).await?;
    let mut templates = Vec::new();
    for topic in Topic::ALL {
        for language in Language::ALL {
            let own = own.iter().find(|it| it.topic == *topic && it.language == *language);
            templates.push(Template {
                topic: topic.to_string(),
                language: language.to_string(),
                own: own
                    .map(|it| TemplateText { subject: it.subject.clone(), body: it.body.clone() }),
            });
        }
    }
    Ok(Json(TemplateList { templates }))
}

/// Has messages about a topic in a language say something else.
#[utoipa::path(
    put,
    path = "/api/v1/notifications/templates/{topic}/{language}",
    operation_id = "set_notification_template",
    tag = "notifications",
    params(Words, DryRun, IdempotencyKey),
    request_body = TemplateText,
    responses(
        (status = 200, description = "What a message looks like now; with dry_run=true, what would be done", body = MessagePreview),
        Problem
    )
)]
pub(crate) async fn set(
    Officer { engine, caller }: Officer,
    Words(topic, language): Words,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(text): Body<TemplateText>,
) -> Result<Response, Problem> {
    let template = text.into_template(topic, language);
    if dry_run {
        engine.validate_template(&caller, &template).await?;
        return Ok(Preview::of(format!("set the words of {topic} in {language}")));
    }
    engine.set_template(&caller, &template).await?;
    preview_of(&engine, &caller, topic, language, None).await
}

/// Goes back to the built-in words.
#[utoipa::path(
    delete,
    path = "/api/v1/notifications/templates/{topic}/{language}",
    operation_id = "remove_notification_template",
    tag = "notifications",
    params(Words, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "The built-in words are used again"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove(
    Officer { engine, caller }: Officer,
    Words(topic, language): Words,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        engine.templates(&caller).await?;
        return Ok(Preview::of(format!("go back to the built-in words of {topic} in {language}")));
    }
    engine.remove_template(&caller, topic, language).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Shows what a message about a topic looks like, of something made up.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/templates/{topic}/{language}/preview",
    operation_id = "preview_notification",
    tag = "notifications",
    params(Words),
    responses((status = 200, body = MessagePreview), Problem)
)]
pub(crate) async fn preview(
    Officer { engine, caller }: Officer,
    Words(topic, language): Words,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Response, Problem> {
    preview_of(&engine, &caller, topic, language, None).await
}

/// Shows what a message would look like with other words. Keeps nothing.
#[utoipa::path(
    post,
    path = "/api/v1/notifications/templates/{topic}/{language}/preview",
    operation_id = "try_notification_template",
    tag = "notifications",
    params(Words, DryRun),
    request_body = TemplateText,
    responses((status = 200, body = MessagePreview), Problem)
)]
pub(crate) async fn try_out(
    Officer { engine, caller }: Officer,
    Words(topic, language): Words,
    Parameters(DryRun { .. }): Parameters<DryRun>,
    Body(text): Body<TemplateText>,
) -> Result<Response, Problem> {
    let tried = text.into_template(topic, language);
    preview_of(&engine, &caller, topic, language, Some(tried)).await
}

async fn preview_of(
    engine: &Engine,
    caller: &Caller,
    topic: Topic,
    language: Language,
    tried: Option<domain_words::Template>,
) -> Result<Response, Problem> {
    let words = engine.preview_message(caller, topic, language, tried).await?;
    let preview = MessagePreview { subject: words.subject, text: words.text, html: words.html };
    Ok(Json(preview).into_response())
}
