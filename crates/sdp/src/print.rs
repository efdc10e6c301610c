//! Our descriptions as text.

use std::fmt::Write;

use sdp_types::Media;

use crate::crypto::Offered;
use crate::{Agreement, Capabilities, Codec, Direction, Lines, Local, Session};

/// An offer of one audio line with all that we can do among the lines that were declined before.
pub(crate) fn offer(
    lines: &Lines,
    capabilities: &Capabilities,
    local: &Local,
    offered: &Offered<'_>,
) -> String {
    let mut text = head(local);
    let codecs: Vec<_> =
        capabilities.codecs.iter().map(|&codec| (codec.static_payload_type(), codec)).collect();
    for line in &lines.before {
        line_out(&mut text, format_args!("{line}"));
    }
    let Capabilities { telephone_event, direction, .. } = *capabilities;
    audio(&mut text, offered.profile.name(), local.port, &codecs, telephone_event, direction);
    for line in offered.lines() {
        line_out(&mut text, format_args!("{line}"));
    }
    for line in &lines.after {
        line_out(&mut text, format_args!("{line}"));
    }
    text
}

/// An `m=` line with port 0.
pub(crate) fn declined(media: &Media) -> String {
    format!("m={} 0 {} {}", media.media, media.proto, media.fmt)
}

/// The answer that accepts the agreement's line of the offer, and no other.
pub(crate) fn answer(offer: &Session, agreement: &Agreement, local: &Local) -> String {
    let mut text = head(local);
    for line in offer.medias() {
        let media = line.media();
        if line.index() == agreement.line {
            let codecs = [(agreement.receive_payload_type, agreement.codec)];
            let event = agreement.telephone_event.map(|(_, receive)| receive);
            let direction = Direction { sends: agreement.send, receives: agreement.receive };
            audio(&mut text, &media.proto, local.port, &codecs, event, direction);
            if let Some(srtp) = &agreement.srtp {
                line_out(&mut text, format_args!("{}", srtp.answer()));
            }
        } else {
            line_out(&mut text, format_args!("{}", declined(media)));
        }
    }
    text
}

fn head(local: &Local) -> String {
    let family = if local.address.is_ipv6() { "IP6" } else { "IP4" };
    let mut text = String::with_capacity(320);
    line_out(&mut text, format_args!("v=0"));
    line_out(
        &mut text,
        format_args!("o=- {} {} IN {family} {}", local.session_id, local.version, local.address),
    );
    line_out(&mut text, format_args!("s=-"));
    line_out(&mut text, format_args!("c=IN {family} {}", local.address));
    line_out(&mut text, format_args!("t=0 0"));
    text
}

fn audio(
    text: &mut String,
    proto: &str,
    port: u16,
    codecs: &[(u8, Codec)],
    event: Option<u8>,
    direction: Direction,
) {
    let formats: Vec<_> =
        codecs.iter().map(|(payload_type, _)| *payload_type).chain(event).map(|pt| pt.to_string()).collect();
    line_out(text, format_args!("m=audio {port} {proto} {}", formats.join(" ")));
    for (payload_type, codec) in codecs {
        line_out(text, format_args!("a=rtpmap:{payload_type} {}/8000", codec.name()));
    }
    if let Some(event) = event {
        line_out(text, format_args!("a=rtpmap:{event} telephone-event/8000"));
        line_out(text, format_args!("a=fmtp:{event} 0-15"));
    }
    line_out(text, format_args!("a=ptime:20"));
    line_out(text, format_args!("a={}", direction.name()));
}

fn line_out(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let written = write!(text, "{line}\r\n");
    debug_assert!(written.is_ok());
}
