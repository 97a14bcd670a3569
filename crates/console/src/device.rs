//! One device: state and why on top, then what can be done, what goes on and what happened, then facts
//! in groups, then everything else.

mod explanation;
mod offers;
mod recent;
mod siblings;
mod timeline;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    AccessState, Connector, Device, DeviceId, Permission, Timestamp, WipeStatus, access::Hosting,
    connector::ConnectorState,
};
use engine::{Engine, Explained};
use jiff::SignedDuration;
use serde::Deserialize;

use self::{
    explanation::Explanation,
    offers::Offers,
    recent::{Ladder, Recent},
    timeline::Timeline,
};
use crate::{
    live::Live,
    page::{self, Fact, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

/// What is older than that is marked: a full sync a day is the usual.
const OLD: SignedDuration = SignedDuration::from_hours(24);

#[derive(Template)]
#[template(path = "device.html", blocks = ["standing", "explanation", "acts", "recent", "timeline"])]
struct DevicePage {
    shell: Shell,
    live: Live,
    address: String,
    name: String,
    tail: String,
    subtitle: String,
    gone: Option<String>,
    /// Where to ask for it to be read again; `None` where nobody reads any more.
    refresh: Option<String>,
    freshness: Freshness,
    state: AccessState,
    explanation: Explanation,
    acts: Offers,
    recent: Vec<Recent>,
    ladder: Option<Ladder>,
    timeline: Timeline,
    /// The whole time line is shown.
    is_whole: bool,
    groups: Vec<Group>,
    other: Vec<(String, String)>,
}

struct Group {
    title: &'static str,
    facts: Vec<Fact>,
}

/// The latest actions of a device that are looked at.
const ACTIONS: u32 = 50;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    seen: String,
    /// `all` for the whole time line.
    #[serde(default)]
    history: String,
}

/// `GET /devices/{id}`
pub(crate) async fn device(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let mut page = DevicePage::read(&engine, &signed_in, id_of(&id)?, &asked).await?;
    page.groups.extend(others(&engine, &signed_in, id_of(&id)?).await?);
    let parts = page.parts()?;
    page.live = page.live(&parts);
    Ok(page::whole(&page))
}

/// The other phones of the same person.
async fn others(
    engine: &Engine,
    signed_in: &SignedIn,
    id: DeviceId,
) -> Result<Option<Group>, Problem> {
    let scope = signed_in.caller.scope(Permission::ReadResource)?;
    let device = engine.store().device(&scope, id).await?;
    let connectors = engine.store().connectors(&scope).await?;
    siblings::of(engine, &scope, &device, &connectors).await
}

/// `GET /devices/{id}/live?seen=…`: what changed of the parts that live.
pub(crate) async fn live(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let page = DevicePage::read(&engine, &signed_in, id_of(&id)?, &asked).await?;
    let parts = page.parts()?;
    Ok(page.live(&parts).answer(&asked.seen, &parts))
}

fn id_of(text: &str) -> Result<DeviceId, Problem> {
    text.parse().map_err(|_| Problem::not_found("device"))
}

/// `POST /devices/{id}/refresh`: reads it again while the person waits.
pub(crate) async fn refresh(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    engine.refresh_device(&signed_in.caller, id).await?;
    Ok(Redirect::to(&format!("/devices/{id}")).into_response())
}

/// As of when something is true, and whether that is long ago.
pub(crate) struct Freshness {
    /// HTML.
    pub(crate) as_of: String,
    pub(crate) is_old: bool,
}

impl Freshness {
    /// What a device's row is true as of: when it was read, or the last complete pass that found
    /// nothing new about it. A pass says nothing about a device that it did not find.
    pub(crate) fn of(device: &Device, connector: Option<&Connector>, now: Timestamp) -> Self {
        let passes = connector.filter(|_| device.gone_since.is_none());
        let passes = passes.map(|one| [one.last_full_sync, one.last_delta_sync]);
        let passes = passes.into_iter().flatten().flatten();
        let at = passes.fold(device.observed, Ord::max);
        let is_old = now.duration_since(at) > OLD;
        Self { as_of: words::time(Some(at), now, ""), is_old }
    }
}

impl DevicePage {
    async fn read(
        engine: &Engine,
        signed_in: &SignedIn,
        id: DeviceId,
        asked: &Asked,
    ) -> Result<Self, Problem> {
        let scope = signed_in.caller.scope(Permission::ReadResource)?;
        let device = engine.store().device(&scope, id).await?;
        let explained = engine.explain(&signed_in.caller, &device).await?;
        let connectors = engine.store().connectors(&scope).await?;
        let connector = connectors.iter().find(|connector| connector.id == device.connector);
        let actions = engine.store().actions_of_device(&scope, id, ACTIONS).await?;
        let is_whole = asked.history == "all";
        let limit = if is_whole { timeline::MOST } else { timeline::SHOWN };
        let timeline = Timeline::of(engine, signed_in, &device, &actions, limit).await?;
        let shell = Shell::new(Place::Devices, signed_in);
        Ok(Self {
            acts: Offers::of(engine, signed_in, &device, connector).await?,
            recent: recent::of(engine, signed_in, &device, &actions).await?,
            timeline,
            is_whole,
            ..Self::new(shell, &device, &explained, connector, engine.now())
        })
    }

    fn parts(&self) -> Result<Vec<String>, Problem> {
        let rendered: askama::Result<Vec<String>> = [
            self.as_standing().render(),
            self.as_explanation().render(),
            self.as_acts().render(),
            self.as_recent().render(),
            self.as_timeline().render(),
        ]
        .into_iter()
        .collect();
        rendered.map_err(|error| Problem::internal(&error))
    }

    fn live(&self, parts: &[String]) -> Live {
        let history = if self.is_whole { "?history=all" } else { "" };
        let is_busy = self.recent.iter().any(|action| action.is_moving);
        Live::new(&format!("{}/live{history}", self.address), parts, is_busy)
    }

    fn new(
        shell: Shell,
        device: &Device,
        explained: &Explained,
        connector: Option<&Connector>,
        now: Timestamp,
    ) -> Self {
        let connector_name =
            connector.map_or_else(|| "removed".to_owned(), |connector| connector.name.to_string());
        let hosting = connector.map(|one| one.endpoint.hosting()).unwrap_or_default();
        let is_read = connector.is_some_and(|one| one.state != ConnectorState::Removed);
        let facts = &device.facts;
        let said = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(words::visible);
        let what = said(facts.model.as_deref()).or_else(|| said(facts.device_type.as_deref()));
        let owner = device.owner.name.as_deref().or(device.owner.user.as_deref());
        let who = said(owner).unwrap_or_else(|| "Owner not known".to_owned());
        let name = [Some(who), what, said(facts.client_type.as_deref())];
        let display_name = words::visible(&device.display_name());
        let known = [Some(display_name), said(facts.os.as_deref()), Some(connector_name.clone())];
        let mut other: Vec<(String, String)> = facts.other.clone();
        other.extend(device.statistics.iter().flat_map(|statistics| statistics.other.clone()));
        Self {
            shell,
            live: Live::default(),
            address: format!("/devices/{}", device.id),
            acts: Offers::default(),
            recent: Vec::new(),
            ladder: Ladder::of(device, hosting, now),
            timeline: Timeline::default(),
            is_whole: false,
            name: joined(name),
            tail: words::visible(device.short_id()),
            subtitle: joined(known),
            gone: device.gone_since.map(|since| {
                format!(
                    "Missing from the organization since {}.",
                    words::time(Some(since), now, "")
                )
            }),
            refresh: is_read.then(|| format!("/devices/{}/refresh", device.id)),
            freshness: Freshness::of(device, connector, now),
            state: facts.access_state,
            explanation: Explanation::of(explained),
            groups: vec![
                sync_group(device, now),
                phone_group(device),
                owner_group(device),
                wipe_group(device, hosting, now),
                identity_group(device, &connector_name, now),
            ],
            other: other
                .iter()
                .map(|(name, value)| (words::visible(name), words::visible(value)))
                .collect(),
        }
    }
}

fn joined(parts: [Option<String>; 3]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn text(name: &'static str, value: Option<&str>) -> Fact {
    let value = match value.filter(|value| !value.is_empty()) {
        Some(value) => words::breakable(&words::visible(value)),
        None => r#"<span class="quiet">not reported by this client</span>"#.to_owned(),
    };
    Fact { name, value, code: false }
}

fn code(name: &'static str, value: Option<&str>) -> Fact {
    let said = value.is_some_and(|value| !value.is_empty());
    Fact { code: said, ..text(name, value) }
}

fn time(name: &'static str, at: Option<Timestamp>, now: Timestamp, otherwise: &str) -> Fact {
    Fact { name, value: words::time(at, now, otherwise), code: false }
}

fn sync_group(device: &Device, now: Timestamp) -> Group {
    let statistics = device.statistics.clone().unwrap_or_default();
    let never = if device.statistics.is_some() { "never" } else { "not read yet" };
    Group {
        title: "Sync",
        facts: vec![
            time("Last success", statistics.last_success_sync, now, never),
            time("Last attempt", statistics.last_sync_attempt, now, never),
            time("First sync", device.facts.first_sync.or(statistics.first_sync), now, "not known"),
            text("Policy", statistics.policy.as_deref()),
            text("Policy status", statistics.policy_status.as_deref()),
            time("List as of", Some(device.observed), now, ""),
            time("Mailbox as of", device.statistics_observed, now, "not read yet"),
        ],
    }
}

fn phone_group(device: &Device) -> Group {
    let facts = &device.facts;
    Group {
        title: "Phone",
        facts: vec![
            text("Name", facts.friendly_name.as_deref()),
            text("Type", facts.device_type.as_deref()),
            text("Model", facts.model.as_deref()),
            text("System", facts.os.as_deref()),
            text("Language", facts.os_language.as_deref()),
            text("Client", facts.client_type.as_deref()),
            text("Client version", facts.client_version.as_deref()),
            text("User agent", facts.user_agent.as_deref()),
            text("Phone number", facts.phone_number.as_deref()),
            text("Operator", facts.operator.as_deref()),
            code("IMEI", facts.imei.as_deref()),
        ],
    }
}

fn owner_group(device: &Device) -> Group {
    let owner = &device.owner;
    Group {
        title: "Owner",
        facts: vec![
            text("Name", owner.name.as_deref()),
            text("User", owner.user.as_deref()),
            text("Mailbox", owner.mailbox.as_deref()),
            code(
                "Distinguished name",
                owner.user_dn.as_ref().map(domain::DistinguishedName::as_str),
            ),
        ],
    }
}

fn wipe_group(device: &Device, hosting: Hosting, now: Timestamp) -> Group {
    let statistics = device.statistics.clone().unwrap_or_default();
    let status = match (device.statistics.is_some(), statistics.wipe_status) {
        (false, _) => "not read yet",
        (true, WipeStatus::None) => "none asked for",
        (true, WipeStatus::Requested | WipeStatus::Sent) if hosting == Hosting::Hosted => {
            "sent; hosted Exchange never reports back whether the phone was erased"
        }
        (true, WipeStatus::Requested) => "asked for; the phone has not fetched it",
        (true, WipeStatus::Sent) => "fetched by the phone; not acknowledged",
        (true, WipeStatus::Acknowledged) => "acknowledged by the phone",
    };
    Group {
        title: "Wipe",
        facts: vec![
            text("Status", Some(status)),
            time("Asked for", statistics.wipe_requested, now, "never"),
            time("Fetched", statistics.wipe_sent, now, "never"),
            time("Acknowledged", statistics.wipe_acknowledged, now, "never"),
        ],
    }
}

fn identity_group(device: &Device, connector: &str, now: Timestamp) -> Group {
    let facts = &device.facts;
    Group {
        title: "Identity",
        facts: vec![
            code("Device id", facts.device_id.as_deref()),
            code("Exchange GUID", Some(&facts.guid.to_string())),
            code("Id", Some(&device.id.to_string())),
            code("Exchange identity", facts.identity.as_deref()),
            text("Connector", Some(connector)),
            time("Created", facts.when_created, now, "not known"),
            time("Changed", facts.when_changed, now, "not known"),
        ],
    }
}
