//! What Exchange had when it was read last, kept so that nobody has to be asked again: each part with
//! its own time, because a plan reads only the parts it needs.

use domain::{Connector, Timestamp, wish::Observed};
use serde_json::{Value as Json, json};

use super::{
    document,
    file::{self, Document},
};
use crate::Engine;

/// What Exchange had when it was read last.
#[derive(Debug)]
pub(crate) struct LastSeen {
    pub(crate) observed: Observed,
    /// When anything was read last.
    pub(crate) at: Timestamp,
    /// When the policies were.
    pub(crate) policies_at: Timestamp,
    /// When rules and default level were: the older of the two.
    pub(crate) rules_at: Timestamp,
}

/// The parts that are read and kept by themselves.
const PARTS: [&str; 4] = ["policies", "access", "rules", "thresholds"];

impl LastSeen {
    /// `None` for a document that another version wrote and this one does not understand.
    fn read(at: Timestamp, kept: &Json) -> Option<Self> {
        let of = |part: &str| kept["times"][part].as_str()?.parse::<Timestamp>().ok();
        Some(Self {
            observed: document::observed(kept)?,
            at,
            policies_at: of("policies").unwrap_or(at),
            rules_at: of("rules").into_iter().chain(of("access")).min().unwrap_or(at),
        })
    }
}

impl Engine {
    /// What Exchange had when it was read last; `None` before the first time.
    pub(crate) async fn last_seen(
        &self,
        connector: &Connector,
    ) -> anyhow::Result<Option<LastSeen>> {
        let kept = self.store().observed(connector.id).await?;
        Ok(kept.and_then(|(at, kept)| LastSeen::read(at, &kept)))
    }

    /// Keeps what was read now, beside what was read before and was not asked for.
    pub(super) async fn keep_seen(
        &self,
        connector: &Connector,
        observed: &Observed,
    ) -> anyhow::Result<()> {
        let now = self.now();
        let before = self.store().observed(connector.id).await?;
        let before = before.map_or(Json::Null, |(_, before)| before);
        let mut kept = document::of_observed(observed);
        for part in PARTS {
            let time = if kept[part].is_null() {
                kept[part] = before[part].clone();
                before["times"][part].clone()
            } else {
                json!(now.to_string())
            };
            kept["times"][part] = time;
        }
        Ok(self.store().set_observed(connector.id, now, &kept).await?)
    }

    /// The wish that holds, read; an empty one where none does, or where it is not understood.
    pub(super) async fn held_wish(&self, connector: &Connector) -> anyhow::Result<Document> {
        let held = self.store().wish(connector.id).await?;
        Ok(held.and_then(|held| file::read(&held.text).ok()).unwrap_or_default())
    }
}
