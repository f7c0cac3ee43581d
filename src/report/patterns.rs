//! Every failing pattern over all services: how often, when, where, and whether it is new.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::entry::Severity;
use crate::incident::{Baseline, Scene, Series};
use crate::pattern::Layer;
use crate::time::{Span, Timestamp};

/// The schema of the list in JSON.
pub const SCHEMA: &str = "firstfault.patterns/1";

/// Columns of a timeline: an hour in steps of two and a half minutes; as many fit beside the counts on 80 columns.
const COLUMNS: usize = 24;

/// All failing patterns of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Patterns {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Start of the timelines: the first entry of the input.
    pub start: Timestamp,
    /// Seconds of one count of a timeline.
    pub width_s: f64,
    /// True when there is a baseline to be new against.
    pub has_baseline: bool,
    /// The most frequent first.
    pub patterns: Vec<Pattern>,
}

/// One failing pattern, over all services that show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// Signature id or `template:…`.
    pub pattern: String,
    /// Title or template.
    pub title: String,
    /// Where in the stack it lies.
    pub layer: Layer,
    /// Worst severity, recorded or inferred.
    pub severity: String,
    /// Entries.
    pub count: u64,
    /// First effect time.
    pub first: Timestamp,
    /// Last effect time.
    pub last: Timestamp,
    /// Entries by service.
    pub services: BTreeMap<String, u64>,
    /// How it relates to what is usual.
    pub novelty: Novelty,
    /// Entries over time, from the start of the input on.
    pub timeline: Vec<u64>,
}

/// How a pattern relates to what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Novelty {
    /// Not in the baseline.
    New,
    /// In the baseline, at a far lower rate.
    Grown,
    /// Without a baseline: it rose inside the input.
    Risen,
    /// Without a baseline: there from the start on, or too rare to tell.
    Unclear,
    /// As frequent as ever.
    Noise,
}

impl Novelty {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Novelty::New => "new",
            Novelty::Grown => "grown",
            Novelty::Risen => "risen",
            Novelty::Unclear => "unclear",
            Novelty::Noise => "noise",
        }
    }
}

impl Patterns {
    /// The patterns of a scene.
    pub fn new(scene: &Scene<'_>, baseline: Option<&Baseline>) -> Patterns {
        let mut rows: BTreeMap<&str, Pattern> = BTreeMap::new();
        for (index, series) in scene.series.iter().enumerate() {
            let row = row(scene, baseline, index, series);
            match rows.get_mut(series.pattern.as_str()) {
                Some(known) => known.add(row),
                None => drop(rows.insert(&series.pattern, row)),
            }
        }
        let mut patterns: Vec<Pattern> = rows.into_values().collect();
        patterns.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.pattern.cmp(&b.pattern)));
        Patterns {
            schema: SCHEMA.to_owned(),
            start: scene.export.start,
            width_s: scene.export.seconds() / COLUMNS as f64,
            has_baseline: baseline.is_some(),
            patterns,
        }
    }
}

impl Pattern {
    /// Adds the same pattern on another service.
    fn add(&mut self, other: Pattern) {
        if other.count > self.count {
            self.title = other.title;
        }
        if worse(&other.severity, &self.severity) {
            self.severity = other.severity;
        }
        self.count = self.count.saturating_add(other.count);
        (self.first, self.last) = (self.first.min(other.first), self.last.max(other.last));
        self.layer = self.layer.min(other.layer);
        self.novelty = self.novelty.min(other.novelty);
        for (service, n) in other.services {
            *self.services.entry(service).or_default() += n;
        }
        for (mine, theirs) in self.timeline.iter_mut().zip(other.timeline) {
            *mine = mine.saturating_add(theirs);
        }
    }
}

fn row(scene: &Scene<'_>, baseline: Option<&Baseline>, index: usize, series: &Series<'_>) -> Pattern {
    let seen = &series.tally.seen;
    Pattern {
        pattern: series.pattern.clone(),
        title: series.title.clone(),
        layer: series.layer,
        severity: series.tally.worst_severity().map_or("DEFAULT", |s| s.name()).to_owned(),
        count: seen.count,
        first: seen.first,
        last: seen.last,
        services: BTreeMap::from([(series.component.name.clone(), seen.count)]),
        novelty: novelty(scene, baseline, index, series),
        timeline: timeline(series, scene.export),
    }
}

fn novelty(scene: &Scene<'_>, baseline: Option<&Baseline>, index: usize, series: &Series<'_>) -> Novelty {
    if scene.background.iter().any(|background| background.series == index)
        && !scene.anomalies.iter().any(|anomaly| anomaly.series == index)
    {
        return Novelty::Noise;
    }
    match baseline {
        Some(baseline) if baseline.counts.contains_key(&(series.component.clone(), series.pattern.clone())) => {
            Novelty::Grown
        }
        Some(_) => Novelty::New,
        None if scene.anomalies.iter().any(|anomaly| anomaly.series == index && anomaly.risen) => Novelty::Risen,
        None => Novelty::Unclear,
    }
}

/// Entries over the whole input; what lies outside of it (a socket that ends late) counts at its border.
fn timeline(series: &Series<'_>, export: Span) -> Vec<u64> {
    let mut counts = vec![0u64; COLUMNS];
    let length = export.seconds().max(f64::MIN_POSITIVE);
    for (start, width_ns, n) in series.tally.timeline.slots() {
        let share = start.plus(width_ns / 2).seconds_since(export.start) / length;
        let column = (share * COLUMNS as f64).clamp(0.0, (COLUMNS - 1) as f64) as usize;
        counts[column] = counts[column].saturating_add(n);
    }
    counts
}

fn worse(name: &str, than: &str) -> bool {
    Severity::parse(name) > Severity::parse(than)
}
