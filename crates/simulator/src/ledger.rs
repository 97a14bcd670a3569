//! What a server was asked: for tests that prove what a client does and does not send.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

/// A shared view on one server's counters.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

/// The counters, and every cmdlet received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// HTTP requests, the ones answered 401 included.
    pub requests: u64,
    /// TCP connections.
    pub connections: u64,
    /// Shells open now.
    pub open_shells: usize,
    /// The most shells that were open at one time.
    pub max_open_shells: usize,
    /// Pipelines that the client has not terminated, in open shells.
    pub unterminated_commands: usize,
    /// The most pipelines that were running at one time.
    pub max_running: usize,
    /// Objects sent.
    pub objects: u64,
    /// Prompts asked.
    pub prompts: u64,
    /// Cmdlets that were delayed because the budget was spent.
    pub delayed: u64,
    /// Cmdlets that were refused because the budget was spent.
    pub refused: u64,
    /// Shells that were refused because the account had as many as it may.
    pub refused_shells: u64,
    /// What each account had open at one time: `CONTOSO\gatepost`.
    pub accounts: BTreeMap<String, AccountUse>,
    /// What the hosted service was asked beyond cmdlets.
    pub hosted: HostedUse,
    /// Number of the last [`Mark`].
    pub sequence: u64,
    /// Every cmdlet, in the order of arrival; the last [`Ledger::MAX_CMDLETS`].
    pub cmdlets: std::collections::VecDeque<ReceivedCmdlet>,
    /// How often each cmdlet came, by its name as it was sent.
    pub counts: BTreeMap<String, u64>,
    /// Cmdlets that are not kept any more.
    pub forgotten: u64,
}

/// What one account has, and had at most, at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountUse {
    /// Shells open now.
    pub open_shells: usize,
    /// The most shells that were open at one time.
    pub max_open_shells: usize,
    /// Pipelines running now.
    pub running: usize,
    /// The most pipelines that were running at one time, in all shells.
    pub max_running: usize,
}

/// What a hosted service was asked beyond cmdlets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostedUse {
    /// Tokens given.
    pub tokens: u64,
    /// Of those, given in answer to a challenge for claims.
    pub tokens_with_claims: u64,
    /// Sign-ins refused.
    pub refused_sign_ins: u64,
    /// Calls refused with 401.
    pub unauthorized: u64,
    /// Calls refused with 429.
    pub throttled: u64,
    /// Calls that came before the time that a refusal had named, of the same session.
    pub too_early: u64,
    /// Calls refused with 503 or a passing 400.
    pub failed: u64,
    /// Calls sent to another host.
    pub redirected: u64,
    /// Pages given beyond the first of their list.
    pub pages: u64,
    /// Links to pages that were refused.
    pub refused_links: u64,
    /// Batches taken.
    pub batches: u64,
    /// Answers given packed.
    pub packed: u64,
    /// The most calls that were being answered at one time.
    pub max_concurrent: usize,
}

/// When something happened: by the clock, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The organization's time.
    pub at: Timestamp,
    /// Later ones of the same ledger have greater numbers. From 1.
    pub sequence: u64,
}

/// One cmdlet as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedCmdlet {
    /// Who asked: `CONTOSO\gatepost`.
    pub account: String,
    /// Id of the shell it came in.
    pub shell: String,
    /// When its pipeline began.
    pub began: Mark,
    /// When its pipeline ended: completed, failed, stopped, terminated, or gone with its shell.
    pub ended: Option<Mark>,
    /// It was not run because the budget was spent.
    pub refused: bool,
    /// Name as it was sent.
    pub name: String,
    /// Parameters in order, values as text (`$null` for nothing, lists in braces).
    pub parameters: Vec<(String, String)>,
    /// Objects that came in through the pipeline, up to [`Ledger::MAX_INPUTS`].
    pub input: Vec<String>,
}

impl ReceivedCmdlet {
    /// The value of a parameter, by name without regard to case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.parameters.iter();
        all.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Entries {
    fn cmdlet(&mut self, number: u64) -> Option<&mut ReceivedCmdlet> {
        let index = number.checked_sub(self.forgotten)?;
        self.cmdlets.get_mut(usize::try_from(index).ok()?)
    }

    /// What an account has; entered if it is new.
    pub(crate) fn account(&mut self, name: &str) -> &mut AccountUse {
        self.accounts.entry(name.to_owned()).or_default()
    }
}

impl Ledger {
    /// Cmdlets kept: enough for any test, little enough for a server that runs for months.
    pub const MAX_CMDLETS: usize = 10_000;
    /// Pipeline inputs kept per cmdlet.
    pub const MAX_INPUTS: usize = 10_000;

    /// A copy of everything, as of now.
    #[must_use]
    pub fn entries(&self) -> Entries {
        self.lock().clone()
    }

    /// How often a cmdlet came, whatever case its name was sent in.
    #[must_use]
    pub fn count(&self, cmdlet: &str) -> u64 {
        let entries = self.lock();
        let named = entries.counts.iter().filter(|(name, _)| name.eq_ignore_ascii_case(cmdlet));
        named.map(|(_, count)| count).sum()
    }

    /// Every cmdlet of that name that is still kept.
    #[must_use]
    pub fn received(&self, cmdlet: &str) -> Vec<ReceivedCmdlet> {
        let entries = self.lock();
        let named = entries.cmdlets.iter().filter(|one| one.name.eq_ignore_ascii_case(cmdlet));
        named.cloned().collect()
    }

    /// Number of the last mark: what begins from now on has a greater one.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.lock().sequence
    }

    /// Every cmdlet that began after a mark of that number, as far as it is still kept, in order.
    #[must_use]
    pub fn begun_after(&self, sequence: u64) -> Vec<ReceivedCmdlet> {
        let entries = self.lock();
        let later = entries.cmdlets.iter().filter(|one| one.began.sequence > sequence);
        later.cloned().collect()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Entries> {
        // A panic of another test thread must not hide what was counted before it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a cmdlet down, with the next number as its beginning. Gives its place, for
    /// [`Ledger::add_input`] and [`Ledger::end`].
    pub(crate) fn record(&self, mut cmdlet: ReceivedCmdlet) -> u64 {
        let mut entries = self.lock();
        entries.sequence += 1;
        cmdlet.began.sequence = entries.sequence;
        entries.refused += u64::from(cmdlet.refused);
        *entries.counts.entry(cmdlet.name.clone()).or_default() += 1;
        if entries.cmdlets.len() == Self::MAX_CMDLETS {
            entries.cmdlets.pop_front();
            entries.forgotten += 1;
        }
        entries.cmdlets.push_back(cmdlet);
        entries.forgotten + u64::try_from(entries.cmdlets.len()).unwrap_or(u64::MAX) - 1
    }

    /// Writes down that the pipeline of a cmdlet ended.
    pub(crate) fn end(&self, number: u64, at: Timestamp) {
        let mut entries = self.lock();
        entries.sequence += 1;
        let mark = Mark { at, sequence: entries.sequence };
        if let Some(cmdlet) = entries.cmdlet(number) {
            cmdlet.ended = Some(mark);
        }
    }

    /// A pipeline of an account begins.
    pub(crate) fn begin_pipeline(&self, account: &str) {
        let mut entries = self.lock();
        let own = entries.account(account);
        own.running += 1;
        own.max_running = own.max_running.max(own.running);
    }

    /// A pipeline of an account has ended.
    pub(crate) fn end_pipeline(&self, account: &str) {
        let mut entries = self.lock();
        let own = entries.account(account);
        own.running = own.running.saturating_sub(1);
    }

    /// Writes down an object that came in through the pipeline of a cmdlet.
    pub(crate) fn add_input(&self, number: u64, text: String) {
        let mut entries = self.lock();
        let Some(cmdlet) = entries.cmdlet(number) else { return };
        if cmdlet.input.len() < Self::MAX_INPUTS {
            cmdlet.input.push(text);
        }
    }
}
