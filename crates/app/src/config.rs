//! What a server needs to know to boot: the file, overlaid by the environment, overlaid by the
//! command line. Everything else lives in the database.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// The arguments of every verb that opens a server's data itself. clap reads the environment.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct BootArguments {
    /// Directory that holds everything: database, keys, tokens, logs
    #[arg(long, value_name = "DIR", env = "GATEPOST_DATA", hide_env_values = true)]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file (TOML: data, listen, database, key_file, previous_key_file, [log])
    #[arg(long, value_name = "FILE", env = "GATEPOST_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// PostgreSQL to use in place of the embedded database: postgres://user@host/name
    #[arg(long, value_name = "URL", env = "GATEPOST_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<DatabaseAddress>,
    /// File with the key that secrets are sealed with, in place of GATEPOST_KEY, the systemd
    /// credential gatepost.key, or secret.key in the data directory
    #[arg(long, value_name = "FILE", env = "GATEPOST_KEY_FILE", hide_env_values = true)]
    pub(crate) key_file: Option<PathBuf>,
    /// File with the key before it, while the server goes over to a new one
    #[arg(long, value_name = "FILE", env = "GATEPOST_PREVIOUS_KEY_FILE", hide_env_values = true)]
    pub(crate) previous_key_file: Option<PathBuf>,
}

/// Where a PostgreSQL database is. It may hold a password, so it prints as nothing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct DatabaseAddress(String);

impl DatabaseAddress {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for DatabaseAddress {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseAddress")
    }
}

/// How the log is written.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct LogArguments {
    /// Form of the log on standard error
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "GATEPOST_LOG_FORMAT",
        hide_env_values = true
    )]
    pub(crate) log_format: Option<LogFormat>,
    /// What to log: error, warn, info, debug, or a filter such as info,engine=debug
    #[arg(long, value_name = "FILTER", env = "GATEPOST_LOG", hide_env_values = true)]
    pub(crate) log: Option<String>,
}

/// Form of the log on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object in each line.
    Json,
}

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    database: Option<DatabaseAddress>,
    key_file: Option<PathBuf>,
    previous_key_file: Option<PathBuf>,
    #[serde(default)]
    log: LogSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogSection {
    format: Option<LogFormat>,
    filter: Option<String>,
}

/// What a server boots with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    /// PostgreSQL's address; `None` for the embedded database.
    pub(crate) database: Option<DatabaseAddress>,
    /// File with the data key; `None` for the other places it may come from.
    pub(crate) key_file: Option<PathBuf>,
    /// File with the data key before it.
    pub(crate) previous_key_file: Option<PathBuf>,
    pub(crate) log: LogConfig,
}

/// How the log is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogConfig {
    pub(crate) format: LogFormat,
    pub(crate) filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

impl Config {
    /// Where a server listens that nobody told otherwise: this machine alone.
    pub(crate) const DEFAULT_LISTEN: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8025);

    /// Puts file and arguments together.
    pub(crate) fn load(
        boot: &BootArguments,
        listen: Option<SocketAddr>,
        log: &LogArguments,
    ) -> anyhow::Result<Self> {
        let file = boot.config.as_deref().map_or_else(|| Ok(File::default()), read)?;
        let Some(data) = boot.data.clone().or(file.data) else {
            bail!(
                "where is the data? Give --data DIR, set GATEPOST_DATA, or write data into the configuration file"
            );
        };
        let default = LogConfig::default();
        Ok(Self {
            data,
            listen: listen.or(file.listen).unwrap_or(Self::DEFAULT_LISTEN),
            database: boot.database.clone().or(file.database),
            key_file: boot.key_file.clone().or(file.key_file),
            previous_key_file: boot.previous_key_file.clone().or(file.previous_key_file),
            log: LogConfig {
                format: log.log_format.or(file.log.format).unwrap_or(default.format),
                filter: log.log.clone().or(file.log.filter).unwrap_or(default.filter),
            },
        })
    }
}

fn read(path: &Path) -> anyhow::Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("reading the configuration {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("understanding {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, BootArguments) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gatepost.toml");
        std::fs::write(&path, text).unwrap();
        let boot = BootArguments { config: Some(path), ..BootArguments::default() };
        (dir, boot)
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let (_dir, mut boot) =
            written("data = '/var/lib/gatepost'\nlisten = '0.0.0.0:80'\n[log]\nformat = 'json'\n");
        let config = Config::load(&boot, None, &LogArguments::default()).unwrap();
        assert_eq!(config.data, Path::new("/var/lib/gatepost"));
        assert_eq!(config.listen.to_string(), "0.0.0.0:80");
        assert_eq!(config.log.format, LogFormat::Json);

        boot.data = Some("/srv/other".into());
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = Config::load(&boot, Some(listen), &LogArguments::default()).unwrap();
        assert_eq!(config.data, Path::new("/srv/other"));
        assert_eq!(config.listen, listen);
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        let (_dir, boot) = written("data = '/x'\nlissen = '0.0.0.0:80'\n");
        let Err(error) = Config::load(&boot, None, &LogArguments::default()) else {
            panic!("lissen was accepted");
        };
        let error = format!("{error:#}");
        assert!(error.contains("unknown field `lissen`, expected one of"), "{error}");
    }

    #[test]
    fn a_server_without_data_says_what_to_give() {
        let boot = BootArguments::default();
        let Err(error) = Config::load(&boot, None, &LogArguments::default()) else {
            panic!("no directory was needed");
        };
        assert!(error.to_string().contains("--data DIR"), "{error}");
    }
}
