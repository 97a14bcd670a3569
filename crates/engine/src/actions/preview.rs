//! What a wish would do: how many, whose, what happens there, what cannot be done and why.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ActionKind, Caller, ConnectorId, Device, Permission,
    action::{Effect, Server, Warning},
};

use super::{Forecast, readable};
use crate::{Engine, Error};

/// A device, and what would happen there.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The device.
    pub device: Device,
    /// What would happen.
    pub forecast: Forecast,
}

impl Planned {
    /// What people know the device by.
    #[must_use]
    pub fn name(&self) -> String {
        readable(&self.device)
    }
}

/// What a wish would do now.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// What was asked.
    pub kind: ActionKind,
    /// How many devices are meant.
    pub devices: u64,
    /// How many people have them.
    pub people: u64,
    /// What happens on how many of those where it can be done.
    pub effects: Vec<(Effect, u64)>,
    /// What somebody should know, and of how many.
    pub warnings: Vec<(Warning, u64)>,
    /// Why it cannot be done, and on how many.
    pub refusals: Vec<(String, u64)>,
    /// Why it would wait for somebody's approval.
    pub hold: Option<String>,
    /// The first of the devices.
    pub first: Vec<Planned>,
}

impl Preview {
    /// How many devices are listed one by one.
    pub const LISTED: usize = 100;

    /// On how many devices it can be done.
    #[must_use]
    pub fn possible(&self) -> u64 {
        self.effects.iter().map(|(_, count)| count).sum()
    }
}

impl Engine {
    pub(super) async fn preview(
        &self,
        caller: &Caller,
        kind: ActionKind,
        planned: Vec<Planned>,
    ) -> Result<Preview, Error> {
        let hold = self.hold_of(caller, kind, &planned).await?;
        let people: BTreeSet<_> = planned
            .iter()
            .map(|one| (one.device.connector, one.device.owner.user_dn.as_ref().map(|dn| dn.key())))
            .collect();
        let people = people.len() as u64;
        let (mut effects, mut warnings) = (BTreeMap::new(), BTreeMap::new());
        let mut refusals: BTreeMap<String, u64> = BTreeMap::new();
        for one in &planned {
            match &one.forecast.refusal {
                Some(refusal) => *refusals.entry(refusal.to_string()).or_default() += 1,
                None => {
                    *effects.entry(one.forecast.effect).or_default() += 1;
                    for warning in &one.forecast.warnings {
                        *warnings.entry(same_for_all(warning)).or_default() += 1;
                    }
                }
            }
        }
        let devices = planned.len() as u64;
        let mut first = planned;
        first.truncate(Preview::LISTED);
        Ok(Preview {
            kind,
            devices,
            people,
            effects: effects.into_iter().collect(),
            warnings: warnings.into_iter().collect(),
            refusals: refusals.into_iter().collect(),
            hold,
            first,
        })
    }

    /// What each connector's server and account offer of an action.
    pub(super) async fn servers_of(
        &self,
        caller: &Caller,
        kind: ActionKind,
    ) -> Result<BTreeMap<ConnectorId, Server>, Error> {
        let scope = caller.scope(kind.permission()).or_else(|_| caller.scope(Permission::Read))?;
        let connectors = self.store().connectors(&scope).await?;
        let servers = connectors.into_iter().map(|connector| {
            let knowledge = self.inner.sessions.pool(&connector).knowledge();
            let offers = knowledge.and_then(|knowledge| knowledge.offers(kind));
            let is_removed = connector.state == domain::connector::ConnectorState::Removed;
            (connector.id, Server { offers, is_removed })
        });
        Ok(servers.collect())
    }
}

/// Of many devices it is of no use to count each number of days by itself.
fn same_for_all(warning: &Warning) -> Warning {
    match warning {
        Warning::NotSeenFor(_) => Warning::NotSeenFor(7),
        other => other.clone(),
    }
}
