//! What a cmdlet is: its name, its parameters, and what it begins with.

use super::{Begun, Call, Context, catalogue::CATALOGUE};
use crate::organization::Organization;

/// One cmdlet.
#[derive(Clone, Copy)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    /// Its own parameters; the common ones are known to all.
    pub(crate) parameters: &'static [&'static str],
    /// Where a value without a name goes.
    pub(super) positional: Option<&'static str>,
    /// Exists since 2013.
    pub(super) modern: bool,
    /// Exchange Online has it.
    pub(super) hosted: bool,
    /// Changes something, so that it knows `Confirm` and `WhatIf`.
    pub(super) writes: bool,
    /// The parameter that takes what comes through the pipeline.
    pub(super) input: Option<&'static str>,
    /// Class that its errors name.
    pub(super) class: &'static str,
    pub(super) begin: fn(&Call, &Organization, &Context) -> Begun,
}

impl std::fmt::Debug for Definition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Definition {
    /// The cmdlet of a name, if it exists in this dialect and the caller may see it.
    pub(super) fn find(
        name: &str,
        organization: &Organization,
        context: &Context,
    ) -> Option<&'static Self> {
        Self::visible(organization, context).find(|known| known.name.eq_ignore_ascii_case(name))
    }

    /// Every cmdlet the caller may see.
    pub(super) fn visible<'a>(
        organization: &'a Organization,
        context: &'a Context,
    ) -> impl Iterator<Item = &'static Self> + 'a {
        let dialect = organization.dialect(context.server);
        CATALOGUE.iter().filter(move |known| {
            (dialect.is_modern() || !known.modern)
                && (!dialect.is_hosted() || known.hosted)
                && context.visible.shows(known.name)
        })
    }
}

type Begin = fn(&Call, &Organization, &Context) -> Begun;

pub(super) const fn read(
    name: &'static str,
    class: &'static str,
    parameters: &'static [&'static str],
    begin: Begin,
) -> Definition {
    Definition {
        name,
        parameters,
        positional: Some("Identity"),
        modern: false,
        hosted: true,
        writes: false,
        input: Some("Identity"),
        class,
        begin,
    }
}

pub(super) const fn write(
    name: &'static str,
    class: &'static str,
    parameters: &'static [&'static str],
    begin: Begin,
) -> Definition {
    Definition { writes: true, ..read(name, class, parameters, begin) }
}

pub(super) const fn modern(definition: Definition) -> Definition {
    Definition { modern: true, ..definition }
}

/// For cmdlets that Exchange Online does not have, or not for whom calls them over REST.
pub(super) const fn on_premises(definition: Definition) -> Definition {
    Definition { hosted: false, ..definition }
}

/// The parameter that takes whole objects; any other takes what names them.
pub(super) const OBJECT: &str = "InputObject";

/// For cmdlets that have no identity.
pub(super) const fn alone(definition: Definition) -> Definition {
    Definition { positional: None, input: None, ..definition }
}

/// For cmdlets that make something, and take its name first.
pub(super) const fn named(definition: Definition) -> Definition {
    Definition { positional: Some("Name"), input: None, ..definition }
}
