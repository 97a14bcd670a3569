//! The certificate of an application is good for a year or two, and then nothing works any more: it
//! is told of long before.

use domain::{
    Connector, Timestamp,
    connector::{CertificateFacts, Expiry},
    notification::Happened,
    status_message::Event,
};
use jiff::SignedDuration;

use crate::Engine;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So many days before its end a certificate is told of; the last time when it has ended.
const TOLD_BEFORE: [i32; 4] = [30, 7, 1, 0];

/// Whether somebody is to be told now, who was not when it was looked last.
fn is_to_be_told(certificate: &CertificateFacts, looked: Timestamp, now: Timestamp) -> bool {
    TOLD_BEFORE.iter().any(|days| {
        let moment = certificate.not_after - DAY * *days;
        looked < moment && moment <= now
    })
}

impl Engine {
    /// Tells of the certificates that end soon, or have ended, since it was looked last.
    pub(crate) async fn look_for_ends_of_certificates(
        &self,
        looked: Timestamp,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        for connector in self.store().connectors(&self.own_scope()?).await? {
            let Some(certificate) = in_use(&connector) else { continue };
            if is_to_be_told(certificate, looked, now) {
                self.record_expiry(&connector, certificate, now).await;
                let what = format!("the certificate of the connector {}", connector.name);
                let expires = certificate.not_after;
                self.notify(Happened::CredentialExpiring { what, expires }).await;
            }
        }
        Ok(())
    }

    /// Tells of a certificate that was given a moment ago and ends soon all the same.
    pub(crate) async fn tell_of_new_certificate(&self, connector: &Connector) {
        if let Some(certificate) = in_use(connector) {
            self.record_expiry(connector, certificate, self.now()).await;
        }
    }

    /// Keeps an event of a connector whose certificate ends soon or has ended.
    async fn record_expiry(
        &self,
        connector: &Connector,
        certificate: &CertificateFacts,
        now: Timestamp,
    ) {
        let expiry = Expiry::of(certificate, now);
        let event = match expiry {
            Expiry::Over => Event::CertificateExpired,
            _ => Event::CertificateExpiring,
        };
        if let Some(text) = expiry.sentence(certificate) {
            self.record(connector, event, &text).await;
        }
    }
}

/// The certificate that a connector works with.
fn in_use(connector: &Connector) -> Option<&CertificateFacts> {
    use domain::connector::ConnectorState;
    let is_there = connector.state != ConnectorState::Removed;
    connector.endpoint.hosted()?.certificate.as_ref().filter(|_| is_there)
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
    fn it_is_told_of_a_month_a_week_and_a_day_before_and_when_it_has_ended() {
        let certificate = certificate();
        let mut looked = certificate.not_after - DAY * 40;
        let mut told = Vec::new();
        while looked < certificate.not_after + DAY * 3 {
            let now = looked + SignedDuration::from_hours(1);
            if is_to_be_told(&certificate, looked, now) {
                told.push((certificate.not_after.duration_since(now)).as_hours());
            }
            looked = now;
        }
        assert_eq!(told, [30 * 24, 7 * 24, 24, 0]);
        let start = certificate.not_after - DAY * 40;
        let end = certificate.not_after + DAY;
        assert!(is_to_be_told(&certificate, start, end), "however long nobody looked");
    }
}
