//! `firstfault verify` and `firstfault audit`: is what was written true of the export?

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::args::{AuditArgs, BaselineArgs, InputArgs, VerifyArgs};
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::reading::{self, Input, Passes};
use super::{compare, context, print};
use crate::analyze::{self, Reading, Selection};
use crate::check::audit::{Fact, TextAudit, is_refuted, render};
use crate::check::history;
use crate::check::profile::Profile;
use crate::check::verify;
use crate::entry::{Component, ComponentKind, Entry};
use crate::incident::{self, Baseline};
use crate::pattern::{Catalogue, Observation};
use crate::report::Report;

/// Holds a report against its export.
pub(super) fn run_verify(args: &VerifyArgs) -> Result<ExitStatus, UsageError> {
    let report = compare::report_of(&args.report)?;
    let redactor = options::redactor(&args.redaction)?;
    let profile = args.profile.as_deref().map(context::profile).transpose()?;
    let earlier = args.history.as_deref().map(context::earlier).transpose()?;
    let mut export = Export::open(&args.input, &args.baseline)?;
    export.catalogue.masks = options::masks(&args.redaction);
    let (mut again, wholes) = export.conclude()?;
    if let Some(earlier) = earlier {
        history::recall(&mut again, &earlier);
    }
    if let Some(redactor) = &redactor {
        again = redactor.redact_report(again).map_err(|error| UsageError::new(error.to_string()))?;
    }
    if let Some(profile) = profile {
        profile.apply(&mut again);
    }
    let quotes = export.quotes(&verify::quoted(&report), wholes);
    let quotes_at =
        |source: &str, offset: u64| quotes.get(&(file_name(source).to_owned(), offset)).cloned().unwrap_or_default();
    let found = verify::verify(&report, &again, quotes_at).map_err(|error| UsageError::new(error.to_string()))?;
    if found.is_empty() {
        let unchecked = verify::unchecked(&report, &again).join(", ");
        let unchecked = match unchecked.as_str() {
            "" => String::new(),
            names => format!("not checked, since no --history was given: {names}\n"),
        };
        return print(&format!("every figure and quote agrees with the export\n{unchecked}"));
    }
    if let [verify::Mismatch { place, said, found }] = found.as_slice()
        && place == "another export"
    {
        print(&format!("the report was made from another export: from {said}, not from {found}\n"))?;
        return Ok(ExitStatus::Found);
    }
    let lines: String = found.iter().map(|mismatch| format!("{mismatch}\n")).collect();
    print(&format!(
        "{lines}{} of them: the report was changed, or made from another export or with other options\n",
        found.len()
    ))?;
    Ok(ExitStatus::Found)
}

/// Holds a written text against an export.
pub(super) fn run_audit(args: &AuditArgs) -> Result<ExitStatus, UsageError> {
    let (_, text) = options::text_file(&args.text)?;
    let mut audit = TextAudit::new(&text);
    let export = Export::open(&args.input, &args.baseline)?;
    let (report, _) = export.conclude()?;
    export.visit(&mut |entry, observation, _| export.tell(entry, observation, &mut audit));
    let unjudged = audit.unjudged().clone();
    let findings = audit.conclude(&report);
    print(&render(&findings, &unjudged))?;
    Ok(if is_refuted(&findings) { ExitStatus::Found } else { ExitStatus::Done })
}

/// Writes a profile of the services that an export holds.
pub(super) fn run_profile_init(args: &InputArgs) -> Result<ExitStatus, UsageError> {
    let export = Export::open(args, &BaselineArgs { baseline: Vec::new() })?;
    let (read, _) = export.read()?;
    let name = |component: &Component| incident::short(&component.name).to_owned();
    let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let own = read.summary.components.iter().filter(|(component, _)| component.kind == ComponentKind::Service);
    own.for_each(|(component, _)| _ = services.entry(name(component)).or_default());
    for ((user, thing), _) in read.summary.uses.iter() {
        if let Some(uses) = services.get_mut(&name(user)) {
            uses.insert(name(thing));
        }
    }
    print(&Profile::template(&services))
}

/// Messages by the file name of their source and their offset.
pub(super) type Quotes = BTreeMap<(String, u64), Vec<String>>;

/// An export that is concluded from, and then looked into.
pub(super) struct Export {
    pub(super) catalogue: Catalogue,
    selection: Selection,
    baseline: Option<Baseline>,
    input: Input,
    pub(super) names: Vec<String>,
}

impl Export {
    pub(super) fn open(args: &InputArgs, baseline: &BaselineArgs) -> Result<Export, UsageError> {
        let catalogue = options::catalogue(&args.common.signatures)?;
        let selection = options::selection(args)?;
        reading::on_interrupt();
        let baseline = reading::baseline(baseline, &args.common, &catalogue)?;
        let input = Input::open(&args.common, &args.files, &selection, Passes::Several)?;
        let names = input.sources.iter().map(|source| source.name()).collect();
        Ok(Export { catalogue, selection, baseline, input, names })
    }

    /// The report of the export, and the messages that were joined from parts.
    pub(super) fn conclude(&self) -> Result<(Report, Quotes), UsageError> {
        let (reading, quotes) = self.read()?;
        Ok((analyze::conclude(reading, &self.catalogue, self.baseline.as_ref()), quotes))
    }

    fn read(&self) -> Result<(Reading, Quotes), UsageError> {
        let reading =
            self.input.pass(&self.selection, |options| analyze::read(&self.input.sources, &self.catalogue, options));
        reading::refuse_nothing(&reading, &self.selection)?;
        let unread = reading.sources.iter().find_map(|read| Some(format!("{}: {}", read.name, read.error.as_ref()?)));
        if let Some(unread) = unread {
            return Err(UsageError::new(format!("{unread}; nothing can be checked against a part of an export")));
        }
        let wholes = reading.summary.wholes(&self.catalogue);
        let quotes = wholes.into_iter().filter_map(|whole| {
            let first = whole.parts.first()?;
            let name = self.names.get(first.source as usize)?;
            Some(((file_name(name).to_owned(), first.offset), vec![whole.message]))
        });
        let quotes = quotes.collect();
        Ok((reading, quotes))
    }

    pub(super) fn visit(&self, each: &mut dyn FnMut(&Entry<'_>, &Observation<'_>, &[u8])) {
        self.input.pass(&self.selection, |options| {
            analyze::visit(&self.input.sources, &self.catalogue, options, each);
        });
    }

    /// What stands at the places that a report quotes. Names of sources are compared by their last part: an export may have
    /// moved.
    fn quotes(&self, places: &BTreeSet<(String, u64)>, mut quotes: Quotes) -> Quotes {
        let places: BTreeSet<(&str, u64)> =
            places.iter().map(|(source, offset)| (file_name(source), *offset)).collect();
        self.visit(&mut |entry, observation, _| {
            let name = file_name(self.names.get(entry.origin.source as usize).map_or("", String::as_str));
            if places.contains(&(name, entry.origin.offset)) {
                let place = (name.to_owned(), entry.origin.offset);
                quotes.entry(place).or_default().push(observation.text(entry).into_owned());
            }
        });
        quotes
    }

    fn tell(&self, entry: &Entry<'_>, observation: &Observation<'_>, audit: &mut TextAudit) {
        let mut names: Vec<&str> = vec![&observation.component.name, &entry.log_name];
        names.extend(observation.revision.iter().chain(&observation.instance));
        names.extend(entry.resource.labels.0.iter().chain(&entry.labels.0).map(|(_, v)| v.as_ref()));
        names.extend(entry.fields.iter().map(|(_, v)| v.as_ref()));
        names.extend(entry.http.iter().map(|http| http.url.as_ref()));
        names.extend(entry.audit.iter().flat_map(|audit| [audit.method.as_ref(), audit.resource_name.as_ref()]));
        audit.observe(&Fact {
            message: &observation.text(entry),
            names: &names,
            time: Some(observation.at),
            status: entry.http.as_ref().map(|http| http.status).filter(|status| *status > 0),
            source: self.names.get(entry.origin.source as usize).map_or("", String::as_str),
            offset: entry.origin.offset,
            insert_id: &entry.insert_id,
        });
    }
}

fn file_name(source: &str) -> &str {
    Path::new(source).file_name().and_then(|name| name.to_str()).unwrap_or(source)
}
