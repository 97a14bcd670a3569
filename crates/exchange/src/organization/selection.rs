//! Which properties are asked for, where the server can be told.
//!
//! Most of what Exchange sends of an object is the same for all of them or said twice, and all of it
//! is sealed, opened and read. Only what is known to be of no use is left out: the names of the
//! others are learned from the server, so that a property of a later Exchange comes as well.

use std::borrow::Cow;

use crate::{
    Object, Pipeline,
    records::{self, Kind},
};

/// Properties to ask for, by cmdlet.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    is_possible: bool,
    learned: Vec<(Cow<'static, str>, Vec<String>)>,
}

impl Selection {
    /// `is_possible` says whether the server selects.
    pub(super) fn new(is_possible: bool) -> Self {
        let mailbox = || records::MAILBOX_PROPERTIES.map(str::to_owned).into();
        let learned = ["Get-CASMailbox", "Get-Mailbox"].map(|name| (name.into(), mailbox()));
        Self { is_possible, learned: learned.into() }
    }

    /// Whether the properties that a cmdlet gives are to be looked at.
    pub(super) fn wants_to_know(&self, cmdlet: &str) -> bool {
        self.is_possible && self.of(cmdlet).is_none()
    }

    /// Notes what a cmdlet gives.
    pub(super) fn learn(&mut self, cmdlet: Cow<'static, str>, kind: Kind, sample: &Object) {
        let names = sample.fields.iter().map(|(name, _)| name.to_string());
        // Statistics are told apart by the GUID, and the path of the device is long.
        let is_said = kind == Kind::Statistics && sample.get("Guid").is_some();
        let wanted = names
            .filter(|name| records::is_wanted(kind, name))
            .filter(|name| !(is_said && name.eq_ignore_ascii_case("Identity")))
            .collect();
        self.learned.push((cmdlet, wanted));
    }

    /// The pipeline with no more properties than are wanted, if that is known and possible.
    pub(super) fn narrowed(&self, pipeline: &Pipeline) -> Option<Pipeline> {
        let [cmdlet] = pipeline.cmdlets.as_slice() else { return None };
        let properties = self.of(&cmdlet.name).filter(|_| self.is_possible)?;
        Some(pipeline.clone().selecting(properties.to_vec()))
    }

    /// The server does not select after all.
    pub(super) fn give_up(&mut self) {
        self.is_possible = false;
    }

    fn of(&self, cmdlet: &str) -> Option<&[String]> {
        let known = self.learned.iter().find(|(known, _)| known == cmdlet);
        known.map(|(_, properties)| properties.as_slice())
    }
}
