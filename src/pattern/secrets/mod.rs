//! What must not be shown: credentials, contacts, addresses of clients, accounts, as shapes in a text.

mod shapes;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::cell::LazyCell;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::Expression;
pub use shapes::CUSTOM;
use shapes::*;

/// What a shape gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Credentials: keys, tokens, passwords, cookies.
    Secrets,
    /// How to reach a person: e-mail addresses, telephone numbers.
    Contacts,
    /// Addresses of clients on the network.
    Network,
    /// Numbers of cards, accounts and social security.
    Financial,
}

/// A set of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Classes(u8);

impl Classes {
    /// Every class.
    pub const ALL: Classes = Classes(0b1111);
    /// No class.
    pub const NONE: Classes = Classes(0);
    /// What no conclusion needs, so that no account keeps it: secrets and financial numbers. Who called from where is another matter:
    /// it can be what tells failing requests from others.
    pub const NEVER_KEPT: Classes = Classes(1 << Class::Secrets as u8 | 1 << Class::Financial as u8);

    /// The set with one more class.
    #[must_use]
    pub fn with(self, class: Class) -> Classes {
        Classes(self.0 | 1 << class as u8)
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Classes) -> Classes {
        Classes(self.0 & other.0)
    }

    fn holds(self, class: Class) -> bool {
        self.0 >> class as u8 & 1 != 0
    }
}

/// The class of a kind of shape.
fn class(kind: &str) -> Class {
    match kind {
        "email" | "phone" => Class::Contacts,
        "ip" => Class::Network,
        "card" | "iban" | "ssn" => Class::Financial,
        _ => Class::Secrets,
    }
}

/// The known shapes, ready to be looked for; made when a text is first looked at.
struct Finder {
    /// One scan for what stands in texts that hold a credential.
    signs: AhoCorasick,
    /// Which shape each sign belongs to.
    shape_of: Vec<usize>,
    /// Compiled when a text first has one of its signs: most never are.
    shapes: Vec<Expression>,
}

static FINDER: LazyLock<Finder> = LazyLock::new(|| {
    let signs = SHAPES.iter().enumerate().flat_map(|(shape, (_, signs, _))| signs.iter().map(move |s| (shape, *s)));
    let (shape_of, signs): (Vec<usize>, Vec<&str>) = signs.unzip();
    let signs = AhoCorasick::builder().ascii_case_insensitive(true).build(signs);
    Finder {
        signs: signs.expect("the signs are few and short"),
        shape_of,
        shapes: SHAPES.iter().map(|(_, _, pattern)| Expression::new(pattern)).collect(),
    }
});

impl Finder {
    /// The shapes that a text can hold, one bit each.
    fn signs_in(&self, text: &str) -> u64 {
        // Two letters outside of ASCII are, in another case, letters of signs: the long s and the sign of Kelvin.
        if !text.is_ascii() && text.contains(['\u{17f}', '\u{212a}']) {
            return u64::MAX;
        }
        let signs = self.signs.find_overlapping_iter(text);
        signs.fold(0, |shapes, sign| shapes | 1 << self.shape_of[sign.pattern().as_usize()])
    }

    /// What the shapes find in a text: kind and place, in order of precedence.
    fn hits<'t>(&'t self, text: &'t str, classes: Classes) -> impl Iterator<Item = (&'static str, Range<usize>)> {
        let wanted = if is_plain(text) || classes == Classes::NONE { 0 } else { self.signs_in(text) };
        let known = SHAPES.iter().zip(&self.shapes).enumerate().filter(move |(shape, _)| wanted >> shape & 1 != 0);
        let known =
            known.filter(move |(_, ((kind, signs, _), _))| classes.holds(class(kind)) && may_hold(kind, signs, text));
        known.flat_map(|(_, ((kind, ..), shape))| shape.find_iter(text).map(move |hit| (*kind, hit)))
    }
}

/// Whether a text with a sign of a shape has what else every hit of it needs: cheap to tell, where most signs are parts of ordinary
/// words and addresses.
fn may_hold(kind: &str, signs: &[&str], text: &str) -> bool {
    match kind {
        "key" if signs.iter().any(|sign| sign.len() == SHORTEST_SIGN) => has_long_word(text),
        "card" | "iban" | "ssn" => text.bytes().filter(u8::is_ascii_digit).count() >= LEAST_DIGITS,
        "password" if signs == [URL] => memchr::memchr(b'@', text.as_bytes()).is_some(),
        _ => true,
    }
}

/// Letters of signs that are parts of many words ("sk" of "task").
const SHORTEST_SIGN: usize = 2;

/// What begins the address of a server, which may hold a password before an `@`.
const URL: &str = "://";

/// Digits of the shortest number of an account (of social security).
const LEAST_DIGITS: usize = 9;

/// Letters of the shortest word of a key.
const LEAST_WORD: usize = 10;

/// True when a word of ten letters or more has a digit and a letter, as every key has.
fn has_long_word(text: &str) -> bool {
    text.as_bytes().split(|b| !b.is_ascii_alphanumeric() && *b != b'_').any(|word| {
        word.len() >= LEAST_WORD && word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic)
    })
}

/// Where a text holds what must not be shown, in order and without overlap: what `first` found and what is of the classes.
pub fn find(
    text: &str,
    classes: Classes,
    first: impl Iterator<Item = (&'static str, Range<usize>)>,
) -> Vec<(Range<usize>, &'static str)> {
    if classes.holds(Class::Secrets) && is_key_line(text) {
        return vec![(0..text.len(), "private-key")];
    }
    let placeholders = LazyCell::new(|| placeholders(text));
    let is_done = |at: usize| {
        let next = placeholders.partition_point(|range| range.end <= at);
        placeholders.get(next).is_some_and(|range| range.contains(&at))
    };
    let hits = first.chain(FINDER.hits(text, classes)).filter(|(_, hit)| !hit.is_empty() && !is_done(hit.start));
    without_overlap(hits.filter_map(|(kind, hit)| Some((judge(kind, text, hit)?, kind))).collect())
}

/// True for a line out of a key in PEM form: nothing but base64, letters of both cases and digits.
fn is_key_line(text: &str) -> bool {
    let line = text.trim().as_bytes();
    let has = |is: fn(&u8) -> bool| line.iter().any(is);
    line.len() >= KEY_LINE
        && line.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

/// Letters of a line of a key at least: RFC 7468 has 64, tools write down to 60.
const KEY_LINE: usize = 60;

/// The text with `[redacted KIND]` for everything of the classes in it.
pub fn masked(text: &str, classes: Classes) -> Cow<'_, str> {
    let found = find(text, classes, std::iter::empty());
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (range, kind) in found {
        out.push_str(&text[done..range.start]);
        out.push_str(&format!("[redacted {kind}]"));
        done = range.end;
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// Where a text was redacted before.
pub fn placeholders(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("[redacted ").map(|start| from + start) {
        let name = &text[start + "[redacted ".len()..];
        let len = name.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-').count();
        let end = start + "[redacted ".len() + len;
        from = end;
        if len > 0 && text[end..].starts_with(']') {
            found.push(start..end + 1);
        }
    }
    found
}
