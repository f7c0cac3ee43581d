//! Layers that were checked and ruled out, and by what: entries that go on as usual, or the absence of any failure.

use super::Findings;
use crate::cause;
use crate::entry::ComponentKind;
use crate::pattern::Layer;
use crate::report::{RuledOut, wording};

/// Layers that a report answers for, outermost first.
const LAYERS: [Layer; 5] = [Layer::Network, Layer::Platform, Layer::Database, Layer::Dependency, Layer::Application];

/// Layers other than the first cause's that show no failure of their own in the incident.
pub(super) fn ruled_out(findings: Findings<'_>, found: &cause::Incident) -> Vec<RuledOut> {
    let guilty = found.causes.first().map(|ranked| ranked.candidate.layer);
    LAYERS
        .into_iter()
        .filter(|layer| Some(*layer) != guilty)
        .filter_map(|layer| {
            let text = verdict_on(findings, found, layer)?;
            Some(RuledOut { layer, text, evidence: Vec::new() })
        })
        .collect()
}

fn verdict_on(findings: Findings<'_>, found: &cause::Incident, layer: Layer) -> Option<String> {
    let scene = findings.scene;
    let name = wording::layer(layer);
    let failing = found.anomalies.iter().filter(|a| {
        let series = &scene.series[scene.anomalies[**a].series];
        series.layer == layer && series.grave && !super::is_symptom(series)
    });
    if failing.count() > 0 {
        return None;
    }
    let entries = wording::count(findings.summary.ledger.entries());
    let symptoms = found
        .anomalies
        .iter()
        .filter(|a| scene.series[scene.anomalies[**a].series].layer == layer)
        .map(|a| scene.anomalies[*a].count)
        .sum::<u64>();
    let quiet = going_on(findings, found, layer);
    Some(match (quiet, symptoms) {
        (Some(quiet), _) => format!("{quiet}, and no {name} failure of its own is among {entries} entries"),
        (None, 0) => format!("no {name} failure is among {entries} entries"),
        (None, n) => format!(
            "{} of it only show that something else failed",
            wording::counted(n, "failing entry", "failing entries")
        ),
    })
}

/// Components of the layer that go on logging as usual during the incident.
fn going_on(findings: Findings<'_>, found: &cause::Incident, layer: Layer) -> Option<String> {
    let kinds: &[ComponentKind] = match layer {
        Layer::Database => &[ComponentKind::Database],
        Layer::Dependency => &[ComponentKind::Cache, ComponentKind::Queue],
        Layer::Platform => &[ComponentKind::Node, ComponentKind::Cluster],
        _ => return None,
    };
    let quiet: Vec<String> = findings
        .summary
        .components
        .iter()
        .filter(|(component, _)| kinds.contains(&component.kind))
        .filter_map(|(component, activity)| {
            let n = activity.benign.count_between(found.span.start, found.span.end);
            (n > 0).then(|| format!("{} wrote {n} ordinary entries meanwhile", component.name))
        })
        .take(3)
        .collect();
    (!quiet.is_empty()).then(|| quiet.join("; "))
}
