//! The life of a connector, told in stories beside both kinds of organization. Time is stepped, never
//! slept.

mod ageing;
mod endpoints;
mod in_step;
mod installing;
mod pace;

use std::time::Duration;

use domain::{Connector, ConnectorName, pass::PassKind, status_message::Event};
use engine::ConnectorChange;
use jiff::SignedDuration;
use testkit::TestApp;

fn named(name: &str) -> ConnectorName {
    ConnectorName::parse(name).unwrap()
}

/// Time passes here and over there, and nothing else happens.
fn pass_time(app: &TestApp, by: SignedDuration) {
    app.clock().advance(by);
    app.exchange().skip_to(app.clock().now());
}

async fn events(app: &TestApp, connector: &Connector) -> Vec<Event> {
    let scope = app.scope().unwrap();
    let messages = app.engine().store().status_messages(&scope, connector.id, 100).await.unwrap();
    messages.into_iter().rev().map(|message| message.event).collect()
}

/// Passes of a kind that have ended.
async fn ended(app: &TestApp, kind: PassKind) -> usize {
    let connector = app.connector().await.unwrap();
    let scope = app.scope().unwrap();
    let passes = app.engine().store().passes(&scope, connector.id, 1_000).await.unwrap();
    passes.iter().filter(|pass| pass.kind == kind && pass.finished.is_some()).count()
}

async fn wait_for_passes(app: &TestApp, kind: PassKind, count: usize) {
    app.eventually(&format!("{kind} pass {count}"), async || {
        Ok((ended(app, kind).await >= count).then_some(()))
    })
    .await
    .unwrap();
}

/// A supervised app whose connector has been read once.
pub(crate) trait Ready {
    async fn await_ready(self) -> TestApp;
}

impl Ready for anyhow::Result<TestApp> {
    async fn await_ready(self) -> TestApp {
        let app = self.unwrap();
        app.add_connector().await.unwrap();
        wait_for_passes(&app, PassKind::Full, 1).await;
        app
    }
}

fn change(connector: Connector) -> ConnectorChange {
    ConnectorChange {
        endpoint: connector.endpoint,
        options: connector.options,
        password: None,
        proxy_password: None,
        notification_password: None,
        proof: None,
    }
}

/// Begins a full sync and waits until its first page is noted; or, where the list has no pages to go on
/// with, until it was read and statistics are.
pub(crate) async fn past_first_page(app: &TestApp) -> domain::JobId {
    app.exchange().faults().slow = Some(Duration::from_millis(5));
    let id = app.begin_sync().await.unwrap();
    let connector = app.connector().await.unwrap().id;
    app.eventually("a checkpoint", async || {
        if app.side().sorts_lists() {
            return Ok(app.engine().store().checkpoint(connector).await?.map(drop));
        }
        let job = app.engine().job(&app.caller(), id).await?;
        Ok((job.progress.step.as_deref() == Some("reading statistics")).then_some(()))
    })
    .await
    .unwrap();
    id
}
