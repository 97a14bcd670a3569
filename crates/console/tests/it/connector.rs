//! One connector: what its page shows, what lives on it, and what can be done.

use axum::http::StatusCode;
use domain::{
    Caller, Connector, ConnectorId, ConnectorName, EndpointHealth, EndpointOrigin, Schedule,
    StatusMessage,
    connector::{
        Authentication, ConnectorState, Endpoint, Options, OrganizationIdentity, ServerEndpoint,
    },
    pass::{Pass, PassCost, PassCounts, PassKind, PassOutcome},
    status_message::Event,
};
use uuid::Uuid;

use crate::{Console, now};

const ID: ConnectorId = ConnectorId(Uuid::from_u128(9));

/// A console with a connector that has worked for a while.
async fn at_work(change: impl FnOnce(&mut Connector)) -> Console {
    let console = Console::signed_in().await;
    let mut connector = Connector {
        id: ID,
        name: ConnectorName::parse("lab").unwrap(),
        endpoint: Endpoint::OnPremises(ServerEndpoint {
            authentication: Authentication::Kerberos,
            ..ServerEndpoint::new("http://ex01/PowerShell/")
        }),
        options: Options::default(),
        organization: Some(OrganizationIdentity {
            key: "k".to_owned(),
            name: "Contoso".to_owned(),
        }),
        state: ConnectorState::Installed,
        trouble: None,
        created: now(),
        last_full_sync: Some(now()),
        last_delta_sync: None,
        is_paused: false,
        next_install: None,
    };
    change(&mut connector);
    console.engine.store().add_connector(&connector, None).await.unwrap();
    console
}

fn pass(number: u128, kind: PassKind, outcome: PassOutcome) -> Pass {
    Pass {
        id: domain::PassId(Uuid::from_u128(number)),
        connector: ID,
        kind,
        started: now(),
        finished: Some(now()),
        outcome: Some(outcome),
        counts: PassCounts { devices: 1_200, changed: 3, ..PassCounts::default() },
        cost: PassCost { cmdlets: 17, delayed_ms: 250, sessions_lost: 0 },
        endpoint: None,
    }
}

#[tokio::test]
async fn endpoints_say_how_they_do() {
    let console = at_work(|_| {}).await;
    let mut down =
        EndpointHealth::untried("http://ex01/PowerShell/", EndpointOrigin::Configured, None);
    down.failed(now(), "the server does not answer; is it switched on?");
    let mut up = EndpointHealth::untried(
        "http://ex02/PowerShell/",
        EndpointOrigin::Exchange,
        Some("Berlin"),
    );
    up.version = Some("15.2.1748.10".to_owned());
    up.succeeded(now());
    console.engine.store().replace_endpoints(ID, &[down, up]).await.unwrap();
    let page = console.get("/connectors/lab").await;
    insta::assert_snapshot!(page.between("<tbody>", "</tbody>"), @r##"
    <tr><td data-label="Address"><div><span class="mono">http:/<wbr>/<wbr>ex02/<wbr>PowerShell/<wbr></span><span class="second">named by Exchange</span></div></td><td data-label="Health"><div><span class="badge allowed">answers</span><span class="second">last <time datetime="2026-03-02T10:00:00Z" title="2026-03-02T10:00:00Z">just now</time></span></div></td><td data-label="Site">Berlin</td><td data-label="Version">15.2.1748.10</td><td data-label="Trouble"><span class="quiet">none</span></td></tr>
    <tr><td data-label="Address"><div><span class="mono">http:/<wbr>/<wbr>ex01/<wbr>PowerShell/<wbr></span><span class="second">configured</span></div></td><td data-label="Health"><div><span class="badge quarantined">resting</span><span class="second">tried again <time datetime="2026-03-02T10:01:00Z" title="2026-03-02T10:01:00Z">in 1 minute</time></span></div></td><td data-label="Site">not known</td><td data-label="Version">not known</td><td data-label="Trouble">The server does not answer; is it switched on?</td></tr>
    "##);
    console.stop().await;
}

#[tokio::test]
async fn passes_are_a_table_and_a_chart_that_names_it() {
    let console = at_work(|_| {}).await;
    let store = console.engine.store();
    assert!(!console.get("/connectors/lab").await.body.contains("<svg viewBox=\"0 0 24"));
    for one in [
        pass(1, PassKind::Full, PassOutcome::Complete),
        pass(2, PassKind::Delta, PassOutcome::Failed),
    ] {
        store.begin_pass(&one).await.unwrap();
        store.update_pass(&one).await.unwrap();
    }
    let page = console.get("/connectors/lab").await;
    let chart = page.between("<figure class=\"card chart\">", "</figure>");
    assert!(
        chart.contains("role=\"img\"") && chart.contains("1 full and 1 delta passes"),
        "{chart}"
    );
    assert!(page.body.contains(r#"<td data-label="Cmdlets" class="number">17</td>"#));
    assert!(page.body.contains(r#"<td data-label="Delayed" class="number">0.2 s</td>"#));
    console.stop().await;
}

#[tokio::test]
async fn what_is_shown_already_is_not_sent_again() {
    let console = at_work(|_| {}).await;
    let page = console.get("/connectors/lab").await;
    let live = page.between("<div id=\"live\" hx-get=\"", "\"");
    assert_eq!(console.get_part(&live).await.status, StatusCode::NO_CONTENT);
    // A sync that somebody else begins shows up by itself, and nothing else is touched.
    let name = ConnectorName::parse("lab").unwrap();
    let message = StatusMessage {
        at: now(),
        connector: ID,
        event: Event::Throttled,
        text: "Exchange asks to wait".to_owned(),
    };
    console.engine.store().add_status_message(&message).await.unwrap();
    let part = console.get_part(&live).await;
    assert_eq!(part.status, StatusCode::OK);
    assert!(part.body.contains("6440") && part.body.contains("Exchange asks to wait."));
    assert!(part.body.starts_with("<div id=\"live\""));
    assert!(!part.body.contains("id=\"endpoints\""), "{}", part.body);
    assert!(!part.body.contains("id=\"state\""), "{}", part.body);
    console.engine.pause_connector(&Caller::local_administrator(), &name, true).await.unwrap();
    let part = console.get_part(&live).await;
    assert!(part.body.contains("Contoso; installed, paused."));
    assert!(part.body.contains(r#"action="/connectors/lab/resume""#));
    console.stop().await;
}

#[tokio::test]
async fn the_list_lives_too() {
    let console = at_work(|connector| connector.is_paused = true).await;
    let page = console.get("/connectors").await;
    assert!(page.body.contains("installed, paused"));
    let live = page.between("<div id=\"live\" hx-get=\"", "\"");
    assert_eq!(console.get_part(&live).await.status, StatusCode::NO_CONTENT);
    let answer = console.post("/connectors/lab/resume", "").await;
    assert_eq!(answer.header("location"), "/connectors/lab");
    let part = console.get_part(&live).await;
    assert!(part.body.contains("id=\"rows\"") && !part.body.contains("paused"));
    console.stop().await;
}

#[tokio::test]
async fn a_connector_that_waits_for_its_first_connection_says_when() {
    let console = at_work(|connector| {
        connector.organization = None;
        connector.last_full_sync = None;
        connector.state = ConnectorState::Trouble;
        connector.trouble = Some("the password is wrong; give the right one".to_owned());
        connector.next_install = Some("2026-03-02T10:40:00Z".parse().unwrap());
    })
    .await;
    let page = console.get("/connectors/lab").await;
    insta::assert_snapshot!(page.between("<div class=\"notice blocked\" role=\"alert\">", "</div>"), @"<p>The password is wrong; give the right one. Gatepost tries again in 40 minutes, and at once when the connector is changed.</p>");
    assert!(page.body.contains("From nothing to the first sync"));
    let list = console.get("/connectors").await;
    assert!(list.body.contains("in 40 minutes"));
    console.stop().await;
}

#[tokio::test]
async fn a_check_is_a_matrix_that_stays_on_the_page() {
    let console = at_work(|connector| {
        // Nobody listens there, so the check ends at its first step.
        connector.endpoint.server_mut().unwrap().url = "http://127.0.0.1:9/PowerShell/".to_owned();
    })
    .await;
    assert!(console.get("/connectors/lab?new").await.body.contains("hx-trigger=\"submit, load\""));
    assert!(console.get("/connectors/lab").await.body.contains("hx-trigger=\"submit\""));
    let answer = console.post("/connectors/lab/check", "").await;
    assert_eq!(answer.header("location"), "/connectors/lab#permissions");
    let page = console.get("/connectors/lab?new").await;
    assert!(page.body.contains("A sync cannot work yet."));
    assert!(page.body.contains("<strong>Reach the server</strong>"));
    assert!(page.body.contains("hx-trigger=\"submit\""), "a check that was made is not made again");
    assert!(page.body.contains("Checked 2026-03-02 at 10:00 UTC."));
    // A console that is started later shows it too, and as of then.
    let later = Console { router: console::router(console.engine.clone()), ..console };
    assert!(later.get("/connectors/lab").await.body.contains("Checked 2026-03-02 at 10:00 UTC."));
    // One that nobody understands is none.
    later.engine.store().set_last_check(ID, "{}").await.unwrap();
    let page = later.get("/connectors/lab?new").await;
    assert!(page.body.contains("Not checked since it was added or changed."));
    assert!(page.body.contains("hx-trigger=\"submit, load\""));
    later.stop().await;
}

#[tokio::test]
async fn removing_wants_the_name() {
    let console = at_work(|_| {}).await;
    let page = console.get("/connectors/lab/remove").await;
    assert!(page.body.contains("Its inventory of 0 devices"));
    let answer = console.post("/connectors/lab/remove", "inventory=delete&confirm=la").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("Nothing was removed."));
    let answer = console.post("/connectors/lab/remove", "inventory=keep&confirm=lab").await;
    assert_eq!(answer.header("location"), "/connectors");
    let page = console.get("/connectors/lab").await;
    assert!(page.body.contains("Its inventory is kept as it was."));
    assert!(!page.body.contains("/connectors/lab/sync"));
    let answer = console.post("/connectors/lab/remove", "inventory=delete&confirm=lab").await;
    assert_eq!(answer.header("location"), "/connectors");
    assert_eq!(console.get("/connectors/lab").await.status, StatusCode::NOT_FOUND);
    // A page that is still open somewhere is loaded anew.
    let part = console.get_part("/connectors/lab/live?seen=").await;
    assert_eq!((part.status, part.header("hx-refresh")), (StatusCode::OK, "true"));
    console.stop().await;
}

#[tokio::test]
async fn ageing_says_what_it_would_do() {
    let console = at_work(|_| {}).await;
    let page = console.get("/connectors/lab").await;
    assert!(page.body.contains("Phones stay in the inventory however long they were silent."));
    let answer = console.post("/connectors/lab/ageing", "").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("set a number of days first"));
    console.stop().await;
}

#[tokio::test]
async fn a_role_script_is_a_file() {
    let console = at_work(|connector| {
        connector.endpoint.server_mut().unwrap().username = Some(r"CONTOSO\svc".to_owned());
    })
    .await;
    let script = console.get("/connectors/lab/role-script?features=reading&exchange=2013").await;
    assert_eq!(script.status, StatusCode::OK);
    assert_eq!(
        script.header("content-disposition"),
        "attachment; filename=\"gatepost-role-lab.ps1\""
    );
    assert!(script.body.contains(r"CONTOSO\svc"));
    console.stop().await;
}

#[tokio::test]
async fn a_schedule_reads_as_people_say_it() {
    let console = at_work(|connector| {
        connector.options.schedules.full = Schedule::parse("30 2 * * 1-5").unwrap();
    })
    .await;
    let page = console.get("/connectors/lab").await;
    assert!(page.body.contains("at 30 2 * * 1-5 (cron),"));
    assert!(page.body.contains("every 4 hours"));
    console.stop().await;
}
