//! A full pass over a hosted organization, over TLS, of the real binary in processes of its own.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde_json::Value;
use simulator::OrganizationOptions;

use crate::{
    measure,
    programs::{Running, gatepost, run_verb},
};

/// The application that `gatepost simulate hosted` knows.
const APPLICATION: &str = "6a7e9057-0000-4000-8000-000000000001";

/// Processor time and memory of the server for 100,000 devices with the statistics of each, and that
/// nothing is lost where every tenth call is refused.
pub(crate) fn run() -> anyhow::Result<()> {
    const FEW: usize = 1_000;
    const MANY: usize = 100_000;
    const REFUSED: usize = 2_000;
    let least = {
        let few = Server::start(FEW, &[])?;
        few.full_pass()?;
        few.full_pass()?;
        measure::megabytes(few.peak()?)
    };
    println!("full pass over {MANY} hosted devices, processor time of the server:");
    let server = Server::start(MANY, &[])?;
    let first = server.full_pass()?.as_secs_f64();
    println!("  first pass, with its writing        {first:7.2} s");
    ensure!(server.devices()? == MANY, "{} of {MANY} devices came", server.devices()?);
    let again = server.full_pass()?.as_secs_f64();
    println!("  a second one, nothing new           {again:7.2} s     (bar: at most 10 s)");
    let most = measure::megabytes(server.peak()?);
    println!("  most memory                         {most:7.1} MB");
    println!(
        "  growth over {FEW} devices            {:7.1} MB    (bar: under 60 MB)",
        most - least
    );
    drop(server);

    let server = Server::start(REFUSED, &["--throttle-every", "10", "--retry-after", "1"])?;
    server.full_pass()?;
    let came = server.devices()?;
    let pass = server.last_pass()?;
    println!("every tenth call refused with 429 for 1 s:");
    println!("  devices, and statistics of them     {came:7} and {}", pass.statistics);
    println!("  seconds that were waited for it     {:7.0}", pass.waited.as_secs_f64());
    println!("  seconds that the pass took          {:7.0}", pass.took.as_secs_f64());
    ensure!((came, pass.statistics) == (REFUSED, REFUSED), "something was lost");
    ensure!(
        pass.took < pass.waited.mul_f64(1.2) + SLACK,
        "refusals do not explain how long it took"
    );
    Ok(())
}

/// What a pass of a few thousand devices takes besides waiting, on a machine that is busy.
const SLACK: Duration = Duration::from_secs(20);

/// What a pass says of itself.
struct Pass {
    statistics: usize,
    waited: Duration,
    took: Duration,
}

/// A server process on an empty folder, beside a simulated tenant in another process.
struct Server {
    process: Running,
    _tenant: Running,
    folder: tempfile::TempDir,
}

impl Server {
    fn start(devices: usize, faults: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let files = folder.path().join("tenant");
        let mut simulate = gatepost();
        simulate
            .args(["simulate", "hosted", "--still", "--devices", &devices.to_string()])
            .args(faults)
            .arg("--certificates")
            .arg(&files);
        let (tenant, url) = Running::start(&mut simulate, "listens on https://")?;
        let mut serve = gatepost();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data"));
        let (process, _) = Running::start(&mut serve, "gatepost listens on")?;
        let server = Self { process, _tenant: tenant, folder };
        let domain = OrganizationOptions::default().domain;
        run_verb(&server.data(), |verb| {
            verb.args(["connector", "add", "bench", "--no-check", "--paused"])
                .args(["--hosted", &domain, "--app-id", APPLICATION])
                .args(["--service-url", &url, "--login-url", &url])
                .arg("--certificate")
                .arg(files.join("application.pem"))
                .arg("--ca-file")
                .arg(files.join("root.pem"))
        })?;
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What a full pass costs the server.
    fn full_pass(&self) -> anyhow::Result<Duration> {
        let before = measure::processor_time(self.process.id())?;
        run_verb(&self.data(), |verb| verb.args(["sync", "bench", "--full", "--wait"]))?;
        Ok(measure::processor_time(self.process.id())?.saturating_sub(before))
    }

    fn peak(&self) -> anyhow::Result<u64> {
        measure::peak_memory(self.process.id())
    }

    /// How many devices the inventory has.
    fn devices(&self) -> anyhow::Result<usize> {
        let mut list = gatepost();
        list.args(["device", "list", "-o", "jsonl", "--columns", "id", "--data"]).arg(self.data());
        Ok(String::from_utf8(list.output()?.stdout)?.lines().count())
    }

    fn last_pass(&self) -> anyhow::Result<Pass> {
        let mut list = gatepost();
        list.args(["connector", "passes", "bench", "--limit", "1", "-o", "json", "--data"]);
        let passes: Value = serde_json::from_slice(&list.arg(self.data()).output()?.stdout)?;
        let pass = &passes[0];
        let number = |name: &str| pass[name].as_u64().with_context(|| format!("no {name}"));
        let time = |name: &str| -> anyhow::Result<Timestamp> {
            Ok(pass[name].as_str().with_context(|| format!("no {name}"))?.parse()?)
        };
        Ok(Pass {
            statistics: number("statistics")?.try_into()?,
            waited: Duration::from_millis(number("delayed_ms")?),
            took: time("finished")?.duration_since(time("started")?).try_into()?,
        })
    }
}
