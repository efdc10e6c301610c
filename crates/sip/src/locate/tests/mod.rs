//! Searches against a zone file in memory, and walks along what they find.

mod addresses;
mod bounds;
mod fail_over;
mod failures;
mod naptr;
mod rules;
mod srv;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::*;
use crate::flow::Transport::{self, Tcp, Tls, Udp, Ws};
use crate::message::StatusCode;
use crate::transaction::clock::start;
use crate::uri::Uri;

/// What a name server says, and what it was asked.
#[derive(Default)]
struct Zone {
    records: BTreeMap<Question, Answer>,
    asked: Vec<String>,
}

impl Zone {
    fn with(mut self, kind: Kind, name: &str, answer: Answer) -> Self {
        self.records.insert(Question { kind, name: name.into() }, answer);
        self
    }

    fn srv(self, name: &str, records: &[(u16, u16, u16, &str)]) -> Self {
        let srv = |(priority, weight, port, target): &(u16, u16, u16, &str)| Srv {
            priority: *priority,
            weight: *weight,
            port: *port,
            target: (*target).into(),
        };
        self.with(Kind::Srv, name, Answer::Srv(records.iter().map(srv).collect()))
    }

    fn naptr(self, name: &str, records: &[(u16, u16, &str, &str, &str)]) -> Self {
        let naptr =
            |(order, preference, flags, services, replacement): &(u16, u16, &str, &str, &str)| Naptr {
                order: *order,
                preference: *preference,
                flags: (*flags).into(),
                services: (*services).into(),
                regexp: String::new(),
                replacement: (*replacement).into(),
            };
        self.with(Kind::Naptr, name, Answer::Naptr(records.iter().map(naptr).collect()))
    }

    fn host(mut self, name: &str, addresses: &[&str]) -> Self {
        for kind in [Kind::A, Kind::Aaaa] {
            let of_kind = |address: &std::net::IpAddr| address.is_ipv4() == (kind == Kind::A);
            let found: Vec<_> = addresses.iter().map(|text| text.parse().unwrap()).filter(of_kind).collect();
            let answer =
                if found.is_empty() { Answer::Absent(Absent::Records) } else { Answer::Addresses(found) };
            self = self.with(kind, name, answer);
        }
        self
    }

    fn locate(&mut self, uri: &str, reach: &Reach) -> Result<Vec<Candidate>, Failure> {
        self.locate_by(uri, reach, 1)
    }

    fn locate_by(&mut self, uri: &str, reach: &Reach, seed: u64) -> Result<Vec<Candidate>, Failure> {
        let target = Target::of(&Uri::parse(uri).unwrap()).unwrap();
        let mut search = Locate::new(&target, reach, seed);
        self.asked.clear();
        loop {
            match search.poll() {
                Need::Ask(question) => {
                    self.asked.push(question.to_string());
                    assert!(self.asked.len() < 200, "a search that asks on and on");
                    let answer = self.records.get(&question).cloned();
                    search.answer(&question, &answer.unwrap_or(Answer::Absent(Absent::Name)));
                }
                Need::Wait => panic!("every question was answered"),
                Need::Done(result) => return result,
            }
        }
    }

    /// The candidates as text.
    fn found(&mut self, uri: &str, reach: &Reach) -> Vec<String> {
        let candidates = self.locate(uri, reach).unwrap();
        candidates.iter().map(|candidate| format!("{} {}", candidate.transport, candidate.address)).collect()
    }
}

fn reach(transports: &[Transport]) -> Reach {
    Reach { transports: transports.to_vec(), families: Families::V4 }
}

fn all() -> Reach {
    reach(&[Udp, Tcp, Tls])
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
