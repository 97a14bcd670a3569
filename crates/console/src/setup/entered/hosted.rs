//! The fields of a hosted organization.

use domain::connector::{Cloud, HostedEndpoint, HostedSignIn, Tenant};
use uuid::Uuid;

use super::Reader;

impl Reader<'_> {
    pub(super) fn hosted(&mut self) -> Option<HostedEndpoint> {
        let tenant = Tenant::parse(self.form.get("tenant"));
        if tenant.is_err() {
            self.wrong(
                "tenant",
                "give the id of the tenant, or one of its domains, as in contoso.onmicrosoft.com",
            );
        }
        let sign_in = HostedSignIn::from_word(self.form.get("sign_in")).unwrap_or_default();
        let application = self.application(sign_in);
        self.proof(sign_in);
        let endpoint = HostedEndpoint {
            tenant: tenant.ok()?,
            application,
            sign_in,
            cloud: Cloud::from_word(self.form.get("cloud")).unwrap_or_default(),
            service_url: self.origin("service_url"),
            login_url: self.origin("login_url"),
            trust: self.trust(),
            proxy: self.proxy(),
            certificate: None,
        };
        Some(endpoint)
    }

    fn application(&mut self, sign_in: HostedSignIn) -> Option<Uuid> {
        let is_needed = matches!(sign_in, HostedSignIn::Certificate | HostedSignIn::Secret);
        let text = self.form.filled("application");
        if text.is_none() && !is_needed {
            return None;
        }
        let id = text.and_then(|text| Uuid::try_parse(text).ok()).filter(|id| !id.is_nil());
        if id.is_none() {
            self.wrong(
                "application",
                "give the application (client) id that Entra shows, as in \
                 b7e7b4a4-2c0c-4a1b-9c0b-1c1f2a3b4c5d",
            );
        }
        id
    }

    fn proof(&mut self, sign_in: HostedSignIn) {
        match sign_in {
            HostedSignIn::Certificate if !self.given.certificate => {
                self.wrong("certificate", "give the certificate of the application, with its key");
            }
            HostedSignIn::Secret if !self.given.client_secret => {
                self.wrong("client_secret", "give the client secret of the application");
            }
            _ => {}
        }
    }

    fn origin(&mut self, field: &'static str) -> Option<String> {
        let url = self.line(field)?;
        let lower = url.to_ascii_lowercase();
        if !lower.starts_with("https://") && !lower.starts_with("http://") {
            self.wrong(
                field,
                "this address begins with https://, as in https://exchange.contoso.com",
            );
        }
        Some(url)
    }
}
