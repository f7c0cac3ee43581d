//! Sources are opened, read with a bar, and what could not be read is said.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::args::{BaselineArgs, CommonArgs, InputArgs};
use super::options::UsageError;
use super::progress::Progress;
use super::{absent, note};
use crate::analyze::{self, Reading, Selection, SourceRead};
use crate::incident::Baseline;
use crate::pattern::Catalogue;
use crate::source::{self, Expansion, Given, Source, Spill, Stop};
use crate::summary::archive;

/// Set by the first Ctrl-C.
static STOP: LazyLock<Stop> = LazyLock::new(Stop::default);

/// How often the input is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passes {
    /// Once, unless a time counts back from the newest entry.
    One,
    /// More than once.
    Several,
}

/// Sources that can be read as often as needed.
pub(super) struct Input {
    /// Each once, in an order that does not depend on how they were typed.
    pub(super) sources: Vec<Source>,
    /// What was asked for and cannot be opened.
    missing: Vec<SourceRead>,
    progress: Progress,
    threads: usize,
    max_expansion: u64,
    max_memory: u64,
    /// Standard input, as long as it is needed.
    _spill: Option<Spill>,
}

impl Input {
    /// Finds the sources; keeps standard input in a temporary file when it is read more than once.
    pub(super) fn open(
        args: &CommonArgs,
        files: &[PathBuf],
        selection: &Selection,
        passes: Passes,
    ) -> Result<Input, UsageError> {
        Input::open_with(args, files, Vec::new(), selection, passes)
    }

    /// The same with sources besides the files.
    fn open_with(
        args: &CommonArgs,
        files: &[PathBuf],
        others: Vec<Source>,
        selection: &Selection,
        passes: Passes,
    ) -> Result<Input, UsageError> {
        // No file at all means standard input, unless there is something else.
        let mut expansion =
            if files.is_empty() && !others.is_empty() { Expansion::default() } else { source::expand(files) };
        expansion.sources.extend(others);
        for error in &expansion.errors {
            let meant = absent::command_meant(&error.name);
            let meant = meant.map_or(String::new(), |command| format!("; did you mean the command `{command}`?"));
            note(&format!("firstfault: {error}{meant}"));
        }
        note_left_out(&expansion.left_out);
        let mut sources = sources(expansion.sources)?;
        let mut spill = None;
        if passes == Passes::Several || selection.counts_back() {
            for source in sources.iter_mut().filter(|source| **source == Source::Stdin) {
                let kept = Spill::stdin(&STOP).map_err(|error| UsageError::new(error.to_string()))?;
                *source = kept.source();
                spill = Some(kept);
            }
        }
        let missing = expansion.errors.iter().map(|error| SourceRead {
            name: error.name.clone(),
            error: Some(error.error.to_string()),
            ..SourceRead::default()
        });
        Ok(Input {
            missing: missing.collect(),
            progress: Progress::new(&sources, args.quiet),
            sources,
            threads: args.threads.unwrap_or(0),
            max_expansion: args.max_expansion,
            max_memory: args.max_memory,
            _spill: spill,
        })
    }

    /// Hands the options of one pass to `pass`, and takes the bar away after it.
    pub(super) fn pass<T>(&self, selection: &Selection, pass: impl FnOnce(&analyze::Options<'_>) -> T) -> T {
        let result = pass(&analyze::Options {
            selection,
            threads: self.threads,
            source: source::Options { max_expansion: self.max_expansion, stop: STOP.clone(), ..Default::default() },
            max_memory: self.max_memory,
            progress: &|bytes| self.progress.add(bytes),
        });
        self.progress.finish();
        result
    }
}

/// Reads everything that was asked for.
pub(super) fn read(args: &InputArgs, selection: &Selection, catalogue: &Catalogue) -> Result<Reading, UsageError> {
    let reading = read_any(args, selection, catalogue)?;
    refuse_nothing(&reading, selection)?;
    Ok(reading)
}

/// The same, and nothing is an answer too.
pub(super) fn read_any(args: &InputArgs, selection: &Selection, catalogue: &Catalogue) -> Result<Reading, UsageError> {
    let others = match &args.files_from {
        Some(list) => listed(list)?.into_iter().map(named).collect(),
        None => Vec::new(),
    };
    read_sources(&args.common, &args.files, others, selection, catalogue)
}

/// The source of a line `PATH` or `PATH<TAB>NAME`: quotes name it so.
fn named(line: PathBuf) -> Source {
    match line.to_str().and_then(|line| line.split_once('\t')) {
        Some((path, name)) => {
            let path = PathBuf::from(path);
            Source::Given(Given::new(name, move || Ok(Box::new(File::open(&path)?))))
        }
        None => Source::File(line),
    }
}

fn read_sources(
    args: &CommonArgs,
    files: &[PathBuf],
    others: Vec<Source>,
    selection: &Selection,
    catalogue: &Catalogue,
) -> Result<Reading, UsageError> {
    let input = Input::open_with(args, files, others, selection, Passes::One)?;
    let mut reading = input.pass(selection, |options| analyze::read(&input.sources, catalogue, options));
    if input.missing.is_empty() {
        return Ok(reading);
    }
    // What is missing stands among the sources, in their order.
    reading.sources.extend(input.missing);
    Ok(Reading::join(vec![reading]))
}

/// Names that a message lists.
const LISTED: usize = 3;

/// Names what folders hold that is not read, so that nobody thinks it was.
fn note_left_out(names: &[String]) {
    if names.is_empty() {
        return;
    }
    let listed = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    note(&format!("firstfault: not read, hidden or no file: {listed}{more}; name a file to read it"));
}

/// The sources in an order that does not depend on how they were typed, each once.
fn sources(mut sources: Vec<Source>) -> Result<Vec<Source>, UsageError> {
    use std::io::stdin;
    // By name, as accounts are joined.
    sources.sort_by_cached_key(Source::name);
    sources.dedup();
    if sources.is_empty() {
        return Err(UsageError::new("nothing to read: no file could be opened"));
    }
    if sources == [Source::Stdin] && stdin().is_terminal() {
        let text = "no input: give files, or pipe an export in\n\
                    gcloud logging read 'resource.type=\"cloud_run_revision\"' --freshness=1h --format=json | firstfault";
        return Err(UsageError::new(text));
    }
    Ok(sources)
}

/// What healthy exports and summaries of them lead to expect.
pub(super) fn baseline(
    args: &BaselineArgs,
    common: &CommonArgs,
    catalogue: &Catalogue,
) -> Result<Option<Baseline>, UsageError> {
    if args.baseline.is_empty() {
        return Ok(None);
    }
    let (kept, exports): (Vec<PathBuf>, Vec<PathBuf>) =
        args.baseline.iter().cloned().partition(|path| is_archive(path));
    let mut readings = kept.iter().map(|path| read_archive(path)).collect::<Result<Vec<_>, _>>()?;
    if !exports.is_empty() {
        readings.push(read_sources(common, &exports, Vec::new(), &Selection::default(), catalogue)?);
    }
    let reading = Reading::join(readings);
    match nothing_read(&reading) {
        Some(reason) => Err(UsageError::new(format!("--baseline: {reason}"))),
        None => Ok(Some(analyze::baseline(reading, catalogue))),
    }
}

/// Reads the summaries that files, folders and a list stand for, one at a time, as one account.
pub(super) fn read_archives(files: &[PathBuf], list: Option<&Path>) -> Result<Reading, UsageError> {
    let mut files = files.to_vec();
    if let Some(list) = list {
        files.extend(listed(list)?);
    }
    let expansion = source::expand(&files);
    if let Some(error) = expansion.errors.first() {
        return Err(UsageError::new(error.to_string()));
    }
    let mut sources = expansion.sources;
    sources.sort();
    sources.dedup();
    let paths = sources.iter().map(|source| match source {
        Source::File(path) | Source::Kept(path) => path.as_path(),
        Source::Stdin | Source::Given(_) => Path::new("-"),
    });
    let mut joined: Option<Reading> = None;
    for path in paths {
        let next = read_archive(path)?;
        joined = Some(Reading::join(joined.into_iter().chain([next]).collect()));
    }
    joined.ok_or_else(|| UsageError::new("no summary was given"))
}

/// The paths that a file lists, one a line; `-` is standard input.
fn listed(list: &Path) -> Result<Vec<PathBuf>, UsageError> {
    let text = if list.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin().lock())
            .map_err(|error| UsageError::new(format!("standard input: {error}")))?
    } else {
        source::read_text(list).map_err(|error| UsageError::new(error.to_string()))?
    };
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(PathBuf::from).collect())
}

/// Says on standard error why not everything was read; true when there is something to say.
pub(super) fn note_faults(reading: &Reading) -> bool {
    let faults = reading.faults();
    faults.iter().for_each(|fault| note(&format!("firstfault: {fault}")));
    !faults.is_empty()
}

/// Reads one summary; `-` is standard input.
pub(super) fn read_archive(path: &Path) -> Result<Reading, UsageError> {
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(path).map_err(|error| UsageError::new(format!("{}: {error}", path.display())))?;
        Box::new(file)
    };
    archive::read(input).map_err(|error| UsageError::new(format!("{}: {error}", path.display())))
}

/// True for a file that begins as a summary does.
fn is_archive(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(archive::MAGIC.len() as u64).read_to_end(&mut head));
    read.is_ok() && head == archive::MAGIC.as_bytes()
}

/// An error when there is nothing to conclude from, or nothing of what was asked for.
pub(super) fn refuse_nothing(reading: &Reading, selection: &Selection) -> Result<(), UsageError> {
    match nothing_read(reading).or_else(|| absent::nothing_selected(reading, selection)) {
        Some(reason) => Err(UsageError::new(reason)),
        None => Ok(()),
    }
}

/// Why there is nothing to conclude from; an export without entries is an answer, not an error.
fn nothing_read(reading: &Reading) -> Option<String> {
    if reading.sources.iter().any(|read| read.entries > 0) {
        return None;
    }
    let reasons: Vec<String> = reading
        .sources
        .iter()
        .filter_map(|read| {
            let reason = read.error.as_ref().or(read.foreign.as_ref())?;
            Some(format!("{}: {reason}", read.name))
        })
        .collect();
    if reasons.is_empty() && reading.sources.iter().any(|read| read.bytes > 0) {
        return Some("no log entries found; export them with: gcloud logging read FILTER --format=json".to_owned());
    }
    (!reasons.is_empty()).then(|| reasons.join("\nfirstfault: "))
}

/// True after the first Ctrl-C.
pub(super) fn is_interrupted() -> bool {
    STOP.is_set()
}

/// The first Ctrl-C ends reading, and what was read is reported; the second ends at once.
pub(super) fn on_interrupt() {
    // Without a handler Ctrl-C simply ends the program.
    let _ = ctrlc::set_handler(|| {
        if STOP.set() {
            #[allow(clippy::exit, reason = "the second Ctrl-C asks for exactly this")]
            std::process::exit(130);
        }
    });
}
