//! `firstfault` reads exported Google Cloud Logging JSON and tells which fault came first.
//!
//! # One line that the data walks
//!
//! ```text
//! bytes ─▶ records ─▶ entries ─▶ observations ─▶ summary ⊕ summary ─▶ incidents ─▶ causes ─▶ report
//! source   framing    entry      pattern         summary              incident     cause     report
//! └──────── per batch, on every core ──────────┘ └─ merged, any order ┘ └──── once, pure, small ────┘
//! ```
//!
//! The modules below are this line, in this order. A room may name only rooms above it; only `source` and `cli` touch
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
//! resource, its labels and the fields of its payload; [`pattern::uneventful`] tells whether it can be left at that;
//! [`summary::Places`] counts it by the place it comes from, found by the bytes of its resource, and tells the summary once for
//! each place. All other entries are read whole ([`entry::decode()`], [`pattern::observe`], [`summary::Summary::observe`]).
//! [`pattern::Sayings`] remembers what a message says, since services repeat themselves word for word. All this is exact: the
//! summary is a monoid, and `tests/shortcuts.rs` compares both ways byte for byte.
//!
//! # Speed, and how to measure it
//!
//! ```text
//! cargo bench --bench whole         # the program on every shape of one corpus, beside the peers that are installed
//! cargo bench --bench throughput    # each stage: cutting, a glance, decoding, unpacking
//! cargo bench --bench templates     # mining
//! cargo bench --bench instructions --no-run   # then callgrind, as its first lines say: for noisy machines
//! ```
//!
//! Peers, on the file that `whole` leaves in `target/tmp`:
//!
//! ```text
//! wc -l FILE
//! rg -c -i -f patterns.txt FILE
//! duckdb -c "SELECT severity, resource.type, count(*) FROM read_json('FILE', format='newline_delimited',
//!   columns={severity:'VARCHAR', resource:'STRUCT(type VARCHAR)', textPayload:'VARCHAR'}) GROUP BY ALL"
//! jq -r .severity FILE
//! ```
//!
//! One run, 1 GiB (1,041,203 entries, 5 % failing, 3.5 % changes of 3 KB), page cache, two virtual cores, best of two; from the
//! first byte to the written JSON report:
//!
//! | | CPU s | wall s | GB per CPU-s | MiB | CPU against `wc -l` |
//! | --- | --: | --: | --: | --: | --: |
//! | lines, 1 thread | 2.93 | 2.94 | 0.37 | 62 | 15 |
//! | array of gcloud, 1 thread | 2.49 | 2.55 | 0.43 | 58 | 13 |
//! | gz, 1 thread | 4.15 | 4.24 | 0.26 | 62 | 22 |
//! | zst, 1 thread | 3.29 | 3.60 | 0.33 | 63 | 17 |
//! | 64 files, 1 thread | 2.96 | 2.96 | 0.36 | 63 | 15 |
//! | standard input, 1 thread | 3.17 | 2.88 | 0.34 | 62 | 17 |
//! | lines, 2 threads | 3.13 | 1.67 | 0.34 | 85 | 16 |
//! | array of gcloud, 2 threads | 2.63 | 1.46 | 0.41 | 79 | 14 |
//! | gz, 2 threads | 4.48 | 2.39 | 0.24 | 84 | 23 |
//! | zst, 2 threads | 3.82 | 2.05 | 0.28 | 88 | 20 |
//! | 64 files, 2 threads | 3.25 | 1.73 | 0.33 | 84 | 17 |
//! | standard input, 2 threads | 3.46 | 1.86 | 0.31 | 84 | 18 |
//! | `wc -l` | 0.19 | 0.19 | 5.6 | 2 | 1 |
//!
//! `jq -r .severity`, which reads one field, takes 11.4 CPU s.
//!
//! Where the time goes on one thread (sampled): a glance 20 %, failing entries and changes read whole 25 %, copies 10 %, traces 9 %,
//! giving and taking memory 9 %, regexes 7 %, reading, hashing and cutting 6 %; the rest is spread thin.

pub mod time;

pub mod source;

pub mod framing;

pub mod entry;

pub mod pattern;

pub mod summary;

pub mod incident;

pub mod cause;

pub mod report;

pub mod analyze;

pub mod cli;
