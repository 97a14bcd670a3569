//! What works with a connector and its account, and how to grant what is missing.

use std::io::Write as _;

use api::{CheckReport, CheckStep, Connector, FeatureCheck};
use clap::{ValueEnum, builder::PossibleValuesParser};
use comfy_table::{Cell, Color};
use domain::{ConnectorName, connector::Tenant};
use engine::Feature;
use serde_json::json;
use uuid::Uuid;

use super::{Exit, hosted::Cloud, what_comes_next};
use crate::{
    client::{Client, ServerArguments},
    output::{
        Format, OutputArguments, Rows, is_coloured, say, stdout, time, visible, wrapped_table,
        write_table,
    },
};

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Do not connect: show what the last check found, and when
    #[arg(long)]
    last: bool,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RoleScriptArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse, required_unless_present = "hosted")]
    name: Option<ConnectorName>,
    /// For an application of Exchange Online that no connector has yet; the tenant may be given
    #[arg(long, value_name = "TENANT", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "name")]
    hosted: Option<String>,
    /// Id of that application
    #[arg(long, value_name = "ID", requires = "hosted")]
    app_id: Option<Uuid>,
    /// The cloud in which it lives
    #[arg(long, value_enum, value_name = "CLOUD", requires = "hosted")]
    cloud: Option<Cloud>,
    /// What the account is to be able to do; may be given several times; all without it
    #[arg(long, value_name = "FEATURE", value_parser = PossibleValuesParser::new(Feature::ALL.map(Feature::word)))]
    feature: Vec<String>,
    /// Only what reads: the account can change nothing in Exchange
    #[arg(long, conflicts_with = "feature")]
    read_only: bool,
    /// Version of Exchange: 2010, or 2013 for that and everything newer
    #[arg(long, value_enum, value_name = "VERSION", default_value_t)]
    exchange: Version,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Version {
    /// Exchange 2010
    #[value(name = "2010")]
    Exchange2010,
    /// Exchange 2013 and everything newer
    #[default]
    #[value(name = "2013")]
    Exchange2013,
}

pub(super) async fn role_script(arguments: &RoleScriptArguments) -> anyhow::Result<Exit> {
    let script = match &arguments.name {
        Some(name) => script_of(arguments, name).await?,
        None => script_before(arguments)?,
    };
    let mut out = stdout();
    out.write_all(script.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

/// What to grant an application before there is a connector. Nobody has to be asked for it.
fn script_before(arguments: &RoleScriptArguments) -> anyhow::Result<String> {
    let tenant = arguments.hosted.as_deref().filter(|tenant| !tenant.is_empty());
    let tenant = tenant.map(Tenant::parse).transpose()?;
    let features: Vec<Feature> = if arguments.read_only {
        Feature::reading().collect()
    } else if arguments.feature.is_empty() {
        Feature::ALL.to_vec()
    } else {
        arguments.feature.iter().filter_map(|word| Feature::parse(word)).collect()
    };
    let cloud = arguments.cloud.map(Cloud::of_domain).unwrap_or_default();
    Ok(engine::hosted_role_script(tenant.as_ref(), arguments.app_id, cloud, &features)?)
}

async fn script_of(
    arguments: &RoleScriptArguments,
    name: &ConnectorName,
) -> anyhow::Result<String> {
    let client = Client::connect(&arguments.server)?;
    let features = if arguments.read_only {
        Feature::reading().map(Feature::word).collect::<Vec<_>>().join(",")
    } else {
        arguments.feature.join(",")
    };
    let exchange = match arguments.exchange {
        Version::Exchange2010 => "2010",
        Version::Exchange2013 => "2013",
    };
    let mut query = vec![("exchange", exchange)];
    query.extend((!features.is_empty()).then_some(("features", features.as_str())));
    client.text(&format!("connectors/{name}/role-script"), &query).await
}

pub(super) async fn check(arguments: &CheckArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let name = arguments.name.as_str();
    let path = format!("connectors/{name}/check");
    let report: CheckReport = match arguments.last {
        true => client.get(&path, &[]).await?,
        false => client.post(&path, &json!({})).await?,
    };
    let mut out = stdout();
    match arguments.output.output {
        Format::Table => {
            if arguments.last {
                say(&format!("checked {}\n", time(&report.at)))?;
            }
            print_report(name, &report)?;
        }
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &report)?;
            writeln!(out)?;
        }
        Format::Jsonl => {
            serde_json::to_writer(&mut out, &report)?;
            writeln!(out)?;
        }
        Format::Csv => {
            let columns = ["name", "result", "detail", "at"].map(str::to_owned).to_vec();
            let mut rows = Rows::new(&mut out, Format::Csv, columns, false);
            for step in &report.steps {
                rows.push(&json!({
                    "name": step.name,
                    "result": step.result,
                    "detail": step.detail,
                    "at": report.at,
                }))?;
            }
            for feature in &report.features {
                rows.push(&json!({
                    "name": feature.feature,
                    "result": feature.state,
                    "detail": told(feature),
                    "at": report.at,
                }))?;
            }
            rows.finish("")?;
        }
    }
    out.flush()?;
    Ok(if report.is_ready { Exit::Done } else { Exit::Failed })
}

/// The check of a connector that was added just now, and what comes next.
#[expect(clippy::print_stderr, reason = "trouble is told apart from the answer")]
pub(super) async fn after_adding(client: &Client, connector: &Connector) -> anyhow::Result<()> {
    let name = connector.name.as_str();
    match client.post::<CheckReport>(&format!("connectors/{name}/check"), &json!({})).await {
        Ok(report) => {
            print_report(name, &report)?;
            if report.is_ready {
                return say(&what_comes_next(connector));
            }
            eprintln!("gatepost: {name} was added and does not work yet");
            eprintln!(
                "  what to do: mend what failed, with gatepost connector set {name} if it is a \
                 setting,\n  then: gatepost connector check {name}"
            );
            if !connector.paused {
                eprintln!("  Gatepost tries again by itself every 60 minutes");
            }
        }
        Err(error) => {
            let error = visible(&format!("{error:#}"));
            eprintln!("gatepost: {name} was added; checking it failed: {error}");
            eprintln!("  what to do: gatepost connector check {name} tries again");
        }
    }
    Ok(())
}

/// The steps, then the features, then how to grant what is missing.
fn print_report(name: &str, report: &CheckReport) -> anyhow::Result<()> {
    let mut out = stdout();
    print_steps(&mut out, &report.steps)?;
    if report.features.is_empty() {
        return Ok(out.flush()?);
    }
    writeln!(out, "\nWhat the account may do")?;
    let mut table = wrapped_table(is_coloured());
    for feature in &report.features {
        let colour = match feature.state.as_str() {
            "works" => Color::Green,
            "missing" => Color::Red,
            _ => Color::Yellow,
        };
        table.add_row([
            Cell::new(&feature.state).fg(colour),
            Cell::new(&feature.feature),
            Cell::new(visible(&told(feature))),
        ]);
    }
    write_table(&mut out, &table)?;
    let lacking: Vec<_> =
        report.features.iter().filter(|feature| !feature.grant.is_empty()).collect();
    if !lacking.is_empty() {
        writeln!(
            out,
            "\nTo grant what is missing, an administrator of Exchange runs in the Exchange \
             Management Shell\n(or, for everything in one piece, what gatepost connector \
             role-script {name} prints):"
        )?;
    }
    for feature in lacking {
        writeln!(out, "\n# {}: {}", feature.feature, visible(&feature.purpose))?;
        for command in &feature.grant {
            writeln!(out, "{}", visible(command))?;
        }
    }
    if report.is_read_only {
        writeln!(
            out,
            "\n{name} works read-only: it shows the inventory and can change nothing in Exchange"
        )?;
    }
    writeln!(out)?;
    Ok(out.flush()?)
}

fn print_steps(out: &mut impl std::io::Write, steps: &[CheckStep]) -> anyhow::Result<()> {
    let mut table = wrapped_table(is_coloured());
    for step in steps {
        let colour = match step.result.as_str() {
            "fine" => Color::Green,
            "missing" => Color::Yellow,
            _ => Color::Red,
        };
        table.add_row([
            Cell::new(&step.result).fg(colour),
            Cell::new(visible(&step.name)),
            Cell::new(visible(step.detail.as_deref().unwrap_or_default())),
        ]);
    }
    write_table(out, &table)
}

/// What a feature is for, or what falls away and why.
fn told(feature: &FeatureCheck) -> String {
    if feature.state == "works" {
        return feature.purpose.clone();
    }
    if feature.missing.is_empty() {
        return format!("{} It is not known whether this is so.", feature.consequence);
    }
    format!("{} Not seen: {}", feature.consequence, feature.missing.join(", "))
}
