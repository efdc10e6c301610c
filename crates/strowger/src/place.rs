//! `call place` and `call dtmf`: a call of our own, and digits for one that is up.

use std::collections::BTreeMap;

use admin::{Method, Wanted};
use serde_json::{Value, json};

use crate::cli::{CallDtmf, CallPlace};
use crate::commands;
use crate::daemon::Daemon;
use crate::failure::Failure;

/// Places it; it goes on by itself.
///
/// # Errors
/// There is no daemon, or it refuses the call.
pub(crate) async fn place(call: &CallPlace) -> Result<(), Failure> {
    let wish = wish(call).to_string();
    let wanted = Wanted { body: Some(&wish), ..Wanted::of(Method::Post, "/v1/calls") };
    let record = Daemon::find(&call.asking.daemon)?.ask(&wanted).await?;
    commands::tell(call.asking.telling.form, &record, || {
        let id = record["id"].as_str().unwrap_or_default();
        format!("calling {} from {}: call {id}", call.to, call.from)
    })
}

/// Sends them.
///
/// # Errors
/// There is no daemon, or no such call, or nobody to send them to.
pub(crate) async fn dtmf(call: &CallDtmf) -> Result<(), Failure> {
    let path = format!("/v1/calls/{}/dtmf", call.id);
    let body = json!({ "digits": call.digits }).to_string();
    let wanted = Wanted { body: Some(&body), ..Wanted::of(Method::Post, &path) };
    Daemon::find(&call.asking.daemon)?.ask(&wanted).await?;
    let sent = json!({ "id": call.id, "digits": call.digits });
    commands::tell(call.asking.telling.form, &sent, || "sent".to_owned())
}

fn wish(call: &CallPlace) -> Value {
    let mut wish = json!({ "from": call.from, "to": call.to });
    if let Some(agent) = &call.agent {
        wish["agent_id"] = agent.as_str().into();
    }
    if let Some(seconds) = call.ring {
        wish["ring_s"] = seconds.into();
    }
    if !call.parameters.is_empty() {
        let parameters: BTreeMap<_, _> = call.parameters.iter().cloned().collect();
        wish["parameters"] = json!(parameters);
    }
    wish
}
