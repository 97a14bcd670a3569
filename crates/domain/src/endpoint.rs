//! Endpoints of an organization: where it can be spoken to, and whether it answers there.

use jiff::{SignedDuration, Timestamp};

use crate::device::words;

/// One address of an organization and how it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointHealth {
    /// `http://server.contoso.com/PowerShell/`.
    pub url: String,
    /// How it became known.
    pub origin: EndpointOrigin,
    /// Active Directory site of the server.
    pub site: Option<String>,
    /// Version of its Exchange as four numbers; `None` until servers were read.
    pub version: Option<String>,
    /// Failures since it answered last.
    pub failures: u32,
    /// Not tried again before; `None`: it may be tried.
    pub rests_until: Option<Timestamp>,
    /// What went wrong last, and what to do.
    pub trouble: Option<String>,
    /// When a session was opened there last.
    pub last_success: Option<Timestamp>,
}

/// How an endpoint became known. The order is that of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointOrigin {
    /// It is the connector's own.
    Configured,
    /// It was configured for a site.
    Site,
    /// Exchange named it as a Client Access server.
    Exchange,
    /// Active Directory named it.
    Directory,
    /// Exchange named it as a mailbox server: the last resort.
    Mailbox,
}

words!(EndpointOrigin {
    Configured = "configured",
    Site = "site",
    Exchange = "exchange",
    Directory = "directory",
    Mailbox = "mailbox",
});

/// How long an endpoint rests after its first failure; twice as long after each further one.
const FIRST_REST: SignedDuration = SignedDuration::from_secs(60);
/// How long an endpoint rests at most, so that a preferred one that recovers is soon used again.
const LONGEST_REST: SignedDuration = SignedDuration::from_mins(15);

impl EndpointHealth {
    /// An endpoint that was not tried yet.
    #[must_use]
    pub fn untried(url: &str, origin: EndpointOrigin, site: Option<&str>) -> Self {
        Self {
            url: url.to_owned(),
            origin,
            site: site.map(str::to_owned),
            version: None,
            failures: 0,
            rests_until: None,
            trouble: None,
            last_success: None,
        }
    }

    /// Whether it may be tried: its circuit is closed, or has rested for long enough.
    #[must_use]
    pub fn may_be_tried(&self, now: Timestamp) -> bool {
        self.rests_until.is_none_or(|until| until <= now)
    }

    /// Notes that it answered.
    pub fn succeeded(&mut self, now: Timestamp) {
        self.failures = 0;
        self.rests_until = None;
        self.trouble = None;
        self.last_success = Some(now);
    }

    /// Notes that it did not answer: it rests, the longer the oftener.
    pub fn failed(&mut self, now: Timestamp, trouble: &str) {
        let doubled = FIRST_REST * 2_i32.saturating_pow(self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        self.rests_until = Some(now + doubled.min(LONGEST_REST));
        self.trouble = Some(trouble.to_owned());
    }
}

/// The endpoints in the order they are to be tried at `now`: those that rest after the others,
/// those of the connector before those that were found, the newest Exchange first among these.
///
/// An endpoint that rests is not left out: when no other is there it is better than none.
pub fn in_order(endpoints: &mut [EndpointHealth], now: Timestamp) {
    endpoints.sort_by_key(|endpoint| {
        let is_found = endpoint.origin > EndpointOrigin::Site;
        let version = std::cmp::Reverse(is_found.then(|| parts(endpoint.version.as_deref())));
        (
            !endpoint.may_be_tried(now),
            is_found,
            endpoint.origin == EndpointOrigin::Mailbox,
            version,
            endpoint.origin,
        )
    });
}

/// `15.2.1748.10` as numbers, for comparing. Anything else is older than any version.
#[must_use]
pub fn parts(version: Option<&str>) -> [u32; 4] {
    let mut parts = [0; 4];
    let numbers = version.unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
    parts.iter_mut().zip(numbers).for_each(|(to, from)| *to = from);
    parts
}

/// Whether a server of one version sees mailboxes of servers of another: not those of a later
/// generation. Objects of the directory have one (`ExchangeVersion`): 14 is that of 2010, 15 that of
/// 2013 and all after it.
#[must_use]
pub fn sees(version: &str, mailboxes: &str) -> bool {
    let generation = |version| {
        let [major, ..] = parts(Some(version));
        major
    };
    generation(version) >= generation(mailboxes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn endpoint(url: &str, origin: EndpointOrigin, version: &str) -> EndpointHealth {
        let version = Some(version.to_owned()).filter(|version| !version.is_empty());
        EndpointHealth { version, ..EndpointHealth::untried(url, origin, None) }
    }

    #[test]
    fn a_circuit_opens_longer_each_time_and_closes_with_the_first_success() {
        let mut one = endpoint("a", EndpointOrigin::Configured, "");
        for (failures, minutes) in [1, 2, 4, 8, 15, 15, 15].into_iter().enumerate() {
            one.failed(at(0), "unreachable");
            assert_eq!(one.rests_until, Some(at(minutes)), "failure {failures}");
            assert!(!one.may_be_tried(at(minutes - 1)) && one.may_be_tried(at(minutes)));
        }
        one.succeeded(at(20));
        assert_eq!((one.failures, one.rests_until, one.trouble), (0, None, None));
    }

    #[test]
    fn what_is_configured_comes_first_then_the_newest_and_what_rests_last() {
        use EndpointOrigin as Origin;
        let mut endpoints = vec![
            endpoint("mailbox", Origin::Mailbox, "15.2.1.1"),
            endpoint("old", Origin::Exchange, "14.3.1.1"),
            endpoint("new", Origin::Exchange, "15.2.1.1"),
            endpoint("berlin", Origin::Site, ""),
            endpoint("own", Origin::Configured, ""),
        ];
        let order = |endpoints: &mut Vec<EndpointHealth>, now| {
            in_order(endpoints, now);
            endpoints.iter().map(|one| one.url.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(order(&mut endpoints, at(0)), "own berlin new old mailbox");
        endpoints[0].failed(at(0), "unreachable");
        assert_eq!(order(&mut endpoints, at(0)), "berlin new old mailbox own");
        assert_eq!(order(&mut endpoints, at(1)), "own berlin new old mailbox");
    }

    #[test]
    fn an_older_generation_does_not_see_newer_mailboxes() {
        assert!(sees("15.2.1748.10", "14.3.123.4") && sees("15.0.1.1", "15.2.1748.10"));
        assert!(!sees("14.3.123.4", "15.0.1.1"));
    }
}
