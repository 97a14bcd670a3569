use thiserror::Error;

/// Why an envelope could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The body is no SOAP envelope: a page of HTML, plain text, or nothing at all. Usually a wrong
    /// path or port, or a proxy that answered in the server's place.
    #[error("the body is not a SOAP envelope but begins with {start:?}")]
    NotSoap {
        /// The first characters of the body, at most [`Error::START_CHARS`]; empty for no body.
        start: String,
    },
    /// The envelope is not well-formed XML.
    #[error("the envelope is not well-formed: {reason}")]
    Malformed {
        /// What the XML reader said.
        reason: String,
    },
    /// An element the operation cannot do without is not there.
    #[error("the envelope has no {element}")]
    Missing {
        /// The element or attribute, by its local name.
        element: &'static str,
    },
    /// A value is not of its element's form.
    #[error("{element} has the value {value:?}, which it cannot have")]
    Invalid {
        /// The element or attribute, by its local name.
        element: &'static str,
        /// The first characters of the value.
        value: String,
    },
    /// The action is none that this half understands.
    #[error("the action {action:?} is unknown")]
    UnknownAction {
        /// The action's URI as it was sent.
        action: String,
    },
    /// The envelope goes beyond one of [`crate::Limits`].
    #[error("the envelope has more than {limit} {what}")]
    TooLarge {
        /// What there was too much of, with its unit.
        what: &'static str,
        /// The limit it went beyond.
        limit: usize,
    },
}

impl Error {
    /// How many characters of something that was not understood an error keeps: enough to recognize
    /// a page by its doctype and title.
    pub const START_CHARS: usize = 300;

    pub(crate) fn invalid(element: &'static str, value: &str) -> Self {
        Self::Invalid { element, value: value.chars().take(Self::START_CHARS).collect() }
    }
}
