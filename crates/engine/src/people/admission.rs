//! People whom somebody else vouches for: found or made, and let in if a role is theirs.

use domain::{
    Caller, Person, PersonId, Source,
    audit::{Entry, Event, TargetKind},
    authority::{Assignee, Assignment, Authority, GroupName},
    person::Origin,
};
use store::PeopleWrite;
use uuid::Uuid;

use super::sign_in::{NewSession, SignInError, Visit, said};
use crate::{Engine, Error};

/// Groups of one person that are looked at. A user of Active Directory can be in some 1,000.
const MAX_GROUPS: usize = 2_000;
/// People that are kept: a hundred times the administrators of the largest organization. Whoever
/// can sign in to a provider could else fill the database.
const MAX_PEOPLE: usize = 10_000;
/// Roles of one person that the record names.
const MAX_NAMED_ROLES: usize = 20;
/// Longest name, address or subject, in bytes.
const MAX_TEXT_BYTES: usize = 512;

/// Somebody whom a provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// Name of the provider, without a colon.
    pub provider: String,
    /// The provider's own id of the person, which never becomes another's.
    pub subject: String,
    /// What the person is called in lists and records.
    pub name: String,
    /// As colleagues know them.
    pub display_name: Option<String>,
    /// Address for mail.
    pub address: Option<String>,
    /// The groups that the provider says they are in.
    pub groups: Vec<String>,
}

impl Engine {
    /// Signs in somebody whom a provider vouches for. They are known from now on, so that a role can
    /// be assigned to them; they come in only if one is, to them or to one of their groups.
    pub async fn admit(
        &self,
        who: ExternalIdentity,
        visit: &Visit,
    ) -> Result<NewSession, SignInError> {
        let way = who.provider.clone();
        let person = self.known_person(who).await?;
        let authority = self.store().authority().await?;
        let caller = self.caller_of(&person, Source::Console).await?;
        let details = vec![
            ("groups", person.groups.len().to_string()),
            ("roles", roles_in_words(&authority, &person)),
        ];
        let refusal = if person.is_disabled {
            SignInError::Disabled(person.name.clone())
        } else if caller.grants.is_empty() {
            SignInError::NothingAssigned(person.name.clone())
        } else {
            return Ok(self.begin_session_with(caller, &way, visit, details).await?);
        };
        let mut entry = Entry::of(&caller, self.now(), Event::SignInFailed)
            .on(TargetKind::Person, person.id.to_string(), person.handle())
            .with("why", refusal.to_string())
            .with("way", way)
            .with("address", said(visit));
        entry.details.extend(details);
        self.audit(entry).await?;
        Err(refusal)
    }

    /// The person of an identity as the provider describes them now.
    async fn known_person(&self, who: ExternalIdentity) -> Result<Person, Error> {
        let who = within_limits(who)?;
        let _one_at_a_time = self.inner.people.changing.lock().await;
        let found = self.store().person_of(&who.provider, &who.subject).await?;
        let Some(known) = found else { return self.make_person(who).await };
        let person = Person {
            name: who.name,
            display_name: who.display_name,
            address: who.address,
            groups: who.groups,
            ..known.clone()
        };
        if person != known {
            self.write_people(&[PeopleWrite::ChangePerson(&person)], &[]).await?;
        }
        Ok(person)
    }

    async fn make_person(&self, who: ExternalIdentity) -> Result<Person, Error> {
        if self.store().people().await?.len() >= MAX_PEOPLE {
            return Err(Error::Unavailable(format!(
                "{MAX_PEOPLE} people are known already; remove some that do not sign in any more"
            )));
        }
        let now = self.now();
        let origin = Origin::Provider { provider: who.provider, subject: who.subject };
        let person = Person {
            id: PersonId(Uuid::now_v7()),
            origin,
            name: who.name,
            display_name: who.display_name,
            address: who.address,
            groups: who.groups,
            is_disabled: false,
            created: now,
            last_sign_in: None,
        };
        let entry = Entry::of(&Caller::engine(), now, Event::UserChanged)
            .on(TargetKind::Person, person.id.to_string(), person.handle())
            .with("change", "came for the first time");
        self.write_people(&[PeopleWrite::AddPerson(&person)], &[entry]).await?;
        Ok(person)
    }
}

/// Which roles somebody has, and by which group or by name: what the record says of a sign-in.
fn roles_in_words(authority: &Authority, person: &Person) -> String {
    let role = |it: &Assignment| match &it.assignee {
        Assignee::Person(_) => format!("{} by name", it.role),
        Assignee::Group(group) => format!("{} by {group}", it.role),
    };
    let mut roles: Vec<String> = authority.of(person).map(role).collect();
    let more = roles.len().saturating_sub(MAX_NAMED_ROLES);
    roles.truncate(MAX_NAMED_ROLES);
    if more > 0 {
        roles.push(format!("{more} more"));
    }
    if roles.is_empty() { "none".to_owned() } else { roles.join(", ") }
}

/// What a provider says is from outside: it is cut to what is kept, or refused if it names nobody.
fn within_limits(who: ExternalIdentity) -> Result<ExternalIdentity, Error> {
    let fits = |text: &str| !text.trim().is_empty() && text.len() <= MAX_TEXT_BYTES;
    if !fits(&who.provider) || who.provider.contains(':') || !fits(&who.subject) || !fits(&who.name)
    {
        return Err(Error::Invalid(format!(
            "{} vouches for somebody without a name or an id of at most {MAX_TEXT_BYTES} bytes",
            who.provider
        )));
    }
    let mut groups = who.groups;
    groups.retain(|group| GroupName::new(&who.provider, group).is_some());
    groups.sort_unstable();
    groups.dedup();
    if groups.len() > MAX_GROUPS {
        tracing::warn!(groups = groups.len(), "somebody is in more groups than are looked at");
        groups.truncate(MAX_GROUPS);
    }
    Ok(ExternalIdentity {
        name: who.name.trim().to_owned(),
        display_name: who.display_name.filter(|text| fits(text)),
        address: who.address.filter(|text| fits(text)),
        groups,
        ..who
    })
}
