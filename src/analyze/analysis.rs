//! The door for other programs: from paths to a report in one expression.

use std::fmt;
use std::path::PathBuf;

use super::conclude::{baseline, conclude};
use super::options::Options;
use super::read::{Reading, read};
use super::window::Selection;
use crate::incident::Baseline;
use crate::pattern::Catalogue;
use crate::report::Report;
use crate::source::{self, Source, Stop};

/// An analysis that is being prepared: what is known beforehand, and how to read.
///
/// ```
/// let healthy = firstfault::Analysis::new().read(["fixtures/healthy/entries.json.gz"])?.into_baseline();
/// let report = firstfault::Analysis::new().baseline(healthy).threads(2).read(["fixtures/healthy/entries.json.gz"])?.conclude();
/// assert!(report.incidents.is_empty());
/// # Ok::<(), firstfault::AnalysisError>(())
/// ```
#[derive(Debug, Default)]
pub struct Analysis {
    catalogue: Option<Catalogue>,
    baseline: Option<Baseline>,
    selection: Selection,
    threads: usize,
    max_memory: Option<u64>,
    source: source::Options,
}

/// Why an analysis cannot begin or has nothing to conclude from.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnalysisError {
    /// A path that cannot be read.
    Source(source::Error),
    /// Nothing was named.
    NoSource,
}

impl fmt::Display for AnalysisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnalysisError::Source(error) => error.fmt(f),
            AnalysisError::NoSource => f.write_str("nothing to read: name at least one file or folder"),
        }
    }
}

impl std::error::Error for AnalysisError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AnalysisError::Source(error) => Some(error),
            AnalysisError::NoSource => None,
        }
    }
}

impl Analysis {
    /// An analysis with the built-in signatures, of every entry, on every core.
    pub fn new() -> Analysis {
        Analysis::default()
    }

    /// Compares with a healthy export: see [`Read::into_baseline`].
    #[must_use]
    pub fn baseline(self, baseline: Baseline) -> Analysis {
        Analysis { baseline: Some(baseline), ..self }
    }

    /// Classifies by these signatures instead of the built-in ones; [`Catalogue::with_files`] adds to those.
    #[must_use]
    pub fn catalogue(self, catalogue: Catalogue) -> Analysis {
        Analysis { catalogue: Some(catalogue), ..self }
    }

    /// Only these entries count.
    #[must_use]
    pub fn selection(self, selection: Selection) -> Analysis {
        Analysis { selection, ..self }
    }

    /// Reads with so many threads; 0, the default, is one per core. The report does not depend on it.
    #[must_use]
    pub fn threads(self, threads: usize) -> Analysis {
        Analysis { threads, ..self }
    }

    /// Bytes that reading may take, at least [`super::LEAST_MEMORY`].
    #[must_use]
    pub fn max_memory(self, max_memory: u64) -> Analysis {
        Analysis { max_memory: Some(max_memory), ..self }
    }

    /// Ends reading once `stop` is set; the report then is of the part that was read.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Analysis {
        self.source.stop = stop;
        self
    }

    /// Reads files and all files below folders; `-` is standard input.
    ///
    /// # Errors
    /// When a path cannot be opened, or there is none. What is wrong inside of a file is no error: it is counted, and
    /// [`Report::coverage`] tells it.
    pub fn read<P: Into<PathBuf>>(self, paths: impl IntoIterator<Item = P>) -> Result<Read, AnalysisError> {
        let paths: Vec<PathBuf> = paths.into_iter().map(Into::into).collect();
        if paths.is_empty() {
            return Err(AnalysisError::NoSource);
        }
        let mut expansion = source::expand(&paths);
        match expansion.errors.pop() {
            Some(error) => Err(AnalysisError::Source(error)),
            None => self.read_sources(expansion.sources),
        }
    }

    /// Reads any sources; [`Source::Given`] is one that you open yourself. Their order does not matter.
    ///
    /// # Errors
    /// When there is none.
    pub fn read_sources(self, mut sources: Vec<Source>) -> Result<Read, AnalysisError> {
        sources.sort();
        sources.dedup();
        if sources.is_empty() {
            return Err(AnalysisError::NoSource);
        }
        let catalogue = self.catalogue.unwrap_or_else(Catalogue::builtin);
        let defaults = Options::default();
        let options = Options {
            selection: &self.selection,
            threads: self.threads,
            source: self.source,
            max_memory: self.max_memory.unwrap_or(defaults.max_memory),
            ..defaults
        };
        let reading = read(&sources, &catalogue, &options);
        Ok(Read { reading, catalogue, baseline: self.baseline })
    }
}

/// What an analysis read.
#[derive(Debug)]
pub struct Read {
    reading: Reading,
    catalogue: Catalogue,
    baseline: Option<Baseline>,
}

impl Read {
    /// The account itself: to keep it, or to join it with others.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The incidents and their causes.
    pub fn conclude(self) -> Report {
        conclude(self.reading, &self.catalogue, self.baseline.as_ref())
    }

    /// What this export, which must be healthy, leads to expect of others.
    pub fn into_baseline(self) -> Baseline {
        baseline(self.reading, &self.catalogue)
    }
}
