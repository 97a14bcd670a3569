//! Rules by what they look at, so that a group finds its own without looking at the others.

use std::collections::HashMap;

use super::{AccessRule, Characteristic, Group, RuleEffect, Verdict};
use crate::access::fold;

/// Rules (`'r`) by their values, and what they do to the groups (`'g`) that were looked at.
pub(super) struct RuleIndex<'r, 'g> {
    rules: &'r [AccessRule],
    /// The place of each rule in the order of rules.
    order: Vec<usize>,
    /// The rules of one value: more than one only where a value was written twice.
    alike: Vec<Vec<usize>>,
    /// By characteristic and folded value, an index of `alike`.
    by_value: HashMap<(Characteristic, String), usize>,
    /// The same by the values of the groups to the letter, so that each is folded once.
    found: [HashMap<&'g str, Option<usize>>; Group::NAMED_BY.len()],
    counts: Vec<Count>,
}

/// Devices of one rule.
#[derive(Clone, Copy, Default)]
struct Count {
    names: u64,
    /// Those of which no stronger rule speaks.
    lives: u64,
    decides: u64,
}

impl<'r, 'g> RuleIndex<'r, 'g> {
    pub(super) fn new(rules: &'r [AccessRule]) -> Self {
        let mut sorted: Vec<usize> = (0..rules.len()).collect();
        sorted.sort_by_key(|index| rules.get(*index));
        let mut order = vec![0; rules.len()];
        for (place, index) in sorted.into_iter().enumerate() {
            if let Some(of) = order.get_mut(index) {
                *of = place;
            }
        }
        let mut alike: Vec<Vec<usize>> = Vec::with_capacity(rules.len());
        let mut by_value = HashMap::with_capacity(rules.len());
        for (index, rule) in rules.iter().enumerate() {
            let slot =
                *by_value.entry((rule.characteristic, fold(&rule.value))).or_insert_with(|| {
                    alike.push(Vec::new());
                    alike.len() - 1
                });
            if let Some(same) = alike.get_mut(slot) {
                same.push(index);
            }
        }
        let counts = vec![Count::default(); rules.len()];
        Self { rules, order, alike, by_value, found: Default::default(), counts }
    }

    /// The rule that decides about a group, if nothing goes before rules: the first of the strongest
    /// that name it. Counts what names it.
    pub(super) fn decisive(&mut self, group: &Group<'g>) -> Option<usize> {
        let naming = self.naming(group);
        let of_slots = || {
            let slots = naming.iter().flatten().filter_map(|slot| self.alike.get(*slot));
            slots.flatten().copied()
        };
        let rank = |index: usize| self.rules.get(index).map(|rule| rule.level.rank());
        let strongest = of_slots().min_by_key(|index| (rank(*index), self.order.get(*index)))?;
        for index in of_slots() {
            let is_strong = rank(index) == rank(strongest);
            if let Some(count) = self.counts.get_mut(index) {
                count.names = count.names.saturating_add(group.devices);
                if is_strong {
                    count.lives = count.lives.saturating_add(group.devices);
                }
            }
        }
        Some(strongest)
    }

    /// The rules that name a group, by characteristic.
    fn naming(&mut self, group: &Group<'g>) -> [Option<usize>; Group::NAMED_BY.len()] {
        let mut naming = [None; Group::NAMED_BY.len()];
        let places = naming.iter_mut().zip(&mut self.found).zip(Group::NAMED_BY);
        for ((slot, found), characteristic) in places {
            let Some(value) = group.value(characteristic) else { continue };
            *slot = match found.get(value) {
                Some(known) => *known,
                None => {
                    let known = self.by_value.get(&(characteristic, fold(value))).copied();
                    found.insert(value, known);
                    known
                }
            };
        }
        naming
    }

    /// Counts devices that a rule decides.
    pub(super) fn decides(&mut self, index: usize, devices: u64) {
        if let Some(count) = self.counts.get_mut(index) {
            count.decides = count.decides.saturating_add(devices);
        }
    }

    /// What the rules did to the groups that were looked at, in the order given.
    pub(super) fn effects(self) -> Vec<RuleEffect> {
        let effect = |(rule, count): (&AccessRule, &Count)| RuleEffect {
            names: count.names,
            decides: count.decides,
            verdict: match count {
                _ if rule.characteristic == Characteristic::WindowsLiveHeader => Verdict::NotKnown,
                Count { names: 0, .. } => Verdict::Dead,
                Count { lives: 0, .. } => Verdict::Shadowed,
                _ => Verdict::Live,
            },
        };
        self.rules.iter().zip(&self.counts).map(effect).collect()
    }
}
