//! Answers before they are put on the wire.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
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

    /// Packs the body, if there is one that does not say already that it is. Gives whether it was.
    pub(super) fn pack(&mut self) -> bool {
        let encoding = header::CONTENT_ENCODING;
        if self.body.is_empty() || self.headers.iter().any(|(name, _)| encoding == *name) {
            return false;
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        // Memory takes everything; what it would not take goes as it is.
        let Ok(body) = packed.write_all(&self.body).and_then(|()| packed.finish()) else {
            return false;
        };
        self.body = body;
        self.headers.push(("content-encoding", "gzip".to_owned()));
        true
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

/// Whether whoever sends these headers unpacks what is packed (RFC 9110 section 12.5.3).
pub(super) fn takes_packed(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings =
        named.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|text| text.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_packed_answers_says_so() {
        for (said, takes) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("xgzip", false),
        ] {
            let headers = [(header::ACCEPT_ENCODING, said.parse().unwrap())].into_iter().collect();
            assert_eq!(takes_packed(&headers), takes, "{said}");
        }
        assert!(!takes_packed(&HeaderMap::new()));
    }
}
