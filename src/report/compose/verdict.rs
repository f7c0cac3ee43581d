//! The verdict in a sentence, and for every candidate what speaks against it and why it is not first.

use super::{Cause, Findings};
use crate::cause;
use crate::pattern::Role;
use crate::report::{Coverage, Incident, Status, wording};

/// Two candidates this close in score cannot be told apart by what the export holds.
const TIE: f64 = 1.0;

/// One sentence: what broke first, when, why.
pub(super) fn sentence(incidents: &[Incident], coverage: &Coverage) -> String {
    if coverage.entries == 0 {
        return "no log entries were found".to_owned();
    }
    if coverage.first.is_none() {
        return format!("nothing to conclude from: none of {} entries counts", coverage.entries);
    }
    let told: Vec<String> =
        incidents.iter().filter(|incident| !incident.causes.is_empty()).take(3).map(clause).collect();
    match told.as_slice() {
        [] => format!("no incident: nothing in {} entries left its baseline", coverage.entries),
        [one] => one.clone(),
        many => format!("{} incidents: {}", incidents.len(), many.join("; then ")),
    }
}

fn clause(incident: &Incident) -> String {
    let cause = &incident.causes[0];
    let since = incident.start.date_clock();
    let until = match (incident.status, incident.end) {
        (Status::Ongoing, _) => ", still going on".to_owned(),
        (Status::Unknown, Some(end)) if wording::ends_with_its_entries(incident) => {
            format!(" until the entries end ({})", end.clock())
        }
        (_, Some(end)) => format!(" to {}", end.clock()),
        _ => String::new(),
    };
    let doubt = if cause.confidence < 0.5 { "probably " } else { "" };
    let trigger =
        cause.trigger.as_ref().map(|t| format!(", set off by {} at {}", t.what, t.at.clock())).unwrap_or_default();
    format!(
        "{doubt}{} ({}): {}{trigger}; from {since} UTC{until}",
        cause.component,
        wording::layer(cause.layer),
        cause.title
    )
}

/// Fills in what speaks against each candidate and why it is not first.
pub(super) fn weigh(findings: Findings<'_>, found: &cause::Incident, causes: &mut [Cause]) {
    let total: u64 = found.anomalies.iter().map(|a| findings.scene.anomalies[*a].count).sum();
    let first = causes.first().map(|cause| (cause.component.clone(), cause.explains, cause.score));
    for (i, (cause, ranked)) in causes.iter_mut().zip(&found.causes).enumerate() {
        cause.against = against(ranked, total, cause.explains);
        let Some((name, explains, score)) = first.as_ref().filter(|_| i > 0) else { continue };
        cause.why_not = Some(why_not(ranked, cause, name, *explains, *score));
    }
    if let [first, second, ..] = causes
        && first.score - second.score < TIE
    {
        first
            .against
            .push(format!("{} is nearly as likely: the export does not decide between them", second.component));
    }
}

fn value(ranked: &cause::Ranked, name: &str) -> f64 {
    ranked.features.iter().find(|feature| feature.name == name).map_or(0.0, |feature| feature.value)
}

fn against(ranked: &cause::Ranked, total: u64, explains: u64) -> Vec<String> {
    let mut against = Vec::new();
    if explains < total {
        against.push(format!("it leaves {} of {total} failing entries unexplained", total - explains));
    }
    if ranked.early {
        against.push("part of what it would explain failed before its own first evidence".to_owned());
    }
    if value(ranked, "quiet") > 0.0 {
        against.push("its own log goes on as usual meanwhile".to_owned());
    } else if ranked.candidate.own.is_empty() && ranked.candidate.role != Role::Change {
        against.push("it wrote nothing itself: only its victims name it".to_owned());
    }
    if ranked.candidate.role == Role::Effect {
        against.push("its evidence are symptoms only".to_owned());
    }
    against
}

fn why_not(ranked: &cause::Ranked, cause: &Cause, first: &str, explains: u64, score: f64) -> String {
    if value(ranked, "quiet") > 0.0 {
        return "its own log goes on as usual meanwhile".to_owned();
    }
    if ranked.candidate.role == Role::Effect {
        return format!("it only shows symptoms, and {first} has evidence of its own");
    }
    if cause.explains < explains {
        return format!("it explains {} failing entries, {first} explains {explains}", cause.explains);
    }
    format!("its evidence weighs less: score {:.1} against {score:.1} for {first}", cause.score)
}
