//! Which devices and mailboxes are asked for, and how each server can be asked for them.

use domain::{DeviceFacts, MailboxFacts, Timestamp, access::Hosting};
use uuid::Uuid;

use super::{
    Family, Organization, Reading,
    reading::{Choice, Way},
};
use crate::{
    Cmdlet, CmdletError, CmdletErrorKind, Error, Identity, Session,
    records::{self, Kind},
};

/// Which devices are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Devices {
    /// All.
    #[default]
    All,
    /// Those of users in an organizational unit, by distinguished or canonical name.
    InUnit(String),
    /// Those of one mailbox, by distinguished name, GUID or address.
    OfMailbox(String),
    /// One, by its GUID.
    One(Uuid),
    /// Those whose directory object changed at this time or later.
    ChangedSince(Timestamp),
    /// Those that appeared at this time or later.
    NewSince(Timestamp),
    /// Those in quarantine.
    Quarantined,
    /// At most so many in the order in which Exchange made them, from a time on.
    Page {
        /// Those of users in an organizational unit; `None`: of the organization.
        unit: Option<String>,
        /// Made at this time or later; `None`: from the first.
        from: Option<Timestamp>,
        /// How many at most.
        size: u32,
    },
}

/// Which mailboxes are asked for, of those that have a device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mailboxes {
    /// All.
    #[default]
    All,
    /// Those in an organizational unit, by distinguished or canonical name.
    InUnit(String),
    /// Those that a filter finds, in Exchange's own words.
    Matching(String),
    /// Those whose directory object changed at this time or later.
    ChangedSince {
        /// When.
        since: Timestamp,
        /// Only those that this filter finds, in Exchange's own words.
        filter: Option<String>,
    },
    /// One, by distinguished name.
    One(String),
}

/// The property that pages follow: it never changes.
const MADE: &str = "WhenCreatedUTC";

impl Devices {
    /// The cmdlet of a family.
    fn cmdlet(&self, family: Family) -> Result<Cmdlet, Error> {
        let list = Cmdlet::new(family.list());
        Ok(match self {
            Self::All => list.unlimited(),
            Self::InUnit(unit) => list.unlimited().with("OrganizationalUnit", unit.as_str()),
            Self::OfMailbox(mailbox) => list.unlimited().of_mailbox(Identity::parse(mailbox)?),
            Self::One(guid) => list.of(Identity::try_from(*guid)?),
            Self::ChangedSince(time) => {
                list.unlimited().with("Filter", since("WhenChangedUTC", *time))
            }
            Self::NewSince(time) => list.unlimited().with("Filter", since("FirstSyncTime", *time)),
            Self::Quarantined => {
                list.unlimited().with("Filter", "DeviceAccessState -eq 'Quarantined'")
            }
            Self::Page { unit, from, size } => {
                let mut page = list.with("ResultSize", i64::from(*size)).with("SortBy", MADE);
                if let Some(unit) = unit {
                    page = page.with("OrganizationalUnit", unit.as_str());
                }
                if let Some(from) = from {
                    page = page.with("Filter", since(MADE, *from));
                }
                page
            }
        })
    }
}

impl Mailboxes {
    fn cmdlets(&self) -> Result<Vec<Cmdlet>, Error> {
        let all = "HasActiveSyncDevicePartnership -eq $true";
        let with_devices = Cmdlet::new("Get-CASMailbox");
        let any = Cmdlet::new("Get-Mailbox");
        let filtered = |filter: &str| {
            let both = format!("({all}) -and ({filter})");
            vec![
                with_devices.clone().unlimited().with("Filter", both),
                any.clone().unlimited().with("Filter", filter),
            ]
        };
        Ok(match self {
            Self::All => {
                vec![with_devices.unlimited().with("Filter", all), any.unlimited()]
            }
            Self::InUnit(unit) => vec![
                with_devices
                    .unlimited()
                    .with("OrganizationalUnit", unit.as_str())
                    .with("Filter", all),
                any.unlimited().with("OrganizationalUnit", unit.as_str()),
            ],
            Self::Matching(filter) => filtered(filter),
            Self::ChangedSince { since: time, filter } => {
                let changed = since("WhenChangedUTC", *time);
                match filter {
                    Some(filter) => filtered(&format!("({changed}) -and ({filter})")),
                    None => filtered(&changed),
                }
            }
            Self::One(name) => {
                let name = Identity::parse(name)?;
                vec![with_devices.of(name.clone()), any.of(name)]
            }
        })
    }
}

/// `Property -ge '2026-11-21T07:00:00Z'`, in whole seconds: the directory keeps no more.
fn since(property: &str, time: Timestamp) -> String {
    let time = Timestamp::from_second(time.as_second()).unwrap_or(time);
    format!("{property} -ge '{time}'")
}

fn no_pages() -> CmdletError {
    CmdletError {
        kind: CmdletErrorKind::ParameterMissing,
        id: String::new(),
        category: 0,
        message: format!("hosted Exchange does not sort by {MADE}"),
        server: None,
        request_id: None,
        cmdlet: None,
        target: None,
    }
}

impl<S: Session> Organization<S> {
    /// Every device of the organization.
    pub async fn devices(&mut self) -> Result<Reading<'_, S, DeviceFacts>, Error> {
        self.devices_of(&Devices::All).await
    }

    /// Some devices. A server that does not know to ask for them answers with the error of its
    /// cmdlet: see [`Error::is_refusal`].
    pub async fn devices_of(
        &mut self,
        devices: &Devices,
    ) -> Result<Reading<'_, S, DeviceFacts>, Error> {
        if self.session.hosting() == Hosting::Hosted && matches!(devices, Devices::Page { .. }) {
            // The service gives pages of its own, and sorts by few properties.
            return Ok(Reading::refused(self, no_pages()));
        }
        let mut families = vec![Family::MobileDevice, Family::ActiveSync];
        if self.capabilities.family == Family::ActiveSync {
            families.reverse();
        }
        if self.is_family_known {
            families.truncate(1);
        }
        let name = self.capabilities.family.list();
        self.learn(Kind::Device, Cmdlet::new(name).with("ResultSize", 1_i64)).await?;
        let ways = families
            .into_iter()
            .map(|family| {
                let pipelines = vec![devices.cmdlet(family)?.into()];
                Ok(Way { choice: Choice::Family(family), pipelines })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Reading::list(self, ways, records::device).required())
    }

    /// Every mailbox that has a device; none where the account may not see mailboxes.
    pub async fn mailboxes(&mut self) -> Result<Reading<'_, S, MailboxFacts>, Error> {
        self.mailboxes_of(&Mailboxes::All).await
    }

    /// Some mailboxes that have a device; none where the account may not see mailboxes.
    pub async fn mailboxes_of(
        &mut self,
        mailboxes: &Mailboxes,
    ) -> Result<Reading<'_, S, MailboxFacts>, Error> {
        let ways = mailboxes.cmdlets()?.into_iter();
        let ways = ways.map(|cmdlet| Way { choice: Choice::None, pipelines: vec![cmdlet.into()] });
        Ok(Reading::list(self, ways.collect(), records::mailbox))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cmdlet: &Cmdlet) -> String {
        format!("{} {:?}", cmdlet.name, cmdlet.parameters)
    }

    #[test]
    fn every_list_is_asked_for_without_a_limit_or_by_pages() {
        let time: Timestamp = "2026-11-21T07:00:00.5Z".parse().unwrap();
        let page =
            Devices::Page { unit: Some("contoso.com/Staff".into()), from: Some(time), size: 5_000 };
        let lists = [
            Devices::All,
            Devices::InUnit("contoso.com/Staff".to_owned()),
            Devices::OfMailbox("jane@contoso.com".to_owned()),
            Devices::ChangedSince(time),
            Devices::NewSince(time),
            Devices::Quarantined,
        ];
        for list in lists {
            let text = sent(&list.cmdlet(Family::ActiveSync).unwrap());
            assert!(text.starts_with("Get-ActiveSyncDevice "), "{text}");
            assert!(text.contains(r#"("ResultSize", Text("Unlimited"))"#), "{text}");
        }
        let text = sent(&page.cmdlet(Family::MobileDevice).unwrap());
        assert!(text.contains(r#"("ResultSize", Int(5000)), ("SortBy", Text("WhenCreatedUTC"))"#));
        assert!(text.contains("WhenCreatedUTC -ge '2026-11-21T07:00:00Z'"), "{text}");
    }

    #[test]
    fn nothing_is_asked_for_by_an_empty_name() {
        assert!(Devices::One(Uuid::nil()).cmdlet(Family::MobileDevice).is_err());
        assert!(Devices::OfMailbox(" ".to_owned()).cmdlet(Family::MobileDevice).is_err());
        assert!(Mailboxes::One(String::new()).cmdlets().is_err());
    }
}
