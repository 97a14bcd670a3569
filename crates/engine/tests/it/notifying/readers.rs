//! Users are told only of what they may see, each in their own language.

use domain::{
    ActionKind, ActionState, Query, UserName,
    authority::{BuiltInRole, CollectionName},
    guard::{Change, Limits},
};
use engine::{NewAssignment, NewCollection, NewRequest, NewUser, Targets};

use super::{mailbox::Mailbox, *};

/// Adds a user with an address and a role, for a collection or everywhere.
async fn user(app: &TestApp, user: &str, role: BuiltInRole, collection: Option<&str>) -> Caller {
    let (engine, caller) = (app.engine(), app.caller());
    let people = engine.people(&caller);
    let new = NewUser {
        name: UserName::parse(user).unwrap(),
        display_name: None,
        address: Some(format!("{user}@contoso.com")),
        password: None,
    };
    people.add_user(new).await.unwrap();
    let assignment = NewAssignment {
        role: role.role().name,
        user: Some(user.to_owned()),
        group: None,
        connector: None,
        collection: collection.map(|it| CollectionName::parse(it).unwrap()),
    };
    people.assign(assignment).await.unwrap();
    let person = engine.store().local_person(user).await.unwrap().unwrap();
    let grants = engine.store().authority().await.unwrap().grants(&person);
    Caller { person: person.id, name: person.name, grants, ..caller }
}

/// Recipient, subject and number of each message, by recipient.
async fn mails(app: &TestApp, count: usize) -> Vec<(String, String, u64)> {
    let mut mails: Vec<_> = ended(app, count)
        .await
        .iter()
        .map(|it| {
            assert_eq!(it.delivery.state, DeliveryState::Delivered, "{it:?}");
            let to = it.delivery.recipient.as_ref().unwrap().to_string();
            (to, it.words.subject.clone(), told_by(it)["count"].as_u64().unwrap())
        })
        .collect();
    mails.sort();
    mails
}

async fn subscribed(app: &TestApp, topic: Topic, audience: Permission) -> Mailbox {
    let mailbox = Mailbox::open(&[]).await;
    let (engine, caller) = (app.engine(), app.caller());
    engine.add_channel(&caller, mailbox.channel()).await.unwrap();
    let wish =
        SubscriptionWish { channel: name("post"), audience: Some(audience), ..wish(&[topic]) };
    engine.add_subscription(&caller, &name("night"), &wish).await.unwrap();
    mailbox
}

#[tokio::test]
async fn who_sees_a_collection_is_told_of_its_phones_alone() {
    let app = TestApp::connected(40).await.unwrap();
    let phones = phones(&app).await;
    let (engine, caller) = (app.engine(), app.caller());
    let id = phones[0].facts.device_id.clone().unwrap();
    let collection = |name: &str, query: &str| NewCollection {
        name: CollectionName::parse(name).unwrap(),
        description: String::new(),
        query: Query::parse(query).unwrap(),
    };
    let people = engine.people(&caller);
    people.add_collection(collection("one", &format!("deviceid:{id}"))).await.unwrap();
    people.add_collection(collection("none", "deviceid:nothing")).await.unwrap();
    user(&app, "jane", BuiltInRole::HelpDesk, Some("one")).await;
    user(&app, "nora", BuiltInRole::HelpDesk, Some("none")).await;
    let otto = user(&app, "otto", BuiltInRole::HelpDesk, None).await;
    // May read everything, and release nothing.
    user(&app, "rita", BuiltInRole::ReadOnlyAnalyst, None).await;
    engine.people(&otto).set_own_language(Some(Language::German)).await.unwrap();
    subscribed(&app, Topic::Quarantined, Permission::ModifyResource).await;
    quarantine(&app, &phones[..3]).await;
    let mails = mails(&app, 2).await;
    let of_jane = format!("In quarantine on lab: {}", phones[0].display_name());
    assert_eq!(
        mails,
        [
            ("jane@contoso.com".to_owned(), of_jane, 1),
            ("otto@contoso.com".to_owned(), "3 Geräte in Quarantäne an lab".to_owned(), 3),
        ]
    );
    let others = phones[1].facts.device_id.as_deref().unwrap();
    for told in ended(&app, 2).await {
        let of_jane = told.delivery.recipient.unwrap().as_str() == "jane@contoso.com";
        assert!(told.words.text.contains(&id), "{}", told.words.text);
        assert_eq!(told.words.text.contains(others), !of_jane, "{}", told.words.text);
    }
}

/// An address that was written down is told in the language of whoever it belongs to.
#[tokio::test]
async fn an_address_that_is_a_users_is_told_in_their_language_and_once() {
    let app = TestApp::connected(10).await.unwrap();
    let phones = phones(&app).await;
    let otto = user(&app, "otto", BuiltInRole::HelpDesk, None).await;
    app.engine().people(&otto).set_own_language(Some(Language::German)).await.unwrap();
    subscribed(&app, Topic::Quarantined, Permission::ModifyResource).await;
    let address = domain::notification::MailAddress::parse("Otto@Contoso.com").unwrap();
    let wish = SubscriptionWish {
        channel: name("post"),
        addresses: vec![address],
        audience: Some(Permission::ModifyResource),
        ..wish(&[Topic::Quarantined])
    };
    let (engine, caller) = (app.engine(), app.caller());
    engine.change_subscription(&caller, &name("night"), &wish).await.unwrap();
    quarantine(&app, &phones[..2]).await;
    let told = mails(&app, 1).await;
    assert_eq!(told[0].1, "2 Geräte in Quarantäne an lab");
    // Nobody's language any more: that of the subscription.
    engine.people(&otto).set_own_language(None).await.unwrap();
    assert_eq!(engine.people(&otto).own_language().await.unwrap(), None);
}

#[tokio::test]
async fn who_may_approve_is_told_even_if_the_server_was_killed_and_who_asked_is_not() {
    let mut app = TestApp::connected(20).await.unwrap();
    let phones = phones(&app).await;
    let limits = Change::Limits(Limits { per_person: 1, per_organization: 1 });
    app.engine().change_guard(&app.caller(), limits, "a test").await.unwrap();
    let asks = user(&app, "olga", BuiltInRole::OperationsAdministrator, None).await;
    user(&app, "frank", BuiltInRole::FullAdministrator, None).await;
    user(&app, "holly", BuiltInRole::HelpDesk, None).await;
    subscribed(&app, Topic::ApprovalWanted, Permission::Approve).await;
    let new = NewRequest {
        kind: ActionKind::WipeAccount,
        of: Targets::Devices(phones[..3].iter().map(|phone| phone.id).collect()),
        reason: "left the company".to_owned(),
        ticket: None,
        repeat_key: None,
        expected: None,
    };
    let request = app.engine().ask(&asks, new).await.unwrap();
    assert!(request.is_held());
    app.kill_and_restart().unwrap();
    app.clock().advance(SignedDuration::from_mins(5));
    let told = mails(&app, 1).await;
    assert_eq!((told[0].0.as_str(), told[0].2), ("frank@contoso.com", 1));
    assert!(told[0].1.contains("olga asks for wipe of the account"), "{told:?}");
}

on_both_sides! { an_action_that_failed_is_told }

async fn an_action_that_failed_is_told(side: Side) {
    let app = side.connected(20).await.unwrap();
    let phones = phones(&app).await;
    user(&app, "holly", BuiltInRole::HelpDesk, None).await;
    subscribed(&app, Topic::ActionFailed, Permission::ModifyResource).await;
    // The phone is gone over there, and nobody here knows yet.
    let phone = &phones[0];
    app.exchange().organization().remove_device(phone.facts.guid);
    let new = NewRequest {
        kind: ActionKind::Block,
        of: Targets::Devices(vec![phone.id]),
        reason: "lost".to_owned(),
        ticket: None,
        repeat_key: None,
        expected: None,
    };
    let request = app.engine().ask(&app.caller(), new).await.unwrap();
    app.engine().request_settled(&app.caller(), request.id).await.unwrap();
    let scope = app.scope().unwrap();
    let actions = app.engine().store().actions_of_request(&scope, request.id, 0, 1).await.unwrap();
    assert_eq!(actions[0].state, ActionState::Failed, "{actions:?}");
    app.clock().advance(SignedDuration::from_mins(1));
    let told = mails(&app, 1).await;
    let subject = format!("Failed on lab: block, {}", actions[0].name);
    assert_eq!(told, [("holly@contoso.com".to_owned(), subject, 1)]);
}
