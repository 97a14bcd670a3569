//! Hosted Exchange: the same cmdlets and objects as on premises, over the service that Exchange
//! Online's own shell uses.
//!
//! That service is not documented: its addresses, headers, envelope, errors and habits stay inside
//! `admin_api`, so that a successor can take its place. Signing in is in `sign_in`, the hosts of the
//! clouds are in `cloud`. Start reading at [`AdminApi`].

mod admin_api;
mod certificate;
mod channel;
mod cloud;
mod settings;
mod sign_in;
mod throttle;

#[cfg(test)]
mod lab;

pub use admin_api::AdminApi;
pub use certificate::{Certificate, CertificateError};
pub use settings::{Clock, HostedCredential, HostedSettings, HostedTimeouts, Shared};
pub use sign_in::{DeviceCode, DeviceCodeAnswer, SignInError, Tokens};
pub use throttle::Throttle;

pub(crate) use channel::{Answer, Ask, Channel};
