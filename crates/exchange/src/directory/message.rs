//! Messages of LDAP (RFC 4511 section 4): what is asked, and what comes back.

use super::ber::{
    BOOLEAN, ENUMERATED, INTEGER, Malformed, OCTETS, Reader, SEQUENCE, SET, element, number,
};

/// Version of the protocol.
const VERSION: u32 = 3;
/// RFC 4511 section 4.14.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// RFC 2696: results in pages.
const PAGED_RESULTS: &[u8] = b"1.2.840.113556.1.4.319";
/// Longest text that is kept of an attribute, in bytes.
const MAX_TEXT_BYTES: usize = 2048;
/// Objects a page. Active Directory gives at most 1,000.
const PAGE: u32 = 500;

/// What is asked.
#[derive(Debug)]
pub(super) enum Request<'a> {
    /// Signing in with a name and a password.
    Simple {
        name: &'a str,
        password: &'a Password<'a>,
    },
    /// One step of a conversation by GSS-SPNEGO.
    Spnego {
        token: &'a [u8],
    },
    StartTls,
    Search {
        search: &'a Search<'a>,
        cookie: &'a [u8],
    },
    Unbind,
}

/// A password on its way; prints as nothing.
pub(super) struct Password<'a>(pub(super) &'a str);

impl std::fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

/// Which objects are asked for. Names and values travel as bytes with their lengths, so nothing has
/// to be escaped.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: Filter<'a>,
    pub(super) attributes: &'a [&'a str],
    /// How long the server may search, in seconds.
    pub(super) time_limit_s: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    Base,
    Subtree,
}

#[derive(Debug)]
pub(super) enum Filter<'a> {
    Present(&'a str),
    Equal(&'a str, &'a [u8]),
    And(Vec<Self>),
    Or(Vec<Self>),
}

impl Request<'_> {
    /// The message with this number.
    pub(super) fn encode(&self, id: u32) -> Vec<u8> {
        let (operation, controls) = match self {
            Self::Simple { name, password } => {
                let password = element(0x80, password.0.as_bytes());
                (bind(name, &password), Vec::new())
            }
            Self::Spnego { token } => {
                let mechanism = element(OCTETS, b"GSS-SPNEGO");
                let credentials = [mechanism, element(OCTETS, token)].concat();
                (bind("", &element(0xa3, &credentials)), Vec::new())
            }
            Self::StartTls => (element(0x77, &element(0x80, START_TLS)), Vec::new()),
            Self::Search { search, cookie } => (search.encode(), page(cookie)),
            Self::Unbind => (element(0x42, &[]), Vec::new()),
        };
        element(SEQUENCE, &[number(INTEGER, id), operation, controls].concat())
    }
}

fn bind(name: &str, authentication: &[u8]) -> Vec<u8> {
    let name = element(OCTETS, name.as_bytes());
    element(0x60, &[&number(INTEGER, VERSION), &name, authentication].concat())
}

fn page(cookie: &[u8]) -> Vec<u8> {
    let value = [number(INTEGER, PAGE), element(OCTETS, cookie)].concat();
    let control = [
        element(OCTETS, PAGED_RESULTS),
        element(BOOLEAN, &[0xff]),
        element(OCTETS, &element(SEQUENCE, &value)),
    ];
    element(0xa0, &element(SEQUENCE, &control.concat()))
}

impl Search<'_> {
    fn encode(&self) -> Vec<u8> {
        let scope = match self.scope {
            Scope::Base => 0,
            Scope::Subtree => 2,
        };
        let names: Vec<u8> =
            self.attributes.iter().flat_map(|name| element(OCTETS, name.as_bytes())).collect();
        let parts = [
            element(OCTETS, self.base.as_bytes()),
            number(ENUMERATED, scope),
            // Aliases are not followed, and the number of objects is limited by us.
            number(ENUMERATED, 0),
            number(INTEGER, 0),
            number(INTEGER, self.time_limit_s),
            element(BOOLEAN, &[0]),
            self.filter.encode(),
            element(SEQUENCE, &names),
        ];
        element(0x63, &parts.concat())
    }
}

impl Filter<'_> {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Present(name) => element(0x87, name.as_bytes()),
            Self::Equal(name, value) => {
                let pair = [element(OCTETS, name.as_bytes()), element(OCTETS, value)];
                element(0xa3, &pair.concat())
            }
            Self::And(parts) => element(0xa0, &all(parts)),
            Self::Or(parts) => element(0xa1, &all(parts)),
        }
    }
}

fn all(parts: &[Filter<'_>]) -> Vec<u8> {
    parts.iter().flat_map(Filter::encode).collect()
}

/// What comes back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) id: u32,
    pub(super) content: Content,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The answer to signing in, with the other side's token.
    Bind {
        outcome: Outcome,
        token: Option<Vec<u8>>,
    },
    /// The answer to StartTLS, or a notice that nobody asked for.
    Extended(Outcome),
    Entry(Entry),
    /// The end of a page; without a cookie it is the last one.
    Done {
        outcome: Outcome,
        cookie: Vec<u8>,
    },
    /// A referral to another server, or something new: of no use here.
    Other,
}

/// Result code and what the server says to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) code: u32,
    pub(super) text: String,
}

/// One object: its distinguished name and its attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// Values of an attribute as they came, whatever options stand behind its name
    /// (`;range=0-1499`).
    pub(super) fn bytes<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let is_it = |found: &str| {
            found.split(';').next().is_some_and(|found| found.eq_ignore_ascii_case(name))
        };
        let found: Vec<_> = self.attributes.iter().filter(|(found, _)| is_it(found)).collect();
        found.into_iter().flat_map(|(_, values)| values).map(Vec::as_slice)
    }

    /// Values of an attribute as text, without those that are empty, no text, or longer than any
    /// that is read here.
    pub(super) fn texts<'a>(&'a self, name: &str) -> Vec<&'a str> {
        self.bytes(name)
            .filter_map(|value| std::str::from_utf8(value).ok())
            .map(str::trim)
            .filter(|value| !value.is_empty() && value.len() <= MAX_TEXT_BYTES)
            .filter(|value| !value.contains(char::is_control))
            .collect()
    }

    /// The first of them.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).into_iter().next()
    }
}

impl Response {
    /// Reads one whole message.
    pub(super) fn decode(message: &[u8]) -> Result<Self, Malformed> {
        let mut message = Reader::new(Reader::new(message).take(SEQUENCE)?);
        let id = message.number(INTEGER)?;
        let (tag, operation) = message.next()?.ok_or(Malformed)?;
        let mut operation = Reader::new(operation);
        let content = match tag {
            0x61 => {
                let outcome = outcome(&mut operation)?;
                Content::Bind { outcome, token: token(operation)? }
            }
            0x64 => Content::Entry(entry(operation)?),
            0x65 => {
                let outcome = outcome(&mut operation)?;
                Content::Done { outcome, cookie: cookie(message)?.unwrap_or_default() }
            }
            0x78 => Content::Extended(outcome(&mut operation)?),
            _ => Content::Other,
        };
        Ok(Self { id, content })
    }
}

fn outcome(reader: &mut Reader<'_>) -> Result<Outcome, Malformed> {
    let code = reader.number(ENUMERATED)?;
    reader.take(OCTETS)?;
    Ok(Outcome { code, text: text(reader.take(OCTETS)?) })
}

/// `serverSaslCreds` behind an outcome.
fn token(mut reader: Reader<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    while let Some((tag, content)) = reader.next()? {
        if tag == 0x87 {
            return Ok(Some(content.to_vec()));
        }
    }
    Ok(None)
}

fn entry(mut reader: Reader<'_>) -> Result<Entry, Malformed> {
    let name = text(reader.take(OCTETS)?);
    let mut list = Reader::new(reader.take(SEQUENCE)?);
    let mut attributes = Vec::new();
    while list.peek().is_some() {
        let mut attribute = Reader::new(list.take(SEQUENCE)?);
        let name = text(attribute.take(OCTETS)?);
        let mut set = Reader::new(attribute.take(SET)?);
        let mut values = Vec::new();
        while set.peek().is_some() {
            values.push(set.take(OCTETS)?.to_vec());
        }
        attributes.push((name, values));
    }
    Ok(Entry { name, attributes })
}

/// The cookie of the control for pages, if the message has one.
fn cookie(mut message: Reader<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    if message.peek() != Some(0xa0) {
        return Ok(None);
    }
    let mut controls = Reader::new(message.take(0xa0)?);
    while controls.peek().is_some() {
        let mut control = Reader::new(controls.take(SEQUENCE)?);
        let kind = control.take(OCTETS)?;
        if control.peek() == Some(BOOLEAN) {
            control.take(BOOLEAN)?;
        }
        if kind == PAGED_RESULTS {
            let mut value = Reader::new(Reader::new(control.take(OCTETS)?).take(SEQUENCE)?);
            value.number(INTEGER)?;
            return Ok(Some(value.take(OCTETS)?.to_vec()));
        }
    }
    Ok(None)
}

/// Names and what the server says; what is no text is made readable.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sequence(parts: &[&[u8]]) -> Vec<u8> {
        element(SEQUENCE, &parts.concat())
    }

    #[test]
    fn a_search_is_written_as_the_specification_says() {
        let search = Search {
            base: "",
            scope: Scope::Base,
            filter: Filter::Present("objectClass"),
            attributes: &["cn"],
            time_limit_s: 30,
        };
        let bytes = Request::Search { search: &search, cookie: b"" }.encode(2);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        // RFC 4511 section 4.5.1, and RFC 2696 section 2 behind it.
        assert!(
            hex.contains(
                "04000a01000a010002010002011e010100870b6f626a656374436c61737330040402636e"
            ),
            "{hex}"
        );
        assert!(hex.ends_with("0101ff04083006020201f40400"), "{hex}");
    }

    #[test]
    fn the_end_of_a_page_has_its_cookie() {
        let value = sequence(&[&number(INTEGER, 0), &element(OCTETS, b"next")]);
        let control = sequence(&[&element(OCTETS, PAGED_RESULTS), &element(OCTETS, &value)]);
        let done = element(
            0x65,
            &[number(ENUMERATED, 0), element(OCTETS, b""), element(OCTETS, b"")].concat(),
        );
        let bytes = sequence(&[&number(INTEGER, 7), &done, &element(0xa0, &control)]);
        let outcome = Outcome { code: 0, text: String::new() };
        let content = Content::Done { outcome, cookie: b"next".to_vec() };
        assert_eq!(Response::decode(&bytes), Ok(Response { id: 7, content }));
    }

    #[test]
    fn a_password_prints_as_nothing() {
        let request = Request::Simple { name: "svc", password: &Password("hunter2") };
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            drop(Response::decode(&bytes));
        }

        #[test]
        fn no_damage_makes_it_panic(at in 0_usize..80, byte in any::<u8>(), cut in 0_usize..80) {
            let attribute = sequence(&[
                &element(OCTETS, b"msExchInternalHostName"),
                &element(SET, &element(OCTETS, b"http://ex01/powershell")),
            ]);
            let entry = element(0x64, &[element(OCTETS, b"CN=x"), sequence(&[&attribute])].concat());
            let mut bytes = sequence(&[&number(INTEGER, 3), &entry]);
            let whole = Response::decode(&bytes).map(|response| response.id);
            prop_assert_eq!(whole, Ok(3));
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(cut);
            drop(Response::decode(&bytes));
        }
    }
}
