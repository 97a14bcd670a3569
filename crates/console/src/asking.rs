//! Asking for an action: what it would do, on which devices, and the form that asks for it.

use askama::Template;
use axum::{
    Form,
    extract::{Query as UrlQuery, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{AccessState, ActionKind, DeviceId, Permission, Query};
use engine::{Engine, Error, NewRequest, Planned, Preview, Targets};
use uuid::Uuid;

use crate::{
    acts::{self, Line},
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

/// Most devices that are named one by one: who means more says so by a query. A URL with so many is
/// as long as any browser and proxy takes.
pub(crate) const MOST_NAMED: usize = 500;
/// A person who erases entire phones types so many characters of a device id.
const TYPED_CHARACTERS: usize = 4;

/// What a URL or a form says, a field at a time; `device` comes as often as there are devices.
pub(crate) type Fields = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "act.html")]
struct ActPage {
    shell: Shell,
    title: String,
    summary: String,
    back: String,
    hold: Option<String>,
    effects: Vec<Line>,
    warnings: Vec<Line>,
    refusals: Vec<Line>,
    devices: Vec<Row>,
    further: Option<String>,
    /// The form; none if nothing can be done.
    form: Option<AskForm>,
    problem: Option<String>,
}

struct AskForm {
    hidden: Fields,
    reason: String,
    ticket: String,
    /// What has to be typed, as the label says it.
    typed: Option<Typed>,
    is_dangerous: bool,
    button: String,
}

struct Typed {
    label: &'static str,
    text: String,
}

struct Row {
    href: String,
    name: String,
    state: AccessState,
    effect: String,
    refused: bool,
}

/// What somebody means: an action, and of which devices.
#[derive(Clone)]
struct Meant {
    kind: ActionKind,
    of: Targets,
}

/// `GET /devices/act?action=…&device=…`, `…&query=…`: what it would do.
pub(crate) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    UrlQuery(fields): UrlQuery<Fields>,
) -> Result<Response, Problem> {
    let meant = Meant::of(&fields)?;
    let view = ActPage::new(&engine, &signed_in, &meant, &fields, None).await?;
    Ok(page::whole(&view))
}

/// `POST /devices/act`: asks for it, and leads to the request.
pub(crate) async fn ask(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(fields): Form<Fields>,
) -> Result<Response, Problem> {
    let meant = Meant::of(&fields)?;
    // Whoever may not ask for it is told so before anything that was typed is looked at.
    signed_in.caller.scope(meant.kind.permission())?;
    let wrong = match check_typed(&engine, &signed_in, &meant, &fields).await? {
        Some(wrong) => Error::Invalid(wrong),
        None => match engine.ask(&signed_in.caller, meant.request(&fields)).await {
            Ok(request) => {
                return Ok(Redirect::to(&format!("/requests/{}", request.id)).into_response());
            }
            Err(error) => error,
        },
    };
    let status = match &wrong {
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Conflict(_) => StatusCode::CONFLICT,
        _ => return Err(wrong.into()),
    };
    let problem = Some(format!("Nothing was asked for. {}", words::sentence(&wrong.to_string())));
    let view = ActPage::new(&engine, &signed_in, &meant, &fields, problem).await?;
    Ok((status, page::whole(&view)).into_response())
}

impl Meant {
    fn of(fields: &Fields) -> Result<Self, Problem> {
        let kind = ActionKind::from_word(field(fields, "action"));
        let kind = kind.ok_or_else(|| Problem::not_found("action"))?;
        // The list sends its own query beside what was ticked; it counts only if all is meant.
        let query = match fields.iter().any(|(name, _)| name == "all") {
            true => Some("matching"),
            false => fields.iter().any(|(name, _)| name == "query").then_some("query"),
        };
        let of = match query {
            Some(name) => Targets::Query(
                Query::parse(field(fields, name))
                    .map_err(|error| Error::Invalid(error.to_string()))?,
            ),
            None => Targets::Devices(named(fields)?),
        };
        Ok(Self { kind, of })
    }

    fn request(&self, fields: &Fields) -> NewRequest {
        let some = |name| Some(field(fields, name).to_owned()).filter(|text| !text.is_empty());
        NewRequest {
            kind: self.kind,
            of: self.of.clone(),
            reason: field(fields, "reason").to_owned(),
            ticket: some("ticket"),
            repeat_key: some("key"),
            // A number that is none was never on a page of ours; no count of devices is so high.
            expected: some("expected").map(|text| text.parse().unwrap_or(u64::MAX)),
        }
    }

    /// The one device, if one is named.
    fn only(&self) -> Option<DeviceId> {
        match &self.of {
            Targets::Devices(ids) => <[DeviceId; 1]>::try_from(ids.as_slice()).ok().map(|[id]| id),
            Targets::Query(_) => None,
        }
    }
}

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(one, _)| one == name).map_or("", |(_, text)| text.trim())
}

fn named(fields: &Fields) -> Result<Vec<DeviceId>, Problem> {
    let texts = fields.iter().filter(|(name, _)| name == "device");
    let ids: Result<Vec<DeviceId>, _> = texts.map(|(_, text)| text.parse()).collect();
    let mut ids = ids.map_err(|_| Problem::not_found("device"))?;
    ids.sort();
    ids.dedup();
    if ids.is_empty() {
        let text = "no device is meant; go back and select one, or all that match";
        return Err(Error::Invalid(text.to_owned()).into());
    }
    if ids.len() > MOST_NAMED {
        let text = format!("more than {MOST_NAMED} devices are named; mean them by a query");
        return Err(Error::Invalid(text).into());
    }
    Ok(ids)
}

/// Whoever erases entire phones types what nobody types by mistake. What is wrong about it.
async fn check_typed(
    engine: &Engine,
    signed_in: &SignedIn,
    meant: &Meant,
    fields: &Fields,
) -> Result<Option<String>, Problem> {
    if meant.kind != ActionKind::WipeDevice {
        return Ok(None);
    }
    let typed = match meant.only() {
        Some(id) => {
            let scope = signed_in.caller.scope(Permission::ReadResource)?;
            of_one(engine.store().device(&scope, id).await?.short_id())
        }
        None => of_many(field(fields, "expected")),
    };
    let is_typed = field(fields, "typed").eq_ignore_ascii_case(&typed.text);
    Ok((!is_typed).then(|| format!("type {}, {}, to erase it all", typed.text, typed.label)))
}

fn of_one(short_id: &str) -> Typed {
    let is_typeable =
        short_id.len() == TYPED_CHARACTERS && short_id.chars().all(|c| c.is_ascii_alphanumeric());
    if is_typeable {
        Typed { label: "the last four characters of the device id", text: short_id.to_owned() }
    } else {
        of_many("1")
    }
}

fn of_many(devices: &str) -> Typed {
    Typed { label: "the number of devices", text: devices.to_owned() }
}

impl ActPage {
    async fn new(
        engine: &Engine,
        signed_in: &SignedIn,
        meant: &Meant,
        fields: &Fields,
        problem: Option<String>,
    ) -> Result<Self, Problem> {
        let preview = engine.preview_action(&signed_in.caller, &meant.request(fields)).await?;
        let only = preview.first.first().filter(|_| preview.devices == 1);
        let (title, back) = match only {
            Some(one) => (
                acts::title(meant.kind, one.forecast.effect, &acts::owner(&one.device)),
                format!("/devices/{}", one.device.id),
            ),
            None => (
                acts::title_of_many(meant.kind, preview.devices),
                match &meant.of {
                    Targets::Query(query) => {
                        format!("/devices?query={}", words::query_value(&query.to_string()))
                    }
                    Targets::Devices(_) => "/devices".to_owned(),
                },
            ),
        };
        let lines = |lines: Vec<(u64, String)>| -> Vec<Line> {
            let of = preview.devices;
            lines.into_iter().map(|(count, text)| acts::counted(count, of, &text)).collect()
        };
        let listed = preview.first.len() as u64;
        Ok(Self {
            shell: Shell::new(Place::Devices, signed_in),
            summary: summary(&preview, meant),
            back,
            hold: preview.hold.as_deref().map(words::sentence),
            effects: lines(pairs(&preview.effects, |it| it.sentence().to_owned())),
            warnings: lines(pairs(&preview.warnings, ToString::to_string)),
            refusals: lines(pairs(&preview.refusals, |it| words::visible(it))),
            devices: match preview.devices {
                1 => Vec::new(),
                _ => preview.first.iter().map(Row::new).collect(),
            },
            further: (preview.devices > listed)
                .then(|| format!("and {} more", words::number(preview.devices - listed))),
            form: (preview.possible() > 0)
                .then(|| AskForm::new(&preview, meant, fields, title.clone())),
            title,
            problem,
        })
    }
}

/// Counts first, then what they count, in words.
fn pairs<T>(counted: &[(T, u64)], text: impl Fn(&T) -> String) -> Vec<(u64, String)> {
    counted.iter().map(|(what, count)| (*count, text(what))).collect()
}

fn summary(preview: &Preview, meant: &Meant) -> String {
    if let ([one], 1) = (preview.first.as_slice(), preview.devices) {
        return words::visible(&one.name());
    }
    let of = match preview.people {
        1 => "one person".to_owned(),
        people => format!("{} people", words::number(people)),
    };
    let found = match &meant.of {
        Targets::Query(query) if query.to_string().is_empty() => ", everything there is".to_owned(),
        Targets::Query(query) => format!(", found by {query}"),
        Targets::Devices(_) => String::new(),
    };
    let possible = match preview.possible() {
        all if all == preview.devices => String::new(),
        some => format!("; it can be done on {} of them", words::number(some)),
    };
    format!("{} of {of}{found}{possible}.", words::counted(preview.devices, "device"))
}

impl AskForm {
    fn new(preview: &Preview, meant: &Meant, fields: &Fields, button: String) -> Self {
        let mut hidden = vec![("action".to_owned(), meant.kind.word().to_owned())];
        match &meant.of {
            Targets::Query(query) => hidden.push(("query".to_owned(), query.to_string())),
            Targets::Devices(ids) => {
                hidden.extend(ids.iter().map(|id| ("device".to_owned(), id.to_string())));
            }
        }
        // The page is what was shown; the key makes one request of a form that is sent twice.
        hidden.push(("expected".to_owned(), preview.devices.to_string()));
        hidden.push(("key".to_owned(), Uuid::new_v4().to_string()));
        let typed = (meant.kind == ActionKind::WipeDevice).then(|| {
            match (meant.only(), preview.first.first()) {
                (Some(_), Some(one)) => of_one(one.device.short_id()),
                _ => of_many(&preview.devices.to_string()),
            }
        });
        Self {
            hidden,
            reason: field(fields, "reason").to_owned(),
            ticket: field(fields, "ticket").to_owned(),
            typed,
            is_dangerous: meant.kind.is_wipe(),
            button,
        }
    }
}

impl Row {
    fn new(one: &Planned) -> Self {
        let refusal = one.forecast.refusal.as_ref().map(ToString::to_string);
        Self {
            href: format!("/devices/{}", one.device.id),
            name: words::visible(&one.name()),
            state: one.device.facts.access_state,
            refused: refusal.is_some(),
            effect: match refusal {
                Some(refusal) => words::sentence(&words::visible(&refusal)),
                None => one.forecast.effect.sentence().to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(of: &[(&str, &str)]) -> Fields {
        of.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_was_ticked_counts_unless_all_is_meant() {
        let one = "0195a1b2-0000-7000-8000-000000000001";
        let ticked = [("action", "allow"), ("matching", "state:quarantined"), ("device", one)];
        let meant = Meant::of(&fields(&ticked)).unwrap();
        assert_eq!(meant.only(), Some(one.parse().unwrap()));
        let all = Meant::of(&fields(&[&ticked[..], &[("all", "1")]].concat())).unwrap();
        assert_eq!(all.of, Targets::Query(Query::parse("state:quarantined").unwrap()));
        // Nothing was ticked: that is nothing, and not everything.
        assert!(Meant::of(&fields(&ticked[..2])).is_err());
        assert!(Meant::of(&fields(&[("action", "explode"), ("device", one)])).is_err());
    }

    #[test]
    fn what_nobody_can_type_is_not_asked_for() {
        assert_eq!(of_one("4F2A").text, "4F2A");
        for short in ["", "F2A", "\u{202e}ab1", "<b>"] {
            assert_eq!(of_one(short).text, "1", "{short}");
        }
    }
}
