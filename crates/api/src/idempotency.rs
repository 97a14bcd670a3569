//! `Idempotency-Key`: a change that was sent twice happens once and is answered the same.
//!
//! A client that lost the answer repeats its request with the same key. Answers are remembered in
//! memory, for as many keys as [`Answers::CAPACITY`]: a key is for the retry of the next minutes,
//! not for ever, and a server that starts anew still has the rules of the engine, under which the
//! changes there are (add, remove, sync) do no harm when repeated.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes, HttpBody as _, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use domain::{Caller, PersonId};

use crate::{MAX_BODY_BYTES, problem::Problem};

/// The header's name.
const HEADER: &str = "idempotency-key";
/// Longest key: a UUID is 36 characters, and nobody needs ten of them.
const MAX_KEY_BYTES: usize = 255;
/// Answers larger than this are given and not kept: the file of an import or a plan with thousands of
/// changes may be, and neither does harm when it is made twice.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The answers given to keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    by_key: HashMap<String, Entry>,
    order: VecDeque<String>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// A hash of what the key was first sent with; the request itself may hold a password.
    asked: u64,
    /// `None` while the first request with the key is still being worked on.
    answer: Option<Answer>,
}

#[derive(Debug, Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answers {
    /// Keys remembered, the oldest forgotten first: a busy automation's last minutes.
    const CAPACITY: usize = 1000;

    /// The answer that was given to `key`; `Ok(None)` lets the request through and keeps the key.
    fn begin(&self, key: &str, asked: u64) -> Result<Option<Answer>, Problem> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = remembered.by_key.get(key) {
            return match &entry.answer {
                _ if entry.asked != asked => Err(Problem::key_reused()),
                Some(answer) => Ok(Some(answer.clone())),
                None => Err(Problem::conflict(
                    "the first request with this Idempotency-Key is still being worked on",
                    "wait a moment and send it again",
                )),
            };
        }
        if remembered.order.len() == Self::CAPACITY
            && let Some(oldest) = remembered.order.pop_front()
        {
            remembered.by_key.remove(&oldest);
        }
        remembered.order.push_back(key.to_owned());
        remembered.by_key.insert(key.to_owned(), Entry { asked, answer: None });
        Ok(None)
    }

    fn finish(&self, key: &str, answer: Answer) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = remembered.by_key.get_mut(key) {
            entry.answer = Some(answer);
        }
    }

    /// Gives the key free again.
    fn forget(&self, key: &str) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.by_key.remove(key);
        remembered.order.retain(|kept| kept != key);
    }
}

/// The key of a request, if it has one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(HEADER) else { return Ok(None) };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAX_KEY_BYTES => Ok(Some(key.to_owned())),
        _ => Err(unusable_key()),
    }
}

/// Answers a repeated change from memory, and remembers the answer to a new one.
pub(crate) async fn remember(
    State(answers): State<Answers>,
    request: Request,
    next: Next,
) -> Response {
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // Two people may choose the same key; neither gets the other's answer.
    let caller = request.extensions().get::<Caller>().map(|caller| caller.person);
    let key = match key(request.headers()) {
        Ok(Some(key)) if is_change => format!("{} {key}", caller.unwrap_or(PersonId::ENGINE)),
        Ok(_) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    match answer(&answers, &key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    answers: &Answers,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| Problem::too_large(format_args!("the body is over {MAX_BODY_BYTES} bytes")))?;
    let mut hasher = DefaultHasher::new();
    // Who asks belongs to the request: the answer to one is not for another to see.
    let token = parts.headers.get(header::AUTHORIZATION);
    (&parts.method, &parts.uri, &body, token).hash(&mut hasher);
    if let Some(answer) = answers.begin(key, hasher.finish())? {
        return Ok((answer.status, answer.headers, answer.body).into_response());
    }
    let mut guard = Unanswered { answers, key, is_answered: false };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if response.body().size_hint().lower() > MAX_ANSWER_BYTES as u64 {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ANSWER_BYTES).await.map_err(|_| Problem::internal())?;
    // A fault of the server or a lost moment is no answer to keep: the retry is to try again.
    if !parts.status.is_server_error() {
        let kept = [header::CONTENT_TYPE, header::LOCATION];
        let headers = parts.headers.iter().filter(|(name, _)| kept.contains(name));
        let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
        answers.finish(key, Answer { status: parts.status, headers, body: body.clone() });
        guard.is_answered = true;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Gives a key free again whose request came to no answer, the client that hung up included.
struct Unanswered<'a> {
    answers: &'a Answers,
    key: &'a str,
    is_answered: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.answers.forget(self.key);
        }
    }
}

fn unusable_key() -> Problem {
    Problem::invalid(
        format_args!("the Idempotency-Key is not 1 to {MAX_KEY_BYTES} printable characters"),
        "send a new UUID for each new request",
    )
}
