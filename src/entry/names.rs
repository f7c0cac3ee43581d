//! Names of hostile length are cut, so that what is kept by name stays small.

use std::borrow::Cow;

use super::{Entry, Labels, Text};

/// Bytes of the longest name: of a label's value, a log, an instance, a resource. Kubernetes allows 253, Cloud Logging 512 for
/// the id of a log; a URL is longer only in its query.
pub(super) const NAME_BYTES: usize = 1024;

/// A record that is shorter cannot hold a name worth cutting.
pub const LONG_RECORD: usize = 2048;

impl Entry<'_> {
    /// Cuts everything but the message to the length of a name. For entries of records beyond [`LONG_RECORD`].
    pub fn cut_names(&mut self) {
        let own = [&mut self.insert_id, &mut self.log_name, &mut self.trace, &mut self.span_id, &mut self.operation_id];
        own.into_iter().for_each(cut);
        cut(&mut self.resource.kind);
        [&mut self.resource.labels, &mut self.labels].into_iter().for_each(cut_labels);
        self.fields.texts_mut().for_each(cut);
        self.fields.objects_mut().for_each(cut_text);
        if let Some(http) = &mut self.http {
            [&mut http.method, &mut http.url, &mut http.user_agent, &mut http.remote_ip, &mut http.protocol]
                .into_iter()
                .for_each(cut);
        }
        if let Some(split) = &mut self.split {
            cut(&mut split.uid);
        }
        if let Some(audit) = &mut self.audit {
            [&mut audit.service, &mut audit.method, &mut audit.resource_name, &mut audit.principal]
                .into_iter()
                .for_each(cut);
            cut(&mut audit.user_agent);
            cut_labels(&mut audit.details);
        }
        if let Some(event) = &mut self.kube_event {
            let names = [&mut event.kind, &mut event.reason, &mut event.object_kind, &mut event.object_name];
            names.into_iter().for_each(cut);
            cut(&mut event.namespace);
        }
    }
}

fn cut_labels(labels: &mut Labels<'_>) {
    for (key, value) in &mut labels.0 {
        cut(key);
        cut(value);
    }
}

fn cut(name: &mut Text<'_>) {
    if name.len() <= NAME_BYTES {
        return;
    }
    match name {
        Cow::Borrowed(text) => *text = &text[..text.floor_char_boundary(NAME_BYTES)],
        Cow::Owned(text) => cut_text(text),
    }
}

fn cut_text(text: &mut String) {
    text.truncate(text.floor_char_boundary(NAME_BYTES));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters_and_a_message_is_not() {
        let long = "é".repeat(2000);
        let mut entry = Entry {
            insert_id: "a".into(),
            log_name: long.as_str().into(),
            message: long.as_str().into(),
            labels: Labels(vec![("k".into(), long.clone().into())]),
            ..Entry::default()
        };
        entry.cut_names();
        assert_eq!((entry.insert_id.as_ref(), entry.log_name.len(), entry.message.len()), ("a", NAME_BYTES, 4000));
        assert_eq!(entry.labels.get("k").map(str::len), Some(NAME_BYTES));
    }
}
