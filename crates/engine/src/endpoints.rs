//! Endpoints of a connector: which there are, which is tried, which rests.

use std::time::Duration;

use anyhow::Context as _;
use domain::{
    Caller, Connector, ConnectorName, EndpointHealth, EndpointOrigin, Permission, ServerFacts,
    Timestamp,
    connector::{Endpoint, ServerEndpoint, Trust},
    endpoint,
    status_message::Event,
};
use exchange::{
    AnySession, ConnectError, ConnectionSettings, Credential, DirectorySettings, RemotePowerShell,
};

use crate::{Engine, Error, component::Phrase, link::host, sessions::Pool};

/// Waiting for Exchange's quotas ends here; the job then fails and says why.
const MAX_WAIT: Duration = Duration::from_secs(600);
/// Where Exchange does not say how long to wait.
const USUAL_WAIT: Duration = Duration::from_secs(30);
/// Troubles of endpoints that are told at once; the others say the same.
const TROUBLES_TOLD: usize = 3;
/// Servers found that are kept; the largest organizations have some hundreds.
const MAX_FOUND: usize = 500;

impl Engine {
    /// The endpoints of a connector and how they did, in the order they would be tried now.
    pub async fn endpoints(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<Vec<EndpointHealth>, Error> {
        let scope = caller.scope(Permission::Read)?;
        let connector = self.store().connector(&scope, name).await?;
        Ok(self.known_endpoints(&connector).await?)
    }

    /// As [`Engine::endpoints`], for the engine's own work.
    pub(crate) async fn known_endpoints(
        &self,
        connector: &Connector,
    ) -> anyhow::Result<Vec<EndpointHealth>> {
        let scope = self.own_scope()?;
        let known = self.store().endpoints(&scope, connector.id).await?;
        let servers = self.store().servers(&scope, connector.id).await?;
        let configured = connector.options.sites.iter().map(|one| {
            EndpointHealth::untried(&one.url, EndpointOrigin::Site, Some(one.site.as_str()))
        });
        let own =
            EndpointHealth::untried(connector.endpoint.url(), EndpointOrigin::Configured, None);
        let mut endpoints: Vec<EndpointHealth> = std::iter::once(own).chain(configured).collect();
        let stays = connector.options.stays_at_configured_servers;
        for found in known {
            match endpoints.iter_mut().find(|one| one.url.eq_ignore_ascii_case(&found.url)) {
                Some(one) => {
                    let (origin, site) = (one.origin, one.site.take());
                    *one = found;
                    one.origin = origin;
                    one.site = site.or_else(|| one.site.take());
                }
                None if found.origin > EndpointOrigin::Site && !stays => endpoints.push(found),
                None => {}
            }
        }
        for endpoint in &mut endpoints {
            let server = server_of(&servers, &endpoint.url);
            endpoint.version = server
                .and_then(|server| server.version.clone())
                .or_else(|| endpoint.version.take());
            endpoint.site = endpoint.site.take().or_else(|| server.and_then(|s| s.site.clone()));
        }
        endpoint::in_order(&mut endpoints, self.now());
        Ok(endpoints)
    }

    /// Connects to the best endpoint that answers; which one it is.
    pub(crate) async fn connect(
        &self,
        connector: &Connector,
        pool: &Pool,
    ) -> anyhow::Result<(AnySession, String)> {
        let server = match &connector.endpoint {
            Endpoint::OnPremises(server) => server,
            Endpoint::Hosted(hosted) => return self.connect_hosted(connector, hosted, pool).await,
        };
        let first = match self.connect_to_known(connector, server, pool).await {
            Err(error) if connector.options.directory.is_some() && !is_of_account(&error) => error,
            connected => return connected,
        };
        // Perhaps the directory knows servers that nobody has told us of.
        match self.find_in_directory(connector).await {
            Ok(0) => Err(first),
            Ok(_) => self.connect_to_known(connector, server, pool).await,
            Err(error) => Err(first.context(format!("{error:#}"))),
        }
    }

    async fn connect_to_known(
        &self,
        connector: &Connector,
        server: &ServerEndpoint,
        pool: &Pool,
    ) -> anyhow::Result<(AnySession, String)> {
        let (settings, credential) = self.settings(connector, server).await?;
        let mut endpoints = self.known_endpoints(connector).await?;
        let now = self.now();
        let is_rested = endpoints.iter().any(|endpoint| endpoint.may_be_tried(now));
        let mut troubles = Vec::new();
        for at in 0..endpoints.len() {
            let Some(one) = endpoints.get_mut(at) else { break };
            if is_rested && !one.may_be_tried(now) {
                continue;
            }
            let settings = at_endpoint(&settings, one);
            match self.connect_patiently(&settings, &credential, pool).await {
                Ok(session) => {
                    one.succeeded(self.now());
                    let (url, site) = (one.url.clone(), site_of(one));
                    let sites = connector.options.sites.iter().map(|one| one.url.as_str());
                    let configured = std::iter::once(connector.endpoint.url()).chain(sites);
                    pool.go_back_at(preferred_rests_until(&endpoints, configured, &url));
                    self.store().replace_endpoints(connector.id, &endpoints).await?;
                    self.note_endpoint(connector, pool, &endpoints, &url, &site).await;
                    return Ok((session.into(), url));
                }
                Err(error) => {
                    let (site, why) = (site_of(one), error.to_string());
                    self.say(&connector.name, Phrase::NoRunspace(&site, &why));
                    // Another server would say the same of the account, and lock it in the end.
                    if !is_of_endpoint(&error) {
                        return Err(error.into());
                    }
                    one.failed(self.now(), &error.to_string());
                    troubles.push((one.url.clone(), error));
                }
            }
        }
        self.store().replace_endpoints(connector.id, &endpoints).await?;
        if let [(_, _)] = troubles.as_slice()
            && let Some((_, error)) = troubles.pop()
        {
            return Err(error.into());
        }
        let each: Vec<String> = troubles
            .iter()
            .take(TROUBLES_TOLD)
            .map(|(url, error)| format!("{url}: {error}"))
            .collect();
        let text = format!("no endpoint of the organization answers. {}", each.join("; "));
        if pool.lost_all() {
            self.record(connector, Event::Unreachable, &text).await;
        }
        anyhow::bail!(text)
    }

    /// Connects to one endpoint, waiting where Exchange asks for it.
    async fn connect_patiently(
        &self,
        settings: &ConnectionSettings,
        credential: &Credential,
        pool: &Pool,
    ) -> Result<RemotePowerShell, ConnectError> {
        let mut waited = Duration::ZERO;
        loop {
            match RemotePowerShell::connect(settings, credential).await {
                Err(error) => self.wait_out(pool, error, &mut waited).await?,
                connected => return connected,
            }
        }
    }

    /// Waits as Exchange asks for it; what is not about waiting, or has been waited for too long, is
    /// given back.
    pub(crate) async fn wait_out(
        &self,
        pool: &Pool,
        error: ConnectError,
        waited: &mut Duration,
    ) -> Result<(), ConnectError> {
        let wait = match &error {
            ConnectError::Throttled { wait } => *wait,
            ConnectError::TooManyShells { wait } => wait.unwrap_or(USUAL_WAIT),
            _ => return Err(error),
        };
        pool.refused(self.now());
        *waited += wait;
        if *waited > MAX_WAIT {
            return Err(error);
        }
        self.inner.options.clock.sleep(wait).await;
        Ok(())
    }

    /// Says so when another endpoint is spoken to than before.
    async fn note_endpoint(
        &self,
        connector: &Connector,
        pool: &Pool,
        endpoints: &[EndpointHealth],
        url: &str,
        site: &str,
    ) {
        let before = pool.connected(url);
        let is_own = |url: &str| url == connector.endpoint.url();
        let (event, text) = match before {
            None if is_own(url) => return,
            Some(_) if is_own(url) => (Event::Returned, format!("back at {url}")),
            _ => {
                let own = endpoints.iter().find(|one| is_own(&one.url));
                let why = own.and_then(|own| own.trouble.clone()).unwrap_or_default();
                (Event::FailedOver, format!("went over to {url} in site {site}: {why}"))
            }
        };
        self.record(connector, event, &text).await;
    }

    /// Takes over which servers Exchange has: more endpoints, and which of them are too old.
    pub(crate) async fn found_servers(
        &self,
        connector: &Connector,
        servers: &[ServerFacts],
    ) -> anyhow::Result<()> {
        if connector.endpoint.server().is_none() {
            return Ok(());
        }
        let found = servers.iter().filter(|server| !server.is_edge).filter_map(|server| {
            let origin = if server.is_client_access {
                EndpointOrigin::Exchange
            } else if server.is_mailbox {
                EndpointOrigin::Mailbox
            } else {
                return None;
            };
            let url = sibling(connector.endpoint.url(), server.fqdn.as_deref()?);
            let found = EndpointHealth::untried(&url, origin, server.site.as_deref());
            Some(EndpointHealth { version: server.version.clone(), ..found })
        });
        let found = found.take(MAX_FOUND).collect();
        let origins = [EndpointOrigin::Exchange, EndpointOrigin::Mailbox];
        self.replace_found(connector, &origins, found).await
    }

    /// Asks Active Directory where Exchange's servers are, if it is configured; how many endpoints
    /// it knows.
    pub(crate) async fn find_in_directory(&self, connector: &Connector) -> anyhow::Result<usize> {
        let Some(directory) = &connector.options.directory else { return Ok(0) };
        if connector.options.stays_at_configured_servers {
            return Ok(0);
        }
        let Some(server) = connector.endpoint.server() else { return Ok(0) };
        let (settings, credential) = self.settings(connector, server).await?;
        let endpoint = settings.endpoint;
        let wanted = DirectorySettings {
            username: endpoint.username,
            keytab: endpoint.keytab,
            kdc: endpoint.kdc,
            // The pinned certificate is that of the connector's own server.
            trust: Trust { pinned_sha256: None, ..endpoint.trust },
            ..DirectorySettings::new(directory.server.clone(), directory.security)
        };
        let servers = exchange::find_servers(&wanted, &credential)
            .await
            .with_context(|| format!("asking the directory server {}", directory.server))?;
        let found = servers.iter().filter(|server| !server.is_edge).flat_map(|server| {
            server.urls.iter().map(|url| {
                let origin = EndpointOrigin::Directory;
                let found = EndpointHealth::untried(url, origin, server.site.as_deref());
                EndpointHealth { version: server.version.clone(), ..found }
            })
        });
        let found: Vec<EndpointHealth> = found.take(MAX_FOUND).collect();
        let count = found.len();
        self.replace_found(connector, &[EndpointOrigin::Directory], found).await?;
        Ok(count)
    }

    /// Replaces the endpoints of these origins by those found now. How each did is kept; those that
    /// are known by another name of theirs already are left out.
    async fn replace_found(
        &self,
        connector: &Connector,
        origins: &[EndpointOrigin],
        found: Vec<EndpointHealth>,
    ) -> anyhow::Result<()> {
        let mut endpoints = self.known_endpoints(connector).await?;
        endpoints.retain(|one| {
            let is_there = found.iter().any(|found| found.url == one.url);
            !origins.contains(&one.origin) || is_there
        });
        for one in found {
            let is_same =
                |known: &EndpointHealth| host(&known.url).eq_ignore_ascii_case(host(&one.url));
            if !endpoints.iter().any(is_same) {
                endpoints.push(one);
            }
        }
        Ok(self.store().replace_endpoints(connector.id, &endpoints).await?)
    }

    /// One sentence if the server that is spoken to does not see the mailboxes of newer ones.
    pub(crate) async fn too_old(
        &self,
        connector: &Connector,
        url: &str,
    ) -> anyhow::Result<Option<String>> {
        let servers = self.store().servers(&self.own_scope()?, connector.id).await?;
        let Some(version) = server_of(&servers, url).and_then(|server| server.version.as_deref())
        else {
            return Ok(None);
        };
        let newest = servers
            .iter()
            .filter(|server| server.is_mailbox && !server.is_edge)
            .filter_map(|server| Some((server, server.version.as_deref()?)))
            .max_by_key(|(_, version)| endpoint::parts(Some(version)));
        Ok(newest.filter(|(_, newest)| !endpoint::sees(version, newest)).map(|(server, newest)| {
            let name = server.fqdn.as_deref().unwrap_or(&server.name);
            format!(
                "{} has version {version} and does not show mailboxes of servers of version \
                 {newest}; connect to {name} or another of that version",
                host(url)
            )
        }))
    }
}

/// The connection settings for one of a connector's endpoints.
pub(crate) fn at_endpoint(
    settings: &ConnectionSettings,
    endpoint: &EndpointHealth,
) -> ConnectionSettings {
    let mut settings = settings.clone();
    if endpoint.url != settings.endpoint.url {
        settings.endpoint.url.clone_from(&endpoint.url);
        // Those name the connector's own server.
        settings.endpoint.connect_to = None;
        settings.endpoint.spn = None;
        // Whoever pins a certificate pins that of the servers they name; of those that were found
        // nobody knows it, and the authorities say who they are.
        if endpoint.origin > EndpointOrigin::Site {
            settings.endpoint.trust.pinned_sha256 = None;
        }
    }
    settings
}

/// When an endpoint that is preferred to this one, and does not answer, may be tried again.
/// `configured`: the addresses that somebody configured, in the order of preference.
fn preferred_rests_until<'a>(
    endpoints: &[EndpointHealth],
    configured: impl Iterator<Item = &'a str>,
    url: &str,
) -> Option<Timestamp> {
    let preferred: Vec<&str> = configured.take_while(|one| *one != url).collect();
    let rests = endpoints.iter().filter(|one| preferred.contains(&one.url.as_str()));
    rests.filter_map(|one| one.rests_until).min()
}

/// Whether an error says something about the account: another server, or a domain controller, would
/// say the same, and lock it in the end.
pub(crate) fn is_of_account(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ConnectError>().is_some_and(|error| !is_of_endpoint(error))
}

/// Whether an error says something about the server, so that another one may do.
fn is_of_endpoint(error: &ConnectError) -> bool {
    use ConnectError as Error;
    matches!(
        error,
        Error::Unreachable { .. }
            | Error::WrongPath { .. }
            | Error::HtmlPage { .. }
            | Error::Cut(_)
            | Error::TimedOut { .. }
            | Error::UntrustedCertificate { .. }
            | Error::CertificateName { .. }
            | Error::PinMismatch { .. }
            | Error::Tls { .. }
            | Error::SslRequired
            | Error::MissingSpn { .. }
            | Error::TooManyShells { .. }
            | Error::Throttled { .. }
    )
}

fn server_of<'a>(servers: &'a [ServerFacts], url: &str) -> Option<&'a ServerFacts> {
    let host = host(url);
    servers.iter().find(|server| server.fqdn.as_ref().is_some_and(|f| f.eq_ignore_ascii_case(host)))
}

/// Site of an endpoint, for messages: its host where nobody knows.
fn site_of(endpoint: &EndpointHealth) -> String {
    endpoint.site.clone().unwrap_or_else(|| host(&endpoint.url).to_owned())
}

/// The same address on another server: scheme and path as they are, the port as usual.
fn sibling(url: &str, fqdn: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let path = rest.split_once('/').map_or("PowerShell/", |(_, path)| path);
    format!("{scheme}://{fqdn}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_found_is_spoken_to_as_the_configured_one() {
        let of = |url| sibling(url, "ex02.contoso.com");
        assert_eq!(of("http://ex01/PowerShell/"), "http://ex02.contoso.com/PowerShell/");
        assert_eq!(of("https://mail:444/PS/?a=b"), "https://ex02.contoso.com/PS/?a=b");
    }

    #[test]
    fn only_what_is_preferred_is_gone_back_to() {
        let configured = ["own", "berlin", "bonn"];
        let now = Timestamp::UNIX_EPOCH;
        let mut endpoints = configured.map(|url| {
            let origin =
                if url == "own" { EndpointOrigin::Configured } else { EndpointOrigin::Site };
            EndpointHealth::untried(url, origin, None)
        });
        endpoints[0].failed(now, "off");
        endpoints[0].failed(now, "off");
        endpoints[2].failed(now, "off");
        let [own, _, bonn] = endpoints.each_ref().map(|one| one.rests_until);
        let back = |url| preferred_rests_until(&endpoints, configured.into_iter(), url);
        assert_eq!(back("own"), None);
        assert_eq!(back("berlin"), own, "bonn comes after it, however it did");
        assert_eq!(back("found"), bonn, "any that is configured");
    }

    #[test]
    fn a_pinned_certificate_is_that_of_every_configured_server() {
        let url = "https://mail.contoso.com/PowerShell/";
        let settings = ConnectionSettings::new(ServerEndpoint {
            connect_to: Some("10.0.0.5:443".to_owned()),
            trust: Trust { pinned_sha256: Some("ab".repeat(32)), ..Trust::default() },
            ..ServerEndpoint::new(url)
        });
        for (other, origin, is_pinned, is_redirected) in [
            (url, EndpointOrigin::Configured, true, true),
            ("https://berlin.contoso.com/PowerShell/", EndpointOrigin::Site, true, false),
            ("https://ex02.contoso.com/PowerShell/", EndpointOrigin::Exchange, false, false),
        ] {
            let endpoint =
                at_endpoint(&settings, &EndpointHealth::untried(other, origin, None)).endpoint;
            assert_eq!(endpoint.trust.pinned_sha256.is_some(), is_pinned, "{other}");
            assert_eq!(endpoint.connect_to.is_some(), is_redirected, "{other}");
        }
    }
}
