//! What the audit says of actions.

use domain::{
    Caller, DistinguishedName, PersonId, Source,
    audit::{Actor, Entry, Event, TargetKind},
};
use store::{Action, Request};

use super::on_request;
use crate::Engine;

impl Engine {
    /// That somebody asked: of one device by its name, of many by their number.
    pub(super) fn asked_entry(
        &self,
        caller: &Caller,
        request: &Request,
        actions: &[Action],
    ) -> Entry {
        let entry = Entry::of(caller, request.asked, Event::ActionAsked);
        let mut entry = match actions {
            [one] => {
                let entry = Entry { reason: Some(request.reason.clone()), ..entry };
                let entry = Entry { ticket: request.ticket.clone(), ..entry };
                on_device(entry, one).with("request", request.id.to_string())
            }
            _ => on_request(entry, request),
        };
        entry = entry.with("action", request.kind.word());
        if let Some(query) = &request.query {
            entry = entry.with("query", query.clone());
        }
        entry.with("devices", request.devices.to_string())
    }

    /// What happened to one action. Whoever asked for it is the actor.
    pub(super) fn action_entry(&self, request: &Request, action: &Action, event: Event) -> Entry {
        let entry = Entry {
            at: self.now(),
            actor: Actor { id: request.person, name: request.person_name.clone() },
            source: request.source,
            event,
            target: None,
            reason: Some(request.reason.clone()),
            ticket: request.ticket.clone(),
            answer: None,
            details: Vec::new(),
        };
        on_device(entry, action)
            .with("action", action.kind.word())
            .with("request", action.request.to_string())
    }

    /// What was seen of one action later, by Gatepost itself.
    pub(super) fn observed_entry(&self, request: &Request, action: &Action, seen: &str) -> Entry {
        let entry = self.action_entry(request, action, Event::ActionObserved);
        let actor = Actor { id: PersonId::ENGINE, name: "Gatepost".to_owned() };
        Entry { actor, source: Source::Engine, ..entry }
            .answered(seen)
            .with("state", action.state.word())
            .with("asked by", request.person_name.clone())
    }
}

fn on_device(entry: Entry, action: &Action) -> Entry {
    let entry = entry
        .on(TargetKind::Device, action.device.to_string(), action.name.clone())
        .with("guid", action.guid.to_string());
    match action.owner.as_ref().map(DistinguishedName::as_str) {
        Some(owner) => entry.with("owner", owner),
        None => entry,
    }
}
