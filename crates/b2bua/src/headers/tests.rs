use bytes::Bytes;
use numbers::{Agent, Redirections};
use sip::endpoint::Header;
use sip::{Message, Method, Writer};

use super::*;
use crate::parties::Privacy;

const HOST: &str = "203.0.113.5";

/// An INVITE with these header lines.
fn invite(lines: &str) -> Message {
    let text = format!(
        "INVITE sip:+14155550103@{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:+14085550199@192.0.2.1>;tag=f\r\nTo: <sip:+14155550103@{HOST}>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:10.9.9.9>\r\n{lines}Content-Length: 0\r\n\r\n"
    );
    Message::parse(Bytes::from(text)).expect("an INVITE")
}

fn redirected(lines: &str) -> Redirected {
    Redirected::of(&invite(lines), "US".parse().ok()).expect("few diversions")
}

fn told(redirected: &Redirected, kind: Redirections) -> Vec<String> {
    let headers = redirected.headers(kind, "+14155550103", HOST);
    headers.iter().map(|header| format!("{}: {}", header.name(), header.value())).collect()
}

#[test]
fn a_reason_is_written_anew_one_of_each_protocol() {
    for (lines, expected) in [
        ("Reason: Q.850;cause=31\r\n", &["Q.850;cause=31"][..]),
        (
            "Reason: q.850 ; cause = 16 ;text=\"bye \\\"x\\\"\", sip;cause=200\r\n",
            &["Q.850;cause=16;text=\"bye x\"", "SIP;cause=200"],
        ),
        ("Reason: Q.850;cause=16\r\nReason: Q.850;cause=17\r\n", &["Q.850;cause=16"]),
        ("Reason: Preemption;cause=1;text=\"UA\"\r\n", &["Preemption;cause=1;text=\"UA\""]),
        ("Reason: Q.850;cause=16;location=RLN;x=10.0.0.1\r\n", &["Q.850;cause=16;location=RLN"]),
        ("Reason: Q.850;cause=many\r\n", &["Q.850"]),
        ("Reason: ;cause=1\r\nReason: a b;cause=1\r\n", &[]),
        (
            "Reason: a;cause=1,b;cause=1,c;cause=1,d;cause=1,e;cause=1\r\n",
            &["a;cause=1", "b;cause=1", "c;cause=1", "d;cause=1"],
        ),
    ] {
        assert_eq!(reason::of(Some(&invite(lines))), expected, "{lines}");
    }
    let long = format!("Reason: SIP;cause=1;text=\"{}\"\r\n", "a".repeat(2000));
    assert!(reason::of(Some(&invite(&long)))[0].len() < 160);
    assert_eq!(reason::q850(&["SIP;cause=17".to_owned(), "Q.850;cause=31".to_owned()]), Some(31));
    assert_eq!(reason::q850(&["Q.850;cause=128".to_owned()]), None);
}

/// RFC 7544 s.7.1.
#[test]
fn diversion_becomes_history_info() {
    let redirected = redirected(
        "Diversion: <sip:u3@h>;reason=unconditional;counter=1;privacy=off,\r\n <sip:u2@h>;reason=user-busy;privacy=full\r\n\
         Diversion: <sip:u1@h>;reason=no-answer;counter=1\r\n",
    );
    assert_eq!(
        told(&redirected, Redirections::HistoryInfo),
        [
            "History-Info: <sip:u1@203.0.113.5>;index=1",
            "History-Info: <sip:anonymous@anonymous.invalid;cause=408>;index=1.1;mp=1",
            "History-Info: <sip:u3@203.0.113.5;cause=486>;index=1.1.1;mp=1.1",
            "History-Info: <sip:+14155550103@203.0.113.5;cause=302>;index=1.1.1.1;mp=1.1.1",
        ]
    );
    let as_received = told(&redirected, Redirections::AsReceived);
    assert_eq!(
        as_received,
        [
            "Diversion: <sip:u3@203.0.113.5>;reason=unconditional;counter=1;privacy=off",
            "Diversion: <sip:anonymous@anonymous.invalid>;reason=user-busy;counter=1",
            "Diversion: <sip:u1@203.0.113.5>;reason=no-answer;counter=1;privacy=off",
        ]
    );
    assert_eq!(told(&redirected, Redirections::Diversion), as_received);
    assert_eq!(redirected.last_party().as_deref(), Some("u3"));
}

/// RFC 7544 s.7.2.
#[test]
fn history_info_becomes_diversion() {
    let redirected = redirected(
        "History-Info: <sip:u1@h?Privacy=history>;index=1,\r\n <sip:u2@h;cause=302?Privacy=none>;index=1.1;mp=1\r\n\
         History-Info: <sip:last@h;cause=486?Reason=%53IP%3bcause%3D486>;index=1.1.1;mp=1.1\r\n",
    );
    assert_eq!(
        told(&redirected, Redirections::Diversion),
        [
            "Diversion: <sip:u2@203.0.113.5>;reason=user-busy;counter=1;privacy=off",
            "Diversion: <sip:anonymous@anonymous.invalid>;reason=unconditional;counter=1",
        ]
    );
    assert_eq!(
        told(&redirected, Redirections::AsReceived),
        [
            "History-Info: <sip:anonymous@anonymous.invalid>;index=1",
            "History-Info: <sip:u2@203.0.113.5;cause=302>;index=1.1;mp=1",
            "History-Info: <sip:last@203.0.113.5;cause=486?Reason=SIP%3Bcause%3D486>;index=1.1.1;mp=1.1",
        ]
    );
}

#[test]
fn a_diversion_that_both_headers_tell_of_counts_once() {
    let history = "History-Info: <sip:u1@h>;index=1, <sip:u2@h;cause=302>;index=1.1;mp=1\r\n";
    let same = redirected(&format!("{history}Diversion: <sip:u1@h>;reason=unconditional\r\n"));
    assert_eq!(told(&same, Redirections::AsReceived).len(), 2);
    assert_eq!(told(&same, Redirections::Diversion).len(), 1);
    let written_otherwise = redirected(
        "History-Info: <tel:+14155550177>;index=1, <sip:u2@h;cause=302>;index=1.1;mp=1\r\n\
         Diversion: <sip:4155550177@h>;reason=unconditional\r\n",
    );
    assert_eq!(told(&written_otherwise, Redirections::AsReceived).len(), 2);
    // u2 diverted it once more, in a network that knows Diversion only (RFC 7544 s.3.4).
    let more = redirected(&format!(
        "{history}Diversion: <sip:u2@h>;reason=user-busy\r\nDiversion: <sip:u1@h>;reason=unconditional\r\n"
    ));
    assert_eq!(
        told(&more, Redirections::AsReceived),
        [
            "History-Info: <sip:u1@203.0.113.5>;index=1",
            "History-Info: <sip:u2@203.0.113.5;cause=302>;index=1.1;mp=1",
            "History-Info: <sip:+14155550103@203.0.113.5;cause=486>;index=1.1.1;mp=1.1",
        ]
    );
    assert_eq!(told(&more, Redirections::Diversion).len(), 2);
}

#[test]
fn a_counter_stands_for_placeholders_in_history_info() {
    let counted = redirected("Diversion: <sip:u2@h>;reason=no-answer;counter=2\r\nDiversion: <sip:u1@h>\r\n");
    assert_eq!(
        told(&counted, Redirections::HistoryInfo),
        [
            "History-Info: <sip:u1@203.0.113.5>;index=1",
            "History-Info: <sip:unknown@203.0.113.5;cause=404>;index=1.1;mp=1",
            "History-Info: <sip:u2@203.0.113.5;cause=404>;index=1.1.1;mp=1.1",
            "History-Info: <sip:+14155550103@203.0.113.5;cause=408>;index=1.1.1.1;mp=1.1.1",
        ]
    );
}

#[test]
fn a_call_that_goes_in_circles_is_not_let_in() {
    let refused = |lines: &str| Redirected::of(&invite(lines), None).is_err();
    assert!(!refused("Diversion: <sip:u@h>;counter=10\r\n"));
    assert!(refused("Diversion: <sip:u@h>;counter=11\r\n"));
    let eleven: Vec<_> = (0..11).map(|n| format!("Diversion: <sip:u{n}@h>\r\n")).collect();
    assert!(refused(&eleven.concat()));
    assert!(!refused("Diversion: <sip:u@h>;counter=2;limit=2\r\n"));
    assert!(!refused("Diversion: <sip:u@h>;limit=0\r\n"), "no limit of anything");
    assert!(refused("Diversion: <sip:u@h>;counter=3;limit=2\r\n"));
    assert!(refused(&"History-Info: <sip:u@h;cause=302>;index=1\r\n".repeat(12)));
    assert!(refused(&"History-Info: <sip:u@h>;index=1\r\n".repeat(21)));
    // Five forwards that both headers tell of are five.
    let five = |n: usize| format!("Diversion: <sip:u{n}@h>;counter=2\r\n");
    assert!(!refused(&(0..5).map(five).collect::<String>()));
}

#[test]
fn what_is_no_address_tells_of_no_diversion() {
    for line in ["Diversion: x\r\n", "Diversion: <sip:>\r\n", "History-Info: <sip:u@h;cause=302>;index=x\r\n"]
    {
        let redirected = redirected(line);
        assert_eq!(redirected, Redirected::default(), "{line}");
        assert!(told(&redirected, Redirections::HistoryInfo).is_empty());
    }
}

/// Knuth's LCG, its high bits.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// The text with the case of each letter as it falls.
    fn cased(&mut self, text: &str) -> String {
        let letter =
            |c: char| if self.below(2) == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        text.chars().map(letter).collect()
    }
}

/// Headers of the way that a call takes, and of who takes part in it.
const DENIED: [&str; 32] = [
    "Via",
    "v",
    "Contact",
    "m",
    "Route",
    "Record-Route",
    "User-Agent",
    "Server",
    "Call-ID",
    "i",
    "From",
    "f",
    "To",
    "t",
    "CSeq",
    "Path",
    "Service-Route",
    "Authorization",
    "Proxy-Authorization",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Remote-Party-ID",
    "P-Charging-Vector",
    "P-Access-Network-Info",
    "Session-Expires",
    "x",
    "Min-SE",
    "Require",
    "Supported",
    "Content-Length",
    "l",
    "Organization-Secret",
];

const HOSTILE: [&str; 8] = [
    "plain",
    "a\r\nVia: SIP/2.0/UDP evil",
    "a\nRoute: <sip:evil>",
    "a\rContact: <sip:evil>",
    "nul\0nul",
    "\u{85}next line",
    "\r\n\r\nINVITE sip:evil SIP/2.0",
    "ünï\tcode",
];

#[test]
fn nothing_that_is_denied_crosses_and_no_value_becomes_a_line() {
    for seed in 0..2_000 {
        let mut dice = Dice(seed);
        let lines: Vec<(String, String)> = (0..dice.below(12))
            .map(|_| {
                let name = match dice.below(3) {
                    0 => dice.of(&[
                        "X-Account",
                        "X-Acme-Id",
                        "User-to-User",
                        "Subject",
                        "X-Other",
                        "X-\r\nVia",
                        "X-a b",
                    ]),
                    _denied => dice.of(&DENIED),
                };
                (dice.cased(name), format!("{}SECRET", dice.of(&HOSTILE)))
            })
            .collect();
        let mut patterns = vec!["X-*", "Subject", "*"];
        patterns.extend(DENIED);
        let agent: Agent = toml::from_str(&format!(
            "id = \"a\"\npass_headers = {patterns:?}\n[endpoint]\nkind = \"sip\"\nuri = \"sip:a@b\"\n\
             headers = {{ X-Own = \"a\\r\\nVia: evil\", Via = \"evil\", X-Account = \"ours\" }}"
        ))
        .unwrap();
        let carried = lines.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let brief = Brief {
            shown_name: Some(format!("{}\" <sip:evil>", dice.of(&HOSTILE))),
            name: Some(format!("{}\" <sip:evil>", dice.of(&HOSTILE))),
            carried: Carried::from_lines(carried),
            ..brief()
        };
        let (from, headers) = for_sip(&brief, &agent, HOST);
        let printed = print(&from, &headers);
        let read = Message::parse(printed.clone()).unwrap_or_else(|fault| panic!("seed {seed}: {fault:?}"));
        let text = String::from_utf8(printed.to_vec()).unwrap();
        assert!(!text.contains("\nVia: evil") && !text.contains('\0'), "seed {seed}: {text}");
        // Via, Max-Forwards, From, To, Call-ID, CSeq, Content-Length, and what was added.
        assert_eq!(read.lines().count(), 7 + headers.len(), "seed {seed}: {text}");
        for (name, value) in read.lines() {
            let denied = DENIED.iter().any(|denied| denied.eq_ignore_ascii_case(name));
            assert!(!(denied && value.contains("SECRET")), "seed {seed}: {name}: {value}");
        }
        assert!(headers.iter().all(|header| header.name() != "Via"), "seed {seed}");
        let accounts: Vec<_> =
            headers.iter().filter(|header| header.name().eq_ignore_ascii_case("X-Account")).collect();
        assert!(accounts.len() == 1 && accounts[0].value() == "ours", "seed {seed}: {accounts:?}");
        for (name, value) in for_stream(&brief, &agent, &BTreeMap::new()) {
            assert!(!DENIED.iter().any(|denied| denied.eq_ignore_ascii_case(&name)), "seed {seed}: {name}");
            assert!(!value.contains(['\r', '\n', '\0', '\u{85}']), "seed {seed}: {value:?}");
        }
    }
}

#[test]
fn what_an_invite_may_bring_along_is_bounded() {
    let many = (0..100).map(|_| ("X-A", "a".to_owned()));
    assert_eq!(Carried::from_lines(many).iter().count(), 32);
    assert_eq!(Carried::from_lines([("X-A", "a".repeat(1025))].into_iter()).iter().count(), 0);
    let large = Carried::from_lines((0..32).map(|_| ("X-A", "a".repeat(1000))));
    assert_eq!(large.iter().count(), 4);
    let name = format!("X-{}", "a".repeat(63));
    assert_eq!(Carried::from_lines([(name.as_str(), "a".to_owned())].into_iter()).iter().count(), 0);
}

/// Or else a header would be left out without a word.
#[test]
fn what_an_inventory_may_set_is_sent() {
    let others = [
        "Accept",
        "Allow-Events",
        "Authentication-Info",
        "Content-Disposition",
        "Event",
        "Expires",
        "Flow-Timer",
        "Identity",
        "Info-Package",
        "Join",
        "MIME-Version",
        "Min-Expires",
        "Proxy-Authenticate",
        "Proxy-Require",
        "RAck",
        "Recv-Info",
        "Refer-To",
        "Referred-By",
        "Replaces",
        "Retry-After",
        "RSeq",
        "Security-Client",
        "Target-Dialog",
        "Timestamp",
        "Unsupported",
        "WWW-Authenticate",
        "X-Account",
        "Subject",
        "P-Charge-Info",
        "Alert-Info",
    ];
    let mut sent = 0;
    for name in DENIED.into_iter().chain(others) {
        let inventory: numbers::Inventory = toml::from_str(&format!(
            "[[agents]]\nid = \"a\"\nendpoint = {{ kind = \"sip\", uri = \"sip:a@b\", headers = {{ {name} = \"x\" }} }}"
        ))
        .unwrap();
        let is_sent = Header::foreign(name, "x").is_some();
        assert!(is_sent || !inventory.faults().is_empty(), "{name}");
        sent += usize::from(is_sent && inventory.faults().is_empty());
    }
    assert!(sent >= 4);
}

fn brief() -> Brief {
    Brief {
        from: "+14085550199".to_owned(),
        shown: "+14085550199".to_owned(),
        shown_name: None,
        privacy: Privacy::Open,
        name: None,
        to: "+14155550103".to_owned(),
        redirected: Redirected::default(),
        carried: Carried::default(),
        max_forwards: 69,
        account_sid: String::new(),
        call_sid: String::new(),
    }
}

/// As the endpoint does it.
fn print(from: &str, headers: &[Header]) -> Bytes {
    let mut writer = Writer::request(&Method::Invite, "sip:a@b");
    writer.header("Via", "SIP/2.0/UDP 203.0.113.5;branch=z9hG4bK1").header("Max-Forwards", "69");
    writer.header("From", &format!("{from};tag=1")).header("To", "<sip:a@b>").header("Call-ID", "1");
    writer.header("CSeq", "1 INVITE");
    for header in headers {
        writer.header(header.name(), header.value());
    }
    writer.finish(None)
}
