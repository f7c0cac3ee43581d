//! Every command that a report can propose, against the grammar of the program that it calls: the verb exists, and takes those flags.
//!
//! Sources: the gcloud reference (cloud.google.com/sdk/gcloud/reference), the kubectl reference (kubernetes.io/docs/reference/kubectl), and
//! the manual pages of psql, mysql, nc, nslookup.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::binary::fixtures;
use regex::Regex;
use serde_json::Value;

/// Verbs, and the flags of each that are used, apart from those of every verb.
const GRAMMAR: &[(&str, &[&str])] = &[
    ("docker build", &["-f"]),
    ("docker buildx build", &["--platform", "-t"]),
    ("gcloud app services set-traffic", &["--splits"]),
    ("gcloud app versions list", &["--service"]),
    ("gcloud artifacts docker images list", &[]),
    ("gcloud artifacts repositories add-iam-policy-binding", &["--location", "--member", "--role"]),
    ("gcloud artifacts repositories list", &[]),
    ("gcloud beta service-health events list", &["--location"]),
    ("gcloud billing projects describe", &[]),
    ("gcloud builds list", &[]),
    ("gcloud compute backend-services describe", &["--global"]),
    ("gcloud compute backend-services get-health", &["--global"]),
    ("gcloud compute backend-services list", &[]),
    ("gcloud compute firewall-rules list", &[]),
    ("gcloud compute firewall-rules update", &["--disabled"]),
    ("gcloud compute instance-groups list", &[]),
    ("gcloud compute instance-groups managed list-errors", &["--region", "--zone"]),
    ("gcloud compute instances describe", &["--zone"]),
    ("gcloud compute instances get-serial-port-output", &["--zone"]),
    ("gcloud compute instances list", &[]),
    ("gcloud compute instances reset", &["--zone"]),
    ("gcloud compute network-endpoint-groups list", &[]),
    ("gcloud compute networks subnets describe", &["--region"]),
    ("gcloud compute networks subnets expand-ip-range", &["--prefix-length", "--region"]),
    ("gcloud compute networks subnets list", &[]),
    ("gcloud compute networks vpc-access connectors describe", &["--region"]),
    ("gcloud compute networks vpc-access connectors list", &["--region"]),
    ("gcloud compute networks vpc-access connectors update", &["--max-instances", "--region"]),
    ("gcloud compute operations list", &[]),
    ("gcloud compute regions describe", &[]),
    ("gcloud compute reservations list", &[]),
    ("gcloud compute routers get-nat-mapping-info", &["--region"]),
    ("gcloud compute routers get-status", &["--region"]),
    ("gcloud compute routers list", &["--regions"]),
    (
        "gcloud compute routers nats update",
        &["--enable-dynamic-port-allocation", "--max-ports-per-vm", "--region", "--router"],
    ),
    ("gcloud compute routes list", &[]),
    ("gcloud compute security-policies describe", &[]),
    ("gcloud compute security-policies list", &[]),
    ("gcloud compute snapshots list", &[]),
    ("gcloud compute ssh", &["--command", "--zone"]),
    ("gcloud compute ssl-certificates describe", &[]),
    ("gcloud compute ssl-certificates list", &[]),
    ("gcloud compute url-maps describe", &[]),
    ("gcloud compute url-maps list", &[]),
    ("gcloud container clusters describe", &["--region"]),
    ("gcloud container clusters list", &[]),
    ("gcloud container clusters update", &["--enable-autoscaling", "--max-nodes", "--node-pool", "--region"]),
    ("gcloud container node-pools list", &["--cluster", "--region"]),
    ("gcloud container operations list", &["--region"]),
    ("gcloud dns managed-zones list", &[]),
    ("gcloud dns record-sets list", &["--zone"]),
    ("gcloud eventarc triggers list", &["--location"]),
    ("gcloud firestore indexes composite list", &[]),
    ("gcloud functions describe", &["--region"]),
    ("gcloud functions logs read", &["--region"]),
    ("gcloud iam service-accounts keys list", &["--iam-account"]),
    ("gcloud iam service-accounts list", &[]),
    ("gcloud iap web get-iam-policy", &[]),
    ("gcloud kms keys versions enable", &["--key", "--keyring", "--location"]),
    ("gcloud logging read", &["--order"]),
    ("gcloud org-policies list", &[]),
    ("gcloud projects add-iam-policy-binding", &["--member", "--role"]),
    ("gcloud projects get-iam-policy", &[]),
    ("gcloud projects list", &[]),
    ("gcloud pubsub subscriptions describe", &[]),
    ("gcloud pubsub subscriptions list", &[]),
    ("gcloud pubsub topics describe", &[]),
    ("gcloud pubsub topics get-iam-policy", &[]),
    ("gcloud pubsub topics list", &[]),
    ("gcloud redis instances describe", &["--region"]),
    ("gcloud redis instances get-auth-string", &["--region"]),
    ("gcloud redis instances update", &["--region", "--size"]),
    ("gcloud redis operations list", &["--region"]),
    ("gcloud run deploy", &["--image", "--region"]),
    ("gcloud run jobs executions describe", &["--region"]),
    ("gcloud run jobs executions list", &["--job", "--region"]),
    ("gcloud run jobs list", &[]),
    ("gcloud run revisions", &[]),
    ("gcloud run revisions describe", &["--region"]),
    ("gcloud run revisions list", &["--region", "--service"]),
    ("gcloud run services add-iam-policy-binding", &["--member", "--region", "--role"]),
    ("gcloud run services describe", &["--region"]),
    ("gcloud run services list", &[]),
    (
        "gcloud run services update",
        &[
            "--add-cloudsql-instances",
            "--max-instances",
            "--memory",
            "--min-instances",
            "--no-cpu-throttling",
            "--region",
            "--update-env-vars",
        ],
    ),
    ("gcloud run services update-traffic", &["--region", "--to-revisions"]),
    ("gcloud scheduler jobs describe", &["--location"]),
    ("gcloud secrets add-iam-policy-binding", &["--member", "--role"]),
    ("gcloud secrets list", &[]),
    ("gcloud secrets versions list", &[]),
    ("gcloud services enable", &[]),
    ("gcloud spanner instances describe", &[]),
    ("gcloud sql instances describe", &[]),
    ("gcloud sql instances list", &[]),
    ("gcloud sql instances patch", &["--activation-policy", "--storage-auto-increase", "--storage-size"]),
    ("gcloud sql operations list", &["--instance"]),
    ("gcloud sql users list", &["--instance"]),
    ("gcloud sql users set-password", &["--instance", "--prompt-for-password"]),
    ("gcloud storage buckets get-iam-policy", &[]),
    ("gcloud storage buckets list", &[]),
    ("gcloud storage ls", &[]),
    ("gcloud tasks queues describe", &["--location"]),
    ("gcloud tasks queues list", &["--location"]),
    ("kubectl annotate serviceaccount", &[]),
    ("kubectl auth can-i", &["--as"]),
    ("kubectl delete networkpolicy", &[]),
    ("kubectl describe", &[]),
    ("kubectl describe hpa", &[]),
    ("kubectl describe ingress", &[]),
    ("kubectl describe networkpolicy", &[]),
    ("gcloud compute firewall-rules describe", &[]),
    ("kubectl describe node", &[]),
    ("kubectl describe nodes", &[]),
    ("kubectl describe pod", &[]),
    ("kubectl describe replicaset", &[]),
    ("kubectl describe resourcequota", &[]),
    ("kubectl exec", &[]),
    ("kubectl get", &[]),
    ("kubectl get deployments", &["--field-selector"]),
    ("kubectl get endpoints", &[]),
    ("kubectl get endpointslices", &[]),
    ("kubectl get events", &[]),
    ("kubectl get namespace", &["--show-labels"]),
    ("kubectl get nodes", &[]),
    ("kubectl get pods", &["--field-selector"]),
    ("kubectl get priorityclass", &[]),
    ("kubectl get volumeattachment", &[]),
    ("kubectl logs", &["--previous", "--tail"]),
    ("kubectl rollout history", &[]),
    ("kubectl rollout restart", &[]),
    ("kubectl rollout undo", &[]),
    ("kubectl scale", &["--replicas"]),
    ("kubectl set env", &["--list"]),
    ("kubectl set resources", &["--limits", "--requests"]),
    ("kubectl top pods", &[]),
    ("mysql", &["-e"]),
    ("nc", &["-vz"]),
    ("npx prisma generate", &[]),
    ("npx prisma migrate deploy", &[]),
    ("nslookup", &[]),
    ("psql", &["-c"]),
    ("vault status", &[]),
];

/// Flags of every verb of gcloud or kubectl that lists or describes.
const COMMON: &[&str] = &["--project", "--format", "--filter", "--limit", "--sort-by", "-n", "-o", "-A", "-l"];

/// What must never be proposed: it replaces every variable of a service, where one is meant.
const NEVER: &[&str] = &["--set-env-vars", "--clear-env-vars", "--force", "--quiet"];

/// Why a command is none that the programs know.
fn fault(command: &str) -> Option<String> {
    let first = command.split(" | ").next().unwrap_or(command).split(" > ").next().unwrap_or(command);
    // What stands after `--` belongs to another program.
    let own = first.split(" -- ").next().unwrap_or(first);
    let unquoted = Regex::new(r#"'[^']*'|"[^"]*""#).expect("a pattern").replace_all(own, "Q");
    let words: Vec<&str> = unquoted.split(' ').filter(|word| !word.is_empty()).collect();
    let known = |(verbs, _): &&(&str, &[&str])| unquoted.starts_with(verbs) && verbs.split(' ').count() <= words.len();
    let Some((verbs, flags)) = GRAMMAR.iter().filter(known).max_by_key(|(verbs, _)| verbs.len()) else {
        return Some("no such verb".to_owned());
    };
    if *verbs == "gcloud logging read" && !command.contains("timestamp>=") {
        return Some("reads logs of any time".to_owned());
    }
    let used = words.iter().filter(|word| word.starts_with('-')).map(|word| word.split('=').next().unwrap_or(word));
    let unknown: Vec<&str> = used.filter(|flag| !flags.contains(flag) && !COMMON.contains(flag)).collect();
    let never: Vec<&&str> = NEVER.iter().filter(|flag| command.contains(**flag)).collect();
    (!unknown.is_empty() || !never.is_empty()).then(|| format!("flags {unknown:?} {never:?}"))
}

/// Commands of the catalogue and of the code, with their placeholders.
fn commands() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let line = Regex::new(r#"(?m)^command = (?:\'\'\'(.*)\'\'\'|"((?:[^"\\]|\\.)*)")$"#).expect("a pattern");
    let mut found = BTreeSet::new();
    for file in fs::read_dir(root.join("pattern/catalogue")).expect("the catalogue").flatten() {
        let text = fs::read_to_string(file.path()).expect("it is text");
        found.extend(
            line.captures_iter(&text).map(|c| c.get(1).or(c.get(2)).expect("one").as_str().replace("\\\"", "\"")),
        );
    }
    let text = fs::read_to_string(root.join("report/compose/actions.rs")).expect("it is text");
    let literal = Regex::new(r#""((?:gcloud|kubectl|psql) [a-z][^"\\]* [A-Z-][^"\\]*)""#).expect("a pattern");
    found.extend(literal.captures_iter(&text).map(|c| c[1].to_owned()));
    found
}

#[test]
fn every_command_is_one_that_its_program_knows() {
    let commands = commands();
    assert!(commands.len() > 100, "only {} commands", commands.len());
    let wrong: Vec<String> =
        commands.iter().filter_map(|command| Some(format!("{command}: {}", fault(command)?))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_command_of_a_report_is_filled_in_and_what_destroys_is_marked() {
    let mut n = 0;
    for folder in fs::read_dir(fixtures()).expect("fixtures/").flatten() {
        let Ok(text) = fs::read_to_string(folder.path().join("report.json")) else { continue };
        let report: Value = serde_json::from_str(&text).expect("a report is JSON");
        let causes =
            report["incidents"].as_array().into_iter().flatten().flat_map(|incident| incident["causes"].as_array());
        for action in causes.flatten().flat_map(|cause| cause["actions"].as_array()).flatten() {
            let Some(command) = action["command"].as_str() else { continue };
            n += 1;
            assert_eq!(fault(command), None, "{command}");
            let destroys = ["delete ", "reset ", "pg_terminate", "--disabled", " disable "]
                .iter()
                .any(|word| command.contains(word));
            assert_eq!(action["destructive"] == true, destroys, "{command}");
        }
    }
    assert!(n > 30, "only {n} commands in all fixtures");
}

#[test]
fn a_wrong_verb_and_a_wrong_flag_are_noticed() {
    assert!(fault("gcloud run services destroy x").is_some());
    assert!(fault("gcloud run services update x --set-env-vars A=B").is_some());
    assert!(fault("gcloud logging read 'severity>=ERROR' --order=asc").is_some());
    assert_eq!(fault("kubectl rollout undo deployment/x -n y"), None);
}
