//! What administrators wrote and what follows from it, in plain texts: for tests that change the
//! organization over the wire and want to see it by another way.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    AccessRule, Device, Family, Lookup, MailboxPolicy, Organization, POLICY_SETTINGS, PolicySetting,
};

impl Organization {
    /// Every setting of the policy of that name, by the names of the `MobileDevice` cmdlets, as
    /// Exchange prints them: `True`, `00:15:00`, `1 MB (1,048,576 bytes)`, `{a, b}`, nothing for
    /// null.
    #[must_use]
    pub fn policy_texts(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let policy = self.policies.iter().find(|policy| policy.name.eq_ignore_ascii_case(name))?;
        let dialect = self.options.dialect;
        let known = |one: &&PolicySetting| one.is_known(Family::MobileDevice, dialect);
        let settings = POLICY_SETTINGS.iter().filter(known);
        Some(settings.map(|one| (one.name.to_owned(), policy.value(one).printed())).collect())
    }

    /// Names of the policies, the oldest first.
    pub fn policy_names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(|policy| policy.name.as_str())
    }

    /// Name of the policy of mailboxes that were given none.
    #[must_use]
    pub fn default_policy_name(&self) -> &str {
        let default = self.policies.iter().find(|policy| policy.is_default);
        default.map_or("", |policy: &MailboxPolicy| policy.name.as_str())
    }

    /// Every access rule as characteristic, value and level, the oldest first.
    #[must_use]
    pub fn rule_texts(&self) -> Vec<(String, String, String)> {
        let texts = |rule: &AccessRule| {
            let level = rule.level.word().to_owned();
            (rule.characteristic.word().to_owned(), rule.query.clone(), level)
        };
        self.rules().iter().map(texts).collect()
    }

    /// What happens to a device that no rule and no exemption names: `Quarantine`.
    #[must_use]
    pub const fn default_access_level_text(&self) -> &'static str {
        self.settings.default_access_level.word()
    }

    /// To whom Exchange writes about devices.
    #[must_use]
    pub fn admin_mail_recipients(&self) -> &[String] {
        &self.settings.admin_mail_recipients
    }

    /// What users are told: of a phone in quarantine, and of one that must be updated.
    #[must_use]
    pub fn mail_inserts(&self) -> (&str, &str) {
        (&self.settings.user_mail_insert, &self.settings.ota_mail_insert)
    }

    /// What Exchange says about a device's access, and why, in its own words: `Blocked` and
    /// `DeviceRule`.
    #[must_use]
    pub fn access_of(&self, guid: Uuid) -> Option<(String, String)> {
        let index = self.device_guids.get(&guid)?;
        let device: &Device = self.device(*index)?;
        let (state, reason) = (device.state.printed().0, device.reason.printed().0);
        Some((state.to_owned(), reason.to_owned()))
    }

    /// Allowed and blocked device ids of a mailbox, by any name of it; empty if there is none.
    #[must_use]
    pub fn exemptions_of(&self, mailbox: &str) -> (Vec<String>, Vec<String>) {
        let Lookup::Found(index) = self.find_mailbox(mailbox) else { return Default::default() };
        let mailbox = self.mailbox(index);
        (mailbox.allowed.clone(), mailbox.blocked.clone())
    }

    /// Name of the policy of a mailbox, by any name of it; empty if there is no such mailbox.
    #[must_use]
    pub fn policy_of_mailbox(&self, mailbox: &str) -> String {
        let Lookup::Found(index) = self.find_mailbox(mailbox) else { return String::new() };
        self.policy_of(self.mailbox(index)).name.clone()
    }

    /// Types and models that were ever seen, each once, in order.
    pub fn device_class_texts(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.classes.keys().copied()
    }
}
