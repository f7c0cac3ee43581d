//! The entries that a document cites, numbered `E1`, `E2`, … in the order of their first citation.

use std::collections::BTreeMap;

use crate::report::Evidence;

/// Entries cited so far.
#[derive(Default)]
pub(super) struct Exhibits<'r> {
    numbers: BTreeMap<(&'r str, u64, &'r str), usize>,
    entries: Vec<&'r Evidence>,
}

impl<'r> Exhibits<'r> {
    /// The number of an entry, a new one when it was not cited before.
    pub(super) fn number(&mut self, evidence: &'r Evidence) -> usize {
        let key = (evidence.source.as_str(), evidence.offset, evidence.insert_id.as_str());
        let entries = &mut self.entries;
        *self.numbers.entry(key).or_insert_with(|| {
            entries.push(evidence);
            entries.len()
        })
    }

    /// `E1, E2`.
    pub(super) fn cite(&mut self, evidence: impl IntoIterator<Item = &'r Evidence>) -> String {
        let names: Vec<String> = evidence.into_iter().map(|entry| format!("E{}", self.number(entry))).collect();
        names.join(", ")
    }

    /// The entries with their numbers.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &'r Evidence)> {
        self.entries.iter().enumerate().map(|(i, entry)| (i + 1, *entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn entry(insert_id: &str, offset: u64) -> Evidence {
        Evidence {
            insert_id: insert_id.into(),
            timestamp: Some(Timestamp::default()),
            effect_time: Timestamp::default(),
            log_name: "projects/p/logs/l".into(),
            severity: "ERROR".into(),
            component: "checkout".into(),
            source: "a.json".into(),
            offset,
            message: "m".into(),
            link: None,
        }
    }

    #[test]
    fn an_entry_keeps_its_number() {
        let (a, b) = (entry("a", 1), entry("b", 2));
        let mut exhibits = Exhibits::default();
        assert_eq!(exhibits.cite([&a, &b, &a]), "E1, E2, E1");
        assert_eq!(exhibits.all().count(), 2);
    }
}
