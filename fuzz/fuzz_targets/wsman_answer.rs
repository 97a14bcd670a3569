//! Any bytes are read without panic by both halves, and within tight limits too.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wsman::{Limits, client, server};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(client::Response::Fault(fault)) = client::parse(bytes) {
        // What is told of a fault is part of the fault.
        assert!(fault.best_text().len() <= bytes.len() * 3);
    }
    if let Ok(request) = server::parse_request(bytes) {
        drop(request.operation.payload());
    }
    let tight = Limits { envelope_bytes: 2_048, depth: 6, streams: 2, text_bytes: 64 };
    if let Ok(answer) = client::parse_with(bytes, &tight)
        && let client::Response::Received(received) = answer.response
    {
        assert!(received.streams.len() <= tight.streams);
    }
    drop(server::parse_request_with(bytes, &tight));
});
