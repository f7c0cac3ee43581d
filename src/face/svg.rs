//! Charts of the HTML report: bars in SVG that stretch to any width, marks and axes in HTML that stay readable.

use super::escape::html;
use crate::report::Slot;
use crate::report::wording::{LAYERS, clock, count, duration, failures, layer, percent};
use crate::time::Timestamp;

/// Bars at most; neighbours are joined beyond. One bar needs three pixels on a phone.
const MAX_BARS: usize = 120;
/// Height of a chart in its own units; the width is one unit per bar.
const HEIGHT: f64 = 100.0;

/// Share of a chart's width that the name of a mark takes on a phone.
const NAME_WIDTH: f64 = 0.07;

/// A moment to mark: its place, a short name, and whether it is the onset.
pub(super) struct Mark {
    /// When.
    pub(super) at: Timestamp,
    /// Its number in the list of moments.
    pub(super) name: String,
    /// Class that sets it apart: `onset` or nothing.
    pub(super) class: &'static str,
}

/// Failing entries over time, stacked by layer, with marks. Empty without slots.
pub(super) fn failures_chart(slots: &[Slot], marks: &[Mark]) -> String {
    let slots = join(slots);
    let Some(peak) = slots.iter().map(failures).max() else { return String::new() };
    let bars: String = slots.iter().enumerate().map(|(i, slot)| stacked_bar(i, slot, peak)).collect();
    let width = duration(slots[0].width_s);
    let caption = format!("<span>Failing entries per {width}</span><span>peak {}</span>", count(peak));
    figure(&caption, "tall", &slots, &bars, marks, "Failing entries over time by layer") + &legend(&slots)
}

/// Share of failed requests over time. Empty when no slot knows of requests.
pub(super) fn requests_chart(slots: &[Slot], marks: &[Mark]) -> String {
    let slots = join(slots);
    if slots.iter().all(|slot| requests(slot).0 == 0) {
        return String::new();
    }
    let bars: String = slots.iter().enumerate().map(|(i, slot)| share_bar(i, slot)).collect();
    let caption = "<span>Share of requests that failed</span><span>0 to 100 %</span>";
    figure(caption, "low", &slots, &bars, marks, "Share of failed requests over time")
}

fn figure(caption: &str, class: &str, slots: &[Slot], bars: &str, marks: &[Mark], title: &str) -> String {
    let (start, end) = bounds(slots);
    let marks = place(marks, start, end);
    format!(
        "<figure><figcaption>{caption}</figcaption><div class=\"plot {class}\"><svg role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {} \
         {HEIGHT}\" preserveAspectRatio=\"none\">{bars}</svg>{marks}</div>{}</figure>\n",
        slots.len(),
        axis(start, end)
    )
}

fn stacked_bar(i: usize, slot: &Slot, peak: u64) -> String {
    let mut out = String::new();
    let mut top = HEIGHT;
    for layer_name in LAYERS.map(layer) {
        let n = slot.counts.get(layer_name).copied().unwrap_or(0);
        if n == 0 {
            continue;
        }
        let height = n as f64 / peak.max(1) as f64 * HEIGHT;
        top -= height;
        out.push_str(&format!(
            "<rect class=\"{layer_name}\" x=\"{:.2}\" y=\"{top:.2}\" width=\"0.84\" height=\"{height:.2}\"><title>{} UTC {layer_name}: \
             {}</title></rect>",
            i as f64 + 0.08,
            slot.start.clock(),
            count(n)
        ));
    }
    out
}

fn share_bar(i: usize, slot: &Slot) -> String {
    let (all, failed) = requests(slot);
    if failed == 0 {
        return String::new();
    }
    let share = (failed as f64 / all.max(failed) as f64).min(1.0);
    let height = share * HEIGHT;
    format!(
        "<rect class=\"failed\" x=\"{:.2}\" y=\"{:.2}\" width=\"0.84\" height=\"{height:.2}\"><title>{} UTC: {} of {} requests failed \
         ({})</title></rect>",
        i as f64 + 0.08,
        HEIGHT - height,
        slot.start.clock(),
        count(failed),
        count(all),
        percent(share)
    )
}

fn requests(slot: &Slot) -> (u64, u64) {
    let value = |name: &str| slot.counts.get(name).copied().unwrap_or(0);
    (value("requests"), value("request_failures"))
}

/// The marks inside the chart. Where some stand so close that their names would overlap, the first one is named for all.
fn place(marks: &[Mark], start: Timestamp, end: Timestamp) -> String {
    let share = |mark: &Mark| mark.at.seconds_since(start) / end.seconds_since(start);
    let inside = marks.iter().map(|mark| (share(mark), mark)).filter(|(at, _)| (0.0..=1.0).contains(at)); // no NaN, either
    let mut groups: Vec<Vec<(f64, &Mark)>> = Vec::new();
    for (at, mark) in inside {
        match groups.last_mut() {
            Some(group) if at - group[0].0 < NAME_WIDTH => group.push((at, mark)),
            _ => groups.push(vec![(at, mark)]),
        }
    }
    groups
        .iter()
        .flat_map(|group| {
            group.iter().enumerate().map(|(i, (at, mark))| line(mark, *at, if i == 0 { group } else { &[] }))
        })
        .collect()
}

fn line(mark: &Mark, at: f64, named: &[(f64, &Mark)]) -> String {
    let name = match named {
        [] => String::new(),
        [(_, only)] => format!("<b>{}</b>", html(&only.name)),
        [(_, first), .., (_, last)] => format!("<b>{}–{}</b>", html(&first.name), html(&last.name)),
    };
    format!("<span class=\"mark {}\" style=\"left:{:.2}%\">{name}</span>", mark.class, at * 100.0)
}

fn axis(start: Timestamp, end: Timestamp) -> String {
    let middle = start.plus(end.since(start) / 2);
    format!(
        "<div class=\"axis\"><span>{}</span><span>{}</span><span>{} UTC</span></div>",
        start.clock(),
        clock(middle, start),
        clock(end, start)
    )
}

fn legend(slots: &[Slot]) -> String {
    let is_seen = |name: &&str| slots.iter().any(|slot| slot.counts.get(*name).is_some_and(|n| *n > 0));
    let items: String = LAYERS
        .map(layer)
        .iter()
        .filter(|name| is_seen(name))
        .map(|name| format!("<li><i class=\"{name}\"></i>{name}</li>"))
        .collect();
    format!("<ul class=\"legend\">{items}</ul>\n")
}

fn bounds(slots: &[Slot]) -> (Timestamp, Timestamp) {
    let start = slots.first().map_or(Timestamp::default(), |slot| slot.start);
    let end = slots.last().map_or(start, |slot| slot.start.plus((slot.width_s * 1e9) as i64));
    (start, end)
}

/// At most [`MAX_BARS`] slots, neighbours added up.
fn join(slots: &[Slot]) -> Vec<Slot> {
    let per_bar = slots.len().div_ceil(MAX_BARS).max(1);
    slots.chunks(per_bar).map(|chunk| chunk.iter().skip(1).fold(chunk[0].clone(), add)).collect()
}

fn add(mut sum: Slot, slot: &Slot) -> Slot {
    for (name, n) in &slot.counts {
        let total = sum.counts.entry(name.clone()).or_default();
        *total = total.saturating_add(*n);
    }
    sum.width_s += slot.width_s;
    sum
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::time::SECOND;

    fn slots(n: i64) -> Vec<Slot> {
        let slot = |i| Slot {
            start: Timestamp(i * SECOND),
            width_s: 1.0,
            counts: BTreeMap::from([("network".into(), 1), ("requests".into(), 4), ("request_failures".into(), 2)]),
        };
        (0..n).map(slot).collect()
    }

    #[test]
    fn long_timelines_become_few_bars_and_no_failure_is_lost() {
        let joined = join(&slots(1000));
        assert!(joined.len() <= MAX_BARS);
        assert_eq!(joined.iter().map(failures).sum::<u64>(), 1000);
    }

    #[test]
    fn a_mark_outside_is_not_drawn() {
        let mark = |second| Mark { at: Timestamp(second * SECOND), name: "1".into(), class: "onset" };
        assert!(failures_chart(&slots(10), &[mark(5)]).contains("left:50.00%"));
        assert!(!failures_chart(&slots(10), &[mark(50)]).contains("left:"));
        assert_eq!(failures_chart(&[], &[mark(5)]), "");
    }

    #[test]
    fn marks_that_stand_close_share_a_name() {
        let mark = |at: i64, name: &str| Mark { at: Timestamp(at * SECOND), name: name.into(), class: "" };
        let chart = failures_chart(&slots(100), &[mark(10, "1"), mark(50, "2"), mark(51, "3"), mark(52, "4")]);
        assert!(chart.contains("<b>1</b>") && chart.contains("<b>2–4</b>") && !chart.contains("<b>3</b>"), "{chart}");
        assert_eq!(chart.matches("class=\"mark").count(), 4);
    }

    #[test]
    fn a_chart_of_requests_needs_requests() {
        assert!(requests_chart(&slots(3), &[]).contains("2 of 4 requests failed (50.0 %)"));
        let bare: Vec<Slot> = slots(3).into_iter().map(|slot| Slot { counts: BTreeMap::new(), ..slot }).collect();
        assert_eq!(requests_chart(&bare, &[]), "");
    }
}
