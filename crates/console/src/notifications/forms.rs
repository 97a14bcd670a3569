//! What can be done about notifications. Each is a plain form; what is wrong with one is said above it.

use axum::{
    Form,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    ConnectorName, Permission, Query,
    notification::{
        ChannelKind, Language, MailAddress, MailServer, Name, SmtpSecurity, Topic, Webhook,
    },
};
use engine::{ChannelChange, Error, NewChannel, SubscriptionWish};

use super::{Filled, Notice, Officer, shown};
use crate::{problem::Problem, words};

/// What came of a form that worked.
enum Done {
    /// The page as it is now.
    Back,
    /// The page with something that is shown only now.
    Shown(Notice),
}

/// The page after a form: as it is now, or with what was wrong and what was typed.
async fn answered(
    Officer { engine, signed_in }: &Officer,
    filled: Filled,
    done: Result<Done, Error>,
) -> Result<Response, Problem> {
    let wrong = match done {
        Ok(Done::Back) => return Ok(Redirect::to("/administration/notifications").into_response()),
        Ok(Done::Shown(notice)) => {
            return shown(engine, signed_in, Some(notice), Filled::default()).await;
        }
        Err(
            error @ (Error::Invalid(_)
            | Error::Conflict(_)
            | Error::NotFound(_)
            | Error::Unavailable(_)),
        ) => words::sentence(&error.to_string()),
        Err(error) => return Err(error.into()),
    };
    let notice = Notice { tone: "blocked", text: wrong, secret: None };
    let page = shown(engine, signed_in, Some(notice), filled).await?;
    Ok((StatusCode::BAD_REQUEST, page).into_response())
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::Invalid(error.to_string())
}

fn name_of(text: &str) -> Result<Name, Error> {
    Name::parse(text.trim()).map_err(invalid)
}

/// `POST /administration/notifications/mail`
pub(crate) async fn add_mail(
    officer: Officer,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let filled = Filled::new("mail", fields);
    let done = match new_mail(&filled) {
        Ok(new) => officer.engine.add_channel(&officer.signed_in.caller, new).await,
        Err(error) => Err(error),
    };
    answered(&officer, filled, done.map(|_| Done::Back)).await
}

fn new_mail(filled: &Filled) -> Result<NewChannel, Error> {
    let security = SmtpSecurity::from_word(filled.one("security"))
        .ok_or_else(|| invalid("choose how the connection is protected"))?;
    let port = match filled.one("port") {
        "" => security.usual_port(),
        text => text.parse().map_err(|_| invalid(format!("{text:?} is no port")))?,
    };
    let kind = ChannelKind::Mail(MailServer {
        host: filled.one("host").to_owned(),
        port,
        security,
        username: filled.some("username"),
        from: filled.one("from").to_owned(),
        trusted: filled.some("trusted"),
    });
    let password = filled.secret("password");
    let password = Some(password.to_owned()).filter(|password| !password.is_empty());
    Ok(NewChannel { name: name_of(filled.one("name"))?, kind, password })
}

/// `POST /administration/notifications/webhook`: shows the secret, this once.
pub(crate) async fn add_webhook(
    officer: Officer,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let filled = Filled::new("webhook", fields);
    let kind = ChannelKind::Webhook(Webhook {
        url: filled.one("url").to_owned(),
        allows_private: !filled.one("allow_private").is_empty(),
        trusted: filled.some("trusted"),
    });
    let done = match name_of(filled.one("name")) {
        Ok(name) => {
            let new = NewChannel { name, kind, password: None };
            officer.engine.add_channel(&officer.signed_in.caller, new).await
        }
        Err(error) => Err(error),
    };
    let done = done.map(|secret| {
        let text = format!(
            "The channel {} was added. Its messages are signed with this secret; copy it now, it is \
             not shown again.",
            filled.one("name")
        );
        Done::Shown(Notice { tone: "allowed", text, secret })
    });
    answered(&officer, filled, done).await
}

/// `POST /administration/notifications/channels/{name}/test`: the answer comes when the message has
/// arrived, or has not.
pub(crate) async fn test(
    officer: Officer,
    Path(name): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let to = Filled::new("test", fields).some("to");
    let tried = async {
        let to = to.map(|to| MailAddress::parse(&to)).transpose().map_err(invalid)?;
        let caller = &officer.signed_in.caller;
        officer.engine.try_channel(caller, &name_of(&name)?, to.as_ref()).await
    };
    let done = tried.await.map(|tried| {
        let answer = words::visible(&tried.answer);
        let (tone, text) = if tried.is_success {
            ("allowed", format!("The test message by {name} arrived: {answer}"))
        } else {
            ("blocked", format!("The test message by {name} did not arrive: {answer}"))
        };
        Done::Shown(Notice { tone, text, secret: None })
    });
    answered(&officer, Filled::default(), done).await
}

/// `POST /administration/notifications/channels/{name}/switch`: on if it is off, off if it is on.
pub(crate) async fn switch(
    officer: Officer,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let caller = &officer.signed_in.caller;
    let switched = async {
        let name = name_of(&name)?;
        let is_enabled = !officer.engine.channel(caller, &name).await?.is_enabled;
        let change = ChannelChange { is_enabled: Some(is_enabled), ..ChannelChange::default() };
        officer.engine.change_channel(caller, &name, change).await
    };
    let done = switched.await.map(|()| Done::Back);
    answered(&officer, Filled::default(), done).await
}

/// `POST /administration/notifications/channels/{name}/rotate`: shows the secret, this once.
pub(crate) async fn rotate(
    officer: Officer,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let caller = &officer.signed_in.caller;
    let rotated = async { officer.engine.rotate_channel_secret(caller, &name_of(&name)?).await };
    let done = rotated.await.map(|secret| {
        let text = format!(
            "Messages by {name} are signed with both secrets until you retire the older one. This \
             is the new one; copy it now, it is not shown again."
        );
        Done::Shown(Notice { tone: "allowed", text, secret: Some(secret) })
    });
    answered(&officer, Filled::default(), done).await
}

/// `POST /administration/notifications/channels/{name}/retire`
pub(crate) async fn retire(
    officer: Officer,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let caller = &officer.signed_in.caller;
    let retired = async { officer.engine.retire_channel_secret(caller, &name_of(&name)?).await };
    let done = retired.await.map(|()| Done::Back);
    answered(&officer, Filled::default(), done).await
}

/// `POST /administration/notifications/channels/{name}/remove`
pub(crate) async fn remove_channel(
    officer: Officer,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let caller = &officer.signed_in.caller;
    let removed = async { officer.engine.remove_channel(caller, &name_of(&name)?).await };
    let done = removed.await.map(|()| Done::Back);
    answered(&officer, Filled::default(), done).await
}

/// `POST /administration/notifications/subscriptions`
pub(crate) async fn add_subscription(
    officer: Officer,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let filled = Filled::new("subscription", fields);
    let added = async {
        let (name, wish) = (name_of(filled.one("name"))?, new_wish(&filled)?);
        officer.engine.add_subscription(&officer.signed_in.caller, &name, &wish).await
    };
    let done = added.await.map(|()| Done::Back);
    answered(&officer, filled, done).await
}

fn new_wish(filled: &Filled) -> Result<SubscriptionWish, Error> {
    let topic =
        |word| Topic::from_word(word).ok_or_else(|| invalid(format!("{word:?} is no topic")));
    let query = filled.some("query");
    Ok(SubscriptionWish {
        channel: name_of(filled.one("channel"))?,
        topics: filled.all("topics").map(topic).collect::<Result<_, _>>()?,
        connectors: filled
            .listed("connectors")
            .map(|name| ConnectorName::parse(name).map_err(invalid))
            .collect::<Result<_, _>>()?,
        query: query.map(|text| Query::parse(&text).map_err(invalid)).transpose()?,
        language: Language::from_word(filled.one("language")).unwrap_or_default(),
        addresses: filled
            .listed("addresses")
            .map(|to| MailAddress::parse(to).map_err(invalid))
            .collect::<Result<_, _>>()?,
        audience: Permission::from_word(filled.one("audience")),
    })
}

/// `POST /administration/notifications/subscriptions/{name}/remove`
pub(crate) async fn remove_subscription(
    officer: Officer,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let caller = &officer.signed_in.caller;
    let removed = async { officer.engine.remove_subscription(caller, &name_of(&name)?).await };
    let done = removed.await.map(|()| Done::Back);
    answered(&officer, Filled::default(), done).await
}
