//! Passwords of another realm: what is kept of a password is good in the realm that it was made for alone, and who has to show it elsewhere
//! is refused until it is given again. That is no fault of the inventory, and told.

use super::{Agent, Inventory, Trunk};
use crate::Password;
use crate::principal::Account;

impl Inventory {
    /// Whose passwords are no good where we challenge in this realm, and what to do, in words.
    pub fn useless_passwords(&self, realm: &str) -> Vec<String> {
        let agents = self.agents.iter().filter_map(|agent| agent.useless_password(realm));
        agents.chain(self.trunks.iter().filter_map(|trunk| trunk.useless_password(realm))).collect()
    }
}

impl Agent {
    /// That its password is no good where we challenge in this realm, and what to do, in words; `None` where it is.
    pub fn useless_password(&self, realm: &str) -> Option<String> {
        Some(format!("agent `{}` {}", self.id, useless(self.account()?, realm)?))
    }
}

impl Trunk {
    /// The same of a trunk.
    pub fn useless_password(&self, realm: &str) -> Option<String> {
        Some(format!("trunk `{}` {}", self.id, useless(self.account()?, realm)?))
    }
}

fn useless(account: Account<'_>, realm: &str) -> Option<String> {
    let Password::Kept(kept) = account.password else { return None };
    (kept.realm != realm).then(|| {
        format!(
            "can't show its password: what is kept of it is for the realm `{}`, and sip.realm is `{realm}`; \
             give the password again, or set sip.realm back",
            kept.realm.escape_debug()
        )
    })
}
