//! Users: added, changed, kept out, removed.

use domain::{
    Caller, Person, PersonId, Timestamp, UserName,
    audit::{Entry, Event, TargetKind},
    authority::{AssignedPlace, Assignee, Assignment, Authority, BuiltInRole},
    person::{Origin, check_password},
};
use store::PeopleWrite;
use uuid::Uuid;

use super::{AssignmentShown, People};
use crate::Error;

/// Longest name or address of a person, in characters.
const MAX_TEXT: usize = 200;
/// Local users at most: far more than anybody keeps by hand.
const MAX_USERS: usize = 10_000;

/// A local user to be added.
#[derive(Clone)]
pub struct NewUser {
    /// What they sign in with.
    pub name: UserName,
    /// As colleagues know them.
    pub display_name: Option<String>,
    /// Address for mail.
    pub address: Option<String>,
    /// Their first password; without one they cannot sign in yet.
    pub password: Option<String>,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What is changed of a user; what is left out stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// As colleagues know them; empty takes it away.
    pub display_name: Option<String>,
    /// Address for mail; empty takes it away.
    pub address: Option<String>,
    /// Whether they are kept out.
    pub is_disabled: Option<bool>,
}

/// A user with what belongs to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub person: Person,
    /// Whether a password was set.
    pub has_password: bool,
    /// Whether a code is wanted after the password.
    pub has_totp: bool,
    /// Until when they are locked, if they are.
    pub locked_until: Option<Timestamp>,
    /// Their roles, by name and by groups.
    pub assignments: Vec<AssignmentShown>,
}

impl People<'_> {
    /// Everybody, by name.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        self.may_modify()?;
        let people = self.store().people().await?;
        let mut users = Vec::with_capacity(people.len());
        let words = self.words().await?;
        let with_totp = self.store().people_with_totp().await?;
        for person in people {
            let has_totp = with_totp.contains(&person.id);
            users.push(self.user_of(person, has_totp, &words).await?);
        }
        Ok(users)
    }

    /// One user by name, by provider and name, or by id.
    pub async fn user(&self, handle: &str) -> Result<User, Error> {
        self.may_modify()?;
        let person = self.person_called(handle).await?;
        self.whole_user(person).await
    }

    /// Whether there is any user: without one, the first is to be made.
    pub async fn has_users(&self) -> Result<bool, Error> {
        Ok(!self.store().people().await?.is_empty())
    }

    pub(super) async fn whole_user(&self, person: Person) -> Result<User, Error> {
        let words = self.words().await?;
        let has_totp = self.engine.wants_code(person.id).await?;
        self.user_of(person, has_totp, &words).await
    }

    async fn user_of(
        &self,
        person: Person,
        has_totp: bool,
        words: &super::assignments::Words,
    ) -> Result<User, Error> {
        let credential = match person.origin {
            Origin::Local => self.store().credential(person.id).await?,
            Origin::Provider { .. } => None,
        };
        let now = self.engine.now();
        let locked_until = credential.as_ref().and_then(|it| it.locked_until);
        Ok(User {
            assignments: words.authority.of(&person).map(|it| words.shown(it)).collect(),
            has_password: credential.is_some_and(|it| it.password.is_some()),
            locked_until: locked_until.filter(|until| *until > now),
            has_totp,
            person,
        })
    }

    /// Adds a local user.
    pub async fn add_user(&self, new: NewUser) -> Result<PersonId, Error> {
        self.may_modify()?;
        if let Some(password) = &new.password {
            check_password(&new.name, password).map_err(|weak| Error::Invalid(weak.to_string()))?;
        }
        let _one_at_a_time = self.one_at_a_time().await;
        if self.store().local_person(&new.name.key()).await?.is_some() {
            return Err(Error::Conflict(format!("there is a user {} already", new.name)));
        }
        if self.store().people().await?.len() >= MAX_USERS {
            return Err(Error::Conflict(format!("there are {MAX_USERS} users; remove some first")));
        }
        let now = self.engine.now();
        let person = Person {
            id: PersonId(Uuid::now_v7()),
            origin: Origin::Local,
            name: new.name.as_str().to_owned(),
            display_name: text("the display name", new.display_name)?,
            address: text("the address", new.address)?,
            groups: Vec::new(),
            is_disabled: false,
            created: now,
            last_sign_in: None,
        };
        let mut writes = vec![PeopleWrite::AddPerson(&person)];
        let hash = match &new.password {
            Some(password) if !self.is_rehearsal => Some(self.hashed(password).await?),
            _ => None,
        };
        if let Some(hash) = &hash {
            writes.push(PeopleWrite::SetPassword { person: person.id, hash });
        }
        self.write(&writes, self.of_user(&person, "added")).await?;
        Ok(person.id)
    }

    /// Changes a user. Who is kept out is signed out.
    pub async fn change_user(&self, handle: &str, change: UserChange) -> Result<(), Error> {
        self.may_modify()?;
        let _one_at_a_time = self.one_at_a_time().await;
        let known = self.person_called(handle).await?;
        let mut person = known.clone();
        let is_described = change.display_name.is_some() || change.address.is_some();
        if is_described && person.origin != Origin::Local {
            return Err(Error::Conflict(format!(
                "the names and addresses of {handle} come from the provider at each sign-in; change \
                 them there"
            )));
        }
        if let Some(name) = change.display_name {
            person.display_name = text("the display name", Some(name))?;
        }
        if let Some(address) = change.address {
            person.address = text("the address", Some(address))?;
        }
        person.is_disabled = change.is_disabled.unwrap_or(person.is_disabled);
        if person == known {
            return Ok(());
        }
        let mut writes = vec![PeopleWrite::ChangePerson(&person)];
        let mut what = "changed";
        if person.is_disabled != known.is_disabled {
            what = if person.is_disabled { "disabled" } else { "enabled" };
            if person.is_disabled {
                self.must_leave_an_administrator(|it| it.assignee != Assignee::Person(person.id))
                    .await?;
                writes.push(PeopleWrite::EndSessions { person: person.id, but: None });
            } else {
                writes.push(PeopleWrite::Unlock(person.id));
            }
        }
        self.write(&writes, self.of_user(&person, what)).await
    }

    /// Removes a user with their tokens, sessions and assignments. The audit keeps their name.
    pub async fn remove_user(&self, handle: &str) -> Result<(), Error> {
        self.may_modify()?;
        let _one_at_a_time = self.one_at_a_time().await;
        let person = self.person_called(handle).await?;
        self.must_leave_an_administrator(|it| it.assignee != Assignee::Person(person.id)).await?;
        self.write(&[PeopleWrite::RemovePerson(person.id)], self.of_user(&person, "removed")).await
    }

    /// Gives a user another password, and signs them out everywhere.
    pub async fn set_password(&self, handle: &str, password: &str) -> Result<(), Error> {
        self.may_modify()?;
        let person = self.person_called(handle).await?;
        let hash = self.checked_and_hashed(&person, password).await?;
        let writes = [
            PeopleWrite::SetPassword { person: person.id, hash: &hash },
            PeopleWrite::EndSessions { person: person.id, but: None },
        ];
        self.write(&writes, self.of_user(&person, "password set")).await
    }

    /// Lets a user sign in without a code again: their phone is lost.
    pub async fn remove_totp(&self, handle: &str) -> Result<(), Error> {
        self.may_modify()?;
        let person = self.person_called(handle).await?;
        if self.store().totp(person.id).await?.is_none() {
            return Err(Error::Conflict(format!("{handle} signs in without a code already")));
        }
        let writes = [PeopleWrite::RemoveTotp(person.id)];
        self.write(&writes, self.of_user(&person, "second step removed")).await
    }

    pub(super) async fn checked_and_hashed(
        &self,
        person: &Person,
        password: &str,
    ) -> Result<String, Error> {
        if person.origin != Origin::Local {
            return Err(Error::Conflict(format!(
                "{} signs in with a provider; the password is changed there",
                person.handle()
            )));
        }
        let name = UserName::parse(&person.name).map_err(|error| anyhow::anyhow!("{error}"))?;
        check_password(&name, password).map_err(|weak| Error::Invalid(weak.to_string()))?;
        if self.is_rehearsal { Ok(String::new()) } else { self.hashed(password).await }
    }

    async fn hashed(&self, password: &str) -> Result<String, Error> {
        self.engine.inner.people.hashing.hash(password).await
    }

    /// A person by name, by provider and name, or by id.
    pub(super) async fn person_called(&self, handle: &str) -> Result<Person, Error> {
        let handle = handle.trim();
        let found = match handle.split_once(':') {
            Some((provider, name)) => {
                let people = self.store().people().await?;
                let mut same = people.into_iter().filter(|person| {
                    let is_of = matches!(&person.origin, Origin::Provider { provider: p, .. } if p == provider);
                    is_of && person.name.eq_ignore_ascii_case(name)
                });
                let first = same.next();
                if same.next().is_some() {
                    return Err(Error::Conflict(format!(
                        "two users are called {handle}; name the one you mean by its id"
                    )));
                }
                first
            }
            None => match self.store().local_person(&handle.to_lowercase()).await? {
                None => match handle.parse::<PersonId>() {
                    Ok(id) => self.store().person(id).await?,
                    Err(_) => None,
                },
                found => found,
            },
        };
        found.ok_or_else(|| Error::NotFound(format!("there is no user {handle}")))
    }

    /// A change must leave somebody who may do everything, if there is anybody now. (The holder of
    /// the server's own token always remains; but nobody is to need it.)
    pub(crate) async fn must_leave_an_administrator(
        &self,
        stays: impl Fn(&Assignment) -> bool,
    ) -> Result<(), Error> {
        let authority = self.store().authority().await?;
        let people = self.store().people().await?;
        if is_administered(&authority, &people, |_| true)
            && !is_administered(&authority, &people, stays)
        {
            return Err(Error::Conflict(
                "nobody else is full administrator everywhere; make somebody else one first"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    pub(super) fn of_user(&self, person: &Person, change: &str) -> Entry {
        self.entry(Event::UserChanged)
            .on(TargetKind::Person, person.id.to_string(), person.handle())
            .with("change", change)
    }
}

/// Whether some enabled person or some group is full administrator everywhere by an assignment that
/// stays.
fn is_administered(
    authority: &Authority,
    people: &[Person],
    stays: impl Fn(&Assignment) -> bool,
) -> bool {
    authority.assignments.iter().filter(|it| stays(it)).any(|it| {
        let is_full = it.role.as_str() == BuiltInRole::FullAdministrator.word()
            && it.place == AssignedPlace::Everywhere;
        is_full
            && match &it.assignee {
                Assignee::Person(id) => {
                    people.iter().any(|person| person.id == *id && !person.is_disabled)
                }
                Assignee::Group(_) => true,
            }
    })
}

/// A text about a person; none if it is empty.
fn text(what: &str, text: Option<String>) -> Result<Option<String>, Error> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match text {
        Some(text) if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) => {
            Err(Error::Invalid(format!(
                "{what} is longer than {MAX_TEXT} characters or holds control characters"
            )))
        }
        text => Ok(text),
    }
}

/// Who the caller is, for themselves.
impl People<'_> {
    /// The caller as a user; `None` for the local administrator.
    pub async fn me(&self) -> Result<Option<User>, Error> {
        match self.store().person(self.caller.person).await? {
            Some(person) => self.whole_user(person).await.map(Some),
            None => Ok(None),
        }
    }

    /// The caller.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        self.caller
    }
}
