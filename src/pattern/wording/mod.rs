//! What a text says that no signature knows: whether it reports a failure, and of what kind.
//!
//! Severity is one hint among others: programs write failures without a level, and everything on standard error arrives as an
//! error. What tells a failing sentence from a healthy one is asked in this order: the outcome of a unit of work (`step #3
//! failed`), the number beside the failing word (`0 errors`), the reason behind it (`error: connection refused`), what was
//! done instead (`retrying`), and whether the word is one at all (`ErrorHandler`, a URL, a setting). The line's own level is
//! the caller's to weigh. The words are tables, in `words.rs`.

mod sentence;
#[cfg(test)]
mod tests;
mod words;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::signature::{Meaning, Mode, Normally, Outcome, Unit};
use super::{Layer, Role};
use sentence::{Found, Hit, Sentence};
use words::{FAILING, FINE, HANDLED, NOT_HANDLED};

/// Most of a text that is read, in bytes: what failed stands near the head.
const MAX_BYTES: usize = 2048;

/// Most lines of a text that are read.
const MAX_LINES: usize = 16;

/// Whether a text reports a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Fails,
    /// It tells that something went well.
    Fine,
    /// It tells neither.
    #[default]
    Silent,
}

/// How much a failing phrase says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// What is wrong, in a sentence that fails for other words.
    Weak,
    /// That something failed.
    Plain,
    /// That a unit of work failed, or why: also in a line whose own level is low.
    Told,
}

/// What a text says, read by its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether it reports a failure.
    pub verdict: Verdict,
    /// Whether it tells the outcome of a unit or a reason, so that it fails although its own level is low.
    pub is_told: bool,
    /// What is wrong, how usual that is, and which unit it shows.
    pub meaning: Meaning,
    /// Where in the stack, when the words tell.
    pub layer: Option<Layer>,
    /// What part it can play in a cascade.
    pub role: Role,
}

/// Reads a text by its words, whatever its severity.
pub fn reading(text: &str) -> Reading {
    let mut read = Read::default();
    for line in head(text).lines().filter(|line| !line.trim().is_empty()).take(MAX_LINES) {
        read.add(line);
    }
    read.into_reading()
}

/// Whether a text reports a failure. Most texts hold no failing word and cost one scan.
pub fn fails(text: &str) -> bool {
    may_fail(text) && reading(text).verdict == Verdict::Fails
}

/// What a text means by its words: as [`Reading::meaning`].
pub fn meaning_of(text: &str) -> Meaning {
    reading(text).meaning
}

/// Whether a text holds a word that can make it fail.
pub(super) fn may_fail(text: &str) -> bool {
    static GATE: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let plain = FAILING.iter().filter(|failing| failing.opens()).map(|failing| failing.text);
        automaton(plain.chain(sentence::STATUS_TEXTS))
    });
    GATE.is_match(head(text))
}

fn automaton<'w>(words: impl Iterator<Item = &'w str>) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(words)
        .expect("tables of this program are no patterns too many")
}

fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_BYTES)]
}

/// What was read of a text so far.
#[derive(Debug, Default)]
struct Read {
    hits: Vec<Hit>,
    /// A failing line that tells of no repair.
    stands: bool,
    /// The healthy unit told of.
    fine: Option<Unit>,
}

impl Read {
    fn add(&mut self, line: &str) {
        let sentence = Sentence::new(line);
        if let Some(status) = sentence.answered() {
            // A line of an access log fails by its status; what its path and agent say is somebody else's.
            match Hit::of_answer(status) {
                Some(hit) => self.take(vec![hit], true),
                None => self.fine = self.fine.or(Some(Unit::Request)),
            }
            return;
        }
        let Found { hits, denied } = sentence.hits();
        if hits.iter().all(|hit| hit.weight == Weight::Weak)
            && let Some(unit) = sentence.fine().or(denied.then_some(Unit::None))
        {
            self.fine = Some(self.fine.filter(|known| *known != Unit::None).unwrap_or(unit));
        }
        self.take(hits, !is_handled(line));
    }

    fn take(&mut self, hits: Vec<Hit>, stands: bool) {
        self.stands |= stands && hits.iter().any(|hit| hit.weight > Weight::Weak);
        self.hits.extend(hits);
    }

    fn into_reading(self) -> Reading {
        if self.hits.is_empty() {
            let Some(shows) = self.fine else { return Reading::default() };
            let meaning = Meaning { shows, outcome: Outcome::Ok, ..Meaning::default() };
            return Reading { verdict: Verdict::Fine, meaning, role: Role::Marker, ..Reading::default() };
        }
        let verdict = if self.stands { Verdict::Fails } else { Verdict::Silent };
        let is_told = self.hits.iter().any(|hit| hit.weight == Weight::Told);
        let mode = self.mode();
        let shows = self.hits.iter().map(|hit| hit.unit).find(|unit| *unit != Unit::None).unwrap_or_default();
        let meaning = Meaning { mode, normally: self.normally(), shows, ..Meaning::default() };
        let layer = self.hits.iter().rev().find_map(|hit| hit.layer);
        Reading { verdict, is_told, meaning, layer, role: role(&meaning) }
    }

    /// What is wrong: of the phrases that fail by themselves, the last that tells, since a reason stands behind what failed because
    /// of it; else of the others.
    fn mode(&self) -> Mode {
        let tells = || self.hits.iter().rev().filter(|hit| hit.mode != Mode::FailedRequest);
        tells()
            .find(|hit| hit.weight > Weight::Weak)
            .or_else(|| tells().next())
            .map_or(Mode::FailedRequest, |hit| hit.mode)
    }

    /// Never, if one of its phrases is never written; background, if all that say something are.
    fn normally(&self) -> Normally {
        let mut all = self.hits.iter().filter(|hit| hit.mode != Mode::FailedRequest).map(|hit| hit.normally).peekable();
        if all.peek().is_none() {
            return Normally::Rarely;
        }
        let all: Vec<Normally> = all.collect();
        match () {
            () if all.contains(&Normally::Never) => Normally::Never,
            () if all.iter().all(|normally| *normally == Normally::Background) => Normally::Background,
            () => Normally::Rarely,
        }
    }
}

/// What part a failure can play: what says why can begin a cascade, what only says that it ended is an effect.
fn role(meaning: &Meaning) -> Role {
    match meaning.mode {
        Mode::Missing | Mode::Misconfigured | Mode::Expired | Mode::OutOfDisk | Mode::OutOfMemory => Role::Cause,
        Mode::FailedRequest if matches!(meaning.shows, Unit::Exit | Unit::Probe | Unit::Request) => Role::Effect,
        Mode::NotReady | Mode::Closed => Role::Effect,
        _ => Role::Either,
    }
}

/// Whether a line tells what was done instead, and that it helped.
fn is_handled(line: &str) -> bool {
    static INSTEAD: LazyLock<AhoCorasick> = LazyLock::new(|| automaton(HANDLED.iter().copied()));
    static IN_VAIN: LazyLock<AhoCorasick> = LazyLock::new(|| automaton(NOT_HANDLED.iter().copied()));
    INSTEAD.is_match(line) && !IN_VAIN.is_match(line)
}
