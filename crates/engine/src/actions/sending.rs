//! One action, one step further: read, intend, send, read back.

use domain::{
    ActionKind, ActionState, Connector, ConnectorId,
    action::{Baseline, Refusal, Sight, Step, seen_after, seen_before},
    audit::Event,
};
use exchange::{CmdletErrorKind, Exemption, Wipe};
use jiff::SignedDuration;
use store::{Action, Request};

use super::look::Seen;
use crate::{
    Engine,
    sessions::{Lease, Urgency},
};

/// Exchange may still be doing what it was told by a process that is no more, or by a connection that
/// was cut: so long nobody concludes from not seeing an effect that there is none.
pub(super) const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// A wipe whose sending nobody heard the end of is sent again only so soon after: later somebody may
/// have taken it back by another way.
const RESEND_WIPE_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// How often one action is tried before it fails.
const MOST_ATTEMPTS: u32 = 8;
/// A block waits for a wipe no longer than this.
const LONGEST_WAIT_FOR_WIPE: SignedDuration = SignedDuration::from_hours(24);
/// An effect that is not to be seen so long after Exchange took the action will not be.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// A wipe that no phone fetched in this time will not be fetched.
const FETCHED_WITHIN: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What is said of a wipe in hosted Exchange, which never says more.
pub(super) const UNREPORTED: &str = "sent to hosted Exchange, which never reports back whether the phone was \
                          erased";
/// What a wipe waits for that Exchange has.
const WAITS_FOR_PHONE: &str = "waits for the phone to sync";

impl Engine {
    /// Takes an action one step further, or puts it off. False if the guard holds its request now.
    pub(super) async fn carry_on(
        &self,
        connector: &Connector,
        session: &mut Option<Lease>,
        action: Action,
    ) -> anyhow::Result<bool> {
        let scope = self.own_scope()?;
        let request = self.store().request(&scope, action.request).await?;
        self.crash_point().await;
        match self.step(connector, session, &request, action.clone()).await {
            Ok(went_on) => Ok(went_on),
            Err(error) => {
                // The action may have changed in this step: what is kept is what counts.
                let kept = self.store().action(&scope, action.id).await?;
                if kept.state.is_final() {
                    return Ok(true);
                }
                if let Some(store::Error::Conflict { .. }) = error.downcast_ref() {
                    // Somebody took it back at the same moment.
                    return Ok(true);
                }
                self.put_off(&request, kept, &format!("{error:#}")).await?;
                Ok(true)
            }
        }
    }

    async fn step(
        &self,
        connector: &Connector,
        session: &mut Option<Lease>,
        request: &Request,
        action: Action,
    ) -> anyhow::Result<bool> {
        let mut action = action;
        if action.state == ActionState::Asked {
            if self.batch_before_failed(&action).await? {
                let why = "every wipe of the batch before failed; somebody has to look at it";
                self.hold(request, why).await?;
                return Ok(false);
            }
            action = self.moved(request, action, ActionState::Approved, None, None).await?;
        }
        let lease = match session {
            Some(lease) => lease,
            None => session.insert(self.place(connector, Urgency::Interactive).await),
        };
        let done = match self.ready(connector, lease).await {
            Ok(()) => self.step_with(connector, lease, request, action).await,
            Err(error) => Err(error),
        };
        self.settled(lease, done).await
    }

    async fn step_with(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        request: &Request,
        action: Action,
    ) -> anyhow::Result<bool> {
        let seen = self.look(connector, lease, &action).await?;
        self.crash_point().await;
        match action.state {
            ActionState::Approved => self.begin(connector, lease, request, action, seen).await,
            ActionState::Sending => {
                self.recover(request, action, &seen).await?;
                Ok(true)
            }
            _ => {
                self.settle_action(request, action, &seen).await?;
                Ok(true)
            }
        }
    }

    /// An action of which no cmdlet is on its way.
    async fn begin(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        request: &Request,
        action: Action,
        seen: Seen,
    ) -> anyhow::Result<bool> {
        let now = self.now();
        if seen.is_moved {
            self.fail(request, action, &Refusal::Moved.to_string()).await?;
            return Ok(true);
        }
        match seen_before(action.kind, seen.sight.as_ref()) {
            Step::Reached(state) => {
                let note = "it was so already".to_owned();
                let entry = |action: &Action| self.observed_entry(request, action, &note);
                self.moved(request, action, state, Some(note.clone()), Some(&entry)).await?;
            }
            Step::Refuse(refusal) => self.fail(request, action, &refusal.to_string()).await?,
            Step::WaitForWipe if now.duration_since(request.asked) < LONGEST_WAIT_FOR_WIPE => {
                let note = "waits until the pending wipe is acknowledged";
                let due = now + SignedDuration::from_mins(2);
                self.postponed(action, due, note).await?;
            }
            Step::Send | Step::WaitForWipe | Step::NotSeen | Step::Unreported => {
                let baseline = seen.sight.as_ref().map(Sight::baseline).unwrap_or_default();
                let Some(action) = self.intend(lease, request, action, baseline).await? else {
                    return Ok(false);
                };
                self.crash_point().await;
                self.send(connector, lease, request, action).await?;
            }
        }
        Ok(true)
    }

    /// Puts the intent on record; `None` if the guard holds the request instead.
    async fn intend(
        &self,
        lease: &mut Lease,
        request: &Request,
        action: Action,
        baseline: Baseline,
    ) -> anyhow::Result<Option<Action>> {
        let now = self.now();
        // What was counted once is not counted again when it has to be sent again.
        let is_guarded = action.kind.is_wipe() && action.intended.is_none();
        let gate = match is_guarded {
            true => Some(self.inner.gate.0.lock().await),
            false => None,
        };
        if is_guarded
            && !request.is_approved()
            && let Err(hold) = self.lets_through(&action, now).await?
        {
            self.hold(request, &hold.to_string()).await?;
            return Ok(None);
        }
        let cmdlet = lease.organization()?.cmdlet_of(action.kind);
        let from = action.state;
        let changed = Action {
            state: ActionState::Sending,
            attempts: action.attempts + 1,
            baseline: Some(baseline),
            intended: action.intended.or(Some(now)),
            due: now + GRACE,
            note: None,
            changed: now,
            ..action
        };
        let entry = self.action_entry(request, &changed, Event::ActionSending);
        self.write(&changed, from, &[entry.with("cmdlet", cmdlet)]).await?;
        drop(gate);
        Ok(Some(changed))
    }

    /// Sends the cmdlet, notes the answer, and looks at once what became of it.
    async fn send(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        request: &Request,
        action: Action,
    ) -> anyhow::Result<()> {
        let sent = self.cmdlet(lease, &action).await;
        self.crash_point().await;
        match sent {
            Ok(()) => {}
            Err(exchange::Error::Cmdlet(error)) if !error.kind.is_passing() => {
                let text = refusal_text(&error);
                let entry = self.action_entry(request, &action, Event::ActionAnswered);
                let from = action.state;
                let answered = Action { answer: Some(error.message.clone()), ..action };
                self.write(&answered, from, &[entry.answered(error.message.clone())]).await?;
                if error.kind == CmdletErrorKind::NotFound && answered.kind == ActionKind::Forget {
                    // Gone already: the look below finds it so.
                    let seen = self.look(connector, lease, &answered).await?;
                    return self.recover(request, answered, &seen).await;
                }
                return self.fail(request, answered, &text).await;
            }
            // Whether it took effect is to be read back, after a while.
            Err(error) => return Err(error.into()),
        }
        let entry = self.action_entry(request, &action, Event::ActionAnswered);
        let from = action.state;
        let now = self.now();
        let sent = Action {
            state: ActionState::Sent,
            answer: Some("accepted".to_owned()),
            due: now,
            changed: now,
            ..action
        };
        self.write(&sent, from, &[entry.answered("accepted")]).await?;
        self.crash_point().await;
        let seen = self.look(connector, lease, &sent).await?;
        self.settle_action(request, sent, &seen).await
    }

    async fn cmdlet(&self, lease: &mut Lease, action: &Action) -> Result<(), exchange::Error> {
        let organization = match lease.organization() {
            Ok(organization) => organization,
            Err(error) => return Err(exchange::Error::Refused(error.to_string())),
        };
        let owner = action.owner.as_ref().map(ToString::to_string).unwrap_or_default();
        let device_id = action.device_id.as_deref().unwrap_or_default();
        match action.kind {
            ActionKind::Allow => organization.exempt(&owner, device_id, Exemption::Allowed).await,
            ActionKind::Block => organization.exempt(&owner, device_id, Exemption::Blocked).await,
            ActionKind::Release => organization.exempt(&owner, device_id, Exemption::None).await,
            ActionKind::WipeAccount => organization.wipe(action.guid, Wipe::Account).await,
            ActionKind::WipeDevice => organization.wipe(action.guid, Wipe::Device).await,
            ActionKind::CancelWipe => organization.cancel_wipe(action.guid).await,
            ActionKind::Forget => organization.remove_partnership(action.guid).await,
        }
    }

    /// An action whose cmdlet was on its way when the process or the connection ended.
    async fn recover(&self, request: &Request, action: Action, seen: &Seen) -> anyhow::Result<()> {
        let now = self.now();
        match self.seen_after(&action, seen) {
            Step::NotSeen => {
                let since = action.intended.map(|at| now.duration_since(at)).unwrap_or_default();
                if action.kind.is_wipe() && since > RESEND_WIPE_WITHIN {
                    let why = "nobody heard whether Exchange took it, and no wipe is to be seen; \
                               ask again if it is still wanted";
                    return self.fail(request, action, why).await;
                }
                if action.attempts >= MOST_ATTEMPTS {
                    let why = format!("it was tried {} times without an effect", action.attempts);
                    return self.fail(request, action, &why).await;
                }
                let note = "no effect is to be seen of the first try; it is sent again".to_owned();
                let back = Action { due: now, ..action };
                self.moved(request, back, ActionState::Approved, Some(note), None).await?;
                Ok(())
            }
            step => self.advance(request, action, step).await,
        }
    }

    /// An action that Exchange has taken.
    async fn settle_action(
        &self,
        request: &Request,
        action: Action,
        seen: &Seen,
    ) -> anyhow::Result<()> {
        let step = self.seen_after(&action, seen);
        self.advance(request, action, step).await
    }

    fn seen_after(&self, action: &Action, seen: &Seen) -> Step {
        let before = action.baseline.unwrap_or_default();
        seen_after(action.kind, seen.hosting, before, seen.sight.as_ref())
    }

    async fn advance(&self, request: &Request, action: Action, step: Step) -> anyhow::Result<()> {
        let now = self.now();
        let age = action.intended.map(|at| now.duration_since(at)).unwrap_or_default();
        match step {
            Step::Reached(state) if state == action.state => {
                if age > FETCHED_WITHIN {
                    let note = "no phone fetched it in 30 days".to_owned();
                    self.end(request, action, ActionState::Unverifiable, note).await
                } else {
                    let (due, seen) = (now + next_look(age), action.seen.or(Some(now)));
                    self.postponed(Action { seen, ..action }, due, WAITS_FOR_PHONE).await
                }
            }
            Step::Reached(state) => {
                let due = now + next_look(age);
                let note = match state {
                    ActionState::Sent | ActionState::Fetched => Some(WAITS_FOR_PHONE.to_owned()),
                    ActionState::Unverifiable => {
                        Some("the partnership is gone before the phone acknowledged".to_owned())
                    }
                    _ => None,
                };
                let seen = state.title();
                let entry = |action: &Action| self.observed_entry(request, action, seen);
                let action = Action { due, seen: action.seen.or(Some(now)), ..action };
                self.moved(request, action, state, note, Some(&entry)).await?;
                Ok(())
            }
            Step::Refuse(refusal) => self.fail(request, action, &refusal.to_string()).await,
            Step::Unreported => {
                let note = UNREPORTED.to_owned();
                self.end(request, action, ActionState::Unverifiable, note).await
            }
            // A wipe that was to be seen and is no more: somebody took it back.
            Step::NotSeen if action.kind.is_wipe() && action.seen.is_some() => {
                let note = "the wipe was taken back in Exchange".to_owned();
                self.end(request, action, ActionState::Cancelled, note).await
            }
            Step::NotSeen if age < SEEN_WITHIN => {
                let note = "Exchange has taken it; its effect is not to be seen yet";
                let due = now + next_look(age);
                let from = action.state;
                // Whether the answer was heard or not, Exchange's own reading decides.
                let waits = Action { due, note: Some(note.to_owned()), changed: now, ..action };
                self.write(&waits, from, &[]).await
            }
            Step::NotSeen => {
                let note = "Exchange has taken it, and shows no effect".to_owned();
                self.end(request, action, ActionState::Unverifiable, note).await
            }
            Step::Send | Step::WaitForWipe => {
                anyhow::bail!("a reading after the cmdlet asked for another")
            }
        }
    }

    /// Whether a later batch must not go because nothing of the earlier ones worked.
    async fn batch_before_failed(&self, action: &Action) -> anyhow::Result<bool> {
        if action.batch == 0 {
            return Ok(false);
        }
        let (failed, taken) = self.store().tries_of_request(action.request).await?;
        Ok(failed > 0 && taken == 0)
    }

    /// Ends the actions of a connector that is no more.
    pub(super) async fn fail_actions(&self, connector: ConnectorId) -> anyhow::Result<()> {
        let scope = self.own_scope()?;
        for action in self.store().open_actions(connector, self.now(), super::lane::AT_ONCE).await?
        {
            let request = self.store().request(&scope, action.request).await?;
            self.fail(&request, action, &Refusal::NoConnector.to_string()).await?;
        }
        self.inner.lane.wake();
        Ok(())
    }
}

/// How long until the next look: often while somebody may be watching, seldom after a day.
fn next_look(age: SignedDuration) -> SignedDuration {
    match age.as_secs() {
        ..60 => SignedDuration::from_secs(10),
        60..600 => SignedDuration::from_secs(30),
        600..3_600 => SignedDuration::from_mins(5),
        3_600..86_400 => SignedDuration::from_mins(30),
        _ => SignedDuration::from_hours(6),
    }
}

/// What Exchange said, and what to do about it where that is known.
fn refusal_text(error: &exchange::CmdletError) -> String {
    let cmdlet = error.cmdlet.as_deref().unwrap_or("the cmdlet");
    if error.kind.is_missing_permission() {
        return format!(
            "the connector's account may not use {cmdlet}: {}; gatepost connector check says what \
             is missing, and role-script how to grant it",
            error.message
        );
    }
    error.message.clone()
}
