//! Statistics: `Get-MobileDeviceStatistics` and `Get-ActiveSyncDeviceStatistics`.

use domain::{DeviceStatistics, Timestamp, WipeStatus};

use super::{Properties, last_part};
use crate::{Object, Value};

/// The statistics an object gives. Whatever is missing in it is missing in them.
#[must_use]
pub fn statistics(object: Object) -> DeviceStatistics {
    let mut object = Properties(object);
    let guid = object
        .0
        .first(&["Guid", "ExchangeObjectId"])
        .and_then(Value::guid)
        .or_else(|| object.0.get("Identity").and_then(Value::guid));
    object.0.take("Guid");
    let status = object.0.get("Status").and_then(Value::text);
    let device = Ladder::take(&mut object, "DeviceWipe");
    let account = Ladder::take(&mut object, "AccountOnlyDeviceWipe");
    // Both may have been asked for: the later one is what is going on.
    let ladder = if account.requested > device.requested { account } else { device };
    let wipe_status = match ladder.status() {
        WipeStatus::None => of_words(status.as_deref().unwrap_or_default()),
        known => known,
    };
    DeviceStatistics {
        guid,
        identity: object.text(&["Identity"]),
        device_id: object.text(&["DeviceID", "DeviceId"]),
        first_sync: object.time(&["FirstSyncTime"]),
        last_sync_attempt: object.time(&["LastSyncAttemptTime"]),
        last_success_sync: object.time(&["LastSuccessSync"]),
        policy: object.name(&["DevicePolicyApplied"]).map(|name| last_part(&name).to_owned()),
        policy_status: object.text(&["DevicePolicyApplicationStatus"]),
        wipe_status,
        wipe_requested: ladder.requested,
        wipe_sent: ladder.sent,
        wipe_acknowledged: ladder.acknowledged,
        other: object.rest(),
    }
}

/// How far one kind of wipe has come.
#[derive(Debug, Clone, Copy)]
struct Ladder {
    requested: Option<Timestamp>,
    sent: Option<Timestamp>,
    acknowledged: Option<Timestamp>,
}

impl Ladder {
    fn take(object: &mut Properties, kind: &str) -> Self {
        let mut time = |step: &str| object.time(&[&format!("{kind}{step}")]);
        Self {
            requested: time("RequestTime"),
            sent: time("SentTime"),
            acknowledged: time("AckTime"),
        }
    }

    /// A step that was taken before the last request belongs to an earlier wipe.
    fn status(&self) -> WipeStatus {
        let Some(requested) = self.requested else { return WipeStatus::None };
        let is_reached = |step: Option<Timestamp>| step.is_some_and(|at| at >= requested);
        if is_reached(self.acknowledged) {
            WipeStatus::Acknowledged
        } else if is_reached(self.sent) {
            WipeStatus::Sent
        } else {
            WipeStatus::Requested
        }
    }
}

/// Where no times are told, the status word has to do.
fn of_words(status: &str) -> WipeStatus {
    match status {
        "DeviceWipePending" | "AccountOnlyDeviceWipePending" => WipeStatus::Requested,
        "DeviceWipeSucceeded" | "AccountOnlyDeviceWipeSucceeded" => WipeStatus::Acknowledged,
        _ => WipeStatus::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(properties: &str) -> DeviceStatistics {
        let xml = format!("<Obj RefId=\"0\"><Props>{properties}</Props></Obj>");
        statistics(Object::from_clixml(psrp::clixml::read(xml.as_bytes()).unwrap()))
    }

    fn time(name: &str, day: u8) -> String {
        format!("<DT N=\"{name}\">2026-11-{day:02}T00:00:00Z</DT>")
    }

    #[test]
    fn the_later_wipe_counts_and_only_its_own_steps() {
        let (request, sent, ack) =
            ("DeviceWipeRequestTime", "DeviceWipeSentTime", "DeviceWipeAckTime");
        let account = "AccountOnlyDeviceWipeRequestTime";
        for (properties, status) in [
            (vec![], WipeStatus::None),
            (vec![time(request, 2)], WipeStatus::Requested),
            (vec![time(request, 2), time(sent, 3)], WipeStatus::Sent),
            (vec![time(request, 2), time(sent, 3), time(ack, 3)], WipeStatus::Acknowledged),
            (vec![time(request, 5), time(sent, 3), time(ack, 4)], WipeStatus::Requested),
            (vec![time(request, 2), time(ack, 3), time(account, 4)], WipeStatus::Requested),
            (vec!["<S N=\"Status\">DeviceWipePending</S>".to_owned()], WipeStatus::Requested),
            (vec!["<S N=\"Status\">DeviceOk</S>".to_owned()], WipeStatus::None),
        ] {
            assert_eq!(read(&properties.concat()).wipe_status, status, "{properties:?}");
        }
    }

    #[test]
    fn the_policy_is_named_and_secrets_are_left_out() {
        let read = read(
            "<S N=\"DeviceID\">X</S><S N=\"DevicePolicyApplied\">contoso.com/Policies/Default</S>\
             <S N=\"DevicePolicyApplicationStatus\">AppliedInFull</S>\
             <S N=\"RecoveryPassword\">********</S><I32 N=\"NumberOfFoldersSynced\">7</I32>",
        );
        assert_eq!(read.device_id.as_deref(), Some("X"));
        assert_eq!(read.policy.as_deref(), Some("Default"));
        assert_eq!(read.policy_status.as_deref(), Some("AppliedInFull"));
        assert_eq!(read.other, [("NumberOfFoldersSynced".to_owned(), "7".to_owned())]);
    }
}
