//! Calls out: what a gateway is told, and what an asker is refused.

use std::time::Duration;

use b2bua::ask::{Asker, Place};
use b2bua::io::{Command, Verdict};
use b2bua::record::{CallDirection, CallStatus};
use b2bua::{Input, Sharing};
use numbers::{Load, Spoke, Subject, Tally, Used};

use crate::house::{AGENT, House, INVENTORY};
use crate::text::{Dial, OFFER, agent_says, callee_asks, header, headers, place, reply};

/// The gateway of the trunk that calls leave by.
const GATEWAY: &str = "198.51.100.9:5060";

/// What the house owns, and a trunk to call out by.
fn inventory(trunk: &str, number: &str) -> String {
    format!(
        "{INVENTORY}\n[[trunks]]\nid = \"out\"\n[trunks.outbound]\ngateways = [{{ host = \"198.51.100.9\" }}]\n\
         allowed_countries = [\"US\"]\n{trunk}\n\n[[numbers]]\ne164 = \"+14155550120\"\ntrunk_id = \"out\"\noutbound = true\n{number}\n\
         [[numbers]]\ne164 = \"+14155550121\"\ntrunk_id = \"out\"\n\
         [[numbers]]\ne164 = \"+14155550122\"\ntrunk_id = \"out\"\noutbound = true\nsource = \"personal\"\n"
    )
}

fn house(trunk: &str) -> House {
    House::with(&inventory(trunk, ""), |_| {})
}

fn ask(to: &str) -> Dial {
    Dial::to(to).at_source(AGENT).from("\"Bob\" <sip:+14155550120@pbx.example>")
}

/// The INVITE that the gateway gets of a call by that trunk.
fn told(trunk: &str, asked: &Dial) -> String {
    let mut house = house(trunk);
    asked.place(&mut house);
    house.last(GATEWAY, "INVITE")
}

fn from(invite: &str) -> &str {
    header(invite, "From").unwrap().split(";tag=").next().unwrap()
}

#[test]
fn a_gateway_is_told_who_calls_whom() {
    let invite = told("", &ask("+12125550177").with("X-Account: 7").with("User-to-User: 00"));
    assert!(invite.starts_with("INVITE sip:+12125550177@198.51.100.9 SIP/2.0\r\n"), "{invite}");
    assert_eq!(from(&invite), "\"Bob\" <sip:+14155550120@198.51.100.9>");
    assert_eq!(header(&invite, "P-Asserted-Identity"), Some("\"Bob\" <sip:+14155550120@198.51.100.9>"));
    assert_eq!(header(&invite, "Max-Forwards"), Some("69"));
    for name in ["X-Account", "User-to-User", "P-Called-Party-ID", "Privacy"] {
        assert_eq!(header(&invite, name), None, "{name}");
    }
}

#[test]
fn numbers_are_written_as_the_trunk_wants_them() {
    for (trunk, uri, caller) in [
        ("number_format = \"e164\"", "sip:12125550177@198.51.100.9", "sip:14155550120@198.51.100.9"),
        (
            "number_format = \"national\"\ncountry = \"US\"",
            "sip:2125550177@198.51.100.9",
            "sip:4155550120@198.51.100.9",
        ),
        ("prefix = \"9#\"", "sip:9%23+12125550177@198.51.100.9", "sip:+14155550120@198.51.100.9"),
        (
            "user_phone = true",
            "sip:+12125550177@198.51.100.9;user=phone",
            "sip:+14155550120@198.51.100.9;user=phone",
        ),
    ] {
        let invite = told(trunk, &ask("+12125550177"));
        assert!(invite.starts_with(&format!("INVITE {uri} SIP/2.0\r\n")), "{trunk}: {invite}");
        assert_eq!(header(&invite, "To"), Some(format!("<{uri}>").as_str()));
        assert_eq!(from(&invite), format!("\"Bob\" <{caller}>"));
        assert_eq!(header(&invite, "P-Asserted-Identity"), Some(format!("\"Bob\" <{caller}>").as_str()));
    }
}

#[test]
fn the_trunk_says_how_it_knows_us() {
    for (trunk, shown, asserted) in [
        ("identity = \"from\"", "sip:+14155550120@198.51.100.9", None),
        (
            "from_user = \"acct\"\nfrom_domain = \"us.example\"",
            "sip:acct@us.example",
            Some("sip:+14155550120@us.example"),
        ),
    ] {
        let invite = told(trunk, &ask("+12125550177"));
        assert_eq!(from(&invite), format!("\"Bob\" <{shown}>"));
        let asserted = asserted.map(|uri| format!("\"Bob\" <{uri}>"));
        assert_eq!(header(&invite, "P-Asserted-Identity"), asserted.as_deref());
    }
    let invite = told("headers = { X-Trunk = \"7\" }", &ask("+12125550177"));
    assert_eq!(header(&invite, "X-Trunk"), Some("7"));
}

#[test]
fn a_number_that_is_withheld_is_asserted_and_not_shown() {
    let anonymous = Dial::to("+12125550177")
        .at_source(AGENT)
        .from("\"Anonymous\" <sip:anonymous@anonymous.invalid>")
        .with("P-Asserted-Identity: <sip:+14155550120@pbx>");
    for asked in [ask("+12125550177").with("Privacy: id"), anonymous] {
        let invite = told("identity = \"from\"", &asked);
        assert_eq!(from(&invite), "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
        assert_eq!(header(&invite, "P-Asserted-Identity"), Some("<sip:+14155550120@198.51.100.9>"));
        assert_eq!(header(&invite, "Privacy"), Some("id"));
        assert!(!invite.contains("Bob"), "{invite}");
    }
}

#[test]
fn diversions_go_on_with_the_trunks_host() {
    let asked = ask("+12125550177").with("Diversion: <sip:+14155550121@pbx.example>;reason=unconditional");
    let invite = told("", &asked);
    assert_eq!(
        headers(&invite, "Diversion"),
        ["<sip:+14155550121@198.51.100.9>;reason=unconditional;counter=1;privacy=off"]
    );
}

#[test]
fn who_is_asserted_calls_before_who_is_shown() {
    let asked = Dial::to("+12125550177").at_source(AGENT).from("<sip:4711@pbx>");
    for header in ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"] {
        let invite = told("", &asked.clone().with(&format!("{header}: <sip:+14155550120@pbx>")));
        assert_eq!(from(&invite), "<sip:+14155550120@198.51.100.9>");
    }
}

#[test]
fn each_denial_says_which_rule_it_was() {
    for (calling, to, status, reason) in [
        ("+14155559999", "+12125550177", "403", "caller-not-owned"),
        ("+14155550121", "+12125550177", "403", "outbound-disabled"),
        ("+14155550122", "+12125550177", "403", "number-unverified"),
        ("+14155550120", "4711", "484", "destination-invalid"),
        ("+14155550120", "+33142685300", "403", "country-not-allowed"),
        ("+14155550120", "+19005550177", "403", "destination-premium"),
        ("+14155550120", "911", "403", "destination-emergency"),
    ] {
        let mut house = house("");
        let call = Dial::to(to).at_source(AGENT).from(&format!("<sip:{calling}@pbx>"));
        call.place(&mut house);
        let refusal = house.last(AGENT, status);
        let told = header(&refusal, "Reason").unwrap();
        assert!(told.starts_with(&format!("SIP;cause={status};text=\"{reason}: ")), "{told}");
        assert!(!house.journal.iter().any(|line| line.contains("INVITE")), "{:?}", house.journal);
        let record = house.record();
        assert_eq!((record.direction, record.status), (CallDirection::Outbound, Some(CallStatus::Refused)));
        assert_eq!((record.reason.as_deref(), record.agent_id.as_deref()), (Some(reason), Some("desk")));
        assert!(record.detail.is_some(), "{record:?}");
        call.absorb(&mut house, status);
        house.assert_empty();
    }
}

#[test]
fn a_carrier_may_not_ask_for_calls() {
    let mut house = house("");
    let call = Dial::to("+12125550177").from("<sip:+14155550120@carrier.example>");
    call.place(&mut house);
    let record = house.record();
    assert_eq!((record.direction, record.reason.as_deref()), (CallDirection::Inbound, Some("did-unknown")));
    call.absorb(&mut house, "404");
    house.assert_empty();
}

#[test]
fn a_pbx_whose_calls_are_not_taken_may_not_ask_for_any() {
    for (enabled, reason) in [("true", "caller-not-owned"), ("false", "inbound-disabled")] {
        let acme = format!("inbound = {{ enabled = {enabled}, originate = true, addresses");
        let inventory = inventory("", "").replacen("inbound = { addresses", &acme, 1);
        let mut house = House::with(&inventory, |_| {});
        Dial::to("+12125550177").place(&mut house);
        assert_eq!(house.record().reason.as_deref(), Some(reason));
    }
}

#[test]
fn calls_at_once_count_in_both_directions() {
    let inventory = inventory("", "max_calls = 1\nagent_id = \"echo\"");
    let mut house = House::with(&inventory, |_| {});
    Dial::to("+14155550120").named("in").connect(&mut house);
    let second = ask("+12125550177").named("out");
    second.place(&mut house);
    assert_eq!(house.record().reason.as_deref(), Some("number-full"));
    assert!(header(&house.last(AGENT, "503"), "Retry-After").is_some());
}

#[test]
fn a_call_that_a_pbx_asks_for_takes_a_line_of_the_pbx_and_of_the_carrier() {
    for (pbx, carrier) in [("limits = { max_calls = 1 }", ""), ("", "limits = { max_calls = 1 }")] {
        let inventory = inventory("", "")
            .replacen("inbound = { addresses", &format!("{pbx}\ninbound = {{ originate = true, addresses"), 1)
            .replace("[[trunks]]\nid = \"out\"\n", &format!("[[trunks]]\nid = \"out\"\n{carrier}\n"));
        let mut house = House::with(&inventory, |_| {});
        let of_pbx = |name: &str| Dial::to("+12125550177").named(name).from("<sip:+14155550120@pbx>");
        of_pbx("first").place(&mut house);
        house.last(GATEWAY, "INVITE");
        of_pbx("second").place(&mut house);
        assert_eq!(house.record().reason.as_deref(), Some("trunk-full"), "{pbx}{carrier}");
    }
}

#[test]
fn a_call_that_a_sip_agent_asks_for_takes_a_line_of_the_agent() {
    let inventory = inventory("", "")
        .replace("[[agents]]\nid = \"desk\"\n", "[[agents]]\nid = \"desk\"\nmax_calls = 1\n");
    let mut house = House::with(&inventory, |_| {});
    let mut first = answered(&mut house, "first");
    let second = ask("+12125550177").named("second");
    second.place(&mut house);
    let record = house.record();
    assert_eq!((record.reason.as_deref(), record.agent_id.as_deref()), (Some("agent-full"), Some("desk")));
    assert_eq!(record.direction, CallDirection::Outbound);
    second.absorb(&mut house, "486");
    first.bye(&mut house, "");
    answered(&mut house, "third");
}

#[test]
fn an_answered_call_gives_its_seats_back() {
    let mut house = house("");
    let mut call = answered(&mut house, "c1");
    assert_eq!(house.core.census().seats, 1);
    call.bye(&mut house, "");
    let bye = house.last(GATEWAY, "BYE");
    reply(&mut house, GATEWAY, &bye, "200 OK", "");
    house.assert_empty();
}

/// A house whose trunk has a second gateway, for when the first fails.
fn house_with_two_gateways() -> House {
    let gateways = "[{ host = \"198.51.100.9\" }, { host = \"198.51.100.10\", priority = 1 }]";
    let inventory = inventory("", "").replace("[{ host = \"198.51.100.9\" }]", gateways);
    House::with(&inventory, |_| {})
}

#[test]
fn whoever_has_answered_by_one_gateway_is_not_rung_by_another() {
    let mut house = house_with_two_gateways();
    let call = ask("+12125550177");
    call.place(&mut house);
    let invite = house.last(GATEWAY, "INVITE");
    house.look();
    reply(&mut house, GATEWAY, &invite, "200 OK", &ANSWER.replace("m=audio 50000", "m=audio 0"));
    let journal = house.look();
    assert!(journal.starts_with("\nother <- ACK\nother <- BYE ") && !journal.contains("INVITE"), "{journal}");
    let record = house.record();
    assert_eq!(
        (record.status, record.reason.as_deref()),
        (Some(CallStatus::Failed), Some("no-common-codec"))
    );
    call.absorb(&mut house, "480");
    let bye = house.last(GATEWAY, "BYE");
    reply(&mut house, GATEWAY, &bye, "200 OK", "");
    house.assert_empty();
}

#[test]
fn a_gateway_that_nothing_can_be_sent_to_is_followed_by_the_next() {
    let mut house = house_with_two_gateways();
    ask("+12125550177").place(&mut house);
    house.look();
    let (local, remote) = (crate::house::US.parse().unwrap(), GATEWAY.parse().unwrap());
    house.input(Input::FlowFailed(sip::Flow { transport: sip::Transport::Udp, local, remote }));
    let journal = house.look();
    assert!(journal.contains("\nnotice out, udp 198.51.100.9: nothing can be sent to it\n"), "{journal}");
    assert!(journal.ends_with("other <- INVITE\n"), "{journal}");
    assert!(house.last("198.51.100.10:5060", "INVITE").contains("sip:+12125550177@198.51.100.10 "));
}

#[test]
fn gateways_of_one_priority_share_by_their_weight() {
    let gateways = "[{ host = \"198.51.100.9\", weight = 30 }, { host = \"198.51.100.10\", weight = 10 }]";
    let inventory = inventory("", "").replace("[{ host = \"198.51.100.9\" }]", gateways);
    let mut house = House::with(&inventory, |config| config.ports = 10_000..=10_999);
    for call in 0..200 {
        ask("+12125550177").named(&format!("c{call}")).place(&mut house);
    }
    let to = |port: &str| {
        let sent =
            house.sent.iter().filter(|(to, text)| to.to_string() == port && text.starts_with("INVITE"));
        sent.count()
    };
    assert!((120..180).contains(&to(GATEWAY)), "{} of 200", to(GATEWAY));
    assert_eq!(to(GATEWAY) + to("198.51.100.10:5060"), 200);
}

#[test]
fn a_gateway_with_a_name_is_located_over_its_transport() {
    let inventory = inventory("", "").replace("198.51.100.9", "sip.acme.example");
    let mut house = House::with(&inventory, |_| {});
    ask("+12125550177").place(&mut house);
    assert!(house.look().contains("ask sip.acme.example over udp\n"));
    let ticket = house.questions[0].0;
    house.input(Input::Verdict(ticket, Verdict::Resolved(vec![place(GATEWAY)])));
    let invite = house.last(GATEWAY, "INVITE");
    assert!(invite.starts_with("INVITE sip:+12125550177@sip.acme.example SIP/2.0"), "{invite}");
}

#[test]
fn the_minutes_of_a_day_are_spoken_by_answered_calls_out() {
    let inventory = inventory("", "max_minutes_per_day = 1");
    let mut house = House::with(&inventory, |_| {});
    let mut first = answered(&mut house, "first");
    house.pass(Duration::from_secs(61));
    first.bye(&mut house, "");
    ask("+12125550177").named("second").place(&mut house);
    let record = house.record();
    assert_eq!(record.reason.as_deref(), Some("rate-limited"), "{record:?}");
    assert!(record.detail.as_deref().is_some_and(|words| words.contains("max_minutes_per_day")));
}

#[test]
fn calls_of_before_the_start_count_against_the_minutes_of_the_day() {
    let limited = "[[trunks]]\nid = \"out\"\nlimits = { max_minutes_per_day = 1 }\n";
    let inventory = inventory("", "").replace("[[trunks]]\nid = \"out\"\n", limited);
    for (spoken_ms, is_refused) in [(60_000, true), (59_999, false)] {
        let mut house = House::with(&inventory, |_| {});
        let spoke = Spoke { trunk_id: "out".to_owned(), number: "+14155550121".parse().unwrap(), spoken_ms };
        house.input(Input::Spoken { midnight_ms: 0, spoke: vec![spoke] });
        ask("+12125550177").place(&mut house);
        assert_eq!(house.record().reason.as_deref() == Some("rate-limited"), is_refused);
    }
}

#[test]
fn minutes_on_other_nodes_count_those_of_their_running_calls_too() {
    let inventory = inventory("", "max_minutes_per_day = 1");
    for (finished_ms, begun_ms, is_refused) in [(60_000, 0, true), (0, 900_000, true), (0, 990_000, false)] {
        let mut house = House::with(&inventory, |config| config.sharing = Sharing::Shared);
        let spoken = Tally { day: 0, finished_ms, running: 1, begun_ms };
        let subject = Subject::Number("+14155550120".parse().unwrap());
        house.input(Input::Others(vec![Used { subject, load: Load { calls: 1, spoken } }]));
        ask("+12125550177").place(&mut house);
        assert_eq!(house.record().reason.as_deref() == Some("rate-limited"), is_refused);
    }
}

#[test]
fn other_nodes_are_told_the_minutes_of_answered_calls_out() {
    let mut house = House::with(&inventory("", ""), |config| config.sharing = Sharing::Shared);
    let mut call = answered(&mut house, "first");
    let begun_ms = house.now.wall_ms;
    house.pass(Duration::from_secs(9));
    call.bye(&mut house, "");
    let number = Subject::Number("+14155550120".parse().unwrap());
    let told: Vec<_> =
        house.used.iter().filter(|used| used.subject == number).map(|used| used.load).collect();
    let up = |spoken| Load { calls: 1, spoken };
    let over = Tally { finished_ms: 9_000, ..Tally::default() };
    let running = Tally { running: 1, begun_ms, ..Tally::default() };
    assert_eq!(told, [up(Tally::default()), up(running), Load { calls: 0, spoken: over }]);
}

/// A call out that is answered.
fn answered(house: &mut House, name: &str) -> Dial {
    let call = ask("+12125550177").named(name);
    call.place(house);
    let invite = house.last(GATEWAY, "INVITE");
    reply(house, GATEWAY, &invite, "200 OK", ANSWER);
    call.ack(house, "");
    call
}

const ANSWER: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n\
    m=audio 50000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// A call of our own, which that agent is to join, and which the gateway has answered.
fn placed(agent: &str) -> House {
    let mut house = house("");
    let wish = Place::new("+14155550120", "+12125550177").unwrap().joined_by(agent);
    house.command(Command::Place(Asker(1), Box::new(wish)));
    let invite = house.last(GATEWAY, "INVITE");
    reply(&mut house, GATEWAY, &invite, "200 OK", OFFER);
    house.look();
    house
}

const PRESSED: &str = "Content-Type: application/dtmf-relay\r\n";

#[test]
fn a_digit_by_info_of_whoever_we_have_called_reaches_the_stream_that_has_joined() {
    let mut house = placed("bot");
    callee_asks(&mut house, GATEWAY, "INFO", 2, PRESSED, "Signal=5\r\nDuration=160\r\n");
    assert_eq!(house.look(), "\nother <- 480\n", "nobody is there to hear it");
    house.opened();
    house.look();
    callee_asks(&mut house, GATEWAY, "INFO", 3, PRESSED, "Signal=5\r\nDuration=160\r\n");
    assert_eq!(house.look(), "\nhear m1 5\nother <- 200\n");
}

#[test]
fn digits_by_info_pass_both_ways_between_whoever_we_have_called_and_a_sip_agent() {
    let mut house = placed("desk");
    agent_says(&mut house, "200 OK", OFFER);
    house.look();
    callee_asks(&mut house, GATEWAY, "INFO", 2, PRESSED, "Signal=5\r\nDuration=200\r\n");
    assert_eq!(house.look(), "\ndial m2 5 200ms\nother <- 200\n");
    callee_asks(&mut house, AGENT, "INFO", 2, PRESSED, "Signal=#\r\nDuration=160\r\n");
    assert_eq!(house.look(), "\ndial m1 # 160ms\nagent <- 200\n");
}
