//! An engine beside a simulated organization, with verbs to tell stories with.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use domain::{
    Caller, Connector, ConnectorName, Device, JobId, Permission, PersonId, Query, Scope, Source,
    authority::{BuiltInRole, Grant, Place},
    pass::{Pass, PassKind},
};
use engine::{AuditKey, AuditOptions, Clock, Engine, Fault, NewConnector, Options};
use simulator::OrganizationOptions;
use store::{Job, Page, Store, Target, Totals, throw_away::Postgres};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::{
    Side,
    exchange::{Exchange, on, runtime},
};

/// A whole Gatepost without its edges: an engine on a database of its own, beside a simulated
/// organization.
#[derive(Debug)]
pub struct TestApp {
    engine: Engine,
    exchange: Exchange,
    clock: Clock,
    directory: tempfile::TempDir,
    target: Target,
    /// Ends with the story.
    _cluster: Option<Postgres>,
    runtime: Option<Runtime>,
    is_supervised: bool,
    fault: Fault,
}

/// Devices of one page of a full pass: so few that small organizations have several.
const PAGE_DEVICES: u32 = 100;
/// Something that must happen has happened within this time, or never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names one connector of a story.
const CONNECTOR: &str = "lab";
/// A killed engine's tasks are gone at their next step; nobody waits longer than this.
const KILL_TIMEOUT: Duration = Duration::from_secs(30);

impl TestApp {
    /// Token of the local administrator.
    pub const TOKEN: &'static str = "token-of-the-local-administrator-of-tests";

    /// An engine without connectors beside an organization on premises with so many devices.
    /// [`Side`] has the same for hosted ones.
    pub fn beside(devices: usize) -> anyhow::Result<Self> {
        Side::OnPremises.beside(devices)
    }

    /// The same with the connector [`TestApp::name`] added.
    pub async fn connected(devices: usize) -> anyhow::Result<Self> {
        Side::OnPremises.connected(devices).await
    }

    /// An engine without connectors beside the organization that is grown from `options`.
    pub fn beside_organization(options: &OrganizationOptions) -> anyhow::Result<Self> {
        Self::grown(options, Clock::manual(options.start), false, None)
    }

    /// The same on PostgreSQL; `None` where it is not installed.
    pub fn beside_organization_on_postgres(
        options: &OrganizationOptions,
    ) -> anyhow::Result<Option<Self>> {
        let Some(cluster) = Postgres::start()? else { return Ok(None) };
        Self::grown(options, Clock::manual(options.start), false, Some(cluster)).map(Some)
    }

    /// An engine that does by itself what is due, beside an organization on premises with so many
    /// devices. Stories move its clock and wait for what they expect.
    pub fn supervised(devices: usize) -> anyhow::Result<Self> {
        Side::OnPremises.supervised(devices)
    }

    /// The same beside the organization that is grown from `options`.
    pub fn supervised_beside(options: &OrganizationOptions) -> anyhow::Result<Self> {
        Self::grown(options, Clock::manual(options.start), true, None)
    }

    /// The same on the computer's own clock, which goes on while the engine looks at it.
    pub fn supervised_in_real_time(options: OrganizationOptions) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let options = OrganizationOptions { start: clock.now(), ..options };
        Self::grown(&options, clock, true, None)
    }

    fn grown(
        options: &OrganizationOptions,
        clock: Clock,
        is_supervised: bool,
        cluster: Option<Postgres>,
    ) -> anyhow::Result<Self> {
        let exchange = Exchange::serve_beside(options, clock.clone())?;
        let directory = tempfile::tempdir()?;
        let runtime = runtime()?;
        let fault = Fault::default();
        let target = match &cluster {
            Some(cluster) => cluster.target(),
            None => Target::Sqlite(directory.path().join("gatepost.db")),
        };
        let audit = directory.path().join("audit");
        let engine = start(&runtime, target.clone(), audit, &clock, is_supervised, &fault)?;
        Ok(Self {
            engine,
            exchange,
            clock,
            directory,
            target,
            _cluster: cluster,
            runtime: Some(runtime),
            is_supervised,
            fault,
        })
    }

    /// Waits for something that must happen; time passes for nobody but the one who waits.
    pub async fn eventually<T, F>(&self, what: &str, look: impl Fn() -> F) -> anyhow::Result<T>
    where
        F: Future<Output = anyhow::Result<Option<T>>>,
    {
        let looking = async {
            loop {
                if let Some(found) = look().await? {
                    return Ok(found);
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, looking)
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("{what} did not happen")))
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where closed parts of the audit are written.
    #[must_use]
    pub fn audit_directory(&self) -> PathBuf {
        self.directory.path().join("audit")
    }

    /// The organization beside it.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Where that lives.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.exchange.side()
    }

    /// The engine's clock, which stands still until it is moved.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Lets the engine die at the step of an action after so many others, once it is started again.
    pub fn die_after(&mut self, steps: u32) -> anyhow::Result<()> {
        self.fault = Fault::after(steps);
        self.start_again()
    }

    /// Whether it has died there.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.fault.has_struck()
    }

    /// Lets it live from now on, after it was killed.
    pub fn live(&mut self) -> anyhow::Result<()> {
        self.fault = Fault::default();
        self.start_again()
    }

    /// Somebody with a built-in role, everywhere.
    #[must_use]
    pub fn person(&self, name: &str, role: BuiltInRole) -> Caller {
        let person = PersonId(Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()));
        let grant = Grant { permissions: role.permissions(), place: Place::Everywhere };
        let (name, asked, grants) = (name.to_owned(), self.clock.now(), vec![grant]);
        Caller { person, name, source: Source::Api, asked, grants }
    }

    /// Who asks in all the stories.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller::local_administrator()
    }

    /// Somebody who has a role everywhere, and is another person for each role.
    #[must_use]
    pub fn caller_as(&self, role: BuiltInRole) -> Caller {
        self.caller_named(role.word(), role)
    }

    /// Somebody of this name who has a role everywhere.
    #[must_use]
    pub fn caller_named(&self, name: &str, role: BuiltInRole) -> Caller {
        let grant = Grant { permissions: role.permissions(), place: Place::Everywhere };
        Caller {
            person: PersonId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())),
            name: name.to_owned(),
            source: Source::Console,
            asked: self.engine.now(),
            grants: vec![grant],
        }
    }

    /// The scope of reading.
    pub fn scope(&self) -> anyhow::Result<Scope> {
        Ok(self.caller().scope(Permission::Read)?)
    }

    /// Name of the one connector of a story.
    #[must_use]
    pub fn name(&self) -> ConnectorName {
        ConnectorName::parse(CONNECTOR).expect("the name is one")
    }

    /// What a connector called `name` to the organization is added with.
    #[must_use]
    pub fn new_connector(&self, name: ConnectorName) -> NewConnector {
        self.exchange.new_connector(name)
    }

    /// Adds the connector [`TestApp::name`].
    pub async fn add_connector(&self) -> anyhow::Result<()> {
        self.engine.add_connector(&self.caller(), self.new_connector(self.name())).await?;
        Ok(())
    }

    /// The connector [`TestApp::name`] as it is stored.
    pub async fn connector(&self) -> anyhow::Result<Connector> {
        Ok(self.engine.store().connector(&self.scope()?, &self.name()).await?)
    }

    /// Asks for a full sync.
    pub async fn begin_sync(&self) -> anyhow::Result<JobId> {
        Ok(self.engine.sync(&self.caller(), &self.name(), PassKind::Full).await?)
    }

    /// A pass of a kind from asking to its end, well or badly.
    pub async fn sync_of(&self, kind: PassKind) -> anyhow::Result<Job> {
        let id = self.engine.sync(&self.caller(), &self.name(), kind).await?;
        self.finished(id).await
    }

    /// A full sync from asking to its end, well or badly.
    pub async fn sync(&self) -> anyhow::Result<Job> {
        let id = self.begin_sync().await?;
        self.finished(id).await
    }

    /// A job, once it has ended.
    pub async fn finished(&self, id: JobId) -> anyhow::Result<Job> {
        Ok(self.engine.job_finished(&self.caller(), id).await?)
    }

    /// Waits until no session is in use. Whoever moves time while one is would make it look fresh here,
    /// and long gone over there.
    pub async fn at_rest(&self) -> anyhow::Result<()> {
        let connector = self.connector().await?;
        self.eventually("rest", async || {
            let gauge = self.engine.budget(&connector);
            Ok((gauge.in_use + gauge.waiting == 0).then_some(()))
        })
        .await
    }

    /// The latest pass.
    pub async fn last_pass(&self) -> anyhow::Result<Pass> {
        let connector = self.connector().await?.id;
        let passes = self.engine.store().passes(&self.scope()?, connector, 1).await?;
        passes.into_iter().next().context("there was no pass")
    }

    /// Every device that is not gone, by its GUID.
    pub async fn devices(&self) -> anyhow::Result<Vec<Device>> {
        let (scope, mut devices, mut after) = (self.scope()?, Vec::new(), None);
        loop {
            let page = Page { after, limit: Page::MAX_LIMIT, now: self.engine.now() };
            let found = self.engine.store().devices(&scope, &Query::default(), page).await?;
            devices.extend(found.devices);
            after = found.next;
            if after.is_none() {
                devices.sort_by_key(|device| device.facts.guid);
                return Ok(devices);
            }
        }
    }

    /// How many devices the connector has and has had.
    pub async fn totals(&self) -> anyhow::Result<Totals> {
        let connector = self.connector().await?.id;
        let all = self.engine.store().totals(&self.scope()?).await?;
        let own = all.into_iter().find(|totals| totals.connector == connector);
        Ok(own.unwrap_or(Totals { connector, states: Vec::new(), gone: 0 }))
    }

    /// Ends the engine in good order and starts another on the same database.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.engine.shutdown().await;
        self.start_again()
    }

    /// Ends the engine as a power cut would: nothing is said to it, nothing is put away. Then
    /// starts another on the same database.
    pub fn kill_and_restart(&mut self) -> anyhow::Result<()> {
        self.start_again()
    }

    fn start_again(&mut self) -> anyhow::Result<()> {
        if let Some(runtime) = self.runtime.take() {
            // Whatever the old engine was doing ends here, at its next step.
            let ending = std::thread::spawn(move || runtime.shutdown_timeout(KILL_TIMEOUT));
            ending.join().map_err(|_| anyhow::anyhow!("ending the engine's runtime panicked"))?;
        }
        let (target, audit) = (self.target.clone(), self.audit_directory());
        let runtime = self.runtime.insert(runtime()?);
        // What the system takes back from a dead process: its files and the lock on the database.
        on(runtime, self.engine.store().close());
        self.engine = start(runtime, target, audit, &self.clock, self.is_supervised, &self.fault)?;
        Ok(())
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // Dropping a runtime waits, which is not allowed inside of another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Starts an engine whose background work runs on `runtime`.
fn start(
    runtime: &Runtime,
    target: Target,
    audit: PathBuf,
    clock: &Clock,
    is_supervised: bool,
    fault: &Fault,
) -> anyhow::Result<Engine> {
    on(runtime, async {
        let audit = AuditOptions { key: AuditKey::new(&[9; 32]), directory: audit };
        let store = Store::open(target).await?;
        let options = Options {
            data_key: [7; 32].into(),
            admin_token: TestApp::TOKEN.to_owned(),
            clock: clock.clone(),
            is_supervised,
            page_devices: PAGE_DEVICES,
            fault: fault.clone(),
            audit,
        };
        Ok(Engine::start(store, options).await?)
    })
}
