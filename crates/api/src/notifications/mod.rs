//! Notifications: channels, subscriptions, templates, and the log of deliveries.

mod channel;
pub(crate) mod channels;
pub(crate) mod deliveries;
pub(crate) mod own;
pub(crate) mod subscriptions;
pub(crate) mod templates;

pub use channel::{Channel, MailServer, NewChannel, NotificationChannelChange, Webhook};
pub use channels::{ChannelAdded, ChannelList, SecretGiven, TestRequest, Tested};
pub use deliveries::{Attempt, Delivery, DeliveryDetail, DeliveryList};
pub use own::OwnLanguage;
pub use subscriptions::{NewSubscription, Subscription, SubscriptionList};
pub use templates::{MessagePreview, Template, TemplateList, TemplateText};

use axum::{
    Extension,
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use domain::{
    Caller, Permission,
    notification::{Language, Name, Topic},
};
use engine::Engine;

use crate::{
    parameters::{DryRun, NoParameters, Parameters},
    problem::Problem,
};

/// The name of a channel or subscription in the path.
#[derive(utoipa::IntoParams)]
#[into_params(names("name"), parameter_in = Path)]
pub(crate) struct Called(
    /// Name of the channel or subscription
    #[param(value_type = String)]
    pub(crate) Name,
);

impl<S: Send + Sync> FromRequestParts<S> for Called {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::invalid(error, "correct the address"))?;
        let name = Name::parse(&text);
        name.map(Self).map_err(|error| Problem::not_found(error, "list what there is"))
    }
}

/// Somebody who may see to notifications: refused if they may not, before anything else is looked at.
pub(crate) struct Officer {
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
}

impl FromRequestParts<Engine> for Officer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let caller = Extension::<Caller>::from_request_parts(parts, engine).await;
        let Extension(caller) = caller.map_err(|_| Problem::internal())?;
        caller.scope(Permission::ModifySecurity)?;
        Ok(Self { engine: engine.clone(), caller })
    }
}

/// Something that somebody wants to know of a channel or subscription.
pub(crate) struct Of {
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
    pub(crate) name: Name,
}

impl FromRequestParts<Engine> for Of {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let Officer { engine, caller } = Officer::from_request_parts(parts, engine).await?;
        let Called(name) = Called::from_request_parts(parts, &engine).await?;
        Parameters::<NoParameters>::from_request_parts(parts, &engine).await?;
        Ok(Self { engine, caller, name })
    }
}

/// Something that somebody wants to do with a channel or subscription.
pub(crate) struct To {
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
    pub(crate) name: Name,
    pub(crate) is_dry_run: bool,
}

impl FromRequestParts<Engine> for To {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let Officer { engine, caller } = Officer::from_request_parts(parts, engine).await?;
        let Called(name) = Called::from_request_parts(parts, &engine).await?;
        let Parameters(DryRun { dry_run }) = Parameters::from_request_parts(parts, &engine).await?;
        Ok(Self { engine, caller, name, is_dry_run: dry_run })
    }
}

/// Topic and language in the path.
#[derive(utoipa::IntoParams)]
#[into_params(names("topic", "language"), parameter_in = Path)]
pub(crate) struct Words(
    /// What the message is about: `device.quarantined`
    #[param(value_type = String)]
    pub(crate) Topic,
    /// Language of the message: `en`, `de` or `zh-Hant`
    #[param(value_type = String)]
    pub(crate) Language,
);

impl<S: Send + Sync> FromRequestParts<S> for Words {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path((topic, language)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::invalid(error, "correct the address"))?;
        let remedy = "GET /api/v1/notifications/templates lists topics and languages";
        let topic = Topic::from_word(&topic)
            .ok_or_else(|| Problem::not_found(format_args!("{topic:?} is no topic"), remedy))?;
        let language = Language::from_word(&language).ok_or_else(|| {
            Problem::not_found(format_args!("{language:?} is no language"), remedy)
        })?;
        Ok(Self(topic, language))
    }
}

/// A value by its word; all words are named if it is none.
pub(crate) fn word<T>(
    field: &str,
    text: &str,
    from_word: fn(&str) -> Option<T>,
    words: &[&str],
) -> Result<T, Problem> {
    from_word(text).ok_or_else(|| {
        Problem::invalid(
            format_args!("{field} is {text:?}, and must be one of {}", words.join(", ")),
            "correct it and send it again",
        )
    })
}
