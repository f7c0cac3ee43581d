//! Fields of a JSON payload by their paths, without a text of its own for each path.

use super::Text;

/// Fields of a payload in the order of the record; the last of two equal paths wins.
#[derive(Clone, Debug, Default)]
pub struct Fields<'b> {
    fields: Vec<PayloadField<'b>>,
    /// Paths of the objects that hold fields, each with a dot at its end: one text for all the fields of an object.
    objects: Vec<String>,
}

#[derive(Clone, Debug)]
struct PayloadField<'b> {
    /// Number of its object, from 1; 0 for the payload itself.
    object: usize,
    key: Text<'b>,
    value: Text<'b>,
}

/// Where a field stands: `error.message` is the key `message` in the object `error.`.
#[derive(Clone, Copy, Debug)]
pub struct Path<'f> {
    /// Path of the object, with a dot at its end; empty for the payload itself.
    pub object: &'f str,
    /// Key in the object.
    pub key: &'f str,
}

impl<'b> Fields<'b> {
    /// The value at `path`, if it is there and not empty.
    pub fn get(&self, path: &str) -> Option<&str> {
        let field = self.fields.iter().rev().find(|field| self.path(field).is(path))?;
        Some(field.value.as_ref()).filter(|value| !value.is_empty())
    }

    /// Paths and values.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Path<'_>, &Text<'b>)> {
        self.fields.iter().map(|field| (self.path(field), &field.value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Adds a field of an object, whose path ends with a dot or is empty.
    pub fn push(&mut self, object: &str, key: Text<'b>, value: Text<'b>) {
        if self.fields.is_empty() {
            // Eight are usual: one allocation.
            self.fields.reserve(8);
        }
        // The fields of an object mostly come one after another.
        if !object.is_empty() && self.objects.last().is_none_or(|last| last != object) {
            self.objects.push(object.to_owned());
        }
        let object = if object.is_empty() { 0 } else { self.objects.len() };
        self.fields.push(PayloadField { object, key, value });
    }

    /// Every text that it is made of, to be cut.
    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = &mut Text<'b>> {
        self.fields.iter_mut().flat_map(|field| [&mut field.key, &mut field.value])
    }

    /// The paths of objects, to be cut.
    pub(super) fn objects_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.objects.iter_mut()
    }

    fn path<'f>(&'f self, field: &'f PayloadField<'b>) -> Path<'f> {
        let object = field.object.checked_sub(1).map_or("", |object| self.objects[object].as_str());
        Path { object, key: &field.key }
    }
}

impl<'b> FromIterator<(&'b str, &'b str)> for Fields<'b> {
    /// Fields of the payload itself.
    fn from_iter<F: IntoIterator<Item = (&'b str, &'b str)>>(pairs: F) -> Fields<'b> {
        let mut fields = Fields::default();
        pairs.into_iter().for_each(|(key, value)| fields.push("", key.into(), value.into()));
        fields
    }
}

impl<'f> Path<'f> {
    /// True for the path that is written so.
    pub fn is(&self, path: &str) -> bool {
        path.strip_prefix(self.object).is_some_and(|key| key == self.key)
    }

    /// The last segment: keys can have dots too.
    pub fn last(&self) -> &'f str {
        memchr::memrchr(b'.', self.key.as_bytes()).map_or(self.key, |at| &self.key[at + 1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_path_however_it_is_split() {
        let mut fields = Fields::default();
        fields.push("", "log.level".into(), "info".into());
        fields.push("error.", "message".into(), "first".into());
        fields.push("http.", "status".into(), "".into());
        fields.push("error.", "message".into(), "last".into());
        for (path, value) in [
            ("log.level", Some("info")),
            ("error.message", Some("last")),
            ("http.status", None),
            ("message", None),
            ("error.", None),
            ("level", None),
        ] {
            assert_eq!(fields.get(path), value, "{path}");
        }
        let lasts: Vec<&str> = fields.iter().map(|(path, _)| path.last()).collect();
        assert_eq!(lasts, ["level", "message", "status", "message"]);
    }
}
