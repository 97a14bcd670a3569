//! What was made a short while ago, and by order is not found yet.

use jiff::{SignedDuration, Timestamp};
use psrp::clixml::Value;
use uuid::Uuid;

use super::{Made, Service};
use crate::{
    cmdlets::{Invocation, MANAGEMENT_OBJECT_NOT_FOUND, Problem},
    wire::locked,
};

/// Longer than anything that was made is ever hidden.
const MADE_LONG_AGO: SignedDuration = SignedDuration::from_hours(1);

impl Service {
    pub(super) fn remember_made(&self, now: Timestamp, values: &[Value]) {
        let mut made = locked(&self.made);
        made.retain(|one| now.duration_since(one.at) < MADE_LONG_AGO);
        for value in values {
            let Some(guid) = value.property("Guid").and_then(Value::as_guid) else { continue };
            let texts = ["Name", "Guid", "Identity", "DistinguishedName"];
            let texts = texts.iter().filter_map(|name| value.property(name)?.text());
            let names = texts.map(|text| text.to_lowercase()).collect();
            made.push(Made { guid, names, at: now });
        }
    }

    /// What was made so short a while ago that it is not found yet, by order.
    pub(super) fn hidden(&self, now: Timestamp) -> Vec<Uuid> {
        let Some(seconds) = self.faults().hosted.not_there_yet_seconds else { return Vec::new() };
        let wait = SignedDuration::from_secs(seconds.into());
        let made = locked(&self.made);
        made.iter().filter(|one| now.duration_since(one.at) < wait).map(|one| one.guid).collect()
    }

    pub(super) fn not_there_yet(&self, now: Timestamp, invocation: &Invocation) -> Option<Problem> {
        let is_identity =
            |name: &Option<String>| name.as_ref().is_some_and(|name| name == "Identity");
        let (_, identity) = invocation.parameters.iter().find(|(name, _)| is_identity(name))?;
        let identity = identity.text()?.into_owned();
        let hidden = self.hidden(now);
        let lower = identity.to_lowercase();
        let made = locked(&self.made);
        let named = |one: &&Made| hidden.contains(&one.guid) && one.names.contains(&lower);
        made.iter().find(named)?;
        let class = "Microsoft.Exchange.Configuration.Tasks.Task";
        let message = format!(
            "The operation couldn't be performed because object '{identity}' couldn't be found on \
             'AM6PR08A01DC001.EURPR08A001.prod.outlook.com'."
        );
        Some(Problem::of_task(&invocation.name, class, MANAGEMENT_OBJECT_NOT_FOUND, message))
    }
}
