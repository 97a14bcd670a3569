//! A session over remote PowerShell.

use crate::{ConnectError, ConnectionSettings, Credential, Error, Pipeline, Reply, Session};

/// A session over remote PowerShell (on premises).
#[derive(Debug)]
pub struct RemotePowerShell {}

impl RemotePowerShell {
    /// Connects, signs in and opens a session.
    pub async fn connect(
        settings: &ConnectionSettings,
        credential: &Credential,
    ) -> Result<Self, ConnectError> {
        let _ = (settings, credential);
        todo!()
    }
}

impl Session for RemotePowerShell {
    async fn start(&mut self, _pipeline: &Pipeline) -> Result<(), Error> {
        todo!()
    }

    async fn next(&mut self) -> Result<Option<Reply>, Error> {
        todo!()
    }

    async fn stop(&mut self) -> Result<(), Error> {
        todo!()
    }

    async fn close(self) -> Result<(), Error> {
        todo!()
    }
}
