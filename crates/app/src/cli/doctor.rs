//! `gatepost doctor`: what is wrong with a server on this machine.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use api::{ConnectorList, DataKey, Status};
use comfy_table::{Cell, Color};
use engine::KeyFit;
use serde::de::DeserializeOwned;

use super::{Exit, key};
use crate::{
    client::{Client, ServerArguments},
    config::{BootArguments, Config, LogArguments},
    data_directory::DataDirectory,
    key_source::{self, Surroundings},
    output::{is_coloured, plain_table, stdout, visible, write_table},
    serve,
};

#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    boot: BootArguments,
    /// Address the server is to listen on [default: 127.0.0.1:8025]
    #[arg(long, value_name = "HOST:PORT", env = "GATEPOST_LISTEN", hide_env_values = true)]
    listen: Option<SocketAddr>,
}

/// What was looked at, and what was found.
struct Finding {
    what: &'static str,
    verdict: Verdict,
    detail: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    Note,
    Wrong,
}

pub(crate) async fn run(arguments: DoctorArguments) -> anyhow::Result<Exit> {
    let config = Config::load(&arguments.boot, arguments.listen, &LogArguments::default())?;
    let directory = DataDirectory::at(&config.data);
    let is_running = directory.is_taken();
    let mut findings = vec![data(directory.path())];
    if findings.iter().all(|finding| finding.verdict == Verdict::Fine) {
        findings.push(if is_running {
            key_in_use(&directory).await
        } else {
            key_at_hand(&config, &directory).await
        });
        findings.push(private_file("token", &directory.token_file()));
        findings.push(database(&config, &directory));
    }
    findings.push(if is_running { server(&directory).await } else { port(config.listen) });
    if is_running {
        findings.extend(certificates(&directory).await);
    }
    print(&findings)?;
    let is_wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    Ok(if is_wrong { Exit::Failed } else { Exit::Done })
}

fn data(path: &Path) -> Finding {
    let (verdict, detail) = match fs::metadata(path) {
        Ok(found) if !found.is_dir() => {
            (Verdict::Wrong, format!("{} is no directory", path.display()))
        }
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            (Verdict::Wrong, format!("others may look into {0}; chmod 700 {0}", path.display()))
        }
        Ok(_) => (Verdict::Fine, path.display().to_string()),
        Err(error) => (
            Verdict::Note,
            format!("{}: {error}; the first gatepost serve makes it", path.display()),
        ),
    };
    Finding { what: "data directory", verdict, detail }
}

fn private_file(what: &'static str, path: &Path) -> Finding {
    let shown = path.display();
    let (verdict, detail) = match fs::read(path) {
        Ok(_) if fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0) => {
            (Verdict::Wrong, format!("others may read {shown}; chmod 600 {shown}"))
        }
        Ok(_) => (Verdict::Fine, shown.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            (Verdict::Note, format!("{shown} is not there; the first gatepost serve makes it"))
        }
        Err(error) => (Verdict::Wrong, format!("{shown}: {error}")),
    };
    Finding { what, verdict, detail }
}

/// Where the data key comes from, and whether it opens what the database holds.
async fn key_at_hand(config: &Config, directory: &DataDirectory) -> Finding {
    let around = Surroundings::of_this_process();
    let (verdict, detail) = match key_source::keys_there(config, directory, &around) {
        Err(error) => (Verdict::Wrong, format!("{error:#}")),
        Ok(None) => {
            let shown = directory.key_file();
            let shown = shown.display();
            (Verdict::Note, format!("{shown} is not there; the first gatepost serve makes it"))
        }
        Ok(Some(keys)) => {
            let from = format!("{} from {}", keys.current.id(), keys.origin);
            match keys.fit(serve::target(config, directory)).await {
                Ok(KeyFit::Fits) => {
                    (Verdict::Fine, format!("{from} opens the secrets in the database"))
                }
                Ok(KeyFit::FitsWithPrevious) => (
                    Verdict::Note,
                    format!("{from}; the next gatepost serve seals the secrets with it"),
                ),
                Ok(KeyFit::Other(key)) => (
                    Verdict::Wrong,
                    format!(
                        "{from}, but the secrets are sealed with {key}: give the server that key"
                    ),
                ),
                Ok(KeyFit::Damaged) => (
                    Verdict::Wrong,
                    format!("{from} does not open the database; restore that from a backup"),
                ),
                Ok(KeyFit::Unknown) | Err(_) => {
                    (Verdict::Note, format!("{from}; no server has used it on this database yet"))
                }
            }
        }
    };
    Finding { what: "data key", verdict, detail }
}

/// The same of a server that runs: it alone knows what it was started with.
async fn key_in_use(directory: &DataDirectory) -> Finding {
    let (verdict, detail) = match ask::<DataKey>(directory, "data-key").await {
        Err(error) => (Verdict::Wrong, error),
        Ok(key) => {
            let verdict = match (key.unreadable, key.behind) {
                (0, 0) => Verdict::Fine,
                (0, _) => Verdict::Note,
                _ => Verdict::Wrong,
            };
            (verdict, key::in_words(&key))
        }
    };
    Finding { what: "data key", verdict, detail }
}

/// Looks, and does not open: opening would bring the database to this version's form.
fn database(config: &Config, directory: &DataDirectory) -> Finding {
    /// The first bytes of every SQLite file.
    const SQLITE: &[u8] = b"SQLite format 3\0";
    let path = directory.database();
    let shown = path.display();
    let mut first = [0; SQLITE.len()];
    let (verdict, detail) = if config.database.is_some() {
        (Verdict::Note, "PostgreSQL; gatepost migrate says whether it can be reached".to_owned())
    } else {
        match fs::File::open(&path)
            .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut first))
        {
            Ok(()) if first == SQLITE => (Verdict::Fine, shown.to_string()),
            Ok(()) => (Verdict::Wrong, format!("{shown} is no SQLite database; restore a backup")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                (Verdict::Note, format!("{shown} is not there; the first gatepost serve makes it"))
            }
            Err(error) => (Verdict::Wrong, format!("{shown}: {error}")),
        }
    };
    Finding { what: "database", verdict, detail }
}

async fn server(directory: &DataDirectory) -> Finding {
    let (verdict, detail) = match ask::<Status>(directory, "status").await {
        Ok(status) => {
            let troubled = status.connectors.iter().filter(|one| one.trouble.is_some()).count();
            let verdict = if troubled == 0 { Verdict::Fine } else { Verdict::Note };
            (
                verdict,
                format!(
                    "running, version {}; connectors: {}, in trouble: {troubled}",
                    status.version,
                    status.connectors.len()
                ),
            )
        }
        Err(error) => (Verdict::Wrong, error),
    };
    Finding { what: "server", verdict, detail }
}

/// Certificates of hosted organizations that expire soon or have expired. A server that does not
/// answer was told of above.
async fn certificates(directory: &DataDirectory) -> Vec<Finding> {
    let Ok(list) = ask::<ConnectorList>(directory, "connectors").await else { return Vec::new() };
    let certificates = list.connectors.into_iter().filter_map(|connector| {
        let trouble = connector.hosted?.certificate?.trouble?;
        Some(Finding {
            what: "certificate",
            verdict: Verdict::Note,
            detail: visible(&format!("connector {}: {trouble}", connector.name)),
        })
    });
    certificates.collect()
}

/// Asks the server of a directory; an error is put into words.
async fn ask<T: DeserializeOwned>(directory: &DataDirectory, path: &str) -> Result<T, String> {
    let arguments =
        ServerArguments { server: None, token_file: None, data: Some(directory.path().to_owned()) };
    let asked = match Client::connect(&arguments) {
        Ok(client) => client.get(path, &[]).await,
        Err(error) => Err(error),
    };
    asked.map_err(|error| visible(&format!("{error:#}")))
}

fn port(listen: SocketAddr) -> Finding {
    let (verdict, detail) = match TcpListener::bind(listen) {
        Ok(_) => (Verdict::Fine, format!("not running; {listen} is free")),
        Err(error) => (
            Verdict::Wrong,
            format!(
                "not running, and {listen} cannot be had: {error}; choose another with --listen"
            ),
        ),
    };
    Finding { what: "server", verdict, detail }
}

fn print(findings: &[Finding]) -> anyhow::Result<()> {
    let mut table = plain_table(is_coloured());
    for finding in findings {
        let (word, colour) = match finding.verdict {
            Verdict::Fine => ("fine", Color::Green),
            Verdict::Note => ("note", Color::Yellow),
            Verdict::Wrong => ("wrong", Color::Red),
        };
        table.add_row([
            Cell::new(word).fg(colour),
            Cell::new(finding.what),
            Cell::new(&finding.detail),
        ]);
    }
    write_table(&mut stdout(), &table)
}
