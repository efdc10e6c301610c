//! Real descriptions, broken ones, and noise: each is read or refused in words, and never breaks anything.

#![expect(clippy::disallowed_methods, reason = "a corpus lies in files, where the environment says")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sdp::{Capabilities, Encryption, Fault, Keys, Local, Session, Suite, accept, answer};

fn local() -> Local {
    Local {
        address: IpAddr::from([192, 0, 2, 1]),
        port: 10_000,
        session_id: 1,
        version: 1,
        encryption: Encryption::Off,
    }
}

/// What becomes of a description, in words.
fn verdict(bytes: &[u8]) -> String {
    match Session::parse(bytes) {
        Err(fault) => format!("unreadable: {fault}"),
        Ok(session) => match answer(&session, &Capabilities::default(), &local()) {
            Err(refusal) => format!("refused: {refusal}"),
            Ok((agreement, text)) => {
                let reply = Session::parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"));
                let back = answer(&reply, &Capabilities::default(), &local());
                assert!(back.is_ok() || text.contains("m=audio"), "{text}");
                assert_eq!(lines_of(bytes), lines_of(text.as_bytes()), "{text}");
                format!("agreed: {:?}", agreement.codec)
            }
        },
    }
}

fn lines_of(text: &[u8]) -> usize {
    text.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| line.starts_with(b"m=")).count()
}

/// `STROWGER_CORPUS`, or where it lies beside the workspace.
fn corpus() -> String {
    std::env::var("STROWGER_CORPUS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned())
}

fn samples(folder: &str) -> Option<Vec<(PathBuf, Vec<u8>)>> {
    let corpus = corpus();
    let root = Path::new(&corpus).join(folder);
    if !root.is_dir() {
        eprintln!("skipped: no {}", root.display());
        return None;
    }
    let mut files = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sdp") {
                let bytes = std::fs::read(&path).expect("a file");
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    Some(files)
}

#[test]
fn every_sample_is_agreed_to_or_refused_in_words() {
    let Some(samples) = samples("sdp") else { return };
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    for (path, bytes) in &samples {
        let verdict = verdict(bytes);
        eprintln!("{}: {verdict}", path.display());
        let kind = verdict.split(':').next().unwrap_or_default().to_owned();
        *verdicts.entry(kind).or_default() += 1;
    }
    assert!(samples.len() > 40, "{}", samples.len());
    assert!(verdicts["agreed"] >= 1 && verdicts["refused"] >= 30, "{verdicts:?}");
}

/// Chrome's, of the time when it had keys in its descriptions.
#[test]
fn a_browsers_description_with_keys_beside_its_fingerprint_is_agreed_to_encrypted() {
    let Some(samples) = samples("sdp/sdp_transform") else { return };
    let (_, bytes) = samples.iter().find(|(path, _)| path.ends_with("jssip.sdp")).expect("it is there");
    let local = Local { encryption: Encryption::Required(Keys::new(&[5; Keys::BYTES])), ..local() };
    let (agreement, text) =
        answer(&Session::parse(bytes).unwrap(), &Capabilities::default(), &local).unwrap();
    assert_eq!(agreement.srtp.unwrap().suite, Suite::AesCm128HmacSha1Tag32, "it stands first");
    assert!(text.contains("a=crypto:0 AES_CM_128_HMAC_SHA1_32 inline:"), "{text}");
}

#[test]
fn every_fuzz_seed_is_agreed_to_or_refused_in_words() {
    let Some(samples) = samples("fuzz_seeds/webrtc/sdp-corpus") else { return };
    for (_, bytes) in samples {
        assert!(!verdict(&bytes).is_empty());
    }
}

#[test]
fn what_is_too_large_is_refused_in_words() {
    let long = vec![b'a'; Session::MAX_BYTES + 1];
    assert_eq!(Session::parse(&long), Err(Fault::TooLong(Session::MAX_BYTES + 1)));
    let head = "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nt=0 0\r\n";
    let many = format!("{head}{}", "m=audio 4000 RTP/AVP 0\r\n".repeat(Session::MAX_MEDIA + 1));
    assert_eq!(Session::parse(many.as_bytes()), Err(Fault::TooManyMedia(Session::MAX_MEDIA + 1)));
    assert!(matches!(Session::parse(b"hello"), Err(Fault::Syntax(_))));
    assert!(matches!(Session::parse(b""), Err(Fault::Syntax(_))));
}

/// Minutes, were the maps read again for each format.
#[test]
fn thousands_of_formats_and_of_maps_are_read_in_an_instant() {
    let head =
        "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP ";
    let text = format!("{head}{}8\r\n{}", "99 ".repeat(10_000), "a=rtpmap:1 x/1\r\n".repeat(2_000));
    assert_eq!(verdict(text.as_bytes()), "agreed: Pcma");
}

#[test]
fn free_text_that_is_no_utf_8_is_no_reason_to_refuse() {
    let text = b"v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=caf\xe9\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    assert_eq!(verdict(text), "agreed: Pcmu");
}

#[test]
fn bare_line_feeds_and_a_missing_last_one_are_read() {
    let text = b"v=0\no=- 1 1 IN IP4 203.0.113.9\ns=-\nc=IN IP4 203.0.113.9\nt=0 0\nm=audio 4000 RTP/AVP 8";
    assert_eq!(verdict(text), "agreed: Pcma");
}

#[test]
fn what_is_wrong_in_lines_that_nobody_needs_is_no_reason_to_refuse() {
    const TEXT: &str = "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    for (right, wrong) in [
        ("o=- 1 1 ", "o=- 1 -7 "),
        ("o=- 1 1 ", "o=- 1 18446744073709551616 "),
        ("o=- 1 1 ", "o=Cisco SIP UA 1 1 "),
        ("o=- 1 1 IN IP4 203.0.113.9\r\n", ""),
        ("s=-\r\n", "s=-\r\ns=again\r\ni=x\r\ni=y\r\n"),
        ("t=0 0", "t=0 99999999999999999999999\r\nr=x\r\nz=0 0\r\nz=1 1"),
        ("t=0 0", "b=AS:64.5\r\nk=x\r\nt=now"),
        ("m=audio", "c=IN IP4 203.0.113.10\r\nm=audio"),
        ("RTP/AVP 0\r\n", "RTP/AVP 0\r\nb=TIAS:x\r\nno line at all\r\n"),
        ("RTP/AVP 0\r\n", "RTP/AVP 0\r\n\0"),
        ("RTP/AVP 0\r\n", "RTP/AVP 0\0"),
        ("m=audio 4000 RTP/AVP 0", "m=audio  4000\tRTP/AVP  0 "),
        ("\r\n", "\r\r\n"),
    ] {
        let text = TEXT.replace(right, wrong);
        assert_ne!(text, TEXT, "{wrong} is in it");
        assert_eq!(verdict(text.as_bytes()), "agreed: Pcmu", "{text:?}");
        let session = Session::parse(text.as_bytes()).unwrap();
        let (agreement, _) = answer(&session, &Capabilities::default(), &local()).unwrap();
        assert_eq!(agreement.rtp.to_string(), "203.0.113.9:4000", "{text:?}");
    }
}

#[test]
fn the_version_is_read_past_blanks_in_the_user_name() {
    let of = |origin: &str| Session::parse(format!("v=0\r\no={origin}\r\n").as_bytes()).unwrap().version();
    assert_eq!(of("Cisco SIP UA 1 42 IN IP4 203.0.113.9"), 42);
    assert_eq!((of("- 1 -7 IN IP4 203.0.113.9"), of("nonsense")), (0, 0));
}

proptest! {
    #[test]
    fn noise_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!verdict(&bytes).is_empty());
    }

    #[test]
    fn shuffled_lines_break_nothing(lines in prop::collection::vec(prop::sample::select(LINES), 0..24)) {
        let text = format!("v=0\r\n{}", lines.concat());
        if let Ok(session) = Session::parse(text.as_bytes()) {
            if let Ok((agreement, reply)) = answer(&session, &Capabilities::default(), &local()) {
                prop_assert!(!agreement.send || !agreement.rtp.ip().is_unspecified());
                prop_assert_eq!(lines_of(text.as_bytes()), lines_of(reply.as_bytes()));
                prop_assert!(Session::parse(reply.as_bytes()).is_ok());
            }
            if let Ok(agreement) = accept(&Capabilities::default(), &session) {
                prop_assert!(agreement.receive_payload_type == agreement.codec.static_payload_type());
            }
        }
    }
}

const LINES: &[&str] = &[
    "o=- 1 1 IN IP4 203.0.113.9\r\n",
    "s=-\r\n",
    "t=0 0\r\n",
    "c=IN IP4 203.0.113.9\r\n",
    "c=IN IP4 0.0.0.0\r\n",
    "c=IN IP6 ::1\r\n",
    "c=IN IP4 example.com\r\n",
    "m=audio 4000 RTP/AVP 0 8 101\r\n",
    "m=audio 4000/2 RTP/AVP 8\r\n",
    "m=audio 0 RTP/AVP 0\r\n",
    "m=audio 4000 RTP/SAVP 0\r\n",
    "m=video 5000 RTP/AVP 99\r\n",
    "a=rtpmap:101 telephone-event/8000\r\n",
    "a=rtpmap:0 PCMU/8000\r\n",
    "a=rtpmap:8 PCMA\r\n",
    "a=rtpmap:\r\n",
    "a=rtpmap:300 PCMU/8000\r\n",
    "a=rtcp:4001 IN IP4 203.0.113.9\r\n",
    "a=rtcp:\r\n",
    "a=sendonly\r\n",
    "a=inactive\r\n",
    "a=ptime:20\r\n",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n",
    "b=AS:64\r\n",
];
