//! Stories of the engine beside a simulated organization, over the real wire.

mod connecting;
mod signing_in;
mod syncing;
