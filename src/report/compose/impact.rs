//! Who suffered how much: requests, exits, status and priority, from counts alone.

use std::collections::{BTreeMap, BTreeSet};

use super::Findings;
use crate::cause;
use crate::entry::{Component, ComponentKind};
use crate::incident::{self, State, exits};
use crate::pattern::{Gravity, Layer};
use crate::report::wording::{counted, list};
use crate::report::{Affected, Contrast, Episode, Priority, RestartLoop, RouteCount, SharedValue, Status, Uncovered};
use crate::summary::activity::{Activity, RouteKind};
use crate::summary::instances::EventKind;
use crate::time::{SECOND, Span};

/// Routes shown per component.
const ROUTES: usize = 10;

/// Failures that reach into the last part of the export, this large, are still going on.
const STILL_SHARE: f64 = 0.05;

/// … or into its last two minutes.
const STILL_S: f64 = 120.0;

/// Below this availability a service answers nothing: 1 good request in 20.
const DOWN: f64 = 0.05;

/// Below this availability users notice: SRE practice pages at a 10 % error rate.
const DEGRADED: f64 = 0.9;

/// Fewer requests than this say nothing about availability.
const ENOUGH_REQUESTS: u64 = 5;

/// As many exits make a restart loop.
const LOOP_EXITS: u64 = 3;

/// Who suffers, most failing entries first.
pub(super) fn affected(findings: Findings<'_>, found: &cause::Incident) -> Vec<Affected> {
    let mut counts: BTreeMap<&Component, u64> = BTreeMap::new();
    for a in &found.anomalies {
        let anomaly = &findings.scene.anomalies[*a];
        *counts.entry(anomaly.component).or_default() += anomaly.count;
    }
    let mut affected: Vec<Affected> =
        counts.into_iter().map(|(component, n)| affected_one(findings, found.span, component, n)).collect();
    affected.sort_by(|a, b| b.failure_entries.cmp(&a.failure_entries).then_with(|| a.component.cmp(&b.component)));
    affected
}

fn affected_one(findings: Findings<'_>, span: Span, component: &Component, failure_entries: u64) -> Affected {
    let activity = findings.summary.components.get(component);
    let between = |timeline: &crate::summary::Timeline| timeline.count_between(span.start, span.end.plus(1));
    let (all, failures, refused) = activity.map_or((0, 0, 0), |activity| {
        let requests = &activity.requests;
        (between(&requests.all), between(&requests.failed), between(&requests.refused))
    });
    // Of an export that was filtered to failures no share can be stated.
    let (activity, requests) = if findings.scene.filtered { (None, 0) } else { (activity, all) };
    Affected {
        component: component.name.clone(),
        kind: component.kind,
        failure_entries,
        requests,
        failures,
        refused,
        availability: (requests > 0).then(|| 1.0 - failures as f64 / requests as f64),
        availability_interval: (requests > 0).then(|| wilson(requests - failures.min(requests), requests)),
        restarts: exits(findings.scene, component, around(span)),
        routes: activity.map(|activity| routes(activity, span)).unwrap_or_default(),
    }
}

fn routes(activity: &Activity, span: Span) -> Vec<RouteCount> {
    let mut routes: Vec<RouteCount> = activity
        .requests
        .routes
        .iter()
        .map(|((kind, route), tally)| RouteCount {
            route: route.clone(),
            kind: match kind {
                RouteKind::Http => "http",
                RouteKind::WebSocket => "websocket",
                RouteKind::Health => "health",
            }
            .to_owned(),
            requests: tally.all.count_between(span.start, span.end.plus(1)),
            failures: tally.failed.count_between(span.start, span.end.plus(1)),
        })
        .filter(|route| route.failures > 0)
        .collect();
    routes.sort_by(|a, b| b.failures.cmp(&a.failures).then_with(|| a.route.cmp(&b.route)));
    routes.truncate(ROUTES);
    routes
}

/// 95 % Wilson score interval of `good` in `all`.
fn wilson(good: u64, all: u64) -> (f64, f64) {
    let (n, p, z) = (all as f64, good as f64 / all as f64, 1.96f64);
    let centre = p + z * z / (2.0 * n);
    let margin = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    let rounded = |x: f64| (x.clamp(0.0, 1.0) * 1e4).round() / 1e4;
    (rounded((centre - margin) / scale), rounded((centre + margin) / scale))
}

/// An exit this long before the first failure of an incident belongs to it: the line that says why can come later.
const EXIT_BEFORE_NS: i64 = 60 * SECOND;

fn around(span: Span) -> Span {
    Span { start: span.start.plus(-EXIT_BEFORE_NS), end: span.end }
}

/// Whether failures went on to the end of what the export covers, or stopped while good units followed.
pub(super) fn status(findings: Findings<'_>, found: &cause::Incident) -> Status {
    let scene = findings.scene;
    let stretch = scene.stretch_of(found.span.end);
    let left = stretch.end.seconds_since(found.span.end);
    if left <= STILL_S.max(STILL_SHARE * stretch.seconds()) {
        return if scene.covered.last() == Some(&stretch) { Status::Ongoing } else { Status::Unknown };
    }
    let after = Span { start: found.span.end.plus(1), end: stretch.end };
    let components: BTreeSet<&Component> = found.anomalies.iter().map(|a| scene.anomalies[*a].component).collect();
    let recovered = components.iter().any(|component| {
        // What answers requests is well when it answers them; of what does not, ordinary entries show it.
        let requests = scene.units.requests(component, scene.export).all() > 0;
        let fine = scene.units.requests(component, after).fine > 0;
        if requests { fine } else { scene.units.benign(component, after) > 0 }
    });
    if recovered { Status::Resolved } else { Status::Unknown }
}

/// True for an incident whose failures are mostly requests refused as mistakes of their clients.
pub(super) fn is_about_refusals(findings: Findings<'_>, found: &cause::Incident) -> bool {
    let scene = findings.scene;
    let broken = found.anomalies.iter().map(|a| &scene.anomalies[*a]).filter(|a| a.state == State::Broken);
    let count = |client: bool| {
        let of = |a: &&&incident::Anomaly<'_>| {
            let series = &scene.series[a.series];
            client == (series.gravity == Gravity::Client || series.layer == Layer::Client)
        };
        broken.clone().collect::<Vec<_>>().iter().filter(of).map(|a| a.count).sum::<u64>()
    };
    count(true) > count(false)
}

/// The priority and the rule that gave it. `refusals` are part of what failed where the incident is one of refused requests.
pub(super) fn priority(affected: &[Affected], refusals: bool) -> (Priority, String) {
    let own = affected.iter().filter(|a| matches!(a.kind, ComponentKind::Service | ComponentKind::LoadBalancer));
    let own: Vec<(&Affected, u64)> =
        own.map(|a| (a, if refusals { a.failures + a.refused } else { a.failures })).collect();
    let share = |(a, failed): &(&Affected, u64)| *failed as f64 / a.requests.max(1) as f64;
    let said =
        |(a, failed): &(&Affected, u64)| format!("{failed} of {} requests to {} failed", a.requests, a.component);
    let answering = own.iter().filter(|(a, _)| a.requests >= ENOUGH_REQUESTS);
    let worst = answering.max_by(|a, b| share(a).total_cmp(&share(b)).then_with(|| b.0.component.cmp(&a.0.component)));
    if let Some(worst) = worst.filter(|(_, failed)| *failed > 0) {
        return match share(worst) {
            share if share >= 1.0 - DOWN => (Priority::P0, format!("a service answers nothing: {}", said(worst))),
            share if share > 1.0 - DEGRADED => {
                (Priority::P1, format!("more than one request in ten fails: {}", said(worst)))
            }
            _ => (Priority::P2, format!("some requests fail: {}", said(worst))),
        };
    }
    if let Some((looping, _)) = own.iter().find(|(a, _)| a.restarts >= LOOP_EXITS) {
        return (Priority::P1, format!("{} exited {} times", looping.component, looping.restarts));
    }
    match own.iter().find(|(_, failed)| *failed > 0) {
        Some((failing, failed)) if failing.requests == 0 => (
            Priority::P2,
            format!(
                "{} to {} failed; of how many is unknown: the export was filtered to failures",
                counted(*failed, "request", "requests"),
                failing.component
            ),
        ),
        Some(failing) => (Priority::P2, said(failing)),
        None if own.iter().any(|(a, _)| a.requests > 0) => (Priority::P3, "no request failed".to_owned()),
        None => (Priority::Unknown, "impact unknown: the export holds no request".to_owned()),
    }
}

/// What failed requests share, of the component of which most failed.
pub(super) fn contrast(findings: Findings<'_>, found: &cause::Incident) -> Option<Contrast> {
    let scene = findings.scene;
    let components: BTreeSet<&Component> = found.anomalies.iter().map(|a| scene.anomalies[*a].component).collect();
    let failed = |component: &&Component| scene.units.requests(component, found.span).failed;
    let most = components.into_iter().filter(|component| component.kind == ComponentKind::Service);
    let most = most.max_by_key(|component| (failed(component), std::cmp::Reverse(*component)))?;
    let contrast = incident::contrast(scene, most, found.span)?;
    Some(Contrast {
        component: contrast.component.name.clone(),
        failed: contrast.failed,
        others: contrast.others,
        sentences: in_words(&contrast),
        shared: contrast
            .shared
            .into_iter()
            .map(|shared| SharedValue {
                dimension: shared.dimension.name().to_owned(),
                value: shared.value,
                failed: shared.failed,
                others: shared.others,
            })
            .collect(),
        not_shared: contrast.not_shared.into_iter().map(|dimension| dimension.name().to_owned()).collect(),
    })
}

/// Values that are told in a sentence.
const VALUES: usize = 2;

fn in_words(contrast: &incident::Contrast) -> Vec<String> {
    let (failed, others, name) = (contrast.failed, contrast.others, &contrast.component.name);
    let shared: Vec<String> = contrast
        .shared
        .iter()
        .take(VALUES)
        .map(|shared| {
            let (dimension, value) = (shared.dimension.name(), &shared.value);
            format!(
                "{} of {failed} failed requests to {name} have the {dimension} {value}, {} of {others} others do",
                shared.failed, shared.others
            )
        })
        .collect();
    let not_shared: Vec<String> = contrast.not_shared.iter().map(|dimension| dimension.name().to_owned()).collect();
    let names = list(&not_shared);
    let spread = (!names.is_empty()).then(|| format!("failed requests do not differ from others by {names}"));
    shared.into_iter().chain(spread).collect()
}

/// Times without any entry, within the incident or right after its last failure.
pub(super) fn uncovered(findings: Findings<'_>, found: &cause::Incident) -> Vec<Uncovered> {
    let scene = findings.scene;
    let last = scene.stretch_of(found.span.end);
    let to_the_end = status(findings, found) == Status::Unknown;
    let gaps = scene.covered.windows(2).map(|pair| Uncovered { start: pair[0].end, end: pair[1].start });
    gaps.filter(|gap| found.span.start <= gap.start && gap.end <= found.span.end || to_the_end && gap.start == last.end)
        .collect()
}

/// Stretches of the incident with their failing entries.
pub(super) fn episodes(findings: Findings<'_>, found: &cause::Incident) -> Vec<Episode> {
    let failing = |span: &Span| {
        found
            .anomalies
            .iter()
            .map(|a| {
                let series = &findings.scene.series[findings.scene.anomalies[*a].series];
                series.tally.timeline.count_between(span.start, span.end.plus(1))
            })
            .sum()
    };
    found
        .episodes
        .iter()
        .map(|span| Episode { start: span.start, end: span.end, failure_entries: failing(span) })
        .collect()
}

/// The restart loop of the incident's most restarted service, with the vote of its boots on the first error.
pub(super) fn restarts(findings: Findings<'_>, found: &cause::Incident) -> Option<RestartLoop> {
    let components: BTreeSet<&Component> =
        found.anomalies.iter().map(|a| findings.scene.anomalies[*a].component).collect();
    let (component, exits) = components
        .into_iter()
        .filter(|component| component.kind == ComponentKind::Service)
        .map(|component| (component, exits(findings.scene, component, around(found.span))))
        .max_by_key(|(component, n)| (*n, std::cmp::Reverse(*component)))?;
    if exits < LOOP_EXITS {
        return None;
    }
    let vote = vote(findings, component, around(found.span));
    let mut exit_codes = exit_codes(findings, component);
    // Codes are counted over the whole export.
    exit_codes.values_mut().for_each(|n| *n = (*n).min(exits));
    Some(RestartLoop {
        component: component.name.clone(),
        exits,
        instances: vote.instances,
        exit_codes,
        period_s: vote.period_s,
        boots: vote.boots,
        boots_agreeing: vote.agreeing,
        text: vote.text,
    })
}

fn exit_codes(findings: Findings<'_>, component: &Component) -> BTreeMap<String, u64> {
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    let own = findings.scene.series.iter().filter(|series| series.component == component);
    for series in own {
        for ((name, value), seen) in series.tally.values.iter() {
            if name == "exit_code" || name == "signal" {
                let label = if name == "signal" { format!("signal {value}") } else { value.clone() };
                let known = codes.entry(label).or_default();
                *known = (*known).max(seen.count);
            }
        }
    }
    codes
}

struct Vote {
    instances: u64,
    boots: u64,
    agreeing: u64,
    period_s: Option<f64>,
    text: String,
}

/// Aligns the boots by instance: what failed first between one exit and the next, and what most boots name.
fn vote(findings: Findings<'_>, component: &Component, within: Span) -> Vote {
    let rank = |id: u64| {
        let series = findings.scene.series.iter().find(|series| series.ids.contains(&id))?;
        (!super::is_symptom(series) && series.grave).then_some(series)
    };
    let mut exits_at = Vec::new();
    let mut firsts: Vec<&str> = Vec::new();
    let mut instances = 0;
    for (_, instance) in findings.summary.instances.iter().filter(|(_, i)| i.component == component.name) {
        let mut first: Option<(&str, u32)> = None;
        let mut exited = false;
        for event in instance.events.iter().filter(|event| within.contains(event.at)) {
            match event.kind {
                EventKind::Exit => {
                    exits_at.push(event.at);
                    exited = true;
                    firsts.extend(first.take().map(|(title, _)| title));
                }
                EventKind::Start => first = None,
                EventKind::Failure => {
                    if let Some(series) = rank(event.series) {
                        // Two writers stamp one crash within a moment of each other: the more specific line wins.
                        let specificity = series.signature.map_or(20, |s| s.specificity);
                        if first.is_none_or(|(_, known)| specificity > known) {
                            first = Some((&series.title, specificity));
                        }
                    }
                }
            }
        }
        instances += u64::from(exited);
    }
    exits_at.sort();
    let mut gaps: Vec<i64> = exits_at.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    gaps.sort_unstable();
    let period_s = gaps.get(gaps.len() / 2).map(|gap| (*gap as f64 / SECOND as f64 * 10.0).round() / 10.0);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    firsts.iter().for_each(|title| *counts.entry(title).or_default() += 1);
    let most = counts.iter().max_by_key(|(title, n)| (**n, std::cmp::Reverse(**title)));
    let (boots, agreeing) = (firsts.len() as u64, most.map_or(0, |(_, n)| *n));
    let text = match most {
        Some((title, n)) => {
            let others: Vec<&str> = counts.keys().copied().filter(|other| other != title).take(2).collect();
            let rest = if others.is_empty() { String::new() } else { format!("; in others: {}", others.join("; ")) };
            format!("first error in {n} of {boots} starts: {title}{rest}")
        }
        None => "no output before the exits is in the export".to_owned(),
    };
    Vote { instances, boots, agreeing, period_s, text }
}
