//! What a message tells, before it has words: the document of a delivery.

use domain::{
    Connector, ConnectorName, Device, Timestamp,
    notification::{Language, Topic},
};
use serde_json::{Map, Value as Json, json};
use store::News;

/// So many are named in a message; of the others only the number is told.
pub(super) const MOST_NAMED: usize = 20;
/// Longest text of a device or a reason in a message: what a phone says of itself has no end.
const MOST_CHARS: usize = 300;

/// What a message tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Telling {
    /// Name of the connector, if it is of one.
    pub(super) connector: Option<String>,
    /// How many there are.
    pub(super) count: u64,
    /// The first of them.
    pub(super) items: Vec<Map<String, Json>>,
}

impl Telling {
    pub(super) fn new(connector: Option<&ConnectorName>) -> Self {
        Self { connector: connector.map(ToString::to_string), count: 0, items: Vec::new() }
    }

    pub(super) fn add(&mut self, item: impl FnOnce() -> Map<String, Json>) {
        self.count += 1;
        if self.items.len() < MOST_NAMED {
            self.items.push(item());
        }
    }

    pub(super) fn document(&self) -> Json {
        json!({"connector": self.connector, "count": self.count, "items": self.items})
    }

    pub(super) fn of_document(text: &str) -> Option<Self> {
        let mut json: Json = serde_json::from_str(text).ok()?;
        let items = json.get_mut("items")?.take();
        Some(Self {
            connector: json.get("connector")?.as_str().map(str::to_owned),
            count: json.get("count")?.as_u64()?,
            items: serde_json::from_value(items).ok()?,
        })
    }

    /// A text of the first item.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.items.first()?.get(name)?.as_str()
    }
}

/// A device in a message.
pub(super) fn of_device(device: &Device) -> Map<String, Json> {
    let facts = &device.facts;
    let text = |text: &Option<String>| text.as_deref().map(plain);
    let item = json!({
        "id": device.id.to_string(),
        "name": plain(&device.display_name()),
        "user": text(&device.owner.user),
        "mailbox": text(&device.owner.mailbox),
        "device_id": text(&facts.device_id),
        "model": text(&facts.model.clone().or_else(|| facts.device_type.clone())),
        "os": text(&facts.os),
        "access_state": facts.access_state.word(),
    });
    object(item)
}

/// What is told as it was noted.
pub(super) fn of_news(news: &News) -> Map<String, Json> {
    plain_object(serde_json::from_str(&news.document).unwrap_or_default())
}

/// An item whose texts stay in their place.
pub(super) fn plain_object(json: Json) -> Map<String, Json> {
    let mut item = object(json);
    for value in item.values_mut() {
        if let Json::String(text) = value {
            *text = plain(text);
        }
    }
    item
}

/// What a message could say, to show what it would look like.
pub(super) fn sample(topic: Topic, language: Language, now: Timestamp) -> Telling {
    let user = match language {
        Language::English => "jane",
        Language::German => "johanna",
        Language::TraditionalChinese => "王小明",
    };
    let item = match topic {
        Topic::NewDevice | Topic::Quarantined => json!({
            "id": "6f0bb5a6-6a4f-5c53-9d2a-4a3c2c6d1f00",
            "name": format!("{user}_iPhone"),
            "user": user,
            "mailbox": "jane@contoso.com",
            "device_id": "APPLDNQ4X2KPF6",
            "model": "iPhone 15",
            "os": "iOS 19.1",
            "access_state": "quarantined",
        }),
        Topic::ActionFailed => json!({
            "name": format!("{user}_iPhone"),
            "action": "release",
            "request": "0193b5a6-6a4f-7c53-9d2a-4a3c2c6d1f00",
            "why": "Exchange still says that the device is in quarantine",
        }),
        Topic::ApprovalWanted => json!({
            "request": "0193b5a6-6a4f-7c53-9d2a-4a3c2c6d1f00",
            "action": "wipe-account",
            "devices": 25,
            "requester": user,
            "reason": "they left the company",
        }),
        Topic::ConnectorTrouble => json!({"why": "no endpoint answers"}),
        Topic::Drifted => json!({
            "why": "security.allow_camera of policy Default is true and shall be false; \
                    contoso.com/Users/max changed it at 2026-11-21 09:30 UTC",
        }),
        Topic::CredentialExpiring => {
            let expires = now + jiff::SignedDuration::from_hours(24 * 7);
            json!({"what": format!("the token deploy of {user}"), "expires": expires.to_string()})
        }
    };
    let has_connector = !matches!(topic, Topic::ApprovalWanted | Topic::CredentialExpiring);
    let connector = has_connector.then(|| "contoso".to_owned());
    Telling { connector, count: 1, items: vec![object(item)] }
}

/// The connector's name, as long as it is there.
pub(super) fn name_of(connectors: &[Connector], news: &News) -> Option<ConnectorName> {
    let connector = connectors.iter().find(|connector| Some(connector.id) == news.connector);
    connector.map(|connector| connector.name.clone())
}

fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(object) => object,
        _ => Map::new(),
    }
}

/// A text without what moves or hides other text, and not too long: phones say of themselves what
/// they like.
fn plain(text: &str) -> String {
    let is_trick = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut plain: String =
        text.chars().take(MOST_CHARS).map(|c| if is_trick(c) { ' ' } else { c }).collect();
    if text.chars().nth(MOST_CHARS).is_some() {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telling_comes_back_and_names_only_the_first() {
        let mut telling = Telling::new(None);
        for number in 0..37 {
            telling.add(|| object(json!({"name": format!("device {number}")})));
        }
        assert_eq!((telling.count, telling.items.len()), (37, 20));
        assert_eq!(telling.first("name"), Some("device 0"));
        assert_eq!(Telling::of_document(&telling.document().to_string()), Some(telling));
    }

    #[test]
    fn what_a_phone_says_of_itself_stays_in_its_place() {
        assert_eq!(plain("a\r\nBcc: x\u{202e}b"), "a  Bcc: x b");
        assert_eq!(plain(&"长".repeat(301)).chars().count(), 301);
    }
}
