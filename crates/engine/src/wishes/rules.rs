//! Exchange's access rules beside the written ones, and what written ones would come to.

use std::collections::BTreeMap;

use domain::{
    AccessRule, Caller, Connector, ConnectorName, Permission, Timestamp,
    access::{self, Gain, MOST_RULES, RuleKey, Seen, Severity, WrittenRule},
    wish::{AccessWish, Care, ObservedRule, Thing, Wish},
};

use super::{
    FileProblem,
    file::{self, Document},
    looking::needs_classes,
};
use crate::{Engine, Error, sessions::Urgency};

/// The access rules of an organization.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownRules {
    /// When Exchange was read.
    pub observed: Timestamp,
    /// The rules, as Exchange lists them.
    pub rules: Vec<KnownRule>,
}

/// An access rule of Exchange's.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownRule {
    /// As Exchange has it.
    pub rule: ObservedRule,
    /// Whether Gatepost looks after it; one made by hand is left alone.
    pub is_in_care: bool,
    /// The rule of the wish that it comes from.
    pub written: Option<WrittenRule>,
    /// Devices that it names.
    pub devices: u64,
}

/// Rules to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleSource {
    /// Rules.
    Written(Vec<WrittenRule>),
    /// Those of a wish's file.
    File(String),
}

/// What rules that were tried come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestedRules {
    /// The rules, in the order written.
    pub written: Vec<TestedRule>,
    /// The exact rules that Exchange would have.
    pub exact: Vec<ExactRule>,
    /// Why they cannot be applied.
    pub problems: Vec<FileProblem>,
    /// What is worth knowing and no obstacle.
    pub notes: Vec<String>,
}

/// A rule that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestedRule {
    /// As it was written.
    pub rule: WrittenRule,
    /// Where it stands in a file.
    pub line: Option<usize>,
    /// What it gives.
    pub gain: Gain,
}

/// A rule as Exchange would have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactRule {
    /// The rule.
    pub rule: AccessRule,
    /// The index of the written one.
    pub written: usize,
    /// Devices that it names.
    pub devices: u64,
}

impl Engine {
    /// The access rules that Exchange had when it was read last; `None` before the first time.
    pub async fn access_rules(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<Option<KnownRules>, Error> {
        let connector = self.store().connector(&caller.scope(Permission::Read)?, name).await?;
        let last = self.last_seen(&connector).await?;
        let last = last.and_then(|last| Some((last.rules_at, last.observed.rules?)));
        let Some((observed, rules)) = last else { return Ok(None) };
        let care = self.care(&connector).await?;
        let seen = self.seen_here(&connector, &care).await?;
        let held = self.held_wish(&connector).await?.wish.access.rules.unwrap_or_default();
        let compiled = access::compile(&held, &seen);
        let written: BTreeMap<RuleKey, &WrittenRule> = compiled
            .rules
            .iter()
            .filter_map(|one| Some((one.rule.key(), held.get(one.written)?)))
            .collect();
        let exact: Vec<&AccessRule> = rules.iter().filter_map(|rule| rule.rule.as_ref()).collect();
        let devices = named_by(&exact, &seen);
        let known = rules.into_iter().map(|rule| {
            let key = rule.rule.as_ref().map(AccessRule::key);
            KnownRule {
                is_in_care: rule
                    .rule
                    .as_ref()
                    .is_some_and(|rule| care.things.contains(&Thing::of_rule(rule))),
                written: key.as_ref().and_then(|key| written.get(key)).map(|&rule| rule.clone()),
                devices: key.and_then(|key| devices.get(&key).copied()).unwrap_or_default(),
                rule,
            }
        });
        Ok(Some(KnownRules { observed, rules: known.collect() }))
    }

    /// What rules would come to. Exchange is asked for the types and models that it has seen where
    /// that matters, and nothing is written.
    pub async fn test_rules(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        source: RuleSource,
    ) -> Result<TestedRules, Error> {
        let scope = caller.scope(Permission::ModifyConnectorPolicy)?;
        let connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        let document = match source {
            RuleSource::Written(rules) => {
                let access = AccessWish { rules: Some(rules), ..AccessWish::default() };
                Document { wish: Wish { access, ..Wish::default() }, ..Document::default() }
            }
            RuleSource::File(text) => match file::read(&text) {
                Ok(document) => document,
                Err(problems) => return Ok(TestedRules { problems, ..TestedRules::default() }),
            },
        };
        let mut tested = TestedRules::default();
        let care = self.care(&connector).await?;
        let seen = match self.seen_now(&connector, &document.wish, &care).await {
            Ok(seen) => seen,
            Err(error) => {
                tested.notes.push(format!(
                    "Exchange could not be asked which types and models it has seen besides: \
                     {error:#}"
                ));
                self.seen_here(&connector, &care).await?
            }
        };
        tested.compile(&document, &seen);
        Ok(tested)
    }

    async fn seen_now(
        &self,
        connector: &Connector,
        wish: &Wish,
        care: &Care,
    ) -> anyhow::Result<Seen> {
        if !needs_classes(wish) {
            return self.seen_here(connector, care).await;
        }
        let mut lease = self.lease(connector, Urgency::Interactive).await?;
        let seen = self.seen(connector, &mut lease, wish, care).await;
        self.settled(&mut lease, seen).await
    }
}

impl TestedRules {
    fn compile(&mut self, document: &Document, seen: &Seen) {
        let rules = document.wish.access.rules.as_deref().unwrap_or_default();
        let compiled = access::compile(rules, seen);
        let line = |index: usize| document.line(&format!("access.rules[{index}]"));
        for problem in &compiled.problems {
            let what = problem.sentence(rules);
            match problem.severity() {
                Severity::Error => {
                    let line = problem.written().and_then(line);
                    self.problems.push(FileProblem { line, what });
                }
                Severity::Note => self.notes.push(what),
            }
        }
        // Too many rules are not compiled at all, and gain nothing.
        let gains = compiled.gains.iter().copied().chain(std::iter::repeat(Gain::default()));
        let tested = rules.iter().zip(gains).enumerate().map(|(index, (rule, gain))| TestedRule {
            rule: rule.clone(),
            line: line(index),
            gain,
        });
        self.written = tested.collect();
        let exact: Vec<&AccessRule> = compiled.rules.iter().map(|one| &one.rule).collect();
        let devices = named_by(&exact, seen);
        let exact = compiled.rules.iter().map(|one| ExactRule {
            rule: one.rule.clone(),
            written: one.written,
            devices: devices.get(&one.rule.key()).copied().unwrap_or_default(),
        });
        self.exact = exact.collect();
    }
}

/// How many devices exact rules name.
fn named_by(rules: &[&AccessRule], seen: &Seen) -> BTreeMap<RuleKey, u64> {
    let mut named = BTreeMap::new();
    // Exchange may have more rules than are compiled at once.
    for rules in rules.chunks(MOST_RULES) {
        let written: Vec<(RuleKey, WrittenRule)> =
            rules.iter().filter_map(|rule| Some((rule.key(), WrittenRule::of(rule)?))).collect();
        let (keys, written): (Vec<_>, Vec<_>) = written.into_iter().unzip();
        let gains = access::compile(&written, seen).gains;
        named.extend(keys.into_iter().zip(gains.iter().map(|gain| gain.devices)));
    }
    named
}
