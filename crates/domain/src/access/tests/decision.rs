use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{PHONE, PLAIN, any_level, any_rules, any_standing, on_premises, rule, rules};
use crate::access::decision::{Outcome, StepKind};
use crate::access::{
    AccessLevel, AccessRule, Change, Described, Explanation, Hosting, Known, Missing, Standing,
    explain,
};
use crate::{AccessReason, AccessState};

/// `blocked rule block-rules: block os iOS 15.4`, the short form of a decision.
fn short(explanation: &Explanation) -> String {
    let decision = &explanation.decision;
    let reason = decision.reason.map_or("no reason", AccessReason::word);
    let rule = decision.rule.as_ref().map_or_else(String::new, |rule| {
        format!(": {} {} {}", rule.level, rule.characteristic, rule.value)
    });
    format!("{} {reason} {}{rule}", decision.state, explanation.deciding_step().kind)
}

#[test]
fn the_first_step_that_decides_ends_it() {
    let off = Standing { active_sync_enabled: Some(false), ..PLAIN };
    let unfit = Standing { lets_unable_in: Some(false), satisfies_policy: Some(false), ..PLAIN };
    let fit = Standing { satisfies_policy: Some(true), ..unfit };
    let allowed = Standing { in_allowed_list: Some(true), ..PLAIN };
    let both = Standing { in_blocked_list: Some(true), ..allowed };
    let android = ["block type Android"];
    let shadowed = ["allow model iPhone14C5", "quarantine type IPHONE", "block os ios 15.4 19e241"];
    let check = |standing, texts: &[&str], default, expected: &str| {
        let rules = rules(texts);
        let explanation = explain(PHONE, standing, on_premises(&rules, default));
        assert_eq!(short(&explanation), expected, "{standing:?} {texts:?}");
        assert!(explanation.is_certain());
    };
    use AccessLevel::{Allow, Block, Quarantine};
    check(off, &[], Allow, "blocked no reason activesync");
    check(unfit, &["allow type iPhone"], Allow, "blocked policy mailbox-policy");
    check(fit, &["allow type iPhone"], Block, "allowed rule allow-rules: allow type iPhone");
    check(both, &["allow type iPhone"], Allow, "blocked individual personal-block");
    check(allowed, &shadowed, Block, "allowed individual personal-allow");
    check(PLAIN, &shadowed, Allow, "blocked rule block-rules: block os ios 15.4 19e241");
    check(
        PLAIN,
        &shadowed[..2],
        Allow,
        "quarantined rule quarantine-rules: quarantine type IPHONE",
    );
    check(PLAIN, &shadowed[..1], Block, "allowed rule allow-rules: allow model iPhone14C5");
    check(PLAIN, &android, Quarantine, "quarantined global default-level");
    // Exchange compares exactly: a part of the value names nothing.
    check(PLAIN, &["block os iOS 15.4"], Allow, "allowed global default-level");
}

#[test]
fn every_step_tells_what_it_found() {
    let rules = rules(&["allow model iPhone14C5", "quarantine type iPhone", "block type Android"]);
    let explanation = explain(PHONE, PLAIN, on_premises(&rules, AccessLevel::Block));
    let told: Vec<String> = explanation
        .steps
        .iter()
        .map(|step| format!("{} | {} | {}", step.kind.title(), step.outcome, step.detail()))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    Signed in | passed | Taken as done: Exchange looks at a device only after its owner signed in.
    ActiveSync for the mailbox | passed | ActiveSync is on for the mailbox.
    Mailbox policy | passed | The policy "Default" lets clients in that cannot enforce it.
    Blocked list of the mailbox | passed | The blocked list of the mailbox does not name it.
    Allowed list of the mailbox | passed | The allowed list of the mailbox does not name it.
    Block rules | passed | No block rule names it.
    Quarantine rules | decided | The rule "iPhone" (type) quarantines it.
    Allow rules | not-reached | Not reached: the rule "iPhone14C5" (model) would allow it.
    Default access level | not-reached | Not reached.
    "#);
    assert_eq!(explanation.step(StepKind::AllowRules).matching, [rule("allow model iPhone14C5")]);
}

#[test]
fn what_nobody_knows_is_said() {
    let nobody = Standing::default();
    let explanation = explain(
        PHONE,
        nobody,
        Known { default_level: None, ..on_premises(&[], AccessLevel::Allow) },
    );
    assert_eq!(short(&explanation), "unknown no reason default-level");
    assert!(!explanation.is_certain());
    let not_known = |kind| explanation.step(kind).outcome == Outcome::NotKnown;
    assert!(not_known(StepKind::ActiveSync) && not_known(StepKind::PersonalBlock));
    assert!(not_known(StepKind::MailboxPolicy) && not_known(StepKind::DefaultLevel));

    // Whoever describes a phone by its type alone cannot be told what a rule about the model does.
    let rules = rules(&["block model iPhone14C5", "block xmswl_header 1"]);
    let known = on_premises(&rules, AccessLevel::Allow);
    let described = Described { device_type: Some("iPhone"), ..Described::default() };
    let said = Described { missing: Missing::NotSaid, ..described };
    let explanation = explain(said, PLAIN, known);
    assert_eq!(short(&explanation), "allowed global default-level");
    let step = explanation.step(StepKind::BlockRules);
    assert_eq!((step.outcome, step.not_compared), (Outcome::NotKnown, 2));
    // A phone that reports no model cannot be named by it; the header makes nothing doubtful.
    let explanation = explain(described, PLAIN, known);
    assert!(explanation.is_certain());
    assert_eq!(explanation.step(StepKind::BlockRules).not_compared, 1);
    let with_header = Described { windows_live_header: Some("1"), ..described };
    let short = short(&explain(with_header, PLAIN, known));
    assert_eq!(short, "blocked rule block-rules: block xmswl_header 1");
}

#[test]
fn the_lists_of_a_mailbox_name_a_device_in_any_case() {
    let ids = |id: &str| vec![id.to_owned()];
    let standing = |allowed: &[String], blocked: &[String]| {
        let standing = PLAIN.with_lists(PHONE.device_id, allowed, blocked);
        short(&explain(PHONE, standing, on_premises(&[], AccessLevel::Quarantine)))
    };
    assert_eq!(standing(&ids("applf17lttcgffg8"), &[]), "allowed individual personal-allow");
    assert_eq!(standing(&[], &ids("APPLF17LTTCGFFG8")), "blocked individual personal-block");
    assert_eq!(
        standing(&ids("Appl"), &ids("ApplF17LTTCGFFG88")),
        "quarantined global default-level"
    );
    let nameless = PLAIN.with_lists(None, &ids(""), &ids("A"));
    assert_eq!((nameless.in_allowed_list, nameless.in_blocked_list), (Some(false), Some(false)));
}

#[test]
fn what_the_decision_cannot_promise_is_said() {
    let caveats = |standing, hosting| {
        let known = Known { hosting, ..on_premises(&[], AccessLevel::Allow) };
        explain(PHONE, standing, known).caveats().len()
    };
    let exempt = Standing { in_allowed_list: Some(true), ..PLAIN };
    assert_eq!(caveats(exempt, Hosting::OnPremises), 0);
    assert_eq!(caveats(PLAIN, Hosting::OnPremises), 1);
    assert_eq!(caveats(exempt, Hosting::Hosted), 1);
    assert_eq!(caveats(PLAIN, Hosting::Hosted), 2);
}

#[test]
fn the_smallest_change_stands_first() {
    let check = |standing: Standing<'_>, texts: &[&str], default, expected: &[&str]| {
        let rules = rules(texts);
        let explanation = explain(PHONE, standing, on_premises(&rules, default));
        let remedies = explanation.remedies(None);
        let told: Vec<String> = remedies.iter().map(|it| it.sentence(Some("Jane Doe"))).collect();
        assert_eq!(told, expected, "{standing:?} {texts:?}");
    };
    use AccessLevel::{Allow, Quarantine};
    let off = Standing { active_sync_enabled: Some(false), ..PLAIN };
    let unfit = Standing { lets_unable_in: Some(false), satisfies_policy: Some(false), ..PLAIN };
    let blocked = Standing { in_blocked_list: Some(true), ..PLAIN };
    check(PLAIN, &[], Allow, &[]);
    check(
        PLAIN,
        &[],
        Quarantine,
        &[
            "Allow it for Jane Doe.",
            "Write the rule \"iPhone14C5\" (model) to allow.",
            "Set the default level to allow.",
        ],
    );
    // An exemption alone would do, but for a block rule no other rule would.
    check(
        PLAIN,
        &["block type iPhone", "quarantine model iPhone14C5"],
        Allow,
        &[
            "Allow it for Jane Doe.",
            "Change the rules \"iPhone\" (type) and \"iPhone14C5\" (model) to allow.",
        ],
    );
    check(
        blocked,
        &[],
        Allow,
        &["Take it off the blocked list of Jane Doe.", "Allow it for Jane Doe."],
    );
    check(blocked, &["block type iPhone"], Allow, &["Allow it for Jane Doe."]);
    check(off, &[], Allow, &["Switch ActiveSync on for the mailbox of Jane Doe."]);
    check(
        unfit,
        &["block type iPhone"],
        Allow,
        &[
            "Have the phone apply the mailbox policy, and allow it for Jane Doe.",
            "Have the phone apply the mailbox policy, and change the rule \"iPhone\" (type) to allow.",
            "Let clients in by the policy \"Default\" that cannot enforce it, and allow it for Jane Doe.",
            "Let clients in by the policy \"Default\" that cannot enforce it, and change the rule \
         \"iPhone\" (type) to allow.",
        ],
    );
}

proptest! {
    #[test]
    fn the_order_of_rules_does_not_matter(
        rules in any_rules(),
        standing in any_standing(),
        default in any_level(),
        turn in 0..8_usize,
    ) {
        let explanation = explain(PHONE, standing, on_premises(&rules, default));
        let mut turned = rules;
        let by = turn.min(turned.len());
        turned.rotate_left(by);
        turned.reverse();
        let again = explain(PHONE, standing, on_premises(&turned, default));
        prop_assert_eq!(again, explanation);
    }

    #[test]
    fn lists_go_before_rules_and_the_blocked_list_before_the_allowed(
        rules in any_rules(),
        default in any_level(),
        allowed in any::<bool>(),
    ) {
        let blocked = Standing { in_blocked_list: Some(true), in_allowed_list: Some(allowed), ..PLAIN };
        let state = |standing| explain(PHONE, standing, on_premises(&rules, default)).decision;
        prop_assert_eq!(state(blocked).state, AccessState::Blocked);
        let allowed = Standing { in_allowed_list: Some(true), ..PLAIN };
        prop_assert_eq!(state(allowed).state, AccessState::Allowed);
        prop_assert_eq!(state(allowed).reason, Some(AccessReason::Individual));
        let strongest = rules.iter().filter(|rule| rule.matches(&PHONE)).map(|it| it.level);
        let strongest = strongest.min_by_key(|level| level.rank()).unwrap_or(default);
        prop_assert_eq!(state(PLAIN).state, strongest.state());
    }

    /// Every way that is named leads in, whatever stands in it.
    #[test]
    fn a_remedy_lets_the_device_in(
        rules in any_rules(),
        standing in any_standing(),
        default in any_level(),
    ) {
        let explanation = explain(PHONE, standing, on_premises(&rules, default));
        let remedies = explanation.remedies(None);
        prop_assert_eq!(remedies.is_empty(), explanation.decision.state == AccessState::Allowed);
        for remedy in remedies {
            let (mut rules, mut standing, mut default) = (rules.clone(), standing, default);
            for change in &remedy.changes {
                apply(change, &mut rules, &mut standing, &mut default);
            }
            let after = explain(PHONE, standing, on_premises(&rules, default));
            prop_assert!(after.decision.state == AccessState::Allowed, "{remedy:?} {after:?}");
        }
    }
}

fn apply(
    change: &Change,
    rules: &mut Vec<AccessRule>,
    standing: &mut Standing<'_>,
    default: &mut AccessLevel,
) {
    match change {
        Change::Wait | Change::ResetAutoblock => {}
        Change::ApplyPolicy => standing.satisfies_policy = Some(true),
        Change::Unblock => standing.in_blocked_list = Some(false),
        Change::AllowPersonally => {
            (standing.in_blocked_list, standing.in_allowed_list) = (Some(false), Some(true));
        }
        Change::EnableActiveSync => standing.active_sync_enabled = Some(true),
        Change::WriteRule(rule) => rules.push(rule.clone()),
        Change::AllowByRules(those) => {
            for rule in rules.iter_mut().filter(|rule| those.contains(rule)) {
                rule.level = AccessLevel::Allow;
            }
        }
        Change::LetUnableIn { .. } => standing.lets_unable_in = Some(true),
        Change::AllowByDefault => *default = AccessLevel::Allow,
    }
}
