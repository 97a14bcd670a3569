//! Credentials that end soon.

use domain::{Caller, Timestamp, notification::Happened};
use jiff::SignedDuration;

use crate::Engine;

/// So long before its end somebody is told: a week with all its meetings.
const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How often it is looked.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Under which name the store keeps up to when it was looked.
const LOOKED_UNTIL: &str = "credentials told until";

impl Engine {
    /// Notes the tokens, and secrets of identity providers, that end within a week and did not when it
    /// was looked before: each once. One that was made for less than a week is nobody's surprise.
    /// Certificates of connectors are told of earlier, and more than once.
    pub(super) async fn look_for_ends(&self, now: Timestamp) -> anyhow::Result<()> {
        let until = now + AHEAD;
        let kept = self.store().meta(LOOKED_UNTIL).await?;
        let Some(looked) = kept.and_then(|text| text.parse::<Timestamp>().ok()) else {
            return Ok(self.store().set_meta(LOOKED_UNTIL, &until.to_string()).await?);
        };
        if until.duration_since(looked) < EVERY {
            return Ok(());
        }
        let ends_soon = |expires: Timestamp| expires > looked && expires <= until;
        let tokens = self.store().tokens(None).await?;
        for token in tokens.into_iter().filter(|token| ends_soon(token.expires)) {
            let owner = self.store().person(token.person).await?;
            let owner = owner.map_or_else(|| "nobody".to_owned(), |owner| owner.name);
            let what = format!("the token {} of {owner}", token.name);
            self.notify(Happened::CredentialExpiring { what, expires: token.expires }).await;
        }
        self.look_for_ends_of_certificates(looked - AHEAD, now).await?;
        let secrets = self.ending_provider_secrets(&Caller::engine(), until).await?;
        for (provider, expires) in secrets.into_iter().filter(|(_, expires)| ends_soon(*expires)) {
            let what = format!("the secret of the identity provider {}", provider.name);
            self.notify(Happened::CredentialExpiring { what, expires }).await;
        }
        Ok(self.store().set_meta(LOOKED_UNTIL, &until.to_string()).await?)
    }
}
