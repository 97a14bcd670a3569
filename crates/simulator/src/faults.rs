//! Faults to order.
//!
//! A fault that names a number counts from the moment it is set and happens once; the field is
//! then `None` again. The others last until they are taken back.

use std::{collections::BTreeSet, time::Duration};

/// What shall go wrong. All `None`, false and empty: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The server is off: connections are taken and cut at once, and open ones end without an
    /// answer. Lasts; what is in the organization stays.
    pub offline: bool,
    /// Cut the connection, without a good-bye, once so many bytes of answers were sent.
    pub cut_after_bytes: Option<u64>,
    /// Cut the connection in the middle of the n-th (from 1) answer to Receive, or of the hosted
    /// service to a call.
    pub cut_receive: Option<u32>,
    /// Make the n-th (from 1) object unreadable: a reader of CLIXML fails on it, and in JSON it is no
    /// object.
    pub poison_object: Option<u64>,
    /// Databases that are offline: statistics of their mailboxes fail, one error each.
    pub offline_databases: BTreeSet<String>,
    /// Refuse new shells: "Please wait for N seconds".
    pub budget_exceeded_seconds: Option<u32>,
    /// Wait so long before each answer.
    pub slow: Option<Duration>,
    /// Lists end after so many objects, with no word about it. Lasts.
    pub truncate_after: Option<usize>,
    /// The pipeline ends as Failed after so many more objects.
    pub fail_after: Option<u64>,
    /// Answer the n-th (from 1) request with 401, on whatever connection.
    pub unauthorized_request: Option<u32>,
    /// Answer everything with an HTML page of this status. Lasts.
    pub html_page: Option<u16>,
    /// Carry the n-th (from 1) change out that a cmdlet makes, then cut the connection before a byte of
    /// the answer is sent. What was asked is done, and nobody is told.
    pub cut_after_write: Option<u32>,
    /// The same, and then the server is `offline`.
    pub off_after_write: Option<u32>,
    /// Cmdlets that are refused for want of permission, whatever case their names are written in:
    /// as if a role had been taken away under an open shell, which still lists them. Lasts.
    pub denied_cmdlets: BTreeSet<String>,
    /// Ask questions even of a client that said that nobody is there to answer. Lasts.
    pub asks_nobody: bool,
    /// Whoever asks for one device gets another instead. Lasts.
    pub answers_another: bool,
    /// What shall go wrong with the hosted service alone.
    pub hosted: HostedFaults,
}

/// What shall go wrong with the hosted service and its sign-in. Everything lasts but for what names
/// a single call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostedFaults {
    /// Every n-th call is refused with 429; whoever comes again too early is refused again.
    pub throttle_every: Option<u32>,
    /// How long such a refusal asks to wait; 3 seconds unless ordered otherwise.
    pub retry_after_seconds: Option<u32>,
    /// Every n-th call is refused with 503.
    pub unavailable_every: Option<u32>,
    /// Every n-th call is refused with 400, of which only the inner code says that it will pass.
    pub transient_every: Option<u32>,
    /// Calls are sent to a regional host, which wants bearer and cookies as well.
    pub redirect: bool,
    /// Pages can only be had with the cookie that came with the page before.
    pub affinity: bool,
    /// The n-th (from 1) link to a page is too old already. Once.
    pub expired_link: Option<u32>,
    /// Every call is delayed by so much, and says so in a warning.
    pub micro_delay: Option<Duration>,
    /// What was made is not found for so many seconds.
    pub not_there_yet_seconds: Option<u32>,
    /// Sign-in is refused by a rule of the tenant (conditional access).
    pub sign_in_blocked: bool,
    /// The n-th (from 1) sign-in is answered with 503. Once.
    pub sign_in_unavailable: Option<u32>,
    /// The application has no role in Exchange.
    pub role_missing: bool,
}

impl Faults {
    /// Whether this cmdlet is refused.
    pub(crate) fn denies(&self, cmdlet: &str) -> bool {
        self.denied_cmdlets.iter().any(|denied| denied.eq_ignore_ascii_case(cmdlet))
    }

    /// Counts the changes that a cmdlet made; whether the connection is cut after one of them.
    pub(crate) fn cut_after(&mut self, changes: u32) -> bool {
        (0..changes).any(|_| {
            let goes_off = strike(&mut self.off_after_write);
            self.offline |= goes_off;
            strike(&mut self.cut_after_write) || goes_off
        })
    }
}

/// Counts one event down; true when it is the one.
pub(crate) fn strike<T: Copy + PartialOrd + std::ops::SubAssign + From<u8>>(
    countdown: &mut Option<T>,
) -> bool {
    match countdown {
        Some(left) if *left > T::from(1) => {
            *left -= T::from(1);
            false
        }
        Some(_) => {
            *countdown = None;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::strike;

    #[test]
    fn the_third_of_three_strikes_and_then_never_again() {
        let mut countdown = Some(3_u32);
        let struck: Vec<bool> = (0..5).map(|_| strike(&mut countdown)).collect();
        assert_eq!(struck, [false, false, true, false, false]);
    }
}
