//! `number list`, `agent list`, `trunk list`, `call list`: what the store holds, as a table or as JSON.

use b2bua::CallRecord;
use comfy_table::Table;
use numbers::{Agent, Endpoint, Inventory, NumberStatus, Trunk};
use serde::Serialize;
use serde_json::Value;

use crate::calendar::{duration, short_utc};
use crate::table::{items, table, without_credentials};

/// What a list is of, ready to print either way.
pub(crate) struct Listed {
    pub(crate) table: Table,
    pub(crate) json: Value,
}

pub(crate) fn numbers(inventory: &Inventory) -> serde_json::Result<Listed> {
    let default = inventory.settings.default_agent_id.as_deref();
    let rows = inventory.numbers.iter().map(|number| {
        let agent = match (number.agent_id.as_deref(), default) {
            (Some(agent), _) => agent.to_owned(),
            (None, Some(default)) => format!("{default} (default)"),
            (None, None) => NONE.to_owned(),
        };
        let status = match number.status {
            NumberStatus::Active => "active",
            NumberStatus::Pending => "pending",
            NumberStatus::Suspended => "suspended",
        };
        let label = number.label.clone().unwrap_or_default();
        let (inbound, outbound) = (switch(number.inbound), switch(number.outbound));
        vec![
            number.e164.to_string(),
            label,
            number.trunk_id.clone(),
            agent,
            inbound,
            outbound,
            status.to_owned(),
        ]
    });
    let table = table(&["NUMBER", "LABEL", "TRUNK", "AGENT", "IN", "OUT", "STATUS"], rows);
    Ok(Listed { table, json: items(values(&inventory.numbers)?) })
}

pub(crate) fn agents(inventory: &Inventory) -> serde_json::Result<Listed> {
    let rows = inventory.agents.iter().map(|agent| {
        let (kind, place) = reached(agent);
        let fallback = agent.fallback_agent_id.clone().unwrap_or_else(|| NONE.to_owned());
        let name = agent.name.clone().unwrap_or_default();
        vec![agent.id.clone(), name, kind.to_owned(), place, fallback, limit(agent.max_calls)]
    });
    let table = table(&["AGENT", "NAME", "KIND", "REACHED AT", "FALLBACK", "MAX CALLS"], rows);
    Ok(Listed { table, json: items(values(&inventory.agents)?) })
}

pub(crate) fn trunks(inventory: &Inventory) -> serde_json::Result<Listed> {
    let rows = inventory.trunks.iter().map(|trunk| {
        let label = trunk.label.clone().unwrap_or_default();
        vec![trunk.id.clone(), label, sources(trunk), gateways(trunk), limit(trunk.limits.max_calls)]
    });
    let table = table(&["TRUNK", "LABEL", "CALLS FROM", "CALLS TO", "MAX CALLS"], rows);
    Ok(Listed { table, json: items(values(&inventory.trunks)?) })
}

pub(crate) fn calls(records: &[CallRecord]) -> serde_json::Result<Listed> {
    Ok(Listed { table: call_table(records), json: items(values(records)?) })
}

/// A row for each call: when, who, what became of it.
pub(crate) fn call_table(records: &[CallRecord]) -> Table {
    let rows = records.iter().map(|record| {
        let party = |e164: &Option<String>, raw: &str| e164.clone().unwrap_or_else(|| raw.to_owned());
        let sip = record.sip_status.map_or_else(|| NONE.to_owned(), |status| status.to_string());
        vec![
            record.id.chars().take(SHORT_ID).collect(),
            short_utc(record.invite_at),
            party(&record.from, &record.from_raw),
            party(&record.to, &record.to_raw),
            record.agent_id.clone().unwrap_or_else(|| NONE.to_owned()),
            record.status.as_ref().map_or_else(|| "up".to_owned(), word),
            sip,
            duration(record.duration_ms),
            record.ended_by.as_ref().map_or_else(|| NONE.to_owned(), word),
            record.reason.clone().unwrap_or_default(),
        ]
    });
    table(
        &["ID", "INVITE (UTC)", "FROM", "TO", "AGENT", "STATUS", "SIP", "LASTED", "ENDED BY", "REASON"],
        rows,
    )
}

/// The word that an enum of the interface serialises to.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

fn values<T: Serialize>(list: &[T]) -> serde_json::Result<Vec<Value>> {
    list.iter().map(serde_json::to_value).collect()
}

fn reached(agent: &Agent) -> (&'static str, String) {
    match &agent.endpoint {
        Endpoint::MediaStream { url, .. } => ("media-stream", without_credentials(url)),
        Endpoint::Sip { uri, .. } => ("sip", uri.clone()),
        Endpoint::Echo => ("echo", "(built in)".to_owned()),
    }
}

fn sources(trunk: &Trunk) -> String {
    match &trunk.inbound {
        Some(inbound) if inbound.enabled => {
            inbound.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        Some(_) | None => NONE.to_owned(),
    }
}

fn gateways(trunk: &Trunk) -> String {
    match &trunk.outbound {
        Some(outbound) if outbound.enabled => {
            outbound.gateways.iter().map(|gateway| gateway.host.clone()).collect::<Vec<_>>().join(", ")
        }
        Some(_) | None => NONE.to_owned(),
    }
}

fn switch(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn limit(most: Option<u32>) -> String {
    most.map_or_else(|| NONE.to_owned(), |most| most.to_string())
}

/// Of an id, enough to name one of millions.
const SHORT_ID: usize = 8;
const NONE: &str = "-";
