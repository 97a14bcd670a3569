//! The words of messages, in the language of who is told.

use domain::notification::{Language, Placeholder, Template, Topic};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use serde_json::{Map, Value as Json};
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

use super::telling::Telling;

const ENGLISH: &str = include_str!("words/en.ftl");
const GERMAN: &str = include_str!("words/de.ftl");
const TRADITIONAL_CHINESE: &str = include_str!("words/zh-Hant.ftl");

/// A message in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject: one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The text as a page of HTML.
    pub html: String,
}

/// Longest subject: mail programs show less.
const MOST_SUBJECT_CHARS: usize = 200;

/// Puts a message into words: into those of the template, if there is one.
pub(super) fn rendered(
    topic: Topic,
    telling: &Telling,
    language: Language,
    template: Option<&Template>,
    subscription: &str,
) -> Rendered {
    let words = words(language);
    let own = template.and_then(|template| {
        template.filled(|placeholder| filled(words, topic, telling, placeholder)).ok()
    });
    let (subject, text) = own.unwrap_or_else(|| {
        let args = args(telling);
        let say = |part: &str| words.say(&key(topic, part), &args);
        let body = format!("{}\n\n{}\n\n{}", say("lead"), list(words, topic, telling), say("hint"));
        (say("subject"), body)
    });
    let mut footer = FluentArgs::new();
    footer.set("subscription", subscription.to_owned());
    let text = format!("{}\n\n-- \n{}\n", text.trim_end(), words.say("footer", &footer));
    finished(&subject, text, language)
}

/// The message that tries a channel.
pub(super) fn test_message(channel: &str, language: Language) -> Rendered {
    let mut args = FluentArgs::new();
    args.set("channel", channel.to_owned());
    let words = words(language);
    let (subject, text) = (words.say("test-subject", &args), words.say("test-text", &args));
    finished(&subject, format!("{text}\n"), language)
}

fn finished(subject: &str, text: String, language: Language) -> Rendered {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let subject = subject.chars().map(plain).take(MOST_SUBJECT_CHARS).collect();
    let html = html(&text, language);
    Rendered { subject, text, html }
}

fn filled(words: &Words, topic: Topic, telling: &Telling, placeholder: Placeholder) -> String {
    match placeholder {
        Placeholder::Count => telling.count.to_string(),
        Placeholder::Connector => telling.connector.clone().unwrap_or_else(|| "—".to_owned()),
        Placeholder::Name => name(telling),
        Placeholder::List => list(words, topic, telling),
    }
}

/// What the first of them is called, whatever it is.
fn name(telling: &Telling) -> String {
    let name = ["name", "requester", "what"].iter().find_map(|field| telling.first(field));
    name.unwrap_or("—").to_owned()
}

fn list(words: &Words, topic: Topic, telling: &Telling) -> String {
    let item = |item: &Map<String, Json>| {
        format!("* {}", words.say(&key(topic, "item"), &item_args(item)))
    };
    let mut lines: Vec<_> = telling.items.iter().map(item).collect();
    let others = telling.count.saturating_sub(telling.items.len() as u64);
    if others > 0 {
        let mut args = FluentArgs::new();
        args.set("count", others);
        lines.push(format!("* {}", words.say("more", &args)));
    }
    lines.join("\n")
}

fn args(telling: &Telling) -> FluentArgs<'static> {
    let mut args = telling.items.first().map(item_args).unwrap_or_default();
    args.set("count", telling.count);
    args.set("connector", telling.connector.clone().unwrap_or_else(|| "—".to_owned()));
    args.set("name", name(telling));
    args
}

/// What the words of an item may speak of. What Exchange says nothing about is a dash.
fn item_args(item: &Map<String, Json>) -> FluentArgs<'static> {
    let mut args = FluentArgs::new();
    for (argument, field) in ARGUMENTS {
        let value = match item.get(*field) {
            Some(Json::String(text)) => FluentValue::from(text.clone()),
            Some(Json::Number(number)) => FluentValue::from(number.as_u64().unwrap_or_default()),
            _ => FluentValue::from("—"),
        };
        args.set(*argument, value);
    }
    args
}

/// The arguments of an item, and the fields of its document that they come from.
const ARGUMENTS: &[(&str, &str)] = &[
    ("name", "name"),
    ("model", "model"),
    ("os", "os"),
    ("device", "device_id"),
    ("state", "access_state"),
    ("action", "action"),
    ("why", "why"),
    ("requester", "requester"),
    ("devices", "devices"),
    ("reason", "reason"),
    ("what", "what"),
    ("expires", "expires"),
];

fn key(topic: Topic, part: &str) -> String {
    format!("{}-{part}", topic.word().replace('.', "-"))
}

struct Words(FluentBundle<FluentResource>);

fn words(language: Language) -> &'static Words {
    static ALL: LazyLock<[Words; 3]> = LazyLock::new(|| {
        [("en", ENGLISH), ("de", GERMAN), ("zh-Hant", TRADITIONAL_CHINESE)]
            .map(|(language, text)| Words::new(language, text))
    });
    let [english, german, chinese] = &*ALL;
    match language {
        Language::English => english,
        Language::German => german,
        Language::TraditionalChinese => chinese,
    }
}

impl Words {
    fn new(language: &str, text: &str) -> Self {
        let language: LanguageIdentifier = language.parse().expect("the language is a constant");
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The marks would stand in subjects, where nobody expects them.
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new(text.to_owned());
        bundle.add_resource_overriding(resource.expect("the words are tested"));
        Self(bundle)
    }

    fn say(&self, key: &str, args: &FluentArgs<'_>) -> String {
        let pattern = self.0.get_message(key).and_then(|message| message.value());
        let Some(pattern) = pattern else { return key.to_owned() };
        self.0.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned()
    }
}

/// The text as a page: its paragraphs, and its lists where lines begin with an asterisk.
fn html(text: &str, language: Language) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"></head>\
         <body style=\"font-family: sans-serif\">\n"
    );
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let lines: Vec<_> = paragraph.lines().filter(|line| *line != "-- ").map(escaped).collect();
        if lines.iter().all(|line| line.starts_with("* ")) {
            let items = lines.iter().map(|line| line.trim_start_matches("* "));
            let items: String = items.map(|item| format!("<li>{item}</li>\n")).collect();
            page.push_str(&format!("<ul>\n{items}</ul>\n"));
        } else {
            page.push_str(&format!("<p>{}</p>\n", lines.join("<br>\n")));
        }
    }
    page.push_str("</body></html>\n");
    page
}

fn escaped(line: &str) -> String {
    line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
