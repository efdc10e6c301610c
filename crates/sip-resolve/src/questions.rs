//! Questions under way and answers kept: who asks the same at the same time waits for the same answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sip::locate::{Answer, Cache, Question, Trouble};
use tokio::sync::watch;

use crate::dns::Dns;

#[derive(Debug)]
pub(crate) struct Questions {
    dns: Dns,
    at_once: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    cache: Cache,
    under_way: HashMap<Question, Pending>,
}

type Pending = watch::Receiver<Option<Answer>>;

enum Entry {
    Known(Answer),
    Join(Pending),
    Start(watch::Sender<Option<Answer>>, Pending),
}

impl Questions {
    pub(crate) fn new(dns: Dns, room: usize, at_once: usize) -> Self {
        let state = State { cache: Cache::new(room), under_way: HashMap::new() };
        Self { dns, at_once, state: Mutex::new(state) }
    }

    /// Answers from the cache, from a question under way, or from DNS. The question goes on if its asker does not
    /// wait: the answer is for the next one.
    pub(crate) async fn ask(self: Arc<Self>, question: Question) -> (Question, Answer) {
        let mut pending = match self.enter(&question) {
            Entry::Known(answer) => return (question, answer),
            Entry::Join(pending) => pending,
            Entry::Start(asked, pending) => {
                tokio::spawn(Arc::clone(&self).look_up(question.clone(), asked));
                pending
            }
        };
        let answer = match pending.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone(),
            Err(_) => None,
        };
        let lost = || Answer::Failed(Trouble::Server("the look-up broke off".to_owned()));
        (question, answer.unwrap_or_else(lost))
    }

    fn enter(&self, question: &Question) -> Entry {
        let mut state = self.state();
        if let Some(answer) = state.cache.get(question, Instant::now()) {
            return Entry::Known(answer.clone());
        }
        if let Some(pending) = state.under_way.get(question).filter(|pending| is_alive(pending)) {
            return Entry::Join(pending.clone());
        }
        if state.under_way.len() >= self.at_once {
            state.under_way.retain(|_, pending| is_alive(pending));
        }
        if state.under_way.len() >= self.at_once {
            return Entry::Known(Answer::Failed(Trouble::Busy));
        }
        let (asked, pending) = watch::channel(None);
        state.under_way.insert(question.clone(), pending.clone());
        Entry::Start(asked, pending)
    }

    async fn look_up(self: Arc<Self>, question: Question, asked: watch::Sender<Option<Answer>>) {
        let (answer, ttl) = self.dns.ask(&question).await;
        tracing::debug!(%question, ?answer, ?ttl, "DNS");
        self.keep(&question, &answer, ttl);
        asked.send_replace(Some(answer));
    }

    fn keep(&self, question: &Question, answer: &Answer, ttl: Duration) {
        let mut state = self.state();
        state.cache.insert(question.clone(), answer.clone(), ttl, Instant::now());
        state.under_way.remove(question);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an answer may still come: the task of a dead one ended without.
fn is_alive(pending: &Pending) -> bool {
    pending.has_changed().is_ok() || pending.borrow().is_some()
}

#[cfg(test)]
mod tests {
    use sip::locate::{Absent, Kind};

    use super::*;
    use crate::config::NameServers;

    fn questions(at_once: usize) -> Questions {
        let nobody = NameServers::At(vec!["127.0.0.1:9".parse().unwrap()]);
        Questions::new(Dns::new(&nobody, Duration::from_secs(1)).unwrap(), 8, at_once)
    }

    fn question(name: &str) -> Question {
        Question { kind: Kind::A, name: name.to_owned() }
    }

    #[tokio::test]
    async fn a_look_up_that_broke_off_is_neither_joined_nor_counted() {
        let questions = questions(1);
        for name in ["a.test.", "a.test.", "b.test."] {
            assert!(matches!(questions.enter(&question(name)), Entry::Start(..)), "{name}");
        }
    }

    #[tokio::test]
    async fn one_under_way_is_joined_and_takes_the_only_place_until_it_is_answered() {
        let questions = questions(1);
        let Entry::Start(asked, _pending) = questions.enter(&question("a.test.")) else {
            panic!("not started")
        };
        assert!(matches!(questions.enter(&question("a.test.")), Entry::Join(_)));
        let busy = Answer::Failed(Trouble::Busy);
        assert!(matches!(questions.enter(&question("b.test.")), Entry::Known(answer) if answer == busy));
        questions.keep(&question("a.test."), &Answer::Absent(Absent::Name), Duration::from_mins(1));
        drop(asked);
        assert!(matches!(questions.enter(&question("a.test.")), Entry::Known(Answer::Absent(Absent::Name))));
        assert!(matches!(questions.enter(&question("b.test.")), Entry::Start(..)));
    }
}
