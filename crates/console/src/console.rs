//! What the pages share: the engine, secrets on their way to it, and the last checks.

use std::sync::Arc;

use axum::extract::FromRef;
use engine::Engine;

use crate::{connector::Checks, drafts::Drafts};

/// State of the router. Cloning gives another handle to the same.
#[derive(Clone)]
pub(crate) struct Console {
    pub(crate) engine: Engine,
    pub(crate) drafts: Arc<Drafts>,
    pub(crate) checks: Arc<Checks>,
}

impl Console {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, drafts: Arc::new(Drafts::default()), checks: Arc::new(Checks::default()) }
    }
}

impl FromRef<Console> for Engine {
    fn from_ref(console: &Console) -> Self {
        console.engine.clone()
    }
}

impl FromRef<Console> for Arc<Drafts> {
    fn from_ref(console: &Console) -> Self {
        Self::clone(&console.drafts)
    }
}
