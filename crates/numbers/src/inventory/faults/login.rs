//! What may be wrong with user names and passwords.

use std::collections::HashMap;

use super::Faults;
use crate::{Inventory, Secret};

/// One without the other says nothing.
pub(super) fn check(path: &str, username: Option<&str>, password: Option<&Secret>, faults: &mut Faults) {
    match (username, password) {
        (Some(username), Some(_)) => check_name(path, username, faults),
        (Some(_), None) => faults.add(
            format!("{path}.password"),
            "there is a username, and no password",
            "set the password, or remove the username",
        ),
        (None, Some(_)) => faults.add(
            format!("{path}.username"),
            "there is a password, and no username",
            "set the username, or remove the password",
        ),
        (None, None) => {}
    }
}

fn check_name(path: &str, username: &str, faults: &mut Faults) {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
    if username.is_empty() || username.len() > 64 || !username.bytes().all(is_plain) {
        let message = format!("`{}` can't be a user name", username.escape_debug());
        let remedy = "use 1 to 64 letters, digits and signs, but no space, quote or backslash";
        faults.add(format!("{path}.username"), message, remedy);
    }
}

/// Who comes in is told from others by its user name.
pub(super) fn check_shared(inventory: &Inventory, faults: &mut Faults) {
    let agents = inventory.agents.iter().enumerate();
    let agents = agents.filter_map(|(index, agent)| {
        Some((
            format!("agents[{index}].endpoint.username"),
            agent.login()?.username,
            format!("agent `{}`", agent.id),
        ))
    });
    let trunks = inventory.trunks.iter().enumerate();
    let trunks = trunks.filter_map(|(index, trunk)| {
        Some((
            format!("trunks[{index}].inbound.username"),
            trunk.login()?.username,
            format!("trunk `{}`", trunk.id),
        ))
    });
    let mut owners: HashMap<&str, String> = HashMap::new();
    for (path, username, owner) in agents.chain(trunks) {
        match owners.get(username) {
            Some(first) => {
                let message = format!("`{}` is the username of {first} too", username.escape_debug());
                faults.add(path, message, "give each its own");
            }
            None => {
                owners.insert(username, owner);
            }
        }
    }
}
