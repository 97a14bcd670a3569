//! One cmdlet and its pages.
//!
//! A page is fetched when everything of the one before has been handed on. Links to further pages end
//! after some minutes: then the list begins anew, and rows that were given are given again. Whoever
//! reads a list knows its rows by their GUID.

use std::{collections::VecDeque, time::Duration};

use hyper::StatusCode;

use super::{
    body, in_replies,
    object::Names,
    page,
    service::{Call, Service, Trouble},
};
use crate::{Cmdlet, CmdletErrorKind, Error, Notice, Reply};

/// Times that one list begins anew.
const MAX_RESTARTS: u32 = 3;
/// Pages in a row with nothing in them, after which a list is not believed to have an end.
const MAX_EMPTY_PAGES: u32 = 100;
/// Tries of a cmdlet that names what was made lately, with growing pauses of 2 to 60 s.
const MAX_TRIES_OF_NEW: u32 = 8;

/// One cmdlet that runs.
#[derive(Debug)]
pub(super) struct Listing {
    cmdlet: Cmdlet,
    call: Call,
    next: Next,
    waiting: VecDeque<Reply>,
    /// How many objects more are wanted, where not all are.
    left: Option<u64>,
    restarts: u32,
    empty_pages: u32,
    /// Times that what was made lately was missing.
    misses: u32,
    /// Whether a write is under way. One that was given up half-way leaves it so.
    is_sent: bool,
}

/// What is to be fetched next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    First,
    Link(String),
    Nothing,
}

impl Listing {
    pub(super) fn new(cmdlet: Cmdlet, call: Call) -> Self {
        Self {
            left: body::most(&cmdlet),
            cmdlet,
            call,
            next: Next::First,
            waiting: VecDeque::new(),
            restarts: 0,
            empty_pages: 0,
            misses: 0,
            is_sent: false,
        }
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
            if self.next == Next::Nothing {
                return Ok(None);
            }
            self.fetch(service, names).await?;
        }
    }

    async fn fetch(&mut self, service: &mut Service, names: &mut Names) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_sent, !self.call.is_read) {
            return Err(Error::Interrupted { during: self.call.cmdlet.clone() });
        }
        let answer = match &self.next {
            Next::Link(link) => {
                let call = Call { target: link.clone(), ..self.call.clone() };
                match service.call(&call).await {
                    Err(Trouble::Failed(failure)) if is_of_link(failure.status) => {
                        return self.restart(*failure);
                    }
                    called => called,
                }
            }
            _ => self.first(service).await,
        };
        let answer = match answer {
            Ok(answer) => answer,
            // As on premises, an error about the one object that is not there: the cmdlet has ended.
            Err(Trouble::Failed(failure))
                if self.call.is_read && failure.error.kind == CmdletErrorKind::NotFound =>
            {
                self.next = Next::Nothing;
                self.waiting.push_back(Reply::Error(failure.error));
                return Ok(());
            }
            Err(Trouble::Failed(failure)) => return Err(failure.error.into()),
            Err(Trouble::Error(error)) => return Err(error),
        };
        self.is_sent = false;
        let read = match answer.plain() {
            // A write may have nothing to say; a list says that it is empty.
            Ok(body) if body.trim_ascii().is_empty() && self.may_be_silent(answer.status) => {
                Ok(page::Page::default())
            }
            Ok(body) => page::read(&body, names).map_err(|error| error.to_string()),
            Err(why) => Err(why.to_owned()),
        };
        let told = answer.header("x-warnings").map(str::to_owned);
        service.reuse(answer);
        let page = read.map_err(|why| self.not_understood(&why))?;
        if let Some(error) = page.error {
            let failure = super::failure::Failure::read(200, Some(&error), &self.call.cmdlet);
            return Err(failure.error.into());
        }
        if self.is_short(&page, service).await {
            return Ok(());
        }
        service.settings.shared.made.note(&self.cmdlet, &page.objects, service.now());
        self.take(page, told, service)
    }

    /// Whether something is missing in the whole list that was made lately. Then the list is to be
    /// asked for again, after a while.
    async fn is_short(&mut self, page: &page::Page, service: &Service) -> bool {
        let made = &service.settings.shared.made;
        let is_whole = self.next == Next::First && page.next.is_none();
        if !is_whole || !made.is_missing_in(&self.cmdlet, &page.objects, service.now()) {
            return false;
        }
        if self.misses >= MAX_TRIES_OF_NEW {
            made.give_up(&self.cmdlet, &page.objects);
            return false;
        }
        self.misses += 1;
        tracing::debug!(cmdlet = self.call.cmdlet, "what was made is not in the list yet");
        service.settings.clock.sleep(pause(self.misses)).await;
        true
    }

    /// The first page. What names an object that was made lately is asked for again while the service
    /// does not know it everywhere.
    async fn first(&self, service: &mut Service) -> Result<super::Answer, Trouble> {
        let mut tries = 0;
        loop {
            match service.call(&self.call).await {
                Err(Trouble::Failed(failure))
                    if failure.error.kind == CmdletErrorKind::NotFound
                        && tries < MAX_TRIES_OF_NEW
                        && service
                            .settings
                            .shared
                            .made
                            .is_named_by(&self.cmdlet, service.now()) =>
                {
                    tries += 1;
                    tracing::debug!(cmdlet = self.call.cmdlet, "what was made is not known yet");
                    service.settings.clock.sleep(pause(tries)).await;
                }
                called => return called,
            }
        }
    }

    fn may_be_silent(&self, status: StatusCode) -> bool {
        !self.call.is_read || status == StatusCode::NO_CONTENT
    }

    /// What a page that was not understood means: of a write, that nobody knows whether it was done.
    fn not_understood(&self, why: &str) -> Error {
        let cmdlet = &self.call.cmdlet;
        if self.call.is_read {
            Error::Protocol(format!("a page of {cmdlet}: {why}"))
        } else {
            tracing::warn!(why, cmdlet, "the answer to a write was not understood");
            Error::Interrupted { during: cmdlet.clone() }
        }
    }

    /// A link that has ended: the list begins anew.
    fn restart(&mut self, failure: super::failure::Failure) -> Result<(), Error> {
        self.restarts += 1;
        if self.restarts > MAX_RESTARTS || self.left.is_some() {
            return Err(failure.error.into());
        }
        tracing::debug!(error = %failure.error, "a link to a further page has ended; beginning anew");
        self.next = Next::First;
        Ok(())
    }

    fn take(
        &mut self,
        mut page: page::Page,
        told: Option<String>,
        service: &mut Service,
    ) -> Result<(), Error> {
        let has_more = page.next.is_some();
        self.empty_pages = if page.objects.is_empty() { self.empty_pages + 1 } else { 0 };
        if self.empty_pages > MAX_EMPTY_PAGES {
            let cmdlet = &self.call.cmdlet;
            return Err(Error::Protocol(format!("{cmdlet} gives empty pages without end")));
        }
        if let Some(left) = &mut self.left {
            page.objects.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left = left.saturating_sub(page.objects.len().try_into().unwrap_or(u64::MAX));
        }
        self.next = match page.next.take() {
            Some(link) if self.left != Some(0) && self.call.is_read => Next::Link(link),
            _ => Next::Nothing,
        };
        let told = told.filter(|_| page.warnings.is_empty());
        page.warnings.extend(told);
        // A page that is followed by another says that there is more; that is no shortfall.
        page.warnings.retain(|text| !(has_more && Notice::of(text) == Notice::Truncated));
        self.waiting.extend(service.take_notices().map(Reply::Notice));
        self.waiting.extend(in_replies(page.objects, page.warnings));
        Ok(())
    }
}

/// How long to wait for what was made: longer with each try.
fn pause(tries: u32) -> Duration {
    Duration::from_secs((1 << tries.min(6)).min(60))
}

/// Whether a refusal may be about the link: nothing else of the call has changed since the page
/// before.
const fn is_of_link(status: u16) -> bool {
    matches!(status, 400 | 404 | 410)
}
