//! Every test from outside as one program, so that the library is linked once: `cargo test --test it stories` runs one module.

mod algebra;
mod binary;
mod bounds;
#[cfg(unix)]
mod cloud_run;
mod command;
mod commands_more;
mod contract;
mod dependencies;
mod founding;
mod grammar;
mod guarantees;
#[cfg(unix)]
mod guide;
mod hostile;
mod invariances;
mod libraries;
mod merge;
mod outside;
mod rca;
mod reading;
mod referee;
mod refusals;
mod refused;
mod report_audit;
mod report_browser;
mod report_escape;
mod report_example;
mod report_faces;
mod report_history;
mod report_profile;
mod report_redact;
mod report_verify;
mod screens;
mod secrets;
#[cfg(unix)]
mod shell;
mod shortcuts;
mod show;
mod steps;
mod stories;
mod templates;
#[cfg(unix)]
mod watch;
