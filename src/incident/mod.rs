//! What happened, when, to what.
