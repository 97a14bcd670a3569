use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
};

use domain::{
    Connector, ConnectorId, ConnectorName, Permission, Permissions, Timestamp,
    connector::{ConnectorState, ServerEndpoint},
};
use exchange::Secret;
use store::Target;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{Clock, secrets::ConnectorSecrets};

/// What a power cut leaves: a database, and the keys beside it.
struct Disk {
    folder: TempDir,
    keys: Arc<Mutex<DataKeys>>,
}

impl Disk {
    fn new() -> Self {
        let keys = Arc::new(Mutex::new(DataKeys::from([7; 32])));
        Self { folder: TempDir::new().unwrap(), keys }
    }

    fn keys(&self) -> DataKeys {
        self.keys.lock().unwrap().clone()
    }

    fn options(&self) -> Options {
        let kept = Arc::clone(&self.keys);
        let make = move || {
            let mut kept = kept.lock().unwrap();
            let made = DataKey::random();
            kept.previous = Some(std::mem::replace(&mut kept.current, made.clone()));
            Ok(made)
        };
        let maker = KeyMaker { make: Arc::new(make), keeps_in: "the desk".to_owned() };
        Options {
            data_key: DataKeys { maker: Some(maker), ..self.keys() },
            admin_token: String::new(),
            clock: Clock::manual(Timestamp::UNIX_EPOCH),
            is_supervised: false,
            page_devices: Options::PAGE_DEVICES,
            fault: crate::Fault::default(),
            audit: crate::AuditOptions {
                key: crate::AuditKey::new(&[9; 32]),
                directory: self.folder.path().join("audit"),
            },
        }
    }

    fn target(&self) -> Target {
        Target::Sqlite(self.folder.path().join("gatepost.db"))
    }

    async fn store(&self) -> Store {
        Store::open(self.target()).await.unwrap()
    }

    /// Runs an engine while something is done.
    async fn during<T>(&self, work: impl AsyncFnOnce(&Engine) -> T) -> T {
        let engine = Engine::start(self.store().await, self.options()).await.unwrap();
        let done = work(&engine).await;
        engine.store().close().await;
        done
    }

    /// Starts with these keys, and ends at once.
    async fn start_with(&self, keys: DataKeys) -> Result<(), String> {
        *self.keys.lock().unwrap() = keys;
        let store = self.store().await;
        let started = Engine::start(store.clone(), self.options()).await;
        let told = started.map(drop).map_err(|error| error.to_string());
        store.close().await;
        told
    }
}

fn connector(number: u128) -> Connector {
    Connector {
        id: ConnectorId(Uuid::from_u128(number)),
        name: ConnectorName::parse(&format!("c{number}")).unwrap(),
        endpoint: ServerEndpoint::new("http://ex01/PowerShell/").into(),
        options: domain::connector::Options::default(),
        organization: None,
        state: ConnectorState::Flagged,
        trouble: None,
        created: Timestamp::UNIX_EPOCH,
        last_full_sync: None,
        last_delta_sync: None,
        is_paused: true,
        next_install: None,
    }
}

/// More than two batches, so that there are cuts between them.
const CONNECTORS: u128 = 2 * 100 + 50;

async fn add_secrets(engine: &Engine) {
    for number in 1..=CONNECTORS {
        let connector = connector(number);
        let password = Some(Secret::new(format!("password of {number}")));
        let secrets = ConnectorSecrets { password, ..ConnectorSecrets::default() };
        let sealed = secrets.seal(&engine.inner.secrets, connector.id).unwrap();
        engine.store().add_connector(&connector, Some(&sealed)).await.unwrap();
    }
}

async fn check_secrets(engine: &Engine) {
    for number in 1..=CONNECTORS {
        let secrets = engine.secrets_of(&connector(number)).await.unwrap();
        assert_eq!(secrets.password.unwrap().reveal(), format!("password of {number}"));
    }
}

/// Does a part of something: a future that is dropped where it waits for the so-many-th time.
async fn cut<T>(after: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        if polls == after {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_change_of_the_key_that_is_cut_anywhere_loses_nothing_and_is_ended_at_the_next_start() {
    let disk = Disk::new();
    let admin = Caller::local_administrator();
    disk.during(add_secrets).await;
    let mut kept = Vec::new();
    let mut was_cut_in_between = false;
    for after in 0.. {
        let rotating = async |engine: &Engine| cut(after, engine.rotate_data_key(&admin)).await;
        let ended = disk.during(rotating).await;
        // Both keys are there, and open everything, before anything is put right.
        let idle = Engine::idle(disk.store().await, disk.options());
        check_secrets(&idle).await;
        let behind = idle.survey().await.unwrap().behind;
        was_cut_in_between |= (1..u64::try_from(CONNECTORS).unwrap()).contains(&behind);
        idle.store().close().await;

        let report = disk.during(async |engine| engine.data_key(&admin).await.unwrap()).await;
        assert_eq!((report.behind, report.unreadable), (0, 0), "cut after {after}");
        assert_eq!(report.secrets, u64::try_from(CONNECTORS).unwrap());
        // The key before is not needed any more.
        disk.keys.lock().unwrap().previous = None;
        disk.during(check_secrets).await;
        kept.push(disk.keys().current.id());
        if let Some(ended) = ended {
            assert_eq!(ended.unwrap().unreadable, 0);
            break;
        }
    }
    assert!(was_cut_in_between, "no cut fell between two batches: {}", kept.len());
    let scope = admin.scope(Permission::ReadAudit).unwrap();
    let read = async |engine: &Engine| engine.store().audit(&scope, 0, 1000).await.unwrap();
    let entries = disk.during(read).await;
    let last = &entries.last().unwrap().document;
    assert!(last.contains("secrets.rotated") && last.contains("\"step\":\"done\""), "{last}");
}

#[tokio::test]
async fn another_key_than_the_one_of_the_database_is_refused_at_the_start() {
    let disk = Disk::new();
    disk.during(add_secrets).await;
    let right = DataKey::from([7; 32]);
    let told = disk.start_with([9; 32].into()).await.unwrap_err();
    for part in [right.id(), DataKey::from([9; 32]).id()] {
        assert!(told.contains(&part.to_string()), "{told}");
    }
    assert!(told.contains("gatepost key abandon"), "{told}");
    let fit = disk.keys().fit(disk.target()).await.unwrap();
    assert_eq!(fit, KeyFit::Other(right.id()));

    // Of a database of before, the secrets themselves tell it.
    let store = disk.store().await;
    store.set_meta(KNOWN, "").await.unwrap();
    store.close().await;
    assert!(disk.start_with([7; 32].into()).await.unwrap_err().contains("backup"));

    let lost = Engine::abandon_data_key(disk.store().await, disk.options()).await.unwrap();
    assert_eq!((lost.unreadable, lost.secrets), (0, 250));
    disk.start_with([7; 32].into()).await.unwrap();
    *disk.keys.lock().unwrap() = [9; 32].into();
    let lost = Engine::abandon_data_key(disk.store().await, disk.options()).await.unwrap();
    assert_eq!(lost.unreadable, 250);
    assert!(disk.during(async |engine| engine.secrets_of(&connector(1)).await.is_err()).await);
    // The lost key was found: what it sealed opens again.
    let both = DataKeys { previous: Some(right), ..[9; 32].into() };
    disk.start_with(both).await.unwrap();
    disk.start_with([9; 32].into()).await.unwrap();
    disk.during(check_secrets).await;
}

#[tokio::test]
async fn a_key_that_people_give_is_taken_up_with_the_one_before_it() {
    let disk = Disk::new();
    disk.during(add_secrets).await;
    let keys = DataKeys { previous: Some(DataKey::from([7; 32])), ..[8; 32].into() };
    assert_eq!(keys.fit(disk.target()).await.unwrap(), KeyFit::FitsWithPrevious);
    disk.start_with(keys).await.unwrap();
    *disk.keys.lock().unwrap() = [8; 32].into();
    assert_eq!(disk.keys().fit(disk.target()).await.unwrap(), KeyFit::Fits);
    disk.during(check_secrets).await;

    let fixed = Options { data_key: [8; 32].into(), ..disk.options() };
    let engine = Engine::start(disk.store().await, fixed).await.unwrap();
    let admin = Caller::local_administrator();
    let refused = engine.rotate_data_key(&admin).await.unwrap_err().to_string();
    assert!(refused.contains("where only you can put another"), "{refused}");
}

#[tokio::test]
async fn who_may_not_change_security_may_not_even_ask_for_the_key() {
    let disk = Disk::new();
    let others = Permissions::ALL.iter().filter(|one| *one != Permission::ModifySecurity);
    let caller = Caller::local_administrator().limited_to(others.collect());
    disk.during(async |engine| {
        assert!(matches!(engine.data_key(&caller).await, Err(Error::Denied(_))));
        assert!(matches!(engine.rotate_data_key(&caller).await, Err(Error::Denied(_))));
        assert!(matches!(engine.preview_rotation(&caller).await, Err(Error::Denied(_))));
    })
    .await;
}
