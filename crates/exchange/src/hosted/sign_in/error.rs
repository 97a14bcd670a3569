//! Why no token was given, one variant per cause, each saying what to do.

use domain::Timestamp;
use uuid::Uuid;

/// Why no token was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The secret is wrong.
    #[error("client secret is not that of application {0}; give the secret's value, not its id")]
    SecretWrong(Uuid),
    /// The secret has expired.
    #[error(
        "client secret of application {0} has expired; make a new one and give it to the connector"
    )]
    SecretExpired(Uuid),
    /// The tenant's application does not have this certificate.
    #[error(
        "certificate {subject} (SHA-256 {sha256}) is not registered with the application; upload it there, or give the connector the one that is"
    )]
    CertificateUnknown {
        /// Whose certificate.
        subject: String,
        /// Its fingerprint, lower-case hexadecimal.
        sha256: String,
    },
    /// The certificate is past its end.
    #[error(
        "certificate {subject} has expired on {}; make a new one, register it with the application and give it to the connector",
        day(*.at)
    )]
    CertificateExpired {
        /// Whose certificate.
        subject: String,
        /// When.
        at: Timestamp,
    },
    /// The certificate is not valid yet.
    #[error("certificate {subject} is valid from {} on; wait until then, or set this machine's clock", day(*.at))]
    CertificateNotYetValid {
        /// Whose certificate.
        subject: String,
        /// From when.
        at: Timestamp,
    },
    /// The clocks are too far apart for what we sign to be valid.
    #[error(
        "clock of this machine is {} s {} that of the sign-in service; set the clock",
        seconds.unsigned_abs(),
        if *.seconds > 0 { "ahead of" } else { "behind" }
    )]
    ClockSkew {
        /// How far ours is ahead.
        seconds: i64,
    },
    /// The tenant has no such application.
    #[error(
        "tenant {tenant} has no application {application}; check both, and that the application is registered or consented to there"
    )]
    ApplicationUnknown {
        /// Which tenant.
        tenant: String,
        /// Which application.
        application: String,
    },
    /// The application is switched off.
    #[error("application is disabled in the tenant; enable it under its enterprise application")]
    ApplicationDisabled,
    /// There is no such tenant in this cloud.
    #[error("there is no tenant {0} in this cloud; check its name, and which cloud it lives in")]
    TenantUnknown(String),
    /// A policy of the tenant keeps us out.
    #[error(
        "a Conditional Access policy of the tenant keeps the sign-in out ({0}); exclude the application from it, or allow this machine's address"
    )]
    ConditionalAccess(String),
    /// Nobody has consented.
    #[error(
        "application may not use Exchange Online in this tenant; grant it Exchange.ManageAsApp and have an administrator consent"
    )]
    NoConsent,
    /// It has no role in Exchange.
    #[error(
        "application signed in but holds no role in Exchange Online; put it into a role group, as the script of `gatepost connector role-script` does"
    )]
    NoRole,
    /// What a person's sign-in left is used up.
    #[error("sign-in of the person has ended ({0}); sign in again with a device code")]
    SignInAgain(String),
    /// The person said no.
    #[error("sign-in was declined; start again if that was a mistake")]
    Declined,
    /// The person took too long.
    #[error("code has expired before anybody entered it; start again")]
    CodeExpired,
    /// The machine has no identity.
    #[error(
        "this machine has no managed identity that may be used ({0}); assign one, or sign in with a certificate"
    )]
    NoManagedIdentity(String),
    /// What the endpoint says and what the credential is do not go together.
    #[error("connector has no application id, which this way of signing in needs; give it one")]
    NoApplication,
    /// Secrets would be readable on the way.
    #[error("{0} is not https, so what proves who we are would be readable on the way; use https")]
    InTheClear(String),
    /// Anything else.
    #[error("sign-in service refused: {code}: {text}")]
    Refused {
        /// `AADSTS50001`, or `invalid_request`.
        code: String,
        /// In its words, the first line.
        text: String,
    },
    /// What came is no token.
    #[error(
        "answer of the sign-in service was not understood ({0}); check the address, and whether a proxy or sign-in portal stands in the way"
    )]
    NotUnderstood(String),
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}
