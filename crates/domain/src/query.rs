//! The device query: one grammar for console, URL, API, CLI and collections.
//!
//! ```text
//! query  = any
//! any    = all { "or" all }
//! all    = one { one }                    blanks mean "and"
//! one    = "not" one | "(" any ")" | term
//! term   = word | field ":" value { "," value }
//! word   = text | '"' text '"'            either may end in "*"
//! ```
//!
//! * A bare word is found *in* the display name, the friendly name, the owner's name, the user, the
//!   model or the device id; with a `*` at its end, one of these begins with it.
//! * `field:value` is true of a text field that is `value` or begins with `value` and a blank:
//!   `os:iOS` finds `iOS 17.4 21E217`, `user:ann` does not find `anne`. `field:value*` is true of a
//!   field that begins with `value`; `field:"value"` of one that is exactly `value`.
//! * The case of A–Z is ignored everywhere; a field that Exchange says nothing of matches no value.
//! * `time:<30d` is true of less than 30 days ago, `time:>30d` of longer ago than that (`m` minutes,
//!   `h` hours, `d` days, `w` weeks, `y` years of 365 days). `time:<2026-01-31` is before that day
//!   (UTC), `time:2026-01-31` on it, `time:>2026-01-31` after it; a time such as
//!   `2026-01-31T10:00:00Z` may stand for the day. `time:never` is true where there is none.
//! * Devices that are gone are found only by a query that names `gone:`.
//!
//! [`Query::parse`] reads it, `Display` writes the canonical text, [`Query::matches`] is what it
//! means.

pub(crate) mod matching;
mod parse;
mod print;
mod value;

use jiff::{Timestamp, tz::TimeZone};

use crate::{AccessReason, AccessState, DeviceId, WipeStatus, device::words};

/// A device query, parsed. The default has no condition: every device that is not gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    root: Option<Expression>,
}

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {}: expected {expected}", position + 1)]
pub struct QueryError {
    /// Characters before the place where the query stops making sense.
    pub position: usize,
    /// What could have stood there.
    pub expected: String,
}

impl Query {
    /// Longest query, in bytes: fits into a URL that every proxy lets through.
    pub const MAX_LENGTH: usize = 4096;
    /// Most values in all terms together: keeps the database's work per query bounded.
    pub const MAX_TERMS: usize = 100;
    /// Deepest nesting of parentheses and `not`: keeps recursion bounded.
    pub const MAX_DEPTH: usize = 20;

    /// The condition; `None` if there is none.
    #[must_use]
    pub fn root(&self) -> Option<&Expression> {
        self.root.as_ref()
    }

    /// Every device of a connector.
    #[must_use]
    pub fn of_connector(name: &crate::ConnectorName) -> Self {
        let text = Text { text: name.as_str().to_owned(), kind: TextKind::Exact };
        Self { root: Some(Expression::Term(Term::Text(TextField::Connector, vec![text]))) }
    }

    /// What both find.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let parts = |query: Self| match query.root {
            None => Vec::new(),
            Some(Expression::All(parts)) => parts,
            Some(part) => vec![part],
        };
        let mut all = parts(self);
        all.extend(parts(other));
        match all.len() {
            0 | 1 => Self { root: all.pop() },
            _ => Self { root: Some(Expression::All(all)) },
        }
    }

    /// Whether devices that are gone can be found: only if the query speaks of them.
    #[must_use]
    pub fn names_gone(&self) -> bool {
        fn names_gone(expression: &Expression) -> bool {
            match expression {
                Expression::All(parts) | Expression::Any(parts) => parts.iter().any(names_gone),
                Expression::Not(part) => names_gone(part),
                Expression::Term(term) => matches!(term, Term::Time(TimeField::Gone, _)),
            }
        }
        self.root.as_ref().is_some_and(names_gone)
    }
}

/// A condition. `All` and `Any` have at least two parts, and none of their own kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Every part is true.
    All(Vec<Self>),
    /// At least one part is true.
    Any(Vec<Self>),
    /// The part is not true.
    Not(Box<Self>),
    /// One term.
    Term(Term),
}

/// One term: a field with the values it may have. The lists are never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A bare word: found in one of the names, the user, the model or the device id.
    Word(Text),
    /// A text field.
    Text(TextField, Vec<Text>),
    /// `state:`
    State(Vec<AccessState>),
    /// `reason:`
    Reason(Vec<AccessReason>),
    /// `wipe:`; a device whose statistics were not read has no wipe status.
    Wipe(Vec<WipeStatus>),
    /// `id:`
    Id(Vec<DeviceId>),
    /// `guid:`
    Guid(Vec<uuid::Uuid>),
    /// A time field.
    Time(TimeField, Vec<Moment>),
}

/// A text looked for, without control over its case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text, as typed. Never empty.
    pub text: String,
    /// How it is compared.
    pub kind: TextKind,
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// Plain: the field is the text or begins with the text and a blank. Of a bare word: it is
    /// found anywhere.
    Plain,
    /// Quoted: the field is the text. Of a bare word: it is found anywhere.
    Exact,
    /// With `*`: the field begins with the text.
    Prefix,
}

/// A field that holds text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextField {
    /// The access rule that decided.
    Rule,
    /// The owner's logon name.
    User,
    /// The owner's address.
    Mailbox,
    /// Display name, friendly name or the owner's name.
    Name,
    /// Device type.
    Type,
    /// Model.
    Model,
    /// Operating system.
    Os,
    /// Language of the operating system.
    Language,
    /// User agent.
    UserAgent,
    /// Mobile equipment identity.
    Imei,
    /// Telephone number.
    Phone,
    /// Mobile operator.
    Operator,
    /// Client type.
    Client,
    /// Protocol or client version.
    Version,
    /// Mailbox policy.
    Policy,
    /// How far the policy was applied.
    PolicyStatus,
    /// Name of the connector.
    Connector,
    /// The id the client chose.
    DeviceId,
}

words!(TextField {
    Rule = "rule",
    User = "user",
    Mailbox = "mailbox",
    Name = "name",
    Type = "type",
    Model = "model",
    Os = "os",
    Language = "language",
    UserAgent = "useragent",
    Imei = "imei",
    Phone = "phone",
    Operator = "operator",
    Client = "client",
    Version = "version",
    Policy = "policy",
    PolicyStatus = "policystatus",
    Connector = "connector",
    DeviceId = "deviceid",
});

/// A field that holds a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeField {
    /// First contact.
    FirstSync,
    /// Last successful synchronisation.
    LastSync,
    /// Last attempt.
    LastAttempt,
    /// Creation of the directory object.
    Created,
    /// Last change of the directory object.
    Changed,
    /// As of when the row is true.
    Observed,
    /// Since when the device is gone.
    Gone,
}

words!(TimeField {
    FirstSync = "firstsync",
    LastSync = "lastsync",
    LastAttempt = "lastattempt",
    Created = "created",
    Changed = "changed",
    Observed = "observed",
    Gone = "gone",
});

/// What is asked of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// There is none.
    Never,
    /// `<30d`: less than this long ago.
    YoungerThan(Age),
    /// `>30d`: longer ago than this.
    OlderThan(Age),
    /// Before the point.
    Before(Point),
    /// Within the point: on that day, or at that very time.
    At(Point),
    /// After the point.
    After(Point),
}

/// A length of time as it was typed: `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: AgeUnit,
}

impl Age {
    /// The length, as long as there is one: ages beyond all times are cut.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        i64::from(self.count).saturating_mul(self.unit.seconds()).saturating_mul(1000)
    }
}

/// What ages are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeUnit {
    /// 60 seconds.
    Minutes,
    /// 60 minutes.
    Hours,
    /// 24 hours.
    Days,
    /// 7 days.
    Weeks,
    /// 365 days.
    Years,
}

words!(AgeUnit { Minutes = "m", Hours = "h", Days = "d", Weeks = "w", Years = "y" });

impl AgeUnit {
    fn seconds(self) -> i64 {
        const DAY: i64 = 24 * 60 * 60;
        match self {
            Self::Minutes => 60,
            Self::Hours => 60 * 60,
            Self::Days => DAY,
            Self::Weeks => 7 * DAY,
            Self::Years => 365 * DAY,
        }
    }
}

/// A point in time as it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A day, UTC.
    Day(jiff::civil::Date),
    /// A time.
    Time(Timestamp),
}

impl Point {
    /// Milliseconds since 1970 of its beginning and of the first moment after it.
    fn bounds(self) -> (i64, i64) {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        match self {
            // INVARIANT: the parser admits only days that have a beginning.
            Self::Day(day) => {
                let start = day
                    .to_zoned(TimeZone::UTC)
                    .map_or(i64::MIN, |start| start.timestamp().as_millisecond());
                (start, start.saturating_add(DAY))
            }
            Self::Time(time) => (time.as_millisecond(), time.as_millisecond() + 1),
        }
    }
}

impl Moment {
    /// The times that satisfy it, as milliseconds since 1970 from the first up to but without the
    /// second; `None` stands for the absence of a time, [`Moment::Never`].
    ///
    /// Times count in whole milliseconds, as they are stored.
    #[must_use]
    pub fn range(self, now: Timestamp) -> Option<(i64, i64)> {
        let ago = |age: Age| now.as_millisecond().saturating_sub(age.milliseconds());
        Some(match self {
            Self::Never => return None,
            Self::YoungerThan(age) => (ago(age).saturating_add(1), i64::MAX),
            Self::OlderThan(age) => (i64::MIN, ago(age)),
            Self::Before(point) => (i64::MIN, point.bounds().0),
            Self::At(point) => point.bounds(),
            Self::After(point) => (point.bounds().1, i64::MAX),
        })
    }
}
