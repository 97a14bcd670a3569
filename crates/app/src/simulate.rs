//! `gatepost simulate`: a simulated Exchange organization by itself, on the real wire.

mod hosted;
mod typed;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use simulator::{
    Account, Budget, Dialect, Organization, OrganizationOptions, Scheme, Server, ServerOptions,
    Visible, system_clock,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use crate::{cli::Exit, output::say, secret, serve};

#[derive(Debug, Subcommand)]
pub(crate) enum SimulateVerb {
    /// Simulate an on-premises organization: remote PowerShell over HTTP, with living devices
    ///
    /// Each line of the standard input is a cmdlet as an administrator would type it at the Exchange
    /// console, and is run without asking: 'Set-MobileDeviceMailboxPolicy -Identity Default
    /// -AllowCamera $false', 'Get-CASMailbox jane | Format-List'. What it gives is printed. The end of
    /// the input means nothing; in the background of a terminal nothing is read.
    OnPremises(OnPremisesArguments),
    /// Simulate a hosted organization: Exchange Online with its sign-in over HTTPS, with living devices
    ///
    /// It prints the tenant, the application and the files that a connector needs, and the command that
    /// adds one. Each line of the standard input is a cmdlet, as with 'simulate on-premises'. A code
    /// that a person is to enter is entered at /devicelogin of the same address.
    Hosted(hosted::HostedArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct OnPremisesArguments {
    /// Address to listen on; port 0 takes any free port. Given several times: as many servers of
    /// the same organization, in the order of its sites
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    listen: Vec<SocketAddr>,
    /// Which of the organization's servers is on the first address, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    server: usize,
    /// Active Directory sites with the number of servers in each
    #[arg(long, value_name = "SITES", value_delimiter = ',', value_parser = site, default_value = "Berlin=2,Shanghai=1")]
    sites: Vec<(String, usize)>,
    /// Versions of the servers, in the order of the sites: '14.3,15.1,15.2'. 14 is Exchange 2010,
    /// which does not see what lives on later servers
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', value_parser = version)]
    versions: Vec<[i32; 4]>,
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
    /// A cmdlet that the account's roles do not show; may be given several times
    #[arg(long, value_name = "CMDLET")]
    hide: Vec<String>,
    /// How much the account may ask for: so many cmdlets in a period of seconds, each further one
    /// delayed by so many milliseconds, and none beyond max. 'cmdlets=100,period=60,delay=250' or
    /// with ',max=200'
    #[arg(long, value_name = "BUDGET", value_parser = budget)]
    budget: Option<Budget>,
    /// A property that the servers do not filter by, or 'CMDLET/PROPERTY'; may be given several
    /// times
    #[arg(long, value_name = "PROPERTY")]
    refuse_filter: Vec<String>,
    /// Whose cmdlets are typed on the standard input, as 'DOMAIN\user'
    #[arg(long, value_name = "ACCOUNT", default_value = r"CONTOSO\administrator")]
    console_user: String,
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
    match verb {
        SimulateVerb::OnPremises(arguments) => on_premises(arguments).await,
        SimulateVerb::Hosted(arguments) => hosted::run(arguments).await,
    }
}

async fn on_premises(arguments: OnPremisesArguments) -> anyhow::Result<Exit> {
    // Whoever asks daemons to read their configuration anew has nothing to say to this one.
    let hangup = signal(SignalKind::hangup());
    let stop = serve::stop_signal();
    let account = account(&arguments)?;
    let options = options(&arguments, &account);
    let organization = Arc::new(Mutex::new(Organization::generate(&options)));
    let mut servers = Vec::new();
    for (index, address) in arguments.listen.iter().enumerate() {
        let options = server_options(&arguments, index);
        let server = Server::bind(*address, Arc::clone(&organization), options)
            .await
            .with_context(|| format!("listening on {address}"))?;
        say(&format!("simulated Exchange listens on {}", server.url()))?;
        servers.push(server);
    }
    let Account { domain, user, password, .. } = &account;
    say(&format!("sign in as {domain}\\{user} with the password {password}"))?;
    typed::listen(organization, &arguments.console_user)?;
    serve_all(servers, stop).await?;
    drop(hangup);
    Ok(Exit::Done)
}

fn options(arguments: &OnPremisesArguments, account: &Account) -> OrganizationOptions {
    let mut options = OrganizationOptions::with_devices(arguments.devices, system_clock()());
    options.seed = arguments.seed;
    options.mailboxes = arguments.mailboxes.unwrap_or(options.mailboxes);
    options.dialect = match arguments.dialect {
        Version::V2010 => Dialect::Exchange2010,
        Version::V2013 => Dialect::Exchange2013,
    };
    options.sites.clone_from(&arguments.sites);
    options.server_versions.clone_from(&arguments.versions);
    options.habits.budget = arguments.budget;
    options.habits.refused_filters.clone_from(&arguments.refuse_filter);
    options.accounts = vec![account.clone()];
    options
}

/// How the server on the address of that index presents the organization.
fn server_options(arguments: &OnPremisesArguments, index: usize) -> ServerOptions {
    let schemes = arguments.auth.iter().map(|scheme| match scheme {
        OfferedScheme::Negotiate => Scheme::Negotiate,
        OfferedScheme::Ntlm => Scheme::Ntlm,
        OfferedScheme::Basic => Scheme::Basic,
    });
    ServerOptions {
        schemes: schemes.collect(),
        now: system_clock(),
        // There is one organization, and one of its servers lets it live.
        living: (index == 0 && !arguments.still).then_some(LIVING),
        server: arguments.server + index,
    }
}

/// Serves until `stop` is ready, or until one of the servers fails.
async fn serve_all(
    servers: Vec<Server>,
    stop: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let (ending, _) = watch::channel(false);
    let mut serving = JoinSet::new();
    for server in servers {
        let mut ended = ending.subscribe();
        // Whoever drops the sender wants the end as well.
        serving.spawn(server.run(async move { drop(ended.wait_for(|ended| *ended).await) }));
    }
    tokio::select! {
        () = stop => {}
        Some(ended) = serving.join_next() => ended?.context("serving the simulated organization")?,
    }
    ending.send_replace(true);
    while let Some(ended) = serving.join_next().await {
        ended?.context("serving the simulated organization")?;
    }
    Ok(())
}

/// `Berlin=2`
fn site(text: &str) -> Result<(String, usize), String> {
    let wanted = || format!("{text:?} is not of the form 'Berlin=2'");
    let (name, count) = text.split_once('=').ok_or_else(wanted)?;
    let count: u8 = count.trim().parse().map_err(|_| wanted())?;
    Ok((name.trim().to_owned(), usize::from(count)))
}

/// `15.1` or `15.1.2507.6`
fn version(text: &str) -> Result<[i32; 4], String> {
    let mut version = [0; 4];
    let parts: Vec<&str> = text.trim().split('.').collect();
    if !(2..=version.len()).contains(&parts.len()) {
        return Err(format!("{text:?} is not of the form '15.1' or '15.1.2507.6'"));
    }
    for (number, part) in version.iter_mut().zip(parts) {
        let part: u16 = part.parse().map_err(|_| format!("{part:?} is not a number"))?;
        *number = i32::from(part);
    }
    Ok(version)
}

/// `cmdlets=100,period=60,delay=250`, with `max=200` if there is a hard limit.
fn budget(text: &str) -> Result<Budget, String> {
    let mut budget = Budget { cmdlets: 0, period_seconds: 60, delay_ms: 0, cmdlets_max: None };
    let mut cmdlets = None;
    for part in text.split(',') {
        let wanted = || format!("{part:?} is not one of cmdlets=N, period=N, delay=N, max=N");
        let (name, number) = part.trim().split_once('=').ok_or_else(wanted)?;
        let number: u32 = number.parse().map_err(|_| wanted())?;
        match name {
            "cmdlets" => cmdlets = Some(number),
            "period" => budget.period_seconds = number,
            "delay" => budget.delay_ms = number,
            "max" => budget.cmdlets_max = Some(number),
            _ => return Err(wanted()),
        }
    }
    let cmdlets = cmdlets.ok_or("say how many cmdlets are free, as in 'cmdlets=100'")?;
    Ok(Budget { cmdlets, ..budget })
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
    let mut account = Account::administrator(domain, user, &password);
    if !arguments.hide.is_empty() {
        account.visible = Visible::Without(arguments.hide.clone());
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        verb: SimulateVerb,
    }

    fn arguments(words: &[&str]) -> Result<OnPremisesArguments, String> {
        let words = ["simulate", "on-premises"].iter().chain(words);
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        match line.verb {
            SimulateVerb::OnPremises(arguments) => Ok(arguments),
            SimulateVerb::Hosted(_) => Err("another simulation".to_owned()),
        }
    }

    #[test]
    fn flags_shape_the_organization_and_its_servers() {
        let arguments = arguments(&[
            "--listen=127.0.0.1:0",
            "--listen=127.0.0.1:0",
            "--server=1",
            "--sites=Berlin=1,Shanghai=2",
            "--versions=14.3,15.1.2507.6",
            "--budget=cmdlets=100,period=30,delay=250,max=200",
            "--refuse-filter=WhenChangedUTC",
            "--hide=Get-Command",
            "--hide=Clear-MobileDevice",
        ])
        .unwrap();
        let account = account(&arguments).unwrap();
        assert!(!account.visible.shows("clear-mobiledevice"));
        assert!(account.visible.shows("Get-MobileDevice"));
        let options = options(&arguments, &account);
        assert_eq!(options.sites, [("Berlin".to_owned(), 1), ("Shanghai".to_owned(), 2)]);
        assert_eq!(options.server_versions, [[14, 3, 0, 0], [15, 1, 2507, 6]]);
        assert!(options.habits.refuses_filter("Get-MobileDevice", "WhenChangedUTC"));
        let budget =
            Budget { cmdlets: 100, period_seconds: 30, delay_ms: 250, cmdlets_max: Some(200) };
        assert_eq!(options.habits.budget, Some(budget));
        let [first, second] = [0, 1].map(|index| server_options(&arguments, index));
        assert_eq!((first.server, second.server), (1, 2));
        assert_eq!((first.living, second.living), (Some(LIVING), None));
    }

    #[test]
    fn without_flags_there_is_one_server_of_the_usual_organization() {
        let arguments = arguments(&[]).unwrap();
        assert_eq!(arguments.listen.len(), 1);
        let options = options(&arguments, &account(&arguments).unwrap());
        assert_eq!(options.sites, OrganizationOptions::default().sites);
    }

    #[test]
    fn what_is_no_budget_site_or_version_is_named() {
        let check = |flag: &str, why: &str| {
            let error = arguments(&[flag]).unwrap_err();
            assert!(error.contains(why), "{error}");
        };
        check("--budget=period=60", "say how many cmdlets are free");
        check("--budget=cmdlets=many", "\"cmdlets=many\" is not one of");
        check("--sites=Berlin", "is not of the form 'Berlin=2'");
        check("--versions=15", "is not of the form '15.1'");
    }
}
