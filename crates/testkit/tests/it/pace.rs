//! How long a pass takes that is told to wait again and again.

use domain::{ConnectorName, connector::Runspaces, pass::PassKind};
use jiff::SignedDuration;
use store::JobState;
use testkit::{Exchange, Side, TestApp};

/// What the service asked to wait was waited by the session; the pass does not rest for it once more.
#[tokio::test]
async fn a_pass_takes_as_long_as_refusals_explain_and_loses_nothing() {
    const DEVICES: usize = 620;
    let app = TestApp::beside(1).unwrap();
    let options = Side::Hosted.organization(DEVICES);
    let exchange = Exchange::serve_beside(&options, app.clock().clone()).unwrap();
    {
        let faults = &mut exchange.faults().hosted;
        (faults.throttle_every, faults.retry_after_seconds) = (Some(10), Some(2));
    }
    let name = ConnectorName::parse("cloud").unwrap();
    let mut new = exchange.new_connector(name.clone());
    // Two sessions that wait at once would move the clock twice.
    new.options.runspaces = Runspaces::new(1).unwrap();
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    let before = app.clock().now();
    let id = app.engine().sync(&app.caller(), &name, PassKind::Full).await.unwrap();
    let job = app.finished(id).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let took = app.clock().now().duration_since(before);

    let used = exchange.ledger().entries().hosted;
    assert!(used.throttled > 60 && used.too_early == 0, "{used:?}");
    assert_eq!(took, SignedDuration::from_secs(2) * i32::try_from(used.throttled).unwrap());
    let scope = app.scope().unwrap();
    let connector = app.engine().store().connector(&scope, &name).await.unwrap();
    let passes = app.engine().store().passes(&scope, connector.id, 1).await.unwrap();
    let pass = &passes[0];
    assert_eq!((pass.counts.devices, pass.counts.statistics), (620, 620), "{pass:?}");
    assert_eq!(SignedDuration::from_millis(pass.cost.delayed_ms.try_into().unwrap()), took);
    assert_eq!(app.engine().budget(&connector).refusals.try_into(), Ok(used.throttled));
}
