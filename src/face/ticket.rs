//! A comment for a tracker, at most 40 lines: the header of the profile, then the first screen of each incident.

use super::document::{Block, Text};
use super::postmortem::ticket_items;
use super::screen;
use crate::report::Report;

/// Incidents told in a ticket.
const INCIDENTS: usize = 3;

/// The document.
pub(super) fn blocks(report: &Report) -> Vec<Block> {
    let title = report.incidents.first().map_or("No incident".to_owned(), |incident| incident.title.clone());
    let mut blocks = vec![Block::Heading(2, Text::from(title))];
    let tickets = report.given.iter().flat_map(|given| &given.tickets);
    blocks.extend(tickets.take(1).map(|ticket| Block::List(ticket_items(ticket))));
    // Without the line about the run and the one about what to type next.
    let screen = screen::blocks(report, INCIDENTS);
    let n = screen.len();
    blocks.extend(screen.into_iter().skip(1).take(n.saturating_sub(2)));
    blocks
}
