//! What changes of people and their authority: several changes and the entries that tell of them,
//! in one transaction.

use domain::{
    AssignmentId, CollectionId, Person, PersonId, SessionId, Timestamp, TokenId,
    authority::{Assignment, Collection, Role, RoleName},
    notification::Language,
};

use crate::authority::{assignee_value, permissions_value, place_value};
use crate::database::Steps;
use crate::people::{groups_value, origin_values};
use crate::value::Value;
use crate::{AuditRow, Error, Session, Store, Token, sql};

/// One change.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each says what it does, and its fields to whom")]
pub enum PeopleWrite<'a> {
    AddPerson(&'a Person),
    /// Writes what may change of a person: names, address, groups, whether they are kept out.
    ChangePerson(&'a Person),
    /// Forgets a person with everything that is theirs.
    RemovePerson(PersonId),
    /// In which language somebody wants to be told; `None` for that of the subscription.
    SetLanguage {
        person: PersonId,
        language: Option<Language>,
    },
    /// Keeps the hash of a password.
    SetPassword {
        person: PersonId,
        hash: &'a str,
    },
    /// A sign-in: earlier failures are forgotten.
    SignedIn {
        person: PersonId,
        at: Timestamp,
    },
    /// Lets in whom too many failures have locked out.
    Unlock(PersonId),
    /// Keeps the sealed secret of a second step, not confirmed yet.
    SetTotp {
        person: PersonId,
        sealed: &'a [u8],
    },
    ConfirmTotp(PersonId),
    RemoveTotp(PersonId),
    AddRecoveryCode {
        person: PersonId,
        hash: &'a [u8],
    },
    AddSession {
        session: &'a Session,
        hash: &'a [u8],
    },
    EndSession(SessionId),
    /// Ends all sessions of a person but one.
    EndSessions {
        person: PersonId,
        but: Option<SessionId>,
    },
    /// Forgets the sessions that ended before, or were not used since `idle`.
    ForgetEndedSessions {
        now: Timestamp,
        idle: Timestamp,
    },
    AddToken {
        token: &'a Token,
        hash: &'a [u8],
    },
    RemoveToken(TokenId),
    AddRole(&'a Role),
    ChangeRole(&'a Role),
    RemoveRole(&'a RoleName),
    AddAssignment(&'a Assignment),
    RemoveAssignment(AssignmentId),
    AddCollection(&'a Collection),
    ChangeCollection(&'a Collection),
    RemoveCollection(CollectionId),
}

impl Store {
    /// Writes changes and the audit entries that tell of them, all or nothing. `Conflict` if a name
    /// is taken, or if somebody else added an entry at that place.
    pub async fn write_people(
        &self,
        audit: &[AuditRow],
        writes: &[PeopleWrite<'_>],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        writes.iter().for_each(|write| write.add_to(&mut steps));
        self.database.write(steps).await.map(drop)
    }
}

impl PeopleWrite<'_> {
    pub(crate) fn add_to(&self, steps: &mut Steps) {
        match self {
            Self::AddPerson(_) | Self::ChangePerson(_) | Self::RemovePerson(_) => {
                self.add_person_to(steps);
            }
            Self::AddRole(_)
            | Self::ChangeRole(_)
            | Self::RemoveRole(_)
            | Self::AddAssignment(_)
            | Self::RemoveAssignment(_)
            | Self::AddCollection(_)
            | Self::ChangeCollection(_)
            | Self::RemoveCollection(_) => steps.extend(self.authority_step()),
            _ => self.add_signing_in_to(steps),
        }
    }

    fn add_person_to(&self, steps: &mut Steps) {
        match self {
            Self::AddPerson(person) => {
                let [provider, subject] = origin_values(&person.origin, &person.name);
                let mut values = vec![Value::id(person.id), provider, subject];
                values.extend(described(person));
                values.push(Value::time(person.created));
                steps.push((sql::ADD_PERSON, values));
            }
            Self::ChangePerson(person) => {
                let mut values = vec![Value::id(person.id)];
                values.extend(described(person));
                steps.push((sql::CHANGE_PERSON, values));
            }
            Self::RemovePerson(id) => {
                let assignee = assignee_value(&domain::authority::Assignee::Person(*id));
                steps.push((sql::REMOVE_ASSIGNMENTS_OF, vec![assignee]));
                for statement in [
                    sql::REMOVE_TOKENS_OF,
                    sql::REMOVE_RECOVERY_CODES,
                    sql::REMOVE_TOTP,
                    sql::REMOVE_PERSON,
                ] {
                    steps.push((statement, vec![Value::id(*id)]));
                }
                steps.push((sql::END_SESSIONS, vec![Value::id(*id), Value::Null]));
            }
            _ => {}
        }
    }

    fn add_signing_in_to(&self, steps: &mut Steps) {
        let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_owned());
        if let Self::SetTotp { person, .. } | Self::RemoveTotp(person) = self {
            steps.push((sql::REMOVE_RECOVERY_CODES, vec![Value::id(*person)]));
        }
        steps.push(match self {
            Self::SetPassword { person, hash } => {
                (sql::SET_PASSWORD, vec![Value::id(*person), Value::text(hash)])
            }
            Self::SignedIn { person, at } => {
                (sql::NOTE_SIGN_IN, vec![Value::id(*person), Value::time(*at)])
            }
            Self::SetLanguage { person, language } => {
                let word = language.map(Language::word);
                (sql::SET_LANGUAGE, vec![Value::id(*person), Value::optional_text(word)])
            }
            Self::Unlock(person) => (sql::UNLOCK_PERSON, vec![Value::id(*person)]),
            Self::SetTotp { person, sealed } => {
                (sql::SET_TOTP, vec![Value::id(*person), bytes(sealed)])
            }
            Self::ConfirmTotp(person) => (sql::CONFIRM_TOTP, vec![Value::id(*person)]),
            Self::RemoveTotp(person) => (sql::REMOVE_TOTP, vec![Value::id(*person)]),
            Self::AddRecoveryCode { person, hash } => {
                (sql::ADD_RECOVERY_CODE, vec![Value::id(*person), bytes(hash)])
            }
            Self::AddSession { session, hash } => (sql::ADD_SESSION, session.values(hash)),
            Self::EndSession(id) => (sql::END_SESSION, vec![Value::id(*id)]),
            Self::EndSessions { person, but } => {
                let but = but.map_or(Value::Null, Value::id);
                (sql::END_SESSIONS, vec![Value::id(*person), but])
            }
            Self::ForgetEndedSessions { now, idle } => {
                (sql::FORGET_ENDED_SESSIONS, vec![Value::time(*now), Value::time(*idle)])
            }
            Self::AddToken { token, hash } => (sql::ADD_TOKEN, token.values(hash)),
            Self::RemoveToken(id) => (sql::REMOVE_TOKEN, vec![Value::id(*id)]),
            _ => return,
        });
    }

    fn authority_step(&self) -> Option<(&'static str, Vec<Value>)> {
        let role = |role: &Role| {
            vec![
                Value::text(role.name.as_str()),
                Value::text(&role.description),
                permissions_value(role.permissions),
            ]
        };
        let collection = |collection: &Collection| {
            vec![
                Value::id(collection.id),
                Value::text(collection.name.as_str()),
                Value::text(&collection.description),
                Value::text(&collection.query.to_string()),
            ]
        };
        Some(match self {
            Self::AddRole(added) => (sql::ADD_ROLE, role(added)),
            Self::ChangeRole(changed) => (sql::CHANGE_ROLE, role(changed)),
            Self::RemoveRole(name) => (sql::REMOVE_ROLE, vec![Value::text(name.as_str())]),
            Self::AddAssignment(added) => {
                let values = vec![
                    Value::id(added.id),
                    Value::text(added.role.as_str()),
                    assignee_value(&added.assignee),
                    place_value(added.place),
                    Value::time(added.created),
                ];
                (sql::ADD_ASSIGNMENT, values)
            }
            Self::RemoveAssignment(id) => (sql::REMOVE_ASSIGNMENT, vec![Value::id(*id)]),
            Self::AddCollection(added) => {
                let mut values = collection(added);
                values.push(Value::time(added.created));
                (sql::ADD_COLLECTION, values)
            }
            Self::ChangeCollection(changed) => (sql::CHANGE_COLLECTION, collection(changed)),
            Self::RemoveCollection(id) => (sql::REMOVE_COLLECTION, vec![Value::id(*id)]),
            _ => return None,
        })
    }
}

/// The columns of a person that may change.
fn described(person: &Person) -> [Value; 5] {
    [
        Value::text(&person.name),
        Value::optional_text(person.display_name.as_deref()),
        Value::optional_text(person.address.as_deref()),
        groups_value(&person.groups),
        Value::Flag(person.is_disabled),
    ]
}
