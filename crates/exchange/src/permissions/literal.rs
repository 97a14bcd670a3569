//! Texts as PowerShell literals that mean the text and nothing else.

use std::fmt::Write as _;

/// Longest text that is quoted, in characters: names in the directory are shorter.
const MAX_QUOTED: usize = 256;

/// A text that is never written into a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnquotableText {
    /// Nothing but blanks.
    #[error("is empty; give a name")]
    Empty,
    /// Longer than anything that is a name.
    #[error("is longer than {MAX_QUOTED} characters; give a shorter name")]
    TooLong,
    /// Control characters, and those that make a text look like another one.
    #[error("holds a control or an invisible character; type it again without")]
    Control,
}

/// An expression that is this text, in ASCII alone: a script that was saved without a byte order
/// mark is read in the code page of the server, where a part of a character may become a quote.
///
/// # Errors
/// See [`UnquotableText`].
pub(super) fn quoted(text: &str) -> Result<String, UnquotableText> {
    if text.trim().is_empty() {
        return Err(UnquotableText::Empty);
    }
    if text.chars().count() > MAX_QUOTED {
        return Err(UnquotableText::TooLong);
    }
    if text.chars().any(is_unprintable) {
        return Err(UnquotableText::Control);
    }
    // Within single quotes only the quote itself has a meaning; two of them are one.
    if text.is_ascii() {
        return Ok(format!("'{}'", text.replace('\'', "''")));
    }
    let mut escaped = String::with_capacity(text.len() * 3);
    for unit in text.encode_utf16() {
        match u8::try_from(unit).ok().filter(u8::is_ascii).map(char::from) {
            Some('\'') => escaped.push_str("''"),
            Some('\\') => escaped.push_str(r"\\"),
            Some(plain) => escaped.push(plain),
            None => {
                // Writing to a text never fails.
                let _ = write!(escaped, r"\u{unit:04X}");
            }
        }
    }
    Ok(format!("[regex]::Unescape('{escaped}')"))
}

/// Names as literals, with commas: `'Identity', 'Confirm'`. For names that are written in this
/// crate.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("'{name}'")).collect();
    names.join(", ")
}

/// Control characters; line and paragraph separators; marks that turn the direction of writing or
/// are not seen.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{UnquotableText, quoted};

    /// What PowerShell makes of an expression, if it is one literal and nothing after it.
    fn meaning(expression: &str) -> Option<String> {
        let unescape = "[regex]::Unescape(";
        let (literal, is_escaped) = match expression.strip_prefix(unescape) {
            Some(rest) => (rest.strip_suffix(')')?, true),
            None => (expression, false),
        };
        let mut rest = literal.strip_prefix('\'')?.chars().peekable();
        let mut text = String::new();
        loop {
            // PowerShell takes typographic quotes for the plain one.
            let is_quote = |c: char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
            match rest.next()? {
                c if is_quote(c) => match rest.next() {
                    Some(second) if is_quote(second) => text.push(second),
                    Some(_) => return None,
                    None => break,
                },
                c => text.push(c),
            }
        }
        if is_escaped { unescaped(&text) } else { Some(text) }
    }

    fn unescaped(text: &str) -> Option<String> {
        let mut units = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match (c, c == '\\') {
                (_, true) => match rest.next()? {
                    '\\' => units.push(u16::from(b'\\')),
                    'u' => {
                        let digits: String = rest.by_ref().take(4).collect();
                        units.push(u16::from_str_radix(&digits, 16).ok()?);
                    }
                    _ => return None,
                },
                (c, false) => units.push(u16::try_from(u32::from(c)).ok()?),
            }
        }
        String::from_utf16(&units).ok()
    }

    #[test]
    fn texts_are_quoted() {
        let check = |text: &str, expected: &str| assert_eq!(quoted(text).unwrap(), expected);
        check(r"CONTOSO\gatepost", r"'CONTOSO\gatepost'");
        check("O'Brien", "'O''Brien'");
        check("$(Remove-Mailbox) `\"", "'$(Remove-Mailbox) `\"'");
        check(r"CONTOSO\Jürgen's", r"[regex]::Unescape('CONTOSO\\J\u00FCrgen''s')");
        check("a\u{2019}; b", r"[regex]::Unescape('a\u2019; b')");
    }

    #[test]
    fn what_could_mislead_is_refused() {
        for text in ["a\nb", "a\u{0}", "a\u{85}b", "a\u{202e}b", "a\u{2028}b", "\u{feff}a"] {
            assert_eq!(quoted(text), Err(UnquotableText::Control), "{text:?}");
        }
        assert_eq!(quoted(" "), Err(UnquotableText::Empty));
        assert_eq!(quoted(&"a".repeat(257)), Err(UnquotableText::TooLong));
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out_as_one_literal(
            text in prop_oneof![".{1,80}", "['\u{2018}-\u{201b}a\\\\uü🐢 $;)(]{1,20}"]
        ) {
            if let Ok(expression) = quoted(&text) {
                prop_assert!(expression.is_ascii());
                prop_assert_eq!(meaning(&expression), Some(text));
            }
        }
    }
}
