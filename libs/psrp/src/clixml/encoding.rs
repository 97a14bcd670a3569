//! From bytes to text: byte order marks and UTF-16.

use std::borrow::Cow;

use super::Error;

/// The text of a document: UTF-8 with or without a byte order mark, or UTF-16 with one.
///
/// # Errors
/// [`Error::Encoding`].
pub(super) fn document_text(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    match bytes {
        [0xFF, 0xFE, units @ ..] => {
            utf16(units, u16::from_le_bytes, "UTF-16, little end first").map(Cow::Owned)
        }
        [0xFE, 0xFF, units @ ..] => {
            utf16(units, u16::from_be_bytes, "UTF-16, big end first").map(Cow::Owned)
        }
        _ => message_text(bytes).map(Cow::Borrowed),
    }
}

/// The text of a message: UTF-8, before which Windows puts a byte order mark.
///
/// # Errors
/// [`Error::Encoding`].
pub(super) fn message_text(bytes: &[u8]) -> Result<&str, Error> {
    let text = simdutf8::compat::from_utf8(bytes).map_err(|error| Error::Encoding {
        encoding: "UTF-8",
        offset: error.valid_up_to() as u64,
    })?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, encoding: &'static str) -> Result<String, Error> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        // Two bytes of mark, and two for each code unit read so far.
        let offset = || 2 + 2 * text.encode_utf16().count() as u64;
        text.push(decoded.map_err(|_| Error::Encoding { encoding, offset: offset() })?);
    }
    if odd.is_empty() {
        Ok(text)
    } else {
        Err(Error::Encoding { encoding, offset: bytes.len() as u64 + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_understood() {
        let bytes = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{FEFF}<S>ä😀</S>".encode_utf16().flat_map(unit).collect()
        };
        for document in [
            "<S>ä😀</S>".as_bytes().to_vec(),
            "\u{FEFF}<S>ä😀</S>".as_bytes().to_vec(),
            bytes(u16::to_le_bytes),
            bytes(u16::to_be_bytes),
        ] {
            assert_eq!(document_text(&document).unwrap(), "<S>ä😀</S>");
        }
    }

    #[test]
    fn wrong_bytes_are_named_with_their_place() {
        for (bytes, wrong_at) in [
            (&b"<S>\xE4</S>"[..], 3),
            (b"\xFF\xFE<\0S", 4),
            (b"\xFF\xFE<\0\0\xD8a\0", 4),
            (b"\xFE\xFF\0<\xDC\0", 4),
        ] {
            let Err(Error::Encoding { offset, .. }) = document_text(bytes) else {
                panic!("{bytes:?} was accepted");
            };
            assert_eq!(offset, wrong_at, "{bytes:?}");
        }
    }
}
