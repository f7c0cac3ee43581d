//! What is told of one incident: facts, impact, root cause.

use super::super::document::{Block, Text};
use super::super::exhibits::Exhibits;
use super::super::screen::{quote, shown_times, why_text};
use crate::report::wording::{self, clock, count, counted, duration, kind, last_known, layer, list, percent, status};
use crate::report::{Affected, Basis, Cause, Incident, Report, Status};

use super::Options;
use super::appendix::ticket_items;

/// Quotes of a root cause.
pub(super) const QUOTES: usize = 3;

/// Rows of a table; the rest is in the JSON.
pub(super) const ROWS: usize = 12;

/// What a person has to write.
pub(super) const PERSON: &str = "Needs a person:";

/// One incident, as it is written down.
pub(super) struct Section<'a, 'r> {
    pub(super) report: &'r Report,
    pub(super) incident: &'r Incident,
    pub(super) level: u8,
    pub(super) options: &'a Options,
    pub(super) exhibits: &'a mut Exhibits<'r>,
    pub(super) out: &'a mut Vec<Block>,
}

impl<'r> Section<'_, 'r> {
    pub(super) fn write(&mut self) {
        self.facts();
        self.tickets();
        self.summary();
        self.impact();
        self.root_cause();
        self.trigger();
        self.resolution();
        self.detection();
        self.action_items();
        self.timeline();
        self.lessons();
        self.changes();
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.out.push(Block::Heading(self.level, text.into()));
    }

    pub(super) fn prose(&mut self, text: Text) {
        self.out.push(Block::Prose(text));
    }

    pub(super) fn cite(&mut self, evidence: impl IntoIterator<Item = &'r crate::report::Evidence>) -> String {
        let cited = self.exhibits.cite(evidence);
        if cited.is_empty() { String::new() } else { format!(" ({cited})") }
    }

    /// The header table.
    fn facts(&mut self) {
        let incident = self.incident;
        let mut rows = vec![
            fact("Status", status(incident.status)),
            fact("Priority", format!("{}: {}", wording::priority(incident.priority), incident.priority_rule)),
            fact("Users see", wording::seen_by_users(incident)),
            fact("Start", incident.start.date_clock()),
            fact("Duration", wording::length(incident, &self.report.coverage)),
        ];
        rows.push(fact("Failing entries", count(incident.failure_entries)));
        rows.extend(wording::uncovered(incident).into_iter().map(|gap| fact("Not covered", gap)));
        rows.push(vec!["Fingerprint".into(), Text::new().code(incident.fingerprint.clone())]);
        self.out.push(Block::Table { head: Vec::new(), rows });
    }

    /// What the profile says: given, not observed.
    fn tickets(&mut self) {
        let tickets = self.report.given.iter().flat_map(|given| given.tickets.iter().map(move |t| (given, t)));
        for (given, ticket) in tickets.filter(|(_, ticket)| ticket.incident == self.incident.id) {
            self.out.push(Block::Heading(self.level, "Ticket".into()));
            let by = Text::from("Given by ").code(given.profile.clone()).plain(", not observed in the logs.");
            self.out.push(Block::Prose(by));
            self.out.push(Block::List(ticket_items(ticket)));
        }
    }

    fn summary(&mut self) {
        self.heading("Summary");
        let incident = self.incident;
        let mut text =
            Text::from(format!("From {}, ", incident.start.date_clock())).plain(wording::seen_by_users(incident));
        text = match (incident.status, incident.end) {
            (Status::Ongoing, _) | (_, None) => text.plain(". It still failed at the end of the export, "),
            (Status::Resolved, Some(end)) => text.plain(format!(". It ended at {}, ", clock(end, incident.start))),
            (Status::Unknown, Some(end)) => {
                text.plain(format!(". The last failure seen is of {}, ", clock(end, incident.start)))
            }
        };
        let length = last_known(incident, &self.report.coverage).seconds_since(incident.start);
        text = text.plain(format!("{} after the onset. ", duration(length)));
        if let Some(cause) = incident.causes.first() {
            text = text.strong(format!("{} cause: ", capitalised(wording::odds(cause.confidence))));
            text.0.extend(why_text(cause).0);
            text = text.plain(format!(" (confidence {:.2}).", cause.confidence));
        }
        self.prose(text);
    }

    fn impact(&mut self) {
        self.heading("Impact");
        let rows: Vec<Vec<Text>> = self.incident.affected.iter().take(ROWS).map(affected_row).collect();
        if rows.is_empty() {
            return self.prose("No component is named.".into());
        }
        let head = vec!["Component", "Failing entries", "Failed requests", "Availability (95 % interval)", "Exits"];
        self.out.push(Block::Table { head, rows });
        let mut routes = Vec::new();
        for (name, of_kind) in [("http", "requests"), ("websocket", "WebSocket upgrades"), ("health", "health checks")]
        {
            let (shown, left_out) = wording::routes(self.incident, name);
            routes.extend(shown.into_iter().map(|(component, route)| {
                Text::new().code(route.route.clone()).plain(" of ").code(component).plain(format!(
                    ": {} of {} {of_kind} failed",
                    count(route.failures),
                    count(route.requests)
                ))
            }));
            if left_out > 0 {
                routes.push(format!("and {left_out} more in the JSON").into());
            }
        }
        if !routes.is_empty() {
            self.out.push(Block::List(routes));
        }
        if let Some(restarts) = &self.incident.restarts {
            let codes: Vec<String> =
                restarts.exit_codes.iter().map(|(code, n)| format!("exit code {code} ({})", times(*n))).collect();
            let every =
                restarts.period_s.map_or(String::new(), |s| format!(", {} between exits (median)", duration(s)));
            let codes = if codes.is_empty() { String::new() } else { format!(", {}", list(&codes)) };
            let text = format!(
                ": {} on {}{codes}{every}. ",
                counted(restarts.exits, "exit", "exits"),
                counted(restarts.instances, "instance", "instances"),
            );
            let text = Text::from("Restarts of ").code(restarts.component.clone()).plain(text);
            self.prose(text.plain("Starts: ").plain(restarts.text.trim_end_matches('.')).plain("."));
        }
        self.out.push(Block::Chart { slots: self.incident.timeline.clone(), onset: self.incident.start });
    }

    fn root_cause(&mut self) {
        self.heading("Root cause");
        let Some(cause) = self.incident.causes.first() else {
            return self.prose("The log does not say why.".into());
        };
        let what = Text::new()
            .strong(cause.title.clone())
            .plain(format!(", {} layer, {} ", layer(cause.layer), kind(cause.component_kind)))
            .code(cause.component.clone());
        let what = cause.aliases.iter().fold(what, |text, alias| text.plain(", also ").code(alias.clone()));
        let cited = self.cite(cause.evidence.first());
        self.prose(what.plain(format!(
            ". {} of {} failing entries follow from it; {} or name it, the first at {}{cited}.",
            count(cause.explains),
            count(self.incident.failure_entries),
            counted(cause.count, "entry shows", "entries show"),
            clock(cause.first_seen, self.incident.start),
        )));
        let mut told: Vec<&str> = Vec::new();
        for evidence in &cause.evidence {
            self.exhibits.number(evidence);
            if told.len() < QUOTES && !told.contains(&evidence.message.as_str()) {
                let times = if told.is_empty() { shown_times(self.incident) } else { 1 };
                told.push(&evidence.message);
                self.out.push(quote(evidence, self.incident, times));
            }
        }
        let shared = self.incident.contrast.iter().flat_map(|contrast| &contrast.sentences);
        let shared: Vec<Text> = shared.map(|sentence| Text::from(capitalised(sentence))).collect();
        let weak: Vec<Text> =
            cause.against.iter().map(|against| Text::from("Weak point: ").plain(against.clone())).collect();
        let points: Vec<Text> = shared.into_iter().chain(weak).collect();
        if !points.is_empty() {
            self.out.push(Block::List(points));
        }
        self.chain();
        self.others();
        if self.options.explain {
            self.terms(cause);
        }
    }

    fn chain(&mut self) {
        if self.incident.chain.len() < 2 {
            return;
        }
        self.prose(Text::new().strong("Chain of events"));
        let mut items = Vec::new();
        for (i, link) in self.incident.chain.iter().enumerate() {
            let lag = match i {
                0 => clock(link.first_seen, self.incident.start),
                _ => after(link.first_seen.seconds_since(self.incident.chain[0].first_seen)),
            };
            let mark = if link.basis == Basis::Inferred { " (inferred)" } else { "" };
            items.push(
                Text::from(format!("{lag} "))
                    .plain(link.title.clone())
                    .plain(" at ")
                    .code(link.component.clone())
                    .plain(format!(", ×{}{mark}", count(link.count))),
            );
        }
        self.out.push(Block::List(items));
    }

    /// Other candidates, and layers that evidence rules out.
    fn others(&mut self) {
        let causes = self.incident.causes.iter().skip(1).take(self.options.top.saturating_sub(1).max(1));
        let mut items: Vec<Text> = causes
            .map(|cause| {
                let why = cause.why_not.as_ref().map_or(String::new(), |why| format!("; {why}"));
                Text::from("Also considered: ")
                    .plain(cause.title.clone())
                    .plain(" at ")
                    .code(cause.component.clone())
                    .plain(format!(", {} ({:.2}){why}", wording::odds(cause.confidence), cause.confidence))
            })
            .collect();
        items.extend(self.incident.ruled_out.iter().map(|out| {
            let by_absence = out.text.starts_with("no ");
            let label = if by_absence { "No evidence seen" } else { "Ruled out" };
            Text::from(format!("{label}: {} ({})", layer(out.layer), out.text))
        }));
        if !items.is_empty() {
            self.out.push(Block::List(items));
        }
    }

    /// Every term of the scores.
    fn terms(&mut self, first: &Cause) {
        for cause in self.incident.causes.iter().take(self.options.top) {
            let what = Text::from(format!("Score {:.3} of {} at ", cause.score, cause.signature))
                .code(cause.component.clone());
            let what = if cause.rank == first.rank { what.plain(", the first") } else { what };
            self.prose(what);
            let term = |feature: &crate::report::Feature| {
                // No negative zero.
                let sum = feature.value * feature.weight + 0.0;
                Text::from(format!(
                    "{sum:+.3} = {:.3} × {:+.3}  {}: {}",
                    feature.value, feature.weight, feature.name, feature.text
                ))
            };
            self.out.push(Block::List(cause.features.iter().map(term).collect()));
        }
    }
}

fn fact(name: &'static str, text: impl Into<String>) -> Vec<Text> {
    vec![name.into(), text.into().into()]
}

fn affected_row(affected: &Affected) -> Vec<Text> {
    let failed = affected.failures + if affected.failures == 0 { affected.refused } else { 0 };
    let word = if affected.failures == 0 && affected.refused > 0 { " refused" } else { "" };
    let requests = match affected.requests {
        0 if failed == 0 => "none seen".to_owned(),
        0 => format!("{}{word}", count(failed)),
        all => format!("{} of {}{word}", count(failed), count(all)),
    };
    let availability = match (affected.availability, affected.availability_interval) {
        (Some(share), Some((low, high))) => format!("{} ({} to {})", percent(share), percent(low), percent(high)),
        (Some(share), None) => percent(share),
        _ => "unknown".to_owned(),
    };
    vec![
        Text::new().code(affected.component.clone()).plain(format!(" ({})", kind(affected.kind))),
        count(affected.failure_entries).into(),
        requests.into(),
        availability.into(),
        count(affected.restarts).into(),
    ]
}

/// `+1.2 s`, `-4 s`.
pub(super) fn after(seconds: f64) -> String {
    format!("{}{}", if seconds < 0.0 { "" } else { "+" }, duration(seconds))
}

pub(super) fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { format!("{} times", count(n)) }
}

/// The text with a capital first letter.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
