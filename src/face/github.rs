//! Annotations of a GitHub workflow: a line for each incident, as a runner reads it from a log.
//!
//! Source: "Workflow commands for GitHub Actions". A value ends at a line end, a title also at a comma or a colon; these and `%` are
//! written as `%XX`.

use super::escape::{cut, terminal};
use crate::report::wording;
use crate::report::{Priority, Report};

/// Characters of an annotation: longer ones are cut by the page anyway.
const MESSAGE: usize = 1000;

/// Characters of a title.
const TITLE: usize = 200;

/// An error for each incident of priority P0 to P2, a warning for any other, and a notice when there is none.
pub(super) fn render(report: &Report) -> String {
    if report.incidents.is_empty() {
        return annotation("notice", "firstfault", &report.verdict);
    }
    let line = |incident: &crate::report::Incident| {
        let level = if incident.priority.reaches(Priority::P2) { "error" } else { "warning" };
        let cause = incident.causes.first().map_or(String::new(), |cause| {
            format!("; first cause: {}, {} (confidence {:.2})", cause.component, cause.title, cause.confidence)
        });
        let until = incident.end.map_or("goes on".to_owned(), |end| format!("until {end}"));
        let title = format!("{} {}", wording::priority(incident.priority), incident.title);
        annotation(level, &title, &format!("since {}, {until}{cause}", incident.start))
    };
    report.incidents.iter().map(line).collect()
}

fn annotation(level: &str, title: &str, message: &str) -> String {
    format!("::{level} title={}::{}\n", property(&cut(title, TITLE)), data(&cut(message, MESSAGE)))
}

/// A message: one line without control characters, and nothing that would be read as an escape.
fn data(text: &str) -> String {
    terminal(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_command_of_the_runner() {
        let line = annotation("error", "a,b: c\n::set-output name=x::y", "50 %\n::error::no");
        assert_eq!(line.lines().count(), 1);
        assert!(line.starts_with("::error title=a%2Cb%3A c %3A%3Aset-output name=x%3A%3Ay::50 %25 ::error"), "{line}");
    }
}
