//! Offers and answers by their behaviour (RFC 3264, RFC 8866).

use std::net::IpAddr;

use sdp::{
    Agreement, Capabilities, Codec, Direction, Encryption, Lines, Local, Profile, Refusal, Session, accept,
    answer, offer,
};

const HEAD: &str = "v=0\r\no=caller 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\n";

fn local() -> Local {
    Local {
        address: IpAddr::from([192, 0, 2, 1]),
        port: 10_000,
        session_id: 4711,
        version: 1,
        encryption: Encryption::Off,
    }
}

fn session(text: &str) -> Session {
    Session::parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

/// The answer to an offer with these lines after the usual head.
fn answered(lines: &str) -> Result<(Agreement, String), Refusal> {
    answer(&session(&format!("{HEAD}{lines}")), &Capabilities::default(), &local())
}

fn agreed(lines: &str) -> Agreement {
    answered(lines).unwrap_or_else(|refusal| panic!("{refusal}: {lines}")).0
}

/// The lines of our answer from the first `m=` on.
fn media_of(lines: &str) -> Vec<String> {
    let (_, text) = answered(lines).unwrap_or_else(|refusal| panic!("{refusal}: {lines}"));
    text.split_terminator("\r\n").skip_while(|line| !line.starts_with("m=")).map(str::to_owned).collect()
}

#[test]
fn an_answer_names_our_address_and_only_what_was_offered() {
    let lines = "m=audio 4000 RTP/AVP 18 0 8 101\r\na=rtpmap:18 G729/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:30\r\n";
    let (agreement, text) = answered(lines).unwrap();
    assert_eq!(
        text,
        "v=0\r\no=- 4711 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 10000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
         a=ptime:20\r\na=sendrecv\r\n"
    );
    assert_eq!(
        agreement,
        Agreement {
            line: 0,
            profile: Profile::Avp,
            codec: Codec::Pcmu,
            send_payload_type: 0,
            receive_payload_type: 0,
            telephone_event: Some((101, 101)),
            rtp: "203.0.113.9:4000".parse().unwrap(),
            rtcp: "203.0.113.9:4001".parse().unwrap(),
            send: true,
            receive: true,
            ptime_ms: 30,
            srtp: None,
        }
    );
}

#[test]
fn the_offerers_order_decides() {
    assert_eq!(agreed("m=audio 4000 RTP/AVP 8 0\r\n").codec, Codec::Pcma);
    assert_eq!(agreed("m=audio 4000 RTP/AVP 0 8\r\n").codec, Codec::Pcmu);
    let only_alaw =
        Capabilities { codecs: vec![Codec::Pcma], telephone_event: None, ..Capabilities::default() };
    let offer =
        session(&format!("{HEAD}m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"));
    let (agreement, text) = answer(&offer, &only_alaw, &local()).unwrap();
    assert_eq!((agreement.codec, agreement.telephone_event), (Codec::Pcma, None));
    assert!(text.contains("m=audio 10000 RTP/AVP 8\r\n"), "{text}");
}

#[test]
fn static_payload_types_need_no_rtpmap() {
    let agreement = agreed("m=audio 4000 RTP/AVP 8\r\n");
    assert_eq!((agreement.codec, agreement.send_payload_type), (Codec::Pcma, 8));
}

#[test]
fn a_dynamic_payload_type_and_any_case_will_do() {
    let lines =
        "m=audio 4000 RTP/AVP 97 110\r\na=rtpmap:97 pcmu/8000/1\r\na=rtpmap:110 Telephone-Event/8000\r\n";
    let agreement = agreed(lines);
    assert_eq!(
        (agreement.codec, agreement.send_payload_type, agreement.receive_payload_type),
        (Codec::Pcmu, 97, 97)
    );
    assert_eq!(agreement.telephone_event, Some((110, 110)));
    assert_eq!(media_of(lines)[..2], ["m=audio 10000 RTP/AVP 97 110", "a=rtpmap:97 PCMU/8000"]);
}

#[test]
fn a_static_number_that_is_mapped_to_something_else_is_that() {
    assert_eq!(
        answered("m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/16000\r\n").unwrap_err(),
        Refusal::NoCommonCodec
    );
    assert_eq!(
        answered("m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 L16/8000\r\n").unwrap_err(),
        Refusal::NoCommonCodec
    );
    assert_eq!(
        answered("m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000/2\r\n").unwrap_err(),
        Refusal::NoCommonCodec
    );
}

#[test]
fn telephone_event_of_another_clock_is_not_taken() {
    let lines = "m=audio 4000 RTP/AVP 0 101 102\r\na=rtpmap:101 telephone-event/48000\r\na=rtpmap:102 telephone-event/8000\r\n";
    assert_eq!(agreed(lines).telephone_event, Some((102, 102)));
    assert_eq!(
        agreed("m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/48000\r\n").telephone_event,
        None
    );
}

#[test]
fn telephone_event_alone_is_no_common_codec() {
    let lines = "m=audio 4000 RTP/AVP 18 101\r\na=rtpmap:101 telephone-event/8000\r\n";
    let refusal = answered(lines).unwrap_err();
    assert_eq!(refusal, Refusal::NoCommonCodec);
    assert!(refusal.to_string().contains("PCMU"), "{refusal}");
}

#[test]
fn every_shape_of_hold_is_mirrored() {
    let held = HEAD.replace("c=IN IP4 203.0.113.9", "c=IN IP4 0.0.0.0");
    for (head, direction, expected, send, receive) in [
        (HEAD, "", "a=sendrecv", true, true),
        (HEAD, "a=sendrecv\r\n", "a=sendrecv", true, true),
        (HEAD, "a=sendonly\r\n", "a=recvonly", false, true),
        (HEAD, "a=recvonly\r\n", "a=sendonly", true, false),
        (HEAD, "a=inactive\r\n", "a=inactive", false, false),
        (&held, "", "a=recvonly", false, true),
        (&held, "a=sendonly\r\n", "a=recvonly", false, true),
        (&held, "a=inactive\r\n", "a=inactive", false, false),
    ] {
        let text = format!("{head}m=audio 4000 RTP/AVP 0\r\n{direction}");
        let (agreement, text) = answer(&session(&text), &Capabilities::default(), &local()).unwrap();
        assert!(text.ends_with(&format!("{expected}\r\n")), "{direction}: {text}");
        assert_eq!((agreement.send, agreement.receive), (send, receive), "{direction}");
    }
}

#[test]
fn an_answer_says_no_more_than_we_are_open_to() {
    let quiet = Direction { sends: false, receives: true };
    let open = Capabilities { direction: quiet, ..Capabilities::default() };
    for (theirs, ours) in [("sendrecv", "recvonly"), ("recvonly", "inactive"), ("sendonly", "recvonly")] {
        let offer = session(&format!("{HEAD}m=audio 4000 RTP/AVP 0\r\na={theirs}\r\n"));
        let (_, text) = answer(&offer, &open, &local()).unwrap();
        assert!(text.contains(&format!("a={ours}\r\n")), "{theirs}: {text}");
    }
    assert!(offer(&open, &local()).contains("a=recvonly\r\n"));
    let both = session(&format!("{HEAD}m=audio 4000 RTP/AVP 0\r\n"));
    let agreement = accept(&open, &both).unwrap();
    assert_eq!((agreement.send, agreement.receive), (false, true), "whatever the answer says");
}

#[test]
fn a_direction_of_the_session_holds_for_media_without_one() {
    let text = format!("{HEAD}a=inactive\r\nm=audio 4000 RTP/AVP 0\r\n");
    assert!(!answer(&session(&text), &Capabilities::default(), &local()).unwrap().0.send);
    let text = format!("{HEAD}a=inactive\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n");
    assert!(answer(&session(&text), &Capabilities::default(), &local()).unwrap().0.send);
}

#[test]
fn other_lines_keep_their_place_with_port_0() {
    let lines = "m=video 5000 RTP/AVP 99 100\r\na=rtpmap:99 H264/90000\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 6000 RTP/AVP 8\r\n\
                 m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    assert_eq!(
        media_of(lines),
        [
            "m=video 0 RTP/AVP 99 100",
            "m=audio 10000 RTP/AVP 0",
            "a=rtpmap:0 PCMU/8000",
            "a=ptime:20",
            "a=sendrecv",
            "m=audio 0 RTP/AVP 8",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        ]
    );
}

#[test]
fn the_first_audio_line_that_can_be_accepted_is() {
    let lines = "m=audio 4000 RTP/AVP 18\r\nm=audio 0 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 8\r\n";
    assert_eq!(agreed(lines).rtp.port(), 4002);
    assert_eq!(
        media_of(lines)[..3],
        ["m=audio 0 RTP/AVP 18", "m=audio 0 RTP/AVP 0", "m=audio 10000 RTP/AVP 8"]
    );
}

#[test]
fn each_refusal_says_what_is_wrong() {
    for (lines, refusal) in [
        ("", Refusal::NoAudio),
        ("m=video 4000 RTP/AVP 99\r\n", Refusal::NoAudio),
        ("m=audio 0 RTP/AVP 0\r\n", Refusal::NoAudio),
        ("m=image 4000 udptl t38\r\n", Refusal::NoAudio),
        ("m=audio 4000 TCP/RTP/AVP 0\r\n", Refusal::UnknownTransport),
        ("m=audio 4000 RTP/AVP 9 18\r\n", Refusal::NoCommonCodec),
        ("m=audio 4000 RTP/AVP pcmu 300\r\n", Refusal::NoCommonCodec),
        ("m=audio 4000 RTP/SAVP 0\r\n", Refusal::EncryptionUnwanted),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", Refusal::Dtls),
        ("m=audio 4000 RTP/SAVP 0\r\nm=audio 4000 RTP/AVP 18\r\n", Refusal::NoCommonCodec),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 media.example.com\r\n", Refusal::NoAddress),
        ("m=audio 65535 RTP/AVP 0\r\n", Refusal::NoAddress),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\n", Refusal::Multicast),
    ] {
        assert_eq!(answered(lines).unwrap_err(), refusal, "{lines}");
        assert!(!refusal.to_string().is_empty());
    }
    let homeless = "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    assert_eq!(
        answer(&session(homeless), &Capabilities::default(), &local()).unwrap_err(),
        Refusal::NoAddress
    );
}

#[test]
fn the_address_of_the_media_goes_before_that_of_the_session() {
    let agreement = agreed("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 198.51.100.7\r\n");
    assert_eq!(agreement.rtp, "198.51.100.7:4000".parse().unwrap());
    assert_eq!(agreement.rtcp, "198.51.100.7:4001".parse().unwrap());
}

#[test]
fn the_rtcp_attribute_is_followed() {
    assert_eq!(agreed("m=audio 4000 RTP/AVP 0\r\na=rtcp:5555\r\n").rtcp, "203.0.113.9:5555".parse().unwrap());
    let elsewhere = "m=audio 4000 RTP/AVP 0\r\na=rtcp:5555 IN IP4 198.51.100.8\r\n";
    assert_eq!(agreed(elsewhere).rtcp, "198.51.100.8:5555".parse().unwrap());
    assert_eq!(agreed("m=audio 4000 RTP/AVP 0\r\na=rtcp:nonsense\r\n").rtcp.port(), 4001);
}

#[test]
fn ipv6_is_read_and_written() {
    let text = "v=0\r\no=- 1 1 IN IP6 2001:db8::9\r\ns=-\r\nc=IN IP6 2001:db8::9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    let local = Local { address: "2001:db8::1".parse().unwrap(), ..local() };
    let (agreement, text) = answer(&session(text), &Capabilities::default(), &local).unwrap();
    assert_eq!(agreement.rtp, "[2001:db8::9]:4000".parse().unwrap());
    assert!(
        text.contains("o=- 4711 1 IN IP6 2001:db8::1\r\n") && text.contains("c=IN IP6 2001:db8::1\r\n"),
        "{text}"
    );
}

#[test]
fn an_absurd_ptime_is_disregarded() {
    for (line, ptime) in
        [("a=ptime:20", 20), ("a=ptime:10", 10), ("a=ptime:0", 20), ("a=ptime:9999", 20), ("a=ptime:x", 20)]
    {
        assert_eq!(agreed(&format!("m=audio 4000 RTP/AVP 0\r\n{line}\r\n")).ptime_ms, ptime);
    }
}

#[test]
fn the_session_id_stays_and_the_version_is_the_callers() {
    let offer = session(&format!("{HEAD}m=audio 4000 RTP/AVP 0\r\n"));
    let (_, first) = answer(&offer, &Capabilities::default(), &local()).unwrap();
    let (_, again) = answer(&offer, &Capabilities::default(), &local()).unwrap();
    assert_eq!(first, again);
    let (_, next) = answer(&offer, &Capabilities::default(), &Local { version: 2, ..local() }).unwrap();
    assert_eq!(next, first.replace("o=- 4711 1 ", "o=- 4711 2 "));
    assert_eq!((offer.version(), session(&next).version()), (1, 2));
}

#[test]
fn our_offer_lists_all_that_we_can_do_and_is_answerable() {
    let text = offer(&Capabilities::default(), &local());
    assert_eq!(
        text,
        "v=0\r\no=- 4711 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 10000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    let theirs = Local { address: IpAddr::from([203, 0, 113, 9]), port: 4000, ..local() };
    let (_, reply) = answer(&session(&text), &Capabilities::default(), &theirs).unwrap();
    let agreement = accept(&Capabilities::default(), &session(&reply)).unwrap();
    assert_eq!((agreement.codec, agreement.rtp), (Codec::Pcmu, "203.0.113.9:4000".parse().unwrap()));
}

#[test]
fn an_answer_may_send_to_other_numbers_than_it_receives_on() {
    let reply = session(&format!(
        "{HEAD}m=audio 4000 RTP/AVP 97 100\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:100 telephone-event/8000\r\n"
    ));
    let agreement = accept(&Capabilities::default(), &reply).unwrap();
    assert_eq!((agreement.send_payload_type, agreement.receive_payload_type), (97, 8));
    assert_eq!(agreement.telephone_event, Some((100, 101)));
}

#[test]
fn an_answer_that_holds_or_declines_is_understood() {
    let declined = session(&format!("{HEAD}m=audio 0 RTP/AVP 0\r\n"));
    assert_eq!(accept(&Capabilities::default(), &declined).unwrap_err(), Refusal::NoAudio);
    let nothing = session(HEAD);
    assert_eq!(accept(&Capabilities::default(), &nothing).unwrap_err(), Refusal::NoAudio);
    let other = session(&format!("{HEAD}m=audio 4000 RTP/AVP 18\r\n"));
    assert_eq!(accept(&Capabilities::default(), &other).unwrap_err(), Refusal::NoCommonCodec);
    let encrypted = session(&format!("{HEAD}m=audio 4000 RTP/SAVP 0\r\n"));
    assert_eq!(accept(&Capabilities::default(), &encrypted).unwrap_err(), Refusal::EncryptionUnwanted);
    let ulaw = Capabilities { codecs: vec![Codec::Pcmu], telephone_event: None, ..Capabilities::default() };
    let alaw = session(&format!("{HEAD}m=audio 4000 RTP/AVP 8\r\n"));
    assert_eq!(accept(&ulaw, &alaw).unwrap_err(), Refusal::NoCommonCodec);
    let held = session(&format!("{HEAD}m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n"));
    let agreement = accept(&Capabilities::default(), &held).unwrap();
    assert_eq!((agreement.send, agreement.receive), (true, false));
}

#[test]
fn an_offer_within_a_session_keeps_the_lines_that_were_declined() {
    let lines = "m=video 5000 RTP/AVP 99\r\nm=audio 4000 RTP/AVP 0\r\nm=image 6000 udptl t38\r\n";
    let theirs = session(&format!("{HEAD}{lines}"));
    let (agreement, _) = answer(&theirs, &Capabilities::default(), &local()).unwrap();
    let kept = Lines::of(&theirs, &agreement);
    let text = kept.offer(&Capabilities::default(), &local(), None);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines, ["m=video 0 RTP/AVP 99", "m=audio 10000 RTP/AVP 0 8 101", "m=image 0 udptl t38"]);
    let reply =
        session(&format!("{HEAD}m=video 0 RTP/AVP 99\r\nm=audio 4002 RTP/AVP 8\r\nm=image 0 udptl t38\r\n"));
    let agreement = kept.accept(&Capabilities::default(), &local(), None, &reply).unwrap();
    assert_eq!((agreement.line, agreement.codec, agreement.rtp.port()), (1, Codec::Pcma, 4002));
    let short = session(&format!("{HEAD}m=video 0 RTP/AVP 99\r\n"));
    assert_eq!(kept.accept(&Capabilities::default(), &local(), None, &short).unwrap_err(), Refusal::NoAudio);
}

#[test]
fn an_address_of_the_other_ip_version_is_refused_unless_it_holds() {
    let other = "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::9\r\n";
    assert_eq!(answered(other).unwrap_err(), Refusal::OtherFamily);
    let reply = session(&format!("{HEAD}{other}"));
    let taken = Lines::default().accept(&Capabilities::default(), &local(), None, &reply);
    assert_eq!(taken.unwrap_err(), Refusal::OtherFamily);
    assert!(!agreed("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 ::\r\n").send);
    let both = format!("{other}m=audio 4002 RTP/AVP 0\r\n");
    assert_eq!(agreed(&both).rtp, "203.0.113.9:4002".parse().unwrap());
}
