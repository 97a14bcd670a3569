//! Signing in and out.

use axum::http::StatusCode;

use crate::{Console, TOKEN};

#[tokio::test]
async fn the_token_opens_a_session_and_leads_to_the_page_that_was_asked_for() {
    let console = Console::start().await;
    let page = console.get("/sign-in?next=%2Fconnectors").await;
    assert!(page.body.contains(r#"<input type="hidden" name="next" value="/connectors">"#));
    // A token that was copied with its line break is the same token.
    let answer = console.post("/sign-in", &format!("token={TOKEN}%0A&next=%2Fconnectors")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/connectors");
    let (session, attributes) = answer.header("set-cookie").split_once("; ").unwrap();
    assert!(session.len() > "gatepost_session=".len() + 20, "{session}");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
    assert!(!session.contains(TOKEN));
    console.stop().await;
}

#[tokio::test]
async fn a_wrong_token_is_refused_in_words() {
    let console = Console::start().await;
    let answer = console.post("/sign-in", "token=wrong").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.header("set-cookie"), "");
    assert!(answer.body.contains("That is not the token of this server."));
    assert!(!answer.body.contains("wrong"), "what was typed is not said again");
    console.stop().await;
}

#[tokio::test]
async fn nobody_is_led_away_from_this_site() {
    let console = Console::start().await;
    for elsewhere in ["https%3A%2F%2Fevil.example%2F", "%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let answer = console.post("/sign-in", &format!("token={TOKEN}&next={elsewhere}")).await;
        assert_eq!(answer.header("location"), "/administration/first", "{elsewhere}");
    }
    console.stop().await;
}

#[tokio::test]
async fn who_signs_out_is_asked_again() {
    let console = Console::signed_in().await;
    assert_eq!(console.get("/devices").await.status, StatusCode::OK);
    let answer = console.post("/sign-out", "").await;
    assert_eq!(answer.header("location"), "/sign-in");
    let forgotten = "gatepost_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0";
    assert_eq!(answer.header("set-cookie"), forgotten);
    // The session itself is over, not only the cookie gone.
    assert_eq!(console.get("/devices").await.status, StatusCode::SEE_OTHER);
    console.stop().await;
}
