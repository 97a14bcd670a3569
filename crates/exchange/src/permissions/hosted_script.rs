//! A script that grants an application what it needs of hosted Exchange and nothing else, for a person
//! to read and to run.

use domain::connector::{Cloud, Tenant};
use uuid::Uuid;

use super::{
    CmdletNeed, Feature, needs,
    script::{MAX_GROUP_NAME, MAX_ROLE_NAME, RoleScriptError, name, needed},
};
use crate::Family;

/// What a script for hosted Exchange is to grant, and to which application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostedRoleScript<'a> {
    /// What the application is to be able to do. [`Feature::Inventory`] is always among it.
    pub features: &'a [Feature],
    /// Where tenant and application live.
    pub cloud: Cloud,
    /// The tenant; `None`: to be filled in.
    pub tenant: Option<&'a Tenant>,
    /// The application; `None`: to be filled in.
    pub application: Option<Uuid>,
    /// What the names of the roles begin with: at most 30 characters.
    pub role_name: &'a str,
    /// Name of the role group: at most 64 characters.
    pub group_name: &'a str,
}

/// The script: ASCII text for PowerShell with the modules of Microsoft Graph and Exchange Online. It
/// may be run again; then it adds what is missing and takes away what is not wanted any more.
///
/// # Errors
/// A name that cannot be written into a script, or that Exchange would not take.
pub fn hosted_role_script(wish: &HostedRoleScript<'_>) -> Result<String, RoleScriptError> {
    let role = name("role", wish.role_name, MAX_ROLE_NAME)?;
    let group = name("role group", wish.group_name, MAX_GROUP_NAME)?;
    let mut features: Vec<_> =
        wish.features.iter().copied().filter(|feature| is_hosted(*feature)).collect();
    features.push(Feature::Inventory);
    features.sort_unstable();
    features.dedup();
    let family = Family::MobileDevice;

    let mut script = String::from(ABOUT);
    for feature in &features {
        let is_granted = |need: &CmdletNeed| need.role.is_some();
        if needs(*feature, family).iter().any(is_granted) {
            script += &format!("#   {}: {}.\n", feature.word(), feature.purpose());
        }
    }
    let names = names(wish.cloud);
    let tenant = wish.tenant.map_or("<tenant>", Tenant::as_str);
    let application = wish.application.map(|id| id.to_string());
    let application = application.as_deref().unwrap_or("<application id>");
    script += &format!(
        "\n$Tenant = '{tenant}'\n$AppId = '{application}'\n$RoleName = {role}\n\
         $GroupName = {group}\n\n# Exchange Online in this cloud, and its permission \
         Exchange.ManageAsApp.\n$ExchangeAppId = '{}'\n$ManageAsApp = '{}'\n\
         $GraphEnvironment = '{}'\n$ExchangeEnvironment = '{}'\n",
        names.exchange, names.manage_as_app, names.graph, names.shell
    );
    script += include_str!("entra.ps1");
    script += &needed(&features, family);
    script += include_str!("role.ps1");
    script += include_str!("service_principal.ps1");
    script += include_str!("report.ps1");
    Ok(script)
}

/// What a cloud calls things.
struct Names {
    /// Id of the application Exchange Online.
    exchange: &'static str,
    /// Id of its permission Exchange.ManageAsApp.
    manage_as_app: &'static str,
    /// For `Connect-MgGraph`.
    graph: &'static str,
    /// For `Connect-ExchangeOnline`.
    shell: &'static str,
}

const fn names(cloud: Cloud) -> Names {
    const GLOBAL: Names = Names {
        exchange: "00000002-0000-0ff1-ce00-000000000000",
        manage_as_app: "dc50a0fb-09a3-484d-be87-e023b12c6440",
        graph: "Global",
        shell: "O365Default",
    };
    match cloud {
        Cloud::Global => GLOBAL,
        Cloud::GccHigh => Names { graph: "USGov", shell: "O365USGovGCCHigh", ..GLOBAL },
        Cloud::Dod => Names { graph: "USGovDoD", shell: "O365USGovDoD", ..GLOBAL },
        Cloud::China => Names {
            exchange: "00000007-0000-0ff1-ce00-000000000000",
            manage_as_app: "455e5cd2-84e8-4751-8344-5672145dfa17",
            graph: "China",
            shell: "O365China",
        },
    }
}

/// Whether hosted Exchange knows a feature at all: it has no servers or forest of anybody's own, no
/// shell to select in, and keeps its log of administrators elsewhere.
const fn is_hosted(feature: Feature) -> bool {
    !matches!(feature, Feature::Servers | Feature::Forest | Feature::Selection | Feature::Writers)
}

const ABOUT: &str = "\
# Grants an application what Gatepost needs of Exchange Online, and nothing else.
#
# Before: register an application in Entra ID (single tenant, no redirect address), and upload the
# certificate it is to sign in with. For a managed identity there is nothing to register.
#
# Read it, then run it in PowerShell 7 with the modules Microsoft.Graph and ExchangeOnlineManagement,
# as a member of Organization Management who may grant consent (Privileged Role Administrator). It
# makes roles that hold only the cmdlets and parameters listed below, a role group of these roles with
# the application as its member, and lets the application speak to Exchange Online. It changes no
# mailbox and no device, and it may be run again. New rights take effect within an hour or two.
#
# Which built-in role holds a cmdlet is not written here: the script asks this Exchange.
#
# Features:
";

#[cfg(test)]
mod tests {
    use super::*;

    fn script(cloud: Cloud, features: &[Feature]) -> String {
        let tenant = Tenant::parse("contoso.onmicrosoft.com").unwrap();
        hosted_role_script(&HostedRoleScript {
            features,
            cloud,
            tenant: Some(&tenant),
            application: Some(Uuid::from_u128(7)),
            role_name: "Gatepost",
            group_name: "Gatepost Connector",
        })
        .unwrap()
    }

    #[test]
    fn an_application_is_granted_what_is_asked_for_and_nothing_that_hosted_exchange_lacks() {
        let script = script(Cloud::Global, &Feature::ALL);
        assert!(script.is_ascii());
        for there in [
            "$AppId = '00000000-0000-0000-0000-000000000007'",
            "$Tenant = 'contoso.onmicrosoft.com'",
            "dc50a0fb-09a3-484d-be87-e023b12c6440",
            "New-ServicePrincipal -AppId $AppId -ObjectId $ObjectId",
            "Add-RoleGroupMember $GroupName -Member $ObjectId",
            "Cmdlet = 'Clear-MobileDevice'",
        ] {
            assert!(script.contains(there), "{there} is missing");
        }
        for absent in ["Get-ExchangeServer", "Set-ADServerSettings", "RemotePowerShellEnabled"] {
            assert!(!script.contains(absent), "{absent} is there");
        }
        assert!(!self::script(Cloud::Global, &[]).contains("Clear-MobileDevice"));
    }

    #[test]
    fn each_cloud_has_its_names_and_what_is_not_known_is_to_be_filled_in() {
        let script = script(Cloud::China, &[]);
        assert!(script.contains("$ExchangeAppId = '00000007-0000-0ff1-ce00-000000000000'"));
        assert!(script.contains("$ExchangeEnvironment = 'O365China'"));
        let open = hosted_role_script(&HostedRoleScript {
            features: &[],
            cloud: Cloud::Global,
            tenant: None,
            application: None,
            role_name: "Gatepost",
            group_name: "Gatepost Connector",
        });
        assert!(open.unwrap().contains("$AppId = '<application id>'"));
    }
}
