//! A report of an invented outage, whole in every field: a VPC connector keeps a service from its database.

use std::collections::BTreeMap;

use firstfault::entry::ComponentKind;
use firstfault::pattern::Layer;
use firstfault::report::*;
use firstfault::time::{SECOND, Timestamp};

const SERVICE: &str = "checkout";
const CONNECTOR: &str = "acme-prod/europe-west1/serverless-euw1";
const DATABASE: &str = "acme-prod:europe-west1:orders-db";
const FILE: &str = "export.json";

/// The report.
pub(crate) fn report() -> Report {
    Report {
        schema: SCHEMA.into(),
        tool_version: "0.1.0".into(),
        coverage: coverage(),
        verdict: "The VPC connector serverless-euw1 stopped reaching Cloud SQL orders-db at 11:48:02 UTC; checkout cannot \
                  start since and answers 503."
            .into(),
        incidents: vec![incident()],
        notes: Vec::new(),
        noise: vec![Noise {
            signature: "template:slow consumer <n> ms".into(),
            title: "slow consumer <n> ms".into(),
            component: "mailer".into(),
            count: 58,
            reason: "as frequent before the onset (1.1 a minute) as after it (1.2 a minute)".into(),
        }],
        patterns: patterns(),
        gaps: vec![
            Gap {
                text: "No serial or connector metrics are in the export; they would tell whether the connector's instances were \
                       overloaded or gone."
                    .into(),
                command: Some(
                    "gcloud compute networks vpc-access connectors describe serverless-euw1 --region=europe-west1 \
                     --project=acme-prod"
                        .into(),
                ),
            },
            Gap {
                text: "No Cloud SQL logs are in the export; they would tell whether the instance refused connections.".into(),
                command: Some(
                    "gcloud logging read 'resource.type=\"cloudsql_database\" AND timestamp>=\"2026-03-02T11:33:00Z\" AND \
                     timestamp<=\"2026-03-02T12:21:40Z\"' --project=acme-prod --format=json"
                        .into(),
                ),
            },
        ],
        given: None,
        earlier_known: None,
    }
}

/// `HH:MM:SS.mmm` of the day of the outage.
pub(crate) fn at(clock: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-03-02T{clock}Z")).expect("a clock time")
}

fn coverage() -> Coverage {
    Coverage {
        entries: 4812,
        bytes: 6_291_456,
        first: Some(at("11:30:04.112")),
        last: Some(at("12:21:40.551")),
        sources: vec![SourceCoverage {
            name: FILE.into(),
            format: "json array, gzip".into(),
            entries: 4812,
            bytes: 6_291_456,
            digest: "xxh3:8f14e45fceea167a".into(),
            error: None,
        }],
        malformed: vec![LostRange {
            source: FILE.into(),
            offset: 5_120_004,
            len: 311,
            reason: "unterminated string".into(),
        }],
        malformed_bytes: 311,
        duplicates: 4,
        severities: counts(&[("DEFAULT", 1703), ("INFO", 1788), ("WARNING", 61), ("ERROR", 1260)]),
        severity_inferred: 412,
        logs: counts(&[
            ("run.googleapis.com/requests", 1980),
            ("run.googleapis.com/stderr", 2316),
            ("run.googleapis.com/varlog/system", 504),
            ("cloudaudit.googleapis.com/activity", 12),
        ]),
        ledger: Ledger {
            matched: 1198,
            mined: 120,
            benign: 3489,
            unreadable: 1,
            duplicates: 4,
            outside: 0,
            strays: 0,
            parts: 0,
        },
        strays: None,
        warnings: vec![Warning {
            code: "no_database_log".into(),
            text: "the export holds no entry of Cloud SQL itself: what is said of it comes from its clients".into(),
        }],
        limits_reached: vec![],
    }
}

fn incident() -> Incident {
    Incident {
        id: "I1".into(),
        fingerprint: "ff1-3fa9c27be01d".into(),
        title: "checkout cannot start: connections to Cloud SQL time out".into(),
        status: Status::Ongoing,
        priority: Priority::P0,
        priority_rule: "a service answers nothing: 951 of 982 requests to checkout failed".into(),
        start: at("11:48:02.114"),
        end: None,
        failure_entries: 1260,
        episodes: vec![Episode { start: at("11:48:02.114"), end: at("12:21:40.551"), failure_entries: 1260 }],
        affected: affected(),
        causes: vec![first_cause(), second_cause()],
        chain: chain(),
        ruled_out: ruled_out(),
        timeline: timeline(),
        changes: changes(),
        moments: moments(),
        restarts: Some(RestartLoop {
            component: SERVICE.into(),
            exits: 15,
            instances: 15,
            exit_codes: counts(&[("3", 15)]),
            period_s: Some(132.0),
            boots: 15,
            boots_agreeing: 14,
            text: "14 of 15 boots begin with the connection timeout to orders-db; the other begins with the exit"
                .into(),
        }),
        contrast: Some(Contrast {
            component: "checkout".to_owned(),
            failed: 40,
            others: 200,
            shared: vec![SharedValue {
                dimension: "revision".to_owned(),
                value: "checkout-00042-abc".to_owned(),
                failed: 40,
                others: 3,
            }],
            not_shared: vec!["client".to_owned()],
            sentences: vec![
                "40 of 40 failed requests to checkout have the revision checkout-00042-abc, 3 of 200 others do"
                    .to_owned(),
                "failed requests do not differ from others by client".to_owned(),
            ],
        }),
        uncovered: Vec::new(),
        regression: None,
    }
}

fn affected() -> Vec<Affected> {
    let route = |route: &str, kind: &str, requests, failures| RouteCount {
        route: route.into(),
        kind: kind.into(),
        requests,
        failures,
    };
    vec![
        Affected {
            component: SERVICE.into(),
            kind: ComponentKind::Service,
            failure_entries: 1204,
            requests: 982,
            failures: 951,
            refused: 0,
            availability: Some(31.0 / 982.0),
            availability_interval: Some((0.0223, 0.0445)),
            restarts: 15,
            routes: vec![
                route("POST /api/orders", "http", 612, 598),
                route("GET /ws/orders/<id>", "websocket", 210, 210),
                route("GET /api/orders/<id>", "http", 119, 102),
                route("GET /healthz", "health", 41, 41),
            ],
        },
        Affected {
            component: "storefront".into(),
            kind: ComponentKind::Service,
            failure_entries: 56,
            requests: 640,
            failures: 56,
            refused: 0,
            availability: Some(584.0 / 640.0),
            availability_interval: Some((0.8881, 0.9322)),
            restarts: 0,
            routes: vec![route("POST /cart/checkout", "http", 71, 56)],
        },
    ]
}

fn first_cause() -> Cause {
    Cause {
        rank: 1,
        component: CONNECTOR.into(),
        component_kind: ComponentKind::Network,
        aliases: vec!["serverless-euw1".into()],
        layer: Layer::Network,
        signature: "vpc.connector-sql-timeout".into(),
        title: "The VPC connector does not carry connections to Cloud SQL: they time out after 20.0 s".into(),
        words: None,
        confidence: 0.91,
        score: 4.37,
        features: vec![
            feature("reach", 0.97, 2.0, "1,222 of 1,260 failing entries follow from it"),
            feature("first", 1.0, 1.2, "nothing in the incident was known earlier"),
            feature("boots", 0.93, 0.8, "14 of 15 boots begin with it"),
            feature("symptom", 0.0, -1.5, "its role is cause"),
            feature("novelty", 1.0, 0.486, "not seen in the 18 minutes before the onset"),
        ],
        first_seen: at("11:48:02.114"),
        count: 120,
        explains: 1222,
        trigger: Some(Trigger {
            at: at("11:41:10.200"),
            what: "google.cloud.vpcaccess.v1.VpcAccessService.UpdateConnector".into(),
            title: "A VPC connector was changed".into(),
            resource: CONNECTOR.into(),
            actor: Some("deployer@acme-prod.iam.gserviceaccount.com".into()),
            evidence: evidence(
                "aud-0007",
                "11:41:10.200",
                "cloudaudit.googleapis.com/activity",
                "NOTICE",
                CONNECTOR,
                911_204,
                "UpdateConnector maxInstances: 10 → 2",
            ),
        }),
        evidence: vec![
            evidence(
                "tmo-0001",
                "11:48:02.114",
                "run.googleapis.com/stderr",
                "ERROR",
                SERVICE,
                1_803_441,
                "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at \"10.20.0.3\", port 5432 failed: timeout expired after 20.0 s",
            ),
            evidence(
                "tmo-0002",
                "11:48:02.480",
                "run.googleapis.com/stderr",
                "ERROR",
                SERVICE,
                1_806_202,
                "init phase database timed out after 20.0 s (vpc egress via serverless-euw1)",
            ),
            evidence(
                "tmo-0051",
                "12:04:31.007",
                "run.googleapis.com/stderr",
                "DEFAULT",
                SERVICE,
                3_611_870,
                "dial tcp 10.20.0.3:5432: i/o timeout",
            ),
        ],
        against: vec!["No entry of the connector itself is in the export; it is named by its victims only.".into()],
        why_not: None,
        actions: vec![
            action(
                Tier::Now,
                "network",
                "Look at the connector's state and throughput, and give it back its instances.",
                Some(
                    "gcloud compute networks vpc-access connectors describe serverless-euw1 --region=europe-west1 --project=acme-prod",
                ),
            ),
            action(
                Tier::Now,
                "checkout",
                "Roll back to the last revision only if the connector is healthy: the revision did not change.",
                None,
            ),
            action(
                Tier::Next,
                "database",
                "Check that the instance is runnable and has connections left.",
                Some(
                    "gcloud sql instances describe orders-db --project=acme-prod --format='value(state,settings.ipConfiguration)'",
                ),
            ),
            action(
                Tier::Later,
                "checkout",
                "Start without the database and report not-ready instead of exiting, so that a network fault does not become a restart loop.",
                None,
            ),
        ],
    }
}

fn second_cause() -> Cause {
    Cause {
        rank: 2,
        component: DATABASE.into(),
        component_kind: ComponentKind::Database,
        aliases: vec!["10.20.0.3:5432".into()],
        layer: Layer::Database,
        signature: "cloudsql.unreachable".into(),
        title: "Cloud SQL does not answer".into(),
        words: None,
        confidence: 0.07,
        score: 2.9,
        features: vec![feature("reach", 0.97, 2.0, "1,222 of 1,260 failing entries follow from it")],
        first_seen: at("11:48:02.114"),
        count: 120,
        explains: 1222,
        trigger: None,
        evidence: vec![evidence(
            "tmo-0051",
            "12:04:31.007",
            "run.googleapis.com/stderr",
            "DEFAULT",
            SERVICE,
            3_611_870,
            "dial tcp 10.20.0.3:5432: i/o timeout",
        )],
        against: vec!["A client outside the connector (mailer) used it through the whole incident.".into()],
        why_not: Some("mailer, which does not go through the connector, kept using it".into()),
        actions: vec![],
    }
}

fn chain() -> Vec<Link> {
    let link = |signature: &str, title: &str, component: &str, first: &str, count, lag_s, basis: Basis| Link {
        signature: signature.into(),
        title: title.into(),
        component: component.into(),
        first_seen: at(first),
        count,
        lag_s,
        basis,
    };
    vec![
        link(
            "vpc.connector-sql-timeout",
            "connection to Cloud SQL times out",
            CONNECTOR,
            "11:48:02.114",
            120,
            0.0,
            Basis::Observed,
        ),
        link("app.init-timeout", "database init phase times out", SERVICE, "11:48:02.480", 60, 0.366, Basis::Observed),
        link("container.exit", "container exits with code 3", SERVICE, "11:48:03.902", 15, 1.422, Basis::Observed),
        link("run.startup-probe", "startup probe fails", SERVICE, "11:48:21.410", 43, 17.508, Basis::Observed),
        link("run.503", "requests answered 503", SERVICE, "11:48:24.077", 741, 2.667, Basis::Observed),
        link("ws.upgrade-failed", "WebSocket upgrades fail", SERVICE, "11:48:25.300", 210, 1.223, Basis::Inferred),
        link("http.502", "checkout calls fail in storefront", "storefront", "11:48:31.902", 56, 6.602, Basis::Inferred),
    ]
}

fn ruled_out() -> Vec<RuledOut> {
    vec![
        RuledOut {
            layer: Layer::Database,
            text: "mailer used orders-db without the connector through the whole incident (312 queries, none failed)".into(),
            evidence: vec![evidence("mail-0911", "12:10:02.000", "run.googleapis.com/stderr", "INFO", "mailer", 4_002_117,
                "sent 20 mails, orders-db query 12 ms")],
        },
        RuledOut {
            layer: Layer::Platform,
            text: "no entry tells of memory, quota or scheduling: 504 platform entries read".into(),
            evidence: vec![],
        },
        RuledOut {
            layer: Layer::Application,
            text: "the revision checkout-00042-abc served 410 requests without failure before the onset and did not change".into(),
            evidence: vec![evidence("req-0410", "11:47:58.200", "run.googleapis.com/requests", "INFO", SERVICE, 1_790_004, "POST /api/orders 200")],
        },
    ]
}

fn timeline() -> Vec<Slot> {
    let failures = [0u64, 0, 0, 1, 0, 0, 0, 0, 0, 22, 41, 44, 39, 52, 61, 58, 40, 37, 33, 61, 55, 48, 30, 36];
    let start = at("11:30:00");
    let slot = |(i, n): (usize, &u64)| {
        let mut counts = counts(&[("application", *n / 2), ("network", *n / 10), ("platform", n - n / 2 - n / 10)]);
        counts.insert("requests".into(), 60 + (i as u64 % 5));
        counts.insert("request_failures".into(), (*n).min(60));
        Slot { start: start.plus(i as i64 * 120 * SECOND), width_s: 120.0, counts }
    };
    failures.iter().enumerate().map(slot).collect()
}

fn changes() -> Vec<Change> {
    vec![
        Change {
            at: at("11:41:10.200"),
            what: "google.cloud.vpcaccess.v1.VpcAccessService.UpdateConnector".into(),
            title: "A VPC connector was changed".into(),
            resource: CONNECTOR.into(),
            actor: Some("deployer@acme-prod.iam.gserviceaccount.com".into()),
            before_onset_s: 411.914,
            part: Part::Trigger,
            text: "it changed the component of the first cause 6 min 52 s before the onset".into(),
            evidence: evidence(
                "aud-0007",
                "11:41:10.200",
                "cloudaudit.googleapis.com/activity",
                "NOTICE",
                CONNECTOR,
                911_204,
                "UpdateConnector maxInstances: 10 → 2",
            ),
        },
        Change {
            at: at("11:44:00.000"),
            what: "google.cloud.run.v1.Services.ReplaceService".into(),
            title: "A Cloud Run service was deployed".into(),
            resource: "mailer".into(),
            actor: None,
            before_onset_s: 242.114,
            part: Part::Unrelated,
            text: "mailer has no path to what failed".into(),
            evidence: evidence(
                "aud-0009",
                "11:44:00.000",
                "cloudaudit.googleapis.com/activity",
                "NOTICE",
                "mailer",
                1_100_870,
                "ReplaceService mailer",
            ),
        },
    ]
}

fn moments() -> Vec<Moment> {
    let moment =
        |clock: &str, kind: Event, text: &str, evidence| Moment { at: at(clock), kind, text: text.into(), evidence };
    vec![
        moment(
            "11:30:04.112",
            Event::Before,
            "first entry of the export; checkout answers",
            Some(evidence(
                "req-0001",
                "11:30:04.112",
                "run.googleapis.com/requests",
                "INFO",
                SERVICE,
                2,
                "GET /healthz 200",
            )),
        ),
        moment(
            "11:41:10.200",
            Event::Change,
            "UpdateConnector on serverless-euw1",
            Some(evidence(
                "aud-0007",
                "11:41:10.200",
                "cloudaudit.googleapis.com/activity",
                "NOTICE",
                CONNECTOR,
                911_204,
                "UpdateConnector maxInstances: 10 → 2",
            )),
        ),
        moment(
            "11:48:02.114",
            Event::Onset,
            "first connection to orders-db times out",
            Some(evidence(
                "tmo-0001",
                "11:48:02.114",
                "run.googleapis.com/stderr",
                "ERROR",
                SERVICE,
                1_803_441,
                "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at \"10.20.0.3\", port 5432 failed: timeout expired after 20.0 s",
            )),
        ),
        moment(
            "11:48:03.902",
            Event::Symptom,
            "checkout exits with code 3 for the first time",
            Some(evidence(
                "sys-0001",
                "11:48:03.902",
                "run.googleapis.com/varlog/system",
                "WARNING",
                SERVICE,
                1_811_900,
                "Container called exit(3).",
            )),
        ),
        moment(
            "11:48:24.077",
            Event::Symptom,
            "first 503",
            Some(evidence(
                "req-0500",
                "11:48:24.077",
                "run.googleapis.com/requests",
                "ERROR",
                SERVICE,
                1_842_009,
                "POST /api/orders 503",
            )),
        ),
        moment("12:21:40.551", Event::LastFailure, "last entry of the export is a failure", None),
    ]
}

fn patterns() -> Vec<PatternCount> {
    let pattern = |signature: &str,
                   title: &str,
                   component: &str,
                   layer,
                   severity: &str,
                   count,
                   values: &[(&str, &[(&str, u64)])],
                   incident: Option<&str>| PatternCount {
        signature: signature.into(),
        title: title.into(),
        component: component.into(),
        layer,
        severity: severity.into(),
        count,
        first: at("11:48:02.114"),
        last: at("12:21:40.551"),
        values: values.iter().map(|(name, found)| (name.to_string(), counts(found))).collect(),
        incident: incident.map(String::from),
    };
    vec![
        pattern(
            "run.503",
            "requests answered 503",
            SERVICE,
            Layer::Platform,
            "ERROR",
            741,
            &[("status", &[("503", 741)])],
            Some("I1"),
        ),
        pattern(
            "ws.upgrade-failed",
            "WebSocket upgrades fail",
            SERVICE,
            Layer::Application,
            "ERROR",
            210,
            &[],
            Some("I1"),
        ),
        pattern(
            "vpc.connector-sql-timeout",
            "connection to Cloud SQL times out",
            CONNECTOR,
            Layer::Network,
            "ERROR",
            120,
            &[("timeout_s", &[("20.0", 118), ("5.0", 2)]), ("host", &[("10.20.0.3:5432", 120)])],
            Some("I1"),
        ),
        pattern(
            "app.init-timeout",
            "database init phase times out",
            SERVICE,
            Layer::Application,
            "ERROR",
            60,
            &[("timeout_s", &[("20.0", 60)])],
            Some("I1"),
        ),
        pattern(
            "template:slow consumer <n> ms",
            "slow consumer <n> ms",
            "mailer",
            Layer::Application,
            "WARNING",
            58,
            &[],
            None,
        ),
        pattern("run.startup-probe", "startup probe fails", SERVICE, Layer::Platform, "WARNING", 43, &[], Some("I1")),
        pattern(
            "container.exit",
            "container exits with code 3",
            SERVICE,
            Layer::Platform,
            "WARNING",
            15,
            &[("exit_code", &[("3", 15)])],
            Some("I1"),
        ),
    ]
}

fn evidence(
    insert_id: &str,
    clock: &str,
    log: &str,
    severity: &str,
    component: &str,
    offset: u64,
    message: &str,
) -> Evidence {
    Evidence {
        insert_id: insert_id.into(),
        timestamp: Some(at(clock)),
        effect_time: at(clock),
        log_name: format!("projects/acme-prod/logs/{}", log.replace('/', "%2F")),
        severity: severity.into(),
        component: component.into(),
        source: FILE.into(),
        offset,
        message: message.into(),
        link: Some(format!(
            "https://console.cloud.google.com/logs/query;query=insertId%3D%22{insert_id}%22?project=acme-prod"
        )),
    }
}

fn feature(name: &str, value: f64, weight: f64, text: &str) -> Feature {
    Feature { name: name.into(), value, weight, text: text.into() }
}

fn action(priority: Tier, owner: &str, text: &str, command: Option<&str>) -> Action {
    Action { priority, owner: owner.into(), text: text.into(), command: command.map(String::from), destructive: false }
}

fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, count)| (name.to_string(), *count)).collect()
}
