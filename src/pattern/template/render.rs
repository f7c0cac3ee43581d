//! A template as text: once for programs, once for people.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::cluster::{Cluster, ClusterShape};
use super::column::FEW;
use super::scan::{Scanner, Token, TokenKind};

/// What stands for a value.
const VARIABLE: &str = "<*>";

/// Messages per value from which few numbers are shown: with less, chance decides which ones are seen.
const MESSAGES_PER_NUMBER: u64 = 4;

/// Bytes of the longest number that is listed; longer ones are ids.
const LONGEST_LISTED: usize = 12;

/// Bytes of the longest mix of letters and digits that is listed whatever its count: `P2003`, `us-east1`.
const LONGEST_CODE: usize = 8;

/// Messages from which a value that never changed is taken for a part of the wording.
const MESSAGES_PER_NAME: u64 = 3;

/// The faces of a template.
pub(super) struct Rendered {
    /// With every value as `<*>`.
    pub(super) template: String,
    /// With single and few values, common beginnings and ends.
    pub(super) text: String,
    /// Hash of the final tokens.
    pub(super) hash: u64,
}

/// Renders the entries of one template, the first of which gives the white space. `is_variable` has one item per token.
pub(super) fn render<V>(members: &[Cluster<V>], is_variable: &[bool], count: u64, scanner: &mut Scanner) -> Rendered {
    let Some(first) = members.first() else {
        return Rendered { template: String::new(), text: String::new(), hash: 0 };
    };
    if first.shape == ClusterShape::Length {
        let n_tokens = is_variable.len();
        return Rendered {
            template: VARIABLE.to_owned(),
            text: format!("{n_tokens} words and values, too different to tell apart"),
            hash: fnv(&[&n_tokens.to_string()]),
        };
    }
    let places = places(members, is_variable, scanner);
    scanner.read(&first.example);
    let (mut template, mut text) = (String::new(), String::new());
    let mut words = Vec::with_capacity(is_variable.len());
    let text_starts = after_time(&scanner.tokens, &places, &first.example);
    for (at, token) in scanner.tokens.iter().enumerate() {
        let (word, coarse, fine) = match places.get(at) {
            Some(Some(place)) => (VARIABLE, place.coarse(count), place.fine(count)),
            _ => {
                let word = token.text(&first.example);
                (word, Cow::Borrowed(word), Cow::Borrowed(word))
            }
        };
        words.push(word);
        push_spaced(&mut template, token.spaced, &coarse);
        if at >= text_starts {
            push_spaced(&mut text, token.spaced, &fine);
        }
    }
    Rendered { hash: fnv(&words), template, text }
}

fn push_spaced(text: &mut String, spaced: bool, part: &str) {
    if spaced && !text.is_empty() {
        text.push(' ');
    }
    text.push_str(part);
}

/// Where the message starts behind a leading time stamp, which people leave out.
fn after_time(tokens: &[Token], places: &[Option<Filling>], example: &str) -> usize {
    let is = |at: usize, text: &[&str]| tokens.get(at).is_some_and(|t| text.contains(&t.text(example)));
    let bracket = usize::from(is(0, &["[", "("]));
    let has_time = places.get(bracket).is_some_and(|p| p.as_ref().is_some_and(|p| is_time(&p.value)));
    if !has_time {
        return 0;
    }
    let closed = bracket + 1 + usize::from(bracket > 0 && is(bracket + 1, &["]", ")"]));
    let start = closed + usize::from(is(closed, &["-", "|", ":", "¦"]));
    if start < tokens.len() { start } else { 0 }
}

/// A value that begins with a date or a time of the day.
fn is_time(value: &str) -> bool {
    let shape: String = value.chars().take(10).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    ["0000-00-00", "0000/00/00", "00/00/0000", "00-00-0000"].contains(&shape.as_str()) || shape.starts_with("00:00:00")
}

/// FNV-1a over the words, each ended by a byte that no text holds: simple to repeat elsewhere, and ids need no more.
fn fnv(words: &[&str]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// All that stands at one place of a template.
#[derive(Debug)]
struct Filling {
    /// The values, if they are few.
    values: Option<BTreeSet<String>>,
    prefix: String,
    suffix: String,
    /// One of the values.
    value: String,
    /// All members hold a value here, none a word.
    is_masked: bool,
}

fn places<V>(members: &[Cluster<V>], is_variable: &[bool], scanner: &mut Scanner) -> Vec<Option<Filling>> {
    let mut places: Vec<Option<Filling>> = is_variable.iter().map(|_| None).collect();
    for member in members {
        scanner.read(&member.example);
        let mut n_columns = 0;
        for (at, token) in scanner.tokens.iter().enumerate() {
            let column = member.shape.has_column(token.kind).then(|| {
                n_columns += 1;
                n_columns - 1
            });
            if is_variable.get(at) == Some(&true) {
                let seen = Filling::of(member, token, column);
                match &mut places[at] {
                    Some(place) => place.join(seen),
                    empty => *empty = Some(seen),
                }
            }
        }
    }
    places
}

impl Filling {
    fn of<V>(member: &Cluster<V>, token: &Token, column: Option<usize>) -> Filling {
        let value = token.text(&member.example).to_owned();
        let is_masked = token.kind == TokenKind::Variable;
        match column.map(|c| member.columns.get(c)) {
            Some(Some(column)) => {
                let (prefix, suffix) = column.affixes(&member.example);
                let values = column.few(&member.example).map(|few| few.into_iter().map(str::to_owned).collect());
                Filling { values, prefix: prefix.to_owned(), suffix: suffix.to_owned(), value, is_masked }
            }
            Some(None) => Filling { values: None, prefix: String::new(), suffix: String::new(), value, is_masked },
            None => Filling {
                values: Some(BTreeSet::from([value.clone()])),
                prefix: value.clone(),
                suffix: value.clone(),
                value,
                is_masked,
            },
        }
    }

    fn join(&mut self, other: Filling) {
        let shared = self.prefix.bytes().zip(other.prefix.bytes()).take_while(|(a, b)| a == b).count();
        self.prefix.truncate(self.prefix.floor_char_boundary(shared));
        let shared = self.suffix.bytes().rev().zip(other.suffix.bytes().rev()).take_while(|(a, b)| a == b).count();
        self.suffix.drain(..self.suffix.ceil_char_boundary(self.suffix.len() - shared));
        self.is_masked &= other.is_masked;
        self.values = match (self.values.take(), other.values) {
            (Some(mut mine), Some(theirs)) => {
                mine.extend(theirs);
                Some(mine).filter(|values| values.len() <= FEW)
            }
            _ => None,
        };
    }

    fn single(&self) -> Option<&str> {
        self.values.as_ref().filter(|v| v.len() == 1).and_then(|v| v.first()).map(String::as_str)
    }

    /// `<*>`, with what is part of the wording although it holds a digit: a name like `ssh2`, a word like `core.`.
    fn coarse(&self, count: u64) -> Cow<'_, str> {
        if count < MESSAGES_PER_NAME {
            return Cow::Borrowed(VARIABLE);
        }
        if let Some(value) = self.single() {
            return Cow::Borrowed(if is_numbered_name(value) { value } else { VARIABLE });
        }
        let dotted = self.value.split_once('.').filter(|(word, number)| is_word(word) && is_number(number));
        if let Some((word, _)) = dotted
            && self.prefix.len() > word.len()
        {
            return Cow::Owned(format!("{word}.{VARIABLE}"));
        }
        match self.suffix.rsplit_once(' ') {
            Some((_, last)) if is_numbered_name(last) => Cow::Owned(format!("{VARIABLE} {last}")),
            _ => Cow::Borrowed(VARIABLE),
        }
    }

    /// The single value, the few values, or what the many share.
    fn fine(&self, count: u64) -> Cow<'_, str> {
        if let Some(value) = self.single() {
            return Cow::Borrowed(value);
        }
        if let Some(few) = self.values.as_ref().filter(|few| few.iter().all(|v| is_worth_listing(v, few.len(), count)))
        {
            return Cow::Owned(format!("{{{}}}", few.iter().map(String::as_str).collect::<Vec<_>>().join("|")));
        }
        let prefix = whole_prefix(&self.prefix, &self.value);
        let suffix = whole_suffix(&self.suffix, &self.value);
        let overlap = prefix.len() + suffix.len() >= self.value.len();
        Cow::Owned(format!("{prefix}{VARIABLE}{}", if overlap { "" } else { suffix }))
    }
}

/// Words and short codes are listed at once, numbers only when each was seen often enough that chance did not pick them.
fn is_worth_listing(value: &str, n_values: usize, count: u64) -> bool {
    let is_word = !value.bytes().any(|b| b.is_ascii_digit());
    let is_code = value.starts_with(char::is_alphabetic) && value.len() <= LONGEST_CODE;
    let is_short = value.len() <= LONGEST_LISTED;
    is_word || is_code || (is_short && count >= MESSAGES_PER_NUMBER * n_values as u64)
}

/// Letters, then one or two digits, perhaps more letters: `ssh2`, `jk2_init`.
fn is_numbered_name(value: &str) -> bool {
    let n_digits = value.bytes().filter(u8::is_ascii_digit).count();
    let n_letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_plain
        && (1..=2).contains(&n_digits)
        && n_letters > n_digits
        && value.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_word(text: &str) -> bool {
    text.len() >= 2 && text.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The part of a common beginning that is a whole name: `user` of `user12`, `/data/` of `/data/a1`, not half an id.
fn whole_prefix<'p>(prefix: &'p str, value: &str) -> &'p str {
    let next = value.get(prefix.len()..).and_then(|rest| rest.chars().next()).map_or(Run::Other, class);
    let whole = match next {
        Run::Other => prefix,
        Run::Digits => prefix.trim_end_matches(char::is_numeric),
        Run::Letters => prefix.trim_end_matches(char::is_alphanumeric),
    };
    if says_something(whole) { whole } else { "" }
}

/// The part of a common end that is a whole name or unit: `ms` of `12ms`, `.json` of `a1.json`.
fn whole_suffix<'p>(suffix: &'p str, value: &str) -> &'p str {
    let rest = value.len().checked_sub(suffix.len()).and_then(|at| value.get(..at));
    let whole = match rest.and_then(|rest| rest.chars().next_back()).map_or(Run::Other, class) {
        Run::Other => suffix,
        Run::Digits => suffix.trim_start_matches(char::is_numeric),
        Run::Letters => suffix.trim_start_matches(char::is_alphanumeric),
    };
    if says_something(whole) { whole } else { "" }
}

#[derive(PartialEq)]
enum Run {
    Letters,
    Digits,
    Other,
}

fn class(c: char) -> Run {
    if c.is_alphabetic() {
        Run::Letters
    } else if c.is_numeric() {
        Run::Digits
    } else {
        Run::Other
    }
}

/// Two letters, so that a shared digit or a slash is not taken for a name.
fn says_something(affix: &str) -> bool {
    affix.chars().filter(|c| c.is_alphabetic()).count() >= 2
}
