//! Why no session could be opened, one variant per cause, each saying what to do.

use std::time::Duration;

/// Why no session could be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The endpoint cannot be right as it is written.
    #[error("{0}; correct the connector's settings")]
    InvalidEndpoint(String),
    /// No TCP connection.
    #[error(
        "cannot reach {address}: {reason}; check the name, the port, the firewall, and that the server is running"
    )]
    Unreachable {
        /// What was connected to.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The proxy did not open a tunnel.
    #[error("proxy {proxy} did not open a tunnel: {reason}")]
    Proxy {
        /// The proxy's address.
        proxy: String,
        /// What it said, and what to do.
        reason: String,
    },
    /// The certificate leads to no authority that is trusted.
    #[error(
        "certificate of {host} is not trusted ({reason}); add its authority to the connector's trusted roots, or pin SHA-256 {sha256} after comparing it with the server's"
    )]
    UntrustedCertificate {
        /// Name of the server.
        host: String,
        /// What is wrong with it.
        reason: String,
        /// Its fingerprint, lower-case hexadecimal.
        sha256: String,
    },
    /// The certificate is trusted, but for other names.
    #[error(
        "certificate of {host} is for other names; connect by a name it holds, or have the server's certificate renewed with this one"
    )]
    CertificateName {
        /// Name that was connected to.
        host: String,
    },
    /// The certificate is not the one that was pinned.
    #[error(
        "certificate of {host} has SHA-256 {found}, not the pinned one; if it was renewed, pin the new one, otherwise somebody stands in between"
    )]
    PinMismatch {
        /// Name of the server.
        host: String,
        /// The fingerprint it has, lower-case hexadecimal.
        found: String,
    },
    /// No TLS for another reason.
    #[error("TLS with {host} failed: {reason}; check that the port speaks HTTPS")]
    Tls {
        /// Name of the server.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The server offers nothing the connector may use.
    #[error(
        "server offers {offered} but the connector allows {allowed}; enable a common scheme with Set-PowerShellVirtualDirectory, or change the connector's"
    )]
    NoCommonScheme {
        /// What the 401 offered.
        offered: String,
        /// What the connector is set to.
        allowed: String,
    },
    /// Basic was about to be sent in the clear.
    #[error(
        "server offers Basic alone, and the connection is not encrypted, so the password would be readable on the way; use https, or allow it for this connector in so many words"
    )]
    BasicWithoutTls,
    /// The user name or password is wrong, or the account is locked or disabled.
    #[error("user name or password is wrong, or the account is locked or disabled ({0})")]
    BadCredentials(String),
    /// The account has expired, is disabled or must change its password.
    #[error("account cannot sign in: {0}; have it unlocked or its password renewed")]
    AccountRestricted(String),
    /// Kerberos knows no service by that name.
    #[error(
        "Kerberos knows no service {spn} ({reason}); connect by the server's own full name, register the name with setspn, or set the connector's SPN"
    )]
    MissingSpn {
        /// What was asked for.
        spn: String,
        /// What Kerberos said.
        reason: String,
    },
    /// The clocks are too far apart.
    #[error("clock of this machine and of the domain are too far apart ({0}); set the clock")]
    ClockSkew(String),
    /// No key distribution centre answered.
    #[error(
        "no Kerberos server answered ({0}); give the connector the address of a domain controller, port 88"
    )]
    NoKdc(String),
    /// What was given cannot be used for signing in.
    #[error("cannot sign in with what the connector has: {0}")]
    CredentialUnusable(String),
    /// Signing in failed for another reason.
    #[error("signing in failed: {0}")]
    Authentication(String),
    /// No token was given for a hosted organization.
    #[error(transparent)]
    SignIn(#[from] crate::hosted::SignInError),
    /// The account signed in, and Exchange does not let it in.
    #[error(
        "account signed in but may not use remote PowerShell ({0}); run Set-User -RemotePowerShellEnabled $true for it and put it into a role group"
    )]
    Forbidden(String),
    /// The account holds no management role.
    #[error(
        "account holds no management role in Exchange; put it into the role group made for the connector"
    )]
    NoRoles,
    /// 403 before signing in.
    #[error(
        "server answered 403; \"Require SSL\" is set on its PowerShell directory while http is used, or a proxy stands in the way"
    )]
    SslRequired,
    /// 404: nothing there.
    #[error("server has nothing at {path}; the path of Exchange is /PowerShell/")]
    WrongPath {
        /// The path of the URL.
        path: String,
    },
    /// A page for people came instead of an answer.
    #[error(
        "a web page came instead of Exchange's answer (HTTP {status}{}); check the URL and whether a proxy or sign-in portal stands in the way",
        title.as_ref().map(|title| format!(", titled \"{title}\"")).unwrap_or_default()
    )]
    HtmlPage {
        /// HTTP status.
        status: u16,
        /// Title of the page.
        title: Option<String>,
    },
    /// Windows Remote Management answered, not Exchange.
    #[error(
        "Windows Remote Management answered, not Exchange; use http://server/PowerShell/ on port 80 or 443, not 5985 or 5986"
    )]
    NotExchange,
    /// The server does not understand.
    #[error(
        "server answered HTTP {status}: {reason}; look into its event log or try another server"
    )]
    ServerError {
        /// HTTP status.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// The account has as many sessions open as it may.
    #[error(
        "account has as many sessions open as Exchange allows{}; close others, or wait until they end by themselves after 15 minutes",
        wait.map(|wait| format!(" (it asks to wait {} s)", wait.as_secs())).unwrap_or_default()
    )]
    TooManyShells {
        /// How long to wait, if the server said so.
        wait: Option<Duration>,
    },
    /// The account used up its budget.
    #[error("Exchange's budget for this account is used up; wait {} s", wait.as_secs())]
    Throttled {
        /// How long to wait.
        wait: Duration,
    },
    /// A step took too long.
    #[error("{step} took longer than {} s; check the network and the server's load", after.as_secs())]
    TimedOut {
        /// What was going on.
        step: String,
        /// How long was waited.
        after: Duration,
    },
    /// The connection ended in the middle of it.
    #[error("connection was cut while opening the session ({0}); try again")]
    Cut(String),
    /// What came is not what the protocol says.
    #[error("server's answer was not understood: {0}")]
    Protocol(String),
    /// The server refused to open a session for another reason.
    #[error("server refused to open a session: {0}")]
    Refused(String),
}

impl ConnectError {
    /// Whether trying again later, with the same settings, can help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::ServerError { .. }
                | Self::TooManyShells { .. }
                | Self::Throttled { .. }
                | Self::TimedOut { .. }
                | Self::Cut(_)
                | Self::NoKdc(_)
        )
    }
}
