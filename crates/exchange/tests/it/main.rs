//! Our client against the simulated organization over loopback.

mod lab;
mod reading;
mod sessions;
mod signing_in;
