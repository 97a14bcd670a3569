//! The database's filters find what `Query::matches` finds.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use crate::filter::walk::Reach;
use crate::reading::Cursor;

const WORDS: &[&str] = &[
    "ann",
    "Anne",
    "an",
    "a%b",
    "a_b",
    "iOS",
    "iOS 17",
    "Ä",
    "使用者",
    "o'x",
    "q\"t",
    "\\",
    "x\0y",
];

fn text() -> impl Strategy<Value = Option<String>> {
    let words = prop::collection::vec(prop::sample::select(WORDS), 0..3);
    prop::option::of(words.prop_map(|words| words.join(" ")))
}

fn time() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of((-4i64..4).prop_map(|days| at(days * 86_400)))
}

prop_compose! {
    fn facts()(
        texts in prop::array::uniform14(text()),
        times in prop::array::uniform3(time()),
        state in prop::sample::select(AccessState::ALL),
        reason in prop::option::of(prop::sample::select(AccessReason::ALL)),
    ) -> DeviceFacts {
        let [device_id, friendly_name, device_type, model, os, os_language, user_agent, imei,
            phone_number, operator, client_type, client_version, access_rule, identity] = texts;
        let [first_sync, when_created, when_changed] = times;
        DeviceFacts {
            guid: Uuid::nil(), identity, distinguished_name: None, device_id, friendly_name,
            device_type, model, os, os_language, user_agent, imei, phone_number, operator,
            client_type, client_version, access_state: state, access_reason: reason, access_rule,
            first_sync, when_created, when_changed, other: vec![],
        }
    }
}

prop_compose! {
    fn case()(
        facts in facts(),
        owner in prop::array::uniform3(text()),
        statistics in prop::option::of((
            prop::array::uniform2(text()), prop::array::uniform2(time()),
            prop::sample::select(WipeStatus::ALL),
        )),
        observed in -4i64..4,
        gone in prop::option::weighted(0.2, -4i64..4),
    ) -> (DeviceRow, Option<DeviceStatistics>, Option<Timestamp>) {
        let [user, mailbox, name] = owner;
        let owner = Owner { user, mailbox, name, user_dn: None };
        let statistics = statistics.map(|([policy, policy_status], [attempt, success], wipe)| {
            DeviceStatistics {
                policy, policy_status, last_sync_attempt: attempt, last_success_sync: success,
                wipe_status: wipe, ..DeviceStatistics::default()
            }
        });
        let row = DeviceRow { facts, owner, observed: at(observed * 86_400) };
        (row, statistics, gone.map(|days| at(days * 86_400)))
    }
}

const TEXT_FIELDS: &[&str] = &[
    "rule",
    "user",
    "mailbox",
    "name",
    "type",
    "model",
    "os",
    "language",
    "useragent",
    "imei",
    "phone",
    "operator",
    "client",
    "version",
    "policy",
    "policystatus",
    "deviceid",
    "connector",
];
const TIME_FIELDS: &[&str] =
    &["firstsync", "lastsync", "lastattempt", "created", "changed", "observed", "gone"];
const MOMENTS: &[&str] = &[
    "never",
    "<1d",
    ">1d",
    "<49h",
    ">100w",
    "<2026-09-21",
    "2026-09-21",
    ">2026-09-21",
    "2026-09-21T13:33:20Z",
];

fn term() -> impl Strategy<Value = String> {
    let words = &[
        "ann",
        "an",
        "s",
        "lab",
        "x\0",
        "iOS",
        "ios 17",
        "ä",
        "使用者",
        "a%",
        "a_",
        "o'x",
        "q\"",
        "\\",
        "unknown_d",
    ];
    let value = (prop::sample::select(words), 0..3)
        .prop_map(|(word, kind)| {
            let quoted = format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
            match kind {
                0 if !word.contains([' ', '"']) => (*word).to_owned(),
                1 => format!("{quoted}*"),
                _ => quoted,
            }
        })
        .boxed();
    let list = prop::collection::vec(value.clone(), 1..3).prop_map(|values| values.join(","));
    let ids = (0u128..8).prop_map(|number| Uuid::from_u128(number).to_string());
    prop_oneof![
        2 => value,
        4 => (prop::sample::select(TEXT_FIELDS), list).prop_map(|(field, list)| format!("{field}:{list}")),
        3 => (prop::sample::select(TIME_FIELDS), prop::collection::vec(prop::sample::select(MOMENTS), 1..3))
            .prop_map(|(field, moments)| format!("{field}:{}", moments.join(","))),
        2 => prop::sample::subsequence(&["allowed", "blocked", "quarantined", "discovery", "unknown"][..], 1..=5)
            .prop_map(|states| format!("state:{}", states.join(","))),
        1 => prop::sample::select(&["reason:global,rule", "reason:policy", "wipe:none,sent", "wipe:requested"][..])
            .prop_map(str::to_owned),
        1 => ids.prop_map(|id| format!("guid:{id}")),
    ]
}

fn query() -> impl Strategy<Value = String> {
    term().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| format!("not ({part})")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" ")),
            prop::collection::vec(inner, 1..4)
                .prop_map(|parts| format!("({})", parts.join(" or "))),
        ]
    })
}

/// What no index answers at once: ranges that contradict each other or meet in little, what is not a
/// word, and short words beside others.
const HARD: &[&str] = &[
    "created:<2026-09-21 created:>2026-09-21",
    "created:>2026-09-20 created:<2026-09-22",
    "created:never not created:never",
    "not created:never created:<49h,>100w",
    "not (created:<1d or created:>2026-09-21)",
    "firstsync:<1d changed:>1d",
    "not firstsync:never firstsync:never,<49h not firstsync:>2026-09-21",
    "os:iOS* os:\"iOS 17\"",
    "os:iOS* not os:\"iOS 17\"",
    "os:iOS,an not os:a* not os:q*,x*",
    "os:a* os:i*",
    "name:an* not name:ann",
    "state:allowed,blocked not state:blocked",
    "state:allowed state:blocked",
    "not ann",
    "not (ann or ios)",
    "not an ann",
    "an not s",
    "s an not ios",
    "not unknown_d os:iOS*",
    "(s or an) not created:never",
    "ann or not ann",
];

/// What is found where no range of an index is narrow: by words, or in the whole table.
async fn without_ranges(store: &Store, query: &Query) -> Vec<Uuid> {
    let mut filter = store.filter(&scope(), query, at(100)).await.unwrap();
    filter.narrow = None;
    let reach = Reach { rows: 1000, candidates: 1000, indexed: 1000 };
    let page = store.database.devices(filter, None, 1000, reach).await.unwrap();
    assert_eq!(page.next, None);
    page.devices.into_iter().map(|device| device.facts.guid).collect()
}

/// The same in pages that each look at few rows, and end before they are full.
async fn step_by_step(store: &Store, query: &Query, reach: Reach) -> Vec<Uuid> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let mut filter = store.filter(&scope(), query, at(100)).await.unwrap();
        filter.narrow = None;
        let page = store.database.devices(filter, after, 3, reach).await.unwrap();
        assert!(page.devices.len() <= 3);
        found.extend(page.devices.into_iter().map(|device| device.facts.guid));
        if page.next.is_none() {
            return found;
        }
        let is_further = |after: Cursor, next: Cursor| next.0 < after.0;
        assert!(after.is_none_or(|after| page.next.is_some_and(|next| is_further(after, next))));
        after = page.next;
    }
}

/// The indexes of a large inventory are made once, in the middle of its life, and kept.
#[tokio::test]
async fn words_are_found_before_and_after_the_inventory_is_large() {
    let (folder, store) = sqlite().await;
    let mut runner = TestRunner::deterministic();
    let lab = connector("lab");
    store.add_connector(&lab, None).await.unwrap();
    let mut row = async |store: &Store, number: u128, name: &str| {
        let (mut row, ..) = case().new_tree(&mut runner).unwrap().current();
        row.facts.guid = Uuid::from_u128(number);
        row.facts.friendly_name = Some(name.to_owned());
        store.write_devices(lab.id, vec![row]).await.unwrap();
    };
    let hits = async |store: &Store, word: &str| found(store, word).await.len();
    row(&store, 1, "zebra").await;
    store.prepare_search().await.unwrap();
    assert_eq!(hits(&store, "zebra").await, 1);
    store.database.prepare_search(0).await.unwrap();
    row(&store, 2, "zebra too").await;
    assert_eq!((hits(&store, "zebra").await, hits(&store, "zx").await), (2, 0));
    row(&store, 1, "zxylophone").await;
    let all = (hits(&store, "zebra").await, hits(&store, "ylo").await, hits(&store, "zx").await);
    assert_eq!(all, (1, 1, 1));
    store.close().await;
    let target = Target::Sqlite(folder.path().join("gatepost.db"));
    let store = Store::open(target).await.unwrap();
    assert_eq!((hits(&store, "ylo").await, hits(&store, "zx").await), (1, 1));
    store.remove_connector(lab.id).await.unwrap();
    assert_eq!(hits(&store, "ylo").await, 0);
}

#[tokio::test]
async fn the_database_finds_what_the_query_means() {
    on_both(async |store: Store| {
        let mut runner = TestRunner::deterministic();
        let lab = connector("lab");
        store.add_connector(&lab, None).await.unwrap();
        for number in 0..120u128 {
            let (mut row, statistics, gone) = case().new_tree(&mut runner).unwrap().current();
            row.facts.guid = Uuid::from_u128(number);
            let id = DeviceId::of(lab.id, row.facts.guid);
            store.write_devices(lab.id, vec![row]).await.unwrap();
            if number == 60 {
                // From now on SQLite asks the indexes of a large inventory.
                store.database.prepare_search(0).await.unwrap();
            }
            if let Some(statistics) = statistics {
                store.write_statistics(lab.id, vec![(id, statistics, at(0))]).await.unwrap();
            }
            if let Some(gone) = gone {
                store.mark_gone(lab.id, vec![id], gone).await.unwrap();
            }
        }
        let pass = Pass {
            id: PassId(Uuid::nil()),
            connector: lab.id,
            kind: PassKind::Full,
            started: at(0),
            finished: Some(at(0)),
            outcome: Some(PassOutcome::Complete),
            counts: PassCounts::default(),
            cost: domain::pass::PassCost::default(),
            endpoint: None,
        };
        store.begin_pass(&pass).await.unwrap();
        store.update_pass(&pass).await.unwrap();

        let all = found(&store, "gone:never or not gone:never").await;
        assert_eq!(all.len(), 120);
        let mut hits = 0;
        let random = (0..300).map(|_| query().new_tree(&mut runner).unwrap().current());
        for text in HARD.iter().map(|text| (*text).to_owned()).chain(random.collect::<Vec<_>>()) {
            let query = Query::parse(&text).unwrap();
            let wanted: Vec<_> = all
                .iter()
                .filter(|device| query.matches(device, &lab.name, at(100)))
                .map(|device| device.facts.guid)
                .collect();
            let got = found(&store, &text).await;
            let got: Vec<_> = got.iter().map(|device| device.facts.guid).collect();
            assert_eq!(got, wanted, "{text}");
            hits += wanted.len();
            assert_eq!(without_ranges(&store, &query).await, wanted, "{text}");
            for reach in [
                Reach { rows: 7, candidates: 1000, indexed: 11 },
                Reach { rows: 50, candidates: 2, indexed: 1000 },
            ] {
                assert_eq!(step_by_step(&store, &query, reach).await, wanted, "{text}");
            }
            let count = store.count_devices(&scope(), &query, at(100)).await.unwrap();
            assert_eq!(count, Count::Exactly(wanted.len() as u64), "{text}");
            let facets = store.facets(&scope(), &query, at(100)).await.unwrap();
            let sum = facets.states.iter().map(|(_, count)| count.least());
            assert_eq!(sum.sum::<u64>(), wanted.len() as u64, "{text}");
        }
        assert!(hits > 2_500, "the queries find too little to show anything: {hits}");
    })
    .await;
}
