//! What a report knows, looked up by what a claim is about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::report::wording::{count, last_known};
use crate::report::{Incident, Report};
use crate::time::Timestamp;

/// Fields of a report that are advice or given from outside, not found in the export.
const NOT_FOUND: &[&str] =
    &["given", "gaps", "actions", "regression", "earlier_known", "tool_version", "schema", "features"];

/// Letters of a phrase at least: fewer stand anywhere.
const PHRASE: usize = 5;

/// The figures of a report.
pub(super) struct Figures {
    /// Every integer, to tell whether a number stands anywhere.
    all: BTreeSet<u64>,
    /// Counts by the noun that they answer to.
    by_noun: BTreeMap<&'static str, BTreeSet<u64>>,
    /// Parts of wholes.
    pub(super) ratios: BTreeSet<(u64, u64)>,
    /// Bounds of intervals, which are shares that no ratio gives.
    bounds: Vec<f64>,
    /// Notable times.
    pub(super) times: BTreeSet<Timestamp>,
    /// Starts of the slots of timelines: true times, but no events.
    pub(super) slots: BTreeSet<Timestamp>,
    /// Onsets of incidents and first signs of causes.
    pub(super) onsets: BTreeSet<Timestamp>,
    /// Ends and last failures.
    pub(super) ends: BTreeSet<Timestamp>,
    /// Lengths of time in seconds, by what they are.
    pub(super) lengths: Vec<(&'static str, f64)>,
    /// Exit codes with their counts.
    pub(super) exit_codes: BTreeMap<String, u64>,
    /// Every text, in which names and quoted phrases may stand.
    texts: Vec<String>,
}

impl Figures {
    /// Reads a report.
    pub(super) fn of(report: &Report) -> Figures {
        let mut figures = Figures {
            all: BTreeSet::new(),
            by_noun: BTreeMap::new(),
            ratios: BTreeSet::new(),
            bounds: Vec::new(),
            times: BTreeSet::new(),
            slots: BTreeSet::new(),
            onsets: BTreeSet::new(),
            ends: BTreeSet::new(),
            lengths: Vec::new(),
            exit_codes: BTreeMap::new(),
            texts: Vec::new(),
        };
        if let Ok(value) = serde_json::to_value(report) {
            figures.read_all(&value);
        }
        figures.read_coverage(report);
        report.incidents.iter().for_each(|incident| figures.read_incident(incident, report));
        figures.read_patterns(report);
        figures
    }

    /// Counts that answer to a noun, `None` when the report has none for it.
    pub(super) fn of_noun(&self, noun: &str) -> Option<&BTreeSet<u64>> {
        let key = NOUNS.iter().find(|(word, _)| noun.contains(word)).map(|(_, key)| *key)?;
        self.by_noun.get(key).filter(|counts| !counts.is_empty())
    }

    /// True when the number stands anywhere in the report.
    pub(super) fn has(&self, n: u64) -> bool {
        self.all.contains(&n)
    }

    /// True when the text stands in one of the report.
    pub(super) fn has_text(&self, text: &str) -> bool {
        self.texts.iter().any(|known| known.contains(text))
    }

    /// True when the words stand in a text of the report as they are, between other words.
    pub(super) fn has_phrase(&self, words: &str) -> bool {
        let words = super::claims::one_line(words);
        let whole = |text: &String, start: usize| {
            let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            !is_part(text[..start].chars().next_back()) && !is_part(text[start + words.len()..].chars().next())
        };
        (words.len() >= PHRASE || words.ends_with('%'))
            && self.texts.iter().any(|text| text.match_indices(words.as_str()).any(|(start, _)| whole(text, start)))
    }

    /// Shares from 0 to 1: those of the ratios, and bounds of intervals.
    pub(super) fn shares(&self) -> impl Iterator<Item = f64> {
        let share = |(part, whole): &(u64, u64)| *part as f64 / (*whole).max(1) as f64;
        self.ratios.iter().map(share).chain(self.bounds.iter().copied())
    }

    /// Lengths of one kind.
    pub(super) fn lengths_of<'f>(&'f self, kind: &'f str) -> impl Iterator<Item = f64> + 'f {
        self.lengths.iter().filter(move |(name, _)| *name == kind).map(|(_, seconds)| *seconds)
    }

    fn read_all(&mut self, value: &Value) {
        match value {
            Value::Number(n) => self.all.extend(n.as_u64()),
            Value::String(text) => self.texts.push(super::claims::one_line(text)),
            Value::Array(items) => items.iter().for_each(|item| self.read_all(item)),
            Value::Object(fields) => {
                for (name, field) in fields.iter().filter(|(name, _)| !NOT_FOUND.contains(&name.as_str())) {
                    self.texts.push(name.clone());
                    self.read_all(field);
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, noun: &'static str, n: u64) {
        self.by_noun.entry(noun).or_default().insert(n);
    }

    fn read_coverage(&mut self, report: &Report) {
        let coverage = &report.coverage;
        self.count("entries", coverage.entries);
        self.count("duplicates", coverage.duplicates);
        coverage.logs.values().for_each(|n| self.count("entries", *n));
        for (severity, n) in &coverage.severities {
            self.count("entries", *n);
            self.ratios.insert((*n, coverage.entries));
            match severity.as_str() {
                "ERROR" | "CRITICAL" => self.count("errors", *n),
                "WARNING" => self.count("warnings", *n),
                _ => {}
            }
        }
        self.times.extend(coverage.first.iter().chain(&coverage.last));
        if let (Some(first), Some(last)) = (coverage.first, coverage.last) {
            self.lengths.push(("span", last.seconds_since(first)));
        }
    }

    fn read_incident(&mut self, incident: &Incident, report: &Report) {
        let last = last_known(incident, &report.coverage);
        self.onsets.insert(incident.start);
        self.ends.extend([last].into_iter().chain(incident.end));
        self.lengths.push(("outage", last.seconds_since(incident.start)));
        for noun in ["entries", "errors"] {
            self.count(noun, incident.failure_entries);
        }
        for episode in &incident.episodes {
            self.onsets.insert(episode.start);
            self.ends.insert(episode.end);
            self.lengths.push(("outage", episode.end.seconds_since(episode.start)));
            self.count("entries", episode.failure_entries);
        }
        self.read_impact(incident);
        self.read_causes(incident);
        self.read_moments(incident);
    }

    fn read_impact(&mut self, incident: &Incident) {
        for affected in &incident.affected {
            let routes = affected.routes.iter().map(|route| (route.failures, route.requests));
            let own = [(affected.failures, affected.requests), (affected.refused, affected.requests)];
            for (failures, requests) in routes.chain(own) {
                self.ratios.extend([(failures, requests), (requests.saturating_sub(failures), requests)]);
                self.count("requests", failures);
                self.count("requests", requests);
            }
            self.count("entries", affected.failure_entries);
            self.count("errors", affected.failure_entries);
            self.count("restarts", affected.restarts);
            self.bounds.extend(affected.availability_interval.iter().flat_map(|(low, high)| [*low, *high]));
        }
        if let Some(contrast) = &incident.contrast {
            for shared in &contrast.shared {
                self.ratios.extend([(shared.failed, contrast.failed), (shared.others, contrast.others)]);
            }
            self.count("requests", contrast.failed);
            self.count("requests", contrast.others);
        }
        let Some(restarts) = &incident.restarts else { return };
        self.ratios.insert((restarts.boots_agreeing, restarts.boots));
        self.count("restarts", restarts.exits);
        self.count("boots", restarts.boots);
        self.count("boots", restarts.boots_agreeing);
        self.count("instances", restarts.instances);
        for (code, n) in &restarts.exit_codes {
            self.exit_codes.insert(code.clone(), *n);
            self.count("restarts", *n);
        }
        self.lengths.extend(restarts.period_s.map(|period| ("period", period)));
    }

    fn read_causes(&mut self, incident: &Incident) {
        for cause in &incident.causes {
            self.onsets.insert(cause.first_seen);
            self.ratios.insert((cause.explains, incident.failure_entries));
            self.count("entries", cause.count);
            self.count("entries", cause.explains);
            if let Some(trigger) = &cause.trigger {
                self.times.insert(trigger.at);
                self.lengths.push(("lead", incident.start.seconds_since(trigger.at)));
            }
        }
        let advice = incident.causes.iter().flat_map(|cause| &cause.actions).map(|action| action.text.clone());
        self.texts.extend(advice);
        let root = incident.chain.first().map(|link| link.first_seen);
        for link in &incident.chain {
            self.lengths.extend(root.map(|root| ("lag", link.first_seen.seconds_since(root))));
            self.times.insert(link.first_seen);
            self.lengths.push(("lag", link.lag_s));
            self.count("entries", link.count);
        }
    }

    fn read_moments(&mut self, incident: &Incident) {
        self.times.extend(incident.moments.iter().map(|moment| moment.at));
        self.times.extend(incident.changes.iter().map(|change| change.at));
        self.lengths.extend(incident.changes.iter().map(|change| ("lead", change.before_onset_s)));
        self.slots.extend(incident.timeline.iter().map(|slot| slot.start));
        self.lengths.extend(incident.timeline.first().map(|slot| ("slot", slot.width_s)));
    }

    fn read_patterns(&mut self, report: &Report) {
        for pattern in &report.patterns {
            self.times.extend([pattern.first, pattern.last]);
            self.count("entries", pattern.count);
            self.count("errors", pattern.count);
            let name = format!("{} {}", pattern.signature, pattern.title).to_lowercase();
            if name.contains("timeout")
                || name.contains("time out")
                || name.contains("timed out")
                || name.contains("times out")
            {
                self.count("timeouts", pattern.count);
            }
            if name.contains("probe") {
                self.count("probes", pattern.count);
            }
            if name.contains("websocket") {
                self.count("upgrades", pattern.count);
            }
            for (kind, values) in &pattern.values {
                self.read_values(kind, values);
            }
        }
        self.times.extend(self.onsets.iter().chain(&self.ends).copied().collect::<Vec<_>>());
    }

    fn read_values(&mut self, kind: &str, values: &BTreeMap<String, u64>) {
        for (value, n) in values {
            if kind.contains("exit") {
                self.exit_codes.entry(value.clone()).or_insert(*n);
            }
            if kind.contains("timeout") {
                self.count("timeouts", *n);
                self.lengths.extend(value.trim_end_matches('s').trim().parse().map(|seconds| ("timeout", seconds)));
            }
            if kind.contains("status") {
                self.count("requests", *n);
            }
        }
    }
}

/// Words in a noun phrase and the counts that they ask for; the first that fits decides.
const NOUNS: &[(&str, &str)] = &[
    ("timeout", "timeouts"),
    ("probe", "probes"),
    ("upgrade", "upgrades"),
    ("restart", "restarts"),
    ("exit", "restarts"),
    ("crash", "restarts"),
    ("boot", "boots"),
    ("instance", "instances"),
    ("duplicate", "duplicates"),
    ("warning", "warnings"),
    ("request", "requests"),
    ("error", "errors"),
    ("failure", "errors"),
    ("entr", "entries"),
];

/// At most three of some figures, those nearest to a claim first: `982, 951`.
pub(super) fn nearest(figures: impl IntoIterator<Item = u64>, to: u64) -> String {
    let mut figures: Vec<u64> = figures.into_iter().collect();
    figures.sort_by_key(|n| (n.abs_diff(to), *n));
    figures.dedup();
    figures.iter().take(3).map(|n| count(*n)).collect::<Vec<_>>().join(", ")
}
