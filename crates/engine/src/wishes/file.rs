//! A wish as a file: one YAML document for each connector.
//!
//! ```yaml
//! connector: contoso
//! settings:
//!   policy: default
//!   password:
//!     required: true
//!     minimum_length: 6
//! access:
//!   default_level: quarantine
//!   rules:
//!     - os: "iOS < 17.4"
//!       level: block
//! ```
//!
//! [`read`] gives what it says with the line of each part; [`super::writing::write`] is its inverse.

use std::collections::BTreeMap;

use domain::{
    AccessLevel, Characteristic, Setting, SettingValue, SettingsGroup,
    access::{Selector, WrittenRule},
    settings::Kind,
    wish::{ExemptionWish, Mailboxes, PolicyWish, Wish},
};

use super::yaml::{self, Content, Entry, FileProblem, Node};

/// What a file says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Document {
    /// Of which connector.
    pub(crate) connector: Option<String>,
    pub(crate) wish: Wish,
    /// Where each part stands: `settings.password.required`, `access.rules[2]`.
    pub(crate) lines: BTreeMap<String, usize>,
}

/// Most mailboxes of a policy and exemptions that a file names.
const MOST_NAMES: usize = 10_000;
/// The word for [`Wish::corrects_settings`].
pub(super) const CORRECTS: &str = "correct_drift";
/// The most that Exchange takes of a text for users.
const LONGEST_TEXT: usize = 256;
const LONGEST_NAME: usize = 256;

impl Document {
    /// The line of a part, or of the nearest part that it is in.
    pub(crate) fn line(&self, at: &str) -> Option<usize> {
        let mut at = at;
        loop {
            if let Some(line) = self.lines.get(at) {
                return Some(*line);
            }
            let end = at.rfind(['.', '['])?;
            at = at.get(..end)?;
        }
    }
}

/// What a file says.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines.
pub(crate) fn read(text: &str) -> Result<Document, Vec<FileProblem>> {
    let node = yaml::parse(text).map_err(|problem| vec![problem])?;
    let mut reader = Reader::default();
    for entry in reader.mapping(&node, "the file") {
        reader.place("", entry);
        match entry.key.as_str() {
            "connector" => reader.document.connector = reader.text(&entry.value),
            "settings" => reader.settings(&entry.value),
            "access" => reader.access(&entry.value),
            other => reader.unknown(entry.line, other, &["connector", "settings", "access"]),
        }
    }
    if reader.problems.is_empty() {
        return Ok(reader.document);
    }
    reader.problems.sort();
    Err(reader.problems)
}

#[derive(Default)]
struct Reader {
    document: Document,
    problems: Vec<FileProblem>,
}

impl Reader {
    fn problem(&mut self, line: usize, what: impl Into<String>) {
        self.problems.push(FileProblem { line: Some(line), what: what.into() });
    }

    fn unknown(&mut self, line: usize, what: &str, known: &[&str]) {
        let near = known.iter().find(|known| {
            let squeezed = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
            squeezed(known) == squeezed(what)
        });
        let known = match near {
            Some(near) => format!("it is written {near}"),
            None => format!("there is {}", known.join(", ")),
        };
        self.problem(line, format!("{what:?} is not known here; {known}"));
    }

    fn place(&mut self, inside: &str, entry: &Entry) -> String {
        let at =
            if inside.is_empty() { entry.key.clone() } else { format!("{inside}.{}", entry.key) };
        self.document.lines.insert(at.clone(), entry.line);
        at
    }

    fn mapping<'a>(&mut self, node: &'a Node, what: &str) -> &'a [Entry] {
        match &node.content {
            Content::Mapping(entries) => entries,
            // A name with nothing behind it.
            Content::Text(text, true) if text.is_empty() || text == "~" || text == "null" => &[],
            _ => {
                self.problem(node.line, format!("{what} has names with values"));
                &[]
            }
        }
    }

    fn list<'a>(&mut self, node: &'a Node, what: &str) -> &'a [Node] {
        match &node.content {
            Content::List(items) if items.len() > MOST_NAMES => {
                self.problem(node.line, format!("{what} has more than {MOST_NAMES} items"));
                &[]
            }
            Content::List(items) => items,
            _ => {
                self.problem(node.line, format!("{what} is a list: [a, b], or - on lines"));
                &[]
            }
        }
    }

    fn text(&mut self, node: &Node) -> Option<String> {
        match &node.content {
            Content::Text(text, _) => Some(text.clone()),
            _ => {
                self.problem(node.line, "a text is expected here");
                None
            }
        }
    }

    fn texts(&mut self, node: &Node, what: &str) -> Vec<String> {
        let items = self.list(node, what);
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let Some(text) = self.text(item) else { continue };
            if text.trim().is_empty() || text.len() > LONGEST_NAME {
                let expected = format!("{what} takes texts of 1 to {LONGEST_NAME} bytes");
                self.problem(item.line, expected);
            } else {
                texts.push(text);
            }
        }
        texts
    }

    fn flag(&mut self, node: &Node) -> bool {
        match self.text(node).as_deref() {
            Some("true") => true,
            Some("false") | None => false,
            Some(other) => {
                self.problem(node.line, format!("{other:?} is not true or false"));
                false
            }
        }
    }

    fn settings(&mut self, node: &Node) {
        let alone = Setting::AllowExternalDeviceManagement;
        for entry in self.mapping(node, "settings") {
            let at = self.place("settings", entry);
            if entry.key == "policy" {
                self.document.wish.policy = self.policy(&entry.value, &at);
            } else if entry.key == CORRECTS {
                self.document.wish.corrects_settings = self.flag(&entry.value);
            } else if entry.key == alone.word() {
                self.setting(alone, &entry.value);
            } else if let Some(group) = SettingsGroup::from_word(&entry.key) {
                self.group(group, &entry.value, &at);
            } else {
                let groups = SettingsGroup::ALL.iter().map(|group| group.word());
                let known: Vec<&str> =
                    ["policy", CORRECTS, alone.word()].into_iter().chain(groups).collect();
                self.unknown(entry.line, &entry.key, &known);
            }
        }
    }

    fn group(&mut self, group: SettingsGroup, node: &Node, inside: &str) {
        for entry in self.mapping(node, group.word()) {
            self.place(inside, entry);
            match Setting::of(Some(group), &entry.key) {
                Some(setting) => self.setting(setting, &entry.value),
                None => {
                    let known: Vec<&str> = group.settings().map(Setting::word).collect();
                    self.unknown(entry.line, &entry.key, &known);
                }
            }
        }
    }

    fn setting(&mut self, setting: Setting, node: &Node) {
        let kind = setting.about().kind;
        let value = match (&node.content, kind) {
            (Content::List(_), Kind::Texts) => {
                Some(SettingValue::texts(self.texts(node, setting.word())))
            }
            (_, Kind::Texts) => {
                self.list(node, setting.word());
                None
            }
            _ => self.text(node).and_then(|text| match kind.parse(&text) {
                Ok(value) => Some(value),
                Err(error) => {
                    self.problem(node.line, format!("{}: {error}", setting.word()));
                    None
                }
            }),
        };
        if let Some(value) = value {
            self.document.wish.settings.insert(setting, value);
        }
    }

    fn policy(&mut self, node: &Node, inside: &str) -> PolicyWish {
        if matches!(&node.content, Content::Text(text, _) if text == "default") {
            return PolicyWish::Default;
        }
        let (mut name, mut adopts, mut mailboxes) = (None, false, None);
        for entry in self.mapping(node, "policy (other than default)") {
            let at = self.place(inside, entry);
            match entry.key.as_str() {
                "name" => name = self.text(&entry.value).filter(|name| !name.trim().is_empty()),
                "adopt" => adopts = self.flag(&entry.value),
                "mailboxes" => mailboxes = Some(self.mailboxes(&entry.value, &at)),
                other => self.unknown(entry.line, other, &["name", "adopt", "mailboxes"]),
            }
        }
        let (Some(name), Some(mailboxes)) = (name, mailboxes) else {
            let what = "a policy of your own has a name and mailboxes: all, or a list";
            self.problem(node.line, what);
            return PolicyWish::Default;
        };
        PolicyWish::Own { name: name.trim().into(), adopts, mailboxes }
    }

    fn mailboxes(&mut self, node: &Node, at: &str) -> Mailboxes {
        match &node.content {
            Content::Text(text, _) if text == "all" => Mailboxes::All,
            _ => {
                self.places(node, at);
                Mailboxes::Named(self.texts(node, "mailboxes"))
            }
        }
    }

    /// Notes where each item of a list stands.
    fn places(&mut self, node: &Node, at: &str) {
        if let Content::List(items) = &node.content {
            for (index, item) in items.iter().enumerate() {
                self.document.lines.insert(format!("{at}[{index}]"), item.line);
            }
        }
    }

    fn access(&mut self, node: &Node) {
        let known = [
            "default_level",
            "administrators",
            "text_for_users",
            "limit_of_flips",
            "rules",
            "exemptions",
        ];
        for entry in self.mapping(node, "access") {
            let at = self.place("access", entry);
            let value = &entry.value;
            match entry.key.as_str() {
                "default_level" => self.document.wish.access.default_level = self.level(value),
                "administrators" => {
                    let texts = self.texts(value, "administrators");
                    if let Some(wrong) = texts.iter().find(|text| !text.contains('@')) {
                        self.problem(value.line, format!("{wrong:?} is no mail address"));
                    }
                    self.document.wish.access.administrators = Some(texts);
                }
                "text_for_users" => {
                    let text = self.text(value).unwrap_or_default();
                    if text.chars().count() > LONGEST_TEXT {
                        let what = format!("Exchange takes {LONGEST_TEXT} characters at most");
                        self.problem(value.line, what);
                    }
                    self.document.wish.access.text_for_users = Some(text);
                }
                "limit_of_flips" => {
                    let limit = self.text(value).and_then(|text| text.parse().ok());
                    if limit.is_none() {
                        self.problem(value.line, "a number of devices is expected here");
                    }
                    self.document.wish.access.limit_of_flips = limit;
                }
                "rules" => {
                    self.places(value, &at);
                    let rules = self.rules(value);
                    self.document.wish.access.rules = Some(rules);
                }
                "exemptions" => {
                    self.places(value, &at);
                    self.exemptions(value);
                }
                other => self.unknown(entry.line, other, &known),
            }
        }
    }

    fn level(&mut self, node: &Node) -> Option<AccessLevel> {
        let text = self.text(node)?;
        let level = AccessLevel::from_word(&text);
        if level.is_none() {
            self.problem(node.line, format!("{text:?} is not one of allow, block, quarantine"));
        }
        level
    }

    fn rules(&mut self, node: &Node) -> Vec<WrittenRule> {
        let mut rules = Vec::new();
        for item in self.list(node, "rules") {
            rules.extend(self.rule(item));
        }
        rules
    }

    fn rule(&mut self, node: &Node) -> Option<WrittenRule> {
        let (mut selector, mut level) = (None, None);
        let before = self.problems.len();
        for entry in self.mapping(node, "a rule") {
            if entry.key == "level" {
                level = self.level(&entry.value);
                continue;
            }
            let Some(characteristic) = Characteristic::from_word(&entry.key) else {
                let words = Characteristic::ALL.iter().map(|one| one.word());
                let known: Vec<&str> = ["level"].into_iter().chain(words).collect();
                self.unknown(entry.line, &entry.key, &known);
                continue;
            };
            if selector.is_some() {
                let what = "a rule looks at one of type, model, os, user_agent, xmswl_header; \
                            write a rule for each";
                self.problem(entry.line, what);
                continue;
            }
            let text = self.text(&entry.value)?;
            match Selector::parse(characteristic, &text) {
                Ok(read) => selector = Some(read),
                Err(error) => {
                    let what = format!("{}: {error}", entry.key);
                    self.problem(entry.value.line, what);
                }
            }
        }
        match (selector, level) {
            (Some(selector), Some(level)) => Some(WrittenRule { selector, level }),
            _ => {
                if self.problems.len() == before {
                    self.problem(node.line, "a rule has what it looks at, and a level");
                }
                None
            }
        }
    }

    fn exemptions(&mut self, node: &Node) {
        for item in self.list(node, "exemptions") {
            let mut exemption =
                ExemptionWish { mailbox: String::new(), allow: Vec::new(), block: Vec::new() };
            for entry in self.mapping(item, "an exemption") {
                match entry.key.as_str() {
                    "mailbox" => {
                        exemption.mailbox = self.text(&entry.value).unwrap_or_default();
                    }
                    "allow" => exemption.allow = self.texts(&entry.value, "allow"),
                    "block" => exemption.block = self.texts(&entry.value, "block"),
                    other => self.unknown(entry.line, other, &["mailbox", "allow", "block"]),
                }
            }
            let is_empty = exemption.allow.is_empty() && exemption.block.is_empty();
            if exemption.mailbox.trim().is_empty() || is_empty {
                let what = "an exemption has a mailbox, and device ids to allow or block";
                self.problem(item.line, what);
            } else {
                self.document.wish.access.exemptions.push(exemption);
            }
        }
    }
}
