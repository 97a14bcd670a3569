//! What a request would do: how many, whose, what happens there, what cannot be done and why.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ActionKind, ActionState, Caller, Connector, ConnectorId, Device, Permission,
    access::Hosting,
    action::{Client, Effect, Server, Warning},
};
use store::Request;

use super::{Forecast, REMOVED, readable};
use crate::{Engine, Error};

/// Devices of a person that are read at once; Exchange allows a hundred.
const MOST_OF_A_PERSON: u32 = 200;

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

/// What a request would do now.
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

/// What a request that is kept will do, as the inventory knows its devices now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Review {
    /// How many of its devices were looked at: the first, up to [`Review::LOOKED_AT`].
    pub devices: u64,
    /// How many people have these.
    pub people: u64,
    /// What happens on how many of those where it can be done.
    pub effects: Vec<(Effect, u64)>,
    /// What somebody should know, and of how many.
    pub warnings: Vec<(Warning, u64)>,
}

impl Review {
    /// Most devices that are looked at for one request: each is read by itself, while somebody waits.
    pub const LOOKED_AT: u32 = 200;
}

impl Engine {
    /// What each action would do on one device, as far as the inventory knows. Whether the caller may
    /// ask for it is another question.
    pub async fn forecasts(
        &self,
        caller: &Caller,
        device: &Device,
    ) -> Result<Vec<(ActionKind, Forecast)>, Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        let connectors = self.store().connectors(&scope).await?;
        let connector = connectors.iter().find(|connector| connector.id == device.connector);
        let now = self.now();
        let forecasts = ActionKind::ALL.iter().map(|&kind| {
            let server = connector.map_or(REMOVED, |connector| self.server_of(connector, kind));
            (kind, domain::action::forecast(kind, device, server, now))
        });
        Ok(forecasts.collect())
    }

    /// What a request that is kept will do: what somebody reads before deciding about it.
    pub async fn review_request(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Review, Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        let actions =
            self.store().actions_of_request(&scope, request.id, 0, Review::LOOKED_AT).await?;
        let connectors = self.store().connectors(&scope).await?;
        let hostings: BTreeMap<_, _> =
            connectors.iter().map(|one| (one.id, one.endpoint.hosting())).collect();
        let (mut people, mut review) = (BTreeSet::new(), Review::default());
        let (mut effects, mut warnings) = (BTreeMap::new(), BTreeMap::new());
        for action in actions.iter().filter(|action| action.state != ActionState::Failed) {
            // What left the inventory, or is not the caller's to see, is not told.
            let device = match self.store().device(&scope, action.device).await {
                Ok(device) => device,
                Err(store::Error::NotFound(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            let hosting = hostings.get(&device.connector).copied().unwrap_or(Hosting::OnPremises);
            let known = Server { offers: None, is_removed: false, hosting };
            let forecast = domain::action::forecast(action.kind, &device, known, self.now());
            review.devices += 1;
            people.insert((device.connector, device.owner.user_dn.map(|name| name.key())));
            *effects.entry(forecast.effect).or_default() += 1;
            for warning in &forecast.warnings {
                *warnings.entry(same_for_all(warning)).or_default() += 1;
            }
        }
        review.people = people.len() as u64;
        review.effects = effects.into_iter().collect();
        review.warnings = warnings.into_iter().collect();
        Ok(review)
    }

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
        let along = self.outlook_along(caller, &planned).await?;
        if !along.is_empty() {
            let count = along.len() as u64;
            warnings.insert(Warning::OutlookAlong(along), count);
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

    /// The Outlook apps that are erased although nobody named them: the others of those people whose
    /// Outlook is, as far as the caller may see them.
    async fn outlook_along(
        &self,
        caller: &Caller,
        planned: &[Planned],
    ) -> Result<Vec<String>, Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        let named: BTreeSet<_> = planned.iter().map(|one| one.device.id).collect();
        let erased = planned.iter().filter(|one| {
            one.forecast.refusal.is_none() && one.forecast.effect == Effect::ErasesOutlook
        });
        let people: BTreeMap<_, _> = erased
            .filter_map(|one| {
                let owner = &one.device.owner;
                Some(((one.device.connector, owner.user_dn.as_ref()?.key()), owner.user.as_ref()?))
            })
            .take(Preview::LISTED)
            .collect();
        let mut along = Vec::new();
        for ((connector, person), user) in people {
            let Ok(query) = domain::Query::parse(&format!("user:\"{user}\"")) else { continue };
            let is_along = |device: &Device| {
                device.connector == connector
                    && device.owner.user_dn.as_ref().map(|dn| dn.key()).as_ref() == Some(&person)
                    && device.gone_since.is_none()
                    && Client::of(device) == Client::Outlook
                    && !named.contains(&device.id)
            };
            let mut after = None;
            // A page may be short and not be the last.
            loop {
                let page = store::Page { after, limit: MOST_OF_A_PERSON, now: self.now() };
                let found = self.store().devices(&scope, &query, page).await?;
                along.extend(found.devices.into_iter().filter(is_along));
                after = found.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(along.iter().map(readable).collect())
    }

    /// What each connector's server and account offer of an action.
    pub(super) async fn servers_of(
        &self,
        caller: &Caller,
        kind: ActionKind,
    ) -> Result<BTreeMap<ConnectorId, Server>, Error> {
        let scope = caller.scope(kind.permission()).or_else(|_| caller.scope(Permission::Read))?;
        let connectors = self.store().connectors(&scope).await?;
        let servers =
            connectors.iter().map(|connector| (connector.id, self.server_of(connector, kind)));
        Ok(servers.collect())
    }

    fn server_of(&self, connector: &Connector, kind: ActionKind) -> Server {
        let knowledge = self.inner.sessions.pool(connector).knowledge();
        let offers = knowledge.and_then(|knowledge| knowledge.offers(kind));
        let is_removed = connector.state == domain::connector::ConnectorState::Removed;
        Server { offers, is_removed, hosting: connector.endpoint.hosting() }
    }
}

/// Of many devices it is of no use to count each number of days by itself.
fn same_for_all(warning: &Warning) -> Warning {
    match warning {
        Warning::NotSeenFor(_) => Warning::NotSeenFor(7),
        other => other.clone(),
    }
}
