//! What the service does besides answering, most of it to order.

use std::{io::Read as _, time::Duration};

use flate2::read::GzDecoder;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use simulator::HostedHabits;

use super::{command, tell};

const SMALL: &str = "Get-ActiveSyncOrganizationSettings";

#[test]
fn every_third_call_has_to_wait_and_who_does_not_waits_again() {
    tell(1, HostedHabits::default(), |stage| async move {
        stage.faults().hosted.throttle_every = Some(3);
        let ask = || stage.run(SMALL, json!({}));
        assert_eq!(
            (ask().await.status, ask().await.status),
            (200.try_into().unwrap(), 200.try_into().unwrap())
        );
        let refused = ask().await;
        assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "3".into()));
        stage.wait(1);
        let early = ask().await;
        assert_eq!((early.status.as_u16(), early.header("retry-after")), (429, "2".into()));
        stage.wait(2);
        assert_eq!(ask().await.status, 200);
        let hosted = stage.ledger.entries().hosted;
        assert_eq!((hosted.throttled, hosted.too_early), (2, 1));
        assert_eq!(stage.ledger.count(SMALL), 3, "what is refused is not carried out");
    });
}

#[test]
fn the_number_of_calls_in_a_window_counts_down_and_ends() {
    let habits = HostedHabits { rate_limit: 3, ..HostedHabits::default() };
    tell(1, habits, |stage| async move {
        let start = *stage.now.lock().unwrap();
        let mut left = Vec::new();
        for _ in 0..3 {
            let told = stage.run(SMALL, json!({})).await;
            left.push(told.header("rate-limit-remaining"));
            let reset: Timestamp = told.header("rate-limit-reset").parse().unwrap();
            assert_eq!(reset, start + SignedDuration::from_secs(16));
            assert_eq!(told.header("x-concurrencycount"), "1");
        }
        assert_eq!(left, ["2", "1", "0"]);
        stage.wait(4);
        let refused = stage.run(SMALL, json!({})).await;
        assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "12".into()));
        stage.wait(12);
        let told = stage.run(SMALL, json!({})).await;
        assert_eq!((told.status.as_u16(), told.header("rate-limit-remaining")), (200, "2".into()));
    });
}

#[test]
fn what_passes_by_itself_says_so_in_one_way_or_the_other() {
    tell(1, HostedHabits::default(), |stage| async move {
        stage.faults().hosted.unavailable_every = Some(2);
        assert_eq!(stage.run(SMALL, json!({})).await.status, 200);
        assert_eq!(stage.run(SMALL, json!({})).await.status, 503);
        stage.faults().hosted.unavailable_every = None;
        stage.faults().hosted.transient_every = Some(1);
        let told = stage.run(SMALL, json!({})).await;
        assert_eq!(told.status, 400);
        assert_eq!(told.json()["error"]["code"], "ServerBusyException");
    });
}

#[test]
fn a_link_ends_and_wants_the_same_question() {
    tell(5, HostedHabits::default(), |stage| async move {
        let body = command("Get-MobileDevice", json!({"ResultSize": "Unlimited"}));
        let small = [("prefer", "odata.maxpagesize=2")];
        let first = stage.post(&stage.command_url(), &body, &small).await;
        let link = first.json()["@odata.nextLink"].as_str().unwrap().to_owned();
        let other = command("Get-MobileDevice", json!({}));
        assert_eq!(stage.post(&link, &other, &small).await.status, 400);
        let get = stage.client.get(&link).bearer_auth(&stage.token).send().await.unwrap();
        assert_eq!(get.status(), 405);
        stage.wait(299);
        let second = stage.post(&link, &body, &small).await;
        let again = stage.post(&link, &body, &small).await;
        assert_eq!(second.values(), again.values(), "a page can be asked for twice");
        stage.wait(300);
        let late = second.json()["@odata.nextLink"].as_str().unwrap().to_owned();
        let late = stage.post(&late, &body, &small).await;
        assert!(late.status == 400 && late.detail().contains("expired"), "{}", late.detail());
        stage.faults().hosted.expired_link = Some(1);
        let first = stage.post(&stage.command_url(), &body, &small).await;
        let link = first.json()["@odata.nextLink"].as_str().unwrap().to_owned();
        assert_eq!(stage.post(&link, &body, &small).await.status, 400);
        assert_eq!(stage.post(&link, &body, &small).await.status, 200);
        assert_eq!(stage.ledger.entries().hosted.refused_links, 3);
    });
}

#[test]
fn a_regional_host_wants_bearer_and_cookie() {
    tell(5, HostedHabits::default(), |stage| async move {
        stage.faults().hosted.redirect = true;
        let body = command(SMALL, json!({}));
        let sent = stage.post(&stage.command_url(), &body, &[]).await;
        assert_eq!(sent.status, 302);
        let place = sent.header("location");
        assert!(place.starts_with("https://localhost:"), "{place}");
        assert_eq!(stage.post(&place, &body, &[]).await.status, 400);
        let cookie = sent.header("set-cookie");
        let cookie = [("cookie", cookie.split(';').next().unwrap())];
        assert_eq!(stage.post(&place, &body, &cookie).await.status, 200);
        let bare = stage.client.post(&place).header(cookie[0].0, cookie[0].1).send().await.unwrap();
        assert_eq!(bare.status(), 401);
        stage.faults().hosted.affinity = true;
        let body = command("Get-MobileDevice", json!({"ResultSize": "Unlimited"}));
        let headers = [cookie[0], ("prefer", "odata.maxpagesize=2")];
        let first = stage.post(&place, &body, &headers).await;
        let link = first.json()["@odata.nextLink"].as_str().unwrap().to_owned();
        assert!(link.starts_with("https://localhost:"), "{link}");
        let lost = [("cookie", "exchangecookie=other")];
        assert_eq!(stage.post(&link, &body, &lost).await.status, 400);
        assert_eq!(stage.post(&link, &body, &headers).await.status, 200);
    });
}

#[test]
fn a_change_is_carried_out_and_nobody_is_told() {
    tell(1, HostedHabits::default(), |stage| async move {
        stage.faults().cut_after_write = Some(1);
        let set = json!({"Identity": "Default", "AllowCamera": false});
        let body = command("Set-MobileDeviceMailboxPolicy", set);
        let request = stage.client.post(stage.command_url()).bearer_auth(&stage.token);
        assert!(request.body(body.to_string()).send().await.is_err());
        let texts = stage.organization().policy_texts("Default").unwrap();
        assert_eq!(texts["AllowCamera"], "False");
    });
}

#[test]
fn what_was_made_is_not_there_yet() {
    tell(1, HostedHabits::default(), |stage| async move {
        stage.faults().hosted.not_there_yet_seconds = Some(90);
        let new =
            json!({"AccessLevel": "Block", "Characteristic": "DeviceOS", "QueryString": "iOS 15"});
        let made = stage.run("New-ActiveSyncDeviceAccessRule", new).await;
        assert_eq!(made.status, 200);
        let rules = || stage.run("Get-ActiveSyncDeviceAccessRule", json!({}));
        let one = || {
            let named = json!({"Identity": "iOS 15 (DeviceOS)"});
            stage.run("Get-ActiveSyncDeviceAccessRule", named)
        };
        let before = rules().await.values().len();
        assert_eq!(one().await.status, 404);
        stage.wait(90);
        assert_eq!(rules().await.values().len(), before + 1);
        assert_eq!(one().await.values().len(), 1);
    });
}

#[test]
fn a_delay_says_so_and_a_missing_role_as_well() {
    tell(1, HostedHabits::default(), |stage| async move {
        stage.faults().hosted.micro_delay = Some(Duration::from_millis(1));
        let told = stage.run(SMALL, json!({})).await.json();
        let warning = told["@adminapi.warnings"][0].as_str().unwrap();
        assert!(warning.starts_with("Micro delay applied. Actual delayed: 1 msecs"), "{warning}");
        stage.faults().hosted.role_missing = true;
        let refused = stage.run(SMALL, json!({})).await;
        assert!(refused.status == 403 && refused.detail().contains("isn't supported"));
        stage.faults().hosted.role_missing = false;
        stage.faults().denied_cmdlets.insert(SMALL.to_owned());
        assert_eq!(stage.run(SMALL, json!({})).await.header("content-encoding"), "gzip");
    });
}

#[test]
fn answers_are_packed_for_whoever_unpacks_them() {
    tell(30, HostedHabits::default(), |stage| async move {
        let body = command("Get-MobileDevice", json!({"ResultSize": "Unlimited"}));
        let plain = stage.post(&stage.command_url(), &body, &[]).await;
        assert_eq!(plain.header("content-encoding"), "");
        let takes = [("accept-encoding", "gzip")];
        let packed = stage.post(&stage.command_url(), &body, &takes).await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert!(packed.body.len() * 5 < plain.body.len(), "{}", packed.body.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
        // What is labelled falsely stays as it is.
        stage.faults().denied_cmdlets.insert(SMALL.to_owned());
        let refused = stage.post(&stage.command_url(), &command(SMALL, json!({})), &takes).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("content-encoding")),
            (403, "gzip".into())
        );
        assert!(refused.body.iter().all(|byte| *byte == 0));
        assert_eq!(stage.ledger.entries().hosted.packed, 1);
    });
}

#[test]
fn phones_that_are_too_old_are_not_let_in() {
    tell(2_000, HostedHabits::default(), |stage| async move {
        let old = |version: Option<&str>| version != Some("16.1");
        let later = {
            let mut organization = stage.organization();
            let later = organization.now() + SignedDuration::from_hours(1);
            organization.advance(later);
            organization.sync_all();
            later
        };
        let organization = stage.organization();
        let refused_since: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let mut met = 0;
        for one in organization.partnerships() {
            let is_eas = one.facts.client_type.as_deref() == Some("EAS");
            if is_eas && old(one.facts.client_version.as_deref()) {
                met += 1;
                assert!(one.statistics.last_sync_attempt < Some(refused_since), "{one:?}");
            } else {
                assert_eq!(one.statistics.last_sync_attempt, Some(later));
            }
        }
        assert!(met > 100, "{met} old phones");
    });
}
