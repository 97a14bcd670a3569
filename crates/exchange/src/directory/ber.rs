//! The little of BER that LDAP uses (RFC 4511 section 5.1): one-byte tags, definite lengths.
//!
//! The reader is flat: it takes one element after the other and never calls itself, so that no
//! nesting can exhaust the stack.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// Largest element that is read: a page of servers has some hundred kilobytes.
pub(super) const MAX_ELEMENT_BYTES: usize = 4 * 1024 * 1024;

/// Bytes that are no LDAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes that are no LDAP")]
pub(super) struct Malformed;

/// One element: tag, length, content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    let significant = length.iter().skip_while(|byte| **byte == 0);
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let count = u8::try_from(significant.clone().count()).unwrap_or(8);
            bytes.push(0x80 | count);
            bytes.extend(significant);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// A number that is not negative, in as many bytes as it needs.
pub(super) fn number(tag: u8, value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take(3).take_while(|byte| **byte == 0).count();
    let needed: Vec<u8> = bytes.into_iter().skip(zeros).collect();
    let is_signed = needed.first().is_some_and(|byte| *byte >= 0x80);
    // Numbers are two's complement: a leading one bit would make it negative.
    let padded = if is_signed { [vec![0], needed].concat() } else { needed };
    element(tag, &padded)
}

/// Elements side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The tag of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, Malformed> {
        let Some(tag) = self.peek() else { return Ok(None) };
        let (header, content) = lengths(self.rest)?.ok_or(Malformed)?;
        let end = header + content;
        let whole = self.rest.get(..end).ok_or(Malformed)?;
        self.rest = self.rest.get(end..).unwrap_or_default();
        Ok(Some((tag, whole.get(header..).unwrap_or_default())))
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.next()? {
            Some((found, content)) if found == tag => Ok(content),
            _ => Err(Malformed),
        }
    }

    /// The next element, a number that is not negative.
    pub(super) fn number(&mut self, tag: u8) -> Result<u32, Malformed> {
        let content = self.take(tag)?;
        if content.is_empty() || content.first().is_some_and(|byte| *byte >= 0x80) {
            return Err(Malformed);
        }
        content.iter().try_fold(0_u32, |value, byte| {
            value.checked_mul(256).map(|value| value | u32::from(*byte)).ok_or(Malformed)
        })
    }
}

/// How many bytes the first element takes: its header and its content. `None` as long as the header
/// is not all there.
pub(super) fn lengths(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let (Some(tag), Some(first)) = (bytes.first(), bytes.get(1)) else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(Malformed);
    }
    if *first < 0x80 {
        return Ok(Some((2, usize::from(*first))));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return Err(Malformed);
    }
    let Some(digits) = bytes.get(2..2 + count) else { return Ok(None) };
    let content = digits.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    if content > MAX_ELEMENT_BYTES { Err(Malformed) } else { Ok(Some((2 + count, content))) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(tag in 0_u8..0x1f, content in prop::collection::vec(any::<u8>(), 0..700)) {
            let bytes = element(tag, &content);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.next(), Ok(Some((tag, &*content))));
            prop_assert_eq!(reader.next(), Ok(None));
        }

        #[test]
        fn numbers_keep_their_value(value in any::<u32>()) {
            let bytes = number(INTEGER, value);
            prop_assert_eq!(Reader::new(&bytes).number(INTEGER), Ok(value));
        }
    }

    #[test]
    fn a_length_that_nobody_may_send_is_refused() {
        for bytes in [&[0x30, 0x80][..], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x84, 0x7f, 0, 0, 0]]
        {
            assert_eq!(lengths(bytes), Err(Malformed));
        }
        assert_eq!(lengths(&[0x30, 0x82, 1]), Ok(None));
    }
}
