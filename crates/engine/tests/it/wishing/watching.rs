//! What happens by itself while a wish holds.

use domain::status_message::Event;
use engine::Drift;

use super::*;
use crate::living::Ready as _;

on_both_sides! {
    drift_is_noticed_on_schedule_and_told_with_the_name_of_who_wrote_it,
    settings_are_put_right_by_themselves_where_somebody_wrote_so,
    patterns_follow_the_values_that_appear,
}

async fn watched(side: Side, devices: usize, text: &str) -> TestApp {
    let app = side.supervised(devices).await_ready().await;
    applied(&app, text).await;
    // A look that is under way while time is skipped loses its session, and is tried again later
    // than anybody here moves the clock.
    app.eventually("the first look", async || {
        Ok(app.engine().drift(&app.caller(), &app.name()).await?)
    })
    .await
    .unwrap();
    app.at_rest().await.unwrap();
    app
}

/// Time passes here and over there until Exchange has been looked at again.
async fn looked_at_again(app: &TestApp) -> Drift {
    let known = async || app.engine().drift(&app.caller(), &app.name()).await;
    let before = known().await.unwrap().map(|drift| drift.checked);
    app.clock().advance(SignedDuration::from_mins(61));
    app.exchange().skip_to(app.clock().now());
    let look = app.eventually("a look", async || {
        Ok(known().await?.filter(|drift| Some(drift.checked) > before))
    });
    let drift = look.await.unwrap();
    // What it found is known before it gives its session back.
    app.at_rest().await.unwrap();
    drift
}

/// Waits until it was told so often that something drifted, and that it was over.
async fn told(app: &TestApp, drifted: usize, ended: usize) {
    let (connector, scope) = (app.connector().await.unwrap(), app.scope().unwrap());
    app.eventually("a word of drift and of its end", async || {
        let messages = app.engine().store().status_messages(&scope, connector.id, 100).await?;
        let of = |event| messages.iter().filter(|message| message.event == event).count();
        Ok(((of(Event::Drifted), of(Event::DriftEnded)) == (drifted, ended)).then_some(()))
    })
    .await
    .unwrap();
}

async fn drift_is_noticed_on_schedule_and_told_with_the_name_of_who_wrote_it(side: Side) {
    let text = "settings:\n  security:\n    allow_camera: false\n";
    let app = watched(side, 20, text).await;
    assert_eq!(looked_at_again(&app).await.drifted, []);
    app.exchange()
        .console("Set-MobileDeviceMailboxPolicy -Identity Default -AllowCamera $true")
        .unwrap();
    let drift = looked_at_again(&app).await;
    let [one] = &drift.drifted[..] else { panic!("{drift:?}") };
    let writer = one.writer.as_deref().map(str::to_lowercase);
    assert_eq!(writer.is_some_and(|who| who.contains("administrator")), side.names_writers());
    // It is told once, and so is its end.
    assert_eq!(looked_at_again(&app).await.drifted.len(), 1);
    app.exchange()
        .console("Set-MobileDeviceMailboxPolicy -Identity Default -AllowCamera $false")
        .unwrap();
    assert_eq!(looked_at_again(&app).await.drifted, []);
    told(&app, 1, 1).await;
}

async fn settings_are_put_right_by_themselves_where_somebody_wrote_so(side: Side) {
    let text = "settings:\n  correct_drift: true\n  security:\n    allow_camera: false\n";
    let app = watched(side, 20, text).await;
    app.exchange()
        .console("Set-MobileDeviceMailboxPolicy -Identity Default -AllowCamera $true")
        .unwrap();
    looked_at_again(&app).await;
    let policy = || app.exchange().organization().policy_texts("Default").unwrap();
    app.eventually("its correction", async || {
        Ok((policy()["AllowCamera"] == "False").then_some(()))
    })
    .await
    .unwrap();
    told(&app, 1, 1).await;
    let plans = app.engine().plans_of_wish(&app.caller(), &app.name(), 10).await.unwrap();
    assert_eq!(plans[0].person_name, "Gatepost");
}

/// Patterns are kept current: a version that nobody had before is named by a rule soon after it was
/// seen, and nobody has to ask.
async fn patterns_follow_the_values_that_appear(side: Side) {
    let text = "access:\n  limit_of_flips: 1000\n  rules:\n    - os: \"Android < 99\"\n      \
                level: block\n";
    let app = watched(side, 12, text).await;
    let rules = || -> Vec<String> {
        let rules = app.exchange().organization().rule_texts();
        rules.into_iter().map(|(_, value, _)| value).filter(|os| os.starts_with("And")).collect()
    };
    let before = rules();
    let known = ["Android 5.1", "Android 10", "Android 14", "Android 15"];
    let new = known.into_iter().find(|version| {
        !before.contains(&(*version).to_owned())
            && app.exchange().organization().add_device_of(version).is_some()
    });
    let new = new.unwrap().to_owned();
    app.sync().await.unwrap();
    app.at_rest().await.unwrap();
    app.clock().advance(SignedDuration::from_mins(61));
    app.exchange().skip_to(app.clock().now());
    app.eventually("a rule", async || Ok(rules().contains(&new).then_some(()))).await.unwrap();
    assert_eq!(rules().len(), before.len() + 1);
}
