//! When requests that are refused are an outage, and when they are what the internet always sends.

use serde_json::{Value, json};

use crate::binary::run_on;

/// A request every ten seconds for twenty minutes: `answer` says its path, its status and, of a load balancer, why.
fn export(answer: impl Fn(usize) -> (&'static str, u16, &'static str), extra: &[Value]) -> Value {
    let request = |n: usize| {
        let (path, status, details) = answer(n);
        json!({
            "insertId": format!("r{n}"), "severity": if status < 400 { "INFO" } else { "WARNING" }, "timestamp": at(n * 10),
            "logName": "projects/acme-prod/logs/requests",
            "resource": {"type": "http_load_balancer", "labels": {"backend_service_name": "shop-backend", "project_id": "acme-prod"}},
            "httpRequest": {"requestMethod": "GET", "requestUrl": format!("https://shop.example.com{path}"), "status": status, "latency": "0.05s"},
            "jsonPayload": {"@type": "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry", "statusDetails": details},
        })
    };
    let lines: Vec<Value> = (0..120).map(request).chain(extra.iter().cloned()).collect();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    run_on(text.as_bytes(), &["--format", "json"]).json()
}

fn at(second: usize) -> String {
    format!("2026-02-03T10:{:02}:{:02}Z", second / 60, second % 60)
}

fn change(method: &str, second: usize) -> Value {
    json!({
        "insertId": "change", "severity": "NOTICE", "timestamp": at(second),
        "logName": "projects/acme-prod/logs/cloudaudit.googleapis.com%2Factivity",
        "resource": {"type": "network_security_policy", "labels": {"policy_name": "edge", "project_id": "acme-prod"}},
        "protoPayload": {"@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "compute.googleapis.com",
            "methodName": method, "resourceName": "projects/acme-prod/global/securityPolicies/edge", "status": {},
            "authenticationInfo": {"principalEmail": "sec@acme.example"}},
    })
}

/// From the middle on every third request is one to a path where none was before, and a policy refuses it.
fn a_third_is_refused(n: usize) -> (&'static str, u16, &'static str) {
    if n >= 60 && n.is_multiple_of(3) {
        ("/v2/manifests", 403, "denied_by_security_policy")
    } else {
        ("/", 200, "response_sent_by_backend")
    }
}

#[test]
fn what_a_policy_keeps_out_is_no_outage() {
    let report = export(a_third_is_refused, &[]);
    assert_eq!(report["incidents"], json!([]));
}

#[test]
fn what_a_policy_keeps_out_once_it_was_changed_is_one() {
    let report = export(a_third_is_refused, &[change("v1.compute.securityPolicies.patchRule", 590)]);
    let cause = &report["incidents"][0]["causes"][0];
    assert_eq!(cause["signature"], "lb-armor-denied");
    assert_eq!(cause["trigger"]["what"], "v1.compute.securityPolicies.patchRule");
    let later = export(a_third_is_refused, &[change("v1.compute.securityPolicies.patchRule", 1190)]);
    assert_eq!(later["incidents"], json!([]), "a change after the onset sets nothing off");
}

#[test]
fn a_web_socket_that_is_refused_is_the_request_that_was_upgraded_before() {
    let report = export(|n| if n < 60 { ("/live", 101, "") } else { ("/live", 403, "response_sent_by_backend") }, &[]);
    assert_eq!(report["incidents"][0]["causes"][0]["component"], "shop-backend", "{}", report["verdict"]);
    let always = export(
        |n| if n.is_multiple_of(4) { ("/live", 403, "response_sent_by_backend") } else { ("/live", 101, "") },
        &[],
    );
    assert_eq!(always["incidents"], json!([]), "a part of the clients has always been refused");
}

#[test]
fn an_export_of_changes_alone_is_not_filtered_to_failures() {
    let changes: Vec<String> = (0..60)
        .map(|n| {
            let mut entry = change("v1.compute.instances.insert", n * 20);
            entry["insertId"] = json!(format!("c{n}"));
            format!("{entry}\n")
        })
        .collect();
    let report = run_on(changes.concat().as_bytes(), &["--format", "json"]).json();
    let warnings = report["coverage"]["warnings"].as_array().expect("a list");
    assert!(warnings.iter().all(|warning| warning["code"] != "filtered_export"), "{warnings:?}");
}
