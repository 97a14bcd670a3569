//! Writes a wish down, and keeps the comments of the file it replaces.

use std::collections::BTreeMap;

use domain::{
    Setting, SettingValue, SettingsGroup,
    wish::{AccessWish, Mailboxes, PolicyWish, Wish},
};

use super::{
    file::CORRECTS,
    yaml::{self, Content, Node, quoted},
};

/// Lines at the end of an imported file. They are of that import, and no comments of people.
pub(super) const PROTECTION: &str = "# Exchange's own protection, as it is now: ";
pub(super) const LEFT_OUT: &str = "# Not written down: ";

/// The file that says a wish of a connector. Comments of `before` stay where they were; those of what
/// is no longer there stand at the end.
pub(crate) fn write(connector: &str, wish: &Wish, before: Option<&str>) -> String {
    let comments = before.map(Comments::of).unwrap_or_default();
    let mut out = Writer { text: String::new(), comments };
    if before.is_none() {
        out.text.push_str(
            "# What this organization shall be. Settings of a group that has at least one line are\n\
             # all managed; a group without a line stays as Exchange has it.\n",
        );
    }
    out.line(0, "connector", &format!("connector: {}", quoted(connector)));
    settings(&mut out, wish);
    access(&mut out, &wish.access);
    out.finish()
}

struct Writer {
    text: String,
    comments: Comments,
}

impl Writer {
    /// A line for a part, with the comments it had.
    fn line(&mut self, indent: usize, at: &str, line: &str) {
        let margin = " ".repeat(indent);
        let (above, beside) = self.comments.parts.remove(at).unwrap_or_default();
        for comment in above {
            let comment = if comment.is_empty() { comment } else { format!("{margin}{comment}") };
            self.text.push_str(&comment);
            self.text.push('\n');
        }
        self.text.push_str(&margin);
        self.text.push_str(line);
        if let Some(beside) = beside {
            self.text.push_str("  ");
            self.text.push_str(&beside);
        }
        self.text.push('\n');
    }

    fn finish(mut self) -> String {
        for line in &self.comments.last {
            self.text.push_str(line);
            self.text.push('\n');
        }
        let left: Vec<String> = self
            .comments
            .parts
            .into_values()
            .flat_map(|(above, beside)| above.into_iter().chain(beside))
            .filter(|line| !line.is_empty())
            .collect();
        if !left.is_empty() {
            self.text.push_str("# Comments of what is no longer there:\n");
            for line in left {
                self.text.push_str(&line);
                self.text.push('\n');
            }
        }
        self.text
    }
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

fn settings(out: &mut Writer, wish: &Wish) {
    let is_silent = wish.settings.is_empty() && !wish.corrects_settings;
    if is_silent && wish.policy == PolicyWish::Default {
        return;
    }
    out.line(0, "settings", "settings:");
    match &wish.policy {
        PolicyWish::Default => out.line(2, "settings.policy", "policy: default"),
        PolicyWish::Own { name, adopts, mailboxes } => {
            out.line(2, "settings.policy", "policy:");
            let name = format!("name: {}", quoted(name.as_str()));
            out.line(4, "settings.policy.name", &name);
            if *adopts {
                out.line(4, "settings.policy.adopt", "adopt: true");
            }
            let at = "settings.policy.mailboxes";
            match mailboxes {
                Mailboxes::All => out.line(4, at, "mailboxes: all"),
                Mailboxes::Named(names) => {
                    out.line(4, at, &format!("mailboxes: {}", list(names)));
                }
            }
        }
    }
    if wish.corrects_settings {
        out.line(2, &format!("settings.{CORRECTS}"), &format!("{CORRECTS}: true"));
    }
    let alone = Setting::AllowExternalDeviceManagement;
    if let Some(value) = wish.settings.get(&alone) {
        setting(out, 2, alone, value);
    }
    for group in SettingsGroup::ALL {
        let mut configured =
            group.settings().filter_map(|one| Some((one, wish.settings.get(&one)?))).peekable();
        if configured.peek().is_some() {
            out.line(2, &format!("settings.{group}"), &format!("{group}:"));
        }
        for (one, value) in configured {
            setting(out, 4, one, value);
        }
    }
}

fn setting(out: &mut Writer, indent: usize, setting: Setting, value: &SettingValue) {
    let value = match value {
        SettingValue::Texts(texts) => list(texts),
        other => other.to_string(),
    };
    let at = format!("settings.{}", setting.path());
    out.line(indent, &at, &format!("{}: {value}", setting.word()));
}

fn access(out: &mut Writer, access: &AccessWish) {
    if *access == AccessWish::default() {
        return;
    }
    out.line(0, "access", "access:");
    if let Some(level) = access.default_level {
        out.line(2, "access.default_level", &format!("default_level: {level}"));
    }
    if let Some(administrators) = &access.administrators {
        let line = format!("administrators: {}", list(administrators));
        out.line(2, "access.administrators", &line);
    }
    if let Some(text) = &access.text_for_users {
        out.line(2, "access.text_for_users", &format!("text_for_users: {}", quoted(text)));
    }
    if let Some(limit) = access.limit_of_flips {
        out.line(2, "access.limit_of_flips", &format!("limit_of_flips: {limit}"));
    }
    if let Some(rules) = &access.rules {
        let open = if rules.is_empty() { "rules: []" } else { "rules:" };
        out.line(2, "access.rules", open);
        for rule in rules {
            let selector = &rule.selector;
            let look = format!("{}: {}", selector.characteristic(), quoted(&selector.to_string()));
            out.line(4, &rule_at(&look), &format!("- {look}"));
            out.line(6, &format!("{}.level", rule_at(&look)), &format!("level: {}", rule.level));
        }
    }
    if !access.exemptions.is_empty() {
        out.line(2, "access.exemptions", "exemptions:");
        for exemption in &access.exemptions {
            let at = exemption_at(&exemption.mailbox);
            out.line(4, &at, &format!("- mailbox: {}", quoted(&exemption.mailbox)));
            for (word, ids) in [("allow", &exemption.allow), ("block", &exemption.block)] {
                if !ids.is_empty() {
                    out.line(6, &format!("{at}.{word}"), &format!("{word}: {}", list(ids)));
                }
            }
        }
    }
}

/// Rules and exemptions are known by what they look at, wherever in the list they stand.
fn rule_at(look: &str) -> String {
    format!("access.rules[{look}]")
}

fn exemption_at(mailbox: &str) -> String {
    format!("access.exemptions[{}]", mailbox.to_lowercase())
}

/// The comments of a file: above and beside each part, and after the last.
#[derive(Debug, Default)]
struct Comments {
    parts: BTreeMap<String, (Vec<String>, Option<String>)>,
    last: Vec<String>,
}

impl Comments {
    fn of(text: &str) -> Self {
        let Ok(node) = yaml::parse(text) else { return Self::default() };
        let mut places = BTreeMap::new();
        let mut inside = Vec::new();
        walk(&node, "", &mut places, &mut inside);
        let mut comments = Self::default();
        let mut above: Vec<String> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            // A text of several lines may have what looks like a comment.
            let is_text = inside.iter().any(|(start, end)| *start < number && number <= *end);
            let trimmed = line.trim();
            if let Some(at) = places.get(&number) {
                let beside = if is_text { None } else { beside(line) };
                let part = comments.parts.entry(at.clone()).or_default();
                *part = (std::mem::take(&mut above), beside);
            } else if !is_text && (trimmed.is_empty() || trimmed.starts_with('#')) {
                above.push(trimmed.to_owned());
            }
        }
        above.retain(|line| !line.starts_with(PROTECTION) && !line.starts_with(LEFT_OUT));
        comments.last = above;
        comments
    }
}

/// Where each part stands, the outermost first; and which lines are inside of texts.
fn walk(
    node: &Node,
    at: &str,
    places: &mut BTreeMap<usize, String>,
    inside: &mut Vec<(usize, usize)>,
) {
    match &node.content {
        Content::Mapping(entries) => {
            for entry in entries {
                let path = match at {
                    "" => entry.key.clone(),
                    at => format!("{at}.{}", entry.key),
                };
                places.entry(entry.line).or_insert_with(|| path.clone());
                walk(&entry.value, &path, places, inside);
            }
        }
        Content::List(items) => {
            for item in items {
                let path = item_at(at, item);
                places.entry(item.line).or_insert_with(|| path.clone());
                walk(item, &path, places, inside);
            }
        }
        Content::Text(..) => {
            if node.end > node.line {
                inside.push((node.line, node.end));
            }
        }
    }
}

fn item_at(at: &str, item: &Node) -> String {
    let Content::Mapping(entries) = &item.content else { return at.to_owned() };
    let text = |node: &Node| match &node.content {
        Content::Text(text, _) => text.clone(),
        _ => String::new(),
    };
    for entry in entries {
        if at == "access.rules" && entry.key != "level" {
            return rule_at(&format!("{}: {}", entry.key, quoted(&text(&entry.value))));
        }
        if at == "access.exemptions" && entry.key == "mailbox" {
            return exemption_at(&text(&entry.value));
        }
    }
    at.to_owned()
}

/// The comment at the end of a line: a `#` after a blank that is not within quotes.
fn beside(line: &str) -> Option<String> {
    let mut quote = None;
    let mut before = ' ';
    let mut is_escaped = false;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => {
                return Some(line.get(at..)?.trim_end().to_owned());
            }
            // A quote opens a text only where a text can begin.
            (None, '"' | '\'') if before.is_whitespace() || "[{,:-".contains(before) => {
                quote = Some(c);
            }
            (Some('"'), '\\') if !is_escaped => {
                is_escaped = true;
                before = c;
                continue;
            }
            (Some(open), c) if open == c && !is_escaped => quote = None,
            _ => {}
        }
        is_escaped = false;
        before = c;
    }
    None
}
