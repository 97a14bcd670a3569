//! How values read to a person: times, numbers, text from outside. Pure.

use domain::Timestamp;

/// A time as HTML: relative, with the exact time in its title; `otherwise` where there is none.
///
/// The answer is safe to print unescaped: it is made of digits, fixed words and the escaped
/// `otherwise`.
pub(crate) fn time(at: Option<Timestamp>, now: Timestamp, otherwise: &str) -> String {
    match at {
        None => format!(r#"<span class="quiet">{}</span>"#, escape(otherwise)),
        Some(at) => {
            let exact = exact(at);
            format!(r#"<time datetime="{exact}" title="{exact}">{}</time>"#, relative(at, now))
        }
    }
}

/// UTC to the second, RFC 3339.
pub(crate) fn exact(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `12 minutes ago`, `in 3 hours`, `just now`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let (count, unit) = match seconds.unsigned_abs() {
        0..=4 => return "just now".to_owned(),
        s @ 5..=59 => (s, "second"),
        s @ 60..=3_599 => (s / 60, "minute"),
        s @ 3_600..=86_399 => (s / 3_600, "hour"),
        s @ 86_400..=5_183_999 => (s / 86_400, "day"),
        s @ 5_184_000..=63_071_999 => (s / 2_592_000, "month"),
        s => (s / 31_536_000, "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if seconds < 0 {
        format!("in {count} {unit}{plural}")
    } else {
        format!("{count} {unit}{plural} ago")
    }
}

/// A length of time: `1.2 s`, `3 min 20 s`.
pub(crate) fn took(milliseconds: i64) -> String {
    match milliseconds.max(0) {
        ms @ 0..=59_999 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        ms @ 60_000..=3_599_999 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        ms => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// `1,234,567`
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 device`, `2 devices`
pub(crate) fn counted(value: u64, singular: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", number(value))
}

/// Text from outside with its control and direction characters made visible.
///
/// They are kept in the inventory to the letter; on a page they could pretend to be another text.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).into_iter().collect(),
            '\u{7f}' => vec!['\u{2421}'],
            '\u{80}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => format!("‹U+{:04X}›", u32::from(c)).chars().collect(),
            c => vec![c],
        })
        .collect()
}

/// A clause with its first letter large.
pub(crate) fn sentence_start(clause: &str) -> String {
    let mut rest = clause.chars();
    let first = rest.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(rest).collect()
}

/// A clause as a sentence: its first letter large, a full stop at its end.
pub(crate) fn sentence(clause: &str) -> String {
    let clause = clause.trim();
    let mut rest = clause.chars();
    let Some(first) = rest.next() else { return String::new() };
    let stop = if clause.ends_with(['.', '?', ':']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), rest.as_str())
}

/// Text as HTML that a narrow column may break where a reader would: before `@`, after other
/// punctuation of names, addresses and paths.
pub(crate) fn breakable(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for part in text.split_inclusive(['_', ',', '/', '\\']) {
        html.push_str(&escape(part).replace('@', "<wbr>@"));
        html.push_str("<wbr>");
    }
    html
}

/// Text as HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// A value for a URL's query, percent-encoded.
pub(crate) fn query_value(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'*' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn times_are_told_as_a_person_would() {
        for (seconds, words) in [
            (0, "just now"),
            (-59, "59 seconds ago"),
            (-60, "1 minute ago"),
            (-7_200, "2 hours ago"),
            (-86_400 * 3, "3 days ago"),
            (-86_400 * 90, "3 months ago"),
            (-86_400 * 800, "2 years ago"),
            (180, "in 3 minutes"),
        ] {
            assert_eq!(relative(at(seconds), at(0)), words);
        }
    }

    #[test]
    fn numbers_have_separators() {
        for (value, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
        assert_eq!(counted(1, "device"), "1 device");
        assert_eq!(took(1_250), "1.2 s");
        assert_eq!(took(3_725_000), "1 h 2 min");
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(visible("a\u{0}b\u{202e}c\u{7f}"), "a␀b‹U+202E›c␡");
        assert_eq!(visible("Jürgen 王"), "Jürgen 王");
    }

    #[test]
    fn markup_from_outside_is_text() {
        assert_eq!(escape("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        assert!(time(None, at(0), "<never>").contains("&lt;never&gt;"));
    }

    #[test]
    fn clauses_become_sentences() {
        assert_eq!(sentence("the server is gone"), "The server is gone.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn long_names_break_where_a_reader_would() {
        assert_eq!(breakable("<a>_b@c"), "&lt;a&gt;_<wbr>b<wbr>@c<wbr>");
        assert_eq!(breakable("CN=a,DC=b"), "CN=a,<wbr>DC=b<wbr>");
    }

    #[test]
    fn query_values_survive_a_url() {
        assert_eq!(
            query_value("state:quarantined os:\"a b\" 王"),
            "state:quarantined%20os:%22a%20b%22%20%E7%8E%8B"
        );
    }
}
