//! Servers: `Get-ExchangeServer`.

use domain::ServerFacts;

use super::{Properties, RecordError, last_part};
use crate::{Object, Value};

/// The facts an object of the server list gives.
///
/// # Errors
/// [`RecordError::NoName`]: a server without any name.
pub fn server(object: Object) -> Result<ServerFacts, RecordError> {
    let mut object = Properties(object);
    let is =
        |object: &Properties, name: &str| object.0.get(name).and_then(Value::bool).unwrap_or(false);
    let (is_client_access, is_mailbox, is_edge) = (
        is(&object, "IsClientAccessServer"),
        is(&object, "IsMailboxServer"),
        is(&object, "IsEdgeServer"),
    );
    let distinguished_name = object.distinguished_name();
    let name = object.text(&["Name", "Fqdn"]);
    Ok(ServerFacts {
        name: name.ok_or_else(|| RecordError::NoName("a server".to_owned()))?,
        fqdn: object.text(&["Fqdn"]),
        distinguished_name,
        site: object.name(&["Site"]).map(|site| last_part(&site).to_owned()),
        version: object.text(&["AdminDisplayVersion"]).map(|text| numbers(&text).unwrap_or(text)),
        role: object.text(&["ServerRole"]),
        is_client_access,
        is_mailbox,
        is_edge,
    })
}

/// `15.2.986.5` of `Version 15.2 (Build 986.5)`; `None` for anything that is not four numbers.
fn numbers(version: &str) -> Option<String> {
    let parts = version.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.collect();
    (parts.len() == 4).then(|| parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read() {
        let xml = "<Obj RefId=\"0\"><Props><S N=\"Name\">EX01</S><S N=\"Fqdn\">ex01.contoso.com</S>\
                   <S N=\"Site\">contoso.com/Configuration/Sites/Taipei</S><B N=\"IsMailboxServer\">true</B>\
                   <Obj N=\"AdminDisplayVersion\" RefId=\"1\"><ToString>Version 15.2 (Build 986.5)</ToString></Obj></Props></Obj>";
        let facts =
            server(Object::from_clixml(psrp::clixml::read(xml.as_bytes()).unwrap())).unwrap();
        assert_eq!(facts.site.as_deref(), Some("Taipei"));
        assert_eq!(facts.version.as_deref(), Some("15.2.986.5"));
        assert!(facts.is_mailbox && !facts.is_edge && !facts.is_client_access);
    }
}
