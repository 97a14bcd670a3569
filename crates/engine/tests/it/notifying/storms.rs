//! Many things at once are one message, and each subscription tells only what it is for.

use domain::{ConnectorName, Query};
use engine::NewConnector;

use super::*;

on_both_sides! {
    what_a_pass_finds_is_told_in_one_message,
    hundreds_in_quarantine_at_once_are_one_message,
    a_subscription_tells_only_of_its_devices_and_connectors,
    what_has_passed_is_not_told,
}

async fn what_a_pass_finds_is_told_in_one_message(side: Side) {
    let app = side.connected(5).await.unwrap();
    let receiver = told(&app, &[Topic::NewDevice], &[]).await;
    // The first pass finds nothing but what is new.
    app.sync().await.unwrap();
    app.clock().advance(SignedDuration::from_mins(10));
    for _ in 0..37 {
        app.exchange().organization().add_device();
    }
    app.sync().await.unwrap();
    let added = app.last_pass().await.unwrap().counts.added;
    assert!(added > 20, "{added}");
    app.clock().advance(SignedDuration::from_secs(30));
    let told = ended(&app, 1).await;
    let document = told_by(&told[0]);
    assert_eq!(document["count"], added);
    assert_eq!(document["items"].as_array().unwrap().len(), 20);
    assert!(told[0].words.text.contains(&format!("and {} more", added - 20)));
    assert_eq!(receiver.got().len(), 1);
}

async fn hundreds_in_quarantine_at_once_are_one_message(side: Side) {
    let app = side.connected(300).await.unwrap();
    let phones = phones(&app).await;
    let receiver = told(&app, &[Topic::Quarantined], &[]).await;
    quarantine(&app, &phones).await;
    let told = ended(&app, 1).await;
    assert!(phones.len() > 200, "{}", phones.len());
    assert_eq!(told_by(&told[0])["count"], phones.len());
    // What comes soon after waits for the next message, and is not lost.
    let (first, others) = phones.split_first().unwrap();
    let connector = app.connector().await.unwrap().id;
    let allowed = |phone: &Device| DeviceRow {
        facts: phone.facts.clone(),
        owner: phone.owner.clone(),
        observed: app.clock().now(),
    };
    let rows = others[..30].iter().chain([first]).map(allowed).collect();
    app.engine().store().write_devices(connector, rows).await.unwrap();
    for phone in [first, &others[0], &others[1]] {
        quarantine(&app, std::slice::from_ref(phone)).await;
    }
    app.clock().advance(SignedDuration::from_mins(5));
    let told = ended(&app, 2).await;
    assert_eq!(told_by(&told[1])["count"], 3);
    assert_eq!(receiver.got().len(), 2);
}

async fn a_subscription_tells_only_of_its_devices_and_connectors(side: Side) {
    let app = side.connected(40).await.unwrap();
    let phones = phones(&app).await;
    let far = ConnectorName::parse("far").unwrap();
    let elsewhere = NewConnector { is_paused: true, ..app.new_connector(far.clone()) };
    app.engine().add_connector(&app.caller(), elsewhere).await.unwrap();
    let receiver = Receiver::answering(&[]).await;
    let (engine, caller) = (app.engine(), app.caller());
    engine.add_channel(&caller, webhook(&receiver.url, true)).await.unwrap();
    let about = wish(&[Topic::Quarantined]);
    let chosen = &phones[3];
    let id = chosen.facts.device_id.clone().unwrap();
    let query = |text: &str| Some(Query::parse(text).unwrap());
    for (subscription, wish) in [
        (
            "one-phone",
            SubscriptionWish { query: query(&format!("deviceid:{id}")), ..about.clone() },
        ),
        ("no-phone", SubscriptionWish { query: query("deviceid:nothing"), ..about.clone() }),
        ("here", SubscriptionWish { connectors: vec![app.name()], ..about.clone() }),
        ("far-away", SubscriptionWish { connectors: vec![far], ..about.clone() }),
    ] {
        engine.add_subscription(&caller, &name(subscription), &wish).await.unwrap();
    }
    quarantine(&app, &phones[..7]).await;
    let mut told: Vec<_> = ended(&app, 2)
        .await
        .iter()
        .map(|it| (it.delivery.subscription.clone().unwrap(), told_by(it)["count"].clone()))
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(told, [("here".to_owned(), 7.into()), ("one-phone".to_owned(), 1.into())]);
    let is_chosen = |(_, body): &Got| body["data"]["items"][0]["device_id"] == id.as_str();
    assert!(receiver.got().iter().any(is_chosen), "{:?}", receiver.got());
}

/// A phone that was let out again before anybody was told is nobody's matter any more.
async fn what_has_passed_is_not_told(side: Side) {
    let app = side.connected(20).await.unwrap();
    let phones = phones(&app).await;
    told(&app, &[Topic::Quarantined], &[]).await;
    let connector = app.connector().await.unwrap().id;
    for state in [AccessState::Quarantined, AccessState::Allowed] {
        let facts = DeviceFacts { access_state: state, ..phones[0].facts.clone() };
        let owner = phones[0].owner.clone();
        let row = DeviceRow { facts, owner, observed: app.clock().now() };
        app.engine().store().write_devices(connector, vec![row]).await.unwrap();
    }
    quarantine(&app, &phones[1..2]).await;
    let told = ended(&app, 1).await;
    assert_eq!(told_by(&told[0])["count"], 1);
}
