//! Why: the smallest set of roots under which what failed is least surprising, and the incidents that follow from them.

mod candidate;
mod change;
mod explain;
mod model;
mod quiet;
mod score;
pub mod silent;

pub use candidate::{Candidate, stands_alone};

use crate::incident::{Anomaly, Baseline, Scene, State};
use crate::pattern::{Catalogue, Role};
use crate::summary::Summary;
use crate::time::{SECOND, Span, Timestamp};

use explain::ByComponent;
use model::{Hypothesis, Model};

/// Most candidates kept per incident.
const TOP: usize = 5;

/// Most incidents told.
const MAX_INCIDENTS: usize = 16;

/// A failure belongs to the root that makes it most likely, when that is at least this likely.
const BELONGS: f64 = 0.25;

/// A gap this long without any failure ends an episode.
const EPISODE_GAP_NS: i64 = 300 * SECOND;

/// A term of the sum that speaks for or against a candidate.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Its weight.
    pub weight: f64,
}

/// A candidate with its place.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// What is at fault.
    pub candidate: Candidate,
    /// The terms of its score.
    pub features: Vec<Feature>,
    /// Their sum.
    pub score: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// Entries of the incident that it explains.
    pub explains: u64,
    /// True when some of what it explains began before its own first evidence.
    pub early: bool,
}

/// Failures with one root.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Indexes into [`Scene::anomalies`].
    pub anomalies: Vec<usize>,
    /// Onset to last failure.
    pub span: Span,
    /// Stretches without a long gap.
    pub episodes: Vec<Span>,
    /// Best first.
    pub causes: Vec<Ranked>,
}

/// What is concluded.
#[derive(Clone, Debug, Default)]
pub struct Conclusion {
    /// In order of onset.
    pub incidents: Vec<Incident>,
    /// Single failures that say why, in a system that goes on.
    pub notes: Vec<Incident>,
}

/// Finds the roots of what failed, and one incident or note for each.
///
/// With a `baseline`, services that became slow or stopped doing what they did are candidates too; `told` says that the
/// caller knows when the fault began, so that faint suspects count as well.
pub fn conclude(
    scene: &Scene<'_>,
    summary: &Summary,
    catalogue: &Catalogue,
    baseline: Option<&Baseline>,
    told: bool,
) -> Conclusion {
    let mut incidents: Vec<Incident> = Vec::new();
    for stretch in stretches(scene) {
        incidents.extend(solve(scene, summary, catalogue, &stretch));
    }
    let mut incidents = rejoin(join_victims(scene, incidents));
    incidents.iter_mut().for_each(|incident| settle(scene, incident));
    let is_incident = |incident: &Incident| state(scene, &incident.anomalies) == State::Broken;
    let (mut incidents, notes): (Vec<Incident>, Vec<Incident>) = incidents.into_iter().partition(is_incident);
    let mut notes: Vec<Incident> =
        notes.into_iter().filter(|note| state(scene, &note.anomalies) == State::Note).collect();
    score::set_confidence(&mut notes);
    incidents.sort_by(|a, b| weight(scene, b).total_cmp(&weight(scene, a)).then(a.span.cmp(&b.span)));
    incidents.truncate(MAX_INCIDENTS);
    incidents.sort_by_key(|incident| incident.span);
    score::set_confidence(&mut incidents);
    if let Some(baseline) = baseline {
        quiet::add(scene, summary, baseline, told, &mut incidents);
    }
    Conclusion { incidents, notes }
}

/// The gravest state among anomalies.
fn state(scene: &Scene<'_>, anomalies: &[usize]) -> State {
    anomalies.iter().map(|a| scene.anomalies[*a].state).max().unwrap_or(State::Context)
}

fn weight(scene: &Scene<'_>, incident: &Incident) -> f64 {
    incident.anomalies.iter().map(|a| scene.anomalies[*a].weight).sum()
}

/// Failures parted by this long a silence are not one incident, unless they have one root: a service that was mended and
/// broken again in another way fails with the same symptoms.
const SILENCE_NS: i64 = 900 * SECOND;

/// Anomalies by stretches of time without a long silence, and without a gap that no source covers.
fn stretches(scene: &Scene<'_>) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..scene.anomalies.len()).collect();
    order.sort_by_key(|a| (scene.anomalies[*a].span, *a));
    let mut stretches: Vec<(Timestamp, Vec<usize>)> = Vec::new();
    for a in order {
        let span = scene.anomalies[a].span;
        match stretches.last_mut() {
            Some((end, stretch))
                if span.start.since(*end) <= SILENCE_NS && scene.stretch_of(*end) == scene.stretch_of(span.start) =>
            {
                *end = (*end).max(span.end);
                stretch.push(a);
            }
            _ => stretches.push((span.end, vec![a])),
        }
    }
    stretches.into_iter().map(|(_, stretch)| stretch).collect()
}

/// The incidents among anomalies that are near in time: one for each root, with what it makes likely.
fn solve(scene: &Scene<'_>, summary: &Summary, catalogue: &Catalogue, among: &[usize]) -> Vec<Incident> {
    let candidates = explained(scene, summary, catalogue, among);
    let hypotheses = candidates
        .iter()
        .map(|(candidate, links)| Hypothesis { prior: score::prior(scene, candidate), links: links.clone() });
    let model = Model { weights: score::weights(scene, among), hypotheses: hypotheses.collect() };
    let (roots, _) = model.search(&[], &|_| false);
    let (mine, left) = shares(&model, &roots, among.len());
    let mut incidents: Vec<Incident> = Vec::new();
    for (place, mine) in mine.iter().enumerate().filter(|(_, mine)| !mine.is_empty()) {
        let anomalies: Vec<usize> = mine.iter().map(|e| among[*e]).collect();
        let causes = ranking(scene, &model, &candidates, &roots, place, mine, among);
        incidents.push(found(scene, anomalies, causes));
    }
    let left = absorb(scene, &mut incidents, left.into_iter().map(|e| among[e]).collect());
    // What no root is worth its price for still failed.
    let (alone, left) = match left.len() < among.len() {
        true => (None, left),
        false => dearest(scene, &model, &candidates, among),
    };
    incidents.extend(alone);
    if left.iter().any(|a| scene.anomalies[*a].state > State::Context) {
        incidents.extend(solve(scene, summary, catalogue, &left));
    }
    incidents
}

/// A root with less evidence of its own than this only shows symptoms.
const SPEAKS: f64 = 0.3;

/// Joins incidents whose root has nothing but symptoms to one that goes on and whose root speaks. Most exports do not show who
/// calls whom, and two faults at once are rarer than a call that is not seen.
fn join_victims(scene: &Scene<'_>, mut incidents: Vec<Incident>) -> Vec<Incident> {
    let speaks = |incident: &Incident| {
        incident.causes.first().is_some_and(|root| root.candidate.strength >= SPEAKS)
            && state(scene, &incident.anomalies) == State::Broken
    };
    let (mut hosts, victims): (Vec<Incident>, Vec<Incident>) = incidents.drain(..).partition(|one| speaks(one));
    let mut alone = Vec::new();
    for victim in victims {
        let first = victim.anomalies.iter().map(|a| scene.anomalies[*a].span.start).min();
        let lag = |host: &Incident| first.map_or(i64::MAX, |first| first.since(host.causes[0].candidate.first));
        let during = |host: &Incident| {
            let first = first.unwrap_or(Timestamp::MAX);
            lag(host) >= -OVERLAP_SLACK_NS && first <= host.span.end.plus(OVERLAP_SLACK_NS)
        };
        let near = (0..hosts.len()).filter(|host| during(&hosts[*host]));
        match near.min_by_key(|host| (lag(&hosts[*host]).unsigned_abs(), *host)) {
            Some(host) => hosts[host].anomalies.extend(victim.anomalies),
            None => alone.push(victim),
        }
    }
    hosts.extend(alone);
    hosts
}

/// An incident of the candidate that is worth most though not its price, and what it does not explain.
fn dearest(
    scene: &Scene<'_>,
    model: &Model,
    candidates: &[(Candidate, Vec<(usize, f64)>)],
    among: &[usize],
) -> (Option<Incident>, Vec<usize>) {
    let gains = model.in_place_of(&[0], 0);
    let best = (0..gains.len()).max_by(|a, b| gains[*a].total_cmp(&gains[*b]).then(b.cmp(a)));
    let Some(best) = best else { return (None, Vec::new()) };
    let (mine, left): (Vec<usize>, Vec<usize>) = (0..among.len()).partition(|e| model.link(best, *e) > 0.0);
    let causes = ranking(scene, model, candidates, &[best], 0, &mine, among);
    let anomalies = |places: Vec<usize>| places.into_iter().map(|e| among[e]).collect::<Vec<usize>>();
    (Some(found(scene, anomalies(mine), causes)), anomalies(left))
}

/// Everything that can be at fault, with how likely it makes each of the anomalies `among`, by their place there.
fn explained(
    scene: &Scene<'_>,
    summary: &Summary,
    catalogue: &Catalogue,
    among: &[usize],
) -> Vec<(Candidate, Vec<(usize, f64)>)> {
    let mut by_component = ByComponent::new();
    among.iter().for_each(|a| by_component.entry(scene.anomalies[*a].component).or_default().push(*a));
    let blamed = explain::Blamed::new(scene, among);
    let mut places: Vec<(usize, usize)> = among.iter().enumerate().map(|(place, a)| (*a, place)).collect();
    places.sort_unstable();
    let place = |a: usize| places[places.partition_point(|(known, _)| *known < a)].1;
    let all = candidate::candidates(scene, summary, catalogue, among).into_iter().map(|mut candidate| {
        let explanation = explain::explain(scene, &candidate, among, &by_component, &blamed);
        candidate::describe_network(scene, catalogue, &mut candidate, &explanation);
        let mut links: Vec<(usize, f64)> = explanation.iter().map(|(a, p)| (place(a), p.min(SUREST))).collect();
        links.sort_by_key(|(e, _)| *e);
        (candidate, links)
    });
    all.filter(|(_, links)| !links.is_empty()).collect()
}

/// No link is certain.
const SUREST: f64 = 0.97;

/// Which failures belong to which root, and which to none.
fn shares(model: &Model, roots: &[usize], n: usize) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut mine: Vec<Vec<usize>> = vec![Vec::new(); roots.len()];
    let mut left = Vec::new();
    for e in 0..n {
        let best = (0..roots.len())
            .map(|place| (model.link(roots[place], e), place))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        match best {
            Some((p, place)) if p >= BELONGS => mine[place].push(e),
            _ => left.push(e),
        }
    }
    (mine, left)
}

/// The candidates for the place of one root, best first, with the terms of their scores.
fn ranking(
    scene: &Scene<'_>,
    model: &Model,
    candidates: &[(Candidate, Vec<(usize, f64)>)],
    roots: &[usize],
    place: usize,
    mine: &[usize],
    among: &[usize],
) -> Vec<Ranked> {
    let own = model.only(mine);
    let gains = own.in_place_of(&[roots[place]], 0);
    let mut order: Vec<usize> = (0..candidates.len()).filter(|h| mine.iter().any(|e| own.link(*h, *e) > 0.0)).collect();
    order.sort_by(|a, b| {
        let leads = |h: usize| h != roots[place];
        leads(*a).cmp(&leads(*b)).then(gains[*b].total_cmp(&gains[*a])).then(a.cmp(b))
    });
    order.truncate(TOP);
    order
        .iter()
        .map(|h| {
            let explains = mine.iter().filter(|e| own.link(*h, **e) >= 0.5).map(|e| scene.anomalies[among[*e]].count);
            let prior = model.hypotheses[*h].prior;
            Ranked {
                candidate: candidates[*h].0.clone(),
                features: std::iter::once(Feature {
                    name: "explains",
                    value: gains[*h] - prior + model::PRICE,
                    weight: 1.0,
                })
                .chain(score::terms(scene, &candidates[*h].0))
                .collect(),
                early: mine.iter().filter(|e| own.link(*h, **e) >= 0.5).any(|e| {
                    let anomaly = &scene.anomalies[among[*e]];
                    anomaly.risen && candidates[*h].0.first.since(anomaly.span.start) > OVERLAP_SLACK_NS
                }),
                score: gains[*h] + model::PRICE,
                confidence: 0.0,
                explains: explains.sum(),
            }
        })
        .collect()
}

/// An incident that stopped and returned with the same root is one, with episodes; so are two that one change set off.
fn rejoin(incidents: Vec<Incident>) -> Vec<Incident> {
    let mut joined: Vec<Incident> = Vec::new();
    for mut incident in incidents {
        match joined.iter_mut().find(|earlier| has_same_root(earlier, &incident)) {
            Some(earlier) => {
                let score = |incident: &Incident| incident.causes[0].score;
                if score(&incident) > score(earlier) {
                    std::mem::swap(earlier, &mut incident);
                }
                if let (Some(mine), Some(other)) = (earlier.causes.first_mut(), incident.causes.first()) {
                    mine.join(other);
                }
                earlier.anomalies.append(&mut incident.anomalies);
            }
            None => joined.push(incident),
        }
    }
    joined
}

impl Ranked {
    /// Takes in what shows the same root at another time.
    fn join(&mut self, other: &Ranked) {
        self.explains += other.explains;
        let (mine, other) = (&mut self.candidate, &other.candidate);
        if mine.component == other.component {
            mine.first = mine.first.min(other.first);
            mine.count += other.count;
            mine.own.extend(&other.own);
            mine.blamed.extend(&other.blamed);
        }
    }
}

fn has_same_root(one: &Incident, other: &Incident) -> bool {
    let root = |incident: &Incident| incident.causes.first().map(|ranked| ranked.candidate.clone());
    let (Some(one), Some(other)) = (root(one), root(other)) else { return false };
    let change = |candidate: &Candidate| candidate.trigger.as_ref().and_then(|(change, _)| change.exemplar.clone());
    one.component == other.component && one.signature == other.signature
        || change(&one).is_some() && change(&one) == change(&other)
}

/// Symptoms start before their cause is told, and end after it.
const OVERLAP_SLACK_NS: i64 = 60 * SECOND;

fn overlap(a: Span, b: Span) -> bool {
    a.start.plus(-OVERLAP_SLACK_NS) <= b.end && b.start.plus(-OVERLAP_SLACK_NS) <= a.end
}

fn found(scene: &Scene<'_>, anomalies: Vec<usize>, causes: Vec<Ranked>) -> Incident {
    let mut incident = Incident { anomalies, span: scene.export, episodes: Vec::new(), causes };
    settle(scene, &mut incident);
    incident
}

/// Sets the incident's times from its anomalies.
fn settle(scene: &Scene<'_>, incident: &mut Incident) {
    incident.anomalies.sort_by_key(|a| (scene.anomalies[*a].span, *a));
    // What only trickles, before and after as much, tells neither beginning nor end.
    let anomalies = incident.anomalies.iter().map(|a| &scene.anomalies[*a]);
    let rose: Vec<Span> = anomalies.clone().filter(|anomaly| anomaly.risen).map(|anomaly| anomaly.span).collect();
    let all = || anomalies.map(|anomaly| anomaly.span).collect();
    incident.episodes = episodes(if rose.is_empty() { all() } else { rose });
    let start = onset(scene, &incident.anomalies, &incident.causes);
    let end = incident.episodes.iter().map(|e| e.end).max().unwrap_or(start);
    incident.span = Span { start, end: end.max(start) };
}

/// The first grave failure that rose, not long before the root's own first evidence; sporadic ones only when nothing rose.
fn onset(scene: &Scene<'_>, anomalies: &[usize], causes: &[Ranked]) -> Timestamp {
    let root = causes.first().map_or(Timestamp::MIN, |ranked| ranked.candidate.first);
    let starts = |risen: bool| {
        let grave = anomalies.iter().map(|a| &scene.anomalies[*a]).filter(|a| scene.series[a.series].grave);
        grave
            .filter(move |a| a.risen == risen && root.since(a.span.start) <= BEFORE_ROOT_NS)
            .map(|a| a.span.start)
            .min()
    };
    let first = anomalies.iter().map(|a| scene.anomalies[*a].span.start).min();
    let rose = starts(true).or_else(|| starts(false)).or(first).unwrap_or(scene.export.start);
    // The first line that says why can precede the first failure that is frequent enough to rise.
    let tells = anomalies.iter().any(|a| scene.anomalies[*a].span.start == root);
    if tells && rose.since(root) <= BEFORE_ROOT_NS { rose.min(root) } else { rose }
}

/// Failures that precede the root's first evidence by more than this belong to something else.
const BEFORE_ROOT_NS: i64 = 180 * SECOND;

fn episodes(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort();
    let mut episodes: Vec<Span> = Vec::new();
    for span in spans {
        match episodes.last_mut() {
            Some(last) if span.start.since(last.end) <= EPISODE_GAP_NS => last.end = last.end.max(span.end),
            _ => episodes.push(span),
        }
    }
    episodes
}

/// True for two failures of one component, and for the same cause on another one: it rarely strikes twice at once.
fn is_same(scene: &Scene<'_>, one: &Anomaly<'_>, other: &Anomaly<'_>) -> bool {
    let (series, of_other) = (&scene.series[one.series], &scene.series[other.series]);
    one.component == other.component
        || series.role == Role::Cause && series.signature.is_some() && series.pattern == of_other.pattern
}

/// What no root explains goes to the incident it overlaps and shares a component or a cause with; the rest is returned.
fn absorb(scene: &Scene<'_>, incidents: &mut [Incident], left: Vec<usize>) -> Vec<usize> {
    let mut rest = Vec::new();
    for a in left {
        let anomaly = &scene.anomalies[a];
        let host = incidents.iter_mut().find(|incident| {
            // What failed long before the onset is the background of its component, not part of the incident.
            overlap(incident.span, anomaly.span)
                && incident.span.start.since(anomaly.span.start) <= BEFORE_ROOT_NS
                && incident.anomalies.iter().any(|other| is_same(scene, &scene.anomalies[*other], anomaly))
        });
        match host {
            Some(incident) => incident.anomalies.push(a),
            None => rest.push(a),
        }
    }
    rest
}
