//! The SIP domain identities of a certificate (RFC 5922 s.7.1), and whether the one called is among them (s.7.2).
//!
//! Where we leave the RFC's words: a DNS name may begin with `*.` for one label (RFC 6125), for carriers have such
//! certificates; and who is called by an IP address is known by an iPAddress, as in HTTPS.

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, Error};
use webpki::EndEntityCert;

/// Whether the certificate is for `called`.
///
/// # Errors
/// With the names that it is for.
pub(super) fn check(certificate: &CertificateDer<'_>, called: &ServerName<'_>) -> Result<(), Error> {
    let certificate = EndEntityCert::try_from(certificate)
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let domains: Vec<&str> = certificate.valid_uri_names().filter_map(sip_domain).collect();
    let is_called = |name: &str| called.to_str().eq_ignore_ascii_case(name);
    let (sound, presented) = if domains.is_empty() {
        match certificate.verify_is_valid_for_subject_name(called) {
            Ok(()) => return Ok(()),
            Err(webpki::Error::CertNotValidForName(context)) if context.presented.is_empty() => {
                let common = common_name(certificate.subject());
                (common.is_some_and(is_called), common.map(str::to_owned).into_iter().collect())
            }
            Err(_) => (false, certificate.valid_dns_names().map(str::to_owned).collect()),
        }
    } else {
        (domains.iter().any(|domain| is_called(domain)), domains.into_iter().map(str::to_owned).collect())
    };
    if sound {
        return Ok(());
    }
    Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
        expected: called.to_owned(),
        presented,
    }))
}

/// The host of a `sip:` URI without a user.
fn sip_domain(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("sip") || rest.contains('@') {
        return None;
    }
    let host = rest.split([';', '?']).next().unwrap_or_default();
    // A port is no part of the identity.
    Some(host.split_once(':').map_or(host, |(host, _)| host))
}

/// The last commonName of a subject: a sequence of sets of sequences of type and value, without its own head.
fn common_name(mut subject: &[u8]) -> Option<&str> {
    let mut found = None;
    while let Some((SET, mut attributes)) = element(&mut subject) {
        while let Some((SEQUENCE, mut attribute)) = element(&mut attributes) {
            if element(&mut attribute) == Some((OBJECT_IDENTIFIER, COMMON_NAME))
                && let Some((UTF8_STRING | PRINTABLE_STRING, value)) = element(&mut attribute)
            {
                found = std::str::from_utf8(value).ok();
            }
        }
    }
    found
}

/// The tag and content of the first DER element, taken off.
fn element<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        0x82 => {
            let (length, rest) = rest.split_at_checked(2)?;
            (length.iter().fold(0, |sum, &octet| sum << 8 | usize::from(octet)), rest)
        }
        0x80 | 0x83..=0xff => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *input = rest;
    Some((tag, content))
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
/// 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    struct Names<'a> {
        uris: &'a [&'a str],
        dns: &'a [&'a str],
        common: &'a str,
    }

    fn takes(names: &Names<'_>, called: &str) -> bool {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "\u{6}\u{3}U\u{4}\u{3}\u{c}\u{b}org.example");
        params.distinguished_name.push(DnType::CommonName, names.common);
        let uris = names.uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap()));
        let dns = names.dns.iter().map(|name| SanType::DnsName((*name).try_into().unwrap()));
        params.subject_alt_names = uris.chain(dns).collect();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        check(certificate.der(), &ServerName::try_from(called.to_owned()).unwrap()).is_ok()
    }

    #[test]
    fn a_sip_uri_is_the_identity_and_dns_names_count_only_without_one() {
        let both = Names { uris: &["SIP:a.example"], dns: &["b.example"], common: "c.example" };
        assert!(takes(&both, "A.example"));
        assert!(!takes(&both, "b.example"));
        assert!(!takes(&both, "c.example"));
        let user = Names { uris: &["sip:bob@a.example", "https://a.example"], ..both };
        assert!(!takes(&user, "a.example"), "that is one user, and no SIP");
        assert!(takes(&user, "b.example"));
        assert!(!takes(&user, "sub.b.example"), "no suffix");
    }

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let wild = Names { uris: &[], dns: &["*.b.example"], common: "" };
        assert!(takes(&wild, "sip.b.example"));
        assert!(!takes(&wild, "b.example"));
        assert!(!takes(&wild, "x.sip.b.example"));
    }

    #[test]
    fn the_common_name_counts_only_without_other_names() {
        let bare = Names { uris: &[], dns: &[], common: "c.example" };
        assert!(takes(&bare, "c.example"));
        assert!(!takes(&bare, "org.example"), "what stands in another attribute is no common name");
        assert!(!takes(&Names { dns: &["d.example"], ..bare }, "c.example"));
    }
}
