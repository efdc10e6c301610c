//! Anything may happen at any time: seeded stories of callers, agents, workers and operators who do as they please. Whatever they do,
//! each INVITE gets one final response, each call one finished record, and in the end nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use b2bua::Input;
use b2bua::io::{Command, Verdict};
use media::agent::AgentEvent;

use crate::house::{AGENT, Binds, CALLER, House};
use crate::text::{Dial, OFFER, OTHER, agent_asks, header, place, reply};

const ANSWER: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n\
    m=audio 50000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// Knuth's LCG, its high bits.
struct Dice(u64);

struct Placed {
    call: Dial,
    at: Instant,
}

/// So long a copy of an INVITE may be under way (T4); a later one would be another INVITE.
const RETRANSMITS: Duration = Duration::from_secs(4);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

#[test]
fn whatever_happens_each_call_ends_once_and_nothing_is_left() {
    for seed in 0..120 {
        let finished = story(seed);
        assert!(finished > 0, "seed {seed} tells no story");
    }
}

fn story(seed: u64) -> usize {
    let mut house = House::new();
    let mut dice = Dice(seed);
    let mut calls: Vec<Placed> = Vec::new();
    for step in 0..60 {
        if calls.is_empty() || dice.below(8) == 0 {
            let did = dice.of(&[
                "+14155550100",
                "+14155550101",
                "+14155550102",
                "+14155550103",
                "+14155550105",
                "+1999",
            ]);
            let offer = dice.of(&[OFFER, OFFER, OFFER, ""]);
            let call = Dial::to(did).named(&format!("c{step}")).offering(offer);
            call.place(&mut house);
            calls.push(Placed { call, at: house.now.instant });
            continue;
        }
        let at = dice.below(calls.len());
        caller(&mut house, &mut dice, &mut calls[at]);
        agent(&mut house, &mut dice);
        others(&mut house, &mut dice);
    }
    house.binds = Binds::Succeed;
    house.command(Command::Shutdown);
    release_waiting(&mut house);
    house.pass(Duration::from_secs(200));
    let census = house.core.census();
    assert_eq!(
        (census.calls, census.seats, census.ports, census.keys),
        (0, 0, 0, 0),
        "seed {seed}: {census:?}"
    );
    assert_eq!((census.sip.dialogs, census.sip.transactions), (0, 0), "seed {seed}: {census:?}");
    assert_one_final_response(&house, &calls, seed);
    let mut finished: BTreeMap<&str, usize> = BTreeMap::new();
    for record in house.finished() {
        *finished.entry(&record.sip_call_id_a).or_default() += 1;
    }
    assert_eq!(finished.len(), calls.len(), "seed {seed}");
    assert!(finished.values().all(|count| *count == 1), "seed {seed}: {finished:?}");
    finished.len()
}

fn assert_one_final_response(house: &House, calls: &[Placed], seed: u64) {
    for Placed { call, .. } in calls {
        let id = format!("{}@carrier", call.id);
        let finals: BTreeSet<&str> = house
            .sent
            .iter()
            .filter(|(_, text)| {
                header(text, "Call-ID") == Some(&id) && header(text, "CSeq") == Some("1 INVITE")
            })
            .filter_map(|(_, text)| text.strip_prefix("SIP/2.0 ")?.get(..3))
            .filter(|code| *code >= "200")
            .collect();
        assert_eq!(finals.len(), 1, "seed {seed}: {id} got {finals:?}");
    }
}

fn caller(house: &mut House, dice: &mut Dice, placed: &mut Placed) {
    let Placed { call, at } = placed;
    match dice.below(9) {
        0 if house.now.instant < *at + RETRANSMITS => call.place(house),
        1 => {
            let cancel = call.cancel();
            house.receive(CALLER, &cancel);
        }
        2 | 3 => call.ack(house, dice.of(&["", OFFER])),
        4 if call.has_tag(house) => call.inside(house, "INVITE", "", dice.of(&["", OFFER, "v=0\r\n"])),
        5 => call.inside(house, dice.of(&["INFO", "OPTIONS", "UPDATE", "REFER", "PRACK"]), "", ""),
        6 => call.bye(house, ""),
        7 => call.inside(house, "INFO", "Content-Type: application/dtmf\r\n", "5"),
        _rest => {}
    }
}

fn agent(house: &mut House, dice: &mut Dice) {
    let invites: Vec<String> = house
        .sent
        .iter()
        .filter(|(to, text)| {
            to.to_string() == AGENT && (text.starts_with("INVITE") || text.starts_with("BYE"))
        })
        .map(|(_, text)| text.clone())
        .collect();
    if let Some(invite) = invites.get(dice.below(invites.len().max(1))) {
        let status = dice.of(&[
            "100 Trying",
            "180 Ringing",
            "183 Progress",
            "200 OK",
            "486 Busy",
            "503 No",
            "487 Gone",
        ]);
        reply(house, AGENT, invite, status, if dice.below(4) == 0 { "" } else { ANSWER });
        if dice.below(3) == 0 {
            let body = dice.of(&["", ANSWER]);
            agent_asks(house, dice.of(&["BYE", "INFO", "ACK"]), 7, "", "");
            agent_asks(house, "INVITE", 8, "", body);
        }
    }
    let Some((agent, _)) = house.streams.get(dice.below(house.streams.len().max(1))) else { return };
    let agent = *agent;
    house.input(Input::Agent(match dice.below(4) {
        0 | 1 => AgentEvent::Opened { agent },
        2 => AgentEvent::Failed { agent, error: "no".to_owned() },
        _rest => AgentEvent::Closed { agent, clean: dice.below(2) == 0, reason: "bye".to_owned() },
    }));
}

fn others(house: &mut House, dice: &mut Dice) {
    house.binds =
        dice.of(&[Binds::Succeed, Binds::Succeed, Binds::Succeed, Binds::FailOnce, Binds::Fail, Binds::Wait]);
    match dice.below(13) {
        0 => house.pass(Duration::from_millis(u64::try_from(dice.below(40_000)).unwrap())),
        1..=4 => house.pass(Duration::from_millis(u64::try_from(dice.below(900)).unwrap())),
        5 => {
            if let Some((ticket, _)) = house.questions.last() {
                let verdict = match dice.below(3) {
                    0 => Verdict::Failed("no such name".to_owned()),
                    1 => Verdict::Resolved(Vec::new()),
                    _rest => Verdict::Resolved(vec![place(AGENT), place(OTHER)]),
                };
                house.input(Input::Verdict(*ticket, verdict));
            }
        }
        6 => {
            let first = house.core.calls().next().map(|call| call.key);
            if let Some(key) = first {
                house.command(Command::Hangup(key));
            }
        }
        7 => release_waiting(house),
        of_media @ 8..=9 => {
            if let Some(media) = house.media.get(dice.below(house.media.len().max(1))).copied() {
                house.input(Input::Media(match of_media {
                    8 => media::Event::Silent { media },
                    _rest => media::Event::Lost { media },
                }));
            }
        }
        _rest => {}
    }
}

/// The worker answers what it had not: every pair is bound, as far as the core still asks.
fn release_waiting(house: &mut House) {
    for media in std::mem::take(&mut house.waiting) {
        house.input(Input::Media(media::Event::Bound { media }));
    }
}
