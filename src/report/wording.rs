//! Figures as people read them: durations, shares, counts, and the words for what the types say.

use super::{Action, Affected, Cause, Coverage, Incident, Priority, RouteCount, Slot, Status, Tier};
use crate::entry::ComponentKind;
use crate::pattern::Layer;
use crate::time::Timestamp;

/// `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 entry`, `2,000 entries`.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A length of time with the two units that matter: `0.37 s`, `41 s`, `12 min 30 s`, `3 h 05 min`, `2 d 04 h`.
pub(crate) fn duration(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs();
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds.is_nan() || seconds < 0.0005 => "0 s".into(),
        _ if seconds < 1.0 => format!("{sign}{:.0} ms", seconds * 1000.0),
        _ if seconds < 59.95 => format!("{sign}{} s", format!("{seconds:.1}").trim_end_matches(".0")),
        0..3600 => format!("{sign}{} min{}", whole / 60, rest(whole % 60, "s")),
        3600..86_400 => format!("{sign}{} h{}", whole / 3600, rest(whole % 3600 / 60, "min")),
        _ => format!("{sign}{} d{}", whole / 86_400, rest(whole % 86_400 / 3600, "h")),
    }
}

fn rest(n: u64, unit: &str) -> String {
    if n == 0 { String::new() } else { format!(" {n:02} {unit}") }
}

/// A share in percent with one decimal, that says 0 or 100 only when it is exactly that.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    match value {
        _ if value <= 0.0 => "0 %".into(),
        _ if value < 0.1 => "< 0.1 %".into(),
        _ if value >= 100.0 => "100 %".into(),
        _ if value > 99.9 => "> 99.9 %".into(),
        _ => format!("{value:.1} %"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

/// Bytes in the unit that fits: `512 B`, `6.0 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = n as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") }
}

/// `ongoing`, `resolved`, `unknown`.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Ongoing => "ongoing",
        Status::Resolved => "resolved",
        Status::Unknown => "unknown",
    }
}

/// A layer in a word.
pub(crate) fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Change => "change",
        Layer::Network => "network",
        Layer::Platform => "platform",
        Layer::Database => "database",
        Layer::Dependency => "dependency",
        Layer::Application => "application",
        Layer::Client => "client",
    }
}

/// Every layer, outermost cause first.
pub(crate) const LAYERS: [Layer; 7] = [
    Layer::Change,
    Layer::Network,
    Layer::Platform,
    Layer::Database,
    Layer::Dependency,
    Layer::Application,
    Layer::Client,
];

/// A kind of component in words.
pub(crate) fn kind(kind: ComponentKind) -> &'static str {
    match kind {
        ComponentKind::Service => "service",
        ComponentKind::Job => "job",
        ComponentKind::LoadBalancer => "load balancer",
        ComponentKind::Node => "node",
        ComponentKind::Cluster => "cluster",
        ComponentKind::Database => "database",
        ComponentKind::User => "database user",
        ComponentKind::Cache => "cache",
        ComponentKind::Queue => "queue",
        ComponentKind::Bucket => "bucket",
        ComponentKind::Host => "host",
        ComponentKind::Api => "API",
        ComponentKind::Network => "network path",
        ComponentKind::Firewall => "firewall",
        ComponentKind::Dns => "name resolution",
        ComponentKind::Secret => "secret",
        ComponentKind::Principal => "principal",
        ComponentKind::Image => "image",
        ComponentKind::Module => "module",
        ComponentKind::Setting => "setting",
        ComponentKind::Certificate => "certificate",
        ComponentKind::Relation => "database object",
        ComponentKind::Project => "project",
        ComponentKind::Client => "client",
        ComponentKind::Other => "component",
    }
}

/// A candidate this sure is worth acting on beside the first.
const WORTH_ACTING: f64 = 0.2;
/// Routes shown of a kind at most; the rest is in the JSON.
const MAX_ROUTES: usize = 8;

/// Actions for the first cause and for others that are likely, each once, the first cause's first.
pub(crate) fn actions(incident: &Incident) -> Vec<&Action> {
    let is_worth = |cause: &&Cause| cause.rank == 1 || cause.confidence >= WORTH_ACTING;
    let mut actions: Vec<&Action> = Vec::new();
    for action in incident.causes.iter().filter(is_worth).flat_map(|cause| &cause.actions) {
        let is_known = actions.iter().any(|known| known.text == action.text && known.command == action.command);
        if !is_known {
            actions.push(action);
        }
    }
    actions
}

/// Failing routes of a kind with their component, those with most failures first, and how many are left out.
pub(crate) fn routes<'i>(incident: &'i Incident, kind: &str) -> (Vec<(&'i str, &'i RouteCount)>, usize) {
    let of_component =
        incident.affected.iter().flat_map(|one| one.routes.iter().map(|route| (one.component.as_str(), route)));
    let mut routes: Vec<(&str, &RouteCount)> = of_component.filter(|(_, route)| route.kind == kind).collect();
    routes.sort_by_key(|(_, route)| std::cmp::Reverse(route.failures));
    let left_out = routes.len().saturating_sub(MAX_ROUTES);
    routes.truncate(MAX_ROUTES);
    (routes, left_out)
}

/// What users see of an incident, in a few words.
pub(crate) fn seen_by_users(incident: &Incident) -> String {
    let worst = |failed: &dyn Fn(&Affected) -> u64| {
        let share = |affected: &Affected| failed(affected) as f64 / affected.requests.max(1) as f64;
        let some = incident.affected.iter().filter(|affected| affected.requests > 0 && failed(affected) > 0);
        some.max_by(|a, b| share(a).total_cmp(&share(b))).map(|affected| (affected, share(affected)))
    };
    if let Some((affected, share)) = worst(&|affected| affected.failures) {
        let share = if share >= 1.0 { "all".to_owned() } else { format!("{} of", percent(share)) };
        return format!("{} fails {share} requests", affected.component);
    }
    let restarts = incident.affected.iter().max_by_key(|affected| affected.restarts).filter(|most| most.restarts > 1);
    if let Some(affected) = restarts {
        return format!("{} exited {} times", affected.component, count(affected.restarts));
    }
    if let Some((affected, share)) = worst(&|affected| affected.refused) {
        return format!("{} refuses {} of requests", affected.component, percent(share));
    }
    match incident.affected.iter().find(|affected| affected.failures > 0) {
        Some(affected) => {
            format!("{} fails {}", affected.component, counted(affected.failures, "request", "requests"))
        }
        None if incident.affected.iter().any(|affected| affected.requests > 0) => "no request fails".to_owned(),
        None => "impact unknown: no request log".to_owned(),
    }
}

/// A tier of actions as a heading.
pub(crate) const TIERS: [(Tier, &str); 3] = [(Tier::Now, "Now"), (Tier::Next, "Next"), (Tier::Later, "Later")];

/// How likely a cause is, in a word: one for each fifth of the scale above a half.
pub(crate) fn odds(confidence: f64) -> &'static str {
    match confidence {
        c if c >= 0.8 => "very likely",
        c if c >= 0.6 => "likely",
        c if c >= 0.4 => "possible",
        _ => "uncertain",
    }
}

/// `P1`, or `P?` for an incident of unknown impact.
pub(crate) fn priority(priority: Priority) -> String {
    match priority {
        Priority::Unknown => "P?".to_owned(),
        known => format!("{known:?}"),
    }
}

/// Where an incident ends for what the export can tell: its end, the last failure seen, or the end of the export.
pub(crate) fn last_known(incident: &Incident, coverage: &Coverage) -> Timestamp {
    let last_episode = incident.episodes.iter().map(|episode| episode.end).max();
    incident.end.or(last_episode).or(coverage.last).unwrap_or(incident.start).max(incident.start)
}

/// `33 min 38 s so far`, `lasted 4 min 10 s`, `at least 4 min 10 s`.
pub(crate) fn length(incident: &Incident, coverage: &Coverage) -> String {
    let time = duration(last_known(incident, coverage).seconds_since(incident.start));
    match incident.status {
        Status::Ongoing => format!("{time} so far"),
        Status::Resolved => format!("lasted {time}"),
        Status::Unknown if ends_with_its_entries(incident) => format!("{time}, until its entries end"),
        Status::Unknown => format!("at least {time}"),
    }
}

/// Where the export holds no entry during an incident or right after it, in a sentence each.
pub(crate) fn uncovered(incident: &Incident) -> Vec<String> {
    let told = incident.uncovered.iter().map(|gap| {
        format!(
            "no entry is from {} to {} UTC: what happened then is unknown",
            minute(gap.start, incident.start),
            minute(gap.end, incident.start)
        )
    });
    told.collect()
}

/// True for an incident that was seen until the entries end for a while.
pub(crate) fn ends_with_its_entries(incident: &Incident) -> bool {
    let last = incident.episodes.iter().map(|episode| episode.end).max().unwrap_or(incident.start);
    incident.status == Status::Unknown && incident.uncovered.iter().any(|gap| gap.end > last)
}

/// The time of day to the minute, with the date when it is of another day than `reference`.
pub(crate) fn minute(at: Timestamp, reference: Timestamp) -> String {
    let time = clock(at, reference);
    time.get(..time.len() - 3).unwrap_or_default().to_owned()
}

/// The time of day, with the date when it is of another day than `reference`.
pub(crate) fn clock(at: Timestamp, reference: Timestamp) -> String {
    let (full, other) = (at.date_clock(), reference.date_clock());
    if full.get(..10) == other.get(..10) { at.clock() } else { full }
}

/// What changed, short: the last two words of an audit method, `Services.ReplaceService`.
pub(crate) fn short_method(what: &str) -> &str {
    let is_method = what.matches('.').count() > 1 && !what.contains([' ', '/']);
    match what.rmatch_indices('.').nth(1) {
        Some((dot, _)) if is_method => &what[dot + 1..],
        _ => what,
    }
}

/// Failing entries of a slot, over all layers.
pub(crate) fn failures(slot: &Slot) -> u64 {
    let is_request_count = |name: &str| name == "requests" || name == "request_failures";
    slot.counts.iter().filter(|(name, _)| !is_request_count(name)).fold(0, |sum, (_, n)| sum.saturating_add(*n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
        assert_eq!(counted(1, "entry", "entries"), "1 entry");
        assert_eq!(duration(0.366), "366 ms");
        assert_eq!(duration(20.0), "20 s");
        assert_eq!(duration(55.002), "55 s");
        assert_eq!(duration(17.508), "17.5 s");
        assert_eq!(duration(59.99), "1 min");
        assert_eq!(duration(2018.4), "33 min 38 s");
        assert_eq!(duration(11_100.0), "3 h 05 min");
        assert_eq!(duration(187_200.0), "2 d 04 h");
        assert_eq!(duration(f64::NAN), "0 s");
        assert_eq!(bytes(6_291_456), "6.0 MiB");
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(percent(0.9999), "> 99.9 %");
        assert_eq!(percent(0.0001), "< 0.1 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.968), "96.8 %");
    }

    #[test]
    fn a_method_is_shortened_and_a_sentence_is_not() {
        assert_eq!(short_method("google.cloud.run.v1.Services.ReplaceService"), "Services.ReplaceService");
        assert_eq!(short_method("traffic moved to v1.2.3"), "traffic moved to v1.2.3");
        assert_eq!(short_method("run.deploy"), "run.deploy");
    }
}
