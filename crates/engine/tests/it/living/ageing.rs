//! Devices that do nothing for long.

use domain::status_message::Event;
use jiff::SignedDuration;
use testkit::Side;

use super::{Ready as _, change, events, pass_time};

on_both_sides! {
    devices_that_do_nothing_for_long_leave_and_come_back,
    aged_partnerships_are_removed_in_exchange_only_if_that_is_switched_on,
    aged_partnerships_are_removed_in_real_time_too,
}

async fn devices_that_do_nothing_for_long_leave_and_come_back(side: Side) {
    let app = side.connected(60).await.unwrap();
    app.sync().await.unwrap();
    let (caller, name) = (app.caller(), app.name());
    let refused = app.engine().age_now(&caller, &name).await.unwrap_err();
    assert!(refused.to_string().contains("number of days"), "{refused}");
    let mut aged = change(app.connector().await.unwrap());
    aged.options.discovery.inactive_days = Some(30);
    app.engine().change_connector(&caller, &name, aged).await.unwrap();
    pass_time(&app, SignedDuration::from_hours(24 * 31));
    let preview = app.engine().preview_ageing(&caller, &name).await.unwrap();
    assert_eq!((preview.inactive_days, preview.have_left), (Some(30), 0));
    assert!(preview.would_leave > 0);
    assert_eq!(app.engine().age_now(&caller, &name).await.unwrap(), preview.would_leave);
    assert_eq!(app.devices().await.unwrap().len() as u64, 60 - preview.would_leave);
    let removed =
        app.exchange().ledger().entries().counts.keys().any(|name| name.contains("Remove"));
    assert!(!removed, "nothing changed in Exchange");

    let back = app.exchange().organization().sync_all() as u64;
    app.sync().await.unwrap();
    assert!(back > 0 && app.devices().await.unwrap().len() as u64 >= back);
    let preview = app.engine().preview_ageing(&caller, &name).await.unwrap();
    assert!(preview.have_left <= 60 - back, "{preview:?}");
}

/// Only where somebody switched it on, and only what is still inactive when it is looked at again.
async fn aged_partnerships_are_removed_in_exchange_only_if_that_is_switched_on(side: Side) {
    let app = side.connected(60).await.unwrap();
    app.sync().await.unwrap();
    let (caller, name) = (app.caller(), app.name());
    let mut aged = change(app.connector().await.unwrap());
    aged.options.discovery.inactive_days = Some(30);
    aged.options.removes_aged_partnerships = true;
    app.engine().change_connector(&caller, &name, aged).await.unwrap();
    pass_time(&app, SignedDuration::from_hours(24 * 31));
    let preview = app.engine().preview_ageing(&caller, &name).await.unwrap();
    let back = app.exchange().organization().sync_all() as u64;
    assert!(back > 0 && back < 60 && preview.would_leave > 60 - back);
    assert_eq!(app.engine().age_now(&caller, &name).await.unwrap(), preview.would_leave);
    let left = app.exchange().organization().device_count() as u64;
    assert!(left >= back, "{left} of 60 are left, {back} had come back");
    assert!(left < 60);
    let asked = app.exchange().ledger().entries();
    let removals = asked.cmdlets.iter().filter(|one| one.name == "Remove-MobileDevice");
    for removal in removals {
        assert_eq!(removal.parameter("Confirm"), Some("false"), "{removal:?}");
        assert!(removal.parameter("Identity").is_some());
    }
    let told = events(&app, &app.connector().await.unwrap()).await;
    let of = |event| told.iter().filter(|told| **told == event).count() as u64;
    assert_eq!(of(Event::RemovingPartnership), 60 - left);
    assert_eq!(of(Event::PartnershipRemoved), 60 - left);
}

/// A clock that stands still hides what one that goes on shows: when a device was read again is not now.
async fn aged_partnerships_are_removed_in_real_time_too(side: Side) {
    let app = side.supervised_in_real_time(40).await_ready().await;
    let (caller, name) = (app.caller(), app.name());
    let mut aged = change(app.connector().await.unwrap());
    aged.options.discovery.inactive_days = Some(3);
    aged.options.removes_aged_partnerships = true;
    app.engine().change_connector(&caller, &name, aged).await.unwrap();
    let left = app.engine().age_now(&caller, &name).await.unwrap();
    assert!(left > 0);
    assert_eq!(app.exchange().organization().device_count() as u64, 40 - left);
}
