//! The form of who gets in: from a wish to fields, and from what was sent to a wish. Pure.

use domain::{
    AccessLevel, Characteristic,
    access::{self, Seen, Selector, Severity, WrittenRule},
    wish::{AccessWish, ExemptionWish},
};

use super::{Sent, setting_fields::Errors};
use crate::words;

/// The most that Exchange takes of a text for users.
pub(super) const LONGEST_TEXT: usize = 256;
/// Most lines of a field.
const MOST_LINES: usize = 10_000;
/// Longest line of a field.
const LONGEST_LINE: usize = 256;

/// The fields that say what a wish says.
pub(super) fn fields_of(wish: &AccessWish) -> Sent {
    let mut sent = Sent::new();
    let mut put = |name: &str, value: String| drop(sent.insert(name.to_owned(), value));
    put("level", wish.default_level.map_or_else(String::new, |level| level.word().to_owned()));
    if let Some(administrators) = &wish.administrators {
        put("admins", "these".to_owned());
        put("admins.lines", administrators.join("\n"));
    }
    if let Some(text) = &wish.text_for_users {
        put("text", "this".to_owned());
        put("text.words", text.clone());
    }
    put("limit", wish.limit_of_flips.map_or_else(String::new, |limit| limit.to_string()));
    for (index, rule) in wish.rules.iter().flatten().enumerate() {
        put(&format!("rule.{index}.of"), rule.selector.characteristic().word().to_owned());
        put(&format!("rule.{index}.value"), rule.selector.to_string());
        put(&format!("rule.{index}.level"), rule.level.word().to_owned());
    }
    let mut lines = Vec::new();
    for exemption in &wish.exemptions {
        for (word, ids) in [("allow", &exemption.allow), ("block", &exemption.block)] {
            lines.extend(ids.iter().map(|id| format!("{} {word} {id}", exemption.mailbox)));
        }
    }
    put("exemptions", lines.join("\n"));
    sent
}

/// The wish that was sent. `before` holds for fields that a form does not have.
pub(super) fn read(sent: &Sent, before: &AccessWish, seen: &Seen) -> Result<AccessWish, Errors> {
    let mut errors = Errors::new();
    let mut wish = before.clone();
    let part = |name: &str| sent.get(name).map_or("", |text| text.trim());
    if sent.contains_key("level") {
        wish.default_level = AccessLevel::from_word(part("level"));
    }
    match part("admins") {
        "these" => match administrators(part("admins.lines")) {
            Ok(administrators) => wish.administrators = Some(administrators),
            Err(why) => drop(errors.insert("admins.lines".to_owned(), why)),
        },
        _ if sent.contains_key("admins") => wish.administrators = None,
        _ => {}
    }
    match part("text") {
        "this" => {
            let text = part("text.words").replace("\r\n", "\n");
            let length = text.chars().count();
            if length > LONGEST_TEXT {
                let why = format!(
                    "Exchange takes {LONGEST_TEXT} characters at most; these are {length}."
                );
                errors.insert("text.words".to_owned(), why);
            }
            wish.text_for_users = Some(text);
        }
        _ if sent.contains_key("text") => wish.text_for_users = None,
        _ => {}
    }
    match (part("limit"), part("limit").parse::<u64>()) {
        ("", _) if sent.contains_key("limit") => wish.limit_of_flips = None,
        ("", _) => {}
        (_, Ok(limit)) => wish.limit_of_flips = Some(limit),
        _ => {
            let why = "Write a number of devices, or nothing for the usual one.";
            errors.insert("limit".to_owned(), why.to_owned());
        }
    }
    match exemptions(part("exemptions")) {
        Ok(exemptions) if sent.contains_key("exemptions") => wish.exemptions = exemptions,
        Ok(_) => {}
        Err(why) => drop(errors.insert("exemptions".to_owned(), why)),
    }
    rules(sent, &mut wish, seen, &mut errors);
    if errors.is_empty() { Ok(wish) } else { Err(errors) }
}

/// The rules of the table and the new one below it. What two rules contradict each other in is told
/// at the second.
fn rules(sent: &Sent, wish: &mut AccessWish, seen: &Seen, errors: &mut Errors) {
    let part = |name: &str| sent.get(name).map_or("", |text| text.trim());
    // Without its marker the form has no table.
    if !sent.contains_key("rules") {
        return;
    }
    let mut rules = Vec::new();
    // Which field each rule stands in.
    let mut fields = Vec::new();
    let indices = (0..access::MOST_RULES + 1).map(|index| format!("rule.{index}"));
    let shown = indices.take_while(|field| sent.contains_key(&format!("{field}.of")));
    let new = (!part("new.value").is_empty()).then(|| "new".to_owned());
    for field in shown.chain(new) {
        if !part(&format!("{field}.remove")).is_empty() {
            continue;
        }
        let characteristic = Characteristic::from_word(part(&format!("{field}.of")));
        let level = AccessLevel::from_word(part(&format!("{field}.level")));
        let (Some(characteristic), Some(level)) = (characteristic, level) else {
            let why = "Choose what the rule looks at, and what happens.";
            errors.insert(format!("{field}.value"), why.to_owned());
            continue;
        };
        match Selector::parse(characteristic, part(&format!("{field}.value"))) {
            Ok(selector) => {
                rules.push(WrittenRule { selector, level });
                fields.push(format!("{field}.value"));
            }
            Err(error) => {
                let why = words::sentence(&words::visible(&error.to_string()));
                errors.insert(format!("{field}.value"), why);
            }
        }
    }
    let compiled = access::compile(&rules, seen);
    let wrong = compiled.problems.iter().filter(|one| one.severity() == Severity::Error);
    for problem in wrong {
        let field = problem.written().and_then(|index| fields.get(index));
        let field = field.cloned().unwrap_or_else(|| "new.value".to_owned());
        errors.insert(field, words::sentence(&words::visible(&problem.sentence(&rules))));
    }
    // Rules that nobody wrote down are left alone.
    if !rules.is_empty() || wish.rules.is_some() {
        wish.rules = Some(rules);
    }
}

/// The rules of the table as they were sent, those that are ticked to be removed among them.
pub(super) fn table(sent: &Sent) -> Vec<WrittenRule> {
    let part = |index: usize, name: &str| sent.get(&format!("rule.{index}.{name}"));
    let rule = |index| {
        let characteristic = Characteristic::from_word(part(index, "of")?)?;
        let selector = Selector::parse(characteristic, part(index, "value")?).ok()?;
        Some(WrittenRule { selector, level: AccessLevel::from_word(part(index, "level")?)? })
    };
    (0..access::MOST_RULES).map_while(rule).collect()
}

fn administrators(text: &str) -> Result<Vec<String>, String> {
    let lines = lines(text)?;
    match lines.iter().find(|line| !line.contains('@')) {
        Some(wrong) => Err(format!("{:?} is no mail address.", words::visible(wrong))),
        None => Ok(lines),
    }
}

fn lines(text: &str) -> Result<Vec<String>, String> {
    let lines: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.len() > MOST_LINES {
        return Err(format!("At most {} lines fit here.", words::number(MOST_LINES as u64)));
    }
    match lines.iter().position(|line| line.len() > LONGEST_LINE) {
        Some(at) => Err(format!("Line {} is longer than {LONGEST_LINE} bytes.", at + 1)),
        None => Ok(lines),
    }
}

/// `ada@contoso.com allow ApplF4K2`, one in a line.
fn exemptions(text: &str) -> Result<Vec<ExemptionWish>, String> {
    let mut exemptions: Vec<ExemptionWish> = Vec::new();
    for (number, line) in (1..).zip(lines(text)?) {
        let wrong = || format!("Line {number}: write a mailbox, allow or block, and a device id.");
        let mut parts = line.rsplitn(3, char::is_whitespace);
        let (device, level) = (parts.next(), parts.next());
        let (Some(device), Some(level), Some(mailbox)) = (device, level, parts.next()) else {
            return Err(wrong());
        };
        let mailbox = mailbox.trim();
        let index = exemptions.iter().position(|one| one.mailbox.eq_ignore_ascii_case(mailbox));
        let index = index.unwrap_or_else(|| {
            let mailbox = mailbox.to_owned();
            exemptions.push(ExemptionWish { mailbox, allow: Vec::new(), block: Vec::new() });
            exemptions.len() - 1
        });
        let Some(exemption) = exemptions.get_mut(index) else { return Err(wrong()) };
        match level {
            "allow" => exemption.allow.push(device.to_owned()),
            "block" => exemption.block.push(device.to_owned()),
            _ => return Err(wrong()),
        }
    }
    Ok(exemptions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(characteristic: Characteristic, text: &str, level: AccessLevel) -> WrittenRule {
        WrittenRule { selector: Selector::parse(characteristic, text).unwrap(), level }
    }

    fn form(wish: &AccessWish) -> Sent {
        let mut sent = fields_of(wish);
        sent.insert("rules".to_owned(), "1".to_owned());
        sent
    }

    #[test]
    fn who_gets_in_survives_the_form() {
        let exemption = |mailbox: &str, allow: &[&str], block: &[&str]| ExemptionWish {
            mailbox: mailbox.to_owned(),
            allow: allow.iter().map(|id| (*id).to_owned()).collect(),
            block: block.iter().map(|id| (*id).to_owned()).collect(),
        };
        let wish = AccessWish {
            default_level: Some(AccessLevel::Quarantine),
            administrators: Some(vec!["it@contoso.com".to_owned()]),
            text_for_users: Some("Ask the help desk.\nCall 123.".to_owned()),
            rules: Some(vec![
                rule(Characteristic::Os, "iOS < 17.4", AccessLevel::Block),
                rule(Characteristic::Model, "\"SM-*\"", AccessLevel::Allow),
            ]),
            exemptions: vec![
                exemption("ada@contoso.com", &["A1", "A2"], &["B1"]),
                exemption("Meeting Room", &["C1"], &[]),
            ],
            limit_of_flips: Some(25),
        };
        assert_eq!(read(&form(&wish), &AccessWish::default(), &Seen::default()), Ok(wish));
        let none = AccessWish::default();
        assert_eq!(read(&form(&none), &none, &Seen::default()), Ok(none));
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field() {
        let rules = vec![rule(Characteristic::Type, "iPhone", AccessLevel::Block)];
        let wish = AccessWish { rules: Some(rules), ..AccessWish::default() };
        let mut sent = form(&wish);
        for (name, value) in [
            ("new.of", "type"),
            ("new.value", "IPHONE"),
            ("new.level", "allow"),
            ("admins", "these"),
            ("admins.lines", "nobody"),
            ("limit", "few"),
            ("exemptions", "ada@contoso.com allow A1\nada@contoso.com lets A2"),
        ] {
            sent.insert(name.to_owned(), value.to_owned());
        }
        let errors = read(&sent, &wish, &Seen::default()).unwrap_err();
        let fields: Vec<&str> = errors.keys().map(String::as_str).collect();
        assert_eq!(fields, ["admins.lines", "exemptions", "limit", "new.value"]);
        assert!(errors["exemptions"].starts_with("Line 2:"), "{errors:?}");
        sent.insert("new.value".to_owned(), "[ab]*".to_owned());
        let errors = read(&sent, &wish, &Seen::default()).unwrap_err();
        assert!(errors["new.value"].contains("quotes"), "{errors:?}");
    }
}
