//! Codes that a person enters in a browser.

use std::{collections::HashMap, sync::Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::wire::locked;

/// How long a code waits for a person.
pub(super) const LIFETIME: SignedDuration = SignedDuration::from_secs(900);
/// How often a client may ask whether the person was there.
pub(super) const INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// Codes that wait at one time.
const MAX_CODES: usize = 64;

/// What became of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Nobody entered it yet.
    Pending,
    /// A person entered it: `jane@contoso.com`.
    Entered(String),
    /// A person said no.
    Declined,
}

struct Code {
    user_code: String,
    expires: Timestamp,
    asked: Option<Timestamp>,
    state: Waiting,
}

/// What a client is told that asks for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Pending,
    SlowDown,
    Entered(String),
    Declined,
    Expired,
    Unknown,
}

/// Every code that waits.
#[derive(Default)]
pub struct Codes(Mutex<HashMap<String, Code>>);

impl Codes {
    pub(super) fn add(&self, device_code: &str, user_code: &str, now: Timestamp) {
        let mut codes = locked(&self.0);
        codes.retain(|_, code| now < code.expires);
        if codes.len() < MAX_CODES {
            let code = Code {
                user_code: user_code.to_owned(),
                expires: now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX),
                asked: None,
                state: Waiting::Pending,
            };
            codes.insert(device_code.to_owned(), code);
        }
    }

    /// A person deals with a code. False if there is none.
    pub fn settle(&self, user_code: &str, state: &Waiting) -> bool {
        let mut codes = locked(&self.0);
        let wanted = |code: &&mut Code| code.user_code.eq_ignore_ascii_case(user_code.trim());
        let Some(code) = codes.values_mut().find(wanted) else { return false };
        code.state = state.clone();
        true
    }

    /// The codes that nobody entered yet, as a person reads them.
    #[must_use]
    pub fn pending(&self) -> Vec<String> {
        let codes = locked(&self.0);
        let pending = codes.values().filter(|code| code.state == Waiting::Pending);
        pending.map(|code| code.user_code.clone()).collect()
    }

    /// A client asks what became of its code. What is settled is told once.
    pub(super) fn ask(&self, device_code: &str, now: Timestamp) -> Told {
        let mut codes = locked(&self.0);
        let Some(code) = codes.get_mut(device_code) else { return Told::Unknown };
        if now >= code.expires {
            return Told::Expired;
        }
        let told = match &code.state {
            Waiting::Entered(person) => Told::Entered(person.clone()),
            Waiting::Declined => Told::Declined,
            Waiting::Pending => {
                let early = code.asked.is_some_and(|last| now.duration_since(last) < INTERVAL);
                code.asked = Some(now);
                return if early { Told::SlowDown } else { Told::Pending };
            }
        };
        codes.remove(device_code);
        told
    }
}
