//! Stories about the simulated organization, told through its public face.

mod organization;
mod wire;
