//! The audit: what the database itself refuses, what is found, what stays of closed parts.

use domain::PersonId;
use domain::audit::{Checkpoint, Event, Link, Outcome, Seal, Signature};

use super::*;
use crate::{AuditFilter, AuditRow};

/// A chain of so many entries, a second apart.
fn chain(count: u64) -> Vec<AuditRow> {
    let mut link = Link::before_all(Uuid::from_u128(1));
    let rows = (1..=count).map(|number| {
        let name = if number % 2 == 0 { "Jane_" } else { "Janet" };
        let document = format!(
            r#"{{"actor":{{"id":"{}","name":"{name}"}},"at":"x","event":"sync.asked","source":"api","target":{{"id":"{number}","kind":"connector","name":"100% of \"{number}\""}}}}"#,
            PersonId::LOCAL_ADMINISTRATOR
        );
        link = link.next(document.as_bytes());
        AuditRow {
            link,
            at: at(i64::try_from(number).unwrap()),
            event: if number % 3 == 0 { Event::Refused } else { Event::SyncAsked },
            actor: PersonId::LOCAL_ADMINISTRATOR,
            target: Some(number.to_string()),
            document,
        }
    });
    rows.collect()
}

fn audit_scope() -> Scope {
    Caller::local_administrator().scope(Permission::ReadAudit).unwrap()
}

fn seal(first: &AuditRow, last: &AuditRow) -> Seal {
    Seal {
        first: first.link.sequence,
        previous: [1; 32],
        last: last.link,
        at: at(100),
        by: "jane".to_owned(),
        file: "1-5.jsonl".to_owned(),
        signature: Signature { signer: [2; 32], bytes: [3; 64] },
    }
}

/// Statements that only somebody with the database in hand would send.
const FORBIDDEN: [&str; 9] = [
    "UPDATE audit SET document = '{}' WHERE sequence = 3",
    "UPDATE audit SET hash = hash",
    "DELETE FROM audit WHERE sequence = 10",
    "DELETE FROM audit",
    "UPDATE audit_checkpoint SET at = 0",
    "DELETE FROM audit_checkpoint",
    "UPDATE audit_segment SET closed_by = 'nobody'",
    "DELETE FROM audit_segment",
    "UPDATE audit SET sequence = sequence + 100",
];

#[tokio::test]
async fn the_database_itself_refuses_to_change_the_audit() {
    on_both(async |store: Store| {
        let rows = chain(10);
        store.add_audit(&rows).await.unwrap();
        let signature = Signature { signer: [2; 32], bytes: [3; 64] };
        let checkpoint = Checkpoint { link: rows[9].link, at: at(50), signature };
        store.add_audit_checkpoint(&checkpoint).await.unwrap();
        let again = store.add_audit_checkpoint(&checkpoint).await;
        assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
        assert_eq!(store.last_audit_checkpoint().await.unwrap(), Some(checkpoint));
        store.close_audit(&seal(&rows[0], &rows[4]), &[]).await.unwrap();
        for statement in FORBIDDEN {
            let refused = store.database.write(vec![(statement, vec![])]).await;
            assert!(refused.is_err(), "{statement}");
        }
        let taken = store.add_audit(&rows[6..7]).await;
        assert!(matches!(taken, Err(Error::Conflict { .. })), "{taken:?}");
        assert_eq!(store.audit(&audit_scope(), 0, 100).await.unwrap(), rows);
    })
    .await;
}

#[tokio::test]
async fn replacing_is_refused_where_a_database_knows_it() {
    let (_folder, store) = sqlite().await;
    store.add_audit(&chain(3)).await.unwrap();
    let replace = "INSERT OR REPLACE INTO audit (sequence, at, event, actor, document, hash) \
                   VALUES (2, 0, 'refused', '', '{}', x'00')";
    store.database.write(vec![(replace, vec![])]).await.unwrap_err();
    assert_eq!(store.audit(&audit_scope(), 0, 100).await.unwrap(), chain(3));
}

#[tokio::test]
async fn closed_parts_leave_and_their_seals_stay() {
    on_both(async |store: Store| {
        let rows = chain(10);
        store.add_audit(&rows).await.unwrap();
        assert_eq!(store.remove_closed_audit().await.unwrap(), 0);
        assert_eq!(store.audit_before(at(6)).await.unwrap(), Some(5));
        assert_eq!(store.audit_before(at(1)).await.unwrap(), None);
        assert_eq!(store.audit_before(at(1000)).await.unwrap(), Some(10));
        let first = seal(&rows[0], &rows[4]);
        store.close_audit(&first, &[]).await.unwrap();
        assert_eq!(store.remove_closed_audit().await.unwrap(), 5);
        assert_eq!(store.remove_closed_audit().await.unwrap(), 0);
        assert_eq!(store.audit_seals().await.unwrap(), std::slice::from_ref(&first));
        assert_eq!(store.audit(&audit_scope(), 0, 100).await.unwrap(), rows[5..]);
        let all = seal(&rows[5], &rows[9]);
        store.close_audit(&all, &[]).await.unwrap();
        store.remove_closed_audit().await.unwrap();
        assert_eq!(store.audit_head().await.unwrap(), Some(rows[9].link));
        assert_eq!(store.audit_seals().await.unwrap(), [first, all]);
    })
    .await;
}

#[tokio::test]
async fn entries_are_found_by_everything_that_is_said_of_them() {
    on_both(async |store: Store| {
        let rows = chain(10);
        store.add_audit(&rows).await.unwrap();
        let check = async |filter: AuditFilter, expected: &[u64]| {
            let scope = audit_scope();
            let page = store.audit_found(&scope, &filter, None, 100).await.unwrap();
            let found: Vec<u64> = page.rows.iter().map(|row| row.link.sequence).collect();
            assert_eq!(found, expected, "{filter:?}");
            assert_eq!(page.next, None, "{filter:?}");
        };
        let some = |text: &str| Some(text.to_owned());
        let filter = AuditFilter::default;
        check(filter(), &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).await;
        check(AuditFilter { event: Some(Event::Refused), ..filter() }, &[9, 6, 3]).await;
        check(AuditFilter { who: some("JANE_"), ..filter() }, &[10, 8, 6, 4, 2]).await;
        check(AuditFilter { who: some("anet"), ..filter() }, &[]).await;
        check(AuditFilter { person: Some(PersonId::ENGINE), ..filter() }, &[]).await;
        check(AuditFilter { target: some("% of \"7\""), ..filter() }, &[7]).await;
        check(AuditFilter { target: some("%_of"), ..filter() }, &[]).await;
        check(AuditFilter { source: some("api"), from: Some(at(8)), ..filter() }, &[10, 9, 8])
            .await;
        check(AuditFilter { source: some("console"), ..filter() }, &[]).await;
        let outcome = |outcome| AuditFilter { outcome: Some(outcome), ..filter() };
        check(outcome(Outcome::Refused), &[9, 6, 3]).await;
        check(outcome(Outcome::Done), &[10, 8, 7, 5, 4, 2, 1]).await;
        check(outcome(Outcome::Failed), &[]).await;
        let both = AuditFilter { event: Some(Event::Refused), ..outcome(Outcome::Done) };
        check(both, &[]).await;
        let local = Some(PersonId::LOCAL_ADMINISTRATOR);
        check(AuditFilter { event: Some(Event::Refused), person: local, ..filter() }, &[9, 6, 3])
            .await;
        let id = Uuid::from_u128(5).to_string();
        check(AuditFilter { target: Some(id), ..filter() }, &[]).await;
        check(AuditFilter { from: Some(at(200_000)), ..filter() }, &[]).await;
        check(AuditFilter { to: Some(at(200_000)), from: Some(at(10)), ..filter() }, &[10]).await;
        check(AuditFilter { to: Some(at(3)), text: some("100% OF"), ..filter() }, &[2, 1]).await;

        let scope = audit_scope();
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let page = store.audit_found(&scope, &filter(), before, 4).await.unwrap();
            seen.extend(page.rows.iter().map(|row| row.link.sequence));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    })
    .await;
}

#[tokio::test]
async fn a_change_and_what_tells_of_it_are_written_together_or_not_at_all() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        let told = chain(2);
        store.on_record(&told[..1]).add_connector(&lab, None).await.unwrap();
        // The place in the chain is taken: nothing of the change stays.
        store.on_record(&told[..1]).set_paused(lab.id, true).await.unwrap_err();
        assert!(!store.connector(&scope(), &lab.name).await.unwrap().is_paused);
        store.on_record(&told[1..]).set_paused(lab.id, true).await.unwrap();
        assert!(store.connector(&scope(), &lab.name).await.unwrap().is_paused);
        // The name is taken: nothing of the entry stays.
        let again = Connector { id: connector("other").id, ..connector("lab") };
        store.on_record(&chain(3)[2..]).add_connector(&again, None).await.unwrap_err();
        assert_eq!(store.audit(&audit_scope(), 0, 100).await.unwrap(), told);
    })
    .await;
}

#[tokio::test]
async fn a_stream_remembers_how_far_it_got() {
    on_both(async |store: Store| {
        assert_eq!(store.audit_stream().await.unwrap(), None);
        let file = serde_json::json!({"file": "a.jsonl"});
        store.set_audit_stream(&file, 3, &chain(1)).await.unwrap();
        store.audit_stream_troubled("full", at(1)).await.unwrap();
        store.audit_stream_troubled("still full", at(2)).await.unwrap();
        let stream = store.audit_stream().await.unwrap().unwrap();
        assert_eq!((stream.position, stream.troubled_since), (3, Some(at(1))));
        assert_eq!(stream.trouble.as_deref(), Some("still full"));
        store.audit_streamed(&file, 7, at(3)).await.unwrap();
        store.audit_streamed(&file, 5, at(4)).await.unwrap();
        // To whom it led before.
        store.audit_streamed(&serde_json::json!({}), 9, at(4)).await.unwrap();
        store.set_audit_stream(&serde_json::json!({}), 0, &[]).await.unwrap();
        let stream = store.audit_stream().await.unwrap().unwrap();
        assert_eq!((stream.position, stream.last_sent, stream.trouble), (7, Some(at(3)), None));
        store.remove_audit_stream(&[]).await.unwrap();
        assert_eq!(store.audit_stream().await.unwrap(), None);
    })
    .await;
}
