//! What is wrong with an inventory whose shape is right.

mod agent;
mod carriers;
mod headers;
mod login;
mod number;
#[cfg(test)]
mod tests;
mod trunk;

use std::collections::HashMap;

use super::Inventory;
use crate::{AllowedCountries, Destination};

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The key, like `numbers[3].trunk_id`. Indices count from zero, in the order of the file.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.message, self.remedy)
    }
}

impl Inventory {
    /// Everything that is wrong with it, in the order settings, agents, trunks, numbers. Empty if it may become a
    /// [`crate::Directory`].
    ///
    /// What a later version will do and this one does not is wrong too: nothing that is written down is silently
    /// ignored.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Faults::default();
        let agents = Ids::new("agents", self.agents.iter().map(|agent| agent.id.as_str()));
        let trunks = Ids::new("trunks", self.trunks.iter().map(|trunk| trunk.id.as_str()));
        if let Some(id) = &self.settings.default_agent_id {
            agents.check_reference(|| "settings.default_agent_id".to_owned(), id, &mut faults);
        }
        if let Some(id) = &self.settings.workspace_id {
            check_id("settings.workspace_id", id, &mut faults);
        }
        agents.check(&mut faults);
        for (index, agent) in self.agents.iter().enumerate() {
            agent::check(&format!("agents[{index}]"), agent, &agents, &mut faults);
        }
        agent::check_fallback_loops(&self.agents, &mut faults);
        trunks.check(&mut faults);
        for (index, trunk) in self.trunks.iter().enumerate() {
            trunk::check(&format!("trunks[{index}]"), trunk, &mut faults);
        }
        trunk::check_overlaps(&self.trunks, &mut faults);
        carriers::check(&self.agents, &self.trunks, &mut faults);
        login::check_shared(self, &mut faults);
        number::check_all(&self.numbers, &trunks, &agents, &mut faults);
        faults.0
    }
}

/// The faults found so far.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Fault { path: path.into(), message: message.into(), remedy: remedy.into() });
    }

    /// A key that is known, but that nothing acts on.
    fn add_unsupported(&mut self, path: impl Into<String>, what: &str, remedy: &str) {
        self.add(path, format!("this version {what}"), remedy);
    }
}

/// The ids of one kind of object, in the order of the file.
struct Ids<'a> {
    kind: &'static str,
    in_order: Vec<&'a str>,
    first: HashMap<&'a str, usize>,
}

impl<'a> Ids<'a> {
    fn new(kind: &'static str, ids: impl Iterator<Item = &'a str>) -> Self {
        let ids: Vec<_> = ids.collect();
        let first = ids.iter().enumerate().rev().map(|(index, id)| (*id, index)).collect();
        Self { kind, in_order: ids, first }
    }

    fn check(&self, faults: &mut Faults) {
        for (index, id) in self.in_order.iter().enumerate() {
            let path = format!("{}[{index}].id", self.kind);
            check_id(&path, id, faults);
            if let Some(first) = self.first.get(id).filter(|first| **first != index) {
                let message = format!("`{id}` is the id of {}[{first}] too", self.kind);
                faults.add(path, message, "give each its own id, or remove one of them");
            }
        }
    }

    fn check_reference(&self, path: impl FnOnce() -> String, id: &str, faults: &mut Faults) {
        if self.first.contains_key(id) {
            return;
        }
        let kind = self.kind;
        let remedy = match self.in_order.as_slice() {
            [] => format!("add it to [[{kind}]]"),
            ids => format!("add it to [[{kind}]], or use one of: {}", ids[..ids.len().min(5)].join(", ")),
        };
        faults.add(path(), format!("no {} has the id `{id}`", kind.trim_end_matches('s')), remedy);
    }
}

/// Ids stand in URLs, records and metric labels.
fn check_id(path: &str, id: &str, faults: &mut Faults) {
    let is_id_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if id.is_empty() || id.len() > 64 || !id.bytes().all(is_id_byte) {
        let remedy = "use 1 to 64 letters, digits, `-`, `_` and `.`";
        faults.add(path, format!("`{}` is no id", id.escape_debug()), remedy);
    }
}

fn check_limit(path: impl FnOnce() -> String, limit: Option<u32>, faults: &mut Faults) {
    if limit == Some(0) {
        faults.add(path(), "0 would refuse every call", "leave it out for no limit, or set 1 or more");
    }
}

fn check_destinations(path: impl Fn() -> String, allowed: Option<&AllowedCountries>, faults: &mut Faults) {
    for destination in allowed.into_iter().flat_map(|allowed| &allowed.0) {
        match destination {
            Destination::Country(country) if country.calling_code().is_none() => {
                let remedy = "use two letters of ISO 3166, like US or GB";
                faults.add(path(), format!("`{country}` is no country with telephones"), remedy);
            }
            Destination::NonGeographic(code) if !NON_GEOGRAPHIC.contains(code) => {
                let remedy =
                    "name countries by their letters, like US; codes are for +800, +883 and their like";
                faults.add(path(), format!("`+{code}` is no non-geographic code"), remedy);
            }
            Destination::Worldwide | Destination::Country(_) | Destination::NonGeographic(_) => {}
        }
    }
}

/// Calling codes of services and networks that belong to no country.
const NON_GEOGRAPHIC: [u16; 9] = [800, 808, 870, 878, 881, 882, 883, 888, 979];
