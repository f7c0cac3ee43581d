//! Why: ranked candidates.

pub mod silent;
