//! The fields of a hosted organization.

use domain::connector::{Cloud, HostedSignIn};

use super::{Field, Filled, Input};
use crate::setup::{cloud, way_of_proving};

impl Filled<'_> {
    pub(super) fn tenant(self) -> Vec<Field> {
        let clouds = Cloud::ALL.iter().map(|one| (one.word(), cloud(*one)));
        let clouds = Input::Select(self.choices("cloud", clouds));
        hosted(vec![
            self.line(
                "tenant",
                "Tenant",
                "Its id, or one of its domains: contoso.onmicrosoft.com. Everything else is found \
                 by itself.",
            ),
            self.field("cloud", "Cloud", "", clouds),
            self.line(
                "service_url",
                "Another address of the Exchange service",
                "For a gateway or a simulator of your own: https://exchange.contoso.com",
            )
            .rare(),
            self.line("login_url", "Another address to sign in at", "As above").rare(),
        ])
    }

    pub(super) fn application(self) -> Vec<Field> {
        let ways = HostedSignIn::ALL.iter().map(|way| (way.word(), way_of_proving(*way)));
        let ways = Input::Radio(self.choices("sign_in", ways));
        let certificate = if self.given.certificate {
            "It is given and not shown again. Leave this empty to keep it."
        } else {
            "With its key: choose a PEM or PFX file, or paste the text of a PEM file. Kept sealed; \
             never shown again, never logged."
        };
        let file = Input::SecretFile(self.given.certificate);
        hosted(vec![
            self.line(
                "application",
                "Application",
                "The application (client) id that Entra shows. Needed for a certificate and for a \
                 client secret.",
            ),
            self.field("sign_in", "It proves itself with", "", ways),
            self.field("certificate", "Certificate", certificate, file).when("sign_in=certificate"),
            self.secret("certificate_password", "Password of that file", false)
                .when("sign_in=certificate"),
            self.secret("client_secret", "Client secret", self.given.client_secret)
                .when("sign_in=secret"),
        ])
    }
}

fn hosted(fields: Vec<Field>) -> Vec<Field> {
    fields.into_iter().map(|field| field.of("hosted")).collect()
}
