//! What `gatepost login` keeps: a server and a token, in a private file of the user's.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::PathBuf,
};

use anyhow::Context as _;
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// A server and the token for it.
pub(crate) struct StoredLogin {
    pub(crate) server: Url,
    pub(crate) token: String,
}

/// The same in the file.
#[derive(Serialize, Deserialize)]
struct Kept {
    server: String,
    token: String,
}

/// Longer than any address with a token.
const MAX_BYTES: u64 = 16 * 1024;

impl StoredLogin {
    /// What was kept, if anything was.
    pub(crate) fn read() -> anyhow::Result<Option<Self>> {
        let Ok(path) = file() else { return Ok(None) };
        let mut text = String::new();
        match fs::File::open(&path) {
            Ok(open) => open.take(MAX_BYTES).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let kept = serde_json::from_str(&text).map_err(anyhow::Error::from);
        let kept = kept
            .and_then(|Kept { server, token }| Ok(Self { server: Url::parse(&server)?, token }));
        kept.map(Some).with_context(|| {
            format!("{} holds no login; delete it and sign in again", path.display())
        })
    }

    /// Keeps it in place of what was kept before; where.
    pub(crate) fn keep(&self) -> anyhow::Result<PathBuf> {
        let path = file()?;
        let kept = Kept { server: self.server.to_string(), token: self.token.clone() };
        let text = serde_json::to_string(&kept)?;
        let write = || {
            if let Some(directory) = path.parent() {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            }
            let fresh = path.with_extension("new");
            // One that somebody else left there must not decide who reads it.
            match fs::remove_file(&fresh) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(fresh, &path)
        };
        write().with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// Forgets what was kept.
    pub(crate) fn forget() -> anyhow::Result<()> {
        let path = file()?;
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))
    }
}

/// Where it is kept: in the state directory of the XDG base directory specification.
fn file() -> anyhow::Result<PathBuf> {
    let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = named("XDG_STATE_HOME").or_else(|| Some(named("HOME")?.join(".local/state")));
    let state = state.context("no place to keep a login: set HOME or XDG_STATE_HOME")?;
    Ok(state.join("gatepost").join("login.json"))
}
