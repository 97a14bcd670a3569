//! The pace that the service asks for, kept for every session of a connector: whoever is told to
//! wait lets the others wait too.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::Timestamp;
use jiff::SignedDuration;

use super::{Answer, Clock};

/// Longest wait the service is believed, so that nonsense does not put a connector to sleep.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(300);
/// Shortest wait after a refusal.
pub(super) const MIN_WAIT: Duration = Duration::from_secs(1);
/// Where the service does not say how long.
pub(super) const USUAL_WAIT: Duration = Duration::from_secs(10);

/// How long an answer says to wait: in seconds, or until a time of its own clock (RFC 9110 section
/// 10.2.3).
pub(super) fn wait_of(answer: &Answer) -> Option<Duration> {
    wait_in(answer.header("retry-after")?, answer.header("date"))
}

/// The same of what stands in `Retry-After` of an answer of that date.
pub(super) fn wait_in(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let text = retry_after.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds).min(MAX_WAIT));
    }
    let time = |text| jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp());
    let wait = time(text)?.duration_since(time(date?)?);
    Duration::try_from(wait).ok().map(|wait| wait.min(MAX_WAIT))
}

/// The pause that the service asked for.
#[derive(Debug, Default)]
pub struct Throttle {
    until: Mutex<Option<Timestamp>>,
}

impl Throttle {
    /// Everybody waits so long from now, unless they wait longer already. Gives the wait that was
    /// taken: never longer than five minutes.
    pub(super) fn pause(&self, now: Timestamp, wait: Duration) -> Duration {
        let wait = wait.min(MAX_WAIT);
        let until = now + SignedDuration::try_from(wait).unwrap_or_default();
        let mut known = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *known = known.max(Some(until));
        wait
    }

    /// How long there is to wait.
    pub(super) fn left(&self, now: Timestamp) -> Option<Duration> {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = (*until)?.duration_since(now);
        match Duration::try_from(left) {
            // A clock that was set back does not make a short pause a long one.
            Ok(left) if !left.is_zero() => Some(left.min(MAX_WAIT)),
            _ => {
                *until = None;
                None
            }
        }
    }

    /// Waits until the pause is over, if there is one; gives how long that took.
    pub(super) async fn passed(
        &self,
        clock: &dyn Clock,
        most: Duration,
    ) -> Result<Duration, Duration> {
        let mut waited = Duration::ZERO;
        while let Some(left) = self.left(clock.now()) {
            if waited + left > most {
                return Err(left);
            }
            clock.sleep(left).await;
            waited += left;
        }
        Ok(waited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_seconds_or_as_a_time() {
        let date = ("date", "Sat, 21 Nov 2026 07:00:00 GMT");
        for (told, seconds) in [
            ("7", Some(7)),
            ("86400", Some(300)),
            ("Sat, 21 Nov 2026 07:00:30 GMT", Some(30)),
            ("Sat, 21 Nov 2026 06:00:00 GMT", None),
            ("soon", None),
        ] {
            let answer = Answer::of(429, &[date, ("retry-after", told)], b"");
            assert_eq!(wait_of(&answer), seconds.map(Duration::from_secs), "{told}");
        }
    }

    #[test]
    fn a_pause_is_bounded_and_the_longest_counts() {
        let throttle = Throttle::default();
        let now: Timestamp = "2026-11-21T07:00:00Z".parse().unwrap();
        let at = |seconds| now + SignedDuration::from_secs(seconds);
        assert_eq!(throttle.left(now), None);
        throttle.pause(now, Duration::from_secs(20));
        throttle.pause(now, Duration::from_secs(5));
        assert_eq!(throttle.left(at(1)), Some(Duration::from_secs(19)));
        assert_eq!(throttle.left(at(20)), None);
        assert_eq!(throttle.left(now), None, "what is over stays over");
        throttle.pause(now, Duration::from_secs(86_400));
        assert_eq!(throttle.left(now), Some(MAX_WAIT));
    }
}
