//! What to do: the remedies of the catalogue, for the platform and with the names that the export shows.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, exemplars};
use crate::cause::{Candidate, Ranked};
use crate::entry::{Component, ComponentKind};
use crate::incident;
use crate::pattern::Act;
use crate::pattern::signature::{Remedy, Signature};
use crate::report::{Action, Tier, command};
use crate::summary::Change;
use crate::time::Timestamp;

/// Labels of resources that name what a command needs.
const LABELS: [(&str, &[&str]); 16] = [
    ("PROJECT", &["project_id"]),
    ("REGION", &["region", "location"]),
    ("ZONE", &["zone"]),
    ("NAMESPACE", &["namespace_name"]),
    ("CLUSTER", &["cluster_name"]),
    ("POD", &["pod_name"]),
    ("NODE", &["node_name"]),
    ("BACKEND", &["backend_service_name"]),
    ("URL_MAP", &["url_map_name"]),
    ("SUBSCRIPTION", &["subscription_id"]),
    ("TOPIC", &["topic_id"]),
    ("QUEUE", &["queue_id"]),
    ("BUCKET", &["bucket_name"]),
    ("ROUTER", &["router_id"]),
    ("NAT", &["gateway_name"]),
    ("JOB", &["job_name", "job_id"]),
];

/// What a component of a kind is called in a command.
const KINDS: [(ComponentKind, &[&str]); 13] = [
    (ComponentKind::Database, &["INSTANCE"]),
    (ComponentKind::Cache, &["INSTANCE"]),
    (ComponentKind::User, &["USER"]),
    (ComponentKind::Secret, &["SECRET"]),
    (ComponentKind::Node, &["NODE", "INSTANCE"]),
    (ComponentKind::Job, &["JOB"]),
    (ComponentKind::Network, &["CONNECTOR"]),
    (ComponentKind::Firewall, &["RULE", "POLICY"]),
    (ComponentKind::LoadBalancer, &["BACKEND"]),
    (ComponentKind::Principal, &["ACCOUNT", "AGENT", "MEMBER"]),
    (ComponentKind::Queue, &["SUBSCRIPTION", "TOPIC", "QUEUE"]),
    (ComponentKind::Bucket, &["BUCKET"]),
    (ComponentKind::Api, &["API"]),
];

/// The command that lists what a name is looked up in, when the export does not give it.
const LOOK_UPS: [(&str, &str); 34] = [
    ("REVISION", "gcloud run revisions list --service SERVICE --region REGION"),
    ("NAMESPACE", "kubectl get deployments -A --field-selector metadata.name=SERVICE"),
    ("POD", "kubectl get pods -n NAMESPACE"),
    ("SERVICE", "gcloud run services list"),
    ("REGION", "gcloud run services list"),
    ("CONNECTOR", "gcloud compute networks vpc-access connectors list --region REGION"),
    ("BACKEND", "gcloud compute backend-services list"),
    ("INSTANCE", "gcloud sql instances list"),
    ("SECRET", "gcloud secrets list"),
    ("USER", "gcloud sql users list --instance INSTANCE"),
    ("SUBSCRIPTION", "gcloud pubsub subscriptions list"),
    ("TOPIC", "gcloud pubsub topics list"),
    ("CLUSTER", "gcloud container clusters list"),
    ("NODE", "kubectl get nodes -o wide"),
    ("POLICY", "gcloud compute security-policies list"),
    ("RULE", "gcloud compute firewall-rules list --sort-by=priority"),
    ("ROUTER", "gcloud compute routers list"),
    ("ACCOUNT", "gcloud iam service-accounts list"),
    ("BUCKET", "gcloud storage buckets list"),
    ("PROJECT", "gcloud projects list"),
    ("ROLE", "gcloud projects get-iam-policy PROJECT"),
    ("MEMBER", "gcloud projects get-iam-policy PROJECT"),
    ("AGENT", "gcloud projects get-iam-policy PROJECT"),
    ("NODE_SERVICE_ACCOUNT", "gcloud iam service-accounts list"),
    ("SUBNET", "gcloud compute networks subnets list"),
    ("REPOSITORY", "gcloud artifacts repositories list"),
    ("GROUP", "gcloud compute instance-groups list"),
    ("VERSION", "gcloud app versions list"),
    ("NODE_POOL", "gcloud container node-pools list --cluster CLUSTER --region REGION"),
    ("ZONE", "gcloud compute instances list"),
    ("JOB", "gcloud run jobs list"),
    ("QUEUE", "gcloud tasks queues list --location REGION"),
    ("URL_MAP", "gcloud compute url-maps list"),
    (
        "PID",
        "psql -c 'SELECT pid, state, wait_event_type, query_start, query FROM pg_stat_activity ORDER BY query_start LIMIT 20'",
    ),
];

/// What is done on Cloud Run, and the same on Kubernetes.
const ON_KUBERNETES: [(&str, &str); 8] = [
    ("gcloud run services update-traffic", "kubectl rollout undo deployment/SERVICE -n NAMESPACE"),
    (
        "gcloud run services update SERVICE --region REGION --memory",
        "kubectl set resources deployment/SERVICE -n NAMESPACE --limits=memory=1Gi",
    ),
    (
        "gcloud run services update SERVICE --region REGION --max-instances",
        "kubectl scale deployment/SERVICE -n NAMESPACE --replicas=10",
    ),
    (
        "gcloud run services update SERVICE --region REGION --update-env-vars",
        "kubectl set env deployment/SERVICE -n NAMESPACE --list",
    ),
    ("gcloud run services describe", "kubectl describe deployment/SERVICE -n NAMESPACE"),
    ("gcloud run revisions", "kubectl rollout history deployment/SERVICE -n NAMESPACE"),
    (
        "gcloud logging read 'resource.type=\"cloud_run_revision\"",
        "kubectl get events -n NAMESPACE --sort-by=.lastTimestamp",
    ),
    ("gcloud run", ""),
];

/// What destroys something, and what shows it first.
const LOOK_FIRST: [(&str, &str); 3] = [
    ("kubectl delete networkpolicy", "kubectl describe networkpolicy"),
    ("gcloud compute firewall-rules update", "gcloud compute firewall-rules describe"),
    ("gcloud compute instances reset", "gcloud compute instances describe"),
];

/// Words of commands that delete, disable, reset or end something.
const DESTRUCTIVE: [&str; 8] = [
    "delete",
    "--disabled",
    "disable",
    "reset",
    "pg_terminate_backend",
    "destroy",
    "remove-iam-policy-binding",
    "stop",
];

/// Commands that are about a project, and take its name.
const OF_A_PROJECT: [&str; 1] = ["gcloud "];

/// Where a service runs, as far as the command line of an operator differs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Platform {
    Kubernetes,
    CloudRun,
    Unknown,
}

/// Actions against a cause: undo its trigger, buy time, find out more; what destroys something last in its tier.
pub(super) fn actions(findings: Findings<'_>, ranked: &Ranked) -> Vec<Action> {
    let candidate = &ranked.candidate;
    let signature = candidate.signature.as_ref().and_then(|id| findings.catalogue.get(id));
    let setting = Setting::new(findings, candidate);
    let mut actions: Vec<Action> = Vec::new();
    if let Some((change, _)) = &candidate.trigger {
        actions.extend(undo(findings, change, &setting));
    }
    if let Some(signature) = signature {
        actions.extend(signature.remedies.iter().map(|remedy| action(signature, remedy, &setting)));
    }
    let looks: Vec<Action> = actions.iter().filter(|action| action.destructive).filter_map(look_first).collect();
    actions.extend(looks);
    let mut seen = BTreeSet::new();
    actions.retain(|action| seen.insert(action.command.clone().unwrap_or_else(|| action.text.clone())));
    actions.sort_by_key(|action| (action.priority, action.destructive));
    actions
}

/// How the change that set it off is undone.
fn undo(findings: Findings<'_>, change: &Change, setting: &Setting<'_>) -> Vec<Action> {
    let Some(signature) = findings.catalogue.get(&change.signature) else { return Vec::new() };
    if signature.meaning.acts == Act::ReplacesCode && change.target.kind == ComponentKind::Service {
        let remedy = Remedy {
            tier: "now".to_owned(),
            text: "Roll back to what ran before the change.".to_owned(),
            command: Some(
                "gcloud run services update-traffic SERVICE --region REGION --to-revisions REVISION=100".to_owned(),
            ),
        };
        return vec![action(signature, &remedy, setting)];
    }
    let mut of_change = setting.clone();
    let changed = crate::entry::of_resource(&change.resource).unwrap_or_else(|| change.target.clone());
    of_change.name(&changed);
    if let Some(exemplar) = &change.exemplar {
        of_change.take_labels(&[exemplar]);
    }
    signature
        .remedies
        .iter()
        .filter(|remedy| remedy.tier == "now")
        .map(|remedy| action(signature, remedy, &of_change))
        .collect()
}

fn action(signature: &Signature, remedy: &Remedy, setting: &Setting<'_>) -> Action {
    let (command, unknown) = remedy.command.as_deref().and_then(|command| setting.filled(command)).unzip();
    let look_up =
        unknown.flatten().map(|name| format!(" First look up the {}.", name.to_lowercase().replace('_', " ")));
    Action {
        priority: match remedy.tier.as_str() {
            "now" => Tier::Now,
            "later" => Tier::Later,
            _ => Tier::Next,
        },
        owner: signature.owner.clone(),
        text: format!("{}{}", remedy.text, look_up.unwrap_or_default()),
        destructive: command.as_deref().is_some_and(|command| {
            command
                .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
                .any(|word| DESTRUCTIVE.contains(&word))
        }),
        command,
    }
}

/// The command that shows what a destructive one will hit.
fn look_first(action: &Action) -> Option<Action> {
    let command = action.command.as_deref()?;
    let (destroys, looks) = LOOK_FIRST.iter().find(|(destroys, _)| command.starts_with(destroys))?;
    let rest: Vec<&str> =
        command[destroys.len()..].split(' ').filter(|word| !word.is_empty() && !DESTRUCTIVE.contains(word)).collect();
    let command = format!("{looks} {}", rest.join(" "));
    Some(Action {
        text: "Look at what it will hit.".to_owned(),
        command: Some(command),
        destructive: false,
        ..action.clone()
    })
}

/// What the export tells about the place of a cause.
#[derive(Clone)]
struct Setting<'f> {
    platform: Platform,
    names: Vec<(&'static str, String)>,
    values: Vec<(&'f str, String)>,
}

impl<'f> Setting<'f> {
    fn new(findings: Findings<'f>, candidate: &'f Candidate) -> Setting<'f> {
        let scene = findings.scene;
        let shown = exemplars(scene, candidate);
        let anomalies = candidate.own.iter().copied().chain(candidate.blamed.iter().map(|(a, _)| *a));
        let series = anomalies.map(|a| &scene.series[scene.anomalies[a].series]);
        let components = std::iter::once(&candidate.component).chain(series.map(|series| series.component));
        let service = components.into_iter().find(|component| component.kind == ComponentKind::Service);
        let mut setting =
            Setting { platform: platform(&shown), names: Vec::new(), values: values(findings, candidate) };
        setting.names.push(("START", minute(candidate.first, -600)));
        setting.names.push(("END", minute(candidate.first, 1800)));
        setting.name(&candidate.component);
        if let Some(service) = service {
            setting.names.push(("SERVICE", service.name.clone()));
            setting.names.extend(earlier_revision(findings, service, candidate).map(|name| ("REVISION", name)));
        }
        setting.take_labels(&shown);
        // Most of the export stands for what its own entries do not tell.
        if let Some(((project, region), _)) = findings.summary.places.iter().max_by_key(|(_, n)| **n) {
            setting.names.push(("PROJECT", project.clone()));
            setting.names.push(("REGION", region.clone()));
        }
        setting
    }

    /// The component under the names that commands give to its kind. An address names no instance.
    fn name(&mut self, component: &Component) {
        let short = incident::short(&component.name);
        let is_address = short.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':'));
        let names = KINDS.iter().find(|(kind, _)| *kind == component.kind).map_or(&[][..], |(_, names)| names);
        if !is_address {
            names.iter().rev().for_each(|name| self.names.insert(0, (name, short.to_owned())));
        }
    }

    /// Labels of which the entries give one value alone.
    fn take_labels(&mut self, exemplars: &[&crate::summary::Exemplar]) {
        for (name, labels) in LABELS {
            let of = |exemplar: &&&crate::summary::Exemplar| {
                labels.iter().find_map(|label| exemplar.label(label)).map(str::to_owned)
            };
            let values: BTreeSet<String> = exemplars.iter().filter_map(|exemplar| of(&exemplar)).collect();
            if let (Some(value), 1) = (values.first(), values.len()) {
                self.names.push((name, value.clone()));
            }
        }
    }

    /// A command of the catalogue, for the platform that there is, with everything filled in; or the one that lists what is not
    /// known, and its name; `None` when there is neither.
    fn filled(&self, command: &str) -> Option<(String, Option<&'static str>)> {
        let command = match self.platform {
            Platform::Kubernetes => {
                let same =
                    ON_KUBERNETES.iter().find(|(run, _)| command.replace('=', " ").starts_with(&run.replace('=', " ")));
                same.map_or(command, |(_, same)| same)
            }
            Platform::CloudRun if command.starts_with("kubectl") => "",
            _ => command,
        };
        let mut command = command;
        let mut unknown = None;
        // One look-up may need another; none needs itself.
        for _ in 0..LOOK_UPS.len() {
            if command.is_empty() {
                return None;
            }
            match command::filled(command, &self.names, &self.values) {
                Ok(filled) => return Some((self.of_project(filled), unknown)),
                Err(command::Unknown::Value) => return None,
                Err(command::Unknown::Name(name)) => {
                    let (name, look_up) = LOOK_UPS.iter().find(|(known, _)| *known == name)?;
                    unknown = unknown.or(Some(*name));
                    command = look_up;
                }
            }
        }
        None
    }

    /// The command with its project, where it takes one and none is named.
    fn of_project(&self, command: String) -> String {
        let takes_one =
            OF_A_PROJECT.iter().any(|program| command.starts_with(program)) && !command.contains("--project");
        let project = self.names.iter().find(|(name, _)| *name == "PROJECT").map(|(_, project)| project.as_str());
        match project.and_then(command::word).filter(|_| takes_one && !command.starts_with("gcloud projects ")) {
            Some(project) => format!("{command} --project {project}"),
            None => command,
        }
    }
}

/// RFC 3339 to the second, some seconds away.
fn minute(at: Timestamp, seconds: i64) -> String {
    let text = at.plus(seconds * crate::time::SECOND).to_string();
    format!("{}Z", text.get(..19).unwrap_or_default())
}

fn platform(exemplars: &[&crate::summary::Exemplar]) -> Platform {
    let is = |prefix: &str| exemplars.iter().any(|exemplar| exemplar.resource_type().starts_with(prefix));
    match (is("k8s_"), is("cloud_run_")) {
        (true, false) => Platform::Kubernetes,
        (false, true) => Platform::CloudRun,
        _ => Platform::Unknown,
    }
}

/// The revision of a service that was last seen before the failures and has none of them.
fn earlier_revision(findings: Findings<'_>, service: &Component, candidate: &Candidate) -> Option<String> {
    let scene = findings.scene;
    let own = candidate.own.iter().map(|a| &scene.series[scene.anomalies[*a].series]);
    // Its requests fail in every revision now and then: what the cause itself is known by tells.
    let cause = own.filter(|series| series.title == candidate.title);
    let failing: BTreeSet<&String> =
        cause.flat_map(|series| series.tally.revisions.iter().map(|(name, _)| name)).collect();
    let activity = findings.summary.components.get(service)?;
    let before =
        activity.revisions.iter().filter(|(name, seen)| seen.first < candidate.first && !failing.contains(name));
    before.max_by_key(|(name, seen)| (seen.last, std::cmp::Reverse((*name).clone()))).map(|(name, _)| name.clone())
}

/// Values that the messages of its signature give, by name: those of which there is one alone.
fn values<'f>(findings: Findings<'f>, candidate: &'f Candidate) -> Vec<(&'f str, String)> {
    let scene = findings.scene;
    let own = candidate.own.iter().map(|a| &scene.series[scene.anomalies[*a].series]);
    let named = own.filter(|series| Some(&series.pattern) == candidate.signature.as_ref());
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for ((name, value), _) in named.flat_map(|series| series.tally.values.iter()) {
        values.entry(name).or_default().insert(value);
    }
    let alone = values.into_iter().filter(|(_, values)| values.len() == 1);
    alone.flat_map(|(name, values)| values.into_iter().map(move |value| (name, value.to_owned()))).collect()
}
