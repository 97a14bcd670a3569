//! Another key: everything that is sealed is opened and sealed anew.

use std::collections::BTreeSet;

use domain::{
    Caller, Permission,
    audit::{Entry, Event, TargetKind},
};
use store::{SEALED, SealedColumn, SealedRow};

use super::KeyId;
use crate::{Engine, Error, secrets::wipe};

/// Rows sealed anew in one transaction: others wait some milliseconds.
const BATCH: u32 = 100;

/// What changing the key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key before; `None` if nobody knows any more.
    pub from: Option<KeyId>,
    /// The key that everything is sealed with now.
    pub to: KeyId,
    /// Where the key before is kept, if it is.
    pub kept_in: Option<String>,
    /// Secrets that were sealed anew.
    pub sealed: u64,
    /// Secrets that could not be opened, and stay as they are.
    pub unreadable: u64,
}

/// How it stands with the data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyReport {
    /// The key that seals.
    pub key: KeyId,
    /// Where it comes from.
    pub origin: String,
    /// The key before, if the server has it.
    pub previous: Option<KeyId>,
    /// Whether a new key is made where this one is; if not, people put one there.
    pub can_be_made: bool,
    /// Secrets there are.
    pub secrets: u64,
    /// Those that only the key before opens.
    pub behind: u64,
    /// Those that neither key opens: they must be given anew.
    pub unreadable: u64,
}

/// What is sealed, counted.
#[derive(Debug, Default)]
pub(super) struct Survey {
    secrets: u64,
    pub(super) behind: u64,
    pub(super) unreadable: u64,
    /// Keys that are not at hand.
    pub(super) strangers: BTreeSet<KeyId>,
}

impl Survey {
    pub(super) fn into_report(self, engine: &Engine) -> DataKeyReport {
        let (key, previous) = engine.inner.secrets.keys();
        let keys = &engine.inner.options.data_key;
        DataKeyReport {
            key,
            origin: keys.origin.clone(),
            previous,
            can_be_made: keys.maker.is_some(),
            secrets: self.secrets,
            behind: self.behind,
            unreadable: self.unreadable,
        }
    }
}

impl Engine {
    /// Says how it stands with the data key.
    pub async fn data_key(&self, caller: &Caller) -> Result<DataKeyReport, Error> {
        caller.scope(Permission::ModifySecurity)?;
        Ok(self.survey().await?.into_report(self))
    }

    /// Whether the data key could be changed now, as a sentence of what would be done.
    pub async fn preview_rotation(&self, caller: &Caller) -> Result<String, Error> {
        let report = self.data_key(caller).await?;
        if report.behind > 0 {
            return Ok(format!("seal secrets anew with the key {}: {}", report.key, report.behind));
        }
        self.maker()?;
        let DataKeyReport { origin, secrets, .. } = report;
        Ok(format!("make a new key in {origin} and seal all secrets anew with it: {secrets}"))
    }

    /// Makes a new key and seals everything anew with it. If a change of the key was cut, ends that
    /// one instead.
    pub async fn rotate_data_key(&self, caller: &Caller) -> Result<Rotated, Error> {
        caller.scope(Permission::ModifySecurity)?;
        let Ok(_turn) = self.inner.key_change.try_lock() else {
            return Err(Error::Conflict(
                "the data key is being changed already; wait until that has ended".to_owned(),
            ));
        };
        if self.survey().await?.behind == 0 && self.is_settled().await? {
            let maker = self.maker()?;
            let (from, _) = self.inner.secrets.keys();
            let entry = Entry::of(caller, self.now(), Event::SecretsRotated);
            let entry = entry.on(TargetKind::DataKey, from.to_string(), from.to_string());
            self.audit(entry.with("step", "begun")).await?;
            // From here on the next start has both keys, wherever this is cut.
            let made = (maker.make)().map_err(|error| {
                Error::Unavailable(format!("a new data key could not be kept: {error:#}"))
            })?;
            self.inner.secrets.go_over_to(&made);
        }
        self.finish_rotation(caller).await
    }

    /// Seals what is left with the current key, and notes that it is the one.
    pub(super) async fn finish_rotation(&self, caller: &Caller) -> Result<Rotated, Error> {
        let (to, from) = self.inner.secrets.keys();
        let (sealed, unreadable) = self.seal_anew().await?;
        let key = |key: Option<KeyId>| key.map_or_else(String::new, |key| key.to_string());
        let entry = Entry::of(caller, self.now(), Event::SecretsRotated)
            .on(TargetKind::DataKey, to.to_string(), to.to_string())
            .with("step", "done")
            .with("before", key(from))
            .with("sealed", sealed.to_string())
            .with("unreadable", unreadable.to_string());
        self.note_known_text(entry).await?;
        tracing::info!(sealed, unreadable, "secrets are sealed with a new data key");
        let maker = self.inner.options.data_key.maker.as_ref();
        let kept_in = maker.filter(|_| from.is_some()).map(|maker| maker.keeps_in.clone());
        Ok(Rotated { from, to, kept_in, sealed, unreadable })
    }

    /// Opens and seals anew what is not sealed with the current key: how many, and how many could
    /// not be opened.
    pub(super) async fn seal_anew(&self) -> Result<(u64, u64), Error> {
        let (mut sealed, mut unreadable) = (0, 0);
        for column in &SEALED {
            let mut after = String::new();
            loop {
                // Sealing keeps a processor busy: between two batches others go on.
                tokio::task::yield_now().await;
                let rows = self.store().sealed(column, &after, BATCH).await?;
                let Some(last) = rows.last() else { break };
                after.clone_from(&last.id);
                let mut anew = Vec::new();
                for row in rows.into_iter().filter(|row| self.is_behind(row)) {
                    match self.sealed_anew(column, &row)? {
                        Some(bytes) => anew.push((row, bytes)),
                        None => unreadable += 1,
                    }
                }
                sealed += anew.len() as u64;
                if !anew.is_empty() {
                    self.store().reseal(column, anew).await?;
                }
            }
        }
        if unreadable > 0 {
            tracing::warn!(unreadable, "secrets could not be opened and must be given anew");
        }
        Ok((sealed, unreadable))
    }

    /// The same secret sealed with the current key; `None` if it does not open.
    fn sealed_anew(
        &self,
        column: &SealedColumn,
        row: &SealedRow,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let name = column.row(&row.id);
        let Ok(mut plain) = self.inner.secrets.open(&name, &row.sealed) else { return Ok(None) };
        let sealed = self.inner.secrets.seal(&name, &plain);
        wipe(&mut plain);
        sealed.map(Some)
    }

    fn is_behind(&self, row: &SealedRow) -> bool {
        let (current, _) = self.inner.secrets.keys();
        KeyId::split_off(&row.sealed).is_none_or(|(key, _)| key != current)
    }

    /// Goes through everything that is sealed.
    pub(super) async fn survey(&self) -> Result<Survey, Error> {
        let (current, previous) = self.inner.secrets.keys();
        let mut found = Survey::default();
        for column in &SEALED {
            let mut after = String::new();
            loop {
                let rows = self.store().sealed(column, &after, BATCH).await?;
                let Some(last) = rows.last() else { break };
                after.clone_from(&last.id);
                for row in &rows {
                    found.secrets += 1;
                    let key = KeyId::split_off(&row.sealed).map(|(key, _)| key);
                    let opened = self.inner.secrets.open(&column.row(&row.id), &row.sealed);
                    match opened {
                        Ok(mut plain) => {
                            wipe(&mut plain);
                            found.behind += u64::from(key != Some(current));
                        }
                        Err(_) => {
                            found.unreadable += 1;
                            let is_stranger =
                                |key: &KeyId| *key != current && Some(*key) != previous;
                            found.strangers.extend(key.filter(is_stranger));
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// Whether the database is noted to be sealed with the current key.
    async fn is_settled(&self) -> Result<bool, Error> {
        let known = self.store().meta(super::KNOWN).await?;
        Ok(super::KeyFit::of(&self.inner.secrets, known.as_deref()) == super::KeyFit::Fits)
    }

    fn maker(&self) -> Result<&super::KeyMaker, Error> {
        let keys = &self.inner.options.data_key;
        keys.maker.as_ref().ok_or_else(|| {
            Error::Conflict(format!(
                "the data key comes from {}, where only you can put another; put a new one there and \
                 the old one as the previous key, and start the server again",
                keys.origin
            ))
        })
    }
}
