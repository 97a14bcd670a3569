//! The habits of the service, one by one, against a service that has just that habit.

mod between;
mod writing;

use std::{
    future::poll_fn,
    io::Write as _,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    task::Poll,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    Identity, Notice,
    hosted::{
        SignInError,
        lab::{self, Asked, Told, page, secret},
    },
};

const GUID: &str = "8a9c5b1e-3d1f-4f0e-9a55-0c2f6f0d7a11";

fn is_call(asked: &Asked) -> bool {
    asked.path.contains("/InvokeCommand")
}

fn device(n: usize) -> serde_json::Value {
    json!({"Guid@data.type": "System.Guid", "Guid@odata.type": "#Guid",
        "Guid": Uuid::from_u128(u128::try_from(n).unwrap()).to_string(), "DeviceId": format!("D{n}")})
}

async fn all(session: &mut AdminApi, pipeline: impl Into<Pipeline>) -> Result<Vec<Reply>, Error> {
    session.start(&pipeline.into()).await?;
    let mut replies = Vec::new();
    while let Some(reply) = session.next().await? {
        replies.push(reply);
    }
    Ok(replies)
}

fn ids(replies: &[Reply]) -> Vec<String> {
    let objects = replies.iter().filter_map(|reply| match reply {
        Reply::Object(object) => object.get("DeviceId")?.text(),
        _ => None,
    });
    objects.collect()
}

fn not_found() -> serde_json::Value {
    json!({"error": {"code": "NotFound", "details": [{"message":
        "ExA1|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|Gone."}]}})
}

fn list() -> Cmdlet {
    Cmdlet::new("Get-MobileDevice").unlimited()
}

fn allow() -> Cmdlet {
    Cmdlet::new("Set-CASMailbox")
        .of(Identity::parse("jane@contoso.com").unwrap())
        .with(
            "ActiveSyncAllowedDeviceIDs",
            Argument::Edit { add: vec!["D1".to_owned()], remove: vec![] },
        )
        .without_confirmation()
}

#[tokio::test]
async fn a_cmdlet_is_asked_for_as_the_service_wants_it() {
    let answering = |asked: &Asked| is_call(asked).then(|| Told::new(200, &page(&[device(1)])));
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        let pipeline =
            Pipeline::from(list()).selecting(vec!["Guid".to_owned(), "DeviceId".to_owned()]);
        assert_eq!(ids(&all(&mut session, pipeline).await.unwrap()), ["D1"]);
        all(&mut session, allow()).await.unwrap();
        let [listed, set] = &lab.asked_of("InvokeCommand")[..] else { panic!("two calls") };
        let path = format!("/adminapi/beta/{}/InvokeCommand?$select=Guid,DeviceId", lab::TENANT);
        assert_eq!(listed.path, path);
        assert_eq!(
            listed.json(),
            json!({"CmdletInput": {"CmdletName": "Get-MobileDevice",
                "Parameters": {"ResultSize": "Unlimited"}}})
        );
        assert!(listed.header("authorization").starts_with("Bearer e30."));
        assert_eq!(listed.header("prefer"), "odata.maxpagesize=1000");
        assert_eq!(listed.header("user-agent"), "Gatepost");
        let system =
            format!("APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{}", lab::TENANT);
        assert_eq!(listed.header("x-anchormailbox"), system);
        assert_eq!(set.header("x-anchormailbox"), "UPN:jane@contoso.com");
        assert_eq!(listed.header("connection-id"), set.header("connection-id"));
        assert_ne!(listed.header("client-request-id"), set.header("client-request-id"));
        assert_eq!(lab.asked_of("/token").len(), 1, "one token does");
        assert_eq!(session.organization().unwrap().key, lab::TENANT.to_string());
    })
    .await;
}

#[tokio::test]
async fn pages_are_followed_with_the_same_body_and_unpacked() {
    let answering = |asked: &Asked| {
        let (_, number) = asked.path.split_once("skip=").unwrap_or(("", "0"));
        let number: usize = number.parse().unwrap_or_default();
        let mut body = page(&[device(number)]);
        if number < 3 {
            body["@odata.nextLink"] = json!(format!(
                "https://127.0.0.1{}?skip={}",
                asked.path.split('?').next()?,
                number + 1
            ));
            body["@adminapi.warnings"] = json!(["There are more results available than are \
                currently displayed. To view them, increase the value for the ResultSize parameter."]);
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(body.to_string().as_bytes()).unwrap();
        let told = Told { body: packed.finish().unwrap(), ..Told::new(200, &body) };
        is_call(asked).then(|| told.with("content-encoding", "gzip"))
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        let replies = all(&mut session, list()).await.unwrap();
        assert_eq!(ids(&replies), ["D0", "D1", "D2", "D3"]);
        assert_eq!(replies.len(), 4, "what says that there is more is no shortfall: {replies:?}");
        let asked = lab.asked_of("InvokeCommand");
        assert!(asked.iter().all(|one| one.body == asked[0].body), "the same body each time");
        let one = Cmdlet::new("Get-MobileDevice").with("ResultSize", 1_i64);
        assert_eq!(ids(&all(&mut session, one).await.unwrap()), ["D0"], "no more than were wanted");
    })
    .await;
}

#[tokio::test]
async fn a_link_that_has_ended_begins_the_list_anew() {
    let calls = AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        if !is_call(asked) {
            return None;
        }
        let is_second = asked.path.contains("skip");
        if is_second && calls.fetch_add(1, SeqCst) == 0 {
            return Some(Told::new(400, &json!({"error": {"code": "BadRequest"}})));
        }
        let mut body = page(&[device(usize::from(is_second))]);
        if !is_second {
            body["@odata.nextLink"] = json!(format!("{}?skip=1", asked.path));
        }
        Some(Told::new(200, &body))
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        assert_eq!(ids(&all(&mut session, list()).await.unwrap()), ["D0", "D0", "D1"]);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_with_what_it_shall_claim() {
    let calls = AtomicUsize::new(0);
    let claims = r#"{"access_token":{"nbf":{"value":"1"}}}"#;
    let answering = move |asked: &Asked| {
        is_call(asked).then(|| match calls.fetch_add(1, SeqCst) {
            0 => {
                use base64::{Engine as _, engine::general_purpose::STANDARD};
                let challenge = format!(
                    "Bearer error=\"insufficient_claims\", claims=\"{}\"",
                    STANDARD.encode(claims)
                );
                Told::new(401, &json!({})).with("www-authenticate", challenge)
            }
            _ => Told::new(200, &page(&[device(1)])),
        })
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        assert_eq!(ids(&all(&mut session, list()).await.unwrap()), ["D1"]);
        let tokens = lab.asked_of("/token");
        assert_eq!(tokens.len(), 2);
        assert!(tokens[1].field("claims").contains("access_token"), "{}", tokens[1].body);
        let [before, after] = &lab.asked_of("InvokeCommand")[..] else { panic!("two calls") };
        assert_ne!(before.header("authorization"), after.header("authorization"));
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_a_list_is_no_empty_list() {
    let calls = AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        let body = |text: &[u8]| Told { body: text.to_vec(), ..Told::new(200, &json!(null)) };
        is_call(asked).then(|| match calls.fetch_add(1, SeqCst) {
            0 => body(b""),
            1 => body(b"<html>").with("content-encoding", "gzip"),
            2 => body(b"{\"value\":[{\"Guid\""),
            _ => body(b""),
        })
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        for _ in 0..3 {
            let error = all(&mut session, list()).await.unwrap_err();
            assert!(matches!(error, Error::Protocol(_)), "{error}");
        }
        assert!(all(&mut session, allow()).await.unwrap().is_empty(), "a write may be silent");
    })
    .await;
}

#[tokio::test]
async fn many_are_asked_for_ten_at_a_time() {
    let tries = AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        let body = asked.json();
        let requests = body["requests"].as_array()?;
        assert!(requests.len() <= batch::PARTS);
        let mut responses: Vec<serde_json::Value> = requests
            .iter()
            .map(|request| {
                let input = &request["body"]["CmdletInput"]["Parameters"]["Identity"];
                let (_, n) = input.as_str().unwrap().rsplit_once('-').unwrap();
                let n: usize = n.parse().unwrap();
                let url = request["url"].as_str().unwrap();
                assert!(url.contains("/InvokeCommand?$select=DeviceId"), "{url}");
                let id = &request["id"];
                match n {
                    3 => json!({"id": id, "status": 404, "body": not_found()}),
                    5 if tries.fetch_add(1, SeqCst) == 0 => {
                        json!({"id": id, "status": 429, "headers": {"Retry-After": "4"}, "body": {}})
                    }
                    7 if !url.contains("skip") => json!({"id": id, "status": 200, "body": {
                        "value": [device(7)], "@odata.nextLink": format!("{url}&skip=1")}}),
                    7 => json!({"id": id, "body": {"value": [device(77)]}}),
                    9 if tries.fetch_add(1, SeqCst) == 1 => json!({"id": "nobody", "status": 200}),
                    _ => json!({"id": id, "status": 200, "body": {"value": [device(n)]}}),
                }
            })
            .collect();
        responses.reverse();
        Some(Told::new(200, &json!({ "responses": responses })))
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        let input = (0..24).map(|n| format!("00000000-0000-0000-0000-{n:012}")).collect();
        let pipeline = Pipeline { cmdlets: vec![Cmdlet::new("Get-MobileDeviceStatistics")], input };
        let replies =
            all(&mut session, pipeline.selecting(vec!["DeviceId".to_owned()])).await.unwrap();
        let mut ids = ids(&replies);
        ids.sort();
        let mut expected: Vec<String> =
            (0..24).filter(|n| *n != 3).map(|n| format!("D{n}")).collect();
        expected.push("D77".to_owned());
        expected.sort();
        assert_eq!(ids, expected, "each once, whatever happened to it");
        let errors: Vec<_> = replies
            .iter()
            .filter_map(|reply| match reply {
                Reply::Error(error) => Some((error.kind, error.target.clone().unwrap())),
                _ => None,
            })
            .collect();
        let third = "00000000-0000-0000-0000-000000000003".to_owned();
        assert_eq!(errors, [(CmdletErrorKind::NotFound, third)]);
        assert_eq!(lab.clock.waits(), [1, 3]);
        assert_eq!(lab.asked_of("$batch").len(), 3);
    })
    .await;
}

#[tokio::test]
async fn what_the_application_may_use_is_known_at_once() {
    lab::with(
        |_| None,
        |lab| async move {
            let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
            let names = ["Get-MobileDevice", "Select-Object", "Clear-MobileDevice"];
            let ask = Cmdlet::new("Get-Command")
                .with("Name", Argument::List(names.map(str::to_owned).to_vec()));
            let seen: Vec<_> = all(&mut session, ask)
                .await
                .unwrap()
                .into_iter()
                .map(|reply| match reply {
                    Reply::Object(object) => object.get("Name").unwrap().text().unwrap(),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(seen, ["Get-MobileDevice", "Select-Object"]);
            assert!(lab.asked_of("InvokeCommand").is_empty());
            let [asked] = &lab.asked_of("EXOModuleFile")[..] else { panic!("once") };
            assert_eq!(asked.header("commandname"), "*");
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_not_exchange_is_told_from_an_exchange_without_the_list() {
    for (body, is_exchange) in [
        (json!({"error": {"code": "NotFound", "message": "No such resource."}}), true),
        (json!({"error": "invalid_request"}), false),
        (json!("nothing here"), false),
    ] {
        let answering = move |asked: &Asked| {
            asked.path.contains("EXOModuleFile").then(|| Told::new(404, &body))
        };
        lab::with(answering, |lab| async move {
            match AdminApi::connect(&lab.settings(), &secret()).await {
                Ok(mut session) => {
                    assert!(is_exchange);
                    let ask = Cmdlet::new("Get-Command").with("Name", "Get-MobileDevice");
                    let replies = all(&mut session, ask).await.unwrap();
                    assert!(matches!(&replies[..], [Reply::Error(_)]), "nobody knows: {replies:?}");
                }
                Err(error) => {
                    assert!(!is_exchange && error.to_string().contains("is not Exchange Online"));
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn an_application_without_a_role_is_told_so() {
    let answering =
        |asked: &Asked| asked.path.contains("EXOModuleFile").then(|| Told::new(401, &json!({})));
    lab::with(answering, |lab| async move {
        let error = AdminApi::connect(&lab.settings(), &secret()).await.unwrap_err();
        assert_eq!(error, ConnectError::SignIn(SignInError::NoRole));
    })
    .await;
}
