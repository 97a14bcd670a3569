//! The component log: phrases that administrators of the old connectors search for.
//!
//! They go to the tracing target `component`; whoever sets up logging puts them into a file.

use domain::{pass::PassKind, status_message::Event};

use crate::status;

const COMPONENT: &str = "GATEPOST_EXCHANGE_CONNECTOR";

macro_rules! say {
    ($level:ident, $connector:expr, $($phrase:tt)+) => {
        tracing::$level!(
            target: "component",
            component = COMPONENT,
            connector = %$connector,
            $($phrase)+
        )
    };
}

/// A connector was added and waits for its first connection.
pub(crate) fn flagged(connector: impl std::fmt::Display) {
    say!(info, connector, "Component {COMPONENT} flagged for installation");
}

/// The first connection worked.
pub(crate) fn installed(connector: impl std::fmt::Display) {
    say!(info, connector, "STATMSG: ID=1015");
}

/// A numbered event. That of an installed component has its own phrase.
pub(crate) fn event(connector: impl std::fmt::Display, event: Event, text: &str) {
    let number = event.number();
    if status::is_trouble(event) {
        say!(warn, connector, text, "STATMSG: ID={number}");
    } else if event != Event::Installed {
        say!(info, connector, text, "STATMSG: ID={number}");
    }
}

/// No session could be opened.
pub(crate) fn no_runspace(connector: impl std::fmt::Display, site: &str, why: &str) {
    say!(warn, connector, why, "Failed to open runspace for site {site}");
}

/// A cmdlet failed as a whole.
pub(crate) fn cmdlet_failed(connector: impl std::fmt::Display, cmdlet: &str, why: &str) {
    say!(warn, connector, why, "Invoking cmdlet {cmdlet} failed");
}

/// A sync begins or has ended.
pub(crate) fn sync(connector: impl std::fmt::Display, kind: PassKind, what: &str) {
    say!(info, connector, "{kind} sync {what}");
}
