//! The reference of the guide is the program's own help.

use std::{fmt::Write as _, fs, path::Path};

use domain::{Setting, SettingValue, SettingsGroup, settings::Generation};

#[test]
fn the_guide_says_what_the_program_says() {
    is_written("cli.md", &app::reference::markdown());
}

#[test]
fn the_guide_lists_every_setting() {
    let mut text =
        "# Settings\n\nMade from the program itself by a test; `gatepost settings show` \
                    prints the same. [wishes.md](wishes.md) tells how they\nare written.\n\nWhere \
                    Exchange 2010 differs from everything newer, it stands in brackets.\n"
            .to_owned();
    let groups = SettingsGroup::ALL.iter().copied().map(Some).chain([None]);
    for group in groups {
        let title = group.map_or("Alone", SettingsGroup::title);
        let word = group.map_or_else(|| "settings".to_owned(), |group| format!("settings.{group}"));
        let head = "| setting | what it is | takes | when nobody said | who obeys it |";
        write!(text, "\n## {title}\n\nUnder `{word}`:\n\n{head}\n|---|---|---|---|---|\n").unwrap();
        for setting in Setting::ALL.iter().filter(|setting| setting.group() == group) {
            let about = setting.about();
            let takes = both(|generation| about.kind.expectation(generation));
            let usual = both(|generation| match setting.usual(generation) {
                SettingValue::Texts(texts) if texts.is_empty() => "none".to_owned(),
                value => value.to_string(),
            });
            let (name, title, obeyed) = (setting.word(), about.title, about.obeyed_by);
            writeln!(text, "| `{name}` | {title} | {takes} | {usual} | {obeyed} |").unwrap();
        }
    }
    is_written("settings.md", &text);
}

/// What holds since 2013, and in brackets what held before, if that is something else.
fn both(of: impl Fn(Generation) -> String) -> String {
    let (old, new) = (of(Generation::Of2010), of(Generation::Since2013));
    if old == new { new } else { format!("{new} ({old})") }
}

fn is_written(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide").join(name);
    if fs::read_to_string(&path).unwrap_or_default() != text {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        panic!("docs/guide/{name} was not up to date; it is now: look at the change, commit it");
    }
}
