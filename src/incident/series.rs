//! Series: one pattern on one component, known or mined alike.

use crate::entry::{Component, ComponentKind, Severity};
use crate::pattern::signature::Signature;
use crate::pattern::{Catalogue, Gravity, Layer, Meaning, Role, mined_layer, wording};
use crate::summary::{Mined, Summary, Tally, stable_hash};

/// One failing pattern on one component.
#[derive(Clone, Debug)]
pub struct Series<'s> {
    /// The same in every run; events of instances point to them.
    pub ids: Vec<u64>,
    /// What shows it.
    pub component: &'s Component,
    /// Signature id, or `template:` and the template's id.
    pub pattern: String,
    /// The signature's title, or the template.
    pub title: String,
    /// The signature, when one knows it.
    pub signature: Option<&'s Signature>,
    /// What it means.
    pub meaning: Meaning,
    /// What part it can play.
    pub role: Role,
    /// Where in the stack it lies.
    pub layer: Layer,
    /// False for mined warnings and for what clients got wrong: context, never an incident of their own.
    pub grave: bool,
    /// How grave it is.
    pub gravity: Gravity,
    /// Its account.
    pub tally: &'s Tally,
}

/// All series of a summary, in the order of component and pattern.
pub fn series<'s>(summary: &'s Summary, mined: &'s Mined, catalogue: &'s Catalogue) -> Vec<Series<'s>> {
    let known = summary.known.iter().filter_map(|(key, tally)| {
        let signature = catalogue.get(&key.1)?;
        Some(Series {
            ids: vec![stable_hash(key)],
            component: &key.0,
            pattern: signature.id.clone(),
            title: signature.title.clone(),
            signature: Some(signature),
            meaning: signature.meaning,
            role: signature.role,
            layer: signature.layer,
            grave: gravity_of(signature, tally) == Gravity::Grave,
            gravity: gravity_of(signature, tally),
            tally,
        })
    });
    let mined = mined.templates.iter().map(|found| {
        let (component, gravity) = &found.scope;
        Series {
            ids: found.value.keys.iter().map(|(id, _)| *id).collect(),
            component,
            pattern: format!("template:{}", found.id),
            title: found.text.clone(),
            signature: None,
            meaning: wording::meaning_of(text_of(&found.value).unwrap_or(&found.text)),
            role: if component.kind == ComponentKind::LoadBalancer || *gravity == Gravity::Client {
                Role::Effect
            } else {
                Role::Either
            },
            layer: if *gravity == Gravity::Client { Layer::Client } else { mined_layer(component) },
            grave: *gravity == Gravity::Grave,
            gravity: *gravity,
            tally: &found.value,
        }
    });
    known.chain(mined).collect()
}

/// What an entry of a mined pattern says; its template has lost the names and numbers that reading needs.
fn text_of(tally: &Tally) -> Option<&str> {
    tally.exemplars.first().map(|exemplar| exemplar.message.as_str()).filter(|message| !message.is_empty())
}

/// How grave a known pattern is: warnings that need not be a cause stay warnings.
fn gravity_of(signature: &Signature, tally: &Tally) -> Gravity {
    let warns = tally.worst_severity() == Some(Severity::Warning);
    match signature.role {
        _ if signature.layer == Layer::Client => Gravity::Client,
        Role::Either if warns && signature.layer == Layer::Application => Gravity::Warning,
        _ => Gravity::Grave,
    }
}
