//! The course of an incident: its chain, its timeline, its notable moments and the changes around it.

use std::collections::BTreeMap;

use super::{Findings, evidence_of};
use crate::cause;
use crate::entry::Component;
use crate::incident::{Scene, State};
use crate::report::{Basis, Change, Event, Link, Moment, Part, Slot, wording};
use crate::time::{SECOND, Timestamp};

/// Links of a chain.
const LINKS: usize = 10;

/// Slots of a timeline.
const SLOTS: i64 = 48;

/// Changes further than this from the onset are not shown.
const CHANGES_WITHIN_S: f64 = 3600.0;

/// Changes shown.
const CHANGES: usize = 12;

/// Moments of the incident itself that are shown.
const MOMENTS: usize = 12;

/// One pattern on one component within an incident.
struct Step {
    series: usize,
    first: Timestamp,
    count: u64,
    names: Vec<Component>,
}

/// A failure that began this long before the cause, or before what it is tied to, did not follow from it: clocks differ, and a
/// caller can give up first.
const BEFORE_NS: i64 = 60 * SECOND;

/// Calls between the cause and a failure that are followed.
const CALLS: usize = 4;

/// Of what a step says, the share that names a thing.
const NAMES: f64 = 0.3;

/// The cause, then what follows from it by a name, a call, an edge of the catalogue or the same component; the most frequent of
/// these, in order of time.
pub(super) fn chain(findings: Findings<'_>, found: &cause::Incident) -> Vec<Link> {
    let Some(root) = found.causes.first().map(|ranked| &ranked.candidate) else { return Vec::new() };
    let scene = findings.scene;
    let (own, mut open): (Vec<Step>, Vec<Step>) =
        steps(findings, found).into_iter().partition(|step| shows(scene, root, step));
    let mut links = vec![Link {
        signature: root.signature.clone().unwrap_or_else(|| pattern_of(scene, &own)),
        title: root.title.clone(),
        component: super::display_name(&root.component),
        first_seen: own.iter().map(|step| step.first).min().unwrap_or(root.first).min(root.first),
        count: own.iter().map(|step| step.count).sum::<u64>().max(1),
        lag_s: 0.0,
        basis: Basis::Observed,
    }];
    let mut reached: BTreeMap<&Component, Timestamp> = BTreeMap::from([(&root.component, root.first)]);
    let mut known: Vec<usize> = own.iter().map(|step| step.series).collect();
    for step in &own {
        reached.entry(scene.series[step.series].component).or_insert(step.first);
    }
    for _ in 0..CALLS {
        let (tied, rest): (Vec<_>, Vec<_>) = open
            .into_iter()
            .map(|step| (tie(scene, &step, &reached, &known), step))
            .partition(|(tie, _)| tie.is_some());
        if tied.is_empty() {
            break;
        }
        for (tie, step) in &tied {
            let series = &scene.series[step.series];
            let at = reached.entry(series.component).or_insert(step.first);
            *at = (*at).min(step.first);
            known.push(step.series);
            links.push(Link {
                signature: series.pattern.clone(),
                title: series.title.clone(),
                component: series.component.name.clone(),
                first_seen: step.first,
                count: step.count,
                lag_s: 0.0,
                basis: *tie.as_ref().unwrap_or(&Basis::Inferred),
            });
        }
        open = rest.into_iter().map(|(_, step)| step).collect();
    }
    links[1..].sort_by(|a, b| b.count.cmp(&a.count).then_with(|| key(a).cmp(&key(b))));
    links.truncate(LINKS);
    links[1..].sort_by(|a, b| key(a).cmp(&key(b)));
    for i in 1..links.len() {
        links[i].lag_s = (links[i].first_seen.seconds_since(links[i - 1].first_seen) * 1000.0).round() / 1000.0;
    }
    links
}

fn key(link: &Link) -> (Timestamp, &str, &str) {
    (link.first_seen, &link.signature, &link.component)
}

fn pattern_of(scene: &Scene<'_>, steps: &[Step]) -> String {
    steps.first().map(|step| scene.series[step.series].pattern.clone()).unwrap_or_default()
}

/// The failures of an incident, one step for each pattern of each component, without what a healthy system writes too.
fn steps(findings: Findings<'_>, found: &cause::Incident) -> Vec<Step> {
    let scene = findings.scene;
    let mut steps: BTreeMap<usize, Step> = BTreeMap::new();
    let anomalies = found.anomalies.iter().map(|a| &scene.anomalies[*a]);
    let of_incident = anomalies.filter(|anomaly| {
        let lag = anomaly.span.start.since(found.span.start);
        anomaly.state != State::Context && scene.series[anomaly.series].grave && lag >= -BEFORE_NS
    });
    for anomaly in of_incident {
        let names = anomaly.blames.iter().filter(|(_, share)| *share >= NAMES).map(|(thing, _)| thing.clone());
        let step = steps.entry(anomaly.series).or_insert_with(|| Step {
            series: anomaly.series,
            first: anomaly.span.start,
            count: 0,
            names: names.collect(),
        });
        step.first = step.first.min(anomaly.span.start);
        step.count += anomaly.count;
    }
    steps.into_values().collect()
}

/// True when a step is what the cause itself is known by.
fn shows(scene: &Scene<'_>, root: &cause::Candidate, step: &Step) -> bool {
    let series = &scene.series[step.series];
    let of_root = root.signature.as_ref().map_or(series.title == root.title, |id| *id == series.pattern);
    of_root && (*series.component == root.component || step.names.contains(&root.component))
}

/// What ties a step to what is reached, if anything does.
fn tie(scene: &Scene<'_>, step: &Step, reached: &BTreeMap<&Component, Timestamp>, known: &[usize]) -> Option<Basis> {
    let series = &scene.series[step.series];
    let before = |thing: &Component| reached.get(thing).is_some_and(|at| step.first.since(*at) >= -BEFORE_NS);
    let brings_about = |earlier: &usize| {
        let earlier = &scene.series[*earlier];
        let effects = earlier.signature.into_iter().flat_map(|signature| &signature.effects);
        let related =
            earlier.component == series.component || scene.topology.depends_on(series.component, earlier.component);
        related && effects.into_iter().any(|effect| effect.id == series.pattern)
    };
    let calls = scene.topology.dependencies(series.component).any(|(thing, _)| before(thing));
    match () {
        () if step.names.iter().any(before) || calls || known.iter().any(brings_about) => Some(Basis::Observed),
        () if before(series.component) => Some(Basis::Inferred),
        () => None,
    }
}

/// Failing entries per layer, and requests, from some time before the onset to the end.
pub(super) fn timeline(findings: Findings<'_>, found: &cause::Incident) -> Vec<Slot> {
    let export = findings.scene.export;
    let length = found.span.end.since(found.span.start).max(SECOND);
    let start = found.span.start.plus(-length / 4).max(export.start);
    let end = found.span.end.plus(length / 8).min(export.end.max(found.span.end));
    let width = (end.since(start) / SLOTS).max(SECOND);
    let slots = (end.since(start) / width + 1).min(SLOTS + 1);
    (0..slots)
        .map(|i| {
            let from = start.plus(i * width);
            let mut counts = layer_counts(findings, found, from, from.plus(width));
            let (all, failed) = request_counts(findings, found, from, from.plus(width));
            if all > 0 && !findings.scene.filtered {
                counts.insert("requests".to_owned(), all);
                counts.insert("request_failures".to_owned(), failed);
            }
            Slot { start: from, width_s: width as f64 / SECOND as f64, counts }
        })
        .collect()
}

fn layer_counts(
    findings: Findings<'_>,
    found: &cause::Incident,
    from: Timestamp,
    to: Timestamp,
) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut series: Vec<usize> = found.anomalies.iter().map(|a| findings.scene.anomalies[*a].series).collect();
    series.sort_unstable();
    series.dedup();
    for index in series {
        let series = &findings.scene.series[index];
        // Slots of a series can be wider than those of the picture: an entry counts where its slot starts.
        let n: u64 =
            series.tally.timeline.slots().filter(|(at, _, _)| from <= *at && *at < to).map(|(_, _, n)| n).sum();
        if n > 0 {
            *counts.entry(wording::layer(series.layer).to_owned()).or_default() += n;
        }
    }
    counts
}

fn request_counts(findings: Findings<'_>, found: &cause::Incident, from: Timestamp, to: Timestamp) -> (u64, u64) {
    let mut components: Vec<_> = found.anomalies.iter().map(|a| findings.scene.anomalies[*a].component).collect();
    components.sort();
    components.dedup();
    let mut sums = (0, 0);
    for component in components {
        let Some(activity) = findings.summary.components.get(component) else { continue };
        let within = |timeline: &crate::summary::Timeline| {
            timeline.slots().filter(|(at, _, _)| from <= *at && *at < to).map(|(_, _, n)| n).sum::<u64>()
        };
        sums.0 += within(&activity.requests.all);
        sums.1 += within(&activity.requests.failed);
    }
    sums
}

/// Changes near the onset, each with what speaks for or against it.
pub(super) fn changes(findings: Findings<'_>, found: &cause::Incident) -> Vec<Change> {
    let trigger = found.causes.first().and_then(|ranked| ranked.candidate.trigger.as_ref().map(|(change, _)| change));
    let affected: Vec<&crate::entry::Component> =
        found.anomalies.iter().map(|a| findings.scene.anomalies[*a].component).collect();
    let near = findings.summary.changes.iter().filter(|((at, _, _), _)| {
        let before = found.span.start.seconds_since(*at);
        before.abs() <= CHANGES_WITHIN_S
    });
    let mut changes: Vec<Change> = near
        .filter_map(|((at, method, _), change)| {
            let exemplar = change.exemplar.as_ref()?;
            let before = found.span.start.seconds_since(*at);
            let is_trigger = trigger.is_some_and(|trigger| trigger == change);
            let related = affected.contains(&&change.target);
            let (part, text) = judge(is_trigger, related, before, change);
            Some(Change {
                at: *at,
                what: if change.signature.is_empty() { method.clone() } else { change.signature.clone() },
                title: super::change_title(findings, change),
                resource: change.resource.clone(),
                actor: (!change.actor.is_empty()).then(|| change.actor.clone()),
                before_onset_s: (before * 10.0).round() / 10.0,
                part,
                text,
                evidence: evidence_of(findings, exemplar),
            })
        })
        .collect();
    changes.sort_by(|a, b| {
        let near = a.before_onset_s.abs().total_cmp(&b.before_onset_s.abs());
        a.part.cmp(&b.part).then(near).then(a.at.cmp(&b.at))
    });
    changes.truncate(CHANGES);
    changes
}

fn judge(is_trigger: bool, related: bool, before: f64, change: &crate::summary::Change) -> (Part, String) {
    let time = wording::duration(before.abs());
    if is_trigger {
        let side = if before < 0.0 { "after" } else { "before" };
        (Part::Trigger, format!("{time} {side} the first failure"))
    } else if before < 0.0 {
        (Part::Unrelated, format!("{time} after the onset: it cannot have caused it"))
    } else if related {
        (Part::Related, format!("on {}, which is affected, but no failure leads back to it", change.target.name))
    } else {
        (Part::Unrelated, "no failure leads back to what it changed".to_owned())
    }
}

/// Notable moments: the changes before, the onset, what failed in which order, the last failure, the recovery.
pub(super) fn moments(
    findings: Findings<'_>,
    found: &cause::Incident,
    changes: &[Change],
    chain: &[Link],
) -> Vec<Moment> {
    let mut moments: Vec<Moment> = changes
        .iter()
        .filter(|change| change.part == Part::Trigger)
        .map(|change| Moment {
            at: change.at,
            kind: Event::Change,
            text: format!("{} on {}", change.title, change.resource),
            evidence: Some(change.evidence.clone()),
        })
        .collect();
    for (i, link) in chain.iter().enumerate().take(MOMENTS) {
        moments.push(Moment {
            at: link.first_seen,
            kind: if i == 0 { Event::Onset } else { Event::Symptom },
            text: format!("{}: {}, ×{}", link.component, link.title, wording::count(link.count)),
            evidence: first_evidence(findings, found, &link.signature),
        });
    }
    moments.push(Moment {
        at: found.span.end,
        kind: Event::LastFailure,
        text: "last failure".to_owned(),
        evidence: None,
    });
    moments.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.text.cmp(&b.text)));
    moments
}

fn first_evidence(findings: Findings<'_>, found: &cause::Incident, pattern: &str) -> Option<crate::report::Evidence> {
    let series = found.anomalies.iter().map(|a| &findings.scene.series[findings.scene.anomalies[*a].series]);
    let exemplars =
        series.filter(|series| series.pattern == pattern).filter_map(|series| series.tally.exemplars.first());
    exemplars.min().map(|exemplar| evidence_of(findings, exemplar))
}
