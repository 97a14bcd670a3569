//! The guided switch from open to quarantine: who works today is exempted first.

use std::collections::{BTreeMap, HashMap};

use domain::{
    AccessLevel, Connector,
    access::switch::{self, Row},
    wish::{ExemptionWish, MailboxKey, Wish},
};

use super::{file, writing};
use crate::{Engine, Error};

/// Most devices that are exempted one by one; beyond that rules say it better.
const MOST_EXEMPTED: usize = 10_000;

impl Engine {
    /// The wish that exempts the devices that were active in the last days, and then puts everybody
    /// else into quarantine. What else is written down stays as it is.
    pub(super) async fn switching_wish(
        &self,
        connector: &Connector,
        active_days: u32,
    ) -> Result<String, Error> {
        let rows = self.store().access_rows(connector.id).await?;
        let names: Vec<Option<String>> =
            rows.iter().map(|row| row.owner.as_ref().map(|owner| owner.key())).collect();
        let borrowed: Vec<Row<'_>> = rows
            .iter()
            .zip(&names)
            .map(|(row, owner)| Row {
                device_id: row.device_id.as_deref(),
                owner: owner.as_deref(),
                last_sync: row.last_sync,
                state: row.group.state,
                reason: row.group.reason,
            })
            .collect();
        let switch = switch::exempt(&borrowed, self.now(), active_days);
        if switch.to_exempt.len() > MOST_EXEMPTED {
            return Err(Error::Invalid(format!(
                "{} devices were active in {active_days} days, and {MOST_EXEMPTED} can be exempted \
                 one by one; take fewer days, or let their types in by rules first",
                switch.to_exempt.len()
            )));
        }
        let owners = self.owners(connector).await?;
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for index in switch.to_exempt {
            let owner = names[index].as_ref().and_then(|owner| owners.get(owner));
            let (Some(owner), Some(device)) = (owner, &rows[index].device_id) else { continue };
            ids.entry(owner.name.clone()).or_default().push(device.clone());
        }
        let held = self.store().wish(connector.id).await?;
        let mut wish = match &held {
            Some(held) => {
                let read = file::read(&held.text);
                read.map_err(|problems| Error::Conflict(problems[0].to_string()))?.wish
            }
            None => Wish::default(),
        };
        wish.access.default_level = Some(AccessLevel::Quarantine);
        for (mailbox, allow) in ids {
            add(&mut wish.access.exemptions, mailbox, allow);
        }
        let before = held.as_ref().map(|held| held.text.as_str());
        Ok(writing::write(connector.name.as_str(), &wish, before))
    }

    /// The mailboxes of a connector by the key of their distinguished name.
    pub(super) async fn owners(
        &self,
        connector: &Connector,
    ) -> Result<HashMap<String, MailboxKey>, Error> {
        let mut owners = HashMap::new();
        let mut after = String::new();
        loop {
            let (mailboxes, last) = self.store().mailboxes(connector.id, &after).await?;
            for mailbox in mailboxes {
                let Some(guid) = mailbox.guid else { continue };
                let names = [&mailbox.primary_smtp_address, &mailbox.sam_account_name];
                let name = names.into_iter().flatten().next().cloned().unwrap_or_default();
                owners.insert(mailbox.distinguished_name.key(), MailboxKey { guid, name });
            }
            match last {
                Some(last) => after = last,
                None => return Ok(owners),
            }
        }
    }
}

fn add(exemptions: &mut Vec<ExemptionWish>, mailbox: String, allow: Vec<String>) {
    let known = exemptions.iter_mut().find(|one| one.mailbox.eq_ignore_ascii_case(&mailbox));
    match known {
        Some(known) => {
            for id in allow {
                let is_named = |ids: &[String]| ids.iter().any(|one| one.eq_ignore_ascii_case(&id));
                if !is_named(&known.allow) && !is_named(&known.block) {
                    known.allow.push(id);
                }
            }
        }
        None => exemptions.push(ExemptionWish { mailbox, allow, block: Vec::new() }),
    }
}
