//! The entries that stand for a series: the earliest few and the latest.

use serde::{Deserialize, Serialize};

use crate::entry::{Entry, Severity};
use crate::pattern::secrets::{self, Classes};
use crate::pattern::{Merge, Observation, raw_text};
use crate::source::Origin;
use crate::time::Timestamp;

/// How many of the earliest entries are kept: enough to show a sequence, few enough for 50,000 series.
const EARLIEST: usize = 3;

/// Longest message that is kept, in bytes: a traceback's end is its point, so the middle is cut.
const MESSAGE_BYTES: usize = 1200;

/// An entry that can be found again. The order is that of time, then of content, and of place only for copies: how entries are laid out
/// in files does not show.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Exemplar {
    /// When it could be known.
    pub effect_time: Timestamp,
    /// `insertId`.
    pub insert_id: String,
    /// `timestamp` as recorded.
    pub timestamp: Option<Timestamp>,
    /// Its text; for a request without text, `METHOD url status`.
    pub message: String,
    /// `logName`.
    pub log_name: String,
    /// Severity as recorded.
    pub severity: Option<Severity>,
    /// Name of the component that wrote it.
    pub component: String,
    /// The resource that it is about: type, then labels, `k8s_container;namespace_name=shop;…`. See [`Exemplar::label`].
    #[serde(default)]
    pub resource: String,
    /// Where it stands.
    pub origin: Origin,
    /// Set while the message stands as recorded: what it is yet to be masked of. In an export in order, either way, every entry is
    /// kept for a moment, and looking for secrets costs more than all else that is done with it.
    #[serde(skip)]
    pub(crate) unmasked: Option<Classes>,
}

/// Longest message that is kept as recorded for now.
const UNMASKED_BYTES: usize = 2 * MESSAGE_BYTES;

/// Longest value of a label that is kept, in bytes: names of resources are shorter.
const LABEL_BYTES: usize = 128;

/// Labels that are kept of a resource: no product has more.
const LABELS: usize = 12;

impl Exemplar {
    /// A copy of what an entry says.
    pub fn new(entry: &Entry<'_>, observation: &Observation<'_>) -> Exemplar {
        let mut exemplar = Exemplar::default();
        exemplar.copy(entry, observation);
        exemplar
    }

    /// Becomes a copy of what an entry says, in the texts that are there.
    fn copy(&mut self, entry: &Entry<'_>, observation: &Observation<'_>) {
        self.copy_names(entry, observation);
        push_shortened(&mut self.message, &observation.text(entry), MESSAGE_BYTES);
    }

    /// The same, and a short message is masked later, by [`Exemplar::finish`].
    fn copy_for_now(&mut self, entry: &Entry<'_>, observation: &Observation<'_>) {
        let text = raw_text(entry);
        if text.len() > UNMASKED_BYTES {
            return self.copy(entry, observation);
        }
        self.copy_names(entry, observation);
        self.message.push_str(&text);
        self.unmasked = Some(observation.masks);
    }

    fn finish(&mut self) {
        if let Some(masks) = self.unmasked.take() {
            self.message = shortened(&secrets::masked(&self.message, masks), MESSAGE_BYTES);
        }
    }

    /// The same without its message.
    fn copy_names(&mut self, entry: &Entry<'_>, observation: &Observation<'_>) {
        (self.effect_time, self.origin) = (observation.at, entry.origin);
        (self.timestamp, self.severity, self.unmasked) = (entry.timestamp, entry.severity, None);
        let Exemplar { insert_id, log_name, component, message, resource, .. } = self;
        let texts = [insert_id, log_name, component, message, resource];
        texts.into_iter().for_each(String::clear);
        self.insert_id.push_str(&entry.insert_id);
        self.log_name.push_str(&entry.log_name);
        self.component.push_str(&observation.component.name);
        self.resource.push_str(&entry.resource.kind);
        for (key, value) in entry.resource.labels.0.iter().take(LABELS) {
            if !value.is_empty() && value.len() <= LABEL_BYTES && !value.contains(';') && !key.contains([';', '=']) {
                for part in [";", key, "=", value] {
                    self.resource.push_str(part);
                }
            }
        }
    }

    /// The type of the resource, `k8s_container`; empty when it is not known.
    pub fn resource_type(&self) -> &str {
        self.resource.split(';').next().unwrap_or_default()
    }

    /// A label of the resource.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.resource.split(';').skip(1).find_map(|label| label.strip_prefix(key)?.strip_prefix('='))
    }

    pub(super) fn renumber(&mut self, number: &dyn Fn(u32) -> u32) {
        self.origin.source = number(self.origin.source);
    }
}

/// The text itself, or its head and tail around `…`.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let mut short = String::new();
    push_shortened(&mut short, text, most);
    short
}

fn push_shortened(short: &mut String, text: &str, most: usize) {
    if text.len() <= most {
        return short.push_str(text);
    }
    short.push_str(&text[..text.floor_char_boundary(most / 3)]);
    short.push('…');
    short.push_str(&text[text.ceil_char_boundary(text.len() - 2 * most / 3)..]);
}

/// The earliest three entries and the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemplars {
    earliest: Vec<Exemplar>,
    latest: Option<Exemplar>,
}

impl Exemplars {
    /// Considers an entry; it is only copied when it is kept.
    pub fn observe(&mut self, entry: &Entry<'_>, observation: &Observation<'_>) {
        let quick =
            |kept: &Exemplar| (observation.at, &*entry.insert_id).cmp(&(kept.effect_time, kept.insert_id.as_str()));
        let has_equal = self.earliest.iter().chain(&self.latest).any(|kept| quick(kept).is_eq());
        if has_equal {
            self.finish();
        }
        // Where time and insertId are the same, the whole content decides.
        let against = |kept: &Exemplar| quick(kept).then_with(|| Exemplar::new(entry, observation).cmp(kept));
        let early = self.earliest.len() < EARLIEST || self.earliest.last().is_some_and(|last| against(last).is_lt());
        let late = self.latest.as_ref().is_none_or(|latest| against(latest).is_gt());
        match &mut self.latest {
            _ if early && has_equal => self.keep(Exemplar::new(entry, observation)),
            _ if early => {
                let mut exemplar = Exemplar::default();
                exemplar.copy_for_now(entry, observation);
                self.keep(exemplar);
            }
            Some(latest) if late => latest.copy_for_now(entry, observation),
            _ => {}
        }
    }

    /// Masks what was copied for now; before anything is joined, read or written.
    pub(super) fn finish(&mut self) {
        self.earliest.iter_mut().chain(&mut self.latest).for_each(Exemplar::finish);
    }

    /// Kept entries, earliest first, without repeats.
    pub fn iter(&self) -> impl Iterator<Item = &Exemplar> {
        debug_assert!(
            self.earliest.iter().chain(&self.latest).all(|kept| kept.unmasked.is_none()),
            "an account is finished before it is read"
        );
        let latest = self.latest.iter().filter(|latest| !self.earliest.contains(latest));
        self.earliest.iter().chain(latest)
    }

    /// The earliest entry.
    pub fn first(&self) -> Option<&Exemplar> {
        self.earliest.first()
    }

    pub(super) fn renumber(&mut self, number: &dyn Fn(u32) -> u32) {
        for exemplar in self.earliest.iter_mut().chain(&mut self.latest) {
            exemplar.renumber(number);
        }
    }

    fn keep(&mut self, exemplar: Exemplar) {
        if self.latest.as_ref().is_none_or(|latest| *latest < exemplar) {
            self.latest = Some(exemplar.clone());
        }
        if let Err(at) = self.earliest.binary_search(&exemplar) {
            self.earliest.insert(at, exemplar);
            self.earliest.truncate(EARLIEST);
        }
    }
}

impl Merge for Exemplars {
    fn merge(&mut self, mut other: Exemplars) {
        self.finish();
        other.finish();
        other.earliest.into_iter().chain(other.latest).for_each(|exemplar| self.keep(exemplar));
    }
}
