//! A full sync with sealed NTLM, over the real wire, of the real binary in processes of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use domain::connector::{Authentication, ServerEndpoint};
use exchange::{
    Argument, Cmdlet, ConnectionSettings, Credential, Identity, RemotePowerShell, Secret,
    Session as _,
};

use crate::{
    measure,
    programs::{Running, gatepost, run_verb},
};

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

/// Processor time of a delta pass over 100,000 devices of which 100 changed, against a full pass.
pub(crate) fn delta() -> anyhow::Result<()> {
    const DEVICES: u32 = 100_000;
    const CHANGED: usize = 100;
    let organization = Organization::start(DEVICES)?;
    let server = Server::start(&organization)?;
    let full = server.cost_of(&["sync", "bench", "--full", "--wait"])?.as_secs_f64();
    let again = server.cost_of(&["sync", "bench", "--full", "--wait"])?.as_secs_f64();
    // The middle of three: other work of the server may fall into one.
    let mut deltas = Vec::new();
    let mut changed = 0;
    for _ in 0..3 {
        changed = organization.block_some(&server.data(), CHANGED)?;
        deltas.push(server.cost_of(&["sync", "bench", "--delta", "--wait"])?);
    }
    deltas.sort_unstable();
    let delta = deltas.get(1).copied().unwrap_or_default().as_secs_f64();
    println!("{DEVICES} devices, {changed} changed, processor time of the server:");
    println!("  first full pass, with its writing   {full:7.2} s");
    println!("  a full pass that changes nothing    {again:7.2} s");
    println!("  delta pass                          {delta:7.2} s     of {deltas:.2?}");
    println!("  full pass / delta pass              {:7.0}     (bar: at least 50)", again / delta);
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

    /// Blocks some devices over there, by the wire, as an administrator would; how many.
    fn block_some(&self, data: &Path, count: usize) -> anyhow::Result<usize> {
        let mut list = gatepost();
        list.args(["device", "list", "state:allowed", "-o", "jsonl", "--data"]).arg(data);
        let list = String::from_utf8(list.output()?.stdout)?;
        let mut wanted = Vec::new();
        for line in list.lines().take(count) {
            let device: serde_json::Value = serde_json::from_str(line)?;
            let text = |name: &str| device.get(name).and_then(|value| value.as_str());
            let named = text("mailbox").zip(text("device_id"));
            let (mailbox, id) = named.context("a device without mailbox or id")?;
            wanted.push((mailbox.to_owned(), id.to_owned()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let settings = ConnectionSettings::new(self.endpoint());
            let password = Credential::Password(Secret::new(PASSWORD));
            let mut session = RemotePowerShell::connect(&settings, &password).await?;
            for (mailbox, id) in &wanted {
                let edit = Argument::Edit { add: vec![id.clone()], remove: Vec::new() };
                let block = Cmdlet::new("Set-CASMailbox")
                    .of(Identity::parse(mailbox)?)
                    .with("ActiveSyncBlockedDeviceIDs", edit)
                    .without_confirmation();
                session.start(&block.into()).await?;
                while session.next().await?.is_some() {}
            }
            session.close().await?;
            anyhow::Ok(())
        })?;
        Ok(wanted.len())
    }

    fn endpoint(&self) -> ServerEndpoint {
        ServerEndpoint {
            authentication: Authentication::Ntlm,
            username: Some(USER.to_owned()),
            ..ServerEndpoint::new(self.url.clone())
        }
    }
}

/// A server process on an empty folder, connected to an organization.
struct Server {
    process: Running,
    folder: tempfile::TempDir,
}

/// What a server process used.
struct Used {
    cost: Duration,
    peak: u64,
}

impl Server {
    fn start(organization: &Organization) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut serve = gatepost();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data"));
        let (process, _) = Running::start(&mut serve, "gatepost listens on")?;
        let server = Self { process, folder };
        let password = organization.folder.path().join("password");
        run_verb(&server.data(), |verb| {
            verb.args(["connector", "add", "bench", "--no-check", "--paused", "--auth", "ntlm"])
                .args(["--on-premises", &organization.url, "--username", USER])
                .arg("--password-file")
                .arg(password)
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

    /// Starts a server on an empty folder, syncs so many times, and says what that cost it.
    fn sync(organization: &Organization, times: u32) -> anyhow::Result<Used> {
        let server = Self::start(organization)?;
        let mut cost = Duration::ZERO;
        for _ in 0..times {
            cost += server.cost_of(&["sync", "bench", "--full", "--wait"])?;
        }
        Ok(Used { cost, peak: measure::peak_memory(server.process.id())? })
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
