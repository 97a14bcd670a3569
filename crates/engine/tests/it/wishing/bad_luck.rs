//! What can go wrong with a wish, and what is said about it.

use domain::authority::BuiltInRole;

use super::*;

on_both_sides! {
    what_is_wrong_with_a_file_is_said_with_its_line,
    a_policy_name_that_is_taken_is_refused_until_it_is_adopted,
    a_plan_is_refused_when_the_world_has_moved,
    a_failed_read_aborts_the_plan,
    a_write_that_is_refused_in_the_middle_is_shown_and_gone_on_with,
    what_an_apply_made_before_it_failed_is_looked_after,
    a_connection_that_is_cut_after_a_write_repeats_nothing,
    an_exchange_that_goes_away_in_the_middle_is_given_time,
    what_the_account_may_not_do_is_said_by_the_plan,
    who_may_not_change_the_wish_is_refused_everywhere,
}

async fn problems(app: &TestApp, text: &str) -> Vec<String> {
    let planned = plan(app, file(text)).await.unwrap();
    assert_eq!(planned.plan.state, PlanState::Refused, "{text}");
    planned.found.problems.iter().map(ToString::to_string).collect()
}

async fn what_is_wrong_with_a_file_is_said_with_its_line(side: Side) {
    let app = synced(side).await;
    for (text, expected) in [
        (
            "settings:\n  password:\n    required: true\n    minimum_length: 40\n",
            "line 4: minimum_length: \"40\" is not a number from 1 to 16 or none",
        ),
        (
            "settings:\n  security:\n    allow_kamera: true\n",
            "line 3: \"allow_kamera\" is not known here",
        ),
        (
            "access:\n  rules:\n    - os: iOS 6\n      level: block\n    - os: iOS 6\n      level: allow\n",
            "line 5: ",
        ),
        ("access:\n  rules:\n    - model: \"SM-[0-9]\"\n      level: block\n", "line 3: model: "),
        (
            "access:\n  default_level: deny\n",
            "line 2: \"deny\" is not one of allow, block, quarantine",
        ),
        ("connector: fabrikam\n", "line 1: this is the wish of fabrikam, not of lab"),
        (
            "settings:\n  policy:\n    name: Default\n    mailboxes: all\n",
            "line 3: \"Default\" is the default policy",
        ),
        ("settings:\n  password:\n    history: 4\n", "line 2: the group says nothing of required"),
        (
            "access:\n  exemptions:\n    - mailbox: nobody\n      allow: [X]\n",
            "line 3: Exchange has no mailbox \"nobody\"",
        ),
        ("a: [1\n", "line "),
    ] {
        let found = problems(&app, text).await;
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(expected), "{text}: {found:?}");
    }
    let of_cloud = "settings:\n  additional:\n    allow_apple_push: true\n";
    if side.has_push_settings() {
        let planned = plan(&app, file(of_cloud)).await.unwrap();
        assert_eq!(planned.found.problems, []);
    } else {
        let [unknown] = &problems(&app, of_cloud).await[..] else { panic!("one problem") };
        assert!(
            unknown.starts_with("line 3: this Exchange does not know the setting"),
            "{unknown}"
        );
    }
    let two = "access:\n  default_level: deny\n  administrators: [nobody]\n";
    assert_eq!(problems(&app, two).await.len(), 2, "everything is said at once");
}

async fn a_policy_name_that_is_taken_is_refused_until_it_is_adopted(side: Side) {
    let app = synced(side).await;
    app.exchange().console("New-MobileDeviceMailboxPolicy -Name Phones").unwrap();
    let text = "settings:\n  policy:\n    name: phones\n    mailboxes: all\n";
    let found = problems(&app, text).await;
    assert!(found[0].starts_with("line 3: a policy \"phones\" is there"), "{found:?}");
    let adopting = edited(text, &[("mailboxes: all", "mailboxes: all\n    adopt: true")]);
    let planned = plan(&app, file(&adopting)).await.unwrap();
    assert_eq!(planned.plan.state, PlanState::Ready, "{:?}", planned.found);
}

async fn a_plan_is_refused_when_the_world_has_moved(side: Side) {
    let app = synced(side).await;
    let text = "access:\n  default_level: quarantine\n";
    let planned = plan(&app, file(text)).await.unwrap();
    app.exchange().console("Set-ActiveSyncOrganizationSettings -DefaultAccessLevel Block").unwrap();
    let before = everything(&app);
    let refused = apply(&app, planned.plan.id).await;
    assert_eq!(refused.plan.state, PlanState::Refused);
    let note = refused.plan.note.unwrap();
    assert!(note.contains("Exchange has changed since the plan was made"), "{note}");
    assert_eq!(everything(&app), before);
    // Another plan that was applied since is another world, too.
    let (one, other) =
        (plan(&app, file(text)).await.unwrap(), plan(&app, file(text)).await.unwrap());
    assert_eq!(apply(&app, one.plan.id).await.plan.state, PlanState::Applied);
    let error = app.engine().apply_plan(&app.caller(), other.plan.id, None).await.unwrap_err();
    assert!(error.to_string().contains("another wish was applied"), "{error}");
    // And a plan does not keep for ever.
    let old = plan(&app, file("access:\n  default_level: block\n")).await.unwrap();
    app.clock().advance(SignedDuration::from_hours(25));
    let error = app.engine().apply_plan(&app.caller(), old.plan.id, None).await.unwrap_err();
    assert!(error.to_string().contains("older than 24 hours"), "{error}");
}

/// Law 16: what could not be read is not absent.
async fn a_failed_read_aborts_the_plan(side: Side) {
    let app = synced(side).await;
    let text = imported(&app).await;
    app.exchange().faults().denied_cmdlets.insert("Get-ActiveSyncDeviceAccessRule".to_owned());
    let planned = plan(&app, file(&text)).await.unwrap();
    assert_eq!((planned.plan.state, planned.found.changes.len()), (PlanState::Refused, 0));
    assert!(planned.plan.note.unwrap().contains("could not be read, so nothing is planned"));
    let import = app.engine().import_wish(&app.caller(), &app.name(), None).await.unwrap_err();
    assert!(import.to_string().contains("nothing is imported"), "{import}");
}

async fn a_write_that_is_refused_in_the_middle_is_shown_and_gone_on_with(side: Side) {
    let app = synced(side).await;
    let first_day = everything(&app);
    let text = "access:\n  default_level: allow\n  rules:\n    - type: TestPhone\n      \
                level: block\nsettings:\n  security:\n    allow_camera: false\n";
    let planned = plan(&app, file(text)).await.unwrap();
    app.exchange().faults().denied_cmdlets.insert("New-ActiveSyncDeviceAccessRule".to_owned());
    let failed = apply(&app, planned.plan.id).await;
    assert_eq!(failed.plan.state, PlanState::Failed);
    let note = failed.plan.note.unwrap();
    assert!(note.contains("New-ActiveSyncDeviceAccessRule type TestPhone: block"), "{note}");
    assert!(note.contains("1 writes were done before and stay"), "{note}");
    app.exchange().faults().denied_cmdlets.clear();
    let done = apply(&app, planned.plan.id).await;
    assert_eq!(done.plan.state, PlanState::Applied, "{:?}", done.plan.note);
    // The policy was written once.
    assert_eq!(app.exchange().ledger().count("Set-MobileDeviceMailboxPolicy"), 1);
    let back = plan(&app, WishSource::Rollback(None)).await.unwrap();
    assert_eq!(apply(&app, back.plan.id).await.plan.state, PlanState::Applied);
    assert_eq!(everything(&app), first_day);
}

/// What was made before an apply failed is nobody else's: another wish keeps it, or takes it away.
async fn what_an_apply_made_before_it_failed_is_looked_after(side: Side) {
    let app = synced(side).await;
    let first_day = everything(&app);
    let devices = app.devices().await.unwrap();
    let mailbox = devices.iter().find_map(|device| device.owner.mailbox.clone()).unwrap();
    let policy = format!("settings:\n  policy:\n    name: Phones\n    mailboxes: [{mailbox}]\n");
    let text = format!("{policy}access:\n  default_level: block\n  limit_of_flips: 1000\n");
    let planned = plan(&app, file(&text)).await.unwrap();
    let denied = "Set-ActiveSyncOrganizationSettings".to_owned();
    app.exchange().faults().denied_cmdlets.insert(denied);
    let failed = apply(&app, planned.plan.id).await;
    assert_eq!(failed.plan.state, PlanState::Failed, "{:?}", failed.plan.note);
    app.exchange().faults().denied_cmdlets.clear();
    let is_made = || app.exchange().organization().policy_names().any(|name| name == "Phones");
    assert!(is_made());
    let kept = plan(&app, file(&policy)).await.unwrap();
    assert_eq!((kept.plan.state, things(&kept)), (PlanState::Ready, Vec::new()), "{kept:?}");
    applied(&app, "access:\n  limit_of_flips: 5\n").await;
    assert!(!is_made());
    assert_eq!(everything(&app), first_day);
}

async fn a_connection_that_is_cut_after_a_write_repeats_nothing(side: Side) {
    let app = synced(side).await;
    let text = "access:\n  default_level: allow\n  rules:\n    - type: TestPhone\n      \
                level: block\nsettings:\n  security:\n    allow_camera: false\n";
    for cut in 1..=3 {
        let planned = plan(&app, file(text)).await.unwrap();
        let before = app.exchange().ledger().sequence();
        app.exchange().faults().cut_after_write = Some(cut);
        let done = apply(&app, planned.plan.id).await;
        assert_eq!(done.plan.state, PlanState::Applied, "{:?}", done.plan.note);
        for cmdlet in [
            "Set-MobileDeviceMailboxPolicy",
            "New-ActiveSyncDeviceAccessRule",
            "Set-ActiveSyncOrganizationSettings",
        ] {
            assert_eq!(sent_since(&app, before, cmdlet), 1, "{cmdlet}, cut after {cut}");
        }
        let back = plan(&app, WishSource::Rollback(None)).await.unwrap();
        assert_eq!(apply(&app, back.plan.id).await.plan.state, PlanState::Applied);
    }
}

async fn an_exchange_that_goes_away_in_the_middle_is_given_time(side: Side) {
    let app = synced(side).await;
    let text = "access:\n  default_level: allow\n  rules:\n    - type: TestPhone\n      \
                level: block\n";
    let planned = plan(&app, file(text)).await.unwrap();
    app.exchange().faults().off_after_write = Some(1);
    let (before, since) = (app.engine().now(), app.exchange().ledger().sequence());
    let failed = apply(&app, planned.plan.id).await.plan;
    assert_eq!(failed.state, PlanState::Failed, "{:?}", failed.note);
    let waited = app.engine().now().duration_since(before);
    assert!(waited.as_secs() >= 70, "{waited}: {:?}", failed.note);

    app.exchange().faults().offline = false;
    let done = apply(&app, planned.plan.id).await.plan;
    assert_eq!(done.state, PlanState::Applied, "{:?}", done.note);
    for cmdlet in ["New-ActiveSyncDeviceAccessRule", "Set-ActiveSyncOrganizationSettings"] {
        assert_eq!(sent_since(&app, since, cmdlet), 1, "{cmdlet}");
    }
}

async fn what_the_account_may_not_do_is_said_by_the_plan(side: Side) {
    let app = side.connected(20).await.unwrap();
    app.exchange().hide(&["Set-ActiveSyncOrganizationSettings"]).unwrap();
    app.sync().await.unwrap();
    let planned = plan(&app, file("access:\n  default_level: block\n")).await.unwrap();
    assert_eq!(planned.plan.state, PlanState::Refused);
    let what = &planned.found.problems[0].what;
    assert!(what.contains("may not use Set-ActiveSyncOrganizationSettings"), "{what}");
    assert!(what.contains("role-script"), "{what}");
}

async fn who_may_not_change_the_wish_is_refused_everywhere(side: Side) {
    let app = synced(side).await;
    let reader = app.caller_as(BuiltInRole::ReadOnlyAnalyst);
    let engine = app.engine();
    let name = app.name();
    let planned = plan(&app, file("access:\n  default_level: block\n")).await.unwrap();
    let denied = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Denied(_))));
    denied(engine.plan_wish(&reader, &name, file("")).await.map(drop));
    denied(engine.apply_plan(&reader, planned.plan.id, None).await);
    denied(engine.import_wish(&reader, &name, None).await.map(drop));
    denied(engine.check_drift(&reader, &name).await.map(drop));
    assert!(engine.plan_of_wish(&reader, planned.plan.id).await.is_ok(), "but may see it");
}
