//! From what people wrote down to what each thing shall be.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Care, Folded, Mailboxes, Observed, ObservedMailbox, ObservedPolicy, PolicyWish, Thing, Value,
    Wish,
};
use crate::{
    AccessLevel, Characteristic, Setting, SettingValue, SettingsGroup, access::CompiledRule,
    settings::Generation,
};

/// What things shall be: a value, or absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Things that the wish or the care says something of.
    pub things: BTreeMap<Thing, Option<Value>>,
    /// Rules of Exchange that nobody wrote down and Gatepost does not look after, by name.
    pub hand_made_rules: Vec<String>,
    /// Mailboxes with another policy, which stay as they are.
    pub with_another_policy: u64,
}

/// Why a wish cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands: `settings.password.minimum_length`, `access.rules[3]`.
    pub at: String,
    /// What is wrong and what to do.
    pub what: String,
}

/// Says what each thing shall be. `rules` are the exact rules that the written ones were compiled
/// to, each with the index of the written one.
///
/// # Errors
/// Every reason why this wish cannot be carried out in this organization.
pub fn wanted(
    wish: &Wish,
    rules: &[CompiledRule],
    observed: &Observed,
    care: &Care,
) -> Result<Wanted, Vec<Problem>> {
    let mut making = Making::new(observed, care);
    making.settings(wish);
    making.access(wish);
    if wish.access.rules.is_some() {
        making.rules(rules);
    }
    making.exemptions(wish);
    making.no_longer_written(wish);
    if making.problems.is_empty() { Ok(making.wanted) } else { Err(making.problems) }
}

struct Making<'a> {
    observed: &'a Observed,
    care: &'a Care,
    /// Mailboxes by each of their names; `None` for a name of more than one.
    names: BTreeMap<&'a Folded, Option<&'a ObservedMailbox>>,
    wanted: Wanted,
    problems: Vec<Problem>,
}

impl<'a> Making<'a> {
    fn new(observed: &'a Observed, care: &'a Care) -> Self {
        let mut names: BTreeMap<&Folded, Option<&ObservedMailbox>> = BTreeMap::new();
        for mailbox in observed.mailboxes.iter().flat_map(BTreeMap::values) {
            for name in &mailbox.names {
                let known = names.entry(name).or_insert(Some(mailbox));
                if known.is_some_and(|known| known.key != mailbox.key) {
                    *known = None;
                }
            }
        }
        Self { observed, care, names, wanted: Wanted::default(), problems: Vec::new() }
    }

    fn problem(&mut self, at: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem { at: at.into(), what: what.into() });
    }

    fn want(&mut self, thing: Thing, value: Option<Value>) {
        self.wanted.things.insert(thing, value);
    }

    fn settings(&mut self, wish: &Wish) {
        let is_own = matches!(wish.policy, PolicyWish::Own { .. });
        if wish.settings.is_empty() && !is_own {
            self.count_others(None);
            return;
        }
        let Some(default) = self.observed.default_policy() else {
            self.problem("settings", "Exchange has no default policy; make one the default");
            return;
        };
        let PolicyWish::Own { name, adopts, mailboxes } = &wish.policy else {
            self.managed(wish, &default.name, default);
            self.count_others(None);
            return;
        };
        let thing = Thing::Policy(name.clone());
        let known = self.observed.policy(name);
        if *name == default.name {
            self.problem(
                "settings.policy.name",
                format!(
                    "{name:?} is the default policy; write policy: default",
                    name = name.as_str()
                ),
            );
            return;
        }
        if known.is_some() && !adopts && !self.care.things.contains(&thing) {
            self.problem(
                "settings.policy.name",
                format!(
                    "a policy {:?} is there that Gatepost did not make; choose another name, or \
                     write adopt: true to take it over",
                    name.as_str()
                ),
            );
            return;
        }
        self.want(thing, Some(Value::Present));
        // A policy that is still to be made will know what the default one knows.
        self.managed(wish, name, known.unwrap_or(default));
        self.assignments(name, mailboxes);
        self.count_others(Some(name));
    }

    /// Every setting of the groups of which at least one is configured, and the one that stands
    /// alone if it is.
    fn managed(&mut self, wish: &Wish, policy: &Folded, known: &ObservedPolicy) {
        let groups: BTreeSet<Option<SettingsGroup>> =
            wish.settings.keys().map(|setting| setting.group()).collect();
        let is_without_password = groups.contains(&Some(SettingsGroup::Password))
            && !wish.settings.contains_key(&Setting::PasswordRequired);
        if is_without_password {
            self.problem(
                "settings.password",
                "the group says nothing of required, without which the others do nothing; write \
                 required: true or required: false",
            );
        }
        for setting in Setting::ALL.iter().copied() {
            if !groups.contains(&setting.group()) {
                continue;
            }
            let configured = wish.settings.get(&setting);
            let at = format!("settings.{}", setting.path());
            if !known.values.contains_key(&setting) {
                if configured.is_some() {
                    self.problem(at, "this Exchange does not know the setting; take it out");
                }
                continue;
            }
            let value = effective(wish, setting, known.generation);
            if let Err(error) = setting.about().kind.suits(&value, known.generation) {
                self.problem(at, error.to_string());
                continue;
            }
            self.want(Thing::Setting(policy.clone(), setting), Some(Value::Setting(value)));
        }
    }

    fn assignments(&mut self, name: &Folded, mailboxes: &Mailboxes) {
        let Some(all) = &self.observed.mailboxes else { return };
        let chosen: Vec<&ObservedMailbox> = match mailboxes {
            // Whoever has our policy keeps it when the last device goes.
            Mailboxes::All => all
                .values()
                .filter(|mailbox| mailbox.has_device || mailbox.policy.is_some())
                .collect(),
            Mailboxes::Named(names) => {
                let mut chosen = Vec::new();
                for (index, wanted) in names.iter().enumerate() {
                    match self.mailbox(wanted) {
                        Ok(mailbox) => chosen.push(mailbox),
                        Err(what) => {
                            self.problem(format!("settings.policy.mailboxes[{index}]"), what);
                        }
                    }
                }
                chosen
            }
        };
        for mailbox in chosen {
            // Whoever was given another policy keeps it.
            if mailbox.policy.as_ref().is_none_or(|policy| policy == name) {
                let value = Some(Value::Policy(name.clone()));
                self.want(Thing::Assignment(mailbox.key.clone()), value);
            }
        }
    }

    fn count_others(&mut self, own: Option<&Folded>) {
        let all = self.observed.mailboxes.iter().flat_map(BTreeMap::values);
        let others =
            all.filter(|mailbox| mailbox.policy.is_some() && mailbox.policy.as_ref() != own);
        self.wanted.with_another_policy = others.count() as u64;
    }

    fn mailbox(&self, name: &str) -> Result<&'a ObservedMailbox, String> {
        match self.names.get(&Folded::from(name)) {
            Some(Some(only)) => Ok(only),
            None => Err(format!("Exchange has no mailbox {name:?}")),
            Some(None) => Err(format!("{name:?} means more than one mailbox; write the address")),
        }
    }

    fn access(&mut self, wish: &Wish) {
        let access = &wish.access;
        if let Some(level) = access.default_level {
            self.want(Thing::DefaultLevel, Some(Value::Level(level)));
        }
        if let Some(administrators) = &access.administrators {
            let value = Some(Value::texts(administrators.clone()));
            self.want(Thing::Administrators, value);
        }
        if let Some(text) = &access.text_for_users {
            self.want(Thing::TextForUsers, Value::text(text));
        }
    }

    fn rules(&mut self, rules: &[CompiledRule]) {
        let policies = self.observed.policies.iter().flatten();
        let is_old = policies.into_iter().any(|policy| policy.generation == Generation::Of2010);
        for CompiledRule { rule, written } in rules {
            if rule.characteristic == Characteristic::WindowsLiveHeader && is_old {
                let what = "Exchange 2010 has no rules on this header; take it out";
                self.problem(format!("access.rules[{written}]"), what);
                continue;
            }
            self.want(Thing::of_rule(rule), Some(Value::Level(rule.level)));
        }
        for one in self.observed.rules.iter().flatten() {
            let thing = one.rule.as_ref().map(Thing::of_rule);
            let is_ours = thing.as_ref().is_some_and(|thing| {
                self.wanted.things.contains_key(thing) || self.care.things.contains(thing)
            });
            if !is_ours {
                self.wanted.hand_made_rules.push(one.name.clone());
            }
        }
    }

    fn exemptions(&mut self, wish: &Wish) {
        for (index, exemption) in wish.access.exemptions.iter().enumerate() {
            let at = format!("access.exemptions[{index}]");
            let key = match self.mailbox(&exemption.mailbox) {
                Ok(mailbox) => mailbox.key.clone(),
                Err(what) => {
                    self.problem(at, what);
                    continue;
                }
            };
            for (ids, level) in
                [(&exemption.allow, AccessLevel::Allow), (&exemption.block, AccessLevel::Block)]
            {
                for id in ids {
                    let thing = Thing::Exemption(key.clone(), id.as_str().into());
                    if self.wanted.things.contains_key(&thing) {
                        let what = format!("the device {id} is named twice for {}", key.name);
                        self.problem(at.clone(), what);
                    }
                    self.want(thing, Some(Value::Level(level)));
                }
            }
        }
    }

    /// What is in Gatepost's care and was taken out of the wish goes. A part of the wish that is not
    /// written at all says nothing.
    fn no_longer_written(&mut self, wish: &Wish) {
        let own = match &wish.policy {
            PolicyWish::Own { name, .. } => Some(name),
            PolicyWish::Default => None,
        };
        for thing in &self.care.things {
            if self.wanted.things.contains_key(thing) {
                continue;
            }
            let goes = match thing {
                Thing::Rule(..) => wish.access.rules.is_some(),
                Thing::Policy(name) => own != Some(name),
                // Only who still has it loses it: somebody may have given another one since.
                Thing::Assignment(mailbox) => self
                    .observed
                    .mailbox(mailbox)
                    .and_then(|mailbox| mailbox.policy.as_ref())
                    .is_some_and(|policy| {
                        own == Some(policy)
                            || self.care.things.contains(&Thing::Policy(policy.clone()))
                    }),
                Thing::Exemption(mailbox, _) => self.observed.mailbox(mailbox).is_some(),
                Thing::Setting(..)
                | Thing::DefaultLevel
                | Thing::Administrators
                | Thing::TextForUsers => false,
            };
            if goes {
                self.wanted.things.insert(thing.clone(), None);
            }
        }
    }
}

/// What a setting of a managed group shall be: as configured, else as usual. Exchange switches device
/// encryption on with either of the settings that need it, so that is how it shall be.
fn effective(wish: &Wish, setting: Setting, generation: Generation) -> SettingValue {
    let configured = |setting: Setting| {
        wish.settings.get(&setting).cloned().unwrap_or_else(|| setting.usual(generation))
    };
    let is_on = |setting| configured(setting) == SettingValue::Flag(true);
    let needs_encryption = setting == Setting::DeviceEncryptionEnabled
        && (is_on(Setting::RequireStorageCardEncryption)
            || (!wish.settings.contains_key(&setting) && is_on(Setting::RequireDeviceEncryption)));
    if needs_encryption { SettingValue::Flag(true) } else { configured(setting) }
}
