//! A service profile: what a team knows about its services and no log can tell, as `firstfault.toml`.
//!
//! Everything is optional, unknown keys are refused with their line, and what comes from it is marked as given.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::pattern::Layer;
use crate::report::{Affected, Given, Incident, Journey, Priority, Report, Slo, Status, Ticket};
use crate::time::{SECOND, Timestamp};

/// A service that answers less than one request in twenty blocks every journey through it: of the retries that people
/// make, next to none gets through.
const BLOCKED_BELOW: f64 = 0.05;

/// Why a profile is refused: `firstfault.toml:3: unknown field …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Name of the file.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.name, self.line, self.message)
    }
}

impl std::error::Error for Error {}

/// What a team says about its services.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    name: String,
    text: ProfileText,
}

/// The file as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProfileText {
    /// What every tracker entry has.
    tracker: Tracker,
    /// Services by the name that logs call them.
    services: BTreeMap<String, ServiceProfile>,
    /// User journeys: the services that each needs.
    journeys: BTreeMap<String, Spanned<Vec<String>>>,
    /// Rules of assignment; all that match add theirs.
    assign: Vec<AssignmentRule>,
    /// Own team for an owner that the catalogue names: `network = "net-oncall"`.
    owners: BTreeMap<String, String>,
    /// Time until the next look, by priority: `P0 = "30m"`.
    review: BTreeMap<String, Spanned<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tracker {
    labels: Vec<String>,
    links: Vec<Spanned<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServiceProfile {
    team: Option<String>,
    tier: Option<u32>,
    depends_on: Vec<String>,
    /// Percent of requests that should succeed.
    slo: Option<Spanned<f64>>,
    impact: Option<String>,
    labels: Vec<String>,
    repository: Option<Spanned<String>>,
    issues: Option<Spanned<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AssignmentRule {
    service: Option<String>,
    layer: Option<Layer>,
    priority: Option<Priority>,
    to: Vec<String>,
    labels: Vec<String>,
}

impl Profile {
    /// A profile to fill in: services with what they were seen to use. Every line that is not sure is a comment.
    pub fn template(services: &BTreeMap<String, BTreeSet<String>>) -> String {
        let mut text = "# What a team knows about its services and no log can tell. Remove the `#` of the lines that you fill in.\n\n\
                        [tracker]\n# labels = [\"incident\"]\n# links = [\"https://wiki.example.com/on-call\"]\n\n\
                        # Time until the next look, by priority.\n[review]\n# P0 = \"30m\"\n# P1 = \"2h\"\n"
            .to_owned();
        for (service, uses) in services {
            // A string of JSON is one of TOML.
            let quote = |name: &String| serde_json::Value::from(name.as_str()).to_string();
            let quoted: Vec<String> = uses.iter().map(quote).collect();
            text.push_str(&format!(
                "\n[services.{}]\n# team = \"\"\n# tier = 1\n# slo = 99.9 # percent of requests\ndepends_on = [{}]\n",
                quote(service),
                quoted.join(", ")
            ));
        }
        text.push_str(
            "\n# User journeys: the services that each needs.\n[journeys]\n# checkout = [\"web\", \"payments\"]\n",
        );
        text
    }

    /// Reads a profile; `name` stands in messages and in the report.
    ///
    /// # Errors
    /// With the line of the first thing that is wrong: TOML syntax, an unknown key, a value out of its range.
    pub fn parse(name: &str, text: &str) -> Result<Profile, Error> {
        let error = |span: Option<Range<usize>>, message: String| {
            let start = span.map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..start].iter().filter(|b| **b == b'\n').count() + 1;
            Error { name: name.to_owned(), line, message }
        };
        let parsed: ProfileText = toml::from_str(text).map_err(|e| error(e.span(), e.message().trim().to_owned()))?;
        match wrong_value(&parsed) {
            Some((span, message)) => Err(error(Some(span), message)),
            None => Ok(Profile { name: name.to_owned(), text: parsed }),
        }
    }

    /// What is allowed and yet probably a slip: names that nothing else knows.
    pub fn check(&self) -> Vec<String> {
        let text = &self.text;
        let is_unknown = |service: &String| !text.services.contains_key(service);
        let mut remarks = Vec::new();
        for (journey, services) in &text.journeys {
            let unknown = services.as_ref().iter().filter(|service| is_unknown(service));
            remarks.extend(unknown.map(|s| format!("journey {journey:?} needs {s:?}, which has no [services.{s}]")));
        }
        for (i, rule) in text.assign.iter().enumerate() {
            let unknown = rule.service.iter().filter(|service| is_unknown(service));
            remarks
                .extend(unknown.map(|s| format!("rule {} of assign names {s:?}, which has no [services.{s}]", i + 1)));
            if rule.to.is_empty() && rule.labels.is_empty() {
                remarks.push(format!("rule {} of assign gives neither `to` nor `labels`", i + 1));
            }
        }
        remarks
    }

    /// Adds what the profile says to a report: tracker entries, journeys, targets, and its own names for owners.
    ///
    /// To be called after redaction: the addresses that a team gives are meant to be read.
    pub fn apply(&self, report: &mut Report) {
        let tickets = report.incidents.iter().map(|incident| self.ticket(incident, report.coverage.last)).collect();
        report.given = Some(Given { profile: self.name.clone(), tickets });
        for action in report.incidents.iter_mut().flat_map(|i| &mut i.causes).flat_map(|cause| &mut cause.actions) {
            if let Some(team) = self.text.owners.get(&action.owner) {
                action.owner = format!("{team} (given)");
            }
        }
    }

    fn ticket(&self, incident: &Incident, now: Option<Timestamp>) -> Ticket {
        let hit = self.services_hit(incident);
        let rules: Vec<&AssignmentRule> = self.text.assign.iter().filter(|rule| rule.matches(incident, &hit)).collect();
        let services = || hit.iter().filter_map(|(name, _)| Some((*name, self.text.services.get(*name)?)));
        let mut assign: Vec<String> = rules.iter().flat_map(|rule| rule.to.clone()).collect();
        if assign.is_empty() {
            assign = services().filter_map(|(_, service)| service.team.clone()).collect();
        }
        let labels = self.text.tracker.labels.iter();
        let labels =
            labels.chain(services().flat_map(|(_, s)| &s.labels)).chain(rules.iter().flat_map(|rule| &rule.labels));
        let links = self.text.tracker.links.iter();
        let links = links.chain(services().flat_map(|(_, s)| s.repository.iter().chain(&s.issues)));
        Ticket {
            incident: incident.id.clone(),
            title: title(incident),
            labels: once_each(labels.cloned()),
            assign: once_each(assign.into_iter()),
            next_review: self.next_review(incident, now),
            business_impact: services().filter_map(|(_, service)| service.impact.clone()).collect(),
            services: services().map(|(name, service)| service.describe(name)).collect(),
            dependents: self.dependents(&hit),
            journeys: self.journeys(incident, &hit),
            slos: hit
                .iter()
                .filter_map(|(name, affected)| slo(name, self.text.services.get(*name)?, affected))
                .collect(),
            links: once_each(links.map(|link| link.as_ref().clone())),
        }
    }

    /// Services of the profile that suffer, by the profile's name for them, worst first.
    fn services_hit<'a>(&'a self, incident: &'a Incident) -> Vec<(&'a str, &'a Affected)> {
        let known: BTreeSet<&str> = self
            .text
            .services
            .keys()
            .chain(self.text.journeys.values().flat_map(|j| j.as_ref()))
            .map(String::as_str)
            .collect();
        let name = |affected: &'a Affected| {
            let component = affected.component.as_str();
            let last = component.rsplit(['/', ':']).next().unwrap_or(component);
            known.get(component).or(known.get(last)).map(|name| (*name, affected))
        };
        incident.affected.iter().filter_map(name).collect()
    }

    fn dependents(&self, hit: &[(&str, &Affected)]) -> Vec<String> {
        let is_hit = |name: &str| hit.iter().any(|(other, _)| *other == name);
        let depends = |service: &ServiceProfile| service.depends_on.iter().any(|name| is_hit(name));
        let services = self.text.services.iter();
        services.filter(|(name, service)| !is_hit(name) && depends(service)).map(|(name, _)| name.clone()).collect()
    }

    fn journeys(&self, incident: &Incident, hit: &[(&str, &Affected)]) -> Vec<Journey> {
        let journey = |(name, needs): (&String, &Spanned<Vec<String>>)| {
            let on_it: Vec<_> =
                hit.iter().filter(|(service, _)| needs.as_ref().iter().any(|need| need == service)).collect();
            let is_blocked = on_it.iter().any(|(_, affected)| answers_nothing(affected, incident));
            let state = if is_blocked { "BLOCKED" } else { "DEGRADED" };
            let state = if incident.status == Status::Resolved { format!("was {state}") } else { state.to_owned() };
            let services: Vec<String> = on_it.iter().map(|(service, _)| (*service).to_owned()).collect();
            (!on_it.is_empty()).then(|| Journey { name: name.clone(), state, since: incident.start, services })
        };
        self.text.journeys.iter().filter_map(journey).collect()
    }

    fn next_review(&self, incident: &Incident, now: Option<Timestamp>) -> Option<Timestamp> {
        let wait = self.text.review.get(&format!("{:?}", incident.priority))?;
        let is_over = incident.status == Status::Resolved;
        Some(now?.plus(seconds(wait.as_ref())?.saturating_mul(SECOND))).filter(|_| !is_over)
    }
}

impl ServiceProfile {
    /// `checkout: team payments, tier 1`.
    fn describe(&self, name: &str) -> String {
        let team = self.team.iter().map(|team| format!("team {team}"));
        let parts: Vec<String> = team.chain(self.tier.map(|tier| format!("tier {tier}"))).collect();
        if parts.is_empty() { name.to_owned() } else { format!("{name}: {}", parts.join(", ")) }
    }
}

impl AssignmentRule {
    fn matches(&self, incident: &Incident, hit: &[(&str, &Affected)]) -> bool {
        let layer = incident.causes.first().map(|cause| cause.layer);
        self.service.as_ref().is_none_or(|service| hit.iter().any(|(name, _)| name == service))
            && self.layer.is_none_or(|wanted| layer == Some(wanted))
            && self.priority.is_none_or(|worst| incident.priority <= worst)
    }
}

/// `[P0] checkout: connections time out`, without naming the service twice.
fn title(incident: &Incident) -> String {
    let named = incident.affected.first().map(|affected| affected.component.as_str());
    match named.filter(|name| !incident.title.contains(name)) {
        Some(name) => format!("[{:?}] {name}: {}", incident.priority, incident.title),
        None => format!("[{:?}] {}", incident.priority, incident.title),
    }
}

fn answers_nothing(affected: &Affected, incident: &Incident) -> bool {
    match affected.availability {
        Some(share) => share < BLOCKED_BELOW,
        None => incident.priority == Priority::P0 && affected.restarts > 0,
    }
}

fn slo(name: &str, service: &ServiceProfile, affected: &Affected) -> Option<Slo> {
    let target = service.slo.as_ref()?.as_ref() / 100.0;
    Some(Slo { service: name.to_owned(), target, observed: affected.availability })
}

/// The first value out of its range, with its place.
fn wrong_value(text: &ProfileText) -> Option<(Range<usize>, String)> {
    let services = text.services.values();
    let slo =
        services.clone().filter_map(|service| service.slo.as_ref()).find(|slo| !(0.0..=100.0).contains(slo.as_ref()));
    let slo = slo.map(|slo| (slo.span(), format!("slo is a percentage from 0 to 100, not {}", slo.as_ref())));
    let links = text.tracker.links.iter().chain(services.flat_map(|s| s.repository.iter().chain(&s.issues)));
    let link = links.into_iter().find(|link| !link.as_ref().starts_with("https://"));
    let link = link.map(|link| (link.span(), format!("a link begins with https://, not {:?}", link.as_ref())));
    let is_priority = |name: &str| ["P0", "P1", "P2", "P3"].contains(&name);
    let priority = text.review.iter().find(|(name, _)| !is_priority(name));
    let priority = priority.map(|(name, value)| (value.span(), format!("review knows P0 to P3, not {name:?}")));
    let wait = text.review.values().find(|wait| seconds(wait.as_ref()).is_none());
    let wait = wait.map(|wait| (wait.span(), format!("a time is written 90s, 30m, 4h or 7d, not {:?}", wait.as_ref())));
    let empty = text.journeys.iter().find(|(_, services)| services.as_ref().is_empty());
    let empty = empty.map(|(name, services)| (services.span(), format!("journey {name:?} needs no service")));
    [slo, link, priority, wait, empty].into_iter().flatten().min_by_key(|(span, _)| span.start)
}

/// Seconds of `90s`, `30m`, `4h`, `7d`.
fn seconds(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    number.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(factor)
}

fn once_each(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    items.filter(|item| seen.insert(item.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, line: usize, needed: &str) {
        let error = Profile::parse("f.toml", text).expect_err(text);
        assert_eq!(error.line, line, "{error}");
        assert!(
            error.to_string().starts_with(&format!("f.toml:{line}: ")) && error.message.contains(needed),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_line_is_named() {
        check("\n[services.checkout]\nteem = \"x\"\n", 3, "unknown field `teem`");
        check("[service.checkout]\n", 1, "unknown field `service`");
        check("[services.a]\ntier = 1\nslo = 101\n", 3, "percentage");
        check("[tracker]\nlinks = [\n\"javascript:x\"]\n", 3, "https");
        check("[review]\nP0 = \"30m\"\nP1 = \"soon\"\n", 3, "30m");
        check("[review]\nP9 = \"30m\"\n", 2, "P0 to P3");
        check("[journeys]\npay = []\n", 2, "needs no service");
        check("[[assign]]\nlayer = \"nettwork\"\n", 2, "unknown variant `nettwork`");
        check("[services.a\n", 1, "");
    }

    #[test]
    fn an_empty_profile_is_a_profile() {
        let profile = Profile::parse("f.toml", "").expect("all is optional");
        assert!(profile.check().is_empty());
    }

    #[test]
    fn names_that_nothing_knows_are_remarked() {
        let profile =
            Profile::parse("f.toml", "[journeys]\npay = [\"chekout\"]\n[[assign]]\nservice = \"b\"\n").expect("valid");
        let remarks = profile.check();
        assert!(remarks.len() == 3 && remarks[0].contains("chekout"), "{remarks:?}");
    }
}
