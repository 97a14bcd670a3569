//! Passes over an organization.

use domain::pass::Pass;
use domain::{ConnectorId, Scope};

use crate::{Error, Store};

impl Store {
    /// Keeps a pass that begins.
    pub async fn begin_pass(&self, pass: &Pass) -> Result<(), Error> {
        todo!("{pass:?}")
    }

    /// Notes how far a pass has come. A full pass that ended complete makes every device of its
    /// connector that is not gone true as of its beginning.
    pub async fn update_pass(&self, pass: &Pass) -> Result<(), Error> {
        todo!("{pass:?}")
    }

    /// The latest passes of a connector, latest first.
    pub async fn passes(
        &self,
        scope: &Scope,
        connector: ConnectorId,
        limit: u32,
    ) -> Result<Vec<Pass>, Error> {
        todo!("{scope:?}{connector}{limit}")
    }

    /// Passes that have no end yet: after a start, those that a stop cut short.
    pub async fn unfinished_passes(&self) -> Result<Vec<Pass>, Error> {
        todo!()
    }
}
