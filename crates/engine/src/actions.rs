//! Actions: what people ask of devices, done once and on record.
//!
//! A command keeps a *request* with one *action* for each device, and answers at once. The lane
//! ([`lane`]) carries actions out: it reads the device, puts the intent on record, sends the cmdlet,
//! and reads what became of it. [`domain::action`] decides each step from what was read, so that a
//! process that was killed anywhere goes on without repeating anything harmful. The guard
//! ([`guard`]) stands where the intent to wipe is put on record.

mod approval;
mod guard;
mod lane;
mod look;
mod preview;
mod recording;
mod sending;
mod signs;
mod writing;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ActionId, ActionKind, ActionState, Caller, ConnectorId, Device, DeviceId, Permission, Query,
    RequestId, Scope,
    action::Forecast,
    audit::{Entry, Event, TargetKind},
    guard::batch_of,
};
use jiff::SignedDuration;
use store::{Action, MOST_ACTIONS, Page, Request};
use uuid::Uuid;

pub use preview::{Planned, Preview, Review};

pub(crate) use guard::Gate;
pub(crate) use lane::{Lane, start};

use crate::{Engine, Error};

/// What somebody asks of devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// What.
    pub kind: ActionKind,
    /// Of which.
    pub of: Targets,
    /// Why; never empty.
    pub reason: String,
    /// Number of a ticket.
    pub ticket: Option<String>,
    /// What the client calls the request, so that the same sent twice is one.
    pub repeat_key: Option<String>,
    /// How many devices the person who asks was shown: another number is refused, for the page is
    /// stale.
    pub expected: Option<u64>,
}

/// Which devices are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// These.
    Devices(Vec<DeviceId>),
    /// Those that a query finds.
    Query(Query),
}

/// Most devices of one request: a whole organization's, and what memory holds at once.
const MOST_DEVICES: usize = 100_000;
/// Longest reason, ticket and key.
const MAX_REASON: usize = 1_000;
const MAX_TICKET: usize = 100;
const MAX_KEY: usize = 255;
/// How long a held request waits for somebody.
pub(crate) const APPROVAL_LIFE: SignedDuration = SignedDuration::from_hours(24);

impl Engine {
    /// What a request would do now. Nothing is kept.
    pub async fn preview_action(
        &self,
        caller: &Caller,
        new: &NewRequest,
    ) -> Result<Preview, Error> {
        let planned = self.plan(caller, new).await?;
        self.preview(caller, new.kind, planned).await
    }

    /// Asks for an action. Answers with the request as it is kept: it may be held for somebody's
    /// approval. What cannot be done is kept as failed beside what can; if nothing can be done,
    /// nothing is kept.
    pub async fn ask(&self, caller: &Caller, new: NewRequest) -> Result<Request, Error> {
        let new = checked(new)?;
        if let Some(key) = &new.repeat_key
            && let Some(request) = self.store().repeated_request(caller.person, key).await?
        {
            caller.scope(new.kind.permission())?;
            return self.same_request(request, &new).await;
        }
        let planned = self.plan(caller, &new).await?;
        check_expected(&new, planned.len())?;
        let possible = planned.iter().filter(|one| one.forecast.refusal.is_none()).count();
        if possible == 0 {
            return Err(Error::Conflict(nothing_possible(&planned)));
        }
        // From here to the end nobody else asks: the guard counts what was let through.
        let gate = self.inner.gate.0.lock().await;
        let hold = self.hold_of(caller, new.kind, &planned).await?;
        let (request, actions) = self.request_of(caller, &new, &planned, hold);
        let mut entries = vec![self.asked_entry(caller, &request, &actions)];
        if let Some(hold) = &request.hold {
            let entry = Entry::of(caller, request.asked, Event::ActionHeld).answered(hold.clone());
            entries.push(on_request(entry, &request));
        }
        let mut log = self.audit_log().await?;
        let rows = log.rows(&entries);
        match self.store().add_request(&request, &actions, &rows).await {
            Ok(()) => log.written(),
            Err(store::Error::Conflict { what }) => {
                drop(log);
                // The same request came twice at the same moment.
                let key = new.repeat_key.as_deref().unwrap_or_default();
                let first = self.store().repeated_request(caller.person, key).await?;
                let first = first.ok_or(Error::Conflict(what))?;
                return self.same_request(first, &new).await;
            }
            Err(error) => return Err(error.into()),
        }
        drop(gate);
        if request.is_held() {
            self.look_for_news();
        }
        self.inner.lane.wake();
        Ok(request)
    }

    /// The same request sent again is answered the same; another with its key is a mistake, which
    /// must not look as if it had been asked for.
    async fn same_request(&self, request: Request, new: &NewRequest) -> Result<Request, Error> {
        let is_of_same = match &new.of {
            Targets::Query(query) => request.query.as_deref() == Some(query.to_string().as_str()),
            Targets::Devices(ids) => {
                let mut asked = BTreeSet::new();
                let scope = self.own_scope()?;
                loop {
                    let skip = asked.len() as u64;
                    let store = self.store();
                    let next = store.actions_of_request(&scope, request.id, skip, MOST_ACTIONS);
                    let next = next.await?;
                    let is_last = next.len() < MOST_ACTIONS as usize;
                    asked.extend(next.into_iter().map(|action| action.device));
                    if is_last {
                        break;
                    }
                }
                request.query.is_none() && asked == ids.iter().copied().collect()
            }
        };
        if is_of_same && request.kind == new.kind && request.reason == new.reason {
            return Ok(request);
        }
        Err(Error::Conflict(
            "this key was sent before with another request; make a new one for each".to_owned(),
        ))
    }

    /// The devices of a request, each with what would happen there.
    async fn plan(&self, caller: &Caller, new: &NewRequest) -> Result<Vec<Planned>, Error> {
        let scope = caller.scope(new.kind.permission())?;
        let devices = self.devices_of(&scope, &new.of).await?;
        let servers = self.servers_of(caller, new.kind).await?;
        let now = self.now();
        let planned = devices.into_iter().map(|device| {
            let server = servers.get(&device.connector).copied().unwrap_or(REMOVED);
            let forecast = domain::action::forecast(new.kind, &device, server, now);
            Planned { device, forecast }
        });
        Ok(planned.collect())
    }

    async fn devices_of(&self, scope: &Scope, targets: &Targets) -> Result<Vec<Device>, Error> {
        let mut devices = Vec::new();
        match targets {
            Targets::Devices(ids) => {
                let ids: BTreeSet<_> = ids.iter().copied().collect();
                if ids.len() > MOST_DEVICES {
                    return Err(too_many());
                }
                for id in ids {
                    devices.push(self.store().device(scope, id).await?);
                }
            }
            Targets::Query(query) => {
                let mut after = None;
                loop {
                    let page = Page { after, limit: Page::MAX_LIMIT, now: self.now() };
                    let found = self.store().devices(scope, query, page).await?;
                    devices.extend(found.devices);
                    after = found.next;
                    if devices.len() > MOST_DEVICES {
                        return Err(too_many());
                    }
                    if after.is_none() {
                        break;
                    }
                }
            }
        }
        if devices.is_empty() {
            return Err(Error::NotFound("no device is meant: the query finds none".to_owned()));
        }
        Ok(devices)
    }

    fn request_of(
        &self,
        caller: &Caller,
        new: &NewRequest,
        planned: &[Planned],
        hold: Option<String>,
    ) -> (Request, Vec<Action>) {
        let now = self.now();
        let request = Request {
            id: RequestId(Uuid::now_v7()),
            kind: new.kind,
            person: caller.person,
            person_name: caller.name.clone(),
            source: caller.source,
            reason: new.reason.clone(),
            ticket: new.ticket.clone(),
            query: match &new.of {
                Targets::Query(query) => Some(query.to_string()),
                Targets::Devices(_) => None,
            },
            asked: now,
            repeat_key: new.repeat_key.clone(),
            devices: planned.len() as u64,
            expires: hold.is_some().then(|| now + APPROVAL_LIFE),
            hold,
            decision: None,
        };
        let mut index = 0;
        let actions = planned.iter().map(|one| {
            let refusal = one.forecast.refusal.as_ref();
            // Wipes wait for their batch; the rest may go at once.
            let waits = request.hold.is_some() || new.kind.is_wipe();
            let state = match refusal {
                Some(_) => ActionState::Failed,
                None if waits => ActionState::Asked,
                None => ActionState::Approved,
            };
            let batch = if new.kind.is_wipe() { batch_of(index) } else { 0 };
            index += u32::from(refusal.is_none());
            action_of(&request, &one.device, state, batch, refusal.map(ToString::to_string))
        });
        let actions = actions.collect();
        (request, actions)
    }

    /// One request, if the caller may see it.
    pub async fn request(&self, caller: &Caller, id: RequestId) -> Result<Request, Error> {
        Ok(self.store().request(&caller.scope(Permission::ReadResource)?, id).await?)
    }

    /// Waits until nothing more happens about a request by itself soon: every action has ended, was
    /// taken by Exchange, or waits for somebody.
    pub async fn request_settled(&self, caller: &Caller, id: RequestId) -> Result<Request, Error> {
        let mut changed = self.inner.lane.changes();
        loop {
            changed.borrow_and_update();
            let request = self.request(caller, id).await?;
            let counts = self.store().counts_of_request(id).await?;
            let moves = |state: ActionState| {
                state.is_unsent()
                    || state == ActionState::Sending
                    || (state == ActionState::Sent && !request.kind.is_wipe())
            };
            if request.is_held() || !counts.iter().any(|(state, _)| moves(*state)) {
                return Ok(request);
            }
            if changed.changed().await.is_err() {
                return Err(Error::Unavailable("the engine has stopped".to_owned()));
            }
        }
    }
}

/// A connector that is no more.
const REMOVED: domain::action::Server = domain::action::Server {
    offers: None,
    is_removed: true,
    hosting: domain::access::Hosting::OnPremises,
};

fn action_of(
    request: &Request,
    device: &Device,
    state: ActionState,
    batch: u32,
    note: Option<String>,
) -> Action {
    Action {
        id: ActionId(Uuid::now_v7()),
        request: request.id,
        connector: device.connector,
        device: device.id,
        guid: device.facts.guid,
        device_id: device.facts.device_id.clone(),
        owner: device.owner.user_dn.clone(),
        name: readable(device),
        kind: request.kind,
        person: request.person,
        state,
        batch,
        due: request.asked,
        attempts: 0,
        baseline: None,
        intended: None,
        seen: None,
        answer: None,
        note,
        changed: request.asked,
    }
}

/// What people know a device by: who, what, and the last four of its id.
pub(crate) fn readable(device: &Device) -> String {
    let owner = &device.owner;
    let who = owner.name.as_deref().or(owner.user.as_deref()).unwrap_or("unknown");
    let facts = &device.facts;
    let what = facts.friendly_name.as_deref().filter(|name| !name.is_empty());
    let what = what.or(facts.model.as_deref()).or(facts.device_type.as_deref());
    let client = facts.client_type.as_deref().unwrap_or("device");
    format!("{who} - {} - {client} (…{})", what.unwrap_or("device"), device.short_id())
}

fn on_request(entry: Entry, request: &Request) -> Entry {
    let entry =
        Entry { reason: Some(request.reason.clone()), ticket: request.ticket.clone(), ..entry };
    let name = format!("{} of {} devices", request.kind, request.devices);
    entry.on(TargetKind::Request, request.id.to_string(), name)
}

fn checked(new: NewRequest) -> Result<NewRequest, Error> {
    let reason = new.reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Error::Invalid("the reason is empty; say why, for the record".to_owned()));
    }
    let ticket = new.ticket.map(|ticket| ticket.trim().to_owned());
    let ticket = ticket.filter(|ticket| !ticket.is_empty());
    for (what, text, most) in [
        ("reason", Some(&reason), MAX_REASON),
        ("ticket", ticket.as_ref(), MAX_TICKET),
        ("key", new.repeat_key.as_ref(), MAX_KEY),
    ] {
        if text.is_some_and(|text| text.len() > most) {
            return Err(Error::Invalid(format!("the {what} is longer than {most} bytes")));
        }
    }
    Ok(NewRequest { reason, ticket, ..new })
}

fn check_expected(new: &NewRequest, found: usize) -> Result<(), Error> {
    match new.expected {
        Some(expected) if expected != found as u64 => Err(Error::Conflict(format!(
            "{expected} devices were shown and it would be {found} now; look at the preview again"
        ))),
        _ => Ok(()),
    }
}

fn nothing_possible(planned: &[Planned]) -> String {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for refusal in planned.iter().filter_map(|one| one.forecast.refusal.as_ref()) {
        *reasons.entry(refusal.to_string()).or_default() += 1;
    }
    match (planned, reasons.into_iter().next()) {
        ([_], Some((why, _))) => why,
        (_, first) => {
            let why = first.map(|(why, _)| why).unwrap_or_default();
            format!("it can be done on none of {} devices: {why}", planned.len())
        }
    }
}

fn too_many() -> Error {
    Error::Invalid(format!("more than {MOST_DEVICES} devices are meant; narrow the query"))
}

/// How many devices of each connector.
pub(crate) fn per_connector(planned: &[Planned]) -> BTreeMap<ConnectorId, u32> {
    let mut counts = BTreeMap::new();
    for one in planned.iter().filter(|one| one.forecast.refusal.is_none()) {
        *counts.entry(one.device.connector).or_default() += 1;
    }
    counts
}
