//! A JSON payload: its message, its exception, and the scalars that signatures look at.

use super::access;
use super::cursor::{Broken, Cursor, Raw};
use super::level::{self, Stated};
use super::outline::Role;
use super::values::parse_duration;
use super::{Fields, HttpRequest, KubeEvent, Severity, Text};

/// Fields that are kept of one payload.
const MAX_FIELDS: usize = 32;

/// Levels below the payload that are looked into for fields.
const MAX_DEPTH: usize = 4;

/// Rank of a key whose text is the message, the best lowest.
fn message_rank(key: &str) -> Option<usize> {
    Some(match key {
        "formattedMessage" | "RenderedMessage" | "@m" => 0,
        "message" | "Message" => 1,
        "msg" => 2,
        "MESSAGE" => 3,
        "event" => 4,
        "textPayload" => 5,
        "@mt" | "MessageTemplate" => 6,
        "log" => 7,
        "@message" => 8,
        "short_message" => 9,
        "text" => 10,
        "error_cause" => 11,
        "log_message" => 12,
        "error" => 13,
        "err" => 14,
        "description" => 15,
        _ => return None,
    })
}

/// The last rank of keys that are the message and nothing else; what has a higher one is a field too.
const LAST_OF_MESSAGE_ALONE: usize = 6;

/// More than any rank at the top of a payload.
const MESSAGE_RANKS: usize = 16;

/// Where the event's own fields stand in the JSON of Rust's `tracing`, its message among them.
const EVENT_FIELDS: &str = "fields";

/// True for a key whose text is a stack trace or an exception, at the top or below an error object.
fn is_stack(key: &str) -> bool {
    matches!(
        key,
        "exc_info"
            | "exception"
            | "Exception"
            | "@x"
            | "stack_trace"
            | "stacktrace"
            | "stack"
            | "stackTrace"
            | "StackTrace"
            | "extendedStackTrace"
            | "errorVerbose"
            | "error_verbose"
            | "traceback"
            | "exc_text"
            | "error.stack"
            | "error.stack_trace"
            | "exception.stacktrace"
    )
}

/// True for the message of a library whose keys tell that it is the library.
fn is_mark(key: &str) -> bool {
    key.starts_with('@')
}

/// Members of an error object that say what it is, best first.
const ERROR_KEYS: [&str; 3] = ["message", "value", "type"];

/// Members of an error object or of an item of a list of exceptions that name its class, and those that hold its text.
const CLASS_KEYS: [&str; 6] = ["type", "name", "class", "className", "exc_type", "kind"];
const TEXT_KEYS: [&str; 4] = ["message", "localizedMessage", "value", "exc_value"];

/// Values of an error field that say that there is none.
const NO_ERROR: [&str; 7] = ["null", "nil", "<nil>", "none", "undefined", "false", "true"];

/// Fields of one payload by which a request is known, with its method, its URL and its latency in milliseconds: of the
/// Extensible Service Proxy of Endpoints and API Gateway, of Envoy, of lograge.
const REQUESTS: [[&str; 4]; 3] = [
    ["http_response_code", "http_method", "url", "request_latency_in_ms"],
    ["response_code", "method", "path", "duration"],
    ["status", "method", "path", "duration"],
];

/// True for a key that only the payload of a request has.
fn is_of_request(key: &str) -> bool {
    matches!(key, "http_response_code" | "response_code" | "controller")
}

/// The object that a Kubernetes event is about.
const EVENT_OBJECT: &str = "involvedObject";

/// The object that makes a payload the result of a health check.
const PROBE: &str = "healthCheckProbeResult";

/// What a load balancer or an API gateway did with a request: the message where there is no other.
const STATUS: [&str; 4] = ["statusDetails", "responseDetails", "response_details", "response_code_details"];

/// What is kept of a JSON payload.
#[derive(Default)]
pub(super) struct JsonPayload<'b> {
    pub(super) message: Text<'b>,
    /// The level that it states.
    pub(super) level: Option<Severity>,
    pub(super) fields: Fields<'b>,
    /// The request that it tells of.
    pub(super) http: Option<HttpRequest<'b>>,
    pub(super) kube_event: Option<Box<KubeEvent<'b>>>,
}

/// True when the payload at the cursor is an AuditLog: client libraries hand it out as JSON.
pub(super) fn is_audit(cursor: &Cursor<'_>) -> bool {
    first_type(cursor).is_some_and(|mut kind| kind.string().is_ok_and(|kind| is_audit_type(kind.text)))
}

/// The cursor at the type of the payload's message, when it is a string and the first member.
pub(super) fn first_type<'b>(cursor: &Cursor<'b>) -> Option<Cursor<'b>> {
    let mut cursor = *cursor;
    cursor.at += 1;
    if cursor.token() != b'"' || cursor.string().is_ok_and(|key| key.text != "@type") {
        return None;
    }
    cursor.token();
    cursor.at += 1;
    (cursor.token() == b'"').then_some(cursor)
}

/// True for the type of an AuditLog, as written.
pub(super) fn is_audit_type(kind: &str) -> bool {
    kind.ends_with("google.cloud.audit.AuditLog")
}

/// Reads the payload that starts at the cursor.
pub(super) fn read<'b>(cursor: &mut Cursor<'b>) -> Result<JsonPayload<'b>, Broken> {
    let mut reading = PayloadReader::default();
    reading.object(cursor, 0)?;
    Ok(reading.finish())
}

/// Passes over the payload that starts at the cursor and calls `each` at every member that may be its message or tell of its
/// level; it must pass over the member. For payloads that are no event, no request and no health check, say nothing of an error,
/// and have no field whose key is `wanted`: of all others it takes [`read`] to tell the message, or more is to be read.
pub(super) fn skim<'b>(
    cursor: &mut Cursor<'b>,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(Role, &mut Cursor<'b>) -> Result<(), Broken>,
) -> Result<(), Broken> {
    Skim { wanted, each }.object(cursor, 0)
}

/// A payload whose fields are passed over.
struct Skim<'b, 's> {
    wanted: &'s dyn Fn(&str) -> bool,
    each: &'s mut dyn FnMut(Role, &mut Cursor<'b>) -> Result<(), Broken>,
}

impl<'b> Skim<'b, '_> {
    fn object(&mut self, cursor: &mut Cursor<'b>, depth: usize) -> Result<(), Broken> {
        cursor.members(|cursor, key| self.member(cursor, key, depth))
    }

    fn member(&mut self, cursor: &mut Cursor<'b>, key: Raw<'b>, depth: usize) -> Result<(), Broken> {
        if key.is_escaped {
            return Err(Broken);
        }
        match cursor.token() {
            b'{' | b'[' if is_error_key(key.text) || depth == 0 && is_telling(key.text) => Err(Broken),
            b'{' if key.text == PROBE => Err(Broken),
            b'{' if depth < MAX_DEPTH => self.object(cursor, depth + 1),
            b'[' if depth < MAX_DEPTH => self.first_item(cursor, key, depth + 1),
            b'{' | b'[' => cursor.skip(),
            _ if depth == 0 => self.scalar(cursor, key),
            _ if (self.wanted)(key.text) => Err(Broken),
            _ => cursor.skip(),
        }
    }

    fn first_item(&mut self, cursor: &mut Cursor<'b>, key: Raw<'b>, depth: usize) -> Result<(), Broken> {
        let mut is_first = true;
        cursor.items(|cursor| match cursor.token() {
            _ if !std::mem::take(&mut is_first) => cursor.skip(),
            b'{' => self.object(cursor, depth),
            _ if (self.wanted)(key.text) => Err(Broken),
            _ => cursor.skip(),
        })
    }

    /// A scalar of the payload itself.
    fn scalar(&mut self, cursor: &mut Cursor<'b>, key: Raw<'b>) -> Result<(), Broken> {
        let is_text = cursor.token() == b'"';
        let rank = message_rank(key.text).filter(|_| is_text);
        let is_field = rank.is_none_or(|rank| rank > LAST_OF_MESSAGE_ALONE);
        let is_told = is_text && (is_stack(key.text) || is_error_key(key.text));
        if is_told || STATUS.contains(&key.text) || is_of_request(key.text) || is_field && (self.wanted)(key.text) {
            return Err(Broken);
        }
        let level = level::role(key.text).filter(|_| rank.is_none() || is_mark(key.text)).map(Role::Level);
        let start = *cursor;
        let mut is_passed = false;
        for role in level.into_iter().chain(rank.map(|rank| Role::Message(rank as u8))) {
            *cursor = start;
            (self.each)(role, cursor)?;
            is_passed = true;
        }
        if is_passed { Ok(()) } else { cursor.skip() }
    }
}

/// A payload while it is read.
#[derive(Default)]
struct PayloadReader<'b> {
    /// The best message so far and its rank.
    message: Option<(usize, Text<'b>)>,
    stated: Stated,
    /// The error beside the message.
    error: Text<'b>,
    /// Class and text of the exception.
    thrown: (Text<'b>, Text<'b>),
    stacks: Vec<Text<'b>>,
    fields: Fields<'b>,
    /// Path of the object that is read, with a dot at its end.
    path: String,
    /// Set when the payload is a Kubernetes event.
    object: Option<KubeEvent<'b>>,
    is_probe: bool,
    is_request: bool,
}

impl<'b> PayloadReader<'b> {
    /// Reads the members of an object at `depth` below the payload; bounded recursion.
    fn object(&mut self, cursor: &mut Cursor<'b>, depth: usize) -> Result<(), Broken> {
        let n_path = self.path.len();
        cursor.members(|cursor, key| {
            self.path.truncate(n_path);
            self.member(cursor, key, depth)
        })?;
        self.path.truncate(n_path);
        Ok(())
    }

    fn member(&mut self, cursor: &mut Cursor<'b>, key: Raw<'b>, depth: usize) -> Result<(), Broken> {
        match cursor.token() {
            b'{' if depth == 0 && key.text == EVENT_OBJECT => {
                self.object = Some(involved_object(cursor)?);
                Ok(())
            }
            b'{' if depth < MAX_DEPTH => {
                self.is_probe |= key.text == PROBE;
                self.enter(key);
                self.object(cursor, depth + 1)
            }
            b'[' if is_stack(key.text) && (depth == 0 || is_error_object(&self.path)) => self.frames(cursor),
            b'[' if depth < MAX_DEPTH => {
                self.enter(key);
                self.first_item(cursor, depth + 1)
            }
            b'{' | b'[' => cursor.skip(),
            b'"' => {
                let value = cursor.string()?;
                self.text(key, value, depth);
                Ok(())
            }
            _ => {
                let word = cursor.scalar()?;
                if depth == 0 {
                    self.stated.see(key.text, word);
                    self.is_request |= is_of_request(key.text);
                }
                if word != "null" {
                    self.keep(key, Text::Borrowed(word));
                }
                Ok(())
            }
        }
    }

    /// Of an array only the first item is looked at, under the array's own path.
    fn first_item(&mut self, cursor: &mut Cursor<'b>, depth: usize) -> Result<(), Broken> {
        let mut is_first = true;
        cursor.items(|cursor| {
            if !std::mem::take(&mut is_first) {
                return cursor.skip();
            }
            match cursor.token() {
                b'{' => self.object(cursor, depth),
                _ => {
                    let Some(value) = cursor.text_value()? else { return Ok(()) };
                    let path = self.path.strip_suffix('.').unwrap_or(&self.path).to_owned();
                    if self.fields.len() < MAX_FIELDS && !value.is_empty() {
                        self.fields.push("", Text::Owned(path), value);
                    }
                    Ok(())
                }
            }
        })
    }

    /// A stack trace as a list of lines, or exceptions as a list of objects, of which the first counts.
    fn frames(&mut self, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        let mut lines: Vec<Text<'b>> = Vec::new();
        cursor.items(|cursor| match cursor.token() {
            b'{' => cursor.members(|cursor, key| match cursor.token() {
                b'"' => {
                    let value = cursor.string()?;
                    self.throw(key.text, value);
                    Ok(())
                }
                _ => cursor.skip(),
            }),
            _ => {
                lines.extend(cursor.text_value()?.filter(|_| lines.len() < MAX_FRAMES));
                Ok(())
            }
        })?;
        if !lines.is_empty() {
            self.stacks.push(Text::Owned(lines.join("\n")));
        }
        Ok(())
    }

    fn enter(&mut self, key: Raw<'b>) {
        self.path.push_str(&key.text());
        self.path.push('.');
    }

    fn text(&mut self, key: Raw<'b>, value: Raw<'b>, depth: usize) {
        if value.text.is_empty() {
            return;
        }
        let in_error = depth > 0 && is_error_object(&self.path);
        if is_stack(key.text) && (depth == 0 || in_error) {
            return self.stacks.push(value.text());
        }
        let rank = match depth {
            0 => message_rank(key.text),
            1 if in_error => ERROR_KEYS.iter().position(|known| *known == key.text).map(|rank| MESSAGE_RANKS + rank),
            1 if key.text == "message" && self.path.strip_suffix('.') == Some(EVENT_FIELDS) => message_rank(key.text),
            _ => None,
        };
        if in_error {
            self.throw(key.text, value);
        } else if depth == 0 {
            self.top(key, value, rank);
        }
        let Some(rank) = rank else { return self.keep(key, value.text()) };
        let is_better = self.message.as_ref().is_none_or(|(best, _)| rank <= *best);
        let is_field = rank > LAST_OF_MESSAGE_ALONE;
        if is_field {
            self.keep(key, value.text());
        }
        if is_better {
            self.message = Some((rank, value.text()));
        }
    }

    /// A text of the payload itself.
    fn top(&mut self, key: Raw<'b>, value: Raw<'b>, rank: Option<usize>) {
        match key.text {
            "error" | "err" if !NO_ERROR.iter().any(|none| none.eq_ignore_ascii_case(value.text)) => {
                self.error = value.text()
            }
            _ if rank.is_none() || is_mark(key.text) => {
                self.stated.see(key.text, value.text);
                self.is_request |= is_of_request(key.text);
            }
            _ => {}
        }
    }

    /// A member of an error object: the first class and the first text count.
    fn throw(&mut self, key: &str, value: Raw<'b>) {
        let (class, text) = &mut self.thrown;
        if CLASS_KEYS.contains(&key) && class.is_empty() {
            *class = value.text();
        } else if TEXT_KEYS.contains(&key) && text.is_empty() {
            *text = value.text();
        }
    }

    fn keep(&mut self, key: Raw<'b>, value: Text<'b>) {
        if self.fields.len() < MAX_FIELDS && !value.is_empty() {
            self.fields.push(&self.path, key.text(), value);
        }
    }

    fn finish(mut self) -> JsonPayload<'b> {
        let mut message = self.message.take().map(|(_, text)| text).unwrap_or_default();
        let mut kube_event = None;
        if let Some(object) = self.object.take() {
            let event = kube_event_of(object, &self.fields);
            if !event.reason.is_empty() {
                message = Text::Owned(format!("{}: {message}", event.reason));
            }
            kube_event = Some(Box::new(event));
        } else if self.is_probe {
            message = probe_message(&self.fields).map_or(message, Text::Owned);
        } else if message.is_empty()
            && let Some(status) = STATUS.iter().find_map(|key| self.fields.get(key))
        {
            message = Text::Owned(status.to_owned());
        }
        for part in self.parts() {
            if message.is_empty() || part.strip_suffix(message.as_ref()).is_some_and(|class| class.ends_with(": ")) {
                message = part;
            } else if !message.contains(part.as_ref()) {
                message = Text::Owned(format!("{message}\n{part}"));
            }
        }
        let http = if self.is_request { request(&self.fields) } else { None };
        let is_line = kube_event.is_none() && http.is_none();
        let level = self.stated.severity().filter(|_| is_line);
        let level = level.or_else(|| http.as_ref().map(|http| access::severity_of(http.status)));
        JsonPayload { message, level, fields: self.fields, http, kube_event }
    }

    /// What follows the message: the error, the exception, stack traces. What one of the traces says anyway is left to it.
    fn parts(&mut self) -> Vec<Text<'b>> {
        let stacks = std::mem::take(&mut self.stacks);
        let is_told = |text: &str| stacks.iter().any(|stack| stack.contains(text));
        let (class, text) = std::mem::take(&mut self.thrown);
        let mut parts = Vec::new();
        if !self.error.is_empty() && !is_told(&self.error) {
            parts.push(std::mem::take(&mut self.error));
        }
        // Python's `str` is what was thrown by none.
        if class.contains(|c: char| c.is_uppercase() || c == '.') && !text.is_empty() && !is_told(&text) {
            parts.push(Text::Owned(format!("{class}: {text}")));
        }
        parts.extend(stacks);
        parts
    }
}

/// Lines of one stack trace that are kept.
const MAX_FRAMES: usize = 256;

/// The request that the fields of a payload tell of.
fn request<'b>(fields: &Fields<'b>) -> Option<HttpRequest<'b>> {
    REQUESTS.iter().find_map(|[status, method, url, latency]| {
        let text = |key: &str| fields.get(key).map(|value| Text::Owned(value.to_owned()));
        let ms = fields.get(latency).and_then(parse_duration);
        Some(HttpRequest {
            status: fields.get(status)?.parse().ok()?,
            method: text(method)?,
            url: text(url)?,
            latency_ns: ms.map(|ns| ns / 1000),
            is_access_line: true,
            ..HttpRequest::default()
        })
    })
}

/// True for the path of an object that describes an error.
fn is_error_object(path: &str) -> bool {
    // Monolog has it in the context of the message.
    let path = path.strip_prefix("context.").unwrap_or(path);
    path.strip_suffix('.').is_some_and(is_error_key)
}

fn is_error_key(key: &str) -> bool {
    matches!(
        key,
        "error"
            | "err"
            | "exception"
            | "Exception"
            | "exc"
            | "errors"
            | "cause"
            | "thrown"
            | "throwable"
            | "_exception"
    )
}

/// True for an object or a list at the top of a payload whose members make the message.
fn is_telling(key: &str) -> bool {
    key == EVENT_OBJECT || key == EVENT_FIELDS || is_stack(key)
}

fn involved_object<'b>(cursor: &mut Cursor<'b>) -> Result<KubeEvent<'b>, Broken> {
    let mut event = KubeEvent { count: 1, ..KubeEvent::default() };
    cursor.members(|cursor, key| {
        let field = match key.text {
            "kind" => &mut event.object_kind,
            "name" => &mut event.object_name,
            "namespace" => &mut event.namespace,
            _ => return cursor.skip(),
        };
        *field = cursor.text_value()?.unwrap_or_default();
        Ok(())
    })?;
    Ok(event)
}

fn kube_event_of<'b>(object: KubeEvent<'b>, fields: &Fields<'b>) -> KubeEvent<'b> {
    let text = |key: &str| {
        let found = fields.iter().rev().find(|(path, _)| path.is(key));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let count = [text("count"), text("series.count")].iter().find_map(|text| text.parse().ok()).unwrap_or(1);
    KubeEvent { kind: text("type"), reason: text("reason"), count, ..object }
}

/// A health check result in one line.
fn probe_message(fields: &Fields<'_>) -> Option<String> {
    let field = |name: &str| fields.get(&format!("healthCheckProbeResult.{name}"));
    let state = field("healthState")?;
    let mut message = format!("health check: {state}");
    for part in ["detailedHealthState", "probeResultText"].iter().filter_map(|name| field(name)) {
        message.push_str(": ");
        message.push_str(part);
    }
    Some(message)
}
