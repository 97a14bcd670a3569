//! A certificate is good for a year or two, and then nothing works any more.

use jiff::{SignedDuration, Timestamp};

use super::CertificateFacts;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So long before its end there is something to do.
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How it stands with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It is good for a month and more.
    Far,
    /// It ends within so many days, begun ones counted.
    Soon(i64),
    /// It has ended.
    Over,
}

impl Expiry {
    /// How it stands with one now.
    #[must_use]
    pub fn of(certificate: &CertificateFacts, now: Timestamp) -> Self {
        let left = certificate.not_after.duration_since(now);
        if left <= SignedDuration::ZERO {
            Self::Over
        } else if left <= MONTH {
            Self::Soon(left.as_secs().saturating_sub(1) / DAY.as_secs() + 1)
        } else {
            Self::Far
        }
    }

    /// In one sentence that says what to do; `None` if there is nothing to do.
    #[must_use]
    pub fn sentence(self, certificate: &CertificateFacts) -> Option<String> {
        let (subject, end) = (&certificate.subject, certificate.not_after);
        let what_to_do = "register a new one with the application and give it to the connector";
        match self {
            Self::Far => None,
            Self::Soon(1) => Some(format!(
                "the certificate {subject} expires within a day, at {end}; {what_to_do}"
            )),
            Self::Soon(days) => Some(format!(
                "the certificate {subject} expires in {days} days, at {end}; {what_to_do}"
            )),
            Self::Over => Some(format!("the certificate {subject} expired at {end}; {what_to_do}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> CertificateFacts {
        CertificateFacts {
            subject: "CN=Gatepost".to_owned(),
            sha256: "ab".to_owned(),
            not_after: "2027-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn it_is_said_in_days_and_what_to_do() {
        let certificate = certificate();
        let said = |before: SignedDuration| {
            let expiry = Expiry::of(&certificate, certificate.not_after - before);
            (expiry, expiry.sentence(&certificate).unwrap_or_default())
        };
        assert_eq!(said(DAY * 31).0, Expiry::Far);
        assert_eq!(said(DAY * 31).1, "");
        assert_eq!(said(DAY * 30).0, Expiry::Soon(30));
        assert!(said(DAY * 7).1.contains("in 7 days, at 2027-01-01T00:00:00Z; register a new one"));
        assert!(said(DAY / 2).1.contains("within a day"));
        assert_eq!(said(SignedDuration::ZERO).0, Expiry::Over);
        assert!(said(-DAY).1.contains("expired at"));
    }
}
