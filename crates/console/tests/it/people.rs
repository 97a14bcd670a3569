//! People in the console: the first administrator, signing in by password, the pages of the
//! administration.

use axum::http::{Method, StatusCode};

use crate::{Answer, Console};

const PASSWORD: &str = "correct+horse+battery";

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A console with the users jane, full administrator, and john, who may do nothing; jane signed in.
async fn with_jane() -> Console {
    let console = Console::signed_in().await;
    let form = format!("name=jane&display_name=Jane+Doe&password={PASSWORD}&again={PASSWORD}");
    let made = console.post("/administration/first", &form).await;
    assert_eq!(made.header("location"), "/administration/users", "{}", made.body);
    let john = format!("name=john&password={PASSWORD}");
    let added = console.post("/administration/users", &john).await;
    assert_eq!(added.header("location"), "/administration/users/john", "{}", added.body);
    let signed_in = console.post("/sign-in", &format!("name=jane&password={PASSWORD}")).await;
    Console { session: Some(cookie(&signed_in)), ..console }
}

async fn as_john(console: Console) -> Console {
    let signed_in = console.post("/sign-in", &format!("name=john&password={PASSWORD}")).await;
    Console { session: Some(cookie(&signed_in)), ..console }
}

#[tokio::test]
async fn who_comes_with_the_token_first_makes_an_administrator() {
    let console = Console::start().await;
    let page = console.get("/sign-in").await;
    assert!(!page.body.contains("name=\"password\""), "nobody has a password yet");
    let signed_in = console.post("/sign-in", &format!("token={}", crate::TOKEN)).await;
    assert_eq!(signed_in.header("location"), "/administration/first");
    let console = Console { session: Some(cookie(&signed_in)), ..console };
    assert!(console.get("/administration/first").await.body.contains("Make your first"));
    let differs = format!("name=jane&password={PASSWORD}&again=another");
    let refused = console.post("/administration/first", &differs).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("The two passwords are not the same."));
    assert!(!refused.body.contains("correct"), "a password is never said again");
    console.stop().await;
    let console = with_jane().await;
    let page = console.get("/administration/first").await;
    assert_eq!(page.header("location"), "/administration/users");
    let page = console.get("/sign-in").await;
    assert!(page.body.contains("name=\"password\"") && page.body.contains("name=\"token\""));
    let users = console.get("/administration/users").await;
    assert!(users.body.contains("full-administrator") && users.body.contains("Jane Doe"));
    console.stop().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let console = with_jane().await;
    let mut pages = Vec::new();
    for name in ["john", "nobody"] {
        let answer = console.post("/sign-in", &format!("name={name}&password=wrong")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.header("set-cookie"), "");
        pages.push(answer.body.replace(name, "NAME"));
    }
    assert_eq!(pages[0], pages[1]);
    console.stop().await;
}

#[tokio::test]
async fn a_forged_cookie_and_a_form_of_another_site_are_refused() {
    let console = with_jane().await;
    let forged =
        Console { session: Some(format!("gatepost_session={}", "0".repeat(64))), ..console };
    let answer = forged.get("/administration/users").await;
    assert_eq!(answer.header("location"), "/sign-in?next=%2Fadministration%2Fusers");
    forged.stop().await;
    let console = with_jane().await;
    for (header, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let form = "do=remove&confirm=john";
        let request = console.request(Method::POST, "/administration/users/john");
        let answer = console.send(request.header(header, value), form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header}");
    }
    assert_eq!(console.get("/administration/users/john").await.status, StatusCode::OK);
    console.stop().await;
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_it() {
    let console = with_jane().await;
    let request = console
        .request(Method::POST, "/sign-in")
        .header("sec-fetch-site", "same-origin")
        .header("x-forwarded-proto", "https");
    let answer = console.send(request, &format!("name=jane&password={PASSWORD}")).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-gatepost_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let secure = cookie.split(';').next().unwrap().to_owned();
    let console = Console { session: Some(secure), ..console };
    assert_eq!(console.get("/me").await.status, StatusCode::OK);
    console.stop().await;
}

#[tokio::test]
async fn what_one_may_not_see_is_not_there() {
    let console = as_john(with_jane().await).await;
    let pages = ["users", "users/jane", "roles", "collections", "tokens", "sessions"];
    for page in pages {
        let answer = console.get(&format!("/administration/{page}")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{page}");
        assert!(!answer.body.contains("Jane Doe"));
    }
    let me = console.get("/me").await;
    assert!(me.body.contains("Nothing yet. Ask an administrator of Gatepost for a role."));
    assert!(!me.body.contains("/administration/users\""), "no entry that leads to a refusal");
    console.stop().await;
}

#[tokio::test]
async fn roles_are_given_and_taken_away() {
    let console = with_jane().await;
    let role = "do=add&name=seer&description=sees&permission=read&permission=read-resource";
    let answer = console.post("/administration/roles", role).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let again = console.post("/administration/roles", role).await;
    assert!(again.body.contains("There is a role seer already."));
    let query = "do=add&name=ios&query=os:iOS&description=";
    let answer = console.post("/administration/collections", query).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let given = "do=assign&role=seer&place=collection:ios";
    let answer = console.post("/administration/users/john", given).await;
    assert_eq!(answer.header("location"), "/administration/users/john", "{}", answer.body);
    let page = console.get("/administration/users/john").await;
    assert!(page.body.contains("seer (collection ios)"));
    let refused = console.post("/administration/collections", "do=remove&name=ios").await;
    assert!(refused.body.contains("1 assignments and 0 tokens are scoped to the collection ios"));
    let jane = console.post("/administration/users/jane", "do=disable").await;
    assert!(jane.body.contains("Nobody else is full administrator everywhere"));
    console.stop().await;
}

#[tokio::test]
async fn a_token_is_shown_once() {
    let console = with_jane().await;
    let form = "do=make&name=monitoring&permission=read&place=&days=30";
    let made = console.post("/me/tokens", form).await;
    assert_eq!(made.status, StatusCode::OK);
    let token = made.between("<pre id=\"token\">", "</pre>");
    assert!(token.starts_with("gp_"), "{token}");
    let caller = console.engine.caller_of_token(&token, domain::Source::Api).await.unwrap();
    assert_eq!(caller.unwrap().name, "jane");
    for page in ["/me", "/administration/tokens"] {
        let page = console.get(page).await;
        assert!(page.body.contains("monitoring") && !page.body.contains(&token));
    }
    let id = token.split('_').nth(1).unwrap().to_owned();
    let ended = console.post("/me/tokens", &format!("do=revoke&token={id}")).await;
    assert_eq!(ended.header("location"), "/me", "{}", ended.body);
    assert!(console.engine.caller_of_token(&token, domain::Source::Api).await.unwrap().is_none());
    console.stop().await;
}

#[tokio::test]
async fn a_second_step_is_offered_as_an_image_and_confirmed_by_a_code() {
    let console = with_jane().await;
    let page = console.post("/me/totp", "do=offer").await;
    assert!(page.body.contains("<svg class=\"qr\"") && page.body.contains("otpauth://totp/"));
    let secret = page.between("type this secret: <code>", "</code>");
    let wrong = format!("do=confirm&secret={secret}&address=otpauth:x&code=12");
    let again = console.post("/me/totp", &wrong).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(again.body.contains(&secret), "who mistyped need not scan again");
    console.stop().await;
}

#[tokio::test]
async fn sessions_are_ended_from_the_list() {
    let console = with_jane().await;
    let page = console.get("/administration/sessions").await;
    let id = page.between("name=\"session\" value=\"", "\"");
    let ended = console.post("/administration/sessions", &format!("session={id}")).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.body);
    let unknown = console.post("/administration/sessions", "session=x").await;
    assert!([StatusCode::BAD_REQUEST, StatusCode::SEE_OTHER].contains(&unknown.status));
    console.stop().await;
}
