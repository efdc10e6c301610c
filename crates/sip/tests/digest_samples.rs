//! The credentials in the call flows of the RFCs can be read.

#![expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]

mod support;

use std::net::IpAddr;
use std::time::Instant;

use sip::Message;
use sip::digest::{Gate, Rejected};

#[test]
fn the_credentials_of_the_rfcs_call_flows_are_read_and_answer_no_challenge_of_ours() {
    let Some(files) = support::folder("rfc_call_flows") else { return };
    let (mut checked, mut forgetful) = (0, 0);
    for (path, bytes) in files {
        let Ok(message) = Message::parse(support::mended(&bytes).into()) else { continue };
        let header = message.header("Authorization").or_else(|| message.header("Proxy-Authorization"));
        // RFC 3325 leaves all but the realm out of its samples.
        let whole = header.filter(|value| message.is_request() && value.starts_with("Digest"));
        let Some(value) = whole else { continue };
        let realm = value.split_once("realm=\"").and_then(|(_, rest)| rest.split_once('"')).unwrap().0;
        let source = IpAddr::from([192, 0, 2, 1]);
        let nobody = |name: &str| panic!("{path}: {name} is looked up");
        match Gate::new(realm, [1; 32]).check(Instant::now(), &message, source, nobody) {
            Err(Rejected::Stale) => checked += 1,
            // RFC 3665 forgets a comma before one nonce, and nc and cnonce of some.
            Err(Rejected::Malformed(
                "credentials without a nonce" | "credentials with a qop, but without nc",
            )) if path.starts_with("rfc3665") => forgetful += 1,
            other => panic!("{path}: {other:?}: {value}"),
        }
    }
    assert!(
        checked >= 15 && forgetful <= 2,
        "{checked} requests with credentials, {forgetful} that lack some"
    );
}
