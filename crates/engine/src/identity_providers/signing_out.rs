//! Signing out at the provider too (OpenID Connect RP-Initiated Logout 1.0). Our own session has ended
//! by then, whatever comes of it.

use domain::{ProviderName, ProviderSettings};

use super::{NotSignedIn, http::encoded};
use crate::{Engine, Error};

impl Engine {
    /// Where a browser signs out at a provider that it signed in by; `None` if that provider has no
    /// such place.
    ///
    /// The token of the sign-in is not kept, so that nothing of it can be lost: the provider knows
    /// us by our client id, and asks the person before it signs them out.
    pub async fn sign_out_at_provider(&self, name: &ProviderName) -> Result<Option<String>, Error> {
        let provider = self.open_provider(name).await?;
        let ProviderSettings::OpenIdConnect(settings) = &provider.settings else {
            return Err(store::Error::NotFound("the identity provider").into());
        };
        let known = self.inner.known_providers.of(&provider, settings, self.now()).await;
        let known = known.map_err(|error| {
            tracing::warn!(provider = %provider.name, %error, "a provider could not be asked");
            Error::Unavailable(NotSignedIn::trouble(&provider.title, "").told)
        })?;
        let back = settings.signed_out_uri();
        Ok(known.addresses.end_session.as_ref().map(|address| {
            let lead = if address.contains('?') { '&' } else { '?' };
            let (client, back) = (encoded(&settings.client_id), encoded(&back));
            format!("{address}{lead}client_id={client}&post_logout_redirect_uri={back}")
        }))
    }
}
