//! How often it may be tried to sign in: from one address, from all together, and at a directory with
//! one name. In memory, for a restart is no way to try more.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{ProviderName, Timestamp};

use super::SignInError;

/// Tries that one address has at once, and after how long it gets another.
const OF_ADDRESS: Allowance = Allowance { at_once: 20, another: Duration::from_secs(6) };
/// The same for all addresses together: more than any team needs on a bad morning.
const OF_ALL: Allowance = Allowance { at_once: 200, another: Duration::from_millis(500) };
/// The same for browsers that one address sends to a provider: a whole department behind a proxy comes
/// at nine, and one address alone does not push out what is remembered of others.
const OF_BEGINNING: Allowance = Allowance { at_once: 100, another: Duration::from_secs(2) };
/// The same for one name at one directory. Directories lock an account after five wrong passwords
/// within half an hour, where they are strict: this many never do.
const OF_NAME: Allowance = Allowance { at_once: 3, another: Duration::from_secs(20 * 60) };
/// Addresses that are remembered, and names. Those that have not tried for longest are forgotten
/// first.
const MAX_REMEMBERED: usize = 10_000;

/// Letters of a name that tell it apart from others.
const MAX_NAME: usize = 100;

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
    by_address: Buckets<IpAddr>,
    beginnings: Buckets<IpAddr>,
    by_name: Buckets<String>,
}

#[derive(Debug)]
struct Buckets<K>(HashMap<K, Bucket>);

/// Until when tries are used up, in milliseconds: each try moves it on by what another costs, and it
/// may be only so far ahead of now.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket(i64);

impl Attempts {
    /// Takes one try; how long to wait if there is none left.
    pub(crate) fn take(&self, now: Timestamp, address: Option<IpAddr>) -> Result<(), SignInError> {
        let mut kept = self.kept();
        let now = now.as_millisecond();
        kept.all.check(now, &OF_ALL)?;
        if let Some(address) = address.map(network) {
            kept.by_address.take(address, now, &OF_ADDRESS)?;
        }
        kept.all.take(now, &OF_ALL);
        Ok(())
    }

    /// Gives a try back: it was the right password.
    pub(crate) fn give_back(&self, address: Option<IpAddr>) {
        let mut kept = self.kept();
        kept.all.give_back(&OF_ALL);
        let bucket = address.and_then(|address| kept.by_address.0.get_mut(&network(address)));
        if let Some(bucket) = bucket {
            bucket.give_back(&OF_ADDRESS);
        }
    }

    /// Takes one try of sending a browser to a provider.
    pub(crate) fn take_beginning(
        &self,
        now: Timestamp,
        address: Option<IpAddr>,
    ) -> Result<(), SignInError> {
        let Some(address) = address.map(network) else { return Ok(()) };
        self.kept().beginnings.take(address, now.as_millisecond(), &OF_BEGINNING)
    }

    /// Gives it back: somebody came back, and a provider vouches for them.
    pub(crate) fn give_beginning_back(&self, address: Option<IpAddr>) {
        let Some(address) = address.map(network) else { return };
        if let Some(bucket) = self.kept().beginnings.0.get_mut(&address) {
            bucket.give_back(&OF_BEGINNING);
        }
    }

    /// Takes one try of a name at a directory, whether anybody has that name or not.
    pub(crate) fn take_name(
        &self,
        now: Timestamp,
        directory: &ProviderName,
        name: &str,
    ) -> Result<(), SignInError> {
        let name = name_key(directory, name);
        self.kept().by_name.take(name, now.as_millisecond(), &OF_NAME)
    }

    /// Forgets the tries of a name: it was the right password, and the directory forgets them too.
    pub(crate) fn forget_name(&self, directory: &ProviderName, name: &str) {
        self.kept().by_name.0.remove(&name_key(directory, name));
    }

    /// Gives one try of a name back: the directory did not judge.
    pub(crate) fn give_name_back(&self, directory: &ProviderName, name: &str) {
        if let Some(bucket) = self.kept().by_name.0.get_mut(&name_key(directory, name)) {
            bucket.give_back(&OF_NAME);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Buckets<K> {
    fn take(&mut self, key: K, now: i64, allowance: &Allowance) -> Result<(), SignInError> {
        if self.0.len() >= MAX_REMEMBERED {
            self.forget_some(now);
        }
        let bucket = self.0.entry(key).or_default();
        bucket.check(now, allowance)?;
        bucket.take(now, allowance);
        Ok(())
    }

    fn forget_some(&mut self, now: i64) {
        self.0.retain(|_, bucket| bucket.0 > now);
        if self.0.len() >= MAX_REMEMBERED {
            let mut ends: Vec<i64> = self.0.values().map(|bucket| bucket.0).collect();
            let (_, middle, _) = ends.select_nth_unstable(MAX_REMEMBERED / 2);
            let middle = *middle;
            self.0.retain(|_, bucket| bucket.0 > middle);
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

/// The same for every way of writing the name of an account: `jane`, `JANE`, `jane@contoso.com` and
/// `CONTOSO\jane`.
fn name_key(directory: &ProviderName, name: &str) -> String {
    let name = name.trim();
    let name = name.rsplit_once('\\').map_or(name, |(_, name)| name);
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    let name: String = name.to_lowercase().chars().take(MAX_NAME).collect();
    format!("{directory} {name}")
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
        assert!(attempts.0.lock().unwrap().by_address.0.len() <= MAX_REMEMBERED);
    }

    #[test]
    fn a_directory_is_not_asked_so_often_that_it_locks_an_account() {
        let attempts = Attempts::default();
        let directory = ProviderName::parse("ad").unwrap();
        let ask = |second, name: &str| attempts.take_name(at(second), &directory, name).is_ok();
        for name in ["jane", " JANE ", "jane@contoso.test"] {
            assert!(ask(0, name), "{name}");
        }
        assert!(!ask(0, "CONTOSO\\Jane"));
        assert!(ask(0, "otto"), "others sign in all the same");
        // Five within half an hour would lock the account where a directory is strict.
        let more = (0..1_800).filter(|second| ask(*second, "jane")).count();
        assert_eq!(more, 1);
        attempts.forget_name(&directory, "jane");
        assert!(ask(1_800, "jane"));
    }
}
