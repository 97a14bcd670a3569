//! What the pages share: the engine, and secrets on their way to it.

use std::sync::Arc;

use axum::extract::FromRef;
use engine::Engine;

use crate::drafts::Drafts;

/// State of the router. Cloning gives another handle to the same.
#[derive(Clone)]
pub(crate) struct Console {
    pub(crate) engine: Engine,
    pub(crate) drafts: Arc<Drafts>,
}

impl Console {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, drafts: Arc::new(Drafts::default()) }
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
