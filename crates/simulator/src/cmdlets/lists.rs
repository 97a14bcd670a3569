//! Which rows a list has: filter, organizational unit, order, size.

use super::{
    Begun, Call, Context, Problem, Reply, Work,
    filter::{Field, Filter, Key},
    problem::MANAGEMENT_OBJECT_NOT_FOUND,
    render::View,
};
use crate::organization::{Device, Mailbox, Organization, Unit};

/// What a truncated list says.
pub(crate) const MORE_RESULTS: &str = "There are more results available than are currently displayed. To view \
                            them, increase the value for the ResultSize parameter.";

/// What devices can be filtered and sorted by.
pub(super) const DEVICE_PROPERTIES: &[&str] = &[
    "ClientType",
    "DeviceAccessControlRule",
    "DeviceAccessState",
    "DeviceAccessStateReason",
    "DeviceActiveSyncVersion",
    "DeviceId",
    "DeviceImei",
    "DeviceMobileOperator",
    "DeviceModel",
    "DeviceOS",
    "DeviceOSLanguage",
    "DeviceTelephoneNumber",
    "DeviceType",
    "DeviceUserAgent",
    "DistinguishedName",
    "FirstSyncTime",
    "FriendlyName",
    "Guid",
    "Name",
    "ProvisioningFlags",
    "UserDisplayName",
    "WhenChanged",
    "WhenChangedUTC",
    "WhenCreated",
    "WhenCreatedUTC",
];
/// What mailboxes, users and recipients can be filtered and sorted by.
pub(super) const MAILBOX_PROPERTIES: &[&str] = &[
    "ActiveSyncAllowedDeviceIDs",
    "ActiveSyncBlockedDeviceIDs",
    "ActiveSyncEnabled",
    "ActiveSyncMailboxPolicy",
    "Alias",
    "DisplayName",
    "DistinguishedName",
    "Guid",
    "HasActiveSyncDevicePartnership",
    "Name",
    "PrimarySmtpAddress",
    "SamAccountName",
    "UserPrincipalName",
    "WhenChanged",
    "WhenChangedUTC",
    "WhenCreated",
    "WhenCreatedUTC",
];

/// Which rows a call wants, and in which order.
pub(super) struct Selection {
    filter: Option<Filter>,
    units: Option<Vec<Unit>>,
    sort_by: Option<&'static str>,
}

impl Selection {
    /// Reads `Filter`, `OrganizationalUnit` and `SortBy` of a call over these properties.
    pub(super) fn of(
        call: &Call,
        organization: &Organization,
        properties: &'static [&'static str],
    ) -> Result<Self, Problem> {
        let habits = &organization.options().habits;
        let open: Vec<&'static str> = properties
            .iter()
            .copied()
            .filter(|property| !habits.refuses_filter(call.definition.name, property))
            .collect();
        let filter = match call.text("Filter") {
            None => None,
            Some(text) => {
                Some(Filter::parse(&text, &open).map_err(|why| refused(call, "Filter", &why))?)
            }
        };
        let sort_by = match call.text("SortBy") {
            None => None,
            Some(_) if habits.sort_by_refused => {
                return Err(refused(call, "SortBy", "Sorting is not supported."));
            }
            Some(name) => {
                let known = properties.iter().find(|known| known.eq_ignore_ascii_case(&name));
                let why = || format!("\"{name}\" is not a property that can be sorted by.");
                Some(*known.ok_or_else(|| refused(call, "SortBy", &why()))?)
            }
        };
        let units = match call.text("OrganizationalUnit") {
            None => None,
            Some(name) => {
                let units = organization.units_of(&name);
                if units.is_empty() {
                    return Err(unit_not_found(call, &name));
                }
                Some(units)
            }
        };
        Ok(Self { filter, units, sort_by })
    }

    /// Whether a row is wanted: `owner` is its mailbox, `field` gives its properties.
    pub(super) fn takes(&self, owner: &Mailbox, field: &impl Fn(&str) -> Field) -> bool {
        self.units.as_ref().is_none_or(|units| units.contains(&owner.unit()))
            && self.filter.as_ref().is_none_or(|filter| filter.matches(field))
    }

    /// Sorts rows, ascending; rows of equal keys stay as they were.
    pub(super) fn sort(&self, rows: &mut [u32], field: impl Fn(u32, &str) -> Field) {
        if let Some(property) = self.sort_by {
            rows.sort_by_cached_key(|row| Key::of(&field(*row, property)));
        }
    }
}

fn refused(call: &Call, parameter: &str, why: &str) -> Problem {
    let what = if parameter == "Filter" { "filter" } else { "sort" };
    let message = format!(
        "Cannot bind parameter '{parameter}' to the target. Exception setting \"{parameter}\": \
         \"Invalid {what} syntax. {why}\""
    );
    Problem::binding(call.definition.name, "ParameterBindingFailed", message)
}

fn unit_not_found(call: &Call, name: &str) -> Problem {
    let message = format!(
        "The organizational unit \"{name}\" couldn't be found. Please make sure that it was spelled \
         correctly or specify a different object."
    );
    let definition = call.definition;
    Problem::of_task(definition.name, definition.class, MANAGEMENT_OBJECT_NOT_FOUND, message)
}

/// Cuts a list at what was asked for, or at the default, with the warning that goes with it.
pub(super) fn limited(
    call: &Call,
    organization: &Organization,
    context: &Context,
    mut rows: Vec<u32>,
    view: View,
) -> Begun {
    let default = organization.options().habits.default_result_size;
    let size = match call.value("ResultSize") {
        None => Some(default),
        Some(value) => match value.as_i64() {
            Some(number) => usize::try_from(number).ok(),
            None => {
                let text = value.text().unwrap_or_default();
                let unlimited = text.eq_ignore_ascii_case("Unlimited");
                let number: Option<usize> = text.parse().ok();
                if number.is_none() && !unlimited {
                    const WANTED: &str = "Microsoft.Exchange.Data.Unlimited`1[System.UInt32]";
                    let cmdlet = call.definition.name;
                    return Err(Problem::transformation(cmdlet, "ResultSize", &text, WANTED));
                }
                number
            }
        },
    };
    let cut = size.is_some_and(|size| rows.len() > size);
    rows.truncate(size.unwrap_or(usize::MAX));
    rows.truncate(context.truncate_after.unwrap_or(usize::MAX));
    let mut works = vec![Work::Rows { rows: rows.into_iter(), view }];
    if cut {
        works.push(Work::Reply(Reply::Warning(MORE_RESULTS.to_owned())));
    }
    Ok(works)
}

/// A property of a device, as filters see it.
pub(super) fn device_field(organization: &Organization, device: &Device, name: &str) -> Field {
    let model = device.model();
    let telephony = device.telephony.as_deref();
    let text = |text: &str| {
        if text.is_empty() { Field::Null } else { Field::Text(text.to_owned()) }
    };
    match name {
        "ClientType" => text(model.client.word()),
        "DeviceAccessControlRule" => {
            let rule = device.rule.and_then(|guid| organization.rule(guid));
            rule.map_or(Field::Null, |rule| Field::Text(rule.name()))
        }
        "DeviceAccessState" => text(device.state.printed().0),
        "DeviceAccessStateReason" => text(device.reason.printed().0),
        "DeviceActiveSyncVersion" => text(model.version),
        "DeviceId" => text(&device.id),
        "DeviceImei" => telephony.map_or(Field::Null, |own| text(&own.imei)),
        "DeviceMobileOperator" => telephony.map_or(Field::Null, |own| text(own.operator)),
        "DeviceModel" => text(model.model),
        "DeviceOS" => text(model.os),
        "DeviceOSLanguage" => text(device.language()),
        "DeviceTelephoneNumber" => telephony.map_or(Field::Null, |own| text(&own.number)),
        "DeviceType" => text(model.device_type),
        "DeviceUserAgent" => text(model.user_agent),
        "DistinguishedName" => Field::Text(device.distinguished_name(organization)),
        "FirstSyncTime" | "WhenCreated" | "WhenCreatedUTC" => Field::Time(device.created),
        "Guid" => Field::Text(device.guid.to_string()),
        "Name" => Field::Text(device.common_name()),
        "WhenChanged" | "WhenChangedUTC" => Field::Time(device.changed),
        "FriendlyName" => text(model.friendly),
        "ProvisioningFlags" => text("0"),
        "UserDisplayName" => text(&organization.mailbox(device.mailbox).canonical(organization)),
        _ => Field::Null,
    }
}

/// A property of a mailbox, as filters see it.
pub(super) fn mailbox_field(organization: &Organization, mailbox: &Mailbox, name: &str) -> Field {
    match name {
        "ActiveSyncAllowedDeviceIDs" => Field::Any(mailbox.allowed.clone()),
        "ActiveSyncBlockedDeviceIDs" => Field::Any(mailbox.blocked.clone()),
        "ActiveSyncEnabled" => Field::Bool(mailbox.active_sync),
        "ActiveSyncMailboxPolicy" => organization
            .given_policy(mailbox)
            .map_or(Field::Null, |policy| Field::Text(policy.distinguished_name(organization))),
        "Alias" => Field::Text(mailbox.alias.to_string()),
        "DisplayName" | "Name" => Field::Text(mailbox.name.to_string()),
        "DistinguishedName" => Field::Text(mailbox.distinguished_name(organization)),
        "Guid" => Field::Text(mailbox.guid.to_string()),
        "HasActiveSyncDevicePartnership" => Field::Bool(!mailbox.devices.is_empty()),
        "PrimarySmtpAddress" => Field::Text(mailbox.address(organization)),
        "SamAccountName" => Field::Text(mailbox.sam.to_string()),
        "UserPrincipalName" => Field::Text(mailbox.user_principal_name(organization)),
        "WhenChanged" | "WhenChangedUTC" => Field::Time(mailbox.changed),
        "WhenCreated" | "WhenCreatedUTC" => Field::Time(mailbox.created),
        _ => Field::Null,
    }
}
