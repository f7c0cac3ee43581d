//! Template mining: counts add up, a split never shows, and every message finds its template.

use firstfault::pattern::Merge;
use firstfault::pattern::template::{self, Templates};
use firstfault::pattern::traceback;
use serde::Serialize;
use serde_json::Value;

type Mined = Templates<u8, u64>;

/// The first byte picks the cap and the split; every further line is a message, its first byte the scope.
pub(crate) fn run(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else { return };
    // Half as many scopes as keys are kept: room for the three that there are.
    let cap = if pick & 1 == 0 { template::CAP } else { 6 + usize::from(pick >> 4) };
    let text = String::from_utf8_lossy(bytes);
    let messages: Vec<(u8, &str)> = text.split('\n').map(|line| (line.bytes().next().unwrap_or(0) % 3, line)).collect();
    let whole = mine(cap, &messages);
    let (left, right) = messages.split_at(usize::from(pick >> 1) % (messages.len() + 1));
    let (a, b) = (mine(cap, left), mine(cap, right));
    assert_eq!(value(&merged(a.clone(), b.clone())), value(&whole), "a split shows");
    assert_eq!(value(&merged(b, a)), value(&whole), "the order of a merge shows");
    let read_back: Mined = serde_json::from_value(value(&whole)).expect("what was written is read");
    assert_eq!(value(&read_back), value(&whole), "an archive changes it");
    settles(whole, &messages);
    reads_tracebacks(&text);
}

fn settles(whole: Mined, messages: &[(u8, &str)]) {
    let settled = whole.settle();
    assert_eq!(settled.templates.iter().map(|mined| mined.count).sum::<u64>(), messages.len() as u64);
    assert_eq!(settled.templates.iter().map(|mined| mined.value).sum::<u64>(), messages.len() as u64);
    let mut finder = settled.finder();
    for (scope, message) in messages {
        let mined = finder.find(scope, message).unwrap_or_else(|| panic!("{message:?} has no template"));
        assert_eq!(mined.scope, *scope);
    }
}

/// A message with many lines: it may be a traceback.
fn reads_tracebacks(text: &str) {
    if let Some(traceback) = traceback::read(text) {
        assert!(traceback.key().len() <= text.len() * 2 + 200, "a key is no longer than what it is made of");
    }
    traceback::headline(text);
    let lines: Vec<&str> = text.lines().collect();
    let spans = traceback::spans(&lines);
    assert!(spans.iter().all(|span| span.end <= lines.len()));
    let [method, url, ..] = &lines[..] else { return };
    template::route(method, url, lines.len() as u16);
}

fn mine(cap: usize, messages: &[(u8, &str)]) -> Mined {
    let mut mined = Mined::with_cap(cap);
    messages.iter().for_each(|(scope, message)| *mined.observe(scope, message) += 1);
    mined
}

fn merged<M: Merge>(mut a: M, b: M) -> M {
    a.merge(b);
    a
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).expect("it can be written")
}
