//! SIP agents and PBXes that are known by a password, played by SIPp: what we ask them for, and who gets in.
//!
//! Debian's SIPp answers only the first challenge of a response, and only by MD5, where ours begin with SHA-256. So SIPp sends the
//! INVITEs, and the test answers the challenge, by either hash.

use serde_json::Value;

use crate::carriers::{OUTSIDE, OUTWARD};
use crate::credentials::{Hash, Login, field};
use crate::house::{Hosts, House, PORT, Traced, Who};

const DESK: Login = Login { user: "desk", password: "correct horse" };
const WRONG: Login = Login { user: "desk", password: "wrong horse" };
/// Of a PBX, from its address only.
const PBX: Login = Login { user: "pbx", password: "battery staple" };
const UNKNOWN: Login = Login { user: "nobody", password: "correct horse" };

/// A SIP agent with a password and no address of its own, a PBX with both, and a gateway.
fn inventory(hosts: Hosts) -> String {
    let (gateway, pbx) = (hosts.of(Who::Gateway), hosts.of(Who::Pbx));
    let Login { user, password } = DESK;
    let Login { user: pbx_user, password: pbx_password } = PBX;
    format!(
        r#"
[[agents]]
id = "desk"
endpoint = {{ kind = "sip", uri = "sip:desk@desk.invalid", username = "{user}", password = "{password}" }}

[[trunks]]
id = "pbx"
inbound = {{ addresses = ["{pbx}"], username = "{pbx_user}", password = "{pbx_password}", did_country = "US", originate = true }}

[[trunks]]
id = "away"
outbound = {{ allowed_countries = ["US"], gateways = [{{ host = "{gateway}", port = {PORT} }}] }}

[[numbers]]
e164 = "{OUTWARD}"
trunk_id = "away"
outbound = true
"#
    )
}

/// An INVITE without credentials: the 401.
fn challenged(house: &House, who: Who) -> Traced {
    house.play(&mut house.caller(who, "challenged", OUTWARD, OUTSIDE), "challenged").ended();
    let messages = house.messages("challenged");
    messages.into_iter().find(|message| message.came("SIP/2.0 401 ")).unwrap()
}

/// An INVITE that answers the challenge: the final response.
fn shown(house: &House, who: Who, login: &Login, hash: Hash, challenge: &Traced) -> Traced {
    let uri = format!("sip:{OUTSIDE}@{}", house.daemon.sip);
    let credentials = login.answer(hash, challenge, "INVITE", &uri);
    let mut sipp = house.sipp(who, "shows");
    sipp.args(["-s", OUTSIDE, "-key", "caller", OUTWARD, "-key", "mport", "40000"]);
    sipp.args(["-key", "formats", "RTP/AVP 0", "-m", "1"]);
    sipp.args(["-key", "authorization", &format!("Authorization: {credentials}")]);
    house.play(sipp.arg(house.daemon.sip.to_string()), "shows").ended();
    let is_final = |message: &Traced| message.came("SIP/2.0 ") && !message.came("SIP/2.0 1");
    house.messages("shows").into_iter().find(is_final).unwrap()
}

fn right(hash: Hash) {
    let Some(house) = House::open(inventory, &[]) else { return };
    let gateway = house.callee(Who::Gateway, "answers");
    let challenge = challenged(&house, Who::Stranger);
    let answer = shown(&house, Who::Stranger, &DESK, hash, &challenge);
    assert!(answer.came("SIP/2.0 200 "), "{}", house.told("shows"));
    gateway.ended();
    let records = house.daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
    assert_eq!(records[0]["status"], "completed", "{records:#?}");
    assert_eq!((&records[0]["agent_id"], &records[0]["direction"]), (&"desk".into(), &"outbound".into()));
    let asked = house.messages("answers");
    assert!(!asked.iter().any(|message| message.text.contains("uthorization:")), "ours to keep: {asked:?}");
}

#[test]
fn the_right_password_by_sha_256_calls_out_from_anywhere() {
    right(Hash::Sha256);
}

#[test]
fn the_right_password_by_md5_calls_out_from_anywhere() {
    right(Hash::Md5);
}

#[test]
fn a_challenge_is_no_call_and_offers_the_better_hash_first() {
    let Some(house) = House::open(inventory, &[]) else { return };
    let challenge = challenged(&house, Who::Stranger);
    assert_eq!(offered(&challenge), ["SHA-256", "MD5"]);
    assert!(challenge.headers("WWW-Authenticate").iter().all(|value| field(value, "qop") == "auth"));
    assert_eq!(house.daemon.records(), Vec::<Value>::new());
}

/// What the challenges of a 401 are made of, in their order.
fn offered(challenge: &Traced) -> Vec<&str> {
    challenge.headers("WWW-Authenticate").iter().map(|value| field(value, "algorithm")).collect()
}

#[test]
fn a_device_that_reads_the_first_challenge_alone_calls_where_md5_is_first() {
    for (algorithms, offer) in [("MD5, SHA-256", &["MD5", "SHA-256"][..]), ("MD5", &["MD5"])] {
        let settings = [("STROWGER__SIP__DIGEST_ALGORITHMS", algorithms)];
        let Some(house) = House::open(inventory, &settings) else { return };
        let gateway = house.callee(Who::Gateway, "answers");
        let mut sipp = house.caller(Who::Stranger, "authenticates", OUTWARD, OUTSIDE);
        // By itself it would write a uri that calls nobody.
        sipp.args(["-au", DESK.user, "-ap", DESK.password]);
        sipp.args(["-auth_uri", &format!("{OUTSIDE}@{}", house.daemon.sip)]);
        house.play(&mut sipp, "authenticates").ended();
        gateway.ended();
        let messages = house.messages("authenticates");
        let challenge = messages.iter().find(|message| message.came("SIP/2.0 401 ")).unwrap();
        assert_eq!(offered(challenge), offer);
        let records =
            house.daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
        assert_eq!((&records[0]["status"], &records[0]["agent_id"]), (&"completed".into(), &"desk".into()));
    }
}

#[test]
fn a_hash_that_is_not_offered_is_not_taken() {
    let settings = [("STROWGER__SIP__DIGEST_ALGORITHMS", "SHA-256")];
    let Some(house) = House::open(inventory, &settings) else { return };
    let challenge = challenged(&house, Who::Stranger);
    assert_eq!(offered(&challenge), ["SHA-256"]);
    // As if it had offered what it has not.
    let forged = Traced { text: challenge.text.replace("SHA-256", "MD5"), ..challenge };
    let answer = shown(&house, Who::Stranger, &DESK, Hash::Md5, &forged);
    assert!(answer.came("SIP/2.0 401 "), "{}", house.told("shows"));
    assert_eq!(house.daemon.records(), Vec::<Value>::new());
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_told_the_same() {
    let told = |login: &Login, hash: Hash| {
        let house = House::open(inventory, &[])?;
        let challenge = challenged(&house, Who::Stranger);
        let answer = shown(&house, Who::Stranger, login, hash, &challenge);
        assert!(answer.came("SIP/2.0 401 "), "{}", house.told("shows"));
        assert_eq!(house.daemon.records(), Vec::<Value>::new(), "nobody is known, nobody has called");
        house.daemon.logged("credentials-refused");
        // What is another one each time: tags and branches, addresses, and the nonce.
        let lines = answer
            .text
            .lines()
            .filter(|line| !["Via", "From", "To", "Call-ID"].iter().any(|name| line.starts_with(name)));
        let lines = lines.map(|line| {
            let nonce = field(line.split_once(": ").map_or("", |(_, value)| value), "nonce");
            if nonce.is_empty() { line.to_owned() } else { line.replace(nonce, "NONCE") }
        });
        let opaque = |line: &String| {
            line.replace(field(line.split_once(": ").map_or("", |(_, value)| value), "opaque"), "OPAQUE")
        };
        Some(
            lines.map(|line| if line.contains("opaque=") { opaque(&line) } else { line }).collect::<Vec<_>>(),
        )
    };
    for hash in [Hash::Md5, Hash::Sha256] {
        let Some(wrong) = told(&WRONG, hash) else { return };
        assert_eq!(Some(wrong), told(&UNKNOWN, hash), "{hash:?}");
    }
}

#[test]
fn credentials_are_good_for_one_invite() {
    let Some(house) = House::open(inventory, &[]) else { return };
    let gateway = house.callee(Who::Gateway, "answers");
    let challenge = challenged(&house, Who::Stranger);
    assert!(
        shown(&house, Who::Stranger, &DESK, Hash::Sha256, &challenge).came("SIP/2.0 200 "),
        "{}",
        house.told("shows")
    );
    gateway.ended();
    let again = shown(&house, Who::Stranger, &DESK, Hash::Sha256, &challenge);
    assert!(again.came("SIP/2.0 401 "), "{}", house.told("shows"));
    let records = house.daemon.records();
    assert_eq!(records.len(), 1, "{records:#?}");
}

#[test]
fn a_pbx_with_an_address_and_a_password_needs_both() {
    let Some(house) = House::open(inventory, &[]) else { return };
    let gateway = house.callee(Who::Gateway, "answers");
    let challenge = challenged(&house, Who::Pbx);
    let elsewhere = shown(&house, Who::Stranger, &PBX, Hash::Sha256, &challenge);
    assert!(elsewhere.came("SIP/2.0 401 "), "{}", house.told("shows"));
    let challenge = challenged(&house, Who::Pbx);
    let at_home = shown(&house, Who::Pbx, &PBX, Hash::Sha256, &challenge);
    assert!(at_home.came("SIP/2.0 200 "), "{}", house.told("shows"));
    gateway.ended();
    let records = house.daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
    assert_eq!((&records[0]["status"], &records[0]["trunk_id"]), (&"completed".into(), &"away".into()));
}
