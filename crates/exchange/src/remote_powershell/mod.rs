//! A session over remote PowerShell: a runspace pool inside a shell, on one connection.
//!
//! Replies are pulled. A Receive is sent only when everything received before has been handed on,
//! so memory stays flat. Every pipeline is terminated, however it ended, because a server counts
//! those that are not; the shell is deleted by [`Session::close`]. A session that is dropped without
//! it leaves its shell to the server's idle time-out (15 minutes), or to [`RemotePowerShell::give_back`].

mod opening;
mod reply;

use std::fmt;

use domain::access::Hosting;
use psrp::{
    client::{Event, PayloadStream, RunspacePool},
    host::HostCall,
    state::PipelineState,
};
use uuid::Uuid;
use wsman::{
    Signal,
    client::{InputStream, Response, Shell, max_payload},
    fault::Fault,
};

use crate::{
    CmdletErrorKind, ConnectError, ConnectionSettings, Credential, Error, Pipeline, Reply, Session,
    connection::{Answer, Connection, SendError},
    errors::wait_of,
};

/// A Receive that nothing came back to is repeated so often; then the pipeline counts as interrupted.
const REPEATED_RECEIVES: u32 = 2;

/// A session over remote PowerShell (on premises).
pub struct RemotePowerShell {
    connection: Connection,
    shell: Shell,
    pool: RunspacePool,
    pipeline: Option<Running>,
}

/// The pipeline that runs.
struct Running {
    id: Uuid,
    /// Of its first cmdlet, for messages.
    name: String,
    /// How it ended, once it has.
    ended: Option<Ending>,
    /// The server says that nothing more comes.
    is_drained: bool,
    /// What it asked, although it must not.
    asked: Option<String>,
    /// A Receive is under way. One that was given up half-way leaves it so: its answer is lost.
    is_receiving: bool,
}

/// How a pipeline ended.
enum Ending {
    Completed,
    Stopped,
    Failed(Box<crate::CmdletError>),
}

impl fmt::Debug for RemotePowerShell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemotePowerShell").field("shell", &self.shell.id()).finish_non_exhaustive()
    }
}

impl RemotePowerShell {
    /// Connects, signs in and opens a session.
    pub async fn connect(
        settings: &ConnectionSettings,
        credential: &Credential,
    ) -> Result<Self, ConnectError> {
        let connection = Connection::new(settings.clone(), credential.clone())?;
        // Boxed: signing in keeps much at hand, and whoever connects should not have to.
        Box::pin(opening::open(connection, &settings.endpoint.url)).await
    }

    /// Gives a session back that another process left behind, by the id of its shell. One that the
    /// server has ended by itself is no error.
    pub async fn give_back(
        settings: &ConnectionSettings,
        credential: &Credential,
        shell: &str,
    ) -> Result<(), Error> {
        let mut connection = Connection::new(settings.clone(), credential.clone())?;
        Box::pin(connection.ensure()).await?;
        let mut left = opening::shell(&connection, &settings.endpoint.url);
        left.opened(shell.to_owned());
        let sent = connection.send(left.delete(Uuid::new_v4())).await;
        let answer =
            sent.map_err(|_| Error::Interrupted { during: "giving back a session".into() })?;
        match read(&answer, connection.path())? {
            Response::Fault(fault) if !fault.is_not_found() => Err(refused(&fault)),
            _ => Ok(()),
        }
    }

    /// The server's id of the shell.
    #[must_use]
    pub fn shell(&self) -> &str {
        self.shell.id().unwrap_or_default()
    }

    /// What the server's clock showed with its last answer, in whole seconds; `None` if it says
    /// nothing of it.
    #[must_use]
    pub fn server_time(&self) -> Option<domain::Timestamp> {
        let date = self.connection.server_date()?;
        jiff::fmt::rfc2822::parse(date).ok().map(|zoned| zoned.timestamp())
    }

    /// Sends an envelope; the server's answer, faults included.
    async fn request(&mut self, envelope: String, during: &str) -> Result<Response, Error> {
        let sent = self.connection.send(envelope).await;
        self.understand_answer(sent, during)
    }

    fn understand_answer(
        &mut self,
        sent: Result<Answer, SendError>,
        during: &str,
    ) -> Result<Response, Error> {
        match sent {
            Ok(answer) => {
                let response = read(&answer, self.connection.path());
                self.connection.reuse(answer);
                response
            }
            Err(SendError::NotConnected(error)) => Err(error.into()),
            Err(SendError::Cut(reason) | SendError::Lost(reason)) => {
                tracing::debug!(%reason, "a connection was cut");
                Err(Error::Interrupted { during: during.to_owned() })
            }
            Err(SendError::TimedOut(after)) => {
                Err(Error::TimedOut { during: during.to_owned(), after })
            }
        }
    }

    /// Sends everything that waits to be sent.
    async fn flush(&mut self, during: &str) -> Result<(), Error> {
        let most = max_payload(self.shell.settings().max_envelope_bytes);
        while let Some(payload) = self.pool.next_payload(most) {
            let message = Uuid::new_v4();
            let envelope = match (payload.starts_pipeline, payload.pipeline) {
                (true, Some(pipeline)) => self.shell.command(message, pipeline, &payload.bytes),
                _ => {
                    let stream = match payload.stream {
                        PayloadStream::Default => InputStream::Default,
                        PayloadStream::PromptResponse => InputStream::PromptResponse,
                    };
                    self.shell.send(message, stream, payload.pipeline, &payload.bytes)
                }
            };
            match self.request(envelope, during).await? {
                Response::Command { .. } | Response::Sent => {}
                Response::Fault(fault) => return Err(refused(&fault)),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(())
    }

    /// Asks for more output and takes what comes. A server that has nothing yet is asked again.
    ///
    /// INVARIANT: a Receive is repeated only if nothing of an answer was read. The server does not
    /// keep what it has sent, and output lost between two objects leaves no gap to be seen.
    async fn receive(&mut self, pipeline: Uuid, during: &str) -> Result<(), Error> {
        let mut repeated = 0;
        loop {
            let envelope = self.shell.receive(Uuid::new_v4(), Some(pipeline));
            let sent = self.connection.send(envelope).await;
            if let Err(SendError::Cut(reason)) = &sent
                && repeated < REPEATED_RECEIVES
            {
                tracing::debug!(%reason, "a connection was cut; asking again on another");
                repeated += 1;
                continue;
            }
            match self.understand_answer(sent, during) {
                Ok(Response::Received(received)) => {
                    for stream in &received.streams {
                        self.pool
                            .receive(&stream.bytes)
                            .map_err(|error| Error::Protocol(error.to_string()))?;
                    }
                    let is_done =
                        received.state.is_some_and(|state| state.progress == wsman::Progress::Done);
                    if let Some(running) = &mut self.pipeline {
                        running.is_drained |= is_done;
                    }
                    return Ok(());
                }
                Ok(Response::Fault(fault)) if fault.is_time_out() => {}
                Ok(Response::Fault(fault)) => return Err(refused(&fault)),
                Ok(other) => return Err(unexpected(&other)),
                Err(error) => return Err(error),
            }
        }
    }

    /// What an event means to the one who reads; `None` if it is not for them.
    async fn understand(&mut self, event: Event) -> Result<Option<Reply>, Error> {
        let Some(running) = &mut self.pipeline else { return Ok(None) };
        match event {
            Event::PipelineState { pipeline, state, error } if pipeline == running.id => {
                match state {
                    PipelineState::Completed => running.ended = Some(Ending::Completed),
                    PipelineState::Stopped => running.ended = Some(Ending::Stopped),
                    PipelineState::Failed => {
                        let error = error.map_or_else(reply::unexplained, |e| reply::error(&e));
                        running.ended = Some(Ending::Failed(Box::new(error)));
                    }
                    _ => {}
                }
                Ok(None)
            }
            Event::HostCall { pipeline, call } => self.refuse(pipeline, &call).await,
            Event::PublicKeyRequested => Err(Error::Protocol(
                "the server wants to exchange a key for secure strings, which are not needed here"
                    .to_owned(),
            )),
            Event::PoolState(state, _) if state.is_final() => {
                Err(Error::SessionLost(format!("the runspace pool is {state}")))
            }
            event => Ok(reply::of(event)),
        }
    }

    /// Answers a question with no. Questions that want no answer are let pass.
    async fn refuse(
        &mut self,
        pipeline: Option<Uuid>,
        call: &HostCall,
    ) -> Result<Option<Reply>, Error> {
        if !call.method.wants_answer() {
            return Ok(None);
        }
        if let Some(running) = &mut self.pipeline {
            running.asked.get_or_insert_with(|| reply::question(call));
        }
        self.pool
            .refuse_host_call(pipeline, call, "nobody is there to answer")
            .map_err(|error| Error::Protocol(error.to_string()))?;
        self.flush("a refusal").await?;
        Ok(None)
    }

    /// Puts the pipeline away on the server and here.
    async fn terminate(&mut self) -> Result<Option<Running>, Error> {
        let Some(running) = self.pipeline.take() else { return Ok(None) };
        self.pool.forget(running.id);
        let envelope = self.shell.signal(Uuid::new_v4(), running.id, &Signal::Terminate);
        match self.request(envelope, "terminating a pipeline").await? {
            // A server that has put it away by itself does not know it any more.
            Response::Signalled => Ok(Some(running)),
            Response::Fault(fault) if fault.is_not_found() => Ok(Some(running)),
            Response::Fault(fault) => Err(refused(&fault)),
            other => Err(unexpected(&other)),
        }
    }
}

impl Session for RemotePowerShell {
    fn hosting(&self) -> Hosting {
        Hosting::OnPremises
    }

    async fn start(&mut self, pipeline: &Pipeline) -> Result<(), Error> {
        self.stop().await?;
        let description = pipeline.to_psrp()?;
        let id = Uuid::new_v4();
        let protocol = |error: psrp::client::Error| Error::Protocol(error.to_string());
        self.pool.start(id, &description).map_err(protocol)?;
        let name = pipeline.cmdlets.first().map(|cmdlet| cmdlet.name.to_string());
        let name = name.unwrap_or_default();
        self.pipeline = Some(Running {
            id,
            name: name.clone(),
            ended: None,
            is_drained: false,
            asked: None,
            is_receiving: false,
        });
        if !pipeline.input.is_empty() {
            for text in &pipeline.input {
                self.pool.send_input(id, &text.as_str().into()).map_err(protocol)?;
            }
            self.pool.end_input(id).map_err(protocol)?;
        }
        self.flush(&name).await
    }

    async fn next(&mut self) -> Result<Option<Reply>, Error> {
        loop {
            while let Some(event) = self.pool.next_event() {
                if let Some(reply) = self.understand(event).await? {
                    return Ok(Some(reply));
                }
            }
            let Some(running) = &mut self.pipeline else { return Ok(None) };
            if running.ended.is_some() {
                let Some(running) = self.terminate().await? else { return Ok(None) };
                return match (running.asked, running.ended) {
                    (Some(question), _) => Err(Error::Prompted(question)),
                    // The server knows that nobody is there, and refused in our name.
                    (None, Some(Ending::Failed(error)))
                        if error.kind == CmdletErrorKind::Prompted =>
                    {
                        Err(Error::Prompted(error.message))
                    }
                    (None, Some(Ending::Failed(mut error))) => {
                        error.cmdlet.get_or_insert(running.name);
                        Err(Error::Cmdlet(error))
                    }
                    _ => Ok(None),
                };
            }
            let (id, name) = (running.id, running.name.clone());
            if running.is_drained {
                self.terminate().await?;
                return Err(Error::Protocol(format!("{name} ended without saying how")));
            }
            if std::mem::replace(&mut running.is_receiving, true) {
                return Err(Error::Interrupted { during: name });
            }
            self.receive(id, &name).await?;
            if let Some(running) = &mut self.pipeline {
                running.is_receiving = false;
            }
        }
    }

    async fn stop(&mut self) -> Result<(), Error> {
        let Some(running) = &self.pipeline else { return Ok(()) };
        let (id, name) = (running.id, running.name.clone());
        if running.ended.is_none() {
            self.pool.stop(id).map_err(|error| Error::Protocol(error.to_string()))?;
            let envelope = self.shell.signal(Uuid::new_v4(), id, &Signal::Stop);
            match self.request(envelope, "stopping a pipeline").await? {
                Response::Signalled => {}
                Response::Fault(fault) if fault.is_not_found() => {}
                Response::Fault(fault) => return Err(refused(&fault)),
                other => return Err(unexpected(&other)),
            }
            while self.pipeline.as_ref().is_some_and(|r| r.ended.is_none() && !r.is_drained) {
                self.receive(id, &name).await?;
                while let Some(event) = self.pool.next_event() {
                    self.understand(event).await?;
                }
            }
        }
        self.terminate().await.map(drop)
    }

    async fn close(mut self) -> Result<(), Error> {
        // The shell takes a pipeline that does not stop along.
        if let Err(error) = self.stop().await {
            tracing::debug!(%error, "a pipeline was not stopped");
        }
        self.pool.close();
        match self.request(self.shell.delete(Uuid::new_v4()), "closing the session").await? {
            Response::Fault(fault) if !fault.is_not_found() => Err(refused(&fault)),
            _ => Ok(()),
        }
    }
}

/// The meaning of an answer's body.
fn read(answer: &Answer, path: &str) -> Result<Response, Error> {
    if !answer.is_soap {
        return Err(opening::not_soap(answer, path).into());
    }
    wsman::client::parse(&answer.body).map_err(|error| Error::Protocol(error.to_string()))
}

/// What a fault in the middle of a session means.
fn refused(fault: &Fault) -> Error {
    let text = fault.best_text().to_owned();
    if fault.is_not_found() {
        Error::SessionLost(text)
    } else if fault.is_quota() {
        let wait = wait_of(&text).unwrap_or(std::time::Duration::from_secs(5));
        Error::Throttled { wait, message: text }
    } else {
        Error::Refused(text)
    }
}

fn unexpected(response: &Response) -> Error {
    let name = format!("{response:?}");
    let name = name.split(['(', ' ', '{']).next().unwrap_or_default();
    Error::Protocol(format!("an answer of another kind came: {name}"))
}
