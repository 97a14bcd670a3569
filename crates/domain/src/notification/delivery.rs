//! Deliveries: one message to one recipient, until it arrived or nobody believes in it any more.

use jiff::{SignedDuration, Timestamp};

use super::{Language, MailAddress, Topic};
use crate::{ChannelId, DeliveryId, device::words};

/// One message to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// For ever: the recipient sees it, and knows by it that a message came twice.
    pub id: DeliveryId,
    /// By which way.
    pub channel: ChannelId,
    /// What the channel was called.
    pub channel_name: String,
    /// What the subscription was called; `None` of a message sent to try a channel.
    pub subscription: Option<String>,
    /// About what.
    pub topic: Topic,
    /// To whom, if by mail.
    pub recipient: Option<MailAddress>,
    /// In which language.
    pub language: Language,
    /// What is told, as a document of the engine.
    pub document: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it was made.
    pub created: Timestamp,
    /// When it is tried next, while it waits.
    pub next_attempt: Timestamp,
    /// How often it was tried.
    pub attempts: u64,
    /// What came of the last attempt.
    pub outcome: Option<String>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It is tried, or will be again.
    Waiting,
    /// It arrived.
    Delivered,
    /// It did not arrive and is not tried again by itself.
    Failed,
}

words!(DeliveryState { Waiting = "waiting", Delivered = "delivered", Failed = "failed" });

/// One attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u64,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Whether it arrived.
    pub is_success: bool,
    /// What the other side answered, or what went wrong.
    pub answer: String,
}

/// A delivery is given up after so long: a weekend and the Monday after it.
pub const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(72);

const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(6);

/// How long to wait after so many attempts that failed.
#[must_use]
pub fn wait_after(attempts: u64) -> SignedDuration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (FIRST_WAIT * 2_i32.pow(doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_ever_more_seldom_up_to_six_hours() {
        let waits = [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360].map(SignedDuration::from_mins);
        for (attempts, wait) in (1..).zip(waits) {
            assert_eq!(wait_after(attempts), wait);
        }
        assert_eq!(wait_after(u64::MAX), LONGEST_WAIT);
    }
}
