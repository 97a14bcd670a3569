//! What Exchange has of what a wish is about, read now: one read of each kind.

use std::collections::BTreeSet;

use domain::{
    Characteristic, Connector,
    access::Seen,
    wish::{Care, Folded, Mailboxes, Observed, ObservedMailbox, PolicyWish, Thing, Wanted, Wish},
};
use exchange::Feature;
use uuid::Uuid;

use super::hits::seen_in;
use crate::{
    Engine,
    sessions::{Lease, Urgency},
};

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wants {
    pub(super) policies: bool,
    pub(super) access: bool,
    pub(super) rules: bool,
    pub(super) mailboxes: Reach,
    /// Where the account may see them.
    pub(super) thresholds: bool,
}

/// Of which mailboxes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Reach {
    #[default]
    None,
    /// Those that have a device and another policy than the default one.
    WithAnotherPolicy,
    /// All that have a device.
    WithDevices,
    /// Of the whole organization.
    Whole(Chosen),
}

/// Which mailboxes of the whole organization are kept in mind, beside those with another policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Chosen {
    names: BTreeSet<Folded>,
    guids: BTreeSet<Uuid>,
    with_devices: bool,
}

impl Wants {
    /// Everything that is written down of an organization, for a file or an explanation.
    pub(super) const fn everything() -> Self {
        Self { policies: true, access: true, rules: true, mailboxes: Reach::None, thresholds: true }
    }

    /// What a plan for a wish needs to know.
    pub(super) fn of(wish: &Wish, care: &Care) -> Self {
        let is_own = matches!(wish.policy, PolicyWish::Own { .. });
        let cared = |is: fn(&Thing) -> bool| care.things.iter().any(is);
        let policies = is_own
            || !wish.settings.is_empty()
            || cared(|thing| matches!(thing, Thing::Policy(_) | Thing::Assignment(_)));
        let access = &wish.access;
        let mut names: BTreeSet<Folded> =
            access.exemptions.iter().map(|one| one.mailbox.as_str().into()).collect();
        if let PolicyWish::Own { mailboxes: Mailboxes::Named(named), .. } = &wish.policy {
            names.extend(named.iter().map(|name| Folded::from(name.as_str())));
        }
        let is_for_all = matches!(&wish.policy, PolicyWish::Own { mailboxes: Mailboxes::All, .. });
        let guids: BTreeSet<_> = care
            .things
            .iter()
            .filter_map(|thing| match thing {
                // What is taken back may be that of a mailbox whose last device is gone.
                Thing::Exemption(mailbox, _) => Some(mailbox.guid),
                Thing::Assignment(mailbox) if !is_for_all => Some(mailbox.guid),
                _ => None,
            })
            .collect();
        let mailboxes = if !names.is_empty() || !guids.is_empty() {
            Reach::Whole(Chosen { names, guids, with_devices: is_for_all })
        } else if is_for_all {
            Reach::WithDevices
        } else if policies {
            Reach::WithAnotherPolicy
        } else {
            Reach::None
        };
        let decides = access.rules.is_some()
            || access.default_level.is_some()
            || !access.exemptions.is_empty()
            || cared(|thing| matches!(thing, Thing::Exemption(..)));
        Self {
            policies,
            // Whom other rules hit depends on the default level, and the other way round.
            access: access.default_level.is_some()
                || access.administrators.is_some()
                || access.text_for_users.is_some()
                || decides,
            rules: decides,
            mailboxes,
            thresholds: false,
        }
    }

    /// What is needed to see whether things are as wanted.
    pub(super) fn of_things(wanted: &Wanted) -> Self {
        let mut wants = Self::default();
        let mut guids = BTreeSet::new();
        for thing in wanted.things.keys() {
            match thing {
                Thing::Policy(_) | Thing::Setting(..) => wants.policies = true,
                Thing::Administrators | Thing::TextForUsers => wants.access = true,
                Thing::DefaultLevel | Thing::Rule(..) => {
                    (wants.access, wants.rules) = (true, true);
                }
                Thing::Assignment(mailbox) => drop(guids.insert(mailbox.guid)),
                Thing::Exemption(mailbox, _) => {
                    (wants.access, wants.rules) = (true, true);
                    guids.insert(mailbox.guid);
                }
            }
        }
        if !guids.is_empty() {
            wants.mailboxes = Reach::Whole(Chosen { guids, ..Chosen::default() });
        }
        wants
    }
}

impl Chosen {
    fn holds(&self, mailbox: &ObservedMailbox) -> bool {
        mailbox.policy.is_some()
            || (self.with_devices && mailbox.has_device)
            || self.guids.contains(&mailbox.key.guid)
            || mailbox.names.iter().any(|name| self.names.contains(name))
    }
}

impl Engine {
    /// Reads what is wanted. Whatever cannot be read fails the whole: what is not known is not
    /// absent.
    pub(super) async fn observe(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        wants: &Wants,
    ) -> anyhow::Result<Observed> {
        let organization = lease.organization()?;
        let mut observed = Observed::default();
        if wants.policies {
            observed.policies = Some(organization.policies().await?);
        }
        if wants.access {
            observed.access = Some(organization.access_settings().await?);
        }
        if wants.rules {
            observed.rules = Some(organization.access_rules().await?);
        }
        if wants.thresholds {
            observed.thresholds = organization.autoblock_thresholds().await?;
        }
        let keeps_other = |mailbox: &ObservedMailbox| mailbox.policy.is_some();
        observed.mailboxes = match &wants.mailboxes {
            Reach::None => None,
            Reach::WithAnotherPolicy => {
                Some(organization.mailboxes_of_wish(false, keeps_other).await?)
            }
            Reach::WithDevices => Some(organization.mailboxes_of_wish(false, |_| true).await?),
            Reach::Whole(chosen) => {
                let keeps = |mailbox: &ObservedMailbox| chosen.holds(mailbox);
                Some(organization.mailboxes_of_wish(true, keeps).await?)
            }
        };
        self.keep_seen(connector, &observed).await?;
        Ok(observed)
    }

    /// Reads what decides about devices, as far as the account may see it.
    pub(super) async fn glance(&self, connector: &Connector) -> anyhow::Result<()> {
        let mut lease = self.lease(connector, Urgency::Background).await?;
        let looked = self.glance_with(connector, &mut lease).await;
        self.settled(&mut lease, looked).await
    }

    async fn glance_with(&self, connector: &Connector, lease: &mut Lease) -> anyhow::Result<()> {
        let organization = lease.organization()?;
        let may = Wants {
            policies: organization.may(Feature::SettingsRead),
            access: organization.may(Feature::OrganizationSettingsRead),
            rules: organization.may(Feature::AccessRulesRead),
            mailboxes: Reach::None,
            thresholds: true,
        };
        self.observe(connector, lease, &may).await.map(drop)
    }

    /// The values that an organization has seen, with the number of devices of each: those of the
    /// inventory, and those that Exchange keeps of devices that are gone.
    pub(super) async fn seen(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        wish: &Wish,
        care: &Care,
    ) -> anyhow::Result<Seen> {
        let mut seen = self.seen_here(connector, care).await?;
        if needs_classes(wish) {
            for (device_type, model) in lease.organization()?.device_classes().await? {
                seen.add(Characteristic::Type, &device_type, 0);
                seen.add(Characteristic::Model, &model, 0);
            }
        }
        Ok(seen)
    }

    /// The values that are known without asking Exchange.
    pub(super) async fn seen_here(
        &self,
        connector: &Connector,
        care: &Care,
    ) -> anyhow::Result<Seen> {
        let mut seen = seen_in(&self.store().device_groups(connector.id).await?);
        // A rule that was made of a pattern stays, though its last device is gone: it may come back.
        for thing in &care.things {
            if let Thing::Rule(characteristic, value) = thing {
                seen.add(*characteristic, value.as_str(), 0);
            }
        }
        Ok(seen)
    }
}

/// Whether a wish has patterns that Exchange's own list of types and models is needed for.
pub(super) fn needs_classes(wish: &Wish) -> bool {
    let rules = wish.access.rules.iter().flatten();
    let mut patterns = rules.filter(|rule| !rule.selector.is_exact());
    patterns.any(|rule| {
        let characteristic = rule.selector.characteristic();
        matches!(characteristic, Characteristic::Type | Characteristic::Model)
    })
}
