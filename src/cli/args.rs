//! What was typed, nothing computed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::analyze::LEAST_MEMORY;
use crate::entry::Severity;
use crate::pattern::secrets;
use crate::report::{LogPart, Priority};

/// Reads exported Google Cloud Logging JSON and tells which fault came first.
///
/// Give it what `gcloud logging read … --format=json` writes, on standard input or in files and folders:
///
///   gcloud logging read 'resource.type="cloud_run_revision"' --freshness=1h --format=json | firstfault
///   firstfault export.json more/*.json.gz -o postmortem.md -o report.json
#[derive(Debug, Parser)]
#[command(name = "firstfault", version, verbatim_doc_comment, args_conflicts_with_subcommands = true)]
#[command(after_help = "Exit status: 0 done, whatever was found; 1 an incident of --fail-on or worse was found; \
    2 usage error, or nothing could be read; 3 not everything could be read, with --strict.")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) analyze: AnalyzeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read, conclude, report (the default)
    Analyze(AnalyzeArgs),
    /// The entries themselves: of an incident, a cause, a quote, or around a time
    ///
    ///   firstfault show I1 export.json
    ///   firstfault show C2 export.json
    ///   firstfault show --around 16:39 --for 2m --service auth export.json
    #[command(verbatim_doc_comment)]
    Show(ShowArgs),
    /// Every failing pattern: counts, times, services, what is new
    ///
    /// What does not fail is told by classify.
    Patterns(PatternsArgs),
    /// Every entry as one line of JSON with its pattern, in the order of the input
    ///
    /// The input is read twice: once to learn its patterns, once to print. Standard input is kept in a temporary file for
    /// that (in $TMPDIR), unless --patterns gives patterns that were learnt before.
    Classify(ClassifyArgs),
    /// The first half of analyze: read, and keep the account in a file
    ///
    /// Copies of an entry count once within one run, not over several: give overlapping exports to one run.
    Summarize(SummarizeArgs),
    /// Join summary files into one: the same account for any order and any tree of joins
    ///
    /// One summary is read at a time, so memory does not grow with their number.
    Merge(MergeArgs),
    /// What a summary file holds
    #[command(subcommand)]
    Summary(SummaryCommand),
    /// The second half of analyze: conclude and report from summary files
    Report(ReportArgs),
    /// Tell when the verdict on a stream changes; its end or Ctrl-C gives the report
    ///
    ///   gcloud logging tail 'resource.type="cloud_run_revision"' --format=json | firstfault watch
    #[command(verbatim_doc_comment)]
    Watch(WatchArgs),
    /// What is new, gone, grown between two JSON reports; exit status 1 when it got worse
    Compare(CompareArgs),
    /// Is every figure and quote of a JSON report true of this export? Exit status 1 when one is not
    ///
    /// Give the options that the report was made with; 2 when something cannot be read.
    Verify(VerifyArgs),
    /// Is what a written postmortem says true of this export? Exit status 1 when something is contradicted or a quote absent
    Audit(AuditArgs),
    /// The gcloud command that exports what an analysis of a service needs
    ///
    ///   firstfault export-command --service checkout --around 2026-03-02T10:05:00Z --project acme-prod
    #[command(verbatim_doc_comment)]
    #[command(name = "export-command")]
    Export(ExportCommandArgs),
    /// The service profile
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// The catalogue of failure signatures
    #[command(subcommand)]
    Signatures(SignaturesCommand),
    /// Print how an agent uses this program: what to export, what to ask, how to cite, what never to claim
    AgentGuide,
    /// Print the JSON Schema of the report
    Schema,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Read, conclude, report.
#[derive(Args, Debug)]
pub(super) struct AnalyzeArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    /// Exit with 3 when a source is missing, cut, damaged or no export; a line each on standard error says which
    #[arg(long)]
    pub(super) strict: bool,
    #[command(flatten)]
    pub(super) context: ContextArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// A stream on standard input.
#[derive(Args, Debug)]
pub(super) struct WatchArgs {
    /// What is older than this before the newest entry is forgotten, by a twelfth of it at a time
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub(super) window: String,
    /// At most one verdict in this time
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    pub(super) every: String,
    /// One JSON object a line for each incident that is new, has another first cause, or is over; no report at the end unless
    /// --format or --output asks for one
    #[arg(long)]
    pub(super) jsonl: bool,
    #[command(flatten)]
    pub(super) common: CommonArgs,
    #[command(flatten)]
    pub(super) context: ContextArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Entries to read.
#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    /// Entries around this time: RFC 3339, or a time of day (16:39) of the last day of the export
    #[arg(long, value_name = "TIME")]
    pub(super) around: Option<String>,
    /// How long a stretch --around shows
    #[arg(long = "for", value_name = "DURATION", default_value = "2m")]
    pub(super) length: String,
    /// The entries as they were logged, one JSON object a line
    #[arg(long)]
    pub(super) json: bool,
    /// Lines at most
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(super) limit: usize,
    /// Colours on standard output
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto)]
    pub(super) color: ColorWhen,
    #[command(flatten)]
    pub(super) baseline: BaselineArgs,
    #[command(flatten)]
    pub(super) redaction: RedactionArgs,
}

/// Every failing pattern.
#[derive(Args, Debug)]
pub(super) struct PatternsArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    #[command(flatten)]
    pub(super) baseline: BaselineArgs,
    /// Only these: `new` against the baseline (without one: risen inside the export), `failing` ones that are no noise,
    /// `noise` that fails as often as ever
    #[arg(long, value_enum)]
    pub(super) only: Option<Only>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = ListFace::Table)]
    pub(super) format: ListFace,
    #[command(flatten)]
    pub(super) redaction: RedactionArgs,
}

/// Every entry with its pattern.
#[derive(Args, Debug)]
pub(super) struct ClassifyArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    /// Patterns learnt before: a file that `summarize` wrote; the input is then read once, as a stream
    #[arg(long, value_name = "SUMMARY")]
    pub(super) patterns: Option<PathBuf>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = LineFace::Json)]
    pub(super) format: LineFace,
    #[command(flatten)]
    pub(super) redaction: RedactionArgs,
}

/// Read, and keep the account.
#[derive(Args, Debug)]
pub(super) struct SummarizeArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    /// Where the account goes, `-` for standard output
    #[arg(long, short, value_name = "FILE", required = true)]
    pub(super) output: PathBuf,
    /// Write nothing and exit with 3 when a source is missing, cut, damaged or no export; a line each says which
    #[arg(long)]
    pub(super) strict: bool,
    /// Keep the account of nothing when there are no entries: the empty part of a larger whole
    #[arg(long)]
    pub(super) allow_empty: bool,
}

/// A summary file.
#[derive(Debug, Subcommand)]
pub(super) enum SummaryCommand {
    /// What it holds: who made it, span, entries, sources, components, series
    Show {
        /// The file; `-` is standard input
        file: PathBuf,
    },
}

/// Join what was kept.
#[derive(Args, Debug)]
pub(super) struct MergeArgs {
    /// Files that `summarize` or `merge` wrote, or folders of them; `-` is standard input
    #[arg(value_name = "SUMMARY", required_unless_present = "files_from")]
    pub(super) files: Vec<PathBuf>,
    /// A list of such files, one a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) files_from: Option<PathBuf>,
    /// Where the account goes, `-` for standard output
    #[arg(long, short, value_name = "FILE", required = true)]
    pub(super) output: PathBuf,
}

/// Conclude from what was kept.
#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    /// Files that `summarize` or `merge` wrote, or folders of them
    #[arg(value_name = "SUMMARY", required_unless_present = "files_from")]
    pub(super) files: Vec<PathBuf>,
    /// A list of such files, one a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) files_from: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
    #[command(flatten)]
    pub(super) context: ContextArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Two JSON reports.
#[derive(Args, Debug)]
pub(super) struct CompareArgs {
    /// The earlier report
    #[arg(value_name = "BEFORE.json")]
    pub(super) before: PathBuf,
    /// The later report
    #[arg(value_name = "AFTER.json")]
    pub(super) after: PathBuf,
}

/// A report and its export.
#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// The report, as JSON
    #[arg(value_name = "REPORT.json")]
    pub(super) report: PathBuf,
    #[command(flatten)]
    pub(super) input: InputArgs,
    #[command(flatten)]
    pub(super) baseline: BaselineArgs,
    /// The service profile that it was made with
    #[arg(long, value_name = "FILE")]
    pub(super) profile: Option<PathBuf>,
    /// The earlier incidents that it was made with, as they were then
    #[arg(long, value_name = "FOLDER")]
    pub(super) history: Option<PathBuf>,
    #[command(flatten)]
    pub(super) redaction: RedactionArgs,
}

/// What to export.
#[derive(Args, Debug)]
pub(super) struct ExportCommandArgs {
    /// A service that failed (repeatable); every service unless given
    #[arg(long, value_name = "NAME")]
    pub(super) service: Vec<String>,
    /// When it failed: from an hour before to half an hour after
    #[arg(long, value_name = "TIME", conflicts_with_all = ["since", "until"], required_unless_present = "since")]
    pub(super) around: Option<String>,
    /// From this time on: RFC 3339, or a date
    #[arg(long, value_name = "TIME", requires = "until")]
    pub(super) since: Option<String>,
    /// Up to this time
    #[arg(long, value_name = "TIME", requires = "since")]
    pub(super) until: Option<String>,
    /// Project that the logs are in; that of gcloud's configuration unless given
    #[arg(long, value_name = "PROJECT")]
    pub(super) project: Option<String>,
    /// Parts of the logs; all of them unless given
    #[arg(long, value_enum, value_name = "PART,…", value_delimiter = ',')]
    pub(super) what: Vec<Part>,
    /// Entries at most
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(super) limit: u64,
}

/// A part of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Everything that names the service
    Service,
    /// Requests that it answered
    Requests,
    /// Exits, probes and kills of Cloud Run
    Platform,
    /// Changes of anything in the project
    Audit,
    /// The databases of the project
    Sql,
    /// Warnings of Kubernetes
    Gke,
    /// Requests to the load balancer that did not go well
    Lb,
}

impl From<Part> for LogPart {
    fn from(part: Part) -> LogPart {
        match part {
            Part::Service => LogPart::Service,
            Part::Requests => LogPart::Requests,
            Part::Platform => LogPart::Platform,
            Part::Audit => LogPart::Audit,
            Part::Sql => LogPart::Sql,
            Part::Gke => LogPart::Gke,
            Part::Lb => LogPart::LoadBalancer,
        }
    }
}

/// A text and the export it is about.
#[derive(Args, Debug)]
pub(super) struct AuditArgs {
    /// The postmortem: Markdown or plain text
    #[arg(value_name = "TEXT")]
    pub(super) text: PathBuf,
    #[command(flatten)]
    pub(super) input: InputArgs,
    #[command(flatten)]
    pub(super) baseline: BaselineArgs,
}

/// The service profile.
#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// Write a commented profile from what an export holds
    Init {
        #[command(flatten)]
        input: InputArgs,
    },
    /// Say what is wrong or doubtful in profiles; exit status 1 when one is refused
    Check {
        /// Profiles
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// What to read, and which part of it counts.
#[derive(Args, Debug)]
pub(super) struct InputArgs {
    /// Files, folders (read whole, recursively) or `-` for standard input
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// A list of files to analyze or summarize, one path a line; a tab and a NAME behind a path name it so in quotes; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) files_from: Option<PathBuf>,
    /// Only entries from this time on: RFC 3339, a date, a time of day (10:05), or a duration back from the newest entry (30m, 2h);
    /// for the last two standard input is kept in a temporary file
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub(super) since: Option<String>,
    /// Only entries up to this time; forms as for --since
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub(super) until: Option<String>,
    /// Only entries of this service (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    pub(super) service: Vec<String>,
    /// Only entries of this severity or worse, recorded or read from the text
    #[arg(long, value_name = "SEVERITY", value_parser = parse_severity, help_heading = "Selection")]
    pub(super) min_severity: Option<Severity>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// What every command that reads has.
#[derive(Args, Debug)]
pub(super) struct CommonArgs {
    /// Signatures that extend or override the built-in ones (repeatable); `none` for no signatures at all
    #[arg(long, value_name = "FILE|none", help_heading = "Context")]
    pub(super) signatures: Vec<PathBuf>,
    /// Bytes that one compressed byte may become before a source is taken for a bomb
    #[arg(long, value_name = "N", default_value_t = crate::source::MAX_EXPANSION, help_heading = "Resources")]
    pub(super) max_expansion: u64,
    /// Bytes that the run may take (512M, 2G), whatever it reads. More than the least, 320M, goes to knowing copies of entries:
    /// each 8 to 15 bytes, of which the newest are known when there are more. An export of a million entries takes some 50M
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = parse_memory, help_heading = "Resources")]
    pub(super) max_memory: u64,
    /// Worker threads, 1 to 256; all cores unless given
    #[arg(long, value_name = "N", help_heading = "Resources", value_parser = parse_threads)]
    pub(super) threads: Option<usize>,
    /// No progress and no notes on standard error
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// Healthy operation.
#[derive(Args, Debug)]
pub(super) struct BaselineArgs {
    /// An export of healthy operation to compare with, or a summary of one (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Context")]
    pub(super) baseline: Vec<PathBuf>,
}

/// What is known apart from the logs.
#[derive(Args, Debug)]
pub(super) struct ContextArgs {
    #[command(flatten)]
    pub(super) baseline: BaselineArgs,
    /// A service profile: teams, tiers, targets, journeys, rules of assignment
    #[arg(long, value_name = "FILE", help_heading = "Context")]
    pub(super) profile: Option<PathBuf>,
    /// A folder of earlier incidents to compare with: JSON reports, or what --remember keeps
    #[arg(long, value_name = "DIR", help_heading = "Context")]
    pub(super) history: Option<PathBuf>,
    /// Add the incidents of this run to the folder of --history, one small JSON file each
    #[arg(long, requires = "history", help_heading = "Context")]
    pub(super) remember: bool,
}

/// What to print, where.
#[derive(Args, Debug)]
pub(super) struct OutputArgs {
    /// What standard output gets
    #[arg(long, value_enum)]
    pub(super) format: Option<ReportFace>,
    /// Write a report to this file; its ending says which: .md .html .json .txt .ticket.md .slack.json (repeatable)
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Print the whole report, not the first screen
    #[arg(long, short)]
    pub(super) verbose: bool,
    /// Colours on standard output
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto)]
    pub(super) color: ColorWhen,
    /// Print the whole report with every feature of every cause with its value and weight
    #[arg(long)]
    pub(super) explain: bool,
    /// Candidates shown per incident
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = parse_top)]
    pub(super) top: usize,
    /// Exit with 1 when an incident of this priority or worse was found
    #[arg(long, value_name = "P0..P3", value_parser = parse_priority)]
    pub(super) fail_on: Option<Priority>,
    #[command(flatten)]
    pub(super) redaction: RedactionArgs,
}

/// What is taken out of quotes.
#[derive(Args, Debug)]
pub(super) struct RedactionArgs {
    /// Quote as recorded, with credentials and addresses
    #[arg(long, conflicts_with = "redact", help_heading = "Redaction")]
    pub(super) no_redact: bool,
    /// Replace what this regular expression matches too, or its first group (repeatable)
    #[arg(long, value_name = "PATTERN", help_heading = "Redaction")]
    pub(super) redact: Vec<String>,
    /// Redact only these classes
    #[arg(
        long,
        value_name = "CLASS,…",
        value_delimiter = ',',
        conflicts_with = "no_redact",
        help_heading = "Redaction"
    )]
    pub(super) redact_classes: Vec<RedactClass>,
}

/// What can be redacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RedactClass {
    /// Keys, tokens, passwords, cookies
    Secrets,
    /// E-mail addresses, telephone numbers
    Contacts,
    /// Addresses of clients
    Network,
    /// Numbers of cards, accounts, social security
    Financial,
}

impl From<RedactClass> for secrets::Class {
    fn from(class: RedactClass) -> Self {
        match class {
            RedactClass::Secrets => secrets::Class::Secrets,
            RedactClass::Contacts => secrets::Class::Contacts,
            RedactClass::Network => secrets::Class::Network,
            RedactClass::Financial => secrets::Class::Financial,
        }
    }
}

/// The catalogue of failure signatures.
#[derive(Debug, Subcommand)]
pub(super) enum SignaturesCommand {
    /// One line per signature
    List,
    /// Everything about one signature
    Show {
        /// Its id
        id: String,
    },
    /// Run the examples and near misses of a signature file
    Test {
        /// Signature files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// A face of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFace {
    /// The first screen; with -v the whole report
    Table,
    /// The contract, schema firstfault.report/1
    Json,
    /// A postmortem draft
    #[value(alias = "md")]
    Markdown,
    /// One self-contained page
    Html,
    /// A comment for a tracker, in Markdown
    Ticket,
    /// A message for Slack, as Block Kit JSON
    Slack,
    /// Annotations of a GitHub workflow; the postmortem draft is added to its job summary
    Github,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set; anywhere when FORCE_COLOR is
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A face of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFace {
    /// For a terminal
    Table,
    /// One JSON document, schema firstfault.patterns/1
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// A face of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LineFace {
    /// One JSON object a line
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// Which patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Only {
    /// Not in the baseline; without one: risen inside the export
    New,
    /// No noise
    Failing,
    /// As frequent as ever
    Noise,
}

/// More threads than this read no faster on any machine, and take memory each.
const MOST_THREADS: usize = 256;

fn parse_threads(text: &str) -> Result<usize, String> {
    between(text, 1, MOST_THREADS)
}

fn parse_top(text: &str) -> Result<usize, String> {
    between(text, 1, 1000)
}

fn between(text: &str, least: usize, most: usize) -> Result<usize, String> {
    let n = text.parse().ok().filter(|n| (least..=most).contains(n));
    n.ok_or_else(|| format!("not a number from {least} to {most}"))
}

fn parse_severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Severity::ALL.iter().map(|severity| severity.name()).collect();
        format!("not a severity; one of {}", names.join(", "))
    })
}

/// A number of bytes, or of 1,024 of them and so on: `512M`, `2GiB`.
fn parse_memory(text: &str) -> Result<u64, String> {
    let upper = text.to_ascii_uppercase();
    let digits = upper.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = upper.split_at(digits);
    let shift = match unit.trim_end_matches('B').trim_end_matches('I') {
        "" => Some(0),
        "K" => Some(10),
        "M" => Some(20),
        "G" => Some(30),
        "T" => Some(40),
        _ => None,
    };
    let bytes = shift.and_then(|shift| number.parse::<u64>().ok()?.checked_mul(1 << shift));
    match bytes {
        None => Err("not a size: a number with K, M or G".to_owned()),
        Some(bytes) if bytes < LEAST_MEMORY => {
            Err(format!("less than the {}M that the parts of fixed size may take on hostile input", LEAST_MEMORY >> 20))
        }
        Some(bytes) => Ok(bytes),
    }
}

fn parse_priority(text: &str) -> Result<Priority, String> {
    match text.to_ascii_uppercase().as_str() {
        "P0" => Ok(Priority::P0),
        "P1" => Ok(Priority::P1),
        "P2" => Ok(Priority::P2),
        "P3" => Ok(Priority::P3),
        _ => Err("not a priority; one of P0, P1, P2, P3".to_owned()),
    }
}
