//! What the core wants done: media workers that always succeed, agents by script, a store that always writes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use b2bua::CallRecord;
use b2bua::io::{Input, Output, Question, Ticket, Verdict};
use media::MediaKey;
use media::agent::{AgentCommand, AgentEvent};
use media::command::Counters;
use sip::Transport;
use sip::locate::{self, Absent, Answer, Kind, Locate, Need, Reach, Srv, Target};

use crate::World;
use crate::bot::{Bot, Opening, Stream, Told};
use crate::queue::Happening;
use crate::workers::Word;

impl World {
    /// Does all that the core has to do; when it wants to be woken.
    pub(crate) fn follow(&mut self) -> Option<Instant> {
        loop {
            match self.core.poll() {
                Output::Transmit(transmit) => {
                    self.transmit(transmit.flow.local, transmit.flow.remote, &transmit.bytes);
                }
                Output::Media(_, command) => self.media_command(command),
                Output::Agent(_, command) => self.agent_command(command),
                Output::Ask(ticket, Question::Resolve(target)) => self.resolve(ticket, &target),
                Output::Record(key, record) => {
                    if record.status.is_some() {
                        self.draw("us", None, &words(&record), None);
                        let pause = self.workers.pause(&mut self.dice);
                        self.soon(pause, Input::Recorded(key));
                    }
                    self.ledger.recorded(key, Arc::unwrap_or_clone(record));
                }
                Output::Answer(asker, answer) => self.answers.push((asker, answer)),
                Output::Happened(_, milestone, record) => {
                    self.milestones.push((milestone, Arc::unwrap_or_clone(record)));
                }
                Output::Notice(notice) => self.notices.push(notice),
                // Its node is alone.
                Output::Usage(_) => {}
                Output::Idle(deadline) => return deadline,
            }
        }
    }

    fn soon(&mut self, after: Duration, input: Input) {
        self.queue.arrange(self.now + after, Happening::Told(Box::new(input)));
    }

    fn media_command(&mut self, command: media::Command) {
        self.ledger.media(&command);
        let name = match &command {
            media::Command::Bind { media, .. } => {
                let word = self.workers.bind(&mut self.dice, *media);
                self.answer(*media, word, media::Event::Bound { media: *media });
                "bind"
            }
            media::Command::Release { media } => {
                let word = self.workers.release(*media);
                let counters = Counters::default();
                self.answer(*media, word, media::Event::Released { media: *media, counters });
                "release"
            }
            media::Command::Describe { .. } => "describe",
            media::Command::Relay { .. } => "relay",
            media::Command::Echo { .. } => "echo",
            media::Command::Tap { .. } => "tap",
            media::Command::Dial { .. } => "dial",
            media::Command::Hear { .. } => "hear",
        };
        self.outbox.push(name.to_owned());
        self.media.push(command);
    }

    /// A worker answers in the order of its commands, if not at once.
    fn answer(&mut self, media: MediaKey, word: Word, done: media::Event) {
        let event = match word {
            Word::Done => done,
            Word::Failed => media::Event::BindFailed { media, error: "address in use".to_owned() },
            Word::Silence => return,
        };
        let pause = self.workers.pause(&mut self.dice);
        self.worker_free_at = self.worker_free_at.max(self.now + pause);
        self.queue.arrange(self.worker_free_at, Happening::Told(Box::new(Input::Media(event))));
    }

    fn agent_command(&mut self, command: AgentCommand) {
        match command {
            AgentCommand::Open { agent, stream, timeout, .. } => {
                let nobody = || {
                    Bot::new(stream.url.clone(), stream.url.clone()).opening(Opening::Fails(Duration::ZERO))
                };
                let listening = self.bots.iter().find(|bot| bot.url == stream.url);
                let bot = listening.cloned().unwrap_or_else(nobody);
                self.draw("us", Some(&bot.name), "open", None);
                self.told.push(Told { bot: bot.name.clone(), parameters: stream.parameters });
                self.streams.push(Stream { agent, bot: bot.name });
                let failed =
                    |error: &str| Input::Agent(AgentEvent::Failed { agent, error: error.to_owned() });
                match bot.opening {
                    Opening::After(after) if after < timeout => {
                        self.soon(after, Input::Agent(AgentEvent::Opened { agent }));
                        if let Some(closes) = bot.closes {
                            let reason = "the bot closed it".to_owned();
                            let closed = AgentEvent::Closed { agent, clean: true, reason };
                            self.soon(after + closes, Input::Agent(closed));
                        }
                    }
                    Opening::Fails(after) if after < timeout => self.soon(after, failed("refused")),
                    Opening::After(_) | Opening::Fails(_) | Opening::Never => {
                        self.soon(timeout, failed("timeout"));
                    }
                }
            }
            AgentCommand::Close { agent } => {
                let Some(place) = self.streams.iter().position(|stream| stream.agent == agent) else {
                    self.ledger.wrong(format!("{agent:?} is closed and was not open"));
                    return;
                };
                let stream = self.streams.remove(place);
                self.draw("us", Some(&stream.bot), "close", None);
            }
        }
    }

    /// Draws an input that is no datagram, and forgets streams that ended. `false` for what is told of a stream that the core has closed meanwhile.
    pub(crate) fn is_told(&mut self, input: &Input) -> bool {
        if let Input::Media(media::Event::BindFailed { media, .. }) = input {
            self.workers.told(*media);
            self.ledger.unbound(*media);
        }
        let Input::Agent(event) = input else { return true };
        let (agent, label, over) = match event {
            AgentEvent::Opened { agent } => (agent, "opened", false),
            AgentEvent::Failed { agent, .. } => (agent, "failed", true),
            AgentEvent::Closed { agent, .. } => (agent, "closed", true),
        };
        let Some(place) = self.streams.iter().position(|stream| stream.agent == *agent) else {
            return false;
        };
        let bot = self.streams[place].bot.clone();
        self.draw(&bot, Some("us"), label, None);
        if over {
            self.streams.remove(place);
        }
        true
    }

    fn resolve(&mut self, ticket: Ticket, target: &Target) {
        let mut search = Locate::new(target, &Reach::of([(Transport::Udp, self.us)]), SEED);
        let verdict = loop {
            match search.poll() {
                Need::Ask(question) => search.answer(&question, &self.dns(&question)),
                Need::Done(Ok(found)) => break Verdict::Resolved(found),
                Need::Done(Err(failure)) => break Verdict::Failed(failure.to_string()),
                Need::Wait => break Verdict::Failed("DNS said nothing".to_owned()),
            }
        };
        self.soon(Duration::from_millis(5), Input::Verdict(ticket, verdict));
    }

    /// What DNS says of `hosts`: a name has SRV records for UDP, in the order of its addresses.
    fn dns(&self, question: &locate::Question) -> Answer {
        let name = question.name.trim_end_matches('.');
        let found = |name: &str| self.hosts.get(name).map(Vec::as_slice).unwrap_or_default();
        let srv = |(place, address): (u16, &SocketAddr)| {
            let target = address.ip().to_string();
            Srv { priority: place, weight: 0, port: address.port(), target }
        };
        let ips = |v4| found(name).iter().map(SocketAddr::ip).filter(move |ip| ip.is_ipv4() == v4).collect();
        match question.kind {
            Kind::Naptr => Answer::Absent(Absent::Records),
            Kind::Srv => match name.strip_prefix("_sip._udp.").map(found) {
                Some(addresses) if !addresses.is_empty() => {
                    Answer::Srv((0..).zip(addresses).map(srv).collect())
                }
                Some(_) | None => Answer::Absent(Absent::Name),
            },
            Kind::A | Kind::Aaaa if found(name).is_empty() => Answer::Absent(Absent::Name),
            Kind::A => Answer::Addresses(ips(true)),
            Kind::Aaaa => Answer::Addresses(ips(false)),
        }
    }
}

/// The records leave nothing to chance.
const SEED: u64 = 0;

/// A record in a line: status and reason.
fn words(record: &CallRecord) -> String {
    let status = record.status.map_or_else(String::new, |status| format!("{status:?}").to_lowercase());
    let reason = record.reason.as_deref().unwrap_or("-");
    format!("record {status} {reason}")
}
