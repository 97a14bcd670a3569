//! The guard: so many wipes and no more, unless a second person agrees.
//!
//! It counts the wipes that were sent within a sliding window, for each person and each organization.
//! Whoever asks for one more than the limit is held until somebody else approves. It stands at the
//! one place where a wipe's cmdlet is about to be sent, so no way of asking goes around it; that it
//! is asked when somebody asks for wipes as well only tells them early.

use jiff::{SignedDuration, Timestamp};

use crate::PersonId;

/// How many wipes may be sent without a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one person, within [`Self::PERSON_WINDOW`].
    pub per_person: u32,
    /// Of one organization, within [`Self::ORGANIZATION_WINDOW`].
    pub per_organization: u32,
}

impl Limits {
    /// The window of a person.
    pub const PERSON_WINDOW: SignedDuration = SignedDuration::from_hours(1);
    /// The window of an organization.
    pub const ORGANIZATION_WINDOW: SignedDuration = SignedDuration::from_hours(24);
    /// Highest limit that can be set: who needs more lifts the guard, with a second person.
    pub const MOST: u32 = 1_000;
}

impl Default for Limits {
    /// What a help desk needs on a bad day, far below what hurts a company.
    fn default() -> Self {
        Self { per_person: 5, per_organization: 20 }
    }
}

impl Limits {
    /// Whether these let through what others would hold.
    #[must_use]
    pub const fn loosen(self, others: Self) -> bool {
        self.per_person > others.per_person || self.per_organization > others.per_organization
    }
}

/// The wipes of the windows: those that were sent, and those that wait to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recent {
    /// Of the person.
    pub by_person: u32,
    /// Of the organization.
    pub of_organization: u32,
}

/// Why wipes are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Hold {
    /// Too many of one person.
    #[error(
        "{wanted} wipes, with {recent} within an hour before, are more than the {limit} that one \
         person may send; somebody else has to approve"
    )]
    Person {
        /// How many are wanted.
        wanted: u32,
        /// How many there were.
        recent: u32,
        /// How many there may be.
        limit: u32,
    },
    /// Too many of one organization.
    #[error(
        "{wanted} wipes, with {recent} within a day before, are more than the {limit} that one \
         organization may have; somebody else has to approve"
    )]
    Organization {
        /// How many are wanted.
        wanted: u32,
        /// How many there were.
        recent: u32,
        /// How many there may be.
        limit: u32,
    },
}

/// Whether so many more wipes may be sent.
pub fn admit(limits: Limits, recent: Recent, wanted: u32) -> Result<(), Hold> {
    let Recent { by_person, of_organization } = recent;
    if by_person.saturating_add(wanted) > limits.per_person {
        return Err(Hold::Person { wanted, recent: by_person, limit: limits.per_person });
    }
    if of_organization.saturating_add(wanted) > limits.per_organization {
        let limit = limits.per_organization;
        return Err(Hold::Organization { wanted, recent: of_organization, limit });
    }
    Ok(())
}

/// How many wipes of one request go together: first one, to see that it does what was meant, then
/// more each time.
#[must_use]
pub const fn batch_size(batch: u32) -> u32 {
    match batch {
        0 => 1,
        1 => 5,
        2 => 25,
        _ => 100,
    }
}

/// The batch of the wipe at an index of its request.
#[must_use]
pub fn batch_of(index: u32) -> u32 {
    let (mut batch, mut end) = (0, batch_size(0));
    while index >= end {
        batch += 1;
        end = end.saturating_add(batch_size(batch));
    }
    batch
}

/// A change of the guard that lets more through: it takes two people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Who proposed it.
    pub by: PersonId,
    /// Their name.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// What.
    pub change: Change,
}

/// A change of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Other limits.
    Limits(Limits),
    /// No limits for a while: the maintenance key.
    Lift(SignedDuration),
}

impl Change {
    /// Longest time without limits.
    pub const LONGEST_LIFT: SignedDuration = SignedDuration::from_hours(8);
}

/// How the guard stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guard {
    /// The limits.
    pub limits: Limits,
    /// Until when there are none.
    pub lifted_until: Option<Timestamp>,
    /// What one person proposed, and another has to agree to.
    pub proposal: Option<Proposal>,
}

impl Guard {
    /// A proposal that nobody agreed to is void after this.
    pub const PROPOSAL_LIFE: SignedDuration = SignedDuration::from_hours(24);

    /// Whether it is lifted.
    #[must_use]
    pub fn is_lifted(&self, now: Timestamp) -> bool {
        self.lifted_until.is_some_and(|until| now < until)
    }

    /// Whether so many more wipes may be sent now.
    pub fn admit(&self, now: Timestamp, recent: Recent, wanted: u32) -> Result<(), Hold> {
        if self.is_lifted(now) { Ok(()) } else { admit(self.limits, recent, wanted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_begin_with_one_and_grow() {
        let batches: Vec<u32> = (0..40).map(batch_of).collect();
        assert_eq!(batches[..8], [0, 1, 1, 1, 1, 1, 2, 2]);
        assert_eq!((batches[30], batches[31]), (2, 3));
    }

    #[test]
    fn the_limit_itself_is_let_through_and_one_more_is_held() {
        let limits = Limits::default();
        let recent = |by_person, of_organization| Recent { by_person, of_organization };
        assert_eq!(admit(limits, recent(0, 0), 5), Ok(()));
        assert!(matches!(admit(limits, recent(1, 1), 5), Err(Hold::Person { .. })));
        assert!(matches!(admit(limits, recent(0, 20), 1), Err(Hold::Organization { .. })));
        let now = Timestamp::UNIX_EPOCH;
        let lifted_until = Some(now + SignedDuration::from_hours(1));
        let guard = Guard { lifted_until, ..Guard::default() };
        assert_eq!(guard.admit(now, recent(0, 20), 100), Ok(()));
        let late = now + SignedDuration::from_hours(1);
        assert!(guard.admit(late, recent(0, 20), 1).is_err());
    }
}
