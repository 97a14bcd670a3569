//! What warnings mean.

/// A warning that says something about how complete or how slow a reading is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// There is more than was given: the reading is not complete.
    Truncated,
    /// Exchange slowed us down and says so.
    MicroDelay {
        /// By how much.
        millis: u64,
        /// What is left of the budget; negative when overdrawn.
        balance: Option<i64>,
    },
    /// Any other warning, in the server's words.
    Other(String),
}

impl Notice {
    /// The meaning of a warning.
    #[must_use]
    pub fn of(warning: &str) -> Self {
        if let Some(notice) = micro_delay(warning) {
            return notice;
        }
        if is_truncation(warning) { Self::Truncated } else { Self::Other(warning.to_owned()) }
    }
}

/// `Micro delay applied. Actual delayed: 21956 msecs, … Balance: -1608289/2160000/-3000000 …`: text
/// of the throttling component, which is not localised.
fn micro_delay(warning: &str) -> Option<Notice> {
    let (_, rest) = warning.split_once("Actual delayed:")?;
    let millis = number(rest)?.try_into().ok()?;
    let balance = warning.split_once("Balance:").and_then(|(_, rest)| number(rest));
    Some(Notice::MicroDelay { millis, balance })
}

/// The number at the beginning of a text.
fn number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || (*at == 0 && *c == '-')))
        .map_or(text.len(), |(at, _)| at);
    text.get(..end)?.parse().ok()
}

/// The English warning names the parameter, and so does every translation of it: parameter names
/// are not translated.
fn is_truncation(warning: &str) -> bool {
    warning.contains("ResultSize") || warning.contains("There are more results available")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_told_apart() {
        for (warning, notice) in [
            (
                "There are more results available than are currently displayed. To view them, \
                 increase the value for the ResultSize parameter.",
                Notice::Truncated,
            ),
            (
                "Es sind mehr Ergebnisse verfügbar, als derzeit angezeigt werden. Erhöhen Sie den \
                 Wert für den Parameter \"ResultSize\".",
                Notice::Truncated,
            ),
            (
                "Micro delay applied. Actual delayed: 21956 msecs, Enforced: True, Capped delay: \
                 21956 msecs, Snapshot: BudgetType: PowerShell Balance: -1608289/2160000/-3000000",
                Notice::MicroDelay { millis: 21_956, balance: Some(-1_608_289) },
            ),
            (
                "Micro delay applied. Actual delayed: 5 msecs.",
                Notice::MicroDelay { millis: 5, balance: None },
            ),
            (
                "Micro delay applied. Actual delayed: soon",
                Notice::Other("Micro delay applied. Actual delayed: soon".to_owned()),
            ),
            (
                "The object has been corrupted.",
                Notice::Other("The object has been corrupted.".to_owned()),
            ),
        ] {
            assert_eq!(Notice::of(warning), notice, "{warning}");
        }
    }
}
