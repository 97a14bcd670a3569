//! The check of a connector to a hosted organization.

use domain::{
    Connector,
    connector::{Expiry, HostedEndpoint},
};

use super::{CheckReport, CheckResult};
use crate::{Engine, Error};

impl Engine {
    pub(super) async fn check_hosted(
        &self,
        connector: &Connector,
        hosted: &HostedEndpoint,
    ) -> Result<CheckReport, Error> {
        let mut report = CheckReport::default();
        report.push_certificate(hosted, self);
        let pool = self.inner.sessions.pool(connector);
        let party = match self.party(connector, hosted, &pool).await {
            Ok(party) => party,
            // There is nothing to sign in with.
            Err(error) => {
                report.push("sign in", CheckResult::Failed, Some(format!("{error:#}")));
                return Ok(report);
            }
        };
        let mut endpoints = self.known_endpoints(connector).await?;
        let connected = self.try_hosted(hosted, &party).await;
        if let Some(one) = endpoints.iter_mut().find(|one| one.url == hosted.url()) {
            report.connected(one, &connected);
            match &connected {
                Ok(_) => one.succeeded(self.now()),
                Err(error) => one.failed(self.now(), &error.to_string()),
            }
        }
        self.store().replace_endpoints(connector.id, &endpoints).await?;
        if let Ok(session) = connected {
            self.check_session(connector, hosted.url(), session, &mut report).await;
        }
        Ok(report)
    }
}

impl CheckReport {
    /// Notes how long the certificate is good for.
    fn push_certificate(&mut self, hosted: &HostedEndpoint, engine: &Engine) {
        let Some(certificate) = &hosted.certificate else { return };
        let expiry = Expiry::of(certificate, engine.now());
        let (result, detail) = match expiry.sentence(certificate) {
            None => (CheckResult::Fine, format!("it is good until {}", certificate.not_after)),
            Some(sentence) if expiry == Expiry::Over => (CheckResult::Failed, sentence),
            Some(sentence) => (CheckResult::Missing, sentence),
        };
        self.push("certificate", result, Some(detail));
    }
}
