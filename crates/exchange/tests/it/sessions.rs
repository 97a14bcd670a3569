//! Pipelines on one session: cut, refused, stopped, put away.

use std::time::Duration;

use domain::connector::Authentication;
use exchange::{Cmdlet, CmdletErrorKind, Error, Identity, Reply, Session as _};
use simulator::Scheme;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::lab::{Lab, impatient, run, tell};

const NTLM: [Scheme; 1] = [Scheme::Ntlm];

/// Law 7: what asks all the same is refused, and says so.
#[test]
fn a_prompt_is_refused_and_erases_nothing() {
    for asks_nobody in [false, true] {
        let seen = tell(5, &NTLM, async |lab| {
            lab.faults().asks_nobody = asks_nobody;
            refuse_a_prompt(lab).await;
        });
        assert_eq!(seen.prompts, u64::from(asks_nobody));
        assert_eq!((seen.open_shells, seen.unterminated_commands), (0, 0));
    }
}

async fn refuse_a_prompt(lab: &mut Lab) {
    let guid = lab.organization().device_guids().next().unwrap();
    let mut session = lab.connect().await.unwrap();
    let wipe = Cmdlet::new("Clear-MobileDevice").of(Identity::try_from(guid).unwrap());
    let asked = run(&mut session, wipe).await.unwrap_err();
    assert!(matches!(&asked, Error::Prompted(what) if what.contains("deleted")), "{asked:?}");
    let statistics =
        Cmdlet::new("Get-MobileDeviceStatistics").of(Identity::try_from(guid).unwrap());
    let said = run(&mut session, statistics).await.unwrap();
    let [object] = said.objects.as_slice() else { panic!("{said:?}") };
    let requested = object.get("DeviceWipeRequestTime").and_then(exchange::Value::text);
    assert_eq!(requested, None, "a refused wipe was carried out");
    session.close().await.unwrap();
}

#[test]
fn what_is_told_not_to_ask_does_not() {
    let seen = tell(5, &NTLM, async |lab| {
        let guid = lab.organization().device_guids().next().unwrap();
        let mut session = lab.connect().await.unwrap();
        let remove = Cmdlet::new("Remove-MobileDevice")
            .of(Identity::try_from(guid).unwrap())
            .without_confirmation();
        let said = run(&mut session, remove).await.unwrap();
        assert!(said.errors.is_empty(), "{said:?}");
        assert_eq!(lab.organization().device_guids().count(), 4);
        session.close().await.unwrap();
    });
    assert_eq!(seen.prompts, 0);
}

#[test]
fn every_pipeline_is_terminated_however_it_ends() {
    let seen = tell(300, &NTLM, async |lab| {
        let mut session = lab.connect().await.unwrap();
        // To its end.
        run(&mut session, Cmdlet::new("Get-MobileDevice").unlimited()).await.unwrap();
        // In an error.
        let unknown = run(&mut session, Cmdlet::new("Get-Nonsense")).await;
        assert_eq!(kind_of(unknown), CmdletErrorKind::CmdletMissing);
        // As failed.
        lab.faults().fail_after = Some(10);
        let failed = run(&mut session, Cmdlet::new("Get-MobileDevice").unlimited()).await;
        let Err(Error::Cmdlet(failed)) = failed else { panic!("{failed:?}") };
        assert_eq!(failed.cmdlet.as_deref(), Some("Get-MobileDevice"));
        // Stopped in the middle.
        session.start(&Cmdlet::new("Get-MobileDevice").unlimited().into()).await.unwrap();
        assert!(matches!(session.next().await, Ok(Some(Reply::Object(_)))));
        session.stop().await.unwrap();
        // By the start of another.
        session.start(&Cmdlet::new("Get-MobileDevice").unlimited().into()).await.unwrap();
        assert!(matches!(session.next().await, Ok(Some(Reply::Object(_)))));
        let servers = run(&mut session, Cmdlet::new("Get-ExchangeServer")).await.unwrap();
        assert!(!servers.objects.is_empty());
        let seen = lab.ledger.entries();
        assert_eq!((seen.open_shells, seen.unterminated_commands), (1, 0));
        session.close().await.unwrap();
    });
    assert_eq!((seen.open_shells, seen.max_open_shells), (0, 1));
    assert_eq!((seen.unterminated_commands, seen.max_running), (0, 1));
    assert_eq!(seen.counts["Get-MobileDevice"], 4);
}

fn kind_of(outcome: Result<crate::lab::Said, Error>) -> CmdletErrorKind {
    match outcome {
        Ok(said) => said.errors[0].kind,
        Err(Error::Cmdlet(error)) => error.kind,
        Err(other) => panic!("{other:?}"),
    }
}

/// Either all of it came, or somebody was told: a cut never looks like a shorter list.
#[test]
fn a_cut_in_an_answer_gives_everything_or_an_error() {
    for receive in 1..6 {
        tell(300, &NTLM, async |lab| {
            let mut session = lab.connect().await.unwrap();
            lab.faults().cut_receive = Some(receive);
            let list = run(&mut session, Cmdlet::new("Get-MobileDevice").unlimited()).await;
            match list {
                Ok(said) => assert_eq!(said.objects.len() + said.poisoned, 300, "{receive}"),
                // Not asked for again: the next answer might begin where the lost one ended,
                // between two objects, and nobody would see the gap.
                Err(error) => {
                    assert!(matches!(error, Error::Interrupted { .. }), "{receive}: {error:?}");
                    let again = session.next().await.unwrap_err();
                    assert!(matches!(again, Error::Interrupted { .. }), "{again:?}");
                }
            }
            lab.faults().cut_receive = None;
            assert_eq!(lab.visit(Authentication::Ntlm).await, 300);
        });
    }
}

/// What stands between us and the server and closes a connection that nobody uses.
async fn let_through(between: &TcpListener, server: &str, idle: &Notify) {
    loop {
        let (mut near, _) = between.accept().await.unwrap();
        let mut far = TcpStream::connect(server).await.unwrap();
        tokio::select! {
            ended = tokio::io::copy_bidirectional(&mut near, &mut far) => drop(ended),
            () = idle.notified() => {}
        }
    }
}

#[test]
fn a_connection_that_was_closed_while_idle_costs_nothing() {
    tell(5, &NTLM, async |lab| {
        let server = lab.settings.endpoint.url.split('/').nth(2).unwrap().to_owned();
        let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
        lab.settings.endpoint.connect_to = Some(between.local_addr().unwrap().to_string());
        let idle = Notify::new();
        let story = async {
            let mut session = lab.connect().await.unwrap();
            for _ in 0..3 {
                idle.notify_one();
                // Until the end has come through.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                let said = run(&mut session, Cmdlet::new("Get-MobileDevice")).await.unwrap();
                assert_eq!(said.objects.len(), 5);
            }
            session.close().await.unwrap();
        };
        tokio::select! {
            () = story => {}
            () = let_through(&between, &server, &idle) => {}
        }
    });
}

#[test]
fn a_silent_server_is_not_waited_for_for_ever() {
    tell(5, &NTLM, async |lab| {
        lab.settings.timeouts = impatient();
        let mut session = lab.connect().await.unwrap();
        lab.faults().slow = Some(Duration::from_secs(3600));
        let silent = run(&mut session, Cmdlet::new("Get-MobileDevice")).await.unwrap_err();
        assert!(matches!(&silent, Error::TimedOut { during, .. } if during == "Get-MobileDevice"));
    });
}

#[test]
fn an_unreadable_object_costs_itself_alone() {
    tell(50, &NTLM, async |lab| {
        let mut session = lab.connect().await.unwrap();
        lab.faults().poison_object = Some(7);
        let said = run(&mut session, Cmdlet::new("Get-MobileDevice").unlimited()).await.unwrap();
        assert_eq!((said.objects.len(), said.poisoned), (49, 1));
        session.close().await.unwrap();
    });
}
