//! The quarantine lane: phones that wait for a decision, seen within a minute.

use std::collections::HashSet;

use domain::{Connector, DeviceId};
use exchange::Devices;
use jiff::SignedDuration;
use uuid::Uuid;

use crate::{
    Engine,
    sessions::{Lease, Urgency},
};

/// Phones that left the quarantine and are read one by one; the others wait for the next look.
const MOST_LEFT: usize = 50;
/// Phones in quarantine that are compared with what Exchange says.
const MOST_KNOWN: u32 = 1_000;

/// Reads who is in quarantine, and what became of those who are there no more. How long that took,
/// once it was its turn.
pub(crate) async fn look(engine: &Engine, connector: &Connector) -> anyhow::Result<SignedDuration> {
    let mut lease = engine.lease(connector, Urgency::Interactive).await?;
    let begun = engine.now();
    let looked = compare(engine, connector, &mut lease).await;
    engine.settled(&mut lease, looked).await?;
    Ok(engine.now().duration_since(begun))
}

async fn compare(engine: &Engine, connector: &Connector, lease: &mut Lease) -> anyhow::Result<()> {
    let there = engine.take_in(connector, lease, &Devices::Quarantined, false).await?;
    let there: HashSet<Uuid> = there.into_iter().collect();
    let known = engine.known_in_quarantine(connector, MOST_KNOWN).await?;
    let left = known.into_iter().filter(|guid| !there.contains(guid));
    for guid in left.take(MOST_LEFT) {
        let found = engine.take_in(connector, lease, &Devices::One(guid), false).await?;
        if found.is_empty() {
            let id = DeviceId::of(connector.id, guid);
            engine.store().mark_gone(connector.id, vec![id], engine.now()).await?;
        }
    }
    Ok(())
}
