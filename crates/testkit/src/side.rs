//! The two places an Exchange organization can live at, and what is otherwise in each.

use simulator::OrganizationOptions;

use crate::TestApp;

/// Where the organization of a story lives. Most stories are the same on both sides; what a story may
/// expect on one of them only, it asks here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// On servers of its own, reached over remote PowerShell.
    OnPremises,
    /// At Exchange Online, reached over its REST service.
    Hosted,
}

impl Side {
    /// An organization of this side with so many devices.
    #[must_use]
    pub fn organization(self, devices: usize) -> OrganizationOptions {
        let start = OrganizationOptions::default().start;
        match self {
            Self::OnPremises => OrganizationOptions::with_devices(devices, start),
            Self::Hosted => OrganizationOptions::hosted(devices, start),
        }
    }

    /// What such an organization calls itself.
    #[must_use]
    pub const fn organization_name(self) -> &'static str {
        match self {
            Self::OnPremises => "Contoso",
            Self::Hosted => "contoso.onmicrosoft.com",
        }
    }

    /// An engine without connectors beside an organization with so many devices.
    pub fn beside(self, devices: usize) -> anyhow::Result<TestApp> {
        TestApp::beside_organization(&self.organization(devices))
    }

    /// The same with the connector [`TestApp::name`] added.
    pub async fn connected(self, devices: usize) -> anyhow::Result<TestApp> {
        let app = self.beside(devices)?;
        app.add_connector().await?;
        Ok(app)
    }

    /// An engine that does by itself what is due, beside an organization with so many devices.
    /// Stories move its clock and wait for what they expect.
    pub fn supervised(self, devices: usize) -> anyhow::Result<TestApp> {
        TestApp::supervised_beside(&self.organization(devices))
    }

    /// The same on the computer's own clock, which goes on while the engine looks at it.
    pub fn supervised_in_real_time(self, devices: usize) -> anyhow::Result<TestApp> {
        TestApp::supervised_in_real_time(self.organization(devices))
    }

    /// Whether lists come in an order, so that one that was cut can be gone on with. Hosted Exchange
    /// has pages of its own, which do not outlive the session.
    #[must_use]
    pub const fn sorts_lists(self) -> bool {
        matches!(self, Self::OnPremises)
    }

    /// Whether Exchange says who wrote what, to a cmdlet. Hosted Exchange keeps that elsewhere.
    #[must_use]
    pub const fn names_writers(self) -> bool {
        matches!(self, Self::OnPremises)
    }

    /// Whether an owner may sort mailboxes into units, by which a connector looks at some of them only.
    #[must_use]
    pub const fn has_units(self) -> bool {
        matches!(self, Self::OnPremises)
    }

    /// Whether policies say something of push notifications.
    #[must_use]
    pub const fn has_push_settings(self) -> bool {
        matches!(self, Self::Hosted)
    }

    /// Whether Exchange tells that a phone fetched a wipe and carried it out. Hosted Exchange never
    /// does.
    #[must_use]
    pub const fn reports_wipes(self) -> bool {
        matches!(self, Self::OnPremises)
    }
}
