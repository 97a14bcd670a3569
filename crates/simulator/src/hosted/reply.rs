//! Answers before they are put on the wire.

use hyper::{HeaderMap, Response, StatusCode, header, header::HeaderName};

use crate::answer::Answer;

/// What is answered to a call.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// It was carried out, and nobody is told.
    pub(super) is_cut: bool,
}

/// What the service says its pages are.
const PAGE_TYPE: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                         IEEE754Compatible=false;charset=utf-8";

impl Reply {
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), is_cut: false }
    }

    /// A document of the sign-in service.
    pub(super) fn document(status: StatusCode, body: &serde_json::Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { body, ..Self::empty(status) }
            .with("content-type", "application/json; charset=utf-8")
            .with("cache-control", "no-store, no-cache")
    }

    /// A document of the Exchange service.
    pub(super) fn page(status: StatusCode, body: String) -> Self {
        let body = body.into_bytes();
        Self { body, ..Self::empty(status) }.with("content-type", PAGE_TYPE)
    }

    pub(super) fn text(status: StatusCode, text: &str) -> Self {
        Self { body: text.as_bytes().to_vec(), ..Self::empty(status) }
            .with("content-type", "text/html; charset=utf-8")
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn into_response(self) -> Response<Answer> {
        let length = self.body.len();
        let mut response = Response::new(Answer::new(self.body));
        *response.status_mut() = self.status;
        let headers: &mut HeaderMap = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length.into());
        for (name, value) in self.headers {
            if let Ok(value) = value.parse() {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        if self.is_cut {
            response.body_mut().withhold();
        }
        response
    }
}
