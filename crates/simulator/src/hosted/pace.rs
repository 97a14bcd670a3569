//! Who has to wait: so many calls in a window, and refusals to order.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{HostedHabits, failure, reply::Reply};
use crate::{Faults, HostedUse};

const USUAL_RETRY_AFTER: u32 = 3;
/// Sessions that are remembered to be waiting.
const MAX_WAITING: usize = 1_024;

/// How much was asked for.
#[derive(Default)]
pub(super) struct Pace {
    /// When the window began.
    begun: Option<Timestamp>,
    used: u32,
    calls: u32,
    pub(super) concurrent: usize,
    /// Until when a session was asked to wait.
    waiting: HashMap<String, Timestamp>,
}

/// What the headers say of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset: Timestamp,
    pub(super) concurrent: usize,
}

impl Pace {
    /// Where the count stands now.
    pub(super) fn standing(&mut self, habits: &HostedHabits, now: Timestamp) -> Standing {
        let begun = *self.begun.get_or_insert(now);
        if now.duration_since(begun) >= habits.rate_window {
            (self.begun, self.used) = (Some(now), 0);
        }
        let begun = self.begun.unwrap_or(now);
        Standing {
            limit: habits.rate_limit,
            remaining: habits.rate_limit.saturating_sub(self.used),
            reset: begun.checked_add(habits.rate_window).unwrap_or(Timestamp::MAX),
            concurrent: self.concurrent,
        }
    }

    /// What a session is refused with that was asked to wait and did not.
    pub(super) fn early(
        &mut self,
        session: &str,
        now: Timestamp,
        ledger: &mut HostedUse,
    ) -> Option<Reply> {
        let until = self.waiting.get(session).copied()?;
        if now >= until {
            self.waiting.remove(session);
            return None;
        }
        ledger.too_early += 1;
        ledger.throttled += 1;
        Some(too_many(until.duration_since(now)))
    }

    /// A session is to wait so long.
    pub(super) fn hold(&mut self, session: &str, now: Timestamp, wait: SignedDuration) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.clear();
        }
        let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        self.waiting.insert(session.to_owned(), until);
    }

    /// Counts a call. Gives what it is refused with, if it is, and how long its session is to wait.
    pub(super) fn take(
        &mut self,
        habits: &HostedHabits,
        faults: &Faults,
        now: Timestamp,
        ledger: &mut HostedUse,
    ) -> Option<(Reply, SignedDuration)> {
        let standing = self.standing(habits, now);
        let order = &faults.hosted;
        self.calls = self.calls.wrapping_add(1);
        let strikes =
            |every: Option<u32>| every.is_some_and(|n| n > 0 && self.calls.is_multiple_of(n));
        if strikes(order.unavailable_every) {
            ledger.failed += 1;
            let reply = Reply::text(hyper::StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE);
            return Some((reply, SignedDuration::ZERO));
        }
        if strikes(order.transient_every) {
            ledger.failed += 1;
            let code = "ServerBusyException";
            let reply = failure::error(hyper::StatusCode::BAD_REQUEST, code, BUSY);
            return Some((reply, SignedDuration::ZERO));
        }
        let ordered = order.retry_after_seconds.unwrap_or(USUAL_RETRY_AFTER);
        let wait = if strikes(order.throttle_every) {
            SignedDuration::from_secs(ordered.into())
        } else if standing.remaining == 0 {
            standing.reset.duration_since(now)
        } else if self.concurrent > habits.concurrency {
            SignedDuration::from_secs(1)
        } else {
            self.used += 1;
            return None;
        };
        ledger.throttled += 1;
        Some((too_many(wait), wait))
    }
}

const BUSY: &str = "|Microsoft.Exchange.Data.Directory.ADTransientException|The server is busy.";
const UNAVAILABLE: &str = "<html><head><title>503 Service Unavailable</title></head></html>";

fn too_many(wait: SignedDuration) -> Reply {
    let seconds = (wait.as_millis() + 999) / 1_000;
    let detail = "|Microsoft.Exchange.Admin.OData.Core.TooManyRequestsException|Too many requests.";
    failure::error(hyper::StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", detail)
        .with("retry-after", seconds.max(1).to_string())
}
