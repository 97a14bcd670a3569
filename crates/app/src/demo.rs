//! `gatepost demo`: everything at once, on a simulated organization, and nothing left behind.

mod cloud;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context as _;
use api::{Connector, ConnectorOptions, Job, NewConnector, OnPremises, Status};
use reqwest::Url;
use serde_json::json;
use simulator::{Account, Organization, OrganizationOptions, ServerOptions, system_clock};
use tokio::sync::watch;

use crate::{
    cli::{Exit, job},
    client::Client,
    config::{Config, LogConfig, LogFormat},
    data_directory::DataDirectory,
    key_source::{self, Surroundings},
    logs,
    output::say,
    serve, simulate,
};

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArguments {
    /// Number of simulated devices
    #[arg(long, value_name = "N", default_value_t = 5000)]
    devices: usize,
    /// Address of the console and the API; if it is taken, any free port is used
    #[arg(long, value_name = "HOST:PORT", default_value_t = Config::DEFAULT_LISTEN)]
    listen: SocketAddr,
    /// Where chance begins: the same seed grows the same organization
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Name of the demo's connector.
const CONNECTOR: &str = "demo";
/// How long the demo rests between two syncs: what changes there is to be seen here within a
/// minute, and a laptop stays cool.
const REST: Duration = Duration::from_secs(20);
/// Of so many syncs one reads everything: one a minute.
const ROUNDS_PER_FULL: u64 = 3;

pub(crate) async fn run(arguments: DemoArguments) -> anyhow::Result<Exit> {
    let stop = serve::stop_signal();
    let home = tempfile::Builder::new().prefix("gatepost-demo-").tempdir()?;
    let config = Config {
        data: home.path().to_owned(),
        listen: free_address(arguments.listen).await,
        database: None,
        key_file: None,
        previous_key_file: None,
        log: LogConfig { format: LogFormat::Text, filter: "warn".to_owned() },
    };
    let directory = DataDirectory::at(&config.data).take()?;
    logs::start(&config.log, &directory.paths().component_log())?;

    say(&format!(
        "growing a simulated Exchange organization with {} devices, and one in the cloud …",
        arguments.devices
    ))?;
    let exchange = exchange(&arguments).await?;
    let cloud::Cloud { server: hosted, new: new_hosted } =
        cloud::bind(arguments.devices, arguments.seed).await?;
    let (exchange_url, cloud_url) = (exchange.url(), hosted.url());
    let keys = key_source::keys(&config, directory.paths(), &Surroundings::default())?;
    let server = serve::Server::start(directory, &config, keys).await?;
    let client = Client::new(Url::parse(server.url())?, server.token()?)?;
    welcome(&server, [&exchange_url, &cloud_url], home.path())?;

    let (stopping, stopped) = watch::channel(());
    let serving = server.run(ended(stopped.clone()));
    let simulating = async {
        let served = tokio::join!(exchange.run(ended(stopped.clone())), hosted.run(ended(stopped)));
        served.0.and(served.1).context("serving the simulation")
    };
    let living = async {
        let lived = tokio::select! {
            () = stop => Ok(()),
            failed = live(&client, &exchange_url, &new_hosted) => failed,
        };
        drop(stopping);
        lived
    };
    let (served, simulated, lived) = tokio::join!(serving, simulating, living);
    served.and(simulated).and(lived)?;
    say("\nstopped; nothing is left behind")?;
    Ok(Exit::Done)
}

/// Adds the connectors, syncs, and keeps syncing until the future is dropped.
async fn live(
    client: &Client,
    exchange_url: &str,
    new_hosted: &NewConnector,
) -> anyhow::Result<()> {
    let account = account();
    let new = NewConnector {
        name: CONNECTOR.to_owned(),
        on_premises: Some(OnPremises {
            url: exchange_url.to_owned(),
            authentication: "ntlm".to_owned(),
            username: Some(format!("{}\\{}", account.domain, account.user)),
            ..OnPremises::default()
        }),
        hosted: None,
        password: Some(account.password),
        proxy_password: None,
        options: ConnectorOptions {
            delta_schedule: "1min".to_owned(),
            ..ConnectorOptions::default()
        },
        paused: false,
        notification_password: None,
        certificate: None,
        certificate_password: None,
        client_secret: None,
    };
    client.post::<Connector>("connectors", &new).await?;
    // This one is left to itself: it is installed and read by its own schedule.
    client.post::<Connector>("connectors", new_hosted).await?;
    let started: Job = sync(client, "full").await?;
    job::wait_for(client, &started.id).await?;
    say("From now on phones sync, new ones appear and some fall into quarantine. Ctrl-C ends it.")?;
    let mut before: Status = client.get("status", &[]).await?;
    for round in 1_u64.. {
        tokio::time::sleep(REST).await;
        // When a phone synced last comes with statistics, which a delta pass reads of few.
        let kind = if round % ROUNDS_PER_FULL == 0 { "full" } else { "delta" };
        let job = finished(client, sync(client, kind).await?).await?;
        let now: Status = client.get("status", &[]).await?;
        let (clock, outcome) = (clock_time(&now.time), job.outcome.unwrap_or_default());
        say(&format!("{clock}  {kind}: {outcome}{}", quarantined(&before, &now)))?;
        before = now;
    }
    Ok(())
}

async fn sync(client: &Client, kind: &str) -> anyhow::Result<Job> {
    client.post(&format!("connectors/{CONNECTOR}/sync"), &json!({"kind": kind})).await
}

async fn finished(client: &Client, mut job: Job) -> anyhow::Result<Job> {
    while job.finished.is_none() {
        tokio::time::sleep(Duration::from_millis(250)).await;
        job = client.get(&format!("jobs/{}", job.id), &[]).await?;
    }
    Ok(job)
}

/// How the number of quarantined devices moved.
fn quarantined(before: &Status, now: &Status) -> String {
    let count = |status: &Status| status.access_states.get("quarantined").copied().unwrap_or(0);
    match (count(before), count(now)) {
        (before, now) if before == now => format!("; {now} in quarantine"),
        (before, now) => format!("; {now} in quarantine, before {before}"),
    }
}

/// `04:00:00` of `2026-11-21T04:00:00Z`.
fn clock_time(time: &str) -> &str {
    let clock = time.split_once('T').map_or(time, |(_, clock)| clock);
    clock.split_once(['.', 'Z']).map_or(clock, |(clock, _)| clock)
}

async fn exchange(arguments: &DemoArguments) -> anyhow::Result<simulator::Server> {
    let clock = system_clock();
    let mut options = OrganizationOptions::with_devices(arguments.devices, clock());
    options.seed = arguments.seed;
    options.accounts = vec![account()];
    let organization = Arc::new(Mutex::new(Organization::generate(&options)));
    let options =
        ServerOptions { now: clock, living: Some(simulate::LIVING), ..ServerOptions::default() };
    simulator::Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), organization, options)
        .await
        .context("listening for the simulated Exchange")
}

fn account() -> Account {
    Account::administrator("CONTOSO", "gatepost", "Pa55word!")
}

/// The address asked for, or another port of the same machine if it is taken.
async fn free_address(wanted: SocketAddr) -> SocketAddr {
    match tokio::net::TcpListener::bind(wanted).await {
        Ok(_) => wanted,
        Err(_) => SocketAddr::new(wanted.ip(), 0),
    }
}

fn welcome(
    server: &serve::Server,
    [exchange_url, cloud_url]: [&str; 2],
    home: &std::path::Path,
) -> anyhow::Result<()> {
    let program = std::env::current_exe().unwrap_or_else(|_| "gatepost".into());
    say(&format!(
        "\n  Gatepost demo\n\n  \
         Console    {url}\n  \
         Sign in    with the token {token}\n  \
         Look at    {url}devices: phones sync, new ones appear, some fall into quarantine\n  \
         Exchange   {exchange_url} (simulated)\n  \
         Cloud      {cloud_url} (simulated)\n\n  \
         In another terminal:\n    \
         export GATEPOST_DATA={home}\n    \
         {program} status\n    \
         {program} device list 'state:quarantined'\n",
        url = server.url(),
        token = server.token()?,
        home = home.display(),
        program = program.display(),
    ))
}

async fn ended(mut stopped: watch::Receiver<()>) {
    // An error is what is waited for: the other side let go.
    while stopped.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_time_of_day_stands_alone() {
        for time in ["2026-11-21T04:00:00Z", "2026-11-21T04:00:00.125Z"] {
            assert_eq!(super::clock_time(time), "04:00:00");
        }
    }
}
