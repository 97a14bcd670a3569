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
        /// How many cmdlets the account may send before Exchange refuses them, if it has a limit.
        limit: Option<CmdletLimit>,
    },
    /// The server asked to wait, and that was done: nobody has to rest for it any more.
    Waited {
        /// How long.
        millis: u64,
        /// How often it refused for it. Who waits because another session was refused counts none.
        refusals: u32,
    },
    /// Any other warning, in the server's words.
    Other(String),
}

/// So many cmdlets in so many seconds: what the throttling policy of an account allows before
/// Exchange refuses more (`PowerShellMaxCmdlets`, `PowerShellMaxCmdletsTimePeriod`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CmdletLimit {
    /// Cmdlets.
    pub cmdlets: u32,
    /// Seconds.
    pub seconds: u32,
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

/// `Micro delay applied. Actual delayed: 21956 msecs, … Balance: -1608289/2160000/-3000000
/// PowerShellCmdletsLeft: 384/400 … CmdletTimePeriod: 5 …`: text of the throttling component, which
/// is not localised.
fn micro_delay(warning: &str) -> Option<Notice> {
    let (_, rest) = warning.split_once("Actual delayed:")?;
    let millis = number(rest)?.try_into().ok()?;
    let after = |label: &str| warning.split_once(label).map(|(_, rest)| rest);
    let balance = after("Balance:").and_then(number);
    let limit = || {
        let (_, most) = after("PowerShellCmdletsLeft:")?.split_once('/')?;
        let seconds = number(after(" CmdletTimePeriod:")?)?;
        let limit = CmdletLimit {
            cmdlets: number(most)?.try_into().ok()?,
            seconds: seconds.try_into().ok()?,
        };
        (limit.cmdlets > 0 && limit.seconds > 0).then_some(limit)
    };
    Some(Notice::MicroDelay { millis, balance, limit: limit() })
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
                 21956 msecs, Snapshot: BudgetType: PowerShell Balance: -1608289/2160000/-3000000 \
                 PowerShellCmdletsLeft: 384/400 ExchangeCmdletsLeft: 185/200 CmdletTimePeriod: 5 \
                 DestructiveCmdletsLeft: 120/120 DestructiveCmdletTimePeriod: 60",
                Notice::MicroDelay {
                    millis: 21_956,
                    balance: Some(-1_608_289),
                    limit: Some(CmdletLimit { cmdlets: 400, seconds: 5 }),
                },
            ),
            (
                "Micro delay applied. Actual delayed: 5 msecs, PowerShellCmdletsLeft: \
                 Unlimited/Unlimited CmdletTimePeriod: 5",
                Notice::MicroDelay { millis: 5, balance: None, limit: None },
            ),
            (
                "Micro delay applied. Actual delayed: 5 msecs.",
                Notice::MicroDelay { millis: 5, balance: None, limit: None },
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
