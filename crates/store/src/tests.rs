//! One suite, two databases.

mod access_changes;
mod audit;
mod checks;
mod filters;
mod identity_providers;
mod notifications;
mod people;
mod sealed;

use domain::authority::{Grant, Place};
use domain::connector::{
    Authentication, ConnectorState, Endpoint, OrganizationIdentity, Proxy, ServerEndpoint, Trust,
};
use domain::device::Owner;
use domain::inventory::Shortfall;
use domain::pass::{Checkpoint, Pass, PassCounts, PassKind, PassOutcome};
use domain::status_message::Event;
use domain::{
    AccessReason, AccessState, Caller, Connector, ConnectorId, ConnectorName, Device, DeviceFacts,
    DeviceId, DeviceStatistics, DistinguishedName, JobId, MailboxFacts, PassId, Permission, Query,
    Scope, ServerFacts, StatusMessage, Timestamp, WipeStatus,
};
use uuid::Uuid;

use crate::testing::{on_both, sqlite};
use crate::value::Value;
use crate::{Count, DeviceRow, Error, JobState, NewJob, Page, Progress, Store, Target, sql};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn scope() -> Scope {
    Caller::local_administrator().scope(Permission::Read).unwrap()
}

fn connector(name: &str) -> Connector {
    Connector {
        id: ConnectorId(Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes())),
        name: ConnectorName::parse(name).unwrap(),
        endpoint: Endpoint::OnPremises(ServerEndpoint {
            url: "http://mail.contoso.com/PowerShell/".to_owned(),
            connect_to: Some("10.0.0.1:80".to_owned()),
            spn: None,
            authentication: Authentication::Ntlm,
            username: Some(r"CONTOSO\svc".to_owned()),
            kdc: vec!["dc1:88".to_owned(), "dc2:88".to_owned()],
            keytab: None,
            allow_basic_without_tls: true,
            trust: Trust { extra_roots_pem: None, pinned_sha256: Some("ab".to_owned()) },
            proxy: Some(Proxy { address: "proxy:3128".to_owned(), username: None }),
        }),
        options: domain::connector::Options::default(),
        organization: None,
        state: ConnectorState::Flagged,
        trouble: None,
        created: at(0),
        last_full_sync: None,
        last_delta_sync: None,
        is_paused: false,
        next_install: None,
    }
}

fn organization(key: &str) -> OrganizationIdentity {
    OrganizationIdentity { key: key.to_owned(), name: "Contoso".to_owned() }
}

fn row(number: u128) -> DeviceRow {
    let dn = "CN=iPhone§A,CN=ExchangeActiveSyncDevices,CN=Jane,DC=contoso,DC=com";
    let dn = DistinguishedName::parse(dn).unwrap();
    let text = |text: &str| Some(text.to_owned());
    DeviceRow {
        owner: Owner {
            user: text("jane"),
            mailbox: text("jane@contoso.com"),
            name: text("Jane Doe"),
            user_dn: dn.ancestor(2),
        },
        facts: DeviceFacts {
            guid: Uuid::from_u128(number),
            identity: text("contoso.com/Users/Jane/ExchangeActiveSyncDevices/iPhone§A"),
            distinguished_name: Some(dn),
            device_id: text(&format!("APPL{number:08}")),
            friendly_name: text("Jane's\u{0}phone\u{10fffe}"),
            device_type: text("iPhone"),
            model: text("iPhone14C5"),
            os: text("iOS 17.4 21E217"),
            os_language: text("en"),
            user_agent: text("Apple-iPhone14C5/2105.217"),
            imei: None,
            phone_number: text("+1 555 0100"),
            operator: None,
            client_type: text("EAS"),
            client_version: text("16.1"),
            access_state: AccessState::Allowed,
            access_reason: Some(AccessReason::Global),
            access_rule: None,
            first_sync: Some(at(-1000)),
            when_created: Some(at(-1000)),
            when_changed: None,
            other: vec![
                ("A".to_owned(), "\u{0}\u{10fffe}1".to_owned()),
                ("A".to_owned(), String::new()),
            ],
        },
        observed: at(1),
    }
}

fn statistics() -> DeviceStatistics {
    DeviceStatistics {
        guid: Some(Uuid::from_u128(7)),
        last_success_sync: Some(at(5)),
        policy: Some("Default".to_owned()),
        wipe_status: WipeStatus::Sent,
        other: vec![("Number".to_owned(), "5".to_owned())],
        ..DeviceStatistics::default()
    }
}

fn page(limit: u32) -> Page {
    Page { after: None, limit, now: at(100) }
}

async fn found(store: &Store, query: &str) -> Vec<Device> {
    let query = Query::parse(query).unwrap();
    store.devices(&scope(), &query, page(1000)).await.unwrap().devices
}

#[tokio::test]
async fn connectors_are_kept_to_the_letter_and_one_for_each_organization() {
    on_both(async |store: Store| {
        let lab = Connector { organization: Some(organization("a")), ..connector("lab") };
        store.add_connector(&lab, Some(b"sealed")).await.unwrap();
        assert_eq!(store.connectors(&scope()).await.unwrap(), std::slice::from_ref(&lab));
        assert_eq!(store.connector(&scope(), &lab.name).await.unwrap(), lab);
        assert_eq!(store.sealed_secret(lab.id).await.unwrap().unwrap(), b"sealed");

        let again = Connector { id: connector("other").id, ..connector("lab") };
        let refused = store.add_connector(&again, None).await;
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
        let other = connector("other");
        store.add_connector(&other, None).await.unwrap();
        assert_eq!(store.sealed_secret(other.id).await.unwrap(), None);
        let refused = store.set_organization(other.id, &organization("a"), None).await;
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
        for (key, known, expected) in [
            ("c", None, true),
            ("c", Some("c"), false),
            ("b", Some("c"), true),
            ("b", Some("b"), false),
        ] {
            let noted = store.set_organization(other.id, &organization(key), known).await.unwrap();
            assert_eq!(noted, expected, "{key}, known as {known:?}");
        }
        let refused = store.set_organization(other.id, &organization("a"), Some("b")).await;
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
        let stranger = store.set_organization(other.id, &organization("d"), Some("c")).await;
        assert!(matches!(stranger, Err(Error::NotFound(_))), "{stranger:?}");
        store.set_connector_state(other.id, ConnectorState::Trouble, Some("why")).await.unwrap();
        let other = store.connector(&scope(), &other.name).await.unwrap();
        assert_eq!(other.organization, Some(organization("b")));
        assert_eq!((other.state, other.trouble.as_deref()), (ConnectorState::Trouble, Some("why")));
    })
    .await;
}

#[tokio::test]
async fn devices_come_back_as_they_were_written() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        assert!(matches!(store.write_devices(lab.id, vec![row(1)]).await, Err(Error::NotFound(_))));
        store.add_connector(&lab, None).await.unwrap();
        store.write_devices(lab.id, vec![row(2), row(1)]).await.unwrap();
        let id = DeviceId::of(lab.id, Uuid::from_u128(1));
        let device = store.device(&scope(), id).await.unwrap();
        assert_eq!((&device.facts, &device.owner), (&row(1).facts, &row(1).owner));
        assert_eq!((device.observed, device.statistics.clone()), (at(1), None));

        store.write_statistics(lab.id, vec![(id, statistics(), at(9))]).await.unwrap();
        let written = store.device(&scope(), id).await.unwrap();
        assert_eq!(written.statistics, Some(statistics()));
        assert_eq!(written.statistics_observed, Some(at(9)));

        let mut changed = row(1);
        changed.facts.friendly_name = Some("Work".to_owned());
        store.write_devices(lab.id, vec![row(1), changed.clone()]).await.unwrap();
        let written = store.device(&scope(), id).await.unwrap();
        assert_eq!(written.facts, changed.facts);
        assert_eq!(written.statistics, Some(statistics()));
        assert_eq!(found(&store, "work").await, [written]);
        assert_eq!(found(&store, "jane's").await.len(), 1);

        let (mut prints, last) = store.fingerprints_after(lab.id, i64::MIN).await.unwrap().unwrap();
        assert_eq!(store.fingerprints_after(lab.id, last).await.unwrap(), None);
        prints.sort_by_key(|print| print.guid);
        assert_eq!(
            prints.iter().map(|it| it.hash).collect::<Vec<_>>(),
            [changed.hash(), row(2).hash()]
        );
        assert_ne!(changed.hash(), row(1).hash());
        let known = store.known_device(id).await.unwrap().unwrap();
        assert_eq!((known.fingerprint, known.user_dn), (prints[0], row(1).owner.user_dn));
    })
    .await;
}

/// What did not change is not written again, so whatever differs by itself must be seen to differ.
#[tokio::test]
async fn each_statistic_that_changes_by_itself_is_written() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        store.add_connector(&lab, None).await.unwrap();
        store.write_devices(lab.id, vec![row(1)]).await.unwrap();
        let id = DeviceId::of(lab.id, Uuid::from_u128(1));
        let other = || Some("other".to_owned());
        let whole = statistics();
        let changed = [
            whole.clone(),
            DeviceStatistics { guid: Some(Uuid::from_u128(77)), ..whole.clone() },
            DeviceStatistics { identity: other(), ..whole.clone() },
            DeviceStatistics { device_id: other(), ..whole.clone() },
            DeviceStatistics { first_sync: Some(at(71)), ..whole.clone() },
            DeviceStatistics { last_sync_attempt: Some(at(72)), ..whole.clone() },
            DeviceStatistics { last_success_sync: None, ..whole.clone() },
            DeviceStatistics { policy: None, ..whole.clone() },
            DeviceStatistics { policy_status: other(), ..whole.clone() },
            DeviceStatistics { wipe_status: WipeStatus::Acknowledged, ..whole.clone() },
            DeviceStatistics { wipe_requested: Some(at(73)), ..whole.clone() },
            DeviceStatistics { wipe_sent: Some(at(74)), ..whole.clone() },
            DeviceStatistics { wipe_acknowledged: Some(at(75)), ..whole.clone() },
            DeviceStatistics { other: vec![("Hops".into(), "3".into())], ..whole.clone() },
        ];
        for (time, statistics) in (100..).zip(changed) {
            // From what was written, and back.
            for statistics in [statistics, whole.clone()] {
                let row = (id, statistics.clone(), at(time));
                store.write_statistics(lab.id, vec![row]).await.unwrap();
                let written = store.device(&scope(), id).await.unwrap();
                assert_eq!(written.statistics, Some(statistics));
                assert_eq!(written.statistics_observed, Some(at(time)));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn gone_devices_hide_until_they_are_asked_for_or_return() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        store.add_connector(&lab, None).await.unwrap();
        store.write_devices(lab.id, vec![row(1), row(2)]).await.unwrap();
        let id = DeviceId::of(lab.id, Uuid::from_u128(1));
        store.mark_gone(lab.id, vec![id], at(20)).await.unwrap();
        store.mark_gone(lab.id, vec![id], at(30)).await.unwrap();
        assert_eq!(store.device(&scope(), id).await.unwrap().gone_since, Some(at(20)));
        assert_eq!(found(&store, "jane").await.len(), 1);
        assert_eq!(found(&store, "gone:<1d").await.len(), 1);
        let totals = store.totals(&scope()).await.unwrap();
        assert_eq!((totals[0].devices(), totals[0].gone), (1, 1));
        store.write_devices(lab.id, vec![row(1)]).await.unwrap();
        assert_eq!(found(&store, "").await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_complete_full_pass_makes_the_devices_that_are_not_gone_true_as_of_its_beginning() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        store.add_connector(&lab, None).await.unwrap();
        store.write_devices(lab.id, vec![row(1), row(2)]).await.unwrap();
        let gone = DeviceId::of(lab.id, Uuid::from_u128(2));
        store.mark_gone(lab.id, vec![gone], at(20)).await.unwrap();
        let mut pass = Pass {
            id: PassId(Uuid::from_u128(1)),
            connector: lab.id,
            kind: PassKind::Full,
            started: at(50),
            finished: None,
            outcome: None,
            counts: PassCounts::default(),
            cost: domain::pass::PassCost::default(),
            endpoint: None,
        };
        store.begin_pass(&pass).await.unwrap();
        assert_eq!(store.unfinished_passes().await.unwrap(), [pass.clone()]);
        pass.counts.devices = 1;
        store.update_pass(&pass).await.unwrap();
        assert_eq!(found(&store, "").await[0].observed, at(1));
        pass.finished = Some(at(60));
        pass.outcome = Some(PassOutcome::Complete);
        store.update_pass(&pass).await.unwrap();
        assert_eq!(store.passes(&scope(), lab.id, 10).await.unwrap(), [pass]);
        assert!(store.unfinished_passes().await.unwrap().is_empty());
        assert_eq!(found(&store, "").await[0].observed, at(50));
        assert_eq!(store.device(&scope(), gone).await.unwrap().observed, at(1));
        let lab = store.connector(&scope(), &lab.name).await.unwrap();
        assert_eq!(lab.last_full_sync, Some(at(50)));
    })
    .await;
}

/// What a pass that is cut has seen comes back in full, and goes with its checkpoint.
#[tokio::test]
async fn a_checkpoint_is_kept_with_all_that_was_seen() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        store.add_connector(&lab, None).await.unwrap();
        let mut checkpoint = Checkpoint {
            started: at(10),
            list: 0,
            before: Some(at(5)),
            counts: PassCounts { devices: 3, skipped: 4, ..PassCounts::default() },
            shortfall: Shortfall { problems: 2, is_truncated: true, ..Shortfall::default() },
        };
        let seen: Vec<Uuid> = (0..5).map(Uuid::from_u128).collect();
        store.add_checkpoint(lab.id, &checkpoint, &seen[..3]).await.unwrap();
        assert_eq!(store.checkpoint(lab.id).await.unwrap(), Some(checkpoint.clone()));
        (checkpoint.list, checkpoint.before) = (1, None);
        store.add_checkpoint(lab.id, &checkpoint, &seen[3..]).await.unwrap();
        assert_eq!(store.checkpoint(lab.id).await.unwrap(), Some(checkpoint));
        assert_eq!(store.seen(lab.id).await.unwrap(), seen);
        store.forget_checkpoint(lab.id).await.unwrap();
        assert_eq!(store.checkpoint(lab.id).await.unwrap(), None);
        assert!(store.seen(lab.id).await.unwrap().is_empty());
    })
    .await;
}

/// However much another connector has to say.
#[tokio::test]
async fn a_connector_keeps_its_own_latest_messages() {
    on_both(async |store: Store| {
        let (lab, other) = (connector("lab"), connector("other"));
        store.add_connector(&lab, None).await.unwrap();
        store.add_connector(&other, None).await.unwrap();
        for second in 0..8 {
            let connector = if second == 0 { lab.id } else { other.id };
            let (event, text) = (Event::Flagged, second.to_string());
            let message = StatusMessage { at: at(second), connector, event, text };
            store.add_status_message(&message).await.unwrap();
        }
        for id in [lab.id, other.id] {
            let forget = vec![Value::id(id), Value::Integer(3)];
            store.database.write(vec![(sql::FORGET_STATUS_MESSAGES, forget)]).await.unwrap();
        }
        let kept = async |id| {
            let messages = store.status_messages(&scope(), id, 10).await.unwrap();
            messages.into_iter().map(|message| message.text).collect::<Vec<_>>()
        };
        assert_eq!(kept(lab.id).await, ["0"]);
        assert_eq!(kept(other.id).await, ["7", "6", "5"]);
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        store.add_connector(&lab, None).await.unwrap();
        for number in 0..25 {
            store.write_devices(lab.id, vec![row(number)]).await.unwrap();
        }
        for query in ["", "jane", "state:allowed", "imei:x or created:<2100-01-01"] {
            let query = Query::parse(query).unwrap();
            let mut numbers = Vec::new();
            let mut after = None;
            loop {
                let page = Page { after, ..page(10) };
                let part = store.devices(&scope(), &query, page).await.unwrap();
                numbers.extend(part.devices.iter().map(|device| device.facts.guid.as_u128()));
                after = part.next;
                if after.is_none() {
                    break;
                }
                assert_eq!(part.devices.len(), 10);
            }
            assert_eq!(numbers, (0..25).rev().collect::<Vec<_>>());
            let count = store.count_devices(&scope(), &query, at(0)).await.unwrap();
            assert_eq!(count, Count::Exactly(25));
            let facets = store.facets(&scope(), &query, at(0)).await.unwrap();
            assert_eq!(facets.states[0], (AccessState::Allowed, Count::Exactly(25)));
            assert_eq!(facets.states[1], (AccessState::Blocked, Count::Exactly(0)));
        }
    })
    .await;
}

#[tokio::test]
async fn a_connector_goes_with_all_it_brought() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        store.add_connector(&lab, Some(b"sealed")).await.unwrap();
        store.write_devices(lab.id, vec![row(1), row(2)]).await.unwrap();
        let jane = MailboxFacts {
            guid: None,
            distinguished_name: row(1).owner.user_dn.unwrap(),
            display_name: Some("Jane".to_owned()),
            alias: None,
            sam_account_name: None,
            user_principal_name: None,
            primary_smtp_address: None,
            allowed_device_ids: vec!["APPL1".to_owned()],
            blocked_device_ids: vec![],
            policy: None,
            active_sync_enabled: Some(false),
        };
        store.write_mailboxes(lab.id, vec![jane.clone(), jane.clone()]).await.unwrap();
        let name = DistinguishedName::parse("cn=jane,dc=contoso,dc=com").unwrap();
        assert_eq!(store.mailbox(&scope(), lab.id, &name).await.unwrap(), jane);
        let server = ServerFacts {
            name: "EX1".to_owned(),
            fqdn: None,
            distinguished_name: None,
            site: Some("HQ".to_owned()),
            version: None,
            role: None,
            is_client_access: true,
            is_mailbox: false,
            is_edge: false,
        };
        store.replace_servers(lab.id, &[server.clone(), server.clone()]).await.unwrap();
        store.replace_servers(lab.id, std::slice::from_ref(&server)).await.unwrap();
        assert_eq!(store.servers(&scope(), lab.id).await.unwrap(), [server]);
        store.remove_connector(lab.id).await.unwrap();
        assert!(matches!(store.remove_connector(lab.id).await, Err(Error::NotFound(_))));
        store.add_connector(&lab, None).await.unwrap();
        assert!(found(&store, "").await.is_empty());
        assert!(store.servers(&scope(), lab.id).await.unwrap().is_empty());
        assert_eq!(store.sealed_secret(lab.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_job_is_done_once_and_survives_a_stop() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        store.add_connector(&lab, None).await.unwrap();
        let new = |number, kind: &str| NewJob {
            id: JobId(Uuid::from_u128(number)),
            connector: lab.id,
            kind: kind.to_owned(),
            created: at(i64::try_from(number).unwrap()),
        };
        let first = store.add_job(&new(1, "full sync")).await.unwrap();
        assert_eq!(store.add_job(&new(2, "full sync")).await.unwrap(), first);
        let second = store.add_job(&new(3, "delta sync")).await.unwrap();
        assert_ne!(first, second);
        let claimed = store.claim_job(at(10)).await.unwrap().unwrap();
        assert_eq!((claimed.id, claimed.state), (first, JobState::Running));
        assert_eq!(store.claim_job(at(11)).await.unwrap(), None, "one at a time for a connector");
        assert_eq!(store.add_job(&new(4, "full sync")).await.unwrap(), first);
        let progress = Progress { step: Some("devices".to_owned()), done: 5, expected: Some(9) };
        store.update_job(first, &progress).await.unwrap();
        assert_eq!(store.job(&scope(), first).await.unwrap().progress, progress);

        assert_eq!(store.requeue_jobs().await.unwrap(), 1);
        assert_eq!(store.claim_job(at(12)).await.unwrap().unwrap().id, first);
        store.finish_job(first, JobState::Done, "5 devices", at(13)).await.unwrap();
        assert!(store.finish_job(first, JobState::Failed, "late", at(14)).await.is_err());
        let done = store.job(&scope(), first).await.unwrap();
        assert_eq!((done.state, done.outcome.as_deref()), (JobState::Done, Some("5 devices")));
        assert_eq!(store.claim_job(at(15)).await.unwrap().unwrap().id, second);
        assert_ne!(store.add_job(&new(5, "full sync")).await.unwrap(), first);
        assert_eq!(store.jobs(&scope(), 2).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn values_are_kept() {
    on_both(async |store: Store| {
        assert_eq!(store.meta("a").await.unwrap(), None);
        store.set_meta("a", "1").await.unwrap();
        store.set_meta("a", "2").await.unwrap();
        assert_eq!(store.meta("a").await.unwrap().as_deref(), Some("2"));
    })
    .await;
}

#[tokio::test]
async fn one_process_at_a_time_and_none_older_than_the_database() {
    let (folder, store) = sqlite().await;
    let target = Target::Sqlite(folder.path().join("gatepost.db"));
    let refused = Store::open(target.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("another gatepost uses"), "{refused}");
    store.close().await;
    assert!(matches!(store.meta("a").await, Err(Error::Unavailable(_))));
    Store::open(target.clone()).await.unwrap().close().await;
    {
        let file = rusqlite::Connection::open(folder.path().join("gatepost.db")).unwrap();
        file.execute("INSERT INTO migration VALUES (9999, 'later')", []).unwrap();
    }
    let refused = Store::open(target).await.unwrap_err();
    assert!(matches!(refused, Error::Newer { found: 9999, .. }), "{refused}");
}

/// A scope is a query too: what a list shows is what `Scope::holds`, and nothing else can be read.
#[tokio::test]
async fn a_scope_shows_whole_connectors_and_what_collections_find() {
    on_both(async |store: Store| {
        let (here, there) = (connector("here"), connector("there"));
        for connector in [&here, &there] {
            store.add_connector(connector, None).await.unwrap();
            let rows = (1..=3).map(|number| {
                let mut row = row(number);
                row.owner.user = Some(format!("user{number}"));
                row
            });
            store.write_devices(connector.id, rows.collect()).await.unwrap();
        }
        let all = [&here, &there];
        let (scope, query) = (scope(), Query::default());
        let everything = store.devices(&scope, &query, page(100)).await.unwrap().devices;
        assert_eq!(everything.len(), 6);
        for (connectors, collections, found) in [
            (vec![here.id], vec![], 3),
            (vec![], vec!["user:user2"], 2),
            (vec![here.id], vec!["user:user2", "connector:there user:user3"], 5),
            (vec![], vec!["user:nobody"], 0),
            (vec![], vec![""], 6),
        ] {
            let places = connectors.into_iter().map(Place::Connector).chain(
                collections.iter().map(|text| Place::Collection(Query::parse(text).unwrap())),
            );
            let permissions = [Permission::ReadResource].into();
            let grants = places.map(|place| Grant { permissions, place }).collect();
            let caller = Caller { grants, asked: at(9), ..Caller::local_administrator() };
            let scope = caller.scope(Permission::ReadResource).unwrap();
            let page = page(100);
            let devices = store.devices(&scope, &Query::default(), page).await.unwrap().devices;
            assert_eq!(devices.len(), found, "{collections:?}");
            let count = store.count_devices(&scope, &Query::default(), at(9)).await.unwrap();
            assert_eq!(count, Count::Exactly(found as u64));
            for device in &everything {
                let connector = all.iter().find(|one| one.id == device.connector).unwrap();
                let holds = scope.holds(device, &connector.name);
                assert_eq!(holds, devices.contains(device));
                assert_eq!(holds, store.device(&scope, device.id).await.is_ok());
            }
        }
    })
    .await;
}
