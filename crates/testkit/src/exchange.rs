//! A simulated organization that is being served.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::connector::{Authentication, Endpoint, Trust};
use simulator::{Faults, Ledger, Organization, OrganizationOptions, Server, ServerOptions};
use tokio::runtime::Runtime;

/// A simulated organization, served on a loopback address until this is dropped.
pub struct Exchange {
    organization: Arc<Mutex<Organization>>,
    faults: Arc<Mutex<Faults>>,
    ledger: Ledger,
    url: String,
    runtime: Option<Runtime>,
}

impl Exchange {
    /// Grows an organization and serves it with the usual schemes. It lives on only when a story
    /// says so.
    pub fn serve(options: &OrganizationOptions) -> anyhow::Result<Self> {
        Self::present(Arc::new(Mutex::new(Organization::generate(options))))
    }

    /// The same organization by another address, as another of its servers would give it.
    pub fn another_server(&self) -> anyhow::Result<Self> {
        Self::present(Arc::clone(&self.organization))
    }

    fn present(organization: Arc<Mutex<Organization>>) -> anyhow::Result<Self> {
        // A runtime of its own: it goes on when the engine beside it is killed.
        let runtime = runtime()?;
        let start = locked(&organization).now();
        let options = ServerOptions { now: Arc::new(move || start), ..ServerOptions::default() };
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = Server::bind(address, Arc::clone(&organization), options);
        let server = on(&runtime, bound)?;
        let (faults, ledger, url) = (server.faults(), server.ledger(), server.url());
        runtime.spawn(server.run(std::future::pending()));
        Ok(Self { organization, faults, ledger, url, runtime: Some(runtime) })
    }

    /// The organization, to look at and to change.
    pub fn organization(&self) -> MutexGuard<'_, Organization> {
        locked(&self.organization)
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
    pub fn endpoint(&self) -> Endpoint {
        let account = self.organization().options().accounts.first().cloned();
        Endpoint {
            url: self.url.clone(),
            connect_to: None,
            spn: None,
            authentication: Authentication::Ntlm,
            username: account.map(|account| format!(r"{}\{}", account.domain, account.user)),
            kdc: Vec::new(),
            keytab: None,
            allow_basic_without_tls: false,
            trust: Trust::default(),
            proxy: None,
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
pub(crate) fn runtime() -> std::io::Result<Runtime> {
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
