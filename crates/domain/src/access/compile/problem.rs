//! What is wrong with written rules, and how a person is told.

use super::MOST_RULES;
use crate::access::WrittenRule;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The rules must not be applied.
    Error,
    /// Somebody should know.
    Note,
}

/// Something about written rules that somebody should know. Rules are named by their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// More are written than there may be.
    TooManyWritten {
        /// How many.
        written: usize,
    },
    /// The same is written twice.
    Duplicate {
        /// The first of the two.
        first: usize,
        /// The second.
        second: usize,
    },
    /// The same is written twice, with different levels.
    Contradiction {
        /// The first of the two.
        first: usize,
        /// The second.
        second: usize,
    },
    /// Two patterns match one value and want different levels for it.
    Conflict {
        /// The first of the two.
        first: usize,
        /// The second.
        second: usize,
        /// The value, or the first of them.
        value: String,
        /// How many values.
        values: usize,
    },
    /// The patterns come to more exact rules than there may be.
    TooManyRules {
        /// How many exact rules.
        rules: usize,
        /// The written rule that gives most of them.
        most: usize,
        /// How many it gives.
        gives: usize,
    },
    /// A pattern matches nothing that was seen.
    MatchesNothing {
        /// Which.
        written: usize,
    },
    /// Exact values go before a pattern that wants something else for them.
    Overruled {
        /// The pattern.
        pattern: usize,
        /// The exact rule, or the first of them.
        exact: usize,
        /// Its value.
        value: String,
        /// How many values.
        values: usize,
    },
}

impl Problem {
    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::TooManyWritten { .. }
            | Self::Duplicate { .. }
            | Self::Contradiction { .. }
            | Self::Conflict { .. }
            | Self::TooManyRules { .. } => Severity::Error,
            Self::MatchesNothing { .. } | Self::Overruled { .. } => Severity::Note,
        }
    }

    /// The written rule to point at.
    #[must_use]
    pub const fn written(&self) -> Option<usize> {
        match self {
            Self::TooManyWritten { .. } => None,
            Self::Duplicate { second, .. }
            | Self::Contradiction { second, .. }
            | Self::Conflict { second, .. } => Some(*second),
            Self::TooManyRules { most, .. } => Some(*most),
            Self::MatchesNothing { written } => Some(*written),
            Self::Overruled { pattern, .. } => Some(*pattern),
        }
    }

    /// The other written rule it is about.
    #[must_use]
    pub const fn other(&self) -> Option<usize> {
        match self {
            Self::Duplicate { first, .. }
            | Self::Contradiction { first, .. }
            | Self::Conflict { first, .. } => Some(*first),
            Self::Overruled { exact, .. } => Some(*exact),
            Self::TooManyWritten { .. }
            | Self::TooManyRules { .. }
            | Self::MatchesNothing { .. } => None,
        }
    }

    /// The problem, and what to do about it, in a clause. `rules` are those that were compiled.
    #[must_use]
    pub fn sentence(&self, rules: &[WrittenRule]) -> String {
        let named = |index: usize| {
            let rule = rules.get(index);
            rule.map_or_else(|| format!("rule {}", index + 1), |it| format!("{it} ({})", it.level))
        };
        match self {
            Self::TooManyWritten { written } => format!(
                "{written} rules are written, and {MOST_RULES} is the most; write patterns, or use \
                 the default level"
            ),
            Self::Duplicate { first, second } => format!(
                "{} is written twice, as rule {} and as rule {}; remove one of them",
                named(*second),
                first + 1,
                second + 1
            ),
            Self::Contradiction { first, second } => format!(
                "{} and {} are about the same values; remove one of them",
                named(*first),
                named(*second)
            ),
            Self::Conflict { first, second, value, values } => format!(
                "{} and {} both match {}; narrow one of them, or name the value in a rule of its own",
                named(*first),
                named(*second),
                values_named(value, *values)
            ),
            Self::TooManyRules { rules: count, most, gives } => format!(
                "these come to {count} exact rules, and {MOST_RULES} is the most; {} alone gives \
                 {gives}: narrow it, or use the default level",
                named(*most)
            ),
            Self::MatchesNothing { written } => format!(
                "{} matches nothing that was seen; it takes effect when such a device appears",
                named(*written)
            ),
            Self::Overruled { pattern, exact, value, values: 1 } => format!(
                "{} also matches \"{value}\", which {} decides, as an exact value goes first",
                named(*pattern),
                named(*exact)
            ),
            Self::Overruled { pattern, value, values, .. } => format!(
                "{} also matches {}, which other rules decide, as exact values go first",
                named(*pattern),
                values_named(value, *values)
            ),
        }
    }
}

/// `"SM-G991B"`, `"SM-G991B" and 3 more`.
fn values_named(value: &str, values: usize) -> String {
    match values.saturating_sub(1) {
        0 => format!("\"{value}\""),
        more => format!("\"{value}\" and {more} more"),
    }
}
