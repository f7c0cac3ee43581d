//! A template as text: once for programs, once for people.

use std::collections::BTreeSet;

use super::column::FEW;
use super::scan::{Kind, Scanner, Token};
use super::shelf::{Entry, Shape};

/// What stands for a value.
const VARIABLE: &str = "<*>";

/// Messages per value from which few numbers are shown: with less, chance decides which ones are seen.
const MESSAGES_PER_NUMBER: u64 = 4;

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
pub(super) fn render<V>(members: &[Entry<V>], is_variable: &[bool], count: u64, scanner: &mut Scanner) -> Rendered {
    let Some(first) = members.first() else {
        return Rendered { template: String::new(), text: String::new(), hash: 0 };
    };
    if first.shape == Shape::Length {
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
    for (at, token) in scanner.tokens.iter().enumerate() {
        if token.spaced && at > 0 {
            template.push(' ');
            text.push(' ');
        }
        match places.get(at) {
            Some(Some(place)) => {
                words.push(VARIABLE);
                template.push_str(place.coarse());
                text.push_str(&place.fine(count));
            }
            _ => {
                let word = token.text(&first.example);
                words.push(word);
                template.push_str(word);
                text.push_str(word);
            }
        }
    }
    Rendered { hash: fnv(&words), template, text }
}

/// FNV-1a over the words, each ended by a byte that no text holds: simple to repeat elsewhere, and ids need no more.
fn fnv(words: &[&str]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// All that stands at one place of a template.
#[derive(Debug)]
struct Place {
    /// The values, if they are few.
    values: Option<BTreeSet<String>>,
    prefix: String,
    suffix: String,
    /// One of the values.
    value: String,
    /// All members hold a value here, none a word.
    is_masked: bool,
}

fn places<V>(members: &[Entry<V>], is_variable: &[bool], scanner: &mut Scanner) -> Vec<Option<Place>> {
    let mut places: Vec<Option<Place>> = is_variable.iter().map(|_| None).collect();
    for member in members {
        scanner.read(&member.example);
        let mut n_columns = 0;
        for (at, token) in scanner.tokens.iter().enumerate() {
            let column = member.shape.has_column(token.kind).then(|| {
                n_columns += 1;
                n_columns - 1
            });
            if is_variable.get(at) == Some(&true) {
                let seen = Place::of(member, token, column);
                match &mut places[at] {
                    Some(place) => place.join(seen),
                    empty => *empty = Some(seen),
                }
            }
        }
    }
    places
}

impl Place {
    fn of<V>(member: &Entry<V>, token: &Token, column: Option<usize>) -> Place {
        let value = token.text(&member.example).to_owned();
        let is_masked = token.kind == Kind::Variable;
        match column.map(|c| member.columns.get(c)) {
            Some(Some(column)) => {
                let (prefix, suffix) = column.affixes(&member.example);
                let values = column.few(&member.example).map(|few| few.into_iter().map(str::to_owned).collect());
                Place { values, prefix: prefix.to_owned(), suffix: suffix.to_owned(), value, is_masked }
            }
            Some(None) => Place { values: None, prefix: String::new(), suffix: String::new(), value, is_masked },
            None => Place {
                values: Some(BTreeSet::from([value.clone()])),
                prefix: value.clone(),
                suffix: value.clone(),
                value,
                is_masked,
            },
        }
    }

    fn join(&mut self, other: Place) {
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

    /// `<*>`, or the value where it is a name that only happens to end in a digit, like `ssh2`.
    fn coarse(&self) -> &str {
        VARIABLE
    }

    fn fine(&self, count: u64) -> String {
        if let Some(value) = self.single() {
            return value.to_owned();
        }
        let few = self.values.as_ref().filter(|few| {
            let are_words = few.iter().all(|v| v.starts_with(char::is_alphabetic));
            are_words || count >= MESSAGES_PER_NUMBER * few.len() as u64
        });
        if let Some(few) = few {
            return format!("{{{}}}", few.iter().map(String::as_str).collect::<Vec<_>>().join("|"));
        }
        let prefix = whole_prefix(&self.prefix, &self.value);
        let suffix = if prefix.len() + self.suffix.len() < self.value.len() {
            whole_suffix(&self.suffix, &self.value)
        } else {
            ""
        };
        format!("{prefix}{VARIABLE}{suffix}")
    }
}

/// The part of a common beginning that ends between two runs of letters or digits and says something.
fn whole_prefix<'p>(prefix: &'p str, value: &str) -> &'p str {
    let mut prefix = prefix;
    let mut next = value.get(prefix.len()..).and_then(|rest| rest.chars().next());
    while let (Some(last), Some(following)) = (prefix.chars().next_back(), next) {
        if class(last) != class(following) || class(last) == Run::Other {
            break;
        }
        next = Some(last);
        prefix = &prefix[..prefix.len() - last.len_utf8()];
    }
    if says_something(prefix) { prefix } else { "" }
}

/// The part of a common end that starts between two runs of letters or digits and says something.
fn whole_suffix<'p>(suffix: &'p str, value: &str) -> &'p str {
    let mut suffix = suffix;
    let mut before =
        value.len().checked_sub(suffix.len()).and_then(|at| value.get(..at)).and_then(|s| s.chars().next_back());
    while let (Some(first), Some(previous)) = (suffix.chars().next(), before) {
        if class(first) != class(previous) || class(first) == Run::Other {
            break;
        }
        before = Some(first);
        suffix = &suffix[first.len_utf8()..];
    }
    if says_something(suffix) { suffix } else { "" }
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
