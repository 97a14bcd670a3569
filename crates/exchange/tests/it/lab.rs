//! A simulated organization that is served while a story is told.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use domain::connector::{Authentication, ServerEndpoint};
use exchange::{
    ConnectError, ConnectionSettings, Credential, Error, Object, Pipeline, RemotePowerShell, Reply,
    Secret, Session,
};
use simulator::{
    Entries, Faults, Ledger, Organization, OrganizationOptions, Scheme, Server, ServerOptions,
};

const PASSWORD: &str = "Pa55word!";

/// What a story has at hand.
pub(crate) struct Lab {
    organization: Arc<Mutex<Organization>>,
    faults: Arc<Mutex<Faults>>,
    pub(crate) ledger: Ledger,
    pub(crate) settings: ConnectionSettings,
    pub(crate) credential: Credential,
}

/// Serves an organization of so many devices with these schemes and tells a story against it.
/// What the server was asked, once the story is over.
pub(crate) fn tell(
    devices: usize,
    schemes: &[Scheme],
    story: impl AsyncFnOnce(&mut Lab),
) -> Entries {
    let organization = OrganizationOptions { devices, ..OrganizationOptions::default() };
    let server = ServerOptions { schemes: schemes.to_vec(), ..ServerOptions::default() };
    tell_of(&organization, server, story)
}

/// The same with every option.
pub(crate) fn tell_of(
    options: &OrganizationOptions,
    server: ServerOptions,
    story: impl AsyncFnOnce(&mut Lab),
) -> Entries {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let organization = Arc::new(Mutex::new(Organization::generate(options)));
        let address = ([127, 0, 0, 1], 0).into();
        let server = Server::bind(address, Arc::clone(&organization), server).await.unwrap();
        let mut lab = Lab {
            organization,
            faults: server.faults(),
            ledger: server.ledger(),
            settings: ConnectionSettings::new(endpoint(server.url())),
            credential: Credential::Password(Secret::new(PASSWORD)),
        };
        let ledger = lab.ledger.clone();
        let (done, shutdown) = tokio::sync::oneshot::channel::<()>();
        let told = async {
            story(&mut lab).await;
            drop(done);
        };
        let ((), served) =
            tokio::join!(told, server.run(async { shutdown.await.unwrap_or_default() }));
        served.unwrap();
        ledger.entries()
    })
}

fn endpoint(url: String) -> ServerEndpoint {
    ServerEndpoint { username: Some(r"CONTOSO\gatepost".to_owned()), ..ServerEndpoint::new(url) }
}

impl Lab {
    pub(crate) fn organization(&self) -> MutexGuard<'_, Organization> {
        self.organization.lock().unwrap()
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap()
    }

    pub(crate) async fn connect(&self) -> Result<RemotePowerShell, ConnectError> {
        RemotePowerShell::connect(&self.settings, &self.credential).await
    }

    pub(crate) async fn refusal(&self) -> ConnectError {
        self.connect().await.map(drop).unwrap_err()
    }

    /// Signs in by one way, asks for everything and says good-bye; how many devices came.
    pub(crate) async fn visit(&mut self, authentication: Authentication) -> usize {
        self.settings.endpoint.authentication = authentication;
        let mut session = self.connect().await.unwrap();
        let list = exchange::Cmdlet::new("Get-MobileDevice").unlimited();
        let said = run(&mut session, list).await;
        session.close().await.unwrap();
        said.unwrap().objects.len()
    }
}

/// What a pipeline said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) objects: Vec<Object>,
    pub(crate) poisoned: usize,
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<exchange::CmdletError>,
}

/// Runs a pipeline to its end.
pub(crate) async fn run<S: Session>(
    session: &mut S,
    pipeline: impl Into<Pipeline>,
) -> Result<Said, Error> {
    session.start(&pipeline.into()).await?;
    let mut said = Said::default();
    while let Some(reply) = session.next().await? {
        match reply {
            Reply::Object(object) => said.objects.push(object),
            Reply::Poison(_) => said.poisoned += 1,
            Reply::Warning(warning) => said.warnings.push(warning),
            Reply::Error(error) => said.errors.push(error),
            Reply::Notice(_) => {}
        }
    }
    Ok(said)
}

/// Time-outs for a story in which a server stays silent.
pub(crate) fn impatient() -> exchange::Timeouts {
    let short = Duration::from_millis(300);
    exchange::Timeouts {
        operation: short,
        margin: short,
        read_idle: short,
        ..exchange::Timeouts::default()
    }
}
