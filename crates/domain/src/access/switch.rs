//! From open to quarantine without locking out who works.
//!
//! When the default level becomes quarantine, every device falls into it that no rule and no exemption
//! names. So those that were active lately are exempted first; who would be hit all the same is told.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::fold;
use crate::{AccessReason, AccessState};

/// A device, as far as the switch is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// The id the client chose.
    pub device_id: Option<&'a str>,
    /// The owner, by whatever tells owners apart.
    pub owner: Option<&'a str>,
    /// Its last successful sync, as far as Exchange says.
    pub last_sync: Option<Timestamp>,
    /// What Exchange says.
    pub state: AccessState,
    /// Why.
    pub reason: Option<AccessReason>,
}

/// What to do before the switch, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Switch {
    /// Indices of the rows to be exempted first, one for each exemption.
    pub to_exempt: Vec<usize>,
    /// The rows that would fall into quarantine all the same.
    pub still_hit: Vec<StillHit>,
}

/// A row that would fall into quarantine all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StillHit {
    /// Index of the row.
    pub row: usize,
    /// Why it is not exempted.
    pub why: WhyHit,
}

/// Why a device is not exempted before the switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WhyHit {
    /// It was not active for longer than was asked.
    Inactive,
    /// It never synced, as far as Exchange says.
    NeverSynced,
    /// It is new: Exchange is still finding out what it is.
    New,
    /// Exchange does not say whether it is allowed.
    NotKnown,
    /// Exchange told no device id or no owner, so there is nobody to exempt it for.
    NoOwner,
}

impl WhyHit {
    /// Why, in a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Inactive => "It was not active lately.",
            Self::NeverSynced => "It never synced, as far as Exchange says.",
            Self::New => "It is new: Exchange is still finding out what it is.",
            Self::NotKnown => "Exchange does not say whether it is allowed.",
            Self::NoOwner => "Exchange told no device id or no owner, so nobody can be exempted.",
        }
    }
}

/// Whom to exempt before the default level becomes quarantine, and whom that would still hit.
///
/// Devices that a rule or an exemption lets in stay in; those that are kept out stay out.
#[must_use]
pub fn exempt(rows: &[Row<'_>], now: Timestamp, active_days: u32) -> Switch {
    let longest = SignedDuration::from_hours(24 * i64::from(active_days));
    let mut switch = Switch::default();
    let mut hit = Vec::new();
    let mut exempted = HashSet::new();
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| is_at_the_default(row)) {
        match (obstacle(row, now, longest), key(row)) {
            (None, Some(key)) => {
                if exempted.insert(key) {
                    switch.to_exempt.push(index);
                }
            }
            (None, None) => hit.push((index, WhyHit::NoOwner)),
            (Some(why), _) => hit.push((index, why)),
        }
    }
    // An exemption is for a device id of an owner: it lets in whatever else goes by that.
    let is_hit =
        |index: usize| rows.get(index).and_then(key).is_none_or(|key| !exempted.contains(&key));
    let still_hit = hit.into_iter().filter(|(row, _)| is_hit(*row));
    switch.still_hit = still_hit.map(|(row, why)| StillHit { row, why }).collect();
    switch
}

/// Whether the default level decides about a device now, or soon.
fn is_at_the_default(row: &Row<'_>) -> bool {
    match row.state {
        AccessState::Discovery | AccessState::Unknown => true,
        AccessState::Blocked | AccessState::Quarantined => false,
        AccessState::Allowed => {
            !matches!(row.reason, Some(AccessReason::Individual | AccessReason::Rule))
        }
    }
}

/// Why a device should not be exempted, if so.
fn obstacle(row: &Row<'_>, now: Timestamp, longest: SignedDuration) -> Option<WhyHit> {
    match (row.state, row.last_sync) {
        (AccessState::Discovery, _) => Some(WhyHit::New),
        (AccessState::Allowed, Some(last)) => {
            (now.duration_since(last) > longest).then_some(WhyHit::Inactive)
        }
        (AccessState::Allowed, None) => Some(WhyHit::NeverSynced),
        _ => Some(WhyHit::NotKnown),
    }
}

/// What an exemption names: nothing if it could not be written.
fn key(row: &Row<'_>) -> Option<(String, String)> {
    let text = |text: Option<&str>| text.filter(|it| !it.trim().is_empty()).map(fold);
    Some((text(row.owner)?, text(row.device_id)?))
}
