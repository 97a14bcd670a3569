//! Setting a connector up, and changing it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use domain::{Caller, Connector, ConnectorName, Permission};

use crate::{Answer, Console};

const PASSWORD: &str = "Correct-Horse-1";

/// The form of a page, as a browser would send it: what is shown, and what is carried along.
pub(crate) fn form(page: &Answer) -> BTreeMap<String, String> {
    let mut form = BTreeMap::new();
    for tag in page.body.split('<').filter(|tag| tag.starts_with("input ")) {
        let attribute = |name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
            Some(plain(rest.split_once('"')?.0))
        };
        let Some(name) = attribute("name") else { continue };
        let is_radio = attribute("type").as_deref() == Some("radio");
        if !is_radio || tag.contains(" checked") {
            form.insert(name, attribute("value").unwrap_or_default());
        }
    }
    for part in page.body.split("<select ").skip(1) {
        let name = part.split_once("name=\"").unwrap().1.split_once('"').unwrap().0;
        let options = part.split_once("</select>").unwrap().0;
        if let Some((before, _)) = options.split_once(" selected") {
            let value = before.rsplit("value=\"").next().unwrap().trim_end_matches('"');
            form.insert(name.to_owned(), plain(value));
        }
    }
    for part in page.body.split("<textarea ").skip(1) {
        let name = part.split_once("name=\"").unwrap().1.split_once('"').unwrap().0;
        let text = part.split_once('>').unwrap().1.split_once("</textarea>").unwrap().0;
        form.insert(name.to_owned(), plain(text.trim_start()));
    }
    form
}

fn plain(html: &str) -> String {
    let mut text = html.to_owned();
    for (entity, plain) in [("&#39;", "'"), ("&#34;", "\""), ("&#60;", "<"), ("&#62;", ">")] {
        text = text.replace(entity, plain);
    }
    text.replace("&#38;", "&")
}

pub(crate) fn encoded(form: &BTreeMap<String, String>) -> String {
    let encode =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let pairs = form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Fills in fields of a page and presses a button.
async fn press(
    console: &Console,
    address: &str,
    page: &Answer,
    fields: &[(&str, &str)],
    button: &str,
) -> Answer {
    let mut form = form(page);
    for (name, value) in fields.iter().chain(&[("go", button)]) {
        form.insert((*name).to_owned(), (*value).to_owned());
    }
    let answer = console.post(address, &encoded(&form)).await;
    assert!(!answer.body.contains(PASSWORD), "a password stands in a page");
    answer
}

fn title(page: &Answer) -> String {
    page.between("<h2 id=\"step\">", "</h2>")
}

async fn connector(console: &Console, name: &str) -> Option<Connector> {
    let scope = Caller::local_administrator().scope(Permission::Read).unwrap();
    let name = ConnectorName::parse(name).unwrap();
    console.engine.store().connector(&scope, &name).await.ok()
}

const NEW: &str = "/connectors/new";
const GENERAL: [(&str, &str); 2] =
    [("name", "contoso"), ("url", "http://ex01.contoso.com/PowerShell/")];
const ACCOUNT: [(&str, &str); 2] = [("username", r"CONTOSO\svc"), ("password", PASSWORD)];

/// A console with a connector that was set up by pressing "Continue".
async fn with_connector() -> Console {
    let console = Console::signed_in().await;
    let page = console.get(NEW).await;
    let page = press(&console, NEW, &page, &GENERAL, "next").await;
    let page = press(&console, NEW, &page, &ACCOUNT, "next").await;
    let page = press(&console, NEW, &page, &[], "next").await;
    let page = press(&console, NEW, &page, &[], "next").await;
    let answer = press(&console, NEW, &page, &[], "add").await;
    assert_eq!(answer.header("location"), "/connectors/contoso?new#permissions");
    console
}

#[tokio::test]
async fn five_steps_lead_to_a_connector() {
    let console = Console::signed_in().await;
    let page = console.get(NEW).await;
    assert_eq!(title(&page), "General");
    let page = press(&console, NEW, &page, &GENERAL, "next").await;
    assert_eq!((page.status, title(&page)), (StatusCode::OK, "Account".to_owned()));
    let page = press(&console, NEW, &page, &ACCOUNT, "next").await;
    assert_eq!(title(&page), "Discovery");
    let discovery = [("scope", "recipients"), ("recipient_filter", "Office -eq '<A&B>'")];
    let page = press(&console, NEW, &page, &discovery, "next").await;
    assert_eq!(title(&page), "Settings");
    let page = press(&console, NEW, &page, &[("runspaces", "2")], "next").await;
    assert_eq!(title(&page), "Review");
    insta::assert_snapshot!(page.between("<section class=\"review\" aria-labelledby=\"review-account\">", "</section>"), @r##"
    <h3 id="review-account">Account</h3>
    <button class="button small" type="submit" name="go" value="account" aria-label="Change Account">Change</button>
    <dl class="facts"><dt>Signs in as</dt><dd>CONTOSO\svc, password given</dd><dt>Way of signing in</dt><dd>The best that the server offers</dd><dt>Notifications are sent with</dt><dd>None</dd></dl>
    "##);
    assert!(connector(&console, "contoso").await.is_none(), "nothing is kept before the end");
    let answer = press(&console, NEW, &page, &[], "add").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let added = connector(&console, "contoso").await.unwrap();
    assert_eq!(added.endpoint.server().unwrap().username.as_deref(), Some(r"CONTOSO\svc"));
    assert_eq!(added.options.runspaces.get(), 2);
    let scope = domain::connector::DiscoveryScope::Recipients("Office -eq '<A&B>'".to_owned());
    assert_eq!(added.options.discovery.scope, scope);
    console.stop().await;
}

#[tokio::test]
async fn a_step_that_is_wrong_is_not_passed_by() {
    let console = Console::signed_in().await;
    let page = console.get(NEW).await;
    let wrong = [("name", "contoso"), ("url", "ex01")];
    let page = press(&console, NEW, &page, &wrong, "next").await;
    assert_eq!(
        (page.status, title(&page)),
        (StatusCode::UNPROCESSABLE_ENTITY, "General".to_owned())
    );
    insta::assert_snapshot!(page.between("<div class=\"error\" role=\"alert\">", "</div>"), @r##"
    <strong>1 field needs another look.</strong>
    <ul class="wrong-fields"><li><a href="#url">The address begins with http:// or https://; write it as in http://exchange.contoso.com/PowerShell/.</a></li></ul>
    "##);
    assert!(page.body.contains(r#"value="ex01""#), "what was typed stays");
    // Whoever writes a form by hand comes no further.
    let page = press(&console, NEW, &page, &GENERAL, "add").await;
    assert_eq!(
        (page.status, title(&page)),
        (StatusCode::UNPROCESSABLE_ENTITY, "Account".to_owned())
    );
    let page = press(&console, NEW, &page, &[], "back").await;
    assert_eq!((page.status, title(&page)), (StatusCode::OK, "General".to_owned()));
    console.stop().await;
}

#[tokio::test]
async fn a_password_stays_with_the_session_that_typed_it() {
    let console = Console::signed_in().await;
    let page = console.get(NEW).await;
    let page = press(&console, NEW, &page, &GENERAL, "next").await;
    let page = press(&console, NEW, &page, &ACCOUNT, "next").await;
    let again = press(&console, NEW, &page, &[], "back").await;
    assert!(again.body.contains("It is given and not shown again."));
    assert!(
        again.body.contains(r#"type="password" autocomplete="new-password" placeholder="given""#)
    );
    // The same form in another session is asked for the password.
    let other = console.post("/sign-in", &format!("token={}", crate::TOKEN)).await;
    let cookie = other.header("set-cookie").split(';').next().unwrap().to_owned();
    let request = console.request(axum::http::Method::POST, NEW);
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    parts.headers.insert("cookie", cookie.parse().unwrap());
    parts.headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
    let mut builder = axum::http::Request::builder().method(parts.method).uri(parts.uri);
    *builder.headers_mut().unwrap() = parts.headers;
    let stolen = console.send(builder, &encoded(&form(&page))).await;
    assert_eq!(title(&stolen), "Account");
    assert!(stolen.body.contains("Give the password of the account."));
    console.stop().await;
}

#[tokio::test]
async fn a_second_connector_of_that_name_is_refused_beside_the_name() {
    let console = with_connector().await;
    let page = console.get(NEW).await;
    let page = press(&console, NEW, &page, &GENERAL, "next").await;
    assert_eq!(
        page.between("id=\"name-error\">", "</span>"),
        "There is a connector contoso already; choose another name."
    );
    console.stop().await;
}

#[tokio::test]
async fn a_change_keeps_the_password_that_was_not_typed() {
    let console = with_connector().await;
    let edit = "/connectors/contoso/edit";
    let page = console.get(edit).await;
    assert!(!page.body.contains(PASSWORD));
    let wrong = press(&console, edit, &page, &[("inactive_days", "x")], "").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        wrong.between("id=\"inactive_days-error\">", "</span>"),
        "Write a number from 1 to 3,650."
    );
    let name = [("name", "renamed"), ("inactive_days", "90"), ("full", "own"), ("full_own", "2d")];
    let answer = press(&console, edit, &page, &name, "").await;
    assert_eq!(answer.header("location"), "/connectors/contoso?new#permissions");
    let changed = connector(&console, "contoso").await.unwrap();
    assert_eq!(changed.options.discovery.inactive_days, Some(90));
    assert_eq!(changed.options.schedules.full.to_string(), "2d");
    assert!(connector(&console, "renamed").await.is_none());
    // An account without a password could not be kept: the old one is still there.
    let again = console.get(edit).await;
    assert!(again.body.contains("It is given and not shown again."));
    console.stop().await;
}

const HOSTED: [(&str, &str); 4] = [
    ("place", "hosted"),
    ("name", "cloud"),
    ("tenant", "Contoso.onmicrosoft.com"),
    ("cloud", "gcc-high"),
];
const APPLICATION: [(&str, &str); 3] = [
    ("application", "b7e7b4a4-2c0c-4a1b-9c0b-1c1f2a3b4c5d"),
    ("sign_in", "secret"),
    ("client_secret", PASSWORD),
];

#[tokio::test]
async fn a_hosted_organization_needs_a_tenant_and_what_proves_who_we_are() {
    let console = Console::signed_in().await;
    let page = console.get(NEW).await;
    let page = press(&console, NEW, &page, &HOSTED, "next").await;
    assert_eq!((page.status, title(&page)), (StatusCode::OK, "Account".to_owned()));
    assert!(!page.body.contains("name=\"keytab\" value=\"\" autocomplete"), "{}", page.body);
    assert!(page.body.contains("The application (client) id that Entra shows."));
    let page = press(&console, NEW, &page, &[], "next").await;
    assert_eq!(title(&page), "Account", "nothing was given to sign in with");
    assert!(page.body.contains("Give the certificate of the application, with its key."));
    let page = press(&console, NEW, &page, &APPLICATION, "next").await;
    assert_eq!(title(&page), "Discovery");
    assert!(!page.body.contains("organizational units"), "there are none of anybody's own");
    let page = press(&console, NEW, &page, &[], "next").await;
    let page = press(&console, NEW, &page, &[], "next").await;
    assert_eq!(title(&page), "Review");
    assert!(page.body.contains("Hosted: Exchange Online"));
    assert!(page.body.contains("<dt>Tenant</dt><dd>contoso.onmicrosoft.com</dd>"));
    assert!(!page.body.contains("Active Directory"), "it has no directory of its own");
    let answer = press(&console, NEW, &page, &[], "add").await;
    assert_eq!(answer.header("location"), "/connectors/cloud?new#permissions");
    let added = connector(&console, "cloud").await.unwrap();
    let hosted = added.endpoint.hosted().unwrap();
    assert_eq!(hosted.tenant.as_str(), "contoso.onmicrosoft.com");
    assert_eq!(hosted.cloud.word(), "gcc-high");
    assert_eq!(hosted.sign_in.word(), "secret");

    let edit = "/connectors/cloud/edit";
    let page = console.get(edit).await;
    assert!(!page.body.contains("name=\"url\""), "a connector stays where it leads to");
    assert!(page.body.contains("It is given and not shown again."));
    let answer =
        press(&console, edit, &page, &[("place", "on-premises"), ("cloud", "dod")], "").await;
    assert_eq!(answer.header("location"), "/connectors/cloud?new#permissions");
    let changed = connector(&console, "cloud").await.unwrap();
    assert_eq!(changed.endpoint.hosted().unwrap().cloud.word(), "dod");
    let page = console.get("/connectors/cloud").await;
    assert!(page.body.contains("contoso.onmicrosoft.com"));
    assert!(page.body.contains("A client secret of the application"));
    console.stop().await;
}

#[tokio::test]
async fn a_file_that_is_no_certificate_is_refused_and_not_shown_again() {
    let console = Console::signed_in().await;
    let page = console.get(NEW).await;
    let page = press(&console, NEW, &page, &HOSTED, "next").await;
    let certificate = [APPLICATION[0], ("certificate", PASSWORD)];
    let page = press(&console, NEW, &page, &certificate, "next").await;
    let page = press(&console, NEW, &page, &[], "next").await;
    let page = press(&console, NEW, &page, &[], "next").await;
    let page = press(&console, NEW, &page, &[], "add").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = page.between("<div class=\"error\" role=\"alert\">", "</div>");
    assert!(said.contains("neither PEM nor a PFX file"), "{said}");
    assert!(connector(&console, "cloud").await.is_none());
    console.stop().await;
}
