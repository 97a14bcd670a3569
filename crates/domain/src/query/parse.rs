//! Text to [`Query`] and back.

use super::value::{moment, uuid};
use super::{Expression, Query, QueryError, Term, Text, TextField, TextKind, TimeField};
use crate::{AccessReason, AccessState, DeviceId, WipeStatus};

impl Query {
    /// The query a text stands for. A text without words is the query without a condition.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > Self::MAX_LENGTH {
            let position = text.char_indices().take_while(|(at, _)| *at < Self::MAX_LENGTH).count();
            return Err(QueryError {
                position,
                expected: format!("the end: a query has at most {} bytes", Self::MAX_LENGTH),
            });
        }
        let mut parser = Parser { rest: text, position: 0, terms: 0, depth: 0 };
        parser.skip_blanks();
        if parser.rest.is_empty() {
            return Ok(Self::default());
        }
        let root = parser.any()?;
        if !parser.rest.is_empty() {
            return Err(parser.expected("the end, as no parenthesis is open"));
        }
        Ok(Self { root: Some(root) })
    }
}

struct Parser<'a> {
    rest: &'a str,
    position: usize,
    terms: usize,
    depth: usize,
}

/// A text as it was typed, and where.
struct Typed {
    text: Text,
    position: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        Ok(Expression::any(parts))
    }

    fn all(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.one()?];
        while !self.rest.is_empty() && !self.rest.starts_with(')') && !self.at_keyword("or") {
            parts.push(self.one()?);
        }
        Ok(Expression::all(parts))
    }

    fn one(&mut self) -> Result<Expression, QueryError> {
        if self.rest.is_empty() || self.rest.starts_with(')') || self.at_keyword("or") {
            return Err(self.expected("a word, a field with a value, \"not\" or a parenthesis"));
        }
        if self.at_keyword("not") {
            self.descend()?;
            self.keyword("not");
            let part = self.one()?;
            self.depth -= 1;
            return Ok(Expression::Not(Box::new(part)));
        }
        if !self.rest.starts_with('(') {
            return self.term().map(Expression::Term);
        }
        self.descend()?;
        self.step();
        self.skip_blanks();
        let inner = self.any()?;
        if !self.rest.starts_with(')') {
            return Err(self.expected("a closing parenthesis"));
        }
        self.step();
        self.skip_blanks();
        self.depth -= 1;
        Ok(inner)
    }

    fn descend(&mut self) -> Result<(), QueryError> {
        self.depth += 1;
        if self.depth > Query::MAX_DEPTH {
            let most = format!("at most {} nested parentheses and \"not\"", Query::MAX_DEPTH);
            return Err(self.expected(&most));
        }
        Ok(())
    }

    fn term(&mut self) -> Result<Term, QueryError> {
        let start = self.position;
        if self.rest.starts_with('"') {
            let text = self.value(false)?.text;
            self.end_of_term()?;
            return Ok(Term::Word(text));
        }
        let name_end = self.rest.find(|c: char| c == ':' || ends_word(c));
        let Some(name) = name_end
            .filter(|at| self.rest.get(*at..).is_some_and(|rest| rest.starts_with(':')))
            .and_then(|at| self.rest.get(..at))
        else {
            let text = self.value(false)?.text;
            self.end_of_term()?;
            return Ok(Term::Word(text));
        };
        let name = name.to_ascii_lowercase();
        for _ in name.chars().chain([':']) {
            self.step();
        }
        self.field(&name, start)
    }

    fn field(&mut self, name: &str, start: usize) -> Result<Term, QueryError> {
        let unknown = || QueryError {
            position: start,
            expected: format!(
                "one of the fields {}; a word with a colon must be quoted",
                FIELDS.join(", ")
            ),
        };
        Ok(match name {
            "state" => Term::State(self.words(AccessState::ALL, AccessState::word)?),
            "reason" => Term::Reason(self.words(AccessReason::ALL, AccessReason::word)?),
            "wipe" => Term::Wipe(self.words(WipeStatus::ALL, WipeStatus::word)?),
            "id" => Term::Id(self.values(|typed| uuid(&typed.text).map(DeviceId))?),
            "guid" => Term::Guid(self.values(|typed| uuid(&typed.text))?),
            _ => match (TextField::from_word(name), TimeField::from_word(name)) {
                (Some(field), _) => Term::Text(field, self.values(|typed| Ok(typed.text.clone()))?),
                (_, Some(field)) => Term::Time(field, self.values(|typed| moment(&typed.text))?),
                _ => return Err(unknown()),
            },
        })
    }

    /// Values that must be words of a list.
    fn words<T: Copy>(
        &mut self,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Result<Vec<T>, QueryError> {
        self.values(|typed| {
            let found =
                all.iter().find(|value| word(**value).eq_ignore_ascii_case(&typed.text.text));
            let prefix = typed.text.kind == TextKind::Prefix;
            found.copied().filter(|_| !prefix).ok_or_else(|| {
                let words: Vec<_> = all.iter().map(|value| word(*value)).collect();
                format!("one of {}", words.join(", "))
            })
        })
    }

    /// One or more values between commas, up to the end of the term.
    fn values<T>(
        &mut self,
        read: impl Fn(&Typed) -> Result<T, String>,
    ) -> Result<Vec<T>, QueryError> {
        let mut values = Vec::new();
        loop {
            let typed = self.value(true)?;
            let value = read(&typed)
                .map_err(|expected| QueryError { position: typed.position, expected })?;
            values.push(value);
            if !self.rest.starts_with(',') {
                break;
            }
            self.step();
        }
        self.end_of_term()?;
        Ok(values)
    }

    /// A text, quoted or not, with or without the star of a prefix.
    fn value(&mut self, is_field: bool) -> Result<Typed, QueryError> {
        let position = self.position;
        self.terms += 1;
        if self.terms > Query::MAX_TERMS {
            return Err(self.expected(&format!("at most {} values", Query::MAX_TERMS)));
        }
        let (text, quoted) = if self.rest.starts_with('"') {
            (self.quoted()?, true)
        } else {
            let mut text = String::new();
            while let Some(c) = self.rest.chars().next() {
                if ends_word(c) || c == '*' || (is_field && c == ',') {
                    break;
                }
                text.push(c);
                self.step();
            }
            (text, false)
        };
        if text.is_empty() {
            return Err(QueryError { position, expected: "a value".to_owned() });
        }
        let is_prefix = self.rest.starts_with('*');
        if is_prefix {
            self.step();
        }
        let kind = match (is_prefix, quoted) {
            (true, _) => TextKind::Prefix,
            (false, true) => TextKind::Exact,
            (false, false) => TextKind::Plain,
        };
        Ok(Typed { text: Text { text, kind }, position })
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let mut text = String::new();
        self.step();
        loop {
            match self.step() {
                None => return Err(self.expected("a closing quotation mark")),
                Some('"') => return Ok(text),
                Some('\\') if self.rest.starts_with(['"', '\\']) => text.extend(self.step()),
                Some(c) => text.push(c),
            }
        }
    }

    fn end_of_term(&mut self) -> Result<(), QueryError> {
        let ended = self.rest.is_empty()
            || self.rest.starts_with(')')
            || self.rest.starts_with(char::is_whitespace);
        if !ended {
            return Err(self.expected("a blank after the term; quote what is more than one word"));
        }
        self.skip_blanks();
        Ok(())
    }

    fn at_keyword(&self, keyword: &str) -> bool {
        let word = self.rest.split(ends_word).next().unwrap_or_default();
        word.eq_ignore_ascii_case(keyword)
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.at_keyword(keyword);
        if found {
            for _ in keyword.chars() {
                self.step();
            }
            self.skip_blanks();
        }
        found
    }

    fn skip_blanks(&mut self) {
        while self.rest.starts_with(char::is_whitespace) {
            self.step();
        }
    }

    fn step(&mut self) -> Option<char> {
        let mut rest = self.rest.chars();
        let c = rest.next()?;
        self.rest = rest.as_str();
        self.position += 1;
        Some(c)
    }

    fn expected(&self, expected: &str) -> QueryError {
        QueryError { position: self.position, expected: expected.to_owned() }
    }
}

/// What a word without quotation marks stops at.
pub(super) fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"')
}

/// The fields in the order of a device's life, for the error that lists them.
const FIELDS: &[&str] = &[
    "state",
    "reason",
    "rule",
    "user",
    "mailbox",
    "name",
    "type",
    "model",
    "os",
    "language",
    "useragent",
    "imei",
    "phone",
    "operator",
    "client",
    "version",
    "policy",
    "policystatus",
    "wipe",
    "connector",
    "id",
    "guid",
    "deviceid",
    "firstsync",
    "lastsync",
    "lastattempt",
    "created",
    "changed",
    "observed",
    "gone",
];

impl Expression {
    fn all(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::All(inner) => inner,
            other => vec![other],
        });
        Self::single(flat.collect(), Self::All)
    }

    fn any(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::Any(inner) => inner,
            other => vec![other],
        });
        Self::single(flat.collect(), Self::Any)
    }

    fn single(mut parts: Vec<Self>, many: fn(Vec<Self>) -> Self) -> Self {
        match parts.len() {
            1 => parts.remove(0),
            _ => many(parts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, position: usize, expected: &str) {
        let error = Query::parse(text).unwrap_err();
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.expected.contains(expected), "{text}: {error}");
    }

    #[test]
    fn an_error_says_where_and_what_was_expected() {
        check("state:quarantene", 6, "allowed, blocked, quarantined, discovery, unknown");
        check("größe:5", 0, "state, reason, rule");
        check("os:iOS stat:blocked", 7, "one of the fields");
        check("user:", 5, "a value");
        check("user:,a", 5, "a value");
        check("user:a,", 7, "a value");
        check("user:\"a", 7, "closing quotation mark");
        check("user:a*b", 7, "a blank");
        check("(a or b", 7, "closing parenthesis");
        check("a)", 1, "the end");
        check("a or", 4, "a word, a field");
        check("or a", 0, "a word, a field");
        check("not", 3, "a word, a field");
        check("()", 1, "a word, a field");
        check("lastsync:30d", 9, "never");
        check("lastsync:<30", 9, "m, h, d, w, y");
        check("lastsync:>2026-13-01", 9, "never");
        check("lastsync:0000-01-01", 9, "never");
        check("lastsync:<\"30d\"", 9, "never");
        check("id:abc", 3, "an id such as");
        check("state:block*", 6, "one of");
    }

    #[test]
    fn limits_hold() {
        check(&"a".repeat(Query::MAX_LENGTH + 1), Query::MAX_LENGTH, "4096 bytes");
        check(&"a ".repeat(Query::MAX_TERMS + 1), Query::MAX_TERMS * 2, "at most 100");
        check(&"(".repeat(Query::MAX_DEPTH + 1), Query::MAX_DEPTH, "at most 20");
        check(&"not ".repeat(Query::MAX_DEPTH + 1), Query::MAX_DEPTH * 4, "at most 20");
        assert!(Query::parse(&"a ".repeat(Query::MAX_TERMS)).is_ok());
        assert!(Query::parse(&format!("{}a", "not ".repeat(Query::MAX_DEPTH))).is_ok());
    }

    #[test]
    fn every_field_of_the_list_is_read() {
        for field in FIELDS {
            let value = match *field {
                "state" => "allowed",
                "reason" => "rule",
                "wipe" => "none",
                "id" | "guid" => "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                field if TimeField::from_word(field).is_some() => "never",
                _ => "x",
            };
            assert!(Query::parse(&format!("{field}:{value}")).is_ok(), "{field}");
        }
        for word in TextField::ALL.iter().map(|field| field.word()) {
            assert!(FIELDS.contains(&word), "{word}");
        }
    }
}
