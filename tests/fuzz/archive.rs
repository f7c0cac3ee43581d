//! Summary archives: refused with a message, or good for a report, whatever somebody wrote into them.

use std::sync::OnceLock;

use firstfault::analyze::{self, Reading};
use firstfault::face::{Face, Options, render};
use firstfault::summary::archive;

use crate::edits::{Document, assert_plain};
use crate::observe::catalogue;
use crate::pipeline;

/// An even first byte: the rest is the file. An odd one: the rest edits the account of a small export.
pub(crate) fn run(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else { return };
    let reading = if pick % 2 == 0 {
        archive::read::<Reading>(bytes).map_err(|error| error.to_string())
    } else {
        let edited = document().edited(bytes).to_string();
        serde_json::from_str(&edited).map_err(|error| error.to_string())
    };
    match reading {
        Err(message) => assert!(!message.is_empty()),
        Ok(reading) => concludes(reading),
    }
}

/// Alone and together with an honest account, it gives a report.
fn concludes(reading: Reading) {
    let honest = || serde_json::from_value(document().edited(&[])).expect("it was just written");
    let baseline = analyze::baseline(honest(), catalogue());
    let joined = Reading::join(vec![reading, honest()]);
    let report = analyze::conclude(joined, catalogue(), Some(&baseline));
    for face in [Face::Verbose, Face::Markdown, Face::Html] {
        assert_plain("a face of an archive", &render(&report, face, &Options::default()));
    }
}

fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let reading = pipeline::read(pipeline::OUTAGE.as_bytes());
        assert!(reading.summary.ledger.mined > 0 && reading.summary.ledger.matched > 0, "{:?}", reading.summary.ledger);
        Document::new(serde_json::to_value(&reading).expect("an account can be written"))
    })
}

/// Edits that no reader would take test only the reader.
#[test]
fn many_edits_are_taken() {
    let mut made = crate::corpus::Made::new(crate::corpus::kept("archive"));
    let taken = (0..200).filter(|_| {
        let edited = document().edited(made.next().get(1..).unwrap_or_default());
        serde_json::from_value::<Reading>(edited).is_ok()
    });
    let n = taken.count();
    assert!(n > 40, "{n} of 200");
}

/// Found by this target: counts overflowed where accounts meet. A negative latency ends before it starts.
#[test]
fn counts_and_latencies_that_cannot_be_are_refused() {
    let account = document().edited(&[]).to_string();
    for (right, wrong, reason) in [
        ("\"matched\":", "281474976710656", "a count of 281474976710656"),
        ("\"inferred\":", "18446744073709551615", "a count of 18446744073709551615"),
        ("\"latency_ns\":", "-1", "a latency of -1 ns"),
    ] {
        let at = account.find(right).expect("the account has it") + right.len();
        let end = at + account[at..].find([',', '}']).expect("a number ends");
        let error = serde_json::from_str::<Reading>(&format!("{}{wrong}{}", &account[..at], &account[end..]));
        let error = error.expect_err(right).to_string();
        assert!(error.starts_with(reason), "{error}");
    }
}
