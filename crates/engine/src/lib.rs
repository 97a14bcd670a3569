//! Makes it happen: commands, the sync reconciler, durable jobs, signing in, the clock.
//!
//! Every change goes through a method of [`Engine`], whoever asks for it: console, API and command
//! line call the same ones, so they cannot differ. Reads go straight to [`Engine::store`] with the
//! scope of the caller. Long work is a durable job, done by workers that survive a crash.
//!
//! This crate knows nothing of HTML, JSON over HTTP or command lines, and nothing of SQL or of
//! Exchange's spelling: it puts the rooms together that do. Start reading at [`Engine`], then
//! `worker` and `sync` for what happens in the background.

mod actions;
mod ageing;
mod audit;
mod budget;
mod check;
mod clock;
mod component;
mod connectors;
mod data_key;
mod endpoints;
mod engine;
mod error;
mod explaining;
mod fault;
mod giving_back;
mod hosted;
mod identity_providers;
mod link;
mod notifications;
mod people;
mod proof;
mod refresh;
mod role_script;
mod secrets;
mod sessions;
mod status;
mod supervisor;
mod sync;
mod tasks;
mod validation;
mod wishes;
mod worker;

pub use actions::{NewRequest, Planned, Preview, Review, Targets};
pub use ageing::AgeingPreview;
pub use audit::{
    AuditChain, AuditCheck, AuditExport, AuditIdentity, AuditKey, AuditStream, AuditTrouble,
    Broken, BrokenChain, ClosedPart, Expected, ExportFormat, StreamBeginning, Verified, Verifier,
    VerifyError, is_signed, verify,
};
pub use budget::BudgetGauge;
pub use check::{CheckReport, CheckResult, CheckStep};
pub use clock::Clock;
pub use component::LogLine;
pub use connectors::{ConnectorChange, NewConnector, Removal};
pub use data_key::{
    DataKey, DataKeyReport, DataKeys, InvalidKey, KeyFit, KeyId, KeyMaker, Rotated,
};
pub use engine::{AuditOptions, Engine, Options};
pub use error::Error;
pub use exchange::{Family, Feature, FeatureCheck, FeatureState};
pub use explaining::{DescribedDevice, Explained};
pub use fault::Fault;
pub use hosted::{PersonSignIn, SignInState};
pub use identity_providers::{
    ExternalSignInError, FaultOf, IdentityProviderChange, NewIdentityProvider, NotSignedIn,
    OpenIdAnswer, OpenIdBeginning, OpenIdSession, ProviderRemoval, ProviderReport, ProviderStep,
    SecretChange, SignInChoice, StepState,
};
pub use notifications::{
    ChannelChange, DeliveryDetail, NewChannel, Rendered, SubscriptionView, SubscriptionWish, Trial,
};
pub use people::{
    AssignmentShown, ExternalIdentity, MadeToken, NewAssignment, NewCollection, NewSession,
    NewToken, NewUser, People, SignInError, SignInForToken, SignInStep, TokenShown, TotpOffer,
    User, UserChange, Visit,
};
pub use proof::Proof;
pub use role_script::hosted_role_script;
pub use supervisor::NextPasses;
pub use wishes::{
    Drift, Drifted, ExactRule, FileProblem, Flip, Found, HitGroup, Hits, Imported, KnownRule,
    KnownRules, KnownSetting, KnownSettings, Part, PlannedWish, RuleSource, TestedRule,
    TestedRules, WishSource, WishToEdit, name_of,
};
