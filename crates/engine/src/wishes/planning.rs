//! From a wish to a plan: what is not as it shall be.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Caller, Connector, ConnectorName, Permission, PlanId, Timestamp,
    access::{self, Severity},
    audit::{Entry, Event, TargetKind},
    wish::{
        AccessWish, Care, Change, Observed, Origin, PlanState, Thing, Wanted, Wish, changes, steps,
        taken_back, wanted,
    },
};
use serde_json::{Value as Json, json};
use store::{Plan, Revision, StepState};
use uuid::Uuid;

use super::{
    FileProblem, Found, Part, WishSource, document,
    file::{self, Document},
    looking::Wants,
    words,
};
use crate::{
    Engine, Error,
    sessions::{Lease, Urgency},
};

/// Plans that may have begun since one was applied. Somebody who leaves more of them half done than that
/// is asked to adopt what they made.
const PLANS_LOOKED_AT: u32 = 50;

/// What is to be, and what it takes to know how far Exchange is from it.
pub(super) struct Target {
    pub(super) wanted: Wanted,
    pub(super) observed: Observed,
    pub(super) notes: Vec<String>,
    pub(super) limit_of_flips: u64,
    /// Rules that patterns came to.
    pub(super) of_patterns: BTreeSet<Thing>,
}

/// A wish that cannot be carried out, or a target.
pub(super) type Targeted = Result<Target, Vec<FileProblem>>;

impl Engine {
    /// Makes a plan. Answers at once; [`Engine::plan_settled`] waits until Exchange was read.
    pub async fn plan_wish(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        from: WishSource,
    ) -> Result<PlanId, Error> {
        let scope = caller.scope(Permission::ModifyConnectorPolicy)?;
        let connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        let kept = self.store().wish(connector.id).await?;
        let revision = kept.as_ref().map_or(0, |kept| kept.revision);
        let origin = from.origin();
        let (text, document) = self.source(&connector, kept, from).await?;
        let now = self.now();
        let plan = Plan {
            id: PlanId(Uuid::now_v7()),
            connector: connector.id,
            origin,
            state: PlanState::Reading,
            text,
            document,
            person: caller.person,
            person_name: caller.name.clone(),
            source: caller.source,
            revision,
            made: now,
            changed: now,
            note: None,
        };
        let entry = Entry::of(caller, now, Event::PlanMade);
        let entry = on_plan(entry, &plan, &connector).with("from", origin.word());
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().add_plan(&plan, &rows).await?;
        log.written();
        let (id, engine) = (plan.id, self.clone());
        self.inner.tasks.spawn(async move { engine.read_plan(plan).await }).await;
        Ok(id)
    }

    /// The text of the wish that a plan is made of, and what else is kept with the plan.
    async fn source(
        &self,
        connector: &Connector,
        kept: Option<Revision>,
        from: WishSource,
    ) -> Result<(String, Json), Error> {
        let revision = kept.as_ref().map_or(0, |kept| kept.revision);
        let mut document = json!({});
        let text = match from {
            WishSource::File { text, overwrites } => {
                document["overwrites"] = overwrites.into();
                text
            }
            WishSource::Console { text, based_on } => {
                if based_on != revision {
                    let who = kept.map(|kept| kept.person_name).unwrap_or_default();
                    return Err(Error::Conflict(format!(
                        "{who} applied another wish meanwhile; reload the page and make the change \
                         again"
                    )));
                }
                text
            }
            WishSource::Kept(part) => match kept {
                Some(kept) => {
                    document["only"] = part.map(Part::word).into();
                    kept.text
                }
                None => {
                    return Err(Error::NotFound(format!(
                        "nothing was applied to {} yet; import what Exchange has into a file \
                         first, and plan that",
                        connector.name
                    )));
                }
            },
            WishSource::Rollback(to) => {
                if let Some(plan) = to {
                    self.store().plan(&self.own_scope()?, plan).await?;
                    document["back_to"] = plan.to_string().into();
                }
                String::new()
            }
            WishSource::Switch { active_days } => {
                self.switching_wish(connector, active_days).await?
            }
        };
        Ok((text, document))
    }

    /// Reads Exchange for a plan, and keeps what was found.
    async fn read_plan(&self, plan: Plan) {
        let found = Box::pin(self.find(&plan)).await;
        let mut plan = Plan { changed: self.now(), ..plan };
        match found {
            Ok(found) => {
                let is_sound = found.problems.is_empty();
                plan.state = if is_sound { PlanState::Ready } else { PlanState::Refused };
                if let (Some(kept), Json::Object(new)) =
                    (plan.document.as_object_mut(), found.document())
                {
                    kept.extend(new);
                }
            }
            Err(error) => {
                plan.state = PlanState::Refused;
                plan.note =
                    Some(format!("Exchange could not be read, so nothing is planned: {error:#}"));
            }
        }
        if let Err(error) = self.store().change_plan(&plan, PlanState::Reading, &[]).await {
            tracing::error!(%error, "a plan could not be kept");
        }
        self.plan_moved();
    }

    async fn find(&self, plan: &Plan) -> anyhow::Result<Found> {
        let connector = self.connector_of_plan(plan).await?;
        let mut lease = self.lease(&connector, Urgency::Interactive).await?;
        let found = self.find_with(plan, &connector, &mut lease).await;
        self.settled(&mut lease, found).await
    }

    async fn find_with(
        &self,
        plan: &Plan,
        connector: &Connector,
        lease: &mut Lease,
    ) -> anyhow::Result<Found> {
        let target = match self.target(plan, connector, lease).await? {
            Ok(target) => target,
            Err(problems) => return Ok(Found { problems, ..Found::default() }),
        };
        let changes = changes(&target.wanted, &target.observed);
        let mut found = Found { notes: target.notes, ..Found::default() };
        let organization = lease.organization()?;
        let mut missing: BTreeSet<&'static str> = BTreeSet::new();
        for step in steps(&changes, &target.wanted, &target.observed) {
            let cmdlet = organization.cmdlet_of_step(&step);
            if organization.capabilities().sees(cmdlet) == Some(false) {
                missing.insert(cmdlet);
            }
            found.writes.push(format!("{cmdlet} {}", words::describe(&step)));
        }
        for cmdlet in missing {
            found.problems.push(FileProblem {
                line: None,
                what: format!(
                    "the account of {} may not use {cmdlet}, and this plan needs it; gatepost \
                     connector role-script {} writes what grants it",
                    connector.name, connector.name
                ),
            });
        }
        found.hits = self.hits(connector, &target.wanted, &target.observed, &changes).await?;
        found.limit_of_flips = target.limit_of_flips;
        found.changes = changes;
        Ok(found)
    }

    /// What a plan wants, and what Exchange has of it now.
    pub(super) async fn target(
        &self,
        plan: &Plan,
        connector: &Connector,
        lease: &mut Lease,
    ) -> anyhow::Result<Targeted> {
        if plan.origin == Origin::Rollback {
            let wanted = self.back_to(plan).await?;
            let observed = self.observe(connector, lease, &Wants::of_things(&wanted)).await?;
            let limit_of_flips = AccessWish::USUAL_LIMIT_OF_FLIPS;
            return Ok(Ok(Target {
                wanted,
                observed,
                notes: Vec::new(),
                limit_of_flips,
                of_patterns: BTreeSet::new(),
            }));
        }
        let document = match file::read(&plan.text) {
            Ok(document) => document,
            Err(problems) => return Ok(Err(problems)),
        };
        if let Some(named) = &document.connector
            && named != connector.name.as_str()
        {
            let what = format!("this is the wish of {named}, not of {}", connector.name);
            return Ok(Err(vec![FileProblem { line: document.line("connector"), what }]));
        }
        let overwrites = plan.document["overwrites"] == true;
        if plan.origin == Origin::File && !overwrites {
            let undone = self.undone_by(connector, &document).await?;
            if !undone.is_empty() {
                return Ok(Err(undone));
            }
        }
        let mut target = self.target_of(connector, lease, &document).await?;
        if let Ok(target) = &mut target
            && let Some(part) = plan.document["only"].as_str().and_then(Part::from_word)
        {
            let of_patterns = std::mem::take(&mut target.of_patterns);
            target.wanted.things.retain(|thing, value| match part {
                Part::Patterns => value.is_some() && of_patterns.contains(thing),
                Part::Settings => matches!(thing, Thing::Setting(..)),
            });
        }
        Ok(target)
    }

    /// What a wish wants, and what Exchange has of it now.
    pub(super) async fn target_of(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        document: &Document,
    ) -> anyhow::Result<Targeted> {
        let wish = with_option(document.wish.clone(), connector);
        let care = self.care(connector).await?;
        let observed = self.observe(connector, lease, &Wants::of(&wish, &care)).await?;
        let seen = self.seen(connector, lease, &wish, &care).await?;
        let rules = wish.access.rules.as_deref().unwrap_or_default();
        let compiled = access::compile(rules, &seen);
        let sentence = |problem: &access::Problem| problem.sentence(rules);
        let mut problems = Vec::new();
        let mut notes = Vec::new();
        for problem in &compiled.problems {
            match problem.severity() {
                Severity::Error => {
                    let line = problem
                        .written()
                        .and_then(|index| document.line(&format!("access.rules[{index}]")));
                    problems.push(FileProblem { line, what: sentence(problem) });
                }
                Severity::Note => notes.push(sentence(problem)),
            }
        }
        match wanted(&wish, &compiled.rules, &observed, &care) {
            Ok(wanted) if problems.is_empty() => {
                notes.extend(notes_of(&wanted));
                let limit_of_flips =
                    wish.access.limit_of_flips.unwrap_or(AccessWish::USUAL_LIMIT_OF_FLIPS);
                let of_patterns = compiled
                    .rules
                    .iter()
                    .filter(|one| {
                        rules.get(one.written).is_some_and(|rule| !rule.selector.is_exact())
                    })
                    .map(|one| Thing::of_rule(&one.rule))
                    .collect();
                Ok(Ok(Target { wanted, observed, notes, limit_of_flips, of_patterns }))
            }
            Ok(_) => Ok(Err(problems)),
            Err(more) => {
                problems.extend(more.into_iter().map(|problem| FileProblem {
                    line: document.line(&problem.at),
                    what: problem.what,
                }));
                problems.sort();
                Ok(Err(problems))
            }
        }
    }

    /// What Gatepost looks after at a connector: what is there by the wish that holds, and what was made
    /// since by plans that did not come to their end.
    pub(super) async fn care(&self, connector: &Connector) -> anyhow::Result<Care> {
        let mut care = Care::default();
        for text in self.store().care(connector.id).await? {
            let document: Json = serde_json::from_str(&text)?;
            care.things.insert(document::thing(&document)?);
        }
        let latest = self.store().plans(connector.id, PLANS_LOOKED_AT).await?;
        let since = latest.iter().take_while(|plan| plan.state != PlanState::Applied);
        let is_begun = |plan: &&Plan| {
            matches!(plan.state, PlanState::Applying | PlanState::Failed)
                && plan.origin != Origin::Rollback
        };
        let mut begun: Vec<&Plan> = since.filter(is_begun).collect();
        // The latest comes last.
        begun.reverse();
        for plan in begun {
            for step in self.store().plan_steps(plan.id).await? {
                if step.state == StepState::Failed {
                    continue;
                }
                for change in document::changes(&step.document["changes"])? {
                    care.follow(&change.thing, change.after.is_some());
                }
            }
        }
        Ok(care)
    }

    /// What things were before a plan was applied, or before the first.
    async fn back_to(&self, plan: &Plan) -> anyhow::Result<Wanted> {
        let back_to = plan.document["back_to"].as_str();
        let mut is_since = back_to.is_none();
        let mut all: Vec<Change> = Vec::new();
        for step in self.store().steps_of_connector(plan.connector).await? {
            is_since |= back_to == Some(step.plan.to_string().as_str());
            // Of one whose end nobody heard it is not known: Exchange will say.
            if is_since && step.plan != plan.id && step.state != StepState::Failed {
                all.extend(document::changes(&step.document["changes"])?);
            }
        }
        Ok(taken_back(&all))
    }

    /// What was changed in the console since the last file was applied, and a file would undo.
    async fn undone_by(
        &self,
        connector: &Connector,
        document: &Document,
    ) -> anyhow::Result<Vec<FileProblem>> {
        let all = self.store().wishes(connector.id, MOST_REVISIONS).await?;
        let Some(latest) = all.first().filter(|latest| latest.origin == Origin::Console) else {
            return Ok(Vec::new());
        };
        let base = all.iter().find(|one| one.origin != Origin::Console);
        let parts = |text: &str| file::read(text).map(|one| parts(&one.wish)).unwrap_or_default();
        let base = base.map(|base| parts(&base.text)).unwrap_or_default();
        let (held, new) = (parts(&latest.text), self::parts(&document.wish));
        let names: BTreeSet<&String> = base.keys().chain(held.keys()).collect();
        let undone = names
            .into_iter()
            .filter(|name| base.get(*name) != held.get(*name) && held.get(*name) != new.get(*name));
        let problems = undone.map(|name| {
            let value = |found: Option<&String>| found.map_or("nothing", String::as_str).to_owned();
            let place = name.split(" ").next().unwrap_or_default();
            FileProblem {
                line: document.line(place),
                what: format!(
                    "{} set {name} to {} in the console at {}, and the file says {}; take it into \
                     the file, or plan with --overwrite",
                    latest.person_name,
                    value(held.get(name)),
                    to_the_minute(latest.kept),
                    value(new.get(name)),
                ),
            }
        });
        Ok(problems.collect())
    }
}

/// Revisions that are looked through for the last file.
const MOST_REVISIONS: u32 = 1_000;

fn to_the_minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// What the connector itself says of one setting holds where the wish says nothing of it.
fn with_option(mut wish: Wish, connector: &Connector) -> Wish {
    if let Some(allows) = connector.options.allow_external_management {
        let setting = domain::Setting::AllowExternalDeviceManagement;
        wish.settings.entry(setting).or_insert(domain::SettingValue::Flag(allows));
    }
    wish
}

fn notes_of(wanted: &Wanted) -> Vec<String> {
    let mut notes = Vec::new();
    if wanted.with_another_policy > 0 {
        notes.push(format!(
            "{} mailboxes have another policy and stay as they are",
            wanted.with_another_policy
        ));
    }
    if let Some(first) = wanted.hand_made_rules.first() {
        notes.push(format!(
            "{} rules were made by hand and are left alone, {first} among them; write them down \
             to adopt them",
            wanted.hand_made_rules.len()
        ));
    }
    notes
}

/// Every part of a wish with what it says, to compare two wishes.
fn parts(wish: &Wish) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    for (setting, value) in &wish.settings {
        parts.insert(format!("settings.{}", setting.path()), value.to_string());
    }
    parts.insert("settings.policy".to_owned(), format!("{:?}", wish.policy));
    let access = &wish.access;
    if let Some(level) = access.default_level {
        parts.insert("access.default_level".to_owned(), level.to_string());
    }
    if let Some(administrators) = &access.administrators {
        parts.insert("access.administrators".to_owned(), administrators.join(", "));
    }
    if let Some(text) = &access.text_for_users {
        parts.insert("access.text_for_users".to_owned(), text.clone());
    }
    if let Some(limit) = access.limit_of_flips {
        parts.insert("access.limit_of_flips".to_owned(), limit.to_string());
    }
    for rule in access.rules.iter().flatten() {
        parts.insert(format!("access.rules {rule}"), rule.level.to_string());
    }
    for exemption in &access.exemptions {
        for (word, ids) in [("allow", &exemption.allow), ("block", &exemption.block)] {
            for id in ids {
                let name = format!("access.exemptions {} {id}", exemption.mailbox);
                parts.insert(name, word.to_owned());
            }
        }
    }
    parts
}

/// An entry about a plan.
pub(super) fn on_plan(entry: Entry, plan: &Plan, connector: &Connector) -> Entry {
    let name = format!("plan of {}", connector.name);
    entry.on(TargetKind::Plan, plan.id.to_string(), name)
}
