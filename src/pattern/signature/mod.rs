//! The catalogue: failure signatures as data, the edges between them, and the matcher that finds them.
//!
//! One scan of the message (and of the error fields of a JSON payload) finds which literals occur; they decide which
//! matchers are looked at at all, in order of specificity, and regexes only confirm. A message without a literal costs
//! that one scan and allocates nothing.

mod builtin;
mod check;
mod gate;
mod matcher;
mod meaning;
mod read;

use std::borrow::Cow;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::entry::{ComponentKind, Entry, Severity};

use super::secrets::Classes;
use super::{Layer, Match, Role};
use gate::Gate;
use matcher::{Matcher, StatusPattern, Taken};
use read::Author;

pub use check::ExampleFailure;
pub use meaning::{Accused, Act, Meaning, Mode, Normally, Outcome, Unit};
pub use read::Error;

/// How strongly a cause is known to bring about an effect. Source: the basis column of the causality facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Seen or plausible, often wrong.
    Weak,
    /// Usual.
    #[default]
    Medium,
    /// Follows from how the thing works.
    Strong,
    /// The effect is the same event seen from elsewhere; never counted twice.
    Identity,
}

/// A signature can bring about another one.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Id of the effect's signature.
    pub id: String,
    /// Seconds from cause to effect: at least, at most.
    pub lag_s: (f64, f64),
    /// How sure that is.
    pub strength: Strength,
    /// Where it stands in its file.
    line: usize,
}

/// What to do about a signature.
#[derive(Clone, Debug)]
pub struct Remedy {
    /// `now`, `next` or `later`.
    pub tier: String,
    /// What to do, in a sentence.
    pub text: String,
    /// A command that does or checks it; `SERVICE`, `REGION`, `PROJECT`, `REVISION`, `INSTANCE` … stand for names, and
    /// `{setting}` for the value of that name that the message gives: without it there is no command.
    pub command: Option<String>,
}

/// One failure signature.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// Stable id: `sql-dial-timeout`.
    pub id: String,
    /// What it means, for a headline.
    pub title: String,
    /// Where in the stack it lies.
    pub layer: Layer,
    /// What part it can play.
    pub role: Role,
    /// How specific it is; the higher of two matches wins. 50 unless said otherwise.
    pub specificity: u32,
    /// Who mends it: `app`, `platform`, `database`, `network`, `security`, `vendor`.
    pub owner: String,
    /// Where the text was seen or documented.
    pub source: String,
    /// What is wrong, whom it accuses, how usual that is.
    pub meaning: Meaning,
    /// What it can bring about.
    pub effects: Vec<Effect>,
    /// First checks, one sentence each.
    pub checks: Vec<String>,
    /// What to do.
    pub remedies: Vec<Remedy>,
    /// Which captured values name something to blame, and what kind of thing that is.
    pub captures: Vec<(String, ComponentKind)>,
    /// The file it comes from, by name: `cloud-run.toml`.
    pub file: String,
    /// The line it starts on.
    pub line: usize,
}

/// Most signatures and most literals of a catalogue: keeps what one entry can touch in a few cache lines.
const MAX_MATCHERS: usize = 4096;
const MAX_LITERALS: usize = 8192;

/// All signatures of a run, ready to match.
#[derive(Debug)]
pub struct Catalogue {
    /// Every signature, sorted by id.
    pub signatures: Vec<Signature>,
    /// What texts of entries are masked of before they are kept or shown: secrets and financial numbers, unless all is to be quoted
    /// as recorded.
    pub masks: Classes,
    /// Most specific first; equals in order of id. Their place in this order is their index everywhere below.
    matchers: Vec<Matcher>,
    gate: Gate,
    /// Literal → the matchers it makes worth a look.
    opens: Vec<Vec<u16>>,
    /// Status codes that some matcher without literals wants, one bit each.
    statuses: [u64; 16],
    /// Matchers without literals, by what must be there.
    by_status: Vec<u16>,
    by_audit: Vec<u16>,
    /// Last segment of an audited method's name in lower case → the matchers that want such a method.
    by_method: FxHashMap<String, Vec<u16>>,
    by_event: Vec<u16>,
    /// Last segment of a field's name → wanted value, matcher.
    by_field: FxHashMap<String, Vec<(String, u16)>>,
    /// Names of the fields that a verdict can depend on.
    read_names: Names,
    always: Vec<u16>,
    /// (cause, effect, place in the cause's effects), sorted.
    edges: Vec<(u32, u32, u32)>,
    /// Name and text of every file, for [`Catalogue::check`]; the built-in ones are static.
    texts: Vec<(String, Cow<'static, str>)>,
}

impl Default for Catalogue {
    /// A catalogue that knows nothing.
    fn default() -> Catalogue {
        Catalogue::build(Vec::new(), "").expect("nothing to be wrong with")
    }
}

impl Catalogue {
    /// The built-in catalogue.
    pub fn builtin() -> Catalogue {
        Catalogue::with_files(&[]).expect("a test reads every built-in file")
    }

    /// The built-in catalogue extended by files given as (name, text). A signature with an id that is already there
    /// replaces the earlier one.
    ///
    /// # Errors
    /// When a file cannot be read as signatures, or an effect names a signature that does not exist.
    pub fn with_files(files: &[(&str, &str)]) -> Result<Catalogue, Error> {
        let parts: Result<Vec<Vec<read::Read>>, Error> =
            builtin::FILES.iter().map(|(name, text)| read::read(name, text, Author::House)).collect();
        let reads = parts?.into_iter().flatten().collect();
        let builtin = builtin::FILES.iter().map(|(name, text)| ((*name).to_owned(), Cow::Borrowed(*text)));
        Catalogue::extended(reads, builtin.collect(), files)
    }

    /// Only these files, without the built-in catalogue.
    ///
    /// # Errors
    /// As [`Catalogue::with_files`].
    pub fn of_files(files: &[(&str, &str)]) -> Result<Catalogue, Error> {
        Catalogue::extended(Vec::new(), Vec::new(), files)
    }

    /// A digest of all its files: accounts made with different catalogues do not add up.
    pub fn digest(&self) -> u64 {
        let texts: Vec<&str> = self.texts.iter().map(|(_, text)| text.as_ref()).collect();
        xxhash_rust::xxh3::xxh3_64(texts.join("\n").as_bytes())
    }

    /// The same catalogue, and texts of entries are masked of these classes before they are kept or shown.
    #[must_use]
    pub fn masking(self, masks: Classes) -> Catalogue {
        Catalogue { masks, ..self }
    }

    /// The most specific signature that matches the entry; of equals, the first by id.
    ///
    /// `severity` is the effective one: as recorded, or inferred by the caller.
    pub fn find<'a>(&'a self, entry: &'a Entry<'_>, severity: Severity) -> Option<Match<'a>> {
        let (signature, taken) = self.confirmed(entry, severity, |_| true)?;
        let (values, blames) = taken;
        Some(Match { signature, values, blames })
    }

    /// Whether the verdict on an entry can depend on fields of its payload besides its message.
    pub fn reads_fields_of(&self, entry: &Entry<'_>) -> bool {
        entry.fields.iter().any(|(path, _)| self.reads_field(path.key))
    }

    /// Whether the verdict on an entry can depend on a field with this key, in whatever object it stands.
    pub fn reads_field(&self, key: &str) -> bool {
        self.read_names.has(key)
    }

    /// Whether what a signature takes from an entry can depend on more than its texts.
    pub fn takes_more_than_text(&self, signature: usize) -> bool {
        self.matchers.iter().any(|m| m.signature == signature && m.takes_more_than_text())
    }

    /// The signature with this id.
    pub fn get(&self, id: &str) -> Option<&Signature> {
        self.index_of(id).map(|idx| &self.signatures[idx])
    }

    /// The index of the signature with this id.
    pub fn index_of(&self, id: &str) -> Option<usize> {
        self.signatures.binary_search_by(|s| s.id.as_str().cmp(id)).ok()
    }

    /// How `cause` brings about `effect` directly, both as indexes; `None` when it is not known to.
    pub fn reaches(&self, cause: usize, effect: usize) -> Option<&Effect> {
        let key = (cause as u32, effect as u32);
        let at = self.edges.binary_search_by(|(c, e, _)| (*c, *e).cmp(&key)).ok()?;
        let (cause, _, place) = self.edges[at];
        self.signatures[cause as usize].effects.get(place as usize)
    }

    /// Every known edge: cause, effect (as indexes) and how. In order of cause, then of effect.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize, &Effect)> {
        self.edges.iter().map(|(cause, effect, place)| {
            (*cause as usize, *effect as usize, &self.signatures[*cause as usize].effects[*place as usize])
        })
    }

    /// Runs the examples and near misses of every signature, and warns of matchers that no literal gates.
    ///
    /// An example must be won by its signature against the whole catalogue; a near miss must not match it at all.
    pub fn check(&self) -> Vec<ExampleFailure> {
        let mut examples: BTreeMap<usize, Vec<read::Example>> = BTreeMap::new();
        let mut failures = Vec::new();
        for (name, text) in &self.texts {
            // The built-in files were read without their examples, so reading them whole can still fail.
            let reads = read::read(name, text, Author::Stranger).unwrap_or_else(|error| {
                failures.push(error.into());
                Vec::new()
            });
            for read in reads {
                let Some(idx) = self.index_of(&read.signature.id) else { continue };
                // Not of a signature that a later file replaced.
                if (&self.signatures[idx].file, self.signatures[idx].line) == (name, read.signature.line) {
                    examples.entry(idx).or_default().extend(read.examples);
                }
            }
        }
        let none = Vec::new();
        let checked =
            (0..self.signatures.len()).flat_map(|idx| check::check(self, idx, examples.get(&idx).unwrap_or(&none)));
        failures.extend(checked);
        failures
    }
}

impl Catalogue {
    /// Whether this one signature matches, whoever would win.
    fn matches(&self, entry: &Entry<'_>, severity: Severity, signature: usize) -> bool {
        self.confirmed(entry, severity, |m| m.signature == signature).is_some()
    }

    fn confirmed<'a>(
        &'a self,
        entry: &'a Entry<'_>,
        severity: Severity,
        wanted: impl Fn(&Matcher) -> bool,
    ) -> Option<(usize, Taken<'a>)> {
        let mut scratch: Option<Scratch> = None;
        for text in matcher::whole_texts(entry) {
            self.gate.scan(text.as_bytes(), |literal| {
                let scratch = scratch.get_or_insert_with(Scratch::new);
                if scratch.see(literal) {
                    self.opens[literal].iter().for_each(|m| scratch.propose(*m));
                }
            });
        }
        self.propose_structured(entry, &mut scratch);
        let scratch = scratch?;
        let texts: Vec<&str> = matcher::texts(entry).collect();
        let mut candidates = scratch.candidates.iter().enumerate().flat_map(|(word, bits)| ones(word, *bits));
        candidates.find_map(|idx| {
            let matcher = self.matchers.get(idx).filter(|m| wanted(m))?;
            Some((matcher.signature, matcher.confirm(entry, &texts, severity, |l| scratch.has_seen(l))?))
        })
    }

    /// Matchers without a literal, whose turn it is by status, audit entry, event or field.
    fn propose_structured(&self, entry: &Entry<'_>, scratch: &mut Option<Scratch>) {
        let mut propose = |list: &[u16]| {
            if !list.is_empty() {
                let scratch = scratch.get_or_insert_with(Scratch::new);
                list.iter().for_each(|m| scratch.propose(*m));
            }
        };
        propose(&self.always);
        if entry.http.as_ref().is_some_and(|h| self.wants_status(h.status)) {
            propose(&self.by_status);
        }
        if let Some(audit) = &entry.audit {
            propose(&self.by_audit);
            propose(self.by_method.get(&method_segment(&audit.method)).map_or(&[], Vec::as_slice));
        }
        if entry.kube_event.is_some() {
            propose(&self.by_event);
        }
        if !self.by_field.is_empty() {
            for (path, value) in entry.fields.iter() {
                let wanted = self.by_field.get(path.last()).into_iter().flatten();
                wanted.filter(|(any, _)| any.eq_ignore_ascii_case(value)).for_each(|(_, m)| propose(&[*m]));
            }
        }
    }

    fn wants_status(&self, status: u16) -> bool {
        self.statuses.get(usize::from(status / 64)).is_some_and(|bits| bits >> (status % 64) & 1 != 0)
    }
}

/// Names of fields by their last segments, case aside.
#[derive(Debug, Default)]
struct Names {
    /// In lower case, by length: a key is compared with those of its own length.
    by_len: [Vec<String>; NAME_LENS],
    /// The last letters of the names of a length, one bit each: most keys end in another one.
    letters: [u32; NAME_LENS],
}

/// Lengths told apart; the last is for all that are longer.
const NAME_LENS: usize = 24;

impl Names {
    fn add(&mut self, name: &str) {
        let last = last_segment(name).to_ascii_lowercase();
        let len = last.len().min(NAME_LENS - 1);
        self.letters[len] |= letter(&last);
        if !self.by_len[len].contains(&last) {
            self.by_len[len].push(last);
        }
    }

    /// Whether a key ends in one of the names.
    fn has(&self, key: &str) -> bool {
        let last = last_segment(key);
        let len = last.len().min(NAME_LENS - 1);
        self.letters[len] & letter(last) != 0 && self.by_len[len].iter().any(|name| name.eq_ignore_ascii_case(last))
    }
}

impl<'n> FromIterator<&'n str> for Names {
    fn from_iter<N: IntoIterator<Item = &'n str>>(names: N) -> Names {
        let mut all = Names::default();
        names.into_iter().for_each(|name| all.add(name));
        all
    }
}

/// What follows the last dot or slash.
fn last_segment(name: &str) -> &str {
    name.bytes().rposition(|b| matches!(b, b'.' | b'/')).map_or(name, |at| &name[at + 1..])
}

/// The bit of the last letter.
fn letter(name: &str) -> u32 {
    1 << (name.as_bytes().last().map_or(0, |b| b.to_ascii_lowercase()) & 31)
}

/// What one entry has touched so far. Only made once something was.
struct Scratch {
    seen: [u64; MAX_LITERALS / 64],
    candidates: [u64; MAX_MATCHERS / 64],
}

impl Scratch {
    fn new() -> Scratch {
        Scratch { seen: [0; MAX_LITERALS / 64], candidates: [0; MAX_MATCHERS / 64] }
    }

    /// Notes a literal; whether it is new.
    fn see(&mut self, literal: usize) -> bool {
        let (word, bit) = (literal / 64, 1 << (literal % 64));
        let new = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        new
    }

    fn has_seen(&self, literal: u16) -> bool {
        self.seen[usize::from(literal) / 64] >> (literal % 64) & 1 != 0
    }

    fn propose(&mut self, matcher: u16) {
        self.candidates[usize::from(matcher) / 64] |= 1 << (matcher % 64);
    }
}

/// Indexes of the bits of one word, lowest first.
fn ones(word: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = bits.trailing_zeros();
        (bits != 0).then(|| {
            bits &= bits - 1;
            word * 64 + bit as usize
        })
    })
}

impl Catalogue {
    fn extended(
        mut reads: Vec<read::Read>,
        mut texts: Vec<(String, Cow<'static, str>)>,
        files: &[(&str, &str)],
    ) -> Result<Catalogue, Error> {
        for (name, text) in files {
            let given = read::read(name, text, Author::Stranger)?;
            each_id_once(&given)?;
            reads.extend(given);
            texts.push(((*name).to_owned(), Cow::Owned((*text).to_owned())));
        }
        let last_file = files.last().map_or("", |(name, _)| name);
        Ok(Catalogue { texts, ..Catalogue::build(reads, last_file)? })
    }

    /// `last_file` made it as large as it is.
    fn build(reads: Vec<read::Read>, last_file: &str) -> Result<Catalogue, Error> {
        let by_id: BTreeMap<String, read::Read> = reads.into_iter().map(|r| (r.signature.id.clone(), r)).collect();
        let (signatures, matchers): (Vec<Signature>, Vec<Vec<Matcher>>) =
            by_id.into_values().map(|read| (read.signature, read.matchers)).unzip();
        let mut matchers = by_specificity(&signatures, matchers);
        let edges = edges(&signatures)?;
        let literals = number_literals(&mut matchers);
        within_bounds(last_file, matchers.len(), literals.len())?;
        let mut catalogue = Catalogue {
            opens: vec![Vec::new(); literals.len()],
            gate: Gate::new(&literals),
            signatures,
            masks: Classes::NEVER_KEPT,
            matchers,
            statuses: [0; 16],
            by_status: Vec::new(),
            by_audit: Vec::new(),
            by_method: FxHashMap::default(),
            by_event: Vec::new(),
            by_field: FxHashMap::default(),
            read_names: matcher::TEXT_FIELDS.into_iter().collect(),
            always: Vec::new(),
            edges,
            texts: Vec::new(),
        };
        for idx in 0..catalogue.matchers.len() {
            catalogue.register(idx);
        }
        Ok(catalogue)
    }

    /// Puts a matcher where it is found: under its rarest condition.
    fn register(&mut self, idx: usize) {
        let matcher = &self.matchers[idx];
        let m = idx as u16;
        if let Some(field) = &matcher.field {
            self.read_names.add(&field.name);
        }
        let longest = (0..matcher.all.len()).max_by_key(|i| matcher.all[*i].len());
        if let Some(longest) = longest {
            self.opens[usize::from(matcher.all_idx[longest])].push(m);
        } else if !matcher.any.is_empty() {
            matcher.any_idx.iter().for_each(|l| self.opens[usize::from(*l)].push(m));
        } else if !matcher.events.is_empty() {
            self.by_event.push(m);
        } else if !matcher.methods.is_empty() {
            for method in &matcher.methods {
                self.by_method.entry(method_segment(method)).or_default().push(m);
            }
        } else if matcher.is_audit() {
            self.by_audit.push(m);
        } else if !matcher.statuses.is_empty() {
            self.by_status.push(m);
            for status in &matcher.statuses {
                let codes = match *status {
                    StatusPattern::Code(code) => code..code + 1,
                    StatusPattern::Class(class) => class * 100..class * 100 + 100,
                };
                codes.for_each(|code| self.statuses[usize::from(code / 64)] |= 1 << (code % 64));
            }
        } else if let Some(field) = &matcher.field {
            let last = field.name.rsplit('.').next().unwrap_or(&field.name);
            let list = self.by_field.entry(last.to_owned()).or_default();
            list.extend(field.any.iter().map(|any| (any.clone(), m)));
        } else {
            self.always.push(m);
        }
    }
}

/// The last segment of a method's name: two names of one method end alike in it, case aside.
fn method_segment(method: &str) -> String {
    last_segment(method).to_ascii_lowercase()
}

/// The matchers of every signature: most specific first, equals in order of signature and of their file.
fn by_specificity(signatures: &[Signature], of_signature: Vec<Vec<Matcher>>) -> Vec<Matcher> {
    let mut order: Vec<(usize, Vec<Matcher>)> = of_signature.into_iter().enumerate().collect();
    order.sort_by_key(|(idx, _)| std::cmp::Reverse(signatures[*idx].specificity));
    let placed = order.into_iter().flat_map(|(idx, of_one)| of_one.into_iter().map(move |m| (idx, m)));
    placed.map(|(idx, m)| Matcher { signature: idx, ..m }).collect()
}

/// Gives equal literals (case aside) one number; returns them in that order.
fn number_literals(matchers: &mut [Matcher]) -> Vec<String> {
    let mut numbers: FxHashMap<String, u16> = FxHashMap::default();
    let mut literals = Vec::new();
    let mut number = |list: &[String]| -> Vec<u16> {
        list.iter()
            .map(|literal| {
                let literal = literal.to_ascii_lowercase();
                *numbers.entry(literal).or_insert_with_key(|literal| {
                    literals.push(literal.clone());
                    // Cut off past the bound, which `within_bounds` then refuses.
                    (literals.len() - 1).min(usize::from(u16::MAX)) as u16
                })
            })
            .collect()
    };
    for matcher in matchers {
        matcher.any_idx = number(&matcher.any);
        matcher.all_idx = number(&matcher.all);
        matcher.none_idx = number(&matcher.none);
    }
    literals
}

/// A signature may replace one of an earlier file, but of two in one file the first would be lost unseen.
fn each_id_once(given: &[read::Read]) -> Result<(), Error> {
    let mut places: BTreeMap<&str, &Signature> = BTreeMap::new();
    for read::Read { signature, .. } in given {
        if let Some(earlier) = places.insert(&signature.id, signature) {
            return Err(Error {
                file: signature.file.clone(),
                line: signature.line,
                signature: Some(signature.id.clone()),
                what: format!("the id is given twice, first on line {}", earlier.line),
                advice: "give one of them another id".to_owned(),
            });
        }
    }
    Ok(())
}

fn within_bounds(last_file: &str, n_matchers: usize, n_literals: usize) -> Result<(), Error> {
    if n_matchers <= MAX_MATCHERS && n_literals <= MAX_LITERALS {
        return Ok(());
    }
    Err(Error {
        file: last_file.to_owned(),
        line: 0,
        signature: None,
        what: format!("the catalogue has {n_matchers} matchers and {n_literals} literals"),
        advice: format!("at most {MAX_MATCHERS} and {MAX_LITERALS} are allowed; split the file"),
    })
}

fn edges(signatures: &[Signature]) -> Result<Vec<(u32, u32, u32)>, Error> {
    let index: BTreeMap<&str, usize> = signatures.iter().enumerate().map(|(i, s)| (s.id.as_str(), i)).collect();
    let mut edges = Vec::new();
    for (cause, signature) in signatures.iter().enumerate() {
        for (place, effect) in signature.effects.iter().enumerate() {
            let Some(target) = index.get(effect.id.as_str()) else {
                return Err(Error {
                    file: signature.file.clone(),
                    line: effect.line,
                    signature: Some(signature.id.clone()),
                    what: format!("effect \"{}\" is no signature", effect.id),
                    advice: "correct the id; `firstfault signatures list` shows all".to_owned(),
                });
            };
            edges.push((cause as u32, *target as u32, place as u32));
        }
    }
    edges.sort_unstable();
    edges.dedup_by_key(|(cause, effect, _)| (*cause, *effect));
    Ok(edges)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, a measurement may speak")]
mod tests {
    use super::*;
    use crate::entry::{Component, Resource, Text};

    const MINE: &str = r#"# Two signatures.
[[signature]]
id = "cache-cold"
title = "The cache is cold"
layer = "dependency"
role = "cause"
owner = "app"
source = "our own code"

[[signature.match]]
any = ["cache miss storm"]
none = ["drill"]
severity = "WARNING"
regex = 'on (?P<cache>[\w.-]+)(?: after (?P<seconds>\d+) s)?'

[signature.captures]
cache = "cache"

[[signature.effect]]
id = "page-slow"
lag = [0, 5.5]
strength = "strong"

[[signature.remedy]]
tier = "now"
text = "Warm it."

[[signature.example]]
entry = '{"severity":"ERROR","logName":"projects/acme-prod/logs/x","textPayload":"cache miss storm on c1.acme."}'
values = { cache = "c1.acme" }

[[signature.near_miss]]
entry = '{"severity":"ERROR","logName":"projects/acme-prod/logs/x","textPayload":"drill: cache miss storm on c1"}'

[[signature]]
id = "page-slow"
title = "Pages are slow"
layer = "application"
role = "effect"
specificity = 20
owner = "app"
source = "our own code"

[[signature.match]]
status = [504, "3xx", 598]
[[signature.remedy]]
tier = "later"
text = "Be faster."
"#;

    fn refusal(from: &str, to: &str) -> String {
        let text = MINE;
        assert!(text.contains(from), "{from}");
        Catalogue::of_files(&[("mine.toml", &text.replacen(from, to, 1))]).unwrap_err().to_string()
    }

    fn text_entry(message: &str) -> Entry<'_> {
        Entry { message: Text::Borrowed(message), ..Entry::default() }
    }

    #[test]
    fn every_builtin_example_is_won_and_every_near_miss_missed() {
        let failures: Vec<String> = Catalogue::builtin().check().iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    }

    #[test]
    fn every_file_of_the_catalogue_folder_is_built_in_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pattern/catalogue");
        let names = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".toml")).collect();
        names.sort();
        assert_eq!(names, builtin::FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    /// Signatures of the built-in catalogue for which `wrong` holds, by id.
    fn builtin_with(wrong: impl Fn(&Signature) -> bool) -> Vec<String> {
        Catalogue::builtin().signatures.into_iter().filter(wrong).map(|s| s.id).collect()
    }

    #[test]
    fn whoever_blames_what_it_names_captures_it() {
        let unnamed = builtin_with(|s| s.meaning.accused == Accused::Named && s.captures.is_empty());
        assert_eq!(unnamed, [""; 0]);
        assert!(
            refusal(
                "source = \"our own code\"\n\n[[signature.match]]\nstatus",
                "source = \"our own code\"\nblames = \"named\"\n\n[[signature.match]]\nstatus"
            )
            .contains("blames what it names, and captures nothing")
        );
    }

    #[test]
    fn a_failure_says_what_is_wrong_unless_a_unit_of_work_just_failed() {
        let vague = builtin_with(|s| {
            let fails = matches!(s.role, Role::Cause | Role::Either | Role::Effect);
            let meaning = s.meaning;
            let tells_a_unit =
                meaning.shows != Unit::None || matches!(meaning.accused, Accused::Nobody | Accused::Caller);
            fails && meaning.mode == Mode::FailedRequest && !tells_a_unit
        });
        assert_eq!(vague, [""; 0]);
    }

    #[test]
    fn a_text_of_health_tells_of_what_and_alarms_nobody() {
        let wrong = builtin_with(|s| {
            let (meaning, is_ok) = (s.meaning, s.meaning.outcome == Outcome::Ok);
            is_ok && (meaning.shows == Unit::None || meaning.normally != Normally::Background)
        });
        assert_eq!(wrong, [""; 0]);
        let harmless =
            builtin_with(|s| matches!(s.role, Role::Marker | Role::Noise) && s.meaning.normally == Normally::Never);
        assert_eq!(harmless, [""; 0]);
    }

    #[test]
    fn only_a_change_acts() {
        let wrong = builtin_with(|s| s.role != Role::Change && s.meaning.acts != Act::Nothing);
        assert_eq!(wrong, [""; 0]);
        let still = builtin_with(|s| s.role == Role::Change && s.meaning.acts == Act::Nothing);
        assert_eq!(still, [""; 0], "each of these can break those who use what it changes");
    }

    #[test]
    fn a_match_gives_values_and_what_they_blame_without_punctuation() {
        let catalogue = Catalogue::of_files(&[("mine.toml", MINE)]).unwrap();
        let entry = text_entry("Cache Miss Storm on 'c1.acme', giving up");
        assert!(catalogue.find(&entry, Severity::Error).is_none(), "the regex allows no quote");
        let entry = text_entry("Cache Miss Storm on c1.acme.");
        let found = catalogue.find(&entry, Severity::Error).unwrap();
        assert_eq!(catalogue.signatures[found.signature].id, "cache-cold");
        assert_eq!(found.values, [("cache".into(), Cow::Borrowed("c1.acme"))], "the empty group is dropped");
        assert_eq!(found.blames, [Component::new(ComponentKind::Cache, "c1.acme")]);
    }

    #[test]
    fn every_condition_of_a_matcher_must_hold() {
        let catalogue = Catalogue::of_files(&[("mine.toml", MINE)]).unwrap();
        let found = |message: &str, severity| catalogue.find(&text_entry(message), severity).is_some();
        assert!(found("cache miss storm on c1", Severity::Warning));
        assert!(!found("cache miss storm on c1", Severity::Info), "severity");
        assert!(!found("cache miss storm on c1 in a drill", Severity::Warning), "none");
        assert!(!found("cache miss on c1", Severity::Warning), "any");
        assert!(!found("cache miss storm", Severity::Warning), "regex");
    }

    #[test]
    fn a_status_needs_no_text() {
        let catalogue = Catalogue::of_files(&[("mine.toml", MINE)]).unwrap();
        let found = |status| {
            let http = Some(crate::entry::HttpRequest { status, ..Default::default() });
            catalogue.find(&Entry { http, ..Entry::default() }, Severity::Info).is_some()
        };
        assert_eq!([504, 598, 302, 200, 503, 0].map(found), [true, true, true, false, false, false]);
    }

    #[test]
    fn an_error_field_is_read_like_the_message() {
        let catalogue = Catalogue::of_files(&[("mine.toml", MINE)]).unwrap();
        let fields = |key: &'static str| crate::entry::Fields::from_iter([(key, "cache miss storm on c1")]);
        let found = |key| {
            let entry = Entry { fields: fields(key), ..text_entry("request failed") };
            catalogue.find(&entry, Severity::Error).is_some()
        };
        assert!(found("error") && found("ctx.err") && found("error.message"));
        assert!(!found("user_agent") && !found("message"));
    }

    #[test]
    fn labels_and_resources_are_never_read_as_text() {
        let catalogue = Catalogue::of_files(&[("mine.toml", MINE)]).unwrap();
        let entry = Entry {
            resource: Resource { kind: "cache miss storm on c1".into(), ..Resource::default() },
            ..text_entry("fine")
        };
        assert!(catalogue.find(&entry, Severity::Error).is_none());
    }

    #[test]
    fn a_file_replaces_a_builtin_signature_of_the_same_id_and_extends_the_rest() {
        let builtin = Catalogue::builtin();
        let text = MINE;
        let both = Catalogue::with_files(&[("mine.toml", text)]).unwrap();
        assert_eq!(both.signatures.len(), builtin.signatures.len() + 2);
        let warmer = text.replace("Warm it.", "Warm it better.");
        let overridden = Catalogue::with_files(&[("mine.toml", text), ("warmer.toml", &warmer)]).unwrap();
        assert_eq!(overridden.signatures.len(), both.signatures.len());
        let cold = overridden.get("cache-cold").unwrap();
        assert_eq!((cold.remedies[0].text.as_str(), cold.file.as_str()), ("Warm it better.", "warmer.toml"));
    }

    #[test]
    fn edges_are_looked_up_by_index() {
        let catalogue = Catalogue::of_files(&[("mine.toml", MINE)]).unwrap();
        let (cold, slow) = (catalogue.index_of("cache-cold").unwrap(), catalogue.index_of("page-slow").unwrap());
        let effect = catalogue.reaches(cold, slow).unwrap();
        assert_eq!((effect.lag_s, effect.strength), ((0.0, 5.5), Strength::Strong));
        assert!(catalogue.reaches(slow, cold).is_none());
        assert_eq!(catalogue.edges().count(), 1);
    }

    #[test]
    fn check_tells_what_an_example_does_wrong() {
        let text = MINE.replace("storm on c1.acme.\"", "storm at c1\"").replace("drill: ", "");
        let failures = Catalogue::of_files(&[("mine.toml", &text)]).unwrap().check();
        let said: Vec<String> = failures.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "mine.toml:28: signature \"cache-cold\": example matches nothing",
                "mine.toml:32: signature \"cache-cold\": near miss matches: cache miss storm on c1",
                "mine.toml:36: signature \"page-slow\": has no [[signature.example]]",
                "mine.toml:36: signature \"page-slow\": has no [[signature.near_miss]]",
            ]
        );
    }

    #[test]
    fn check_warns_of_a_regex_that_nothing_gates() {
        let text = MINE.replace("any = [\"cache miss storm\"]\n", "");
        let failures = Catalogue::of_files(&[("mine.toml", &text)]).unwrap().check();
        assert!(failures.iter().any(|f| f.only_a_warning && f.line == 10), "{failures:?}");
    }

    #[test]
    fn errors_name_file_line_signature_and_what_to_do() {
        assert_eq!(
            refusal("any = [", "anny = ["),
            "mine.toml:11: signature \"cache-cold\": unknown field `anny`, expected one of `any`, `all`, `none`, `regex`, \
             `take`, `log`, `resource`, `status`, `method`, `agent`, `refused`, `severity`, `field`, `event`; remove the key or correct its \
             spelling"
        );
        assert_eq!(
            refusal("on (?P<cache>", "on ((?P<cache>"),
            "mine.toml:14: signature \"cache-cold\": regex: unclosed group; see the syntax of the Rust regex crate"
        );
        assert_eq!(
            refusal("id = \"page-slow\"\nlag", "id = \"page-slwo\"\nlag"),
            "mine.toml:20: signature \"cache-cold\": effect \"page-slwo\" is no signature; correct the id; `firstfault \
             signatures list` shows all"
        );
        assert_eq!(
            refusal("cache = \"cache\"", "host = \"host\""),
            "mine.toml:3: signature \"cache-cold\": captures name \"host\", which is a group of no regex; name a group \
             (?P<name>…) of one of its matchers"
        );
        assert_eq!(
            refusal("\"cache miss storm\"", "\"oom\""),
            "mine.toml:10: signature \"cache-cold\": literal \"oom\" is too short; use at least 4 bytes, with a blank or \
             more context"
        );
        assert!(refusal("title = \"The cache is cold\"\n", "").contains("missing field `title`"));
        assert!(refusal("layer = \"dependency\"", "layer = \"cellar\"").starts_with("mine.toml:5: "));
        assert!(refusal("lag = [0, 5.5]", "lag = [6, 5.5]").contains("lag [6, 5.5] is no range"));
        assert!(refusal("status = [504", "status = [\"6xx\"").contains("status is neither"));
        assert!(refusal("tier = \"now\"", "tier = \"soon\"").contains("tier \"soon\" is unknown"));
    }

    #[test]
    fn a_regex_that_would_grow_without_bound_is_refused() {
        assert!(refusal("on (?P<cache>", "(?:x{1000}){1000}(?P<cache>").contains("size limit"));
    }

    /// `cargo test --profile fast -- --ignored --nocapture pace_of`: start-up and scan, on this machine.
    #[test]
    #[ignore = "a measurement"]
    fn pace_of_start_and_scan() {
        let start = std::time::Instant::now();
        let catalogue = Catalogue::builtin();
        eprintln!("start {:?}, {} signatures", start.elapsed(), catalogue.signatures.len());
        let silent =
            "2024-05-01 10:00:00 INFO 1 --- [nio-8080-exec-16] c.a.items.Service : handled item id=973648 in 12 ms";
        let quiet =
            "2024-05-01 10:00:00 INFO served GET /api/items/42 for user 7f3a in 12 ms, 3 rows, cache hit ratio 0.93";
        let failing =
            "psycopg2.OperationalError: connection to server at \"10.1.2.3\", port 5432 failed: timeout expired";
        for message in [silent, quiet, failing] {
            let start = std::time::Instant::now();
            let n = 1_000_000;
            let hits = (0..n).filter(|_| catalogue.find(&text_entry(message), Severity::Error).is_some()).count();
            let spent = start.elapsed();
            let pace = n as f64 * message.len() as f64 / spent.as_secs_f64() / 1e6;
            eprintln!("{hits} hits, {:.0} ns per message, {pace:.0} MB/s", spent.as_nanos() as f64 / n as f64);
        }
    }

    #[test]
    fn two_signatures_of_one_id_are_refused() {
        let named = |files: &[(&str, &str)]| Catalogue::with_files(files).unwrap_err().to_string();
        let twice = format!("{MINE}\n{MINE}");
        assert!(named(&[("mine.toml", &twice)]).contains("mine.toml:"), "{}", named(&[("mine.toml", &twice)]));
        let replaced = Catalogue::with_files(&[("a.toml", MINE), ("b.toml", MINE)]);
        assert!(replaced.is_ok_and(|catalogue| catalogue.get("cache-cold").is_some_and(|s| s.file == "b.toml")));
    }
}
