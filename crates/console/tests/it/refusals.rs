//! Who gets nothing.

use axum::http::{Method, StatusCode};

use crate::Console;

/// Everything that changes something.
const ACTIONS: [&str; 21] = [
    "/administration/notifications/webhook",
    "/administration/notifications/channels/pager/remove",
    "/administration/notifications/subscriptions",
    "/connectors/new",
    "/connectors/lab/edit",
    "/connectors/lab/sync",
    "/connectors/lab/pause",
    "/connectors/lab/resume",
    "/connectors/lab/check",
    "/connectors/lab/ageing",
    "/connectors/lab/remove",
    "/devices/0195a1b2-0000-7000-8000-000000000001/refresh",
    "/devices/act",
    "/requests/0195a1b2-0000-7000-8000-000000000001/approve",
    "/requests/0195a1b2-0000-7000-8000-000000000001/reject",
    "/requests/0195a1b2-0000-7000-8000-000000000001/cancel",
    "/approvals/take-back",
    "/guard/limits",
    "/guard/lift",
    "/guard/confirm",
    "/guard/restore",
];

const PAGES: [&str; 22] = [
    "/administration/notifications",
    "/administration/notifications/messages/device.new/en",
    "/",
    "/live",
    "/devices",
    "/devices?query=state:blocked",
    "/devices/0195a1b2-0000-7000-8000-000000000001",
    "/devices/0195a1b2-0000-7000-8000-000000000001/live",
    "/devices/act?action=allow&query=",
    "/requests/0195a1b2-0000-7000-8000-000000000001",
    "/requests/0195a1b2-0000-7000-8000-000000000001/live",
    "/approvals",
    "/approvals/live",
    "/approvals/take-back",
    "/connectors",
    "/connectors/live",
    "/connectors/new",
    "/connectors/lab",
    "/connectors/lab/live",
    "/connectors/lab/edit",
    "/connectors/lab/remove",
    "/connectors/lab/role-script",
];

#[tokio::test]
async fn no_page_is_shown_to_who_has_not_signed_in() {
    let console = Console::start().await;
    for page in PAGES {
        let answer = console.get(page).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}");
        let location = answer.header("location");
        assert!(location.starts_with("/sign-in?next=%2F"), "{page}: {location}");
        assert_eq!(answer.body, "");
    }
    for action in ACTIONS {
        let answer = console.post(action, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{action}");
        assert!(answer.header("location").starts_with("/sign-in"), "{action}");
    }
    console.stop().await;
}

#[tokio::test]
async fn a_part_of_a_page_sends_the_whole_window_to_the_sign_in() {
    let console = Console::start().await;
    for page in PAGES {
        let answer = console.get_part(page).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{page}");
        assert!(answer.header("hx-redirect").starts_with("/sign-in?next=%2F"), "{page}");
        assert_eq!(answer.body, "");
    }
    console.stop().await;
}

#[tokio::test]
async fn a_made_up_session_is_none() {
    let console = Console {
        session: Some("gatepost_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        ..Console::start().await
    };
    assert_eq!(console.get("/devices").await.status, StatusCode::SEE_OTHER);
    console.stop().await;
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let console = Console::signed_in().await;
    for address in ["/sign-in", "/sign-out"].into_iter().chain(ACTIONS) {
        let request = console.request(Method::POST, address);
        let answer = console.send(request.header("sec-fetch-site", "cross-site"), "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{address}");
        let request = console.request(Method::POST, address);
        let answer = console.send(request.header("origin", "https://evil.example"), "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{address}");
    }
    // Nobody was signed out by it.
    assert_eq!(console.get("/devices").await.status, StatusCode::OK);
    console.stop().await;
}
