//! Tracebacks whose frames begin with `at`: Java and Kotlin, Node, .NET.

use super::{Frame, Language, Thrown, Traceback, stem, thrown, thrown_within};

/// Packages of the JVM and of common libraries: frames there are not one's own code.
const JVM_FOREIGN: [&str; 34] = [
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "jakarta.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "groovy.",
    "org.springframework.",
    "org.apache.",
    "org.hibernate.",
    "org.eclipse.",
    "org.jboss.",
    "org.postgresql.",
    "org.junit.",
    "org.jetbrains.",
    "org.slf4j.",
    "io.netty.",
    "io.grpc.",
    "io.micrometer.",
    "io.vertx.",
    "io.quarkus.",
    "io.ktor.",
    "com.google.",
    "com.fasterxml.",
    "com.mysql.",
    "com.zaxxer.",
    "com.mongodb.",
    "reactor.",
    "akka.",
    "feign.",
    "okhttp3.",
];

/// Namespaces of .NET and of common libraries.
const DOTNET_FOREIGN: [&str; 9] =
    ["System.", "Microsoft.", "Npgsql.", "Grpc.", "Google.", "MySql.", "StackExchange.", "Newtonsoft.", "Polly."];

/// One exception with its frames; `None` stands for a library's.
#[derive(Default)]
struct Exception<'m> {
    thrown: Thrown<'m>,
    frames: Vec<Frame<'m>>,
}

pub(super) fn read<'m>(lines: &[&'m str]) -> Option<Traceback<'m>> {
    let first = lines.iter().position(|line| at(line).is_some())?;
    let language = lines[first..].iter().find_map(|line| at(line).map(language))?;
    let blocks = match language {
        Language::Dotnet => dotnet(lines),
        _ => chain(lines, first, language),
    };
    let cause = blocks.iter().rev().find(|b| !b.thrown.kind.is_empty()).or(blocks.last())?;
    let outermost = blocks.first()?.thrown;
    let own = std::iter::once(cause).chain(blocks.iter().rev()).find(|b| !b.frames.is_empty());
    let frames = own.map(|b| b.frames.clone()).unwrap_or_default();
    Some(Traceback { language, cause: nested(cause.thrown), outermost, frames })
}

/// What follows `at ` in a frame.
fn at(line: &str) -> Option<&str> {
    if !line.starts_with([' ', '\t']) {
        return None;
    }
    let rest = line.trim_start().strip_prefix("at ")?;
    let is_frame = rest.ends_with([')', '{'])
        || rest.contains(" in ")
        || rest.contains(":line ")
        || rest.ends_with(|c: char| c.is_ascii_digit());
    is_frame.then_some(rest)
}

fn language(frame: &str) -> Language {
    let inside = frame.rsplit_once('(').map_or("", |(_, inside)| inside.trim_end_matches([')', ' ', '{']));
    let in_java = inside.contains(".java")
        || inside.contains(".kt")
        || inside.contains(".scala")
        || inside.contains(".groovy")
        || inside == "Native Method"
        || inside == "Unknown Source";
    let has_position =
        frame.trim_end_matches([')', ' ', '{']).rsplit(':').take(2).all(|part| part.parse::<u32>().is_ok());
    if in_java {
        Language::Jvm
    } else if has_position || frame.contains("<anonymous>") || frame.contains("node:") || frame.starts_with("async ") {
        Language::Node
    } else {
        Language::Dotnet
    }
}

/// The exceptions of Java and Node, outermost first.
fn chain<'m>(lines: &[&'m str], first: usize, language: Language) -> Vec<Exception<'m>> {
    let mut blocks = vec![Exception { thrown: head(&lines[..first]), ..Exception::default() }];
    for line in &lines[first..] {
        if let Some(frame) = at(line) {
            let own = if language == Language::Jvm { jvm_frame(frame) } else { node_frame(frame) };
            if let Some(block) = blocks.last_mut() {
                block.frames.extend(own);
            }
        } else if let Some(cause) = line.trim_start().strip_prefix("Caused by: ").or_else(|| after(line, "[cause]: ")) {
            blocks.push(Exception {
                thrown: thrown_within(cause).unwrap_or_else(|| plain(cause)),
                ..Exception::default()
            });
        }
    }
    blocks
}

/// The exception above the first frame: the nearest line that names one, or the last line there is.
fn head<'m>(lines: &[&'m str]) -> Thrown<'m> {
    let found = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, thrown(without_intro(line))?)));
    let found =
        found.or_else(|| lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, thrown_within(line)?))));
    let last = || lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty());
    match found {
        // Some errors say what happened only after empty lines.
        Some((at, thrown)) if thrown.text.is_empty() => {
            let text = lines[at + 1..].iter().rev().map(|line| line.trim()).find(|line| !line.is_empty());
            Thrown { text: text.map_or("", super::clip), ..thrown }
        }
        Some((_, thrown)) => thrown,
        None => last().map(plain).unwrap_or_default(),
    }
}

fn without_intro(line: &str) -> &str {
    let line = line.trim_start();
    let line = line.strip_prefix("Unhandled exception. ").or_else(|| line.strip_prefix("Uncaught ")).unwrap_or(line);
    match line.strip_prefix("Exception in thread \"") {
        Some(rest) => rest.split_once("\" ").map_or(rest, |(_, thrown)| thrown),
        None => line,
    }
}

fn plain(line: &str) -> Thrown<'_> {
    let line = super::clip(line.trim());
    Thrown { kind: "", text: line, line }
}

fn after<'m>(line: &'m str, mark: &str) -> Option<&'m str> {
    line.split_once(mark).map(|(_, rest)| rest)
}

/// Spring prints the causes of a cause in its message, the innermost last.
fn nested(outer: Thrown<'_>) -> Thrown<'_> {
    outer.text.rsplit_once("nested exception is ").and_then(|(_, inner)| thrown(inner)).unwrap_or(outer)
}

fn jvm_frame(frame: &str) -> Option<Frame<'_>> {
    let call = frame.split('(').next()?;
    // Class loaders and modules stand before a slash.
    let call = call.rsplit('/').next()?;
    if JVM_FOREIGN.iter().any(|package| call.starts_with(package)) {
        return None;
    }
    let (class, function) = call.rsplit_once('.')?;
    let place = class.rsplit('.').next()?;
    let place = place.split_once("$$").map_or(place, |(place, _)| place);
    Some(Frame { place, function })
}

fn node_frame(frame: &str) -> Option<Frame<'_>> {
    let frame = frame.trim_end_matches([' ', '{']);
    let (function, path) = match frame.rsplit_once(" (") {
        Some((function, path)) => (function, path),
        None => ("", frame.strip_prefix("async ").unwrap_or(frame)),
    };
    let foreign = ["node_modules", "node:", "internal/", "<anonymous>", "native"];
    if foreign.iter().any(|part| path.contains(part)) {
        return None;
    }
    let function = function.trim_start_matches("async ").trim_start_matches("new ");
    let function = function.split(" [as ").next().unwrap_or(function);
    let function = function.rsplit('.').next().unwrap_or(function);
    Some(Frame { place: stem(path), function })
}

/// The exceptions of .NET, outermost first: all are named before the frames, the innermost's frames come first.
fn dotnet<'m>(lines: &[&'m str]) -> Vec<Exception<'m>> {
    let mut blocks: Vec<Exception> = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    for line in lines {
        if let Some(frame) = at(line) {
            frames.extend(dotnet_frame(frame));
        } else {
            let mut parts = line.split(" ---> ");
            let outer = parts.next().filter(|part| !part.trim().is_empty() && frames.is_empty() && blocks.is_empty());
            for part in outer.into_iter().chain(parts) {
                let found = thrown(without_intro(part)).or_else(|| thrown_within(part));
                blocks.extend(found.map(|thrown| Exception { thrown, ..Exception::default() }));
            }
        }
    }
    if blocks.is_empty() {
        blocks.push(Exception { thrown: head(lines), ..Exception::default() });
    }
    if let Some(innermost) = blocks.last_mut() {
        innermost.frames = frames;
    }
    blocks
}

fn dotnet_frame(frame: &str) -> Option<Frame<'_>> {
    if DOTNET_FOREIGN.iter().any(|namespace| frame.starts_with(namespace)) {
        return None;
    }
    let call = frame.split('(').next()?;
    let (class, function) = call.rsplit_once('.')?;
    let place = class.rsplit('.').next()?;
    Some(match place.strip_prefix('<').or_else(|| place.split_once("+<").map(|(_, rest)| rest)) {
        // An asynchronous method is a class of its own: `Orders.<Place>d__7.MoveNext`.
        Some(generated) => {
            let class = class.rsplit('.').nth(1).unwrap_or(place);
            Frame { place: class, function: generated.split('>').next().unwrap_or(function) }
        }
        None => Frame { place, function },
    })
}
