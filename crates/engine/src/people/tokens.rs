//! API tokens: made, listed, ended. The secret is told once.

use std::time::Duration;

use domain::{
    Caller, ConnectorName, Permission, Permissions, PersonId, Source, TokenId,
    audit::{Event, TargetKind},
    authority::{AssignedPlace, CollectionName, Place},
};
use store::{PeopleWrite, Token};
use uuid::Uuid;

use super::{
    People, SignInError, Visit,
    sign_in::{digest, hexadecimal, said},
};
use crate::{Engine, Error, secrets::random_bytes};

/// How long a token lives if nobody says.
pub(crate) const USUAL_DAYS: u16 = 90;
/// How long at most: two years.
const MAX_DAYS: u16 = 731;
/// How long a token lives that somebody signs in for, if nobody says: a working day.
const SIGN_IN_DAYS: u16 = 1;
/// And at most.
const MAX_SIGN_IN_DAYS: u16 = 90;
/// Tokens of one person.
const MAX_TOKENS: usize = 100;
/// Longest name, in characters.
const MAX_NAME: usize = 100;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A token to be made.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do at most; without, reading.
    pub permissions: Option<Permissions>,
    /// Where at most: a connector.
    pub connector: Option<ConnectorName>,
    /// Or a collection; without either, wherever its owner may.
    pub collection: Option<CollectionName>,
    /// In how many days it ends.
    pub days: Option<u16>,
    /// Whose it is, if not the caller's.
    pub user: Option<String>,
}

/// A token that was just made.
#[derive(Clone)]
pub struct MadeToken {
    /// The token itself. It is told once.
    pub token: String,
    /// What is kept of it.
    pub kept: Token,
}

impl std::fmt::Debug for MadeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeToken").field("kept", &self.kept).finish_non_exhaustive()
    }
}

/// A token in the words of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenShown {
    /// What is kept of it.
    pub token: Token,
    /// Whose it is.
    pub owner: String,
    /// Where it holds; `None` is wherever its owner may.
    pub place: Option<String>,
}

/// What somebody shows to get a token of their own.
#[derive(Clone)]
pub struct SignInForToken {
    /// User name.
    pub name: String,
    /// Password.
    pub password: String,
    /// Code, if the user has a second step.
    pub code: Option<String>,
    /// In how many days the token ends.
    pub days: Option<u16>,
}

impl std::fmt::Debug for SignInForToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInForToken")
    }
}

impl Engine {
    /// Signs in for the command line: a token that may do whatever its owner may.
    pub async fn sign_in_for_token(
        &self,
        shown: SignInForToken,
        visit: &Visit,
    ) -> Result<MadeToken, SignInError> {
        let days = within(shown.days, SIGN_IN_DAYS, MAX_SIGN_IN_DAYS)?;
        let code = shown.code.as_deref();
        let person = self.proven(&shown.name, &shown.password, code, visit).await?;
        let caller = self.caller_of(&person, Source::CommandLine).await?;
        let now = self.now();
        let kept = Token {
            id: TokenId(Uuid::new_v4()),
            person: person.id,
            name: "gatepost login".to_owned(),
            permissions: Permissions::ALL,
            place: AssignedPlace::Everywhere,
            created: now,
            expires: now + DAY * u32::from(days),
            last_used: None,
        };
        let entry = domain::audit::Entry::of(&caller, now, Event::SignedIn)
            .on(TargetKind::Token, kept.id.to_string(), &kept.name)
            .with("way", "password")
            .with("address", said(visit));
        let (token, hash) = secret_of(kept.id);
        let writes = [
            PeopleWrite::AddToken { token: &kept, hash: &hash },
            PeopleWrite::SignedIn { person: person.id, at: now },
        ];
        self.write_people(&writes, &[entry]).await?;
        Ok(MadeToken { token, kept })
    }
}

impl People<'_> {
    /// The caller's own tokens, the latest first.
    pub async fn own_tokens(&self) -> Result<Vec<TokenShown>, Error> {
        self.shown(self.store().tokens(Some(self.caller.person)).await?).await
    }

    /// Everybody's tokens, the latest first.
    pub async fn tokens(&self) -> Result<Vec<TokenShown>, Error> {
        self.may_modify()?;
        self.shown(self.store().tokens(None).await?).await
    }

    async fn shown(&self, tokens: Vec<Token>) -> Result<Vec<TokenShown>, Error> {
        let people = self.store().people().await?;
        let words = self.words().await?;
        let shown = tokens.into_iter().map(|token| TokenShown {
            owner: self.name_of(&people, token.person),
            place: words.place(token.place),
            token,
        });
        Ok(shown.collect())
    }

    /// Makes a token: the caller's own, or somebody else's.
    pub async fn make_token(&self, new: NewToken) -> Result<MadeToken, Error> {
        let name = new.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control)
        {
            return Err(Error::Invalid(format!(
                "the name of a token is 1 to {MAX_NAME} characters; say what it is for"
            )));
        }
        let days = within(new.days, USUAL_DAYS, MAX_DAYS)?;
        let owner = match &new.user {
            Some(user) => {
                self.may_modify()?;
                self.person_called(user).await?.id
            }
            None => self.caller.person,
        };
        let place = self.place_called(new.connector.as_ref(), new.collection.as_ref()).await?;
        let permissions = self.permissions_for(owner, new.permissions, place).await?;
        if self.store().tokens(Some(owner)).await?.len() >= MAX_TOKENS {
            return Err(Error::Conflict(format!("there are {MAX_TOKENS} tokens; end some first")));
        }
        let now = self.engine.now();
        let kept = Token {
            id: TokenId(Uuid::new_v4()),
            person: owner,
            name,
            permissions,
            place,
            created: now,
            expires: now + DAY * u32::from(days),
            last_used: None,
        };
        let (token, hash) = secret_of(kept.id);
        let words: Vec<_> = permissions.iter().map(Permission::word).collect();
        let people = self.store().people().await?;
        let entry = self
            .entry(Event::TokenChanged)
            .on(TargetKind::Token, kept.id.to_string(), &kept.name)
            .with("change", "made")
            .with("owner", self.name_of(&people, owner))
            .with("permissions", words.join(" "))
            .with("expires", kept.expires.to_string());
        self.write(&[PeopleWrite::AddToken { token: &kept, hash: &hash }], entry).await?;
        Ok(MadeToken { token, kept })
    }

    /// What a token is to permit: no more than its owner may, and of one's own no more than one may
    /// oneself, who may be a token too.
    async fn permissions_for(
        &self,
        owner: PersonId,
        wished: Option<Permissions>,
        place: AssignedPlace,
    ) -> Result<Permissions, Error> {
        let may = match self.store().person(owner).await? {
            Some(person) => self.engine.caller_of(&person, self.caller.source).await?,
            None => Caller::local_administrator(),
        };
        if owner == self.caller.person
            && place == AssignedPlace::Everywhere
            && places(&may) != places(self.caller)
        {
            return Err(Error::Conflict(
                "this token is limited to a place and cannot make one that is not".to_owned(),
            ));
        }
        let reading: Permissions = [Permission::Read, Permission::ReadResource].into();
        let is_allowed = |permission: &Permission| {
            may.may(*permission) && (owner != self.caller.person || self.caller.may(*permission))
        };
        let Some(wished) = wished else {
            return Ok(reading.iter().filter(is_allowed).collect());
        };
        if let Some(missing) = wished.iter().find(|permission| !is_allowed(permission)) {
            if owner == self.caller.person {
                may.scope(missing)?;
                self.caller.scope(missing)?;
            }
            return Err(Error::Invalid(format!(
                "{} has no permission {}, and no token can have more than its owner",
                may.name,
                missing.title()
            )));
        }
        Ok(wished)
    }

    /// Ends a token: one's own, or with the permission anybody's.
    pub async fn revoke_token(&self, id: TokenId) -> Result<(), Error> {
        let found = self.store().token(id).await?.map(|(token, _)| token);
        let found = found.filter(|it| it.person == self.caller.person || self.may_modify().is_ok());
        let Some(token) = found else {
            return Err(Error::NotFound(format!("there is no token {id}")));
        };
        let entry = self
            .entry(Event::TokenChanged)
            .on(TargetKind::Token, id.to_string(), &token.name)
            .with("change", "ended");
        self.write(&[PeopleWrite::RemoveToken(id)], entry).await
    }
}

/// Where a caller may do anything at all.
fn places(caller: &Caller) -> Vec<&Place> {
    caller.grants.iter().map(|grant| &grant.place).collect()
}

/// A new token with this id, and the hash that is kept of its secret.
fn secret_of(id: TokenId) -> (String, [u8; 32]) {
    let secret = hexadecimal(&random_bytes::<32>());
    (format!("gp_{}_{secret}", id.0.simple()), digest(&secret))
}

fn within(days: Option<u16>, usual: u16, most: u16) -> Result<u16, Error> {
    match days.unwrap_or(usual) {
        days if (1..=most).contains(&days) => Ok(days),
        days => {
            Err(Error::Invalid(format!("a token cannot live for {days} days; take 1 to {most}")))
        }
    }
}
