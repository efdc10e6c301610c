//! Why there is nothing, in words.

use super::*;

#[test]
fn an_unknown_name_is_told_from_one_without_addresses() {
    let mut zone = Zone::default();
    let words = |zone: &mut Zone, reach: &Reach| zone.locate("sip:h.example", reach).unwrap_err().to_string();
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
