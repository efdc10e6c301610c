//! An agent that is looked for: by its name, at its ports, by an INVITE; and what becomes of the call where it is not found.

use std::time::Duration;

use b2bua::Input;
use b2bua::io::Verdict;

use crate::house::{AGENT, Binds, House, INVENTORY};
use crate::sip_agent::ANSWER;
use crate::text::{Dial, agent_says, place};

/// A call to the agent whose name is resolved, and that has a fallback; a second pair is spoilt on the way.
fn named(house: &mut House) -> Dial {
    let call = Dial::to("+14155550105");
    call.place(house);
    house.binds = Binds::FailOnce;
    let ticket = house.questions[0].0;
    house.input(Input::Verdict(ticket, Verdict::Resolved(vec![place(AGENT)])));
    house.look();
    call
}

#[test]
fn the_name_of_an_agent_is_asked_for() {
    let mut house = House::new();
    Dial::to("+14155550105").place(&mut house);
    assert!(house.look().contains("ask pbx.example.com"));
    let ticket = house.questions[0].0;
    house.input(Input::Verdict(ticket, Verdict::Resolved(vec![place(AGENT)])));
    assert_eq!(house.look(), "\nbind m2\nagent <- INVITE\n");
}

#[test]
fn a_name_that_does_not_resolve_gives_way_to_the_fallback() {
    let mut house = House::new();
    Dial::to("+14155550105").place(&mut house);
    house.look();
    let ticket = house.questions[0].0;
    house.input(Input::Verdict(ticket, Verdict::Failed("no such name".to_owned())));
    assert!(house.look().starts_with("\nnotice named: no such name\ndescribe m1"));
}

#[test]
fn a_verdict_that_never_comes_is_not_waited_for() {
    let mut house = House::new();
    Dial::to("+14155550105").place(&mut house);
    house.pass(Duration::from_secs(5));
    assert_eq!(house.record().agent_id.as_deref(), Some("named"));
    assert!(house.look().contains("echo m1\ncaller <- 200"));
    let ticket = house.questions[0].0;
    house.input(Input::Verdict(ticket, Verdict::Resolved(vec![place(AGENT)])));
    assert_eq!(house.look(), "\n");
}

#[test]
fn an_agent_that_says_nothing_gives_way_to_its_fallback() {
    let mut house = House::new();
    let call = named(&mut house);
    agent_says(&mut house, "199 Early Dialog Terminated", "");
    house.pass(Duration::from_millis(19_999));
    assert!(!house.look().contains("notice"));
    house.pass(Duration::from_millis(1));
    assert!(house.look().contains("notice named: it took too long to be reached\ndescribe m1"));
    assert_eq!(house.record().agent_id.as_deref(), Some("named"), "the call is up");
    call.ack(&mut house, "");
    assert_eq!(
        house.core.calls().next().and_then(|call| call.record.agent_id.clone()).as_deref(),
        Some("echo")
    );
}

#[test]
fn an_agent_that_rings_is_waited_for() {
    for (said, body) in
        [("183 Session Progress", ANSWER), ("181 Call Is Being Forwarded", ""), ("182 Queued", "")]
    {
        let mut house = House::new();
        named(&mut house);
        agent_says(&mut house, said, body);
        house.look();
        house.pass(Duration::from_secs(49));
        assert_eq!(house.look(), "\n", "{said}");
        agent_says(&mut house, "200 OK", ANSWER);
        assert!(house.look().ends_with("caller <- 200\n"), "{said}");
    }
}

#[test]
fn an_agent_for_which_no_port_can_be_bound_gives_way_and_the_notice_says_why() {
    let mut house = House::new();
    Dial::to("+14155550105").place(&mut house);
    house.binds = Binds::Fail;
    house.look();
    let ticket = house.questions[0].0;
    house.input(Input::Verdict(ticket, Verdict::Resolved(vec![place(AGENT)])));
    let journal = house.look();
    assert_eq!(journal.matches("bind ").count(), 8);
    assert!(journal.contains("notice named: there is no RTP port for it: in use\n"), "{journal}");
    assert!(journal.ends_with("caller <- 200\n"), "{journal}");
}

#[test]
fn a_name_that_leads_to_a_carrier_is_not_called() {
    let journal = led_to_the_trunk(INVENTORY);
    let notice = "notice named: 192.0.2.99:5060 is a server of trunk `acme`, and the call would leave";
    assert!(journal.contains(notice) && !journal.contains("INVITE"), "{journal}");
    assert!(journal.ends_with("caller <- 200\n"), "its fallback answers: {journal}");
}

#[test]
fn a_name_that_leads_to_a_pbx_is_called() {
    let journal = led_to_the_trunk(&INVENTORY.replace("did_country", "originate = true, did_country"));
    assert_eq!(journal, "\nbind m2\nagent <- INVITE\n");
}

#[test]
fn a_name_that_leads_into_a_carriers_network_is_called_where_the_agent_says_that_it_is_there() {
    let uri = "uri = \"sip:desk@pbx.example.com\"";
    let at = |network: &str| INVENTORY.replace(uri, &format!("{uri}, addresses = [\"{network}\"]"));
    assert_eq!(led_to_the_trunk(&at("192.0.2.99")), "\nbind m2\nagent <- INVITE\n");
    for others in ["192.0.2.98", "192.0.2.0/24", "192.0.0.0/16"] {
        let journal = led_to_the_trunk(&at(others));
        assert!(journal.contains("is a server of trunk `acme`") && !journal.contains("INVITE"), "{journal}");
    }
}

/// What becomes of a call whose agent's name leads to itself and to the trunk that the call comes from.
fn led_to_the_trunk(inventory: &str) -> String {
    let mut house = House::with(inventory, |_| {});
    Dial::to("+14155550105").place(&mut house);
    house.look();
    let ticket = house.questions[0].0;
    let places = vec![place(AGENT), place("192.0.2.99:5060")];
    house.input(Input::Verdict(ticket, Verdict::Resolved(places)));
    house.look()
}
