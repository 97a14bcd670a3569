//! Signs of a wipe in hosted Exchange, which never reports back what became of it: the device is gone,
//! the same person has come with another id on a phone of the same kind, or the wipe was taken back.

use domain::{Connector, Device, WipeStatus, access::Hosting};
use jiff::SignedDuration;
use store::Action;

use super::sending::UNREPORTED;
use crate::Engine;

/// So long after a wipe its signs are looked for.
const LOOKED_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Wipes that are looked at after one pass.
const MOST_WIPES: u32 = 1_000;
/// Devices of a person that are looked at; Exchange allows a hundred.
const MOST_OF_A_PERSON: u32 = 200;

/// How a wipe ended, which no sign changes, and the signs as they are now.
fn with_sign(note: Option<&str>, sign: &str) -> String {
    let (end, _) = note.map(|note| note.split_once("; ").unwrap_or((note, ""))).unzip();
    format!("{}; {sign}", end.unwrap_or(UNREPORTED))
}

impl Engine {
    /// Notes what a pass has seen of the devices that were wiped, beside the wipe.
    pub(crate) async fn look_for_signs(&self, connector: &Connector) -> anyhow::Result<()> {
        if connector.endpoint.hosting() != Hosting::Hosted {
            return Ok(());
        }
        let since = self.now() - LOOKED_FOR;
        for action in self.store().unverifiable_wipes(connector.id, since, MOST_WIPES).await? {
            let Some(sign) = self.sign_of(&action).await? else { continue };
            let note = with_sign(action.note.as_deref(), &sign);
            if action.note.as_deref() == Some(note.as_str()) {
                continue;
            }
            let request = self.store().request(&self.own_scope()?, action.request).await?;
            let from = action.state;
            let noted = Action { note: Some(note), ..action };
            let entry = self.observed_entry(&request, &noted, &sign);
            self.write(&noted, from, &[entry]).await?;
        }
        Ok(())
    }

    async fn sign_of(&self, action: &Action) -> anyhow::Result<Option<String>> {
        let scope = self.own_scope()?;
        let device = match self.store().device(&scope, action.device).await {
            Ok(device) => device,
            Err(store::Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let after = self.comes_after(action, &device).await?;
        let gone = device.gone_since.map(|since| format!("the device is gone since {since}"));
        // It was seen to be asked for, or nobody would say that nothing is reported of it.
        let was_seen = action.note.as_deref().is_some_and(|note| note.starts_with(UNREPORTED));
        let wipe = device.statistics.as_ref().map(|statistics| statistics.wipe_status);
        let is_back = was_seen && gone.is_none() && wipe == Some(WipeStatus::None);
        let back = is_back.then(|| "no wipe is asked of the device any more".to_owned());
        let signs: Vec<String> = gone.into_iter().chain(back).chain(after).collect();
        Ok((!signs.is_empty()).then(|| signs.join(", and ")))
    }

    /// A phone of the same person and kind that came after the wipe.
    async fn comes_after(
        &self,
        action: &Action,
        device: &Device,
    ) -> anyhow::Result<Option<String>> {
        let (Some(user), Some(intended)) = (&device.owner.user, action.intended) else {
            return Ok(None);
        };
        let user = user.replace(['\\', '"'], "*");
        let Ok(query) = domain::Query::parse(&format!("user:\"{user}\"")) else { return Ok(None) };
        let page = store::Page { after: None, limit: MOST_OF_A_PERSON, now: self.now() };
        let found = self.store().devices(&self.own_scope()?, &query, page).await?;
        let owner = |one: &Device| one.owner.user_dn.as_ref().map(|dn| dn.key());
        let came = |one: &Device| {
            let statistics = one.statistics.as_ref();
            let first = statistics.and_then(|statistics| statistics.first_sync);
            first.or(one.facts.when_created).filter(|at| *at > intended)
        };
        let new = found.devices.iter().find_map(|one| {
            let is_of_same = one.connector == device.connector
                && one.id != device.id
                && owner(one) == owner(device)
                && one.facts.device_type == device.facts.device_type;
            came(one).filter(|_| is_of_same).map(|at| (super::readable(one), at))
        });
        Ok(new.map(|(name, at)| format!("the same person has come with {name} since {at}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_behind_how_a_wipe_ended_and_replace_older_ones() {
        let first = with_sign(Some("Exchange shows no effect"), "the device is gone");
        assert_eq!(first, "Exchange shows no effect; the device is gone");
        let second = with_sign(Some(&first), "it is gone, and another has come");
        assert_eq!(second, "Exchange shows no effect; it is gone, and another has come");
        assert_eq!(with_sign(None, "gone"), format!("{UNREPORTED}; gone"));
    }
}
