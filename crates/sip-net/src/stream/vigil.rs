//! The clock of one connection: who is slow, silent or dead.

use std::time::{Duration, Instant};

use super::limits::StreamLimits;

/// Who opened a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opener {
    We,
    Peer,
}

/// What a moment asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    /// A double CRLF is to be sent.
    Ping,
    /// A message did not come in time, or not whole.
    Slow,
    /// The peer takes nothing in.
    Stuck,
    /// A peer that answers pings left one without an answer.
    Dead,
    /// Nothing was said for long.
    Idle,
}

/// What a connection waits for.
#[derive(Debug)]
pub(crate) struct Vigil {
    message: Duration,
    idle: Duration,
    unanswered: Duration,
    write: Duration,
    ping: Duration,
    pong: Duration,
    message_by: Option<Instant>,
    write_by: Option<Instant>,
    idle_at: Instant,
    keep_alive: KeepAlive,
    /// Whether a ping was answered on this connection.
    answers: Answers,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KeepAlive {
    /// It is for who opened the connection (RFC 5626 s.3.5), and the core has said nothing on it but what anybody may hear:
    /// who opened it may be a stranger.
    Theirs,
    /// The peer opened it and has had messages from us. It is pinged then all the same, for proxies close what is silent, and a call's
    /// BYE is best sent by the connection that the call came by. No answer is asked for.
    Shared(Instant),
    At(Instant),
    /// A pong is awaited until then.
    Until(Instant),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answers {
    Never,
    Before,
}

impl Vigil {
    pub(crate) fn new(now: Instant, opener: Opener, limits: &StreamLimits) -> Self {
        let StreamLimits { message, idle, unanswered, write, ping, pong, .. } = *limits;
        let unanswered = unanswered.min(idle);
        let (message_by, keep_alive, idle_at) = match opener {
            Opener::We => (None, KeepAlive::At(now + ping), now + idle),
            Opener::Peer => (Some(now + message), KeepAlive::Theirs, now + unanswered),
        };
        Self {
            message,
            idle,
            unanswered,
            write,
            ping,
            pong,
            message_by,
            write_by: None,
            idle_at,
            keep_alive,
            answers: Answers::Never,
        }
    }

    /// A message of the core's is to go out, to somebody who is no stranger.
    pub(crate) fn spoken(&mut self, now: Instant) {
        if self.keep_alive == KeepAlive::Theirs {
            self.keep_alive = KeepAlive::Shared(now + self.ping);
            self.idle_at = now + self.idle;
        }
    }

    /// A whole message came.
    pub(crate) fn message(&mut self, now: Instant) {
        self.message_by = None;
        self.alive(now);
    }

    /// The peer pinged. It is no message: who only pings has not said what it wants.
    pub(crate) fn pinged(&mut self, now: Instant) {
        if self.keep_alive != KeepAlive::Theirs {
            self.alive(now);
        }
    }

    /// A single CRLF came.
    pub(crate) fn ponged(&mut self, now: Instant) {
        match self.keep_alive {
            // What we asked for ourselves keeps no connection open that nobody needs.
            KeepAlive::Theirs | KeepAlive::Shared(_) => return,
            KeepAlive::Until(_) => self.answers = Answers::Before,
            KeepAlive::At(_) => {}
        }
        self.alive(now);
    }

    /// A message has begun and is not whole.
    pub(crate) fn partial(&mut self, now: Instant) {
        self.message_by.get_or_insert(now + self.message);
    }

    /// There is something to write.
    pub(crate) fn writing(&mut self, now: Instant) {
        self.write_by.get_or_insert(now + self.write);
    }

    /// The peer took some of it.
    pub(crate) fn progress(&mut self, now: Instant) {
        self.write_by = Some(now + self.write);
    }

    /// All is written.
    pub(crate) fn written(&mut self, now: Instant) {
        self.write_by = None;
        if let KeepAlive::At(at) | KeepAlive::Shared(at) = &mut self.keep_alive {
            *at = now + self.ping;
        }
    }

    /// When `due` may have something to say.
    pub(crate) fn deadline(&self) -> Instant {
        let keep_alive = match self.keep_alive {
            KeepAlive::Theirs => None,
            KeepAlive::Shared(at) | KeepAlive::At(at) | KeepAlive::Until(at) => Some(at),
        };
        let others = [self.message_by, self.write_by, keep_alive];
        others.into_iter().flatten().fold(self.idle_at, Instant::min)
    }

    /// What this moment asks for, if anything.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Due> {
        if self.message_by.is_some_and(|by| by <= now) {
            return Some(Due::Slow);
        }
        if self.write_by.is_some_and(|by| by <= now) {
            return Some(Due::Stuck);
        }
        if self.idle_at <= now {
            return Some(Due::Idle);
        }
        match self.keep_alive {
            KeepAlive::Shared(at) if at <= now => {
                self.keep_alive = KeepAlive::Shared(now + self.ping);
                Some(Due::Ping)
            }
            KeepAlive::At(at) if at <= now => {
                self.keep_alive = KeepAlive::Until(now + self.pong);
                Some(Due::Ping)
            }
            KeepAlive::Until(by) if by <= now => match self.answers {
                Answers::Before => Some(Due::Dead),
                Answers::Never => {
                    self.keep_alive = KeepAlive::At(now + self.ping);
                    None
                }
            },
            KeepAlive::Theirs | KeepAlive::Shared(_) | KeepAlive::At(_) | KeepAlive::Until(_) => None,
        }
    }

    fn alive(&mut self, now: Instant) {
        let (idle, keep_alive) = match self.keep_alive {
            KeepAlive::Theirs => (self.unanswered, KeepAlive::Theirs),
            KeepAlive::Shared(_) => (self.idle, KeepAlive::Shared(now + self.ping)),
            KeepAlive::At(_) | KeepAlive::Until(_) => (self.idle, KeepAlive::At(now + self.ping)),
        };
        self.idle_at = now + idle;
        self.keep_alive = keep_alive;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn limits() -> StreamLimits {
        StreamLimits {
            message: 30 * S,
            idle: 1_000 * S,
            unanswered: 60 * S,
            write: 20 * S,
            ping: 100 * S,
            pong: 10 * S,
            ..StreamLimits::default()
        }
    }

    #[test]
    fn a_peer_that_comes_must_say_something_and_say_it_whole() {
        let start = Instant::now();
        let mut vigil = Vigil::new(start, Opener::Peer, &limits());
        vigil.pinged(start + 29 * S);
        assert_eq!(vigil.due(start + 30 * S), Some(Due::Slow), "a ping is no message");
        let mut vigil = Vigil::new(start, Opener::Peer, &limits());
        vigil.message(start + 5 * S);
        vigil.spoken(start + 5 * S);
        vigil.message(start + 499 * S);
        assert_eq!(vigil.due(start + 500 * S), None);
        vigil.partial(start + 500 * S);
        vigil.partial(start + 529 * S);
        assert_eq!(vigil.deadline(), start + 530 * S, "an octet more buys no time");
        assert_eq!(vigil.due(start + 530 * S), Some(Due::Slow));
    }

    #[test]
    fn a_connection_of_ours_is_pinged_when_silent_and_dead_when_a_pong_that_it_can_is_missing() {
        let start = Instant::now();
        let mut vigil = Vigil::new(start, Opener::We, &limits());
        assert_eq!(vigil.due(start + 100 * S), Some(Due::Ping));
        assert_eq!(vigil.due(start + 110 * S), None, "it never answered one: that proves nothing");
        assert_eq!(vigil.due(start + 210 * S), Some(Due::Ping));
        vigil.ponged(start + 211 * S);
        assert_eq!(vigil.deadline(), start + 311 * S);
        assert_eq!(vigil.due(start + 311 * S), Some(Due::Ping));
        assert_eq!(vigil.due(start + 321 * S), Some(Due::Dead));
    }

    #[test]
    fn who_takes_nothing_in_is_stuck_and_who_takes_some_is_not() {
        let start = Instant::now();
        let mut vigil = Vigil::new(start, Opener::Peer, &limits());
        vigil.message(start);
        vigil.spoken(start);
        vigil.writing(start);
        vigil.progress(start + 19 * S);
        vigil.writing(start + 19 * S);
        assert_eq!(vigil.due(start + 38 * S), None);
        assert_eq!(vigil.due(start + 39 * S), Some(Due::Stuck));
        vigil.written(start + 39 * S);
        assert_eq!(vigil.due(start + 999 * S), Some(Due::Ping));
        assert_eq!(vigil.due(start + 1_000 * S), Some(Due::Idle));
    }

    #[test]
    fn a_peer_that_gets_no_answer_is_closed_after_a_minute_whatever_it_pings() {
        let start = Instant::now();
        let mut vigil = Vigil::new(start, Opener::Peer, &limits());
        vigil.message(start + 5 * S);
        vigil.pinged(start + 60 * S);
        vigil.ponged(start + 60 * S);
        assert_eq!(vigil.deadline(), start + 65 * S);
        assert_eq!(vigil.due(start + 65 * S), Some(Due::Idle));
    }

    #[test]
    fn a_peer_that_we_spoke_to_is_pinged_on_its_own_connection_and_owes_no_answer() {
        let start = Instant::now();
        let mut vigil = Vigil::new(start, Opener::Peer, &limits());
        vigil.message(start);
        vigil.spoken(start + S);
        assert_eq!(vigil.deadline(), start + 101 * S);
        assert_eq!(vigil.due(start + 101 * S), Some(Due::Ping));
        assert_eq!(vigil.due(start + 111 * S), None, "it owes none");
        assert_eq!(vigil.due(start + 201 * S), Some(Due::Ping));
        vigil.ponged(start + 202 * S);
        assert_eq!(vigil.due(start + 1_001 * S), Some(Due::Idle), "its pongs keep nothing open");
    }
}
