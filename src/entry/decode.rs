//! Record → entries: one pass over its text, only the wanted fields, every spelling of them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::cursor::{Broken, Cursor, Raw, unescape};
use super::payload::{self, JsonPayload};
use super::text::clean;
use super::values::{FOLDED, duration, folded, integer, labels, status, text, timestamp};
use super::{Entry, HttpRequest, Payload, Resource, Severity, Split, Text};
use super::{access, audit};
use crate::framing::Record;
use crate::source::Origin;

/// Levels of wrapper objects inside one record that are searched for entries.
const MAX_WRAPPERS: usize = 16;

/// Documents inside strings inside documents: a Pub/Sub message in a collector's event has two.
const MAX_EMBEDDED: usize = 3;

/// What came of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Entries handed out, nested log lines of App Engine requests included.
    pub entries: usize,
    /// Set when the record could not be read to its end.
    pub refusal: Option<Refusal>,
}

/// Why a record, or the rest of it, could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where in the source.
    pub origin: Origin,
    /// What is wrong there.
    pub reason: &'static str,
}

/// Decodes a record and hands every entry in it to `each`.
///
/// Entries are found at any depth of wrapper objects, in Pub/Sub envelopes and in strings that hold JSON. A bad value
/// of one field leaves that field empty; only broken structure refuses the rest of a record.
pub fn decode(record: Record<'_>, each: &mut dyn FnMut(Entry<'_>)) -> Decoded {
    match simdutf8::basic::from_utf8(record.bytes) {
        Ok(text) => decode_text(record.origin, text, each),
        Err(_) => decode_lossy(record, each),
    }
}

fn decode_text(origin: Origin, text: &str, each: &mut dyn FnMut(Entry<'_>)) -> Decoded {
    let mut walk = Walk { origin, each, decoded: Decoded::default() };
    let mut cursor = Cursor::new(text);
    if walk.values(&mut cursor, 0, Some(0)).is_err() {
        let origin = Origin { offset: origin.offset + cursor.at as u64, ..origin };
        walk.decoded.refusal = Some(Refusal { origin, reason: cursor.reason });
    }
    walk.decoded
}

/// Invalid bytes are replaced; the rest of the entry is as good as any. Slow on good text, so only for bad.
fn decode_lossy(record: Record<'_>, each: &mut dyn FnMut(Entry<'_>)) -> Decoded {
    let text = String::from_utf8_lossy(record.bytes);
    let mut written = LossyText { bytes: record.bytes, passed: (0, 0) };
    let start = record.origin.offset;
    let mut decoded = decode_text(record.origin, &text, &mut |mut entry| {
        entry.origin.offset = start + written.offset(entry.origin.offset - start);
        each(entry);
    });
    if let Some(Refusal { origin, .. }) = &mut decoded.refusal {
        origin.offset = start + written.offset(origin.offset - start);
    }
    decoded
}

/// The bytes of a record of which a text was made by replacing the invalid ones, from one place on.
struct LossyText<'b> {
    bytes: &'b [u8],
    /// Bytes of the text and of the record that lie before.
    passed: (u64, u64),
}

impl LossyText<'_> {
    /// Where in the record stands what stands at `at` in the text. Asked in order, but for the record's own start.
    fn offset(&mut self, at: u64) -> u64 {
        if at < self.passed.0 {
            return 0;
        }
        while let Some(chunk) = self.bytes.utf8_chunks().next().filter(|chunk| !chunk.invalid().is_empty()) {
            let in_text = self.passed.0 + (chunk.valid().len() + char::REPLACEMENT_CHARACTER.len_utf8()) as u64;
            if in_text > at {
                return self.passed.1 + (at - self.passed.0).min(chunk.valid().len() as u64);
            }
            let n = chunk.valid().len() + chunk.invalid().len();
            self.passed = (in_text, self.passed.1 + n as u64);
            self.bytes = &self.bytes[n..];
        }
        self.passed.1 + (at - self.passed.0)
    }
}

/// The search for entries in one record.
struct Walk<'w> {
    origin: Origin,
    each: &'w mut dyn FnMut(Entry<'_>),
    decoded: Decoded,
}

impl Walk<'_> {
    /// Finds the entries in a run of values. `base` is where the text starts in the record; `None` inside a string,
    /// whose entries all carry the offset of the record.
    fn values(&mut self, cursor: &mut Cursor<'_>, n_embedded: usize, base: Option<usize>) -> Result<(), Broken> {
        let mut depth = 0;
        let mut key = Raw { text: "", is_escaped: false };
        loop {
            match cursor.token() {
                0 if cursor.at >= cursor.text.len() => return Ok(()),
                b'{' => {
                    let start = cursor.at;
                    if depth >= MAX_WRAPPERS {
                        cursor.skip()?;
                    } else if !self.entry(cursor, n_embedded, base.map(|base| base + start))? {
                        cursor.at = start + 1;
                        depth += 1;
                    }
                }
                b'}' => {
                    depth = depth.saturating_sub(1);
                    cursor.at += 1;
                }
                b'[' | b']' | b',' | b':' => cursor.at += 1,
                b'"' => {
                    let string = cursor.string()?;
                    if cursor.token() == b':' {
                        key = string;
                    } else {
                        self.embedded(key, string, n_embedded);
                    }
                }
                _ => {
                    cursor.scalar()?;
                }
            }
        }
    }

    /// Reads the object at the cursor as an entry; `false` when it is none.
    fn entry(&mut self, cursor: &mut Cursor<'_>, n_embedded: usize, at: Option<usize>) -> Result<bool, Broken> {
        let start = cursor.at;
        let mut draft = Draft::default();
        if !draft.read(cursor)? {
            return Ok(false);
        }
        if !draft.columns.is_empty() && n_embedded < MAX_EMBEDDED {
            // JSON columns that came as strings: the same entry with their content in place.
            let whole = with_columns(&cursor.text[start..cursor.at], start, &draft.columns);
            // A column that holds no JSON leaves the entry as it stands.
            if let Ok(true) = self.entry(&mut Cursor::new(&whole), n_embedded + 1, at) {
                return Ok(true);
            }
        }
        let offset = self.origin.offset + at.unwrap_or(0) as u64;
        draft.entry.origin = Origin { offset, ..self.origin };
        let lines = draft.lines;
        draft.finish();
        let parent = lines.map(|lines| (lines, draft.entry.clone()));
        self.decoded.entries += 1;
        (self.each)(draft.entry);
        if let Some((lines, parent)) = parent {
            // What is wrong in one line ends the lines, not the record.
            let _ = self.lines(lines, &parent);
        }
        Ok(true)
    }

    /// The log lines nested in an App Engine request become entries with the request's resource and trace.
    fn lines(&mut self, lines: &str, parent: &Entry<'_>) -> Result<(), Broken> {
        let mut n = 0;
        Cursor::new(lines).items(|cursor| {
            if cursor.token() != b'{' {
                return cursor.skip();
            }
            let mut line = Entry { http: None, payload: Payload::Text, ..parent.clone() };
            line.message = Text::Borrowed("");
            line.insert_id = Text::Owned(format!("{}#{n}", parent.insert_id));
            n += 1;
            cursor.members(|cursor, key| {
                match key.text {
                    "time" => line.timestamp = timestamp(cursor)?.or(line.timestamp),
                    "severity" => line.severity = cursor.text_value()?.and_then(|text| Severity::parse(&text)),
                    "logMessage" | "log_message" => line.message = clean(cursor.text_value()?.unwrap_or_default()),
                    _ => cursor.skip()?,
                }
                Ok(())
            })?;
            self.decoded.entries += 1;
            (self.each)(line);
            Ok(())
        })
    }

    /// A string that holds JSON, or the base64 data of a Pub/Sub message. What turns out to be neither is left.
    fn embedded(&mut self, key: Raw<'_>, string: Raw<'_>, n_embedded: usize) {
        if n_embedded >= MAX_EMBEDDED {
            return;
        }
        let text = string.text.trim_start();
        if text.starts_with(['{', '[']) && string.is_escaped {
            let _ = self.values(&mut Cursor::new(&unescape(text)), n_embedded + 1, None);
        } else if key.text == "data" || text.starts_with("eyJ") {
            let plain = from_base64(&string.text());
            if plain.trim_ascii_start().starts_with(b"{") {
                let _ = self.values(&mut Cursor::new(&String::from_utf8_lossy(&plain)), n_embedded + 1, None);
            }
        }
    }
}

/// Standard or URL-safe base64, padded or not; empty when it is neither.
fn from_base64(text: &str) -> Vec<u8> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let is_url_safe = text.contains(['-', '_']);
    let letters = if is_url_safe { alphabet::URL_SAFE } else { alphabet::STANDARD };
    GeneralPurpose::new(&letters, LENIENT).decode(text.trim()).unwrap_or_default()
}

/// The text of an entry with the given string values replaced by what they hold.
fn with_columns(entry: &str, start: usize, columns: &[(usize, usize)]) -> String {
    let mut out = String::with_capacity(entry.len());
    let mut copied = 0;
    for (from, to) in columns.iter().map(|(from, to)| (from - start, to - start)) {
        out.push_str(&entry[copied..from]);
        out.push_str(&unescape(&entry[from + 1..to - 1]));
        copied = to;
    }
    out.push_str(&entry[copied..]);
    out
}

/// Fields of a LogEntry that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    InsertId,
    LogName,
    Timestamp,
    ReceiveTimestamp,
    Severity,
    Resource,
    Labels,
    Text,
    Json,
    Proto,
    Http,
    Trace,
    SpanId,
    Operation,
    Split,
    Raw,
}

impl Field {
    /// The field that a key means in any dialect.
    fn of(key: Raw<'_>) -> Option<Field> {
        if key.is_escaped {
            return Field::of(Raw { text: &unescape(key.text), is_escaped: false });
        }
        match Field::named(key.text) {
            None if Field::is_unread(key.text) => None,
            None => Field::of_dialect(key.text),
            known => known,
        }
    }

    /// The field with this name in the API.
    pub(super) fn named(key: &str) -> Option<Field> {
        Some(match key {
            "insertId" => Field::InsertId,
            "logName" => Field::LogName,
            "timestamp" => Field::Timestamp,
            "receiveTimestamp" => Field::ReceiveTimestamp,
            "severity" => Field::Severity,
            "resource" => Field::Resource,
            "labels" => Field::Labels,
            "textPayload" => Field::Text,
            "jsonPayload" => Field::Json,
            "protoPayload" => Field::Proto,
            "httpRequest" => Field::Http,
            "trace" => Field::Trace,
            "spanId" => Field::SpanId,
            "operation" => Field::Operation,
            "split" => Field::Split,
            _ => return None,
        })
    }

    /// True for a field of the API that nothing is read from.
    pub(super) fn is_unread(key: &str) -> bool {
        matches!(key, "traceSampled" | "sourceLocation" | "errorGroups")
    }

    /// Snake case of client libraries and Log Analytics, lower case and typed columns of BigQuery.
    fn of_dialect(key: &str) -> Option<Field> {
        Some(match folded(key, &mut [0; FOLDED]) {
            "insertid" => Field::InsertId,
            "logname" => Field::LogName,
            "timestamp" => Field::Timestamp,
            "receivetimestamp" => Field::ReceiveTimestamp,
            "severity" => Field::Severity,
            "textpayload" => Field::Text,
            "jsonpayload" => Field::Json,
            "protopayload" => Field::Proto,
            "httprequest" => Field::Http,
            "spanid" => Field::SpanId,
            "rawpayload" => Field::Raw,
            typed if typed.starts_with("protopayload") && is_typed(key) => Field::Proto,
            typed if typed.starts_with("jsonpayload") && is_typed(key) => Field::Json,
            _ => return None,
        })
    }

    /// How much a field says that its object is an entry: a payload says it alone, two fields say it together when one
    /// of them is Cloud Logging's own.
    pub(super) fn weight(self) -> u32 {
        match self {
            Field::Text | Field::Json | Field::Proto => 4,
            Field::InsertId | Field::LogName | Field::ReceiveTimestamp | Field::Http => 3,
            Field::Resource => 2,
            Field::Timestamp => 2,
            Field::Severity => 1,
            Field::Labels | Field::Trace | Field::SpanId | Field::Operation | Field::Split | Field::Raw => 0,
        }
    }
}

/// True for BigQuery's columns of payloads with a type: `protopayload_auditlog`.
fn is_typed(key: &str) -> bool {
    key.contains("ayload_") && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Weight from which on an object is an entry.
pub(super) const ENTRY_WEIGHT: u32 = 4;

/// An entry while it is read.
#[derive(Default)]
struct Draft<'b> {
    entry: Entry<'b>,
    text: Option<Text<'b>>,
    raw: Option<Text<'b>>,
    json: Option<JsonPayload<'b>>,
    /// The message of an audit entry.
    audit_message: Text<'b>,
    /// Where JSON columns stand that came as strings.
    columns: Vec<(usize, usize)>,
    /// The nested lines of an App Engine request.
    lines: Option<&'b str>,
}

impl<'b> Draft<'b> {
    /// Reads the object at the cursor; `false` when it does not look like an entry.
    fn read(&mut self, cursor: &mut Cursor<'b>) -> Result<bool, Broken> {
        let (mut seen, mut weight) = (0u32, 0);
        cursor.members(|cursor, key| {
            let Some(field) = Field::of(key) else { return cursor.skip() };
            if seen & (1 << field as u32) == 0 {
                seen |= 1 << field as u32;
                weight += field.weight();
            }
            self.field(field, cursor)
        })?;
        Ok(weight >= ENTRY_WEIGHT)
    }

    fn field(&mut self, field: Field, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        let entry = &mut self.entry;
        match field {
            Field::InsertId => entry.insert_id = text(cursor)?,
            Field::LogName => entry.log_name = text(cursor)?,
            Field::Timestamp => entry.timestamp = timestamp(cursor)?,
            Field::ReceiveTimestamp => entry.receive_timestamp = timestamp(cursor)?,
            Field::Severity => entry.severity = cursor.text_value()?.and_then(|text| Severity::parse(&text)),
            Field::Trace => entry.trace = text(cursor)?,
            Field::SpanId => entry.span_id = text(cursor)?,
            Field::Text => self.text = cursor.text_value()?,
            Field::Raw => self.raw = cursor.text_value()?,
            _ => return self.object_field(field, cursor),
        }
        Ok(())
    }

    /// A field whose value is an object, or a string that holds one.
    fn object_field(&mut self, field: Field, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        let is_object = cursor.token() == b'{';
        let start = cursor.at;
        if !is_object {
            let value = cursor.raw_value()?;
            if value.starts_with("\"{") {
                self.columns.push((start, cursor.at));
            }
            return Ok(());
        }
        match field {
            Field::Resource => self.entry.resource = resource(cursor, &mut self.columns)?,
            Field::Labels => self.entry.labels = labels(cursor)?,
            Field::Http => self.entry.http = Some(http(cursor)?),
            Field::Operation => self.entry.operation_id = operation_id(cursor)?,
            Field::Split => self.entry.split = split(cursor)?,
            Field::Json if !payload::is_audit(cursor) => {
                self.json = Some(payload::read(cursor)?);
            }
            _ => self.proto(cursor)?,
        }
        Ok(())
    }

    /// A protoPayload: an audit entry, or an App Engine request.
    fn proto(&mut self, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        let proto = audit::read(cursor, &mut self.columns)?;
        self.entry.payload = Payload::Proto;
        self.audit_message = proto.message;
        self.lines = proto.lines;
        match proto.request {
            Some(request) => {
                self.entry.http = Some(request);
                if self.entry.trace.is_empty() {
                    self.entry.trace = proto.trace;
                }
            }
            None => self.entry.audit = Some(Box::new(proto.audit)),
        }
        Ok(())
    }

    /// Decides which of the payloads speaks.
    fn finish(&mut self) {
        let text = self.text.take().unwrap_or_default();
        if self.entry.payload == Payload::Proto {
            self.entry.message = clean(std::mem::take(&mut self.audit_message));
            return;
        }
        // The raw payload of a dialect stands for a text that is not there.
        let raw = self.raw.take().unwrap_or_default();
        let text = if text.is_empty() && self.json.is_none() { raw } else { text };
        speak(&mut self.entry, text, self.json.take());
    }
}

/// Gives an entry without a protoPayload what its other payloads say.
pub(super) fn speak<'b>(entry: &mut Entry<'b>, text: Text<'b>, json: Option<JsonPayload<'b>>) {
    if let Some(json) = json {
        entry.payload = Payload::Json;
        entry.message = clean(if json.message.is_empty() { text } else { json.message });
        entry.level = json.level;
        entry.fields = json.fields;
        entry.kube_event = json.kube_event;
        entry.http = entry.http.take().or(json.http.filter(|_| !access::is_told_elsewhere(&entry.log_name)));
    } else if !text.is_empty() {
        entry.payload = Payload::Text;
        entry.message = clean(text);
    }
    if entry.http.is_none() {
        access_line(entry);
    }
}

/// A message that is an access line becomes the request that it tells of.
fn access_line(entry: &mut Entry<'_>) {
    let Some(line) = access::read(&entry.message).filter(|_| !access::is_told_elsewhere(&entry.log_name)) else {
        return;
    };
    entry.http = Some(line.request());
    entry.level = Some(line.severity());
    let mut keep = |key, value: &str| {
        if entry.payload == Payload::Text && !value.is_empty() {
            entry.fields.push("", Text::Borrowed(key), Text::Owned(value.to_owned()));
        }
    };
    keep("response_flags", line.flags);
    keep("upstream_cluster", line.upstream);
    // A mesh names its clusters `outbound|8080||HOST`.
    keep("upstream_host", line.upstream.rsplit_once("||").map_or("", |(_, host)| host));
    entry.message = Text::Owned(line.said.to_owned());
}

/// A monitored resource; `columns` takes where labels stand that came as a string.
pub(super) fn resource<'b>(cursor: &mut Cursor<'b>, columns: &mut Vec<(usize, usize)>) -> Result<Resource<'b>, Broken> {
    let mut resource = Resource::default();
    cursor.members(|cursor, key| {
        match key.text {
            "type" => resource.kind = text(cursor)?,
            "labels" if cursor.token() == b'{' => resource.labels = labels(cursor)?,
            "labels" => {
                let start = cursor.at;
                if cursor.raw_value()?.starts_with("\"{") {
                    columns.push((start, cursor.at));
                }
            }
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(resource)
}

/// An httpRequest in the names of the API, of client libraries and of BigQuery.
fn http<'b>(cursor: &mut Cursor<'b>) -> Result<HttpRequest<'b>, Broken> {
    let mut http = HttpRequest::default();
    cursor.members(|cursor, key| {
        match key.text {
            "requestMethod" | "request_method" | "requestmethod" | "method" => http.method = text(cursor)?,
            "requestUrl" | "request_url" | "requesturl" | "url" => http.url = text(cursor)?,
            "status" => http.status = status(cursor)?,
            "latency" => http.latency_ns = duration(cursor)?,
            "userAgent" | "user_agent" | "useragent" => http.user_agent = text(cursor)?,
            "remoteIp" | "remote_ip" | "remoteip" => http.remote_ip = text(cursor)?,
            "protocol" => http.protocol = text(cursor)?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(http)
}

fn operation_id<'b>(cursor: &mut Cursor<'b>) -> Result<Text<'b>, Broken> {
    let mut id = Text::default();
    cursor.members(|cursor, key| {
        if key.text == "id" {
            id = text(cursor)?;
            return Ok(());
        }
        cursor.skip()
    })?;
    Ok(id)
}

fn split<'b>(cursor: &mut Cursor<'b>) -> Result<Option<Box<Split<'b>>>, Broken> {
    let mut split = Split::default();
    let small = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    cursor.members(|cursor, key| {
        match key.text {
            "uid" => split.uid = text(cursor)?,
            "index" => split.index = small(integer(cursor)?),
            "totalSplits" | "total_splits" | "totalsplits" => split.total = small(integer(cursor)?),
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(Some(Box::new(split)).filter(|split| !split.uid.is_empty()))
}
