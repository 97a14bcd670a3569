//! What a wish says of single mailboxes, whether or not they have a device.

use super::*;

on_both_sides! {
    an_exemption_goes_with_its_line_though_the_mailbox_has_no_device_any_more,
    a_policy_for_all_is_for_all_that_have_a_device_beside_exemptions_too,
    what_was_read_last_is_as_old_as_its_own_part,
}

/// A mailbox that has devices, and their GUIDs.
async fn somebody(app: &TestApp) -> (String, Vec<uuid::Uuid>) {
    let devices = app.devices().await.unwrap();
    let mailbox = devices.iter().find_map(|device| device.owner.mailbox.clone()).unwrap();
    let own = devices.iter().filter(|device| device.owner.mailbox.as_ref() == Some(&mailbox));
    let guids = own.map(|device| device.facts.guid).collect();
    (mailbox, guids)
}

fn loses_its_devices(app: &TestApp, devices: &[uuid::Uuid]) {
    for device in devices {
        let remove = format!("Remove-MobileDevice -Identity {device} -Confirm:$false");
        app.exchange().console(&remove).unwrap();
    }
}

fn allowed(app: &TestApp, mailbox: &str) -> Vec<String> {
    app.exchange().organization().exemptions_of(mailbox).0
}

async fn an_exemption_goes_with_its_line_though_the_mailbox_has_no_device_any_more(side: Side) {
    let app = synced(side).await;
    let (mailbox, devices) = somebody(&app).await;
    let before = allowed(&app, &mailbox);
    let text = format!("access:\n  exemptions:\n    - mailbox: {mailbox}\n      allow: [SPARE1]\n");
    applied(&app, &text).await;
    assert!(allowed(&app, &mailbox).contains(&"SPARE1".to_owned()));
    loses_its_devices(&app, &devices);
    let done = applied(&app, "access:\n  limit_of_flips: 5\n").await;
    assert_eq!(things(&done).len(), 1);
    assert_eq!(allowed(&app, &mailbox), before);
    // Nothing of it is left in care.
    let again = plan(&app, WishSource::Kept(None)).await.unwrap();
    assert_eq!(again.found.changes, []);
}

async fn a_policy_for_all_is_for_all_that_have_a_device_beside_exemptions_too(side: Side) {
    let app = synced(side).await;
    let (mailbox, _) = somebody(&app).await;
    let policy = "settings:\n  policy:\n    name: Phones\n    mailboxes: all\n  security:\n    \
                  allow_camera: false\n";
    let assigned = |planned: &PlannedWish| {
        let things = things(planned).into_iter();
        things.filter(|thing| matches!(thing, Thing::Assignment(_))).count()
    };
    let alone = assigned(&plan(&app, file(policy)).await.unwrap());
    assert!(alone > 10, "{alone}");
    let exemption =
        format!("access:\n  exemptions:\n    - mailbox: {mailbox}\n      allow: [SPARE1]\n");
    let beside = plan(&app, file(&format!("{policy}{exemption}"))).await.unwrap();
    assert_eq!(assigned(&beside), alone);
}

/// Reading the settings does not make the rules look as if they had been read now.
async fn what_was_read_last_is_as_old_as_its_own_part(side: Side) {
    let app = synced(side).await;
    imported(&app).await;
    let known = async || {
        let (engine, caller, name) = (app.engine(), app.caller(), app.name());
        let rules = engine.access_rules(&caller, &name).await.unwrap().unwrap().observed;
        let settings = engine.known_settings(&caller, &name).await.unwrap().unwrap().observed;
        (rules, settings)
    };
    let (rules, settings) = known().await;
    assert_eq!(rules, settings);
    app.clock().advance(SignedDuration::from_mins(10));
    plan(&app, file("settings:\n  security:\n    allow_camera: false\n")).await.unwrap();
    let (rules_now, settings_now) = known().await;
    assert_eq!(rules_now, rules);
    assert!(settings_now > settings, "{settings_now}");
}
