//! One delivery: what it says, and every attempt.

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{DeliveryId, notification::DeliveryState};

use super::{Officer, standing, title};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    words,
};

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    shell: Shell,
    id: String,
    topic: &'static str,
    to: String,
    state: &'static str,
    tone: &'static str,
    /// HTML.
    next: Option<String>,
    can_replay: bool,
    attempts: Vec<AttemptRow>,
    subject: String,
    text: String,
}

struct AttemptRow {
    number: u64,
    /// HTML.
    at: String,
    duration: String,
    state: &'static str,
    tone: &'static str,
    answer: String,
}

/// `GET /administration/notifications/deliveries/{id}`
pub(crate) async fn delivery(
    Officer { engine, signed_in }: Officer,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let found = engine.delivery(&signed_in.caller, id_of(&id)?).await?;
    let now = engine.now();
    let delivery = found.delivery;
    let (state, tone) = standing(delivery.state);
    let is_waiting = delivery.state == DeliveryState::Waiting;
    let recipient = delivery.recipient.as_ref().map(|to| format!(" to {to}"));
    let attempts = found.attempts.into_iter().map(|attempt| AttemptRow {
        number: attempt.number,
        at: words::time(Some(attempt.at), now, ""),
        duration: format!("{} ms", words::number(attempt.duration_ms)),
        state: if attempt.is_success { "arrived" } else { "did not arrive" },
        tone: if attempt.is_success { "allowed" } else { "blocked" },
        answer: words::visible(&attempt.answer),
    });
    let page = DeliveryPage {
        shell: Shell::new(Place::Administration, &signed_in),
        id: delivery.id.to_string(),
        topic: title(delivery.topic),
        to: format!("{}{}", delivery.channel_name, recipient.unwrap_or_default()),
        state,
        tone,
        next: is_waiting.then(|| words::time(Some(delivery.next_attempt), now, "")),
        can_replay: !is_waiting,
        attempts: attempts.collect(),
        subject: words::visible(&found.words.subject),
        text: found.words.text,
    };
    Ok(page::whole(&page))
}

/// `POST /administration/notifications/deliveries/{id}/replay`
pub(crate) async fn replay(
    Officer { engine, signed_in }: Officer,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    engine.replay(&signed_in.caller, id).await?;
    let page = format!("/administration/notifications/deliveries/{id}");
    Ok(Redirect::to(&page).into_response())
}

fn id_of(text: &str) -> Result<DeliveryId, Problem> {
    text.parse().map_err(|_| Problem::not_found("delivery"))
}
