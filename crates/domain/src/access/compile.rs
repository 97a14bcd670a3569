//! From written rules to the exact ones of Exchange.
//!
//! A pattern or a range becomes one rule for each value that the organization has seen and that it
//! matches; an exact value becomes a rule whether it was seen or not, and goes before every pattern.

mod problem;

use std::collections::BTreeMap;

use super::{AccessRule, Characteristic, RuleKey, Selector, WrittenRule, fold};
pub use problem::{Problem, Severity};

/// Most rules, written or compiled: what-if is measured with so many, and whoever needs more is
/// better served by a default level.
pub const MOST_RULES: usize = 1_000;

/// The values that an organization has seen, and how many devices have each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// By the value without its case.
    values: BTreeMap<Characteristic, BTreeMap<String, SeenValue>>,
}

/// One value that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenValue {
    /// To the letter; where it was seen in several cases, the first in the order of letters.
    pub value: String,
    /// How many devices have it.
    pub devices: u64,
}

impl Seen {
    /// Adds devices that have a value. None have it where only Exchange's list of classes names it.
    pub fn add(&mut self, characteristic: Characteristic, value: &str, devices: u64) {
        if value.is_empty() {
            return;
        }
        let values = self.values.entry(characteristic).or_default();
        let seen = values
            .entry(fold(value))
            .or_insert_with(|| SeenValue { value: value.to_owned(), devices: 0 });
        seen.devices = seen.devices.saturating_add(devices);
        if value < seen.value.as_str() {
            value.clone_into(&mut seen.value);
        }
    }

    /// The values of a characteristic, in the order of letters.
    pub fn values(&self, characteristic: Characteristic) -> impl Iterator<Item = &SeenValue> {
        self.values.get(&characteristic).into_iter().flat_map(BTreeMap::values)
    }

    /// The folded values that a selector matches.
    fn matching<'a>(
        &'a self,
        selector: &'a Selector,
    ) -> impl Iterator<Item = (&'a String, &'a SeenValue)> {
        let prefix = selector.prefix();
        // Of values that begin with an exact one, it is the first.
        let most = if selector.is_exact() { 1 } else { usize::MAX };
        let values = self.values.get(&selector.characteristic());
        let range = values.map(|values| values.range(prefix.clone()..)).into_iter().flatten();
        range
            .take(most)
            .take_while(move |(folded, _)| folded.starts_with(&prefix))
            .filter(|(folded, _)| selector.fits(folded))
    }
}

/// What written rules come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compiled {
    /// The exact rules, in the order of characteristic and value.
    pub rules: Vec<CompiledRule>,
    /// What each written rule gives, in the order written.
    pub gains: Vec<Gain>,
    /// What is wrong, errors first. With an error among them the rules must not be applied.
    pub problems: Vec<Problem>,
}

/// An exact rule, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledRule {
    /// As Exchange is to have it.
    pub rule: AccessRule,
    /// The index of the written rule.
    pub written: usize,
}

/// What one written rule gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gain {
    /// Values seen that it matches.
    pub values: usize,
    /// Devices that have one of these.
    pub devices: u64,
    /// Exact rules that come of it: fewer than values where another written rule has some.
    pub rules: usize,
}

impl Compiled {
    /// Whether the rules can be applied: nothing is wrong with them.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity() != Severity::Error)
    }

    /// The exact rules alone.
    #[must_use]
    pub fn exact(&self) -> Vec<AccessRule> {
        self.rules.iter().map(|compiled| compiled.rule.clone()).collect()
    }
}

/// Compiles written rules for the values that were seen. The same input gives the same rules in the
/// same order.
#[must_use]
pub fn compile(written: &[WrittenRule], seen: &Seen) -> Compiled {
    if written.len() > MOST_RULES {
        let problems = vec![Problem::TooManyWritten { written: written.len() }];
        return Compiled { problems, ..Compiled::default() };
    }
    let mut claims = Claims::new(written);
    for (index, rule) in written.iter().enumerate() {
        if let Some(value) = rule.selector.value() {
            claims.exact(index, rule, value, seen);
        }
    }
    for (index, rule) in written.iter().enumerate().filter(|(_, it)| !it.selector.is_exact()) {
        claims.pattern(index, rule, seen);
    }
    claims.compiled()
}

/// Which written rule has which value.
struct Claims<'a> {
    written: &'a [WrittenRule],
    claims: BTreeMap<RuleKey, CompiledRule>,
    /// The first of those patterns that are written alike.
    patterns: BTreeMap<(Characteristic, String), usize>,
    gains: Vec<Gain>,
    problems: Vec<Problem>,
}

impl<'a> Claims<'a> {
    fn new(written: &'a [WrittenRule]) -> Self {
        Self {
            written,
            claims: BTreeMap::new(),
            patterns: BTreeMap::new(),
            gains: vec![Gain::default(); written.len()],
            problems: Vec::new(),
        }
    }

    fn exact(&mut self, index: usize, rule: &WrittenRule, value: &str, seen: &Seen) {
        for (_, found) in seen.matching(&rule.selector) {
            self.count(index, found.devices);
        }
        let characteristic = rule.selector.characteristic();
        let exact = AccessRule { characteristic, value: value.to_owned(), level: rule.level };
        let key = exact.key();
        if let Some(first) = self.claims.get(&key).map(|claim| claim.written) {
            self.again(first, index);
            return;
        }
        self.claims.insert(key, CompiledRule { rule: exact, written: index });
    }

    fn pattern(&mut self, index: usize, rule: &WrittenRule, seen: &Seen) {
        let characteristic = rule.selector.characteristic();
        let text = (characteristic, fold(&rule.selector.to_string()));
        let first = *self.patterns.entry(text).or_insert(index);
        // The patterns that have a value of this one, and the values; those that exact rules have.
        let mut conflicts: BTreeMap<usize, (String, usize)> = BTreeMap::new();
        let mut overruled: Option<(usize, String, usize)> = None;
        for (folded, found) in seen.matching(&rule.selector) {
            self.count(index, found.devices);
            let key = RuleKey(characteristic, folded.clone());
            let level = rule.level;
            match self.claims.get(&key) {
                Some(claim) if claim.rule.level == level || claim.written == first => {}
                Some(claim) if self.is_exact(claim.written) => {
                    let example = || (claim.written, found.value.clone(), 0);
                    overruled.get_or_insert_with(example).2 += 1;
                }
                Some(claim) => {
                    let example = || (found.value.clone(), 0);
                    conflicts.entry(claim.written).or_insert_with(example).1 += 1;
                }
                None => {
                    let rule = AccessRule { characteristic, value: found.value.clone(), level };
                    self.claims.insert(key, CompiledRule { rule, written: index });
                }
            }
        }
        if first != index {
            self.again(first, index);
        }
        for (other, (value, values)) in conflicts {
            self.problems.push(Problem::Conflict { first: other, second: index, value, values });
        }
        if let Some((exact, value, values)) = overruled {
            self.problems.push(Problem::Overruled { pattern: index, exact, value, values });
        }
        if self.gains.get(index).is_some_and(|gain| gain.values == 0) {
            self.problems.push(Problem::MatchesNothing { written: index });
        }
    }

    fn is_exact(&self, index: usize) -> bool {
        self.written.get(index).is_some_and(|rule| rule.selector.is_exact())
    }

    /// The same is written twice.
    fn again(&mut self, first: usize, second: usize) {
        let level = |index: usize| self.written.get(index).map(|rule| rule.level);
        self.problems.push(if level(first) == level(second) {
            Problem::Duplicate { first, second }
        } else {
            Problem::Contradiction { first, second }
        });
    }

    fn count(&mut self, index: usize, devices: u64) {
        if let Some(gain) = self.gains.get_mut(index) {
            gain.values += 1;
            gain.devices = gain.devices.saturating_add(devices);
        }
    }

    fn compiled(self) -> Compiled {
        let Self { claims, mut gains, mut problems, .. } = self;
        let rules: Vec<CompiledRule> = claims.into_values().collect();
        for compiled in &rules {
            if let Some(gain) = gains.get_mut(compiled.written) {
                gain.rules += 1;
            }
        }
        if rules.len() > MOST_RULES {
            let most = gains.iter().enumerate().rev().max_by_key(|(_, gain)| gain.rules);
            let (most, gives) = most.map_or((0, 0), |(index, gain)| (index, gain.rules));
            problems.push(Problem::TooManyRules { rules: rules.len(), most, gives });
        }
        problems.sort_by_key(|problem| (problem.severity(), problem.written()));
        Compiled { rules, gains, problems }
    }
}
