//! Suspects without an error line take their place among the causes.

use super::candidate::Candidate;
use super::silent::{self, Clarity, Healthy, Kind, Suspect, Window};
use super::{Feature, Incident, Ranked, TOP};
use crate::entry::{Component, ComponentKind};
use crate::incident::{Baseline, Scene};
use crate::pattern::{Layer, Role};
use crate::summary::Summary;
use crate::time::Span;

/// An error-line cause this strong, known by a signature, stays before suspects: they are its victims.
const STRONG: f64 = 0.55;

/// Adds services that became slow, or no longer do what a request always made them do.
pub(super) fn add(
    scene: &Scene<'_>,
    summary: &Summary,
    baseline: &Baseline,
    told: bool,
    incidents: &mut Vec<Incident>,
) {
    if summary.traces.is_empty() || baseline.traces.is_empty() {
        return;
    }
    let healthy = Healthy::new(&Window::new(&baseline.traces, None, None));
    let found = silent::suspects(&Window::new(&summary.traces, None, None), &healthy);
    let suspects = found.suspects.iter().filter(|suspect| told || suspect.clarity == Clarity::Clear);
    let suspects: Vec<Ranked> = suspects.take(TOP).map(|suspect| ranked(scene, suspect)).collect();
    let Some(first) = suspects.first().map(|suspect| suspect.candidate.first) else { return };
    // Told when the fault began and shown how it was before, the comparison is the best evidence there is.
    let leads_allowed = !told;
    let heaviest = incidents.iter_mut().max_by_key(|incident| weight(scene, incident));
    match heaviest {
        Some(incident) => place(incident, suspects, leads_allowed),
        None => incidents.push(Incident {
            anomalies: Vec::new(),
            span: Span { start: first, end: scene.export.end.max(first) },
            episodes: vec![Span { start: first, end: scene.export.end.max(first) }],
            causes: suspects,
        }),
    }
}

fn weight(scene: &Scene<'_>, incident: &Incident) -> u64 {
    incident.anomalies.iter().map(|a| scene.anomalies[*a].count).sum()
}

fn place(incident: &mut Incident, suspects: Vec<Ranked>, leads_allowed: bool) {
    let leads = leads_allowed
        && incident.causes.first().is_some_and(|first| {
            first.candidate.strength >= STRONG
                && first.candidate.role == Role::Cause
                && first.candidate.signature.is_some()
        });
    let at = if leads { 1 } else { 0 };
    incident.causes.retain(|cause| suspects.iter().all(|s| s.candidate.component != cause.candidate.component));
    let at = at.min(incident.causes.len());
    incident.causes.splice(at..at, suspects);
    incident.causes.truncate(TOP);
}

fn ranked(scene: &Scene<'_>, suspect: &Suspect) -> Ranked {
    let candidate = Candidate {
        component: Component::new(ComponentKind::Service, suspect.service.clone()),
        signature: None,
        title: suspect.text.clone(),
        layer: Layer::Application,
        role: Role::Either,
        strength: 0.5,
        first: suspect.onset.max(scene.export.start),
        count: suspect.n_affected,
        own: Vec::new(),
        blamed: Vec::new(),
        shown: suspect.exemplars.clone(),
        trigger: None,
    };
    let name = match suspect.kind {
        Kind::Time => "slower_than_baseline",
        Kind::Code => "unlike_baseline",
    };
    // A normal score of 10 is as sure as it gets.
    let value = (suspect.significance / 10.0).clamp(0.0, 1.0);
    let confidence = match suspect.clarity {
        Clarity::Clear => 0.85,
        Clarity::Faint => 0.5,
    };
    let feature = Feature { name, value, weight: 5.0 };
    Ranked {
        candidate,
        features: vec![feature],
        score: 5.0 * value,
        confidence,
        explains: suspect.n_affected,
        early: false,
    }
}
