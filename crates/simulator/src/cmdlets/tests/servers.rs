//! Servers of different generations in one organization.

use psrp::clixml::Value;

use super::{call, context, objects, run, run_as, texts};
use crate::{Organization, OrganizationOptions, cmdlets::Context};

/// A server of 2010, one of 2016 and one of 2019.
fn mixed() -> Organization {
    Organization::generate(&OrganizationOptions {
        sites: vec![("Berlin".to_owned(), 2), ("Shanghai".to_owned(), 1)],
        server_versions: vec![[14, 3, 123, 4], [15, 1, 2507, 6], [15, 2, 1748, 10]],
        ..OrganizationOptions::default()
    })
}

fn on_server(
    organization: &mut Organization,
    server: usize,
    name: &str,
    parameters: &[(&str, Value)],
) -> Vec<super::Reply> {
    let context = Context { server, ..context() };
    run_as(organization, &context, &[call(name, parameters)]).unwrap()
}

#[test]
fn an_old_server_does_not_see_what_lives_on_newer_ones() {
    let mut organization = mixed();
    let every = organization.device_count();
    let mut counts = [0, 1, 2].map(|server| {
        let devices = on_server(&mut organization, server, "Get-ActiveSyncDevice", &[]);
        let mailboxes = on_server(&mut organization, server, "Get-CASMailbox", &[]);
        let homes = texts(&mailboxes, "ServerName");
        let old = homes.iter().filter(|home| *home == "ex-ber-01").count();
        assert_eq!(old == homes.len(), server == 0, "{homes:?}");
        devices.len()
    });
    assert_eq!((counts[1], counts[2]), (every, every));
    counts.sort_unstable();
    assert!((1..every).contains(&counts[0]), "{counts:?}");

    let seen = texts(&on_server(&mut organization, 0, "Get-ActiveSyncDevice", &[]), "Guid");
    let hidden = organization.device_guids().find(|guid| !seen.contains(&guid.to_string()));
    let identity = [("Identity", Value::Guid(hidden.unwrap()))];
    for (server, found) in [(0, false), (1, true)] {
        let replies = on_server(&mut organization, server, "Get-ActiveSyncDevice", &identity);
        assert_eq!(!objects(&replies).is_empty(), found);
    }
}

#[test]
fn each_server_speaks_as_what_it_is() {
    let mut organization = mixed();
    let servers = run(&mut organization, "Get-ExchangeServer", &[]);
    assert_eq!(
        texts(&servers, "AdminDisplayVersion"),
        [
            "Version 14.3 (Build 123.4)",
            "Version 15.1 (Build 2507.6)",
            "Version 15.2 (Build 1748.10)",
            "Version 15.2 (Build 1748.10)"
        ]
    );
    assert_eq!(texts(&servers, "IsE15OrLater"), ["false", "true", "true", "true"]);
    assert_eq!(organization.server_count(), 3);
    let old = context();
    assert!(run_as(&mut organization, &old, &[call("Get-MobileDevice", &[])]).is_err());
    let names = ["ex-ber-01.contoso.com", "ex-ber-02.contoso.com", "ex-sha-01.contoso.com"];
    for (server, name) in names.into_iter().enumerate() {
        let replies = on_server(&mut organization, server, "Get-OrganizationConfig", &[]);
        assert_eq!(texts(&replies, "PSComputerName"), [name]);
    }
}
