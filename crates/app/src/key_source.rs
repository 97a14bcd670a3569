//! Where the data key comes from, in this order: a file that the configuration names, the
//! environment, a credential of systemd, a file in the data directory.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use engine::{DataKey, DataKeys, KeyMaker};

use crate::{
    config::Config,
    data_directory::{DataDirectory, replace},
};

/// Variables with the key, and with the one before it.
pub(crate) const KEY_VARIABLES: [&str; 2] = ["GATEPOST_KEY", "GATEPOST_PREVIOUS_KEY"];
/// Credentials of systemd with the same.
const CREDENTIALS: [&str; 2] = ["gatepost.key", "gatepost.previous.key"];
/// Longer than any form of a key.
const MAX_BYTES: u64 = 1024;

/// What the process finds around it. Read once, so that tests can say what is there.
#[derive(Default)]
pub(crate) struct Surroundings {
    keys: [Option<OsString>; 2],
    credentials: Option<PathBuf>,
}

impl Surroundings {
    pub(crate) fn of_this_process() -> Self {
        Self {
            keys: KEY_VARIABLES.map(env::var_os),
            credentials: env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        }
    }
}

/// Where the key is.
enum Place {
    /// A file that is there, or else an error.
    Given(PathBuf),
    Environment(OsString),
    Credential(PathBuf),
    /// A file that is made if it is missing.
    Own(PathBuf),
}

impl Place {
    fn of(config: &Config, directory: &DataDirectory, around: &Surroundings) -> Self {
        let [variable, _] = &around.keys;
        let credential = around.credentials.as_deref().map(|folder| folder.join(CREDENTIALS[0]));
        match (&config.key_file, variable, credential) {
            (Some(path), ..) => Self::Given(path.clone()),
            (None, Some(text), _) => Self::Environment(text.clone()),
            (None, None, Some(path)) if path.exists() => Self::Credential(path),
            (None, None, _) => Self::Own(directory.key_file()),
        }
    }

    fn origin(&self) -> String {
        match self {
            Self::Given(path) | Self::Own(path) => path.display().to_string(),
            Self::Environment(_) => format!("the variable {}", KEY_VARIABLES[0]),
            Self::Credential(path) => format!("the systemd credential {}", path.display()),
        }
    }

    /// The key; `None` if it is still to be made.
    fn current(&self) -> anyhow::Result<Option<DataKey>> {
        match self {
            Self::Environment(text) => from_variable(KEY_VARIABLES[0], text).map(Some),
            Self::Credential(path) => Ok(read(path)?.map(|(key, _)| key)),
            Self::Given(path) => match private(path)? {
                Some((key, _)) => Ok(Some(key)),
                None => bail!(
                    "there is no data key in {0}; put one there: (umask 077; head -c 32 \
                     /dev/urandom > {0})",
                    path.display()
                ),
            },
            Self::Own(path) => Ok(private(path)?.map(|(key, _)| key)),
        }
    }

    /// The key before, if there is one beside the current one.
    fn previous(&self, config: &Config, around: &Surroundings) -> anyhow::Result<Option<DataKey>> {
        if let Some(path) = &config.previous_key_file {
            let Some((key, _)) = private(path)? else {
                bail!("there is no previous data key in {}", path.display());
            };
            return Ok(Some(key));
        }
        let [_, variable] = &around.keys;
        match (self, variable) {
            (_, Some(text)) => from_variable(KEY_VARIABLES[1], text).map(Some),
            (Self::Credential(path), None) => {
                Ok(read(&path.with_file_name(CREDENTIALS[1]))?.map(|(key, _)| key))
            }
            (Self::Given(path) | Self::Own(path), None) => Ok(set_aside(path)),
            (Self::Environment(_), None) => Ok(None),
        }
    }

    fn maker(&self) -> Option<KeyMaker> {
        match self {
            Self::Given(path) | Self::Own(path) => {
                let keeps_in = old(path).display().to_string();
                let path = path.clone();
                Some(KeyMaker { make: Arc::new(move || make_another(&path)), keeps_in })
            }
            Self::Environment(_) | Self::Credential(_) => None,
        }
    }
}

/// The keys that a server is to be started with. One that is missing in the data directory is made.
pub(crate) fn keys(
    config: &Config,
    directory: &DataDirectory,
    around: &Surroundings,
) -> anyhow::Result<DataKeys> {
    if let Some(keys) = keys_there(config, directory, around)? {
        return Ok(keys);
    }
    let path = directory.key_file();
    keep(&path, DataKey::random().bytes())?;
    keys_there(config, directory, around)?
        .with_context(|| format!("the data key was not kept in {}", path.display()))
}

/// The same without making anything; `None` if the key is still to be made.
pub(crate) fn keys_there(
    config: &Config,
    directory: &DataDirectory,
    around: &Surroundings,
) -> anyhow::Result<Option<DataKeys>> {
    let place = Place::of(config, directory, around);
    let origin = place.origin();
    let current = place.current().with_context(|| format!("reading the data key from {origin}"))?;
    let previous = place.previous(config, around).context("reading the data key before")?;
    let maker = place.maker();
    Ok(current.map(|current| DataKeys { current, previous, origin, maker }))
}

/// Where the key before is kept beside a file with the key.
pub(crate) fn old(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".old");
    PathBuf::from(name)
}

fn from_variable(name: &str, text: &OsString) -> anyhow::Result<DataKey> {
    DataKey::parse(text.as_bytes()).with_context(|| format!("understanding {name}"))
}

/// The key before, where a change of the key has put it. One that cannot be read is none: nobody may
/// need it any more, and where somebody does the start says so.
fn set_aside(path: &Path) -> Option<DataKey> {
    let path = old(path);
    match private(&path) {
        Ok(found) => found.map(|(key, _)| key),
        Err(error) => {
            let (path, error) = (path.display(), format!("{error:#}"));
            tracing::warn!(%path, error, "the data key before cannot be read");
            None
        }
    }
}

/// The key in a file that nobody else may read, and how it is written there.
fn private(path: &Path) -> anyhow::Result<Option<(DataKey, Vec<u8>)>> {
    let shown = path.display();
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("looking at {shown}")),
    };
    if found.permissions().mode() & 0o077 != 0 {
        bail!("others may read {shown}; take that away with chmod 600 {shown}");
    }
    // The directory of this very process belongs to whom it runs as.
    let own = fs::metadata("/proc/self").context("asking who this process runs as")?.uid();
    if ![own, 0].contains(&found.uid()) {
        bail!("{shown} belongs to another user, who could change it; use chown");
    }
    read(path)
}

fn read(path: &Path) -> anyhow::Result<Option<(DataKey, Vec<u8>)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("opening {}", path.display())),
    };
    let mut content = Vec::new();
    file.take(MAX_BYTES)
        .read_to_end(&mut content)
        .with_context(|| format!("reading {}", path.display()))?;
    let key = DataKey::parse(&content).with_context(|| {
        format!(
            "{} holds no key; restore it from a backup, for without it the stored secrets cannot be \
             read",
            path.display()
        )
    })?;
    Ok(Some((key, content)))
}

/// Puts a new key in the place of the one in a file, which is kept beside it first: a start after a
/// crash at any point finds both.
fn make_another(path: &Path) -> anyhow::Result<DataKey> {
    let (_, before) =
        private(path)?.with_context(|| format!("{} is not there any more", path.display()))?;
    keep(&old(path), &before)?;
    let key = DataKey::random();
    if before.len() == DataKey::BYTES {
        keep(path, key.bytes())?;
    } else {
        // It was written for people to read and copy.
        let digits: String = key.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        keep(path, format!("{digits}\n").as_bytes())?;
    }
    Ok(key)
}

/// Writes a private file so that it is there after a power cut.
fn keep(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    replace(path, content)
        .and_then(|()| File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all())
        .with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;
    use crate::config::LogConfig;

    struct Desk {
        folder: tempfile::TempDir,
        config: Config,
        around: Surroundings,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let config = Config {
                data: folder.path().to_owned(),
                listen: Config::DEFAULT_LISTEN,
                database: None,
                key_file: None,
                previous_key_file: None,
                log: LogConfig::default(),
            };
            Self { folder, config, around: Surroundings::default() }
        }

        fn write(&self, name: &str, byte: u8, mode: u32) -> PathBuf {
            let path = self.folder.path().join(name);
            fs::write(&path, [byte; 32]).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        }

        fn keys(&self) -> anyhow::Result<DataKeys> {
            keys(&self.config, &DataDirectory::at(&self.config.data), &self.around)
        }

        fn told(&self) -> String {
            match self.keys() {
                Ok(keys) => panic!("{keys:?}"),
                Err(error) => format!("{error:#}"),
            }
        }
    }

    fn key(byte: u8) -> DataKey {
        DataKey::from([byte; 32])
    }

    #[test]
    fn what_is_said_on_purpose_goes_before_what_is_found() {
        let mut desk = Desk::new();
        let made = desk.keys().unwrap();
        assert!(made.origin.ends_with("/secret.key") && made.maker.is_some());
        assert_eq!(desk.keys().unwrap().current, made.current);

        desk.write("gatepost.key", 1, 0o440);
        desk.around.credentials = Some(desk.folder.path().to_owned());
        let keys = desk.keys().unwrap();
        assert_eq!((keys.current, keys.previous), (key(1), None));
        assert!(keys.origin.starts_with("the systemd credential") && keys.maker.is_none());
        desk.write("gatepost.previous.key", 2, 0o440);
        assert_eq!(desk.keys().unwrap().previous, Some(key(2)));

        desk.around.keys = [Some("03".repeat(32).into()), None];
        let keys = desk.keys().unwrap();
        assert_eq!((keys.current, keys.previous), (key(3), None));
        assert!(keys.maker.is_none());
        desk.around.keys[1] = Some("04".repeat(32).into());
        assert_eq!(desk.keys().unwrap().previous, Some(key(4)));

        desk.config.key_file = Some(desk.write("given", 5, 0o600));
        desk.config.previous_key_file = Some(desk.write("before", 6, 0o400));
        let keys = desk.keys().unwrap();
        assert_eq!((keys.current, keys.previous), (key(5), Some(key(6))));
        assert!(keys.maker.is_some());
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_none_is_refused_and_never_shown() {
        let mut desk = Desk::new();
        desk.config.key_file = Some(desk.folder.path().join("given"));
        assert!(desk.told().contains("there is no data key in"), "{}", desk.told());
        desk.write("given", 0x41, 0o640);
        assert!(desk.told().contains("chmod 600"), "{}", desk.told());
        let path = desk.write("given", 0x41, 0o600);
        fs::write(&path, "A".repeat(31)).unwrap();
        assert!(desk.told().contains("it is not 32 bytes"), "{}", desk.told());
        desk.config.key_file = None;
        desk.around.keys = [Some("A".repeat(31).into()), None];
        let told = desk.told();
        assert!(told.contains("understanding GATEPOST_KEY") && !told.contains("AAA"), "{told}");
    }

    #[test]
    fn another_key_is_made_with_the_one_before_beside_it() {
        let mut desk = Desk::new();
        for (name, content) in [("raw", vec![7; 32]), ("text", "07".repeat(32).into_bytes())] {
            let path = desk.write(name, 7, 0o600);
            fs::write(&path, &content).unwrap();
            desk.config.key_file = Some(path.clone());
            let made = (desk.keys().unwrap().maker.unwrap().make)().unwrap();
            let keys = desk.keys().unwrap();
            assert_eq!((&keys.current, &keys.previous), (&made, &Some(key(7))));
            assert_eq!(fs::read(old(&path)).unwrap(), content);
            assert_eq!(fs::read(&path).unwrap().len() == 32, name == "raw");
            for file in [&path, &old(&path)] {
                assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
            }
            // What nobody may need any more does not keep a server from starting.
            fs::write(old(&path), "damaged").unwrap();
            assert_eq!(desk.keys().unwrap().previous, None);
        }
    }
}
