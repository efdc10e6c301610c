//! Encryption in offers and answers by its behaviour (RFC 4568, RFC 6188, RFC 7714).

use std::net::IpAddr;

use sdp::{
    Agreement, Capabilities, Encryption, Keys, Lines, Local, Profile, Refusal, Session, Suite, answer, offer,
};

const HEAD: &str = "v=0\r\no=caller 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\n";
/// 30 bytes, of the examples of RFC 4568.
const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
const OTHER_KEY: &str = "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";

fn keys(seed: u8) -> Keys {
    let mut bytes = [seed; Keys::BYTES];
    for at in 1..bytes.len() {
        bytes[at] = bytes[at - 1].wrapping_add(1);
    }
    Keys::new(&bytes)
}

fn local(encryption: Encryption) -> Local {
    Local { address: IpAddr::from([192, 0, 2, 1]), port: 10_000, session_id: 4711, version: 1, encryption }
}

fn optional() -> Local {
    local(Encryption::Optional(keys(0)))
}

fn required() -> Local {
    local(Encryption::Required(keys(0)))
}

fn session(text: &str) -> Session {
    Session::parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

fn described(lines: &str) -> Session {
    session(&format!("{HEAD}{}\r\n", lines.replace('\n', "\r\n")))
}

/// The answer to an offer with these lines, from its first `m=` on.
fn answered(local: &Local, lines: &str) -> Result<(Agreement, Vec<String>), Refusal> {
    let (agreement, text) = answer(&described(lines), &Capabilities::default(), local)?;
    Ok((agreement, media_of(&text)))
}

fn media_of(text: &str) -> Vec<String> {
    text.split_terminator("\r\n").skip_while(|line| !line.starts_with("m=")).map(str::to_owned).collect()
}

fn crypto_of(lines: &[String]) -> Vec<&String> {
    lines.iter().filter(|line| line.starts_with("a=crypto")).collect()
}

fn accepted(local: &Local, lines: &str) -> Result<Agreement, Refusal> {
    Lines::default().accept(&Capabilities::default(), local, None, &described(lines))
}

#[test]
fn an_answer_repeats_tag_and_suite_with_a_key_of_its_own() {
    for local in [optional(), required()] {
        let offer =
            format!("m=audio 4000 RTP/SAVP 0\na=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4");
        let (agreement, lines) = answered(&local, &offer).unwrap();
        assert_eq!(lines[0], "m=audio 10000 RTP/SAVP 0");
        let [crypto] = crypto_of(&lines)[..] else { panic!("{lines:?}") };
        assert!(crypto.starts_with("a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:"), "{crypto}");
        assert!(!crypto.contains(KEY), "{crypto}");
        let srtp = agreement.srtp.unwrap();
        assert_eq!(srtp.suite, Suite::AesCm128HmacSha1Tag80);
        assert_eq!(srtp.receive.bytes(), b"wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#");
        assert_eq!(srtp.send.bytes().len(), 30);
        assert_ne!(srtp.send, srtp.receive);
        assert_eq!(srtp.receive_mki.unwrap().bytes(), [0, 0, 0, 1]);
    }
}

#[test]
fn the_offerers_order_of_suites_decides_and_what_is_unknown_is_passed_over() {
    let offer = format!(
        "m=audio 4000 RTP/SAVP 0\n\
         a=crypto:1 F8_128_HMAC_SHA1_80 inline:{KEY}\n\
         a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=5\n\
         a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\n\
         a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{OTHER_KEY}"
    );
    let (agreement, lines) = answered(&required(), &offer).unwrap();
    assert_eq!(agreement.srtp.unwrap().suite, Suite::AesCm128HmacSha1Tag32);
    assert!(crypto_of(&lines)[0].starts_with("a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:"), "{lines:?}");
}

#[test]
fn the_spelling_of_the_offer_is_repeated() {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ==";
    for name in ["AES_256_CM_HMAC_SHA1_80", "AES_CM_256_HMAC_SHA1_80"] {
        let offer = format!("m=audio 4000 RTP/SAVP 0\na=crypto:1 {name} inline:{key}");
        let (agreement, lines) = answered(&required(), &offer).unwrap();
        assert_eq!(agreement.srtp.unwrap().suite, Suite::AesCm256HmacSha1Tag80);
        assert!(crypto_of(&lines)[0].starts_with(&format!("a=crypto:1 {name} inline:")), "{lines:?}");
    }
}

#[test]
fn keys_on_a_plain_line_are_answered_there_where_encryption_is_wanted() {
    let offer = format!("m=audio 4000 RTP/AVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    for local in [optional(), required()] {
        let (agreement, lines) = answered(&local, &offer).unwrap();
        assert_eq!((lines[0].as_str(), crypto_of(&lines).len()), ("m=audio 10000 RTP/AVP 0", 1));
        assert!(agreement.srtp.is_some());
    }
    let (agreement, lines) = answered(&local(Encryption::Off), &offer).unwrap();
    assert_eq!((agreement.srtp, crypto_of(&lines).len()), (None, 0));
}

#[test]
fn the_profile_is_answered_in_kind() {
    for profile in [Profile::Avp, Profile::Avpf, Profile::Savp, Profile::Savpf] {
        let name = profile.name();
        let offer = format!("m=audio 4000 {name} 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
        let (agreement, lines) = answered(&optional(), &offer).unwrap();
        assert_eq!(lines[0], format!("m=audio 10000 {name} 0"));
        assert_eq!((agreement.profile, agreement.srtp.is_some()), (profile, true));
    }
}

#[test]
fn plain_audio_is_taken_where_encryption_is_optional_and_refused_where_it_is_required() {
    let plain = "m=audio 4000 RTP/AVP 0";
    assert_eq!(answered(&optional(), plain).unwrap().0.srtp, None);
    assert_eq!(answered(&required(), plain).unwrap_err(), Refusal::EncryptionRequired);
    let unusable = format!("{plain}\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP");
    let (agreement, lines) = answered(&optional(), &unusable).unwrap();
    assert_eq!((agreement.srtp, crypto_of(&lines).len()), (None, 0));
    assert_eq!(answered(&required(), &unusable).unwrap_err(), Refusal::NoCommonSuite);
}

#[test]
fn encrypted_audio_is_refused_in_words_that_say_why() {
    let savp = "m=audio 4000 RTP/SAVP 0";
    let keyed = format!("{savp}\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let fingerprint = format!("{savp}\na=fingerprint:sha-256 30:FF:8E\na=setup:actpass");
    let foreign = format!("{savp}\na=crypto:1 F8_128_HMAC_SHA1_80 inline:{KEY}");
    for (local, lines, refusal) in [
        (local(Encryption::Off), keyed.as_str(), Refusal::EncryptionUnwanted),
        (local(Encryption::Off), fingerprint.as_str(), Refusal::Dtls),
        (optional(), fingerprint.as_str(), Refusal::Dtls),
        (optional(), "m=audio 4000 UDP/TLS/RTP/SAVPF 0", Refusal::Dtls),
        (required(), "m=audio 4000 UDP/TLS/RTP/SAVP 0", Refusal::Dtls),
        (optional(), savp, Refusal::NoCommonSuite),
        (required(), foreign.as_str(), Refusal::NoCommonSuite),
    ] {
        assert_eq!(answered(&local, lines).unwrap_err(), refusal, "{lines}");
        assert!(!refusal.to_string().contains(KEY));
    }
}

#[test]
fn of_an_encrypted_and_a_plain_line_exactly_one_is_taken() {
    let encrypted = format!("m=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let plain = "m=audio 4002 RTP/AVP 0";
    for (local, lines, ports) in [
        (optional(), format!("{encrypted}\n{plain}"), ["10000 RTP/SAVP", "0 RTP/AVP"]),
        (optional(), format!("{plain}\n{encrypted}"), ["0 RTP/AVP", "10000 RTP/SAVP"]),
        (required(), format!("{plain}\n{encrypted}"), ["0 RTP/AVP", "10000 RTP/SAVP"]),
        (local(Encryption::Off), format!("{encrypted}\n{plain}"), ["0 RTP/SAVP", "10000 RTP/AVP"]),
    ] {
        let (agreement, answer) = answered(&local, &lines).unwrap();
        let medias: Vec<_> = answer.iter().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(medias, ports.map(|port| format!("m=audio {port} 0")).iter().collect::<Vec<_>>());
        let is_encrypted = local != self::local(Encryption::Off);
        assert_eq!(agreement.srtp.is_some(), is_encrypted);
        assert_eq!(crypto_of(&answer).len(), usize::from(is_encrypted));
    }
}

#[test]
fn an_offer_has_a_key_for_each_suite_and_says_as_much_as_is_wanted() {
    let crypto = |local: &Local| {
        let lines = media_of(&offer(&Capabilities::default(), local));
        let crypto: Vec<_> = crypto_of(&lines).into_iter().cloned().collect();
        (lines[0].split(' ').nth(2).unwrap().to_owned(), crypto)
    };
    let (profile, lines) = crypto(&required());
    assert_eq!(profile, "RTP/SAVP");
    let (heads, keys): (Vec<_>, Vec<_>) =
        lines.iter().map(|line| line.split_once(" inline:").unwrap()).unzip();
    assert_eq!(
        heads,
        [
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80",
            "a=crypto:2 AES_256_CM_HMAC_SHA1_80",
            "a=crypto:3 AEAD_AES_128_GCM",
            "a=crypto:4 AEAD_AES_256_GCM",
        ]
    );
    let mut unique = keys.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), keys.len(), "no key twice (RFC 4568 s.6.1)");
    assert_eq!(crypto(&optional()), ("RTP/AVP".to_owned(), lines));
    assert_eq!(crypto(&local(Encryption::Off)), ("RTP/AVP".to_owned(), Vec::new()));
}

#[test]
fn the_answer_to_an_offer_of_ours_gives_both_keys() {
    for (local, profile) in [(optional(), "RTP/AVP"), (required(), "RTP/SAVP")] {
        let answer = format!("m=audio 4000 {profile} 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
        let srtp = accepted(&local, &answer).unwrap().srtp.unwrap();
        assert_eq!(srtp.receive.bytes(), b"wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#");
        let own = offer(&Capabilities::default(), &local);
        let (theirs, _) = sdp::answer(
            &session(&own),
            &Capabilities::default(),
            &self::local(Encryption::Optional(keys(9))),
        )
        .unwrap();
        assert_eq!(theirs.srtp.unwrap().receive, srtp.send, "what we said is what we send with");
    }
}

#[test]
fn a_plain_answer_never_stands_for_an_encrypted_one() {
    let plain = "m=audio 4000 RTP/AVP 0";
    assert_eq!(accepted(&required(), plain).unwrap_err(), Refusal::EncryptionRequired);
    assert_eq!(accepted(&optional(), plain).unwrap().srtp, None);
    assert_eq!(accepted(&required(), "m=audio 4000 RTP/SAVP 0").unwrap_err(), Refusal::NoCommonSuite);
    assert_eq!(accepted(&optional(), "m=audio 4000 RTP/SAVP 0").unwrap_err(), Refusal::NoCommonSuite);
}

#[test]
fn a_line_of_an_answer_that_repeats_none_of_ours_is_not_taken() {
    let own = media_of(&offer(&Capabilities::default(), &required()));
    let echoed = crypto_of(&own)[0];
    for crypto in [
        format!("a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
        format!("a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
        format!("a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"),
        format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTCP"),
        echoed.clone(),
    ] {
        for (local, profile) in [(required(), "RTP/SAVP"), (optional(), "RTP/AVP")] {
            let answer = format!("m=audio 4000 {profile} 0\n{crypto}");
            assert_eq!(accepted(&local, &answer).unwrap_err(), Refusal::NoCommonSuite, "{crypto}");
        }
    }
}

#[test]
fn an_encrypted_answer_to_a_plain_offer_is_refused_and_its_stray_keys_are_passed_over() {
    let off = local(Encryption::Off);
    let crypto = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let encrypted = format!("m=audio 4000 RTP/SAVP 0\n{crypto}");
    assert_eq!(accepted(&off, &encrypted).unwrap_err(), Refusal::EncryptionUnwanted);
    assert_eq!(accepted(&off, &format!("m=audio 4000 RTP/AVP 0\n{crypto}")).unwrap().srtp, None);
}

#[test]
fn an_offer_within_a_session_says_the_suite_in_use_first_with_its_tag_and_key() {
    let offer = format!("m=audio 4000 RTP/SAVPF 0\na=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}");
    let offer = described(&offer);
    let (agreement, text) = answer(&offer, &Capabilities::default(), &optional()).unwrap();
    let lines = Lines::of(&offer, &agreement);
    let again = media_of(&lines.offer(&Capabilities::default(), &optional(), Some(&agreement)));
    assert_eq!(again[0], "m=audio 10000 RTP/SAVPF 0 8 101");
    let (said, again) = (media_of(&text), crypto_of(&again));
    assert_eq!(again[0], crypto_of(&said)[0]);
    let tags: Vec<_> = again.iter().map(|line| line.split_once(' ').unwrap().0).collect();
    assert_eq!(tags, ["a=crypto:2", "a=crypto:1", "a=crypto:3", "a=crypto:4", "a=crypto:5"]);
    let reply =
        described(&format!("m=audio 4000 RTP/SAVPF 0\na=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"));
    let kept = lines.accept(&Capabilities::default(), &optional(), Some(&agreement), &reply).unwrap();
    assert_eq!(kept.srtp, agreement.srtp, "nothing begins anew");
    let plain = described("m=audio 4000 RTP/AVP 0");
    let refusal = lines.accept(&Capabilities::default(), &optional(), Some(&agreement), &plain).unwrap_err();
    assert_eq!(refusal, Refusal::EncryptionRequired, "encrypted only was offered");
}

#[test]
fn an_offer_within_a_plain_session_stays_plain() {
    let offer = described("m=audio 4000 RTP/AVP 0");
    let (agreement, _) = answer(&offer, &Capabilities::default(), &optional()).unwrap();
    let lines = Lines::of(&offer, &agreement);
    let text = lines.offer(&Capabilities::default(), &optional(), Some(&agreement));
    assert!(text.contains("RTP/AVP") && !text.contains("crypto"), "{text}");
    let reply = format!("m=audio 4000 RTP/AVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let agreed =
        lines.accept(&Capabilities::default(), &optional(), Some(&agreement), &described(&reply)).unwrap();
    assert_eq!(agreed.srtp, None);
}

#[test]
fn thousands_of_keys_are_read_in_an_instant() {
    let line = "a=crypto:1 F8 inline:x\n";
    let offer = format!("m=audio 4000 RTP/SAVP 0\n{}", line.repeat(2_700));
    assert_eq!(answered(&required(), &offer).unwrap_err(), Refusal::NoCommonSuite);
}

#[test]
fn no_key_is_shown() {
    let offer = format!("m=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let session = described(&offer);
    let local = required();
    let (agreement, text) = answer(&session, &Capabilities::default(), &local).unwrap();
    let own = crypto_of(&media_of(&text))[0].split_once("inline:").unwrap().1.to_owned();
    let shown = format!("{session:?} {agreement:?} {local:?}");
    let bytes = agreement.srtp.unwrap();
    for secret in
        [KEY.to_owned(), own, format!("{:?}", bytes.send.bytes()), format!("{:?}", bytes.receive.bytes())]
    {
        let start: String = secret.trim_matches(['[', ']']).chars().take(16).collect();
        assert!(!shown.contains(&start), "{shown}");
    }
}
