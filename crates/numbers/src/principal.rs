//! Who shows a user name and a password: others to us, and we to others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::{Agent, Endpoint, Outbound, Password, Secret, Trunk};

/// What somebody has to show us.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The name.
    pub username: &'a str,
    /// The password, or what is kept of it.
    pub password: &'a Password,
}

/// What we show to who asks: in any realm, and so it takes the password itself.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The name.
    pub username: &'a str,
    /// The password.
    pub password: &'a Secret,
}

/// Somebody that is known by a user name and a password.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A PBX or carrier.
    Trunk(Arc<Trunk>),
    /// A SIP agent.
    Agent(Arc<Agent>),
}

impl Principal {
    /// What it has to show.
    pub fn account(&self) -> Option<Account<'_>> {
        match self {
            Self::Trunk(trunk) => trunk.account(),
            Self::Agent(agent) => agent.account(),
        }
    }

    /// Whether it may come from there: where it has addresses, they count beside its password.
    pub fn may_come_from(&self, source: IpAddr) -> bool {
        let addresses = self.addresses();
        addresses.is_empty() || addresses.iter().any(|network| network.contains(&source.to_canonical()))
    }

    fn addresses(&self) -> &[IpNet] {
        match self {
            Self::Trunk(trunk) => {
                trunk.inbound.as_ref().map(|inbound| inbound.addresses.as_slice()).unwrap_or_default()
            }
            Self::Agent(agent) => match &agent.endpoint {
                Endpoint::Sip { addresses, .. } => addresses,
                Endpoint::MediaStream { .. } | Endpoint::Echo => &[],
            },
        }
    }
}

impl Trunk {
    /// What it has to show us.
    pub fn account(&self) -> Option<Account<'_>> {
        let inbound = self.inbound.as_ref()?;
        account(inbound.username.as_deref(), inbound.password.as_ref())
    }
}

impl Agent {
    /// What it has to show us.
    pub fn account(&self) -> Option<Account<'_>> {
        match &self.endpoint {
            Endpoint::Sip { username, password, .. } => account(username.as_deref(), password.as_ref()),
            Endpoint::MediaStream { .. } | Endpoint::Echo => None,
        }
    }

    /// What we have to show it where it asks.
    pub fn login(&self) -> Option<Login<'_>> {
        match &self.endpoint {
            Endpoint::Sip { call_username, call_password, .. } => {
                login(call_username.as_deref(), call_password.as_ref())
            }
            Endpoint::MediaStream { .. } | Endpoint::Echo => None,
        }
    }
}

impl Outbound {
    /// What we have to show.
    pub fn login(&self) -> Option<Login<'_>> {
        login(self.username.as_deref(), self.password.as_ref())
    }
}

fn account<'a>(username: Option<&'a str>, password: Option<&'a Password>) -> Option<Account<'a>> {
    Some(Account { username: username?, password: password? })
}

fn login<'a>(username: Option<&'a str>, password: Option<&'a Secret>) -> Option<Login<'a>> {
    Some(Login { username: username?, password: password? })
}

/// Everybody who has a user name.
#[derive(Debug, Default)]
pub(crate) struct Principals {
    by_username: HashMap<String, Principal>,
    roaming: Roaming,
}

/// Whether somebody is known by a password alone, wherever it comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Roaming {
    #[default]
    Nobody,
    Somebody,
}

impl Principals {
    pub(crate) fn new(trunks: &[Arc<Trunk>], agents: &[Arc<Agent>]) -> Self {
        let trunks =
            trunks.iter().filter(|trunk| trunk.inbound.as_ref().is_some_and(|inbound| inbound.enabled));
        let trunks = trunks.map(|trunk| Principal::Trunk(Arc::clone(trunk)));
        let all = trunks.chain(agents.iter().map(|agent| Principal::Agent(Arc::clone(agent))));
        let mut principals = Self::default();
        for principal in all {
            let Some(username) = principal.account().map(|account| account.username.to_owned()) else {
                continue;
            };
            if principal.addresses().is_empty() {
                principals.roaming = Roaming::Somebody;
            }
            principals.by_username.insert(username, principal);
        }
        principals
    }

    pub(crate) fn find(&self, username: &str) -> Option<&Principal> {
        self.by_username.get(username)
    }

    pub(crate) const fn roaming(&self) -> Roaming {
        self.roaming
    }
}
