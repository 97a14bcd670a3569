//! Any bytes are joined without panic however they are cut, the cuts make no difference, and messages
//! that were cut into fragments come out as they went in. What the messages say survives being said
//! again, and both pools live through it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use psrp::body::Body;
use psrp::fragment::{Defragmenter, Error, Fragmenter};
use psrp::message::Message;
use psrp::state::ProtocolVersion;
use psrp::{client, server};

fuzz_target!(|input: &[u8]| {
    let Some((size, rest)) = input.split_first_chunk::<2>() else { return };
    let size = usize::from(u16::from_le_bytes(*size));

    let whole = joined([rest]);
    let pieces = joined(rest.chunks(size.max(1)));
    assert_eq!(whole, pieces, "cuts make a difference");
    for message in whole.iter().flatten() {
        if let Ok(message) = Message::decode(message) {
            assert_eq!(Message::decode(&message.encode()).as_ref(), Ok(&message));
            if let Ok(body) = Body::read(message.message_type, &message.data) {
                let again = body.write(ProtocolVersion::V2_3);
                assert_eq!(Body::read(message.message_type, &again).as_ref(), Ok(&body));
            }
        }
    }

    let mut pool = client::RunspacePool::new(Default::default(), Default::default());
    drop(pool.receive(rest));
    while pool.next_event().is_some() {}
    let mut pool = server::RunspacePool::new();
    drop(pool.receive(rest));
    while pool.next_event().is_some() {}

    let messages: Vec<&[u8]> = rest.split(|byte| *byte == b'|').collect();
    let mut fragmenter = Fragmenter::new();
    for message in &messages {
        fragmenter.push(message.to_vec());
    }
    let payloads: Vec<_> = std::iter::from_fn(|| fragmenter.next_payload(size)).collect();
    assert!(fragmenter.is_empty() && fragmenter.queued_bytes() == 0);
    let cut = payloads.iter().flat_map(|payload| payload.chunks(7));
    assert!(joined(cut).is_ok_and(|joined| joined == messages), "a message was changed");
});

/// The messages in pieces of bytes.
fn joined<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, Error> {
    let mut defragmenter = Defragmenter::new();
    for piece in pieces {
        defragmenter.push(piece)?;
    }
    Ok(std::iter::from_fn(|| defragmenter.next_message()).collect())
}
