//! What stands behind the incidents: notes, evidence, coverage.

use super::super::document::{Block, Text};
use super::super::exhibits::Exhibits;
use super::super::screen::doubts;
use crate::report::wording::{bytes, count, counted, list, percent};
use crate::report::{Cause, Coverage, Report, Ticket};

use super::section::ROWS;

pub(in crate::face) fn ticket_items(ticket: &Ticket) -> Vec<Text> {
    let mut items: Vec<Text> = vec![Text::new().strong(ticket.title.clone())];
    let mut item = |name: &str, value: String| {
        if !value.is_empty() {
            items.push(Text::new().strong(format!("{name}: ")).plain(value));
        }
    };
    item("Labels", ticket.labels.join(", "));
    item("Assigned to", ticket.assign.join(", "));
    item("Next review", ticket.next_review.map_or(String::new(), |at| format!("{} UTC", at.date_clock())));
    item("Business impact", ticket.business_impact.join("; "));
    item("Affected", ticket.services.join("; "));
    item("Depend on them, not seen to fail", ticket.dependents.join(", "));
    for journey in &ticket.journeys {
        let state = format!("{} since {} UTC ({})", journey.state, journey.since.clock(), list(&journey.services));
        item("Journey", format!("{}: {state}", journey.name));
    }
    for slo in &ticket.slos {
        let seen = slo.observed.map_or("no request seen".to_owned(), |share| format!("observed {}", percent(share)));
        item("SLO", format!("{}: target {:.2} %, {seen}", slo.service, slo.target * 100.0));
    }
    let links = ticket.links.iter().map(|url| Text::new().strong("Link: ").link(url.clone(), Some(url)));
    items.extend(links);
    items
}

pub(super) fn notes(blocks: &mut Vec<Block>, report: &Report) {
    if report.notes.is_empty() {
        return;
    }
    blocks.push(Block::Heading(2, "Notes".into()));
    blocks.push(Block::Prose("Single failures that are no incident: the system went on.".into()));
    blocks.push(Block::List(report.notes.iter().map(note).collect()));
}

/// What failed, where, how often, when first.
pub(in crate::face) fn note(note: &Cause) -> Text {
    let times = if note.count > 1 { format!(", ×{}", count(note.count)) } else { String::new() };
    Text::new()
        .code(note.component.clone())
        .plain(": ")
        .plain(note.title.clone())
        .plain(format!(" ({} UTC{times})", note.first_seen.date_clock()))
}

/// One entry: what it says, where it stands, and how it is found again.
pub(super) fn evidence(exhibits: &Exhibits<'_>) -> Vec<Block> {
    let items = exhibits.all().map(|(n, evidence)| {
        let head = format!("E{n}");
        let at = evidence.effect_time;
        Text::new()
            .strong(head)
            .plain(format!(" {at} {} ", evidence.severity))
            .code(evidence.component.clone())
            .plain(" ")
            .code(evidence.message.clone())
            .plain(", insertId ")
            .code(evidence.insert_id.clone())
            .plain(", in ")
            .code(evidence.source.clone())
            .plain(format!(" at byte {} ", evidence.offset))
            .link("Logs Explorer", evidence.link.as_ref())
    });
    let items: Vec<Text> = items.collect();
    if items.is_empty() { vec![Block::Prose("No entry is cited.".into())] } else { vec![Block::List(items)] }
}

pub(super) fn coverage(report: &Report) -> Vec<Block> {
    let coverage = &report.coverage;
    let mut blocks = vec![Block::Prose(ledger(coverage).into())];
    let sources = coverage.sources.iter().take(ROWS).map(|source| {
        Text::new().code(source.name.clone()).plain(format!(
            ": {}, {}, {}, digest {}",
            source.format,
            counted(source.entries, "entry", "entries"),
            bytes(source.bytes),
            source.digest
        ))
    });
    let mut items: Vec<Text> = sources.collect();
    if coverage.sources.len() > ROWS {
        items.push(format!("and {} more sources in the JSON", coverage.sources.len() - ROWS).into());
    }
    items.extend(doubts(coverage).into_iter().map(|doubt| Text::new().strong("Caution: ").plain(doubt)));
    let noise = report.noise.iter().take(ROWS).map(|noise| {
        Text::from("Usual: ")
            .plain(noise.title.clone())
            .plain(format!(", ×{}, at ", count(noise.count)))
            .code(noise.component.clone())
            .plain(format!(": {}", noise.reason))
    });
    items.extend(noise);
    blocks.push(Block::List(items));
    for gap in &report.gaps {
        blocks.push(Block::Prose(Text::new().strong("Missing: ").plain(gap.text.clone())));
        blocks.extend(gap.command.clone().map(Block::Command));
    }
    blocks
}

pub(super) fn ledger(coverage: &Coverage) -> String {
    let ledger = &coverage.ledger;
    let strays = if ledger.strays > 0 { format!(" + {} strays", count(ledger.strays)) } else { String::new() };
    format!(
        "{} = {} matched by a signature + {} failing by an unknown pattern + {} that do not fail + {} unreadable + {} duplicates + {} outside \
         the selection{strays}; {} in {}.",
        counted(coverage.entries, "entry", "entries"),
        count(ledger.matched),
        count(ledger.mined),
        count(ledger.benign),
        count(ledger.unreadable),
        count(ledger.duplicates),
        count(ledger.outside),
        bytes(coverage.bytes),
        counted(coverage.sources.len() as u64, "source", "sources"),
    )
}
