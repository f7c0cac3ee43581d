//! A JSON payload: its message, its exception, and the scalars that signatures look at.

use super::cursor::{Broken, Cursor, Raw};
use super::{Fields, KubeEvent, Text};

/// Fields that are kept of one payload.
const MAX_FIELDS: usize = 32;

/// Levels below the payload that are looked into for fields.
const MAX_DEPTH: usize = 4;

/// Rank of a key whose text is the message, the best lowest.
fn message_rank(key: &str) -> Option<usize> {
    Some(match key {
        "message" => 0,
        "msg" => 1,
        "MESSAGE" => 2,
        "event" => 3,
        "textPayload" => 4,
        "log" => 5,
        "@message" => 6,
        "short_message" => 7,
        "text" => 8,
        "error" => 9,
        "err" => 10,
        "description" => 11,
        _ => return None,
    })
}

/// The last rank of keys that are the message and nothing else; what has a higher one is a field too.
const LAST_OF_MESSAGE_ALONE: usize = 4;

/// More than any rank at the top of a payload.
const MESSAGE_RANKS: usize = 12;

/// True for a key whose text is a stack trace or an exception, at the top or below an error object.
fn is_stack(key: &str) -> bool {
    matches!(
        key,
        "exc_info"
            | "exception"
            | "stack_trace"
            | "stacktrace"
            | "stack"
            | "stackTrace"
            | "errorVerbose"
            | "error_verbose"
            | "traceback"
            | "exc_text"
            | "error.stack"
            | "exception.stacktrace"
    )
}

/// Members of an error object that say what it is, best first.
const ERROR_KEYS: [&str; 3] = ["message", "value", "type"];

/// The object that a Kubernetes event is about.
const EVENT_OBJECT: &str = "involvedObject";

/// The object that makes a payload the result of a health check.
const PROBE: &str = "healthCheckProbeResult";

/// What a load balancer did with a request: the message where there is no other.
const STATUS: &str = "statusDetails";

/// What is kept of a JSON payload.
#[derive(Default)]
pub(super) struct JsonPayload<'b> {
    pub(super) message: Text<'b>,
    pub(super) fields: Fields<'b>,
    pub(super) kube_event: Option<Box<KubeEvent<'b>>>,
}

/// True when the payload at the cursor is an AuditLog: client libraries hand it out as JSON.
pub(super) fn is_audit(cursor: &Cursor<'_>) -> bool {
    let mut cursor = *cursor;
    cursor.at += 1;
    if cursor.token() != b'"' || cursor.string().is_ok_and(|key| key.text != "@type") {
        return false;
    }
    cursor.token();
    cursor.at += 1;
    cursor.token() == b'"' && cursor.string().is_ok_and(|kind| kind.text.ends_with("google.cloud.audit.AuditLog"))
}

/// Reads the payload that starts at the cursor.
pub(super) fn read<'b>(cursor: &mut Cursor<'b>) -> Result<JsonPayload<'b>, Broken> {
    let mut reading = PayloadReader::default();
    reading.object(cursor, 0)?;
    Ok(reading.finish())
}

/// Reads only the message of the payload that starts at the cursor. For payloads that are no event and no health check, say
/// nothing of an error, and have no field whose key is `wanted`: of all others it takes [`read`] to tell the message, or more is
/// to be read.
pub(super) fn message<'b>(cursor: &mut Cursor<'b>, wanted: &dyn Fn(&str) -> bool) -> Result<Text<'b>, Broken> {
    let mut skim = Skim { message: None, wanted };
    skim.object(cursor, 0)?;
    Ok(skim.message.map(|(_, text)| text.text()).unwrap_or_default())
}

/// A payload whose fields are passed over.
struct Skim<'b, 'w> {
    /// The best message so far and its rank.
    message: Option<(usize, Raw<'b>)>,
    wanted: &'w dyn Fn(&str) -> bool,
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
            b'{' | b'[' if depth == 0 && is_telling_object(key.text) => Err(Broken),
            b'{' if key.text == PROBE => Err(Broken),
            b'{' if depth < MAX_DEPTH => self.object(cursor, depth + 1),
            b'[' if depth < MAX_DEPTH => self.first_item(cursor, key, depth + 1),
            b'{' | b'[' => cursor.skip(),
            b'"' if depth == 0 => self.text(cursor, key),
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

    fn text(&mut self, cursor: &mut Cursor<'b>, key: Raw<'b>) -> Result<(), Broken> {
        let rank = message_rank(key.text);
        let is_field = rank.is_none_or(|rank| rank > LAST_OF_MESSAGE_ALONE);
        if is_stack(key.text) || key.text == STATUS || is_field && (self.wanted)(key.text) {
            return Err(Broken);
        }
        let value = cursor.string()?;
        if let Some(rank) = rank.filter(|_| !value.text.is_empty())
            && self.message.is_none_or(|(best, _)| rank <= best)
        {
            self.message = Some((rank, value));
        }
        Ok(())
    }
}

/// A payload while it is read.
#[derive(Default)]
struct PayloadReader<'b> {
    /// The best message so far and its rank.
    message: Option<(usize, Text<'b>)>,
    stacks: Vec<Text<'b>>,
    fields: Fields<'b>,
    /// Path of the object that is read, with a dot at its end.
    path: String,
    /// Set when the payload is a Kubernetes event.
    object: Option<KubeEvent<'b>>,
    is_probe: bool,
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

    fn enter(&mut self, key: Raw<'b>) {
        self.path.push_str(&key.text());
        self.path.push('.');
    }

    fn text(&mut self, key: Raw<'b>, value: Raw<'b>, depth: usize) {
        if value.text.is_empty() {
            return;
        }
        if is_stack(key.text) && (depth == 0 || is_error_object(&self.path)) {
            return self.stacks.push(value.text());
        }
        let rank = match depth {
            0 => message_rank(key.text),
            1 if is_error_object(&self.path) => {
                ERROR_KEYS.iter().position(|known| *known == key.text).map(|rank| MESSAGE_RANKS + rank)
            }
            _ => None,
        };
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

    fn keep(&mut self, key: Raw<'b>, value: Text<'b>) {
        if self.fields.len() < MAX_FIELDS && !value.is_empty() {
            self.fields.push(&self.path, key.text(), value);
        }
    }

    fn finish(self) -> JsonPayload<'b> {
        let mut message = self.message.map(|(_, text)| text).unwrap_or_default();
        let mut kube_event = None;
        if let Some(object) = self.object {
            let event = kube_event_of(object, &self.fields);
            if !event.reason.is_empty() {
                message = Text::Owned(format!("{}: {message}", event.reason));
            }
            kube_event = Some(Box::new(event));
        } else if self.is_probe {
            message = probe_message(&self.fields).map_or(message, Text::Owned);
        } else if message.is_empty()
            && let Some(status) = self.fields.get(STATUS)
        {
            message = Text::Owned(status.to_owned());
        }
        for stack in self.stacks {
            if message.is_empty() {
                message = stack;
            } else if !message.contains(stack.as_ref()) {
                message = Text::Owned(format!("{message}\n{stack}"));
            }
        }
        JsonPayload { message, fields: self.fields, kube_event }
    }
}

/// True for the path of an object that describes an error.
fn is_error_object(path: &str) -> bool {
    path.strip_suffix('.').is_some_and(is_error_key)
}

fn is_error_key(key: &str) -> bool {
    matches!(key, "error" | "err" | "exception" | "exc" | "errors" | "cause")
}

/// True for an object at the top of a payload whose members make the message.
fn is_telling_object(key: &str) -> bool {
    key == EVENT_OBJECT || is_error_key(key)
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
