//! The hosted service on one address: HTTPS, and in the clear nothing but a machine's own identity.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use http_body_util::{BodyExt as _, Limited};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use openssl::ssl::Ssl;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_openssl::SslStream;

use super::{HostedOptions, Service, admin_api::Call, reply::Reply};
use crate::{
    Faults, Ledger, Organization,
    answer::Answer,
    faults::strike,
    server::{live, serve_all},
    wire::locked,
};

/// The largest request: ten cmdlets with long lists of ids.
const MAX_REQUEST_BYTES: usize = 4 * 1_024 * 1_024;
/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// A bound hosted service. [`HostedServer::run`] serves until it is told to stop.
pub struct HostedServer {
    listener: TcpListener,
    address: SocketAddr,
    organization: Arc<Mutex<Organization>>,
    options: HostedOptions,
    ledger: Ledger,
    faults: Arc<Mutex<Faults>>,
}

impl std::fmt::Debug for HostedServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl HostedServer {
    /// Takes an address (port 0: any free one). Nothing is answered before [`HostedServer::run`].
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(
        address: SocketAddr,
        organization: Arc<Mutex<Organization>>,
        options: HostedOptions,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (ledger, faults) = (Ledger::default(), Arc::default());
        Ok(Self { listener, address, organization, options, ledger, faults })
    }

    /// Goes on writing into this ledger: a service that was stopped and comes again.
    #[must_use]
    pub fn with_ledger(self, ledger: Ledger) -> Self {
        Self { ledger, ..self }
    }

    /// Takes its orders for faults from here, shared with whoever gave it.
    #[must_use]
    pub fn with_faults(self, faults: Arc<Mutex<Faults>>) -> Self {
        Self { faults, ..self }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://host:port` of the Exchange service, and of the service that gives tokens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What was asked so far; stays valid while the service runs and after.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// Faults to order, at any time.
    #[must_use]
    pub fn faults(&self) -> Arc<Mutex<Faults>> {
        Arc::clone(&self.faults)
    }

    /// Serves until `shutdown` is ready, then closes every connection and returns.
    ///
    /// # Errors
    /// When the listening socket fails for good.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let Self { listener, address, organization, options, ledger, faults } = self;
        let living = live(Arc::clone(&organization), Arc::clone(&options.now), options.living);
        let service = Arc::new(Service::new(address, organization, options, ledger, faults));
        let serve = |stream, peer| {
            // Dropped, and with that cut.
            (!service.faults().offline).then(|| Arc::clone(&service).serve(stream, peer))
        };
        serve_all(&listener, shutdown, living, serve).await
    }
}

impl Service {
    fn new(
        address: SocketAddr,
        organization: Arc<Mutex<Organization>>,
        options: HostedOptions,
        ledger: Ledger,
        faults: Arc<Mutex<Faults>>,
    ) -> Self {
        let (tenant, tenant_domain) = {
            let organization = locked(&organization);
            (organization.tenant_id(), organization.tenant_domain())
        };
        // A service that comes again gives no id a second time.
        let first = ledger.entries().requests.wrapping_mul(1_000) + 1;
        Self {
            organization,
            options,
            ledger,
            faults,
            authority: address.to_string(),
            tenant,
            tenant_domain,
            used: Mutex::default(),
            refresh_tokens: Mutex::default(),
            links: Mutex::default(),
            pace: Mutex::default(),
            made: Mutex::default(),
            next_id: AtomicU64::new(first),
        }
    }

    /// Serves one connection until either side closes it.
    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = self.converse(stream, peer).await {
            tracing::debug!(%error, "connection ended");
        }
    }

    async fn converse(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        self.ledger.lock().connections += 1;
        let mut first = [0; 1];
        if stream.peek(&mut first).await? == 0 {
            return Ok(());
        }
        if first[0] != HANDSHAKE {
            return self.answer_all(stream, peer, false).await;
        }
        let ssl = Ssl::new(&self.options.tls.context)?;
        let mut stream = SslStream::new(ssl, stream)?;
        Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
        self.answer_all(stream, peer, true).await
    }

    async fn answer_all(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: SocketAddr,
        is_sealed: bool,
    ) -> io::Result<()> {
        let answer = service_fn(move |request| {
            let service = Arc::clone(&self);
            async move { service.answer_unless_off(request, peer, is_sealed).await }
        });
        hyper::server::conn::http1::Builder::new()
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), answer)
            .await
            .map_err(io::Error::other)
    }

    /// A service that is off, or goes off while it works, says nothing: an error ends the
    /// connection.
    async fn answer_unless_off(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        is_sealed: bool,
    ) -> io::Result<Response<Answer>> {
        self.alive()?;
        self.ledger.lock().requests += 1;
        let slow = self.faults().slow;
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
        }
        let is_call = request.uri().path().starts_with("/adminapi/");
        let reply = self.answer(request, peer, is_sealed).await;
        self.alive()?;
        let date = jiff::fmt::rfc2822::DateTimePrinter::new();
        let date = date.timestamp_to_rfc9110_string(&self.time()).unwrap_or_default();
        let mut response = reply.with("date", date).into_response();
        if response.body().is_withheld() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let length = response.body().len();
        let mut faults = self.faults();
        if is_call && strike(&mut faults.cut_receive) {
            response.body_mut().cut_at(length / 2);
        }
        if let Some(left) = faults.cut_after_bytes {
            let wanted = u64::try_from(length).unwrap_or(u64::MAX);
            faults.cut_after_bytes = left.checked_sub(wanted).filter(|left| *left > 0);
            if left <= wanted {
                response.body_mut().cut_at(usize::try_from(left).unwrap_or(length));
            }
        }
        Ok(response)
    }

    fn alive(&self) -> io::Result<()> {
        if self.faults().offline {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr, is_sealed: bool) -> Reply {
        let html_page = self.faults().html_page;
        if let Some(status) = html_page {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            return Reply::text(status, &format!("<html><title>{status}</title></html>"));
        }
        let (head, body) = request.into_parts();
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        if path == "/metadata/identity/oauth2/token" {
            return self.machine_token(query, &head.headers);
        }
        if !is_sealed {
            return Reply::empty(StatusCode::FORBIDDEN);
        }
        let Ok(body) = Limited::new(body, MAX_REQUEST_BYTES).collect().await else {
            return Reply::empty(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let body = body.to_bytes();
        let is_post = head.method == Method::POST;
        let parts: Vec<&str> = path.trim_start_matches('/').splitn(4, '/').collect();
        match parts[..] {
            [tenant, "oauth2", "v2.0", "token"] if is_post => self.token(tenant, &body),
            [tenant, "oauth2", "v2.0", "devicecode"] if is_post => self.device_code(tenant, &body),
            ["devicelogin"] => self.enter_code(query),
            ["adminapi", version, tenant, resource] => {
                let call = Call {
                    version: version.to_owned(),
                    tenant: tenant.to_owned(),
                    resource: resource.to_owned(),
                    query: query.to_owned(),
                    method: head.method,
                    headers: head.headers,
                    body,
                    peer: peer.to_string(),
                };
                self.admin(&call).await
            }
            _ => Reply::empty(StatusCode::NOT_FOUND),
        }
    }
}
