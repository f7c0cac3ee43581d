//! Failing and healthy sentences of many programs, and what they mean.

use super::*;

/// Sentences that report a failure, without a level or with a low one.
const FAILING_SENTENCES: &[(&str, Mode)] = &[
    ("Unknown argument `rating`. Available options are marked with ?.", Mode::Misconfigured),
    ("[Upload Error Trace] Error: tool use is unsupported", Mode::Misconfigured),
    ("[Setup] Error creating tenant: error: permission denied for table tenants", Mode::RefusesPermission),
    ("SQLSTATE[42501]: insufficient privilege: 7 must be owner of relation orders", Mode::RefusesPermission),
    ("ERROR 42P01 (SQLSTATE 42P01) relation \"orders\" does not exist", Mode::Missing),
    ("Failed to retrigger invoice 77: 'charmap' codec can't encode character '\\u2713'", Mode::Crashed),
    ("failed to push because we ran out of retries", Mode::FailedRequest),
    ("health check: UNHEALTHY: TIMEOUT", Mode::NotReady),
    ("Function execution took 61 ms, finished with status: 'error'", Mode::FailedRequest),
    ("step #3 failed", Mode::FailedRequest),
    ("Step #2 - \"apply\": build failed", Mode::FailedRequest),
    ("[Export Error] tool use is unsupported", Mode::Misconfigured),
    ("could not connect to broker-1: connection refused", Mode::Unreachable),
    ("connect ECONNREFUSED 10.20.0.7:6379", Mode::Unreachable),
    ("getaddrinfo ENOTFOUND pay.example.com", Mode::Unresolved),
    ("open /etc/app/key.pem: permission denied", Mode::RefusesPermission),
    ("EACCES: permission denied, open '/srv/cache'", Mode::RefusesPermission),
    ("write /tmp/part-3: no space left on device", Mode::OutOfDisk),
    ("ENOSPC: no space left on device, write", Mode::OutOfDisk),
    ("fatal: Not enough memory: Cannot allocate memory", Mode::OutOfMemory),
    ("Cannot find module '/srv/app/server.js'", Mode::Missing),
    ("ModuleNotFoundError: No module named 'orders'", Mode::Missing),
    ("ImportError: cannot import name 'Base' from 'orders.models'", Mode::Crashed),
    ("asyncpg.exceptions.UniqueViolationError: duplicate key value", Mode::Misconfigured),
    ("x509: certificate has expired or is not yet valid", Mode::Expired),
    ("remote error: the certificate has expired", Mode::Expired),
    ("panic: assignment to entry in nil map", Mode::Crashed),
    ("worker exited with code 3", Mode::Crashed),
    ("The process terminated: exit status 137", Mode::Crashed),
    ("rpc error: code = DeadlineExceeded desc = context deadline exceeded", Mode::Slow),
    ("14 UNAVAILABLE: upstream gone", Mode::Unreachable),
    ("7 PERMISSION_DENIED: missing role", Mode::RefusesPermission),
    ("RESOURCE_EXHAUSTED: per-minute tokens", Mode::Limited),
    ("429 Too Many Requests from the geocoder", Mode::Limited),
    ("geocoder answered with status code 503", Mode::Unreachable),
    ("POST to billing returned HTTP 500", Mode::FailedRequest),
    ("Import of 12 files done, failed: 2", Mode::FailedRequest),
    ("completed with 3 errors", Mode::FailedRequest),
    ("status=failed job=nightly", Mode::FailedRequest),
    ("{\"job\":\"nightly\",\"status\":\"failed\"}", Mode::FailedRequest),
    ("{\"msg\":\"order\",\"error\":\"broker gone\"}", Mode::FailedRequest),
    ("order placed err=\"context canceled\"", Mode::FailedRequest),
    ("Error: listen EADDRINUSE: address already in use :::8080", Mode::Misconfigured),
    ("Uncaught exception in thread main", Mode::Crashed),
    ("TypeError: Cannot read properties of undefined (reading 'id')", Mode::Crashed),
    ("java.lang.OutOfMemoryError: Java heap space", Mode::OutOfMemory),
    ("Deadlock found: deadlock detected, transaction aborted", Mode::Locked),
    ("database is locked", Mode::Locked),
    ("remaining connection slots are reserved; too many connections", Mode::Exhausted),
    ("accept4: too many open files", Mode::Exhausted),
    ("thread pool exhausted", Mode::Exhausted),
    ("Quota exceeded for reads per minute", Mode::Limited),
    ("Environment variable not found: ORDERS_URL.", Mode::Misconfigured),
    ("insert or update on table \"lines\" violates foreign key constraint", Mode::Misconfigured),
    ("upload timed out after 30 s", Mode::Slow),
    ("Something went wrong while saving the cart", Mode::FailedRequest),
    ("Operation cannot be fulfilled: the object has been modified", Mode::Locked),
    ("no fallback left, all retries failed", Mode::FailedRequest),
    ("primary failed and fallback also failed", Mode::FailedRequest),
    ("migration 0042 failed", Mode::FailedRequest),
    ("Liveness probe failed", Mode::NotReady),
    ("Connection lost: The server closed the connection.", Mode::Closed),
    ("lstat /workspace/web: no such file or directory", Mode::Missing),
    ("Error processing webhook: signature rejected", Mode::FailedRequest),
    ("10.0.0.3 - \"POST /pay HTTP/1.1\" 502 17", Mode::FailedRequest),
    ("nack: queue is full", Mode::Saturated),
    ("Workflow failed. Causes: stage 3", Mode::FailedRequest),
    ("Pod was evicted: node low on memory", Mode::Evicted),
    ("Authentication failed for role app", Mode::RefusesCredentials),
];

/// Sentences that report none, and that standard error stamps as errors.
const HEALTHY_SENTENCES: &[&str] = &[
    "0 errors",
    "Failed: 0",
    "Progress: 7/20 (Failed: 0) - part-7",
    "10/10 successful, 0 failed",
    "Processing completed. Results: {'processed': 3, 'failed': 0, 'errors': []}",
    "Finished processing stage F14 with 0 errors in 12.9 seconds",
    "error handler registered",
    "global error handlers registered",
    "Error tracking enabled",
    "Error reporting initialized",
    "ErrorRecoveryManager initialized",
    "FailoverController started",
    "ErrorBoundary mounted",
    "timeout properly configured",
    "timeout set to 30 s",
    "Timeout: 30",
    "request timeout: 5000 ms",
    "timeout=60s retries=3",
    "listening on 0.0.0.0:8080",
    "Server listening at http://127.0.0.1:8080",
    "connected to https://errors.example.com/failed",
    "GET /errors/failed.html 200",
    "10.0.0.3 - \"GET /error HTTP/1.1\" 200 17",
    "10.0.0.3 - \"GET /favicon.ico HTTP/1.1\" 404 17",
    "exited with code 0",
    "worker process finished, exit status 0",
    "no errors found",
    "No failures in the last hour",
    "completed without errors",
    "compiled successfully with no errors",
    "the job did not fail",
    "retry on failure enabled",
    "will abort if the check fails",
    "if an error occurred the batch is sent again",
    "max_failures=3 fail_fast=true",
    "error_count=0 warnings=0",
    "{\"status\":\"ok\",\"error\":null}",
    "{\"result\":1,\"errors\":[]}",
    "err=<nil> took=3ms",
    "error=None",
    "connection refused, retrying in 5 s",
    "request timed out, will retry",
    "cache unavailable, falling back to the database",
    "optional module profiler could not be loaded, skipping",
    "primary model failed, fell back to the small one",
    "Broken pipe while writing response",
    "retrying failed jobs",
    "Requeued failed messages",
    "Purging expired sessions",
    "loaded config/errors.yaml",
    "com.acme.web.ErrorController mapped",
    "registered route POST /login/failed",
    "failure threshold 5, period 10 s",
    "error rate 0.0%",
    "Error log: /var/log/nginx/error.log",
    "npm notice new version available",
    "Booting worker with pid: 9",
    "Application startup complete.",
    "database system is ready to accept connections",
    "Prisma schema loaded from prisma/schema.prisma",
    "at async processTicksAndRejections (node:internal)",
    "KPI current period: Found 3 line items",
    "total=40, missing_purchase=3, out_of_stock=2",
    "max errors: 10",
    "Exception handlers mapped",
    "job completed successfully",
    "preventing timeouts by keep-alive",
    "errors: 0, warnings: 4",
];

#[test]
fn failing_sentences_fail_and_say_what_is_wrong() {
    let wrong: Vec<String> = FAILING_SENTENCES
        .iter()
        .filter_map(|(text, mode)| {
            let found = reading(text);
            let is_right = fails(text) && found.meaning.mode == *mode;
            (!is_right).then(|| format!("{text}\n    {found:?}, may fail: {}", may_fail(text)))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), FAILING_SENTENCES.len(), wrong.join("\n"));
}

#[test]
fn healthy_sentences_do_not_fail() {
    let failing: Vec<String> = HEALTHY_SENTENCES
        .iter()
        .filter(|text| fails(text))
        .map(|text| format!("{text}\n    {:?}", reading(text)))
        .collect();
    assert!(failing.is_empty(), "{} of {}:\n{}", failing.len(), HEALTHY_SENTENCES.len(), failing.join("\n"));
}

#[test]
fn a_sentence_of_health_tells_its_unit() {
    for (text, unit) in [
        ("listening on 0.0.0.0:8080", Unit::Start),
        ("database system is ready to accept connections", Unit::Start),
        ("connected to the broker", Unit::Call),
        ("job completed successfully", Unit::Job),
        ("Readiness probe succeeded", Unit::Probe),
        ("10.0.0.3 - \"GET / HTTP/1.1\" 200 17", Unit::Request),
    ] {
        let found = reading(text);
        assert_eq!(
            (found.verdict, found.meaning.shows, found.meaning.outcome),
            (Verdict::Fine, unit, Outcome::Ok),
            "{text}"
        );
    }
}

#[test]
fn what_is_not_healthy_is_not_fine() {
    for text in ["not configured", "waiting to be ready", "plugin already registered", "SELECT 1", "", "token expired"]
    {
        assert_ne!(reading(text).verdict, Verdict::Fine, "{text}");
    }
}

#[test]
fn units_and_how_usual_a_failure_is() {
    for (text, unit, normally) in [
        ("step #3 failed", Unit::Job, Normally::Rarely),
        ("worker exited with code 3", Unit::Exit, Normally::Rarely),
        ("failed to start: x509: certificate has expired", Unit::Start, Normally::Never),
        ("read tcp: connection reset by peer", Unit::None, Normally::Background),
        ("no module named orders", Unit::Start, Normally::Never),
        ("could not connect to broker-1", Unit::Call, Normally::Rarely),
    ] {
        let meaning = meaning_of(text);
        assert_eq!((meaning.shows, meaning.normally), (unit, normally), "{text}");
    }
}

#[test]
fn the_scan_lets_every_failing_sentence_through() {
    let unseen: Vec<&str> = FAILING_SENTENCES.iter().map(|(text, _)| *text).filter(|text| !may_fail(text)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

#[test]
fn any_text_can_be_read() {
    for text in [
        "é",
        "error:",
        "failed",
        "=error",
        "HTTP/",
        "HTTP/1.1\" 5",
        "status: 5",
        "SQLSTATE",
        "é failed é",
        "\u{1F4A5} error: é",
    ] {
        reading(text);
    }
    reading(&"error: é\n".repeat(10_000));
}
