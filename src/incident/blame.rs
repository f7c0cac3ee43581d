//! Whom the entries of a series accuse, under the names that the topology gives them.

use std::collections::BTreeMap;

use super::series::Series;
use super::topology::{Topology, is_address};
use super::{Anomaly, Scene};
use crate::entry::{Component, ComponentKind};
use crate::pattern::{Accused, Layer};

/// How much an entry that names nobody counts against the thing it must mean.
const UNNAMED_SHARE: f64 = 0.8;

/// How much it counts against one that nothing ties it to but its kind.
const GUESSED_SHARE: f64 = 0.6;

/// How much naming a thing counts against it, in the words of what accuses itself.
const DEALT_WITH: f64 = 0.5;

/// Canonical things that a series blames, strongest first, with the share of its entries that do.
pub(super) fn blames(series: &Series<'_>, topology: &Topology) -> Vec<(Component, f64)> {
    let total = series.tally.seen.count.max(1) as f64;
    let mut shares: Vec<(Component, f64)> = Vec::new();
    let of_database = series.component.kind == ComponentKind::Database;
    let mut add = |thing: Component, count: u64| {
        // A database names its clients' addresses in every line.
        let is_client = of_database && is_address(&thing.name);
        let is_own = thing.kind == ComponentKind::Host && topology.is_own_domain(&thing.name);
        if is_client || is_own || thing == *series.component {
            return;
        }
        let share = (count as f64 / total).min(1.0);
        match shares.iter_mut().find(|(known, _)| *known == thing) {
            Some((_, known)) => *known = known.max(share),
            None => shares.push((thing, share)),
        }
    };
    let accused = series.meaning.accused;
    // A name that does not resolve is no evidence about the host of that name.
    if accused == Accused::Kind(ComponentKind::Dns) {
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
    if let Accused::Kind(kind) = accused
        && kind != ComponentKind::Dns
        && kind != series.component.kind
    {
        share_rest(series, topology, kind, &mut shares);
    }
    // What accuses itself names others as those that it deals with.
    if accused == Accused::Itself {
        shares.iter_mut().for_each(|(_, share)| *share *= DEALT_WITH);
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
        let of_kind = shares.iter_mut().filter(|(thing, _)| thing.kind == kind);
        of_kind.for_each(|(_, share)| *share *= UNNAMED_SHARE / named);
        return;
    }
    // What it uses, and what runs on it.
    let used = topology.dependencies(series.component).map(|(thing, _)| thing);
    let near = used.chain(topology.dependents(series.component));
    let mut known: Vec<Component> = near.filter(|thing| thing.kind == kind).cloned().collect();
    let mut share = UNNAMED_SHARE / known.len().max(1) as f64;
    if known.is_empty() {
        // Nothing ties the component to any: it can be any of those that the export knows.
        known = topology.instances_of(kind).cloned().collect();
        share = GUESSED_SHARE / known.len().max(1) as f64;
    }
    shares.extend(known.into_iter().filter(|thing| thing != series.component).map(|thing| (thing, share)));
}

/// Of what a component names while its calls fail, this share must be one thing for calls that name nobody to mean it.
const MOSTLY_ONE: f64 = 0.6;

/// Below this share an anomaly does not name a thing.
const NAMED: f64 = 0.3;

/// Calls that fail and name nobody mean what the same component names at the same time: a line says that a call took too long, the
/// next one whom it tried again.
pub(super) fn name_unnamed(scene: &mut Scene<'_>) {
    let meant: Vec<Option<Component>> = scene.anomalies.iter().map(|anomaly| meant_by(scene, anomaly)).collect();
    for (anomaly, thing) in scene.anomalies.iter_mut().zip(meant) {
        anomaly.blames.splice(0..0, thing.map(|thing| (thing, UNNAMED_SHARE)));
    }
}

/// The thing that an anomaly must mean though it names none.
fn meant_by(scene: &Scene<'_>, anomaly: &Anomaly<'_>) -> Option<Component> {
    let calls =
        |a: &Anomaly<'_>| matches!(scene.series[a.series].layer, Layer::Database | Layer::Dependency | Layer::Network);
    let own = matches!(anomaly.component.kind, ComponentKind::Service | ComponentKind::Job);
    if !own || !calls(anomaly) || anomaly.blames.iter().any(|(_, share)| *share >= NAMED) {
        return None;
    }
    let mut named: BTreeMap<&Component, f64> = BTreeMap::new();
    let beside = scene
        .anomalies
        .iter()
        .filter(|other| other.component == anomaly.component && other.span.overlaps(&anomaly.span) && calls(other));
    for other in beside {
        for (thing, share) in other.blames.iter().filter(|(_, share)| *share >= NAMED) {
            *named.entry(thing).or_default() += share * other.count as f64;
        }
    }
    let all: f64 = named.values().sum();
    let (thing, most) = named.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then_with(|| b.0.cmp(a.0)))?;
    (most >= MOSTLY_ONE * all && most >= MOSTLY_ONE * anomaly.count as f64).then(|| thing.clone())
}
