//! Names that name nothing that could fail: hosts of manuals, prefixes of labels, words of the trade.

/// Hosts of manuals, which error messages are full of, and names that look like hosts. One that ends in a dot is how a host
/// begins; of the others also what ends in them counts.
const MANUALS: [&str; 15] = [
    "cloud.google.com",
    "sqlalche.me",
    "github.com",
    "docs.",
    "doc.",
    "www.",
    "support.google.com",
    "pydantic.dev",
    "nodejs.org",
    "stackoverflow.com",
    // Prefixes of labels and taints, and the registry an image comes from, which is told as the image.
    "kubernetes.io",
    "k8s.io",
    "gke.io",
    "docker.pkg.dev",
    "gcr.io",
];

/// Words that stand where a name could stand.
const NOUNS: [&str; 22] = [
    "database",
    "db",
    "cache",
    "redis",
    "postgres",
    "postgresql",
    "mysql",
    "server",
    "host",
    "primary",
    "replica",
    "the",
    "upstream",
    "service",
    "backend",
    "api",
    "none",
    "null",
    "undefined",
    "unknown",
    "true",
    "false",
];

/// Whether a host is that of a manual, or a name that only looks like a host.
pub(super) fn is_manual(host: &str) -> bool {
    let is_it = |manual: &&str| host.ends_with(*manual) || (manual.ends_with('.') && host.starts_with(*manual));
    MANUALS.iter().any(is_it)
}

/// Whether a word means a kind of thing, and no thing.
pub(super) fn is_common_noun(name: &str) -> bool {
    NOUNS.iter().any(|noun| noun.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_is_no_host_and_a_noun_no_name() {
        for host in ["docs.example.org", "cloud.google.com", "node.kubernetes.io", "www.example.org"] {
            assert!(is_manual(host), "{host}");
        }
        assert!(!is_manual("pay.example.com") && !is_manual("documents.example.com"));
        assert!(is_common_noun("Postgres") && !is_common_noun("orders-db"));
    }
}
