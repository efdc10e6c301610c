//! The addresses of one host.

use super::*;

#[test]
fn ip_versions_take_turns_the_preferred_first() {
    let mut zone = Zone::default().host("h.example", &["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"]);
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
