//! The built-in catalogue: every file of `src/pattern/catalogue/`, in order of name.

/// Name and text of each file. `tests` compare the list with the folder.
pub(super) const FILES: &[(&str, &str)] = &[
    ("app-engine.toml", include_str!("../catalogue/app-engine.toml")),
    ("application.toml", include_str!("../catalogue/application.toml")),
    ("change.toml", include_str!("../catalogue/change.toml")),
    ("cloud-run.toml", include_str!("../catalogue/cloud-run.toml")),
    ("cloud-sql.toml", include_str!("../catalogue/cloud-sql.toml")),
    ("compute.toml", include_str!("../catalogue/compute.toml")),
    ("config.toml", include_str!("../catalogue/config.toml")),
    ("database.toml", include_str!("../catalogue/database.toml")),
    ("dotnet.toml", include_str!("../catalogue/dotnet.toml")),
    ("firestore.toml", include_str!("../catalogue/firestore.toml")),
    ("function.toml", include_str!("../catalogue/function.toml")),
    ("gke.toml", include_str!("../catalogue/gke.toml")),
    ("go.toml", include_str!("../catalogue/go.toml")),
    ("http.toml", include_str!("../catalogue/http.toml")),
    ("iam.toml", include_str!("../catalogue/iam.toml")),
    ("jvm.toml", include_str!("../catalogue/jvm.toml")),
    ("load-balancing.toml", include_str!("../catalogue/load-balancing.toml")),
    ("network.toml", include_str!("../catalogue/network.toml")),
    ("node.toml", include_str!("../catalogue/node.toml")),
    ("noise.toml", include_str!("../catalogue/noise.toml")),
    ("python.toml", include_str!("../catalogue/python.toml")),
    ("queue.toml", include_str!("../catalogue/queue.toml")),
    ("redis.toml", include_str!("../catalogue/redis.toml")),
    ("ruby-php.toml", include_str!("../catalogue/ruby-php.toml")),
    ("third-party.toml", include_str!("../catalogue/third-party.toml")),
    ("websocket.toml", include_str!("../catalogue/websocket.toml")),
];

/// A built-in file without its examples, which only `check` needs: reading them is half of a start.
///
/// Lines keep their numbers.
pub(super) fn without_examples(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut in_example = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("[[signature") {
            in_example = line.starts_with("[[signature.example]]") || line.starts_with("[[signature.near_miss]]");
        }
        kept.push_str(if in_example { "\n" } else { line });
    }
    kept
}
