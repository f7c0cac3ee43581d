//! A first look at a record: most are one plain entry, whose labels need not be read to tell that nothing failed.

use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::cursor::{Broken, Cursor, Raw};
use super::decode::{Draft, ENTRY_WEIGHT, Field, resource};
use super::names::{LONG_RECORD, NAME_BYTES};
use super::payload;
use super::values::{MAX_LABELS, labels};
use super::{Entry, Labels, Resource, Text, component};
use crate::framing::Record;
use crate::source::Origin;

/// Labels of one entry that can tell where it belongs; a pod has three.
const MAX_TELLING: usize = 4;

/// An entry whose resource and labels were passed over.
#[derive(Clone, Debug)]
pub struct Glance<'b> {
    /// The entry without resource, labels and fields.
    pub entry: Entry<'b>,
    /// These as they stand.
    pub unread: Unread<'b>,
    /// True for a record beyond [`LONG_RECORD`].
    is_long: bool,
}

/// Resources that were met, so that one that comes again is known by its bytes alone and need not be read.
#[derive(Debug)]
pub struct Resources {
    texts: Vec<Box<str>>,
    by_hash: FxHashMap<u64, u32>,
    /// Numbers by the hash of how a resource begins, the last met first.
    recent: Vec<[u32; WAYS]>,
}

/// Bytes of a resource by which it is looked up: the names of project, place and service stand there.
const BEGINNING: usize = 64;

/// Resources of one beginning that are tried: pods differ further back.
const WAYS: usize = 4;

/// Beginnings told apart.
const BEGINNINGS: usize = 256;

impl Default for Resources {
    fn default() -> Resources {
        Resources { texts: Vec::new(), by_hash: FxHashMap::default(), recent: vec![[u32::MAX; WAYS]; BEGINNINGS] }
    }
}

impl Resources {
    /// The number of a resource that was met. It is then one of the recent ones.
    pub fn number(&mut self, text: &str) -> Option<u32> {
        let number = *self.by_hash.get(&FxBuildHasher.hash_one(text))?;
        // Another one of the same hash is rare beyond measure, and stays unknown.
        (*self.texts[number as usize] == *text).then_some(())?;
        if let Some(slot) = slot(text) {
            self.recent[slot].rotate_right(1);
            self.recent[slot][0] = number;
        }
        Some(number)
    }

    /// Notes a resource that was read and is whole.
    pub fn add(&mut self, text: &str) {
        self.by_hash.entry(FxBuildHasher.hash_one(text)).or_insert(self.texts.len() as u32);
        self.texts.push(text.into());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// True when none was met.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Resources::default();
    }

    /// The number and the text of the resource that `text` begins with, when it was met of late.
    fn at<'b>(&self, text: &'b str) -> Option<(u32, &'b str)> {
        self.recent[slot(text)?].iter().find_map(|number| {
            let known = self.texts.get(*number as usize)?;
            // A whole object: whatever follows, it ends here.
            text.as_bytes().starts_with(known.as_bytes()).then(|| (*number, &text[..known.len()]))
        })
    }
}

fn slot(text: &str) -> Option<usize> {
    let beginning: &[u8; BEGINNING] = text.as_bytes().first_chunk()?;
    Some(FxBuildHasher.hash_one(beginning) as usize % BEGINNINGS)
}

/// What was passed over, as it stands in the record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unread<'b> {
    /// `resource`.
    pub resource: &'b str,
    /// Its number among the [`Resources`], when it was known.
    pub number: Option<u32>,
    /// `labels`.
    pub labels: &'b str,
    /// `jsonPayload`, when only its message was read.
    pub payload: &'b str,
    /// Members of `labels` on which depends what an entry is about, which revision wrote it or what it goes through.
    telling: [(&'static str, &'b str); MAX_TELLING],
    n_telling: usize,
}

impl<'b> Unread<'b> {
    /// Labels, with their values as written, on which depends what [`Entry::component`] and [`Entry::revision`] say, besides
    /// log name and resource: equal bytes, equal answers.
    pub fn telling(&self) -> impl Iterator<Item = &'b str> + '_ {
        self.telling[..self.n_telling].iter().flat_map(|(label, value)| [*label, *value])
    }

    fn tell(&mut self, member: (&'static str, &'b str)) -> Result<(), Broken> {
        *self.telling.get_mut(self.n_telling).ok_or(Broken)? = member;
        self.n_telling += 1;
        Ok(())
    }
}

impl<'b> Glance<'b> {
    /// The whole entry, as [`super::decode()`] gives it, with its names cut when its record is long; `None` when its resource or labels cannot be read.
    pub fn whole(self) -> Option<Entry<'b>> {
        let (Unread { resource, payload, .. }, is_long) = (self.unread, self.is_long);
        let mut entry = self.labelled()?;
        entry.resource = read_resource(resource)?;
        if !payload.is_empty() {
            entry.fields = payload::read(&mut Cursor::new(payload)).ok()?.fields;
        }
        if is_long {
            entry.cut_names();
        }
        Some(entry)
    }

    /// The entry with its labels; `None` when they cannot be read.
    pub fn labelled(self) -> Option<Entry<'b>> {
        Some(Entry { labels: read_labels(self.unread.labels)?, ..self.entry })
    }

    /// An entry that has nothing but log name, resource and labels: what it is about is what this one is about.
    pub fn place(&self) -> Option<Entry<'b>> {
        Some(Entry {
            log_name: self.entry.log_name.clone(),
            resource: read_resource(self.unread.resource)?,
            labels: read_labels(self.unread.labels)?,
            ..Entry::default()
        })
    }
}

fn read_resource(text: &str) -> Option<Resource<'_>> {
    if text.is_empty() {
        return Some(Resource::default());
    }
    let mut cursor = Cursor::new(text);
    let mut columns = Vec::new();
    let resource = resource(&mut cursor, &mut columns).ok()?;
    is_read(&cursor).filter(|()| columns.is_empty())?;
    Some(resource)
}

fn read_labels(text: &str) -> Option<Labels<'_>> {
    if text.is_empty() {
        return Some(Labels::default());
    }
    let mut cursor = Cursor::new(text);
    let labels = labels(&mut cursor).ok()?;
    is_read(&cursor)?;
    Some(labels)
}

fn is_read(cursor: &Cursor<'_>) -> Option<()> {
    (cursor.at == cursor.text.len()).then_some(())
}

/// Looks at a record that is one entry of the plainest shape: its keys as the API writes them, each once, no audit entry, no part
/// of another, no label so long that [`Entry::cut_names`] would cut it. `None` for all others, which [`super::decode()`] reads.
///
/// Of a JSON payload only the message is read, unless it has a field whose key is `wanted`, or says more than its message.
pub fn glance<'b>(record: Record<'b>, known: &Resources, wanted: &dyn Fn(&str) -> bool) -> Option<Glance<'b>> {
    let text = simdutf8::basic::from_utf8(record.bytes).ok()?;
    let mut cursor = Cursor::new(text);
    if cursor.token() != b'{' {
        return None;
    }
    let start = cursor.at;
    let mut look = Look { known, wanted, draft: Draft::default(), unread: Unread::default(), seen: 0, weight: 0 };
    cursor.members(|cursor, key| look.member(cursor, key)).ok()?;
    if cursor.token() != 0 || cursor.at < text.len() || look.weight < ENTRY_WEIGHT {
        return None;
    }
    look.draft.finish();
    let mut entry = look.draft.entry;
    if look.unread.resource.len() > NAME_BYTES {
        return None;
    }
    let is_long = record.bytes.len() > LONG_RECORD;
    if is_long {
        entry.cut_names();
    }
    entry.origin = Origin { offset: record.origin.offset + start as u64, ..record.origin };
    Some(Glance { entry, unread: look.unread, is_long })
}

struct Look<'b, 'k> {
    known: &'k Resources,
    wanted: &'k dyn Fn(&str) -> bool,
    draft: Draft<'b>,
    unread: Unread<'b>,
    seen: u32,
    weight: u32,
}

impl<'b> Look<'b, '_> {
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
            Field::Resource if token == b'{' => self.resource(cursor)?,
            Field::Labels if token == b'{' => self.labels(cursor)?,
            Field::Http | Field::Operation if token == b'{' => self.draft.field(field, cursor)?,
            Field::Json if token == b'{' && !payload::is_audit(cursor) => self.payload(cursor)?,
            _ => return Err(Broken),
        }
        Ok(())
    }

    fn resource(&mut self, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        self.unread.resource = match self.known.at(&cursor.text[cursor.at..]) {
            Some((number, resource)) => {
                self.unread.number = Some(number);
                cursor.at += resource.len();
                resource
            }
            None => cursor.raw_value()?,
        };
        Ok(())
    }

    /// Reads the message alone, unless there is more to a payload than that.
    fn payload(&mut self, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        let start = *cursor;
        match payload::message(cursor, self.wanted) {
            Ok(payload) => {
                self.unread.payload = &cursor.text[start.at..cursor.at];
                self.draft.json = Some(payload);
                Ok(())
            }
            Err(Broken) => {
                *cursor = start;
                self.draft.field(Field::Json, cursor)
            }
        }
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
            let start = cursor.at;
            match component::telling(key.text) {
                Some(label) => self.unread.tell((label, cursor.raw_value()?))?,
                None => cursor.skip()?,
            }
            if key.text.len().max(cursor.at - start) > NAME_BYTES { Err(Broken) } else { Ok(()) }
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
