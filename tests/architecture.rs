//! Laws of the source: which module may use which, which may touch the world, and that every file says what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use firstfault::pattern::{Catalogue, Role};

/// The rooms that may touch files, environment, clock and the standard streams.
const DOORS: [&str; 2] = ["source", "cli"];

/// Names by which the world is touched.
const WORLD: [&str; 16] = [
    "std::fs",
    "std::env",
    "TcpStream",
    "UdpSocket",
    "ToSocketAddrs",
    "std::process",
    "env::var",
    "process::exit",
    "SystemTime",
    "Instant",
    "stdin(",
    "stdout(",
    "stderr(",
    "println!",
    "eprintln!",
    "dbg!",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` with one of the endings, as paths relative to the package.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(listing) = fs::read_dir(&folder) else { continue };
        for child in listing.flatten().map(|child| child.path()) {
            if child.is_dir() {
                folders.push(child);
            } else if child.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e)) {
                found.push(child.strip_prefix(root()).expect("it lies below").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rooms in the order of `src/lib.rs`.
fn rooms() -> Vec<String> {
    let lib = text(Path::new("src/lib.rs"));
    lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect()
}

/// The room a file belongs to; `main` and `lib` are none.
fn room_of(path: &Path, rooms: &[String]) -> Option<usize> {
    let first = path.components().nth(1)?.as_os_str().to_str()?;
    rooms.iter().position(|room| room == first.trim_end_matches(".rs"))
}

/// Code without comments, up to the tests at its end: tests may read files and look at clocks.
fn production(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let tests = text.match_indices("\n#[cfg(test)]\n").map(|(at, _)| at).find(|at| opens_a_module(&text[at + 1..]));
    let code = &text[..tests.unwrap_or(text.len())];
    code.lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.split("//").next().unwrap_or("")))
        .filter(|(_, l)| !l.is_empty())
}

/// Whether what the attributes at the start of `text` belong to is a module with its body.
fn opens_a_module(text: &str) -> bool {
    let item = text.lines().find(|line| !line.starts_with("#[")).unwrap_or("");
    item.starts_with("mod ") && item.ends_with('{')
}

/// Every room that a line names after `crate::`, also in `use crate::{entry, pattern::Layer}`.
fn rooms_named<'r>(code: &str, rooms: &'r [String]) -> BTreeSet<(usize, &'r str)> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            None => vec![rest],
            Some(list) => list.split(',').map(str::trim).collect(),
        };
        for name in names {
            let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
            if let Some(room) = rooms.iter().position(|room| room == name) {
                named.insert((room, rooms[room].as_str()));
            }
        }
    }
    named
}

#[test]
fn a_room_knows_only_the_rooms_above_it() {
    let rooms = rooms();
    assert!(rooms.len() >= 11, "src/lib.rs lists the rooms: {rooms:?}");
    let mut broken = Vec::new();
    for file in files("src", &["rs"]) {
        let Some(room) = room_of(&file, &rooms) else { continue };
        for (line, code) in production(&text(&file)) {
            for (other, name) in rooms_named(code, &rooms) {
                if other > room {
                    broken.push(format!("{}:{line}: {} must not know {name}", file.display(), rooms[room]));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_folder_and_file_of_src_belongs_to_a_room() {
    let rooms = rooms();
    let strays: Vec<PathBuf> = files("src", &["rs"])
        .into_iter()
        .filter(|file| room_of(file, &rooms).is_none())
        .filter(|file| !["src/lib.rs", "src/main.rs"].contains(&file.to_str().unwrap_or("")))
        .collect();
    assert!(strays.is_empty(), "{strays:?}");
}

#[test]
fn only_source_and_cli_touch_the_world() {
    let rooms = rooms();
    let mut broken = Vec::new();
    for file in files("src", &["rs"]) {
        let Some(room) = room_of(&file, &rooms).filter(|room| !DOORS.contains(&rooms[*room].as_str())) else {
            continue;
        };
        if file.ends_with("tests.rs") {
            continue;
        }
        for (line, code) in production(&text(&file)) {
            for name in WORLD.iter().filter(|name| code.contains(**name)) {
                broken.push(format!("{}:{line}: {} is pure, yet names {name}", file.display(), rooms[room]));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_file_says_first_what_it_holds() {
    let mut broken = Vec::new();
    for file in ["src", "tests", "benches", "examples"].iter().flat_map(|folder| files(folder, &["rs"])) {
        if !text(&file).lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 8) {
            broken.push(format!("{}: no `//! What it holds.`", file.display()));
        }
    }
    let tables = ["src", "tests", "fixtures"].iter().flat_map(|folder| files(folder, &["toml"]));
    for file in tables.chain(["Cargo.toml".into(), ".rustfmt.toml".into()]) {
        if !text(&file).lines().next().is_some_and(|line| line.starts_with("# ")) {
            broken.push(format!("{}: no `# what it holds`", file.display()));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn there_is_no_room_without_a_noun() {
    let heaps = ["util", "utils", "common", "misc", "helpers", "helper", "shared"];
    for file in files("src", &["rs"]) {
        for part in file.components().filter_map(|part| part.as_os_str().to_str()) {
            assert!(!heaps.contains(&part.trim_end_matches(".rs")), "{}: a heap, not a room", file.display());
        }
    }
}

#[test]
fn the_catalogue_knows_its_own_examples() {
    let failures: Vec<String> = Catalogue::builtin()
        .check()
        .into_iter()
        .filter(|failure| !failure.only_a_warning)
        .map(|failure| failure.to_string())
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The page about the catalogue.
const CATALOGUE: &str = "src/pattern/catalogue/README.md";

/// What it says of the catalogue: a row for every file.
fn table_of_signatures() -> String {
    let catalogue = Catalogue::builtin();
    let mut rows: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for signature in &catalogue.signatures {
        let (all, causes) = rows.entry(signature.file.trim_end_matches(".toml")).or_default();
        *all += 1;
        *causes += usize::from(signature.role == Role::Cause);
    }
    let rows: String = rows.iter().map(|(file, (all, causes))| format!("| {file} | {all} | {causes} |\n")).collect();
    format!(
        "The catalogue holds {} signatures, each with a source, examples that it must match and near misses that it must not:\n\n\
         | file | signatures | of them causes |\n| --- | --: | --: |\n{rows}",
        catalogue.signatures.len()
    )
}

/// `UPDATE=1` writes the table anew.
#[test]
fn the_page_about_the_catalogue_counts_right() {
    let readme = text(Path::new(CATALOGUE));
    let (head, rest) = readme.split_once("<!-- signatures -->\n").expect("a mark before the table");
    let (shown, tail) = rest.split_once("<!-- /signatures -->").expect("a mark behind the table");
    let wanted = table_of_signatures();
    if std::env::var_os("UPDATE").is_some() {
        let readme = format!("{head}<!-- signatures -->\n{wanted}<!-- /signatures -->{tail}");
        fs::write(root().join(CATALOGUE), readme).expect("it is writable");
    } else {
        assert!(shown == wanted, "{CATALOGUE} does not show the catalogue as it is:\n{wanted}");
    }
}

/// Products that conclusions must not know: what they mean lies in the catalogue, and how their entries look in `entry` and `pattern`.
const PRODUCTS: [&str; 22] = [
    "sql",
    "postgres",
    "mysql",
    "redis",
    "kafka",
    "spanner",
    "pubsub",
    "pub/sub",
    "firestore",
    "bigquery",
    "kubernetes",
    "gke",
    "cloud run",
    "run.app",
    "vpc",
    "envoy",
    "nginx",
    "airflow",
    "dataflow",
    "memorystore",
    "gunicorn",
    "spring",
];

/// String literals of a file, without its tests and its comments.
fn literals(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_lowercase).collect::<Vec<_>>()).collect()
}

#[test]
fn conclusions_and_reports_name_no_signature_and_no_product() {
    let catalogue = Catalogue::builtin();
    let ids: BTreeSet<&str> = catalogue.signatures.iter().map(|signature| signature.id.as_str()).collect();
    let mut named = Vec::new();
    let modules = ["src/incident", "src/cause", "src/report"];
    for file in modules.iter().flat_map(|module| files(module, &["rs"])) {
        let concludes = !file.starts_with("src/report");
        for literal in literals(&text(&file)) {
            let product = PRODUCTS.iter().any(|product| literal.contains(product));
            if ids.contains(literal.as_str()) || concludes && product {
                named.push(format!("{}: {literal:?}", file.display()));
            }
        }
    }
    assert!(named.is_empty(), "\n{}", named.join("\n"));
}
