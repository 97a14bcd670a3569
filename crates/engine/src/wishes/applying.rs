//! Carrying a plan out: refuse if the world has moved, then write by write, then read back.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Caller, Connector, Permission, PlanId,
    audit::{Actor, Entry, Event},
    status_message,
    wish::{Change, Origin, PlanState, Step, Thing, Value, Wanted, changes, steps},
};
use jiff::SignedDuration;
use serde_json::json;
use store::{Plan, PlanStep, Revision, StepState, WishApplied};

use super::{
    Found, Hits, document,
    looking::Wants,
    planning::{Target, on_plan},
    words::{describe, name_of, said, told},
};
use crate::{
    Engine, Error, endpoints,
    sessions::{Lease, Urgency},
};

/// A plan that is older was made for another world.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How often an apply goes on after the connection was lost.
const MOST_TRIES: u32 = 5;
/// The rest after the second try; after the third it is four, after the fourth nine times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// How one try to carry a plan out ended.
enum Tried {
    /// Everything is in Exchange.
    Applied(Box<Wanted>),
    /// It cannot go on; why.
    Failed(String),
}

impl Engine {
    /// Has a plan carried out, or gone on with. Answers at once; [`Engine::plan_settled`] waits.
    /// `accepts_flips` is how many devices may change their state, where that is more than the wish
    /// allows.
    pub async fn apply_plan(
        &self,
        caller: &Caller,
        id: PlanId,
        accepts_flips: Option<u64>,
    ) -> Result<(), Error> {
        let scope = caller.scope(Permission::ModifyConnectorPolicy)?;
        let plan = self.store().plan(&scope, id).await?;
        let connector = self.connector_of_plan(&plan).await?;
        self.must_not_be_removed(&connector)?;
        let now = self.now();
        match plan.state {
            PlanState::Ready | PlanState::Failed => {}
            PlanState::Reading => {
                return Err(Error::Conflict("Exchange is still being read for it".to_owned()));
            }
            PlanState::Refused => {
                let why = "it cannot be applied; its problems say why".to_owned();
                return Err(Error::Conflict(why));
            }
            PlanState::Applying => {
                return Err(Error::Conflict("it is being applied already".to_owned()));
            }
            PlanState::Applied => {
                return Err(Error::Conflict("it was applied already; make a new plan".to_owned()));
            }
        }
        if now.duration_since(plan.made) > GOOD_FOR {
            let hours = GOOD_FOR.as_hours();
            return Err(Error::Conflict(format!(
                "the plan is older than {hours} hours; make a new one"
            )));
        }
        let found = Found::of(&plan.document)?;
        let flips = found.hits.as_ref().map_or(0, Hits::devices);
        let limit = found.limit_of_flips.max(accepts_flips.unwrap_or_default());
        if flips > limit {
            return Err(Error::Refused(format!(
                "the plan changes the state of {flips} devices, and the limit is {limit}; look at \
                 whom it hits, and accept {flips} flips if that is meant"
            )));
        }
        let held = self.store().wish(connector.id).await?.map_or(0, |held| held.revision);
        if held != plan.revision {
            return Err(Error::Conflict(
                "another wish was applied since the plan was made; make a new plan".to_owned(),
            ));
        }
        let from = plan.state;
        let plan = Plan {
            state: PlanState::Applying,
            person: caller.person,
            person_name: caller.name.clone(),
            source: caller.source,
            changed: now,
            note: None,
            ..plan
        };
        let entry = on_plan(Entry::of(caller, now, Event::PlanApplying), &plan, &connector);
        let entry = entry.with("flips", flips.to_string());
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().change_plan(&plan, from, &rows).await?;
        log.written();
        self.spawn_apply(plan).await;
        Ok(())
    }

    /// Goes on with a plan that a stop cut short.
    pub(super) async fn go_on_with_plan(&self, plan: Plan) -> Result<(), Error> {
        if plan.state == PlanState::Applying {
            self.spawn_apply(plan).await;
            return Ok(());
        }
        let note = Some("a stop cut the reading short; plan again".to_owned());
        let refused = Plan { state: PlanState::Refused, changed: self.now(), note, ..plan };
        Ok(self.store().change_plan(&refused, PlanState::Reading, &[]).await?)
    }

    async fn spawn_apply(&self, plan: Plan) {
        let engine = self.clone();
        let apply = async move {
            if let Err(error) = Box::pin(engine.carry_out(plan)).await {
                tracing::error!(%error, "a plan could not be carried out");
            }
            engine.plan_moved();
        };
        self.inner.tasks.spawn(apply).await;
    }

    async fn carry_out(&self, plan: Plan) -> anyhow::Result<()> {
        let connector = self.connector_of_plan(&plan).await?;
        let mut tries = 0;
        let tried = loop {
            tries += 1;
            match self.try_out(&plan, &connector).await {
                Ok(tried) => break tried,
                Err(error) if tries < MOST_TRIES && may_go_on(&error, tries > 1) => {
                    tracing::warn!(%error, connector = %connector.name, "applying goes on");
                    let mut stop = self.inner.tasks.stop();
                    tokio::select! {
                        () = self.inner.options.clock.sleep(pause_after(tries)) => {}
                        // It stays as it is, and goes on at the next start.
                        () = stop.wait() => return Ok(()),
                    }
                }
                Err(error) => break Tried::Failed(format!("{error:#}")),
            }
        };
        match tried {
            Tried::Applied(wanted) => self.applied(plan, &connector, &wanted).await,
            Tried::Failed(why) => self.apply_failed(plan, &connector, &why).await,
        }
    }

    async fn try_out(&self, plan: &Plan, connector: &Connector) -> anyhow::Result<Tried> {
        let mut lease = self.lease(connector, Urgency::Interactive).await?;
        let tried = self.try_with(plan, connector, &mut lease).await;
        self.settled(&mut lease, tried).await
    }

    async fn try_with(
        &self,
        plan: &Plan,
        connector: &Connector,
        lease: &mut Lease,
    ) -> anyhow::Result<Tried> {
        let Target { wanted, observed, .. } = match self.target(plan, connector, lease).await? {
            Ok(target) => target,
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                return Ok(Tried::Failed(problems.join("; ")));
            }
        };
        let planned = Found::of(&plan.document)?.changes;
        let mut left = changes(&wanted, &observed);
        let sent = self.store().plan_steps(plan.id).await?;
        if sent.is_empty() {
            if let Some(moved) = moved(&planned, &left) {
                return Ok(Tried::Failed(format!(
                    "Exchange has changed since the plan was made ({moved}); nothing was sent, make \
                     a new plan"
                )));
            }
        } else {
            let things: BTreeSet<&Thing> = planned.iter().map(|change| &change.thing).collect();
            left.retain(|change| things.contains(&change.thing));
        }
        let first = sent.last().map_or(0, |last| last.position + 1);
        for (position, step) in (first..).zip(steps(&left, &wanted, &observed)) {
            let covered: Vec<Change> =
                left.iter().filter(|change| is_of(&step, &change.thing)).cloned().collect();
            if let Some(why) =
                self.send_step(plan, connector, lease, position, &step, &covered).await?
            {
                return Ok(Tried::Failed(why));
            }
        }
        // Read back: what counts is what Exchange shows, not what it answered.
        let wants = Wants::of_things(&wanted);
        let after = self.observe(connector, lease, &wants).await?;
        let differing = changes(&wanted, &after);
        let planned: BTreeSet<&Thing> = planned.iter().map(|change| &change.thing).collect();
        match differing.iter().find(|change| planned.contains(&change.thing)) {
            None => Ok(Tried::Applied(Box::new(wanted))),
            Some(change) => Ok(Tried::Failed(format!(
                "Exchange took every write and shows {} of {} all the same",
                said(change.before.as_ref()),
                name_of(&change.thing)
            ))),
        }
    }

    /// Sends one write: the intent, the cmdlet, the answer. A refusal of Exchange's comes back as text.
    async fn send_step(
        &self,
        plan: &Plan,
        connector: &Connector,
        lease: &mut Lease,
        position: u32,
        step: &Step,
        covered: &[Change],
    ) -> anyhow::Result<Option<String>> {
        let cmdlet = lease.organization()?.cmdlet_of_step(step);
        let what = describe(step);
        let document = json!({
            "cmdlet": cmdlet,
            "what": what,
            "changes": document::of_changes(covered),
        });
        let intent = PlanStep {
            plan: plan.id,
            position,
            state: StepState::Sending,
            document,
            note: None,
            changed: self.now(),
        };
        self.crash_point().await;
        self.write_step(plan, connector, &intent, Event::PlanSending).await?;
        self.crash_point().await;
        let answer = lease.organization()?.write(step).await;
        self.crash_point().await;
        let (state, note) = match &answer {
            Ok(()) => (StepState::Done, None),
            // Whether it took effect is seen when Exchange is read again.
            Err(error) if !error.leaves_session_usable() => return Err(answer_error(answer)),
            Err(error) => (StepState::Failed, Some(error.to_string())),
        };
        let answered = PlanStep { state, note: note.clone(), changed: self.now(), ..intent };
        self.write_step(plan, connector, &answered, Event::PlanAnswered).await?;
        self.plan_moved();
        Ok(note.map(|why| format!("{cmdlet} {what}: {why}")))
    }

    async fn write_step(
        &self,
        plan: &Plan,
        connector: &Connector,
        step: &PlanStep,
        event: Event,
    ) -> anyhow::Result<()> {
        let text = |name: &str| step.document[name].as_str().unwrap_or_default().to_owned();
        let mut entry = on_plan(self.entry_by(plan, event), plan, connector)
            .with("cmdlet", text("cmdlet"))
            .with("what", text("what"));
        if event == Event::PlanAnswered {
            entry = entry.answered(step.note.clone().unwrap_or_else(|| "taken".to_owned()));
        } else {
            let changes = document::changes(&step.document["changes"])?;
            let told: Vec<String> = changes.iter().map(told).collect();
            entry = entry.with("changes", told.join("; "));
        }
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().write_plan_step(step, &rows).await?;
        log.written();
        Ok(())
    }

    /// An entry of whoever had the plan applied.
    fn entry_by(&self, plan: &Plan, event: Event) -> Entry {
        let actor = Actor { id: plan.person, name: plan.person_name.clone() };
        Entry { actor, source: plan.source, ..Entry::of(&Caller::engine(), self.now(), event) }
    }

    async fn applied(
        &self,
        plan: Plan,
        connector: &Connector,
        wanted: &Wanted,
    ) -> anyhow::Result<()> {
        let now = self.now();
        let from_before = self.text_before(&plan).await?;
        let care = self.care_after(&plan, connector, wanted).await?;
        let document = |thing: &Thing| document::of_thing(thing).to_string();
        let done = Plan { state: PlanState::Applied, changed: now, note: None, ..plan };
        let revision = (done.origin != Origin::Kept).then(|| Revision {
            revision: done.revision + 1,
            text: from_before.unwrap_or_else(|| done.text.clone()),
            origin: done.origin,
            plan: done.id,
            person: done.person,
            person_name: done.person_name.clone(),
            kept: now,
        });
        let care = care.iter().map(document).collect();
        let entry = on_plan(self.entry_by(&done, Event::PlanApplied), &done, connector);
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        let applied = WishApplied { plan: &done, revision, care };
        self.store().wish_applied(&applied, &rows).await?;
        log.written();
        let text = format!("{} had a plan applied; Exchange is as written", done.person_name);
        self.record(connector, status_message::Event::WishApplied, &text).await;
        if done.document["only"].is_null() {
            self.forget_drift(connector).await?;
        }
        Ok(())
    }

    /// The wish that holds after a rollback: the one before.
    async fn text_before(&self, plan: &Plan) -> anyhow::Result<Option<String>> {
        if plan.origin != Origin::Rollback {
            return Ok(None);
        }
        let connector = self.connector_of_plan(plan).await?;
        let silent = format!("# Everything was taken back.\nconnector: {}\n", connector.name);
        let Some(back_to) = plan.document["back_to"].as_str() else { return Ok(Some(silent)) };
        let all = self.store().wishes(plan.connector, u32::MAX / 2).await?;
        let mut before = all.into_iter().skip_while(|one| one.plan.to_string() != back_to).skip(1);
        Ok(Some(before.next().map_or(silent, |before| before.text)))
    }

    /// What is looked after from now on: what is there by the wish.
    async fn care_after(
        &self,
        plan: &Plan,
        connector: &Connector,
        wanted: &Wanted,
    ) -> anyhow::Result<BTreeSet<Thing>> {
        if plan.origin == Origin::Rollback && plan.document["back_to"].is_null() {
            return Ok(BTreeSet::new());
        }
        let mut care = self.care(connector).await?;
        for (thing, value) in &wanted.things {
            // What a rollback brings back is not ours for that.
            if value.is_none() || plan.origin != Origin::Rollback {
                care.follow(thing, value.is_some());
            }
        }
        Ok(care.things)
    }

    async fn apply_failed(
        &self,
        plan: Plan,
        connector: &Connector,
        why: &str,
    ) -> anyhow::Result<()> {
        let steps = self.store().plan_steps(plan.id).await?;
        let done = steps.iter().filter(|step| step.state == StepState::Done).count();
        let why = match done {
            0 => why.to_owned(),
            done => format!(
                "{why}. {done} writes were done before and stay; apply it again to go on, or roll \
                 back"
            ),
        };
        let is_untouched = steps.is_empty();
        let failed = Plan {
            state: if is_untouched { PlanState::Refused } else { PlanState::Failed },
            changed: self.now(),
            note: Some(why.clone()),
            ..plan
        };
        let entry = on_plan(self.entry_by(&failed, Event::PlanFailed), &failed, connector);
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry.answered(why.clone())]);
        self.store().change_plan(&failed, PlanState::Applying, &rows).await?;
        log.written();
        self.record(connector, status_message::Event::ApplyFailed, &why).await;
        Ok(())
    }
}

/// How long an apply rests before it goes on. A connection that was cut is made anew at once; an
/// Exchange that is busy is given time.
fn pause_after(tries: u32) -> Duration {
    FIRST_PAUSE * tries.saturating_sub(1).pow(2)
}

fn answer_error(answer: Result<(), exchange::Error>) -> anyhow::Error {
    match answer {
        Err(error) => error.into(),
        Ok(()) => anyhow::anyhow!("nothing failed"),
    }
}

/// Whether trying again may do: the connection was lost, or Exchange was busy. Once there was a
/// connection, a new one is worth several tries as well.
fn may_go_on(error: &anyhow::Error, was_connected: bool) -> bool {
    match error.downcast_ref::<exchange::Error>() {
        Some(exchange::Error::Cmdlet(error)) => error.kind.is_passing(),
        Some(error) => !error.leaves_session_usable(),
        None => was_connected && !endpoints::is_of_account(error),
    }
}

/// What differs between what was planned and what there is to do now; `None` if nothing does.
fn moved(planned: &[Change], now: &[Change]) -> Option<String> {
    let is_same = |one: &Change, other: &Change| {
        let same = |a: &Option<Value>, b: &Option<Value>| match (a, b) {
            (Some(a), Some(b)) => a.means(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        one.thing == other.thing
            && same(&one.before, &other.before)
            && same(&one.after, &other.after)
    };
    let missing = |these: &[Change], those: &[Change]| {
        let lost = these.iter().find(|one| !those.iter().any(|other| is_same(one, other)));
        lost.map(|change| name_of(&change.thing))
    };
    missing(planned, now).or_else(|| missing(now, planned))
}

/// Whether a step is what makes a change.
fn is_of(step: &Step, thing: &Thing) -> bool {
    match (step, thing) {
        (
            Step::NewPolicy { name, .. } | Step::RemovePolicy { name, .. },
            Thing::Policy(policy) | Thing::Setting(policy, _),
        )
        | (Step::SetPolicy { name, .. }, Thing::Setting(policy, _)) => name == policy,
        (Step::Assign { mailbox, .. }, Thing::Assignment(of)) => mailbox == of,
        (
            Step::SetAccess { default_level, administrators, text_for_users },
            Thing::DefaultLevel | Thing::Administrators | Thing::TextForUsers,
        ) => match thing {
            Thing::DefaultLevel => default_level.is_some(),
            Thing::Administrators => administrators.is_some(),
            _ => text_for_users.is_some(),
        },
        (
            Step::NewRule(rule) | Step::SetRule { rule, .. } | Step::RemoveRule { rule, .. },
            Thing::Rule(..),
        ) => Thing::of_rule(rule) == *thing,
        (Step::Exempt { mailbox, device, .. }, Thing::Exemption(of, id)) => {
            mailbox == of && device == id
        }
        _ => false,
    }
}
