//! One direction of a bridge: a packet of one leg becomes a packet of the other, in place.
//!
//! Losses and reorderings of the incoming stream stay visible in the outgoing one; a change of the incoming stream does not.

use std::ops::Range;
use std::time::Instant;

use crate::command::Remote;
use crate::egress::Egress;
use crate::g711;
use crate::ingress::Arrival;
use crate::packet::{HEADER, Header, Stamp, sequence_distance};

/// How packets are rewritten. Flat, and all that a packet needs.
#[derive(Debug)]
pub(crate) struct Relay {
    audio: [Translation; 3],
    event: Option<Translation>,
    numbering: Option<Numbering>,
}

#[derive(Debug)]
struct Translation {
    receive: u8,
    send: u8,
    transcoder: Option<&'static [u8; 256]>,
}

/// The incoming numbers plus these are the outgoing ones.
#[derive(Debug)]
struct Numbering {
    sequence: u16,
    timestamp: u32,
    /// Incoming numbers before it belong to an earlier numbering.
    first: u16,
    highest: u16,
}

impl Relay {
    pub(crate) fn new(from: &Remote, to: &Remote) -> Self {
        Self {
            audio: from.audio().map(|(receive, codec)| Translation {
                receive,
                send: to.send_payload_type,
                transcoder: g711::transcoder(codec, to.codec),
            }),
            event: from
                .telephone_event
                .zip(to.telephone_event)
                .map(|((_, receive), (send, _))| Translation { receive, send, transcoder: None }),
            numbering: None,
        }
    }

    /// Renegotiated: other payload types, the same run of numbers.
    pub(crate) fn renegotiate(&mut self, from: &Remote, to: &Remote) {
        *self = Self { numbering: self.numbering.take(), ..Self::new(from, to) };
    }

    /// Rewrites the packet and says which part of it to send; `None` when the other leg has no use for it.
    pub(crate) fn forward(
        &mut self,
        now: Instant,
        arrival: Arrival,
        header: &Header,
        packet: &mut [u8],
        egress: &mut Egress,
    ) -> Option<Range<usize>> {
        let Self { audio, event, numbering } = self;
        let is_event = event.as_ref().is_some_and(|event| event.receive == header.payload_type);
        let translation = match event {
            Some(event) if is_event => Some(&*event),
            Some(_) | None => audio.iter().find(|audio| audio.receive == header.payload_type),
        };
        let Some(translation) = translation else {
            self.skip(arrival, header);
            return None;
        };
        let numbering = match numbering {
            Some(known) if arrival == Arrival::Continues && known.is_continued_by(egress) => known,
            // Late, and what it belongs before has been sent already.
            Some(known)
                if arrival == Arrival::Continues
                    && sequence_distance(known.highest, header.sequence) <= 0 =>
            {
                return None;
            }
            Some(_) | None => {
                let marked = Numbering::begin(now, header, egress);
                let stamp = Stamp {
                    marker: true,
                    payload_type: translation.send,
                    sequence: egress.next_sequence(),
                    timestamp: header.timestamp.wrapping_add(marked.timestamp),
                    ssrc: egress.ssrc(),
                };
                egress.sent(now, stamp.sequence, stamp.timestamp);
                *numbering = Some(marked);
                return write(&stamp, translation, header, packet);
            }
        };
        if sequence_distance(numbering.first, header.sequence) < 0 {
            return None;
        }
        let stamp = Stamp {
            marker: header.marker,
            payload_type: translation.send,
            sequence: header.sequence.wrapping_add(numbering.sequence),
            timestamp: header.timestamp.wrapping_add(numbering.timestamp),
            ssrc: egress.ssrc(),
        };
        if sequence_distance(numbering.highest, header.sequence) > 0 {
            numbering.highest = header.sequence;
            if is_event {
                egress.sent_event(now, stamp.sequence, stamp.timestamp);
            } else {
                egress.sent(now, stamp.sequence, stamp.timestamp);
            }
            // A long call wraps the sequence numbers; nothing that old is still under way.
            if sequence_distance(numbering.first, numbering.highest) > REACH {
                numbering.first = numbering.highest.wrapping_sub(REACH.cast_unsigned());
            }
        }
        write(&stamp, translation, header, packet)
    }

    /// Nothing goes to the other leg, which holds, or a digit does: this packet leaves no gap in what it gets later, and neither do those that are
    /// lost meanwhile.
    pub(crate) fn pause(&mut self, arrival: Arrival, header: &Header) {
        self.leave_out(arrival, header, u16::MAX);
    }

    /// A packet that is not for the other leg leaves no gap in what it gets; when it begins another stream, the next one does.
    pub(crate) fn skip(&mut self, arrival: Arrival, header: &Header) {
        self.leave_out(arrival, header, 1);
    }

    /// Closes the gap up to this packet, if it is of so many at the most.
    fn leave_out(&mut self, arrival: Arrival, header: &Header, most: u16) {
        match arrival {
            Arrival::Starts => self.numbering = None,
            Arrival::Continues | Arrival::Stray => {}
        }
        if let Some(numbering) = &mut self.numbering
            && let Ok(ahead @ 1..) = u16::try_from(sequence_distance(numbering.highest, header.sequence))
            && ahead <= most
        {
            numbering.highest = header.sequence;
            numbering.sequence = numbering.sequence.wrapping_sub(ahead);
            numbering.first = header.sequence.wrapping_add(1);
        }
    }
}

impl Numbering {
    fn begin(now: Instant, header: &Header, egress: &Egress) -> Self {
        Self {
            sequence: egress.next_sequence().wrapping_sub(header.sequence),
            timestamp: egress.fresh_timestamp(now).wrapping_sub(header.timestamp),
            first: header.sequence,
            highest: header.sequence,
        }
    }

    /// False when something else was sent in between: a dialled digit, an agent's audio.
    fn is_continued_by(&self, egress: &Egress) -> bool {
        self.highest.wrapping_add(self.sequence).wrapping_add(1) == egress.next_sequence()
    }
}

/// The header goes right before the payload, over what extensions and contributing sources there were.
fn write(
    stamp: &Stamp,
    translation: &Translation,
    header: &Header,
    packet: &mut [u8],
) -> Option<Range<usize>> {
    let Range { start, end } = header.payload;
    let begin = start.checked_sub(HEADER)?;
    packet.get_mut(begin..start)?.copy_from_slice(&stamp.bytes());
    if let Some(table) = translation.transcoder {
        g711::map(table, packet.get_mut(start..end)?);
    }
    Some(begin..end)
}

/// How far back in sequence a packet may come and still be passed on.
const REACH: i16 = 1000;
