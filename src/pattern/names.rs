//! Names that name nothing that could fail: hosts of manuals, prefixes of labels, words of the trade.

/// Hosts of manuals, which error messages are full of, and names that look like hosts. One that ends in a dot is how a host
/// begins; of the others also what ends in them counts.
const MANUALS: [&str; 13] = [
    "cloud.google.com",
    "sqlalche.me",
    "docs.",
    "doc.",
    "www.",
    "support.google.com",
    "pydantic.dev",
    "nodejs.org",
    // Prefixes of labels and taints, and the registry an image comes from, which is told as the image.
    "kubernetes.io",
    "k8s.io",
    "gke.io",
    "docker.pkg.dev",
    "gcr.io",
];

/// Hosts whose pages error messages point to. Named without a page, they were called.
const PAGES: [&str; 2] = ["github.com", "stackoverflow.com"];

/// First labels of reversed names, as packages and types carry them: `com.example.Service`.
const REVERSED: [&str; 5] = ["com", "org", "net", "io", "dev"];

/// Words that stand where a name could stand.
const NOUNS: [&str; 25] = [
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
    "topic",
    "subscription",
    "queue",
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

/// Whether a host, with the text that follows it, is a page to read.
pub(super) fn is_page(host: &str, after: &str) -> bool {
    PAGES.contains(&host) && after.starts_with('/')
}

/// Whether a name that looks like a host is that of a package.
pub(super) fn is_package(name: &str) -> bool {
    name.split_once('.').is_some_and(|(first, rest)| REVERSED.contains(&first) && rest.contains('.'))
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
        assert!(is_page("github.com", "/acme/tool/issues/7") && !is_page("github.com", " port 443: timed out"));
        assert!(is_package("com.example.cloud") && !is_package("pay.example.com") && !is_package("io.example"));
        assert!(is_common_noun("Postgres") && !is_common_noun("orders-db"));
    }
}
