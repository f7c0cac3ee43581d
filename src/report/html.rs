//! The report as one HTML file: no network, no script, light and dark, phone and paper.

use super::escape::{cut, html as text, html_cell as cell, html_lines, link};
use super::exhibits::query;
use super::svg::{Mark, failures_chart, requests_chart};
use super::wording::{
    self, TIERS, bytes, clock, count, counted, duration, failed_share, kind, last_known, layer, list, percent,
    short_method, status,
};
use super::{Action, Cause, Evidence, Incident, Link, Moment, Priority, Report, RouteCount, Status, Ticket, Trigger};

/// Patterns in the table at the end at most; the rest is in the JSON.
const MAX_PATTERNS: usize = 200;

/// Lost ranges and patterns of noise listed at most.
const MAX_LISTED: usize = 12;

/// The report as an HTML document.
pub fn render(report: &Report) -> String {
    let mut page = String::with_capacity(64 * 1024);
    head(&mut page, report);
    page.push_str("<main>\n");
    for incident in &report.incidents {
        self::incident(&mut page, incident, report);
    }
    notes(&mut page, report);
    gaps(&mut page, report);
    coverage(&mut page, report);
    patterns(&mut page, report);
    people(&mut page);
    page.push_str("</main>\n");
    page.push_str(&format!(
        "<footer>Draft, made by firstfault {} from logs alone; it waits for review. Observed is what entries say, inferred is what \
         follows from them.</footer>\n</body>\n</html>\n",
        text(&report.tool_version)
    ));
    page
}

fn head(page: &mut String, report: &Report) {
    let title = report.incidents.first().map_or("No incident", |incident| incident.title.as_str());
    let calm = if report.incidents.is_empty() { "calm" } else { "" };
    page.push_str(&format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>\n{}</style>\n\
         </head>\n<body class=\"{calm}\">\n",
        text(title),
        include_str!("style.css")
    ));
    let coverage = &report.coverage;
    let mut span = counted(coverage.entries, "entry", "entries");
    if let (Some(first), Some(last)) = (coverage.first, coverage.last) {
        span.push_str(&format!(", {} to {} UTC", first.date_clock(), last.date_clock()));
    }
    page.push_str(&format!("<header>\n<p class=\"kicker\">firstfault {} · {span}</p>\n", text(&report.tool_version)));
    page.push_str(&format!("<p class=\"verdict\">{}</p>\n", text(&report.verdict)));
    if report.incidents.is_empty() {
        page.push_str("<p>No incident was found in this export.</p>\n");
    }
    if report.incidents.len() > 1 {
        page.push_str("<ol>\n");
        for (i, incident) in report.incidents.iter().enumerate() {
            page.push_str(&format!(
                "<li><a href=\"#incident-{}\">{}</a> {}</li>\n",
                i + 1,
                text(&incident.title),
                badges(incident)
            ));
        }
        page.push_str("</ol>\n");
    }
    for warning in &coverage.warnings {
        page.push_str(&format!("<p class=\"soft\">Caution: {}</p>\n", text(&warning.text)));
    }
    page.push_str("</header>\n");
}

fn incident(page: &mut String, incident: &Incident, report: &Report) {
    let number = report.incidents.iter().position(|other| std::ptr::eq(other, incident)).unwrap_or(0) + 1;
    page.push_str(&format!(
        "<section id=\"incident-{number}\">\n<h1>{}</h1>\n<p>{}</p>\n",
        text(&incident.title),
        badges(incident)
    ));
    facts(page, incident, report);
    if let Some(action) = wording::actions(incident).into_iter().find(|action| action.priority == "now") {
        page.push_str(&format!("<div class=\"card now\">{}</div>\n", action_text(action, "Do now: ")));
    }
    tickets(page, incident, report);
    charts(page, incident);
    causes(page, incident);
    contrast(page, incident);
    chain(page, incident);
    moments(page, incident);
    affected(page, incident);
    restarts(page, incident);
    ruled_out(page, incident);
    changes(page, incident);
    actions(page, incident);
    earlier(page, incident, report);
    page.push_str("</section>\n");
}

fn badges(incident: &Incident) -> String {
    let urgent = if incident.priority <= Priority::P1 { "alarm" } else { "warn" };
    let state = match incident.status {
        Status::Ongoing => "alarm",
        Status::Resolved => "good",
        Status::Unknown => "warn",
    };
    format!(
        "<span class=\"badge {urgent}\">{:?}</span> <span class=\"badge {state}\">{}</span>",
        incident.priority,
        status(incident.status)
    )
}

fn facts(page: &mut String, incident: &Incident, report: &Report) {
    let time = duration(last_known(incident, &report.coverage).seconds_since(incident.start));
    let words = match incident.status {
        Status::Ongoing => "so far, since the onset",
        Status::Resolved => "from onset to last failure",
        Status::Unknown if wording::ends_with_its_entries(incident) => "until the entries end",
        Status::Unknown => "at least, the end is not shown",
    };
    let mut facts = vec![
        (incident.start.clock(), format!("UTC, {}", incident.start.date_clock().get(..10).unwrap_or_default())),
        (time, words.to_owned()),
        (count(incident.failure_entries), "failing entries".to_owned()),
    ];
    if let Some(worst) =
        incident.affected.iter().filter(|affected| affected.requests > 0).max_by_key(|affected| affected.failures)
    {
        let share = worst.failures as f64 / worst.requests as f64;
        facts.push((
            percent(share),
            format!("of {} requests to {} failed", count(worst.requests), cut(&worst.component, 40)),
        ));
    }
    if let Some(restarts) = &incident.restarts {
        let period = restarts.period_s.map_or(String::new(), |period| format!(", every {}", duration(period)));
        facts.push((count(restarts.exits), format!("exits of {}{period}", restarts.component)));
    }
    if let Some(cause) = incident.causes.first() {
        facts.push((
            format!("{:.2}", cause.confidence),
            format!("confidence in the first cause, {} layer", layer(cause.layer)),
        ));
    }
    page.push_str("<ul class=\"facts\">\n");
    for (figure, words) in facts {
        page.push_str(&format!("<li><b>{}</b><span>{}</span></li>\n", text(&figure), text(&words)));
    }
    page.push_str(&format!("</ul>\n<p class=\"soft\">{}</p>\n", text(&incident.priority_rule)));
}

fn tickets(page: &mut String, incident: &Incident, report: &Report) {
    let Some(given) = &report.given else { return };
    for ticket in given.tickets.iter().filter(|ticket| ticket.incident == incident.id) {
        page.push_str(&format!(
            "<div class=\"card\">\n<p><span class=\"badge given\">given, not observed</span> <small>by {}, except the states of the \
             journeys</small></p>\n<p><strong>{}</strong></p>\n<ul>\n",
            text(&given.profile),
            text(&ticket.title)
        ));
        ticket_items(page, ticket);
        page.push_str("</ul>\n</div>\n");
    }
}

fn ticket_items(page: &mut String, ticket: &Ticket) {
    let mut item = |name: &str, value: String| {
        if !value.is_empty() {
            page.push_str(&format!("<li>{name}: {value}</li>\n"));
        }
    };
    let joined = |items: &[String]| items.iter().map(|item| text(item)).collect::<Vec<_>>().join(", ");
    item("Labels", joined(&ticket.labels));
    item("Assigned to", joined(&ticket.assign));
    item("Next review", ticket.next_review.map_or(String::new(), |at| format!("{} UTC", at.date_clock())));
    item("Affected", ticket.services.iter().map(|service| text(service)).collect::<Vec<_>>().join("; "));
    item("Depend on them, not seen to fail", joined(&ticket.dependents));
    for journey in &ticket.journeys {
        let state = format!("<strong>{}</strong> since {} UTC", text(&journey.state), journey.since.clock());
        item("Journey", format!("{}: {state} ({})", text(&journey.name), joined(&journey.services)));
    }
    for slo in &ticket.slos {
        let observed =
            slo.observed.map_or("no request seen".to_owned(), |share| format!("observed {}", percent(share)));
        item("SLO", format!("{}: target {:.2} %, {observed}", text(&slo.service), slo.target * 100.0));
    }
    item("Business impact", joined(&ticket.business_impact));
    for url in ticket.links.iter().filter_map(|url| link(url)) {
        item("Link", format!("<a href=\"{0}\" rel=\"noreferrer\">{0}</a>", text(&url)));
    }
}

fn contrast(page: &mut String, incident: &Incident) {
    let sentences = incident.contrast.as_ref().map_or(&[][..], |contrast| &contrast.sentences);
    if sentences.is_empty() {
        return;
    }
    page.push_str("<h2>What failed requests have in common</h2>\n<ul>\n");
    for sentence in sentences {
        page.push_str(&format!("<li>{}</li>\n", text(sentence)));
    }
    page.push_str("</ul>\n");
}

/// Single failures that say why, in a system that goes on.
fn notes(page: &mut String, report: &Report) {
    if report.notes.is_empty() {
        return;
    }
    page.push_str("<h2>Notes</h2>\n<p>These failed and are no incident: what they belong to goes on.</p>\n<ul>\n");
    for note in &report.notes {
        page.push_str(&format!("<li>{}</li>\n", text(&wording::note(note))));
    }
    page.push_str("</ul>\n");
}

fn charts(page: &mut String, incident: &Incident) {
    let mark = |(i, moment): (usize, &Moment)| Mark {
        at: moment.at,
        name: (i + 1).to_string(),
        class: if moment.kind == "onset" { "onset" } else { "" },
    };
    let marks: Vec<Mark> = incident.moments.iter().enumerate().map(mark).collect();
    page.push_str(&failures_chart(&incident.timeline, &marks));
    page.push_str(&requests_chart(&incident.timeline, &marks));
}

fn causes(page: &mut String, incident: &Incident) {
    if incident.causes.is_empty() {
        return;
    }
    page.push_str("<h2>Causes</h2>\n");
    for cause in &incident.causes {
        let open = if cause.rank == 1 { " open" } else { "" };
        page.push_str(&format!(
            "<details{open}>\n<summary>{}. {} <small>{} layer, confidence {:.2}</small></summary>\n",
            cause.rank,
            text(&cause.title),
            layer(cause.layer),
            cause.confidence
        ));
        cause_body(page, cause, incident);
        page.push_str("</details>\n");
    }
}

fn cause_body(page: &mut String, cause: &Cause, incident: &Incident) {
    let aliases: Vec<String> = cause.aliases.iter().map(|alias| format!("<code>{}</code>", text(alias))).collect();
    let also = if aliases.is_empty() { String::new() } else { format!(", also named {}", list(&aliases)) };
    page.push_str(&format!(
        "<p>At fault: <code>{}</code> ({}){also}</p>\n",
        text(&cause.component),
        kind(cause.component_kind)
    ));
    page.push_str(&format!(
        "<p>Observed: {} show or name it, first at {} UTC. Inferred: {} of {} failing entries follow from it.</p>\n",
        counted(cause.count, "entry", "entries"),
        clock(cause.first_seen, incident.start),
        count(cause.explains),
        count(incident.failure_entries)
    ));
    if let Some(why_not) = &cause.why_not {
        page.push_str(&format!("<p>Not first: {}</p>\n", text(why_not)));
    }
    if let Some(trigger) = &cause.trigger {
        self::trigger(page, trigger, incident);
    }
    for evidence in &cause.evidence {
        quote(page, evidence);
    }
    for against in &cause.against {
        page.push_str(&format!("<p><span class=\"badge warn\">against</span> {}</p>\n", text(against)));
    }
    features(page, cause);
}

fn trigger(page: &mut String, trigger: &Trigger, incident: &Incident) {
    let actor = trigger.actor.as_ref().map_or(String::new(), |actor| format!(" by <code>{}</code>", text(actor)));
    page.push_str(&format!(
        "<p>Trigger: <code>{}</code> on <code>{}</code>{actor}, {} before the onset.</p>\n",
        text(short_method(&trigger.what)),
        text(&trigger.resource),
        duration(incident.start.seconds_since(trigger.at))
    ));
    quote(page, &trigger.evidence);
}

fn quote(page: &mut String, evidence: &Evidence) {
    let open = evidence.link.as_deref().and_then(link);
    let open =
        open.map_or(String::new(), |url| format!(" · <a href=\"{}\" rel=\"noreferrer\">Logs Explorer</a>", text(&url)));
    page.push_str(&format!(
        "<blockquote><p><small>{} UTC · {} · {}</small></p><pre><code>{}</code></pre><p class=\"where\">{} at byte {}{open}<br>{}</p>\
         </blockquote>\n",
        evidence.effect_time.date_clock(),
        text(&evidence.component),
        text(&evidence.severity),
        html_lines(&evidence.message),
        text(&evidence.source),
        evidence.offset,
        text(&query(evidence))
    ));
}

fn features(page: &mut String, cause: &Cause) {
    if cause.features.is_empty() {
        return;
    }
    page.push_str(&format!("<details>\n<summary>Score {:.3}, term by term</summary>\n", cause.score));
    table_head(page, &[("Term", ""), ("Value", "n"), ("Weight", "n"), ("Product", "n"), ("Meaning", "")]);
    for feature in &cause.features {
        row(
            page,
            &[
                ("Term", "", cell(&feature.name)),
                ("Value", "n", format!("{:.3}", feature.value)),
                ("Weight", "n", format!("{:.3}", feature.weight)),
                ("Product", "n", format!("{:.3}", feature.value * feature.weight + 0.0)),
                ("Meaning", "", cell(&feature.text)),
            ],
        );
    }
    page.push_str("</tbody></table>\n</details>\n");
}

fn chain(page: &mut String, incident: &Incident) {
    if incident.chain.is_empty() {
        return;
    }
    page.push_str("<h2>Chain of events</h2>\n<ol class=\"chain\">\n");
    let trigger = incident.causes.first().and_then(|cause| cause.trigger.as_ref());
    if let Some(trigger) = trigger {
        page.push_str(&format!(
            "<li class=\"trigger\"><div class=\"link\">{}<span>{} · {} UTC · trigger</span></div></li>\n",
            text(short_method(&trigger.what)),
            text(&trigger.resource),
            clock(trigger.at, incident.start)
        ));
    }
    for (i, link) in incident.chain.iter().enumerate() {
        let lag = match (i, trigger) {
            (0, None) => None,
            (0, Some(trigger)) => Some((link.first_seen.seconds_since(trigger.at), "inferred")),
            _ => Some((link.lag_s, if link.basis == "observed" { "observed" } else { "inferred" })),
        };
        let when = clock(link.first_seen, incident.start);
        chain_link(page, link, &when, i == 0, lag);
    }
    page.push_str("</ol>\n");
}

fn chain_link(page: &mut String, link: &Link, when: &str, is_first: bool, lag: Option<(f64, &str)>) {
    let first = if is_first { "first" } else { "" };
    let (class, lag) = match lag {
        Some((seconds, basis)) => (basis, format!("<div class=\"lag\">{} later, {basis}</div>", duration(seconds))),
        None => ("", String::new()),
    };
    page.push_str(&format!(
        "<li class=\"{first} {class}\">{lag}<div class=\"link\">{}<span>{} · {} UTC · {}</span></div></li>\n",
        text(&link.title),
        text(&link.component),
        when,
        counted(link.count, "entry", "entries")
    ));
}

fn moments(page: &mut String, incident: &Incident) {
    if incident.moments.is_empty() {
        return;
    }
    page.push_str("<h2>Timeline</h2>\n<ol class=\"moments\">\n");
    for (i, moment) in incident.moments.iter().enumerate() {
        let milestone = match moment.kind.as_str() {
            "onset" => "<strong>Onset:</strong> ",
            "last_failure" => "<strong>Last failure:</strong> ",
            "recovery" => "<strong>Recovery:</strong> ",
            "change" => "Change: ",
            "before" => "Before: ",
            _ => "",
        };
        let class = if moment.kind == "onset" { "onset" } else { "" };
        let source = match &moment.evidence {
            Some(evidence) => format!("{} at byte {}", evidence.source, evidence.offset),
            None => "the counts of this report".to_owned(),
        };
        page.push_str(&format!(
            "<li class=\"{class}\"><small>{}</small><time datetime=\"{}\">{}</time><span>{milestone}{} <small>({})</small></span></li>\n",
            i + 1,
            moment.at,
            clock(moment.at, incident.start),
            text(&moment.text),
            text(&source)
        ));
    }
    page.push_str("</ol>\n");
}

fn affected(page: &mut String, incident: &Incident) {
    let affected = &incident.affected;
    if affected.is_empty() {
        return;
    }
    page.push_str("<h2>Impact</h2>\n");
    table_head(
        page,
        &[("Component", ""), ("Entries", "n"), ("Requests", "n"), ("Availability", ""), ("Restarts", "n")],
    );
    for one in affected {
        let availability = match (one.availability, one.availability_interval) {
            (Some(share), Some((low, high))) => {
                format!("{}{} <small>({} to {})</small>", meter(share), percent(share), percent(low), percent(high))
            }
            (Some(share), None) => format!("{}{}", meter(share), percent(share)),
            (None, _) => "cannot be given".to_owned(),
        };
        let requests = if one.requests == 0 {
            "none seen".to_owned()
        } else {
            format!("{} of {} failed", count(one.failures), count(one.requests))
        };
        row(
            page,
            &[
                ("Component", "", format!("{} <small>{}</small>", cell(&one.component), kind(one.kind))),
                ("Entries", "n", count(one.failure_entries)),
                ("Requests", "n", requests),
                ("Availability", "", format!("<span>{availability}</span>")),
                ("Restarts", "n", count(one.restarts)),
            ],
        );
    }
    page.push_str("</tbody></table>\n");
    routes(page, incident);
}

fn meter(share: f64) -> String {
    format!("<span class=\"meter\"><i style=\"width:{:.1}%\"></i></span>", share.clamp(0.0, 1.0) * 100.0)
}

fn routes(page: &mut String, incident: &Incident) {
    for (kind, title) in [("http", "Routes"), ("websocket", "WebSocket"), ("health", "Health endpoints")] {
        let (routes, left_out) = wording::routes(incident, kind);
        let item = |(component, route): &(&str, &RouteCount)| {
            let share = failed_share(route.failures, route.requests);
            format!("<li><code>{}</code> of {}: {share}</li>\n", text(&route.route), text(component))
        };
        let mut items: String = routes.iter().map(item).collect();
        if left_out > 0 {
            items.push_str(&format!("<li>and {left_out} more, listed in the JSON report</li>\n"));
        }
        if !routes.is_empty() {
            page.push_str(&format!("<h3>{title}</h3>\n<ul>\n{items}</ul>\n"));
        }
    }
}

fn restarts(page: &mut String, incident: &Incident) {
    let Some(restarts) = &incident.restarts else { return };
    let codes: Vec<String> = restarts
        .exit_codes
        .iter()
        .map(|(code, n)| format!("{} ({})", text(code), counted(*n, "time", "times")))
        .collect();
    let period = restarts.period_s.map_or(String::new(), |period| format!(", every {} (median)", duration(period)));
    page.push_str(&format!(
        "<h2>Restarts</h2>\n<p>{} of <code>{}</code> on {}{period}; exit code {}. {}.</p>\n",
        counted(restarts.exits, "exit", "exits"),
        text(&restarts.component),
        counted(restarts.instances, "instance", "instances"),
        list(&codes),
        text(restarts.text.trim_end_matches('.'))
    ));
}

fn ruled_out(page: &mut String, incident: &Incident) {
    if incident.ruled_out.is_empty() {
        return;
    }
    page.push_str("<h2>Checked and ruled out</h2>\n");
    for one in &incident.ruled_out {
        page.push_str(&format!(
            "<details>\n<summary>{} <small>{}</small></summary>\n",
            layer(one.layer),
            text(&one.text)
        ));
        if one.evidence.is_empty() {
            page.push_str("<p>By absence: no entry speaks against it.</p>\n");
        }
        for evidence in &one.evidence {
            quote(page, evidence);
        }
        page.push_str("</details>\n");
    }
}

fn changes(page: &mut String, incident: &Incident) {
    let changes = &incident.changes;
    if changes.is_empty() {
        return;
    }
    page.push_str("<h2>Changes near the onset</h2>\n");
    table_head(page, &[("Time", "t"), ("Change", ""), ("Resource", ""), ("Verdict", "t"), ("Why", "")]);
    for change in changes {
        row(
            page,
            &[
                ("Time", "t", clock(change.at, incident.start)),
                ("Change", "", cell(short_method(&change.what))),
                ("Resource", "", cell(&change.resource)),
                ("Verdict", "t", cell(&change.verdict)),
                ("Why", "", cell(&change.text)),
            ],
        );
    }
    page.push_str("</tbody></table>\n");
}

fn actions(page: &mut String, incident: &Incident) {
    let actions = wording::actions(incident);
    if actions.is_empty() {
        return;
    }
    page.push_str("<h2>Actions</h2>\n<p class=\"soft\">Proposed by the catalogue; none was carried out.</p>\n");
    for (tier, title) in TIERS {
        let items: String = actions
            .iter()
            .filter(|action| action.priority == tier)
            .map(|action| format!("<li>{}</li>\n", action_text(action, "")))
            .collect();
        if !items.is_empty() {
            page.push_str(&format!("<h3>{title}</h3>\n<ul>\n{items}</ul>\n"));
        }
    }
}

fn action_text(action: &Action, before: &str) -> String {
    let command =
        action.command.as_ref().map_or(String::new(), |command| format!("<pre><code>{}</code></pre>", text(command)));
    format!("<p>{before}<strong>{}</strong>: {}</p>{command}", text(&action.owner), text(&action.text))
}

fn earlier(page: &mut String, incident: &Incident, report: &Report) {
    let words = match (&incident.regression, report.earlier_known) {
        (Some(regression), _) => text(&regression.text),
        (None, Some(known)) => {
            format!("Never seen here: {} compared.", counted(known, "earlier incident", "earlier incidents"))
        }
        (None, None) => return,
    };
    page.push_str(&format!("<h2>Earlier incidents</h2>\n<p>{words}</p>\n"));
}

fn gaps(page: &mut String, report: &Report) {
    if report.gaps.is_empty() {
        return;
    }
    page.push_str("<h2>Open questions</h2>\n<ul>\n");
    for gap in &report.gaps {
        let command =
            gap.command.as_ref().map_or(String::new(), |command| format!("<pre><code>{}</code></pre>", text(command)));
        page.push_str(&format!("<li>{}{command}</li>\n", text(&gap.text)));
    }
    page.push_str("</ul>\n");
}

fn coverage(page: &mut String, report: &Report) {
    let coverage = &report.coverage;
    let ledger = &coverage.ledger;
    page.push_str("<h2>Coverage</h2>\n");
    let strays = if ledger.strays > 0 { format!(" + {} strays", count(ledger.strays)) } else { String::new() };
    page.push_str(&format!(
        "<p>{} = {} matched + {} mined + {} benign + {} unreadable + {} duplicates + {} outside{strays}</p>\n",
        counted(coverage.entries, "entry", "entries"),
        count(ledger.matched),
        count(ledger.mined),
        count(ledger.benign),
        count(ledger.unreadable),
        count(ledger.duplicates),
        count(ledger.outside)
    ));
    table_head(page, &[("Source", ""), ("Format", ""), ("Entries", "n"), ("Size", "n"), ("Digest", "")]);
    for source in &coverage.sources {
        let error = source.error.as_ref().map_or(String::new(), |error| format!(" <strong>{}</strong>", text(error)));
        row(
            page,
            &[
                ("Source", "", format!("<span>{}{error}</span>", cell(&source.name))),
                ("Format", "", cell(&source.format)),
                ("Entries", "n", count(source.entries)),
                ("Size", "n", bytes(source.bytes)),
                ("Digest", "", format!("<code>{}</code>", cell(&source.digest))),
            ],
        );
    }
    page.push_str("</tbody></table>\n<ul>\n");
    for warning in &coverage.warnings {
        page.push_str(&format!("<li>{}</li>\n", text(&warning.text)));
    }
    for range in coverage.malformed.iter().take(MAX_LISTED) {
        page.push_str(&format!(
            "<li>{}: {} lost at byte {}: {}</li>\n",
            text(&range.source),
            counted(range.len, "byte", "bytes"),
            range.offset,
            text(&range.reason)
        ));
    }
    for noise in report.noise.iter().take(MAX_LISTED) {
        page.push_str(&format!(
            "<li>Noise: {} of <code>{}</code> at {}: {}</li>\n",
            counted(noise.count, "entry", "entries"),
            text(&noise.title),
            text(&noise.component),
            text(&noise.reason)
        ));
    }
    page.push_str("</ul>\n");
}

fn patterns(page: &mut String, report: &Report) {
    if report.patterns.is_empty() {
        return;
    }
    let shown = report.patterns.iter().take(MAX_PATTERNS);
    page.push_str(&format!(
        "<details>\n<summary>Every failing pattern <small>{}</small></summary>\n",
        report.patterns.len()
    ));
    table_head(
        page,
        &[("Pattern", ""), ("Component", ""), ("Layer", "t"), ("Entries", "n"), ("First", "t"), ("Last", "t")],
    );
    for pattern in shown {
        row(
            page,
            &[
                ("Pattern", "", cell(&pattern.title)),
                ("Component", "", cell(&pattern.component)),
                ("Layer", "t", layer(pattern.layer).to_owned()),
                ("Entries", "n", count(pattern.count)),
                ("First", "t", pattern.first.clock()),
                ("Last", "t", pattern.last.clock()),
            ],
        );
    }
    page.push_str("</tbody></table>\n");
    if report.patterns.len() > MAX_PATTERNS {
        page.push_str(&format!("<p>and {} more in the JSON report</p>\n", report.patterns.len() - MAX_PATTERNS));
    }
    page.push_str("</details>\n");
}

fn people(page: &mut String) {
    page.push_str(
        "<h2>Needs a person</h2>\n<ul>\n<li>Detection: how, when and by whom it was noticed.</li>\n<li>Lessons: what went well, what \
         went badly, where luck helped.</li>\n<li>Customer communication: who was told what, and when.</li>\n</ul>\n",
    );
}

fn table_head(page: &mut String, columns: &[(&str, &str)]) {
    let cells: String = columns.iter().map(|(name, class)| format!("<th class=\"{class}\">{name}</th>")).collect();
    page.push_str(&format!("<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n"));
}

/// A row of (column, class, HTML). On a phone the column's name stands beside the value.
fn row(page: &mut String, cells: &[(&str, &str, String)]) {
    page.push_str("<tr>");
    for (name, class, html) in cells {
        page.push_str(&format!("<td class=\"{class}\" data-name=\"{name}\"><span>{html}</span></td>"));
    }
    page.push_str("</tr>\n");
}
