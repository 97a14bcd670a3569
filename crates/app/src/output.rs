//! What a verb prints: rows as table, JSON, JSON lines or CSV, in flat memory.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use anyhow::Context as _;
use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::Serialize;
use serde_json::Value;

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people: aligned columns; colour on a terminal.
    #[default]
    Table,
    /// One JSON array.
    Json,
    /// One JSON object in each line.
    Jsonl,
    /// Comma-separated values with a line of names (RFC 4180).
    Csv,
}

/// Which format, as every verb that prints rows takes it.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct OutputArguments {
    /// How to print
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
}

/// Standard output for many short writes.
pub(crate) fn stdout() -> BufWriter<io::StdoutLock<'static>> {
    BufWriter::with_capacity(64 * 1024, io::stdout().lock())
}

/// One line on standard output, seen at once. (`println!` would panic when nobody reads any more.)
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Whether tables get colour: only on a terminal.
pub(crate) fn is_coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Rows that come page by page and leave at once. A table's column widths are those of its first
/// page, so that a million rows need no more memory than a thousand.
pub(crate) struct Rows<W> {
    out: W,
    format: Format,
    columns: Vec<String>,
    is_coloured: bool,
    widths: Vec<u16>,
    pending: Vec<Vec<Value>>,
    printed: u64,
}

impl<W: Write> Rows<W> {
    /// Rows wait for their table until this many are there.
    const TABLE_PAGE: usize = 1000;

    /// Rows of the columns named.
    pub(crate) fn new(out: W, format: Format, columns: Vec<String>, is_coloured: bool) -> Self {
        let widths = vec![0; columns.len()];
        Self { out, format, columns, is_coloured, widths, pending: Vec::new(), printed: 0 }
    }

    /// Prints one row: the fields of `row` that are columns.
    pub(crate) fn push(&mut self, row: &impl Serialize) -> anyhow::Result<()> {
        let row = serde_json::to_value(row).context("turning a row into JSON")?;
        let values: Vec<Value> = self
            .columns
            .iter()
            .map(|column| row.get(column).cloned().unwrap_or_default())
            .collect();
        match self.format {
            Format::Table => {
                self.pending.push(values);
                if self.pending.len() == Self::TABLE_PAGE {
                    self.flush_table()?;
                }
            }
            Format::Json => {
                let lead = if self.printed == 0 { "[\n" } else { ",\n" };
                write!(self.out, "{lead}  ")?;
                self.write_object(&values)?;
            }
            Format::Jsonl => {
                self.write_object(&values)?;
                writeln!(self.out)?;
            }
            Format::Csv => {
                if self.printed == 0 {
                    let columns = self.columns.clone();
                    self.write_record(&columns)?;
                }
                let texts: Vec<String> = values.iter().map(plain).collect();
                self.write_record(&texts)?;
            }
        }
        self.printed += 1;
        Ok(())
    }

    /// Prints what is outstanding. `nothing` is said on a table that has no row.
    pub(crate) fn finish(mut self, nothing: &str) -> anyhow::Result<()> {
        match self.format {
            Format::Table if self.printed == 0 => writeln!(self.out, "{nothing}")?,
            Format::Table => self.flush_table()?,
            Format::Json if self.printed == 0 => writeln!(self.out, "[]")?,
            Format::Json => writeln!(self.out, "\n]")?,
            Format::Csv if self.printed == 0 => {
                let columns = self.columns.clone();
                self.write_record(&columns)?;
            }
            Format::Jsonl | Format::Csv => {}
        }
        Ok(self.out.flush()?)
    }

    /// Written by hand because the order of the fields is part of the contract.
    fn write_object(&mut self, values: &[Value]) -> anyhow::Result<()> {
        for (at, (name, value)) in self.columns.iter().zip(values).enumerate() {
            self.out.write_all(if at == 0 { b"{" } else { b"," })?;
            serde_json::to_writer(&mut self.out, name)?;
            self.out.write_all(b":")?;
            serde_json::to_writer(&mut self.out, value)?;
        }
        Ok(self.out.write_all(b"}")?)
    }

    fn write_record(&mut self, fields: &[String]) -> anyhow::Result<()> {
        let mut writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut self.out);
        writer.write_record(fields)?;
        Ok(writer.flush()?)
    }

    fn flush_table(&mut self) -> anyhow::Result<()> {
        let is_first = self.widths.iter().all(|width| *width == 0);
        let mut table = plain_table(self.is_coloured);
        if is_first {
            table.set_header(self.columns.iter().map(|name| Cell::new(heading(name))));
        }
        for row in self.pending.drain(..) {
            table.add_row(self.columns.iter().zip(&row).map(|(name, value)| cell(name, value)));
        }
        if is_first {
            self.widths = table.column_max_content_widths();
        } else {
            for (column, width) in table.column_iter_mut().zip(&self.widths) {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(*width)));
            }
        }
        write_table(&mut self.out, &table)
    }
}

/// A list of names with values, for one thing shown on its own.
pub(crate) struct Card(Table);

impl Card {
    pub(crate) fn new(is_coloured: bool) -> Self {
        Self(plain_table(is_coloured))
    }

    /// One line; what is not known is shown as a hyphen.
    pub(crate) fn line(&mut self, name: &str, value: &Value) {
        self.0.add_row([Cell::new(heading(name)), cell(name, value)]);
    }

    /// One line whose name is Exchange's and stays as it is.
    pub(crate) fn raw_line(&mut self, name: &str, value: &str) {
        self.0.add_row([Cell::new(visible(name)), Cell::new(visible(value))]);
    }

    pub(crate) fn print(self, out: &mut impl Write) -> anyhow::Result<()> {
        write_table(out, &self.0)
    }
}

/// A table with no lines and no trailing blanks.
pub(crate) fn plain_table(is_coloured: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if is_coloured {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

/// A table whose sentences are broken so that it fits into a terminal of usual width.
pub(crate) fn wrapped_table(is_coloured: bool) -> Table {
    /// Columns of a terminal; help texts are broken there too.
    const WIDTH: u16 = 100;
    let mut table = plain_table(is_coloured);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table
}

/// Prints a table, flush left and without blanks at the ends of lines.
pub(crate) fn write_table(out: &mut impl Write, table: &Table) -> anyhow::Result<()> {
    for line in table.lines() {
        let line = line.strip_prefix(' ').unwrap_or(&line);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(out.flush()?)
}

/// `last_success_sync` as people read it.
fn heading(name: &str) -> String {
    name.to_uppercase().replace('_', " ")
}

fn cell(name: &str, value: &Value) -> Cell {
    let cell = match value {
        Value::Null => Cell::new("-"),
        value => Cell::new(visible(&plain(value))),
    };
    match (name, value.as_str().unwrap_or_default()) {
        ("access_state", "allowed")
        | ("state", "installed" | "done" | "confirmed" | "acknowledged") => cell.fg(Color::Green),
        ("access_state", "quarantined")
        | (
            "state",
            "flagged" | "waiting" | "running" | "held" | "asked" | "approved" | "sending" | "sent"
            | "fetched" | "unverifiable",
        ) => cell.fg(Color::Yellow),
        ("access_state", "blocked") | ("state", "trouble" | "failed") => cell.fg(Color::Red),
        ("access_state", "discovery") => cell.fg(Color::Blue),
        _ => cell,
    }
}

/// `2026-11-21T04:00:00.125Z` as people read it: `2026-11-21 04:00:00Z`.
pub(crate) fn time(text: &str) -> String {
    match text.split_once('T') {
        Some((day, clock)) => {
            let clock = clock.split(['.', 'Z']).next().unwrap_or_default();
            format!("{day} {clock}Z")
        }
        None => text.to_owned(),
    }
}

/// A value as text: strings without quotes, nothing for null.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `1 write`, `2 writes`.
pub(crate) fn counted(count: impl TryInto<u64>, singular: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {singular}"),
        count => format!("{count} {singular}s"),
    }
}

/// Text from a server made safe to show: control characters and those that turn the direction of
/// writing are spelled out, so that a device cannot write into the administrator's terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let turns_direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns_direction {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// [`visible`], with line breaks left as they are: for messages of several lines.
pub(crate) fn lines_visible(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(format: Format, rows: &[Value], expected: &str) {
        let mut out = Vec::new();
        let columns = ["user", "os"].map(str::to_owned).to_vec();
        let mut printer = Rows::new(&mut out, format, columns, false);
        for row in rows {
            printer.push(row).unwrap();
        }
        printer.finish("nothing").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    fn rows() -> Vec<Value> {
        vec![
            json!({"os": "iOS 17", "user": "jane", "more": 1}),
            json!({"user": "a,\"b\"\u{7}", "os": null}),
        ]
    }

    #[test]
    fn columns_keep_their_order_and_text_its_letters() {
        check(
            Format::Json,
            &rows(),
            "[\n  {\"user\":\"jane\",\"os\":\"iOS 17\"},\n  {\"user\":\"a,\\\"b\\\"\\u0007\",\"os\":null}\n]\n",
        );
        check(
            Format::Jsonl,
            &rows(),
            "{\"user\":\"jane\",\"os\":\"iOS 17\"}\n{\"user\":\"a,\\\"b\\\"\\u0007\",\"os\":null}\n",
        );
        check(Format::Csv, &rows(), "user,os\r\njane,iOS 17\r\n\"a,\"\"b\"\"\u{7}\",\r\n");
    }

    #[test]
    fn a_table_escapes_what_would_move_the_cursor() {
        check(Format::Table, &rows(), "USER        OS\njane        iOS 17\na,\"b\"\\u{7}  -\n");
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(time("2026-11-21T04:00:00.125Z"), "2026-11-21 04:00:00Z");
        assert_eq!(time("2026-11-21T04:00:00Z"), "2026-11-21 04:00:00Z");
        assert_eq!(time("soon"), "soon");
    }

    #[test]
    fn nothing_is_still_valid() {
        check(Format::Json, &[], "[]\n");
        check(Format::Jsonl, &[], "");
        check(Format::Csv, &[], "user,os\r\n");
        check(Format::Table, &[], "nothing\n");
    }
}
