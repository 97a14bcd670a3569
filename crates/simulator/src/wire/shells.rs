//! What WS-Management asks: shells are opened, used and closed, within their quotas.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::SignedDuration;
use wsman::{
    CommandState, Progress, Signal, StreamData,
    fault::Fault,
    server::{Header, Operation, Reply, Request, ShellDescription, parse_request},
    uri,
};

use super::{
    Service, locked, refusal,
    shell::{Output, Shell},
};
use crate::{Account, Visible, faults::strike};

/// The largest answer, whatever a client would take: 500 KB, as Windows is set.
const MAX_ENVELOPE_BYTES: u32 = wsman::EXCHANGE_MAX_ENVELOPE_BYTES;
/// The smallest answer that a client may ask for: WS-Management's own minimum is 8 KB.
const MIN_ENVELOPE_BYTES: u32 = 8_192;
/// How long a client waits that does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// No single request takes longer.
const MAX_TIMEOUT: Duration = Duration::from_secs(900);

/// The answer to one request.
pub(super) struct Outcome {
    pub(super) envelope: String,
    pub(super) is_fault: bool,
    /// It answers a Receive, and there is something in it.
    pub(super) is_output: bool,
    /// Nobody hears of it: the connection is cut.
    pub(super) is_cut: bool,
}

impl Service {
    /// Carries out one request.
    pub(super) async fn handle(&self, account: &Account, peer: SocketAddr, body: &[u8]) -> Outcome {
        let request = match parse_request(body) {
            Ok(request) => request,
            Err(error) => {
                let fault = refusal::malformed(&error.to_string());
                let envelope = Reply::new(self.new_id(), "").fault(&fault);
                return Outcome { envelope, is_fault: true, is_output: false, is_cut: false };
            }
        };
        let relates_to = request.header.message_id.clone();
        let reply = Reply::new(self.new_id(), &relates_to);
        let is_output = matches!(request.operation, Operation::Receive { .. });
        let outcome = match self.operate(account, peer, request, &reply).await {
            Ok((envelope, is_cut)) => Outcome { envelope, is_fault: false, is_output, is_cut },
            Err(fault) => {
                let envelope = reply.fault(&fault);
                Outcome { envelope, is_fault: true, is_output: false, is_cut: false }
            }
        };
        self.count_shells();
        outcome
    }

    /// The answer, and whether it is not to be sent.
    async fn operate(
        &self,
        account: &Account,
        peer: SocketAddr,
        Request { header, operation }: Request,
        reply: &Reply<'_>,
    ) -> Result<(String, bool), Box<Fault>> {
        self.forget_idle_shells();
        if let Operation::Create { shell_id, idle_timeout, payload, .. } = operation {
            let shell = self.create(account, peer, &header, shell_id, idle_timeout, &payload)?;
            return Ok((reply.created(&self.describe(&shell, &header)), false));
        }
        if matches!(operation, Operation::Enumerate) {
            let own = |shell: &&Arc<Shell>| shell.owner == owner_name(account);
            let shells = locked(&self.shells);
            let all: Vec<_> =
                shells.values().filter(own).map(|one| self.describe(one, &header)).collect();
            return Ok((reply.enumerated(&all), false));
        }
        let shell = self.shell(account, &header)?;
        shell.touch(self.now());
        let done = match operation {
            Operation::Command { command_id, .. } => {
                let command_id = command_id.unwrap_or_else(|| self.new_id());
                let payload =
                    operation.payload().map_err(|error| refusal::malformed(&error.to_string()))?;
                self.throttle(account, &shell).await;
                shell.command(self, command_id, &payload)?;
                reply.command(command_id)
            }
            Operation::Send { streams } => {
                for stream in streams {
                    shell.send(self, &stream.bytes)?;
                }
                reply.sent()
            }
            Operation::Receive { command_id, .. } => {
                let room = envelope_bytes(&header);
                let timeout = header.operation_timeout.unwrap_or(DEFAULT_TIMEOUT).min(MAX_TIMEOUT);
                let output = self.receive(&shell, command_id, room, timeout).await?;
                received(reply, command_id, output)
            }
            Operation::Signal { command_id, signal } => {
                match (command_id, signal) {
                    (Some(command), Signal::Terminate) => shell.terminate(self, command),
                    (Some(command), _) => shell.stop(self, command),
                    (None, _) => {}
                }
                reply.signalled()
            }
            Operation::Delete => {
                shell.close(self);
                locked(&self.shells).remove(&shell.id);
                reply.deleted()
            }
            Operation::Disconnect { idle_timeout } => {
                shell.disconnect(idle_timeout.and_then(|time| SignedDuration::try_from(time).ok()));
                reply.disconnected()
            }
            Operation::Reconnect => {
                shell.reconnect();
                reply.reconnected()
            }
            Operation::Get => reply.got(&self.describe(&shell, &header)),
            _ => return Err(refusal::unknown_action(&header.action)),
        };
        shell.touch(self.now());
        Ok((done, shell.takes_cut()))
    }

    /// Waits until a command has something to say.
    async fn receive(
        &self,
        shell: &Arc<Shell>,
        command: Option<uuid::Uuid>,
        room: usize,
        timeout: Duration,
    ) -> Result<Output, Box<Fault>> {
        let waited = tokio::time::timeout(timeout, async {
            loop {
                // Listens before it looks, so that no change is missed in between.
                let changed = shell.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                let output = shell.receive(self, command, room)?;
                if !output.payloads.is_empty() || output.done {
                    return Ok(output);
                }
                changed.await;
            }
        });
        waited.await.unwrap_or_else(|_| Err(refusal::timed_out()))
    }

    fn create(
        &self,
        account: &Account,
        peer: SocketAddr,
        header: &Header,
        proposed: Option<String>,
        idle_timeout: Option<Duration>,
        payload: &[u8],
    ) -> Result<Arc<Shell>, Box<Fault>> {
        if !header.resource_uri.eq_ignore_ascii_case(uri::EXCHANGE) {
            return Err(refusal::unknown_resource(&header.resource_uri));
        }
        self.admit(account)?;
        let mut shells = locked(&self.shells);
        let quota = self.organization().options().habits.shells_per_user;
        let owner = owner_name(account);
        if shells.values().filter(|shell| shell.owner == owner).count() >= quota {
            self.ledger.lock().refused_shells += 1;
            return Err(refusal::too_many_shells(quota));
        }
        let longest = self.organization().options().habits.shell_idle_timeout;
        let asked = idle_timeout.and_then(|time| SignedDuration::try_from(time).ok());
        let idle_timeout = asked.filter(|asked| !asked.is_zero()).unwrap_or(longest).min(longest);
        let fresh =
            proposed.filter(|id| uuid::Uuid::try_parse(id).is_ok() && !shells.contains_key(id));
        let id = fresh.unwrap_or_else(|| self.new_id().to_string().to_uppercase());
        let shell = Shell::open(self, id.clone(), account, peer, idle_timeout, payload)?;
        let shell = Arc::new(shell);
        shells.insert(id, Arc::clone(&shell));
        drop(shells);
        self.count_shells();
        Ok(shell)
    }

    /// Who may not open a shell at all, and who has to wait.
    fn admit(&self, account: &Account) -> Result<(), Box<Fault>> {
        let organization = self.organization();
        let place = refusal::Place {
            server: organization.server(self.options.server),
            dialect: organization.dialect(self.options.server),
            request: self.new_id(),
            now: self.now(),
        };
        let name = format!("{}/Users/{}", organization.options().domain, account.user);
        if !account.remote_power_shell {
            let text = format!(
                "Processing data for a remote command failed: the user \"{name}\" isn't allowed to \
                 use remote PowerShell (RemotePowerShellEnabled is false)."
            );
            return Err(place.authorization_failed("CmdletAccessDeniedException", &text));
        }
        if matches!(&account.visible, Visible::Only(cmdlets) if cmdlets.is_empty()) {
            let text = format!("The user \"{name}\" isn't assigned to any management roles.");
            return Err(place.authorization_failed("CmdletAccessDeniedException", &text));
        }
        if let Some(seconds) = self.faults().budget_exceeded_seconds {
            let text = format!(
                "Fail to create runspace because you have exceeded your budget to create runspace. \
                 Please wait for {seconds} seconds. Policy: CN=GlobalThrottlingPolicy_{},CN=Global \
                 Settings,{}",
                organization.guid(),
                organization.configuration_dn(),
            );
            return Err(place.authorization_failed("AuthorizationException", &text));
        }
        Ok(())
    }

    fn shell(&self, account: &Account, header: &Header) -> Result<Arc<Shell>, Box<Fault>> {
        let id = header.shell_id.as_deref().unwrap_or_default();
        let shells = locked(&self.shells);
        let own = shells
            .get(id)
            .or_else(|| shells.values().find(|shell| shell.id.eq_ignore_ascii_case(id)));
        let own = own.filter(|shell| shell.owner == owner_name(account));
        own.cloned().ok_or_else(|| refusal::shell_not_found(id))
    }

    fn forget_idle_shells(&self) {
        let now = self.now();
        locked(&self.shells).retain(|_, shell| {
            let stays = !shell.is_idle(now);
            if !stays {
                shell.close(self);
            }
            stays
        });
    }

    fn count_shells(&self) {
        let shells = locked(&self.shells);
        let (commands, running) = shells
            .values()
            .map(|shell| shell.commands())
            .fold((0, 0), |(commands, running), (more, busy)| (commands + more, running + busy));
        let mut entries = self.ledger.lock();
        for own in entries.accounts.values_mut() {
            own.open_shells = 0;
        }
        for shell in shells.values() {
            let own = entries.account(&shell.owner);
            own.open_shells += 1;
            own.max_open_shells = own.max_open_shells.max(own.open_shells);
        }
        entries.open_shells = shells.len();
        entries.max_open_shells = entries.max_open_shells.max(shells.len());
        entries.unterminated_commands = commands;
        entries.max_running = entries.max_running.max(running);
    }

    fn describe(&self, shell: &Shell, header: &Header) -> ShellDescription {
        ShellDescription {
            shell_id: shell.id.clone(),
            url: header.to.clone(),
            resource_uri: uri::EXCHANGE.to_owned(),
            owner: shell.owner.clone(),
            client_ip: shell.peer.ip().to_string(),
            idle_timeout: shell.idle_timeout(),
            state: shell.state_word().to_owned(),
        }
    }

    /// Counts changes that a cmdlet made; true if the connection is to be cut after one.
    pub(super) fn strikes_write(&self, carried_out: u32) -> bool {
        self.faults().cut_after(carried_out)
    }

    /// Counts an object on its way out; true if the fault `poison` strikes it.
    pub(super) fn count_object(&self) -> (bool, bool) {
        self.ledger.lock().objects += 1;
        let mut faults = self.faults();
        let poisoned = strike(&mut faults.poison_object);
        let fails = strike(&mut faults.fail_after);
        (poisoned, fails)
    }
}

/// `CONTOSO\gatepost`
pub(super) fn owner_name(account: &Account) -> String {
    format!("{}\\{}", account.domain, account.user)
}

fn envelope_bytes(header: &Header) -> usize {
    let asked = header.max_envelope_bytes.unwrap_or(wsman::DEFAULT_MAX_ENVELOPE_BYTES);
    usize::try_from(asked.clamp(MIN_ENVELOPE_BYTES, MAX_ENVELOPE_BYTES)).unwrap_or(usize::MAX)
}

fn received(reply: &Reply<'_>, command_id: Option<uuid::Uuid>, output: Output) -> String {
    let streams: Vec<StreamData> = output
        .payloads
        .into_iter()
        .map(|bytes| StreamData { name: "stdout".to_owned(), command_id, bytes, end: false })
        .collect();
    let state = command_id.map(|_| CommandState {
        command_id,
        progress: if output.done { Progress::Done } else { Progress::Running },
        exit_code: output.done.then_some(0),
    });
    reply.received(&streams, state.as_ref())
}
