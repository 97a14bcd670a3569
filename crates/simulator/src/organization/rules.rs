//! The access rules, and which of them decides about each model.

use std::collections::HashMap;

use uuid::Uuid;

use super::{AccessRule, Characteristic, MODELS, Organization};
use crate::AccessLevel;

/// All access rules in the order they were made, with what is looked up in them for each device.
#[derive(Debug)]
pub(super) struct Rules {
    list: Vec<AccessRule>,
    places: HashMap<Uuid, usize>,
    /// For each of [`MODELS`] the place of the rule that decides. What rules look at is a matter of
    /// the model alone, and there are far fewer models than devices.
    decisive: Vec<Option<usize>>,
}

impl Rules {
    pub(super) fn new(list: Vec<AccessRule>) -> Self {
        let mut rules = Self { list, places: HashMap::new(), decisive: Vec::new() };
        rules.index();
        rules
    }

    pub(super) fn list(&self) -> &[AccessRule] {
        &self.list
    }

    /// The rule that decides about a model, by its index into [`MODELS`].
    pub(super) fn decisive(&self, model: u8) -> Option<&AccessRule> {
        let place = self.decisive.get(usize::from(model)).copied().flatten();
        place.map(|place| &self.list[place])
    }

    /// What decides about each model: if it stays the same, so does the verdict.
    fn verdicts(&self) -> Vec<Option<(AccessLevel, Uuid)>> {
        let places = self.decisive.iter();
        places.map(|place| place.map(|at| (self.list[at].level, self.list[at].guid))).collect()
    }

    fn index(&mut self) {
        self.places =
            self.list.iter().enumerate().map(|(place, rule)| (rule.guid, place)).collect();
        let mut by_value: HashMap<(Characteristic, String), Vec<usize>> = HashMap::new();
        for (place, rule) in self.list.iter().enumerate() {
            let key = (rule.characteristic, rule.query.to_lowercase());
            by_value.entry(key).or_default().push(place);
        }
        let of_model = |model: &super::Model| {
            let values = Characteristic::ALL.iter().filter_map(|characteristic| {
                let value = characteristic.of(model)?;
                by_value.get(&(*characteristic, value.to_lowercase()))
            });
            // The most severe one, and of those the oldest.
            values
                .flatten()
                .copied()
                .min_by_key(|place| (severity(self.list[*place].level), *place))
        };
        self.decisive = MODELS.iter().map(of_model).collect();
    }
}

/// Exchange asks block rules first, then quarantine rules, then allow rules.
const fn severity(level: AccessLevel) -> u8 {
    match level {
        AccessLevel::Block => 0,
        AccessLevel::Quarantine => 1,
        AccessLevel::Allow => 2,
    }
}

impl Organization {
    /// Every access rule.
    pub(crate) fn rules(&self) -> &[AccessRule] {
        self.rules.list()
    }

    /// The access rule of a GUID.
    pub(crate) fn rule(&self, guid: Uuid) -> Option<&AccessRule> {
        self.rules.places.get(&guid).map(|place| &self.rules.list[*place])
    }

    /// Changes the access rules, and what follows from them for the phones they are about.
    pub(crate) fn change_rules<T>(&mut self, change: impl FnOnce(&mut Vec<AccessRule>) -> T) -> T {
        let before = self.rules.verdicts();
        let result = change(&mut self.rules.list);
        self.rules.index();
        let now = self.rules.verdicts();
        let changed: Vec<bool> = before.iter().zip(&now).map(|(old, new)| old != new).collect();
        if changed.contains(&true) {
            self.settle_those(|device| changed[usize::from(device.model)]);
        }
        result
    }
}
