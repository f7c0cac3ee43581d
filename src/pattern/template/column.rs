//! What the messages of one template hold at one place: one value, a few, or what they begin and end with.

use serde::{Deserialize, Serialize};

/// Values that are kept word for word. More than four in braces are harder to read than `<*>`.
pub(super) const FEW: usize = 4;

/// Bytes of the longest value that is kept as one of a few.
const FEW_BYTES: usize = 32;

/// The values at one place, told by what they share with the example's value there.
///
/// A function of the set of values and of the example: joining is commutative, associative and idempotent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    /// Where the example's value starts.
    start: u16,
    /// Bytes of the example's value.
    len: u16,
    /// Bytes that all values begin with.
    prefix: u16,
    /// Bytes that all values end with.
    suffix: u16,
    values: Values,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Values {
    /// All are the example's.
    One,
    /// Two to [`FEW`], sorted.
    Few(Vec<Box<str>>),
    /// More, or too long to keep.
    Many,
}

impl Column {
    /// The column of one value at `start` of the example.
    pub(super) fn new(start: u16, len: u16) -> Column {
        Column { start, len, prefix: len, suffix: len, values: Values::One }
    }

    /// True when a further value cannot change anything.
    #[inline]
    pub(super) fn is_settled(&self) -> bool {
        self.prefix == 0 && self.suffix == 0 && matches!(self.values, Values::Many)
    }

    /// True when all values are the example's.
    pub(super) fn is_one(&self) -> bool {
        matches!(self.values, Values::One)
    }

    /// The example's value.
    #[inline]
    pub(super) fn value<'e>(&self, example: &'e str) -> &'e str {
        example.get(usize::from(self.start)..usize::from(self.start) + usize::from(self.len)).unwrap_or("")
    }

    /// Takes in one more value. `rich` says whether a few values are kept.
    #[inline]
    pub(super) fn observe(&mut self, example: &str, value: &str, rich: bool) {
        let own = self.value(example);
        if matches!(self.values, Values::Many) {
            // Nearly always: what is shared stays shared.
            let (prefix, suffix) = (usize::from(self.prefix), own.len() - usize::from(self.suffix).min(own.len()));
            let (own, value) = (own.as_bytes(), value.as_bytes());
            if value.starts_with(&own[..prefix.min(own.len())]) && value.ends_with(&own[suffix..]) {
                return;
            }
        } else if own == value {
            return;
        }
        self.shrink_affixes(own, value, value.len(), value.len());
        match &mut self.values {
            Values::Many => {}
            Values::One => self.values = Values::of(&[own, value], rich),
            Values::Few(few) => {
                if let Err(place) = few.binary_search_by(|v| v.as_ref().cmp(value)) {
                    if few.len() < FEW && value.len() <= FEW_BYTES {
                        few.insert(place, value.into());
                    } else {
                        self.values = Values::Many;
                    }
                }
            }
        }
    }

    /// Moves to another example, which must be one of the messages of both.
    pub(super) fn rebase(&mut self, start: u16, len: u16) {
        (self.start, self.len) = (start, len);
    }

    /// Moves to the example of another column.
    pub(super) fn rebase_to(&mut self, other: &Column) {
        self.rebase(other.start, other.len);
    }

    /// Takes in the values of another column. `example` and `other_example` are the texts they refer to.
    pub(super) fn join(&mut self, example: &str, other: &Column, other_example: &str, rich: bool) {
        let (own, foreign) = (self.value(example), other.value(other_example));
        self.shrink_affixes(own, foreign, usize::from(other.prefix), usize::from(other.suffix));
        let values = std::mem::replace(&mut self.values, Values::Many);
        self.values = match (values, &other.values) {
            (Values::Many, _) | (_, Values::Many) => Values::Many,
            (Values::One, Values::One) if own == foreign => Values::One,
            (mine, theirs) => Values::of(&[mine.list(own), theirs.list(foreign)].concat(), rich),
        };
    }

    /// Forgets the few values, for when too many columns are kept.
    pub(super) fn forget_few(&mut self) {
        if matches!(self.values, Values::Few(_)) {
            self.values = Values::Many;
        }
    }

    /// The values, if they are few.
    pub(super) fn few<'e>(&'e self, example: &'e str) -> Option<Vec<&'e str>> {
        match &self.values {
            Values::Many => None,
            few => Some(few.list(self.value(example))),
        }
    }

    /// What all values begin and end with; both are the whole value if there is but one.
    pub(super) fn affixes<'e>(&self, example: &'e str) -> (&'e str, &'e str) {
        let own = self.value(example);
        let suffix = own.len() - usize::from(self.suffix).min(own.len());
        (own.get(..usize::from(self.prefix)).unwrap_or(""), own.get(suffix..).unwrap_or(""))
    }

    #[inline]
    fn shrink_affixes(&mut self, own: &str, value: &str, prefix: usize, suffix: usize) {
        if self.prefix > 0 {
            let shared = common_prefix(own, value);
            self.prefix = self.prefix.min(shared as u16).min(prefix as u16);
        }
        if self.suffix > 0 {
            let shared = common_suffix(own, value);
            self.suffix = self.suffix.min(shared as u16).min(suffix as u16);
        }
    }
}

impl Values {
    fn list<'a>(&'a self, own: &'a str) -> Vec<&'a str> {
        match self {
            Values::One => vec![own],
            Values::Few(few) => few.iter().map(AsRef::as_ref).collect(),
            Values::Many => Vec::new(),
        }
    }

    fn of(values: &[&str], rich: bool) -> Values {
        if !rich || values.iter().any(|v| v.len() > FEW_BYTES) {
            return Values::Many;
        }
        let mut sorted: Vec<Box<str>> = values.iter().map(|&v| v.into()).collect();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() > FEW { Values::Many } else { Values::Few(sorted) }
    }
}

/// Bytes both texts begin with.
fn common_prefix(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count()
}

/// Bytes both texts end with.
fn common_suffix(a: &str, b: &str) -> usize {
    a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count()
}
