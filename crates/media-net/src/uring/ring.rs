//! The ring itself, and the memory that it shares with the kernel: all of this crate's unsafe code, behind an interface that can't be
//! misused.
//!
//! Three kinds of memory are shared. The kernel reads the *template*, which says what a datagram is received with, and never changes. It
//! writes datagrams into *landing places*, each of which is either its own, offered by way of the ring of offers, or ours from the
//! completion that names it until it is offered again: a [`Landed`] is that ownership, and can't be copied. It reads *departures*, each of
//! which is ours while its number stands in `free`, and the kernel's from `send` to its completion.
//!
//! All three are freed after the kernel has confirmed that no request is left that could touch them, and else never.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use io_uring::squeue::Entry;
use io_uring::types::{BufRingEntry, CancelBuilder, Fd, RecvMsgOut, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode};
use socket2::SockAddr;

use super::source;
use crate::sockets::{LARGEST_DATAGRAM, LARGEST_PACKET};

pub(super) struct Ring {
    uring: ManuallyDrop<IoUring>,
    shared: ManuallyDrop<Shared>,
}

/// What the kernel has access to.
struct Shared {
    template: Box<libc::msghdr>,
    offers: Pages,
    /// How many landing places were ever offered, modulo 2^16.
    offered: u16,
    landing: Pages,
    departures: Vec<NonNull<Departure>>,
    /// Departures that are ours.
    free: Vec<u16>,
}

/// A datagram on its way out.
struct Departure {
    to: SockAddr,
    bytes: [u8; LARGEST_PACKET],
}

/// A landing place that is ours, and has so many bytes in it.
#[derive(Debug)]
pub(super) struct Landed {
    number: u16,
    length: usize,
}

/// What the kernel tells.
#[derive(Debug)]
pub(super) enum Completion {
    /// Of the request with this token: a datagram, an end, or both.
    Heard { token: u64, landed: Option<Landed>, end: Option<End> },
    /// A datagram has left, or was not taken.
    Sent(Result<(), io::Error>),
}

/// Why a request that goes on of itself goes on no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// There was no landing place.
    NoRoom,
    /// As was asked for.
    Cancelled,
    /// For any other reason, by its number: 0 is none at all.
    Error(i32),
}

/// No room for another request, or another datagram to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Full;

impl Ring {
    /// For the calling thread alone.
    pub(super) fn new() -> io::Result<Self> {
        let uring = IoUring::builder()
            .setup_cqsize(COMPLETIONS)
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .build(SUBMISSIONS)?;
        let mut ring = Self { uring: ManuallyDrop::new(uring), shared: ManuallyDrop::new(Shared::new()) };
        let offers = ring.shared.offers.base.as_ptr().addr() as u64;
        // SAFETY: `offers` is page-aligned, has room for so many entries, and is freed after the ring is closed, or never.
        unsafe { ring.uring.submitter().register_buf_ring_with_flags(offers, LANDINGS, GROUP, 0) }?;
        for number in 0..LANDINGS {
            ring.shared.offer(number);
        }
        Ok(ring)
    }

    /// Receives all datagrams of a socket, until an end is told. The token is below 2^63.
    pub(super) fn hear(&mut self, socket: BorrowedFd<'_>, token: u64) -> Result<(), Full> {
        let template: *const libc::msghdr = &raw const *self.shared.template;
        let hear = opcode::RecvMsgMulti::new(Fd(socket.as_raw_fd()), template, GROUP);
        // SAFETY: the template lives as long as any request.
        unsafe { self.push(&hear.build().user_data(token)) }
    }

    /// Tells of each time that a descriptor becomes readable, until an end is told. The token is below 2^63.
    pub(super) fn watch(&mut self, file: BorrowedFd<'_>, token: u64) -> Result<(), Full> {
        let watch = opcode::PollAdd::new(Fd(file.as_raw_fd()), POLLIN).multi(true);
        // SAFETY: the request has no pointer.
        unsafe { self.push(&watch.build().user_data(token)) }
    }

    /// Asks for the end of the request with this token, which is told.
    pub(super) fn cancel(&mut self, token: u64) -> Result<(), Full> {
        let cancel = opcode::AsyncCancel::new(token).build().user_data(NOTHING);
        // SAFETY: the request has no pointer.
        unsafe { self.push(&cancel) }
    }

    /// Sends a copy of `packet`, at the next submission.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>, to: SocketAddr, packet: &[u8]) -> Result<(), Full> {
        if packet.len() > LARGEST_PACKET {
            return Err(Full);
        }
        let number = self.shared.free.pop().ok_or(Full)?;
        let departure = self.shared.departures[usize::from(number)].as_ptr();
        // SAFETY: its number was free: no request uses it, and it is reached by this pointer alone.
        let departure = unsafe { &mut *departure };
        departure.to = to.into();
        departure.bytes[..packet.len()].copy_from_slice(packet);
        let length = u32::try_from(packet.len()).unwrap_or(0);
        let send = opcode::Send::new(Fd(socket.as_raw_fd()), departure.bytes.as_ptr(), length)
            .flags(libc::MSG_DONTWAIT)
            .dest_addr(departure.to.as_ptr().cast())
            .dest_addr_len(departure.to.len())
            .build()
            .user_data(DEPARTURE | u64::from(number));
        // SAFETY: what it points to stays where it is, and is not touched before its completion.
        if unsafe { self.push(&send) }.is_err() {
            self.shared.free.push(number);
            return Err(Full);
        }
        Ok(())
    }

    /// Whether the kernel has every request: one that it had no memory for is handed over again by the next wait.
    pub(super) fn has_handed_over_all(&mut self) -> bool {
        self.uring.submission().is_empty()
    }

    /// Hands over all requests, and waits until there is a completion or `limit` has passed, letting several gather for as long as `gather`
    /// says, which is no longer than `limit`.
    pub(super) fn wait(&mut self, limit: Option<Duration>, gather: Duration) -> io::Result<()> {
        let waited = if limit == Some(Duration::ZERO) {
            self.uring.submit()
        } else {
            let limit = Timespec::from(limit.unwrap_or(LONGEST));
            let arguments = SubmitArgs::new().timespec(&limit);
            if gather == Duration::ZERO {
                self.uring.submitter().submit_with_args(1, &arguments)
            } else if self.uring.params().is_feature_min_timeout() {
                let arguments = arguments.min_wait_usec(u32::try_from(gather.as_micros()).unwrap_or(0));
                self.uring.submitter().submit_with_args(ENOUGH, &arguments)
            } else {
                self.uring.submit()?;
                std::thread::sleep(gather);
                self.uring.submitter().submit_with_args(1, &arguments)
            }
        };
        match waited {
            Ok(_) => Ok(()),
            Err(error) if passes(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The next thing that the kernel has told.
    pub(super) fn next(&mut self) -> Option<Completion> {
        loop {
            let entry = self.uring.completion().next()?;
            match entry.user_data() {
                NOTHING => {}
                sent if sent & DEPARTURE != 0 => {
                    // Written by `send`, whose numbers are of 16 bits.
                    let number = u16::try_from(sent & !DEPARTURE).unwrap_or(0);
                    self.shared.free.push(number);
                    let result = entry.result();
                    return Some(Completion::Sent(if result < 0 {
                        Err(io::Error::from_raw_os_error(-result))
                    } else {
                        Ok(())
                    }));
                }
                token => return Some(heard(token, &entry)),
            }
        }
    }

    /// Hands what is in a landing place to `read`: where it came from and its bytes, or `None` if it was longer than
    /// `LARGEST_DATAGRAM`. The place is then the kernel's again.
    #[expect(clippy::needless_pass_by_value, reason = "it is given back once")]
    pub(super) fn read<T>(
        &mut self,
        landed: Landed,
        read: impl FnOnce(Option<(SocketAddr, &[u8])>) -> T,
    ) -> T {
        let Landed { number, length } = landed;
        let place = self.shared.landing(number);
        // SAFETY: the place is within `landing`, and ours as long as there is a `Landed` of it; the kernel has written it up to this length,
        // and the rest is zero or of a datagram before.
        let bytes = unsafe { std::slice::from_raw_parts(place, length.min(LANDING)) };
        let out = RecvMsgOut::parse(bytes, &self.shared.template).ok();
        let whole = out.as_ref().filter(|out| !out.is_payload_truncated());
        let result = read(whole.and_then(|out| Some((source::read(out.name_data())?, out.payload_data()))));
        self.shared.offer(number);
        result
    }

    /// Gives a landing place back unread.
    #[expect(clippy::needless_pass_by_value, reason = "it is given back once")]
    pub(super) fn discard(&mut self, landed: Landed) {
        let Landed { number, length: _ } = landed;
        self.shared.offer(number);
    }

    /// # Safety
    /// What the entry points to is valid until its last completion.
    unsafe fn push(&mut self, entry: &Entry) -> Result<(), Full> {
        // SAFETY: as above.
        if unsafe { self.uring.submission().push(entry) }.is_ok() {
            return Ok(());
        }
        // Where that fails there is still no room, and the next wait says why.
        self.uring.submit().ok();
        // SAFETY: as above.
        unsafe { self.uring.submission().push(entry) }.map_err(|_| Full)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // What was never handed over is forgotten with the ring.
        let cancelled =
            self.uring.submitter().register_sync_cancel(Some(LAST_WAIT.into()), CancelBuilder::any());
        let over = match cancelled {
            Ok(()) => true,
            Err(error) => error.raw_os_error() == Some(libc::ENOENT),
        };
        // SAFETY: it is not used again.
        unsafe { ManuallyDrop::drop(&mut self.uring) };
        if over {
            // SAFETY: it is not used again, and the kernel has no request left that could.
            unsafe { ManuallyDrop::drop(&mut self.shared) };
        }
    }
}

impl Shared {
    fn new() -> Self {
        // SAFETY: a `msghdr` of zeros is valid: null pointers and no lengths.
        let mut template: Box<libc::msghdr> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        template.msg_namelen = source::LENGTH;
        let departures = (0..DEPARTURES)
            .map(|_| {
                let to = SocketAddr::from(([0, 0, 0, 0], 0)).into();
                let departure = Box::new(Departure { to, bytes: [0; LARGEST_PACKET] });
                NonNull::from(Box::leak(departure))
            })
            .collect();
        Self {
            template,
            offers: Pages::new(usize::from(LANDINGS) * size_of::<BufRingEntry>()),
            offered: 0,
            landing: Pages::new(usize::from(LANDINGS) * LANDING),
            departures,
            free: (0..DEPARTURES).collect(),
        }
    }

    fn landing(&self, number: u16) -> *mut u8 {
        // SAFETY: numbers are below `LANDINGS`, so many of which are allocated.
        unsafe { self.landing.base.add(usize::from(number % LANDINGS) * LANDING) }.as_ptr()
    }

    /// Lets the kernel have a landing place that is ours.
    fn offer(&mut self, number: u16) {
        let base = self.offers.base.cast::<BufRingEntry>().as_ptr();
        // SAFETY: the place is below `LANDINGS`, for so many of which there is room, zeroed, which is valid for them.
        let entry = unsafe { base.add(usize::from(self.offered % LANDINGS)) };
        // SAFETY: the kernel does not read this entry before the tail is beyond it, and never writes it: there are no more landing places
        // than entries, so what this entry offered before has been taken.
        let entry = unsafe { &mut *entry };
        entry.set_addr(self.landing(number).addr() as u64);
        entry.set_len(u32::try_from(LANDING).unwrap_or(0));
        entry.set_bid(number);
        self.offered = self.offered.wrapping_add(1);
        // SAFETY: `base` is that of a valid ring of offers.
        let tail = unsafe { BufRingEntry::tail(base) }.cast_mut();
        // SAFETY: the tail is aligned, lives as long as `self`, and is only read by the kernel, as an atomic.
        let tail = unsafe { AtomicU16::from_ptr(tail) };
        tail.store(self.offered, Ordering::Release);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for departure in self.departures.drain(..) {
            // SAFETY: it comes from `Box::leak`, and is freed once.
            drop(unsafe { Box::from_raw(departure.as_ptr()) });
        }
    }
}

/// Zeroed memory that begins at a page.
struct Pages {
    base: NonNull<u8>,
    layout: Layout,
}

impl Pages {
    fn new(size: usize) -> Self {
        let Ok(layout) = Layout::from_size_align(size.max(1), PAGE) else { unreachable!("a constant size") };
        // SAFETY: the size is not zero.
        let base = unsafe { alloc_zeroed(layout) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(layout) };
        Self { base, layout }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and freed once.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

/// Whether the next try may succeed: time is up; a signal; what is told already is to be taken first; no memory for a request at the moment.
fn passes(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN))
}

/// What a completion says of a request that goes on of itself.
fn heard(token: u64, entry: &cqueue::Entry) -> Completion {
    let landed = usize::try_from(entry.result()).ok().and_then(|length| {
        let number = cqueue::buffer_select(entry.flags())?;
        Some(Landed { number, length })
    });
    let end = (!cqueue::more(entry.flags())).then(|| match entry.result() {
        error if error == -libc::ENOBUFS => End::NoRoom,
        error if error == -libc::ECANCELED => End::Cancelled,
        error => End::Error(error.min(0).saturating_neg()),
    });
    Completion::Heard { token, landed, end }
}

/// Requests that are handed over at once; more are handed over in parts.
const SUBMISSIONS: u32 = 512;
/// What the kernel may tell before it is listened to; it keeps what is more, and tells it later.
const COMPLETIONS: u32 = 4_096;
/// A power of two.
const LANDINGS: u16 = 1_024;
/// Bytes of a landing place: a datagram, and what the kernel writes before it.
const LANDING: usize = 2_048;
const DEPARTURES: u16 = 256;
/// Of landing places.
const GROUP: u16 = 0;
const PAGE: usize = 4_096;
const POLLIN: u32 = 1;
/// Tokens of ours have this bit; beside it stands the number of the departure.
const DEPARTURE: u64 = 1 << 63;
/// Of requests whose completion tells nothing.
const NOTHING: u64 = u64::MAX;
/// So many completions are not added to.
const ENOUGH: usize = 256;
/// Of a wait without a limit; whoever waits looks again.
const LONGEST: Duration = Duration::from_hours(1);
/// How long requests may take to be cancelled.
const LAST_WAIT: Duration = Duration::from_secs(1);

const _: () =
    assert!(LARGEST_DATAGRAM + 16 + source::LENGTH as usize <= LANDING && LANDINGS.is_power_of_two());
