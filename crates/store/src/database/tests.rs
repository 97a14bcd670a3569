//! The tidy test: every statement is prepared on both databases.

use super::migration::MIGRATIONS;
use super::*;
use crate::sql;
use crate::testing::{Postgres as Cluster, sqlite};

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
        sqlite.prepare(&bulk.row).await.unwrap();
    }
}

#[tokio::test]
async fn postgres_knows_every_statement() {
    let Some(cluster) = Cluster::start() else { return };
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
fn migrations_are_numbered_from_one_without_gaps() {
    for (expected, migration) in (1..).zip(MIGRATIONS) {
        assert_eq!(migration.number, expected);
    }
}
