//! The audit of a large organization after years: exported, verified, looked through.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use domain::{
    Caller, Permission, PersonId, Source, Timestamp,
    audit::{Entry, Event, Link, Outcome, TargetKind},
};
use engine::{AuditChain, AuditKey, AuditOptions, Clock, Engine, ExportFormat, Fault, Options};
use store::{AuditFilter, Store, Target};
use uuid::Uuid;

use crate::measure;

const ENTRIES: u32 = 10_000_000;
const BATCH: u32 = 10_000;
/// As the engine signs: a checkpoint for every thousand entries.
const SIGNED: u32 = 1_000;
/// Times each filter is asked.
const ASKED: usize = 20;
const KEY: [u8; 32] = [9; 32];

pub(crate) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // A folder to keep the audit in: making it takes longer than asking it.
    let kept = std::env::var_os("GATEPOST_AUDIT").map(PathBuf::from);
    let passing = tempfile::tempdir()?;
    let folder = kept.as_deref().unwrap_or_else(|| passing.path());
    let export = passing.path().join("audit.jsonl");
    runtime.block_on(async {
        let store = audit(&folder.join("gatepost.db")).await?;
        look_through(&store).await?;
        store.close().await;
        write_export(folder, &export).await
    })?;
    verify(&export)
}

/// A database with all the entries: that of an earlier run, if it was kept.
async fn audit(file: &Path) -> anyhow::Result<Store> {
    let store = Store::open(Target::Sqlite(file.to_owned())).await?;
    if store.audit_head().await?.is_some() {
        return Ok(store);
    }
    let begun = now();
    let id = Uuid::new_v4();
    store.set_meta("audit id", &id.to_string()).await?;
    let (mut chain, key) = (AuditChain::after(Link::before_all(id)), AuditKey::new(&KEY));
    for first in (0..ENTRIES).step_by(BATCH as usize) {
        let entries: Vec<Entry> = (first..first + BATCH).map(entry).collect();
        let rows = chain.rows(&entries);
        store.add_audit(&rows).await?;
        for signed in rows.chunks(SIGNED as usize).filter_map(|rows| rows.last()) {
            store.add_audit_checkpoint(&key.checkpoint(id, signed.link, signed.at)).await?;
        }
    }
    println!("{ENTRIES} entries written in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(store)
}

/// What happens in an organization: mostly actions from asking to the effect, and signing in.
fn entry(number: u32) -> Entry {
    let at = Timestamp::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + 8 * u64::from(number));
    let mixed = number.wrapping_mul(2_654_435_761) >> 8;
    let person = mixed % 300;
    let event = match mixed % 1000 {
        0 => Event::ActionFailed,
        1 => Event::Refused,
        2..=200 => Event::SignedIn,
        201..=400 => Event::ActionAsked,
        401..=600 => Event::ActionSending,
        601..=800 => Event::ActionAnswered,
        _ => Event::ActionObserved,
    };
    let caller = Caller {
        person: PersonId(Uuid::from_u128(0x5eed_0000 + u128::from(person))),
        name: format!("person{person:03}"),
        source: if mixed.is_multiple_of(3) { Source::Console } else { Source::Api },
        asked: at,
        grants: Vec::new(),
    };
    let device = Uuid::from_u128(u128::from(mixed % 100_000) << 64 | 7);
    let name = format!("user{:05}_iPhone", mixed % 100_000);
    let entry = Entry::of(&caller, at, event).on(TargetKind::Device, device.to_string(), name);
    match event {
        Event::ActionAsked => entry.because(Some(format!("lost, ticket of case {mixed}"))),
        Event::ActionAnswered => entry.answered("Exchange answered without an error"),
        _ => entry,
    }
}

/// How long a page takes, everything that can be looked for.
async fn look_through(store: &Store) -> anyhow::Result<()> {
    let scope = Caller::local_administrator().scope(Permission::ReadAudit)?;
    let some = |text: &str| Some(text.to_owned());
    let all = AuditFilter::default;
    let day =
        |day: u64| Timestamp::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + 24 * 3600 * day);
    let person = Some(PersonId(Uuid::from_u128(0x5eed_0000 + 7)));
    let nobody = Some(PersonId(Uuid::from_u128(3)));
    let device = Uuid::from_u128(77_u128 << 64 | 7).to_string();
    let filters = [
        ("everything", all()),
        ("event", AuditFilter { event: Some(Event::ActionFailed), ..all() }),
        ("event that never was", AuditFilter { event: Some(Event::SecretsRotated), ..all() }),
        ("person", AuditFilter { person, ..all() }),
        ("person who never was", AuditFilter { person: nobody, ..all() }),
        ("person and event", AuditFilter { person, event: Some(Event::Refused), ..all() }),
        ("target, by id", AuditFilter { target: Some(device), ..all() }),
        ("outcome", AuditFilter { outcome: Some(Outcome::Refused), ..all() }),
        ("outcome that never was", AuditFilter { outcome: Some(Outcome::Held), ..all() }),
        ("before a day long ago", AuditFilter { to: Some(day(30)), ..all() }),
        ("a day", AuditFilter { from: Some(day(400)), to: Some(day(401)), ..all() }),
        ("who", AuditFilter { who: some("person0"), ..all() }),
        ("who never was", AuditFilter { who: some("nobody"), ..all() }),
        ("target, by a part of its name", AuditFilter { target: some("user00077"), ..all() }),
        ("source", AuditFilter { source: some("console"), ..all() }),
        ("source that never was", AuditFilter { source: some("cli"), ..all() }),
        ("text", AuditFilter { text: some("case 1234"), ..all() }),
        ("text that is nowhere", AuditFilter { text: some("nonsense"), ..all() }),
    ];
    println!("{ENTRIES} entries in SQLite; first page of 50, of {ASKED} askings:");
    println!("  {:<32} {:>9} {:>9}  found", "filter", "median", "most");
    for (name, filter) in filters {
        let mut taken = Vec::new();
        let mut found = String::new();
        for _ in 0..ASKED {
            let begun = now();
            let page = store.audit_found(&scope, &filter, None, 50).await?;
            taken.push(begun.elapsed().as_secs_f64() * 1e3);
            let more = if page.next.is_some() { "+" } else { "" };
            found = format!("{}{more}", page.rows.len());
        }
        taken.sort_by(f64::total_cmp);
        let (median, most) = (taken[ASKED / 2], taken[ASKED - 1]);
        println!("  {name:<32} {median:>6.1} ms {most:>6.1} ms  {found}");
    }
    Ok(())
}

/// Exports everything, as the product does.
async fn write_export(folder: &Path, to: &Path) -> anyhow::Result<()> {
    let store = Store::open(Target::Sqlite(folder.join("gatepost.db"))).await?;
    let options = Options {
        data_key: [7; 32].into(),
        admin_token: String::new(),
        clock: Clock::system(),
        is_supervised: false,
        page_devices: Options::PAGE_DEVICES,
        fault: Fault::default(),
        audit: AuditOptions { key: AuditKey::new(&KEY), directory: folder.join("audit") },
    };
    let engine = Engine::start(store, options).await?;
    let caller = Caller::local_administrator();
    let begun = now();
    let all = AuditFilter::default();
    let mut export = engine.export_audit(&caller, all, ExportFormat::JsonLines).await?;
    let mut file = BufWriter::new(File::create(to)?);
    while let Some(lines) = export.next().await? {
        file.write_all(lines.as_bytes())?;
    }
    file.flush()?;
    let size = measure::megabytes(std::fs::metadata(to)?.len());
    println!("exported in {:.0} s: {size:.0} MB", begun.elapsed().as_secs_f64());
    engine.shutdown().await;
    Ok(())
}

/// Verifies the export as whoever has nothing but the file and the key.
fn verify(export: &Path) -> anyhow::Result<()> {
    let gatepost = std::env::var_os("GATEPOST").context("GATEPOST does not say where it is")?;
    let key = domain::audit::hexadecimal(&AuditKey::new(&KEY).public());
    let begun = now();
    let mut verifying = Command::new(gatepost)
        .args(["audit", "verify", "--key", &key])
        .arg(export)
        .spawn()
        .context("starting gatepost")?;
    let (mut time, mut memory) = (Duration::ZERO, 0);
    let status = loop {
        // Read while it lives; once it has ended there is nothing to read.
        time = measure::processor_time(verifying.id()).unwrap_or(time).max(time);
        memory = measure::peak_memory(verifying.id()).unwrap_or(memory).max(memory);
        if let Some(status) = verifying.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let wall = begun.elapsed();
    ensure!(status.success(), "the export does not verify");
    println!("verified in {:.1} s (bar: under 60 s)", wall.as_secs_f64());
    println!("  processor time {:.1} s", time.as_secs_f64());
    println!("  peak memory {:.1} MB", measure::megabytes(memory));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
