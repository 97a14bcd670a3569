//! The cmdlets about Exchange's own protection.

use super::{
    Begun, Call, Context, Problem, Work,
    policies::{seconds, unless_what_if},
    reads::{found_or_error, not_found},
    render,
    writes::insert,
};
use crate::organization::Organization;

/// Get-ActiveSyncDeviceAutoblockThreshold.
pub(super) fn thresholds(call: &Call, organization: &Organization, context: &Context) -> Begun {
    let identity = call.text("Identity");
    let wanted = organization
        .thresholds()
        .iter()
        .filter(|one| identity.as_ref().is_none_or(|identity| one.answers_to(identity)));
    let found = wanted
        .map(|one| Work::object(render::autoblock_threshold(organization, context, one)))
        .collect();
    Ok(found_or_error(call, organization, found))
}

/// Set-ActiveSyncDeviceAutoblockThreshold.
pub(super) fn set_threshold(call: &Call, organization: &Organization, _: &Context) -> Begun {
    let definition = call.definition;
    let identity = call.mandatory("Identity")?;
    let limit = incidence_limit(call)?;
    let [within, block] =
        ["BehaviorTypeIncidenceDuration", "DeviceBlockDuration"].map(|name| time_span(call, name));
    let (within, block) = (within?, block?);
    let insert = insert(call, "AdminEmailInsert")?;
    let Some(threshold) = organization.thresholds().iter().find(|one| one.answers_to(&identity))
    else {
        return Ok(vec![Work::error(not_found(definition, organization, &identity))]);
    };
    let guid = threshold.guid;
    Ok(unless_what_if(
        call,
        Box::new(move |organization, _| {
            organization.change_threshold(guid, |threshold| {
                threshold.incidence_limit = limit.unwrap_or(threshold.incidence_limit);
                threshold.incidence_seconds = within.unwrap_or(threshold.incidence_seconds);
                threshold.block_seconds = block.unwrap_or(threshold.block_seconds);
                if let Some(insert) = insert {
                    threshold.admin_email_insert = insert;
                }
            });
            Vec::new()
        }),
    ))
}

fn incidence_limit(call: &Call) -> Result<Option<i32>, Problem> {
    const NAME: &str = "BehaviorTypeIncidenceLimit";
    let Some(value) = call.value(NAME) else { return Ok(None) };
    let text = value.text().unwrap_or_default();
    let number = text.trim().parse().ok().filter(|number: &i32| *number >= 0);
    let refused = || Problem::transformation(call.definition.name, NAME, &text, "System.Int32");
    number.map(Some).ok_or_else(refused)
}

fn time_span(call: &Call, name: &str) -> Result<Option<i64>, Problem> {
    let Some(value) = call.value(name) else { return Ok(None) };
    let text = value.text().unwrap_or_default();
    let wanted = "Microsoft.Exchange.Data.EnhancedTimeSpan";
    let refused = || Problem::transformation(call.definition.name, name, &text, wanted);
    seconds(&text).map(Some).ok_or_else(refused)
}
