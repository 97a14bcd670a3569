//! What a pass compares: what is known with what was read.
