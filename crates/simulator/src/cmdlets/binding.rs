//! Binding: which value belongs to which parameter, and what kind of value it is.

use psrp::clixml::{Content, Value};

use super::{Context, Definition, Problem, definition::OBJECT, reads};
use crate::{
    Dialect,
    organization::{Organization, POLICY_SETTINGS, Wish},
};

/// Parameters that every cmdlet takes and that change nothing here.
const COMMON: &[&str] = &[
    "Debug",
    "DomainController",
    "ErrorAction",
    "ErrorVariable",
    "InformationAction",
    "InformationVariable",
    "OutBuffer",
    "OutVariable",
    "PipelineVariable",
    "Verbose",
    "WarningAction",
    "WarningVariable",
];

/// Parameters that Exchange 2010 does not know.
const SINCE_2013: &[(&str, &str)] = &[
    ("New-ActiveSyncMailboxPolicy", "IsDefault"),
    ("Set-ActiveSyncMailboxPolicy", "IsDefault"),
    ("Set-CASMailbox", "ResetAutoBlockedDevices"),
];

/// Parameters that Exchange Online alone knows.
const OF_CLOUD: &[(&str, &str)] =
    &[("Set-ActiveSyncOrganizationSettings", "EnableMobileMailboxPolicyWhenCAInplace")];

/// Parameters that Exchange Online does not know.
const NOT_OF_CLOUD: &[(&str, &str)] = &[
    ("Get-ActiveSyncDevice", "Monitoring"),
    ("Get-CASMailbox", "Monitoring"),
    ("Get-Mailbox", "Monitoring"),
    ("Get-MobileDevice", "Monitoring"),
    ("Get-User", "Monitoring"),
    ("Set-CASMailbox", "ResetAutoBlockedDevices"),
];

/// Whether an Exchange knows a parameter of a cmdlet. A setting that a family of policies does not
/// have bears no name there.
fn exists(definition: &Definition, parameter: &'static str, dialect: Dialect) -> bool {
    let of = (definition.name, parameter);
    let is_of_cloud = OF_CLOUD.contains(&of)
        || definition.name.contains("MailboxPolicy")
            && POLICY_SETTINGS.iter().any(|one| one.is_of_cloud && one.name == parameter);
    !parameter.is_empty()
        && (dialect.is_modern() || !SINCE_2013.contains(&of))
        && (if dialect.is_hosted() { !NOT_OF_CLOUD.contains(&of) } else { !is_of_cloud })
}

/// One cmdlet as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) name: String,
    /// Values with their parameter's name; without, it is found by position.
    pub(crate) parameters: Vec<(Option<String>, Value)>,
}

/// A cmdlet with its parameters bound.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) definition: &'static Definition,
    bound: Vec<(&'static str, Value)>,
}

impl Call {
    /// Binds by name (any case, or an unambiguous beginning of it) and by position.
    pub(super) fn bind(
        definition: &'static Definition,
        sent: &Invocation,
        organization: &Organization,
        context: &Context,
    ) -> Result<Self, Problem> {
        let mut bound: Vec<(&'static str, Value)> = Vec::with_capacity(sent.parameters.len());
        let cmdlet = definition.name;
        for (name, value) in &sent.parameters {
            let parameter = match name {
                Some(name) => named(definition, name, organization, context)?,
                None => positional(definition, organization, context).ok_or_else(|| {
                    let text = value.text().unwrap_or_default();
                    let message = format!(
                        "A positional parameter cannot be found that accepts argument '{text}'."
                    );
                    Problem::binding(cmdlet, "PositionalParameterNotFound", message)
                })?,
            };
            if bound.iter().any(|(known, _)| *known == parameter) {
                let message = format!(
                    "Cannot bind parameter because parameter '{parameter}' is specified more than once."
                );
                return Err(Problem::binding(cmdlet, "ParameterAlreadyBound", message));
            }
            bound.push((parameter, value.clone()));
        }
        Ok(Self { definition, bound })
    }

    /// The same call with the object of the pipeline bound to its parameter.
    pub(super) fn with_input(&self, value: Value) -> Self {
        let mut call = self.clone();
        let Some(parameter) = self.definition.input else { return call };
        let value = if parameter == OBJECT { value } else { reads::piped(&value) };
        call.bound.retain(|(name, _)| *name != parameter);
        call.bound.push((parameter, value));
        call
    }

    /// Every parameter with its value, in the order in which they came.
    pub(super) fn bound(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.bound.iter().map(|(name, value)| (*name, value))
    }

    pub(super) fn has(&self, parameter: &str) -> bool {
        self.value(parameter).is_some()
    }

    pub(super) fn value(&self, parameter: &str) -> Option<&Value> {
        self.bound.iter().find(|(name, _)| *name == parameter).map(|(_, value)| value)
    }

    /// The text of a parameter; `None` when it is absent, null or empty.
    pub(super) fn text(&self, parameter: &str) -> Option<String> {
        identity_text(self.value(parameter)?).filter(|text| !text.is_empty())
    }

    /// A switch or boolean: present without a value is true.
    pub(super) fn flag(&self, parameter: &str) -> Option<bool> {
        let value = self.value(parameter)?;
        let present = value.property("IsPresent").and_then(Value::as_bool);
        let said = value.as_bool().or(present);
        Some(said.unwrap_or_else(|| {
            let text = value.text().unwrap_or_default();
            !matches!(text.trim_start_matches('$').to_ascii_lowercase().as_str(), "false" | "0")
        }))
    }

    /// All texts of a parameter: a list, or one alone.
    pub(super) fn texts(&self, parameter: &str) -> Vec<String> {
        self.value(parameter).map(texts).unwrap_or_default()
    }

    /// How a list of ids is to become: a whole list, or `@{Add=…; Remove=…}`.
    pub(super) fn wish(&self, parameter: &str) -> Option<Wish> {
        let value = self.value(parameter)?;
        let Some(entries) = value.entries() else { return Some(Wish::Overwrite(texts(value))) };
        let of = |wanted: &str| {
            let keyed = entries
                .iter()
                .filter(|(key, _)| key.text().is_some_and(|key| key.eq_ignore_ascii_case(wanted)));
            keyed.flat_map(|(_, value)| texts(value)).collect()
        };
        Some(Wish::Edit { add: of("Add"), remove: of("Remove") })
    }

    /// A parameter whose value is one of a few words, in any case.
    pub(super) fn word<T: Copy>(
        &self,
        parameter: &str,
        words: &[(&str, T)],
        wanted: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.value(parameter) else { return Ok(None) };
        let text = value.text().unwrap_or_default();
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
        found
            .map(|(_, value)| Some(*value))
            .ok_or_else(|| Problem::transformation(self.definition.name, parameter, &text, wanted))
    }

    /// `Identity`, which may not be null here.
    pub(super) fn mandatory(&self, parameter: &'static str) -> Result<String, Problem> {
        let cmdlet = self.definition.name;
        let Some(value) = self.value(parameter) else {
            let message = format!(
                "Cannot process command because of one or more missing mandatory parameters: {parameter}."
            );
            return Err(Problem::binding(cmdlet, "MissingMandatoryParameter", message));
        };
        identity_text(value).filter(|text| !text.is_empty()).ok_or_else(|| {
            let message =
                format!("Cannot bind argument to parameter '{parameter}' because it is null.");
            Problem::binding(cmdlet, "ParameterArgumentValidationErrorNullNotAllowed", message)
        })
    }
}

/// What a value means as an identity: its text, or the identity of an object that was read.
pub(crate) fn identity_text(value: &Value) -> Option<String> {
    let is_bag = value.as_object().is_some_and(|object| object.content == Content::None);
    let inner = is_bag.then(|| value.property("Guid").or_else(|| value.property("Identity")));
    match inner.flatten() {
        Some(inner) => inner.text().map(std::borrow::Cow::into_owned),
        None => value.text().map(std::borrow::Cow::into_owned),
    }
}

/// A value as it is written down: `$null`, `{a, b}`, `@{Add={a}; Remove={b}}`, or its text.
pub(crate) fn printed(value: &Value) -> String {
    if let Some(items) = value.items() {
        let items: Vec<String> = items.iter().map(printed).collect();
        return format!("{{{}}}", items.join(", "));
    }
    if let Some(entries) = value.entries() {
        let entries: Vec<String> = entries
            .iter()
            .map(|(key, value)| format!("{}={}", printed(key), printed(value)))
            .collect();
        return format!("@{{{}}}", entries.join("; "));
    }
    value.text().map_or_else(|| "$null".to_owned(), std::borrow::Cow::into_owned)
}

fn texts(value: &Value) -> Vec<String> {
    match value.items() {
        Some(items) => items.iter().flat_map(texts).collect(),
        None => value.text().map(|text| text.into_owned()).into_iter().collect(),
    }
}

/// Every parameter of a cmdlet that this Exchange knows and the caller may see, the common ones
/// last.
pub(super) fn parameters(
    definition: &'static Definition,
    organization: &Organization,
    context: &Context,
) -> impl Iterator<Item = &'static str> {
    let writes: &'static [&'static str] =
        if definition.writes { &["Confirm", "WhatIf"] } else { &[] };
    let all = definition.parameters.iter().chain(writes).chain(COMMON).copied();
    let dialect = organization.dialect(context.server);
    all.filter(move |parameter| {
        exists(definition, parameter, dialect)
            && !context.hidden_parameters.iter().any(|hidden| {
                hidden.cmdlet.eq_ignore_ascii_case(definition.name)
                    && hidden.parameter.eq_ignore_ascii_case(parameter)
            })
    })
}

/// Where a value without a name goes, if the caller may see it.
fn positional(
    definition: &'static Definition,
    organization: &Organization,
    context: &Context,
) -> Option<&'static str> {
    let mut all = parameters(definition, organization, context);
    definition.positional.filter(|name| all.any(|known| known == *name))
}

fn named(
    definition: &'static Definition,
    name: &str,
    organization: &Organization,
    context: &Context,
) -> Result<&'static str, Problem> {
    let cmdlet = definition.name;
    let name = name.trim_start_matches('-').trim_end_matches(':');
    let all = || parameters(definition, organization, context);
    if let Some(exact) = all().find(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(exact);
    }
    let begins = |known: &&str| {
        known.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let mut candidates = all().filter(begins);
    match (candidates.next(), candidates.next()) {
        (Some(only), None) if !name.is_empty() => Ok(only),
        (Some(_), Some(_)) => {
            let message = format!(
                "Parameter cannot be processed because the parameter name '{name}' is ambiguous."
            );
            Err(Problem::binding(cmdlet, "AmbiguousParameter", message))
        }
        _ => {
            let message =
                format!("A parameter cannot be found that matches parameter name '{name}'.");
            Err(Problem::binding(cmdlet, "NamedParameterNotFound", message))
        }
    }
}
