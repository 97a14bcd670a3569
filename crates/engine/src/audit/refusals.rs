//! Refusals on record: somebody who is refused again and again must not fill the audit.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{PersonId, Timestamp, audit::Entry, authority::Denied};
use jiff::SignedDuration;

use crate::Engine;

/// Refusals of one person that are written in one window; the others are counted.
const WRITTEN: u32 = 20;
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Persons remembered; should there be more, those whose window has ended are forgotten.
const PERSONS: usize = 10_000;

/// How often each person was refused of late.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<PersonId, Window>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Timestamp,
    refused: u32,
}

impl Refusals {
    /// Whether a refusal is written, and how many before it were not.
    fn is_written(&self, person: PersonId, now: Timestamp) -> Option<u32> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= PERSONS {
            windows.retain(|_, window| now < window.since + WINDOW);
        }
        let window = windows.entry(person).or_insert(Window { since: now, refused: 0 });
        let mut left_out = 0;
        if now >= window.since + WINDOW {
            left_out = window.refused.saturating_sub(WRITTEN);
            *window = Window { since: now, refused: 0 };
        }
        window.refused = window.refused.saturating_add(1);
        (window.refused <= WRITTEN).then_some(left_out)
    }
}

impl Engine {
    /// Keeps on record that somebody was refused for lack of permission; `asked` says what for. That
    /// it cannot be kept is told and changes nothing: refused it is.
    pub async fn refused(&self, denied: &Denied, asked: &str) {
        let now = self.now();
        let Some(left_out) = self.inner.audit.refusals.is_written(denied.person, now) else {
            return;
        };
        let mut entry = Entry::refusal(denied, now).with("asked", asked);
        if left_out > 0 {
            entry = entry.with("not_written_before", left_out.to_string());
        }
        if let Err(error) = self.audit(entry).await {
            tracing::error!(%error, "a refusal could not be kept on record");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_told_of_in_the_next_window() {
        let refusals = Refusals::default();
        let (person, other) = (PersonId::LOCAL_ADMINISTRATOR, PersonId::ENGINE);
        let start = Timestamp::UNIX_EPOCH;
        for _ in 0..WRITTEN {
            assert_eq!(refusals.is_written(person, start), Some(0));
        }
        for _ in 0..5 {
            assert_eq!(refusals.is_written(person, start + WINDOW / 2), None);
        }
        assert_eq!(refusals.is_written(other, start), Some(0));
        assert_eq!(refusals.is_written(person, start + WINDOW), Some(5));
        assert_eq!(refusals.is_written(person, start + WINDOW), Some(0));
    }
}
