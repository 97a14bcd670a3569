//! HTTP with one host: a connection that is made when it is needed, and made anew after it was lost.

use std::{borrow::Cow, io::Read as _, time::Duration};

use bytes::Bytes;
use domain::connector::{ServerEndpoint, Trust};
use flate2::read::MultiGzDecoder;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use tokio::time::timeout;

use super::HostedSettings;
use crate::{
    ConnectError, ConnectionSettings, Timeouts,
    connection::{Address, BodyLimits, Http, SendError, Stream, open, secure},
};

/// Largest body taken, as it comes and after it was unpacked: a page of a thousand devices has some
/// megabytes.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// HTTP with one host.
pub(crate) struct Channel {
    connection: ConnectionSettings,
    address: Address,
    http: Option<Http>,
    /// Memory of a body that was read; the next one is as long.
    spare: Vec<u8>,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// How long its answer may take to begin.
    pub(crate) within: Duration,
}

/// One answer, as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
}

impl Channel {
    /// A way to `https://host[:port]`; nothing is connected yet. The pinned certificate is that of a
    /// host that was configured; others show one of an authority.
    pub(crate) fn new(
        settings: &HostedSettings,
        origin: &str,
        is_configured: bool,
    ) -> Result<Self, ConnectError> {
        let HostedSettings { endpoint, timeouts, proxy_password, .. } = settings;
        let pinned_sha256 = endpoint.trust.pinned_sha256.clone().filter(|_| is_configured);
        let connection = ConnectionSettings {
            endpoint: ServerEndpoint {
                trust: Trust { pinned_sha256, ..endpoint.trust.clone() },
                proxy: endpoint.proxy.clone(),
                ..ServerEndpoint::new(origin)
            },
            proxy_password: proxy_password.clone(),
            timeouts: Timeouts {
                connect: timeouts.connect,
                tls: timeouts.tls,
                read_idle: timeouts.read_idle,
                ..Timeouts::default()
            },
        };
        let address = Address::of(&connection.endpoint)?;
        Ok(Self { connection, address, http: None, spare: Vec::new() })
    }

    /// Whether what is said can be read on the way.
    pub(crate) fn is_in_the_clear(&self) -> bool {
        !self.address.is_tls()
    }

    /// Sends a request and takes the answer. Whatever goes wrong after the connection was made ends
    /// the connection; the next request makes another.
    pub(crate) async fn send(&mut self, ask: &Ask) -> Result<Answer, SendError> {
        // A server closes a connection that was idle for some minutes; nothing is lost with it.
        if let Some(http) = &mut self.http
            && !http.is_open().await
        {
            self.http = None;
        }
        // Taken out: a request that is given up half-way takes its connection along.
        let mut http = match self.http.take() {
            Some(http) => http,
            None => self.connect().await.map_err(SendError::NotConnected)?,
        };
        let response = timeout(ask.within, http.exchange(self.request(ask)))
            .await
            .map_err(|_| SendError::TimedOut(ask.within))?
            .map_err(SendError::Cut)?;
        let (head, body) = response.into_parts();
        let limits = BodyLimits { bytes: MAX_BODY_BYTES, idle: self.connection.timeouts.read_idle };
        let memory = std::mem::take(&mut self.spare);
        let body = http.collect(body, memory, limits).await.map_err(SendError::Lost)?;
        self.http = Some(http);
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// Takes the memory of an answer back that nobody reads any more.
    pub(crate) fn reuse(&mut self, answer: Answer) {
        self.spare = answer.body;
    }

    async fn connect(&self) -> Result<Http, ConnectError> {
        let tcp = open(&self.connection, &self.address).await?;
        let stream: Box<dyn Stream> = if self.address.is_tls() {
            Box::new(secure(tcp, &self.connection, &self.address).await?.stream)
        } else {
            Box::new(tcp)
        };
        Http::over(stream).await.map_err(|error| ConnectError::Cut(error.to_string()))
    }

    fn request(&self, ask: &Ask) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(ask.body.clone()));
        *request.method_mut() = ask.method.clone();
        // Targets are made of URLs that were parsed, and of names that are escaped.
        *request.uri_mut() = ask.target.parse().unwrap_or_default();
        let own = [
            (header::HOST, self.address.authority()),
            (header::USER_AGENT, "Gatepost"),
            (header::ACCEPT_ENCODING, "gzip"),
        ];
        for (name, value) in own {
            if let Ok(value) = value.parse() {
                request.headers_mut().insert(name, value);
            }
        }
        for (name, value) in &ask.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        request
    }
}

impl Answer {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, unpacked, or why it cannot be: what is labelled as packed and is not, or grows beyond
    /// the limit. A refusal comes with such a label and nothing but zeros.
    pub(crate) fn plain(&self) -> Result<Cow<'_, [u8]>, &'static str> {
        let encoding = self.header(header::CONTENT_ENCODING.as_str()).unwrap_or_default();
        if !encoding.trim().eq_ignore_ascii_case("gzip") {
            return Ok(self.body.as_slice().into());
        }
        let limit = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX);
        let mut whole = Vec::with_capacity(self.body.len().saturating_mul(8).min(MAX_BODY_BYTES));
        let mut unpacked = MultiGzDecoder::new(self.body.as_slice()).take(limit.saturating_add(1));
        unpacked.read_to_end(&mut whole).map_err(|_| "it cannot be unpacked")?;
        if whole.len() > MAX_BODY_BYTES {
            return Err("it is far larger than its kind when it is unpacked");
        }
        Ok(whole.into())
    }

    #[cfg(test)]
    pub(crate) fn of(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
        });
        let status = StatusCode::from_u16(status).unwrap();
        Self { status, headers: headers.collect(), body: body.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn bodies_are_unpacked_and_false_labels_do_no_harm() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(b"{\"value\":[]}").unwrap();
        let packed = packed.finish().unwrap();
        let gzip = [("content-encoding", "gzip")];
        let plain = |answer: &Answer| answer.plain().map(Cow::into_owned);
        assert_eq!(plain(&Answer::of(200, &gzip, &packed)).unwrap(), b"{\"value\":[]}");
        assert_eq!(plain(&Answer::of(200, &[], b"x")).unwrap(), b"x");
        assert_eq!(plain(&Answer::of(403, &gzip, &[0; 64])), Err("it cannot be unpacked"));
        let cut = packed.get(..packed.len() - 4).unwrap();
        assert_eq!(plain(&Answer::of(200, &gzip, cut)), Err("it cannot be unpacked"));
    }

    /// A hundredth of the limit on the wire, and one byte more than the limit behind it, in one piece
    /// or in two.
    #[test]
    fn what_grows_without_end_is_not_taken() {
        let gzip = [("content-encoding", "gzip")];
        let packed = |bytes: usize| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&vec![0; bytes]).unwrap();
            packed.finish().unwrap()
        };
        let half = packed(MAX_BODY_BYTES / 2);
        let whole = Answer::of(200, &gzip, &[half.as_slice(), &half].concat());
        assert_eq!(whole.plain().unwrap().len(), MAX_BODY_BYTES);
        for bomb in [packed(MAX_BODY_BYTES + 1), [half.as_slice(), &half, &packed(1)].concat()] {
            assert!(bomb.len() < MAX_BODY_BYTES / 100);
            let refused = Answer::of(200, &gzip, &bomb).plain().map(drop).unwrap_err();
            assert!(refused.contains("far larger"), "{refused}");
        }
    }
}
