//! Panics of Go and Rust.

use super::{Frame, Language, Thrown, Traceback, clip, stem};

pub(super) fn read<'m>(lines: &[&'m str]) -> Option<Traceback<'m>> {
    go(lines).or_else(|| rust(lines))
}

/// Frames of Go's runtime and of modules that are not one's own.
const GO_FOREIGN: [&str; 4] = ["/usr/local/go/", "/pkg/mod/", "/vendor/", "/go/src/runtime/"];

fn go<'m>(lines: &[&'m str]) -> Option<Traceback<'m>> {
    let mut found = lines.iter().enumerate().filter_map(|(at, line)| Some((at, go_thrown(line)?)));
    let (at, cause) = found.next()?;
    let is_go = cause.kind != "fatal error" || lines.iter().any(|line| line.starts_with("goroutine "));
    if !is_go || !lines[..at].iter().all(|line| !line.trim_start().starts_with("File ")) {
        return None;
    }
    // A panic while panicking is printed after the first one, indented.
    let outermost = found.next_back().map(|(_, thrown)| thrown).unwrap_or(cause);
    Some(Traceback { language: Language::Go, cause, outermost, frames: go_frames(&lines[at..]) })
}

fn go_thrown(line: &str) -> Option<Thrown<'_>> {
    let line = line.trim();
    let (kind, text) = match line.find("panic: ") {
        Some(0) => ("panic", &line["panic: ".len()..]),
        // The http server logs what it recovered from: `http: panic serving 10.0.0.1:1234: …`.
        _ if line.contains("http: panic serving ") => {
            let rest = line.split_once("http: panic serving ")?.1;
            ("panic", rest.split_once(": ")?.1)
        }
        _ => ("fatal error", line.strip_prefix("fatal error: ")?),
    };
    let text = text.strip_suffix(" [recovered]").unwrap_or(text);
    Some(Thrown { kind, text: clip(text), line: clip(line) })
}

/// Own frames of the first goroutine: a line with the function, then an indented one with the file.
fn go_frames<'m>(lines: &[&'m str]) -> Vec<Frame<'m>> {
    let start = lines.iter().position(|line| line.starts_with("goroutine ")).map_or(lines.len(), |at| at + 1);
    let goroutine = lines[start..].iter().take_while(|line| !line.starts_with("goroutine ") && !line.is_empty());
    let goroutine: Vec<_> = goroutine.collect();
    let pairs = goroutine.windows(2).filter(|pair| !pair[0].starts_with('\t') && pair[1].starts_with('\t'));
    pairs.filter_map(|pair| go_frame(pair[0], pair[1])).collect()
}

fn go_frame<'m>(call: &'m str, file: &'m str) -> Option<Frame<'m>> {
    let call = call.strip_prefix("created by ").unwrap_or(call);
    let is_runtime = call.starts_with("runtime") || call.starts_with("panic(") || call.starts_with("net/http.");
    if is_runtime || GO_FOREIGN.iter().any(|part| file.contains(part)) {
        return None;
    }
    let call = call.rsplit_once('(').map_or(call, |(call, _)| call);
    let function = call.rsplit('/').next()?.rsplit('.').next()?;
    Some(Frame { place: stem(file.trim()), function })
}

fn rust<'m>(lines: &[&'m str]) -> Option<Traceback<'m>> {
    let (at, place) = lines.iter().enumerate().find_map(|(at, line)| Some((at, rust_place(line)?)))?;
    let line = lines[at].trim();
    // Up to Rust 1.72 the message stood between quotes on the same line.
    let old = place.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', "));
    let (text, file) = match old {
        Some((text, file)) => (text, file),
        None => (lines.get(at + 1).map_or("", |next| next.trim()), place),
    };
    let cause = Thrown {
        kind: "panic",
        text: clip(text),
        line: if old.is_some() || text.is_empty() { clip(line) } else { clip(text) },
    };
    let frame = Frame { place: stem(file), function: "" };
    let is_own = !file.starts_with("/rustc/") && !file.contains("/.cargo/registry/");
    let frames = if is_own { vec![frame] } else { Vec::new() };
    Some(Traceback { language: Language::Rust, cause, outermost: cause, frames })
}

/// What follows `panicked at ` in `thread 'main' panicked at src/main.rs:4:5:`.
fn rust_place(line: &str) -> Option<&str> {
    line.contains("thread '").then_some(())?;
    line.split_once("panicked at ").map(|(_, place)| place)
}
