//! The floor: what a relay of UDP costs at least on sockets and epoll. Two sockets a call, a datagram in, the same datagram out; it
//! decides nothing, checks nothing and rewrites nothing.
//!
//! `media-floor CALLS FIRST CALLER CALLEE READY`: call N has the ports FIRST + 2N, from which it sends to CALLER, and the one after, from
//! which it sends to CALLEE; what comes in at one leaves from the other. It binds READY once it listens.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [calls, first, one, other, ready] = arguments.as_slice() else {
        return Err("media-floor CALLS FIRST CALLER CALLEE READY".into());
    };
    let (calls, first): (u16, u16) = (calls.parse()?, first.parse()?);
    let to: [SocketAddrV4; 2] = [one.parse()?, other.parse()?];
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    let mut sockets = Vec::new();
    for index in 0..calls.checked_mul(2).ok_or("too many calls")? {
        let port = first.checked_add(index).ok_or("no ports left")?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nonblocking(true)?;
        epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, u64::from(index)))?;
        sockets.push(socket);
    }
    let _ready = UdpSocket::bind(ready.parse::<SocketAddrV4>()?)?;
    let mut events = vec![EpollEvent::empty(); 1_024];
    let mut buffer = [0; 2_048];
    loop {
        let count = epoll.wait(&mut events, EpollTimeout::NONE)?;
        for event in &events[..count] {
            let index = usize::try_from(event.data())?;
            if let Ok((length, _)) = sockets[index].recv_from(&mut buffer) {
                let leaving = index ^ 1;
                // What the system does not take is lost.
                sockets[leaving].send_to(&buffer[..length], to[leaving % 2]).ok();
            }
        }
    }
}
