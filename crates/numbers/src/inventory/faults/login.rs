//! What may be wrong with user names and passwords.

use std::collections::HashMap;

use super::Faults;
use crate::{Inventory, Password, Secret};

/// What is shown to us.
pub(super) fn check_shown(
    path: &str,
    username: Option<&str>,
    password: Option<&Password>,
    faults: &mut Faults,
) {
    check_pair([&format!("{path}.username"), &format!("{path}.password")], username, password, faults);
    if let (Some(username), Some(Password::Kept(kept))) = (username, password)
        && kept.username != username
    {
        let message = format!(
            "what is kept of the password is of the username `{}`, and of no use for another",
            kept.username.escape_debug()
        );
        faults.add(format!("{path}.password"), message, "give the password again");
    }
}

/// What we show, by the keys of these beginnings.
pub(super) fn check_ours(path: &str, username: Option<&str>, password: Option<&Secret>, faults: &mut Faults) {
    check_pair([&format!("{path}username"), &format!("{path}password")], username, password, faults);
}

/// One without the other says nothing.
fn check_pair<P>(paths: [&str; 2], username: Option<&str>, password: Option<P>, faults: &mut Faults) {
    let [for_name, for_password] = paths;
    match (username, password) {
        (Some(username), Some(_)) => check_name(for_name, username, faults),
        (Some(_), None) => faults.add(
            for_password,
            "there is a username, and no password",
            "set the password, or remove the username",
        ),
        (None, Some(_)) => faults.add(
            for_name,
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
        faults.add(path, message, remedy);
    }
}

/// Who comes in is told from others by its user name.
pub(super) fn check_shared(inventory: &Inventory, faults: &mut Faults) {
    let agents = inventory.agents.iter().enumerate();
    let agents = agents.filter_map(|(index, agent)| {
        Some((
            format!("agents[{index}].endpoint.username"),
            agent.account()?.username,
            format!("agent `{}`", agent.id),
        ))
    });
    let trunks = inventory.trunks.iter().enumerate();
    let trunks = trunks.filter_map(|(index, trunk)| {
        Some((
            format!("trunks[{index}].inbound.username"),
            trunk.account()?.username,
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
