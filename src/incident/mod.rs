//! What happened, when, to what.

pub mod onset;
mod series;

pub use series::{Series, series};
