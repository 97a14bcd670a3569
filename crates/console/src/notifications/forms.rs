//! What can be done about notifications. Each is a plain form.

use std::collections::BTreeSet;

use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    ConnectorName, Permission, Query,
    notification::{
        ChannelKind, Language, MailAddress, MailServer, Name, SmtpSecurity, Topic, Webhook,
    },
};
use engine::{ChannelChange, Engine, Error, NewChannel, SubscriptionWish};
use serde::Deserialize;

use super::{Notice, shown};
use crate::{problem::Problem, session::SignedIn, words};

fn back() -> Response {
    Redirect::to("/administration/notifications").into_response()
}

fn invalid(error: impl std::fmt::Display) -> Problem {
    Error::Invalid(error.to_string()).into()
}

fn name_of(text: &str) -> Result<Name, Problem> {
    Name::parse(text.trim()).map_err(invalid)
}

/// A field that may be left empty.
fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[derive(Deserialize)]
pub(crate) struct NewMail {
    name: String,
    host: String,
    #[serde(default)]
    port: String,
    security: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    from: String,
    #[serde(default)]
    trusted: String,
}

/// `POST /administration/notifications/mail`
pub(crate) async fn add_mail(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(new): Form<NewMail>,
) -> Result<Response, Problem> {
    let security = SmtpSecurity::from_word(&new.security)
        .ok_or_else(|| invalid("choose how the connection is protected"))?;
    let port = match new.port.trim() {
        "" => security.usual_port(),
        text => text.parse().map_err(|_| invalid(format!("{text:?} is no port")))?,
    };
    let kind = ChannelKind::Mail(MailServer {
        host: new.host.trim().to_owned(),
        port,
        security,
        username: given(&new.username),
        from: new.from.trim().to_owned(),
        trusted: given(&new.trusted),
    });
    let password = Some(new.password).filter(|password| !password.is_empty());
    let new = NewChannel { name: name_of(&new.name)?, kind, password };
    engine.add_channel(&signed_in.caller, new).await?;
    Ok(back())
}

#[derive(Deserialize)]
pub(crate) struct NewWebhook {
    name: String,
    url: String,
    #[serde(default)]
    allow_private: String,
    #[serde(default)]
    trusted: String,
}

/// `POST /administration/notifications/webhook`: shows the secret, this once.
pub(crate) async fn add_webhook(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(new): Form<NewWebhook>,
) -> Result<Response, Problem> {
    let kind = ChannelKind::Webhook(Webhook {
        url: new.url.trim().to_owned(),
        allows_private: !new.allow_private.is_empty(),
        trusted: given(&new.trusted),
    });
    let new = NewChannel { name: name_of(&new.name)?, kind, password: None };
    let text = format!(
        "The channel {} was added. Its messages are signed with this secret; copy \
                        it now, it is not shown again.",
        new.name
    );
    let secret = engine.add_channel(&signed_in.caller, new).await?;
    shown(&engine, &signed_in, Some(Notice { tone: "allowed", text, secret })).await
}

#[derive(Deserialize)]
pub(crate) struct Trial {
    #[serde(default)]
    to: String,
}

/// `POST /administration/notifications/channels/{name}/test`: the answer comes when the message has
/// arrived, or has not.
pub(crate) async fn test(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(trial): Form<Trial>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    let to = given(&trial.to).map(|to| MailAddress::parse(&to)).transpose().map_err(invalid)?;
    let tried = engine.try_channel(&signed_in.caller, &name, to.as_ref()).await?;
    let answer = words::visible(&tried.answer);
    let (tone, text) = if tried.is_success {
        ("allowed", format!("The test message by {name} arrived: {answer}"))
    } else {
        ("blocked", format!("The test message by {name} did not arrive: {answer}"))
    };
    shown(&engine, &signed_in, Some(Notice { tone, text, secret: None })).await
}

/// `POST /administration/notifications/channels/{name}/switch`: on if it is off, off if it is on.
pub(crate) async fn switch(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    let is_enabled = !engine.channel(&signed_in.caller, &name).await?.is_enabled;
    let change = ChannelChange { is_enabled: Some(is_enabled), ..ChannelChange::default() };
    engine.change_channel(&signed_in.caller, &name, change).await?;
    Ok(back())
}

/// `POST /administration/notifications/channels/{name}/rotate`: shows the secret, this once.
pub(crate) async fn rotate(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    let secret = engine.rotate_channel_secret(&signed_in.caller, &name).await?;
    let text = format!(
        "Messages by {name} are signed with both secrets until you retire the older one. This is \
         the new one; copy it now, it is not shown again."
    );
    let notice = Notice { tone: "allowed", text, secret: Some(secret) };
    shown(&engine, &signed_in, Some(notice)).await
}

/// `POST /administration/notifications/channels/{name}/retire`
pub(crate) async fn retire(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    engine.retire_channel_secret(&signed_in.caller, &name_of(&name)?).await?;
    Ok(back())
}

/// `POST /administration/notifications/channels/{name}/remove`
pub(crate) async fn remove_channel(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    engine.remove_channel(&signed_in.caller, &name_of(&name)?).await?;
    Ok(back())
}

/// `POST /administration/notifications/subscriptions`. Topics come several times, so the form is
/// read as a list.
pub(crate) async fn add_subscription(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let one = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
    };
    let listed = |name: &str| {
        let text = one(name).unwrap_or_default();
        let parts = text.split([',', ' ', '\n', '\r']).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let topics = fields.iter().filter(|(field, _)| field == "topics");
    let topics: BTreeSet<_> = topics.filter_map(|(_, word)| Topic::from_word(word)).collect();
    let wish = SubscriptionWish {
        channel: name_of(one("channel").unwrap_or_default())?,
        topics,
        connectors: listed("connectors")
            .iter()
            .map(|name| ConnectorName::parse(name).map_err(invalid))
            .collect::<Result<_, _>>()?,
        query: one("query").map(|text| Query::parse(text).map_err(invalid)).transpose()?,
        language: one("language").and_then(Language::from_word).unwrap_or_default(),
        addresses: listed("addresses")
            .iter()
            .map(|to| MailAddress::parse(to).map_err(invalid))
            .collect::<Result<_, _>>()?,
        audience: one("audience").and_then(Permission::from_word),
    };
    let name = name_of(one("name").unwrap_or_default())?;
    engine.add_subscription(&signed_in.caller, &name, &wish).await?;
    Ok(back())
}

/// `POST /administration/notifications/subscriptions/{name}/remove`
pub(crate) async fn remove_subscription(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    engine.remove_subscription(&signed_in.caller, &name_of(&name)?).await?;
    Ok(back())
}
