//! The words of Gatepost and its decisions, as values and pure functions.
//!
//! This crate knows nothing of SQL, HTTP, JSON or Exchange's spelling. It reads no clock and does
//! no I/O: what it needs to know is handed to it. Every other room speaks to its neighbours in the
//! words defined here; `docs/glossary.md` explains each of them.
//!
//! Start reading at [`device`], the word everything else turns around.

#![warn(missing_docs)]

pub mod access;
pub mod action;
pub mod audit;
pub mod authority;
pub mod connector;
pub mod device;
pub mod distinguished_name;
pub mod endpoint;
pub mod guard;
pub mod id;
pub mod identity_provider;
pub mod inventory;
pub mod mailbox;
pub mod notification;
pub mod pass;
pub mod person;
pub mod query;
pub mod schedule;
pub mod server;
pub mod settings;
pub mod status_message;
pub mod wish;

pub use access::{AccessLevel, AccessRule, Characteristic};
pub use action::{ActionKind, ActionState};
pub use authority::{Caller, Permission, Permissions, Scope, Source};
pub use connector::{Connector, ConnectorName};
pub use device::{AccessReason, AccessState, Device, DeviceFacts, DeviceStatistics, WipeStatus};
pub use distinguished_name::DistinguishedName;
pub use endpoint::{EndpointHealth, EndpointOrigin};
pub use id::{
    ActionId, AssignmentId, ChannelId, CollectionId, ConnectorId, DeliveryId, DeviceId,
    IdentityProviderId, JobId, PassId, PersonId, PlanId, RequestId, SessionId, SubscriptionId,
    TokenId,
};
pub use identity_provider::{IdentityProvider, ProviderName, ProviderSettings};
pub use jiff::Timestamp;
pub use mailbox::MailboxFacts;
pub use person::{Person, UserName};
pub use query::Query;
pub use schedule::{Schedule, Schedules, TimeZoneName};
pub use server::ServerFacts;
pub use settings::{Setting, SettingValue, SettingsGroup};
pub use status_message::StatusMessage;
