//! Who speaks on a connection, and how its bodies travel.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{HeaderMap, header};
use wsman::sealed;

use super::acceptor::{Acceptor, Progress};
use crate::{Account, Scheme};

/// What is known about the client of one connection.
#[derive(Default)]
pub(super) enum Security {
    #[default]
    Unknown,
    /// In the middle of a conversation.
    Handshaking(Box<Acceptor>),
    /// Known for as long as the connection stands.
    Established { acceptor: Box<Acceptor>, account: Account },
}

/// What one request's credentials come to.
pub(super) enum Verdict {
    /// The client is this account; a last word for it goes with the answer.
    Known { account: Account, challenge: Option<String> },
    /// 401 with these challenges.
    Challenge(Vec<String>),
}

impl Security {
    /// Judges the credentials of one request.
    pub(super) fn judge(
        &mut self,
        headers: &HeaderMap,
        schemes: &[Scheme],
        accounts: impl FnOnce() -> (Vec<Account>, String),
    ) -> Verdict {
        let offer = || Verdict::Challenge(schemes.iter().map(|scheme| scheme.offer()).collect());
        let Some(credentials) = headers.get(header::AUTHORIZATION) else {
            return match self {
                Self::Established { account, .. } => {
                    Verdict::Known { account: account.clone(), challenge: None }
                }
                _ => offer(),
            };
        };
        let Some((word, token)) = credentials.to_str().ok().and_then(|text| text.split_once(' '))
        else {
            return offer();
        };
        let scheme = schemes.iter().find(|scheme| scheme.word().eq_ignore_ascii_case(word));
        let (Some(scheme), Ok(token)) = (scheme, STANDARD.decode(token.trim())) else {
            return offer();
        };
        match scheme {
            Scheme::Basic => {
                let (accounts, domain) = accounts();
                match basic(&token, accounts, &domain) {
                    Some(account) => Verdict::Known { account, challenge: None },
                    None => offer(),
                }
            }
            Scheme::Ntlm | Scheme::Negotiate => match self.converse(&token, accounts) {
                Ok(Progress::Continue(answer)) => {
                    Verdict::Challenge(vec![format!("{word} {}", STANDARD.encode(answer))])
                }
                Ok(Progress::Done(account, last)) => {
                    let challenge = last.map(|last| format!("{word} {}", STANDARD.encode(last)));
                    Verdict::Known { account, challenge }
                }
                Err(error) => {
                    tracing::debug!(%error, "sign-in refused");
                    *self = Self::Unknown;
                    offer()
                }
            },
        }
    }

    fn converse(
        &mut self,
        token: &[u8],
        accounts: impl FnOnce() -> (Vec<Account>, String),
    ) -> Result<Progress, sspi::Error> {
        let mut acceptor = match std::mem::take(self) {
            Self::Handshaking(acceptor) => acceptor,
            // A new conversation, also when another one stood on this connection.
            Self::Unknown | Self::Established { .. } => {
                let (accounts, domain) = accounts();
                Box::new(Acceptor::new(token, accounts, domain)?)
            }
        };
        let progress = acceptor.step(token)?;
        *self = match &progress {
            Progress::Continue(_) => Self::Handshaking(acceptor),
            Progress::Done(account, _) => Self::Established { acceptor, account: account.clone() },
        };
        Ok(progress)
    }

    /// The plain body of a request; an error when it is neither sealed nor soap.
    pub(super) fn open(&mut self, content_type: &str, body: Vec<u8>) -> Result<Opened, String> {
        match sealed::parse(content_type, &body) {
            Ok(parts) => {
                let Self::Established { acceptor, .. } = self else {
                    return Err("a sealed body on a connection that has no key".to_owned());
                };
                let mut plain = Vec::with_capacity(body.len());
                for part in &parts.parts {
                    let signature = body.get(part.signature.clone()).unwrap_or_default();
                    let sealed = body.get(part.sealed.clone()).unwrap_or_default();
                    let opened = acceptor.unseal(signature, sealed);
                    plain.extend(opened.map_err(|error| error.to_string())?);
                }
                Ok(Opened { body: plain, seal: Some(parts.protocol) })
            }
            Err(sealed::Error::NotSealed) => {
                let media_type = content_type.split(';').next().unwrap_or_default().trim();
                let is_soap = media_type.eq_ignore_ascii_case("application/soap+xml");
                let is_empty = body.is_empty();
                if is_soap || is_empty {
                    Ok(Opened { body, seal: None })
                } else {
                    Err(format!("the content type \"{media_type}\" is absent or invalid"))
                }
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// The answer's body with its content type, sealed as the request was.
    pub(super) fn close(
        &mut self,
        seal: Option<sealed::Protocol>,
        body: String,
    ) -> Result<(String, Vec<u8>), sspi::Error> {
        match (seal, self) {
            (Some(protocol), Self::Established { acceptor, .. }) => {
                let length = body.len();
                let (signature, bytes) = acceptor.seal(body.into_bytes())?;
                let style = sealed::Style::Exchange;
                let framed = sealed::frame(protocol, style, length, &signature, &bytes);
                Ok((sealed::content_type(protocol, 1), framed))
            }
            _ => Ok(("application/soap+xml;charset=UTF-8".to_owned(), body.into_bytes())),
        }
    }
}

/// A request's body in plain.
pub(super) struct Opened {
    pub(super) body: Vec<u8>,
    /// How it was sealed, and how the answer is to be.
    pub(super) seal: Option<sealed::Protocol>,
}

impl Scheme {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Basic => "Basic",
            Self::Ntlm => "NTLM",
            Self::Negotiate => "Negotiate",
        }
    }

    /// What a 401 says of it.
    fn offer(self) -> String {
        match self {
            Self::Basic => "Basic realm=\"simulated Exchange\"".to_owned(),
            Self::Ntlm | Self::Negotiate => self.word().to_owned(),
        }
    }
}

/// `user:password`, the user as `DOMAIN\user`, `user@domain` or alone.
fn basic(token: &[u8], accounts: Vec<Account>, domain: &str) -> Option<Account> {
    let text = std::str::from_utf8(token).ok()?;
    let (name, password) = text.split_once(':')?;
    accounts.into_iter().find(|account| {
        let spellings = [
            format!("{}\\{}", account.domain, account.user),
            format!("{}@{domain}", account.user),
            account.user.clone(),
        ];
        spellings.iter().any(|spelling| spelling.eq_ignore_ascii_case(name))
            && account.password == password
    })
}
