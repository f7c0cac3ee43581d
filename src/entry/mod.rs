//! Records become entries: one log entry as a borrowed view of its record.
//!
//! Source of every field: the LogEntry, HttpRequest, MonitoredResource and AuditLog messages of the Cloud Logging API.

mod access;
mod audit;
mod component;
mod cursor;
mod decode;
mod fields;
mod glance;
mod level;
mod names;
mod outline;
mod payload;
mod resources;
mod severity;
mod shapes;
mod text;
mod values;

use std::borrow::Cow;

use crate::source::Origin;
use crate::time::Timestamp;

pub use component::{Component, ComponentKind, forbids_the_rest, made_from_a_service, of_resource};
pub use decode::{Decoded, Refusal, decode};
pub use fields::{Fields, Path};
pub use glance::{Glance, Unread, glance};
pub use names::LONG_RECORD;
pub use resources::Resources;
pub use severity::Severity;
pub use shapes::Shapes;

/// Fields that stand for a payload without a message.
const SPEAKING_FIELDS: usize = 6;

/// Text of an entry: borrowed from the record where it holds no escape, owned otherwise.
pub type Text<'b> = Cow<'b, str>;

/// One LogEntry. Every field but the origin can be missing: texts are then empty.
#[derive(Clone, Debug, Default)]
pub struct Entry<'b> {
    /// Where its record starts.
    pub origin: Origin,
    /// `insertId`: de-duplicates together with log name and timestamp.
    pub insert_id: Text<'b>,
    /// `logName`, as written: `projects/P/logs/LOG_ID` with a URL-encoded log id.
    pub log_name: Text<'b>,
    /// `timestamp`: when it happened; for a request, when it *arrived*.
    pub timestamp: Option<Timestamp>,
    /// `receiveTimestamp`: when Cloud Logging got it.
    pub receive_timestamp: Option<Timestamp>,
    /// `severity` as recorded; `None` when absent (40 % of real entries) or `DEFAULT`.
    pub severity: Option<Severity>,
    /// The level that the line states in a field of its JSON payload, and that of an access line by its status. Collectors
    /// do not know these: on a standard stream they record the same for every line.
    pub level: Option<Severity>,
    /// `resource`: what wrote it.
    pub resource: Resource<'b>,
    /// `labels` of the entry.
    pub labels: Labels<'b>,
    /// Which payload it carries.
    pub payload: Payload,
    /// The text a person would read: `textPayload`, or the message of a JSON payload (`message`, `msg`, `event`,
    /// `MESSAGE`, `@m`, `error.message`, probe result, …) followed on new lines by its error, exception or stack trace, or the
    /// status message of an audit entry. Without ANSI escapes. Empty for plain request entries; of an access line what the
    /// proxy says besides the request (`UF upstream_reset_before_response_started`).
    pub message: Text<'b>,
    /// Further scalar fields of a JSON payload that signatures and entities look at (`error`, `reason`, `host`, …):
    /// at most 32, dotted paths, in the order of the record.
    pub fields: Fields<'b>,
    /// `httpRequest`, or the request that an access line tells of.
    pub http: Option<HttpRequest<'b>>,
    /// `trace`, as written.
    pub trace: Text<'b>,
    /// `spanId`.
    pub span_id: Text<'b>,
    /// `operation.id`.
    pub operation_id: Text<'b>,
    /// `split`: this entry is one part of a larger one.
    pub split: Option<Box<Split<'b>>>,
    /// An audit entry: somebody changed, read or was refused something.
    pub audit: Option<Box<Audit<'b>>>,
    /// A Kubernetes event.
    pub kube_event: Option<Box<KubeEvent<'b>>>,
}

/// Which payload an entry carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// None at all: usual for a request that went well.
    #[default]
    None,
    /// `textPayload`.
    Text,
    /// `jsonPayload`.
    Json,
    /// `protoPayload`.
    Proto,
}

/// `resource`: the monitored resource that wrote the entry.
#[derive(Clone, Debug, Default)]
pub struct Resource<'b> {
    /// `cloud_run_revision`, `k8s_container`, `cloudsql_database`, …
    pub kind: Text<'b>,
    /// `resource.labels`.
    pub labels: Labels<'b>,
}

/// String pairs in the order of the record; the last of two equal keys wins.
#[derive(Clone, Debug, Default)]
pub struct Labels<'b>(pub Vec<(Text<'b>, Text<'b>)>);

impl Labels<'_> {
    /// The value of `key`, if it is there and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_ref()).filter(|v| !v.is_empty())
    }
}

/// `httpRequest`.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest<'b> {
    /// `GET`, …; empty when unknown.
    pub method: Text<'b>,
    /// `requestUrl`, whole or path only.
    pub url: Text<'b>,
    /// Status code; 0 when the client left or none was logged.
    pub status: u16,
    /// Nanoseconds from arrival to the end of the response.
    pub latency_ns: Option<i64>,
    /// `userAgent`.
    pub user_agent: Text<'b>,
    /// `remoteIp`.
    pub remote_ip: Text<'b>,
    /// `protocol`: `HTTP/1.1`, `websocket`, …
    pub protocol: Text<'b>,
    /// True when it was read from an access line, which is written when the request has ended.
    pub is_access_line: bool,
}

/// `split`: one part of an entry that was too large.
#[derive(Clone, Debug, Default)]
pub struct Split<'b> {
    /// The same for all parts.
    pub uid: Text<'b>,
    /// 0 for the first part.
    pub index: u32,
    /// How many parts there are.
    pub total: u32,
}

/// The parts of an AuditLog that say what was changed by whom.
#[derive(Clone, Debug, Default)]
pub struct Audit<'b> {
    /// `serviceName`: `run.googleapis.com`, …
    pub service: Text<'b>,
    /// `methodName`, as written.
    pub method: Text<'b>,
    /// `resourceName`.
    pub resource_name: Text<'b>,
    /// `authenticationInfo.principalEmail`.
    pub principal: Text<'b>,
    /// `requestMetadata.callerSuppliedUserAgent`.
    pub user_agent: Text<'b>,
    /// `status.code`, 0 for success.
    pub status_code: i32,
    /// Selected details of request, response and metadata, dotted paths: image, connector, probe path, names (never
    /// values) of environment variables, traffic, memory, authorized networks, `violations`. At most 64.
    pub details: Labels<'b>,
}

/// A Kubernetes event.
#[derive(Clone, Debug, Default)]
pub struct KubeEvent<'b> {
    /// `Normal` or `Warning`.
    pub kind: Text<'b>,
    /// `BackOff`, `Unhealthy`, `FailedScheduling`, …
    pub reason: Text<'b>,
    /// `involvedObject.kind`: `Pod`, `Node`, …
    pub object_kind: Text<'b>,
    /// `involvedObject.name`.
    pub object_name: Text<'b>,
    /// `involvedObject.namespace`.
    pub namespace: Text<'b>,
    /// How often it happened up to now; repeats carry a higher count.
    pub count: u64,
}

impl Entry<'_> {
    /// The severity that the line itself states, whatever was recorded: its level, else what its text shows at a place where
    /// loggers put it.
    pub fn stated_severity(&self) -> Option<Severity> {
        self.level.or_else(|| level::infer(&self.message))
    }

    /// The text of a payload without a message: its first fields, with a mark where something stands between.
    pub fn text_of_fields(&self) -> String {
        // Which type of message it is says what it may be, not what it is.
        let fields = self.fields.iter().filter(|(path, _)| path.key != "@type");
        let parts: Vec<&str> = fields.take(SPEAKING_FIELDS).flat_map(|(path, value)| [path.last(), value]).collect();
        parts.join(" … ")
    }

    /// The log id, URL-decoded: `run.googleapis.com/stderr`.
    pub fn log_id(&self) -> Cow<'_, str> {
        let name = self.log_name.as_ref();
        // A search for one letter costs a tenth of one for a word, and there are two slashes before.
        let mut rests = memchr::memchr_iter(b'/', name.as_bytes()).filter_map(|at| name[at..].strip_prefix("/logs/"));
        let id = rests.next().unwrap_or(name);
        let slashes = memchr::memchr_iter(b'%', id.as_bytes()).filter(|at| id[*at..].len() > 2);
        let mut slashes = slashes.filter(|at| id.as_bytes()[at + 1..at + 3].eq_ignore_ascii_case(b"2F")).peekable();
        if slashes.peek().is_none() {
            return Cow::Borrowed(id);
        }
        let mut decoded = String::with_capacity(id.len());
        let mut copied = 0;
        for at in slashes {
            decoded.push_str(&id[copied..at]);
            decoded.push('/');
            copied = at + 3;
        }
        decoded.push_str(&id[copied..]);
        Cow::Owned(decoded)
    }

    /// When it could be known: a request fails at its end, everything else at its timestamp.
    ///
    /// Measured: 60 of 60 queued requests ended within 154 ms of one instant and started up to 67 s before it.
    pub fn effect_time(&self) -> Option<Timestamp> {
        let at = self.timestamp.or(self.receive_timestamp)?;
        let arrived = self.http.as_ref().filter(|http| !http.is_access_line);
        let latency = arrived.and_then(|http| http.latency_ns).unwrap_or(0);
        Some(at.plus(latency.max(0)))
    }

    /// True for an audit entry that tells of a change that went through, not of a read or a refusal.
    pub fn is_change(&self) -> bool {
        let Some(audit) = &self.audit else { return false };
        let log = self.log_id();
        let written = log.ends_with("/activity") || log.ends_with("/system_event");
        let verb = audit.method.rsplit(['.', '/']).next().unwrap_or("").to_ascii_lowercase();
        let read = ["get", "list", "access", "read", "query", "watch", "search", "check", "test"];
        written && audit.status_code == 0 && !read.iter().any(|prefix| verb.starts_with(prefix))
    }
}
