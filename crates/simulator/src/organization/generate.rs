//! Growing an organization from a seed.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp, Unit};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use uuid::{Builder, Uuid};

use super::{
    AccessRule, Characteristic, Database, Device, ExchangeServer, Mailbox, MailboxPolicy,
    Organization, PolicyValue, Reason, Settings, State, Threshold, Wipe,
    admin_audit::AdminAuditLog,
    device::{LANGUAGES, Telephony},
    life, mailbox, models, names,
    rules::Rules,
    server::Role,
};
use crate::{AccessLevel, Dialect, OrganizationOptions};

const DAY_SECONDS: i64 = 86_400;

pub(super) fn organization(options: &OrganizationOptions) -> Organization {
    let mut chance = ChaCha8Rng::seed_from_u64(options.seed);
    let founded = whole_second(options.start) - SignedDuration::from_hours(24 * 1_200);
    let servers = servers(options, &mut chance);
    let mut organization = Organization {
        options: options.clone(),
        guid: guid(&mut chance),
        now: options.start,
        arrears: life::Arrears::default(),
        databases: databases(&servers),
        servers,
        mailboxes: Vec::new(),
        devices: Vec::with_capacity(options.devices),
        device_count: 0,
        restless: Vec::new(),
        rules: Rules::new(rules(&mut chance, founded)),
        policies: policies(&mut chance, founded, options.dialect),
        settings: Settings {
            guid: guid(&mut chance),
            default_access_level: options.default_access_level,
            ota_mail_insert: String::new(),
            user_mail_insert: "Please call the help desk & tell them the name of your phone."
                .to_owned(),
            policies_beside_conditional_access: false,
            admin_mail_recipients: vec![format!("mobile-admins@{}", options.domain)],
            created: founded,
            changed: founded,
        },
        thresholds: Vec::new(),
        admin_audit: AdminAuditLog::default(),
        classes: BTreeMap::new(),
        device_guids: HashMap::with_capacity(options.devices),
        mailbox_names: HashMap::new(),
        chance,
    };
    organization.thresholds = Threshold::all(organization.guid, founded);
    mailboxes(&mut organization, founded);
    for _ in 0..options.devices {
        let owner = owner(&mut organization);
        grown_device(&mut organization, owner);
    }
    organization
}

pub(super) fn guid(chance: &mut ChaCha8Rng) -> Uuid {
    Builder::from_random_bytes(chance.random()).into_uuid()
}

/// The directory keeps whole seconds.
pub(super) fn whole_second(time: Timestamp) -> Timestamp {
    // Rounding can only fail at the very ends of time.
    time.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc))
        .unwrap_or(time)
}

fn servers(options: &OrganizationOptions, chance: &mut ChaCha8Rng) -> Vec<ExchangeServer> {
    const VERSIONS: [[i32; 4]; 3] = [[15, 2, 1748, 10], [15, 1, 2507, 6], [15, 0, 1497, 48]];
    let mut servers = Vec::new();
    let mut add = |name: String, site: &str, (version, role)| {
        let fqdn = format!("{}.{}", name.to_lowercase(), options.domain);
        let guid = guid(chance);
        servers.push(ExchangeServer { guid, name, fqdn, site: site.to_owned(), version, role });
    };
    let mut count = 0;
    for (site, number) in &options.sites {
        let short: String = site.chars().take(3).collect::<String>().to_uppercase();
        for one in 1..=*number {
            let usual = match options.dialect {
                Dialect::Exchange2010 => [14, 3, 123, 4],
                Dialect::Exchange2013 => VERSIONS[count % VERSIONS.len()],
                Dialect::ExchangeOnline => [15, 20, 9_388, 12],
            };
            let version = options.server_versions.get(count).copied().unwrap_or(usual);
            add(format!("EX-{short}-{one:02}"), site, (version, Role::of_version(version)));
            count += 1;
        }
    }
    let home = options.sites.first().map_or("Default-First-Site-Name", |(site, _)| site);
    if count == 0 {
        add("EXCHANGE01".to_owned(), home, (VERSIONS[0], Role::Mailbox));
    }
    if count >= 3 && !options.dialect.is_hosted() {
        add("EDGE01".to_owned(), home, ([15, 2, 1748, 10], Role::Edge));
    }
    servers
}

fn databases(servers: &[ExchangeServer]) -> Vec<Database> {
    let holders = servers.iter().enumerate().filter(|(_, server)| server.role != Role::Edge);
    let pairs = holders.flat_map(|(index, server)| {
        ["A", "B"]
            .map(|letter| Database { name: format!("DB-{}-{letter}", server.name), server: index })
    });
    pairs.collect()
}

fn rules(chance: &mut ChaCha8Rng, created: Timestamp) -> Vec<AccessRule> {
    use AccessLevel::{Allow, Block, Quarantine};
    use Characteristic::{DeviceModel, DeviceOS, DeviceType};
    [
        (DeviceType, "iPhone", Allow),
        (DeviceType, "iPad", Allow),
        (DeviceModel, "Outlook for iOS and Android", Allow),
        (DeviceType, "WP8", Block),
        (DeviceOS, "iOS 6.1 10B146", Quarantine),
    ]
    .map(|(characteristic, query, level)| AccessRule {
        guid: guid(chance),
        characteristic,
        query: query.to_owned(),
        level,
        created,
        changed: created,
    })
    .into()
}

/// Place of the policy that some mailboxes were given.
const STRICT_POLICY: u16 = 1;

fn policies(chance: &mut ChaCha8Rng, created: Timestamp, dialect: Dialect) -> Vec<MailboxPolicy> {
    let default = MailboxPolicy {
        guid: guid(chance),
        name: "Default".to_owned(),
        is_default: true,
        created,
        changed: created,
        values: MailboxPolicy::built_in_values(dialect),
    };
    let mut strict_values = MailboxPolicy::fresh_values(dialect);
    strict_values.extend([
        ("AllowNonProvisionableDevices", PolicyValue::Flag(false)),
        ("PasswordEnabled", PolicyValue::Flag(true)),
        ("MinPasswordLength", PolicyValue::Number(6)),
        ("AllowCamera", PolicyValue::Flag(false)),
    ]);
    let strict = MailboxPolicy {
        guid: guid(chance),
        name: "Executives, strict".to_owned(),
        is_default: false,
        values: strict_values,
        ..default
    };
    vec![default, strict]
}

fn mailboxes(organization: &mut Organization, founded: Timestamp) {
    let options = &organization.options;
    let least = options.devices.div_ceil(OrganizationOptions::DEVICES_PER_MAILBOX);
    let count = options.mailboxes.max(least).max(1);
    let mut namesakes: HashMap<String, u32> = HashMap::new();
    for index in 0..count {
        let chance = &mut organization.chance;
        let person = names::person(chance);
        let number = {
            let number =
                namesakes.entry(format!("{}.{}", person.given, person.family)).or_default();
            *number += 1;
            if *number == 1 { String::new() } else { number.to_string() }
        };
        let name = match number.as_str() {
            "" => person.name,
            number => format!("{} ({number})", person.name),
        };
        let alias = format!("{}.{}{number}", person.given, person.family);
        let sam =
            logon_name(&person.given.chars().take(1).collect::<String>(), person.family, index);
        let principal = chance.random_ratio(1, 12).then(|| format!("{sam}@corp.contoso.local"));
        let created = founded + seconds(chance, 0..300 * DAY_SECONDS);
        let mailbox = Mailbox {
            guid: guid(chance),
            exchange_guid: guid(chance),
            name: name.into(),
            sam: sam.into(),
            alias: alias.into(),
            principal: principal.map(Into::into),
            unit: small(chance.random_range(0..mailbox::UNITS.len())),
            database: chance.random_range(0..organization.databases.len()).try_into().unwrap_or(0),
            policy: chance.random_ratio(1, 10).then_some(STRICT_POLICY),
            active_sync: !chance.random_ratio(1, 200),
            created,
            changed: created + seconds(chance, 0..600 * DAY_SECONDS),
            allowed: Vec::new(),
            blocked: Vec::new(),
            devices: Vec::new(),
        };
        organization.adopt(mailbox);
    }
}

/// At most 20 characters, unique by the number of the mailbox.
fn logon_name(initial: &str, family: &str, index: usize) -> String {
    let number = index + 1;
    let room = 20 - number.to_string().len() - initial.len();
    let family: String = family.chars().filter(char::is_ascii_alphanumeric).take(room).collect();
    format!("{initial}{family}{number}")
}

/// A mailbox that has room for one more phone.
pub(super) fn owner(organization: &mut Organization) -> u32 {
    let count = organization.mailboxes.len();
    let start = organization.chance.random_range(0..count);
    let full =
        |mailbox: &Mailbox| mailbox.devices.len() >= OrganizationOptions::DEVICES_PER_MAILBOX;
    let free = (start..count).chain(0..start).find(|index| !full(&organization.mailboxes[*index]));
    free.unwrap_or(start).try_into().unwrap_or(0)
}

/// A phone of a model that has just made first contact.
pub(super) fn new_device(organization: &mut Organization, owner: u32, model: usize) -> Device {
    let now = organization.now;
    let chance = &mut organization.chance;
    let created = whole_second(now);
    Device {
        guid: guid(chance),
        mailbox: owner,
        model: small(model),
        language: small(chance.random_range(0..LANGUAGES.len())),
        id: super::MODELS[model].device_id(chance).into(),
        telephony: telephony(chance, model),
        state: State::Discovery,
        reason: Reason::Global,
        rule: None,
        discovery_ends: None,
        created,
        changed: created,
        last_attempt: Some(now),
        last_success: None,
        heartbeat: 0,
        folders: 0,
        wipe: None,
        autoblock: None,
    }
}

fn telephony(chance: &mut ChaCha8Rng, model: usize) -> Option<Box<Telephony>> {
    let tells = super::MODELS[model].device_type == "SAMSUNG" && chance.random_ratio(1, 3);
    tells.then(|| {
        Box::new(Telephony {
            imei: format!("35{:013}", chance.random_range(0..10_000_000_000_000_u64)),
            number: format!("******{:04}", chance.random_range(0..10_000)),
            operator: ["Telekom.de", "Vodafone", "中国移动", "T-Mobile"][chance.random_range(0..4)],
        })
    })
}

/// A phone with a past.
fn grown_device(organization: &mut Organization, owner: u32) {
    let now = organization.now;
    let model = models::any(&mut organization.chance);
    let mut device = new_device(organization, owner, model);
    let came = organization.last_let_in(&super::MODELS[model], now);
    let chance = &mut organization.chance;
    let age = chance.random_range(DAY_SECONDS / 2..900 * DAY_SECONDS);
    let silence = match chance.random_range(0..100) {
        0..90 => chance.random_range(0..6 * 3_600),
        90..97 => chance.random_range(DAY_SECONDS..90 * DAY_SECONDS),
        _ => chance.random_range(90 * DAY_SECONDS..400 * DAY_SECONDS),
    }
    .min(age);
    device.created = whole_second(came) - SignedDuration::from_secs(age);
    let changed = device.created + seconds(chance, 0..age + 1);
    device.last_attempt = Some(milliseconds(came - SignedDuration::from_secs(silence), chance));
    device.heartbeat = [300, 480, 900, 1_680][chance.random_range(0..4)];
    device.folders = chance.random_range(4..40);
    let mailbox = &mut organization.mailboxes[owner as usize];
    if chance.random_ratio(1, 60) {
        mailbox.blocked.push(device.id.to_string());
    } else if !matches!(device.model().device_type, "iPhone" | "iPad" | "Outlook" | "WP8")
        && chance.random_ratio(17, 20)
    {
        mailbox.allowed.push(device.id.to_string());
    }
    let index = organization.join(device);
    organization.settle(index);
    let chance = &mut organization.chance;
    let (synced_once, wiped) = (chance.random_ratio(1, 2), chance.random_ratio(1, 250));
    let Some(device) = organization.devices[index as usize].as_mut() else { return };
    device.changed = changed;
    device.last_success = match device.state {
        State::Allowed => device.last_attempt,
        _ if synced_once => Some(device.created + SignedDuration::from_secs(age / 3)),
        _ => None,
    };
    if wiped {
        let mut wipe = old_wipe(chance, now, &organization.options.domain);
        if organization.options.dialect.is_hosted() {
            // The cloud is told nothing of what became of it.
            wipe.acknowledged = None;
        }
        device.wipe = Some(Box::new(wipe));
        if device.wipe_under_way() {
            organization.restless.push(index);
        }
    }
}

fn old_wipe(chance: &mut ChaCha8Rng, now: Timestamp, domain: &str) -> Wipe {
    let requested =
        milliseconds(now - SignedDuration::from_hours(chance.random_range(1..200)), chance);
    let sent = chance.random_bool(0.6).then(|| requested + SignedDuration::from_mins(7));
    let acknowledged =
        sent.filter(|_| chance.random_bool(0.8)).map(|sent| sent + SignedDuration::from_secs(95));
    let requestor = format!("helpdesk@{domain}");
    let is_carried_out = acknowledged.is_some();
    Wipe { account_only: false, requestor, requested, sent, acknowledged, is_carried_out }
}

fn seconds(chance: &mut ChaCha8Rng, range: std::ops::Range<i64>) -> SignedDuration {
    SignedDuration::from_secs(chance.random_range(range))
}

/// The mailbox keeps thousandths of a second.
pub(super) fn milliseconds(time: Timestamp, chance: &mut ChaCha8Rng) -> Timestamp {
    whole_second(time) - SignedDuration::from_millis(chance.random_range(1..1_000))
}

fn small(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(0)
}
