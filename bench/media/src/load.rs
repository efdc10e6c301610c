//! The packets: each stream sends one every 20 ms, all of them evenly spread over the 20 ms.

use std::collections::HashMap;
use std::net::SocketAddrV4;
use std::time::{Duration, SystemTime};

use media::srtp::{Opener, Sealer, TRAILER};

use crate::calls::{Ends, Leg, Side};
use crate::payload::{self, Mark, PACKET};
use crate::seal::Keys;
use crate::tally::Tally;
use crate::wire::{BATCH, Batch, Wire, nanoseconds};

/// Nanoseconds between two packets of a stream.
const PERIOD: u64 = 20_000_000;

/// All streams of a run, on one thread.
pub(crate) struct Load {
    ends: Ends<End>,
    calls: usize,
    /// Packets sent so far, of all streams.
    position: u64,
    /// When the first was due: nanoseconds since 1970.
    start: u64,
    tick: Duration,
    pub(crate) tally: Tally,
}

/// One side.
struct End {
    wire: Wire,
    batch: Batch,
    streams: Vec<Stream>,
    /// Of what comes from a port of the system, if it is encrypted.
    openers: HashMap<u16, Opener>,
}

struct Stream {
    number: u32,
    to: SocketAddrV4,
    sequence: u32,
    sealer: Option<Sealer>,
}

impl End {
    fn new(wire: Wire, legs: &[Leg], first: u32) -> Self {
        let stream = |(leg, number): (&Leg, u32)| Stream {
            number,
            to: leg.rtp,
            sequence: 0,
            sealer: leg.keys.as_ref().map(|keys| keys.sealer(payload::ssrc(number))),
        };
        let streams = legs.iter().zip((first..).step_by(2)).map(stream).collect();
        let openers =
            legs.iter().filter_map(|leg| Some((leg.rtp.port(), leg.keys.as_ref().map(Keys::opener)?)));
        Self { wire, batch: Batch::default(), streams, openers: openers.collect() }
    }
}

impl Load {
    /// Streams over these legs; the thread looks every `tick` whether any is due.
    pub(crate) fn new(wires: Ends<Wire>, legs: &Ends<Vec<Leg>>, tick: Duration) -> Self {
        let calls = legs.caller.len().min(legs.callee.len());
        Self {
            ends: Ends {
                caller: End::new(wires.caller, &legs.caller, 0),
                callee: End::new(wires.callee, &legs.callee, 1),
            },
            calls,
            position: 0,
            start: now(),
            tick,
            tally: Tally::new(calls * 2),
        }
    }

    /// Sends and receives for so long.
    pub(crate) fn run(&mut self, length: Duration) -> nix::Result<()> {
        let end = now() + nanoseconds(length);
        loop {
            let at = now();
            if at >= end {
                return Ok(());
            }
            self.send_due(at)?;
            self.receive()?;
            std::thread::sleep(self.tick);
        }
    }

    /// What is on its way still.
    pub(crate) fn listen(&mut self, length: Duration) -> nix::Result<()> {
        let end = now() + nanoseconds(length);
        while now() < end {
            self.receive()?;
            std::thread::sleep(self.tick);
        }
        Ok(())
    }

    fn send_due(&mut self, at: u64) -> nix::Result<()> {
        let streams = u64::try_from(self.calls * 2).unwrap_or(u64::MAX);
        let mut stamp = at;
        loop {
            let due =
                self.start + self.position / streams * PERIOD + self.position % streams * PERIOD / streams;
            if due > at {
                break;
            }
            let (side, index) = self.turn(self.position % streams);
            self.position += 1;
            let end = self.ends.of_mut(side);
            let stream = &mut end.streams[index];
            let mark = Mark { stream: stream.number, sequence: stream.sequence, sent: stamp };
            stream.sequence += 1;
            let mut packet = [0; PACKET];
            payload::write(mark, &mut packet);
            match &mut stream.sealer {
                Some(sealer) => {
                    let mut room = [0; PACKET + TRAILER];
                    room[..PACKET].copy_from_slice(&packet);
                    // Numbers only rise, so there is nothing that it could refuse.
                    let length = sealer.rtp(&mut room, PACKET).unwrap_or_default();
                    end.batch.push(stream.to, &room[..length]);
                }
                None => end.batch.push(stream.to, &packet),
            }
            self.tally.sent(stamp, stamp.saturating_sub(due));
            if end.batch.is_full() {
                end.wire.send(&mut end.batch)?;
                stamp = now();
            }
        }
        for side in [Side::Caller, Side::Callee] {
            let end = self.ends.of_mut(side);
            end.wire.send(&mut end.batch)?;
        }
        Ok(())
    }

    /// Callers and callees take turns; both directions of a call are half a period apart.
    fn turn(&self, place: u64) -> (Side, usize) {
        let place = usize::try_from(place).unwrap_or_default();
        let call = place / 2;
        if place.is_multiple_of(2) {
            (Side::Caller, call)
        } else {
            (Side::Callee, (call + self.calls / 2) % self.calls)
        }
    }

    fn receive(&mut self) -> nix::Result<()> {
        for side in [Side::Caller, Side::Callee] {
            let End { wire, openers, .. } = self.ends.of_mut(side);
            // As long as there is more, but sending is not kept waiting.
            for _ in 0..TURNS {
                let tally = &mut self.tally;
                let count = wire.receive(|arrival| {
                    let found = match openers.get_mut(&arrival.port) {
                        Some(opener) => {
                            let mut packet = arrival.bytes.to_owned();
                            opener.rtp(&mut packet).ok().and_then(|length| payload::read(&packet[..length]))
                        }
                        None => payload::read(arrival.bytes),
                    };
                    match found {
                        Some((mark, numbering)) => tally.received(arrival.at, arrival.port, mark, numbering),
                        None => tally.damaged(),
                    }
                })?;
                if count < BATCH {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Nanoseconds since 1970, as the kernel stamps arrivals.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, nanoseconds)
}

/// Batches received before the next look at what is due.
const TURNS: usize = 16;
