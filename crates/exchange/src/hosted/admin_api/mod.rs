//! A session with hosted Exchange over `adminapi/beta`, the service behind Exchange Online's own
//! shell. It is not documented: whatever is peculiar to it stays here.
//!
//! A pipeline with input becomes batches of ten, `Select-Object` becomes `$select`, `Get-Command` is
//! answered from the list of cmdlets that was read when the session was opened. Reads are carried
//! through pauses and failures that pass; a write whose fate is not known ends as
//! [`Error::Interrupted`] and is to be read back.

mod anchor;
mod batch;
mod body;
mod cookies;
mod failure;
mod listing;
mod made;
mod module_file;
mod object;
mod pace;
mod page;
mod route;
mod service;

#[cfg(test)]
mod tests;

use std::{
    collections::{HashSet, VecDeque},
    fmt,
};

use bytes::Bytes;
use domain::{Timestamp, access::Hosting, connector::OrganizationIdentity};
use hyper::Method;

pub(super) use made::Made;

use super::{Answer, HostedCredential, HostedSettings, sign_in::escaped};
use crate::{
    Argument, Cmdlet, CmdletError, CmdletErrorKind, ConnectError, Error, Object, Pipeline, Reply,
    Session, Value, cmdlet::SELECT,
};
use batch::{Batches, Question};
use listing::Listing;
use object::Names;
use service::{Call, Service};

/// Objects of a page: the most that the service gives.
const PAGE_OBJECTS: u64 = 1_000;
/// What is preferred of every part of a batch.
const PREFER: &str = "odata.maxpagesize=1000;odata.continue-on-error";
/// The cmdlet that lists cmdlets.
const GET_COMMAND: &str = "Get-Command";

/// A session with hosted Exchange.
pub struct AdminApi {
    service: Service,
    /// What the application may use, in lower case; `None` where nobody knows.
    cmdlets: Option<HashSet<String>>,
    names: Names,
    running: Option<Running>,
}

/// What runs.
enum Running {
    Listing(Box<Listing>),
    Batches(Box<Batches>),
    Told(VecDeque<Reply>),
}

impl fmt::Debug for AdminApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminApi").field("tenant", &self.service.tenant).finish_non_exhaustive()
    }
}

impl AdminApi {
    /// Signs in and asks what the application may use.
    pub async fn connect(
        settings: &HostedSettings,
        credential: &HostedCredential,
    ) -> Result<Self, ConnectError> {
        let mut service = Box::pin(Service::sign_in(settings, credential)).await?;
        let cmdlets = Box::pin(module_file::read(&mut service)).await?;
        Ok(Self { service, cmdlets, names: Names::default(), running: None })
    }

    /// What the service's clock showed with its last answer, in whole seconds; `None` if it says
    /// nothing of it.
    #[must_use]
    pub fn server_time(&self) -> Option<Timestamp> {
        self.service.server_time()
    }

    /// A call of a cmdlet, or of a batch of them.
    fn call(
        &self,
        cmdlet: &Cmdlet,
        target: String,
        body: &serde_json::Value,
    ) -> Result<Call, Error> {
        let page = body::most(cmdlet).unwrap_or(PAGE_OBJECTS).clamp(1, PAGE_OBJECTS);
        let timeouts = &self.service.settings.timeouts;
        let is_read = body::is_read(cmdlet);
        let is_list = is_read && body::text(cmdlet, "Identity").is_none();
        let body = serde_json::to_vec(body).map_err(|error| Error::Protocol(error.to_string()))?;
        Ok(Call {
            method: Method::POST,
            target,
            body: Bytes::from(body),
            cmdlet: cmdlet.name.to_string(),
            anchor: anchor::mailbox(cmdlet),
            headers: vec![
                ("prefer", format!("odata.maxpagesize={page}")),
                ("x-responseformat", "json".to_owned()),
                ("x-cmdletname", cmdlet.name.to_string()),
                ("x-serializationlevel", "Partial".to_owned()),
                ("warningaction", "Continue".to_owned()),
            ],
            within: if is_list { timeouts.list } else { timeouts.point },
            is_read,
        })
    }

    /// What is to run for a pipeline.
    fn plan(&self, pipeline: &Pipeline) -> Result<Running, Error> {
        let (cmdlet, selected) = match pipeline.cmdlets.as_slice() {
            [cmdlet] => (cmdlet, None),
            [cmdlet, select] => match body::selected(select) {
                Some(properties) => (cmdlet, Some(properties)),
                None => return Err(unfit()),
            },
            _ => return Err(unfit()),
        };
        if cmdlet.name.eq_ignore_ascii_case(GET_COMMAND) {
            return Ok(Running::Told(self.visible(cmdlet)));
        }
        let query = selected.map(|properties| {
            let names: Vec<String> = properties.iter().map(|name| escaped(name)).collect();
            format!("?$select={}", names.join(","))
        });
        let query = query.unwrap_or_default();
        let service = format!("/adminapi/beta/{}", self.service.tenant);
        if pipeline.input.is_empty() {
            let body = body::envelope(cmdlet, None);
            let call = self.call(cmdlet, format!("{service}/InvokeCommand{query}"), &body)?;
            return Ok(Running::Listing(Box::new(Listing::new(cmdlet.clone(), call))));
        }
        if !body::is_read(cmdlet) {
            return Err(unfit());
        }
        let mut call = self.call(cmdlet, format!("{service}/$batch"), &serde_json::Value::Null)?;
        call.headers = vec![("prefer", PREFER.to_owned())];
        let questions = pipeline
            .input
            .iter()
            .map(|input| Question::new(input, body::envelope(cmdlet, Some(input))));
        Ok(Running::Batches(Box::new(Batches::new(call, query, questions.collect()))))
    }

    /// What `Get-Command` would give: of the names that are asked for, those that are there.
    fn visible(&self, ask: &Cmdlet) -> VecDeque<Reply> {
        let Some(cmdlets) = &self.cmdlets else {
            return [Reply::Error(hidden())].into();
        };
        let named = ask.parameters.iter().find_map(|(name, value)| match value {
            Argument::List(names) if name.eq_ignore_ascii_case("Name") => Some(names.clone()),
            Argument::Text(text) if name.eq_ignore_ascii_case("Name") => Some(vec![text.clone()]),
            _ => None,
        });
        let is_there = |name: &String| {
            // The service cuts objects down by itself.
            name.eq_ignore_ascii_case(SELECT) || cmdlets.contains(&name.to_ascii_lowercase())
        };
        let names = named.unwrap_or_default().into_iter().filter(is_there);
        let object = |name| {
            let fields = vec![("Name".into(), Value::Text(name))];
            Reply::Object(Object { fields, ..Object::default() })
        };
        names.map(object).collect()
    }
}

impl Session for AdminApi {
    fn hosting(&self) -> Hosting {
        Hosting::Hosted
    }

    fn organization(&self) -> Option<OrganizationIdentity> {
        self.service.organization()
    }

    async fn start(&mut self, pipeline: &Pipeline) -> Result<(), Error> {
        self.stop().await?;
        pipeline.check()?;
        self.running = Some(self.plan(pipeline)?);
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Reply>, Error> {
        let Self { service, names, running, .. } = self;
        let replied = match running {
            None => return Ok(None),
            Some(Running::Listing(listing)) => Box::pin(listing.next(service, names)).await,
            Some(Running::Batches(batches)) => Box::pin(batches.next(service, names)).await,
            Some(Running::Told(replies)) => Ok(replies.pop_front()),
        };
        if !matches!(replied, Ok(Some(_))) {
            self.running = None;
        }
        replied
    }

    async fn stop(&mut self) -> Result<(), Error> {
        self.running = None;
        Ok(())
    }

    /// There is nothing to give back: the service keeps no session.
    async fn close(self) -> Result<(), Error> {
        Ok(())
    }
}

/// What a page holds, as replies: warnings first.
fn in_replies(
    objects: Vec<Result<Object, String>>,
    warnings: Vec<String>,
) -> impl Iterator<Item = Reply> {
    let objects = objects.into_iter().map(|object| match object {
        Ok(object) => Reply::Object(object),
        Err(why) => Reply::Poison(why),
    });
    warnings.into_iter().map(Reply::Warning).chain(objects)
}

/// The service runs one cmdlet, not a pipeline of them.
fn unfit() -> Error {
    refusal(CmdletErrorKind::InputRefused, "hosted Exchange runs one cmdlet at a time").into()
}

fn hidden() -> CmdletError {
    refusal(CmdletErrorKind::CmdletMissing, "the service does not say which cmdlets there are")
}

fn refusal(kind: CmdletErrorKind, message: &str) -> CmdletError {
    CmdletError {
        kind,
        id: String::new(),
        category: 0,
        message: message.to_owned(),
        server: None,
        request_id: None,
        cmdlet: None,
        target: None,
    }
}
