//! Any bytes are read without panic, as a message and as a document, and what was read survives
//! being written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use psrp::clixml::{DocumentReader, Limits, read, read_document, read_with, write, write_document};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = read(bytes) {
        let written = write(&value);
        match read(written.as_bytes()) {
            Ok(again) => assert_eq!(again, value, "{written}"),
            Err(error) => panic!("{error}: {written}"),
        }
    }
    if let Ok(document) = read_document(bytes) {
        let written = write_document(&document.values);
        match read_document(written.as_bytes()) {
            Ok(again) => assert_eq!(again.values, document.values, "{written}"),
            Err(error) => panic!("{error}: {written}"),
        }
    }
    // A document goes on after a value that is wrong in itself, and ends all the same.
    if let Ok(reader) = DocumentReader::new(bytes) {
        assert!(reader.count() <= bytes.len());
    }
    let tight =
        Limits { depth: 6, text_bytes: 64, members: 4, items: 4, objects: 8, expansion: 16 };
    drop(read_with(bytes, &tight));
});
