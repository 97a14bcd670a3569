//! Who gets in: default level, rules, exemptions and what belongs to them, as a form.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{
    AccessLevel, Characteristic, ConnectorName,
    access::{Selector, WrittenRule},
    wish::{AccessWish, ObservedAccess, Wish},
};
use engine::{Engine, Error, WishSource, WishToEdit};

use super::{
    Around, Asked, Sent,
    access_form::{self, LONGEST_TEXT},
    from_of, must_be_theirs, name_of, plan_and_show, refusal,
    rules::{self, OtherRule, RuleRow, Rules, SeenOf},
    setting_fields::{Choice, Errors},
    settings::Trouble,
    values,
};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "wishes/access.html")]
struct AccessPage {
    shell: Shell,
    around: Around,
    problem: Option<Trouble>,
    done: Option<String>,
    levels: Vec<Choice>,
    /// What Exchange has of default level, administrators and text.
    now: [String; 3],
    administrators: Lines,
    text: Lines,
    longest_text: usize,
    limit: String,
    limit_error: Option<String>,
    usual_limit: String,
    rules: Vec<RuleRow>,
    others: Vec<OtherRule>,
    seen: Vec<SeenOf>,
    new: NewRule,
    exemptions: String,
    exemptions_error: Option<String>,
    exempted: String,
    /// Exchange's own protection, as it was read.
    thresholds: Vec<String>,
    is_open: bool,
}

/// Something that is left alone, or set to what stands in a field.
struct Lines {
    is_set: bool,
    text: String,
    error: Option<String>,
}

/// The empty row below the rules.
struct NewRule {
    of: Vec<Choice>,
    value: String,
    levels: Vec<Choice>,
    error: Option<String>,
}

/// `GET /access`
pub(super) async fn anywhere(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    super::anywhere(&engine, &signed_in, "access").await
}

/// `GET /connectors/{name}/access`
pub(super) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    signed_in.read()?;
    let from = from_of(asked.from.as_ref());
    let edit = engine.wish_to_edit(&signed_in.caller, &name_of(&name)?, from).await?;
    let sent = access_form::fields_of(&edit.wish.access);
    let shown = Shown { sent: &sent, wish: &edit.wish.access, errors: &Errors::new() };
    let page = AccessPage::new(&engine, &signed_in, &edit, shown).await?;
    Ok(page::whole(&page))
}

/// `POST /connectors/{name}/access`: puts a rule into the table, or makes a plan.
pub(super) async fn plan(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let name = must_be_theirs(&engine, &signed_in, &name).await?;
    let edit = engine.wish_to_edit(&signed_in.caller, &name, from_of(sent.get("from"))).await?;
    let adopted = sent.get("adopt").map(|text| adopted(text));
    let (status, mut page) = match access_form::read(&sent, &edit.wish.access, &edit.seen) {
        Ok(mut access) => {
            let only_table = sent.get("go").is_some_and(|go| go == "add");
            if only_table || adopted.is_some() {
                access.rules.get_or_insert_default().extend(adopted.flatten());
                let fields = access_form::fields_of(&access);
                let shown = Shown { sent: &fields, wish: &access, errors: &Errors::new() };
                let mut page = AccessPage::new(&engine, &signed_in, &edit, shown).await?;
                page.done = Some("In the table, not sent: see what would change.".to_owned());
                (StatusCode::OK, page)
            } else {
                let wish = Wish { access, ..edit.wish.clone() };
                let based_on = sent.get("revision").and_then(|text| text.parse().ok());
                let based_on = based_on.unwrap_or_else(|| edit.revision());
                let source = WishSource::Console { text: edit.written(&wish), based_on };
                match plan_and_show(&engine, &signed_in, &name, source).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => {
                        let (status, text) = refusal(error)?;
                        let errors = Errors::new();
                        let fields = access_form::fields_of(&wish.access);
                        let shown = Shown { sent: &fields, wish: &wish.access, errors: &errors };
                        let mut page = AccessPage::new(&engine, &signed_in, &edit, shown).await?;
                        page.problem = Some(Trouble::whole(text));
                        (status, page)
                    }
                }
            }
        }
        Err(errors) => {
            let rules = Some(access_form::table(&sent));
            let wish = AccessWish { rules, ..edit.wish.access.clone() };
            let shown = Shown { sent: &sent, wish: &wish, errors: &errors };
            let page = AccessPage::new(&engine, &signed_in, &edit, shown).await?;
            (StatusCode::UNPROCESSABLE_ENTITY, page)
        }
    };
    if let Some(revision) = sent.get("revision").and_then(|text| text.parse().ok()) {
        page.around.revision = revision;
    }
    Ok((status, page::whole(&page)).into_response())
}

/// The page with what was wrong with a form beside the main one.
pub(super) async fn refused(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &ConnectorName,
    error: Error,
) -> Result<Response, Problem> {
    let (status, text) = refusal(error)?;
    let edit = engine.wish_to_edit(&signed_in.caller, name, None).await?;
    let sent = access_form::fields_of(&edit.wish.access);
    let shown = Shown { sent: &sent, wish: &edit.wish.access, errors: &Errors::new() };
    let mut page = AccessPage::new(engine, signed_in, &edit, shown).await?;
    page.problem = Some(Trouble::whole(text));
    Ok((status, page::whole(&page)).into_response())
}

/// `block type: iPhone`, as the button of a rule made by hand says it.
fn adopted(text: &str) -> Option<WrittenRule> {
    let (level, rule) = text.split_once(' ')?;
    let (characteristic, selector) = rule.split_once(": ")?;
    let characteristic = Characteristic::from_word(characteristic)?;
    let selector = Selector::parse(characteristic, selector).ok()?;
    Some(WrittenRule { selector, level: AccessLevel::from_word(level)? })
}

/// What a page is filled with.
#[derive(Clone, Copy)]
struct Shown<'a> {
    sent: &'a Sent,
    /// The wish whose rules stand in the table.
    wish: &'a AccessWish,
    errors: &'a Errors,
}

impl Shown<'_> {
    fn part(&self, name: &str) -> &str {
        self.sent.get(name).map_or("", String::as_str)
    }

    fn lines(&self, name: &str, set: &str, field: &str) -> Lines {
        Lines {
            is_set: self.part(name) == set,
            text: self.part(field).to_owned(),
            error: self.errors.get(field).cloned(),
        }
    }
}

impl AccessPage {
    async fn new(
        engine: &Engine,
        signed_in: &SignedIn,
        edit: &WishToEdit,
        shown: Shown<'_>,
    ) -> Result<Self, Problem> {
        let observed = edit.observed.as_ref().and_then(|(_, observed)| observed.access.as_ref());
        let Rules { rows, others, seen } = Rules::new(shown.wish, edit, shown.sent, shown.errors);
        let ids = |one: &domain::wish::ExemptionWish| one.allow.len() + one.block.len();
        let exempted: usize = edit.wish.access.exemptions.iter().map(ids).sum();
        let all = edit.observed.as_ref().and_then(|(_, all)| all.thresholds.as_ref());
        let thresholds = all.into_iter().flatten();
        let level = observed.and_then(|access| access.default_level);
        Ok(Self {
            shell: Shell::new(Place::Access, signed_in),
            around: Around::read(engine, signed_in, edit, "access").await?,
            problem: Trouble::of(shown.errors),
            done: None,
            levels: default_levels(shown.part("level")),
            now: now(observed),
            administrators: shown.lines("admins", "these", "admins.lines"),
            text: shown.lines("text", "this", "text.words"),
            longest_text: LONGEST_TEXT,
            limit: shown.part("limit").to_owned(),
            limit_error: shown.errors.get("limit").cloned(),
            usual_limit: words::number(AccessWish::USUAL_LIMIT_OF_FLIPS),
            rules: rows,
            others,
            seen,
            new: shown.new_rule(),
            exemptions: shown.part("exemptions").to_owned(),
            exemptions_error: shown.errors.get("exemptions").cloned(),
            exempted: words::counted(exempted as u64, "device"),
            thresholds: thresholds.map(|one| words::visible(&one.told())).collect(),
            is_open: level.is_none_or(|level| level == AccessLevel::Allow),
        })
    }
}

impl Shown<'_> {
    /// What was typed into the new row and could not be taken.
    fn new_rule(&self) -> NewRule {
        let is_wrong = !self.errors.is_empty();
        let part = |name: &str| if is_wrong { self.part(name) } else { "" };
        let chosen = Characteristic::from_word(part("new.of")).unwrap_or(Characteristic::Type);
        let level = AccessLevel::from_word(part("new.level")).unwrap_or(AccessLevel::Quarantine);
        let of = Characteristic::ALL.iter().map(|one| Choice {
            value: one.word().to_owned(),
            label: one.noun().to_owned(),
            is_chosen: *one == chosen,
        });
        NewRule {
            of: of.collect(),
            value: part("new.value").to_owned(),
            levels: rules::levels(Some(level)),
            error: self.errors.get("new.value").cloned(),
        }
    }
}

fn default_levels(chosen: &str) -> Vec<Choice> {
    let none = Choice {
        value: String::new(),
        label: "Not written: it stays as Exchange has it".to_owned(),
        is_chosen: chosen.is_empty(),
    };
    let levels = [AccessLevel::Allow, AccessLevel::Quarantine, AccessLevel::Block];
    let levels = levels.into_iter().map(|level| Choice {
        value: level.word().to_owned(),
        label: values::meaning(level).to_owned(),
        is_chosen: level.word() == chosen,
    });
    std::iter::once(none).chain(levels).collect()
}

/// What Exchange had of default level, administrators and text when it was read last.
fn now(observed: Option<&ObservedAccess>) -> [String; 3] {
    let Some(access) = observed else {
        return ["not read yet", "not read yet", "not read yet"].map(str::to_owned);
    };
    let level = access.default_level.map_or("a word that is not known here", AccessLevel::word);
    let administrators = match access.administrators.is_empty() {
        true => "nobody".to_owned(),
        false => words::visible(&access.administrators.join(", ")),
    };
    let text = match access.text_for_users.is_empty() {
        true => "no text".to_owned(),
        false => words::visible(&access.text_for_users),
    };
    [level.to_owned(), administrators, text]
}
