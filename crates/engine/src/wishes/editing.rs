//! What somebody needs who changes a wish on a page, and the way back from there to a file.

use domain::{
    Caller, Connector, ConnectorName, Permission, PlanId, Timestamp,
    access::Seen,
    wish::{Care, Observed, PlanState, Wish},
};
use store::Revision;

use super::{file, hits::seen_in, writing};
use crate::{Engine, Error};

/// A wish with everything that is shown beside it.
#[derive(Debug, Clone)]
pub struct WishToEdit {
    /// Of which connector.
    pub connector: Connector,
    /// The wish that holds; `None` before the first was applied.
    pub held: Option<Revision>,
    /// The plan whose wish is edited further, instead of the one that holds.
    pub from: Option<PlanId>,
    /// The wish to begin with.
    pub wish: Wish,
    /// The text it was read from, for its comments.
    pub text: Option<String>,
    /// What Exchange had when it was read last, and when that was.
    pub observed: Option<(Timestamp, Observed)>,
    /// What Gatepost looks after.
    pub care: Care,
    /// The values that the organization has, with their numbers of devices.
    pub seen: Seen,
    /// Whether the caller may change it.
    pub may_change: bool,
}

impl WishToEdit {
    /// The revision that a change is based on.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.revision)
    }

    /// A changed wish as a file. Comments stay where they were.
    #[must_use]
    pub fn written(&self, wish: &Wish) -> String {
        writing::write(self.connector.name.as_str(), wish, self.text.as_deref())
    }
}

impl Engine {
    /// The wish of a connector, to be looked at or changed: the one that holds, or that of a plan
    /// which was made of a change and is not applied.
    pub async fn wish_to_edit(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        from: Option<PlanId>,
    ) -> Result<WishToEdit, Error> {
        let scope = caller.scope(Permission::Read)?;
        let connector = self.store().connector(&scope, name).await?;
        let may_change = match caller.scope(Permission::ModifyConnectorPolicy) {
            Ok(scope) => self.store().connector(&scope, name).await.is_ok(),
            Err(_) => false,
        };
        let held = self.store().wish(connector.id).await?;
        let plan = match from {
            Some(id) => Some(self.store().plan(&scope, id).await?),
            None => None,
        };
        // One that was applied, or made before another was, is nothing to go on from.
        let revision = held.as_ref().map_or(0, |held| held.revision);
        let plan = plan.filter(|plan| {
            plan.connector == connector.id
                && plan.revision == revision
                && plan.state != PlanState::Applied
                && !plan.text.is_empty()
        });
        let (from, text) = match (&plan, &held) {
            (Some(plan), _) => (Some(plan.id), Some(plan.text.clone())),
            (None, Some(held)) => (None, Some(held.text.clone())),
            (None, None) => (None, None),
        };
        let wish = match &text {
            Some(text) => {
                let read = file::read(text).map_err(|problems| {
                    Error::Conflict(format!("{}; mend it in its file first", problems[0]))
                })?;
                read.wish
            }
            None => Wish::default(),
        };
        let observed = self.last_seen(&connector).await?.map(|last| (last.at, last.observed));
        let care = self.care(&connector).await?;
        let seen = seen_in(&self.store().device_groups(connector.id).await?);
        Ok(WishToEdit { connector, held, from, wish, text, observed, care, seen, may_change })
    }
}
