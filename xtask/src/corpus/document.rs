//! CLIXML documents.

use psrp::clixml::{self, DocumentReader, Value};

use super::plain;
use super::report::Report;

pub(crate) fn check(name: &str, bytes: &[u8], report: &mut Report) {
    let Some(text) = plain::decode(bytes) else {
        if bytes.windows(5).any(|window| window == b"<Objs") {
            return report.lose(name, "neither UTF-8 nor UTF-16");
        }
        return report.skip(name, "neither UTF-8 nor UTF-16");
    };
    match plain::root(text.trim_start().trim_start_matches("#< CLIXML")).as_deref() {
        Some("Objs") => {}
        Some(root) => return report.skip(name, format!("no CLIXML but <{root}>")),
        None => return report.skip(name, "no XML"),
    }
    if let Err(error) = plain::count(&text) {
        return report.lose(name, format!("broken XML: {error}"));
    }
    report.documents += 1;
    let values = match DocumentReader::new(bytes) {
        Ok(reader) => reader
            .filter_map(|value| {
                value.map_err(|error| report.lose(name, anyhow::Error::new(error))).ok()
            })
            .collect::<Vec<_>>(),
        Err(error) => return report.lose(name, anyhow::Error::new(error)),
    };
    compare(name, &text, &values, report);
    match clixml::read_document(clixml::write_document(&values).as_bytes()) {
        Ok(again) if again.values == values => {}
        Ok(_) => report.lose(name, "differs when written and read again"),
        Err(error) => report.lose(name, format!("what was written is not read: {error}")),
    }
}

/// Compares what values hold with what their XML holds.
pub(crate) fn compare(name: &str, text: &str, values: &[Value], report: &mut Report) {
    let counts = clixml::count(values);
    match plain::count(text) {
        Ok(expected) if expected == counts => {}
        Ok(expected) => report.lose(name, format!("has {expected:?} but {counts:?} were read")),
        Err(error) => report.lose(name, format!("was read although it is no XML: {error}")),
    }
    report.add(&counts);
}
