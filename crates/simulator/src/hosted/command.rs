//! What a call asks: one cmdlet with its parameters, and how the answer is to be given.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use hyper::{HeaderMap, header};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{form::form, json, links::Place};
use crate::{HiddenParameter, Visible, cmdlets::Invocation};

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) id: Uuid,
    /// What the organization calls them.
    pub(super) account: String,
    pub(super) visible: Visible,
    pub(super) hidden_parameters: Vec<HiddenParameter>,
}

/// How an answer is to be given.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    /// The properties wanted; all if none are named.
    pub(super) select: Option<Vec<String>>,
    pub(super) page_size: usize,
    /// The page that is wanted, if not the first; as it was sent if it is none of ours.
    pub(super) place: Option<Result<Place, String>>,
    /// Cookie that says where the session lives.
    pub(super) cookie: Option<String>,
    /// Where the call was sent: `127.0.0.1:8443`.
    pub(super) host: String,
    /// What tells the sessions of a caller apart.
    pub(super) session: String,
}

/// The cookie that leads to where a session lives.
pub(super) const COOKIE: &str = "exchangecookie";

impl Manner {
    /// Reads query and headers.
    pub(super) fn of(query: &str, headers: &HeaderMap, authority: &str, largest: usize) -> Self {
        let fields = form(query.as_bytes());
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let select = fields.get("$select").map(|names| {
            names.split(',').map(|name| name.trim().to_owned()).collect::<Vec<String>>()
        });
        let place = fields.get("$skiptoken");
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|one| one.to_str().ok());
        let mut cookies = cookies.flat_map(|line| line.split(';'));
        let cookie = cookies.find_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            (name == COOKIE).then(|| value.to_owned())
        });
        Self {
            select: select.filter(|names| names.iter().any(|name| !name.is_empty())),
            page_size: text("prefer").and_then(page_size).unwrap_or(largest).clamp(1, largest),
            place: place.map(|text| Place::parse(text).ok_or_else(|| text.clone())),
            cookie,
            host: text("host").unwrap_or(authority).to_owned(),
            session: text("connection-id").unwrap_or_default().to_owned(),
        }
    }
}

/// `odata.maxpagesize = 1000;odata.continue-on-error`
fn page_size(prefer: &str) -> Option<usize> {
    prefer.split([';', ',']).find_map(|one| {
        let (name, value) = one.split_once('=')?;
        let is_size = name.trim().eq_ignore_ascii_case("odata.maxpagesize");
        is_size.then(|| value.trim().parse().ok())?
    })
}

/// A cmdlet as it was sent, with what tells the same question again.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) invocation: Invocation,
    pub(super) question: u64,
}

impl Command {
    /// Reads `{"CmdletInput":{"CmdletName":…,"Parameters":{…}}}`.
    pub(super) fn read(body: &Json) -> Result<Self, String> {
        let input = &body["CmdletInput"];
        let name = input["CmdletName"].as_str().filter(|name| !name.is_empty());
        let name = name.ok_or("CmdletInput has no CmdletName.")?;
        let mut parameters = Vec::new();
        match &input["Parameters"] {
            Json::Null => {}
            Json::Object(all) => {
                for (name, value) in all.iter().filter(|(name, _)| !name.contains('@')) {
                    let value = json::read(value).map_err(|why| {
                        format!(
                            "Cannot process argument transformation on parameter '{name}'. {why}"
                        )
                    })?;
                    parameters.push((Some(name.clone()), value));
                }
            }
            _ => return Err("Parameters is no object.".to_owned()),
        }
        let mut hasher = DefaultHasher::new();
        input.to_string().hash(&mut hasher);
        let invocation = Invocation { name: name.to_owned(), parameters };
        Ok(Self { invocation, question: hasher.finish() })
    }
}

#[cfg(test)]
mod tests {
    use super::page_size;

    #[test]
    fn the_size_of_a_page_is_read_as_clients_write_it() {
        assert_eq!(page_size("odata.maxpagesize=10"), Some(10));
        assert_eq!(page_size("odata.maxpagesize = 1000;odata.continue-on-error"), Some(1000));
        assert_eq!(page_size("odata.include-annotations=\"*\", odata.maxpagesize=5"), Some(5));
        assert_eq!(page_size("odata.maxpagesize=many"), None);
    }
}
