//! A report held against what else is known: its export, a written text, earlier incidents, a team's profile, and what must not be told.

pub mod audit;
pub mod history;
pub mod profile;
pub mod redact;
pub mod verify;
