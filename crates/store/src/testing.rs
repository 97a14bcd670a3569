//! Databases for tests: a SQLite file in a temporary folder, and a throw-away PostgreSQL cluster
//! where its programs are installed.

use tempfile::TempDir;

use crate::{Store, Target, throw_away::Postgres};

pub(crate) async fn sqlite() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let target = Target::Sqlite(folder.path().join("gatepost.db"));
    let store = Store::open(target).await.unwrap();
    (folder, store)
}

/// Runs a story on both databases, each with nothing in it.
pub(crate) async fn on_both<F: Future<Output = ()>>(story: impl Fn(Store) -> F) {
    let (_folder, store) = sqlite().await;
    story(store.clone()).await;
    store.close().await;
    let Some(cluster) = Postgres::start().unwrap() else { return };
    let store = Store::open(cluster.target()).await.unwrap();
    story(store.clone()).await;
    store.close().await;
}
