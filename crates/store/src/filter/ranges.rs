//! Sets of values of an ordered column.

/// Values within any of some ranges; and perhaps the absence of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranges<T> {
    /// From the first up to but without the second; `None` is an open end.
    pub(super) within: Vec<(Option<T>, Option<T>)>,
    /// Whether rows that have no value belong to it.
    pub(super) none: bool,
}

impl<T: Ord + Clone> Ranges<T> {
    pub(super) fn new(within: Vec<(Option<T>, Option<T>)>) -> Self {
        Self { within, none: false }
    }

    /// Every value that is not in it, and the absence of one if that is not.
    pub(super) fn opposite(mut self) -> Self {
        self.within.sort();
        let mut between = Vec::new();
        // Where the ranges seen so far end; at first, before all values.
        let mut end: Option<T> = None;
        for (from, to) in self.within {
            if from > end {
                between.push((end.clone(), from));
            }
            let Some(to) = to else { return Self { within: between, none: !self.none } };
            end = end.max(Some(to));
        }
        between.push((end, None));
        Self { within: between, none: !self.none }
    }
}

impl Ranges<String> {
    /// Adds exactly one text: the next one in the order of bytes has a zero at its end.
    pub(super) fn add_exactly(&mut self, text: &str) {
        self.within.push((Some(text.to_owned()), Some(format!("{text}\0"))));
    }

    /// Adds every text that begins with another.
    pub(super) fn add_beginning_with(&mut self, text: &str) {
        self.within.push((Some(text.to_owned()), after_all_with(text)));
    }
}

/// The first text after all that begin with another; `None` if nothing follows them.
fn after_all_with(text: &str) -> Option<String> {
    let mut characters: Vec<char> = text.chars().collect();
    while let Some(last) = characters.pop() {
        if let Some(next) = ((last as u32) + 1..=0x0010_ffff).find_map(char::from_u32) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds<T: Ord>(ranges: &Ranges<T>, value: &T) -> bool {
        ranges.within.iter().any(|(from, to)| {
            from.as_ref().is_none_or(|from| from <= value)
                && to.as_ref().is_none_or(|to| value < to)
        })
    }

    proptest! {
        #[test]
        fn a_value_is_in_a_set_or_in_its_opposite(
            within in prop::collection::vec((prop::option::of(0..9), prop::option::of(0..9)), 0..5),
            none: bool,
        ) {
            let ranges = Ranges { within, none };
            let opposite = ranges.clone().opposite();
            for value in -1..10 {
                prop_assert_ne!(holds(&ranges, &value), holds(&opposite, &value));
            }
            prop_assert_eq!(opposite.none, !none);
        }

        #[test]
        fn texts_are_in_the_ranges_that_stand_for_them(text in "[a\u{10ffff}\u{d7ff}]{0,3}", with in "[a\u{10ffff}]{1,2}") {
            let mut exact = Ranges::new(vec![]);
            exact.add_exactly(&with);
            prop_assert_eq!(holds(&exact, &text), text == with);
            let mut beginning = Ranges::new(vec![]);
            beginning.add_beginning_with(&with);
            prop_assert_eq!(holds(&beginning, &text), text.starts_with(&with));
        }
    }
}
