//! What can be asked of the engine, one file for each subject.

mod check_connector;
mod connectors;
mod endpoint;
mod jobs;

pub use check_connector::{CheckReport, CheckResult, CheckStep};
pub use connectors::NewConnector;
