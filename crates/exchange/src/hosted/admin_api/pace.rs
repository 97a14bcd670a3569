//! What a session learns of the service's pace: how many calls it allows in a while, how many of them
//! are left, and how long it let us wait.

use std::time::Duration;

use domain::Timestamp;
use jiff::SignedDuration;

use super::Answer;
use crate::{CmdletLimit, Notice};

/// Longest window of a limit on requests that is believed.
const MAX_WINDOW_SECONDS: i64 = 60 * 60;
/// Longest pause between two tries where the service names none.
const MAX_BACK_OFF: Duration = Duration::from_secs(60);

/// How long to wait before the same is tried again, where the service does not say: longer with each
/// try, of which the first is 1.
pub(super) fn back_off(tries: u32) -> Duration {
    Duration::from_secs(1 << tries.saturating_sub(1).min(6)).min(MAX_BACK_OFF)
}

/// What was learned of the pace.
#[derive(Debug, Default)]
pub(super) struct Pace {
    limit: Option<CmdletLimit>,
    /// What is left of the limit, as the service last said.
    left: Option<i64>,
    /// Whether the limit was told of since it was learned.
    is_told: bool,
    waited: Duration,
    refusals: u32,
}

impl Pace {
    /// Notes what an answer says of the limit. Gives how long to wait, if nothing is left of it.
    pub(super) fn note(&mut self, answer: &Answer, now: Timestamp) -> Option<Duration> {
        let number = |name| answer.header(name)?.trim().parse::<i64>().ok();
        let most = number("rate-limit-limit")?;
        self.left = number("rate-limit-remaining").or(self.left);
        let reset = answer.header("rate-limit-reset").and_then(crate::records::time);
        let window = reset.map_or(0, |at| at.duration_since(now).as_secs());
        let window = window.clamp(0, MAX_WINDOW_SECONDS);
        // The window is seen from within: the longest that was seen is nearest to what it is.
        let seconds = u32::try_from(window).unwrap_or_default();
        let seconds = self.limit.map_or(seconds, |known| known.seconds.max(seconds));
        if let (Ok(cmdlets @ 1..), 1..) = (u32::try_from(most), seconds) {
            let limit = Some(CmdletLimit { cmdlets, seconds });
            self.is_told &= self.limit == limit;
            self.limit = limit;
        }
        let is_used_up = self.left.is_some_and(|left| left <= 0) && window > 0;
        is_used_up.then(|| SignedDuration::from_secs(window).try_into().ok()).flatten()
    }

    /// How many calls may be sent at once, of `most` that one would send: what is left of the limit.
    /// Where nothing is left, a pause comes first, and then there is more.
    pub(super) fn room(&self, most: usize) -> usize {
        match self.left.and_then(|left| usize::try_from(left).ok()) {
            Some(left @ 1..) => left.min(most),
            _ => most,
        }
    }

    /// The service refused and asked to wait.
    pub(super) fn refused(&mut self) {
        self.refusals = self.refusals.saturating_add(1);
    }

    /// So long was waited.
    pub(super) fn waited(&mut self, wait: Duration) {
        self.waited = self.waited.saturating_add(wait);
    }

    /// What was learned since this was asked last.
    pub(super) fn take_notices(&mut self) -> impl Iterator<Item = Notice> + use<> {
        let is_news = !std::mem::replace(&mut self.is_told, true) && self.limit.is_some();
        let (balance, limit) = (self.left, self.limit);
        let limited = is_news.then_some(Notice::MicroDelay { millis: 0, balance, limit });
        let waited = std::mem::take(&mut self.waited);
        let refusals = std::mem::take(&mut self.refusals);
        let millis = waited.as_millis().try_into().unwrap_or(u64::MAX);
        let waited = (millis > 0 || refusals > 0).then_some(Notice::Waited { millis, refusals });
        limited.into_iter().chain(waited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(left: i64, reset: &str) -> Answer {
        let (left, reset) = (left.to_string(), reset.to_owned());
        let headers = [
            ("rate-limit-limit", "30000"),
            ("rate-limit-remaining", left.as_str()),
            ("rate-limit-reset", reset.as_str()),
        ];
        Answer::of(200, &headers, b"")
    }

    #[test]
    fn a_limit_is_told_once_and_kept_to() {
        let now: Timestamp = "2026-11-21T07:00:00Z".parse().unwrap();
        let mut pace = Pace::default();
        assert_eq!(pace.take_notices().next(), None);
        assert_eq!(pace.room(10), 10);
        assert_eq!(pace.note(&answer(4, "2026-11-21T07:00:16Z"), now), None);
        assert_eq!(pace.note(&answer(3, "2026-11-21T07:00:09Z"), now), None);
        let limit = Some(CmdletLimit { cmdlets: 30_000, seconds: 16 });
        let told = Notice::MicroDelay { millis: 0, balance: Some(3), limit };
        assert_eq!(pace.take_notices().collect::<Vec<_>>(), [told]);
        assert_eq!((pace.room(10), pace.room(2)), (3, 2));
        let pause = pace.note(&answer(0, "2026-11-21T07:00:05Z"), now);
        assert_eq!(pause, Some(Duration::from_secs(5)));
        assert_eq!(pace.room(10), 10, "after the pause");
        pace.refused();
        pace.waited(Duration::from_secs(5));
        let told = Notice::Waited { millis: 5_000, refusals: 1 };
        assert_eq!(pace.take_notices().collect::<Vec<_>>(), [told]);
        assert_eq!(pace.take_notices().next(), None);
    }

    #[test]
    fn pauses_grow_and_have_an_end() {
        let waits: Vec<u64> = (0..9).map(|tries| back_off(tries).as_secs()).collect();
        assert_eq!(waits, [1, 1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
