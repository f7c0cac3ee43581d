//! The outline that a shape gives is the one that reading gives, whatever was learned before.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Shapes;
use crate::entry::Resources;
use crate::entry::outline::Outline;

/// Keys with a meaning at the top, in a request, in labels and in a payload, and some without.
const KEYS: [&str; 24] = [
    "insertId",
    "logName",
    "timestamp",
    "severity",
    "textPayload",
    "trace",
    "traceSampled",
    "httpRequest",
    "requestUrl",
    "status",
    "latency",
    "labels",
    "k8s-pod/app",
    "resource",
    "type",
    "operation",
    "id",
    "jsonPayload",
    "message",
    "@m",
    "level",
    "error",
    "a \"quoted\" key",
    "schlüssel",
];

/// Texts that look like what stands between them.
const TEXTS: [&str; 9] = [
    "",
    "x",
    "\",\"insertId\":\"",
    "}",
    "\\",
    "\\\"",
    "line\nline",
    "größe",
    "a text that is longer than one window of thirty-two",
];

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        4 => prop::sample::select(&TEXTS[..]).prop_map(Value::from),
        1 => prop_oneof![Just(json!(null)), Just(json!(true)), Just(json!(200)), Just(json!(-1.5))],
    ];
    scalar.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            3 => object(inner.clone()),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    })
}

fn object(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((prop::sample::select(&KEYS[..]), values), 0..6)
        .prop_map(|members| Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}

/// A record that is an entry, as far as its other members let it be one.
fn record() -> impl Strategy<Value = String> {
    (object(value()), any::<bool>()).prop_map(|(mut value, is_pretty)| {
        let members: &mut Map<String, Value> = value.as_object_mut().expect("it is one");
        members.insert("insertId".into(), json!("a"));
        members.insert("resource".into(), json!({"type": "t", "labels": {"project_id": "p".repeat(60)}}));
        if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.expect("it can be")
    })
}

/// What stands inside the strings and words of a record, replaced.
fn with_other_values(value: &Value, other: &str) -> Value {
    match value {
        Value::String(_) => other.into(),
        Value::Number(_) | Value::Bool(_) | Value::Null => json!(7),
        Value::Array(items) => items.iter().map(|item| with_other_values(item, other)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), with_other_values(value, other))).collect()
        }
    }
}

/// The parts that shapes give and those that reading gives.
fn outlines(shapes: &mut Shapes, text: &str, known: &Resources) -> [Option<Outline>; 2] {
    let wanted = |key: &str| key == "a \"quoted\" key";
    let mut found = Outline::default();
    let ends = shapes.outline(text, known, &wanted, |part| {
        found.parts.push(part);
        Some(())
    });
    let found = ends.map(|(start, resource)| Outline { start, resource, ..found });
    let mut expected = Outline::default();
    let expected = expected.read(text, known, &wanted).map(|()| expected);
    [found, expected]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_shape_gives_the_outline_that_reading_gives(records in prop::collection::vec(record(), 1..12), other in prop::sample::select(&TEXTS[..])) {
        let (mut shapes, mut known) = (Shapes::default(), Resources::default());
        for round in 0..3 {
            for text in &records {
                let value: Value = serde_json::from_str(text).expect("it was written");
                let changed = with_other_values(&value, other);
                let changed = if text.contains('\n') { serde_json::to_string_pretty(&changed) } else { serde_json::to_string(&changed) };
                for text in [text.clone(), changed.expect("it can be")] {
                    let [found, expected] = outlines(&mut shapes, &text, &known);
                    prop_assert_eq!(found, expected, "round {}: {}", round, text);
                    // Cut anywhere, it is nobody's.
                    let cut = text.floor_char_boundary(text.len() * (round + 1) / 4);
                    let [found, expected] = outlines(&mut shapes, &text[..cut], &known);
                    prop_assert_eq!(found, expected, "round {}: {}", round, &text[..cut]);
                }
            }
            known.add(&json!({"type": "t", "labels": {"project_id": "p".repeat(60)}}).to_string());
        }
    }
}

#[test]
fn what_comes_again_is_known() {
    let (mut shapes, known) = (Shapes::default(), Resources::default());
    for n in 0..1000 {
        let text = format!(r#"{{"insertId":"{n}","logName":"projects/p/logs/x","httpRequest":{{"status":{n}}}}}"#);
        assert!(shapes.outline(&text, &known, &|_| false, |_| Some(())).is_some());
    }
    assert_eq!(shapes.hits_and_lessons(), (999, 1));
}

#[test]
fn where_no_record_is_like_another_little_is_learned() {
    let (mut shapes, known) = (Shapes::default(), Resources::default());
    for n in 0..20_000 {
        let text = format!(r#"{{"insertId":"a","logName":"l","jsonPayload":{{"key {n}":1,"key {}":2}}}}"#, n / 7);
        assert!(shapes.outline(&text, &known, &|_| false, |_| Some(())).is_some());
    }
    let (hits, lessons) = shapes.hits_and_lessons();
    assert!(lessons <= super::FREE_LESSONS + hits / super::HITS_PER_LESSON, "{lessons} after {hits}");
    assert!(shapes.steps.len() <= super::MAX_STEPS && shapes.literals.len() <= super::MAX_LITERALS);
}
