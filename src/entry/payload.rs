//! A JSON payload: its message, its exception, and the scalars that signatures look at.

use super::cursor::{Broken, Cursor, Raw};
use super::{KubeEvent, Labels, Text};

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

/// What is kept of a JSON payload.
#[derive(Default)]
pub(super) struct JsonPayload<'b> {
    pub(super) message: Text<'b>,
    pub(super) fields: Labels<'b>,
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
    let mut reading = Reading::default();
    reading.object(cursor, 0)?;
    Ok(reading.finish())
}

/// A payload while it is read.
#[derive(Default)]
struct Reading<'b> {
    /// The best message so far and its rank.
    message: Option<(usize, Text<'b>)>,
    stacks: Vec<Text<'b>>,
    fields: Labels<'b>,
    path: String,
    /// Set when the payload is a Kubernetes event.
    object: Option<KubeEvent<'b>>,
    is_probe: bool,
}

impl<'b> Reading<'b> {
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
            b'{' if depth == 0 && key.text == "involvedObject" => {
                self.object = Some(involved_object(cursor)?);
                Ok(())
            }
            b'{' if depth < MAX_DEPTH => {
                self.is_probe |= key.text == "healthCheckProbeResult";
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
                    self.keep(key, Text::Borrowed(word), depth);
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
                    self.push(Text::Owned(self.path.clone()), value);
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
        let Some(rank) = rank else { return self.keep(key, value.text(), depth) };
        let is_better = self.message.as_ref().is_none_or(|(best, _)| rank <= *best);
        let is_field = rank > 4;
        if is_field {
            self.keep(key, value.text(), depth);
        }
        if is_better {
            self.message = Some((rank, value.text()));
        }
    }

    fn keep(&mut self, key: Raw<'b>, value: Text<'b>, depth: usize) {
        if self.fields.0.len() >= MAX_FIELDS {
            return;
        }
        let path = if depth == 0 { key.text() } else { Text::Owned(self.path_of(key)) };
        self.push(path, value);
    }

    fn path_of(&self, key: Raw<'b>) -> String {
        let key = key.text();
        let mut path = String::with_capacity(self.path.len() + key.len());
        path.push_str(&self.path);
        path.push_str(&key);
        path
    }

    fn push(&mut self, path: Text<'b>, value: Text<'b>) {
        if self.fields.0.len() < MAX_FIELDS && !value.is_empty() {
            let path = match path {
                Text::Owned(path) if path.ends_with('.') => Text::Owned(path[..path.len() - 1].to_owned()),
                path => path,
            };
            self.fields.0.push((path, value));
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
            && let Some(status) = self.fields.get("statusDetails")
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
    matches!(path, "error." | "err." | "exception." | "exc." | "errors." | "cause.")
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

fn kube_event_of<'b>(object: KubeEvent<'b>, fields: &Labels<'b>) -> KubeEvent<'b> {
    let text = |key: &str| {
        let found = fields.0.iter().rev().find(|(known, _)| known == key);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let count = [text("count"), text("series.count")].iter().find_map(|text| text.parse().ok()).unwrap_or(1);
    KubeEvent { kind: text("type"), reason: text("reason"), count, ..object }
}

/// A health check result in one line.
fn probe_message(fields: &Labels<'_>) -> Option<String> {
    let field = |name: &str| fields.get(&format!("healthCheckProbeResult.{name}"));
    let state = field("healthState")?;
    let mut message = format!("health check: {state}");
    for part in ["detailedHealthState", "probeResultText"].iter().filter_map(|name| field(name)) {
        message.push_str(": ");
        message.push_str(part);
    }
    Some(message)
}
