//! Names shared between objects, and the tables of ids.

use std::collections::HashMap;
use std::sync::Arc;

use super::object::TypeNames;

/// Names kept for sharing. The configuration of an Exchange server has some 1,600 different ones;
/// what comes after that many is read as well, only not shared.
const SHARED_NAMES: usize = 4 * 1024;
/// Longest name kept for sharing. Type names with their type arguments come up to some 250 bytes;
/// longer ones are rare and not repeated.
const SHARED_NAME_BYTES: usize = 512;
/// Lists of type names kept for sharing. A document on a whole server has fewer than 300.
const SHARED_LISTS: usize = 512;

/// Gives out one `Arc` for each name, however often it is read.
///
/// Objects of one type have their members in the same order, so each name remembers which one
/// followed it last: the usual price of a name is one comparison.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<Name>,
    index: HashMap<Box<str>, usize>,
    last: usize,
}

#[derive(Debug)]
struct Name {
    escaped: Box<str>,
    name: Arc<str>,
    followed_by: usize,
}

impl Names {
    /// The name that `escaped` stands for; `unescape` is asked when it is read for the first time.
    pub(super) fn share<E>(
        &mut self,
        escaped: &str,
        unescape: impl FnOnce(&str) -> Result<String, E>,
    ) -> Result<Arc<str>, E> {
        if let Some(last) = self.names.get(self.last)
            && let Some(next) = self.names.get(last.followed_by)
            && *next.escaped == *escaped
        {
            self.last = last.followed_by;
            return Ok(Arc::clone(&next.name));
        }
        let at = match self.index.get(escaped) {
            Some(at) => *at,
            None => {
                let name: Arc<str> = unescape(escaped)?.into();
                if self.names.len() >= SHARED_NAMES || escaped.len() > SHARED_NAME_BYTES {
                    return Ok(name);
                }
                let at = self.names.len();
                self.index.insert(escaped.into(), at);
                self.names.push(Name { escaped: escaped.into(), name, followed_by: at });
                at
            }
        };
        if let Some(last) = self.names.get_mut(self.last) {
            last.followed_by = at;
        }
        self.last = at;
        Ok(self.names.get(at).map_or_else(|| Arc::from(escaped), |name| Arc::clone(&name.name)))
    }
}

/// Gives out one list for the same type names in different messages.
///
/// Within one scope the same names written out twice stay two lists, so that what was written as
/// `TN` and what as `TNRef` can be told apart.
#[derive(Debug, Default)]
pub(super) struct TypeLists {
    lists: Vec<(TypeNames, u64)>,
}

impl TypeLists {
    pub(super) fn share(&mut self, names: &[Arc<str>], scope: u64) -> TypeNames {
        let known = self.lists.iter_mut().find(|(list, used)| {
            *used != scope
                && list.0.as_ref().is_some_and(|list| {
                    list.len() == names.len()
                        && list.iter().zip(names).all(|(a, b)| Arc::ptr_eq(a, b))
                })
        });
        if let Some((list, used)) = known {
            *used = scope;
            return list.clone();
        }
        let list = TypeNames(Some(names.into()));
        if self.lists.len() < SHARED_LISTS {
            self.lists.push((list.clone(), scope));
        }
        list
    }
}

/// What ids stand for in one scope.
///
/// Windows counts ids up from zero; while they come so they index a vector. Any other text is an
/// id as well ([MS-PSRP] has examples such as `RefId-0`). An id given out again stands for the
/// newer thing.
#[derive(Debug)]
pub(super) struct Ids<T> {
    things: Vec<T>,
    /// How many ids from zero up index `things` directly: those before the first other one.
    counted: usize,
    others: HashMap<Box<str>, usize>,
}

impl<T> Default for Ids<T> {
    fn default() -> Self {
        Self { things: Vec::new(), counted: 0, others: HashMap::new() }
    }
}

impl<T> Ids<T> {
    /// Lets `id` stand for `thing`; returns where it is.
    pub(super) fn insert(&mut self, id: &str, thing: T) -> usize {
        let at = self.things.len();
        if self.counted == at && counted(id) == Some(at) {
            self.counted += 1;
        } else {
            self.others.insert(id.into(), at);
        }
        self.things.push(thing);
        at
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        let at = match self.others.get(id) {
            Some(at) => *at,
            None => counted(id).filter(|at| *at < self.counted)?,
        };
        self.things.get(at)
    }

    pub(super) fn replace(&mut self, at: usize, thing: T) {
        if let Some(old) = self.things.get_mut(at) {
            *old = thing;
        }
    }

    pub(super) fn clear(&mut self) {
        self.things.clear();
        self.counted = 0;
        self.others.clear();
    }
}

/// The number an id is, if it is written the way Windows counts.
fn counted(id: &str) -> Option<usize> {
    let plain = id == "0" || (!id.starts_with('0') && id.bytes().all(|b| b.is_ascii_digit()));
    if plain { id.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn share(names: &mut Names, name: &str) -> Arc<str> {
        let Ok(shared) = names.share(name, |name| Ok::<_, Infallible>(name.to_uppercase()));
        shared
    }

    #[test]
    fn a_name_is_the_same_wherever_it_comes() {
        let mut names = Names::default();
        let first: Vec<_> = ["a", "b", "a", "c"].map(|name| share(&mut names, name)).into();
        let again: Vec<_> = ["c", "a", "b", "a"].map(|name| share(&mut names, name)).into();
        assert_eq!(&*first[0], "A");
        assert!(Arc::ptr_eq(&first[0], &first[2]));
        assert!(Arc::ptr_eq(&first[0], &again[1]) && Arc::ptr_eq(&again[1], &again[3]));
        assert!(Arc::ptr_eq(&first[3], &again[0]));
    }

    #[test]
    fn names_beyond_the_limit_are_given_out_all_the_same() {
        let mut names = Names::default();
        for number in 0..SHARED_NAMES + 10 {
            assert_eq!(&*share(&mut names, &number.to_string()), number.to_string());
        }
        assert_eq!(names.names.len(), SHARED_NAMES);
    }

    #[test]
    fn ids_are_found_however_they_are_counted() {
        for ids in [
            &["0", "1", "2"][..],
            &["1", "2", "3"],
            &["0", "1", "7", "3", "2"],
            &["RefId-0", "0", "00", "", "+1", "1"],
            &["0", "1", "x", "2", "3", "18446744073709551616"],
        ] {
            let mut table = Ids::default();
            for id in ids {
                table.insert(id, *id);
            }
            for id in ids {
                assert_eq!(table.get(id), Some(id), "{ids:?}");
            }
            for other in ["9", "-1", "01"] {
                assert_eq!(table.get(other), None, "{ids:?}");
            }
        }
    }

    #[test]
    fn an_id_given_out_again_stands_for_the_newer_thing() {
        let mut table = Ids::default();
        table.insert("0", 'a');
        table.insert("1", 'b');
        table.insert("0", 'c');
        assert_eq!((table.get("0"), table.get("1")), (Some(&'c'), Some(&'b')));
        table.insert("0", 'd');
        assert_eq!(
            (table.get("0"), table.get("1"), table.get("2")),
            (Some(&'d'), Some(&'b'), None)
        );
    }
}
