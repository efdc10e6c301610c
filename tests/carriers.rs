//! Calls to the telephone network by carriers that ask who we are, played by SIPp: credentials, audio both ways, the end.

use serde_json::Value;

use crate::credentials::{Hash, Login};
use crate::house::{Hosts, House, PORT, Traced, Who};
use crate::rtp::Ear;
use crate::support::get;
use crate::tunnel::Tunnel;
use crate::wire::Wire;

pub(crate) const OUTWARD: &str = "+14155550110";
pub(crate) const OUTSIDE: &str = "+12125550177";

const ACCOUNT: Login = Login { user: "acct-4711", password: "open sesame" };

/// A SIP agent that may call, by its address, and a trunk to two gateways.
pub(crate) fn inventory(hosts: Hosts) -> String {
    inventory_to(Wire::Udp, hosts)
}

/// The same, of gateways that are reached so.
pub(crate) fn inventory_to(wire: Wire, hosts: Hosts) -> String {
    let (port, transport) = (wire.port(), wire.word());
    let [desk, gateway, second] = [Who::Desk, Who::Gateway, Who::SecondGateway].map(|who| hosts.of(who));
    let Login { user, password } = ACCOUNT;
    format!(
        r#"
agents = [{{ id = "desk", endpoint = {{ kind = "sip", uri = "sip:desk@{desk}", addresses = ["{desk}"] }} }}]
numbers = [{{ e164 = "{OUTWARD}", trunk_id = "away", outbound = true }}]

[[trunks]]
id = "away"
[trunks.outbound]
allowed_countries = ["US"]
gateways = [
  {{ host = "{gateway}", port = {port}, transport = "{transport}" }},
  {{ host = "{second}", port = {port}, transport = "{transport}", priority = 10 }},
]
username = "{user}"
password = "{password}"
"#
    )
}

/// A call of the SIP agent, in which both hear each other, and which it hangs up.
pub(crate) fn talk(house: &House) {
    let ear = Ear::of(house, Who::Desk);
    let mut asks = house.sipp(Who::Desk, "asks");
    asks.args(["-s", OUTSIDE, "-key", "caller", OUTWARD, "-key", "mport", &ear.port()]);
    asks.args(["-key", "formats", "RTP/AVP 0", "-m", "1", "-p", &PORT.to_string(), "-cid_str", "asked"]);
    let asks = house.play(asks.arg(house.daemon.sip.to_string()), "asks");
    ear.hears_its_echo(house, "asks");
    house.tell(Who::Desk, "asked");
    asks.ended();
}

/// The record of the one call.
pub(crate) fn assert_completed(house: &House) {
    let records = house.daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
    let record = &records[0];
    for (field, value) in [
        ("status", "completed"),
        ("reason", "normal"),
        ("ended_by", "caller"),
        ("direction", "outbound"),
        ("trunk_id", "away"),
        ("number", OUTWARD),
        ("from", OUTWARD),
        ("to", OUTSIDE),
        ("codec", "PCMU"),
    ] {
        assert_eq!(record[field], value, "{field}: {record:#}");
    }
    let at = |name: &str| record[name].as_u64().unwrap_or_else(|| panic!("no {name}: {record:#}"));
    assert!(at("invite_at") <= at("ringing_at") && at("ringing_at") <= at("answered_at"), "{record:#}");
    assert!(at("answered_at") < at("ended_at") && at("billable_s") >= 1, "{record:#}");
}

/// The one response by which the gateway asked for credentials, as the daemon's trace has it. All that passed between both went by what
/// the gateway speaks.
pub(crate) fn challenge(house: &House) -> String {
    let records = house.daemon.records();
    let path = format!("/v1/calls/{}/trace", records[0]["id"].as_str().unwrap());
    let (status, body) = get(&house.daemon.api(), &path);
    assert_eq!(status, 200, "{body}");
    let trace: Value = serde_json::from_str(&body).unwrap();
    let gateway = house.hosts.of(Who::Gateway).to_string();
    let is_between = |item: &&Value| item["remote"].as_str().unwrap().starts_with(&format!("{gateway}:"));
    let items: Vec<_> = trace["items"].as_array().unwrap().iter().filter(is_between).collect();
    assert!(items.iter().all(|item| item["transport"] == house.wire.word()), "{body}");
    let texts = items.iter().map(|item| item["text"].as_str().unwrap());
    let asks = |text: &&str| ["401", "407"].iter().any(|code| text.starts_with(&format!("SIP/2.0 {code} ")));
    let challenges: Vec<_> = texts.filter(asks).filter(|text| text.contains(" INVITE\r\n")).collect();
    let [challenge] = challenges[..] else { panic!("one challenge: {body}") };
    challenge.to_owned()
}

/// The requests of that method that the carrier got, each once.
fn requests(house: &House, scenario: &str, method: &str) -> Vec<Traced> {
    let mut requests: Vec<Traced> = Vec::new();
    for message in house.messages(scenario).into_iter().filter(|message| message.came(method)) {
        if !requests.iter().any(|request| request.text == message.text) {
            requests.push(message);
        }
    }
    requests
}

fn cseq(request: &Traced) -> u32 {
    request.headers("CSeq")[0].split(' ').next().unwrap().parse().unwrap()
}

/// A call by a carrier that SIPp plays, and by TLS a tunnel before it, in which both hear each other.
fn call(wire: Wire, scenario: &str) -> Option<House> {
    let house = House::open_to(wire, |hosts| inventory_to(wire, hosts), &[])?;
    let gateway = house.hosts.of(Who::Gateway);
    let services =
        format!("[to-carrier]\naccept = {gateway}:{}\nconnect = {gateway}:{PORT}\n", Wire::Tls.port());
    let tunnel = (wire == Wire::Tls).then(|| Tunnel::dig(house.daemon.folder(), &services));
    let carrier = house.gateway(Who::Gateway, scenario);
    talk(&house);
    carrier.ended();
    drop(tunnel);
    assert_completed(&house);
    challenge(&house);
    Some(house)
}

fn asks_by_401_and_md5(wire: Wire) {
    let scenario = "carrier_401_md5";
    let Some(house) = call(wire, scenario) else { return };
    let invites = requests(&house, scenario, "INVITE ");
    let [first, second] = &invites[..] else { panic!("{invites:?}") };
    assert!(first.headers("Authorization").is_empty(), "{}", first.text);
    assert_eq!(ACCOUNT.assert_shown(Hash::Md5, "Authorization", second), 1);
    assert!(second.headers("Authorization")[0].contains("opaque=\"5ccc\""), "{}", second.text);
    assert_eq!(first.headers("Call-ID"), second.headers("Call-ID"));
    assert_eq!(first.headers("From"), second.headers("From"));
    assert_eq!(cseq(second), cseq(first) + 1);
    let acks = requests(&house, scenario, "ACK ");
    assert_eq!(acks.iter().map(cseq).collect::<Vec<_>>(), [cseq(first), cseq(second)]);
    // RFC 3261 s.22.1: the ACK of what was accepted shows the same.
    assert_eq!(acks[1].headers("Authorization"), second.headers("Authorization"));
    let byes = requests(&house, scenario, "BYE ");
    let [bye] = &byes[..] else { panic!("{byes:?}") };
    assert_eq!(cseq(bye), cseq(second) + 1);
}

#[test]
fn a_carrier_that_asks_by_401_and_md5_gets_the_call() {
    asks_by_401_and_md5(Wire::Udp);
}

#[test]
fn a_carrier_that_asks_by_401_and_md5_gets_the_call_by_tcp() {
    asks_by_401_and_md5(Wire::Tcp);
}

#[test]
fn a_carrier_that_asks_by_401_and_md5_gets_the_call_by_tls() {
    asks_by_401_and_md5(Wire::Tls);
}

fn asks_by_407_and_sha_256(wire: Wire) {
    let scenario = "carrier_407_sha256";
    let Some(house) = call(wire, scenario) else { return };
    let invites = requests(&house, scenario, "INVITE ");
    let [first, second] = &invites[..] else { panic!("{invites:?}") };
    assert!(first.headers("Proxy-Authorization").is_empty(), "{}", first.text);
    assert_eq!(ACCOUNT.assert_shown(Hash::Sha256, "Proxy-Authorization", second), 1);
    let byes = requests(&house, scenario, "BYE ");
    let [before, after] = &byes[..] else { panic!("{byes:?}") };
    assert_eq!(ACCOUNT.assert_shown(Hash::Sha256, "Proxy-Authorization", before), 2);
    assert_eq!(ACCOUNT.assert_shown(Hash::Sha256, "Proxy-Authorization", after), 1);
    assert!(after.headers("Proxy-Authorization")[0].contains("nonce=\"c0ffee11\""), "{}", after.text);
    assert_eq!(cseq(after), cseq(before) + 1);
}

#[test]
fn a_carrier_that_asks_by_407_and_sha_256_gets_the_call_and_may_ask_for_the_bye() {
    asks_by_407_and_sha_256(Wire::Udp);
}

#[test]
fn a_carrier_that_asks_by_407_and_sha_256_gets_the_call_and_may_ask_for_the_bye_by_tcp() {
    asks_by_407_and_sha_256(Wire::Tcp);
}

#[test]
fn a_carrier_that_asks_by_407_and_sha_256_gets_the_call_and_may_ask_for_the_bye_by_tls() {
    asks_by_407_and_sha_256(Wire::Tls);
}

#[test]
fn a_carrier_that_takes_no_credentials_is_asked_no_third_time() {
    let Some(house) = House::open(inventory, &[]) else { return };
    let carrier = house.callee(Who::Gateway, "carrier_refuses");
    house.play(&mut house.caller(Who::Desk, "refused", OUTWARD, OUTSIDE), "refused").ended();
    carrier.ended();
    let messages = house.messages("refused");
    let refusal = messages.iter().find(|message| message.came("SIP/2.0 502 ")).expect("a 502");
    let reasons = refusal.headers("Reason");
    assert!(
        reasons.iter().any(|value| value.starts_with("SIP;cause=401;text=\"trunk-failed: ")),
        "{reasons:?}"
    );
    let records = house.daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
    assert_eq!((&records[0]["status"], &records[0]["reason"]), (&"failed".into(), &"trunk-failed".into()));
    assert_eq!(requests(&house, "carrier_refuses", "INVITE ").len(), 2);
}

#[test]
fn after_a_503_the_next_gateway_gets_the_call() {
    let Some(house) = House::open(inventory, &[]) else { return };
    let full = house.callee(Who::Gateway, "carrier_503");
    let second = house.callee(Who::SecondGateway, "answers");
    talk(&house);
    full.ended();
    second.ended();
    assert_completed(&house);
    house.daemon.logged("gateway-failed");
}

#[test]
fn after_a_486_no_other_gateway_is_asked() {
    let Some(house) = House::open(inventory, &[]) else { return };
    let busy = house.callee(Who::Gateway, "carrier_486");
    let second = house.callee(Who::SecondGateway, "answers");
    house.play(&mut house.caller(Who::Desk, "refused", OUTWARD, OUTSIDE), "refused").ended();
    busy.ended();
    assert!(
        house.messages("refused").iter().any(|message| message.came("SIP/2.0 486 ")),
        "{}",
        house.told("refused")
    );
    let records = house.daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
    assert_eq!((&records[0]["status"], &records[0]["reason"]), (&"busy".into(), &"callee-busy".into()));
    drop(second);
    assert!(house.messages("answers").is_empty(), "{}", house.told("answers"));
}

#[test]
fn what_the_last_gateway_says_is_what_the_asker_hears() {
    let Some(house) = House::open(inventory, &[]) else { return };
    let full = house.callee(Who::Gateway, "carrier_503");
    let second = house.callee(Who::SecondGateway, "carrier_486");
    house.play(&mut house.caller(Who::Desk, "refused", OUTWARD, OUTSIDE), "refused").ended();
    full.ended();
    second.ended();
    assert!(
        house.messages("refused").iter().any(|message| message.came("SIP/2.0 486 ")),
        "{}",
        house.told("refused")
    );
}
