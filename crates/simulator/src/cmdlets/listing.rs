//! A list that is given by pages: which rows it has is kept, what they say is read with each page.

use psrp::clixml::Value;

use super::{Context, Problem, render::View};
use crate::organization::Organization;

/// The rows of a list.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(super) rows: Vec<u32>,
    pub(super) view: View,
    /// What goes with it.
    pub(crate) warnings: Vec<String>,
    /// Nobody said how many rows were wanted of a list that may be long.
    pub(crate) is_unsized: bool,
}

impl Listing {
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// The objects of some rows, one after another; rows that went away since are left out.
    pub(crate) fn objects<'a>(
        &'a self,
        organization: &'a Organization,
        context: &'a Context,
        from: usize,
        count: usize,
    ) -> impl Iterator<Item = Result<Value, Problem>> + 'a {
        let rows = self.rows.iter().skip(from).take(count);
        rows.filter_map(move |row| self.view.show(organization, context, *row).transpose())
    }
}
