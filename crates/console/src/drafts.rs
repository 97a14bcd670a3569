//! Passwords that were typed into a form whose other steps are still to come.
//!
//! All that is not secret travels between the steps in hidden fields. A password must not: a page
//! that holds one is kept by the browser's history and shown by "view source", and each further
//! step would send it again. So it stays in the memory of the server, bound to the session that
//! typed it, for as long as a person needs to finish the form; the page is told only that it was
//! given. Who waits longer, or meets a server that was started anew, is asked for it again.
//!
//! The number of a draft stands in the form, so that two forms in two tabs keep apart. It opens
//! nothing: without the session that made it, there is no such draft.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::Timestamp;
use jiff::SignedDuration;

/// How long after the last step a draft is kept.
const LIFETIME: SignedDuration = SignedDuration::from_mins(30);
/// Drafts kept at once; when there are more, the one that was left alone longest goes.
const MOST_DRAFTS: usize = 64;

/// Whose draft it is: the hash of the session's secret id.
pub(crate) type SessionKey = [u8; 32];

/// Passwords and other secrets of a connector. Prints as nothing.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// Of the account.
    pub(crate) password: Option<String>,
    /// Of the proxy.
    pub(crate) proxy_password: Option<String>,
    /// Of the account that notifications are sent with.
    pub(crate) notification_password: Option<String>,
    /// Certificate and key of a hosted organization's application, as text.
    pub(crate) certificate: Option<String>,
    /// Of that file.
    pub(crate) certificate_password: Option<String>,
    /// Client secret of a hosted organization's application.
    pub(crate) client_secret: Option<String>,
}

/// Every draft there is.
#[derive(Default)]
pub(crate) struct Drafts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    last: u64,
    drafts: BTreeMap<u64, Draft>,
}

struct Draft {
    session: SessionKey,
    touched: Timestamp,
    secrets: Secrets,
}

impl Drafts {
    /// Adds what was typed to a draft and answers with its number and all that it holds. A number
    /// that is none of this session begins a new draft, if there is anything to keep; else the
    /// number is 0.
    pub(crate) fn add(
        &self,
        session: SessionKey,
        number: Option<u64>,
        typed: Secrets,
        now: Timestamp,
    ) -> (u64, Secrets) {
        let mut kept = self.lock();
        kept.drafts.retain(|_, draft| now.duration_since(draft.touched) <= LIFETIME);
        let known = number.filter(|n| kept.drafts.get(n).is_some_and(|d| d.session == session));
        if known.is_none() && typed.is_empty() {
            return (0, typed);
        }
        let number = known.unwrap_or(kept.last + 1);
        kept.last = kept.last.max(number);
        let draft = kept.drafts.entry(number).or_insert_with(|| Draft {
            session,
            touched: now,
            secrets: Secrets::default(),
        });
        draft.touched = now;
        draft.secrets.take_over(typed);
        let secrets = draft.secrets.clone();
        while kept.drafts.len() > MOST_DRAFTS {
            let oldest = kept.drafts.iter().min_by_key(|(_, draft)| draft.touched);
            let Some(oldest) = oldest.map(|(number, _)| *number) else { break };
            kept.drafts.remove(&oldest);
        }
        (number, secrets)
    }

    /// Forgets a draft of this session.
    pub(crate) fn remove(&self, session: SessionKey, number: u64) {
        let mut kept = self.lock();
        if kept.drafts.get(&number).is_some_and(|draft| draft.session == session) {
            kept.drafts.remove(&number);
        }
    }

    /// Forgets every draft of a session that ends.
    pub(crate) fn end_session(&self, session: SessionKey) {
        self.lock().drafts.retain(|_, draft| draft.session != session);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Secrets {
    fn is_empty(&self) -> bool {
        [
            &self.password,
            &self.proxy_password,
            &self.notification_password,
            &self.certificate,
            &self.certificate_password,
            &self.client_secret,
        ]
        .into_iter()
        .all(Option::is_none)
    }

    fn take_over(&mut self, typed: Self) {
        for (kept, typed) in [
            (&mut self.password, typed.password),
            (&mut self.proxy_password, typed.proxy_password),
            (&mut self.notification_password, typed.notification_password),
            (&mut self.certificate, typed.certificate),
            (&mut self.certificate_password, typed.certificate_password),
            (&mut self.client_secret, typed.client_secret),
        ] {
            if typed.is_some() {
                *kept = typed;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn typed(password: &str) -> Secrets {
        Secrets { password: Some(password.to_owned()), ..Secrets::default() }
    }

    #[test]
    fn a_draft_is_of_one_session_and_of_one_form() {
        let drafts = Drafts::default();
        let (one, _) = drafts.add([1; 32], None, typed("first"), at(0));
        let (two, _) = drafts.add([1; 32], None, typed("second"), at(0));
        assert_ne!(one, two);
        let (_, kept) = drafts.add([1; 32], Some(one), Secrets::default(), at(1));
        assert_eq!(kept.password.as_deref(), Some("first"));
        let (stolen, none) = drafts.add([2; 32], Some(one), Secrets::default(), at(1));
        assert_ne!(stolen, one);
        assert_eq!(none.password, None);
        drafts.remove([2; 32], one);
        let (_, kept) = drafts.add([1; 32], Some(one), Secrets::default(), at(1));
        assert_eq!(kept.password.as_deref(), Some("first"));
        drafts.end_session([1; 32]);
        let (_, none) = drafts.add([1; 32], Some(two), Secrets::default(), at(1));
        assert_eq!(none.password, None);
    }

    #[test]
    fn a_draft_ends_by_itself_and_there_are_never_many() {
        let drafts = Drafts::default();
        let (first, _) = drafts.add([1; 32], None, typed("first"), at(0));
        let (_, kept) = drafts.add([1; 32], Some(first), Secrets::default(), at(30));
        assert_eq!(kept.password.as_deref(), Some("first"));
        let (_, gone) = drafts.add([1; 32], Some(first), Secrets::default(), at(61));
        assert_eq!(gone.password, None);
        for minute in 0..100 {
            drafts.add([1; 32], None, typed("x"), at(100 + minute / 10));
        }
        assert_eq!(drafts.lock().drafts.len(), MOST_DRAFTS);
    }
}
