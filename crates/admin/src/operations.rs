//! All operations, in the order of the document.

use b2bua::record::{CallDirection, CallStatus};
use numbers::{Agent, Number, Trunk};
use serde_json::{Value, json};
use store::{Permission, Resource, Role};
use witness::metrics::CONTENT_TYPE;

use crate::access::{Access, Shape};
use crate::body::{FORM, JSON};
use crate::objects::{self, Owned};
use crate::operation::{Method, Operation, reference};
use crate::{audit, calls, drain, events, health, idempotency, keys, openapi, place, records, twilio};

pub(crate) fn all() -> Vec<Operation> {
    let mut all = node();
    all.extend(collection::<Agent>(AGENTS));
    all.extend(collection::<Trunk>(TRUNKS));
    all.extend(collection::<Number>(NUMBERS));
    all.push(verification());
    all.extend(settings());
    all.extend(of_calls());
    all.extend(of_calls_of_our_own());
    all.extend(of_keys());
    all
}

/// To look at what is no secret.
const fn look(resource: Resource) -> Access {
    Access::Role(Role::Viewer, Permission::read(resource))
}

/// To change what is owned.
const fn own(resource: Resource) -> Access {
    Access::Role(Role::Admin, Permission::write(resource))
}

/// What an API says of one kind of object.
#[derive(Clone, Copy)]
struct Words {
    schema: &'static str,
    /// The path of one of them.
    one: &'static str,
    /// Of its id.
    pattern: &'static str,
    resource: Resource,
    list: Title,
    add: Title,
    show: Title,
    replace: Title,
    change: Title,
    remove: Title,
}

/// What an operation is called.
#[derive(Clone, Copy)]
struct Title {
    id: &'static str,
    summary: &'static str,
}

const fn title(id: &'static str, summary: &'static str) -> Title {
    Title { id, summary }
}

fn collection<T: Owned + 'static>(words: Words) -> Vec<Operation> {
    let Words { schema, one, pattern, resource, list, add, show, replace, change, remove } = words;
    let (look, own) = (look(resource), own(resource));
    let of_all =
        |method, access, title: Title| Operation::new(method, T::PATH, title.id, access, title.summary);
    let of = |method, access, title: Title| {
        Operation::new(method, one, title.id, access, title.summary).of_one(pattern, "Its id.")
    };
    let etag = ["ETag"];
    vec![
        of_all(Method::Get, look, list).in_pages(schema).by(objects::list::<T>),
        once(of_all(Method::Post, own, add))
            .taking_json(schema)
            .answers(201, "It is there.", JSON, reference(schema))
            .bearing(&["ETag", "Location"])
            .says(409, "There is one of this id, a secret is to be kept that is not there, or the Idempotency-Key is of a request under way.")
            .by(objects::create::<T>),
        seen(of(Method::Get, look, show), schema).by(objects::show::<T>),
        of(Method::Put, own, replace)
            .conditional()
            .taking_json(schema)
            .answers(200, "It is so.", JSON, reference(schema))
            .bearing(&etag)
            .answers(201, "It is there, and was not before.", JSON, reference(schema))
            .bearing(&["ETag", "Location"])
            .says(409, "The body has another id, or a secret is to be kept that is not there.")
            .by(objects::replace::<T>),
        of(Method::Patch, own, change)
            .conditional()
            .taking_patch(schema)
            .answers(200, "It is so.", JSON, reference(schema))
            .bearing(&etag)
            .says(409, "The id can't change, or a secret is to be kept that is not there.")
            .by(objects::patch::<T>),
        of(Method::Delete, own, remove)
            .conditional()
            .says(204, "It is gone.")
            .says(409, "Others name it.")
            .by(objects::remove::<T>),
    ]
}

fn verification() -> Operation {
    let words = "Says that the owner of a personal number was asked: its calls may show it from then on.";
    Operation::new(Method::Post, "/v1/numbers/{id}/verify", "verifyNumber", own(Resource::Numbers), words)
        .of_one(NUMBERS.pattern, "The number.")
        .conditional()
        .answers(200, "It is verified.", JSON, reference("Number"))
        .bearing(&["ETag"])
        .says(409, "It is not personal.")
        .by(objects::verify)
}

/// Sent again, it is carried out once.
fn once(operation: Operation) -> Operation {
    let schema = json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
    operation.with(
        "header",
        idempotency::NAME,
        schema,
        "Kept for a day: the same request with it is answered as it was.",
    )
}

/// A read that may find nothing changed.
fn seen(operation: Operation, schema: &str) -> Operation {
    operation
        .with("header", "If-None-Match", json!({ "type": "string" }), "The ETag of what is known.")
        .answers(200, "As it is.", JSON, reference(schema))
        .bearing(&["ETag"])
        .says(304, "It has the ETag of If-None-Match.")
        .bearing(&["ETag"])
}

fn node() -> Vec<Operation> {
    let text = || json!({ "type": "string" });
    vec![
        Operation::new(Method::Get, "/healthz", "health", Access::Open, "Whether the daemon lives.")
            .answers(200, "It does.", TEXT, text())
            .by(async || "ok\n"),
        Operation::new(Method::Get, "/readyz", "readiness", Access::Open, "Whether it takes calls and can write their records.")
            .answers(200, "It is ready.", TEXT, text())
            .answers(503, "It is not; what is wrong, a line each.", TEXT, text())
            .by(health::ready),
        Operation::new(Method::Get, "/metrics", "metrics", Access::Local(Permission::read(Resource::Node)), "Counters, for Prometheus. From this machine without a key.")
            .answers(200, "The counters.", CONTENT_TYPE, text())
            .by(health::metrics),
        Operation::new(Method::Get, "/openapi.json", "description", Access::Open, "This document.")
            .answers(200, "OpenAPI 3.1.", JSON, json!({ "type": "object" }))
            .by(openapi::show),
        Operation::new(
            Method::Post,
            "/v1/drain",
            "drain",
            own(Resource::Node),
            "Refuses further calls, lets the running ones end, then stops the daemon.",
        )
        .may_take(&[JSON], drain::schema())
        .answers(202, "It drains.", JSON, drain::told())
        .says(409, "It can't be drained.")
        .by(drain::post),
        Operation::new(
            Method::Get,
            "/v1/events",
            "streamEvents",
            look(Resource::Events),
            "What happens, as it happens: `call.up`, `call.ringing`, `call.answered`, `call.joined`, `call.ended`, `inventory.changed`, and `reset` where events were missed.",
        )
        .with("header", "Last-Event-ID", text(), "The id of the last event that is known.")
        .answers(200, "Server-sent events, for an hour at most.", "text/event-stream", text())
        .by(events::stream),
    ]
}

fn settings() -> Vec<Operation> {
    let of = |method, id, access, words| Operation::new(method, "/v1/settings", id, access, words);
    let (look, change) = (look(Resource::Settings), own(Resource::Settings));
    let schema = "Settings";
    vec![
        seen(of(Method::Get, "showSettings", look, "What holds for all."), schema).by(objects::settings),
        of(Method::Put, "replaceSettings", change, "Puts settings in the place of others.")
            .conditional()
            .taking_json(schema)
            .answers(200, "They are so.", JSON, reference(schema))
            .bearing(&["ETag"])
            .by(objects::replace_settings),
        of(Method::Patch, "changeSettings", change, "Changes some of them.")
            .conditional()
            .taking_patch(schema)
            .answers(200, "They are so.", JSON, reference(schema))
            .bearing(&["ETag"])
            .by(objects::patch_settings),
    ]
}

fn of_calls() -> Vec<Operation> {
    let look_at_records = look(Resource::Records);
    let look = look(Resource::Calls);
    let moment = || json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let id = || json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$" });
    let words = records::words::<CallStatus>();
    vec![
        Operation::new(
            Method::Get,
            "/v1/calls",
            "listCalls",
            look,
            "The calls that are up on this node, by id.",
        )
        .in_pages("CallRecord")
        .by(calls::list),
        Operation::new(Method::Get, "/v1/calls/{id}", "showCall", look, "One call, that is up or was.")
            .of_one(CALL, OF_A_CALL)
            .answers(200, "Its record, as it stands.", JSON, reference("CallRecord"))
            .says(409, "More than one call has an id that begins so.")
            .by(calls::show),
        Operation::new(
            Method::Get,
            "/v1/calls/{id}/trace",
            "traceCall",
            look,
            "The SIP messages of a call, as JSON or drawn.",
        )
        .of_one(CALL, OF_A_CALL)
        .with(
            "query",
            "format",
            json!({ "type": "string", "enum": ["json", "ladder"] }),
            "`ladder` draws them.",
        )
        .answers(200, "The messages.", JSON, reference("Trace"))
        .answers(200, "The messages, drawn.", TEXT, json!({ "type": "string" }))
        .says(409, "More than one call has an id that begins so.")
        .by(calls::trace),
        Operation::new(Method::Post, "/v1/calls/{id}/hangup", "hangUp", OPERATE, "Ends a call that is up.")
            .of_one(CALL, OF_A_CALL)
            .answers(202, "It is being ended; its record before that.", JSON, reference("CallRecord"))
            .says(409, "It has ended, it is at another node, or more than one call has an id that begins so.")
            .by(calls::hangup),
        Operation::new(
            Method::Get,
            "/v1/records",
            "listRecords",
            look_at_records,
            "The calls that have ended, newest first.",
        )
        .with(
            "query",
            "number",
            json!({ "type": "string", "pattern": r"^\+[1-9][0-9]{0,14}$" }),
            "Of this number of ours.",
        )
        .with("query", "trunk_id", id(), "By this trunk.")
        .with("query", "agent_id", id(), "Of this agent.")
        .with(
            "query",
            "direction",
            json!({ "type": "string", "enum": records::words::<CallDirection>() }),
            "In or out.",
        )
        .with("query", "status", json!({ "type": "string", "enum": words }), "Ended so.")
        .with("query", "since", moment(), "With an INVITE of this second since 1970, or later.")
        .with("query", "until", moment(), "With an INVITE before this second since 1970.")
        .in_pages("CallRecord")
        .by(records::list),
        as_twilio(),
    ]
}

fn as_twilio() -> Operation {
    Operation::new(
        Method::Post,
        twilio::PATH,
        "hangUpAsTwilio",
        OPERATE,
        "Ends a call, as bots do that were written for Twilio.",
    )
    .routed_as(twilio::ROUTED)
    .shaped(Shape::Twilio)
    .with(
        "path",
        "account_sid",
        json!({ "type": "string", "pattern": "^AC[0-9a-f]{32}$" }),
        "The accountSid of the stream.",
    )
    .with(
        "path",
        "call_sid",
        json!({ "type": "string", "pattern": "^CA[0-9a-f]{32}$" }),
        "The callSid of the stream.",
    )
    .taking(&[FORM], form())
    .answers(200, "It is being ended.", JSON, reference("TwilioCall"))
    .says(409, "It is up at another node.")
    .by(twilio::update)
}

fn of_calls_of_our_own() -> Vec<Operation> {
    vec![
        once(Operation::new(
            Method::Post,
            place::PATH,
            "placeCall",
            OPERATE,
            "Rings somebody from one of our numbers; an agent joins on answer.",
        ))
        .taking_json("NewCall")
        .answers(201, "It is under way; its record as it stands.", JSON, reference("CallRecord"))
        .bearing(&["Location"])
        .says(
            403,
            "The key's role or scope does not allow it, or the call is not allowed: `type` has the reason.",
        )
        .says(409, "No agent can join, or what the call needs can't be had.")
        .says(429, "Too many requests, or calls begin faster than they may.")
        .bearing(&["Retry-After"])
        .says(502, "No gateway of the trunk can be asked.")
        .by(place::place),
        Operation::new(
            Method::Post,
            "/v1/calls/{id}/dtmf",
            "sendDigits",
            OPERATE,
            "Sends digits to whoever an agent talks with.",
        )
        .of_one(CALL, OF_A_CALL)
        .taking_json("Digits")
        .says(202, "They are being sent.")
        .says(
            409,
            "Nobody talks, the far side takes no digits, the call is at another node, or more than one has an id that begins so.",
        )
        .by(place::dtmf),
    ]
}

fn form() -> Value {
    json!({
        "type": "object",
        "required": ["Status"],
        "additionalProperties": false,
        "properties": { "Status": { "type": "string", "enum": ["completed", "canceled"] } },
    })
}

fn of_keys() -> Vec<Operation> {
    // Whoever has a key that may look at keys is an admin too: who may do what is nobody else's business.
    let admin = |permission| Access::Role(Role::Admin, permission);
    let (look, change) = (admin(Permission::read(Resource::Keys)), own(Resource::Keys));
    let of = |method, id, access, words| {
        Operation::new(method, "/v1/keys/{id}", id, access, words).of_one("^[0-9a-f]{16}$", "Its id.")
    };
    vec![
        Operation::new(Method::Get, "/v1/keys", "listKeys", look, "The API keys, by id; not what they are.")
            .in_pages("Key")
            .by(keys::list),
        Operation::new(
            Method::Post,
            "/v1/keys",
            "addKey",
            change,
            "Makes an API key, and tells it this once.",
        )
        .taking_json("NewKey")
        .answers(201, "The key.", JSON, reference("MadeKey"))
        .bearing(&["Location"])
        .says(409, "It would have expired already.")
        .by(keys::create),
        of(Method::Get, "showKey", look, "One API key; not what it is.")
            .answers(200, "As it is.", JSON, reference("Key"))
            .by(keys::show),
        of(Method::Delete, "removeKey", change, "Takes an API key back.")
            .says(204, "It is gone.")
            .says(409, "It is the last key, and the key that would remove it is bound.")
            .by(keys::remove),
        Operation::new(
            Method::Get,
            "/v1/audit",
            "listAudit",
            admin(Permission::read(Resource::Audit)),
            "Every change: who, when, before, after; the oldest first.",
        )
        .in_pages("AuditEntry")
        .by(audit::list),
    ]
}

const AGENTS: Words = Words {
    schema: "Agent",
    one: "/v1/agents/{id}",
    pattern: ID,
    resource: Resource::Agents,
    list: title("listAgents", "The agents, by id."),
    add: title("addAgent", "Adds an agent."),
    show: title("showAgent", "One agent."),
    replace: title("replaceAgent", "Puts an agent in the place of another, or adds it."),
    change: title("changeAgent", "Changes an agent."),
    remove: title("removeAgent", "Removes an agent that nothing names."),
};
const TRUNKS: Words = Words {
    schema: "Trunk",
    one: "/v1/trunks/{id}",
    pattern: ID,
    resource: Resource::Trunks,
    list: title("listTrunks", "The trunks, by id."),
    add: title("addTrunk", "Adds a trunk."),
    show: title("showTrunk", "One trunk."),
    replace: title("replaceTrunk", "Puts a trunk in the place of another, or adds it."),
    change: title("changeTrunk", "Changes a trunk."),
    remove: title("removeTrunk", "Removes a trunk that has no numbers."),
};
const NUMBERS: Words = Words {
    schema: "Number",
    one: "/v1/numbers/{id}",
    pattern: r"^\+[1-9][0-9]{0,14}$",
    resource: Resource::Numbers,
    list: title("listNumbers", "The numbers, in ascending order."),
    add: title("addNumber", "Adds a number."),
    show: title("showNumber", "One number."),
    replace: title("replaceNumber", "Puts a number in the place of another, or adds it."),
    change: title("changeNumber", "Changes a number."),
    remove: title("removeNumber", "Removes a number."),
};
/// To have calls, and end them.
const OPERATE: Access = Access::Role(Role::Operator, Permission::write(Resource::Calls));
const CALL: &str = "^[0-9A-Fa-f]{6,32}$";
const OF_A_CALL: &str = "Its id, of which the first six digits or more will do if they are of one call.";
const ID: &str = "^[A-Za-z0-9_.-]{1,64}$";
const TEXT: &str = "text/plain; charset=utf-8";
