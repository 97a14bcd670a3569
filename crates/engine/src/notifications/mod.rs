//! Notifications: who is told what happened, and by which way.
//!
//! What happened is noted as *news*, beside or within what caused it. Everything else follows from
//! the news by itself, so a crash loses none.

mod news;

use domain::notification::Happened;

use crate::Engine;

impl Engine {
    /// Notes that something happened that somebody may want to be told. To be called before what
    /// makes it final: told twice is better than never. That it cannot be noted stops nothing.
    pub(crate) async fn notify(&self, happened: Happened) {
        let topic = happened.topic();
        if let Err(error) = self.store().add_news(&[news::of(happened, self.now())]).await {
            tracing::error!(%error, %topic, "what happened could not be noted and is not told");
        }
    }
}
