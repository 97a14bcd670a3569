//! An Exchange organization, read through a session in the domain's words.
//!
//! Accounts differ in what they may see, and servers in what they know. Whatever is missing makes a
//! reading poorer, not impossible: only the device list itself cannot be done without.

mod actions;
mod capabilities;
mod identity;
mod lists;
mod reading;
mod selection;
mod wish;

use std::collections::HashSet;

use domain::{DeviceStatistics, DistinguishedName, ServerFacts, access::Hosting};
use uuid::Uuid;

pub use actions::{Exemption, Wipe};
pub use capabilities::{Capabilities, Family};
pub use identity::Identified;
pub use lists::{Devices, Mailboxes};
pub use reading::{Observed, Reading};
pub use wish::Writing;

use crate::{
    Cmdlet, CmdletError, CmdletLimit, Error, Identity, Notice, Object, Pipeline, Reply, Session,
    records,
};
use reading::{Choice, Way};
use records::Kind;
use selection::Selection;

/// An Exchange organization, read through a session in the domain's words.
#[derive(Debug)]
pub struct Organization<S: Session> {
    session: S,
    capabilities: Capabilities,
    /// The way of asking for statistics that worked.
    statistics: Option<StatisticsWay>,
    selection: Selection,
    /// Whether a cmdlet of the family has answered.
    is_family_known: bool,
    spent: Spent,
}

/// What was learned of an organization in one session and holds in the next.
#[derive(Debug, Clone)]
pub struct Knowledge {
    capabilities: Capabilities,
    statistics: Option<StatisticsWay>,
    selection: Selection,
    is_family_known: bool,
}

impl Knowledge {
    /// Whether the account may do what an action needs; `None` where nobody knows.
    #[must_use]
    pub fn offers(&self, action: domain::ActionKind) -> Option<bool> {
        self.capabilities.offers(action)
    }
}

/// What a session has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Cmdlets sent.
    pub cmdlets: u64,
    /// Milliseconds by which Exchange slowed them down, as far as it says so.
    pub delayed_ms: u64,
    /// Times that Exchange refused and asked to wait, where the session waited by itself.
    pub refusals: u32,
    /// What the account may send before Exchange refuses more, as it last said.
    pub limit: Option<CmdletLimit>,
}

/// Of which device the statistics are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsTarget {
    /// Exchange's GUID of the partnership.
    pub device: Uuid,
    /// The owner: GUID or distinguished name of the mailbox; empty if nobody knows.
    pub mailbox: String,
}

impl StatisticsTarget {
    /// A partnership, and the distinguished name of its owner if it is known.
    #[must_use]
    pub fn of(device: Uuid, owner: Option<&DistinguishedName>) -> Self {
        Self { device, mailbox: owner.map(ToString::to_string).unwrap_or_default() }
    }
}

/// How statistics of many devices are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StatisticsWay {
    /// One pipeline, every GUID as its input.
    Piped,
    /// One pipeline for each mailbox.
    PerMailbox,
    /// One pipeline for each device: the last resort.
    PerDevice,
}

impl<S: Session> Organization<S> {
    /// Learns what the account may do, and widens the view to the whole forest.
    pub async fn open(session: S) -> Result<Self, Error> {
        let mut organization = Self::of(session);
        let prepared = organization.look_around().await;
        organization.or_closed(prepared).await
    }

    /// Goes on with what an earlier session of the same account learned.
    pub async fn open_knowing(session: S, knowledge: Knowledge) -> Result<Self, Error> {
        let Knowledge { capabilities, statistics, selection, is_family_known } = knowledge;
        let fresh = Self::of(session);
        let mut organization =
            Self { capabilities, statistics, selection, is_family_known, ..fresh };
        let prepared = organization.widen().await;
        organization.or_closed(prepared).await
    }

    /// A session that cannot be prepared is closed: nobody else would do it.
    async fn or_closed(self, prepared: Result<(), Error>) -> Result<Self, Error> {
        match prepared {
            Ok(()) => Ok(self),
            Err(error) => {
                if let Err(error) = self.close().await {
                    tracing::debug!(%error, "a session was not closed");
                }
                Err(error)
            }
        }
    }

    /// Widens the view, and asks what the account may do.
    async fn look_around(&mut self) -> Result<(), Error> {
        self.widen().await?;
        let names = Capabilities::cmdlets_of_interest().into_iter().map(str::to_owned).collect();
        let ask = Cmdlet::new("Get-Command").with("Name", crate::Argument::List(names));
        let known = self.collect(ask).await?;
        if !known.objects.is_empty() {
            self.capabilities = Capabilities::of(&known.objects, self.session.hosting());
            self.selection = Selection::new(self.capabilities.can_select());
        }
        Ok(())
    }

    fn of(session: S) -> Self {
        Self {
            capabilities: Capabilities::unknown(session.hosting()),
            session,
            statistics: None,
            selection: Selection::default(),
            is_family_known: false,
            spent: Spent::default(),
        }
    }

    /// Without it a forest of several domains shows one of them. Hosted Exchange has no such view.
    async fn widen(&mut self) -> Result<(), Error> {
        if self.session.hosting() == Hosting::Hosted {
            return Ok(());
        }
        let widen = Cmdlet::new("Set-ADServerSettings").with("ViewEntireForest", true);
        if let Some(error) = self.collect(widen).await?.error {
            tracing::debug!(%error, "the view could not be widened to the whole forest");
        }
        Ok(())
    }

    /// What was learned so far.
    #[must_use]
    pub fn knowledge(&self) -> Knowledge {
        Knowledge {
            capabilities: self.capabilities.clone(),
            statistics: self.statistics,
            selection: self.selection.clone(),
            is_family_known: self.is_family_known,
        }
    }

    /// What the session has cost since this was asked last.
    pub fn take_spent(&mut self) -> Spent {
        std::mem::take(&mut self.spent)
    }

    /// What the account may do.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Every server; empty where the account may not see them, and where nobody may.
    pub async fn servers(&mut self) -> Result<Vec<ServerFacts>, Error> {
        if self.session.hosting() == Hosting::Hosted {
            return Ok(Vec::new());
        }
        let found = self.collect(Cmdlet::new("Get-ExchangeServer")).await?;
        Ok(found.objects.into_iter().filter_map(|object| records::server(object).ok()).collect())
    }

    /// The statistics of some devices. Devices that are not among `targets` may come too, where the
    /// server knows only to ask for whole mailboxes.
    pub async fn statistics(
        &mut self,
        targets: &[StatisticsTarget],
    ) -> Result<Reading<'_, S, DeviceStatistics>, Error> {
        let name = self.capabilities.family.statistics();
        if let Some(first) = targets.first() {
            self.learn(Kind::Statistics, Cmdlet::new(name).of(first.device.try_into()?)).await?;
        }
        let all = [StatisticsWay::Piped, StatisticsWay::PerMailbox, StatisticsWay::PerDevice];
        let ways = all.into_iter().filter(|way| self.statistics.is_none_or(|known| known == *way));
        let ways = ways
            .map(|way| {
                Ok(Way {
                    choice: Choice::Statistics(way),
                    pipelines: statistics_pipelines(name, way, targets)?,
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Reading::each(self, ways, |object| Ok(records::statistics(object))))
    }

    /// Learns from one object which properties a cmdlet gives, so that those that are not wanted
    /// need not be sent. Properties that nobody knows are wanted.
    async fn learn(&mut self, kind: Kind, sample: Cmdlet) -> Result<(), Error> {
        if self.selection.wants_to_know(&sample.name) {
            let name = sample.name.clone();
            let found = self.collect(sample).await?;
            if let Some(object) = found.objects.first() {
                self.selection.learn(name, kind, object);
            }
        }
        Ok(())
    }

    /// Ends the session.
    pub async fn close(self) -> Result<(), Error> {
        self.session.close().await
    }

    fn note(&mut self, notice: &Notice) {
        let (millis, refusals, limit) = match notice {
            Notice::MicroDelay { millis, limit, .. } => (*millis, 0, *limit),
            Notice::Waited { millis, refusals } => (*millis, *refusals, None),
            Notice::Truncated | Notice::Other(_) => return,
        };
        let spent = &mut self.spent;
        spent.delayed_ms = spent.delayed_ms.saturating_add(millis);
        spent.refusals = spent.refusals.saturating_add(refusals);
        spent.limit = limit.or(spent.limit);
    }

    /// How many cmdlets Exchange counts where a pipeline is sent: the hosted service has no pipelines, and
    /// is asked for each object by itself.
    fn cmdlets_of(&self, pipeline: &Pipeline) -> u64 {
        let objects = match self.session.hosting() {
            Hosting::Hosted => pipeline.input.len(),
            Hosting::OnPremises => 1,
        };
        objects.max(1).try_into().unwrap_or(u64::MAX)
    }

    /// Everything a small cmdlet gives. A cmdlet that is not there, or fails, gives its error.
    async fn collect(&mut self, cmdlet: Cmdlet) -> Result<Collected, Error> {
        let mut collected = Collected { objects: Vec::new(), error: None, is_whole: true };
        let name = cmdlet.name.clone();
        self.spent.cmdlets += 1;
        match self.session.start(&cmdlet.into()).await {
            Ok(()) => {}
            Err(Error::Cmdlet(error)) => {
                collected.error = Some(*error);
                return Ok(collected);
            }
            Err(error) => return Err(error),
        }
        loop {
            match self.session.next().await {
                Ok(Some(Reply::Object(object))) => collected.objects.push(object),
                Ok(Some(Reply::Error(error))) => collected.error = Some(error),
                Ok(Some(Reply::Poison(why))) => {
                    tracing::debug!(%why, cmdlet = %name, "an object was not understood");
                    collected.is_whole = false;
                }
                Ok(Some(Reply::Warning(warning))) => self.note(&Notice::of(&warning)),
                Ok(Some(Reply::Notice(notice))) => self.note(&notice),
                Ok(None) => return Ok(collected),
                Err(Error::Cmdlet(error)) => {
                    collected.error = Some(*error);
                    return Ok(collected);
                }
                Err(error) => return Err(error),
            }
            if collected.objects.len() > MAX_COLLECTED {
                self.session.stop().await?;
                collected.is_whole = false;
                return Ok(collected);
            }
        }
    }

    /// Everything a small cmdlet gives, or an error: what could not be read is never taken for what
    /// is not there.
    async fn all(&mut self, cmdlet: Cmdlet) -> Result<Vec<Object>, Error> {
        let name = cmdlet.name.clone();
        let collected = self.collect(cmdlet).await?;
        match collected.error {
            Some(error) => Err(error.into()),
            None if collected.is_whole => Ok(collected.objects),
            None => Err(Error::Protocol(format!("not everything that {name} gave was understood"))),
        }
    }
}

/// Most objects taken of a cmdlet that gives few: servers, settings, names of cmdlets.
const MAX_COLLECTED: usize = 10_000;

/// What a small cmdlet gave.
struct Collected {
    objects: Vec<Object>,
    error: Option<CmdletError>,
    /// Whether every object was understood, and there were not too many.
    is_whole: bool,
}

fn statistics_pipelines(
    name: &'static str,
    way: StatisticsWay,
    targets: &[StatisticsTarget],
) -> Result<Vec<Pipeline>, Error> {
    let of_device = |target: &StatisticsTarget| {
        Ok(Pipeline::from(Cmdlet::new(name).of(Identity::try_from(target.device)?)))
    };
    match way {
        StatisticsWay::Piped => {
            let input = targets.iter().map(|target| target.device.to_string()).collect();
            Ok(vec![Pipeline { cmdlets: vec![Cmdlet::new(name)], input }])
        }
        StatisticsWay::PerMailbox => {
            let mut asked = HashSet::new();
            let mut pipelines = Vec::new();
            for target in targets {
                match Identity::parse(&target.mailbox) {
                    Ok(mailbox) if asked.insert(target.mailbox.as_str()) => {
                        pipelines.push(Cmdlet::new(name).of_mailbox(mailbox).into());
                    }
                    Ok(_) => {}
                    Err(_) => pipelines.push(of_device(target)?),
                }
            }
            Ok(pipelines)
        }
        StatisticsWay::PerDevice => targets.iter().map(of_device).collect(),
    }
}

#[cfg(test)]
mod tests;
