//! What others wrote, changed by chance and by coverage: one target for every room that reads it.
//!
//! `cargo test --test fuzz` replays the kept inputs of `fixtures/fuzz/<target>/` and then a fixed number of inputs made
//! from them with a fixed seed: the same on every run and machine.
//!
//! To look for new ones, guided by coverage, for as long as one likes (`framing` is the target; any of [`TARGETS`]):
//!
//! ```sh
//! mkdir -p target/fuzz/corpus/framing
//! FUZZ=framing CARGO_INCREMENTAL=0 CARGO_PROFILE_FAST_DEBUG_ASSERTIONS=true \
//! RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!   -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!   -Cllvm-args=-sanitizer-coverage-trace-compares -Clink-arg=-Wl,--unresolved-symbols=ignore-all" \
//! cargo test --test fuzz --profile fast --target x86_64-unknown-linux-gnu --target-dir target/fuzz -- \
//!   target/fuzz/corpus/framing fixtures/fuzz/framing -dict=fixtures/fuzz/words.dict -max_len=4096 -timeout=10 -max_total_time=600
//! ```
//!
//! It needs a C++ compiler for the engine, libFuzzer, and nothing of nightly. Unresolved symbols are ignored because the
//! same flags build the binary, which nobody starts. An input that breaks a law is written to `crash-…`: mend the room, then
//! keep it as `fixtures/fuzz/<target>/<what it broke>`.
#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(fuzzing, allow(dead_code, reason = "the engine brings the inputs"))]

mod archive;
mod commands;
mod corpus;
mod dialects;
mod edits;
mod entry;
mod framing;
mod observe;
mod pipeline;
mod profile;
#[path = "../it/referee/mod.rs"]
mod referee;
mod report;
#[path = "../it/report_example/mod.rs"]
mod report_example;
mod signatures;
#[path = "../it/steps/mod.rs"]
mod steps;
mod templates;
mod time;
mod verify;

/// Something that reads what others wrote, and the laws that hold whatever they wrote.
struct Target {
    /// Name of its folder in `fixtures/fuzz/`.
    name: &'static str,
    /// Panics when a law is broken.
    run: fn(&[u8]),
    /// Inputs made from the kept ones in a test: half a second of them, unoptimised.
    n_made: usize,
}

/// Every target, in the order of the data.
const TARGETS: [Target; 13] = [
    Target { name: "time", run: time::run, n_made: 20_000 },
    Target { name: "framing", run: framing::run, n_made: 2_000 },
    Target { name: "entry", run: entry::run, n_made: 4_000 },
    Target { name: "dialects", run: dialects::run, n_made: 2_000 },
    Target { name: "signatures", run: signatures::run, n_made: 300 },
    Target { name: "templates", run: templates::run, n_made: 200 },
    Target { name: "observe", run: observe::run, n_made: 120 },
    Target { name: "archive", run: archive::run, n_made: 100 },
    Target { name: "pipeline", run: pipeline::run, n_made: 120 },
    Target { name: "profile", run: profile::run, n_made: 200 },
    Target { name: "report", run: report::run, n_made: 50 },
    Target { name: "commands", run: commands::run, n_made: 60 },
    Target { name: "verify", run: verify::run, n_made: 60 },
];

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static RUN: std::sync::OnceLock<fn(&[u8])> = std::sync::OnceLock::new();
    RUN.get_or_init(|| {
        let name = std::env::var("FUZZ").expect("FUZZ names the target");
        TARGETS.iter().find(|target| target.name == name).expect("a target has this name").run
    })(input);
});

/// How many times as many inputs are made: `FUZZ_TIMES=100` looks further without the engine.
fn times() -> usize {
    std::env::var("FUZZ_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// Replays what is kept for a target, then what chance makes of it.
fn check(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target has this name");
    let kept = corpus::kept(name);
    for (name, input) in &kept {
        corpus::attempt(target.run, input, name);
    }
    let mut made = corpus::Made::new(kept);
    for n in 0..target.n_made * times() {
        corpus::attempt(target.run, &made.next(), &format!("made input {n}"));
    }
}

macro_rules! targets {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            check($name);
        })*

        #[test]
        fn every_target_is_run() {
            assert_eq!([$($name),*], TARGETS.map(|target| target.name));
        }
    };
}

targets! {
    a_time_is_read_as_the_calendar_has_it: "time",
    every_byte_is_accounted_for_however_it_is_read: "framing",
    an_entry_is_read_as_the_referee_reads_it: "entry",
    every_dialect_says_the_same: "dialects",
    a_signature_file_is_read_or_refused_with_its_line: "signatures",
    templates_count_every_message_however_they_are_split: "templates",
    an_account_is_the_same_however_it_is_split: "observe",
    an_archive_is_refused_or_gives_a_report: "archive",
    any_bytes_give_a_report: "pipeline",
    a_profile_is_read_or_refused_with_its_line: "profile",
    a_hostile_report_shows_nothing_but_text: "report",
    a_name_that_is_no_word_is_in_no_command: "commands",
    a_true_report_is_accepted_and_a_changed_one_is_not: "verify",
}
