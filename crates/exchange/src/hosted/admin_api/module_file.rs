//! Which cmdlets the service lets the application use: the list of its own shell.

use std::collections::HashSet;

use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;

use super::service::{Call, Service, Trouble};
use crate::{ConnectError, Error, hosted::SignInError};

/// The version of the shell whose list is asked for.
const SHELL_VERSION: &str = "3.9.2";
/// Most names taken; the whole of Exchange Online has less than a thousand.
const MAX_NAMES: usize = 20_000;

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    value: Vec<Module>,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default, rename = "exportedCmdlets", alias = "ExportedCmdlets")]
    exported: Option<String>,
}

/// The cmdlets, in lower case; `None` where the service does not say.
pub(super) async fn read(service: &mut Service) -> Result<Option<HashSet<String>>, ConnectError> {
    let call = Call {
        method: Method::GET,
        target: format!("/adminapi/v1.0/{}/EXOModuleFile?Version={SHELL_VERSION}", service.tenant),
        body: Bytes::new(),
        cmdlet: "the list of cmdlets".to_owned(),
        anchor: None,
        headers: vec![("commandname", "*".to_owned())],
        within: service.settings.timeouts.point,
        is_read: true,
    };
    let answer = match service.call(&call).await {
        Ok(answer) => answer,
        Err(Trouble::Error(Error::Connect(error))) => return Err(error),
        Err(Trouble::Error(Error::Throttled { wait, .. })) => {
            return Err(ConnectError::Throttled { wait });
        }
        Err(Trouble::Error(Error::TimedOut { during, after })) => {
            return Err(ConnectError::TimedOut { step: during, after });
        }
        Err(Trouble::Error(error)) => return Err(ConnectError::Cut(error.to_string())),
        Err(Trouble::Failed(failure)) => match failure.status {
            401 | 403 => return Err(SignInError::NoRole.into()),
            status @ 500.. => {
                return Err(ConnectError::ServerError { status, reason: failure.error.message });
            }
            status if !failure.is_of_exchange => {
                let host = service.origin();
                return Err(ConnectError::Refused(format!(
                    "what answers at {host} is not Exchange Online (HTTP {status}); check the address, and whether a proxy stands in the way"
                )));
            }
            // A service of another day may not have the list; nobody knows then what there is.
            status => {
                tracing::debug!(status, error = %failure.error, "the list of cmdlets is not there");
                return Ok(None);
            }
        },
    };
    let (listed, title) = answer.plain().map_or((None, None), |body| {
        (serde_json::from_slice::<Listed>(&body).ok(), crate::connection::title(&body))
    });
    let status = answer.status.as_u16();
    service.reuse(answer);
    let Some(listed) = listed else {
        return Err(ConnectError::HtmlPage { status, title });
    };
    let exported = listed.value.into_iter().filter_map(|module| module.exported);
    let names: HashSet<String> = exported
        .flat_map(|names| {
            names.split(',').map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>()
        })
        .filter(|name| !name.is_empty())
        .take(MAX_NAMES)
        .collect();
    Ok((!names.is_empty()).then_some(names))
}
