//! One `a=crypto` line (RFC 4568 s.4, s.6, s.9.2).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Key, Mki, Suite};

/// A line that we can take: a suite of ours with one key, and nothing asked for that we don't do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Crypto {
    pub(crate) tag: u32,
    pub(crate) suite: Suite,
    /// The suite's name as it is spelled.
    pub(crate) name: &'static str,
    pub(crate) key: Key,
    pub(crate) mki: Option<Mki>,
}

impl Crypto {
    /// `<tag> <suite> <key parameters> [<session parameters>]`. What is malformed, or more than we do, is `None`: the line is passed over,
    /// and not the offer (RFC 4568 s.5.1.2).
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| is_number(tag) && tag.len() <= TAG_DIGITS)?.parse().ok()?;
        let (suite, name) = Suite::named(words.next()?)?;
        let (key, mki) = inline(words.next()?, suite)?;
        words.all(is_done).then_some(Self { tag, suite, name, key, mki })
    }
}

/// An `a=crypto` line of ours.
pub(super) fn printed(tag: u32, name: &str, key: &Key) -> String {
    format!("a=crypto:{tag} {name} inline:{}", BASE64.encode(key.bytes()))
}

/// `inline:<key and salt>[|<lifetime>][|<mki>:<length>]`. Of several keys, any may come with any packet: they are more than we do.
fn inline(parameters: &str, suite: Suite) -> Option<(Key, Option<Mki>)> {
    let (method, info) = parameters.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") {
        return None;
    }
    let info = info.strip_suffix(';').unwrap_or(info);
    let mut parts = info.split('|');
    let key = Key::new(suite, &BASE64.decode(parts.next()?).ok()?)?;
    let mut next = parts.next();
    // How long a key may be used is for who sends with it to heed, and that is not us.
    if let Some(lifetime) = next.filter(|part| !part.contains(':')) {
        next = is_lifetime(lifetime).then(|| parts.next())?;
    }
    let mki = match next {
        Some(part) => Some(identifier(part)?),
        None => None,
    };
    parts.next().is_none().then_some((key, mki))
}

/// `<mki>:<length>`.
fn identifier(part: &str) -> Option<Mki> {
    let (number, length) = part.split_once(':')?;
    if !is_number(number) || !is_number(length) {
        return None;
    }
    Mki::new(number.parse().ok()?, length.parse().ok()?)
}

/// A number of packets, 2^48 at the most (RFC 3711 s.9.2).
fn is_lifetime(part: &str) -> bool {
    let (number, most) = match part.strip_prefix("2^") {
        Some(power) => (power, 48),
        None => (part, 1 << 48),
    };
    is_number(number) && number.parse::<u64>().is_ok_and(|number| (1..=most).contains(&number))
}

/// Whether a session parameter (RFC 4568 s.6.3) asks for nothing that we don't do: no key derivation after the first, packets in clear
/// or without authentication, error correction, or what nobody here has heard of. One that begins with `-` need not be understood.
fn is_done(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    match name.to_ascii_uppercase().as_str() {
        // 0 is no rate, but written.
        "KDR" => value == "0",
        // Our own window is as large as it is.
        "WSH" => is_number(value),
        other => other.starts_with('-'),
    }
}

/// Decimal digits alone: no sign, which `parse` would let pass.
fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// RFC 4568 s.9.2.
const TAG_DIGITS: usize = 9;

/// Padding is written, for most do; with or without, and with whatever in the bits that are no byte, it is read.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 bytes, as in RFC 4568 s.6.1.
    const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

    fn parsed(rest: &str) -> Option<Crypto> {
        Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{rest}"))
    }

    #[test]
    fn tag_suite_and_key_are_read() {
        let crypto = parsed("").unwrap();
        assert_eq!((crypto.tag, crypto.suite, crypto.mki), (1, Suite::AesCm128HmacSha1Tag80, None));
        assert_eq!(crypto.key.bytes(), b"wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#");
    }

    #[test]
    fn lifetime_and_identifier_are_tolerated_each_without_the_other() {
        for (rest, mki) in [
            ("|2^20", None),
            ("|1048576|1:4", Some(&[0, 0, 0, 1][..])),
            ("|2^48|1:1", Some(&[1][..])),
            ("|1066:4", Some(&[0, 0, 4, 42][..])),
            ("|2^20|1:32", None),
            (";", None),
        ] {
            let Some(crypto) = parsed(rest) else {
                assert_eq!(
                    rest, "|2^20|1:32",
                    "an identifier of 32 bytes is too long, and nothing else is wrong"
                );
                continue;
            };
            assert_eq!(crypto.mki.as_ref().map(Mki::bytes), mki, "{rest}");
        }
    }

    #[test]
    fn what_is_malformed_is_no_line() {
        for rest in [
            "|",
            "|0",
            "|2^0",
            "|2^49",
            "|281474976710657",
            "|+5",
            "|x",
            "|2^20|",
            "|1:0",
            "|1:",
            "|:1",
            "|256:1",
            "|1:17",
            "|-1:4",
            "|2^20|1:4|1",
            "|1:4|2^20",
            "A",
            "====",
            "*",
        ] {
            assert_eq!(parsed(rest), None, "{rest}");
        }
        for line in [
            String::new(),
            "1".to_owned(),
            "1 AES_CM_128_HMAC_SHA1_80".to_owned(),
            format!("x AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("-1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("+1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1234567890 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 uri:{KEY}"),
            "1 AES_CM_128_HMAC_SHA1_80 inline:".to_owned(),
        ] {
            assert_eq!(Crypto::parse(&line), None, "{line}");
        }
    }

    #[test]
    fn a_key_has_the_length_of_its_suite() {
        for suite in Suite::ALL {
            let (key, salt) = suite.lengths();
            for length in [key + salt - 1, key + salt, key + salt + 1, 0, 30, 46] {
                let bytes: Vec<u8> = (0..).take(length).collect();
                let line = format!("7 {} inline:{}", suite.name(), BASE64.encode(&bytes));
                let read = Crypto::parse(&line).map(|crypto| crypto.key.bytes().to_vec());
                assert_eq!(read, (length == key + salt).then_some(bytes), "{line}");
            }
        }
    }

    #[test]
    fn padding_may_be_left_out() {
        let bytes: Vec<u8> = (0..46).collect();
        let padded = BASE64.encode(&bytes);
        assert!(padded.ends_with("=="));
        for key in [padded.as_str(), padded.trim_end_matches('=')] {
            let line = format!("1 AES_256_CM_HMAC_SHA1_80 inline:{key}|2^31");
            assert_eq!(Crypto::parse(&line).unwrap().key.bytes(), bytes);
        }
    }

    #[test]
    fn a_suite_is_known_by_both_of_its_names_in_any_case_and_keeps_its_spelling() {
        let key = BASE64.encode([5; 46]);
        for (name, spelled) in [
            ("AES_256_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"),
            ("AES_CM_256_HMAC_SHA1_80", "AES_CM_256_HMAC_SHA1_80"),
            ("aes_cm_256_hmac_sha1_80", "AES_CM_256_HMAC_SHA1_80"),
        ] {
            let crypto = Crypto::parse(&format!("1 {name} inline:{key}")).unwrap();
            assert_eq!((crypto.suite, crypto.name), (Suite::AesCm256HmacSha1Tag80, spelled));
        }
    }

    #[test]
    fn a_session_parameter_that_we_do_not_do_makes_the_line_unusable() {
        for fine in ["KDR=0", "WSH=64", "wsh=128", "-UNHEARD_OF", "-X=1 WSH=64"] {
            assert!(parsed(&format!(" {fine}")).is_some(), "{fine}");
        }
        for refused in [
            "KDR=1",
            "KDR",
            "UNENCRYPTED_SRTP",
            "UNENCRYPTED_SRTCP",
            "UNAUTHENTICATED_SRTP",
            "FEC_ORDER=FEC_SRTP",
            "FEC_KEY=inline:AAAA",
            "WSH=64 UNENCRYPTED_SRTCP",
            "WSH=",
            "dummy_session_params",
        ] {
            assert_eq!(parsed(&format!(" {refused}")), None, "{refused}");
        }
    }

    #[test]
    fn of_several_keys_none_is_taken() {
        assert_eq!(parsed(&format!("|2^20|1:4;inline:{KEY}|2^20|2:4")), None);
    }

    #[test]
    fn no_key_is_shown() {
        let shown = format!("{:?}", parsed("").unwrap());
        assert!(shown.contains("AesCm128") && !shown.contains("119") && !shown.contains(KEY), "{shown}");
    }
}
