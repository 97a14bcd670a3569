//! What accounts may do, learned from what they see.

use exchange::{
    Capabilities, Family, Feature, FeatureCheck, FeatureState, Organization,
    connection::ConnectionSettings,
};
use simulator::{Dialect, HiddenParameter, OrganizationOptions, ServerOptions, Visible};

use crate::lab::tell_of;

/// Opens an organization as an account that does not see these cmdlets and parameters.
fn capabilities(options: OrganizationOptions, hidden: &[&str]) -> Capabilities {
    let mut options = OrganizationOptions { devices: 5, ..options };
    for account in &mut options.accounts {
        let (parameters, cmdlets): (Vec<&str>, Vec<&str>) =
            hidden.iter().partition(|name| name.contains(' '));
        if account.visible == Visible::All {
            account.visible = Visible::Without(cmdlets.into_iter().map(str::to_owned).collect());
        }
        let parameters = parameters.iter().filter_map(|name| name.split_once(" -"));
        account.hidden_parameters =
            parameters.map(|(cmdlet, name)| HiddenParameter::new(cmdlet, name)).collect();
    }
    let mut found = None;
    tell_of(&options, ServerOptions::default(), async |lab| {
        let settings: &mut ConnectionSettings = &mut lab.settings;
        settings.endpoint.authentication = domain::connector::Authentication::Ntlm;
        let organization = Organization::open(lab.connect().await.unwrap()).await.unwrap();
        found = Some(organization.capabilities().clone());
        organization.close().await.unwrap();
    });
    found.unwrap()
}

fn of(capabilities: &Capabilities, feature: Feature) -> FeatureCheck {
    let matrix = capabilities.matrix(r"CONTOSO\gatepost");
    matrix.into_iter().find(|check| check.feature == feature).unwrap()
}

/// Whether something of a feature's cmdlets is hidden.
fn is_touched(check: &FeatureCheck, hidden: &[&str]) -> bool {
    let cmdlet = |one: &String| one.split(' ').next().unwrap().to_owned();
    let hides = |one: &String| hidden.iter().any(|name| name.starts_with(&cmdlet(one)));
    check.missing.iter().any(hides)
}

#[test]
fn what_is_hidden_takes_away_its_feature_and_nothing_else() {
    use FeatureState::{Degraded, Missing};
    let whole = capabilities(OrganizationOptions::default(), &[]);
    for (hidden, feature, state, missing) in [
        (&["Clear-MobileDevice"][..], Feature::Wipe, Missing, "Clear-MobileDevice"),
        (&["Clear-MobileDevice -Cancel"], Feature::Wipe, Degraded, "Clear-MobileDevice -Cancel"),
        (
            &["Clear-MobileDevice -AccountOnly"],
            Feature::WipeAccount,
            Missing,
            "Clear-MobileDevice -AccountOnly",
        ),
        (&["Get-CASMailbox"], Feature::Owners, Degraded, "Get-CASMailbox"),
        (&["Get-CASMailbox", "Get-Mailbox"], Feature::Owners, Missing, "Get-CASMailbox"),
        (&["Get-ExchangeServer"], Feature::Servers, Missing, "Get-ExchangeServer"),
        (
            &["Set-ADServerSettings -ViewEntireForest"],
            Feature::Forest,
            Missing,
            "Set-ADServerSettings -ViewEntireForest",
        ),
        (&["Select-Object"], Feature::Selection, Missing, "Select-Object"),
        (
            &["Get-MobileDevice -OrganizationalUnit"],
            Feature::RecipientsScope,
            Missing,
            "Get-MobileDevice -OrganizationalUnit",
        ),
        (
            &["Set-CASMailbox -ActiveSyncBlockedDeviceIDs"],
            Feature::Exemptions,
            Missing,
            "Set-CASMailbox -ActiveSyncBlockedDeviceIDs",
        ),
        (
            &["Set-CASMailbox -ActiveSyncMailboxPolicy"],
            Feature::PolicyAssignment,
            Missing,
            "Set-CASMailbox -ActiveSyncMailboxPolicy",
        ),
        (&["Remove-MobileDevice"], Feature::Forget, Missing, "Remove-MobileDevice"),
        (
            &["Remove-ActiveSyncDeviceAccessRule"],
            Feature::AccessRulesWrite,
            Degraded,
            "Remove-ActiveSyncDeviceAccessRule",
        ),
        (
            &["Get-ActiveSyncDeviceClass"],
            Feature::AccessRulesRead,
            Degraded,
            "Get-ActiveSyncDeviceClass",
        ),
    ] {
        let poor = capabilities(OrganizationOptions::default(), hidden);
        let check = of(&poor, feature);
        assert_eq!(check.state, state, "{hidden:?}");
        let [found] = check.missing.as_slice() else { panic!("{check:?}") };
        assert_eq!(found, missing);
        let is_told = of(&whole, feature).consequence != check.consequence;
        assert_eq!(is_told, state == Degraded, "{check:?}");
        assert_eq!(check.grant.is_empty(), feature == Feature::Selection, "{check:?}");
        assert_eq!(of(&whole, feature).state, FeatureState::Works, "{hidden:?}");
        assert!(of(&whole, feature).missing.is_empty() && of(&whole, feature).grant.is_empty());
        assert!(poor.required_ok() && !poor.is_read_only());
        for other in poor.matrix("x").iter().filter(|other| !is_touched(other, hidden)) {
            assert_eq!(other.state, whole.state(other.feature), "{hidden:?}: {other:?}");
        }
    }
}

#[test]
fn an_account_with_the_device_list_alone_reads_only() {
    let mut options = OrganizationOptions::default();
    for account in &mut options.accounts {
        let seen = ["Get-MobileDevice", "Get-Command"].map(str::to_owned);
        account.visible = Visible::Only(seen.into());
    }
    let poor = capabilities(options, &[]);
    assert!(poor.is_read_only() && poor.required_ok() && poor.can_list_devices());
    for check in poor.matrix("x") {
        let works = check.feature == Feature::Inventory;
        assert_eq!(check.state == FeatureState::Works, works, "{check:?}");
    }
}

#[test]
fn without_the_device_list_nothing_works() {
    let hidden = ["Get-MobileDevice", "Get-ActiveSyncDevice"];
    let poor = capabilities(OrganizationOptions::default(), &hidden);
    assert!(!poor.required_ok() && !poor.is_read_only());
}

#[test]
fn where_nobody_may_ask_nothing_is_refused() {
    let unknown = capabilities(OrganizationOptions::default(), &["Get-Command"]);
    assert!(unknown.required_ok() && !unknown.is_read_only());
    for check in unknown.matrix("x") {
        assert_eq!(check.state, FeatureState::Unknown);
        assert!(check.missing.is_empty() && check.grant.is_empty());
    }
}

#[test]
fn exchange_2010_is_asked_for_its_own_names_and_has_no_wipe_of_an_account() {
    let options =
        OrganizationOptions { dialect: Dialect::Exchange2010, ..OrganizationOptions::default() };
    let old = capabilities(options, &["Clear-ActiveSyncDevice"]);
    assert_eq!(old.family, Family::ActiveSync);
    assert_eq!(of(&old, Feature::Inventory).state, FeatureState::Works);
    assert_eq!(of(&old, Feature::Wipe).missing, ["Clear-ActiveSyncDevice"]);
    let matrix = old.matrix("x");
    assert!(!matrix.iter().any(|check| check.feature == Feature::WipeAccount));
}

#[test]
fn what_is_missing_is_granted_by_commands_to_copy() {
    let hidden = ["Clear-MobileDevice -Cancel", "Get-ActiveSyncDeviceClass"];
    let poor = capabilities(OrganizationOptions::default(), &hidden);
    let mut commands = of(&poor, Feature::Wipe).grant;
    commands.extend(of(&poor, Feature::AccessRulesRead).grant);
    insta::assert_snapshot!("grant", commands.join("\n"));
    let quoted = poor.matrix("O'Brien; $(evil)").into_iter().flat_map(|check| check.grant);
    let mut quoted = quoted.filter(|command| command.contains("-User"));
    assert!(quoted.all(|command| command.ends_with("-User 'O''Brien; $(evil)'")));
}
