//! What an entry is about: a service, a workload, a node, a database, or something that only its victims name.

use serde::{Deserialize, Serialize};

use super::Entry;

/// What kind of thing a component is. The order is from the inside (own code) to the outside (shared dependencies).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ComponentKind {
    /// A Cloud Run service, App Engine module, Cloud Function, Kubernetes workload: code of one's own.
    #[default]
    Service,
    /// A Cloud Run job, cron job, scheduler job, batch task.
    Job,
    /// A load balancer or gateway.
    LoadBalancer,
    /// A node or virtual machine.
    Node,
    /// A cluster or its control plane.
    Cluster,
    /// A database instance.
    Database,
    /// A database user or other login.
    User,
    /// A Redis or Memcached instance.
    Cache,
    /// A queue, topic or subscription.
    Queue,
    /// A bucket.
    Bucket,
    /// A host outside, known by its name or address.
    Host,
    /// A Google API.
    Api,
    /// A VPC connector, NAT gateway, network or subnetwork.
    Network,
    /// A firewall rule or network policy.
    Firewall,
    /// Name resolution.
    Dns,
    /// A secret or one of its versions.
    Secret,
    /// A service account or other principal.
    Principal,
    /// A container image.
    Image,
    /// A module, class or file of the program.
    Module,
    /// An environment variable or setting.
    Setting,
    /// A TLS certificate.
    Certificate,
    /// A table, column or other database object.
    Relation,
    /// A project, quota or billing account.
    Project,
    /// Who sends requests, known by an address or a user agent.
    Client,
    /// None of these.
    Other,
}

/// A thing that can fail or be blamed: its kind and its canonical name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Component {
    /// What kind of thing it is.
    pub kind: ComponentKind,
    /// Its name: service name, `project:region:instance`, host, …
    pub name: String,
}

impl Component {
    /// A component of this kind and name.
    pub fn new(kind: ComponentKind, name: impl Into<String>) -> Component {
        Component { kind, name: name.into() }
    }
}

/// What the resource names of Google Cloud and Kubernetes hold: the collection, and the kind of its members.
const COLLECTIONS: [(&str, ComponentKind); 14] = [
    ("secrets", ComponentKind::Secret),
    ("users", ComponentKind::User),
    ("firewalls", ComponentKind::Firewall),
    ("networkpolicies", ComponentKind::Firewall),
    ("securityPolicies", ComponentKind::Firewall),
    ("connectors", ComponentKind::Network),
    ("routers", ComponentKind::Network),
    ("routes", ComponentKind::Network),
    ("deployments", ComponentKind::Service),
    ("services", ComponentKind::Service),
    ("revisions", ComponentKind::Service),
    ("jobs", ComponentKind::Job),
    ("configmaps", ComponentKind::Setting),
    ("managedZones", ComponentKind::Dns),
];

/// Collections whose members forbid everything that they do not allow, from the moment on in which they are made.
const FORBIDDING: [&str; 1] = ["networkpolicies"];

/// The thing that a resource name, `projects/P/secrets/NAME`, names by its collection: of several the first kind of the table.
pub fn of_resource(resource: &str) -> Option<Component> {
    let parts: Vec<&str> = resource.split('/').collect();
    COLLECTIONS.iter().find_map(|(collection, kind)| {
        let at = parts.iter().rposition(|part| part == collection)?;
        parts.get(at + 1).map(|name| Component::new(*kind, *name))
    })
}

/// Domains under which a platform serves what it runs: the first label of a host begins with the name of the service.
/// Source: Cloud Run, SERVICE-HASH-REGION.a.run.app and SERVICE-PROJECTNUMBER.REGION.run.app.
const PLATFORM_DOMAINS: [&str; 1] = [".run.app"];

/// The first label of a host whose name a platform made from that of a service.
pub fn made_from_a_service(host: &str) -> Option<&str> {
    PLATFORM_DOMAINS.iter().any(|domain| host.ends_with(domain)).then(|| host.split('.').next().unwrap_or(host))
}

/// True for a resource that forbids everything that it does not allow.
pub fn forbids_the_rest(resource: &str) -> bool {
    resource.split('/').any(|part| FORBIDDING.contains(&part))
}

impl Entry<'_> {
    /// What wrote the entry or, for an audit entry, what it is about.
    pub fn component(&self) -> Component {
        use ComponentKind as Kind;
        let label = |key: &str| self.resource.labels.get(key);
        let own = |key: &str| self.labels.get(key);
        let (kind, name) = match self.resource.kind.as_ref() {
            "cloud_run_revision" => (Kind::Service, label("service_name").or(label("configuration_name"))),
            "cloud_run_job" => (Kind::Job, label("job_name")),
            "cloud_run_worker_pool" => (Kind::Service, label("worker_pool_name")),
            "cloud_function" => (Kind::Service, label("function_name")),
            "gae_app" => (Kind::Service, label("module_id").or(label("version_id"))),
            "k8s_container" | "k8s_pod" => match self.involved() {
                Some(object) => return object,
                None => return Component::new(self.workload_kind(), self.workload()),
            },
            "k8s_node" | "gke_nodepool" => (Kind::Node, label("node_name").or(label("nodepool_name"))),
            "k8s_cluster" | "gke_cluster" | "k8s_control_plane_component" => match self.involved() {
                Some(object) => return object,
                None => (Kind::Cluster, label("cluster_name")),
            },
            "container" => (Kind::Service, label("container_name")),
            "cloudsql_database" => return self.database(),
            "alloydb.googleapis.com/Instance" => (Kind::Database, label("instance_id")),
            "spanner_instance" => (Kind::Database, label("instance_id")),
            "redis_instance" | "redis.googleapis.com/Instance" => (Kind::Cache, label("instance_id")),
            "memcache.googleapis.com/MemcacheNode" => (Kind::Cache, label("instance_id")),
            "http_load_balancer"
            | "internal_http_lb_rule"
            | "http_external_regional_lb_rule"
            | "internal_http_lb"
            | "l7_lb_rule" => {
                // By backend: that is what stands behind it and what fails.
                let balancer = label("url_map_name").or(label("forwarding_rule_name"));
                (Kind::LoadBalancer, label("backend_service_name").or(label("backend_name")).or(balancer))
            }
            "tcp_ssl_proxy_rule" | "network_security_policy" => {
                (Kind::LoadBalancer, label("backend_target_name").or(label("policy_name")))
            }
            "gce_instance_group" | "gce_network_endpoint_group" => {
                (Kind::LoadBalancer, label("instance_group_name").or(label("network_endpoint_group_id")))
            }
            "gce_instance" | "gce_instance_group_manager" => {
                (Kind::Node, own("compute.googleapis.com/resource_name").or(self.audited()).or(label("instance_id")))
            }
            "pubsub_topic" => (Kind::Queue, label("topic_id")),
            "pubsub_subscription" => (Kind::Queue, label("subscription_id")),
            "cloud_tasks_queue" => (Kind::Queue, label("queue_id")),
            "gcs_bucket" => (Kind::Bucket, label("bucket_name")),
            "cloud_scheduler_job" => (Kind::Job, label("job_id")),
            "dataflow_step" => (Kind::Job, label("job_name").or(label("job_id"))),
            "cloud_dataproc_cluster" => (Kind::Cluster, label("cluster_name")),
            "build" => (Kind::Job, label("build_trigger_id").filter(|id| !id.is_empty()).or(label("build_id"))),
            "cloudkms_cryptokeyversion" | "cloudkms_cryptokey" => (Kind::Secret, label("crypto_key_id")),
            "cloud_composer_environment" => (Kind::Service, label("environment_name")),
            "gce_firewall_rule" => (Kind::Firewall, self.audited().or(label("firewall_rule_id"))),
            "gce_router" | "nat_gateway" => (Kind::Network, label("gateway_name").or(label("router_id"))),
            "vpc_access_connector" | "vpcaccess.googleapis.com/Connector" => (Kind::Network, label("connector_name")),
            "gce_subnetwork" | "gce_network" => (Kind::Network, label("subnetwork_name").or(self.audited())),
            "dns_query" | "dns_managed_zone" => {
                (Kind::Dns, label("target_name").or(label("zone_name")).or(self.audited()))
            }
            "service_account" => (Kind::Principal, label("email_id")),
            "project" => (Kind::Project, label("project_id")),
            "audited_resource" => {
                (kind_of_service(label("service").unwrap_or("")), self.audited().or(label("service")))
            }
            _ => (Kind::Other, self.audited().or(label("service_name"))),
        };
        Component::new(kind, name.or(self.project()).unwrap_or(&self.resource.kind))
    }

    /// The deployed version that wrote the entry: a Cloud Run revision, an App Engine version, a ReplicaSet's hash.
    pub fn revision(&self) -> Option<&str> {
        let label = |key: &str| self.resource.labels.get(key);
        label("revision_name")
            .or_else(|| label("version_id"))
            .or_else(|| self.labels.get("k8s-pod/pod-template-hash"))
            .or_else(|| self.labels.get("k8s-pod/rollouts-pod-template-hash"))
    }

    /// The one process or machine that wrote the entry: a Cloud Run instance, a pod, an execution, a virtual machine.
    pub fn instance(&self) -> Option<&str> {
        let label = |key: &str| self.resource.labels.get(key);
        let own = |key: &str| self.labels.get(key);
        own("instanceId")
            .or_else(|| label("pod_name"))
            .or_else(|| label("pod_id"))
            .or_else(|| own("execution_id"))
            .or_else(|| own("run.googleapis.com/execution_name"))
            .or_else(|| label("instance_id"))
            .or_else(|| own("appengine.googleapis.com/instance_name"))
    }

    /// The project's id.
    pub fn project(&self) -> Option<&str> {
        let in_log_name = || self.log_name.strip_prefix("projects/").and_then(|rest| rest.split('/').next());
        self.resource.labels.get("project_id").or_else(in_log_name)
    }

    /// The region, zone or location.
    pub fn region(&self) -> Option<&str> {
        ["location", "region", "zone"].iter().find_map(|key| self.resource.labels.get(key))
    }

    /// `project:region:instance`, as connection names are written; without a region as the log has it.
    fn database(&self) -> Component {
        let id = self.resource.labels.get("database_id").unwrap_or("");
        let name = match (id.split_once(':'), self.resource.labels.get("region")) {
            (Some((project, instance)), Some(region)) => format!("{project}:{region}:{instance}"),
            _ => id.to_owned(),
        };
        Component::new(ComponentKind::Database, name)
    }

    /// The workload that a Kubernetes container belongs to.
    fn workload(&self) -> String {
        let own = |key: &str| self.labels.get(key);
        let named = own("k8s-pod/app")
            .or_else(|| own("k8s-pod/app_kubernetes_io/name"))
            .or_else(|| own("k8s-pod/k8s-app"))
            .or_else(|| own("logging.gke.io/top_level_controller_name"));
        let pod = || self.resource.labels.get("pod_name").map(workload_of_pod);
        let container = || self.resource.labels.get("container_name");
        named.or_else(pod).or_else(container).unwrap_or(&self.resource.kind).to_owned()
    }

    fn workload_kind(&self) -> ComponentKind {
        match self.labels.get("logging.gke.io/top_level_controller_type") {
            Some("Job" | "CronJob") => ComponentKind::Job,
            _ => ComponentKind::Service,
        }
    }

    /// What a Kubernetes event is about.
    fn involved(&self) -> Option<Component> {
        let event = self.kube_event.as_ref().filter(|event| !event.object_name.is_empty())?;
        let name = event.object_name.as_ref();
        Some(match event.object_kind.as_ref() {
            "Pod" => Component::new(ComponentKind::Service, workload_of_pod(name)),
            "ReplicaSet" => Component::new(ComponentKind::Service, without_hash(name)),
            "Node" => Component::new(ComponentKind::Node, name),
            "Job" | "CronJob" => Component::new(ComponentKind::Job, name),
            "Ingress" | "Gateway" | "Service" => Component::new(ComponentKind::LoadBalancer, name),
            _ => Component::new(ComponentKind::Service, name),
        })
    }

    /// The last part of an audited resource's name.
    fn audited(&self) -> Option<&str> {
        let name = self.audit.as_ref()?.resource_name.as_ref();
        // A version of a secret and a user of an instance belong to what stands before them.
        let owner = ["/versions/", "/users/", "/databases/"].iter().find_map(|part| name.split_once(part));
        let name = owner.map_or(name, |(owner, _)| owner);
        name.rsplit('/').next().filter(|last| !last.is_empty())
    }
}

/// Labels of an entry that [`Entry::component`], [`Entry::revision`] or the account of what things go through look at; all
/// others can differ between entries of one place.
const TELLING: [&str; 9] = [
    "compute.googleapis.com/resource_name",
    "k8s-pod/app",
    "k8s-pod/app_kubernetes_io/name",
    "k8s-pod/k8s-app",
    "k8s-pod/pod-template-hash",
    "k8s-pod/rollouts-pod-template-hash",
    "logging.gke.io/top_level_controller_name",
    "logging.gke.io/top_level_controller_type",
    "vpc-connector",
];

/// A label that tells where an entry belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Telling(u8);

impl Telling {
    /// The label of this name, if it is one of them.
    pub(super) fn named(label: &str) -> Option<Telling> {
        TELLING.iter().position(|known| *known == label).map(|number| Telling(number as u8))
    }

    pub(super) fn name(self) -> &'static str {
        TELLING[usize::from(self.0)]
    }
}

/// What kind of thing an API's resources are.
fn kind_of_service(service: &str) -> ComponentKind {
    match service {
        "secretmanager.googleapis.com" => ComponentKind::Secret,
        "vpcaccess.googleapis.com" | "compute.googleapis.com" | "servicenetworking.googleapis.com" => {
            ComponentKind::Network
        }
        "cloudsql.googleapis.com" | "sqladmin.googleapis.com" | "alloydb.googleapis.com" => ComponentKind::Database,
        "redis.googleapis.com" | "memcache.googleapis.com" => ComponentKind::Cache,
        "run.googleapis.com" | "cloudfunctions.googleapis.com" | "appengine.googleapis.com" => ComponentKind::Service,
        "artifactregistry.googleapis.com" | "containerregistry.googleapis.com" => ComponentKind::Image,
        "iam.googleapis.com" | "iamcredentials.googleapis.com" => ComponentKind::Principal,
        "cloudresourcemanager.googleapis.com" | "serviceusage.googleapis.com" | "cloudbilling.googleapis.com" => {
            ComponentKind::Project
        }
        "dns.googleapis.com" => ComponentKind::Dns,
        "certificatemanager.googleapis.com" => ComponentKind::Certificate,
        "storage.googleapis.com" => ComponentKind::Bucket,
        "pubsub.googleapis.com" | "cloudtasks.googleapis.com" => ComponentKind::Queue,
        "container.googleapis.com" => ComponentKind::Cluster,
        _ => ComponentKind::Api,
    }
}

/// `checkout` of `checkout-7d9f8b6c5d-x2k4j`, `db` of the stateful `db-0`, `agent` of the daemon's `agent-x2k4j`.
fn workload_of_pod(pod: &str) -> &str {
    match pod.rsplit_once('-') {
        Some((owner, last)) if last.len() == 5 && is_random(last) => without_hash(owner),
        Some((owner, last)) if !last.is_empty() && last.len() <= 3 && last.bytes().all(|b| b.is_ascii_digit()) => owner,
        _ => pod,
    }
}

/// The name of a ReplicaSet without its hash, of a CronJob's run without its number.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((owner, last)) if (8..=10).contains(&last.len()) && is_random(last) => owner,
        _ => name,
    }
}

/// Kubernetes draws names from consonants and digits, so that no words come up; some hashes are hexadecimal.
fn is_random(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f') || b"bcdfghjklmnpqrstvwxz".contains(&b))
        && (text.bytes().any(|b| b.is_ascii_digit()) || !text.contains(['a', 'e']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_belongs_to_its_workload() {
        for (pod, workload) in [
            ("checkout-7d9f8b6c5d-x2k4j", "checkout"),
            ("fluentbit-gke-x2k4j", "fluentbit-gke"),
            ("db-0", "db"),
            ("nightly-28934520-zx8vq", "nightly"),
            ("plain", "plain"),
            ("api-server", "api-server"),
            ("api-cache", "api-cache"),
        ] {
            assert_eq!(workload_of_pod(pod), workload);
        }
    }
}
