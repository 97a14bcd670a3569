//! Whom a thousand rules would hit among a million devices.

use std::{fmt::Write as _, time::Instant};

use anyhow::ensure;
use testkit::TestApp;

use crate::{measure, rows};

/// Rules, all of them on values that devices have.
const RULES: usize = 1_000;
const ASKED: usize = 9;

/// Wall time of `Engine::what_if`, from the file's text to who flips.
pub(crate) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = TestApp::connected(20).await?;
        app.sync().await?;
        let (engine, caller, name) = (app.engine(), app.caller(), app.name());
        engine.import_wish(&caller, &name, None).await?;
        let connector = app.connector().await?;
        rows::load(engine.store(), connector.id, rows::LISTED).await?;
        let groups = engine.store().device_groups(connector.id).await?;
        let text = wish(&groups);
        let mut took = Vec::new();
        let mut hits = engine::Hits::default();
        for _ in 0..ASKED {
            #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
            let began = Instant::now();
            hits = engine.what_if(&caller, &name, &text).await?;
            took.push(began.elapsed());
        }
        took.sort();
        ensure!(hits.devices() > 100_000, "the rules hit {} devices", hits.devices());
        println!(
            "{RULES} rules over {} devices in {} groups, {} flip:",
            rows::LISTED,
            groups.len(),
            hits.devices()
        );
        println!("  median                              {:7.2} s", took[ASKED / 2].as_secs_f64());
        println!(
            "  most                                {:7.2} s   (bar: 2 s)",
            took[ASKED - 1].as_secs_f64()
        );
        let most = measure::peak_memory(std::process::id())?;
        println!("  most memory, with the simulation    {:7.0} MB", measure::megabytes(most));
        Ok(())
    })
}

/// A thousand rules: on every operating system, model and type, the rest on user agents.
fn wish(groups: &[store::DeviceGroup]) -> String {
    let mut values = std::collections::BTreeSet::new();
    for group in groups {
        for (word, value) in [
            ("type", &group.device_type),
            ("model", &group.model),
            ("os", &group.os),
            ("user_agent", &group.user_agent),
        ] {
            values.extend(value.iter().map(|value| (word, value.clone())));
        }
    }
    let mut text = "access:\n  default_level: quarantine\n  rules:\n".to_owned();
    let mut count = 0;
    for (word, value) in values {
        let level = ["block", "allow", "quarantine"][count % 3];
        writeln!(text, "    - {word}: \"\\\"{value}\\\"\"\n      level: {level}")
            .expect("a text takes every text");
        count += 1;
    }
    while count < RULES {
        writeln!(text, "    - user_agent: Nobody/{count}\n      level: block")
            .expect("a text takes every text");
        count += 1;
    }
    text
}
