//! A client made of the client halves of both protocol libraries, by hand over loopback.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use psrp::{
    client::{Event, PayloadStream, PipelineState, PoolOptions, PoolSize, RunspacePool},
    clixml::Value,
    pipeline::{Command, HostInfo, PipelineDescription},
};
use simulator::{Faults, Habits, Ledger, Organization, OrganizationOptions, Server, ServerOptions};
use uuid::Uuid;
use wsman::{
    Signal,
    client::{Creation, InputStream, Response, Settings, Shell, max_payload, parse},
    fault,
};

const PASSWORD: &str = "Pa55word!";

/// What a story may look at and change beside its client.
pub(crate) struct Stage {
    pub(crate) organization: Arc<Mutex<Organization>>,
    pub(crate) faults: Arc<Mutex<Faults>>,
    pub(crate) ledger: Ledger,
}

/// Serves 120 devices and tells the story against it.
fn tell(
    story: impl FnOnce(&mut Client, &Arc<Mutex<Faults>>) + Send + 'static,
) -> simulator::Entries {
    tell_of(Habits::default(), |client, stage| story(client, &stage.faults))
}

/// The same with a server of other habits.
pub(crate) fn tell_of(
    habits: Habits,
    story: impl FnOnce(&mut Client, &Stage) + Send + 'static,
) -> simulator::Entries {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options =
            OrganizationOptions { devices: 120, habits, ..OrganizationOptions::default() };
        let organization = Arc::new(Mutex::new(Organization::generate(&options)));
        let address = ([127, 0, 0, 1], 0).into();
        let bound =
            Server::bind(address, Arc::clone(&organization), ServerOptions::default()).await;
        let server = bound.unwrap();
        let (ledger, url, address) = (server.ledger(), server.url(), server.address());
        let stage = Stage { organization, faults: server.faults(), ledger: ledger.clone() };
        let told = tokio::task::spawn_blocking(move || {
            let mut client = Client::new(address, url);
            story(&mut client, &stage);
        });
        let (told, served) = {
            let (done, shutdown) = tokio::sync::oneshot::channel::<()>();
            let story = async {
                let told = told.await;
                drop(done);
                told
            };
            tokio::join!(story, server.run(async { shutdown.await.unwrap_or_default() }))
        };
        served.unwrap();
        told.unwrap();
        ledger.entries()
    })
}

/// A shell on one connection.
pub(crate) struct Client {
    address: std::net::SocketAddr,
    url: String,
    connection: BufReader<TcpStream>,
    shell: Shell,
    pool: RunspacePool,
    next_id: u128,
}

/// What became of a pipeline.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) objects: usize,
    pub(crate) values: Vec<Value>,
    pub(crate) poisoned: usize,
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<String>,
    pub(crate) state: Option<PipelineState>,
}

impl Client {
    fn new(address: std::net::SocketAddr, url: String) -> Self {
        let settings = Settings {
            operation_timeout: Duration::from_secs(20),
            ..Settings::exchange(url.clone(), Uuid::from_u128(1))
        };
        let options = PoolOptions {
            size: PoolSize { min: 1, max: 1 },
            host: HostInfo::interactive(),
            ..PoolOptions::default()
        };
        Self {
            address,
            url,
            connection: BufReader::new(TcpStream::connect(address).unwrap()),
            shell: Shell::new(settings),
            pool: RunspacePool::new(Uuid::from_u128(2), options),
            next_id: 100,
        }
    }

    /// Another client of the same person, on a connection of its own.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.address, self.url.clone())
    }

    fn id(&mut self) -> Uuid {
        self.next_id += 1;
        Uuid::from_u128(self.next_id)
    }

    fn post(&mut self, path: &str, password: &str, body: &str) -> (u16, Vec<u8>) {
        self.request(path, password, body);
        let (status, length) = self.head();
        let mut answer = vec![0; length];
        self.connection.read_exact(&mut answer).unwrap();
        (status, answer)
    }

    fn request(&mut self, path: &str, password: &str, body: &str) {
        let credentials = STANDARD.encode(format!(r"CONTOSO\gatepost:{password}"));
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: exchange\r\nAuthorization: Basic {credentials}\r\n\
             Content-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.connection.get_mut().write_all(request.as_bytes()).unwrap();
    }

    fn head(&mut self) -> (u16, usize) {
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.connection.read_line(&mut line).unwrap();
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest.split(' ').next().unwrap().parse().unwrap();
            }
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                return (status, length);
            }
        }
    }

    fn ask(&mut self, body: &str) -> Response {
        let (_, answer) = self.post("/powershell/?serializationLevel=Partial", PASSWORD, body);
        parse(&answer).unwrap()
    }

    pub(crate) fn open(&mut self) -> Response {
        let payload = self.pool.open();
        let id = self.id();
        let creation = Creation { shell_id: None, idle_timeout: None, payload: &payload };
        let response = self.ask(&self.shell.create(id, &creation));
        if let Response::Created(created) = &response {
            self.shell.opened(created.shell_id.clone());
            let id = self.id();
            let Response::Received(received) = self.ask(&self.shell.receive(id, None)) else {
                panic!("nothing from the pool");
            };
            for stream in received.streams {
                self.pool.receive(&stream.bytes).unwrap();
            }
            while self.pool.next_event().is_some() {}
        }
        response
    }

    pub(crate) fn start(&mut self, command: Command) -> Uuid {
        let id = self.id();
        self.pool.start(id, &PipelineDescription::new(vec![command])).unwrap();
        self.flush();
        id
    }

    fn flush(&mut self) {
        while let Some(payload) = self.pool.next_payload(max_payload(512_000)) {
            let message = self.id();
            let request = match payload.pipeline {
                Some(id) if payload.starts_pipeline => {
                    self.shell.command(message, id, &payload.bytes)
                }
                pipeline => {
                    let stream = match payload.stream {
                        PayloadStream::Default => InputStream::Default,
                        PayloadStream::PromptResponse => InputStream::PromptResponse,
                    };
                    self.shell.send(message, stream, pipeline, &payload.bytes)
                }
            };
            let answer = self.ask(&request);
            assert!(matches!(answer, Response::Command { .. } | Response::Sent), "{answer:?}");
        }
    }

    /// Starts a pipeline whose answer never comes. Gives what came in its place, and connects anew.
    pub(crate) fn start_in_vain(&mut self, command: Command) -> Vec<u8> {
        let id = self.id();
        self.pool.start(id, &PipelineDescription::new(vec![command])).unwrap();
        let payload = self.pool.next_payload(max_payload(512_000)).unwrap();
        let message = self.id();
        let body = self.shell.command(message, id, &payload.bytes);
        self.request("/PowerShell/", PASSWORD, &body);
        let mut answer = Vec::new();
        // Whether the cut shows as an end or as an error is the operating system's choice.
        drop(self.connection.read_to_end(&mut answer));
        self.connection = BufReader::new(TcpStream::connect(self.address).unwrap());
        self.pool.forget(id);
        answer
    }

    /// Receives until the pipeline ends. Prompts are answered with `choice`.
    pub(crate) fn finish(&mut self, id: Uuid, choice: i32) -> Story {
        let mut story = Story::default();
        while story.state.is_none() {
            let message = self.id();
            let Response::Received(received) = self.ask(&self.shell.receive(message, Some(id)))
            else {
                panic!("no output");
            };
            for stream in received.streams {
                self.pool.receive(&stream.bytes).unwrap();
            }
            while let Some(event) = self.pool.next_event() {
                match event {
                    Event::Output { value: Ok(value), .. } => {
                        story.objects += 1;
                        story.values.push(value);
                    }
                    Event::Output { value: Err(_), .. } => story.poisoned += 1,
                    Event::Warning { message, .. } => story.warnings.push(message),
                    Event::Error { record, .. } => {
                        story.errors.push(record.fully_qualified_error_id);
                    }
                    Event::HostCall { call, .. } => {
                        self.pool.answer_host_call(Some(id), &call, Value::Int32(choice)).unwrap();
                        self.flush();
                    }
                    Event::PipelineState { state, error, .. } => {
                        story.errors.extend(error.map(|error| error.fully_qualified_error_id));
                        story.state = Some(state);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        let message = self.id();
        assert_eq!(
            self.ask(&self.shell.signal(message, id, &Signal::Terminate)),
            Response::Signalled
        );
        self.pool.forget(id);
        story
    }

    pub(crate) fn run(&mut self, command: Command) -> Story {
        let id = self.start(command);
        self.finish(id, 2)
    }

    pub(crate) fn close(&mut self) {
        let message = self.id();
        assert_eq!(self.ask(&self.shell.delete(message)), Response::Deleted);
    }
}

#[test]
fn a_shell_is_opened_used_and_closed() {
    let entries = tell(|client, _| {
        assert!(matches!(client.open(), Response::Created(_)));
        let story = client.run(Command::new("Get-MobileDevice").with("ResultSize", "Unlimited"));
        assert_eq!((story.objects, story.state), (120, Some(PipelineState::Completed)));
        let story = client.run(Command::new("Get-MobileDevice").with("Identity", "nobody"));
        assert!(
            story.errors[0].contains("[FailureCategory=Cmdlet-ManagementObjectNotFoundException]")
        );
        let story = client.run(Command::new("Get-Nothing"));
        assert_eq!(story.errors, ["CommandNotFoundException"]);
        assert_eq!(story.state, Some(PipelineState::Failed));
        let story = client.run(Command::script("1 + 1"));
        assert_eq!(story.errors, ["ScriptsNotAllowed"]);
        client.close();
    });
    assert_eq!((entries.open_shells, entries.max_open_shells), (0, 1));
    assert_eq!(entries.unterminated_commands, 0);
    assert_eq!(entries.cmdlets[0].parameter("resultsize"), Some("Unlimited"));
}

#[test]
fn a_prompt_is_asked_and_its_answer_counts() {
    let entries = tell(|client, _| {
        client.open();
        let first = Command::new("Get-MobileDevice").with("ResultSize", 1);
        assert_eq!(client.run(first).warnings.len(), 1);
        let remove = || {
            Command::new("Remove-ActiveSyncDeviceAccessRule").with("Identity", "WP8 (DeviceType)")
        };
        let count = |client: &mut Client| {
            client.run(Command::new("Get-ActiveSyncDeviceAccessRule")).objects
        };
        let id = client.start(remove());
        assert_eq!(client.finish(id, 2).state, Some(PipelineState::Completed));
        assert_eq!(count(client), 5);
        let id = client.start(remove());
        client.finish(id, 0);
        assert_eq!(count(client), 4);
    });
    assert_eq!(entries.prompts, 2);
}

#[test]
fn a_pipeline_is_stopped_and_its_place_is_kept_until_terminated() {
    let entries = tell(|client, _| {
        client.open();
        let id = client.start(Command::new("Get-MobileDevice"));
        let message = client.id();
        client.ask(&client.shell.signal(message, id, &Signal::Stop));
        assert_eq!(client.finish(id, 2).state, Some(PipelineState::Stopped));
        client.start(Command::new("Get-MobileDevice"));
    });
    assert_eq!(entries.unterminated_commands, 1);
}

#[test]
fn faults_come_to_order() {
    tell(|client, faults| {
        let order = |ordered: Faults| *faults.lock().unwrap() = ordered;
        order(Faults { budget_exceeded_seconds: Some(7), ..Faults::default() });
        let Response::Fault(refused) = client.open() else { panic!("opened") };
        assert!(refused.best_text().contains("Please wait for 7 seconds"), "{refused:?}");
        order(Faults::default());
        client.pool = RunspacePool::new(Uuid::from_u128(3), PoolOptions::default());
        client.open();
        let all = || Command::new("Get-MobileDevice");
        order(Faults { poison_object: Some(3), ..Faults::default() });
        let story = client.run(all());
        assert_eq!((story.objects, story.poisoned), (119, 1));
        order(Faults { fail_after: Some(10), ..Faults::default() });
        let story = client.run(all());
        assert_eq!((story.objects, story.state), (10, Some(PipelineState::Failed)));
        order(Faults { truncate_after: Some(50), ..Faults::default() });
        let story = client.run(all());
        assert_eq!((story.objects, story.warnings.len()), (50, 0));
        order(Faults { html_page: Some(502), ..Faults::default() });
        assert_eq!(client.post("/PowerShell/", PASSWORD, "").0, 502);
    });
}

#[test]
fn a_receive_is_cut_in_the_middle() {
    tell(|client, faults| {
        client.open();
        let id = client.start(Command::new("Get-MobileDevice"));
        faults.lock().unwrap().cut_receive = Some(1);
        let message = client.id();
        let body = client.shell.receive(message, Some(id));
        client.request("/PowerShell/", PASSWORD, &body);
        let (status, length) = client.head();
        let mut answer = Vec::new();
        // Whether the cut shows as an end or as an error is the operating system's choice.
        drop(client.connection.read_to_end(&mut answer));
        assert_eq!((status, answer.len()), (200, length / 2));
    });
}

#[test]
fn strangers_wrong_paths_and_lost_shells_are_told_apart() {
    tell(|client, _| {
        assert_eq!(client.post("/PowerShell/", "wrong", "").0, 401);
        let (status, page) = client.post("/wsman", PASSWORD, "");
        assert!(status == 404 && page.starts_with(b"<!DOCTYPE html"));
        client.shell.opened(Uuid::nil().to_string());
        let message = client.id();
        let Response::Fault(lost) = client.ask(&client.shell.receive(message, None)) else {
            panic!("received");
        };
        assert_eq!(lost.code, Some(fault::SHELL_NOT_FOUND));
    });
}
