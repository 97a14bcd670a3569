//! Why a command was not carried out.

use domain::authority::Denied;

/// Why a command was not carried out. Each edge turns it into its own form in one place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or the caller may not see it.
    #[error("{0}")]
    NotFound(String),
    /// The caller may not do that.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A guard refuses it; the text says what it takes.
    #[error("{0}")]
    Refused(String),
    /// It contradicts what is there; the text names what, and what to do.
    #[error("{0}")]
    Conflict(String),
    /// It would make no sense; the text says what to correct.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be done now; trying again later may help.
    #[error("{0}")]
    Unavailable(String),
    /// A fault inside Gatepost.
    #[error("a fault inside Gatepost")]
    Internal(#[from] anyhow::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound(_) => Self::NotFound(error.to_string()),
            store::Error::Conflict { what } => Self::Conflict(what),
            store::Error::Unavailable(why) => Self::Unavailable(why),
            other => Self::Internal(other.into()),
        }
    }
}
