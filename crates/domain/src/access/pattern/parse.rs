//! Text to values.

use super::glob::{Glob, Piece};
use super::version::{Bound, Range, Version};
use super::{Selector, Values};
use crate::access::Characteristic;

/// Why a text selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {character}: expected {expected}; {advice}")]
pub struct SelectorError {
    /// Bytes before the place where it stops making sense.
    pub position: usize,
    /// That place for people: the first character is 1.
    pub character: usize,
    /// What could have stood there.
    pub expected: String,
    /// What to do.
    pub advice: String,
}

const QUOTE_IT: &str = "write the value in quotes if it is meant to the letter";

/// A character, and whether it means itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Character(char),
    /// After a backslash: a dot before an asterisk is meant.
    Escaped(char),
    Any,
    One,
    /// `<` or `>`, and whether a `=` follows.
    Comparison {
        is_lower: bool,
        is_included: bool,
    },
}

/// What a text stands for.
pub(super) fn values(characteristic: Characteristic, text: &str) -> Result<Values, SelectorError> {
    let reader = Reader { text, characteristic };
    if text.len() > Selector::MAX_LENGTH {
        let most = format!("at most {} bytes", Selector::MAX_LENGTH);
        return Err(reader.error(
            text.floor_char_boundary(Selector::MAX_LENGTH),
            &most,
            "shorten it",
        ));
    }
    let trimmed = text.trim();
    let start = text.len() - text.trim_start().len();
    if trimmed.is_empty() {
        let advice = "name what the rule is about, such as iPhone or SM-*";
        return Err(reader.error(start, "a value, a pattern or a range", advice));
    }
    if let Some(inside) = trimmed.strip_prefix('"') {
        return reader.quoted(start + 1, inside).map(Values::Exact);
    }
    let tokens = reader.tokens(start, trimmed)?;
    let is_comparison = |token: &Token| matches!(token, Token::Comparison { .. });
    let is_wild = |token: &Token| matches!(token, Token::Any | Token::One);
    let first = |is: fn(&Token) -> bool| tokens.iter().find(|(_, token)| is(token)).map(|it| it.0);
    let (comparison, wild) = (first(is_comparison), first(is_wild));
    let Some(special) = comparison.or(wild) else {
        let letters = tokens.iter().filter_map(|(_, token)| token.letter());
        return Ok(Values::Exact(letters.collect()));
    };
    if characteristic == Characteristic::WindowsLiveHeader {
        let advice =
            "write exact values: no list says what devices send, so nothing can be compared";
        return Err(reader.error(special, "an exact value", advice));
    }
    match (comparison, wild) {
        (Some(_), Some(wild)) => {
            let advice = "write either a pattern or a range of versions";
            Err(reader.error(wild, "no wildcard in a range", advice))
        }
        (Some(at), None) if characteristic != Characteristic::Os => {
            let expected = "a range of versions with os only";
            Err(reader.error(at, expected, QUOTE_IT))
        }
        (Some(_), None) => reader.range(&tokens).map(Values::Range),
        (None, _) => Ok(Values::Glob(Glob::new(tokens.iter().filter_map(|(_, it)| it.piece())))),
    }
}

impl Token {
    fn letter(self) -> Option<char> {
        match self {
            Self::Character(letter) | Self::Escaped(letter) => Some(letter),
            Self::Any | Self::One | Self::Comparison { .. } => None,
        }
    }

    fn piece(self) -> Option<Piece> {
        match self {
            Self::Any => Some(Piece::Any),
            Self::One => Some(Piece::One),
            letter => letter.letter().map(Piece::Character),
        }
    }
}

/// A letter as it has to be written to mean itself.
pub(super) fn escaped(letter: char, characteristic: Characteristic) -> String {
    let is_special = matches!(letter, '*' | '?' | '\\' | '"' | '<' | '>')
        || is_foreign(letter)
        || (letter == '=' && characteristic == Characteristic::Os);
    if is_special { format!("\\{letter}") } else { letter.to_string() }
}

/// Whether a letter is a sign of other pattern languages.
const fn is_foreign(letter: char) -> bool {
    matches!(letter, '[' | ']' | '{' | '}' | '|' | '^' | '$' | '%')
}

struct Reader<'a> {
    text: &'a str,
    characteristic: Characteristic,
}

impl Reader<'_> {
    fn error(&self, position: usize, expected: &str, advice: &str) -> SelectorError {
        let before = self.text.char_indices().take_while(|(at, _)| *at < position).count();
        let (expected, advice) = (expected.to_owned(), advice.to_owned());
        SelectorError { position, character: before + 1, expected, advice }
    }

    /// What stands in quotes, of which the first was read.
    fn quoted(&self, start: usize, inside: &str) -> Result<String, SelectorError> {
        let mut value = String::new();
        let mut letters = inside.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' if at + 1 < inside.len() => {
                    let advice = "write \\\" for a quote inside of the value";
                    return Err(self.error(
                        start + at + 1,
                        "nothing after the closing quote",
                        advice,
                    ));
                }
                '"' if value.is_empty() => {
                    return Err(self.error(start, "a value", "write it between the quotes"));
                }
                '"' => return Ok(value),
                '\\' => match letters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    _ => {
                        let expected = "\\\" or \\\\ after a backslash";
                        return Err(self.error(start + at, expected, "write \\\\ for a backslash"));
                    }
                },
                letter => value.push(letter),
            }
        }
        Err(self.error(start + inside.len(), "a closing quote", "add it at the end of the value"))
    }

    fn tokens(&self, start: usize, text: &str) -> Result<Vec<(usize, Token)>, SelectorError> {
        let mut tokens: Vec<(usize, Token)> = Vec::with_capacity(text.len());
        let mut letters = text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let at = start + at;
            let token = match letter {
                '\\' => match letters.next() {
                    Some((_, escaped)) if escaped.is_ascii_punctuation() => Token::Escaped(escaped),
                    _ => {
                        let advice = "write \\\\ for a backslash, or the value in quotes";
                        return Err(self.error(at, "a sign such as \\* after a backslash", advice));
                    }
                },
                '*' if is_regular_expression(&tokens) => {
                    let advice = "leave out the dot, as * alone stands for any text, or write \\.*";
                    return Err(self.error(at - 1, "* without a dot before it", advice));
                }
                '*' => Token::Any,
                '?' => Token::One,
                '<' | '>' => {
                    let is_included = letters.next_if(|(_, next)| *next == '=').is_some();
                    Token::Comparison { is_lower: letter == '>', is_included }
                }
                '=' if self.characteristic == Characteristic::Os => {
                    let expected = "<, <=, > or >= to compare versions";
                    let advice =
                        "write iOS >= 17.4 <= 17.4 for one version, or the value in quotes";
                    return Err(self.error(at, expected, advice));
                }
                letter if is_foreign(letter) => {
                    let expected = format!("* or ? as a wildcard, not {letter}");
                    let advice = format!(
                        "write \\{letter}, or the value in quotes, if it is meant to the letter"
                    );
                    return Err(self.error(at, &expected, &advice));
                }
                letter => Token::Character(letter),
            };
            tokens.push((at, token));
        }
        Ok(tokens)
    }

    /// A name, then one or two comparisons with a version.
    fn range(&self, tokens: &[(usize, Token)]) -> Result<Range, SelectorError> {
        const EXAMPLE: &str = "write a range as iOS < 17.4 or iOS >= 15 < 16";
        let is_comparison = |token: &Token| matches!(token, Token::Comparison { .. });
        let mut parts = tokens.chunk_by(|_, (_, next)| !is_comparison(next));
        let letters = |part: &[(usize, Token)]| -> String {
            part.iter().filter_map(|(_, token)| token.letter()).collect()
        };
        let start = tokens.first().map_or(0, |(at, _)| *at);
        let first = parts.next().unwrap_or_default();
        if first.first().is_some_and(|(_, token)| is_comparison(token)) {
            return Err(self.error(start, "the name of an operating system", EXAMPLE));
        }
        let name = letters(first);
        let (mut lower, mut upper) = (None, None);
        for part in parts {
            let Some((at, Token::Comparison { is_lower, is_included })) = part.first().copied()
            else {
                continue;
            };
            let Some(version) = Version::parse(letters(part).trim()) else {
                let mut letters = part.iter().skip(1);
                let after = letters
                    .find(|(_, token)| token.letter().is_some_and(|it| !it.is_whitespace()))
                    .map_or_else(|| self.text.trim_end().len(), |(next, _)| *next);
                return Err(self.error(after, "a version such as 17.4", EXAMPLE));
            };
            let bound = if is_lower { &mut lower } else { &mut upper };
            if bound.replace(Bound { version, is_included }).is_some() {
                return Err(self.error(at, "one bound above and one below", EXAMPLE));
            }
        }
        Range::new(name.trim_end(), lower, upper).ok_or_else(|| {
            let expected = "bounds with versions between them";
            self.error(start, expected, "turn the bounds round, or leave one out")
        })
    }
}

/// Whether an asterisk after these would be `.*` as regular expressions have it. After a number it is
/// not: `iOS 17.*` means what it says.
fn is_regular_expression(tokens: &[(usize, Token)]) -> bool {
    match tokens {
        [.., (_, Token::Character(before)), (_, Token::Character('.'))] => !before.is_ascii_digit(),
        [.., (_, Token::Escaped(_)), (_, Token::Character('.'))] => true,
        [(_, Token::Character('.'))] => true,
        _ => false,
    }
}
