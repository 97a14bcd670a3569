//! Outages, refusals and killed servers: nothing is lost, and nobody else waits.

use domain::notification::MailAddress;

use super::{
    mailbox::{Mailbox, Mood},
    *,
};

async fn mail_to(app: &TestApp, mailbox: &Mailbox, topic: Topic, to: &[String]) {
    let (engine, caller) = (app.engine(), app.caller());
    engine.add_channel(&caller, mailbox.channel()).await.unwrap();
    let addresses = to.iter().map(|to| MailAddress::parse(to).unwrap()).collect();
    let wish = SubscriptionWish { channel: name("post"), addresses, ..wish(&[topic]) };
    engine.add_subscription(&caller, &name("mail"), &wish).await.unwrap();
}

/// Nobody answers at the mail server, and many are to be told by it: the pager is told at once.
#[tokio::test]
async fn a_mail_server_that_does_not_answer_holds_up_nothing_but_its_own_mail() {
    let app = TestApp::connected(10).await.unwrap();
    let phones = phones(&app).await;
    let mailbox = Mailbox::open(&[Mood::Silent]).await;
    let many: Vec<_> = (0..40).map(|number| format!("user{number}@contoso.com")).collect();
    mail_to(&app, &mailbox, Topic::Quarantined, &many).await;
    quarantine(&app, &phones[..1]).await;
    let connects =
        app.eventually("a connection", async || Ok((mailbox.connections() > 0).then_some(())));
    connects.await.unwrap();
    let receiver = told(&app, &[Topic::ConnectorTrouble], &[]).await;
    app.exchange().stop().unwrap();
    app.sync().await.unwrap();
    let paged = app.eventually("the page", async || Ok(receiver.got().pop()));
    assert_eq!(paged.await.unwrap().1["type"], "connector.trouble");
    // The mail waits still, all of it, and one conversation at a time is tried.
    let mut waiting = deliveries(&app, Some(DeliveryState::Waiting)).await;
    waiting.retain(|it| it.channel_name == "post");
    assert_eq!(waiting.len(), many.len());
    // On a machine so slow that the first was given up meanwhile, there may be a second.
    assert!(mailbox.connections() < 3, "{}", mailbox.connections());
}

#[tokio::test]
async fn mail_that_is_refused_for_now_comes_later_and_mail_refused_for_ever_does_not() {
    let app = TestApp::connected(10).await.unwrap();
    let phones = phones(&app).await;
    let moods = [Mood::Says("451 4.7.1 greylisted"), Mood::Says("250 OK")];
    let mailbox = Mailbox::open(&moods).await;
    mail_to(&app, &mailbox, Topic::Quarantined, &["help@contoso.com".to_owned()]).await;
    quarantine(&app, &phones[..1]).await;
    let waits = delivery(&app, DeliveryState::Waiting, 1).await;
    assert!(waits.outcome.unwrap().contains("greylisted"));
    app.clock().advance(SignedDuration::from_mins(1));
    let arrived = delivery(&app, DeliveryState::Delivered, 2).await;
    assert_eq!(mailbox.got().len(), 1);

    // Sent once more by hand: the same message, by the id that the receiver knows.
    app.engine().replay(&app.caller(), arrived.id).await.unwrap();
    delivery(&app, DeliveryState::Delivered, 3).await;
    let id = format!("Message-ID: <{}@contoso.com>", arrived.id);
    assert!(mailbox.got().iter().all(|(_, message)| message.contains(&id)), "{:?}", mailbox.got());
    assert_eq!(mailbox.got().len(), 2);

    let app = TestApp::connected(10).await.unwrap();
    let phones = super::phones(&app).await;
    let mailbox = Mailbox::open(&[Mood::Says("550 5.1.1 no such mailbox")]).await;
    mail_to(&app, &mailbox, Topic::Quarantined, &["nobody@contoso.com".to_owned()]).await;
    quarantine(&app, &phones[..1]).await;
    let failed = delivery(&app, DeliveryState::Failed, 1).await;
    assert!(failed.outcome.unwrap().contains("no such mailbox"));
}

/// The server dies between the receiver's answer and its own note: it sends again, under the same id.
#[tokio::test]
async fn a_killed_server_sends_again_what_it_cannot_know_to_have_arrived() {
    let mut app = TestApp::connected(10).await.unwrap();
    let phones = phones(&app).await;
    let receiver = told(&app, &[Topic::Quarantined], &["never"]).await;
    quarantine(&app, &phones[..1]).await;
    let first = app.eventually("the message", async || Ok(receiver.got().pop())).await.unwrap();
    app.kill_and_restart().unwrap();
    // Whoever had it may still have it, for five minutes.
    assert_eq!(deliveries(&app, Some(DeliveryState::Waiting)).await.len(), 1);
    app.clock().advance(SignedDuration::from_mins(5));
    delivery(&app, DeliveryState::Delivered, 2).await;
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[1].0["webhook-id"], first.0["webhook-id"]);
    assert_eq!(got[1].1, first.1);
}

#[tokio::test]
async fn what_a_channel_cannot_do_is_said_in_a_clear_sentence() {
    let app = TestApp::beside(0).unwrap();
    let (engine, caller) = (app.engine(), app.caller());
    let mailbox = Mailbox::open(&[]).await;
    let to = MailAddress::parse("help@contoso.com").unwrap();
    let mut new = mailbox.channel();
    let ChannelKind::Mail(server) = &mut new.kind else { panic!("it is for mail") };
    server.security = SmtpSecurity::StartTls;
    server.username = Some("gatepost".to_owned());
    new.password = Some("Unmistakable-1".to_owned());
    engine.add_channel(&caller, new.clone()).await.unwrap();
    // A server without STARTTLS gets neither the password nor the message.
    let tried = engine.try_channel(&caller, &name("post"), Some(&to)).await.unwrap();
    assert!(!tried.is_success && tried.answer.contains("offers no STARTTLS"), "{tried:?}");
    assert_eq!(mailbox.got(), []);

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let ChannelKind::Mail(server) = &mut new.kind else { panic!("it is for mail") };
    server.port = port;
    let change = ChannelChange {
        kind: Some(new.kind),
        password: Some("Unmistakable-2".to_owned()),
        ..ChannelChange::default()
    };
    engine.change_channel(&caller, &name("post"), change).await.unwrap();
    let tried = engine.try_channel(&caller, &name("post"), Some(&to)).await.unwrap();
    assert!(tried.answer.contains("cannot be reached; check host and port"), "{tried:?}");
    assert!(!tried.answer.contains("Unmistakable"), "{tried:?}");

    let receiver = Receiver::answering(&["302 Found"]).await;
    engine.add_channel(&caller, webhook(&receiver.url, true)).await.unwrap();
    let tried = engine.try_channel(&caller, &name("pager"), None).await.unwrap();
    assert!(tried.answer.contains("nobody follows"), "{tried:?}");
    let kind = webhook(&format!("http://127.0.0.1:{port}/a-secret-path"), true).kind;
    let change = ChannelChange { kind: Some(kind), ..ChannelChange::default() };
    engine.change_channel(&caller, &name("pager"), change).await.unwrap();
    let tried = engine.try_channel(&caller, &name("pager"), None).await.unwrap();
    assert!(tried.answer.contains("nobody can be reached there"), "{tried:?}");
    assert!(!tried.answer.contains("a-secret-path"), "{tried:?}");
}
