//! What may be wrong with headers: those that we add to a request of ours, and those of a caller that an agent is to see.

use std::collections::BTreeMap;

use super::Faults;
use crate::inventory::passed::{PASSABLE, is_pattern};
use crate::inventory::trunk::is_token;
use crate::{Agent, Endpoint, Secret};

/// Headers that we add to a request of ours.
pub(super) fn check_headers(
    path: &str,
    headers: &BTreeMap<String, Secret>,
    reserved: &[&str],
    faults: &mut Faults,
) {
    for (name, value) in headers {
        let path = format!("{path}.{name}");
        if !is_token(name) {
            faults.add(path.clone(), "this is no header name", "use letters, digits and `-`");
        }
        if reserved.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            faults.add(path.clone(), "this header is ours to set", "remove it");
        }
        if value.reveal().chars().any(|char| char.is_control() && char != '\t') {
            faults.add(path, "the value holds a line end or control character", "write it on one line");
        }
    }
}

/// The same of an INVITE, which has to stay of a size that fits a datagram.
pub(super) fn check_sip(path: &str, headers: &BTreeMap<String, Secret>, faults: &mut Faults) {
    check_headers(path, headers, &SIP_HEADERS, faults);
    if headers.len() > MAX_HEADERS {
        let message = format!("{} headers, more than {MAX_HEADERS}", headers.len());
        faults.add(path, message, "put what they say into fewer");
    }
    for (name, value) in headers {
        let path = format!("{path}.{name}");
        if name.len() == 1 {
            faults.add(path.clone(), "one letter is the short form of another header", "write its full name");
        }
        if name.len() > MAX_NAME || value.reveal().len() > MAX_VALUE {
            let message = format!("a name is at most {MAX_NAME} octets long, a value {MAX_VALUE}");
            faults.add(path, message, "shorten it");
        }
    }
}

/// The headers of a caller that an agent is to see.
pub(super) fn check_passed(path: &str, agent: &Agent, faults: &mut Faults) {
    let path = format!("{path}.pass_headers");
    match agent.endpoint {
        Endpoint::Echo if !agent.pass_headers.is_empty() => {
            faults.add(path.clone(), "the echo agent sees no headers", "remove it");
        }
        Endpoint::Echo | Endpoint::MediaStream { .. } | Endpoint::Sip { .. } => {}
    }
    if agent.pass_headers.len() > MAX_HEADERS {
        let message = format!("{} entries, more than {MAX_HEADERS}", agent.pass_headers.len());
        faults.add(path.clone(), message, "cover several by a prefix, like X-Acme-*");
    }
    for (index, pattern) in agent.pass_headers.iter().enumerate() {
        if !is_pattern(pattern) {
            let message = format!("`{}` is not to be passed", pattern.escape_debug());
            let remedy = format!(
                "list names or prefixes of private headers, like X-Account or X-Acme-*, or {}",
                PASSABLE.join(", ")
            );
            faults.add(format!("{path}[{index}]"), message, remedy);
        }
    }
}

const MAX_HEADERS: usize = 32;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 512;

/// Headers that make the request what it is, or that each call sets itself.
const SIP_HEADERS: [&str; 58] = [
    "Accept",
    "Accept-Encoding",
    "Allow",
    "Allow-Events",
    "Authentication-Info",
    "Authorization",
    "Call-ID",
    "Contact",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "CSeq",
    "Date",
    "Diversion",
    "Event",
    "Expires",
    "Flow-Timer",
    "From",
    "History-Info",
    "Identity",
    "Info-Package",
    "Join",
    "Max-Forwards",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "P-Asserted-Identity",
    "P-Called-Party-ID",
    "Path",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "Reason",
    "Record-Route",
    "Recv-Info",
    "Refer-To",
    "Referred-By",
    "Replaces",
    "Require",
    "Retry-After",
    "Route",
    "RSeq",
    "Security-Client",
    "Security-Server",
    "Security-Verify",
    "Server",
    "Service-Route",
    "Session-Expires",
    "Supported",
    "Target-Dialog",
    "Timestamp",
    "To",
    "Unsupported",
    "User-Agent",
    "Via",
    "WWW-Authenticate",
];
