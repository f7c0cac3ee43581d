//! Blocks as Markdown, which GitHub, GitLab and most trackers read.

use super::chart::sparkline;
use super::document::{Block, Piece, Text};
use super::escape::{self, link, markdown, markdown_cell, markdown_code};
use crate::report::wording::count;

/// Columns of a timeline.
const SPARK: usize = 60;

/// The blocks as a Markdown document.
pub(super) fn render(blocks: &[Block]) -> String {
    let mut out = String::new();
    for (i, block) in blocks.iter().enumerate() {
        // Rows of a list follow each other without a gap.
        let joins = matches!(block, Block::Row { .. }) && i > 0 && matches!(blocks[i - 1], Block::Row { .. });
        if i > 0 && !joins {
            out.push('\n');
        }
        push(&mut out, block);
    }
    out
}

fn push(out: &mut String, block: &Block) {
    match block {
        Block::Title(text) => out.push_str(&format!("# {}\n", prose(text))),
        Block::Heading(level, text) => {
            out.push_str(&format!("{} {}\n", "#".repeat(usize::from(*level).max(1)), prose(text)));
        }
        Block::Prose(text) => out.push_str(&format!("{}\n", prose(text))),
        Block::List(items) => items.iter().for_each(|item| out.push_str(&format!("- {}\n", prose(item)))),
        Block::Table { head, rows } => table(out, head, rows),
        Block::Banner { left, right, .. } => {
            out.push_str(&format!("**{}** {}\n", markdown(left), markdown(right)));
        }
        Block::Row { label, text, aside, .. } => {
            let label = if label.is_empty() { String::new() } else { format!("**{label}** ") };
            let aside = if aside.is_empty() { String::new() } else { format!(", {}", markdown(aside)) };
            out.push_str(&format!("- {label}{}{aside}\n", prose(text)));
        }
        Block::Quote { at, who, said, times, link, .. } => {
            let times = if *times > 1 { format!(" ×{}", count(*times)) } else { String::new() };
            let link = link
                .as_ref()
                .and_then(|url| escape::link(url))
                .map_or(String::new(), |url| format!(" [entry](<{url}>)"));
            let (who, said) = (markdown_code(who), markdown_code(said));
            out.push_str(&format!("> {} {who}: {said}{times}{link}\n", markdown(at)));
        }
        Block::Command(command) => {
            let fence = escape::markdown_fence(command);
            out.push_str(&format!("{fence}sh\n{}\n{fence}\n", escape::terminal(command)));
        }
        Block::Chart { slots, .. } if slots.is_empty() => {}
        Block::Chart { slots, .. } => out.push_str(&format!("Failures over time: `{}`\n", sparkline(slots, SPARK))),
        Block::Fold { title, blocks } => {
            let title = escape::html(&title.flat());
            out.push_str(&format!("<details><summary>{title}</summary>\n\n{}\n</details>\n", render(blocks)));
        }
    }
}

fn table(out: &mut String, head: &[&str], rows: &[Vec<Text>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(head.len());
    let names: Vec<String> = (0..columns).map(|i| head.get(i).copied().unwrap_or("").to_owned()).collect();
    out.push_str(&format!("| {} |\n|{}\n", names.join(" | "), "---|".repeat(columns)));
    for row in rows {
        let cells: Vec<String> = row.iter().map(cell).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

fn prose(text: &Text) -> String {
    pieces(text, markdown_code, markdown)
}

/// The same in a cell, which a bar would end even inside code.
fn cell(text: &Text) -> String {
    pieces(text, markdown_cell, |text| markdown(text).replace('\n', " "))
}

fn pieces(text: &Text, code: impl Fn(&str) -> String, plain: impl Fn(&str) -> String) -> String {
    let piece = |(i, piece): (usize, &Piece)| match piece {
        Piece::Plain(text) => spaced(text, i == 0, &plain),
        Piece::Strong(text) => {
            let before = if text.starts_with(' ') { " " } else { "" };
            let after = if text.ends_with(' ') { " " } else { "" };
            format!("{before}**{}**{after}", plain(text.trim()))
        }
        Piece::Code(text) => code(text),
        Piece::Link { name, url } => match link(url) {
            Some(url) => format!("[{}](<{url}>)", plain(name)),
            None => plain(name),
        },
    };
    let mut out = String::new();
    for piece in text.0.iter().enumerate().map(piece) {
        // Two code spans that touch would be one.
        if out.ends_with('`') && piece.starts_with('`') {
            out.push(' ');
        }
        out.push_str(&piece);
    }
    out
}

/// Escaped prose with the spaces at its ends, which escaping trims. What stands inside a line opens no block.
fn spaced(text: &str, first: bool, plain: &impl Fn(&str) -> String) -> String {
    if text.trim().is_empty() {
        return if text.is_empty() { String::new() } else { " ".to_owned() };
    }
    let before = if !first && text.starts_with(' ') { " " } else { "" };
    let after = if text.ends_with(' ') { " " } else { "" };
    let text = text.trim();
    if first {
        return format!("{before}{}{after}", plain(text));
    }
    // Inside a line nothing opens a block: a letter in front keeps marks from being escaped for that.
    let inside = plain(&format!("x{text}"));
    let escaped = inside.strip_prefix('x').map_or_else(|| plain(text), str::to_owned);
    format!("{before}{escaped}{after}")
}
