//! Tools of the field, and what they are asked: far less than a report.

use std::path::Path;

/// A peer by its name, what tells that it is installed, and what it is asked of a file.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// A command that succeeds where it is installed.
    pub(crate) check: &'static str,
    ask: fn(file: &str, patterns: &str) -> String,
}

/// Counts of lines; of lines with one of 40 patterns; of entries by severity, service and whether their message has one.
pub(crate) const PEERS: [Peer; 4] = [
    Peer { name: "wc -l", check: "command -v wc", ask: |file, _| format!("wc -l '{file}'") },
    Peer {
        name: "rg, 40 patterns, 1 thread",
        check: "command -v rg",
        ask: |file, patterns| format!("rg -j1 -c -i -f '{patterns}' '{file}'"),
    },
    Peer {
        name: "duckdb, 40 patterns, 1 thread",
        check: "python3 -c 'import duckdb'",
        ask: |file, patterns| duckdb(file, patterns, 1),
    },
    Peer {
        name: "duckdb, 40 patterns, 2 threads",
        check: "python3 -c 'import duckdb'",
        ask: |file, patterns| duckdb(file, patterns, 2),
    },
];

impl Peer {
    /// The command; `folder` takes the file with the patterns.
    pub(crate) fn command(&self, file: &str, folder: &Path) -> String {
        let patterns = folder.join("bench-patterns.txt");
        std::fs::write(&patterns, PATTERNS.join("\n") + "\n").expect("the folder for benches takes them");
        (self.ask)(file, &patterns.to_string_lossy())
    }
}

fn duckdb(file: &str, patterns: &str, threads: usize) -> String {
    format!(
        r#"python3 - <<'END'
import duckdb
patterns = "(" + ")|(".join(open('{patterns}').read().split("\n")[:-1]) + ")"
columns = "{{severity:'VARCHAR',textPayload:'VARCHAR',jsonPayload:'STRUCT(message VARCHAR, msg VARCHAR)',protoPayload:'STRUCT(status STRUCT(message VARCHAR))',resource:'STRUCT(\"type\" VARCHAR, labels STRUCT(service_name VARCHAR, container_name VARCHAR))'}}"
text = "coalesce(textPayload,jsonPayload.message,jsonPayload.msg,protoPayload.status.message,'')"
service = "coalesce(resource.labels.service_name,resource.labels.container_name,resource.type)"
connection = duckdb.connect()
connection.execute("set threads={threads}")
print(connection.execute(f"select coalesce(severity,'DEFAULT') s, {{service}} v, regexp_matches({{text}}, $1, 'i') m, count(*) n from read_json('{file}', format='newline_delimited', ignore_errors=true, columns={{columns}}) group by all", [patterns]).fetchall())
END"#
    )
}

/// What people search for when something fails.
const PATTERNS: [&str; 40] = [
    r"timed?[ -]?out",
    r"deadline[ _]exceeded",
    r"exit\(3\)",
    r"exit(ed)? (with )?(code|status):? ?[1-9][0-9]*",
    r"health ?check (failed|failing|timed out)",
    r"(liveness|readiness|startup) probe (failed|errored)",
    r"tcp probe failed",
    r"connection refused",
    r"connection reset",
    r"ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE",
    r"broken pipe",
    r"no route to host|network is unreachable",
    r"could not resolve|name or service not known|NXDOMAIN",
    r"(http|status)[ =:/]*50[0-4]",
    r"503 service unavailable",
    r"502 bad gateway",
    r"upstream connect error",
    r"no healthy upstream",
    r"vpc (access )?connector",
    r"cloud ?sql (proxy|connection|instance).{0,60}(fail|error|refus|timeout)",
    r"too many connections|remaining connection slots",
    r"password authentication failed",
    r"deadlock detected",
    r"could not connect to server",
    r"OOMKilled|out of memory|memory limit of [0-9]+",
    r"memory limit exceeded|exceeded memory limit",
    r"panic:",
    r"segmentation fault|SIGSEGV|signal 11",
    r"CrashLoopBackOff|back-off restarting",
    r"ImagePullBackOff|ErrImagePull",
    r"permission[ _]denied|403 forbidden",
    r"quota exceeded|RESOURCE_EXHAUSTED|rate limit exceeded",
    r"certificate (has expired|verify failed)",
    r"tls handshake (timeout|error|fail)",
    r"disk full|no space left on device",
    r"evicted",
    r"traceback \(most recent call last\)",
    r"unhandled exception|uncaught exception",
    r"websocket.{0,40}(closed|failed|error|1006|1011)",
    r"container called exit",
];
