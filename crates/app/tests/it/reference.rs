//! The reference of the guide is the program's own help.

use std::{fs, path::Path};

#[test]
fn the_guide_says_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/cli.md");
    let text = app::reference::markdown();
    if fs::read_to_string(&path).unwrap_or_default() != text {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        panic!("docs/guide/cli.md was not up to date; it is now: look at the change, commit it");
    }
}
