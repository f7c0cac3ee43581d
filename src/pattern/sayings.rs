//! What messages say, remembered: services repeat themselves word for word, and so does what is said.

use xxhash_rust::xxh3::xxh3_64;

use super::Catalogue;
use super::observation::{Class, Gravity, Observation, Uneventful, observe, uneventful};
use super::secrets::Classes;
use crate::entry::{Component, Entry, Payload, Severity, Text};

/// Messages remembered; a later one takes the place of an earlier one. With all of them as long as can be some 5 MiB.
const SLOTS: usize = 2048;

/// Longest message that is remembered, in bytes: nearly every traceback. Longer ones seldom come again.
const MAX_LEN: usize = 2048;

/// What was said of late.
#[derive(Debug)]
pub struct Sayings {
    slots: Vec<Remembered>,
}

#[derive(Debug, Default)]
enum Remembered {
    #[default]
    Empty,
    /// The hash of a message that came once: most messages with a number in them never come again.
    Once(u64),
    Said(Box<Saying>),
}

/// What an entry says by its message alone: the same for all entries of a log with the same message, severity, level and payload.
#[derive(Debug)]
pub struct Saying {
    /// Message, log name and type of the resource, one behind the other: one place in memory to compare with.
    key: Box<str>,
    recorded: Option<Severity>,
    level: Option<Severity>,
    payload: Payload,
    /// Set when it takes more than the message to tell.
    depends: bool,
    is_uneventful: bool,
    severity: Option<Severity>,
    inferred: bool,
    class: Class,
    gravity: Gravity,
    signature: Option<usize>,
    values: Vec<(Text<'static>, Text<'static>)>,
    blames: Vec<Component>,
    mentions: Vec<Text<'static>>,
    masks: Classes,
}

impl Default for Sayings {
    fn default() -> Sayings {
        Sayings { slots: std::iter::repeat_with(Remembered::default).take(SLOTS).collect() }
    }
}

impl Sayings {
    /// What `entry` says, once its message was met before; `None` when that is not known or depends on more.
    ///
    /// Looks at no label and at nothing of the resource but its type.
    pub fn of(&mut self, catalogue: &Catalogue, entry: &Entry<'_>) -> Option<&Saying> {
        let is_plain = entry.http.is_none()
            && entry.audit.is_none()
            && entry.kube_event.is_none()
            && entry.split.is_none()
            && (1..=MAX_LEN).contains(&entry.message.len());
        if !is_plain || catalogue.reads_fields_of(entry) {
            return None;
        }
        let hash = hash(entry);
        let slot = &mut self.slots[hash as usize % SLOTS];
        let is_known = match slot {
            Remembered::Said(saying) => saying.is_by(entry),
            Remembered::Once(other) if *other == hash => {
                *slot = Remembered::Said(Box::new(Saying::new(catalogue, entry)?));
                true
            }
            _ => false,
        };
        if !is_known {
            *slot = Remembered::Once(hash);
        }
        match slot {
            Remembered::Said(saying) if !saying.depends => Some(saying),
            _ => None,
        }
    }
}

/// Texts on which it depends what a message says.
fn key<'e>(entry: &'e Entry<'_>) -> [&'e str; 3] {
    [&entry.message, &entry.log_name, &entry.resource.kind]
}

fn hash(entry: &Entry<'_>) -> u64 {
    let number = |severity: Option<Severity>| severity.map_or(0, |severity| severity as u64 + 1);
    let severity = number(entry.severity) << 4 | number(entry.level);
    xxh3_64(entry.message.as_bytes()) ^ xxh3_64(entry.log_name.as_bytes()).rotate_left(8) ^ severity
}

impl Saying {
    fn new(catalogue: &Catalogue, entry: &Entry<'_>) -> Option<Saying> {
        let observation = observe(catalogue, entry)?;
        Some(Saying {
            key: key(entry).concat().into(),
            recorded: entry.severity,
            level: entry.level,
            payload: entry.payload,
            depends: observation.signature.is_some_and(|at| catalogue.takes_more_than_text(at)),
            is_uneventful: uneventful(catalogue, entry).is_some(),
            severity: observation.severity,
            inferred: observation.inferred,
            class: observation.class,
            gravity: observation.gravity,
            signature: observation.signature,
            values: observation.values.iter().map(|(name, value)| (owned(name), owned(value))).collect(),
            blames: observation.blames.into_owned(),
            mentions: observation.mentions.iter().map(owned).collect(),
            masks: observation.masks,
        })
    }

    fn is_by(&self, entry: &Entry<'_>) -> bool {
        let mut rest = Some(&*self.key);
        key(entry).into_iter().for_each(|part| rest = rest.and_then(|rest| rest.strip_prefix(part)));
        rest == Some("") && (self.recorded, self.level, self.payload) == (entry.severity, entry.level, entry.payload)
    }

    /// As [`super::uneventful`] of an entry that says this.
    pub fn uneventful(&self, entry: &Entry<'_>) -> Option<Uneventful> {
        let at = entry.effect_time().filter(|_| self.is_uneventful)?;
        Some(Uneventful { at, severity: self.severity, inferred: self.inferred })
    }

    /// As [`observe`] of an entry that says this.
    pub fn observation<'e>(&'e self, entry: &'e Entry<'_>) -> Option<Observation<'e>> {
        Some(Observation {
            at: entry.effect_time()?,
            severity: self.severity,
            inferred: self.inferred,
            class: self.class,
            gravity: self.gravity,
            signature: self.signature,
            component: entry.component(),
            revision: entry.revision(),
            instance: entry.instance(),
            values: self.values.as_slice().into(),
            blames: self.blames.as_slice().into(),
            mentions: self.mentions.as_slice().into(),
            weight: 1,
            masks: self.masks,
        })
    }
}

fn owned(text: &Text<'_>) -> Text<'static> {
    Text::Owned(text.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Fields;
    use crate::time::Timestamp;

    fn entry(message: &'static str, severity: Option<Severity>) -> Entry<'static> {
        Entry {
            timestamp: Some(Timestamp(1)),
            log_name: "projects/p/logs/run.googleapis.com%2Fstdout".into(),
            severity,
            payload: Payload::Text,
            message: message.into(),
            ..Entry::default()
        }
    }

    const MESSAGES: [&str; 5] = [
        "order priced",
        "[ERROR] Worker (pid:7) exited with code 3",
        "ModuleNotFoundError: No module named 'shop.prices'",
        "could not connect to server at 10.8.0.3:5432: Connection refused",
        "  File \"/app/main.py\", line 3, in start",
    ];

    #[test]
    fn what_is_remembered_is_what_is_observed() {
        let (catalogue, mut sayings) = (Catalogue::builtin(), Sayings::default());
        let severities = [None, Some(Severity::Info), Some(Severity::Error)];
        let entries = MESSAGES.iter().flat_map(|message| severities.map(|severity| entry(message, severity)));
        for entry in entries {
            assert!(sayings.of(&catalogue, &entry).is_none(), "{} came once", entry.message);
            for _ in 0..2 {
                let saying = sayings.of(&catalogue, &entry).expect("it came before");
                let (found, expected) = (saying.observation(&entry), observe(&catalogue, &entry));
                assert_eq!(format!("{found:?}"), format!("{expected:?}"));
                assert_eq!(saying.uneventful(&entry), uneventful(&catalogue, &entry));
            }
        }
    }

    #[test]
    fn what_depends_on_more_than_the_message_is_not_remembered() {
        let (catalogue, mut sayings) = (Catalogue::builtin(), Sayings::default());
        let fields = Fields::from_iter([("error", "connection refused")]);
        let with_error = Entry { fields, payload: Payload::Json, ..entry("order failed", None) };
        assert!((0..3).all(|_| sayings.of(&catalogue, &with_error).is_none()));
    }
}
