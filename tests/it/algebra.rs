//! The laws of the account: identity, commutativity, associativity, and that a split never shows; for the whole summary,
//! for its parts, and through the binary.

use std::sync::OnceLock;

use crate::binary::{Folder, run};
use firstfault::entry::decode;
use firstfault::framing::Record;
use firstfault::pattern::{Catalogue, Merge, observe};
use firstfault::source::Origin;
use firstfault::summary::{Bounded, Seen, Summary, Tally, Timeline};
use firstfault::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;
use serde_json::Value;

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(Catalogue::builtin)
}

/// What an entry may say: known signatures, unknown failures, frames of a traceback, healthy lines.
const TEXTS: [&str; 14] = [
    r#"connection to server at \"10.1.2.3\", port 5432 failed: Connection refused"#,
    "ModuleNotFoundError: No module named 'stripe_compat'",
    "Container called exit(3).",
    r#"Traceback (most recent call last):"#,
    r#"  File \"/app/main.py\", line 14, in <module>"#,
    "ValueError: 17 is no price",
    "worker 4 lost its lease after 31 ms",
    "worker 9 lost its lease after 7 ms",
    "queue of tenant 12 is stuck",
    "order 1881 priced",
    "Memory limit of 512 MiB exceeded with 531 MiB used.",
    "opening pool through VPC connector acme-connector",
    r#"GET https://mailer.acme.example/send answered 503"#,
    "",
];

/// One record of an export; few values, so that keys meet again.
fn record() -> impl Strategy<Value = String> {
    let when = prop_oneof![30 => 0..2_000_000u64, 1 => Just(900_000_000_000u64)];
    let what = (select(&TEXTS[..]), select(&["INFO", "WARNING", "ERROR", "CRITICAL", ""][..]));
    let who = (select(&["checkout", "storefront", "mailer"][..]), 0..4u8, 0..40u8);
    let shape = (0..10u8, select(&[200u16, 404, 500, 503][..]), 0..1_000_000u32);
    (when, what, who, shape).prop_map(|(ms, (text, severity), (service, instance, trace), (shape, status, id))| {
        let at = Timestamp(1_780_000_000_000_000_000 + ms as i64 * 1_000_000);
        let mut fields = vec![
            format!(r#""insertId":"i{id}","timestamp":"{at}""#),
            format!(
                r#""resource":{{"type":"cloud_run_revision","labels":{{"project_id":"acme-prod","service_name":"{service}","revision_name":"{service}-0000{}"}}}}"#,
                instance % 2
            ),
            format!(r#""labels":{{"instanceId":"00f{service}{instance}"}}"#),
            format!(r#""trace":"projects/acme-prod/traces/{trace:032x}","spanId":"{id:016x}""#),
        ];
        if !severity.is_empty() {
            fields.push(format!(r#""severity":"{severity}""#));
        }
        let log = match shape {
            0..=2 => {
                let http = r#""requestMethod":"GET","latency":"0.25s","protocol":"HTTP/1.1""#;
                let url = format!("https://{service}.acme.example/api/items/{instance}");
                fields.push(format!(r#""httpRequest":{{{http},"requestUrl":"{url}","status":{status}}}"#));
                "run.googleapis.com%2Frequests"
            }
            3 => {
                let payload = format!(r#""methodName":"google.cloud.run.v1.Services.ReplaceService","resourceName":"namespaces/acme-prod/services/{service}""#);
                fields.push(format!(r#""protoPayload":{{"@type":"type.googleapis.com/google.cloud.audit.AuditLog",{payload}}}"#));
                "cloudaudit.googleapis.com%2Factivity"
            }
            4 => {
                fields.push(format!(r#""split":{{"uid":"u{instance}","index":{},"totalSplits":3}},"textPayload":"{text}""#, id % 3));
                "run.googleapis.com%2Fstderr"
            }
            5 => {
                fields.push(format!(r#""jsonPayload":{{"message":"{text}","order":{id}}}"#));
                "run.googleapis.com%2Fstdout"
            }
            _ => {
                fields.push(format!(r#""textPayload":"{text}""#));
                "run.googleapis.com%2Fstderr"
            }
        };
        fields.push(format!(r#""logName":"projects/acme-prod/logs/{log}""#));
        format!("{{{}}}", fields.join(","))
    })
}

/// Records with the place each has in its export, which it keeps in whatever part it is read.
fn export(most: usize) -> impl Strategy<Value = Vec<(u64, String)>> {
    prop::collection::vec(record(), 0..most)
        .prop_map(|records| records.into_iter().enumerate().map(|(i, record)| (i as u64 * 1000, record)).collect())
}

fn summarize<'r>(records: impl IntoIterator<Item = &'r (u64, String)>) -> Summary {
    let mut summary = Summary::default();
    for (offset, record) in records {
        let record = Record { origin: Origin { source: 0, offset: *offset }, bytes: record.as_bytes() };
        decode(record, &mut |entry| {
            if let Some(observation) = observe(catalogue(), &entry) {
                summary.observe(catalogue(), &entry, &observation);
            }
        });
    }
    summary
}

fn value(summary: &impl Serialize) -> Value {
    serde_json::to_value(summary).expect("an account can be written")
}

fn merged<M: Merge>(mut a: M, b: M) -> M {
    a.merge(b);
    a
}

/// Everything that the parts of a summary become, once they are joined.
fn settled(mut summary: Summary) -> (Value, usize) {
    let mined = summary.settle(catalogue());
    (value(&summary), mined.templates.len())
}

/// The three laws of a monoid, for three of its values.
fn is_a_monoid<M: Merge + Clone + Serialize>(a: &M, b: &M, c: &M) -> Result<(), TestCaseError> {
    prop_assert_eq!(value(&merged(M::default(), a.clone())), value(a), "the default is no identity on the left");
    prop_assert_eq!(value(&merged(a.clone(), M::default())), value(a), "the default is no identity on the right");
    let (ab, ba) = (merged(a.clone(), b.clone()), merged(b.clone(), a.clone()));
    prop_assert_eq!(value(&ab), value(&ba), "not commutative");
    let left = merged(ab, c.clone());
    let right = merged(a.clone(), merged(b.clone(), c.clone()));
    prop_assert_eq!(value(&left), value(&right), "not associative");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_summary_is_a_commutative_monoid(records in export(120), cuts in (0.0..1.0, 0.0..1.0)) {
        let cut = |share: f64| (records.len() as f64 * share) as usize;
        let (first, last) = (cut(cuts.0).min(cut(cuts.1)), cut(cuts.0).max(cut(cuts.1)));
        let [a, b, c] = [&records[..first], &records[first..last], &records[last..]].map(summarize);
        is_a_monoid(&a, &b, &c)?;
    }

    #[test]
    fn a_split_never_shows(records in export(200), parts in prop::collection::vec(0..7usize, 200), seed in any::<u64>()) {
        let whole = summarize(&records);
        let mut of_part = vec![Vec::new(); 7];
        for (record, part) in records.iter().zip(&parts) {
            of_part[*part].push(record);
        }
        // Backwards in every second part: the order within a part does not show either.
        let mut summaries: Vec<Summary> = of_part
            .into_iter()
            .enumerate()
            .map(|(i, part)| if i % 2 == 0 { summarize(part) } else { summarize(part.into_iter().rev()) })
            .collect();
        let mut turn = seed as usize;
        while summaries.len() > 1 {
            let part = summaries.swap_remove(turn % summaries.len());
            let into = turn / 7 % summaries.len();
            summaries[into].merge(part);
            turn = turn.wrapping_mul(31).wrapping_add(17);
        }
        let joined = summaries.pop().expect("one is left");
        prop_assert_eq!(value(&joined), value(&whole));
        prop_assert_eq!(settled(joined), settled(whole));
    }

    #[test]
    fn an_account_that_was_written_reads_back(records in export(120)) {
        let summary = summarize(&records);
        let text = serde_json::to_string(&summary).expect("an account can be written");
        let back: Summary = serde_json::from_str(&text).expect("it reads back");
        prop_assert_eq!(value(&back), value(&summary));
    }

    #[test]
    fn every_entry_is_in_one_class_of_the_ledger(records in export(200)) {
        let mut summary = summarize(&records);
        let n_entries = summary.severities.iter().map(|(_, n)| n).sum::<u64>();
        prop_assert_eq!(summary.ledger.entries(), n_entries);
        summary.settle(catalogue());
        let ledger = summary.ledger;
        prop_assert_eq!(n_entries, ledger.matched + ledger.mined + ledger.benign, "{:?}", ledger);
    }
}

/// With so many components and series that less is kept of each.
#[test]
fn a_split_never_shows_among_many_components() {
    let records: Vec<(u64, String)> = (0..4000u64)
        .map(|i| {
            let hash = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (service, ms) = (hash >> 33 & 1023, hash >> 40 & 0x7f_ffff);
            let at = Timestamp(1_780_000_000_000_000_000 + ms as i64 * 1_000_000);
            let place = format!(r#""resource":{{"type":"cloud_run_revision","labels":{{"service_name":"s{service}","revision_name":"r{}"}}}}"#, i % 9);
            let request = format!(r#""httpRequest":{{"requestMethod":"GET","requestUrl":"https://a.example/{}","status":500}}"#, ["a", "b", "c"][i as usize % 3]);
            let told = if i % 2 == 0 { request } else { format!(r#""textPayload":"worker {i} of shop {} is lost""#, ["x", "y"][i as usize / 2 % 2]) };
            (i, format!(r#"{{"insertId":"i{i}","timestamp":"{at}","severity":"ERROR","labels":{{"instanceId":"00f{i}"}},{place},{told}}}"#))
        })
        .collect();
    let mut whole = summarize(&records);
    let unfitted = value(&whole);
    whole.fit();
    assert_ne!(value(&whole), unfitted, "less is kept of each");
    assert!(whole.components.len() > 512);
    for n_parts in [2, 7] {
        let parts = (0..n_parts).map(|part| summarize(records.iter().skip(part).step_by(n_parts)));
        let joined = parts.fold(Summary::default(), merged);
        assert!(value(&joined) == value(&whole), "{n_parts} parts show");
    }
}

/// A map small enough to overflow.
type Few = Bounded<u16, u64, 8>;

fn few(keys: &[u16]) -> Few {
    let mut few = Few::default();
    for key in keys {
        if let Some(n) = few.entry(*key) {
            *n += 1;
        }
    }
    few
}

fn timeline(times: &[i64]) -> Timeline {
    let mut timeline = Timeline::default();
    times.iter().for_each(|at| timeline.add(Timestamp(*at), 1));
    timeline
}

fn seen(times: &[i64]) -> Seen {
    let mut seen = Seen::default();
    times.iter().for_each(|at| seen.add(Timestamp(*at), 1));
    seen
}

/// Times of one outage, with strays anywhere between the ends of time.
fn times() -> impl Strategy<Value = Vec<i64>> {
    let hour = 1_780_000_000_000_000_000..1_780_003_600_000_000_000i64;
    let strays = prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just(0)];
    prop::collection::vec(prop_oneof![20 => hour, 1 => strays], 0..60)
}

/// The one series that all records of a failing service are in.
fn tally(records: &[(u64, String)]) -> Tally {
    let mut tally = Tally::default();
    for (offset, record) in records {
        let record = Record { origin: Origin { source: 0, offset: *offset }, bytes: record.as_bytes() };
        decode(record, &mut |entry| {
            if let Some(observation) = observe(catalogue(), &entry) {
                tally.observe(&entry, &observation);
            }
        });
    }
    tally.finish();
    tally
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bounded_map_is_a_commutative_monoid(a in prop::collection::vec(0..40u16, 0..40), b in prop::collection::vec(0..40u16, 0..40), c in prop::collection::vec(0..40u16, 0..40)) {
        is_a_monoid(&few(&a), &few(&b), &few(&c))?;
        prop_assert_eq!(merged(few(&a), few(&b)), few(&[a, b].concat()));
    }

    #[test]
    fn a_timeline_is_a_commutative_monoid(a in times(), b in times(), c in times()) {
        is_a_monoid(&timeline(&a), &timeline(&b), &timeline(&c))?;
        let whole = timeline(&[a.clone(), b.clone()].concat());
        prop_assert_eq!(merged(timeline(&a), timeline(&b)), whole.clone());
        prop_assert_eq!(whole.slots().map(|(_, _, n)| n).sum::<u64>(), (a.len() + b.len()) as u64);
    }

    #[test]
    fn first_last_and_count_are_a_commutative_monoid(a in times(), b in times(), c in times()) {
        is_a_monoid(&seen(&a), &seen(&b), &seen(&c))?;
        prop_assert_eq!(merged(seen(&a), seen(&b)), seen(&[a, b].concat()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// With its exemplars, values, revisions and instances.
    #[test]
    fn a_tally_is_a_commutative_monoid(records in export(150), cuts in (0.0..1.0, 0.0..1.0)) {
        let cut = |share: f64| (records.len() as f64 * share) as usize;
        let (first, last) = (cut(cuts.0).min(cut(cuts.1)), cut(cuts.0).max(cut(cuts.1)));
        let (a, b, c) = (tally(&records[..first]), tally(&records[first..last]), tally(&records[last..]));
        is_a_monoid(&a, &b, &c)?;
        prop_assert_eq!(merged(a, merged(c, b)), tally(&records));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// Through the binary: shuffled, in one file or in ten, on one thread or on eight.
    #[test]
    fn order_files_and_threads_do_not_show(records in export(300).prop_filter("something to read", |r| !r.is_empty()), order in Just((0..300usize).collect::<Vec<_>>()).prop_shuffle()) {
        // Each at a time of its own: which of two entries of the same nanosecond is quoted is told by where they stand.
        let lines: Vec<String> = records.iter().enumerate().map(|(i, (_, line))| apart(line, i)).collect();
        let shuffled: Vec<&str> = order.iter().filter_map(|i| lines.get(*i)).map(String::as_str).collect();
        let folder = Folder::new("algebra");
        let one = folder.file("one.ndjson", lines.join("\n"));
        let report = run(&[&one, "--format", "json", "--threads", "1"]).ends_with(0);
        let ledger = &report.json()["coverage"]["ledger"];
        prop_assert_eq!((&ledger["unreadable"], &ledger["duplicates"]), (&0.into(), &0.into()), "all is well formed");
        for threads in ["2", "8"] {
            let other = run(&[&one, "--format", "json", "--threads", threads]).ends_with(0);
            prop_assert_eq!(&other.out, &report.out, "{} threads show", threads);
        }
        let array = folder.file("shuffled.json", format!("[{}]", shuffled.join(",\n")));
        let shuffled_report = run(&[&array, "--format", "json"]).ends_with(0);
        prop_assert_eq!(placeless(shuffled_report.json()), placeless(report.json()), "the order shows");
        let size = shuffled.len().div_ceil(10);
        let ten: Vec<String> = shuffled.chunks(size).enumerate().map(|(i, part)| folder.file(&format!("ten/{i}.ndjson"), part.join("\n"))).collect();
        let arguments: Vec<&str> = ten.iter().map(String::as_str).chain(["--format", "json", "--threads", "2"]).collect();
        prop_assert_eq!(placeless(run(&arguments).ends_with(0).json()), placeless(report.json()), "the files show");
    }
}

/// The record with a time and an insertId that no other has.
fn apart(line: &str, i: usize) -> String {
    let at = line.find("Z\"").expect("every record has a time");
    let whole = line[..at].contains('.');
    let (head, tail) = if whole {
        (line[..at].trim_end_matches('0').to_owned(), &line[at..])
    } else {
        (format!("{}.", &line[..at]), &line[at..])
    };
    let digits = head.rsplit('.').next().map_or(0, str::len);
    format!("{head}{:0<pad$}{i:05}{tail}", "", pad = 4usize.saturating_sub(digits)).replacen(
        "\"insertId\":\"i",
        &format!("\"insertId\":\"n{i}i"),
        1,
    )
}

/// A report without what tells where its entries stand.
fn placeless(mut report: Value) -> Value {
    strip(&mut report);
    report
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["source", "offset", "sources", "digest", "bytes"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}
