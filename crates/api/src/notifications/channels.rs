//! What is done with channels: list, add, show, change, remove, try, give another secret.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::notification::MailAddress;
use serde::{Deserialize, Serialize};

use super::{Called, Channel, NewChannel, NotificationChannelChange, Of, Officer, To};
use crate::{
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// All channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NotificationChannelList)]
pub struct ChannelList {
    /// The channels, by name.
    pub channels: Vec<Channel>,
}

/// A channel that was added.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NotificationChannelAdded)]
pub struct ChannelAdded {
    /// The channel.
    pub channel: Channel,
    /// Of a webhook: what its messages are signed with. Shown this once.
    pub secret: Option<String>,
}

/// Another secret of a webhook.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SecretGiven {
    /// What messages are signed with from now on, besides the one before. Shown this once.
    pub secret: String,
}

/// A message to try a channel with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationTestRequest)]
pub struct TestRequest {
    /// To whom, if by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What came of trying a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NotificationTested)]
pub struct Tested {
    /// Whether the message arrived.
    pub delivered: bool,
    /// What the other side answered, or what went wrong.
    pub answer: String,
    /// How long it took.
    pub duration_ms: u64,
}

/// Lists the channels.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/channels",
    operation_id = "list_notification_channels",
    tag = "notifications",
    responses((status = 200, body = ChannelList), Problem)
)]
pub(crate) async fn list(
    Officer { engine, caller }: Officer,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<ChannelList>, Problem> {
    let channels = engine.channels(&caller).await?;
    Ok(Json(ChannelList { channels: channels.into_iter().map(Channel::of).collect() }))
}

/// Adds a channel.
///
/// The secret of a webhook is shown in this answer and never again.
#[utoipa::path(
    post,
    path = "/api/v1/notifications/channels",
    operation_id = "add_notification_channel",
    tag = "notifications",
    params(DryRun, IdempotencyKey),
    request_body = NewChannel,
    responses(
        (status = 201, body = ChannelAdded),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn add(
    Officer { engine, caller }: Officer,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(new): Body<NewChannel>,
) -> Result<Response, Problem> {
    let new = new.into_new()?;
    let (name, kind) = (new.name.clone(), new.kind.word());
    if dry_run {
        engine.validate_channel(&caller, &new).await?;
        return Ok(Preview::of(format!("add the {kind} channel {name}")));
    }
    let secret = engine.add_channel(&caller, new).await?;
    let channel = Channel::of(engine.channel(&caller, &name).await?);
    Ok((StatusCode::CREATED, Json(ChannelAdded { channel, secret })).into_response())
}

/// Shows one channel.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/channels/{name}",
    operation_id = "show_notification_channel",
    tag = "notifications",
    params(Called),
    responses((status = 200, body = Channel), Problem)
)]
pub(crate) async fn show(of: Of) -> Result<Json<Channel>, Problem> {
    Ok(Json(Channel::of(of.engine.channel(&of.caller, &of.name).await?)))
}

/// Changes a channel.
///
/// What is left out stays, field by field. For another server or account its password is given
/// again.
#[utoipa::path(
    patch,
    path = "/api/v1/notifications/channels/{name}",
    operation_id = "change_notification_channel",
    tag = "notifications",
    params(Called, DryRun, IdempotencyKey),
    request_body = NotificationChannelChange,
    responses(
        (status = 200, description = "The channel as it is now; with dry_run=true, what would change", body = Channel),
        Problem
    )
)]
pub(crate) async fn change(
    To { engine, caller, name, is_dry_run }: To,
    Body(change): Body<NotificationChannelChange>,
) -> Result<Response, Problem> {
    let change = change.applied_to(&engine.channel(&caller, &name).await?)?;
    if is_dry_run {
        engine.validate_channel_change(&caller, &name, change).await?;
        return Ok(Preview::of(format!("change the channel {name}")));
    }
    engine.change_channel(&caller, &name, change).await?;
    Ok(Json(Channel::of(engine.channel(&caller, &name).await?)).into_response())
}

/// Removes a channel that no subscription uses.
#[utoipa::path(
    delete,
    path = "/api/v1/notifications/channels/{name}",
    operation_id = "remove_notification_channel",
    tag = "notifications",
    params(Called, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Removed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove(
    To { engine, caller, name, is_dry_run }: To,
) -> Result<Response, Problem> {
    if is_dry_run {
        engine.unused_channel(&caller, &name).await?;
        return Ok(Preview::of(format!("remove the channel {name}")));
    }
    engine.remove_channel(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Sends a test message by a channel, at once.
#[utoipa::path(
    post,
    path = "/api/v1/notifications/channels/{name}/test",
    operation_id = "test_notification_channel",
    tag = "notifications",
    params(Called, DryRun, IdempotencyKey),
    request_body = TestRequest,
    responses(
        (status = 200, description = "What came of it; with dry_run=true, what would be sent", body = Tested),
        Problem
    )
)]
pub(crate) async fn test(
    To { engine, caller, name, is_dry_run }: To,
    Body(asked): Body<TestRequest>,
) -> Result<Response, Problem> {
    let to = asked.to.as_deref().map(MailAddress::parse).transpose();
    let to = to.map_err(|error| Problem::invalid(error, "correct the address"))?;
    if is_dry_run {
        engine.channel(&caller, &name).await?;
        return Ok(Preview::of(format!("send a test message by the channel {name}")));
    }
    let trial = engine.try_channel(&caller, &name, to.as_ref()).await?;
    let tested = Tested {
        delivered: trial.is_success,
        answer: trial.answer,
        duration_ms: trial.duration_ms,
    };
    Ok(Json(tested).into_response())
}

/// Gives a webhook another secret.
///
/// Messages are signed with both until the older one is retired, so that the receiver can learn the
/// new one without losing a message.
#[utoipa::path(
    post,
    path = "/api/v1/notifications/channels/{name}/rotate-secret",
    operation_id = "rotate_notification_secret",
    tag = "notifications",
    params(Called, DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The secret; with dry_run=true, what would be done", body = SecretGiven),
        Problem
    )
)]
pub(crate) async fn rotate(
    To { engine, caller, name, is_dry_run }: To,
) -> Result<Response, Problem> {
    if is_dry_run {
        engine.channel(&caller, &name).await?;
        return Ok(Preview::of(format!("give the channel {name} another secret")));
    }
    let secret = engine.rotate_channel_secret(&caller, &name).await?;
    Ok(Json(SecretGiven { secret }).into_response())
}

/// Retires the older of two secrets of a webhook.
#[utoipa::path(
    post,
    path = "/api/v1/notifications/channels/{name}/retire-secret",
    operation_id = "retire_notification_secret",
    tag = "notifications",
    params(Called, DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The channel; with dry_run=true, what would be done", body = Channel),
        Problem
    )
)]
pub(crate) async fn retire(
    To { engine, caller, name, is_dry_run }: To,
) -> Result<Response, Problem> {
    if is_dry_run {
        engine.channel(&caller, &name).await?;
        return Ok(Preview::of(format!("retire the older secret of the channel {name}")));
    }
    engine.retire_channel_secret(&caller, &name).await?;
    Ok(Json(Channel::of(engine.channel(&caller, &name).await?)).into_response())
}
