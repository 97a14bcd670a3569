//! What is sealed, and its being sealed anew.

use std::collections::BTreeSet;

use super::connector;
use crate::testing::{on_both, sqlite};
use crate::throw_away::Postgres;
use crate::value::Value;
use crate::{SEALED, SHORT_LIVED, SealedColumn, SealedRow, Store, Target};

/// Whoever adds a table with sealed bytes must say how they are sealed anew: otherwise nobody could
/// read them after the key was changed.
#[tokio::test]
async fn every_sealed_column_is_sealed_anew_when_the_key_changes() {
    let (_folder, store) = sqlite().await;
    let columns = "SELECT t.name FROM sqlite_master t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND c.name LIKE '%sealed%'";
    let found = store.database.query(columns, vec![], |row| row.text("name")).await.unwrap();
    let listed = SEALED.iter().map(|column| column.table).chain(SHORT_LIVED).map(str::to_owned);
    assert_eq!(BTreeSet::from_iter(found), listed.collect::<BTreeSet<_>>());
}

/// One row for each column there is, all of which have an id of their own.
async fn with_one_row_each(store: &Store) {
    let lab = connector("lab");
    store.add_connector(&lab, Some(b"before")).await.unwrap();
    let others = [
        "INSERT INTO channel (id, name, settings, sealed, enabled, created)
            VALUES ('a', 'mail', '{}', ?1, ?2, 0)",
        "INSERT INTO identity_provider (id, name, title, kind, document, sealed, enabled, created)
            VALUES ('a', 'ad', 'AD', 'ldap', '{}', ?1, ?2, 0)",
        "INSERT INTO totp (person, sealed, confirmed, last_step) VALUES ('a', ?1, ?2, 0)",
    ];
    for statement in others {
        let values = vec![Value::Bytes(b"before".to_vec()), Value::Flag(true)];
        store.database.write(vec![(statement, values)]).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_sealed_is_gone_through_and_replaced_unless_it_was_written_meanwhile() {
    on_both(async |store: Store| {
        with_one_row_each(&store).await;
        for column in &SEALED {
            let sealed = async |after| store.sealed(column, after, 10).await.unwrap();
            let found = sealed("").await;
            let [row] = found.as_slice() else { panic!("{column:?}: {found:?}") };
            assert_eq!(row.sealed, b"before");
            assert_eq!(sealed(&row.id).await, []);
            store.reseal(column, vec![(row.clone(), b"after".to_vec())]).await.unwrap();
            assert_eq!(sealed("").await[0].sealed, b"after");
            // Somebody was quicker: what is there is not what is to be replaced.
            store.reseal(column, vec![(row.clone(), b"late".to_vec())]).await.unwrap();
            assert_eq!(sealed("").await, [SealedRow { sealed: b"after".to_vec(), ..row.clone() }]);
        }
    })
    .await;
}

#[test]
fn sealed_bytes_are_bound_to_their_row() {
    let rows: BTreeSet<_> = SEALED.iter().map(|column: &SealedColumn| column.row("1")).collect();
    assert_eq!(rows.len(), SEALED.len());
    assert!(rows.contains("connector/1/secret"));
}

#[tokio::test]
async fn a_value_is_looked_up_beside_a_server_and_nothing_is_made() {
    let (folder, store) = sqlite().await;
    store.set_meta("colour", "green").await.unwrap();
    let file = folder.path().join("gatepost.db");
    let found = Store::look_up_meta(Target::Sqlite(file), "colour").await.unwrap();
    assert_eq!(found.as_deref(), Some("green"));
    let none = folder.path().join("none.db");
    assert!(Store::look_up_meta(Target::Sqlite(none.clone()), "colour").await.is_err());
    assert!(!none.exists());
    let Some(cluster) = Postgres::start().unwrap() else { return };
    assert!(Store::look_up_meta(cluster.target(), "colour").await.is_err());
    let store = Store::open(cluster.target()).await.unwrap();
    store.set_meta("colour", "red").await.unwrap();
    let found = Store::look_up_meta(cluster.target(), "colour").await.unwrap();
    assert_eq!(found.as_deref(), Some("red"));
    store.close().await;
}
