//! The store at a million devices: bulk writing against the fastest raw insert, and list pages.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use domain::{
    AccessReason, AccessState, Caller, Connector, ConnectorId, ConnectorName, DeviceFacts,
    DistinguishedName, Permission, Query, Timestamp,
    connector::{ConnectorState, ServerEndpoint},
    device::Owner,
};
use store::{DeviceRow, Page, Store, Target};
use uuid::Uuid;

use crate::measure;

const UPSERTED: u32 = 60_000;
pub(crate) const LISTED: u32 = 1_000_000;
const BATCH: u32 = 10_000;
/// Times each query is asked.
const ASKED: usize = 200;

/// Queries an administrator asks: with many hits, with few, with none, and mixed.
const QUERIES: &[&str] = &[
    "",
    "state:quarantined",
    "state:blocked os:iOS*",
    "os:\"Android 14\"",
    "os:\"iOS 99\"",
    "type:iPhone model:iPhone14C5",
    "type:Nokia",
    "user:user0123456",
    "user:user012345*",
    "mailbox:user0123456@contoso.com",
    "mailbox:nobody@contoso.com state:allowed",
    "user0123456",
    "user0000005",
    "nobody-has-this-name",
    "name:\"Person 123456 of Staff\"",
    "us",
    "zz",
    "z",
    "deviceid:APPL000ABCDE",
    "reason:individual not type:iPhone",
    "state:quarantined or state:discovery",
    "lastsync:never state:allowed",
    "lastsync:<30d",
    "lastattempt:<30d",
    "created:>2026-01-01",
    "created:<2023-11-15",
    "created:>2024-01-01",
    "changed:<2026-01-01",
    "firstsync:>2027-01-01",
    "observed:<2020-01-01",
    "imei:359999999999999",
    "imei:3520990017601*",
    "useragent:Apple-iPhone14C5/2104.7",
    "useragent:Android*",
    "phone:+49*",
    "operator:Vodafone",
    "language:de",
    "client:REST",
    "version:14.1",
    "policy:Strict",
    "policystatus:NotApplied",
    "rule:Tablets",
    "wipe:sent,requested",
    "gone:<30d",
    "user0123456 or imei:359999999999999 or phone:+49*",
    "user:user0123456 or user:user0123457 or created:>2026-01-01",
    "(created:>2026-01-01 or language:de) state:allowed",
    "not client:EAS",
    "not (language:en version:16.1)",
    "not created:<2026-01-01",
    "language:en client:EAS state:quarantined useragent:Apple*",
];

/// Queries that no index answers: parts that each find many devices and all together few or none,
/// words of trigrams that every device has, what is not a word, and short words beside others.
const HARD: &[&str] = &[
    "type:iPhone model:\"Pixel 8\"",
    "created:<2024-01-15 created:>2024-01-15",
    "created:>2024-01-01 created:<2024-01-01 not client:REST",
    "created:<2023-12-15 imei:35209900176001*",
    "not os:iOS* not os:Android* not os:iPadOS*",
    "not phone",
    "not user",
    "not (phone or user)",
    "not phone state:blocked",
    "not phone created:<2023-12-15",
    "user0000005 state:blocked",
    "user0000005 created:>2024-03-01",
    "user0000005 or phone:+49*",
    "\"Phone of user0000005\"",
    "\"Phone of user0000005 of Staff\"",
    "\"of Staff\" \"Phone of\" user00 0000 created:<2023-12-15 imei:35209900176001*",
    "phone not user",
    "us not phone",
    "0 state:quarantined",
    "0 not phone",
    "zz not phone",
];

/// Rows a second of `write_devices` against those of one prepared raw insert into the same table.
pub(crate) fn upsert() -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("gatepost.db");
        let (store, connector) = open(&file).await?;
        let (ours, ()) = timed(load(&store, connector, UPSERTED)).await?;
        store.close().await;
        let raw = raw_insert(&file)?;
        let ratio = raw.as_secs_f64() / ours.as_secs_f64();
        println!("{UPSERTED} device rows into SQLite, wall time:");
        println!("  write_devices                       {:7.0} rows/s", rate(ours));
        println!("  fastest raw bulk insert             {:7.0} rows/s", rate(raw));
        println!("  ratio                               {ratio:7.2}     (bar: at least 0.50)");
        Ok(())
    })
}

/// How long the first page of a list takes with a million devices in the inventory.
pub(crate) fn list() -> anyhow::Result<()> {
    runtime()?.block_on(async {
        // A folder to keep the inventory in: making it takes longer than asking it.
        let kept = std::env::var_os("GATEPOST_INVENTORY").map(PathBuf::from);
        let passing = tempfile::tempdir()?;
        let folder = kept.as_deref().unwrap_or_else(|| passing.path());
        let store = inventory(&folder.join("gatepost.db")).await?;
        println!("{LISTED} devices in SQLite; first page of 50, of {ASKED} askings:");
        println!("  {:<76} {:>8} {:>8} {:>8}  found", "query", "least", "median", "p99");
        let mut worst = Duration::ZERO;
        for text in QUERIES {
            worst = worst.max(ask(&store, text).await?);
        }
        println!("  what no index answers:");
        for text in HARD {
            worst = worst.max(ask(&store, text).await?);
        }
        println!("  worst p99 {:.1} ms (bar: under 50 ms)", milliseconds(worst));
        store.close().await;
        Ok(())
    })
}

/// A store with all the devices that are listed: that of an earlier run, if it was kept.
async fn inventory(file: &Path) -> anyhow::Result<Store> {
    if file.exists() {
        return Ok(Store::open(Target::Sqlite(file.to_owned())).await?);
    }
    let (store, connector) = open(file).await?;
    let (loading, ()) = timed(load(&store, connector, LISTED)).await?;
    println!("loaded in {:.0} s", loading.as_secs_f64());
    Ok(store)
}

/// Asks for the first page of a list so many times; tells the least time, the median and the p99, which
/// it gives, and how many devices are on the page (`+` if there may be more).
async fn ask(store: &Store, text: &str) -> anyhow::Result<Duration> {
    let scope = Caller::local_administrator().scope(Permission::Read)?;
    let query = Query::parse(text).map_err(|error| anyhow::anyhow!("{error}"))?;
    let page = Page { after: None, limit: 50, now: start() };
    let mut taken = Vec::with_capacity(ASKED);
    let mut found = String::new();
    for _ in 0..ASKED {
        let first = async { Ok(store.devices(&scope, &query, page).await?) };
        let (time, page) = timed(first).await?;
        taken.push(time);
        found = format!("{}{}", page.devices.len(), if page.next.is_some() { "+" } else { "" });
    }
    taken.sort();
    let [least, median, p99] =
        [0, ASKED / 2, ASKED * 99 / 100].map(|place| taken.get(place).copied().unwrap_or_default());
    let shown = if text.is_empty() { "(everything)" } else { text };
    println!(
        "  {shown:<76} {:>5.1} ms {:>5.1} ms {:>5.1} ms  {found}",
        milliseconds(least),
        milliseconds(median),
        milliseconds(p99)
    );
    Ok(p99)
}

/// Copies the table's own rows into an emptied table of the same shape with the same indexes, one
/// prepared statement in one transaction: nothing that goes through rows can be faster.
fn raw_insert(file: &Path) -> anyhow::Result<Duration> {
    let mut database = rusqlite::Connection::open(file)?;
    database.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -262144;",
    )?;
    let columns: Vec<String> = database
        .prepare("select name from pragma_table_info('device')")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let rows: Vec<Vec<rusqlite::types::Value>> = database
        .prepare(&format!("select {} from device", columns.join(", ")))?
        .query_map([], |row| (0..columns.len()).map(|at| row.get(at)).collect())?
        .collect::<Result<_, _>>()?;
    database.execute("delete from device", [])?;
    let marks = vec!["?"; columns.len()].join(", ");
    let text = format!("insert into device ({}) values ({marks})", columns.join(", "));
    let begun = now();
    for batch in rows.chunks(10_000) {
        let transaction = database.transaction()?;
        {
            let mut insert = transaction.prepare_cached(&text)?;
            for row in batch {
                insert.execute(rusqlite::params_from_iter(row))?;
            }
        }
        transaction.commit()?;
    }
    Ok(begun.elapsed())
}

async fn open(file: &Path) -> anyhow::Result<(Store, ConnectorId)> {
    let store = Store::open(Target::Sqlite(file.to_owned())).await?;
    let id = ConnectorId(Uuid::from_u128(1));
    let connector = Connector {
        id,
        name: ConnectorName::parse("bench")?,
        endpoint: ServerEndpoint::new("http://exchange.contoso.com/PowerShell/").into(),
        options: domain::connector::Options::default(),
        organization: None,
        state: ConnectorState::Flagged,
        trouble: None,
        created: start(),
        last_full_sync: None,
        last_delta_sync: None,
        is_paused: false,
        next_install: None,
    };
    store.add_connector(&connector, None).await?;
    Ok((store, id))
}

pub(crate) async fn load(store: &Store, connector: ConnectorId, count: u32) -> anyhow::Result<()> {
    for first in (0..count).step_by(BATCH as usize) {
        let rows = (first..count.min(first + BATCH)).map(row).collect::<Option<Vec<_>>>();
        store.write_devices(connector, rows.context("a row could not be made")?).await?;
    }
    // As at the end of a pass; an inventory of this size would have it after the first.
    if count == LISTED { Ok(store.prepare_search().await?) } else { Ok(()) }
}

/// A device like those of a real organization: few types, many models, one owner for each.
fn row(n: u32) -> Option<DeviceRow> {
    // Spreads the values without repeating a pattern that an index could profit from.
    let mixed = n.wrapping_mul(2_654_435_761) >> 8;
    let pick =
        |from: &[&'static str]| from.get(mixed as usize % from.len()).map(|s| (*s).to_owned());
    let kind = pick(&["iPhone", "iPhone", "iPhone", "iPad", "Android", "Outlook", "SAMSUNG"])?;
    let state = match mixed % 1_000 {
        0..=2 => AccessState::Quarantined,
        3 => AccessState::Discovery,
        4..=40 => AccessState::Blocked,
        _ => AccessState::Allowed,
    };
    let user = format!("user{n:07}");
    let owner = format!("CN={user},OU=Staff,DC=contoso,DC=com");
    let id = format!("APPL{n:08X}");
    Some(DeviceRow {
        facts: DeviceFacts {
            guid: Uuid::from_u128(u128::from(n) << 64 | u128::from(mixed)),
            identity: Some(format!(
                "contoso.com/Staff/{user}/ExchangeActiveSyncDevices/{kind}§{id}"
            )),
            distinguished_name: DistinguishedName::parse(&format!(
                "CN={kind}§{id},CN=ExchangeActiveSyncDevices,{owner}"
            )),
            device_id: Some(id),
            friendly_name: Some(format!("Phone of {user}")),
            device_type: Some(kind),
            model: pick(&["iPhone14C5", "iPhone13C2", "SM-G991B", "Pixel 8", "iPad13C4"]),
            os: Some(format!("{} {}", pick(&["iOS", "Android", "iOS", "iPadOS"])?, mixed % 9 + 9)),
            os_language: Some("en".to_owned()),
            user_agent: Some(format!("Apple-iPhone14C5/2104.{}", mixed % 300)),
            imei: Some(format!("35209900176{mixed:09}")),
            phone_number: None,
            operator: None,
            client_type: Some("EAS".to_owned()),
            client_version: Some("16.1".to_owned()),
            access_state: state,
            access_reason: Some(if mixed.is_multiple_of(97) {
                AccessReason::Individual
            } else {
                AccessReason::Global
            }),
            access_rule: None,
            first_sync: Some(start()),
            when_created: Timestamp::from_second(1_700_000_000 + i64::from(mixed)).ok(),
            when_changed: Some(start()),
            other: vec![("ProvisioningFlags".to_owned(), "0".to_owned())],
        },
        owner: Owner {
            user: Some(user.clone()),
            mailbox: Some(format!("{user}@contoso.com")),
            name: Some(format!("Person {n} of Staff")),
            user_dn: DistinguishedName::parse(&owner),
        },
        observed: start(),
    })
}

fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

async fn timed<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(Duration, T)> {
    let begun = now();
    let value = work.await?;
    Ok((begun.elapsed(), value))
}

#[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn rate(time: Duration) -> f64 {
    measure::per_second(u64::from(UPSERTED), time)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
