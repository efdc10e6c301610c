//! Secrets in a message, struck out in place: each of their octets becomes `*`, so that all lengths stay true.
//!
//! The credentials of Authorization and Proxy-Authorization (RFC 3261 s.22), the headers of [`Secrets`], the keys of `a=crypto` (RFC 4568 s.9.1) and of `k=`
//! (RFC 4566 s.5.12).

use memchr::memchr;

use crate::Secrets;

/// Strikes the secrets out of a message.
pub fn mask(message: &mut [u8], secrets: &Secrets) {
    let mut rest = message;
    let mut part = Part::Start;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at_mut(end);
        part = part.line(line, secrets);
        rest = after;
    }
}

/// Where in a message a line stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// Before or on the start line.
    Start,
    /// After a header of no secret.
    Headers,
    /// After one of a secret, which may go on.
    Secret,
    Body,
}

impl Part {
    /// What the next line stands in.
    fn line(self, line: &mut [u8], secrets: &Secrets) -> Self {
        let blank = line.trim_ascii().is_empty();
        match self {
            Self::Start if blank => Self::Start,
            Self::Start => Self::Headers,
            Self::Headers | Self::Secret if blank => Self::Body,
            Self::Secret if matches!(line, [b' ' | b'\t', ..]) => {
                strike(line);
                Self::Secret
            }
            Self::Headers if matches!(line, [b' ' | b'\t', ..]) => Self::Headers,
            Self::Headers | Self::Secret => header(line, secrets),
            Self::Body => {
                body(line);
                Self::Body
            }
        }
    }
}

fn header(line: &mut [u8], secrets: &Secrets) -> Part {
    let Some(colon) = memchr(b':', line) else { return Part::Headers };
    let name = line[..colon].trim_ascii();
    if secrets.hold(name) {
        strike(&mut line[colon + 1..]);
        return Part::Secret;
    }
    if !CREDENTIALS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
        return Part::Headers;
    }
    // The scheme, such as Digest, tells nothing.
    let value = &line[colon + 1..];
    let lead = value.len() - value.trim_ascii_start().len();
    let scheme = value[lead..].iter().take_while(|octet| octet.is_ascii_alphanumeric()).count();
    strike(&mut line[colon + 1 + lead + scheme..]);
    Part::Secret
}

/// A line may be several to a lenient reader, and blanks of any kind and number.
fn body(line: &mut [u8]) {
    line.split_mut(|octet| *octet == b'\r').for_each(description);
    // However the line is put: nobody writes this of anything but a key.
    let mut rest = line;
    while let Some(at) = rest.windows(INLINE.len()).position(|octets| octets.eq_ignore_ascii_case(INLINE)) {
        let key = &mut rest[at + INLINE.len()..];
        let end = key.iter().position(|octet| octet.is_ascii_whitespace() || matches!(octet, b'|' | b';'));
        let (key, after) = key.split_at_mut(end.unwrap_or(key.len()));
        strike(key);
        rest = after;
    }
}

fn description(line: &mut [u8]) {
    if starts_with(line, b"k=") {
        strike(&mut line[2..]);
    } else if starts_with(line, b"a=") && starts_with(line[2..].trim_ascii_start(), b"crypto") {
        // The tag and the suite are no secret; whatever else is not understood is.
        let (mut words, mut last) = (0, b' ');
        let parameters = line[2..].iter().position(|octet| {
            words += usize::from(octet.is_ascii_whitespace() && !last.is_ascii_whitespace());
            last = *octet;
            words == 2
        });
        let Some(parameters) = parameters else { return };
        strike_keys(&mut line[2 + parameters..]);
    }
}

/// `inline:KEY|lifetime|MKI`, several of them with `;` between.
fn strike_keys(mut parameters: &mut [u8]) {
    loop {
        let end = parameters.iter().position(|octet| *octet == b';').unwrap_or(parameters.len());
        let (key, rest) = parameters.split_at_mut(end);
        let lead = key.len() - key.trim_ascii_start().len();
        let key = &mut key[lead..];
        if starts_with(key, INLINE) {
            let bar = key.iter().position(|octet| matches!(octet, b'|' | b' ')).unwrap_or(key.len());
            strike(&mut key[INLINE.len()..bar]);
        } else {
            strike(key);
        }
        let [_semicolon, rest @ ..] = rest else { return };
        parameters = rest;
    }
}

fn starts_with(octets: &[u8], prefix: &[u8]) -> bool {
    octets.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// All but the white space, so that the lines stay lines.
fn strike(octets: &mut [u8]) {
    octets.iter_mut().filter(|octet| !octet.is_ascii_whitespace()).for_each(|octet| *octet = b'*');
}

const CREDENTIALS: [&[u8]; 2] = [b"authorization", b"proxy-authorization"];
const INLINE: &[u8] = b"inline:";

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        masked_with(&Secrets::default(), text)
    }

    fn masked_with(secrets: &Secrets, text: &str) -> String {
        let mut octets = text.as_bytes().to_vec();
        mask(&mut octets, secrets);
        assert_eq!(octets.len(), text.len(), "the length stays");
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn credentials_are_struck_out_with_their_folded_lines() {
        let text = "REGISTER sip:a SIP/2.0\r\nVia: x\r\nauthorization : Digest username=\"bob\",\r\n response=\"5e\"\r\n\
                    Proxy-Authorization:Basic Ym9iOnB3\r\nProxy-Authenticate: Digest nonce=\"n\"\r\n\r\n";
        let expected = "REGISTER sip:a SIP/2.0\r\nVia: x\r\nauthorization : Digest ***************\r\n *************\r\n\
                        Proxy-Authorization:Basic ********\r\nProxy-Authenticate: Digest nonce=\"n\"\r\n\r\n";
        assert_eq!(masked(text), expected);
    }

    #[test]
    fn headers_of_the_inventory_are_struck_out_wholly_in_any_case_and_folded() {
        let mut secrets = Secrets::default();
        secrets.learn(["X-Key", "X-Other"]);
        secrets.learn(["X-Later"]);
        let text = "INVITE sip:a SIP/2.0\r\nx-key: hunter2\r\nX-Keys: open\r\nX-KEY :a b\r\n c\r\nX-Later: d\r\n\r\nX-Key: text\r\n";
        let expected = "INVITE sip:a SIP/2.0\r\nx-key: *******\r\nX-Keys: open\r\nX-KEY :* *\r\n *\r\nX-Later: *\r\n\r\nX-Key: text\r\n";
        assert_eq!(masked_with(&secrets, text), expected);
    }

    #[test]
    fn keys_of_media_are_struck_out_and_their_parameters_stay() {
        let text = "INVITE sip:a SIP/2.0\r\nVia: x\r\n\r\nv=0\r\nk=base64:c2VjcmV0\r\n\
                    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1j|2^20|1:4\r\n\
                    A=CRYPTO:2 AES_CM_128_HMAC_SHA1_32 INLINE:AAAA;inline:BBBB|2^20 KDR=1\r\na=sendrecv\r\n";
        let expected = "INVITE sip:a SIP/2.0\r\nVia: x\r\n\r\nv=0\r\nk=***************\r\n\
                    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:************|2^20|1:4\r\n\
                    A=CRYPTO:2 AES_CM_128_HMAC_SHA1_32 INLINE:****;inline:****|2^20 KDR=1\r\na=sendrecv\r\n";
        assert_eq!(masked(text), expected);
    }

    #[test]
    fn no_way_to_write_a_line_that_is_read_shows_its_key() {
        for body in [
            "m=audio 4 RTP/SAVP 0\ra=crypto:1 S inline:SECRET|2^20\ra=sendrecv\r",
            "v=0\rk=clear:SECRET\rt=0 0",
            "a=crypto:1\tAES_CM_128_HMAC_SHA1_80\tinline:SECRET\r\n",
            "a=crypto:1  AES_CM_128_HMAC_SHA1_80  inline:SECRET\r\n",
            "a= crypto:1 AES_CM_128_HMAC_SHA1_80 hidden:SECRET\r\n",
            "a=crypto:1\u{a0}AES_CM_128_HMAC_SHA1_80\u{a0}inline:SECRET\u{a0}KDR=1\r\n",
            "a=\0crypto:1\0S\0inline:SECRET\r\n",
        ] {
            let shown = masked(&format!("INVITE sip:a SIP/2.0\r\n\r\n{body}"));
            assert!(!shown.contains("SECRET") && shown.contains("******"), "{shown:?}");
        }
    }

    #[test]
    fn key_parameters_that_are_not_understood_are_struck_out_wholly() {
        let text = "INVITE sip:a SIP/2.0\r\n\r\na=crypto:1 SUITE hidden:KEY\r\n";
        assert_eq!(masked(text), "INVITE sip:a SIP/2.0\r\n\r\na=crypto:1 SUITE **********\r\n");
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "INVITE sip:a SIP/2.0\r\nSubject: a=crypto:1 S inline:x\r\n\r\n",
            "SIP/2.0 200 OK\r\n\r\nAuthorization: none\r\na=crypto:1 SUITE\r\n",
            "\r\n\r\n",
            "",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
