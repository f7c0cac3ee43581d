//! The shapes of records that were met: one whose shape is known has its outline without being parsed.
//!
//! A shape is what the records of one kind of entry have in common: everything but what stands inside their strings, their words
//! and their resource. It is a row of steps, each a literal, with the keys, colons, commas and quotes, and what follows it. The
//! shapes form a tree, since many begin alike: after every value the literals that followed before are compared, until one fits.
//!
//! Law: the outline is the one that [`Outline::read`] gives. It holds because a reader of JSON tells what a value is from what
//! stands before it and from its first byte, and both are compared.

mod split;
#[cfg(test)]
mod tests;

use wide::u8x16;

use self::split::Split;
use super::cursor::{Cursor, plain_end};
use super::outline::{Kind, Outline, Part, Role};
use super::resources::Resources;

/// Values of one shape; a request has thirty.
const MAX_SLOTS: usize = 256;

/// Steps of all shapes, and bytes of their literals: those of a busy project take a tenth. When they do not suffice, all is forgotten.
const MAX_STEPS: usize = 4096;
const MAX_LITERALS: usize = 256 << 10;

/// Literals that may follow one value; the more there are, the longer it takes to find the one.
const MAX_SIBLINGS: usize = 64;

/// Shapes that are learned whatever it brings, and how many records must have been known for each one beyond: where no record is
/// like another, learning must not cost.
const FREE_LESSONS: u64 = 512;
const HITS_PER_LESSON: u64 = 4;

/// Bytes of a literal that are compared at once; most are shorter.
const HEAD: usize = 32;

/// No step.
const NONE: u32 = u32::MAX;

/// Shapes that were met, for one worker.
#[derive(Debug)]
pub struct Shapes {
    steps: Vec<Step>,
    /// The first of the steps with which a record may begin.
    first: u32,
    /// The part of a literal beyond its head.
    literals: Vec<u8>,
    shapes: Vec<Shape>,
    /// The values of the last record, and the number of its resource.
    slots: Vec<Slot>,
    resource: Option<u32>,
    outline: Outline,
    n_hits: u64,
    n_lessons: u64,
}

/// A literal and what follows it. As long as a line of the cache.
#[derive(Debug)]
#[repr(align(64))]
struct Step {
    head: [u8; HEAD],
    /// The bytes of the head that count, one bit for each.
    mask: u32,
    len: u32,
    /// Where in the literals the rest begins.
    tail: u32,
    next: Next,
    /// The first of the steps that may come after.
    child: u32,
    /// Another step that may come instead.
    sibling: u32,
}

/// What follows a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The inside of a string.
    String,
    Word,
    Resource,
    /// The end of the record, and the number of its shape.
    End(u32),
}

/// Which values of a shape matter.
#[derive(Debug)]
struct Shape {
    start: usize,
    parts: Vec<(Role, Place)>,
}

/// Where a part stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// It is the value of this number.
    Slot(u32),
    /// It starts and ends in literals.
    Between(Mark, Mark),
}

/// A place in a literal: so many bytes before the value of this number, or before the end.
#[derive(Clone, Copy, Debug)]
struct Mark {
    slot: u32,
    back: u32,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
struct Slot {
    start: u32,
    end: u32,
    kind: Kind,
}

impl Default for Shapes {
    fn default() -> Shapes {
        Shapes {
            steps: Vec::new(),
            first: NONE,
            literals: Vec::new(),
            shapes: Vec::new(),
            slots: Vec::with_capacity(MAX_SLOTS),
            resource: None,
            outline: Outline::default(),
            n_hits: 0,
            n_lessons: 0,
        }
    }
}

impl Shapes {
    /// Calls `each` for every part of the outline of a record, as [`Outline::read`] gives it; where the record starts in its
    /// text, and the number of its resource, when it is known.
    pub(super) fn outline(
        &mut self,
        text: &str,
        known: &Resources,
        wanted: &dyn Fn(&str) -> bool,
        mut each: impl FnMut(Part) -> Option<()>,
    ) -> Option<(usize, Option<u32>)> {
        if let Some(shape) = self.follow(text, known) {
            self.n_hits += 1;
            let Shape { start, parts } = &self.shapes[shape];
            parts.iter().try_for_each(|(role, place)| each(place.part(*role, &self.slots, text.len())))?;
            return Some((*start, self.resource));
        }
        self.outline.read(text, known, wanted)?;
        if self.n_lessons < FREE_LESSONS + self.n_hits / HITS_PER_LESSON {
            self.n_lessons += 1;
            self.learn(text);
        }
        self.outline.parts.iter().try_for_each(|part| each(*part))?;
        Some((self.outline.start, self.outline.resource))
    }

    /// Records whose shape was known, and shapes learned.
    pub fn hits_and_lessons(&self) -> (u64, u64) {
        (self.n_hits, self.n_lessons)
    }

    /// The number of the record's shape; its values are then in `slots`.
    // A function of its own, of few variables: each of its lines is run for every value of an export.
    #[inline(never)]
    fn follow(&mut self, text: &str, known: &Resources) -> Option<usize> {
        let bytes = text.as_bytes();
        let (mut before, mut skipped, mut step) = (NONE, NONE, self.first);
        // Where the next literal would start.
        let mut at = 0;
        self.slots.clear();
        self.resource = None;
        loop {
            let known_step = self.steps.get(step as usize)?;
            let (next, child, sibling) = (known_step.next, known_step.child, known_step.sibling);
            let start = at + known_step.len as usize;
            let slot = if !known_step.is_at(bytes, at, &self.literals) {
                None
            } else if next == Next::String {
                Some(string(text, start)?)
            } else {
                match next {
                    Next::Word => word(text, start),
                    Next::Resource if bytes.get(start) == Some(&b'{') => {
                        let mut cursor = Cursor { at: start, ..Cursor::new(text) };
                        self.resource = known.pass(&mut cursor).ok()?;
                        Some(Slot::new(start, cursor.at, Kind::Nested))
                    }
                    Next::End(shape) if start == bytes.len() => return Some(shape as usize),
                    _ => None,
                }
            };
            let Some(slot) = slot else {
                (skipped, step) = (step, sibling);
                continue;
            };
            at = slot.end as usize;
            self.slots.push(slot);
            if skipped != NONE {
                self.move_to_front(step, skipped, before);
            }
            (before, skipped, step) = (step, NONE, child);
        }
    }

    /// Tries a step first that was found behind others: what came last mostly comes again.
    #[inline(never)]
    fn move_to_front(&mut self, step: u32, skipped: u32, before: u32) {
        let first = std::mem::replace(self.first_after(before), step);
        let sibling = std::mem::replace(&mut self.steps[step as usize].sibling, first);
        self.steps[skipped as usize].sibling = sibling;
    }

    /// The number of the first step that may come after another one; after none, of the first of all.
    fn first_after(&mut self, before: u32) -> &mut u32 {
        match self.steps.get_mut(before as usize) {
            Some(step) => &mut step.child,
            None => &mut self.first,
        }
    }

    /// Adds the shape of the record whose outline was just read.
    fn learn(&mut self, text: &str) {
        let resource = self.outline.parts.iter().find(|part| part.role == Role::Resource).copied();
        let Some(shape) = Split::of(text, resource) else { return };
        let n_bytes: usize = shape.steps.iter().map(|step| step.literal.len()).sum();
        self.slots.clear();
        self.slots.extend(shape.steps.iter().filter_map(|step| step.slot));
        let parts = self.outline.parts.iter().map(|part| Some((part.role, place(part, &self.slots, text.len())?)));
        let Some(parts) = parts.collect() else { return };
        if self.steps.len() + shape.steps.len() > MAX_STEPS || self.literals.len() + n_bytes > MAX_LITERALS {
            (self.steps, self.literals, self.shapes) = Default::default();
            self.first = NONE;
        }
        let end = Next::End(self.shapes.len() as u32);
        let mut at = NONE;
        for step in shape.steps {
            match self.after(at, step.literal, step.next.unwrap_or(end)) {
                Some(step) => at = step,
                None => return,
            }
        }
        self.shapes.push(Shape { start: self.outline.start, parts });
    }

    /// The step with this literal after another one; it is added when there is none yet and room for it.
    fn after(&mut self, before: u32, literal: &str, next: Next) -> Option<u32> {
        let first = *self.first_after(before);
        let (mut at, mut n_siblings) = (first, 0);
        while let Some(step) = self.steps.get(at as usize) {
            if step.next == next && self.literal(step).eq(literal.bytes()) {
                return Some(at);
            }
            n_siblings += 1;
            at = step.sibling;
        }
        if n_siblings == MAX_SIBLINGS {
            return None;
        }
        let number = self.steps.len() as u32;
        let (head, tail) = literal.as_bytes().split_at(literal.len().min(HEAD));
        let mut padded = [0; HEAD];
        padded[..head.len()].copy_from_slice(head);
        self.steps.push(Step {
            head: padded,
            mask: (u64::from(u32::MAX) >> (HEAD - head.len())) as u32,
            len: literal.len() as u32,
            tail: self.literals.len() as u32,
            next,
            child: NONE,
            sibling: first,
        });
        self.literals.extend_from_slice(tail);
        *self.first_after(before) = number;
        Some(number)
    }

    fn literal<'s>(&'s self, step: &'s Step) -> impl Iterator<Item = u8> + 's {
        let len = step.len as usize;
        let tail = self.literals[step.tail as usize..].iter().take(len.saturating_sub(HEAD));
        step.head[..len.min(HEAD)].iter().chain(tail).copied()
    }
}

impl Step {
    /// True when its literal stands at a place.
    #[inline(always)]
    fn is_at(&self, text: &[u8], at: usize, literals: &[u8]) -> bool {
        let len = self.len as usize;
        let Some(rest) = text.get(at..) else { return false };
        let Some((head, rest)) = rest.split_first_chunk::<HEAD>() else {
            // Near the end of the record.
            return len <= HEAD && rest.starts_with(&self.head[..len]);
        };
        equal_bytes(head, &self.head) & self.mask == self.mask && (len <= HEAD || self.is_tail(rest, literals))
    }

    /// True when `text` starts with what stands behind the head of its literal.
    #[inline(never)]
    fn is_tail(&self, text: &[u8], literals: &[u8]) -> bool {
        text.starts_with(&literals[self.tail as usize..][..self.len as usize - HEAD])
    }
}

impl Slot {
    fn new(start: usize, end: usize, kind: Kind) -> Slot {
        // A record has at most 16 MiB.
        Slot { start: start as u32, end: end as u32, kind }
    }
}

/// The string whose inside starts at `start`; `None` when it has no end. The literal that follows begins with its quote.
#[inline(always)]
fn string(text: &str, start: usize) -> Option<Slot> {
    match plain_end(text.as_bytes(), start) {
        Some(end) => Some(Slot::new(start, end, Kind::Plain)),
        None => any_string(text, start),
    }
}

/// The same of any string.
#[inline(never)]
fn any_string(text: &str, start: usize) -> Option<Slot> {
    let mut cursor = Cursor { at: start - 1, ..Cursor::new(text) };
    let kind = if cursor.string().ok()?.is_escaped { Kind::Escaped } else { Kind::Plain };
    Some(Slot::new(start, cursor.at - 1, kind))
}

/// The word that starts there.
fn word(text: &str, start: usize) -> Option<Slot> {
    let mut cursor = Cursor { at: start, ..Cursor::new(text) };
    cursor.scalar().ok()?;
    Some(Slot::new(start, cursor.at, Kind::Word))
}

impl Place {
    /// The part that stands there.
    #[inline]
    fn part(self, role: Role, slots: &[Slot], len: usize) -> Part {
        match self {
            Place::Slot(slot) => {
                let Slot { start, end, kind } = slots[slot as usize];
                Part { role, kind, start, end }
            }
            Place::Between(from, to) => {
                Part { role, kind: Kind::Nested, start: from.at(slots, len), end: to.at(slots, len) }
            }
        }
    }
}

impl Mark {
    /// The mark of a place, unless it lies inside a value.
    fn of(at: u32, slots: &[Slot], len: usize) -> Option<Mark> {
        let slot = slots.iter().position(|slot| slot.start >= at).unwrap_or(slots.len());
        let is_between = slot.checked_sub(1).is_none_or(|before| slots[before].end <= at);
        let anchor = slots.get(slot).map_or(len as u32, |slot| slot.start);
        is_between.then(|| Mark { slot: slot as u32, back: anchor - at })
    }

    fn at(self, slots: &[Slot], len: usize) -> u32 {
        slots.get(self.slot as usize).map_or(len as u32, |slot| slot.start) - self.back
    }
}

/// Where a part stands among the values.
fn place(part: &Part, slots: &[Slot], len: usize) -> Option<Place> {
    let same = slots.iter().position(|slot| (slot.start, slot.end) == (part.start, part.end));
    match same {
        Some(slot) => Some(Place::Slot(slot as u32)).filter(|_| slots[slot].kind == part.kind),
        None if part.kind != Kind::Nested => None,
        None => Some(Place::Between(Mark::of(part.start, slots, len)?, Mark::of(part.end, slots, len)?)),
    }
}

/// Which bytes are equal, one bit for each, the first lowest.
#[inline]
fn equal_bytes(a: &[u8; HEAD], b: &[u8; HEAD]) -> u32 {
    let halves = |bytes: &[u8; HEAD]| {
        let (halves, _) = bytes.as_chunks::<16>();
        [u8x16::from(halves[0]), u8x16::from(halves[1])]
    };
    let ([a, b], [c, d]) = (halves(a), halves(b));
    a.simd_eq(c).to_bitmask() | b.simd_eq(d).to_bitmask() << 16
}
