//! The report as a postmortem draft in Markdown: what an incident commander needs, and blanks for what only people know.
//!
//! Rules: no sentence without a count or an entry behind it; observed and inferred are marked apart; rates carry their
//! denominator; the window and its cuts stand above the summary; what logs cannot tell is a headed blank.

use super::escape::{link, markdown as text, markdown_cell as cell, markdown_code as code};
use super::exhibits::{Exhibits, query};
use super::wording::{
    self, LAYERS, TIERS, bytes, clock, count, counted, duration, ends_with_its_entries, failed_share, failures, kind,
    last_known, layer, list, percent, short_method, status, uncovered,
};
use super::{Action, Affected, Cause, Coverage, Incident, Link, Report, RouteCount, Status, Ticket};
use crate::pattern::Layer;
use crate::time::Timestamp;

/// Values of one kind shown in the failure pattern at most; the rest is in the JSON.
const MAX_VALUES: usize = 6;

/// Candidates shown beside the first cause at most.
const MAX_OTHERS: usize = 3;
/// Patterns of noise shown at most.
const MAX_NOISE: usize = 12;

/// The report as a Markdown document.
pub fn render(report: &Report) -> String {
    let mut draft = Postmortem { report, out: String::new(), exhibits: Exhibits::default() };
    draft.title();
    draft.notice();
    draft.tickets();
    draft.coverage();
    if report.incidents.is_empty() {
        draft.heading(2, "Summary");
        draft.paragraph(&format!("No incident was found. {}", text(&report.verdict)));
    }
    for incident in &report.incidents {
        draft.incident(incident);
    }
    draft.notes();
    draft.open_questions();
    draft.evidence();
    draft.blanks();
    draft.out
}

/// A document on its way.
struct Postmortem<'r> {
    report: &'r Report,
    out: String,
    exhibits: Exhibits<'r>,
}

impl<'r> Postmortem<'r> {
    fn heading(&mut self, level: usize, title: &str) {
        if !self.out.is_empty() {
            self.blank();
        }
        self.out.push_str(&format!("{} {title}\n\n", "#".repeat(level)));
    }

    /// A section of an incident, one level deeper when there are several incidents.
    fn section(&mut self, title: &str) {
        let level = if self.report.incidents.len() > 1 { 3 } else { 2 };
        self.heading(level, title);
    }

    fn paragraph(&mut self, sentence: &str) {
        self.blank();
        self.out.push_str(sentence);
        self.out.push_str("\n\n");
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// Ends a list or table: exactly one empty line.
    fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn command(&mut self, indent: &str, command: &str) {
        let fence = super::escape::markdown_fence(command);
        let command = super::escape::terminal(command);
        self.out.push_str(&format!("\n{indent}{fence}sh\n{indent}{command}\n{indent}{fence}\n\n"));
    }

    fn title(&mut self) {
        let title = match self.report.incidents.as_slice() {
            [] => "No incident in this export".to_owned(),
            [only] => format!("Postmortem: {}", text(&only.title)),
            [first, ..] => format!("Postmortem: {} and {} more", text(&first.title), self.report.incidents.len() - 1),
        };
        self.heading(1, &title);
    }

    fn notice(&mut self) {
        let version = text(&self.report.tool_version);
        self.paragraph(&format!(
            "> **Draft, made by a machine: firstfault {version}.** It was written from logs alone and waits for review. \
             *Observed* is what entries say; *inferred* is what follows from them. E1, E2, … are entries in the appendix."
        ));
        self.line("Input:");
        self.blank();
        for source in &self.report.coverage.sources {
            let error =
                source.error.as_ref().map_or(String::new(), |error| format!(", **not read whole:** {}", text(error)));
            self.line(&format!(
                "- {}: {}, {}, {}, digest {}{error}",
                code(&source.name),
                text(&source.format),
                counted(source.entries, "entry", "entries"),
                bytes(source.bytes),
                code(&source.digest)
            ));
        }
        self.blank();
    }

    fn tickets(&mut self) {
        let Some(given) = &self.report.given else { return };
        for ticket in &given.tickets {
            self.heading(2, "Tracker entry");
            self.paragraph(&format!(
                "*Given by the profile {}, not observed, except the states of the journeys.*",
                code(&given.profile)
            ));
            for line in ticket_lines(ticket) {
                self.line(&line);
            }
        }
    }

    fn coverage(&mut self) {
        let coverage = &self.report.coverage;
        self.heading(2, "Coverage and its cuts");
        self.paragraph(&covered(coverage));
        for warning in &coverage.warnings {
            self.line(&format!("- **{}**: {}", text(&warning.code), text(&warning.text)));
        }
        if coverage.malformed_bytes > 0 {
            self.line(&format!("- {}", lost(coverage)));
        }
        if !coverage.limits_reached.is_empty() {
            self.line(&format!("- bounds of the tool that were reached: {}", text(&list(&coverage.limits_reached))));
        }
        if !self.report.noise.is_empty() {
            self.blank();
            self.line("Set aside as noise, because it fails as often without the incident:");
            self.blank();
        }
        for noise in self.report.noise.iter().take(MAX_NOISE) {
            self.line(&format!(
                "- {} in {}, {}: {}",
                code(&noise.title),
                code(&noise.component),
                counted(noise.count, "entry", "entries"),
                text(&noise.reason)
            ));
        }
        if self.report.noise.len() > MAX_NOISE {
            self.line(&format!("- and {} more, listed in the JSON report", self.report.noise.len() - MAX_NOISE));
        }
    }

    fn incident(&mut self, incident: &'r Incident) {
        if self.report.incidents.len() > 1 {
            self.heading(2, &format!("{}: {}", text(&incident.id), text(&incident.title)));
        }
        self.summary(incident);
        self.state(incident);
        self.impact(incident);
        self.contrast(incident);
        self.failure_pattern(incident);
        self.root_causes(incident);
        self.trigger(incident);
        self.chain(incident);
        self.timeline(incident);
        self.actions(incident);
        self.earlier(incident);
    }

    fn summary(&mut self, incident: &'r Incident) {
        self.section("Summary");
        let mut sentences = vec![what_users_saw(incident), how_long(incident, &self.report.coverage)];
        if let Some(cause) = incident.causes.first() {
            let cited = self.exhibits.cite(cause.evidence.first());
            sentences.push(format!(
                "The first fault is, as inferred with confidence {:.2}, in the {} layer at {}: {} (first seen {} UTC, {cited}).",
                cause.confidence,
                layer(cause.layer),
                code(&cause.component),
                text(cause.title.trim_end_matches('.')),
                clock(cause.first_seen, incident.start),
            ));
        }
        self.paragraph(&sentences.join(" "));
    }

    fn state(&mut self, incident: &Incident) {
        self.section("Status and priority");
        self.line(&format!("- Status: **{}**. {}", status(incident.status), status_reason(incident)));
        self.line(&format!("- Priority: **{:?}**, by the rule “{}”", incident.priority, text(&incident.priority_rule)));
        self.line(&format!("- Fingerprint: {}", code(&incident.fingerprint)));
    }

    fn contrast(&mut self, incident: &Incident) {
        let sentences = incident.contrast.as_ref().map_or(&[][..], |contrast| &contrast.sentences);
        if sentences.is_empty() {
            return;
        }
        self.section("What failed requests have in common");
        for sentence in sentences {
            self.line(&format!("- {}", text(sentence)));
        }
    }

    /// Single failures that say why, in a system that goes on.
    fn notes(&mut self) {
        if self.report.notes.is_empty() {
            return;
        }
        self.heading(2, "Notes");
        self.paragraph("These failed and are no incident: what they belong to goes on.");
        for note in &self.report.notes {
            let cited = self.exhibits.cite(note.evidence.first());
            self.line(&format!("- {} ({cited})", text(&wording::note(note))));
        }
    }

    fn impact(&mut self, incident: &Incident) {
        self.section("Impact");
        if incident.affected.is_empty() {
            self.paragraph("The export names no component that suffers.");
            return;
        }
        self.line("| Component | Failing entries | Failed requests | Availability (95 % interval) | Restarts |");
        self.line("|---|--:|--:|---|--:|");
        for affected in &incident.affected {
            self.line(&affected_row(affected));
        }
        self.blank();
        if incident.affected.iter().all(|affected| affected.requests == 0) {
            self.paragraph(
                "The export holds no request log of these components: a share of failed requests cannot be given.",
            );
        }
        for (kind, heading) in [("http", "Routes"), ("websocket", "WebSocket"), ("health", "Health endpoints")] {
            self.routes(incident, kind, heading);
        }
    }

    fn routes(&mut self, incident: &Incident, kind: &str, heading: &str) {
        let (routes, left_out) = wording::routes(incident, kind);
        let line = |(component, route): &(&str, &RouteCount)| {
            format!("- {} of {}: {}", code(&route.route), code(component), failed_share(route.failures, route.requests))
        };
        let mut lines: Vec<String> = routes.iter().map(line).collect();
        lines.extend((left_out > 0).then(|| format!("- and {left_out} more, listed in the JSON report")));
        if !lines.is_empty() {
            self.line(&format!("{heading}:"));
            self.blank();
            lines.iter().for_each(|line| self.line(line));
            self.blank();
        }
    }

    fn failure_pattern(&mut self, incident: &Incident) {
        self.section("Failure pattern");
        self.line(&format!("- Error volume: {}", error_volume(incident, &self.report.coverage)));
        if let Some(restarts) = &incident.restarts {
            let codes: Vec<String> = restarts
                .exit_codes
                .iter()
                .map(|(exit, n)| format!("{} ({})", text(exit), counted(*n, "time", "times")))
                .collect();
            self.line(&format!(
                "- Exits: {} of {} on {}, exit code {}",
                count(restarts.exits),
                code(&restarts.component),
                counted(restarts.instances, "instance", "instances"),
                list(&codes)
            ));
            if let Some(period) = restarts.period_s {
                self.line(&format!("- Restart period: {} between exits (median)", duration(period)));
            }
            self.line(&format!("- Boots: {}", text(&restarts.text)));
        }
        for (name, values) in incident_values(self.report, incident) {
            if name == "Exit code" && incident.restarts.is_some() {
                continue; // counted with the restarts above
            }
            self.line(&format!("- {name}: {values}"));
        }
        if incident.episodes.len() > 1 {
            let stretch = |e: &super::Episode| {
                format!(
                    "{} to {} ({})",
                    clock(e.start, incident.start),
                    clock(e.end, incident.start),
                    counted(e.failure_entries, "entry", "entries")
                )
            };
            let episodes: Vec<String> = incident.episodes.iter().map(stretch).collect();
            self.line(&format!("- It stopped and came back: {}", list(&episodes)));
        }
    }

    fn root_causes(&mut self, incident: &'r Incident) {
        self.section("Root causes by layer");
        let Some((first, others)) = incident.causes.split_first() else {
            self.paragraph("The export names no cause.");
            self.ruled_out(incident);
            return;
        };
        self.primary_cause(first, incident);
        if !others.is_empty() {
            self.paragraph("Other candidates:");
        }
        for cause in others.iter().take(MAX_OTHERS) {
            self.runner_up(cause);
        }
        self.ruled_out(incident);
    }

    fn primary_cause(&mut self, cause: &'r Cause, incident: &Incident) {
        self.paragraph(&format!(
            "**The primary cause lies in the {} layer** (inferred, confidence {:.2}). {}",
            layer(cause.layer),
            cause.confidence,
            text(&sentence(&cause.title))
        ));
        let aliases: Vec<String> = cause.aliases.iter().map(|alias| code(alias)).collect();
        let also = if aliases.is_empty() { String::new() } else { format!(", also named {}", list(&aliases)) };
        self.line(&format!("- At fault: {} ({}){also}", code(&cause.component), kind(cause.component_kind)));
        self.line(&format!(
            "- Observed: {} show or name it, the first at {} UTC",
            counted(cause.count, "entry", "entries"),
            clock(cause.first_seen, incident.start)
        ));
        self.line(&format!(
            "- Inferred: {} of {} failing entries follow from it",
            count(cause.explains),
            count(incident.failure_entries)
        ));
        for against in &cause.against {
            self.line(&format!("- Against it: {}", text(against)));
        }
        self.blank();
        for evidence in &cause.evidence {
            let number = self.exhibits.number(evidence);
            self.line(&format!(
                "> {} UTC, {}: {} (E{number})",
                clock(evidence.effect_time, incident.start),
                code(&evidence.component),
                code(&evidence.message)
            ));
            self.line(">");
        }
        self.close_quote();
    }

    /// Drops the last empty line of a quotation.
    fn close_quote(&mut self) {
        if self.out.ends_with(">\n") {
            self.out.truncate(self.out.len() - 2);
        }
        self.blank();
    }

    fn runner_up(&mut self, cause: &'r Cause) {
        let cited = self.exhibits.cite(cause.evidence.iter().take(2));
        let why_not =
            cause.why_not.as_ref().map_or(String::new(), |why| format!(" Not ranked first: {}", text(&sentence(why))));
        let cited = if cited.is_empty() { String::new() } else { format!(" ({cited})") };
        self.line(&format!(
            "- {} at {}, {} layer, confidence {:.2}{cited}.{why_not}",
            text(cause.title.trim_end_matches('.')),
            code(&cause.component),
            layer(cause.layer),
            cause.confidence
        ));
    }

    fn ruled_out(&mut self, incident: &'r Incident) {
        if !incident.ruled_out.is_empty() {
            self.paragraph("Layers that were checked and ruled out:");
        }
        for ruled_out in &incident.ruled_out {
            let cited = self.exhibits.cite(&ruled_out.evidence);
            let basis = if cited.is_empty() { "by absence".to_owned() } else { cited };
            self.line(&format!("- **{}**: {} ({basis})", layer(ruled_out.layer), text(&ruled_out.text)));
        }
        let is_decided = |layer| {
            incident.causes.iter().any(|cause| cause.layer == layer)
                || incident.ruled_out.iter().any(|r| r.layer == layer)
        };
        let is_change = |layer| layer == Layer::Change && !incident.changes.is_empty(); // told under Trigger
        let open = LAYERS.into_iter().filter(|l| !is_decided(*l) && !is_change(*l));
        let open: Vec<String> = open.map(|l| layer(l).to_owned()).collect();
        if !open.is_empty() {
            self.paragraph(&format!("This export neither accuses nor clears: {}.", list(&open)));
        }
    }

    fn trigger(&mut self, incident: &'r Incident) {
        self.section("Trigger");
        match incident.causes.first().and_then(|cause| cause.trigger.as_ref()) {
            Some(trigger) => {
                let number = self.exhibits.number(&trigger.evidence);
                let actor = trigger.actor.as_ref().map_or(String::new(), |actor| format!(" by {}", code(actor)));
                let lead = incident.start.seconds_since(trigger.at);
                self.paragraph(&format!(
                    "Observed: {} on {}{actor} at {} UTC, {} before the onset (E{number}). Inferred: it set the cause off.",
                    code(short_method(&trigger.what)),
                    code(&trigger.resource),
                    clock(trigger.at, incident.start),
                    duration(lead)
                ));
            }
            None if incident.changes.is_empty() => self.paragraph("No change record near the onset is in this export."),
            None => self.paragraph("None of the changes near the onset has a path to the cause."),
        }
        let is_trigger = |verdict: &str| verdict == "trigger";
        let others: Vec<_> = incident.changes.iter().filter(|change| !is_trigger(&change.verdict)).collect();
        if !others.is_empty() {
            self.line("Other changes near the onset:");
            self.blank();
        }
        for change in others {
            let number = self.exhibits.number(&change.evidence);
            self.line(&format!(
                "- {} UTC: {} on {}, {}: {} (E{number})",
                clock(change.at, incident.start),
                code(short_method(&change.what)),
                code(&change.resource),
                text(&change.verdict),
                text(&change.text)
            ));
        }
    }

    fn chain(&mut self, incident: &Incident) {
        self.section("Chain of events");
        if incident.chain.is_empty() {
            self.paragraph("No chain could be drawn from this export.");
            return;
        }
        self.out.push_str(&mermaid(incident));
        self.blank();
        for (i, link) in incident.chain.iter().enumerate() {
            self.line(&chain_line(i, link));
        }
    }

    fn timeline(&mut self, incident: &'r Incident) {
        self.section("Timeline");
        let mut day = String::new();
        for moment in &incident.moments {
            let date = moment.at.date_clock().split(' ').next().unwrap_or_default().to_owned();
            if date != day {
                self.blank();
                self.line(&format!("All times are UTC, {date}."));
                self.blank();
                day = date;
            }
            let source = match &moment.evidence {
                Some(evidence) => format!("E{}", self.exhibits.number(evidence)),
                None => "source: the counts of this report".to_owned(),
            };
            self.line(&format!("- {} {}{} ({source})", moment.at.clock(), milestone(&moment.kind), text(&moment.text)));
        }
        if incident.moments.is_empty() {
            self.paragraph("The export holds no notable moment.");
        }
    }

    fn actions(&mut self, incident: &Incident) {
        self.section("Actions");
        let actions = wording::actions(incident);
        if actions.is_empty() {
            self.paragraph("The catalogue has no action for this cause.");
            return;
        }
        self.paragraph("Proposed by the catalogue for the causes above; none was carried out by this tool.");
        for (tier, heading) in TIERS {
            let of_tier: Vec<&&Action> = actions.iter().filter(|action| action.priority == tier).collect();
            self.line(&format!("**{heading}**"));
            self.blank();
            for action in &of_tier {
                self.action(action);
            }
            if of_tier.is_empty() {
                self.line("- nothing proposed");
            }
            self.blank();
        }
    }

    fn action(&mut self, action: &Action) {
        self.line(&format!(
            "- [ ] **{}**: {} Risk: {}.",
            text(&action.owner),
            text(&sentence(&action.text)),
            risk(action)
        ));
        if let Some(command) = &action.command {
            self.command("  ", command);
        }
    }

    fn earlier(&mut self, incident: &Incident) {
        self.section("Similar earlier incidents");
        self.paragraph(&match (&incident.regression, self.report.earlier_known) {
            (Some(regression), _) => format!(
                "{} ({} of {} links of the chain agree.)",
                text(&sentence(&regression.text)),
                regression.links_equal,
                regression.links
            ),
            (None, Some(known)) => {
                format!("Never seen here: no chain like it among {} kept.", counted(known, "incident", "incidents"))
            }
            (None, None) => "Not compared: no history was given (`--history DIR`).".to_owned(),
        });
    }

    fn open_questions(&mut self) {
        self.heading(2, "Open questions");
        if self.report.gaps.is_empty() {
            self.paragraph("None that another export would answer.");
        }
        for gap in &self.report.gaps {
            self.line(&format!("- {}", text(&gap.text)));
            if let Some(command) = &gap.command {
                self.command("  ", command);
            }
        }
    }

    fn evidence(&mut self) {
        self.heading(2, "Evidence");
        let all: Vec<_> = self.exhibits.all().collect();
        if all.is_empty() {
            self.paragraph("No entry is cited.");
        }
        for (number, evidence) in all {
            let time = evidence.timestamp.unwrap_or(evidence.effect_time);
            self.line(&format!("- **E{number}** {time} {} {}  ", text(&evidence.severity), code(&evidence.component)));
            self.line(&format!("  {}", code(&evidence.message)));
            self.line(&format!(
                "  - insertId {}, file {}, byte offset {}",
                code(&evidence.insert_id),
                code(&evidence.source),
                evidence.offset
            ));
            if evidence.timestamp.is_some_and(|timestamp| timestamp != evidence.effect_time) {
                self.line(&format!("  - could be known at {} (timestamp and latency)", evidence.effect_time));
            }
            let open = evidence
                .link
                .as_deref()
                .and_then(link)
                .map_or(String::new(), |url| format!("[Logs Explorer](<{url}>), "));
            self.line(&format!("  - {open}query {}", code(&query(evidence))));
        }
    }

    fn blanks(&mut self) {
        let first = self.report.incidents.iter().map(|incident| incident.start).min();
        let first =
            first.map_or(String::new(), |at| format!(" The first failing entry is of {} UTC.", at.date_clock()));
        for (title, what) in [
            ("Detection", format!("how, when and by whom it was noticed.{first}")),
            ("Lessons", "what went well, what went badly, where luck helped.".to_owned()),
            ("Customer communication", "who was told what, and when.".to_owned()),
        ] {
            self.heading(2, title);
            self.paragraph(&format!("*Needs a person: {what}*"));
        }
        self.out.truncate(self.out.trim_end().len());
        self.out.push('\n');
    }
}

fn ticket_lines(ticket: &Ticket) -> Vec<String> {
    let codes = |items: &[String]| items.iter().map(|item| code(item)).collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("- Title: {}", text(&ticket.title))];
    if !ticket.labels.is_empty() {
        lines.push(format!("- Labels: {}", codes(&ticket.labels)));
    }
    if !ticket.assign.is_empty() {
        lines.push(format!("- Assigned to: {}", codes(&ticket.assign)));
    }
    if let Some(review) = ticket.next_review {
        lines.push(format!("- Next review: {} UTC", review.date_clock()));
    }
    lines.extend(ticket.services.iter().map(|service| format!("- Affected: {}", text(service))));
    if !ticket.dependents.is_empty() {
        lines.push(format!("- Depend on them, not seen to fail: {}", codes(&ticket.dependents)));
    }
    for journey in &ticket.journeys {
        let services = codes(&journey.services);
        let (name, state, since) = (text(&journey.name), text(&journey.state), journey.since.clock());
        lines.push(format!("- Journey “{name}”: **{state}** since {since} UTC ({services})"));
    }
    for slo in &ticket.slos {
        let observed =
            slo.observed.map_or("no request seen".to_owned(), |share| format!("observed {}", percent(share)));
        lines.push(format!("- SLO of {}: target {:.2} %, {observed}", code(&slo.service), slo.target * 100.0));
    }
    lines.extend(ticket.business_impact.iter().map(|impact| format!("- Business impact: {}", text(impact))));
    lines.extend(ticket.links.iter().filter_map(|url| link(url)).map(|url| format!("- <{url}>")));
    lines
}

/// What was read, in sentences.
fn covered(coverage: &Coverage) -> String {
    let (Some(first), Some(last)) = (coverage.first, coverage.last) else {
        return "No entry with a time was read.".to_owned();
    };
    let ledger = &coverage.ledger;
    let mut sentences = vec![format!(
        "Observed: {} from {} to {} UTC ({}), {}.",
        counted(coverage.entries, "entry", "entries"),
        first.date_clock(),
        last.date_clock(),
        duration(last.seconds_since(first)),
        bytes(coverage.bytes)
    )];
    let strays = match ledger.strays {
        0 => String::new(),
        n => format!(", {} with a time that cannot be right", count(n)),
    };
    sentences.push(format!(
        "Each is in one class: {} known by a signature, {} failing but unknown, {} that do not fail, {} unreadable, {} \
         duplicates, {} outside what was asked for{strays}.",
        count(ledger.matched),
        count(ledger.mined),
        count(ledger.benign),
        count(ledger.unreadable),
        count(ledger.duplicates),
        count(ledger.outside)
    ));
    sentences.join(" ")
}

fn lost(coverage: &Coverage) -> String {
    let shown: Vec<String> = coverage
        .malformed
        .iter()
        .take(3)
        .map(|range| format!("{} at byte {} ({})", code(&range.source), range.offset, text(&range.reason)))
        .collect();
    format!("unreadable: {}, {}", counted(coverage.malformed_bytes, "byte", "bytes"), list(&shown))
}

fn what_users_saw(incident: &Incident) -> String {
    let from = incident.start.date_clock();
    let served: Vec<String> = incident
        .affected
        .iter()
        .filter(|affected| affected.failures > 0)
        .take(3)
        .map(|affected| {
            let share = percent(affected.failures as f64 / affected.requests.max(1) as f64);
            format!(
                "{} of {} requests to {} failed ({share})",
                count(affected.failures),
                count(affected.requests),
                code(&affected.component)
            )
        })
        .collect();
    if !served.is_empty() {
        return format!("Observed: from {from} UTC on, {}.", list(&served));
    }
    let names: Vec<String> = incident.affected.iter().take(3).map(|affected| code(&affected.component)).collect();
    format!(
        "Observed: from {from} UTC on, {} of {}; the export holds no failed request, so what users saw cannot be counted.",
        counted(incident.failure_entries, "failing entry", "failing entries"),
        if names.is_empty() { "no named component".to_owned() } else { list(&names) }
    )
}

fn how_long(incident: &Incident, coverage: &Coverage) -> String {
    let time = duration(last_known(incident, coverage).seconds_since(incident.start));
    match incident.status {
        Status::Ongoing => format!("It still failed at the end of the export, {time} after its onset."),
        Status::Resolved => format!("It lasted {time}."),
        Status::Unknown if ends_with_its_entries(incident) => {
            format!("It was seen for {time}, until the entries end; {}.", uncovered(incident).join("; "))
        }
        Status::Unknown => format!("It lasted at least {time}; the export does not show its end."),
    }
}

fn status_reason(incident: &Incident) -> String {
    match (incident.status, incident.end) {
        (Status::Ongoing, _) => "Failures were seen up to the end of the export.".to_owned(),
        (Status::Resolved, Some(end)) => {
            format!("The last failure was at {} UTC, and good requests or starts followed.", end.date_clock())
        }
        (Status::Resolved, None) => "Failures stopped, and good requests or starts followed.".to_owned(),
        (Status::Unknown, _) => "The export does not tell how it went on.".to_owned(),
    }
}

fn affected_row(affected: &Affected) -> String {
    let failed = match affected.requests {
        0 => "no request seen".to_owned(),
        n => format!("{} of {}", count(affected.failures), count(n)),
    };
    let availability = match (affected.availability, affected.availability_interval) {
        (Some(share), Some((low, high))) => format!("{} ({} to {})", percent(share), percent(low), percent(high)),
        (Some(share), None) => percent(share),
        (None, _) => "cannot be given".to_owned(),
    };
    format!(
        "| {} ({}) | {} | {failed} | {availability} | {} |",
        cell(&affected.component),
        kind(affected.kind),
        count(affected.failure_entries),
        count(affected.restarts)
    )
}

fn error_volume(incident: &Incident, coverage: &Coverage) -> String {
    let minutes = last_known(incident, coverage).seconds_since(incident.start) / 60.0;
    let mut volume = counted(incident.failure_entries, "failing entry", "failing entries");
    if minutes >= 1.0 {
        volume.push_str(&format!(", {:.1} a minute", incident.failure_entries as f64 / minutes));
    }
    let peak = incident.timeline.iter().map(|slot| (failures(slot), slot)).reduce(|a, b| if b.0 > a.0 { b } else { a });
    if let Some((n, slot)) = peak.filter(|(n, _)| *n > 0) {
        volume.push_str(&format!(
            ", at most {} in {} from {} UTC",
            count(n),
            duration(slot.width_s),
            clock(slot.start, incident.start)
        ));
    }
    volume
}

/// What the patterns of an incident extracted, most frequent values first: (`Timeout seen`, `` `20.0` (178 times) ``).
fn incident_values(report: &Report, incident: &Incident) -> Vec<(String, String)> {
    let mut by_name: std::collections::BTreeMap<&str, std::collections::BTreeMap<&str, u64>> = Default::default();
    let of_incident = |p: &&super::PatternCount| p.incident.as_deref() == Some(incident.id.as_str());
    for pattern in report.patterns.iter().filter(of_incident) {
        for (name, values) in &pattern.values {
            for (value, n) in values {
                let sum = by_name.entry(name).or_default().entry(value).or_default();
                *sum = sum.saturating_add(*n);
            }
        }
    }
    by_name
        .into_iter()
        .map(|(name, values)| {
            let mut values: Vec<_> = values.into_iter().collect();
            values.sort_by_key(|(value, n)| (std::cmp::Reverse(*n), *value));
            let unit = if name.ends_with("_s") { " s" } else { "" };
            let shown = values.iter().take(MAX_VALUES);
            let shown = shown
                .map(|(value, n)| format!("{} ({})", code(&format!("{value}{unit}")), counted(*n, "time", "times")));
            let mut shown: Vec<String> = shown.collect();
            if values.len() > MAX_VALUES {
                shown.push(format!("{} other values", values.len() - MAX_VALUES));
            }
            (value_name(name), list(&shown))
        })
        .collect()
}

/// `timeout_s` → `Timeout`, `exit_code` → `Exit code`.
fn value_name(name: &str) -> String {
    let name = name.strip_suffix("_s").unwrap_or(name).replace('_', " ");
    let mut chars = name.chars();
    let capital = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    text(&(capital + chars.as_str()))
}

fn mermaid(incident: &Incident) -> String {
    use super::escape::mermaid as label;
    let mut out = String::from("```mermaid\nflowchart TD\n");
    if let Some(trigger) = incident.causes.first().and_then(|cause| cause.trigger.as_ref()) {
        let what = format!("{} {}", clock(trigger.at, incident.start), short_method(&trigger.what));
        out.push_str(&format!("  t([\"{}<br/>{}\"]) -.-> n1\n", label(&what), label(&trigger.resource)));
    }
    for (i, link) in incident.chain.iter().enumerate() {
        let n = i + 1;
        let seen = format!("{}, {}", clock(link.first_seen, incident.start), counted(link.count, "entry", "entries"));
        out.push_str(&format!(
            "  n{n}[\"{}<br/>{}<br/>{}\"]\n",
            label(&link.title),
            label(&link.component),
            label(&seen)
        ));
        if i > 0 {
            let arrow = if link.basis == "observed" { "-->" } else { "-.->" };
            out.push_str(&format!("  n{i} {arrow}|\"{}\"| n{n}\n", label(&lag(link.lag_s))));
        }
    }
    out.push_str("```\n");
    out
}

fn chain_line(i: usize, link: &Link) -> String {
    let lag = if i == 0 { String::new() } else { format!(", {} later, {}", duration(link.lag_s), text(&link.basis)) };
    format!(
        "{}. {} UTC: {} at {}, {}{lag}",
        i + 1,
        clock_millis(link.first_seen),
        text(&link.title),
        code(&link.component),
        counted(link.count, "entry", "entries")
    )
}

fn lag(seconds: f64) -> String {
    if seconds < 0.0 { duration(seconds) } else { format!("+{}", duration(seconds)) }
}

/// `HH:MM:SS.mmm`, where lags under a second matter.
fn clock_millis(at: Timestamp) -> String {
    let millis = at.0.rem_euclid(crate::time::SECOND) / 1_000_000;
    format!("{}.{millis:03}", at.clock())
}

fn milestone(kind: &str) -> &'static str {
    match kind {
        "onset" => "**Onset:** ",
        "last_failure" => "**Last failure:** ",
        "recovery" => "**Recovery:** ",
        "change" => "Change: ",
        "before" => "Before: ",
        _ => "",
    }
}

/// What a command can break, by its verb.
fn risk(action: &Action) -> &'static str {
    const READS: &[&str] =
        &["describe", "list", "read", "get", "logs", "top", "tail", "explain", "dig", "select", "show", "check"];
    const CHANGES: &[&str] = &[
        "update",
        "delete",
        "deploy",
        "create",
        "restart",
        "rollout",
        "patch",
        "set",
        "add-iam-policy-binding",
        "update-traffic",
        "scale",
        "apply",
        "resize",
        "remove-iam-policy-binding",
        "enable",
        "disable",
        "edit",
        "kill",
        "failover",
        "replace",
    ];
    let Some(command) = &action.command else { return "to be judged, no command is proposed" };
    let outside_quotes: String = command.split('\'').step_by(2).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let has = |verbs: &[&str]| outside_quotes.split_whitespace().any(|word| verbs.contains(&word));
    match (has(CHANGES), has(READS)) {
        (true, _) => "changes production",
        (false, true) => "none, it only reads",
        (false, false) => "to be judged",
    }
}

/// The text with a capital at its start and a full stop at its end.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    // A name at the start (`orders-db`, `checkout_v2`) keeps its spelling.
    let is_word = text.split(' ').next().is_some_and(|word| word.chars().all(char::is_alphabetic));
    let start = if is_word { first.to_uppercase().to_string() } else { first.to_string() };
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{start}{}{stop}", chars.as_str())
}
