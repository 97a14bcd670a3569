//! A receiver of syslog by TCP or TLS (OpenSSL's: another implementation than that of the sender), by
//! octet counting and nothing else, which can break off in the middle of a message.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use domain::audit::{Link, StreamTarget, Syslog, Transport};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    ssl::{Ssl, SslAcceptor, SslMethod},
    x509::{
        X509, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_openssl::SslStream;

/// What was received, whole messages only.
#[derive(Clone, Default)]
pub(super) struct Received(Arc<Mutex<Vec<String>>>);

pub(super) struct Receiver {
    pub(super) received: Received,
    pub(super) port: u16,
    /// After so many bytes the next connection breaks; 0: never.
    pub(super) breaks_after: Arc<AtomicUsize>,
    /// The next connection by TLS ends with words that are no TLS.
    pub(super) ends_in_nonsense: Arc<AtomicBool>,
    /// Certificate of the authority that its own is signed by, if it speaks TLS.
    pub(super) authority: Option<String>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Received {
    pub(super) fn messages(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The links of the chain as they came, each with its document verified against the one before.
    pub(super) fn links(&self) -> Vec<Link> {
        self.messages().iter().map(|message| link(message)).collect()
    }

    fn take(&self, bytes: &mut Vec<u8>) {
        while let Some(blank) = bytes.iter().position(|byte| *byte == b' ') {
            let length: usize = std::str::from_utf8(&bytes[..blank]).unwrap().parse().unwrap();
            let end = blank + 1 + length;
            if bytes.len() < end {
                return;
            }
            let message = String::from_utf8(bytes[blank + 1..end].to_vec()).unwrap();
            self.0.lock().unwrap().push(message);
            bytes.drain(..end);
        }
    }
}

/// The value of a parameter of the structured data.
pub(super) fn parameter<'a>(message: &'a str, name: &str) -> &'a str {
    let (_, rest) = message.split_once(&format!(" {name}=\"")).unwrap();
    rest.split_once('"').unwrap().0
}

pub(super) fn link(message: &str) -> Link {
    let mut hash = [0; 32];
    let digits = parameter(message, "hash");
    for (at, byte) in hash.iter_mut().enumerate() {
        let pair = digits.get(2 * at..2 * at + 2).unwrap();
        *byte = u8::from_str_radix(pair, 16).unwrap();
    }
    Link { sequence: parameter(message, "sequence").parse().unwrap(), hash }
}

impl Receiver {
    pub(super) async fn tcp(port: u16) -> Self {
        Self::listen(port, None).await
    }

    pub(super) async fn tls() -> Self {
        Self::listen(0, Some(Certified::new())).await
    }

    pub(super) fn target(&self) -> StreamTarget {
        let transport = if self.authority.is_some() { Transport::Tls } else { Transport::Tcp };
        StreamTarget::Syslog(Syslog {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            transport,
            trusted: self.authority.clone(),
        })
    }

    #[expect(clippy::disallowed_methods, reason = "it is no part of the engine")]
    async fn listen(port: u16, certified: Option<Certified>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Received::default();
        let breaks_after = Arc::new(AtomicUsize::new(0));
        let authority = certified.as_ref().map(|it| it.authority.clone());
        let ends_in_nonsense = Arc::new(AtomicBool::new(false));
        let (to, breaks) = (received.clone(), Arc::clone(&breaks_after));
        let nonsense = Arc::clone(&ends_in_nonsense);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let limit = match breaks.swap(0, Ordering::SeqCst) {
                    0 => usize::MAX,
                    limit => limit,
                };
                match &certified {
                    None => read(stream, &to, limit).await,
                    Some(certified) => {
                        let ssl = Ssl::new(certified.acceptor.context()).unwrap();
                        let mut stream = SslStream::new(ssl, stream).unwrap();
                        // Who does not trust us says so by going away.
                        if Pin::new(&mut stream).accept().await.is_ok() {
                            read(&mut stream, &to, limit).await;
                            if nonsense.swap(false, Ordering::SeqCst) {
                                stream.get_mut().write_all(b"what was that?").await.unwrap();
                            }
                        }
                    }
                }
            }
        });
        Self { received, port, breaks_after, ends_in_nonsense, authority, task }
    }
}

/// Reads to the end, or so many bytes; what is unread when the connection goes breaks it.
async fn read(mut stream: impl AsyncRead + Unpin, to: &Received, mut limit: usize) {
    let mut rest = Vec::new();
    let mut buffer = vec![0; 4096];
    while limit > 0 {
        let most = buffer.len().min(limit);
        match stream.read(&mut buffer[..most]).await {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                limit -= count;
                rest.extend_from_slice(&buffer[..count]);
                to.take(&mut rest);
            }
        }
    }
}

struct Certified {
    acceptor: SslAcceptor,
    authority: String,
}

impl Certified {
    /// A certificate for 127.0.0.1, signed by an authority of its own.
    fn new() -> Self {
        let (authority_key, key) = (new_key(), new_key());
        let authority = certificate("Audit tests", &authority_key, None);
        let own = certificate("127.0.0.1", &key, Some((&authority, &authority_key)));
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        builder.set_private_key(&key).unwrap();
        builder.set_certificate(&own).unwrap();
        let authority = String::from_utf8(authority.to_pem().unwrap()).unwrap();
        Self { acceptor: builder.build(), authority }
    }
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn certificate(name: &str, key: &PKey<Private>, by: Option<(&X509, &PKey<Private>)>) -> X509 {
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(1 + u32::from(by.is_some())).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(7).unwrap()).unwrap();
    match by {
        None => {
            builder.set_issuer_name(&subject).unwrap();
            let is_authority = BasicConstraints::new().critical().ca().build().unwrap();
            builder.append_extension(is_authority).unwrap();
            builder.sign(key, MessageDigest::sha256()).unwrap();
        }
        Some((authority, authority_key)) => {
            builder.set_issuer_name(authority.subject_name()).unwrap();
            let context = builder.x509v3_context(Some(authority), None);
            let names = SubjectAlternativeName::new().ip(name).build(&context).unwrap();
            builder.append_extension(names).unwrap();
            builder.sign(authority_key, MessageDigest::sha256()).unwrap();
        }
    }
    builder.build()
}
