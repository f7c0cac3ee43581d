//! Why: ranked candidates.
