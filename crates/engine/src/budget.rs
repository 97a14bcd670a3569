//! How much of Exchange a connector may use at once, learned from how Exchange answers.

use std::{collections::VecDeque, time::Duration};

use domain::{Timestamp, connector::Runspaces};
use exchange::{CmdletLimit, Spent};
use jiff::SignedDuration;

/// How far back the gauge looks.
const WINDOW: SignedDuration = SignedDuration::from_mins(60);
/// Entries of the gauge; what is older than that is counted with the oldest.
const MOST_ENTRIES: usize = 4_096;
/// Cmdlets without a delay after which one more session is tried.
pub(crate) const CALM: u64 = 10;

/// Of the cmdlets that Exchange allows in a while, one part in so many is left to what is urgent.
const URGENT_SHARE: u32 = 4;

/// How much of Exchange a connector may use at once: one session to begin with, one more after a
/// while without a delay, and one again as soon as Exchange complains.
#[derive(Debug)]
pub(crate) struct Budget {
    most: Runspaces,
    allowance: u8,
    calm: u64,
    window: VecDeque<(Timestamp, Spent)>,
    refusals: VecDeque<Timestamp>,
    /// What Exchange allows before it refuses, as it last said.
    limit: Option<CmdletLimit>,
}

/// The budget as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetGauge {
    /// Sessions that may be used at once now.
    pub allowance: u8,
    /// Sessions that may be used at once at most.
    pub most: u8,
    /// Sessions in use.
    pub in_use: usize,
    /// Sessions open and idle.
    pub idle: usize,
    /// Pieces of work that wait for a session.
    pub waiting: usize,
    /// Cmdlets of the last hour.
    pub cmdlets: u64,
    /// Milliseconds by which Exchange delayed them.
    pub delayed_ms: u64,
    /// Times in the last hour that Exchange asked to wait.
    pub refusals: usize,
    /// What Exchange allows before it refuses, if it said so.
    pub limit: Option<CmdletLimit>,
}

impl Budget {
    pub(crate) fn new(most: Runspaces) -> Self {
        Self {
            most,
            allowance: 1,
            calm: 0,
            window: VecDeque::new(),
            refusals: VecDeque::new(),
            limit: None,
        }
    }

    /// Sessions that may be used at once.
    pub(crate) fn allowance(&self) -> usize {
        self.allowance.into()
    }

    /// Takes over a changed limit.
    pub(crate) fn set_most(&mut self, most: Runspaces) {
        self.most = most;
        self.allowance = self.allowance.min(most.get());
    }

    /// Notes what was spent.
    pub(crate) fn spent(&mut self, now: Timestamp, spent: Spent) {
        if spent == Spent::default() {
            return;
        }
        if spent.delayed_ms > 0 {
            self.slow_down();
        } else {
            self.calm += spent.cmdlets;
            if self.calm >= CALM {
                self.calm = 0;
                self.allowance = (self.allowance + 1).min(self.most.get());
            }
        }
        self.limit = spent.limit.or(self.limit);
        self.forget(now);
        if self.window.len() >= MOST_ENTRIES {
            self.window.pop_front();
        }
        self.window.push_back((now, spent));
    }

    /// How long to wait before a cmdlet that is not urgent, so that Exchange does not refuse it, or
    /// the next urgent one.
    pub(crate) fn rest(&self, now: Timestamp) -> Option<Duration> {
        let limit = self.limit?;
        let period = SignedDuration::from_secs(limit.seconds.into());
        let mut left = u64::from((limit.cmdlets - limit.cmdlets / URGENT_SHARE).max(1));
        // The cmdlets that leave no room, from the latest backwards.
        let recent =
            self.window.iter().rev().take_while(|(at, _)| now.duration_since(*at) < period);
        for (at, spent) in recent {
            left = left.saturating_sub(spent.cmdlets);
            if left == 0 {
                return (*at + period).duration_since(now).try_into().ok();
            }
        }
        None
    }

    /// Notes that Exchange refused for want of budget.
    pub(crate) fn refused(&mut self, now: Timestamp) {
        self.slow_down();
        self.forget(now);
        self.refusals.push_back(now);
    }

    fn slow_down(&mut self) {
        self.calm = 0;
        self.allowance = 1;
    }

    fn forget(&mut self, now: Timestamp) {
        let is_old = |at: Timestamp| now.duration_since(at) > WINDOW;
        while self.window.front().is_some_and(|(at, _)| is_old(*at)) {
            self.window.pop_front();
        }
        while self.refusals.front().is_some_and(|at| is_old(*at)) {
            self.refusals.pop_front();
        }
    }

    /// What of the gauge is known here.
    pub(crate) fn gauge(&mut self, now: Timestamp) -> BudgetGauge {
        self.forget(now);
        let waited_out: u32 = self.window.iter().map(|(_, spent)| spent.refusals).sum();
        let waited_out = usize::try_from(waited_out).unwrap_or(usize::MAX);
        BudgetGauge {
            allowance: self.allowance,
            most: self.most.get(),
            cmdlets: self.window.iter().map(|(_, spent)| spent.cmdlets).sum(),
            delayed_ms: self.window.iter().map(|(_, spent)| spent.delayed_ms).sum(),
            refusals: self.refusals.len() + waited_out,
            limit: self.limit,
            ..BudgetGauge::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    #[test]
    fn one_session_more_after_a_calm_while_and_one_again_after_a_delay() {
        let mut budget = Budget::new(Runspaces::default());
        let calm = Spent { cmdlets: CALM, ..Spent::default() };
        assert_eq!(budget.allowance(), 1);
        for expected in [2, 3, 3] {
            budget.spent(at(0), calm);
            assert_eq!(budget.allowance(), expected);
        }
        budget.spent(at(1), Spent { cmdlets: 1, delayed_ms: 20, refusals: 2, limit: None });
        assert_eq!(budget.allowance(), 1);
        budget.spent(at(1), calm);
        budget.refused(at(2));
        assert_eq!(budget.allowance(), 1);
        let gauge = budget.gauge(at(3));
        assert_eq!((gauge.cmdlets, gauge.delayed_ms, gauge.refusals), (4 * CALM + 1, 20, 3));
        assert_eq!(budget.gauge(at(63)).cmdlets, 0);
        budget.set_most(Runspaces::new(1).unwrap());
        budget.spent(at(70), calm);
        assert_eq!(budget.allowance(), 1);
    }

    #[test]
    fn what_is_not_urgent_waits_before_exchange_would_refuse() {
        let mut budget = Budget::new(Runspaces::default());
        let mut spend = |minute, limit| {
            budget.spent(at(minute), Spent { cmdlets: 2, limit, ..Spent::default() });
            budget.rest(at(minute)).map(|rest| rest.as_secs() / 60)
        };
        assert_eq!(spend(0, None), None);
        // A limit of 8 in ten minutes leaves 6 to what is not urgent.
        assert_eq!(spend(1, Some(CmdletLimit { cmdlets: 8, seconds: 600 })), None);
        assert_eq!(spend(4, None), Some(6), "until the first two are ten minutes old");
        assert_eq!(budget.rest(at(10)), None);
    }
}
