//! Searches against a zone file in memory, and walks along what they find.

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

mod rules {
    use super::*;

    #[test]
    fn a_literal_address_asks_nothing() {
        let mut zone = Zone::default();
        assert_eq!(zone.found("sip:192.0.2.1", &all()), ["udp 192.0.2.1:5060"]);
        assert_eq!(zone.found("sip:192.0.2.1:5070;transport=tcp", &all()), ["tcp 192.0.2.1:5070"]);
        assert_eq!(zone.found("sips:192.0.2.1", &all()), ["tls 192.0.2.1:5061"]);
        assert_eq!(zone.found("sip:192.0.2.1;transport=ws", &reach(&[Udp, Ws])), ["ws 192.0.2.1:80"]);
        let v6 = Reach { families: Families::V6First, ..all() };
        assert_eq!(zone.found("sip:[2001:db8::1]", &v6), ["udp [2001:db8::1]:5060"]);
        assert_eq!(zone.asked, [""; 0]);
    }

    #[test]
    fn an_explicit_port_asks_for_addresses_alone() {
        let mut zone = Zone::default().host("example.com", &["192.0.2.1"]);
        assert_eq!(zone.found("sip:example.com:5060", &all()), ["udp 192.0.2.1:5060"]);
        assert_eq!(zone.asked, ["A example.com"]);
        assert_eq!(zone.found("sips:example.com:5099", &all()), ["tls 192.0.2.1:5099"]);
        assert_eq!(zone.asked, ["A example.com"]);
    }

    #[test]
    fn a_transport_skips_naptr_and_asks_for_its_own_srv() {
        let mut zone = Zone::default()
            .srv("_sip._tcp.example.com.", &[(1, 0, 5080, "a.example.com.")])
            .srv("_sips._tcp.example.com.", &[(1, 0, 5081, "a.example.com.")])
            .host("a.example.com.", &["192.0.2.1"]);
        assert_eq!(zone.found("sip:example.com;transport=tcp", &all()), ["tcp 192.0.2.1:5080"]);
        assert_eq!(zone.asked, ["SRV _sip._tcp.example.com.", "A a.example.com."]);
        for uri in ["sip:example.com;transport=tls", "sips:example.com;transport=tcp"] {
            assert_eq!(zone.found(uri, &all()), ["tls 192.0.2.1:5081"]);
            assert_eq!(zone.asked, ["SRV _sips._tcp.example.com.", "A a.example.com."]);
        }
    }

    #[test]
    fn without_naptr_each_transport_of_ours_is_asked_for_in_our_order() {
        let mut zone = Zone::default()
            .srv("_sip._udp.example.com.", &[(1, 0, 5060, "a.example.com.")])
            .srv("_sips._tcp.example.com.", &[(1, 0, 5061, "a.example.com.")])
            .host("a.example.com.", &["192.0.2.1"]);
        let found = zone.found("sip:example.com", &reach(&[Tls, Tcp, Udp]));
        assert_eq!(found, ["tls 192.0.2.1:5061", "udp 192.0.2.1:5060"]);
        assert_eq!(
            zone.asked,
            [
                "NAPTR example.com.",
                "SRV _sips._tcp.example.com.",
                "SRV _sip._tcp.example.com.",
                "SRV _sip._udp.example.com.",
                "A a.example.com.",
            ]
        );
    }

    #[test]
    fn sips_is_tls_at_each_step() {
        let mut zone = Zone::default().host("example.com", &["192.0.2.1"]).naptr(
            "example.com.",
            &[
                (1, 1, "s", "SIP+D2U", "_sip._udp.example.com."),
                (2, 1, "s", "SIP+D2T", "_sip._tcp.example.com."),
            ],
        );
        assert_eq!(zone.found("sips:example.com", &all()), ["tls 192.0.2.1:5061"]);
        assert_eq!(zone.asked, ["NAPTR example.com.", "SRV _sips._tcp.example.com.", "A example.com"]);
        let unreachable = zone.locate("sips:example.com", &reach(&[Udp, Tcp]));
        assert_eq!(unreachable, Err(Failure::OutOfReach { name: "example.com".into(), transport: Tls }));
    }

    #[test]
    fn without_any_record_it_is_udp_at_the_default_port() {
        let mut zone = Zone::default().host("example.com", &["192.0.2.1"]);
        assert_eq!(zone.found("sip:example.com", &reach(&[Tls, Tcp, Udp])), ["udp 192.0.2.1:5060"]);
        assert_eq!(zone.found("sip:example.com", &reach(&[Tcp, Tls])), ["tcp 192.0.2.1:5060"]);
    }

    #[test]
    fn a_name_without_a_dot_is_a_host() {
        let mut zone = Zone::default().host("localhost", &["127.0.0.1"]);
        assert_eq!(zone.found("sip:localhost", &all()), ["udp 127.0.0.1:5060"]);
        assert_eq!(zone.asked, ["A localhost"]);
    }

    #[test]
    fn maddr_is_looked_up_and_the_host_is_what_a_certificate_must_name() {
        let mut zone = Zone::default().host("edge.example.net", &["192.0.2.9"]);
        let found = zone.locate("sips:example.com:5061;maddr=edge.example.net", &all()).unwrap();
        assert_eq!(found[0].domain, "example.com");
        assert_eq!(found[0].address, "192.0.2.9:5061".parse().unwrap());
    }

    #[test]
    fn srv_keeps_the_domain_for_the_certificate_and_names_its_server() {
        let mut zone = Zone::default()
            .srv("_sips._tcp.example.com.", &[(1, 0, 5061, "edge7.hoster.example.")])
            .host("edge7.hoster.example.", &["192.0.2.1"]);
        let found = zone.locate("sips:example.com", &all()).unwrap();
        assert_eq!(
            (found[0].domain.as_str(), found[0].server.as_str()),
            ("example.com", "edge7.hoster.example")
        );
    }
}

mod naptr {
    use super::*;

    fn zone(records: &[(u16, u16, &str, &str, &str)]) -> Zone {
        Zone::default()
            .naptr("example.com.", records)
            .srv("u.example.com.", &[(1, 0, 1, "h.example.com.")])
            .srv("t.example.com.", &[(1, 0, 2, "h.example.com.")])
            .srv("s.example.com.", &[(1, 0, 3, "h.example.com.")])
            .host("h.example.com.", &["192.0.2.1"])
    }

    #[test]
    fn the_lowest_order_is_taken_whatever_its_preference() {
        let mut zone = zone(&[
            (50, 1, "s", "SIP+D2U", "u.example.com."),
            (20, 9, "s", "SIP+D2T", "t.example.com."),
            (90, 1, "s", "SIPS+D2T", "s.example.com."),
        ]);
        assert_eq!(zone.found("sip:example.com", &all()), ["tcp 192.0.2.1:2"]);
    }

    #[test]
    fn within_an_order_preference_decides_and_the_others_follow() {
        let mut zone = zone(&[
            (10, 30, "s", "SIP+D2U", "u.example.com."),
            (10, 20, "s", "SIPS+D2T", "s.example.com."),
            (10, 40, "s", "SIP+D2T", "t.example.com."),
        ]);
        let found = zone.found("sip:example.com", &all());
        assert_eq!(found, ["tls 192.0.2.1:3", "udp 192.0.2.1:1", "tcp 192.0.2.1:2"]);
    }

    #[test]
    fn flags_and_services_are_read_in_either_case() {
        let mut zone = zone(&[(10, 1, "S", "sip+d2t", "T.Example.com")]);
        assert_eq!(zone.found("sip:Example.COM", &all()), ["tcp 192.0.2.1:2"]);
    }

    #[test]
    fn records_that_are_not_for_us_are_discarded() {
        for (flags, services, replacement) in [
            ("u", "SIP+D2T", "t.example.com."),
            ("a", "SIP+D2T", "t.example.com."),
            ("", "SIP+D2T", "t.example.com."),
            ("s", "SIP+D2S", "t.example.com."),
            ("s", "SIPS+D2U", "t.example.com."),
            ("s", "E2U+sip", "t.example.com."),
            ("s", "SIP+D2T", "."),
            ("s", "SIP+D2W", "t.example.com."),
        ] {
            let mut zone =
                zone(&[(1, 1, flags, services, replacement), (2, 1, "s", "SIP+D2U", "u.example.com.")]);
            assert_eq!(zone.found("sip:example.com", &all()), ["udp 192.0.2.1:1"], "{flags} {services}");
        }
    }

    #[test]
    fn a_regular_expression_is_no_rule_of_sip() {
        let record = Naptr {
            order: 1,
            preference: 1,
            flags: "s".into(),
            services: "SIP+D2T".into(),
            regexp: "!^.*$!t.example.com!".into(),
            replacement: "t.example.com.".into(),
        };
        let mut zone = zone(&[]).host("example.com", &["192.0.2.2"]);
        zone = zone.with(Kind::Naptr, "example.com.", Answer::Naptr(vec![record]));
        assert_eq!(zone.found("sip:example.com", &all()), ["udp 192.0.2.2:5060"]);
    }

    #[test]
    fn an_order_whose_srv_records_are_gone_gives_way_to_the_next() {
        let mut zone =
            zone(&[(10, 1, "s", "SIPS+D2T", "gone.example.com."), (20, 1, "s", "SIP+D2T", "t.example.com.")]);
        assert_eq!(zone.found("sip:example.com", &all()), ["tcp 192.0.2.1:2"]);
    }

    #[test]
    fn naptr_without_any_srv_still_says_the_transport() {
        let mut zone = Zone::default()
            .naptr("example.com.", &[(0, 1, "s", "SIP+D2T", "gone.example.com.")])
            .host("example.com", &["192.0.2.1"]);
        assert_eq!(zone.found("sip:example.com", &all()), ["tcp 192.0.2.1:5060"]);
    }

    #[test]
    fn a_websocket_server_is_found_by_naptr() {
        let mut zone = zone(&[(10, 1, "s", "SIP+D2W", "u.example.com.")]);
        assert_eq!(zone.found("sip:example.com", &reach(&[Udp, Ws])), ["ws 192.0.2.1:1"]);
    }
}

mod srv {
    use super::*;

    #[test]
    fn priorities_come_in_order_and_each_address_of_a_server_is_tried() {
        let mut zone = Zone::default()
            .srv(
                "_sip._udp.example.com.",
                &[
                    (20, 1, 5062, "c.example.com."),
                    (10, 1, 5061, "b.example.com."),
                    (5, 1, 5060, "a.example.com."),
                ],
            )
            .host("a.example.com.", &["192.0.2.1"])
            .host("b.example.com.", &["192.0.2.2", "192.0.2.3"])
            .host("c.example.com.", &["192.0.2.4"]);
        let mut found = zone.found("sip:example.com", &reach(&[Udp]));
        found[1..3].sort();
        assert_eq!(
            found,
            ["udp 192.0.2.1:5060", "udp 192.0.2.2:5061", "udp 192.0.2.3:5061", "udp 192.0.2.4:5062"]
        );
    }

    #[test]
    fn another_seed_is_another_choice_by_weight() {
        let mut zone = Zone::default()
            .srv("_sip._udp.example.com.", &[(1, 3, 1, "h.example.com."), (1, 1, 2, "h.example.com.")])
            .host("h.example.com.", &["192.0.2.1"]);
        let mut first = [0_u32; 2];
        for seed in 0..2_000 {
            let found = zone.locate_by("sip:example.com", &reach(&[Udp]), seed).unwrap();
            first[usize::from(found[0].address.port() - 1)] += 1;
        }
        assert!(first[0].abs_diff(1_400) < 110, "3.5 and 1.5 of 5, as the RFC has it: {first:?}");
    }

    #[test]
    fn the_root_as_target_says_that_there_is_no_service() {
        let mut zone = Zone::default()
            .srv("_sip._udp.example.com.", &[(0, 0, 0, ".")])
            .host("example.com", &["192.0.2.1"]);
        let located = zone.locate("sip:example.com", &all());
        assert_eq!(located, Err(Failure::NotOffered { name: "example.com".into() }));
        zone = zone
            .srv("_sip._tcp.example.com.", &[(0, 0, 5060, "h.example.com.")])
            .host("h.example.com.", &["192.0.2.2"]);
        assert_eq!(zone.found("sip:example.com", &all()), ["tcp 192.0.2.2:5060"]);
    }

    #[test]
    fn a_server_without_an_address_is_passed_over() {
        let mut zone = Zone::default()
            .srv("_sip._udp.example.com.", &[(1, 0, 1, "gone.example.com."), (2, 0, 2, "h.example.com.")])
            .host("h.example.com.", &["192.0.2.1"]);
        assert_eq!(zone.found("sip:example.com", &all()), ["udp 192.0.2.1:2"]);
    }

    #[test]
    fn an_address_in_the_place_of_a_name_is_used_and_port_zero_is_not() {
        let mut zone = Zone::default()
            .srv("_sip._udp.example.com.", &[(1, 0, 5070, "192.0.2.5."), (0, 0, 0, "192.0.2.6.")]);
        assert_eq!(zone.found("sip:example.com", &reach(&[Udp])), ["udp 192.0.2.5:5070"]);
    }

    #[test]
    fn one_place_is_tried_once() {
        let mut zone = Zone::default()
            .srv("_sip._udp.example.com.", &[(1, 0, 5060, "a.example.com."), (2, 0, 5060, "b.example.com.")])
            .host("a.example.com.", &["192.0.2.1"])
            .host("b.example.com.", &["192.0.2.1", "192.0.2.2"]);
        assert_eq!(
            zone.found("sip:example.com", &reach(&[Udp])),
            ["udp 192.0.2.1:5060", "udp 192.0.2.2:5060"]
        );
    }
}

mod addresses {
    use super::*;

    #[test]
    fn ip_versions_take_turns_the_preferred_first() {
        let mut zone =
            Zone::default().host("h.example", &["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"]);
        let versions = |families| {
            let located = zone.locate("sip:h.example:5060", &Reach { families, ..all() }).unwrap();
            let version = |candidate: &Candidate| if candidate.address.is_ipv4() { '4' } else { '6' };
            located.iter().map(version).collect::<String>()
        };
        let orders = [Families::V4First, Families::V6First, Families::V4, Families::V6].map(versions);
        assert_eq!(orders, ["4644", "6444", "444", "6"]);
    }

    #[test]
    fn each_address_comes_first_for_some_calls() {
        let addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
        let mut zone = Zone::default().host("h.example", &addresses);
        let mut first = BTreeMap::<String, u32>::new();
        for seed in 0..900 {
            let found = zone.locate_by("sip:h.example:5060", &all(), seed).unwrap();
            *first.entry(found[0].address.ip().to_string()).or_default() += 1;
        }
        assert!(addresses.iter().all(|address| first[*address] > 230), "{first:?}");
    }

    #[test]
    fn an_answer_of_the_wrong_kind_counts_as_none() {
        let mut zone = Zone::default().with(
            Kind::A,
            "h.example",
            Answer::Addresses(vec!["2001:db8::1".parse().unwrap(), "0.0.0.0".parse().unwrap()]),
        );
        let located = zone.locate("sip:h.example:5060", &all());
        assert_eq!(located, Err(Failure::NoAddress { name: "h.example".into(), family: "IPv4" }));
    }
}

mod bounds {
    use super::*;

    #[test]
    fn cnames_are_followed_but_not_for_ever() {
        let mut zone = Zone::default().host("last.example.", &["192.0.2.1"]);
        for number in 0..MAX_ALIASES {
            let name = if number == 0 { "c0.example".to_owned() } else { format!("c{number}.example.") };
            let next = if number + 1 == MAX_ALIASES {
                "LAST.example".to_owned()
            } else {
                format!("c{}.example.", number + 1)
            };
            zone = zone.with(Kind::A, &name, Answer::Alias(next));
        }
        assert_eq!(zone.found("sip:c0.example:5060", &all()), ["udp 192.0.2.1:5060"]);

        let mut zone = Zone::default().with(Kind::A, "a.example", Answer::Alias("b.example.".into())).with(
            Kind::A,
            "b.example.",
            Answer::Alias("b.example.".into()),
        );
        let located = zone.locate("sip:a.example:5060", &all());
        let trouble = Trouble::Aliases;
        assert_eq!(located, Err(Failure::Unanswered { name: "a.example".into(), trouble }));
        assert_eq!(zone.asked.len(), MAX_ALIASES + 1);
    }

    #[test]
    fn a_flood_of_records_ends_at_the_bounds() {
        let addresses = Answer::Addresses((0..200).map(|number| [192, 0, 2, number].into()).collect());
        let srv = (0..2_000).map(|number| Srv {
            priority: 1,
            weight: 1,
            port: 5060,
            target: format!("h{number}.example."),
        });
        let mut zone = Zone::default().with(Kind::Srv, "_sip._udp.example.com.", Answer::Srv(srv.collect()));
        for number in 0..2_000 {
            zone = zone.with(Kind::A, &format!("h{number}.example."), addresses.clone());
        }
        let found = zone.found("sip:example.com;transport=udp", &all());
        assert_eq!(found.len(), MAX_CANDIDATES);
        assert_eq!(zone.asked.len(), 1 + MAX_SERVERS);
    }
}

mod failures {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_from_one_without_addresses() {
        let mut zone = Zone::default();
        let words =
            |zone: &mut Zone, reach: &Reach| zone.locate("sip:h.example", reach).unwrap_err().to_string();
        assert_eq!(words(&mut zone, &all()), "h.example: there is no such name (NXDOMAIN)");
        zone = zone.host("h.example", &["2001:db8::1"]);
        assert_eq!(words(&mut zone, &all()), "h.example: it has no IPv4 address");
        zone = zone.host("h.example", &[]);
        let both = Reach { families: Families::V4First, ..all() };
        assert_eq!(words(&mut zone, &both), "h.example: it has no IP address");
    }

    #[test]
    fn what_dns_does_not_tell_is_said_only_if_nothing_is_found() {
        let servfail = Answer::Failed(Trouble::Server("SERVFAIL".into()));
        let mut zone = Zone::default().with(Kind::Naptr, "h.example.", servfail.clone());
        zone = zone.with(Kind::Srv, "_sip._udp.h.example.", Answer::Failed(Trouble::Timeout));
        zone = zone.host("h.example", &["192.0.2.1"]);
        assert_eq!(zone.found("sip:h.example", &all()), ["udp 192.0.2.1:5060"]);
        zone = zone.host("h.example", &[]);
        let words = zone.locate("sip:h.example", &all()).unwrap_err().to_string();
        assert_eq!(words, "h.example: the name server failed (SERVFAIL)");
        zone = zone.with(Kind::A, "h.example", Answer::Failed(Trouble::Timeout));
        let failure = zone.locate("sip:h.example", &all()).unwrap_err();
        assert_eq!(failure.to_string(), "h.example: DNS did not answer in time");
        assert!(failure.is_passing());
    }

    #[test]
    fn at_the_deadline_what_is_known_is_enough() {
        let target = Target::host("example.com", None, Some(Udp)).unwrap();
        let mut search = Locate::new(&target, &all(), 1);
        let Need::Ask(srv) = search.poll() else { panic!("no question") };
        assert_eq!(search.poll(), Need::Wait);
        let record = |priority, target: &str| Srv { priority, weight: 0, port: 5060, target: target.into() };
        search.answer(&srv, &Answer::Srv(vec![record(1, "slow.example."), record(2, "quick.example.")]));
        let Need::Ask(_slow) = search.poll() else { panic!("no question") };
        let Need::Ask(quick) = search.poll() else { panic!("no question") };
        search.answer(&quick, &Answer::Addresses(vec!["192.0.2.2".parse().unwrap()]));
        assert_eq!(search.poll(), Need::Wait);
        let found = search.give_up().unwrap();
        assert_eq!(
            found.iter().map(|candidate| candidate.server.as_str()).collect::<Vec<_>>(),
            ["quick.example"]
        );
    }

    #[test]
    fn a_deadline_before_any_answer_is_a_failure() {
        let target = Target::host("example.com", None, None).unwrap();
        let located = Locate::new(&target, &all(), 1).give_up();
        assert_eq!(located.unwrap_err().to_string(), "example.com: DNS did not answer in time");
    }

    #[test]
    fn an_answer_that_nobody_asked_for_changes_nothing() {
        let target = Target::host("example.com", Some(5060), None).unwrap();
        let mut search = Locate::new(&target, &all(), 1);
        let stray = Question { kind: Kind::A, name: "example.com".into() };
        search.answer(&stray, &Answer::Addresses(vec!["192.0.2.66".parse().unwrap()]));
        assert_eq!(search.poll(), Need::Ask(stray.clone()));
        search.answer(&stray, &Answer::Addresses(vec!["192.0.2.1".parse().unwrap()]));
        search.answer(&stray, &Answer::Addresses(vec!["192.0.2.66".parse().unwrap()]));
        let Need::Done(Ok(found)) = search.poll() else { panic!("not found") };
        assert_eq!(found[0].address, "192.0.2.1:5060".parse().unwrap());
    }

    #[test]
    fn an_address_that_no_listener_reaches_is_told() {
        let located = Zone::default().locate("sip:[2001:db8::1]", &all()).unwrap_err();
        assert_eq!(located.to_string(), "2001:db8::1: no listener of ours has its IP version");
        let located = Zone::default().locate("sip:h.example;transport=ws", &all()).unwrap_err();
        assert_eq!(located.to_string(), "h.example: no listener of ours can send over ws");
    }
}

mod fail_over {
    use super::*;

    fn candidate(transport: Transport, address: &str) -> Candidate {
        let address: std::net::SocketAddr = address.parse().unwrap();
        Candidate { transport, address, domain: "example.com".into(), server: address.ip().to_string() }
    }

    fn three() -> Vec<Candidate> {
        ["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"].map(|address| candidate(Udp, address)).to_vec()
    }

    fn order(shunned: &Shunned, now: Instant) -> Vec<u16> {
        let Ok(mut candidates) = Candidates::new(three(), shunned, now) else { return Vec::new() };
        let last_octet = |candidate: &Candidate| {
            candidate.server.rsplit('.').next().and_then(|digits| digits.parse().ok()).unwrap()
        };
        let mut order = vec![last_octet(candidates.current())];
        let mut aside = shunned.clone();
        while let Some(next) = candidates.next(Setback::Unavailable { retry_after: None }, &mut aside, now) {
            order.push(last_octet(next));
        }
        order
    }

    #[test]
    fn each_setback_moves_on_until_none_is_left() {
        let (mut shunned, now) = (Shunned::new(), start());
        let mut candidates = Candidates::new(three(), &shunned, now).unwrap();
        assert_eq!((candidates.current(), candidates.left()), (&three()[0], 2));
        assert_eq!(candidates.next(Setback::Transport, &mut shunned, now), Some(&three()[1]));
        assert_eq!(candidates.next(Setback::Timeout, &mut shunned, now), Some(&three()[2]));
        assert_eq!(candidates.next(Setback::Unavailable { retry_after: None }, &mut shunned, now), None);
        assert_eq!(shunned.len(), 2);
    }

    #[test]
    fn of_the_responses_only_503_is_a_setback() {
        let of = |code| Setback::of(StatusCode::new(code).unwrap(), Some(seconds(9)));
        assert_eq!(of(503), Some(Setback::Unavailable { retry_after: Some(seconds(9)) }));
        for code in [100, 180, 200, 302, 401, 404, 408, 480, 486, 500, 502, 504, 600, 603] {
            assert_eq!(of(code), None, "{code}");
        }
    }

    #[test]
    fn one_that_failed_is_tried_last_for_a_while() {
        let (mut shunned, now) = (Shunned::new(), start());
        shunned.note(&three()[0], Setback::Timeout, now);
        assert_eq!(order(&shunned, now), [2, 3, 1]);
        assert_eq!(order(&shunned, now + Shunned::AFTER_FAILURE), [1, 2, 3]);
        shunned.forgive(&three()[0]);
        assert_eq!(order(&shunned, now), [1, 2, 3]);
    }

    #[test]
    fn one_that_asked_for_time_is_left_alone_for_that_time() {
        let (mut shunned, now) = (Shunned::new(), start());
        shunned.note(&three()[1], Setback::Unavailable { retry_after: Some(seconds(120)) }, now);
        shunned.forgive(&three()[1]);
        assert_eq!(order(&shunned, now + seconds(119)), [1, 3]);
        assert_eq!(order(&shunned, now + seconds(120)), [1, 2, 3]);
    }

    #[test]
    fn a_busy_host_is_busy_over_every_transport_and_a_dead_way_is_one_way() {
        let (mut shunned, now) = (Shunned::new(), start());
        let ways = || vec![candidate(Udp, "192.0.2.1:5060"), candidate(Tls, "192.0.2.1:5061")];
        shunned.note(&ways()[0], Setback::Transport, now);
        assert_eq!(Candidates::new(ways(), &shunned, now).unwrap().current().transport, Tls);
        shunned.note(&ways()[0], Setback::Unavailable { retry_after: Some(seconds(60)) }, now);
        let busy = Candidates::new(ways(), &shunned, now + seconds(20)).unwrap_err();
        assert_eq!(busy, AllBusy { wait: seconds(40) });
        assert_eq!(busy.to_string(), "each of its servers answered 503, and asks for 41 s without calls");
    }

    #[test]
    fn a_server_that_another_call_found_busy_is_passed_over_on_the_way() {
        let (mut shunned, now) = (Shunned::new(), start());
        let mut candidates = Candidates::new(three(), &shunned, now).unwrap();
        shunned.note(&three()[1], Setback::Unavailable { retry_after: Some(seconds(60)) }, now);
        assert_eq!(candidates.next(Setback::Timeout, &mut shunned, now + seconds(32)), Some(&three()[2]));
    }

    #[test]
    fn a_retry_after_beyond_reason_is_cut() {
        let (mut shunned, now) = (Shunned::new(), start());
        let wait = seconds(u64::from(u32::MAX));
        shunned.note(&three()[0], Setback::Unavailable { retry_after: Some(wait) }, now);
        let end = now + Shunned::MAX_RETRY_AFTER;
        assert_eq!(order(&shunned, end.checked_sub(seconds(1)).unwrap()), [2, 3]);
        assert_eq!(order(&shunned, end), [1, 2, 3]);
    }

    #[test]
    fn the_list_is_bounded_and_drops_the_first_to_end() {
        let (mut shunned, now) = (Shunned::new(), start());
        let busy = |wait| Setback::Unavailable { retry_after: Some(seconds(wait)) };
        shunned.note(&three()[0], busy(10), now);
        shunned.note(&three()[1], busy(3_000), now);
        for number in 0..Shunned::MAX {
            let port = u16::try_from(number).unwrap() + 1;
            shunned.note(&candidate(Udp, &format!("198.51.100.1:{port}")), Setback::Timeout, now);
        }
        assert_eq!(shunned.len(), Shunned::MAX);
        assert_eq!(order(&shunned, now), [1, 3], "the one for 10 s made room, the one for 3,000 s is there");
    }
}
