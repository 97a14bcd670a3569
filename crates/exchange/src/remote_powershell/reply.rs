//! From the events of a pipeline to replies in our own words.

use psrp::{
    client::Event,
    host::{ChoicePrompt, HostCall},
    record::ErrorRecord,
};

use crate::{CmdletError, CmdletErrorKind, Object, Reply, errors::ErrorId};

/// The reply an event is, if it is for the one who reads.
pub(super) fn of(event: Event) -> Option<Reply> {
    Some(match event {
        Event::Output { value: Ok(value), .. } => Reply::Object(Object::from_clixml(value)),
        Event::Output { value: Err(error), .. } => Reply::Poison(error.to_string()),
        Event::Error { record, .. } => Reply::Error(error(&record)),
        Event::Warning { message, .. } => Reply::Warning(message),
        Event::Poison { error, .. } => Reply::Poison(error.to_string()),
        _ => return None,
    })
}

/// An error record in our own words.
pub(super) fn error(record: &ErrorRecord) -> CmdletError {
    let id = record.fully_qualified_error_id.clone();
    let parts = ErrorId::parse(&id);
    let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    CmdletError {
        kind: CmdletErrorKind::of(&id, record.exception_type.as_deref(), record.category),
        category: record.category,
        message: record.message.clone(),
        server: some(parts.server),
        request_id: some(parts.request_id),
        cmdlet: some(Some(&record.category_activity)),
        target: some(Some(&record.category_target_name)),
        id,
    }
}

/// A pipeline that failed and does not say why.
pub(super) fn unexplained() -> CmdletError {
    CmdletError {
        kind: CmdletErrorKind::Other,
        id: String::new(),
        category: 0,
        message: "the pipeline failed without an explanation".to_owned(),
        server: None,
        request_id: None,
        cmdlet: None,
        target: None,
    }
}

/// What a host call asks.
pub(super) fn question(call: &HostCall) -> String {
    let method = || call.method.name().unwrap_or("a question of an unknown kind").to_owned();
    ChoicePrompt::from_call(call).map_or_else(method, |prompt| prompt.message)
}
