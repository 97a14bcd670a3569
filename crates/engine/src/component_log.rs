//! The phrases that administrators of the founding products search their logs for.

/// Where these lines go; the binary writes them to a file of their own.
const COMPONENT: &str = "GATEPOST_EXCHANGE_CONNECTOR";

macro_rules! note {
    ($level:ident, $($text:tt)+) => {
        tracing::$level!(target: "component", component = COMPONENT, $($text)+)
    };
}

pub(crate) fn flagged(connector: &impl std::fmt::Display) {
    note!(info, "Component {COMPONENT} flagged for installation: connector {connector}");
}

/// Status message 1015: the connector was installed.
pub(crate) fn installed(connector: &impl std::fmt::Display) {
    note!(info, "STATMSG: ID=1015 SEV=I COMP=\"{COMPONENT}\" connector {connector} was installed");
}

pub(crate) fn no_runspace(site: &str, why: &impl std::fmt::Display) {
    note!(warn, "Failed to open runspace for site {site}: {why}");
}

pub(crate) fn cmdlet_failed(cmdlet: &str, why: &impl std::fmt::Display) {
    note!(warn, "Invoking cmdlet {cmdlet} failed: {why}");
}

pub(crate) fn sync(kind: domain::pass::PassKind, connector: &impl std::fmt::Display, what: &str) {
    note!(info, "{kind} sync of {connector} {what}");
}
