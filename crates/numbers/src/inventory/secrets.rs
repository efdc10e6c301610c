//! The secrets of an inventory, each with its key.

use super::{Endpoint, Fault, Inventory};
use crate::{Password, Secret};

impl Inventory {
    /// Puts in each secret that is named by a file or variable what `read` makes of it.
    ///
    /// # Errors
    ///
    /// One fault for each that `read` has no answer for; its words are the message.
    pub fn resolve(
        mut self,
        mut read: impl FnMut(&Secret) -> Result<String, String>,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        for (path, secret) in self.secrets_mut() {
            if !secret.is_named() {
                continue;
            }
            match read(secret) {
                Ok(value) => *secret = Secret::Value(value),
                Err(message) => {
                    let remedy = "make the named file or variable readable where the daemon runs".to_owned();
                    faults.push(Fault { path, message, remedy });
                }
            }
        }
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }

    /// The same for eyes: secrets, what is kept of passwords, parameters of streams, and credentials and queries in URLs, are `***`. What is only named stays.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        for password in self.passwords_mut() {
            if let Password::Kept(_) = password {
                *password = Password::Given(Secret::from("***"));
            }
        }
        for (_, secret) in self.secrets_mut() {
            if !secret.is_named() {
                *secret = Secret::from("***");
            }
        }
        for agent in &mut self.agents {
            if let Endpoint::MediaStream { url, parameters, .. } = &mut agent.endpoint {
                *url = super::agent::without_credentials(url);
                for value in parameters.values_mut() {
                    "***".clone_into(value);
                }
            }
        }
        self
    }

    /// The secrets that are named by a file or variable, each with its key.
    pub fn named_secrets(&mut self) -> impl Iterator<Item = (String, &Secret)> {
        let secrets = self.secrets_mut().into_iter().map(|(path, secret)| (path, &*secret));
        secrets.filter(|(_, secret)| secret.is_named())
    }

    /// A fault for each secret that is not resolved.
    pub(crate) fn unresolved(&mut self) -> Vec<Fault> {
        let fault = |(path, secret)| Fault {
            path,
            message: format!("{secret:?} has not been read"),
            remedy: "give the value in place, or make the file or variable readable".to_owned(),
        };
        self.named_secrets().map(fault).collect()
    }

    fn passwords_mut(&mut self) -> impl Iterator<Item = &mut Password> {
        let agents = self.agents.iter_mut().filter_map(|agent| match &mut agent.endpoint {
            Endpoint::Sip { password, .. } => password.as_mut(),
            Endpoint::MediaStream { .. } | Endpoint::Echo => None,
        });
        agents.chain(self.trunks.iter_mut().filter_map(|trunk| trunk.inbound.as_mut()?.password.as_mut()))
    }

    fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let mut secrets = Vec::new();
        for (index, agent) in self.agents.iter_mut().enumerate() {
            let path = format!("agents[{index}].endpoint");
            match &mut agent.endpoint {
                Endpoint::MediaStream { headers, .. } => {
                    let headers = headers.iter_mut();
                    secrets.extend(headers.map(|(name, secret)| (format!("{path}.headers.{name}"), secret)));
                }
                Endpoint::Sip { password, call_password, headers, .. } => {
                    let password = password.iter_mut().filter_map(Password::given_mut);
                    secrets.extend(password.map(|secret| (format!("{path}.password"), secret)));
                    let call_password = call_password.iter_mut();
                    secrets.extend(call_password.map(|secret| (format!("{path}.call_password"), secret)));
                    let headers = headers.iter_mut();
                    secrets.extend(headers.map(|(name, secret)| (format!("{path}.headers.{name}"), secret)));
                }
                Endpoint::Echo => {}
            }
        }
        for (index, trunk) in self.trunks.iter_mut().enumerate() {
            let path = format!("trunks[{index}]");
            if let Some(inbound) = &mut trunk.inbound {
                let password = inbound.password.iter_mut().filter_map(Password::given_mut);
                secrets.extend(password.map(|secret| (format!("{path}.inbound.password"), secret)));
            }
            if let Some(outbound) = &mut trunk.outbound {
                let path = format!("{path}.outbound");
                secrets
                    .extend(outbound.password.iter_mut().map(|secret| (format!("{path}.password"), secret)));
                let headers = outbound.headers.iter_mut();
                secrets.extend(headers.map(|(name, secret)| (format!("{path}.headers.{name}"), secret)));
            }
        }
        secrets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_secret() {
        let inventory: Inventory = toml::from_str(
            "agents = [{ id = 'a', endpoint = { kind = 'media-stream', url = 'ws://u:hunter2@h/x?t=hunter2', headers = { A = 'hunter2', B = { env = 'B' } }, parameters = { D = 'hunter2' } } }]
             trunks = [{ id = 't', inbound = { password = 'hunter2' }, outbound = { password = 'hunter2', headers = { C = 'hunter2' } } }]",
        )
        .unwrap();
        let shown = serde_json::to_string(&inventory.redacted()).unwrap();
        assert!(
            !shown.contains("hunter2") && shown.contains("ws://h/x") && shown.contains(r#"{"env":"B"}"#),
            "{shown}"
        );
    }
}
