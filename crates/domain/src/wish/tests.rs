use proptest::{collection, prelude::*, sample::select};
use uuid::Uuid;

use super::*;
use crate::{
    AccessRule, Characteristic, SettingsGroup, access::CompiledRule, settings::Generation,
};

/// Exchange, as far as it matters here: it does what it is told, and what follows from it.
fn act(exchange: &mut Observed, step: &Step) {
    let policies = exchange.policies.as_mut().unwrap();
    let mailboxes = exchange.mailboxes.as_mut().unwrap();
    match step {
        Step::NewPolicy { name, settings } => {
            let mut made = fresh(name.as_str(), policies[0].generation);
            write(&mut made, settings);
            policies.push(made);
        }
        Step::SetPolicy { guid, settings, .. } => {
            write(policies.iter_mut().find(|policy| policy.guid == *guid).unwrap(), settings);
        }
        Step::RemovePolicy { guid, .. } => policies.retain(|policy| policy.guid != *guid),
        Step::Assign { mailbox, policy } => {
            mailboxes.get_mut(&mailbox.guid).unwrap().policy.clone_from(policy);
        }
        Step::SetAccess { default_level, administrators, text_for_users } => {
            let access = exchange.access.as_mut().unwrap();
            access.default_level = default_level.or(access.default_level);
            if let Some((add, remove)) = administrators {
                access.administrators.retain(|one| !remove.contains(one));
                access.administrators.extend(add.iter().cloned());
            }
            if let Some(text) = text_for_users {
                access.text_for_users.clone_from(text);
            }
        }
        Step::NewRule(rule) => exchange.rules.as_mut().unwrap().push(observed_rule(rule.clone())),
        Step::SetRule { guid, rule } => {
            let rules = exchange.rules.as_mut().unwrap();
            rules.iter_mut().find(|one| one.guid == *guid).unwrap().rule = Some(rule.clone());
        }
        Step::RemoveRule { guid, .. } => {
            exchange.rules.as_mut().unwrap().retain(|one| one.guid != *guid);
        }
        Step::Exempt { mailbox, device, level } => {
            let mailbox = mailboxes.get_mut(&mailbox.guid).unwrap();
            mailbox.allowed.retain(|id| id != device);
            mailbox.blocked.retain(|id| id != device);
            match level {
                Some(AccessLevel::Allow) => mailbox.allowed.push(device.clone()),
                Some(_) => mailbox.blocked.push(device.clone()),
                None => {}
            }
        }
    }
}

fn write(policy: &mut ObservedPolicy, settings: &[SettingStep]) {
    for step in settings {
        policy.values.insert(step.setting, step.after.clone());
    }
    let is_on = |setting| policy.values.get(&setting) == Some(&SettingValue::Flag(true));
    if is_on(Setting::RequireStorageCardEncryption) {
        policy.values.insert(Setting::DeviceEncryptionEnabled, SettingValue::Flag(true));
    }
}

fn guid(text: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, text.to_lowercase().as_bytes())
}

fn fresh(name: &str, generation: Generation) -> ObservedPolicy {
    let hosted = [Setting::AllowApplePush, Setting::AllowGooglePush, Setting::AllowMicrosoftPush];
    let known = Setting::ALL.iter().filter(|setting| !hosted.contains(setting));
    ObservedPolicy {
        guid: guid(name),
        name: name.into(),
        is_default: false,
        generation,
        values: known.map(|setting| (*setting, setting.usual(generation))).collect(),
        changed: None,
    }
}

fn observed_rule(rule: AccessRule) -> ObservedRule {
    let name = format!("{} ({})", rule.value, rule.characteristic);
    ObservedRule { guid: guid(&name), name, rule: Some(rule), changed: None }
}

fn mailbox(name: &str, policy: Option<&str>) -> (Uuid, ObservedMailbox) {
    let key = MailboxKey { guid: guid(name), name: format!("{name}@contoso.com") };
    let names = vec![name.into(), key.name.as_str().into()];
    let policy = policy.map(Folded::from);
    let mailbox = ObservedMailbox {
        key,
        names,
        has_device: true,
        policy,
        allowed: Vec::new(),
        blocked: Vec::new(),
    };
    (mailbox.key.guid, mailbox)
}

fn organization(generation: Generation) -> Observed {
    let default = ObservedPolicy { is_default: true, ..fresh("Default", generation) };
    Observed {
        policies: Some(vec![default, fresh("Managers", generation)]),
        access: Some(ObservedAccess {
            default_level: Some(AccessLevel::Allow),
            ..ObservedAccess::default()
        }),
        rules: Some(Vec::new()),
        mailboxes: Some(
            [mailbox("jane", None), mailbox("bob", None), mailbox("ceo", Some("Managers"))].into(),
        ),
        thresholds: None,
    }
}

fn rule(value: &str, level: AccessLevel) -> AccessRule {
    AccessRule { characteristic: Characteristic::Os, value: value.to_owned(), level }
}

fn problems(wish: &Wish, exchange: &Observed) -> Vec<String> {
    let problems = wanted(wish, &[], exchange, &Care::default()).unwrap_err();
    problems.into_iter().map(|problem| format!("{}: {}", problem.at, problem.what)).collect()
}

fn value(text: &str, setting: Setting) -> (Setting, SettingValue) {
    (setting, setting.about().kind.parse(text).unwrap())
}

#[test]
fn a_group_without_a_configured_setting_is_never_written_and_one_with_it_whole() {
    let mut exchange = organization(Generation::Since2013);
    let default = &mut exchange.policies.as_mut().unwrap()[0];
    default.values.extend([
        value("false", Setting::AllowBrowser),
        value("false", Setting::AllowConsumerEmail),
    ]);
    let wish = Wish { settings: [value("false", Setting::AllowCamera)].into(), ..Wish::default() };
    let wanted = wanted(&wish, &[], &exchange, &Care::default()).unwrap();
    assert_eq!(wanted.things.len(), SettingsGroup::Security.settings().count());
    assert_eq!(wanted.with_another_policy, 1);
    let changes = changes(&wanted, &exchange);
    let changed: Vec<String> =
        changes.iter().map(|change| format!("{:?} {:?}", change.thing, change.after)).collect();
    assert_eq!(changed.len(), 2, "the browser is allowed again as usual: {changed:?}");
    let [Step::SetPolicy { settings, .. }] = &steps(&changes, &wanted, &exchange)[..] else {
        panic!("one write");
    };
    assert_eq!(settings.len(), SettingsGroup::Security.settings().count());
}

#[test]
fn storage_card_encryption_switches_device_encryption_on_and_that_is_no_drift() {
    let mut exchange = organization(Generation::Since2013);
    let settings = [
        value("true", Setting::RequireStorageCardEncryption),
        value("false", Setting::DeviceEncryptionEnabled),
    ];
    let wish = Wish { settings: settings.into(), ..Wish::default() };
    let wanted = wanted(&wish, &[], &exchange, &Care::default()).unwrap();
    for step in steps(&changes(&wanted, &exchange), &wanted, &exchange) {
        act(&mut exchange, &step);
    }
    assert_eq!(changes(&wanted, &exchange), []);
}

#[test]
fn what_nobody_wrote_down_and_is_not_looked_after_stays() {
    let mut exchange = organization(Generation::Since2013);
    let (ours, theirs) = (rule("iOS 6", AccessLevel::Block), rule("iOS 7", AccessLevel::Block));
    exchange.rules = Some(vec![observed_rule(ours.clone()), observed_rule(theirs)]);
    let care = Care { things: [Thing::of_rule(&ours)].into() };
    let silent = wanted(&Wish::default(), &[], &exchange, &care).unwrap();
    assert_eq!(changes(&silent, &exchange), [], "no word of rules says nothing of them");
    let none = AccessWish { rules: Some(Vec::new()), ..AccessWish::default() };
    let wish = Wish { access: none, ..Wish::default() };
    let wanted = wanted(&wish, &[], &exchange, &care).unwrap();
    assert_eq!(wanted.hand_made_rules, ["iOS 7 (os)"]);
    let changes = changes(&wanted, &exchange);
    assert_eq!(changes.len(), 1);
    assert_eq!((&changes[0].thing, &changes[0].after), (&Thing::of_rule(&ours), &None));
}

#[test]
fn a_wish_that_cannot_be_carried_out_is_refused_with_every_reason() {
    let mut exchange = organization(Generation::Since2013);
    let wish = Wish {
        settings: [
            value("5", Setting::PasswordHistory),
            value("true", Setting::AllowApplePush),
            value("30s", Setting::IdleTimeBeforeLock),
        ]
        .into(),
        policy: PolicyWish::Own {
            name: "managers".into(),
            adopts: false,
            mailboxes: Mailboxes::All,
        },
        access: AccessWish {
            exemptions: vec![ExemptionWish {
                mailbox: "nobody".to_owned(),
                allow: vec!["X".to_owned()],
                block: Vec::new(),
            }],
            ..AccessWish::default()
        },
        ..Wish::default()
    };
    let taken = problems(&wish, &exchange);
    assert!(taken[0].contains("a policy \"managers\" is there"), "{taken:?}");
    assert!(taken[1].contains("Exchange has no mailbox \"nobody\""), "{taken:?}");
    let wish = Wish { policy: PolicyWish::Default, access: AccessWish::default(), ..wish };
    let all = problems(&wish, &exchange);
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all[0].starts_with("settings.password: the group says nothing of required"));
    assert!(all[1].starts_with("settings.password.idle_time_before_lock: \"30s\" is not"));
    assert!(all[2].ends_with("this Exchange does not know the setting; take it out"));
    exchange.policies = Some(Vec::new());
    assert!(problems(&wish, &exchange)[0].contains("no default policy"));
}

#[test]
fn mailboxes_with_another_policy_stay_as_they_are() {
    let mut exchange = organization(Generation::Since2013);
    let policy =
        PolicyWish::Own { name: "Phones".into(), adopts: false, mailboxes: Mailboxes::All };
    let settings = [value("false", Setting::AllowCamera)].into();
    let wish = Wish { policy, settings, ..Wish::default() };
    let wanted = wanted(&wish, &[], &exchange, &Care::default()).unwrap();
    assert_eq!(wanted.with_another_policy, 1);
    let made = changes(&wanted, &exchange);
    for step in steps(&made, &wanted, &exchange) {
        act(&mut exchange, &step);
    }
    let policy_of = |name: &str, exchange: &Observed| {
        exchange.mailboxes.as_ref().unwrap()[&guid(name)].policy.clone()
    };
    assert_eq!(policy_of("jane", &exchange), Some("Phones".into()));
    assert_eq!(policy_of("ceo", &exchange), Some("Managers".into()));
    let care = Care { things: wanted.things.keys().cloned().collect() };
    // Without a policy of our own everything about it goes, the mailboxes before the policy.
    let none = super::wanted(&Wish::default(), &[], &exchange, &care).unwrap();
    for step in steps(&changes(&none, &exchange), &none, &exchange) {
        act(&mut exchange, &step);
    }
    assert_eq!(policy_of("jane", &exchange), None);
    assert!(exchange.policy(&"Phones".into()).is_none());
}

fn any_value(setting: Setting, generation: Generation) -> BoxedStrategy<SettingValue> {
    let kind = setting.about().kind;
    let texts = collection::vec("[a-zA-Z]{1,3}", 0..3).prop_map(SettingValue::texts);
    let words: Vec<&'static str> = match kind {
        crate::settings::Kind::Choice(words) => words.to_vec(),
        _ => vec!["none"],
    };
    prop_oneof![
        any::<bool>().prop_map(SettingValue::Flag),
        (0_i64..60).prop_map(SettingValue::Number),
        (0_i64..4_000).prop_map(SettingValue::Seconds),
        (1_i64..400).prop_map(|days| SettingValue::Seconds(days * 86_400)),
        (0_i64..5_000).prop_map(|size| SettingValue::Bytes(size * 1_024)),
        select(words).prop_map(|word| SettingValue::Choice(word.to_owned())),
        texts,
        Just(setting.usual(generation)),
    ]
    .prop_map(move |value| {
        if kind.suits(&value, generation).is_ok() { value } else { setting.usual(generation) }
    })
    .boxed()
}

fn any_settings(generation: Generation) -> impl Strategy<Value = BTreeMap<Setting, SettingValue>> {
    let known: Vec<Setting> = fresh("x", generation).values.into_keys().collect();
    let one = select(known).prop_flat_map(move |setting| {
        any_value(setting, generation).prop_map(move |value| (setting, value))
    });
    collection::vec(one, 0..12).prop_map(|all| all.into_iter().collect())
}

fn any_level() -> impl Strategy<Value = AccessLevel> {
    select(AccessLevel::ALL)
}

fn any_rules() -> impl Strategy<Value = Vec<AccessRule>> {
    let one = ("[a-dA-D]", any_level()).prop_map(|(value, level)| rule(&value, level));
    collection::vec(one, 0..6).prop_map(|rules| {
        let by_key: BTreeMap<Thing, AccessRule> =
            rules.into_iter().map(|rule| (Thing::of_rule(&rule), rule)).collect();
        by_key.into_values().collect()
    })
}

fn any_exchange(generation: Generation) -> impl Strategy<Value = Observed> {
    let lists = collection::vec("[x-z]", 0..3);
    (any_settings(generation), any_level(), any_rules(), lists.clone(), lists, any::<bool>())
        .prop_map(move |(settings, level, rules, allowed, blocked, is_ours)| {
            let mut exchange = organization(generation);
            let default = &mut exchange.policies.as_mut().unwrap()[0];
            default.values.extend(settings);
            let is_card = Setting::RequireStorageCardEncryption;
            if default.values[&is_card] == SettingValue::Flag(true) {
                let on = SettingValue::Flag(true);
                default.values.insert(Setting::DeviceEncryptionEnabled, on);
            }
            exchange.access.as_mut().unwrap().default_level = Some(level);
            exchange.rules = Some(rules.into_iter().map(observed_rule).collect());
            let jane = exchange.mailboxes.as_mut().unwrap().get_mut(&guid("jane")).unwrap();
            jane.allowed = allowed.iter().map(|id| id.as_str().into()).collect();
            jane.blocked = blocked.iter().map(|id| id.as_str().into()).collect();
            if is_ours {
                exchange.policies.as_mut().unwrap().push(fresh("Ours", generation));
            }
            exchange
        })
}

fn any_wish(generation: Generation) -> impl Strategy<Value = (Wish, Vec<CompiledRule>)> {
    let texts = collection::vec("[a-cA-C]@x", 0..3);
    (
        any_settings(generation),
        proptest::option::of(any_level()),
        any_rules(),
        proptest::option::of(texts),
        proptest::option::of("[a-z]{0,2}"),
        select(vec![0, 1, 2]),
        collection::btree_set("[x-z]", 0..3),
    )
        .prop_map(|(mut settings, level, rules, administrators, text, policy, ids)| {
            let is_password =
                settings.keys().any(|setting| setting.group() == Some(SettingsGroup::Password));
            if is_password {
                settings
                    .entry(Setting::PasswordRequired)
                    .or_insert_with(|| SettingValue::Flag(true));
            }
            let mailboxes =
                if policy == 1 { Mailboxes::All } else { Mailboxes::Named(vec!["bob".to_owned()]) };
            let own = PolicyWish::Own { name: "ours".into(), adopts: true, mailboxes };
            let exemption = ExemptionWish {
                mailbox: "JANE@contoso.com".to_owned(),
                allow: ids.iter().take(1).cloned().collect(),
                block: ids.iter().skip(1).cloned().collect(),
            };
            let access = AccessWish {
                default_level: level,
                administrators,
                text_for_users: text,
                rules: Some(Vec::new()),
                exemptions: vec![exemption],
                limit_of_flips: None,
            };
            let policy = if policy == 0 { PolicyWish::Default } else { own };
            let compiled = |(rule, written)| CompiledRule { rule, written };
            (
                Wish { policy, settings, access, ..Wish::default() },
                rules.into_iter().zip(0..).map(compiled).collect(),
            )
        })
}

proptest! {
    /// Whatever Exchange has and whatever is wanted: after one apply nothing is left to do. And what
    /// it was comes back.
    #[test]
    fn apply_leaves_an_empty_plan_and_can_be_taken_back(
        (generation, before, (wish, rules)) in select(Generation::ALL).prop_flat_map(|generation| {
            (Just(generation), any_exchange(generation), any_wish(generation))
        })
    ) {
        let mut exchange = before.clone();
        let target = wanted(&wish, &rules, &exchange, &Care::default());
        let target = target.expect("nothing is wrong with it");
        let made = changes(&target, &exchange);
        for step in steps(&made, &target, &exchange) {
            act(&mut exchange, &step);
        }
        let again = wanted(&wish, &rules, &exchange, &Care {
            things: target.things.keys().cloned().collect(),
        }).expect("nothing is wrong with it");
        prop_assert_eq!(changes(&again, &exchange), [], "{:?}", generation);

        let back = taken_back(&made);
        for step in steps(&changes(&back, &exchange), &back, &exchange) {
            act(&mut exchange, &step);
        }
        for change in &made {
            let was = before.value(&change.thing);
            let is = exchange.value(&change.thing);
            let same = match (&was, &is) {
                (Some(was), Some(is)) => was.means(is),
                (was, is) => was.is_none() && is.is_none(),
            };
            // A policy of our own is gone with its settings.
            prop_assert!(same, "{:?}: {:?} became {:?}", change.thing, was, is);
        }
    }
}
