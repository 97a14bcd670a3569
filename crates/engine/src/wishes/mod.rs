//! Written wishes: read from files, compared with Exchange, applied, watched and taken back.
//!
//! A *plan* is made of a wish ([`planning`]): Exchange is read once, and what differs is kept with
//! the plan. Applying it ([`applying`]) reads again, refuses if the world has moved, and goes through
//! its writes one by one: intent on record, cmdlet, answer on record; at the end everything is read
//! back. A process that was killed anywhere goes on from what Exchange has. [`drift`] compares what
//! holds with what is there, on schedule.
//!
//! [`file`] and [`writing`] are the two directions of a wish's file; `looking` reads Exchange.

mod applying;
mod document;
mod drift;
mod editing;
mod file;
mod hits;
mod importing;
mod last_seen;
mod looking;
mod planning;
mod rules;
mod settings;
mod switching;
#[cfg(test)]
mod tests;
mod words;
mod writing;
mod yaml;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use domain::{
    Caller, Connector, ConnectorId, ConnectorName, Permission, PlanId, Timestamp,
    wish::{Change, Origin, PlanState},
};
use jiff::SignedDuration;
use serde_json::json;
use store::{Plan, PlanStep, Revision};
use tokio::sync::watch;

pub use drift::{Drift, Drifted};
pub use editing::WishToEdit;
pub use hits::{Flip, HitGroup, Hits};
pub use importing::Imported;
pub(crate) use last_seen::LastSeen;
pub use rules::{ExactRule, KnownRule, KnownRules, RuleSource, TestedRule, TestedRules};
pub use settings::{KnownSetting, KnownSettings};
pub use words::name_of;
pub use yaml::FileProblem;

use crate::{Engine, Error};

/// Tells those who wait that a plan has moved on, and who is being looked at.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    changed: watch::Sender<u64>,
    /// Connectors that are being looked at, or could not be: not before these times.
    looks: Mutex<BTreeMap<ConnectorId, Timestamp>>,
}

/// What a plan is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WishSource {
    /// A file.
    File {
        /// Its text.
        text: String,
        /// Whether it goes before what was changed in the console since the file was applied.
        overwrites: bool,
    },
    /// What somebody changed in the console.
    Console {
        /// The wish as it shall be, as a file.
        text: String,
        /// The revision that was changed.
        based_on: u64,
    },
    /// The wish that holds, to mend drift: all of it, or a part.
    Kept(Option<Part>),
    /// What was there before a plan was applied, or before the first.
    Rollback(Option<PlanId>),
    /// The guided switch to quarantine: devices that were active in so many days are exempted first.
    Switch {
        /// How many.
        active_days: u32,
    },
}

/// What is put right by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Rules that patterns come to, for values that have appeared.
    Patterns,
    /// Settings.
    Settings,
}

impl Part {
    const ALL: [Self; 2] = [Self::Patterns, Self::Settings];

    /// The word in documents.
    const fn word(self) -> &'static str {
        match self {
            Self::Patterns => "patterns",
            Self::Settings => "settings",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.word() == word)
    }
}

impl WishSource {
    const fn origin(&self) -> Origin {
        match self {
            Self::File { .. } => Origin::File,
            Self::Console { .. } | Self::Switch { .. } => Origin::Console,
            Self::Kept(_) => Origin::Kept,
            Self::Rollback(_) => Origin::Rollback,
        }
    }
}

/// A plan with everything that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedWish {
    /// The plan as it is kept.
    pub plan: Plan,
    /// What it found.
    pub found: Found,
    /// The writes that were sent.
    pub steps: Vec<PlanStep>,
}

/// What a plan found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// What is not as it shall be: deletions first.
    pub changes: Vec<Change>,
    /// Why it cannot be applied.
    pub problems: Vec<FileProblem>,
    /// What is worth knowing and no obstacle.
    pub notes: Vec<String>,
    /// Writes that it takes: cmdlet and what it is about.
    pub writes: Vec<String>,
    /// Whom it hits; `None` where it changes nothing about access.
    pub hits: Option<Hits>,
    /// How many devices may change their state without somebody accepting it.
    pub limit_of_flips: u64,
}

impl Found {
    fn document(&self) -> serde_json::Value {
        let problem = |problem: &FileProblem| json!({ "line": problem.line, "what": problem.what });
        json!({
            "changes": document::of_changes(&self.changes),
            "problems": self.problems.iter().map(problem).collect::<Vec<_>>(),
            "notes": self.notes,
            "writes": self.writes,
            "hits": self.hits.as_ref().map(hits::document),
            "limit_of_flips": self.limit_of_flips,
        })
    }

    fn of(document: &serde_json::Value) -> anyhow::Result<Self> {
        let texts = |name: &str| -> Vec<String> {
            let items = document[name].as_array().into_iter().flatten();
            items.filter_map(|item| Some(item.as_str()?.to_owned())).collect()
        };
        let problems = document["problems"].as_array().into_iter().flatten();
        Ok(Self {
            changes: document::changes(&document["changes"])?,
            problems: problems
                .map(|problem| FileProblem {
                    line: problem["line"].as_u64().and_then(|line| usize::try_from(line).ok()),
                    what: problem["what"].as_str().unwrap_or_default().to_owned(),
                })
                .collect(),
            notes: texts("notes"),
            writes: texts("writes"),
            hits: hits::read(&document["hits"]),
            limit_of_flips: document["limit_of_flips"].as_u64().unwrap_or_default(),
        })
    }
}

impl Engine {
    /// One plan, with everything that is known of it.
    pub async fn plan_of_wish(&self, caller: &Caller, id: PlanId) -> Result<PlannedWish, Error> {
        let scope = caller.scope(Permission::Read)?;
        let plan = self.store().plan(&scope, id).await?;
        let found = Found::of(&plan.document)?;
        let steps = self.store().plan_steps(id).await?;
        Ok(PlannedWish { plan, found, steps })
    }

    /// The latest plans of a connector, latest first.
    pub async fn plans_of_wish(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        limit: u32,
    ) -> Result<Vec<Plan>, Error> {
        let connector = self.store().connector(&caller.scope(Permission::Read)?, name).await?;
        Ok(self.store().plans(connector.id, limit).await?)
    }

    /// Waits until nothing more happens about a plan by itself.
    pub async fn plan_settled(&self, caller: &Caller, id: PlanId) -> Result<PlannedWish, Error> {
        let mut changed = self.inner.wishes.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let planned = self.plan_of_wish(caller, id).await?;
            if !matches!(planned.plan.state, PlanState::Reading | PlanState::Applying) {
                return Ok(planned);
            }
            if changed.changed().await.is_err() {
                return Err(Error::Unavailable("the engine has stopped".to_owned()));
            }
        }
    }

    /// The wish that holds; `None` before the first was applied.
    pub async fn wish(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<Option<Revision>, Error> {
        let connector = self.store().connector(&caller.scope(Permission::Read)?, name).await?;
        Ok(self.store().wish(connector.id).await?)
    }

    /// The latest wishes that held, latest first.
    pub async fn wishes(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        limit: u32,
    ) -> Result<Vec<Revision>, Error> {
        let connector = self.store().connector(&caller.scope(Permission::Read)?, name).await?;
        Ok(self.store().wishes(connector.id, limit).await?)
    }

    pub(super) fn plan_moved(&self) {
        self.inner.wishes.changed.send_modify(|count| *count += 1);
    }

    async fn connector_of_plan(&self, plan: &Plan) -> anyhow::Result<Connector> {
        let connectors = self.store().connectors(&self.own_scope()?).await?;
        let found = connectors.into_iter().find(|connector| connector.id == plan.connector);
        found.ok_or_else(|| anyhow::anyhow!("the connector was removed"))
    }
}

/// Takes up what a stop cut short.
pub(crate) async fn start(engine: &Engine) -> Result<(), Error> {
    for plan in engine.store().plans_under_way().await? {
        engine.go_on_with_plan(plan).await?;
    }
    Ok(())
}

impl Engine {
    /// Looks at what a connector's wish is about, if it is time: for drift, and so that decisions can
    /// be explained.
    pub(crate) async fn look_at_wish(&self, connector: &Connector) -> anyhow::Result<()> {
        let now = self.now();
        if connector.last_full_sync.is_none() || !self.is_look_due(connector).await? {
            return Ok(());
        }
        let looks = || self.inner.wishes.looks.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut looks = looks();
            if looks.get(&connector.id).is_some_and(|not_before| *not_before > now) {
                return Ok(());
            }
            looks.insert(connector.id, now + LOOK_TAKES_AT_MOST);
        }
        let (engine, connector) = (self.clone(), connector.clone());
        let look = async move {
            let looked = Box::pin(engine.look_around(&connector)).await;
            let looks = engine.inner.wishes.looks.lock();
            let mut looks = looks.unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = looked {
                looks.insert(connector.id, engine.now() + LOOK_RETRY);
                let error = format!("{error:#}");
                tracing::info!(connector = %connector.name, error, "its rules were not seen");
            } else {
                looks.remove(&connector.id);
            }
            drop(looks);
            // It may be time for the next one already.
            engine.inner.connectors_changed.notify_waiters();
        };
        self.inner.tasks.spawn(look).await;
        Ok(())
    }
}

/// A look that fails is not tried again at once.
const LOOK_RETRY: SignedDuration = SignedDuration::from_mins(15);
/// Nobody else looks meanwhile.
const LOOK_TAKES_AT_MOST: SignedDuration = SignedDuration::from_hours(2);
