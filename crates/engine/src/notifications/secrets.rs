//! What a channel signs in and signs with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{ChannelId, notification::ChannelKind};
use exchange::Secret;

use crate::{
    Engine, Error,
    secrets::{random_bytes, wipe},
};

/// What the secret of a webhook begins with.
pub(super) const PREFIX: &str = "whsec_";
/// Bytes of a secret that is made here: as many as the hash has.
const KEY_BYTES: usize = 32;

/// The secrets of a channel. They print as nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ChannelSecrets {
    /// Of the account on a mail server.
    pub(super) password: Option<Secret>,
    /// What webhook messages are signed with, the newest first; two while one takes the place of the
    /// other.
    pub(super) signing: Vec<Secret>,
}

impl ChannelSecrets {
    /// Those of a new channel; a webhook gets one to sign with.
    pub(super) fn of_new(kind: &ChannelKind, password: Option<String>) -> Self {
        let signing = match kind {
            ChannelKind::Mail(_) => Vec::new(),
            ChannelKind::Webhook(_) => vec![new_secret()],
        };
        Self { password: password.map(Secret::new), signing }
    }
}

/// A secret to sign with that nobody can guess.
pub(super) fn new_secret() -> Secret {
    let mut bytes = random_bytes::<KEY_BYTES>();
    let secret = Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)));
    wipe(&mut bytes);
    secret
}

impl Engine {
    pub(super) fn seal_channel(
        &self,
        id: ChannelId,
        secrets: &ChannelSecrets,
    ) -> anyhow::Result<Vec<u8>> {
        let password = secrets.password.as_ref().map(|secret| secret.reveal().to_owned());
        let signing: Vec<_> = secrets.signing.iter().map(|it| it.reveal().to_owned()).collect();
        let mut plain = serde_json::to_vec(&(&password, &signing))?;
        // Wiped when dropped.
        drop(password.map(Secret::new));
        drop(signing.into_iter().map(Secret::new).collect::<Vec<_>>());
        let sealed = self.inner.secrets.seal(&row(id), &plain);
        wipe(&mut plain);
        sealed
    }

    pub(super) async fn channel_secrets(&self, id: ChannelId) -> Result<ChannelSecrets, Error> {
        let sealed = self.store().channel_secret(id).await?;
        let opened = self.inner.secrets.open(&row(id), &sealed);
        let mut plain = opened.map_err(|error| Error::Conflict(error.to_string()))?;
        let read = serde_json::from_slice::<(Option<String>, Vec<String>)>(&plain);
        wipe(&mut plain);
        let (password, signing) =
            read.map_err(|_| anyhow::anyhow!("the secrets of a channel are damaged"))?;
        Ok(ChannelSecrets {
            password: password.map(Secret::new),
            signing: signing.into_iter().map(Secret::new).collect(),
        })
    }
}

fn row(id: ChannelId) -> String {
    format!("channel/{id}/secret")
}
