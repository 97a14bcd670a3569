//! What Exchange has now, as a file, so that the first plan is empty.

use std::collections::BTreeSet;

use domain::{
    Caller, Connector, ConnectorName, Permission, SettingsGroup,
    access::WrittenRule,
    audit::Event,
    wish::{AccessWish, Observed, PolicyWish, Thing, Wish},
};

use super::{
    document,
    looking::Wants,
    writing::{self, LEFT_OUT, PROTECTION},
};
use crate::{Engine, Error, sessions::Urgency};

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The file.
    pub text: String,
    /// How many rules are in Gatepost's care from now on: taken out of the file, they are removed.
    pub adopted: u64,
    /// What is in Exchange and could not be written down.
    pub left_out: Vec<String>,
}

impl Engine {
    /// Writes down what Exchange has now. The rules that are written down are adopted. Comments of
    /// `before`, a file there already, are kept.
    pub async fn import_wish(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        before: Option<&str>,
    ) -> Result<Imported, Error> {
        let (connector, imported, things) = self.written_down(caller, name, before).await?;
        let care: Vec<String> =
            things.iter().map(|thing| document::of_thing(thing).to_string()).collect();
        let entry = self.entry_of(caller, Event::WishAdopted, &connector);
        let entry = entry.with("rules", imported.adopted.to_string());
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().set_care(connector.id, &care, &rows).await?;
        log.written();
        Ok(imported)
    }

    /// What [`Engine::import_wish`] would write down and adopt. Nothing is adopted.
    pub async fn preview_import(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        before: Option<&str>,
    ) -> Result<Imported, Error> {
        let (_, imported, _) = self.written_down(caller, name, before).await?;
        Ok(imported)
    }

    /// What Exchange has now as a file, and what is in care once that is adopted.
    async fn written_down(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        before: Option<&str>,
    ) -> Result<(Connector, Imported, BTreeSet<Thing>), Error> {
        let scope = caller.scope(Permission::ModifyConnectorPolicy)?;
        let connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        let read = async {
            let mut lease = self.lease(&connector, Urgency::Interactive).await?;
            let observed = self.observe(&connector, &mut lease, &Wants::everything()).await;
            self.settled(&mut lease, observed).await
        };
        let observed = read.await.map_err(|error| {
            Error::Unavailable(format!(
                "Exchange could not be read, so nothing is imported: {error:#}"
            ))
        })?;
        let held = self.held_wish(&connector).await?;
        let mut left_out = Vec::new();
        let wish = wish_of(&observed, &held.wish, &mut left_out);
        let mut text = writing::write(name.as_str(), &wish, before);
        for threshold in observed.thresholds.iter().flatten() {
            let told = threshold.told();
            text.push_str(&format!("{PROTECTION}{told}\n"));
        }
        for what in &left_out {
            text.push_str(&format!("{LEFT_OUT}{what}\n"));
        }
        let mut things: BTreeSet<Thing> = self.care(&connector).await?.things;
        let known = things.len();
        let rules = observed.rules.iter().flatten().filter_map(|one| one.rule.as_ref());
        things.extend(rules.map(Thing::of_rule));
        let adopted = (things.len() - known) as u64;
        Ok((connector, Imported { text, adopted, left_out }, things))
    }
}

/// The wish that Exchange fulfils as it is. Which policy and exemptions people wrote down stays.
fn wish_of(observed: &Observed, held: &Wish, left_out: &mut Vec<String>) -> Wish {
    let policy = match &held.policy {
        PolicyWish::Own { name, .. } => observed.policy(name),
        PolicyWish::Default => None,
    };
    let policy_wish = match (&held.policy, policy) {
        (PolicyWish::Own { .. }, Some(_)) => held.policy.clone(),
        _ => PolicyWish::Default,
    };
    let writes_additional =
        held.settings.keys().any(|setting| setting.group() == Some(SettingsGroup::Additional));
    let corrects_settings = held.corrects_settings;
    let mut wish = Wish { policy: policy_wish, corrects_settings, ..Wish::default() };
    if let Some(policy) = policy.or_else(|| observed.default_policy()) {
        for (setting, value) in &policy.values {
            let is_additional = setting.group() == Some(SettingsGroup::Additional);
            if is_additional && !writes_additional {
                continue;
            }
            if setting.about().kind.suits(value, policy.generation).is_ok() {
                wish.settings.insert(*setting, value.clone());
            } else {
                left_out.push(format!("{} is {value}, which is not known here", setting.path()));
            }
        }
    }
    let access = observed.access.clone().unwrap_or_default();
    let mut rules = Vec::new();
    for one in observed.rules.iter().flatten() {
        match one.rule.as_ref().and_then(WrittenRule::of) {
            Some(rule) => rules.push(rule),
            None => left_out.push(format!("the rule {} is not understood", one.name)),
        }
    }
    rules.sort_by_key(|rule| (rule.selector.characteristic(), rule.selector.to_string()));
    wish.access = AccessWish {
        default_level: access.default_level,
        administrators: Some(access.administrators),
        text_for_users: Some(access.text_for_users),
        rules: Some(rules),
        exemptions: held.access.exemptions.clone(),
        limit_of_flips: held.access.limit_of_flips,
    };
    wish
}
