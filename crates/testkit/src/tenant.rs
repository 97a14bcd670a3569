//! What only a hosted organization has: a tenant, an application that signs in to it, and tokens.

use std::sync::{Mutex, MutexGuard};

use domain::connector::{self, HostedEndpoint, Trust};
use engine::Proof;
use jiff::{SignedDuration, Timestamp};
use simulator::{
    AppCertificate, Application, Clock, HostedHabits, HostedOptions, KeyKind, Waiting,
};
use uuid::Uuid;

use crate::exchange::locked;

/// The tenant of a hosted organization, with the application that is registered in it.
pub struct Tenant {
    id: Uuid,
    options: HostedOptions,
    application: Mutex<Application>,
    habits: Mutex<HostedHabits>,
    certificate: AppCertificate,
}

impl Tenant {
    /// Secret of the application.
    pub const SECRET: &'static str = "hosted~Pa55word";
    /// Id of the application.
    pub const APPLICATION: Uuid = Uuid::from_u128(0x6a7e_9057_0000_4000_8000_0000_0000_0001);

    /// A tenant whose application has a certificate that is good for a year from `start`.
    pub(crate) fn new(id: Uuid, start: Timestamp, now: Clock) -> anyhow::Result<Self> {
        let end = start + SignedDuration::from_hours(24 * 365);
        let certificate = AppCertificate::self_signed("gatepost", KeyKind::Ec, end)?;
        let application = Application {
            secret: Some(Self::SECRET.to_owned()),
            certificates: vec![certificate.certificate_pem()?],
            ..Application::new(Self::APPLICATION, "gatepost")
        };
        let options = HostedOptions::new(now, Vec::new())?;
        let (application, habits) = (Mutex::new(application), Mutex::default());
        Ok(Self { id, options, application, habits, certificate })
    }

    /// What the service is started with.
    pub(crate) fn options(&self) -> HostedOptions {
        let mut options = self.options.clone();
        options.applications = vec![self.application().clone()];
        options.habits = self.habits().clone();
        options
    }

    /// How the application reaches the organization, with its certificate.
    pub(crate) fn endpoint(&self, url: &str) -> HostedEndpoint {
        let tenant = connector::Tenant::parse(&self.id.to_string()).expect("a GUID names a tenant");
        HostedEndpoint {
            service_url: Some(url.to_owned()),
            login_url: Some(url.to_owned()),
            trust: Trust { extra_roots_pem: Some(self.root_pem()), ..Trust::default() },
            ..HostedEndpoint::new(tenant, Self::APPLICATION)
        }
    }

    /// With what the application proves who it is.
    pub(crate) fn proof(&self) -> Proof {
        let pem = self.certificate.pem().expect("a certificate that was made can be written");
        Proof::certificate(pem, None).expect("its key is with it")
    }

    /// The application as the service will know it when it is started again.
    pub fn application(&self) -> MutexGuard<'_, Application> {
        locked(&self.application)
    }

    /// The habits that the service will have when it is started again.
    pub fn habits(&self) -> MutexGuard<'_, HostedHabits> {
        locked(&self.habits)
    }

    /// The registered certificate, with its key; the key is of an elliptic curve.
    #[must_use]
    pub const fn certificate(&self) -> &AppCertificate {
        &self.certificate
    }

    /// The root to trust.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.options.root_pem()
    }

    /// Every token that was given so far is refused from now on.
    pub fn revoke_tokens(&self) {
        self.options.revoke_tokens();
    }

    /// A person enters every code that waits for one. Gives how many there were.
    pub fn enter_device_codes(&self, person: &str) -> usize {
        let (codes, entered) = (self.options.device_codes(), Waiting::Entered(person.to_owned()));
        codes.pending().iter().filter(|code| codes.settle(code, &entered)).count()
    }
}
