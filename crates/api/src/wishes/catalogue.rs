//! The settings there are, as JSON.

use domain::{
    SettingValue,
    settings::{Generation, Kind},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Every setting that can be written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SettingList {
    /// The settings, in the order they are shown.
    pub settings: Vec<Setting>,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Setting {
    /// `general`, `password`, `email_management`, `security`, `application` or `additional`; null for
    /// the one that stands alone.
    pub group: Option<String>,
    /// Its name in a file, unique within its group.
    pub name: String,
    /// As people read it.
    pub title: String,
    /// `flag`, `number`, `time`, `size`, `choice` or `texts`.
    pub kind: String,
    /// What it takes, in words.
    pub takes: Takes<String>,
    /// What it is when nobody said, as a file has it.
    pub usual: Takes<Value>,
    /// Which of today's clients still obey it.
    pub obeyed_by: String,
}

/// The same for the two kinds of Exchange there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Takes<T> {
    /// On Exchange 2010.
    #[serde(rename = "2010")]
    pub of_2010: T,
    /// On Exchange 2013 and everything newer.
    #[serde(rename = "2013")]
    pub since_2013: T,
}

impl<T> Takes<T> {
    fn of(each: impl Fn(Generation) -> T) -> Self {
        Self { of_2010: each(Generation::Of2010), since_2013: each(Generation::Since2013) }
    }
}

impl Setting {
    pub(crate) fn of(setting: domain::Setting) -> Self {
        let about = setting.about();
        Self {
            group: setting.group().map(|group| group.word().to_owned()),
            name: setting.word().to_owned(),
            title: about.title.to_owned(),
            kind: kind(about.kind).to_owned(),
            takes: Takes::of(|generation| about.kind.expectation(generation)),
            usual: Takes::of(|generation| value(&setting.usual(generation))),
            obeyed_by: about.obeyed_by.to_owned(),
        }
    }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => "flag",
        Kind::Number { .. } => "number",
        Kind::Span { .. } => "time",
        Kind::Size { .. } => "size",
        Kind::Choice(_) => "choice",
        Kind::Texts => "texts",
    }
}

/// A value as a file has it: `true`, `15min`, a list of texts.
pub(crate) fn value(value: &SettingValue) -> Value {
    match value {
        SettingValue::Flag(flag) => Value::Bool(*flag),
        SettingValue::Number(number) => Value::from(*number),
        SettingValue::Texts(texts) => Value::from(texts.clone()),
        other => Value::String(other.to_string()),
    }
}
