//! Links to further pages. A list is kept as the rows it has; a link is its number and how far it
//! came, so that asking for the same page twice gives the same page.

use std::{collections::VecDeque, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use psrp::clixml::Value;

use crate::cmdlets::Listing;

/// Lists that are kept at one time; the oldest makes room. One takes four bytes for each row.
const MAX_LISTS: usize = 256;

/// A list that is given by pages.
pub(super) enum Held {
    Rows(Listing),
    Values(Vec<Value>),
}

impl Held {
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Rows(listing) => listing.len(),
            Self::Values(values) => values.len(),
        }
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) list: u64,
    pub(super) from: usize,
}

impl Place {
    /// `a3-2000` and `a3-2000` again.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (list, from) = text.split_once('-')?;
        Some(Self { list: u64::from_str_radix(list, 16).ok()?, from: from.parse().ok()? })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{}", self.list, self.from)
    }
}

struct Kept {
    number: u64,
    held: Arc<Held>,
    /// What was asked, to the letter; each page must be asked the same.
    question: u64,
    /// The cookie that went with the page before.
    cookie: String,
    /// The link that was given last is good until then.
    until: Timestamp,
}

/// Every list that is not yet given whole.
#[derive(Default)]
pub(super) struct Links {
    next: u64,
    kept: VecDeque<Kept>,
}

/// Why a link is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    Expired,
    OtherQuestion,
    OtherServer,
}

impl Links {
    /// Keeps a list; gives its number.
    pub(super) fn keep(&mut self, held: Arc<Held>, question: u64, cookie: &str) -> u64 {
        if self.kept.len() == MAX_LISTS {
            self.kept.pop_front();
        }
        self.next += 1;
        let (number, cookie) = (self.next, cookie.to_owned());
        self.kept.push_back(Kept { number, held, question, cookie, until: Timestamp::MAX });
        number
    }

    /// A link of a list is given now.
    pub(super) fn given(&mut self, list: u64, now: Timestamp, lifetime: SignedDuration) {
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.number == list) {
            kept.until = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
        }
    }

    /// The list that a link leads to.
    pub(super) fn follow(
        &self,
        place: Place,
        question: u64,
        now: Timestamp,
        cookie: Option<&str>,
    ) -> Result<Arc<Held>, Flaw> {
        let kept = self.kept.iter().find(|kept| kept.number == place.list);
        let kept = kept.filter(|kept| now < kept.until).ok_or(Flaw::Expired)?;
        if kept.question != question {
            return Err(Flaw::OtherQuestion);
        }
        if cookie.is_some_and(|cookie| cookie != kept.cookie) {
            return Err(Flaw::OtherServer);
        }
        Ok(Arc::clone(&kept.held))
    }
}
