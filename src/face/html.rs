//! Blocks as one page: no network, no script, light and dark, phone and paper.

use super::document::{Block, Piece, Text};
use super::escape::{html, html_cell, html_lines, link};
use super::svg::{Mark, failures_chart, requests_chart};
use crate::report::wording::{self, count};
use crate::report::{Incident, Priority, Report, Status};

/// The page: the verdict, a list of the sections, then the document.
pub(super) fn render(report: &Report, blocks: &[Block]) -> String {
    let mut page = String::with_capacity(64 * 1024);
    head(&mut page, report);
    navigation(&mut page, blocks);
    page.push_str("<main>\n");
    let mut n_headings = 0;
    // The title is that of the page, and stands in its head.
    for block in blocks.iter().filter(|block| !matches!(block, Block::Title(_))) {
        push(&mut page, block, &mut n_headings);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn head(page: &mut String, report: &Report) {
    let title = report.incidents.first().map_or("No incident", |incident| incident.title.as_str());
    let calm = if report.incidents.is_empty() { "calm" } else { "" };
    page.push_str(&format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>\n{}</style>\n\
         </head>\n<body class=\"{calm}\">\n<header>\n",
        html(title),
        include_str!("style.css")
    ));
    page.push_str(&format!("<p class=\"verdict\">{}</p>\n", html(&report.verdict)));
    if report.incidents.is_empty() {
        page.push_str("<h1>No incident</h1>\n");
    }
    for incident in &report.incidents {
        page.push_str(&format!("<h1>{}</h1>\n<p>{}</p>\n", html(&incident.title), badges(incident)));
    }
    page.push_str("</header>\n");
}

fn badges(incident: &Incident) -> String {
    let urgent = if incident.priority <= Priority::P1 { "alarm" } else { "warn" };
    let state = match incident.status {
        Status::Ongoing => "alarm",
        Status::Resolved => "good",
        Status::Unknown => "warn",
    };
    format!(
        "<span class=\"badge {urgent}\">{}</span> <span class=\"badge {state}\">{}</span> {}",
        wording::priority(incident.priority),
        wording::status(incident.status),
        html(&wording::seen_by_users(incident))
    )
}

fn navigation(page: &mut String, blocks: &[Block]) {
    page.push_str("<nav>\n<ul>\n");
    let headings = blocks.iter().filter_map(|block| match block {
        Block::Heading(level, text) if *level <= 2 => Some(text),
        _ => None,
    });
    // Anchors count every heading; those of the list are the first two levels.
    let all = blocks.iter().filter(|block| matches!(block, Block::Heading(..))).enumerate();
    let numbered: Vec<usize> =
        all.filter(|(_, block)| matches!(block, Block::Heading(level, _) if *level <= 2)).map(|(n, _)| n + 1).collect();
    for (text, n) in headings.zip(numbered) {
        page.push_str(&format!("<li><a href=\"#s{n}\">{}</a></li>\n", html(&text.flat())));
    }
    page.push_str("</ul>\n</nav>\n");
}

fn push(page: &mut String, block: &Block, n_headings: &mut usize) {
    match block {
        Block::Title(text) => page.push_str(&format!("<h1>{}</h1>\n", prose(text))),
        Block::Heading(level, text) => {
            *n_headings += 1;
            let level = (level + 1).clamp(2, 4);
            page.push_str(&format!("<h{level} id=\"s{n_headings}\">{}</h{level}>\n", prose(text)));
        }
        Block::Prose(text) => page.push_str(&format!("<p>{}</p>\n", prose(text))),
        Block::List(items) => {
            page.push_str("<ul>\n");
            items.iter().for_each(|item| page.push_str(&format!("<li>{}</li>\n", prose(item))));
            page.push_str("</ul>\n");
        }
        Block::Table { head, rows } => table(page, head, rows),
        Block::Banner { left, right, .. } => {
            page.push_str(&format!("<p><strong>{}</strong> {}</p>\n", html(left), html(right)));
        }
        Block::Row { label, text, aside, .. } => {
            page.push_str(&format!("<p><b>{label}</b> {} <small>{}</small></p>\n", prose(text), html(aside)));
        }
        Block::Quote { at, who, said, times, link: url, .. } => {
            let times = if *times > 1 { format!(" ×{}", count(*times)) } else { String::new() };
            let entry = url.as_deref().and_then(link);
            let entry =
                entry.map_or(String::new(), |url| format!(" <a href=\"{}\" rel=\"noreferrer\">entry</a>", html(&url)));
            page.push_str(&format!(
                "<blockquote><pre>{}</pre><p class=\"where\">{} UTC, {}{times}{entry}</p></blockquote>\n",
                html_lines(said),
                html(at),
                html(who)
            ));
        }
        Block::Command(command) => {
            page.push_str(&format!("<pre class=\"command\"><code>{}</code></pre>\n", html(command)))
        }
        Block::Chart { slots, onset } => {
            let marks = [Mark { at: *onset, name: "onset".to_owned(), class: "onset" }];
            page.push_str(&failures_chart(slots, &marks));
            page.push_str(&requests_chart(slots, &marks));
        }
        Block::Fold { title, blocks } => {
            page.push_str(&format!("<details><summary>{}</summary>\n", prose(title)));
            blocks.iter().for_each(|block| push(page, block, n_headings));
            page.push_str("</details>\n");
        }
    }
}

fn table(page: &mut String, head: &[&str], rows: &[Vec<Text>]) {
    page.push_str(if head.is_empty() { "<table class=\"facts\">\n" } else { "<table>\n" });
    if !head.is_empty() {
        let cells: String = head.iter().map(|name| format!("<th>{name}</th>")).collect();
        page.push_str(&format!("<thead><tr>{cells}</tr></thead>\n"));
    }
    page.push_str("<tbody>\n");
    for row in rows {
        let cell = |(i, text): (usize, &Text)| {
            let name = head.get(i).map_or(String::new(), |name| format!(" data-name=\"{name}\""));
            format!("<td{name}>{}</td>", pieces(text, html_cell))
        };
        page.push_str(&format!("<tr>{}</tr>\n", row.iter().enumerate().map(cell).collect::<String>()));
    }
    page.push_str("</tbody>\n</table>\n");
}

fn prose(text: &Text) -> String {
    pieces(text, html)
}

fn pieces(text: &Text, plain: impl Fn(&str) -> String) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Plain(text) => plain(text),
        Piece::Strong(text) => format!("<strong>{}</strong>", plain(text)),
        Piece::Code(text) => format!("<code>{}</code>", plain(text)),
        Piece::Link { name, url } => match link(url) {
            Some(url) => format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", html(&url), plain(name)),
            None => plain(name),
        },
    };
    text.0.iter().map(piece).collect()
}
