//! What was changed, what such a change can do, and how telling it is that it stands just before a failure.

use std::collections::BTreeMap;

use crate::entry::{self, Component, ComponentKind};
use crate::incident::{Scene, Series};
use crate::pattern::signature::Strength;
use crate::pattern::{Act, Catalogue, Layer, Mode, Normally, Role, Unit};
use crate::summary::{Change, Summary};
use crate::time::{SECOND, Timestamp};

use super::candidate::{Candidate, layer_of};

/// A change can act this long before the first failure that it is held responsible for.
const BEFORE_NS: i64 = 1800 * SECOND;

/// Clocks differ: a change may be logged this long after the first failure.
const AFTER_NS: i64 = 10 * SECOND;

/// Seconds in which the failures of a change that breaks something mostly begin: a rollout takes some minutes.
const ACTS_WITHIN_S: f64 = 240.0;

/// The most that the place of a change in time can say, in natural logarithms.
const MOST: f64 = 4.0;

/// How likely a change that takes a way or a right away fails those who need it.
const CUTS: f64 = 0.95;

/// How likely calls that take too long do so because of it.
const DELAYS: f64 = 0.6;

/// A change that is known to take nothing away is this much less telling.
const GIVES: f64 = 0.3;

/// How likely a change brings about an effect that the catalogue names, by the strength of the edge.
pub(super) fn edge(strength: Strength) -> f64 {
    match strength {
        Strength::Weak => 0.4,
        Strength::Medium => 0.7,
        Strength::Strong | Strength::Identity => 0.9,
    }
}

/// Changes of a run, and how often each kind of them happens.
pub(super) struct Changes<'s> {
    summary: &'s Summary,
    catalogue: &'s Catalogue,
    /// Seconds of the export for each change with the same method.
    seconds_between: BTreeMap<&'s str, f64>,
}

impl<'s> Changes<'s> {
    /// Reads the account.
    pub(super) fn new(summary: &'s Summary, catalogue: &'s Catalogue) -> Changes<'s> {
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        summary.changes.iter().for_each(|(_, change)| *counts.entry(&change.method).or_default() += 1.0);
        let seconds = summary.span().seconds();
        let seconds_between = counts.into_iter().map(|(method, n)| (method, seconds / n)).collect();
        Changes { summary, catalogue, seconds_between }
    }

    /// The change that most likely set off what first failed at `first` on `component`, and how telling its place in time is.
    pub(super) fn trigger(&self, component: &Component, first: Timestamp) -> Option<(Change, f64)> {
        let near = self.summary.changes.iter().filter(|((at, _, _), change)| {
            is_before(*at, first) && touches(change, component) && self.act(change) != Act::Nothing
        });
        let weighed = near.map(|((at, _, _), change)| (change, self.telling(change, *at, first)));
        let best = weighed.filter(|(_, telling)| *telling > 0.0).max_by(|a, b| a.1.total_cmp(&b.1));
        best.map(|(change, telling)| (change.clone(), telling))
    }

    /// The last change before `first` that surely brings about such a failure wherever it shows, where a healthy system writes such
    /// failures too: without the change it would be no incident. It says nothing on whether the failing component is the cause.
    pub(super) fn known_to_bring(&self, signature: &str, first: Timestamp) -> Option<Change> {
        let usual = self.catalogue.get(signature).is_some_and(|known| known.meaning.normally == Normally::Background);
        let brings = |change: &Change| {
            let effects = self.catalogue.get(&change.signature).into_iter().flat_map(|known| &known.effects);
            let mut surely = effects.filter(|effect| effect.strength >= Strength::Strong);
            usual && surely.any(|effect| effect.id == signature)
        };
        let near = self.summary.changes.iter().filter(|((at, _, _), change)| is_before(*at, first) && brings(change));
        near.last().map(|(_, change)| change.clone())
    }

    /// How much the time between a change and a failure says: how much likelier it is that a failure follows this soon when the
    /// change caused it than when changes of this kind just happen as often as they do. Natural logarithm, 0 to [`MOST`].
    fn telling(&self, change: &Change, at: Timestamp, first: Timestamp) -> f64 {
        let lag = first.seconds_since(at).max(0.0);
        let between = self.seconds_between.get(change.method.as_str()).copied().unwrap_or(ACTS_WITHIN_S);
        let ratio = (between.max(ACTS_WITHIN_S) / ACTS_WITHIN_S).ln() + 1.0 - lag / ACTS_WITHIN_S;
        ratio.clamp(0.0, MOST) * if may_give(change, self.act(change)) { GIVES } else { 1.0 }
    }

    /// What a change can do: as its signature says, else by the verb of its method.
    fn act(&self, change: &Change) -> Act {
        if let Some(signature) = self.catalogue.get(&change.signature) {
            return signature.meaning.acts;
        }
        match verb(change).as_str() {
            v if takes(v) => Act::TakesAway,
            v if ["update", "patch", "replace", "deploy", "create", "insert", "set"]
                .iter()
                .any(|w| v.starts_with(w)) =>
            {
                Act::ReplacesCode
            }
            _ => Act::Nothing,
        }
    }

    /// Things known only through their change: a firewall rule, a policy, a secret, a job that ran. They are candidates when the
    /// catalogue knows that such a change brings about one of the anomalies that follow it.
    pub(super) fn candidates(&self, scene: &Scene<'_>, among: &[usize], known: &[Candidate]) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        // Timeouts take their time: the first failure of any kind tells best when a change began to act.
        let rose = among.iter().map(|a| &scene.anomalies[*a]).filter(|a| a.risen && scene.series[a.series].grave);
        let starts: Vec<Timestamp> = rose.map(|a| a.span.start).collect();
        for ((at, _, _), change) in self.summary.changes.iter() {
            let Some(signature) = self.catalogue.get(&change.signature) else { continue };
            let act = signature.meaning.acts;
            let component = changed_component(change);
            if act == Act::Nothing || may_give(change, act) || found.iter().any(|c| c.component == component) {
                continue;
            }
            let hit: Vec<(usize, f64)> = among
                .iter()
                .filter(|a| is_before(*at, scene.anomalies[**a].span.start))
                .filter_map(|a| {
                    let series = &scene.series[scene.anomalies[*a].series];
                    let id = series.signature.map(|s| s.id.as_str());
                    let known = signature.effects.iter().find(|effect| Some(effect.id.as_str()) == id);
                    let cut = act == Act::TakesAway && is_network(component.kind) && is_unreachable(series);
                    let barred = act == Act::TakesAway
                        && grants(component.kind)
                        && matches!(series.meaning.mode, Mode::RefusesPermission | Mode::RefusesCredentials);
                    let p = known.map_or(0.0, |effect| edge(effect.strength));
                    // A packet that is dropped shows as a call that takes too long.
                    let late = act == Act::TakesAway && is_network(component.kind) && is_late_call(series);
                    let p = if cut || barred { p.max(CUTS) } else { p };
                    let p = if late { p.max(DELAYS) } else { p };
                    (p > 0.0).then_some((*a, p))
                })
                .collect();
            let soonest = starts.iter().copied().filter(|start| is_before(*at, *start)).min();
            let (Some(soonest), false) = (soonest, hit.is_empty() || component.kind == ComponentKind::Service) else {
                continue;
            };
            // Its victims may name it too: then it is one candidate with both.
            let named = known.iter().find(|c| c.component == component);
            let mut hit = hit;
            hit.extend(named.into_iter().flat_map(|named| named.blamed.iter().copied()));
            found.push(Candidate {
                layer: layer_of(&component, Layer::Change),
                component,
                signature: Some(change.signature.clone()),
                title: signature.title.clone(),
                role: Role::Change,
                strength: 0.6,
                first: *at,
                count: 1,
                own: Vec::new(),
                blamed: hit,
                shown: Vec::new(),
                trigger: Some((change.clone(), self.telling(change, *at, soonest))),
            });
        }
        found
    }
}

/// True when a change stands where the cause of a failure at `first` can stand.
fn is_before(at: Timestamp, first: Timestamp) -> bool {
    (-AFTER_NS..=BEFORE_NS).contains(&first.since(at))
}

/// True when the change's target or resource is the component.
pub(super) fn touches(change: &Change, component: &Component) -> bool {
    change.target == *component
        || crate::incident::short(&change.resource) == crate::incident::short(&component.name)
        || change.resource.split('/').any(|part| part == component.name)
}

/// True for what lets somebody in.
fn grants(kind: ComponentKind) -> bool {
    matches!(kind, ComponentKind::Principal | ComponentKind::Project | ComponentKind::Secret | ComponentKind::User)
}

fn is_network(kind: ComponentKind) -> bool {
    matches!(kind, ComponentKind::Firewall | ComponentKind::Network)
}

/// True when calls to something outside do not get through: what a cut network looks like from inside.
pub(super) fn is_unreachable(series: &Series<'_>) -> bool {
    let outside = matches!(series.layer, Layer::Network | Layer::Database | Layer::Dependency);
    outside && matches!(series.meaning.mode, Mode::Unreachable | Mode::Unresolved)
}

/// True when calls to something outside end for lack of an answer.
fn is_late_call(series: &Series<'_>) -> bool {
    let outside = matches!(series.layer, Layer::Network | Layer::Database | Layer::Dependency);
    outside && series.meaning.mode == Mode::Slow && series.meaning.shows == Unit::Call
}

/// True when nothing in a change of a network or of permissions shows that it takes something away.
fn may_give(change: &Change, act: Act) -> bool {
    if act != Act::TakesAway {
        return false;
    }
    let forbids = change.details.iter().any(|(path, value)| {
        let path = path.to_ascii_lowercase();
        let denied = path.contains("denied") || path.contains("policytypes");
        denied || ["deny", "egress", "remove", "disabled"].iter().any(|word| value.eq_ignore_ascii_case(word))
    });
    let isolates = entry::forbids_the_rest(&change.resource) && verb(change) == "create";
    // A policy that only gives somebody a role takes none.
    let adds =
        change.details.iter().any(|(path, value)| path.ends_with(".action") && value.eq_ignore_ascii_case("ADD"));
    adds && !forbids || is_network(changed_component(change).kind) && !(forbids || isolates || takes(&verb(change)))
}

fn verb(change: &Change) -> String {
    change.method.rsplit(['.', '/']).next().unwrap_or("").to_ascii_lowercase()
}

fn takes(verb: &str) -> bool {
    ["delete", "disable", "remove", "destroy", "stop", "revoke"].iter().any(|word| verb.contains(word))
}

/// The service account from which a policy change takes a role.
fn deprived(change: &Change) -> Option<Component> {
    let removed = |(path, value): &&(String, String)| {
        let parent = path.strip_suffix(".action")?;
        value.eq_ignore_ascii_case("REMOVE").then(|| format!("{parent}.member"))
    };
    let members: Vec<String> = change.details.iter().filter_map(|detail| removed(&detail)).collect();
    let member = change.details.iter().find(|(path, _)| members.contains(path))?;
    let name = member.1.strip_prefix("serviceAccount:").unwrap_or(&member.1);
    Some(Component::new(ComponentKind::Principal, name))
}

/// What a change altered, by its resource name.
pub(super) fn changed_component(change: &Change) -> Component {
    if let Some(principal) = deprived(change) {
        return principal;
    }
    entry::of_resource(&change.resource).unwrap_or_else(|| change.target.clone())
}
