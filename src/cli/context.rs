//! What is known apart from the logs: a service profile, and earlier incidents.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::{ContextArgs, ProfileCommand};
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{check, note, print, reading};
use crate::check::history::{self, Fingerprint};
use crate::check::profile::Profile;
use crate::face;
use crate::report::{self, Report};
use crate::source;

/// Profile and history, read and checked.
pub(super) struct Context<'a> {
    profile: Option<Profile>,
    earlier: Option<Vec<Fingerprint>>,
    /// The folder that gets the incidents of this run.
    remember: Option<&'a Path>,
}

impl<'a> Context<'a> {
    /// Reads what was named.
    pub(super) fn new(args: &'a ContextArgs) -> Result<Context<'a>, UsageError> {
        let remember = args.history.as_deref().filter(|_| args.remember);
        if let Some(folder) = remember {
            fs::create_dir_all(folder).map_err(|error| UsageError::new(format!("{}: {error}", folder.display())))?;
        }
        Ok(Context {
            profile: args.profile.as_deref().map(profile).transpose()?,
            earlier: args.history.as_deref().map(earlier).transpose()?,
            remember,
        })
    }

    /// Adds it to a report, and the report's incidents to the history. A run that was stopped is not remembered.
    pub(super) fn add_to(&self, report: &mut Report) -> Result<(), UsageError> {
        if let Some(earlier) = &self.earlier {
            history::recall(report, earlier);
        }
        if let Some(folder) = self.remember.filter(|_| !reading::is_interrupted()) {
            for fingerprint in history::fingerprints(report) {
                let path = folder.join(format!("{}.json", fingerprint.id));
                let written = source::write_private(&path, history::render(&fingerprint));
                written.map_err(|error| UsageError::new(error.to_string()))?;
            }
        }
        if let Some(profile) = &self.profile {
            profile.apply(report);
        }
        Ok(())
    }
}

/// Runs a command on profiles.
pub(super) fn run_profile(command: &ProfileCommand) -> Result<ExitStatus, UsageError> {
    let files = match command {
        ProfileCommand::Init { input } => return check::run_profile_init(input),
        ProfileCommand::Check { files } => files,
    };
    let mut status = ExitStatus::Done;
    let mut out = String::new();
    for path in files {
        let (name, text) = options::text_file(path)?;
        match Profile::parse(&name, &text) {
            Ok(profile) => {
                let remarks = profile.check();
                let doubts = match remarks.len() {
                    0 => "good".to_owned(),
                    1 => "good, with a doubt".to_owned(),
                    n => format!("good, with {n} doubts"),
                };
                out.push_str(&format!("{}: {doubts}\n", face::escape::terminal(&name)));
                remarks.iter().for_each(|remark| note(&format!("{name}: {remark}")));
            }
            Err(error) => {
                note(&error.to_string());
                status = ExitStatus::Found;
            }
        }
    }
    print(&out)?;
    Ok(status)
}

/// Reads a profile.
pub(super) fn profile(path: &Path) -> Result<Profile, UsageError> {
    let (name, text) = options::text_file(path)?;
    Profile::parse(&name, &text).map_err(|error| UsageError::new(error.to_string()))
}

/// The incidents that the JSON files of a folder remember: fingerprints, and whole reports. Other files are named and left alone.
pub(super) fn earlier(folder: &Path) -> Result<Vec<Fingerprint>, UsageError> {
    let fail = |error: std::io::Error| UsageError::new(format!("--history {}: {error}", folder.display()));
    let listing = fs::read_dir(folder).map_err(fail)?.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    let mut paths: Vec<PathBuf> = listing.into_iter().map(|file| file.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let mut earlier = Vec::new();
    for path in paths {
        let (name, text) = options::text_file(&path)?;
        match history::parse(&text) {
            Ok(fingerprint) if fingerprint.schema == history::SCHEMA => earlier.push(fingerprint),
            _ => match face::json::parse(&text) {
                Ok(report) if report.schema == report::SCHEMA => earlier.extend(history::fingerprints(&report)),
                _ => note(&format!("firstfault: {name}: neither a fingerprint nor a report; not compared with")),
            },
        }
    }
    Ok(earlier)
}
