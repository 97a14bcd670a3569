//! Templates: words of one's own in place of the built-in ones.

use super::{Language, Topic};
use crate::device::words;

/// What stands in a message about one topic in one language, in place of the built-in words.
///
/// `{name}` is replaced by what the name stands for, `{{` and `}}` are braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// About what.
    pub topic: Topic,
    /// In which language.
    pub language: Language,
    /// The subject: one line.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// What can be put into a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placeholder {
    /// How many there are.
    Count,
    /// Name of the connector; a dash if it is of none.
    Connector,
    /// What the first of them is called.
    Name,
    /// All of them, or the first twenty, a line each.
    List,
}

words!(Placeholder { Count = "count", Connector = "connector", Name = "name", List = "list" });

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// There is no such placeholder.
    #[error(
        "there is no placeholder {{{0}}}; there are {{count}}, {{connector}}, {{name}}, {{list}}"
    )]
    Unknown(String),
    /// A brace stands alone.
    #[error("a brace stands alone in the {0}; write {{{{ or }}}} for a brace itself")]
    Brace(&'static str),
    /// It is empty.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// It is too long.
    #[error("the {part} has {bytes} bytes, and {most} are allowed")]
    TooLong {
        /// Subject or text.
        part: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// The subject has more than one line.
    #[error("the subject has more than one line")]
    Lines,
}

/// Mail programs show less of a subject.
const MAX_SUBJECT_BYTES: usize = 300;
/// A long letter.
const MAX_BODY_BYTES: usize = 16 * 1024;

impl Template {
    /// Says what is wrong with it, if anything is.
    pub fn validate(&self) -> Result<(), InvalidTemplate> {
        for (part, text, most) in
            [("subject", &self.subject, MAX_SUBJECT_BYTES), ("text", &self.body, MAX_BODY_BYTES)]
        {
            if text.trim().is_empty() {
                return Err(InvalidTemplate::Empty(part));
            }
            if text.len() > most {
                return Err(InvalidTemplate::TooLong { part, bytes: text.len(), most });
            }
            fill(part, text, |_| String::new())?;
        }
        if self.subject.chars().any(char::is_control) {
            return Err(InvalidTemplate::Lines);
        }
        Ok(())
    }

    /// Subject and text with everything in its place.
    pub fn filled(
        &self,
        value: impl Fn(Placeholder) -> String,
    ) -> Result<(String, String), InvalidTemplate> {
        Ok((fill("subject", &self.subject, &value)?, fill("text", &self.body, &value)?))
    }
}

fn fill(
    part: &'static str,
    text: &str,
    value: impl Fn(Placeholder) -> String,
) -> Result<String, InvalidTemplate> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, brace, after)) = next_brace(rest) {
        filled.push_str(before);
        if after.starts_with(brace) {
            filled.push(brace);
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        let name = after.split_once('}').filter(|_| brace == '{');
        let (name, after) = name.ok_or(InvalidTemplate::Brace(part))?;
        let known = Placeholder::from_word(name.trim());
        filled.push_str(&value(known.ok_or_else(|| InvalidTemplate::Unknown(name.to_owned()))?));
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn next_brace(text: &str) -> Option<(&str, char, &str)> {
    let (at, brace) = text.char_indices().find(|(_, c)| matches!(c, '{' | '}'))?;
    Some((text.get(..at)?, brace, text.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(subject: &str, body: &str) -> Template {
        let (topic, language) = (Topic::Quarantined, Language::English);
        Template { topic, language, subject: subject.to_owned(), body: body.to_owned() }
    }

    #[test]
    fn placeholders_are_filled_and_braces_stay() {
        let template = template("{count} on { connector }", "{{{name}}}: }}{list}");
        let filled = template.filled(|placeholder| placeholder.word().to_uppercase());
        assert_eq!(filled, Ok(("COUNT on CONNECTOR".to_owned(), "{NAME}: }LIST".to_owned())));
    }

    #[test]
    fn what_is_put_in_is_not_read_again() {
        let filled = template("{name}", "{name}").filled(|_| "{list}".to_owned());
        assert_eq!(filled, Ok(("{list}".to_owned(), "{list}".to_owned())));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "a".repeat(301);
        for (subject, body, said) in [
            ("{user}", "x", "{user}"),
            ("x", "{coumt}", "{coumt}"),
            ("{count", "x", "in the subject"),
            ("x", "a } b", "in the text"),
            ("x", " ", "text is empty"),
            (long.as_str(), "x", "301 bytes"),
            ("two\nlines", "x", "more than one line"),
        ] {
            let error = template(subject, body).validate().unwrap_err().to_string();
            assert!(error.contains(said), "{error:?} does not say {said:?}");
        }
        assert_eq!(template("{count}", "{list}").validate(), Ok(()));
    }
}
