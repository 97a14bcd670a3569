//! Mail: a message as text and as HTML, handed to a mail server.

use std::{net::IpAddr, time::Duration};

use domain::{
    Timestamp,
    notification::{MailAddress, MailServer, SmtpSecurity},
};
use exchange::Secret;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{Certificate, Tls, TlsParameters},
    },
};

use super::sending::{Failure, Outgoing};

/// One step of the conversation with a mail server. The whole is cut by who sends.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest name of a server (RFC 1035 section 2.3.4).
const MOST_HOST_BYTES: usize = 255;

/// Says what is wrong with the settings, if anything is.
pub(super) fn validate(server: &MailServer, has_password: bool) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    if server.host.is_empty()
        || server.host.len() > MOST_HOST_BYTES
        || !server.host.chars().all(is_plain)
    {
        return Err(format!("{:?} is no mail server, as in mail.contoso.com", server.host));
    }
    if server.port == 0 {
        return Err(format!("the port is 0; it is usually {}", server.security.usual_port()));
    }
    if server.security == SmtpSecurity::None && !is_here(&server.host) {
        return Err("a connection that everybody can read is only for a mail server on this \
                    machine; use starttls or tls"
            .to_owned());
    }
    match (&server.username, has_password) {
        (Some(_), false) => return Err("there is a user name but no password".to_owned()),
        (None, true) => return Err("there is a password but no user name".to_owned()),
        _ => {}
    }
    mailbox(&server.from)?;
    tls(server).map(drop)
}

/// Hands a message to the server; what it answered.
pub(super) async fn send(
    server: &MailServer,
    password: Option<&Secret>,
    to: &MailAddress,
    outgoing: &Outgoing,
    now: Timestamp,
) -> Result<String, Failure> {
    let message = message(server, to, outgoing, now).map_err(Failure::last)?;
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host.as_str())
        .port(server.port)
        .tls(tls(server).map_err(Failure::of)?)
        .timeout(Some(TIMEOUT));
    if let (Some(username), Some(password)) = (&server.username, password) {
        let credentials = Credentials::new(username.clone(), password.reveal().to_owned());
        builder = builder
            .credentials(credentials)
            .authentication(vec![Mechanism::Plain, Mechanism::Login]);
    }
    match builder.build().send(message).await {
        Ok(response) => {
            let said = response.message().collect::<Vec<_>>().join(" ");
            Ok(format!("{} {said}", response.code()).trim_end().to_owned())
        }
        Err(error) => Err(failure(&error)),
    }
}

/// A server that refuses the message or its recipient for ever is not asked again; one that refuses
/// the account may be, once somebody has set that right.
fn failure(error: &lettre::transport::smtp::Error) -> Failure {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(reason) = source {
        let reason_words = reason.to_string();
        if !words.contains(&reason_words) {
            words = format!("{words}: {reason_words}");
        }
        source = reason.source();
    }
    let code = error.status().map(u16::from);
    let is_of_account = matches!(code, Some(530 | 534 | 535 | 538));
    let what_to_do = if is_of_account {
        Some("the server does not take the account; give its password again")
    } else if error.is_permanent() || error.is_transient() {
        // The server says itself what is wrong.
        None
    } else if words.contains("STARTTLS") {
        Some("the server offers no STARTTLS, and nothing goes out unprotected; try tls")
    } else if words.contains("authentication mechanism") {
        Some("the server takes no password by PLAIN or LOGIN over this connection")
    } else if words.contains("ertificate") || words.contains("UnknownIssuer") {
        Some("its certificate is not trusted; give that of the authority that issued it")
    } else if error.is_timeout() {
        Some("the server did not answer in time; check host, port and firewall")
    } else {
        Some("the server cannot be reached; check host and port")
    };
    if let Some(what_to_do) = what_to_do {
        words = format!("{what_to_do} ({words})");
    }
    if error.is_permanent() && !is_of_account { Failure::last(words) } else { Failure::of(words) }
}

fn message(
    server: &MailServer,
    to: &MailAddress,
    outgoing: &Outgoing,
    now: Timestamp,
) -> Result<Message, String> {
    let from = mailbox(&server.from)?;
    let domain = from.email.domain().to_owned();
    let own = |name: &str, value: &str| {
        let name = HeaderName::new_from_ascii(name.to_owned());
        HeaderValue::new(name.expect("the name is a constant"), value.to_owned())
    };
    Message::builder()
        .from(from)
        .to(mailbox(to.as_str())?)
        .subject(outgoing.words.subject.as_str())
        .date(now.into())
        // The same at every attempt, so that a mailbox can see that it came twice.
        .message_id(Some(format!("<{}@{domain}>", outgoing.id)))
        // RFC 3834 section 5, and what Exchange listens to besides: nobody answers by machine.
        .raw_header(own("Auto-Submitted", "auto-generated"))
        .raw_header(own("X-Auto-Response-Suppress", "All"))
        .multipart(MultiPart::alternative_plain_html(
            outgoing.words.text.clone(),
            outgoing.words.html.clone(),
        ))
        .map_err(|error| error.to_string())
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    let wrong = || format!("{text:?} is no sender, as in Gatepost <gatepost@contoso.com>");
    if text.chars().any(char::is_control) {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

fn tls(server: &MailServer) -> Result<Tls, String> {
    if server.security == SmtpSecurity::None {
        return Ok(Tls::None);
    }
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(pem) = &server.trusted {
        let trusted = Certificate::from_pem(pem.as_bytes());
        let trusted = trusted.map_err(|_| "the trusted certificates are no PEM".to_owned())?;
        builder = builder.add_root_certificate(trusted);
    }
    let parameters =
        builder.build_rustls().map_err(|error| format!("TLS cannot be prepared: {error}"))?;
    Ok(match server.security {
        SmtpSecurity::Tls => Tls::Wrapper(parameters),
        _ => Tls::Required(parameters),
    })
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
