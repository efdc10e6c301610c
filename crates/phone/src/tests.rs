//! Phones against each other, straight or through proxies, over a wire that loses what it is told to.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::{Config, Dice, Ended, Glance, Invite, Ladder, Phone, Proxy, Recording, Ring, Rung, Step, sdp};

/// 20 ms of wire between any two parties.
struct Line {
    start: Instant,
    now: Instant,
    phones: Vec<Phone>,
    proxies: Vec<Proxy>,
    /// In flight: arrival, from, to, bytes.
    wire: Vec<(Instant, SocketAddr, SocketAddr, bytes::Bytes)>,
    /// Which datagrams are lost, by their place in the ladder.
    lost: Vec<usize>,
    sent: usize,
    /// In a storm one of ten is lost, one of ten comes twice, and any may be late.
    storm: Option<Dice>,
    ladder: Ladder,
}

impl Line {
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant has no other beginning; only differences matter"
    )]
    fn new(phones: Vec<Phone>, proxies: Vec<Proxy>, lost: Vec<usize>) -> Self {
        let start = Instant::now();
        Self {
            start,
            now: start,
            phones,
            proxies,
            wire: Vec::new(),
            lost,
            sent: 0,
            storm: None,
            ladder: Ladder::default(),
        }
    }

    fn name(&self, address: SocketAddr) -> String {
        let phones = self.phones.iter().map(|phone| (phone.address(), phone.name()));
        let proxies = self.proxies.iter().map(|proxy| (proxy.address(), proxy.name()));
        let mut all = phones.chain(proxies);
        all.find(|(of, _)| *of == address).map_or_else(|| address.to_string(), |(_, name)| name.to_owned())
    }

    fn drain(&mut self) {
        let mut sent = Vec::new();
        for phone in &mut self.phones {
            let from = phone.address();
            sent.extend(std::iter::from_fn(|| phone.poll_transmit()).map(|(to, bytes)| (from, to, bytes)));
        }
        for proxy in &mut self.proxies {
            let from = proxy.address();
            sent.extend(std::iter::from_fn(|| proxy.poll_transmit()).map(|(to, bytes)| (from, to, bytes)));
        }
        for (from, to, bytes) in sent {
            let mut copies = vec![0];
            if let Some(dice) = &mut self.storm {
                let number = if dice.below(10) == 0 { 0 } else { 1 + u64::from(dice.below(10) == 0) };
                copies = (0..number).map(|_| dice.below(200)).collect();
            }
            let lost = self.lost.contains(&self.sent) || copies.is_empty();
            self.sent += 1;
            self.ladder.push(Rung {
                at: self.now - self.start,
                from: self.name(from),
                to: Some(self.name(to)),
                label: Glance::of(&bytes).unwrap().to_string(),
                note: lost.then(|| "lost".to_owned()),
            });
            for late in copies.into_iter().filter(|_| !lost) {
                let arrival = self.now + Duration::from_millis(20 + late);
                self.wire.push((arrival, from, to, bytes.clone()));
            }
        }
    }

    /// Until nothing is left to happen.
    fn run(&mut self) -> String {
        for phone in &mut self.phones {
            phone.expire(self.now);
        }
        loop {
            self.drain();
            let arrival = self.wire.iter().map(|(at, ..)| *at).min();
            let timer = self.phones.iter().filter_map(Phone::deadline).min();
            let Some(next) = arrival.into_iter().chain(timer).min() else { break };
            assert!(next - self.start < Duration::from_mins(10), "no end:\n{}", self.ladder);
            self.now = next;
            if let Some(place) = self.wire.iter().position(|(at, ..)| *at == next) {
                let (_, from, to, bytes) = self.wire.remove(place);
                for phone in self.phones.iter_mut().filter(|phone| phone.address() == to) {
                    phone.receive(next, from, &bytes);
                }
                for proxy in self.proxies.iter_mut().filter(|proxy| proxy.address() == to) {
                    proxy.receive(from, &bytes);
                }
            } else {
                for phone in &mut self.phones {
                    phone.expire(next);
                }
            }
        }
        self.ladder.to_string()
    }

    fn fates(&self) -> Vec<(Option<u16>, Option<Ended>)> {
        let outcomes = self.phones.iter().map(|phone| {
            assert_eq!(phone.fault(), None, "{}", phone.name());
            assert_eq!(phone.transactions(), 0, "{}", phone.name());
            phone.outcome().unwrap_or_else(|| panic!("{} has no outcome:\n{}", phone.name(), self.ladder))
        });
        outcomes.map(|outcome| (outcome.status, outcome.ended)).collect()
    }
}

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 5060))
}

fn offer(host: u8) -> String {
    sdp::pcmu(SocketAddr::from(([10, 0, 0, host], 4000)))
}

fn phone(name: &str, host: u8, proxy: Option<SocketAddr>, script: Vec<Step>) -> Phone {
    let config = Config {
        name: name.to_owned(),
        user: name.to_owned(),
        address: address(host),
        outbound_proxy: proxy,
        sdp: Some(offer(host)),
        seed: u64::from(host),
    };
    Phone::new(config, script)
}

fn talk() -> Vec<Step> {
    vec![
        Step::Invite(Invite::to("sip:bob@10.0.0.2:5060").offer(offer(1))),
        Step::Expect(200),
        Step::Ack { sdp: None },
        Step::Wait(Duration::from_secs(1)),
        Step::Bye,
    ]
}

fn pick_up() -> Vec<Step> {
    vec![
        Step::ExpectInvite,
        Step::Ring { status: 180, sdp: None },
        Step::Wait(Duration::from_millis(100)),
        Step::Answer { sdp: Some(offer(2)) },
        Step::ExpectAck,
        Step::ExpectBye,
    ]
}

fn assert_ladder(found: &str, drawn: &str) {
    assert_eq!(Ladder::squeeze(found), Ladder::squeeze(drawn), "found:\n{found}");
}

#[test]
fn a_call_is_answered_and_ended() {
    let mut line =
        Line::new(vec![phone("alice", 1, None, talk()), phone("bob", 2, None, pick_up())], vec![], vec![]);
    assert_ladder(
        &line.run(),
        "
           0  alice -> bob  INVITE sdp
          20  bob -> alice  180
         120  bob -> alice  200 sdp
         140  alice -> bob  ACK
        1140  alice -> bob  BYE
        1160  bob -> alice  200 BYE
        ",
    );
    assert_eq!(line.fates(), [(Some(200), Some(Ended::ByUs)), (Some(200), Some(Ended::ByThem))]);
    assert_eq!(line.phones[0].remote_rtp(), Some(SocketAddr::from(([10, 0, 0, 2], 4000))));
}

#[test]
fn lost_messages_are_repeated() {
    let phones = vec![phone("alice", 1, None, talk()), phone("bob", 2, None, pick_up())];
    let mut line = Line::new(phones, vec![], vec![0, 3, 4, 7]);
    assert_ladder(
        &line.run(),
        "
           0  alice -> bob  INVITE sdp  (lost)
         500  alice -> bob  INVITE sdp
         520  bob -> alice  180
         620  bob -> alice  200 sdp  (lost)
        1120  bob -> alice  200 sdp  (lost)
        2120  bob -> alice  200 sdp
        2140  alice -> bob  ACK
        3140  alice -> bob  BYE  (lost)
        3640  alice -> bob  BYE
        3660  bob -> alice  200 BYE
        ",
    );
    assert_eq!(line.fates(), [(Some(200), Some(Ended::ByUs)), (Some(200), Some(Ended::ByThem))]);
}

#[test]
fn proxies_that_stay_carry_ack_and_bye() {
    let phones = vec![phone("alice", 1, Some(address(3)), talk()), phone("bob", 2, None, pick_up())];
    let proxies = vec![
        Proxy::new("p1", address(3), address(4), Recording::Stays),
        Proxy::new("p2", address(4), address(2), Recording::Stays),
    ];
    let mut line = Line::new(phones, proxies, vec![]);
    assert_ladder(
        &line.run(),
        "
           0  alice -> p1   INVITE sdp
          20  p1 -> p2      INVITE sdp
          40  p2 -> bob     INVITE sdp
          60  bob -> p2     180
          80  p2 -> p1      180
         100  p1 -> alice   180
         160  bob -> p2     200 sdp
         180  p2 -> p1      200 sdp
         200  p1 -> alice   200 sdp
         220  alice -> p1   ACK
         240  p1 -> p2      ACK
         260  p2 -> bob     ACK
        1220  alice -> p1   BYE
        1240  p1 -> p2      BYE
        1260  p2 -> bob     BYE
        1280  bob -> p2     200 BYE
        1300  p2 -> p1      200 BYE
        1320  p1 -> alice   200 BYE
        ",
    );
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    let dials = vec![Step::Invite(Invite::to("sip:bob@10.0.0.2:5060")), Step::Expect(486)];
    let picks_up = vec![Step::ExpectInvite, Step::Reject { status: 486 }];
    let mut line =
        Line::new(vec![phone("alice", 1, None, dials), phone("bob", 2, None, picks_up)], vec![], vec![2]);
    assert_ladder(
        &line.run(),
        "
          0  alice -> bob  INVITE
         20  bob -> alice  486
         40  alice -> bob  ACK  (lost)
        520  bob -> alice  486
        540  alice -> bob  ACK
        ",
    );
    assert_eq!(line.fates(), [(Some(486), Some(Ended::Refused)), (Some(486), Some(Ended::Refused))]);
}

#[test]
fn a_cancel_waits_for_a_provisional_response() {
    let dials = vec![Step::Invite(Invite::to("sip:bob@10.0.0.2:5060")), Step::Cancel, Step::Expect(487)];
    let picks_up = vec![
        Step::ExpectInvite,
        Step::Wait(Duration::from_millis(100)),
        Step::Ring { status: 180, sdp: None },
        Step::ExpectCancel,
    ];
    let mut line =
        Line::new(vec![phone("alice", 1, None, dials), phone("bob", 2, None, picks_up)], vec![], vec![]);
    assert_ladder(
        &line.run(),
        "
          0  alice -> bob  INVITE
        120  bob -> alice  180
        140  alice -> bob  CANCEL
        160  bob -> alice  200 CANCEL
        160  bob -> alice  487
        180  alice -> bob  ACK
        ",
    );
    assert_eq!(line.fates(), [(Some(487), Some(Ended::Cancelled)), (Some(487), Some(Ended::Cancelled))]);
}

#[test]
fn an_answer_that_crosses_a_cancel_is_acked_and_ended() {
    let dials = vec![
        Step::Invite(Invite::to("sip:bob@10.0.0.2:5060").offer(offer(1))),
        Step::Expect(180),
        Step::Cancel,
        Step::ExpectFinal,
    ];
    let picks_up = vec![
        Step::ExpectInvite,
        Step::Ring { status: 180, sdp: None },
        Step::Wait(Duration::from_millis(30)),
        Step::Answer { sdp: Some(offer(2)) },
        Step::ExpectBye,
    ];
    let mut line =
        Line::new(vec![phone("alice", 1, None, dials), phone("bob", 2, None, picks_up)], vec![], vec![]);
    assert_ladder(
        &line.run(),
        "
          0  alice -> bob  INVITE sdp
         20  bob -> alice  180
         40  alice -> bob  CANCEL
         50  bob -> alice  200 sdp
         60  bob -> alice  200 CANCEL
         70  alice -> bob  ACK sdp
         70  alice -> bob  BYE
         90  bob -> alice  200 BYE
        ",
    );
    assert_eq!(line.fates(), [(Some(200), Some(Ended::Cancelled)), (Some(200), Some(Ended::ByThem))]);
}

#[test]
fn a_callee_without_ack_says_bye() {
    let mut dials = talk();
    dials.truncate(2);
    let mut picks_up = pick_up();
    picks_up.truncate(4);
    let mut line =
        Line::new(vec![phone("alice", 1, None, dials), phone("bob", 2, None, picks_up)], vec![], vec![]);
    let ladder = line.run();
    assert!(ladder.contains(" 32120  bob -> alice  BYE\n"), "{ladder}");
    assert_eq!(ladder.matches("200 sdp").count(), 11, "{ladder}");
    assert_eq!(line.fates(), [(Some(200), Some(Ended::ByThem)), (Some(200), Some(Ended::Unacknowledged))]);
}

#[test]
fn an_invite_that_nobody_answers_ends_after_32_s() {
    let dials = vec![Step::Invite(Invite::to("sip:bob@10.0.0.2:5060")), Step::Expect(408)];
    let mut line = Line::new(vec![phone("alice", 1, None, dials)], vec![], vec![]);
    assert_eq!(line.run().matches("INVITE").count(), 7);
    assert_eq!(line.fates(), [(None, Some(Ended::Unanswered))]);
}

#[test]
fn a_reinvite_moves_the_audio() {
    let moved = sdp::pcmu(SocketAddr::from(([10, 0, 0, 9], 4500)));
    let mut dials = talk();
    dials.splice(3..3, [Step::Reinvite { sdp: Some(moved) }, Step::Expect(200), Step::Ack { sdp: None }]);
    let mut picks_up = pick_up();
    picks_up.insert(5, Step::ExpectReinvite);
    let mut line =
        Line::new(vec![phone("alice", 1, None, dials), phone("bob", 2, None, picks_up)], vec![], vec![]);
    line.run();
    assert_eq!(line.fates(), [(Some(200), Some(Ended::ByUs)), (Some(200), Some(Ended::ByThem))]);
    assert_eq!(line.phones[1].remote_rtp(), Some(SocketAddr::from(([10, 0, 0, 9], 4500))));
}

#[test]
fn a_script_that_the_call_belies_is_a_fault_and_leaves_nothing_up() {
    let mut dials = talk();
    dials[1] = Step::Expect(486);
    let mut line =
        Line::new(vec![phone("alice", 1, None, dials), phone("bob", 2, None, pick_up())], vec![], vec![]);
    line.run();
    assert_eq!(line.phones[0].fault(), Some("expected 486, got 200"));
    assert!(line.phones.iter().all(|phone| phone.outcome().is_some()));
}

#[test]
fn a_datagram_cut_short_is_no_message() {
    let mut alice = phone("alice", 1, None, talk());
    let line = Line::new(vec![], vec![], vec![]);
    alice.expire(line.now);
    let (_, bytes) = alice.poll_transmit().unwrap();
    assert!(Glance::of(&bytes).is_ok());
    assert!(Glance::of(&bytes[..bytes.len() - 1]).is_err());
}

#[test]
fn calls_through_proxies_end_in_two_hundred_storms() {
    for seed in 0..200 {
        // A BYE may overtake the ACK: the script expects neither.
        let picks_up = pick_up()[..4].to_vec();
        let phones = vec![phone("alice", 1, Some(address(3)), talk()), phone("bob", 2, None, picks_up)];
        let proxies = vec![
            Proxy::new("p1", address(3), address(4), Recording::Stays),
            Proxy::new("p2", address(4), address(2), Recording::Leaves),
        ];
        let mut line = Line::new(phones, proxies, vec![]);
        line.storm = Some(Dice::new(seed));
        line.run();
        let expected = [(Some(200), Some(Ended::ByUs)), (Some(200), Some(Ended::ByThem))];
        assert_eq!(line.fates(), expected, "seed {seed}:\n{}", line.ladder);
    }
}

#[test]
fn a_phone_answers_options() {
    let asks = vec![Step::Options { to: "sip:bob@10.0.0.2:5060".to_owned() }, Step::Expect(200)];
    let mut line =
        Line::new(vec![phone("alice", 1, None, asks), phone("bob", 2, None, vec![])], vec![], vec![]);
    assert_ladder(
        &line.run(),
        "
          0  alice -> bob  OPTIONS
         20  bob -> alice  200 OPTIONS
        ",
    );
    assert_eq!(line.fates(), [(None, None), (None, None)]);
}

#[test]
fn a_reliable_provisional_response_is_repeated_until_its_prack_and_updates_go_by_the_early_dialog() {
    let alice = vec![
        Step::Invite(Invite::to("sip:bob@10.0.0.2:5060").offer(offer(1)).header("Supported", "100rel")),
        Step::Prack { sdp: None },
        Step::ExpectPracked(200),
        Step::Update { sdp: Some(offer(1)) },
        Step::ExpectUpdated(200),
        Step::Expect(200),
        Step::Ack { sdp: None },
        Step::Bye,
    ];
    let bob = vec![
        Step::ExpectInvite,
        Step::RingReliably(Ring::status(183).sdp(offer(2)).header("P-Early-Media", "sendrecv")),
        Step::ExpectPrack,
        Step::ExpectUpdate,
        Step::Answer { sdp: None },
        Step::ExpectBye,
    ];
    let mut line =
        Line::new(vec![phone("alice", 1, None, alice), phone("bob", 2, None, bob)], vec![], vec![1]);
    assert_ladder(
        &line.run(),
        "
           0  alice -> bob  INVITE sdp
          20  bob -> alice  183 sdp  (lost)
         500  alice -> bob  INVITE sdp
         520  bob -> alice  183 sdp
         520  bob -> alice  183 sdp
         540  alice -> bob  PRACK
         560  bob -> alice  200 PRACK
         580  alice -> bob  UPDATE sdp
         600  bob -> alice  200 UPDATE sdp
         600  bob -> alice  200
         620  alice -> bob  ACK
         620  alice -> bob  BYE
         640  bob -> alice  200 BYE
        ",
    );
    assert_eq!(line.fates(), [(Some(200), Some(Ended::ByUs)), (Some(200), Some(Ended::ByThem))]);
}

#[test]
fn a_forking_proxy_passes_the_responses_of_both() {
    let alice = vec![
        Step::Invite(Invite::to("sip:bob@10.0.0.2:5060").offer(offer(1))),
        Step::Expect(200),
        Step::Ack { sdp: None },
        Step::Wait(Duration::from_secs(1)),
        Step::Bye,
    ];
    let bob = vec![Step::ExpectInvite, Step::RingWith(Ring::status(183).sdp(offer(2)))];
    let phones = vec![
        phone("alice", 1, Some(address(3)), alice),
        phone("bob", 2, None, bob),
        phone("eve", 4, None, pick_up()),
    ];
    let proxy = Proxy::new("fork", address(3), address(2), Recording::Leaves).forking_to(address(4));
    let mut line = Line::new(phones, vec![proxy], vec![]);
    assert_ladder(
        &line.run(),
        "
           0  alice -> fork  INVITE sdp
          20  fork -> bob    INVITE sdp
          20  fork -> eve    INVITE sdp
          40  bob -> fork    183 sdp
          40  eve -> fork    180
          60  fork -> alice  183 sdp
          60  fork -> alice  180
         140  eve -> fork    200 sdp
         160  fork -> alice  200 sdp
         180  alice -> eve   ACK
        1180  alice -> eve   BYE
        1200  eve -> alice   200 BYE
        ",
    );
}
