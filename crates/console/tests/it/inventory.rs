//! Devices and connectors with text that nobody should trust.

use axum::http::StatusCode;
use domain::{
    AccessReason, AccessState, Connector, ConnectorId, ConnectorName, DeviceFacts, DeviceId,
    Timestamp,
    connector::{Authentication, ConnectorState, Endpoint, Options, ServerEndpoint},
    device::Owner,
};
use store::DeviceRow;
use uuid::Uuid;

use crate::{Answer, Console, now};

const MARKUP: &str = "<script>alert('x')</script>\"'&";

#[tokio::test]
async fn text_from_outside_stays_text() {
    let console = with_devices(1).await;
    let list = console.get("/devices").await;
    assert_harmless(&list);
    insta::assert_snapshot!(list.between("<tbody>", "</tbody>"), @r##"
    <tr>
    <td data-label="Select" class="pick"><input type="checkbox" id="pick-eaa61688-d070-5e00-9714-b94f30aa0af8" name="device" value="eaa61688-d070-5e00-9714-b94f30aa0af8" aria-label="Select 王 Jürgen, &#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#39;&#38;‹U+202E›␀, …&#60;b&#62;"></td>
    <td data-label="Device"><div><a class="name" id="device-eaa61688-d070-5e00-9714-b94f30aa0af8" href="/devices/eaa61688-d070-5e00-9714-b94f30aa0af8" data-row>&lt;script&gt;alert(&#39;x&#39;)&lt;/<wbr>script&gt;&quot;&#39;&amp;_<wbr>&lt;script&gt;alert(&#39;x&#39;)&lt;/<wbr>script&gt;&quot;&#39;&amp;<wbr></a><span class="second tail" title="Device id &#60;b&#62;">…&#60;b&#62;</span></div></td>
    <td data-label="Owner"><div>王 Jürgen, &#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#39;&#38;‹U+202E›␀<span class="second">&lt;script&gt;alert(&#39;x&#39;)&lt;/<wbr>script&gt;&quot;&#39;&amp;<wbr>@contoso.com<wbr></span></div></td>
    <td data-label="Model"><div>&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#39;&#38;<span class="second">&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#39;&#38;</span></div></td>
    <td data-label="Client">&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#39;&#38; &#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#39;&#38;</td>
    <td data-label="Access"><div><span class="badge blocked"><svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.8" aria-hidden="true"><circle cx="8" cy="8" r="6.4"/><path d="M4.4 8h7.2" stroke-width="2.6"/></svg>blocked</span><span class="second">rule</span></div></td>
    <td data-label="Last sync"><div><span class="quiet">not read yet</span><span class="second">as of <time datetime="2026-03-02T10:00:00Z" title="2026-03-02T10:00:00Z">just now</time></span></div></td>
    </tr>
    "##);
    let id = DeviceId::of(connector().id, Uuid::from_u128(1));
    let device = console.get(&format!("/devices/{id}")).await;
    assert_eq!(device.status, StatusCode::OK);
    assert_harmless(&device);
    insta::assert_snapshot!(device.between("<p class=\"why", "</p>"), @r##"
    blocked"><span class="badge blocked"><svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.8" aria-hidden="true"><circle cx="8" cy="8" r="6.4"/><path d="M4.4 8h7.2" stroke-width="2.6"/></svg></span>
    <span>Blocked: the rule &#34;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#39;&#38;&#34; of this organization blocks it. Allow it for 王 Jürgen, &#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#39;&#38;‹U+202E›␀, or change the rule.</span>
    "##);
    for address in [
        "/connectors",
        "/connectors/live",
        "/connectors/lab",
        "/connectors/lab/live",
        "/connectors/lab/edit",
        "/connectors/lab/remove",
        "/devices?query=%3Cscript%3Ealert(1)",
    ] {
        let page = console.get(address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        assert_harmless(&page);
    }
    console.stop().await;
}

/// So much is compared that few devices are looked at for one page: a browser goes on by itself.
#[tokio::test]
async fn a_search_that_no_index_answers_goes_on_part_by_part() {
    let console = with_devices(450).await;
    let words: Vec<String> = (10..100).map(|number| format!("nobody{number}")).collect();
    let mut part = console.get(&format!("/devices?query={}", words.join("%20or%20"))).await;
    let mut parts = 1;
    while !part.body.contains("No further device fits") {
        assert!(part.body.contains("Nothing among the devices looked at so far"), "{}", part.body);
        assert!(!part.body.contains("every 5s"), "it would begin again");
        let further = part.between(r#"<div id="results" hx-get=""#, r#"" hx-trigger="load""#);
        let link = part.between(r#"<a class="button primary" href=""#, "\"");
        assert_eq!(further, link, "without script a link leads there");
        let further = further.replace("&#38;", "&").replace("&amp;", "&");
        part = console.get_part(&further).await;
        parts += 1;
    }
    assert!(parts > 2, "{parts} parts");
    assert!(!part.body.contains(r#"hx-trigger="load""#));
    console.stop().await;
}

#[tokio::test]
async fn a_part_of_the_list_is_what_the_page_holds() {
    let console = with_devices(60).await;
    let page = console.get("/devices?query=state:blocked").await;
    let part = console.get_part("/devices?query=state:blocked").await;
    assert!(!part.body.contains("<html"));
    assert_eq!(part.between("<tbody>", "</tbody>"), page.between("<tbody>", "</tbody>"));
    assert_eq!(part.body.matches("<tr>").count(), 51, "50 devices and a head");
    assert!(part.body.contains(r#"<p class="state" id="summary" hx-swap-oob="true">60 devices"#));
    assert!(page.body.contains(r#"<p class="state" id="summary">60 devices"#));
    // The part asks for itself again, with its own query.
    let again = part.between("<div id=\"results\" hx-get=\"", "\" hx-trigger=\"every 5s\"");
    let again = again.replace("&#38;", "&");
    assert!(again.starts_with("/devices?query=state:blocked&seen="), "{again}");
    // What it shows already is not sent again, so its rows are not touched.
    assert_eq!(console.get_part(&again).await.status, StatusCode::NO_CONTENT);
    assert!(page.body.contains(&again.replace('&', "&#38;")), "the page knows what it shows");
    // A page further on stands still: its place in the list would move under the reader.
    let next = page.between(r#"id="next-page" href=""#, "\"").replace("&#38;", "&");
    let next = console.get_part(&next.replace("&amp;", "&")).await;
    assert_eq!(next.body.matches("<tr>").count(), 11, "10 devices and a head");
    assert!(!next.body.contains("every 5s"));
    console.stop().await;
}

#[tokio::test]
async fn a_query_that_is_none_is_explained() {
    let console = with_devices(1).await;
    let page = console.get("/devices?query=state:nonsense").await;
    insta::assert_snapshot!(page.between("<div class=\"error\" role=\"alert\">", "</div>"), @r##"
    <strong>At character 7: expected one of allowed, blocked, quarantined, discovery, unknown.</strong>
    <pre tabindex="0">state:nonsense ^</pre>
    "##);
    assert!(!page.body.contains("every 5s"));
    console.stop().await;
}

#[tokio::test]
async fn a_connector_in_trouble_is_one_on_both_pages() {
    let console = with_devices(2).await;
    let list = console.get("/connectors").await;
    assert!(list.body.contains("1 connector; 1 in trouble."));
    let page = console.get("/connectors/lab").await;
    let summary = page.between("<p class=\"state\">", "</p>");
    assert_eq!(summary, "Not known before the first connection; in trouble.");
    assert!(page.body.contains(r#"href="/devices?query=connector:lab""#));
    console.stop().await;
}

#[tokio::test]
async fn what_was_not_confirmed_for_a_day_is_marked() {
    let long_ago: Timestamp = "2026-02-27T09:00:00Z".parse().unwrap();
    let id = DeviceId::of(connector().id, Uuid::from_u128(1));
    for (full, delta, said) in [
        (None, None, "older than a day"),
        (Some(long_ago), None, "older than a day"),
        // A complete pass that found nothing new about a device says that it is as it was.
        (Some(long_ago), Some(now()), "As of <time"),
    ] {
        let console = with_devices_of(
            1,
            long_ago,
            Connector { last_full_sync: full, last_delta_sync: delta, ..connector() },
        )
        .await;
        let page = console.get(&format!("/devices/{id}")).await;
        let fresh = page.between("<p class=\"state fresh", "</p>");
        assert!(fresh.contains(said), "{fresh}");
        assert_eq!(fresh.contains("older than a day"), said == "older than a day");
        assert!(page.body.contains(&format!(r#"action="/devices/{id}/refresh""#)));
        let list = console.get("/devices").await;
        assert_eq!(list.body.contains("</time>, old</span>"), said == "older than a day");
        console.stop().await;
    }
}

fn assert_harmless(answer: &Answer) {
    for harmful in ["<script>", "alert('x')</", "\u{202e}", "\u{0}"] {
        assert!(!answer.body.contains(harmful), "{harmful:?} in {}", answer.body);
    }
}

/// A console beside a connector in trouble with so many blocked devices, all of them hostile.
pub(crate) async fn with_devices(count: u128) -> Console {
    with_devices_of(count, now(), connector()).await
}

async fn with_devices_of(count: u128, observed: Timestamp, connector: Connector) -> Console {
    let console = Console::signed_in().await;
    let store = console.engine.store();
    store.add_connector(&connector, None).await.unwrap();
    let rows = (1..=count).map(|number| DeviceRow {
        facts: facts(Uuid::from_u128(number)),
        owner: Owner {
            user: Some(MARKUP.to_owned()),
            mailbox: Some(format!("{MARKUP}@contoso.com")),
            name: Some(format!("王 Jürgen, {MARKUP}\u{202e}\u{0}")),
            user_dn: None,
        },
        observed,
    });
    store.write_devices(connector.id, rows.collect()).await.unwrap();
    console
}

fn connector() -> Connector {
    Connector {
        id: ConnectorId(Uuid::from_u128(7)),
        name: ConnectorName::parse("lab").unwrap(),
        endpoint: Endpoint::OnPremises(ServerEndpoint {
            authentication: Authentication::Ntlm,
            username: Some(MARKUP.to_owned()),
            ..ServerEndpoint::new(format!("http://{MARKUP}/PowerShell/"))
        }),
        options: Options::default(),
        organization: None,
        state: ConnectorState::Trouble,
        trouble: Some(format!("{MARKUP}\u{202e}")),
        created: now(),
        last_full_sync: None,
        last_delta_sync: None,
        is_paused: false,
        next_install: None,
    }
}

fn facts(guid: Uuid) -> DeviceFacts {
    let hostile = || Some(MARKUP.to_owned());
    DeviceFacts {
        guid,
        identity: hostile(),
        distinguished_name: None,
        device_id: Some("<b>".to_owned()),
        friendly_name: Some(format!("{MARKUP}\u{7}")),
        device_type: hostile(),
        model: hostile(),
        os: hostile(),
        os_language: hostile(),
        user_agent: hostile(),
        imei: hostile(),
        phone_number: hostile(),
        operator: hostile(),
        client_type: hostile(),
        client_version: hostile(),
        access_state: AccessState::Blocked,
        access_reason: Some(AccessReason::Rule),
        access_rule: hostile(),
        first_sync: None,
        when_created: None,
        when_changed: None,
        other: vec![(MARKUP.to_owned(), MARKUP.to_owned())],
    }
}
