//! What a written wish is about, read and written: mailbox policies, default level, access rules,
//! and which policy and exemptions a mailbox has.
//!
//! Reading here is all or nothing: what cannot be read is an error, never absent. Writing names
//! objects by GUID; whether it took effect is to be read back.

use std::collections::BTreeMap;

use domain::{
    AccessLevel, AccessRule, Characteristic, DistinguishedName, Setting, Timestamp,
    access::Hosting,
    settings::Generation,
    wish::{
        Folded, MailboxKey, ObservedAccess, ObservedMailbox, ObservedPolicy, ObservedRule,
        SettingStep, Step, Thing, Threshold,
    },
};
use uuid::Uuid;

use super::{Exemption, Family, Organization};
use crate::{
    Argument, Cmdlet, Error, Feature, Identity, Object, Reply, Session, Value, permissions::needs,
    records, settings,
};

/// A write that Exchange has on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// Who, as Exchange names them.
    pub who: String,
    /// With which cmdlet.
    pub cmdlet: String,
    /// To what.
    pub object: Option<String>,
    /// Names of the parameters.
    pub parameters: Vec<String>,
    /// When.
    pub at: Timestamp,
}

impl Writing {
    /// Whether it can be what made a thing otherwise.
    #[must_use]
    pub fn may_have_changed(&self, thing: &Thing) -> bool {
        let cmdlet = self.cmdlet.to_lowercase();
        let object = self.object.as_deref().unwrap_or_default().to_lowercase();
        let names = |text: &str| object.contains(&text.to_lowercase());
        match thing {
            Thing::Policy(name) | Thing::Setting(name, _) => {
                cmdlet.ends_with("mailboxpolicy") && names(name.as_str())
            }
            Thing::DefaultLevel | Thing::Administrators | Thing::TextForUsers => {
                cmdlet.ends_with("organizationsettings")
            }
            Thing::Rule(_, value) => {
                let value = value.as_str().to_lowercase();
                let says = |text: &String| text.to_lowercase().contains(&value);
                cmdlet.ends_with("accessrule")
                    && (names(&value) || self.parameters.iter().any(says))
            }
            Thing::Assignment(mailbox) | Thing::Exemption(mailbox, _) => {
                let name = mailbox.name.split('@').next().unwrap_or_default();
                cmdlet == "set-casmailbox" && (names(name) || names(&mailbox.guid.to_string()))
            }
        }
    }
}

/// Most entries of Exchange's own record that are asked for at once.
const MOST_WRITINGS: i64 = 1_000;

impl<S: Session> Organization<S> {
    /// The family of names that mailbox policies are read and written by.
    #[must_use]
    pub fn policy_family(&self) -> Family {
        match self.capabilities.sees(get_policy(Family::MobileDevice)) {
            Some(true) => Family::MobileDevice,
            Some(false) => Family::ActiveSync,
            None => self.capabilities.family,
        }
    }

    /// Whether nothing is known to keep the account from a feature: of what it cannot do without,
    /// every cmdlet is there, or nobody may ask.
    #[must_use]
    pub fn may(&self, feature: Feature) -> bool {
        let needs = needs(feature, self.policy_family()).iter().filter(|need| !need.is_optional);
        needs.into_iter().all(|need| self.capabilities.sees(need.cmdlet) != Some(false))
    }

    /// Every mailbox policy, with the settings it knows.
    pub async fn policies(&mut self) -> Result<Vec<ObservedPolicy>, Error> {
        let family = self.policy_family();
        let found = self.all(Cmdlet::new(get_policy(family))).await?;
        found.into_iter().map(|object| policy(&object, family)).collect()
    }

    /// The default level and what belongs to it.
    pub async fn access_settings(&mut self) -> Result<ObservedAccess, Error> {
        let found = self.all(Cmdlet::new("Get-ActiveSyncOrganizationSettings")).await?;
        let Some(object) = found.first() else {
            return Err(Error::Protocol("Exchange gave no organization settings".to_owned()));
        };
        let text = |name: &str| object.get(name).and_then(Value::text);
        let administrators = object.get("AdminMailRecipients").unwrap_or(&Value::Null);
        Ok(ObservedAccess {
            default_level: text("DefaultAccessLevel").as_deref().and_then(level),
            administrators: administrators.items().iter().filter_map(Value::text).collect(),
            text_for_users: text("UserMailInsert").unwrap_or_default(),
            changed: changed(object),
        })
    }

    /// Every access rule.
    pub async fn access_rules(&mut self) -> Result<Vec<ObservedRule>, Error> {
        let found = self.all(Cmdlet::new("Get-ActiveSyncDeviceAccessRule")).await?;
        found.iter().map(rule).collect()
    }

    /// The types and models that Exchange has seen; none where the account may not see them.
    pub async fn device_classes(&mut self) -> Result<Vec<(String, String)>, Error> {
        const CLASSES: &str = "Get-ActiveSyncDeviceClass";
        if self.capabilities.sees(CLASSES) == Some(false) {
            return Ok(Vec::new());
        }
        let found = self.all(Cmdlet::new(CLASSES)).await?;
        let text = |object: &Object, name: &str| object.get(name).and_then(Value::text);
        let class = |object: &Object| {
            let device_type = text(object, "DeviceType").unwrap_or_default();
            (device_type, text(object, "DeviceModel").unwrap_or_default())
        };
        Ok(found.iter().map(class).collect())
    }

    /// The thresholds of Exchange's own protection; `None` where the account is not known to see
    /// them, as on Exchange 2010.
    pub async fn autoblock_thresholds(&mut self) -> Result<Option<Vec<Threshold>>, Error> {
        const THRESHOLDS: &str = "Get-ActiveSyncDeviceAutoblockThreshold";
        if self.capabilities.sees(THRESHOLDS) != Some(true) {
            return Ok(None);
        }
        let found = self.all(Cmdlet::new(THRESHOLDS)).await?;
        let text = |object: &Object, name: &str| object.get(name).and_then(Value::text);
        let threshold = |object: &Object| {
            let behavior = text(object, "BehaviorType").or_else(|| text(object, "Name"))?;
            Some(Threshold {
                behavior,
                limit: text(object, "BehaviorTypeIncidenceLimit")
                    .and_then(|text| text.parse().ok()),
                within: text(object, "BehaviorTypeIncidenceDuration"),
                blocks_for: text(object, "DeviceBlockDuration"),
            })
        };
        Ok(Some(found.iter().filter_map(threshold).collect()))
    }

    /// Mailboxes with their policy and exemptions: those that have a device, or every one. Only what
    /// `keeps` says yes to is held in memory.
    pub async fn mailboxes_of_wish(
        &mut self,
        are_all: bool,
        keeps: impl Fn(&ObservedMailbox) -> bool,
    ) -> Result<BTreeMap<Uuid, ObservedMailbox>, Error> {
        let mut cmdlet = Cmdlet::new("Get-CASMailbox").unlimited();
        if !are_all {
            cmdlet = cmdlet.with("Filter", "HasActiveSyncDevicePartnership -eq $true");
        }
        let mut kept = BTreeMap::new();
        self.spent.cmdlets += 1;
        self.session.start(&cmdlet.into()).await?;
        loop {
            match self.session.next().await? {
                Some(Reply::Object(object)) => {
                    if let Some(mailbox) = mailbox(object)?.filter(&keeps) {
                        kept.insert(mailbox.key.guid, mailbox);
                    }
                }
                Some(Reply::Error(error)) => {
                    self.session.stop().await?;
                    return Err(error.into());
                }
                Some(Reply::Poison(why)) => {
                    self.session.stop().await?;
                    return Err(Error::Protocol(format!("a mailbox was not understood: {why}")));
                }
                Some(Reply::Warning(warning)) => self.note(&crate::Notice::of(&warning)),
                Some(Reply::Notice(notice)) => self.note(&notice),
                None => return Ok(kept),
            }
        }
    }

    /// Who wrote settings, rules or the default level since a time, as far as Exchange keeps a record
    /// of it: the latest first. Hosted Exchange keeps it elsewhere, out of a cmdlet's reach.
    pub async fn writings_since(&mut self, since: Timestamp) -> Result<Vec<Writing>, Error> {
        if self.session.hosting() == Hosting::Hosted {
            return Ok(Vec::new());
        }
        let search = Cmdlet::new("Search-AdminAuditLog")
            .with("Cmdlets", WRITING.map(str::to_owned).to_vec())
            .with("StartDate", Argument::Time(since))
            .with("ResultSize", MOST_WRITINGS);
        let found = self.all(search).await?;
        let mut writings: Vec<Writing> = found.iter().filter_map(writing).collect();
        writings.sort_by_key(|writing| std::cmp::Reverse(writing.at));
        Ok(writings)
    }

    /// Carries out a step of a plan.
    pub async fn write(&mut self, step: &Step) -> Result<(), Error> {
        let family = self.policy_family();
        match step {
            Step::Exempt { mailbox, device, level } => {
                let exemption = match level {
                    Some(AccessLevel::Allow) => Exemption::Allowed,
                    Some(_) => Exemption::Blocked,
                    None => Exemption::None,
                };
                let name = Identity::try_from(mailbox.guid)?;
                self.exempt(name.as_str(), device.as_str(), exemption).await
            }
            other => self.change(cmdlet(other, family)?).await,
        }
    }

    /// The cmdlet that carries out a step, for the record and to see whether the account may.
    #[must_use]
    pub fn cmdlet_of_step(&self, step: &Step) -> &'static str {
        cmdlet_name(step, self.policy_family())
    }
}

const WRITING: [&str; 11] = [
    "Set-MobileDeviceMailboxPolicy",
    "New-MobileDeviceMailboxPolicy",
    "Remove-MobileDeviceMailboxPolicy",
    "Set-ActiveSyncMailboxPolicy",
    "New-ActiveSyncMailboxPolicy",
    "Remove-ActiveSyncMailboxPolicy",
    "Set-ActiveSyncOrganizationSettings",
    "New-ActiveSyncDeviceAccessRule",
    "Set-ActiveSyncDeviceAccessRule",
    "Remove-ActiveSyncDeviceAccessRule",
    "Set-CASMailbox",
];

const fn get_policy(family: Family) -> &'static str {
    match family {
        Family::MobileDevice => "Get-MobileDeviceMailboxPolicy",
        Family::ActiveSync => "Get-ActiveSyncMailboxPolicy",
    }
}

const fn cmdlet_name(step: &Step, family: Family) -> &'static str {
    match (step, family) {
        (Step::NewPolicy { .. }, Family::MobileDevice) => "New-MobileDeviceMailboxPolicy",
        (Step::NewPolicy { .. }, Family::ActiveSync) => "New-ActiveSyncMailboxPolicy",
        (Step::SetPolicy { .. }, Family::MobileDevice) => "Set-MobileDeviceMailboxPolicy",
        (Step::SetPolicy { .. }, Family::ActiveSync) => "Set-ActiveSyncMailboxPolicy",
        (Step::RemovePolicy { .. }, Family::MobileDevice) => "Remove-MobileDeviceMailboxPolicy",
        (Step::RemovePolicy { .. }, Family::ActiveSync) => "Remove-ActiveSyncMailboxPolicy",
        (Step::Assign { .. } | Step::Exempt { .. }, _) => "Set-CASMailbox",
        (Step::SetAccess { .. }, _) => "Set-ActiveSyncOrganizationSettings",
        (Step::NewRule(_), _) => "New-ActiveSyncDeviceAccessRule",
        (Step::SetRule { .. }, _) => "Set-ActiveSyncDeviceAccessRule",
        (Step::RemoveRule { .. }, _) => "Remove-ActiveSyncDeviceAccessRule",
    }
}

/// The cmdlet of a step. Exemptions have their own way.
fn cmdlet(step: &Step, family: Family) -> Result<Cmdlet, Error> {
    let cmdlet = Cmdlet::new(cmdlet_name(step, family));
    let cmdlet = match step {
        Step::NewPolicy { name, settings } => {
            let name = Identity::parse(name.as_str())?;
            with_settings(cmdlet.with("Name", name.as_str()), settings, family)
        }
        Step::SetPolicy { guid, settings, .. } => {
            with_settings(cmdlet.of((*guid).try_into()?), settings, family)
        }
        Step::RemovePolicy { guid, .. } | Step::RemoveRule { guid, .. } => {
            cmdlet.of((*guid).try_into()?)
        }
        Step::Assign { mailbox, policy } => {
            let policy = match policy {
                Some(name) => Argument::Text(Identity::parse(name.as_str())?.as_str().to_owned()),
                None => Argument::Null,
            };
            cmdlet.of(mailbox.guid.try_into()?).with("ActiveSyncMailboxPolicy", policy)
        }
        Step::SetAccess { default_level, administrators, text_for_users } => {
            let mut cmdlet = cmdlet;
            if let Some(level) = default_level {
                cmdlet = cmdlet.with("DefaultAccessLevel", level_word(*level));
            }
            if let Some((add, remove)) = administrators {
                let edit = Argument::Edit { add: add.clone(), remove: remove.clone() };
                cmdlet = cmdlet.with("AdminMailRecipients", edit);
            }
            if let Some(text) = text_for_users {
                let text = match text.as_str() {
                    "" => Argument::Null,
                    text => text.into(),
                };
                cmdlet = cmdlet.with("UserMailInsert", text);
            }
            cmdlet
        }
        Step::NewRule(rule) => cmdlet
            .with("QueryString", rule.value.as_str())
            .with("Characteristic", characteristic_word(rule.characteristic))
            .with("AccessLevel", level_word(rule.level)),
        Step::SetRule { guid, rule } => {
            cmdlet.of((*guid).try_into()?).with("AccessLevel", level_word(rule.level))
        }
        Step::Exempt { mailbox, .. } => cmdlet.of(mailbox.guid.try_into()?),
    };
    Ok(cmdlet.without_confirmation())
}

fn with_settings(cmdlet: Cmdlet, steps: &[SettingStep], family: Family) -> Cmdlet {
    steps.iter().fold(cmdlet, |cmdlet, step| match settings::argument(step, family) {
        Some(argument) => cmdlet.with(settings::name(step.setting, family), argument),
        None => cmdlet,
    })
}

fn policy(object: &Object, family: Family) -> Result<ObservedPolicy, Error> {
    let mut values = BTreeMap::new();
    for setting in Setting::ALL.iter().copied() {
        let name = settings::name(setting, family);
        let found = object.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((_, found)) = found else { continue };
        let value = settings::value(setting, found, family).ok_or_else(|| {
            let text = found.text().unwrap_or_default();
            Error::Protocol(format!("{name} of a policy is {text:?}, which is not understood"))
        })?;
        values.insert(setting, value);
    }
    let is_default = ["IsDefault", "IsDefaultPolicy"].map(|name| object.get(name)?.bool());
    Ok(ObservedPolicy {
        guid: guid(object, "a mailbox policy")?,
        name: name(object, "a mailbox policy")?.as_str().into(),
        is_default: is_default.contains(&Some(true)),
        generation: match family {
            Family::MobileDevice => Generation::Since2013,
            Family::ActiveSync => Generation::Of2010,
        },
        values,
        changed: changed(object),
    })
}

fn rule(object: &Object) -> Result<ObservedRule, Error> {
    let text = |name: &str| object.get(name).and_then(Value::text);
    let known = || {
        Some(AccessRule {
            characteristic: characteristic(&text("Characteristic")?)?,
            value: text("QueryString")?,
            level: level(&text("AccessLevel")?)?,
        })
    };
    Ok(ObservedRule {
        guid: guid(object, "an access rule")?,
        name: name(object, "an access rule")?,
        rule: known(),
        changed: changed(object),
    })
}

/// A mailbox; `None` for what is no mailbox that could be written.
fn mailbox(object: Object) -> Result<Option<ObservedMailbox>, Error> {
    let is_default = object.get("ActiveSyncMailboxPolicyIsDefaulted").and_then(Value::bool);
    let has_device = object.get("HasActiveSyncDevicePartnership").and_then(Value::bool);
    let facts =
        records::mailbox(object).map_err(|error| Error::Protocol(format!("a mailbox: {error}")))?;
    let Some(guid) = facts.guid else { return Ok(None) };
    let names = [&facts.primary_smtp_address, &facts.sam_account_name, &facts.alias];
    let names: Vec<Folded> = names.into_iter().flatten().map(|name| name.as_str().into()).collect();
    let shown = names.first().map(ToString::to_string);
    let shown = shown.or(facts.display_name).unwrap_or_else(|| guid.to_string());
    let ids = |ids: Vec<String>| ids.iter().map(|id| id.as_str().into()).collect();
    Ok(Some(ObservedMailbox {
        key: MailboxKey { guid, name: shown },
        names,
        // Where nothing is said, it was asked for by its devices.
        has_device: has_device != Some(false),
        policy: facts.policy.filter(|_| is_default != Some(true)).map(|name| name.as_str().into()),
        allowed: ids(facts.allowed_device_ids),
        blocked: ids(facts.blocked_device_ids),
    }))
}

fn writing(object: &Object) -> Option<Writing> {
    let text = |name: &str| object.get(name).and_then(Value::text);
    if object.get("Succeeded").and_then(Value::bool) == Some(false) {
        return None;
    }
    let parameters = object.get("CmdletParameters").unwrap_or(&Value::Null);
    Some(Writing {
        who: text("Caller")?,
        cmdlet: text("CmdletName")?,
        object: text("ObjectModified"),
        parameters: parameters.items().iter().filter_map(Value::text).collect(),
        at: records::time(&text("RunDate")?)?,
    })
}

fn guid(object: &Object, what: &str) -> Result<Uuid, Error> {
    let found = object.first(&["Guid", "ExchangeObjectId"]).and_then(Value::guid);
    found.ok_or_else(|| Error::Protocol(format!("{what} came without a GUID")))
}

fn name(object: &Object, what: &str) -> Result<String, Error> {
    let of_dn = || {
        let name = object.get("DistinguishedName")?.text()?;
        DistinguishedName::parse(&name)?.first_value()
    };
    let found = object.get("Name").and_then(Value::text).or_else(of_dn);
    found.ok_or_else(|| Error::Protocol(format!("{what} came without a name")))
}

fn changed(object: &Object) -> Option<Timestamp> {
    records::time(&object.first(&["WhenChangedUTC", "WhenChanged"])?.text()?)
}

const fn characteristic_word(characteristic: Characteristic) -> &'static str {
    match characteristic {
        Characteristic::Type => "DeviceType",
        Characteristic::Model => "DeviceModel",
        Characteristic::Os => "DeviceOS",
        Characteristic::UserAgent => "UserAgent",
        Characteristic::WindowsLiveHeader => "XMSWLHeader",
    }
}

fn characteristic(word: &str) -> Option<Characteristic> {
    let mut all = Characteristic::ALL.iter().copied();
    all.find(|one| characteristic_word(*one).eq_ignore_ascii_case(word))
}

const fn level_word(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::Allow => "Allow",
        AccessLevel::Block => "Block",
        AccessLevel::Quarantine => "Quarantine",
    }
}

fn level(word: &str) -> Option<AccessLevel> {
    let mut all = AccessLevel::ALL.iter().copied();
    all.find(|level| level_word(*level).eq_ignore_ascii_case(word))
}
