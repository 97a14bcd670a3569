//! The component log: phrases that administrators of the old connectors search for.
//!
//! They go to the tracing target `component`; whoever sets up logging puts them into a file. The
//! latest are kept in memory, to be shown beside the connector they are about.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, PoisonError},
};

use domain::{Caller, ConnectorName, Permission, Timestamp, pass::PassKind, status_message::Event};

use crate::{Engine, Error, status};

const COMPONENT: &str = "GATEPOST_EXCHANGE_CONNECTOR";
/// Lines kept of all connectors together: a day of a busy one.
const KEPT: usize = 5_000;

/// What is said of a connector.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phrase<'a> {
    /// It was added and waits for its first connection.
    Flagged,
    /// Its first connection worked.
    Installed,
    /// A numbered event, in one sentence.
    Event(Event, &'a str),
    /// No session could be opened: in which site, and why.
    NoRunspace(&'a str, &'a str),
    /// A cmdlet failed as a whole: which, and why.
    CmdletFailed(&'a str, &'a str),
    /// A sync begins or has ended.
    Sync(PassKind, &'a str),
}

impl fmt::Display for Phrase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flagged => write!(f, "Component {COMPONENT} flagged for installation"),
            Self::Installed => f.write_str("STATMSG: ID=1015"),
            Self::Event(event, _) => write!(f, "STATMSG: ID={}", event.number()),
            Self::NoRunspace(site, _) => write!(f, "Failed to open runspace for site {site}"),
            Self::CmdletFailed(cmdlet, _) => write!(f, "Invoking cmdlet {cmdlet} failed"),
            Self::Sync(kind, what) => write!(f, "{kind} sync {what}"),
        }
    }
}

impl Phrase<'_> {
    fn detail(&self) -> Option<&str> {
        match self {
            Self::Event(_, why) | Self::NoRunspace(_, why) | Self::CmdletFailed(_, why) => {
                Some(why)
            }
            Self::Flagged | Self::Installed | Self::Sync(..) => None,
        }
    }

    fn is_warning(&self) -> bool {
        match self {
            Self::Event(event, _) => status::is_trouble(*event),
            Self::NoRunspace(..) | Self::CmdletFailed(..) => true,
            Self::Flagged | Self::Installed | Self::Sync(..) => false,
        }
    }
}

/// A line of the component log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// Of which connector.
    pub connector: ConnectorName,
    /// Whether it is something to look at.
    pub is_warning: bool,
    /// The phrase.
    pub phrase: String,
    /// What else is to be said.
    pub detail: Option<String>,
}

/// The latest lines since the engine was started, in their order.
#[derive(Debug, Default)]
pub(crate) struct ComponentLog(Mutex<VecDeque<LogLine>>);

impl Engine {
    /// Says something of a connector in the component log.
    pub(crate) fn say(&self, connector: &ConnectorName, phrase: Phrase<'_>) {
        let detail = phrase.detail();
        if phrase.is_warning() {
            tracing::warn!(target: "component", component = COMPONENT, %connector, detail, "{phrase}");
        } else {
            tracing::info!(target: "component", component = COMPONENT, %connector, detail, "{phrase}");
        }
        let line = LogLine {
            at: self.now(),
            connector: connector.clone(),
            is_warning: phrase.is_warning(),
            phrase: phrase.to_string(),
            detail: detail.map(str::to_owned),
        };
        let mut lines = self.inner.component_log.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The latest lines about a connector since the server was started, latest first.
    pub async fn component_log(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        limit: usize,
    ) -> Result<Vec<LogLine>, Error> {
        let scope = caller.scope(Permission::Read)?;
        self.store().connector(&scope, name).await?;
        let lines = self.inner.component_log.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = lines.iter().rev().filter(|line| line.connector == *name);
        Ok(of_it.take(limit).cloned().collect())
    }
}
