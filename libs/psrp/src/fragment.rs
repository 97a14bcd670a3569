//! Fragments: messages cut to fit the transport ([MS-PSRP] 2.2.4).
//!
//! ```text
//! object id  u64 BE │ fragment id  u64 BE │ flags u8: 1 start, 2 end │ length u32 BE │ blob
//! ```
//!
//! Fragments of one message come in order, counted from zero. Fragments of different messages may
//! lie between each other, because a pool and its pipelines are received side by side.
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use std::collections::{HashMap, VecDeque};

/// Bytes in front of the blob of each fragment.
pub const HEADER_BYTES: usize = 21;

/// Smallest payload that can carry anything: a header and one byte.
pub const MIN_PAYLOAD_BYTES: usize = HEADER_BYTES + 1;

/// Longest blob of one fragment that is accepted. Windows cuts at 32 KB, and an envelope (500 KB by
/// default) holds less than this wherever it is configured sensibly; more is a broken header.
pub const MAX_BLOB_BYTES: usize = 16 * 1024 * 1024;

/// Most bytes of unfinished messages, all together. It is what PowerShell's own client takes as
/// one object by default (200 MB), and well above what Exchange takes (75 MB).
pub const MAX_OPEN_BYTES: usize = 200 * 1024 * 1024;

/// Most messages unfinished at once: one for a pool and one for each of its pipelines, of which
/// Windows allows some dozens.
pub const MAX_OPEN_MESSAGES: usize = 256;

/// Room too small to begin another message in a payload that already carries one: cutting a
/// message there costs more than it saves.
const SMALL_ROOM_BYTES: usize = 512;

/// Why received bytes are not fragments. All of them end the conversation: what follows cannot be
/// trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A blob of impossible length.
    #[error("fragment of {length} bytes, more than the {MAX_BLOB_BYTES} allowed")]
    BlobTooLong {
        /// What the header says.
        length: usize,
    },
    /// Too much was begun and not ended.
    #[error("unfinished messages of more than {MAX_OPEN_BYTES} bytes")]
    TooManyBytes,
    /// Too many messages were begun and not ended.
    #[error("more than {MAX_OPEN_MESSAGES} unfinished messages")]
    TooManyMessages,
    /// A fragment that is missing, doubled or out of order.
    #[error("fragment {found} of object {object} where fragment {expected} was due")]
    OutOfOrder {
        /// Object id.
        object: u64,
        /// Fragment id that was due; zero if the message had not begun.
        expected: u64,
        /// Fragment id that came.
        found: u64,
    },
    /// The start flag on a later fragment, or none on the first.
    #[error("start flag of fragment {fragment} of object {object} contradicts its place")]
    StartFlag {
        /// Object id.
        object: u64,
        /// Fragment id.
        fragment: u64,
    },
    /// The bytes end inside a message ([`decode_all`] only).
    #[error("the bytes end inside a message")]
    Unfinished,
}

/// Cuts messages into payloads of whole fragments, first come, first served.
///
/// A payload carries as many messages as fit. Memory is that of the messages not yet taken.
#[derive(Debug)]
pub struct Fragmenter {
    next_object: u64,
    waiting: VecDeque<Waiting>,
    queued_bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    object: u64,
    next_fragment: u64,
    bytes: Vec<u8>,
    sent_bytes: usize,
    ends_payload: bool,
}

impl Default for Fragmenter {
    fn default() -> Self {
        Self::new()
    }
}

impl Fragmenter {
    /// A fragmenter that counts objects from one, as Windows does.
    #[must_use]
    pub fn new() -> Self {
        Self { next_object: 1, waiting: VecDeque::new(), queued_bytes: 0 }
    }

    /// Queues a message.
    pub fn push(&mut self, message: Vec<u8>) {
        let object = self.next_object;
        self.next_object = self.next_object.wrapping_add(1);
        self.push_as(object, message, false);
    }

    /// Queues a message under an object id of the caller's; with `ends_payload`, no other message
    /// follows in the payload that carries its end.
    pub(crate) fn push_as(&mut self, object: u64, bytes: Vec<u8>, ends_payload: bool) {
        self.queued_bytes += bytes.len();
        self.waiting.push_back(Waiting {
            object,
            next_fragment: 0,
            bytes,
            sent_bytes: 0,
            ends_payload,
        });
    }

    /// Bytes of messages not yet taken.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// True if nothing is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whole fragments, at most `max_bytes` of them ([`MIN_PAYLOAD_BYTES`] if it is less), or
    /// `None` if nothing is waiting.
    pub fn next_payload(&mut self, max_bytes: usize) -> Option<Vec<u8>> {
        let max_bytes = max_bytes.max(MIN_PAYLOAD_BYTES);
        let wanted = self.queued_bytes + self.waiting.len() * HEADER_BYTES;
        let mut payload = Vec::with_capacity(max_bytes.min(wanted));
        while let Some(message) = self.waiting.front_mut() {
            let room = max_bytes - payload.len();
            let whole = message.bytes.len() - message.sent_bytes + HEADER_BYTES;
            let is_first = payload.is_empty();
            if !is_first && whole > room && room < SMALL_ROOM_BYTES {
                break;
            }
            let is_ended = message.cut(&mut payload, room - HEADER_BYTES, &mut self.queued_bytes);
            if !is_ended {
                break;
            }
            let ends_payload = message.ends_payload;
            self.waiting.pop_front();
            if ends_payload || max_bytes - payload.len() < MIN_PAYLOAD_BYTES {
                break;
            }
        }
        (!payload.is_empty()).then_some(payload)
    }
}

impl Waiting {
    /// Appends the next fragment with a blob of at most `room` bytes; true if it was the last.
    fn cut(&mut self, payload: &mut Vec<u8>, room: usize, queued_bytes: &mut usize) -> bool {
        let rest = self.bytes.get(self.sent_bytes..).unwrap_or_default();
        let length = rest.len().min(room).min(MAX_BLOB_BYTES);
        let blob = rest.get(..length).unwrap_or_default();
        let is_end = length == rest.len();
        payload.extend_from_slice(&self.object.to_be_bytes());
        payload.extend_from_slice(&self.next_fragment.to_be_bytes());
        payload.push(u8::from(self.next_fragment == 0) | (u8::from(is_end) << 1));
        // INVARIANT: a blob is at most MAX_BLOB_BYTES long, which fits 32 bits.
        payload.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        payload.extend_from_slice(blob);
        self.sent_bytes += length;
        self.next_fragment += 1;
        *queued_bytes -= length;
        is_end
    }
}

/// Joins fragments to messages, from bytes cut anywhere.
///
/// Each byte is copied once, into the message it belongs to.
#[derive(Debug, Default)]
pub struct Defragmenter {
    header: Vec<u8>,
    current: Option<Current>,
    open: HashMap<u64, Open>,
    open_bytes: usize,
    complete: VecDeque<Vec<u8>>,
}

/// The fragment whose blob is being received.
#[derive(Debug, Clone, Copy)]
struct Current {
    object: u64,
    missing_bytes: usize,
    is_end: bool,
}

/// A message begun and not ended.
#[derive(Debug, Default)]
struct Open {
    next_fragment: u64,
    bytes: Vec<u8>,
}

impl Defragmenter {
    /// A defragmenter that has received nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes received bytes.
    ///
    /// # Errors
    /// See [`Error`]. Messages completed before the error can still be taken.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let Some(current) = self.current else {
                let missing = HEADER_BYTES - self.header.len();
                let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
                self.header.extend_from_slice(taken);
                bytes = rest;
                if self.header.len() == HEADER_BYTES {
                    self.begin_fragment()?;
                }
                continue;
            };
            let (taken, rest) = bytes.split_at(current.missing_bytes.min(bytes.len()));
            self.append(current, taken)?;
            bytes = rest;
        }
        Ok(())
    }

    /// The next complete message: header and data.
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        self.complete.pop_front()
    }

    /// True if no message is begun and not ended.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.header.is_empty() && self.current.is_none() && self.open.is_empty()
    }

    fn begin_fragment(&mut self) -> Result<(), Error> {
        let header = Header::read(&self.header);
        self.header.clear();
        if header.length > MAX_BLOB_BYTES {
            return Err(Error::BlobTooLong { length: header.length });
        }
        let (object, found) = (header.object, header.fragment);
        let expected = self.open.get(&object).map_or(0, |message| message.next_fragment);
        if found != expected {
            return Err(Error::OutOfOrder { object, expected, found });
        }
        if header.is_start != (found == 0) {
            return Err(Error::StartFlag { object, fragment: found });
        }
        if found == 0 && self.open.len() >= MAX_OPEN_MESSAGES {
            return Err(Error::TooManyMessages);
        }
        let message = self.open.entry(object).or_default();
        message.next_fragment += 1;
        if header.is_end {
            // The length is known now, and it is bounded above.
            message.bytes.reserve_exact(header.length);
        }
        self.append(Current { object, missing_bytes: header.length, is_end: header.is_end }, &[])
    }

    /// Adds a piece of the blob to its message, and ends the fragment with its last piece.
    fn append(&mut self, mut current: Current, piece: &[u8]) -> Result<(), Error> {
        self.open_bytes += piece.len();
        if self.open_bytes > MAX_OPEN_BYTES {
            return Err(Error::TooManyBytes);
        }
        current.missing_bytes -= piece.len();
        if let Some(message) = self.open.get_mut(&current.object) {
            message.bytes.extend_from_slice(piece);
        }
        self.current = (current.missing_bytes > 0).then_some(current);
        if current.missing_bytes == 0
            && current.is_end
            && let Some(message) = self.open.remove(&current.object)
        {
            self.open_bytes -= message.bytes.len();
            self.complete.push_back(message.bytes);
        }
        Ok(())
    }
}

struct Header {
    object: u64,
    fragment: u64,
    is_start: bool,
    is_end: bool,
    length: usize,
}

impl Header {
    /// Reads [`HEADER_BYTES`] bytes.
    fn read(bytes: &[u8]) -> Self {
        let number = |range: std::ops::Range<usize>| {
            let bytes = bytes.get(range).unwrap_or_default();
            bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let flags = number(16..17);
        Self {
            object: number(0..8),
            fragment: number(8..16),
            is_start: flags & 1 != 0,
            is_end: flags & 2 != 0,
            length: usize::try_from(number(17..21)).unwrap_or(usize::MAX),
        }
    }
}

/// Joins the fragments of a whole stream to messages.
///
/// # Errors
/// See [`Error`]; [`Error::Unfinished`] if the stream ends inside a message.
pub fn decode_all(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut defragmenter = Defragmenter::new();
    defragmenter.push(bytes)?;
    if !defragmenter.is_between_messages() {
        return Err(Error::Unfinished);
    }
    Ok(defragmenter.complete.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn fragment(object: u64, fragment: u64, flags: u8, blob: &[u8]) -> Vec<u8> {
        let length = u32::try_from(blob.len()).unwrap();
        [&object.to_be_bytes()[..], &fragment.to_be_bytes(), &[flags], &length.to_be_bytes(), blob]
            .concat()
    }

    #[track_caller]
    fn check(fragments: &[Vec<u8>], expected: Result<&[&str], Error>) {
        let found = decode_all(&fragments.concat());
        let expected = expected.map(|all| all.iter().map(|one| one.as_bytes().to_vec()).collect());
        assert_eq!(found, expected);
    }

    #[test]
    fn fragments_are_joined_and_wrong_ones_named() {
        check(&[], Ok(&[]));
        check(&[fragment(1, 0, 3, b"ab"), fragment(2, 0, 3, b"")], Ok(&["ab", ""]));
        check(
            &[fragment(7, 0, 1, b"a"), fragment(7, 1, 0, b"b"), fragment(7, 2, 2, b"")],
            Ok(&["ab"]),
        );
        check(
            &[fragment(1, 0, 1, b"a"), fragment(2, 0, 3, b"x"), fragment(1, 1, 2, b"b")],
            Ok(&["x", "ab"]),
        );
        check(&[fragment(1, 0, 3, b"a"), fragment(1, 0, 3, b"b")], Ok(&["a", "b"]));
        let wrong = |expected, found| Err(Error::OutOfOrder { object: 1, expected, found });
        check(&[fragment(1, 1, 2, b"a")], wrong(0, 1));
        check(&[fragment(1, 0, 1, b"a"), fragment(1, 0, 1, b"a")], wrong(1, 0));
        check(&[fragment(1, 0, 1, b"a"), fragment(1, 2, 2, b"c")], wrong(1, 2));
        check(&[fragment(1, 0, 2, b"a")], Err(Error::StartFlag { object: 1, fragment: 0 }));
        check(&[fragment(1, 0, 1, b"a")], Err(Error::Unfinished));
    }

    #[test]
    fn a_length_nobody_means_is_refused_before_anything_is_kept() {
        let mut header = fragment(1, 0, 3, b"");
        header[17..].copy_from_slice(&u32::MAX.to_be_bytes());
        let length = usize::try_from(u32::MAX).unwrap();
        assert_eq!(Defragmenter::new().push(&header), Err(Error::BlobTooLong { length }));
    }

    #[test]
    fn messages_that_never_end_are_bounded() {
        let mut defragmenter = Defragmenter::new();
        let begun = (0..).map(|object| defragmenter.push(&fragment(object, 0, 1, b"x")));
        let accepted = begun.take_while(Result::is_ok).count();
        assert_eq!(accepted, MAX_OPEN_MESSAGES);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn what_was_cut_is_joined_again(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..12),
            max_bytes in 0usize..400,
            cut in 1usize..60,
        ) {
            let mut fragmenter = Fragmenter::new();
            messages.iter().for_each(|message| fragmenter.push(message.clone()));
            let mut defragmenter = Defragmenter::new();
            let mut joined = Vec::new();
            while let Some(payload) = fragmenter.next_payload(max_bytes) {
                prop_assert!(payload.len() <= max_bytes.max(MIN_PAYLOAD_BYTES));
                for piece in payload.chunks(cut) {
                    defragmenter.push(piece).unwrap();
                }
                prop_assert!(defragmenter.header.is_empty() && defragmenter.current.is_none());
                joined.extend(std::iter::from_fn(|| defragmenter.next_message()));
            }
            prop_assert_eq!(fragmenter.queued_bytes(), 0);
            prop_assert_eq!(joined, messages);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            drop(decode_all(&bytes));
        }
    }
}
