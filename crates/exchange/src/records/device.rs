//! Devices: `Get-MobileDevice` and `Get-ActiveSyncDevice`.

use domain::{AccessReason, AccessState, DeviceFacts};

use super::{Kind, Properties, RecordError};
use crate::{Object, Value};

/// The facts an object of the device list gives.
///
/// # Errors
/// [`RecordError::NoGuid`]: a device that no write could name is not taken in.
pub fn device(object: Object) -> Result<DeviceFacts, RecordError> {
    let mut object = Properties(object);
    let guid = object
        .0
        .first(&["Guid", "ExchangeObjectId"])
        .and_then(Value::guid)
        .or_else(|| object.0.get("Identity").and_then(Value::guid))
        .ok_or_else(|| RecordError::NoGuid(object.what()))?;
    object.0.take("Guid");
    let distinguished_name = object.distinguished_name();
    let mut other = Vec::new();
    let state = object.text(&["DeviceAccessState"]);
    let access_state = state.as_deref().map_or(AccessState::Unknown, |word| {
        access_state(word).unwrap_or_else(|| {
            other.push(("DeviceAccessState".to_owned(), word.to_owned()));
            AccessState::Unknown
        })
    });
    let reason = object.text(&["DeviceAccessStateReason"]);
    let access_reason = reason.as_deref().and_then(access_reason);
    if let (Some(AccessReason::Other), Some(word)) = (access_reason, reason) {
        other.push(("DeviceAccessStateReason".to_owned(), word));
    }
    let protocol_version = object.text(&["DeviceActiveSyncVersion"]);
    let client_version = object.text(&["ClientVersion"]);
    if let (Some(_), Some(version)) = (&client_version, &protocol_version)
        && client_version != protocol_version
    {
        other.push(("DeviceActiveSyncVersion".to_owned(), version.clone()));
    }
    Ok(DeviceFacts {
        guid,
        identity: object.text(&["Identity"]),
        distinguished_name,
        device_id: object.text(&["DeviceId", "DeviceID"]),
        friendly_name: object.text(&["FriendlyName", "DeviceFriendlyName"]),
        device_type: object.text(&["DeviceType"]),
        model: object.text(&["DeviceModel"]),
        os: object.text(&["DeviceOS"]),
        os_language: object.text(&["DeviceOSLanguage"]),
        user_agent: object.text(&["DeviceUserAgent"]),
        imei: object.text(&["DeviceImei"]),
        phone_number: object.text(&["DeviceTelephoneNumber", "DevicePhoneNumber"]),
        operator: object.text(&["DeviceMobileOperator"]),
        client_type: object.text(&["ClientType"]),
        client_version: client_version.or(protocol_version),
        access_state,
        access_reason,
        access_rule: object.name(&["DeviceAccessControlRule"]),
        first_sync: object.time(&["FirstSyncTime"]),
        when_created: object.time_of("WhenCreatedUTC", "WhenCreated"),
        when_changed: object.time_of("WhenChangedUTC", "WhenChanged"),
        other: {
            other.extend(object.rest(Kind::Device));
            other
        },
    })
}

fn access_state(word: &str) -> Option<AccessState> {
    Some(match word {
        "Allowed" => AccessState::Allowed,
        "Blocked" => AccessState::Blocked,
        "Quarantined" => AccessState::Quarantined,
        "DeviceDiscovery" => AccessState::Discovery,
        "Unknown" => AccessState::Unknown,
        _ => return None,
    })
}

/// `None` where Exchange itself does not know.
fn access_reason(word: &str) -> Option<AccessReason> {
    Some(match word {
        "Unknown" => return None,
        "Global" => AccessReason::Global,
        "Individual" => AccessReason::Individual,
        "DeviceRule" => AccessReason::Rule,
        "Policy" => AccessReason::Policy,
        "Upgrade" => AccessReason::Upgrade,
        "UserAgentsChanges"
        | "RecentCommands"
        | "Watsons"
        | "OutOfBudgets"
        | "SyncCommands"
        | "CommandFrequency"
        | "EnableNotificationEmail" => AccessReason::Autoblock,
        _ => AccessReason::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(properties: &str) -> Result<DeviceFacts, RecordError> {
        let xml = format!(
            "<Obj RefId=\"0\"><TN RefId=\"0\"><T>Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileDevice</T></TN>\
             <Props>{properties}</Props><MS><S N=\"PSComputerName\">ex01</S><S N=\"Note\">kept</S></MS></Obj>"
        );
        device(Object::from_clixml(psrp::clixml::read(xml.as_bytes()).unwrap()))
    }

    const GUID: &str = "<G N=\"Guid\">0f8fad5b-d9cb-469f-a165-70867728950e</G>";

    #[test]
    fn every_property_finds_its_place() {
        let facts = read(&format!(
            "{GUID}<S N=\"FriendlyName\">Jane_x000D__x000A_</S><S N=\"DeviceId\">ApplX</S><S N=\"DeviceOS\"></S>\
             <Obj N=\"DeviceAccessState\" RefId=\"1\"><TN RefId=\"1\"><T>DeviceAccessState</T><T>System.Enum</T></TN>\
             <ToString>DeviceDiscovery</ToString><I32>4</I32></Obj><S N=\"DeviceAccessStateReason\">Watsons</S>\
             <Obj N=\"DeviceAccessControlRule\" RefId=\"2\"><TN RefId=\"2\"><T>Microsoft.Exchange.Data.Directory.ADObjectId</T></TN>\
             <ToString>contoso.com/Rules/iOS 15</ToString><Props><S N=\"Name\">iOS 15</S></Props></Obj>\
             <Obj N=\"Identity\" RefId=\"3\"><TNRef RefId=\"2\" /><ToString>contoso.com/Users/Jane/ExchangeActiveSyncDevices/iPhone§X</ToString>\
             <Props><S N=\"DistinguishedName\">CN=iPhone§X,CN=ExchangeActiveSyncDevices,CN=Jane,DC=contoso,DC=com</S></Props></Obj>\
             <Ref N=\"Id\" RefId=\"3\" /><DT N=\"FirstSyncTime\">0001-01-01T00:00:00</DT><S N=\"ClientVersion\">16.1</S>\
             <S N=\"DeviceActiveSyncVersion\">14.1</S><S N=\"RecoveryPassword\">1234</S><Nil N=\"DeviceImei\" />"
        ))
        .unwrap();
        assert_eq!(facts.friendly_name.as_deref(), Some("Jane\r\n"));
        assert_eq!(facts.device_id.as_deref(), Some("ApplX"));
        assert_eq!((facts.os, facts.imei, facts.first_sync), (None, None, None));
        assert_eq!(facts.access_state, AccessState::Discovery);
        assert_eq!(facts.access_reason, Some(AccessReason::Autoblock));
        assert_eq!(facts.access_rule.as_deref(), Some("iOS 15"));
        assert!(facts.identity.unwrap().ends_with("iPhone§X"));
        assert!(facts.distinguished_name.unwrap().as_str().starts_with("CN=iPhone§X,"));
        assert_eq!(facts.client_version.as_deref(), Some("16.1"));
        let names: Vec<&str> = facts.other.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["DeviceActiveSyncVersion", "Note"], "no password, nothing twice");
    }

    #[test]
    fn a_rule_is_called_by_its_whole_name() {
        let rule = |inside: &str| {
            let xml = format!(
                "{GUID}<Obj N=\"DeviceAccessControlRule\" RefId=\"1\"><TN RefId=\"0\"><T>ADObjectId</T></TN>{inside}</Obj>"
            );
            read(&xml).unwrap().access_rule
        };
        let name = "Apple-iPhone14C5/1903.5 (UserAgent)";
        let text = format!("<ToString>{name}</ToString>");
        assert_eq!(rule(&text).as_deref(), Some(name));
        let dn = format!("<Props><S N=\"DistinguishedName\">CN={name},DC=contoso</S></Props>");
        assert_eq!(rule(&dn).as_deref(), Some(name));
    }

    #[test]
    fn words_that_are_not_known_are_kept() {
        let facts = read(&format!(
            "{GUID}<S N=\"DeviceAccessState\">Suspended</S><S N=\"DeviceAccessStateReason\">Moon</S>"
        ))
        .unwrap();
        assert_eq!(facts.access_state, AccessState::Unknown);
        assert_eq!(facts.access_reason, Some(AccessReason::Other));
        assert_eq!(facts.other[0], ("DeviceAccessState".to_owned(), "Suspended".to_owned()));
        assert_eq!(facts.other[1], ("DeviceAccessStateReason".to_owned(), "Moon".to_owned()));
    }

    #[test]
    fn a_device_that_cannot_be_named_is_refused() {
        for guid in ["", "<G N=\"Guid\">00000000-0000-0000-0000-000000000000</G>"] {
            assert!(matches!(read(guid), Err(RecordError::NoGuid(_))));
        }
        let text = "<S N=\"ExchangeObjectId\">0f8fad5b-d9cb-469f-a165-70867728950e</S>";
        assert!(read(text).is_ok(), "another property may hold it, also as text");
    }
}
