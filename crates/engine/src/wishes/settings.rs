//! What Exchange has of every setting, beside what is written down.

use domain::{
    Caller, ConnectorName, Permission, Setting, SettingValue, Timestamp, settings::Generation,
    wish::PolicyWish,
};

use crate::{Engine, Error};

/// The settings of the policy that a wish is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSettings {
    /// When Exchange was read.
    pub observed: Timestamp,
    /// Name of the policy.
    pub policy: String,
    /// Which Exchange it belongs to.
    pub generation: Generation,
    /// Every setting there is.
    pub settings: Vec<KnownSetting>,
}

/// A setting of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSetting {
    /// Which.
    pub setting: Setting,
    /// What Exchange has; `None` where this Exchange does not know it.
    pub is: Option<SettingValue>,
    /// What is written down.
    pub written: Option<SettingValue>,
}

impl Engine {
    /// What Exchange had of every setting when it was read last; `None` before the first time. The
    /// policy is that of the wish that holds, else the default one.
    pub async fn known_settings(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<Option<KnownSettings>, Error> {
        let connector = self.store().connector(&caller.scope(Permission::Read)?, name).await?;
        let Some(last) = self.last_seen(&connector).await? else { return Ok(None) };
        let (observed, found) = (last.policies_at, last.observed);
        let held = self.held_wish(&connector).await?;
        let own = match &held.wish.policy {
            PolicyWish::Own { name, .. } => found.policy(name),
            PolicyWish::Default => None,
        };
        let Some(policy) = own.or_else(|| found.default_policy()) else { return Ok(None) };
        let known = |setting: &Setting| KnownSetting {
            setting: *setting,
            is: policy.values.get(setting).cloned(),
            written: held.wish.settings.get(setting).cloned(),
        };
        Ok(Some(KnownSettings {
            observed,
            policy: policy.name.to_string(),
            generation: policy.generation,
            settings: Setting::ALL.iter().map(known).collect(),
        }))
    }
}
