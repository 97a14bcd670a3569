//! Pages of lists, and the links that lead from one to the next.

use std::sync::Arc;

use hyper::StatusCode;
use jiff::Timestamp;
use psrp::clixml::Value;

use super::{
    Service,
    command::{Command, Manner},
    failure, json,
    links::{Flaw as LinkFlaw, Held, Place},
    reply::Reply,
};
use crate::{cmdlets::Context, faults::strike, wire::locked};

/// One page to be written.
pub(super) struct Page {
    pub(super) from: usize,
    pub(super) size: usize,
    /// Number of the list, if it is kept.
    pub(super) list: Option<u64>,
    pub(super) warnings: Vec<String>,
}

impl Service {
    /// A page that a link leads to.
    pub(super) fn further_page(
        &self,
        context: &Context,
        manner: &Manner,
        command: &Command,
        place: &Result<Place, String>,
    ) -> Reply {
        let gone = |why: &str| {
            self.ledger.lock().hosted.refused_links += 1;
            failure::bad_request(why)
        };
        let Ok(place) = *place else { return gone("The skip token is none of ours.") };
        if strike(&mut self.faults().hosted.expired_link) {
            return gone("The skip token has expired.");
        }
        let cookie = manner.cookie.as_deref().filter(|_| self.faults().hosted.affinity);
        let held = locked(&self.links).follow(place, command.question, context.now, cookie);
        match held {
            Ok(held) => {
                self.ledger.lock().hosted.pages += 1;
                let (size, list) = (manner.page_size, Some(place.list));
                let page = Page { from: place.from, size, list, warnings: Vec::new() };
                self.page(context, manner, &held, &page, command)
            }
            Err(LinkFlaw::Expired) => gone("The skip token has expired."),
            Err(LinkFlaw::OtherQuestion) => gone("The body is not that of the first page."),
            Err(LinkFlaw::OtherServer) => gone("The skip token is of another server."),
        }
    }

    pub(super) fn page(
        &self,
        context: &Context,
        manner: &Manner,
        held: &Arc<Held>,
        page: &Page,
        command: &Command,
    ) -> Reply {
        let end = page.from.saturating_add(page.size).min(held.len());
        let hidden = self.hidden(context.now);
        let mut body = format!(
            "{{\"@odata.context\":\"https://{}/adminapi/beta/{}/$metadata#Collection(Exchange.GenericHashTable)\",\
             \"adminapi.warnings@odata.type\":\"#Collection(String)\",\"@adminapi.warnings\":{},\"value\":[",
            manner.host,
            self.tenant,
            serde_json::json!(page.warnings),
        );
        let mut count = 0_u64;
        let select = manner.select.as_deref();
        let mut add = |value: &Value| {
            let guid = value.property("Guid").and_then(Value::as_guid);
            if guid.is_some_and(|guid| hidden.contains(&guid)) {
                return;
            }
            if count > 0 {
                body.push(',');
            }
            count += 1;
            match strike(&mut self.faults().poison_object) {
                true => body.push_str("[]"),
                false => json::write_object(&mut body, value, select),
            }
        };
        match &**held {
            Held::Values(values) => values[page.from.min(end)..end].iter().for_each(&mut add),
            Held::Rows(listing) => {
                let organization = self.organization();
                for one in listing.objects(&organization, context, page.from, page.size) {
                    match one {
                        Ok(value) => add(&value),
                        Err(problem) => return failure::of_problem(&problem),
                    }
                }
            }
        }
        body.push(']');
        self.ledger.lock().objects += count;
        if end < held.len() {
            body.push_str(",\"@odata.nextLink\":");
            json::write_text(
                &mut body,
                &self.link(context.now, manner, held, (page, end), command),
            );
        }
        body.push('}');
        let reply = Reply::page(StatusCode::OK, body);
        match page.warnings.is_empty() {
            true => reply,
            false => reply.with("x-warnings", page.warnings.join("; ")),
        }
    }

    fn link(
        &self,
        now: Timestamp,
        manner: &Manner,
        held: &Arc<Held>,
        (page, end): (&Page, usize),
        command: &Command,
    ) -> String {
        let mut links = locked(&self.links);
        let cookie = manner.cookie.as_deref().unwrap_or_default();
        let keep = || links.keep(Arc::clone(held), command.question, cookie);
        let list = page.list.unwrap_or_else(keep);
        links.given(list, now, self.options.habits.link_lifetime);
        let place = Place { list, from: end };
        let select = manner.select.as_ref();
        let select =
            select.map_or_else(String::new, |names| format!("&$select={}", names.join(",")));
        let (host, tenant) = (&manner.host, self.tenant);
        format!("https://{host}/adminapi/beta/{tenant}/InvokeCommand?$skiptoken={place}{select}")
    }
}
