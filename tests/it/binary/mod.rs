//! Runs of the real binary, each with a clean environment and a folder of its own.

#![allow(dead_code, reason = "every test file takes what it needs")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit status; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Run {
    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err))
    }

    /// This run, if it ended with `code`.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The one line of standard error.
    #[track_caller]
    pub(crate) fn one_line(&self) -> &str {
        assert_eq!(self.err.lines().count(), 1, "one line is wanted:\n{}", self.err);
        self.err.trim_end()
    }
}

/// The binary with what a test says, and nothing of the caller's environment that could show in its output.
pub(crate) fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firstfault"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS", "TZ", "LANG", "LC_ALL"] {
        command.env_remove(name);
    }
    command
}

/// Runs to the end.
pub(crate) fn run(arguments: &[&str]) -> Run {
    finish(binary(arguments).output())
}

/// Runs in a folder, so that names in the report are relative to it.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Run {
    finish(binary(arguments).current_dir(folder).output())
}

/// Starts it with pipes on all sides.
pub(crate) fn start(arguments: &[&str]) -> (Child, ChildStdin) {
    let mut child = binary(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let stdin = child.stdin.take().expect("it is piped");
    (child, stdin)
}

/// Runs with `input` on standard input.
pub(crate) fn run_on(input: &[u8], arguments: &[&str]) -> Run {
    let (child, mut stdin) = start(arguments);
    let input = input.to_vec();
    // A run that ends before it has read everything closes the pipe, which is not this thread's business.
    let feed = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output();
    feed.join().expect("feeding does not panic");
    finish(output)
}

/// A finished run as text.
pub(crate) fn finish(output: std::io::Result<Output>) -> Run {
    let output = output.expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// The folder of the stories.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A fresh folder that goes away with its test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new one, named after its test.
    pub(crate) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("firstfault-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("the temporary folder is writable");
        Folder(path)
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and gives its path as text.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("the temporary folder is writable");
        fs::write(&path, content).expect("the temporary folder is writable");
        path.to_str().expect("temporary paths are UTF-8").to_owned()
    }

    /// Reads a file back.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
