//! [`Query`] to its canonical text.

use std::fmt;

use super::parse::ends_word;
use super::{Expression, Moment, Point, Query, Term, Text, TextKind};

impl fmt::Display for Query {
    /// The canonical text: parsing it gives the same query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.as_ref().map_or(Ok(()), |root| root.fmt(f))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Term(term) => term.fmt(f),
            Self::Not(part) => {
                f.write_str("not ")?;
                part.fmt_as_part(f)
            }
            Self::Any(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { " or " })?;
                    part.fmt(f)?;
                }
                Ok(())
            }
            Self::All(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { " " })?;
                    part.fmt_as_part(f)?;
                }
                Ok(())
            }
        }
    }
}

impl Expression {
    /// As part of something that binds closer than "or" and "and".
    fn fmt_as_part(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(_) | Self::Any(_) => write!(f, "({self})"),
            Self::Not(_) | Self::Term(_) => write!(f, "{self}"),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => word.fmt(f),
            Self::Text(field, values) => list(f, field.word(), values),
            Self::State(values) => list(f, "state", values),
            Self::Reason(values) => list(f, "reason", values),
            Self::Wipe(values) => list(f, "wipe", values),
            Self::Id(values) => list(f, "id", values),
            Self::Guid(values) => list(f, "guid", values),
            Self::Time(field, values) => list(f, field.word(), values),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, field: &str, values: &[impl fmt::Display]) -> fmt::Result {
    for (index, value) in values.iter().enumerate() {
        match index {
            0 => write!(f, "{field}:{value}")?,
            _ => write!(f, ",{value}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needs_quotes = self.kind == TextKind::Exact
            || self.text.contains(|c| ends_word(c) || matches!(c, ',' | ':' | '*'));
        match (needs_quotes, self.kind) {
            (false, TextKind::Prefix) => write!(f, "{}*", self.text),
            // Only what was typed without quotation marks is plain, and so needs none.
            (_, TextKind::Plain) | (false, _) => f.write_str(&self.text),
            (true, kind) => {
                let escaped = self.text.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "\"{escaped}\"{}", if kind == TextKind::Prefix { "*" } else { "" })
            }
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::YoungerThan(age) => write!(f, "<{}{}", age.count, age.unit),
            Self::OlderThan(age) => write!(f, ">{}{}", age.count, age.unit),
            Self::Before(point) => write!(f, "<{point}"),
            Self::At(point) => point.fmt(f),
            Self::After(point) => write!(f, ">{point}"),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, canonical: &str) {
        let query = Query::parse(text).unwrap();
        assert_eq!(query.to_string(), canonical);
        assert_eq!(Query::parse(canonical).unwrap(), query);
    }

    #[test]
    fn the_canonical_text_means_the_same() {
        check("", "");
        check("  jane   OS:iOS ", "jane os:iOS");
        check("state:Quarantined os:iOS lastsync:<30D", "state:quarantined os:iOS lastsync:<30d");
        check("a OR b c", "a or b c");
        check("(a or (b or c)) d", "(a or b or c) d");
        check("((a b)) c", "a b c");
        check("NOT (a b) not not c", "not (a b) not not c");
        check(r#"user:"CONTOSO\\jane",x"#, r#"user:"CONTOSO\\jane",x"#);
        check(r#"user:"CONTOSO\jane""#, r#"user:"CONTOSO\\jane""#);
        check(r#""say \"hi\"" "or""#, r#""say \"hi\"" "or""#);
        check(r#"os:"iOS 17"* model:iPhone*,"a""#, r#"os:"iOS 17"* model:iPhone*,"a""#);
        check("doe, os:a,b", "doe, os:a,b");
        check(
            "created:>2026-01-31,never,2026-01-31T10:00:00+01:00",
            "created:>2026-01-31,never,2026-01-31T09:00:00Z",
        );
    }

    fn text() -> impl Strategy<Value = String> {
        let word = "[a-zäöÄ使<>%._@\\\\-]{1,6}";
        let quoted = r#"[a-z使"\\ ,:()*]{1,6}"#
            .prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
        (prop_oneof![word.prop_map(|word| format!("{word}x")), quoted], any::<bool>())
            .prop_map(|(text, star)| if star { format!("{text}*") } else { text })
    }

    fn term() -> impl Strategy<Value = String> {
        let fields = prop::sample::select(&["user", "Os", "name", "deviceid", "connector"][..]);
        let times = prop::sample::select(&["lastsync", "gone", "created"][..]);
        let moments = prop::sample::select(
            &[
                "never",
                "<30d",
                ">4294967295y",
                "<2026-01-31",
                "2026-02-28",
                ">2026-01-31T10:00:00.5Z",
            ][..],
        );
        let lists = prop::collection::vec(text(), 1..3).prop_map(|values| values.join(","));
        prop_oneof![
            text(),
            (fields, lists).prop_map(|(field, list)| format!("{field}:{list}")),
            (times, prop::collection::vec(moments, 1..3))
                .prop_map(|(field, list)| format!("{field}:{}", list.join(","))),
            Just("state:allowed,Blocked".to_owned()),
            Just("wipe:none reason:rule".to_owned()),
            Just("id:3F2504E0-4F89-41D3-9A0C-0305E82C3301".to_owned()),
        ]
    }

    fn query() -> impl Strategy<Value = String> {
        term().prop_recursive(4, 12, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|part| format!("not ({part})")),
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" ")),
                prop::collection::vec(inner.clone(), 2..4)
                    .prop_map(|parts| format!("( {} )", parts.join(" OR "))),
                prop::collection::vec(inner, 2..4).prop_map(|parts| parts.join(" or ")),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(text in query()) {
            let query = Query::parse(&text).unwrap();
            let printed = query.to_string();
            prop_assert_eq!(Query::parse(&printed).unwrap(), query, "{}", printed);
        }

        #[test]
        fn no_text_is_too_odd(text in r#"[a-z:,()"*<>\\ 0-9ä]{0,40}"#) {
            if let Ok(query) = Query::parse(&text) {
                let printed = query.to_string();
                prop_assert_eq!(Query::parse(&printed).unwrap(), query, "{}", printed);
            }
        }
    }
}
