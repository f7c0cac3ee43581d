//! The quick way through an export, which reads most entries at a glance, gives the same account as reading every entry
//! whole: byte for byte, on the fixtures, on the exports in `FIRSTFAULT_CASES` and on entries of every shape.

#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::OnceLock;

use firstfault::analyze::{self, Options};
use firstfault::entry::{self, Entry, LONG_RECORD, Resources, Shapes, decode};
use firstfault::framing::{Batch, Cutter, Piece, Record};
use firstfault::pattern::{Catalogue, observe};
use firstfault::source::{self, Origin, Source};
use firstfault::summary::{Summary, is_stray};

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(Catalogue::builtin)
}

/// The account, and that of entries whose times cannot be right.
type Accounts = [Summary; 2];

/// The obvious way: every entry whole, and a set of all that were seen.
fn whole(source: &Source) -> Accounts {
    let mut accounts = Accounts::default();
    let mut seen = HashSet::new();
    let reader = source::open(source, &source::Options::default()).expect("it can be read");
    let (mut cutter, mut batch) = (Cutter::new(0, reader), Batch::new());
    // What cannot be read to its end counts as far as it goes, in both ways.
    while cutter.next(&mut batch).unwrap_or(false) {
        for piece in batch.pieces() {
            let Piece::Record(record) = piece else { continue };
            let decoded = decode(record, &mut |mut entry| {
                if record.bytes.len() > LONG_RECORD {
                    entry.cut_names();
                }
                take(&mut accounts, &mut seen, &entry);
            });
            // An empty object holds nothing that could be read.
            if decoded.entries == 0 && record.bytes != b"{}" {
                accounts[0].ledger.unreadable += 1;
            }
        }
    }
    // What is done to an account whenever it is merged, too.
    accounts.iter_mut().for_each(Summary::fit);
    accounts
}

fn take([summary, apart]: &mut Accounts, seen: &mut HashSet<String>, entry: &Entry<'_>) {
    let status = entry.http.as_ref().map(|http| http.status);
    let key = format!("{} {:?} {} {} {status:?}", entry.insert_id, entry.timestamp, entry.log_name, entry.message);
    if !entry.insert_id.is_empty() && !seen.insert(key) {
        summary.ledger.duplicates += 1;
    } else if let Some(observation) = observe(catalogue(), entry) {
        if is_stray(entry, observation.at) {
            apart.observe(catalogue(), entry, &observation);
            apart.note_stray(entry, observation.at);
        } else {
            summary.observe(catalogue(), entry, &observation);
        }
    } else {
        summary.ledger.unreadable += 1;
    }
}

fn quick(source: &Source, threads: usize) -> Accounts {
    let options = Options { threads, ..Options::default() };
    let reading = analyze::read(std::slice::from_ref(source), catalogue(), &options);
    [reading.summary, reading.apart]
}

fn check(source: &Source) {
    let text = |accounts: &Accounts| serde_json::to_string(accounts).expect("they can be written");
    let expected = whole(source);
    for threads in [1, 2] {
        let found = quick(source, threads);
        assert_eq!(found[0].ledger, expected[0].ledger, "{}", source.name());
        assert!(text(&found) == text(&expected), "the accounts of {} differ", source.name());
    }
}

#[test]
fn every_fixture_gives_the_account_of_the_obvious_way() {
    let folders =
        std::fs::read_dir("fixtures").expect("there are fixtures").map(|folder| folder.expect("it is there").path());
    let stories: Vec<PathBuf> = folders.filter(|folder| folder.join("story.toml").exists()).collect();
    let exports = source::expand(&stories).sources;
    let exports: Vec<Source> = exports.into_iter().filter(|source| source.name().contains("/entries")).collect();
    assert!(exports.len() >= 11, "{exports:?}");
    exports.iter().for_each(check);
}

/// Exports that may not be redistributed. Set FIRSTFAULT_CASES to a folder with exports in `real/` and `sim/`.
#[test]
fn every_real_export_gives_the_account_of_the_obvious_way() {
    let Some(cases) = std::env::var_os("FIRSTFAULT_CASES").map(PathBuf::from) else {
        eprintln!("skipped: FIRSTFAULT_CASES is not set");
        return;
    };
    let exports = source::expand(&[cases.join("real"), cases.join("sim")]).sources;
    let mut n = 0;
    // Each tenth of the simulated ones: they are much alike, and the obvious way is slow.
    for source in exports.iter().filter(|source| !source.name().ends_with("truth.json")) {
        let simulated = source.name().contains("/sim/");
        n += usize::from(simulated);
        if !simulated || n % 10 == 0 {
            check(source);
        }
    }
}

/// Labels of an entry of a pod in GKE.
const POD_LABELS: &str = r#""compute.googleapis.com/resource_name":"gke-a-1","k8s-pod/app":"checkout","k8s-pod/pod-template-hash":"7d9f8b6c5d","logging.gke.io/top_level_controller_name":"checkout","logging.gke.io/top_level_controller_type":"Deployment""#;

#[test]
fn an_entry_of_a_pod_is_taken_at_a_glance() {
    let text = format!(
        r#"{{"insertId":"a1","labels":{{{POD_LABELS}}},"logName":"projects/p/logs/stdout","textPayload":"ready"}}"#
    );
    let record = Record { origin: Origin::default(), bytes: text.as_bytes() };
    let glance = entry::glance(record, &Resources::default(), &mut Shapes::default(), &|_| false);
    assert_eq!(glance.expect("it is plain").unread.telling().count(), 10);
}

/// Entries with odd members, odd values and odd order, around the plain shape that a glance takes.
#[test]
fn a_glance_reads_what_a_long_look_reads() {
    let plain = r#"{"insertId":"a1","labels":{"instanceId":"00f","k8s-pod/app":"checkout"},"logName":"projects/acme-prod/logs/run.googleapis.com%2Fstderr","receiveTimestamp":"2026-03-01T10:00:00.5Z","resource":{"labels":{"location":"europe-west1","project_id":"acme-prod","revision_name":"checkout-00001","service_name":"checkout"},"type":"cloud_run_revision"},"severity":"INFO","spanId":"0a","textPayload":"ready","timestamp":"2026-03-01T10:00:00Z","trace":"projects/acme-prod/traces/1f","traceSampled":true}"#;
    let replacements = [
        ("", ""),
        ("\"insertId\":\"a1\",", ""),
        ("\"insertId\":\"a1\"", "\"insertId\":7"),
        ("\"a1\"", "\"a\\u0031\""),
        ("\"insertId\"", "\"insert\\u0049d\""),
        ("\"insertId\"", "\"insert_id\""),
        ("\"severity\":\"INFO\"", "\"severity\":\"INFO\",\"severity\":\"ERROR\""),
        ("\"severity\":\"INFO\"", "\"severity\":200"),
        ("\"severity\":\"INFO\"", "\"severity\":null"),
        ("\"severity\":\"INFO\",", ""),
        ("\"ready\"", "\"rea\\ndy \\\"x\\\"\""),
        ("\"ready\"", "null"),
        (
            "\"textPayload\":\"ready\"",
            "\"jsonPayload\":{\"message\":\"ready\",\"a\":{\"b\":[1,{\"c\":2}]},\"level\":\"warn\"}",
        ),
        (
            "\"textPayload\":\"ready\"",
            "\"jsonPayload\":{\"@type\":\"type.googleapis.com/google.cloud.audit.AuditLog\",\"methodName\":\"m\"}",
        ),
        ("\"textPayload\":\"ready\"", "\"protoPayload\":{\"methodName\":\"m\"}"),
        (
            "\"textPayload\":\"ready\"",
            "\"jsonPayload\":{\"log\":\"x\",\"message\":\"y\",\"msg\":\"z\",\"n\":1,\"o\":{\"p\":[{\"q\":2}]}}",
        ),
        (
            "\"textPayload\":\"ready\"",
            "\"jsonPayload\":{\"message\":\"y\",\"error\":{\"type\":\"E\",\"stack\":\"E: y\"},\"description\":\"d\"}",
        ),
        (
            "\"textPayload\":\"ready\"",
            "\"jsonPayload\":{\"statusDetails\":\"backend_timeout\",\"errors\":[{\"type\":\"E\"}]}",
        ),
        (
            "\"textPayload\":\"ready\"",
            "\"jsonPayload\":{\"message\":\"\",\"text\":null,\"err\":\"gone\",\"exc_info\":\"T\",\"message\":\"late\\n\"}",
        ),
        (
            "\"textPayload\":\"ready\"",
            "\"jsonPayload\":{\"message\":7,\"involvedObject\":{\"name\":\"p\"},\"reason\":\"BackOff\"}",
        ),
        (
            "\"textPayload\":\"ready\"",
            "\"jsonPayload\":{\"healthCheckProbeResult\":{\"healthState\":\"UNHEALTHY\"},\"mess\\u0061ge\":\"x\"}",
        ),
        ("\"textPayload\":\"ready\"", "\"jsonPayload\":\"{\\\"message\\\":\\\"x\\\"}\""),
        (
            "\"textPayload\":\"ready\"",
            "\"httpRequest\":{\"status\":200,\"latency\":\"0.5s\",\"requestUrl\":\"https://a.example/b\\u0026c?d\"}",
        ),
        ("\"labels\":{\"instanceId\"", "\"labels\":{\"x\":1,\"y\":null,\"z\":{},\"instanceId\""),
        ("\"k8s-pod/app\":\"checkout\"", "\"k8s-pod/app\":\"check\\u006fut\""),
        ("\"k8s-pod/app\":\"checkout\"", POD_LABELS),
        ("\"resource\":{", "\"resource\":{\"x\":[{\"y\":\"}\"}],"),
        ("\"type\":\"cloud_run_revision\"", "\"type\":\"cloud_run\\u005frevision\""),
        ("\"type\":\"cloud_run_revision\"", "\"type\":7"),
        ("\"cloud_run_revision\"}", "\"cloud_run_revision\"]"),
        ("\"traceSampled\":true", "\"traceSampled\":true,\"unknown\":{\"timestamp\":\"2020-01-01T00:00:00Z\"}"),
        ("\"traceSampled\":true", "\"operation\":{\"id\":\"o1\",\"first\":true}"),
        ("\"traceSampled\":true", "\"split\":{\"uid\":\"u\",\"index\":0,\"totalSplits\":2}"),
        ("\"traceSampled\":true}", "\"traceSampled\":true} "),
        ("\"traceSampled\":true}", "\"traceSampled\":true},{\"a\":1}"),
        ("\"traceSampled\":true}", "\"traceSampled\":true"),
        (
            "\"textPayload\":\"ready\"",
            "\"jsonPayload\":{\"message\":\"LONG\",\"error\":\"LONG\",\"LONG\":{\"s\":\"LONG\"}}",
        ),
        ("\"labels\":{\"instanceId\"", "\"labels\":{\"x\":\"LONG\",\"instanceId\""),
        ("\"traceSampled\":true", "\"spanId\":\"LONG\""),
        (",", ",\n      "),
        (":", " : "),
    ];
    // What was learned of one record must not mislead about another.
    let mut shapes = [Shapes::default(), Shapes::default()];
    let mut n_plain = 0;
    for (from, to) in replacements {
        let text = plain.replace(from, to).replace("LONG", &"long ".repeat(500));
        let record = Record { origin: Origin { source: 3, offset: 40 }, bytes: text.as_bytes() };
        let mut entries = Vec::new();
        decode(record, &mut |mut entry| {
            if text.len() > LONG_RECORD {
                entry.cut_names();
            }
            entries.push(format!("{entry:?}"));
        });
        let mut known = Resources::default();
        for round in 0..4 {
            let Some(glance) = entry::glance(record, &known, &mut shapes[round / 2], &|_| round < 2) else { continue };
            known.add(glance.unread.resource);
            known.number(glance.unread.resource);
            if let Some(entry) = glance.whole() {
                n_plain += 1;
                assert_eq!([format!("{entry:?}")].as_slice(), entries, "round {round}: {text}");
            }
        }
    }
    assert!(n_plain > 20, "only {n_plain} were plain");
    assert!(
        shapes.iter().all(|shapes| shapes.hits_and_lessons().0 > 20),
        "{:?}",
        shapes.map(|it| it.hits_and_lessons())
    );
}
