//! Thresholds of Exchange's own protection.

use psrp::clixml::Value;

use super::{
    Context,
    parts::{DirectoryPart, Naming, enumeration, finish, kind},
    settings::configuration_canonical,
};
use crate::organization::{Organization, Threshold, time_span};

kind!(THRESHOLD:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ActiveSyncDeviceAutoblockThreshold",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(ENHANCED_TIME_SPAN:
    "Microsoft.Exchange.Data.EnhancedTimeSpan",
    "System.ValueType",
    "System.Object");

const BEHAVIOR: &str =
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.AutoblockThresholdType";

/// Get-ActiveSyncDeviceAutoblockThreshold.
pub(in crate::cmdlets) fn autoblock_threshold(
    organization: &Organization,
    context: &Context,
    threshold: &Threshold,
) -> Value {
    let span = |seconds: i64| ENHANCED_TIME_SPAN.object().with_text(time_span(seconds).as_str());
    let word = threshold.behavior.word();
    let object = THRESHOLD
        .object()
        .with_adapted("BehaviorType", enumeration(BEHAVIOR, (word, threshold.behavior.number())))
        .with_adapted("BehaviorTypeIncidenceLimit", threshold.incidence_limit)
        .with_adapted("BehaviorTypeIncidenceDuration", span(threshold.incidence_seconds))
        .with_adapted("DeviceBlockDuration", span(threshold.block_seconds))
        .with_adapted("AdminEmailInsert", threshold.admin_email_insert.as_str());
    let naming = Naming {
        guid: threshold.guid,
        name: word.to_owned(),
        distinguished_name: format!(
            "CN={word},CN=Mobile Mailbox Settings,{}",
            organization.configuration_dn()
        ),
        canonical: format!(
            "{}/Mobile Mailbox Settings/{word}",
            configuration_canonical(organization)
        ),
    };
    let part = DirectoryPart {
        naming: &naming,
        category: "ms-Exch-Active-Sync-Device-Autoblock-Threshold",
        classes: &["top", "msExchActiveSyncDeviceAutoblockThreshold"],
        version: "0.10 (14.0.100.0)",
        created: threshold.created,
        changed: threshold.changed,
    };
    finish(organization, context, object, &part)
}
