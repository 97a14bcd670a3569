//! Telling people and programs what happened, beside real listeners. Time is stepped, never slept.

mod bad_luck;
mod mailbox;
mod readers;
mod storms;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use domain::{
    AccessState, Caller, Device, Permission, PersonId, TokenId,
    audit::Event,
    authority::{AssignedPlace, Grant, Place},
    device::DeviceFacts,
    notification::{
        ChannelKind, Delivery, DeliveryState, Language, Name, SmtpSecurity, Topic, Webhook,
    },
};
use engine::{ChannelChange, DeliveryDetail, Error, NewChannel, SubscriptionWish};
use jiff::SignedDuration;
use serde_json::Value as Json;
use store::{DeviceRow, PeopleWrite, Token};
use testkit::{Side, TestApp};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

/// Headers and body of a message.
type Got = (BTreeMap<String, String>, Json);

/// A program that takes webhooks, and answers as it was told.
#[derive(Clone)]
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
    /// Connections that wait for an answer for ever.
    unanswered: Arc<Mutex<Vec<TcpStream>>>,
}

impl Receiver {
    async fn answering(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            got: Arc::default(),
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
            unanswered: Arc::default(),
        };
        let serving = receiver.clone();
        let serve = async move {
            while let Ok((connection, _)) = listener.accept().await {
                serving.take(connection).await;
            }
        };
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(serve);
        tasks.detach_all();
        receiver
    }

    async fn take(&self, mut connection: TcpStream) {
        let mut bytes = Vec::new();
        let (headers, body) = loop {
            let mut part = [0; 4096];
            let read = connection.read(&mut part).await.unwrap();
            bytes.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let headers: BTreeMap<_, _> = head
                .lines()
                .skip(1)
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            if body.len() >= headers["content-length"].parse().unwrap() {
                break (headers, body.to_owned());
            }
        };
        self.got.lock().unwrap().push((headers, serde_json::from_str(&body).unwrap()));
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or("204 No Content");
        if answer == "never" {
            // Until the other side is gone; others are answered meanwhile.
            return self.unanswered.lock().unwrap().push(connection);
        }
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        connection.write_all(answer.as_bytes()).await.unwrap();
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn webhook(url: &str, allows_private: bool) -> NewChannel {
    let kind = ChannelKind::Webhook(Webhook { url: url.to_owned(), allows_private, trusted: None });
    NewChannel { name: name("pager"), kind, password: None }
}

fn wish(topics: &[Topic]) -> SubscriptionWish {
    SubscriptionWish {
        channel: name("pager"),
        topics: topics.iter().copied().collect(),
        connectors: Vec::new(),
        query: None,
        language: Language::English,
        addresses: Vec::new(),
        audience: None,
    }
}

/// A receiver that is told about topics.
async fn told(app: &TestApp, topics: &[Topic], answers: &[&'static str]) -> Receiver {
    let receiver = Receiver::answering(answers).await;
    let (engine, caller) = (app.engine(), app.caller());
    engine.add_channel(&caller, webhook(&receiver.url, true)).await.unwrap();
    engine.add_subscription(&caller, &name("night"), &wish(topics)).await.unwrap();
    receiver
}

async fn deliveries(app: &TestApp, state: Option<DeliveryState>) -> Vec<Delivery> {
    app.engine().deliveries(&app.caller(), state, None, 100).await.unwrap()
}

/// The only delivery, once it stands so after so many attempts, each of which has ended.
async fn delivery(app: &TestApp, state: DeliveryState, attempts: u64) -> Delivery {
    let looked = app.eventually("the delivery", async || {
        let all = deliveries(app, None).await;
        assert!(all.len() < 2, "{all:?}");
        let Some(one) = all.first() else { return Ok(None) };
        let caller = app.caller();
        let look = || app.engine().delivery(&caller, one.id);
        let log = look().await?.attempts;
        if log.last().is_none_or(|last| last.number != attempts) {
            return Ok(None);
        }
        // Read again, for the attempt may have ended between the delivery and its log.
        Ok(Some(look().await?.delivery).filter(|it| it.state == state))
    });
    looked.await.unwrap()
}

/// All deliveries that have ended, once there are so many; the oldest first.
async fn ended(app: &TestApp, count: usize) -> Vec<DeliveryDetail> {
    let looked = app.eventually("the deliveries", async || {
        let mut all = deliveries(app, None).await;
        assert!(all.len() <= count, "{all:#?}");
        all.retain(|it| it.state != DeliveryState::Waiting);
        Ok((all.len() == count).then_some(all))
    });
    let mut details = Vec::new();
    for one in looked.await.unwrap().into_iter().rev() {
        details.push(app.engine().delivery(&app.caller(), one.id).await.unwrap());
    }
    details
}

/// What a delivery tells.
fn told_by(detail: &DeliveryDetail) -> Json {
    serde_json::from_str(&detail.delivery.document).unwrap()
}

/// Puts phones that were allowed into quarantine, all at the same time, as a rule does.
async fn quarantine(app: &TestApp, phones: &[Device]) {
    let connector = app.connector().await.unwrap().id;
    let row = |phone: &Device| DeviceRow {
        facts: DeviceFacts { access_state: AccessState::Quarantined, ..phone.facts.clone() },
        owner: phone.owner.clone(),
        observed: app.clock().now(),
    };
    let rows = phones.iter().map(row).collect();
    app.engine().store().write_devices(connector, rows).await.unwrap();
    app.clock().advance(SignedDuration::from_secs(30));
}

/// The phones of an organization that was read once, but those in quarantine.
async fn phones(app: &TestApp) -> Vec<Device> {
    app.sync().await.unwrap();
    let mut phones = app.devices().await.unwrap();
    phones.retain(|phone| phone.facts.access_state != AccessState::Quarantined);
    phones
}

#[tokio::test]
async fn nobody_believes_in_a_message_for_more_than_three_days() {
    let app = TestApp::connected(5).await.unwrap();
    app.sync().await.unwrap();
    told(&app, &[Topic::ConnectorTrouble], &["503 Busy"; 100]).await;
    app.exchange().stop().unwrap();
    app.sync().await.unwrap();
    let mut attempts = 1;
    let mut waits = delivery(&app, DeliveryState::Waiting, attempts).await;
    while waits.state == DeliveryState::Waiting {
        app.clock().advance(waits.next_attempt.duration_since(app.clock().now()));
        attempts += 1;
        let looked = app.eventually("the attempt", async || {
            let all = deliveries(&app, None).await;
            Ok(all.into_iter().find(|it| {
                it.attempts == attempts && it.next_attempt > waits.next_attempt
                    || it.state == DeliveryState::Failed
            }))
        });
        waits = looked.await.unwrap();
    }
    assert_eq!(waits.state, DeliveryState::Failed);
    assert!(app.clock().now().duration_since(waits.created) >= SignedDuration::from_hours(72));
    // Nine while the waits double, then one each six hours.
    assert_eq!(waits.attempts, 21);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_asked_no_more() {
    let app = TestApp::connected(5).await.unwrap();
    app.sync().await.unwrap();
    told(&app, &[Topic::ConnectorTrouble], &["410 Gone"]).await;
    app.exchange().stop().unwrap();
    app.sync().await.unwrap();
    delivery(&app, DeliveryState::Failed, 1).await;
    let channel = app.eventually("switching off", async || {
        let channel = app.engine().channel(&app.caller(), &name("pager")).await?;
        Ok((!channel.is_enabled).then_some(channel))
    });
    assert!(channel.await.unwrap().trouble.unwrap().contains("410"));
    let auditor = app.caller().scope(Permission::ReadAudit).unwrap();
    let entries = app.engine().store().audit(&auditor, 0, 100).await.unwrap();
    let switched = entries.last().unwrap();
    assert_eq!(switched.event, Event::NotificationsChanged);
    assert!(switched.document.contains("switched off"), "{}", switched.document);
    // It can be switched on again.
    let change = ChannelChange { is_enabled: Some(true), ..ChannelChange::default() };
    app.engine().change_channel(&app.caller(), &name("pager"), change).await.unwrap();
    let channel = app.engine().channel(&app.caller(), &name("pager")).await.unwrap();
    assert_eq!((channel.is_enabled, channel.trouble), (true, None));
}

#[tokio::test]
async fn what_would_do_harm_is_refused() {
    let app = TestApp::beside(0).unwrap();
    let (engine, caller) = (app.engine(), app.caller());
    let refused =
        async |new: NewChannel| engine.add_channel(&caller, new).await.unwrap_err().to_string();
    let error = refused(webhook("https://127.0.0.1/", false)).await;
    assert!(error.contains("private address"), "{error}");
    let mut mail = NewChannel {
        name: name("post"),
        kind: ChannelKind::Mail(domain::notification::MailServer {
            host: "mail.contoso.com".to_owned(),
            port: 25,
            security: SmtpSecurity::None,
            username: Some("gatepost".to_owned()),
            from: "Gatepost <gatepost@contoso.com>".to_owned(),
            trusted: None,
        }),
        password: Some("Pa55word!".to_owned()),
    };
    assert!(refused(mail.clone()).await.contains("everybody can read"));
    let change = |mail: &mut NewChannel, change: &dyn Fn(&mut domain::notification::MailServer)| {
        if let ChannelKind::Mail(server) = &mut mail.kind {
            change(server);
        }
    };
    change(&mut mail, &|server| server.security = SmtpSecurity::StartTls);
    change(&mut mail, &|server| server.from = "x@y\r\nBcc: all@contoso.com".to_owned());
    assert!(refused(mail.clone()).await.contains("no sender"));
    change(&mut mail, &|server| server.from = "Gatepost <gatepost@contoso.com>".to_owned());
    assert!(!format!("{mail:?}").contains("Pa55"));
    engine.add_channel(&caller, mail.clone()).await.unwrap();
    // The password does not go to another server that somebody else thought of.
    change(&mut mail, &|server| server.host = "evil.example".to_owned());
    let elsewhere = ChannelChange { kind: Some(mail.kind.clone()), ..ChannelChange::default() };
    let error = engine.change_channel(&caller, &name("post"), elsewhere.clone()).await.unwrap_err();
    assert!(error.to_string().contains("give it again"), "{error}");
    let again = ChannelChange { password: Some("other".to_owned()), ..elsewhere };
    engine.change_channel(&caller, &name("post"), again).await.unwrap();

    let grant = Grant {
        permissions: Permission::ALL
            .iter()
            .copied()
            .filter(|it| *it != Permission::ModifySecurity)
            .collect(),
        place: Place::Everywhere,
    };
    let officer = Caller { grants: vec![grant], ..caller.clone() };
    let error = engine.channels(&officer).await.unwrap_err();
    assert!(matches!(error, Error::Denied(_)), "{error}");
}

#[tokio::test]
async fn a_secret_is_changed_without_a_gap() {
    let app = TestApp::beside(0).unwrap();
    let (engine, caller) = (app.engine(), app.caller());
    let receiver = Receiver::answering(&[]).await;
    let first = engine.add_channel(&caller, webhook(&receiver.url, true)).await.unwrap().unwrap();
    let pager = name("pager");
    let second = engine.rotate_channel_secret(&caller, &pager).await.unwrap();
    assert!(first.starts_with("whsec_") && second.starts_with("whsec_") && first != second);
    assert!(engine.rotate_channel_secret(&caller, &pager).await.is_err());
    assert!(engine.try_channel(&caller, &pager, None).await.unwrap().is_success);
    engine.retire_channel_secret(&caller, &pager).await.unwrap();
    assert!(engine.try_channel(&caller, &pager, None).await.unwrap().is_success);
    let signatures = |index: usize| {
        let (headers, body) = &receiver.got()[index];
        assert_eq!(body["type"], "test");
        headers["webhook-signature"].split(' ').count()
    };
    assert_eq!((signatures(0), signatures(1)), (2, 1));
}

#[tokio::test]
async fn a_token_that_ends_in_a_week_is_told_once() {
    let app = TestApp::beside(0).unwrap();
    let receiver = told(&app, &[Topic::CredentialExpiring], &[]).await;
    let now = app.clock().now();
    let token = |number: u128, days: i64| Token {
        id: TokenId(Uuid::from_u128(number)),
        person: PersonId(Uuid::from_u128(7)),
        name: format!("deploy-{number}"),
        permissions: [Permission::Read].into(),
        place: AssignedPlace::Everywhere,
        created: now,
        expires: now + SignedDuration::from_hours(24 * days),
        last_used: None,
    };
    // The first look is at the start; the one for a few days is nobody's surprise.
    let looked = app.eventually("the first look", async || {
        Ok(app.engine().store().meta("credentials told until").await?)
    });
    looked.await.unwrap();
    for token in [token(1, 3), token(2, 9), token(3, 30)] {
        let write = PeopleWrite::AddToken { token: &token, hash: token.id.0.as_bytes() };
        app.engine().store().write_people(&[], &[write]).await.unwrap();
    }
    app.clock().advance(SignedDuration::from_hours(24 * 3));
    delivery(&app, DeliveryState::Delivered, 1).await;
    app.clock().advance(SignedDuration::from_hours(24));
    app.clock().advance(SignedDuration::from_hours(2));
    let got = receiver.got();
    let [(_, body)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!(body["data"]["items"][0]["what"], "the token deploy-2 of nobody");
}
