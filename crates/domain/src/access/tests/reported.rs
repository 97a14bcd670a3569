use super::{PHONE, PLAIN, on_premises, rules};
use crate::access::{AccessLevel, Agreement, Cause, Hosting, Known, Reported, Standing, explain};
use crate::{AccessReason, AccessState};

const fn reported(state: AccessState, reason: Option<AccessReason>) -> Reported<'static> {
    Reported { state, reason, rule: None }
}

#[test]
fn one_sentence_says_why_and_what_to_do() {
    let mut told = Vec::new();
    for state in AccessState::ALL {
        let reasons = AccessReason::ALL.iter().copied().map(Some).chain([None]);
        for reason in reasons {
            let rule = (reason == Some(AccessReason::Rule)).then_some("iOS 15.4 (DeviceOS)");
            told.push(Reported { rule, ..reported(*state, reason) }.sentence(Some("Jane Doe")));
        }
    }
    told.dedup();
    insta::assert_snapshot!(told.join("\n"), @r#"
    Allowed: no rule and no exemption names it, and the default level is allow.
    Allowed: a personal exemption of Jane Doe allows it.
    Allowed: the rule "iOS 15.4 (DeviceOS)" of this organization allows it.
    Allowed: it satisfies the mailbox policy.
    Allowed while the mailbox of Jane Doe is being upgraded.
    Allowed: Exchange's own protection lets it in.
    Allowed for a reason that is neither a rule nor a list, and stands among the attributes.
    Allowed, and Exchange does not say why.
    Blocked: no rule and no exemption names it, and the default level is block. Allow it for Jane Doe, or write a rule for its model.
    Blocked: a personal exemption of Jane Doe blocks it. Allow it for Jane Doe, or leave it to the rules.
    Blocked: the rule "iOS 15.4 (DeviceOS)" of this organization blocks it. Allow it for Jane Doe, or change the rule.
    Blocked: it does not satisfy the mailbox policy, or cannot be asked to. Have the phone apply the policy, or let clients in that cannot enforce it.
    Blocked while the mailbox of Jane Doe is being upgraded. This passes by itself.
    Blocked by Exchange's own protection: it went over one of its thresholds. This passes after the block duration.
    Blocked for a reason that is neither a rule nor a list, and stands among the attributes. Look for another product that manages devices.
    Blocked, and Exchange does not say why.
    Quarantined: no rule and no exemption names it, and the default level is quarantine. Allow it for Jane Doe, or write a rule for its model.
    Quarantined: a personal exemption of Jane Doe quarantines it. Allow it for Jane Doe, or leave it to the rules.
    Quarantined: the rule "iOS 15.4 (DeviceOS)" of this organization quarantines it. Allow it for Jane Doe, or change the rule.
    Quarantined: it does not satisfy the mailbox policy, or cannot be asked to. Have the phone apply the policy, or let clients in that cannot enforce it.
    Quarantined while the mailbox of Jane Doe is being upgraded. This passes by itself.
    Quarantined by Exchange's own protection: it went over one of its thresholds. This passes after the block duration.
    Quarantined for a reason that is neither a rule nor a list, and stands among the attributes. Look for another product that manages devices.
    Quarantined, and Exchange does not say why.
    In discovery: Exchange is still finding out what it is, for up to 14 minutes. Look again after that.
    Unknown: Exchange does not say what it decided. Look again after its next sync.
    "#);
    let nobody =
        Reported { state: AccessState::Blocked, reason: Some(AccessReason::Rule), rule: None };
    assert_eq!(
        nobody.sentence(Some(" ")),
        "Blocked: an access rule of this organization blocks it. Allow it for its owner, or change \
         the rule."
    );
}

#[test]
fn an_explanation_says_the_same_and_names_what_it_knows() {
    let rules = rules(&["block os iOS 15.4 19E241"]);
    let known = on_premises(&rules, AccessLevel::Quarantine);
    let check = |standing, known, expected: &str| {
        assert_eq!(explain(PHONE, standing, known).sentence(Some("Jane Doe")), expected);
    };
    check(
        PLAIN,
        known,
        "Blocked: the rule \"iOS 15.4 19E241\" (operating system) of this organization blocks it. \
         Allow it for Jane Doe, or change the rule.",
    );
    let none = Known { rules: &[], ..known };
    check(
        PLAIN,
        none,
        "Quarantined: no rule and no exemption names it, and the default level is quarantine. \
         Allow it for Jane Doe, or write a rule for its model.",
    );
    check(
        Standing { active_sync_enabled: Some(false), ..PLAIN },
        none,
        "Blocked: ActiveSync is off for the mailbox of Jane Doe. Switch it on for that mailbox.",
    );
    check(
        Standing { lets_unable_in: Some(false), satisfies_policy: Some(false), ..PLAIN },
        none,
        "Blocked: it does not satisfy the mailbox policy \"Default\". Have the phone apply the \
         policy, or let clients in that cannot enforce it.",
    );
    check(
        Standing { in_blocked_list: None, ..PLAIN },
        Known { default_level: Some(AccessLevel::Allow), ..none },
        "Allowed: no rule and no exemption names it, and the default level is allow. Not \
         everything that Exchange looks at is known.",
    );
    check(
        PLAIN,
        Known { default_level: None, ..none },
        "Unknown: no rule and no exemption names it, and the default level was not read. Look \
         whether the account may read the organization's settings.",
    );
}

#[test]
fn a_difference_has_likely_causes() {
    use AccessReason::{Autoblock, Global, Individual, Other, Policy, Rule, Upgrade};
    use AccessState::{Allowed, Blocked, Discovery, Quarantined, Unknown};
    let off = Standing { active_sync_enabled: Some(false), ..PLAIN };
    let unread = Standing { in_allowed_list: None, ..PLAIN };
    let on_premises = on_premises(&[], AccessLevel::Allow);
    let hosted = Known { hosting: Hosting::Hosted, ..on_premises };
    let check = |standing, known, state, reason, expected: &[Cause]| {
        let agreement = explain(PHONE, standing, known).compare(&reported(state, reason));
        let expected = Agreement::Differs { causes: expected.to_vec() };
        assert_eq!(agreement, expected, "{state} {reason:?}");
    };
    check(PLAIN, on_premises, Blocked, Some(Policy), &[Cause::Policy]);
    check(PLAIN, on_premises, Blocked, Some(Autoblock), &[Cause::Autoblock]);
    check(PLAIN, on_premises, Blocked, Some(Upgrade), &[Cause::Upgrade]);
    check(PLAIN, on_premises, Discovery, None, &[Cause::Discovery]);
    check(PLAIN, on_premises, Blocked, Some(Rule), &[Cause::Changed]);
    check(PLAIN, on_premises, Allowed, Some(Rule), &[Cause::Changed]);
    check(PLAIN, on_premises, Quarantined, Some(Global), &[Cause::Changed]);
    check(PLAIN, on_premises, Blocked, Some(Individual), &[Cause::Changed]);
    check(PLAIN, on_premises, Blocked, Some(Other), &[Cause::ExternalManagement]);
    check(unread, on_premises, Allowed, Some(Individual), &[Cause::ListsNotRead]);
    check(off, on_premises, Allowed, Some(Global), &[Cause::ActiveSyncOff, Cause::Changed]);
    let elsewhere = [Cause::Changed, Cause::ConditionalAccess, Cause::BasicMobility];
    check(PLAIN, hosted, Quarantined, Some(Global), &elsewhere);
    check(PLAIN, hosted, Blocked, Some(Autoblock), &[Cause::Autoblock]);

    let agreement = |standing, state, reason| {
        explain(PHONE, standing, on_premises).compare(&reported(state, reason))
    };
    assert_eq!(agreement(PLAIN, Allowed, Some(Global)), Agreement::Agrees);
    assert_eq!(agreement(PLAIN, Allowed, None), Agreement::Agrees);
    assert_eq!(agreement(off, Blocked, Some(Global)), Agreement::Agrees);
    assert_eq!(agreement(PLAIN, Unknown, None), Agreement::CannotTell);
    for cause in elsewhere {
        assert!(cause.to_string().ends_with('.'));
    }
}

#[test]
fn what_exchange_reports_stands_in_the_way_as_well() {
    let on_premises = on_premises(&[], AccessLevel::Allow);
    let ways_of = |known, state, reason| {
        let remedies = explain(PHONE, PLAIN, known).remedies(Some(&reported(state, reason)));
        remedies.iter().map(|it| it.sentence(None)).collect::<Vec<_>>()
    };
    let ways = |state, reason| ways_of(on_premises, state, reason);
    let hosted = Known { hosting: Hosting::Hosted, ..on_premises };
    assert_eq!(
        ways_of(hosted, AccessState::Blocked, Some(AccessReason::Autoblock)),
        ["Wait until Exchange is done with it."]
    );
    let blocked = |reason| ways(AccessState::Blocked, Some(reason));
    assert_eq!(
        blocked(AccessReason::Autoblock),
        [
            "Wait until Exchange is done with it.",
            "Reset the block of Exchange's own protection for its owner.",
        ]
    );
    assert_eq!(
        blocked(AccessReason::Policy),
        [
            "Have the phone apply the mailbox policy.",
            "Let clients in by the policy \"Default\" that cannot enforce it.",
        ]
    );
    assert_eq!(blocked(AccessReason::Rule), ["Allow it for its owner."]);
    assert_eq!(ways(AccessState::Discovery, None), ["Wait until Exchange is done with it."]);
    assert!(ways(AccessState::Allowed, Some(AccessReason::Upgrade)).is_empty());
    assert!(blocked(AccessReason::Other).is_empty());
}
