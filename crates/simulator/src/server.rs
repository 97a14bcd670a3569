//! One server of the organization, on one address.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    Faults, Ledger, Organization,
    wire::{Service, locked},
};

/// Where the simulator takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// An authentication scheme that a server may offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `Basic` (RFC 7617); bodies travel as they are.
    Basic,
    /// `NTLM`; bodies are sealed.
    Ntlm,
    /// `Negotiate` with NTLM in it, raw or wrapped in SPNEGO; bodies are sealed.
    Negotiate,
}

/// How one server presents the organization.
#[derive(Clone)]
pub struct ServerOptions {
    /// Schemes named in a 401, in this order.
    pub schemes: Vec<Scheme>,
    /// Where the time comes from.
    pub now: Clock,
    /// How often the organization lives a little further; `None`: only when a test says so.
    pub living: Option<Duration>,
    /// Which of the organization's servers this is.
    pub server: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            schemes: vec![Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic],
            now: system_clock(),
            living: None,
            server: 0,
        }
    }
}

impl std::fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerOptions")
            .field("schemes", &self.schemes)
            .field("living", &self.living)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// The computer's clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the simulated organization's one clock")]
pub fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// A bound server. [`Server::run`] serves until it is told to stop.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    organization: Arc<Mutex<Organization>>,
    options: ServerOptions,
    ledger: Ledger,
    faults: Arc<Mutex<Faults>>,
}

impl Server {
    /// Takes an address (port 0: any free one). Nothing is answered before [`Server::run`].
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(
        address: SocketAddr,
        organization: Arc<Mutex<Organization>>,
        options: ServerOptions,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            organization,
            options,
            ledger: Ledger::default(),
            faults: Arc::default(),
        })
    }

    /// Goes on writing into this ledger: a server that was stopped and comes again.
    #[must_use]
    pub fn with_ledger(self, ledger: Ledger) -> Self {
        Self { ledger, ..self }
    }

    /// Takes its orders for faults from here, shared with whoever gave it.
    #[must_use]
    pub fn with_faults(self, faults: Arc<Mutex<Faults>>) -> Self {
        Self { faults, ..self }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL to connect to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/PowerShell/", self.address)
    }

    /// What was asked so far; stays valid while the server runs and after.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// Faults to order, at any time.
    #[must_use]
    pub fn faults(&self) -> Arc<Mutex<Faults>> {
        Arc::clone(&self.faults)
    }

    /// Serves until `shutdown` is ready, then closes every connection and returns.
    ///
    /// # Errors
    /// When the listening socket fails for good.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let Self { listener, organization, options, ledger, faults, .. } = self;
        let living = live(Arc::clone(&organization), Arc::clone(&options.now), options.living);
        let service = Arc::new(Service::new(organization, options, ledger, faults));
        let serve = |stream, peer| {
            // Dropped, and with that cut.
            (!service.is_off()).then(|| Arc::clone(&service).serve(stream, peer))
        };
        serve_all(&listener, shutdown, living, serve).await
    }
}

/// Takes connections until `shutdown` is ready, then closes every one and returns. `serve` gives how one
/// is served, or nothing if it is to be cut.
///
/// # Errors
/// When the listening socket fails for good.
pub(crate) async fn serve_all<S: Future<Output = ()> + Send + 'static>(
    listener: &TcpListener,
    shutdown: impl Future<Output = ()>,
    living: impl Future<Output = ()>,
    serve: impl Fn(TcpStream, SocketAddr) -> Option<S>,
) -> io::Result<()> {
    // Dropping the set ends every connection, so that nothing outlives the server.
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown, living);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            () = &mut living => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Small answers must not wait for an acknowledgement of the one before.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "answers may be slow");
                    }
                    if let Some(served) = serve(stream, peer) {
                        connections.spawn(served);
                    }
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Lets the organization live on, now and then; for ever.
pub(crate) async fn live(
    organization: Arc<Mutex<Organization>>,
    now: Clock,
    every: Option<Duration>,
) {
    let Some(every) = every else { return std::future::pending().await };
    loop {
        tokio::time::sleep(every).await;
        locked(&organization).advance(now());
    }
}

/// Failures of one connection that say nothing about the next.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::WouldBlock
    )
}
