//! Sessions of a connector: few, used by many, the urgent first.
//!
//! Whoever wants something of Exchange takes a [`Lease`]: the right to use one session, and the
//! session itself. Between two cmdlets a pass gives way to what is urgent, so nobody waits for more
//! than one cmdlet, even where the account may have one session only.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use domain::{Connector, ConnectorId, Timestamp, connector::Runspaces};
use exchange::{Knowledge, Spent};
use jiff::SignedDuration;
use store::OpenShell;
use tokio::sync::oneshot;

use crate::{
    Engine,
    budget::{Budget, BudgetGauge},
    hosted::Party,
    link::OpenOrganization,
};

/// A session is given back before Exchange would end it: an idle one after fifteen minutes, and none
/// lives well for much longer.
const LIFE: SignedDuration = SignedDuration::from_mins(12);
/// An idle session is given back, for others may want its place.
const IDLE: SignedDuration = SignedDuration::from_mins(3);

/// How soon something is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Somebody waits for it, or it must not wait.
    Interactive,
    /// It is for the inventory.
    Background,
}

/// The sessions of all connectors.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<ConnectorId, Arc<Pool>>>);

/// The sessions of one connector.
#[derive(Debug)]
pub(crate) struct Pool(Mutex<State>);

#[derive(Debug)]
struct State {
    budget: Budget,
    in_use: usize,
    idle: Vec<Held>,
    interactive: VecDeque<oneshot::Sender<Place>>,
    background: VecDeque<oneshot::Sender<Place>>,
    knowledge: Option<Knowledge>,
    /// The endpoint that was connected to last.
    current: Option<String>,
    /// Endpoints that are known to lead to the connector's organization.
    verified: BTreeSet<String>,
    /// When an endpoint that is preferred to the current one may be tried again.
    go_back_at: Option<Timestamp>,
    /// Whether no endpoint answered the last time.
    is_lost: bool,
    /// What the sessions with a hosted organization have in common.
    party: Option<Party>,
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) organization: OpenOrganization,
    pub(crate) endpoint: String,
    /// What is noted of the session, where the server would keep it without us.
    pub(crate) shell: Option<OpenShell>,
    opened: Timestamp,
    used: Timestamp,
}

impl Held {
    pub(crate) fn new(
        organization: OpenOrganization,
        endpoint: String,
        shell: Option<OpenShell>,
        now: Timestamp,
    ) -> Self {
        Self { organization, endpoint, shell, opened: now, used: now }
    }

    pub(crate) fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.opened) >= LIFE || now.duration_since(self.used) >= IDLE
    }
}

/// The right to use one session. Given back when dropped.
#[derive(Debug)]
struct Place(Arc<Pool>);

impl Drop for Place {
    fn drop(&mut self) {
        let next = self.0.state().free_place();
        // What is sent may come back, if whoever waited has gone: then it is dropped here, outside
        // of the lock, and the next one has it.
        if let Some(next) = next {
            drop(next.send(Self(Arc::clone(&self.0))));
        }
    }
}

impl State {
    /// Takes a place, if one is free and nobody waits for it.
    fn take_place(&mut self, urgency: Urgency) -> bool {
        // Who gave up waiting is in nobody's way.
        self.interactive.retain(|waiting| !waiting.is_closed());
        self.background.retain(|waiting| !waiting.is_closed());
        let is_first = self.interactive.is_empty()
            && (urgency == Urgency::Interactive || self.background.is_empty());
        let is_free = is_first && self.in_use < self.budget.allowance();
        self.in_use += usize::from(is_free);
        is_free
    }

    /// Who waits, the urgent first.
    fn next_in_line(&mut self) -> Option<oneshot::Sender<Place>> {
        self.interactive.pop_front().or_else(|| self.background.pop_front())
    }

    /// Who has the place that becomes free; nobody if it is one too many now.
    fn free_place(&mut self) -> Option<oneshot::Sender<Place>> {
        let is_allowed = self.in_use <= self.budget.allowance();
        let next = is_allowed.then(|| self.next_in_line()).flatten();
        self.in_use -= usize::from(next.is_none());
        next
    }

    /// Who comes in, now that more sessions may be used than before.
    fn admit(&mut self) -> Option<oneshot::Sender<Place>> {
        let is_free = self.in_use < self.budget.allowance();
        let next = is_free.then(|| self.next_in_line()).flatten();
        self.in_use += usize::from(next.is_some());
        next
    }
}

impl Pool {
    fn new(most: Runspaces) -> Self {
        Self(Mutex::new(State {
            budget: Budget::new(most),
            in_use: 0,
            idle: Vec::new(),
            interactive: VecDeque::new(),
            background: VecDeque::new(),
            knowledge: None,
            current: None,
            verified: BTreeSet::new(),
            go_back_at: None,
            is_lost: false,
            party: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, if one is free and nobody waits for it.
    fn free_place(self: &Arc<Self>, urgency: Urgency) -> Option<Place> {
        self.state().take_place(urgency).then(|| Place(Arc::clone(self)))
    }

    async fn place(self: &Arc<Self>, urgency: Urgency) -> Option<Place> {
        let waiting = {
            let mut state = self.state();
            if state.take_place(urgency) {
                return Some(Place(Arc::clone(self)));
            }
            let (sender, waiting) = oneshot::channel();
            match urgency {
                Urgency::Interactive => state.interactive.push_back(sender),
                Urgency::Background => state.background.push_back(sender),
            }
            waiting
        };
        waiting.await.ok()
    }

    /// Lets those in who wait, now that more sessions may be used than before.
    fn admit(self: &Arc<Self>) {
        loop {
            let next = self.state().admit();
            let Some(next) = next else { return };
            // Whoever has gone gives it back, outside of the lock.
            drop(next.send(Place(Arc::clone(self))));
        }
    }

    /// How long what is not urgent has to wait for Exchange's limit of cmdlets, if it has to.
    pub(crate) fn rest(&self, now: Timestamp) -> Option<Duration> {
        self.state().budget.rest(now)
    }

    /// Whether something urgent waits.
    pub(crate) fn is_wanted(&self) -> bool {
        let mut state = self.state();
        state.interactive.retain(|waiting| !waiting.is_closed());
        !state.interactive.is_empty()
    }

    pub(crate) fn knowledge(&self) -> Option<Knowledge> {
        self.state().knowledge.clone()
    }

    /// Notes which endpoint is spoken to; the one before, if it is another.
    pub(crate) fn connected(&self, endpoint: &str) -> Option<String> {
        let mut state = self.state();
        state.is_lost = false;
        let before = state.current.replace(endpoint.to_owned());
        before.filter(|before| before != endpoint)
    }

    /// Notes that no endpoint answers; whether one did before.
    pub(crate) fn lost_all(&self) -> bool {
        !std::mem::replace(&mut self.state().is_lost, true)
    }

    /// Notes when an endpoint that is preferred to the current one may be tried again.
    pub(crate) fn go_back_at(&self, at: Option<Timestamp>) {
        self.state().go_back_at = at;
    }

    /// Whether another endpoint is to be tried in place of this one.
    pub(crate) fn is_second_best(&self, endpoint: &str, now: Timestamp) -> bool {
        let state = self.state();
        let is_current = state.current.as_deref() == Some(endpoint);
        !is_current || state.go_back_at.is_some_and(|at| at <= now)
    }

    /// Whether an endpoint is known to lead to the connector's organization.
    pub(crate) fn is_verified(&self, endpoint: &str) -> bool {
        self.state().verified.contains(endpoint)
    }

    pub(crate) fn verify(&self, endpoint: &str) {
        self.state().verified.insert(endpoint.to_owned());
    }

    pub(crate) fn refused(&self, now: Timestamp) {
        self.state().budget.refused(now);
    }

    /// Takes idle sessions out.
    pub(crate) fn take_idle(&self, which: impl Fn(&Held) -> bool) -> Vec<Held> {
        let mut state = self.state();
        let (taken, left) = std::mem::take(&mut state.idle).into_iter().partition(which);
        state.idle = left;
        taken
    }

    /// Forgets what was learned: the connector has changed.
    pub(crate) fn forget(&self, most: Runspaces) {
        let mut state = self.state();
        state.budget.set_most(most);
        state.knowledge = None;
        state.current = None;
        state.go_back_at = None;
        state.verified.clear();
        state.party = None;
    }

    /// What the sessions with a hosted organization have in common.
    pub(crate) fn party(&self) -> Option<Party> {
        self.state().party.clone()
    }

    /// Keeps what the sessions have in common; where somebody was faster, what they kept.
    pub(crate) fn join(&self, party: Party) -> Party {
        self.state().party.get_or_insert(party).clone()
    }

    fn gauge(&self, now: Timestamp) -> BudgetGauge {
        let mut state = self.state();
        let gauge = state.budget.gauge(now);
        BudgetGauge {
            in_use: state.in_use,
            idle: state.idle.len(),
            waiting: state.interactive.len() + state.background.len(),
            ..gauge
        }
    }
}

/// The right to use one session, and the session once it is open.
#[derive(Debug)]
pub(crate) struct Lease {
    place: Option<Place>,
    held: Option<Held>,
    pool: Arc<Pool>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.step_aside();
    }
}

impl Lease {
    /// Gives the right to use a session back for a while, and the session with it.
    pub(crate) fn step_aside(&mut self) {
        if let Some(held) = self.held.take() {
            self.pool.state().idle.push(held);
        }
        self.place = None;
    }

    /// The organization behind the session.
    pub(crate) fn organization(&mut self) -> anyhow::Result<&mut OpenOrganization> {
        let held = self.held.as_mut().context("the session was not opened again")?;
        Ok(&mut held.organization)
    }

    /// The session, if it is open.
    pub(crate) fn held(&mut self) -> Option<&mut Held> {
        self.held.as_mut()
    }

    /// Takes the session out; it is lost, or will be closed.
    pub(crate) fn take(&mut self) -> Option<Held> {
        self.held.take()
    }

    pub(crate) fn hold(&mut self, held: Held) {
        self.held = Some(held);
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Adds what the session has cost to the budget, and tells it.
    pub(crate) fn settle(&mut self, now: Timestamp) -> Spent {
        let Some(held) = &mut self.held else { return Spent::default() };
        held.used = now;
        let spent = held.organization.take_spent();
        {
            let mut state = self.pool.state();
            state.budget.spent(now, spent);
            state.knowledge = Some(held.organization.knowledge());
        }
        self.pool.admit();
        spent
    }

    /// Lets those go first who wait for something urgent, and comes in again after having stepped
    /// aside. Afterwards there may be another session, or none.
    pub(crate) async fn give_way(&mut self) {
        if self.place.is_none() || self.pool.is_wanted() {
            self.step_aside();
            self.place = self.pool.place(Urgency::Background).await;
            self.held = self.pool.state().idle.pop();
        }
    }
}

impl Sessions {
    pub(crate) fn pool(&self, connector: &Connector) -> Arc<Pool> {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools
            .entry(connector.id)
            .or_insert_with(|| Arc::new(Pool::new(connector.options.runspaces)));
        Arc::clone(pool)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Pool>> {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.values().cloned().collect()
    }

    pub(crate) fn remove(&self, connector: ConnectorId) -> Option<Arc<Pool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&connector)
    }
}

impl Engine {
    /// Waits for the right to use a session. The session itself may not be open yet.
    pub(crate) async fn place(&self, connector: &Connector, urgency: Urgency) -> Lease {
        let pool = self.inner.sessions.pool(connector);
        let place = pool.place(urgency).await;
        self.leased(pool, place).await
    }

    /// The right to use one more session, if there is one now.
    pub(crate) async fn one_more_place(&self, connector: &Connector) -> Option<Lease> {
        let pool = self.inner.sessions.pool(connector);
        let place = pool.free_place(Urgency::Background)?;
        Some(self.leased(pool, Some(place)).await)
    }

    async fn leased(&self, pool: Arc<Pool>, place: Option<Place>) -> Lease {
        let now = self.now();
        loop {
            let held = pool.state().idle.pop();
            match held {
                Some(held) if held.is_old(now) => self.close(held).await,
                held => return Lease { place, held, pool },
            }
        }
    }

    /// What a connector uses of Exchange.
    #[must_use]
    pub fn budget(&self, connector: &Connector) -> BudgetGauge {
        self.inner.sessions.pool(connector).gauge(self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::CALM;

    #[tokio::test]
    async fn who_waits_comes_in_when_more_sessions_may_be_used_and_the_urgent_first() {
        let pool = Arc::new(Pool::new(Runspaces::default()));
        let first = pool.place(Urgency::Background).await.unwrap();
        let background = pool.place(Urgency::Background);
        let urgent = pool.place(Urgency::Interactive);
        let (mut background, mut urgent) = (std::pin::pin!(background), std::pin::pin!(urgent));
        assert!(ready(background.as_mut()).await.is_none());
        assert!(ready(urgent.as_mut()).await.is_none());
        let calm = Spent { cmdlets: CALM, ..Spent::default() };
        pool.state().budget.spent(Timestamp::UNIX_EPOCH, calm);
        pool.admit();
        assert!(ready(background.as_mut()).await.is_none());
        let second = ready(urgent.as_mut()).await.unwrap();
        drop(second);
        let third = ready(background.as_mut()).await.unwrap();
        assert_eq!(pool.state().in_use, 2);
        drop((first, third));
        assert_eq!(pool.state().in_use, 0);
    }

    /// The value of a future that is ready now.
    async fn ready<T>(
        mut future: std::pin::Pin<&mut impl Future<Output = Option<T>>>,
    ) -> Option<T> {
        std::future::poll_fn(|context| match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => std::task::Poll::Ready(value),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        })
        .await
    }
}
