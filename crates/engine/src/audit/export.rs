//! The audit handed out: page by page, so that its length does not matter.

use std::collections::VecDeque;

use domain::{
    Caller, Permission, Scope,
    audit::{Checkpoint, Entry, Event, Link, Seal, TargetKind},
};
use store::{AuditFilter, AuditRow};

use super::format::{COLUMNS, Header, Line, comma_separated, entry};
use crate::{Engine, Error};

/// Entries read at once.
const PAGE: u32 = 1_000;

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportFormat {
    /// A JSON document in each line; a whole export can be verified.
    #[default]
    JsonLines,
    /// Comma-separated values, for a spreadsheet.
    CommaSeparated,
}

/// An export that is being read.
#[derive(Debug)]
pub struct AuditExport {
    engine: Engine,
    scope: Scope,
    format: ExportFormat,
    filter: AuditFilter,
    stage: Stage,
    /// Where the chain stands.
    link: Link,
    /// The last entry that belongs to it.
    end: Link,
    checkpoints: VecDeque<Checkpoint>,
    seals: VecDeque<Seal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Beginning,
    Entries,
    /// Of those that fit, the ones before this number.
    Found(Option<u64>),
    Over,
}

impl Engine {
    /// Begins an export of all entries, or of those that fit. That it was made is on record.
    pub async fn export_audit(
        &self,
        caller: &Caller,
        filter: AuditFilter,
        format: ExportFormat,
    ) -> Result<AuditExport, Error> {
        let scope = caller.scope(Permission::ReadAudit)?;
        let id = self.audit_id().await?;
        let mut told = Entry::of(caller, self.now(), Event::AuditKept)
            .on(TargetKind::Audit, id.to_string(), "the audit")
            .with("what", if filter.is_everything() { "all exported" } else { "some exported" });
        if !filter.is_everything() {
            told = told.with("filter", in_words(&filter));
        }
        self.audit(told).await?;
        // So that a signature covers the last entry of it.
        self.sign_audit().await?;
        let end = self.store().audit_head().await?.unwrap_or_else(|| Link::before_all(id));
        Ok(AuditExport {
            engine: self.clone(),
            scope,
            format,
            stage: Stage::Beginning,
            link: Link::before_all(id),
            end,
            checkpoints: VecDeque::new(),
            seals: self.store().audit_seals().await?.into(),
            filter,
        })
    }
}

impl AuditExport {
    /// An export of the entries from one to another, to be kept when they leave the database.
    pub(super) fn of_part(engine: &Engine, scope: Scope, before: Link, last: Link) -> Self {
        Self {
            engine: engine.clone(),
            scope,
            format: ExportFormat::JsonLines,
            filter: AuditFilter::default(),
            stage: Stage::Beginning,
            link: before,
            end: last,
            checkpoints: VecDeque::new(),
            seals: VecDeque::new(),
        }
    }

    /// The next lines; `None` if there are no more.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        match self.stage {
            Stage::Beginning => self.beginning().await.map(Some),
            Stage::Entries => self.entries().await.map(Some),
            Stage::Found(before) => self.found(before).await.map(Some),
            Stage::Over => Ok(None),
        }
    }

    async fn beginning(&mut self) -> Result<String, Error> {
        let is_everything = self.filter.is_everything();
        self.stage = if is_everything { Stage::Entries } else { Stage::Found(None) };
        if self.format == ExportFormat::CommaSeparated {
            // The latest first, as where they are looked at.
            self.stage = Stage::Found(None);
            return Ok(format!("{}\r\n", COLUMNS.join(",")));
        }
        let mut keys = self.engine.store().audit_signers().await?;
        let own = self.engine.inner.options.audit.key.public();
        if !keys.contains(&own) {
            keys.push(own);
        }
        let header = Header {
            audit: self.engine.audit_id().await?,
            keys,
            first: self.link.sequence + 1,
            previous: self.link.hash,
            filter: (!is_everything).then(|| in_words(&self.filter)),
        };
        let mut lines = header.line() + "\n";
        if is_everything {
            while let Some(seal) = self.seals.pop_front() {
                self.link = seal.last;
                lines.push_str(&Line::Seal(seal).text());
                lines.push('\n');
            }
        }
        Ok(lines)
    }

    /// Entries of the chain, each with its checkpoint after it.
    async fn entries(&mut self) -> Result<String, Error> {
        let store = self.engine.store();
        let rows = store.audit(&self.scope, self.link.sequence, PAGE).await?;
        let mut lines = String::new();
        for row in rows.into_iter().take_while(|row| row.link.sequence <= self.end.sequence) {
            if self.checkpoints.is_empty() {
                let signed = store.audit_checkpoints(row.link.sequence - 1, PAGE).await?;
                self.checkpoints = signed.into();
            }
            lines.push_str(&entry(&row, None));
            lines.push('\n');
            self.link = row.link;
            let is_signed = |signed: &mut Checkpoint| signed.link.sequence <= row.link.sequence;
            while let Some(signed) = self.checkpoints.pop_front_if(is_signed) {
                lines.push_str(&Line::Checkpoint(signed).text());
                lines.push('\n');
            }
        }
        if lines.is_empty() || self.link.sequence >= self.end.sequence {
            self.stage = Stage::Over;
            lines.push_str(&Line::End(self.link).text());
            lines.push('\n');
        }
        Ok(lines)
    }

    /// Entries that fit, latest first.
    async fn found(&mut self, before: Option<u64>) -> Result<String, Error> {
        let before = before.unwrap_or(self.end.sequence + 1);
        let store = self.engine.store();
        let page = store.audit_found(&self.scope, &self.filter, Some(before), PAGE).await?;
        let mut lines = String::new();
        for row in &page.rows {
            if self.format == ExportFormat::CommaSeparated {
                lines.push_str(&comma_separated(row));
                lines.push('\r');
            } else {
                let previous = self.before(row).await?;
                lines.push_str(&entry(row, Some(previous.hash)));
                self.link = row.link;
            }
            lines.push('\n');
        }
        self.stage = page.next.map_or(Stage::Over, |next| Stage::Found(Some(next)));
        if self.stage == Stage::Over && self.format == ExportFormat::JsonLines {
            lines.push_str(&Line::End(self.link).text());
            lines.push('\n');
        }
        Ok(lines)
    }

    /// The link before an entry.
    async fn before(&self, row: &AuditRow) -> Result<Link, Error> {
        let sequence = row.link.sequence - 1;
        if let Some(seal) = self.seals.iter().find(|seal| seal.last.sequence == sequence) {
            return Ok(seal.last);
        }
        if sequence == 0 {
            return Ok(Link::before_all(self.engine.audit_id().await?));
        }
        let rows = self.engine.store().audit(&self.scope, sequence - 1, 1).await?;
        let found = rows.first().map(|row| row.link).filter(|link| link.sequence == sequence);
        found.ok_or_else(|| Error::Unavailable(format!("entry {sequence} has left the audit")))
    }
}

/// What was looked for, for the record.
pub(super) fn in_words(filter: &AuditFilter) -> String {
    let fields = [
        ("who", filter.who.clone()),
        ("person", filter.person.map(|person| person.to_string())),
        ("event", filter.event.map(|event| event.to_string())),
        ("outcome", filter.outcome.map(|outcome| outcome.to_string())),
        ("target", filter.target.clone()),
        ("source", filter.source.clone()),
        ("from", filter.from.map(|time| time.to_string())),
        ("to", filter.to.map(|time| time.to_string())),
        ("text", filter.text.clone()),
    ];
    let fields = fields.into_iter().filter_map(|(name, text)| Some(format!("{name}={}", text?)));
    fields.collect::<Vec<_>>().join(" ")
}
