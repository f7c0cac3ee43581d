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
//! resource and labels; [`pattern::uneventful`] tells whether it can be left at that; [`summary::Places`] counts it by the place it
//! comes from, found by the bytes of its resource, and tells the summary once for each place. All other entries are read
//! whole ([`entry::decode()`], [`pattern::observe`], [`summary::Summary::observe`]). That is exact since the summary is a monoid, and
//! `tests/shortcuts.rs` compares both ways byte for byte.
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
//! | lines, 1 thread | 3.00 | 3.00 | 0.36 | 71 | 18 |
//! | lines, 2 threads | 3.01 | 1.59 | 0.36 | 96 | 18 |
//! | array of gcloud, 1 thread | 2.39 | 2.38 | 0.45 | 63 | 14 |
//! | array of gcloud, 2 threads | 2.48 | 1.31 | 0.43 | 84 | 15 |
//! | gz, 1 thread | 4.22 | 4.21 | 0.25 | 69 | 25 |
//! | zst, 1 thread | 3.14 | 3.15 | 0.34 | 72 | 18 |
//! | 64 files, 1 thread | 2.63 | 2.63 | 0.41 | 73 | 15 |
//! | 64 files, 2 threads | 2.89 | 1.55 | 0.37 | 100 | 17 |
//! | standard input, 2 threads | 3.37 | 1.80 | 0.32 | 97 | 20 |
//! | `jq -r .severity`, which reads one field | 11.41 | 11.41 | 0.09 | 3 | 67 |
//! | `wc -l` | 0.17 | 0.17 | 6.20 | 2 | 1 |
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
