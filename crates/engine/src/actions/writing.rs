//! Writing down how far an action has come, with its audit.

use domain::{
    ActionState, Timestamp,
    audit::{Entry, Event},
};
use jiff::SignedDuration;
use store::{Action, Request};

use super::sending::GRACE;
use crate::Engine;

/// What could not be sent in this time is not wanted any more without somebody saying so again.
const SENT_WITHIN: SignedDuration = SignedDuration::from_hours(24 * 7);

impl Engine {
    pub(super) async fn end(
        &self,
        request: &Request,
        action: Action,
        state: ActionState,
        note: String,
    ) -> anyhow::Result<()> {
        let entry = |action: &Action| self.observed_entry(request, action, &note);
        self.moved(request, action, state, Some(note.clone()), Some(&entry)).await?;
        Ok(())
    }

    /// Ends an action without its effect.
    pub(super) async fn fail(
        &self,
        request: &Request,
        action: Action,
        why: &str,
    ) -> anyhow::Result<()> {
        let (from, now) = (action.state, self.now());
        let (state, note) = (ActionState::Failed, Some(why.to_owned()));
        let failed = Action { state, note, changed: now, ..action };
        let entry = self.action_entry(request, &failed, Event::ActionFailed).answered(why);
        self.write(&failed, from, &[entry]).await?;
        self.look_for_news();
        Ok(())
    }

    /// Something outside is not there now: later again.
    pub(super) async fn put_off(
        &self,
        request: &Request,
        action: Action,
        why: &str,
    ) -> anyhow::Result<()> {
        let (from, now) = (action.state, self.now());
        if from.is_unsent() && now.duration_since(request.asked) > SENT_WITHIN {
            let why = format!("it could not be sent within a week: {why}");
            return self.fail(request, action, &why).await;
        }
        let attempts = action.attempts + u32::from(action.state != ActionState::Sending);
        let doubled = SignedDuration::from_secs(15) * 2_i32.saturating_pow(attempts.min(10));
        let wait = doubled.min(SignedDuration::from_mins(30));
        let due = if from == ActionState::Sending { now + GRACE.max(wait) } else { now + wait };
        tracing::info!(device = %action.device, action = %action.kind, error = why, next = %due, "an action is put off");
        let is_new = action.note.as_deref() != Some(why);
        let put_off = Action { attempts, due, note: Some(why.to_owned()), changed: now, ..action };
        let entry = self.observed_entry(request, &put_off, why);
        let entries = if is_new { vec![entry.with("next", due.to_string())] } else { Vec::new() };
        self.write(&put_off, from, &entries).await
    }

    pub(super) async fn postponed(
        &self,
        action: Action,
        due: Timestamp,
        note: &str,
    ) -> anyhow::Result<()> {
        let from = action.state;
        let later = Action { due, note: Some(note.to_owned()), ..action };
        self.write(&later, from, &[]).await
    }

    pub(super) async fn moved(
        &self,
        request: &Request,
        action: Action,
        state: ActionState,
        note: Option<String>,
        entry: Option<&(dyn Fn(&Action) -> Entry + Sync)>,
    ) -> anyhow::Result<Action> {
        let from = action.state;
        let moved = Action { state, note, changed: self.now(), ..action };
        let entries: Vec<Entry> = entry.map(|entry| entry(&moved)).into_iter().collect();
        tracing::debug!(request = %request.id, device = %moved.device, state = %state, "an action moved on");
        self.write(&moved, from, &entries).await?;
        Ok(moved)
    }

    pub(super) async fn write(
        &self,
        action: &Action,
        from: ActionState,
        entries: &[Entry],
    ) -> anyhow::Result<()> {
        if entries.is_empty() {
            return Ok(self.store().change_action(action, from, &[]).await?);
        }
        let mut log = self.audit_log().await?;
        let rows = log.rows(entries);
        self.store().change_action(action, from, &rows).await?;
        log.written();
        Ok(())
    }

    /// Holds a request: the guard said no when it was about to be sent.
    pub(super) async fn hold(&self, request: &Request, why: &str) -> anyhow::Result<()> {
        let now = self.now();
        let caller = domain::Caller::engine();
        let entry = super::on_request(Entry::of(&caller, now, Event::ActionHeld), request);
        let entry = entry.answered(why).with("asked by", request.person_name.clone());
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        let expires = now + super::APPROVAL_LIFE;
        self.store().hold_request(request.id, why, expires, &rows).await?;
        log.written();
        self.look_for_news();
        Ok(())
    }
}
