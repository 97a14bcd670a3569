//! The form of the settings: from a wish to fields, and from what was sent to a wish. Pure.

use std::collections::BTreeMap;

use domain::{
    Setting, SettingValue, SettingsGroup,
    settings::{Generation, InsteadOfNumber, Kind},
    wish::{Mailboxes, ObservedPolicy, PolicyWish, Wish},
};

use super::{Sent, values};
use crate::words;

/// What is wrong, by the field it is wrong in.
pub(super) type Errors = BTreeMap<String, String>;

/// Settings that are managed together, as a form.
pub(super) struct Group {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What holds for all of it.
    pub(super) about: String,
    pub(super) is_managed: bool,
    pub(super) rows: Vec<Row>,
}

/// One setting.
pub(super) struct Row {
    /// Its path, which is the name of its field.
    pub(super) id: String,
    pub(super) title: &'static str,
    pub(super) takes: String,
    pub(super) obeyed: String,
    /// Nobody obeys it any more.
    pub(super) is_dead: bool,
    /// What Exchange had when it was read last.
    pub(super) now: String,
    pub(super) usual: String,
    pub(super) modes: Vec<Choice>,
    pub(super) input: Option<Input>,
    pub(super) error: Option<String>,
}

/// What stands beside the choice "set to".
pub(super) enum Input {
    Number(String),
    Measured(String, Vec<Choice>),
    Lines(String),
}

/// One of several.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) is_chosen: bool,
}

/// What the form is filled from.
pub(super) struct Filled<'a> {
    pub(super) sent: &'a Sent,
    pub(super) errors: &'a Errors,
    /// The policy that the settings are written to, if Exchange has it.
    pub(super) policy: Option<&'a ObservedPolicy>,
    pub(super) generation: Generation,
}

const SET: &str = "value";
/// Most mailboxes that a policy names.
const MOST_MAILBOXES: usize = 10_000;
/// Longest name of a policy, as Exchange takes it.
const LONGEST_NAME: usize = 64;

/// The fields that say what a wish says.
pub(super) fn fields_of(wish: &Wish) -> Sent {
    let mut sent = Sent::new();
    for setting in Setting::ALL {
        let path = setting.path();
        let mode = match wish.settings.get(setting) {
            None => String::new(),
            Some(SettingValue::Unlimited) => "unlimited".to_owned(),
            Some(SettingValue::Unset) => "none".to_owned(),
            Some(value @ (SettingValue::Flag(_) | SettingValue::Choice(_))) => value.to_string(),
            Some(value) => {
                let (text, unit) = match value {
                    SettingValue::Texts(texts) => (texts.join("\n"), String::new()),
                    SettingValue::Number(number) => (number.to_string(), String::new()),
                    value => values::measured(value),
                };
                sent.insert(format!("{path}.value"), text);
                sent.insert(format!("{path}.unit"), unit);
                SET.to_owned()
            }
        };
        sent.insert(path, mode);
    }
    if wish.corrects_settings {
        sent.insert("correct".to_owned(), "yes".to_owned());
    }
    match &wish.policy {
        PolicyWish::Default => drop(sent.insert("policy".to_owned(), "default".to_owned())),
        PolicyWish::Own { name, adopts, mailboxes } => {
            sent.insert("policy".to_owned(), "own".to_owned());
            sent.insert("policy.name".to_owned(), name.to_string());
            if *adopts {
                sent.insert("policy.adopt".to_owned(), "yes".to_owned());
            }
            let (which, names) = match mailboxes {
                Mailboxes::All => ("all", String::new()),
                Mailboxes::Named(names) => ("these", names.join("\n")),
            };
            sent.insert("policy.mailboxes".to_owned(), which.to_owned());
            sent.insert("policy.names".to_owned(), names);
        }
    }
    sent
}

/// A wish with the settings that were sent in the place of its own.
pub(super) fn read(
    sent: &Sent,
    before: &Wish,
    generation_of: impl Fn(&PolicyWish) -> Generation,
) -> Result<Wish, Errors> {
    let mut errors = Errors::new();
    let mut wish = before.clone();
    match policy(sent) {
        Ok(Some(policy)) => wish.policy = policy,
        Ok(None) => {}
        Err((field, why)) => drop(errors.insert(field.to_owned(), why)),
    }
    // A box that is not ticked is not sent; the policy always is.
    if sent.contains_key("policy") {
        wish.corrects_settings = sent.contains_key("correct");
    }
    let generation = generation_of(&wish.policy);
    for setting in Setting::ALL {
        let path = setting.path();
        let Some(mode) = sent.get(&path) else { continue };
        let part = |name: &str| sent.get(&format!("{path}.{name}")).map_or("", |it| it.trim());
        if mode.is_empty() {
            wish.settings.remove(setting);
            continue;
        }
        let kind = setting.about().kind;
        let text = match (mode.as_str(), kind) {
            (SET, Kind::Texts) => part("value").lines().collect::<Vec<_>>().join(","),
            (SET, _) => format!("{}{}", part("value"), part("unit")),
            (mode, _) => mode.to_owned(),
        };
        let value = kind.parse(&text).ok().filter(|value| kind.suits(value, generation).is_ok());
        match value {
            Some(value) => drop(wish.settings.insert(*setting, value)),
            None => {
                let title = setting.about().title;
                let takes = takes(kind, generation);
                errors.insert(path, format!("{title}: choose {takes}."));
            }
        }
    }
    if errors.is_empty() { Ok(wish) } else { Err(errors) }
}

/// Which policy was chosen; `None` where the form does not say.
fn policy(sent: &Sent) -> Result<Option<PolicyWish>, (&'static str, String)> {
    let part = |name: &str| sent.get(name).map_or("", |text| text.trim());
    match part("policy") {
        "default" => return Ok(Some(PolicyWish::Default)),
        "own" => {}
        _ => return Ok(None),
    }
    let name = part("policy.name");
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        let why = format!("Name the policy, in 1 to {LONGEST_NAME} characters.");
        return Err(("policy.name", why));
    }
    let names: Vec<String> = part("policy.names")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    let mailboxes = match part("policy.mailboxes") {
        "these" if names.is_empty() || names.len() > MOST_MAILBOXES => {
            let most = words::number(MOST_MAILBOXES as u64);
            let why = format!("Name 1 to {most} mailboxes, one in a line.");
            return Err(("policy.names", why));
        }
        "these" => Mailboxes::Named(names),
        _ => Mailboxes::All,
    };
    let adopts = !part("policy.adopt").is_empty();
    Ok(Some(PolicyWish::Own { name: name.into(), adopts, mailboxes }))
}

/// What a setting takes, as a form says it.
fn takes(kind: Kind, generation: Generation) -> String {
    let index = usize::from(generation == Generation::Of2010);
    match kind {
        Kind::Flag | Kind::Choice(_) => "one of the values in the list".to_owned(),
        Kind::Span { from, to, .. } => format!(
            "a time from {} to {}, or no limit",
            values::amount(&SettingValue::Seconds(from[index])),
            values::amount(&SettingValue::Seconds(to)),
        ),
        Kind::Size { to, .. } => {
            format!("a size up to {}, or no limit", values::amount(&SettingValue::Bytes(to[index])),)
        }
        kind => kind.expectation(generation).replace("or unlimited", "or no limit"),
    }
}

impl Filled<'_> {
    /// Every group with its settings; the one that stands alone first.
    pub(super) fn groups(&self) -> Vec<Group> {
        let alone = Group {
            id: "alone",
            title: "Another product",
            about: "Stands alone: no group is managed because of it.".to_owned(),
            is_managed: false,
            rows: vec![self.row(Setting::AllowExternalDeviceManagement)],
        };
        let groups = SettingsGroup::ALL.iter().map(|group| {
            let is_managed = group.settings().any(|setting| !self.mode(setting).is_empty());
            let about = match is_managed {
                true => "All of this group is managed: what is not configured becomes what it usually is.",
                false => "Nothing is configured, so nothing of this group is written.",
            };
            Group {
                id: group.word(),
                title: group.title(),
                about: about.to_owned(),
                is_managed,
                rows: group.settings().map(|setting| self.row(setting)).collect(),
            }
        });
        groups.chain([alone]).collect()
    }

    fn mode(&self, setting: Setting) -> &str {
        self.part(&setting.path())
    }

    pub(super) fn part(&self, name: &str) -> &str {
        self.sent.get(name).map_or("", String::as_str)
    }

    fn row(&self, setting: Setting) -> Row {
        let about = setting.about();
        let path = setting.path();
        let now = match self.policy {
            Some(policy) => match policy.values.get(&setting) {
                Some(value) => values::of_setting(setting, value),
                None => "not known to this Exchange".to_owned(),
            },
            None => "not read yet".to_owned(),
        };
        let is_dead = about.obeyed_by.contains("nobody has any more");
        Row {
            title: about.title,
            takes: match about.kind {
                Kind::Flag | Kind::Choice(_) => String::new(),
                kind => words::sentence(&format!("takes {}", takes(kind, self.generation))),
            },
            obeyed: words::sentence(&format!("obeyed by {}", about.obeyed_by)),
            is_dead,
            now,
            usual: values::of_setting(setting, &setting.usual(self.generation)),
            modes: self.modes(setting),
            input: self.input(setting, &path),
            error: self.errors.get(&path).cloned(),
            id: path,
        }
    }

    /// Not configured, and everything that it can be.
    fn modes(&self, setting: Setting) -> Vec<Choice> {
        let chosen = self.mode(setting);
        let choice = |value: &str, label: &str| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            is_chosen: value == chosen,
        };
        let mut modes = vec![choice("", "not configured")];
        match setting.about().kind {
            Kind::Flag => {
                modes.push(choice("true", values::flag(setting, true)));
                modes.push(choice("false", values::flag(setting, false)));
            }
            Kind::Choice(all) => {
                modes.extend(all.iter().map(|word| choice(word, &values::word_of(word))));
            }
            kind => {
                modes.push(choice(SET, "set to"));
                match kind {
                    Kind::Span { .. } | Kind::Size { .. } => {
                        modes.push(choice("unlimited", "no limit"));
                    }
                    Kind::Number { or: Some(InsteadOfNumber::Unlimited), .. } => {
                        modes.push(choice("unlimited", "no limit"));
                    }
                    Kind::Number { or: Some(InsteadOfNumber::Unset), .. } => {
                        modes.push(choice("none", "none"));
                    }
                    _ => {}
                }
            }
        }
        modes
    }

    fn input(&self, setting: Setting, path: &str) -> Option<Input> {
        let value = self.part(&format!("{path}.value")).to_owned();
        let kind = setting.about().kind;
        match kind {
            Kind::Flag | Kind::Choice(_) => None,
            Kind::Number { .. } => Some(Input::Number(value)),
            Kind::Texts => Some(Input::Lines(value)),
            Kind::Span { .. } | Kind::Size { .. } => {
                let usual = if matches!(kind, Kind::Size { .. }) { "KB" } else { "min" };
                let chosen = match self.part(&format!("{path}.unit")) {
                    "" => usual,
                    unit => unit,
                };
                let units = values::units(kind).iter().map(|(value, label)| Choice {
                    value: (*value).to_owned(),
                    label: (*label).to_owned(),
                    is_chosen: *value == chosen,
                });
                Some(Input::Measured(value, units.collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(wish: &Wish) -> Result<Wish, Errors> {
        read(&fields_of(wish), &Wish::default(), |_| Generation::Since2013)
    }

    #[test]
    fn every_setting_survives_the_form() {
        for setting in Setting::ALL {
            for text in ["true", "false", "5", "10min", "2d", "64KB", "10MB", "unlimited", "none"] {
                let Ok(value) = setting.about().kind.parse(text) else { continue };
                if setting.about().kind.suits(&value, Generation::Since2013).is_err() {
                    continue;
                }
                let mut wish = Wish::default();
                wish.settings.insert(*setting, value);
                assert_eq!(back(&wish), Ok(wish.clone()), "{}: {text}", setting.path());
            }
        }
        let own = PolicyWish::Own {
            name: "Field staff".into(),
            adopts: true,
            mailboxes: Mailboxes::Named(vec!["ada@contoso.com".to_owned(), "bo".to_owned()]),
        };
        let wish = Wish { policy: own, corrects_settings: true, ..Wish::default() };
        assert_eq!(back(&wish), Ok(wish));
    }

    #[test]
    fn a_wrong_value_is_told_at_its_field_and_the_rest_is_read() {
        let mut sent = fields_of(&Wish::default());
        for (name, value) in [
            ("password.minimum_length", "value"),
            ("password.minimum_length.value", "99"),
            ("policy", "own"),
            ("policy.mailboxes", "all"),
        ] {
            sent.insert(name.to_owned(), value.to_owned());
        }
        let errors = read(&sent, &Wish::default(), |_| Generation::Since2013).unwrap_err();
        let told: Vec<_> = errors.iter().map(|(at, why)| format!("{at}: {why}")).collect();
        assert_eq!(
            told,
            [
                "password.minimum_length: Minimum length: choose a number from 1 to 16 or none.",
                "policy.name: Name the policy, in 1 to 64 characters.",
            ]
        );
    }
}
