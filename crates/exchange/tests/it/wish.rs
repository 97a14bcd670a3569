//! What a written wish is about: written to a simulated organization and read again.

use domain::{
    AccessLevel, AccessRule, Characteristic, Setting, SettingValue,
    settings::{Generation, Kind},
    wish::{Observed, SettingStep, Step},
};
use exchange::{Organization, RemotePowerShell, Session};
use simulator::{Dialect, OrganizationOptions, ServerOptions};

use crate::lab::{Lab, tell_of};

async fn open(lab: &Lab) -> Organization<RemotePowerShell> {
    Organization::open(lab.connect().await.unwrap()).await.unwrap()
}

async fn observed<S: Session>(organization: &mut Organization<S>) -> Observed {
    Observed {
        policies: Some(organization.policies().await.unwrap()),
        access: Some(organization.access_settings().await.unwrap()),
        rules: Some(organization.access_rules().await.unwrap()),
        mailboxes: Some(organization.mailboxes_of_wish(false, |_| true).await.unwrap()),
        thresholds: organization.autoblock_thresholds().await.unwrap(),
    }
}

/// Values that reach the edges of what a setting takes.
fn values(setting: Setting, generation: Generation) -> Vec<SettingValue> {
    let kind = setting.about().kind;
    let mut values = vec![
        SettingValue::Flag(true),
        SettingValue::Flag(false),
        SettingValue::Unlimited,
        SettingValue::Unset,
        SettingValue::texts(vec!["calc.exe".to_owned(), "solitaire.exe".to_owned()]),
        SettingValue::texts(vec!["calc.exe".to_owned()]),
        SettingValue::Texts(Vec::new()),
    ];
    values.extend([0, 1, 4, 8, 16, 50].map(SettingValue::Number));
    values.extend(
        [30, 60, 90, 900, 3_600, 43_200, 86_400, 90 * 86_400, 730 * 86_400]
            .map(SettingValue::Seconds),
    );
    values.extend([0, 1_000, 1_024, 10 << 20, 2_147_482_624].map(SettingValue::Bytes));
    if let Kind::Choice(words) = kind {
        values.extend(words.iter().map(|word| SettingValue::Choice((*word).to_owned())));
    }
    values.retain(|value| kind.suits(value, generation).is_ok());
    values
}

#[test]
fn every_setting_goes_to_exchange_and_back_in_both_families() {
    for (dialect, generation) in [
        (Dialect::Exchange2010, Generation::Of2010),
        (Dialect::Exchange2013, Generation::Since2013),
    ] {
        let options = OrganizationOptions { devices: 5, dialect, ..OrganizationOptions::default() };
        tell_of(&options, ServerOptions::default(), async |lab| {
            let mut organization = open(lab).await;
            every_setting_goes_there_and_back(&mut organization, generation).await;
            organization.close().await.unwrap();
        });
    }
}

/// Writes every value of every setting, and expects to read what was written.
pub(crate) async fn every_setting_goes_there_and_back<S: Session>(
    organization: &mut Organization<S>,
    generation: Generation,
) {
    let before = observed(organization).await;
    let known = before.default_policy().unwrap();
    assert_eq!(known.generation, generation);
    let mut written = 0;
    for setting in known.values.keys().copied() {
        for value in values(setting, generation) {
            let now = organization.policies().await.unwrap();
            let policy = now.iter().find(|policy| policy.is_default).unwrap();
            let before = policy.values.get(&setting).cloned();
            let step = SettingStep { setting, before, after: value.clone() };
            let (guid, name) = (policy.guid, policy.name.clone());
            let step = Step::SetPolicy { guid, name, settings: vec![step] };
            organization.write(&step).await.unwrap();
            let now = organization.policies().await.unwrap();
            let policy = now.iter().find(|policy| policy.is_default).unwrap();
            assert_eq!(policy.values.get(&setting), Some(&value), "{setting:?}");
            written += 1;
        }
    }
    assert!(written > 120, "{written}");
}

#[test]
fn rules_levels_policies_and_exemptions_are_written_and_read_again() {
    let options = OrganizationOptions { devices: 20, ..OrganizationOptions::default() };
    tell_of(&options, ServerOptions::default(), async |lab| {
        let mut organization = open(lab).await;
        everything_is_written_and_read_again(&mut organization).await;
        organization.close().await.unwrap();
    });
}

/// Writes one thing of every kind, reads it again, and takes it back.
pub(crate) async fn everything_is_written_and_read_again<S: Session>(
    organization: &mut Organization<S>,
) {
    let first = observed(organization).await;
    let rule = |level| AccessRule {
        characteristic: Characteristic::UserAgent,
        value: "Apple-iPhone14C5/1903.5".to_owned(),
        level,
    };
    let jane = first.mailboxes.as_ref().unwrap().values().next().unwrap().clone();
    let phones = || Some("Phones".into());
    let settings = Setting::ALL.iter().copied().filter_map(|setting| {
        let known = first.default_policy().unwrap().values.get(&setting)?;
        Some(SettingStep { setting, before: None, after: known.clone() })
    });
    let texts = (vec!["it@contoso.com".to_owned()], Vec::new());
    for step in [
        Step::NewPolicy { name: "Phones".into(), settings: settings.collect() },
        Step::Assign { mailbox: jane.key.clone(), policy: phones() },
        Step::NewRule(rule(AccessLevel::Block)),
        Step::SetAccess {
            default_level: Some(AccessLevel::Quarantine),
            administrators: Some(texts),
            text_for_users: Some("Call 4711 <now> & über".to_owned()),
        },
        Step::Exempt {
            mailbox: jane.key.clone(),
            device: "ABC".into(),
            level: Some(AccessLevel::Block),
        },
    ] {
        organization.write(&step).await.unwrap();
    }
    let second = observed(organization).await;
    let phone_policy = second.policy(&"phones".into()).unwrap();
    assert_eq!(phone_policy.values, first.default_policy().unwrap().values);
    let now = second.mailbox(&jane.key).unwrap();
    assert_eq!(now.policy, phones());
    assert_eq!(now.blocked.last().unwrap().as_str(), "ABC");
    let access = second.access.as_ref().unwrap();
    assert_eq!(access.default_level, Some(AccessLevel::Quarantine));
    assert!(access.administrators.contains(&"it@contoso.com".to_owned()));
    assert_eq!(access.text_for_users, "Call 4711 <now> & über");
    let rules = second.rules.as_ref().unwrap();
    let made = rules.iter().find(|one| one.rule == Some(rule(AccessLevel::Block))).unwrap();
    let policy = (phone_policy.guid, phone_policy.name.clone());
    for step in [
        Step::SetRule { guid: made.guid, rule: rule(AccessLevel::Allow) },
        Step::RemoveRule { guid: made.guid, rule: rule(AccessLevel::Allow) },
        Step::SetAccess {
            default_level: first.access.as_ref().unwrap().default_level,
            administrators: Some((Vec::new(), vec!["IT@contoso.com".to_owned()])),
            text_for_users: Some(String::new()),
        },
        Step::Exempt { mailbox: jane.key.clone(), device: "abc".into(), level: None },
        Step::Assign { mailbox: jane.key.clone(), policy: None },
        Step::RemovePolicy { guid: policy.0, name: policy.1 },
    ] {
        organization.write(&step).await.unwrap();
    }
    let last = observed(organization).await;
    assert_eq!(last.policies.unwrap().len(), first.policies.unwrap().len());
    assert_eq!(last.rules, first.rules);
    assert_eq!(last.mailboxes, first.mailboxes);
    let (last, first) = (last.access.unwrap(), first.access.unwrap());
    assert_eq!(last.administrators, first.administrators);
    assert_eq!((last.default_level, last.text_for_users), (first.default_level, String::new()));
}
