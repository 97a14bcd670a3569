//! Removing an identity provider, with what rests on its word: whom it vouched for is signed out, and
//! what its groups and people may do is taken away, so that nothing comes back by itself when another
//! provider gets the same name.

use std::collections::HashSet;

use domain::{
    Caller, IdentityProvider, PersonId, ProviderName,
    authority::{Assignee, Assignment},
    person::Origin,
};
use store::{PeopleWrite, Session, Token};

use super::entry;
use crate::{Engine, Error};

/// Roles that are named; of the others only their number is said.
const NAMED: usize = 10;

/// What goes with an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderRemoval {
    /// People whom it vouched for. They stay known, and do not sign in any more.
    pub people: usize,
    /// Their sessions that are open.
    pub sessions: usize,
    /// Their API tokens.
    pub tokens: usize,
    /// Roles of its groups and people, each in a few words.
    pub roles: Vec<String>,
}

impl std::fmt::Display for ProviderRemoval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { people, sessions, tokens, roles } = self;
        match people {
            0 => write!(f, "nobody came by it yet"),
            1 => write!(f, "1 person who came by it cannot sign in any more"),
            _ => write!(f, "{people} people who came by it cannot sign in any more"),
        }?;
        for (count, one, many) in [(*sessions, "session", "sessions"), (*tokens, "token", "tokens")]
        {
            match count {
                0 => Ok(()),
                1 => write!(f, "; 1 {one} of theirs ends"),
                _ => write!(f, "; {count} {many} of theirs end"),
            }?;
        }
        if roles.is_empty() {
            return Ok(());
        }
        let named = roles.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        write!(f, "; roles that go: {named}")?;
        match roles.len().checked_sub(NAMED) {
            Some(more) if more > 0 => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}

/// What goes, to be written.
struct Going {
    sessions: Vec<Session>,
    tokens: Vec<Token>,
    assignments: Vec<Assignment>,
    told: ProviderRemoval,
}

impl Engine {
    /// What would go with an identity provider. Changes nothing.
    pub async fn preview_provider_removal(
        &self,
        caller: &Caller,
        name: &ProviderName,
    ) -> Result<ProviderRemoval, Error> {
        let provider = self.identity_provider(caller, name).await?;
        Ok(self.going_with(caller, &provider).await?.told)
    }

    /// Removes an identity provider: nobody signs in by it any more, and who did is signed out.
    pub async fn remove_identity_provider(
        &self,
        caller: &Caller,
        name: &ProviderName,
    ) -> Result<ProviderRemoval, Error> {
        let provider = self.identity_provider(caller, name).await?;
        let _one_at_a_time = self.inner.people.one_at_a_time().await;
        let Going { sessions, tokens, assignments, told } =
            self.going_with(caller, &provider).await?;
        let writes: Vec<_> = sessions
            .iter()
            .map(|session| PeopleWrite::EndSession(session.id))
            .chain(tokens.iter().map(|token| PeopleWrite::RemoveToken(token.id)))
            .chain(assignments.iter().map(|it| PeopleWrite::RemoveAssignment(it.id)))
            .collect();
        let entry = entry(caller, &provider, self.now(), "removed")
            .with("people", told.people.to_string())
            .with("sessions", told.sessions.to_string())
            .with("tokens", told.tokens.to_string())
            .with("roles", super::http::said(&told.roles.join(", ")));
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().remove_identity_provider(provider.id, &writes, &rows).await?;
        log.written();
        self.inner.known_providers.forget(provider.id);
        Ok(told)
    }

    async fn going_with(
        &self,
        caller: &Caller,
        provider: &IdentityProvider,
    ) -> Result<Going, Error> {
        let name = provider.name.as_str();
        let people = self.store().people().await?;
        let is_theirs = |origin: &Origin| matches!(origin, Origin::Provider { provider, .. } if provider == name);
        let theirs: HashSet<PersonId> =
            people.iter().filter(|it| is_theirs(&it.origin)).map(|it| it.id).collect();
        let goes = |it: &Assignment| match &it.assignee {
            Assignee::Person(id) => theirs.contains(id),
            Assignee::Group(group) => group.provider() == name,
        };
        let commands = self.people(caller);
        commands.must_leave_an_administrator(|it| !goes(it)).await?;
        let shown = commands.assignments().await?;
        let shown: Vec<_> = shown.into_iter().filter(|it| goes(&it.assignment)).collect();
        let role = |it: &crate::AssignmentShown| {
            let place = it.place.as_deref().unwrap_or("everywhere");
            format!("{} of {} ({place})", it.assignment.role.as_str(), it.assignee)
        };
        let mut sessions = self.open_sessions_of_all().await?;
        sessions.retain(|session| theirs.contains(&session.person));
        let mut tokens = self.store().tokens(None).await?;
        tokens.retain(|token| theirs.contains(&token.person));
        let told = ProviderRemoval {
            people: theirs.len(),
            sessions: sessions.len(),
            tokens: tokens.len(),
            roles: shown.iter().map(role).collect(),
        };
        let assignments = shown.into_iter().map(|it| it.assignment).collect();
        Ok(Going { sessions, tokens, assignments, told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_said_with_numbers_and_names() {
        let one = |roles: usize| ProviderRemoval {
            people: 2,
            sessions: 1,
            tokens: 0,
            roles: vec!["help-desk of corp:Help desk (everywhere)".to_owned(); roles],
        };
        assert_eq!(ProviderRemoval::default().to_string(), "nobody came by it yet");
        assert_eq!(
            one(1).to_string(),
            "2 people who came by it cannot sign in any more; 1 session of theirs ends; roles that \
             go: help-desk of corp:Help desk (everywhere)"
        );
        assert!(one(12).to_string().ends_with(" and 2 more"));
        assert!(!one(10).to_string().ends_with("more"));
    }
}
