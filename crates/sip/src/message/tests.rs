use super::*;

const TORTUOUS: &str = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n\
    TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n\
    from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n\
    MaX-fOrWaRdS: 0068\r\n\
    Call-ID: wsinv.ndaksdj@192.0.2.1\r\n\
    Content-Length   : 5\r\n\
    cseq: 0009\r\n  INVITE\r\n\
    Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n\
    s :\r\n\
    NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n\
    UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n\
    c: Application/SDP ; charset=x\r\n\
    k: 100rel , , \"timer\"\r\n\
    Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n\
    v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n\
    \x20SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n\
    m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33\r\n\
    NEWFANGLEDHEADER: again\r\n\
    \r\nhello";

fn parse(text: &str) -> Message {
    Message::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

#[test]
fn every_accessor_reads_through_folds_space_case_and_compact_names() {
    let message = parse(TORTUOUS);
    assert!(message.is_request());
    assert_eq!(message.method(), &Method::Invite);
    assert_eq!(message.request_uri(), Some("sip:vivekg@chair-dnrc.example.com;unknownparam"));
    assert_eq!((message.status(), message.reason_phrase()), (None, None));
    assert_eq!((message.from_tag(), message.to_tag()), (Some("98asjd8"), Some("1918181833n")));
    assert_eq!(message.call_id(), "wsinv.ndaksdj@192.0.2.1");
    assert_eq!(message.cseq(), &CSeq { number: 9, method: Method::Invite });
    assert_eq!(message.max_forwards(), Some(68));
    assert_eq!(message.content_type().as_deref(), Some("application/sdp"));
    assert_eq!(message.body(), b"hello");
    assert_eq!(message.via().unwrap().host(), "192.0.2.2");
    assert_eq!(message.contact().unwrap().uri().as_str(), "sip:jdrosen@example.com");
    assert_eq!(message.from().unwrap().display_decoded().as_deref(), Some("J Rosenberg \\\""));
}

#[test]
fn lists_come_element_by_element_over_all_their_lines() {
    let message = parse(TORTUOUS);
    let values = |name| message.headers(name).map(Cow::into_owned).collect::<Vec<_>>();
    assert_eq!(
        values("Via"),
        [
            "SIP  /   2.0 /UDP 192.0.2.2;branch=390skdjuw",
            "SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8",
            "SIP  /    2.0   / UDP  192.168.255.111   ; branch= z9hG4bK30239",
        ]
    );
    assert_eq!(values("supported"), ["100rel", "\"timer\""]);
    assert_eq!(values("NewFangledHeader"), ["newfangled value continued newfangled value", "again"]);
    assert_eq!(values("UnknownHeaderWithUnusualValue"), [";;,,;;,;"]);
    assert_eq!(values("Subject"), [""]);
    assert_eq!(values("Date"), Vec::<String>::new());
    assert_eq!(message.header("contact").as_deref(), message.header("m").as_deref());
}

#[test]
fn lines_keep_their_order_and_their_names_as_written() {
    let message = parse(TORTUOUS);
    let names: Vec<_> = message.lines().map(|(name, _)| name).collect();
    assert_eq!(names[..4], ["TO", "from", "MaX-fOrWaRdS", "Call-ID"]);
    assert_eq!(names.len(), 16);
    assert!(message.lines().all(|(_, value)| !value.contains(['\r', '\n'])));
}

#[test]
fn a_response_has_the_method_of_its_cseq() {
    let head = "SIP/2.0 180 = 2**3 * 5**2 \u{43d}\u{43e}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n";
    let response =
        parse(&format!("{head}f: <sip:a@b>;tag=1\r\nt: <sip:c@d>;tag=2\r\ni: x\r\nCSeq: 35 UPDATE\r\n\r\n"));
    assert_eq!(response.method(), &Method::Update);
    assert_eq!(response.status(), Some(StatusCode::RINGING));
    assert_eq!(response.reason_phrase(), Some("= 2**3 * 5**2 \u{43d}\u{43e}"));
    assert_eq!((response.request_uri(), response.body()), (None, &b""[..]));
}

#[test]
fn octets_around_the_message_are_not_part_of_it() {
    let message = parse(&format!("\r\n\r\n{TORTUOUS} and more"));
    assert_eq!(message.bytes(), TORTUOUS);
}

#[test]
fn a_clone_shares_bytes_and_index() {
    let message = parse(TORTUOUS);
    let clone = message.clone();
    assert!(Arc::ptr_eq(&message.index, &clone.index));
    assert_eq!(message.bytes().as_ptr(), clone.bytes().as_ptr());
    assert!(size_of::<Message>() <= 40);
}

#[test]
fn a_refusal_copies_what_a_malformed_request_has_and_each_once() {
    let twice = TORTUOUS.replacen("s :\r\n", "f: <sip:evil@b>;tag=2\r\n", 1);
    let (status, request) = Message::parse(Bytes::from(twice)).unwrap_err().answer.unwrap();
    let response = Message::parse(Writer::response_to(&request, status, None).finish(None)).unwrap();
    assert_eq!(response.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(response.headers("Via").count(), 3);
    assert_eq!(response.from_tag(), Some("98asjd8"));
    assert_eq!(response.cseq(), request.cseq());
}
