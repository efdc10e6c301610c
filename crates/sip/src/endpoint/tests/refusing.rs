//! INVITEs that the endpoint itself turns away.

use super::*;

/// What was told of refused INVITEs: status and words.
fn refused(bench: &mut Bench) -> Vec<(u16, String)> {
    let told = |event| {
        let Event::Refused { status, words, .. } = event else { panic!("{event:?}") };
        (status.code(), words)
    };
    bench.events().into_iter().map(told).collect()
}

#[test]
fn an_invite_that_the_endpoint_refuses_is_told_of_with_the_status_and_the_words() {
    let cases = [
        (invite().replace("Max-Forwards: 70", "Max-Forwards: 0"), 483, "Max-Forwards is 0"),
        (request("INVITE", 1, "r", "", "Require: foo, 100rel, bar\r\n"), 420, "it requires foo, bar"),
        (invite().replace("INVITE sip:+1", "INVITE urn:+1"), 416, "a Request-URI of the scheme urn"),
        (invite().replace("<sip:peer@192.0.2.9:5060>", "<tel:+1>"), 400, "Contact"),
        (invite().replace("CSeq: 1 INVITE", "CSeq: 1 OPTIONS"), 400, "CSeq"),
        (invite().replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"), 505, "version"),
    ];
    for (text, code, words) in cases {
        let mut bench = Bench::new();
        bench.peer(text.clone());
        assert_eq!(bench.one().status(), Some(status(code)));
        let Event::Refused { flow, request, status: told, words: given } = bench.event() else {
            panic!("{text}")
        };
        assert_eq!((flow, request.call_id(), told.code()), (udp("192.0.2.9:5060"), "call-1", code));
        assert!(given.contains(words), "{given}");
    }
}

#[test]
fn an_invite_refused_for_want_of_room_or_as_a_copy_is_told_of() {
    let mut bench = Bench::with(Config { max_dialogs: 1, ..config() });
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.trying(now, dialog));
    bench.peer(request("INVITE", 1, "fork", "", SDP));
    assert_eq!(refused(&mut bench), [(482, "another copy of it is being served".to_owned())]);
    bench.peer(request("INVITE", 2, "second", "", SDP));
    let full = "as many transactions or dialogs as there may be".to_owned();
    assert_eq!(refused(&mut bench), [(503, full)]);
}

#[test]
fn a_refused_invite_is_told_of_once_however_often_it_is_repeated() {
    let mut bench = Bench::new();
    let bad = request("INVITE", 1, "r", "", "Require: foo\r\n");
    bench.peer(bad.clone()).pass(500).peer(bad.clone()).pass(1000).peer(bad.clone());
    assert_eq!((refused(&mut bench).len(), bench.sent().len()), (1, 3));
    bench.peer(bad.replace("z9hG4bKr", "z9hG4bKs").replace("CSeq: 1", "CSeq: 2"));
    assert_eq!(refused(&mut bench).len(), 1, "another try is another call");
    bench.pass(32_000).peer(bad);
    assert_eq!(refused(&mut bench).len(), 1, "nothing repeats for so long");
}

#[test]
fn what_is_no_call_of_a_known_peer_is_not_told_of_as_a_refused_one() {
    let mut bench = Bench::new();
    bench.peer(request("PING", 1, "p", "", "")).peer(request("BYE", 1, "b", "", ""));
    bench.peer(request("INVITE", 1, "t", "unknown", ""));
    assert_eq!(refused(&mut bench), []);
    bench.stranger(invite().replace("CSeq: 1 INVITE", "CSeq: 1 OPTIONS"));
    assert!(matches!(bench.event(), Event::Malformed { .. }));
}

#[test]
fn a_400_says_what_was_malformed() {
    let mut bench = Bench::new();
    bench.peer(invite().replace("INVITE sip:+14155550100", "INVITE \"x\\"));
    let [(400, words)] = &*refused(&mut bench) else { panic!("not refused") };
    let told = bench.one().header("Warning").unwrap().into_owned();
    let told = told.strip_prefix("399 strowger \"").and_then(|told| told.strip_suffix('"')).unwrap();
    assert_eq!(told, words.replace(['"', '\\'], ""));
    bench.peer(invite().replace("Contact: <sip:peer@192.0.2.9:5060>\r\n", ""));
    let warning = "399 strowger \"an INVITE without a SIP URI in a Contact\"";
    assert_eq!(bench.one().header("Warning").as_deref(), Some(warning));
}

#[test]
fn a_flood_of_refused_invites_is_told_of_and_not_kept() {
    let mut bench = Bench::new();
    for number in 0..5_000 {
        bench.peer(request("INVITE", 1, &format!("r{number}"), "", "Require: x\r\n"));
    }
    assert_eq!(refused(&mut bench).len(), 5_000);
    assert!(bench.endpoint.refused.len() <= 512);
}
