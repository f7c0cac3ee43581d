//! What happened, when, to what: which failures are more than what a healthy system writes, and the map of who depends on whom.

mod blame;
mod contrast;
pub mod onset;
mod series;
mod state;
mod topology;
mod units;

use std::collections::BTreeMap;

use crate::entry::{Component, Severity};
use crate::pattern::signature::Strength;
use crate::pattern::{Catalogue, Gravity, Unit};
use crate::summary::traces::Traces;
use crate::summary::{Mined, Summary};
use crate::time::{Span, Timestamp};

pub use contrast::{Contrast, contrast};
pub use series::{Series, series};
pub use state::State;
pub use topology::{Topology, is_address, short};
pub use units::{Outcomes, Units};

/// A stretch of a series that failed more than usual, or that says something no healthy system says.
#[derive(Clone, Debug)]
pub struct Anomaly<'s> {
    /// Its series, an index into [`Scene::series`].
    pub series: usize,
    /// What shows it.
    pub component: &'s Component,
    /// When.
    pub span: Span,
    /// Entries in it.
    pub count: u64,
    /// Whether it makes an incident, a note, or only goes with one.
    pub state: State,
    /// How much it says, in natural logarithms: that of its count, less for warnings and for mistakes of clients.
    pub weight: f64,
    /// Canonical things it blames, with the share of its entries that do.
    pub blames: Vec<(Component, f64)>,
    /// True when it rose clearly; false when it is too rare to tell or was there all along.
    pub risen: bool,
}

/// A series that fails as often before as during.
#[derive(Clone, Debug)]
pub struct Background {
    /// Its series, an index into [`Scene::series`].
    pub series: usize,
    /// Why it is background.
    pub reason: String,
}

/// Everything that is needed to ask why.
#[derive(Clone, Debug)]
pub struct Scene<'s> {
    /// First to last effect time of the export.
    pub export: Span,
    /// Stretches of time with entries, in order: what happened between them is unknown, not healthy.
    pub covered: Vec<Span>,
    /// Every failing series.
    pub series: Vec<Series<'s>>,
    /// What left its baseline.
    pub anomalies: Vec<Anomaly<'s>>,
    /// What did not.
    pub background: Vec<Background>,
    /// Who depends on whom.
    pub topology: Topology,
    /// Work that failed and work that went well.
    pub units: Units<'s>,
    /// True when the export was filtered to failures: it does not show what went well.
    pub filtered: bool,
    /// When changes were made that surely bring about a failure, as the catalogue knows, and the time in which they do: by the
    /// signature of the failure.
    set_off: BTreeMap<&'s str, Vec<Span>>,
}

/// How often everything failed while all was well.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// Length of the healthy export in seconds.
    pub seconds: f64,
    /// Failing entries by component and pattern.
    pub counts: BTreeMap<(Component, String), u64>,
    /// How requests ran.
    pub traces: Traces,
}

impl Baseline {
    /// The rates of a healthy export.
    pub fn new(summary: &Summary, mined: &Mined, catalogue: &Catalogue) -> Baseline {
        let all = series(summary, mined, catalogue).into_iter();
        let counts = all.map(|series| ((series.component.clone(), series.pattern), series.tally.seen.count)).collect();
        Baseline { seconds: summary.span().seconds(), counts, traces: summary.traces.clone() }
    }
}

/// Finds what left its baseline.
pub fn detect<'s>(
    summary: &'s Summary,
    mined: &'s Mined,
    catalogue: &'s Catalogue,
    baseline: Option<&Baseline>,
) -> Scene<'s> {
    let series = series(summary, mined, catalogue);
    let mut scene = Scene {
        export: summary.span(),
        topology: Topology::new(summary, &series),
        units: Units::new(summary, &series),
        filtered: false,
        set_off: set_off(summary, catalogue),
        covered: covered(summary),
        series,
        anomalies: Vec::new(),
        background: Vec::new(),
    };
    scene.filtered = is_filtered(summary, &scene);
    for index in 0..scene.series.len() {
        let (stretches, reason) = state::judge(&scene, summary, baseline, index);
        scene.background.extend(reason.map(|reason| Background { series: index, reason }));
        for stretch in stretches {
            let anomaly = anomaly(&scene, index, stretch);
            scene.anomalies.push(anomaly);
        }
    }
    limit(&mut scene);
    blame::name_unnamed(&mut scene);
    scene
}

/// The times within which changes of the export surely bring about failures, as far as the catalogue knows.
fn set_off<'s>(summary: &Summary, catalogue: &'s Catalogue) -> BTreeMap<&'s str, Vec<Span>> {
    let mut spans: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for ((at, _, _), change) in summary.changes.iter() {
        let effects = catalogue.get(&change.signature).into_iter().flat_map(|signature| &signature.effects);
        for effect in effects.filter(|effect| effect.strength >= Strength::Strong) {
            let end = at.plus((effect.lag_s.1 * 1e9) as i64);
            spans.entry(&effect.id).or_default().push(Span { start: *at, end });
        }
    }
    spans
}

/// A silence of every component that is shorter than this is none.
const SILENCE_NS: i64 = 600 * crate::time::SECOND;

/// It is this many times as long as any that is usual in the export.
const UNUSUAL: i64 = 5;

/// Silences that count at most.
const SILENCES: usize = 8;

/// The stretches of time that the export covers: where it holds no entry at all for unusually long, nothing was exported, or nothing
/// could be logged, and what happened is unknown. Told from entries alone: how they are split into files does not show.
fn covered(summary: &Summary) -> Vec<Span> {
    let whole = summary.span();
    let inside =
        summary.volume.slots().filter(|(start, width, _)| start.plus(*width) >= whole.start && *start <= whole.end);
    let slots: Vec<Span> = inside.map(|(start, width, _)| Span { start, end: start.plus(width) }).collect();
    let mut silences: Vec<Span> =
        slots.windows(2).map(|pair| Span { start: pair[0].end, end: pair[1].start }).collect();
    silences.sort_by_key(|silence| (silence.start.since(silence.end), silence.start));
    let length = |at: usize| silences.get(at).map_or(0, |silence| silence.end.since(silence.start));
    let unusual = |n: &usize| length(n - 1) >= SILENCE_NS && length(n - 1) >= UNUSUAL * length(*n);
    let n = (1..=SILENCES.min(silences.len())).rev().find(unusual).unwrap_or(0);
    silences.truncate(n);
    silences.sort();
    let starts = std::iter::once(whole.start).chain(silences.iter().map(|silence| silence.end));
    let ends = silences.iter().map(|silence| silence.start).chain([whole.end]);
    starts.zip(ends).map(|(start, end)| Span { start, end: end.max(start) }).collect()
}

impl Scene<'_> {
    /// The stretch of time, covered without a gap, in which a point lies: the last that begins before it.
    pub fn stretch_of(&self, at: Timestamp) -> Span {
        let after = self.covered.partition_point(|span| span.start <= at);
        self.covered[after.saturating_sub(1).min(self.covered.len() - 1)]
    }
}

/// Most anomalies that causes are weighed for. An outage has some hundred; every pair of them is looked at.
const ANOMALIES: usize = 512;

/// Keeps the heaviest anomalies, and says of the others that they were not weighed.
fn limit(scene: &mut Scene<'_>) {
    if scene.anomalies.len() <= ANOMALIES {
        return;
    }
    scene
        .anomalies
        .sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.series.cmp(&b.series)).then(a.span.cmp(&b.span)));
    let reason = format!("not weighed: {ANOMALIES} others fail more often");
    let lighter = scene.anomalies.split_off(ANOMALIES);
    let lighter = lighter.into_iter().map(|anomaly| Background { series: anomaly.series, reason: reason.clone() });
    scene.background.extend(lighter);
    scene.anomalies.sort_by(|a, b| a.series.cmp(&b.series).then(a.span.cmp(&b.span)));
}

/// Share of failing entries above which a stretch of time shows failures only.
const FAILURES_ONLY: f64 = 0.9;

/// Entries of a filtered export at least: a few failures may be all there is.
const FILTERED_LEAST: u64 = 20;

/// True when no entry is below a warning, or when nearly all entries fail from the first quarter of the export on. An outage that
/// drowns everything else begins with a healthy part.
fn is_filtered(summary: &Summary, scene: &Scene<'_>) -> bool {
    let entries = summary.ledger.entries();
    let warned = summary.severities.at_least(Severity::Warning);
    let first = state::quarters(scene.export)[0];
    let early = scene.series.iter().map(|s| s.tally.timeline.count_between(first.start, first.end)).sum::<u64>();
    let all_fail = |failing: u64, entries: u64| failing as f64 >= FAILURES_ONLY * entries as f64;
    // Changes and other messages that are no failures have patterns too.
    let failing = scene.series.iter().map(|s| s.tally.seen.count).sum::<u64>();
    entries >= FILTERED_LEAST && warned == entries
        || all_fail(failing, entries) && all_fail(early, early + scene.units.system(first))
}

/// Process exits of a component within a span: of the patterns that show exits, the most frequent, since one exit shows in several.
pub fn exits(scene: &Scene<'_>, component: &Component, within: Span) -> u64 {
    let exits = scene.series.iter().filter(|s| s.component == component && s.meaning.shows == Unit::Exit);
    exits.map(|series| series.tally.timeline.count_between(within.start, within.end.plus(1))).max().unwrap_or(0)
}

fn anomaly<'s>(scene: &Scene<'s>, index: usize, stretch: state::Stretch) -> Anomaly<'s> {
    let series = &scene.series[index];
    let share = match series.gravity {
        _ if stretch.state == State::Broken => 1.0,
        Gravity::Grave => 1.0,
        Gravity::Warning => 0.25,
        Gravity::Client => 0.05,
    };
    Anomaly {
        series: index,
        component: series.component,
        span: Span { start: exact_start(series, stretch.span), end: stretch.span.end },
        count: stretch.count,
        state: stretch.state,
        weight: 0.5 * share * (1.0 + stretch.count as f64).ln(),
        blames: blame::blames(series, &scene.topology),
        risen: stretch.risen,
    }
}

/// Timelines tell a start to the slot; where an exemplar lies in that slot it tells it exactly.
fn exact_start(series: &Series<'_>, span: Span) -> Timestamp {
    let width = series.tally.timeline.width_ns();
    let exact = series.tally.exemplars.iter().map(|e| e.effect_time).find(|at| span.contains(*at));
    exact.filter(|at| at.since(span.start) <= width).unwrap_or(span.start)
}
