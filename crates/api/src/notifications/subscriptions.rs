//! Subscriptions: who wants to be told what.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{
    ConnectorName, Permission, Query,
    notification::{Language, MailAddress, Name, Topic},
};
use engine::{SubscriptionView, SubscriptionWish};
use serde::{Deserialize, Serialize};

use super::{Called, Of, Officer, To, word};
use crate::{
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// What is wanted of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Name of the channel that messages go out by.
    pub channel: String,
    /// What is told: `device.new`, `device.quarantined`, `action.failed`, `approval.wanted`,
    /// `connector.trouble`, `credential.expiring`.
    pub topics: Vec<String>,
    /// Only of these connectors; of all if empty.
    #[serde(default)]
    pub connectors: Vec<String>,
    /// Only of devices that this query finds. What is of no device is told all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "user:jane*")]
    pub query: Option<String>,
    /// `en`, `de` or `zh-Hant`, for those who have not chosen one themselves.
    #[serde(default = "english")]
    pub language: String,
    /// To whom, by mail.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// And to the users with this permission whose address is known, each of what they may see:
    /// `approve`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

fn english() -> String {
    Language::English.word().to_owned()
}

/// A subscription with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewSubscription {
    /// What people call it: 1 to 63 of a-z, 0-9 and -.
    pub name: String,
    /// What is wanted.
    #[serde(flatten)]
    pub wish: Subscription,
}

/// All subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SubscriptionList {
    /// The subscriptions, by name.
    pub subscriptions: Vec<NewSubscription>,
}

impl NewSubscription {
    /// The fields, in the order of columns.
    pub const FIELDS: [&'static str; 8] =
        ["name", "channel", "topics", "connectors", "query", "language", "addresses", "audience"];

    fn of(view: SubscriptionView) -> Self {
        let wish = view.wish;
        let texts = |all: &[MailAddress]| all.iter().map(ToString::to_string).collect();
        Self {
            name: view.name.to_string(),
            wish: Subscription {
                channel: wish.channel.to_string(),
                topics: wish.topics.iter().map(ToString::to_string).collect(),
                connectors: wish.connectors.iter().map(ToString::to_string).collect(),
                query: wish.query.map(|query| query.to_string()),
                language: wish.language.to_string(),
                addresses: texts(&wish.addresses),
                audience: wish.audience.map(|permission| permission.to_string()),
            },
        }
    }
}

impl Subscription {
    fn into_wish(self) -> Result<SubscriptionWish, Problem> {
        fn invalid(error: impl std::fmt::Display) -> Problem {
            Problem::invalid(error, "correct it and send it again")
        }
        let topics: Vec<_> = Topic::ALL.iter().map(|it| it.word()).collect();
        let languages: Vec<_> = Language::ALL.iter().map(|it| it.word()).collect();
        let permissions: Vec<_> = Permission::ALL.iter().map(|it| it.word()).collect();
        let topic = |text: &String| word("a topic", text, Topic::from_word, &topics);
        let audience = |text: String| word("audience", &text, Permission::from_word, &permissions);
        Ok(SubscriptionWish {
            channel: Name::parse(&self.channel).map_err(invalid)?,
            topics: self.topics.iter().map(topic).collect::<Result<_, _>>()?,
            connectors: self
                .connectors
                .iter()
                .map(|name| ConnectorName::parse(name).map_err(invalid))
                .collect::<Result<_, _>>()?,
            query: self.query.map(|text| Query::parse(&text).map_err(invalid)).transpose()?,
            language: word("language", &self.language, Language::from_word, &languages)?,
            addresses: self
                .addresses
                .iter()
                .map(|to| MailAddress::parse(to).map_err(invalid))
                .collect::<Result<_, _>>()?,
            audience: self.audience.map(audience).transpose()?,
        })
    }
}

/// Lists the subscriptions.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/subscriptions",
    operation_id = "list_subscriptions",
    tag = "notifications",
    responses((status = 200, body = SubscriptionList), Problem)
)]
pub(crate) async fn list(
    Officer { engine, caller }: Officer,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<SubscriptionList>, Problem> {
    let subscriptions = engine.subscriptions(&caller).await?;
    let subscriptions = subscriptions.into_iter().map(NewSubscription::of).collect();
    Ok(Json(SubscriptionList { subscriptions }))
}

/// Adds a subscription.
#[utoipa::path(
    post,
    path = "/api/v1/notifications/subscriptions",
    operation_id = "add_subscription",
    tag = "notifications",
    params(DryRun, IdempotencyKey),
    request_body = NewSubscription,
    responses(
        (status = 201, body = NewSubscription),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn add(
    Officer { engine, caller }: Officer,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(new): Body<NewSubscription>,
) -> Result<Response, Problem> {
    let name =
        Name::parse(&new.name).map_err(|error| Problem::invalid(error, "choose another name"))?;
    let wish = new.wish.into_wish()?;
    if dry_run {
        engine.validate_subscription(&caller, &name, &wish).await?;
        return Ok(Preview::of(format!("add the subscription {name} on {}", wish.channel)));
    }
    engine.add_subscription(&caller, &name, &wish).await?;
    let added = NewSubscription::of(engine.subscription(&caller, &name).await?);
    Ok((StatusCode::CREATED, Json(added)).into_response())
}

/// Shows one subscription.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/subscriptions/{name}",
    operation_id = "show_subscription",
    tag = "notifications",
    params(Called),
    responses((status = 200, body = NewSubscription), Problem)
)]
pub(crate) async fn show(of: Of) -> Result<Json<NewSubscription>, Problem> {
    Ok(Json(NewSubscription::of(of.engine.subscription(&of.caller, &of.name).await?)))
}

/// Changes a subscription: what is given takes the place of what was.
#[utoipa::path(
    put,
    path = "/api/v1/notifications/subscriptions/{name}",
    operation_id = "change_subscription",
    tag = "notifications",
    params(Called, DryRun, IdempotencyKey),
    request_body = Subscription,
    responses(
        (status = 200, description = "The subscription as it is now; with dry_run=true, what would change", body = NewSubscription),
        Problem
    )
)]
pub(crate) async fn change(
    To { engine, caller, name, is_dry_run }: To,
    Body(wish): Body<Subscription>,
) -> Result<Response, Problem> {
    let wish = wish.into_wish()?;
    if is_dry_run {
        engine.validate_subscription_change(&caller, &name, &wish).await?;
        return Ok(Preview::of(format!("change the subscription {name}")));
    }
    engine.change_subscription(&caller, &name, &wish).await?;
    let changed = NewSubscription::of(engine.subscription(&caller, &name).await?);
    Ok(Json(changed).into_response())
}

/// Removes a subscription.
#[utoipa::path(
    delete,
    path = "/api/v1/notifications/subscriptions/{name}",
    operation_id = "remove_subscription",
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
        engine.subscription(&caller, &name).await?;
        return Ok(Preview::of(format!("remove the subscription {name}")));
    }
    engine.remove_subscription(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
