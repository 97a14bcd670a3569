//! Facts of a connector: connection, inventory, endpoints, budget, events.

use domain::{
    AccessState, Connector, EndpointHealth, EndpointOrigin, StatusMessage, Timestamp,
    connector::{ConnectorState, Endpoint, HostedEndpoint, ServerEndpoint},
    status_message::Severity,
};
use engine::{BudgetGauge, NextPasses};
use jiff::SignedDuration;

use crate::{page::Fact, setup, words};

/// What comes within that time comes now.
const MOMENT: SignedDuration = SignedDuration::from_secs(2);

fn plain(name: &'static str, value: &str) -> Fact {
    Fact { name, value: words::breakable(&words::visible(value)), code: false }
}

fn code(name: &'static str, value: &str) -> Fact {
    Fact { code: true, ..plain(name, value) }
}

fn html(name: &'static str, value: String) -> Fact {
    Fact { name, value, code: false }
}

/// How it is reached, as whom, and what is read when.
pub(super) fn connection(connector: &Connector, now: Timestamp) -> Vec<Fact> {
    let options = &connector.options;
    let mut facts = vec![code("Address", connector.endpoint.url())];
    match &connector.endpoint {
        Endpoint::OnPremises(server) => of_server(server, &mut facts),
        Endpoint::Hosted(hosted) => of_hosted(hosted, now, &mut facts),
    }
    if let Some(proxy) = connector.endpoint.proxy() {
        facts.push(code("Proxy", &proxy.address));
    }
    if let Some(directory) = &options.directory {
        facts.push(code("Active Directory", &directory.server));
    }
    let schedules = &options.schedules;
    let zone = schedules.zone.as_str();
    facts.push(plain("Full sync", &setup::schedule(&schedules.full, zone)));
    facts.push(plain("Delta sync", &setup::schedule(&schedules.delta, zone)));
    facts.push(html("Added", words::time(Some(connector.created), now, "")));
    facts
}

fn of_server(server: &ServerEndpoint, facts: &mut Vec<Fact>) {
    facts.push(plain("Signing in", setup::way_of_signing_in(server.authentication)));
    if let Some(user) = &server.username {
        facts.push(code("Account", user));
    }
    if let Some(to) = &server.connect_to {
        facts.push(code("Connects to", to));
    }
}

fn of_hosted(hosted: &HostedEndpoint, now: Timestamp, facts: &mut Vec<Fact>) {
    facts.push(code("Tenant", hosted.tenant.as_str()));
    facts.push(plain("Cloud", setup::cloud(hosted.cloud)));
    facts.push(plain("Signing in", setup::way_of_proving(hosted.sign_in)));
    if let Some(application) = &hosted.application {
        facts.push(code("Application", &application.to_string()));
    }
    if let Some(certificate) = &hosted.certificate {
        facts.push(plain("Certificate", &certificate.subject));
        facts.push(code("SHA-256 of it", &certificate.sha256));
        let verb = if certificate.not_after <= now { "Expired" } else { "Expires" };
        facts.push(html(verb, words::time(Some(certificate.not_after), now, "")));
    }
}

/// What is known of its devices, as of when, and when it is read again.
pub(super) fn inventory(
    connector: &Connector,
    totals: Option<&store::Totals>,
    next: NextPasses,
    now: Timestamp,
) -> Vec<Fact> {
    let devices = totals.map_or(0, store::Totals::devices);
    let none = not_scheduled(connector);
    let mut facts = vec![
        html("Last full sync", words::time(connector.last_full_sync, now, "never")),
        html("Last delta sync", words::time(connector.last_delta_sync, now, "never")),
        html("Next full sync", upcoming(next.full, now, none)),
        html("Next delta sync", upcoming(next.delta, now, none)),
        html("Devices", words::number(devices)),
    ];
    let name = |state: AccessState| match state {
        AccessState::Allowed => "Allowed",
        AccessState::Blocked => "Blocked",
        AccessState::Quarantined => "Quarantined",
        AccessState::Discovery => "Discovery",
        AccessState::Unknown => "Unknown",
    };
    let states = totals.map(|totals| totals.states.as_slice()).unwrap_or_default();
    facts.extend(states.iter().map(|(state, count)| html(name(*state), words::number(*count))));
    if let Some(totals) = totals.filter(|totals| totals.gone > 0) {
        facts.push(html("Gone", words::number(totals.gone)));
    }
    facts
}

/// Why no pass comes by itself.
pub(crate) fn not_scheduled(connector: &Connector) -> &'static str {
    if connector.state == ConnectorState::Removed {
        "removed"
    } else if connector.is_paused {
        "paused"
    } else if connector.organization.is_none() {
        "once it is connected"
    } else {
        "only when asked"
    }
}

/// A time to come as HTML; what is due already comes now.
pub(crate) fn upcoming(at: Option<Timestamp>, now: Timestamp, otherwise: &str) -> String {
    match at {
        // The page is a moment older than the answer.
        Some(at) if at.duration_since(now) <= MOMENT => "now".to_owned(),
        at => words::time(at, now, otherwise),
    }
}

pub(super) struct EndpointRow {
    /// HTML.
    pub(super) url: String,
    pub(super) origin: &'static str,
    pub(super) site: String,
    pub(super) version: String,
    pub(super) state: &'static str,
    pub(super) tone: &'static str,
    /// HTML: when it answered last, or rests until.
    pub(super) since: String,
    pub(super) trouble: Option<String>,
}

impl EndpointRow {
    pub(super) fn new(endpoint: &EndpointHealth, now: Timestamp) -> Self {
        let answered = words::time(endpoint.last_success, now, "never tried");
        let (state, tone, since) = match endpoint.rests_until.filter(|until| *until > now) {
            Some(until) => (
                "resting",
                "quarantined",
                format!("tried again {}", words::time(Some(until), now, "")),
            ),
            None if endpoint.failures > 0 => {
                ("failed", "blocked", "tried again when it is needed".to_owned())
            }
            None if endpoint.last_success.is_some() => {
                ("answers", "allowed", format!("last {answered}"))
            }
            None => ("not tried", "unknown", "tried when it is needed".to_owned()),
        };
        let or_unknown = |text: &Option<String>| {
            text.as_deref().map_or_else(|| "not known".to_owned(), words::visible)
        };
        Self {
            url: words::breakable(&words::visible(&endpoint.url)),
            origin: match endpoint.origin {
                EndpointOrigin::Configured => "configured",
                EndpointOrigin::Site => "configured for its site",
                EndpointOrigin::Exchange => "named by Exchange",
                EndpointOrigin::Directory => "found in Active Directory",
                EndpointOrigin::Mailbox => "mailbox server, the last resort",
            },
            site: or_unknown(&endpoint.site),
            version: or_unknown(&endpoint.version),
            state,
            tone,
            since,
            trouble: endpoint.trouble.as_deref().map(|t| words::sentence(&words::visible(t))),
        }
    }
}

/// How much of Exchange is used, and how Exchange takes it.
pub(super) struct Gauge {
    pub(super) in_use: usize,
    pub(super) allowance: u8,
    pub(super) most: u8,
    pub(super) text: String,
    pub(super) facts: Vec<Fact>,
}

impl Gauge {
    pub(super) fn new(gauge: BudgetGauge) -> Self {
        let delayed = i64::try_from(gauge.delayed_ms).unwrap_or(i64::MAX);
        let delayed = match gauge.delayed_ms {
            0 => "none".to_owned(),
            _ => words::took(delayed),
        };
        let limit = gauge.limit.map_or_else(
            || "told of none".to_owned(),
            |limit| {
                let cmdlets = words::counted(limit.cmdlets.into(), "cmdlet");
                format!("{cmdlets} in {}", words::counted(limit.seconds.into(), "second"))
            },
        );
        let count = |count: usize| words::number(count as u64);
        Self {
            in_use: gauge.in_use,
            allowance: gauge.allowance,
            most: gauge.most,
            text: format!(
                "{} of {} in use; at most {} when Exchange is at ease",
                count(gauge.in_use),
                words::counted(gauge.allowance.into(), "session"),
                gauge.most
            ),
            facts: vec![
                html("Open and idle", words::counted(gauge.idle as u64, "session")),
                html("Waiting for a session", count(gauge.waiting)),
                html("Cmdlets, last hour", words::number(gauge.cmdlets)),
                html("Delays by Exchange", delayed),
                html("Asked to wait", words::counted(gauge.refusals as u64, "time")),
                html("Limit of Exchange", limit),
            ],
        }
    }
}

pub(super) struct MessageRow {
    pub(super) number: u16,
    pub(super) severity: &'static str,
    pub(super) tone: &'static str,
    /// HTML.
    pub(super) at: String,
    pub(super) text: String,
}

impl MessageRow {
    pub(super) fn new(message: &StatusMessage, now: Timestamp) -> Self {
        let severity = message.event.severity();
        Self {
            number: message.event.number(),
            severity: severity.word(),
            tone: match severity {
                Severity::Information => "unknown",
                Severity::Warning => "quarantined",
                Severity::Error => "blocked",
            },
            at: words::time(Some(message.at), now, ""),
            text: words::sentence(&words::visible(&message.text)),
        }
    }
}

/// A line of the component log.
pub(super) struct LogRow {
    /// Exact, for it is held against other logs.
    pub(super) at: String,
    pub(super) kind: &'static str,
    pub(super) tone: &'static str,
    pub(super) text: String,
}

impl LogRow {
    pub(super) fn new(line: &engine::LogLine) -> Self {
        let detail = line.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        let at = Timestamp::from_second(line.at.as_second()).unwrap_or(line.at);
        Self {
            at: at.to_string(),
            kind: if line.is_warning { "warning" } else { "information" },
            tone: if line.is_warning { "quarantined" } else { "unknown" },
            text: words::visible(&format!("{}{detail}", line.phrase)),
        }
    }
}

/// What ageing would do, in words, and whether there is anything to do.
pub(super) fn ageing(preview: &engine::AgeingPreview) -> (String, bool) {
    match preview.inactive_days {
        None => (
            "Phones stay in the inventory however long they were silent. Set a number of days under \
             Edit to let them leave."
                .to_owned(),
            false,
        ),
        Some(days) => {
            let would = words::counted(preview.would_leave, "device");
            let have = words::counted(preview.have_left, "device");
            let text = format!(
                "Phones inactive for more than {} leave the inventory after each full sync, and come \
                 back when they wake up. {would} would leave now; {have} left before.",
                words::counted(days.into(), "day")
            );
            (text, preview.would_leave > 0)
        }
    }
}
