//! What ends: sessions at a provider, groups that are withdrawn, providers that are removed, secrets.

use super::*;

fn failures(told: &[(Event, String)]) -> usize {
    told.iter().filter(|(event, _)| *event == Event::SignInFailed).count()
}

impl Story {
    /// Events with their entries as text.
    async fn told(&self) -> Vec<(Event, String)> {
        let scope = self.app.caller().scope(Permission::ReadAudit).unwrap();
        let rows = self.app.engine().store().audit(&scope, 0, 100).await.unwrap();
        rows.into_iter().map(|row| (row.event, row.document)).collect()
    }

    async fn signed_in(&self, changes: Value) -> String {
        let away = self.away().await;
        self.says(&away, &changes);
        self.back(&away).await.unwrap().session.secret
    }

    async fn caller(&self, session: &str) -> Option<domain::Caller> {
        self.app.engine().caller_of_session(session).await.unwrap()
    }
}

#[tokio::test]
async fn the_record_says_from_where_and_by_which_group_somebody_came_in() {
    let story = Story::begin().await;
    story.signed_in(json!({ "groups": ["Help desk", "Everybody"] })).await;
    let told = story.told().await;
    let (_, entry) = told.iter().find(|(event, _)| *event == Event::SignedIn).unwrap();
    for part in ["192.0.2.7", "help-desk by corp:Help desk", r#""groups":"2""#, r#""way":"corp""#] {
        assert!(entry.contains(part), "{part} in {entry}");
    }
    story.refused(json!({ "groups": ["Everybody"] })).await;
    story.refused(json!({ "nonce": "another" })).await;
    let told = story.told().await;
    assert_eq!(failures(&told), 2);
    for (_, entry) in told.iter().filter(|(event, _)| *event == Event::SignInFailed) {
        assert!(entry.contains("192.0.2.7") && entry.contains("corp"), "{entry}");
    }
    assert!(told.iter().any(|(_, entry)| entry.contains("the token answers another sign-in")));
    assert!(told.iter().any(|(_, entry)| entry.contains("may do nothing here yet")));
}

#[tokio::test]
async fn what_a_group_gave_is_gone_at_the_next_sign_in_without_it() {
    let story = Story::begin().await;
    let session = story.signed_in(json!({})).await;
    assert!(story.caller(&session).await.unwrap().may(Permission::ModifyResource));
    let refused = story.refused(json!({ "groups": [] })).await;
    assert!(refused.contains("may do nothing here yet"), "{refused}");
    // The session of before may do no more than a new one.
    assert_eq!(story.caller(&session).await.unwrap().grants, []);
}

#[tokio::test]
async fn an_address_that_nobody_proved_names_nobody() {
    let story = Story::begin().await;
    for (verified, name) in [(json!(false), "jane"), (json!("false"), "jane"), (json!(true), "a@c")]
    {
        let claims = json!({
            "preferred_username": null, "email": "a@c", "email_verified": verified,
        });
        let session = story.signed_in(claims).await;
        assert_eq!(story.caller(&session).await.unwrap().name, name);
    }
}

#[tokio::test]
async fn people_of_a_name_are_not_taken_for_one_another() {
    let story = Story::begin().await;
    let (engine, caller) = (story.app.engine(), story.app.caller());
    let local = engine::NewUser {
        name: domain::UserName::parse("jane").unwrap(),
        display_name: None,
        address: None,
        password: None,
    };
    let local = engine.people(&caller).add_user(local).await.unwrap();
    let session = story.signed_in(json!({})).await;
    let other = story.caller(&session).await.unwrap();
    assert_ne!(other.person, local);
    // The same name of another subject is a third person.
    let session = story.signed_in(json!({ "sub": "another jane" })).await;
    assert_ne!(story.caller(&session).await.unwrap().person, other.person);
    let mut handles: Vec<_> =
        engine.store().people().await.unwrap().iter().map(domain::Person::handle).collect();
    handles.sort();
    assert_eq!(handles, ["corp:jane", "corp:jane", "jane"]);
}

#[tokio::test]
async fn who_signs_out_is_shown_the_way_out_of_the_provider() {
    let story = Story::begin().await;
    let engine = story.app.engine();
    let session = story.signed_in(json!({})).await;
    let choice = engine.sign_out(&session).await.unwrap().unwrap();
    assert_eq!((choice.name, choice.title.as_str()), (name(), "Contoso account"));
    assert!(story.caller(&session).await.is_none());
    let out = engine.sign_out_at_provider(&name()).await.unwrap().unwrap();
    let back = "https%3A%2F%2Fgatepost.contoso.test%2Fsign-in";
    let expected = format!(
        "{}/end?here&client_id=gatepost&post_logout_redirect_uri={back}",
        story.provider.issuer
    );
    assert_eq!(out, expected);
}

#[tokio::test]
async fn it_is_begun_so_often_and_then_somebody_has_to_wait() {
    let story = Story::begin().await;
    for _ in 0..100 {
        story.away().await;
    }
    let begun = story.app.engine().begin_open_id(&name(), "/", &visit()).await;
    let refused = begun.unwrap_err().to_string();
    assert!(refused.contains("try again in 2 seconds"), "{refused}");
    let elsewhere = Visit { address: "192.0.2.8".parse().ok(), agent: None };
    story.app.engine().begin_open_id(&name(), "/", &elsewhere).await.unwrap();
    // Whoever comes back with a provider's word has used nothing up.
    story.app.clock().advance(SignedDuration::from_secs(2));
    for _ in 0..10 {
        story.signed_in(json!({})).await;
    }
}

#[tokio::test]
async fn with_a_provider_goes_what_rested_on_its_word() {
    let story = Story::begin().await;
    let (engine, caller) = (story.app.engine(), story.app.caller());
    let session = story.signed_in(json!({})).await;
    let told = engine.preview_provider_removal(&caller, &name()).await.unwrap();
    assert_eq!(
        told.to_string(),
        "1 person who came by it cannot sign in any more; 1 session of theirs ends; roles that go: \
         help-desk of corp:Help desk (everywhere)"
    );
    assert!(story.caller(&session).await.is_some(), "a preview changes nothing");
    assert_eq!(engine.remove_identity_provider(&caller, &name()).await.unwrap(), told);
    assert!(story.caller(&session).await.is_none());
    assert_eq!(engine.people(&caller).assignments().await.unwrap(), []);
    assert_eq!(engine.store().people().await.unwrap().len(), 1, "who did what stays known");
    let entries = story.told().await;
    assert!(
        entries.iter().any(|(event, entry)| {
            *event == Event::SignInChanged
                && entry.contains("removed")
                && entry.contains("help-desk of corp:Help desk")
        }),
        "{entries:?}"
    );
}

#[tokio::test]
async fn the_last_administrator_is_not_removed_with_a_provider() {
    let story = Story::begin().await;
    let (engine, caller) = (story.app.engine(), story.app.caller());
    let all = engine::NewAssignment {
        role: BuiltInRole::FullAdministrator.role().name,
        user: None,
        group: Some("corp:Administrators".to_owned()),
        connector: None,
        collection: None,
    };
    engine.people(&caller).assign(all).await.unwrap();
    for refused in [
        engine.preview_provider_removal(&caller, &name()).await.map(drop),
        engine.remove_identity_provider(&caller, &name()).await.map(drop),
    ] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("nobody else is full administrator"), "{refused}");
    }
    assert!(engine.identity_provider(&caller, &name()).await.is_ok());
}

#[tokio::test]
async fn a_secret_that_ends_is_known_to_who_answers_for_security() {
    let story = Story::begin().await;
    let (engine, caller) = (story.app.engine(), story.app.caller());
    let expires = engine.now() + SignedDuration::from_hours(24);
    let change = IdentityProviderChange {
        title: "Contoso account".to_owned(),
        settings: settings(&story.provider),
        is_enabled: true,
        secret: SecretChange::Keep,
        secret_expires: Some(expires),
    };
    engine.change_identity_provider(&caller, &name(), change.clone()).await.unwrap();
    let ending = async |until| engine.ending_provider_secrets(&caller, until).await.unwrap();
    assert_eq!(ending(expires).await, []);
    let [(provider, found)] = &ending(expires + SignedDuration::from_secs(1)).await[..] else {
        panic!("one secret ends");
    };
    assert_eq!((&provider.name, *found), (&name(), expires));
    let nobody = domain::Caller { grants: Vec::new(), ..caller.clone() };
    assert_eq!(engine.ending_provider_secrets(&nobody, domain::Timestamp::MAX).await.unwrap(), []);
    // Without a secret there is nothing that ends.
    let ProviderSettings::OpenIdConnect(public) = settings(&story.provider) else { unreachable!() };
    let settings = ProviderSettings::OpenIdConnect(OpenIdConnect {
        client_authentication: ClientAuthentication::None,
        ..public
    });
    let change = IdentityProviderChange { settings, secret: SecretChange::Clear, ..change };
    engine.change_identity_provider(&caller, &name(), change).await.unwrap();
    assert_eq!(ending(domain::Timestamp::MAX).await, []);
}
