//! The mergeable account of everything that was observed.
