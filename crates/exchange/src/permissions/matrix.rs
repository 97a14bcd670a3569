//! What an account can and cannot do, what falls away, and how to grant it.

use domain::access::Hosting;

use super::{CmdletNeed, Feature, literal, needs};
use crate::Capabilities;

/// How it stands with one feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureCheck {
    /// Which feature.
    pub feature: Feature,
    /// How it stands with it.
    pub state: FeatureState,
    /// What the account does not see: `Clear-MobileDevice -AccountOnly`; empty if nothing is missing
    /// or nobody knows.
    pub missing: Vec<String>,
    /// What falls away, or would where the feature works: a whole sentence.
    pub consequence: String,
    /// Commands for the Exchange Management Shell that grant what is missing, in their order; empty
    /// where no role grants it.
    pub grant: Vec<String>,
}

/// How it stands with a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureState {
    /// Everything is there.
    Works,
    /// It works, but poorer.
    Degraded,
    /// It does not work.
    Missing,
    /// The account may not ask which cmdlets it sees.
    Unknown,
}

impl FeatureState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Works, Self::Degraded, Self::Missing, Self::Unknown];

    /// The word used in tables, files and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Degraded => "degraded",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }

    /// The state of a word; `None` for a word that is none.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A cmdlet that is not there, or not with all of its parameters.
struct Missing {
    /// `Clear-MobileDevice`
    cmdlet: &'static str,
    /// The parameters that are not there; empty if the cmdlet itself is not.
    parameters: Vec<&'static str>,
}

impl std::fmt::Display for Missing {
    /// `Get-CASMailbox`, or `Clear-MobileDevice -AccountOnly -Cancel`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.cmdlet)?;
        self.parameters.iter().try_for_each(|name| write!(f, " -{name}"))
    }
}

/// Stands for the account in commands where its name cannot be written into one.
const SOMEBODY: &str = "'<account>'";

impl Capabilities {
    /// How it stands with every feature that the organization's Exchange knows. `account` is whom
    /// the commands grant what is missing: `CONTOSO\gatepost`.
    #[must_use]
    pub fn matrix(&self, account: &str) -> Vec<FeatureCheck> {
        let known = Feature::ALL.into_iter();
        let known = known.filter(|feature| feature.is_in(self.hosting));
        let known = known.filter(|feature| !needs(*feature, self.family).is_empty());
        known.map(|feature| self.check(feature, account)).collect()
    }

    /// How it stands with one feature.
    #[must_use]
    pub fn state(&self, feature: Feature) -> FeatureState {
        let found = needs(feature, self.family).iter().map(|need| self.found(need).0);
        if !feature.is_in(self.hosting) {
            return FeatureState::Missing;
        }
        // A feature that this Exchange does not know is not there.
        found.max_by_key(|state| state.gravity()).unwrap_or(FeatureState::Missing)
    }

    /// Whether the account can list devices but carry out nothing that changes Exchange: the
    /// connector then works, and only reads. An account of which nobody knows is none.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let is_useful = |state| matches!(state, FeatureState::Works | FeatureState::Degraded);
        let mut writing = Feature::ALL.into_iter().filter(|feature| feature.writes());
        is_useful(self.state(Feature::Inventory))
            && writing.all(|feature| self.state(feature) == FeatureState::Missing)
    }

    /// Whether everything is there that nothing works without, as far as anybody knows.
    #[must_use]
    pub fn required_ok(&self) -> bool {
        let mut required = Feature::ALL.into_iter().filter(|feature| feature.is_required());
        required.all(|feature| self.state(feature) != FeatureState::Missing)
    }

    fn check(&self, feature: Feature, account: &str) -> FeatureCheck {
        let needs = needs(feature, self.family);
        let missing: Vec<(&CmdletNeed, Missing)> =
            needs.iter().filter_map(|need| Some((need, self.found(need).1?))).collect();
        let grant = missing
            .iter()
            .enumerate()
            .flat_map(|(index, (need, missing))| {
                let number = index + 1;
                let mut commands = grant(feature, number, need, missing);
                if !commands.is_empty() {
                    commands.push(assign(self.hosting, feature, number, account));
                }
                commands
            })
            .collect();
        let state = self.state(feature);
        FeatureCheck {
            feature,
            state,
            missing: missing.iter().map(|(_, missing)| missing.to_string()).collect(),
            consequence: match state {
                FeatureState::Degraded => feature.shortfall().to_owned(),
                _ => feature.consequence().to_owned(),
            },
            grant,
        }
    }

    /// How it stands with one cmdlet of a feature.
    fn found(&self, need: &CmdletNeed) -> (FeatureState, Option<Missing>) {
        let whole = Missing { cmdlet: need.cmdlet, parameters: Vec::new() };
        match self.sees(need.cmdlet) {
            None => return (FeatureState::Unknown, None),
            Some(false) => {
                let serves = need.stand_in.is_some_and(|name| self.sees(name) == Some(true));
                let is_poorer = need.is_optional || serves;
                let state = if is_poorer { FeatureState::Degraded } else { FeatureState::Missing };
                return (state, Some(whole));
            }
            Some(true) => {}
        }
        let is_hidden = |name: &&str| self.sees_parameter(need.cmdlet, name) == Some(false);
        let parameters: Vec<_> = need.parameters().filter(is_hidden).collect();
        let state = if parameters.is_empty() {
            FeatureState::Works
        } else if !need.is_optional && parameters.iter().any(|name| need.needed.contains(name)) {
            FeatureState::Missing
        } else {
            FeatureState::Degraded
        };
        let missing = (!parameters.is_empty()).then_some(Missing { parameters, ..whole });
        (state, missing)
    }
}

impl FeatureState {
    /// Of the cmdlets of a feature the worst counts.
    const fn gravity(self) -> u8 {
        match self {
            Self::Works => 0,
            Self::Degraded => 1,
            Self::Unknown => 2,
            Self::Missing => 3,
        }
    }
}

/// The commands that grant one cmdlet with the parameters that are used of it. Which built-in role
/// holds it is asked of Exchange, as that differs from version to version.
fn grant(feature: Feature, number: usize, need: &CmdletNeed, missing: &Missing) -> Vec<String> {
    let Some(likely) = need.role else { return Vec::new() };
    let cmdlet = need.cmdlet;
    // A role must hold what is needed and what is missing. Of the rest it keeps what it has: a
    // parameter that a version does not know would make every role unfit.
    let is_sought = |name: &&str| need.needed.contains(name) || missing.parameters.contains(name);
    let sought = literal::list(need.parameters().filter(is_sought));
    let with = if sought.is_empty() { sought } else { format!(" -CmdletParameters {sought}") };
    let role = role_name(feature, number);
    let mut commands = vec![
        format!(
            "$parent = Get-ManagementRole -Cmdlet '{cmdlet}'{with} | Where-Object {{ \
             $_.IsRootRole -and -not $_.IsEndUserRole }} | Sort-Object {{ $_.Name -ne '{likely}' }} \
             | Select-Object -First 1"
        ),
        format!("New-ManagementRole -Name '{role}' -Parent $parent.Name"),
        format!(
            "Get-ManagementRoleEntry '{role}\\*' | Where-Object {{ $_.Name -ne '{cmdlet}' }} | \
             ForEach-Object {{ Remove-ManagementRoleEntry ('{role}\\' + $_.Name) -Confirm:$false }}"
        ),
    ];
    let used = literal::list(need.parameters());
    if !used.is_empty() {
        commands.push(format!(
            "Set-ManagementRoleEntry '{role}\\{cmdlet}' -Parameters @((Get-ManagementRoleEntry \
             '{role}\\{cmdlet}').Parameters | Where-Object {{ @({used}) -contains $_ }}) \
             -Confirm:$false"
        ));
    }
    commands
}

fn role_name(feature: Feature, number: usize) -> String {
    format!("Gatepost {} {number}", feature.word())
}

/// The command that gives an account a role. In hosted Exchange the account is an application.
fn assign(hosting: Hosting, feature: Feature, number: usize, account: &str) -> String {
    let account = literal::quoted(account).unwrap_or_else(|_| SOMEBODY.to_owned());
    let role = role_name(feature, number);
    let whom = match hosting {
        Hosting::OnPremises => "-User",
        Hosting::Hosted => "-App",
    };
    format!("New-ManagementRoleAssignment -Role '{role}' {whom} {account}")
}
