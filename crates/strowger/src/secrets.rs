//! Secrets that the inventory only names, `{ file = "..." }` or `{ env = "..." }`, are looked up here and nowhere else:
//! the store keeps the name, the directory that calls are routed by the secret.

use numbers::{Endpoint, Fault, Inventory, Secret};

/// Puts the secret in the place of each name.
///
/// # Errors
/// Each that can't be had.
pub(crate) fn reveal(inventory: &mut Inventory) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    for (path, secret) in named(inventory) {
        match look_up(secret) {
            Ok(value) => *secret = Secret::Value(value),
            Err(message) => faults.push(Fault { path, message, remedy: REMEDY.to_owned() }),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn named(inventory: &mut Inventory) -> impl Iterator<Item = (String, &mut Secret)> {
    let agents = inventory.agents.iter_mut().enumerate().flat_map(|(index, agent)| {
        let path = format!("agents[{index}].endpoint");
        match &mut agent.endpoint {
            Endpoint::MediaStream { headers, .. } => headers
                .iter_mut()
                .map(|(name, secret)| (format!("{path}.headers.{name}"), secret))
                .collect::<Vec<_>>(),
            Endpoint::Sip { password, headers, .. } => {
                let headers =
                    headers.iter_mut().map(|(name, secret)| (format!("{path}.headers.{name}"), secret));
                let password = password.iter_mut().map(|secret| (format!("{path}.password"), secret));
                password.chain(headers).collect()
            }
            Endpoint::Echo => Vec::new(),
        }
    });
    let trunks = inventory.trunks.iter_mut().enumerate().flat_map(|(index, trunk)| {
        let inbound = trunk.inbound.iter_mut().filter_map(|side| side.password.as_mut());
        let inbound = inbound.map(move |secret| (format!("trunks[{index}].inbound.password"), secret));
        let outbound = trunk.outbound.iter_mut().filter_map(|side| side.password.as_mut());
        inbound.chain(outbound.map(move |secret| (format!("trunks[{index}].outbound.password"), secret)))
    });
    agents.chain(trunks).filter(|(_, secret)| secret.is_named())
}

/// The secret, wherever it is.
///
/// # Errors
/// Why it can't be had.
pub(crate) fn look_up(secret: &Secret) -> Result<String, String> {
    match secret {
        Secret::Value(value) => Ok(value.clone()),
        Secret::File(named) => std::fs::read_to_string(&named.file)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| format!("the file {} can't be read: {error}", named.file)),
        Secret::Env(named) => {
            std::env::var(&named.env).map_err(|_| format!("the environment has no variable {}", named.env))
        }
    }
}

pub(crate) const REMEDY: &str = "make it readable to this process, or write the secret itself";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_nowhere_is_told_with_its_path() {
        let text = "[[agents]]\nid = \"a\"\n[agents.endpoint]\nkind = \"media-stream\"\nurl = \"wss://bot.example\"\n\
                    [agents.endpoint.headers]\nX-A = \"in place\"\nX-B = { env = \"STROWGER_TEST_NOT_SET\" }\n";
        let mut inventory: Inventory = toml::from_str(text).unwrap();
        let faults = reveal(&mut inventory).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].path, "agents[0].endpoint.headers.X-B");
        assert_eq!(faults[0].message, "the environment has no variable STROWGER_TEST_NOT_SET");
    }

    #[test]
    fn a_secret_in_a_file_is_its_content_without_the_line_end() {
        let secret = Secret::File(numbers::SecretFile { file: "/proc/sys/kernel/ostype".into() });
        assert_eq!(look_up(&secret).unwrap(), "Linux");
    }
}
