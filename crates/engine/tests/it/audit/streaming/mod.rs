//! The audit reaches whoever watches elsewhere: every entry, in order, whatever breaks on the way.

mod receiver;

use std::sync::atomic::Ordering;

use domain::{
    audit::{Link, StreamFile, StreamTarget, Syslog, Transport},
    authority::BuiltInRole,
};
use engine::{AuditStream, StreamBeginning};
use jiff::SignedDuration;
use store::AuditRow;
use testkit::TestApp;
use tokio::net::UdpSocket;

use self::receiver::{Received, Receiver, parameter};
use super::audit_scope;

async fn set(app: &TestApp, target: StreamTarget) {
    let beginning = StreamBeginning::First;
    app.engine().set_audit_stream(&app.caller(), target, beginning).await.unwrap();
}

async fn state(app: &TestApp) -> AuditStream {
    app.engine().audit_stream(&app.caller()).await.unwrap().unwrap()
}

/// Something worth an entry, so many times.
async fn live(app: &TestApp, times: u32) {
    for round in 0..times {
        let is_paused = round % 2 == 0;
        app.engine().pause_connector(&app.caller(), &app.name(), is_paused).await.unwrap();
    }
}

async fn rows(app: &TestApp) -> Vec<AuditRow> {
    app.engine().store().audit(&audit_scope(app), 0, 10_000).await.unwrap()
}

/// Waits until everything was received, and moves the clock on where a failure is waited out.
async fn caught_up(app: &TestApp) {
    app.eventually("the receiver has everything", async || {
        let stream = state(app).await;
        if stream.trouble.is_some() {
            app.clock().advance(SignedDuration::from_secs(1));
        }
        Ok((stream.behind == 0).then_some(()))
    })
    .await
    .unwrap();
}

async fn in_trouble(app: &TestApp) -> String {
    app.eventually("trouble", async || Ok(state(app).await.trouble)).await.unwrap()
}

/// Everything came, each entry for the first time in its order, and every one as it was written.
fn whole(received: &Received, rows: &[AuditRow]) {
    let links = received.links();
    let mut first: Vec<Link> = Vec::new();
    for link in links {
        match first.iter().find(|it| it.sequence == link.sequence) {
            Some(known) => assert_eq!(*known, link),
            None => first.push(link),
        }
    }
    let expected: Vec<Link> = rows.iter().map(|row| row.link).collect();
    assert_eq!(first, expected);
    let mut before: Option<Link> = None;
    for row in rows {
        let number = format!(" sequence=\"{}\" ", row.link.sequence);
        for message in received.messages().iter().filter(|it| it.contains(&number)) {
            let document = message.split_once("] ").unwrap().1;
            assert_eq!(document, row.document);
            if let Some(before) = before {
                assert_eq!(before.next(document.as_bytes()), receiver::link(message));
            }
        }
        before = Some(row.link);
    }
}

#[tokio::test]
async fn entries_arrive_in_order_by_tcp_though_the_connection_breaks_in_the_middle_of_one() {
    let mut app = TestApp::connected(0).await.unwrap();
    live(&app, 30).await;
    let receiver = Receiver::tcp(0).await;
    receiver.breaks_after.store(1500, Ordering::SeqCst);
    set(&app, receiver.target()).await;
    let trouble = in_trouble(&app).await;
    assert!(trouble.contains("the connection broke"), "{trouble}");
    caught_up(&app).await;
    assert_eq!(state(&app).await.trouble, None);
    whole(&receiver.received, &rows(&app).await);
    // The first messages came whole before the connection broke, and came again.
    assert!(receiver.received.links().len() > rows(&app).await.len());

    for cut in [1, 400, 401] {
        receiver.breaks_after.store(cut, Ordering::SeqCst);
        live(&app, 7).await;
        app.kill_and_restart().unwrap();
        live(&app, 3).await;
        caught_up(&app).await;
        whole(&receiver.received, &rows(&app).await);
    }
    let said = receiver.received.messages();
    assert!(said[0].starts_with("<109>1 20"), "{}", said[0]);
    assert_eq!(parameter(&said[0], "outcome"), "done");
}

#[tokio::test]
async fn what_is_answered_by_nonsense_is_sent_again() {
    let app = TestApp::connected(0).await.unwrap();
    let receiver = Receiver::tls().await;
    receiver.ends_in_nonsense.store(true, Ordering::SeqCst);
    set(&app, receiver.target()).await;
    let trouble = in_trouble(&app).await;
    assert!(trouble.starts_with("the connection broke: "), "{trouble}");
    live(&app, 3).await;
    caught_up(&app).await;
    whole(&receiver.received, &rows(&app).await);
    assert!(receiver.received.links().len() > rows(&app).await.len());
}

#[tokio::test]
async fn nothing_is_lost_while_the_receiver_is_away_and_the_engine_is_killed() {
    let mut app = TestApp::connected(0).await.unwrap();
    let (receiver, port) = {
        let gone = Receiver::tcp(0).await;
        (gone.target(), gone.port)
    };
    set(&app, receiver).await;
    let trouble = in_trouble(&app).await;
    assert!(trouble.starts_with(&format!("connecting to 127.0.0.1:{port}: ")), "{trouble}");
    let since = state(&app).await.troubled_since;
    live(&app, 10).await;
    app.clock().advance(SignedDuration::from_hours(9));
    app.kill_and_restart().unwrap();
    live(&app, 10).await;
    let stream = state(&app).await;
    assert_eq!((stream.position, stream.troubled_since), (0, since));
    assert_eq!(stream.behind, rows(&app).await.len() as u64);

    let receiver = Receiver::tcp(port).await;
    caught_up(&app).await;
    whole(&receiver.received, &rows(&app).await);
    // Old entries that nobody has received yet stay in the database.
}

#[tokio::test]
async fn what_was_not_received_is_not_closed() {
    let app = TestApp::connected(0).await.unwrap();
    let receiver = Receiver::tcp(0).await;
    set(&app, receiver.target()).await;
    caught_up(&app).await;
    let (target, received) = (receiver.target(), state(&app).await.position);
    drop(receiver);
    live(&app, 4).await;
    app.clock().advance(SignedDuration::from_hours(24 * 40));
    assert_eq!(state(&app).await.target, target);
    let part = app.engine().preview_audit_close(&app.caller(), 30).await.unwrap();
    assert_eq!((part.first, part.last), (1, received));
}

#[tokio::test]
async fn by_tls_the_receiver_must_be_who_the_given_authority_says() {
    let app = TestApp::connected(0).await.unwrap();
    let (receiver, other) = (Receiver::tls().await, Receiver::tls().await);
    let StreamTarget::Syslog(right) = receiver.target() else { unreachable!() };
    let wrong = Syslog { trusted: other.authority.clone(), ..right.clone() };
    set(&app, StreamTarget::Syslog(wrong)).await;
    let trouble = in_trouble(&app).await;
    assert!(trouble.contains("certificate"), "{trouble}");
    assert!(receiver.received.messages().is_empty());

    set(&app, receiver.target()).await;
    caught_up(&app).await;
    whole(&receiver.received, &rows(&app).await);
    receiver.breaks_after.store(700, Ordering::SeqCst);
    live(&app, 20).await;
    caught_up(&app).await;
    whole(&receiver.received, &rows(&app).await);
}

#[tokio::test]
async fn datagrams_hold_one_message_each_and_are_cut_where_they_do_not_fit() {
    let app = TestApp::connected(0).await.unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let (host, transport) = ("127.0.0.1".to_owned(), Transport::Udp);
    set(&app, StreamTarget::Syslog(Syslog { host, port, transport, trusted: None })).await;
    caught_up(&app).await;
    let mut buffer = vec![0; 70_000];
    for row in rows(&app).await {
        let length = socket.recv(&mut buffer).await.unwrap();
        let message = std::str::from_utf8(&buffer[..length]).unwrap();
        assert_eq!(receiver::link(message), row.link);
        assert!(message.ends_with(&row.document));
    }
}

#[tokio::test]
async fn a_file_has_every_entry_once_through_kills() {
    let mut app = TestApp::connected(0).await.unwrap();
    set(&app, StreamTarget::File(StreamFile::default())).await;
    let file = app.audit_directory().join("stream.jsonl");
    for torn in [0, 1, 100] {
        live(&app, 5).await;
        caught_up(&app).await;
        app.kill_and_restart().unwrap();
        // As a power cut leaves it: an end that never came to the disk.
        let text = std::fs::read(&file).unwrap();
        std::fs::write(
            &file,
            [&text[..], &b"{\"sequence\":99999,\"hash\":\""[..torn.min(26)]].concat(),
        )
        .unwrap();
    }
    live(&app, 5).await;
    caught_up(&app).await;
    let text = std::fs::read_to_string(&file).unwrap();
    let expected: String = rows(&app)
        .await
        .iter()
        .map(|row| {
            let hash = domain::audit::hexadecimal(&row.link.hash);
            let number = row.link.sequence;
            format!("{{\"sequence\":{number},\"hash\":\"{hash}\",\"entry\":{}}}\n", row.document)
        })
        .collect();
    assert_eq!(text, expected);
}

#[tokio::test]
async fn who_turns_it_off_leaves_a_trace_where_it_led() {
    let app = TestApp::connected(0).await.unwrap();
    let (first, second) = (Receiver::tcp(0).await, Receiver::tcp(0).await);
    let (engine, caller) = (app.engine(), app.caller());
    engine.set_audit_stream(&caller, first.target(), StreamBeginning::Now).await.unwrap();
    caught_up(&app).await;
    let said = first.received.messages();
    assert!(said[0].contains(r#""stream":"set","to":"syslog by tcp at 127.0.0.1:"#), "{said:?}");
    assert_eq!(parameter(&said[0], "sequence"), "2");

    engine.set_audit_stream(&caller, second.target(), StreamBeginning::First).await.unwrap();
    let moved = format!("127.0.0.1:{}", second.port);
    let told = |received: &Received, what: &str| {
        received.messages().iter().any(|message| message.contains(what)).then_some(())
    };
    app.eventually("the first is told", async || Ok(told(&first.received, &moved))).await.unwrap();
    caught_up(&app).await;
    // The second goes on where the first was: `First` is for a new stream.
    assert_eq!(parameter(&second.received.messages()[0], "sequence"), "3");

    engine.remove_audit_stream(&caller).await.unwrap();
    let removed = r#""stream":"removed""#;
    app.eventually("the second is told", async || Ok(told(&second.received, removed)))
        .await
        .unwrap();
    assert_eq!(engine.audit_stream(&caller).await.unwrap(), None);
    engine.remove_audit_stream(&caller).await.unwrap_err();
}

#[tokio::test]
async fn a_test_message_says_whether_it_arrived_and_only_security_may_ask() {
    let app = TestApp::connected(0).await.unwrap();
    let (engine, caller) = (app.engine(), app.caller());
    engine.try_audit_stream(&caller, None).await.unwrap_err();
    let receiver = Receiver::tls().await;
    let trial = engine.try_audit_stream(&caller, Some(receiver.target())).await.unwrap();
    assert!(trial.is_success, "{trial:?}");
    assert!(receiver.received.messages()[0].contains(" gatepost - test [gatepost@32473 audit="));
    let target = receiver.target();
    drop(receiver);
    let trial = engine.try_audit_stream(&caller, Some(target.clone())).await.unwrap();
    assert!(!trial.is_success && trial.answer.contains("connecting to"), "{trial:?}");

    for role in [BuiltInRole::Auditor, BuiltInRole::HelpDesk, BuiltInRole::OperationsAdministrator]
    {
        let other = app.caller_as(role);
        engine.try_audit_stream(&other, Some(target.clone())).await.unwrap_err();
        let refused = engine.set_audit_stream(&other, target.clone(), StreamBeginning::Now).await;
        assert!(matches!(refused, Err(engine::Error::Denied(_))), "{refused:?}");
        engine.remove_audit_stream(&other).await.unwrap_err();
    }
    engine.audit_stream(&app.caller_as(BuiltInRole::Auditor)).await.unwrap();
    let wrong = |host: &str, port, transport, trusted: Option<&str>| {
        let (host, trusted) = (host.to_owned(), trusted.map(str::to_owned));
        StreamTarget::Syslog(Syslog { host, port, transport, trusted })
    };
    for target in [
        wrong("", 1, Transport::Tcp, None),
        wrong("a b", 1, Transport::Tcp, None),
        wrong("a", 0, Transport::Tcp, None),
        wrong("a", 1, Transport::Tls, Some("no certificate")),
        wrong("a", 1, Transport::Udp, Some("-----BEGIN CERTIFICATE-----")),
        StreamTarget::File(StreamFile { size_mb: 0, kept: 1 }),
        StreamTarget::File(StreamFile { size_mb: 1, kept: 1001 }),
    ] {
        let refused = engine.validate_audit_stream(&caller, &target);
        assert!(matches!(refused, Err(engine::Error::Invalid(_))), "{target:?}");
    }
}
