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
    pace::back_off,
    page::{self, Part},
    service::{Call, MAX_PATIENCE, MAX_TRIES, Service, Trouble, too_many},
};
use crate::{
    CmdletErrorKind, Error, Reply,
    hosted::throttle::{wait_in, wait_of},
};

/// Parts of one batch: the service takes no more.
pub(super) const PARTS: usize = 10;
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
    /// How long the service let us wait since it answered a question last.
    held_up: Duration,
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
        Self { call, query, asked, waiting: VecDeque::new(), tries: 0, held_up: Duration::ZERO }
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
            service.rest(back_off(tries)).await;
        }
        // They stay in the line until they are answered: a question that is given up is put again.
        let most = service.room(PARTS);
        let asked: Vec<Question> = self.asked.iter().take(most).cloned().collect();
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
            Ok(body) => page::read_batch(&body, names).map_err(|error| error.to_string()),
            Err(why) => Err(why.to_owned()),
        };
        let told = wait_of(&answer);
        service.reuse(answer);
        let cmdlet = &self.call.cmdlet;
        let parts = parts.map_err(|why| Error::Protocol(format!("a batch of {cmdlet}: {why}")))?;
        self.asked.drain(..open.len());
        let wait = self.take_all(parts, open, told, service);
        self.waiting.extend(service.take_notices().map(Reply::Notice));
        if self.held_up > MAX_PATIENCE { Err(too_many(wait)) } else { Ok(()) }
    }

    /// Takes the answers to all questions of a batch; gives how long the service wants us to wait.
    fn take_all(
        &mut self,
        parts: Vec<Part>,
        mut open: Vec<(String, Question)>,
        told: Option<Duration>,
        service: &mut Service,
    ) -> Duration {
        let (asked, mut refused, mut wait) = (open.len(), 0, Duration::ZERO);
        for part in parts {
            let Some(at) = open.iter().position(|(id, _)| *id == part.id) else { continue };
            let (_, question) = open.swap_remove(at);
            match self.take(part, question) {
                Taken::Settled => {}
                Taken::Again { tries } => self.tries = self.tries.max(tries),
                Taken::Refused { question, after } => {
                    // It has not failed: it is put again as often as it takes.
                    self.asked.push_back(question);
                    wait = wait.max(service.refused(after.or(told)));
                    refused += 1;
                }
            }
        }
        for (_, question) in open {
            let why = json!({ "message": "the service did not answer this part of a batch" });
            let failure = Failure::read(500, Some(&why), &self.call.cmdlet);
            if let Taken::Again { tries } = self.again_or(failure, question) {
                self.tries = self.tries.max(tries);
            }
        }
        self.held_up = if refused < asked { Duration::ZERO } else { self.held_up + wait };
        wait
    }

    fn address(&self, service: &Service) -> String {
        let Service { tenant, .. } = service;
        format!("{}/adminapi/beta/{tenant}/InvokeCommand{}", service.origin(), self.query)
    }

    /// Takes the answer to one question.
    fn take(&mut self, part: Part, mut question: Question) -> Taken {
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
            return Taken::Settled;
        }
        let failure = Failure::read(status, part.page.error.as_ref(), &self.call.cmdlet);
        let after = retry_after(&part.headers);
        let is_refused = failure.error.kind == CmdletErrorKind::Throttled;
        if is_refused || status == 503 && after.is_some() {
            return Taken::Refused { question, after };
        }
        self.again_or(failure, question)
    }

    /// Puts a question again that failed for what may pass; else the failure is its answer.
    fn again_or(&mut self, failure: Failure, mut question: Question) -> Taken {
        let may_pass = failure.is_passing || failure.error.kind.is_passing();
        question.tries += 1;
        // A link that has ended: the question begins anew.
        let has_ended = question.link.take().is_some();
        let tries = question.tries;
        if (may_pass || has_ended) && tries < MAX_TRIES {
            self.asked.push_back(question);
            return if may_pass { Taken::Again { tries } } else { Taken::Settled };
        }
        let mut error = failure.error;
        error.target = Some(question.input);
        self.waiting.push_back(Reply::Error(error));
        Taken::Settled
    }
}

/// What became of a question.
enum Taken {
    /// It was answered, well or badly, or goes on without a pause.
    Settled,
    /// It is put again after a pause, and was tried so often.
    Again { tries: u32 },
    /// It was not taken: it is to be put again after a while, if that was said.
    Refused { question: Question, after: Option<Duration> },
}

/// How long a part says to wait.
fn retry_after(headers: &Value) -> Option<Duration> {
    let named = |name: &str| {
        let mut headers = headers.as_object()?.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    match named("retry-after")? {
        Value::String(text) => wait_in(text, named("date").and_then(Value::as_str)),
        other => wait_in(&other.to_string(), None),
    }
}
