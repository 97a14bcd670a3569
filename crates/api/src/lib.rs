//! The REST edge: requests and answers as JSON, who asks, and the OpenAPI document.
//!
//! Everything under `/api/v1` is described in `docs/openapi.json`, which a test writes. Handlers
//! translate and nothing more: what changes something is a command of the engine, what reads goes
//! to the store with the caller's scope. Errors are problem documents (RFC 9457) that say what to
//! do. This crate does not know HTML, Exchange or SQL.
//!
//! Start reading at [`router`], the table of everything that is answered; then `device`.

mod action;
mod ageing;
mod audit;
mod authentication;
mod change;
mod check;
mod connector;
mod connectors;
mod data_key;
mod decision;
mod device;
mod explanation;
mod health;
mod hosted;
mod idempotency;
mod identity_providers;
mod job;
mod notifications;
mod options;
mod parameters;
mod pass;
mod people;
mod preview;
mod problem;
mod sign_in;
mod status;
mod sync;
mod wishes;

pub use action::{Action, ActionPage, ActionPreview, ActionRequest, Counted, PlannedDevice};
pub use ageing::{Aged, Ageing};
pub use audit::check::AuditCheck;
pub use audit::stream::{AuditStream, AuditStreamFile, AuditStreamTarget, AuditSyslog};
pub use audit::{
    AuditActor, AuditClose, AuditClosed, AuditEntry, AuditList, AuditRetention, AuditState,
    AuditTarget,
};
pub use change::ConnectorChange;
pub use check::{CheckReport, CheckStep, FeatureCheck};
pub use connector::{Connector, NewConnector, OnPremises, Organization};
pub use connectors::ConnectorList;
pub use data_key::{DataKey, DataKeyRotation};
pub use decision::{Guard, GuardChange, GuardProposal, WipesCancelled};
pub use device::{Device, DeviceDetail, DevicePage};
pub use explanation::{
    AccessAgreement, AccessDecision, DeviceDescription, Explanation, ExplanationStep, MatchingRule,
    Remedy, ReportedAccess,
};
pub use health::{Budget, ComponentLog, Endpoint, EndpointList, LogLine, Message, MessageList};
pub use hosted::{Certificate, Hosted};
pub use identity_providers::{
    IdentityProvider, IdentityProviderChange, IdentityProviderList, IdentityProviderTest,
    LdapProvider, NewIdentityProvider, OidcProvider, ProviderReport, ProviderStep,
};
pub use job::{Job, JobList, JobRequest};
pub use notifications::{
    Attempt, Channel, ChannelAdded, ChannelList, Delivery, DeliveryDetail, DeliveryList,
    MailServer, MessagePreview, NewChannel, NewSubscription, NotificationChannelChange,
    OwnLanguage, SecretGiven, Subscription, SubscriptionList, Template, TemplateList, TemplateText,
    TestRequest, Tested, Webhook,
};
pub use options::{ConnectorOptions, Directory, SiteServer};
pub use pass::{Pass, PassList};
pub use people::{
    Assignment, AssignmentList, Collection, CollectionChange, CollectionList, MadeToken, Me,
    NewAssignment, NewCollection, NewPassword, NewRole, NewToken, NewTotp, NewUser, OwnPassword,
    PasswordProof, RecoveryCodes, Role, RoleChange, RoleList, Session, SessionList, SignIn, Token,
    TokenList, TotpCode, User, UserChange, UserList,
};
pub use preview::Preview;
pub use problem::Problem;
pub use sign_in::ConnectorSignIn;
pub use status::{ConnectorStatus, Status};
pub use sync::{SyncRequest, UserSynced};
pub use wishes::{
    AccessRule, AccessRuleList, ApplyRequest, ConnectorSetting, ConnectorSettings, Drift, Drifted,
    ExactRule, Flip, HitGroup, Import, Imported, Plan, PlanChange, PlanHits, PlanList, PlanRequest,
    PlanStep, PlanSummary, RollbackTo, RuleTest, Setting, SettingList, Switch, Takes, TestedRule,
    TestedRules, Wish, WishList, WishProblem, WrittenRule,
};

use axum::{
    Json, Router, extract::DefaultBodyLimit, http::Uri, middleware, response::IntoResponse as _,
    routing::get,
};
use engine::Engine;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Largest body read. A new connector with a bundle of certificate authorities (some 220 kB) is
/// the largest there is.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Where the OpenAPI document is served.
const OPENAPI: &str = "/api/v1/openapi.json";

/// Everything under `/api/v1`, and `/healthz`.
pub fn router(engine: Engine) -> Router {
    let (open, _) = open().split_for_parts();
    let (guarded, _) = guarded().split_for_parts();
    let guarded = guarded
        .layer(middleware::from_fn_with_state(
            idempotency::Answers::default(),
            idempotency::remember,
        ))
        .layer(middleware::from_fn_with_state(engine.clone(), authentication::authenticate))
        .layer(middleware::from_fn_with_state(engine.clone(), authentication::record_refusals))
        .with_state(engine.clone());
    let document = openapi();
    Router::new()
        .merge(guarded)
        .merge(open.with_state(engine))
        .route(OPENAPI, get(|| async { Json(document) }))
        .route("/api/{*rest}", axum::routing::any(unknown_address))
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a request handler panicked");
            Problem::internal().into_response()
        }))
}

/// The description of the API.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::with_openapi(Document::openapi()).merge(guarded()).merge(open()).into_openapi()
}

/// What answers only to those who signed in.
fn guarded() -> OpenApiRouter<Engine> {
    OpenApiRouter::new()
        .routes(routes!(connectors::list, connectors::add))
        .routes(routes!(connectors::show, connectors::change, connectors::remove))
        .routes(routes!(connectors::pause))
        .routes(routes!(connectors::resume))
        .routes(routes!(check::last, check::check))
        .routes(routes!(check::role_script))
        .routes(routes!(sign_in::show, sign_in::begin))
        .routes(routes!(sync::sync))
        .routes(routes!(health::endpoints))
        .routes(routes!(health::messages))
        .routes(routes!(health::log))
        .routes(routes!(health::budget))
        .routes(routes!(ageing::preview, ageing::now))
        .routes(routes!(pass::list))
        .routes(routes!(device::list))
        .routes(routes!(device::show))
        .routes(routes!(device::refresh))
        .routes(routes!(explanation::device))
        .routes(routes!(explanation::described))
        .routes(routes!(action::ask))
        .routes(routes!(action::list))
        .routes(routes!(decision::approve))
        .routes(routes!(decision::reject))
        .routes(routes!(decision::cancel))
        .routes(routes!(decision::cancel_wipes))
        .routes(routes!(decision::show, decision::change))
        .routes(routes!(decision::confirm))
        .routes(routes!(decision::restore))
        .routes(routes!(job::list))
        .routes(routes!(job::show))
        .routes(routes!(data_key::show))
        .routes(routes!(data_key::rotate))
        .routes(routes!(status::show))
        .routes(routes!(audit::list))
        .routes(routes!(audit::export))
        .routes(routes!(audit::state))
        .routes(routes!(audit::close))
        .routes(routes!(audit::retention, audit::set_retention))
        .routes(routes!(audit::check::show, audit::check::begin))
        .routes(routes!(audit::stream::show, audit::stream::set, audit::stream::remove))
        .routes(routes!(audit::stream::test))
        .merge(people::guarded())
        .routes(routes!(identity_providers::list, identity_providers::add))
        .routes(routes!(
            identity_providers::show,
            identity_providers::change,
            identity_providers::remove
        ))
        .routes(routes!(identity_providers::test))
        .merge(notifications())
        .merge(wishes())
}

/// What organizations shall be.
fn wishes() -> OpenApiRouter<Engine> {
    use wishes::{drift, plans, rules, settings, wish};
    OpenApiRouter::new()
        .routes(routes!(settings::list))
        .routes(routes!(settings::show))
        .routes(routes!(wish::show))
        .routes(routes!(wish::revisions))
        .routes(routes!(wish::import))
        .routes(routes!(plans::list, plans::make))
        .routes(routes!(plans::show))
        .routes(routes!(plans::apply))
        .routes(routes!(drift::show, drift::check))
        .routes(routes!(rules::list))
        .routes(routes!(rules::test))
}

/// Channels, subscriptions, templates and deliveries.
fn notifications() -> OpenApiRouter<Engine> {
    use notifications::{channels, deliveries, own, subscriptions, templates};
    OpenApiRouter::new()
        .routes(routes!(channels::list, channels::add))
        .routes(routes!(channels::show, channels::change, channels::remove))
        .routes(routes!(channels::test))
        .routes(routes!(channels::rotate))
        .routes(routes!(channels::retire))
        .routes(routes!(subscriptions::list, subscriptions::add))
        .routes(routes!(subscriptions::show, subscriptions::change, subscriptions::remove))
        .routes(routes!(templates::list))
        .routes(routes!(templates::set, templates::remove))
        .routes(routes!(templates::preview, templates::try_out))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::replay))
        .routes(routes!(own::show, own::choose))
}

/// What answers to everybody.
fn open() -> OpenApiRouter<Engine> {
    OpenApiRouter::new().routes(routes!(status::health)).routes(routes!(people::sign_in::sign_in))
}

async fn unknown_address(uri: Uri) -> Problem {
    Problem::not_found(
        format_args!("the API has no address {}", uri.path()),
        "/api/v1/openapi.json lists the addresses",
    )
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gatepost",
        description = "The open connector between Microsoft Exchange and the people who answer for the phones on it.",
        license(name = "Apache-2.0 OR MIT")
    ),
    components(schemas(Problem)),
    modifiers(&BearerToken),
    security(("token" = [])),
    tags(
        (name = "connectors", description = "Organizations connected, checked and synced"),
        (name = "devices", description = "The inventory"),
        (name = "wishes", description = "What organizations shall be: settings, access rules, plans, drift"),
        (name = "people", description = "Who can sign in, and what they may do"),
        (name = "jobs", description = "Work that the server does in the background"),
        (name = "guard", description = "How many wipes may be sent without a second person"),
        (name = "security", description = "Who may sign in and do what, and what keeps secrets"),
        (name = "audit", description = "What was done, by whom, to what and why"),
        (name = "notifications", description = "Who is told what happened, and by which way"),
        (name = "status", description = "How everything is")
    )
)]
struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token, such as that of local-admin.token in the data directory"))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(token));
    }
}
