//! A call from one handset through the daemon to another, from the INVITE to the BYE.

use std::future::pending;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use phone::Phone;
use tokio::sync::oneshot;

use crate::handset::{Handset, Manner};
use crate::heard::Account;

/// Both ends.
pub(crate) struct Call {
    pub(crate) caller: Handset,
    pub(crate) callee: Handset,
    /// Is told, once each has heard the other, which ports of the daemon the caller and the callee send to.
    pub(crate) talking: Option<oneshot::Sender<[SocketAddr; 2]>>,
    /// Nobody hangs up before it comes, of who was told.
    pub(crate) meddling: Option<oneshot::Receiver<()>>,
}

/// What the call came to: the account of what was said by each end, as the other heard it.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) from_caller: Account,
    pub(crate) from_callee: Account,
    /// Datagrams that were nothing that was agreed on.
    pub(crate) strange: usize,
    /// How the call ended, of both phones.
    pub(crate) faults: Vec<String>,
    /// Of SRTP, as descriptions write them: those that each end said, and those that it was told.
    pub(crate) keys: Vec<String>,
}

impl Call {
    /// Between two of these manners; what is random in it comes of the seed.
    pub(crate) async fn between(manners: [Manner; 2], seed: u32) -> Self {
        let seed = u64::from(seed) * 2;
        Self {
            caller: Handset::new(manners[0], seed + 1).await,
            callee: Handset::new(manners[1], seed + 2).await,
            talking: None,
            meddling: None,
        }
    }

    /// Plays it to its end.
    pub(crate) async fn play(mut self, number: &str, daemon: SocketAddr) -> Story {
        let began = Instant::now();
        self.caller.call(number, daemon);
        let (mut talking, mut said_all, mut finished, mut hung_up) = (false, None, None, false);
        loop {
            let now = Instant::now();
            if !talking && self.caller.is_up() && self.callee.is_up() {
                talking = true;
                self.caller.begin(now);
                self.callee.begin(now);
            }
            if !self.caller.heard.is_empty()
                && !self.callee.heard.is_empty()
                && let Some(told) = self.talking.take()
            {
                told.send([self.caller.far(), self.callee.far()]).unwrap();
            }
            self.caller.turn(now).await;
            self.callee.turn(now).await;
            let has_said_all = talking && self.caller.has_said_all() && self.callee.has_said_all();
            // Who was never told does not come.
            let is_left_alone = self.meddling.is_none() || self.talking.is_some();
            if has_said_all && is_left_alone && !hung_up {
                // On a busy machine much of what was said may be on its way still.
                let heard = [&self.caller, &self.callee].map(|end| end.heard.last().map(|packet| packet.at));
                let last = heard.into_iter().flatten().max();
                let since = *said_all.get_or_insert(now);
                finished = Some(last.map_or(since, |last| last.max(since)) + TAIL);
            }
            if finished.is_some_and(|end| end <= now) {
                self.phones().for_each(|phone| phone.hang_up(now));
                (hung_up, finished) = (true, None);
                continue;
            }
            if self.phones().count() == 2 && self.phones().all(|phone| phone.outcome().is_some()) {
                break;
            }
            assert!(talking || began.elapsed() < PATIENCE, "the call never came up: {:?}", self.faults());
            let due = [self.caller.due(), self.callee.due(), finished].into_iter().flatten().min();
            let due = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => pending().await,
                }
            };
            let gone = async {
                match &mut self.meddling {
                    Some(meddling) => meddling.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                came = self.caller.next() => self.caller.take(Instant::now(), came),
                came = self.callee.next() => self.callee.take(Instant::now(), came),
                _ = gone => self.meddling = None,
                () = due => {}
            }
        }
        Story {
            from_caller: Account::of(&self.caller.said(), &self.callee.heard, self.callee.manner.codec),
            from_callee: Account::of(&self.callee.said(), &self.caller.heard, self.caller.manner.codec),
            strange: self.caller.strange + self.callee.strange,
            faults: self.faults(),
            keys: [self.caller.keys(), self.callee.keys()].concat(),
        }
    }

    fn phones(&mut self) -> impl Iterator<Item = &mut Phone> {
        [&mut self.caller, &mut self.callee].into_iter().filter_map(|end| end.phone.as_mut())
    }

    fn faults(&mut self) -> Vec<String> {
        self.phones().filter_map(|phone| phone.fault().map(str::to_owned)).collect()
    }
}

/// Of silence at both ends, when all is said.
const TAIL: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);
