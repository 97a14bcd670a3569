//! A reading that is going on: records come as the server gives them, by the first way of asking
//! that the server takes.

use std::collections::VecDeque;

use super::{Family, Organization, StatisticsWay};
use crate::{
    CmdletError, CmdletErrorKind, Error, Notice, Object, Pipeline, Reply, Session,
    records::RecordError,
};

/// Rows that Exchange gives where nobody asks for all: so many and a warning mean that there is more.
const DEFAULT_ROWS: u64 = 1_000;

/// One thing a reading met.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed<T> {
    /// A record.
    Value(T),
    /// An object that is not what it should be, and why.
    Poison(String),
    /// An error about one object; the reading goes on.
    Problem(CmdletError),
    /// A warning that says something about the reading.
    Notice(Notice),
}

/// A reading that is going on: records come as the server gives them.
pub struct Reading<'a, S: Session, T> {
    organization: &'a mut Organization<S>,
    record: fn(Object) -> Result<T, RecordError>,
    /// Ways of asking that were not tried yet, the best first.
    ways: VecDeque<Way>,
    /// What the current way remembers if it works.
    choice: Choice,
    /// Pipelines of the current way that were not started yet.
    pipelines: VecDeque<Pipeline>,
    /// The pipeline that runs, as it is without a selection, if it has one.
    whole: Option<Pipeline>,
    is_running: bool,
    /// Whether a way has been begun.
    has_begun: bool,
    /// Whether nothing can be done without it.
    is_required: bool,
    /// Whether pipelines are independent: one that fails is a problem of its own.
    is_each: bool,
    given: u64,
    problems: u64,
    has_warned: bool,
    /// The error that made the last way impossible.
    refusal: Option<CmdletError>,
}

/// One way of asking.
pub(super) struct Way {
    pub(super) choice: Choice,
    pub(super) pipelines: Vec<Pipeline>,
}

/// What is remembered of a way that worked, so that the next reading begins with it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Choice {
    None,
    Family(Family),
    Statistics(StatisticsWay),
}

impl<'a, S: Session, T> Reading<'a, S, T> {
    /// One list by one pipeline. A pipeline that fails fails the reading.
    pub(super) fn list(
        organization: &'a mut Organization<S>,
        ways: VecDeque<Way>,
        record: fn(Object) -> Result<T, RecordError>,
    ) -> Self {
        Self {
            organization,
            record,
            ways,
            choice: Choice::None,
            pipelines: VecDeque::new(),
            whole: None,
            is_running: false,
            has_begun: false,
            is_required: false,
            is_each: false,
            given: 0,
            problems: 0,
            has_warned: false,
            refusal: None,
        }
    }

    /// Some objects, by one or many pipelines. One that fails is a problem; the others go on.
    pub(super) fn each(
        organization: &'a mut Organization<S>,
        ways: VecDeque<Way>,
        record: fn(Object) -> Result<T, RecordError>,
    ) -> Self {
        Self { is_each: true, ..Self::list(organization, ways, record) }
    }

    /// A reading that fails if there is no way of asking.
    pub(super) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// A reading that there is no way to ask for.
    pub(super) fn refused(organization: &'a mut Organization<S>, refusal: CmdletError) -> Self
    where
        T: 'a,
    {
        fn none<T>(_: Object) -> Result<T, RecordError> {
            Err(RecordError::NoName("nothing".to_owned()))
        }
        let reading = Self::list(organization, VecDeque::new(), none);
        Self { refusal: Some(refusal), ..reading }.required()
    }

    /// The next thing; `None` at the end of a reading that came to its end.
    ///
    /// # Errors
    /// The session's; and the cmdlet's, if a list fails or cannot be asked for at all.
    pub async fn next(&mut self) -> Result<Option<Observed<T>>, Error> {
        loop {
            if !self.is_running && !self.begin().await? {
                return self.end();
            }
            match self.organization.session.next().await {
                Ok(Some(reply)) => {
                    if let Some(observed) = self.observe(reply).await? {
                        return Ok(Some(observed));
                    }
                }
                Ok(None) => {
                    self.is_running = false;
                    let is_truncated =
                        self.given == DEFAULT_ROWS && self.has_warned && !self.is_each;
                    if is_truncated {
                        self.has_warned = false;
                        return Ok(Some(Observed::Notice(Notice::Truncated)));
                    }
                }
                Err(Error::Cmdlet(error)) => {
                    self.is_running = false;
                    if self.is_refused(&error) || self.is_too_much(&error) {
                        self.give_up(*error);
                    } else if self.is_each {
                        self.problems += 1;
                        return Ok(Some(Observed::Problem(*error)));
                    } else {
                        return Err(Error::Cmdlet(error));
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Starts the next pipeline; false if there is none.
    async fn begin(&mut self) -> Result<bool, Error> {
        loop {
            if let Some(pipeline) = self.pipelines.pop_front() {
                let narrowed = self.organization.selection.narrowed(&pipeline);
                let asked = narrowed.as_ref().unwrap_or(&pipeline);
                self.organization.spent.cmdlets += self.organization.cmdlets_of(asked);
                let started = self.organization.session.start(asked).await;
                self.whole = narrowed.map(|_| pipeline);
                match started {
                    Ok(()) => {
                        self.is_running = true;
                        return Ok(true);
                    }
                    Err(Error::Cmdlet(error))
                        if self.is_refused(&error) || self.is_too_much(&error) =>
                    {
                        self.give_up(*error);
                    }
                    Err(error) => return Err(error),
                }
                continue;
            }
            // A way that gave nothing at all was perhaps not understood: the next one may be.
            let gave_something = self.given + self.problems > 0;
            let is_answered = matches!(self.choice, Choice::None | Choice::Family(_))
                && self.refusal.is_none()
                && self.has_begun;
            if gave_something || is_answered {
                return Ok(false);
            }
            let Some(way) = self.ways.pop_front() else { return Ok(false) };
            self.refusal = None;
            self.choice = way.choice;
            self.pipelines = way.pipelines.into();
            self.has_begun = true;
        }
    }

    async fn observe(&mut self, reply: Reply) -> Result<Option<Observed<T>>, Error> {
        Ok(Some(match reply {
            Reply::Object(object) => {
                if self.given == 0 {
                    self.remember();
                }
                self.given += 1;
                match (self.record)(object) {
                    Ok(record) => Observed::Value(record),
                    Err(error) => Observed::Poison(error.to_string()),
                }
            }
            Reply::Poison(why) => {
                self.given += 1;
                Observed::Poison(why)
            }
            Reply::Warning(warning) => {
                let notice = Notice::of(&warning);
                self.organization.note(&notice);
                self.has_warned |= matches!(notice, Notice::Other(_));
                Observed::Notice(notice)
            }
            Reply::Notice(notice) => {
                self.organization.note(&notice);
                Observed::Notice(notice)
            }
            Reply::Error(error) if self.is_refused(&error) => {
                self.organization.session.stop().await?;
                self.is_running = false;
                self.give_up(error);
                return Ok(None);
            }
            Reply::Error(error) => {
                self.problems += 1;
                Observed::Problem(error)
            }
        }))
    }

    /// Whether an error says that this way of asking is not there, rather than that one object is not.
    fn is_refused(&self, error: &CmdletError) -> bool {
        use CmdletErrorKind as Kind;
        let is_about_the_way = matches!(
            error.kind,
            Kind::CmdletMissing
                | Kind::ParameterMissing
                | Kind::ArgumentMissing
                | Kind::ArgumentInvalid
                | Kind::InputRefused
        );
        is_about_the_way && self.given + self.problems == 0
    }

    /// Goes over to the next way of asking: the same without a selection, if there was one, for the
    /// selection may be what was refused.
    fn give_up(&mut self, refusal: CmdletError) {
        if let Some(whole) = self.whole.take() {
            self.organization.selection.give_up();
            self.pipelines.push_front(whole);
        } else {
            self.pipelines.clear();
            self.refusal = Some(refusal);
        }
    }

    /// Whether a pipeline for many devices failed before it gave anything, for no reason that
    /// passes: asking for fewer at once may do.
    fn is_too_much(&self, error: &CmdletError) -> bool {
        let is_for_many = matches!(self.choice, Choice::Statistics(StatisticsWay::Piped));
        let is_about_now = error.kind.is_passing() || error.kind == CmdletErrorKind::Stopped;
        is_for_many && !is_about_now && !self.ways.is_empty() && self.given + self.problems == 0
    }

    fn remember(&mut self) {
        match self.choice {
            Choice::None => {}
            Choice::Family(family) => {
                self.organization.capabilities.family = family;
                self.organization.is_family_known = true;
            }
            Choice::Statistics(way) => self.organization.statistics = Some(way),
        }
    }

    /// The end of everything: well, or for want of a way.
    fn end(&mut self) -> Result<Option<Observed<T>>, Error> {
        match self.refusal.take() {
            Some(error) if self.is_required => Err(error.into()),
            Some(error) => {
                tracing::debug!(%error, "nothing could be read this way");
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

impl<S: Session, T> std::fmt::Debug for Reading<'_, S, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("given", &self.given).finish_non_exhaustive()
    }
}
