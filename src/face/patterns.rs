//! The list of failing patterns: as a table for a terminal, as JSON, as CSV for notebooks and spreadsheets.

use super::chart;
use super::escape::{cut, spreadsheet, terminal};
use super::json;
use crate::report::patterns::{Pattern, Patterns};
use crate::report::wording::{count, counted};

/// Columns of the sparkline on a terminal.
const SPARK: usize = 12;

/// Narrower terminals get lines of this width: what stands before the services.
const MIN_WIDTH: usize = 60;

/// Titles stand below their counts.
const INDENT: &str = "          ";

/// Services named in a row of the table.
const FEW_SERVICES: usize = 2;

/// The list as a JSON document that ends with a newline.
pub fn json(patterns: &Patterns) -> String {
    json::document(patterns)
}

/// The list as CSV (RFC 4180) with a header; a text that a spreadsheet would calculate gets an apostrophe in front.
pub fn csv(patterns: &Patterns) -> String {
    let mut out = "pattern,title,layer,severity,novelty,count,first,last,services\n".to_owned();
    for pattern in &patterns.patterns {
        let services: Vec<String> = pattern.services.iter().map(|(name, n)| format!("{name}={n}")).collect();
        let cells = [
            pattern.pattern.clone(),
            pattern.title.clone(),
            crate::report::wording::layer(pattern.layer).to_owned(),
            pattern.severity.clone(),
            pattern.novelty.name().to_owned(),
            pattern.count.to_string(),
            pattern.first.to_string(),
            pattern.last.to_string(),
            services.join(" "),
        ];
        out.push_str(&csv_row(&cells));
    }
    out
}

/// A line of CSV.
pub fn csv_row(cells: &[String]) -> String {
    let cell = |text: &String| {
        let text = spreadsheet(&terminal(text)).into_owned();
        if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\n"
}

/// The list in lines of at most `width` columns, two for each pattern.
pub fn table(patterns: &Patterns, width: usize) -> String {
    if patterns.patterns.is_empty() {
        return "no such pattern\n".to_owned();
    }
    let width = width.max(MIN_WIDTH);
    let rows = patterns.patterns.iter().map(|pattern| lines(pattern, width));
    let head = format!(
        "{:>8}  {:<8} {:<8}  {:<9} {:<7}  {:<SPARK$}  SERVICES\n",
        "COUNT", "FIRST", "LAST", "SEVERITY", "NOVELTY", "TREND"
    );
    head + &rows.collect::<String>() + &foot(patterns)
}

fn foot(patterns: &Patterns) -> String {
    let entries = patterns.patterns.iter().map(|pattern| pattern.count).fold(0, u64::saturating_add);
    let n = patterns.patterns.len() as u64;
    format!("{}, {}\n", counted(n, "pattern", "patterns"), counted(entries, "failing entry", "failing entries"))
}

fn lines(pattern: &Pattern, width: usize) -> String {
    let services: Vec<String> =
        pattern.services.keys().take(FEW_SERVICES).map(|name| terminal(name).into_owned()).collect();
    let more = pattern.services.len().saturating_sub(FEW_SERVICES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let per_column = pattern.timeline.len().div_ceil(SPARK).max(1);
    let trend: Vec<u64> = pattern.timeline.chunks(per_column).map(|slots| slots.iter().sum()).collect();
    let head = format!(
        "{:>8}  {} {}  {:<9} {:<7}  {}  {}{more}",
        count(pattern.count),
        pattern.first.clock(),
        pattern.last.clock(),
        pattern.severity,
        pattern.novelty.name(),
        chart::heights(&trend),
        services.join(", ")
    );
    let title = terminal(&pattern.title).into_owned();
    format!("{}\n{INDENT}{}\n", cut(&head, width), cut(&title, width - INDENT.len()))
}
