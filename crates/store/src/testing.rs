//! Databases for tests: a SQLite file in a temporary folder, and a throw-away PostgreSQL cluster
//! where its programs are installed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use tempfile::TempDir;

use crate::{Store, Target};

pub(crate) async fn sqlite() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let target = Target::Sqlite(folder.path().join("gatepost.db"));
    let store = Store::open(target).await.unwrap();
    (folder, store)
}

/// A PostgreSQL cluster on a socket in a temporary folder; gone when dropped.
pub(crate) struct Postgres {
    folder: TempDir,
    server: Child,
}

impl Postgres {
    /// Starts one; `None`, with a word about it, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            static SAID: Once = Once::new();
            // Written past the harness, which keeps to itself what a passing test prints.
            SAID.call_once(|| {
                let told = "\nPostgreSQL is not installed: what it would show is left out\n";
                std::io::stderr().write_all(told.as_bytes()).unwrap();
            });
            return None;
        };
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let run = |program: &str| {
            let path = programs.join(program);
            if !is_root {
                return Command::new(path);
            }
            // The server refuses to run as root.
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        };
        if is_root {
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(owned.unwrap().success());
        }
        let made = run("initdb")
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "-D"])
            .arg(&data)
            .current_dir("/")
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let server = run("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"])
            .current_dir("/")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut cluster = Self { folder, server };
        while !run("pg_isready")
            .arg("-h")
            .arg(cluster.folder.path())
            .args(["-q", "-t", "30"])
            .current_dir("/")
            .status()
            .unwrap()
            .success()
        {
            let ended = cluster.server.try_wait().unwrap();
            assert_eq!(ended, None, "PostgreSQL ended before it was ready");
            std::thread::yield_now();
        }
        Some(cluster)
    }

    pub(crate) fn target(&self) -> Target {
        let folder = self.folder.path().display();
        Target::Postgres(format!("host={folder} user=postgres dbname=postgres"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The first line of this file is the server's own process, below `runuser`.
        let pid = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid"));
        if let Some(pid) = pid.unwrap_or_default().lines().next() {
            let ended = Command::new("kill").args(["-INT", pid]).status();
            assert!(ended.unwrap().success());
        }
        self.server.wait().unwrap();
    }
}

fn programs() -> Option<PathBuf> {
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|programs| Path::exists(&programs.join("initdb")))
        .collect();
    versions.sort();
    versions.pop()
}

/// Runs a story on both databases, each with nothing in it.
pub(crate) async fn on_both<F: Future<Output = ()>>(story: impl Fn(Store) -> F) {
    let (_folder, store) = sqlite().await;
    story(store.clone()).await;
    store.close().await;
    let Some(cluster) = Postgres::start() else { return };
    let store = Store::open(cluster.target()).await.unwrap();
    story(store.clone()).await;
    store.close().await;
}
