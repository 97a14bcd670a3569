//! Statistics: `Get-MobileDeviceStatistics` and `Get-ActiveSyncDeviceStatistics`.

use domain::{DeviceStatistics, Timestamp, WipeStatus};

use super::{Kind, Properties, last_part};
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
    let ladder = Ladder::take_latest(&mut object);
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
        other: object.rest(Kind::Statistics),
    }
}

/// Whether a device satisfies its mailbox policy, by how far it was applied. `None` where that says
/// nothing: what was never let in has applied nothing, whatever it can do.
#[must_use]
pub fn satisfies_policy(policy_status: &str) -> Option<bool> {
    match policy_status {
        "AppliedInFull" | "ExternallyManaged" => Some(true),
        "PartiallyApplied" => Some(false),
        _ => None,
    }
}

/// How far one kind of wipe has come.
#[derive(Debug, Clone, Copy)]
struct Ladder {
    requested: Option<Timestamp>,
    sent: Option<Timestamp>,
    acknowledged: Option<Timestamp>,
}

/// Names of the steps: asked for, fetched, acknowledged.
type Steps = [&'static str; 3];
const DEVICE: Steps = ["DeviceWipeRequestTime", "DeviceWipeSentTime", "DeviceWipeAckTime"];
const ACCOUNT: Steps = [
    "AccountOnlyDeviceWipeRequestTime",
    "AccountOnlyDeviceWipeSentTime",
    "AccountOnlyDeviceWipeAckTime",
];

impl Ladder {
    /// Both kinds may have been asked for: the later one is what is going on. The times of the
    /// other one stay where they are.
    fn take_latest(object: &mut Properties) -> Self {
        let asked = |[request, ..]: Steps| object.peek_time(request);
        let [request, sent, acknowledged] =
            if asked(ACCOUNT) > asked(DEVICE) { ACCOUNT } else { DEVICE };
        let requested = object.time(&[request]);
        // A step that was taken before the last request belongs to an earlier wipe.
        let mut step = |name: &'static str| {
            let is_earlier = object.peek_time(name).is_some_and(|at| Some(at) < requested);
            if is_earlier { None } else { object.time(&[name]) }
        };
        Self { requested, sent: step(sent), acknowledged: step(acknowledged) }
    }

    fn status(&self) -> WipeStatus {
        match (self.requested, self.sent, self.acknowledged) {
            (None, ..) => WipeStatus::None,
            (_, _, Some(_)) => WipeStatus::Acknowledged,
            (_, Some(_), None) => WipeStatus::Sent,
            (_, None, None) => WipeStatus::Requested,
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
    fn times_of_another_wipe_are_not_shown_as_this_ones() {
        let (request, ack) = ("DeviceWipeRequestTime", "DeviceWipeAckTime");
        let stale = read(&(time(request, 5) + &time(ack, 4)));
        assert_eq!(stale.wipe_acknowledged, None);
        assert_eq!(stale.other, [(ack.to_owned(), "2026-11-04T00:00:00Z".to_owned())]);
        let account = time("AccountOnlyDeviceWipeRequestTime", 6);
        let both = read(&(time(request, 2) + &time(ack, 3) + &account));
        assert_eq!((both.wipe_status, both.wipe_acknowledged), (WipeStatus::Requested, None));
        assert_eq!(both.other.len(), 2, "{:?}", both.other);
        let odd = "<DT N=\"LastSuccessSync\">soon</DT><DT N=\"Never\">0001-01-01T00:00:00</DT>";
        assert_eq!(read(odd).other, [("LastSuccessSync".to_owned(), "soon".to_owned())]);
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

    #[test]
    fn a_policy_is_satisfied_where_exchange_says_so() {
        for (status, satisfies) in [
            ("AppliedInFull", Some(true)),
            ("ExternallyManaged", Some(true)),
            ("PartiallyApplied", Some(false)),
            ("NotApplied", None),
            ("Unknown", None),
            ("", None),
        ] {
            assert_eq!(satisfies_policy(status), satisfies, "{status}");
        }
    }
}
