//! The first screen as Slack Block Kit, ready for `curl`: nothing is sent from here.

use serde_json::{Value, json};

use super::document::{Block, Piece, Text};
use super::escape::{cut, link, terminal};
use crate::report::wording::count;

/// Characters of a section's text. Source: Block Kit reference, section block, 3,000; less, for what escaping adds.
const SECTION: usize = 2400;

/// Blocks of a message. Source: Block Kit reference, 50 blocks.
const BLOCKS: usize = 50;

/// The blocks as the JSON of one message.
pub(super) fn render(blocks: &[Block]) -> String {
    let sections: Vec<Value> = blocks
        .iter()
        .filter_map(mrkdwn)
        .take(BLOCKS)
        .map(|text| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}}))
        .collect();
    let fallback = blocks.iter().find_map(|block| match block {
        Block::Banner { left, .. } => Some(left.clone()),
        _ => None,
    });
    let fallback = terminal(&fallback.unwrap_or_else(|| "No incident".to_owned())).into_owned();
    super::json::document(&json!({"text": fallback, "blocks": sections}))
}

/// A block as Slack's own markup; `None` for what a message has no room for.
fn mrkdwn(block: &Block) -> Option<String> {
    let text = match block {
        Block::Banner { left, right, .. } => format!("*{}*\n{}", escaped(left), escaped(right)),
        Block::Row { label, text, aside, .. } => {
            let label = if label.is_empty() { String::new() } else { format!("*{label}* ") };
            let aside = if aside.is_empty() { String::new() } else { format!(" _{}_", escaped(aside)) };
            format!("{label}{}{aside}", pieces(text))
        }
        Block::Quote { at, who, said, times, .. } => {
            let times = if *times > 1 { format!(" ×{}", count(*times)) } else { String::new() };
            format!("> {} {} │ {}{times}", escaped(at), escaped(who), escaped(&said.replace('\n', " ")))
        }
        Block::Command(command) => format!("```{}```", escaped(command).replace("```", "'''")),
        _ => return None,
    };
    Some(cut(&text, SECTION).into_owned())
}

fn pieces(text: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Plain(text) | Piece::Code(text) => escaped(text),
        Piece::Strong(text) => format!("*{}*", escaped(text.trim())),
        Piece::Link { name, url } => match link(url) {
            Some(url) => format!("<{url}|{}>", escaped(name).replace('|', "/")),
            None => escaped(name),
        },
    };
    text.0.iter().map(piece).collect()
}

/// Text in which Slack sees no link, mention or formatting. Source: "Formatting text for app surfaces": `&`, `<` and `>` are entities;
/// a mark that could pair is kept apart by a zero-width space.
fn escaped(text: &str) -> String {
    let text = terminal(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    ["*", "_", "~", "`"].iter().fold(text, |text, mark| text.replace(mark, &format!("\u{200b}{mark}")))
}
