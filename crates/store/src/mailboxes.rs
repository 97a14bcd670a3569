//! Mailboxes that have partnerships.

use domain::{ConnectorId, DistinguishedName, MailboxFacts, Scope};

use crate::{Error, Store};

impl Store {
    /// Writes mailboxes, new or known, in one transaction; rows that did not change are left.
    pub async fn write_mailboxes(
        &self,
        connector: ConnectorId,
        mailboxes: Vec<MailboxFacts>,
    ) -> Result<(), Error> {
        todo!("{connector}{mailboxes:?}")
    }

    /// The mailbox with a distinguished name, in any case of its letters.
    pub async fn mailbox(
        &self,
        scope: &Scope,
        connector: ConnectorId,
        name: &DistinguishedName,
    ) -> Result<MailboxFacts, Error> {
        todo!("{scope:?}{connector}{name}")
    }
}
