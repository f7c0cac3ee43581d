//! What happened, when, to what: series that leave their baseline, and the map of who depends on whom.

pub mod onset;
mod series;
mod topology;

use std::collections::BTreeMap;

use crate::entry::{Component, ComponentKind};
use crate::pattern::{Catalogue, Gravity, Layer, Role};
use crate::summary::traces::Traces;
use crate::summary::{Mined, Summary, Timeline};
use crate::time::{Span, Timestamp};

use onset::Shape;
pub use series::{Series, series};
pub use topology::{Topology, is_address, short};

/// Requests of a component that must have failed, as a share, for a failure that never changes to count as an outage.
const SUFFERING_SHARE: f64 = 0.2;

/// Failures below this number never make an outage by themselves.
const SUFFERING_LEAST: u64 = 5;

/// Share of failing entries above which an export holds failures only, and tells nothing about what is normal.
const FAILURES_ONLY: f64 = 0.5;

/// What is dense within this first part of the export was there before it: no onset is seen.
const THERE_ALREADY: f64 = 0.03;

/// A series, or one stretch of it, that is not background.
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
    /// How much it weighs: the square root of its count, so that a loop of a thousand lines is not a thousand failures.
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
    /// Every failing series.
    pub series: Vec<Series<'s>>,
    /// What left its baseline.
    pub anomalies: Vec<Anomaly<'s>>,
    /// What did not.
    pub background: Vec<Background>,
    /// Who depends on whom.
    pub topology: Topology,
    /// What each component writes when nothing fails.
    benign: BTreeMap<&'s Component, &'s Timeline>,
}

/// After a fault a log must go on at least at this part of its earlier pace to count as usual.
const USUAL_PACE: f64 = 0.5;

impl Scene<'_> {
    /// True when a component goes on writing ordinary entries in a span as it did before.
    pub fn writes_as_usual(&self, component: &Component, within: Span) -> bool {
        let Some(benign) = self.benign.get(component) else { return false };
        let pace =
            |from: Timestamp, to: Timestamp| benign.count_between(from, to) as f64 / to.seconds_since(from).max(1.0);
        let meanwhile = pace(within.start, within.end);
        meanwhile > 0.0 && meanwhile >= USUAL_PACE * pace(self.export.start, within.start)
    }
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
    let export = summary.span();
    let series = series(summary, mined, catalogue);
    let topology = Topology::new(summary, &series);
    let benign = summary.components.iter().map(|(component, activity)| (component, &activity.benign)).collect();
    let mut scene = Scene { export, series, anomalies: Vec::new(), background: Vec::new(), topology, benign };
    for index in 0..scene.series.len() {
        judge(&mut scene, summary, baseline, index);
    }
    limit(&mut scene);
    scene
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

fn judge<'s>(scene: &mut Scene<'s>, summary: &'s Summary, baseline: Option<&Baseline>, index: usize) {
    let series = &scene.series[index];
    if let Some(reason) = baseline.and_then(|baseline| usual(series, summary, baseline)) {
        scene.background.push(Background { series: index, reason });
        return;
    }
    match onset::shape(&series.tally.timeline, scene.export) {
        Shape::Steady if baseline.is_none() && !suffers(series, summary) => {
            let reason = format!("{} entries spread evenly over the whole export", series.tally.seen.count);
            scene.background.push(Background { series: index, reason });
        }
        Shape::Steady => {
            let span = Span { start: series.tally.seen.first, end: series.tally.seen.last };
            let count = series.tally.seen.count;
            push(scene, index, span, count, baseline.is_some());
        }
        Shape::Sporadic(burst)
            if baseline.is_none()
                && is_spread(burst.span, scene.export, burst.count)
                && !suffers(&scene.series[index], summary) =>
        {
            let reason = format!("{} entries now and then over most of the export", burst.count);
            scene.background.push(Background { series: index, reason });
        }
        Shape::Sporadic(burst) => push(scene, index, burst.span, burst.count, baseline.is_some()),
        Shape::Bursts(bursts) => {
            let early = scene.export.start.plus((scene.export.seconds() * THERE_ALREADY * 1e9) as i64);
            for burst in bursts {
                if burst.span.start <= early && baseline.is_none() && !suffers(&scene.series[index], summary) {
                    let reason = format!("{} entries from the start of the export on, until they stop", burst.count);
                    scene.background.push(Background { series: index, reason });
                } else {
                    push(scene, index, burst.span, burst.count, true);
                }
            }
        }
    }
}

/// A few entries over more than this part of the export are no episode.
const SPREAD: f64 = 0.5;

fn is_spread(span: Span, export: Span, count: u64) -> bool {
    count >= 3 && span.seconds() > SPREAD * export.seconds()
}

/// Why the series is usual, when the baseline shows it at a rate that the export does not clearly exceed.
fn usual(series: &Series<'_>, summary: &Summary, baseline: &Baseline) -> Option<String> {
    let before = baseline.counts.get(&(series.component.clone(), series.pattern.clone()))?;
    let expected = *before as f64 * summary.span().seconds().max(1.0) / baseline.seconds.max(1.0);
    let count = series.tally.seen.count;
    (count as f64 <= 3.0 * expected + 3.0)
        .then(|| format!("{count} entries where the baseline leads to expect {expected:.1}"))
}

/// True when a failure that is there all along is an outage all the same: the export starts inside the incident.
fn suffers(series: &Series<'_>, summary: &Summary) -> bool {
    if !series.grave {
        return false;
    }
    if holds_failures_only(summary) {
        return true;
    }
    if series.component.kind == ComponentKind::Job {
        return false;
    }
    let Some(activity) = summary.components.get(series.component) else { return false };
    let total = |timeline: &crate::summary::Timeline| timeline.slots().map(|(_, _, n)| n).sum::<u64>();
    let (all, failed) = (total(&activity.requests.all), total(&activity.requests.failed));
    let requests_fail = failed >= SUFFERING_LEAST && failed as f64 >= SUFFERING_SHARE * all as f64;
    requests_fail || exits(summary, series.component) >= SUFFERING_LEAST
}

/// True when most entries fail: an export of errors, in which nothing can be told from what is usual.
pub fn holds_failures_only(summary: &Summary) -> bool {
    let failing = summary.ledger.matched.saturating_add(summary.ledger.mined);
    failing as f64 >= FAILURES_ONLY * summary.ledger.entries() as f64
}

/// Process exits of a component.
pub fn exits(summary: &Summary, component: &Component) -> u64 {
    let exits = summary.known.iter().filter(|((c, id), _)| c == component && id.contains("exit"));
    exits.map(|(_, tally)| tally.seen.count).max().unwrap_or(0)
}

fn push(scene: &mut Scene<'_>, index: usize, span: Span, count: u64, risen: bool) {
    let series = &scene.series[index];
    let component = series.component;
    let span = Span { start: exact_start(series, span), end: span.end };
    let blames = blames(series, &scene.topology);
    let weight = (count as f64).sqrt()
        * match series.gravity {
            Gravity::Grave => 1.0,
            Gravity::Warning => 0.25,
            Gravity::Client => 0.05,
        };
    scene.anomalies.push(Anomaly { series: index, component, span, count, weight, blames, risen });
}

/// Timelines tell a start to the slot; where an exemplar lies in that slot it tells it exactly.
fn exact_start(series: &Series<'_>, span: Span) -> Timestamp {
    let width = series.tally.timeline.width_ns();
    let exact = series.tally.exemplars.iter().map(|e| e.effect_time).find(|at| span.contains(*at));
    exact.filter(|at| at.since(span.start) <= width).unwrap_or(span.start)
}

/// Canonical things that a series blames, strongest first.
fn blames(series: &Series<'_>, topology: &Topology) -> Vec<(Component, f64)> {
    let total = series.tally.seen.count.max(1) as f64;
    let mut shares: Vec<(Component, f64)> = Vec::new();
    let of_database = series.component.kind == ComponentKind::Database;
    let mut add = |thing: Component, count: u64| {
        // A database names its clients' addresses in every line.
        if of_database && is_address(&thing.name) {
            return;
        }
        if thing == *series.component || is_documentation(&thing.name) || is_common_noun(&thing.name) {
            return;
        }
        let share = (count as f64 / total).min(1.0);
        match shares.iter_mut().find(|(known, _)| *known == thing) {
            Some((_, known)) => *known = known.max(share),
            None => shares.push((thing, share)),
        }
    };
    let resolving = series.signature.is_some_and(|s| s.id.contains("dns"));
    if resolving {
        add(Component::new(ComponentKind::Dns, "DNS"), series.tally.seen.count);
    } else {
        for (thing, seen) in series.tally.blames.iter() {
            add(topology.resolve(thing), seen.count);
        }
        for (name, seen) in series.tally.mentions.iter() {
            if let Some(thing) = topology.thing_called(name) {
                add(topology.resolve(thing), seen.count);
            }
        }
    }
    if let Some(kind) = unnamed_kind(series) {
        share_rest(series, topology, kind, &mut shares);
    }
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    shares
}

/// Entries that name nobody mean what the others of the series name, or what the component is known to use.
fn share_rest(series: &Series<'_>, topology: &Topology, kind: ComponentKind, shares: &mut Vec<(Component, f64)>) {
    let named: f64 = shares.iter().filter(|(thing, _)| thing.kind == kind).map(|(_, share)| *share).sum();
    if named >= UNNAMED_SHARE {
        return;
    }
    if named > 0.0 {
        shares
            .iter_mut()
            .filter(|(thing, _)| thing.kind == kind)
            .for_each(|(_, share)| *share *= UNNAMED_SHARE / named);
        return;
    }
    let mut known: Vec<Component> = topology
        .dependencies(series.component)
        .map(|(thing, _)| thing.clone())
        .filter(|thing| thing.kind == kind)
        .collect();
    let mut share = UNNAMED_SHARE / known.len().max(1) as f64;
    if known.is_empty() {
        // Nothing ties the component to any: it can be any of those that the export knows.
        known = topology.instances_of(kind).cloned().collect();
        share = GUESSED_SHARE / known.len().max(1) as f64;
    }
    shares.extend(known.into_iter().map(|thing| (thing, share)));
}

/// How much an entry that names nobody counts against the thing it must mean.
const UNNAMED_SHARE: f64 = 0.8;

/// How much it counts against one that nothing ties it to but its kind.
const GUESSED_SHARE: f64 = 0.6;

/// What kind of thing a signature blames when its message gives no name.
fn unnamed_kind(series: &Series<'_>) -> Option<ComponentKind> {
    let signature = series.signature.filter(|s| s.role != Role::Effect)?;
    let is = |words: &[&str]| words.iter().any(|word| signature.id.contains(word));
    if is(&["redis", "cache", "memcache"]) {
        return Some(ComponentKind::Cache);
    }
    let database = signature.layer == Layer::Database || is(&["sql-", "db-", "database-", "prisma-"]);
    (database && signature.layer != Layer::Application).then_some(ComponentKind::Database)
}

/// Words that stand where a name could stand and name nothing.
fn is_common_noun(name: &str) -> bool {
    const NOUNS: [&str; 16] = [
        "database",
        "db",
        "cache",
        "redis",
        "postgres",
        "postgresql",
        "mysql",
        "server",
        "host",
        "primary",
        "replica",
        "the",
        "upstream",
        "service",
        "backend",
        "api",
    ];
    NOUNS.contains(&name.to_ascii_lowercase().as_str())
}

/// Addresses of manuals, which error messages are full of.
fn is_documentation(name: &str) -> bool {
    const MANUALS: [&str; 15] = [
        "cloud.google.com",
        "sqlalche.me",
        "github.com",
        "docs.",
        "doc.",
        "www.",
        "support.google.com",
        "pydantic.dev",
        "nodejs.org",
        "stackoverflow.com",
        // Prefixes of labels and taints, and the registry an image comes from, which is told as the image.
        "kubernetes.io",
        "k8s.io",
        "gke.io",
        "docker.pkg.dev",
        "gcr.io",
    ];
    MANUALS
        .iter()
        .any(|manual| name == *manual || name.ends_with(manual) || (manual.ends_with('.') && name.starts_with(manual)))
}
