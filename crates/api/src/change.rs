//! A change of a connector as JSON: what is left out stays, field by field (RFC 7396).

use domain::{Connector, Timestamp, connector::Endpoint};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    connector::OnPremises,
    hosted::{Hosted, proof},
    options::ConnectorOptions,
    problem::Problem,
};

/// What is to change of a connector. What is left out stays as it is; null brings a field back to
/// what it is without being given. Secrets that are left out stay.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorChange {
    /// Fields of `OnPremises` to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"url": "http://exchange2.contoso.com/PowerShell/"}))]
    pub on_premises: Option<Map<String, Value>>,
    /// Fields of `Hosted` to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"application_id": "b7e7b4a4-2c0c-4a1b-9c0b-1c1f2a3b4c5d"}))]
    pub hosted: Option<Map<String, Value>>,
    /// Fields of `ConnectorOptions` to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"full_schedule": "0 2 * * *"}))]
    pub options: Option<Map<String, Value>>,
    /// Whether scheduled work rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// New password of the user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// New password for the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_password: Option<String>,
    /// New password of the notification account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_password: Option<String>,
    /// New certificate and key: the text of a PEM file, or a PFX file in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// What opens that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_password: Option<String>,
    /// New client secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

impl std::fmt::Debug for ConnectorChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConnectorChange({})", self.fields().join(", "))
    }
}

impl ConnectorChange {
    /// The names of what is given, as in `options.full_schedule`. No values: some are secret.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let inside = |name: &str, map: &Option<Map<String, Value>>| {
            let keys = map.iter().flat_map(Map::keys);
            keys.map(|key| format!("{name}.{key}")).collect::<Vec<_>>()
        };
        let mut fields = inside("on_premises", &self.on_premises);
        fields.extend(inside("hosted", &self.hosted));
        fields.extend(inside("options", &self.options));
        for (name, is_given) in [
            ("paused", self.paused.is_some()),
            ("password", self.password.is_some()),
            ("proxy_password", self.proxy_password.is_some()),
            ("notification_password", self.notification_password.is_some()),
            ("certificate", self.certificate.is_some()),
            ("certificate_password", self.certificate_password.is_some()),
            ("client_secret", self.client_secret.is_some()),
        ] {
            fields.extend(is_given.then(|| name.to_owned()));
        }
        fields
    }

    /// Whether anything is given but a pause.
    pub(crate) fn is_of_configuration(&self) -> bool {
        self.fields().iter().any(|field| field != "paused")
    }

    /// The whole configuration that results for a connector.
    pub(crate) fn applied_to(
        self,
        connector: &Connector,
    ) -> Result<engine::ConnectorChange, Problem> {
        let mut options = ConnectorOptions::of(connector.options.clone());
        // One scope takes the place of another, unless both are named.
        let names =
            |field| self.options.as_ref().is_some_and(|options| options.contains_key(field));
        match (names("organizational_units"), names("recipient_filter")) {
            (true, false) => options.recipient_filter = None,
            (false, true) => options.organizational_units = None,
            _ => {}
        }
        Ok(engine::ConnectorChange {
            endpoint: endpoint(&connector.endpoint, self.on_premises, self.hosted)?,
            options: merged("options", options, self.options)?.into_options()?,
            password: self.password,
            proxy_password: self.proxy_password,
            notification_password: self.notification_password,
            proof: proof(self.certificate, self.certificate_password, self.client_secret)?,
        })
    }
}

/// A connector stays where it leads to: the fields of the other kind are none of its own.
fn endpoint(
    now: &Endpoint,
    on_premises: Option<Map<String, Value>>,
    hosted: Option<Map<String, Value>>,
) -> Result<Endpoint, Problem> {
    let stranger = |field: &str, kind: &str| {
        Problem::invalid(
            format_args!("{field}: the organization of this connector is {kind}"),
            "leave these fields out, or add another connector",
        )
    };
    match now {
        Endpoint::OnPremises(_) if hosted.is_some() => Err(stranger("hosted", "on premises")),
        Endpoint::Hosted(_) if on_premises.is_some() => Err(stranger("on_premises", "hosted")),
        Endpoint::OnPremises(server) => {
            let server = merged("on_premises", OnPremises::of(server.clone()), on_premises)?;
            Ok(server.into_endpoint()?.into())
        }
        Endpoint::Hosted(there) => {
            let hosted =
                merged("hosted", Hosted::of(there.clone(), Timestamp::UNIX_EPOCH), hosted)?;
            Ok(hosted.into_endpoint()?.into())
        }
    }
}

pub(crate) fn merged<T: Serialize + DeserializeOwned>(
    field: &str,
    now: T,
    change: Option<Map<String, Value>>,
) -> Result<T, Problem> {
    let Some(change) = change else { return Ok(now) };
    let merged = serde_json::to_value(now).and_then(|mut value| {
        merge(&mut value, Value::Object(change));
        serde_json::from_value(value)
    });
    merged.map_err(|error| {
        Problem::invalid(
            format_args!("{field}: {error}"),
            "correct the body; /api/v1/openapi.json describes it",
        )
    })
}

/// RFC 7396, section 2. How deep it goes is limited by how deep a body is read.
fn merge(target: &mut Value, change: Value) {
    let Value::Object(change) = change else {
        *target = change;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in change {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example of RFC 7396, section 3, and what ours hold besides.
    #[test]
    fn a_change_is_merged_field_by_field() {
        for (mut before, change, after) in [
            (
                json!({"title": "Goodbye!", "author": {"givenName": "John", "familyName": "Doe"},
                    "tags": ["example", "sample"], "content": "This will be unchanged"}),
                json!({"title": "Hello!", "phoneNumber": "+01-123-456-7890",
                    "author": {"familyName": null}, "tags": ["example"]}),
                json!({"title": "Hello!", "author": {"givenName": "John"}, "tags": ["example"],
                    "content": "This will be unchanged", "phoneNumber": "+01-123-456-7890"}),
            ),
            (json!({"a": null}), json!({"a": {"b": {"c": null}}}), json!({"a": {"b": {}}})),
            (json!({"a": [1]}), json!({}), json!({"a": [1]})),
        ] {
            merge(&mut before, change);
            assert_eq!(before, after);
        }
    }
}
