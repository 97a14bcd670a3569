//! A cmdlet as the service takes it: its name and its parameters in an envelope of JSON.

use serde_json::{Map, Value, json};

use crate::{Argument, Cmdlet, cmdlet::SELECT};

/// The type that changes of a list must be tagged with: without it they are not bound.
const HASHTABLE: &str = "#Exchange.GenericHashTable";

/// The envelope of a cmdlet; `input` is what would come through the pipeline.
pub(super) fn envelope(cmdlet: &Cmdlet, input: Option<&str>) -> Value {
    let mut parameters: Map<String, Value> =
        cmdlet.parameters.iter().map(|(name, value)| (name.to_string(), argument(value))).collect();
    if let Some(input) = input {
        parameters.insert("Identity".to_owned(), input.into());
    }
    json!({ "CmdletInput": { "CmdletName": &*cmdlet.name, "Parameters": parameters } })
}

fn argument(argument: &Argument) -> Value {
    match argument {
        Argument::Text(text) => text.as_str().into(),
        Argument::Bool(value) => (*value).into(),
        Argument::Int(value) => (*value).into(),
        Argument::Null => Value::Null,
        Argument::Time(time) => time.to_string().into(),
        Argument::List(items) => items.as_slice().into(),
        Argument::Edit { add, remove } => {
            let mut edit = Map::new();
            edit.insert("@odata.type".to_owned(), HASHTABLE.into());
            for (name, items) in [("Add", add), ("Remove", remove)] {
                if !items.is_empty() {
                    edit.insert(name.to_owned(), items.as_slice().into());
                }
            }
            Value::Object(edit)
        }
    }
}

/// The properties that a `Select-Object` cuts down to.
pub(super) fn selected(select: &Cmdlet) -> Option<&[String]> {
    match select.parameters.as_slice() {
        [(name, Argument::List(properties))]
            if select.name == SELECT && name.eq_ignore_ascii_case("Property") =>
        {
            Some(properties)
        }
        _ => None,
    }
}

/// The value of a parameter that is a text.
pub(super) fn text<'a>(cmdlet: &'a Cmdlet, name: &str) -> Option<&'a str> {
    cmdlet.parameters.iter().find_map(|(known, value)| match value {
        Argument::Text(text) if known.eq_ignore_ascii_case(name) => Some(text.as_str()),
        _ => None,
    })
}

/// How many objects are asked for, if not all.
pub(super) fn most(cmdlet: &Cmdlet) -> Option<u64> {
    cmdlet.parameters.iter().find_map(|(name, value)| match value {
        Argument::Int(count) if name.eq_ignore_ascii_case("ResultSize") => {
            u64::try_from(*count).ok()
        }
        _ => None,
    })
}

/// Whether a cmdlet changes nothing, so that it may be sent again.
pub(super) fn is_read(cmdlet: &Cmdlet) -> bool {
    let verb = cmdlet.name.split('-').next().unwrap_or_default();
    ["Get", "Search", "Test"].iter().any(|read| read.eq_ignore_ascii_case(verb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    #[test]
    fn every_kind_of_argument_has_its_form() {
        let id = "8a9c5b1e-3d1f-4f0e-9a55-0c2f6f0d7a11";
        let cmdlet = Cmdlet::new("Set-CASMailbox")
            .of(Identity::parse(id).unwrap())
            .with(
                "ActiveSyncAllowedDeviceIDs",
                Argument::Edit { add: vec!["A1".to_owned()], remove: Vec::new() },
            )
            .with("AdminMailRecipients", Argument::Edit { add: vec![], remove: vec![] })
            .with("ActiveSyncMailboxPolicy", Argument::Null)
            .with("ResultSize", 5_i64)
            .with("Cmdlets", vec!["Set-X".to_owned()])
            .without_confirmation();
        assert_eq!(
            envelope(&cmdlet, None),
            json!({"CmdletInput": {"CmdletName": "Set-CASMailbox", "Parameters": {
                "Identity": id,
                "ActiveSyncAllowedDeviceIDs":
                    {"@odata.type": "#Exchange.GenericHashTable", "Add": ["A1"]},
                "AdminMailRecipients": {"@odata.type": "#Exchange.GenericHashTable"},
                "ActiveSyncMailboxPolicy": null,
                "ResultSize": 5,
                "Cmdlets": ["Set-X"],
                "Confirm": false,
            }}})
        );
        assert!(!is_read(&cmdlet));
        let statistics = Cmdlet::new("Get-MobileDeviceStatistics");
        assert!(is_read(&statistics));
        let sent = envelope(&statistics, Some(id));
        assert_eq!(sent["CmdletInput"]["Parameters"], json!({ "Identity": id }));
    }
}
