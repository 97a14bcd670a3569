//! What a way to Exchange must be able to do: take a pipeline, give a stream of replies.

use std::time::Duration;

use domain::{access::Hosting, connector::OrganizationIdentity};

use crate::{
    CmdletError, ConnectError, Notice, Object, Pipeline, RemotePowerShell, hosted::AdminApi,
};

/// One session of one person with an organization. One pipeline runs at a time.
///
/// Replies are pulled: nothing is fetched from the server before [`Session::next`] asks for it, so
/// whoever reads slowly slows the server down, and memory stays flat.
pub trait Session: Send {
    /// Whose servers these are: hosted Exchange does not have everything.
    fn hosting(&self) -> Hosting;

    /// Which organization this is, where signing in has told it.
    fn organization(&self) -> Option<OrganizationIdentity> {
        None
    }

    /// Starts a pipeline. An earlier one that was not read to its end is stopped first.
    fn start(&mut self, pipeline: &Pipeline) -> impl Future<Output = Result<(), Error>> + Send;

    /// The next reply; `None` when the pipeline has ended well and was put away.
    fn next(&mut self) -> impl Future<Output = Result<Option<Reply>, Error>> + Send;

    /// Stops the pipeline that runs, if one does, and reads what is left of its answers.
    fn stop(&mut self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Ends the session and gives its place on the server back.
    fn close(self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// One thing a pipeline said.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// An object of its output.
    Object(Object),
    /// An object that could not be understood, and why. The others are not harmed.
    Poison(String),
    /// A warning, in the server's words.
    Warning(String),
    /// What the server said of its pace in another way than by a warning.
    Notice(Notice),
    /// An error about one object; the pipeline goes on.
    Error(CmdletError),
}

/// A session of either kind.
#[derive(Debug)]
pub enum AnySession {
    /// On premises.
    RemotePowerShell(Box<RemotePowerShell>),
    /// Hosted.
    AdminApi(Box<AdminApi>),
}

impl Session for AnySession {
    fn hosting(&self) -> Hosting {
        match self {
            Self::RemotePowerShell(session) => session.hosting(),
            Self::AdminApi(session) => session.hosting(),
        }
    }

    fn organization(&self) -> Option<OrganizationIdentity> {
        match self {
            Self::RemotePowerShell(session) => session.organization(),
            Self::AdminApi(session) => session.organization(),
        }
    }

    async fn start(&mut self, pipeline: &Pipeline) -> Result<(), Error> {
        match self {
            Self::RemotePowerShell(session) => session.start(pipeline).await,
            Self::AdminApi(session) => session.start(pipeline).await,
        }
    }

    async fn next(&mut self) -> Result<Option<Reply>, Error> {
        match self {
            Self::RemotePowerShell(session) => session.next().await,
            Self::AdminApi(session) => session.next().await,
        }
    }

    async fn stop(&mut self) -> Result<(), Error> {
        match self {
            Self::RemotePowerShell(session) => session.stop().await,
            Self::AdminApi(session) => session.stop().await,
        }
    }

    async fn close(self) -> Result<(), Error> {
        match self {
            Self::RemotePowerShell(session) => session.close().await,
            Self::AdminApi(session) => session.close().await,
        }
    }
}

impl From<RemotePowerShell> for AnySession {
    fn from(session: RemotePowerShell) -> Self {
        Self::RemotePowerShell(Box::new(session))
    }
}

impl From<AdminApi> for AnySession {
    fn from(session: AdminApi) -> Self {
        Self::AdminApi(Box::new(session))
    }
}

/// Why a session could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection was lost and could not be made again.
    #[error("{0}")]
    Connect(#[from] ConnectError),
    /// The pipeline failed as a whole. The session can be used further.
    #[error("{0}")]
    Cmdlet(Box<CmdletError>),
    /// The connection was cut while `during` was going on; nobody knows whether it was done.
    #[error("connection was cut during {during}; whether it took effect must be read back")]
    Interrupted {
        /// What was going on: the name of a cmdlet.
        during: String,
    },
    /// The server no longer knows the session: idle too long, or another server answered.
    #[error("session is gone on the server; open a new one ({0})")]
    SessionLost(String),
    /// The server asks to wait.
    #[error("server asks to wait {} s before the next request: {message}", wait.as_secs())]
    Throttled {
        /// How long.
        wait: Duration,
        /// In its words.
        message: String,
    },
    /// The server did not answer in time.
    #[error("server did not answer within {} s during {during}", after.as_secs())]
    TimedOut {
        /// What was going on.
        during: String,
        /// How long was waited.
        after: Duration,
    },
    /// The cmdlet asked back although it was told not to; the question was answered with no.
    #[error("cmdlet asked \"{0}\" although it was told not to; it was answered no")]
    Prompted(String),
    /// The server refused the request for another reason.
    #[error("server refused the request: {0}")]
    Refused(String),
    /// What came is not what the protocol says.
    #[error("answer was not understood: {0}")]
    Protocol(String),
    /// A cmdlet that names no object would have been sent.
    #[error(transparent)]
    EmptyIdentity(#[from] crate::EmptyIdentity),
}

impl Error {
    /// Whether the server does not know to do what was asked, or not for this account: asking in
    /// another way may do.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        use crate::CmdletErrorKind as Kind;
        matches!(self, Self::Cmdlet(error) if matches!(
            error.kind,
            Kind::CmdletMissing
                | Kind::ParameterMissing
                | Kind::ArgumentMissing
                | Kind::ArgumentInvalid
                | Kind::InputRefused
        ))
    }

    /// Whether the session can be used for the next pipeline.
    #[must_use]
    pub fn leaves_session_usable(&self) -> bool {
        matches!(self, Self::Cmdlet(_) | Self::Prompted(_) | Self::EmptyIdentity(_))
    }
}

impl From<CmdletError> for Error {
    fn from(error: CmdletError) -> Self {
        Self::Cmdlet(Box::new(error))
    }
}
