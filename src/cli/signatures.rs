//! `firstfault signatures`: the catalogue, listed, shown and tested.

use std::fmt::Write;
use std::path::PathBuf;

use super::args::SignaturesCommand;
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{note, print};
use crate::pattern::Catalogue;
use crate::pattern::signature::Signature;

/// Runs a command on the catalogue.
pub(super) fn run(command: &SignaturesCommand) -> Result<ExitStatus, UsageError> {
    match command {
        SignaturesCommand::List => print(&list(&Catalogue::builtin())),
        SignaturesCommand::Show { id } => show(&Catalogue::builtin(), id),
        SignaturesCommand::Test { files } => test(files),
    }
}

fn list(catalogue: &Catalogue) -> String {
    let rows = catalogue
        .signatures
        .iter()
        .map(|s| format!("{:<40} {:<12} {:<7} {}\n", s.id, name(&s.layer), name(&s.role), s.title));
    rows.collect()
}

/// The name by which signature files and reports spell a layer or a role.
fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn show(catalogue: &Catalogue, id: &str) -> Result<ExitStatus, UsageError> {
    match catalogue.get(id) {
        Some(signature) => print(&describe(signature)),
        None => {
            let near = catalogue.signatures.iter().filter(|s| s.id.contains(id)).take(5).map(|s| s.id.as_str());
            let near: Vec<&str> = near.collect();
            let hint = if near.is_empty() { "see: firstfault signatures list".to_owned() } else { near.join(", ") };
            Err(UsageError::new(format!("no signature has the id {id}; {hint}")))
        }
    }
}

fn describe(signature: &Signature) -> String {
    let mut out = String::new();
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(out, "{label:<10} {text}");
    };
    line("id", &signature.id);
    line("title", &signature.title);
    line("layer", &name(&signature.layer));
    line("role", &name(&signature.role));
    line("owner", &signature.owner);
    line("source", &signature.source);
    for check in &signature.checks {
        line("check", check);
    }
    for remedy in &signature.remedies {
        line(&remedy.tier, &remedy.text);
        if let Some(command) = &remedy.command {
            line("", command);
        }
    }
    for effect in &signature.effects {
        line(
            "causes",
            &format!("{} after {} to {} s ({})", effect.id, effect.lag_s.0, effect.lag_s.1, name(&effect.strength)),
        );
    }
    out
}

/// Runs the examples of signature files against the built-in catalogue extended by them.
fn test(files: &[PathBuf]) -> Result<ExitStatus, UsageError> {
    let catalogue = options::catalogue(files)?;
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let failures = catalogue.check();
    let mine: Vec<_> = failures.iter().filter(|failure| names.contains(&failure.file)).collect();
    for failure in &mine {
        note(&format!("{}{failure}", if failure.only_a_warning { "warning: " } else { "" }));
    }
    let tested = catalogue.signatures.iter().filter(|s| names.contains(&s.file)).count();
    let failed = mine.iter().filter(|failure| !failure.only_a_warning).count();
    print(&format!("{tested} signatures, {failed} failures\n"))?;
    Ok(if failed > 0 { ExitStatus::Found } else { ExitStatus::Done })
}
