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

    /// Whether it lies in a container, named by its distinguished name (`OU=Staff,DC=contoso,DC=com`)
    /// or its canonical one (`contoso.com/Staff`; a slash in a name is written `\/`).
    #[must_use]
    pub fn is_inside(&self, container: &str) -> bool {
        let own: Vec<_> = typed_values(&self.0).collect();
        if Self::parse(container).is_some() {
            let other: Vec<_> = typed_values(container).collect();
            return own.len() > other.len() && own.ends_with(&other);
        }
        let is_domain = |(kind, _): &&(String, String)| kind == "dc";
        let domain: Vec<_> = own.iter().filter(is_domain).map(|(_, name)| name.as_str()).collect();
        let path = own.iter().filter(|part| !is_domain(part)).rev().map(|(_, name)| name.as_str());
        let mut names = canonical_names(container).into_iter();
        let is_domain = names.next().is_some_and(|first| first == domain.join("."));
        let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        let path: Vec<&str> = path.collect();
        is_domain
            && path.len() > names.len()
            && path.iter().zip(&names).all(|(own, wanted)| own == wanted)
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

/// Each part's type and value, in lower case and unescaped.
fn typed_values(text: &str) -> impl Iterator<Item = (String, String)> {
    parts(text).map(|part| {
        let (kind, value) = part.split_once('=').unwrap_or((part, ""));
        (kind.trim().to_lowercase(), unescape(value.trim()).to_lowercase())
    })
}

/// The names of a canonical name, in lower case and unescaped.
fn canonical_names(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut characters = text.trim().chars();
    while let Some(character) = characters.next() {
        match character {
            '/' => names.push(String::new()),
            '\\' => names.last_mut().into_iter().for_each(|name| name.extend(characters.next())),
            other => names.last_mut().into_iter().for_each(|name| name.push(other)),
        }
    }
    names.iter().map(|name| name.to_lowercase()).collect()
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
    fn a_name_lies_in_its_containers_and_in_no_others() {
        let jane = DistinguishedName::parse(r"CN=Jane,OU=Sales\, EMEA,OU=a/b,DC=contoso,DC=com");
        let jane = jane.unwrap();
        for container in [
            "DC=contoso,DC=com",
            "ou=A/B, dc=Contoso, dc=com",
            r"OU=Sales\2C EMEA,OU=a/b,DC=contoso,DC=com",
            "contoso.com",
            "Contoso.com/",
            r"contoso.com/a\/b",
            r"contoso.com/a\/b/sales, emea",
        ] {
            assert!(jane.is_inside(container), "{container}");
        }
        for container in [
            "DC=com,DC=contoso",
            "OU=Sales,OU=a/b,DC=contoso,DC=com",
            r"CN=Jane,OU=Sales\, EMEA,OU=a/b,DC=contoso,DC=com",
            "contoso.com/a/b",
            r"contoso.com/a\/b/Sales, EMEA/Jane",
            "fabrikam.com",
            "",
        ] {
            assert!(!jane.is_inside(container), "{container}");
        }
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
