//! A client and a server in memory, with a wire between them that cuts where it likes.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use psrp::client::{self, Event, PipelineState, PoolOptions};
use psrp::clixml::Value;
use psrp::pipeline::{Command, PipelineDescription};
use psrp::server::{self, ServerEvent};
use uuid::Uuid;

/// The two halves. Every payload is cut into pieces of `piece_bytes` on its way.
pub(crate) struct Pair {
    pub(crate) client: client::RunspacePool,
    pub(crate) server: server::RunspacePool,
    pub(crate) max_bytes: usize,
    pub(crate) piece_bytes: usize,
}

impl Pair {
    /// A pair that has not spoken.
    pub(crate) fn new() -> Self {
        Self {
            client: client::RunspacePool::new(Uuid::from_u128(7), PoolOptions::default()),
            server: server::RunspacePool::new(),
            max_bytes: 32 * 1024,
            piece_bytes: usize::MAX,
        }
    }

    /// A pair whose pool is open.
    pub(crate) fn opened() -> Self {
        let mut pair = Self::new();
        pair.open();
        pair
    }

    /// Opens the pool and takes the events of that.
    pub(crate) fn open(&mut self) {
        let creation = self.client.open();
        deliver(&creation, self.piece_bytes, |piece| self.server.receive(piece).unwrap());
        let requests = self.requests();
        assert!(matches!(requests[..], [ServerEvent::Opened { .. }]), "{requests:?}");
        self.server.announce_open(&Value::Nil);
        let events = self.fetch(None);
        assert!(matches!(events[..], [Event::ApplicationPrivateData(_), Event::PoolState(..)]));
    }

    /// Starts a pipeline of one command at both halves.
    pub(crate) fn start(&mut self, command: &str) -> Uuid {
        let id = Uuid::from_u128(command.bytes().map(u128::from).sum());
        let mut description = PipelineDescription::new(vec![Command::new(command)]);
        description.no_input = false;
        self.client.start(id, &description).unwrap();
        let requests = self.send();
        assert!(matches!(requests[..], [ServerEvent::PipelineRequested { .. }]), "{requests:?}");
        id
    }

    /// Carries what the client has to send, and takes what the server makes of it.
    pub(crate) fn send(&mut self) -> Vec<ServerEvent> {
        while let Some(payload) = self.client.next_payload(self.max_bytes) {
            assert!(payload.bytes.len() <= self.max_bytes);
            deliver(&payload.bytes, self.piece_bytes, |piece| self.server.receive(piece).unwrap());
        }
        self.requests()
    }

    /// Carries what the server has to say of a pipeline or the pool, and takes what the client
    /// makes of it.
    pub(crate) fn fetch(&mut self, pipeline: Option<Uuid>) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(payload) = self.server.next_payload(pipeline, self.max_bytes) {
            assert!(payload.len() <= self.max_bytes);
            deliver(&payload, self.piece_bytes, |piece| {
                self.client.receive(piece).unwrap();
                events.extend(std::iter::from_fn(|| self.client.next_event()));
            });
        }
        events
    }

    /// Ends a pipeline well, and takes what the client heard until then.
    pub(crate) fn complete(&mut self, pipeline: Uuid) -> Vec<Event> {
        self.server.pipeline_state(pipeline, PipelineState::Completed, None).unwrap();
        let mut events = self.fetch(Some(pipeline));
        let state = PipelineState::Completed;
        assert_eq!(events.pop(), Some(Event::PipelineState { pipeline, state, error: None }));
        events
    }

    fn requests(&mut self) -> Vec<ServerEvent> {
        std::iter::from_fn(|| self.server.next_event()).collect()
    }
}

fn deliver(bytes: &[u8], piece_bytes: usize, receive: impl FnMut(&[u8])) {
    bytes.chunks(piece_bytes).for_each(receive);
}
