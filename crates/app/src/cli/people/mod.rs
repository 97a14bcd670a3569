//! `gatepost user|role|collection|token|login|logout`: people and what they may do.

pub(crate) mod collection;
pub(crate) mod login;
pub(crate) mod role;
pub(crate) mod token;
pub(crate) mod user;

use serde::Serialize;

use super::Exit;
use crate::output::{Card, Format, OutputArguments, Rows, is_coloured, stdout};

/// Prints a list: as a table only some of the columns, for the others are long.
fn print_list<T: Serialize>(
    rows: &[T],
    output: OutputArguments,
    all: &[&str],
    shown: &[&str],
    nothing: &str,
) -> anyhow::Result<Exit> {
    let format = output.output;
    let columns = if format == Format::Table { shown } else { all };
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut printed = Rows::new(stdout(), format, columns, is_coloured());
    for row in rows {
        printed.push(row)?;
    }
    printed.finish(nothing)?;
    Ok(Exit::Done)
}

/// Prints one thing with all its fields.
fn print_one<T: Serialize>(
    one: &T,
    output: OutputArguments,
    fields: &[&str],
) -> anyhow::Result<Exit> {
    if output.output == Format::Table {
        let values = serde_json::to_value(one)?;
        let mut card = Card::new(is_coloured());
        for name in fields {
            card.line(name, values.get(*name).unwrap_or_default());
        }
        card.print(&mut stdout())?;
        return Ok(Exit::Done);
    }
    print_list(std::slice::from_ref(one), output, fields, fields, "")
}

/// A name as part of an address.
fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut segment, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'@' => {
                segment.push(char::from(byte));
            }
            // Writing into a String cannot fail.
            byte => drop(write!(segment, "%{byte:02X}")),
        }
        segment
    })
}
