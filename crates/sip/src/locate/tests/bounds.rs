//! What a hostile name server can't do.

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
