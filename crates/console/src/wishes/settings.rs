//! The settings of an organization, group by group, as a form.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{
    settings::Generation,
    wish::{Observed, ObservedPolicy, PolicyWish},
};
use engine::{Engine, WishSource, WishToEdit};

use super::{
    Around, Asked, Sent, from_of, must_be_theirs, name_of, plan_and_show, refusal,
    setting_fields::{self, Errors, Filled, Group, Input},
};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "wishes/settings.html")]
struct SettingsPage {
    shell: Shell,
    around: Around,
    problem: Option<Trouble>,
    groups: Vec<Group>,
    corrects: bool,
    policy: PolicyFields,
}

/// What stands over a form that was not taken.
pub(super) struct Trouble {
    pub(super) text: String,
    /// Fields to look at: id and what is wrong.
    pub(super) fields: Vec<(String, String)>,
}

/// Which policy holds the settings, as fields.
struct PolicyFields {
    is_own: bool,
    name: String,
    name_error: Option<String>,
    adopts: bool,
    is_for_all: bool,
    names: String,
    names_error: Option<String>,
    /// Policies that are there.
    there: Vec<String>,
}

impl Trouble {
    pub(super) fn of(errors: &Errors) -> Option<Self> {
        let count = errors.len() as u64;
        let needs = if count == 1 { "needs" } else { "need" };
        let text = format!("{} {needs} another look.", words::counted(count, "field"));
        let fields = errors.iter().map(|(id, why)| (id.clone(), why.clone())).collect();
        (count > 0).then_some(Self { text, fields })
    }

    pub(super) const fn whole(text: String) -> Self {
        Self { text, fields: Vec::new() }
    }
}

/// `GET /settings`
pub(super) async fn anywhere(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    super::anywhere(&engine, &signed_in, "settings").await
}

/// `GET /connectors/{name}/settings`
pub(super) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    signed_in.read()?;
    let from = from_of(asked.from.as_ref());
    let edit = engine.wish_to_edit(&signed_in.caller, &name_of(&name)?, from).await?;
    let sent = setting_fields::fields_of(&edit.wish);
    let page = SettingsPage::new(&engine, &signed_in, &edit, &sent, &Errors::new()).await?;
    Ok(page::whole(&page))
}

/// `POST /connectors/{name}/settings`: makes a plan.
pub(super) async fn plan(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let name = must_be_theirs(&engine, &signed_in, &name).await?;
    let edit = engine.wish_to_edit(&signed_in.caller, &name, from_of(sent.get("from"))).await?;
    let generation = |policy: &PolicyWish| generation(&edit, policy);
    let (status, errors, problem) = match setting_fields::read(&sent, &edit.wish, generation) {
        Ok(wish) => {
            let based_on = sent.get("revision").and_then(|text| text.parse().ok());
            let based_on = based_on.unwrap_or_else(|| edit.revision());
            let source = WishSource::Console { text: edit.written(&wish), based_on };
            match plan_and_show(&engine, &signed_in, &name, source).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    let (status, text) = refusal(error)?;
                    (status, Errors::new(), Some(Trouble::whole(text)))
                }
            }
        }
        Err(errors) => (StatusCode::UNPROCESSABLE_ENTITY, errors, None),
    };
    let mut page = SettingsPage::new(&engine, &signed_in, &edit, &sent, &errors).await?;
    page.problem = problem.or(page.problem);
    // What is typed stays bound to the revision it was typed for, so that pressing again is refused
    // again.
    if let Some(revision) = sent.get("revision").and_then(|text| text.parse().ok()) {
        page.around.revision = revision;
    }
    Ok((status, page::whole(&page)).into_response())
}

/// The policy that a wish writes its settings to, if Exchange has it.
fn written_to<'a>(edit: &'a WishToEdit, policy: &PolicyWish) -> Option<&'a ObservedPolicy> {
    let observed: &Observed = edit.observed.as_ref().map(|(_, observed)| observed)?;
    match policy {
        PolicyWish::Own { name, .. } => observed.policy(name),
        PolicyWish::Default => observed.default_policy(),
    }
}

fn generation(edit: &WishToEdit, policy: &PolicyWish) -> Generation {
    let default = || written_to(edit, &PolicyWish::Default);
    let found = written_to(edit, policy).or_else(default);
    found.map_or(Generation::Since2013, |policy| policy.generation)
}

impl SettingsPage {
    async fn new(
        engine: &Engine,
        signed_in: &SignedIn,
        edit: &WishToEdit,
        sent: &Sent,
        errors: &Errors,
    ) -> Result<Self, Problem> {
        let filled = Filled {
            sent,
            errors,
            policy: written_to(edit, &edit.wish.policy),
            generation: generation(edit, &edit.wish.policy),
        };
        let observed = edit.observed.as_ref().map(|(_, observed)| observed);
        let policies = observed.and_then(|observed| observed.policies.as_ref());
        let there = policies.into_iter().flatten();
        let policy = PolicyFields {
            is_own: filled.part("policy") == "own",
            name: filled.part("policy.name").to_owned(),
            name_error: errors.get("policy.name").cloned(),
            adopts: !filled.part("policy.adopt").is_empty(),
            is_for_all: filled.part("policy.mailboxes") != "these",
            names: filled.part("policy.names").to_owned(),
            names_error: errors.get("policy.names").cloned(),
            there: there.map(|one| words::visible(one.name.as_str())).collect(),
        };
        Ok(Self {
            shell: Shell::new(Place::Settings, signed_in),
            around: Around::read(engine, signed_in, edit, "settings").await?,
            problem: Trouble::of(errors),
            groups: filled.groups(),
            corrects: !filled.part("correct").is_empty(),
            policy,
        })
    }
}
