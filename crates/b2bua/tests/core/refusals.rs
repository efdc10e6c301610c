//! INVITEs that do not become calls: each gets one final response, or silence, and leaves one record.

use std::time::Duration;

use b2bua::record::{CallStatus, EndedBy};
use b2bua::{Input, UnknownSource};

use crate::house::{AGENT, Binds, CALLER, House, INVENTORY, STRANGER, directory};
use crate::text::{Dial, OFFER, header, headers};

fn refused(house: &mut House, call: &Dial, code: &str) -> String {
    call.place(house);
    let journal = house.look();
    call.absorb(house, code);
    assert_eq!(house.finished().len(), 1, "{journal}");
    house.assert_empty();
    journal
}

#[test]
fn an_unknown_number_is_404() {
    let mut house = House::new();
    let journal = refused(&mut house, &Dial::to("+14155559999"), "404");
    assert_eq!(
        journal,
        "
caller <- 404 [SIP;cause=404;text=\"did-unknown: the called number is not ours\"]
record Refused did-unknown
"
    );
    let record = house.record();
    assert_eq!(
        (record.sip_status, record.q850, record.ended_by),
        (Some(404), Some(1), Some(EndedBy::Policy))
    );
    assert_eq!((record.to.as_deref(), record.number.as_deref()), (Some("+14155559999"), None));
    assert_eq!((record.trunk_id.as_deref(), record.billable_s), (Some("acme"), 0));
}

#[test]
fn a_suspended_number_is_480_and_the_record_names_it() {
    let mut house = House::new();
    refused(&mut house, &Dial::to("+14155550106"), "480");
    assert_eq!(house.record().reason.as_deref(), Some("number-inactive"));
    assert_eq!(house.record().number.as_deref(), Some("+14155550106"));
}

#[test]
fn a_number_without_any_agent_is_480() {
    let inventory = INVENTORY.replace("default_agent_id = \"echo\"", "");
    let mut house = House::with(&inventory, |_| {});
    refused(&mut house, &Dial::to("+14155550104"), "480");
    assert_eq!(house.record().reason.as_deref(), Some("no-agent"));
}

#[test]
fn an_unknown_source_gets_no_answer_but_leaves_a_record() {
    let mut house = House::new();
    let call = Dial::to("+14155550100").at_source(STRANGER);
    call.place(&mut house);
    assert_eq!(house.look(), format!("\nnotice INVITE from {STRANGER}\nrecord Refused source-unknown\n"));
    call.place(&mut house);
    assert_eq!(house.look(), "\n", "a retransmission is absorbed");
    assert_eq!((house.record().sip_status, house.record().source.as_str()), (None, STRANGER));
    house.assert_empty();
}

#[test]
fn nothing_that_an_unknown_source_sends_draws_an_answer() {
    let mut house = House::new();
    let call = Dial::to("+14155550100").at_source(STRANGER);
    let invite = call.invite();
    for probe in [
        invite.replace("INVITE", "OPTIONS"),
        invite.replace("INVITE", "BYE"),
        invite.replace("INVITE", "CANCEL"),
        invite.replace("INVITE", "WHATEVER"),
        invite.replace("Max-Forwards: 70", "Max-Forwards: 0"),
        invite.replace("Call-ID: ", "Call-ID: two words "),
        invite.replace("Max-Forwards: 70", "Require: nonsense"),
        invite.replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"),
    ] {
        assert_ne!(probe, invite, "the probe differs");
        house.receive(STRANGER, &probe);
    }
    assert!(house.sent.is_empty(), "{:?}", house.sent);
}

#[test]
fn a_scan_by_an_unknown_source_is_told_whatever_the_method() {
    for method in ["OPTIONS", "REGISTER", "WHATEVER"] {
        let mut house = House::new();
        let probe = Dial::to("+14155550100").at_source(STRANGER).invite().replace("INVITE", method);
        for _ in 0..2 {
            house.receive(STRANGER, &probe);
        }
        assert_eq!(house.look(), format!("\nnotice {method} from {STRANGER}\n"), "told once");
    }
}

#[test]
fn an_unknown_source_is_403_where_the_node_says_so() {
    let mut house = House::with(INVENTORY, |config| config.unknown_source = UnknownSource::Reject);
    let call = Dial::to("+14155550100").at_source(STRANGER);
    refused(&mut house, &call, "403");
    assert_eq!(house.record().sip_status, Some(403));
}

#[test]
fn a_scanner_leaves_ten_records_a_second_and_is_counted_beyond() {
    let mut house = House::new();
    for at in 0..100 {
        Dial::to("+14155550100").at_source(STRANGER).named(&format!("s{at}")).place(&mut house);
    }
    assert_eq!((house.finished().len(), house.core.census().unrecorded), (10, 90));
    assert_eq!(house.look().matches("notice INVITE").count(), 100, "the log has its own bound");
    house.pass(Duration::from_secs(1));
    Dial::to("+14155550100").at_source(STRANGER).named("later").place(&mut house);
    assert_eq!((house.finished().len(), house.core.census().unrecorded), (11, 90));
    assert!(house.sent.is_empty());
    house.assert_empty();
}

#[test]
fn a_sip_agent_may_not_call_out_from_a_number_that_is_not_ours() {
    let mut house = House::new();
    let call = Dial::to("+12125550177").at_source(AGENT);
    refused(&mut house, &call, "403");
    assert_eq!(house.record().reason.as_deref(), Some("caller-not-owned"));
}

#[test]
fn no_common_codec_is_488_with_a_warning() {
    let mut house = House::new();
    let call = Dial::to("+14155550100").offering(&OFFER.replace("0 8 101", "18 101"));
    refused(&mut house, &call, "488");
    assert_eq!(house.record().reason.as_deref(), Some("no-common-codec"));
    assert!(header(&house.last(CALLER, "488"), "Warning").is_some_and(|warning| warning.starts_with("399 ")));
}

#[test]
fn encrypted_media_is_488() {
    let mut house = House::new();
    let call = Dial::to("+14155550100").offering(&OFFER.replace("RTP/AVP", "RTP/SAVP"));
    refused(&mut house, &call, "488");
    assert_eq!(house.record().reason.as_deref(), Some("media-encryption-required"));
}

#[test]
fn a_body_that_is_no_description_is_415_and_a_bad_one_400() {
    let mut house = House::new();
    let call = Dial::to("+14155550100").with("Content-Type: text/plain").offering("hello");
    refused(&mut house, &call, "415");
    assert_eq!(header(&house.last(CALLER, "415"), "Accept"), Some("application/sdp"));
    let mut house = House::new();
    refused(&mut house, &Dial::to("+14155550100").offering("nonsense\r\n"), "400");
    assert_eq!(house.record().reason.as_deref(), Some("bad-request"));
}

#[test]
fn ports_that_are_in_use_are_passed_over() {
    let mut house = House::new();
    house.binds = Binds::FailOnce;
    let mut call = Dial::to("+14155550100").connect(&mut house);
    assert!(house.look().contains("bind m1\nbind m2\ndescribe m2 "));
    assert!(house.last(CALLER, "200").contains("m=audio 10002 "));
    call.bye(&mut house, "");
    house.assert_empty();
}

#[test]
fn a_node_that_can_bind_no_port_says_503() {
    let mut house = House::new();
    house.binds = Binds::Fail;
    let call = Dial::to("+14155550100");
    let journal = refused(&mut house, &call, "503");
    assert_eq!(journal.matches("bind ").count(), 8);
    assert_eq!(journal.matches("notice no ports: in use\n").count(), 1, "{journal}");
    assert!(header(&house.last(CALLER, "503"), "Retry-After").is_some());
    assert_eq!(house.record().status, Some(CallStatus::Refused));
}

#[test]
fn a_node_whose_few_ports_can_not_be_bound_says_why() {
    let mut house = House::with(INVENTORY, |config| config.ports = 10_000..=10_003);
    house.binds = Binds::Fail;
    let journal = refused(&mut house, &Dial::to("+14155550100"), "503");
    assert_eq!(journal.matches("bind ").count(), 2);
    assert!(journal.contains("notice no ports: in use\n"), "{journal}");
}

#[test]
fn a_node_without_a_free_port_says_503() {
    let mut house = House::with(INVENTORY, |config| config.ports = 10_000..=10_001);
    Dial::to("+14155550100").connect(&mut house);
    let second = Dial::to("+14155550100").named("c2");
    house.look();
    second.place(&mut house);
    assert!(house.look().contains("notice no ports: all of them are in use\n"));
    assert!(header(&house.last(CALLER, "503"), "Retry-After").is_some());
    assert_eq!(house.record().reason.as_deref(), Some("node-full"));
}

#[test]
fn a_changed_directory_holds_for_the_next_call() {
    let mut house = House::new();
    let mut running = Dial::to("+14155550100").connect(&mut house);
    house.input(Input::Directory(directory(&INVENTORY.replace("+14155550100", "+14155550190"))));
    Dial::to("+14155550100").named("c2").place(&mut house);
    assert_eq!(house.record().reason.as_deref(), Some("did-unknown"));
    running.bye(&mut house, "");
    assert_eq!(house.record().status, Some(CallStatus::Completed));
}

#[test]
fn a_refusal_gives_its_cause_in_the_words_of_q_850_too() {
    let mut house = House::new();
    refused(&mut house, &Dial::to("+14155559999"), "404");
    assert_eq!(
        headers(&house.last(CALLER, "404"), "Reason"),
        ["SIP;cause=404;text=\"did-unknown: the called number is not ours\"", "Q.850;cause=1"]
    );
}

#[test]
fn a_488_says_what_is_wrong_with_the_description() {
    for (right, wrong, reason, words) in [
        ("0 8 101", "18", "no-common-codec", "PCMU and PCMA"),
        ("m=audio", "m=video", "no-common-codec", "no audio"),
        ("RTP/AVP", "RTP/SAVP", "media-encryption-required", "encrypted only, and media_encryption is off"),
        ("RTP/AVP", "TCP/RTP/AVP", "no-common-codec", "transport other than RTP/AVP"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 media.example", "no-common-codec", "no usable connection address"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 224.2.1.1", "no-common-codec", "multicast"),
        ("c=IN IP4 192.0.2.9", "c=IN IP6 2001:db8::9", "no-common-codec", "another IP version"),
    ] {
        let mut house = House::new();
        refused(&mut house, &Dial::to("+14155550100").offering(&OFFER.replace(right, wrong)), "488");
        let warning = header(&house.last(CALLER, "488"), "Warning").unwrap_or_default().to_owned();
        assert!(warning.starts_with("399 strowger \"") && warning.contains(words), "{wrong}: {warning}");
        assert!(headers(&house.last(CALLER, "488"), "Reason")[0].contains(words), "{wrong}");
        assert_eq!(house.record().reason.as_deref(), Some(reason), "{wrong}");
    }
}

#[test]
fn an_invite_that_is_unfit_leaves_a_record_and_a_notice() {
    for (right, wrong, status, reason) in [
        ("Max-Forwards: 70", "Max-Forwards: 0", 483, "too-many-hops"),
        ("Max-Forwards: 70", "Require: nonsense", 420, "unsupported-extension"),
        ("Contact: <sip:", "Contact: <mailto:", 400, "bad-request"),
        ("INVITE sip:", "INVITE mailto:", 416, "unsupported-uri"),
    ] {
        let mut house = House::new();
        let call = Dial::to("+14155550100");
        let invite = call.invite();
        let unfit = invite.replacen(right, wrong, 1);
        assert_ne!(unfit, invite, "{wrong} is in it");
        for _ in 0..2 {
            house.receive(CALLER, &unfit);
        }
        let journal = house.look();
        assert!(journal.contains(&format!("caller <- {status}")), "{wrong}: {journal}");
        assert_eq!(journal.matches(&format!("notice {status}: ")).count(), 1, "told once: {journal}");
        assert_eq!(journal.matches(&format!("record Refused {reason}")).count(), 1, "{wrong}: {journal}");
        let record = house.record();
        assert_eq!((record.sip_status, record.trunk_id.as_deref()), (Some(status), Some("acme")), "{wrong}");
        assert_eq!((record.sip_call_id_a.as_str(), record.answered_at), ("c1@carrier", None), "{wrong}");
        house.assert_empty();
    }
}

#[test]
fn unfit_invites_leave_ten_records_a_second_and_are_counted_beyond() {
    let mut house = House::new();
    for at in 0..100 {
        let invite = Dial::to("+14155550100").named(&format!("u{at}")).invite();
        house.receive(CALLER, &invite.replace("Max-Forwards: 70", "Max-Forwards: 0"));
    }
    assert_eq!((house.finished().len(), house.core.census().unrecorded), (10, 90));
    house.pass(Duration::from_secs(1));
    house.receive(CALLER, &Dial::to("+14155550100").named("fit").invite());
    assert_eq!(house.record().status, None, "a call that is fit is taken");
}
