//! A full pass over a hosted organization, over TLS, of the real binary in processes of its own.

use std::{path::PathBuf, time::Duration};

use anyhow::ensure;
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
    const REFUSED: usize = 500;
    let few = Server::start(FEW, &[])?;
    few.cost_of(&["sync", "bench", "--full", "--wait"])?;
    let least = measure::megabytes(few.peak()?);
    drop(few);

    println!("full pass over {MANY} hosted devices, processor time of the server:");
    let server = Server::start(MANY, &[])?;
    let first = server.cost_of(&["sync", "bench", "--full", "--wait"])?.as_secs_f64();
    println!("  first pass, with its writing        {first:7.2} s");
    ensure!(server.devices()? == MANY, "{} of {MANY} devices came", server.devices()?);
    let again = server.cost_of(&["sync", "bench", "--full", "--wait"])?.as_secs_f64();
    println!("  a second one, nothing new           {again:7.2} s     (bar: at most 10 s)");
    let most = measure::megabytes(server.peak()?);
    println!("  most memory                         {most:7.1} MB");
    println!(
        "  growth over {FEW} devices            {:7.1} MB    (bar: under 60 MB)",
        most - least
    );
    drop(server);

    let server = Server::start(REFUSED, &["--throttle-every", "10", "--retry-after", "1"])?;
    server.cost_of(&["sync", "bench", "--full", "--wait"])?;
    let came = server.devices()?;
    println!("every tenth call refused with 429     {came:7} of {REFUSED} devices");
    ensure!(came == REFUSED, "devices were lost");
    Ok(())
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

    /// What a verb costs the server.
    fn cost_of(&self, arguments: &[&str]) -> anyhow::Result<Duration> {
        let before = measure::processor_time(self.process.id())?;
        run_verb(&self.data(), |verb| verb.args(arguments))?;
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
}
