//! Profiles: read, or refused with the line; what is read can be applied and shown.

use firstfault::check::profile::Profile;
use firstfault::face::{Face, Options, json, render};

use crate::report_example;

/// The input is a file.
pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let n_lines = text.matches('\n').count() + 1;
    let profile = match Profile::parse("firstfault.toml", &text) {
        Ok(profile) => profile,
        Err(error) => {
            assert!((1..=n_lines).contains(&error.line), "line {} of {n_lines}: {error}", error.line);
            return;
        }
    };
    profile.check();
    let mut report = report_example::report();
    profile.apply(&mut report);
    let text = json::render(&report);
    assert_eq!(json::parse(&text).expect("what was written is read"), report);
    for face in [Face::Verbose, Face::Markdown, Face::Html] {
        crate::edits::assert_plain("a face with a profile", &render(&report, face, &Options::default()));
    }
}

#[test]
fn the_kept_profile_is_a_good_one() {
    let text = include_str!("../../fixtures/fuzz/profile/whole.toml.txt");
    Profile::parse("firstfault.toml", text).unwrap_or_else(|error| panic!("{error}"));
}
