//! The protocol as its users meet it: two halves in memory, and everything said both ways.

mod bodies;
mod pair;
mod stories;
