//! Notifications: what happened and is to be told.

mod news;

pub use news::News;
