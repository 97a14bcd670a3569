//! Where wishes come from other than a form: what Exchange has now, the guided switch, the first day;
//! and where they go: a file.

use axum::{
    Form,
    extract::{Path, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use domain::Permission;
use engine::{Engine, Error, WishSource};

use super::{Sent, access, must_be_theirs, name_of, plan_and_show};
use crate::{problem::Problem, session::SignedIn};

/// The days that the guided switch may look back.
const MOST_DAYS: u32 = 3_650;

/// `POST /connectors/{name}/wish/import`: a plan for what Exchange has now. It changes nothing there;
/// applied, it is what Exchange is held to.
pub(super) async fn import(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = must_be_theirs(&engine, &signed_in, &name).await?;
    let held = engine.wish(&signed_in.caller, &name).await?;
    let before = held.as_ref().map(|held| held.text.as_str());
    let imported = engine.import_wish(&signed_in.caller, &name, before).await?;
    let based_on = held.as_ref().map_or(0, |held| held.revision);
    let source = WishSource::Console { text: imported.text, based_on };
    Ok(plan_and_show(&engine, &signed_in, &name, source).await?)
}

/// `POST /connectors/{name}/access/switch`: the guided way from open to quarantine.
pub(super) async fn switch(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let name = must_be_theirs(&engine, &signed_in, &name).await?;
    let days = sent.get("days").and_then(|days| days.trim().parse::<u32>().ok());
    let planned = match days.filter(|days| (1..=MOST_DAYS).contains(days)) {
        Some(active_days) => {
            let source = WishSource::Switch { active_days };
            plan_and_show(&engine, &signed_in, &name, source).await
        }
        None => Err(Error::Invalid(format!("write a number of days from 1 to {MOST_DAYS}"))),
    };
    match planned {
        Ok(answer) => Ok(answer),
        Err(error) => access::refused(&engine, &signed_in, &name, error).await,
    }
}

/// `POST /connectors/{name}/wish/take-back`: a plan for how it was before the first apply.
pub(super) async fn take_back(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = must_be_theirs(&engine, &signed_in, &name).await?;
    Ok(plan_and_show(&engine, &signed_in, &name, WishSource::Rollback(None)).await?)
}

/// `GET /connectors/{name}/wish`: the wish that holds, as a file.
pub(super) async fn file(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    signed_in.caller.scope(Permission::Read)?;
    let name = name_of(&name)?;
    let held = engine.wish(&signed_in.caller, &name).await?;
    let held = held.ok_or_else(|| Problem::not_found("wish"))?;
    let headers = [
        (header::CONTENT_TYPE, "application/yaml; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.yaml\"")),
    ];
    Ok((headers, held.text).into_response())
}
