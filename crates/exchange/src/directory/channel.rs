//! One connection to a directory server, protected before anything secret travels on it.

use std::time::Duration;

use domain::connector::{Authentication, ServerEndpoint};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{
    DirectoryError, DirectorySecurity, DirectorySettings,
    ber::{self, MAX_ELEMENT_BYTES, Malformed},
    error::said,
    message::{Content, Outcome, Password, Request, Response},
};
use crate::{
    ConnectError, ConnectionSettings, Credential, Timeouts,
    authentication::{self, Party, Scheme, SecurityContext},
    connection::{Address, Stream, open, secure, step_aside},
};

/// All that one search of a whole forest may send.
const MAX_RECEIVED_BYTES: usize = 64 * 1024 * 1024;
/// Legs of one conversation: NTLM needs two, SPNEGO with a change of mind some more.
const MAX_LEGS: usize = 8;
/// Messages that may come between a question and its answer without belonging to it.
const MAX_STRAY_MESSAGES: usize = 1000;

/// Result codes of RFC 4511, appendix A.1.
const SUCCESS: u32 = 0;
const SASL_BIND_IN_PROGRESS: u32 = 14;

/// Header of a message sealed by NTLM, and by Kerberos as Windows writes it.
const NTLM_HEADER_BYTES: usize = 16;
const KERBEROS_HEADER_BYTES: usize = 60;
/// How a message sealed by Kerberos begins (RFC 4121 section 4.2.6.2).
const KERBEROS_TOKEN: [u8; 2] = [0x05, 0x04];

/// A connection on which somebody is signed in.
pub(super) struct Channel {
    stream: Box<dyn Stream>,
    /// Seals what is sent, where TLS does not.
    sealing: Option<Box<dyn SecurityContext>>,
    /// Opened bytes that have not been read yet.
    opened: Vec<u8>,
    received_bytes: usize,
    last_id: u32,
    answer: Duration,
}

impl Channel {
    /// Connects, protects the connection and signs in.
    pub(super) async fn open(
        settings: &DirectorySettings,
        credential: &Credential,
    ) -> Result<Self, DirectoryError> {
        let connection = connection(settings)?;
        let address = Address::of(&connection.endpoint)?;
        let mut tcp = open(&connection, &address).await?;
        let answer = settings.timeouts.answer;
        if settings.security == DirectorySecurity::Sealed {
            let mut channel = Self::over(Box::new(tcp), answer);
            channel.sign_in_sealed(&connection, &address.host, credential).await?;
            return Ok(channel);
        }
        if settings.security == DirectorySecurity::StartTls {
            start_tls(&mut tcp, &settings.server, answer).await?;
        }
        let secured = secure(tcp, &connection, &address).await?;
        let mut channel = Self::over(Box::new(secured.stream), answer);
        channel.sign_in_simply(settings, credential).await?;
        Ok(channel)
    }

    fn over(stream: Box<dyn Stream>, answer: Duration) -> Self {
        Self { stream, sealing: None, opened: Vec::new(), received_bytes: 0, last_id: 0, answer }
    }

    /// Name and password, on a connection that TLS protects already.
    async fn sign_in_simply(
        &mut self,
        settings: &DirectorySettings,
        credential: &Credential,
    ) -> Result<(), DirectoryError> {
        let unusable = |what: &str| Err(DirectoryError::CredentialUnusable(what.to_owned()));
        let (name, password) = match (&settings.username, credential) {
            (Some(name), Credential::Password(password)) => (name, password),
            (None, Credential::Password(_)) => return unusable("it names no user; give it one"),
            _ => {
                return unusable(
                    "TLS needs a user name and a password; choose a sealed connection for a keytab or a credential cache",
                );
            }
        };
        // A name without a password would be let in as nobody (RFC 4513 section 5.1.2).
        if name.is_empty() || password.reveal().is_empty() {
            return unusable("the user name or the password is empty");
        }
        let request = Request::Simple { name, password: &Password(password.reveal()) };
        match self.ask(&request).await? {
            Content::Bind { outcome, .. } if outcome.code == SUCCESS => Ok(()),
            Content::Bind { outcome, .. } => Err(DirectoryError::of_sign_in(&outcome)),
            _ => Err(DirectoryError::Malformed),
        }
    }

    /// Kerberos or NTLM inside GSS-SPNEGO ([MS-ADTS] 5.1.1.1): everything after it is sealed.
    async fn sign_in_sealed(
        &mut self,
        connection: &ConnectionSettings,
        host: &str,
        credential: &Credential,
    ) -> Result<(), DirectoryError> {
        let mut context = authentication::begin(
            Scheme::Negotiate,
            &Party {
                endpoint: &connection.endpoint,
                credential,
                spn: format!("ldap/{host}"),
                channel_binding: None,
                kdc_timeout: connection.timeouts.connect,
            },
        )?;
        let limit = connection.timeouts.authentication;
        let mut token = None;
        for _ in 0..MAX_LEGS {
            let step;
            (context, step) = within(limit, step_aside(context, token.take())).await??;
            let content = self.ask(&Request::Spnego { token: &step.token }).await?;
            let Content::Bind { outcome, token: said } = content else {
                return Err(DirectoryError::Malformed);
            };
            match outcome.code {
                SASL_BIND_IN_PROGRESS => token = Some(said.unwrap_or_default()),
                SUCCESS => {
                    let mut is_done = step.is_done;
                    if let Some(last) = said.filter(|last| !last.is_empty()) {
                        let step;
                        (context, step) = within(limit, step_aside(context, Some(last))).await??;
                        is_done = step.is_done;
                    }
                    if !is_done {
                        let reason = "the server let us in and did not prove who it is";
                        return Err(ConnectError::Authentication(reason.to_owned()).into());
                    }
                    self.sealing = Some(context);
                    return Ok(());
                }
                _ => return Err(DirectoryError::of_sign_in(&outcome)),
            }
        }
        let reason = "the conversation does not come to an end";
        Err(ConnectError::Authentication(reason.to_owned()).into())
    }

    /// Asks and waits for the one answer.
    async fn ask(&mut self, request: &Request<'_>) -> Result<Content, DirectoryError> {
        self.send(request).await?;
        self.receive().await
    }

    /// Sends a request with the next number.
    pub(super) async fn send(&mut self, request: &Request<'_>) -> Result<(), DirectoryError> {
        self.last_id = self.last_id.wrapping_add(1) & 0x7fff_ffff;
        let mut bytes = request.encode(self.last_id);
        if let Some(sealing) = &mut self.sealing {
            let wrapped = sealing.wrap(bytes).map_err(DirectoryError::Cut)?;
            let length = wrapped.header.len() + wrapped.data.len();
            let length = u32::try_from(length).map_err(|_| DirectoryError::Malformed)?;
            // RFC 4422 section 3.7: four bytes of length go before each sealed buffer.
            bytes = [&length.to_be_bytes()[..], &wrapped.header, &wrapped.data].concat();
        }
        let sent = within(self.answer, self.stream.write_all(&bytes)).await?;
        sent.map_err(|error| DirectoryError::Cut(error.to_string()))
    }

    /// The next message that answers what was sent last.
    pub(super) async fn receive(&mut self) -> Result<Content, DirectoryError> {
        for _ in 0..MAX_STRAY_MESSAGES {
            let message = within(self.answer, self.message()).await??;
            let response = Response::decode(&message)?;
            match response.content {
                // A notice of disconnection (RFC 4511 section 4.4.1).
                Content::Extended(outcome) if response.id == 0 => {
                    return Err(DirectoryError::Cut(said(&outcome)));
                }
                content if response.id == self.last_id => return Ok(content),
                _ => {}
            }
        }
        Err(DirectoryError::Malformed)
    }

    /// One whole message, opened where it was sealed.
    async fn message(&mut self) -> Result<Vec<u8>, DirectoryError> {
        if self.sealing.is_none() {
            let message = read_message(&mut self.stream).await?;
            self.count(message.len())?;
            return Ok(message);
        }
        loop {
            if let Some((header, content)) = ber::lengths(&self.opened)?
                && self.opened.len() >= header + content
            {
                let rest = self.opened.split_off(header + content);
                return Ok(std::mem::replace(&mut self.opened, rest));
            }
            let mut buffer = read_buffer(&mut self.stream).await?;
            self.count(buffer.len())?;
            let is_kerberos = buffer.starts_with(&KERBEROS_TOKEN);
            let header = if is_kerberos { KERBEROS_HEADER_BYTES } else { NTLM_HEADER_BYTES };
            let Some(sealing) = &mut self.sealing else { return Err(DirectoryError::Malformed) };
            let plain = sealing.unwrap(&mut buffer, header).map_err(|reason| {
                DirectoryError::Cut(format!("a sealed answer could not be opened: {reason}"))
            })?;
            self.opened.extend_from_slice(buffer.get(plain).unwrap_or_default());
            if self.opened.len() > 2 * MAX_ELEMENT_BYTES {
                return Err(DirectoryError::Malformed);
            }
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), DirectoryError> {
        self.received_bytes = self.received_bytes.saturating_add(bytes);
        if self.received_bytes > MAX_RECEIVED_BYTES {
            return Err(DirectoryError::TooMuch(format!("{MAX_RECEIVED_BYTES} bytes")));
        }
        Ok(())
    }
}

/// Asks for TLS before anything else. Nothing after the answer is read, it belongs to TLS.
async fn start_tls(
    tcp: &mut TcpStream,
    server: &str,
    answer: Duration,
) -> Result<(), DirectoryError> {
    let exchange = async {
        let cut = |error: std::io::Error| DirectoryError::Cut(error.to_string());
        tcp.write_all(&Request::StartTls.encode(1)).await.map_err(cut)?;
        read_message(tcp).await
    };
    let message = within(answer, exchange).await??;
    match Response::decode(&message)?.content {
        Content::Extended(Outcome { code: SUCCESS, .. }) => Ok(()),
        Content::Extended(outcome) => {
            Err(DirectoryError::Tls { server: server.to_owned(), reason: said(&outcome) })
        }
        _ => Err(DirectoryError::Malformed),
    }
}

/// Reads one message and not one byte more.
async fn read_message(stream: &mut (impl Stream + ?Sized)) -> Result<Vec<u8>, DirectoryError> {
    let cut = |error: std::io::Error| DirectoryError::Cut(error.to_string());
    let mut message = Vec::new();
    let (header, content) = loop {
        message.push(stream.read_u8().await.map_err(cut)?);
        if message.first() != Some(&ber::SEQUENCE) {
            return Err(Malformed.into());
        }
        if let Some(lengths) = ber::lengths(&message)? {
            break lengths;
        }
    };
    message.resize(header + content, 0);
    let place = message.get_mut(header..).unwrap_or_default();
    stream.read_exact(place).await.map_err(cut)?;
    Ok(message)
}

/// Reads one sealed buffer, without its length.
async fn read_buffer(stream: &mut (impl Stream + ?Sized)) -> Result<Vec<u8>, DirectoryError> {
    let cut = |error: std::io::Error| DirectoryError::Cut(error.to_string());
    let length = stream.read_u32().await.map_err(cut)?;
    let length = usize::try_from(length).map_err(|_| DirectoryError::Malformed)?;
    if length > MAX_ELEMENT_BYTES {
        return Err(DirectoryError::Malformed);
    }
    let mut buffer = vec![0; length];
    stream.read_exact(&mut buffer).await.map_err(cut)?;
    Ok(buffer)
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, DirectoryError> {
    timeout(limit, work).await.map_err(|_| {
        let step = "the directory's answer".to_owned();
        ConnectError::TimedOut { step, after: limit }.into()
    })
}

/// The directory server in the words of a connection: its name is what the certificate and the
/// service are held against, wherever the connection goes.
fn connection(settings: &DirectorySettings) -> Result<ConnectionSettings, DirectoryError> {
    let (host, port) = settings.host_and_port()?;
    let port = port.unwrap_or(match settings.security {
        DirectorySecurity::Ldaps => 636,
        DirectorySecurity::StartTls | DirectorySecurity::Sealed => 389,
    });
    let kdc = if settings.kdc.is_empty() {
        // A domain controller hands out tickets as well.
        let reached = settings.connect_to.as_deref().and_then(|to| to.rsplit_once(':'));
        vec![format!("{}:88", reached.map_or(host, |(host, _)| host))]
    } else {
        settings.kdc.clone()
    };
    let mut connection = ConnectionSettings::new(ServerEndpoint {
        url: format!("https://{host}:{port}/"),
        connect_to: settings.connect_to.clone(),
        spn: None,
        authentication: Authentication::Negotiate,
        username: settings.username.clone(),
        kdc,
        keytab: settings.keytab.clone(),
        allow_basic_without_tls: false,
        trust: settings.trust.clone(),
        proxy: None,
    });
    connection.timeouts = Timeouts {
        connect: settings.timeouts.connect,
        tls: settings.timeouts.tls,
        authentication: settings.timeouts.answer,
        ..Timeouts::default()
    };
    Ok(connection)
}
