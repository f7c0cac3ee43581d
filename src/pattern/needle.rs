//! Letters that every match of a regex holds: a text without them need not be searched.

use memchr::{memchr_iter, memchr2_iter};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Deepest nesting of groups that is looked into.
const MAX_DEPTH: usize = 16;

/// A run of bytes, letters in lower case.
#[derive(Debug)]
pub(super) struct Needle {
    bytes: Box<[u8]>,
    /// Place of its rarest byte.
    rarest: usize,
}

/// The structure of a regex over bytes, in any case: names of the field are ASCII, and Unicode tables cost a hundred times the
/// compilation. `None` when it is no regex.
pub(super) fn parse(regex: &str) -> Option<Hir> {
    ParserBuilder::new().unicode(false).utf8(false).case_insensitive(true).build().parse(regex).ok()
}

impl Needle {
    /// The longest run of bytes, case aside, that each match of a regex holds; `None` when none has `min_len` bytes.
    pub(super) fn of(regex: &Hir, min_len: usize) -> Option<Needle> {
        let mut runs = Runs::default();
        runs.add(regex, 0);
        runs.end();
        let bytes = runs.longest.into_boxed_slice();
        let rarest = (0..bytes.len()).min_by_key(|at| commonness(bytes[*at]))?;
        (bytes.len() >= min_len).then_some(Needle { bytes, rarest })
    }

    /// Whether it stands in `text`, in any case.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        let byte = self.bytes[self.rarest];
        let is_here = |at: usize| {
            let Some(start) = at.checked_sub(self.rarest) else { return false };
            text.get(start..start + self.bytes.len()).is_some_and(|found| found.eq_ignore_ascii_case(&self.bytes))
        };
        if byte.is_ascii_lowercase() {
            memchr2_iter(byte, byte.to_ascii_uppercase(), text).any(is_here)
        } else {
            memchr_iter(byte, text).any(is_here)
        }
    }
}

/// Runs of bytes that must follow each other, while a regex is walked.
#[derive(Default)]
struct Runs {
    current: Vec<u8>,
    longest: Vec<u8>,
}

impl Runs {
    fn add(&mut self, hir: &Hir, depth: usize) {
        if depth > MAX_DEPTH {
            return self.end();
        }
        match hir.kind() {
            HirKind::Literal(literal) => self.current.extend(literal.0.iter().map(u8::to_ascii_lowercase)),
            HirKind::Class(class) => match one_letter(class) {
                Some(letter) => self.current.push(letter),
                None => self.end(),
            },
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.add(part, depth + 1)),
            HirKind::Capture(group) => self.add(&group.sub, depth + 1),
            HirKind::Repetition(repeated) if repeated.min > 0 => {
                // The first round follows what stands before, the last comes before what follows.
                self.add(&repeated.sub, depth + 1);
                if repeated.max != Some(1) {
                    self.end();
                }
            }
            HirKind::Repetition(_) | HirKind::Alternation(_) => self.end(),
            HirKind::Look(_) | HirKind::Empty => {}
        }
    }

    fn end(&mut self) {
        if self.current.len() > self.longest.len() {
            self.longest.clone_from(&self.current);
        }
        self.current.clear();
    }
}

/// The letter, in lower case, that a class means when it holds one letter in both cases.
fn one_letter(class: &Class) -> Option<u8> {
    let Class::Bytes(bytes) = class else { return None };
    let mut letters = bytes.ranges().iter().map(|range| (range.start() == range.end()).then(|| range.start()));
    let (upper, lower) = (letters.next()??, letters.next()??);
    (letters.next().is_none() && upper.is_ascii_uppercase() && upper.to_ascii_lowercase() == lower).then_some(lower)
}

/// How usual a byte is in messages, roughly: letters by their frequency in English, blanks first.
fn commonness(byte: u8) -> usize {
    b"zqxj_/()[]'\"#=kvw:-bgyp.fmucldhrsnioate ".iter().position(|known| *known == byte).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needle(regex: &str) -> String {
        let needle = parse(regex).and_then(|regex| Needle::of(&regex, 4));
        needle.map_or(String::new(), |needle| String::from_utf8_lossy(&needle.bytes).into_owned())
    }

    #[test]
    fn it_is_the_longest_run_that_must_be_there() {
        assert_eq!(needle(r"timeout after (?<s>\d+)s"), "timeout after ");
        assert_eq!(needle(r"(?:foo|bar) Refused(?: by)? peer"), " refused");
        assert_eq!(needle(r"a{3}(?:connect){2}x"), "connect");
        assert_eq!(needle(r"(?<a>conn)ect\b failed"), "connect failed");
        assert_eq!(needle(r"(?:foobar|bar)"), "");
        assert_eq!(needle(r"(?:foobar)?\d"), "");
        assert_eq!(needle(r"x[ab]y"), "");
    }

    #[test]
    fn it_is_found_in_any_case_and_at_either_end() {
        let regex = parse("exit code").expect("it is a regex");
        let needle = Needle::of(&regex, 4).expect("it has one");
        for (text, found) in
            [("exit code", true), ("an EXIT Code", true), ("exit cod", false), ("xit code", false), ("", false)]
        {
            assert_eq!(needle.is_in(text.as_bytes()), found, "{text}");
        }
    }
}
