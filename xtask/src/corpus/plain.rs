//! Counts XML and messages without any of our readers.

use std::borrow::Cow;

use anyhow::bail;
use psrp::clixml::Counts;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// The text of a file: UTF-16 where its first bytes say so, else UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok().map(Cow::Owned)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [_, 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, _, ..] => utf16(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).ok().map(Cow::Borrowed),
        _ => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

/// The name of the first element; none when there is none.
pub(crate) fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                return Some(start.local_name().into_inner().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Elements of CLIXML in which objects, texts and members can stand.
const KNOWN: [&str; 40] = [
    "Objs", "Obj", "Ref", "TN", "T", "TNRef", "ToString", "Props", "MS", "LST", "IE", "STK", "QUE",
    "DCT", "En", "S", "C", "B", "DT", "TS", "By", "SB", "U16", "I16", "U32", "I32", "U64", "I64",
    "Sg", "Db", "D", "BA", "G", "URI", "Nil", "XD", "SBK", "SS", "Version", "PR",
];

/// Counts what a CLIXML text holds, what stands within elements of unknown name left out.
///
/// # Errors
///
/// What is wrong with it as XML.
pub(crate) fn count(text: &str) -> anyhow::Result<Counts> {
    let mut reader = Reader::from_str(text);
    let mut counts = Counts::default();
    let mut open: Vec<String> = Vec::new();
    let mut unknown_depth = 0_usize;
    loop {
        let (start, is_empty) = match reader.read_event()? {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                open.pop();
                unknown_depth = unknown_depth.saturating_sub(1);
                continue;
            }
            Event::Eof if open.is_empty() => return Ok(counts),
            Event::Eof => bail!("it ends within <{}>", open.join("><")),
            _ => continue,
        };
        if unknown_depth == 0 {
            unknown_depth = usize::from(one(&start, open.last(), &mut counts) && !is_empty);
        } else if !is_empty {
            unknown_depth += 1;
        }
        if !is_empty {
            open.push(start.local_name().into_inner().to_owned());
        }
    }
}

/// Counts one element; says whether what is within it does not count.
fn one(start: &BytesStart<'_>, parent: Option<&String>, counts: &mut Counts) -> bool {
    let name = start.local_name().into_inner();
    if parent.is_some_and(|parent| parent == "Props" || parent == "MS") {
        counts.members += 1;
    }
    match name {
        "Obj" => counts.objects += 1,
        "ToString" => counts.to_strings += 1,
        "Ref" => counts.references += 1,
        "TNRef" => counts.type_references += 1,
        // A progress record has elements of its own.
        "PR" => return true,
        name if !KNOWN.contains(&name) => {
            counts.unknown += 1;
            return true;
        }
        _ => {}
    }
    false
}

/// Counts the fragments that end a message ([MS-PSRP] 2.2.4: the ids of 8 bytes each, flags, length).
pub(crate) fn messages(mut fragments: &[u8]) -> usize {
    let mut ended = 0;
    while let Some((header, rest)) = fragments.split_first_chunk::<21>() {
        let [.., flags, a, b, c, d] = *header;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let Some((_, rest)) = rest.split_at_checked(length) else { break };
        ended += usize::from(flags & 2 != 0);
        fragments = rest;
    }
    ended
}
