//! A record split into what its shape is made of and what it is not.

use super::{MAX_SLOTS, Next, Slot};
use crate::entry::cursor::Cursor;
use crate::entry::outline::{Kind, Part};

/// Bytes of the literals of one shape; a request has 500.
const MAX_BYTES: usize = 16 << 10;

/// A record split into its literals and its values.
pub(super) struct Split<'t> {
    pub(super) steps: Vec<SplitStep<'t>>,
}

/// A literal and the value that follows it.
pub(super) struct SplitStep<'t> {
    pub(super) literal: &'t str,
    /// The value that follows; none at the end.
    pub(super) next: Option<Next>,
    pub(super) slot: Option<Slot>,
}

impl<'t> Split<'t> {
    /// Splits a record that was read before; `None` when it has too many values, or too long keys.
    pub(super) fn of(text: &'t str, resource: Option<Part>) -> Option<Split<'t>> {
        let mut cursor = Cursor::new(text);
        let mut split = Split { steps: Vec::new() };
        let mut literal = 0;
        while split.steps.len() <= MAX_SLOTS {
            let start = cursor.at;
            let (next, slot) = match text.as_bytes().get(start) {
                None => {
                    split.steps.push(SplitStep { literal: &text[literal..], next: None, slot: None });
                    let n_bytes: usize = split.steps.iter().map(|step| step.literal.len()).sum();
                    return (n_bytes <= MAX_BYTES).then_some(split);
                }
                Some(b'{') if resource.is_some_and(|part| part.start as usize == start) => {
                    cursor.at = resource?.end as usize;
                    (Next::Resource, Slot::new(start, cursor.at, Kind::Nested))
                }
                Some(b'"') => {
                    let kind = if cursor.string().ok()?.is_escaped { Kind::Escaped } else { Kind::Plain };
                    let end = cursor.at;
                    if cursor.token() == b':' {
                        continue;
                    }
                    cursor.at = end;
                    (Next::String, Slot::new(start + 1, end - 1, kind))
                }
                Some(b) if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.') => {
                    cursor.scalar().ok()?;
                    (Next::Word, Slot::new(start, cursor.at, Kind::Word))
                }
                Some(_) => {
                    cursor.at += 1;
                    continue;
                }
            };
            let literal_text = text.get(literal..slot.start as usize)?;
            split.steps.push(SplitStep { literal: literal_text, next: Some(next), slot: Some(slot) });
            literal = slot.end as usize;
        }
        None
    }
}
