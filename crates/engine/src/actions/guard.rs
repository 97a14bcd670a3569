//! The guard of wipes in the engine: counted and decided under one lock, kept in the store.

use std::time::Duration;

use domain::{
    ActionKind, Caller, Permission, PersonId, Timestamp,
    audit::{Entry, Event, TargetKind},
    guard::{Change, Guard, Hold, Limits, Proposal, Recent},
};
use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use store::Action;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{Planned, per_connector};
use crate::{Engine, Error};

/// Whoever counts wipes and lets one through holds it: two at the same moment would each count
/// without the other.
#[derive(Debug, Default)]
pub(crate) struct Gate(pub(super) Mutex<()>);

/// Under which name the store keeps the guard.
const GUARD: &str = "guard";

impl Engine {
    /// How the guard stands.
    pub async fn guard(&self, caller: &Caller) -> Result<Guard, Error> {
        caller.scope(Permission::Read)?;
        Ok(self.kept_guard().await?)
    }

    /// Changes the guard. What tightens it holds at once; what loosens it, or lifts it for a while,
    /// waits for a second person.
    pub async fn change_guard(
        &self,
        caller: &Caller,
        change: Change,
        reason: &str,
    ) -> Result<Guard, Error> {
        caller.scope(Permission::ModifySecurity)?;
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Error::Invalid("the reason is empty; say why, for the record".to_owned()));
        }
        check(change)?;
        let gate = self.inner.gate.0.lock().await;
        let (now, mut guard) = (self.now(), self.kept_guard().await?);
        let needs_two = match change {
            Change::Limits(limits) => limits.loosen(guard.limits),
            Change::Lift(_) => true,
        };
        let event = if needs_two {
            let (by, name) = (caller.person, caller.name.clone());
            let reason = reason.to_owned();
            guard.proposal = Some(Proposal { by, name, at: now, reason, change });
            "proposed; waits for a second person"
        } else {
            apply(&mut guard, change, now);
            "changed"
        };
        self.keep_guard(caller, &guard, change, event, Some(reason)).await?;
        drop(gate);
        Ok(guard)
    }

    /// Agrees to what another person proposed.
    pub async fn confirm_guard(&self, caller: &Caller) -> Result<Guard, Error> {
        caller.scope(Permission::ModifySecurity).or_else(|_| caller.scope(Permission::Approve))?;
        let gate = self.inner.gate.0.lock().await;
        let (now, mut guard) = (self.now(), self.kept_guard().await?);
        let fresh = |one: &Proposal| now.duration_since(one.at) < Guard::PROPOSAL_LIFE;
        let Some(proposal) = guard.proposal.take().filter(fresh) else {
            return Err(Error::Conflict("nothing is proposed for the guard".to_owned()));
        };
        if proposal.by == caller.person {
            return Err(Error::Refused(
                "whoever proposed it cannot agree to it; it takes a second person".to_owned(),
            ));
        }
        apply(&mut guard, proposal.change, now);
        let event = format!("agreed to what {} proposed", proposal.name);
        self.keep_guard(caller, &guard, proposal.change, &event, Some(&proposal.reason)).await?;
        drop(gate);
        self.inner.lane.wake();
        Ok(guard)
    }

    /// Takes a lift or a proposal back, at once.
    pub async fn restore_guard(&self, caller: &Caller) -> Result<Guard, Error> {
        caller.scope(Permission::ModifySecurity).or_else(|_| caller.scope(Permission::Approve))?;
        let gate = self.inner.gate.0.lock().await;
        let mut guard = self.kept_guard().await?;
        guard.lifted_until = None;
        guard.proposal = None;
        let change = Change::Limits(guard.limits);
        self.keep_guard(caller, &guard, change, "put back in its place", None).await?;
        drop(gate);
        Ok(guard)
    }

    pub(super) async fn kept_guard(&self) -> Result<Guard, store::Error> {
        let kept = self.store().meta(GUARD).await?;
        let kept = kept.and_then(|text| serde_json::from_str::<Json>(&text).ok());
        Ok(kept.as_ref().and_then(of_document).unwrap_or_default())
    }

    async fn keep_guard(
        &self,
        caller: &Caller,
        guard: &Guard,
        change: Change,
        what: &str,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let entry = Entry::of(caller, self.now(), Event::GuardChanged)
            .on(TargetKind::Guard, "guard", "the guard of wipes")
            .answered(what)
            .with("change", words(change));
        let entry = Entry { reason: reason.map(str::to_owned), ..entry };
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().set_meta_audited(GUARD, &document(guard).to_string(), &rows).await?;
        log.written();
        Ok(())
    }

    /// Why so many wipes of a caller would wait for a second person now; those that wait for their
    /// turn are counted as if they were sent.
    pub(super) async fn hold_of(
        &self,
        caller: &Caller,
        kind: ActionKind,
        planned: &[Planned],
    ) -> Result<Option<String>, store::Error> {
        if !kind.is_wipe() {
            return Ok(None);
        }
        let (now, guard) = (self.now(), self.kept_guard().await?);
        let counts = per_connector(planned);
        let all: u32 = counts.values().sum();
        for (connector, wanted) in counts {
            let recent = self.recent(caller.person, connector, now).await?;
            let waiting = self.store().waiting_wipes(caller.person, connector).await?;
            let recent = Recent {
                by_person: recent.by_person.saturating_add(small(waiting.0)),
                of_organization: recent.of_organization.saturating_add(small(waiting.1)),
            };
            let held = guard
                .admit(now, Recent { of_organization: 0, ..recent }, all)
                .and_then(|()| guard.admit(now, Recent { by_person: 0, ..recent }, wanted));
            if let Err(hold) = held {
                return Ok(Some(hold.to_string()));
            }
        }
        Ok(None)
    }

    /// Whether one more wipe may be sent now. To be asked under the gate.
    pub(super) async fn lets_through(
        &self,
        action: &Action,
        now: Timestamp,
    ) -> Result<Result<(), Hold>, store::Error> {
        let guard = self.kept_guard().await?;
        let recent = self.recent(action.person, action.connector, now).await?;
        Ok(guard.admit(now, recent, 1))
    }

    async fn recent(
        &self,
        person: PersonId,
        connector: domain::ConnectorId,
        now: Timestamp,
    ) -> Result<Recent, store::Error> {
        let before = |window: SignedDuration| now.checked_sub(window).unwrap_or(Timestamp::MIN);
        let (person_since, there_since) =
            (before(Limits::PERSON_WINDOW), before(Limits::ORGANIZATION_WINDOW));
        let recent = self.store().recent_wipes(person, person_since, connector, there_since);
        let (by_person, of_organization) = recent.await?;
        Ok(Recent { by_person: small(by_person), of_organization: small(of_organization) })
    }
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn check(change: Change) -> Result<(), Error> {
    match change {
        Change::Limits(Limits { per_person, per_organization })
            if per_person > Limits::MOST || per_organization > Limits::MOST =>
        {
            let most = Limits::MOST;
            Err(Error::Invalid(format!("a limit is at most {most}; lift the guard for more")))
        }
        Change::Lift(time) if time <= SignedDuration::ZERO || time > Change::LONGEST_LIFT => {
            let hours = Change::LONGEST_LIFT.as_hours();
            Err(Error::Invalid(format!("the guard is lifted for at most {hours} hours")))
        }
        _ => Ok(()),
    }
}

fn apply(guard: &mut Guard, change: Change, now: Timestamp) {
    match change {
        Change::Limits(limits) => guard.limits = limits,
        Change::Lift(time) => guard.lifted_until = Some(now + time),
    }
}

/// A change in words.
fn words(change: Change) -> String {
    match change {
        Change::Limits(Limits { per_person, per_organization }) => format!(
            "{per_person} wipes an hour for a person, {per_organization} a day for an organization"
        ),
        Change::Lift(time) => {
            let minutes = Duration::try_from(time).unwrap_or_default().as_secs() / 60;
            format!("no limits for {minutes} minutes")
        }
    }
}

fn document(guard: &Guard) -> Json {
    let proposal = guard.proposal.as_ref().map(|proposal| {
        let change = match proposal.change {
            Change::Limits(limits) => json!({ "limits": of_limits(limits) }),
            Change::Lift(time) => json!({ "lift_seconds": time.as_secs() }),
        };
        json!({
            "by": proposal.by.to_string(), "name": proposal.name,
            "at": proposal.at.as_millisecond(), "reason": proposal.reason, "change": change,
        })
    });
    json!({
        "limits": of_limits(guard.limits),
        "lifted_until": guard.lifted_until.map(Timestamp::as_millisecond),
        "proposal": proposal,
    })
}

fn of_limits(limits: Limits) -> Json {
    json!({ "person": limits.per_person, "organization": limits.per_organization })
}

fn limits(document: &Json) -> Option<Limits> {
    let number = |name: &str| u32::try_from(document.get(name)?.as_u64()?).ok();
    Some(Limits { per_person: number("person")?, per_organization: number("organization")? })
}

fn of_document(document: &Json) -> Option<Guard> {
    let time = |value: &Json| Timestamp::from_millisecond(value.as_i64()?).ok();
    let proposal = |value: &Json| {
        let change = value.get("change")?;
        let change = match (change.get("limits"), change.get("lift_seconds")) {
            (Some(kept), _) => Change::Limits(limits(kept)?),
            (_, Some(seconds)) => Change::Lift(SignedDuration::from_secs(seconds.as_i64()?)),
            _ => return None,
        };
        Some(Proposal {
            by: PersonId(Uuid::parse_str(value.get("by")?.as_str()?).ok()?),
            name: value.get("name")?.as_str()?.to_owned(),
            at: time(value.get("at")?)?,
            reason: value.get("reason")?.as_str()?.to_owned(),
            change,
        })
    };
    Some(Guard {
        limits: limits(document.get("limits")?)?,
        lifted_until: document.get("lifted_until").and_then(time),
        proposal: document.get("proposal").and_then(proposal),
    })
}
