//! Several calls in one, answered in an order of the service's own.

use hyper::{HeaderMap, StatusCode, header::HeaderName};
use jiff::SignedDuration;
use serde_json::Value as Json;

use super::{
    Service,
    command::{Caller, Manner},
    failure, json,
    reply::Reply,
};
use crate::wire::locked;

/// The most calls in a batch.
const MAX_CALLS: usize = 10;

impl Service {
    /// `POST $batch`
    pub(super) fn batch(&self, caller: &Caller, manner: &Manner, body: &[u8]) -> Reply {
        let parsed: Result<Json, _> = serde_json::from_slice(body);
        let Some(calls) = parsed.as_ref().ok().and_then(|body| body["requests"].as_array()) else {
            return failure::bad_request("The batch has no requests.");
        };
        if calls.len() > MAX_CALLS {
            return failure::bad_request("A batch holds no more than 10 requests.");
        }
        let now = self.time();
        let early = {
            let mut pace = locked(&self.pace);
            let mut entries = self.ledger.lock();
            entries.hosted.batches += 1;
            pace.early(&manner.session, now, &mut entries.hosted)
        };
        if let Some(early) = early {
            return early;
        }
        let (mut answers, mut wait, mut is_cut) = (Vec::new(), SignedDuration::ZERO, false);
        for call in calls {
            let refused = {
                let (faults, mut pace) = (self.faults().clone(), locked(&self.pace));
                let used = &mut self.ledger.lock().hosted;
                pace.take(&self.options.habits, &faults, now, used)
            };
            let reply = match refused {
                Some((reply, longer)) => {
                    wait = wait.max(longer);
                    reply
                }
                None => self.part(caller, manner, call),
            };
            is_cut |= reply.is_cut;
            answers.push(answer(call["id"].as_str().unwrap_or_default(), &reply));
        }
        locked(&self.pace).hold(&manner.session, now, wait);
        answers.reverse();
        let body = format!("{{\"responses\":[{}]}}", answers.join(","));
        Reply { is_cut, ..Reply::page(StatusCode::OK, body) }
    }

    fn part(&self, caller: &Caller, whole: &Manner, call: &Json) -> Reply {
        let url = call["url"].as_str().unwrap_or_default();
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let mut parts = path.trim_end_matches('/').rsplit('/');
        let is_ours = parts.next() == Some("InvokeCommand")
            && parts.next().is_none_or(|tenant| self.is_tenant(tenant));
        let is_post = call["method"].as_str().is_some_and(|one| one.eq_ignore_ascii_case("POST"));
        if !is_ours || !is_post {
            return failure::bad_request("Only InvokeCommand is taken in a batch.");
        }
        let mut headers = HeaderMap::new();
        for (name, value) in call["headers"].as_object().into_iter().flatten() {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = value.as_str().and_then(|value| value.parse().ok());
            if let (Ok(name), Some(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
        let own = Manner::of(query, &headers, &whole.host, self.options.habits.page_size);
        let manner = Manner {
            cookie: whole.cookie.clone(),
            host: whole.host.clone(),
            session: whole.session.clone(),
            ..own
        };
        self.invoke_body(caller, &manner, call["body"].to_string().as_bytes())
    }
}

fn answer(id: &str, reply: &Reply) -> String {
    let mut text = String::from("{\"id\":");
    json::write_text(&mut text, id);
    let headers: serde_json::Map<String, Json> = reply
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Json::from(value.as_str())))
        .collect();
    text.push_str(&format!(",\"status\":{},\"headers\":", reply.status.as_u16()));
    text.push_str(&Json::Object(headers).to_string());
    // What cannot be read alone is not there at all in a batch.
    let body = std::str::from_utf8(&reply.body).ok().filter(|body| body.starts_with('{'));
    if let Some(body) = body {
        text.push_str(",\"body\":");
        text.push_str(body);
    }
    text.push('}');
    text
}
