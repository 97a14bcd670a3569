//! Sessions are given back: when nobody wants them soon, when their connector changes or goes, when
//! the engine stops, and at the next start what a process that was killed left open.

use domain::{Connector, ConnectorId};
use exchange::RemotePowerShell;
use store::OpenShell;

use crate::{Engine, endpoints::at_endpoint, sessions::Held};

impl Engine {
    /// Gives idle sessions back that are not wanted soon.
    pub(crate) async fn recycle_sessions(&self) {
        let now = self.now();
        for pool in self.inner.sessions.all() {
            self.close_all(pool.take_idle(|held| held.is_old(now))).await;
        }
    }

    /// Gives every idle session back.
    pub(crate) async fn close_sessions(&self) {
        for pool in self.inner.sessions.all() {
            self.close_all(pool.take_idle(|_| true)).await;
        }
    }

    /// Gives the idle sessions of a connector back: its pass has ended, and the next is far off.
    pub(crate) async fn close_sessions_of(&self, connector: &Connector) {
        self.close_all(self.inner.sessions.pool(connector).take_idle(|_| true)).await;
    }

    /// Forgets what was learned through a connector that has changed.
    pub(crate) async fn forget_sessions(&self, connector: &Connector) {
        let pool = self.inner.sessions.pool(connector);
        pool.forget(connector.options.runspaces);
        self.close_all(pool.take_idle(|_| true)).await;
    }

    /// Gives up the sessions of a connector that is no more.
    pub(crate) async fn drop_sessions(&self, connector: ConnectorId) {
        if let Some(pool) = self.inner.sessions.remove(connector) {
            self.close_all(pool.take_idle(|_| true)).await;
        }
    }

    async fn close_all(&self, sessions: Vec<Held>) {
        for held in sessions {
            self.close(held).await;
        }
    }

    /// Gives a session's place on the server back. If that fails it ends there by itself.
    pub(crate) async fn close(&self, held: Held) {
        let Held { organization, shell, .. } = held;
        if let Err(error) = organization.close().await {
            tracing::debug!(%error, "a session was not closed");
        }
        if let Some(shell) = shell {
            self.forget_shell(&shell).await;
        }
    }

    /// The same without waiting: a server that does not answer shall not hold up anybody.
    pub(crate) async fn close_soon(&self, held: Held) {
        let engine = self.clone();
        self.inner.tasks.spawn(async move { engine.close(held).await }).await;
    }

    /// Notes a session that was opened.
    pub(crate) async fn note_shell(&self, shell: &OpenShell) {
        if let Err(error) = self.store().add_shell(shell).await {
            tracing::debug!(%error, "an open session could not be noted");
        }
    }

    pub(crate) async fn forget_shell(&self, shell: &OpenShell) {
        if let Err(error) = self.store().remove_shell(shell.connector, &shell.id).await {
            tracing::debug!(%error, "a closed session could not be noted");
        }
    }

    /// Gives sessions back that a process left open when it was killed: they count against the
    /// account, for a quarter of an hour, and a new one might find no place.
    pub(crate) async fn give_back(&self, left: Vec<OpenShell>) -> anyhow::Result<()> {
        let connectors = self.store().connectors(&self.own_scope()?).await?;
        for shell in left {
            let owner = connectors.iter().find(|connector| connector.id == shell.connector);
            // Hosted Exchange has no shells: what was noted is of a connector that was on premises.
            let server = owner.and_then(|owner| Some((owner, owner.endpoint.server()?)));
            if let Some((connector, server)) = server {
                let (settings, credential) = self.settings(connector, server).await?;
                let endpoints = self.known_endpoints(connector).await?;
                if let Some(endpoint) = endpoints.iter().find(|one| one.url == shell.url) {
                    let settings = at_endpoint(&settings, endpoint);
                    let given = RemotePowerShell::give_back(&settings, &credential, &shell.id);
                    if let Err(error) = given.await {
                        tracing::debug!(%error, "a session of before could not be given back");
                    }
                }
            }
            // It is tried once: what is left now the server ends by itself.
            self.forget_shell(&shell).await;
        }
        Ok(())
    }
}
