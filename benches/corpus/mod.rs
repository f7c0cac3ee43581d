//! A corpus like a busy project's export, by seed and size: the mix of resources, sizes and texts was measured on real
//! exports (40 % requests, 24 % JSON, 15 % text, 12 % containers, 3 % platform, 2.5 % database, 3.5 % audit).

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A small random generator, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn hex(&mut self, n: usize) -> String {
        let mut text = String::with_capacity(n + 8);
        while text.len() < n {
            write!(text, "{:07x}", self.next() & 0xfff_ffff).expect("a string takes everything");
        }
        text.truncate(n);
        text
    }

    /// One of these texts with values in their places.
    fn text(&mut self, texts: &[&str]) -> String {
        let mut text = String::new();
        for letter in self.pick(texts).chars() {
            match letter {
                '#' => write!(text, "{}", self.below(20_000)).expect("a string takes everything"),
                '%' => text.push_str(&self.hex(16)),
                '@' => text.push_str(self.pick(&SERVICES)),
                other => text.push(other),
            }
        }
        text
    }

    fn pick<'v>(&mut self, values: &[&'v str]) -> &'v str {
        values[self.below(values.len() as u64) as usize]
    }
}

/// Texts of healthy services; one in five comes near a failure's. `#` is a number, `%` a hexadecimal id, `@` a name: about half of
/// the texts of real exports come again word for word, the others differ in such values.
const BENIGN: [&str; 40] = [
    "Configuration loaded and cached for environment: production (timeout=30)",
    "GET /api/orders completed in #ms",
    "Cloud SQL pool status: size=10 checked_out=#",
    "Cache warmed with # keys",
    "user session refreshed",
    "published # messages to topic order-events",
    "health check passed",
    "[2025-09-16 00:42:53 +0000] [11] [INFO] Booting worker with pid: #",
    "INFO:     Started server process [#]",
    "INFO:     Waiting for application startup.",
    "order % accepted for customer #",
    "Retrying @ in # ms (attempt 1 of 5)",
    "2025-09-16 00:42:53,184 INFO @.worker - processed batch % with # rows",
    "{\"level\":\"info\",\"msg\":\"request handled\",\"ms\":#}",
    "Connected to redis at 10.12.0.3:6379",
    "token of @ renewed until 2025-09-16T#",
    "flushed # metrics",
    "Skipping duplicate check (debug mode)",
    "time=\"2025-09-16T00:42:53Z\" level=info msg=\"synced @\" took=#ms",
    "I0916 00:42:53.184233       1 controller.go:#] reconciled @",
    "feature flag @ is off",
    "lookup of item # took # us",
    "Listening on port 8080",
    "upload of %.csv finished, # bytes",
    "DEBUG sqlalchemy.engine ROLLBACK",
    "SELECT count(*) FROM @ WHERE id > # took # ms",
    "loaded model @ from gs://acme-models/%",
    "queue depth # below threshold",
    "started job % of @",
    "websocket session % closed by client",
    "rate limit of @: # of 1000 used",
    "0 errors, # warnings in @",
    "no timeout configured for @, using default",
    "email to customer # queued as %",
    "cron @ finished",
    "[nio-8080-exec-#] c.a.@.Service : cart % priced",
    "GC pause # us, heap # of 512 MB",
    "deleted # expired rows",
    "ready",
    "heartbeat",
];

/// Texts of failing ones.
const FAILING: [&str; 12] = [
    "Database initialization timeout after 25.0s - continuing without it",
    "psycopg2.OperationalError: connection to server on socket \"/cloudsql/acme-prod:us-central1:shared/.s.PGSQL.5432\" failed: server closed the connection unexpectedly",
    "Container called exit(3).",
    "Error: connect ECONNREFUSED 10.12.0.#:6379",
    "Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in <module>\n    from acme.services import monitoring\nModuleNotFoundError: No module named 'acme.services.monitoring'",
    "FATAL:  remaining connection slots are reserved for non-replication superuser connections",
    "failed to charge order %: payment gateway timed out after # ms",
    "ERROR @.worker - batch % failed: deadline exceeded",
    "could not renew token of @: 403 Forbidden",
    "upstream @ answered 503 for request %",
    "java.lang.IllegalStateException: cart % is locked\n\tat com.acme.@.Cart.lock(Cart.java:#)\n\tat com.acme.Main.run(Main.java:41)",
    "memory limit exceeded while loading %",
];

const SERVICES: [&str; 6] = ["checkout", "catalog", "accounts", "gateway", "search", "billing"];

/// Entries in a hundred that fail, unless told otherwise.
const FAILING_SHARE: u64 = 5;

/// An export of about `n_bytes` as one JSON object a line, keys sorted.
pub(crate) fn lines(n_bytes: usize, seed: u64) -> String {
    lines_failing(n_bytes, seed, FAILING_SHARE)
}

/// The same with a share of failing entries, in hundredths.
pub(crate) fn lines_failing(n_bytes: usize, seed: u64, share: u64) -> String {
    let mut random = Random(seed);
    let mut text = String::with_capacity(n_bytes + 8192);
    while text.len() < n_bytes {
        text.push_str(&entry(&mut random, share).to_string());
        text.push('\n');
    }
    text
}

/// The same entries as gcloud prints them.
pub(crate) fn pretty(n_bytes: usize, seed: u64) -> String {
    let mut random = Random(seed);
    let mut text = String::with_capacity(n_bytes + 8192);
    text.push('[');
    while text.len() < n_bytes {
        text.push_str(if text.len() > 1 { ",\n" } else { "\n" });
        let printed = serde_json::to_string_pretty(&entry(&mut random, FAILING_SHARE)).expect("it can be written");
        for (i, line) in printed.lines().enumerate() {
            text.push_str(if i > 0 { "\n  " } else { "  " });
            text.push_str(line);
        }
    }
    text.push_str("\n]\n");
    text
}

/// Text as a PowerShell redirect saves it.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn entry(random: &mut Random, share: u64) -> Value {
    let service = random.pick(&SERVICES);
    let fails = random.below(100) < share;
    let time = format!(
        "2025-09-16T{:02}:{:02}:{:02}.{:06}Z",
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(1_000_000)
    );
    let mut entry = json!({
        "insertId": random.hex(24),
        "receiveTimestamp": time.replace('Z', "123Z"),
        "timestamp": time,
    });
    let kind = random.below(1000);
    match kind {
        0..400 => request(&mut entry, random, service, fails),
        400..640 => structured(&mut entry, random, service, fails),
        640..790 => {
            let text = random.text(if fails { &FAILING } else { &BENIGN });
            run(&mut entry, random, service, "stderr", Some(&text));
        }
        790..910 => container(&mut entry, random, service, fails),
        910..940 => {
            run(
                &mut entry,
                random,
                service,
                "varlog%2Fsystem",
                Some("Default STARTUP TCP probe succeeded after 1 attempt for container \"app-1\" on port 8080."),
            );
            entry["severity"] = json!("INFO");
        }
        940..965 => database(&mut entry, random, fails),
        _ => audit(&mut entry, random, service),
    }
    entry
}

/// Instances of a service at work in a day, and nodes of the cluster.
const INSTANCES: u64 = 400;
const NODES: u64 = 12;

/// The id of the `n`th instance of a service: as long as Cloud Run's, and the same for all its entries.
fn instance(service: &str, n: u64) -> String {
    let first = service.bytes().fold(n, |hash, b| hash.wrapping_mul(31).wrapping_add(u64::from(b)));
    Random(first).hex(148)
}

fn run(entry: &mut Value, random: &mut Random, service: &str, log: &str, text: Option<&str>) {
    entry["labels"] = json!({"commit-sha": instance(service, 0)[..40], "instanceId": instance(service, random.below(INSTANCES)), "vpc-connectivity": "enabled"});
    entry["logName"] = json!(format!("projects/acme-prod/logs/run.googleapis.com%2F{log}"));
    entry["resource"] = json!({"labels": {"configuration_name": service, "location": "us-central1", "project_id": "acme-prod", "revision_name": format!("{service}-00734-fvm"), "service_name": service}, "type": "cloud_run_revision"});
    if let Some(text) = text {
        entry["textPayload"] = json!(text);
    }
}

fn request(entry: &mut Value, random: &mut Random, service: &str, fails: bool) {
    run(entry, random, service, "requests", None);
    let status = if fails { 503 } else { 200 };
    entry["httpRequest"] = json!({
        "latency": format!("0.{:09}s", random.below(1_000_000_000)), "protocol": "HTTP/1.1", "remoteIp": format!("203.0.113.{}", random.below(255)),
        "requestMethod": "GET", "requestSize": "2122", "requestUrl": format!("https://{service}.acme.example/v2/items/{}?page=1\\u0026size=20", random.below(100_000)),
        "responseSize": "8555", "serverIp": "198.51.100.7", "status": status,
        "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    });
    entry["severity"] = json!(if fails { "ERROR" } else { "INFO" });
    entry["spanId"] = json!(random.hex(16));
    entry["trace"] = json!(format!("projects/acme-prod/traces/{}", random.hex(32)));
    entry["traceSampled"] = json!(true);
}

fn structured(entry: &mut Value, random: &mut Random, service: &str, fails: bool) {
    run(entry, random, service, "stdout", None);
    let mut payload = json!({
        "context": {"request_id": random.hex(32), "tenant": "acme", "user": {"id": random.below(100_000), "plan": "pro"}},
        "labels": {"function": "handle", "line": "978", "module": "logging"}, "logger": "acme.shared.logging",
        "message": random.text(if fails { &FAILING } else { &BENIGN }), "service": service, "duration_ms": random.below(5000),
    });
    if fails {
        payload["stack_trace"] = json!(FAILING[4].repeat(4));
    }
    entry["jsonPayload"] = payload;
    entry["severity"] = json!(if fails { "ERROR" } else { "INFO" });
}

fn container(entry: &mut Value, random: &mut Random, service: &str, fails: bool) {
    entry["labels"] = json!({"compute.googleapis.com/resource_name": format!("gke-acme-pool-{:08x}", random.below(NODES)), "k8s-pod/app": service, "k8s-pod/pod-template-hash": "7d9f8b6c5d", "logging.gke.io/top_level_controller_name": service});
    entry["logName"] = json!("projects/acme-prod/logs/stderr");
    entry["resource"] = json!({"labels": {"cluster_name": "acme-gke", "container_name": "app", "location": "us-central1", "namespace_name": "shop", "pod_name": format!("{service}-7d9f8b6c5d-x2k4j"), "project_id": "acme-prod"}, "type": "k8s_container"});
    entry["severity"] = json!(if fails { "ERROR" } else { "INFO" });
    entry["textPayload"] = json!(random.text(if fails { &FAILING } else { &BENIGN }));
}

fn database(entry: &mut Value, random: &mut Random, fails: bool) {
    entry["logName"] = json!("projects/acme-prod/logs/cloudsql.googleapis.com%2Fpostgres.log");
    entry["resource"] = json!({"labels": {"database_id": "acme-prod:shared", "project_id": "acme-prod", "region": "us-central1"}, "type": "cloudsql_database"});
    entry["severity"] = json!(if fails { "ALERT" } else { "INFO" });
    let text = if fails { FAILING[5] } else { "LOG:  checkpoint complete: wrote 42 buffers (0.3%)" };
    entry["textPayload"] =
        json!(format!("2025-09-16 00:42:59.910 UTC [{}]: [3-1] db=shop,user=app {text}", random.below(9999)));
}

fn audit(entry: &mut Value, random: &mut Random, service: &str) {
    run(entry, random, service, "x", None);
    entry["logName"] = json!("projects/acme-prod/logs/cloudaudit.googleapis.com%2Factivity");
    entry["severity"] = json!("NOTICE");
    let variables: Vec<_> = (0..12).map(|i| json!({"name": format!("SETTING_{i}"), "value": random.hex(24)})).collect();
    entry["protoPayload"] = json!({
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": {"principalEmail": "deployer@acme-prod.iam.gserviceaccount.com"},
        "authorizationInfo": [{"granted": true, "permission": "run.services.update", "resource": format!("namespaces/acme-prod/services/{service}")}],
        "methodName": "google.cloud.run.v1.Services.ReplaceService",
        "request": {"@type": "type.googleapis.com/google.cloud.run.v1.ReplaceServiceRequest", "service": {"metadata": {"annotations": {"run.googleapis.com/client-name": "gcloud", "run.googleapis.com/ingress": "all"}, "name": service}, "spec": {"template": {"metadata": {"annotations": {"run.googleapis.com/vpc-access-connector": "acme-connector"}}, "spec": {"containers": [{"env": variables, "image": format!("us-docker.pkg.dev/acme-prod/apps/{service}:{}", random.hex(12)), "resources": {"limits": {"cpu": "1", "memory": "512Mi"}}}]}}, "traffic": [{"latestRevision": true, "percent": 100}]}}},
        "requestMetadata": {"callerIp": "203.0.113.9", "callerSuppliedUserAgent": "google-cloud-sdk gcloud/538.0.0 command/gcloud.run.deploy"},
        "resourceName": format!("namespaces/acme-prod/services/{service}"), "serviceName": "run.googleapis.com", "status": {},
    });
}
