//! What an analysis needs to read, as one command: a part of the logs of some services, or what an export lacks.

use super::command::{self, Filter, Value};
use crate::time::Timestamp;

/// Entries that one call of the API returns at most. Source: entries.list, `pageSize`.
const PAGE: u64 = 1000;

/// Calls of the API that a project has in a minute. Source: quotas of Cloud Logging, read requests.
const READS_PER_MINUTE: u64 = 60;

/// A part of the logs that tells something about a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPart {
    /// Everything that names the service: its own log, its requests, its revisions.
    Service,
    /// Requests that it answered.
    Requests,
    /// What the platform says of it: exits, probes, kills.
    Platform,
    /// Changes of anything in the project.
    Audit,
    /// The databases of the project.
    Sql,
    /// Events of Kubernetes, warnings.
    Gke,
    /// The load balancer, requests that did not go well.
    LoadBalancer,
}

impl LogPart {
    /// Every part.
    pub const ALL: [LogPart; 7] = [
        LogPart::Service,
        LogPart::Requests,
        LogPart::Platform,
        LogPart::Audit,
        LogPart::Sql,
        LogPart::Gke,
        LogPart::LoadBalancer,
    ];

    /// Its entries; `names` selects those of the services, where a part has entries of services.
    fn filter(self, names: &Filter) -> Filter {
        let of_services = |filter: Filter| filter.and(Some(names.clone()));
        match self {
            LogPart::Service => names.clone(),
            LogPart::Requests => of_services(Filter::logs(&["run.googleapis.com/requests"])),
            LogPart::Platform => of_services(Filter::logs(&["run.googleapis.com/varlog/system"])),
            LogPart::Audit => {
                Filter::logs(&["cloudaudit.googleapis.com/activity", "cloudaudit.googleapis.com/system_event"])
            }
            LogPart::Sql => Filter::new("resource.type=\"cloudsql_database\""),
            LogPart::Gke => Filter::new("(log_id(\"events\") AND severity>=WARNING)"),
            LogPart::LoadBalancer => Filter::new("(resource.type=\"http_load_balancer\" AND severity>=WARNING)"),
        }
    }
}

/// Entries to export.
#[derive(Clone, Debug)]
pub struct Export {
    filter: Filter,
    /// Without one, the newest entries come first.
    since: Option<Timestamp>,
    until: Timestamp,
    project: Option<String>,
    limit: Option<u64>,
}

impl Export {
    /// The parts of the logs of these services from a time to another.
    ///
    /// # Errors
    /// With the name of a service or project that cannot stand in a command.
    pub fn of_services(
        services: &[String],
        parts: &[LogPart],
        (since, until): (Timestamp, Timestamp),
        project: Option<&str>,
    ) -> Result<Export, String> {
        let names: Vec<Value<'_>> =
            services.iter().map(|name| Value::new(name).ok_or_else(|| name.clone())).collect::<Result<_, _>>()?;
        let names = Filter::any_of(&names);
        // What names the service includes its requests and what the platform says of it.
        let has_all = parts.contains(&LogPart::Service);
        let wanted = parts.iter().filter(|part| !has_all || !matches!(part, LogPart::Requests | LogPart::Platform));
        let filter = wanted.fold(None, |all, part| Filter::either(all, Some(part.filter(&names)))).unwrap_or(names);
        if let Some(project) = project {
            command::word(project).ok_or(project)?;
        }
        Ok(Export { project: project.map(str::to_owned), ..Export::new(filter, since, until) })
    }

    /// What a filter selects from a time to another.
    pub(super) fn new(filter: Filter, since: Timestamp, until: Timestamp) -> Export {
        Export { filter, since: Some(since), until, project: None, limit: None }
    }

    /// The last entries up to a time that a filter selects.
    pub(super) fn last(filter: Filter, until: Timestamp, limit: u64) -> Export {
        Export { filter, since: None, until, project: None, limit: Some(limit) }
    }

    /// The same, and no more entries than this.
    #[must_use]
    pub fn at_most(self, limit: u64) -> Export {
        Export { limit: Some(limit), ..self }
    }

    /// The same in a project, when its name may stand in a command.
    pub(super) fn in_project(self, project: Option<&str>) -> Export {
        Export { project: project.and_then(command::word).map(str::to_owned), ..self }
    }

    /// The command, which writes into a file in the working folder.
    pub fn command(&self, file: &'static str) -> String {
        let from = |since: Timestamp| self.filter.clone().and_timestamp(">=", since);
        let filter = self.since.map_or_else(|| self.filter.clone(), from).and_timestamp("<=", self.until);
        let mut options: Vec<String> = self.project.iter().map(|project| format!("--project {project}")).collect();
        options.extend(self.limit.map(|limit| format!("--limit={limit}")));
        let order = if self.since.is_some() { "asc" } else { "desc" };
        options.push(format!("--order={order} --format=json > {file}"));
        filter.read(&options.join(" "))
    }

    /// What it costs at most, in words; `None` without a limit.
    pub fn cost(&self) -> Option<String> {
        let reads = self.limit?.div_ceil(PAGE);
        let minutes = reads.div_ceil(READS_PER_MINUTE);
        Some(format!(
            "at most {reads} reads of {PAGE} entries; a project has {READS_PER_MINUTE} a minute, so up to {minutes} min"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(services: &[&str], parts: &[LogPart]) -> Result<String, String> {
        let services: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
        let times = (Timestamp(0), Timestamp(crate::time::SECOND));
        Export::of_services(&services, parts, times, Some("acme")).map(|export| export.at_most(5000).command("x.json"))
    }

    #[test]
    fn one_filter_holds_all_that_was_asked_for() {
        assert_eq!(
            command(&["checkout"], &[LogPart::Requests, LogPart::Sql]).as_deref(),
            Ok(
                "gcloud logging read '((log_id(\"run.googleapis.com/requests\") AND \"checkout\") OR resource.type=\"cloudsql_database\") AND timestamp>=\"1970-01-01T00:00:00Z\" AND timestamp<=\"1970-01-01T00:00:01Z\"' --project acme --limit=5000 --order=asc --format=json > x.json"
            )
        );
        let all = command(&["a", "b"], &LogPart::ALL).expect("harmless names");
        assert!(all.contains("(\"a\" OR \"b\") OR (log_id(\"cloudaudit") && !all.contains("requests"), "{all}");
    }

    #[test]
    fn a_name_that_could_act_is_refused() {
        assert_eq!(command(&["a'; touch F; '"], &LogPart::ALL), Err("a'; touch F; '".to_owned()));
        let times = (Timestamp(0), Timestamp(1));
        assert_eq!(Export::of_services(&[], &[], times, Some("$(id)")).map(drop), Err("$(id)".to_owned()));
    }
}
