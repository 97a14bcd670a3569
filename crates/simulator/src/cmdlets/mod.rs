//! The cmdlets: what each takes, what it does to the organization, what it gives back.
//!
//! `definition` is what one of them is, `catalogue` the list of all, `binding` finds the value of each
//! parameter, `reads` and `writes` are what they do (with `policies` and `autoblock`), `admin_audit`
//! writes down what was changed, `filter` understands `-Filter`, `lists` says which rows a list has,
//! `render` makes the objects as Exchange serializes them, `pipeline` runs one after another, an object
//! at a time, and `listing` gives the same list by pages.
//!
//! Nothing here knows of PSRP messages, shells or HTTP.

mod admin_audit;
mod autoblock;
mod binding;
mod catalogue;
mod definition;
mod filter;
mod listing;
mod lists;
mod pipeline;
mod policies;
mod problem;
mod reads;
mod render;
mod writes;

pub(crate) use binding::{Call, Invocation, identity_text, printed};
pub(crate) use definition::Definition;
pub(crate) use listing::Listing;
pub(crate) use lists::MORE_RESULTS;
pub(crate) use pipeline::{Execution, Step};
pub(crate) use problem::{Category, MANAGEMENT_OBJECT_NOT_FOUND, Problem, ProblemId};
pub(crate) use render::Context;

use psrp::clixml::Value;

use crate::organization::Organization;

/// Names of the cmdlets that a caller may see.
pub(crate) fn visible_names(organization: &Organization, context: &Context) -> Vec<&'static str> {
    Definition::visible(organization, context).map(|one| one.name).collect()
}

/// Something a cmdlet gives back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    Object(Value),
    Warning(String),
    Error(Box<Problem>),
}

/// A question that a cmdlet asks before it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) caption: String,
    pub(crate) message: String,
}

/// What a cmdlet does to the organization once it may.
type Change = Box<dyn FnOnce(&mut Organization, &Context) -> Vec<Reply> + Send>;

/// What is left to do for one call of a cmdlet.
enum Work {
    /// One object for each row.
    Rows {
        rows: std::vec::IntoIter<u32>,
        view: render::View,
    },
    Reply(Reply),
    /// What a change gave.
    Outcome(Reply),
    Ask(Question, Change),
    Do(Change),
}

/// What a cmdlet begins with.
type Begun = Result<Vec<Work>, Problem>;

impl Work {
    fn object(value: Value) -> Self {
        Self::Reply(Reply::Object(value))
    }

    fn error(problem: Problem) -> Self {
        Self::Reply(Reply::Error(Box::new(problem)))
    }
}

#[cfg(test)]
mod tests;
