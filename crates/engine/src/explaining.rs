//! Why Exchange lets a device in or not: its decision, replayed with what was read last.
//!
//! Rules, policies and the default level are those that the last look at the organization brought;
//! the lists and the policy of the owner are those of the inventory. Nothing is asked of Exchange,
//! so an explanation is there at once, and says as of when it is true.

use std::collections::BTreeMap;

use domain::{
    AccessReason, AccessRule, AccessState, Caller, Connector, ConnectorName, Device, DeviceId,
    MailboxFacts, Permission, Query, Scope, Setting, SettingValue, Timestamp,
    access::{
        Agreement, Described, Explanation, Hosting, Known, Missing, Remedy, Reported, Standing,
        explain,
    },
    wish::{Observed, ObservedPolicy},
};

use crate::{Engine, Error, wishes::LastSeen};

/// Devices that are looked at in one read to find out whose mailbox is meant.
const DEVICES_AT_ONCE: u32 = 200;
/// Most mailboxes that an error names.
const MOST_NAMED: usize = 5;
/// Longest text of a described device, in bytes: Exchange keeps no longer ones.
const LONGEST_TEXT: usize = 1024;

/// A device that somebody describes; what is `None` was not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribedDevice {
    /// `iPhone`, `Android`, `Outlook`, …
    pub device_type: Option<String>,
    /// Model as the client reports it.
    pub model: Option<String>,
    /// Operating system, the exact text.
    pub os: Option<String>,
    /// User agent.
    pub user_agent: Option<String>,
    /// Address or logon name of whose mailbox it is to sync with.
    pub user: Option<String>,
    /// The id the client chose.
    pub device_id: Option<String>,
}

/// What Exchange decides about a device, why, and what would let it in.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// How Exchange decides; `None` where the rules of the organization were never read.
    pub explanation: Option<Explanation>,
    /// The device, with what Exchange reports of it; `None` for a described one.
    pub device: Option<Device>,
    /// Whose mailbox it is, as people call them.
    pub owner: Option<String>,
    /// Whether Exchange reports what its rules say.
    pub agreement: Agreement,
    /// What would let it in, the least far-reaching first; none if it is in.
    pub remedies: Vec<Remedy>,
    /// What nobody should forget who relies on this, in sentences.
    pub caveats: Vec<String>,
    /// As of when rules, policies and the default level are true.
    pub rules_as_of: Option<Timestamp>,
}

impl Explained {
    /// What Exchange reports of the device.
    #[must_use]
    pub fn reported(&self) -> Option<Reported<'_>> {
        self.device.as_ref().map(Reported::of)
    }

    /// The decision, why, and what to do about it, in a sentence or two. Of a device it is what
    /// Exchange reports; where the rules say the same and nothing is open, in their words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let owner = self.owner.as_deref();
        match (&self.explanation, self.reported()) {
            (Some(explanation), None) => explanation.sentence(owner),
            (Some(explanation), Some(_))
                if self.agreement == Agreement::Agrees && explanation.is_certain() =>
            {
                explanation.sentence(owner)
            }
            (_, Some(reported)) => reported.sentence(owner),
            (None, None) => "Unknown: the rules of this organization were never read.".to_owned(),
        }
    }
}

impl Engine {
    /// Why Exchange lets a device in or not, as far as the inventory knows.
    pub async fn explain_device(&self, caller: &Caller, id: DeviceId) -> Result<Explained, Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        self.explain(caller, &self.store().device(&scope, id).await?).await
    }

    /// The same of a device that was read for the caller already.
    pub async fn explain(&self, caller: &Caller, device: &Device) -> Result<Explained, Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        let mailbox = match &device.owner.user_dn {
            Some(name) => match self.store().mailbox(&scope, device.connector, name).await {
                Ok(mailbox) => Some(mailbox),
                Err(store::Error::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            },
            None => None,
        };
        let connectors = self.store().connectors(&scope).await?;
        let connector = connectors.iter().find(|connector| connector.id == device.connector);
        let seen = match connector {
            Some(connector) => self.last_seen(connector).await?,
            None => None,
        };
        let hosting = connector.map_or(Hosting::OnPremises, |one| one.endpoint.hosting());
        let rules = seen.as_ref().and_then(|seen| Rules::of(seen, hosting));
        Ok(of_device(device, mailbox.as_ref(), rules))
    }

    /// What Exchange would decide about a device that somebody describes. The lists and the policy
    /// of a user count if one is named, who must have a device in the inventory.
    pub async fn explain_described(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        device: &DescribedDevice,
    ) -> Result<Explained, Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        let connector = self.store().connector(&scope, name).await?;
        let device = device.checked()?;
        let mailbox = match &device.user {
            Some(user) => Some(self.mailbox_of_user(&scope, &connector, user).await?),
            None => None,
        };
        let seen = self.last_seen(&connector).await?;
        let hosting = connector.endpoint.hosting();
        let known = seen.as_ref().and_then(|seen| Rules::of(seen, hosting));
        let rules = known.ok_or_else(|| {
            Error::Unavailable(format!(
                "the access rules of {name} were not read yet; that is done every hour, once its \
                 first full sync is complete and the account may read them"
            ))
        })?;
        Ok(of_description(&device, mailbox.as_ref(), &rules))
    }

    /// The mailbox of a user, known by one of the devices that the caller may see.
    async fn mailbox_of_user(
        &self,
        scope: &Scope,
        connector: &Connector,
        user: &str,
    ) -> Result<MailboxFacts, Error> {
        // CONTOSO\jane is jane; a directory has each logon name once.
        let logon_name = user.rsplit('\\').next().unwrap_or(user);
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let text = format!(
            "connector:\"{}\" (user:\"{}\" or mailbox:\"{}\")",
            connector.name,
            quoted(logon_name),
            quoted(user)
        );
        let query = Query::parse(&text)
            .map_err(|_| Error::Invalid(format!("{user:?} is no name of a user")))?;
        let mut names = BTreeMap::new();
        let mut after = None;
        loop {
            let page = store::Page { after, limit: DEVICES_AT_ONCE, now: self.now() };
            let found = self.store().devices(scope, &query, page).await?;
            let owners = found.devices.into_iter().map(|device| device.owner);
            names.extend(owners.filter_map(|owner| {
                let name = owner.user_dn?;
                Some((name.key(), (name, owner.mailbox)))
            }));
            after = found.next;
            if after.is_none() || names.len() > MOST_NAMED {
                break;
            }
        }
        let mut owners = names.into_values();
        match (owners.next(), owners.next()) {
            (Some((name, _)), None) => Ok(self.store().mailbox(scope, connector.id, &name).await?),
            (Some(first), Some(second)) => {
                let all = [first, second].into_iter().chain(owners).take(MOST_NAMED);
                let all = all.map(|(name, mailbox)| mailbox.unwrap_or_else(|| name.to_string()));
                Err(Error::Conflict(format!(
                    "{user:?} is the name of several users; name one by the address: {}",
                    all.collect::<Vec<_>>().join(", ")
                )))
            }
            _ => Err(Error::NotFound(format!(
                "nobody with a device in {} is called {user:?}; name them by address or logon name, \
                 or leave the user out",
                connector.name
            ))),
        }
    }
}

impl DescribedDevice {
    /// Without what is empty; refused if nothing is left that a rule or a list looks at.
    fn checked(&self) -> Result<Self, Error> {
        let said = |name: &str, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.trim().is_empty());
            match text {
                Some(text) if text.len() > LONGEST_TEXT => Err(Error::Invalid(format!(
                    "the {name} is longer than {LONGEST_TEXT} bytes; no device has such a one"
                ))),
                text => Ok(text.map(str::to_owned)),
            }
        };
        let checked = Self {
            device_type: said("type", &self.device_type)?,
            model: said("model", &self.model)?,
            os: said("operating system", &self.os)?,
            user_agent: said("user agent", &self.user_agent)?,
            user: said("user", &self.user)?,
            device_id: said("device id", &self.device_id)?,
        };
        if checked == Self::default() {
            return Err(Error::Invalid(
                "nothing is said of the device; give its type, model, operating system, user agent, \
                 user or device id"
                    .to_owned(),
            ));
        }
        Ok(checked)
    }

    fn described(&self) -> Described<'_> {
        Described {
            device_type: self.device_type.as_deref(),
            model: self.model.as_deref(),
            os: self.os.as_deref(),
            user_agent: self.user_agent.as_deref(),
            windows_live_header: None,
            device_id: self.device_id.as_deref(),
            missing: Missing::NotSaid,
        }
    }
}

/// What was read of what decides, the rules among it.
struct Rules<'a> {
    at: Timestamp,
    observed: &'a Observed,
    understood: Vec<AccessRule>,
    not_understood: usize,
    hosting: Hosting,
}

impl<'a> Rules<'a> {
    /// `None` if the rules were never read: then nothing can be said of who decides.
    fn of(last: &'a LastSeen, hosting: Hosting) -> Option<Self> {
        let observed = &last.observed;
        let rules = observed.rules.as_ref()?;
        let understood: Vec<_> = rules.iter().filter_map(|one| one.rule.clone()).collect();
        let not_understood = rules.len() - understood.len();
        Some(Self { at: last.rules_at, observed, understood, not_understood, hosting })
    }

    fn known(&self) -> Known<'_> {
        let access = self.observed.access.as_ref();
        Known {
            rules: &self.understood,
            default_level: access.and_then(|access| access.default_level),
            hosting: self.hosting,
        }
    }

    /// What the policy of that name asks, or the default one.
    fn standing<'s>(&'s self, policy: Option<&'s str>) -> Standing<'s> {
        let found = match policy {
            Some(name) => self.observed.policy(&name.into()),
            None => self.observed.default_policy(),
        };
        let lets_unable_in = |policy: &ObservedPolicy| match policy
            .values
            .get(&Setting::AllowNonProvisionableDevices)
        {
            Some(SettingValue::Flag(lets_in)) => Some(*lets_in),
            _ => None,
        };
        Standing {
            policy: policy.or_else(|| found.map(|policy| policy.name.as_str())),
            lets_unable_in: found.and_then(lets_unable_in),
            ..Standing::default()
        }
    }

    fn caveats(&self, explanation: &Explanation) -> Vec<String> {
        let mut caveats: Vec<_> = explanation.caveats().into_iter().map(str::to_owned).collect();
        if self.not_understood > 0 {
            caveats.push(match self.not_understood {
                1 => "One rule of this organization is not understood here, and left out.".into(),
                some => {
                    format!(
                        "{some} rules of this organization are not understood here, and left out."
                    )
                }
            });
        }
        caveats
    }
}

fn of_device(
    device: &Device,
    mailbox: Option<&MailboxFacts>,
    rules: Option<Rules<'_>>,
) -> Explained {
    let reported = Reported::of(device);
    let owner = device.owner.name.clone().or_else(|| device.owner.user.clone());
    let gone = device.gone_since.map(|_| {
        "The partnership is gone from Exchange: what it reports is from before that.".to_owned()
    });
    let Some(rules) = rules else {
        let unread = "The access rules of this organization were not read, so this is what Exchange \
                      reports and nothing else.";
        return Explained {
            explanation: None,
            device: Some(device.clone()),
            owner,
            agreement: Agreement::CannotTell,
            remedies: Vec::new(),
            caveats: [Some(unread.to_owned()), gone].into_iter().flatten().collect(),
            rules_as_of: None,
        };
    };
    let described = Described::of(device);
    let mut standing = mailbox.map(|mailbox| of_mailbox(&rules, mailbox, described.device_id));
    if let Some(standing) = &mut standing {
        standing.satisfies_policy = satisfies_policy(device);
    }
    let explanation = explain(described, standing.unwrap_or_default(), rules.known());
    let mut caveats = rules.caveats(&explanation);
    caveats.extend(gone);
    Explained {
        agreement: explanation.compare(&reported),
        remedies: explanation.remedies(Some(&reported)),
        explanation: Some(explanation),
        device: Some(device.clone()),
        owner,
        caveats,
        rules_as_of: Some(rules.at),
    }
}

fn of_description(
    device: &DescribedDevice,
    mailbox: Option<&MailboxFacts>,
    rules: &Rules<'_>,
) -> Explained {
    let described = device.described();
    let standing = match mailbox {
        Some(mailbox) => of_mailbox(rules, mailbox, described.device_id),
        None => rules.standing(None),
    };
    let explanation = explain(described, standing, rules.known());
    let mut caveats = rules.caveats(&explanation);
    if mailbox.is_none() {
        caveats.push("No user is named: the default policy is taken, and no exemption.".to_owned());
    } else if device.device_id.is_none() {
        caveats.push("No device id is given: it is taken as one that no list names.".to_owned());
    }
    Explained {
        agreement: Agreement::CannotTell,
        remedies: explanation.remedies(None),
        explanation: Some(explanation),
        device: None,
        owner: mailbox.and_then(|mailbox| {
            mailbox.display_name.clone().or_else(|| mailbox.sam_account_name.clone())
        }),
        caveats,
        rules_as_of: Some(rules.at),
    }
}

fn of_mailbox<'a>(
    rules: &'a Rules<'_>,
    mailbox: &'a MailboxFacts,
    device_id: Option<&str>,
) -> Standing<'a> {
    let standing = rules.standing(mailbox.policy.as_deref());
    let standing = Standing { active_sync_enabled: mailbox.active_sync_enabled, ..standing };
    standing.with_lists(device_id, &mailbox.allowed_device_ids, &mailbox.blocked_device_ids)
}

/// Whether a device satisfies its mailbox policy; `None` where Exchange does not tell. A phone that
/// was never let in has applied nothing, which says nothing of what it can do.
fn satisfies_policy(device: &Device) -> Option<bool> {
    if device.facts.access_reason == Some(AccessReason::Policy) {
        return Some(device.facts.access_state == AccessState::Allowed);
    }
    exchange::records::satisfies_policy(device.statistics.as_ref()?.policy_status.as_deref()?)
}
