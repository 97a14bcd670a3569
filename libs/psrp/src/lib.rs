//! (being written)

pub mod clixml;
