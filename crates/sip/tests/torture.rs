//! Every message of the corpus and the verdict that its RFC asks for: RFC 4475 and 5118 row by row, the bulk by the list
//! of what is refused.

mod support;

use bytes::Bytes;
use sip::Message;

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Verdict {
    Accept,
    Answer(u16),
    Silence,
}
use Verdict::{Accept, Answer, Silence};

fn verdict(message: &[u8]) -> Verdict {
    match Message::parse(Bytes::copy_from_slice(message)) {
        Ok(_) => Accept,
        Err(malformed) => malformed.answer.map_or(Silence, |(status, _)| Answer(status.code())),
    }
}

/// Compares the verdicts on a folder's files with a table; a file without a row is an error.
fn compare(folder: &str, table: &[(&str, Verdict, &str)]) {
    let Some(files) = support::folder(folder) else { return };
    let mut wrong = Vec::new();
    for (file, bytes) in &files {
        let expected = table.iter().find(|(name, ..)| file.split('.').next() == Some(name));
        let (seen, expected) = (verdict(bytes), expected.map(|(_, verdict, section)| (*verdict, *section)));
        if Some(seen) != expected.map(|(verdict, _)| verdict) {
            wrong.push(format!("{file}: {seen:?}, and the table says {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    eprintln!("{folder}: {} messages", files.len());
}

/// RFC 4475. Where it leaves a choice, the row says which one is ours.
const RFC_4475: &[(&str, Verdict, &str)] = &[
    ("wsinv", Accept, "3.1.1.1 a short tortuous INVITE"),
    ("intmeth", Accept, "3.1.1.2 wide range of valid characters; 501 is the endpoint's"),
    ("esc01", Accept, "3.1.1.3 valid use of the % escaping mechanism"),
    ("escnull", Accept, "3.1.1.4 escaped nulls in URIs"),
    ("esc02", Accept, "3.1.1.5 % when it is not an escape; 501 is the endpoint's"),
    ("lwsdisp", Accept, "3.1.1.6 no LWS between display name and <"),
    ("longreq", Accept, "3.1.1.7 long values in header fields"),
    ("dblreq", Accept, "3.1.1.8 extra trailing octets in a UDP datagram"),
    ("semiuri", Accept, "3.1.1.9 semicolon-separated parameters in the URI's user part"),
    ("transports", Accept, "3.1.1.10 varied and unknown transport types"),
    ("mpart01", Accept, "3.1.1.11 multipart MIME message"),
    ("unreason", Accept, "3.1.1.12 unusual reason phrase"),
    ("noreason", Accept, "3.1.1.13 empty reason phrase"),
    ("badinv01", Answer(400), "3.1.2.1 extraneous header field separators"),
    ("clerr", Answer(400), "3.1.2.2 Content-Length larger than the message"),
    ("ncl", Answer(400), "3.1.2.3 negative Content-Length"),
    ("scalar02", Answer(400), "3.1.2.4 request scalar fields with overlarge values"),
    ("scalarlg", Silence, "3.1.2.5 response scalar fields with overlarge values"),
    ("quotbal", Answer(400), "3.1.2.6 unterminated quoted string in a display name"),
    ("ltgtruri", Answer(400), "3.1.2.7 <> enclosing the Request-URI: not liberal"),
    ("lwsruri", Answer(400), "3.1.2.8 LWS within the Request-URI"),
    ("lwsstart", Accept, "3.1.2.9 multiple SP in the start line: liberal"),
    ("trws", Accept, "3.1.2.10 SP at the end of the request line: liberal"),
    ("escruri", Answer(400), "3.1.2.11 escaped headers in the Request-URI: not liberal"),
    ("baddate", Accept, "3.1.2.12 invalid time zone in Date: we make no use of it"),
    ("regbadct", Answer(400), "3.1.2.13 name-addr URI not in <>"),
    ("badaspec", Answer(400), "3.1.2.14 spaces within an addr-spec: not liberal"),
    ("baddn", Answer(400), "3.1.2.15 non-token characters in a display name: a comma, which separates"),
    ("badvers", Answer(505), "3.1.2.16 unknown protocol version"),
    ("mismatch01", Answer(400), "3.1.2.17 start line and CSeq method mismatch"),
    ("mismatch02", Answer(501), "3.1.2.18 unknown method with CSeq method mismatch"),
    ("bigcode", Silence, "3.1.2.19 overlarge response code"),
    ("badbranch", Accept, "3.2.1 missing transaction identifier: matched as RFC 2543 has it"),
    ("insuf", Answer(400), "3.3.1 missing required header fields"),
    ("unkscm", Accept, "3.3.2 Request-URI with unknown scheme; 416 is the endpoint's"),
    ("novelsc", Accept, "3.3.3 Request-URI with known but atypical scheme; 416 is the endpoint's"),
    ("unksm2", Accept, "3.3.4 unknown URI schemes in header fields"),
    ("bext01", Accept, "3.3.5 Proxy-Require and Require; 420 is the endpoint's"),
    ("invut", Accept, "3.3.6 unknown Content-Type; 415 is the endpoint's"),
    ("regaut01", Accept, "3.3.7 unknown Authorization scheme"),
    ("multi01", Answer(400), "3.3.8 multiple values in single-value required fields"),
    ("mcl01", Answer(400), "3.3.9 multiple Content-Length values"),
    ("bcast", Accept, "3.3.10 200 with a broadcast Via: no transaction of ours matches it"),
    ("zeromf", Accept, "3.3.11 Max-Forwards of zero"),
    ("cparam01", Accept, "3.3.12 REGISTER with a Contact header parameter"),
    ("cparam02", Accept, "3.3.13 REGISTER with a url-parameter"),
    ("regescrt", Accept, "3.3.14 REGISTER with a URL escaped header"),
    ("sdp01", Accept, "3.3.15 unacceptable Accept offering; 406 is the endpoint's"),
    ("inv2543", Accept, "3.4.1 INVITE with RFC 2543 syntax"),
    ("test", Silence, "appendix A: the script that unpacks the archive"),
];

/// RFC 5118.
const RFC_5118: &[(&str, Verdict, &str)] = &[
    ("ipv6-good", Accept, "4.1 valid SIP message with an IPv6 reference"),
    ("ipv6-bad", Answer(400), "4.2 IPv6 reference without its delimiters"),
    ("port-ambiguous", Accept, "4.3 port ambiguous in a SIP URI"),
    ("port-unambiguous", Accept, "4.4 port unambiguous in a SIP URI"),
    ("via-received-param-with-delim", Accept, "4.5 IPv6 reference delimiters in Via"),
    ("via-received-param-no-delim", Accept, "4.5 IPv6 reference delimiters in Via"),
    ("ipv6-in-sdp", Accept, "4.6 IPv6 addresses in SDP"),
    ("mult-ip-in-header", Accept, "4.7 multiple IP addresses in SIP headers"),
    ("mult-ip-in-sdp", Accept, "4.8 multiple IP addresses in SDP"),
    ("ipv4-mapped-ipv6", Accept, "4.9 IPv4-mapped IPv6 addresses"),
    ("ipv6-bug-abnf-3-colons", Accept, "4.10 IPv6 reference bug in RFC 3261's ABNF"),
    ("ipv6-correct-abnf-2-colons", Accept, "4.10 IPv6 reference bug in RFC 3261's ABNF"),
];

/// The call flows of some 50 RFCs: what is refused once Content-Length fits, and why.
const CALL_FLOWS: &[(&str, Verdict, &str)] = &[
    ("rfc3261/009_s23.4.2.sip", Answer(400), "a URI without a scheme"),
    ("rfc3608/001_s6.4.1.sip", Answer(400), "lines left out by \" . . .\""),
    ("rfc3608/002_s6.4.1.sip", Answer(400), "lines left out by \" . . .\""),
    ("rfc3608/003_s6.4.1.sip", Answer(400), "lines left out by \" . . .\""),
    ("rfc3608/007_s6.4.2.sip", Answer(400), "lines left out by \" . . .\""),
    ("rfc3608/008_s6.4.2.sip", Answer(400), "lines left out by \" . . .\""),
    ("rfc3608/009_s6.4.2.sip", Answer(400), "lines left out by \" . . .\""),
    ("rfc3608/010_s6.4.2.sip", Answer(400), "lines left out by \" . . .\""),
    ("rfc3666/117_s3.3.sip", Answer(400), "no From"),
    ("rfc3891/003_s7.1.sip", Silence, "no Via"),
    ("rfc3891/004_s7.1.sip", Silence, "no Via"),
    ("rfc3891/005_s7.1.sip", Silence, "no Via"),
    ("rfc3891/006_s7.1.sip", Silence, "no Via"),
    ("rfc3891/007_s7.1.sip", Silence, "no Via"),
    ("rfc3891/008_s7.1.sip", Silence, "no Via"),
    ("rfc3911/010_s8.2.sip", Silence, "no Via"),
    ("rfc3911/011_s8.2.sip", Silence, "no Via"),
    ("rfc4244/012_s11.sip", Silence, "no space between transport and sent-by"),
    ("rfc5589/005_s6.1.sip", Answer(400), "INVITE with a CSeq of REFER"),
    ("rfc5589/010_s6.2.sip", Answer(400), "NOTIFY with a CSeq of INVITE"),
    ("rfc5589/011_s6.2.sip", Answer(400), "INVITE with a CSeq of REFER"),
    ("rfc5589/012_s6.2.sip", Answer(400), "NOTIFY with a CSeq of INVITE"),
    ("rfc5626/002_s9.1.sip", Answer(400), "a URI without a scheme"),
    ("rfc5626/016_s9.5.sip", Silence, "no Via"),
    ("rfc5626/017_s9.5.sip", Silence, "no Via"),
    ("rfc5628/001_s8.2.sip", Silence, "no Via"),
    ("rfc5628/002_s8.2.sip", Silence, "no Via"),
    ("rfc5628/003_s8.2.sip", Silence, "no Via"),
    ("rfc5628/004_s8.2.sip", Silence, "no Via"),
    ("rfc5806/009_s8.1.sip", Silence, "ACK with a CSeq of INVITE"),
    ("rfc5806/013_s8.1.sip", Silence, "ACK with a CSeq of INVITE"),
    ("rfc5806/019_s8.1.sip", Silence, "ACK with a CSeq of INVITE"),
    ("rfc5806/024_s8.2.sip", Silence, "ACK with a CSeq of INVITE"),
    ("rfc5806/026_s8.2.sip", Silence, "ACK with a CSeq of INVITE"),
    ("rfc5806/028_s8.2.sip", Silence, "ACK with a CSeq of INVITE"),
    ("rfc5806/031_s8.2.sip", Silence, "ACK with a CSeq of INVITE"),
    ("rfc6442/002_s5.2.sip", Silence, "SIPS/2.0 in Via"),
    ("rfc7118/003_s8.2.sip", Answer(400), "a URI broken into two lines"),
    ("rfc7118/005_s8.2.sip", Answer(400), "a URI broken into two lines"),
    ("rfc7131/059_s3.9.sip", Answer(400), "a URI broken into two lines"),
    ("rfc7315/013_s4.6.2.3.sip", Silence, "a user in sent-by"),
    ("rfc7433/001_s4.3.sip", Answer(400), "no CSeq"),
    ("rfc8262/001_s1.4.1.sip", Silence, "SIPS/2.0 in Via"),
    ("rfc8876/002_s8.sip", Silence, "a URI for sent-by"),
];

/// The JAIN SIP torture messages: what is refused.
const JAIN: &[(&str, Verdict, &str)] = &[
    ("0003.sip", Answer(400), "LWS within the Request-URI"),
    ("0014.sip", Answer(400), "spaces within an addr-spec"),
    ("0015.sip", Answer(400), "spaces within an addr-spec"),
    ("0043.uri", Answer(400), "headers in what is used as a Request-URI"),
    ("0054.sip", Answer(400), "a URI without a scheme"),
    ("0061.sip", Answer(505), "a version other than SIP/2.0"),
    ("0092.sip", Silence, "ACK with a CSeq of INVITE"),
    ("0147.sip", Answer(400), "a URI broken into two lines"),
    ("0153.sip", Answer(400), "a URI broken into two lines"),
    ("0156.sip", Silence, "a URI broken into two lines"),
    ("0230.sip", Answer(400), "a URI broken into two lines"),
    ("0337.sip", Answer(400), "a URI broken into two lines"),
    ("0340.sip", Answer(400), "a URI broken into two lines"),
    ("0353.sip", Silence, "no space behind the method"),
    ("0359.sip", Answer(400), "a second message where the blank line is lost"),
    ("0366.sip", Answer(400), "Content-Length beyond the end"),
    ("0367.sip", Answer(400), "Content-Length that is no number"),
    ("0369.sip", Silence, "a CSeq number over 2^31"),
    ("0370.sip", Answer(400), "a quote that is not closed"),
    ("0379.sip", Answer(400), "a comma in a bare display name"),
    ("0380.sip", Answer(505), "a version other than SIP/2.0"),
    ("0381.sip", Answer(400), "OPTIONS with a CSeq of INVITE"),
    ("0382.sip", Answer(501), "NEWMETHOD with a CSeq of INVITE"),
    ("0383.sip", Silence, "a status that is not 100 to 699"),
    ("0393.sip", Answer(400), "two Content-Lengths that differ"),
];

/// How many files the lists above are of.
const CALL_FLOW_FILES: usize = 760;
const JAIN_FILES: usize = 267;

#[test]
fn rfc_4475_messages_get_the_answer_that_it_asks_for() {
    compare("rfc4475_torture", RFC_4475);
}

#[test]
fn rfc_5118_messages_get_the_answer_that_it_asks_for() {
    compare("rfc5118_ipv6", RFC_5118);
}

#[test]
fn call_flows_of_the_rfcs_are_accepted_but_for_a_list() {
    let Some(files) = support::folder("rfc_call_flows") else { return };
    for (_, bytes) in &files {
        // With a Content-Length that lies, whatever comes of it: no panic.
        verdict(bytes);
    }
    let messages = files.iter().map(|(file, bytes)| (file.as_str(), support::mended(bytes))).collect();
    compare_refused(messages, CALL_FLOWS, CALL_FLOW_FILES);
}

#[test]
fn jain_torture_messages_are_accepted_but_for_a_list() {
    let Some(files) = support::folder("jain_sip_torture") else { return };
    let messages = files.iter().map(|(file, bytes)| {
        let message = match file.rsplit('.').next() {
            Some("uri") => {
                format!("OPTIONS {} SIP/2.0\r\n{SKELETON}\r\n", String::from_utf8_lossy(bytes)).into_bytes()
            }
            Some("hdr") => with_header(&String::from_utf8_lossy(bytes)).into_bytes(),
            _ if support::head(bytes).is_some() => bytes.clone(),
            _ => support::mended(bytes),
        };
        (file.as_str(), message)
    });
    compare_refused(messages.collect(), JAIN, JAIN_FILES);
}

#[test]
fn resiprocate_files_with_bare_line_feeds_are_refused() {
    let Some(files) = support::folder("resiprocate") else { return };
    for (file, bytes) in files {
        assert_ne!(verdict(&bytes), Accept, "{file} ends its lines by LF alone");
    }
}

/// Compares with a list of what is refused. The list is whole for a corpus of that many files; of another one, what the list
/// names has to be refused as it says, and what else is refused is told.
fn compare_refused(messages: Vec<(&str, Vec<u8>)>, refused: &[(&str, Verdict, &str)], whole: usize) {
    let count = messages.len();
    let mut wrong = Vec::new();
    for (file, message) in messages {
        let listed = refused.iter().find(|(name, ..)| *name == file);
        let (seen, expected) = (verdict(&message), listed.map_or(Accept, |(_, verdict, _)| *verdict));
        if seen == expected {
            continue;
        }
        let fault = Message::parse(message.into()).err().map(|malformed| malformed.fault);
        let line = format!("{file}: {seen:?} ({fault:?}), and {expected:?} expected by {listed:?}");
        if listed.is_some() || count == whole { wrong.push(line) } else { eprintln!("not listed: {line}") }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    eprintln!("{count} messages, {} of them refused by the list", refused.len());
}

const SKELETON: &str = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
    From: <sip:a@example.com>;tag=1\r\n\
    To: <sip:b@example.com>\r\n\
    Call-ID: 1\r\n\
    CSeq: 1 OPTIONS\r\n";

/// A request with that header instead of its own.
fn with_header(header: &str) -> String {
    let name = |line: &str| line.split(':').next().unwrap_or_default().trim().to_lowercase();
    let own = |line: &&str| name(line) != name(header);
    let rest: String = SKELETON.split_inclusive("\r\n").filter(own).collect();
    format!("OPTIONS sip:b@example.com SIP/2.0\r\n{rest}{}\r\n\r\n", header.trim())
}
