//! Tracebacks of Ruby and PHP.

use super::{Frame, Language, Thrown, Traceback, clip, stem, thrown, thrown_within};

pub(super) fn read<'m>(lines: &[&'m str]) -> Option<Traceback<'m>> {
    php(lines).or_else(|| ruby(lines))
}

fn php<'m>(lines: &[&'m str]) -> Option<Traceback<'m>> {
    let is_php = lines.iter().any(|l| l.contains("Uncaught ") && l.contains(" in "))
        || lines.iter().any(|l| php_frame(l).is_some());
    is_php.then_some(())?;
    let first = lines
        .iter()
        .position(|l| l.contains("Uncaught "))
        .or_else(|| lines.iter().position(|l| thrown_within(l).is_some()))?;
    let head = lines[first].split_once("Uncaught ").map_or(lines[first], |(_, rest)| rest);
    let cause = without_place(thrown_within(head)?);
    let next = lines.iter().rev().find_map(|line| thrown(line.strip_prefix("Next ")?));
    let frames = lines.iter().filter_map(|line| php_frame(line)?).collect();
    Some(Traceback { language: Language::Php, cause, outermost: next.map_or(cause, without_place), frames })
}

/// PHP ends a message with ` in FILE:LINE`.
fn without_place(thrown: Thrown<'_>) -> Thrown<'_> {
    let text = thrown.text.rsplit_once(" in /").map_or(thrown.text, |(text, _)| text);
    let line = thrown.line.rsplit_once(" in /").map_or(thrown.line, |(line, _)| line);
    Thrown { text, line, ..thrown }
}

/// `#0 /app/src/Db.php(12): PDO->query('…')`; `Some(None)` if it is a library's.
fn php_frame(line: &str) -> Option<Option<Frame<'_>>> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix(' ')?;
    let (path, call) = rest.split_once("): ")?;
    let path = path.split_once('(')?.0;
    path.ends_with(".php").then_some(())?;
    let function = call.split('(').next().unwrap_or("");
    let function = function.rsplit(['>', ':', '\\']).next().unwrap_or("");
    Some((!path.contains("/vendor/")).then_some(Frame { place: stem(path), function }))
}

fn ruby<'m>(lines: &[&'m str]) -> Option<Traceback<'m>> {
    let frames: Vec<_> = lines.iter().filter_map(|line| ruby_frame(line)).collect();
    frames.first()?;
    let cause = lines.iter().find_map(|line| ruby_thrown(line))?;
    Some(Traceback {
        language: Language::Ruby,
        cause,
        outermost: cause,
        frames: frames.into_iter().flatten().collect(),
    })
}

/// ``app.rb:3:in `call': message (Type)`` of the interpreter, or `Type (message):` and `Type: message` of frameworks.
fn ruby_thrown(line: &str) -> Option<Thrown<'_>> {
    if let Some((_, rest)) = line.split_once(":in ") {
        let (_, rest) = rest.split_once("': ")?;
        let (text, kind) = rest.rsplit_once(" (")?;
        return Some(Thrown { kind: kind.trim_end_matches([')', ':']), text: clip(text), line: clip(rest) });
    }
    let line = line.trim();
    let called = line.split_once(" (").filter(|(kind, _)| super::is_type(kind));
    if let Some((kind, text)) = called {
        return Some(Thrown {
            kind,
            text: clip(text.trim_end_matches([':', ')'])),
            line: clip(line.trim_end_matches(':')),
        });
    }
    thrown_within(line)
}

/// ``from /app/models/user.rb:12:in `save'``; `Some(None)` if it is a gem's.
fn ruby_frame(line: &str) -> Option<Option<Frame<'_>>> {
    let line = line.trim_start();
    let line = line.strip_prefix("from ").unwrap_or(line);
    let (place, rest) = line.split_once(":in ")?;
    let (path, number) = place.rsplit_once(':')?;
    (path.contains(".rb") && number.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
    let function = rest.trim_start_matches(['`', '\'']).split('\'').next().unwrap_or("");
    let function = function.strip_prefix("block in ").unwrap_or(function);
    let function = function.rsplit(['#', '.']).next().unwrap_or(function);
    let own = !path.contains("/gems/") && !path.contains("/lib/ruby/");
    Some(own.then_some(Frame { place: stem(path), function }))
}
