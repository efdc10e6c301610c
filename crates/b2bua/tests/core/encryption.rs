//! Encrypted legs beside plain ones: who is refused, which keys the workers get, and that nothing falls back (RFC 4568).

use media::command::Remote;
use media::srtp::Suite;

use crate::house::{AGENT, CALLER, House, INVENTORY};
use crate::text::{Dial, OFFER, agent_says, body, header};

/// The SIP agent's description.
const DESK: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n\
    m=audio 50000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

/// Of the examples of RFC 4568: 30 bytes each.
const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
const OTHER_KEY: &str = "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";

/// What the trunk and the SIP agent want.
fn house(trunk: &str, agent: &str) -> House {
    let trunk = format!("did_country = \"US\", media_encryption = \"{trunk}\"");
    let agent = format!("addresses = [\"198.51.100.7\"], media_encryption = \"{agent}\"");
    let inventory =
        INVENTORY.replace("did_country = \"US\"", &trunk).replace("addresses = [\"198.51.100.7\"]", &agent);
    House::with(&inventory, |_| {})
}

/// The description, with that profile and a line of keys.
fn keyed(description: &str, profile: &str, tag: u32, key: &str) -> String {
    let description = description.replace("RTP/AVP", profile);
    format!("{description}a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n")
}

fn crypto(description: &str) -> Vec<&str> {
    description.lines().filter(|line| line.starts_with("a=crypto")).collect()
}

/// The `inline:` of a description's only line of keys.
fn inline(description: &str) -> String {
    let [line] = crypto(description)[..] else { panic!("one line of keys: {description}") };
    line.split_once("inline:").unwrap().1.to_owned()
}

/// The leg whose far side receives there.
fn leg<'a>(house: &'a House, rtp: &str) -> &'a Remote {
    let found = house.described.values().find(|remote| remote.rtp.to_string() == rtp);
    found.unwrap_or_else(|| panic!("no leg to {rtp}: {:?}", house.described))
}

fn record_suites(house: &House) -> (bool, Option<&str>, Option<&str>) {
    let record = house.records.last().map(|(_, record)| record).unwrap();
    (record.media_encryption, record.media_encryption_a.as_deref(), record.media_encryption_b.as_deref())
}

const SUITE: Option<&str> = Some("AES_CM_128_HMAC_SHA1_80");

#[test]
fn an_encrypted_offer_is_answered_with_a_key_of_ours_and_the_worker_gets_both() {
    for wanted in ["optional", "required"] {
        let mut house = house(wanted, "off");
        let mut call =
            Dial::to("+14155550100").offering(&keyed(OFFER, "RTP/SAVP", 3, KEY)).connect(&mut house);
        let answer = body(&house.last(CALLER, "200")).to_owned();
        assert!(answer.contains(" RTP/SAVP 0"), "{answer}");
        assert!(crypto(&answer)[0].starts_with("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:"), "{answer}");
        let srtp = leg(&house, "192.0.2.9:40000").srtp.clone().expect("encrypted");
        assert_eq!(srtp.send.suite(), Suite::AesCm128HmacSha1Tag80);
        assert_eq!(srtp.receive.key_and_salt(), b"wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#");
        assert_ne!(srtp.send, srtp.receive);
        call.bye(&mut house, "");
        assert_eq!(record_suites(&house), (true, SUITE, None));
        house.assert_empty();
    }
}

#[test]
fn a_plain_offer_is_refused_where_encryption_is_required() {
    let mut house = house("required", "off");
    let call = Dial::to("+14155550100");
    call.place(&mut house);
    let refusal = house.last(CALLER, "488");
    assert!(header(&refusal, "Warning").unwrap().contains("not encrypted"), "{refusal}");
    assert_eq!(house.record().reason.as_deref(), Some("media-encryption-required"));
    assert!(house.bound.is_empty(), "no port was taken for it");
    call.absorb(&mut house, "488");
    house.assert_empty();
}

#[test]
fn a_plain_offer_is_taken_where_encryption_is_optional() {
    let mut house = house("optional", "off");
    let mut call = Dial::to("+14155550100").connect(&mut house);
    assert_eq!(crypto(body(&house.last(CALLER, "200"))).len(), 0);
    assert_eq!(leg(&house, "192.0.2.9:40000").srtp, None);
    call.bye(&mut house, "");
    assert_eq!(record_suites(&house), (false, None, None));
}

#[test]
fn an_offer_of_ours_says_what_the_agent_wants() {
    for (wanted, profile, lines) in
        [("off", "RTP/AVP", 0), ("optional", "RTP/AVP", 4), ("required", "RTP/SAVP", 4)]
    {
        let mut house = house("off", wanted);
        Dial::to("+14155550103").place(&mut house);
        let invite = house.last(AGENT, "INVITE");
        let offer = body(&invite);
        assert!(offer.contains(&format!(" {profile} 0")), "{offer}");
        assert_eq!(crypto(offer).len(), lines, "{offer}");
    }
}

/// Plain and encrypted on either side, by what each of them wants.
#[test]
fn each_leg_is_encrypted_for_itself() {
    for (caller, agent) in [(false, true), (true, false), (true, true), (false, false)] {
        let wants = |encrypted: bool| if encrypted { "required" } else { "off" };
        let mut house = house(wants(caller), wants(agent));
        let offer = if caller { keyed(OFFER, "RTP/SAVP", 1, KEY) } else { OFFER.to_owned() };
        let mut call = Dial::to("+14155550103").offering(&offer);
        call.place(&mut house);
        let answer = if agent { keyed(DESK, "RTP/SAVP", 1, OTHER_KEY) } else { DESK.to_owned() };
        agent_says(&mut house, "200 OK", &answer);
        let ours = house.last(CALLER, "200");
        assert_eq!(crypto(body(&ours)).len(), usize::from(caller), "{ours}");
        let a = leg(&house, "192.0.2.9:40000").srtp.clone();
        let b = leg(&house, "198.51.100.8:50000").srtp.clone();
        assert_eq!((a.is_some(), b.is_some()), (caller, agent));
        if let (Some(a), Some(b)) = (a, b) {
            assert_ne!(a.send, b.send, "no two legs have a key in common");
            assert_eq!((a.receive == b.send, a.send == b.receive), (false, false));
        }
        call.ack(&mut house, "");
        call.bye(&mut house, "");
        let suite = |encrypted: bool| if encrypted { SUITE } else { None };
        assert_eq!(record_suites(&house), (caller && agent, suite(caller), suite(agent)));
    }
}

#[test]
fn a_plain_answer_to_an_encrypted_offer_ends_the_attempt_and_nothing_is_sent_plain() {
    let mut house = house("off", "required");
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "200 OK", DESK);
    let journal = house.look();
    assert!(journal.contains("agent <- ACK") && journal.contains("agent <- BYE"), "{journal}");
    assert!(house.described.is_empty(), "{:?}", house.described);
    assert_eq!(house.record().status.map(|status| format!("{status:?}")).as_deref(), Some("Failed"));
}

#[test]
fn early_media_without_keys_is_not_relayed_where_they_are_required() {
    let mut house = house("off", "required");
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "183 Session Progress", DESK);
    assert!(house.described.is_empty(), "{:?}", house.described);
    agent_says(&mut house, "183 Session Progress", &keyed(DESK, "RTP/SAVP", 1, KEY));
    assert!(leg(&house, "198.51.100.8:50000").srtp.is_some());
}

#[test]
fn a_reinvite_with_the_same_keys_changes_none_and_is_answered_with_its_own_tag() {
    let mut house = house("required", "off");
    let mut call = Dial::to("+14155550100").offering(&keyed(OFFER, "RTP/SAVP", 1, KEY)).connect(&mut house);
    let first = inline(body(&house.last(CALLER, "200")));
    let before = leg(&house, "192.0.2.9:40000").srtp.clone();
    let hold = keyed(&OFFER.replace("a=sendrecv", "a=sendonly"), "RTP/SAVP", 7, KEY);
    call.inside(&mut house, "INVITE", "", &hold);
    let answer = body(&house.last(CALLER, "200")).to_owned();
    assert!(crypto(&answer)[0].starts_with("a=crypto:7 "), "{answer}");
    assert_eq!(inline(&answer), first);
    assert_eq!(leg(&house, "192.0.2.9:40000").srtp, before);
}

#[test]
fn a_changed_key_is_taken_and_ours_changes_only_where_another_end_has_it() {
    let mut house = house("required", "off");
    let mut call = Dial::to("+14155550100").offering(&keyed(OFFER, "RTP/SAVP", 1, KEY)).connect(&mut house);
    let first = leg(&house, "192.0.2.9:40000").srtp.clone().unwrap();
    call.inside(&mut house, "INVITE", "", &keyed(OFFER, "RTP/SAVP", 1, OTHER_KEY));
    let second = leg(&house, "192.0.2.9:40000").srtp.clone().unwrap();
    assert_eq!(second.send, first.send);
    assert_ne!(second.receive, first.receive);
    call.ack(&mut house, "");
    call.inside(&mut house, "INVITE", "", &keyed(&OFFER.replace("40000", "42000"), "RTP/SAVP", 1, KEY));
    let third = leg(&house, "192.0.2.9:42000").srtp.clone().unwrap();
    assert_ne!(third.send, second.send);
    assert_eq!(third.receive, first.receive);
}

/// Between two times that a key serves, packets go by which it does not count: nobody could tell how often their numbers rolled over.
#[test]
fn no_key_of_ours_serves_again_after_a_plain_time_or_another_suite() {
    let mut house = house("optional", "off");
    let short = |offer: &str| offer.replace("SHA1_80", "SHA1_32");
    let first = keyed(OFFER, "RTP/AVP", 1, KEY);
    let mut call = Dial::to("+14155550100").offering(&first).connect(&mut house);
    let mut keys = vec![leg(&house, "192.0.2.9:40000").srtp.clone().unwrap().send];
    for offer in [OFFER, &first, &short(&first), &first, OFFER, OFFER, &short(&first)] {
        call.inside(&mut house, "INVITE", "", offer);
        call.ack(&mut house, "");
        let remote = leg(&house, "192.0.2.9:40000");
        assert_eq!(remote.srtp.is_some(), offer != OFFER);
        if let Some(srtp) = &remote.srtp {
            assert!(!keys.contains(&srtp.send), "after {} others", keys.len());
            keys.push(srtp.send.clone());
        }
    }
    assert_eq!(keys.len(), 5);
}

#[test]
fn a_plain_reinvite_is_refused_where_encryption_is_required_and_the_keys_stay() {
    let mut house = house("required", "off");
    let mut call = Dial::to("+14155550100").offering(&keyed(OFFER, "RTP/SAVP", 1, KEY)).connect(&mut house);
    let before = leg(&house, "192.0.2.9:40000").srtp.clone();
    call.inside(&mut house, "INVITE", "", OFFER);
    assert!(house.look().contains("caller <- 488"));
    assert_eq!(leg(&house, "192.0.2.9:40000").srtp, before);
}

#[test]
fn without_an_offer_ours_has_keys_and_a_plain_answer_in_the_ack_ends_the_call() {
    let mut house = house("required", "off");
    let call = Dial::to("+14155550100").offering("");
    call.place(&mut house);
    let offer = body(&house.last(CALLER, "200")).to_owned();
    assert!(offer.contains("RTP/SAVP") && crypto(&offer).len() == 4, "{offer}");
    call.ack(&mut house, OFFER);
    assert!(house.look().contains("caller <- BYE"));
    assert_eq!(house.record().reason.as_deref(), Some("media-encryption-required"));
    assert!(house.described.is_empty(), "{:?}", house.described);
}
