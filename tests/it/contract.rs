//! A small reader of JSON Schema: whether a report keeps the contract that `firstfault schema` prints.
//!
//! It knows the keywords that our schema uses and refuses all others, so that none is passed over in silence.

use serde_json::{Map, Value};

/// Keywords that say something to people only.
const NOTES: [&str; 5] = ["$schema", "$defs", "title", "description", "default"];

/// A schema of which every keyword is known.
pub(crate) struct Contract(Value);

impl Contract {
    /// Reads a schema.
    ///
    /// # Errors
    /// The places of keywords that are not known or have no meaning as they stand.
    pub(crate) fn new(schema: Value) -> Result<Contract, Vec<String>> {
        let mut faults = Vec::new();
        look_at(&schema, &schema, "#", &mut faults);
        if faults.is_empty() { Ok(Contract(schema)) } else { Err(faults) }
    }

    /// Everything in `value` that breaks the contract, each with its place.
    pub(crate) fn breaches(&self, value: &Value) -> Vec<String> {
        let mut breaches = Vec::new();
        self.compare(&self.0, value, "", &mut breaches);
        breaches
    }

    fn compare(&self, schema: &Value, value: &Value, place: &str, breaches: &mut Vec<String>) {
        for (keyword, asked) in schema.as_object().into_iter().flatten() {
            let kept = match (keyword.as_str(), asked, value) {
                ("$ref", Value::String(name), _) => {
                    self.compare(definition(&self.0, name).unwrap_or(&Value::Null), value, place, breaches);
                    true
                }
                ("type", Value::Array(types), _) => types.iter().any(|name| is_a(value, name)),
                ("type", name, _) => is_a(value, name),
                ("const", asked, _) => value == asked,
                ("format", Value::String(name), Value::Number(_)) => fits(name, value),
                ("minimum", asked, Value::Number(_)) => value.as_f64() >= asked.as_f64(),
                ("anyOf", Value::Array(choices), _) => choices.iter().any(|choice| self.fits(choice, value)),
                ("oneOf", Value::Array(choices), _) => {
                    choices.iter().filter(|choice| self.fits(choice, value)).count() == 1
                }
                ("required", Value::Array(names), Value::Object(fields)) => {
                    names.iter().all(|name| name.as_str().is_some_and(|name| fields.contains_key(name)))
                }
                ("properties", Value::Object(known), Value::Object(fields)) => {
                    for (name, field) in fields {
                        self.compare(
                            known.get(name).unwrap_or(&Value::Null),
                            field,
                            &format!("{place}/{name}"),
                            breaches,
                        );
                    }
                    true
                }
                ("additionalProperties", rest, Value::Object(fields)) => {
                    let known = |name: &String| schema["properties"].get(name).is_some();
                    for (name, field) in fields.iter().filter(|(name, _)| !known(name)) {
                        self.compare(rest, field, &format!("{place}/{name}"), breaches);
                    }
                    true
                }
                ("prefixItems", Value::Array(first), Value::Array(items)) => {
                    for (i, (item, schema)) in items.iter().zip(first).enumerate() {
                        self.compare(schema, item, &format!("{place}/{i}"), breaches);
                    }
                    true
                }
                ("items", rest, Value::Array(items)) => {
                    let first = schema["prefixItems"].as_array().map_or(0, Vec::len);
                    for (i, item) in items.iter().enumerate().skip(first) {
                        self.compare(rest, item, &format!("{place}/{i}"), breaches);
                    }
                    true
                }
                ("minItems", least, Value::Array(items)) => Some(items.len() as u64) >= least.as_u64(),
                ("maxItems", most, Value::Array(items)) => Some(items.len() as u64) <= most.as_u64(),
                _ => true,
            };
            if !kept {
                breaches.push(format!("{place}: {keyword} is {asked}, found {value}"));
            }
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut breaches = Vec::new();
        self.compare(schema, value, "", &mut breaches);
        breaches.is_empty()
    }
}

/// Collects the keywords of `schema` that [`Contract::compare`] would pass over.
fn look_at(root: &Value, schema: &Value, place: &str, faults: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else {
        return faults.push(format!("{place}: no schema: {schema}"));
    };
    for (keyword, value) in keywords {
        let place = format!("{place}/{keyword}");
        let is_known = match (keyword.as_str(), value) {
            ("$ref", Value::String(name)) => definition(root, name).is_some(),
            ("type", Value::Array(types)) => types.iter().all(is_type),
            ("type", name) => is_type(name),
            ("format", Value::String(name)) => ["double", "uint32", "uint64"].contains(&name.as_str()),
            ("const", _) => true,
            ("minimum", value) => value.is_number(),
            ("minItems" | "maxItems", value) => value.is_u64(),
            ("required", Value::Array(names)) => names.iter().all(Value::is_string),
            ("$defs" | "properties", Value::Object(schemas)) => look_at_all(root, schemas, &place, faults),
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                schemas
                    .iter()
                    .enumerate()
                    .for_each(|(i, schema)| look_at(root, schema, &format!("{place}/{i}"), faults));
                true
            }
            ("items" | "additionalProperties", schema) => {
                look_at(root, schema, &place, faults);
                true
            }
            (keyword, _) => NOTES.contains(&keyword),
        };
        if !is_known {
            faults.push(format!("{place}: not known as {value}"));
        }
    }
}

fn look_at_all(root: &Value, schemas: &Map<String, Value>, place: &str, faults: &mut Vec<String>) -> bool {
    schemas.iter().for_each(|(name, schema)| look_at(root, schema, &format!("{place}/{name}"), faults));
    true
}

fn definition<'s>(root: &'s Value, name: &str) -> Option<&'s Value> {
    root.pointer(name.strip_prefix('#')?)
}

fn is_type(name: &Value) -> bool {
    ["array", "boolean", "integer", "null", "number", "object", "string"].map(Value::from).contains(name)
}

fn is_a(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap_or_default() {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        _ => false,
    }
}

fn fits(format: &str, number: &Value) -> bool {
    match format {
        "uint32" => number.as_u64().is_some_and(|n| u32::try_from(n).is_ok()),
        "uint64" => number.is_u64(),
        _ => number.as_f64().is_some(),
    }
}

mod tests {
    use serde_json::json;

    use super::*;

    fn breaches(schema: Value, value: Value) -> usize {
        Contract::new(schema).map(|contract| contract.breaches(&value)).expect("a schema").len()
    }

    #[test]
    fn every_keyword_is_kept_and_broken() {
        let ring = json!({"$ref": "#/$defs/ring", "$defs": {"ring": {
            "type": "object", "required": ["id"],
            "properties": {"id": {"type": "string"}, "next": {"anyOf": [{"$ref": "#/$defs/ring"}, {"type": "null"}]}}
        }}});
        let pair = json!({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "null"},
                          "minItems": 2, "maxItems": 3});
        let tags = json!({"type": "object", "properties": {"n": {"type": "integer"}},
                          "additionalProperties": {"type": "string"}});
        for (schema, right, wrong) in [
            (json!({"type": "integer"}), json!(1), json!(1.5)),
            (json!({"type": ["string", "null"]}), json!(null), json!(1)),
            (json!({"const": "P0"}), json!("P0"), json!("P1")),
            (json!({"format": "uint32", "type": "integer"}), json!(1), json!(5_000_000_000_u64)),
            (json!({"format": "uint64", "type": "integer"}), json!(1), json!(-1)),
            (json!({"minimum": 0}), json!(0), json!(-0.5)),
            (json!({"oneOf": [{"const": 1}, {"type": "integer"}]}), json!(2), json!(1)),
            (json!({"items": {"type": "string"}}), json!(["a"]), json!(["a", 1])),
            (ring.clone(), json!({"id": "a", "next": {"id": "b", "next": null}}), json!({"id": "a", "next": {}})),
            (ring, json!({"id": "a"}), json!({"next": null})),
            (pair.clone(), json!(["a", null]), json!([1, null])),
            (pair.clone(), json!(["a", null, null]), json!(["a", "b"])),
            (pair.clone(), json!(["a", null]), json!(["a"])),
            (pair, json!(["a", null]), json!(["a", null, null, null])),
            (tags.clone(), json!({"n": 1, "a": "b"}), json!({"n": "b"})),
            (tags, json!({}), json!({"a": 1})),
        ] {
            assert_eq!(breaches(schema.clone(), right.clone()), 0, "{schema} {right}");
            assert_eq!(breaches(schema.clone(), wrong.clone()), 1, "{schema} {wrong}");
        }
    }

    #[test]
    fn what_is_not_understood_is_no_schema() {
        for schema in [
            json!({"pattern": "a+"}),
            json!({"type": "text"}),
            json!({"items": {"enum": [1]}}),
            json!({"properties": {"a": {"$ref": "#/$defs/none"}}}),
            json!({"anyOf": [true]}),
            json!([]),
        ] {
            assert_eq!(Contract::new(schema.clone()).map(|_| ()).map_err(|faults| faults.len()), Err(1), "{schema}");
        }
    }

    #[test]
    fn a_breach_names_its_place() {
        let schema = json!({"properties": {"a": {"items": {"type": "string"}}}});
        let contract = Contract::new(schema).map_err(|faults| faults.join("\n")).expect("a schema");
        assert_eq!(contract.breaches(&json!({"a": ["x", 7]})), [r#"/a/1: type is "string", found 7"#]);
    }
}
