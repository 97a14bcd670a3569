//! A throw-away PostgreSQL cluster for tests, where its programs are installed.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Once,
};

use tempfile::TempDir;

use crate::Target;

/// A PostgreSQL cluster on a socket in a temporary folder; gone when dropped.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    server: Child,
}

impl Postgres {
    /// Starts one; `None`, with a word about it, where PostgreSQL is not installed.
    ///
    /// # Errors
    /// Its programs are there and fail.
    pub fn start() -> io::Result<Option<Self>> {
        let Some(programs) = programs() else {
            static SAID: Once = Once::new();
            // Written past the harness, which keeps to itself what a passing test prints. Where it
            // cannot be said, it is left out all the same.
            SAID.call_once(|| {
                let told = "\nPostgreSQL is not installed: what it would show is left out\n";
                drop(io::stderr().write_all(told.as_bytes()));
            });
            return Ok(None);
        };
        let folder = TempDir::new()?;
        let data = folder.path().join("data");
        let is_root = Command::new("id").arg("-u").output()?.stdout == b"0\n";
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
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status()?;
            must(owned.success(), "the folder was not given to postgres")?;
        }
        let made = run("initdb")
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "-D"])
            .arg(&data)
            .current_dir("/")
            .stdout(Stdio::null())
            .status()?;
        must(made.success(), "initdb failed")?;
        let server = run("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"])
            .current_dir("/")
            .stderr(Stdio::null())
            .spawn()?;
        let mut cluster = Self { folder, server };
        while !run("pg_isready")
            .arg("-h")
            .arg(cluster.folder.path())
            .args(["-q", "-t", "30"])
            .current_dir("/")
            .status()?
            .success()
        {
            let ended = cluster.server.try_wait()?;
            must(ended.is_none(), "PostgreSQL ended before it was ready")?;
            std::thread::yield_now();
        }
        Ok(Some(cluster))
    }

    /// How a store is opened on it.
    #[must_use]
    pub fn target(&self) -> Target {
        let folder = self.folder.path().display();
        Target::Postgres(format!("host={folder} user=postgres dbname=postgres"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The first line of this file is the server's own process, below `runuser`.
        let pid = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid"));
        let pid = pid.unwrap_or_default();
        let told = pid.lines().next().map(|pid| Command::new("kill").args(["-INT", pid]).status());
        // One that could not be told to end is not waited for.
        if told.is_some_and(|told| told.is_ok_and(|told| told.success())) {
            drop(self.server.wait());
        }
    }
}

fn must(is_so: bool, otherwise: &str) -> io::Result<()> {
    if is_so { Ok(()) } else { Err(io::Error::other(otherwise)) }
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
