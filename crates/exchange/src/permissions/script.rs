//! A script that grants an account what it needs and nothing else, for a person to read and to run.

use std::fmt::Write as _;

use super::{CmdletNeed, Feature, literal, literal::UnquotableText, needs, table::PREFERRED_ROLES};
use crate::Family;

/// Longest name of a role in the script, in characters. Each role's name is this, a hyphen and the
/// name of the role it was made of, and Exchange takes 64 in all.
pub(super) const MAX_ROLE_NAME: usize = 30;
/// Longest name of a role group or a throttling policy, in characters.
pub(super) const MAX_GROUP_NAME: usize = 64;
/// What means something else than itself in the names of roles, of their entries and of groups.
const NOT_IN_NAMES: [char; 16] =
    ['\\', '/', '*', '?', '[', ']', '"', ';', ',', '=', '+', '<', '>', '#', '`', '$'];

/// What a role script is to grant, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleScript<'a> {
    /// What the account is to be able to do. [`Feature::Inventory`] is always among it.
    pub features: &'a [Feature],
    /// Which family of names the devices have.
    pub family: Family,
    /// `CONTOSO\gatepost`, or anything else by which Exchange knows an account.
    pub account: &'a str,
    /// What the names of the roles begin with: at most 30 characters.
    pub role_name: &'a str,
    /// Name of the role group: at most 64 characters.
    pub group_name: &'a str,
    /// Name of a throttling policy of the account's own, if it is to have one.
    pub throttling_policy: Option<&'a str>,
}

/// Why there is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleScriptError {
    /// The account cannot be written into a script.
    #[error("the account {0}")]
    Account(UnquotableText),
    /// The name of the role, the role group or the throttling policy cannot be written into a
    /// script.
    #[error("the name of the {0} {1}")]
    Name(&'static str, UnquotableText),
    /// A name is longer than Exchange takes.
    #[error("the name of the {0} is longer than {1} characters; choose a shorter one")]
    LongName(&'static str, usize),
    /// A name has a character that means something else to Exchange.
    #[error("the name of the {0} holds {1:?}; choose one of letters, digits, blanks and hyphens")]
    CharacterInName(&'static str, char),
}

/// The script: ASCII text for the Exchange Management Shell of any version. It may be run again;
/// then it adds what is missing and takes away what is not wanted any more.
///
/// # Errors
/// A name that cannot be written into a script, or that Exchange would not take.
pub fn role_script(wish: &RoleScript<'_>) -> Result<String, RoleScriptError> {
    let account = literal::quoted(wish.account).map_err(RoleScriptError::Account)?;
    let role = name("role", wish.role_name, MAX_ROLE_NAME)?;
    let group = name("role group", wish.group_name, MAX_GROUP_NAME)?;
    let policy = wish
        .throttling_policy
        .map(|text| name("throttling policy", text, MAX_GROUP_NAME))
        .transpose()?;
    let mut features: Vec<_> = wish.features.to_vec();
    features.push(Feature::Inventory);
    features.sort_unstable();
    features.dedup();

    let mut script = String::from(ABOUT);
    for feature in &features {
        let is_granted = |need: &CmdletNeed| need.role.is_some();
        if needs(*feature, wish.family).iter().any(is_granted) {
            script += &format!("#   {}: {}.\n", feature.word(), feature.purpose());
        }
    }
    if features.contains(&Feature::WipeAccount) && !features.contains(&Feature::Wipe) {
        script += WIPE_TOO;
    }
    script += &format!("\n$Account = {account}\n$RoleName = {role}\n$GroupName = {group}\n");
    if let Some(policy) = &policy {
        script += &format!("$ThrottlingPolicy = {policy}\n");
    }
    script += &needed(&features, wish.family);
    script += include_str!("role.ps1");
    script += include_str!("member.ps1");
    if policy.is_some() {
        script += include_str!("throttling.ps1");
    }
    script += include_str!("report.ps1");
    Ok(script)
}

const ABOUT: &str = "\
# Grants an account what Gatepost needs in Exchange, and nothing else.
#
# Read it, then run it in the Exchange Management Shell as a member of Organization Management.
# It makes roles that hold only the cmdlets and parameters listed below, a role group of these roles
# with the account as its member, and lets the account use remote PowerShell. It changes no mailbox
# and no device, and it may be run again. The account signs in anew to get its new rights.
#
# Which built-in role holds a cmdlet is not written here: the script asks this Exchange.
#
# Features:
";

/// Roles hide parameters but demand none.
const WIPE_TOO: &str = "\
#
# Exchange has no role for wiping the account alone: with these rights the whole device can be wiped
# too. Gatepost does not do that where it is not asked to.
";

/// The cmdlets with their parameters, each once, in the order of their names.
pub(super) fn needed(features: &[Feature], family: Family) -> String {
    let mut cmdlets: Vec<(&str, Vec<&str>)> = Vec::new();
    for need in features.iter().flat_map(|feature| needs(*feature, family)) {
        // What no role holds needs none.
        if need.role.is_none() {
            continue;
        }
        match cmdlets.iter_mut().find(|(cmdlet, _)| *cmdlet == need.cmdlet) {
            Some((_, parameters)) => parameters.extend(need.parameters()),
            None => cmdlets.push((need.cmdlet, need.parameters().collect())),
        }
    }
    cmdlets.sort_unstable_by_key(|(cmdlet, _)| *cmdlet);
    let mut text =
        String::from("\n# Every cmdlet, with exactly the parameters that are used of it.\n");
    text += "$Needed = @(\n";
    for (index, (cmdlet, parameters)) in cmdlets.iter_mut().enumerate() {
        parameters.sort_unstable();
        parameters.dedup();
        let comma = if index == 0 { "" } else { ",\n" };
        let parameters = wrapped(parameters);
        // Writing to a text never fails.
        let _ = write!(text, "{comma}    @{{ Cmdlet = '{cmdlet}'; Parameters = @({parameters}) }}");
    }
    text += "\n)\n\n# Roles to look into first; those that change least stand first.\n";
    text + &format!("$Preferred = @({})\n", literal::list(PREFERRED_ROLES))
}

/// Names as literals, on lines of their own if they are many.
fn wrapped(names: &[&str]) -> String {
    const ON_ONE_LINE: usize = 5;
    if names.len() <= ON_ONE_LINE {
        return literal::list(names.iter().copied());
    }
    let lines = names.chunks(ON_ONE_LINE).map(|line| literal::list(line.iter().copied()));
    let lines: Vec<_> = lines.map(|line| format!("\n        {line}")).collect();
    lines.join(",")
}

/// A name that is given to something, as a literal.
pub(super) fn name(of: &'static str, text: &str, most: usize) -> Result<String, RoleScriptError> {
    let text = text.trim();
    let quoted = literal::quoted(text).map_err(|error| RoleScriptError::Name(of, error))?;
    if text.chars().count() > most {
        return Err(RoleScriptError::LongName(of, most));
    }
    match text.chars().find(|c| NOT_IN_NAMES.contains(c)) {
        Some(character) => Err(RoleScriptError::CharacterInName(of, character)),
        None => Ok(quoted),
    }
}

#[cfg(test)]
mod tests {
    use super::{RoleScript, RoleScriptError, role_script};
    use crate::{
        Family,
        permissions::{Feature, UnquotableText},
    };

    fn wish(features: &[Feature]) -> RoleScript<'_> {
        RoleScript {
            features,
            family: Family::MobileDevice,
            account: r"CONTOSO\gatepost",
            role_name: "Gatepost",
            group_name: "Gatepost",
            throttling_policy: None,
        }
    }

    #[test]
    fn a_script_for_reading() {
        let features: Vec<_> = Feature::reading().collect();
        insta::assert_snapshot!("reading", role_script(&wish(&features)).unwrap());
    }

    #[test]
    fn a_script_for_everything() {
        let all = RoleScript {
            account: "CONTOSO\\Jürgen's phones",
            throttling_policy: Some("Gatepost"),
            ..wish(&Feature::ALL)
        };
        insta::assert_snapshot!("everything", role_script(&all).unwrap());
    }

    #[test]
    fn exchange_2010_is_granted_its_own_names() {
        let wish = RoleScript { family: Family::ActiveSync, ..wish(&Feature::ALL) };
        let script = role_script(&wish).unwrap();
        assert!(!script.contains("MobileDevice") && script.contains("Clear-ActiveSyncDevice"));
        assert!(!script.contains("AccountOnly"));
    }

    #[test]
    fn a_script_is_ascii_and_grants_the_device_list_whatever_else_is_wanted() {
        for feature in Feature::ALL {
            let script = role_script(&wish(&[feature])).unwrap();
            assert!(script.is_ascii(), "{feature:?}");
            assert!(script.contains("'Get-MobileDevice'"), "{feature:?}");
            let writes = ["'Set-CASMailbox'", "'Clear-", "'Remove-", "'New-", "'Set-Active"];
            assert_eq!(writes.iter().any(|name| script.contains(name)), feature.writes());
        }
    }

    #[test]
    fn names_that_exchange_would_read_otherwise_are_refused() {
        let check = |wish: RoleScript<'_>, expected: RoleScriptError| {
            assert_eq!(role_script(&wish), Err(expected));
        };
        let wish = wish(&[]);
        let control = UnquotableText::Control;
        check(RoleScript { account: "a\nb", ..wish }, RoleScriptError::Account(control));
        check(
            RoleScript { group_name: "a\nb", ..wish },
            RoleScriptError::Name("role group", control),
        );
        check(
            RoleScript { role_name: r"a\*", ..wish },
            RoleScriptError::CharacterInName("role", '\\'),
        );
        let long = "a".repeat(31);
        check(RoleScript { role_name: &long, ..wish }, RoleScriptError::LongName("role", 30));
        assert!(role_script(&RoleScript { role_name: "O'Brien's phones", ..wish }).is_ok());
    }
}
