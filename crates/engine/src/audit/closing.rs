//! Closing old parts of the audit: their entries go into a file that can be verified, then leave the
//! database; a signed seal stays in their place for ever.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, BufReader, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use domain::{
    Caller, Permission,
    audit::{Entry, Event, Link, Seal, Signature, TargetKind},
};
use jiff::SignedDuration;

use super::{AuditExport, Expected, verify};
use crate::{Engine, Error};

/// Under which name the store keeps after how many days parts are closed.
const RETENTION: &str = "audit retention days";
/// Entries of the last month always stay: people look at them every day.
const FEWEST_DAYS: u16 = 30;
/// By itself a part is closed when it is this old beyond what was asked for: one a month, not one an
/// hour.
const SLACK: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A part of the audit that was closed, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedPart {
    /// Number of its first entry.
    pub first: u64,
    /// Number of its last.
    pub last: u64,
    /// Where its entries are.
    pub file: String,
}

impl Engine {
    /// Says what closing the entries older than so many days would close.
    pub async fn preview_audit_close(
        &self,
        caller: &Caller,
        days: u16,
    ) -> Result<ClosedPart, Error> {
        caller.scope(Permission::ModifySecurity)?;
        self.part(days, SignedDuration::ZERO).await?.map(|(part, _)| part).ok_or_else(|| {
            Error::Invalid(format!(
                "no entry is older than {days} days and received by whom it is streamed to; \
                 nothing is to be closed"
            ))
        })
    }

    /// Closes the entries older than so many days.
    pub async fn close_audit(&self, caller: &Caller, days: u16) -> Result<ClosedPart, Error> {
        self.preview_audit_close(caller, days).await?;
        let _alone = self.inner.audit.closing.lock().await;
        let Some((part, before)) = self.part(days, SignedDuration::ZERO).await? else {
            return Err(Error::Conflict("somebody else closed these entries just now".to_owned()));
        };
        self.close_part(caller, &part, before).await?;
        Ok(part)
    }

    /// After how many days parts are closed by themselves; `None`: never.
    pub async fn audit_retention(&self, caller: &Caller) -> Result<Option<u16>, Error> {
        caller.scope(Permission::ReadAudit)?;
        Ok(self.retention().await?)
    }

    /// Says what is wrong with a number of days, if anything is, and what would be closed at once.
    pub async fn preview_audit_retention(
        &self,
        caller: &Caller,
        days: Option<u16>,
    ) -> Result<Option<ClosedPart>, Error> {
        caller.scope(Permission::ModifySecurity)?;
        let Some(days) = days else { return Ok(None) };
        // By itself nothing is closed before it is a month older.
        if self.part(days, SLACK).await?.is_none() {
            return Ok(None);
        }
        Ok(self.part(days, SignedDuration::ZERO).await?.map(|(part, _)| part))
    }

    /// Sets after how many days parts are closed by themselves.
    pub async fn set_audit_retention(
        &self,
        caller: &Caller,
        days: Option<u16>,
    ) -> Result<(), Error> {
        self.preview_audit_retention(caller, days).await?;
        let words = days.map_or_else(|| "off".to_owned(), |days| days.to_string());
        let id = self.audit_id().await?;
        let entry = Entry::of(caller, self.now(), Event::AuditChanged)
            .on(TargetKind::Audit, id.to_string(), "the audit")
            .with("closed_after_days", &words);
        let mut log = self.audit_log().await?;
        let told = log.rows(&[entry]);
        self.store().on_record(&told).set_meta(RETENTION, &words).await?;
        log.written();
        Ok(())
    }

    /// Closes what is old enough by itself, and removes what a stop left of a closed part.
    pub(super) async fn close_if_due(&self) -> anyhow::Result<()> {
        let _alone = self.inner.audit.closing.lock().await;
        self.store().remove_closed_audit().await?;
        let Some(days) = self.retention().await? else { return Ok(()) };
        if self.part(days, SLACK).await?.is_none() {
            return Ok(());
        }
        if let Some((part, before)) = self.part(days, SignedDuration::ZERO).await? {
            self.close_part(&Caller::engine(), &part, before).await?;
            tracing::info!(first = part.first, last = part.last, "a part of the audit was closed");
        }
        Ok(())
    }

    async fn retention(&self) -> Result<Option<u16>, store::Error> {
        Ok(self.store().meta(RETENTION).await?.and_then(|days| days.parse().ok()))
    }

    /// What is older than so many days and not closed, with the link before it.
    async fn part(
        &self,
        days: u16,
        slack: SignedDuration,
    ) -> Result<Option<(ClosedPart, Link)>, Error> {
        if days < FEWEST_DAYS {
            return Err(Error::Invalid(too_few(&days.to_string())));
        }
        let age = SignedDuration::from_hours(24 * i64::from(days)) + slack;
        let Ok(time) = self.now().checked_sub(age) else { return Ok(None) };
        let before = match self.store().audit_seals().await?.pop() {
            Some(seal) => seal.last,
            None => Link::before_all(self.audit_id().await?),
        };
        let last = self.store().audit_before(time).await?;
        // What a receiver has not got yet stays where it is sent from.
        let received = self.store().audit_stream().await?.map_or(u64::MAX, |it| it.position);
        let last = last.map(|last| last.min(received));
        let Some(last) = last.filter(|last| *last > before.sequence) else { return Ok(None) };
        let first = before.sequence + 1;
        Ok(Some((ClosedPart { first, last, file: format!("{first}-{last}.jsonl") }, before)))
    }

    async fn close_part(
        &self,
        caller: &Caller,
        part: &ClosedPart,
        before: Link,
    ) -> Result<(), Error> {
        let id = self.audit_id().await?;
        let scope = Caller::engine().scope(Permission::ReadAudit)?;
        let rows = self.store().audit(&scope, part.last - 1, 1).await?;
        let last = rows.first().map(|row| row.link).filter(|link| link.sequence == part.last);
        let last = last.context("the last entry of the part is not there")?;
        // So that a signature covers the file to its end.
        let key = &self.inner.options.audit.key;
        match self.store().add_audit_checkpoint(&key.checkpoint(id, last, self.now())).await {
            Ok(()) | Err(store::Error::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let path = self.inner.options.audit.directory.join(&part.file);
        self.write_part(AuditExport::of_part(self, scope, before, last), &path).await?;
        let file = path.clone();
        let verified = tokio::task::spawn_blocking(move || {
            let file = BufReader::new(File::open(file)?);
            verify(file, Expected { keys: Vec::new(), link: Some(last) })
                .map_err(anyhow::Error::from)
        });
        let verified = verified.await.context("reading the part again")??;
        if verified.last != last || verified.entries != part.last - part.first + 1 {
            return Err(anyhow::anyhow!("{} does not hold the part", path.display()).into());
        }
        let seal = key.seal(
            id,
            Seal {
                first: part.first,
                previous: before.hash,
                last,
                at: self.now(),
                by: caller.name.clone(),
                file: part.file.clone(),
                signature: Signature { signer: [0; 32], bytes: [0; 64] },
            },
        );
        let entry = Entry::of(caller, self.now(), Event::AuditKept)
            .on(TargetKind::Audit, id.to_string(), "the audit")
            .with("what", "a part closed")
            .with("first", part.first.to_string())
            .with("last", part.last.to_string())
            .with("file", &part.file);
        let mut log = self.audit_log().await?;
        let told = log.rows(&[entry]);
        self.store().close_audit(&seal, &told).await?;
        log.written();
        self.store().remove_closed_audit().await?;
        Ok(())
    }

    /// Writes a part whole or not at all.
    async fn write_part(&self, mut part: AuditExport, path: &Path) -> anyhow::Result<()> {
        let fresh = path.with_extension("new");
        let mut file = open(&fresh).with_context(|| format!("writing {}", fresh.display()))?;
        while let Some(lines) = part.next().await? {
            file = tokio::task::spawn_blocking(move || {
                file.write_all(lines.as_bytes())?;
                io::Result::Ok(file)
            })
            .await
            .context("writing a part")?
            .with_context(|| format!("writing {}", fresh.display()))?;
        }
        file.sync_all()?;
        ensure!(!path.exists(), "{} is there already; move it away first", path.display());
        std::fs::rename(&fresh, path)?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        File::open(folder)?.sync_all()?;
        Ok(())
    }
}

fn too_few(days: &str) -> String {
    format!("{days} days are too few: entries of the last {FEWEST_DAYS} days always stay")
}

/// A private file in a folder that is made if it is missing.
fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)
}
