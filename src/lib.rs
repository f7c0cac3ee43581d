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
//! One run, 1 GiB (1,041,203 entries, 5 % failing, 3.5 % changes of 3 KB), page cache, two virtual cores, best of three; from the
//! first byte to the written JSON report:
//!
//! | | CPU s | wall s | GB per CPU-s | MiB | CPU against `wc -l` |
//! | --- | --: | --: | --: | --: | --: |
//! | lines, 1 thread | 1.94 | 1.94 | 0.55 | 54 | 10 |
//! | array of gcloud, 1 thread | 1.66 | 1.66 | 0.65 | 47 | 9 |
//! | gz, 1 thread | 3.06 | 3.06 | 0.35 | 55 | 16 |
//! | zst, 1 thread | 2.21 | 2.21 | 0.49 | 55 | 12 |
//! | 64 files, 1 thread | 1.86 | 1.87 | 0.58 | 55 | 10 |
//! | standard input, 1 thread | 2.14 | 1.84 | 0.50 | 55 | 11 |
//! | lines, 2 threads | 2.05 | 1.11 | 0.52 | 58 | 11 |
//! | array of gcloud, 2 threads | 1.76 | 0.95 | 0.61 | 51 | 9 |
//! | gz, 2 threads | 3.19 | 1.71 | 0.34 | 58 | 17 |
//! | zst, 2 threads | 2.28 | 1.22 | 0.47 | 61 | 12 |
//! | 64 files, 2 threads | 1.95 | 1.05 | 0.55 | 58 | 10 |
//! | standard input, 2 threads | 2.28 | 1.27 | 0.47 | 60 | 12 |
//! | `wc -l` | 0.19 | 0.19 | 5.7 | 2 | 1 |
//! | `rg`, seven words | 0.41 | 0.41 | 2.6 | 1030 | 2 |
//! | `rg`, 40 patterns | 2.07 | 2.1 | 0.52 | 1030 | 11 |
//! | `duckdb`, the query above | 0.79 | 0.42 | 1.4 | 92 | 4 |
//! | `duckdb`, with the service and 40 patterns in the message | 1.19 | 1.19 | 0.90 | 142 | 6 |
//! | `jq -r .severity` | 11.5 | 12.5 | 0.09 | 3 | 60 |
//!
//! Readers of JSON, on 64 MiB of these lines and one core: a glance 1.4 GB/s and every entry whole 1.1 (cutting included),
//! serde_json into borrowed fields 0.92, into a `Value` 0.46.
//!
//! Where the time goes on one thread (sampled): a glance 23 %, failing entries and changes read whole 20 %, reading files 10 %,
//! traces 7 %, copies 6 %, hashing and cutting 3 %, requests by route 3 %, the conclusion 2 %; the rest is spread thin. A tenth of
//! all lies in moving entries and giving and taking memory.

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

#[cfg(feature = "cli")]
pub mod cli;
