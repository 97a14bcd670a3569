//! `gatepost simulate`: a simulated Exchange organization by itself, on the real wire.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use simulator::{
    Account, Dialect, Organization, OrganizationOptions, Scheme, Server, ServerOptions,
    system_clock,
};

use crate::{cli::Exit, output::say, secret, serve};

#[derive(Debug, Subcommand)]
pub(crate) enum SimulateVerb {
    /// Simulate an on-premises organization: remote PowerShell over HTTP, with living devices
    OnPremises(OnPremisesArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct OnPremisesArguments {
    /// Address to listen on; port 0 takes any free port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Number of devices
    #[arg(long, value_name = "N", default_value_t = 100)]
    devices: usize,
    /// Number of mailboxes; by default as many as so many devices would have
    #[arg(long, value_name = "N")]
    mailboxes: Option<usize>,
    /// Where chance begins: the same seed grows the same organization
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Who may sign in, as 'DOMAIN\user' or 'DOMAIN\user:password'. This password protects
    /// nothing and may stand on the command line
    #[arg(long, value_name = "ACCOUNT", default_value = DEFAULT_ACCOUNT)]
    user: String,
    /// File with the password, in place of one in --user
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Schemes offered for signing in, in this order
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [OfferedScheme::Negotiate, OfferedScheme::Ntlm, OfferedScheme::Basic])]
    auth: Vec<OfferedScheme>,
    /// Which Exchange to be
    #[arg(long, value_enum, default_value_t = Version::V2013)]
    dialect: Version,
    /// Nothing changes by itself: no device syncs, appears or is quarantined
    #[arg(long)]
    still: bool,
}

/// The account of a simulation that nobody named one for.
pub(crate) const DEFAULT_ACCOUNT: &str = r"CONTOSO\gatepost:Pa55word!";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OfferedScheme {
    /// SPNEGO with NTLM in it
    Negotiate,
    /// NTLM, with sealing
    Ntlm,
    /// Basic
    Basic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Version {
    /// Exchange 2010: the ActiveSync cmdlets alone
    #[value(name = "2010")]
    V2010,
    /// Exchange 2013 and everything after it: both families of cmdlets
    #[value(name = "2013")]
    V2013,
}

/// How often a simulated organization lives a little further.
pub(crate) const LIVING: Duration = Duration::from_secs(1);

pub(crate) async fn run(verb: SimulateVerb) -> anyhow::Result<Exit> {
    let SimulateVerb::OnPremises(arguments) = verb;
    let account = account(&arguments)?;
    let clock = system_clock();
    let mut options = OrganizationOptions::with_devices(arguments.devices, clock());
    options.seed = arguments.seed;
    options.mailboxes = arguments.mailboxes.unwrap_or(options.mailboxes);
    options.dialect = match arguments.dialect {
        Version::V2010 => Dialect::Exchange2010,
        Version::V2013 => Dialect::Exchange2013,
    };
    options.accounts = vec![account.clone()];
    let schemes = arguments.auth.iter().map(|scheme| match scheme {
        OfferedScheme::Negotiate => Scheme::Negotiate,
        OfferedScheme::Ntlm => Scheme::Ntlm,
        OfferedScheme::Basic => Scheme::Basic,
    });
    let server_options = ServerOptions {
        schemes: schemes.collect(),
        now: clock,
        living: (!arguments.still).then_some(LIVING),
        ..ServerOptions::default()
    };
    let organization = Arc::new(Mutex::new(Organization::generate(&options)));
    let server = Server::bind(arguments.listen, organization, server_options)
        .await
        .with_context(|| format!("listening on {}", arguments.listen))?;
    say(&format!("simulated Exchange listens on {}", server.url()))?;
    let Account { domain, user, password, .. } = &account;
    say(&format!("sign in as {domain}\\{user} with the password {password}"))?;
    server.run(serve::stop_signal()).await.context("serving the simulated organization")?;
    Ok(Exit::Done)
}

fn account(arguments: &OnPremisesArguments) -> anyhow::Result<Account> {
    let (name, inline) = match arguments.user.split_once(':') {
        Some((name, password)) => (name, Some(password.to_owned())),
        None => (arguments.user.as_str(), None),
    };
    let Some((domain, user)) = name.split_once('\\') else {
        bail!("the account {name:?} is not of the form 'DOMAIN\\user'");
    };
    let password = match (&arguments.password_file, inline) {
        (Some(file), _) => secret::from_file(file)?,
        (None, Some(password)) => password,
        (None, None) => bail!("give the password in --user after a colon, or in --password-file"),
    };
    Ok(Account::administrator(domain, user, &password))
}
