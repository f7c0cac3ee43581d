//! What an entry is about: a service, a workload, a node, a database, or something that only its victims name.

use serde::{Deserialize, Serialize};

/// What kind of thing a component is. The order is from the inside (own code) to the outside (shared dependencies).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
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

impl super::Entry<'_> {
    /// What wrote the entry.
    pub fn component(&self) -> Component {
        use ComponentKind as Kind;
        let of = |key: &str| self.resource.labels.get(key).unwrap_or("").to_owned();
        let label = |key: &str| self.labels.get(key).map(str::to_owned);
        match self.resource.kind.as_ref() {
            "cloud_run_revision" => Component::new(Kind::Service, of("service_name")),
            "cloud_run_job" => Component::new(Kind::Job, of("job_name")),
            "k8s_container" => Component::new(
                Kind::Service,
                label("k8s-pod/app").or_else(|| label("k8s-pod/k8s-app")).unwrap_or_else(|| of("container_name")),
            ),
            "k8s_pod" => Component::new(Kind::Service, workload(&of("pod_name"))),
            "k8s_node" => Component::new(Kind::Node, of("node_name")),
            "k8s_cluster" => Component::new(Kind::Cluster, of("cluster_name")),
            "cloudsql_database" => {
                let id = of("database_id");
                Component::new(Kind::Database, match (id.split_once(':'), of("region")) {
                    (Some((project, instance)), region) if !region.is_empty() => format!("{project}:{region}:{instance}"),
                    _ => id,
                })
            }
            "http_load_balancer" => Component::new(Kind::LoadBalancer, of("backend_service_name")),
            "gce_instance" => Component::new(Kind::Node, of("instance_id")),
            other => Component::new(Kind::Other, other),
        }
    }

    /// The revision or ReplicaSet that wrote it.
    pub fn revision(&self) -> Option<&str> {
        self.resource.labels.get("revision_name").or_else(|| self.labels.get("k8s-pod/pod-template-hash"))
    }

    /// The instance or pod that wrote it.
    pub fn instance(&self) -> Option<&str> {
        self.labels.get("instanceId").or_else(|| self.resource.labels.get("pod_name"))
    }
}

/// The workload a pod belongs to: its name without the hashes at the end.
pub fn workload(pod: &str) -> &str {
    let Some((rest, _)) = pod.rsplit_once('-') else { return pod };
    match rest.rsplit_once('-') {
        Some((workload, hash)) if (8..=10).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_alphanumeric()) => workload,
        _ => rest,
    }
}
