//! The command line: what was typed becomes options, what was found becomes output and an exit status.

use std::process::ExitCode;

use crate::analyze;
use crate::incident;
use crate::pattern::Catalogue;
use crate::source::Source;

/// Runs the command that was typed.
#[allow(clippy::print_stdout)]
pub fn main() -> ExitCode {
    let sources: Vec<Source> = std::env::args().skip(1).filter(|a| !a.starts_with("--") && a != "json").map(|a| Source::File(a.into())).collect();
    let catalogue = Catalogue::builtin();
    let mut summary = analyze::summarize(&sources, &catalogue).expect("reads");
    let mined = summary.settle();
    let export = summary.span();
    let debug = std::env::args().any(|a| a == "--debug");
    let scene = incident::detect(&summary, &mined, &catalogue, None);
    let incidents = crate::cause::rank(&scene, &summary, &catalogue);
    let names: Vec<String> = sources.iter().map(Source::name).collect();
    let report = crate::report::compose(crate::report::Findings { summary: &summary, catalogue: &catalogue, scene: &scene, incidents: &incidents, sources: &names });
    if !debug {
        println!("{}", serde_json::to_string_pretty(&report).expect("plain data"));
        return ExitCode::SUCCESS;
    }
    println!("{:?}", summary.ledger);
    for i in &report.incidents {
        println!("INCIDENT {} {}..{:?} {} entries affected {:?}", i.id, i.start.clock(), i.end.map(|e| e.clock()), i.failure_entries, i.affected.iter().map(|a| a.component.as_str()).collect::<Vec<_>>());
        for c in &i.causes {
            println!("   {:.2} conf {:.2} {:?}:{} | {:?} | {} | {} | first {} count {} explains {} | {}", c.score, c.confidence, c.component_kind, c.component, c.aliases, format!("{:?}", c.layer), c.title.chars().take(60).collect::<String>(), c.first_seen.clock(), c.count, c.explains, c.features.iter().map(|f| format!("{} {:.2}", f.name, f.value)).collect::<Vec<_>>().join(", "));
        }
    }
    let mut all = incident::series(&summary, &mined, &catalogue);
    all.sort_by_key(|s| std::cmp::Reverse(s.tally.seen.count));
    for s in all {
        let shape = incident::onset::shape(&s.tally.timeline, export);
        println!("{:6} {:?}:{} {} {} | {:?}", s.tally.seen.count, s.component.kind, s.component.name, s.pattern, s.title.chars().take(90).collect::<String>(), match shape {
            incident::onset::Shape::Steady => "STEADY".to_owned(),
            incident::onset::Shape::Sporadic(b) => format!("sporadic {}-{}", b.span.start.clock(), b.span.end.clock()),
            incident::onset::Shape::Bursts(bs) => format!("BURST {}", bs.iter().map(|b| format!("{}-{}x{}", b.span.start.clock(), b.span.end.clock(), b.count)).collect::<Vec<_>>().join(" ")),
        });
        println!("         blames {:?}", s.tally.blames.iter().map(|(c, s)| format!("{:?}:{}x{}", c.kind, c.name, s.count)).collect::<Vec<_>>());
    }
    for (k, c) in summary.changes.iter() {
        println!("CHANGE {} {} {} target {:?}", k.0.clock(), c.method, c.resource, c.target.name);
    }
    ExitCode::SUCCESS
}
