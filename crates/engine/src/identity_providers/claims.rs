//! What a provider says of a person, as claims: from the token, or asked for with it.

use domain::{IdentityProvider, identity_provider::OpenIdConnect};
use serde_json::Value as Json;

use super::{NotSignedIn, http::said, known::Known, token};
use crate::ExternalIdentity;

/// Groups of one person that are looked at.
const MAX_GROUPS: usize = 2_000;
/// Longest name of a group, in bytes.
const MAX_GROUP_BYTES: usize = 1024;

/// What the provider tells about the person where the token does not: nothing if it says all.
pub(super) async fn user_info(
    known: &Known,
    settings: &OpenIdConnect,
    claims: &Json,
    access_token: Option<&str>,
) -> Result<Json, String> {
    let has = |name: &str| claim(claims, name).is_some();
    let (Some(url), Some(token)) = (&known.addresses.user_info, access_token) else {
        return Ok(Json::Null);
    };
    if has(&settings.groups_claim) && has(&settings.name_claim) {
        return Ok(Json::Null);
    }
    let answer = known.http.get(url, Some(token)).await.map_err(|error| error.to_string())?;
    if !answer.status.is_success() {
        return Err(format!("the provider tells nothing about the person: {}", answer.trouble()));
    }
    // It must be the same person (OpenID Connect Core section 5.3.2).
    if answer.body.get("sub") == claims.get("sub") {
        Ok(answer.body)
    } else {
        Err("the provider tells about another person than the one it signed in".to_owned())
    }
}

/// A claim by its name, or by a path with dots: some providers keep groups inside of another claim.
fn claim<'a>(claims: &'a Json, name: &str) -> Option<&'a Json> {
    let by_path = || name.split('.').try_fold(claims, |inside, part| inside.get(part));
    claims.get(name).or_else(by_path).filter(|value| !value.is_null())
}

/// The person that the claims describe.
pub(super) fn identity(
    provider: &IdentityProvider,
    settings: &OpenIdConnect,
    claims: &Json,
    more: &Json,
) -> Result<ExternalIdentity, NotSignedIn> {
    let either = |name: &str| claim(claims, name).or_else(|| claim(more, name));
    let text = |name: &str| {
        let text = either(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| said(text))
    };
    let subject = token::subject(claims)
        .map_err(|error| NotSignedIn::trouble(&provider.title, error.to_string()))?;
    let groups = match either(&settings.groups_claim) {
        Some(groups) => groups_of(groups),
        // A token has room for so many groups; then it only says where to ask for them.
        None if is_left_out(claims, &settings.groups_claim) => {
            let told = format!(
                "You are in too many groups for {} to name them. Ask an administrator to have it \
                 name only the groups that are assigned to Gatepost.",
                provider.title
            );
            let why = "the token names no groups, because there are too many; have the provider \
                       name only those that are assigned to the application";
            return Err(NotSignedIn::refused(told, why));
        }
        None => Vec::new(),
    };
    // An address that anybody can type in at the provider says nothing about who somebody is.
    let is_unproven = either("email_verified")
        .is_some_and(|it| it.as_bool() == Some(false) || it.as_str() == Some("false"));
    let text = |name: &str| text(name).filter(|_| name != "email" || !is_unproven);
    let address = text("email");
    let name = text(&settings.name_claim).or_else(|| address.clone());
    Ok(ExternalIdentity {
        provider: provider.name.as_str().to_owned(),
        // A subject is one of a kind at its issuer only (OpenID Connect Core section 2).
        subject: format!("{} {subject}", settings.issuer),
        name: name.unwrap_or_else(|| subject.to_owned()),
        display_name: text("name"),
        address,
        groups,
    })
}

/// Groups as a list, or as a single text.
fn groups_of(claim: &Json) -> Vec<String> {
    let usable = |group: &Json| {
        let group = group.as_str()?.trim();
        let is_one = !group.is_empty() && group.len() <= MAX_GROUP_BYTES;
        is_one.then(|| group.to_owned())
    };
    match claim {
        Json::Array(groups) => groups.iter().take(MAX_GROUPS).filter_map(usable).collect(),
        one => usable(one).into_iter().collect(),
    }
}

/// Whether a claim is not in the token for its size (OpenID Connect Core section 5.6.2).
fn is_left_out(claims: &Json, name: &str) -> bool {
    claims.get("_claim_names").is_some_and(|names| names.get(name).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn groups_come_as_a_list_or_as_one_text() {
        for (claim, expected) in [
            (json!(["a", " b ", 7, "", null]), vec!["a", "b"]),
            (json!("one group"), vec!["one group"]),
            (json!({ "a": 1 }), vec![]),
            (json!(7), vec![]),
        ] {
            assert_eq!(groups_of(&claim), expected);
        }
    }

    #[test]
    fn a_claim_is_found_by_name_and_by_path() {
        let claims = json!({ "a.b": 1, "a": { "b": 2, "c": 3 }, "n": null });
        assert_eq!(claim(&claims, "a.b"), Some(&json!(1)));
        assert_eq!(claim(&claims, "a.c"), Some(&json!(3)));
        assert_eq!(claim(&claims, "n"), None);
        assert_eq!(claim(&claims, "a.x.y"), None);
    }
}
