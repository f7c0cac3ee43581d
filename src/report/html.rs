//! The report as one HTML file.

use super::Report;

/// The report as an HTML document.
pub fn render(report: &Report) -> String {
    super::escape::html(&report.verdict)
}
