use std::collections::BTreeMap;
use std::fmt;

use psrp::clixml::Counts;

/// What was found.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) documents: usize,
    pub(crate) counts: Counts,
    pub(crate) recordings: usize,
    pub(crate) exchanges: usize,
    /// Requests and answers by what they are.
    pub(crate) envelopes: BTreeMap<String, usize>,
    /// PSRP messages by type.
    pub(crate) messages: BTreeMap<String, usize>,
    /// Messages whose ends were not recorded.
    pub(crate) unfinished: usize,
    /// Requests and answers that are no envelopes, by file.
    pub(crate) plain: Vec<String>,
    /// Files that are of no known kind, with the reason.
    pub(crate) skipped: Vec<String>,
    /// Files whose names say that they are something else.
    pub(crate) other_files: usize,
    /// What was not read as it stands, with the file.
    pub(crate) losses: Vec<String>,
}

impl Report {
    pub(crate) fn found_anything(&self) -> bool {
        self.documents > 0 || self.exchanges > 0
    }

    /// Notes a loss; of an error, with all its causes.
    pub(crate) fn lose(&mut self, name: &str, what: impl fmt::Display) {
        self.losses.push(format!("{name}: {what:#}"));
    }

    /// Notes a file that is of no known kind.
    pub(crate) fn skip(&mut self, name: &str, why: impl fmt::Display) {
        self.skipped.push(format!("{name}: {why}"));
    }

    pub(crate) fn add(&mut self, counts: &Counts) {
        self.counts.objects += counts.objects;
        self.counts.to_strings += counts.to_strings;
        self.counts.members += counts.members;
        self.counts.references += counts.references;
        self.counts.type_references += counts.type_references;
        self.counts.unknown += counts.unknown;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(f, "documents          {:>8}", self.documents)?;
        writeln!(f, "recordings         {:>8}", self.recordings)?;
        writeln!(f, "exchanges          {:>8}", self.exchanges)?;
        writeln!(f, "in documents and messages")?;
        writeln!(f, "  objects          {:>8}", counts.objects)?;
        writeln!(f, "  ToStrings        {:>8}", counts.to_strings)?;
        writeln!(f, "  members          {:>8}", counts.members)?;
        writeln!(f, "  references       {:>8}", counts.references)?;
        writeln!(f, "  type references  {:>8}", counts.type_references)?;
        writeln!(f, "  unknown elements {:>8}", counts.unknown)?;
        for (title, table) in [("envelopes", &self.envelopes), ("messages", &self.messages)] {
            writeln!(f, "{title}")?;
            for (name, count) in table {
                writeln!(f, "  {name:<40} {count:>8}")?;
            }
        }
        let lists =
            [("no envelopes", &self.plain), ("skipped", &self.skipped), ("lost", &self.losses)];
        for (title, list) in lists {
            if !list.is_empty() {
                writeln!(f, "{title}: {}", list.len())?;
            }
            for line in list {
                writeln!(f, "  {line}")?;
            }
        }
        write!(f, "files of other kinds: {}", self.other_files)
    }
}
