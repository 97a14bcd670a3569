//! What is read of an organization, and when, as the document that is kept.

use domain::connector::{
    Directory, DirectorySecurity, Discovery, DiscoveryScope, Options, Runspaces, SiteServer,
};
use domain::{ConnectorName, Schedule, Schedules, TimeZoneName};
use serde_json::{Value as Json, json};

use super::texts;

/// Options as a document.
pub(super) fn of_options(options: &Options) -> Json {
    let sites = options.sites.iter().map(|one| json!({ "site": one.site, "url": one.url }));
    let directory = options.directory.as_ref().map(
        |directory| json!({ "server": directory.server, "security": directory.security.word() }),
    );
    let (units, recipients) = match &options.discovery.scope {
        DiscoveryScope::Organization => (None, None),
        DiscoveryScope::Units(units) => (Some(units), None),
        DiscoveryScope::Recipients(filter) => (None, Some(filter)),
    };
    json!({
        "sites": sites.collect::<Vec<_>>(),
        "directory": directory,
        "stays_at_configured_servers": options.stays_at_configured_servers,
        "full": options.schedules.full.to_string(),
        "delta": options.schedules.delta.to_string(),
        "zone": options.schedules.zone.to_string(),
        "units": units,
        "recipients": recipients,
        "inactive_days": options.discovery.inactive_days,
        "removes_aged_partnerships": options.removes_aged_partnerships,
        "allow_external_management": options.allow_external_management,
        "notification_account": options.notification_account,
        "runspaces": options.runspaces.get(),
        "replaces": options.replaces.as_ref().map(ConnectorName::as_str),
    })
}

/// The options that a document describes. What it leaves out is as usual: documents of earlier
/// releases know less.
pub(super) fn options(document: &Json) -> Option<Options> {
    let usual = Options::default();
    let text = |name: &str| document.get(name).and_then(Json::as_str);
    let schedule = |name: &str, usual: Schedule| match text(name) {
        Some(text) => Schedule::parse(text).ok(),
        None => Some(usual),
    };
    let flag = |name: &str| document.get(name).and_then(Json::as_bool).unwrap_or_default();
    let present = |name: &str| document.get(name).filter(|value| !value.is_null());
    let sites = present("sites").and_then(Json::as_array).into_iter().flatten().map(|one| {
        let text = |name: &str| one.get(name)?.as_str().map(str::to_owned);
        Some(SiteServer { site: text("site")?, url: text("url")? })
    });
    let scope = match (present("units"), text("recipients")) {
        (Some(units), _) => DiscoveryScope::Units(texts(units)?),
        (None, Some(filter)) => DiscoveryScope::Recipients(filter.to_owned()),
        (None, None) => DiscoveryScope::Organization,
    };
    let inactive_days = present("inactive_days").and_then(Json::as_u64);
    Some(Options {
        sites: sites.collect::<Option<_>>()?,
        directory: match present("directory") {
            Some(directory) => Some(Directory {
                server: directory.get("server")?.as_str()?.to_owned(),
                security: DirectorySecurity::from_word(directory.get("security")?.as_str()?)?,
            }),
            None => None,
        },
        schedules: Schedules {
            full: schedule("full", usual.schedules.full)?,
            delta: schedule("delta", usual.schedules.delta)?,
            zone: match text("zone") {
                Some(zone) => TimeZoneName::parse(zone).ok()?,
                None => usual.schedules.zone,
            },
        },
        discovery: Discovery {
            scope,
            inactive_days: inactive_days.map(u16::try_from).transpose().ok()?,
        },
        stays_at_configured_servers: flag("stays_at_configured_servers"),
        removes_aged_partnerships: flag("removes_aged_partnerships"),
        allow_external_management: present("allow_external_management").and_then(Json::as_bool),
        notification_account: text("notification_account").map(str::to_owned),
        runspaces: match present("runspaces").and_then(Json::as_u64) {
            Some(count) => Runspaces::new(u8::try_from(count).ok()?).ok()?,
            None => usual.runspaces,
        },
        replaces: match text("replaces") {
            Some(name) => Some(ConnectorName::parse(name).ok()?),
            None => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_back_as_they_were_and_an_empty_document_means_the_usual() {
        assert_eq!(options(&json!({})), Some(Options::default()));
        let scopes = [
            DiscoveryScope::Organization,
            DiscoveryScope::Units(vec!["OU=Staff,DC=contoso,DC=com".to_owned()]),
            DiscoveryScope::Recipients("Department -eq 'Sales'".to_owned()),
        ];
        for scope in scopes {
            let there = Options {
                sites: vec![SiteServer {
                    site: "Berlin".to_owned(),
                    url: "http://b/P/".to_owned(),
                }],
                directory: Some(Directory {
                    server: "dc01".to_owned(),
                    security: DirectorySecurity::Sealed,
                }),
                schedules: Schedules {
                    full: Schedule::parse("0 2 * * *").unwrap(),
                    delta: Schedule::Never,
                    zone: TimeZoneName::parse("Europe/Berlin").unwrap(),
                },
                discovery: Discovery { scope, inactive_days: Some(90) },
                stays_at_configured_servers: true,
                removes_aged_partnerships: true,
                allow_external_management: Some(false),
                notification_account: Some("notify@contoso.com".to_owned()),
                runspaces: Runspaces::new(2).unwrap(),
                replaces: Some(ConnectorName::parse("old").unwrap()),
            };
            assert_eq!(options(&of_options(&there)), Some(there));
        }
        assert_eq!(options(&json!({ "full": "whenever" })), None);
    }
}
