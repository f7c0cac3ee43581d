//! Files that are written: none may be one that is read.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use super::options::UsageError;
use crate::source::{self, Source};

/// Refuses outputs that would replace a file that is read: one of `files`, as they were typed (none for standard input), or
/// one of `others`. A folder stands for its files.
pub(super) fn refuse_inputs(outputs: &[PathBuf], files: &[PathBuf], others: &[PathBuf]) -> Result<(), UsageError> {
    let outputs: Vec<(&PathBuf, Identity)> =
        outputs.iter().filter_map(|path| Some((path, Identity::of_path(path)?))).collect();
    // What is not there yet replaces nothing.
    if outputs.is_empty() {
        return Ok(());
    }
    let mut sources = source::expand(files).sources;
    if !others.is_empty() {
        sources.extend(source::expand(others).sources);
    }
    for source in sources {
        let identity = Identity::of_source(&source);
        if let Some((path, _)) = outputs.iter().find(|(_, output)| Some(output) == identity.as_ref()) {
            return Err(UsageError::new(format!(
                "-o {}: is the same file as {}, which is read; the report would replace it",
                path.display(),
                source.name()
            )));
        }
    }
    Ok(())
}

/// What makes two paths the same regular file.
#[derive(Debug, PartialEq, Eq)]
struct Identity(#[cfg(unix)] (u64, u64), #[cfg(not(unix))] PathBuf);

impl Identity {
    fn of_source(source: &Source) -> Option<Identity> {
        match source {
            Source::File(path) | Source::Kept(path) => Identity::of_path(path),
            Source::Stdin | Source::Given(_) => Identity::of_stdin(),
        }
    }

    #[cfg(unix)]
    fn of_path(path: &Path) -> Option<Identity> {
        Identity::of(&std::fs::metadata(path).ok()?)
    }

    /// A file may have been redirected into the program.
    #[cfg(unix)]
    fn of_stdin() -> Option<Identity> {
        use std::os::fd::AsFd;
        let file = File::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
        Identity::of(&file.metadata().ok()?)
    }

    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt;
        metadata.is_file().then(|| Identity((metadata.dev(), metadata.ino())))
    }

    #[cfg(not(unix))]
    fn of_path(path: &Path) -> Option<Identity> {
        std::fs::canonicalize(path).ok().filter(|path| path.is_file()).map(Identity)
    }

    #[cfg(not(unix))]
    fn of_stdin() -> Option<Identity> {
        None
    }
}
