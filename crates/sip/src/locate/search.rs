//! The search for one target: NAPTR, then SRV, then addresses (RFC 3263 s.4.1, s.4.2).

use std::net::{IpAddr, SocketAddr};

use super::candidates::Candidate;
use super::failure::Failure;
use super::question::{Absent, Answer, Kind, Question};
use super::reach::{Families, Reach, interleave};
use super::sheet::Sheet;
use super::target::{Narrowing, Place, Target};
use super::ways::{Way, default_port, default_transport, from_name, from_naptr};
use super::weigh::{Dice, by_rank};
use super::{MAX_CANDIDATES, MAX_SERVERS};
use crate::flow::Transport;

/// One search. Drain it with [`Locate::poll`], hand answers in with [`Locate::answer`], in any order.
#[derive(Debug)]
pub struct Locate {
    target: Target,
    reach: Reach,
    dice: Dice,
    stage: Stage,
    /// The first question that DNS failed to answer, for the words of the end.
    trouble: Option<Failure>,
}

/// What a search wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Need {
    /// Ask this; there may be more to ask at the same time.
    Ask(Question),
    /// All is asked: an answer is due.
    Wait,
    /// Over. The candidates are in the order to try them, never empty.
    Done(Result<Vec<Candidate>, Failure>),
}

#[derive(Debug)]
enum Stage {
    /// Which transports there are.
    Naptr {
        name: String,
        sheet: Sheet,
    },
    /// Which servers each of them has.
    Srv {
        name: String,
        ways: Vec<Way>,
        sheet: Sheet,
    },
    /// Where the servers are.
    Addresses {
        servers: Vec<Server>,
        sheet: Sheet,
    },
    Done(Result<Vec<Candidate>, Failure>),
}

#[derive(Debug)]
struct Server {
    transport: Transport,
    port: u16,
    host: Place,
}

impl Locate {
    /// Starts. The seed chooses among SRV records of one priority and where a list of addresses begins: give each
    /// transaction another one.
    pub fn new(target: &Target, reach: &Reach, seed: u64) -> Self {
        let mut search = Self {
            target: target.clone(),
            reach: reach.clone(),
            dice: Dice::new(seed),
            stage: Stage::Done(Ok(Vec::new())),
            trouble: None,
        };
        search.stage = search.begin();
        search
    }

    /// What to do next.
    pub fn poll(&mut self) -> Need {
        loop {
            let sheet = match &mut self.stage {
                Stage::Done(result) => return Need::Done(result.clone()),
                Stage::Naptr { sheet, .. } | Stage::Srv { sheet, .. } | Stage::Addresses { sheet, .. } => {
                    sheet
                }
            };
            if let Some(question) = sheet.ask() {
                return Need::Ask(question);
            }
            if !sheet.is_answered() {
                return Need::Wait;
            }
            self.advance();
        }
    }

    /// Takes an answer. One to a question that was not asked, or again, is disregarded.
    pub fn answer(&mut self, question: &Question, answer: &Answer) {
        match &mut self.stage {
            Stage::Done(_) => {}
            Stage::Naptr { sheet, .. } | Stage::Srv { sheet, .. } | Stage::Addresses { sheet, .. } => {
                sheet.answer(question, answer);
            }
        }
    }

    /// The deadline: ends the search with what is known by now.
    ///
    /// # Errors
    /// [`Failure::Unanswered`] if that is nothing.
    pub fn give_up(mut self) -> Result<Vec<Candidate>, Failure> {
        loop {
            match &mut self.stage {
                Stage::Done(result) => return result.clone(),
                Stage::Naptr { sheet, .. } | Stage::Srv { sheet, .. } | Stage::Addresses { sheet, .. } => {
                    sheet.give_up();
                }
            }
            self.advance();
        }
    }

    fn begin(&mut self) -> Stage {
        let target = self.target.clone();
        match target.place {
            Place::Address(address) if !self.reach.families.holds(address) => {
                Stage::Done(Err(Failure::OtherFamily { name: address.to_string() }))
            }
            Place::Address(_) => self.at_default(target.place),
            Place::Name(name) if target.port.is_some() || is_short(&name) => {
                self.at_default(Place::Name(name))
            }
            Place::Name(name) => match target.narrowing {
                Narrowing::Open | Narrowing::Secure => {
                    Stage::Naptr { sheet: Sheet::new([Question::whole(Kind::Naptr, &name)]), name }
                }
                Narrowing::Only(_) => self.by_name(name),
            },
        }
    }

    fn advance(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Done(Ok(Vec::new())));
        self.stage = match stage {
            Stage::Naptr { name, sheet } => self.after_naptr(name, &sheet),
            Stage::Srv { name, ways, sheet } => self.after_srv(name, &ways, &sheet),
            Stage::Addresses { servers, sheet } => Stage::Done(self.after_addresses(&servers, &sheet)),
            done @ Stage::Done(_) => done,
        };
    }

    fn after_naptr(&mut self, name: String, sheet: &Sheet) -> Stage {
        self.note_trouble(sheet);
        let question = Question::whole(Kind::Naptr, &name);
        let ways = match sheet.said(Kind::Naptr, &question.name) {
            Some(Answer::Naptr(records)) => from_naptr(records, self.target.narrowing, &self.reach),
            Some(
                Answer::Srv(_)
                | Answer::Addresses(_)
                | Answer::Alias(_)
                | Answer::Absent(_)
                | Answer::Failed(_),
            )
            | None => Vec::new(),
        };
        if ways.is_empty() { self.by_name(name) } else { at_services(name, ways) }
    }

    /// Without NAPTR: SRV for each transport of ours that the URI allows.
    fn by_name(&mut self, name: String) -> Stage {
        let ways = from_name(&name, self.target.narrowing, &self.reach);
        if ways.is_empty() { self.at_default(Place::Name(name)) } else { at_services(name, ways) }
    }

    fn after_srv(&mut self, name: String, ways: &[Way], sheet: &Sheet) -> Stage {
        self.note_trouble(sheet);
        let mut declined = false;
        for equal in ways.chunk_by(|one, other| one.order == other.order) {
            let mut servers = Vec::new();
            for way in equal {
                let question = Question::whole(Kind::Srv, &way.service);
                let Some(Answer::Srv(records)) = sheet.said(Kind::Srv, &question.name) else { continue };
                declined |= matches!(records.as_slice(), [only] if is_root(&only.target));
                let usable = records.iter().filter(|record| !is_root(&record.target) && record.port != 0);
                let ordered = by_rank(usable.cloned().collect(), &mut self.dice);
                servers.extend(ordered.into_iter().map(|record| Server {
                    transport: way.transport,
                    port: record.port,
                    host: srv_host(&record.target),
                }));
            }
            servers.truncate(MAX_SERVERS);
            if !servers.is_empty() {
                return self.at_servers(servers);
            }
        }
        if declined {
            return Stage::Done(Err(Failure::NotOffered { name }));
        }
        // NAPTR said which transport, even if its SRV records are gone (s.4.2).
        let from_naptr = ways.iter().find(|way| way.order.is_some()).map(|way| way.transport);
        match from_naptr {
            Some(transport) => self.at_host(Place::Name(name), transport),
            None => self.at_default(Place::Name(name)),
        }
    }

    /// A host, over the transport that it has if DNS does not tell.
    fn at_default(&mut self, host: Place) -> Stage {
        match default_transport(self.target.narrowing, &self.reach) {
            Ok(transport) => self.at_host(host, transport),
            Err(transport) => {
                let name = self.target.domain.clone();
                Stage::Done(Err(Failure::OutOfReach { name, transport }))
            }
        }
    }

    fn at_host(&mut self, host: Place, transport: Transport) -> Stage {
        let port = self.target.port.unwrap_or(default_port(transport));
        self.at_servers(vec![Server { transport, port, host }])
    }

    fn at_servers(&mut self, servers: Vec<Server>) -> Stage {
        let kinds = self.reach.families.kinds();
        let names = servers.iter().filter_map(|server| server.host.name());
        let questions =
            names.flat_map(|name| kinds.iter().map(|kind| Question { kind: *kind, name: name.to_owned() }));
        Stage::Addresses { sheet: Sheet::new(questions), servers }
    }

    fn after_addresses(&mut self, servers: &[Server], sheet: &Sheet) -> Result<Vec<Candidate>, Failure> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for server in servers {
            for address in self.addresses(&server.host, sheet) {
                let candidate = Candidate {
                    transport: server.transport,
                    address: SocketAddr::new(address, server.port),
                    domain: self.target.domain.clone(),
                    server: server.host.words(),
                };
                let known = candidates.iter().any(|known| known.is_same_place(&candidate));
                if !known && candidates.len() < MAX_CANDIDATES {
                    candidates.push(candidate);
                }
            }
        }
        if candidates.is_empty() { Err(self.nowhere(servers, sheet)) } else { Ok(candidates) }
    }

    fn addresses(&mut self, host: &Place, sheet: &Sheet) -> Vec<IpAddr> {
        let name = match host {
            Place::Address(address) => {
                return Vec::from_iter(self.reach.families.holds(*address).then_some(*address));
            }
            Place::Name(name) => name,
        };
        let mut families = self.reach.families.kinds().into_iter().map(|kind| {
            let mut found = match sheet.said(kind, name) {
                Some(Answer::Addresses(found)) => found.clone(),
                Some(
                    Answer::Naptr(_)
                    | Answer::Srv(_)
                    | Answer::Alias(_)
                    | Answer::Absent(_)
                    | Answer::Failed(_),
                )
                | None => Vec::new(),
            };
            found.retain(|address| address.is_ipv4() == (kind == Kind::A) && !address.is_unspecified());
            self.dice.rotate(&mut found);
            found
        });
        let (first, second) = (families.next(), families.next());
        interleave(first.unwrap_or_default(), second.unwrap_or_default())
    }

    /// Why there is no candidate: what DNS did not tell weighs more than what it denied.
    fn nowhere(&self, servers: &[Server], sheet: &Sheet) -> Failure {
        if let Some(failure) = unanswered(sheet) {
            return failure;
        }
        let families = self.reach.families;
        let hosts: Vec<&Place> = servers.iter().map(|server| &server.host).collect();
        let unknown = hosts.iter().find(|host| is_unknown(host, families, sheet));
        match (unknown, &self.trouble, hosts.first()) {
            (Some(host), _, _) => Failure::NameUnknown { name: host.words() },
            (None, Some(trouble), _) => trouble.clone(),
            (None, None, host) => Failure::NoAddress {
                name: host.map_or_else(|| self.target.domain.clone(), |host| host.words()),
                family: families.words(),
            },
        }
    }

    fn note_trouble(&mut self, sheet: &Sheet) {
        if self.trouble.is_none() {
            self.trouble = unanswered(sheet);
        }
    }
}

impl Place {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Address(_) => None,
            Self::Name(name) => Some(name),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::Name(name) => name.trim_end_matches('.').to_owned(),
        }
    }
}

fn at_services(name: String, ways: Vec<Way>) -> Stage {
    let ways: Vec<Way> = ways.into_iter().take(MAX_SERVERS).collect();
    let sheet = Sheet::new(ways.iter().map(|way| Question::whole(Kind::Srv, &way.service)));
    Stage::Srv { name, ways, sheet }
}

fn unanswered(sheet: &Sheet) -> Option<Failure> {
    let (question, trouble) = sheet.trouble()?;
    let name = question.name.trim_end_matches('.').to_owned();
    Some(Failure::Unanswered { name, trouble: trouble.clone() })
}

fn is_unknown(host: &Place, families: Families, sheet: &Sheet) -> bool {
    let absent = |name| {
        let mut kinds = families.kinds().into_iter();
        kinds.all(|kind| sheet.said(kind, name) == Some(&Answer::Absent(Absent::Name)))
    };
    host.name().is_some_and(absent)
}

/// A name without a dot is one of the hosts file or the search list: it has no service records.
fn is_short(name: &str) -> bool {
    !name.contains('.')
}

fn is_root(target: &str) -> bool {
    matches!(target, "" | ".")
}

/// The target of an SRV record. An address in the place of the name is against RFC 2782, but it says what is meant.
fn srv_host(target: &str) -> Place {
    match target.trim_end_matches('.').parse() {
        Ok(address) => Place::Address(address),
        Err(_) => Place::Name(Question::whole(Kind::A, target).name),
    }
}
