//! Whether Exchange is still as it was written down, and who made it otherwise.

use domain::{
    Caller, Connector, ConnectorName, Permission, Timestamp,
    access::{CompiledRule, compile},
    audit::{Entry, Event},
    notification::Happened,
    status_message,
    wish::{Change, PlanState, Thing, Wish, changes},
};
use exchange::{Feature, Writing};
use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use super::{
    FileProblem, Part, WishSource, document, file,
    hits::seen_in,
    words::{name_of, said, told},
};
use crate::{
    Engine, Error,
    sessions::{Lease, Urgency},
};

/// How often Exchange is compared with the wish that holds.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// The clocks of servers differ; a writing is looked for from a little earlier on.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// What a look for drift found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drift {
    /// When Exchange was read.
    pub checked: Timestamp,
    /// What is not as it was written down.
    pub drifted: Vec<Drifted>,
    /// Why the wish does not fit this Exchange any more.
    pub problems: Vec<FileProblem>,
    /// Why it could not be seen.
    pub trouble: Option<String>,
}

/// Something that is not as it was written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Drifted {
    /// What: from what is to what shall be.
    pub change: Change,
    /// When it was seen first.
    pub since: Timestamp,
    /// Who wrote it, as far as Exchange says.
    pub writer: Option<String>,
    /// When they did.
    pub written: Option<Timestamp>,
}

impl Engine {
    /// What the last look for drift found; `None` before the first.
    pub async fn drift(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<Option<Drift>, Error> {
        let connector = self.store().connector(&caller.scope(Permission::Read)?, name).await?;
        Ok(self.known_drift(&connector).await?)
    }

    /// Compares Exchange with the wish that holds, now.
    pub async fn check_drift(&self, caller: &Caller, name: &ConnectorName) -> Result<Drift, Error> {
        let scope = caller.scope(Permission::ModifyConnectorPolicy)?;
        let connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        match self.look_for_drift(&connector, Urgency::Interactive).await {
            Ok(Some(drift)) => Ok(drift),
            Ok(None) => Err(Error::NotFound(format!(
                "nothing was applied to {name} yet, so nothing can drift; import, plan and apply \
                 first"
            ))),
            Err(error) => Err(Error::Unavailable(format!("Exchange could not be read: {error:#}"))),
        }
    }

    /// Whether it is time to look again.
    pub(super) async fn is_look_due(&self, connector: &Connector) -> anyhow::Result<bool> {
        let last = match self.store().wish(connector.id).await? {
            Some(_) => self.known_drift(connector).await?.map(|known| known.checked),
            None => self.last_seen(connector).await?.map(|last| last.at),
        };
        Ok(last.is_none_or(|last| self.now().duration_since(last) >= EVERY))
    }

    /// Looks in the background: takes in what patterns have to follow, and puts right or tells of
    /// what drifted.
    pub(super) async fn look_around(&self, connector: &Connector) -> anyhow::Result<()> {
        self.glance(connector).await?;
        let Some(held) = self.store().wish(connector.id).await? else { return Ok(()) };
        let looked = async {
            let wish = file::read(&held.text).map(|document| document.wish).unwrap_or_default();
            if self.has_to_follow(connector, &wish).await? {
                self.put_right(connector, Part::Patterns).await?;
            }
            let drift = self.look_for_drift(connector, Urgency::Background).await?;
            let is_setting = |one: &Drifted| matches!(one.change.thing, Thing::Setting(..));
            if wish.corrects_settings
                && drift.is_some_and(|drift| drift.drifted.iter().any(is_setting))
            {
                self.put_right(connector, Part::Settings).await?;
                self.look_for_drift(connector, Urgency::Background).await?;
            }
            anyhow::Ok(())
        };
        if let Err(error) = looked.await {
            let before = self.known_drift(connector).await?.unwrap_or_default();
            let trouble = Some(format!("{error:#}"));
            let failed = Drift { checked: self.now(), trouble, ..before };
            self.store().set_drift(connector.id, failed.checked, &of_drift(&failed)).await?;
        }
        Ok(())
    }

    /// Whether values have appeared that a pattern matches and Exchange has no rule for.
    async fn has_to_follow(&self, connector: &Connector, wish: &Wish) -> anyhow::Result<bool> {
        let rules = wish.access.rules.as_deref().unwrap_or_default();
        if rules.iter().all(|rule| rule.selector.is_exact()) {
            return Ok(false);
        }
        let Some(last) = self.last_seen(connector).await? else { return Ok(false) };
        let seen = seen_in(&self.store().device_groups(connector.id).await?);
        let compiled = compile(rules, &seen);
        let is_there =
            |one: &CompiledRule| last.observed.rule(&Thing::of_rule(&one.rule)).is_some();
        let is_of_pattern = |one: &&CompiledRule| !rules[one.written].selector.is_exact();
        Ok(compiled.rules.iter().filter(is_of_pattern).any(|one| !is_there(one)))
    }

    /// Applies a part of the wish that holds, as people have said once and for all. Above the limit of
    /// flips it is left to them.
    async fn put_right(&self, connector: &Connector, part: Part) -> anyhow::Result<()> {
        let engine = Caller::engine();
        let plan = self.plan_wish(&engine, &connector.name, WishSource::Kept(Some(part))).await?;
        let planned = self.plan_settled(&engine, plan).await?;
        if planned.plan.state != PlanState::Ready || planned.found.changes.is_empty() {
            return Ok(());
        }
        match self.apply_plan(&engine, plan, None).await {
            Ok(()) => {
                self.plan_settled(&engine, plan).await?;
            }
            Err(error @ (Error::Refused(_) | Error::Conflict(_))) => {
                let text = format!("what drifted was not put right: {error}");
                self.record(connector, status_message::Event::ApplyFailed, &text).await;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn look_for_drift(
        &self,
        connector: &Connector,
        urgency: Urgency,
    ) -> anyhow::Result<Option<Drift>> {
        let Some(held) = self.store().wish(connector.id).await? else { return Ok(None) };
        let is_applying = |state| state == PlanState::Applying;
        let plans = self.store().plans(connector.id, 1).await?;
        if plans.first().is_some_and(|plan| is_applying(plan.state)) {
            // What is under way is no drift.
            return Ok(Some(self.known_drift(connector).await?.unwrap_or_default()));
        }
        let document = file::read(&held.text).map_err(|problems| {
            anyhow::anyhow!("the wish that holds is not understood: {}", problems[0])
        })?;
        let before = self.known_drift(connector).await?.unwrap_or_default();
        let mut lease = self.lease(connector, urgency).await?;
        let looked = async {
            let target = self.target_of(connector, &mut lease, &document).await?;
            let target = match target {
                Ok(target) => target,
                Err(problems) => return Ok((Vec::new(), problems, Vec::new())),
            };
            let found = changes(&target.wanted, &target.observed);
            let is_new = found.iter().any(|change| before.of(&change.thing).is_none());
            let since = before.checked.max(held.kept) - CLOCKS_DIFFER;
            let writings = match is_new {
                true => self.writings(&mut lease, since).await?,
                false => Vec::new(),
            };
            anyhow::Ok((found, Vec::new(), writings))
        };
        let looked = looked.await;
        let (found, problems, writings) = self.settled(&mut lease, looked).await?;
        let now = self.now();
        let drifted = found.into_iter().map(|change| match before.of(&change.thing) {
            Some(known) if known.change == change => known.clone(),
            _ => {
                let writing =
                    writings.iter().find(|writing| writing.may_have_changed(&change.thing));
                Drifted {
                    change,
                    since: now,
                    writer: writing.map(|writing| writing.who.clone()),
                    written: writing.map(|writing| writing.at),
                }
            }
        });
        let drift = Drift { checked: now, drifted: drifted.collect(), problems, trouble: None };
        self.store().set_drift(connector.id, now, &of_drift(&drift)).await?;
        self.tell_of_drift(connector, &before, &drift).await?;
        Ok(Some(drift))
    }

    async fn writings(&self, lease: &mut Lease, since: Timestamp) -> anyhow::Result<Vec<Writing>> {
        let organization = lease.organization()?;
        if !organization.may(Feature::Writers) {
            return Ok(Vec::new());
        }
        match organization.writings_since(since).await {
            Ok(writings) => Ok(writings),
            // Who it was is good to know; that it happened is known without.
            Err(error) if error.leaves_session_usable() => {
                tracing::debug!(%error, "Exchange's record of writes could not be searched");
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn tell_of_drift(
        &self,
        connector: &Connector,
        before: &Drift,
        now: &Drift,
    ) -> anyhow::Result<()> {
        for one in &now.drifted {
            if before.of(&one.change.thing).is_some_and(|known| known.change == one.change) {
                continue;
            }
            let text = one.sentence();
            self.record(connector, status_message::Event::Drifted, &text).await;
            let entry = self.entry_of(&Caller::engine(), Event::DriftFound, connector);
            self.audit(drift_entry(entry, one)).await?;
            self.notify(Happened::Drifted { connector: connector.id, why: text }).await;
        }
        if !before.drifted.is_empty() && now.drifted.is_empty() {
            let text = "Exchange is as it was written down again";
            self.record(connector, status_message::Event::DriftEnded, text).await;
        }
        Ok(())
    }

    /// After an apply nothing has drifted.
    pub(super) async fn forget_drift(&self, connector: &Connector) -> anyhow::Result<()> {
        let none = Drift { checked: self.now(), ..Drift::default() };
        Ok(self.store().set_drift(connector.id, none.checked, &of_drift(&none)).await?)
    }

    async fn known_drift(&self, connector: &Connector) -> anyhow::Result<Option<Drift>> {
        match self.store().drift(connector.id).await? {
            Some((checked, document)) => drift(checked, &document).map(Some),
            None => Ok(None),
        }
    }
}

impl Drift {
    fn of(&self, thing: &Thing) -> Option<&Drifted> {
        self.drifted.iter().find(|one| one.change.thing == *thing)
    }
}

impl Drifted {
    /// In one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let name = name_of(&self.change.thing);
        let (is, shall) = (said(self.change.before.as_ref()), said(self.change.after.as_ref()));
        let who = match (&self.writer, self.written) {
            (Some(who), Some(at)) => {
                format!("{who} changed it at {}", at.strftime("%Y-%m-%d %H:%M UTC"))
            }
            _ => "Exchange does not say who changed it".to_owned(),
        };
        format!("{name} is {is} and shall be {shall}; {who}")
    }
}

fn drift_entry(entry: Entry, one: &Drifted) -> Entry {
    let entry = entry.with("change", told(&one.change));
    match &one.writer {
        Some(who) => entry.with("writer", who.as_str()),
        None => entry,
    }
}

fn of_drift(drift: &Drift) -> Json {
    let one = |one: &Drifted| {
        json!({
            "change": document::of_change(&one.change),
            "since": one.since.as_millisecond(),
            "writer": one.writer,
            "written": one.written.map(Timestamp::as_millisecond),
        })
    };
    let problem = |problem: &FileProblem| json!({ "line": problem.line, "what": problem.what });
    json!({
        "drifted": drift.drifted.iter().map(one).collect::<Vec<_>>(),
        "problems": drift.problems.iter().map(problem).collect::<Vec<_>>(),
        "trouble": drift.trouble,
    })
}

fn drift(checked: Timestamp, kept: &Json) -> anyhow::Result<Drift> {
    let time =
        |found: &Json| found.as_i64().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let text = |found: &Json| found.as_str().map(str::to_owned);
    let mut drifted = Vec::new();
    for one in kept["drifted"].as_array().into_iter().flatten() {
        let changes = document::changes(&Json::Array(vec![one["change"].clone()]))?;
        let Some(change) = changes.into_iter().next() else { continue };
        drifted.push(Drifted {
            change,
            since: time(&one["since"]).unwrap_or(checked),
            writer: text(&one["writer"]),
            written: time(&one["written"]),
        });
    }
    let problems = kept["problems"].as_array().into_iter().flatten();
    let problems = problems.map(|problem| FileProblem {
        line: problem["line"].as_u64().and_then(|line| usize::try_from(line).ok()),
        what: text(&problem["what"]).unwrap_or_default(),
    });
    Ok(Drift { checked, drifted, problems: problems.collect(), trouble: text(&kept["trouble"]) })
}
