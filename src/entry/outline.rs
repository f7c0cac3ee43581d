//! The outline of a plain record: where in its text stands what an entry is made of.
//!
//! What the outline says of a record depends on its keys, its white space and which of its values are strings, words, objects and
//! arrays; on nothing inside a string or a word. So records of one shape have the same outline but for the places, which is what
//! [`super::shapes`] makes use of. Whatever depends on a value is left to [`super::glance()`].

use super::component::Telling;
use super::cursor::{Broken, Cursor, Raw, unescape};
use super::decode::{ENTRY_WEIGHT, Field};
use super::resources::Resources;
use super::values::MAX_LABELS;
use super::{Text, level, payload};
use crate::time::Timestamp;

/// What the text at a place is to the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    InsertId,
    LogName,
    Timestamp,
    ReceiveTimestamp,
    Severity,
    Trace,
    SpanId,
    OperationId,
    /// `textPayload`.
    Text,
    /// The whole `resource`.
    Resource,
    /// All of the labels.
    Labels,
    /// The value of a label that can tell where the entry belongs.
    Telling(Telling),
    /// `httpRequest` itself; the parts that follow are its members.
    Request,
    Method,
    Url,
    Status,
    Latency,
    UserAgent,
    RemoteIp,
    Protocol,
    /// The whole `jsonPayload`, of which the parts that follow are enough.
    Payload,
    /// The whole `jsonPayload`, which must be read.
    UnreadPayload,
    /// The type of the payload's message, when it is written first.
    PayloadType,
    /// A text of the payload that may be its message, and its rank: the lowest speaks, the last of equal ones.
    Message(u8),
    /// A member of the payload that tells of the level.
    Level(level::Role),
}

/// How a part is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string, without its quotes, that holds no escape.
    Plain,
    /// A string, without its quotes, that does.
    Escaped,
    /// A number, `true`, `false` or `null`.
    Word,
    /// An object or an array, with its brackets.
    Nested,
}

/// One part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) role: Role,
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Part {
    /// The part as it stands; a string without its quotes.
    pub(super) fn raw(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The value as it stands; a string with its quotes.
    pub(super) fn written(self, text: &str) -> &str {
        let quotes = usize::from(matches!(self.kind, Kind::Plain | Kind::Escaped));
        text.get(self.start as usize - quotes..self.end as usize + quotes).unwrap_or_default()
    }

    /// The text that is meant; empty for `null`.
    pub(super) fn text(self, text: &str) -> Text<'_> {
        match (self.kind, self.raw(text)) {
            (Kind::Escaped, raw) => Text::Owned(unescape(raw)),
            (Kind::Word, "null") => Text::default(),
            (_, raw) => Text::Borrowed(raw),
        }
    }

    /// The time that a string tells.
    pub(super) fn timestamp(self, text: &str) -> Option<Timestamp> {
        match self.kind {
            Kind::Plain => Timestamp::parse(self.raw(text)),
            _ => Timestamp::parse(&self.text(text)),
        }
    }

    /// The text of a string without an escape.
    pub(super) fn plain(self, text: &str) -> Result<Text<'_>, Broken> {
        if self.kind == Kind::Plain { Ok(Text::Borrowed(self.raw(text))) } else { Err(Broken) }
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// The parts of a record, in its order. Made once and filled again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) parts: Vec<Part>,
    /// Where the object starts: behind white space.
    pub(super) start: usize,
    /// The number of the resource, when it was known.
    pub(super) resource: Option<u32>,
}

impl Outline {
    /// Reads a record that is one entry of the plainest shape: its keys as the API writes them, each once, no audit entry, no part
    /// of another. `None` for all others. A payload that has a field whose key is `wanted`, or says more than its message, must be
    /// read.
    #[inline(never)]
    pub(super) fn read(&mut self, text: &str, known: &Resources, wanted: &dyn Fn(&str) -> bool) -> Option<()> {
        self.parts.clear();
        self.resource = None;
        let mut cursor = Cursor::new(text);
        if cursor.token() != b'{' {
            return None;
        }
        self.start = cursor.at;
        let mut reader = Reader { outline: self, known, wanted, seen: 0, weight: 0 };
        cursor.members(|cursor, key| reader.member(cursor, key)).ok()?;
        let is_entry = reader.weight >= ENTRY_WEIGHT;
        (is_entry && cursor.token() == 0 && cursor.at == text.len()).then_some(())
    }

    /// Adds what stands between.
    fn add(&mut self, role: Role, kind: Kind, start: usize, end: usize) {
        // A record has at most 16 MiB.
        self.parts.push(Part { role, kind, start: start as u32, end: end as u32 });
    }

    /// Adds the string at the cursor.
    fn string(&mut self, role: Role, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let start = cursor.at + 1;
        let kind = if cursor.string()?.is_escaped { Kind::Escaped } else { Kind::Plain };
        self.add(role, kind, start, cursor.at - 1);
        Ok(())
    }

    /// Adds the string or word at the cursor.
    fn scalar(&mut self, role: Role, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        match cursor.token() {
            b'"' => self.string(role, cursor),
            b'{' | b'[' => Err(Broken),
            _ => {
                let start = cursor.at;
                cursor.scalar()?;
                self.add(role, Kind::Word, start, cursor.at);
                Ok(())
            }
        }
    }

    /// Adds the object at the cursor, of which `inside` reads the members.
    fn nested<'b>(
        &mut self,
        role: Role,
        cursor: &mut Cursor<'b>,
        inside: impl FnOnce(&mut Outline, &mut Cursor<'b>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let (start, at) = (cursor.at, self.parts.len());
        self.add(role, Kind::Nested, start, start);
        inside(self, cursor)?;
        self.parts[at].end = cursor.at as u32;
        Ok(())
    }
}

struct Reader<'o> {
    outline: &'o mut Outline,
    known: &'o Resources,
    wanted: &'o dyn Fn(&str) -> bool,
    seen: u32,
    weight: u32,
}

impl Reader<'_> {
    fn member(&mut self, cursor: &mut Cursor<'_>, key: Raw<'_>) -> Result<(), Broken> {
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

    fn field(&mut self, field: Field, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let role = match (field, cursor.token()) {
            (Field::InsertId, b'"') => Role::InsertId,
            (Field::LogName, b'"') => Role::LogName,
            (Field::Trace, b'"') => Role::Trace,
            (Field::SpanId, b'"') => Role::SpanId,
            (Field::Timestamp, b'"') => Role::Timestamp,
            (Field::ReceiveTimestamp, b'"') => Role::ReceiveTimestamp,
            (Field::Severity, b'"') => Role::Severity,
            (Field::Text, b'"') => Role::Text,
            (Field::Resource, b'{') => return self.resource(cursor),
            (Field::Labels, b'{') => return self.outline.nested(Role::Labels, cursor, labels),
            (Field::Http, b'{') => return self.outline.nested(Role::Request, cursor, request),
            (Field::Operation, b'{') => return operation(self.outline, cursor),
            (Field::Json, b'{') => return self.payload(cursor),
            _ => return Err(Broken),
        };
        self.outline.string(role, cursor)
    }

    fn resource(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let start = cursor.at;
        self.outline.resource = self.known.pass(cursor)?;
        self.outline.add(Role::Resource, Kind::Nested, start, cursor.at);
        Ok(())
    }

    /// Of a payload only the message, unless there is more to it than that.
    fn payload(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        if let Some(mut first) = payload::first_type(cursor) {
            self.outline.string(Role::PayloadType, &mut first)?;
        }
        let (start, n_parts) = (*cursor, self.outline.parts.len());
        let wanted = self.wanted;
        let read = self.outline.nested(Role::Payload, cursor, |outline, cursor| {
            payload::skim(cursor, wanted, &mut |role, cursor| outline.scalar(role, cursor))
        });
        if read.is_err() {
            *cursor = start;
            self.outline.parts.truncate(n_parts);
            self.outline.nested(Role::UnreadPayload, cursor, |_, cursor| cursor.skip())?;
        }
        Ok(())
    }
}

fn labels(outline: &mut Outline, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
    let mut n_labels = 0;
    cursor.members(|cursor, key| {
        n_labels += 1;
        if key.is_escaped || n_labels > MAX_LABELS {
            return Err(Broken);
        }
        let token = cursor.token();
        match Telling::named(key.text).map(Role::Telling) {
            Some(role) if matches!(token, b'{' | b'[') => outline.nested(role, cursor, |_, cursor| cursor.skip()),
            Some(role) => outline.scalar(role, cursor),
            None => cursor.skip(),
        }
    })
}

fn request(outline: &mut Outline, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
    cursor.members(|cursor, key| {
        let role = match key.text {
            "requestMethod" | "request_method" | "requestmethod" | "method" => Role::Method,
            "requestUrl" | "request_url" | "requesturl" | "url" => Role::Url,
            "status" => Role::Status,
            "latency" => Role::Latency,
            "userAgent" | "user_agent" | "useragent" => Role::UserAgent,
            "remoteIp" | "remote_ip" | "remoteip" => Role::RemoteIp,
            "protocol" => Role::Protocol,
            _ => return cursor.skip(),
        };
        outline.scalar(role, cursor)
    })
}

fn operation(outline: &mut Outline, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
    cursor.members(|cursor, key| match key.text {
        "id" => outline.scalar(Role::OperationId, cursor),
        _ => cursor.skip(),
    })
}
