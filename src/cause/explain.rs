//! How much of each anomaly a candidate explains: its own, those that blame it, and those of everything that depends
//! on them, further and weaker with every step.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::{Component, ComponentKind};
use crate::incident::{Anomaly, Scene, State};
use crate::pattern::{Layer, Mode, Role};
use crate::time::{SECOND, Timestamp};

use super::candidate::{Candidate, is_foreign, is_remote, stands_alone};
use super::change::{edge, is_unreachable};

/// Clocks differ, and a caller can give up before the called one logs its own failure.
const TOLERANCE_NS: i64 = 90 * SECOND;

/// How much less likely a failure follows from a root that is first seen after it began: the first sign of a root may be missing.
const EARLY: f64 = 0.5;

/// Each call between a victim and a further victim weakens the explanation by this.
const PER_STEP: f64 = 0.85;

/// Calls followed.
const MAX_STEPS: usize = 4;

/// What a candidate explains.
#[derive(Clone, Debug, Default)]
pub(super) struct Explanation {
    shares: BTreeMap<usize, f64>,
    /// Components with direct evidence.
    pub(super) victims: usize,
}

impl Explanation {
    /// How much of the anomaly is explained, 0 to 1.
    pub(super) fn of(&self, anomaly: usize) -> f64 {
        self.shares.get(&anomaly).copied().unwrap_or(0.0)
    }

    /// Every anomaly that is explained at all, with how much.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.shares.iter().map(|(a, share)| (*a, *share))
    }

    fn raise(&mut self, anomaly: usize, share: f64) {
        let known = self.shares.entry(anomaly).or_default();
        *known = known.max(share.clamp(0.0, 1.0));
    }
}

/// Anomalies by the component that shows them.
pub(super) type ByComponent<'s> = BTreeMap<&'s Component, Vec<usize>>;

/// What `candidate` explains of the anomalies `among`.
pub(super) fn explain(
    scene: &Scene<'_>,
    candidate: &Candidate,
    among: &[usize],
    by_component: &ByComponent<'_>,
    blamed: &Blamed<'_>,
) -> Explanation {
    let mut explanation = Explanation::default();
    // Component → first time it is known to suffer.
    let mut reached: BTreeMap<Component, Timestamp> = BTreeMap::new();
    for &a in &candidate.own {
        explanation.raise(a, own_share(scene, a));
        // What a healthy system writes too brings about nothing.
        if scene.anomalies[a].state == State::Context {
            continue;
        }
        reach(&mut reached, &candidate.component, scene.anomalies[a].span.start);
    }
    // Who blames a thing that itself failed earlier may have suffered before it said so.
    let failed_since = reached.values().min().copied();
    for &(a, share) in &candidate.blamed {
        explanation.raise(a, share);
        if scene.anomalies[a].state == State::Context {
            continue;
        }
        let since = scene.anomalies[a].span.start;
        reach(&mut reached, scene.anomalies[a].component, failed_since.map_or(since, |failed| failed.min(since)));
    }
    beneath(scene, candidate, among, &mut explanation, &mut reached);
    explanation.victims = reached.keys().filter(|component| **component != candidate.component).count();
    if candidate.component.kind == ComponentKind::Client {
        burden(scene, by_component, &mut explanation, &reached);
    }
    // What follows from a doubtful effect of a change is no surer than that effect.
    let trust = match candidate.role {
        Role::Change => candidate.blamed.iter().map(|(_, p)| *p).fold(0.0, f64::max),
        _ => 1.0,
    };
    spread(scene, by_component, blamed, &mut explanation, reached, 0.9 * trust, is_network(candidate));
    explanation
}

fn reach(reached: &mut BTreeMap<Component, Timestamp>, component: &Component, at: Timestamp) {
    let known = reached.entry(component.clone()).or_insert(at);
    *known = (*known).min(at);
}

/// A component explains its own failures, less what they blame on others.
fn own_share(scene: &Scene<'_>, a: usize) -> f64 {
    let anomaly = &scene.anomalies[a];
    let others =
        anomaly.blames.iter().filter(|(thing, _)| stands_alone(thing)).map(|(_, share)| *share).fold(0.0, f64::max);
    let alone = match scene.series[anomaly.series].role {
        Role::Cause => 1.0,
        Role::Either => 0.9,
        _ => 0.7,
    };
    let foreign = is_foreign(anomaly.component, scene.series[anomaly.series].layer);
    let alone = if foreign { alone * FOREIGN } else { alone };
    alone * (1.0 - 0.8 * others)
}

/// A service's failure on something outside of it is hardly its own fault, also when nobody is named.
const FOREIGN: f64 = 0.6;

/// True for what other components reach each other through.
pub(super) fn is_network(candidate: &Candidate) -> bool {
    matches!(candidate.component.kind, ComponentKind::Network | ComponentKind::Firewall | ComponentKind::Dns)
}

/// True when what is blamed lies in a private network: a database, a cache, a private address.
fn reaches_private(anomaly: &Anomaly<'_>) -> bool {
    anomaly
        .blames
        .iter()
        .any(|(thing, share)| *share >= 0.3 && matches!(thing.kind, ComponentKind::Database | ComponentKind::Cache))
}

/// How much a network element explains of a connection that fails behind it.
const BENEATH: f64 = 0.95;

/// A network element explains the connection failures of everything that goes through it.
fn beneath(
    scene: &Scene<'_>,
    candidate: &Candidate,
    among: &[usize],
    explanation: &mut Explanation,
    reached: &mut BTreeMap<Component, Timestamp>,
) {
    if !matches!(candidate.component.kind, ComponentKind::Network | ComponentKind::Firewall) {
        return;
    }
    // One that says itself that it is broken fails whatever leaves the network, whoever is known to use it.
    let evidence = candidate.own.iter().copied().chain(candidate.blamed.iter().map(|(a, _)| *a));
    let speaks = evidence
        .map(|a| &scene.series[scene.anomalies[a].series])
        .any(|s| s.role == Role::Cause && s.layer == Layer::Network);
    // Where the export knows a single network element, everything that fails to reach a private address goes through it.
    let only = scene.topology.networks().len() == 1;
    let users: Vec<&Component> =
        scene.topology.dependents(&candidate.component).filter(|user| user.kind == ComponentKind::Service).collect();
    let fails = |user: &&&Component| among.iter().any(|a| scene.anomalies[*a].component == **user);
    let failing = users.iter().filter(fails).count() as f64 / users.len().max(1) as f64;
    for &a in among {
        let anomaly = &scene.anomalies[a];
        let series = &scene.series[anomaly.series];
        let goes_through = users.contains(&anomaly.component) || only && reaches_private(anomaly);
        let slow = series.meaning.mode == Mode::Slow && anomaly.blames.iter().any(|(thing, _)| is_remote(thing));
        let cut_off = series.signature.is_some() && goes_through && is_unreachable(series);
        if cut_off || speaks && (slow || is_unreachable(series)) {
            let share = if speaks { 1.0 } else { 0.5 + 0.5 * failing };
            explanation.raise(a, BENEATH * share);
            reach(reached, anomaly.component, anomaly.span.start);
        }
    }
}

/// Dependents that are looked at for one candidate: a system of a hundred services has some hundred. More are a mesh, in which
/// everything reaches everything in two steps.
const FOLLOWED: usize = 2048;

/// What the anomalies that are weighed blame, with numbers for the things: names are compared once, not for every candidate.
pub(super) struct Blamed<'a> {
    numbers: BTreeMap<&'a Component, usize>,
    /// By anomaly: number of the thing, share, whether it stands alone, whether it is remote.
    by_anomaly: BTreeMap<usize, Vec<(usize, f64, bool, bool)>>,
}

impl<'a> Blamed<'a> {
    /// Numbers whatever some anomalies of a scene blame.
    pub(super) fn new(scene: &'a Scene<'_>, among: &[usize]) -> Blamed<'a> {
        let mut blamed = Blamed { numbers: BTreeMap::new(), by_anomaly: BTreeMap::new() };
        for &a in among {
            let numbered = scene.anomalies[a].blames.iter().map(|(thing, share)| {
                let n = blamed.numbers.len();
                let number = *blamed.numbers.entry(thing).or_insert(n);
                (number, *share, stands_alone(thing), is_remote(thing))
            });
            let numbered = numbered.collect();
            blamed.by_anomaly.insert(a, numbered);
        }
        blamed
    }

    /// Which of the numbered things are among some components.
    fn marks<'c>(&self, components: impl Iterator<Item = &'c Component>) -> Vec<bool> {
        let mut marks = vec![false; self.numbers.len()];
        components.filter_map(|component| self.numbers.get(component)).for_each(|number| marks[*number] = true);
        marks
    }
}

/// Follows victims to their own further failures and to whoever depends on them.
fn spread(
    scene: &Scene<'_>,
    by_component: &ByComponent<'_>,
    blamed: &Blamed<'_>,
    explanation: &mut Explanation,
    mut reached: BTreeMap<Component, Timestamp>,
    mut strength: f64,
    beneath: bool,
) {
    let mut frontier: Vec<Component> = reached.keys().cloned().collect();
    let mut marks = blamed.marks(frontier.iter());
    let mut n_followed = 0;
    for _ in 0..MAX_STEPS {
        for component in &frontier {
            let since = reached[component];
            let known = effects(scene, by_component, explanation, component);
            for &a in by_component.get(component).into_iter().flatten() {
                let span = scene.anomalies[a].span;
                let early = span.start.since(since) < -TOLERANCE_NS;
                if !early || span.end >= since {
                    let order = if early { EARLY } else { 1.0 };
                    let series = &scene.series[scene.anomalies[a].series];
                    let edge = series.signature.and_then(|s| known.get(s.id.as_str())).copied().unwrap_or(0.0);
                    let share = follow_share(scene, a, &blamed.by_anomaly[&a], &marks, beneath).max(edge);
                    explanation.raise(a, order * strength * share);
                }
            }
        }
        let dependents = frontier.iter().flat_map(|component| scene.topology.dependents(component));
        let mut next: BTreeSet<&Component> = BTreeSet::new();
        for dependent in dependents.take(FOLLOWED - n_followed) {
            n_followed += 1;
            if !reached.contains_key(dependent) {
                next.insert(dependent);
            }
        }
        // Those in order of their names: what is cut off by the bound does not depend on the order of entries.
        let next: Vec<Component> = next.into_iter().cloned().collect();
        let since = frontier.iter().map(|component| reached[component]).min().unwrap_or(Timestamp::MIN);
        reached.extend(next.iter().map(|dependent| (dependent.clone(), since)));
        blamed.marks(next.iter()).into_iter().zip(&mut marks).for_each(|(new, known)| *known |= new);
        if next.is_empty() {
            return;
        }
        frontier = next;
        strength *= PER_STEP;
    }
}

/// What the catalogue says that the explained failures of a component bring about there, by signature, with how likely.
fn effects<'s>(
    scene: &Scene<'s>,
    by_component: &ByComponent<'_>,
    explanation: &Explanation,
    component: &Component,
) -> BTreeMap<&'s str, f64> {
    let mut effects: BTreeMap<&str, f64> = BTreeMap::new();
    for a in by_component.get(component).into_iter().flatten().filter(|a| explanation.of(**a) >= EXPLAINED) {
        let signature = scene.series[scene.anomalies[*a].series].signature;
        for effect in signature.into_iter().flat_map(|signature| &signature.effects) {
            let known = effects.entry(&effect.id).or_default();
            *known = known.max(edge(effect.strength));
        }
    }
    effects
}

/// A failure that is at least this likely given the root counts as explained.
const EXPLAINED: f64 = 0.5;

/// How readily a failure is a consequence of something that its component already suffers from.
///
/// A network `beneath` a component fails its calls to whatever is remote: whom they name does not speak against it.
fn follow_share(
    scene: &Scene<'_>,
    a: usize,
    blames: &[(usize, f64, bool, bool)],
    reached: &[bool],
    beneath: bool,
) -> f64 {
    let anomaly = &scene.anomalies[a];
    let series = &scene.series[anomaly.series];
    let alone: f64 = match series.role {
        Role::Cause => 0.25,
        Role::Either if series.signature.is_some() && !is_foreign(anomaly.component, series.layer) => 0.4,
        Role::Either => 0.6,
        _ => 1.0,
    };
    let mut others = 0.0f64;
    let mut along = 0.0f64;
    for &(thing, share, alone, remote) in blames {
        if reached[thing] {
            along = along.max(share);
        } else if alone && !(beneath && remote) {
            others = others.max(share);
        }
    }
    alone.max(0.9 * along) * (1.0 - 0.7 * others)
}

/// How likely load that fails a component also fails what that component calls.
const BURDEN: f64 = 0.7;

/// Load goes on to whatever a loaded component calls.
fn burden(
    scene: &Scene<'_>,
    by_component: &ByComponent<'_>,
    explanation: &mut Explanation,
    reached: &BTreeMap<Component, Timestamp>,
) {
    for component in reached.keys() {
        for (thing, _) in scene.topology.dependencies(component) {
            for &a in by_component.get(thing).into_iter().flatten() {
                explanation.raise(a, BURDEN);
            }
        }
    }
}
