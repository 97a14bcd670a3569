//! Signing in by others: the page that sets it up, the buttons, and what comes back.

use axum::http::{Method, StatusCode};

use crate::{Console, inventory::with_devices};

const OIDC: &str = "name=corp&title=Contoso+account&issuer=http%3A%2F%2F127.0.0.1%3A9&client_id=gatepost\
                    &client_authentication=basic&secret=hunter2-of-the-client\
                    &public_url=https%3A%2F%2Fgatepost.contoso.test&scopes=profile+groups\
                    &groups_claim=groups&name_claim=preferred_username&secret_expires=2027-01-31";
const LDAP: &str = "name=ad&title=Contoso+directory&servers=127.0.0.1%3A9%0D%0A127.0.0.1%3A10\
                    &tls=ldaps&domain=contoso.test";
const LIST: &str = "/administration/sign-in";

async fn with_both() -> Console {
    let console = Console::signed_in().await;
    for (kind, form, name) in [("oidc", OIDC, "corp"), ("ldap", LDAP, "ad")] {
        let added = console.post(&format!("{LIST}/new/{kind}"), form).await;
        assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
        assert_eq!(added.header("location"), format!("{LIST}/{name}"));
    }
    console
}

#[tokio::test]
async fn ways_of_signing_in_are_set_up_and_never_show_their_secret() {
    let console = with_both().await;
    let list = console.get(LIST).await.body;
    assert!(
        list.contains("Contoso account") && list.contains("127.0.0.1:9, 127.0.0.1:10"),
        "{list}"
    );
    let one = console.get(&format!("{LIST}/corp")).await.body;
    assert!(one.contains("https://gatepost.contoso.test/sign-in/oidc/callback"), "{one}");
    assert!(one.contains(r#"placeholder="given""#) && !one.contains("hunter2"), "{one}");
    assert!(one.contains(r#"type="date" value="2027-01-31""#), "{one}");
    assert!(one.contains("Nobody came by it yet."), "{one}");
    let wrong = OIDC.replace("2027-01-31", "soon");
    let refused = console.post(&format!("{LIST}/corp"), &wrong).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("is no day"), "{}", refused.body);

    let refused = console.post(&format!("{LIST}/new/oidc"), "name=x&title=X&secret=hunter2").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("The issuer is not") && !refused.body.contains("hunter2"));

    let kept = OIDC
        .replace("secret=hunter2-of-the-client", "secret=")
        .replace("groups_claim=groups", "groups_claim=roles");
    let changed = console.post(&format!("{LIST}/corp"), &kept).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.body);
    assert!(console.get(&format!("{LIST}/corp")).await.body.contains(r#"value="roles""#));

    let tried = console.post(&format!("{LIST}/corp/test"), "").await;
    assert!(
        tried.body.contains("Fails") && tried.body.contains("could not be asked"),
        "{}",
        tried.body
    );

    let refused = console.post(&format!("{LIST}/ad/remove"), "confirm=no").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(console.post(&format!("{LIST}/ad/disable"), "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(console.get("/sign-in/ldap/ad").await.status, StatusCode::NOT_FOUND);
    let removed = console.post(&format!("{LIST}/ad/remove"), "confirm=ad").await;
    assert_eq!(removed.header("location"), LIST);
    assert_eq!(console.get(&format!("{LIST}/ad")).await.status, StatusCode::NOT_FOUND);
    console.stop().await;
}

#[tokio::test]
async fn who_has_not_signed_in_sees_buttons_and_nothing_else() {
    let console = Console { session: None, ..with_both().await };
    let page = console.get("/sign-in?next=%2Fdevices").await.body;
    assert!(page.contains(r#"href="/sign-in/oidc/corp?next=%2Fdevices""#), "{page}");
    assert!(page.contains(r#"href="/sign-in/ldap/ad?next=%2Fdevices""#), "{page}");
    for closed in [LIST.to_owned(), format!("{LIST}/corp"), format!("{LIST}/new/ldap")] {
        assert_eq!(console.get(&closed).await.status, StatusCode::SEE_OTHER, "{closed}");
    }
    console.stop().await;
}

#[tokio::test]
async fn who_has_signed_out_is_led_to_the_provider_and_nowhere_else() {
    let console = Console { session: None, ..with_both().await };
    let page = console.get("/sign-in?left=corp").await.body;
    assert!(page.contains("Contoso account may still know this browser"), "{page}");
    assert!(page.contains(r#"href="/sign-in/oidc/corp/end""#), "{page}");
    for other in ["ad", "none", "https%3A%2F%2Fevil.example", "%3Cb%3E"] {
        let page = console.get(&format!("/sign-in?left={other}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("still know") && !page.body.contains("evil"), "{}", page.body);
    }
    let off = console.get("/sign-in/oidc/corp/end").await;
    assert_eq!(off.status, StatusCode::BAD_GATEWAY);
    assert!(off.body.contains("Contoso account could not be asked."), "{}", off.body);
    for unknown in ["/sign-in/oidc/ad/end", "/sign-in/oidc/none/end"] {
        assert_eq!(console.get(unknown).await.status, StatusCode::NOT_FOUND, "{unknown}");
    }
    console.stop().await;
}

#[tokio::test]
async fn a_secret_that_ends_stands_on_the_home_page() {
    // On the second of March.
    let console = with_devices(1).await;
    let ending = |day: &str| OIDC.replace("2027-01-31", day);
    let added = console.post(&format!("{LIST}/new/oidc"), &ending("2026-03-10")).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    for (day, said) in [
        ("2026-03-10", Some("people sign in with it")),
        ("2026-03-01", Some("it has ended; give the new one")),
        ("2026-03-20", None),
        ("", None),
    ] {
        console.post(&format!("{LIST}/corp"), &ending(day)).await;
        let home = console.get("/").await.body;
        assert_eq!(home.contains("Secret of Contoso account"), said.is_some(), "{day}: {home}");
        assert!(said.is_none_or(|said| home.contains(said)), "{day}: {home}");
    }
    console.stop().await;
}

#[tokio::test]
async fn trying_has_an_end_before_a_directory_locks_anybody() {
    let console = Console { session: None, ..with_both().await };
    // Nothing is asked without a password, and it counts all the same.
    for name in ["jane", "JANE", "CONTOSO%5Cjane"] {
        let refused = console.post("/sign-in/ldap/ad", &format!("user={name}&password=")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    }
    let refused = console.post("/sign-in/ldap/ad", "user=jane%40contoso.test&password=x").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "1200");
    assert!(refused.body.contains("try again in 20 minutes"), "{}", refused.body);
    let other = console.post("/sign-in/ldap/ad", "user=otto&password=").await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    console.stop().await;
}

#[tokio::test]
async fn what_does_not_work_is_told_and_signs_nobody_in() {
    let console = Console { session: None, ..with_both().await };
    let off = console.get("/sign-in/oidc/corp").await;
    assert_eq!(off.status, StatusCode::BAD_GATEWAY);
    assert!(off.body.contains("Contoso account could not be asked."), "{}", off.body);
    for unknown in
        ["/sign-in/oidc/none", "/sign-in/oidc/ad", "/sign-in/ldap/corp", "/sign-in/ldap/A"]
    {
        assert_eq!(console.get(unknown).await.status, StatusCode::NOT_FOUND, "{unknown}");
    }
    let forged = console.get("/sign-in/oidc/callback?code=x&state=y").await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(
        forged.body.contains("Begin again")
            && !forged.header("set-cookie").contains("gatepost_session")
    );

    let page = console.get("/sign-in/ldap/ad?next=https%3A%2F%2Fevil.example").await.body;
    assert!(page.contains("Contoso directory") && !page.contains("evil.example"), "{page}");
    let empty = console.post("/sign-in/ldap/ad", "user=jane&password=").await;
    assert_eq!(empty.status, StatusCode::FORBIDDEN);
    assert!(empty.body.contains("The user name or the password is wrong"), "{}", empty.body);
    let off = console.post("/sign-in/ldap/ad", "user=jane&password=hunter2").await;
    assert_eq!(off.status, StatusCode::BAD_GATEWAY);
    assert!(off.body.contains("could not be asked") && !off.body.contains("hunter2"));
    assert!(off.body.contains(r#"value="jane""#), "what was typed need not be typed again");

    // A form of another site signs nobody in.
    let request = console
        .request(Method::POST, "/sign-in/ldap/ad")
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site");
    let foreign = console.send(request, "user=jane&password=x").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert!(!foreign.body.contains("Contoso directory"));
    console.stop().await;
}
