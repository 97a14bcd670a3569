//! The hosted service: the same organization and cmdlets over REST, with the sign-in that goes with it.
//!
//! `server` takes connections, inside TLS by a root of its own (`certificate`). `token_service` gives
//! tokens (`assertion` checks what an application signs, `access_token` what the service is shown,
//! `device_code` waits for a person, `form` reads what browsers and clients fill in). `admin_api` takes
//! calls: `command` reads what is asked, `running` carries it out, `json` writes objects as the service
//! does, `pages` gives lists piece by piece, `links` remembers them, `made` hides what is too new,
//! `batch` takes several calls at once, `pace` says who has to wait, `failure` is what is said when
//! something cannot be, and `reply` what is put on the wire.

mod access_token;
mod admin_api;
mod assertion;
mod batch;
mod certificate;
mod command;
mod device_code;
mod failure;
mod form;
mod json;
mod links;
mod made;
mod options;
mod pace;
mod pages;
mod reply;
mod running;
mod server;
mod token_service;

pub use certificate::{AppCertificate, KeyKind};
pub use device_code::{Codes, Waiting};
pub use options::{Application, HostedHabits, HostedOptions};
pub use server::HostedServer;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Faults, Ledger, Organization, wire::locked};

/// What all connections of one hosted service share.
struct Service {
    organization: Arc<Mutex<Organization>>,
    options: HostedOptions,
    ledger: Ledger,
    faults: Arc<Mutex<Faults>>,
    /// Where it listens: `127.0.0.1:8443`.
    authority: String,
    tenant: Uuid,
    tenant_domain: String,
    /// Ids of assertions that were used, until when they count.
    used: Mutex<HashMap<String, Timestamp>>,
    refresh_tokens: Mutex<HashSet<String>>,
    links: Mutex<links::Links>,
    pace: Mutex<pace::Pace>,
    /// What was made a short while ago.
    made: Mutex<Vec<Made>>,
    next_id: AtomicU64,
}

/// Something that a cmdlet made.
struct Made {
    guid: Uuid,
    /// What it may be called, in lower case.
    names: Vec<String>,
    at: Timestamp,
}

impl Service {
    fn organization(&self) -> MutexGuard<'_, Organization> {
        locked(&self.organization)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    /// The organization's time, which a story may have moved beyond the server's clock.
    fn time(&self) -> Timestamp {
        (self.options.now)().max(self.organization().now())
    }

    /// An id that this service never gave before.
    fn new_id(&self) -> Uuid {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        Uuid::new_v5(&self.tenant, &number.to_le_bytes())
    }

    /// Whether a text in an address means this tenant.
    fn is_tenant(&self, text: &str) -> bool {
        text.eq_ignore_ascii_case(&self.tenant_domain)
            || Uuid::try_parse(text).is_ok_and(|id| id == self.tenant)
            || text.eq_ignore_ascii_case(&self.organization().options().domain)
    }

    fn application(&self, id: &str) -> Option<&Application> {
        let id = Uuid::try_parse(id).ok()?;
        self.options.applications.iter().find(|one| one.id == id)
    }
}
