//! A simulated hosted organization that is being served, with the sign-in that goes with it.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use anyhow::Context as _;
use domain::connector::{HostedEndpoint, Tenant, Trust};
use jiff::{SignedDuration, Timestamp};
use simulator::{
    AppCertificate, Application, Console, Faults, HostedHabits, HostedOptions, HostedServer,
    KeyKind, Ledger, Organization, OrganizationOptions, Waiting,
};
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};
use uuid::Uuid;

use crate::exchange::{locked, on, runtime};

/// A simulated hosted organization, served on a loopback address until this is dropped.
pub struct HostedExchange {
    organization: Arc<Mutex<Organization>>,
    options: HostedOptions,
    clock: Arc<Mutex<Timestamp>>,
    faults: Arc<Mutex<Faults>>,
    ledger: Ledger,
    address: SocketAddr,
    certificate: AppCertificate,
    running: Mutex<Option<Running>>,
    runtime: Option<Runtime>,
}

/// A service that is being served, and how it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

impl HostedExchange {
    /// Secret of the application.
    pub const SECRET: &'static str = "hosted~Pa55word";
    /// Id of the application.
    pub const APPLICATION: Uuid = Uuid::from_u128(0x6a7e_9057_0000_4000_8000_0000_0000_0001);

    /// Grows a hosted organization, whatever the options say of its dialect, and serves it. It lives
    /// on only when a story says so.
    pub fn serve(options: &OrganizationOptions) -> anyhow::Result<Self> {
        Self::serve_beside(options, engine::Clock::manual(options.start))
    }

    /// The same beside somebody whose clock goes on: when they have waited, time has passed here.
    pub fn serve_beside(
        options: &OrganizationOptions,
        beside: engine::Clock,
    ) -> anyhow::Result<Self> {
        Self::serve_with(options, beside, HostedHabits::default())
    }

    /// The same with habits of its own: smaller pages, shorter tokens, fewer calls.
    pub fn serve_with(
        options: &OrganizationOptions,
        beside: engine::Clock,
        habits: HostedHabits,
    ) -> anyhow::Result<Self> {
        let dialect = simulator::Dialect::ExchangeOnline;
        let options = OrganizationOptions { dialect, ..options.clone() };
        let organization = Organization::generate(&options);
        let clock = Arc::new(Mutex::new(organization.now()));
        let end = organization.now() + SignedDuration::from_hours(24 * 365);
        let certificate = AppCertificate::self_signed("gatepost", KeyKind::Ec, end)?;
        let application = Application {
            secret: Some(Self::SECRET.to_owned()),
            certificates: vec![certificate.certificate_pem()?],
            ..Application::new(Self::APPLICATION, "gatepost")
        };
        let time = Arc::clone(&clock);
        let now: simulator::Clock = Arc::new(move || (*locked(&time)).max(beside.now()));
        let mut options = HostedOptions::new(now, vec![application])?;
        options.habits = habits;
        let mut exchange = Self {
            organization: Arc::new(Mutex::new(organization)),
            options,
            clock,
            faults: Arc::default(),
            ledger: Ledger::default(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            certificate,
            running: Mutex::default(),
            // A runtime of its own: it goes on when the engine beside it is killed.
            runtime: Some(runtime()?),
        };
        let server = exchange.bind()?;
        exchange.address = server.address();
        exchange.run(server);
        Ok(exchange)
    }

    fn bind(&self) -> anyhow::Result<HostedServer> {
        let runtime = self.runtime.as_ref().context("it was dropped")?;
        let organization = Arc::clone(&self.organization);
        let bound = HostedServer::bind(self.address, organization, self.options.clone());
        let server = on(runtime, bound)?;
        Ok(server.with_ledger(self.ledger.clone()).with_faults(Arc::clone(&self.faults)))
    }

    fn run(&self, server: HostedServer) {
        let Some(runtime) = &self.runtime else { return };
        let (stop, stopped) = oneshot::channel();
        // Whoever forgets the sender wants the end as well.
        let served = runtime.spawn(server.run(async { stopped.await.unwrap_or_default() }));
        *locked(&self.running) = Some(Running { stop, served });
    }

    /// Stops the service for real: links to pages are gone, connections are cut and refused. The
    /// organization and the tokens stay.
    pub fn stop(&self) -> anyhow::Result<()> {
        let Some(Running { stop, served }) = locked(&self.running).take() else { return Ok(()) };
        let runtime = self.runtime.as_ref().context("it was dropped")?;
        // A service that ended by itself does not listen any more.
        if stop.send(()).is_ok() {
            on(runtime, served)??;
        }
        Ok(())
    }

    /// Starts the service again that was stopped, on the same address, with the same ledger. What the
    /// application may see is taken from here: [`HostedExchange::application_mut`].
    pub fn start_again(&self) -> anyhow::Result<()> {
        if locked(&self.running).is_some() {
            return Ok(());
        }
        self.run(self.bind()?);
        Ok(())
    }

    /// The application as the service will know it when it is started again.
    pub fn application_mut(&mut self) -> &mut Application {
        &mut self.options.applications[0]
    }

    /// Time passes for the organization and its service, and nothing happens in it.
    pub fn skip_to(&self, now: Timestamp) {
        locked(&self.organization).skip_to(now);
        let mut clock = locked(&self.clock);
        *clock = (*clock).max(now);
    }

    /// The organization, to look at and to change.
    pub fn organization(&self) -> MutexGuard<'_, Organization> {
        locked(&self.organization)
    }

    /// Runs a cmdlet as somebody types it who is not Gatepost: `CONTOSO\administrator`. Gives what is
    /// printed, or with an error what is wrong.
    pub fn console(&self, line: &str) -> Result<String, String> {
        let now = (self.options.now)();
        Console::new(r"CONTOSO\administrator").run(&mut self.organization(), now, line)
    }

    /// What shall go wrong.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    /// What the service was asked.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Every token that was given so far is refused from now on.
    pub fn revoke_tokens(&self) {
        self.options.revoke_tokens();
    }

    /// A person enters every code that waits for one. Gives how many there were.
    pub fn enter_device_codes(&self, person: &str) -> usize {
        let (codes, entered) = (self.options.device_codes(), Waiting::Entered(person.to_owned()));
        codes.pending().iter().filter(|code| codes.settle(code, &entered)).count()
    }

    /// `https://127.0.0.1:port` of the service, and of its sign-in.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The root to trust.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.options.root_pem()
    }

    /// Id of the tenant.
    #[must_use]
    pub fn tenant(&self) -> Uuid {
        self.organization().tenant_id()
    }

    /// The registered certificate, with its key; the key is of an elliptic curve.
    #[must_use]
    pub const fn certificate(&self) -> &AppCertificate {
        &self.certificate
    }

    /// How the application reaches the organization, with its certificate.
    pub fn endpoint(&self) -> anyhow::Result<HostedEndpoint> {
        let tenant = Tenant::parse(&self.tenant().to_string())?;
        Ok(HostedEndpoint {
            service_url: Some(self.url()),
            login_url: Some(self.url()),
            trust: Trust { extra_roots_pem: Some(self.root_pem()), ..Trust::default() },
            ..HostedEndpoint::new(tenant, Self::APPLICATION)
        })
    }
}

impl std::fmt::Debug for HostedExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedExchange").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for HostedExchange {
    fn drop(&mut self) {
        // Dropping a runtime waits, which is not allowed inside of another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_tenant_goes_off_and_comes_again_at_the_same_address() -> anyhow::Result<()> {
        let exchange = HostedExchange::serve(&OrganizationOptions::default())?;
        let endpoint = exchange.endpoint()?;
        assert_eq!(endpoint.service_url, Some(exchange.url()));
        assert_eq!(endpoint.tenant.as_str(), exchange.tenant().to_string());
        assert!(TcpStream::connect(exchange.address).is_ok());
        exchange.stop()?;
        assert!(TcpStream::connect(exchange.address).is_err());
        exchange.start_again()?;
        assert!(TcpStream::connect(exchange.address).is_ok());
        let later = exchange.organization().now() + SignedDuration::from_mins(5);
        exchange.skip_to(later);
        assert_eq!(exchange.organization().now(), later);
        let set = "Set-MobileDeviceMailboxPolicy Default -AllowGooglePushNotifications $false";
        assert_eq!(exchange.console(set), Ok(String::new()));
        assert!(exchange.console("Get-ExchangeServer").is_err());
        Ok(())
    }
}
