//! People sign in by a provider that speaks OpenID Connect, and everything that goes wrong there.

mod leaving;
mod provider;

use domain::{
    Permission, ProviderName, ProviderSettings,
    audit::Event,
    authority::{AssignedPlace, Assignee, Assignment, BuiltInRole, GroupName},
    identity_provider::{ClientAuthentication, OpenIdConnect},
};
use engine::{
    ExternalSignInError, IdentityProviderChange, NewIdentityProvider, OpenIdAnswer, OpenIdSession,
    SecretChange, Visit,
};
use jiff::SignedDuration;
use provider::Provider;
use serde_json::{Value, json};
use store::PeopleWrite;
use testkit::TestApp;

const SECRET: &str = "s3cret/with+odd characters";

struct Story {
    app: TestApp,
    provider: Provider,
}

/// A browser on its way.
struct Away {
    state: String,
    nonce: String,
    browser: String,
}

impl Story {
    async fn begin() -> Self {
        let (app, provider) = (TestApp::beside(0).unwrap(), Provider::start().await);
        let new = NewIdentityProvider {
            name: name(),
            title: "Contoso account".to_owned(),
            settings: settings(&provider),
            secret: Some(SECRET.to_owned()),
            secret_expires: None,
        };
        app.engine().add_identity_provider(&app.caller(), new).await.unwrap();
        let assignment = Assignment {
            id: domain::AssignmentId(uuid::Uuid::new_v4()),
            role: BuiltInRole::HelpDesk.role().name,
            assignee: Assignee::Group(GroupName::parse("corp:Help desk").unwrap()),
            place: AssignedPlace::Everywhere,
            created: app.engine().now(),
        };
        let write = [PeopleWrite::AddAssignment(&assignment)];
        app.engine().store().write_people(&[], &write).await.unwrap();
        Self { app, provider }
    }

    /// Sends a browser away.
    async fn away(&self) -> Away {
        let engine = self.app.engine();
        let beginning = engine.begin_open_id(&name(), "/devices?a=b", &visit()).await.unwrap();
        let field = |wanted: &str| {
            let (_, query) = beginning.location.split_once('?').unwrap();
            let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{wanted}=")));
            found.unwrap_or_else(|| panic!("no {wanted} in {query}")).to_owned()
        };
        assert!(beginning.location.starts_with(&format!("{}/auth?", self.provider.issuer)));
        assert_eq!(field("code_challenge_method"), "S256");
        assert_eq!(field("scope"), "openid%20groups");
        Away { state: field("state"), nonce: field("nonce"), browser: beginning.browser }
    }

    /// What a token of the provider says to a browser, with changes.
    fn says(&self, away: &Away, changes: &Value) {
        let now = self.app.engine().now().as_second();
        let mut claims = json!({
            "iss": self.provider.issuer, "aud": "gatepost", "sub": "jane", "nonce": away.nonce,
            "iat": now, "exp": now + 300, "preferred_username": "jane", "groups": ["Help desk"],
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.provider.claims(claims);
    }

    async fn back(&self, away: &Away) -> Result<OpenIdSession, ExternalSignInError> {
        self.back_with(answer(&away.state), Some(&away.browser)).await
    }

    async fn back_with(
        &self,
        answer: OpenIdAnswer,
        browser: Option<&str>,
    ) -> Result<OpenIdSession, ExternalSignInError> {
        self.app.engine().finish_open_id(&answer, browser, &visit()).await
    }

    /// What somebody is told whose token says this.
    async fn refused(&self, changes: Value) -> String {
        let away = self.away().await;
        self.says(&away, &changes);
        self.back(&away).await.unwrap_err().to_string()
    }

    async fn events(&self) -> Vec<Event> {
        let scope = self.app.caller().scope(Permission::ReadAudit).unwrap();
        let told = self.app.engine().store().audit(&scope, 0, 100).await.unwrap();
        told.iter().map(|row| row.event).collect()
    }
}

fn visit() -> Visit {
    Visit { address: "192.0.2.7".parse().ok(), agent: Some("a browser".to_owned()) }
}

fn name() -> ProviderName {
    ProviderName::parse("corp").unwrap()
}

fn answer(state: &str) -> OpenIdAnswer {
    OpenIdAnswer {
        state: Some(state.to_owned()),
        code: Some("the-code".to_owned()),
        ..OpenIdAnswer::default()
    }
}

fn settings(provider: &Provider) -> ProviderSettings {
    ProviderSettings::OpenIdConnect(OpenIdConnect {
        issuer: provider.issuer.clone(),
        client_id: "gatepost".to_owned(),
        client_authentication: ClientAuthentication::Basic,
        public_url: "https://gatepost.contoso.test".to_owned(),
        scopes: vec!["groups".to_owned()],
        groups_claim: "groups".to_owned(),
        name_claim: "preferred_username".to_owned(),
        extra_roots_pem: None,
    })
}

#[tokio::test]
async fn somebody_comes_in_by_a_group_and_goes_on_where_they_wanted_to() {
    let story = Story::begin().await;
    let away = story.away().await;
    story.says(&away, &json!({}));
    let OpenIdSession { session, next } = story.back(&away).await.unwrap();
    assert_eq!(next, "/devices?a=b");
    let caller = story.app.engine().caller_of_session(&session.secret).await.unwrap().unwrap();
    assert_eq!(caller.name, "jane");
    assert!(caller.may(Permission::ModifyResource) && !caller.may(Permission::WipeDevice));

    // Who asked for the token proved who it was, and that it was who sent the browser away.
    assert!(story.provider.authorization().starts_with("Basic "));
    assert_eq!(story.provider.asked("grant_type").as_deref(), Some("authorization_code"));
    assert!(story.provider.asked("code_verifier").unwrap().len() >= 43);
    let redirect = story.provider.asked("redirect_uri");
    let expected = "https://gatepost.contoso.test/sign-in/oidc/callback";
    assert_eq!(redirect.as_deref(), Some(expected));
    assert_eq!(story.events().await[..2], [Event::SignInChanged, Event::UserChanged]);
}

#[tokio::test]
async fn a_state_is_good_once_in_time_and_in_its_own_browser() {
    let story = Story::begin().await;
    let used = story.away().await;
    story.says(&used, &json!({}));
    story.back(&used).await.unwrap();
    let before = story.events().await.len();
    assert!(story.back(&used).await.unwrap_err().to_string().contains("Begin again"));

    let other = story.away().await;
    story.says(&other, &json!({}));
    for browser in [None, Some("another")] {
        let refused = story.back_with(answer(&other.state), browser).await.unwrap_err();
        assert!(refused.to_string().contains("not begun in this browser"));
    }
    // Whoever tried it with another browser used it up.
    assert!(story.back(&other).await.is_err());

    let late = story.away().await;
    story.says(&late, &json!({}));
    story.app.clock().advance(SignedDuration::from_mins(10));
    assert!(story.back(&late).await.unwrap_err().to_string().contains("longer than 10 minutes"));
    assert!(story.back_with(OpenIdAnswer::default(), None).await.is_err());
    // What anybody can send fills no record.
    assert_eq!(story.events().await.len(), before);
}

#[tokio::test]
async fn a_token_that_is_wrong_lets_nobody_in_and_is_on_record() {
    let story = Story::begin().await;
    let now = story.app.engine().now().as_second();
    for (changes, told) in [
        (json!({ "nonce": "another" }), "answers another sign-in"),
        (json!({ "exp": now - 120 }), "has expired"),
        (json!({ "aud": "other" }), "for somebody else"),
        (json!({ "iss": "https://evil.test" }), "of another issuer"),
        (json!({ "at_hash": "AAAA" }), "another access token"),
        (json!({ "nbf": now + 120 }), "not valid yet"),
        (json!({ "aud": ["gatepost", "other"] }), "azp"),
        (json!({ "sub": null }), "claim sub"),
        (json!({ "_claim_names": { "groups": "src1" }, "groups": null }), "too many groups"),
    ] {
        let refused = story.refused(changes).await;
        assert!(refused.contains(told), "{refused}");
    }
    let refused = story.refused(json!({ "groups": ["Everybody"] })).await;
    assert!(refused.contains("may do nothing here yet"), "{refused}");
    let failed = story.events().await.into_iter().filter(|it| *it == Event::SignInFailed).count();
    assert_eq!(failed, 10);
}

#[tokio::test]
async fn keys_that_change_are_asked_for_once_more_and_not_all_the_time() {
    let story = Story::begin().await;
    let away = story.away().await;
    story.says(&away, &json!({}));
    story.back(&away).await.unwrap();
    assert_eq!(story.provider.keys_asked(), 1);

    story.provider.rotate("second");
    let away = story.away().await;
    story.says(&away, &json!({}));
    story.back(&away).await.unwrap();
    assert_eq!(story.provider.keys_asked(), 2);

    // At once again: whoever sends tokens of unknown keys makes nobody ask.
    story.provider.rotate("third");
    let refused = story.refused(json!({})).await;
    assert!(refused.contains("a key that the provider does not publish"), "{refused}");
    assert_eq!(story.provider.keys_asked(), 2);
}

#[tokio::test]
async fn what_a_token_leaves_out_is_asked_for_and_must_be_of_the_same_person() {
    let story = Story::begin().await;
    let more = json!({ "sub": "jane", "groups": "Help desk", "name": "Jane Doe" });
    story.provider.user_info(more);
    let away = story.away().await;
    story.says(&away, &json!({ "groups": null, "preferred_username": null, "email": "j@c.test" }));
    story.back(&away).await.unwrap();
    let person = story.app.engine().store().people().await.unwrap().pop().unwrap();
    assert_eq!(
        (person.name.as_str(), person.display_name.as_deref()),
        ("j@c.test", Some("Jane Doe"))
    );

    story.provider.user_info(json!({ "sub": "otto", "groups": "Help desk" }));
    let refused = story.refused(json!({ "groups": null })).await;
    assert!(refused.contains("could not be asked"), "{refused}");
}

#[tokio::test]
async fn what_the_provider_answers_is_told_in_plain_words() {
    let story = Story::begin().await;
    let said = |error: &str, issuer: Option<&str>| OpenIdAnswer {
        error: Some(error.to_owned()),
        code: None,
        issuer: issuer.map(str::to_owned),
        ..OpenIdAnswer::default()
    };
    for (said, told) in [
        (said("access_denied", None), "did not let you in"),
        (said("server_error", None), "in trouble itself"),
        (said("access_denied", Some("https://evil.test")), "another provider"),
    ] {
        let away = story.away().await;
        let answer = OpenIdAnswer { state: Some(away.state), ..said };
        let refused = story.back_with(answer, Some(&away.browser)).await.unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
    }
}

#[tokio::test]
async fn a_test_says_what_works_and_a_provider_that_is_off_lets_nobody_in() {
    let story = Story::begin().await;
    let (engine, caller) = (story.app.engine(), story.app.caller());
    let report = engine.test_identity_provider(&caller, &name(), None).await.unwrap();
    assert!(report.is_good(), "{report:?}");
    let told: Vec<_> = report.steps.iter().map(|step| step.detail.as_str()).collect();
    assert!(
        told[0].contains("publishes one key") && told[1].contains("with the secret"),
        "{told:?}"
    );
    assert!(!format!("{report:?}").contains(SECRET));

    let change = |settings, is_enabled, secret| IdentityProviderChange {
        title: "Contoso account".to_owned(),
        settings,
        is_enabled,
        secret,
        secret_expires: None,
    };
    let wrong = match settings(&story.provider) {
        ProviderSettings::OpenIdConnect(it) => ProviderSettings::OpenIdConnect(OpenIdConnect {
            issuer: format!("{}/", it.issuer),
            ..it
        }),
        other => other,
    };
    // A kept secret goes to no other address.
    let moved = change(wrong.clone(), true, SecretChange::Keep);
    let refused = engine.change_identity_provider(&caller, &name(), moved).await.unwrap_err();
    assert!(refused.to_string().contains("give it again"), "{refused}");
    let moved = change(wrong, true, SecretChange::Set(SECRET.to_owned()));
    engine.change_identity_provider(&caller, &name(), moved).await.unwrap();
    let report = engine.test_identity_provider(&caller, &name(), None).await.unwrap();
    assert!(!report.is_good() && report.steps[0].detail.contains("to the letter"), "{report:?}");

    let away = {
        let back = change(settings(&story.provider), true, SecretChange::Set(SECRET.to_owned()));
        engine.change_identity_provider(&caller, &name(), back).await.unwrap();
        story.away().await
    };
    let off = change(settings(&story.provider), false, SecretChange::Keep);
    engine.change_identity_provider(&caller, &name(), off).await.unwrap();
    assert_eq!(engine.sign_in_choices().await.unwrap(), []);
    assert!(engine.begin_open_id(&name(), "/", &visit()).await.is_err());
    story.says(&away, &json!({}));
    assert!(story.back(&away).await.is_err());
    engine.remove_identity_provider(&caller, &name()).await.unwrap();
    assert!(engine.identity_provider(&caller, &name()).await.is_err());
}

#[tokio::test]
async fn only_who_answers_for_security_sets_up_providers() {
    let story = Story::begin().await;
    let caller = domain::Caller {
        grants: vec![domain::authority::Grant {
            permissions: BuiltInRole::OperationsAdministrator.role().permissions,
            place: domain::authority::Place::Everywhere,
        }],
        ..story.app.caller()
    };
    let engine = story.app.engine();
    let denied = [
        engine.identity_providers(&caller).await.map(drop),
        engine.identity_provider(&caller, &name()).await.map(drop),
        engine.remove_identity_provider(&caller, &name()).await.map(drop),
        engine.test_identity_provider(&caller, &name(), None).await.map(drop),
    ];
    for denied in denied {
        assert!(matches!(denied, Err(engine::Error::Denied(_))), "{denied:?}");
    }
}
