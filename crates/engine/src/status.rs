//! Numbered events: kept in the database, and told in the log.

use domain::{
    Connector, StatusMessage,
    status_message::{Event, Severity},
};

use crate::{Engine, component::Phrase};

impl Engine {
    /// Keeps an event of a connector. That it cannot be kept is told and stops nothing.
    pub(crate) async fn record(&self, connector: &Connector, event: Event, text: &str) {
        // That of an installed component has its own phrase.
        let phrase = match event {
            Event::Installed => Phrase::Installed,
            event => Phrase::Event(event, text),
        };
        self.say(&connector.name, phrase);
        let message =
            StatusMessage { at: self.now(), connector: connector.id, event, text: text.to_owned() };
        if let Err(error) = self.store().add_status_message(&message).await {
            tracing::error!(%error, connector = %connector.name, "an event could not be kept");
        }
    }
}

/// Whether an event is something to look at.
pub(crate) fn is_trouble(event: Event) -> bool {
    event.severity() > Severity::Information
}
