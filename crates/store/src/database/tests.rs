//! The tidy test: every statement is prepared on both databases.

use super::migration::MIGRATIONS;
use super::*;
use crate::sql;
use crate::testing::sqlite;
use crate::throw_away::Postgres as Cluster;

fn statements() -> Vec<(String, String)> {
    let constants = sql::ALL.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let device = ("DEVICE".to_owned(), sql::device());
    constants.chain([device]).collect()
}

const BULKS: [&std::sync::LazyLock<Bulk>; 4] =
    [&sql::WRITE_DEVICES, &sql::WRITE_STATISTICS, &sql::MARK_GONE, &sql::WRITE_MAILBOXES];

#[tokio::test]
async fn sqlite_knows_every_statement() {
    let (_folder, store) = sqlite().await;
    let Database::Sqlite(sqlite) = &*store.database else { panic!("not SQLite") };
    for (name, text) in statements() {
        sqlite.prepare(&text).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for bulk in BULKS {
        for row in &bulk.row {
            sqlite.prepare(row).await.unwrap();
        }
    }
}

#[tokio::test]
async fn postgres_knows_every_statement() {
    let Some(cluster) = Cluster::start().unwrap() else { return };
    let store = crate::Store::open(cluster.target()).await.unwrap();
    let Database::Postgres(postgres) = &*store.database else { panic!("not PostgreSQL") };
    for (name, text) in statements() {
        postgres.prepare(&text).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for bulk in BULKS {
        postgres.prepare_bulk(bulk).await.unwrap();
    }
    store.close().await;
}

#[test]
fn migrations_stand_in_the_order_of_their_numbers() {
    assert!(MIGRATIONS.is_sorted_by(|one, next| one.number < next.number));
}

/// The index of words is renewed when one of the columns it is made of changes: the trigger must
/// name each of them.
#[tokio::test]
async fn the_trigger_of_the_words_names_every_column_of_the_words() {
    let (_folder, store) = sqlite().await;
    store.database.prepare_search(-1).await.unwrap();
    let texts = "SELECT sql FROM sqlite_master WHERE name IN ('device_words', 'device_changed') \
                 ORDER BY name DESC";
    let texts = store.database.query(texts, vec![], |row| row.text("sql")).await.unwrap();
    let [view, trigger] = texts.as_slice() else { panic!("{texts:?}") };
    let columns = "SELECT name FROM pragma_table_info('device')";
    let columns = store.database.query(columns, vec![], |row| row.text("name")).await.unwrap();
    let words: Vec<_> = view.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for column in columns.iter().filter(|column| words.contains(&column.as_str())) {
        let is_fixed = ["sequence", "connector"].contains(&column.as_str());
        let is_named = trigger.contains(&format!("old.{column} IS NOT new.{column}"));
        assert!(is_fixed || is_named, "{column}");
    }
}

/// Whom rules would hit in a million devices is to be known in two seconds: nothing may be sorted.
#[tokio::test]
async fn devices_that_are_alike_are_read_from_their_index_alone() {
    let (folder, store) = sqlite().await;
    store.database.prepare_search(-1).await.unwrap();
    store.close().await;
    // A connection from before would explain by the indexes that it knew then.
    let target = Target::Sqlite(folder.path().join("gatepost.db"));
    let store = crate::Store::open(target).await.unwrap();
    let plan = format!("EXPLAIN QUERY PLAN {}", sql::DEVICE_GROUPS);
    let connector = vec![Value::id(domain::ConnectorId(uuid::Uuid::nil()))];
    let steps = store.database.query(&plan, connector, |row| {
        let _numbers = (row.integer("id")?, row.integer("parent")?, row.integer("notused")?);
        row.text("detail")
    });
    let steps = steps.await.unwrap();
    assert!(steps.iter().any(|step| step.contains("COVERING INDEX device_alike")), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("FOR GROUP BY")), "{steps:?}");
}
