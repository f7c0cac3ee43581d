//! What is built on, as a supply-chain check would ask it: few crates, each with its reason, from one place, under known
//! licences; none that speaks to a network. Works without one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Licences that ask for nothing but their text.
const LICENCES: [&str; 9] = [
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "MIT",
    "MIT-0",
    "NCSA", // the fuzzing engine, which no build but a fuzzer's has
    "Unicode-3.0",
    "Zlib",
];

/// Crates of which two versions are known to be built, and why nothing can be done about it here.
const TWICE: [(&str, &str); 0] = [];

/// What would speak to a network, ship a TLS stack, or run what it was handed: an analyst's logs stay where they are.
const BANNED: [&str; 18] = [
    "async-std",
    "attohttpc",
    "curl",
    "curl-sys",
    "hyper",
    "isahc",
    "mio",
    "native-tls",
    "openssl",
    "openssl-sys",
    "quinn",
    "reqwest",
    "rustls",
    "socket2",
    "surf",
    "tokio",
    "ureq",
    "wasmtime",
];

/// Direct dependencies of the binary, and all crates below them, on the machine of the tests. Whoever raises a number has looked
/// for a way without.
const MOST: (usize, usize) = (27, 82);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn manifest() -> toml::Table {
    read("Cargo.toml").parse().expect("cargo has read it")
}

/// Every crate of every platform: name and the rest.
fn locked() -> Vec<(String, toml::Table)> {
    let lock: toml::Table = read("Cargo.lock").parse().expect("cargo has written it");
    let packages = lock["package"].as_array().expect("there are some").iter().filter_map(toml::Value::as_table);
    packages.map(|package| (package["name"].as_str().unwrap_or_default().to_owned(), package.clone())).collect()
}

/// What cargo knows of the crates that are built on this machine.
fn metadata() -> Value {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").output().expect("the compiler says its version").stdout;
    let version = String::from_utf8(version).expect("it is text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("it names the machine").to_owned();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", &host])
        .output()
        .expect("cargo starts");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).expect("cargo writes JSON")
}

/// Everything that `id` is linked to, itself included.
fn linked<'m>(id: &'m str, nodes: &BTreeMap<&'m str, &'m Value>, found: &mut BTreeSet<&'m str>) {
    if !found.insert(id) {
        return;
    }
    for dependency in nodes[id]["deps"].as_array().into_iter().flatten() {
        let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
        if kinds.map(|kind| &kind["kind"]).any(Value::is_null) {
            linked(dependency["pkg"].as_str().expect("it has an id"), nodes, found);
        }
    }
}

/// `(A OR B) AND C` with one level of brackets, as all of them are.
fn is_allowed(licence: &str) -> bool {
    let licence = licence.replace('/', " OR ");
    let mut parts = licence.split(" AND ").map(|part| part.trim_matches(['(', ')']));
    parts.all(|part| part.split(" OR ").any(|name| LICENCES.contains(&name)))
}

#[test]
fn every_licence_is_a_known_one() {
    for (licence, allowed) in [
        ("MIT/Apache-2.0", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("GPL-3.0", false),
        ("MIT AND GPL-3.0", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(licence), allowed, "{licence}");
    }
    let metadata = metadata();
    for package in metadata["packages"].as_array().expect("there are some") {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_allowed(licence), "{} is under {licence:?}", package["name"]);
    }
}

#[test]
fn every_crate_comes_from_one_registry_with_its_digest() {
    let others: Vec<_> = locked().into_iter().filter(|(name, _)| name != env!("CARGO_PKG_NAME")).collect();
    let source = |package: &toml::Table| package.get("source").and_then(toml::Value::as_str).unwrap_or("").to_owned();
    let sources: BTreeSet<String> = others.iter().map(|(_, package)| source(package)).collect();
    let only = sources.first().expect("there are some");
    assert!(
        sources.len() == 1 && only.starts_with("registry+https://"),
        "no git, no path, no second registry: {sources:?}"
    );
    for (name, package) in others {
        assert!(package.contains_key("checksum"), "{name}");
    }
}

#[test]
fn no_crate_speaks_to_a_network() {
    for (name, _) in locked() {
        assert!(!BANNED.contains(&name.as_str()), "{name} is banned");
    }
}

#[test]
fn no_crate_is_built_twice_without_a_reason() {
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    locked().into_iter().for_each(|(name, _)| *versions.entry(name).or_default() += 1);
    let twice: Vec<&str> = versions.iter().filter(|(_, n)| **n > 1).map(|(name, _)| name.as_str()).collect();
    assert_eq!(twice, TWICE.map(|(name, _)| name), "the list is what is so");
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let text = read("Cargo.toml");
    let mut section = "";
    for line in text.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.contains("dependencies]") && line.contains(" = ") {
            let reason = line.rsplit_once(" # ").map_or("", |(_, reason)| reason);
            assert!(reason.len() > 10, "no reason in Cargo.toml: {line}");
        }
    }
}

#[test]
fn the_binary_holds_as_few_crates_as_is_stated() {
    let metadata = metadata();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("it is resolved");
    let nodes: BTreeMap<&str, &Value> = nodes.iter().map(|node| (node["id"].as_str().unwrap_or(""), node)).collect();
    let mut found = BTreeSet::new();
    linked(metadata["resolve"]["root"].as_str().expect("one package"), &nodes, &mut found);
    let n_direct = manifest()["dependencies"].as_table().expect("there are some").len();
    assert_eq!((n_direct, found.len() - 1), MOST, "state the number that is so");
}

#[test]
fn unsafe_code_stays_forbidden() {
    assert_eq!(manifest()["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
}

/// The compiler of the tests is the oldest that is promised, or `.ci/run` asks that one too.
#[test]
fn no_crate_needs_a_newer_compiler_than_is_promised() {
    let parts = |version: &str| -> Vec<u32> { version.split('.').map_while(|part| part.parse().ok()).collect() };
    let promised = parts(env!("CARGO_PKG_RUST_VERSION"));
    let metadata = metadata();
    for package in metadata["packages"].as_array().expect("there are some") {
        let needed = parts(package["rust_version"].as_str().unwrap_or("1"));
        assert!(needed[..needed.len().min(2)] <= promised[..], "{} needs {needed:?}", package["name"]);
    }
}
