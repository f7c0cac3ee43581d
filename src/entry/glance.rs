//! A first look at a record: most are one plain entry, whose labels need not be read to tell that nothing failed.

use super::component::Telling;
use super::cursor::{Broken, Cursor};
use super::decode::{resource, speak};
use super::level::Stated;
use super::names::{LONG_RECORD, NAME_BYTES};
use super::outline::{Part, Role};
use super::payload::{self, JsonPayload};
use super::values::{labels, parse_duration, parse_status};
use super::{Entry, HttpRequest, Labels, Resource, Resources, Severity, Shapes, Text};
use crate::framing::Record;
use crate::source::Origin;

/// Labels of one entry that can tell where it belongs; a pod of GKE has five.
const MAX_TELLING: usize = 8;

/// An entry whose resource and labels were passed over.
#[derive(Clone, Debug, Default)]
pub struct Glance<'b> {
    /// The entry without resource, labels and fields.
    pub entry: Entry<'b>,
    /// These as they stand.
    pub unread: Unread<'b>,
    /// True for a record beyond [`LONG_RECORD`].
    is_long: bool,
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
    telling: [Option<(Telling, &'b str)>; MAX_TELLING],
    n_telling: usize,
}

impl<'b> Unread<'b> {
    /// Labels, with their values as written, on which depends what [`Entry::component`] and [`Entry::revision`] say, besides
    /// log name and resource: equal bytes, equal answers.
    pub fn telling(&self) -> impl Iterator<Item = &'b str> + '_ {
        self.telling[..self.n_telling].iter().flatten().flat_map(|(label, value)| [label.name(), *value])
    }

    fn tell(&mut self, label: Telling, value: &'b str) -> Result<(), Broken> {
        *self.telling.get_mut(self.n_telling).ok_or(Broken)? = Some((label, value));
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
/// Of a JSON payload only the message is read, unless it has a field whose key is `wanted`, or says more than its message. `shapes`
/// must always come with the same `wanted`.
pub fn glance<'b>(
    record: Record<'b>,
    known: &Resources,
    shapes: &mut Shapes,
    wanted: &dyn Fn(&str) -> bool,
) -> Option<Glance<'b>> {
    let text = simdutf8::basic::from_utf8(record.bytes).ok()?;
    let mut look = Look::new(text);
    let (start, number) = shapes.outline(text, known, wanted, |part| look.take(part).ok())?;
    look.speak().ok()?;
    let mut glance = look.glance;
    let unread = &mut glance.unread;
    if unread.resource.len() > NAME_BYTES || unread.labels.len() > NAME_BYTES && has_long_label(unread.labels) {
        return None;
    }
    unread.number = number;
    glance.is_long = record.bytes.len() > LONG_RECORD;
    if glance.is_long {
        glance.entry.cut_names();
    }
    glance.entry.origin = Origin { offset: record.origin.offset + start as u64, ..record.origin };
    Some(glance)
}

/// What is made of the parts of a record, one after another.
struct Look<'b> {
    text: &'b str,
    glance: Glance<'b>,
    text_payload: Text<'b>,
    /// A JSON payload that had to be read.
    payload: Option<JsonPayload<'b>>,
    /// The best message so far and its rank.
    message: Option<(u8, Part)>,
    stated: Stated,
}

impl<'b> Look<'b> {
    fn new(text: &'b str) -> Look<'b> {
        Look {
            text,
            glance: Glance::default(),
            text_payload: Text::default(),
            payload: None,
            message: None,
            stated: Stated::default(),
        }
    }

    #[inline]
    fn take(&mut self, part: Part) -> Result<(), Broken> {
        let Glance { entry, unread, .. } = &mut self.glance;
        match part.role {
            Role::InsertId => entry.insert_id = part.plain(self.text)?,
            Role::LogName => entry.log_name = part.plain(self.text)?,
            Role::Trace => entry.trace = part.plain(self.text)?,
            Role::SpanId => entry.span_id = part.plain(self.text)?,
            Role::Timestamp => entry.timestamp = part.timestamp(self.text),
            Role::ReceiveTimestamp => entry.receive_timestamp = part.timestamp(self.text),
            Role::Severity => entry.severity = Severity::parse(&part.text(self.text)),
            Role::OperationId => entry.operation_id = part.text(self.text),
            Role::Resource => unread.resource = part.raw(self.text),
            Role::Labels => unread.labels = part.raw(self.text),
            Role::Telling(label) => unread.tell(label, part.written(self.text))?,
            Role::Request => entry.http = Some(HttpRequest::default()),
            Role::Text => self.text_payload = part.text(self.text),
            Role::Payload => unread.payload = part.raw(self.text),
            Role::UnreadPayload => self.payload = Some(payload::read(&mut Cursor::new(part.raw(self.text)))?),
            Role::PayloadType if payload::is_audit_type(part.raw(self.text)) => return Err(Broken),
            Role::PayloadType => {}
            Role::Message(_) | Role::Level(_) if part.is_empty() => {}
            Role::Message(rank) if self.message.is_some_and(|(best, _)| rank > best) => {}
            Role::Message(rank) => self.message = Some((rank, part)),
            Role::Level(role) => self.stated.see_as(role, part.raw(self.text)),
            _ => self.request(part),
        }
        Ok(())
    }

    /// A member of `httpRequest`.
    #[inline]
    fn request(&mut self, part: Part) {
        let (text, Some(http)) = (self.text, &mut self.glance.entry.http) else { return };
        match part.role {
            Role::Method => http.method = part.text(text),
            Role::Url => http.url = part.text(text),
            Role::Status => http.status = parse_status(&part.text(text)),
            Role::Latency => http.latency_ns = parse_duration(&part.text(text)),
            Role::UserAgent => http.user_agent = part.text(text),
            Role::RemoteIp => http.remote_ip = part.text(text),
            Role::Protocol => http.protocol = part.text(text),
            _ => {}
        }
    }

    /// Gives the entry its message, once all parts were taken.
    fn speak(&mut self) -> Result<(), Broken> {
        let Glance { entry, unread, .. } = &mut self.glance;
        if !unread.payload.is_empty() {
            let message = self.message.map(|(_, part)| part.text(self.text)).unwrap_or_default();
            let level = self.stated.severity();
            self.payload = Some(if message.is_empty() && level >= Some(Severity::Warning) {
                // Its fields speak for it.
                payload::read(&mut Cursor::new(std::mem::take(&mut unread.payload)))?
            } else {
                JsonPayload { message, level, ..JsonPayload::default() }
            });
        }
        speak(entry, std::mem::take(&mut self.text_payload), self.payload.take());
        Ok(())
    }
}

/// True when a label is longer than a name may be.
fn has_long_label(labels: &str) -> bool {
    let mut is_long = false;
    let read = Cursor::new(labels).members(|cursor, key| {
        let value = cursor.raw_value()?;
        is_long |= key.text.len().max(value.len()) > NAME_BYTES;
        Ok(())
    });
    is_long || read.is_err()
}
