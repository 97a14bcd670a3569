//! `gatepost rule`: the access rules of an organization, and what written ones would come to.

use std::{io::Write as _, path::PathBuf};

use anyhow::bail;
use api::{AccessRule, AccessRuleList, RuleTest, TestedRules, WrittenRule};
use clap::{Subcommand, builder::PossibleValuesParser};
use domain::{AccessLevel, Characteristic, ConnectorName};

use super::{Exit, print_json, problem, read, tell};
use crate::{
    cli::Usage,
    client::{Client, ServerArguments},
    output::{
        Format, OutputArguments, Rows, counted, is_coloured, plain_table, say, stdout, time,
        visible, write_table,
    },
};

#[derive(Debug, Subcommand)]
pub(crate) enum RuleVerb {
    /// List the rules that Exchange has, with the devices that each names
    List(ListArguments),
    /// Say what written rules would come to; nothing is changed
    Test(TestArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    connector: ConnectorName,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    connector: ConnectorName,
    /// Rules as a file has them, such as 'os: iOS < 17.4' or 'model: SM-*'
    #[arg(value_name = "RULE", required_unless_present = "file", conflicts_with = "file")]
    rules: Vec<String>,
    /// What happens: once for all rules, or once for each in their order
    #[arg(long, value_name = "LEVEL", conflicts_with = "file", value_parser = PossibleValuesParser::new(AccessLevel::ALL.iter().map(|level| level.word())))]
    level: Vec<String>,
    /// File with a wish whose rules are meant, or - for the standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

/// Exact rules that a table shows; all of them are in the other formats.
const MOST_SHOWN: usize = 20;

pub(crate) async fn run(verb: RuleVerb) -> anyhow::Result<Exit> {
    match verb {
        RuleVerb::List(arguments) => list(&arguments).await,
        RuleVerb::Test(arguments) => test(&arguments).await,
    }
}

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("connectors/{}/rules", arguments.connector);
    let AccessRuleList { observed, rules: found } = client.get(&path, &[]).await?;
    let format = arguments.output.output;
    if format != Format::Table {
        let columns = AccessRule::FIELDS.map(str::to_owned).to_vec();
        let mut rows = Rows::new(stdout(), format, columns, false);
        for rule in &found {
            rows.push(rule)?;
        }
        rows.finish("")?;
        return Ok(Exit::Done);
    }
    let mut table = plain_table(is_coloured());
    table.set_header(["RULE", "LEVEL", "DEVICES", "COMES FROM"]);
    for rule in &found {
        let from = match (&rule.written, rule.in_care) {
            (Some(written), _) => visible(written),
            (None, true) => "adopted".to_owned(),
            (None, false) => "made by hand".to_owned(),
        };
        let what = match (&rule.characteristic, &rule.value) {
            (Some(characteristic), Some(value)) => format!("{characteristic} {}", visible(value)),
            _ => visible(&rule.name),
        };
        let level = rule.level.as_deref().unwrap_or("not understood").to_owned();
        table.add_row([what, level, rule.devices.to_string(), from]);
    }
    match found.is_empty() {
        true => say("Exchange has no access rule")?,
        false => write_table(&mut stdout(), &table)?,
    }
    say(&format!("\nas Exchange was read at {}", time(&observed)))?;
    Ok(Exit::Done)
}

async fn test(arguments: &TestArguments) -> anyhow::Result<Exit> {
    let asked = match &arguments.file {
        Some(file) => RuleTest { text: Some(read(file)?), rules: None },
        None => RuleTest { rules: Some(written(&arguments.rules, &arguments.level)?), text: None },
    };
    let client = Client::connect(&arguments.server)?;
    let path = format!("connectors/{}/rules/test", arguments.connector);
    let tested: TestedRules = client.post(&path, &asked).await?;
    match arguments.output.output {
        Format::Table => table(&tested)?,
        Format::Csv => {
            let columns = ["characteristic", "value", "level", "devices", "rule"];
            let columns = columns.map(str::to_owned).to_vec();
            let mut rows = Rows::new(stdout(), Format::Csv, columns, false);
            for rule in &tested.exact {
                rows.push(rule)?;
            }
            rows.finish("")?;
        }
        format => print_json(&tested, format)?,
    }
    for one in &tested.problems {
        tell(&problem(arguments.file.as_ref(), one));
    }
    Ok(if tested.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

fn table(tested: &TestedRules) -> anyhow::Result<()> {
    if tested.rules.is_empty() {
        return Ok(());
    }
    let mut out = stdout();
    let mut table = plain_table(is_coloured());
    table.set_header(["RULE", "LEVEL", "VALUES", "DEVICES", "EXACT RULES"]);
    for rule in &tested.rules {
        let counts = [rule.values as u64, rule.devices, rule.exact_rules as u64];
        let [values, devices, exact] = counts.map(|count| count.to_string());
        table.add_row([visible(&rule.rule), rule.level.clone(), values, devices, exact]);
    }
    write_table(&mut out, &table)?;
    for note in &tested.notes {
        writeln!(out, "note: {}", visible(note))?;
    }
    let exact = counted(tested.exact.len(), "exact rule");
    writeln!(out, "\nExchange would have {exact}:")?;
    let mut table = plain_table(is_coloured());
    for rule in tested.exact.iter().take(MOST_SHOWN) {
        let devices = counted(rule.devices, "device");
        let what = format!("{} {}", rule.characteristic, visible(&rule.value));
        table.add_row([what, rule.level.clone(), devices]);
    }
    if !tested.exact.is_empty() {
        write_table(&mut out, &table)?;
    }
    if tested.exact.len() > MOST_SHOWN {
        writeln!(out, "… and {} more: -o json shows them all", tested.exact.len() - MOST_SHOWN)?;
    }
    Ok(out.flush()?)
}

fn written(rules: &[String], levels: &[String]) -> anyhow::Result<Vec<WrittenRule>> {
    if levels.len() != 1 && levels.len() != rules.len() {
        bail!(Usage("give --level once for all rules, or once for each"));
    }
    let levels = levels.iter().cycle();
    rules.iter().zip(levels).map(|(rule, level)| one(rule, level)).collect()
}

/// `os: iOS < 17.4`.
fn one(rule: &str, level: &str) -> anyhow::Result<WrittenRule> {
    let not_understood = Usage(
        "a rule begins with what it looks at: 'type: …', 'model: …', 'os: …', 'user_agent: …' or \
         'xmswl_header: …'",
    );
    let Some((word, text)) = rule.split_once(':') else { bail!(not_understood) };
    let Some(characteristic) = Characteristic::from_word(word.trim()) else {
        bail!(not_understood)
    };
    let text = Some(text.trim().to_owned());
    let written = WrittenRule { level: level.to_owned(), ..WrittenRule::default() };
    Ok(match characteristic {
        Characteristic::Type => WrittenRule { device_type: text, ..written },
        Characteristic::Model => WrittenRule { model: text, ..written },
        Characteristic::Os => WrittenRule { os: text, ..written },
        Characteristic::UserAgent => WrittenRule { user_agent: text, ..written },
        Characteristic::WindowsLiveHeader => WrittenRule { xmswl_header: text, ..written },
    })
}
