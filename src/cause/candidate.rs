//! Who can be at fault: what fails by itself, what victims blame, what was changed, and the network beneath them.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::{Component, ComponentKind};
use crate::incident::{Anomaly, Scene, State, is_address};
use crate::pattern::{Accused, Catalogue, Layer, Mode, Role};
use crate::summary::sample::Dimension;
use crate::summary::{Change, Exemplar, Summary};

use super::change::{Changes, is_unreachable};
use super::explain::Explanation;
use crate::time::{Span, Timestamp};

/// Blame from this small a share of a series is an accident.
const FAINT: f64 = 0.05;

/// How much blame from a mere symptom counts.
const EFFECT_WITNESS: f64 = 0.8;

/// How much a name counts that stands in an error no signature knows.
const MINED_WITNESS: f64 = 0.7;

/// How much a name counts that stands in a warning no signature knows.
const WARNING_WITNESS: f64 = 0.2;

/// False for parts of whoever lacks them: a missing setting, module, table or image is the fault of the service.
pub fn stands_alone(thing: &Component) -> bool {
    !matches!(
        thing.kind,
        ComponentKind::Setting
            | ComponentKind::Module
            | ComponentKind::Relation
            | ComponentKind::Image
            | ComponentKind::Other
    )
}

/// A thing that can be at fault.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What.
    pub component: Component,
    /// The signature that says best what is wrong with it; `None` for a mined pattern.
    pub signature: Option<String>,
    /// What is wrong, in a line.
    pub title: String,
    /// Where in the stack.
    pub layer: Layer,
    /// The best role among its evidence.
    pub role: Role,
    /// How strongly its evidence speaks of a cause, 0 to 1.
    pub strength: f64,
    /// First evidence.
    pub first: Timestamp,
    /// Entries that show or name it.
    pub count: u64,
    /// Anomalies of its own.
    pub own: Vec<usize>,
    /// Anomalies of others that blame it, with the share that does.
    pub blamed: Vec<(usize, f64)>,
    /// Entries that show it and belong to no anomaly: requests that became slow.
    pub shown: Vec<Exemplar>,
    /// The change that set it off, with how plausible that is.
    pub trigger: Option<(Change, f64)>,
}

/// Everything that can be at fault for the anomalies `among`.
pub(super) fn candidates(
    scene: &Scene<'_>,
    summary: &Summary,
    catalogue: &Catalogue,
    among: &[usize],
) -> Vec<Candidate> {
    let changes = Changes::new(summary, catalogue);
    let mut drafts: BTreeMap<Component, Candidate> = BTreeMap::new();
    for &a in among {
        let anomaly = &scene.anomalies[a];
        let own = scene.topology.resolve(anomaly.component);
        draft(&mut drafts, &own).own.push(a);
        // Whoever only sees that a call fails is a weaker witness than whoever was refused.
        let series = &scene.series[anomaly.series];
        let witness = match (series.signature, series.role) {
            (Some(_), Role::Effect) => EFFECT_WITNESS,
            (Some(_), _) => 1.0,
            (None, _) if series.grave => MINED_WITNESS,
            (None, _) => WARNING_WITNESS,
        };
        for (thing, share) in anomaly.blames.iter().filter(|(thing, share)| *share >= FAINT && stands_alone(thing)) {
            draft(&mut drafts, thing).blamed.push((a, *share * witness));
        }
    }
    for network in scene.topology.networks() {
        draft(&mut drafts, &network);
    }
    let mut candidates: Vec<Candidate> = drafts.into_values().collect();
    for candidate in &mut candidates {
        describe(scene, candidate);
        let known = || Some((changes.known_to_bring(candidate.signature.as_deref()?, candidate.first)?, 0.0));
        candidate.trigger = changes.trigger(&candidate.component, candidate.first).or_else(known);
    }
    candidates.extend(clients(scene, among));
    let changed = changes.candidates(scene, among, &candidates);
    candidates.extend(changed);
    candidates
}

fn draft<'d>(drafts: &'d mut BTreeMap<Component, Candidate>, component: &Component) -> &'d mut Candidate {
    drafts.entry(component.clone()).or_insert_with(|| Candidate {
        component: component.clone(),
        signature: None,
        title: String::new(),
        layer: Layer::Application,
        role: Role::Effect,
        strength: 0.0,
        first: Timestamp::MAX,
        count: 0,
        own: Vec::new(),
        blamed: Vec::new(),
        shown: Vec::new(),
        trigger: None,
    })
}

/// Chooses what best says what is wrong: the strongest role, then the more specific signature, then the earlier.
fn describe(scene: &Scene<'_>, candidate: &mut Candidate) {
    let blamed = candidate.blamed.iter().map(|(a, _)| *a);
    let evidence: Vec<usize> = candidate.own.iter().copied().chain(blamed).collect();
    let rank = |a: &usize| {
        let anomaly = &scene.anomalies[*a];
        let series = &scene.series[anomaly.series];
        let strength = match speaks_of(scene, &candidate.component, *a) {
            Role::Cause => 0,
            Role::Either if series.signature.is_some() => 1,
            Role::Either if series.grave => 2,
            Role::Either => 3,
            _ => 4,
        };
        // Of symptoms those of what a service calls tell most, then the first: what came after it came from it.
        let outside = matches!(series.layer, Layer::Network | Layer::Database | Layer::Dependency);
        let specificity =
            if strength == 4 { u32::from(outside) } else { series.signature.map_or(20, |s| s.specificity) };
        (anomaly.state == State::Context, strength, !anomaly.risen, std::cmp::Reverse(specificity), anomaly.span.start)
    };
    // Symptoms can precede the first line that says why, and are not when it began; nor is what a healthy system writes too.
    let failed: Vec<usize> = evidence.iter().copied().filter(|a| scene.anomalies[*a].state > State::Context).collect();
    let shown = if failed.is_empty() { &evidence } else { &failed };
    candidate.count = shown.iter().map(|a| scene.anomalies[*a].count).sum();
    let tells = |a: &usize| speaks_of(scene, &candidate.component, *a) != Role::Effect;
    let telling: Vec<usize> = failed.iter().copied().filter(tells).collect();
    let first = [&telling, &failed, &evidence].into_iter().find(|evidence| !evidence.is_empty());
    candidate.first = first_evidence(scene, first.unwrap_or(&evidence));
    let Some(best) = evidence.iter().min_by_key(|a| rank(a)) else { return };
    let series = &scene.series[scene.anomalies[*best].series];
    candidate.signature = series.signature.map(|s| s.id.clone());
    candidate.title = series.title.clone();
    candidate.layer = layer_of(&candidate.component, series.layer);
    candidate.role = speaks_of(scene, &candidate.component, *best);
    candidate.strength = strength(scene, candidate);
}

/// A network element logs nothing: what speaks for it are the calls that fail behind it.
pub(super) fn describe_network(
    scene: &Scene<'_>,
    catalogue: &Catalogue,
    candidate: &mut Candidate,
    explanation: &Explanation,
) {
    let silent = candidate.own.is_empty() && candidate.blamed.is_empty();
    if candidate.component.kind != ComponentKind::Network || !silent {
        return;
    }
    let behind: Vec<usize> = explanation.iter().filter(|(_, share)| *share >= 0.4).map(|(a, _)| a).collect();
    let outgoing: Vec<usize> =
        behind.into_iter().filter(|a| is_unreachable(&scene.series[scene.anomalies[*a].series])).collect();
    let things = n_things(outgoing.iter().flat_map(|a| remote_things(&scene.anomalies[*a])));
    candidate.first = first_evidence(scene, &outgoing);
    candidate.count = outgoing.iter().map(|a| scene.anomalies[*a].count).sum();
    candidate.layer = Layer::Network;
    candidate.title = "connections that go through it fail".to_owned();
    // Its remedies are those of the signature that says that such an element is down.
    let down = catalogue.signatures.iter().find(|signature| {
        let meaning = signature.meaning;
        signature.role == Role::Cause
            && meaning.mode == Mode::Down
            && meaning.accused == Accused::Kind(ComponentKind::Network)
    });
    candidate.signature = down.map(|signature| signature.id.clone());
    candidate.role = Role::Either;
    // One thing that cannot be reached is more likely down itself.
    candidate.strength = if things >= 2 { 0.6 } else { 0.15 };
    candidate.blamed = outgoing.into_iter().map(|a| (a, explanation.of(a))).collect();
}

/// Remote things that an anomaly mostly blames.
pub(super) fn remote_things<'a>(anomaly: &'a Anomaly<'_>) -> impl Iterator<Item = &'a Component> {
    anomaly.blames.iter().filter(|(thing, share)| *share >= 0.3 && is_remote(thing)).map(|(thing, _)| thing)
}

/// How many different things these are at least: an address and a name of one kind may be the same thing.
pub(super) fn n_things<'a>(things: impl Iterator<Item = &'a Component>) -> usize {
    let mut names: BTreeMap<ComponentKind, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for thing in things {
        let (addresses, named) = names.entry(thing.kind).or_default();
        if is_address(&thing.name) {
            addresses.insert(&thing.name)
        } else {
            named.insert(&thing.name)
        };
    }
    names.values().map(|(addresses, named)| addresses.len().max(named.len())).sum()
}

/// The start of what clearly rose; of the rest only when nothing rose.
pub(super) fn first_evidence(scene: &Scene<'_>, evidence: &[usize]) -> Timestamp {
    let starts = |risen: bool| {
        evidence.iter().map(|a| &scene.anomalies[*a]).filter(move |a| a.risen == risen).map(|a| a.span.start).min()
    };
    starts(true).or_else(|| starts(false)).unwrap_or(Timestamp::MAX)
}

/// Mean strength of what is no mere symptom: 1 for causes, half for what can be either, less where it hardly names the candidate.
fn strength(scene: &Scene<'_>, candidate: &Candidate) -> f64 {
    let component = &candidate.component;
    let own = candidate.own.iter().map(|a| (*a, 1.0));
    let blamed = candidate.blamed.iter().map(|(a, share)| (*a, (share / NAMES_IT).min(1.0)));
    let mut sums = (0.0, 0.0);
    for (a, named) in own.chain(blamed) {
        let anomaly = &scene.anomalies[a];
        let series = &scene.series[anomaly.series];
        let value = match speaks_of(scene, component, a) {
            _ if anomaly.state == State::Context => continue,
            // A failure of something outside that names nobody: hardly the service's own.
            _ if anomaly.component == component && is_foreign(component, series.layer) => 0.2,
            Role::Cause => 1.0,
            // That something failed, and not what.
            Role::Either if series.meaning.mode == Mode::FailedRequest => 0.25,
            Role::Either if series.signature.is_some() => 0.6,
            Role::Either if series.grave => 0.5,
            Role::Either => 0.2,
            _ => continue,
        };
        let weight = anomaly.weight * if anomaly.risen { 1.0 } else { 0.25 };
        sums = (sums.0 + value * named * weight, sums.1 + weight);
    }
    // A little evidence is not much: it takes some weight to be believed.
    if sums.1 > 0.0 { sums.0 / (sums.1 + 0.5) } else { 0.0 }
}

/// An anomaly of which this share blames a thing speaks of it.
const NAMES_IT: f64 = 0.4;

/// What an anomaly says about `component`. A service whose database fails is a victim, whatever its own log calls it.
pub(super) fn speaks_of(scene: &Scene<'_>, component: &Component, a: usize) -> Role {
    let anomaly = &scene.anomalies[a];
    let series = &scene.series[anomaly.series];
    let own = anomaly.component == component;
    if own && is_foreign(component, series.layer) && blames_other(anomaly) {
        return Role::Effect;
    }
    // A node tells of a container that used too much memory, a database of statements that its clients got wrong: whoever lacks
    // the part is at fault, not who says so.
    let teller = match component.kind {
        ComponentKind::Node => series.meaning.mode == Mode::OutOfMemory,
        ComponentKind::Database => anomaly.blames.iter().any(|(thing, share)| !stands_alone(thing) && *share >= 0.3),
        _ => false,
    };
    if own && teller {
        return Role::Effect;
    }
    // What others say of a service that has its own log is a symptom of it.
    if !own && matches!(component.kind, ComponentKind::Service | ComponentKind::Job) && series.role == Role::Cause {
        return Role::Either;
    }
    // Being asked for too much can begin a cascade, also where the text only shows it.
    let full = matches!(series.meaning.mode, Mode::Saturated | Mode::Exhausted | Mode::Limited | Mode::OutOfCpu);
    if own && full && series.role == Role::Effect && series.meaning.accused == Accused::Itself {
        return Role::Either;
    }
    series.role
}

/// True when a layer lies outside of a service's own code and platform.
pub(super) fn is_foreign(component: &Component, layer: Layer) -> bool {
    matches!(component.kind, ComponentKind::Service | ComponentKind::Job)
        && matches!(layer, Layer::Database | Layer::Dependency | Layer::Network)
}

fn blames_other(anomaly: &Anomaly<'_>) -> bool {
    anomaly.blames.iter().any(|(thing, share)| stands_alone(thing) && *share >= 0.3)
}

/// A thing's kind tells its layer better than the words of whoever suffers from it.
pub(super) fn layer_of(component: &Component, evidence: Layer) -> Layer {
    match component.kind {
        ComponentKind::Database | ComponentKind::Relation => Layer::Database,
        ComponentKind::Cache
        | ComponentKind::Queue
        | ComponentKind::Api
        | ComponentKind::Host
        | ComponentKind::Bucket => Layer::Dependency,
        ComponentKind::Network | ComponentKind::Firewall | ComponentKind::Dns | ComponentKind::Certificate => {
            Layer::Network
        }
        ComponentKind::Node | ComponentKind::Cluster | ComponentKind::Project | ComponentKind::Image => Layer::Platform,
        ComponentKind::Secret | ComponentKind::User | ComponentKind::Principal => Layer::Change,

        _ => evidence,
    }
}

/// True for what lies at the other end of a network: a database, a cache, a host.
pub(super) fn is_remote(thing: &Component) -> bool {
    matches!(
        thing.kind,
        ComponentKind::Database
            | ComponentKind::Cache
            | ComponentKind::Host
            | ComponentKind::Api
            | ComponentKind::Queue
    )
}

/// A client whose requests make up at least this part of the growth of all.
const GROWTH_SHARE: f64 = 0.5;

/// Clients that send so much more than before that services fail under it.
fn clients(scene: &Scene<'_>, among: &[usize]) -> Vec<Candidate> {
    let mut found: BTreeMap<Component, Candidate> = BTreeMap::new();
    let mut windows: BTreeMap<&Component, Span> = BTreeMap::new();
    for anomaly in among.iter().map(|a| &scene.anomalies[*a]).filter(|a| a.risen) {
        let window = windows.entry(anomaly.component).or_insert(anomaly.span);
        *window = Span { start: window.start.min(anomaly.span.start), end: window.end.max(anomaly.span.end) };
    }
    for (asked, window) in windows {
        let Some(growth) = scene.units.growth(asked, window, scene.export) else { continue };
        let Some((value, share)) = growth.of(Dimension::Client).filter(|(_, share)| *share >= GROWTH_SHARE) else {
            continue;
        };
        let client = Component::new(ComponentKind::Client, value);
        let of_component = among.iter().filter(|a| scene.anomalies[**a].component == asked);
        let blamed: Vec<(usize, f64)> = of_component.map(|a| (*a, 0.8)).collect();
        let candidate = found.entry(client.clone()).or_insert_with(|| Candidate {
            component: client,
            signature: None,
            title: format!(
                "{} is asked {:.1} times as often as before, and {:.0} % of that comes from one client",
                asked.name,
                growth.times,
                100.0 * share.min(1.0)
            ),
            layer: Layer::Client,
            role: Role::Cause,
            strength: 0.6,
            first: window.start,
            count: 0,
            own: Vec::new(),
            blamed: Vec::new(),
            shown: Vec::new(),
            trigger: None,
        });
        candidate.count += blamed.iter().map(|(a, _)| scene.anomalies[*a].count).sum::<u64>();
        candidate.first = candidate.first.min(window.start);
        candidate.blamed.extend(blamed);
    }
    found.into_values().collect()
}
