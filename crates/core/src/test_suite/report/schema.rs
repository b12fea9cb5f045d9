//! The JSON Schema of `report.json`, published as `docs/reference/report.schema.json`.

use serde_json::{Value, json};

use super::model::SCHEMA;

/// The JSON Schema (draft 2020-12) of `report.json`. Unknown properties are allowed: a later Wharf may add some
/// without a new `schema` number.
#[must_use]
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report of wharf test",
        "description": "What `wharf test` writes as report.json.",
        "$ref": "#/$defs/report",
        "$defs": {
            "report": report(),
            "summary": summary(),
            "dir": dir(),
            "test": test(),
            "coverage": coverage(),
        }
    })
}

fn report() -> Value {
    let mut report = object(&[
        (
            "schema",
            json!({"const": SCHEMA, "description": "Version of this schema; goes up when a field is removed or changes its meaning."}),
        ),
        ("wharf", string("Version of Wharf that wrote it.")),
        ("run", count("Number of the run in its workspace.")),
        ("workspace", string("Name of the workspace.")),
        ("command", string("The command line, as one could paste it.")),
        (
            "started",
            json!({"type": "string", "format": "date-time", "description": "When the run began, RFC 3339 in UTC."}),
        ),
        ("duration", seconds("Seconds from start to end.")),
        ("engine", json!({"enum": ["docker", "podman", "host"], "description": "What ran the containers."})),
        (
            "exit_code",
            json!({"type": "integer", "minimum": 0, "maximum": 255, "description": "The exit code of the command."}),
        ),
        ("interrupted", json!({"type": "boolean", "description": "Whether a signal ended it early."})),
        ("summary", reference("summary")),
        (
            "problems",
            json!({"type": "array", "items": {"type": "string"}, "description": "Things that are not right but stopped nothing."}),
        ),
        (
            "dirs",
            json!({"type": "array", "items": reference("dir"), "description": "One entry a runnable dir, in order of address."}),
        ),
    ]);
    report["properties"]["coverage"] = reference("coverage");
    report
}

fn coverage() -> Value {
    object(&[
        ("lines", count("Lines that could run.")),
        ("lines_hit", count("Lines that did.")),
        ("branches", count("Branches that could be taken; none where they are not measured.")),
        ("branches_hit", count("Branches that were.")),
    ])
}

fn summary() -> Value {
    object(&[
        ("passed", count("Tests that passed at once.")),
        ("failed", count("Tests that failed in their body.")),
        ("errors", count("Tests whose set-up, tear-down or collection failed.")),
        ("skipped", count("Tests that were skipped.")),
        ("xfailed", count("Tests expected to fail that did.")),
        ("xpassed", count("Tests expected to fail that passed.")),
        ("flaky", count("Tests that passed only when tried again.")),
        ("timed_out", count("Tests that took longer than their limit.")),
        ("crashed", count("Tests in which the process ended.")),
        ("not_run", count("Tests that were collected but never ran.")),
        (
            "cached",
            count(
                "Tests that were not run because their verdict is known from the cache; none of the counts above has them.",
            ),
        ),
        ("deselected", count("Tests left out by the user's own selection.")),
    ])
}

fn dir() -> Value {
    let statuses = ["passed", "failed", "no-tests", "not-run", "crashed", "interrupted"];
    let mut dir = object(&[
        ("path", string("Address from the super-repo's root; `.` for the root itself.")),
        ("name", string("Name of the dir's image.")),
        ("repo", string("Address of the repo it is in; `.` for the super-repo.")),
        ("image", optional("Reference of the image its tests ran in, if it came to that.")),
        ("status", json!({"enum": statuses, "description": "What came of it as a whole."})),
        ("cause", optional("Why it is not simply passed or failed, in one line.")),
        ("hint", optional("The next command to type, where there is a good one.")),
        ("log", optional("Log of everything its container printed, relative to the report's folder.")),
        ("python", optional("Version of Python in the container.")),
        ("pytest", optional("Version of pytest in the container.")),
        ("waited", seconds("Seconds from the start of the run until its container started.")),
        ("duration", seconds("Seconds its container ran.")),
        ("exit_code", json!({"type": ["integer", "null"], "description": "Exit code of its container."})),
        ("summary", reference("summary")),
        (
            "tests",
            json!({"type": "array", "items": reference("test"), "description": "Its tests, in the order in which they ended."}),
        ),
    ]);
    // Absent where they are not known.
    let ready = seconds("Seconds from the start of the run until its image was there.");
    let session = seconds("Seconds from the start of the run until pytest had started in its first container.");
    let id = string("Id of the image that its tests ran in, where an engine has ids.");
    for (name, value) in
        [("coverage", reference("coverage")), ("image_ready", ready), ("session_started", session), ("image_id", id)]
    {
        dir["properties"][name] = value;
    }
    dir
}

fn test() -> Value {
    let verdicts =
        ["passed", "flaky", "skipped", "xfailed", "xpassed", "failed", "error", "timed-out", "crashed", "not-run"];
    let pair =
        json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "string"}], "minItems": 2, "maxItems": 2});
    let mut test = object(&[
        ("id", string("Workspace-relative id, such as `infra/tests/test_a.py::test_one[x]`.")),
        ("verdict", json!({"enum": verdicts, "description": "What came of it."})),
        ("duration", seconds("Seconds of set-up, call and tear-down together.")),
        ("offset", seconds("Seconds from the start of the run until this test started.")),
        ("attempts", count("How often it was run.")),
        ("file", optional("File of the test, workspace-relative.")),
        (
            "line",
            json!({"type": ["integer", "null"], "minimum": 1, "description": "Line of the test in its file, from 1."}),
        ),
        ("phase", optional("`setup`, `call` or `teardown`, for tests that did not pass.")),
        ("message", optional("One line: the crash message or the reason of a skip.")),
        ("longrepr", optional("The traceback as pytest shows it.")),
    ]);
    test["properties"]["cached"] = json!({"type": "boolean", "description": "Whether the verdict comes from the cache, and the test was not run; absent where not."});
    test["properties"]["sections"] = json!({"type": "array", "items": pair, "description": "What pytest captured, as (title, text), for tests that did not pass; absent where empty."});
    test
}

fn object(properties: &[(&str, Value)]) -> Value {
    let required: Vec<_> = properties.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<_, _> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn string(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn optional(description: &str) -> Value {
    json!({"type": ["string", "null"], "description": description})
}

fn count(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}

fn seconds(description: &str) -> Value {
    json!({"type": "number", "minimum": 0, "description": description})
}

fn reference(definition: &str) -> Value {
    json!({"$ref": format!("#/$defs/{definition}")})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::sample;
    use super::*;

    /// Checks `value` against the part of JSON Schema that [`schema`] uses, and that every property of either
    /// is known to the other, so that neither can change alone.
    fn check(root: &Value, schema: &Value, value: &Value, at: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = root.pointer(reference.trim_start_matches('#')).expect(reference);
            return check(root, target, value, at);
        }
        if let Some(constant) = schema.get("const") {
            assert_eq!(value, constant, "{at}");
        }
        if let Some(words) = schema["enum"].as_array() {
            assert!(words.contains(value), "{at}: {value}");
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let fits = |name: &&str| match *name {
            "null" => value.is_null(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("{at}: unknown type {other}"),
        };
        assert!(types.iter().any(fits), "{at}: {value} is none of {types:?}");
        if let Some(items) = value.as_array() {
            for (index, item) in items.iter().enumerate() {
                let schema = schema.get("items").unwrap_or_else(|| &schema["prefixItems"][index]);
                check(root, schema, item, &format!("{at}/{index}"));
            }
        }
        if let Some(object) = value.as_object() {
            let known = schema["properties"].as_object().expect(at);
            for name in schema["required"].as_array().expect(at) {
                assert!(object.contains_key(name.as_str().unwrap()), "{at}: no {name}");
            }
            for (name, value) in object {
                let schema = known.get(name).unwrap_or_else(|| panic!("{at}: {name} has no schema"));
                check(root, schema, value, &format!("{at}/{name}"));
            }
        }
    }

    #[test]
    fn the_schema_and_the_report_know_the_same_properties() {
        let schema = schema();
        let value = serde_json::to_value(sample::report()).unwrap();
        check(&schema, &schema, &value, "");
        let names = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
        let mut test = value["dirs"][0]["tests"][1].clone();
        test["cached"] = true.into();
        for (definition, value) in
            [("report", &value), ("summary", &value["summary"]), ("dir", &value["dirs"][0]), ("test", &test)]
        {
            assert_eq!(names(&schema["$defs"][definition]["properties"]), names(value));
        }
    }

    #[test]
    fn the_published_schema_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/report.schema.json");
        let published: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(published == schema(), "{path} is stale: run `cargo xtask gen`");
    }
}
