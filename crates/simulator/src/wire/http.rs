//! HTTP: one connection after another, and on each one request after another.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError},
};

use http_body_util::{BodyExt as _, Limited};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{
    Service,
    security::{Security, Verdict},
};
use crate::{Account, answer::Answer, faults::strike};

/// The largest request: the largest envelope there is, sealed. Exchange itself reads 500 KB.
const MAX_REQUEST_BYTES: usize = wsman::sealed::MAX_BODY_BYTES;

const NOT_FOUND: &str = "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\">\r\n<html><head>\
    <title>404 - File or directory not found.</title></head><body><div id=\"header\"><h1>Server Error\
    </h1></div><div id=\"content\"><h2>404 - File or directory not found.</h2><h3>The resource you are \
    looking for might have been removed, had its name changed, or is temporarily unavailable.</h3>\
    </div></body></html>\r\n";

/// Serves one connection until either side closes it.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, service: Arc<Service>) {
    service.ledger.lock().connections += 1;
    let connection =
        Arc::new(Connection { service, peer, security: tokio::sync::Mutex::default() });
    let answer = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { connection.answer_unless_off(request).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection ended");
    }
}

struct Connection {
    service: Arc<Service>,
    peer: SocketAddr,
    security: tokio::sync::Mutex<Security>,
}

impl Connection {
    /// A server that is off, or goes off while it works, says nothing: an error ends the
    /// connection.
    async fn answer_unless_off(&self, request: Request<Incoming>) -> io::Result<Response<Answer>> {
        self.alive()?;
        let response = self.answer(request).await;
        self.alive()?;
        if response.body().is_withheld() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(response)
    }

    fn alive(&self) -> io::Result<()> {
        if self.service.faults().offline {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Answer> {
        self.service.ledger.lock().requests += 1;
        let slow = self.service.faults().slow;
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
        }
        if let Some(response) = self.gate(&request) {
            return response;
        }
        let mut security = self.security.lock().await;
        let service = &self.service;
        let accounts = || service.accounts();
        let verdict = security.judge(request.headers(), &service.options.schemes, accounts);
        let (account, challenge) = match verdict {
            Verdict::Known { account, challenge } => (account, challenge),
            Verdict::Challenge(challenges) => return unauthorized(&challenges),
        };
        let mut response = self.converse(&mut security, account, request).await;
        if let Some(challenge) = challenge.and_then(|text| text.parse().ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// What is answered before anybody asks who is there.
    fn gate(&self, request: &Request<Incoming>) -> Option<Response<Answer>> {
        let mut faults = self.service.faults();
        if let Some(status) = faults.html_page {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            return Some(html(status, &format!("<html><body><h1>{status}</h1></body></html>")));
        }
        if strike(&mut faults.unauthorized_request) {
            let offers: Vec<String> =
                self.service.options.schemes.iter().map(|one| one.word().to_owned()).collect();
            return Some(unauthorized(&offers));
        }
        drop(faults);
        let path = request.uri().path().to_ascii_lowercase();
        match path.as_str() {
            "/powershell" | "/powershell/" => None,
            "/powershell/healthcheck.htm" => Some(html(StatusCode::OK, "200 OK")),
            _ => Some(html(StatusCode::NOT_FOUND, NOT_FOUND)),
        }
    }

    /// One request of somebody known.
    async fn converse(
        &self,
        security: &mut Security,
        account: Account,
        request: Request<Incoming>,
    ) -> Response<Answer> {
        if request.method() != Method::POST {
            return plain(StatusCode::METHOD_NOT_ALLOWED);
        }
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type =
            content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body = match Limited::new(request.into_body(), MAX_REQUEST_BYTES).collect().await {
            Ok(body) => body.to_bytes().to_vec(),
            Err(_) => return plain(StatusCode::PAYLOAD_TOO_LARGE),
        };
        let opened = match security.open(&content_type, body) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::debug!(%error, "request refused");
                return plain(StatusCode::BAD_REQUEST);
            }
        };
        if opened.body.is_empty() {
            // A client that only wanted to get to know us.
            return plain(StatusCode::OK);
        }
        let outcome = self.service.handle(&account, self.peer, &opened.body).await;
        let Ok((content_type, body)) = security.close(opened.seal, outcome.envelope) else {
            return plain(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let status =
            if outcome.is_fault { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        let mut response = self.perhaps_cut(soap(status, &content_type, body), outcome.is_output);
        if outcome.is_cut {
            response.body_mut().withhold();
        }
        response
    }

    /// Cuts the answer short, if a fault asks for it.
    fn perhaps_cut(&self, mut response: Response<Answer>, is_output: bool) -> Response<Answer> {
        let mut faults = self.service.faults();
        let length = response.body().len();
        if is_output && strike(&mut faults.cut_receive) {
            response.body_mut().cut_at(length / 2);
        }
        if let Some(left) = faults.cut_after_bytes {
            let wanted = u64::try_from(length).unwrap_or(u64::MAX);
            faults.cut_after_bytes = left.checked_sub(wanted).filter(|left| *left > 0);
            if left <= wanted {
                response.body_mut().cut_at(usize::try_from(left).unwrap_or(length));
            }
        }
        response
    }
}

impl Service {
    /// Whether the server is off, by order.
    pub(crate) fn is_off(&self) -> bool {
        self.faults().offline
    }

    /// The faults that are ordered now.
    pub(super) fn faults(&self) -> std::sync::MutexGuard<'_, crate::Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn response(status: StatusCode, content_type: Option<&str>, body: Vec<u8>) -> Response<Answer> {
    let length = body.len();
    let mut response = Response::new(Answer::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::SERVER, header::HeaderValue::from_static("Microsoft-IIS/10.0"));
    headers.insert(header::CONTENT_LENGTH, length.into());
    if let Some(value) = content_type.and_then(|content_type| content_type.parse().ok()) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    response
}

fn soap(status: StatusCode, content_type: &str, body: Vec<u8>) -> Response<Answer> {
    response(status, Some(content_type), body)
}

fn html(status: StatusCode, page: &str) -> Response<Answer> {
    response(status, Some("text/html"), page.as_bytes().to_vec())
}

fn plain(status: StatusCode) -> Response<Answer> {
    response(status, None, Vec::new())
}

fn unauthorized(challenges: &[String]) -> Response<Answer> {
    let mut response = plain(StatusCode::UNAUTHORIZED);
    for challenge in challenges.iter().filter_map(|text| text.parse().ok()) {
        response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
