//! The core's questions, each answered by a task of its own.

use std::net::SocketAddr;
use std::time::Duration;

use b2bua::io::{Question, Ticket, Verdict};
use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The IP versions that our listeners can send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Families {
    v4: bool,
    v6: bool,
}

impl Families {
    pub(crate) fn of(locals: impl Iterator<Item = SocketAddr>) -> Self {
        locals.fold(Self { v4: false, v6: false }, |families, local| Self {
            v4: families.v4 || local.is_ipv4(),
            v6: families.v6 || local.is_ipv6(),
        })
    }

    const fn reach(self, address: &SocketAddr) -> bool {
        if address.is_ipv4() { self.v4 } else { self.v6 }
    }
}

/// A verdict, and the name that it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    pub(crate) ticket: Ticket,
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
}

/// Questions that are being answered: at most [`AT_ONCE`].
pub(crate) struct Lookups {
    families: Families,
    tasks: JoinSet<Answer>,
}

impl Lookups {
    pub(crate) fn new(families: Families) -> Self {
        Self { families, tasks: JoinSet::new() }
    }

    /// Starts on a question. The verdict comes from `next`, or is returned if there is no room.
    pub(crate) fn ask(&mut self, ticket: Ticket, question: Question) -> Option<Verdict> {
        if self.tasks.len() >= AT_ONCE {
            return Some(Verdict::Failed(format!("{AT_ONCE} look-ups are under way already")));
        }
        let families = self.families;
        self.tasks.spawn(async move {
            let Question::Resolve { host, port } = question;
            let verdict = resolve(&host, port, families).await;
            Answer { ticket, name: host, verdict }
        });
        None
    }

    /// The next verdict. `None` without questions.
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        loop {
            match self.tasks.join_next().await? {
                Ok(answer) => return Some(answer),
                Err(error) => tracing::error!(%error, "a look-up ended without a verdict"),
            }
        }
    }
}

async fn resolve(host: &str, port: u16, families: Families) -> Verdict {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let found = match timeout(PATIENCE, lookup_host((literal, port))).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Verdict::Failed(format!("{host}: name not found ({error})")),
        Err(_) => return Verdict::Failed(format!("{host}: no answer from DNS in {} s", PATIENCE.as_secs())),
    };
    let mut addresses = Vec::new();
    for address in found.filter(|address| families.reach(address)) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Verdict::Failed(format!("{host}: no address of an IP version that [sip] listens on"));
    }
    Verdict::Resolved(addresses)
}

const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve_question(host: &str) -> Question {
        Question::Resolve { host: host.into(), port: 5070 }
    }

    async fn told(lookups: &mut Lookups) -> Option<(Ticket, Verdict)> {
        lookups.next().await.map(|answer| (answer.ticket, answer.verdict))
    }

    #[tokio::test]
    async fn a_name_resolves_to_addresses_that_a_listener_can_reach() {
        let mut lookups = Lookups::new(Families { v4: true, v6: false });
        assert_eq!(lookups.ask(Ticket(1), resolve_question("localhost")), None);
        let resolved = Verdict::Resolved(vec!["127.0.0.1:5070".parse().unwrap()]);
        assert_eq!(told(&mut lookups).await, Some((Ticket(1), resolved)));
        assert_eq!(lookups.next().await, None);
    }

    #[tokio::test]
    async fn an_address_that_no_listener_can_reach_is_none() {
        let mut lookups = Lookups::new(Families { v4: true, v6: false });
        assert_eq!(lookups.ask(Ticket(2), resolve_question("[::1]")), None);
        let failed = Verdict::Failed("[::1]: no address of an IP version that [sip] listens on".into());
        assert_eq!(told(&mut lookups).await, Some((Ticket(2), failed)));
    }

    #[tokio::test]
    async fn questions_over_the_bound_fail_at_once() {
        let mut lookups = Lookups::new(Families { v4: true, v6: false });
        for number in 0..AT_ONCE as u64 {
            assert_eq!(lookups.ask(Ticket(number), resolve_question("127.0.0.1")), None);
        }
        assert!(matches!(lookups.ask(Ticket(99), resolve_question("127.0.0.1")), Some(Verdict::Failed(_))));
        let mut answered = 0;
        while lookups.next().await.is_some() {
            answered += 1;
        }
        assert_eq!(answered, AT_ONCE);
    }
}
