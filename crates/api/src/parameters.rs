//! What a request brings along, taken apart strictly: an unknown parameter is a mistake that the
//! caller wants to hear of.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::request::Parts,
};
use domain::{Caller, Connector, ConnectorName, Permission, Scope};
use engine::Engine;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::problem::Problem;

/// The query string as a `T`.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(value) = Query::try_from_uri(&parts.uri).map_err(|rejection| {
            Problem::invalid(
                innermost(&rejection),
                "correct the query string; /api/v1/openapi.json lists the parameters",
            )
        })?;
        Ok(Self(value))
    }
}

/// The JSON body as a `T`.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Problem::unsupported_media_type("the body is not declared as JSON"))
            }
            Err(JsonRejection::BytesRejection(rejection)) => {
                Err(Problem::too_large(innermost(&rejection)))
            }
            Err(rejection) => Err(Problem::invalid(
                innermost(&rejection),
                "correct the body; /api/v1/openapi.json describes it",
            )),
        }
    }
}

/// The JSON body as a `T`, or what that is when nothing was sent.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
            .await
            .map_err(|rejection| Problem::too_large(innermost(&rejection)))?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        let Body(value) =
            Body::from_request(Request::from_parts(parts, bytes.into()), state).await?;
        Ok(Self(value))
    }
}

/// The name of a connector in the path.
#[derive(utoipa::IntoParams)]
#[into_params(names("name"), parameter_in = Path)]
pub(crate) struct Name(
    /// Name of the connector
    #[param(value_type = String)]
    pub(crate) ConnectorName,
);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::invalid(innermost(&rejection), "correct the address"))?;
        ConnectorName::parse(&text).map(Self).map_err(|error| {
            Problem::not_found(error, "GET /api/v1/connectors lists the connectors there are")
        })
    }
}

/// How many rows a page holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) u16);

impl Limit {
    /// A page of a thousand devices is about a megabyte of JSON: enough to make the round trip
    /// small beside the work, little enough to hold in memory for many callers.
    pub(crate) const MAXIMUM: u16 = 1000;
}

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(limit @ 1..=Self::MAXIMUM) => Ok(Self(limit)),
            _ => Err(serde::de::Error::custom(format!(
                "limit is {text:?}, and must be a number from 1 to {}",
                Self::MAXIMUM
            ))),
        }
    }
}

/// `dry_run=true`: say what would happen, and do nothing.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DryRun {
    /// Say what would happen, and do nothing.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// Something that somebody wants to know of a connector.
pub(crate) struct OfConnector<P = NoParameters> {
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
    pub(crate) name: ConnectorName,
    pub(crate) parameters: P,
}

impl<P: DeserializeOwned> FromRequestParts<Engine> for OfConnector<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let caller = Extension::<Caller>::from_request_parts(parts, engine).await;
        let Extension(caller) = caller.map_err(|_| Problem::internal())?;
        let Name(name) = Name::from_request_parts(parts, engine).await?;
        let Parameters(parameters) = Parameters::from_request_parts(parts, engine).await?;
        Ok(Self { engine: engine.clone(), caller, name, parameters })
    }
}

impl<P> OfConnector<P> {
    /// The connector, if the caller may see it, and what else the caller may see.
    pub(crate) async fn connector(&self) -> Result<(Scope, Connector), Problem> {
        let scope = self.caller.scope(Permission::Read)?;
        let connector = self.engine.store().connector(&scope, &self.name).await?;
        Ok((scope, connector))
    }
}

/// Something that somebody wants to do with a connector.
pub(crate) struct Asked {
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
    pub(crate) name: ConnectorName,
    pub(crate) is_dry_run: bool,
}

impl FromRequestParts<Engine> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let asked = OfConnector::from_request_parts(parts, engine).await?;
        let OfConnector { engine, caller, name, parameters: DryRun { dry_run } } = asked;
        Ok(Self { engine, caller, name, is_dry_run: dry_run })
    }
}

impl Asked {
    /// The connector, if the caller may change it.
    pub(crate) async fn connector(&self) -> Result<Connector, Problem> {
        let scope = self.caller.scope(Permission::ModifySite)?;
        Ok(self.engine.store().connector(&scope, &self.name).await?)
    }

    /// The same if nothing is to be done but to say what would be; `None` if it is to be done.
    pub(crate) async fn dry_run(&self) -> Result<Option<Connector>, Problem> {
        if self.is_dry_run { self.connector().await.map(Some) } else { Ok(None) }
    }
}

/// The header that makes a change safe to repeat; see `idempotency`.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the middleware; this only describes it")]
pub(crate) struct IdempotencyKey {
    /// A new UUID for each new request; the same again when the answer was lost.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
}

/// For addresses that take no parameter at all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoParameters {}

/// The cause at the bottom: the layers above only say that deserializing failed.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
