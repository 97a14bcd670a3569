//! What changes something: never twice, and never without a name.

use super::*;

#[tokio::test]
async fn a_write_is_never_sent_twice_unless_it_was_not_taken() {
    for (told, is_taken) in [
        (Told::new(503, &json!({})), true),
        (Told::new(400, &json!({"error": {"code": "TransientException"}})), true),
        (Told::cut(), true),
        (Told::new(429, &json!({})).with("retry-after", "3"), false),
        (Told::new(401, &json!({})), false),
        (Told::new(400, &json!({"error": {"code": "ErrorIncorrectRoutingHint"}})), false),
    ] {
        let first = std::sync::Mutex::new(Some(told));
        let answering = move |asked: &Asked| {
            let again = || Told::new(200, &page(&[]));
            is_call(asked).then(|| first.lock().unwrap().take().unwrap_or_else(again))
        };
        lab::with(answering, |lab| async move {
            let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
            let done = all(&mut session, allow()).await;
            let sent = lab.asked_of("InvokeCommand").len();
            if is_taken {
                assert!(matches!(done, Err(Error::Interrupted { .. })), "{done:?}");
                assert_eq!(sent, 1);
            } else {
                done.unwrap();
                assert_eq!(sent, 2);
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_refusal_of_zeros_is_a_cmdlet_that_is_not_there() {
    let answering = |asked: &Asked| {
        let zeros = Told { body: vec![0; 300], ..Told::new(403, &json!(null)) };
        is_call(asked).then(|| zeros.with("content-encoding", "gzip"))
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        let error = all(&mut session, allow()).await.unwrap_err();
        assert!(error.is_refusal() && error.leaves_session_usable(), "{error}");
        assert!(error.to_string().contains("Set-CASMailbox"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn what_was_made_is_asked_for_again_until_it_is_known() {
    let calls = AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        let body = asked.json();
        let name = body["CmdletInput"]["CmdletName"].as_str().unwrap_or_default().to_owned();
        is_call(asked).then(|| match name.as_str() {
            "New-MobileDeviceMailboxPolicy" => Told::new(200, &page(&[json!({"Guid": GUID})])),
            _ if calls.fetch_add(1, SeqCst) < 3 => Told::new(404, &not_found()),
            _ => Told::new(200, &page(&[])),
        })
    };
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        let set = |id: &str| {
            Cmdlet::new("Set-MobileDeviceMailboxPolicy")
                .of(Identity::parse(id).unwrap())
                .without_confirmation()
        };
        let unknown = all(&mut session, set("Other")).await.unwrap_err();
        assert!(matches!(unknown, Error::Cmdlet(error) if error.kind == CmdletErrorKind::NotFound));
        let new = Cmdlet::new("New-MobileDeviceMailboxPolicy").with("Name", "Strict");
        all(&mut session, new.without_confirmation()).await.unwrap();
        all(&mut session, set(GUID)).await.unwrap();
        assert_eq!(lab.clock.waits(), [2, 4]);
    })
    .await;
}

#[tokio::test]
async fn a_write_that_is_given_up_half_way_is_interrupted() {
    let answering = |asked: &Asked| is_call(asked).then(|| Told::new(200, &page(&[])));
    lab::with(answering, |lab| async move {
        let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
        session.start(&allow().into()).await.unwrap();
        {
            let mut going = pin!(session.next());
            let is_done =
                poll_fn(|context| Poll::Ready(going.as_mut().poll(context).is_ready())).await;
            assert!(!is_done, "an answer takes longer than one look");
        }
        let error = session.next().await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_asked_for_by_an_empty_name() {
    lab::with(
        |_| None,
        |lab| async move {
            let mut session = AdminApi::connect(&lab.settings(), &secret()).await.unwrap();
            let empty = Cmdlet::new("Clear-MobileDevice").with("Identity", " ");
            let error = session.start(&empty.into()).await.unwrap_err();
            assert!(matches!(error, Error::EmptyIdentity(_)));
            let pipeline =
                Pipeline { cmdlets: vec![Cmdlet::new("Get-X")], input: vec![String::new()] };
            assert!(session.start(&pipeline).await.is_err());
            assert!(lab.asked_of("beta").is_empty());
        },
    )
    .await;
}
