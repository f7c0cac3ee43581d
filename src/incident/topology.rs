//! Who depends on whom, and which names mean the same thing: read from what victims blame, what services say they
//! use, the hosts that requests were sent to, and the calls that traces show.

use std::collections::{BTreeMap, BTreeSet};

use super::series::Series;
use crate::entry::{Component, ComponentKind, made_from_a_service};
use crate::pattern::Normally;
use crate::summary::Summary;
use crate::time::Timestamp;

/// Share of the entries naming an address of which the only name in the same series must stand in for both to be one thing.
const SAME_THING: f64 = 0.15;

/// An instance whose own log begins to fail this soon before or after an address does is what has that address.
const SAME_MOMENT_NS: u64 = 60 * crate::time::SECOND.unsigned_abs();

/// The map of the system as the export shows it.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// Own services and jobs by name.
    services: BTreeMap<String, Component>,
    /// Services by the host names that requests to them carried.
    hosts: BTreeMap<String, Component>,
    /// Load balancers by the host names that requests to them carried.
    fronts: BTreeMap<String, Component>,
    /// Databases, caches and connectors by the last part of their name: one for each project that has one of it.
    instances: BTreeMap<String, Vec<Component>>,
    /// Addresses and short names → the canonical thing.
    aliases: BTreeMap<Component, Component>,
    /// Component → what it depends on, with the number of entries that say so.
    depends: BTreeMap<Component, BTreeMap<Component, u64>>,
    /// The same the other way round.
    dependents: BTreeMap<Component, BTreeSet<Component>>,
}

impl Topology {
    /// Reads the map from a summary and its series.
    pub fn new(summary: &Summary, series: &[Series<'_>]) -> Topology {
        let mut topology = Topology::default();
        topology.add_inventory(summary, series);
        topology.add_aliases(series);
        topology.add_brands(series);
        topology.add_single_instances(series);
        topology.add_tellers(series);
        topology.add_dependencies(summary, series);
        topology
    }

    /// The canonical component for a thing that a message names.
    pub fn resolve(&self, named: &Component) -> Component {
        let named = self.aliases.get(named).unwrap_or(named);
        match named.kind {
            // What is called a service and writes nothing here is somebody else's.
            ComponentKind::Service => {
                let known = self.service_at(&named.name);
                known.unwrap_or_else(|| Component::new(ComponentKind::Host, named.name.clone()))
            }
            ComponentKind::Host => self.service_at(&named.name).unwrap_or_else(|| named.clone()),
            // A line of a firewall log names the network, the rule and more.
            ComponentKind::Firewall => {
                let rule = named.name.rsplit("firewall:").next().unwrap_or(&named.name);
                Component::new(ComponentKind::Firewall, rule)
            }
            ComponentKind::Database => self
                .instance(&named.name)
                .filter(|known| known.kind == ComponentKind::Database)
                .unwrap_or(named)
                .clone(),
            _ => named.clone(),
        }
    }

    /// The thing that a bare name in a message stands for.
    pub fn thing_called(&self, name: &str) -> Option<&Component> {
        self.instance(name).or_else(|| self.services.get(name))
    }

    /// The instance that a name means, when it can mean only one.
    fn instance(&self, name: &str) -> Option<&Component> {
        let mut known = self.instances.get(short(name)).into_iter().flatten().filter(|known| may_be(&known.name, name));
        known.next().filter(|_| known.next().is_none())
    }

    /// What `component` depends on.
    pub fn dependencies(&self, component: &Component) -> impl Iterator<Item = (&Component, u64)> {
        self.depends.get(component).into_iter().flatten().map(|(thing, n)| (thing, *n))
    }

    /// True when `component` depends directly on `thing`.
    pub fn depends_on(&self, component: &Component, thing: &Component) -> bool {
        self.depends.get(component).is_some_and(|things| things.contains_key(thing))
    }

    /// Everything that depends on `component` directly.
    pub fn dependents(&self, component: &Component) -> impl Iterator<Item = &Component> {
        self.dependents.get(component).into_iter().flatten()
    }

    /// True for a name above the names under which one's own services are asked: `shop.example` above `api.shop.example`.
    pub fn is_own_domain(&self, name: &str) -> bool {
        let above = |host: &String| host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        name.contains('.') && (self.fronts.keys().any(above) || self.hosts.keys().any(above))
    }

    /// Other names of a canonical component, shortest first.
    pub fn aliases_of(&self, component: &Component) -> Vec<String> {
        let mut names: Vec<String> = self
            .aliases
            .iter()
            .filter(|(_, canonical)| *canonical == component)
            .map(|(alias, _)| alias.name.clone())
            .filter(|name| *name != component.name)
            .collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.dedup();
        names
    }

    /// Every named instance of a kind.
    pub fn instances_of(&self, kind: ComponentKind) -> impl Iterator<Item = &Component> {
        self.instances.values().flatten().filter(move |instance| instance.kind == kind)
    }

    /// Network elements that some component is known to go through.
    pub fn networks(&self) -> Vec<Component> {
        let mut networks: Vec<Component> = self
            .depends
            .values()
            .flat_map(|things| things.keys())
            .filter(|thing| thing.kind == ComponentKind::Network)
            .cloned()
            .collect();
        networks.sort();
        networks.dedup();
        networks
    }

    fn add_inventory(&mut self, summary: &Summary, series: &[Series<'_>]) {
        for (component, activity) in summary.components.iter() {
            match component.kind {
                ComponentKind::Service | ComponentKind::Job => {
                    self.services.insert(component.name.clone(), component.clone());
                    for (host, _) in activity.hosts.iter() {
                        self.hosts.insert(host.clone(), component.clone());
                    }
                }
                ComponentKind::Database | ComponentKind::Cache => self.add_instance(component),
                ComponentKind::LoadBalancer => {
                    self.fronts.extend(activity.hosts.iter().map(|(host, _)| (host.clone(), component.clone())))
                }
                _ => {}
            }
        }
        let used = summary.uses.iter().map(|((_, thing), _)| thing.clone());
        let blamed = series.iter().flat_map(|s| s.tally.blames.iter().map(|(thing, _)| thing.clone()));
        for thing in used.chain(blamed).filter(is_named_instance) {
            self.add_instance(&thing);
        }
    }

    fn add_instance(&mut self, component: &Component) {
        let of_name = self.instances.entry(short(&component.name).to_owned()).or_default();
        match of_name.iter_mut().find(|known| may_be(&known.name, &component.name)) {
            // The longer spelling says more: project:region:instance over project:instance over instance.
            Some(known) if known.name.len() >= component.name.len() => {}
            Some(known) => *known = component.clone(),
            None => of_name.push(component.clone()),
        }
    }

    /// An address and a name that stand in the same messages are one thing.
    fn add_aliases(&mut self, series: &[Series<'_>]) {
        for s in series.iter().filter(|s| s.component.kind != ComponentKind::Database) {
            let mentioned =
                s.tally.mentions.iter().filter_map(|(name, seen)| Some((self.thing_called(name)?, seen.count)));
            let blamed = s.tally.blames.iter().map(|(thing, seen)| (thing, seen.count));
            let mut named: Vec<(Component, u64)> =
                blamed.chain(mentioned).map(|(thing, n)| (self.resolve(thing), n)).collect();
            named.sort();
            named.dedup_by(|a, b| a.0 == b.0);
            let addresses = named.iter().filter(|(thing, _)| is_address(&thing.name));
            for (address, n_address) in addresses {
                let mut names = named.iter().filter(|(thing, n)| {
                    !is_address(&thing.name)
                        && (thing.kind == address.kind || address.kind == ComponentKind::Host)
                        && matches!(thing.kind, ComponentKind::Database | ComponentKind::Cache | ComponentKind::Host)
                        && *n as f64 >= SAME_THING * *n_address as f64
                });
                if let (Some((name, _)), None) = (names.next(), names.next()) {
                    self.aliases.insert(address.clone(), name.clone());
                }
            }
        }
    }

    /// Where all victims together name one instance and one address of a kind, they are one thing.
    fn add_single_instances(&mut self, series: &[Series<'_>]) {
        for kind in [ComponentKind::Database, ComponentKind::Cache] {
            let mut things: Vec<Component> = series
                .iter()
                .filter(|s| s.component.kind != ComponentKind::Database)
                .flat_map(|s| s.tally.blames.iter().map(|(thing, _)| thing))
                .filter(|thing| thing.kind == kind)
                .map(|thing| self.resolve(thing))
                .collect();
            things.sort();
            things.dedup();
            let (addresses, named): (Vec<&Component>, Vec<&Component>) =
                things.iter().partition(|thing| is_address(&thing.name));
            let only = self.instances_of(kind).count() <= 1;
            if let (true, [address], [name]) = (only, addresses.as_slice(), named.as_slice()) {
                self.aliases.insert((*address).clone(), (*name).clone());
            }
        }
    }

    /// An address is the named instance that says what the users of the address say, or whose log begins to fail when they do.
    fn add_tellers(&mut self, series: &[Series<'_>]) {
        let mut said: BTreeMap<Component, Vec<&Series<'_>>> = BTreeMap::new();
        for s in series.iter().filter(|s| s.grave && s.component.kind != ComponentKind::Database) {
            let things = s.tally.blames.iter().map(|(thing, _)| self.resolve(thing));
            things.filter(|thing| is_address(&thing.name)).for_each(|thing| said.entry(thing).or_default().push(s));
        }
        for (address, said) in said {
            let first = said.iter().map(|s| s.tally.seen.first).min().unwrap_or(Timestamp::MAX);
            let is_it = |s: &&Series<'_>| {
                let of_kind = s.component.kind == address.kind && !is_address(&s.component.name);
                let same_moment = first.since(s.tally.seen.first).unsigned_abs() <= SAME_MOMENT_NS;
                let same_words = said.iter().any(|other| other.pattern == s.pattern);
                of_kind && s.grave && s.meaning.normally != Normally::Background && (same_moment || same_words)
            };
            let mut tellers: Vec<&Component> = series.iter().filter(is_it).map(|s| s.component).collect();
            tellers.dedup();
            if let [teller] = tellers.as_slice() {
                self.aliases.insert(address, (*teller).clone());
            }
        }
    }

    /// A brand name and the host that carries it are one thing: `AcmePay` and `api.acmepay.example`.
    fn add_brands(&mut self, series: &[Series<'_>]) {
        let hosts: Vec<Component> = series
            .iter()
            .flat_map(|s| s.tally.blames.iter().map(|(thing, _)| thing))
            .filter(|thing| thing.kind == ComponentKind::Host)
            .cloned()
            .collect();
        for brand in hosts.iter().filter(|host| !host.name.contains('.')) {
            let label = brand.name.to_lowercase();
            let mut carriers =
                hosts.iter().filter(|host| host.name.split('.').any(|part| part == label) && **host != *brand);
            if let Some(host) = carriers.next() {
                self.aliases.insert(brand.clone(), host.clone());
            }
        }
    }

    fn add_dependencies(&mut self, summary: &Summary, series: &[Series<'_>]) {
        for ((component, thing), seen) in summary.uses.iter() {
            let thing = self.resolve(thing);
            self.depend(component, thing, seen.count);
        }
        for s in series.iter().filter(|s| s.component.kind != ComponentKind::Database) {
            for (thing, seen) in s.tally.blames.iter() {
                let thing = self.resolve(thing);
                self.depend(s.component, thing, seen.count);
            }
        }
        for ((caller, callee), n) in summary.traces.calls() {
            let known = |name: &str| self.services.get(name).cloned();
            if let (Some(caller), Some(callee)) = (known(&caller), known(&callee)) {
                self.depend(&caller, callee, n);
            }
        }
        let balancers: Vec<Component> = summary
            .components
            .iter()
            .map(|(component, _)| component.clone())
            .filter(|component| component.kind == ComponentKind::LoadBalancer)
            .collect();
        for balancer in balancers {
            if let Some(service) = self.service_behind(&balancer.name) {
                self.depend(&balancer, service, 1);
            }
        }
    }

    fn depend(&mut self, component: &Component, thing: Component, n: u64) {
        if *component != thing {
            self.dependents.entry(thing.clone()).or_default().insert(component.clone());
            *self.depends.entry(component.clone()).or_default().entry(thing).or_default() += n;
        }
    }

    /// The own service that answers at a host: by name, by the address that its cluster or platform gave it, or by observed requests.
    fn service_at(&self, host: &str) -> Option<Component> {
        if let Some(service) = self.services.get(host).or_else(|| self.hosts.get(host)) {
            return Some(service.clone());
        }
        if let Some(balancer) = self.fronts.get(host) {
            return self.service_behind(&balancer.name).or_else(|| Some(balancer.clone()));
        }
        let label = host.split('.').next().unwrap_or(host);
        let inside = host == label || host.contains(".svc") || host.ends_with(".internal") || host.ends_with(".local");
        if inside {
            return self.services.get(label).cloned();
        }
        made_from_a_service(host).and_then(|label| self.longest_service_prefix(label))
    }

    /// The service whose name a backend service's name starts with, or holds: `k8s1-UID-NAMESPACE-SERVICE-PORT-HASH`.
    fn service_behind(&self, backend: &str) -> Option<Component> {
        let known = self.services.get(backend).cloned().or_else(|| self.longest_service_prefix(backend));
        known.or_else(|| {
            let inside = self.services.iter().filter(|(service, _)| backend.contains(&format!("-{service}-")));
            inside.max_by_key(|(service, _)| service.len()).map(|(_, component)| component.clone())
        })
    }

    /// The service whose name it is, or begins with before a hyphen: the longest.
    fn longest_service_prefix(&self, name: &str) -> Option<Component> {
        let hyphens = name.rmatch_indices('-').map(|(at, _)| &name[..at]);
        std::iter::once(name).chain(hyphens).find_map(|prefix| self.services.get(prefix)).cloned()
    }
}

fn is_named_instance(thing: &Component) -> bool {
    matches!(thing.kind, ComponentKind::Database | ComponentKind::Cache | ComponentKind::Network)
        && !is_address(&thing.name)
}

/// True for a dotted quad.
pub fn is_address(name: &str) -> bool {
    name.contains('.') && name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Whether two spellings can mean one instance: `project:region:instance`, `project:instance`, `instance`. Two projects can each have
/// an instance of one name.
fn may_be(one: &str, other: &str) -> bool {
    match (one.split_once(':'), other.split_once(':')) {
        (Some((project, _)), Some((other, _))) => project == other,
        _ => true,
    }
}

/// The instance part of `project:region:instance`.
pub fn short(name: &str) -> &str {
    name.rsplit([':', '/']).next().unwrap_or(name)
}
