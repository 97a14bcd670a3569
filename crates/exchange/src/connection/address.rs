//! Where a connection goes: the parts of an endpoint's URL.

use domain::connector::ServerEndpoint;

use super::ConnectError;

/// An endpoint's URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) is_tls: bool,
    /// Host name or address as it is written, without brackets.
    pub(crate) host: String,
    /// What stands in the `Host` header.
    pub(super) authority: String,
    /// `host:port` to open the connection to.
    pub(super) connect_to: String,
    /// With its query.
    pub(super) path: String,
}

impl Address {
    pub(crate) fn of(endpoint: &ServerEndpoint) -> Result<Self, ConnectError> {
        let invalid =
            |what: &str| ConnectError::InvalidEndpoint(format!("address {} {what}", endpoint.url));
        let url: hyper::Uri = endpoint.url.parse().map_err(|_| invalid("is no URL"))?;
        let is_tls = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(invalid("begins neither with http:// nor with https://")),
        };
        let authority = url.authority().ok_or_else(|| invalid("names no server"))?;
        let host = authority.host();
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self {
            is_tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            authority: authority.as_str().to_owned(),
            connect_to: endpoint.connect_to.clone().unwrap_or_else(|| format!("{host}:{port}")),
            path: url.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }

    /// Whether the connection goes through TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// What stands in the `Host` header.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}
