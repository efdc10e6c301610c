//! The Host header: this machine's loopback, by number or as `localhost`.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, header};

use crate::problem::Problem;

/// Refuses a request that was meant for another host, as that of a web page is whose name was made to point here.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_loopback(host) {
        return Ok(());
    }
    let detail = "call it by a loopback address or as localhost: nobody else is answered";
    Err(Problem::new(StatusCode::FORBIDDEN, "host-refused", "Not for this host", detail).of("Host"))
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(address, _)| address),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_host() {
        for host in ["127.0.0.1:8080", "127.0.0.1", "[::1]:8080", "[::1]", "localhost:1", "LocalHost"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "evil.example:8080", "127.0.0.1.evil.example", "192.0.2.1:8080", "[2001:db8::1]", "["]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
