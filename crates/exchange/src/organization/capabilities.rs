//! What an account may do, and what falls away without it.

use std::collections::BTreeSet;

use domain::{ActionKind, access::Hosting};

use crate::{
    Object, Value,
    cmdlet::SELECT,
    permissions::{CmdletNeed, Feature, needs, needs_of_every_feature},
};

/// Which cmdlets the account may use, and which of their parameters; by default nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Which family of names the devices have.
    pub family: Family,
    /// Whose servers these are: some things are not there in hosted Exchange for anybody.
    pub hosting: Hosting,
    /// Every cmdlet that was looked for and is there; `None` where nobody knows because
    /// `Get-Command` is hidden.
    seen: Option<Vec<Seen>>,
}

/// A cmdlet that the account sees. Names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    cmdlet: String,
    /// `None` where the server did not say.
    parameters: Option<BTreeSet<String>>,
}

/// Which family of names an organization's device cmdlets have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// `*-MobileDevice*`: Exchange 2013 and newer.
    #[default]
    MobileDevice,
    /// `*-ActiveSyncDevice*`: Exchange 2010.
    ActiveSync,
}

/// The features that reading makes use of.
const TODAY: [Feature; 7] = [
    Feature::Inventory,
    Feature::Statistics,
    Feature::Owners,
    Feature::OrganizationSettingsRead,
    Feature::Servers,
    Feature::Forest,
    Feature::Selection,
];

impl Capabilities {
    /// The cmdlets to be looked for: those of every feature.
    pub(super) fn cmdlets_of_interest() -> BTreeSet<&'static str> {
        needs_of_every_feature().flat_map(|(_, need)| need.cmdlets()).collect()
    }

    /// The capabilities of an account to which `Get-Command` gives these objects.
    pub(super) fn of(visible: &[Object], hosting: Hosting) -> Self {
        let seen: Vec<Seen> = visible.iter().filter_map(Seen::of).collect();
        let is_visible = |name: &str| seen.iter().any(|one| one.is(name));
        let family =
            if !is_visible(Family::MobileDevice.list()) && is_visible(Family::ActiveSync.list()) {
                Family::ActiveSync
            } else {
                Family::MobileDevice
            };
        Self { family, hosting, seen: Some(seen) }
    }

    /// The capabilities of an account of which nobody knows.
    pub(super) fn unknown(hosting: Hosting) -> Self {
        Self { hosting, ..Self::default() }
    }

    /// Whether the account sees a cmdlet; `None` where nobody knows. Only cmdlets of features are
    /// looked for.
    #[must_use]
    pub fn sees(&self, cmdlet: &str) -> Option<bool> {
        let seen = self.seen.as_ref()?;
        Some(seen.iter().any(|one| one.is(cmdlet)))
    }

    /// Whether the account sees a parameter of a cmdlet; `None` where nobody knows.
    #[must_use]
    pub fn sees_parameter(&self, cmdlet: &str, parameter: &str) -> Option<bool> {
        let Some(seen) = self.seen.as_ref()?.iter().find(|one| one.is(cmdlet)) else {
            return Some(false);
        };
        let parameters = seen.parameters.as_ref()?;
        Some(parameters.contains(&parameter.to_ascii_lowercase()))
    }

    /// Whether the account may do what an action needs; `None` where nobody knows.
    #[must_use]
    pub fn offers(&self, action: ActionKind) -> Option<bool> {
        let (feature, parameter) = match action {
            ActionKind::Allow | ActionKind::Block | ActionKind::Release => {
                (Feature::Exemptions, None)
            }
            ActionKind::WipeAccount => (Feature::WipeAccount, None),
            ActionKind::WipeDevice => (Feature::Wipe, None),
            ActionKind::CancelWipe => (Feature::Wipe, Some("Cancel")),
            ActionKind::Forget => (Feature::Forget, None),
        };
        let needs = needs(feature, self.family);
        if needs.is_empty() {
            // Only the newer family knows it; which one it is nobody knows without Get-Command.
            return self.seen.as_ref().map(|_| false);
        }
        let parts = needs.iter().flat_map(|need| {
            let parameters = need.needed.iter().copied().chain(parameter);
            let cmdlet = std::iter::once(self.sees(need.cmdlet));
            cmdlet.chain(parameters.map(|name| self.sees_parameter(need.cmdlet, name)))
        });
        let parts: Vec<Option<bool>> = parts.collect();
        if parts.contains(&Some(false)) {
            Some(false)
        } else {
            parts.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
        }
    }

    /// The cmdlets that reading makes use of here, and whether each is there: those of the other
    /// family of names are not missed.
    pub fn needed(&self) -> impl Iterator<Item = (&'static str, Option<bool>)> {
        let here = TODAY.into_iter().filter(|feature| feature.is_in(self.hosting));
        let all = here.flat_map(|feature| needs(feature, self.family));
        all.flat_map(CmdletNeed::cmdlets).map(|cmdlet| (cmdlet, self.sees(cmdlet)))
    }

    /// Whether devices can be listed, as far as anybody knows.
    #[must_use]
    pub fn can_list_devices(&self) -> bool {
        self.sees(self.family.list()) != Some(false)
    }

    /// Whether the server cuts objects down to the properties that are wanted.
    pub(super) fn can_select(&self) -> bool {
        self.sees(SELECT) == Some(true)
    }

    /// What a cmdlet is needed for; empty for one that no feature is made of.
    #[must_use]
    pub fn purpose(cmdlet: &str) -> String {
        let mut all = needs_of_every_feature();
        let found = all.find(|(_, need)| need.cmdlets().any(|name| name == cmdlet));
        let Some((feature, need)) = found else { return String::new() };
        let purpose = format!("the feature {}, which {}", feature.word(), feature.purpose());
        match (need.cmdlet, need.role) {
            (name, Some(role)) if name == cmdlet => {
                format!("{purpose}; the role {role} most probably has it")
            }
            (name, None) if name == cmdlet => purpose,
            (better, _) => format!("{purpose}, where {better} is not there"),
        }
    }
}

impl Seen {
    /// What one object of `Get-Command` says. Its dictionary of parameters may be missing, where
    /// the server does not serialize it: then nothing is known of them.
    fn of(object: &Object) -> Option<Self> {
        let parameters = match object.get("Parameters") {
            Some(Value::Dictionary(entries)) if !entries.is_empty() => {
                Some(entries.iter().map(|(name, _)| name.to_ascii_lowercase()).collect())
            }
            _ => None,
        };
        Some(Self { cmdlet: object.get("Name")?.text()?.to_ascii_lowercase(), parameters })
    }

    fn is(&self, cmdlet: &str) -> bool {
        self.cmdlet.eq_ignore_ascii_case(cmdlet)
    }
}

impl Family {
    /// The cmdlet that lists devices.
    pub(super) const fn list(self) -> &'static str {
        match self {
            Self::MobileDevice => "Get-MobileDevice",
            Self::ActiveSync => "Get-ActiveSyncDevice",
        }
    }

    /// The cmdlet that wipes.
    pub(super) const fn clear(self) -> &'static str {
        match self {
            Self::MobileDevice => "Clear-MobileDevice",
            Self::ActiveSync => "Clear-ActiveSyncDevice",
        }
    }

    /// The cmdlet that removes a partnership.
    pub(super) const fn remove(self) -> &'static str {
        match self {
            Self::MobileDevice => "Remove-MobileDevice",
            Self::ActiveSync => "Remove-ActiveSyncDevice",
        }
    }

    /// The cmdlet that gives their statistics.
    pub(super) const fn statistics(self) -> &'static str {
        match self {
            Self::MobileDevice => "Get-MobileDeviceStatistics",
            Self::ActiveSync => "Get-ActiveSyncDeviceStatistics",
        }
    }
}
