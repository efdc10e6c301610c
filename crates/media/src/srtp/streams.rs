//! The streams of a far side, each known by an authenticated packet.

use super::window::Window;

/// The eight that were heard last. A far side has one or two at a time, and another SSRC after a transfer or an announcement.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Streams {
    /// Counts what was heard.
    time: u64,
    streams: [Stream; MOST],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
struct Stream {
    ssrc: u32,
    /// 0: none.
    heard: u64,
    rtp: Window,
    rtcp: Window,
}

/// What is known of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Known {
    pub(super) rtp: Window,
    pub(super) rtcp: Window,
}

impl Streams {
    /// Empty windows for one that was not heard.
    pub(super) fn get(&self, ssrc: u32) -> Known {
        let known = self.streams.iter().find(|stream| stream.heard != 0 && stream.ssrc == ssrc);
        known.map_or_else(Known::default, |stream| Known { rtp: stream.rtp, rtcp: stream.rtcp })
    }

    /// Authenticated. The one that was silent for longest gives way to a ninth.
    pub(super) fn set(&mut self, ssrc: u32, known: Known) {
        self.time += 1;
        let Known { rtp, rtcp } = known;
        let own = self.streams.iter().position(|stream| stream.heard != 0 && stream.ssrc == ssrc);
        let place = own.or_else(|| {
            let heard = self.streams.iter().enumerate().min_by_key(|(_, stream)| stream.heard);
            heard.map(|(place, _)| place)
        });
        if let Some(stream) = place.and_then(|place| self.streams.get_mut(place)) {
            *stream = Stream { ssrc, rtp, rtcp, heard: self.time };
        }
    }
}

const MOST: usize = 8;
