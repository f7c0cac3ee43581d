//! Entries of a log, one readable line each.

use super::escape::{cut, link, terminal};
use super::terminal::Options;

/// Columns of the name of a service.
const NAME: usize = 20;

/// An entry to show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// When it could be known.
    pub at: crate::time::Timestamp,
    /// Where it stands: the number of its source, and the byte.
    pub place: (u32, u64),
    /// What wrote it.
    pub component: String,
    /// Its severity, recorded or read from the text.
    pub severity: String,
    /// The instance that wrote it; empty when none is known.
    pub instance: String,
    /// Its text.
    pub message: String,
    /// True for an entry that shows the cause.
    pub is_cause: bool,
    /// True for one that fails in another way.
    pub fails: bool,
    /// Logs Explorer.
    pub link: Option<String>,
    /// The entry as it was logged.
    pub raw: String,
}

/// The entries in lines of at most `options.width` columns: `▶` marks those that show the cause, `!` others that fail.
pub fn lines(entries: &[Shown], options: &Options) -> String {
    entries.iter().map(|entry| line(entry, options)).collect()
}

fn line(entry: &Shown, options: &Options) -> String {
    let mark = match (entry.is_cause, entry.fails) {
        (true, _) => "▶",
        (_, true) => "!",
        _ => " ",
    };
    let text: Vec<&str> = entry.message.split_whitespace().collect();
    let at = entry.at.to_string();
    let clock: String = at.split('T').nth(1).unwrap_or_default().trim_end_matches('Z').chars().take(12).collect();
    let instance = short_instance(&entry.instance);
    let head = format!("{mark} {clock:<12} ");
    let rest = format!("{:<NAME$} {:<8} {instance}{}", cut(&entry.component, NAME), entry.severity, text.join(" "));
    let rest = cut(&terminal(&rest), options.width.saturating_sub(head.chars().count()).max(NAME)).into_owned();
    let head = match entry.link.as_deref().and_then(link).filter(|_| options.links) {
        Some(url) => format!("\u{1b}]8;;{url}\u{1b}\\{head}\u{1b}]8;;\u{1b}\\"),
        None => head,
    };
    let ink = match (entry.is_cause, entry.fails) {
        (true, _) => "1;35",
        (_, true) => "31",
        _ => "",
    };
    let rest = if options.color && !ink.is_empty() { format!("\u{1b}[{ink}m{rest}\u{1b}[0m") } else { rest };
    format!("{}\n", format!("{head}{rest}").trim_end())
}

/// The end of an instance's name, by which people tell them apart.
fn short_instance(instance: &str) -> String {
    let end: Vec<char> = instance.chars().rev().take(6).collect();
    if end.is_empty() { String::new() } else { format!("{} ", end.into_iter().rev().collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_marks_what_matters() {
        let entry = Shown {
            at: crate::time::Timestamp::parse("2026-02-03T10:00:01.25Z").expect("a time"),
            place: (0, 7),
            component: "a-service-with-a-name-that-is-long".into(),
            severity: "ERROR".into(),
            instance: "00bf4bf02d".into(),
            message: "first\nsecond \u{1b}[2J".into(),
            is_cause: true,
            fails: true,
            link: None,
            raw: String::new(),
        };
        let shown = lines(&[entry], &Options::default());
        assert_eq!(shown.lines().count(), 1);
        assert!(shown.starts_with("▶ 10:00:01.25") && shown.contains("4bf02d first second"), "{shown}");
        assert!(!shown.contains('\u{1b}'));
    }
}
