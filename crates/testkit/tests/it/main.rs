//! Stories of what benchmarks measure, counted.

mod pace;
