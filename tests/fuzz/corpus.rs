//! The kept inputs, and what chance makes of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Bytes of a made input at most, so that a test stays short.
const MAX_BYTES: usize = 4096;

/// Bytes of an input that broke a law which are printed: enough to keep it.
const SHOWN_BYTES: usize = 2048;

/// The inputs in `fixtures/fuzz/<target>/`, by name.
pub(crate) fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz").join(target);
    let listing = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut kept: Vec<(String, Vec<u8>)> = listing
        .map(|file| {
            let path = file.expect("the folder can be listed").path();
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a kept input can be read"))
        })
        .collect();
    kept.sort();
    assert!(!kept.is_empty(), "{}: no kept input", folder.display());
    kept
}

/// Runs a target on an input and says which one it was when a law is broken.
pub(crate) fn attempt(run: fn(&[u8]), input: &[u8], name: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(input))) {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        panic!("{name} \"{}\": {text}", input[..input.len().min(SHOWN_BYTES)].escape_ascii());
    }
}

/// A small random generator, the same on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n.max(1) as u64) as usize
    }

    /// One of `values`.
    pub(crate) fn pick<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[self.below(values.len())]
    }
}

/// Inputs made from the kept ones.
pub(crate) struct Made {
    kept: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    random: Random,
}

impl Made {
    /// Always the same for the same kept inputs.
    pub(crate) fn new(kept: Vec<(String, Vec<u8>)>) -> Made {
        Made { kept: kept.into_iter().map(|(_, input)| input).collect(), words: words(), random: Random(1) }
    }

    /// The next one: a kept input with a few changes.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut input = self.random.pick(&self.kept).clone();
        for _ in 0..=self.random.below(6) {
            self.change(&mut input);
        }
        input.truncate(MAX_BYTES);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let random = &mut self.random;
        let (at, other) = (random.below(input.len() + 1), random.below(input.len() + 1));
        let (from, to) = (at.min(other), at.max(other));
        match random.below(8) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.below(256) as u8,
            2 => drop(input.drain(from..to.min(from + 64))),
            3 => input.extend_from_within(from..to),
            4 => {
                let copy = input[from..to.min(from + 64)].to_vec();
                let to = random.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            5 => {
                let mate = random.pick(&self.kept);
                let from = random.below(mate.len() + 1);
                input.splice(at.., mate[from..].iter().copied());
            }
            6 => input.truncate(at),
            _ => {
                let word = random.pick(&self.words);
                input.splice(at..at, word.iter().copied());
            }
        }
    }
}

/// The words of `fixtures/fuzz/words.dict`, which the engine reads too.
fn words() -> Vec<Vec<u8>> {
    let text = include_str!("../../fixtures/fuzz/words.dict");
    let lines = text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    let words: Vec<Vec<u8>> = lines.map(unescape).collect();
    assert!(words.len() > 100, "only {} words", words.len());
    words
}

/// `\\`, `\"` and `\xAB` are all that libFuzzer knows.
fn unescape(word: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), word.as_bytes());
    loop {
        match rest {
            [] => return out,
            [b'\\', b'x', high, low, tail @ ..] => {
                let digit = |b: &u8| (*b as char).to_digit(16).expect("two hexadecimal digits") as u8;
                out.push(digit(high) * 16 + digit(low));
                rest = tail;
            }
            [b'\\', byte, tail @ ..] | [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}
