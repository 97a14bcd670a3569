//! News become deliveries, and deliveries are tried by one at a time.

use domain::notification::{Attempt, Delivery, DeliveryState, Language, Topic};
use domain::{
    AccessState, Caller, ChannelId, ConnectorId, DeliveryId, DeviceId, Permission, Timestamp,
};
use uuid::Uuid;

use super::{at, connector, row};
use crate::testing::on_both;
use crate::{News, Store};

fn now() -> Timestamp {
    at(0)
}

fn later(minutes: i64) -> Timestamp {
    at(60 * minutes)
}

/// What waits, in words: topic and count.
async fn waiting(store: &Store) -> Vec<(Topic, u64)> {
    let mut waiting: Vec<_> = store.waiting_news().await.unwrap();
    waiting.sort_by_key(|news| news.topic);
    waiting.iter().map(|news| (news.topic, news.count)).collect()
}

#[tokio::test]
async fn whoever_writes_devices_notes_what_is_new_of_them() {
    on_both(async |store: Store| {
        let mut lab = connector("lab");
        lab.last_full_sync = None;
        store.add_connector(&lab, None).await.unwrap();
        let write = async |number: u128, state: AccessState| {
            let mut row = row(number);
            row.facts.access_state = state;
            store.write_devices(lab.id, vec![row]).await.unwrap();
        };
        // The first full pass tells nothing.
        write(1, AccessState::Allowed).await;
        write(2, AccessState::Quarantined).await;
        assert_eq!(waiting(&store).await, []);
        store.remove_connector(lab.id).await.unwrap();
        lab.last_full_sync = Some(now());
        store.add_connector(&lab, None).await.unwrap();

        write(1, AccessState::Allowed).await;
        assert_eq!(waiting(&store).await, [(Topic::NewDevice, 1)]);
        write(1, AccessState::Allowed).await;
        write(1, AccessState::Quarantined).await;
        write(1, AccessState::Quarantined).await;
        assert_eq!(waiting(&store).await, [(Topic::NewDevice, 1), (Topic::Quarantined, 1)]);
        write(2, AccessState::Quarantined).await;
        assert_eq!(waiting(&store).await, [(Topic::NewDevice, 2), (Topic::Quarantined, 2)]);
        write(1, AccessState::Allowed).await;
        assert_eq!(waiting(&store).await, [(Topic::NewDevice, 2), (Topic::Quarantined, 2)]);
    })
    .await;
}

fn delivery(number: u128) -> Delivery {
    Delivery {
        id: DeliveryId(Uuid::from_u128(number)),
        channel: ChannelId(Uuid::from_u128(9)),
        channel_name: "pager".to_owned(),
        subscription: Some("night".to_owned()),
        topic: Topic::NewDevice,
        recipient: None,
        language: Language::TraditionalChinese,
        document: "{}".to_owned(),
        state: DeliveryState::Waiting,
        created: now(),
        next_attempt: now(),
        attempts: 0,
        outcome: None,
    }
}

#[tokio::test]
async fn news_are_told_once_however_often_they_are_taken() {
    on_both(async |store: Store| {
        let lab = ConnectorId(Uuid::from_u128(1));
        let of = |connector, at| News {
            at,
            topic: Topic::NewDevice,
            connector,
            device: Some(DeviceId(Uuid::from_u128(2))),
            document: "{}".to_owned(),
        };
        let news = [of(Some(lab), now()), of(None, now()), of(Some(lab), later(1))];
        store.add_news(&news).await.unwrap();
        let claim = async |message, before| {
            let (message, connector) = (Uuid::from_u128(message), Some(lab));
            store.claim_news(message, Topic::NewDevice, connector, before).await.unwrap()
        };
        assert_eq!(claim(10, now()).await, 0);
        assert_eq!(claim(10, later(1)).await, 1);
        assert_eq!(claim(11, later(2)).await, 1);
        assert_eq!(claim(12, later(2)).await, 0);
        let untold = store.untold_messages().await.unwrap();
        assert_eq!(untold, [10, 11].map(Uuid::from_u128));
        let found = store.news_of(Uuid::from_u128(10), i64::MIN, 5).await.unwrap();
        assert_eq!(found.into_iter().map(|(_, news)| news).collect::<Vec<_>>(), news[..1]);
        // Done twice, as after a crash in between.
        for _ in 0..2 {
            store.tell(Uuid::from_u128(10), &[delivery(1)]).await.unwrap();
        }
        assert_eq!(store.untold_messages().await.unwrap(), [Uuid::from_u128(11)]);
        let scope = Caller::engine().scope(Permission::ModifySecurity).unwrap();
        let all = store.deliveries(&scope, None, None, 10).await.unwrap();
        assert_eq!(all, [delivery(1)]);
    })
    .await;
}

#[tokio::test]
async fn a_delivery_is_tried_by_one_at_a_time_and_kept_with_its_attempts() {
    on_both(async |store: Store| {
        let scope = Caller::engine().scope(Permission::ModifySecurity).unwrap();
        store.tell(Uuid::nil(), &[delivery(1)]).await.unwrap();
        let claim = async |minute| store.claim_delivery(later(minute), later(minute + 5)).await;
        assert!(claim(-1).await.unwrap().is_none());
        let (first, give_up) = claim(0).await.unwrap().unwrap();
        assert_eq!((first.attempts, give_up), (1, later(72 * 60)));
        assert!(claim(4).await.unwrap().is_none());
        assert_eq!(store.next_delivery().await.unwrap(), Some(later(5)));
        // Who had it was killed.
        let (second, _) = claim(5).await.unwrap().unwrap();
        assert_eq!(second.attempts, 2);
        let attempt = |number, is_success| Attempt {
            number,
            at: later(5),
            duration_ms: 12,
            is_success,
            answer: format!("said {number}"),
        };
        let note = async |attempt: &Attempt, state, next| {
            store.note_attempt(second.id, attempt, state, next).await.unwrap();
        };
        // The one that was thought dead comes late: its word does not count.
        note(&attempt(1, true), DeliveryState::Delivered, later(5)).await;
        note(&attempt(2, false), DeliveryState::Waiting, later(7)).await;
        assert_eq!(store.next_delivery().await.unwrap(), Some(later(7)));
        assert!(claim(7).await.unwrap().is_some());
        note(&attempt(3, true), DeliveryState::Delivered, later(7)).await;
        assert_eq!(store.next_delivery().await.unwrap(), None);
        let attempts = store.attempts(&scope, second.id).await.unwrap();
        assert_eq!(attempts, [attempt(1, true), attempt(2, false), attempt(3, true)]);

        assert!(store.replay_delivery(second.id, later(9), &[]).await.unwrap());
        assert!(!store.replay_delivery(second.id, later(9), &[]).await.unwrap());
        let again = store.delivery(&scope, second.id).await.unwrap();
        assert_eq!((again.state, again.attempts), (DeliveryState::Waiting, 3));
        store.forget_deliveries(later(100)).await.unwrap();
        let waits = Some(DeliveryState::Waiting);
        assert_eq!(store.deliveries(&scope, waits, None, 9).await.unwrap().len(), 1);
    })
    .await;
}
