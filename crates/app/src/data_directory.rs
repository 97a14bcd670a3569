//! The data directory: what lies in it, who may read it, and that one server has it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use rand::Rng as _;
use reqwest::Url;

/// Length of the audit's key, in bytes: Ed25519's.
const KEY_BYTES: usize = 32;

/// The paths of a data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDirectory(PathBuf);

impl DataDirectory {
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The embedded database.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("gatepost.db")
    }

    /// The token of the local administrator.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.0.join("local-admin.token")
    }

    /// The key that secrets are sealed with, if it does not come from elsewhere.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.0.join("secret.key")
    }

    /// The key that the audit is signed with.
    pub(crate) fn audit_key_file(&self) -> PathBuf {
        self.0.join("audit.key")
    }

    /// Closed parts of the audit, and the file it is streamed to.
    pub(crate) fn audit(&self) -> PathBuf {
        self.0.join("audit")
    }

    /// The log with the phrases administrators know.
    pub(crate) fn component_log(&self) -> PathBuf {
        self.0.join("component.log")
    }

    fn url_file(&self) -> PathBuf {
        self.0.join("server.url")
    }

    fn lock_file(&self) -> PathBuf {
        self.0.join("server.lock")
    }

    /// Where the server of this directory listens.
    pub(crate) fn server_url(&self) -> anyhow::Result<Url> {
        let text = fs::read_to_string(self.url_file()).with_context(|| {
            let dir = self.0.display();
            format!("no server runs on {dir}; start one with gatepost serve --data {dir}")
        })?;
        Url::parse(text.trim())
            .with_context(|| format!("{} holds no address", self.url_file().display()))
    }

    /// Makes the directory (mode 0700) and takes it for this process alone.
    pub(crate) fn take(self) -> anyhow::Result<TakenDirectory> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .with_context(|| format!("making the data directory {}", self.0.display()))?;
        let path = self.lock_file();
        let lock = private_options()
            .truncate(false)
            .create(true)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(TakenDirectory { directory: self, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("another server already runs on {}; stop it first", self.0.display())
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking {}", path.display()))
            }
        }
    }

    /// Whether a server has the directory now.
    pub(crate) fn is_taken(&self) -> bool {
        File::open(self.lock_file())
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// A data directory that this process alone has, until the value is dropped.
#[derive(Debug)]
pub(crate) struct TakenDirectory {
    directory: DataDirectory,
    _lock: File,
}

impl TakenDirectory {
    pub(crate) fn paths(&self) -> &DataDirectory {
        &self.directory
    }

    /// The local administrator's token; made at the first start and kept since.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        let path = self.directory.token_file();
        let bytes = kept(&path, || {
            let mut chance = [0_u8; 32];
            rand::rng().fill_bytes(&mut chance);
            format!("gp_{}\n", hexadecimal(&chance)).into_bytes()
        })?;
        let text = String::from_utf8(bytes).ok().map(|text| text.trim().to_owned());
        text.filter(|token| token.len() >= 32).with_context(|| {
            format!("{} holds no token; delete it to get a new one", path.display())
        })
    }

    /// The key that the audit is signed with; made at the first start and kept since.
    pub(crate) fn audit_key(&self) -> anyhow::Result<[u8; KEY_BYTES]> {
        let path = self.directory.audit_key_file();
        let bytes = kept(&path, || {
            let mut key = vec![0_u8; KEY_BYTES];
            rand::rng().fill_bytes(&mut key);
            key
        })?;
        bytes.try_into().ok().with_context(|| {
            format!("{} is not a key of {KEY_BYTES} bytes; restore it from a backup, for whoever verifies the audit knows its public half", path.display())
        })
    }

    /// Tells clients on this machine where the server listens.
    pub(crate) fn announce(&self, url: &str) -> anyhow::Result<()> {
        let path = self.directory.url_file();
        replace(&path, url.as_bytes()).with_context(|| format!("writing {}", path.display()))
    }
}

impl Drop for TakenDirectory {
    fn drop(&mut self) {
        // Only a courtesy to clients: without the file they say that no server runs here.
        drop(fs::remove_file(self.directory.url_file()));
    }
}

/// The content of a private file, made if it is missing.
fn kept(path: &Path, make: impl FnOnce() -> Vec<u8>) -> anyhow::Result<Vec<u8>> {
    /// Longer than any of our private files.
    const MAX_BYTES: u64 = 4096;
    let mut content = Vec::new();
    match File::open(path) {
        Ok(file) => {
            let mode = file.metadata()?.permissions().mode();
            if mode & 0o077 != 0 {
                tracing::warn!(path = %path.display(), "others could read this file; access was taken away");
                fs::set_permissions(path, Permissions::from_mode(0o600))?;
            }
            file.take(MAX_BYTES).read_to_end(&mut content)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            content = make();
            replace(path, &content).with_context(|| format!("writing {}", path.display()))?;
        }
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    }
    Ok(content)
}

/// Writes a private file whole or not at all.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = private_options().truncate(true).create(true).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(fresh, path)
}

fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_kept_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = DataDirectory::at(&path).take().unwrap();
        let (token, key) = (first.token().unwrap(), first.audit_key().unwrap());
        drop(first);
        let second = DataDirectory::at(&path).take().unwrap();
        assert_eq!((second.token().unwrap(), second.audit_key().unwrap()), (token, key));
        for file in [second.paths().token_file(), second.paths().audit_key_file()] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn two_servers_cannot_have_one_directory() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDirectory::at(dir.path()).take().unwrap();
        assert!(first.paths().is_taken());
        let error = DataDirectory::at(dir.path()).take().unwrap_err().to_string();
        assert!(error.contains("another server already runs"), "{error}");
        drop(first);
        assert!(!DataDirectory::at(dir.path()).is_taken());
    }

    #[test]
    fn clients_find_the_server_while_it_runs() {
        let dir = tempfile::tempdir().unwrap();
        let taken = DataDirectory::at(dir.path()).take().unwrap();
        taken.announce("http://127.0.0.1:8025/").unwrap();
        assert_eq!(taken.paths().server_url().unwrap().as_str(), "http://127.0.0.1:8025/");
        drop(taken);
        assert!(DataDirectory::at(dir.path()).server_url().is_err());
    }
}
