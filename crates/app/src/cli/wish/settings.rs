//! `gatepost settings show`: the settings there are, and what an organization has of them.

use api::{ConnectorSettings, Setting, SettingList};
use clap::Subcommand;
use domain::ConnectorName;
use serde_json::{Value, json};

use super::{Exit, value};
use crate::{
    client::{Client, ServerArguments},
    output::{Format, OutputArguments, Rows, is_coloured, say, stdout, time, visible},
};

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsVerb {
    /// Show every setting that can be written down; of a connector, what Exchange has beside what is
    /// written
    Show(ShowArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    connector: Option<ConnectorName>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: SettingsVerb) -> anyhow::Result<Exit> {
    let SettingsVerb::Show(arguments) = verb;
    let client = Client::connect(&arguments.server)?;
    let format = arguments.output.output;
    match &arguments.connector {
        None => catalogue(client.get("settings", &[]).await?, format)?,
        Some(name) => {
            let path = format!("connectors/{name}/settings");
            of_connector(&client.get(&path, &[]).await?, format)?;
        }
    }
    Ok(Exit::Done)
}

fn catalogue(list: SettingList, format: Format) -> anyhow::Result<()> {
    let columns = match format {
        Format::Table => vec!["setting", "takes", "usual", "obeyed_by"],
        _ => vec!["group", "name", "title", "kind", "takes", "usual", "obeyed_by"],
    };
    let columns = columns.into_iter().map(str::to_owned).collect();
    let mut rows = Rows::new(stdout(), format, columns, is_coloured());
    for setting in list.settings {
        match format {
            Format::Table => rows.push(&row(&setting))?,
            _ => rows.push(&setting)?,
        }
    }
    rows.finish("")
}

/// For people: what differs on Exchange 2010 stands in brackets.
fn row(setting: &Setting) -> Value {
    let both = |since: String, old: String| match since == old {
        true => since,
        false => format!("{since} (2010: {old})"),
    };
    let usual = |found: &Value| value(Some(found));
    json!({
        "setting": path(setting.group.as_deref(), &setting.name),
        "takes": both(setting.takes.since_2013.clone(), setting.takes.of_2010.clone()),
        "usual": both(usual(&setting.usual.since_2013), usual(&setting.usual.of_2010)),
        "obeyed_by": setting.obeyed_by,
    })
}

fn path(group: Option<&str>, name: &str) -> String {
    group.map_or_else(|| name.to_owned(), |group| format!("{group}.{name}"))
}

fn of_connector(found: &ConnectorSettings, format: Format) -> anyhow::Result<()> {
    if format != Format::Table {
        let columns = ["group", "name", "is", "written", "usual"].map(str::to_owned).to_vec();
        let mut rows = Rows::new(stdout(), format, columns, false);
        for setting in &found.settings {
            rows.push(setting)?;
        }
        return rows.finish("");
    }
    let (policy, at) = (visible(&found.policy), time(&found.observed));
    say(&format!("policy {policy}, as Exchange was read at {at}\n"))?;
    let columns = ["setting", "is", "written", "usual"].map(str::to_owned).to_vec();
    let mut rows = Rows::new(stdout(), format, columns, is_coloured());
    for setting in found.settings.iter().filter(|setting| setting.is.is_some()) {
        rows.push(&json!({
            "setting": path(setting.group.as_deref(), &setting.name),
            "is": value(setting.is.as_ref()),
            "written": setting.written.as_ref().map(|it| value(Some(it))),
            "usual": value(Some(&setting.usual)),
        }))?;
    }
    rows.finish("")
}
