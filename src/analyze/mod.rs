//! The whole line: read in parallel, merge, conclude.

mod analysis;
mod claims;
mod classify;
mod conclude;
mod feed;
mod options;
mod read;
mod visit;
mod watch;
mod window;
mod worker;

pub use analysis::{Analysis, AnalysisError, Read};
pub use classify::{Classified, Kind, Learnt, classify};
#[cfg(feature = "cli")]
pub(crate) use conclude::conclude_once;
pub use conclude::{baseline, conclude, patterns};
pub use feed::SourceRead;
pub use options::{LEAST_MEMORY, MAX_MEMORY, Options};
pub use read::{Maker, Reading, read};
pub use visit::visit;
pub use watch::Watch;
pub use window::{Bound, Selected, Selection};
