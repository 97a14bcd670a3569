//! Forms and queries: names and values, with percent signs and pluses.

use std::collections::HashMap;

/// The fields of a form.
pub(super) type Form = HashMap<String, String>;

/// The value of a field; empty if there is none.
pub(super) fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map_or("", String::as_str)
}

/// The fields of a form or a query.
pub(super) fn form(bytes: &[u8]) -> Form {
    let text = String::from_utf8_lossy(bytes);
    let fields = text.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(name, value)| (plain(name), plain(value))).collect()
}

/// Undoes percent signs and pluses.
pub(super) fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = rest.clone().take(2).collect::<Vec<u8>>();
                let digits = String::from_utf8(digits).unwrap_or_default();
                let is_pair =
                    digits.len() == 2 && digits.bytes().all(|one| one.is_ascii_hexdigit());
                match u8::from_str_radix(&digits, 16) {
                    Ok(byte) if is_pair => {
                        rest.nth(1);
                        byte
                    }
                    _ => byte,
                }
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read_and_what_is_not_stays() {
        for (text, read) in [
            ("a%20b+c", "a b c"),
            ("%C3%A4%2b", "ä+"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%+a", "%zz% a"),
        ] {
            assert_eq!(plain(text), read);
        }
        let form = form(b"a=1&b=x%3Dy&nothing");
        assert_eq!((field(&form, "a"), field(&form, "b"), form.len()), ("1", "x=y", 2));
    }
}
