//! People and their authority: users, roles, assignments, collections, tokens, sessions.

pub(crate) mod assignment;
pub(crate) mod collection;
pub(crate) mod me;
pub(crate) mod role;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod token;
pub(crate) mod user;

pub use assignment::{Assignment, AssignmentList, NewAssignment};
pub use collection::{Collection, CollectionChange, CollectionList, NewCollection};
pub use me::{Me, NewTotp, OwnPassword, PasswordProof, RecoveryCodes, TotpCode};
pub use role::{NewRole, Role, RoleChange, RoleList};
pub use session::{Session, SessionList};
pub use sign_in::SignIn;
pub use token::{MadeToken, NewToken, Token, TokenList};
pub use user::{NewPassword, NewUser, User, UserChange, UserList};

use axum::{
    Extension, Json,
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use domain::{Caller, Permission, Permissions};
use engine::{Engine, People};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    parameters::{DryRun, Parameters},
    preview::Preview,
    problem::Problem,
};

/// What answers only to those who signed in.
pub(crate) fn guarded() -> OpenApiRouter<Engine> {
    OpenApiRouter::new()
        .routes(routes!(user::list, user::add))
        .routes(routes!(user::show, user::change, user::remove))
        .routes(routes!(user::set_password))
        .routes(routes!(user::remove_totp))
        .routes(routes!(user::end_sessions))
        .routes(routes!(role::list, role::add))
        .routes(routes!(role::show, role::change, role::remove))
        .routes(routes!(assignment::list, assignment::add))
        .routes(routes!(assignment::remove))
        .routes(routes!(collection::list, collection::add))
        .routes(routes!(collection::show, collection::change, collection::remove))
        .routes(routes!(token::list, token::make))
        .routes(routes!(token::revoke))
        .routes(routes!(session::list))
        .routes(routes!(session::end))
        .routes(routes!(me::show))
        .routes(routes!(me::password))
        .routes(routes!(me::tokens))
        .routes(routes!(me::sessions))
        .routes(routes!(me::offer_totp))
        .routes(routes!(me::confirm_totp))
        .routes(routes!(me::remove_totp))
}

/// Who changes something, or asks what a change would do.
pub(crate) struct Changing {
    engine: Engine,
    caller: Caller,
    pub(crate) is_dry_run: bool,
}

impl FromRequestParts<Engine> for Changing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let caller = Extension::<Caller>::from_request_parts(parts, engine).await;
        let Extension(caller) = caller.map_err(|_| Problem::internal())?;
        let Parameters(DryRun { dry_run }) = Parameters::from_request_parts(parts, engine).await?;
        Ok(Self { engine: engine.clone(), caller, is_dry_run: dry_run })
    }
}

impl Changing {
    pub(crate) fn people(&self) -> People<'_> {
        self.engine.people(&self.caller).rehearsed_if(self.is_dry_run)
    }

    /// Refuses who may not, before anything else is looked at.
    pub(crate) fn must_administer(&self) -> Result<(), Problem> {
        self.caller.scope(Permission::ModifySecurity)?;
        Ok(())
    }

    /// Nothing to show after a change, or what it would do.
    pub(crate) fn done(&self, would: String) -> Response {
        if self.is_dry_run { Preview::of(would) } else { StatusCode::NO_CONTENT.into_response() }
    }

    /// What a change led to, or what it would do.
    pub(crate) fn made<T: Serialize>(&self, would: String, made: Option<T>) -> Response {
        match made {
            Some(made) => (StatusCode::CREATED, Json(made)).into_response(),
            None => Preview::of(would),
        }
    }
}

/// The one word in the path.
#[derive(utoipa::IntoParams)]
#[into_params(names("name"), parameter_in = Path)]
pub(crate) struct Called(
    /// A name, or an id where there is one
    pub(crate) String,
);

impl<S: Send + Sync> FromRequestParts<S> for Called {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::invalid(rejection, "correct the address"))?;
        Ok(Self(text))
    }
}

/// The one id in the path.
#[derive(utoipa::IntoParams)]
#[into_params(names("id"), parameter_in = Path)]
pub(crate) struct Identified(
    /// Stable id
    pub(crate) String,
);

impl<S: Send + Sync> FromRequestParts<S> for Identified {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Called(text) = Called::from_request_parts(parts, state).await?;
        Ok(Self(text))
    }
}

/// Something of this id or name, if the text is one at all.
pub(crate) fn parsed<T, E: std::fmt::Display>(
    read: Result<T, E>,
    lists: &str,
) -> Result<T, Problem> {
    read.map_err(|error| Problem::not_found(error, lists))
}

/// A name or another text of a body.
pub(crate) fn valid<T, E: std::fmt::Display>(read: Result<T, E>) -> Result<T, Problem> {
    read.map_err(|error| Problem::invalid(error, "correct it and send it again"))
}

/// Permissions by their words.
pub(crate) fn permissions(words: &[String]) -> Result<Permissions, Problem> {
    words
        .iter()
        .map(|word| {
            Permission::from_word(word).ok_or_else(|| {
                let known: Vec<_> = Permission::ALL.iter().map(|known| known.word()).collect();
                Problem::invalid(
                    format_args!("{word:?} is no permission"),
                    &format!("take some of {}", known.join(", ")),
                )
            })
        })
        .collect()
}

/// The words of permissions.
pub(crate) fn words(permissions: Permissions) -> Vec<String> {
    permissions.iter().map(|permission| permission.word().to_owned()).collect()
}
