//! What comes between a call and its answer: redirects, pauses, failures that pass.

use std::sync::{Arc, Mutex};

use super::*;

#[tokio::test]
async fn a_redirect_is_followed_and_kept_with_its_cookies() {
    let answering = |asked: &Asked| {
        let is_moved = asked.header("host").starts_with("localhost");
        let port = asked.header("host").rsplit(':').next()?.to_owned();
        is_call(asked).then(|| match is_moved {
            true => Told::new(200, &page(&[device(1)])),
            false => Told::new(302, &json!({}))
                .with("location", format!("https://localhost:{port}{}", asked.path))
                .with("set-cookie", "affinity=a1; path=/; secure"),
        })
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(ids(&all(&mut session, list()).await.unwrap()), ["D1"]);
        }
        let asked = lab.asked_of("InvokeCommand");
        assert_eq!(asked.len(), 3, "the place is kept");
        for moved in &asked[1..] {
            assert!(moved.header("authorization").starts_with("Bearer "));
            assert_eq!(moved.header("cookie"), "affinity=a1");
            assert!(moved.body.contains("Get-MobileDevice"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_place_that_is_gone_is_left() {
    let calls = AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        is_call(asked).then(|| match calls.fetch_add(1, SeqCst) {
            // Nothing listens there.
            0 => Told::new(307, &json!({})).with("location", "https://localhost:1/x"),
            _ => Told::new(200, &page(&[device(1)])),
        })
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        assert_eq!(ids(&all(&mut session, list()).await.unwrap()), ["D1"]);
    })
    .await;
}

#[tokio::test]
async fn a_bearer_goes_nowhere_else() {
    let answering = |asked: &Asked| {
        let told = Told::new(307, &json!({})).with("location", "https://evil.example/steal");
        is_call(asked).then_some(told)
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        let error = all(&mut session, list()).await.unwrap_err();
        assert!(error.to_string().contains("evil.example"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn reads_wait_as_long_as_they_are_told_and_say_so() {
    let calls = AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        is_call(asked).then(|| match calls.fetch_add(1, SeqCst) {
            0 => Told::new(429, &json!({})).with("retry-after", "7"),
            1 => Told::new(503, &json!({})),
            2 => Told::new(400, &json!({"error": {"code": "CmdletProxyNotAvailableFailure"}})),
            3 => Told::cut(),
            _ => Told::new(200, &page(&[device(1)]))
                .with("rate-limit-limit", "30000")
                .with("rate-limit-remaining", "29997")
                .with("rate-limit-reset", "2026-11-21T07:01:16Z")
                .with("date", "Sat, 21 Nov 2026 07:01:00 GMT"),
        })
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        let replies = all(&mut session, list()).await.unwrap();
        assert_eq!(ids(&replies), ["D1"]);
        assert_eq!(lab.clock.waits(), [7, 1, 2, 1]);
        let notices: Vec<&Notice> = replies
            .iter()
            .filter_map(|reply| match reply {
                Reply::Notice(notice) => Some(notice),
                _ => None,
            })
            .collect();
        let limit = Some(crate::CmdletLimit { cmdlets: 30_000, seconds: 16 });
        let balance = Some(29_997);
        assert_eq!(
            notices,
            [
                &Notice::MicroDelay { millis: 0, balance, limit },
                &Notice::Waited { millis: 11_000, refusals: 1 },
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_service_that_never_lets_us_in_is_given_up() {
    let answering = |asked: &Asked| {
        is_call(asked).then(|| Told::new(429, &json!({})).with("retry-after", "250"))
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        let error = all(&mut session, list()).await.unwrap_err();
        assert!(matches!(error, Error::Throttled { .. }), "{error}");
        assert_eq!(lab.clock.waits().iter().sum::<u64>(), 500);
    })
    .await;
}

#[tokio::test]
async fn a_pause_is_kept_by_every_session() {
    let calls = AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        is_call(asked).then(|| match calls.fetch_add(1, SeqCst) {
            0 => Told::new(200, &page(&[]))
                .with("rate-limit-limit", "10")
                .with("rate-limit-remaining", "0")
                .with("rate-limit-reset", "2026-11-21T07:00:09Z")
                .with("date", "Sat, 21 Nov 2026 07:00:00 GMT"),
            _ => Told::new(200, &page(&[device(1)])),
        })
    };
    lab::with(answering, |lab| async move {
        let settings = lab.settings();
        let mut first = AdminApi::connect(&settings, &secret()).await.unwrap();
        let mut second = AdminApi::connect(&settings, &secret()).await.unwrap();
        assert_eq!(lab.asked_of("/token").len(), 1, "they share a token");
        all(&mut first, list()).await.unwrap();
        all(&mut second, list()).await.unwrap();
        assert_eq!(lab.clock.waits(), [9]);
    })
    .await;
}

fn statistics(devices: usize) -> Pipeline {
    let input = (0..devices).map(|n| Uuid::from_u128(u128::try_from(n).unwrap()).to_string());
    Pipeline { cmdlets: vec![Cmdlet::new("Get-MobileDeviceStatistics")], input: input.collect() }
}

/// What a batch is answered with; of each part, what `told` says.
fn batch(
    asked: &Asked,
    told: impl Fn(usize) -> serde_json::Value,
) -> Option<(Vec<usize>, serde_json::Value)> {
    let body = asked.json();
    let requests = body["requests"].as_array()?;
    let (mut numbers, mut responses) = (Vec::new(), Vec::new());
    for request in requests {
        let input = request["body"]["CmdletInput"]["Parameters"]["Identity"].as_str()?;
        let number = usize::try_from(Uuid::parse_str(input).ok()?.as_u128()).ok()?;
        let mut response = told(number);
        response["id"] = request["id"].clone();
        numbers.push(number);
        responses.push(response);
    }
    Some((numbers, json!({ "responses": responses })))
}

/// Where a part says neither that it was refused by its status nor how long to wait, the error says
/// the one, and the answer to the whole batch the other.
#[tokio::test]
async fn of_a_batch_only_what_was_refused_is_asked_for_again() {
    let refused = json!({"body": {"error": {"code": "TooManyRequests"}}});
    for (header, waits) in [(Some("6"), [6]), (None, [10])] {
        let (refused, batches) = (refused.clone(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&batches);
        let answering = move |asked: &Asked| {
            let is_first = kept.lock().unwrap().is_empty();
            let (numbers, body) = batch(asked, |number| match number {
                2 | 5 if is_first => refused.clone(),
                _ => json!({"body": {"value": [device(number)]}}),
            })?;
            kept.lock().unwrap().push(numbers);
            let told = Told::new(200, &body);
            Some(match header.filter(|_| is_first) {
                Some(header) => told.with("retry-after", header),
                None => told,
            })
        };
        lab::with(answering, |lab| async move {
            let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
            let replies = all(&mut session, statistics(8)).await.unwrap();
            assert_eq!(ids(&replies).len(), 8);
            let millis = waits[0] * 1_000;
            let waited =
                |reply: &Reply| *reply == Reply::Notice(Notice::Waited { millis, refusals: 0 });
            assert!(replies.iter().any(waited), "{replies:?}");
            assert_eq!(lab.clock.waits(), waits);
        })
        .await;
        assert_eq!(*batches.lock().unwrap(), [(0..8).collect::<Vec<_>>(), vec![2, 5]]);
    }
}

/// However long it takes, nothing counts as failed that was only refused; but not for ever.
#[tokio::test]
async fn what_is_refused_again_and_again_is_not_lost() {
    for (times, is_patient) in [(20, true), (usize::MAX, false)] {
        let refusals = AtomicUsize::new(0);
        let answering = move |asked: &Asked| {
            let (_, body) = batch(asked, |number| match number {
                1 if refusals.fetch_add(1, SeqCst) < times => {
                    json!({"status": 429, "headers": {"Retry-After": 20}, "body": {}})
                }
                _ => json!({"status": 200, "body": {"value": [device(number)]}}),
            })?;
            Some(Told::new(200, &body))
        };
        lab::with(answering, |lab| async move {
            let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
            let read = all(&mut session, statistics(3)).await;
            let waited = lab.clock.waits().iter().sum::<u64>();
            if is_patient {
                assert_eq!((ids(&read.unwrap()).len(), waited), (3, 400));
            } else {
                let error = read.unwrap_err();
                assert!(matches!(error, Error::Throttled { .. }), "{error}");
                assert_eq!(waited, 620);
            }
        })
        .await;
    }
}
