//! What a second person decides, and what is taken back.

use domain::{
    Caller, Permission, RequestId, Timestamp,
    audit::{Entry, Event},
};
use store::{Decision, Request, Verdict};

use super::on_request;
use crate::{Engine, Error};

impl Engine {
    /// The requests that wait for somebody's approval, the oldest first.
    pub async fn waiting_for_approval(&self, caller: &Caller) -> Result<Vec<Request>, Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        self.expire_requests().await?;
        Ok(self.store().held_requests(&scope).await?)
    }

    /// How many requests wait for this caller: others asked for them, and the caller may decide.
    pub async fn count_waiting_for(&self, caller: &Caller) -> Result<u64, Error> {
        let Ok(scope) = caller.scope(Permission::Approve) else { return Ok(0) };
        let (held, now) = (self.store().held_requests(&scope).await?, self.now());
        let is_theirs = |request: &&Request| {
            request.person != caller.person && request.expires.is_none_or(|expires| now < expires)
        };
        Ok(held.iter().filter(is_theirs).count() as u64)
    }

    /// Lets a held request go on. Whoever asked for it cannot.
    pub async fn approve_request(&self, caller: &Caller, id: RequestId) -> Result<Request, Error> {
        self.decide_held(caller, id, Verdict::Approved).await
    }

    /// Refuses a held request: nothing of it is sent.
    pub async fn reject_request(&self, caller: &Caller, id: RequestId) -> Result<Request, Error> {
        self.decide_held(caller, id, Verdict::Rejected).await
    }

    async fn decide_held(
        &self,
        caller: &Caller,
        id: RequestId,
        verdict: Verdict,
    ) -> Result<Request, Error> {
        let scope = caller.scope(Permission::Approve)?;
        let request = self.store().request(&scope, id).await?;
        self.must_reach_all(&scope, &request).await?;
        if request.person == caller.person {
            return Err(Error::Refused(
                "whoever asked cannot decide; it takes a second person".to_owned(),
            ));
        }
        if !request.is_held() {
            return Err(Error::Conflict(match &request.decision {
                Some(decision) => {
                    format!("{} has {} it already", decision.name, decision.verdict.word())
                }
                None => "it waits for nobody's approval".to_owned(),
            }));
        }
        if request.expires.is_some_and(|expires| expires <= self.now()) {
            self.expire(&request).await?;
            return Err(Error::Conflict("nobody approved it in time; ask for it again".to_owned()));
        }
        let event = match verdict {
            Verdict::Approved => Event::ActionApproved,
            _ => Event::ActionRejected,
        };
        self.decide(caller, &request, verdict, event).await?;
        self.request(caller, id).await
    }

    /// Takes back what was not sent of a request. Whoever asked may, and whoever may ask for it or
    /// approve it. How many actions were taken back.
    pub async fn cancel_request(&self, caller: &Caller, id: RequestId) -> Result<u64, Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        let request = self.store().request(&scope, id).await?;
        let is_own = request.person == caller.person;
        if !is_own && !caller.may(Permission::Approve) {
            let scope = caller.scope(request.kind.permission())?;
            self.must_reach_all(&scope, &request).await?;
        }
        self.decide(caller, &request, Verdict::Cancelled, Event::ActionCancelled).await
    }

    /// Takes back every wipe that was not sent, of everybody. How many.
    pub async fn cancel_all_wipes(&self, caller: &Caller) -> Result<u64, Error> {
        let scope = caller
            .scope(Permission::Approve)
            .or_else(|_| caller.scope(Permission::DeleteResource))
            .or_else(|_| caller.scope(Permission::WipeDevice))?;
        let mut cancelled = 0;
        for request in self.store().unsent_requests(&scope).await? {
            if !request.kind.is_wipe() {
                continue;
            }
            match self.decide(caller, &request, Verdict::Cancelled, Event::ActionCancelled).await {
                Ok(count) => cancelled += count,
                // It went on meanwhile, or somebody else was quicker.
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(cancelled)
    }

    /// Ends the held requests that nobody approved in time.
    pub(crate) async fn expire_requests(&self) -> Result<(), Error> {
        let scope = self.own_scope()?;
        let now = self.now();
        for request in self.store().held_requests(&scope).await? {
            if request.expires.is_some_and(|expires| expires <= now) {
                self.expire(&request).await?;
            }
        }
        Ok(())
    }

    async fn expire(&self, request: &Request) -> Result<(), Error> {
        let engine = Caller::engine();
        match self.decide(&engine, request, Verdict::Expired, Event::ActionCancelled).await {
            Ok(_) | Err(Error::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn decide(
        &self,
        caller: &Caller,
        request: &Request,
        verdict: Verdict,
        event: Event,
    ) -> Result<u64, Error> {
        let at: Timestamp = self.now();
        let entry = on_request(Entry::of(caller, at, event), request)
            .with("asked by", request.person_name.clone());
        let decision = Decision { verdict, by: caller.person, name: caller.name.clone(), at };
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry.with("decision", verdict.word())]);
        let cancelled = self.store().decide_request(request.id, &decision, &rows).await?;
        log.written();
        self.inner.lane.wake();
        Ok(cancelled)
    }

    /// Who decides about a request must reach everything that it is about.
    async fn must_reach_all(&self, scope: &domain::Scope, request: &Request) -> Result<(), Error> {
        if self.store().reaches_all_of(scope, request.id).await? {
            return Ok(());
        }
        Err(Error::NotFound("a device of the request".to_owned()))
    }
}
