//! A full sync with sealed NTLM, over the real wire, of the real binary in processes of its own.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::measure;

const PASSWORD: &str = "Correct-Horse-1";
const USER: &str = r"CONTOSO\svc-gatepost";

/// Processor time of the server for 20,000 devices; what pypsrp uses to read the same, if a Python
/// with pypsrp is named in `GATEPOST_PYTHON`.
pub(crate) fn run() -> anyhow::Result<()> {
    const DEVICES: u32 = 20_000;
    let organization = Organization::start(DEVICES)?;
    let first = Server::sync(&organization, 1)?;
    let cost = first.cost.as_secs_f64();
    println!("full sync of {DEVICES} devices, sealed NTLM, processor time of the server:");
    println!("  first sync, with its writing        {cost:7.2} s     (bar: at most 3.00 s)");
    let second = Server::sync(&organization, 2)?;
    let again = second.cost.as_secs_f64() - cost;
    println!("  a second one, nothing new           {again:7.2} s");
    match pypsrp(&organization)? {
        Some(other) => {
            println!("  pypsrp, reading the device list     {other:7.2} s");
            println!("  pypsrp / first sync                 {:7.1}", other / cost);
        }
        None => println!("  pypsrp left out: name a Python that has it in GATEPOST_PYTHON"),
    }
    Ok(())
}

/// Peak memory of the server for 1,000 and for 100,000 devices.
pub(crate) fn memory() -> anyhow::Result<()> {
    let peak = |devices| -> anyhow::Result<f64> {
        let organization = Organization::start(devices)?;
        let peak = measure::megabytes(Server::sync(&organization, 1)?.peak);
        println!("  {devices:>7} devices                     {peak:7.1} MB");
        Ok(peak)
    };
    println!("peak memory of the server over a full sync:");
    let growth = -peak(1_000)? + peak(100_000)?;
    println!("  growth                              {growth:7.1} MB    (bar: under 60 MB)");
    Ok(())
}

/// A simulated organization in a process of its own.
struct Organization {
    process: Running,
    folder: tempfile::TempDir,
    url: String,
}

impl Organization {
    fn start(devices: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("password"), PASSWORD)?;
        let mut command = gatepost();
        command
            .args(["simulate", "on-premises", "--listen", "127.0.0.1:0", "--still"])
            .args(["--devices", &devices.to_string(), "--user", USER, "--password-file"])
            .arg(folder.path().join("password"));
        let (process, url) = Running::start(&mut command, "http://")?;
        Ok(Self { process, folder, url })
    }
}

/// What a server process used.
struct Server {
    cost: Duration,
    peak: u64,
}

impl Server {
    /// Starts a server on an empty folder, syncs so many times, and says what that cost it.
    fn sync(organization: &Organization, times: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let mut serve = gatepost();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        let (server, _) = Running::start(&mut serve, "gatepost listens on")?;
        let password = organization.folder.path().join("password");
        run_verb(&data, |verb| {
            verb.args(["connector", "add", "bench", "--no-check", "--paused", "--auth", "ntlm"])
                .args(["--on-premises", &organization.url, "--username", USER])
                .arg("--password-file")
                .arg(password)
        })?;
        let idle = measure::processor_time(server.id())?;
        for _ in 0..times {
            run_verb(&data, |verb| verb.args(["sync", "bench", "--full", "--wait"]))?;
        }
        let cost = measure::processor_time(server.id())?.saturating_sub(idle);
        Ok(Self { cost, peak: measure::peak_memory(server.id())? })
    }
}

/// Processor time of pypsrp for the same list over the same wire.
fn pypsrp(organization: &Organization) -> anyhow::Result<Option<f64>> {
    const SCRIPT: &str = r#"
import sys, time, urllib.parse
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
url, user, password = sys.argv[1:]
port = urllib.parse.urlparse(url).port
wsman = WSMan("127.0.0.1", port=port, ssl=False, path="PowerShell/", auth="negotiate",
              negotiate_delegate=False, encryption="always", username=user, password=password)
before = time.process_time()
with RunspacePool(wsman, configuration_name="Microsoft.Exchange") as pool:
    shell = PowerShell(pool)
    shell.add_cmdlet("Get-MobileDevice").add_parameter("ResultSize", "Unlimited")
    shell.invoke()
print(len(shell.output), time.process_time() - before)
"#;
    let Some(python) = std::env::var_os("GATEPOST_PYTHON") else { return Ok(None) };
    let output = Command::new(python)
        .args(["-c", SCRIPT, &organization.url, USER, PASSWORD])
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let seconds = text.split_whitespace().nth(1).context("pypsrp did not finish")?;
    // The organization has to outlive the client.
    let _ = organization.process.id();
    Ok(Some(seconds.parse()?))
}

fn run_verb(
    data: &Path,
    arguments: impl FnOnce(&mut Command) -> &mut Command,
) -> anyhow::Result<()> {
    let mut verb = gatepost();
    arguments(&mut verb).arg("--data").arg(data);
    let output = verb.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{verb:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn gatepost() -> Command {
    let binary = std::env::var_os("GATEPOST");
    Command::new(binary.unwrap_or_else(|| OsString::from("target/release/gatepost")))
}

/// A child process that is ended with its owner.
struct Running(Child);

impl Running {
    /// Starts a program and waits for the line with `mark`; the address in that line.
    fn start(command: &mut Command, mark: &str) -> anyhow::Result<(Self, String)> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let output = child.stdout.take().context("no output")?;
        let running = Self(child);
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next().transpose()? {
            if line.contains(mark) {
                let address = line.split_whitespace().find(|word| word.starts_with("http://"));
                let address = address.context("no address in the line")?.to_owned();
                // Keep reading, so that the child never blocks on a full pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok((running, address));
            }
        }
        bail!("{command:?} ended before it listened")
    }

    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails only if the child has ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
