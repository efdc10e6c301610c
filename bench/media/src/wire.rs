//! One UDP socket for all calls of a side: many datagrams a system call, and the kernel's own time of arrival.

use std::io::{IoSlice, IoSliceMut};
use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBufForce, ReceiveTimestampns};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, setsockopt,
};
use nix::sys::time::TimeSpec;

/// Datagrams in one system call.
pub(crate) const BATCH: usize = 32;
/// Room for a datagram: an encrypted packet, and what is too long is seen to be.
const ROOM: usize = 256;
/// Of the system's buffer for what is not yet read: seconds of the largest load.
const BUFFER: usize = 64 << 20;

/// A socket.
pub(crate) struct Wire {
    socket: UdpSocket,
    sending: MultiHeaders<SockaddrIn>,
    receiving: MultiHeaders<SockaddrIn>,
    buffer: Box<[u8]>,
}

/// A datagram that came.
pub(crate) struct Arrival<'a> {
    pub(crate) bytes: &'a [u8],
    /// The port that it was sent from.
    pub(crate) port: u16,
    /// When the kernel had it: nanoseconds since 1970.
    pub(crate) at: u64,
}

/// Datagrams to be sent together.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<[u8; ROOM]>,
    lengths: Vec<usize>,
    to: Vec<Option<SockaddrIn>>,
}

impl Batch {
    pub(crate) fn push(&mut self, to: SocketAddrV4, datagram: &[u8]) {
        let mut bytes = [0; ROOM];
        bytes[..datagram.len()].copy_from_slice(datagram);
        self.bytes.push(bytes);
        self.lengths.push(datagram.len());
        self.to.push(Some(to.into()));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.to.len() >= BATCH
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.lengths.clear();
        self.to.clear();
    }
}

impl Wire {
    /// At that address, or at that address and a port of the system's choice.
    pub(crate) fn bind(address: SocketAddrV4) -> std::io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, RcvBufForce, &BUFFER)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        Ok(Self {
            socket,
            sending: MultiHeaders::preallocate(BATCH, None),
            receiving: MultiHeaders::preallocate(BATCH, Some(nix::cmsg_space!(TimeSpec))),
            buffer: vec![0; ROOM * BATCH].into_boxed_slice(),
        })
    }

    /// Sends all of it and leaves the batch empty.
    pub(crate) fn send(&mut self, batch: &mut Batch) -> nix::Result<()> {
        let mut sent = 0;
        while sent < batch.to.len() {
            let slices: Vec<[IoSlice<'_>; 1]> = batch.bytes[sent..]
                .iter()
                .zip(&batch.lengths[sent..])
                .map(|(bytes, length)| [IoSlice::new(&bytes[..*length])])
                .collect();
            let none: &[ControlMessage<'_>] = &[];
            let result = sendmmsg(
                self.socket.as_raw_fd(),
                &mut self.sending,
                &slices,
                &batch.to[sent..],
                none,
                MsgFlags::MSG_DONTWAIT,
            );
            match result {
                Ok(results) => sent += results.count(),
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(error) => return Err(error),
            }
        }
        batch.clear();
        Ok(())
    }

    /// Hands over what there is, up to a batch; says how much it was.
    pub(crate) fn receive(&mut self, mut take: impl FnMut(Arrival<'_>)) -> nix::Result<usize> {
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            self.buffer.chunks_mut(ROOM).map(|room| [IoSliceMut::new(room)]).collect();
        let received =
            recvmmsg(self.socket.as_raw_fd(), &mut self.receiving, &mut slices, MsgFlags::MSG_DONTWAIT, None);
        let received = match received {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut count = 0;
        for message in received {
            count += 1;
            let stamped = message.cmsgs()?.find_map(|control| {
                if let ControlMessageOwned::ScmTimestampns(at) = control { Some(at) } else { None }
            });
            let (Some(from), Some(at)) = (message.address, stamped) else { continue };
            if let Some(bytes) = message.iovs().next() {
                take(Arrival { bytes, port: from.port(), at: nanoseconds(at.into()) });
            }
        }
        Ok(count)
    }
}

/// As `u64`, which has room until the year 2554.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
