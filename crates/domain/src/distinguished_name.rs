//! Distinguished names (RFC 4514): the join key between devices and mailboxes.

/// A distinguished name, kept to the letter, compared without regard to ASCII case.
#[derive(Debug, Clone)]
pub struct DistinguishedName(String);

impl DistinguishedName {
    /// Longest name accepted; Active Directory's own limit is far below.
    pub const MAX_LENGTH: usize = 8 * 1024;

    /// The name a text stands for; `None` if it has no `attribute=value` part, or is over-long.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plausible = text.len() <= Self::MAX_LENGTH && parts(text).next()?.contains('=');
        plausible.then(|| Self(text.to_owned()))
    }

    /// The name to the letter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its first `count` parts.
    #[must_use]
    pub fn ancestor(&self, count: usize) -> Option<Self> {
        let mut rest = self.0.as_str();
        for _ in 0..count {
            let part = parts(rest).next()?;
            rest = rest.get(part.len() + 1..)?;
        }
        Self::parse(rest.trim_start())
    }

    /// The value of the first part, unescaped: `Ocampo, Jorge` of `CN=Ocampo\, Jorge,OU=…`.
    #[must_use]
    pub fn first_value(&self) -> Option<String> {
        let (_, value) = parts(&self.0).next()?.split_once('=')?;
        Some(unescape(value.trim()))
    }

    /// The same name for every spelling of its case: what joins are made on.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for DistinguishedName {}

impl std::hash::Hash for DistinguishedName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl std::fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parts between unescaped commas (RFC 4514 section 3; quoted values of RFC 2253 section 4).
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let mut escaped = false;
        let mut quoted = false;
        let end = current.char_indices().find_map(|(at, c)| {
            let is_separator = c == ',' && !escaped && !quoted;
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_separator.then_some(at)
        });
        rest = end.and_then(|at| current.get(at + 1..));
        end.map_or(Some(current), |at| current.get(..at))
    })
}

/// Takes RFC 4514 escapes out of a value: `\,` and `\2C` are both a comma.
fn unescape(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some(first) = rest.next() else { break };
        let pair = rest.peek().and_then(|second| Some(hex(first)? * 16 + hex(*second)?));
        match pair {
            Some(decoded) => {
                rest.next();
                bytes.push(decoded);
            }
            None => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_the_device_without_its_first_two_parts() {
        let device = DistinguishedName::parse(
            r"CN=iPhone§12VSNH98DT6F3C0D2RODSILDH8,CN=ExchangeActiveSyncDevices,CN=Ocampo\, Jorge,OU=Staff,DC=contoso,DC=com",
        )
        .unwrap();
        let owner = device.ancestor(2).unwrap();
        assert_eq!(owner.as_str(), r"CN=Ocampo\, Jorge,OU=Staff,DC=contoso,DC=com");
        assert_eq!(owner.first_value().unwrap(), "Ocampo, Jorge");
    }

    #[test]
    fn escapes_of_every_form_are_undone() {
        for (text, value) in [
            (r"CN=a\2Cb,DC=x", "a,b"),
            (r"CN=\C3\A4,DC=x", "ä"),
            (r"CN=back\\slash,DC=x", r"back\slash"),
            (r#"CN=say \"hi\",DC=x"#, r#"say "hi""#),
            ("CN=alone", "alone"),
        ] {
            assert_eq!(DistinguishedName::parse(text).unwrap().first_value().unwrap(), value);
        }
    }

    #[test]
    fn names_are_equal_whatever_their_case() {
        assert_eq!(DistinguishedName::parse("CN=A,DC=x"), DistinguishedName::parse("cn=a,dc=X"));
    }

    #[test]
    fn what_has_no_part_is_no_name() {
        for text in ["", "contoso.com/Users/Jane", ","] {
            assert_eq!(DistinguishedName::parse(text).map(|name| name.to_string()), None);
        }
        assert!(DistinguishedName::parse("CN=x").unwrap().ancestor(1).is_none());
    }
}
