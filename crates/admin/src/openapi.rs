//! The API's description by `OpenAPI` 3.1: the operations as they are routed, the schemas as the types are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use b2bua::CallRecord;
use numbers::{Agent, Number, Settings, Trunk};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::access::{Access, Shape};
use crate::body::LONGEST;
use crate::operation::{Answer, Need, Operation, patch_of, reference};
use crate::{keys, operations, place};

/// `GET /openapi.json`.
pub(crate) async fn show() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

fn document() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations::all() {
        paths
            .entry(operation.path)
            .or_default()
            .insert(operation.method.word().to_owned(), described(&operation));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Strowger",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a node owns, the calls that it has, and how it is.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "An API key. While there are none, requests from the same machine need none." },
                "password": { "type": "http", "scheme": "basic", "description": "An API key as the password, with any user name." },
            },
        },
    })
}

fn described(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": responses(operation),
        "security": security(operation.access),
    });
    if let Access::Role(role, permission) = operation.access {
        let words = format!(
            "Needs a key of the role {role}, or a higher one; with {permission} in its scope, if it has one."
        );
        described["description"] = words.into();
    }
    let parameters = operation.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.place == "path",
            "description": parameter.words,
            "schema": parameter.schema,
        })
    });
    described["parameters"] = parameters.collect();
    if let Some(sent) = &operation.body {
        let kinds: Map<String, Value> =
            sent.kinds.iter().map(|kind| ((*kind).to_owned(), json!({ "schema": sent.schema }))).collect();
        described["requestBody"] = json!({ "required": sent.need == Need::Required, "content": kinds });
    }
    described
}

/// Without a key too: from the same machine, while there are none. What it is to be for stands where roles do (s.4.8.30).
fn security(access: Access) -> Value {
    match access.permission().map(|permission| permission.to_string()) {
        None => json!([]),
        Some(permission) => json!([{ "key": [permission] }, { "password": [permission] }, {}]),
    }
}

fn responses(operation: &Operation) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for answer in &operation.answers {
        let response = responses
            .entry(answer.status.to_string())
            .or_insert_with(|| json!({ "description": answer.words }));
        tell(response, answer, operation.shape);
    }
    for status in problems(operation) {
        let words = match status {
            400 => "The request can't be read.",
            401 => "There is no key, or none that is taken.",
            403 => "The key's role or scope does not allow it, or the request is from elsewhere.",
            404 => "There is no such thing.",
            413 => "The body is too large.",
            415 => "The body is of another kind.",
            422 => "The body's shape or meaning is wrong.",
            429 => "Too many requests.",
            _ => "It can't be answered for the moment.",
        };
        let headers: &[&str] = match status {
            401 => &["WWW-Authenticate"],
            429 | 503 => &["Retry-After"],
            _ => &[],
        };
        let mut response = json!({ "description": words });
        let answer = Answer { status, words, content: None, headers: headers.to_vec() };
        tell(&mut response, &answer, operation.shape);
        responses.entry(status.to_string()).or_insert(response);
    }
    responses.into()
}

fn tell(response: &mut Value, answer: &Answer, shape: Shape) {
    let content = match (&answer.content, shape) {
        (Some((kind, schema)), _) => Some((*kind, schema.clone())),
        (None, Shape::Problem) if answer.status >= 400 => {
            Some(("application/problem+json", reference("Problem")))
        }
        (None, Shape::Twilio) if answer.status >= 400 => {
            Some(("application/json", reference("TwilioProblem")))
        }
        (None, Shape::Problem | Shape::Twilio) => None,
    };
    if let Some((kind, schema)) = content {
        response["content"][kind] = json!({ "schema": schema });
    }
    for header in &answer.headers {
        response["headers"][header] = json!({ "schema": { "type": "string" } });
    }
}

/// The problems that any operation like this may have.
fn problems(operation: &Operation) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::from([400, 403, 429, 503]);
    if operation.access != Access::Open {
        statuses.insert(401);
    }
    if operation.path.contains('{') {
        statuses.insert(404);
    }
    if operation.body.is_some() {
        statuses.extend([413, 415, 422]);
    }
    statuses
}

fn schemas() -> Value {
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    sent::<Agent>(&mut schemas);
    sent::<Trunk>(&mut schemas);
    sent::<Number>(&mut schemas);
    sent::<Settings>(&mut schemas);
    sent::<keys::Wanted>(&mut schemas);
    schemas.values_mut().for_each(bound_texts);
    // The derived schema of an enum says nothing of further members, which are refused.
    if let Some(ways) = schemas.get_mut("Endpoint").and_then(|endpoint| endpoint["oneOf"].as_array_mut()) {
        for way in ways {
            way["additionalProperties"] = false.into();
            // Told and kept as a secret is.
            if let Some(parameter) = way.pointer_mut("/properties/parameters/additionalProperties") {
                *parameter = json!({ "oneOf": [parameter.take(), kept()] });
            }
        }
    }
    for (name, schema) in of::<CallRecord>() {
        schemas.insert(name, schema);
    }
    // Beside what numbers says of a secret: how it is told, and kept.
    if let Some(ways) = schemas.get_mut("Secret").and_then(|secret| secret["oneOf"].as_array_mut()) {
        ways.push(kept());
    }
    for name in ["Agent", "Trunk", "Number", "Settings"] {
        let patch = schemas.get(name).map(|schema| patch(&schemas, schema));
        schemas.extend(patch.map(|patch| (patch_of(name), patch)));
    }
    if let Some(number) = schemas.get_mut("Number") {
        number["properties"]["warnings"] = json!({
            "type": "array",
            "items": { "type": "string" },
            "readOnly": true,
            "description": "Why calls to it would not be answered, or none would leave it. Passed over where it is sent.",
        });
    }
    schemas.extend(ours());
    json!(schemas)
}

fn kept() -> Value {
    json!({
        "type": "object",
        "required": ["set"],
        "additionalProperties": false,
        "properties": { "set": { "const": true } },
        "description": "How a secret that is held is told. Sent, it keeps the secret.",
    })
}

/// Some of its members; null takes out those that need not be there. Of a member that is an object a part will do.
fn patch(schemas: &BTreeMap<String, Value>, schema: &Value) -> Value {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let members = schema["properties"].as_object().cloned().unwrap_or_default();
    let members = members.into_iter().map(|(name, member)| {
        let stays = required.iter().any(|own| *own == *name);
        let part = has_members(schemas, &member)
            .then(|| json!({ "type": "object", "description": "A part of it." }));
        let none = (!stays).then(|| json!({ "type": "null" }));
        let ways: Vec<_> = [Some(member), part, none].into_iter().flatten().collect();
        (name, if let [member] = &ways[..] { member.clone() } else { json!({ "anyOf": ways }) })
    });
    json!({
        "type": "object",
        "description": "Members to change; null takes one out. Members that are objects may be patched in part too (RFC 7396).",
        "properties": members.collect::<Map<_, _>>(),
        "additionalProperties": false,
    })
}

/// Whether it may be an object of members that are told.
fn has_members(schemas: &BTreeMap<String, Value>, schema: &Value) -> bool {
    let named = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    let schema = named.and_then(|name| schemas.get(name)).unwrap_or(schema);
    let ways = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
    schema["properties"].is_object() || ways.into_iter().any(|way| has_members(schemas, way))
}

/// Schemas of what no type of ours is read from.
fn ours() -> BTreeMap<String, Value> {
    let text = json!({ "type": "string" });
    let moment = json!({ "type": "integer", "minimum": 0, "description": "Milliseconds since 1970." });
    let role = json!({ "type": "string", "enum": store::Role::ALL.map(store::Role::word) });
    let key = |more: &[(&str, &Value)]| {
        let mut members =
            vec![("id", &text), ("label", &text), ("role", &role), ("last4", &text), ("created_at", &moment)];
        members.extend(more);
        let mut key = object(&members);
        key["properties"]["scope"] = json!(keys::scope_schema());
        key["properties"]["expires_at"] =
            json!({ "type": ["integer", "null"], "description": "Milliseconds since 1970." });
        key
    };
    let count = json!({ "type": "integer", "minimum": 0 });
    let status = json!({ "type": "integer", "minimum": 400, "maximum": 599 });
    let mut problem = object(&[("type", &text), ("title", &text), ("status", &status), ("detail", &text)]);
    problem["properties"]["field"] =
        json!({ "type": "string", "description": "The part of the request that is at fault." });
    problem["properties"]["errors"] = json!({ "type": "array", "items": object(&[("field", &text), ("detail", &text)]), "description": "All faults, where there is more than one." });
    let item = object(&[
        ("at_us", &count),
        ("leg", &json!({ "enum": ["a", "b"] })),
        ("direction", &text),
        ("transport", &text),
        ("local", &text),
        ("remote", &text),
        ("text", &text),
    ]);
    let trace = object(&[
        ("items", &json!({ "type": "array", "items": item })),
        ("next_cursor", &json!({ "type": "null" })),
        ("not_kept", &count),
    ]);
    let mut entry = object(&[
        ("seq", &count),
        ("at_ms", &moment),
        ("actor", &text),
        ("revision", &count),
        ("kind", &json!({ "enum": ["settings", "agent", "trunk", "number", "key"] })),
        ("id", &text),
    ]);
    entry["properties"]["key_id"] = json!({ "type": ["string", "null"] });
    entry["properties"]["before"] = json!({ "type": ["object", "null"] });
    entry["properties"]["after"] = json!({ "type": ["object", "null"] });
    let sids = ["sid", "account_sid", "status", "from", "to", "direction", "uri"].map(|name| (name, &text));
    let twilio = object(&[("code", &count), ("message", &text), ("more_info", &text), ("status", &status)]);
    BTreeMap::from([
        ("Problem".to_owned(), problem),
        ("Key".to_owned(), key(&[])),
        (
            "MadeKey".to_owned(),
            key(&[("token", &json!({ "type": "string", "description": "The key itself: told this once." }))]),
        ),
        ("AuditEntry".to_owned(), entry),
        ("Trace".to_owned(), trace),
        ("NewCall".to_owned(), place::new_call()),
        ("Digits".to_owned(), place::digits()),
        ("TwilioCall".to_owned(), object(&sids)),
        ("TwilioProblem".to_owned(), twilio),
    ])
}

fn object(members: &[(&str, &Value)]) -> Value {
    let names: Vec<_> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), (*schema).clone())).collect();
    json!({ "type": "object", "required": names, "properties": properties, "additionalProperties": false })
}

fn of<T: ToSchema>() -> Vec<(String, Value)> {
    let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut found);
    found.push((T::name().into_owned(), T::schema()));
    found.into_iter().map(|(name, schema)| (name, json!(schema))).collect()
}

fn sent<T: ToSchema>(schemas: &mut BTreeMap<String, Value>) {
    schemas.extend(of::<T>());
}

/// What `body` asks of every text: no control characters, and not longer than this.
fn bound_texts(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(bound_texts);
            let kind = members.get("type");
            let is_text = kind == Some(&json!("string")) || kind == Some(&json!(["string", "null"]));
            // Bounds are written out.
            members.remove("format");
            if is_text && !members.contains_key("enum") {
                members.entry("pattern").or_insert_with(|| json!(r"^[^\x00-\x1f\x7f]*$"));
                members.entry("maxLength").or_insert_with(|| json!(LONGEST));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(bound_texts),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
