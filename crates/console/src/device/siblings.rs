//! Other phones of the same person, of every organization: in a hybrid one some may be on premises and
//! some in Exchange Online.

use domain::{Connector, Device, Query, Scope};
use engine::Engine;

use super::Group;
use crate::{page::Fact, problem::Problem, words};

/// Phones of a person that are shown; a link leads to the others.
const SHOWN: usize = 10;
/// Phones that are looked at.
const LOOKED_AT: u32 = 100;

/// The other phones of the mailbox's address; `None` if there are none, or nobody knows whose it is.
pub(super) async fn of(
    engine: &Engine,
    scope: &Scope,
    device: &Device,
    connectors: &[Connector],
) -> Result<Option<Group>, Problem> {
    // An address is what both sides of a hybrid organization have in common.
    let Some(mailbox) = device.owner.mailbox.as_deref().filter(|text| text.contains('@')) else {
        return Ok(None);
    };
    let text = format!("mailbox:\"{}\"", mailbox.replace(['\\', '"'], ""));
    let Ok(query) = Query::parse(&text) else { return Ok(None) };
    let page = store::Page { after: None, limit: LOOKED_AT, now: engine.now() };
    let found = engine.store().devices(scope, &query, page).await?;
    let is_other = |one: &&Device| {
        let address = one.owner.mailbox.as_deref().unwrap_or_default();
        one.id != device.id && one.gone_since.is_none() && address.eq_ignore_ascii_case(mailbox)
    };
    let others: Vec<&Device> = found.devices.iter().filter(is_other).collect();
    if others.is_empty() {
        return Ok(None);
    }
    let mut facts: Vec<Fact> = others.iter().take(SHOWN).map(|one| fact(one, connectors)).collect();
    if others.len() > SHOWN {
        let href = words::query_value(&text);
        let value = format!("<a href=\"/devices?query={href}\">Show all of them</a>");
        facts.push(Fact { name: "More", value, code: false });
    }
    Ok(Some(Group { title: "Other phones of this person", facts }))
}

fn fact(device: &Device, connectors: &[Connector]) -> Fact {
    let connector = connectors.iter().find(|one| one.id == device.connector);
    let organization = connector.map_or_else(|| "removed".to_owned(), |one| one.name.to_string());
    let facts = &device.facts;
    let what = facts.model.as_deref().or(facts.device_type.as_deref()).unwrap_or("Phone");
    let state = facts.access_state.word();
    let name = words::escape(&words::visible(&format!("{what} {}", device.short_id())));
    let value = format!(
        "<a href=\"/devices/{}\">{name}</a><span class=\"second\">{state}, {organization}</span>",
        device.id
    );
    Fact { name: "Phone", value, code: false }
}
