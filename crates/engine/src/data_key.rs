//! The key that secrets are sealed with: taken up at the start, and changed while the server runs.
//!
//! Which key the database was sealed with is told by a known text that is sealed along with the
//! secrets. When the key changes, the new one is kept beside the old one first; then everything that
//! is sealed is opened and sealed anew, some rows at a time; the known text comes last. Cut at any
//! point it is gone on with at the next start, and all along both keys open what they sealed.

mod key;
mod rotation;
#[cfg(test)]
mod tests;

pub use key::{DataKey, DataKeys, InvalidKey, KeyId, KeyMaker};
pub use rotation::{DataKeyReport, Rotated};

use domain::{
    Caller,
    audit::{Entry, Event, TargetKind},
};
use store::Store;

use crate::{Engine, Error, Options, secrets::Secrets};

/// Under which name the store keeps the known text.
pub(crate) const KNOWN: &str = "data key check";
const KNOWN_TEXT: &[u8] = b"gatepost data key";

/// Whether a key is the one that the secrets of a database are sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFit {
    /// It opens them.
    Fits,
    /// The one before opens them: a change of the key goes on at the next start.
    FitsWithPrevious,
    /// They are sealed with another key.
    Other(KeyId),
    /// Nothing is known of them: no server has started on the database yet.
    Unknown,
    /// What tells which key it was cannot be read.
    Damaged,
}

impl KeyFit {
    fn of(secrets: &Secrets, known: Option<&str>) -> Self {
        let Some(known) = known else { return Self::Unknown };
        let sealed = key::from_hexadecimal(known).unwrap_or_default();
        let Some((sealed_with, _)) = KeyId::split_off(&sealed) else { return Self::Damaged };
        let (current, previous) = secrets.keys();
        match secrets.open(KNOWN, &sealed) {
            Ok(text) if text != KNOWN_TEXT => Self::Damaged,
            Ok(_) if sealed_with == current => Self::Fits,
            Ok(_) => Self::FitsWithPrevious,
            Err(_) if sealed_with == current || Some(sealed_with) == previous => Self::Damaged,
            Err(_) => Self::Other(sealed_with),
        }
    }
}

impl DataKeys {
    /// Whether these keys open the secrets of a database, which is left as it is.
    pub async fn fit(&self, database: store::Target) -> Result<KeyFit, Error> {
        let known = Store::look_up_meta(database, KNOWN).await?;
        let secrets = Secrets::new(&self.current, self.previous.as_ref());
        Ok(KeyFit::of(&secrets, known.as_deref()))
    }
}

impl Engine {
    /// Makes sure that what is sealed can be opened, and ends a change of the key that was cut.
    pub(crate) async fn take_up_data_key(&self) -> Result<(), Error> {
        let known = self.store().meta(KNOWN).await?;
        let fit = KeyFit::of(&self.inner.secrets, known.as_deref());
        let origin = &self.inner.options.data_key.origin;
        match fit {
            KeyFit::Fits => {
                // What was sealed while the key changed, at the very last moment.
                if self.inner.secrets.keys().1.is_some() {
                    self.seal_anew().await?;
                }
                Ok(())
            }
            KeyFit::FitsWithPrevious => {
                tracing::info!("going on with the change of the data key");
                self.finish_rotation(&Caller::engine()).await.map(drop)
            }
            KeyFit::Unknown => {
                let found = self.survey().await?;
                if let Some(stranger) = found.strangers.first() {
                    return Err(self.is_other_key(*stranger));
                }
                if found.behind > 0 {
                    return self.finish_rotation(&Caller::engine()).await.map(drop);
                }
                Ok(self.store().set_meta(KNOWN, &self.known_text()?).await?)
            }
            KeyFit::Other(key) => Err(self.is_other_key(key)),
            KeyFit::Damaged => Err(Error::Invalid(format!(
                "the database does not tell any more which data key it was sealed with, and the key \
                 from {origin} does not open it; restore the database from a backup"
            ))),
        }
    }

    /// Goes on with a key although secrets were sealed with one that is lost. These stay, and cannot
    /// be read again unless the lost key is found; each must be given anew.
    pub async fn abandon_data_key(store: Store, options: Options) -> Result<DataKeyReport, Error> {
        let engine = Self::idle(store, options);
        let (key, _) = engine.inner.secrets.keys();
        let report = engine.survey().await?;
        let entry = Entry::of(&Caller::engine(), engine.now(), Event::SecretsRotated)
            .on(TargetKind::DataKey, key.to_string(), key.to_string())
            .with("step", "the key before was given up")
            .with("unreadable", report.unreadable.to_string());
        engine.note_known_text(entry).await?;
        engine.store().close().await;
        Ok(report.into_report(&engine))
    }

    fn is_other_key(&self, sealed_with: KeyId) -> Error {
        let (current, _) = self.inner.secrets.keys();
        Error::Invalid(format!(
            "the secrets in the database are sealed with the data key {sealed_with}, and the key from \
             {} is {current}; give the server the right key, or, if that one is lost for ever, run \
             gatepost key abandon and then give every secret anew",
            self.inner.options.data_key.origin
        ))
    }

    /// The known text, sealed with the current key.
    fn known_text(&self) -> anyhow::Result<String> {
        Ok(key::hexadecimal(&self.inner.secrets.seal(KNOWN, KNOWN_TEXT)?))
    }

    /// Notes with which key the database is sealed from now on.
    async fn note_known_text(&self, entry: Entry) -> Result<(), Error> {
        let known = self.known_text()?;
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().set_meta_on_record(KNOWN, &known, &rows).await?;
        log.written();
        Ok(())
    }
}
