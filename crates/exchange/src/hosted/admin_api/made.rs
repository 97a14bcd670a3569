//! What was made lately: the service may not know it everywhere for some minutes, by name or in lists.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::Timestamp;
use jiff::SignedDuration;

use super::body;
use crate::{Argument, Cmdlet, Object, Value};

/// How long what was made may be missing.
const UNKNOWN_FOR: SignedDuration = SignedDuration::from_secs(300);
/// Most things kept; the oldest go first.
const MAX_THINGS: usize = 256;
/// Parameters with which a cmdlet gives some objects and not all of its kind.
const NARROWING: [&str; 5] = ["Identity", "Filter", "Mailbox", "ResultSize", "OrganizationalUnit"];

type Objects<'a> = &'a [Result<Object, String>];

/// What was made lately.
#[derive(Debug, Default)]
pub(in crate::hosted) struct Made(Mutex<VecDeque<Thing>>);

#[derive(Debug)]
struct Thing {
    /// What follows `New-`, in lower case.
    kind: String,
    /// What it may be called, in lower case.
    names: Vec<String>,
    at: Timestamp,
}

impl Made {
    /// Notes what a cmdlet made, by the name it was given and by those it came back with; and what it
    /// took away.
    pub(super) fn note(&self, cmdlet: &Cmdlet, objects: Objects<'_>, now: Timestamp) {
        let Some((verb, kind)) = cmdlet.name.split_once('-') else { return };
        if verb.eq_ignore_ascii_case("Remove") {
            self.forget(|thing| thing.is_named_by(cmdlet));
        }
        if !verb.eq_ignore_ascii_case("New") {
            return;
        }
        let came = objects.iter().flatten().next().map(names).unwrap_or_default();
        let given = body::text(cmdlet, "Name").map(str::to_lowercase);
        let names: Vec<String> = came.into_iter().chain(given).collect();
        if names.is_empty() {
            return;
        }
        let thing = Thing { kind: kind.to_ascii_lowercase(), names, at: now };
        let mut things = self.things();
        things.push_back(thing);
        let surplus = things.len().saturating_sub(MAX_THINGS);
        things.drain(..surplus);
    }

    /// Whether a cmdlet names something that was made lately.
    pub(super) fn is_named_by(&self, cmdlet: &Cmdlet, now: Timestamp) -> bool {
        self.forget(|thing| thing.is_old(now));
        self.things().iter().any(|thing| thing.is_named_by(cmdlet))
    }

    /// Whether something that was made lately is missing in the whole list of its kind.
    pub(super) fn is_missing_in(
        &self,
        cmdlet: &Cmdlet,
        objects: Objects<'_>,
        now: Timestamp,
    ) -> bool {
        self.forget(|thing| thing.is_old(now));
        self.things().iter().any(|thing| thing.is_missing_in(cmdlet, objects))
    }

    /// What is still missing in a list is there no more: somebody else has taken it away.
    pub(super) fn give_up(&self, cmdlet: &Cmdlet, objects: Objects<'_>) {
        self.forget(|thing| thing.is_missing_in(cmdlet, objects));
    }

    fn forget(&self, is_over: impl Fn(&Thing) -> bool) {
        self.things().retain(|thing| !is_over(thing));
    }

    fn things(&self) -> MutexGuard<'_, VecDeque<Thing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Thing {
    fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) >= UNKNOWN_FOR
    }

    fn is_named_by(&self, cmdlet: &Cmdlet) -> bool {
        cmdlet.parameters.iter().any(|(_, value)| match value {
            Argument::Text(text) => self.names.contains(&text.to_lowercase()),
            _ => false,
        })
    }

    fn is_missing_in(&self, cmdlet: &Cmdlet, objects: Objects<'_>) -> bool {
        let is_of_kind = cmdlet.name.split_once('-').is_some_and(|(verb, kind)| {
            verb.eq_ignore_ascii_case("Get") && kind.eq_ignore_ascii_case(&self.kind)
        });
        let is_all = !cmdlet
            .parameters
            .iter()
            .any(|(name, _)| NARROWING.iter().any(|known| known.eq_ignore_ascii_case(name)));
        // What comes without a name may be it.
        let may_be_it = |object: &Object| {
            let names = names(object);
            names.is_empty() || names.iter().any(|name| self.names.contains(name))
        };
        is_of_kind && is_all && !objects.iter().flatten().any(may_be_it)
    }
}

/// What an object may be called, in lower case.
fn names(object: &Object) -> Vec<String> {
    let names = ["Guid", "Name", "Identity"].map(|name| object.get(name).and_then(Value::text));
    names.into_iter().flatten().map(|name| name.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    const GUID: &str = "8a9c5b1e-3d1f-4f0e-9a55-0c2f6f0d7a11";
    const START: &str = "2026-11-21T07:00:00Z";

    /// A policy that was made a moment ago, and the object it is.
    fn policy() -> (Made, [Result<Object, String>; 1], Timestamp) {
        let now: Timestamp = START.parse().unwrap();
        let new = Cmdlet::new("New-MobileDeviceMailboxPolicy").with("Name", "Strict");
        let fields = vec![("Guid".into(), Value::Text(GUID.to_uppercase()))];
        let objects = [Ok(Object { fields, ..Object::default() })];
        let made = Made::default();
        made.note(&new, &objects, now);
        (made, objects, now)
    }

    fn by(verb: &str, name: &str) -> Cmdlet {
        Cmdlet::new(format!("{verb}-MobileDeviceMailboxPolicy")).of(Identity::parse(name).unwrap())
    }

    #[test]
    fn what_was_made_is_known_by_every_name_for_five_minutes() {
        let (made, _, now) = policy();
        made.note(&Cmdlet::new("Get-Mailbox").with("Name", "Jane"), &[], now);
        assert!(made.is_named_by(&by("Set", "strict"), now));
        assert!(made.is_named_by(&by("Set", GUID), now));
        assert!(!made.is_named_by(&by("Set", "Jane"), now));
        assert!(!made.is_named_by(&by("Set", "strict"), now + UNKNOWN_FOR));
    }

    #[test]
    fn what_was_made_is_missed_in_the_whole_list_until_it_is_taken_away() {
        let all = Cmdlet::new("Get-MobileDeviceMailboxPolicy");
        let (made, objects, now) = policy();
        assert!(made.is_missing_in(&all, &[], now));
        assert!(!made.is_missing_in(&all, &objects, now));
        assert!(!made.is_missing_in(&by("Get", "other"), &[], now));
        assert!(!made.is_missing_in(&Cmdlet::new("Get-Mailbox"), &[], now));
        made.note(&by("Remove", GUID), &[], now);
        assert!(!made.is_missing_in(&all, &[], now));
        let (made, _, now) = policy();
        made.give_up(&all, &[]);
        assert!(!made.is_missing_in(&all, &[], now));
    }
}
