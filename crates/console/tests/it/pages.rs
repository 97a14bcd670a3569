//! What every page has, and pages without anything to show.

use axum::http::StatusCode;

use crate::Console;

#[tokio::test]
async fn every_page_carries_the_headers() {
    let console = Console::signed_in().await;
    let page = console.get("/devices").await;
    insta::assert_snapshot!(page.fixed_headers(), @r"
    cache-control: no-store
    content-security-policy: default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'
    content-type: text/html; charset=utf-8
    cross-origin-opener-policy: same-origin
    permissions-policy: camera=(), geolocation=(), microphone=()
    referrer-policy: same-origin
    x-content-type-options: nosniff
    x-frame-options: DENY
    ");
    for address in
        ["/connectors", "/connectors/new", "/sign-in", "/nowhere", "/connectors/none", "/approvals"]
    {
        let other = console.get(address).await;
        assert_eq!(other.fixed_headers(), page.fixed_headers(), "{address}");
    }
    console.stop().await;
}

#[tokio::test]
async fn nothing_in_a_page_needs_what_the_policy_forbids() {
    let console = Console::signed_in().await;
    for address in
        ["/devices", "/connectors", "/connectors/new", "/sign-in", "/nowhere", "/approvals"]
    {
        let page = console.get(address).await.body;
        for forbidden in ["style=", "<style", "onclick=", "hx-on", "javascript:", "<script>"] {
            assert!(!page.contains(forbidden), "{address} has {forbidden}");
        }
    }
    console.stop().await;
}

#[tokio::test]
async fn assets_are_served_with_their_kind() {
    let console = Console::start().await;
    let page = console.get("/sign-in").await;
    for (name, kind) in [
        ("app.css", "text/css; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("htmx-2.0.11.min.js", "text/javascript; charset=utf-8"),
        ("favicon.svg", "image/svg+xml"),
    ] {
        let (before, _) = page.body.split_once(name).unwrap();
        let folder = before.rsplit('"').next().unwrap();
        let answer = console.get(&format!("{folder}{name}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, kind));
    }
    let answer = console.get("/assets/x/none.css").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    console.stop().await;
}

#[tokio::test]
async fn an_empty_page_says_what_to_do_first() {
    let console = Console::signed_in().await;
    let devices = console.get("/devices").await;
    assert!(devices.body.contains("0 devices; 0 quarantined; no full sync yet."));
    insta::assert_snapshot!(devices.between("<div class=\"card empty\">", "</div>"), @r##"
    <h2>No organization is connected yet</h2>
    <p class="quiet">Every phone that syncs with a connected Exchange organization shows up here. Connecting one takes ten minutes.</p>
    <a class="button primary" href="/connectors">See what is needed</a>
    "##);
    let connectors = console.get("/connectors").await;
    assert!(connectors.body.contains("No organization is connected yet"));
    assert!(connectors.body.contains(r#"href="/connectors/new">Connect an organization</a>"#));
    // Whoever signs in is led there.
    assert_eq!(console.get("/").await.header("location"), "/connectors");
    console.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let console = Console::signed_in().await;
    for (address, what) in [
        ("/devices/0195a1b2-0000-7000-8000-000000000001", "device"),
        ("/devices/x", "device"),
        ("/connectors/none", "connector"),
        ("/connectors/%3Cb%3E", "connector"),
        ("/requests/x", "request"),
        ("/devices/act?action=explode&query=", "action"),
        ("/nowhere", "page"),
    ] {
        let answer = console.get(address).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
        let text = format!("There is no such {what}. It may have been removed.");
        assert!(answer.body.contains(&text), "{address}: {}", answer.body);
    }
    console.stop().await;
}
