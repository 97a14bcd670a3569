//! Notifications: channels, subscriptions and the delivery log on one page.

mod delivery;
mod filled;
mod forms;
mod message;

pub(crate) use delivery::{delivery, replay};
pub(crate) use forms::{
    add_mail, add_subscription, add_webhook, remove_channel, remove_subscription, retire, rotate,
    switch, test,
};
pub(crate) use message::{message, message_reset, message_set};

use askama::Template;
use filled::Filled;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
    response::{IntoResponse as _, Response},
};
use domain::{
    Permission, Timestamp,
    notification::{Channel, ChannelKind, Delivery, DeliveryState, Language, SmtpSecurity, Topic},
};
use engine::{Engine, SubscriptionView};

use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

/// Deliveries on the page.
const DELIVERIES: u32 = 50;

#[derive(Template)]
#[template(path = "notifications.html")]
pub(crate) struct NotificationsPage {
    shell: Shell,
    summary: String,
    notice: Option<Notice>,
    /// A form that did not work.
    filled: Filled,
    channels: Vec<ChannelRow>,
    subscriptions: Vec<SubscriptionRow>,
    deliveries: Vec<DeliveryRow>,
    topics: Vec<(&'static str, &'static str)>,
    languages: Vec<(&'static str, &'static str)>,
    permissions: Vec<(&'static str, &'static str)>,
    securities: Vec<(&'static str, &'static str)>,
    messages: Vec<MessageRow>,
}

/// What came of what was just done.
pub(crate) struct Notice {
    tone: &'static str,
    text: String,
    /// To be copied now: it is not shown again.
    secret: Option<String>,
}

struct ChannelRow {
    name: String,
    kind: &'static str,
    /// HTML.
    leads_to: String,
    state: &'static str,
    tone: &'static str,
    trouble: Option<String>,
    is_enabled: bool,
    is_mail: bool,
}

struct SubscriptionRow {
    name: String,
    channel: String,
    topics: String,
    only: String,
    recipients: String,
    language: &'static str,
}

struct DeliveryRow {
    href: String,
    /// HTML.
    created: String,
    topic: &'static str,
    to: String,
    state: &'static str,
    tone: &'static str,
    outcome: String,
    attempts: u64,
}

struct MessageRow {
    topic: &'static str,
    languages: Vec<InLanguage>,
}

struct InLanguage {
    href: String,
    title: &'static str,
    /// Whether words of one's own are used.
    is_own: bool,
}

/// Somebody who may see to notifications: refused if they may not, before anything else is looked at.
pub(crate) struct Officer {
    engine: Engine,
    signed_in: SignedIn,
}

impl<S> FromRequestParts<S> for Officer
where
    Engine: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let may = signed_in.caller.scope(Permission::ModifySecurity);
        may.map_err(|denied| Problem::from(denied).into_response())?;
        Ok(Self { engine: Engine::from_ref(state), signed_in })
    }
}

/// `GET /administration/notifications`
pub(crate) async fn notifications(
    Officer { engine, signed_in }: Officer,
) -> Result<Response, Problem> {
    shown(&engine, &signed_in, None, Filled::default()).await
}

/// The page with what came of what was just done.
async fn shown(
    engine: &Engine,
    signed_in: &SignedIn,
    notice: Option<Notice>,
    filled: Filled,
) -> Result<Response, Problem> {
    let caller = &signed_in.caller;
    let now = engine.now();
    let channels = engine.channels(caller).await?;
    let subscriptions = engine.subscriptions(caller).await?;
    let deliveries = engine.deliveries(caller, None, None, DELIVERIES).await?;
    let own = engine.templates(caller).await?;
    let is_own = |topic: Topic, language: Language| {
        own.iter().any(|it| it.topic == topic && it.language == language)
    };
    let message = |topic: &Topic| MessageRow {
        topic: title(*topic),
        languages: Language::ALL
            .iter()
            .map(|language| InLanguage {
                href: format!("/administration/notifications/messages/{topic}/{language}"),
                title: language_title(*language),
                is_own: is_own(*topic, *language),
            })
            .collect(),
    };
    let languages = Language::ALL.iter().copied();
    let page = NotificationsPage {
        shell: Shell::new(Place::Administration, signed_in),
        summary: summary(&channels, &subscriptions, &deliveries),
        notice,
        filled,
        channels: channels.iter().map(ChannelRow::of).collect(),
        subscriptions: subscriptions.iter().map(SubscriptionRow::of).collect(),
        deliveries: deliveries.iter().map(|it| DeliveryRow::of(it, now)).collect(),
        topics: Topic::ALL.iter().map(|it| (it.word(), title(*it))).collect(),
        languages: languages.map(|it| (it.word(), language_title(it))).collect(),
        permissions: Permission::ALL.iter().map(|it| (it.word(), it.title())).collect(),
        securities: SmtpSecurity::ALL.iter().map(|it| (it.word(), security_title(*it))).collect(),
        messages: Topic::ALL.iter().map(message).collect(),
    };
    Ok(page::whole(&page))
}

/// One sentence over everything.
fn summary(
    channels: &[Channel],
    subscriptions: &[SubscriptionView],
    deliveries: &[Delivery],
) -> String {
    let count = |state| deliveries.iter().filter(|it| it.state == state && it.attempts > 0).count();
    let (failed, waiting) = (count(DeliveryState::Failed), count(DeliveryState::Waiting));
    if channels.is_empty() {
        return "Nobody is told anything yet: add a channel first.".to_owned();
    }
    if subscriptions.is_empty() {
        return "Nobody is told anything yet: add a subscription.".to_owned();
    }
    let subscriptions = words::counted(subscriptions.len() as u64, "subscription");
    match (failed, waiting) {
        (0, 0) => format!("{subscriptions}; no delivery failed lately."),
        (0, waiting) => {
            format!("{subscriptions}; {waiting} of the latest deliveries did not arrive yet.")
        }
        (failed, _) => format!("{subscriptions}; {failed} of the latest deliveries failed."),
    }
}

impl ChannelRow {
    fn of(channel: &Channel) -> Self {
        let leads_to = match &channel.kind {
            ChannelKind::Mail(server) => {
                let security = security_title(server.security);
                format!("{}:{} ({security}), from {}", server.host, server.port, server.from)
            }
            ChannelKind::Webhook(webhook) => webhook.url.clone(),
        };
        let (state, tone) = match (channel.is_enabled, &channel.trouble) {
            (true, _) => ("in use", "allowed"),
            (false, Some(_)) => ("switched off by itself", "blocked"),
            (false, None) => ("switched off", "unknown"),
        };
        Self {
            name: channel.name.to_string(),
            kind: channel.kind.word(),
            leads_to: words::breakable(&words::visible(&leads_to)),
            state,
            tone,
            trouble: channel.trouble.as_deref().map(|it| words::sentence(&words::visible(it))),
            is_enabled: channel.is_enabled,
            is_mail: matches!(channel.kind, ChannelKind::Mail(_)),
        }
    }
}

impl SubscriptionRow {
    fn of(view: &SubscriptionView) -> Self {
        let wish = &view.wish;
        let joined = |texts: Vec<String>| texts.join(", ");
        let mut only: Vec<_> = wish.connectors.iter().map(ToString::to_string).collect();
        only.extend(wish.query.as_ref().map(|query| words::visible(&query.to_string())));
        let mut recipients: Vec<_> = wish.addresses.iter().map(ToString::to_string).collect();
        recipients.extend(wish.audience.map(|it| format!("who has {}", it.title())));
        Self {
            name: view.name.to_string(),
            channel: wish.channel.to_string(),
            topics: joined(wish.topics.iter().map(|it| title(*it).to_lowercase()).collect()),
            only: if only.is_empty() { "everything".to_owned() } else { joined(only) },
            recipients: if recipients.is_empty() { "–".to_owned() } else { joined(recipients) },
            language: language_title(wish.language),
        }
    }
}

impl DeliveryRow {
    fn of(delivery: &Delivery, now: Timestamp) -> Self {
        let (state, tone) = standing(delivery.state);
        let recipient = delivery.recipient.as_ref().map(|to| format!(" to {to}"));
        Self {
            href: format!("/administration/notifications/deliveries/{}", delivery.id),
            created: words::time(Some(delivery.created), now, ""),
            topic: title(delivery.topic),
            to: format!("{}{}", delivery.channel_name, recipient.unwrap_or_default()),
            state,
            tone,
            outcome: words::visible(delivery.outcome.as_deref().unwrap_or("not tried yet")),
            attempts: delivery.attempts,
        }
    }
}

/// Where a delivery stands, and its colour class.
fn standing(state: DeliveryState) -> (&'static str, &'static str) {
    match state {
        DeliveryState::Waiting => ("waiting", "quarantined"),
        DeliveryState::Delivered => ("delivered", "allowed"),
        DeliveryState::Failed => ("failed", "blocked"),
    }
}

fn title(topic: Topic) -> &'static str {
    match topic {
        Topic::NewDevice => "New device",
        Topic::Quarantined => "Device in quarantine",
        Topic::ActionFailed => "Action failed",
        Topic::ApprovalWanted => "Approval wanted",
        Topic::ConnectorTrouble => "Connector in trouble",
        Topic::CredentialExpiring => "Credential ends soon",
        Topic::Drifted => "Exchange is not as written any more",
    }
}

pub(crate) fn language_title(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::German => "Deutsch",
        Language::TraditionalChinese => "繁體中文",
    }
}

fn security_title(security: SmtpSecurity) -> &'static str {
    match security {
        SmtpSecurity::StartTls => "STARTTLS",
        SmtpSecurity::Tls => "TLS",
        SmtpSecurity::None => "not protected, this machine only",
    }
}
