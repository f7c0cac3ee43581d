//! The whole report as one document: what a postmortem holds, in the order in which it is read.

mod appendix;
mod course;
mod section;

use super::document::{Block, Text};
use super::exhibits::Exhibits;
use crate::report::{Evidence, Report};

use appendix::{coverage, evidence, notes};
pub(super) use appendix::{note, ticket_items};
use section::Section;

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Every term of every score.
    pub explain: bool,
    /// Candidates told per incident.
    pub top: usize,
}

impl Default for Options {
    /// Three candidates, no terms.
    fn default() -> Options {
        Options { explain: false, top: 3 }
    }
}

/// The document.
pub(super) fn blocks(report: &Report, options: &Options) -> Vec<Block> {
    written(report, options).0
}

/// The entries that the document cites, in the order of their numbers.
pub(super) fn cited(report: &Report) -> Vec<&Evidence> {
    written(report, &Options::default()).1.all().map(|(_, evidence)| evidence).collect()
}

fn written<'r>(report: &'r Report, options: &Options) -> (Vec<Block>, Exhibits<'r>) {
    let title = match report.incidents.as_slice() {
        [] => "No incident".to_owned(),
        [one] => one.title.clone(),
        many => format!("{} incidents", many.len()),
    };
    let mut blocks = vec![
        Block::Title(Text::from("Postmortem: ").plain(title)),
        Block::Prose(
            Text::new()
                .strong("Draft for review.")
                .plain(format!(" Written by firstfault {} from logs alone. ", report.tool_version))
                .plain("Observed facts have an entry (E1, E2, …); what is inferred says so. All times are UTC."),
        ),
    ];
    let mut exhibits = Exhibits::default();
    for incident in &report.incidents {
        let level = if report.incidents.len() > 1 {
            blocks.push(Block::Heading(1, Text::from(format!("{}: ", incident.id)).plain(incident.title.clone())));
            2
        } else {
            1
        };
        Section { report, incident, level: level + 1, options, exhibits: &mut exhibits, out: &mut blocks }.write();
    }
    if report.incidents.is_empty() {
        blocks.push(Block::Heading(2, "Summary".into()));
        blocks.push(Block::Prose(Text::from("No incident was found. ").plain(report.verdict.clone())));
    }
    notes(&mut blocks, report);
    blocks.push(Block::Fold { title: "Evidence".into(), blocks: evidence(&exhibits) });
    blocks.push(Block::Fold { title: "Coverage".into(), blocks: coverage(report) });
    (blocks, exhibits)
}
