//! People, what they may do, and how they are let in.

use domain::{
    AssignmentId, CollectionId, ConnectorId, Permission, Person, PersonId, Query, SessionId,
    TokenId,
    authority::{
        AssignedPlace, Assignee, Assignment, Collection, CollectionName, GroupName, Role, RoleName,
    },
    person::Origin,
};
use uuid::Uuid;

use super::at;
use crate::testing::on_both;
use crate::{Error, PeopleWrite as Write, Session, Store, Token};

fn person(number: u128, origin: Origin) -> Person {
    Person {
        id: PersonId(Uuid::from_u128(number)),
        origin,
        name: format!("Jane{number}"),
        display_name: Some("Jane \"J\" Doe".to_owned()),
        address: None,
        groups: vec!["CN=a,DC=b".to_owned(), "c".to_owned()],
        is_disabled: false,
        created: at(0),
        last_sign_in: None,
    }
}

fn external(subject: &str) -> Origin {
    Origin::Provider { provider: "corp".to_owned(), subject: subject.to_owned() }
}

async fn written(store: &Store, writes: &[Write<'_>]) {
    store.write_people(&[], writes).await.unwrap();
}

#[tokio::test]
async fn people_are_kept_and_found_by_what_names_them() {
    on_both(async |store: Store| {
        let (local, other) = (person(1, Origin::Local), person(2, external("S")));
        written(&store, &[Write::AddPerson(&local), Write::AddPerson(&other)]).await;
        assert_eq!(store.people().await.unwrap(), [local.clone(), other.clone()]);
        assert_eq!(store.local_person("jane1").await.unwrap(), Some(local.clone()));
        assert_eq!(store.person_of("corp", "S").await.unwrap(), Some(other.clone()));
        assert_eq!(store.person_of("corp", "s").await.unwrap(), None);
        let twin = Person { id: PersonId(Uuid::from_u128(9)), ..local.clone() };
        let taken = store.write_people(&[], &[Write::AddPerson(&twin)]).await;
        assert!(matches!(taken, Err(Error::Conflict { .. })));

        let changed = Person { is_disabled: true, groups: vec![], ..other.clone() };
        written(&store, &[Write::ChangePerson(&changed)]).await;
        assert_eq!(store.person(other.id).await.unwrap(), Some(changed));
        written(&store, &[Write::RemovePerson(other.id)]).await;
        assert_eq!(store.person(other.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn failures_are_counted_until_a_sign_in() {
    on_both(async |store: Store| {
        let jane = person(1, Origin::Local);
        let hash = "$argon2id$v=19$x";
        let set = Write::SetPassword { person: jane.id, hash };
        written(&store, &[Write::AddPerson(&jane), set]).await;
        store.count_failure(jane.id, None).await.unwrap();
        store.count_failure(jane.id, Some(at(60))).await.unwrap();
        let credential = store.credential(jane.id).await.unwrap().unwrap();
        assert_eq!((credential.failures, credential.locked_until), (2, Some(at(60))));
        assert_eq!(credential.password.as_deref(), Some(hash));
        assert!(!format!("{credential:?}").contains("argon2id"));
        written(&store, &[Write::SignedIn { person: jane.id, at: at(90) }]).await;
        let credential = store.credential(jane.id).await.unwrap().unwrap();
        assert_eq!((credential.failures, credential.locked_until), (0, None));
        assert_eq!(store.person(jane.id).await.unwrap().unwrap().last_sign_in, Some(at(90)));
    })
    .await;
}

#[tokio::test]
async fn a_code_is_taken_once() {
    on_both(async |store: Store| {
        let jane = person(1, Origin::Local);
        let set = Write::SetTotp { person: jane.id, sealed: b"sealed" };
        written(&store, &[Write::AddPerson(&jane), set]).await;
        assert_eq!(store.people_with_totp().await.unwrap(), []);
        let code = Write::AddRecoveryCode { person: jane.id, hash: b"one" };
        written(&store, &[Write::ConfirmTotp(jane.id), code]).await;
        assert_eq!(store.people_with_totp().await.unwrap(), [jane.id]);
        for (step, taken) in [(7, true), (7, false), (6, false), (8, true)] {
            assert_eq!(store.take_totp_step(jane.id, step).await.unwrap(), taken, "{step}");
        }
        assert_eq!(store.totp(jane.id).await.unwrap().unwrap().last_step, 8);
        assert_eq!(store.count_recovery_codes(jane.id).await.unwrap(), 1);
        for taken in [true, false] {
            assert_eq!(store.take_recovery_code(jane.id, b"one").await.unwrap(), taken);
        }
        written(&store, &[Write::RemoveTotp(jane.id)]).await;
        assert_eq!(store.totp(jane.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn authority_is_read_as_it_was_written() {
    on_both(async |store: Store| {
        let role = Role {
            name: RoleName::parse("second-level").unwrap(),
            description: "everything but the phone".to_owned(),
            permissions: [Permission::Read, Permission::DeleteResource].into(),
        };
        let collection = Collection {
            id: CollectionId(Uuid::from_u128(3)),
            name: CollectionName::parse("managers").unwrap(),
            description: String::new(),
            query: Query::parse("name:boss or state:quarantined").unwrap(),
            created: at(1),
        };
        let group = GroupName::parse("corp:CN=Help: desk").unwrap();
        let assigned = |id, assignee, place| Assignment {
            id: AssignmentId(Uuid::from_u128(id)),
            role: role.name.clone(),
            assignee,
            place,
            created: at(2),
        };
        let assignments = [
            assigned(1, Assignee::Group(group), AssignedPlace::Everywhere),
            assigned(
                2,
                Assignee::Person(PersonId(Uuid::from_u128(7))),
                AssignedPlace::Connector(ConnectorId(Uuid::from_u128(8))),
            ),
            assigned(
                3,
                Assignee::Person(PersonId(Uuid::from_u128(7))),
                AssignedPlace::Collection(collection.id),
            ),
        ];
        let mut writes = vec![Write::AddRole(&role), Write::AddCollection(&collection)];
        writes.extend(assignments.iter().map(Write::AddAssignment));
        written(&store, &writes).await;
        let authority = store.authority().await.unwrap();
        assert_eq!(authority.roles, [role]);
        assert_eq!(authority.collections, [collection]);
        assert_eq!(authority.assignments, assignments);
        let twice = Assignment { id: AssignmentId(Uuid::from_u128(4)), ..assignments[0].clone() };
        let taken = store.write_people(&[], &[Write::AddAssignment(&twice)]).await;
        assert!(matches!(taken, Err(Error::Conflict { .. })));
        written(&store, &[Write::RemovePerson(PersonId(Uuid::from_u128(7)))]).await;
        assert_eq!(store.authority().await.unwrap().assignments, assignments[..1]);
    })
    .await;
}

#[tokio::test]
async fn sessions_end_by_time_by_rest_and_by_hand() {
    on_both(async |store: Store| {
        let session = |number, expires| Session {
            id: SessionId(Uuid::from_u128(number)),
            person: PersonId::LOCAL_ADMINISTRATOR,
            began: at(0),
            seen: at(0),
            expires: at(expires),
            way: "token".to_owned(),
            address: Some("192.0.2.1".to_owned()),
            agent: None,
        };
        let (one, two) = (session(1, 10), session(2, 100));
        let add = [
            Write::AddSession { session: &one, hash: b"one" },
            Write::AddSession { session: &two, hash: b"two" },
        ];
        written(&store, &add).await;
        let found =
            async |hash: &[u8], now, idle| store.session(hash, at(now), at(idle)).await.unwrap();
        assert_eq!(found(b"one", 9, -1).await, Some(one.clone()));
        assert_eq!(found(b"one", 10, -1).await, None, "its time is over");
        assert_eq!(found(b"one", 9, 0).await, None, "it was not used");
        assert_eq!(found(b"three", 9, -1).await, None);
        store.touch_session(one.id, at(5)).await.unwrap();
        assert_eq!(found(b"one", 9, 4).await.unwrap().seen, at(5));
        let all = async |person| store.sessions(person, at(9), at(-1)).await.unwrap().len();
        assert_eq!((all(None).await, all(Some(PersonId::ENGINE)).await), (2, 0));
        let but = Some(two.id);
        written(&store, &[Write::EndSessions { person: two.person, but }]).await;
        assert_eq!(store.sessions(None, at(9), at(-1)).await.unwrap().len(), 1);
        written(&store, &[Write::ForgetEndedSessions { now: at(100), idle: at(-1) }]).await;
        assert_eq!(all(None).await, 0);
    })
    .await;
}

#[tokio::test]
async fn tokens_are_kept_without_their_secrets() {
    on_both(async |store: Store| {
        let token = Token {
            id: TokenId(Uuid::from_u128(1)),
            person: PersonId(Uuid::from_u128(7)),
            name: "monitoring".to_owned(),
            permissions: [Permission::Read].into(),
            place: AssignedPlace::Everywhere,
            created: at(0),
            expires: at(100),
            last_used: None,
        };
        written(&store, &[Write::AddToken { token: &token, hash: b"hash" }]).await;
        let found = store.token(token.id).await.unwrap();
        assert_eq!(found, Some((token.clone(), b"hash".to_vec())));
        store.touch_token(token.id, at(9)).await.unwrap();
        let used = Token { last_used: Some(at(9)), ..token.clone() };
        assert_eq!(store.tokens(None).await.unwrap(), [used]);
        assert_eq!(store.tokens(Some(PersonId::ENGINE)).await.unwrap(), []);
        written(&store, &[Write::RemoveToken(token.id)]).await;
        assert_eq!(store.token(token.id).await.unwrap(), None);
    })
    .await;
}
