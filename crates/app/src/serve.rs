//! `gatepost serve`: the product put together and run until it is told to stop.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use axum::{Router, extract::connect_info::IntoMakeServiceWithConnectInfo};
use domain::Caller;
use engine::{DataKeys, Engine};
use store::{Store, Target};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    cli::Exit,
    config::{BootArguments, Config, LogArguments},
    data_directory::{DataDirectory, TakenDirectory},
    key_source::{self, Surroundings},
    logs,
    output::say,
};

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    boot: BootArguments,
    /// Address to listen on; port 0 takes any free port [default: 127.0.0.1:8025]
    #[arg(long, value_name = "HOST:PORT", env = "GATEPOST_LISTEN", hide_env_values = true)]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    log: LogArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MigrateArguments {
    #[command(flatten)]
    boot: BootArguments,
}

/// A server that has its directory, its database and its address.
pub(crate) struct Server {
    directory: TakenDirectory,
    engine: Engine,
    listener: TcpListener,
    url: String,
}

impl Server {
    /// Answers that are being written when the server is told to stop get so long to end.
    const GRACE: Duration = Duration::from_secs(10);

    /// Opens everything that `config` names, in a directory already taken.
    pub(crate) async fn start(
        directory: TakenDirectory,
        config: &Config,
        data_key: DataKeys,
    ) -> anyhow::Result<Self> {
        // First of all what can fail without a trace left behind.
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!("listening on {}; is the port taken? --listen chooses another", config.listen)
        })?;
        let store =
            Store::open(target(config, directory.paths())).await.context("opening the database")?;
        let engine = Engine::start(store, options(&directory, data_key)?).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        directory.announce(&url)?;
        Ok(Self { directory, engine, listener, url })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The token of the local administrator.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        self.directory.token()
    }

    /// Whether anybody can sign in but the holder of the token.
    async fn has_users(&self) -> anyhow::Result<bool> {
        Ok(self.engine.people(&Caller::local_administrator()).has_users().await?)
    }

    /// Serves until `stop` is ready, then ends what is being done in good order.
    pub(crate) async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let (stopping, stopped) = tokio::sync::oneshot::channel();
        let serving = axum::serve(self.listener, service(&self.engine))
            .with_graceful_shutdown(async move {
                stop.await;
                // Nobody listens any more if serving has already failed.
                let _ = stopping.send(());
            })
            .into_future();
        let served = tokio::select! {
            served = serving => served.context("serving"),
            () = out_of_patience(stopped, Self::GRACE) => Ok(()),
        };
        self.engine.shutdown().await;
        drop(self.directory);
        served
    }
}

async fn out_of_patience(stopped: tokio::sync::oneshot::Receiver<()>, grace: Duration) {
    match stopped.await {
        Ok(()) => tokio::time::sleep(grace).await,
        Err(_) => std::future::pending().await,
    }
}

/// Everything that is served on one address.
/// The same, and each request knows from which address it comes.
fn service(engine: &Engine) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    router(engine).into_make_service_with_connect_info()
}

fn router(engine: &Engine) -> Router {
    api::router(engine.clone()).merge(console::router(engine.clone()))
}

pub(crate) async fn run(arguments: ServeArguments) -> anyhow::Result<Exit> {
    let config = Config::load(&arguments.boot, arguments.listen, &arguments.log)?;
    let directory = DataDirectory::at(&config.data).take()?;
    logs::start(&config.log, &directory.paths().component_log())?;
    let keys = key_source::keys(&config, directory.paths(), &Surroundings::of_this_process())?;
    let stop = stop_signal();
    let server = Server::start(directory, &config, keys).await?;
    say(&format!("gatepost listens on {}", server.url()))?;
    if !server.has_users().await? {
        let paths = DataDirectory::at(&config.data);
        let (token, data) = (paths.token_file(), config.data.display());
        say(&format!(
            "  nobody can sign in yet: open that address, sign in with the token in {}, and make the first administrator",
            token.display()
        ))?;
        say(&format!("  or: gatepost user add NAME --role full-administrator --data {data}"))?;
    }
    server.run(stop).await?;
    Ok(Exit::Done)
}

pub(crate) async fn migrate(arguments: MigrateArguments) -> anyhow::Result<Exit> {
    let config = Config::load(&arguments.boot, None, &LogArguments::default())?;
    let directory = DataDirectory::at(&config.data).take()?;
    let target = target(&config, directory.paths());
    Store::open(target).await.context("bringing the database up to date")?.close().await;
    say("the database has the form that this version needs")?;
    Ok(Exit::Done)
}

/// What the engine on a data directory is started with.
pub(crate) fn options(
    directory: &TakenDirectory,
    data_key: DataKeys,
) -> anyhow::Result<engine::Options> {
    Ok(engine::Options {
        data_key,
        admin_token: directory.token()?,
        clock: engine::Clock::system(),
        is_supervised: true,
        page_devices: engine::Options::PAGE_DEVICES,
        fault: engine::Fault::default(),
        audit: engine::AuditOptions {
            key: engine::AuditKey::new(&directory.audit_key()?),
            directory: directory.paths().audit(),
        },
    })
}

/// Which database the configuration means.
pub(crate) fn target(config: &Config, directory: &DataDirectory) -> Target {
    match &config.database {
        Some(address) => Target::Postgres(address.reveal().to_owned()),
        None => Target::Sqlite(directory.database()),
    }
}

/// Ready when the process is asked to end: Ctrl-C, or what a service manager sends.
pub(crate) fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    // Registered at once, so that a signal during the start is not lost.
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async move {
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            // Without handlers the system's own apply: the process ends at once.
            _ => std::future::pending().await,
        }
    }
}
