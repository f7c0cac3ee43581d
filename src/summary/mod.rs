//! The mergeable account of everything that was observed.

pub mod traces;
