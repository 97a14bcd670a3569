//! How often it may be tried to sign in: from one address, and from all together. In memory, for a
//! restart is no way to try more.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::Timestamp;

use super::SignInError;

/// Tries that one address has at once, and after how long it gets another.
const OF_ADDRESS: Allowance = Allowance { at_once: 20, another: Duration::from_secs(6) };
/// The same for all addresses together: more than any team needs on a bad morning.
const OF_ALL: Allowance = Allowance { at_once: 200, another: Duration::from_millis(500) };
/// Addresses that are remembered. Those that have not tried for longest are forgotten first.
const MAX_ADDRESSES: usize = 10_000;

struct Allowance {
    at_once: u32,
    another: Duration,
}

/// The tries that were made of late.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    all: Bucket,
    by_address: HashMap<IpAddr, Bucket>,
}

/// Until when tries are used up, in milliseconds: each try moves it on by what another costs, and it
/// may be only so far ahead of now.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket(i64);

impl Attempts {
    /// Takes one try; how long to wait if there is none left.
    pub(crate) fn take(&self, now: Timestamp, address: Option<IpAddr>) -> Result<(), SignInError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.as_millisecond();
        kept.all.check(now, &OF_ALL)?;
        if let Some(address) = address.map(network) {
            if kept.by_address.len() >= MAX_ADDRESSES {
                kept.forget_some(now);
            }
            let bucket = kept.by_address.entry(address).or_default();
            bucket.check(now, &OF_ADDRESS)?;
            bucket.take(now, &OF_ADDRESS);
        }
        kept.all.take(now, &OF_ALL);
        Ok(())
    }

    /// Gives a try back: it was the right password.
    pub(crate) fn give_back(&self, address: Option<IpAddr>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.all.give_back(&OF_ALL);
        let bucket = address.and_then(|address| kept.by_address.get_mut(&network(address)));
        if let Some(bucket) = bucket {
            bucket.give_back(&OF_ADDRESS);
        }
    }
}

impl Kept {
    fn forget_some(&mut self, now: i64) {
        self.by_address.retain(|_, bucket| bucket.0 > now);
        if self.by_address.len() >= MAX_ADDRESSES {
            let mut ends: Vec<i64> = self.by_address.values().map(|bucket| bucket.0).collect();
            let (_, middle, _) = ends.select_nth_unstable(MAX_ADDRESSES / 2);
            let middle = *middle;
            self.by_address.retain(|_, bucket| bucket.0 > middle);
        }
    }
}

impl Bucket {
    fn check(self, now: i64, allowance: &Allowance) -> Result<(), SignInError> {
        let cost = allowance.cost();
        let wait = self.0.max(now) + cost - now - cost * i64::from(allowance.at_once);
        match u64::try_from(wait) {
            Ok(wait) if wait > 0 => Err(SignInError::TooMany(Duration::from_millis(wait))),
            _ => Ok(()),
        }
    }

    fn take(&mut self, now: i64, allowance: &Allowance) {
        self.0 = self.0.max(now) + allowance.cost();
    }

    fn give_back(&mut self, allowance: &Allowance) {
        self.0 -= allowance.cost();
    }
}

impl Allowance {
    fn cost(&self) -> i64 {
        i64::try_from(self.another.as_millis()).unwrap_or(i64::MAX)
    }
}

/// What one subscriber has: of IPv6 a whole network (RFC 6177), with so many addresses that a limit
/// of each would be none.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn taken(attempts: &Attempts, now: Timestamp, address: &str) -> bool {
        attempts.take(now, Some(address.parse().unwrap())).is_ok()
    }

    #[test]
    fn one_address_waits_and_others_do_not() {
        let attempts = Attempts::default();
        for _ in 0..20 {
            assert!(taken(&attempts, at(0), "192.0.2.1"));
        }
        assert!(!taken(&attempts, at(0), "192.0.2.1"));
        assert!(!taken(&attempts, at(5), "::ffff:192.0.2.1"));
        assert!(taken(&attempts, at(0), "192.0.2.2"));
        assert!(taken(&attempts, at(6), "192.0.2.1"));
        assert!(!taken(&attempts, at(6), "192.0.2.1"));
        attempts.give_back(Some("192.0.2.1".parse().unwrap()));
        assert!(taken(&attempts, at(6), "192.0.2.1"));
    }

    #[test]
    fn a_network_of_many_addresses_is_one() {
        let attempts = Attempts::default();
        for last in 0..20 {
            assert!(taken(&attempts, at(0), &format!("2001:db8::{last:x}")));
        }
        assert!(!taken(&attempts, at(0), "2001:db8::ffff"));
        assert!(taken(&attempts, at(0), "2001:db8:0:1::1"));
    }

    #[test]
    fn all_together_have_a_limit_and_little_is_remembered() {
        let attempts = Attempts::default();
        let address = |number: u32| Some(IpAddr::from(number.to_be_bytes()));
        let taken = (0..1_000).filter(|number| attempts.take(at(0), address(*number)).is_ok());
        assert_eq!(taken.count(), 200);
        for second in 1..25_000_u32 {
            drop(attempts.take(at(i64::from(second) / 2), address(second)));
        }
        assert!(attempts.0.lock().unwrap().by_address.len() <= MAX_ADDRESSES);
    }
}
