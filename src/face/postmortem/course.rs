//! What is told of one incident: trigger, resolution, actions, timeline, lessons.

use super::super::document::{Block, Text};
use super::super::screen::first_action;
use crate::report::wording::{self, TIERS, clock, count, counted, duration, last_known};
use crate::report::{Action, Event, Part, Status, Tier};

use super::section::{PERSON, ROWS, Section, capitalised};

impl<'r> Section<'_, 'r> {
    pub(super) fn trigger(&mut self) {
        self.heading("Trigger");
        let trigger = self.incident.causes.first().and_then(|cause| cause.trigger.as_ref());
        let Some(trigger) = trigger else {
            let text = if self.incident.changes.is_empty() {
                "No change near the onset is in this export."
            } else {
                "No failure leads back to one of the changes near the onset."
            };
            return self.prose(text.into());
        };
        let lead = self.incident.start.seconds_since(trigger.at);
        let side = if lead < 0.0 { "after" } else { "before" };
        let lead = duration(lead.abs());
        let cited = self.cite([&trigger.evidence]);
        self.prose(
            Text::from(format!("{}: {} on ", clock(trigger.at, self.incident.start), trigger.title))
                .code(trigger.resource.clone())
                .by(trigger.actor.as_ref())
                .plain(format!(", {lead} {side} the onset{cited}.")),
        );
    }

    pub(super) fn resolution(&mut self) {
        self.heading("Resolution");
        let text = match self.incident.status {
            Status::Ongoing => "Not resolved: failures were seen up to the end of the export.".to_owned(),
            Status::Resolved => format!(
                "Failures stopped at {}, and work went well after that. {PERSON} what ended it.",
                last_known(self.incident, &self.report.coverage).date_clock()
            ),
            Status::Unknown => "Unknown: the export does not show work going well after the last failure.".to_owned(),
        };
        self.prose(text.into());
        match (&self.incident.regression, self.report.earlier_known) {
            (Some(regression), _) => self.prose(Text::from("Seen before: ").plain(regression.text.clone())),
            (None, Some(n)) => {
                self.prose(
                    format!("Never seen before, in {}.", counted(n, "earlier incident", "earlier incidents")).into(),
                );
            }
            (None, None) => {}
        }
    }

    pub(super) fn detection(&mut self) {
        self.heading("Detection");
        let start = self.incident.start.date_clock();
        self.prose(format!("First failing entry: {start}. {PERSON} how, when and by whom it was noticed.").into());
    }

    pub(super) fn action_items(&mut self) {
        self.heading("Action items");
        let actions = wording::actions(self.incident);
        if actions.is_empty() {
            return self.prose("None proposed: the cause is no known signature.".into());
        }
        let kind = |tier: Tier| match tier {
            Tier::Now => "mitigate",
            Tier::Next => "investigate",
            Tier::Later => "prevent",
        };
        let rows = actions.iter().map(|action| {
            let text = Text::from(action.text.clone());
            let text = if action.destructive { text.strong(" Destructive.") } else { text };
            vec![text, kind(action.priority).into(), action.owner.clone().into(), "".into()]
        });
        self.out.push(Block::Table { head: vec!["Action", "Type", "Owner", "Ticket"], rows: rows.collect() });
        let first = self.incident.causes.first().and_then(first_action);
        let mut ordered: Vec<&Action> = first.into_iter().collect();
        for (tier, _) in TIERS {
            let others = actions.iter().copied().filter(|action| action.priority == tier);
            ordered.extend(others.filter(|action| first.is_none_or(|first| !std::ptr::eq(first, *action))));
        }
        self.out.extend(ordered.into_iter().filter_map(|action| action.command.clone()).map(Block::Command));
    }

    pub(super) fn timeline(&mut self) {
        self.heading("Timeline");
        let mut rows = Vec::new();
        for moment in &self.incident.moments {
            let cited = self.cite(&moment.evidence);
            let text = match moment.kind {
                Event::Onset => Text::new().strong("Onset: "),
                Event::Change => Text::new().strong("Change: "),
                Event::Recovery => Text::new().strong("Recovery: "),
                Event::LastFailure | Event::Before | Event::Symptom => Text::new(),
            };
            let links = self.incident.chain.iter().filter(|link| link.first_seen == moment.at);
            let link =
                links.clone().find(|link| moment.text.contains(&link.title)).filter(|_| moment.kind != Event::Change);
            let text = match link {
                Some(link) => text
                    .code(link.component.clone())
                    .plain(": ")
                    .plain(link.title.clone())
                    .plain(format!(", ×{}", count(link.count))),
                None => text.plain(capitalised(&moment.text)),
            };
            rows.push(vec![clock(moment.at, self.incident.start).into(), text.plain(cited)]);
        }
        self.out.push(Block::Table { head: vec!["Time", "What happened"], rows });
    }

    pub(super) fn lessons(&mut self) {
        self.heading("Lessons");
        let items = ["What went well", "What went badly", "Where we were lucky"];
        let items = items.map(|item| Text::new().strong(item).plain(": ").plain("to be filled in by a person"));
        self.out.push(Block::List(items.to_vec()));
    }

    /// Changes that have nothing to do with it.
    pub(super) fn changes(&mut self) {
        let others =
            self.incident.changes.iter().filter(|change| change.part != Part::Trigger && change.before_onset_s >= 0.0);
        let items: Vec<Text> = others
            .take(ROWS)
            .map(|change| {
                Text::from(format!("{} {} on ", clock(change.at, self.incident.start), change.title))
                    .code(change.resource.clone())
                    .plain(format!(": {}", change.text))
            })
            .collect();
        if !items.is_empty() {
            self.out
                .push(Block::Fold { title: "Other changes before the onset".into(), blocks: vec![Block::List(items)] });
        }
    }
}
