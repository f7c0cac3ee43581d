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
