//! Any bytes are read without panic as a page and as a batch of the hosted service, what was read
//! before makes no difference, and what is read has no more in it than was written.

#![no_main]

// The readers are private to their room, and the room takes long to build for a fuzzer: what they need
// of it is here.
#[path = "../../crates/exchange/src/hosted/admin_api/object.rs"]
mod object;
#[path = "../../crates/exchange/src/hosted/admin_api/page.rs"]
mod page;
#[path = "../../crates/exchange/src/object.rs"]
#[allow(dead_code, reason = "most of it is for others")]
mod values;

use libfuzzer_sys::fuzz_target;
use object::Names;
use values::{Object, Value};

fuzz_target!(|bytes: &[u8]| {
    let mut names = Names::default();
    if let Ok(first) = page::read(bytes, &mut names) {
        check(&first, bytes.len());
        let Ok(again) = page::read(bytes, &mut names) else { panic!("it was read before") };
        assert_eq!((again.objects, again.next), (first.objects, first.next));
        assert_eq!((again.warnings, again.error), (first.warnings, first.error));
    }
    if let Ok(parts) = page::read_batch(bytes, &mut names) {
        for part in parts {
            check(&part.page, bytes.len());
            assert!(part.id.len() <= bytes.len() * 3);
            drop((part.status, part.headers));
        }
    }
});

/// An object, and what stands in the place of one, takes two bytes with the comma that follows it.
fn check(page: &page::Page, length: usize) {
    assert!(page.objects.len() * 2 <= length);
    for object in page.objects.iter().flatten() {
        let values: usize = object.fields.iter().map(|(_, value)| count(value)).sum();
        assert!(values <= length);
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::List(values) => values.iter().map(count).sum(),
        Value::Dictionary(entries) => entries.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}
