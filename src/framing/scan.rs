//! Where records stand in a stream of JSON: lines, arrays, wrappers of any kind, other text around them, damage.

use memchr::memmem::Finder;
use memchr::{memchr, memchr2, memrchr};

use super::json::{Extent, Follower, is_entry_key, scalar_len};
use super::tree;
use super::{ByteLedger, Malformed};
use crate::source::Origin;

/// Longest record in bytes. Cloud Logging stores at most 512 KiB an entry, which escapes may make six times as long.
pub const MAX_RECORD: usize = 16 << 20;

/// An object that does not close within this many bytes and does not look like an entry is taken for a wrapper and
/// descended into, so that a wrapper of gigabytes needs no memory.
const PEEL_AFTER: usize = 1 << 20;

/// Wrappers inside wrappers that are descended into; real ones have three.
const MAX_PEELED: usize = 16;

/// Fields that must be seen before an object counts as an entry rather than a wrapper.
const ENTRY_KEYS: usize = 2;

/// White space between a bracket and what makes it plausible as JSON among other text.
const PLAUSIBLE_WITHIN: usize = 256;

/// Bytes that may be looked at a second time, as a multiple of the bytes seen: damage costs a constant factor.
const MAX_RESCAN: u64 = 8;

/// Free bytes of rescanning, so that small inputs are always mended as well as possible.
const FREE_RESCAN: u64 = 4 << 20;

/// Pieces found at once: a batch that had to grow for one long record may hold millions of short ones behind it.
const MAX_PIECES: usize = 1 << 17;

/// A piece of the bytes at hand.
#[derive(Clone, Copy, Debug)]
pub(super) enum FoundPiece {
    /// A record, from index to index.
    Record(usize, usize),
    /// A record that was converted: where it starts, and its range among the converted bytes.
    Document(usize, usize, usize),
    /// An index into the list of malformed ranges.
    Malformed(usize),
}

/// What one call of [`RecordScanner::scan`] found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) spans: Vec<FoundPiece>,
    pub(super) malformed: Vec<Malformed>,
    pub(super) ledger: ByteLedger,
    /// Records that were converted, as JSON.
    pub(super) converted: Vec<u8>,
}

/// The state between two blocks.
#[derive(Debug)]
pub(super) struct RecordScanner {
    source: u32,
    /// Offset of the first byte at hand.
    base: u64,
    /// Open wrappers and arrays, objects counted apart.
    depth: usize,
    n_peeled: usize,
    /// Set while bytes are being lost: where that began, why, and whether member values are no candidates.
    lost: Option<Lost>,
    /// Set while a record that is too long is passed over.
    passing: Option<Follower>,
    /// What stands before the bytes at hand.
    before: Before,
    /// No second look before this offset for an array of indented elements.
    no_indent_before: u64,
    rescanned: u64,
    indent: Option<(usize, Finder<'static>)>,
}

/// What stands before a position.
#[derive(Clone, Copy, Debug)]
struct Before {
    /// The last byte that is no white space.
    visible: u8,
    /// The last byte.
    any: u8,
    /// Spaces directly before, 33 for more than 32.
    n_spaces: usize,
    /// The byte before those spaces.
    before_spaces: u8,
}

/// The start of the input is like the start of a line.
const START: Before = Before { visible: b'\n', any: b'\n', n_spaces: 0, before_spaces: b'\n' };

/// A range of lost bytes. It is kept until something whole follows, so that neighbours become one range.
#[derive(Debug)]
struct Lost {
    start: u64,
    /// Set when the range has ended, for now.
    end: Option<u64>,
    reason: &'static str,
    /// The rest of a broken object is being lost: what follows a colon is a part of it.
    is_object: bool,
}

/// What to do next.
enum Advance {
    /// Go on at this index.
    On(usize),
    /// The bytes at hand do not suffice.
    More,
}

impl RecordScanner {
    pub(super) fn new(source: u32) -> RecordScanner {
        RecordScanner {
            source,
            base: 0,
            depth: 0,
            n_peeled: 0,
            lost: None,
            passing: None,
            before: START,
            no_indent_before: 0,
            rescanned: 0,
            indent: None,
        }
    }

    /// Finds the pieces of `bytes` from index `from` on and returns how many bytes are settled. `ended` says that no
    /// bytes follow; then all are settled.
    pub(super) fn scan(&mut self, bytes: &[u8], from: usize, ended: bool, found: &mut Found) -> usize {
        let mut at = from;
        while at < bytes.len() && found.spans.len() < MAX_PIECES {
            match self.step(bytes, at, ended, found) {
                Advance::On(next) => at = next,
                Advance::More if !ended => break,
                // Nothing waits for more when nothing follows; should it, the byte is lost rather than the run.
                Advance::More => {
                    self.lose(at, "cut off", false, found);
                    at += 1;
                }
            }
        }
        if ended && at == bytes.len() {
            self.finish(at, found);
        }
        at
    }

    /// Forgets `n` settled bytes at the start of `bytes`.
    pub(super) fn advance(&mut self, bytes: &[u8], n: usize) {
        self.before = self.before(bytes, n);
        self.base += n as u64;
    }

    fn step(&mut self, bytes: &[u8], at: usize, ended: bool, found: &mut Found) -> Advance {
        if self.passing.is_some() {
            return self.pass(bytes, at);
        }
        if self.lost.as_ref().is_some_and(|lost| lost.end.is_none()) {
            return self.seek(bytes, at, ended);
        }
        match bytes[at] {
            b' ' | b'\n' | b'\r' | b'\t' => self.residue(at, at + 1, found),
            b'{' => self.object(bytes, at, ended, found),
            b'[' => self.array(bytes, at, ended, found),
            b',' => self.residue(at, at + 1, found),
            b'}' | b']' if self.depth > 0 => {
                self.close(bytes[at] == b'}');
                self.residue(at, at + 1, found)
            }
            b'"' => self.string(bytes, at, ended, found),
            b':' if self.depth > 0 => self.residue(at, at + 1, found),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' if self.depth > 0 => self.scalar(bytes, at, ended, found),
            0xef if bytes[at..].starts_with(b"\xef\xbb\xbf") => self.residue(at, at + 3, found),
            0xef if bytes.len() - at < 3 && !ended => Advance::More,
            _ => self.lose(at, "not JSON", false, found),
        }
    }

    /// An array is descended into at once; among other text only when what follows makes it plausible.
    fn array(&mut self, bytes: &[u8], at: usize, ended: bool, found: &mut Found) -> Advance {
        if self.depth == 0 {
            match plausible(bytes, at, ended) {
                None => return Advance::More,
                Some(false) => return self.lose(at, "not JSON", false, found),
                Some(true) => {}
            }
        }
        self.depth += 1;
        self.residue(at, at + 1, found)
    }

    fn close(&mut self, is_object: bool) {
        self.depth -= 1;
        self.n_peeled = if is_object { self.n_peeled.saturating_sub(1) } else { self.n_peeled.min(self.depth) };
    }

    /// A string in a wrapper is a key or a value nobody wants, unless it holds JSON itself.
    fn string(&mut self, bytes: &[u8], at: usize, ended: bool, found: &mut Found) -> Advance {
        if bytes.len() - at < 4 && !ended {
            return Advance::More;
        }
        let holds_json = bytes[at + 1..].starts_with(b"{\\") || bytes[at + 1..].starts_with(b"eyJ");
        if self.depth == 0 && !holds_json {
            return self.lose(at, "not JSON", false, found);
        }
        let window = &bytes[at..bytes.len().min(at + MAX_RECORD)];
        match Follower::default().feed(window, 0) {
            Extent::Closed(len) if holds_json => self.record(at, at + len, found),
            Extent::Closed(len) => self.residue(at, at + len, found),
            Extent::Broken(len) => self.lose_to(at, at + len, "a string is not closed", found),
            Extent::Open if ended => self.lose_to(at, bytes.len(), "cut off inside a string", found),
            Extent::Open if window.len() == MAX_RECORD => self.start_passing(at, found),
            Extent::Open => Advance::More,
        }
    }

    fn scalar(&mut self, bytes: &[u8], at: usize, ended: bool, found: &mut Found) -> Advance {
        let len = scalar_len(&bytes[at..bytes.len().min(at + PLAUSIBLE_WITHIN)]);
        if at + len == bytes.len() && !ended && len < PLAUSIBLE_WITHIN {
            return Advance::More;
        }
        let word = &bytes[at..at + len];
        let known = matches!(word, b"true" | b"false" | b"null") || matches!(word[0], b'-' | b'0'..=b'9');
        if known { self.residue(at, at + len, found) } else { self.lose(at, "not JSON", false, found) }
    }

    /// An object: a line of its own, an indented element, or whatever its structure says.
    fn object(&mut self, bytes: &[u8], at: usize, ended: bool, found: &mut Found) -> Advance {
        let before = self.before(bytes, at);
        if before.any == b'\n' {
            match self.line(bytes, at, ended) {
                Some(Ok(end)) => return self.record(at, end, found),
                Some(Err(())) => return Advance::More,
                None => {}
            }
        }
        match tree::begins(bytes, at, ended) {
            Some(true) if self.column(bytes, at).is_some() => return self.tree(bytes, at, ended, found),
            Some(_) => {}
            None => return Advance::More,
        }
        match self.indented(bytes, at, ended) {
            Some(Ok(end)) => self.record(at, end, found),
            Some(Err(())) => Advance::More,
            None => self.structure(bytes, at, ended, found),
        }
    }

    /// An entry that was copied from the page of the Logs Explorer.
    fn tree(&mut self, bytes: &[u8], at: usize, ended: bool, found: &mut Found) -> Advance {
        let start = found.converted.len();
        let Some(len) = tree::to_json(&bytes[at..], ended, &mut found.converted) else { return Advance::More };
        let step = self.record(at, at + len, found);
        if let Some(piece) = found.spans.last_mut() {
            *piece = FoundPiece::Document(at, start, found.converted.len());
        }
        step
    }

    /// The end of an entry that fills its line: it is taken at its word, decoding will look closer. A wrapper is not, since damage
    /// in one of its entries would lose them all. `Err` asks for more bytes.
    fn line(&self, bytes: &[u8], at: usize, ended: bool) -> Option<Result<usize, ()>> {
        let window = &bytes[at..bytes.len().min(at + PEEL_AFTER)];
        let len = match memchr(b'\n', window) {
            Some(len) => len,
            None if window.len() == PEEL_AFTER => return None,
            None if ended => window.len(),
            None => return Some(Err(())),
        };
        let mut line = window[..len].trim_ascii_end();
        if self.depth > 0 {
            line = line.strip_suffix(b",").unwrap_or(line);
        }
        (line.len() > 1 && line.ends_with(b"}") && !begins_wrapper(line)).then_some(Ok(at + line.len()))
    }

    /// The end of an element of an array that is printed with two or more columns of indentation, as gcloud does: a
    /// raw line end cannot stand in a string, so the next line with a brace at the same column starts the next element.
    /// What lies between must end as an element does. `Err` asks for more bytes.
    fn indented(&mut self, bytes: &[u8], at: usize, ended: bool) -> Option<Result<usize, ()>> {
        let offset = self.base + at as u64;
        if offset < self.no_indent_before {
            return None;
        }
        let column = self.column(bytes, at)?;
        let opening = &bytes[at + 1..bytes.len().min(at + 3)];
        if !(opening.starts_with(b"\n") || opening.starts_with(b"\r\n")) {
            return if opening.len() < 2 && !ended { Some(Err(())) } else { None };
        }
        let window = &bytes[at..bytes.len().min(at + PEEL_AFTER)];
        let Some(next) = self.finder(column).find(window) else {
            if !ended && window.len() < PEEL_AFTER {
                return Some(Err(()));
            }
            self.no_indent_before = offset + PEEL_AFTER as u64;
            return None;
        };
        let element = window[..next].trim_ascii_end();
        let element = element.strip_suffix(b",").unwrap_or(element).trim_ascii_end();
        let brace = element.len().checked_sub(1)?;
        let line_start = memrchr(b'\n', &element[..brace])? + 1;
        let is_closed = element[brace] == b'}' && element[line_start..brace].iter().all(|b| *b == b' ');
        (is_closed && brace - line_start == column).then_some(Ok(at + element.len()))
    }

    /// Columns before the brace when only spaces stand before it on its line; at most 32 are looked at.
    fn column(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let before = self.before(bytes, at);
        (before.n_spaces <= 32 && before.before_spaces == b'\n').then_some(before.n_spaces)
    }

    fn finder(&mut self, column: usize) -> &Finder<'static> {
        if self.indent.as_ref().is_none_or(|(known, _)| *known != column) {
            let needle = format!("\n{}{{", " ".repeat(column));
            self.indent = Some((column, Finder::new(needle.as_bytes()).into_owned()));
        }
        &self.indent.as_ref().expect("it was just set").1
    }

    /// An object whose extent only its structure tells.
    fn structure(&mut self, bytes: &[u8], at: usize, ended: bool, found: &mut Found) -> Advance {
        let rest = &bytes[at..];
        let mut follower = Follower::default();
        let mut limit = PEEL_AFTER;
        let mut extent = follower.feed(&rest[..rest.len().min(limit)], 0);
        let mut is_entry = self.looks_like_entry(&follower);
        if extent == Extent::Open && rest.len() >= limit && is_entry {
            extent = follower.feed(&rest[..rest.len().min(MAX_RECORD)], limit);
            limit = MAX_RECORD;
            is_entry = self.looks_like_entry(&follower);
        }
        match extent {
            Extent::Closed(len) => self.record(at, at + len, found),
            Extent::Open if rest.len() < limit && !ended => Advance::More,
            Extent::Open if rest.len() < limit && is_entry => {
                self.lose_to(at, bytes.len(), "cut off inside an entry", found)
            }
            Extent::Open if is_entry => self.start_passing(at, found),
            Extent::Broken(len) if is_entry => self.broken(bytes, at, at + len, found),
            Extent::Broken(len) => self.peel(at, len, found),
            Extent::Open => self.peel(at, rest.len().min(limit), found),
        }
    }

    /// What has the keys of an entry, or holds nothing that could be one, is not descended into.
    fn looks_like_entry(&self, follower: &Follower) -> bool {
        follower.n_entry_keys >= ENTRY_KEYS || !follower.has_nested || self.n_peeled >= MAX_PEELED
    }

    /// Descends into an object that is too large, cut or broken and does not look like an entry; `n_followed` bytes of it
    /// were followed in vain. Where damage made too many bytes be looked at again, they are lost instead.
    fn peel(&mut self, at: usize, n_followed: usize, found: &mut Found) -> Advance {
        if !self.may_rescan(at, n_followed) {
            return self.lose_to(at, at + n_followed, "broken JSON", found);
        }
        self.depth += 1;
        self.n_peeled += 1;
        self.residue(at, at + 1, found)
    }

    /// Loses a broken entry: to the end of its line when it was a compact line, else to where it broke.
    fn broken(&mut self, bytes: &[u8], at: usize, broken_at: usize, found: &mut Found) -> Advance {
        let line_end = memchr(b'\n', &bytes[at..broken_at]).map(|len| at + len);
        let is_line = self.before(bytes, at).any == b'\n';
        let first_line = line_end.map(|end| bytes[at + 1..end].trim_ascii());
        let until = match (line_end, first_line) {
            (Some(end), Some(line)) if is_line && !line.is_empty() && self.may_rescan(at, broken_at - end) => end,
            _ => broken_at,
        };
        self.lose_to(at, until, "broken JSON", found)
    }

    fn may_rescan(&mut self, at: usize, cost: usize) -> bool {
        self.rescanned += cost as u64;
        self.rescanned <= FREE_RESCAN + MAX_RESCAN * (self.base + at as u64)
    }

    /// White space, punctuation, and what else belongs to no record.
    fn residue(&mut self, start: usize, end: usize, found: &mut Found) -> Advance {
        self.settle_lost(found);
        found.ledger.residue_bytes += (end - start) as u64;
        Advance::On(end)
    }

    fn record(&mut self, start: usize, end: usize, found: &mut Found) -> Advance {
        self.settle_lost(found);
        found.spans.push(FoundPiece::Record(start, end));
        found.ledger.records += 1;
        found.ledger.record_bytes += (end - start) as u64;
        Advance::On(end)
    }

    /// Starts to pass over a record that is longer than a record may be.
    fn start_passing(&mut self, at: usize, found: &mut Found) -> Advance {
        self.lose(at, "longer than 16 MiB", true, found);
        self.passing = Some(Follower::default());
        Advance::On(at)
    }

    fn pass(&mut self, bytes: &[u8], at: usize) -> Advance {
        let Some(follower) = &mut self.passing else { return Advance::On(at) };
        match follower.feed(bytes, at) {
            Extent::Open => Advance::On(bytes.len()),
            Extent::Closed(end) => {
                self.passing = None;
                self.end_lost(end);
                Advance::On(end)
            }
            Extent::Broken(end) => {
                self.passing = None;
                Advance::On(end)
            }
        }
    }

    /// Bytes from `at` on are lost until something plausible follows.
    fn lose(&mut self, at: usize, reason: &'static str, is_object: bool, found: &mut Found) -> Advance {
        let start = self.base + at as u64;
        match &mut self.lost {
            Some(lost) if lost.end == Some(start) => (lost.end, lost.is_object) = (None, is_object),
            _ => {
                self.settle_lost(found);
                self.lost = Some(Lost { start, end: None, reason, is_object });
            }
        }
        Advance::On(at + 1)
    }

    /// Bytes from `at` to `until` are lost, and what follows until something plausible comes.
    fn lose_to(&mut self, at: usize, until: usize, reason: &'static str, found: &mut Found) -> Advance {
        self.lose(at, reason, true, found);
        Advance::On(until.max(at + 1))
    }

    /// Ends the lost range before index `end`.
    fn end_lost(&mut self, end: usize) {
        if let Some(lost) = &mut self.lost {
            lost.end = Some(self.base + end as u64);
        }
    }

    /// Reports the lost range that has ended, because something whole follows.
    fn settle_lost(&mut self, found: &mut Found) {
        let Some(lost) = self.lost.take() else { return };
        let len = lost.end.unwrap_or(lost.start) - lost.start;
        found.spans.push(FoundPiece::Malformed(found.malformed.len()));
        let origin = Origin { source: self.source, offset: lost.start };
        found.malformed.push(Malformed { origin, len, reason: lost.reason.to_owned() });
        found.ledger.malformed += 1;
        found.ledger.malformed_bytes += len;
    }

    /// Looks for the next place from `at` on where JSON may start, and ends the lost range there.
    fn seek(&mut self, bytes: &[u8], at: usize, ended: bool) -> Advance {
        let is_object = self.lost.as_ref().is_some_and(|lost| lost.is_object);
        // A quote directly before a brace may belong to it, so it is not given away before the brace is seen.
        let hold = |end: usize| if end > 0 && end > at && bytes[end - 1] == b'"' { end - 1 } else { end };
        let settle = |end: usize| if end > at { Advance::On(end) } else { Advance::More };
        let Some(next) = memchr2(b'{', b'[', &bytes[at..]).map(|n| at + n) else {
            return if ended { Advance::On(bytes.len()) } else { settle(hold(bytes.len())) };
        };
        match plausible(bytes, next, ended) {
            None => return settle(hold(next)),
            Some(false) if bytes[next] == b'{' && self.column(bytes, next).is_some() => {
                match tree::begins(bytes, next, ended) {
                    None => return settle(hold(next)),
                    Some(true) => {}
                    Some(false) => return Advance::On(next + 1),
                }
            }
            Some(true) if !self.may_start(bytes, next, is_object) => return Advance::On(next + 1),
            Some(true) => {}
            Some(false) => return Advance::On(next + 1),
        }
        // JSON in a string: `"{\"insertId\": …`.
        let is_quoted = next > at && bytes[next - 1] == b'"' && bytes[next..].starts_with(b"{\\");
        let start = if is_quoted { next - 1 } else { next };
        if self.before(bytes, start).any == b'\n' {
            self.n_peeled = 0;
        }
        self.end_lost(start);
        Advance::On(start)
    }

    /// A bracket at the start of a line may begin something new anywhere. Within a line an array may not, text is full
    /// of brackets, and in the rest of a broken object what follows a colon is a part of it.
    fn may_start(&self, bytes: &[u8], at: usize, is_object: bool) -> bool {
        self.column(bytes, at).is_some()
            || (bytes[at] == b'{' && !(is_object && self.before(bytes, at).visible == b':'))
    }

    /// What stands before index `at`.
    fn before(&self, bytes: &[u8], at: usize) -> Before {
        let seen = &bytes[..at];
        let Some(any) = seen.last().copied() else { return self.before };
        let visible = seen.iter().rev().find(|b| !b.is_ascii_whitespace()).copied().unwrap_or(self.before.visible);
        let near = seen.iter().rev().take(33).take_while(|b| **b == b' ').count();
        let (n_spaces, before_spaces) = match seen.len().checked_sub(near + 1) {
            Some(i) => (near, seen[i]),
            None => ((near + self.before.n_spaces).min(33), self.before.before_spaces),
        };
        Before { visible, any, n_spaces, before_spaces }
    }

    /// The input has ended.
    fn finish(&mut self, at: usize, found: &mut Found) {
        self.passing = None;
        if self.lost.as_ref().is_some_and(|lost| lost.end.is_none()) {
            self.end_lost(at);
        }
        self.settle_lost(found);
        found.ledger.unclosed += self.depth as u64;
        self.depth = 0;
    }
}

/// True for an object whose first member is none of an entry and holds a list or an object.
fn begins_wrapper(object: &[u8]) -> bool {
    let Some(key) = object[1..].trim_ascii_start().strip_prefix(b"\"") else { return false };
    let Some(len) = memchr(b'"', &key[..key.len().min(PLAUSIBLE_WITHIN)]) else { return false };
    let value = key[len + 1..].trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
    value.is_some_and(|value| value.starts_with(b"[") || value.starts_with(b"{"))
        && !is_entry_key(&key[..len])
        && &key[..len] != b"labels"
}

/// Whether what follows the bracket at `at` makes it the start of JSON; `None` asks for more bytes.
fn plausible(bytes: &[u8], at: usize, ended: bool) -> Option<bool> {
    let rest = &bytes[at + 1..bytes.len().min(at + 1 + PLAUSIBLE_WITHIN)];
    let Some(next) = rest.iter().position(|b| !b.is_ascii_whitespace()) else {
        return if rest.len() == PLAUSIBLE_WITHIN || ended { Some(false) } else { None };
    };
    Some(match (bytes[at], rest[next]) {
        (b'{', b'"' | b'}') | (b'[', b'{' | b'[' | b']') => true,
        // JSON in a string.
        (b'{', b'\\') => next == 0,
        (b'[', b'"') => match rest.get(next + 1) {
            Some(b) => *b == b'{',
            None if ended || rest.len() == PLAUSIBLE_WITHIN => false,
            None => return None,
        },
        _ => false,
    })
}
