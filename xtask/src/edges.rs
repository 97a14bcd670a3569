//! Which of our packages may depend on which: an arrow that is not in this table does not exist.

use std::collections::BTreeMap;

use anyhow::bail;
use serde::Deserialize;

use crate::process;

/// What each package may use of ours in the product. `ARCHITECTURE.md` draws it.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("psrp", &[]),
    ("wsman", &[]),
    ("exchange", &["psrp", "wsman", "domain"]),
    ("store", &["domain"]),
    ("engine", &["exchange", "store", "domain"]),
    ("api", &["engine", "store", "domain"]),
    ("console", &["engine", "store", "domain"]),
    ("simulator", &["psrp", "wsman", "domain"]),
    ("app", &["domain", "exchange", "store", "engine", "api", "console", "simulator"]),
    ("testkit", &["domain", "exchange", "store", "engine", "simulator", "psrp", "wsman"]),
    ("xtask", &["psrp", "wsman"]),
];

/// What tests may use besides.
const ALLOWED_IN_TESTS: &[&str] = &["simulator", "testkit", "exchange", "store", "domain"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

pub(crate) fn run() -> anyhow::Result<()> {
    let metadata: Metadata = serde_json::from_str(&process::output(
        "cargo",
        &["metadata", "--format-version", "1", "--no-deps", "--locked"],
    )?)?;
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let ours = metadata.packages.iter().filter(|package| package.source.is_none());
    let mut wrong = Vec::new();
    let mut count = 0;
    for package in ours {
        let Some(targets) = allowed.get(package.name.as_str()) else {
            wrong.push(format!(
                "{} is not in the table: a new package needs a decision record",
                package.name
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some())
        {
            count += 1;
            let in_tests = dependency.kind.as_deref() == Some("dev");
            let name = dependency.name.as_str();
            if !(targets.contains(&name) || in_tests && ALLOWED_IN_TESTS.contains(&name)) {
                wrong.push(format!("{} must not know {name}", package.name));
            }
        }
    }
    if wrong.is_empty() {
        println!("{count} arrows, all allowed");
        Ok(())
    } else {
        bail!("{}", wrong.join("; "))
    }
}
