//! The SIPp suite: scenarios of `tests/sipp`, played against the built binary over UDP, TCP and TLS.
//!
//! A scenario is an XML file named after the behaviour that it shows, and a line in a table: `one_leg` has those in which a caller
//! calls an agent that is built in, or a stream; `two_legs` those in which SIPp also plays the SIP agent, with a second file. `slow`
//! has those that wait for a timer, over all transports at once. Each is a test by the name of its file, once for each transport:
//! `one_leg::tls::a_call_is_hung_up_by_the_caller`. Beyond what SIPp checks, the call records must be those of the line, and the daemon
//! must end without a call.
//!
//! Debian's SIPp speaks no TLS, so over TLS `stunnel4` stands between SIPp and the daemon, in both directions: OpenSSL on the other
//! side of the wire, certificates checked both ways. The scenarios say TLS and the tunnel's port in Via and Contact. SIPp can't split or
//! join messages on a stream either: `framing` has a client of its own for that.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod suite;
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod support;
mod tunnel;
