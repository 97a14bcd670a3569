//! Connectors as a list and one by one.

use api::{Connector, ConnectorList};
use serde_json::{Map, Value};

use super::{Exit, OneArguments};
use crate::{
    client::{Client, ServerArguments},
    output::{
        Card, Format, OutputArguments, Rows, counted, is_coloured, say, stdout, time, visible,
        wrapped_table, write_table,
    },
};

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

/// The columns of the table. Everything else stands in the other formats.
const COLUMNS: [&str; 5] = ["name", "state", "organization", "last_sync", "next_sync"];

pub(super) async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let answer: ConnectorList = client.get("connectors", &[]).await?;
    let format = arguments.output.output;
    if format == Format::Table {
        return table(&answer.connectors);
    }
    let columns = flat(&Value::Null, format);
    let columns = columns.into_iter().map(|(name, _)| name).collect();
    let mut rows = Rows::new(stdout(), format, columns, false);
    for connector in answer.connectors {
        rows.push(&row(flat(&serde_json::to_value(connector)?, format)))?;
    }
    rows.finish("")?;
    Ok(Exit::Done)
}

fn table(connectors: &[Connector]) -> anyhow::Result<Exit> {
    let columns = COLUMNS.map(str::to_owned).to_vec();
    let mut rows = Rows::new(stdout(), Format::Table, columns, is_coloured());
    for connector in connectors {
        let last = connector.last_full_sync.iter().chain(&connector.last_delta_sync).max();
        let next = connector.next_full_sync.iter().chain(&connector.next_delta_sync);
        let next = next.chain(&connector.next_install).min().map(|at| time(at));
        let next = if connector.paused { Some("rests".to_owned()) } else { next };
        rows.push(&serde_json::json!({
            "name": connector.name,
            "state": connector.state,
            "organization": connector.organization.as_ref().map(|organization| &organization.name),
            "last_sync": last.map(|at| time(at)),
            "next_sync": next,
        }))?;
    }
    rows.finish(
        "no connector yet: gatepost connector add NAME --on-premises URL, or --hosted TENANT",
    )?;
    // Sentences are too long for a column beside others.
    let mut troubles = wrapped_table(is_coloured());
    for Connector { name, trouble, .. } in connectors {
        if let Some(trouble) = trouble {
            troubles.add_row([name.clone(), visible(trouble)]);
        }
    }
    if !troubles.is_empty() {
        say("")?;
        write_table(&mut stdout(), &troubles)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn show(arguments: &OneArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let connector: Connector = client.get(&format!("connectors/{}", arguments.name), &[]).await?;
    let format = arguments.output.output;
    let fields = flat(&serde_json::to_value(&connector)?, format);
    if format == Format::Table {
        let mut card = Card::new(is_coloured());
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            card.line(name, &in_short(value));
        }
        card.print(&mut stdout())?;
    } else {
        let columns = fields.iter().map(|(name, _)| name.clone()).collect();
        let mut rows = Rows::new(stdout(), format, columns, false);
        rows.push(&row(fields))?;
        rows.finish("")?;
    }
    Ok(Exit::Done)
}

/// Certificates as their number: who wants the text takes another format.
fn in_short(value: &Value) -> Value {
    let pem = value.as_str().filter(|text| text.starts_with("-----BEGIN "));
    match pem.map(|pem| pem.matches("-----BEGIN ").count()) {
        None => value.clone(),
        Some(count) => counted(count, "certificate").into(),
    }
}

fn row(fields: Vec<(String, Value)>) -> Value {
    fields.into_iter().collect::<Map<_, _>>().into()
}

/// The fields of how an organization is reached, in the order of the table.
const ON_PREMISES: [&str; 12] = [
    "url",
    "connect_to",
    "spn",
    "authentication",
    "username",
    "kdc",
    "keytab",
    "allow_basic_without_tls",
    "extra_roots_pem",
    "pinned_sha256",
    "proxy",
    "proxy_username",
];
/// The fields of how a hosted organization is reached that one on premises does not have.
const HOSTED: [&str; 6] =
    ["tenant", "application_id", "sign_in", "cloud", "service_url", "login_url"];
/// What is known of the certificate that is signed in with.
const CERTIFICATE: [&str; 4] = ["subject", "sha256", "not_after", "trouble"];
/// The fields of what is read, in the order of the table.
const OPTIONS: [&str; 14] = [
    "sites",
    "directory",
    "full_schedule",
    "delta_schedule",
    "time_zone",
    "configured_servers_only",
    "organizational_units",
    "recipient_filter",
    "inactive_days",
    "remove_aged_partnerships",
    "allow_external_management",
    "notification_account",
    "runspaces",
    "replaces",
];

/// The fields of a connector on one level: what lies inside another field loses its prefix, the
/// organization excepted, whose names would not stand alone. JSON keeps the options together, as
/// the API does.
fn flat(connector: &Value, format: Format) -> Vec<(String, Value)> {
    let field = |name: &str| (name.to_owned(), connector.get(name).cloned().unwrap_or_default());
    let inside = |part: &str, name: &str| {
        let value = connector.pointer(&format!("/{part}/{name}")).cloned().unwrap_or_default();
        let is_flat = matches!(format, Format::Table | Format::Csv);
        let value = if is_flat { in_words(value) } else { value };
        (name.to_owned(), value)
    };
    let mut fields = ["id", "name", "state", "paused", "trouble"].map(field).to_vec();
    for part in ["name", "key"] {
        let value = connector.pointer(&format!("/organization/{part}")).cloned();
        let name = if part == "name" { "organization" } else { "organization_key" };
        fields.push((name.to_owned(), value.unwrap_or_default()));
    }
    let times = ["created", "last_full_sync", "last_delta_sync"];
    let next = ["next_install", "next_full_sync", "next_delta_sync"];
    fields.extend(times.into_iter().chain(next).map(field));
    // Both kinds have some fields in common, and a connector is of one kind.
    let is_hosted = connector.get("hosted").is_some_and(|hosted| !hosted.is_null());
    let place = if is_hosted { "hosted" } else { "on_premises" };
    fields.extend(ON_PREMISES.map(|name| inside(place, name)));
    fields.extend(HOSTED.map(|name| inside("hosted", name)));
    fields.extend(CERTIFICATE.map(|name| {
        let (_, value) = inside("hosted/certificate", name);
        (format!("certificate_{name}"), value)
    }));
    if matches!(format, Format::Json | Format::Jsonl) {
        fields.push(field("options"));
    } else {
        fields.extend(OPTIONS.map(|name| inside("options", name)));
    }
    fields
}

/// Lists and objects as a person reads them.
fn in_words(value: Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match value {
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Array(items) => {
            let item = |item: &Value| match item {
                Value::Object(site) => format!("{}={}", text(&site["site"]), text(&site["url"])),
                item => text(item),
            };
            items.iter().map(item).collect::<Vec<_>>().join(", ").into()
        }
        Value::Object(directory) => {
            format!("{} ({})", text(&directory["server"]), text(&directory["security"])).into()
        }
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn certificates_are_counted() {
        let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        for (value, words) in [
            (json!(pem), json!("1 certificate")),
            (json!(format!("{pem}{pem}")), json!("2 certificates")),
            (json!("a"), json!("a")),
            (json!(null), json!(null)),
        ] {
            assert_eq!(in_short(&value), words);
        }
    }

    #[test]
    fn lists_and_objects_are_put_in_words() {
        for (value, words) in [
            (json!([]), json!(null)),
            (json!(["a", "b"]), json!("a, b")),
            (json!([{"site": "Berlin", "url": "http://b/PS"}]), json!("Berlin=http://b/PS")),
            (json!({"server": "dc01", "security": "ldaps"}), json!("dc01 (ldaps)")),
            (json!(3), json!(3)),
        ] {
            assert_eq!(in_words(value), words);
        }
    }
}
