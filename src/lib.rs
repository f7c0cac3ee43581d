//! `firstfault` reads exported Google Cloud Logging JSON and tells which fault came first.
//!
//! # One line that the data walks
//!
//! ```text
//! bytes ─▶ records ─▶ entries ─▶ observations ─▶ summary ⊕ summary ─▶ incidents ─▶ causes ─▶ report ─▶ faces
//! source   framing    entry      pattern         summary              incident     cause     report    face, check
//! └──────── per batch, on every core ──────────┘ └─ merged, any order ┘ └───────── once, pure, small ─────────┘
//! ```
//!
//! The modules below are this line, in this order. A module may name only modules above it; only `source` and `cli` touch
//! the world. `tests/architecture.rs` holds both laws.
//!
//! # Invariants
//!
//! - A [`summary::Summary`] is a commutative monoid: a split of the input never shows. It holds integers, minima, maxima
//!   and bounded sorted maps; no floats, no hash order, no clock.
//! - Everything right of ⊕ reads only the summary. The same bytes give the same report for any thread count.
//! - Every count in a report is exact, and every quote is an entry that exists at a source and an offset.
//! - Bad input is an observation: counted, shown, never a panic.
//!
//! # Two ways through one account
//!
//! Most entries of an export say nothing but that they happened. [`entry::glance()`] takes one plain entry without reading its
//! resource, its labels and the fields of its payload, and without parsing it when a record of its shape came before
//! ([`entry::Shapes`]); [`pattern::uneventful`] tells whether it can be left at that;
//! [`summary::Places`] counts it by the place it comes from, found by the bytes of its resource, and tells the summary once for
//! each place. All other entries are read whole ([`entry::decode()`], [`pattern::observe`], [`summary::Summary::observe`]).
//! [`pattern::Sayings`] remembers what a message says, since services repeat themselves word for word. All this is exact: the
//! summary is a monoid, and `tests/it/shortcuts.rs` compares both ways byte for byte.
//!
//! How fast all this is, and how that is measured, stands in `benches/README.md`.

//! # In your own program
//!
//! [`Analysis`] is the line from paths to a report. A source of your own is [`source::Given`], a signature of your own a file for
//! [`pattern::Catalogue::with_files`]; without the feature `cli`, which is on by default, nothing of the command line is built.
//!
//! ```
//! let path = "fixtures/expired-certificate/entries.json";
//! let report = firstfault::Analysis::new().threads(2).read([path])?.conclude();
//! for incident in &report.incidents {
//!     println!("{} {}: {}", incident.start, incident.causes[0].component, incident.causes[0].title);
//! }
//! # assert!(!report.incidents.is_empty());
//! # Ok::<(), firstfault::AnalysisError>(())
//! ```

pub mod time;

pub mod source;

pub mod framing;

pub mod entry;

pub mod pattern;

pub mod summary;

pub mod incident;

pub mod cause;

pub mod report;

pub mod face;

pub mod check;

pub mod analyze;

#[cfg(feature = "cli")]
pub mod cli;

pub use analyze::{Analysis, AnalysisError, Read};
pub use report::Report;
