//! Setting a connector up in five steps, and changing it on one page.
//!
//! The pages are plain forms and need no script. What is typed travels in the form from step to
//! step, but for passwords: see `drafts`. Nothing is kept before the last step.

mod entered;
mod fields;
mod form;
mod review;

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form as Posted,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    Connector, ConnectorName, Permission,
    connector::{HostedSignIn, ServerEndpoint},
};
use engine::{ConnectorChange, Engine, NewConnector, Proof};

pub(crate) use self::review::{cloud, schedule, way_of_proving, way_of_signing_in};
use self::{
    entered::{Entered, Errors, Given},
    fields::{Field, Filled, Input},
    form::{Form, Step, step_of},
    review::Section,
};
use crate::{
    console::Console,
    drafts::Secrets,
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    shell: Shell,
    step: Step,
    problem: Option<Trouble>,
    draft: String,
    fields: Vec<Field>,
    carried: Vec<(&'static str, String)>,
    review: Vec<Section>,
}

#[derive(Template)]
#[template(path = "edit.html")]
struct EditPage {
    shell: Shell,
    name: String,
    problem: Option<Trouble>,
    draft: String,
    sections: Vec<(Step, Vec<Field>)>,
}

/// Whether there are fields that stand folded.
fn has_rare(fields: &[Field]) -> bool {
    fields.iter().any(|field| field.is_rare)
}

/// Whether one of those needs another look, so that they have to be unfolded.
fn has_rare_error(fields: &[Field]) -> bool {
    fields.iter().any(|field| field.is_rare && field.error.is_some())
}

/// What stands over a form that was not taken.
struct Trouble {
    text: String,
    /// Fields to look at: id and what is wrong.
    fields: Vec<(&'static str, String)>,
}

impl Trouble {
    fn of_fields(fields: Vec<&Field>) -> Option<Self> {
        let fields: Vec<_> =
            fields.into_iter().filter_map(|f| Some((f.name, f.error.clone()?))).collect();
        let count = fields.len() as u64;
        let needs = if count == 1 { "needs" } else { "need" };
        let text = format!("{} {needs} another look.", words::counted(count, "field"));
        (count > 0).then_some(Self { text, fields })
    }

    /// What the engine says of the whole.
    fn of(error: engine::Error) -> Result<Self, Problem> {
        match error {
            engine::Error::Invalid(_) | engine::Error::Conflict(_) => {
                Ok(Self { text: words::sentence(&error.to_string()), fields: Vec::new() })
            }
            other => Err(other.into()),
        }
    }
}

/// What a browser sent: fields, the step they are of, and where to go.
type Sent = BTreeMap<String, String>;

/// Everything about a form that is under way.
struct UnderWay {
    form: Form,
    draft: u64,
    secrets: Secrets,
    given: Given,
    others: Vec<String>,
}

impl UnderWay {
    async fn new(
        console: &Console,
        signed_in: &SignedIn,
        sent: &Sent,
        connector: Option<&Connector>,
    ) -> Result<Self, Problem> {
        let typed = |name: &str| sent.get(name).filter(|text| !text.is_empty()).cloned();
        let typed = Secrets {
            password: typed("password"),
            proxy_password: typed("proxy_password"),
            notification_password: typed("notification_password"),
            certificate: typed("certificate"),
            certificate_password: typed("certificate_password"),
            client_secret: typed("client_secret"),
        };
        let number = sent.get("draft").and_then(|number| number.parse().ok());
        let now = console.engine.now();
        let (draft, secrets) = console.drafts.add(signed_in.session, number, typed, now);
        let kept = connector.map(kept).unwrap_or_default();
        let given = Given {
            password: secrets.password.is_some() || kept.password,
            proxy_password: secrets.proxy_password.is_some() || kept.proxy_password,
            notification_password: secrets.notification_password.is_some()
                || kept.notification_password,
            certificate: secrets.certificate.is_some() || kept.certificate,
            client_secret: secrets.client_secret.is_some() || kept.client_secret,
        };
        let mut form = Form::sent(sent);
        if let Some(connector) = connector {
            form.keep(connector);
        }
        let scope = signed_in.read()?;
        let others = console.engine.store().connectors(&scope).await?;
        let others = others.iter().filter(|one| Some(one.id) != connector.map(|c| c.id));
        let others = others.map(|one| one.name.to_string()).collect();
        Ok(Self { form, draft, secrets, given, others })
    }

    fn read(&self) -> Result<Entered, Errors> {
        let mut errors = Errors::new();
        if let Some(name) = self.others.iter().find(|name| *name == self.form.get("name")) {
            let why = format!("There is a connector {name} already; choose another name.");
            errors.insert("name", why);
        }
        let mut entered = entered::read(&self.form, self.given);
        if !errors.is_empty() {
            errors.extend(entered.err().unwrap_or_default());
            entered = Err(errors);
        }
        entered
    }

    fn fields(&self, step: Step, errors: &Errors, is_change: bool) -> Vec<Field> {
        let (form, given, others) = (&self.form, self.given, &self.others[..]);
        Filled { form, errors, given, others, is_change }.fields(step)
    }
}

/// The secrets that a connector holds already.
fn kept(connector: &Connector) -> Given {
    let endpoint = &connector.endpoint;
    let way = endpoint.hosted().map(|hosted| hosted.sign_in);
    Given {
        password: endpoint.server().is_some_and(ServerEndpoint::has_password),
        proxy_password: endpoint.proxy().is_some_and(|proxy| proxy.username.is_some()),
        notification_password: connector.options.notification_account.is_some(),
        certificate: way == Some(HostedSignIn::Certificate),
        client_secret: way == Some(HostedSignIn::Secret),
    }
}

/// `GET /connectors/new`
pub(crate) async fn begin(
    State(console): State<Console>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    signed_in.caller.scope(Permission::ModifySite)?;
    let under_way = UnderWay::new(&console, &signed_in, &Sent::new(), None).await?;
    Ok(page::whole(&wizard(&signed_in, &under_way, Step::General, &Errors::new(), None)))
}

/// `POST /connectors/new`: one step on, one back, to a step by name, or the end.
pub(crate) async fn go_on(
    State(console): State<Console>,
    signed_in: SignedIn,
    Posted(sent): Posted<Sent>,
) -> Result<Response, Problem> {
    signed_in.caller.scope(Permission::ModifySite)?;
    let under_way = UnderWay::new(&console, &signed_in, &sent, None).await?;
    let word = |name: &str| sent.get(name).map_or("", String::as_str);
    let here = Step::parse(word("step")).unwrap_or(Step::General);
    let entered = under_way.read();
    // Nobody passes by a step that is wrong, whatever the form says.
    let first_wrong =
        entered.as_ref().err().and_then(|errors| errors.keys().map(|f| step_of(f)).min());
    let wanted = match word("go") {
        "back" => here.previous(),
        "add" => Step::Review,
        go => Step::parse(go).unwrap_or_else(|| here.next()),
    };
    let is_stuck = first_wrong.is_some_and(|wrong| wrong < wanted);
    if is_stuck {
        let wrong = first_wrong.unwrap_or(here);
        let errors = entered.err().unwrap_or_default();
        let page = wizard(&signed_in, &under_way, wrong, &errors, None);
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page::whole(&page)).into_response());
    }
    match (entered, word("go")) {
        (Ok(entered), "add") => add(&console, &signed_in, &under_way, entered).await,
        _ => Ok(page::whole(&wizard(&signed_in, &under_way, wanted, &Errors::new(), None))),
    }
}

/// The end of the last step.
async fn add(
    console: &Console,
    signed_in: &SignedIn,
    under_way: &UnderWay,
    entered: Entered,
) -> Result<Response, Problem> {
    let proof = match proof(&entered, &under_way.secrets) {
        Ok(proof) => proof,
        Err(problem) => {
            let page = wizard(signed_in, under_way, Step::Account, &Errors::new(), Some(problem));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page::whole(&page)).into_response());
        }
    };
    let secrets = used(&entered, under_way.secrets.clone());
    let address = format!("/connectors/{}?new#permissions", entered.name);
    let new = NewConnector {
        name: entered.name,
        endpoint: entered.endpoint,
        options: entered.options,
        is_paused: false,
        password: secrets.password,
        proxy_password: secrets.proxy_password,
        notification_password: secrets.notification_password,
        proof,
    };
    if let Err(error) = console.engine.add_connector(&signed_in.caller, new).await {
        let problem = Trouble::of(error)?;
        let page = wizard(signed_in, under_way, Step::Review, &Errors::new(), Some(problem));
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page::whole(&page)).into_response());
    }
    console.drafts.remove(signed_in.session, under_way.draft);
    Ok(Redirect::to(&address).into_response())
}

/// The secrets that a connector has a use for: a password may have been typed before another way
/// of signing in was chosen.
fn used(entered: &Entered, secrets: Secrets) -> Secrets {
    let endpoint = &entered.endpoint;
    let has_password = endpoint.server().is_some_and(ServerEndpoint::has_password);
    let has_proxy = endpoint.proxy().is_some_and(|proxy| proxy.username.is_some());
    let has_notification = entered.options.notification_account.is_some();
    Secrets {
        password: secrets.password.filter(|_| has_password),
        proxy_password: secrets.proxy_password.filter(|_| has_proxy),
        notification_password: secrets.notification_password.filter(|_| has_notification),
        ..Secrets::default()
    }
}

/// What an application proves itself with, if it was given in this form.
fn proof(entered: &Entered, secrets: &Secrets) -> Result<Option<Proof>, Trouble> {
    let way = entered.endpoint.hosted().map(|hosted| hosted.sign_in);
    let read = match (way, &secrets.certificate, &secrets.client_secret) {
        (Some(HostedSignIn::Certificate), Some(text), _) => {
            Proof::certificate(text.clone(), secrets.certificate_password.clone()).map(Some)
        }
        (Some(HostedSignIn::Secret), _, Some(secret)) => {
            Ok(Some(Proof::ClientSecret(secret.clone())))
        }
        _ => Ok(None),
    };
    read.map_err(|error| Trouble { text: words::sentence(&error.to_string()), fields: Vec::new() })
}

fn wizard(
    signed_in: &SignedIn,
    under_way: &UnderWay,
    step: Step,
    errors: &Errors,
    problem: Option<Trouble>,
) -> SetupPage {
    let fields = under_way.fields(step, errors, false);
    let review = match under_way.read() {
        Ok(entered) if step == Step::Review => review::sections(&entered, under_way.given),
        _ => Vec::new(),
    };
    SetupPage {
        shell: Shell::new(Place::Connectors, signed_in),
        step,
        problem: problem.or_else(|| Trouble::of_fields(fields.iter().collect())),
        draft: under_way.draft.to_string(),
        carried: under_way.form.outside(step),
        fields,
        review,
    }
}

/// `GET /connectors/{name}/edit`
pub(crate) async fn edit(
    State(console): State<Console>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let connector = to_be_changed(&console.engine, &signed_in, &name).await?;
    let mut under_way = UnderWay::new(&console, &signed_in, &Sent::new(), Some(&connector)).await?;
    under_way.form = Form::of(&connector);
    let page = edit_page(&signed_in, &under_way, &connector.name, &Errors::new(), None);
    Ok(page::whole(&page))
}

/// `POST /connectors/{name}/edit`
pub(crate) async fn change(
    State(console): State<Console>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Posted(sent): Posted<Sent>,
) -> Result<Response, Problem> {
    let connector = to_be_changed(&console.engine, &signed_in, &name).await?;
    let under_way = UnderWay::new(&console, &signed_in, &sent, Some(&connector)).await?;
    let refused = |errors: &Errors, problem| {
        let page = edit_page(&signed_in, &under_way, &connector.name, errors, problem);
        (StatusCode::UNPROCESSABLE_ENTITY, page::whole(&page)).into_response()
    };
    let entered = match under_way.read() {
        Ok(entered) => entered,
        Err(errors) => return Ok(refused(&errors, None)),
    };
    let proof = match proof(&entered, &under_way.secrets) {
        Ok(proof) => proof,
        Err(problem) => return Ok(refused(&Errors::new(), Some(problem))),
    };
    let secrets = used(&entered, under_way.secrets.clone());
    let change = ConnectorChange {
        endpoint: entered.endpoint,
        options: entered.options,
        password: secrets.password,
        proxy_password: secrets.proxy_password,
        notification_password: secrets.notification_password,
        proof,
    };
    let changed = console.engine.change_connector(&signed_in.caller, &entered.name, change).await;
    if let Err(error) = changed {
        return Ok(refused(&Errors::new(), Some(Trouble::of(error)?)));
    }
    console.drafts.remove(signed_in.session, under_way.draft);
    Ok(Redirect::to(&format!("/connectors/{}?new#permissions", entered.name)).into_response())
}

async fn to_be_changed(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &str,
) -> Result<Connector, Problem> {
    let scope = signed_in.caller.scope(Permission::ModifySite)?;
    let name = ConnectorName::parse(name).map_err(|_| Problem::not_found("connector"))?;
    Ok(engine.store().connector(&scope, &name).await?)
}

fn edit_page(
    signed_in: &SignedIn,
    under_way: &UnderWay,
    name: &ConnectorName,
    errors: &Errors,
    problem: Option<Trouble>,
) -> EditPage {
    let steps = Step::ALL.into_iter().filter(|step| *step != Step::Review);
    let sections: Vec<_> = steps.map(|step| (step, under_way.fields(step, errors, true))).collect();
    let all = sections.iter().flat_map(|(_, fields)| fields).collect();
    EditPage {
        shell: Shell::new(Place::Connectors, signed_in),
        name: name.to_string(),
        problem: problem.or_else(|| Trouble::of_fields(all)),
        draft: under_way.draft.to_string(),
        sections,
    }
}
