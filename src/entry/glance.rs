//! A first look at a record: most are one plain entry, whose labels need not be read to tell that nothing failed.

use super::cursor::{Broken, Cursor, Raw};
use super::decode::{Draft, ENTRY_WEIGHT, Field, MAX_LABELS, labels, resource};
use super::{Entry, Text, component, payload};
use crate::framing::Record;
use crate::source::Origin;

/// Labels of one entry that can tell where it belongs; a pod has three.
const MAX_TELLING: usize = 4;

/// An entry whose resource and labels were passed over.
#[derive(Clone, Debug)]
pub struct Glance<'b> {
    /// The entry without resource and labels.
    pub entry: Entry<'b>,
    /// Its resource and labels as they stand.
    pub unread: Unread<'b>,
}

/// What was passed over, as it stands in the record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unread<'b> {
    /// `resource`.
    pub resource: &'b str,
    /// `labels`.
    pub labels: &'b str,
    /// Members of `labels` on which depends what an entry is about, which revision wrote it or what it goes through.
    telling: [(&'static str, &'b str); MAX_TELLING],
    n_telling: usize,
}

impl<'b> Unread<'b> {
    /// Everything on which [`Entry::component`], [`Entry::revision`], [`Entry::project`] and [`Entry::region`] depend,
    /// besides the log name: equal bytes, equal answers.
    pub fn place(&self) -> impl Iterator<Item = &'b str> + '_ {
        let telling = self.telling[..self.n_telling].iter().flat_map(|(label, value)| [*label, *value]);
        std::iter::once(self.resource).chain(telling)
    }

    fn tell(&mut self, member: (&'static str, &'b str)) -> Result<(), Broken> {
        *self.telling.get_mut(self.n_telling).ok_or(Broken)? = member;
        self.n_telling += 1;
        Ok(())
    }
}

impl<'b> Glance<'b> {
    /// The whole entry, as [`super::decode`] gives it; `None` when its resource or labels cannot be read.
    pub fn whole(self) -> Option<Entry<'b>> {
        let mut entry = self.entry;
        read_into(&mut entry, self.unread)?;
        Some(entry)
    }

    /// An entry that has nothing but log name, resource and labels: what it is about is what this one is about.
    pub fn place(&self) -> Option<Entry<'b>> {
        let mut entry = Entry { log_name: self.entry.log_name.clone(), ..Entry::default() };
        read_into(&mut entry, self.unread)?;
        Some(entry)
    }
}

fn read_into<'b>(entry: &mut Entry<'b>, unread: Unread<'b>) -> Option<()> {
    if !unread.resource.is_empty() {
        let mut cursor = Cursor::new(unread.resource);
        let mut columns = Vec::new();
        entry.resource = resource(&mut cursor, &mut columns).ok()?;
        is_read(&cursor).filter(|()| columns.is_empty())?;
    }
    if !unread.labels.is_empty() {
        let mut cursor = Cursor::new(unread.labels);
        entry.labels = labels(&mut cursor).ok()?;
        is_read(&cursor)?;
    }
    Some(())
}

fn is_read(cursor: &Cursor<'_>) -> Option<()> {
    (cursor.at == cursor.text.len()).then_some(())
}

/// Looks at a record that is one entry of the plainest shape: its keys as the API writes them, each once, no audit entry,
/// no part of another. `None` for all others, which [`super::decode`] reads.
pub fn glance(record: Record<'_>) -> Option<Glance<'_>> {
    let text = std::str::from_utf8(record.bytes).ok()?;
    let mut cursor = Cursor::new(text);
    if cursor.token() != b'{' {
        return None;
    }
    let start = cursor.at;
    let mut look = Look::default();
    cursor.members(|cursor, key| look.member(cursor, key)).ok()?;
    if cursor.token() != 0 || cursor.at < text.len() || look.weight < ENTRY_WEIGHT {
        return None;
    }
    look.draft.finish();
    let mut entry = look.draft.entry;
    entry.origin = Origin { offset: record.origin.offset + start as u64, ..record.origin };
    Some(Glance { entry, unread: look.unread })
}

#[derive(Default)]
struct Look<'b> {
    draft: Draft<'b>,
    unread: Unread<'b>,
    seen: u32,
    weight: u32,
}

impl<'b> Look<'b> {
    fn member(&mut self, cursor: &mut Cursor<'b>, key: Raw<'b>) -> Result<(), Broken> {
        let Some(field) = Field::named(key.text) else {
            return if Field::is_unread(key.text) { cursor.skip() } else { Err(Broken) };
        };
        if self.seen & (1 << field as u32) != 0 {
            return Err(Broken);
        }
        self.seen |= 1 << field as u32;
        self.weight += field.weight();
        self.field(field, cursor)
    }

    fn field(&mut self, field: Field, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        let token = cursor.token();
        let entry = &mut self.draft.entry;
        match field {
            Field::InsertId => entry.insert_id = plain(cursor)?,
            Field::LogName => entry.log_name = plain(cursor)?,
            Field::Trace => entry.trace = plain(cursor)?,
            Field::SpanId => entry.span_id = plain(cursor)?,
            Field::Timestamp | Field::ReceiveTimestamp | Field::Severity | Field::Text if token == b'"' => {
                self.draft.field(field, cursor)?;
            }
            Field::Resource if token == b'{' => self.unread.resource = cursor.raw_value()?,
            Field::Labels if token == b'{' => self.labels(cursor)?,
            Field::Http | Field::Operation if token == b'{' => self.draft.field(field, cursor)?,
            Field::Json if token == b'{' && !payload::is_audit(cursor) => self.draft.field(field, cursor)?,
            _ => return Err(Broken),
        }
        Ok(())
    }

    /// Passes over the labels, and notes the telling ones.
    fn labels(&mut self, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        let start = cursor.at;
        let mut n_labels = 0;
        cursor.members(|cursor, key| {
            n_labels += 1;
            if key.is_escaped || n_labels > MAX_LABELS {
                return Err(Broken);
            }
            match component::telling(key.text) {
                Some(label) => self.unread.tell((label, cursor.raw_value()?)),
                None => cursor.skip(),
            }
        })?;
        self.unread.labels = &cursor.text[start..cursor.at];
        Ok(())
    }
}

/// A string without an escape.
fn plain<'b>(cursor: &mut Cursor<'b>) -> Result<Text<'b>, Broken> {
    if cursor.token() != b'"' {
        return Err(Broken);
    }
    let string = cursor.string()?;
    if string.is_escaped { Err(Broken) } else { Ok(Text::Borrowed(string.text)) }
}
