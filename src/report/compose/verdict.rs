//! The verdict in a sentence, and for every candidate what speaks against it and why it is not first.

use super::{Cause, Findings};
use crate::cause;
use crate::pattern::Role;
use crate::report::{Coverage, Incident, Status, wording};

/// Share of the failing entries from which it does not matter what is left.
const MOST: f64 = 0.9;

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
        [] => {
            format!("no incident: nothing in {} entries deviates from the baseline", wording::count(coverage.entries))
        }
        [one] => one.clone(),
        many => format!("{} incidents: {}", incidents.len(), many.join("; then ")),
    }
}

/// What users see, why, since when.
fn clause(incident: &Incident) -> String {
    let cause = &incident.causes[0];
    let until = match (incident.status, incident.end) {
        (Status::Ongoing, _) => ", still going on".to_owned(),
        (Status::Unknown, Some(end)) if wording::ends_with_its_entries(incident) => {
            format!(" until the entries end ({})", end.clock())
        }
        (_, Some(end)) => format!(" to {}", end.clock()),
        _ => String::new(),
    };
    let trigger = cause.trigger.as_ref();
    let trigger = trigger.map_or(String::new(), |t| format!(", after a change at {}: {}", t.at.clock(), t.title));
    format!(
        "{}; cause ({}): {}, at {}{trigger}; from {} UTC{until}",
        wording::seen_by_users(incident),
        wording::odds(cause.confidence),
        cause.words.as_ref().unwrap_or(&cause.title),
        cause.component,
        incident.start.date_clock(),
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
    if (explains as f64) < MOST * total as f64 {
        against.push(format!(
            "{} of {} failing entries are not explained by it",
            wording::count(total - explains),
            wording::count(total)
        ));
    }
    if ranked.early {
        against.push("part of what it would explain failed before it did".to_owned());
    }
    if value(ranked, "quiet") > 0.0 {
        against.push("its own log goes on as usual".to_owned());
    } else if ranked.candidate.own.is_empty() && ranked.candidate.role != Role::Change {
        against.push("it wrote nothing itself; only its callers name it".to_owned());
    }
    if ranked.candidate.role == Role::Effect {
        against.push("only symptoms support it".to_owned());
    }
    against
}

fn why_not(ranked: &cause::Ranked, cause: &Cause, first: &str, explains: u64, score: f64) -> String {
    if value(ranked, "quiet") > 0.0 {
        return "its own log goes on as usual".to_owned();
    }
    if ranked.candidate.role == Role::Effect {
        return format!("only symptoms support it, and {first} has evidence of its own");
    }
    if cause.explains < explains {
        return format!(
            "it explains {} failing entries, {first} explains {}",
            wording::count(cause.explains),
            wording::count(explains)
        );
    }
    format!("its evidence weighs less: score {:.1} against {score:.1} for {first}", cause.score)
}
