//! Ports for tests.

use std::net::{IpAddr, UdpSocket};

/// What `take` makes of an even port that was free a moment ago, as the one after it may be.
pub(crate) fn pair<T>(address: IpAddr, mut take: impl FnMut(u16) -> Option<T>) -> T {
    for _ in 0..100 {
        let port = UdpSocket::bind((address, 0)).unwrap().local_addr().unwrap().port() & !1;
        if let Some(taken) = take(port) {
            return taken;
        }
    }
    panic!("no free port pair")
}
