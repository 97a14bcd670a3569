//! A simulated organization that is being served.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context as _;
use domain::connector::{Authentication, ServerEndpoint};
use jiff::Timestamp;
use simulator::{
    Console, Faults, Ledger, Organization, OrganizationOptions, Server, ServerOptions,
};
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};

/// A simulated organization, served on a loopback address until this is dropped.
pub struct Exchange {
    organization: Arc<Mutex<Organization>>,
    options: ServerOptions,
    /// The time of every server of this organization.
    clock: Arc<Mutex<Timestamp>>,
    /// Theirs is never before this one.
    beside: engine::Clock,
    faults: Arc<Mutex<Faults>>,
    ledger: Ledger,
    address: SocketAddr,
    url: String,
    running: Mutex<Option<Running>>,
    runtime: Option<Runtime>,
}

/// A server that is being served, and how it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

impl Exchange {
    /// Grows an organization and serves it with the usual schemes. It lives on only when a story
    /// says so.
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
        Self::present(Arc::new(Mutex::new(organization)), clock, beside, 0)
    }

    /// The same organization by another address, as an array in front of it would give it.
    pub fn another_server(&self) -> anyhow::Result<Self> {
        self.server(self.options.server)
    }

    /// The same organization by another of its servers, by index in the order of its sites. It has
    /// shells, faults and a ledger of its own.
    pub fn server(&self, index: usize) -> anyhow::Result<Self> {
        let (organization, clock) = (Arc::clone(&self.organization), Arc::clone(&self.clock));
        Self::present(organization, clock, self.beside.clone(), index)
    }

    fn present(
        organization: Arc<Mutex<Organization>>,
        clock: Arc<Mutex<Timestamp>>,
        beside: engine::Clock,
        server: usize,
    ) -> anyhow::Result<Self> {
        let (time, theirs) = (Arc::clone(&clock), beside.clone());
        let options = ServerOptions {
            now: Arc::new(move || (*locked(&time)).max(theirs.now())),
            server,
            ..ServerOptions::default()
        };
        let mut exchange = Self {
            organization,
            options,
            clock,
            beside,
            faults: Arc::default(),
            ledger: Ledger::default(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            url: String::new(),
            running: Mutex::default(),
            // A runtime of its own: it goes on when the engine beside it is killed.
            runtime: Some(runtime()?),
        };
        let server = exchange.bind()?;
        (exchange.address, exchange.url) = (server.address(), server.url());
        exchange.run(server);
        Ok(exchange)
    }

    fn bind(&self) -> anyhow::Result<Server> {
        let runtime = self.runtime.as_ref().context("it was dropped")?;
        let organization = Arc::clone(&self.organization);
        let server = on(runtime, Server::bind(self.address, organization, self.options.clone()))?;
        Ok(server.with_ledger(self.ledger.clone()).with_faults(Arc::clone(&self.faults)))
    }

    fn run(&self, server: Server) {
        let Some(runtime) = &self.runtime else { return };
        let (stop, stopped) = oneshot::channel();
        // Whoever forgets the sender wants the end as well.
        let served = runtime.spawn(server.run(async { stopped.await.unwrap_or_default() }));
        *locked(&self.running) = Some(Running { stop, served });
    }

    /// Stops the server for real: its shells are gone, connections are cut and refused. The
    /// organization stays.
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
        if locked(&self.running).is_some() {
            return Ok(());
        }
        self.run(self.bind()?);
        Ok(())
    }

    /// Time passes for the organization and all of its servers, and nothing happens in it.
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
        let now = (self.options.now)();
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

    /// Address of remote PowerShell.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How the organization's first account reaches it: sealed NTLM over plain HTTP.
    #[must_use]
    pub fn endpoint(&self) -> ServerEndpoint {
        let account = self.organization().options().accounts.first().cloned();
        ServerEndpoint {
            authentication: Authentication::Ntlm,
            username: account.map(|account| format!(r"{}\{}", account.domain, account.user)),
            ..ServerEndpoint::new(self.url.clone())
        }
    }

    /// Password of the organization's first account.
    #[must_use]
    pub fn password(&self) -> Option<String> {
        let organization = self.organization();
        organization.options().accounts.first().map(|account| account.password.clone())
    }
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
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpStream,
    };

    use super::*;

    /// What the health page of a server answers; nothing if it cannot be reached.
    fn health(exchange: &Exchange) -> Option<String> {
        let mut stream = TcpStream::connect(exchange.address).ok()?;
        let request =
            "GET /PowerShell/healthcheck.htm HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.lines().next().map(str::to_owned)
    }

    #[test]
    fn somebody_else_changes_what_the_servers_show_and_is_named() -> anyhow::Result<()> {
        let exchange = Exchange::serve(&OrganizationOptions::default())?;
        let later = exchange.organization().now() + jiff::SignedDuration::from_mins(5);
        exchange.skip_to(later);
        let set = "Set-MobileDeviceMailboxPolicy Default -AllowCamera $false";
        assert_eq!(exchange.console(set), Ok(String::new()));
        let texts = exchange.organization().policy_texts("Default").unwrap_or_default();
        assert_eq!(texts["AllowCamera"], "False");
        let log = exchange.console("Search-AdminAuditLog | fl Caller,RunDate").unwrap_or_default();
        assert!(log.contains("contoso.com/Users/administrator"), "{log}");
        assert!(log.contains(&later.to_string()), "{log}");
        assert!(exchange.console("Set-Nothing").is_err());
        Ok(())
    }

    #[test]
    fn one_server_goes_off_and_comes_again_while_the_other_stays() -> anyhow::Result<()> {
        let first = Exchange::serve(&OrganizationOptions::default())?;
        let second = first.server(1)?;
        let alive = Some("HTTP/1.1 200 OK".to_owned());
        first.faults().offline = true;
        assert_eq!((health(&first), health(&second)), (None, alive.clone()));
        first.faults().offline = false;
        assert_eq!(health(&first), alive);
        first.stop()?;
        assert!(TcpStream::connect(first.address).is_err());
        assert_eq!(health(&second), alive);
        let connections = first.ledger().entries().connections;
        first.start_again()?;
        assert_eq!(health(&first), alive);
        assert_eq!(first.ledger().entries().connections, connections + 1);
        Ok(())
    }
}
