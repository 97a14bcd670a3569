//! The delivery log: what went out, what was answered, and sending once more.

use axum::{
    Json,
    extract::Path,
    response::{IntoResponse as _, Response},
};
use domain::{
    Caller, DeliveryId, Timestamp,
    notification::{self as domain_words, DeliveryState},
};
use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{MessagePreview, Officer, word};
use crate::{
    parameters::{DryRun, IdempotencyKey, Limit, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// One message to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    /// Stable id, which the recipient sees too.
    pub id: String,
    /// Name of the channel.
    pub channel: String,
    /// Name of the subscription.
    pub subscription: Option<String>,
    /// What the message is about.
    pub topic: String,
    /// To whom, if by mail.
    pub recipient: Option<String>,
    /// `waiting`, `delivered` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u64,
    /// What came of the last attempt.
    pub outcome: Option<String>,
    /// When it was made.
    pub created: String,
    /// When it is tried next, while it waits.
    pub next_attempt: Option<String>,
}

/// One attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// Its number, from 1. One that was cut short by a stop is missing.
    pub number: u64,
    /// When it began.
    pub at: String,
    /// How long it took.
    pub duration_ms: u64,
    /// Whether the message arrived.
    pub delivered: bool,
    /// What the other side answered, or what went wrong.
    pub answer: String,
}

/// A delivery with everything about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    pub delivery: Delivery,
    /// The attempts, in their order.
    pub log: Vec<Attempt>,
    /// What it tells, for programs.
    pub data: Value,
    /// What it tells, in the words as they are now.
    pub message: MessagePreview,
}

/// Deliveries, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliveryList {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins; null on the last.
    pub next: Option<String>,
}

impl Delivery {
    /// The fields, in the order of columns.
    pub const FIELDS: [&'static str; 10] = [
        "id",
        "channel",
        "subscription",
        "topic",
        "recipient",
        "state",
        "attempts",
        "outcome",
        "created",
        "next_attempt",
    ];

    fn of(delivery: &domain_words::Delivery) -> Self {
        let is_waiting = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.id.to_string(),
            channel: delivery.channel_name.clone(),
            subscription: delivery.subscription.clone(),
            topic: delivery.topic.to_string(),
            recipient: delivery.recipient.as_ref().map(ToString::to_string),
            state: delivery.state.to_string(),
            attempts: delivery.attempts,
            outcome: delivery.outcome.clone(),
            created: delivery.created.to_string(),
            next_attempt: is_waiting.then(|| delivery.next_attempt.to_string()),
        }
    }
}

/// Which deliveries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParameters {
    /// Only those that stand so: `waiting`, `delivered` or `failed`.
    state: Option<String>,
    /// How many at most
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
    limit: Limit,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Lists deliveries, the latest first.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/deliveries",
    operation_id = "list_deliveries",
    tag = "notifications",
    params(ListParameters),
    responses((status = 200, body = DeliveryList), Problem)
)]
pub(crate) async fn list(
    Officer { engine, caller }: Officer,
    Parameters(asked): Parameters<ListParameters>,
) -> Result<Json<DeliveryList>, Problem> {
    let words: Vec<_> = DeliveryState::ALL.iter().map(|it| it.word()).collect();
    let state = asked.state.map(|text| word("state", &text, DeliveryState::from_word, &words));
    let before = asked.cursor.as_deref().map(cursor).transpose()?;
    let limit = u32::from(asked.limit.0).min(500);
    let found = engine.deliveries(&caller, state.transpose()?, before, limit).await?;
    let last = found.last().filter(|_| found.len() >= limit as usize);
    let next = last.map(|last| format!("{}_{}", last.created.as_millisecond(), last.id));
    Ok(Json(DeliveryList { deliveries: found.iter().map(Delivery::of).collect(), next }))
}

fn cursor(text: &str) -> Result<(Timestamp, DeliveryId), Problem> {
    let parts = text.split_once('_').and_then(|(time, id)| {
        let time = Timestamp::from_millisecond(time.parse().ok()?).ok()?;
        Some((time, id.parse().ok()?))
    });
    parts.ok_or_else(|| {
        Problem::invalid("the cursor is not one that a list gave", "begin with the first page")
    })
}

/// Shows one delivery: what it tells, and every attempt.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/deliveries/{id}",
    operation_id = "show_delivery",
    tag = "notifications",
    params(("id" = String, Path, description = "Id of the delivery")),
    responses((status = 200, body = DeliveryDetail), Problem)
)]
pub(crate) async fn show(
    Officer { engine, caller }: Officer,
    Path(id): Path<String>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<DeliveryDetail>, Problem> {
    detail(&engine, &caller, id_of(&id)?).await.map(Json)
}

/// Sends a delivery that has ended once more, under the same id.
#[utoipa::path(
    post,
    path = "/api/v1/notifications/deliveries/{id}/replay",
    operation_id = "replay_delivery",
    tag = "notifications",
    params(("id" = String, Path, description = "Id of the delivery"), DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The delivery, which waits again; with dry_run=true, what would be done", body = DeliveryDetail),
        Problem
    )
)]
pub(crate) async fn replay(
    Officer { engine, caller }: Officer,
    Path(id): Path<String>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    if dry_run {
        let delivery = engine.validate_replay(&caller, id).await?;
        let channel = delivery.channel_name;
        return Ok(Preview::of(format!("send the delivery {id} by {channel} once more")));
    }
    engine.replay(&caller, id).await?;
    Ok(Json(detail(&engine, &caller, id).await?).into_response())
}

fn id_of(text: &str) -> Result<DeliveryId, Problem> {
    text.parse().map_err(|_| {
        Problem::not_found(
            format_args!("{text:?} is no id of a delivery"),
            "GET /api/v1/notifications/deliveries lists deliveries",
        )
    })
}

async fn detail(
    engine: &Engine,
    caller: &Caller,
    id: DeliveryId,
) -> Result<DeliveryDetail, Problem> {
    let found = engine.delivery(caller, id).await?;
    let attempt = |attempt: domain_words::Attempt| Attempt {
        number: attempt.number,
        at: attempt.at.to_string(),
        duration_ms: attempt.duration_ms,
        delivered: attempt.is_success,
        answer: attempt.answer,
    };
    let words = found.words;
    Ok(DeliveryDetail {
        delivery: Delivery::of(&found.delivery),
        log: found.attempts.into_iter().map(attempt).collect(),
        data: serde_json::from_str(&found.delivery.document).unwrap_or_default(),
        message: MessagePreview { subject: words.subject, text: words.text, html: words.html },
    })
}
