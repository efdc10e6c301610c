//! The core's questions, each answered by a task of its own.

use std::sync::Arc;
use std::time::Duration;

use b2bua::io::{Question, Ticket, Verdict};
use sip::locate::Reach;
use sip_resolve::{Config, NameServers, Resolver, SetupFault};
use tokio::task::{JoinError, JoinSet};

/// A verdict on a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    pub(crate) ticket: Ticket,
    pub(crate) verdict: Verdict,
}

/// Questions that are being answered: at most [`AT_ONCE`].
pub(crate) struct Lookups {
    /// Or why no name can be resolved, which matters only to who asks for one.
    resolver: Result<Arc<Resolver>, SetupFault>,
    tasks: JoinSet<Answer>,
}

impl Lookups {
    pub(crate) fn new(name_servers: NameServers, reach: Reach) -> Self {
        // Which of several servers comes first is no secret: without chance, all nodes choose the same.
        let seed = getrandom::u64().unwrap_or_default();
        let config = Config { patience: PATIENCE, ..Config::new(name_servers, reach, seed) };
        Self { resolver: Resolver::new(config).map(Arc::new), tasks: JoinSet::new() }
    }

    /// Starts on a question. The verdict comes from `next`, or is returned if there is no room.
    pub(crate) fn ask(&mut self, ticket: Ticket, question: Question) -> Option<Verdict> {
        if self.tasks.len() >= AT_ONCE {
            return Some(Verdict::Failed(format!("{AT_ONCE} look-ups are under way already")));
        }
        let resolver = match &self.resolver {
            Ok(resolver) => Arc::clone(resolver),
            Err(fault) => return Some(Verdict::Failed(fault.to_string())),
        };
        self.tasks.spawn(async move {
            let Question::Resolve(target) = question;
            let verdict = match resolver.locate(&target).await {
                Ok(found) => Verdict::Resolved(found),
                Err(failure) => Verdict::Failed(failure.to_string()),
            };
            Answer { ticket, verdict }
        });
        None
    }

    /// The next verdict. `None` without questions.
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        loop {
            if let Some(answer) = verdict(self.tasks.join_next().await?) {
                return Some(answer);
            }
        }
    }

    /// The next verdict, if there is one already.
    pub(crate) fn next_now(&mut self) -> Option<Answer> {
        loop {
            if let Some(answer) = verdict(self.tasks.try_join_next()?) {
                return Some(answer);
            }
        }
    }
}

fn verdict(ended: Result<Answer, JoinError>) -> Option<Answer> {
    match ended {
        Ok(answer) => Some(answer),
        Err(error) => {
            tracing::error!(%error, "a look-up ended without a verdict");
            None
        }
    }
}

/// Many times what the resolver asks name servers at once: most questions are about a name that is being asked for or known already, and
/// an agent whose name is slow must leave room for the others.
const AT_ONCE: usize = 4096;

/// Less than the core's, which would not know what was wrong.
const PATIENCE: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use sip::Transport;
    use sip::locate::Target;

    use super::*;

    fn lookups() -> Lookups {
        let local: SocketAddr = "127.0.0.1:5060".parse().unwrap();
        Lookups::new(NameServers::System, Reach::of([(Transport::Udp, local)]))
    }

    fn question(host: &str) -> Question {
        Question::Resolve(Target::host(host, Some(5070), None).unwrap())
    }

    async fn places(lookups: &mut Lookups) -> Result<Vec<String>, String> {
        match lookups.next().await.unwrap().verdict {
            Verdict::Resolved(found) => Ok(found.iter().map(ToString::to_string).collect()),
            Verdict::Failed(words) => Err(words),
        }
    }

    #[tokio::test]
    async fn a_name_resolves_to_places_that_a_listener_can_reach() {
        let mut lookups = lookups();
        assert_eq!(lookups.ask(Ticket(1), question("localhost")), None);
        assert_eq!(places(&mut lookups).await, Ok(vec!["udp 127.0.0.1:5070 (localhost)".to_owned()]));
        assert_eq!(lookups.next().await, None);
    }

    #[tokio::test]
    async fn an_address_that_no_listener_can_reach_is_none() {
        let mut lookups = lookups();
        assert_eq!(lookups.ask(Ticket(2), question("::1")), None);
        assert_eq!(places(&mut lookups).await, Err("::1: no listener of ours has its IP version".to_owned()));
    }

    #[tokio::test]
    async fn without_a_resolver_only_who_asks_for_a_name_hears_of_it() {
        let reach = Reach::of([(Transport::Udp, "127.0.0.1:5060".parse().unwrap())]);
        let mut lookups = Lookups::new(NameServers::At(Vec::new()), reach);
        let words = "no name server is given".to_owned();
        assert_eq!(lookups.ask(Ticket(1), question("pbx.test")), Some(Verdict::Failed(words)));
    }

    #[tokio::test]
    async fn a_name_that_is_slow_leaves_room_for_the_others() {
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let reach = Reach::of([(Transport::Udp, "127.0.0.1:5060".parse().unwrap())]);
        let mut lookups = Lookups::new(NameServers::At(vec![silent.local_addr().unwrap()]), reach);
        for number in 0..1_000 {
            assert_eq!(lookups.ask(Ticket(number), question("slow.test")), None);
        }
        assert_eq!(lookups.ask(Ticket(1_000), question("127.0.0.1")), None);
        assert_eq!(lookups.next().await.unwrap().ticket, Ticket(1_000));
    }

    #[tokio::test]
    async fn verdicts_that_are_there_are_taken_without_waiting() {
        let mut lookups = lookups();
        for number in 0..10 {
            assert_eq!(lookups.ask(Ticket(number), question("127.0.0.1")), None);
        }
        assert_eq!(lookups.next_now(), None, "nobody has worked at them");
        assert!(lookups.next().await.is_some());
        let taken = std::iter::from_fn(|| lookups.next_now()).count();
        assert_eq!(taken, 9);
    }

    #[tokio::test]
    async fn questions_over_the_bound_fail_at_once() {
        let mut lookups = lookups();
        for number in 0..AT_ONCE as u64 {
            assert_eq!(lookups.ask(Ticket(number), question("127.0.0.1")), None);
        }
        assert!(matches!(
            lookups.ask(Ticket(AT_ONCE as u64), question("127.0.0.1")),
            Some(Verdict::Failed(_))
        ));
        let mut answered = 0;
        while lookups.next().await.is_some() {
            answered += 1;
        }
        assert_eq!(answered, AT_ONCE);
    }
}
