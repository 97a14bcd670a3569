//! Notifications: what happened and is to be told, where it is told, and what became of it.

mod channels;
mod deliveries;
mod document;
mod news;
mod subscriptions;

pub use news::{News, WaitingNews};
