//! One cmdlet for many objects: ten in one request, told apart by their ids.
//!
//! Each part can fail alone, be told to wait, or have further pages; such a part goes into a later
//! batch, with the body it had.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    failure::Failure,
    in_replies,
    object::Names,
    page::{self, Part},
    service::{Call, Service, Trouble},
};
use crate::{Error, Reply};

/// Parts of one batch: the service takes no more.
pub(super) const PARTS: usize = 10;
/// Tries of a part that fails for what may pass.
const MAX_TRIES: u32 = 8;
/// Longest pause between two tries where the service names none.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// Pages of one part: one object has few.
const MAX_PAGES: u32 = 100;

/// One cmdlet that runs for many objects.
#[derive(Debug)]
pub(super) struct Batches {
    call: Call,
    /// What stands in the address behind `InvokeCommand`.
    query: String,
    asked: VecDeque<Question>,
    waiting: VecDeque<Reply>,
    /// Most tries of a question that is put again, where the service did not say how long to wait.
    tries: u32,
}

/// What is asked of one object.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// Which object.
    pub(super) input: String,
    pub(super) body: Value,
    /// Where its next page is.
    pub(super) link: Option<String>,
    pub(super) tries: u32,
    pub(super) pages: u32,
}

impl Question {
    pub(super) fn new(input: &str, body: Value) -> Self {
        Self { input: input.to_owned(), body, link: None, tries: 0, pages: 0 }
    }
}

impl Batches {
    /// `call` is that of the batch, but for its body.
    pub(super) fn new(call: Call, query: String, asked: VecDeque<Question>) -> Self {
        Self { call, query, asked, waiting: VecDeque::new(), tries: 0 }
    }

    /// The next reply; `None` at the end.
    pub(super) async fn next(
        &mut self,
        service: &mut Service,
        names: &mut Names,
    ) -> Result<Option<Reply>, Error> {
        loop {
            if let Some(reply) = self.waiting.pop_front() {
                return Ok(Some(reply));
            }
            if self.asked.is_empty() {
                return Ok(None);
            }
            self.fetch(service, names).await?;
        }
    }

    async fn fetch(&mut self, service: &mut Service, names: &mut Names) -> Result<(), Error> {
        let tries = std::mem::take(&mut self.tries);
        if tries > 0 {
            let wait = Duration::from_secs(1 << (tries - 1).min(6)).min(MAX_BACKOFF);
            service.settings.clock.sleep(wait).await;
        }
        // They stay in the line until they are answered: a question that is given up is put again.
        let asked: Vec<Question> = self.asked.iter().take(PARTS).cloned().collect();
        let address = self.address(service);
        let mut requests = Vec::with_capacity(asked.len());
        let mut open: Vec<(String, Question)> = Vec::with_capacity(asked.len());
        for question in asked {
            let id = Uuid::new_v4().to_string();
            let url = question.link.as_deref().unwrap_or(&address);
            requests.push(json!({
                "id": id,
                "method": "POST",
                "url": url,
                "headers": { "Content-Type": "application/json", "Prefer": super::PREFER },
                "body": question.body,
            }));
            open.push((id, question));
        }
        let body = serde_json::to_vec(&json!({ "requests": requests }));
        let body = body.map_err(|error| Error::Protocol(error.to_string()))?;
        let call = Call { method: Method::POST, body: Bytes::from(body), ..self.call.clone() };
        let answer = service.call(&call).await.map_err(|trouble| match trouble {
            Trouble::Failed(failure) => failure.error.into(),
            Trouble::Error(error) => error,
        })?;
        let parts = match answer.plain() {
            Some(body) => page::read_batch(&body, names).map_err(|error| error.to_string()),
            None => Err("it cannot be unpacked".to_owned()),
        };
        service.reuse(answer);
        let cmdlet = &self.call.cmdlet;
        let parts = parts.map_err(|why| Error::Protocol(format!("a batch of {cmdlet}: {why}")))?;
        self.asked.drain(..open.len());
        self.waiting.extend(service.take_notices().into_iter().map(Reply::Notice));
        for part in parts {
            if let Some(at) = open.iter().position(|(id, _)| *id == part.id) {
                let (_, question) = open.swap_remove(at);
                self.take(part, question, service);
            }
        }
        for (_, question) in open {
            let why = json!({ "message": "the service did not answer this part of a batch" });
            let failure = Failure::read(500, Some(&why), &self.call.cmdlet);
            let tries = self.again_or(failure, question);
            self.tries = self.tries.max(tries.unwrap_or_default());
        }
        Ok(())
    }

    fn address(&self, service: &Service) -> String {
        let Service { tenant, .. } = service;
        format!("{}/adminapi/beta/{tenant}/InvokeCommand{}", service.origin(), self.query)
    }

    /// Takes the answer to one question.
    fn take(&mut self, part: Part, mut question: Question, service: &Service) {
        let unsaid = if part.page.error.is_some() { 400 } else { 200 };
        let status = part.status.unwrap_or(unsaid);
        if (200..300).contains(&status) && part.page.error.is_none() {
            let page = part.page;
            self.waiting.extend(in_replies(page.objects, page.warnings));
            question.pages += 1;
            if page.next.is_some() && question.pages < MAX_PAGES {
                question.link = page.next;
                self.asked.push_back(question);
            }
            return;
        }
        let mut is_told = status == 429;
        if is_told || status == 503 {
            let told = part.headers.as_object().and_then(|headers| {
                let mut named = headers.iter();
                let (_, value) =
                    named.find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
                value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
            });
            is_told |= told.is_some();
            let least = u64::from(is_told);
            let wait = Duration::from_secs(told.unwrap_or(least));
            service.settings.shared.throttle.pause(service.now(), wait);
        }
        let failure = Failure::read(status, part.page.error.as_ref(), &self.call.cmdlet);
        let tries = self.again_or(failure, question).filter(|_| !is_told);
        self.tries = self.tries.max(tries.unwrap_or_default());
    }

    /// Puts a question again that failed for what may pass; else the failure is its answer. Gives how
    /// often it was tried, if it is to be tried again after a while.
    fn again_or(&mut self, failure: Failure, mut question: Question) -> Option<u32> {
        let may_pass = failure.is_passing || failure.error.kind.is_passing();
        question.tries += 1;
        // A link that has ended: the question begins anew.
        let has_ended = question.link.take().is_some();
        let tries = question.tries;
        if (may_pass || has_ended) && tries < MAX_TRIES {
            self.asked.push_back(question);
            return may_pass.then_some(tries);
        }
        let mut error = failure.error;
        error.target = Some(question.input);
        self.waiting.push_back(Reply::Error(error));
        None
    }
}
