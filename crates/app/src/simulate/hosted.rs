//! `gatepost simulate hosted`: a tenant with its sign-in and its Exchange service, over HTTPS.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use anyhow::Context as _;
use clap::ValueEnum;
use jiff::SignedDuration;
use simulator::{
    AppCertificate, Application, HostedFaults, HostedOptions, HostedServer, KeyKind, Organization,
    OrganizationOptions, Visible, system_clock,
};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use super::{LIVING, typed};
use crate::{cli::Exit, output::say, serve};

#[derive(Debug, clap::Args)]
pub(crate) struct HostedArguments {
    /// Address to listen on; port 0 takes any free port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the application's certificate with its key, its secret and the service's root are
    /// written; made if it is not there. They are made anew with each start
    #[arg(long, value_name = "DIR", default_value = "simulated-tenant")]
    certificates: PathBuf,
    /// Kind of the application's key
    #[arg(long, value_enum, default_value_t = Key::Rsa)]
    key: Key,
    /// Number of devices
    #[arg(long, value_name = "N", default_value_t = 100)]
    devices: usize,
    /// Number of mailboxes; by default as many as so many devices would have
    #[arg(long, value_name = "N")]
    mailboxes: Option<usize>,
    /// Where chance begins: the same seed grows the same organization
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A cmdlet that the application's roles do not show; may be given several times
    #[arg(long, value_name = "CMDLET")]
    hide: Vec<String>,
    /// A property that the service does not filter by, or 'CMDLET/PROPERTY'; may be given several
    /// times
    #[arg(long, value_name = "PROPERTY")]
    refuse_filter: Vec<String>,
    /// Minutes that a token is good
    #[arg(long, value_name = "N", default_value_t = 60)]
    token_minutes: u32,
    /// Whose cmdlets are typed on the standard input, as 'DOMAIN\user'
    #[arg(long, value_name = "ACCOUNT", default_value = r"CONTOSO\administrator")]
    console_user: String,
    /// Nothing changes by itself: no device syncs, appears or is quarantined
    #[arg(long)]
    still: bool,
    #[command(flatten)]
    faults: FaultArguments,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What shall go wrong")]
struct FaultArguments {
    /// Refuse every n-th call with 429
    #[arg(long, value_name = "N")]
    throttle_every: Option<u32>,
    /// Seconds that such a refusal asks to wait
    #[arg(long, value_name = "SECONDS", requires = "throttle_every")]
    retry_after: Option<u32>,
    /// Refuse every n-th call with 503
    #[arg(long, value_name = "N")]
    unavailable_every: Option<u32>,
    /// Refuse every n-th call with 400, and say only inside that it will pass
    #[arg(long, value_name = "N")]
    transient_every: Option<u32>,
    /// Send every call to a regional host: localhost in place of 127.0.0.1
    #[arg(long)]
    redirect: bool,
    /// Do not find for so many seconds what was just made
    #[arg(long, value_name = "SECONDS")]
    not_there_yet: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Key {
    /// RSA, 2048 bits
    Rsa,
    /// Elliptic curve P-256
    Ec,
}

/// The simulated application. What it proves itself with protects nothing.
const APPLICATION: Uuid = Uuid::from_u128(0x6a7e_9057_0000_4000_8000_0000_0000_0001);
const SECRET: &str = "simulated~Pa55word";
/// How long the application's certificate is good.
const CERTIFICATE_LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);

pub(super) async fn run(arguments: HostedArguments) -> anyhow::Result<Exit> {
    // Whoever asks daemons to read their configuration anew has nothing to say to this one.
    let hangup = signal(SignalKind::hangup());
    let stop = serve::stop_signal();
    let organization = Organization::generate(&options(&arguments));
    let kind = match arguments.key {
        Key::Rsa => KeyKind::Rsa,
        Key::Ec => KeyKind::Ec,
    };
    let end = system_clock()() + CERTIFICATE_LIFE;
    let certificate = AppCertificate::self_signed("gatepost", kind, end)?;
    let served = served(&arguments, &certificate)?;
    let files = Files::write(&arguments.certificates, &certificate, &served.root_pem())?;
    let (tenant, domain) = (organization.tenant_id(), organization.tenant_domain());
    let organization = Arc::new(Mutex::new(organization));
    let server = HostedServer::bind(arguments.listen, Arc::clone(&organization), served)
        .await
        .with_context(|| format!("listening on {}", arguments.listen))?;
    server.faults().lock().unwrap_or_else(std::sync::PoisonError::into_inner).hosted =
        arguments.faults.order();
    say(&files.welcome(&server.url(), tenant, &domain))?;
    typed::listen(organization, &arguments.console_user)?;
    server.run(stop).await.context("serving the simulated organization")?;
    drop(hangup);
    Ok(Exit::Done)
}

fn options(arguments: &HostedArguments) -> OrganizationOptions {
    let mut options = OrganizationOptions::hosted(arguments.devices, system_clock()());
    options.seed = arguments.seed;
    options.mailboxes = arguments.mailboxes.unwrap_or(options.mailboxes);
    options.habits.refused_filters.clone_from(&arguments.refuse_filter);
    options
}

/// The service as the flags shape it.
fn served(
    arguments: &HostedArguments,
    certificate: &AppCertificate,
) -> anyhow::Result<HostedOptions> {
    let mut application = Application {
        secret: Some(SECRET.to_owned()),
        certificates: vec![certificate.certificate_pem()?],
        ..Application::new(APPLICATION, "gatepost")
    };
    if !arguments.hide.is_empty() {
        application.visible = Visible::Without(arguments.hide.clone());
    }
    let mut options = HostedOptions::new(system_clock(), vec![application])?;
    options.living = (!arguments.still).then_some(LIVING);
    options.habits.token_lifetime = SignedDuration::from_mins(arguments.token_minutes.into());
    Ok(options)
}

impl FaultArguments {
    fn order(&self) -> HostedFaults {
        HostedFaults {
            throttle_every: self.throttle_every,
            retry_after_seconds: self.retry_after,
            unavailable_every: self.unavailable_every,
            transient_every: self.transient_every,
            redirect: self.redirect,
            not_there_yet_seconds: self.not_there_yet,
            ..HostedFaults::default()
        }
    }
}

/// What a connector needs to be told, as files.
struct Files {
    certificate: PathBuf,
    secret: PathBuf,
    root: PathBuf,
}

impl Files {
    fn write(directory: &Path, certificate: &AppCertificate, root: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(directory)
            .with_context(|| format!("making the directory {}", directory.display()))?;
        let directory = directory.canonicalize()?;
        let write = |name: &str, text: &str| -> anyhow::Result<PathBuf> {
            let path = directory.join(name);
            let mut file = fs::OpenOptions::new();
            file.write(true).create(true).truncate(true).mode(0o600);
            let written = file.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
            written.with_context(|| format!("writing {}", path.display()))?;
            Ok(path)
        };
        Ok(Self {
            certificate: write("application.pem", &certificate.pem()?)?,
            secret: write("client-secret.txt", SECRET)?,
            root: write("root.pem", root)?,
        })
    }

    fn welcome(&self, url: &str, tenant: Uuid, domain: &str) -> String {
        let Self { certificate, secret, root } = self;
        let [certificate, secret, root] = [certificate, secret, root].map(|path| path.display());
        format!(
            "simulated Exchange Online listens on {url}\n\
             tenant       {tenant} ({domain})\n\
             application  {APPLICATION}\n\
             certificate  {certificate}\n\
             secret       {SECRET} (also in {secret})\n\
             root         {root}\n\
             connect to it with\n  \
             gatepost connector add cloud --hosted {tenant} --app-id {APPLICATION} --certificate \
             {certificate} --service-url {url} --login-url {url} --extra-root {root}"
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: HostedArguments,
    }

    fn arguments(words: &[&str]) -> HostedArguments {
        Line::parse_from(["hosted"].iter().chain(words)).arguments
    }

    #[test]
    fn flags_shape_the_organization_its_application_and_its_faults() {
        let arguments = arguments(&[
            "--devices=7",
            "--hide=Clear-MobileDevice",
            "--refuse-filter=WhenChangedUTC",
            "--token-minutes=5",
            "--throttle-every=10",
            "--retry-after=2",
            "--redirect",
            "--still",
        ]);
        let organization = options(&arguments);
        assert_eq!(organization.devices, 7);
        assert!(organization.habits.refuses_filter("Get-MobileDevice", "WhenChangedUTC"));
        let end = system_clock()() + CERTIFICATE_LIFE;
        let certificate = AppCertificate::self_signed("gatepost", KeyKind::Ec, end).unwrap();
        let served = served(&arguments, &certificate).unwrap();
        assert!(!served.applications[0].visible.shows("clear-mobiledevice"));
        assert_eq!(served.habits.token_lifetime, SignedDuration::from_mins(5));
        assert_eq!(served.living, None);
        let faults = arguments.faults.order();
        assert_eq!((faults.throttle_every, faults.retry_after_seconds), (Some(10), Some(2)));
        assert!(faults.redirect);
    }

    #[test]
    fn what_a_connector_needs_is_written_where_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let end = system_clock()() + CERTIFICATE_LIFE;
        let certificate = AppCertificate::self_signed("gatepost", KeyKind::Ec, end).unwrap();
        let files = Files::write(&home.path().join("a/b"), &certificate, "root").unwrap();
        let text = fs::read_to_string(&files.certificate).unwrap();
        assert!(text.contains("BEGIN CERTIFICATE") && text.contains("BEGIN PRIVATE KEY"));
        let mode = fs::metadata(&files.certificate).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let welcome = files.welcome("https://127.0.0.1:1", Uuid::nil(), "contoso.onmicrosoft.com");
        assert!(welcome.contains("--service-url https://127.0.0.1:1 --login-url"), "{welcome}");
    }
}
