//! What is wrong with a connector to a hosted organization.

use domain::connector::{DiscoveryScope, HostedEndpoint, HostedSignIn, Options};

use super::{MAX_FIELD_BYTES, Proposal};
use crate::secrets::ConnectorSecrets;

/// One sentence about the first field that is wrong.
pub(super) fn validate(hosted: &HostedEndpoint, new: &Proposal) -> Result<(), String> {
    validate_proof(hosted, &new.secrets)?;
    let is_of_machine = hosted.sign_in == HostedSignIn::ManagedIdentity;
    for (field, url, may_be_plain) in [
        ("service", &hosted.service_url, false),
        // What gives tokens to a machine's own identity is asked in the clear, on the machine.
        ("sign-in", &hosted.login_url, is_of_machine),
    ] {
        if let Some(url) = url {
            validate_origin(field, url, may_be_plain)?;
        }
    }
    validate_options(&new.options)
}

/// What is said of a password that nothing can be done with.
pub(crate) const PASSWORD_OF_HOSTED: &str =
    "a hosted organization is signed in to as an application; leave the password out";

/// Whether what is given is enough for the way of signing in.
fn validate_proof(hosted: &HostedEndpoint, secrets: &ConnectorSecrets) -> Result<(), String> {
    if secrets.password.is_some() {
        return Err(PASSWORD_OF_HOSTED.to_owned());
    }
    let needs_application =
        matches!(hosted.sign_in, HostedSignIn::Certificate | HostedSignIn::Secret);
    if needs_application && hosted.application.is_none() {
        return Err("there is no application; give the id that Entra shows for it".to_owned());
    }
    if hosted.application.is_some_and(|id| id.is_nil()) {
        return Err("the id of the application is all zeros; give the id that Entra shows for it"
            .to_owned());
    }
    match hosted.sign_in {
        HostedSignIn::Certificate if secrets.certificate.is_none() => {
            Err("there is no certificate; give a file with the certificate and its key".to_owned())
        }
        HostedSignIn::Secret if secrets.client_secret.is_none() => {
            Err("there is no client secret; give the one that Entra showed for the application"
                .to_owned())
        }
        _ => Ok(()),
    }
}

/// An address is a scheme, a host and perhaps a port: the paths are the service's own.
fn validate_origin(field: &str, url: &str, may_be_plain: bool) -> Result<(), String> {
    let wanted = "as in https://outlook.office365.com";
    let lower = url.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://");
    let rest = rest.or_else(|| lower.strip_prefix("http://").filter(|_| may_be_plain));
    let Some(rest) = rest else {
        return Err(format!("the {field} address does not begin with https://; write it {wanted}"));
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "/?#@\\".contains(c);
    if url.len() > MAX_FIELD_BYTES || authority.is_empty() || authority.contains(is_odd) {
        return Err(format!("the {field} address is more than a server; write it {wanted}"));
    }
    if let Some((host, port)) = authority.rsplit_once(':')
        && !authority.ends_with(']')
        && (host.is_empty() || !port.parse::<u16>().is_ok_and(|port| port > 0))
    {
        return Err(format!("{port:?} is no port; write the {field} address {wanted}"));
    }
    Ok(())
}

/// What hosted Exchange does not have cannot be set.
fn validate_options(options: &Options) -> Result<(), String> {
    if !options.sites.is_empty() {
        return Err("hosted Exchange has no sites; leave the servers of sites out".to_owned());
    }
    if options.directory.is_some() {
        return Err(
            "hosted Exchange needs no directory server to be found; leave it out".to_owned()
        );
    }
    if options.stays_at_configured_servers {
        return Err("hosted Exchange is one service, not servers to choose of; leave that choice \
                    out"
        .to_owned());
    }
    if matches!(options.discovery.scope, DiscoveryScope::Units(_)) {
        return Err(
            "hosted Exchange keeps no organizational units of yours; name the mailboxes by \
                    a filter, as in Department -eq 'Sales'"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::{
        ConnectorName,
        connector::{Endpoint, SiteServer, Tenant},
    };
    use exchange::Secret;
    use uuid::Uuid;

    use super::*;

    fn good() -> Proposal {
        let tenant = Tenant::parse("contoso.onmicrosoft.com").unwrap();
        Proposal {
            name: ConnectorName::parse("cloud").unwrap(),
            endpoint: Endpoint::Hosted(HostedEndpoint::new(tenant, Uuid::from_u128(7))),
            options: Options::default(),
            secrets: ConnectorSecrets {
                certificate: Some(Secret::new("PEM")),
                ..ConnectorSecrets::default()
            },
        }
    }

    fn hosted(new: &mut Proposal) -> &mut HostedEndpoint {
        match &mut new.endpoint {
            Endpoint::Hosted(hosted) => hosted,
            Endpoint::OnPremises(_) => unreachable!(),
        }
    }

    #[test]
    fn what_is_right_is_taken() {
        assert_eq!(super::super::validate(&good()), Ok(()));
        let mut own = good();
        hosted(&mut own).service_url = Some("https://[::1]:8443/".to_owned());
        assert_eq!(super::super::validate(&own), Ok(()));
        let mut machine = good();
        machine.secrets = ConnectorSecrets::default();
        *hosted(&mut machine) = HostedEndpoint {
            application: None,
            sign_in: HostedSignIn::ManagedIdentity,
            login_url: Some("http://169.254.169.254".to_owned()),
            ..hosted(&mut good()).clone()
        };
        assert_eq!(super::super::validate(&machine), Ok(()));
    }

    #[test]
    fn each_wrong_field_is_named() {
        type Change = fn(&mut Proposal);
        let cases: &[(Change, &str)] = &[
            (|new| new.secrets.certificate = None, "no certificate"),
            (|new| hosted(new).sign_in = HostedSignIn::Secret, "no client secret"),
            (|new| hosted(new).application = None, "no application"),
            (|new| hosted(new).application = Some(Uuid::nil()), "zeros"),
            (|new| new.secrets.password = Some(Secret::new("x")), "leave the password out"),
            (|new| hosted(new).service_url = Some("http://h".to_owned()), "https://"),
            (|new| hosted(new).login_url = Some("https://h/path".to_owned()), "more than a server"),
            (|new| hosted(new).login_url = Some("https://u@h".to_owned()), "more than a server"),
            (|new| hosted(new).service_url = Some("https://h:x".to_owned()), "no port"),
            (
                |new| {
                    let (site, url) = ("Berlin".to_owned(), "http://b/P/".to_owned());
                    new.options.sites = vec![SiteServer { site, url }];
                },
                "no sites",
            ),
            (|new| new.options.stays_at_configured_servers = true, "one service"),
            (
                |new| new.options.discovery.scope = DiscoveryScope::Units(vec!["a/b".to_owned()]),
                "by a filter",
            ),
        ];
        for (spoil, said) in cases {
            let mut new = good();
            spoil(&mut new);
            let error = super::super::validate(&new).unwrap_err();
            assert!(error.contains(said), "{error:?} does not say {said:?}");
        }
    }
}
