//! The demo's hosted organization, beside the one on premises. Both have the same people.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use anyhow::Context as _;
use api::{ConnectorOptions, Hosted, NewConnector};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use simulator::{
    AppCertificate, Application, HostedOptions, HostedServer, KeyKind, Organization,
    OrganizationOptions, system_clock,
};
use uuid::Uuid;

use crate::simulate;

/// Name of the demo's connector to it.
pub(super) const CONNECTOR: &str = "demo-cloud";
/// Of so many phones on premises there is one in the cloud.
const PHONES_PER_PHONE: usize = 5;
/// Longer than anybody watches a demo, and longer than any warning of an end is early.
const CERTIFICATE_LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);
const APPLICATION: Uuid = Uuid::from_u128(0x6a7e_9057_0000_4000_8000_0000_0000_0001);

/// A tenant, and what a connector needs to be told of it.
pub(super) struct Cloud {
    pub(super) server: HostedServer,
    pub(super) new: NewConnector,
}

/// Grows a tenant and takes an address for it.
pub(super) async fn bind(devices: usize, seed: u64) -> anyhow::Result<Cloud> {
    let clock = system_clock();
    let now = clock();
    let options = OrganizationOptions {
        seed,
        mailboxes: OrganizationOptions::with_devices(devices, now).mailboxes,
        ..OrganizationOptions::hosted(devices / PHONES_PER_PHONE + 1, now)
    };
    let organization = Organization::generate(&options);
    let tenant = organization.tenant_id();
    let certificate = AppCertificate::self_signed("gatepost", KeyKind::Ec, now + CERTIFICATE_LIFE)?;
    let application = Application {
        certificates: vec![certificate.certificate_pem()?],
        ..Application::new(APPLICATION, "gatepost")
    };
    let mut served = HostedOptions::new(clock, vec![application])?;
    served.living = Some(simulate::LIVING);
    let root = served.root_pem();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = HostedServer::bind(address, Arc::new(Mutex::new(organization)), served)
        .await
        .context("listening for the simulated Exchange Online")?;
    let new = connector(&server.url(), tenant, root, &certificate.pem()?);
    Ok(Cloud { server, new })
}

fn connector(url: &str, tenant: Uuid, root: String, certificate: &str) -> NewConnector {
    NewConnector {
        name: CONNECTOR.to_owned(),
        on_premises: None,
        hosted: Some(Hosted {
            tenant: tenant.to_string(),
            application_id: Some(APPLICATION.to_string()),
            sign_in: "certificate".to_owned(),
            cloud: "global".to_owned(),
            service_url: Some(url.to_owned()),
            login_url: Some(url.to_owned()),
            extra_roots_pem: Some(root),
            pinned_sha256: None,
            proxy: None,
            proxy_username: None,
            certificate: None,
        }),
        password: None,
        proxy_password: None,
        options: ConnectorOptions {
            delta_schedule: "1min".to_owned(),
            ..ConnectorOptions::default()
        },
        paused: false,
        notification_password: None,
        certificate: Some(STANDARD.encode(certificate)),
        certificate_password: None,
        client_secret: None,
    }
}
