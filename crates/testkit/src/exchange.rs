//! A simulated organization that is being served.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context as _;
use domain::{
    ConnectorName,
    connector::{Authentication, Endpoint, Options as ConnectorOptions, ServerEndpoint},
};
use engine::NewConnector;
use jiff::Timestamp;
use simulator::{
    Console, Dialect, Faults, HostedServer, Ledger, Organization, OrganizationOptions, Server,
    ServerOptions, Visible,
};
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};

use crate::{Side, tenant::Tenant};

/// A simulated organization, served on a loopback address until this is dropped: as Exchange on
/// premises serves it, or, where its dialect is that of Exchange Online, as the hosted service does.
pub struct Exchange {
    organization: Arc<Mutex<Organization>>,
    /// The time of every server of this organization.
    clock: Arc<Mutex<Timestamp>>,
    /// Theirs is never before this one.
    beside: engine::Clock,
    presented: Presented,
    faults: Arc<Mutex<Faults>>,
    ledger: Ledger,
    address: SocketAddr,
    url: String,
    running: Mutex<Option<Running>>,
    runtime: Option<Runtime>,
}

/// By what it is reached.
enum Presented {
    /// One of its servers, over remote PowerShell.
    OnPremises(Box<ServerOptions>),
    /// The service, over REST, with the sign-in that goes with it.
    Hosted(Arc<Tenant>),
}

/// A server that is being served, and how it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

impl Exchange {
    /// Grows an organization and serves it with the usual ways to sign in. It lives on only when a
    /// story says so.
    pub fn serve(options: &OrganizationOptions) -> anyhow::Result<Self> {
        Self::serve_beside(options, engine::Clock::manual(options.start))
    }

    /// The same beside somebody whose clock goes on: when they have waited, time has passed here.
    pub fn serve_beside(
        options: &OrganizationOptions,
        beside: engine::Clock,
    ) -> anyhow::Result<Self> {
        let organization = Organization::generate(options);
        let clock = Arc::new(Mutex::new(organization.now()));
        let organization = Arc::new(Mutex::new(organization));
        if options.dialect == Dialect::ExchangeOnline {
            let now = time_of(&clock, &beside);
            let tenant = Tenant::new(locked(&organization).tenant_id(), options.start, now)?;
            let presented = Presented::Hosted(Arc::new(tenant));
            return Self::present(organization, clock, beside, presented);
        }
        Self::present_server(organization, clock, beside, 0)
    }

    /// The same organization by another address, as an array or a gateway in front of it would give
    /// it.
    pub fn another_server(&self) -> anyhow::Result<Self> {
        let tenant = match &self.presented {
            Presented::OnPremises(options) => return self.server(options.server),
            Presented::Hosted(tenant) => Arc::clone(tenant),
        };
        let (organization, clock) = (Arc::clone(&self.organization), Arc::clone(&self.clock));
        Self::present(organization, clock, self.beside.clone(), Presented::Hosted(tenant))
    }

    /// The same organization by another of its servers, by index in the order of its sites. It has
    /// shells, faults and a ledger of its own. The hosted service has no servers to choose from.
    pub fn server(&self, index: usize) -> anyhow::Result<Self> {
        anyhow::ensure!(self.side() == Side::OnPremises, "hosted Exchange is one service");
        let (organization, clock) = (Arc::clone(&self.organization), Arc::clone(&self.clock));
        Self::present_server(organization, clock, self.beside.clone(), index)
    }

    fn present_server(
        organization: Arc<Mutex<Organization>>,
        clock: Arc<Mutex<Timestamp>>,
        beside: engine::Clock,
        server: usize,
    ) -> anyhow::Result<Self> {
        let now = time_of(&clock, &beside);
        let options = ServerOptions { now, server, ..ServerOptions::default() };
        Self::present(organization, clock, beside, Presented::OnPremises(Box::new(options)))
    }

    fn present(
        organization: Arc<Mutex<Organization>>,
        clock: Arc<Mutex<Timestamp>>,
        beside: engine::Clock,
        presented: Presented,
    ) -> anyhow::Result<Self> {
        let mut exchange = Self {
            organization,
            clock,
            beside,
            presented,
            faults: Arc::default(),
            ledger: Ledger::default(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            url: String::new(),
            running: Mutex::default(),
            // A runtime of its own: it goes on when the engine beside it is killed.
            runtime: Some(runtime()?),
        };
        (exchange.address, exchange.url) = exchange.run()?;
        Ok(exchange)
    }

    /// Takes the address, or any free one the first time, and serves. Where that is.
    fn run(&self) -> anyhow::Result<(SocketAddr, String)> {
        let runtime = self.runtime.as_ref().context("it was dropped")?;
        let organization = Arc::clone(&self.organization);
        let (ledger, faults) = (self.ledger.clone(), Arc::clone(&self.faults));
        let (stop, stopped) = oneshot::channel();
        // Whoever forgets the sender wants the end as well.
        let stopped = async { stopped.await.unwrap_or_default() };
        let (address, url, served) = match &self.presented {
            Presented::OnPremises(options) => {
                let bound = Server::bind(self.address, organization, (**options).clone());
                let server = on(runtime, bound)?.with_ledger(ledger).with_faults(faults);
                (server.address(), server.url(), runtime.spawn(server.run(stopped)))
            }
            Presented::Hosted(tenant) => {
                let bound = HostedServer::bind(self.address, organization, tenant.options());
                let server = on(runtime, bound)?.with_ledger(ledger).with_faults(faults);
                (server.address(), server.url(), runtime.spawn(server.run(stopped)))
            }
        };
        *locked(&self.running) = Some(Running { stop, served });
        Ok((address, url))
    }

    /// Stops the server for real: its shells and its links to pages are gone, connections are cut and
    /// refused. The organization stays, and so do the tokens that were given.
    pub fn stop(&self) -> anyhow::Result<()> {
        let Some(Running { stop, served }) = locked(&self.running).take() else { return Ok(()) };
        let runtime = self.runtime.as_ref().context("it was dropped")?;
        // A server that ended by itself does not listen any more.
        if stop.send(()).is_ok() {
            on(runtime, served)??;
        }
        Ok(())
    }

    /// Starts the server again that was stopped, on the same address, with the same ledger.
    pub fn start_again(&self) -> anyhow::Result<()> {
        if locked(&self.running).is_none() {
            self.run()?;
        }
        Ok(())
    }

    /// Where it lives.
    #[must_use]
    pub const fn side(&self) -> Side {
        match self.presented {
            Presented::OnPremises(_) => Side::OnPremises,
            Presented::Hosted(_) => Side::Hosted,
        }
    }

    /// What only a hosted organization has.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        match &self.presented {
            Presented::OnPremises(_) => panic!("an organization on premises is no tenant"),
            Presented::Hosted(tenant) => tenant,
        }
    }

    /// From now on these are the only cmdlets that the roles of whoever signs in do not show.
    pub fn hide(&self, cmdlets: &[&str]) -> anyhow::Result<()> {
        let hidden = Visible::Without(cmdlets.iter().map(|&name| name.to_owned()).collect());
        match &self.presented {
            Presented::OnPremises(_) => {
                for account in self.organization().accounts_mut() {
                    account.visible = hidden.clone();
                }
            }
            Presented::Hosted(tenant) => {
                tenant.application().visible = hidden;
                // The service knows its applications from its start.
                self.stop()?;
                self.start_again()?;
            }
        }
        Ok(())
    }

    /// Time passes for all servers of the organization, and nothing happens in it: what its phones
    /// and people do in that time they do later.
    pub fn skip_to(&self, now: Timestamp) {
        locked(&self.organization).skip_to(now);
        let mut clock = locked(&self.clock);
        *clock = (*clock).max(now);
    }

    /// The organization, to look at and to change.
    pub fn organization(&self) -> MutexGuard<'_, Organization> {
        locked(&self.organization)
    }

    /// Runs a cmdlet as somebody at the Exchange console types it, who is not Gatepost:
    /// `CONTOSO\administrator`. Gives what is printed, or with an error what is wrong.
    pub fn console(&self, line: &str) -> Result<String, String> {
        let now = time_of(&self.clock, &self.beside)();
        Console::new(r"CONTOSO\administrator").run(&mut self.organization(), now, line)
    }

    /// What shall go wrong.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    /// What the server was asked.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Address of remote PowerShell, or of the service and of its sign-in.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How it is reached: with the organization's first account by sealed NTLM over plain HTTP, or
    /// with the tenant's application and its certificate.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        if let Presented::Hosted(tenant) = &self.presented {
            return tenant.endpoint(&self.url).into();
        }
        let account = self.organization().options().accounts.first().cloned();
        let server = ServerEndpoint {
            authentication: Authentication::Ntlm,
            username: account.map(|account| format!(r"{}\{}", account.domain, account.user)),
            ..ServerEndpoint::new(self.url.clone())
        };
        server.into()
    }

    /// Password of the organization's first account; an application has none.
    #[must_use]
    pub fn password(&self) -> Option<String> {
        if self.side() == Side::Hosted {
            return None;
        }
        let organization = self.organization();
        organization.options().accounts.first().map(|account| account.password.clone())
    }

    /// What a connector called `name` to this organization is added with.
    #[must_use]
    pub fn new_connector(&self, name: ConnectorName) -> NewConnector {
        let proof = match &self.presented {
            Presented::OnPremises(_) => None,
            Presented::Hosted(tenant) => Some(tenant.proof()),
        };
        NewConnector {
            name,
            endpoint: self.endpoint(),
            options: ConnectorOptions::default(),
            is_paused: false,
            password: self.password(),
            proxy_password: None,
            notification_password: None,
            proof,
        }
    }
}

/// The time of an organization beside somebody whose clock goes on.
fn time_of(clock: &Arc<Mutex<Timestamp>>, beside: &engine::Clock) -> simulator::Clock {
    let (clock, beside) = (Arc::clone(clock), beside.clone());
    Arc::new(move || (*locked(&clock)).max(beside.now()))
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // Dropping a runtime waits, which is not allowed inside of another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A runtime with one thread of its own.
pub(crate) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

/// The outcome of a future that is run on a runtime, waited for from anywhere.
pub(crate) fn on<T: Send>(runtime: &Runtime, future: impl Future<Output = T> + Send) -> T {
    // A thread that is inside of a runtime may not block on another; this one is not.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| runtime.block_on(future));
        waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of another thread must not hide what a story looks for.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
