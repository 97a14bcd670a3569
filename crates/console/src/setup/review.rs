//! A connector in words, to be read before it is kept.

use domain::{
    Schedule,
    connector::{
        Authentication, Cloud, DirectorySecurity, DiscoveryScope, Endpoint, HostedEndpoint,
        HostedSignIn, Options, ServerEndpoint,
    },
};

use crate::{
    setup::{
        entered::{Entered, Given},
        form::Step,
    },
    words,
};

/// A step of the form and what was decided in it.
pub(crate) struct Section {
    pub(crate) step: Step,
    /// What, and in which words.
    pub(crate) facts: Vec<(&'static str, String)>,
}

/// Everything that was decided, in words; of secrets only that they are given.
pub(crate) fn sections(entered: &Entered, given: Given) -> Vec<Section> {
    vec![
        Section { step: Step::General, facts: general(entered, given) },
        Section { step: Step::Account, facts: account(entered, given) },
        Section { step: Step::Discovery, facts: discovery(&entered.options) },
        Section { step: Step::Settings, facts: settings(&entered.options) },
    ]
}

fn said(given: bool) -> &'static str {
    if given { "password given" } else { "no password" }
}

fn general(entered: &Entered, given: Given) -> Vec<(&'static str, String)> {
    let endpoint = &entered.endpoint;
    let mut facts =
        vec![("Name", entered.name.to_string()), ("Environment", environment(endpoint).to_owned())];
    if let Endpoint::Hosted(hosted) = endpoint {
        facts.push(("Tenant", hosted.tenant.to_string()));
        facts.push(("Cloud", cloud(hosted.cloud).to_owned()));
    }
    facts.push(("Address", endpoint.url().to_owned()));
    if let Endpoint::OnPremises(_) = endpoint {
        facts.extend(servers(&entered.options));
    }
    let proxy = endpoint.proxy().map_or_else(
        || "None".to_owned(),
        |proxy| match &proxy.username {
            Some(user) => format!("{} as {user}, {}", proxy.address, said(given.proxy_password)),
            None => proxy.address.clone(),
        },
    );
    facts.push(("Proxy", proxy));
    if let Some(to) = endpoint.server().and_then(|server| server.connect_to.as_ref()) {
        facts.push(("Connects to", to.clone()));
    }
    if let Some(pin) = &endpoint.trust().pinned_sha256 {
        facts.push(("Accepts only the certificate", pin.clone()));
    }
    if endpoint.trust().extra_roots_pem.is_some() {
        facts.push(("More certificate authorities", "given".to_owned()));
    }
    facts
}

/// Which other servers of an organization on premises are made use of.
fn servers(options: &Options) -> Vec<(&'static str, String)> {
    let sites =
        options.sites.iter().map(|one| ("Server of a site", format!("{}: {}", one.site, one.url)));
    let others = match options.stays_at_configured_servers {
        false => "Gone over to when none of these answers",
        true => "Left alone",
    };
    let directory = options.directory.as_ref().map_or_else(
        || "Not asked".to_owned(),
        |directory| {
            let way = match directory.security {
                DirectorySecurity::StartTls => "StartTLS",
                DirectorySecurity::Ldaps => "LDAPS",
                DirectorySecurity::Sealed => "sealed by Kerberos",
            };
            format!("{} is asked for more servers, {way}", directory.server)
        },
    );
    sites.chain([("Other servers", others.to_owned()), ("Active Directory", directory)]).collect()
}

fn account(entered: &Entered, given: Given) -> Vec<(&'static str, String)> {
    let mut facts = match &entered.endpoint {
        Endpoint::OnPremises(server) => server_account(server, given),
        Endpoint::Hosted(hosted) => hosted_account(hosted, given),
    };
    let notification = entered.options.notification_account.as_ref().map_or_else(
        || "None".to_owned(),
        |account| format!("{account}, {}", said(given.notification_password)),
    );
    facts.push(("Notifications are sent with", notification));
    facts
}

fn hosted_account(hosted: &HostedEndpoint, given: Given) -> Vec<(&'static str, String)> {
    let application = hosted.application.map_or_else(|| "None".to_owned(), |id| id.to_string());
    let proof = match hosted.sign_in {
        HostedSignIn::Certificate => Some(("Certificate", given.certificate)),
        HostedSignIn::Secret => Some(("Client secret", given.client_secret)),
        HostedSignIn::DeviceCode | HostedSignIn::ManagedIdentity => None,
    };
    let given = |given: bool| if given { "given" } else { "not given" }.to_owned();
    let mut facts = vec![
        ("Application", application),
        ("Way of signing in", way_of_proving(hosted.sign_in).to_owned()),
    ];
    facts.extend(proof.map(|(name, is_given)| (name, given(is_given))));
    facts
}

fn server_account(endpoint: &ServerEndpoint, given: Given) -> Vec<(&'static str, String)> {
    let account = match (&endpoint.username, &endpoint.keytab) {
        (None, _) => "What this machine is signed in as".to_owned(),
        (Some(user), Some(keytab)) => format!("{user}, with the keytab {keytab}"),
        (Some(user), None) => format!("{user}, {}", said(given.password)),
    };
    let mut facts = vec![
        ("Signs in as", account),
        ("Way of signing in", way_of_signing_in(endpoint.authentication).to_owned()),
    ];
    if let Some(spn) = &endpoint.spn {
        facts.push(("Service principal name", spn.clone()));
    }
    if !endpoint.kdc.is_empty() {
        facts.push(("Kerberos servers", endpoint.kdc.join(", ")));
    }
    if endpoint.allow_basic_without_tls {
        facts.push(("Basic over http", "Allowed; the password can be read on the way".to_owned()));
    }
    facts
}

fn discovery(options: &Options) -> Vec<(&'static str, String)> {
    let scope = match &options.discovery.scope {
        DiscoveryScope::Organization => "Everybody's in the organization".to_owned(),
        DiscoveryScope::Units(units) => format!("Users in {}", units.join("; ")),
        DiscoveryScope::Recipients(filter) => format!("Mailboxes with {filter}"),
    };
    let inactive = options.discovery.inactive_days.map_or_else(
        || "Taken in, however long they were silent".to_owned(),
        |days| format!("Left out after {}", words::counted(days.into(), "day")),
    );
    let schedules = &options.schedules;
    let zone = &schedules.zone;
    vec![
        ("Whose phones", scope),
        ("Inactive phones", inactive),
        ("Full sync", words::sentence_start(&schedule(&schedules.full, zone.as_str()))),
        ("Delta sync", words::sentence_start(&schedule(&schedules.delta, zone.as_str()))),
    ]
}

fn environment(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::OnPremises(_) => "On premises",
        Endpoint::Hosted(_) => "Hosted: Exchange Online",
    }
}

/// In words.
pub(crate) fn cloud(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Global => "Worldwide",
        Cloud::GccHigh => "US Government GCC High",
        Cloud::Dod => "US Department of Defense",
        Cloud::China => "China, run by 21Vianet",
    }
}

/// In words.
pub(crate) fn way_of_proving(way: HostedSignIn) -> &'static str {
    match way {
        HostedSignIn::Certificate => "A certificate of the application",
        HostedSignIn::Secret => "A client secret of the application",
        HostedSignIn::DeviceCode => "A person with a code, for trying out",
        HostedSignIn::ManagedIdentity => "The identity of this machine",
    }
}

/// In words.
pub(crate) fn way_of_signing_in(way: Authentication) -> &'static str {
    match way {
        Authentication::Automatic => "The best that the server offers",
        Authentication::Kerberos => "Kerberos",
        Authentication::Negotiate => "Kerberos where it works, else NTLM",
        Authentication::Ntlm => "NTLM",
        Authentication::Basic => "Basic",
    }
}

/// `every 24 hours`, `at 0 2 * * 1-5 (cron), Europe/Berlin`, `only when asked`.
pub(crate) fn schedule(schedule: &Schedule, zone: &str) -> String {
    match schedule {
        Schedule::Never => "only when asked".to_owned(),
        Schedule::Cron(fields) => format!("at {fields} (cron), {zone}"),
        Schedule::Every(interval) => {
            let minutes = u64::from(interval.minutes());
            let (count, unit) = match minutes {
                m if m % 1_440 == 0 && m > 1_440 => (m / 1_440, "day"),
                m if m % 60 == 0 => (m / 60, "hour"),
                m => (m, "minute"),
            };
            if count == 1 { format!("every {unit}") } else { format!("every {count} {unit}s") }
        }
    }
}

fn settings(options: &Options) -> Vec<(&'static str, String)> {
    let external = match options.allow_external_management {
        None => "Left as it is in Exchange",
        Some(true) => "Yes",
        Some(false) => "No",
    };
    let aged = if options.removes_aged_partnerships {
        "Removed in Exchange when the phone leaves by age"
    } else {
        "Never removed by age"
    };
    let mut facts = vec![
        ("External device management", external.to_owned()),
        ("Sessions at once, at most", options.runspaces.get().to_string()),
        ("Partnerships in Exchange", aged.to_owned()),
    ];
    if let Some(old) = &options.replaces {
        facts.push(("Takes over from", old.to_string()));
    }
    facts
}
