//! A report as people and programs read it.
//!
//! The report becomes a document: the first screen, the postmortem or the ticket. Each renderer shows the blocks of a document in
//! its own way and escapes every text. A new face is a file and a row in [`render`].

mod chart;
mod document;
pub mod entries;
pub mod escape;
mod exhibits;
mod github;
mod html;
pub mod json;
mod markdown;
pub mod patterns;
mod postmortem;
mod screen;
mod slack;
mod svg;
mod terminal;
mod ticket;

use crate::report::{Evidence, Report};

/// A way to show a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The first screen, for a terminal.
    Screen,
    /// The whole report, for a terminal.
    Verbose,
    /// The contract itself.
    Json,
    /// A postmortem draft.
    Markdown,
    /// One page for a browser.
    Html,
    /// A comment for a tracker.
    Ticket,
    /// Blocks for a message.
    Slack,
    /// Annotations of a GitHub workflow.
    Github,
}

/// Faces by the ending of a file; the first that fits counts.
const ENDINGS: [(&str, Face); 8] = [
    (".ticket.md", Face::Ticket),
    (".slack.json", Face::Slack),
    (".json", Face::Json),
    (".md", Face::Markdown),
    (".markdown", Face::Markdown),
    (".html", Face::Html),
    (".htm", Face::Html),
    (".txt", Face::Verbose),
];

impl Face {
    /// The face for a file's name, by its ending: `.ticket.md`, `.slack.json`, `.json`, `.md`, `.html`, `.txt`.
    pub fn of_name(name: &str) -> Option<Face> {
        let name = name.to_ascii_lowercase();
        ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, face)| *face)
    }
}

/// How to show it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Lines and colours of a terminal.
    pub terminal: terminal::Options,
    /// How much a document tells.
    pub document: postmortem::Options,
}

/// A report in one of its faces.
pub fn render(report: &Report, face: Face, options: &Options) -> String {
    let whole = || postmortem::blocks(report, &options.document);
    match face {
        Face::Screen => terminal::render(&screen::blocks(report, options.document.top), &options.terminal),
        Face::Verbose => terminal::render(&whole(), &options.terminal),
        Face::Json => json::render(report),
        Face::Markdown => markdown::render(&whole()),
        Face::Html => html::render(report, &whole()),
        Face::Ticket => markdown::render(&ticket::blocks(report)),
        Face::Github => github::render(report),
        Face::Slack => slack::render(&screen::blocks(report, options.document.top)),
    }
}

/// The entries that a report's documents cite as E1, E2, …, in that order.
pub fn cited(report: &Report) -> Vec<&Evidence> {
    postmortem::cited(report)
}

pub use postmortem::Options as DocumentOptions;
pub use terminal::Options as TerminalOptions;
