//! Any body and any content type are read without panic; places lie within the body, and what was
//! taken apart survives being framed again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wsman::sealed::{Style, content_type, frame_parts, parse};

fuzz_target!(|input: &[u8]| {
    // The first line is the content type, all else the body.
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (kind, body) = input.split_at(at);
    let body = body.get(1..).unwrap_or_default();
    let kind = String::from_utf8_lossy(kind);
    let Ok(sealed) = parse(&kind, body) else { return };
    let parts: Vec<_> = sealed
        .parts
        .iter()
        .map(|part| {
            assert_eq!(part.signature.end, part.sealed.start);
            (part.original_bytes, &body[part.signature.clone()], &body[part.sealed.clone()])
        })
        .collect();
    let again = frame_parts(sealed.protocol, Style::Exchange, parts.iter().copied());
    let kind = content_type(sealed.protocol, parts.len());
    // INVARIANT: a boundary is looked for behind the original length only, so that the sealed bytes
    // may hold one; those behind it hold none, for the first reader would have found it there.
    let Ok(reread) = parse(&kind, &again) else { panic!("what was framed is not read") };
    let found = reread
        .parts
        .into_iter()
        .map(|part| (part.original_bytes, &again[part.signature], &again[part.sealed]));
    assert!(found.eq(parts), "what was framed differs");
});
