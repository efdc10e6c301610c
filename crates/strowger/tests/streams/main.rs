//! The built binary over TCP and TLS: calls in, calls on to a SIP agent, connections that die, and certificates.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

mod house;
mod lost;
mod secure;

use tempfile::TempDir;

use self::house::*;

#[test]
fn a_call_over_tcp_is_answered_on_its_connection_with_the_listeners_advertised_address() {
    let directory = TempDir::new().unwrap();
    Authority::new(directory.path()).write(directory.path());
    let daemon = Daemon::start(directory.path(), 9);
    let mut wire = Wire::new(tcp(daemon.tcp));
    call(&mut wire, "<sip:strowger@203.0.113.5:5060;transport=tcp>");
}
