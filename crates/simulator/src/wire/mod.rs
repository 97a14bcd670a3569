//! The wire: HTTP and its authentication, WS-Management shells, PowerShell's messages in them.
//!
//! `http` takes requests, `security` and `acceptor` find out whose they are and seal and unseal,
//! `shells` carries out what WS-Management asks, `shell` is one of them, `pool` its
//! runspace pool with the pipelines, `throttle` what a user's budget allows, `refusal` is what is said when something cannot be.

mod acceptor;
mod http;
mod pool;
mod refusal;
mod security;
mod shell;
mod shells;
mod throttle;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::{Account, Faults, Ledger, Organization, ServerOptions};

/// What all connections of one server share.
pub(crate) struct Service {
    organization: Arc<Mutex<Organization>>,
    options: ServerOptions,
    ledger: Ledger,
    faults: Arc<Mutex<Faults>>,
    shells: Mutex<HashMap<String, Arc<shell::Shell>>>,
    /// Cmdlets that each user asked for, in the window that began then.
    spent: Mutex<HashMap<String, (Timestamp, u32)>>,
    /// The organization's GUID and a number make every id that the server needs.
    guid: Uuid,
    next_id: AtomicU64,
}

impl Service {
    pub(crate) fn new(
        organization: Arc<Mutex<Organization>>,
        options: ServerOptions,
        ledger: Ledger,
        faults: Arc<Mutex<Faults>>,
    ) -> Self {
        let guid = locked(&organization).guid();
        Self {
            guid: Uuid::new_v5(&guid, &options.server.to_le_bytes()),
            organization,
            options,
            ledger,
            faults,
            shells: Mutex::default(),
            spent: Mutex::default(),
            next_id: AtomicU64::new(1),
        }
    }

    /// Serves one connection until either side closes it.
    pub(crate) async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        http::serve(stream, peer, self).await;
    }

    fn organization(&self) -> MutexGuard<'_, Organization> {
        locked(&self.organization)
    }

    /// Everybody who may sign in, and the name of the domain.
    fn accounts(&self) -> (Vec<Account>, String) {
        let organization = self.organization();
        (organization.options().accounts.clone(), organization.options().domain.clone())
    }

    fn now(&self) -> Timestamp {
        (self.options.now)()
    }

    /// The organization's time, which a story may have moved beyond the server's clock. Takes the
    /// organization for a moment.
    fn time(&self) -> Timestamp {
        self.now().max(self.organization().now())
    }

    /// An id that this server never gave before.
    fn new_id(&self) -> Uuid {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        Uuid::new_v5(&self.guid, &number.to_le_bytes())
    }
}

/// What a mutex holds. A panic elsewhere must not take the whole server down.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
