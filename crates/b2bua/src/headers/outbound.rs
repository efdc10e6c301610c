//! What a gateway is told: who calls whom, as its trunk wants it written.

use std::net::Ipv6Addr;

use numbers::{Identity, Outbound, Permit};
use sip::endpoint::Header;

use super::{ANONYMOUS_FROM, displayed};
use crate::call::Brief;
use crate::parties::Privacy;

/// From and To, without tags, and the headers beside those that the endpoint sets.
#[derive(Debug)]
pub(crate) struct Dress {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) headers: Vec<Header>,
}

/// The INVITE to the gateway of that host. The calling number is the permit's, whatever the INVITE that asks for the call says.
///
/// A number that is withheld is still asserted, for the gateway has to know whose call it is, with the wish that it goes no further
/// (RFC 3325 s.7).
pub(crate) fn for_trunk(brief: &Brief, permit: &Permit, host: &str) -> Dress {
    let default = Outbound::default();
    let outbound = permit.trunk().outbound.as_ref().unwrap_or(&default);
    let phone = user_phone(outbound);
    let domain = outbound.from_domain.as_deref().map_or_else(|| host.to_owned(), in_uri);
    let number = escaped(&outbound.shown(permit.number().e164));
    let name = displayed(brief.shown_name.as_deref());
    let user = outbound.from_user.as_deref();
    let user = match outbound.identity {
        Identity::From | Identity::Both => user,
        Identity::PAssertedIdentity => user.or(outbound.username.as_deref()),
    };
    let user = user.map_or_else(|| number.clone(), escaped);
    let from = match brief.privacy {
        Privacy::Open => format!("{name}<sip:{user}@{domain}{phone}>"),
        Privacy::Withheld => ANONYMOUS_FROM.to_owned(),
    };
    let mut headers = Vec::new();
    let asserted = || Header::new("P-Asserted-Identity", format!("{name}<sip:{number}@{domain}{phone}>"));
    match (brief.privacy, outbound.identity) {
        (Privacy::Withheld, _) => headers.extend([asserted(), Header::new("Privacy", "id")]),
        (Privacy::Open, Identity::Both | Identity::PAssertedIdentity) => headers.push(asserted()),
        (Privacy::Open, Identity::From) => {}
    }
    let called = called(permit, outbound);
    headers.extend(brief.redirected.headers(numbers::Redirections::AsReceived, &called, &domain));
    let own = outbound.headers.iter();
    headers.extend(own.filter_map(|(name, value)| Header::foreign(name, value.reveal())));
    Dress { from, to: format!("<sip:{called}@{host}{phone}>"), headers }
}

/// The called number, as the user of a URI.
pub(crate) fn called(permit: &Permit, outbound: &Outbound) -> String {
    escaped(&outbound.dialled(permit.to()))
}

/// The parameter of a URI that says that its user is a number.
pub(crate) fn user_phone(outbound: &Outbound) -> &'static str {
    if outbound.user_phone { ";user=phone" } else { "" }
}

/// A host as a URI has it: an IPv6 address in brackets.
pub(crate) fn in_uri(host: &str) -> String {
    if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() }
}

/// As the user of a URI may be written (RFC 3261 s.25.1): a prefix may have a `#`.
fn escaped(user: &str) -> String {
    let mut text = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    text
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase()
}
