//! The `_xHHHH_` escapes of text and names ([MS-PSRP] 2.2.5.3.2 "Encoding Strings").
//!
//! An escape is one UTF-16 code unit. Half of a surrogate pair that stands alone is legal in a
//! Windows string and not in a Rust one: its escape is left in the text as it is, and written back
//! as it is. The price: text that spells such an escape out (`_x005F_xD800_`) cannot be told from
//! it and is written back as the lone half.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes of one escape.
const ESCAPE_BYTES: usize = "_xHHHH_".len();

/// Undoes the escapes.
pub(super) fn decode(text: Cow<'_, str>) -> String {
    if first_escape(&text).is_none() {
        return text.into_owned();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((before, unit, after)) = first_escape(rest) {
        decoded.push_str(before);
        let pair = escape_at(after).and_then(|low| {
            let mut units = char::decode_utf16([unit, low]);
            units.next().and_then(Result::ok).filter(|c| c.len_utf16() == 2)
        });
        if let Some(character) = pair {
            decoded.push(character);
            rest = after.get(ESCAPE_BYTES..).unwrap_or_default();
        } else {
            match char::from_u32(u32::from(unit)) {
                Some(character) => decoded.push(character),
                None => decoded.push_str(
                    rest.get(before.len()..before.len() + ESCAPE_BYTES).unwrap_or_default(),
                ),
            }
            rest = after;
        }
    }
    decoded.push_str(rest);
    decoded
}

/// Appends `text` with everything escaped that XML or CLIXML would read otherwise, fit for an
/// element and for an attribute in double quotes.
pub(super) fn encode(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(may_need_escape) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        rest = encode_first(out, special);
    }
    out.push_str(rest);
}

/// Escapes the first character of `text` if need be and returns what is left to encode.
fn encode_first<'a>(out: &mut String, text: &'a str) -> &'a str {
    let mut characters = text.chars();
    match characters.next() {
        Some('&') => out.push_str("&amp;"),
        Some('<') => out.push_str("&lt;"),
        Some('>') => out.push_str("&gt;"),
        Some('"') => out.push_str("&quot;"),
        Some('_') => {
            let lone = escape_at(text).filter(|unit| is_lone_surrogate(*unit, text));
            if lone.is_some()
                && let Some((escape, after)) = text.split_at_checked(ESCAPE_BYTES)
            {
                out.push_str(escape);
                return after;
            }
            out.push_str(if looks_like_escape(text) { "_x005F_" } else { "_" });
        }
        Some(c) if c.is_control() || u32::from(c) >= 0xFFFE => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "_x{unit:04X}_").expect("writing to a string cannot fail");
            }
        }
        Some(c) => out.push(c),
        None => {}
    }
    characters.as_str()
}

/// True for the first byte of every character that [`encode_first`] may change: control
/// characters, markup, the underscore, and everything beyond ASCII that begins like a C1 control
/// (C2), U+FFFE (EF) or a pair (F0 and above).
fn may_need_escape(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'&' | b'<' | b'>' | b'"' | b'_' | 0x7F | 0xC2 | 0xEF..)
}

/// True if the escape of `unit` at the start of `text` is read back as it is.
fn is_lone_surrogate(unit: u16, text: &str) -> bool {
    let next = text.get(ESCAPE_BYTES..).and_then(escape_at);
    match unit {
        0xD800..0xDC00 => !matches!(next, Some(0xDC00..0xE000)),
        0xDC00..0xE000 => true,
        _ => false,
    }
}

/// True if some reader might take the underscore that `text` starts with for an escape. Windows
/// escapes it before every `x` and `X`, and takes `_X` and eight digits for an escape as well.
fn looks_like_escape(text: &str) -> bool {
    matches!(text.as_bytes(), [b'_', b'x' | b'X', ..])
}

/// The first escape of a text: what stands before it, its code unit, what stands after it.
fn first_escape(text: &str) -> Option<(&str, u16, &str)> {
    memchr::memchr_iter(b'_', text.as_bytes()).find_map(|at| {
        let (before, from) = text.split_at_checked(at)?;
        let unit = escape_at(from)?;
        Some((before, unit, from.get(ESCAPE_BYTES..)?))
    })
}

/// The code unit of the escape that `text` starts with.
fn escape_at(text: &str) -> Option<u16> {
    match text.as_bytes() {
        [b'_', b'x', digits @ ..] if digits.len() >= 5 && digits.get(4) == Some(&b'_') => {
            digits.iter().take(4).try_fold(0_u16, |unit, digit| {
                let value = char::from(*digit).to_digit(16)?;
                Some(unit << 4 | u16::try_from(value).ok()?)
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> String {
        let mut out = String::new();
        encode(&mut out, text);
        out
    }

    #[test]
    fn escapes_are_undone_and_made() {
        for (escaped, plain) in [
            ("", ""),
            ("plain", "plain"),
            ("Order_x000A_Details", "Order\nDetails"),
            ("Order_Details", "Order_Details"),
            ("Order_x005F_x0020_", "Order_x0020_"),
            ("_x005F_x005F_x005F_", "_x005F_"),
            ("_xD83D__xDE00_", "😀"),
            ("_x0000_", "\0"),
            ("_x0085_ä§", "\u{85}ä§"),
            ("_xFFFE_\u{FFFD}", "\u{FFFE}\u{FFFD}"),
            ("_x00zz_", "_x00zz_"),
            ("_", "_"),
            ("__", "__"),
            ("_x", "_x"),
            ("_x0041", "_x0041"),
        ] {
            assert_eq!(decode(escaped.into()), plain, "{escaped}");
            assert_eq!(decode(encoded(plain).into()), plain, "{escaped}");
        }
        assert_eq!(encoded("Order_x0020_\n😀"), "Order_x005F_x0020__x000A__xD83D__xDE00_");
        assert_eq!(encoded("Viewer_XPS_"), "Viewer_x005F_XPS_");
        assert_eq!(decode("_x000a_".into()), "\n");
    }

    #[test]
    fn half_a_surrogate_pair_stays_an_escape() {
        for text in ["_xD800_", "a_xDC00_b", "_xDC00__xD800_", "_xD800_xDC00_", "_xd800_"] {
            assert_eq!(decode(text.into()), text);
            assert_eq!(encoded(text), text);
        }
        assert_eq!(decode("_xD800__xD83D__xDE00_".into()), "_xD800_😀");
    }

    #[test]
    fn spelled_out_pairs_do_not_become_a_character() {
        assert_eq!(decode(encoded("_xD83D__xDE00_").into()), "_xD83D__xDE00_");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in "(\\PC|[\\x00-\\x20]|_x?|_x[dD][89c-fC-F]00_|_x00[45][0-9F]_){0,12}") {
            let markup = encoded(&text);
            prop_assert_eq!(decode(quick_xml::escape::unescape(&markup).unwrap()), text);
        }

        #[test]
        fn decoding_takes_any_text(text in ".*") {
            decode(text.into());
        }
    }
}
